//! Integer arithmetic that reports an overflow, as Trino does, where our engine's own wraps around.

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

/// An operation on two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// The operation as a function of our engine; the result has the wider of the two types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CheckedArithmetic {
    operation: Arithmetic,
    signature: Signature,
}

impl CheckedArithmetic {
    pub(crate) fn new(operation: Arithmetic) -> Self {
        Self { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn apply(&self, left: &dyn Datum, right: &dyn Datum) -> std::result::Result<ArrayRef, ArrowError> {
        match self.operation {
            Arithmetic::Add => numeric::add(left, right),
            Arithmetic::Subtract => numeric::sub(left, right),
            Arithmetic::Multiply => numeric::mul(left, right),
        }
    }

    fn failed(&self, error: ArrowError, data_type: &DataType) -> DataFusionError {
        let operation = match self.operation {
            Arithmetic::Add => "addition",
            Arithmetic::Subtract => "subtraction",
            Arithmetic::Multiply => "multiplication",
        };
        match error {
            ArrowError::ArithmeticOverflow(_) => {
                let what = format!("{} {operation} overflow", crate::types::name(data_type));
                EngineError::OutOfRange { what }.into_datafusion()
            }
            other => DataFusionError::ArrowError(Box::new(other), None),
        }
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        match self.operation {
            Arithmetic::Add => "checked_add",
            Arithmetic::Subtract => "checked_subtract",
            Arithmetic::Multiply => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [left, right] => wider(left, right),
            _ => wrong_arguments(),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [left, right] => wider(left, right).map(|wide| vec![wide.clone(), wide]),
            _ => wrong_arguments(),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let data_type = args.return_field.data_type().clone();
        let failed = |error| self.failed(error, &data_type);
        match &args.args[..] {
            [ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)] => {
                let result = self.apply(&left.to_scalar()?, &right.to_scalar()?).map_err(failed)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
            }
            [ColumnarValue::Array(left), ColumnarValue::Scalar(right)] => {
                self.apply(left, &right.to_scalar()?).map(ColumnarValue::Array).map_err(failed)
            }
            [ColumnarValue::Scalar(left), ColumnarValue::Array(right)] => {
                self.apply(&left.to_scalar()?, right).map(ColumnarValue::Array).map_err(failed)
            }
            [ColumnarValue::Array(left), ColumnarValue::Array(right)] => {
                self.apply(left, right).map(ColumnarValue::Array).map_err(failed)
            }
            _ => wrong_arguments(),
        }
    }
}

fn wrong_arguments<T>() -> Result<T> {
    super::wrong_arguments("of integers")
}

fn wider(left: &DataType, right: &DataType) -> Result<DataType> {
    let rank = |data_type: &DataType| match data_type {
        DataType::Null | DataType::Int8 => Some(0),
        DataType::Int16 | DataType::UInt8 => Some(1),
        DataType::Int32 | DataType::UInt16 => Some(2),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Some(3),
        _ => None,
    };
    match (rank(left), rank(right)) {
        (Some(a), Some(b)) => {
            Ok([DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64][a.max(b)].clone())
        }
        _ => wrong_arguments(),
    }
}
