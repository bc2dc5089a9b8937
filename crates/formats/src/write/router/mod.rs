//! Which rows of which batches belong to which partition of an output.
//!
//! Batches wait in a window, each with its row numbers sorted by partition, until every partition has enough rows to be worth
//! a writer's turn, or the window is full. Rows are not copied here, with one exception: where a batch has few rows of each
//! partition, some batches become one first, for a few rows at a time cost a writer more than a copy in order does. A
//! batch whose rows all belong to one partition, the usual case for sorted input, is handed on whole.

mod assign;

use std::mem;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::{Part, nullable};
pub use assign::Partitions;

/// The window is handed on when partitions have so many rows on average …
const ROWS_EACH: usize = 1024;
/// … or it holds this many batches …
const MAX_BATCHES: usize = 64;
/// … or this many bytes, or fewer where memory is short.
const MAX_BYTES: usize = 16 << 20;
/// A batch that has fewer rows of each partition is joined with those that follow …
const FEW_ROWS: usize = 64;
/// … until they have so many rows, which stay in the processor's cache while they are written partition by partition.
const JOINED_ROWS: usize = 1 << 14;

/// Number of a partition within one router, from 0 in order of appearance.
pub type Group = usize;

/// Makes the text of the partition that a row of the key columns begins.
pub type Naming<'n> = dyn FnMut(&[ArrayRef], usize) -> Result<Vec<String>, ArrowError> + 'n;

/// Rows on their way to their partitions.
pub struct Router {
    keys: Vec<usize>,
    data: Vec<usize>,
    partitions: Partitions,
    window: Vec<Waiting>,
    joined: Joined,
    window_bytes: usize,
    window_rows: usize,
    max_bytes: usize,
    /// Per partition whether it has rows in the window, and nobody has asked for it yet.
    is_touched: Vec<bool>,
    /// Those partitions.
    touched: Vec<Group>,
}

/// The end of the window: batches that are to become one.
#[derive(Default)]
struct Joined {
    batches: Vec<RecordBatch>,
    /// The partition of each row.
    groups: Vec<Group>,
    bytes: usize,
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

impl Sorted {
    /// The partition of each of so many rows.
    fn groups(&self, rows: usize) -> Vec<Group> {
        match self {
            Self::Whole(group) => vec![*group; rows],
            Self::Rows { order, starts } => {
                let mut groups = vec![0; rows];
                for (group, bounds) in starts.windows(2).enumerate() {
                    let of_group = &order[bounds[0] as usize..bounds[1] as usize];
                    of_group.iter().for_each(|row| groups[*row as usize] = group);
                }
                groups
            }
        }
    }
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
        let types: Vec<_> = keys.iter().map(|key| schema.field(*key).data_type()).collect();
        let partitions = Partitions::new(&types)?;
        Ok(Self {
            keys,
            data,
            partitions,
            window: Vec::new(),
            joined: Joined::default(),
            window_bytes: 0,
            window_rows: 0,
            max_bytes: MAX_BYTES.min(memory_bytes / 4),
            is_touched: Vec::new(),
            touched: Vec::new(),
        })
    }

    /// The partition's values as text, in the order of the keys.
    pub fn values(&self, group: Group) -> &[String] {
        self.partitions.values(group)
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
        let keys: Vec<ArrayRef> = self.keys.iter().map(|key| batch.column(*key).clone()).collect();
        let groups = self.partitions.assign(&keys, rows, name)?;
        self.is_touched.resize(self.partitions.count(), false);
        let bytes = data.get_array_memory_size() + rows * size_of::<u32>();
        self.window_rows += rows;
        self.window_bytes += bytes;
        let first = groups.first().copied().unwrap_or(0);
        if groups.iter().all(|group| *group == first) {
            self.seal()?;
            self.touch(first);
            self.window.push(Waiting { batch: data, sorted: Sorted::Whole(first) });
            return Ok(());
        }
        if self.joined.bytes + bytes > self.max_bytes {
            self.seal()?;
        }
        groups.iter().for_each(|group| self.touch(*group));
        self.joined.bytes += bytes;
        self.joined.batches.push(data);
        self.joined.groups.extend(groups);
        let is_enough = rows >= FEW_ROWS * self.partitions.count() || self.joined.groups.len() >= JOINED_ROWS;
        if is_enough { self.seal() } else { Ok(()) }
    }

    /// Brings the batches that came last into the window.
    fn seal(&mut self) -> Result<(), ArrowError> {
        let Joined { mut batches, groups, .. } = mem::take(&mut self.joined);
        let batch = match batches.as_slice() {
            [] => return Ok(()),
            [_] => batches.swap_remove(0),
            [first, ..] => concat_batches(&nullable(first)?.schema(), &batches)?,
        };
        let sorted = self.sort(&groups);
        self.window.push(Waiting { batch, sorted });
        Ok(())
    }

    fn touch(&mut self, group: Group) {
        if !mem::replace(&mut self.is_touched[group], true) {
            self.touched.push(group);
        }
    }

    /// Row numbers by partition, in their own order within each.
    fn sort(&self, groups: &[Group]) -> Sorted {
        let count = self.partitions.count();
        // For now, how many rows each partition has, then where the next one of it goes.
        let mut starts = vec![0u32; count + 1];
        groups.iter().for_each(|group| starts[group + 1] += 1);
        let mut sum = 0;
        for start in &mut starts[1..] {
            let rows = mem::replace(start, sum);
            sum += rows;
        }
        let mut order = vec![0u32; groups.len()];
        for (row, group) in (0..).zip(groups) {
            let next = &mut starts[group + 1];
            order[*next as usize] = row;
            *next += 1;
        }
        Sorted::Rows { order, starts }
    }

    /// The next partition with waiting rows; `None` when all were asked for: [`Self::clear`] then. Errors: rows that are
    /// together too large for one batch.
    pub fn next_group(&mut self) -> Result<Option<Group>, ArrowError> {
        self.seal()?;
        let next = self.touched.pop();
        next.iter().for_each(|group| self.is_touched[*group] = false);
        Ok(next)
    }

    /// The waiting rows of the partitions that nobody has asked for, with the partition of each row; forgets the window.
    pub fn rest(&mut self) -> Result<Vec<(RecordBatch, Vec<Group>)>, ArrowError> {
        let mut rest = Vec::new();
        for Waiting { batch, sorted } in mem::take(&mut self.window) {
            let groups = sorted.groups(batch.num_rows());
            let is_left: BooleanArray = groups.iter().map(|group| Some(self.is_touched[*group])).collect();
            match is_left.true_count() {
                0 => {}
                all if all == groups.len() => rest.push((batch, groups)),
                _ => {
                    let batch = filter_record_batch(&batch, &is_left)?;
                    rest.push((batch, groups.into_iter().filter(|group| self.is_touched[*group]).collect()));
                }
            }
        }
        let Joined { batches, mut groups, .. } = mem::take(&mut self.joined);
        for batch in batches {
            let others = groups.split_off(batch.num_rows());
            rest.push((batch, mem::replace(&mut groups, others)));
        }
        self.clear();
        Ok(rest)
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
        self.joined = Joined::default();
        self.touched.clear();
        self.is_touched.fill(false);
        (self.window_bytes, self.window_rows) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type};

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
        while let Some(group) = router.next_group().unwrap() {
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

    #[test]
    fn what_nobody_has_asked_for_is_the_rest() {
        let uniform = batch(&[Some("c"), Some("c")], &[1, 2]);
        let mixed = batch(&[Some("a"), Some("b"), Some("a"), None], &[3, 4, 5, 6]);
        let mut router = Router::new(&mixed.schema(), vec![0], vec![1], 1 << 20).unwrap();
        let rest = |router: &mut Router| -> Vec<(Vec<i64>, Vec<Group>)> {
            let amounts = |batch: RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
            router.rest().unwrap().into_iter().map(|(batch, groups)| (amounts(batch), groups)).collect()
        };
        for batch in [&uniform, &mixed, &mixed] {
            router.push(batch, &mut name).unwrap();
        }
        let whole = vec![(vec![1, 2], vec![0, 0]), (vec![3, 4, 5, 6], vec![1, 2, 1, 3])];
        assert_eq!(rest(&mut router), [whole.clone(), whole[1..].to_vec()].concat());
        assert!(rest(&mut router).is_empty());

        for batch in [&mixed, &uniform] {
            router.push(batch, &mut name).unwrap();
        }
        let asked = [router.next_group().unwrap(), router.next_group().unwrap()];
        assert_eq!(asked, [Some(0), Some(3)]);
        assert_eq!(rest(&mut router), [(vec![3, 4, 5], vec![1, 2, 1])]);
        router.push(&uniform, &mut name).unwrap();
        assert_eq!(routed(&mut router), [(0, vec![1, 2])]);
    }

    #[test]
    fn batches_with_few_rows_of_each_partition_become_one() {
        let days: Vec<String> = (0..100).map(|day| day.to_string()).collect();
        let mixed = |first: i64| {
            let rows = first..first + 300;
            let day = rows.clone().map(|row| (row % 3 > 0).then(|| days[row as usize * 7 % 100].as_str()));
            batch(&day.collect::<Vec<_>>(), &rows.collect::<Vec<_>>())
        };
        let uniform = batch(&[Some("0"); 2], &[900, 901]);
        let mut router = Router::new(&uniform.schema(), vec![0], vec![1], 1 << 20).unwrap();
        for batch in [&mixed(0), &mixed(300), &mixed(600), &uniform, &mixed(1000)] {
            router.push(batch, &mut name).unwrap();
        }
        router.seal().unwrap();
        assert_eq!(router.window.len(), 3);
        let rows = routed(&mut router);
        assert!(rows.iter().all(|(_, amounts)| amounts.is_sorted()));
        assert_eq!(rows.iter().map(|(_, amounts)| amounts.len()).sum::<usize>(), 1202);
        let of = |group: Group| &rows[group].1;
        assert_eq!((router.values(0).len(), of(0).len()), (1, 400));
        assert!(
            rows.iter().all(|(group, amounts)| *group == 0
                || amounts.iter().all(|amount| amount % 3 > 0 || *amount >= 900))
        );
    }
}
