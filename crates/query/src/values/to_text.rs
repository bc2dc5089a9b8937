//! Casts to varchar, in Trino's words.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::on_arrays;
use crate::results::Cells;

/// The cast as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToText(Signature);

impl Default for ToText {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for ToText {
    fn name(&self) -> &str {
        "to_text"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| text(&arrays[0]))
    }
}

fn text(values: &ArrayRef) -> Result<ArrayRef> {
    let mut out = StringBuilder::new();
    match values.data_type() {
        DataType::Float32 => {
            for value in values.as_primitive::<Float32Type>() {
                out.append_option(value.map(|value| float(&format!("{value:e}"), f64::from(value))));
            }
        }
        DataType::Float64 => {
            for value in values.as_primitive::<Float64Type>() {
                out.append_option(value.map(|value| float(&format!("{value:e}"), value)));
            }
        }
        DataType::Date32 | DataType::Timestamp(_, None) | DataType::Decimal128(..) => {
            let cells = Cells::new(values).map_err(|error| DataFusionError::Plan(error.to_string()))?;
            for row in 0..values.len() {
                if cells.is_null(row) {
                    out.append_null();
                    continue;
                }
                let mut one = String::new();
                cells.write(row, &mut one);
                out.append_value(one);
            }
        }
        _ => return Ok(cast(values, &DataType::Utf8)?),
    }
    Ok(Arc::new(out.finish()))
}

/// Always with an exponent: `1.5E0`, `1.0E-7`, `0E0`. `shortest` is Rust's form, for example `1.5e-7`.
fn float(shortest: &str, value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0E0" } else { "0E0" }.to_owned();
    }
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_have_an_exponent() {
        let of = |value: f64| float(&format!("{value:e}"), value);
        assert_eq!(
            [0.0, -0.0, 1.5, 100.0, -2.5e-8, f64::NAN, f64::NEG_INFINITY].map(of),
            ["0E0", "-0E0", "1.5E0", "1.0E2", "-2.5E-8", "NaN", "-Infinity"]
        );
    }
}
