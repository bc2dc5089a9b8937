//! A column under construction: rows are gathered into the page at hand, in plain encoding, and full pages are encoded.
//!
//! Before the page's values there is room for its definition levels where no value is NULL, the usual case: then the page
//! needs no second copy.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, OffsetSizeTrait};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, ByteArrayType, DataType, Date32Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use parquet::basic::{Compression, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::bounds::Bounds;
use super::chunk::{Chunk, Pages};
use super::dictionary::Dictionary;
use super::hybrid;
use super::page::{Compressor, Encoding, LENGTH_BYTES};
use super::verdicts::Verdicts;
use crate::texts::{SHORT_TEXT, copy_text};

/// A page has at most so many rows …
const PAGE_ROWS: usize = 20_000;
/// … and ends when its values take so many bytes, which is looked at every few rows.
const PAGE_BYTES: usize = 1 << 20;
const MAX_STEP_ROWS: usize = 1024;
/// Room for definition levels in front of the values.
const HEAD: usize = 8;

/// Whether the column is of a plain type.
pub(super) fn is_plain(data_type: &DataType) -> bool {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond};
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Date32
            | DataType::Timestamp(Millisecond | Microsecond | Nanosecond, _)
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
    )
}

/// What is used for one page after the other.
#[derive(Default)]
pub(super) struct Tools {
    pub(super) compressor: Compressor,
    codes: Vec<u32>,
    body: Vec<u8>,
    present: Vec<u32>,
    verdicts: Verdicts,
}

/// Some rows of an array.
#[derive(Clone)]
enum Rows<'r> {
    Range(Range<usize>),
    Picked(&'r [u32]),
}

impl Rows<'_> {
    #[inline]
    fn each(&self, mut see: impl FnMut(usize)) {
        match self {
            Self::Range(range) => range.clone().for_each(see),
            Self::Picked(rows) => rows.iter().for_each(|row| see(*row as usize)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Picked(rows) => rows.len(),
        }
    }
}

pub(super) struct Column {
    number: usize,
    descr: ColumnDescPtr,
    /// [`HEAD`] bytes, then the page's values.
    page: Vec<u8>,
    rows: usize,
    nulls: usize,
    /// Per row whether it has a value; empty while all have.
    levels: Vec<u32>,
    dictionary: Option<Dictionary>,
    chunk: Chunk,
    /// Of the pages of all chunks so far.
    sizes: Sizes,
}

/// What pages were before they were encoded, and after it.
#[derive(Clone, Copy, Default)]
struct Sizes {
    plain: usize,
    stored: usize,
}

impl Column {
    /// The column `number` of a file.
    pub(super) fn new(number: usize, descr: ColumnDescPtr) -> Self {
        Self {
            number,
            dictionary: Dictionary::new(descr.physical_type()),
            descr,
            page: Vec::new(),
            rows: 0,
            nulls: 0,
            levels: Vec::new(),
            chunk: Chunk::default(),
            sizes: Sizes::default(),
        }
    }

    /// Bytes that the rows held will take in the file, about: what is not encoded yet as what was before, or half of what it is now.
    pub(super) fn expected_bytes(&self) -> usize {
        let open = self.page.len().saturating_sub(HEAD);
        let open = match self.sizes {
            Sizes { plain: 0, .. } => open / 2,
            Sizes { plain, stored } => (open as f64 * stored as f64 / plain as f64) as usize,
        };
        let dictionary = self.dictionary.as_ref().filter(|dictionary| !dictionary.is_fresh());
        self.chunk.stored() + open + dictionary.map_or(0, Dictionary::plain_bytes)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let levels = self.levels.capacity() * size_of::<u32>();
        let dictionary = self.dictionary.as_ref().map_or(0, Dictionary::bytes);
        self.page.capacity() + levels + dictionary + self.chunk.bytes()
    }

    /// Appends the rows picked, or all of them.
    pub(super) fn append(
        &mut self,
        array: &ArrayRef,
        picked: Option<&[u32]>,
        tools: &mut Tools,
    ) -> Result<(), ParquetError> {
        let total = picked.map_or(array.len(), <[u32]>::len);
        let step = step_rows(array);
        let mut from = 0;
        while from < total {
            let until = total.min(from + step.min(PAGE_ROWS - self.rows));
            let rows = match picked {
                Some(picked) => Rows::Picked(&picked[from..until]),
                None => Rows::Range(from..until),
            };
            self.gather(array, rows, tools)?;
            from = until;
            if self.rows == PAGE_ROWS || self.page.len() >= PAGE_BYTES {
                self.end_page(tools, false)?;
            }
        }
        Ok(())
    }

    fn gather(&mut self, array: &ArrayRef, rows: Rows<'_>, tools: &mut Tools) -> Result<(), ParquetError> {
        if self.page.is_empty() {
            self.page.resize(HEAD, 0);
        }
        let count = rows.len();
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let Some(nulls) = nulls else {
            if !self.levels.is_empty() {
                self.levels.resize(self.rows + count, 1);
            }
            self.rows += count;
            return put(&mut self.page, array, rows);
        };
        if self.descr.max_def_level() == 0 {
            return Err(ParquetError::General(format!(
                "NULL in column {}, which has none",
                self.descr.name()
            )));
        }
        tools.present.clear();
        self.levels.resize(self.rows, 1);
        self.note_nulls(nulls, rows, &mut tools.present);
        self.rows += count;
        self.nulls += count - tools.present.len();
        put(&mut self.page, array, Rows::Picked(&tools.present))
    }

    /// Notes which rows have values; these come to `present`.
    fn note_nulls(&mut self, nulls: &NullBuffer, rows: Rows<'_>, present: &mut Vec<u32>) {
        let mut note = |row: usize| {
            let is_valid = nulls.is_valid(row);
            self.levels.push(u32::from(is_valid));
            if is_valid {
                present.push(row as u32);
            }
        };
        match rows {
            Rows::Range(range) => range.for_each(&mut note),
            Rows::Picked(rows) => rows.iter().for_each(|row| note(*row as usize)),
        }
    }

    fn end_page(&mut self, tools: &mut Tools, is_last: bool) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let physical = self.descr.physical_type();
        let bounds = Bounds::of(physical, &self.page[HEAD..]);
        let coded = match &mut self.dictionary {
            Some(dictionary) if self.nulls < self.rows => {
                let is_whole = is_last && dictionary.is_fresh();
                if is_whole && !tools.verdicts.tries(self.number) {
                    dictionary.give_up();
                }
                let is_tried = is_whole && dictionary.is_fresh();
                let is_worth = dictionary.encode(&self.page[HEAD..], is_last, &mut tools.codes);
                if is_tried {
                    tools.verdicts.note(self.number, is_worth);
                }
                is_worth.then(|| dictionary.max_code())
            }
            _ => None,
        };
        let has_levels = self.descr.max_def_level() > 0;
        let body = match coded {
            None if self.nulls == 0 && physical != Type::BOOLEAN => {
                let head = if has_levels { head_of(&mut self.page, self.rows) } else { HEAD };
                &self.page[head..]
            }
            coded => {
                tools.body.clear();
                if has_levels {
                    self.put_levels(&mut tools.body);
                }
                match coded {
                    Some(max) => {
                        let width = hybrid::width_of(max);
                        tools.body.push(width);
                        hybrid::encode(&tools.codes, width, &mut tools.body);
                    }
                    None if physical == Type::BOOLEAN => pack_flags(&self.page[HEAD..], &mut tools.body),
                    None => tools.body.extend_from_slice(&self.page[HEAD..]),
                }
                &tools.body
            }
        };
        let encoding = if coded.is_some() { Encoding::Codes } else { Encoding::Plain };
        let before = self.chunk.stored();
        self.chunk.push(body, (self.rows, self.nulls), encoding, bounds, &mut tools.compressor)?;
        self.sizes.plain += self.page.len() - HEAD;
        self.sizes.stored += self.chunk.stored() - before;
        self.page.truncate(HEAD);
        (self.rows, self.nulls) = (0, 0);
        self.levels.clear();
        Ok(())
    }

    /// Appends the definition levels, their length in front.
    fn put_levels(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        if self.nulls == 0 {
            hybrid::encode_run(1, self.rows, 1, out);
        } else {
            hybrid::encode(&self.levels, 1, out);
        }
        let length = (out.len() - start - LENGTH_BYTES) as u32;
        out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    /// Ends the row group's chunk of this column, and starts again empty.
    pub(super) fn finish(
        &mut self,
        codec: Compression,
        tools: &mut Tools,
    ) -> Result<(Pages, ColumnCloseResult), ParquetError> {
        self.end_page(tools, true)?;
        let next = Self { sizes: self.sizes, ..Self::new(self.number, self.descr.clone()) };
        let Self { descr, chunk, dictionary, .. } = std::mem::replace(self, next);
        let dictionary = dictionary.and_then(|dictionary| dictionary.plain());
        chunk.finish(&descr, codec, dictionary, &mut tools.compressor)
    }
}

/// After how many rows to look at the size of a page: after fewer where texts are long.
fn step_rows(array: &ArrayRef) -> usize {
    fn span<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
        let end = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
        end(offsets.last()) - end(offsets.first())
    }
    let bytes = match array.data_type() {
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => span(array.as_string::<i64>().value_offsets()),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets()),
        _ => return MAX_STEP_ROWS,
    };
    let each = bytes / array.len().max(1) + 1;
    (PAGE_BYTES / each).clamp(1, MAX_STEP_ROWS)
}

/// Writes the levels of so many rows with values in front of a page's values; where the page begins then.
fn head_of(page: &mut [u8], rows: usize) -> usize {
    let mut levels = Vec::with_capacity(HEAD);
    hybrid::encode_run(1, rows, 1, &mut levels);
    let start = HEAD - LENGTH_BYTES - levels.len();
    page[start..start + LENGTH_BYTES].copy_from_slice(&(levels.len() as u32).to_le_bytes());
    page[start + LENGTH_BYTES..HEAD].copy_from_slice(&levels);
    start
}

/// Eight flags to a byte, the first one lowest.
fn pack_flags(flags: &[u8], out: &mut Vec<u8>) {
    out.extend(flags.chunks(8).map(|flags| {
        let bits = flags.iter().enumerate().map(|(at, flag)| flag << at);
        bits.fold(0, |byte, bit| byte | bit)
    }));
}

/// Appends values in plain encoding; flags by the byte.
fn put(page: &mut Vec<u8>, array: &ArrayRef, rows: Rows<'_>) -> Result<(), ParquetError> {
    match array.data_type() {
        DataType::Int8 => numbers::<Int8Type, 4>(page, array, rows, |v| i32::from(v).to_le_bytes()),
        DataType::Int16 => numbers::<Int16Type, 4>(page, array, rows, |v| i32::from(v).to_le_bytes()),
        DataType::Int32 => numbers::<Int32Type, 4>(page, array, rows, i32::to_le_bytes),
        DataType::Date32 => numbers::<Date32Type, 4>(page, array, rows, i32::to_le_bytes),
        DataType::Int64 => numbers::<Int64Type, 8>(page, array, rows, i64::to_le_bytes),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            numbers::<TimestampMillisecondType, 8>(page, array, rows, i64::to_le_bytes)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            numbers::<TimestampMicrosecondType, 8>(page, array, rows, i64::to_le_bytes)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            numbers::<TimestampNanosecondType, 8>(page, array, rows, i64::to_le_bytes)
        }
        DataType::Float32 => numbers::<Float32Type, 4>(page, array, rows, f32::to_le_bytes),
        DataType::Float64 => numbers::<Float64Type, 8>(page, array, rows, f64::to_le_bytes),
        DataType::Boolean => {
            let flags = array.as_boolean();
            match rows {
                Rows::Range(range) => page.extend(range.map(|row| u8::from(flags.value(row)))),
                Rows::Picked(rows) => {
                    page.extend(rows.iter().map(|row| u8::from(flags.value(*row as usize))))
                }
            }
        }
        DataType::Utf8 => texts(page, array.as_string::<i32>(), rows),
        DataType::LargeUtf8 => texts(page, array.as_string::<i64>(), rows),
        DataType::Binary => texts(page, array.as_binary::<i32>(), rows),
        other => return Err(ParquetError::General(format!("a column of {other} is not plain"))),
    }
    Ok(())
}

#[inline]
fn numbers<T: ArrowPrimitiveType, const WIDTH: usize>(
    page: &mut Vec<u8>,
    array: &ArrayRef,
    rows: Rows<'_>,
    bytes: impl Fn(T::Native) -> [u8; WIDTH],
) {
    let values: &[T::Native] = array.as_primitive::<T>().values();
    let start = page.len();
    page.resize(start + rows.len() * WIDTH, 0);
    let (places, _) = page[start..].as_chunks_mut::<WIDTH>();
    match rows {
        Rows::Range(range) => {
            for (place, value) in places.iter_mut().zip(&values[range]) {
                *place = bytes(*value);
            }
        }
        Rows::Picked(rows) => {
            for (place, row) in places.iter_mut().zip(rows) {
                *place = bytes(values[*row as usize]);
            }
        }
    }
}

fn texts<T: ByteArrayType>(page: &mut Vec<u8>, array: &GenericByteArray<T>, rows: Rows<'_>) {
    let offsets = array.value_offsets();
    let span = |row: usize| (offsets[row].as_usize(), offsets[row + 1].as_usize());
    let mut bytes = 0;
    rows.each(|row| {
        let (start, end) = span(row);
        bytes += LENGTH_BYTES + end - start;
    });
    let mut at = page.len();
    page.resize(at + bytes + SHORT_TEXT, 0);
    rows.each(|row| {
        let (start, end) = span(row);
        page[at..at + LENGTH_BYTES].copy_from_slice(&((end - start) as u32).to_le_bytes());
        copy_text(array.value_data(), start..end, page, at + LENGTH_BYTES);
        at += LENGTH_BYTES + end - start;
    });
    page.truncate(at);
}
