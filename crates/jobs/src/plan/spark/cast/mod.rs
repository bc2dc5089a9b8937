//! CAST as Spark (without ANSI mode) does it.
//!
//! - A number that does not fit a smaller integer wraps around; doubles are cut at the point and stop at the ends of
//!   the range, as in Java. A number that does not fit a decimal is null.
//! - Text that is not of the type is null; around it, blanks do not matter.
//! - Doubles become text as Java writes them: `1.0E10`.
//!
//! Casts between types that Spark has no cast for, or that need a rule of their own, are refused.

mod numbers;
mod read;
mod show;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, try_cast,
};
use formats::hive::shown;

use super::refused;
use super::types::{MAX_DIGITS, TIMESTAMP, is_number, is_text};
use numbers::Number;

const MICROS: i64 = 1_000_000;

/// `expr` of type `from` as `to`.
/// Errors: a refusal where Spark has no such cast, or we do not.
pub(super) fn cast(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    if from == to {
        return Ok(expr);
    }
    let (expr, from) = ours(expr, from);
    if from == *to {
        return Ok(expr);
    }
    if is_same_in_engine(&from, to) {
        return Ok(try_cast(expr, to.clone()));
    }
    if !is_possible(&from, to) {
        return Err(refused(format!("a cast of {} to {} is not supported", shown(&from), shown(to))));
    }
    Ok(called(expr, to))
}

fn called(expr: Expr, to: &DataType) -> Expr {
    let function = SparkCast { to: to.clone(), signature: Signature::any(1, Volatility::Immutable) };
    ScalarUDF::new_from_impl(function).call(vec![expr])
}

/// A text of type `from` as a date or as a timestamp of any precision, or a number as a timestamp.
pub(in crate::plan) fn moment_of(value: Expr, from: &DataType, to: &DataType) -> Expr {
    let (value, _) = ours(value, from);
    let read = if *to == DataType::Date32 { DataType::Date32 } else { TIMESTAMP };
    let moment = called(value, &read);
    if read == *to { moment } else { try_cast(moment, to.clone()) }
}

/// A timestamp of type `from` as a number: seconds, of a whole number those that are over.
pub(in crate::plan) fn moment_as_number(moment: Expr, from: &DataType, to: &DataType) -> Expr {
    let (moment, _) = ours(moment, from);
    called(moment, to)
}

/// A floating-point number of type `from` as text: `1.0E16`, `Infinity`.
pub(in crate::plan) fn text_of_float(number: Expr, from: &DataType) -> Expr {
    let (number, _) = ours(number, from);
    called(number, &DataType::Utf8)
}

/// Types that only files and the engine's own functions have become those that Spark has.
fn ours(expr: Expr, from: &DataType) -> (Expr, DataType) {
    let plain = match from {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(..) => TIMESTAMP,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Date64 => DataType::Date32,
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        other => return (expr, other.clone()),
    };
    if plain == *from { (expr, plain) } else { (try_cast(expr, plain.clone()), plain) }
}

/// Casts that cannot fail, or fail in the same way.
fn is_same_in_engine(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, Boolean, Date32, Float32, Float64, Int8, Int16, Int32, Int64, Null, Timestamp, Utf8,
    };
    matches!(
        (from, to),
        (Null, _)
            | (Int8, Int16 | Int32 | Int64 | Float32 | Float64)
            | (Int16, Int32 | Int64 | Float32 | Float64)
            | (Int32, Int64 | Float32 | Float64)
            | (Int64, Float32 | Float64)
            | (Float32, Float64)
            | (Boolean, Int8 | Int16 | Int32 | Int64 | Float32 | Float64)
            | (Int8 | Int16 | Int32 | Int64, Utf8)
            | (Date32, Timestamp(..))
            | (Utf8, Binary)
    )
}

fn is_possible(from: &DataType, to: &DataType) -> bool {
    let number = |data_type: &DataType| is_number(data_type) || matches!(data_type, DataType::Decimal256(..));
    let timestamp = |data_type: &DataType| *data_type == TIMESTAMP;
    let from_text =
        is_text(from) && (number(to) || timestamp(to) || matches!(to, DataType::Boolean | DataType::Date32));
    let to_text = *to == DataType::Utf8
        && (number(from)
            || timestamp(from)
            || matches!(from, DataType::Boolean | DataType::Date32 | DataType::Binary));
    let numbers = number(from) && (number(to) || matches!(to, DataType::Boolean) || timestamp(to));
    let others = match from {
        DataType::Boolean => number(to),
        from if timestamp(from) => number(to) || matches!(to, DataType::Date32),
        _ => false,
    };
    from_text || to_text || numbers || others
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SparkCast {
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for SparkCast {
    fn name(&self) -> &str {
        "spark_cast"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let argument =
            arguments.first().map(|argument| argument.schema_name().to_string()).unwrap_or_default();
        Ok(format!("spark_cast({argument} AS {})", self.to))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| match arrays {
            [values] => convert(values, &self.to),
            _ => Err(DataFusionError::Internal("a cast takes one argument".to_owned())),
        })
    }
}

fn internal(from: &DataType, to: &DataType) -> DataFusionError {
    DataFusionError::Internal(format!("no cast of {from} to {to}"))
}

fn convert(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Utf8 => from_text(values.as_string(), to),
        DataType::Boolean if *to == DataType::Utf8 => show::text(values),
        DataType::Boolean => {
            let whole = arrow_cast(values, &DataType::Int64)?;
            from_numbers(&whole, to)
        }
        from if *from == TIMESTAMP => from_timestamps(values.as_primitive(), to),
        DataType::Date32 | DataType::Binary => show::text(values),
        _ => from_numbers(values, to),
    }
}

fn from_text(values: &StringArray, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        DataType::Boolean => Arc::new(values.iter().map(|t| read::boolean(t?)).collect::<BooleanArray>()),
        DataType::Date32 => collected::<Date32Type>(values.iter().map(|t| read::date(t?))),
        DataType::Int8 => collected::<Int8Type>(values.iter().map(|t| read::whole(t?)?.try_into().ok())),
        DataType::Int16 => collected::<Int16Type>(values.iter().map(|t| read::whole(t?)?.try_into().ok())),
        DataType::Int32 => collected::<Int32Type>(values.iter().map(|t| read::whole(t?)?.try_into().ok())),
        DataType::Int64 => collected::<Int64Type>(values.iter().map(|t| read::whole(t?))),
        DataType::Float32 => collected::<Float32Type>(values.iter().map(|t| read::float(t?))),
        DataType::Float64 => collected::<Float64Type>(values.iter().map(|t| read::float(t?))),
        DataType::Decimal128(precision, scale) => {
            let read = |text| read::decimal(text, *precision, *scale);
            let read = values.iter().map(|text| read(text?)).collect::<PrimitiveArray<Decimal128Type>>();
            Arc::new(read.with_precision_and_scale(*precision, *scale)?)
        }
        to if *to == TIMESTAMP => {
            let read = values.iter().map(|text| text.map_or(Ok(None), read::timestamp));
            Arc::new(read.collect::<Result<TimestampMicrosecondArray>>()?)
        }
        other => return Err(internal(&DataType::Utf8, other)),
    })
}

fn collected<T: ArrowPrimitiveType>(values: impl Iterator<Item = Option<T::Native>>) -> ArrayRef {
    Arc::new(values.collect::<PrimitiveArray<T>>())
}

fn from_timestamps(values: &TimestampMicrosecondArray, to: &DataType) -> Result<ArrayRef> {
    let seconds = || values.iter().map(|value| Some(value?.div_euclid(MICROS)));
    let exact = || values.iter().map(|value| Some(value? as f64 / MICROS as f64));
    match to {
        DataType::Utf8 => show::text(&(Arc::new(values.clone()) as ArrayRef)),
        DataType::Date32 => {
            let days = values.iter().map(|value| i32::try_from(value?.div_euclid(MICROS * 86_400)).ok());
            Ok(collected::<Date32Type>(days))
        }
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => {
            from_numbers(&collected::<Float64Type>(exact()), to)
        }
        _ => from_numbers(&collected::<Int64Type>(seconds()), to),
    }
}

fn from_numbers(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if values.data_type() == to {
        return Ok(Arc::clone(values));
    }
    if *to == DataType::Utf8 {
        return show::text(values);
    }
    fn all<'a>(
        numbers: impl Iterator<Item = Option<Number>> + 'a,
        from: &DataType,
        to: &DataType,
    ) -> Result<ArrayRef> {
        Ok(match to {
            DataType::Boolean => Arc::new(numbers.map(|n| Some(n?.is_not_zero())).collect::<BooleanArray>()),
            DataType::Int8 => collected::<Int8Type>(numbers.map(|n| Some(n?.to_int() as i8))),
            DataType::Int16 => collected::<Int16Type>(numbers.map(|n| Some(n?.to_int() as i16))),
            DataType::Int32 => collected::<Int32Type>(numbers.map(|n| Some(n?.to_int()))),
            DataType::Int64 => collected::<Int64Type>(numbers.map(|n| Some(n?.to_long()))),
            DataType::Float32 => collected::<Float32Type>(numbers.map(|n| n?.to_float())),
            DataType::Float64 => collected::<Float64Type>(numbers.map(|n| n?.to_double())),
            DataType::Decimal128(precision, scale) => {
                let values = numbers.map(|n| n?.to_decimal(*precision, *scale));
                let values = values.collect::<PrimitiveArray<Decimal128Type>>();
                Arc::new(values.with_precision_and_scale(*precision, *scale)?)
            }
            to if *to == TIMESTAMP => collected::<TimestampMicrosecondType>(numbers.map(|n| n?.to_micros())),
            other => return Err(internal(from, other)),
        })
    }
    macro_rules! numbers {
        ($kind:ty, $wrap:expr) => {
            all(values.as_primitive::<$kind>().iter().map(|value| value.map($wrap)), values.data_type(), to)
        };
    }
    match values.data_type() {
        DataType::Int8 => numbers!(Int8Type, |v| Number::Whole(v.into())),
        DataType::Int16 => numbers!(Int16Type, |v| Number::Whole(v.into())),
        DataType::Int32 => numbers!(Int32Type, |v| Number::Whole(v.into())),
        DataType::Int64 => numbers!(Int64Type, Number::Whole),
        DataType::Float32 => numbers!(Float32Type, |v| Number::Double(v.into())),
        DataType::Float64 => numbers!(Float64Type, Number::Double),
        DataType::Decimal128(_, scale) => {
            let scale = i32::from(*scale);
            numbers!(Decimal128Type, |v| Number::Decimal(v.into(), scale))
        }
        DataType::Decimal256(_, scale) => {
            let scale = i32::from(*scale);
            numbers!(Decimal256Type, |v| Number::Decimal(v, scale))
        }
        other => Err(internal(other, to)),
    }
}

/// Whether a text is a date (or a timestamp), as literals need to be.
pub(super) fn is_literal(text: &str, with_time: bool) -> bool {
    if with_time { matches!(read::timestamp(text), Ok(Some(_))) } else { read::date(text).is_some() }
}

/// A number's literal as it was written, `1.5D`, as a value; a minus in front of it belongs to it.
/// Errors: a refusal for what is no number, or not in the range of the type that its suffix names.
pub(in crate::plan) fn number_literal(text: &str, negative: bool) -> Result<ScalarValue> {
    let bad = || refused(format!("{text} is not a number, or not in the range of its type"));
    let upper = text.to_ascii_uppercase();
    let signed = |digits: &str| if negative { format!("-{digits}") } else { digits.to_owned() };
    let whole = |digits: &str| signed(digits).parse::<i64>().map_err(|_| bad());
    if let Some(digits) = upper.strip_suffix("BD") {
        return decimal_literal(&signed(digits)).ok_or_else(bad);
    }
    let exponent = upper.contains('E');
    let (digits, suffix) = match upper.chars().last() {
        Some(last) if last.is_ascii_alphabetic() => upper.split_at(upper.len() - 1),
        _ => (upper.as_str(), ""),
    };
    let float = || read::float::<f64>(&signed(digits)).filter(|value| value.is_finite()).ok_or_else(bad);
    Ok(match suffix {
        "L" => ScalarValue::Int64(Some(whole(digits)?)),
        "S" => ScalarValue::Int16(Some(whole(digits)?.try_into().map_err(|_| bad())?)),
        "Y" => ScalarValue::Int8(Some(whole(digits)?.try_into().map_err(|_| bad())?)),
        "D" => ScalarValue::Float64(Some(float()?)),
        "F" => ScalarValue::Float32(Some(float()? as f32)),
        "" if exponent => ScalarValue::Float64(Some(float()?)),
        "" => decimal_literal(&signed(digits)).ok_or_else(bad)?,
        _ => return Err(bad()),
    })
}

/// A decimal of the digits that are there: `1.50` has three, two of them behind the point.
fn decimal_literal(text: &str) -> Option<ScalarValue> {
    let unsigned = text.trim_start_matches('-').to_ascii_lowercase();
    if unsigned.contains('e') {
        return None;
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned.as_str(), ""));
    let scale = u8::try_from(fraction.len()).ok()?;
    let significant = format!("{whole}{fraction}").trim_start_matches('0').len();
    let precision = u8::try_from(significant).ok()?.max(scale).max(1);
    if precision > MAX_DIGITS {
        return None;
    }
    let scale = i8::try_from(scale).ok()?;
    Some(ScalarValue::Decimal128(Some(read::decimal(text, precision, scale)?), precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        let literal = |text, negative| number_literal(text, negative).ok();
        assert_eq!(literal("1.5", false), Some(ScalarValue::Decimal128(Some(15), 2, 1)));
        assert_eq!(literal("0.05", true), Some(ScalarValue::Decimal128(Some(-5), 2, 2)));
        assert_eq!(
            literal("9223372036854775808", false),
            Some(ScalarValue::Decimal128(Some(1 << 63), 19, 0))
        );
        assert_eq!(literal("128Y", true), Some(ScalarValue::Int8(Some(-128))));
        assert_eq!(literal("128Y", false), None);
        assert_eq!(literal("1e2", false), Some(ScalarValue::Float64(Some(100.0))));
        assert_eq!(literal("1.5f", false), Some(ScalarValue::Float32(Some(1.5))));
        assert_eq!(literal("2nd", false), None);
    }
}
