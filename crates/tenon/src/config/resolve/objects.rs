//! Settings of the outside store.

use toml::Value;
use wire::Secret;

use super::{Reader, size, text};
use crate::config::ObjectsConfig;

/// Settings that say nothing without `objects.store`.
const DETAILS: [&str; 5] = [
    "objects.endpoint",
    "objects.region",
    "objects.access_key_id",
    "objects.secret_access_key",
    "objects.cache",
];
/// The least that holds a few objects while they are read.
const MIN_CACHE_BYTES: u64 = 64 << 20;

/// The outside store, if one is named.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<ObjectsConfig> {
    if !reader.layers.values.contains_key("objects.store") {
        for path in DETAILS {
            if reader.layers.values.contains_key(path) {
                reader.problem(path, "says nothing without objects.store");
            }
        }
        return None;
    }
    if reader.need("ephemeral", super::flag, false) {
        // Its rows would go, and the bytes that they name would stay.
        reader.problem("objects.store", "cannot be combined with ephemeral = true");
    }
    let place = reader.get("objects.store", place);
    let key =
        match (reader.get("objects.access_key_id", text), reader.get("objects.secret_access_key", secret)) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => {
                reader.problem("objects.secret_access_key", "is needed with objects.access_key_id");
                None
            }
            (None, Some(_)) => {
                reader.problem("objects.access_key_id", "is needed with objects.secret_access_key");
                None
            }
        };
    let cache_bytes = reader.need("objects.cache", size, MIN_CACHE_BYTES);
    if cache_bytes < MIN_CACHE_BYTES {
        reader.problem("objects.cache", "must be at least 64MiB");
    }
    let (endpoint, region) =
        (reader.get("objects.endpoint", endpoint), reader.need("objects.region", text, String::new()));
    let (bucket, prefix) = place?;
    Some(ObjectsConfig { bucket, prefix, endpoint, region, key, cache_bytes })
}

/// Bucket and prefix.
fn place(value: &Value) -> Result<(String, String), String> {
    let text = text(value)?;
    let fits = |name: &str| {
        name.len() >= 3 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let rest = text.strip_prefix("s3://");
    let (bucket, prefix) = rest.map_or(("", ""), |rest| rest.split_once('/').unwrap_or((rest, "")));
    if !fits(bucket) {
        return Err(format!("{text:?} is not a place such as s3://bucket/prefix"));
    }
    Ok((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

/// An address may hold a password, so it is not repeated.
fn endpoint(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest.map(|rest| rest.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['@', '/', '?', '#']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("an address such as http://127.0.0.1:9000 or https://s3.example.com is expected".to_owned()),
    }
}

fn secret(value: &Value) -> Result<Secret, String> {
    text(value).map(Secret::new)
}
