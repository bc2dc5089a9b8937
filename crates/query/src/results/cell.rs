//! Values as Athena writes them into results.
//!
//! Source: Athena User Guide, "Work with query results"; the Java conventions that Trino's text comes from.

use std::fmt::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, LargeStringArray, ListArray,
    MapArray, PrimitiveArray, StringArray, StringViewArray, StructArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use chrono::{DateTime, Days, NaiveDate};

/// A column of a batch, ready to be written value by value.
pub(crate) enum Cells {
    Boolean(BooleanArray),
    Int8(PrimitiveArray<Int8Type>),
    Int16(PrimitiveArray<Int16Type>),
    Int32(PrimitiveArray<Int32Type>),
    Int64(PrimitiveArray<Int64Type>),
    UInt8(PrimitiveArray<UInt8Type>),
    UInt16(PrimitiveArray<UInt16Type>),
    UInt32(PrimitiveArray<UInt32Type>),
    UInt64(PrimitiveArray<UInt64Type>),
    Float32(PrimitiveArray<Float32Type>),
    Float64(PrimitiveArray<Float64Type>),
    Decimal(Decimal128Array, i8),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Binary(BinaryArray),
    Date(PrimitiveArray<Date32Type>),
    /// Epoch milliseconds.
    Timestamp(PrimitiveArray<TimestampMillisecondType>),
    List(ListArray, Box<Cells>),
    Struct(StructArray, Vec<(String, Cells)>),
    Map(MapArray, Box<Cells>, Box<Cells>),
    Null,
}

/// A type that results cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("a value of type {} cannot be written to a result", formats::hive::shown(.0))]
pub(crate) struct NoText(DataType);

impl Cells {
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, NoText> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int8 => Self::Int8(array.as_primitive().clone()),
            DataType::Int16 => Self::Int16(array.as_primitive().clone()),
            DataType::Int32 => Self::Int32(array.as_primitive().clone()),
            DataType::Int64 => Self::Int64(array.as_primitive().clone()),
            DataType::UInt8 => Self::UInt8(array.as_primitive().clone()),
            DataType::UInt16 => Self::UInt16(array.as_primitive().clone()),
            DataType::UInt32 => Self::UInt32(array.as_primitive().clone()),
            DataType::UInt64 => Self::UInt64(array.as_primitive().clone()),
            DataType::Float32 => Self::Float32(array.as_primitive().clone()),
            DataType::Float64 => Self::Float64(array.as_primitive().clone()),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive().clone(), *scale),
            DataType::Utf8 => Self::Text(array.as_string().clone()),
            DataType::LargeUtf8 => Self::LargeText(array.as_string().clone()),
            DataType::Utf8View => Self::TextView(array.as_string_view().clone()),
            DataType::Binary => Self::Binary(array.as_binary().clone()),
            DataType::Date32 => Self::Date(array.as_primitive().clone()),
            DataType::Timestamp(unit, None) => Self::Timestamp(milliseconds(array, *unit)),
            DataType::List(_) => {
                let list: &ListArray = array.as_list();
                Self::List(list.clone(), Box::new(Self::new(list.values())?))
            }
            DataType::Struct(fields) => {
                let row = array.as_struct();
                let columns = fields.iter().zip(row.columns());
                let columns = columns.map(|(field, column)| Ok((field.name().clone(), Self::new(column)?)));
                Self::Struct(row.clone(), columns.collect::<Result<_, NoText>>()?)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Self::new(map.keys())?, Self::new(map.values())?);
                Self::Map(map.clone(), Box::new(keys), Box::new(values))
            }
            DataType::Null => Self::Null,
            other => return Err(NoText(other.clone())),
        })
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(array) => array.is_null(row),
            Self::Int8(array) => array.is_null(row),
            Self::Int16(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::UInt8(array) => array.is_null(row),
            Self::UInt16(array) => array.is_null(row),
            Self::UInt32(array) => array.is_null(row),
            Self::UInt64(array) => array.is_null(row),
            Self::Float32(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::LargeText(array) => array.is_null(row),
            Self::TextView(array) => array.is_null(row),
            Self::Binary(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::Struct(array, _) => array.is_null(row),
            Self::Map(array, _, _) => array.is_null(row),
            Self::Null => true,
        }
    }

    /// Appends the text of a value that is not NULL.
    pub(crate) fn write(&self, row: usize, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Boolean(array) => write!(out, "{}", array.value(row)),
            Self::Int8(array) => write!(out, "{}", array.value(row)),
            Self::Int16(array) => write!(out, "{}", array.value(row)),
            Self::Int32(array) => write!(out, "{}", array.value(row)),
            Self::Int64(array) => write!(out, "{}", array.value(row)),
            Self::UInt8(array) => write!(out, "{}", array.value(row)),
            Self::UInt16(array) => write!(out, "{}", array.value(row)),
            Self::UInt32(array) => write!(out, "{}", array.value(row)),
            Self::UInt64(array) => write!(out, "{}", array.value(row)),
            Self::Float32(array) => {
                float(out, format!("{:e}", array.value(row)), f64::from(array.value(row)))
            }
            Self::Float64(array) => float(out, format!("{:e}", array.value(row)), array.value(row)),
            Self::Decimal(array, scale) => decimal(out, array.value(row), *scale),
            Self::Text(array) => out.write_str(array.value(row)),
            Self::LargeText(array) => out.write_str(array.value(row)),
            Self::TextView(array) => out.write_str(array.value(row)),
            Self::Binary(array) => binary(out, array.value(row)),
            Self::Date(array) => date(out, array.value(row)),
            Self::Timestamp(array) => timestamp(out, array.value(row)),
            Self::List(array, items) => list(out, array, items, row),
            Self::Struct(_, columns) => fields(out, columns, row),
            Self::Map(array, keys, values) => map(out, array, keys, values, row),
            Self::Null => Ok(()),
        };
    }

    /// Inside arrays, maps and rows NULL is a word.
    fn write_nested(&self, row: usize, out: &mut String) {
        if self.is_null(row) { out.push_str("null") } else { self.write(row, out) }
    }
}

fn milliseconds(array: &ArrayRef, unit: TimeUnit) -> PrimitiveArray<TimestampMillisecondType> {
    match unit {
        TimeUnit::Second => {
            array.as_primitive::<TimestampSecondType>().unary(|value| value.saturating_mul(1_000))
        }
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().clone(),
        TimeUnit::Microsecond => {
            array.as_primitive::<TimestampMicrosecondType>().unary(|value| rounded(value, 1_000))
        }
        TimeUnit::Nanosecond => {
            array.as_primitive::<TimestampNanosecondType>().unary(|value| rounded(value, 1_000_000))
        }
    }
}

/// Inside of structures timestamps still have all that their file holds; shown, they are rounded half up.
fn rounded(value: i64, per_milli: i64) -> i64 {
    value.div_euclid(per_milli) + i64::from(value.rem_euclid(per_milli) * 2 >= per_milli)
}

/// As Java's `Double.toString`: plain between 10⁻³ and 10⁷, else with an exponent; always with a point.
/// `shortest` is Rust's shortest form with an exponent, for example `1.5e-7`.
fn float(out: &mut String, shortest: String, value: f64) -> std::fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    out.write_str(sign)?;
    match exponent {
        0..=6 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            let (whole, rest) = padded.split_at(whole);
            write!(out, "{whole}.{}", if rest.is_empty() { "0" } else { rest })
        }
        -3..=-1 => write!(out, "0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            write!(out, "{first}.{}E{exponent}", if rest.is_empty() { "0" } else { rest })
        }
    }
}

fn decimal(out: &mut String, value: i128, scale: i8) -> std::fmt::Result {
    let Ok(scale) = usize::try_from(scale) else {
        return write!(out, "{value}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    };
    if scale == 0 {
        return write!(out, "{value}");
    }
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    write!(out, "{sign}{whole}.{fraction}")
}

fn binary(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    for (position, byte) in bytes.iter().enumerate() {
        let space = if position == 0 { "" } else { " " };
        write!(out, "{space}{byte:02x}")?;
    }
    Ok(())
}

fn date(out: &mut String, days: i32) -> std::fmt::Result {
    let epoch = NaiveDate::default();
    let shift = Days::new(u64::from(days.unsigned_abs()));
    let found = if days < 0 { epoch.checked_sub_days(shift) } else { epoch.checked_add_days(shift) };
    match found {
        Some(date) => write!(out, "{}", date.format("%Y-%m-%d")),
        None => write!(out, "{days} days since 1970-01-01"),
    }
}

fn timestamp(out: &mut String, ms: i64) -> std::fmt::Result {
    match DateTime::from_timestamp_millis(ms) {
        Some(time) => write!(out, "{}", time.format("%Y-%m-%d %H:%M:%S%.3f")),
        None => write!(out, "{ms} ms since 1970-01-01"),
    }
}

fn list(out: &mut String, array: &ListArray, items: &Cells, row: usize) -> std::fmt::Result {
    let offsets = array.value_offsets();
    out.push('[');
    for (position, item) in (offsets[row] as usize..offsets[row + 1] as usize).enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        items.write_nested(item, out);
    }
    out.write_char(']')
}

fn fields(out: &mut String, columns: &[(String, Cells)], row: usize) -> std::fmt::Result {
    out.push('{');
    for (position, (name, cells)) in columns.iter().enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        write!(out, "{name}=")?;
        cells.write_nested(row, out);
    }
    out.write_char('}')
}

fn map(out: &mut String, array: &MapArray, keys: &Cells, values: &Cells, row: usize) -> std::fmt::Result {
    let offsets = array.value_offsets();
    out.push('{');
    for (position, entry) in (offsets[row] as usize..offsets[row + 1] as usize).enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        keys.write_nested(entry, out);
        out.push('=');
        values.write_nested(entry, out);
    }
    out.write_char('}')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Float64Array, Int64Array, TimestampNanosecondArray};

    use super::*;

    fn texts(array: ArrayRef) -> Vec<String> {
        let cells = Cells::new(&array).expect("a type with text");
        (0..array.len())
            .map(|row| {
                let mut out = String::new();
                cells.write_nested(row, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn floats_are_written_as_java_writes_them() {
        let values =
            [0.0, -0.0, 1.0, 0.1, 1234567.0, 1e7, 1.5e300, 0.001, 0.0001, 123.456, -2.5e-8, f64::NAN];
        let expected = [
            "0.0",
            "-0.0",
            "1.0",
            "0.1",
            "1234567.0",
            "1.0E7",
            "1.5E300",
            "0.001",
            "1.0E-4",
            "123.456",
            "-2.5E-8",
            "NaN",
        ];
        assert_eq!(texts(Arc::new(Float64Array::from(values.to_vec()))), expected);
    }

    #[test]
    fn decimals_keep_their_scale() {
        let array =
            Decimal128Array::from(vec![0, 5, -5, 12345]).with_precision_and_scale(10, 2).expect("decimal");
        assert_eq!(texts(Arc::new(array)), ["0.00", "0.05", "-0.05", "123.45"]);
    }

    #[test]
    fn times() {
        assert_eq!(
            texts(Arc::new(Date32Array::from(vec![0, -1, 20_000]))),
            ["1970-01-01", "1969-12-31", "2024-10-04"]
        );
        let nanos = TimestampNanosecondArray::from(vec![1_499_999, -1_000_000]);
        assert_eq!(texts(Arc::new(nanos)), ["1970-01-01 00:00:00.001", "1969-12-31 23:59:59.999"]);
    }

    #[test]
    fn nested_values_have_no_quotes_and_null_is_a_word() {
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            Some(vec![]),
            None,
        ]);
        assert_eq!(texts(Arc::new(list)), ["[1, null]", "[]", "null"]);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x, y"]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let row = StructArray::try_from(vec![("a", text), ("b", number)]).expect("struct");
        assert_eq!(texts(Arc::new(row)), ["{a=x, y, b=7}"]);
        assert_eq!(texts(Arc::new(BinaryArray::from_vec(vec![b"ab\xff"]))), ["61 62 ff"]);
    }
}
