//! Virtual-host addressing: the bucket in a host name.
//!
//! The server is called by its base hosts (`localhost`, `localhost.localstack.cloud`, whatever the configuration adds).
//! `bucket.<base>`, `bucket.s3.<base>` and `bucket.s3.<region>.<base>` (or `s3-<region>`) name a bucket; `<base>`,
//! `s3.<base>`, an IP address and any other host do not.

use std::net::IpAddr;

use http::Request;

use crate::sigv4;

/// Hosts that a server on this machine is called by; clients resolve `*.localhost` to loopback.
pub(crate) const DEFAULT_HOSTS: &[&str] = &["localhost", "localhost.localstack.cloud", "s3.amazonaws.com"];

/// The bucket that a `Host` header names.
pub(crate) fn bucket(host: &str, bases: &[String]) -> Option<String> {
    let host = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    if host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok() {
        return None;
    }
    let fitting = bases.iter().filter_map(|base| {
        let rest = host.strip_suffix(base.to_ascii_lowercase().as_str())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_suffix('.') }
    });
    // The longest base leaves the shortest rest.
    let rest = fitting.min_by_key(|rest| rest.len())?;
    let bucket = without_service(rest);
    (!bucket.is_empty()).then(|| bucket.to_owned())
}

/// Whether a request's host names a bucket; `bases` are the hosts that the server is called by, without port. Such a
/// request is S3's whatever its path: every path may be the key of an object.
pub fn names_bucket<B>(request: &Request<B>, bases: &[String]) -> bool {
    let host = sigv4::named_host(request.headers(), request.uri());
    host.is_some_and(|host| bucket(host, bases).is_some())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Takes `s3`, `s3.<region>`, `s3-<region>` (also dual-stack) off the end.
fn without_service(rest: &str) -> &str {
    let labels: Vec<&str> = rest.split('.').collect();
    let is_s3 = |label: &&str| *label == "s3" || (label.starts_with("s3-") && looks_like_region(&label[3..]));
    let Some(at) = labels.iter().rposition(is_s3) else { return rest };
    let after = &labels[at + 1..];
    let is_service_end = match after {
        [] => true,
        [region] => looks_like_region(region) || *region == "dualstack",
        ["dualstack", region] => looks_like_region(region),
        _ => false,
    };
    if !is_service_end {
        return rest;
    }
    let kept: usize = labels[..at].iter().map(|label| label.len() + 1).sum();
    rest[..kept].trim_end_matches('.')
}

/// `us-east-1` and the like.
fn looks_like_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_in_hosts() {
        let bases: Vec<String> = DEFAULT_HOSTS
            .iter()
            .map(|host| (*host).to_owned())
            .chain(["tenon.example:80".to_owned(), "lake.example".to_owned()])
            .collect();
        for (host, expected) in [
            ("localhost", None),
            ("localhost:4566", None),
            ("LocalHost:4566", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
            ("::1", None),
            ("b.localhost:4566", Some("b")),
            ("my.dotted.bucket.localhost", Some("my.dotted.bucket")),
            ("s3.localhost", None),
            ("b.s3.localhost", Some("b")),
            ("s3.localhost.localstack.cloud:4566", None),
            ("b.s3.localhost.localstack.cloud:4566", Some("b")),
            ("b.localhost.localstack.cloud", Some("b")),
            ("b.s3.eu-west-1.localhost.localstack.cloud", Some("b")),
            ("s3.eu-west-1.localhost", None),
            ("b.s3-eu-west-1.localhost", Some("b")),
            ("s3-data.localhost", Some("s3-data")),
            ("x.s3.y.localhost", Some("x.s3.y")),
            ("elsewhere.example", None),
            ("b.lake.example", Some("b")),
            ("lake.example", None),
            ("notlake.example", None),
            ("b.s3.amazonaws.com", Some("b")),
            ("", None),
        ] {
            assert_eq!(bucket(host, &bases).as_deref(), expected, "{host}");
        }
    }
}
