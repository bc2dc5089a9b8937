//! The types that Spark (without ANSI mode) brings two operands to, and the types of its results.
//!
//! Source: Spark 3.5 documentation, "ANSI Compliance" (store assignment and implicit cast), "Data Types", and the type
//! rules of `DecimalType` (`spark.sql.decimalOperations.allowPrecisionLoss` at its default, true).

use arrow::datatypes::{DataType, TimeUnit};

/// The most digits of a decimal.
pub(super) const MAX_DIGITS: u8 = 38;
/// Digits behind the point that are kept before digits in front of it are.
const MIN_SCALE: i32 = 6;

pub(in crate::plan) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::plan) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    /// `DIV`
    Whole,
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_date_or_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

pub(super) fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..))
}

/// Spark's numbers; the engine's other ones never leave its own functions.
pub(super) fn is_number(data_type: &DataType) -> bool {
    rank(data_type).is_some() || is_decimal(data_type)
}

/// Numbers without decimals, from narrow to wide.
fn rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Int8 => 0,
        DataType::Int16 => 1,
        DataType::Int32 => 2,
        DataType::Int64 => 3,
        DataType::Float32 => 4,
        DataType::Float64 => 5,
        _ => return None,
    })
}

/// The decimal that holds every value of an integer type.
pub(super) fn decimal_of(data_type: &DataType) -> Option<(u8, i8)> {
    Some(match data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => return None,
    })
}

/// Cut to what a decimal holds, both parts alike.
pub(super) fn bounded(precision: i32, scale: i32) -> DataType {
    let most = i32::from(MAX_DIGITS);
    decimal(precision.min(most), scale.min(most))
}

/// Cut to what a decimal holds, at the cost of digits behind the point as long as six of them are left.
fn adjusted(precision: i32, scale: i32) -> DataType {
    let most = i32::from(MAX_DIGITS);
    if precision <= most {
        return decimal(precision, scale);
    }
    let whole = precision - scale;
    decimal(most, (most - whole).max(scale.min(MIN_SCALE)))
}

fn decimal(precision: i32, scale: i32) -> DataType {
    let part = |digits: i32| digits.clamp(0, i32::from(MAX_DIGITS));
    let (precision, scale) = (part(precision).max(1), part(scale));
    DataType::Decimal128(u8::try_from(precision).unwrap_or(MAX_DIGITS), i8::try_from(scale).unwrap_or(0))
}

/// The type of an operation on two decimals.
pub(super) fn decimal_result(operation: Operation, left: (u8, i8), right: (u8, i8)) -> DataType {
    let wide = |(p, s): (u8, i8)| (i32::from(p), i32::from(s));
    let ((p1, s1), (p2, s2)) = (wide(left), wide(right));
    match operation {
        Operation::Add | Operation::Subtract => {
            let scale = s1.max(s2);
            adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Operation::Multiply => adjusted(p1 + p2 + 1, s1 + s2),
        Operation::Divide => {
            let scale = (s1 + p2 + 1).max(MIN_SCALE);
            adjusted(p1 - s1 + s2 + scale, scale)
        }
        Operation::Remainder => {
            let scale = s1.max(s2);
            adjusted((p1 - s1).min(p2 - s2) + scale, scale)
        }
        Operation::Whole => DataType::Int64,
    }
}

/// The decimal that holds the values of both.
fn wider_decimal((p1, s1): (u8, i8), (p2, s2): (u8, i8)) -> DataType {
    let scale = i32::from(s1.max(s2));
    let whole = (i32::from(p1) - i32::from(s1)).max(i32::from(p2) - i32::from(s2));
    bounded(whole + scale, scale)
}

/// The narrowest type that both become without losing anything that Spark minds.
fn tightest(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (DataType::Null, other) | (other, DataType::Null) => return Some(other.clone()),
        (a, b) if is_text(a) && is_text(b) => return Some(DataType::Utf8),
        (a, b) if is_date_or_time(a) && is_date_or_time(b) => return Some(TIMESTAMP),
        _ => {}
    }
    if let (Some(a), Some(b)) = (rank(left), rank(right)) {
        return Some(if a >= b { left.clone() } else { right.clone() });
    }
    let (decimal, other) = match (is_decimal(left), is_decimal(right)) {
        (true, _) => (left, right),
        (false, true) => (right, left),
        (false, false) => return None,
    };
    match other {
        DataType::Float32 | DataType::Float64 => Some(DataType::Float64),
        other => Some(wider_decimal(decimal_of(decimal)?, decimal_of(other)?)),
    }
}

/// The type of CASE, COALESCE, IN and UNION: text with anything else simple is text.
pub(super) fn wider(left: &DataType, right: &DataType) -> Option<DataType> {
    tightest(left, right).or_else(|| {
        let other = match (is_text(left), is_text(right)) {
            (true, false) => right,
            (false, true) => left,
            _ => return None,
        };
        let simple = is_number(other) || is_date_or_time(other);
        simple.then_some(DataType::Utf8)
    })
}

/// The type of GREATEST and LEAST, which do not make text of anything.
pub(super) fn wider_without_text(left: &DataType, right: &DataType) -> Option<DataType> {
    tightest(left, right)
}

/// The type that two compared values are brought to: text takes the other's type.
pub(super) fn compared(left: &DataType, right: &DataType) -> Option<DataType> {
    if let Some(common) = tightest(left, right) {
        return Some(common);
    }
    let other = match (is_text(left), is_text(right)) {
        (true, false) => right,
        (false, true) => left,
        _ => return None,
    };
    match other {
        DataType::Decimal128(..) => Some(DataType::Float64),
        other if is_number(other) || is_date_or_time(other) => Some(other.clone()),
        DataType::Boolean | DataType::Binary => Some(other.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Date32, Decimal128, Float32, Float64, Int8, Int32, Int64, Utf8};

    #[test]
    fn decimals_of_operations() {
        use Operation::{Add, Divide, Multiply, Remainder};
        let cases = [
            (Add, (3, 1), (5, 2), Decimal128(6, 2)),
            (Add, (38, 10), (38, 10), Decimal128(38, 9)),
            (Multiply, (10, 2), (10, 2), Decimal128(21, 4)),
            (Multiply, (38, 18), (38, 18), Decimal128(38, 6)),
            (Divide, (10, 2), (10, 2), Decimal128(23, 13)),
            (Divide, (38, 10), (38, 10), Decimal128(38, 6)),
            (Divide, (2, 1), (1, 0), Decimal128(7, 6)),
            (Remainder, (10, 2), (5, 3), Decimal128(5, 3)),
        ];
        for (operation, left, right, expected) in cases {
            assert_eq!(decimal_result(operation, left, right), expected, "{operation:?} {left:?} {right:?}");
        }
    }

    #[test]
    fn common_types() {
        assert_eq!(wider(&Int8, &Int32), Some(Int32));
        assert_eq!(wider(&Int64, &Float32), Some(Float32));
        assert_eq!(wider(&Int32, &Decimal128(5, 2)), Some(Decimal128(12, 2)));
        assert_eq!(wider(&Decimal128(5, 2), &Float32), Some(Float64));
        assert_eq!(wider(&Int32, &Utf8), Some(Utf8));
        assert_eq!(wider(&DataType::Boolean, &Int32), None);
        assert_eq!(wider(&Date32, &TIMESTAMP), Some(TIMESTAMP));
        assert_eq!(compared(&Utf8, &Int32), Some(Int32));
        assert_eq!(compared(&Utf8, &Decimal128(5, 2)), Some(Float64));
        assert_eq!(compared(&Utf8, &Date32), Some(Date32));
        assert_eq!(wider_without_text(&Int32, &Utf8), None);
    }
}
