//! Sort keys as numbers of few bits.
//!
//! A column's values become unsigned numbers in the order of the values; of these only the distance to the smallest is kept,
//! which for most columns takes far fewer bits than the type. NULL is one number more, before or after all others.

use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::compute::SortOptions;
use arrow::datatypes::{ArrowNativeType, DataType, Float32Type, Float64Type};

/// The smallest and the largest number of a column's values so far, and whether there were NULLs. Without values the
/// smallest is above the largest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    least: u64,
    most: u64,
    has_nulls: bool,
}

impl Span {
    pub(super) const NONE: Self = Self { least: u64::MAX, most: 0, has_nulls: false };

    /// Takes the values of an array in; false for a type whose values are no numbers.
    pub(super) fn add(&mut self, array: &ArrayRef, numbers: &mut Vec<u64>) -> bool {
        if !numbers_of(array, numbers) {
            return false;
        }
        let mut widen = |number: u64| {
            self.least = self.least.min(number);
            self.most = self.most.max(number);
        };
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => numbers.iter().for_each(|number| widen(*number)),
            Some(nulls) => {
                nulls.valid_indices().for_each(|row| widen(numbers[row]));
                self.has_nulls = true;
            }
        }
        true
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.has_nulls |= other.has_nulls;
    }
}

/// How the keys of a row become one number.
pub(super) struct Packing(Vec<Column>);

struct Column {
    span: Span,
    options: SortOptions,
    bits: u32,
}

impl Packing {
    /// `None` when the keys of a row take more than 64 bits.
    pub(super) fn of(spans: &[Span], options: &[SortOptions]) -> Option<Self> {
        let columns = spans.iter().zip(options).map(|(span, options)| {
            let distance = span.most.saturating_sub(span.least);
            let largest = if span.has_nulls { distance.checked_add(1)? } else { distance };
            Some(Column { span: *span, options: *options, bits: u64::BITS - largest.leading_zeros() })
        });
        let packing = Self(columns.collect::<Option<_>>()?);
        (packing.bits() <= u64::BITS).then_some(packing)
    }

    /// Of the numbers.
    pub(super) fn bits(&self) -> u32 {
        self.0.iter().map(|column| column.bits).sum()
    }

    /// One number for each row, in the order of the keys.
    pub(super) fn pack(&self, keys: &[ArrayRef], numbers: &mut Vec<u64>, packed: &mut Vec<u64>) {
        packed.clear();
        packed.resize(keys.first().map_or(0, |key| key.len()), 0);
        for (column, array) in self.0.iter().zip(keys) {
            // What has a span is of a type with numbers.
            numbers_of(array, numbers);
            let (span, descending) = (column.span, column.options.descending);
            let first = u64::from(span.has_nulls && column.options.nulls_first);
            let distance = span.most.saturating_sub(span.least);
            let null = if column.options.nulls_first { 0 } else { distance.wrapping_add(1) };
            let code = |number: u64| {
                let code =
                    if descending { span.most.wrapping_sub(number) } else { number.wrapping_sub(span.least) };
                code.wrapping_add(first)
            };
            let put = |word: &mut u64, code: u64| *word = word.checked_shl(column.bits).unwrap_or(0) | code;
            match array.nulls().filter(|nulls| nulls.null_count() > 0) {
                None => packed.iter_mut().zip(&*numbers).for_each(|(word, number)| put(word, code(*number))),
                Some(nulls) => {
                    for ((word, number), is_valid) in packed.iter_mut().zip(&*numbers).zip(nulls) {
                        put(word, if is_valid { code(*number) } else { null });
                    }
                }
            }
        }
    }
}

/// Whether the values of a type are numbers here.
pub(super) fn is_number(of: &DataType) -> bool {
    numbers_of(&new_empty_array(of), &mut Vec::new())
}

const SIGN: u64 = 1 << 63;

/// The values of an array as numbers of the same order, those of NULLs without meaning; false for other types.
fn numbers_of(array: &ArrayRef, out: &mut Vec<u64>) -> bool {
    use DataType as T;
    out.clear();
    match array.data_type() {
        T::Boolean => out.extend(array.as_boolean().values().iter().map(u64::from)),
        T::Int8 => signed::<i8>(array, out),
        T::Int16 => signed::<i16>(array, out),
        T::Int32 | T::Date32 | T::Time32(_) => signed::<i32>(array, out),
        T::Int64 | T::Date64 | T::Time64(_) | T::Timestamp(..) | T::Duration(_) => signed::<i64>(array, out),
        T::UInt8 => unsigned::<u8>(array, out),
        T::UInt16 => unsigned::<u16>(array, out),
        T::UInt32 => unsigned::<u32>(array, out),
        T::UInt64 => unsigned::<u64>(array, out),
        T::Float32 => out.extend(array.as_primitive::<Float32Type>().values().iter().map(|value| {
            let bits = value.to_bits();
            u64::from(bits ^ (((bits as i32) >> 31) as u32 | 1 << 31))
        })),
        T::Float64 => out.extend(array.as_primitive::<Float64Type>().values().iter().map(|value| {
            let bits = value.to_bits();
            bits ^ (((bits as i64) >> 63) as u64 | SIGN)
        })),
        _ => return false,
    }
    true
}

fn signed<N: ArrowNativeType + Into<i64>>(array: &ArrayRef, out: &mut Vec<u64>) {
    let data = array.to_data();
    out.extend(data.buffer::<N>(0)[..data.len()].iter().map(|value| Into::<i64>::into(*value) as u64 ^ SIGN));
}

fn unsigned<N: ArrowNativeType + Into<u64>>(array: &ArrayRef, out: &mut Vec<u64>) {
    let data = array.to_data();
    out.extend(data.buffer::<N>(0)[..data.len()].iter().map(|value| Into::<u64>::into(*value)));
}
