//! Numbers to numbers, as Java converts them.

use arrow::datatypes::i256;

use super::read;
use super::show;
use crate::plan::spark::arithmetic::{fitted, rescaled};

/// Any number of Spark's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// An integer.
    Whole(i64),
    /// A float or double.
    Double(f64),
    /// Its unscaled value and its scale.
    Decimal(i256, i32),
}

impl Number {
    pub(super) fn is_not_zero(self) -> bool {
        match self {
            Self::Whole(value) => value != 0,
            Self::Double(value) => value != 0.0,
            Self::Decimal(value, _) => value != i256::ZERO,
        }
    }

    /// Decimals keep their low 64 bits, doubles stop at the ends.
    pub(super) fn to_long(self) -> i64 {
        match self {
            Self::Whole(value) => value,
            Self::Double(value) => value as i64,
            Self::Decimal(value, scale) => {
                let divisor =
                    u32::try_from(scale).ok().and_then(|scale| i256::from_i128(10).checked_pow(scale));
                let whole = divisor.and_then(|divisor| value.checked_div(divisor)).unwrap_or(i256::ZERO);
                whole.to_parts().0 as i64
            }
        }
    }

    pub(super) fn to_int(self) -> i32 {
        match self {
            Self::Double(value) => value as i32,
            other => other.to_long() as i32,
        }
    }

    pub(super) fn to_double(self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(value as f64),
            Self::Double(value) => Some(value),
            Self::Decimal(value, scale) => show::plain_decimal(value, scale).parse().ok(),
        }
    }

    pub(super) fn to_float(self) -> Option<f32> {
        match self {
            Self::Whole(value) => Some(value as f32),
            Self::Double(value) => Some(value as f32),
            Self::Decimal(value, scale) => show::plain_decimal(value, scale).parse().ok(),
        }
    }

    /// Rounded half up; `None` where it does not fit.
    pub(super) fn to_decimal(self, precision: u8, scale: i8) -> Option<i128> {
        match self {
            Self::Whole(value) => fitted(rescaled(i256::from(value), 0, scale.into())?, precision),
            // What is meant is the shortest text that reads as this double.
            Self::Double(value) if value.is_finite() => {
                read::decimal(&format!("{value:e}"), precision, scale)
            }
            Self::Double(_) => None,
            Self::Decimal(value, from) => fitted(rescaled(value, from, scale.into())?, precision),
        }
    }

    /// Seconds as a timestamp.
    pub(super) fn to_micros(self) -> Option<i64> {
        match self {
            Self::Whole(value) => Some(value.saturating_mul(super::MICROS)),
            Self::Double(value) if value.is_finite() => Some((value * super::MICROS as f64) as i64),
            Self::Double(_) => None,
            Self::Decimal(value, scale) => {
                let micros = value.checked_mul(i256::from(super::MICROS))?;
                Some(Self::Decimal(micros, scale).to_long())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_java_does() {
        assert_eq!(Number::Whole(300).to_int() as i8, 44);
        assert_eq!(Number::Double(1e20).to_long(), i64::MAX);
        assert_eq!(Number::Double(f64::NAN).to_int(), 0);
        assert_eq!(Number::Double(-3.9).to_int(), -3);
        assert_eq!(Number::Double(3e9).to_int() as i8, -1);
        assert_eq!(Number::Decimal(i256::from_i128(30_000_000_009), 1).to_int(), -1_294_967_296);
        assert_eq!(Number::Double(1.005).to_decimal(10, 2), Some(101));
        assert_eq!(Number::Double(1e40).to_decimal(38, 0), None);
        assert_eq!(Number::Whole(1000).to_decimal(3, 0), None);
        assert_eq!(Number::Decimal(i256::from_i128(3), 1).to_double(), Some(0.3));
        assert_eq!(Number::Decimal(i256::from_i128(-15), 1).to_micros(), Some(-1_500_000));
    }
}
