//! JSON: lines, arrays and documents of objects.

use serde_json::Value;

use super::types::make_unique;
use super::{InferOptions, Inferred, InferredField};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::Input;
use crate::json::frame::{Frame, frame};
use crate::json::read::detect_layout;
use crate::options::{BadRecords, Format, JsonLayout, JsonOptions};

/// What the values of one place have been so far.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Null,
    Bool,
    Int,
    BigInt,
    Double,
    String,
    Array(Box<Shape>),
    Struct(Vec<(String, Shape)>),
}

fn shape_of(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Bool,
        Value::Number(n) => match n.as_i64() {
            Some(i) if i32::try_from(i).is_ok() => Shape::Int,
            Some(_) => Shape::BigInt,
            // Beyond bigint: text keeps every digit.
            None if n.is_u64() => Shape::String,
            None => Shape::Double,
        },
        Value::String(_) => Shape::String,
        Value::Array(items) => Shape::Array(Box::new(items.iter().map(shape_of).fold(Shape::Null, merge))),
        Value::Object(members) => {
            let mut fields: Vec<(String, Shape)> = Vec::with_capacity(members.len());
            for (name, value) in members {
                add_field(&mut fields, name.clone(), shape_of(value));
            }
            Shape::Struct(fields)
        }
    }
}

/// Names that differ in case only are one column; it keeps its first spelling.
fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

fn add_field(fields: &mut Vec<(String, Shape)>, name: String, shape: Shape) {
    match fields.iter_mut().find(|(n, _)| same_name(n, &name)) {
        Some((_, known)) => *known = merge(std::mem::replace(known, Shape::Null), shape),
        None => fields.push((name, shape)),
    }
}

fn merge(a: Shape, b: Shape) -> Shape {
    use Shape as S;
    match (a, b) {
        (S::Null, other) | (other, S::Null) => other,
        (S::Int, S::Int) => S::Int,
        (S::Int | S::BigInt, S::Int | S::BigInt) => S::BigInt,
        (S::Int | S::BigInt | S::Double, S::Int | S::BigInt | S::Double) => S::Double,
        (S::Bool, S::Bool) => S::Bool,
        (S::Array(x), S::Array(y)) => S::Array(Box::new(merge(*x, *y))),
        (S::Struct(mut fields), S::Struct(more)) => {
            for (name, shape) in more {
                add_field(&mut fields, name, shape);
            }
            S::Struct(fields)
        }
        _ => S::String,
    }
}

fn hive(shape: Shape, options: &InferOptions) -> HiveType {
    match shape {
        Shape::Null | Shape::String => HiveType::String,
        Shape::Bool => HiveType::Boolean,
        Shape::Int => HiveType::Int,
        Shape::BigInt => HiveType::BigInt,
        Shape::Double => HiveType::Double,
        Shape::Array(item) => HiveType::Array(Box::new(hive(*item, options))),
        // Hive has no struct without fields.
        Shape::Struct(fields) if fields.is_empty() => HiveType::String,
        Shape::Struct(fields) => {
            let members = fields.into_iter().map(|(n, s)| (options.spelling(&n), hive(s, options)));
            HiveType::Struct(members.collect())
        }
    }
}

/// What the sample gave.
#[derive(Default)]
struct Found {
    /// Columns with the number of records that had a value there.
    fields: Vec<(String, Shape, u64)>,
    records: u64,
    bytes: u64,
    bad: Vec<FormatError>,
    bad_count: u64,
}

/// Infers JSON; `None` when the text is not JSON after all. Needs one whole record, however long.
pub(super) async fn infer(
    input: &mut Input,
    compression: Compression,
    options: &InferOptions,
) -> Result<Option<Inferred>, FormatError> {
    let layout = detect_layout(input).await?;
    let mut found;
    let mut end;
    loop {
        found = Found::default();
        end = match layout {
            JsonLayout::Lines | JsonLayout::Auto => lines(input, &mut found),
            JsonLayout::Array | JsonLayout::Documents => framed(input, layout, &mut found),
        };
        let enough = found.records + found.bad_count > 0;
        if enough || !input.more().await? {
            break;
        }
    }
    if found.records == 0 {
        // An array or object that never ends is JSON that is damaged; anything else may be another format.
        if found.bad_count == 0
            && layout == JsonLayout::Array
            && input.at_eof()
            && end < input.pending().len()
        {
            return Err(FormatError::new(input.name(), Problem::UnterminatedJson { what: "array" }));
        }
        return Ok(None);
    }
    // Mostly broken lines are some other text that happens to hold a few objects.
    if found.bad_count > found.records {
        return Ok(None);
    }
    Ok(Some(describe(input, layout, found, end, compression, options)))
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
    let mut fields: Vec<InferredField> = found
        .fields
        .into_iter()
        .map(|(name, shape, seen)| InferredField {
            name: options.spelling(&name),
            ty: hive(shape, options),
            nullable: seen < records,
        })
        .collect();
    make_unique(&mut fields);
    Inferred {
        format: Format::Json(JsonOptions { layout, ..JsonOptions::default() }),
        compression,
        fields,
        records,
        record_bytes: found.bytes,
        complete: input.at_eof() && end == input.pending().len(),
        quoted: false,
        problems: found.bad,
    }
}

fn add(input: &Input, at: usize, text: &[u8], found: &mut Found) {
    found.bytes += text.len() as u64;
    match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(members)) => {
            found.records += 1;
            for (name, value) in members {
                let shape = shape_of(&value);
                let seen = u64::from(shape != Shape::Null);
                match found.fields.iter_mut().find(|(n, ..)| same_name(n, &name)) {
                    Some((_, known, count)) => {
                        *known = merge(std::mem::replace(known, Shape::Null), shape);
                        *count += seen;
                    }
                    None => found.fields.push((name, shape, seen)),
                }
            }
        }
        other => {
            let message = match other {
                Err(e) => e.to_string(),
                Ok(_) => "a record is not an object".to_owned(),
            };
            found.bad_count += 1;
            if found.bad.len() < BadRecords::MAX_EXAMPLES {
                let mut error = FormatError::new(input.name(), Problem::Json { message });
                let before = memchr::memchr_iter(b'\n', &input.pending()[..at]).count();
                error.place.line = Some(before as u64 + 1);
                error.place.offset = Some(input.offset() + at as u64);
                found.bad.push(error);
            }
        }
    }
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
            within += line[within..].iter().take_while(|b| b.is_ascii_whitespace()).count();
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

fn framed(input: &Input, layout: JsonLayout, found: &mut Found) -> usize {
    let sample = input.pending();
    let mut at = 0;
    let mut opened = layout == JsonLayout::Documents;
    loop {
        at += sample[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        match sample.get(at) {
            None => return at,
            Some(b'[') if !opened => {
                opened = true;
                at += 1;
            }
            Some(b',') if layout == JsonLayout::Array => at += 1,
            Some(b']') if layout == JsonLayout::Array => {
                opened = false;
                at += 1;
            }
            Some(_) => {
                let Frame::Value(len) = frame(&sample[at..], input.at_eof()) else { return at };
                add(input, at, &sample[at..at + len], found);
                at += len;
            }
        }
    }
}
