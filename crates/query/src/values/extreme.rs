//! `max` and `min` of floating-point numbers: neither gives NaN unless there is nothing else.
//!
//! Source: Trino's `max` compares with unordered values first, its `min` with unordered values last.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// The function, of doubles; a `real` is brought to a double and back around it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extreme {
    side: Side,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Max,
    Min,
}

impl Extreme {
    pub(crate) fn max() -> Self {
        Self { side: Side::Max, signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable) }
    }

    pub(crate) fn min() -> Self {
        Self { side: Side::Min, ..Self::max() }
    }
}

impl Side {
    /// A number that is larger the better the value is; the worst is NaN.
    fn rank(self, value: f64) -> i64 {
        if value.is_nan() {
            return i64::MIN;
        }
        let bits = (value + 0.0).to_bits() as i64;
        // The order of the bits is that of the numbers, once negative ones are turned around.
        let ascending = if bits < 0 { !(bits & i64::MAX) } else { bits };
        match self {
            Self::Max => ascending,
            Self::Min => !ascending,
        }
    }

    fn better(self, old: Option<f64>, new: f64) -> f64 {
        match old {
            Some(old) if self.rank(old) >= self.rank(new) => old,
            _ => new,
        }
    }
}

fn doubles(values: &ArrayRef) -> Result<Float64Array> {
    Ok(cast(values, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        match self.side {
            Side::Max => "float_max",
            Side::Min => "float_min",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One { side: self.side, best: None }))
    }

    fn create_sliding_accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Sliding { side: self.side, inside: BTreeMap::new() }))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { side: self.side, best: Vec::new() }))
    }
}

#[derive(Debug)]
struct One {
    side: Side,
    best: Option<f64>,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in doubles(&values[0])?.iter().flatten() {
            self.best = Some(self.side.better(self.best, value));
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.best))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Float64(self.best)])
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// Over a window frame that loses rows at its start.
#[derive(Debug)]
struct Sliding {
    side: Side,
    /// What is in the frame and how often, by rank and, as 0 and -0 have one rank, by bits.
    inside: BTreeMap<(i64, u64), usize>,
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in doubles(&values[0])?.iter().flatten() {
            *self.inside.entry((self.side.rank(value), value.to_bits())).or_insert(0) += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in doubles(&values[0])?.iter().flatten() {
            let key = (self.side.rank(value), value.to_bits());
            if let Some(count) = self.inside.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.inside.remove(&key);
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.inside.last_key_value().map(|((_, bits), _)| f64::from_bits(*bits))))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.evaluate().map(|value| vec![value])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.inside.len() * size_of::<((i64, u64), usize)>() * 2
    }
}

struct Groups {
    side: Side,
    best: Vec<Option<f64>>,
}

impl Groups {
    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let mut out = Float64Builder::new();
        emit_to.take_needed(&mut self.best).into_iter().for_each(|best| out.append_option(best));
        Arc::new(out.finish())
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.best.resize(total_num_groups, None);
        let values = doubles(&values[0])?;
        for (row, &group) in group_indices.iter().enumerate() {
            let counts = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if counts && values.is_valid(row) {
                self.best[group] = Some(self.side.better(self.best[group], values.value(row)));
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let counts = |row: usize| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let values = doubles(&values[0])?;
        let state: Float64Array =
            values.iter().enumerate().map(|(row, value)| value.filter(|_| counts(row))).collect();
        Ok(vec![Arc::new(state)])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)])
    }

    fn size(&self) -> usize {
        self.best.capacity() * size_of::<Option<f64>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_numbers_and_nan_is_the_last_choice() {
        let ascending = [f64::NEG_INFINITY, -2.0, -1e-300, 0.0, 1e-300, 3.0, f64::INFINITY];
        for pair in ascending.windows(2) {
            assert!(Side::Max.rank(pair[0]) < Side::Max.rank(pair[1]), "{pair:?}");
            assert!(Side::Min.rank(pair[0]) > Side::Min.rank(pair[1]), "{pair:?}");
        }
        for side in [Side::Max, Side::Min] {
            assert!(ascending.iter().all(|value| side.rank(*value) > side.rank(f64::NAN)));
            assert_eq!(side.better(Some(f64::NAN), 1.0), 1.0);
            assert!(side.better(None, f64::NAN).is_nan());
        }
    }
}
