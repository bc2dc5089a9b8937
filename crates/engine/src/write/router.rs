//! Sorts rows to their partitions, copying each row once.
//!
//! Batches wait in a window; for every partition the router notes where its rows are. When the window is full, the
//! rows of each partition are gathered in one go, so that a writer gets few large batches even when a thousand
//! partitions alternate row by row. A batch whose rows all belong to one partition, the usual case for sorted input,
//! passes through as it is.

use arrow::{
    array::{Array, RecordBatch},
    compute::interleave_record_batch,
    datatypes::Schema,
    error::ArrowError,
    row::{RowConverter, SortField},
};

use datafusion::common::HashMap;

use crate::hive::ValueText;

/// A window is gathered when it holds this many batches …
const MAX_BATCHES: usize = 64;
/// … or this many bytes, or fewer where memory is short.
const MAX_BYTES: usize = 16 << 20;

/// Number of a partition within one task, from 0 in order of appearance.
pub(super) type Group = usize;

/// Rows on their way to their partitions.
pub(super) struct Router {
    keys: Vec<usize>,
    data: Vec<usize>,
    converter: RowConverter,
    groups: HashMap<Box<[u8]>, Group>,
    values: Vec<Vec<String>>,
    text: ValueText,
    window: Vec<RecordBatch>,
    window_bytes: usize,
    max_bytes: usize,
    /// Per partition: where its waiting rows are.
    waiting: Vec<Vec<(usize, usize)>>,
    /// Partitions with waiting rows.
    touched: Vec<Group>,
}

impl Router {
    /// `keys` are the partition columns of `schema`, in the order of the table's partition keys; `data` the others. The
    /// window takes at most a quarter of `memory_bytes`.
    pub(super) fn new(
        schema: &Schema,
        keys: Vec<usize>,
        data: Vec<usize>,
        memory_bytes: usize,
    ) -> Result<Self, ArrowError> {
        let fields = keys.iter().map(|key| SortField::new(schema.field(*key).data_type().clone())).collect();
        Ok(Self {
            keys,
            data,
            converter: RowConverter::new(fields)?,
            groups: HashMap::new(),
            values: Vec::new(),
            text: ValueText::default(),
            window: Vec::new(),
            window_bytes: 0,
            max_bytes: MAX_BYTES.min(memory_bytes / 4),
            waiting: Vec::new(),
            touched: Vec::new(),
        })
    }

    /// The partition's values as text, in the order of the keys.
    pub(super) fn values(&self, group: Group) -> &[String] {
        self.values.get(group).map_or(&[], Vec::as_slice)
    }

    /// Bytes held by the window.
    pub(super) fn window_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Whether it is time to [`Self::take`] everything.
    pub(super) fn is_full(&self) -> bool {
        self.window.len() >= MAX_BATCHES || self.window_bytes >= self.max_bytes
    }

    /// Takes a batch; gives it back at once, without its partition columns, when it belongs to one partition.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<Option<(Group, RecordBatch)>, ArrowError> {
        let data = batch.project(&self.data)?;
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        if self.keys.is_empty() {
            if self.values.is_empty() {
                self.add_group(Vec::new());
            }
            return Ok(Some((0, data)));
        }
        let groups = self.assign(batch)?;
        let first = groups.first().copied().unwrap_or(0);
        if groups.iter().all(|group| *group == first) {
            return Ok(Some((first, data)));
        }
        let position = self.window.len();
        for (row, group) in groups.into_iter().enumerate() {
            let rows = &mut self.waiting[group];
            if rows.is_empty() {
                self.touched.push(group);
            }
            rows.push((position, row));
        }
        self.window_bytes += data.get_array_memory_size();
        self.window.push(data);
        Ok(None)
    }

    /// The waiting rows of one partition, gathered; call until there are none. The window is empty then.
    pub(super) fn take(&mut self) -> Result<Option<(Group, RecordBatch)>, ArrowError> {
        let Some(group) = self.touched.pop() else {
            self.window.clear();
            self.window_bytes = 0;
            return Ok(None);
        };
        let batches: Vec<&RecordBatch> = self.window.iter().collect();
        let rows = std::mem::take(&mut self.waiting[group]);
        Ok(Some((group, interleave_record_batch(&batches, &rows)?)))
    }

    /// The partition of every row.
    fn assign(&mut self, batch: &RecordBatch) -> Result<Vec<Group>, ArrowError> {
        let columns: Vec<_> = self.keys.iter().map(|key| batch.column(*key).clone()).collect();
        let rows = self.converter.convert_columns(&columns)?;
        let mut out: Vec<Group> = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let key = rows.row(row);
            if row > 0 && rows.row(row - 1) == key {
                out.push(out[row - 1]);
                continue;
            }
            if let Some(group) = self.groups.get(key.as_ref()) {
                out.push(*group);
                continue;
            }
            let texts = columns.iter().map(|column| self.text.text(column.as_ref() as &dyn Array, row));
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            let group = self.add_group(texts);
            self.groups.insert(key.as_ref().into(), group);
            out.push(group);
        }
        Ok(out)
    }

    fn add_group(&mut self, values: Vec<String>) -> Group {
        self.values.push(values);
        self.waiting.push(Vec::new());
        self.values.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::{
        array::{AsArray, Int64Array, StringArray},
        datatypes::{DataType, Field, Int64Type},
    };

    fn batch(days: &[Option<&str>], amounts: &[i64]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("day", DataType::Utf8, true),
            Field::new("amount", DataType::Int64, false),
        ]);
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(StringArray::from(days.to_vec())), Arc::new(Int64Array::from(amounts.to_vec()))];
        RecordBatch::try_new(Arc::new(schema), columns).expect("batch")
    }

    fn amounts(batch: &RecordBatch) -> Vec<i64> {
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn gathers_rows_by_partition_in_order() {
        let first = batch(&[Some("a"), Some("b"), Some("a"), None], &[1, 2, 3, 4]);
        let mut router = Router::new(&first.schema(), vec![0], vec![1], 1 << 20).expect("router");
        assert!(router.push(&first).expect("push").is_none());
        assert!(router.push(&batch(&[Some("b"), Some("a")], &[5, 6])).expect("push").is_none());
        let mut out = Vec::new();
        while let Some((group, rows)) = router.take().expect("take") {
            out.push((group, amounts(&rows)));
        }
        out.sort();
        assert_eq!(out, [(0, vec![1, 3, 6]), (1, vec![2, 5]), (2, vec![4])]);
        assert_eq!(router.values(2), ["__HIVE_DEFAULT_PARTITION__"]);
        assert!(router.take().expect("take").is_none());
    }

    #[test]
    fn passes_uniform_batches_through() {
        let uniform = batch(&[Some("b"), Some("b")], &[1, 2]);
        let mut router = Router::new(&uniform.schema(), vec![0], vec![1], 1 << 20).expect("router");
        let (group, data) = router.push(&uniform).expect("push").expect("at once");
        assert_eq!((group, amounts(&data)), (0, vec![1, 2]));
        let mut whole = Router::new(&uniform.schema(), vec![], vec![0, 1], 1 << 20).expect("router");
        assert!(whole.push(&batch(&[Some("a"), Some("b")], &[1, 2])).expect("push").is_some());
    }
}
