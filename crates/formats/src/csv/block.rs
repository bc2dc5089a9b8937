//! Many records at once: those in front of the window that have no quotes and escapes and all the same number of fields.
//!
//! Their fields are found first, then one column after the other is filled, so that every loop does one thing. Whatever is
//! not that plain, and every value that does not fit, is left to the reader of single records: what is bad, and where,
//! is decided in one place.

use super::index::Index;
use super::read::{CsvReader, Known, append};
use crate::builder::{BatchBuilder, Column, Mismatch, Plain, value};
use crate::error::FormatError;
use crate::options::{CsvOptions, Malformed};

/// Text looked at in one go: it stays in the processor's cache until all columns are filled.
const BLOCK_BYTES: usize = 256 << 10;
/// The most records that are read singly before blocks are tried again.
const MAX_WAIT: usize = 1024;

/// The state of reading by blocks.
pub(super) struct Blocks {
    index: Index,
    /// Whether the dialect and the columns allow it.
    are_possible: bool,
    /// Whether no text can make a record a bad one.
    are_infallible: bool,
    /// Records to be read singly before the next try.
    wait: usize,
    /// The same after the last try that was in vain.
    last_wait: usize,
}

impl Blocks {
    pub(super) fn new(options: &CsvOptions, batch: &BatchBuilder, casts: &[bool]) -> Self {
        let separators = [Some(options.delimiter), options.quote, options.escape];
        let is_ascii = separators.iter().flatten().all(u8::is_ascii);
        let is_flat = !batch.columns.iter().any(Column::is_nested);
        let are_possible = is_ascii && is_flat && options.comment.is_none() && options.delimiter != b'\n';
        let is_infallible = |(column, is_cast): (&Column, &bool)| match column {
            Column::Text(_) => true,
            Column::Binary(_) => !options.base64,
            _ => *is_cast || options.malformed == Malformed::Null,
        };
        let are_infallible = batch.columns.iter().zip(casts).all(is_infallible);
        Self { index: Index::default(), are_possible, are_infallible, wait: 0, last_wait: 0 }
    }

    fn wait_longer(&mut self) {
        self.last_wait = (self.last_wait * 2).clamp(1, MAX_WAIT);
        self.wait = self.last_wait;
    }
}

/// Text whose fields were found, `width` of them to a record.
#[derive(Clone, Copy)]
struct Block<'b> {
    text: &'b [u8],
    index: &'b Index,
    width: usize,
}

/// Which records of a block.
#[derive(Clone, Copy)]
enum Records<'b> {
    /// So many, from the first one on.
    First(usize),
    Chosen(&'b [u32]),
}

impl Records<'_> {
    fn len(self) -> usize {
        match self {
            Self::First(count) => count,
            Self::Chosen(records) => records.len(),
        }
    }
}

/// The values of a column in some records.
#[derive(Clone, Copy)]
struct Cells<'b> {
    block: Block<'b>,
    /// Among the fields of a record.
    place: usize,
    records: Records<'b>,
}

impl<'b> Cells<'b> {
    /// The value of the record that is `nth` of those wanted.
    #[inline(always)]
    fn get(&self, nth: usize) -> &'b [u8] {
        let Block { text, index, width } = self.block;
        let record = match self.records {
            Records::First(_) => nth,
            Records::Chosen(records) => records[nth] as usize,
        };
        let field = index.field(text, record * width + self.place);
        if self.place + 1 < width {
            return field;
        }
        field.strip_suffix(b"\r").unwrap_or(field)
    }
}

/// How values of a column are read.
#[derive(Clone, Copy)]
struct Way<'o> {
    /// Where they are in a record; a column that the file does not have is NULL.
    place: Option<usize>,
    is_cast: bool,
    options: &'o CsvOptions,
}

impl CsvReader {
    /// Takes as many records as can be taken at once; false when there are none, and the next one is to be read singly.
    /// Errors: the filter's own.
    pub(super) fn take_block(&mut self) -> Result<bool, FormatError> {
        if !self.blocks.are_possible {
            return Ok(false);
        }
        if self.blocks.wait > 0 {
            self.blocks.wait -= 1;
            return Ok(false);
        }
        let (width, mut records) = self.find_records();
        let mut kept = 0;
        while records > 0 {
            match self.fill(width, records)? {
                Ok(count) => {
                    kept = count;
                    break;
                }
                // The records in front of the one that does not fit are taken, and that one singly.
                Err(fitting) => {
                    self.batch.abandon_row();
                    records = fitting;
                    self.blocks.wait = 1;
                }
            }
        }
        if records == 0 {
            self.blocks.wait_longer();
            // This one is the first of them.
            self.blocks.wait -= 1;
            return Ok(false);
        }
        self.blocks.last_wait = 0;
        if self.is_even() {
            self.binding.width = Some(width);
        }
        let bytes = self.blocks.index.bytes(width, records);
        self.batch.end_rows(kept, bytes);
        self.row += records as u64;
        self.advance(bytes, records as u64);
        Ok(true)
    }

    /// How many fields records have, and how many such records there are.
    fn find_records(&mut self) -> (usize, usize) {
        let offset = self.input.offset();
        let window = self.input.pending();
        let known = self.utf8_until.saturating_sub(offset).min(BLOCK_BYTES as u64) as usize;
        let text = &window[..window.len().min(known)];
        let special = match (self.dialect.quote, self.dialect.escape) {
            (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, text),
            (None, Some(escape)) if self.are_quotes_bad => memchr::memchr2(b'"', escape, text),
            (Some(one), None) | (None, Some(one)) => memchr::memchr(one, text),
            (None, None) if self.are_quotes_bad => memchr::memchr(b'"', text),
            (None, None) => None,
        };
        let text = &text[..special.unwrap_or(text.len())];
        let expected = if self.is_even() { self.binding.width } else { None };
        let index = &mut self.blocks.index;
        index.find(text, self.dialect.delimiter, self.batch.room());
        let Some(width) = expected.or_else(|| index.width()) else { return (0, 0) };
        // An empty line looks like a record of one field.
        if self.are_blanks_bad && width == 1 {
            return (0, 0);
        }
        // A record of one field may be a blank line.
        if width < 2 {
            return (width, 0);
        }
        let records = index.regular(width).min(self.batch.room());
        (width, index.before(self.end.saturating_sub(offset), width, records))
    }

    /// Appends records to all columns: how many were kept, or, as error, how many of them fit at most.
    fn fill(&mut self, width: usize, records: usize) -> Result<Result<usize, usize>, FormatError> {
        let block = Block { text: self.input.pending(), index: &self.blocks.index, width };
        let ways = |column: usize| Way {
            place: self.binding.places[column],
            is_cast: self.casts[column],
            options: &self.options,
        };
        let chosen;
        let mut wanted = Records::First(records);
        if let Some(chooser) = self.chooser.as_mut().filter(|_| self.blocks.are_infallible) {
            for at in 0..chooser.columns().len() {
                let way = ways(chooser.columns()[at]);
                if let Err(fitting) = fill_column(&mut chooser.looked_at.columns[at], block, wanted, way) {
                    chooser.looked_at.abandon_row();
                    return Ok(Err(fitting));
                }
            }
            chosen = chooser.kept(records, self.input.name())?;
            wanted = Records::Chosen(&chosen);
        }
        for (number, column) in self.batch.columns.iter_mut().enumerate() {
            if let Err(fitting) = fill_column(column, block, wanted, ways(number)) {
                return Ok(Err(fitting));
            }
        }
        match (&mut self.chooser, wanted) {
            (Some(chooser), Records::Chosen(kept)) => chooser.left_out(records - kept.len()),
            (Some(chooser), Records::First(_)) => chooser.add_unasked(),
            (None, _) => {}
        }
        Ok(Ok(wanted.len()))
    }
}

fn fill_column(
    column: &mut Column,
    block: Block<'_>,
    records: Records<'_>,
    way: Way<'_>,
) -> Result<(), usize> {
    let count = records.len();
    let Some(place) = way.place.filter(|place| *place < block.width) else {
        (0..count).for_each(|_| column.append_null());
        return Ok(());
    };
    let cells = Cells { block, place, records };
    match column {
        Column::Int64(_) => numbers(column, cells, way, value::int, |column| match column {
            Column::Int64(plain) => Some(plain),
            _ => None,
        }),
        Column::Float64(_) => numbers(column, cells, way, value::float, |column| match column {
            Column::Float64(plain) => Some(plain),
            _ => None,
        }),
        Column::Text(texts) if way.options.null_text.is_none() && !way.options.empty_text_is_null => {
            (0..count).for_each(|nth| texts.push(cells.get(nth)));
            Ok(())
        }
        _ => (0..count).try_for_each(|nth| way.append(column, cells.get(nth)).map_err(|_| nth)),
    }
}

/// Appends numbers as long as they are nothing but that, and single values in between.
#[inline]
fn numbers<T: Copy + Default>(
    column: &mut Column,
    cells: Cells<'_>,
    way: Way<'_>,
    parse: impl Fn(&[u8]) -> Option<T>,
    plain: impl Fn(&mut Column) -> Option<&mut Plain<T>>,
) -> Result<(), usize> {
    let count = cells.records.len();
    let null_text = way.options.null_text.as_ref().map(String::as_bytes);
    let null_is_number = null_text.is_some_and(|text| parse(text).is_some());
    let mut nth = 0;
    while nth < count {
        if let Some(plain) = plain(column).filter(|_| !null_is_number) {
            while nth < count
                && let Some(value) = parse(cells.get(nth))
            {
                plain.push(value);
                nth += 1;
            }
        }
        if nth < count {
            way.append(column, cells.get(nth)).map_err(|_| nth)?;
            nth += 1;
        }
    }
    Ok(())
}

impl Way<'_> {
    /// Appends a single value.
    fn append(self, column: &mut Column, value: &[u8]) -> Result<(), Mismatch> {
        if self.options.null_text.as_ref().is_some_and(|null| null.as_bytes() == value) {
            column.append_null();
            return Ok(());
        }
        let known = Known { is_quoted: false, is_utf8: true, is_cast: self.is_cast };
        append(column, value, known, self.options)
    }
}
