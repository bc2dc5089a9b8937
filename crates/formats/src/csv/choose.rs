//! Records that a filter keeps.
//!
//! Of a block, the columns that the filter looks at are made first, and all columns of the kept records only. Records that
//! were read singly are asked about when their batch is finished.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};

use crate::builder::BatchBuilder;
use crate::error::FormatError;
use crate::options::{ReadOptions, RowFilter};

/// A filter at work.
pub(super) struct Chooser {
    filter: Arc<dyn RowFilter>,
    /// The columns that it looks at, of one block.
    pub(super) looked_at: BatchBuilder,
    /// The batch has records that were not asked about.
    has_unasked: bool,
}

impl Chooser {
    /// The chooser of a reader that is to have one.
    pub(super) fn new(
        read: &ReadOptions,
        batch: &BatchBuilder,
        source: &str,
    ) -> Result<Option<Self>, FormatError> {
        let Some(filter) = &read.filter else { return Ok(None) };
        let schema =
            batch.schema().project(filter.columns()).map_err(|error| schema_error(source, &error))?;
        let looked_at = BatchBuilder::new(Arc::new(schema), usize::MAX, source)?;
        Ok(Some(Self { filter: Arc::clone(filter), looked_at, has_unasked: false }))
    }

    /// The columns that the filter looks at, by their positions among the wanted ones.
    pub(super) fn columns(&self) -> &[usize] {
        self.filter.columns()
    }

    /// The records of the block whose columns were made that are kept.
    pub(super) fn kept(&mut self, records: usize, source: &str) -> Result<Vec<u32>, FormatError> {
        self.looked_at.end_rows(records, 0);
        let Some(columns) = self.looked_at.finish(source)? else { return Ok(Vec::new()) };
        let keep = self.ask(&columns, source)?;
        let kept: Vec<u32> = keep.values().set_indices().map(|record| record as u32).collect();
        Ok(kept)
    }

    /// Notes that a record was added to the batch which was not asked about.
    pub(super) fn add_unasked(&mut self) {
        self.has_unasked = true;
    }

    pub(super) fn left_out(&self, records: usize) {
        self.filter.left_out(records as u64);
    }

    /// The rows of a batch that are kept.
    pub(super) fn of_batch(&mut self, batch: RecordBatch, source: &str) -> Result<RecordBatch, FormatError> {
        if !std::mem::take(&mut self.has_unasked) {
            return Ok(batch);
        }
        let columns = batch.project(self.filter.columns()).map_err(|error| schema_error(source, &error))?;
        let keep = self.ask(&columns, source)?;
        let kept = filter_record_batch(&batch, &keep).map_err(|error| schema_error(source, &error))?;
        self.left_out(batch.num_rows() - kept.num_rows());
        Ok(kept)
    }

    fn ask(&self, columns: &RecordBatch, source: &str) -> Result<BooleanArray, FormatError> {
        let keep = self.filter.keep(columns).map_err(|error| FormatError::io(source, error))?;
        Ok(if keep.null_count() > 0 { prep_null_mask_filter(&keep) } else { keep })
    }
}

fn schema_error(source: &str, error: &arrow::error::ArrowError) -> FormatError {
    FormatError::new(source, crate::error::Problem::Schema { message: error.to_string() })
}
