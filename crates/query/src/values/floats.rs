//! Comparisons of floating-point numbers as Trino has them.
//!
//! Our engine orders all bit patterns: NaN equals itself and is larger than every number, 0 is larger than -0. In
//! Trino every comparison with NaN is false (`<>` true), and 0 equals -0. In groups, DISTINCT and IS DISTINCT FROM NaN
//! equals NaN. Source: Trino's documentation, "Data types", and its operators of `double`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{on_arrays, wrong_arguments};

/// The type in which Trino compares two numbers, when one of them is a floating-point number: `double` unless the
/// other is `real`, or is brought to `real`.
pub(crate) fn common_float(left: &DataType, right: &DataType) -> DataType {
    let has_double = [left, right].contains(&&DataType::Float64);
    if has_double { DataType::Float64 } else { DataType::Float32 }
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// A comparison as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FloatComparison {
    comparison: Comparison,
    signature: Signature,
}

impl FloatComparison {
    pub(crate) fn new(comparison: Comparison) -> Self {
        Self { comparison, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FloatComparison {
    fn name(&self) -> &str {
        match self.comparison {
            Comparison::Equal => "float_equal",
            Comparison::NotEqual => "float_not_equal",
            Comparison::Less => "float_less",
            Comparison::LessOrEqual => "float_less_or_equal",
            Comparison::Greater => "float_greater",
            Comparison::GreaterOrEqual => "float_greater_or_equal",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [left, right] => Ok(vec![common_float(left, right); 2]),
            _ => wrong_arguments(self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [ColumnarValue::Array(left), ColumnarValue::Scalar(right)] = &args.args[..] {
            let left = doubles(left)?;
            let Some(right) = double(right)? else {
                return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
            };
            let holds = |row: usize| self.comparison.holds(left.value(row), right);
            let values = BooleanBuffer::collect_bool(left.len(), holds);
            return Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(values, left.nulls().cloned()))));
        }
        on_arrays(&args, |arrays| {
            let [left, right] = arrays else { return wrong_arguments(self.name()) };
            let (left, right) = (doubles(left)?, doubles(right)?);
            let holds = |row: usize| self.comparison.holds(left.value(row), right.value(row));
            let values = BooleanBuffer::collect_bool(left.len(), holds);
            let nulls = NullBuffer::union(left.nulls(), right.nulls());
            Ok(Arc::new(BooleanArray::new(values, nulls)))
        })
    }
}

/// The values as doubles, which hold every `real` exactly.
fn doubles(values: &ArrayRef) -> Result<Float64Array> {
    Ok(cast(values, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn double(value: &ScalarValue) -> Result<Option<f64>> {
    let values = doubles(&value.to_array()?)?;
    Ok(values.is_valid(0).then(|| values.value(0)))
}

/// `x IN (a, b, …)` of floating-point numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FloatIn(Signature);

impl Default for FloatIn {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for FloatIn {
    fn name(&self) -> &str {
        "float_in"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let common = arg_types.iter().fold(DataType::Float32, |common, of| common_float(&common, of));
        Ok(vec![common; arg_types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((wanted, items)) = args.args.split_first() else { return wrong_arguments(self.name()) };
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let wanted = doubles(&wanted.to_array(if constant { 1 } else { args.number_rows })?)?;
        let (mut known, mut unknown, mut columns) = (HashSet::new(), false, Vec::new());
        for item in items {
            match item {
                ColumnarValue::Scalar(item) => match double(item)? {
                    Some(value) => drop((!value.is_nan()).then(|| known.insert(bits(value)))),
                    None => unknown = true,
                },
                ColumnarValue::Array(items) => columns.push(doubles(items)?),
            }
        }
        let found: BooleanArray = (0..wanted.len())
            .map(|row| {
                if wanted.is_null(row) {
                    return None;
                }
                let value = wanted.value(row);
                let among = |column: &Float64Array| column.is_valid(row) && column.value(row) == value;
                if (!value.is_nan() && known.contains(&bits(value))) || columns.iter().any(among) {
                    return Some(true);
                }
                let open = unknown || columns.iter().any(|column| column.is_null(row));
                (!open).then_some(false)
            })
            .collect();
        if constant {
            return ScalarValue::try_from_array(&found, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// The bits of a number, the same for 0 and -0.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// A floating-point number with one pattern of bits for each value that Trino tells apart.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Canonical {
    /// NaN becomes NULL: for keys of joins, where it equals nothing.
    no_nan: bool,
    signature: Signature,
}

impl Canonical {
    /// For groups and orders: NaN equals NaN and comes last.
    pub(crate) fn grouped() -> Self {
        Self { no_nan: false, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// For keys of joins: NaN equals nothing.
    pub(crate) fn matched() -> Self {
        Self { no_nan: true, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &str {
        if self.no_nan { "float_match" } else { "float_group" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [of @ (DataType::Float32 | DataType::Float64)] => Ok(of.clone()),
            _ => wrong_arguments(self.name()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let null = self.no_nan;
        on_arrays(&args, |arrays| {
            Ok(match arrays[0].data_type() {
                DataType::Float32 => {
                    let keep = |value: f32| {
                        if value.is_nan() { (!null).then_some(f32::NAN) } else { Some(value + 0.0) }
                    };
                    let values = arrays[0].as_primitive::<Float32Type>();
                    Arc::new(values.iter().map(|value| value.and_then(keep)).collect::<Float32Array>())
                }
                _ => {
                    let keep = |value: f64| {
                        if value.is_nan() { (!null).then_some(f64::NAN) } else { Some(value + 0.0) }
                    };
                    let values = doubles(&arrays[0])?;
                    Arc::new(values.iter().map(|value| value.and_then(keep)).collect::<Float64Array>())
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_no_number_and_zero_has_no_sign() {
        let nan = f64::NAN;
        for comparison in [
            Comparison::Equal,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ] {
            assert!(
                !comparison.holds(nan, nan) && !comparison.holds(nan, 1.0) && !comparison.holds(1.0, nan)
            );
        }
        assert!(Comparison::NotEqual.holds(nan, nan));
        assert!(Comparison::Equal.holds(0.0, -0.0));
        assert_eq!(bits(0.0), bits(-0.0));
    }
}
