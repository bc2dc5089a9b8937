//! A column of a stripe as ORC's streams: which values are there, the values, and what these need besides.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};

use super::integers::{bits, bytes, integers};

/// Seconds from 1970 to 2015, from where ORC counts.
const EPOCH: i64 = 1_420_070_400;
const MICROS: i64 = 1_000_000;

/// What a stream holds, by its number in the format.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Present = 0,
    Data = 1,
    Length = 2,
    Secondary = 5,
}

/// The number of the type in the format, and whether its integers have the second version's runs.
pub(super) fn kind(data_type: &DataType) -> Option<(u64, bool)> {
    Some(match data_type {
        DataType::Boolean => (0, false),
        DataType::Int8 => (1, false),
        DataType::Int16 => (2, true),
        DataType::Int32 => (3, true),
        DataType::Int64 => (4, true),
        DataType::Float32 => (5, false),
        DataType::Float64 => (6, false),
        DataType::Utf8 => (7, true),
        DataType::Binary => (8, true),
        DataType::Timestamp(_, None) => (9, true),
        DataType::Date32 => (15, true),
        _ => return None,
    })
}

/// The streams of a column, which is given in pieces. Errors: for people, a value that the format does not hold.
pub(super) fn streams(pieces: &[ArrayRef]) -> Result<Vec<(Stream, Vec<u8>)>, String> {
    let mut made = Vec::new();
    if pieces.iter().any(|piece| piece.null_count() > 0) {
        let present: Vec<bool> =
            pieces.iter().flat_map(|piece| (0..piece.len()).map(|row| piece.is_valid(row))).collect();
        made.push((Stream::Present, bits(&present)));
    }
    let Some(first) = pieces.first() else { return Ok(made) };
    macro_rules! values {
        ($kind:ty) => {
            pieces.iter().flat_map(|piece| piece.as_primitive::<$kind>().iter().flatten())
        };
    }
    macro_rules! numbers {
        ($kind:ty) => {
            integers(&values!($kind).map(i64::from).collect::<Vec<_>>(), true)
        };
    }
    let data = match first.data_type() {
        DataType::Boolean => {
            bits(&pieces.iter().flat_map(|piece| piece.as_boolean().iter().flatten()).collect::<Vec<_>>())
        }
        DataType::Int8 => bytes(&values!(Int8Type).map(i8::cast_unsigned).collect::<Vec<_>>()),
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::Date32 => numbers!(Date32Type),
        DataType::Float32 => values!(Float32Type).flat_map(f32::to_le_bytes).collect(),
        DataType::Float64 => values!(Float64Type).flat_map(f64::to_le_bytes).collect(),
        DataType::Utf8 => {
            let texts = pieces.iter().flat_map(|piece| piece.as_string::<i32>().iter().flatten());
            return Ok(with_lengths(made, texts.map(str::as_bytes)));
        }
        DataType::Binary => {
            let values = pieces.iter().flat_map(|piece| piece.as_binary::<i32>().iter().flatten());
            return Ok(with_lengths(made, values));
        }
        DataType::Timestamp(..) => return moments(made, values!(TimestampMicrosecondType)),
        other => return Err(format!("{other} cannot be written as ORC")),
    };
    made.push((Stream::Data, data));
    Ok(made)
}

fn with_lengths<'a>(
    mut made: Vec<(Stream, Vec<u8>)>,
    values: impl Iterator<Item = &'a [u8]>,
) -> Vec<(Stream, Vec<u8>)> {
    let (mut data, mut lengths) = (Vec::new(), Vec::new());
    for value in values {
        data.extend_from_slice(value);
        lengths.push(value.len() as i64);
    }
    made.push((Stream::Data, data));
    made.push((Stream::Length, integers(&lengths, false)));
    made
}

/// Seconds, and nanoseconds with the number of zeros at their end. Programs disagree on what stands for a fraction of a
/// second before 1970: that is refused.
fn moments(
    mut made: Vec<(Stream, Vec<u8>)>,
    values: impl Iterator<Item = i64>,
) -> Result<Vec<(Stream, Vec<u8>)>, String> {
    let (mut seconds, mut fractions) = (Vec::new(), Vec::new());
    for value in values {
        let micros = value.rem_euclid(MICROS);
        if value < 0 && micros != 0 {
            return Err(
                "timestamps before 1970 with a fraction of a second cannot be written as ORC".to_owned()
            );
        }
        seconds.push(value.div_euclid(MICROS) - EPOCH);
        fractions.push(fraction(micros * 1000));
    }
    made.push((Stream::Data, integers(&seconds, true)));
    made.push((Stream::Secondary, integers(&fractions, false)));
    Ok(made)
}

/// Nanoseconds without the zeros at their end, of which the lowest three bits tell how many there were, less one.
fn fraction(mut nanos: i64) -> i64 {
    if nanos == 0 || nanos % 100 != 0 {
        return nanos << 3;
    }
    let mut zeros = 0;
    while nanos % 10 == 0 && zeros < 8 {
        nanos /= 10;
        zeros += 1;
    }
    nanos << 3 | (zeros - 1)
}
