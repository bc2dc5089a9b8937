//! Format and dialect of files.

use formats::{JsonPath, LineOptions, XmlOptions};
use serde::{Deserialize, Serialize};

/// Format and dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Csv {
        delimiter: u8,
        header_lines: u64,
        quote: u8,
        #[serde(default)]
        comment: Option<u8>,
    },
    Json,
    /// Records at a path within documents.
    JsonPath(Box<JsonPath>),
    Parquet,
    Avro,
    Orc,
    Excel {
        header: bool,
    },
    /// Lines; the options without names.
    Lines(Box<LineOptions>),
    Xml(Box<XmlOptions>),
    Ion,
}

impl Kind {
    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Csv { delimiter, header_lines, quote, comment } => {
                let mut words = format!("CSV, fields separated by {}", character(*delimiter));
                words.push_str(match header_lines {
                    0 => ", without a header",
                    _ => ", with a header",
                });
                if *quote != b'"' {
                    words.push_str(&format!(", quoted by {}", character(*quote)));
                }
                if let Some(comment) = comment {
                    words.push_str(&format!(", comments after {}", character(*comment)));
                }
                words
            }
            Self::Json => "JSON".to_owned(),
            Self::JsonPath(path) => format!("JSON, records at {}", path.as_str()),
            Self::Parquet => "Parquet".to_owned(),
            Self::Avro => "Avro".to_owned(),
            Self::Orc => "ORC".to_owned(),
            Self::Excel { header: true } => "Excel, with a header".to_owned(),
            Self::Excel { header: false } => "Excel, without a header".to_owned(),
            Self::Lines(lines) => format!("log lines ({})", lines.classification),
            Self::Xml(xml) => format!("XML, a record per element {}", xml.row_tag),
            Self::Ion => "Ion".to_owned(),
        }
    }
}

/// A byte that separates or quotes.
fn character(byte: u8) -> String {
    match byte {
        b',' => "commas".to_owned(),
        b'\t' => "tabs".to_owned(),
        b';' => "semicolons".to_owned(),
        b'|' => "pipes".to_owned(),
        byte if byte.is_ascii_graphic() => char::from(byte).to_string(),
        byte => format!("the byte {byte:#04x}"),
    }
}
