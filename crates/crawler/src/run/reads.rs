//! Whether a definition of the catalog reads files rightly: the one judgement of files that a crawl finds beside a definition
//! that it does not write anew (new folders, `UpdateBehavior` `LOG`, `MergeNewColumns`, `InheritFromTable`).
//!
//! A definition reads files rightly when its SerDe is of their format and dialect, when columns that are found by position have
//! the files' names, and when its types take in the files' values. What the files lack is NULL, and what they have more of is
//! not seen: neither is wrong. Of text, a type that no crawler writes (`date`, `decimal`) is somebody's word and is believed.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Column, Parameters, PartitionInput, StorageDescriptor, TableInput};
use formats::hive::HiveType;
use formats::{CsvOptions, Format, InferredField, Seen, merge_types, serde_info};

use super::describe;
use super::survey::Found;
use super::takes::{loses, says_types, takes};
use crate::plan::{Examples, Kind, Part, Shape};
use crate::words::named_some;

/// Parameters that say how files are to be read; see [`describe::parameters_of_kind`].
pub(super) const OF_KIND: [&str; 7] = [
    "classification",
    "delimiter",
    "columnsOrdered",
    "skip.header.line.count",
    "jsonPath",
    "rowTag",
    "grokPattern",
];

/// So many columns are named.
const NAMED: usize = 5;

/// What a definition makes of a format and dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dialect {
    /// It reads it.
    Read,
    /// It does, but for quotes: with a SerDe of its own, a partition can be read beside the others.
    Quotes,
    /// It does not.
    Other(Odd),
}

/// Why files are read wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    pub(super) why: String,
    /// The key of a file that is.
    pub(super) file: Option<Arc<str>>,
}

/// Files to be judged.
pub(super) struct Files<'a> {
    pub(super) kind: &'a Kind,
    pub(super) fields: &'a [InferredField],
    quoted: bool,
    escape: Option<u8>,
    examples: Option<&'a Examples>,
}

impl<'a> Files<'a> {
    pub(super) fn of(shape: &'a Shape) -> Self {
        Self {
            kind: &shape.kind,
            fields: &shape.fields,
            quoted: shape.quoted,
            escape: shape.escape,
            examples: Some(&shape.examples),
        }
    }

    /// Of a partition of a table whose files are of this kind.
    pub(super) fn of_part(kind: &'a Kind, part: &'a Part) -> Self {
        Self { kind, fields: &part.fields, quoted: part.quoted, escape: part.escape, examples: None }
    }

    /// Read wrongly, such as a file that is meant.
    fn odd(&self, why: String, example: impl FnOnce(&'a Examples) -> Option<&'a Arc<str>>) -> Odd {
        Odd { why, file: self.examples.and_then(example).cloned() }
    }
}

/// A remark on a table that reads its files wrongly as it is now. Of one with partitions these have dialects and places of
/// columns of their own; the types are the table's.
pub(super) fn remark(found: &Found, table: &TableInput) -> Option<String> {
    let files = Files::of(&found.plan.shape);
    let (of_table, none) = (table.storage_descriptor.as_ref()?, Parameters::new());
    let keys = table.partition_keys.as_deref().unwrap_or_default();
    let odd = if keys.is_empty() {
        why_not(of_table, table.parameters.as_ref().unwrap_or(&none), keys, &files)?
    } else {
        types(&files, pairs(of_table.columns.as_deref().unwrap_or_default(), keys, &files, false))?
    };
    Some(format!("it misreads its files{}: {}", such(found.bucket.as_str(), odd.file.as_ref()), odd.why))
}

/// Names a file.
fn such(bucket: &str, key: Option<&Arc<str>>) -> String {
    key.map(|key| format!(", such as {}", describe::location(bucket, key))).unwrap_or_default()
}

/// A remark on columns of a table that lose digits of what its files hold.
pub(super) fn inexact(shape: &Shape, bucket: &str, table: &TableInput) -> Option<String> {
    let files = Files::of(shape);
    let keys = table.partition_keys.as_deref().unwrap_or_default();
    let columns = table.storage_descriptor.as_ref()?.columns.as_deref().unwrap_or_default();
    let lossy: Vec<(&Column, HiveType, &InferredField)> = pairs(columns, keys, &files, keys.is_empty())
        .filter_map(|(column, field)| Some((column, column.hive_type().parse().ok()?, field)))
        .filter(|(_, ty, field)| loses(files.kind, ty, (&field.ty, &field.seen)))
        .collect();
    let (_, ty, field) = lossy.first()?;
    let example = shape.examples.of_column(&field.name, |own, seen| loses(files.kind, ty, (own, seen)));
    let names: Vec<String> = lossy.iter().map(|(column, ..)| column.name.clone()).collect();
    let (names, such) = (named_some(&names, NAMED), such(bucket, example));
    Some(match says_types(files.kind) {
        true => format!(
            "column {names} is double, and some files hold, or may hold, whole numbers beyond 2^53 or decimals of more than \
             15 digits there{such}: queries refuse those that would lose digits"
        ),
        false => format!(
            "column {names} is double, and some files hold whole numbers beyond 2^53 there{such}: they lose digits"
        ),
    })
}

/// The same of a table that was found.
pub(super) fn inexact_of(found: &Found, table: &TableInput) -> Option<String> {
    inexact(&found.plan.shape, found.bucket.as_str(), table)
}

/// Whether the first rows of files that may be headers are those that a table skips: it names its columns so.
pub(super) fn names_columns(table: &TableInput, shape: &Shape) -> bool {
    let titled = shape.with_header();
    let (Some(titled), Some(descriptor)) = (titled, table.storage_descriptor.as_ref()) else { return false };
    let (none, keys) = (Parameters::new(), table.partition_keys.as_deref().unwrap_or_default());
    let parameters = table.parameters.as_ref().unwrap_or(&none);
    let columns = descriptor.columns.as_deref().unwrap_or_default();
    let files = Files::of(&titled);
    let named = describe::named(files.kind, &names(keys), files.fields);
    columns.len().min(named.len()) >= 2
        && !matches!(dialect(descriptor, parameters, &files), Dialect::Other(_))
        && named.iter().zip(columns).all(|((name, _), column)| column.name.eq_ignore_ascii_case(name))
}

/// Files of one row as records of a table that takes no row for a header and has columns for them.
pub(super) fn record(table: &TableInput, row: &Shape) -> Option<Shape> {
    let (descriptor, none) = (table.storage_descriptor.as_ref()?, Parameters::new());
    let parameters = table.parameters.as_ref().unwrap_or(&none);
    if let Dialect::Other(_) = dialect(descriptor, parameters, &Files::of(row)) {
        return None;
    }
    let columns = descriptor.columns.as_deref().unwrap_or_default();
    let types: Vec<HiveType> = columns.iter().map(|c| c.hive_type().parse().ok()).collect::<Option<_>>()?;
    // A crawler may make a wider number of it.
    row.as_record(types.iter(), |ty, field| {
        takes(&row.kind, ty, (&field.ty, &field.seen)) || merge_types(ty, &field.ty) != HiveType::String
    })
}

/// Names a partition of a table that reads its files wrongly, and says why.
pub(super) fn remark_on_part(
    found: &Found,
    table: &TableInput,
    input: &PartitionInput,
    part: &Part,
) -> Option<String> {
    let none = Parameters::new();
    let keys = table.partition_keys.as_deref().unwrap_or_default();
    let files = Files::of_part(&found.plan.shape.kind, part);
    let parameters = table.parameters.as_ref().unwrap_or(&none);
    let own = input.storage_descriptor.as_ref()?;
    let why =
        why_not(own, parameters, keys, &files).map(|odd| odd.why).or_else(|| unread(own, table, &files))?;
    Some(format!("{} ({why})", describe::location(found.bucket.as_str(), &part.folder)))
}

/// Why columns that a partition's files and its table have read NULL there: they are found by position, by the partition's own
/// columns.
fn unread(own: &StorageDescriptor, table: &TableInput, files: &Files<'_>) -> Option<String> {
    let Kind::Csv { header_lines, .. } = files.kind else { return None };
    let of_table = table.storage_descriptor.as_ref()?.columns.as_deref().unwrap_or_default();
    let keys = table.partition_keys.as_deref().unwrap_or_default();
    let own = own.columns.as_deref().map_or(0, <[Column]>::len);
    let beyond = describe::named(files.kind, &names(keys), files.fields).into_iter().enumerate().skip(own);
    let unread: Vec<String> = beyond
        .filter_map(|(at, (name, _))| match header_lines {
            0 => of_table.get(at).map(|column| column.name.clone()),
            _ => of_table.iter().any(|column| column.name.eq_ignore_ascii_case(&name)).then_some(name),
        })
        .collect();
    let (first, names) = (unread.first()?, named_some(&unread, NAMED));
    Some(format!(
        "its files have {names}, which its own definition lacks: {}",
        if unread.len() == 1 { format!("{first} is NULL there") } else { "they are NULL there".to_owned() }
    ))
}

/// Why a descriptor in a table with these parameters and keys reads files wrongly; none when it does not.
pub(super) fn why_not(
    descriptor: &StorageDescriptor,
    parameters: &Parameters,
    keys: &[Column],
    files: &Files<'_>,
) -> Option<Odd> {
    match dialect(descriptor, parameters, files) {
        Dialect::Read => columns(descriptor.columns.as_deref().unwrap_or_default(), keys, files),
        Dialect::Quotes => {
            let why = "fields of its files are quoted, and it takes quotes for text".to_owned();
            Some(files.odd(why, |files| files.quoted.as_ref()))
        }
        Dialect::Other(odd) => Some(odd),
    }
}

/// What a descriptor in a table with these parameters makes of the files' format and dialect.
pub(super) fn dialect(descriptor: &StorageDescriptor, parameters: &Parameters, files: &Files<'_>) -> Dialect {
    if let Kind::Csv { delimiter, header_lines, quote, comment } = files.kind {
        let Some(csv) = csv_of(descriptor, parameters) else {
            let why = format!("its files are {}, and its SerDe reads no such", files.kind.words());
            return Dialect::Other(files.odd(why, |files| files.first.as_ref()));
        };
        let has = Kind::Csv {
            delimiter: csv.delimiter,
            header_lines: csv.header_lines,
            quote: csv.quote.unwrap_or(*quote),
            comment: csv.comment,
        };
        if csv.delimiter != *delimiter || csv.header_lines != *header_lines || csv.comment != *comment {
            return Dialect::Other(differs(files, &has));
        }
        return quotes(&csv, *quote, files, &has);
    }
    let written = describe::parameters_of_kind(files.kind);
    match OF_KIND.iter().find(|name| parameters.get(**name) != written.get(**name)) {
        Some(name) => {
            let has = parameters.get(*name).map_or("", String::as_str);
            let why = format!("its files are {}, and its {name} is {has:?}", files.kind.words());
            Dialect::Other(files.odd(why, |files| files.first.as_ref()))
        }
        None => Dialect::Read,
    }
}

fn differs(files: &Files<'_>, table: &Kind) -> Odd {
    let why = format!("its files are {}, and it reads {}", files.kind.words(), table.words());
    files.odd(why, |files| files.first.as_ref())
}

/// The dialect of a descriptor whose SerDe is of delimited text.
fn csv_of(descriptor: &StorageDescriptor, parameters: &Parameters) -> Option<CsvOptions> {
    let serde = descriptor.serde_info.clone().unwrap_or_default();
    let library = serde.serialization_library.filter(|library| !library.is_empty());
    let is_csv = parameters.get("classification").is_some_and(|of| of == "csv");
    let library = library.or_else(|| is_csv.then(|| serde_info::LAZY_SIMPLE.to_owned()))?;
    match serde_info::format_of(&library, &serde.parameters.unwrap_or_default(), parameters, Vec::new()) {
        Ok(Format::Csv(csv)) => Some(csv),
        _ => None,
    }
}

fn quotes(csv: &CsvOptions, quote: u8, files: &Files<'_>, has: &Kind) -> Dialect {
    let backslashes = |escapes: bool| {
        let (own, table) = match escapes {
            true => ("escapes", "text"),
            false => ("text", "escapes"),
        };
        let why = format!("backslashes are {own} in its files, and {table} to it");
        Dialect::Other(files.odd(why, |files| files.escaped.as_ref()))
    };
    match csv.quote {
        None if files.quoted => Dialect::Quotes,
        // It takes backslashes as they are, unless somebody says otherwise.
        None if csv.escape.is_some() && files.escape == Some(quote) => backslashes(false),
        None => Dialect::Read,
        Some(known) if files.quoted && known != quote => Dialect::Other(differs(files, has)),
        Some(known) => match files.escape {
            Some(seen) if seen != csv.escape.unwrap_or(known) => backslashes(seen != quote),
            _ => Dialect::Read,
        },
    }
}

fn names(keys: &[Column]) -> Vec<String> {
    keys.iter().map(|key| key.name.to_lowercase()).collect()
}

/// Columns of a table with those of the files that they read: by their place, or by name.
fn pairs<'a>(
    table: &'a [Column],
    keys: &[Column],
    files: &Files<'a>,
    by_place: bool,
) -> Box<dyn Iterator<Item = (&'a Column, &'a InferredField)> + 'a> {
    let named = describe::named(files.kind, &names(keys), files.fields);
    if by_place && matches!(files.kind, Kind::Csv { .. }) {
        return Box::new(table.iter().zip(named.into_iter().map(|(_, field)| field)));
    }
    let of_table: HashMap<String, &Column> = table.iter().map(|c| (c.name.to_lowercase(), c)).collect();
    Box::new(named.into_iter().filter_map(move |(name, field)| Some((*of_table.get(&name)?, field))))
}

/// Why columns read files wrongly.
pub(super) fn columns(table: &[Column], keys: &[Column], files: &Files<'_>) -> Option<Odd> {
    if let Kind::Csv { header_lines: 1.., .. } = files.kind {
        let named = describe::named(files.kind, &names(keys), files.fields);
        let is_other =
            |((name, _), column): &(&(String, _), &Column)| !column.name.eq_ignore_ascii_case(name);
        if let Some(((_, field), _)) = named.iter().zip(table).find(is_other) {
            let of_files: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
            let of_table: Vec<String> = table.iter().map(|column| column.name.clone()).collect();
            let why = format!(
                "its files have the columns {}, and it has {}: they are found by position",
                named_some(&of_files, NAMED),
                named_some(&of_table, NAMED)
            );
            return Some(files.odd(why, |files| files.of_column(&field.name, |_, _| true)));
        }
    }
    types(files, pairs(table, keys, files, true))
}

fn types<'a>(files: &Files<'_>, pairs: impl Iterator<Item = (&'a Column, &'a InferredField)>) -> Option<Odd> {
    let misread = |(column, field): (&'a Column, &'a InferredField)| {
        // What is no type fails every query, with these files or without.
        let known: HiveType = column.hive_type().parse().ok()?;
        (!takes(files.kind, &known, (&field.ty, &field.seen))).then_some((column, known, field))
    };
    let odd: Vec<(&Column, HiveType, &InferredField)> = pairs.filter_map(misread).collect();
    let (_, known, first) = odd.first()?;
    let said = odd.iter().map(|(column, _, field)| {
        format!("{} is {} in its files and {} in it", column.name, field.ty, column.hive_type())
    });
    let said: Vec<String> = said.collect();
    let is_meant = |ty: &HiveType, seen: &Seen| !takes(files.kind, known, (ty, seen));
    let why = format!("column {}", named_some(&said, NAMED));
    Some(files.odd(why, |files| files.of_column(&first.name, is_meant)))
}
