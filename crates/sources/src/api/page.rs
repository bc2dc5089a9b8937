//! One reply: what it is, and its records.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_8};
use serde_json::value::RawValue;

use super::target::Format;
use crate::http::Reply;

/// The records of a page, and what the page says about the next one.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// JSON: an object per line, as the server wrote it. CSV: the lines.
    pub(super) text: Vec<u8>,
    /// JSON: objects. CSV: lines.
    pub(super) records: u64,
    /// What is at the path that paging looks at.
    pub(super) pointer: Option<String>,
    /// Whether there was anything at that path, such as null.
    pub(super) pointed: bool,
    /// Something that somebody should know.
    pub(super) remark: Option<String>,
}

/// Reads a page of JSON where parsing holds up nobody; gives the body back.
pub(super) async fn json_apart(
    body: Vec<u8>,
    records: Vec<String>,
    pointer_path: Option<Vec<String>>,
    first: bool,
) -> (Vec<u8>, Result<Page, String>) {
    let parsed = tokio::task::spawn_blocking(move || {
        let page = json(&body, &records, pointer_path.as_deref(), first);
        (body, page)
    });
    // Only a defect of the parser ends the task otherwise.
    parsed.await.unwrap_or_else(|_| (Vec::new(), Err("the reply could not be examined".to_owned())))
}

/// What a reply is: as it was said, else by its header, else by its first byte. Errors: neither JSON nor CSV.
pub(super) fn format(reply: &Reply, stated: Option<Format>) -> Result<Format, String> {
    let encoding = reply.headers.get("content-encoding").and_then(|value| value.to_str().ok());
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(format!("the reply is compressed ({encoding}), which nobody asked for"));
    }
    let kind = reply.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = reply.body.trim_ascii_start();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    let head = text[..text.len().min(15)].to_ascii_lowercase();
    if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") || kind == "text/html" {
        return Err("the reply is a page of HTML, neither JSON nor CSV".to_owned());
    }
    let is_json = kind == "application/json" || kind.ends_with("+json") || kind.contains("ndjson");
    if let Some(stated) = stated {
        if stated == Format::Csv
            && (is_json || [b"[{".as_slice(), b"{\""].iter().any(|start| head.starts_with(start)))
        {
            return Err("it is JSON, and the target's Format is csv".to_owned());
        }
        return Ok(stated);
    }
    if kind == "text/csv" || kind == "text/tab-separated-values" {
        return Ok(Format::Csv);
    }
    if is_json || matches!(text.first(), Some(b'{' | b'[')) {
        return Ok(Format::Json);
    }
    if text.first() == Some(&b'<') {
        return Err("the reply is XML, neither JSON nor CSV".to_owned());
    }
    Err(format!(
        "the reply is neither JSON nor CSV as far as it says (Content-Type {kind:?}): give the target's Format"
    ))
}

/// Makes a body UTF-8 that its header says is of another encoding. Errors: an encoding that is unknown, or not the body's.
pub(super) fn decode(reply: &mut Reply) -> Result<(), String> {
    let kind = reply.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let Some(label) = charset.map(|(_, label)| label.trim().trim_matches('"')) else { return Ok(()) };
    let encoding = Encoding::for_label(label.as_bytes())
        .ok_or_else(|| format!("its Content-Type names the encoding {label:?}, which is not known"))?;
    if encoding != UTF_8 {
        let (text, _, malformed) = encoding.decode(&reply.body);
        if malformed {
            return Err(format!("it is not the {label} that its Content-Type names"));
        }
        reply.body = text.into_owned().into_bytes();
    }
    Ok(())
}

/// What is at a path of names; `None` where a name is missing.
fn find<'a>(document: &'a RawValue, path: &[String]) -> Result<Option<&'a RawValue>, String> {
    let mut at = document;
    for name in path {
        if !at.get().starts_with('{') {
            return Ok(None);
        }
        let members: HashMap<String, &'a RawValue> =
            serde_json::from_str(at.get()).map_err(|error| bad_json(&error))?;
        match members.get(name) {
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn bad_json(error: &serde_json::Error) -> String {
    match error.is_eof() {
        true => format!("the JSON is cut short: {error}"),
        false => format!("it is no JSON: {error}"),
    }
}

/// A text or number, as text; nothing for null, empty texts and `false`. Errors: something else.
fn pointer(found: &RawValue, path: &[String]) -> Result<Option<String>, String> {
    let wrong = || format!("{} holds neither a text nor a number", path.join("."));
    let text = match serde_json::from_str(found.get()).map_err(|error| bad_json(&error))? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(_) => found.get().to_owned(),
        serde_json::Value::Null | serde_json::Value::Bool(false) => return Ok(None),
        _ => return Err(wrong()),
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Reads a page of JSON: the records at `records`, and what is at `pointer_path`. `first`: nothing there is an error.
fn json(
    body: &[u8],
    records: &[String],
    pointer_path: Option<&[String]>,
    first: bool,
) -> Result<Page, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("the reply is not UTF-8: {error}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut page = Page::default();
    let mut documents = 0;
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let document = document.map_err(|error| bad_json(&error))?;
        documents += 1;
        match find(document, records)?.filter(|found| found.get() != "null") {
            Some(found) => take(found, &mut page)?,
            None if first => return Err(format!("nothing is at RecordPath {}", records.join("."))),
            None => {}
        }
        if let Some(path) = pointer_path
            && let Some(found) = find(document, path)?
        {
            page.pointer = pointer(found, path)?.or(page.pointer);
            page.pointed = true;
        }
        page.remark = if records.is_empty() && documents == 1 { hint(document)? } else { None };
    }
    match documents {
        0 => Err("the reply is empty".to_owned()),
        _ => Ok(page),
    }
}

/// An object without a path given is one record; but perhaps somebody meant a list in it, or it is no record but a message.
fn hint(document: &RawValue) -> Result<Option<String>, String> {
    if !document.get().starts_with('{') {
        return Ok(None);
    }
    let mut lists = Vec::new();
    lists_in(document, &mut Vec::new(), &mut lists)?;
    let meant = match lists.as_slice() {
        [path] => format!("; RecordPath {path:?} would make its list the records"),
        _ => String::new(),
    };
    Ok(Some(format!("the reply is one object, and so one record{meant}")))
}

/// Paths of the lists in objects, and in objects in these.
fn lists_in(document: &RawValue, path: &mut Vec<String>, lists: &mut Vec<String>) -> Result<(), String> {
    const DEPTH: usize = 3;
    let members: HashMap<String, &RawValue> =
        serde_json::from_str(document.get()).map_err(|error| bad_json(&error))?;
    for (name, value) in members {
        path.push(name);
        match value.get().as_bytes().first() {
            Some(b'[') => lists.push(path.join(".")),
            Some(b'{') if path.len() < DEPTH => lists_in(value, path, lists)?,
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

/// Adds an object, or the objects of a list.
fn take(found: &RawValue, page: &mut Page) -> Result<(), String> {
    if !found.get().starts_with('[') {
        return add(found, page);
    }
    let items: Vec<&RawValue> = serde_json::from_str(found.get()).map_err(|error| bad_json(&error))?;
    items.into_iter().try_for_each(|item| add(item, page))
}

/// White space between tokens is all that can hold a line break: texts escape theirs.
fn add(record: &RawValue, page: &mut Page) -> Result<(), String> {
    let text = record.get();
    if !text.starts_with('{') {
        return Err(format!("record {} is no JSON object", page.records + 1));
    }
    page.text.extend(text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    page.text.push(b'\n');
    page.records += 1;
    Ok(())
}

/// Reads a page of CSV. `header`: the first line of the first page, which later pages may repeat. Errors: a later page has
/// another header, whose columns would be taken for those of the first.
pub(super) fn csv(body: &[u8], header: Option<&[u8]>) -> Result<Page, String> {
    let mut lines = body;
    if let Some(header) = header {
        lines = lines.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lines);
        let end = lines.iter().position(|byte| *byte == b'\n').unwrap_or(lines.len());
        let (first, header) = (lines[..end].trim_ascii_end(), header.trim_ascii_end());
        if first == header {
            lines = &lines[(end + 1).min(lines.len())..];
        } else if is_header_like(first, header) {
            let shown = |line: &[u8]| String::from_utf8_lossy(line).chars().take(200).collect::<String>();
            return Err(format!(
                "its header is {:?}, that of the first page is {:?}",
                shown(first),
                shown(header)
            ));
        }
    }
    let mut page = Page { text: lines.to_vec(), ..Page::default() };
    page.records = records_of(lines);
    if page.text.last().is_some_and(|byte| *byte != b'\n') {
        page.text.push(b'\n');
    }
    Ok(page)
}

/// Lines that are not blank; a line break between quotes ends none.
fn records_of(lines: &[u8]) -> u64 {
    let (mut records, mut is_quoted, mut is_blank) = (0, false, true);
    for byte in lines {
        match byte {
            b'"' => (is_quoted, is_blank) = (!is_quoted, false),
            b'\n' if !is_quoted => {
                records += u64::from(!is_blank);
                is_blank = true;
            }
            byte => is_blank &= byte.is_ascii_whitespace(),
        }
    }
    records + u64::from(!is_blank)
}

/// Whether at least half of a line's fields are names of the header.
fn is_header_like(line: &[u8], header: &[u8]) -> bool {
    let fields = |line: &[u8]| -> Vec<Vec<u8>> {
        let fields = line.split(|byte| b",;\t|".contains(byte));
        fields.map(|field| field.trim_ascii().to_ascii_lowercase()).collect()
    };
    let names = fields(header);
    let found = fields(line).into_iter().filter(|field| !field.is_empty() && names.contains(field)).count();
    found > 0 && found * 2 >= names.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_csv_have_one_header() {
        let text = |body: &[u8]| csv(body, Some(b"id,name\r")).map(|page| page.text);
        assert_eq!(text(b"id,name\n2,y").unwrap(), b"2,y\n");
        assert_eq!(text(b"2,y\n").unwrap(), b"2,y\n");
        assert!(text(b"name,id\ny,2\n").unwrap_err().contains("that of the first page"));
    }
}
