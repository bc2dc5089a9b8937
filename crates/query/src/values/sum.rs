//! `sum` of integers that reports an overflow, as Trino does; our engine's own wraps around.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use engine::EngineError;

/// The function, from bigint to bigint; narrower integers are widened.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CheckedSum {
    signature: Signature,
}

impl CheckedSum {
    pub(crate) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        "checked_sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return datafusion::common::not_impl_err!("sum(DISTINCT) of integers");
        }
        Ok(Box::new(One::default()))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups(Vec::new())))
    }
}

fn add(sum: Option<i64>, value: i64) -> Result<Option<i64>> {
    sum.unwrap_or(0).checked_add(value).map(Some).ok_or_else(overflow)
}

fn overflow() -> DataFusionError {
    EngineError::OutOfRange { what: "bigint addition overflow".to_owned() }.into_datafusion()
}

/// The sum of one group, or of a window's frame; without values it is NULL.
#[derive(Debug, Default)]
struct One {
    sum: i64,
    values: u64,
}

impl One {
    fn found(&self) -> ScalarValue {
        ScalarValue::Int64((self.values > 0).then_some(self.sum))
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Int64Type>().iter().flatten() {
            self.sum = self.sum.checked_add(value).ok_or_else(overflow)?;
            self.values += 1;
        }
        Ok(())
    }

    /// Takes back what has left the frame.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Int64Type>().iter().flatten() {
            self.sum = self.sum.checked_sub(value).ok_or_else(overflow)?;
            self.values = self.values.saturating_sub(1);
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
        Ok(self.found())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.found()])
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sums of many groups.
struct Groups(Vec<Option<i64>>);

impl Groups {
    fn emit(&mut self, emit_to: EmitTo) -> Int64Array {
        let mut out = Int64Builder::new();
        emit_to.take_needed(&mut self.0).into_iter().for_each(|sum| out.append_option(sum));
        out.finish()
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
        self.0.resize(total_num_groups, None);
        let values = values[0].as_primitive::<Int64Type>();
        for (row, &group) in group_indices.iter().enumerate() {
            let counts = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if counts && values.is_valid(row) {
                self.0[group] = add(self.0[group], values.value(row))?;
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
        let values = values[0].as_primitive::<Int64Type>();
        let counts = |row: usize| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let state: Int64Array =
            values.iter().enumerate().map(|(row, value)| value.filter(|_| counts(row))).collect();
        Ok(vec![Arc::new(state)])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.emit(emit_to)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.emit(emit_to))])
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<Option<i64>>()
    }
}
