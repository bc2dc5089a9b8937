//! `sum` as statements call it. Of what type a column is that begins with NULLs, of a UNION, is known only when all of its
//! sides have been looked at: until then a sum of it has to be possible. Then `plan` refuses it, or puts the function that
//! adds in its place.

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

/// A sum whose argument may be of any type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoundSum {
    signature: Signature,
}

impl Default for BoundSum {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for BoundSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(match arg_types {
            [DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64] => DataType::Int64,
            [DataType::Decimal128(..) | DataType::Float64] => sum_udaf().return_type(arg_types)?,
            [DataType::Float32] => DataType::Float64,
            // To be refused, unless its type changes.
            _ => DataType::Null,
        })
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::Internal("a sum was not replaced".to_owned()))
    }
}
