//! Which parameters say how files are read, wherever they stand: Hive gives a SerDe its own parameters and the table's,
//! Trino reads both and refuses a table in which they differ.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::csv::COMMENT;
use super::{AVRO_SCHEMA, AVRO_SCHEMA_URL, ENCODING, JSON_PATH, SerdeError, bad, flag, get};

/// The names of such parameters, of all SerDes.
const NAMES: [&str; 32] = [
    "skip.header.line.count",
    "skip.footer.line.count",
    ENCODING,
    JSON_PATH,
    AVRO_SCHEMA,
    AVRO_SCHEMA_URL,
    "field.delim",
    "serialization.format",
    "escape.delim",
    "collection.delim",
    "colelction.delim",
    "mapkey.delim",
    "line.delim",
    "serialization.null.format",
    TIMESTAMP_FORMATS,
    LAST_TAKES_REST,
    ESCAPE_CRLF,
    EXTENDED_BOOLEANS,
    "separatorChar",
    "quoteChar",
    "escapeChar",
    COMMENT,
    "ignore.malformed.json",
    "case.insensitive",
    "dots.in.keys",
    "use.null.for.invalid.data",
    "input.format",
    "input.grokCustomPatterns",
    "input.regex",
    "input.regex.case.insensitive",
    PARQUET_BY_POSITION,
    ORC_BY_POSITION,
];
/// What the names of others begin with.
const PREFIXES: [&str; 2] = ["mapping.", "ion."];

const TIMESTAMP_FORMATS: &str = "timestamp.formats";
const LAST_TAKES_REST: &str = "serialization.last.column.takes.rest";
const ESCAPE_CRLF: &str = "serialization.escape.crlf";
const EXTENDED_BOOLEANS: &str = "hive.lazysimple.extended_boolean_literal";
/// Columns of Parquet by their places.
pub(super) const PARQUET_BY_POSITION: &str = "parquet.column.index.access";
/// Columns of ORC by their places.
pub(super) const ORC_BY_POSITION: &str = "orc.column.index.access";

/// Whether a parameter, of a SerDe, a table or a partition, says how files are read.
pub fn is_setting(name: &str) -> bool {
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix));
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) || PREFIXES.iter().any(begins)
}

/// The SerDe's parameters and, of the table's, those that say how files are read. Errors: they differ.
pub(super) fn merged<'s>(
    serde: &'s BTreeMap<String, String>,
    table: &BTreeMap<String, String>,
) -> Result<Cow<'s, BTreeMap<String, String>>, SerdeError> {
    let mut merged = Cow::Borrowed(serde);
    for (name, value) in table.iter().filter(|(name, _)| is_setting(name)) {
        match get(serde, name) {
            Some(own) if own == value => {}
            Some(own) => {
                return Err(SerdeError::Differs {
                    name: name.clone(),
                    serde: own.to_owned(),
                    table: value.clone(),
                });
            }
            None => {
                merged.to_mut().insert(name.clone(), value.clone());
            }
        }
    }
    Ok(merged)
}

/// Errors: a parameter of LazySimpleSerDe that gives text another meaning than the one that is read here.
pub(super) fn refuse_of_lazy_simple(serde: &BTreeMap<String, String>) -> Result<(), SerdeError> {
    [LAST_TAKES_REST, ESCAPE_CRLF, EXTENDED_BOOLEANS]
        .into_iter()
        .try_for_each(|name| refuse_if_true(serde, name))?;
    refuse_other_times(serde)
}

/// Errors: the parameter, a switch, is on.
pub(super) fn refuse_if_true(serde: &BTreeMap<String, String>, name: &str) -> Result<(), SerdeError> {
    match flag(serde, name, false)? {
        true => Err(bad(name, "true")),
        false => Ok(()),
    }
}

/// Errors: `timestamp.formats` names one that is not among those that are read anyway.
pub(super) fn refuse_other_times(serde: &BTreeMap<String, String>) -> Result<(), SerdeError> {
    let Some(formats) = get(serde, TIMESTAMP_FORMATS) else { return Ok(()) };
    let mut formats_named = formats.split(',').filter(|format| !format.trim().is_empty());
    if formats_named.all(is_read_anyway) { Ok(()) } else { Err(bad(TIMESTAMP_FORMATS, formats)) }
}

/// Whether all moments of a format, in Java's letters, are read without being told of it.
fn is_read_anyway(format: &str) -> bool {
    let plain = format.trim().replace('\'', "");
    let Some(rest) = plain.strip_prefix("yyyy-MM-dd") else { return false };
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = rest.strip_prefix([' ', 'T']).and_then(|rest| rest.strip_prefix("HH:mm")) else {
        return false;
    };
    let rest = match rest.strip_prefix(":ss") {
        Some(rest) => match rest.strip_prefix('.') {
            Some(fraction) if fraction.starts_with('S') => fraction.trim_start_matches('S'),
            Some(_) => return false,
            None => rest,
        },
        None => rest,
    };
    matches!(rest, "" | "Z" | "ZZ" | "X" | "XX" | "XXX")
}
