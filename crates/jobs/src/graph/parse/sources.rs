//! Source nodes.

use ::sources::jdbc::Engine;

use super::super::{
    Bounds, CatalogSource, Expected, FileFormat, FileSource, Glob, JdbcSource, NodeKind, raw,
};
use super::{Parsed, s3_path};

pub(in crate::graph) fn catalog(expected: Expected, raw: raw::Source) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    let bounds = bounds(&raw)?;
    let predicate = raw.partition_predicate.filter(|text| !text.trim().is_empty());
    let (database, table) = (raw.database, raw.table);
    Ok(NodeKind::Catalog(CatalogSource { database, table, predicate, bounds, expected }))
}

pub(in crate::graph) fn delta(raw: raw::Source) -> Parsed<NodeKind> {
    match raw.paths.as_slice() {
        [path] => Ok(NodeKind::Delta(s3_path("Paths", path)?)),
        paths => Err(format!("Paths names the folder of one Delta table, not {}", paths.len())),
    }
}

/// `Table` is `schema.table` or `table`; quotes hold a name with dots together.
pub(in crate::graph) fn jdbc(raw: raw::Source) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    require("ConnectionName", &raw.connection_name)?;
    let engine = engine(&raw.connection_type)?;
    let (schema, table) = place("Table", engine, &raw.table)?;
    let (connection, database) = (raw.connection_name, Some(raw.database));
    let (keys, descending) = (Vec::new(), false);
    Ok(NodeKind::Jdbc(JdbcSource { connection, engine, database, schema, table, keys, descending }))
}

/// A table of the database behind a connection, with the columns that tell what is new.
pub(in crate::graph) fn connector(raw: raw::Source) -> Parsed<NodeKind> {
    require("ConnectionName", &raw.connection_name)?;
    require("ConnectionTable", &raw.connection_table)?;
    let engine = engine(&raw.connection_type)?;
    let (schema, table) = place("ConnectionTable", engine, &raw.connection_table)?;
    let options = raw.additional_options.unwrap_or_default();
    let keys = options.job_bookmark_keys.unwrap_or_default();
    for (at, key) in keys.iter().enumerate() {
        require("AdditionalOptions.JobBookmarkKeys", key)?;
        if keys.iter().take(at).any(|known| known.eq_ignore_ascii_case(key)) {
            return Err(format!("AdditionalOptions.JobBookmarkKeys names {key} twice"));
        }
    }
    let descending = match options.job_bookmark_keys_sort_order.as_deref() {
        None | Some("asc" | "ASC") => false,
        Some("desc" | "DESC") => true,
        Some(other) => {
            return Err(format!(
                "AdditionalOptions.JobBookmarkKeysSortOrder {other} is not one of asc, desc"
            ));
        }
    };
    let (connection, database) = (raw.connection_name, None);
    Ok(NodeKind::Jdbc(JdbcSource { connection, engine, database, schema, table, keys, descending }))
}

/// The engine that a `ConnectionType` names.
pub(super) fn engine(connection_type: &str) -> Parsed<Engine> {
    match connection_type {
        "postgresql" => Ok(Engine::Postgres),
        "mysql" => Ok(Engine::MySql),
        "custom.jdbc" | "marketplace.jdbc" => Err(format!(
            "ConnectionType {connection_type} runs a driver of its own in Java, and this server runs none; supported are \
             postgresql, mysql"
        )),
        other => Err(format!("ConnectionType {other} is not supported; supported are postgresql, mysql")),
    }
}

/// Schema and table in a field.
pub(super) fn place(field: &str, engine: Engine, text: &str) -> Parsed<(Option<String>, String)> {
    let parts = ::sources::jdbc::parts_of(text).unwrap_or_default();
    match (engine, parts.as_slice()) {
        (_, [table]) => Ok((None, table.clone())),
        (Engine::Postgres, [schema, table]) => Ok((Some(schema.clone()), table.clone())),
        _ => Err(format!("{field} {text} is no table of {}", engine.name())),
    }
}

pub(in crate::graph) fn csv_files(raw: raw::Source) -> Parsed<NodeKind> {
    files(csv(&raw)?, raw)
}

pub(in crate::graph) fn excel_files(raw: raw::Source) -> Parsed<NodeKind> {
    files(excel(&raw)?, raw)
}

pub(in crate::graph) fn json_files(raw: raw::Source) -> Parsed<NodeKind> {
    files(FileFormat::Json, raw)
}

pub(in crate::graph) fn parquet_files(raw: raw::Source) -> Parsed<NodeKind> {
    files(FileFormat::Parquet, raw)
}

fn files(format: FileFormat, raw: raw::Source) -> Parsed<NodeKind> {
    if raw.paths.is_empty() {
        return Err("Paths is empty".to_owned());
    }
    let paths = raw.paths.iter().map(|path| s3_path("Paths", path)).collect::<Parsed<Vec<_>>>()?;
    let bounds = bounds(&raw)?;
    let exclusions = exclusions(raw.exclusions.as_deref().unwrap_or_default())?;
    let recurse = raw.recurse.unwrap_or(false);
    Ok(NodeKind::Files(FileSource { paths, format, exclusions, recurse, bounds }))
}

fn csv(raw: &raw::Source) -> Parsed<FileFormat> {
    let separator = match raw.separator.as_deref() {
        None | Some("comma") => b',',
        Some("ctrla") => 1,
        Some("pipe") => b'|',
        Some("semicolon") => b';',
        Some("tab") => b'\t',
        Some(other) => {
            return Err(format!("Separator {other} is not one of comma, ctrla, pipe, semicolon, tab"));
        }
    };
    let quote = match raw.quote_char.as_deref() {
        None | Some("quote") => Some(b'"'),
        Some("single_quote") => Some(b'\''),
        Some("disabled") => None,
        Some("quillemet") => {
            return Err("QuoteChar quillemet is not supported: it is more than one byte".to_owned());
        }
        Some(other) => return Err(format!("QuoteChar {other} is not one of quote, single_quote, disabled")),
    };
    let escape = match raw.escaper.as_deref().map(str::as_bytes) {
        None | Some([]) => None,
        Some([one]) => Some(*one),
        Some(_) => return Err("Escaper must be one ASCII character".to_owned()),
    };
    if raw.with_header == Some(true) && raw.skip_first == Some(true) {
        return Err(
            "SkipFirst is refused beside WithHeader: which line is the first then, nothing says".to_owned()
        );
    }
    Ok(FileFormat::Csv {
        separator,
        quote,
        escape,
        header: raw.with_header.unwrap_or(false),
        skip_first: raw.skip_first.unwrap_or(false),
    })
}

fn excel(raw: &raw::Source) -> Parsed<FileFormat> {
    let count = |name: &str, given: Option<i64>| {
        let negative = || format!("{name} is negative");
        given.map(|number| u64::try_from(number).map_err(|_| negative())).transpose()
    };
    Ok(FileFormat::Excel {
        max_rows: count("NumberRows", raw.number_rows)?,
        skip_footer: count("SkipFooter", raw.skip_footer)?.unwrap_or(0),
    })
}

/// Each entry is a pattern, or (as the Glue console sends it) the text of a JSON list of patterns.
fn exclusions(given: &[String]) -> Parsed<Vec<Glob>> {
    let mut globs = Vec::new();
    for text in given {
        let list: Option<Vec<String>> =
            text.trim_start().starts_with("[\"").then(|| serde_json::from_str(text).ok()).flatten();
        for pattern in list.unwrap_or_else(|| vec![text.clone()]) {
            globs.push(Glob::new(&pattern).map_err(|what| format!("Exclusions: {what}"))?);
        }
    }
    Ok(globs)
}

fn bounds(raw: &raw::Source) -> Parsed<Bounds> {
    let limit = |field: &str, value: Option<i64>| match value {
        None | Some(0) => Ok(None),
        Some(n) => {
            u64::try_from(n).map(Some).map_err(|_| format!("AdditionalOptions.{field} {n} is negative"))
        }
    };
    let options = raw.additional_options.as_ref();
    Ok(Bounds {
        bytes: limit("BoundedSize", options.and_then(|o| o.bounded_size))?,
        files: limit("BoundedFiles", options.and_then(|o| o.bounded_files))?,
    })
}

pub(super) fn require(field: &str, value: &str) -> Parsed<()> {
    if value.is_empty() { Err(format!("{field} is missing")) } else { Ok(()) }
}
