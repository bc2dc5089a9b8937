//! The client's side: signs requests that our own command line sends.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::canonical::{self, Dialect};
use super::claim::ALGORITHM;
use super::keyring::Secret;
use super::time;

/// Everything but AWS's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who signs, and for what.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Access key id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// Token of temporary credentials.
    pub session_token: Option<String>,
    /// Region of the request.
    pub region: String,
    /// Signing name of the service, such as `glue`.
    pub service: String,
}

impl Signer {
    fn dialect(&self) -> Dialect {
        if self.service == "s3" { Dialect::S3 } else { Dialect::Generic }
    }

    fn scope(&self, now: &str) -> String {
        format!("{}/{}/{}/aws4_request", day(now), self.region, self.service)
    }

    fn signature(
        &self,
        parts: &Parts,
        names: &[String],
        payload: &str,
        now: &str,
    ) -> Result<String, SignError> {
        let digest = canonical::request_digest(parts, names, payload, self.dialect())
            .map_err(|header| SignError::MissingHeader { header })?;
        let key = canonical::signing_key(self.secret.expose(), day(now), &self.region, &self.service);
        Ok(canonical::signature(&key, &canonical::string_to_sign(now, &self.scope(now), &digest)))
    }
}

/// A request that cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The request has no `host` header and no authority in its URI.
    #[error("the request has no {header} header")]
    MissingHeader {
        /// Name of the header.
        header: String,
    },
    /// An access key id, region or token that fits in no header.
    #[error("credentials hold characters that HTTP does not allow")]
    Credentials,
}

fn day(now: &str) -> &str {
    now.get(..8).unwrap_or_default()
}

/// Adds `x-amz-date`, `x-amz-content-sha256` (S3 only), `x-amz-security-token` and `authorization` to a request whose
/// whole body is `body`. Signs `host`, `content-type` and all `x-amz-*` headers.
pub fn sign(parts: &mut Parts, body: &[u8], signer: &Signer, now_ms: i64) -> Result<(), SignError> {
    let now = time::basic(now_ms);
    let payload = hex::encode(canonical::sha256(body));
    let text = |value: &str| HeaderValue::from_str(value).map_err(|_| SignError::Credentials);
    parts.headers.insert("x-amz-date", text(&now)?);
    if signer.dialect() == Dialect::S3 {
        parts.headers.insert("x-amz-content-sha256", text(&payload)?);
    }
    if let Some(token) = &signer.session_token {
        let mut value = text(token)?;
        value.set_sensitive(true);
        parts.headers.insert("x-amz-security-token", value);
    }
    let mut names: Vec<String> =
        parts.headers.keys().filter(|name| is_signed(name)).map(ToString::to_string).collect();
    names.push("host".to_owned());
    names.sort();
    names.dedup();
    let signature = signer.signature(parts, &names, &payload, &now)?;
    let value = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        signer.access_key_id,
        signer.scope(&now),
        names.join(";")
    );
    parts.headers.insert("authorization", text(&value)?);
    Ok(())
}

fn is_signed(name: &HeaderName) -> bool {
    name == "content-type" || name == "content-md5" || name.as_str().starts_with("x-amz-")
}

/// Turns a request of no signed body into a presigned URL that lives for `expires_s` seconds (a week at most).
/// `parts` needs a `host` header or an authority in its URI.
pub fn presign(parts: &mut Parts, signer: &Signer, expires_s: u32, now_ms: i64) -> Result<(), SignError> {
    let now = time::basic(now_ms);
    let encode = |value: &str| utf8_percent_encode(value, QUERY).to_string();
    let credential = format!("{}/{}", signer.access_key_id, signer.scope(&now));
    let mut query = parts.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
    query.push_str(&format!(
        "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={now}&X-Amz-Expires={expires_s}\
         &X-Amz-SignedHeaders=host",
        encode(&credential)
    ));
    if let Some(token) = &signer.session_token {
        query.push_str(&format!("&X-Amz-Security-Token={}", encode(token)));
    }
    set_query(parts, &query)?;
    let empty_hash;
    let payload = match signer.dialect() {
        Dialect::S3 => "UNSIGNED-PAYLOAD",
        Dialect::Generic => {
            empty_hash = hex::encode(canonical::sha256(b""));
            &empty_hash
        }
    };
    let signature = signer.signature(parts, &["host".to_owned()], payload, &now)?;
    query.push_str(&format!("&X-Amz-Signature={signature}"));
    set_query(parts, &query)
}

fn set_query(parts: &mut Parts, query: &str) -> Result<(), SignError> {
    let mut uri = parts.uri.clone().into_parts();
    let path = format!("{}?{query}", parts.uri.path());
    uri.path_and_query = Some(path.parse().map_err(|_| SignError::Credentials)?);
    parts.uri = Uri::from_parts(uri).map_err(|_| SignError::Credentials)?;
    Ok(())
}
