//! Whether a definition of the catalog reads files rightly: the one judgement of files that a crawl finds beside a definition
//! that it does not write anew (new folders, `UpdateBehavior` `LOG`, `MergeNewColumns`, `InheritFromTable`).
//!
//! A definition reads files rightly when its SerDe is of their format and dialect, when columns that are found by position have
//! the files' names, and when its types take in the files' values. What the files lack is NULL, and what they have more of is
//! not seen: neither is wrong. Of text, a type that no crawler writes (`date`, `decimal`) is somebody's word and is believed.

use std::collections::HashMap;

use catalog::{Column, Parameters, PartitionInput, StorageDescriptor, TableInput};
use formats::hive::HiveType;
use formats::{CsvOptions, Format, InferredField, merge_types, serde_info};

use super::describe;
use super::survey::Found;
use crate::plan::{Kind, Part, Shape};
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
    /// It does not, and why.
    Other(String),
}

/// Files to be judged.
pub(super) struct Files<'a> {
    pub(super) kind: &'a Kind,
    pub(super) fields: &'a [InferredField],
    pub(super) quoted: bool,
    pub(super) escape: Option<u8>,
}

impl<'a> Files<'a> {
    pub(super) fn of(shape: &'a Shape) -> Self {
        Self { kind: &shape.kind, fields: &shape.fields, quoted: shape.quoted, escape: shape.escape }
    }

    /// Of a partition of a table whose files are of this kind.
    pub(super) fn of_part(kind: &'a Kind, part: &'a Part) -> Self {
        Self { kind, fields: &part.fields, quoted: part.quoted, escape: part.escape }
    }
}

/// A remark on a table that reads its files wrongly as it is now. Of one with partitions these have dialects and places of
/// columns of their own; the types are the table's.
pub(super) fn remark(found: &Found, table: &TableInput) -> Option<String> {
    let shape = &found.plan.shape;
    let files = Files::of(shape);
    let (of_table, none) = (table.storage_descriptor.as_ref()?, Parameters::new());
    let keys = table.partition_keys.as_deref().unwrap_or_default();
    let why = if keys.is_empty() {
        why_not(of_table, table.parameters.as_ref().unwrap_or(&none), keys, &files)?
    } else {
        types_by_name(of_table.columns.as_deref().unwrap_or_default(), keys, &files)?
    };
    let example = shape.example.as_deref();
    let such =
        example.map(|key| format!(", such as s3://{}/{key}", found.bucket.as_str())).unwrap_or_default();
    Some(format!("it misreads its files{such}: {why}"))
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
    let why = why_not(input.storage_descriptor.as_ref()?, parameters, keys, &files)?;
    Some(format!("{} ({why})", describe::location(found.bucket.as_str(), &part.folder)))
}

/// Why a descriptor in a table with these parameters and keys reads files wrongly; none when it does not.
pub(super) fn why_not(
    descriptor: &StorageDescriptor,
    parameters: &Parameters,
    keys: &[Column],
    files: &Files<'_>,
) -> Option<String> {
    match dialect(descriptor, parameters, files) {
        Dialect::Read => columns(descriptor.columns.as_deref().unwrap_or_default(), keys, files),
        Dialect::Quotes => Some("fields of its files are quoted, and it takes quotes for text".to_owned()),
        Dialect::Other(why) => Some(why),
    }
}

/// What a descriptor in a table with these parameters makes of the files' format and dialect.
pub(super) fn dialect(descriptor: &StorageDescriptor, parameters: &Parameters, files: &Files<'_>) -> Dialect {
    if let Kind::Csv { delimiter, header_lines, quote, comment } = files.kind {
        let Some(csv) = csv_of(descriptor, parameters) else {
            return Dialect::Other(format!(
                "its files are {}, and its SerDe reads no such",
                files.kind.words()
            ));
        };
        let has = Kind::Csv {
            delimiter: csv.delimiter,
            header_lines: csv.header_lines,
            quote: csv.quote.unwrap_or(*quote),
            comment: csv.comment,
        };
        if csv.delimiter != *delimiter || csv.header_lines != *header_lines || csv.comment != *comment {
            return Dialect::Other(differs(files.kind, &has));
        }
        return quotes(&csv, *quote, files, &has);
    }
    let written = describe::parameters_of_kind(files.kind);
    match OF_KIND.iter().find(|name| parameters.get(**name) != written.get(**name)) {
        Some(name) => Dialect::Other(format!(
            "its files are {}, and its {name} is {:?}",
            files.kind.words(),
            parameters.get(*name).map_or("", String::as_str)
        )),
        None => Dialect::Read,
    }
}

fn differs(files: &Kind, table: &Kind) -> String {
    format!("its files are {}, and it reads {}", files.words(), table.words())
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
        let (files, table) = match escapes {
            true => ("escapes", "text"),
            false => ("text", "escapes"),
        };
        Dialect::Other(format!("backslashes are {files} in its files, and {table} to it"))
    };
    match csv.quote {
        None if files.quoted => Dialect::Quotes,
        // It takes backslashes as they are, unless somebody says otherwise.
        None if csv.escape.is_some() && files.escape == Some(quote) => backslashes(false),
        None => Dialect::Read,
        Some(known) if files.quoted && known != quote => Dialect::Other(differs(files.kind, has)),
        Some(known) => match files.escape {
            Some(seen) if seen != csv.escape.unwrap_or(known) => backslashes(seen != quote),
            _ => Dialect::Read,
        },
    }
}

fn names(keys: &[Column]) -> Vec<String> {
    keys.iter().map(|key| key.name.to_lowercase()).collect()
}

fn types_by_name(table: &[Column], keys: &[Column], files: &Files<'_>) -> Option<String> {
    let named = describe::named(files.kind, &names(keys), files.fields);
    let of_table: HashMap<String, &Column> = table.iter().map(|c| (c.name.to_lowercase(), c)).collect();
    types(files.kind, named.iter().filter_map(|(name, field)| Some((*of_table.get(name)?, *field))))
}

/// Why columns read files wrongly.
pub(super) fn columns(table: &[Column], keys: &[Column], files: &Files<'_>) -> Option<String> {
    let named = describe::named(files.kind, &names(keys), files.fields);
    let Kind::Csv { header_lines, .. } = files.kind else {
        return types_by_name(table, keys, files);
    };
    let misnamed = named.iter().zip(table).any(|((name, _), column)| !column.name.eq_ignore_ascii_case(name));
    if *header_lines > 0 && misnamed {
        let of_files: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let of_table: Vec<String> = table.iter().map(|column| column.name.clone()).collect();
        return Some(format!(
            "its files have the columns {}, and it has {}: they are found by position",
            named_some(&of_files, NAMED),
            named_some(&of_table, NAMED)
        ));
    }
    types(files.kind, table.iter().zip(named.iter().map(|(_, field)| *field)))
}

fn types<'a>(kind: &Kind, pairs: impl Iterator<Item = (&'a Column, &'a InferredField)>) -> Option<String> {
    let odd = pairs.filter(|(column, field)| {
        let known = column.hive_type().parse::<HiveType>();
        // What is no type fails every query, with these files or without.
        !field.untyped && known.is_ok_and(|known| !takes(kind, &known, &field.ty))
    });
    let odd: Vec<String> = odd
        .map(|(column, field)| {
            format!("{} is {} in its files and {} in it", column.name, field.ty, column.hive_type())
        })
        .collect();
    if odd.is_empty() { None } else { Some(format!("column {}", named_some(&odd, NAMED))) }
}

/// Whether every value of `file` is one of `table` as readers of this kind of files convert them.
fn takes(kind: &Kind, table: &HiveType, file: &HiveType) -> bool {
    let says_types = matches!(kind, Kind::Parquet | Kind::Avro | Kind::Orc);
    if table == file || (!says_types && !is_inferred(kind, table)) {
        // Of CSV, text says that some value is no number.
        let is_text =
            matches!(kind, Kind::Csv { .. }) && matches!(file, HiveType::String | HiveType::Boolean);
        return table == file || !(is_text && is_number(table));
    }
    match (table, file) {
        (HiveType::String | HiveType::Char(_) | HiveType::Varchar(_), _) => {
            let is_nested = matches!(file, HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_));
            !says_types || !(is_nested || *file == HiveType::Binary)
        }
        _ => nests(kind, table, file),
    }
}

fn nests(kind: &Kind, table: &HiveType, file: &HiveType) -> bool {
    // Below the top, files that say their types are read as they say.
    let says_types = matches!(kind, Kind::Parquet | Kind::Avro | Kind::Orc);
    let below = |table: &HiveType, file: &HiveType| match says_types && is_text(table) {
        true => is_text(file),
        false => takes(kind, table, file),
    };
    match (table, file) {
        (HiveType::Array(table), HiveType::Array(file)) => below(table, file),
        (HiveType::Map(key, value), HiveType::Map(of, to)) => below(key, of) && below(value, to),
        (HiveType::Struct(table), HiveType::Struct(file)) => file.iter().all(|(name, ty)| {
            let known = table.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            known.is_none_or(|(_, known)| below(known, ty))
        }),
        (table, file) => merge_types(table, file) == *table,
    }
}

fn is_number(ty: &HiveType) -> bool {
    use HiveType as T;
    matches!(ty, T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::Float | T::Double | T::Decimal(..))
}

fn is_text(ty: &HiveType) -> bool {
    matches!(ty, HiveType::String | HiveType::Char(_) | HiveType::Varchar(_))
}

/// Whether a crawler would write such a type for a column of text of this kind.
fn is_inferred(kind: &Kind, ty: &HiveType) -> bool {
    match ty {
        HiveType::BigInt | HiveType::Double | HiveType::Boolean | HiveType::String => true,
        HiveType::Int | HiveType::Array(_) | HiveType::Struct(_) => !matches!(kind, Kind::Csv { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_take_others_in() {
        let csv = Kind::Csv { delimiter: b',', header_lines: 1, quote: b'"', comment: None };
        for (kind, table, file, wanted) in [
            (&csv, "bigint", "string", false),
            (&csv, "bigint", "double", false),
            (&csv, "double", "bigint", true),
            (&csv, "string", "boolean", true),
            (&csv, "date", "string", true),
            (&csv, "int", "bigint", true),
            (&csv, "decimal(10,2)", "double", true),
            (&csv, "decimal(10,2)", "string", false),
            (&Kind::Json, "decimal(10,2)", "string", true),
            (&Kind::Json, "int", "bigint", false),
            (&Kind::Json, "bigint", "int", true),
            (&Kind::Json, "int", "string", false),
            (&Kind::Json, "string", "struct<a:int>", true),
            (&Kind::Json, "struct<a:int>", "struct<A:int,b:string>", true),
            (&Kind::Json, "struct<a:int>", "struct<a:string>", false),
            (&Kind::Json, "array<int>", "int", false),
            (&Kind::Parquet, "bigint", "string", false),
            (&Kind::Parquet, "bigint", "int", true),
            (&Kind::Parquet, "string", "bigint", true),
            (&Kind::Parquet, "string", "array<int>", false),
            (&Kind::Parquet, "array<string>", "array<int>", false),
            (&Kind::Parquet, "date", "string", false),
            (&Kind::Parquet, "decimal(10,2)", "decimal(5,2)", true),
        ] {
            let (known, found): (HiveType, HiveType) = (table.parse().unwrap(), file.parse().unwrap());
            assert_eq!(takes(kind, &known, &found), wanted, "{table} of {file}");
        }
    }
}
