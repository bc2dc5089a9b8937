//! What a file is ([`Format`]) and how to read it ([`ReadOptions`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::compression::Compression;
use crate::encoding::Encoding;
use crate::error::FormatError;
use crate::json::path::JsonPath;

/// A file format with its dialect. Compression is a property of each file, not of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv(CsvOptions),
    /// JSON records.
    Json(JsonOptions),
    /// Apache Parquet.
    Parquet(ParquetOptions),
    /// Apache Avro, object container files.
    Avro(AvroOptions),
    /// Apache ORC.
    Orc(OrcOptions),
    /// A sheet of an Excel workbook.
    Excel(ExcelOptions),
    /// Lines taken apart by a pattern or at fixed places.
    Lines(LineOptions),
    /// XML.
    Xml(XmlOptions),
}

impl Format {
    /// The Glue `classification` of this format: `csv`, `json`, `parquet`, `avro`, `orc` or (ours) `excel`; of lines and
    /// XML, what their options say.
    pub fn classification(&self) -> &str {
        match self {
            Self::Csv(_) => "csv",
            Self::Json(_) => "json",
            Self::Parquet(_) => "parquet",
            Self::Avro(_) => "avro",
            Self::Orc(_) => "orc",
            Self::Excel(_) => "excel",
            Self::Lines(lines) => &lines.classification,
            Self::Xml(xml) => &xml.classification,
        }
    }
}

/// How a CSV file's columns get their names; wanted columns are then found by name, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnNames {
    /// The table's columns, in the file's order. What a catalog table uses.
    Given(Vec<String>),
    /// The first record behind `header_lines - 1` skipped lines. Needs `header_lines` of at least 1. A wanted column
    /// that it lacks is NULL.
    Header,
    /// The same, where a header that names any other column than these is an error: nothing is left out unseen.
    HeaderAmong(Vec<String>),
    /// `col0`, `col1`, …
    Generated,
}

impl ColumnNames {
    /// Whether each file's own header says where its columns are.
    pub(crate) fn are_in_header(&self) -> bool {
        matches!(self, Self::Header | Self::HeaderAmong(_))
    }
}

/// What a record with too few or too many fields means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ragged {
    /// Missing fields are NULL, extra fields are ignored (Hive's SerDes).
    PadWithNull,
    /// A bad record.
    Bad,
}

/// What a value that does not fit its type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Malformed {
    /// NULL (LazySimpleSerDe).
    Null,
    /// A bad record.
    Bad,
}

/// A dialect of delimited text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// Field separator, one byte.
    pub delimiter: u8,
    /// Quote character; `None` means that quotes are ordinary text (LazySimpleSerDe).
    pub quote: Option<u8>,
    /// Escape character; inside quotes, a doubled quote works as well.
    pub escape: Option<u8>,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// Whether quoted fields may hold line breaks. Then a file cannot be split.
    pub multiline: bool,
    /// Lines skipped at the start of each file (`skip.header.line.count`).
    pub header_lines: u64,
    /// Names of the file's columns.
    pub names: ColumnNames,
    /// An unquoted field with exactly this text is NULL (`\N` for LazySimpleSerDe).
    pub null_text: Option<String>,
    /// Whether empty fields of text columns are NULL. (Of other types they always are.)
    pub empty_text_is_null: bool,
    /// Whether empty lines are no records.
    pub skip_blank_lines: bool,
    /// Records with another number of fields.
    pub ragged: Ragged,
    /// Values that do not fit their type.
    pub malformed: Malformed,
    /// The file's encoding, where it is not UTF-8 and has no mark. Then a file cannot be split.
    pub encoding: Option<Encoding>,
    /// Separators of arrays, maps and structures within a field, the outermost level first; without any, such columns
    /// are refused.
    pub nested: Vec<u8>,
}

impl CsvOptions {
    /// The dialect of jobs' S3 sources: comma, double quotes, a header line; whatever does not fit is a bad record.
    pub fn standard() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            multiline: true,
            header_lines: 1,
            names: ColumnNames::Header,
            null_text: None,
            empty_text_is_null: false,
            skip_blank_lines: true,
            ragged: Ragged::Bad,
            malformed: Malformed::Bad,
            encoding: None,
            nested: Vec::new(),
        }
    }

    /// LazySimpleSerDe: no quoting, `\N` is NULL, what does not fit is NULL.
    pub fn lazy_simple(columns: Vec<String>) -> Self {
        Self {
            delimiter: 1,
            quote: None,
            escape: None,
            comment: None,
            multiline: false,
            header_lines: 0,
            names: ColumnNames::Given(columns),
            null_text: Some("\\N".to_owned()),
            empty_text_is_null: false,
            skip_blank_lines: false,
            ragged: Ragged::PadWithNull,
            malformed: Malformed::Null,
            encoding: None,
            nested: vec![2, 3, 4, 5, 6, 7, 8],
        }
    }

    /// OpenCSVSerde: quotes and backslash escapes; a value that does not fit is a bad record, as in Athena.
    /// Unlike Hive's, quoted fields may hold line breaks.
    pub fn open_csv(columns: Vec<String>) -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: Some(b'\\'),
            multiline: true,
            null_text: None,
            malformed: Malformed::Bad,
            nested: Vec::new(),
            ..Self::lazy_simple(columns)
        }
    }
}

/// How JSON records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonLayout {
    /// Looks at the file's head: an array, else lines, else (a first record over several lines) documents.
    Auto,
    /// One or more records per line, none over several lines. Can be split.
    Lines,
    /// One array whose elements are the records.
    Array,
    /// Objects one after the other, white space between them, line breaks anywhere.
    Documents,
}

/// A dialect of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonOptions {
    /// How records lie in the file.
    pub layout: JsonLayout,
    /// Whether names match ignoring case (the SerDes do).
    pub case_insensitive: bool,
    /// Records that are not well-formed: a bad record, or (openx `ignore.malformed.json`) a row of NULLs.
    pub malformed_record: Malformed,
    /// Values that do not fit their column's type.
    pub malformed_value: Malformed,
    /// Column name (lower case) → name in the file (openx `mapping.…`).
    pub mapping: BTreeMap<String, String>,
    /// Whether dots in the file's names are underscores in the columns' (openx `dots.in.keys`).
    pub dots_in_keys: bool,
    /// Where in each document the records are; `None`: the documents, or the elements of an outermost array. Then a
    /// file cannot be split.
    pub path: Option<JsonPath>,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            layout: JsonLayout::Auto,
            case_insensitive: true,
            malformed_record: Malformed::Bad,
            malformed_value: Malformed::Bad,
            mapping: BTreeMap::new(),
            dots_in_keys: false,
            path: None,
        }
    }
}

/// Parquet has no dialects that concern a reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParquetOptions {}

/// How the fields of a line are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineLayout {
    /// A Grok expression; columns are its fields, by name.
    Grok {
        /// The expression.
        pattern: String,
        /// Definitions of patterns, one `NAME pattern` on each line.
        custom: String,
    },
    /// A regular expression that matches whole lines; columns are its groups, by position.
    Regex {
        /// The expression.
        pattern: String,
        /// Whether letters match in either case.
        ignore_case: bool,
    },
}

/// A dialect of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineOptions {
    /// How fields are found.
    pub layout: LineLayout,
    /// What the lines are, such as `apache`: the table's `classification`.
    pub classification: String,
    /// The table's columns in order, for layouts that go by position.
    pub names: Vec<String>,
    /// Lines skipped at the start of each file.
    pub header_lines: u64,
    /// Lines that do not match: a row of NULLs, or a bad record.
    pub unmatched: Malformed,
    /// Values that do not fit their type.
    pub malformed: Malformed,
    /// The file's encoding, where it is not UTF-8 and has no mark.
    pub encoding: Option<Encoding>,
}

impl LineOptions {
    /// The dialect of the SerDes: whatever does not fit is NULL.
    pub fn new(layout: LineLayout, classification: impl Into<String>, names: Vec<String>) -> Self {
        Self {
            layout,
            classification: classification.into(),
            names,
            header_lines: 0,
            unmatched: Malformed::Null,
            malformed: Malformed::Null,
            encoding: None,
        }
    }
}

/// How XML is read; the names are those of Glue's options for `format="xml"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmlOptions {
    /// Rows are the elements of this name, wherever they are.
    pub row_tag: String,
    /// What the files are: the table's `classification`.
    pub classification: String,
    /// In front of the names of attributes.
    pub attribute_prefix: String,
    /// The name of an element's own text, where it has attributes or elements, too.
    pub value_tag: String,
    /// The encoding, where the document does not say it.
    pub encoding: Option<Encoding>,
    /// Values that do not fit their type.
    pub malformed_value: Malformed,
}

impl XmlOptions {
    /// Glue's defaults; a value that does not fit is a bad record.
    pub fn new(row_tag: impl Into<String>, classification: impl Into<String>) -> Self {
        Self {
            row_tag: row_tag.into(),
            classification: classification.into(),
            attribute_prefix: "_".to_owned(),
            value_tag: "_VALUE".to_owned(),
            encoding: None,
            malformed_value: Malformed::Bad,
        }
    }
}

/// How Avro files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AvroOptions {
    /// The table's own schema as JSON (`avro.schema.literal`): files are read through it, by Avro's rules of schema
    /// resolution, so that its defaults and aliases count. Without one, files are read by their own.
    pub schema: Option<String>,
}

/// How ORC files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrcOptions {
    /// The table's columns in order, for files whose columns are called `_col0`, `_col1`, …: those go by position. Empty
    /// when not known; then all go by name.
    pub columns: Vec<String>,
}

/// How workbooks are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExcelOptions {
    /// The sheet, ignoring case; by default the first that is visible and not empty.
    pub sheet: Option<String>,
    /// Whether the first row that is not empty names the columns; by default when all its cells are text.
    pub header: Option<bool>,
    /// Records to read of each workbook, at most. Not kept in the catalog.
    pub max_rows: Option<u64>,
    /// Records left out at the end of each workbook, before they are counted. Not kept in the catalog.
    pub skip_footer: u64,
}

/// What happens on a bad record.
#[derive(Debug, Clone)]
pub enum OnBadRecord {
    /// Reading ends with the error.
    Fail,
    /// The record is left out, counted and, for the first few, kept as an example.
    Skip(Arc<BadRecords>),
}

/// Counts skipped records over any number of readers.
#[derive(Debug, Default)]
pub struct BadRecords {
    count: AtomicU64,
    examples: Mutex<Vec<FormatError>>,
}

impl BadRecords {
    /// How many examples are kept.
    pub const MAX_EXAMPLES: usize = 10;

    /// Records skipped so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The first skipped records' errors, at most [`Self::MAX_EXAMPLES`].
    pub fn examples(&self) -> Vec<FormatError> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, error: FormatError) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < Self::MAX_EXAMPLES {
            examples.push(error);
        }
    }
}

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Rows per batch, at most; a batch also ends at about 16 MiB. Default 8192.
    pub batch_rows: usize,
    /// Bad records. Default: fail.
    pub on_bad_record: OnBadRecord,
    /// The file's compression; `None` (default) finds out from its first bytes.
    pub compression: Option<Compression>,
    /// The largest record accepted, in bytes of text. Default 64 MiB, at most 1 GiB.
    pub max_record_bytes: usize,
    /// Delimited text only: wanted columns, by position, whose values are casts of the file's text ([`crate::cast_text`]).
    /// Default none.
    pub cast_columns: Vec<usize>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 8192,
            on_bad_record: OnBadRecord::Fail,
            compression: None,
            max_record_bytes: 64 << 20,
            cast_columns: Vec::new(),
        }
    }
}
