//! A [`Format`] as the Glue Data Catalog stores it: input and output format, SerDe library and its parameters; and
//! back, which is where a table's own words decide how its files are read.

mod csv;
mod ion;
mod json;
mod settings;
mod text;

use std::collections::BTreeMap;

use crate::encoding::Encoding;
use crate::options::{
    AvroOptions, ExcelOptions, Format, JsonOptions, LineLayout, OrcOptions, ParquetOptions,
};

use csv::{lazy_parameters, lazy_simple, open_csv, open_csv_parameters};
use ion::{ion, ion_parameters};
use json::{hive_json, openx, openx_parameters};
pub use settings::is_setting;
use settings::{ORC_BY_POSITION, PARQUET_BY_POSITION, merged, refuse_if_true};
use text::{fixed, grok, line_format, line_parameters, regex, xml_parameters};
pub use text::{is_xml, within_cloudtrail, xml_of};

/// Hive's plain text input.
pub const TEXT_INPUT: &str = "org.apache.hadoop.mapred.TextInputFormat";
/// Manifests: each line of a table's files names a data file, whatever the SerDe.
pub const SYMLINK_INPUT: &str = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat";
/// Hive's plain text output.
pub const TEXT_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
/// Hive's Parquet input.
pub const PARQUET_INPUT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
/// Hive's Parquet output.
pub const PARQUET_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
/// Delimited text without quotes.
pub const LAZY_SIMPLE: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
/// Delimited text with quotes.
pub const OPEN_CSV: &str = "org.apache.hadoop.hive.serde2.OpenCSVSerde";
/// JSON, the SerDe that Glue's crawlers write.
pub const OPENX_JSON: &str = "org.openx.data.jsonserde.JsonSerDe";
/// JSON, Hive's own (also known as `org.apache.hadoop.hive.serde2.JsonSerDe`).
pub const HIVE_JSON: &str = "org.apache.hive.hcatalog.data.JsonSerDe";
/// Hive's Avro input.
pub const AVRO_INPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat";
/// Hive's Avro output.
pub const AVRO_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat";
/// Avro.
pub const AVRO: &str = "org.apache.hadoop.hive.serde2.avro.AvroSerDe";
/// Hive's ORC input.
pub const ORC_INPUT: &str = "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat";
/// Hive's ORC output.
pub const ORC_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat";
/// ORC.
pub const ORC: &str = "org.apache.hadoop.hive.ql.io.orc.OrcSerde";
/// Excel workbooks: a SerDe of our own, because Hive has none.
pub const EXCEL: &str = "tenon.ExcelSerDe";
/// The input format that goes with it.
pub const EXCEL_INPUT: &str = "tenon.ExcelInputFormat";
/// The output format that goes with it; nothing is written.
pub const EXCEL_OUTPUT: &str = "tenon.ExcelOutputFormat";
/// Hive's Ion input, text and binary.
pub const ION_INPUT: &str = "com.amazon.ionhiveserde.formats.IonInputFormat";
/// Hive's Ion output; nothing is written.
pub const ION_OUTPUT: &str = "com.amazon.ionhiveserde.formats.IonOutputFormat";
/// Amazon Ion.
pub const ION: &str = "com.amazon.ionhiveserde.IonHiveSerDe";
/// Parquet.
pub const PARQUET: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";

/// Documents of AWS CloudTrail, whose records are the rows.
pub const CLOUDTRAIL_INPUT: &str = "com.amazon.emr.cloudtrail.CloudTrailInputFormat";
/// JSON of CloudTrail, the SerDe that goes with it.
pub const CLOUDTRAIL: &str = "com.amazon.emr.hive.serde.CloudTrailSerde";
/// Lines taken apart by Grok.
pub const GROK: &str = "com.amazonaws.glue.serde.GrokSerDe";
/// Lines taken apart by a regular expression.
pub const REGEX: &str = "org.apache.hadoop.hive.serde2.RegexSerDe";

/// Lines of fixed width: a SerDe of our own, because neither Hive nor Glue has one.
pub const FIXED: &str = "tenon.FixedWidthSerDe";

/// Where in a document of JSON the records are: what a classifier found them by.
const JSON_PATH: &str = "jsonPath";

/// A table's storage in Hive's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerdeInfo {
    /// `StorageDescriptor.InputFormat`
    pub input_format: String,
    /// `StorageDescriptor.OutputFormat`
    pub output_format: String,
    /// `SerdeInfo.SerializationLibrary`
    pub library: String,
    /// `SerdeInfo.Parameters`
    pub parameters: BTreeMap<String, String>,
}

/// The table's SerDe is one that we do not read, or its parameters make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SerdeError {
    /// No reader for this SerDe.
    #[error("the SerDe {0:?} is not supported")]
    Library(String),
    /// A parameter that we cannot honour.
    #[error("the SerDe parameter {name}={value:?} is not supported")]
    Parameter {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The SerDe's parameters and the table's say different things.
    #[error(
        "the parameter {name} is {serde:?} in the SerDe's parameters and {table:?} in the table's: remove one"
    )]
    Differs {
        /// Its name.
        name: String,
        /// Its value in the SerDe's parameters.
        serde: String,
        /// Its value in the table's.
        table: String,
    },
    /// A parameter that the SerDe cannot do without.
    #[error("the SerDe parameter {0} is missing")]
    Missing(&'static str),
}

/// Describes `format` as Glue's crawlers do. `columns` are the names of the data columns.
pub fn describe(format: &Format, columns: &[String]) -> SerdeInfo {
    let text = |library: &str, parameters: BTreeMap<String, String>| SerdeInfo {
        input_format: TEXT_INPUT.to_owned(),
        output_format: TEXT_OUTPUT.to_owned(),
        library: library.to_owned(),
        parameters,
    };
    match format {
        Format::Csv(csv) => match csv.quote {
            None => text(LAZY_SIMPLE, lazy_parameters(csv)),
            Some(quote) => text(OPEN_CSV, open_csv_parameters(csv, quote)),
        },
        Format::Json(json) => text(OPENX_JSON, openx_parameters(json, columns)),
        Format::Lines(lines) => match &lines.layout {
            LineLayout::Grok { .. } => text(GROK, line_parameters(lines)),
            LineLayout::Regex { .. } => text(REGEX, line_parameters(lines)),
            LineLayout::Fixed { .. } => text(FIXED, line_parameters(lines)),
        },
        // Hive has no SerDe for it, and Glue's crawlers name none.
        Format::Xml(xml) => SerdeInfo {
            input_format: String::new(),
            output_format: String::new(),
            library: String::new(),
            parameters: xml_parameters(xml),
        },
        Format::Parquet(_) => typed(PARQUET_INPUT, PARQUET_OUTPUT, PARQUET),
        Format::Orc(orc) => {
            let mut info = typed(ORC_INPUT, ORC_OUTPUT, ORC);
            let by_position = orc.by_position.then(|| (ORC_BY_POSITION.to_owned(), "true".to_owned()));
            info.parameters.extend(by_position);
            info
        }
        Format::Excel(excel) => {
            let mut info = typed(EXCEL_INPUT, EXCEL_OUTPUT, EXCEL);
            info.parameters.extend(excel.sheet.clone().map(|sheet| ("sheet".to_owned(), sheet)));
            info.parameters.extend(excel.header.map(|header| ("header".to_owned(), header.to_string())));
            info
        }
        Format::Ion(ion) => {
            SerdeInfo { parameters: ion_parameters(ion), ..typed(ION_INPUT, ION_OUTPUT, ION) }
        }
        Format::Avro(avro) => {
            let mut info = typed(AVRO_INPUT, AVRO_OUTPUT, AVRO);
            info.parameters.extend(avro.schema.clone().map(|schema| (AVRO_SCHEMA.to_owned(), schema)));
            info
        }
    }
}

/// A format whose files say all that is to be said.
fn typed(input: &str, output: &str, library: &str) -> SerdeInfo {
    SerdeInfo {
        input_format: input.to_owned(),
        output_format: output.to_owned(),
        library: library.to_owned(),
        parameters: BTreeMap::from([("serialization.format".to_owned(), "1".to_owned())]),
    }
}

const AVRO_SCHEMA: &str = "avro.schema.literal";
const AVRO_SCHEMA_URL: &str = "avro.schema.url";

fn character(byte: u8) -> String {
    char::from(byte).to_string()
}

/// The encoding of the files' text.
const ENCODING: &str = "serialization.encoding";

fn encoding(serde: &BTreeMap<String, String>) -> Result<Option<Encoding>, SerdeError> {
    match get(serde, ENCODING) {
        Some(label) => Encoding::of_label(label).map_err(|_| bad(ENCODING, label)),
        None => Ok(None),
    }
}

/// Finds the format of a table's files. `columns` are its data columns in order; `serde` are the SerDe's parameters,
/// `table` the table's: a setting of the SerDe may stand in either. Errors: a SerDe or parameter that we do not honour, or
/// a setting that stands in both with different values.
pub fn format_of(
    library: &str,
    serde: &BTreeMap<String, String>,
    table: &BTreeMap<String, String>,
    columns: Vec<String>,
) -> Result<Format, SerdeError> {
    let serde = &*merged(serde, table)?;
    match library {
        LAZY_SIMPLE => lazy_simple(serde, columns),
        OPEN_CSV => open_csv(serde, columns),
        OPENX_JSON => openx(serde),
        HIVE_JSON | "org.apache.hadoop.hive.serde2.JsonSerDe" => hive_json(serde),
        GROK => line_format(grok(serde)?, serde, table, columns),
        REGEX | "org.apache.hadoop.hive.contrib.serde2.RegexSerDe" => {
            line_format(regex(serde)?, serde, table, columns)
        }
        FIXED => fixed(serde, table, columns),
        CLOUDTRAIL => Ok(within_cloudtrail(Format::Json(JsonOptions::default()))),
        PARQUET | "parquet.hive.serde.ParquetHiveSerDe" => {
            refuse_if_true(serde, PARQUET_BY_POSITION)?;
            Ok(Format::Parquet(ParquetOptions {}))
        }
        AVRO => avro(serde),
        EXCEL => Ok(Format::Excel(ExcelOptions {
            sheet: get(serde, "sheet").map(str::to_owned),
            header: get(serde, "header").map(|_| flag(serde, "header", true)).transpose()?,
            ..ExcelOptions::default()
        })),
        ORC => Ok(Format::Orc(OrcOptions { columns, by_position: flag(serde, ORC_BY_POSITION, false)? })),
        ION => ion(serde),
        other => Err(SerdeError::Library(other.to_owned())),
    }
}

/// A schema elsewhere is not fetched, as in Athena.
fn avro(serde: &BTreeMap<String, String>) -> Result<Format, SerdeError> {
    let find = |name: &str| get(serde, name).filter(|v| !v.trim().is_empty());
    let schema = find(AVRO_SCHEMA);
    match find(AVRO_SCHEMA_URL) {
        Some(url) if schema.is_none() => Err(bad(AVRO_SCHEMA_URL, url)),
        _ => Ok(Format::Avro(AvroOptions { schema: schema.map(str::to_owned) })),
    }
}

fn bad(name: &str, value: &str) -> SerdeError {
    SerdeError::Parameter { name: name.to_owned(), value: value.to_owned() }
}

/// One character of one byte, written as itself, as `\t`, `\u0001`, `\001`, or as a number (LazySimpleSerDe, to which a
/// digit is a number as well).
fn byte(name: &str, value: &str, numbers: bool) -> Result<u8, SerdeError> {
    if let [byte] = value.as_bytes()
        && !(numbers && byte.is_ascii_digit())
    {
        return Ok(*byte);
    }
    let code = match value {
        "\\t" => Some(9),
        "\\n" => Some(10),
        "\\r" => Some(13),
        "\\\\" => Some(92),
        _ => {
            if let Some(hex) = value.strip_prefix("\\u") {
                u32::from_str_radix(hex, 16).ok()
            } else if let Some(octal) = value.strip_prefix('\\') {
                u32::from_str_radix(octal, 8).ok()
            } else if numbers {
                value.parse().ok()
            } else {
                None
            }
        }
    };
    code.and_then(|c| u8::try_from(c).ok()).filter(u8::is_ascii).ok_or_else(|| bad(name, value))
}

fn get<'a>(parameters: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let exact = parameters.get(name);
    let found =
        exact.or_else(|| parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v));
    found.map(String::as_str)
}

fn flag(parameters: &BTreeMap<String, String>, name: &str, default: bool) -> Result<bool, SerdeError> {
    match get(parameters, name) {
        None => Ok(default),
        Some(v) if v.eq_ignore_ascii_case("true") => Ok(true),
        Some(v) if v.eq_ignore_ascii_case("false") => Ok(false),
        Some(v) => Err(bad(name, v)),
    }
}

/// Lines to skip at both ends of each file.
fn skipped_lines(serde: &BTreeMap<String, String>) -> Result<(u64, u64), SerdeError> {
    let count = |name: &str| match get(serde, name) {
        None => Ok(0),
        Some(v) => v.trim().parse().map_err(|_| bad(name, v)),
    };
    Ok((count("skip.header.line.count")?, count("skip.footer.line.count")?))
}

#[cfg(test)]
mod tests;
