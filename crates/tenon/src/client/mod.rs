//! The command line's own AWS client: JSON operations of a running server over plain HTTP.
//!
//! With `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` set, requests are signed (Signature Version 4); without, they
//! carry an unsigned credential scope, which a server in open mode reads account and region from. Redirects and retries
//! are left out on purpose: the server is ours and near.

mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use store::{Clock as _, SystemClock};
use wire::Secret;
use wire::sigv4::{DEFAULT_REGION, Signer, sign};

pub(crate) use error::ClientError;

/// Where a server listens when nobody says otherwise.
pub(crate) const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4566";
/// Longest reply that is read.
const MAX_REPLY_BYTES: usize = 256 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REPLY_TIMEOUT: Duration = Duration::from_secs(120);

/// A JSON service, as its requests name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonService {
    /// Signing name.
    pub(crate) name: &'static str,
    /// Prefix of `X-Amz-Target`.
    pub(crate) target: &'static str,
}

/// AWS Glue.
pub(crate) const GLUE: JsonService = JsonService { name: "glue", target: "AWSGlue" };
/// Amazon Athena.
pub(crate) const ATHENA: JsonService = JsonService { name: "athena", target: "AmazonAthena" };
/// Amazon CloudWatch Logs.
pub(crate) const LOGS: JsonService = JsonService { name: "logs", target: "Logs_20140328" };

/// Which server, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) keys: Option<Keys>,
}

/// Credentials to sign with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access_key_id: String,
    pub(crate) secret: Secret,
    pub(crate) session_token: Option<String>,
}

impl Target {
    /// From a flag, else the variables that AWS clients read.
    pub(crate) fn new(endpoint: Option<String>, environment: &BTreeMap<String, String>) -> Self {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let keys = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        Self {
            endpoint: endpoint
                .or_else(|| variable("AWS_ENDPOINT_URL"))
                .unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            keys: keys.map(|(access_key_id, secret)| Keys {
                access_key_id,
                secret: Secret::new(secret),
                session_token: variable("AWS_SESSION_TOKEN"),
            }),
        }
    }
}

/// A client of one server; keeps its connection open.
pub(crate) struct Client {
    target: Target,
    authority: String,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// Makes a client; connects with the first call. Errors: the endpoint is no `http://` address.
    pub(crate) fn new(target: Target) -> Result<Self, ClientError> {
        let bad = || ClientError::Endpoint { endpoint: target.endpoint.clone() };
        let uri: Uri = target.endpoint.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?.as_str().to_owned();
        if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
            return Err(bad());
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let http = HttpClient::builder(TokioExecutor::new()).build(connector);
        Ok(Self { target, authority, http })
    }

    /// The server's address.
    pub(crate) fn endpoint(&self) -> &str {
        &self.target.endpoint
    }

    /// The region of its requests.
    pub(crate) fn region(&self) -> &str {
        &self.target.region
    }

    /// Whose requests they are; `None` when they are not signed.
    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.target.keys.as_ref().map(|keys| keys.access_key_id.as_str())
    }

    /// Calls an operation of a JSON service. Errors: the server cannot be reached, refuses, or answers no JSON.
    pub(crate) async fn call(
        &self,
        service: JsonService,
        operation: &'static str,
        input: &Value,
    ) -> Result<Value, ClientError> {
        let body = Bytes::from(input.to_string());
        let mut request = self.request(Method::POST, "/", body.clone())?;
        let target = format!("{}.{operation}", service.target);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        headers.insert("x-amz-target", HeaderValue::from_str(&target).map_err(ClientError::request)?);
        let request = self.authorise(request, service.name, &body)?;
        let (status, bytes) = self.send(request).await?;
        if !status.is_success() {
            return Err(ClientError::fault(operation, status, &bytes));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Reply { what: operation, source: source.into() })
    }

    /// Sends an S3 request with a whole body in memory; `path` is encoded and may carry a query. Any status is an
    /// answer. Errors: the server cannot be reached.
    pub(crate) async fn s3(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(http::StatusCode, Bytes), ClientError> {
        let request = self.request(method, path, body.clone())?;
        self.send(self.authorise(request, "s3", &body)?).await
    }

    /// Makes a bucket in the client's region; one that is there already is fine. Errors: the server cannot be reached
    /// or refuses.
    pub(crate) async fn make_bucket(&self, bucket: &str) -> Result<(), ClientError> {
        let region = &self.target.region;
        // AWS's own rule: the default region is not named.
        let document = if region == DEFAULT_REGION {
            String::new()
        } else {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            )
        };
        let (status, body) = self.s3(Method::PUT, &format!("/{bucket}"), Bytes::from(document)).await?;
        if status.is_success() || status == http::StatusCode::CONFLICT {
            return Ok(());
        }
        Err(ClientError::fault("CreateBucket", status, &body))
    }

    /// Gets one of the operator's JSON documents.
    pub(crate) async fn get(&self, path: &'static str) -> Result<Value, ClientError> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        let (status, bytes) = self.send(request).await?;
        if !status.is_success() {
            return Err(ClientError::fault(path, status, &bytes));
        }
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Reply { what: path, source: source.into() })
    }

    /// Posts a document to one of the operator's endpoints, signed as for Glue.
    pub(crate) async fn post(&self, path: &'static str, input: &Value) -> Result<Value, ClientError> {
        let body = Bytes::from(input.to_string());
        let request = self.request(Method::POST, path, body.clone())?;
        let (status, bytes) = self.send(self.authorise(request, GLUE.name, &body)?).await?;
        if !status.is_success() {
            return Err(ClientError::fault(path, status, &bytes));
        }
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Reply { what: path, source: source.into() })
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
        let uri = format!("http://{}{path}", self.authority);
        Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, &self.authority)
            .body(Full::new(body))
            .map_err(ClientError::request)
    }

    fn authorise(
        &self,
        request: Request<Full<Bytes>>,
        service: &'static str,
        payload: &[u8],
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let now_ms = SystemClock.now_ms();
        let (mut parts, body) = request.into_parts();
        match &self.target.keys {
            Some(keys) => {
                let signer = Signer {
                    access_key_id: keys.access_key_id.clone(),
                    secret: keys.secret.clone(),
                    session_token: keys.session_token.clone(),
                    region: self.target.region.clone(),
                    service: service.to_owned(),
                };
                sign(&mut parts, payload, &signer, now_ms).map_err(ClientError::request)?;
            }
            None => {
                let day =
                    chrono::DateTime::from_timestamp_millis(now_ms).unwrap_or_default().format("%Y%m%d");
                let scope = format!("tenon/{day}/{}/{service}/aws4_request", self.target.region);
                let value =
                    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=unsigned");
                parts
                    .headers
                    .insert(AUTHORIZATION, HeaderValue::from_str(&value).map_err(ClientError::request)?);
            }
        }
        Ok(Request::from_parts(parts, body))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(http::StatusCode, Bytes), ClientError> {
        let unreachable = |source: wire::BoxError| ClientError::Unreachable {
            endpoint: self.target.endpoint.clone(),
            source,
        };
        let exchange = async {
            let response = self.http.request(request).await.map_err(|error| unreachable(error.into()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_REPLY_BYTES);
            Ok((status, body.collect().await.map_err(unreachable)?.to_bytes()))
        };
        tokio::time::timeout(REPLY_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|elapsed| Err(unreachable(elapsed.into())))
    }
}
