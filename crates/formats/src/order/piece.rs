//! Rows in order, in blocks.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat, take};
use arrow::error::ArrowError;

use super::block::{At, Reader, Writer};
use super::{Keys, ReadAt, Spill};

/// Blocks have at most so many rows: more gain nothing.
const BLOCK_ROWS: usize = 4096;

/// Rows in order.
pub(super) struct Piece {
    /// The keys of the first row of each block.
    firsts: Vec<ArrayRef>,
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

/// The keys of the first row of each block of a batch.
fn firsts(keys: &Keys, batch: &RecordBatch, block_rows: usize) -> Result<Vec<ArrayRef>, ArrowError> {
    let rows = UInt64Array::from_iter_values((0..batch.num_rows() as u64).step_by(block_rows));
    keys.of(batch).iter().map(|key| take(key, &rows, None)).collect()
}

impl Piece {
    /// Of rows in order, in memory, with blocks of about so many bytes.
    pub(super) fn new(keys: &Keys, batch: RecordBatch, block_bytes: usize) -> Result<Self, ArrowError> {
        let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
        let block_rows = block_rows(rows, bytes, block_bytes);
        let firsts = firsts(keys, &batch, block_rows)?;
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

    pub(super) fn firsts(&self) -> &[ArrayRef] {
        &self.firsts
    }

    pub(super) fn blocks(&self) -> usize {
        self.firsts.first().map_or(0, |first| first.len())
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
        keys: &Keys,
        file: &mut File,
        block_bytes: usize,
        mut next: impl FnMut() -> Result<Option<RecordBatch>, ArrowError>,
    ) -> Result<Self, ArrowError> {
        let (mut rows, mut bytes, mut blocks) = (0, 0, Vec::new());
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); keys.columns.len()];
        while let Some(batch) = next()? {
            let batch_bytes = batch.get_array_memory_size();
            let block_rows = block_rows(batch.num_rows(), batch_bytes, block_bytes);
            let of_batch = firsts(keys, &batch, block_rows)?;
            parts.iter_mut().zip(of_batch).for_each(|(parts, first)| parts.push(first));
            file.write(&batch, block_rows, &mut blocks)?;
            (rows, bytes) = (rows + batch.num_rows(), bytes + batch_bytes);
        }
        let whole =
            |parts: &Vec<ArrayRef>| concat(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>());
        let firsts = parts.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
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
