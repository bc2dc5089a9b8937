//! `round`, half up, of what the number's text says: `round(2.675, 2)` is 2.68 also for doubles, as in Spark.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, i256};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use formats::hive::shown;

use super::arithmetic::{fitted, rescaled};
use super::cast::cast;
use super::refused;
use super::types::{bounded, is_number, is_text};

/// `round(value, places)`.
/// Errors: a refusal unless the places are a literal.
pub(super) fn round(args: &[Expr], schema: &DFSchema) -> Result<Expr> {
    let (value, places) = match args {
        [value] => (value, 0),
        [value, Expr::Literal(ScalarValue::Int32(Some(places)), _)] => (value, *places),
        _ => return Err(refused("round is supported with a literal number of places".to_owned())),
    };
    let from = value.get_type(schema)?;
    let (value, from) = match &from {
        text if is_text(text) => (cast(value.clone(), text, &DataType::Float64)?, DataType::Float64),
        number if is_number(number) => (value.clone(), from),
        other => return Err(refused(format!("round needs a number, and its argument is {}", shown(other)))),
    };
    if from.is_integer() && places >= 0 {
        return Ok(value);
    }
    let result = result_type(&from, places);
    let function = Round { places, result, signature: Signature::any(1, Volatility::Immutable) };
    Ok(ScalarUDF::new_from_impl(function).call(vec![value]))
}

fn result_type(from: &DataType, places: i32) -> DataType {
    let DataType::Decimal128(precision, scale) = from else { return from.clone() };
    let (precision, scale) = (i32::from(*precision), i32::from(*scale));
    // Rounding up may need one more digit in front of the point.
    let whole = precision - scale + 1;
    if places < 0 {
        return bounded(whole.max(1 - places), 0);
    }
    let scale = scale.min(places);
    bounded(whole + scale, scale)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    places: i32,
    result: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        "spark_round"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let argument =
            arguments.first().map(|argument| argument.schema_name().to_string()).unwrap_or_default();
        Ok(format!("spark_round({argument}, {})", self.places))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| match arrays {
            [values] => self.compute(values),
            _ => Err(DataFusionError::Internal("round takes one value".to_owned())),
        })
    }
}

impl Round {
    fn compute(&self, values: &ArrayRef) -> Result<ArrayRef> {
        Ok(match (values.data_type(), &self.result) {
            (DataType::Float64, _) => {
                let values = values.as_primitive::<Float64Type>();
                Arc::new(
                    values
                        .iter()
                        .map(|value| value.map(|value| rounded(value, self.places)))
                        .collect::<Float64Array>(),
                )
            }
            (DataType::Float32, _) => {
                let values = values.as_primitive::<Float32Type>();
                let round = |value: f32| match rounded_text(&format!("{value:e}"), self.places) {
                    Some(text) => text.parse().unwrap_or(value),
                    None => value,
                };
                Arc::new(values.iter().map(|value| value.map(round)).collect::<Float32Array>())
            }
            (DataType::Decimal128(_, from), DataType::Decimal128(precision, to)) => {
                let (from, to, precision) = (i32::from(*from), *to, *precision);
                let values = values.as_primitive::<Decimal128Type>().iter();
                let rounded = values.map(|value| {
                    let at_places = rescaled(i256::from_i128(value?), from, self.places.min(from))?;
                    fitted(rescaled(at_places, self.places.min(from), to.into())?, precision)
                });
                let rounded = rounded.collect::<PrimitiveArray<Decimal128Type>>();
                Arc::new(rounded.with_precision_and_scale(precision, to)?)
            }
            (own, _) => {
                let own = own.clone();
                let whole = arrow::compute::cast(values, &DataType::Int64)?;
                let values = whole.as_primitive::<arrow::datatypes::Int64Type>();
                let rounded: Int64Array = values.iter().map(|value| self.whole(value?)).collect();
                wrapped(&rounded, &own)?
            }
        })
    }

    fn whole(&self, value: i64) -> Option<i64> {
        let rounded = rescaled(rescaled(i256::from(value), 0, self.places)?, self.places, 0)?;
        Some(rounded.to_parts().0 as i64)
    }
}

/// Integers that no longer fit wrap around.
fn wrapped(values: &Int64Array, to: &DataType) -> Result<ArrayRef> {
    use arrow::datatypes::{Int8Type, Int16Type, Int32Type};
    fn all<T: ArrowPrimitiveType>(values: &Int64Array, narrow: fn(i64) -> T::Native) -> ArrayRef {
        Arc::new(values.iter().map(|value| value.map(narrow)).collect::<PrimitiveArray<T>>())
    }
    Ok(match to {
        DataType::Int8 => all::<Int8Type>(values, |value| value as i8),
        DataType::Int16 => all::<Int16Type>(values, |value| value as i16),
        DataType::Int32 => all::<Int32Type>(values, |value| value as i32),
        DataType::Int64 => Arc::new(values.clone()),
        other => return Err(DataFusionError::Internal(format!("round of {other}"))),
    })
}

fn rounded(value: f64, places: i32) -> f64 {
    match rounded_text(&format!("{value:e}"), places) {
        Some(text) => text.parse().unwrap_or(value),
        None => value,
    }
}

/// A number in scientific notation, rounded half up; `None` where it has no more digits than are asked for.
fn rounded_text(scientific: &str, places: i32) -> Option<String> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, unsigned) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = unsigned.chars().filter(|c| *c != '.').collect();
    // The number is these digits times ten to the power of `-scale`.
    let scale = i32::try_from(digits.len()).ok()? - 1 - exponent;
    if scale <= places {
        return None;
    }
    let kept = usize::try_from(i64::try_from(digits.len()).ok()? - i64::from(scale - places));
    let Ok(kept) = kept else { return Some("0".to_owned()) };
    let (head, tail) = digits.split_at_checked(kept)?;
    let up = tail.bytes().next().is_some_and(|digit| digit >= b'5');
    let head: u128 = if head.is_empty() { 0 } else { head.parse().ok()? };
    let whole = head + u128::from(up);
    // Java's decimals have no minus zero.
    let sign = if whole == 0 { "" } else { sign };
    Some(format!("{sign}{whole}e{}", -places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_up_of_the_text() {
        let cases = [
            (2.675, 2, 2.68),
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (1.25e10, -9, 1.3e10),
            (0.04, 0, 0.0),
            (0.5, 0, 1.0),
            (1e300, 2, 1e300),
            (15.0, -1, 20.0),
            (4.0, -1, 0.0),
            (123.456, 5, 123.456),
        ];
        for (value, places, expected) in cases {
            assert_eq!(rounded(value, places), expected, "round({value}, {places})");
        }
        assert!(rounded(f64::NAN, 2).is_nan());
    }
}
