//! Floats as they are compared, grouped and ordered: minus zero is zero, and there is one NaN, the largest of all.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::refused;

/// A float or double as it is compared, grouped and ordered: minus zero is zero, and there is one NaN, the largest of
/// all. Anything else is itself.
pub(in crate::plan) fn key(expr: Expr, data_type: &DataType) -> Expr {
    match (&expr, data_type) {
        (Expr::Literal(..), _) if !matches!(&expr, Expr::Literal(value, _) if is_odd(value)) => expr,
        (_, DataType::Float32 | DataType::Float64) => {
            let function = Key { signature: Signature::any(1, Volatility::Immutable) };
            ScalarUDF::new_from_impl(function).call(vec![expr])
        }
        _ => expr,
    }
}

fn is_odd(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float64(Some(value)) => *value == 0.0 || value.is_nan(),
        ScalarValue::Float32(Some(value)) => *value == 0.0 || value.is_nan(),
        _ => false,
    }
}

/// The place of a float or double in the order that [`key`] describes, as a bigint.
pub(super) fn place_of(expr: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Place { wanted: DataType::Int64, signature }).call(vec![expr])
}

/// The float or double, whichever is wanted, of such a place.
pub(super) fn float_at(place: Expr, wanted: &DataType) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Place { wanted: wanted.clone(), signature }).call(vec![place])
}

/// From floats to their places, and back.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    wanted: DataType,
    signature: Signature,
}

/// The order of the bits is that of the numbers, once negative ones are turned around; it is its own inverse.
fn turned(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn place(value: f64) -> i64 {
    turned(if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits().cast_signed())
}

fn at(place: i64) -> f64 {
    f64::from_bits(turned(place).cast_unsigned())
}

impl ScalarUDFImpl for Place {
    fn name(&self) -> &str {
        match self.wanted {
            DataType::Int64 => "spark_place",
            _ => "spark_float_at",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.wanted.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let Some(values) = arrays.first() else { return Err(refused("a place of nothing".to_owned())) };
            Ok(match (values.data_type(), &self.wanted) {
                (DataType::Float32, _) => {
                    let places: Int64Array =
                        values.as_primitive::<Float32Type>().unary(|value| place(f64::from(value)));
                    Arc::new(places) as ArrayRef
                }
                (DataType::Float64, _) => {
                    let places: Int64Array = values.as_primitive::<Float64Type>().unary(place);
                    Arc::new(places)
                }
                (_, DataType::Float32) => {
                    let floats: Float32Array =
                        values.as_primitive::<Int64Type>().unary(|place| at(place) as f32);
                    Arc::new(floats)
                }
                _ => {
                    let floats: Float64Array = values.as_primitive::<Int64Type>().unary(at);
                    Arc::new(floats)
                }
            })
        })
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    signature: Signature,
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &str {
        "spark_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Float64))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let Some(values) = arrays.first() else { return Err(refused("a key of nothing".to_owned())) };
            Ok(match values.data_type() {
                DataType::Float32 => {
                    let own = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
                    let keys: Float32Array = values.as_primitive::<Float32Type>().unary(own);
                    Arc::new(keys) as ArrayRef
                }
                DataType::Float64 => {
                    let own = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
                    let keys: Float64Array = values.as_primitive::<Float64Type>().unary(own);
                    Arc::new(keys)
                }
                _ => Arc::clone(values),
            })
        })
    }
}
