//! What REST protocols bind to path, query, headers and status.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Map;

use super::timestamp::Format;
use super::{Malformed, scalar};
use crate::call::Document;
use crate::model::{Kind, Location, Member, Model, Shape};

/// The parts of a REST request outside its body, decoded from their escapes.
pub(crate) struct Parts<'a> {
    /// Labels of the operation's URI by their name in it.
    pub(crate) labels: &'a [(&'static str, String)],
    /// Query pairs in order.
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
}

/// Reads the bound members of a request.
pub(crate) fn decode(
    model: &Model,
    shape: &Shape,
    parts: &Parts<'_>,
) -> Result<Map<String, Document>, Malformed> {
    let mut out = Map::new();
    for member in &shape.members {
        let value = match member.at {
            None | Some(Location::Status) => None,
            Some(Location::Label) => label(model, member, parts)?,
            Some(Location::Query) => query(model, shape, member, parts)?,
            Some(Location::Header) => header(model, member, parts.headers)?,
            Some(Location::Headers) => prefixed(member, parts.headers),
        };
        if let Some(value) = value {
            out.insert(member.name.to_owned(), value);
        }
    }
    Ok(out)
}

fn label(model: &Model, member: &Member, parts: &Parts<'_>) -> Result<Option<Document>, Malformed> {
    let found = parts.labels.iter().find(|(name, _)| *name == member.wire_name());
    found.map(|(name, text)| read(model.shape(member.shape), name, text)).transpose()
}

fn read(shape: &Shape, name: &str, text: &str) -> Result<Document, Malformed> {
    scalar::read(shape, text).map_err(|error| error.argument(name, text))
}

fn query(
    model: &Model,
    parent: &Shape,
    member: &Member,
    parts: &Parts<'_>,
) -> Result<Option<Document>, Malformed> {
    let name = member.wire_name();
    let shape = model.shape(member.shape);
    let mut found = parts.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (shape.kind, &shape.member) {
        (Kind::List, Some(item)) => {
            let item = model.shape(item.shape);
            let values = found.map(|text| read(item, name, text)).collect::<Result<Vec<_>, _>>()?;
            Ok((!values.is_empty()).then_some(Document::Array(values)))
        }
        (Kind::Map, _) => {
            // A map takes every key that no other member is bound to.
            let bound = |key: &str| {
                let others = parent.members.iter().filter(|other| other.at == Some(Location::Query));
                others.into_iter().any(|other| other.name != member.name && other.wire_name() == key)
            };
            let rest = parts.query.iter().filter(|(key, _)| !bound(key));
            let map: Map<_, _> =
                rest.map(|(key, value)| (key.clone(), Document::from(value.as_str()))).collect();
            Ok((!map.is_empty()).then_some(Document::Object(map)))
        }
        (kind, _) => match found.next() {
            None => Ok(None),
            // `max-keys=` asks for nothing; for a text, empty is a value.
            Some("") if kind != Kind::String => Ok(None),
            Some(text) => read(shape, name, text).map(Some),
        },
    }
}

/// All values of a header as one text; bytes that are not UTF-8 are read as Latin-1.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut out: Option<String> = None;
    for value in headers.get_all(name) {
        let text = match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => text.to_owned(),
            Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
        };
        match &mut out {
            None => out = Some(text),
            Some(all) => {
                all.push(',');
                all.push_str(&text);
            }
        }
    }
    out
}

fn header(model: &Model, member: &Member, headers: &HeaderMap) -> Result<Option<Document>, Malformed> {
    let name = member.wire_name();
    let Some(text) = joined(headers, name) else { return Ok(None) };
    let shape = model.shape(member.shape);
    match (shape.kind, &shape.member) {
        (Kind::List, Some(item)) => {
            let item = model.shape(item.shape);
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let values = parts.map(|part| read(item, name, part)).collect::<Result<Vec<_>, _>>()?;
            Ok(Some(Document::Array(values)))
        }
        (Kind::String, _) => Ok(Some(Document::from(text))),
        _ if text.trim().is_empty() => Ok(None),
        (Kind::Timestamp, _) => match read(shape, name, &text) {
            Ok(value) => Ok(Some(value)),
            // RFC 9110, 13.1.3: a recipient ignores a conditional header whose date it cannot read.
            Err(_) if name.to_ascii_lowercase().starts_with("if-") => Ok(None),
            Err(error) => Err(error),
        },
        _ => read(shape, name, &text).map(Some),
    }
}

/// Headers with the member's prefix, by the rest of their (lower-case) name.
fn prefixed(member: &Member, headers: &HeaderMap) -> Option<Document> {
    let prefix = member.wire_name().to_ascii_lowercase();
    let mut out = Map::new();
    for name in headers.keys() {
        if let Some(rest) = name.as_str().strip_prefix(&prefix)
            && let Some(text) = joined(headers, name.as_str())
        {
            out.insert(rest.to_owned(), Document::from(text));
        }
    }
    (!out.is_empty()).then_some(Document::Object(out))
}

/// Writes the bound members of a reply into `headers`; returns the status that a member sets.
pub(crate) fn encode(
    model: &Model,
    shape: &Shape,
    document: &Document,
    headers: &mut HeaderMap,
    problems: &mut Vec<String>,
) -> Option<u16> {
    let mut status = None;
    for member in &shape.members {
        let value = match document.get(member.name) {
            None | Some(Document::Null) => continue,
            Some(value) => value,
        };
        match member.at {
            Some(Location::Status) => status = value.as_u64().and_then(|code| u16::try_from(code).ok()),
            Some(Location::Header) => put(model, member, value, headers, problems),
            Some(Location::Headers) => put_prefixed(member, value, headers, problems),
            None | Some(Location::Label | Location::Query) => {}
        }
    }
    status
}

fn put(
    model: &Model,
    member: &Member,
    value: &Document,
    headers: &mut HeaderMap,
    problems: &mut Vec<String>,
) {
    let shape = model.shape(member.shape);
    let text = |shape: &Shape, value: &Document| {
        scalar::write(shape, value, Format::of(member.time.or(shape.time), Format::Http))
    };
    let text = match (shape.kind, &shape.member, value) {
        (Kind::List, Some(item), Document::Array(values)) => {
            let item = model.shape(item.shape);
            values
                .iter()
                .map(|value| text(item, value))
                .collect::<Option<Vec<_>>>()
                .map(|parts| parts.join(","))
        }
        _ => text(shape, value),
    };
    let value = text.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
    match (HeaderName::from_bytes(member.wire_name().as_bytes()), value) {
        (Ok(name), Some(value)) => {
            headers.insert(name, value);
        }
        _ => problems.push(format!("{} does not fit into a header", member.name)),
    }
}

fn put_prefixed(member: &Member, value: &Document, headers: &mut HeaderMap, problems: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let name = format!("{}{key}", member.wire_name().to_ascii_lowercase());
        let value = value.as_str().and_then(|text| HeaderValue::from_str(&ascii(text)).ok());
        match (HeaderName::from_bytes(name.as_bytes()), value) {
            (Ok(name), Some(value)) => {
                headers.insert(name, value);
            }
            _ => problems.push(format!("{name} does not fit into a header")),
        }
    }
}

/// User metadata beyond visible ASCII is returned as an RFC 2047 encoded word.
/// Source: Amazon S3 User Guide, "Working with object metadata".
fn ascii(text: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    if text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;

    #[test]
    fn headers_query_and_labels() {
        let model = model::get("s3").unwrap();
        let shape = model.input(model.operation("GetObject").unwrap()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("range", HeaderValue::from_static("bytes=0-1"));
        headers.insert("if-modified-since", HeaderValue::from_static("Tue, 14 Nov 2023 22:13:20 GMT"));
        headers.insert("if-unmodified-since", HeaderValue::from_static("whenever"));
        let query =
            [("partNumber".to_owned(), "3".to_owned()), ("response-content-type".to_owned(), String::new())];
        let labels = [("Bucket", "b".to_owned()), ("Key", "a/b".to_owned())];
        let parts = Parts { labels: &labels, query: &query, headers: &headers };
        let decoded = Document::Object(decode(model, shape, &parts).unwrap());
        let expected = json!({"Bucket": "b", "IfModifiedSince": 1_700_000_000, "Key": "a/b", "Range": "bytes=0-1",
            "ResponseContentType": "", "PartNumber": 3});
        assert_eq!(decoded, expected);
        let query = [("partNumber".to_owned(), "x".to_owned())];
        let error =
            decode(model, shape, &Parts { labels: &labels, query: &query, headers: &headers }).unwrap_err();
        assert_eq!(error.argument, Some(("partNumber".to_owned(), "x".to_owned())));
    }

    #[test]
    fn reply_headers() {
        let model = model::get("s3").unwrap();
        let shape = model.output(model.operation("GetObject").unwrap()).unwrap();
        let document = json!({"ETag": "\"x\"", "LastModified": 1_700_000_000, "ContentLength": 5, "DeleteMarker": false,
            "Metadata": {"a": "plain", "b": "grün"}, "ContentType": "evil\r\nx: y"});
        let mut headers = HeaderMap::new();
        let mut problems = Vec::new();
        encode(model, shape, &document, &mut headers, &mut problems);
        assert_eq!(headers["last-modified"], "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(
            (headers["etag"].as_bytes(), headers["content-length"].as_bytes()),
            (&b"\"x\""[..], &b"5"[..])
        );
        assert_eq!(headers["x-amz-meta-a"], "plain");
        assert_eq!(headers["x-amz-meta-b"], "=?UTF-8?B?Z3LDvG4=?=");
        assert!(!headers.contains_key("content-type"));
        assert_eq!(problems.len(), 1);
    }
}
