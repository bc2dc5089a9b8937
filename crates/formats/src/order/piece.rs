//! Rows in order, in blocks.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::row::RowConverter;

use super::block::{At, Reader, Writer};
use super::compare::cut;
use super::pack::is_number;
use super::{Keys, ReadAt, Spill};

/// Blocks have at most so many rows: more gain nothing.
const BLOCK_ROWS: usize = 4096;

/// Rows in order.
pub(super) struct Piece {
    firsts: Firsts,
    rows: usize,
    /// In memory, whether they are there or not.
    bytes: usize,
    place: Place,
}

enum Place {
    Memory { batch: RecordBatch, block_rows: usize },
    File { file: Arc<dyn ReadAt>, blocks: Vec<At> },
}

/// Rows of a block of about so many bytes.
fn block_rows(rows: usize, bytes: usize, block_bytes: usize) -> usize {
    (block_bytes * rows / bytes.max(1)).clamp(1, BLOCK_ROWS)
}

/// The keys of the first row of each block.
pub(super) enum Firsts {
    /// Of numbers.
    Numbers(Vec<ArrayRef>),
    /// Of other types, in arrow's row format, or what they begin with.
    Rows(Vec<Box<[u8]>>),
}

impl Firsts {
    fn none(keys: &Keys, schema: &Schema) -> Self {
        let types = || keys.columns.iter().map(|(column, _)| schema.field(*column).data_type());
        match types().all(is_number) {
            true => Self::Numbers(types().map(new_empty_array).collect()),
            false => Self::Rows(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(keys) => keys.first().map_or(0, |key| key.len()),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Adds those of a batch.
    fn add(&mut self, keys: &Keys, batch: &RecordBatch, block_rows: usize) -> Result<(), ArrowError> {
        let rows = UInt64Array::from_iter_values((0..batch.num_rows() as u64).step_by(block_rows));
        let taken = keys.of(batch).iter().map(|key| take(key, &rows, None)).collect::<Result<Vec<_>, _>>()?;
        match self {
            Self::Numbers(all) => {
                for (all, taken) in all.iter_mut().zip(&taken) {
                    *all = concat(&[all.as_ref(), taken.as_ref()])?;
                }
            }
            Self::Rows(all) => {
                let rows = RowConverter::new(keys.fields(&batch.schema()))?.convert_columns(&taken)?;
                all.extend(rows.iter().map(|row| Box::from(cut(row.as_ref()))));
            }
        }
        Ok(())
    }
}

impl Piece {
    /// Of rows in order, in memory, with blocks of about so many bytes.
    pub(super) fn new(keys: &Keys, batch: RecordBatch, block_bytes: usize) -> Result<Self, ArrowError> {
        let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
        let block_rows = block_rows(rows, bytes, block_bytes);
        let mut firsts = Firsts::none(keys, &batch.schema());
        firsts.add(keys, &batch, block_rows)?;
        Ok(Self { firsts, rows, bytes, place: Place::Memory { batch, block_rows } })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Of each block, on average.
    pub(super) fn block_bytes(&self) -> usize {
        self.bytes / self.blocks().max(1)
    }

    pub(super) fn firsts(&self) -> &Firsts {
        &self.firsts
    }

    pub(super) fn blocks(&self) -> usize {
        self.firsts.len()
    }

    /// The rows of a block.
    pub(super) fn block(&self, at: usize, reader: &Reader) -> Result<RecordBatch, ArrowError> {
        match &self.place {
            Place::Memory { batch, block_rows } => {
                let from = at * block_rows;
                Ok(batch.slice(from, (*block_rows).min(batch.num_rows() - from)))
            }
            Place::File { file, blocks } => reader.read(file.as_ref(), blocks[at]),
        }
    }

    /// The same rows in a file; as it is when it is in one.
    pub(super) fn spilled(self, file: &mut File) -> Result<Self, ArrowError> {
        let Place::Memory { batch, block_rows } = self.place else { return Ok(self) };
        let mut blocks = Vec::new();
        file.write(&batch, block_rows, &mut blocks)?;
        Ok(Self { place: Place::File { file: Arc::clone(&file.read), blocks }, ..self })
    }

    /// Of rows that come in order, batch by batch, in a file.
    pub(super) fn written(
        (keys, schema): (&Keys, &Schema),
        file: &mut File,
        block_bytes: usize,
        mut next: impl FnMut() -> Result<Option<RecordBatch>, ArrowError>,
    ) -> Result<Self, ArrowError> {
        let (mut rows, mut bytes, mut blocks) = (0, 0, Vec::new());
        let mut firsts = Firsts::none(keys, schema);
        while let Some(batch) = next()? {
            let batch_bytes = batch.get_array_memory_size();
            let block_rows = block_rows(batch.num_rows(), batch_bytes, block_bytes);
            firsts.add(keys, &batch, block_rows)?;
            file.write(&batch, block_rows, &mut blocks)?;
            (rows, bytes) = (rows + batch.num_rows(), bytes + batch_bytes);
        }
        Ok(Self { firsts, rows, bytes, place: Place::File { file: Arc::clone(&file.read), blocks } })
    }
}

/// A file that pieces are written to.
pub(super) struct File {
    writer: Writer,
    read: Arc<dyn ReadAt>,
}

impl File {
    pub(super) fn new(spill: &dyn Spill) -> Result<Self, ArrowError> {
        let (writer, read): (Box<dyn Write + Send>, _) = spill.file()?;
        Ok(Self { writer: Writer::new(writer)?, read })
    }

    /// Bytes written so far.
    pub(super) fn end(&self) -> u64 {
        self.writer.end()
    }

    fn write(
        &mut self,
        batch: &RecordBatch,
        block_rows: usize,
        blocks: &mut Vec<At>,
    ) -> Result<(), ArrowError> {
        for from in (0..batch.num_rows()).step_by(block_rows) {
            let block = batch.slice(from, block_rows.min(batch.num_rows() - from));
            blocks.push(self.writer.write(&block)?);
        }
        Ok(())
    }
}
