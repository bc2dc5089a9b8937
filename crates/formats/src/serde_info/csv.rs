//! The parameters of the SerDes for delimited text.

use std::collections::BTreeMap;

use super::settings::refuse_of_lazy_simple;
use super::{ENCODING, SerdeError, bad, byte, character, encoding, get, skipped_lines};
use crate::options::{CsvOptions, Format};

/// What records begin with that are comments: a parameter of our own, Hive's SerDes have none.
pub(super) const COMMENT: &str = "commentChar";

/// A digit stands for the character of that number, so that as a character it is written as its own.
fn lazy_character(byte: u8) -> String {
    if byte.is_ascii_digit() { byte.to_string() } else { character(byte) }
}

pub(super) fn lazy_parameters(csv: &CsvOptions) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([("field.delim".to_owned(), lazy_character(csv.delimiter))]);
    if let Some(escape) = csv.escape {
        parameters.insert("escape.delim".to_owned(), lazy_character(escape));
    }
    for (level, name) in [(0, "collection.delim"), (1, "mapkey.delim")] {
        if let Some(separator) = csv.nested.get(level).filter(|s| usize::from(**s) != level + 2) {
            parameters.insert(name.to_owned(), lazy_character(*separator));
        }
    }
    if let Some(encoding) = csv.encoding {
        parameters.insert(ENCODING.to_owned(), encoding.name().to_owned());
    }
    parameters.extend(csv.comment.map(|comment| (COMMENT.to_owned(), character(comment))));
    if let Some(null) = csv.null_text.as_ref().filter(|n| *n != "\\N") {
        parameters.insert("serialization.null.format".to_owned(), null.clone());
    }
    parameters
}

pub(super) fn open_csv_parameters(csv: &CsvOptions, quote: u8) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([
        ("separatorChar".to_owned(), character(csv.delimiter)),
        ("quoteChar".to_owned(), character(quote)),
        // The quote itself as escape: only doubled quotes count, and a backslash is an ordinary character.
        ("escapeChar".to_owned(), character(csv.escape.unwrap_or(quote))),
        ("serialization.format".to_owned(), "1".to_owned()),
    ]);
    parameters.extend(csv.comment.map(|comment| (COMMENT.to_owned(), character(comment))));
    parameters
}

fn comment(serde: &BTreeMap<String, String>) -> Result<Option<u8>, SerdeError> {
    get(serde, COMMENT).map(|v| byte(COMMENT, v, false)).transpose()
}

pub(super) fn lazy_simple(
    serde: &BTreeMap<String, String>,
    columns: Vec<String>,
) -> Result<Format, SerdeError> {
    refuse_of_lazy_simple(serde)?;
    let mut csv = CsvOptions::lazy_simple(columns);
    (csv.header_lines, csv.footer_lines) = skipped_lines(serde)?;
    csv.encoding = encoding(serde)?;
    csv.comment = comment(serde)?;
    if let Some(v) = get(serde, "field.delim").or_else(|| get(serde, "serialization.format")) {
        csv.delimiter = byte("field.delim", v, true)?;
    }
    if let Some(v) = get(serde, "escape.delim") {
        csv.escape = Some(byte("escape.delim", v, true)?);
    }
    // Hive's own statements misspell the first.
    for (level, names) in
        [(0, ["collection.delim", "colelction.delim"]), (1, ["mapkey.delim", "mapkey.delim"])]
    {
        if let Some(v) = names.iter().find_map(|name| get(serde, name)) {
            csv.nested[level] = byte(names[0], v, true)?;
        }
    }
    if let Some(v) = get(serde, "line.delim").filter(|v| !matches!(*v, "\n" | "\\n" | "10")) {
        return Err(bad("line.delim", v));
    }
    if let Some(v) = get(serde, "serialization.null.format") {
        csv.null_text = Some(v.to_owned());
    }
    Ok(Format::Csv(csv))
}

pub(super) fn open_csv(serde: &BTreeMap<String, String>, columns: Vec<String>) -> Result<Format, SerdeError> {
    let mut csv = CsvOptions::open_csv(columns);
    (csv.header_lines, csv.footer_lines) = skipped_lines(serde)?;
    csv.encoding = encoding(serde)?;
    csv.comment = comment(serde)?;
    if let Some(v) = get(serde, "separatorChar") {
        csv.delimiter = byte("separatorChar", v, false)?;
    }
    if let Some(v) = get(serde, "quoteChar") {
        csv.quote = Some(byte("quoteChar", v, false)?);
    }
    if let Some(v) = get(serde, "escapeChar") {
        csv.escape = Some(byte("escapeChar", v, false)?).filter(|e| Some(*e) != csv.quote);
    }
    Ok(Format::Csv(csv))
}
