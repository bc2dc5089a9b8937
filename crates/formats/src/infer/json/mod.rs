//! JSON: lines, arrays and documents of objects.

pub(super) mod shape;

use super::{InferOptions, Inferred};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::hive::MAX_NESTING;
use crate::input::Input;
use crate::json::frame::{Frame, frame};
use crate::json::layout::detect_layout;
use crate::json::leading_space;
use crate::json::lex::{Failure, Parsed, Parser};
use crate::json::path::JsonPath;
use crate::options::{BadRecords, Format, JsonLayout, JsonOptions};

use shape::{Members, fields};

/// What text that may be JSON was found to be.
pub(super) enum Verdict {
    /// JSON.
    Json(Box<Inferred>),
    /// Something else that only begins like JSON; with what speaks against JSON.
    Other(Option<FormatError>),
}

/// What the sample gave.
#[derive(Default)]
struct Found {
    columns: Members,
    /// Whether names that differ in case only are different.
    tells_case_apart: bool,
    /// Per column, the records that had a value there.
    seen: Vec<u64>,
    records: u64,
    bytes: u64,
    bad: Vec<FormatError>,
    bad_count: u64,
    /// Line breaks of the text that was let go.
    lines: u64,
    /// Whether the JSON path leads to a list, be it empty.
    has_list: bool,
}

/// Infers JSON. Needs one whole record, however long. Errors: text that is JSON beyond doubt and cannot be taken.
pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Verdict, FormatError> {
    let path = match &options.format {
        Some(Format::Json(known)) => known.path.as_ref(),
        _ => None,
    };
    let tells_case_apart =
        options.keep_case && matches!(&options.format, Some(Format::Json(known)) if !known.case_insensitive);
    let layout = if path.is_some() { JsonLayout::Documents } else { detect_layout(input).await? };
    let mut found;
    let mut end;
    loop {
        found = Found { tells_case_apart, ..Found::default() };
        end = look(input, layout, path, false, &mut found);
        let looks_on = options.skips_bad && input.pending().len() < options.sample_bytes;
        let enough = found.records > 0 || (found.bad_count > 0 && !looks_on);
        if enough || !input.more().await? {
            break;
        }
    }
    let certain = begins_with_object(input.pending());
    if options.whole {
        end = rest(input, layout, path, end, &mut found).await?;
    }
    // Mostly broken lines are some other text that happens to hold a few objects.
    if found.bad_count > found.records && !(options.skips_bad && found.records > 0) {
        let first = found.bad.into_iter().next();
        return match first {
            Some(error) if certain => Err(error),
            error => Ok(Verdict::Other(error)),
        };
    }
    if input.at_eof() && !end.closed {
        if found.records == 0 && !certain && layout != JsonLayout::Array {
            return Ok(Verdict::Other(None));
        }
        return Err(unterminated(input, layout, end.at, found.lines));
    }
    if found.records == 0 {
        return Err(FormatError::new(input.name(), without_records(path, found.has_list)));
    }
    if found.seen.is_empty() {
        let found = "JSON objects without members".to_owned();
        return Err(FormatError::new(input.name(), Problem::NoRecords { found }));
    }
    Ok(Verdict::Json(Box::new(describe(input, layout, found, end.at, compression, options))))
}

/// What a file without any record is.
fn without_records(path: Option<&JsonPath>, has_list: bool) -> Problem {
    match path {
        Some(path) if has_list => {
            Problem::NoRecords { found: format!("an empty list at the JSON path {}", path.as_str()) }
        }
        Some(path) => Problem::NothingAtPath { path: path.as_str().to_owned() },
        None => Problem::NoRecords { found: "an empty JSON array".to_owned() },
    }
}

/// Where looking at a sample ended.
struct End {
    at: usize,
    /// Whether no array or object is open there.
    closed: bool,
    /// Whether the outermost array is.
    in_array: bool,
}

/// Takes in all whole records of the window.
fn look(
    input: &Input,
    layout: JsonLayout,
    path: Option<&JsonPath>,
    in_array: bool,
    found: &mut Found,
) -> End {
    match layout {
        JsonLayout::Lines | JsonLayout::Auto => {
            End { at: lines(input, found), closed: true, in_array: false }
        }
        JsonLayout::Array | JsonLayout::Documents => framed(input, layout, path, in_array, found),
    }
}

/// Goes on to the end of the file, and lets go of what was looked at.
async fn rest(
    input: &mut Input,
    layout: JsonLayout,
    path: Option<&JsonPath>,
    mut end: End,
    found: &mut Found,
) -> Result<End, FormatError> {
    loop {
        found.lines += memchr::memchr_iter(b'\n', &input.pending()[..end.at]).count() as u64;
        input.consume(end.at);
        end.at = 0;
        let grown = input.more().await?;
        if !grown && input.pending().is_empty() {
            return Ok(end);
        }
        end = look(input, layout, path, end.in_array, found);
        if !grown {
            return Ok(end);
        }
    }
}

fn unterminated(input: &Input, layout: JsonLayout, at: usize, lines: u64) -> FormatError {
    let what = if layout == JsonLayout::Array { "array" } else { "object" };
    let mut error = FormatError::new(input.name(), Problem::UnterminatedJson { what });
    let before = memchr::memchr_iter(b'\n', &input.pending()[..at]).count() as u64;
    error.place.line = Some(lines + before + 1);
    error
}

/// Whether the text begins as only JSON does: an object whose first name is in quotes, perhaps in an array.
fn begins_with_object(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"[").unwrap_or(text).trim_ascii_start();
    let Some(inner) = text.strip_prefix(b"{") else { return false };
    matches!(inner.trim_ascii_start().first(), Some(b'"' | b'}'))
}

fn describe(
    input: &Input,
    layout: JsonLayout,
    found: Found,
    end: usize,
    compression: Compression,
    options: &InferOptions,
) -> Inferred {
    let records = found.records;
    let mut problems = found.bad;
    let fields = fields(input, found.columns, &found.seen, records, options, &mut problems);
    Inferred {
        format: Format::Json(JsonOptions { layout, ..JsonOptions::default() }),
        compression,
        fields,
        records,
        record_bytes: found.bytes,
        complete: input.at_eof() && end == input.pending().len(),
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: super::certainty(records, found.bad_count),
        problems,
    }
}

/// Takes one record in. It is looked at twice, so that a broken one leaves no columns behind (one with names that repeat
/// does: its columns are no less columns).
fn add(input: &Input, at: usize, record: &[u8], found: &mut Found) {
    found.bytes += record.len() as u64;
    match learn(record, found) {
        Ok(()) => found.records += 1,
        Err(failure) => {
            found.bad_count += 1;
            if found.bad.len() < BadRecords::MAX_EXAMPLES {
                let mut error =
                    FormatError::new(input.name(), failure.problem(record, |_| "value".to_owned()));
                let before = memchr::memchr_iter(b'\n', &input.pending()[..at]).count();
                error.place.line = Some(found.lines + before as u64 + 1);
                error.place.offset = Some(input.offset() + at as u64);
                found.bad.push(error);
            }
        }
    }
}

fn learn(record: &[u8], found: &mut Found) -> Parsed<()> {
    let options = JsonOptions { case_insensitive: !found.tells_case_apart, ..JsonOptions::default() };
    let text = std::str::from_utf8(record)
        .map_err(|e| Failure::Syntax { expected: "valid UTF-8", at: e.valid_up_to() })?;
    // The record itself is one level, and a column's type begins at level 0.
    let parser = || Parser::new(text, &options).with_depth(MAX_NESTING + 1);
    let mut first = parser();
    if first.peek() != Some(b'{') {
        return Err(Failure::Syntax { expected: "an object", at: first.position() });
    }
    first.skip()?;
    if first.peek().is_some() {
        return Err(Failure::Syntax { expected: "nothing behind the object", at: first.position() });
    }
    let Found { columns, seen, .. } = found;
    columns.observe(&mut parser(), |place, has_value| {
        if place == seen.len() {
            seen.push(0);
        }
        seen[place] += u64::from(has_value);
    })
}

fn lines(input: &Input, found: &mut Found) -> usize {
    let sample = input.pending();
    let mut at = 0;
    while at < sample.len() {
        let line = match memchr::memchr(b'\n', &sample[at..]) {
            Some(len) => &sample[at..at + len],
            None if input.at_eof() => &sample[at..],
            None => break,
        };
        let mut within = 0;
        while within < line.len() {
            within += leading_space(&line[within..]);
            if within == line.len() {
                break;
            }
            let len = match frame(&line[within..], true) {
                Frame::Value(len) => len,
                Frame::Open => line.len() - within,
            };
            add(input, at + within, &line[within..within + len], found);
            within += len;
        }
        at += line.len() + 1;
    }
    at.min(sample.len())
}

/// Takes in the records within one document, where `path` leads.
fn selected(input: &Input, at: usize, document: &[u8], path: &JsonPath, found: &mut Found) {
    let options = JsonOptions::default();
    let places = match std::str::from_utf8(document) {
        Ok(text) => path.select(&mut Parser::new(text, &options)),
        // The whole is looked at as a record, which says what is wrong with it.
        Err(_) => Ok(std::iter::once(0..document.len()).collect()),
    };
    match places {
        Ok(places) => {
            found.has_list |= places.is_empty() && path.leads_to_list(document);
            for place in places {
                add(input, at + place.start, &document[place], found);
            }
        }
        Err(_) => add(input, at, document, found),
    }
}

fn framed(
    input: &Input,
    layout: JsonLayout,
    path: Option<&JsonPath>,
    in_array: bool,
    found: &mut Found,
) -> End {
    let sample = input.pending();
    let is_array = layout == JsonLayout::Array;
    let mut at = 0;
    let mut open = in_array;
    loop {
        at += leading_space(&sample[at..]);
        match sample.get(at) {
            None => return End { at, closed: !open, in_array: open },
            Some(b'[') if is_array && !open => {
                open = true;
                at += 1;
            }
            Some(b',') if is_array => at += 1,
            Some(b']') if is_array => {
                open = false;
                at += 1;
            }
            Some(_) => {
                let Frame::Value(len) = frame(&sample[at..], input.at_eof()) else {
                    return End { at, closed: false, in_array: open };
                };
                match path {
                    Some(path) => selected(input, at, &sample[at..at + len], path, found),
                    None => add(input, at, &sample[at..at + len], found),
                }
                at += len;
            }
        }
    }
}
