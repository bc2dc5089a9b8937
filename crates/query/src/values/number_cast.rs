//! Casts of numbers to whole numbers: rounded half away from zero, and an error outside of the type's range.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

use super::on_arrays;

/// A cast to an integer type as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct NumberCast {
    to: DataType,
    /// `TRY_CAST`: NULL for what does not fit.
    lenient: bool,
    signature: Signature,
}

impl NumberCast {
    /// The cast to an integer type; `None` for any other.
    pub(crate) fn to(data_type: &DataType, lenient: bool) -> Option<Self> {
        range(data_type)?;
        let signature = Signature::user_defined(Volatility::Immutable);
        Some(Self { to: data_type.clone(), lenient, signature })
    }

    fn refused(&self, value: &dyn std::fmt::Display, from: &DataType) -> EngineError {
        let to = crate::types::name(&self.to);
        match from {
            DataType::Float32 | DataType::Float64 => {
                EngineError::InvalidCast { what: format!("Cannot cast {value} to {to}: out of range") }
            }
            DataType::Decimal128(..) => {
                EngineError::InvalidCast { what: format!("Cannot cast '{value}' to {}", to.to_uppercase()) }
            }
            _ => EngineError::OutOfRange { what: format!("Out of range for {to}: {value}") },
        }
    }

    /// The values as bigints in the range of the type.
    fn whole(&self, values: &ArrayRef) -> Result<Int64Array> {
        let (low, high) = range(&self.to).unwrap_or((i64::MIN, i64::MAX));
        let fits = |value: i128| i64::try_from(value).ok().filter(|value| (low..=high).contains(value));
        let from = values.data_type();
        let kept = |found: Option<i64>, shown: &dyn std::fmt::Display| match found {
            None if !self.lenient => Err(self.refused(shown, from).into_datafusion()),
            found => Ok(found),
        };
        match from {
            DataType::Float32 | DataType::Float64 => {
                let doubles = cast(values, &DataType::Float64)?;
                let each = |value: f64| {
                    let whole = value.round();
                    // Both bounds are exact as doubles or just outside, where the second test decides.
                    let inside = whole >= low as f64 && whole <= high as f64;
                    kept(if inside { fits(whole as i128) } else { None }, &value)
                };
                doubles
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|value| value.map_or(Ok(None), each))
                    .collect()
            }
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(u32::from(scale.unsigned_abs()));
                let texts = values.as_primitive::<Decimal128Type>();
                let each = |row: usize| {
                    if texts.is_null(row) {
                        return Ok(None);
                    }
                    let value = texts.value(row);
                    let (whole, rest) = (value / unit, value % unit);
                    let away = i128::from(rest.abs() * 2 >= unit && rest != 0) * value.signum();
                    kept(fits(whole + away), &texts.value_as_string(row))
                };
                (0..texts.len()).map(each).collect()
            }
            _ => {
                let wide = cast(values, &DataType::Int64)?;
                let each = |value: i64| kept(fits(value.into()), &value);
                wide.as_primitive::<Int64Type>().iter().map(|value| value.map_or(Ok(None), each)).collect()
            }
        }
    }
}

fn range(data_type: &DataType) -> Option<(i64, i64)> {
    match data_type {
        DataType::Int8 => Some((i8::MIN.into(), i8::MAX.into())),
        DataType::Int16 => Some((i16::MIN.into(), i16::MAX.into())),
        DataType::Int32 => Some((i32::MIN.into(), i32::MAX.into())),
        DataType::Int64 => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

impl ScalarUDFImpl for NumberCast {
    fn name(&self) -> &str {
        match (&self.to, self.lenient) {
            (DataType::Int8, false) => "number_to_tinyint",
            (DataType::Int8, true) => "try_number_to_tinyint",
            (DataType::Int16, false) => "number_to_smallint",
            (DataType::Int16, true) => "try_number_to_smallint",
            (DataType::Int32, false) => "number_to_integer",
            (DataType::Int32, true) => "try_number_to_integer",
            (_, false) => "number_to_bigint",
            (_, true) => "try_number_to_bigint",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let whole: ArrayRef = Arc::new(self.whole(&arrays[0])?);
            Ok(cast(&whole, &self.to)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Float64Array};

    use super::*;

    fn to_integer(values: ArrayRef) -> Result<Vec<Option<i64>>> {
        let cast = NumberCast::to(&DataType::Int32, false).expect("an integer");
        cast.whole(&values).map(|found| found.iter().collect())
    }

    #[test]
    fn halves_go_away_from_zero() {
        let doubles = Float64Array::from(vec![2.5, -2.5, 0.49, -0.5]);
        assert_eq!(to_integer(Arc::new(doubles)).expect("fits"), [3, -3, 0, -1].map(Some));
        let decimals = Decimal128Array::from(vec![Some(250), Some(-250), Some(249), None]);
        let decimals = decimals.with_precision_and_scale(10, 2).expect("decimal");
        assert_eq!(to_integer(Arc::new(decimals)).expect("fits"), [Some(3), Some(-3), Some(2), None]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for value in [3e9, f64::NAN, f64::INFINITY, 2_147_483_647.5] {
            assert!(to_integer(Arc::new(Float64Array::from(vec![value]))).is_err(), "{value}");
        }
        let error = to_integer(Arc::new(Int64Array::from(vec![3_000_000_000]))).expect_err("too large");
        assert!(error.to_string().contains("Out of range for integer: 3000000000"), "{error}");
        let lenient = NumberCast::to(&DataType::Int64, true).expect("an integer");
        let values: ArrayRef = Arc::new(Float64Array::from(vec![9.3e18, i64::MIN as f64]));
        assert_eq!(
            lenient.whole(&values).expect("lenient").iter().collect::<Vec<_>>(),
            [None, Some(i64::MIN)]
        );
    }
}
