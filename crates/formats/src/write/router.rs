//! Which rows of which batches belong to which partition of an output.
//!
//! No row is copied here: batches wait in a window, each with its row numbers sorted by partition, until every partition
//! has enough rows to be worth a writer's turn, or the window is full. A batch whose rows all belong to one partition,
//! the usual case for sorted input, is handed on whole.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use super::Part;
use super::intern::Texts;

/// The window is handed on when partitions have so many rows on average …
const ROWS_EACH: usize = 1024;
/// … or it holds this many batches …
const MAX_BATCHES: usize = 64;
/// … or this many bytes, or fewer where memory is short.
const MAX_BYTES: usize = 16 << 20;

/// Number of a partition within one router, from 0 in order of appearance.
pub type Group = usize;

/// Makes the text of the partition that a row of the key columns begins.
pub type Naming<'n> = dyn FnMut(&[ArrayRef], usize) -> Result<Vec<String>, ArrowError> + 'n;

/// Rows on their way to their partitions.
pub struct Router {
    keys: Vec<usize>,
    data: Vec<usize>,
    known: Known,
    names: Vec<Vec<String>>,
    window: Vec<Waiting>,
    window_bytes: usize,
    window_rows: usize,
    max_bytes: usize,
    /// Per partition whether it has rows in the window.
    is_touched: Vec<bool>,
    /// Partitions with rows in the window, which nobody has asked for yet.
    touched: Vec<Group>,
}

/// A batch of the window.
struct Waiting {
    batch: RecordBatch,
    sorted: Sorted,
}

enum Sorted {
    /// All rows belong to one partition.
    Whole(Group),
    /// Row numbers, and where those of each partition begin and end.
    Rows { order: Vec<u32>, starts: Vec<u32> },
}

/// The partitions so far.
enum Known {
    /// Everything is one.
    One,
    /// By a column of text.
    Text { values: Texts, codes: Vec<Group>, null: Option<Group> },
    /// By columns of any types, in the form of rows that can be compared. Boxed: it is large.
    Rows { converter: Box<RowConverter>, values: Texts },
}

impl Router {
    /// `keys` are the partition columns of `schema`, in the order of the table's partition keys; `data` the others. The
    /// window takes at most a quarter of `memory_bytes`. Errors: a key of a type that rows cannot be compared by.
    pub fn new(
        schema: &Schema,
        keys: Vec<usize>,
        data: Vec<usize>,
        memory_bytes: usize,
    ) -> Result<Self, ArrowError> {
        let fields: Vec<&DataType> = keys.iter().map(|key| schema.field(*key).data_type()).collect();
        let known = match fields.as_slice() {
            [] => Known::One,
            [DataType::Utf8] => Known::Text { values: Texts::new(), codes: Vec::new(), null: None },
            many => {
                let fields = many.iter().map(|data_type| SortField::new((*data_type).clone())).collect();
                Known::Rows { converter: Box::new(RowConverter::new(fields)?), values: Texts::new() }
            }
        };
        Ok(Self {
            keys,
            data,
            known,
            names: Vec::new(),
            window: Vec::new(),
            window_bytes: 0,
            window_rows: 0,
            max_bytes: MAX_BYTES.min(memory_bytes / 4),
            is_touched: Vec::new(),
            touched: Vec::new(),
        })
    }

    /// The partition's values as text, in the order of the keys.
    pub fn values(&self, group: Group) -> &[String] {
        self.names.get(group).map_or(&[], Vec::as_slice)
    }

    /// Bytes held by the window.
    pub fn window_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Whether it is time to hand everything on.
    pub fn is_full(&self) -> bool {
        self.window.len() >= MAX_BATCHES
            || self.window_bytes >= self.max_bytes
            || self.window_rows >= ROWS_EACH * self.touched.len()
    }

    /// Takes a batch; `name` makes the texts of partitions that begin with it.
    pub fn push(&mut self, batch: &RecordBatch, name: &mut Naming<'_>) -> Result<(), ArrowError> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(());
        }
        let data = batch.project(&self.data)?;
        let groups = self.assign(batch, name)?;
        let first = groups.first().copied().unwrap_or(0);
        let sorted = if groups.iter().all(|group| *group == first) {
            self.touch(first);
            Sorted::Whole(first)
        } else {
            self.sort(&groups)
        };
        self.window_rows += rows;
        self.window_bytes += data.get_array_memory_size() + rows * size_of::<u32>();
        self.window.push(Waiting { batch: data, sorted });
        Ok(())
    }

    fn touch(&mut self, group: Group) {
        if !std::mem::replace(&mut self.is_touched[group], true) {
            self.touched.push(group);
        }
    }

    /// Row numbers by partition, in their own order within each.
    fn sort(&mut self, groups: &[Group]) -> Sorted {
        let mut starts = vec![0u32; self.names.len() + 1];
        for group in groups {
            starts[group + 1] += 1;
        }
        let mut sum = 0;
        for group in 0..self.names.len() {
            let count = starts[group + 1];
            if count > 0 {
                self.touch(group);
            }
            // For now, where the next row of the partition goes.
            starts[group + 1] = sum;
            sum += count;
        }
        let mut order = vec![0u32; groups.len()];
        for (row, group) in (0..).zip(groups) {
            let next = &mut starts[group + 1];
            order[*next as usize] = row;
            *next += 1;
        }
        Sorted::Rows { order, starts }
    }

    /// The next partition with waiting rows; `None` when all were asked for: [`Self::clear`] then.
    pub fn next_group(&mut self) -> Option<Group> {
        self.touched.pop()
    }

    /// The waiting rows of a partition.
    pub fn parts(&self, group: Group) -> Vec<Part<'_>> {
        let parts = self.window.iter().filter_map(|waiting| {
            let rows = match &waiting.sorted {
                Sorted::Whole(whole) => {
                    return (*whole == group).then_some(Part { batch: &waiting.batch, rows: None });
                }
                Sorted::Rows { order, starts } => {
                    // Partitions that began after this batch have no places in it.
                    let end = *starts.get(group + 1)?;
                    &order[starts[group] as usize..end as usize]
                }
            };
            (!rows.is_empty()).then_some(Part { batch: &waiting.batch, rows: Some(rows) })
        });
        parts.collect()
    }

    /// Forgets the window.
    pub fn clear(&mut self) {
        self.window.clear();
        self.touched.clear();
        self.is_touched.fill(false);
        (self.window_bytes, self.window_rows) = (0, 0);
    }

    /// The partition of every row.
    fn assign(&mut self, batch: &RecordBatch, name: &mut Naming<'_>) -> Result<Vec<Group>, ArrowError> {
        let columns: Vec<ArrayRef> = self.keys.iter().map(|key| batch.column(*key).clone()).collect();
        let begins = |row: usize| name(&columns, row);
        let mut begun = Begun { names: &mut self.names, is_touched: &mut self.is_touched, begins };
        match &mut self.known {
            Known::One => {
                if begun.names.is_empty() {
                    begun.add(0)?;
                }
                Ok(vec![0; batch.num_rows()])
            }
            Known::Text { values, codes, null } => {
                by_text(columns[0].as_string(), values, codes, null, &mut begun)
            }
            Known::Rows { converter, values } => {
                by_rows(&converter.convert_columns(&columns)?, values, &mut begun)
            }
        }
    }
}

/// Adds partitions.
struct Begun<'b, F> {
    names: &'b mut Vec<Vec<String>>,
    is_touched: &'b mut Vec<bool>,
    begins: F,
}

impl<F: FnMut(usize) -> Result<Vec<String>, ArrowError>> Begun<'_, F> {
    fn add(&mut self, row: usize) -> Result<Group, ArrowError> {
        self.names.push((self.begins)(row)?);
        self.is_touched.push(false);
        Ok(self.names.len() - 1)
    }
}

fn by_text<F: FnMut(usize) -> Result<Vec<String>, ArrowError>>(
    texts: &StringArray,
    values: &mut Texts,
    codes: &mut Vec<Group>,
    null: &mut Option<Group>,
    begun: &mut Begun<'_, F>,
) -> Result<Vec<Group>, ArrowError> {
    let mut out = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        if texts.is_null(row) {
            let group = match *null {
                Some(group) => group,
                None => *null.insert(begun.add(row)?),
            };
            out.push(group);
            continue;
        }
        let code = values.code(texts.value(row).as_bytes()) as usize;
        if code == codes.len() {
            codes.push(begun.add(row)?);
        }
        out.push(codes[code]);
    }
    Ok(out)
}

fn by_rows<F: FnMut(usize) -> Result<Vec<String>, ArrowError>>(
    rows: &Rows,
    values: &mut Texts,
    begun: &mut Begun<'_, F>,
) -> Result<Vec<Group>, ArrowError> {
    let mut out = Vec::with_capacity(rows.num_rows());
    for (number, row) in rows.iter().enumerate() {
        let code = values.code(row.as_ref()) as usize;
        if code == begun.names.len() {
            begun.add(number)?;
        }
        out.push(code);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use arrow::datatypes::{Field, Int64Type};

    use super::super::gathered;
    use super::*;

    fn batch(days: &[Option<&str>], amounts: &[i64]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("day", DataType::Utf8, true),
            Field::new("amount", DataType::Int64, false),
        ]);
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(days.to_vec())), Arc::new(Int64Array::from(amounts.to_vec()))];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn name(columns: &[ArrayRef], row: usize) -> Result<Vec<String>, ArrowError> {
        Ok(columns
            .iter()
            .map(|column| format!("{:?}", column.slice(row, 1).to_data().buffers().len()))
            .collect())
    }

    fn routed(router: &mut Router) -> Vec<(Group, Vec<i64>)> {
        let mut out = Vec::new();
        while let Some(group) = router.next_group() {
            let rows = gathered(&router.parts(group)).unwrap();
            let last = rows.num_columns() - 1;
            out.push((group, rows.column(last).as_primitive::<Int64Type>().values().to_vec()));
        }
        router.clear();
        out.sort();
        out
    }

    #[test]
    fn rows_by_partition_in_order() {
        let first = batch(&[Some("a"), Some("b"), Some("a"), None], &[1, 2, 3, 4]);
        let second = batch(&[Some("b"), Some("a"), Some("")], &[5, 6, 7]);
        for keys in [vec![0], vec![0, 1]] {
            let many = keys.len() > 1;
            let mut router = Router::new(&first.schema(), keys, vec![1], 1 << 20).unwrap();
            router.push(&first, &mut name).unwrap();
            router.push(&second, &mut name).unwrap();
            let wanted: Vec<(Group, Vec<i64>)> = match many {
                false => vec![(0, vec![1, 3, 6]), (1, vec![2, 5]), (2, vec![4]), (3, vec![7])],
                true => (0..7).map(|row| (row, vec![row as i64 + 1])).collect(),
            };
            assert_eq!(routed(&mut router), wanted);
            assert_eq!(router.values(2).len(), 1 + usize::from(many));
            assert!(routed(&mut router).is_empty());
        }
    }

    #[test]
    fn uniform_batches_are_handed_on_whole() {
        let uniform = batch(&[Some("b"), Some("b")], &[1, 2]);
        let mut router = Router::new(&uniform.schema(), vec![0], vec![1], 1 << 20).unwrap();
        router.push(&uniform, &mut name).unwrap();
        assert!(router.parts(0).iter().all(|part| part.rows.is_none()));
        assert_eq!(routed(&mut router), [(0, vec![1, 2])]);
        let mut whole = Router::new(&uniform.schema(), vec![], vec![0, 1], 1 << 20).unwrap();
        whole.push(&batch(&[Some("a"), Some("b")], &[1, 2]), &mut name).unwrap();
        assert_eq!(routed(&mut whole), [(0, vec![1, 2])]);
        assert!(whole.values(0).is_empty());
    }
}
