//! Metadata and tags: from requests, and back into replies.

use super::errors::{invalid_argument, malformed_xml};
use super::input::unescaped;
use lake::{Meta, ObjectInfo};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use wire::{Call, Document, Fault};

/// Most bytes of names and values of user metadata. Source: Amazon S3 User Guide, "Working with object metadata".
const MAX_USER_BYTES: usize = 2048;

/// Metadata of the object that a request describes. Errors: `MetadataTooLarge`, `InvalidTag`, `InvalidArgument`.
pub(super) fn from_call(call: &Call) -> Result<Meta, Fault> {
    let text = |member: &str| call.text(member).map(str::to_owned);
    let mut user = BTreeMap::new();
    for (name, value) in call.input.get("Metadata").and_then(Document::as_object).into_iter().flatten() {
        user.insert(name.to_lowercase(), value.as_str().unwrap_or_default().to_owned());
    }
    let bytes: usize = user.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_USER_BYTES {
        return Err(Fault::new(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", bytes as u64)
        .with("MaxSizeAllowed", MAX_USER_BYTES as u64));
    }
    let redirect = text("WebsiteRedirectLocation");
    if redirect
        .as_deref()
        .is_some_and(|to| !["/", "http://", "https://"].iter().any(|start| to.starts_with(start)))
    {
        let message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
        return Err(Fault::new("InvalidRedirectLocation", message));
    }
    Ok(Meta {
        content_type: text("ContentType"),
        content_encoding: text("ContentEncoding").and_then(|value| without_chunking(&value)),
        content_disposition: text("ContentDisposition"),
        content_language: text("ContentLanguage"),
        cache_control: text("CacheControl"),
        expires: text("Expires").or_else(|| call.header("expires").map(str::to_owned)),
        storage_class: text("StorageClass").filter(|class| class != "STANDARD"),
        website_redirect: redirect,
        user,
        tags: header_tags(call)?,
    })
}

/// `aws-chunked` is how the body came, not how the object is encoded.
fn without_chunking(value: &str) -> Option<String> {
    let kept: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|c| !c.is_empty() && !c.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Tags of the `x-amz-tagging` header, written as a query string.
fn header_tags(call: &Call) -> Result<BTreeMap<String, String>, Fault> {
    let Some(header) = call.text("Tagging") else { return Ok(BTreeMap::new()) };
    let wrong = || {
        let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters \
                       without tag name duplicates.";
        invalid_argument("x-amz-tagging", header, message)
    };
    let decode = |text: &str| unescaped(&text.replace('+', " ")).ok_or_else(wrong);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(wrong());
        }
        pairs.push((name, decode(value)?));
    }
    checked_tags(pairs)
}

/// Tags of a `Tagging` document.
pub(super) fn document_tags(call: &Call) -> Result<BTreeMap<String, String>, Fault> {
    let set = call.input.get("Tagging").and_then(|tagging| tagging.get("TagSet"));
    let mut pairs = Vec::new();
    for tag in set.and_then(Document::as_array).into_iter().flatten() {
        let text = |member: &str| tag.get(member).and_then(Document::as_str).map(str::to_owned);
        pairs.push((text("Key").ok_or_else(malformed_xml)?, text("Value").ok_or_else(malformed_xml)?));
    }
    checked_tags(pairs)
}

/// Source: Amazon S3 User Guide, "Categorizing your objects using tags": ten tags, keys of 128 and values of 256
/// characters, each key once, none of the `aws:` prefix.
fn checked_tags(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Fault> {
    if pairs.len() > 10 {
        return Err(Fault::new("BadRequest", "Object tags cannot be greater than 10"));
    }
    let invalid = |message: &str, key: &str| Fault::new("InvalidTag", message).with("TagKey", key);
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > 128 || key.to_lowercase().starts_with("aws:") {
            return Err(invalid("The TagKey you have provided is invalid", &key));
        }
        if value.chars().count() > 256 {
            return Err(invalid("The TagValue you have provided is invalid", &key));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid("Cannot provide multiple Tags with the same key", &key));
        }
    }
    Ok(tags)
}

pub(super) fn tag_set(tags: &BTreeMap<String, String>) -> Document {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// Adds an object's metadata to the reply of a read.
pub(super) fn describe(output: &mut Map<String, Document>, info: &ObjectInfo) {
    let meta = &info.meta;
    let content_type = meta.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned());
    output.insert("ContentType".into(), content_type.into());
    let texts = [
        ("ContentEncoding", &meta.content_encoding),
        ("ContentDisposition", &meta.content_disposition),
        ("ContentLanguage", &meta.content_language),
        ("CacheControl", &meta.cache_control),
        ("Expires", &meta.expires),
        ("StorageClass", &meta.storage_class),
        ("WebsiteRedirectLocation", &meta.website_redirect),
    ];
    for (member, value) in texts {
        if let Some(value) = value {
            output.insert(member.into(), value.clone().into());
        }
    }
    if !meta.user.is_empty() {
        output.insert("Metadata".into(), json!(meta.user));
    }
    if !meta.tags.is_empty() {
        output.insert("TagCount".into(), meta.tags.len().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunking_is_not_an_encoding() {
        assert_eq!(without_chunking("aws-chunked"), None);
        assert_eq!(without_chunking("aws-chunked,gzip").as_deref(), Some("gzip"));
        assert_eq!(without_chunking("gzip, AWS-CHUNKED, br").as_deref(), Some("gzip,br"));
    }

    #[test]
    fn tags_are_checked() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert!(checked_tags(vec![pair("a", "b"), pair("b", "")]).is_ok());
        for bad in [
            vec![pair("", "x")],
            vec![pair("aws:x", "x")],
            vec![pair("a", "1"), pair("a", "2")],
            vec![pair(&"k".repeat(129), "")],
            vec![pair("k", &"v".repeat(257))],
            (0..11).map(|n| pair(&n.to_string(), "")).collect(),
        ] {
            assert!(checked_tags(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
