//! `replace` and `substr`, which count code points.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use engine::EngineError;

use super::on_arrays;

/// Memory is bounded as that of one text in a file is.
const MAX_REPLACED: usize = 64 << 20;

/// `replace(text, search, by)`: an empty search is found before every character and at the end.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Replace(Signature);

impl Default for Replace {
    fn default() -> Self {
        Self(Signature::exact(vec![DataType::Utf8; 3], Volatility::Immutable))
    }
}

fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &DataType::Utf8)?)
}

fn replaced(text: &str, search: &str, by: &str) -> Result<String> {
    let times = text.len().checked_div(search.len()).unwrap_or(text.len() + 1);
    if times.saturating_mul(by.len()).saturating_add(text.len()) > MAX_REPLACED
        && text.matches(search).count().saturating_mul(by.len()).saturating_add(text.len()) > MAX_REPLACED
    {
        let what = "Tenon replaces to at most 64 MiB".to_owned();
        return Err(EngineError::InvalidArgument { what }.into_datafusion());
    }
    Ok(text.replace(search, by))
}

impl ScalarUDFImpl for Replace {
    fn name(&self) -> &str {
        "replace"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let (text, search, by) = (texts(&arrays[0])?, texts(&arrays[1])?, texts(&arrays[2])?);
            let rows =
                text.as_string::<i32>().iter().zip(search.as_string::<i32>()).zip(by.as_string::<i32>());
            let found = rows.map(|((text, search), by)| match (text, search, by) {
                (Some(text), Some(search), Some(by)) => replaced(text, search, by).map(Some),
                _ => Ok(None),
            });
            let found: StringArray = found.collect::<Result<Vec<_>>>()?.into_iter().collect();
            Ok(Arc::new(found) as ArrayRef)
        })
    }
}

/// `substr(text, start)` and `substr(text, start, length)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Substr(Signature);

impl Default for Substr {
    fn default() -> Self {
        let from = vec![DataType::Utf8, DataType::Int64];
        let within = vec![DataType::Utf8, DataType::Int64, DataType::Int64];
        let either = vec![TypeSignature::Exact(from), TypeSignature::Exact(within)];
        Self(Signature::one_of(either, Volatility::Immutable))
    }
}

/// The first character is 1, the last is -1; a start outside of the text gives nothing, and so does a length that is
/// not positive.
fn substr(text: &str, start: i64, length: i64) -> &str {
    let skipped = match start {
        0 => return "",
        1.. => start - 1,
        _ => match i64::try_from(text.chars().count()).unwrap_or(i64::MAX).checked_add(start) {
            Some(from @ 0..) => from,
            _ => return "",
        },
    };
    let beginning = |text: &str, count: i64| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
    };
    let rest = text.get(beginning(text, skipped)..).unwrap_or_default();
    rest.get(..beginning(rest, length.max(0))).unwrap_or_default()
}

impl ScalarUDFImpl for Substr {
    fn name(&self) -> &str {
        "substr"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let text = texts(&arrays[0])?;
            let starts = arrays[1].as_primitive::<Int64Type>();
            let lengths = arrays.get(2).map(|lengths| lengths.as_primitive::<Int64Type>());
            let rows = text.as_string::<i32>().iter().zip(starts).enumerate();
            let found = rows.map(|(row, (text, start))| {
                let given = |lengths: &Int64Array| lengths.is_valid(row).then(|| lengths.value(row));
                let length = lengths.map_or(Some(i64::MAX), given);
                Some(substr(text?, start?, length?))
            });
            Ok(Arc::new(found.collect::<StringArray>()) as ArrayRef)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_either_end() {
        for (start, length, expected) in [
            (1, 2, "zł"),
            (2, i64::MAX, "łoty"),
            (-2, i64::MAX, "ty"),
            (-5, 1, "z"),
            (-6, 3, ""),
            (0, 3, ""),
            (6, 1, ""),
            (2, -1, ""),
            (2, 0, ""),
            (i64::MIN, 2, ""),
            (i64::MAX, i64::MAX, ""),
        ] {
            assert_eq!(substr("złoty", start, length), expected, "{start} {length}");
        }
        assert_eq!(replaced("abc", "", "x").expect("short"), "xaxbxcx");
        assert_eq!(replaced("aaa", "a", "").expect("short"), "");
        assert!(replaced(&"a".repeat(1 << 20), "a", &"b".repeat(1 << 10)).is_err());
    }
}
