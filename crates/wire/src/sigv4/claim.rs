//! Reads what a request claims: its credential scope, signed headers, signature, times and session token.
//! Nothing is verified here.

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::error::AuthError;

/// The algorithm that is verified.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A presigned URL lives a week at most. Source: Amazon S3 API Reference, "Authenticating Requests: Using Query
/// Parameters".
const MAX_EXPIRES_S: u64 = 604_800;

/// The credential scope of a request: who signed, for which day, region and service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Access key id.
    pub access_key_id: String,
    /// Day, `yyyymmdd`.
    pub day: String,
    /// Region as sent; empty for the region-less scope of Signature Version 4A.
    pub region: String,
    /// Signing name of the service, such as `s3` or `glue`.
    pub service: String,
}

impl Credential {
    /// Parses `id/day/region/service/aws4_request`; the id may hold slashes.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(5, '/');
        let (end, service, region, day, id) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if end != "aws4_request" || id.is_empty() {
            return None;
        }
        Some(Self {
            access_key_id: id.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// The scope's text without the id.
    pub(crate) fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }
}

/// Everything needed to verify one request.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) credential: Credential,
    /// Lower-case names, as listed by the client.
    pub(crate) signed_headers: Vec<String>,
    /// Hexadecimal.
    pub(crate) signature: String,
    /// `yyyymmddThhmmssZ`.
    pub(crate) time: String,
    pub(crate) time_ms: i64,
    /// Set for a presigned URL: seconds of life.
    pub(crate) expires_s: Option<u64>,
    pub(crate) token: Option<String>,
}

/// The mechanism that a request uses.
pub(crate) enum Presented {
    Nothing,
    /// Not Signature Version 4 with HMAC; the access key id where it can be read.
    Other {
        mechanism: &'static str,
        access_key_id: Option<String>,
    },
    Header(String),
    Query(Vec<(String, String)>),
    Both,
}

/// The value of a header as text; `None` when absent or not visible ASCII.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The pairs of a query string, decoded; a value that is not UTF-8 is replaced lossily (it cannot verify then).
fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Looks which mechanism the request uses.
pub(crate) fn presented(parts: &Parts) -> Presented {
    let authorization = header(&parts.headers, "authorization").map(str::trim);
    let pairs = query_pairs(parts.uri.query().unwrap_or_default());
    let v4_query = find(&pairs, "X-Amz-Algorithm").is_some() || find(&pairs, "X-Amz-Credential").is_some();
    let v2_key = find(&pairs, "AWSAccessKeyId").filter(|_| find(&pairs, "Signature").is_some());
    match authorization {
        Some(_) if v4_query || v2_key.is_some() => Presented::Both,
        Some(text) if text == ALGORITHM || text.starts_with("AWS4-HMAC-SHA256 ") => {
            Presented::Header(text[ALGORITHM.len()..].to_owned())
        }
        Some(text) if text.starts_with("AWS4-ECDSA-P256-SHA256") => {
            let credential = text.split([' ', ',']).find_map(|part| part.strip_prefix("Credential="));
            let id = credential.and_then(|value| value.split('/').next()).map(str::to_owned);
            Presented::Other { mechanism: "Signature Version 4A", access_key_id: id }
        }
        Some(text) if text.starts_with("AWS ") => {
            let id = text[4..].trim().split(':').next().filter(|id| !id.is_empty()).map(str::to_owned);
            Presented::Other { mechanism: "Signature Version 2", access_key_id: id }
        }
        Some(_) => Presented::Other { mechanism: "This kind of Authorization header", access_key_id: None },
        None if v4_query => Presented::Query(pairs),
        None => match v2_key {
            Some(id) => {
                Presented::Other { mechanism: "Signature Version 2", access_key_id: Some(id.to_owned()) }
            }
            None => Presented::Nothing,
        },
    }
}

/// The credential scope of a request, for routing; `None` when there is none that can be read.
pub fn credential(parts: &Parts) -> Option<Credential> {
    match presented(parts) {
        Presented::Header(fields) => header_fields(&fields)
            .find(|(name, _)| *name == "Credential")
            .and_then(|(_, v)| Credential::parse(v)),
        Presented::Query(pairs) => find(&pairs, "X-Amz-Credential").and_then(Credential::parse),
        Presented::Both => {
            let mut alone = parts.clone();
            alone.uri = http::Uri::from_static("/");
            credential(&alone)
        }
        Presented::Other { .. } | Presented::Nothing => None,
    }
}

fn header_fields(fields: &str) -> impl Iterator<Item = (&str, &str)> {
    fields.split([',', ' ']).map(str::trim).filter_map(|field| field.split_once('='))
}

/// Parses the fields of an `Authorization: AWS4-HMAC-SHA256 …` header.
pub(crate) fn from_header(fields: &str, headers: &HeaderMap) -> Result<Claim, AuthError> {
    let malformed = |what: String| AuthError::HeaderMalformed { what };
    let field = |name: &str| {
        header_fields(fields)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
            .ok_or_else(|| malformed(format!("Authorization header requires '{name}' parameter.")))
    };
    let credential_text = field("Credential")?;
    let credential = Credential::parse(&credential_text).ok_or_else(|| {
        malformed(
            "the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .to_owned(),
        )
    })?;
    let (time, time_ms) = request_time(headers).ok_or_else(|| {
        malformed("Authorization header requires a valid 'X-Amz-Date' or a 'Date' header.".to_owned())
    })?;
    let claim = Claim {
        credential,
        signed_headers: signed_headers(&field("SignedHeaders")?),
        signature: field("Signature")?,
        time,
        time_ms,
        expires_s: None,
        token: header(headers, "x-amz-security-token").map(str::to_owned),
    };
    if claim.time.get(..8) != Some(claim.credential.day.as_str()) {
        let day = &claim.credential.day;
        return Err(malformed(format!(
            "Invalid credential date \"{day}\". This date is not the same as X-Amz-Date: \"{}\".",
            claim.time.get(..8).unwrap_or_default()
        )));
    }
    Ok(claim)
}

/// Parses the parameters of a presigned URL.
pub(crate) fn from_query(pairs: &[(String, String)]) -> Result<Claim, AuthError> {
    let malformed = |what: &str| AuthError::QueryMalformed { what: what.to_owned() };
    let need = |name: &str| {
        find(pairs, name).ok_or_else(|| {
            malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            )
        })
    };
    let algorithm = need("X-Amz-Algorithm")?;
    if algorithm == "AWS4-ECDSA-P256-SHA256" {
        return Err(AuthError::Unsupported { mechanism: "Signature Version 4A" });
    }
    if algorithm != ALGORITHM {
        return Err(malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
    }
    let credential = Credential::parse(need("X-Amz-Credential")?).ok_or_else(|| {
        malformed(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        )
    })?;
    let time = need("X-Amz-Date")?.to_owned();
    let time_ms = super::time::parse_basic(&time)
        .ok_or_else(|| malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
    let expires = need("X-Amz-Expires")?;
    let expires_s = match expires.parse::<i64>() {
        Err(_) => return Err(malformed("X-Amz-Expires should be a number")),
        Ok(seconds) if seconds < 0 => return Err(malformed("X-Amz-Expires must be non-negative")),
        Ok(seconds) => seconds.unsigned_abs(),
    };
    if expires_s > MAX_EXPIRES_S {
        return Err(malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds",
        ));
    }
    if time.get(..8) != Some(credential.day.as_str()) {
        return Err(malformed("Invalid credential date. This date is not the same as X-Amz-Date."));
    }
    Ok(Claim {
        credential,
        signed_headers: signed_headers(need("X-Amz-SignedHeaders")?),
        signature: need("X-Amz-Signature")?.to_owned(),
        time,
        time_ms,
        expires_s: Some(expires_s),
        token: find(pairs, "X-Amz-Security-Token").map(str::to_owned),
    })
}

fn signed_headers(list: &str) -> Vec<String> {
    list.split(';').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// `X-Amz-Date`, else `Date` in either format.
fn request_time(headers: &HeaderMap) -> Option<(String, i64)> {
    if let Some(text) = header(headers, "x-amz-date") {
        return super::time::parse_basic(text).map(|ms| (text.to_owned(), ms));
    }
    let text = header(headers, "date")?;
    let ms = super::time::parse_basic(text).or_else(|| super::time::parse_http(text))?;
    Some((super::time::basic(ms), ms))
}
