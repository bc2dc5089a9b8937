//! The one error of this crate: a place in a file, and what is wrong there.

use std::fmt;
use std::sync::Arc;

/// Where in a file a problem lies; every part that is known is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Name of the source, such as `s3://bucket/key`.
    pub source: String,
    /// Line in the file, from 1. Known only when reading began at the file's first byte.
    pub line: Option<u64>,
    /// Record within what was read, from 1; header lines do not count.
    pub row: Option<u64>,
    /// Offset in bytes into the (decompressed) file, where the record begins.
    pub offset: Option<u64>,
    /// Name of the column.
    pub column: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        } else if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        Ok(())
    }
}

/// What is wrong.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The source could not be read, or the sink not be written.
    #[error("{0}")]
    Io(#[source] Arc<std::io::Error>),
    /// The file holds no bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// Well-formed, but without a record, so that there is nothing to tell columns' types from.
    #[error("the file holds no records: {found}")]
    NoRecords {
        /// What it holds instead.
        found: String,
    },
    /// A JSON path at which the file has nothing.
    #[error("the file holds no records: nothing is at the JSON path {path}")]
    NothingAtPath {
        /// The path.
        path: String,
    },
    /// Delimited text that a header, known from elsewhere, does not fit.
    #[error(
        "its rows have {found} fields, and the header of the classifier names {expected}: the classifier does not take it"
    )]
    HeaderWidth {
        /// The names.
        expected: usize,
        /// The fields.
        found: usize,
    },
    /// No reader of ours knows this content.
    #[error("the format was not recognised: {reason}")]
    Unrecognised {
        /// Why each candidate was ruled out.
        reason: String,
    },
    /// The compressed stream is damaged or ends too early.
    #[error("damaged or incomplete {codec} data: {message}")]
    Compression {
        /// The codec, as [`crate::Compression::name`] gives it.
        codec: &'static str,
        /// What the decoder said.
        message: String,
    },
    /// A file that is named as compressed and is not.
    #[error("the file's name says {codec}, but its content is not {codec}")]
    NotCompressed {
        /// The codec that the name says.
        codec: &'static str,
    },
    /// One record is larger than `ReadOptions::max_record_bytes`.
    #[error("a single record is larger than the limit of {limit} bytes")]
    RecordTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Text that is not UTF-8.
    #[error("the text is not valid UTF-8")]
    InvalidUtf8,
    /// Bytes that are not text in the file's encoding.
    #[error("the text is not valid {encoding}")]
    InvalidText {
        /// The encoding's name.
        encoding: &'static str,
    },
    /// A record with too few or too many fields, where the dialect does not allow that.
    #[error("expected {expected} fields, found {found}")]
    FieldCount {
        /// Fields of the table or header.
        expected: usize,
        /// Fields of this record.
        found: usize,
    },
    /// A value that does not fit its column's type.
    #[error("the value {value:?} is not a valid {wanted}")]
    BadValue {
        /// The value, cut to 100 characters.
        value: String,
        /// The type wanted, in Hive's words.
        wanted: String,
    },
    /// A quoted field that never ends.
    #[error("a quoted field is not closed")]
    UnterminatedQuote,
    /// Malformed JSON.
    #[error("malformed JSON: {message}")]
    Json {
        /// What was expected, and what was found.
        message: String,
    },
    /// Names of one JSON object or XML element that repeat, or differ in case where that does not count, with different
    /// values.
    #[error("{}", repeated(first, second))]
    RepeatedName {
        /// The name that came first.
        first: String,
        /// The one that means the same.
        second: String,
    },
    /// A column that the caller's schema, taken from other files, does not know, where it must not be left out.
    #[error("{}", unknown(name))]
    UnknownName {
        /// Its name; of a field within a structure, that field's.
        name: String,
    },
    /// A JSON document, such as an array, that ends before it is closed.
    #[error("the JSON {what} is not closed at the end of the file")]
    UnterminatedJson {
        /// `array` or `object`.
        what: &'static str,
    },
    /// A row of XML that is not well-formed.
    #[error("malformed XML: {message}")]
    Xml {
        /// What is wrong, and in which column of the line.
        message: String,
    },
    /// A document of XML that is not well-formed outside its rows, or ends too early.
    #[error("malformed XML: {message}")]
    XmlDocument {
        /// What is wrong, and in which column of the line.
        message: String,
    },
    /// A value of Ion that is not well-formed.
    #[error("malformed Ion: {message}")]
    Ion {
        /// What is wrong, and at which byte.
        message: String,
    },
    /// A line that the pattern does not match.
    #[error("the pattern does not match the line {line:?}")]
    Unmatched {
        /// The line, cut to 100 characters.
        line: String,
    },
    /// A line that is longer or shorter than its fields may be.
    #[error("expected a line of {expected} characters, found {found}")]
    LineLength {
        /// The sum of the widths.
        expected: usize,
        /// The line's characters.
        found: usize,
    },
    /// A line that takes the pattern's matcher too long.
    #[error("the pattern takes too many steps of backtracking on this line: make it more specific")]
    PatternTooHard,
    /// Damaged or unreadable Parquet.
    #[error("damaged or unreadable Parquet: {message}")]
    Parquet {
        /// What the decoder said.
        message: String,
    },
    /// A damaged or unreadable file of another format with a structure of its own.
    #[error("damaged or unreadable {format}: {message}")]
    Damaged {
        /// The format, as people write it.
        format: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A column of a type without a counterpart, where the rest of the file can be read.
    #[error("the column is left out, because its type {ty} is not supported")]
    ColumnLeftOut {
        /// The type, as the file's format has it.
        ty: String,
    },
    /// A known dialect that is not the file's: its separator divides no line, where another one would divide them all, or the
    /// file's first line says the separator and is no row.
    #[error("{message}")]
    Undivided {
        /// What is known, and what the file says.
        message: String,
    },
    /// Something that this crate does not do.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: String,
    },
    /// The wanted schema cannot be served from this file.
    #[error("{message}")]
    Schema {
        /// Why.
        message: String,
    },
}

/// A problem and its place.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct FormatError {
    /// Where.
    pub place: Box<Place>,
    /// What.
    #[source]
    pub problem: Problem,
}

impl FormatError {
    pub(crate) fn new(source: &str, problem: Problem) -> Self {
        Self { place: Box::new(Place { source: source.to_owned(), ..Place::default() }), problem }
    }

    /// A column of `source` that the caller's schema does not know.
    pub fn unknown_name(source: &str, name: impl Into<String>) -> Self {
        Self::new(source, Problem::UnknownName { name: name.into() })
    }

    /// A failure to fetch the bytes of `source`.
    pub fn io_of(source: &str, error: std::io::Error) -> Self {
        Self::io(source, error)
    }

    /// A source made of another one (a member of an archive) passes our own errors on in its own.
    pub(crate) fn io(source: &str, error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(error) => Self::new(source, Problem::Io(Arc::new(error))),
        }
    }

    /// True when only one record is concerned, so that reading could go on behind it.
    pub fn is_bad_record(&self) -> bool {
        matches!(
            self.problem,
            Problem::InvalidUtf8
                | Problem::FieldCount { .. }
                | Problem::BadValue { .. }
                | Problem::UnterminatedQuote
                | Problem::Json { .. }
                | Problem::RepeatedName { .. }
                | Problem::Xml { .. }
                | Problem::Ion { .. }
                | Problem::Unmatched { .. }
                | Problem::LineLength { .. }
        )
    }

    /// True when the file is in order and holds nothing: no bytes, or no record.
    pub fn is_empty_file(&self) -> bool {
        matches!(self.problem, Problem::Empty | Problem::NoRecords { .. } | Problem::NothingAtPath { .. })
    }

    /// A word or two on the kind of problem, out of a closed set, for counting.
    pub fn kind(&self) -> &'static str {
        match self.problem {
            Problem::Io(_) => "not readable",
            Problem::Empty | Problem::NoRecords { .. } | Problem::NothingAtPath { .. } => "without records",
            Problem::Unrecognised { .. } => "format not recognised",
            Problem::Compression { .. } => "damaged compression",
            Problem::NotCompressed { .. } => "not compressed as named",
            Problem::RecordTooLarge { .. } => "record too large",
            Problem::InvalidUtf8 => "not UTF-8",
            Problem::InvalidText { .. } => "not in its encoding",
            Problem::FieldCount { .. } | Problem::BadValue { .. } => "bad values",
            Problem::UnterminatedQuote => "quote not closed",
            Problem::Json { .. } | Problem::UnterminatedJson { .. } => "malformed JSON",
            Problem::RepeatedName { .. } => "names that repeat",
            Problem::Xml { .. } | Problem::XmlDocument { .. } => "malformed XML",
            Problem::Ion { .. } => "malformed Ion",
            Problem::Parquet { .. } => "damaged Parquet",
            Problem::Unmatched { .. } | Problem::LineLength { .. } | Problem::PatternTooHard => {
                "lines that do not match"
            }
            Problem::Damaged { format: "Avro", .. } => "damaged Avro",
            Problem::Damaged { format: "ORC", .. } => "damaged ORC",
            Problem::Damaged { format: "Excel workbook", .. } => "damaged Excel",
            Problem::Damaged { format: "Ion", .. } => "damaged Ion",
            Problem::Damaged { .. } => "damaged file",
            Problem::Unsupported { .. } | Problem::ColumnLeftOut { .. } => "not supported",
            Problem::Schema { .. }
            | Problem::UnknownName { .. }
            | Problem::Undivided { .. }
            | Problem::HeaderWidth { .. } => "schema not usable",
        }
    }

    /// True when the bytes could not be fetched, as against fetched and found wanting.
    pub fn is_io(&self) -> bool {
        matches!(self.problem, Problem::Io(_))
    }
}

fn unknown(name: &str) -> String {
    if name.trim().is_empty() {
        return "a member without a name gives no column".to_owned();
    }
    format!("it has the column {name}, which the files that the schema was taken from do not have")
}

fn repeated(first: &str, second: &str) -> String {
    if first == second {
        return format!("the name {first:?} comes more than once in one object");
    }
    format!("the names {first:?} and {second:?} of one object are the same column, and their values differ")
}

/// Cuts `text` to 100 characters for an error message.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 100;
    let head = &bytes[..bytes.len().min(SHOWN * 4)];
    let text = String::from_utf8_lossy(head);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().count() > SHOWN || head.len() < bytes.len() {
        shown.push('…');
    }
    shown
}
