//! Reading: one entry for all formats.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};

use crate::archive;
use crate::avro::AvroReader;
use crate::compression::Compression;
use crate::csv::read::CsvReader;
use crate::encoding::Encoding;
use crate::error::{FormatError, Problem};
use crate::excel::ExcelReader;
use crate::input::Input;
use crate::ion::read::IonReader;
use crate::json::layout::detect_layout;
use crate::json::read::JsonReader;
use crate::lines::read::LineReader;
use crate::options::{CsvOptions, Format, JsonLayout, ReadOptions};
use crate::orc::OrcReader;
use crate::parquet;
use crate::source::ByteSource;
use crate::xml::read::XmlReader;

/// Record batches of one range, in the file's order. Ends after the first error.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, FormatError>>;

/// Streams the records of `range` (bytes of the file as stored) as batches of `schema`, the wanted columns.
///
/// Columns are found by name, ignoring case. Use the whole file, `0..source.size()`, or the ranges that
/// [`plan_splits`] gives: ranges of one plan hold every record exactly once. An empty `schema` gives batches
/// that only count rows. Memory: one batch, plus the window for the record at hand, at most about twice
/// [`ReadOptions::max_record_bytes`].
///
/// Errors end the stream, except bad records under [`crate::OnBadRecord::Skip`].
pub fn read(
    source: Arc<dyn ByteSource>,
    range: Range<u64>,
    format: &Format,
    schema: SchemaRef,
    options: ReadOptions,
) -> BatchStream {
    let format = format.clone();
    let name = source.name().to_owned();
    let opened = async move { Reader::open(source, range, &format, schema, &options).await };
    let state = State::Opening(opened.boxed());
    let batches = stream::unfold(state, move |state| {
        let name = name.clone();
        async move {
            let step = AssertUnwindSafe(advance(state)).catch_unwind().await;
            step.unwrap_or_else(|_| Some((Err(panicked(&name)), State::Ended)))
        }
    });
    batches.boxed()
}

/// A decoder's own defect on damaged input must not take the process down.
fn panicked(name: &str) -> FormatError {
    FormatError::new(
        name,
        Problem::Unsupported { what: "this file: its decoder gave up on the content, which".to_owned() },
    )
}

enum State {
    Opening(futures::future::BoxFuture<'static, Result<Reader, FormatError>>),
    Open(Box<Reader>),
    Ended,
}

async fn advance(state: State) -> Option<(Result<RecordBatch, FormatError>, State)> {
    let mut reader = match state {
        State::Opening(opening) => match opening.await {
            Ok(reader) => Box::new(reader),
            Err(error) => return Some((Err(error), State::Ended)),
        },
        State::Open(reader) => reader,
        State::Ended => return None,
    };
    match reader.next().await {
        Ok(Some(batch)) => Some((Ok(batch), State::Open(reader))),
        Ok(None) => None,
        Err(error) => Some((Err(error), State::Ended)),
    }
}

enum Reader {
    Csv(Box<CsvReader>),
    Json(Box<JsonReader>),
    Parquet(Box<parquet::ParquetReader>),
    Avro(Box<AvroReader>),
    Orc(Box<OrcReader>),
    Excel(Box<ExcelReader>),
    Members(Box<Members>),
    Lines(Box<LineReader>),
    Xml(Box<XmlReader>),
    Ion(Box<IonReader>),
    Nothing,
}

impl Reader {
    async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        format: &Format,
        schema: SchemaRef,
        options: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let end = range.end.min(source.size());
        if range.start >= end {
            return Ok(Self::Nothing);
        }
        let range = range.start..end;
        let is_special = !options.cast_columns.is_empty() || options.filter.is_some();
        if is_special && !matches!(format, Format::Csv(_)) {
            let what = format!("casting or filtering while reading {}", format.classification());
            return Err(FormatError::new(source.name(), Problem::Unsupported { what }));
        }
        match format {
            Format::Parquet(_) => {
                let reader = parquet::ParquetReader::open(source, range, schema, options).await?;
                return Ok(Self::Parquet(Box::new(reader)));
            }
            Format::Avro(avro) => {
                let reader = AvroReader::open(source, range, avro, schema, options).await?;
                return Ok(Self::Avro(Box::new(reader)));
            }
            Format::Orc(orc) => {
                let reader = OrcReader::open(source, range, orc, schema, options).await?;
                return Ok(Self::Orc(Box::new(reader)));
            }
            Format::Excel(excel) => {
                require_whole(&*source, &range, format, Compression::None)?;
                let reader = ExcelReader::open(source, excel, schema, options).await?;
                return Ok(Self::Excel(Box::new(reader)));
            }
            Format::Csv(_) | Format::Json(_) | Format::Lines(_) | Format::Xml(_) | Format::Ion(_) => {}
        }
        let compression = match options.compression {
            Some(known) => known,
            None => detect_compression(&*source).await?,
        };
        require_whole(&*source, &range, format, compression)?;
        if compression == Compression::Zip {
            let members = archive::members(&source).await?.into_iter();
            let (format, options) = (format.clone(), options.clone());
            return Ok(Self::Members(Box::new(Members { members, current: None, format, schema, options })));
        }
        Self::open_text(source, range, format, compression, schema, options).await
    }

    async fn open_text(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        format: &Format,
        compression: Compression,
        schema: SchemaRef,
        options: &ReadOptions,
    ) -> Result<Self, FormatError> {
        Ok(match format {
            Format::Csv(csv) => {
                Self::Csv(Box::new(CsvReader::open(source, range, csv, compression, schema, options).await?))
            }
            Format::Json(json) => Self::Json(Box::new(
                JsonReader::open(source, range, json, compression, schema, options).await?,
            )),
            Format::Lines(lines) => Self::Lines(Box::new(
                LineReader::open(source, range, lines, compression, schema, options).await?,
            )),
            Format::Xml(xml) => {
                Self::Xml(Box::new(XmlReader::open(source, xml, compression, schema, options).await?))
            }
            Format::Ion(ion) => {
                Self::Ion(Box::new(IonReader::open(source, ion, compression, schema, options).await?))
            }
            Format::Parquet(_) | Format::Avro(_) | Format::Orc(_) | Format::Excel(_) => Self::Nothing,
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        match self {
            Self::Csv(reader) => reader.next().await,
            Self::Json(reader) => reader.next().await,
            Self::Parquet(reader) => reader.next().await,
            Self::Avro(reader) => reader.next().await,
            Self::Orc(reader) => reader.next().await,
            Self::Excel(reader) => reader.next(),
            Self::Members(members) => members.next().await,
            Self::Lines(reader) => reader.next().await,
            Self::Xml(reader) => reader.next().await,
            Self::Ion(reader) => reader.next().await,
            Self::Nothing => Ok(None),
        }
    }
}

/// The members of an archive, one after the other.
struct Members {
    members: std::vec::IntoIter<Arc<dyn ByteSource>>,
    current: Option<Reader>,
    format: Format,
    schema: SchemaRef,
    options: ReadOptions,
}

impl Members {
    async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        loop {
            if let Some(reader) = &mut self.current
                && let Some(batch) = Box::pin(reader.next()).await?
            {
                return Ok(Some(batch));
            }
            let Some(member) = self.members.next() else { return Ok(None) };
            let compression = detect_compression(&*member).await?;
            refuse_archive(&*member, compression)?;
            let range = 0..member.size();
            let schema = Arc::clone(&self.schema);
            let opened =
                Reader::open_text(member, range, &self.format, compression, schema, &self.options).await?;
            self.current = Some(opened);
        }
    }
}

/// An archive within an archive is not looked into.
pub(crate) fn refuse_archive(source: &dyn ByteSource, compression: Compression) -> Result<(), FormatError> {
    if compression != Compression::Zip {
        return Ok(());
    }
    let what = "an archive within an archive".to_owned();
    Err(FormatError::new(source.name(), Problem::Unsupported { what }))
}

fn require_whole(
    source: &dyn ByteSource,
    range: &Range<u64>,
    format: &Format,
    compression: Compression,
) -> Result<(), FormatError> {
    let whole = range.start == 0 && range.end == source.size();
    let splittable = match format {
        Format::Csv(csv) => csv_is_splittable(csv) && csv.encoding.is_none(),
        Format::Json(json) => {
            json.path.is_none() && matches!(json.layout, JsonLayout::Auto | JsonLayout::Lines)
        }
        Format::Lines(lines) => lines.encoding.is_none() && lines.footer_lines == 0,
        Format::Parquet(_) | Format::Avro(_) | Format::Orc(_) => true,
        Format::Excel(_) | Format::Xml(_) | Format::Ion(_) => false,
    };
    if whole || (splittable && compression == Compression::None) {
        return Ok(());
    }
    let what =
        "reading a part of a file that is compressed or may hold records over several lines".to_owned();
    Err(FormatError::new(source.name(), Problem::Unsupported { what }))
}

/// Comments, which may hold quotes, would have to be told from quoted text that looks like them.
fn csv_is_splittable(csv: &CsvOptions) -> bool {
    let is_multiline = csv.multiline && csv.quote.is_some();
    csv.footer_lines == 0 && !(is_multiline && csv.comment.is_some())
}

/// Reads the file's first bytes to find its compression.
pub(crate) async fn detect_compression(source: &dyn ByteSource) -> Result<Compression, FormatError> {
    let head = source.read(0..source.size().min(16)).await.map_err(|e| FormatError::io(source.name(), e))?;
    Compression::detect(source.name(), &head)
        .map_err(|codec| FormatError::new(source.name(), Problem::NotCompressed { codec }))
}

/// Cuts a file into ranges of about `target_bytes` for [`read`]; one range when it cannot be cut, none when empty.
///
/// Reads the file's head at most. Compressed text, CSV with both comments and multi-line quotes, JSON other than lines, XML
/// and Ion stay whole; Parquet ranges take the row groups whose middle they hold, ORC's the stripes that begin in them, Avro's the blocks
/// whose preceding marker does.
pub async fn plan_splits(
    source: &dyn ByteSource,
    format: &Format,
    target_bytes: u64,
) -> Result<Vec<Range<u64>>, FormatError> {
    let size = source.size();
    if size == 0 {
        return Ok(Vec::new());
    }
    let target = target_bytes.max(1);
    if size <= target || !can_split(source, format).await? {
        return Ok(vec![Range { start: 0, end: size }]);
    }
    let count = size.div_ceil(target);
    let at = |n: u64| (u128::from(size) * u128::from(n) / u128::from(count)) as u64;
    Ok((0..count).map(|n| at(n)..at(n + 1)).collect())
}

/// Whether offsets into the text are offsets into the file: it is neither compressed nor in another encoding.
async fn is_plain(source: &dyn ByteSource, encoding: Option<Encoding>) -> Result<bool, FormatError> {
    let head = source.read(0..source.size().min(16)).await.map_err(|e| FormatError::io(source.name(), e))?;
    let plain = detect_compression(source).await? == Compression::None;
    Ok(plain && encoding.is_none() && Encoding::of_mark(&head).is_none())
}

async fn can_split(source: &dyn ByteSource, format: &Format) -> Result<bool, FormatError> {
    match format {
        Format::Parquet(_) | Format::Avro(_) | Format::Orc(_) => Ok(true),
        Format::Excel(_) | Format::Xml(_) | Format::Ion(_) => Ok(false),
        Format::Csv(csv) if !csv_is_splittable(csv) => Ok(false),
        Format::Lines(lines) if lines.footer_lines > 0 => Ok(false),
        Format::Json(json) if json.path.is_some() => Ok(false),
        Format::Csv(csv) => is_plain(source, csv.encoding).await,
        Format::Lines(lines) => is_plain(source, lines.encoding).await,
        Format::Json(json) => {
            if !is_plain(source, None).await? {
                return Ok(false);
            }
            let layout = match json.layout {
                JsonLayout::Auto => {
                    let mut head = Input::open(source, 0, Compression::None, 1 << 20)?;
                    head.begin(None).await?;
                    // A head that cannot be made out in a MiB is left to the reader, whole.
                    detect_layout(&mut head).await.unwrap_or(JsonLayout::Documents)
                }
                known => known,
            };
            Ok(layout == JsonLayout::Lines)
        }
    }
}
