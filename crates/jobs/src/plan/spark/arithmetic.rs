//! Arithmetic that the engine's operators do otherwise: decimals (rounded half up, null where they do not fit), `/`,
//! `%` and `DIV` (null for a divisor of zero).
//!
//! The planner brings both operands to one kind first: two decimals, two integers of one type, or two doubles.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, Int64Array, PrimitiveArray,
};
use arrow::datatypes::{
    DataType, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, i256,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::types::Operation;

/// `left operation right` of the type `result`.
pub(super) fn arithmetic(operation: Operation, left: Expr, right: Expr, result: DataType) -> Expr {
    let function = Arithmetic { operation, result, signature: Signature::any(2, Volatility::Immutable) };
    ScalarUDF::new_from_impl(function).call(vec![left, right])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    operation: Operation,
    result: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "spark_add",
            Operation::Subtract => "spark_subtract",
            Operation::Multiply => "spark_multiply",
            Operation::Divide => "spark_divide",
            Operation::Remainder => "spark_remainder",
            Operation::Whole => "spark_div",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| match arrays {
            [left, right] => self.compute(left, right),
            _ => Err(DataFusionError::Internal(format!("{} takes two arguments", self.name()))),
        })
    }
}

impl Arithmetic {
    fn compute(&self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let operation = self.operation;
        Ok(match left.data_type() {
            DataType::Decimal128(..) => self.decimals(left.as_primitive(), right.as_primitive())?,
            DataType::Float64 => floats::<Float64Type>(operation, left, right, |a, b| a / b, |a, b| a % b),
            DataType::Float32 => floats::<Float32Type>(operation, left, right, |a, b| a / b, |a, b| a % b),
            DataType::Int8 => self.whole::<Int8Type>(left, right, i8::wrapping_rem),
            DataType::Int16 => self.whole::<Int16Type>(left, right, i16::wrapping_rem),
            DataType::Int32 => self.whole::<Int32Type>(left, right, i32::wrapping_rem),
            DataType::Int64 => self.whole::<Int64Type>(left, right, i64::wrapping_rem),
            other => return Err(DataFusionError::Internal(format!("{} of {other}", self.name()))),
        })
    }

    fn whole<T>(
        &self,
        left: &ArrayRef,
        right: &ArrayRef,
        rem: fn(T::Native, T::Native) -> T::Native,
    ) -> ArrayRef
    where
        T: ArrowPrimitiveType,
        T::Native: Into<i64> + Default + PartialEq,
    {
        let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
        let pairs = left.iter().zip(right.iter()).map(|pair| match pair {
            (Some(a), Some(b)) if b != T::Native::default() => Some((a, b)),
            _ => None,
        });
        if self.operation == Operation::Whole {
            let quotients = pairs.map(|pair| pair.map(|(a, b)| a.into().wrapping_div(b.into())));
            return Arc::new(quotients.collect::<Int64Array>());
        }
        Arc::new(pairs.map(|pair| pair.map(|(a, b)| rem(a, b))).collect::<PrimitiveArray<T>>())
    }

    fn decimals(&self, left: &Decimal128Array, right: &Decimal128Array) -> Result<ArrayRef> {
        let scales = (i32::from(left.scale()), i32::from(right.scale()));
        if self.operation == Operation::Whole {
            let quotients = left.iter().zip(right.iter()).map(|(a, b)| whole_quotient(a?, b?, scales));
            return Ok(Arc::new(quotients.collect::<Int64Array>()));
        }
        let DataType::Decimal128(precision, scale) = self.result else {
            return Err(DataFusionError::Internal(format!("{} of decimals as {}", self.name(), self.result)));
        };
        let values = left.iter().zip(right.iter()).map(|(a, b)| {
            let exact = exact(self.operation, a?, b?, scales, i32::from(scale))?;
            fitted(exact, precision)
        });
        let array: Decimal128Array = values.collect();
        Ok(Arc::new(array.with_precision_and_scale(precision, scale)?))
    }
}

fn floats<T: ArrowPrimitiveType>(
    operation: Operation,
    left: &ArrayRef,
    right: &ArrayRef,
    divide: fn(T::Native, T::Native) -> T::Native,
    rem: fn(T::Native, T::Native) -> T::Native,
) -> ArrayRef
where
    T::Native: Default + PartialOrd,
{
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    let compute = if operation == Operation::Divide { divide } else { rem };
    let values = left.iter().zip(right.iter()).map(|pair| match pair {
        // Minus zero is zero here, as it equals it.
        (Some(a), Some(b)) if b != T::Native::default() => Some(compute(a, b)),
        _ => None,
    });
    Arc::new(values.collect::<PrimitiveArray<T>>())
}

/// The exact result at the result's scale, rounded half up; `None` where it cannot fit, or there is none.
fn exact(operation: Operation, a: i128, b: i128, (s1, s2): (i32, i32), scale: i32) -> Option<i256> {
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let common = s1.max(s2);
    let aligned = || Some((scaled(a, common - s1)?, scaled(b, common - s2)?));
    match operation {
        Operation::Add => {
            let (a, b) = aligned()?;
            rescaled(a.checked_add(b)?, common, scale)
        }
        Operation::Subtract => {
            let (a, b) = aligned()?;
            rescaled(a.checked_sub(b)?, common, scale)
        }
        Operation::Multiply => rescaled(a.checked_mul(b)?, s1 + s2, scale),
        Operation::Divide => {
            if b == i256::ZERO {
                return None;
            }
            // A numerator beyond 77 digits gives a quotient beyond 38.
            let shift = scale + s2 - s1;
            let (a, b) = (scaled(a, shift.max(0))?, scaled(b, (-shift).max(0))?);
            half_up(a, b)
        }
        Operation::Remainder | Operation::Whole => {
            let (a, b) = aligned()?;
            rescaled(a.checked_rem(b)?, common, scale)
        }
    }
}

/// The low 64 bits of the quotient, as Java's `longValue` gives them.
fn whole_quotient(a: i128, b: i128, (s1, s2): (i32, i32)) -> Option<i64> {
    let common = s1.max(s2);
    let a = scaled(i256::from_i128(a), common - s1)?;
    let b = scaled(i256::from_i128(b), common - s2)?;
    let quotient = a.checked_div(b)?;
    let low = quotient.to_parts().0;
    Some(low as u64 as i64)
}

fn power_of_ten(exponent: i32) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}

fn scaled(value: i256, by: i32) -> Option<i256> {
    if by == 0 { Some(value) } else { value.checked_mul(power_of_ten(by)?) }
}

/// `a / b`, rounded half up (away from zero).
fn half_up(a: i256, b: i256) -> Option<i256> {
    let (quotient, remainder) = (a.checked_div(b)?, a.checked_rem(b)?);
    // The remainder is smaller than the divisor, which has at most 77 digits, so doubling may overflow only there.
    let (rest, half) = (remainder.wrapping_abs(), b.wrapping_abs().wrapping_sub(remainder.wrapping_abs()));
    if rest < half {
        return Some(quotient);
    }
    let away = if (a < i256::ZERO) == (b < i256::ZERO) { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(away)
}

/// The same number at another scale, rounded half up.
pub(super) fn rescaled(value: i256, from: i32, to: i32) -> Option<i256> {
    if to >= from { scaled(value, to - from) } else { half_up(value, power_of_ten(from - to)?) }
}

/// The unscaled value if it has no more than `precision` digits.
pub(super) fn fitted(value: i256, precision: u8) -> Option<i128> {
    let value = value.to_i128()?;
    Decimal128Type::is_valid_decimal_precision(value, precision).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(
        operation: Operation,
        a: (i128, i32),
        b: (i128, i32),
        precision: u8,
        scale: i32,
    ) -> Option<i128> {
        exact(operation, a.0, b.0, (a.1, b.1), scale).and_then(|value| fitted(value, precision))
    }

    #[test]
    fn rounds_half_up_and_gives_null_where_it_does_not_fit() {
        use Operation::{Add, Divide, Multiply, Remainder};
        assert_eq!(value(Divide, (2, 0), (3, 0), 7, 6), Some(666_667));
        assert_eq!(value(Divide, (-2, 0), (3, 0), 7, 6), Some(-666_667));
        assert_eq!(value(Divide, (1, 0), (8, 0), 38, 2), Some(13));
        assert_eq!(value(Divide, (1, 0), (0, 0), 38, 6), None);
        let most = 10_i128.pow(38) - 1;
        assert_eq!(value(Add, (most, 0), (1, 0), 38, 0), None);
        assert_eq!(value(Multiply, (most, 0), (10, 0), 38, 0), None);
        assert_eq!(value(Divide, (most, 0), (1, 38), 38, 6), None);
        assert_eq!(value(Remainder, (-75, 1), (2, 0), 38, 1), Some(-15));
        assert_eq!(whole_quotient(75, 2, (1, 0)), Some(3));
        assert_eq!(rescaled(i256::from_i128(-25), 1, 0), Some(i256::from_i128(-3)));
    }
}
