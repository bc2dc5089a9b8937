//! Aggregates of doubles over frames that move along: each frame is computed from its own rows.
//!
//! The engine takes the rows that leave a frame off its result. Of doubles that is another number (`1e20 + 1 - 1e20` is 0), and one NaN
//! stays for good. Spark computes every frame anew, as here.

use std::collections::VecDeque;
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
        let columns = vec![VecDeque::new(); call.exprs.len()];
        Ok(Box::new(Frame { call, columns }))
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

/// The rows of a frame, by argument.
#[derive(Debug)]
struct Frame {
    call: Call,
    columns: Vec<VecDeque<Option<f64>>>,
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (column, values) in self.columns.iter_mut().zip(values) {
            column.extend(values.as_primitive::<Float64Type>());
        }
        Ok(())
    }

    /// Rows leave in the order in which they came.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for (column, values) in self.columns.iter_mut().zip(values) {
            column.drain(..values.len().min(column.len()));
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let array = |column: &VecDeque<Option<f64>>| {
            Arc::new(column.iter().copied().collect::<Float64Array>()) as ArrayRef
        };
        let rows: Vec<ArrayRef> = self.columns.iter().map(array).collect();
        let mut accumulator = self.call.accumulator()?;
        accumulator.update_batch(&rows)?;
        accumulator.evaluate()
    }

    fn size(&self) -> usize {
        let values: usize = self.columns.iter().map(VecDeque::capacity).sum();
        size_of_val(self) + values * size_of::<Option<f64>>()
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
