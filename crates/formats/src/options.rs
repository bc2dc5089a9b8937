//! What a file is ([`Format`]) and how to read it ([`ReadOptions`]).

mod csv;
mod ion;
mod reading;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;
use crate::json::path::JsonPath;

pub use csv::{ColumnNames, CsvOptions, Malformed, Ragged};
pub use ion::IonOptions;
pub use reading::{BadRecordSink, BadRecords, OnBadRecord, ReadOptions, RowFilter, Strictness};

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
    /// Amazon Ion, text or binary.
    Ion(IonOptions),
}

impl Format {
    /// The Glue `classification` of this format: `csv`, `json`, `parquet`, `avro`, `orc`, `ion` or (ours) `excel`; of lines
    /// and XML, what their options say.
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
            Self::Ion(_) => "ion",
        }
    }

    /// XML: what the text of elements is called that have attributes or elements, too.
    pub fn value_tag(&self) -> Option<&str> {
        match self {
            Self::Xml(xml) => Some(&xml.value_tag),
            _ => None,
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
    /// The columns of the whole schema that the wanted ones are chosen from; a value of another one, or of a field that a
    /// structure does not have, is an error: nothing is left out unseen. Not kept in the catalog.
    pub among: Option<Vec<String>>,
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
            among: None,
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
    /// Fields of a width each; columns by position.
    Fixed {
        /// Widths in characters, one for each column.
        widths: Vec<u32>,
        /// Whether white space around values is no part of them.
        trim: bool,
        /// Lines of another length.
        ragged: RaggedLines,
    },
}

/// What a line means that is longer or shorter than its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RaggedLines {
    /// Fields behind the end of a short line are NULL; one that is longer, by more than blanks, does not fit.
    Short,
    /// Neither fits.
    Bad,
    /// Fields behind the end are NULL, and what is behind the last field is left out.
    Pad,
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
    /// Lines skipped at the end of each file. Then a file cannot be split.
    #[serde(default)]
    pub footer_lines: u64,
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
            footer_lines: 0,
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
    /// The root of what is written, `rootTag`; `None`: [`Self::ROOT_TAG`].
    #[serde(default)]
    pub root_tag: Option<String>,
    /// Whether attributes are left out (`excludeAttribute`).
    #[serde(default)]
    pub leave_out_attributes: bool,
    /// Whether text of nothing but white space is NULL (`treatEmptyValuesAsNulls`).
    #[serde(default)]
    pub empty_is_null: bool,
    /// Whether white space around values is no part of them (`ignoreSurroundingSpaces`).
    #[serde(default)]
    pub trim: bool,
}

impl Default for XmlOptions {
    /// What is written where nothing says otherwise.
    fn default() -> Self {
        Self::new(Self::ROW_TAG, "xml")
    }
}

impl XmlOptions {
    /// The root of written files, as Spark's package for XML calls it.
    pub const ROOT_TAG: &str = "ROWS";
    /// The rows of written files, as Spark's package for XML calls them.
    pub const ROW_TAG: &str = "ROW";

    /// The root of what is written.
    pub fn root(&self) -> &str {
        self.root_tag.as_deref().unwrap_or(Self::ROOT_TAG)
    }

    /// Glue's defaults; a value that does not fit is a bad record.
    pub fn new(row_tag: impl Into<String>, classification: impl Into<String>) -> Self {
        Self {
            row_tag: row_tag.into(),
            classification: classification.into(),
            attribute_prefix: "_".to_owned(),
            value_tag: "_VALUE".to_owned(),
            encoding: None,
            malformed_value: Malformed::Bad,
            root_tag: None,
            leave_out_attributes: false,
            empty_is_null: false,
            trim: false,
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
    /// Whether the columns of all files go by position (`orc.column.index.access`).
    pub by_position: bool,
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
    /// The columns of the whole schema that the wanted ones are chosen from; a workbook with another one is an error. Not
    /// kept in the catalog.
    pub among: Option<Vec<String>>,
}
