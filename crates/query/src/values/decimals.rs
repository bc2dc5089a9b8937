//! Division and rounding of decimals. Both round half away from zero.
//!
//! Types are Trino's: `decimal(p1,s1) / decimal(p2,s2)` is `decimal(p1 + s2 + max(s2 - s1, 0), max(s1, s2))`, rounded to
//! whole numbers a `decimal(p,s)` is `decimal(p - s + min(s, 1), 0)`, rounded to places `decimal(p + 1, s)`; all within 38
//! digits. Source: Trino documentation, Decimal functions and operators; Mathematical functions.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Int64Type, i256};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

use super::{on_arrays, wrong_arguments};

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DecimalOperation {
    /// `a / b`
    Divide,
    /// `round(a)`, and `round(a, places)`
    Round,
}

/// The operation as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Decimals {
    operation: DecimalOperation,
    signature: Signature,
}

impl Decimals {
    pub(crate) fn new(operation: DecimalOperation) -> Self {
        Self { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The type with so many digits, or the largest.
fn decimal(precision: i32, scale: i8) -> DataType {
    let most = i32::from(DECIMAL128_MAX_PRECISION);
    DataType::Decimal128(precision.clamp(1, most).unsigned_abs() as u8, scale)
}

fn result(operation: DecimalOperation, types: &[DataType]) -> Option<DataType> {
    use DataType::Decimal128;
    Some(match (operation, types) {
        (DecimalOperation::Divide, [Decimal128(p1, s1), Decimal128(_, s2)]) => {
            decimal(i32::from(*p1) + i32::from(*s2) + i32::from((*s2 - *s1).max(0)), *s1.max(s2))
        }
        (DecimalOperation::Round, [Decimal128(p, s)]) => {
            decimal(i32::from(*p) - i32::from(*s) + i32::from(*s.min(&1)), 0)
        }
        (DecimalOperation::Round, [Decimal128(p, s), _]) => decimal(i32::from(*p) + 1, *s),
        _ => return None,
    })
}

fn power(exponent: u32) -> Option<i256> {
    i256::from_i128(10).checked_pow(exponent)
}

/// The quotient rounded half away from zero; `None` beyond the range. The divisor is not zero.
fn quotient(of: i256, by: i256) -> Option<i256> {
    let (whole, rest) = (of.checked_div(by)?, of.checked_rem(by)?);
    let rest = rest.checked_abs()?;
    if rest < by.checked_abs()?.checked_sub(rest)? {
        return Some(whole);
    }
    let negative = of.is_negative() != by.is_negative();
    let one = i256::from_i128(1);
    if negative { whole.checked_sub(one) } else { whole.checked_add(one) }
}

fn overflow() -> datafusion::common::DataFusionError {
    EngineError::OutOfRange { what: "Decimal overflow".to_owned() }.into_datafusion()
}

/// The value, if the type has so many digits.
fn fitting(value: Option<i256>, precision: u8) -> Result<i128> {
    let within = |value: &i128| value.unsigned_abs() < 10_u128.pow(u32::from(precision));
    value.and_then(i256::to_i128).filter(within).ok_or_else(overflow)
}

fn divide(arrays: &[ArrayRef], precision: u8, scale: i8) -> Result<Decimal128Array> {
    let (left, right) =
        (arrays[0].as_primitive::<Decimal128Type>(), arrays[1].as_primitive::<Decimal128Type>());
    let shift = u32::try_from(i32::from(scale) - i32::from(left.scale()) + i32::from(right.scale()));
    let factor = shift.ok().and_then(power).ok_or_else(overflow)?;
    let rows = left.iter().zip(right).map(|pair| match pair {
        (Some(_), Some(0)) => Err(EngineError::DivisionByZero.into_datafusion()),
        (Some(left), Some(right)) => {
            let wide = i256::from_i128(left).checked_mul(factor);
            let found = wide.and_then(|wide| quotient(wide, i256::from_i128(right)));
            fitting(found, precision).map(Some)
        }
        _ => Ok(None),
    });
    Ok(rows.collect::<Result<Vec<_>>>()?.into_iter().collect())
}

fn round(arrays: &[ArrayRef], precision: u8) -> Result<Decimal128Array> {
    let values = arrays[0].as_primitive::<Decimal128Type>();
    let scale = i64::from(values.scale());
    let places = arrays.get(1).map(|places| places.as_primitive::<Int64Type>());
    let rows = values.iter().enumerate().map(|(row, value)| {
        let (Some(value), places) =
            (value, places.map_or(Some(0), |places| places.iter().nth(row).flatten()))
        else {
            return Ok(None);
        };
        let Some(wanted) = places else { return Ok(None) };
        let dropped = scale.saturating_sub(wanted).max(0);
        // More digits than there are leave nothing.
        let Some(unit) = u32::try_from(dropped).ok().filter(|dropped| *dropped <= 76).and_then(power) else {
            return Ok(Some(0));
        };
        let rounded = quotient(i256::from_i128(value), unit);
        let back =
            if arrays.len() == 1 { rounded } else { rounded.and_then(|rounded| rounded.checked_mul(unit)) };
        fitting(back, precision).map(Some)
    });
    Ok(rows.collect::<Result<Vec<_>>>()?.into_iter().collect())
}

impl ScalarUDFImpl for Decimals {
    fn name(&self) -> &str {
        match self.operation {
            DecimalOperation::Divide => "decimal_divide",
            DecimalOperation::Round => "decimal_round",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        result(self.operation, types).map_or_else(|| wrong_arguments(self.name()), Ok)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let mut types = types.to_vec();
        if let (DecimalOperation::Round, [_, places]) = (self.operation, &mut types[..]) {
            *places = DataType::Int64;
        }
        Ok(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Decimal128(precision, scale) = *args.return_field.data_type() else {
            return wrong_arguments(self.name());
        };
        on_arrays(&args, |arrays| {
            let found = match self.operation {
                DecimalOperation::Divide => divide(arrays, precision, scale)?,
                DecimalOperation::Round => round(arrays, precision)?,
            };
            Ok(Arc::new(found.with_precision_and_scale(precision, scale)?))
        })
    }
}
