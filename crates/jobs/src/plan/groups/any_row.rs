//! The values of some row of each group: of the first that comes, which is the same row for all columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// Its name in plans.
pub(in crate::plan) const ANY_ROW: &str = "any_row";
/// Of a group that has no row yet.
const NONE: u64 = u64::MAX;

/// A column's value in some row of the group.
pub(in crate::plan) fn any_row() -> Arc<AggregateUDF> {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(AnyRow { signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AnyRow {
    signature: Signature,
}

impl AggregateUDFImpl for AnyRow {
    fn name(&self) -> &str {
        ANY_ROW
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Null))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let value = Field::new("value", arguments.return_field.data_type().clone(), true);
        Ok(vec![Arc::new(value), Arc::new(Field::new("has_row", DataType::Boolean, false))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::Internal(format!("{ANY_ROW} without groups")))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Rows::new(arguments.return_field.data_type().clone())))
    }
}

/// The values of the groups' rows.
struct Rows {
    data_type: DataType,
    /// Of the rows that were taken, batch by batch.
    pieces: Vec<ArrayRef>,
    taken: u64,
    bytes: usize,
    /// For each group the place of its row among those that were taken.
    at: Vec<u64>,
}

impl Rows {
    fn new(data_type: DataType) -> Self {
        Self { data_type, pieces: Vec::new(), taken: 0, bytes: 0, at: Vec::new() }
    }

    fn keep(&mut self, piece: ArrayRef) {
        self.taken += piece.len() as u64;
        self.bytes += piece.get_array_memory_size();
        self.pieces.push(piece);
    }

    /// All values that were taken. None are left.
    fn all(&mut self) -> Result<ArrayRef> {
        let pieces = std::mem::take(&mut self.pieces);
        (self.taken, self.bytes) = (0, 0);
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        match pieces.is_empty() {
            true => Ok(new_empty_array(&self.data_type)),
            false => Ok(concat(&pieces)?),
        }
    }

    /// Takes the groups that are emitted: values, and the place among them of each group's. The others stay, under their new numbers.
    fn emit(&mut self, emit_to: EmitTo) -> Result<(ArrayRef, Vec<u64>)> {
        let values = self.all()?;
        let emitted = emit_to.take_needed(&mut self.at);
        let rest = std::mem::take(&mut self.at);
        if !rest.is_empty() {
            let kept: Vec<u64> = rest.iter().copied().filter(|place| *place != NONE).collect();
            let mut next = 0_u64..;
            let moved = |place| if place == NONE { NONE } else { next.next().unwrap_or(NONE) };
            self.at = rest.into_iter().map(moved).collect();
            self.keep(values_at(&values, kept)?);
        }
        Ok((values, emitted))
    }
}

/// The values at the places; none at the place of a group that has no row.
fn values_at(values: &ArrayRef, places: Vec<u64>) -> Result<ArrayRef> {
    let is_all = places.len() == values.len() && places.iter().zip(0_u64..).all(|(place, at)| *place == at);
    if is_all {
        return Ok(Arc::clone(values));
    }
    let places: UInt64Array = places.into_iter().map(|place| (place != NONE).then_some(place)).collect();
    Ok(take(values, &places, None)?)
}

fn only(arrays: &[ArrayRef]) -> Result<&ArrayRef> {
    arrays.first().ok_or_else(|| DataFusionError::Internal(format!("{ANY_ROW} of nothing")))
}

fn has(filter: &BooleanArray, row: usize) -> bool {
    filter.is_valid(row) && filter.value(row)
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.at.resize(total, NONE);
        let (mut fresh, mut next) = (Vec::new(), self.taken);
        for (row, group) in groups.iter().enumerate() {
            if filter.is_some_and(|filter| !has(filter, row)) {
                continue;
            }
            if let Some(at) = self.at.get_mut(*group).filter(|at| **at == NONE) {
                *at = next;
                next += 1;
                fresh.push(row as u64);
            }
        }
        if !fresh.is_empty() {
            self.keep(take(only(values)?, &UInt64Array::from(fresh), None)?);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let has_row = states.get(1).map(|flags| flags.as_boolean());
        self.update_batch(states, groups, has_row, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (values, places) = self.emit(emit_to)?;
        values_at(&values, places)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (values, places) = self.emit(emit_to)?;
        let has_row: BooleanArray = places.iter().map(|place| Some(*place != NONE)).collect();
        Ok(vec![values_at(&values, places)?, Arc::new(has_row)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = only(values)?;
        let has_row: BooleanArray =
            (0..values.len()).map(|row| Some(filter.is_none_or(|filter| has(filter, row)))).collect();
        Ok(vec![Arc::clone(values), Arc::new(has_row)])
    }

    fn size(&self) -> usize {
        self.bytes + self.at.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(values.iter().map(|value| (!value.is_empty()).then_some(*value)).collect::<StringArray>())
    }

    #[test]
    fn each_group_has_its_first_value_whatever_the_order_of_groups() {
        let mut rows = Rows::new(DataType::Utf8);
        rows.update_batch(&[texts(&["a", "b", "c", "d"])], &[1, 0, 1, 2], None, 3).unwrap();
        let state = rows.convert_to_state(&[texts(&["e", "", "g"])], None).unwrap();
        rows.merge_batch(&state, &[0, 3, 4], 5).unwrap();
        assert!(rows.size() > 0);
        assert_eq!(&rows.evaluate(EmitTo::First(2)).unwrap(), &texts(&["b", "a"]));
        // What were groups 2 to 4 are 0 to 2 now.
        let filter = BooleanArray::from(vec![Some(true), Some(true), Some(true), Some(false), None]);
        let more = [texts(&["h", "i", "j", "k", "l"])];
        rows.update_batch(&more, &[1, 3, 2, 4, 4], Some(&filter), 5).unwrap();
        let state = rows.state(EmitTo::All).unwrap();
        assert_eq!(&state[0], &texts(&["d", "", "g", "i", ""]));
        assert_eq!(rows.evaluate(EmitTo::All).unwrap().len(), 0);
        // The third group has a row whose value is null, the fifth has none.
        rows.merge_batch(&state, &[2, 0, 2, 1, 3], 4).unwrap();
        let states = rows.convert_to_state(&more, Some(&filter)).unwrap();
        rows.merge_batch(&states, &[0, 1, 2, 3, 3], 4).unwrap();
        let last = rows.state(EmitTo::All).unwrap();
        assert_eq!(&last[0], &texts(&["", "i", "d", ""]));
        assert_eq!(last[1].as_boolean(), &BooleanArray::from(vec![true, true, true, false]));
        rows.update_batch(&[texts(&["k"])], &[0], None, 1).unwrap();
        assert_eq!(&rows.evaluate(EmitTo::All).unwrap(), &texts(&["k"]));
    }
}
