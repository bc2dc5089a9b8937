//! `split_part`, `lpad` and `rpad`, which count code points.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

use super::on_arrays;

/// The longest text that padding makes. Source: Trino, StringFunctions: the size is an `int`.
const MAX_SIZE: i64 = i32::MAX as i64;

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextFunction {
    /// `split_part(text, delimiter, index)`
    SplitPart,
    /// `lpad(text, size, padding)`
    PadLeft,
    /// `rpad(text, size, padding)`
    PadRight,
}

/// The function as our engine calls it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Texts {
    function: TextFunction,
    signature: Signature,
}

impl Texts {
    pub(crate) fn new(function: TextFunction) -> Self {
        let types = match function {
            TextFunction::SplitPart => vec![DataType::Utf8, DataType::Utf8, DataType::Int64],
            _ => vec![DataType::Utf8, DataType::Int64, DataType::Utf8],
        };
        Self { function, signature: Signature::exact(types, Volatility::Immutable) }
    }

    fn row(&self, text: &str, other: &str, number: i64) -> Result<Option<String>> {
        match self.function {
            TextFunction::SplitPart => split_part(text, other, number),
            TextFunction::PadLeft => pad(text, number, other, true).map(Some),
            TextFunction::PadRight => pad(text, number, other, false).map(Some),
        }
    }
}

fn invalid<T>(what: &str) -> Result<T> {
    Err(EngineError::InvalidArgument { what: what.to_owned() }.into_datafusion())
}

fn split_part(text: &str, delimiter: &str, index: i64) -> Result<Option<String>> {
    let Some(nth) = index.checked_sub(1).filter(|nth| *nth >= 0) else {
        return invalid("Index must be greater than zero");
    };
    let Ok(nth) = usize::try_from(nth) else { return Ok(None) };
    Ok(match delimiter {
        "" => text.chars().nth(nth).map(String::from),
        _ => text.split(delimiter).nth(nth).map(str::to_owned),
    })
}

fn pad(text: &str, size: i64, padding: &str, left: bool) -> Result<String> {
    if !(0..=MAX_SIZE).contains(&size) {
        return invalid("Target length must be in the range [0..2147483647]");
    }
    if padding.is_empty() {
        return invalid("Padding string must not be empty");
    }
    let size = size as usize;
    let own = text.chars().count();
    if own >= size {
        return Ok(text.chars().take(size).collect());
    }
    // Memory is bounded as that of one text in a file is.
    if (size - own).saturating_mul(padding.len()) > 64 << 20 {
        return invalid("Tenon pads texts to at most 64 MiB");
    }
    let added = padding.chars().cycle().take(size - own);
    Ok(if left { added.chain(text.chars()).collect() } else { text.chars().chain(added).collect() })
}

impl ScalarUDFImpl for Texts {
    fn name(&self) -> &str {
        match self.function {
            TextFunction::SplitPart => "split_part",
            TextFunction::PadLeft => "lpad",
            TextFunction::PadRight => "rpad",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (other, number) = match self.function {
            TextFunction::SplitPart => (1, 2),
            _ => (2, 1),
        };
        on_arrays(&args, |arrays| {
            let text = |at: usize| cast(&arrays[at], &DataType::Utf8);
            let (texts, others) = (text(0)?, text(other)?);
            let numbers = arrays[number].as_primitive::<Int64Type>();
            let rows = texts.as_string::<i32>().iter().zip(others.as_string::<i32>()).zip(numbers);
            let found = rows.map(|((text, other), number)| match (text, other, number) {
                (Some(text), Some(other), Some(number)) => self.row(text, other, number),
                _ => Ok(None),
            });
            let found: StringArray = found.collect::<Result<Vec<_>>>()?.into_iter().collect();
            Ok(Arc::new(found) as ArrayRef)
        })
    }
}
