//! Dialects of delimited text.

use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;

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
    /// Whether blanks and tabs in front of an opening quote do not count (OpenCSVSerde).
    pub pads_quotes: bool,
    /// Escape character; inside quotes, a doubled quote works as well. The quote itself says that there is no other: from
    /// inference, that backslashes were seen which escape nothing.
    pub escape: Option<u8>,
    /// Records that begin with it are skipped to the end of their line. Lines to be skipped as header count them.
    pub comment: Option<u8>,
    /// Whether quoted fields may hold line breaks. Then a file with comments cannot be split.
    pub multiline: bool,
    /// Lines skipped at the start of each file (`skip.header.line.count`).
    pub header_lines: u64,
    /// Lines skipped at the end of each file (`skip.footer.line.count`). Then a file cannot be split.
    pub footer_lines: u64,
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
    /// Whether whole numbers are dates (days since 1970) and timestamps (milliseconds since 1970), too.
    pub epoch_times: bool,
    /// Whether bytes are written in base64; what is not is a bad record.
    pub base64: bool,
    /// The file's encoding, where it is not UTF-8 and has no mark. Then a file cannot be split.
    pub encoding: Option<Encoding>,
    /// Separators of arrays, maps and structures within a field, the outermost level first; without any, such columns
    /// are refused.
    pub nested: Vec<u8>,
}

impl CsvOptions {
    /// Whether some character in front of another one takes its meaning away.
    pub fn escapes(&self) -> bool {
        self.escape.is_some_and(|escape| Some(escape) != self.quote)
    }

    /// The dialect of jobs' S3 sources: comma, double quotes, a header line; whatever does not fit is a bad record.
    pub fn standard() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            pads_quotes: false,
            escape: None,
            comment: None,
            multiline: true,
            header_lines: 1,
            footer_lines: 0,
            names: ColumnNames::Header,
            null_text: None,
            empty_text_is_null: false,
            skip_blank_lines: true,
            ragged: Ragged::Bad,
            malformed: Malformed::Bad,
            epoch_times: false,
            base64: false,
            encoding: None,
            nested: Vec::new(),
        }
    }

    /// LazySimpleSerDe: no quoting, `\N` is NULL, what does not fit is NULL.
    pub fn lazy_simple(columns: Vec<String>) -> Self {
        Self {
            delimiter: 1,
            quote: None,
            pads_quotes: false,
            escape: None,
            comment: None,
            multiline: false,
            header_lines: 0,
            footer_lines: 0,
            names: ColumnNames::Given(columns),
            null_text: Some("\\N".to_owned()),
            empty_text_is_null: false,
            skip_blank_lines: false,
            ragged: Ragged::PadWithNull,
            malformed: Malformed::Null,
            epoch_times: false,
            base64: true,
            encoding: None,
            nested: vec![2, 3, 4, 5, 6, 7, 8],
        }
    }

    /// OpenCSVSerde: quotes and backslash escapes; a value that does not fit is a bad record, and numbers may be dates
    /// and timestamps, as in Athena. ISO text of them is read as well.
    /// Source: Athena documentation, Open CSV SerDe.
    /// Unlike Hive's, quoted fields may hold line breaks.
    pub fn open_csv(columns: Vec<String>) -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            pads_quotes: true,
            escape: Some(b'\\'),
            multiline: true,
            null_text: None,
            malformed: Malformed::Bad,
            epoch_times: true,
            nested: Vec::new(),
            ..Self::lazy_simple(columns)
        }
    }
}
