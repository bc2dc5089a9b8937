//! Texts of a given length: what files hold beyond it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;
use formats::hive::HiveType;

use super::{on_arrays, wrong_arguments};

/// A `varchar(n)`: the first n characters of what the file holds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct VarcharCut {
    most: usize,
    signature: Signature,
}

impl VarcharCut {
    pub(crate) fn to(most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable) }
    }

    fn cut<'t>(&self, text: &'t str) -> &'t str {
        if text.len() <= self.most {
            return text;
        }
        text.char_indices().nth(self.most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
    }
}

impl ScalarUDFImpl for VarcharCut {
    fn name(&self) -> &str {
        "varchar_cut"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let texts = cast(&arrays[0], &DataType::Utf8)?;
            let rows = texts.as_string::<i32>().iter().map(|text| text.map(|text| self.cut(text)));
            Ok(Arc::new(rows.collect::<StringArray>()) as ArrayRef)
        })
    }
}

/// A column that cannot be read as Trino reads it: it stands in plans, where it is left out unless it is wanted, and
/// fails the query when it is read.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Unread {
    what: String,
    signature: Signature,
}

impl Unread {
    pub(crate) fn column(name: &str, of: &HiveType) -> Self {
        let what =
            format!("column {name} has the type {of}, which queries cannot read (declare it as string)");
        Self { what, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Unread {
    fn name(&self) -> &str {
        "unread_column"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [of] => Ok(of.clone()),
            _ => wrong_arguments(self.name()),
        }
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(EngineError::Unsupported { message: self.what.clone() }.into_datafusion())
    }
}
