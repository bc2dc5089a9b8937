//! How many values each group has, of those that are not null.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Int64Array, ListBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

const NAME: &str = "count_distinct";
/// Bytes that a value takes beside its own: its address and length in the table, which is half empty, and what an allocation costs.
const ENTRY_BYTES: usize = 56;

/// The count of a group's values, for types that the engine has no such state for; `None` for the others.
pub(in crate::plan) fn count_distinct(values: &DataType) -> Option<Arc<AggregateUDF>> {
    let is_own = !values.is_integer() && RowConverter::supports_fields(&[SortField::new(values.clone())]);
    is_own.then(|| {
        let function = CountDistinct { signature: Signature::any(1, Volatility::Immutable) };
        Arc::new(AggregateUDF::new_from_impl(function))
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CountDistinct {
    signature: Signature,
}

impl AggregateUDFImpl for CountDistinct {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new_list("values", Field::new_list_field(DataType::Binary, true), true))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::Internal(format!("{NAME} without groups")))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let [field] = arguments.expr_fields else {
            return Err(DataFusionError::Internal(format!("{NAME} takes one value")));
        };
        Ok(Box::new(Values::new(field.data_type())?))
    }
}

/// The values of all groups.
struct Values {
    converter: RowConverter,
    /// Each the number of its group, and what stands for the value.
    seen: HashSet<Box<[u8]>>,
    counts: Vec<i64>,
    bytes: usize,
}

/// The number of a group, and an entry of it.
type OfGroup = (usize, Box<[u8]>);

/// The bytes in front of a value's own.
const GROUP_BYTES: usize = size_of::<u64>();

impl Values {
    fn new(values: &DataType) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(values.clone())])?;
        Ok(Self { converter, seen: HashSet::new(), counts: Vec::new(), bytes: 0 })
    }

    /// What stands for each of the values, and which are null.
    fn rows(&self, values: &[ArrayRef]) -> Result<(Rows, Option<NullBuffer>)> {
        let [values] = values else { return Err(DataFusionError::Internal(format!("{NAME} of nothing"))) };
        Ok((self.converter.convert_columns(&[Arc::clone(values)])?, values.logical_nulls()))
    }

    /// `scratch` saves an allocation for each value that is known.
    fn add(&mut self, group: usize, value: &[u8], scratch: &mut Vec<u8>) {
        scratch.clear();
        scratch.extend_from_slice(&(group as u64).to_be_bytes());
        scratch.extend_from_slice(value);
        if self.seen.contains(scratch.as_slice()) {
            return;
        }
        self.bytes += scratch.len() + ENTRY_BYTES;
        self.seen.insert(scratch.as_slice().into());
        if let Some(count) = self.counts.get_mut(group) {
            *count += 1;
        }
    }

    /// Hands over the values of the groups that are emitted. Those of the others stay, under their new numbers.
    fn emit(&mut self, emit_to: EmitTo) -> (Vec<i64>, Vec<OfGroup>) {
        let counts = emit_to.take_needed(&mut self.counts);
        let seen = std::mem::take(&mut self.seen);
        self.bytes = 0;
        let mut emitted = Vec::new();
        for mut entry in seen {
            let Some((number, _)) = entry.split_first_chunk_mut::<GROUP_BYTES>() else { continue };
            let group = u64::from_be_bytes(*number) as usize;
            match group.checked_sub(counts.len()) {
                None => emitted.push((group, entry)),
                Some(group) => {
                    *number = (group as u64).to_be_bytes();
                    self.bytes += entry.len() + ENTRY_BYTES;
                    self.seen.insert(entry);
                }
            }
        }
        (counts, emitted)
    }
}

fn counts(row: usize, nulls: Option<&NullBuffer>, filter: Option<&BooleanArray>) -> bool {
    let is_null = nulls.is_some_and(|nulls| nulls.is_null(row));
    !is_null && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Values {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let (rows, nulls) = self.rows(values)?;
        let mut scratch = Vec::new();
        for (at, (row, group)) in rows.iter().zip(groups).enumerate() {
            if counts(at, nulls.as_ref(), filter) {
                self.add(*group, row.as_ref(), &mut scratch);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let [lists] = states else { return Err(DataFusionError::Internal(format!("{NAME} of no state"))) };
        let mut scratch = Vec::new();
        for (list, group) in lists.as_list::<i32>().iter().zip(groups) {
            let Some(list) = list else { continue };
            for value in list.as_binary::<i32>().iter().flatten() {
                self.add(*group, value, &mut scratch);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (counts, _) = self.emit(emit_to);
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (counts, mut values) = self.emit(emit_to);
        if values.iter().map(|(_, value)| value.len()).sum::<usize>() > i32::MAX as usize {
            let what = format!("{NAME}: the values of one thread's groups are more than 2 GiB");
            return Err(DataFusionError::ResourcesExhausted(what));
        }
        values.sort_unstable_by_key(|(group, _)| *group);
        let mut lists = ListBuilder::new(BinaryBuilder::new());
        let mut values = values.into_iter().peekable();
        for group in 0..counts.len() {
            while let Some((_, value)) = values.next_if(|(own, _)| *own == group) {
                lists.values().append_value(value.get(GROUP_BYTES..).unwrap_or_default());
            }
            lists.append(true);
        }
        Ok(vec![Arc::new(lists.finish())])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let (rows, nulls) = self.rows(values)?;
        let mut lists = ListBuilder::new(BinaryBuilder::new());
        for (at, row) in rows.iter().enumerate() {
            if counts(at, nulls.as_ref(), filter) {
                lists.values().append_value(row);
            }
            lists.append(true);
        }
        Ok(vec![Arc::new(lists.finish())])
    }

    fn size(&self) -> usize {
        self.bytes + self.counts.capacity() * size_of::<i64>() + self.converter.size()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(values.iter().map(|value| (*value != "~").then_some(*value)).collect::<StringArray>())
    }

    fn found(array: &ArrayRef) -> Vec<i64> {
        array.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
    }

    #[test]
    fn each_value_of_a_group_counts_once_through_states_and_shifts() {
        let mut values = Values::new(&DataType::Utf8).unwrap();
        let filter =
            BooleanArray::from(vec![Some(true), Some(true), Some(true), Some(false), None, Some(true)]);
        let rows = texts(&["a", "a", "", "c", "d", "~"]);
        values.update_batch(&[rows], &[0, 0, 0, 0, 0, 1], Some(&filter), 2).unwrap();
        let more = texts(&["a", "b", "a", "c"]);
        let states = values.convert_to_state(&[Arc::clone(&more)], None).unwrap();
        values.merge_batch(&states, &[0, 1, 1, 2], 3).unwrap();
        values.update_batch(&[more], &[0, 1, 1, 2], None, 3).unwrap();
        assert!(values.size() > 0);
        let state = values.state(EmitTo::First(1)).unwrap();
        // What were groups 1 and 2 are 0 and 1 now.
        values.merge_batch(&state, &[1], 2).unwrap();
        assert_eq!(found(&values.evaluate(EmitTo::All).unwrap()), [2, 3]);
        assert!(values.evaluate(EmitTo::All).unwrap().is_empty());
        let mut again = Values::new(&DataType::Utf8).unwrap();
        again.merge_batch(&state, &[0], 1).unwrap();
        assert_eq!(found(&again.evaluate(EmitTo::All).unwrap()), [2]);
    }
}
