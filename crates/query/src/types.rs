//! Trino's names and classes of the types that our engine computes with.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};

use crate::values::{MILLIS, common_float};

/// What types can be compared and combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Integer,
    Float,
    Decimal,
    Text,
    Boolean,
    /// Dates and timestamps.
    Time,
    Interval,
    Binary,
    /// The type of NULL: goes with everything.
    Null,
    /// Arrays, maps, rows and what Trino does not have.
    Other,
}

impl Class {
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Self::Integer,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => Self::Decimal,
            DataType::Decimal256(..) => Self::Decimal,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Self::Time,
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Binary,
            DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::Null => Self::Null,
            _ => Self::Other,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float | Self::Decimal)
    }
}

/// Whether values of the type are, or hold, floating-point numbers or timestamps inside of others: what our engine
/// compares bit by bit, or with more digits than Trino has.
pub(crate) fn has_inexact(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(unit, _) => *unit != arrow::datatypes::TimeUnit::Millisecond,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            has_inexact(item.data_type())
        }
        DataType::Map(entries, _) => has_inexact(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_inexact(field.data_type())),
        other => Class::of(other) == Class::Float,
    }
}

/// Whether Trino compares values of the two types, and gives them a common type in CASE and COALESCE.
pub(crate) fn comparable(left: &DataType, right: &DataType) -> bool {
    let (a, b) = (Class::of(left), Class::of(right));
    match (a, b) {
        (Class::Null, _) | (_, Class::Null) => true,
        // Inside of rows, arrays and maps our engine would compare doubles bit by bit.
        (Class::Other, _) | (_, Class::Other) => left == right && !has_inexact(left),
        _ => a == b || (a.is_number() && b.is_number()),
    }
}

/// Digits before and after the point of a number as a decimal; `None` for what is not exact.
fn digits(of: &DataType) -> Option<(u8, i8)> {
    Some(match of {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::Decimal128(precision, scale) => (precision.checked_add_signed(-scale)?, *scale),
        _ => return None,
    })
}

fn width(of: &DataType) -> Option<usize> {
    if of.is_signed_integer() { of.primitive_width() } else { None }
}

/// The type that Trino gives values of the two types together, in CASE, COALESCE, UNION, IN and the like; `None` when
/// there is none, or when our engine does not compute with it.
/// Source: Trino documentation, "Conversion functions" and "Data types" (implicit coercions).
pub(crate) fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (DataType::Dictionary(_, value), other) | (other, DataType::Dictionary(_, value)) => {
            return common(value, other);
        }
        (DataType::Null, other) | (other, DataType::Null) => return Some(other.clone()),
        _ => {}
    }
    match (Class::of(left), Class::of(right)) {
        (Class::Integer, Class::Integer) => {
            Some(if width(left)? < width(right)? { right.clone() } else { left.clone() })
        }
        (Class::Float, other) | (other, Class::Float) if other.is_number() => Some(common_float(left, right)),
        (Class::Integer | Class::Decimal, Class::Integer | Class::Decimal) => {
            let ((whole, scale), (other, finer)) = (digits(left)?, digits(right)?);
            let (whole, scale) = (whole.max(other), scale.max(finer));
            let precision = whole.saturating_add_signed(scale).min(DECIMAL128_MAX_PRECISION);
            Some(DataType::Decimal128(precision, scale))
        }
        (Class::Time, Class::Time) => Some(MILLIS),
        (Class::Text, Class::Text) => Some(DataType::Utf8),
        (Class::Binary, Class::Binary) => Some(DataType::Binary),
        _ => None,
    }
}

/// Trino's name of a type, as `GetQueryResults` and error messages give it: without parameters.
/// Source: Athena API Reference, ColumnInfo.
pub fn name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint",
        DataType::Float16 | DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => "decimal",
        DataType::Decimal256(..) => "decimal",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "varbinary",
        DataType::FixedSizeBinary(_) => "varbinary",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "array",
        DataType::ListView(_) | DataType::LargeListView(_) => "array",
        DataType::Struct(_) => "row",
        DataType::Map(..) => "map",
        DataType::Dictionary(_, value) => name(value),
        DataType::Null => "unknown",
        _ => "unknown",
    }
}

/// `Precision` and `Scale` of a column as Athena reports them.
pub fn precision_and_scale(data_type: &DataType) -> (i64, i64) {
    match data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 | DataType::UInt8 => (5, 0),
        DataType::Int32 | DataType::UInt16 => (10, 0),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => (19, 0),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => (17, 0),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => (i64::from(*p), i64::from(*s)),
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => (i64::from(*p), i64::from(*s)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (i64::from(i32::MAX), 0),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => (1_073_741_824, 0),
        DataType::Timestamp(..) => (3, 0),
        DataType::Dictionary(_, value) => precision_and_scale(value),
        _ => (0, 0),
    }
}
