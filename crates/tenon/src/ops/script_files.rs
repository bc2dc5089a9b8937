//! Files that the library in scripts neither reads nor writes itself, under `/_/scripts/`; frames are handed over as in
//! [`super::script_frames`]:
//!
//! - `POST files/read` of `{"Paths", "Objects": {address: ETag}, "Format", "Columns"?, "Folder"}` writes the rows of those
//!   objects, and answers `{"Columns", "Rows"}`. `Format` is `{"Name": "xml", "RowTag", "AttributePrefix"?, "ValueTag"?,
//!   "Encoding"?, "ExcludeAttribute"?, "EmptyIsNull"?, "Trim"?}`, `{"Name": "grokLog", "LogFormat", "CustomPatterns"?,
//!   "Missing"}`, `{"Name": "ion"}` or `{"Name": "excel", "NumberRows"?, "SkipFooter"?}`
//! - `POST files/write` of `{"Frame": {"Folder", "Columns"}, "Path", "Format", "Compression"?, "PartitionKeys"?,
//!   "Separator"?, "Quote"?, "PlainNull"?, "Header"?, "RowTag"?, "RootTag"?}` adds the rows of a frame to the files below a path,
//!   all at once, and answers `{"Rows"}`; with `PlainNull`, the text for NULL, CSV has no quotes. Instead of `Frame` it may have `Rows`, of `{"Database", "Table", "Objects": {address: ETag},
//!   "Steps": [{"Where": expression} or {"Select": [[from, to], …]}, …], "Columns"}`: what the steps make of a table's objects,
//!   refused unless it has those columns and every record and value fits the table. An expression is a
//!   [`jobs::Expression`]

use std::collections::HashMap;

use http::Request;
use jobs::{FilesFormat, FilesRead, FilesWrite, Rows, Step, TableRows};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::Body;

use super::admit::Refused;
use super::script_frames::{Column, Frame, MAX_LIST_BYTES, columns, columns_of};
use super::scripts::ScriptOps;

/// The body of `files/read`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Read {
    paths: Vec<String>,
    objects: HashMap<String, String>,
    format: Format,
    columns: Option<Vec<Column>>,
    folder: String,
}

#[derive(Deserialize)]
#[serde(tag = "Name", deny_unknown_fields)]
enum Format {
    #[serde(rename = "xml", rename_all = "PascalCase")]
    Xml {
        row_tag: String,
        attribute_prefix: Option<String>,
        value_tag: Option<String>,
        encoding: Option<String>,
        #[serde(default)]
        exclude_attribute: bool,
        #[serde(default)]
        empty_is_null: bool,
        #[serde(default)]
        trim: bool,
    },
    #[serde(rename = "grokLog", rename_all = "PascalCase")]
    Grok {
        log_format: String,
        #[serde(default)]
        custom_patterns: String,
        missing: String,
    },
    #[serde(rename = "ion")]
    Ion,
    #[serde(rename = "excel", rename_all = "PascalCase")]
    Excel {
        number_rows: Option<u64>,
        #[serde(default)]
        skip_footer: u64,
    },
}

impl From<Format> for FilesFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Xml {
                row_tag,
                attribute_prefix,
                value_tag,
                encoding,
                exclude_attribute: leave_out_attributes,
                empty_is_null,
                trim,
            } => Self::Xml {
                row_tag,
                attribute_prefix,
                value_tag,
                encoding,
                leave_out_attributes,
                empty_is_null,
                trim,
            },
            Format::Grok { log_format: pattern, custom_patterns: custom, missing } => {
                Self::Grok { pattern, custom, missing }
            }
            Format::Ion => Self::Ion,
            Format::Excel { number_rows: max_rows, skip_footer } => Self::Excel { max_rows, skip_footer },
        }
    }
}

/// The body of `files/write`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Write {
    frame: Option<Frame>,
    rows: Option<Made>,
    path: String,
    format: String,
    #[serde(default)]
    compression: String,
    #[serde(default)]
    partition_keys: Vec<String>,
    separator: Option<char>,
    quote: Option<char>,
    plain_null: Option<String>,
    header: Option<bool>,
    row_tag: Option<String>,
    root_tag: Option<String>,
}

/// Rows that the server makes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Made {
    database: String,
    table: String,
    objects: HashMap<String, String>,
    steps: Vec<Step>,
    columns: Vec<Column>,
}

/// What is to be written: exactly one of two.
fn rows(frame: Option<Frame>, made: Option<Made>) -> Result<Rows, Refused> {
    match (frame, made) {
        (Some(frame), None) => Ok(Rows::Staged(frame.into())),
        (None, Some(made)) => Ok(Rows::Made(TableRows {
            database: made.database,
            table: made.table,
            objects: made.objects,
            steps: made.steps,
            columns: columns(made.columns),
        })),
        _ => Err(Refused::invalid("give either Frame or Rows".to_owned())),
    }
}

fn byte(what: &str, given: Option<char>) -> Result<Option<u8>, Refused> {
    let of = |letter: char| match u8::try_from(letter) {
        Ok(byte) if byte.is_ascii() => Ok(byte),
        _ => Err(Refused::invalid(format!("{what} must be one character of ASCII; it is {letter:?}"))),
    };
    given.map(of).transpose()
}

impl ScriptOps {
    pub(super) async fn read_files(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Read) = self.admit(request, MAX_LIST_BYTES).await?;
        let read = FilesRead {
            paths: asked.paths,
            objects: asked.objects,
            format: asked.format.into(),
            columns: asked.columns.map(columns),
            folder: asked.folder,
        };
        let _slot = self.slot().await?;
        let found = by.stager.read_files(&by.scope, &read).await?;
        Ok(json!({ "Columns": columns_of(&found), "Rows": found.rows }))
    }

    pub(super) async fn write_files(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Write) = self.admit(request, MAX_LIST_BYTES).await?;
        let write = FilesWrite {
            separator: byte("separator", asked.separator)?,
            quote: byte("quoteChar", asked.quote)?,
            plain_null: asked.plain_null,
            rows: rows(asked.frame, asked.rows)?,
            path: asked.path,
            format: asked.format,
            compression: asked.compression,
            partition_keys: asked.partition_keys,
            header: asked.header.unwrap_or(true),
            row_tag: asked.row_tag,
            root_tag: asked.root_tag,
        };
        let _slot = self.slot().await?;
        let rows = by.stager.write_files(&by.scope, &write).await?;
        Ok(json!({ "Rows": rows }))
    }
}
