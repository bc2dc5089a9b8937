//! Aggregates of doubles over frames that move along: each frame is computed from its own rows.
//!
//! The engine takes the rows that leave a frame off its result. Of doubles that is another number (`1e20 + 1 - 1e20` is 0), and one NaN
//! stays for good. Spark computes every frame anew; so are small ones here. Large ones are put together from parts, without taking
//! anything off:
//!
//! ```text
//! rows of the frame:  first rows │ block │ block │ … │ block ║ rows that came since
//!                     anew        └ states from here to ║     ╰ one state
//! ```
//!
//! When the rows before ║ have all left the frame, it moves to the end.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, FieldRef, Float64Type, Schema};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature};
use datafusion::physical_expr::PhysicalExpr;

/// The aggregate of doubles, for windows.
pub(super) fn anew(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Anew { inner }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Anew {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for Anew {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(arguments)
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let call = Call {
            inner: Arc::clone(&self.inner),
            return_field: arguments.return_field,
            schema: arguments.schema.clone(),
            name: arguments.name.to_owned(),
            is_distinct: arguments.is_distinct,
            exprs: arguments.exprs.to_vec(),
            expr_fields: arguments.expr_fields.to_vec(),
        };
        Ok(Box::new(Frame::new(call)?))
    }
}

/// What an accumulator is made of.
#[derive(Debug)]
struct Call {
    inner: Arc<AggregateUDF>,
    return_field: FieldRef,
    schema: Schema,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Call {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

/// Frames of so many rows are computed anew, and larger ones have a state for as many.
const BLOCK_ROWS: usize = 256;

/// What an accumulator hands on: one row of each column.
type State = Vec<ArrayRef>;

/// The rows of a frame, by argument, and what was computed of some.
#[derive(Debug)]
struct Frame {
    call: Call,
    columns: Vec<VecDeque<Option<f64>>>,
    /// So many of the rows are before the mark.
    before: usize,
    /// Of the rows from the beginning of a block to the mark, the block that ends at the mark first.
    states: Vec<State>,
    /// Of the rows behind the mark.
    behind: Box<dyn Accumulator>,
}

impl Frame {
    fn new(call: Call) -> Result<Self> {
        let columns = vec![VecDeque::new(); call.exprs.len()];
        let behind = call.accumulator()?;
        Ok(Self { call, columns, before: 0, states: Vec::new(), behind })
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, VecDeque::len)
    }

    fn arrays(&self, rows: Range<usize>) -> Vec<ArrayRef> {
        let array = |column: &VecDeque<Option<f64>>| {
            Arc::new(column.range(rows.clone()).copied().collect::<Float64Array>()) as ArrayRef
        };
        self.columns.iter().map(array).collect()
    }

    /// Moves the mark to the end.
    fn mark(&mut self) -> Result<()> {
        self.before = self.rows();
        self.states.clear();
        self.behind = self.call.accumulator()?;
        if self.call.is_distinct {
            return Ok(());
        }
        let mut so_far = self.call.accumulator()?;
        let mut end = self.before;
        while end >= BLOCK_ROWS {
            so_far.update_batch(&self.arrays(end - BLOCK_ROWS..end))?;
            self.states.push(state(so_far.as_mut())?);
            end -= BLOCK_ROWS;
        }
        Ok(())
    }
}

fn state(accumulator: &mut dyn Accumulator) -> Result<State> {
    accumulator.state()?.iter().map(|value| value.to_array()).collect()
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (column, values) in self.columns.iter_mut().zip(values) {
            column.extend(values.as_primitive::<Float64Type>());
        }
        self.behind.update_batch(values)
    }

    /// Rows leave in the order in which they came.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let leaving = values.first().map_or(0, |values| values.len()).min(self.rows());
        for column in &mut self.columns {
            column.drain(..leaving);
        }
        if leaving > self.before {
            return self.mark();
        }
        self.before -= leaving;
        self.states.truncate(self.before / BLOCK_ROWS);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut whole = self.call.accumulator()?;
        // Different values are known only from all of them.
        if self.rows() <= BLOCK_ROWS || self.call.is_distinct {
            whole.update_batch(&self.arrays(0..self.rows()))?;
            return whole.evaluate();
        }
        whole.update_batch(&self.arrays(0..self.before - self.states.len() * BLOCK_ROWS))?;
        if let Some(state) = self.states.last() {
            whole.merge_batch(state)?;
        }
        if self.rows() > self.before {
            whole.merge_batch(&state(self.behind.as_mut())?)?;
        }
        whole.evaluate()
    }

    fn size(&self) -> usize {
        let values: usize = self.columns.iter().map(VecDeque::capacity).sum();
        let states = self.states.iter().flatten().map(|array| array.get_array_memory_size()).sum::<usize>();
        size_of_val(self) + values * size_of::<Option<f64>>() + states + self.behind.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Err(never_merged())
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        Err(never_merged())
    }
}

fn never_merged() -> DataFusionError {
    DataFusionError::Internal("the frames of windows are not merged".to_owned())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::functions_aggregate::average::avg_udaf;
    use datafusion::functions_aggregate::correlation::corr_udaf;
    use datafusion::functions_aggregate::stddev::stddev_udaf;
    use datafusion::functions_aggregate::sum::sum_udaf;
    use datafusion::physical_expr::expressions::Column;

    use super::*;

    fn call(inner: Arc<AggregateUDF>, arguments: usize) -> Call {
        let fields = (0..arguments).map(|at| Arc::new(Field::new(format!("c{at}"), DataType::Float64, true)));
        let expr_fields: Vec<FieldRef> = fields.collect();
        let exprs =
            (0..arguments).map(|at| Arc::new(Column::new(&format!("c{at}"), at)) as Arc<dyn PhysicalExpr>);
        Call {
            inner,
            return_field: Arc::new(Field::new("r", DataType::Float64, true)),
            schema: Schema::new(expr_fields.clone()),
            name: "r".to_owned(),
            is_distinct: false,
            exprs: exprs.collect(),
            expr_fields,
        }
    }

    /// Values of different sizes, some of them null, and one that is no number.
    fn column(of: usize, rows: usize) -> Float64Array {
        let value = |row: usize| match (row, (row * 7919 + of * 31) % 101) {
            (3000, _) => Some(f64::NAN),
            (_, 0) => None,
            (_, number) => Some(number as f64 * if row % 1000 == 1 { 1e9 } else { 0.1 }),
        };
        (0..rows).map(value).collect()
    }

    fn close(found: &ScalarValue, wanted: &ScalarValue) -> bool {
        match (found, wanted) {
            (ScalarValue::Float64(Some(found)), ScalarValue::Float64(Some(wanted))) => {
                found.is_nan() && wanted.is_nan() || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
            }
            _ => found == wanted,
        }
    }

    #[test]
    fn frames_of_any_size_are_those_of_their_rows() {
        const ROWS: usize = 6000;
        let functions = [(sum_udaf(), 1), (avg_udaf(), 1), (stddev_udaf(), 1), (corr_udaf(), 2)];
        for (function, arguments) in functions {
            let columns: Vec<ArrayRef> =
                (0..arguments).map(|at| Arc::new(column(at, ROWS)) as ArrayRef).collect();
            let part = |rows: Range<usize>| -> Vec<ArrayRef> {
                columns.iter().map(|column| column.slice(rows.start, rows.len())).collect()
            };
            // Frames that slide, that shrink, and that move by more than they hold.
            for (length, step) in [(2, 1), (300, 1), (1000, 7), (2000, 900), (ROWS, 13), (500, 600)] {
                let mut frame = Frame::new(call(Arc::clone(&function), arguments)).unwrap();
                let (mut start, mut end) = (0, 0);
                for next in (0..ROWS).step_by(step) {
                    let until = (next + length).min(ROWS);
                    frame.update_batch(&part(end..until)).unwrap();
                    frame.retract_batch(&part(start..next)).unwrap();
                    (start, end) = (next, until);
                    let mut plain = frame.call.accumulator().unwrap();
                    plain.update_batch(&part(start..end)).unwrap();
                    let (found, wanted) = (frame.evaluate().unwrap(), plain.evaluate().unwrap());
                    let name = function.name();
                    assert!(close(&found, &wanted), "{name} of {start}..{end}: {found:?}, not {wanted:?}");
                }
                assert!(frame.size() > 0);
            }
        }
    }
}
