//! What is this file? Format, dialect and columns, from its head.
//!
//! Rules, after the AWS Glue Developer Guide (Adding classifiers to a crawler):
//! - magic numbers first (Parquet, Avro, ORC, binary Ion; others are refused by name), then XML by its first tag, JSON when the
//!   first value is an object or an array of objects, text of Ion, then logs that are known by their lines, then delimited text with at least two
//!   columns and two rows;
//! - CSV columns are `bigint`, `double`, `boolean` (`true` and `false` in any case) or `string`; dates and times stay
//!   `string`, as from Glue;
//! - JSON columns are `int`, `bigint`, `double`, `boolean`, `string`, `array<…>` and `struct<…>`;
//! - names are lower-cased, also those of struct fields; columns without a name are `col0`, `col1`, … by position.
//!
//! Only a sample is read: [`InferOptions::sample_bytes`] of text, and on to the end of the first record if that is
//! longer, up to the record limit. Bad records within the sample are reported in [`Inferred::problems`].

mod archive;
mod aws;
mod beyond;
mod csv;
mod elements;
mod foreign;
mod ion;
mod json;
mod lines;
mod misfits;
mod row_tag;
mod seen;
mod text;
mod types;
mod union;
mod wide;
mod xml;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::Schema;

use crate::avro;
use crate::compression::Compression;
use crate::encoding::Encoding;
use crate::error::{FormatError, Problem};
use crate::excel;
use crate::hive::HiveType;
use crate::options::{Format, ParquetOptions};
use crate::orc;
use crate::parquet::parquet_summary;
use crate::read::detect_compression;
use crate::source::ByteSource;

pub use beyond::Search;
pub use csv::{CsvHints, Detected, Header};
pub use elements::as_elements_of;
pub use seen::{Seen, merge_seen};
use text::infer_text;
pub use types::merge_types;
pub use union::merge_unions;

/// How much to look at.
#[derive(Debug, Clone)]
pub struct InferOptions {
    /// Bytes of (decompressed) text to sample. Default 2 MiB.
    pub sample_bytes: usize,
    /// The largest record accepted. Default 64 MiB.
    pub max_record_bytes: usize,
    /// The format, where it is known: then only the columns are inferred. CSV columns are named as its options say.
    pub format: Option<Format>,
    /// What is known of the file as delimited text; then it is nothing else.
    pub csv: Option<CsvHints>,
    /// Whether names keep the file's spelling instead of lower case.
    pub keep_case: bool,
    /// Whether JSON, XML and Ion are looked at to their end, so that no column is missed: in bounded memory, and about as long as reading
    /// it takes.
    pub whole: bool,
    /// How much of delimited text without quotes is searched for them beyond the sample. Default: nothing.
    pub beyond: Option<Arc<Search>>,
    /// Whether one row of delimited text is taken for a record: for who knows from elsewhere that it is no header. Otherwise it
    /// is [`Problem::NoRecords`].
    pub one_row: bool,
    /// Whether values of several types in JSON give a union of these, in the order they came, and not one type that holds them
    /// all. Of numbers, `int` or `bigint` and `double` are two; objects without members are text.
    pub choices: bool,
    /// Whether broken records are left out when the file is read: then few good ones among many are enough for JSON, where it is
    /// the known format.
    pub skips_bad: bool,
}

impl Default for InferOptions {
    fn default() -> Self {
        Self {
            sample_bytes: 2 << 20,
            max_record_bytes: 64 << 20,
            format: None,
            csv: None,
            keep_case: false,
            whole: false,
            beyond: None,
            one_row: false,
            choices: false,
            skips_bad: false,
        }
    }
}

impl InferOptions {
    /// The encoding of the known format.
    fn encoding(&self) -> Option<Encoding> {
        match &self.format {
            Some(Format::Csv(csv)) => csv.encoding,
            Some(Format::Lines(lines)) => lines.encoding,
            Some(Format::Xml(xml)) => xml.encoding,
            _ => None,
        }
    }

    /// The classification of the known format, when that is not `kind`.
    fn other_than(&self, kind: Typed) -> Option<&str> {
        match (&self.format, kind) {
            (Some(Format::Parquet(_)), Typed::Parquet)
            | (Some(Format::Avro(_)), Typed::Avro)
            | (Some(Format::Orc(_)), Typed::Orc) => None,
            (Some(other), _) => Some(other.classification()),
            (None, _) => self.csv.as_ref().map(|_| "csv"),
        }
    }

    /// A name as the caller wants it.
    pub(crate) fn spelling(&self, name: &str) -> String {
        if self.keep_case { name.to_owned() } else { name.to_lowercase() }
    }

    /// A type with the names of its fields as the caller wants them. Fields that would then have the same name keep
    /// their own.
    fn spelling_of(&self, ty: HiveType) -> HiveType {
        match ty {
            HiveType::Array(item) => HiveType::Array(Box::new(self.spelling_of(*item))),
            HiveType::Map(key, value) => {
                HiveType::Map(Box::new(self.spelling_of(*key)), Box::new(self.spelling_of(*value)))
            }
            HiveType::Struct(fields) => {
                let mut taken = HashSet::new();
                let clash = fields.iter().any(|(name, _)| !taken.insert(self.spelling(name)));
                let named = |name: String| if clash { name } else { self.spelling(&name) };
                HiveType::Struct(fields.into_iter().map(|(n, ty)| (named(n), self.spelling_of(ty))).collect())
            }
            other => other,
        }
    }
}

/// One column found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredField {
    /// Name, in lower case, unique in the file.
    pub name: String,
    /// Type.
    pub ty: HiveType,
    /// Whether an empty or missing value was seen (Parquet: whether the column allows them).
    pub nullable: bool,
    /// What was seen of the values: where nothing was, `ty` is a guess that yields to what another file says.
    pub seen: Seen,
}

/// What a file is.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// Format and dialect, ready for [`crate::read`].
    pub format: Format,
    /// The file's compression.
    pub compression: Compression,
    /// The columns, in the file's order.
    pub fields: Vec<InferredField>,
    /// Records in the sample, a header not counted; for Parquet all rows of the file.
    pub records: u64,
    /// Bytes of text that these records take; for Parquet the uncompressed size of all columns.
    pub record_bytes: u64,
    /// Whether the sample was the whole file, so that `records` is exact.
    pub complete: bool,
    /// CSV that is taken to have no header, although its first row could be one: the columns as that row names them.
    pub titled: Option<Vec<InferredField>>,
    /// CSV: whether some field was quoted.
    pub quoted: bool,
    /// CSV without quotes: whether there were backslashes, which then stand for themselves.
    pub backslashes: bool,
    /// Bytes of the file, as stored, that were not looked at, about: they are taken to be like the others.
    pub unseen: u64,
    /// The share of the sample's records that are as the format has them, 0 to 1: what AWS calls a classifier's certainty.
    /// 1 where the file itself says what it is.
    pub certainty: f64,
    /// Bad records in the sample, the first ten.
    pub problems: Vec<FormatError>,
}

/// What of `right` and `wrong` records is right.
fn certainty(right: u64, wrong: u64) -> f64 {
    right as f64 / (right + wrong).max(1) as f64
}

/// Finds out what `source` is. Errors: `Empty` and `NoRecords` for files in order that hold nothing; `Unrecognised` with the reason; `Unsupported` for formats known but
/// not read; `Compression`, `RecordTooLarge`, `Parquet`, `Damaged`, `Json`, `UnterminatedJson`, `UnterminatedQuote`, `InvalidUtf8`,
/// `Schema` for damaged or unusable files; `Io`.
pub async fn infer(source: Arc<dyn ByteSource>, options: &InferOptions) -> Result<Inferred, FormatError> {
    let name = source.name().to_owned();
    let head = source.read(0..source.size().min(16)).await.map_err(|e| FormatError::io(&name, e))?;
    if head.is_empty() {
        return Err(FormatError::new(&name, Problem::Empty));
    }
    if let Some(kind) = Typed::of(&*source, &head).await? {
        if let Some(stated) = options.other_than(kind) {
            let reason = format!("it is {}, not {stated}", kind.classification());
            return Err(FormatError::new(&name, Problem::Unrecognised { reason }));
        }
        return match kind {
            Typed::Parquet => infer_parquet(source, options).await,
            Typed::Avro => avro::infer(source, options).await,
            Typed::Orc => orc::infer(source, options).await,
        };
    }
    if let Some(format @ (Format::Parquet(_) | Format::Avro(_) | Format::Orc(_))) = &options.format {
        let reason = format!("it does not begin as {} does", format.classification());
        return Err(FormatError::new(&name, Problem::Unrecognised { reason }));
    }
    if head.starts_with(excel::COMPOUND_MAGIC) {
        return infer_compound(source, options).await;
    }
    if let Some(what) = known_binary(&head) {
        return Err(FormatError::new(&name, Problem::Unsupported { what: what.to_owned() }));
    }
    match detect_compression(&*source).await? {
        Compression::Zip => archive::infer(&source, options).await,
        compression => infer_text(&source, compression, options).await,
    }
}

/// A compound file is a workbook (`.xls`), or nothing that is read.
async fn infer_compound(
    source: Arc<dyn ByteSource>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    if options.csv.is_none()
        && options.format.as_ref().is_none_or(|format| matches!(format, Format::Excel(_)))
    {
        return excel::infer(source, options).await;
    }
    let reason = "it is a compound file (OLE), as `.xls` workbooks are, and no text".to_owned();
    Err(FormatError::new(source.name(), Problem::Unrecognised { reason }))
}

async fn infer_parquet(source: Arc<dyn ByteSource>, options: &InferOptions) -> Result<Inferred, FormatError> {
    let name = source.name().to_owned();
    let summary = parquet_summary(source).await?;
    let (fields, problems) = typed(&name, &summary.schema, &summary.integers, options)?;
    Ok(Inferred {
        format: Format::Parquet(ParquetOptions {}),
        compression: Compression::None,
        fields,
        records: summary.rows,
        record_bytes: summary.uncompressed_bytes,
        complete: true,
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: 1.0,
        problems,
    })
}

/// The columns of a file that carries its types, and those that are left out because Hive has no such type. Errors: names
/// that clash or are missing, no column at all. `integers`: see [`wide::of`].
pub(crate) fn typed(
    name: &str,
    schema: &Schema,
    integers: &[Option<(i64, i64)>],
    options: &InferOptions,
) -> Result<(Vec<InferredField>, Vec<FormatError>), FormatError> {
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut left_out = Vec::new();
    for (field, seen) in schema.fields().iter().zip(wide::of(schema, integers)) {
        let ty = HiveType::from_arrow(field.data_type()).map_err(|error| error.0);
        match ty.and_then(|ty| with_fields(options, ty)) {
            Ok(ty) => fields.push(InferredField {
                name: options.spelling(field.name()),
                ty: options.spelling_of(ty),
                nullable: field.is_nullable(),
                seen,
            }),
            Err(ty) => {
                let mut problem = FormatError::new(name, Problem::ColumnLeftOut { ty });
                problem.place.column = Some(field.name().clone());
                left_out.push(problem);
            }
        }
    }
    if fields.is_empty()
        && let Some(first) = left_out.pop()
    {
        return Err(first);
    }
    refuse_clashes(name, &fields)?;
    Ok((fields, left_out))
}

/// The type, unless a structure in it has no fields, or two that are one as the caller wants names. Errors: its description.
fn with_fields(options: &InferOptions, ty: HiveType) -> Result<HiveType, String> {
    fn flaw(options: &InferOptions, ty: &HiveType) -> Option<String> {
        match ty {
            HiveType::Array(item) => flaw(options, item),
            HiveType::Map(key, value) => flaw(options, key).or_else(|| flaw(options, value)),
            HiveType::Struct(fields) if fields.is_empty() => Some("a structure without fields".to_owned()),
            HiveType::Struct(fields) => {
                let mut taken = HashSet::new();
                let twice = fields.iter().find(|(name, _)| !taken.insert(options.spelling(name)));
                let twice = twice.map(|(name, _)| {
                    format!("two fields named {} (case does not count)", options.spelling(name))
                });
                twice.or_else(|| fields.iter().find_map(|(_, ty)| flaw(options, ty)))
            }
            _ => None,
        }
    }
    match flaw(options, &ty) {
        None => Ok(ty),
        Some(flaw) => Err(format!("{ty} with {flaw}")),
    }
}

/// Such columns are found by name: of two with the same name, one could never be read.
fn refuse_clashes(source: &str, fields: &[InferredField]) -> Result<(), FormatError> {
    if fields.is_empty() {
        let found = "a schema without columns".to_owned();
        return Err(FormatError::new(source, Problem::NoRecords { found }));
    }
    let mut taken = HashSet::new();
    for field in fields {
        let message = if field.name.trim().is_empty() {
            "a column has no name".to_owned()
        } else if taken.insert(field.name.as_str()) {
            continue;
        } else {
            format!("two columns are named {} (case does not count)", field.name)
        };
        return Err(FormatError::new(source, Problem::Schema { message }));
    }
    Ok(())
}

/// Formats that carry their columns' types, known by their first bytes.
#[derive(Clone, Copy)]
enum Typed {
    Parquet,
    Avro,
    Orc,
}

impl Typed {
    async fn of(source: &dyn ByteSource, head: &[u8]) -> Result<Option<Self>, FormatError> {
        Ok(match head {
            _ if head.starts_with(b"PAR1") => Some(Self::Parquet),
            _ if head.starts_with(avro::MAGIC) => Some(Self::Avro),
            _ if head.starts_with(orc::MAGIC) && orc::is_orc(source).await? => Some(Self::Orc),
            _ => None,
        })
    }

    fn classification(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Avro => "avro",
            Self::Orc => "orc",
        }
    }
}

/// Formats that are known by their first bytes and not read here.
fn known_binary(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => Some("an image"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF document"),
        _ => None,
    }
}
