//! Values from anywhere, side by side.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::texts::{SHORT_TEXT, copy_text};

/// The values at some places: which array, and which value of it. The arrays are of one type. Errors: texts that are
/// together too long for one array.
pub(super) fn gather(arrays: &[&dyn Array], places: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
    match arrays.first().map(|array| array.data_type()) {
        Some(DataType::Utf8) => texts(arrays, places),
        _ => interleave(arrays, places),
    }
}

fn texts(arrays: &[&dyn Array], places: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
    let arrays: Vec<&StringArray> = arrays.iter().map(|array| array.as_string()).collect();
    let spans: Vec<(usize, usize)> = places
        .iter()
        .map(|(array, row)| {
            let offsets = arrays[*array].value_offsets();
            (offsets[*row] as usize, offsets[*row + 1] as usize)
        })
        .collect();
    let bytes: usize = spans.iter().map(|(start, end)| end - start).sum();
    if i32::try_from(bytes).is_err() {
        return Err(ArrowError::OffsetOverflowError(bytes));
    }
    let mut data = vec![0; bytes + SHORT_TEXT];
    let mut at = 0;
    for ((array, _), (start, end)) in places.iter().zip(&spans) {
        copy_text(arrays[*array].value_data(), *start..*end, &mut data, at);
        at += end - start;
    }
    data.truncate(bytes);
    let offsets = OffsetBuffer::from_lengths(spans.iter().map(|(start, end)| end - start));
    let has_nulls = arrays.iter().any(|array| array.null_count() > 0);
    let valid =
        || BooleanBuffer::collect_bool(places.len(), |at| arrays[places[at].0].is_valid(places[at].1));
    let nulls = has_nulls.then(|| NullBuffer::new(valid()));
    Ok(Arc::new(StringArray::try_new(offsets, data.into(), nulls)?))
}
