//! Conditions as numbers and back.
//!
//! The optimizer rewrites a CASE of conditions into AND and OR, which evaluate both sides for all rows. A CASE of
//! numbers it leaves alone: `truth(CASE WHEN a <> 0 THEN bit(1 / a > 1) ELSE 0 END)` never divides by zero.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int8Array};
use arrow::datatypes::{DataType, Int8Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::on_arrays;

/// 1 for true, 0 for false, NULL for NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bit(Signature);

impl Default for Bit {
    fn default() -> Self {
        Self(Signature::exact(vec![DataType::Boolean], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Bit {
    fn name(&self) -> &str {
        "bit"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let values: Int8Array = arrays[0].as_boolean().iter().map(|value| value.map(i8::from)).collect();
            Ok(Arc::new(values))
        })
    }
}

/// Undoes [`Bit`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Truth(Signature);

impl Default for Truth {
    fn default() -> Self {
        Self(Signature::exact(vec![DataType::Int8], Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Truth {
    fn name(&self) -> &str {
        "truth"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let bits = arrays[0].as_primitive::<Int8Type>();
            let values = bits.values().iter().map(|bit| *bit != 0).collect();
            Ok(Arc::new(BooleanArray::new(values, bits.nulls().cloned())))
        })
    }
}
