//! AWS Signature Version 4: who sent a request, and is it what they signed.
//!
//! Owns verification of the `Authorization` header and of presigned queries, the account and region of a caller, the
//! forms of `x-amz-content-sha256`, and the signer that our own command line uses. Bodies are checked while they are
//! read: [`Admitted::request`] carries a body that fails at its end when hash, chunk signature, trailer signature or
//! length are wrong, so a reader must commit nothing before the end of the body.
//!
//! Invariants:
//! - In mode [`Auth::SigV4`] nothing is let in that a known key has not signed: host, and every `x-amz-*` header, among
//!   what is signed. Signatures are compared in constant time. Requests older or newer than fifteen minutes are refused.
//! - In mode [`Auth::Open`] any credentials or none are let in; account and region still come from the credential scope,
//!   and all that can be checked without a secret still is: payload hashes, chunk lengths, trailers.
//! - No secret, and no derived key, is in any error, `Debug` output or log.
//!
//! Omitted on purpose: Signature Version 2 and 4A (refused with a text that says so), replay caches (AWS has none).

mod canonical;
mod claim;
mod error;
mod keyring;
mod payload;
mod sign;
#[cfg(test)]
mod tests;
mod time;

use http::Request;
use http::request::Parts;
use subtle::ConstantTimeEq;

pub use canonical::Dialect;
pub(crate) use canonical::{host, named_host, sha256};
pub use claim::{Credential, credential};
pub use error::{AuthError, Family};
pub use keyring::{Key, Keyring, Secret};
pub use sign::{Signer, presign, sign};

use crate::body::Body;
use crate::budget::Share;
use claim::{Claim, Presented};
use payload::Form;

/// How far a request's time may be from the server's, in milliseconds.
pub const MAX_SKEW_MS: i64 = 15 * 60 * 1000;
/// The account of callers whose access key id is not itself an account.
pub const DEFAULT_ACCOUNT: &str = "000000000000";
/// The region of callers that name none.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Who is let in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Anybody: for servers on loopback only.
    Open,
    /// Those whose requests are signed by a key of the keyring.
    SigV4(Keyring),
}

/// Who sent a request, and for which account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Access key id; `None` for an anonymous request.
    pub access_key: Option<String>,
    /// Twelve digits.
    pub account: String,
    /// A region's name, such as `us-east-1`.
    pub region: String,
    /// Whether the request came as a presigned URL.
    pub presigned: bool,
}

/// A request that may go on.
#[derive(Debug)]
pub struct Admitted {
    /// Who sent it.
    pub caller: Caller,
    /// The request; aws-chunked framing is gone from its body, and `aws-chunked` from its `Content-Encoding`.
    pub request: Request<Body>,
    /// Bytes of the decoded payload, where announced.
    pub content_length: Option<u64>,
}

impl Auth {
    /// Verifies a request and prepares its body.
    ///
    /// `now_ms` is epoch milliseconds. For services other than S3 the whole body is read first, `buffer_limit` bytes
    /// at most, because its hash is part of the signature (mode `Open` reads nothing). Errors: see [`AuthError`]; the
    /// body has then been dropped or partly read.
    pub async fn admit(
        &self,
        request: Request<Body>,
        dialect: Dialect,
        now_ms: i64,
        buffer_limit: u64,
    ) -> Result<Admitted, AuthError> {
        self.admit_shared(request, dialect, now_ms, buffer_limit, &mut Share::alone()).await
    }

    /// [`Auth::admit`] within what requests may hold together. Errors: also `Body(Busy)`.
    pub(crate) async fn admit_shared(
        &self,
        request: Request<Body>,
        dialect: Dialect,
        now_ms: i64,
        buffer_limit: u64,
        share: &mut Share,
    ) -> Result<Admitted, AuthError> {
        let (parts, body) = request.into_parts();
        canonical::check_host(&parts)?;
        match self {
            Self::Open => open(parts, body, dialect),
            Self::SigV4(keyring) => {
                let buffer = Buffer { limit: buffer_limit, share };
                verified(keyring, parts, body, dialect, now_ms, buffer).await
            }
        }
    }
}

fn open(parts: Parts, body: Body, dialect: Dialect) -> Result<Admitted, AuthError> {
    let scope = credential(&parts);
    let other_id = match claim::presented(&parts) {
        Presented::Other { access_key_id, .. } => access_key_id,
        _ => None,
    };
    let access_key = scope.as_ref().map(|scope| scope.access_key_id.clone()).or(other_id);
    let caller = Caller {
        account: account(None, access_key.as_deref()),
        region: region(scope.as_ref().map_or("", |scope| &scope.region))?,
        presigned: matches!(claim::presented(&parts), Presented::Query(_)),
        access_key,
    };
    let form = match dialect {
        Dialect::S3 => Form::of(&parts.headers)?.unwrap_or(Form::Unsigned),
        Dialect::Generic => Form::Unsigned,
    };
    if dialect == Dialect::S3 {
        payload::check_plain(&parts, &body, &form)?;
    }
    payload::admitted(caller, parts, body, form, None)
}

/// How much of a body may be read into memory.
struct Buffer<'a> {
    limit: u64,
    share: &'a mut Share,
}

async fn verified(
    keyring: &Keyring,
    parts: Parts,
    mut body: Body,
    dialect: Dialect,
    now_ms: i64,
    buffer: Buffer<'_>,
) -> Result<Admitted, AuthError> {
    let claim = match claim::presented(&parts) {
        Presented::Nothing => return Err(AuthError::Missing),
        Presented::Other { mechanism, .. } => return Err(AuthError::Unsupported { mechanism }),
        Presented::Both => return Err(AuthError::Ambiguous),
        Presented::Header(fields) => claim::from_header(&fields, &parts.headers)?,
        Presented::Query(pairs) => claim::from_query(&pairs)?,
    };
    let key = known_key(keyring, &claim, now_ms)?;
    check_time(&claim, now_ms)?;
    check_signed_headers(&parts, &claim)?;
    let (form, signed_payload) = match dialect {
        Dialect::S3 => payload::s3(&parts.headers, &claim)?,
        Dialect::Generic => {
            let bytes = body.read_shared(buffer.limit, buffer.share).await?;
            let hash = hex::encode(canonical::sha256(&bytes));
            body = bytes.into();
            (Form::Unsigned, hash)
        }
    };
    let credential = &claim.credential;
    let signing_key =
        canonical::signing_key(key.secret.expose(), &credential.day, &credential.region, &credential.service);
    check_signature(&parts, &claim, &signed_payload, dialect, &signing_key)?;
    let caller = Caller {
        account: account(key.account.as_deref(), Some(&credential.access_key_id)),
        region: region(&credential.region)?,
        presigned: claim.expires_s.is_some(),
        access_key: Some(credential.access_key_id.clone()),
    };
    if dialect == Dialect::S3 {
        payload::check_plain(&parts, &body, &form)?;
    }
    payload::admitted(caller, parts, body, form, Some((signing_key, &claim)))
}

fn known_key(keyring: &Keyring, claim: &Claim, now_ms: i64) -> Result<Key, AuthError> {
    let id = &claim.credential.access_key_id;
    let key = keyring.get(id).ok_or_else(|| AuthError::UnknownKey { access_key_id: id.clone() })?;
    match (&key.session_token, &claim.token) {
        (None, None) => {}
        (Some(expected), Some(sent)) if *expected == Secret::new(sent.clone()) => {}
        _ => return Err(AuthError::BadToken),
    }
    match key.expires_ms {
        Some(end_ms) if end_ms <= now_ms => Err(AuthError::ExpiredToken),
        _ => Ok(key),
    }
}

fn check_time(claim: &Claim, now_ms: i64) -> Result<(), AuthError> {
    let age_ms = now_ms.saturating_sub(claim.time_ms);
    match claim.expires_s {
        Some(_) if age_ms < -MAX_SKEW_MS => Err(AuthError::PresignNotYet),
        Some(life_s) if age_ms > i64::try_from(life_s).unwrap_or(i64::MAX).saturating_mul(1000) => {
            Err(AuthError::PresignExpired)
        }
        None if age_ms.abs() > MAX_SKEW_MS => Err(AuthError::Skewed {
            request: claim.time.clone(),
            server: time::basic(now_ms),
            past: age_ms > 0,
        }),
        _ => Ok(()),
    }
}

/// Host must be signed, and every `x-amz-*` header that came along.
fn check_signed_headers(parts: &Parts, claim: &Claim) -> Result<(), AuthError> {
    let is_signed = |name: &str| claim.signed_headers.iter().any(|signed| signed == name);
    if !is_signed("host") {
        return Err(AuthError::NotSigned { header: "host".to_owned() });
    }
    for name in parts.headers.keys() {
        let name = name.as_str();
        // A presigned URL leaves the payload free, whatever its sender says about it.
        let free = claim.expires_s.is_some() && name == "x-amz-content-sha256";
        if name.starts_with("x-amz-") && !free && !is_signed(name) {
            return Err(AuthError::NotSigned { header: name.to_owned() });
        }
    }
    Ok(())
}

fn check_signature(
    parts: &Parts,
    claim: &Claim,
    payload: &str,
    dialect: Dialect,
    key: &ring::hmac::Key,
) -> Result<(), AuthError> {
    let digest = canonical::request_digest(parts, &claim.signed_headers, payload, dialect)
        .map_err(|header| AuthError::NotSigned { header })?;
    let string_to_sign = canonical::string_to_sign(&claim.time, &claim.credential.scope(), &digest);
    let expected = canonical::signature(key, &string_to_sign);
    if bool::from(expected.as_bytes().ct_eq(claim.signature.as_bytes())) {
        return Ok(());
    }
    Err(AuthError::SignatureMismatch {
        access_key_id: claim.credential.access_key_id.clone(),
        provided: claim.signature.clone(),
        string_to_sign,
    })
}

/// The account of a key: its own, or the one that its id is, or the default.
fn account(own: Option<&str>, access_key: Option<&str>) -> String {
    let is_account = |id: &&str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    let named = |id| issued(id).map(|(account, _)| account).or(Some(id).filter(is_account));
    own.or(access_key.and_then(named)).unwrap_or(DEFAULT_ACCOUNT).to_owned()
}

/// How the ids of keys begin that this server issues and tells from all others, where it lets anybody in.
const ISSUED: &str = "TENONRUN";

/// An access key id for an account of twelve digits, made different from all others by `random`.
pub fn issued_id(account: &str, random: &str) -> String {
    format!("{ISSUED}{account}{random}")
}

/// The account and the rest of an id of [`issued_id`]; none for any other.
pub fn issued(access_key_id: &str) -> Option<(&str, &str)> {
    let (account, rest) = access_key_id.strip_prefix(ISSUED)?.split_at_checked(12)?;
    account.bytes().all(|byte| byte.is_ascii_digit()).then_some((account, rest))
}

/// Whether a text has the form of a region code: 1 to 32 lower-case letters, digits and hyphens, a letter first. The
/// services' own rows have the same rule; what passes here passes there.
pub fn is_region(text: &str) -> bool {
    text.len() <= 32
        && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The region of a scope. Region-less scopes (empty, `*`, the SDKs' `aws-global`) mean the default region.
fn region(text: &str) -> Result<String, AuthError> {
    if matches!(text, "" | "*" | "aws-global") {
        return Ok(DEFAULT_REGION.to_owned());
    }
    if is_region(text) {
        return Ok(text.to_owned());
    }
    Err(AuthError::HeaderMalformed { what: format!("the region '{text}' is wrong") })
}
