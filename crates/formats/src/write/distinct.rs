//! Whether the values of a column repeat, judged by its first rows.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

/// Values looked at.
pub(super) const SAMPLE: usize = 8192;
/// Fewer say nothing.
pub(super) const LEAST: usize = 4096;
/// Distinct values in a hundred from which on values hardly repeat: a dictionary of the column would have some forty
/// thousand entries or more.
pub(super) const PERCENT: usize = 90;

/// Whether nearly all of the first values differ. False for types that are not looked at, and for few values.
pub(super) fn hardly_repeats(values: &ArrayRef) -> bool {
    let sample = values.slice(0, values.len().min(SAMPLE));
    let known = sample.len() - sample.null_count();
    if known < LEAST {
        return false;
    }
    distinct(&sample).is_some_and(|distinct| distinct * 100 >= known * PERCENT)
}

/// How many values that are not NULL differ.
fn distinct(values: &ArrayRef) -> Option<usize> {
    fn count<T: std::hash::Hash + Eq>(values: impl Iterator<Item = Option<T>>) -> usize {
        values.flatten().collect::<HashSet<T>>().len()
    }
    Some(match values.data_type() {
        DataType::Utf8 => count(values.as_string::<i32>().iter()),
        DataType::LargeUtf8 => count(values.as_string::<i64>().iter()),
        DataType::Utf8View => count(values.as_string_view().iter()),
        DataType::Binary => count(values.as_binary::<i32>().iter()),
        other => {
            let width = other.primitive_width()?;
            let data = values.to_data();
            let bytes = data.buffers().first()?.as_slice();
            let start = data.offset() * width;
            let cells = bytes.get(start..start + data.len() * width)?.chunks_exact(width);
            count(cells.enumerate().map(|(row, cell)| values.is_valid(row).then_some(cell)))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn what_repeats_and_what_does_not() {
        let array = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        assert!(hardly_repeats(&array((0..10_000).collect())));
        assert!(!hardly_repeats(&array((0..10_000).map(|n| n % 1000).collect())));
        assert!(!hardly_repeats(&array((0..100).collect())));
        let later = array((0..20_000).collect()).slice(9_000, 10_000);
        assert!(hardly_repeats(&later));
        let texts: ArrayRef = Arc::new(StringArray::from_iter((0..9000).map(|n| Some(format!("{n}")))));
        assert!(hardly_repeats(&texts));
        let sparse: ArrayRef =
            Arc::new(Float64Array::from_iter((0..9000).map(|n| (n % 3 == 0).then_some(f64::from(n)))));
        assert!(!hardly_repeats(&sparse));
        let flags: ArrayRef = Arc::new(arrow::array::BooleanArray::from(vec![true; 9000]));
        assert!(!hardly_repeats(&flags));
    }
}
