//! The canonical request, the string to sign and the key derivation of Signature Version 4.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request"; Amazon S3 API Reference, "Authenticating Requests".
//! Two dialects differ in the path alone: S3 encodes the decoded path once and keeps it as it is; every other service
//! removes dot segments and repeated slashes from the path as sent and encodes that once more.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use ring::{digest, hmac};

use super::error::AuthError;

/// How the path enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Amazon S3.
    S3,
    /// Every other service.
    Generic,
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `bytes` in AWS's URI encoding: unreserved characters stay, the rest becomes `%XY` in upper case.
fn encode(bytes: &[u8], keep_slash: bool, out: &mut String) {
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || (keep_slash && byte == b'/');
        if plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn canonical_path(path: &str, dialect: Dialect) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    match dialect {
        Dialect::S3 => {
            let decoded: Vec<u8> = percent_decode_str(path).collect();
            encode(&decoded, true, &mut out);
        }
        Dialect::Generic => encode(normalised(path).as_bytes(), true, &mut out),
    }
    if out.is_empty() {
        out.push('/');
    }
    out
}

/// Removes `.`, `..` and empty segments; a trailing slash stays.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let mut out = format!("/{}", kept.join("/"));
    if path.ends_with('/') && !kept.is_empty() {
        out.push('/');
    }
    out
}

/// Decoded and encoded again, sorted by name, then value; the signature's own parameter left out.
fn canonical_query(query: &str) -> String {
    let recode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(&text.replace('+', " ")).collect();
        let mut out = String::with_capacity(text.len());
        encode(&decoded, false, &mut out);
        out
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recode(name), recode(value))
        })
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    let joined: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    joined.join("&")
}

/// The host that a request is for: its `Host` header, or the authority of its target (HTTP/2's `:authority`, HTTP/1's
/// absolute form). What is signed, what is routed by and what handlers see is this one text; where both are present they
/// agree, see [`check_host`].
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    named_host(&parts.headers, &parts.uri)
}

/// [`host`] of a request that is still whole.
pub(crate) fn named_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = headers.get(HOST).and_then(|value| value.to_str().ok());
    header.map(str::trim).or_else(|| uri.authority().map(Authority::as_str))
}

/// Refuses requests that name several hosts: a signature covers one of them, and another could be served.
/// Sources: RFC 9112 §3.2 (one `Host`), RFC 9113 §8.3.1 (a `Host` unlike `:authority` is malformed).
pub(super) fn check_host(parts: &Parts) -> Result<(), AuthError> {
    let mut sent = parts.headers.get_all(HOST).iter();
    let (Some(header), None) = (sent.next(), sent.next()) else {
        let count = parts.headers.get_all(HOST).iter().count();
        return if count == 0 { Ok(()) } else { Err(AuthError::Hosts) };
    };
    let header = header.to_str().map_err(|_| AuthError::Hosts)?.trim();
    match parts.uri.authority() {
        Some(authority) if !authority.as_str().eq_ignore_ascii_case(header) => Err(AuthError::Hosts),
        _ => Ok(()),
    }
}

/// Trims, folds inner runs of spaces into one, and joins repeated headers by commas; `None` when absent.
fn canonical_value(parts: &Parts, name: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut found = false;
    for value in parts.headers.get_all(name) {
        if found {
            out.push(b',');
        }
        found = true;
        let words = value.as_bytes().split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
    if !found && name == "host" {
        return host(parts).map(|host| host.as_bytes().to_vec());
    }
    found.then_some(out)
}

/// The SHA-256 of the canonical request, or the name of a signed header that the request lacks.
pub(crate) fn request_digest(
    parts: &Parts,
    signed_headers: &[String],
    payload: &str,
    dialect: Dialect,
) -> Result<[u8; 32], String> {
    let mut text = Vec::with_capacity(512);
    let line = |text: &mut Vec<u8>, bytes: &[u8]| {
        text.extend_from_slice(bytes);
        text.push(b'\n');
    };
    line(&mut text, parts.method.as_str().as_bytes());
    line(&mut text, canonical_path(parts.uri.path(), dialect).as_bytes());
    line(&mut text, canonical_query(parts.uri.query().unwrap_or_default()).as_bytes());
    for name in signed_headers {
        let value = canonical_value(parts, name).ok_or_else(|| name.clone())?;
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        line(&mut text, &value);
    }
    text.push(b'\n');
    line(&mut text, signed_headers.join(";").as_bytes());
    text.extend_from_slice(payload.as_bytes());
    Ok(sha256(&text))
}

/// What is signed for a request.
pub(crate) fn string_to_sign(time: &str, scope: &str, request_digest: &[u8]) -> String {
    format!("{}\n{time}\n{scope}\n{}", super::claim::ALGORITHM, hex::encode(request_digest))
}

/// The key for one day, region and service.
pub(crate) fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [day, region, service, "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

/// The hexadecimal signature of a text.
pub(crate) fn signature(key: &hmac::Key, text: &str) -> String {
    hex::encode(hmac::sign(key, text.as_bytes()))
}

/// SHA-256 of bytes in memory.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, s3, generic) in [
            ("/", "/", "/"),
            ("", "/", "/"),
            ("/a//b/./c/../d/", "/a//b/./c/../d/", "/a/b/d/"),
            ("/a%20b%2Fc", "/a%20b/c", "/a%2520b%252Fc"),
            ("/test$file.text", "/test%24file.text", "/test%24file.text"),
            ("/~user/(x)", "/~user/%28x%29", "/~user/%28x%29"),
            ("/../..", "/../..", "/"),
        ] {
            assert_eq!(canonical_path(path, Dialect::S3), s3, "{path}");
            assert_eq!(canonical_path(path, Dialect::Generic), generic, "{path}");
        }
    }

    #[test]
    fn queries() {
        assert_eq!(canonical_query(""), "");
        assert_eq!(canonical_query("lifecycle"), "lifecycle=");
        assert_eq!(canonical_query("prefix=J&max-keys=2"), "max-keys=2&prefix=J");
        assert_eq!(canonical_query("b=2&a=z&a=b&X-Amz-Signature=ff"), "a=b&a=z&b=2");
        assert_eq!(canonical_query("k=a/b%2fc&e=%C3%A4~*"), "e=%C3%A4~%2A&k=a%2Fb%2Fc");
        // Sorted by name before the value: a name that is another's prefix comes first.
        assert_eq!(canonical_query("a1=x&a=y&a-b=z"), "a=y&a-b=z&a1=x");
    }

    /// The key derivation example of the AWS General Reference.
    #[test]
    fn key_derivation() {
        let key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam");
        let text = hmac::sign(&key, b"");
        assert_eq!(text.as_ref().len(), 32);
        // The derived key is published, the signature under it is not: sign with the published bytes to compare.
        let published = hex::decode("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d")
            .expect("hexadecimal");
        let reference = hmac::Key::new(hmac::HMAC_SHA256, &published);
        assert_eq!(text.as_ref(), hmac::sign(&reference, b"").as_ref());
    }
}
