//! Arrays, maps and structures within one field, as LazySimpleSerDe writes them: each level has a separator of its own.
//!
//! At a level, the elements of an array, the entries of a map and the fields of a structure are divided by that
//! level's separator, the key of an entry from its value by the next one's. An empty field is an empty array or map.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::builder::{Column, Mismatch};
use crate::options::{CsvOptions, Malformed};

/// Appends the value that `text` (a field as it stands in the file, escapes included) spells.
pub(super) fn append(
    column: &mut Column,
    text: &[u8],
    level: usize,
    options: &CsvOptions,
) -> Result<(), Mismatch> {
    if options.null_text.as_ref().is_some_and(|null| null.as_bytes() == text) {
        column.append_null();
        return Ok(());
    }
    match column {
        Column::List(list, item) => {
            for part in parts(text, level, options)? {
                append(item, part, level + 1, options)?;
            }
            list.close(item.len(), true);
        }
        Column::Map(map, keys, values) => {
            for entry in parts(text, level, options)? {
                let mut halves = split(entry, separator(level + 1, options)?, options.escape);
                let key = halves.next().unwrap_or_default();
                append(keys, key, level + 2, options)?;
                // What follows further separators belongs to the value.
                let value = entry.get(key.len() + 1..);
                match value {
                    Some(value) => append(values, value, level + 2, options)?,
                    None => values.append_null(),
                }
            }
            map.close(keys.len(), true);
        }
        Column::Struct(inner) => {
            let mut parts = split(text, separator(level, options)?, options.escape);
            for column in &mut inner.columns {
                match parts.next() {
                    Some(part) => append(column, part, level + 1, options)?,
                    None => column.append_null(),
                }
            }
            inner.valid.append(true);
        }
        scalar => return leaf(scalar, text, options),
    }
    Ok(())
}

fn leaf(column: &mut Column, text: &[u8], options: &CsvOptions) -> Result<(), Mismatch> {
    let plain = unescaped(text, options.escape);
    if !column.is_text() && plain.trim_ascii().is_empty() {
        column.append_null();
        return Ok(());
    }
    match scalar(column, &plain, false, options) {
        Err(Mismatch::Value) if options.malformed == Malformed::Null => {
            column.append_null();
            Ok(())
        }
        other => other,
    }
}

/// Appends a single value, as the dialect spells it; `is_utf8` says that the text is known to be.
#[inline]
pub(super) fn scalar(
    column: &mut Column,
    text: &[u8],
    is_utf8: bool,
    options: &CsvOptions,
) -> Result<(), Mismatch> {
    match column {
        Column::Binary(_) if options.base64 => match STANDARD.decode(text) {
            Ok(bytes) => column.append_text(&bytes),
            Err(_) => Err(Mismatch::Encoding),
        },
        Column::Date32(_) | Column::Timestamp(..) if options.epoch_times => column.append_text_or_epoch(text),
        _ if is_utf8 => column.append_utf8(text),
        _ => column.append_text(text),
    }
}

/// Elements of an array or map; of an empty text, none.
fn parts<'t>(
    text: &'t [u8],
    level: usize,
    options: &CsvOptions,
) -> Result<impl Iterator<Item = &'t [u8]>, Mismatch> {
    let separator = separator(level, options)?;
    Ok((!text.is_empty()).then(|| split(text, separator, options.escape)).into_iter().flatten())
}

/// Errors: the type has more levels than there are separators.
fn separator(level: usize, options: &CsvOptions) -> Result<u8, Mismatch> {
    options.nested.get(level).copied().ok_or(Mismatch::Value)
}

/// Divides at every separator that is not escaped.
fn split(text: &[u8], separator: u8, escape: Option<u8>) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            if Some(*byte) == escape {
                at += 2;
                continue;
            }
            if *byte == separator {
                rest = Some(&text[at + 1..]);
                return Some(&text[..at]);
            }
            at += 1;
        }
        rest = None;
        Some(text)
    })
}

fn unescaped(text: &[u8], escape: Option<u8>) -> std::borrow::Cow<'_, [u8]> {
    let Some(escape) = escape.filter(|e| text.contains(e)) else { return text.into() };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match bytes.clone().next() {
            Some(next) if *byte == escape => {
                out.push(*next);
                bytes.next();
            }
            _ => out.push(*byte),
        }
    }
    out.into()
}
