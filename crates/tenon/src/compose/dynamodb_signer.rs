//! Signs requests to the configured DynamoDB server with the signer of `wire`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request};
use sources::SourceError;
use sources::dynamodb::{DynamoDb, Sign, Unsigned};
use sources::http::Patience;
use store::Clock;
use wire::BoxError;
use wire::sigv4::{Signer, sign};

use crate::config::DynamoDbConfig;

/// Fills [`Sign`].
struct DynamoDbSigner {
    config: DynamoDbConfig,
    clock: Arc<dyn Clock>,
}

impl Sign for DynamoDbSigner {
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Vec<(String, String)>, BoxError> {
        let request = Request::post(unsigned.path).header(http::header::HOST, unsigned.host).body(())?;
        let (mut parts, ()) = request.into_parts();
        for (name, value) in unsigned.headers {
            parts.headers.insert(*name, HeaderValue::from_str(value)?);
        }
        let before: HeaderMap = parts.headers.clone();
        let signer = Signer {
            access_key_id: self.config.access_key_id.clone(),
            secret: self.config.secret.clone(),
            session_token: None,
            region: unsigned.region.to_owned(),
            service: "dynamodb".to_owned(),
        };
        sign(&mut parts, unsigned.body, &signer, self.clock.now_ms())?;
        let added = parts.headers.iter().filter(|(name, _)| !before.contains_key(*name));
        added.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned()))).collect()
    }
}

/// The client of the configured server.
///
/// # Errors
/// The system's certificates cannot be read.
pub(super) fn client(config: &DynamoDbConfig, clock: Arc<dyn Clock>) -> Result<DynamoDb, SourceError> {
    let signer = DynamoDbSigner { config: config.clone(), clock };
    DynamoDb::new(config.endpoint.clone(), Arc::new(signer), Patience::default())
}

#[cfg(test)]
mod tests {
    use store::TestClock;
    use url::Url;
    use wire::Secret;

    use super::*;

    #[test]
    fn what_is_signed_is_what_is_sent() {
        let config = DynamoDbConfig {
            endpoint: Url::parse("http://127.0.0.1:8000").expect("an address"),
            access_key_id: "AKID".to_owned(),
            secret: Secret::new("hunter2"),
        };
        let signer = DynamoDbSigner { config, clock: Arc::new(TestClock::new(1_440_938_160_000)) };
        let headers = [("x-amz-target", "DynamoDB_20120810.Scan".to_owned())];
        let unsigned = Unsigned {
            host: "127.0.0.1:8000",
            path: "/",
            region: "eu-west-1",
            headers: &headers,
            body: b"{}",
        };
        let signed = signer.sign(&unsigned).expect("signed");
        let value =
            |wanted: &str| signed.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(value("x-amz-date"), Some("20150830T123600Z"));
        let authorization = value("authorization").expect("a signature");
        assert!(authorization.contains("Credential=AKID/20150830/eu-west-1/dynamodb/aws4_request"));
        assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-target"), "{authorization}");
        assert!(!format!("{signed:?}").contains("hunter2"));
    }
}
