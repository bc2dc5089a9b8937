//! Text that a column of limited length takes: `varchar(n)` and `char(n)` hold n characters.
//!
//! Files do not enforce it, and readers cut what is longer, so a longer value fails the run; blanks beyond its end are cut, as in
//! Spark.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use formats::hive::HiveType;

use crate::plan::Accused;

/// How much of a value an error shows, in characters.
const SHOWN: usize = 100;

/// The text without the blanks that are beyond what the column's type allows, which fails the plan of the accused where
/// anything else is.
pub(super) fn checked(text: Expr, column: &str, hive: &HiveType, accused: &Accused) -> Expr {
    let (HiveType::Varchar(limit) | HiveType::Char(limit)) = *hive else { return text };
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    let bounded = Bounded { column: column.to_owned(), hive: hive.to_string(), limit, signature };
    accused.wrap(ScalarUDF::new_from_impl(bounded).into()).call(vec![text])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    column: String,
    hive: String,
    limit: u32,
    signature: Signature,
}

impl Bounded {
    fn fitted(&self, texts: &StringArray) -> Result<ArrayRef> {
        // A character takes a byte at least.
        let limit = self.limit as usize;
        if texts.iter().flatten().all(|text| text.len() <= limit) {
            return Ok(Arc::new(texts.clone()));
        }
        let fitted = texts.iter().map(|text| text.map(|text| self.cut(text)).transpose());
        Ok(Arc::new(fitted.collect::<Result<StringArray>>()?))
    }

    fn cut<'a>(&self, text: &'a str) -> Result<&'a str> {
        let end = text.char_indices().nth(self.limit as usize).map_or(text.len(), |(end, _)| end);
        match text[end..].bytes().all(|byte| byte == b' ') {
            true => Ok(&text[..end]),
            false => Err(self.too_long(text)),
        }
    }

    fn too_long(&self, longer: &str) -> DataFusionError {
        let mut shown: String = longer.chars().take(SHOWN).collect();
        if shown.len() < longer.len() {
            shown.push('…');
        }
        DataFusionError::Execution(format!(
            "the value {shown:?} has {} characters, but column {} of the table is {}; cut it, or change the table",
            longer.chars().count(),
            self.column,
            self.hive
        ))
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        "bounded_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = arguments.args.into_iter().next().ok_or_else(wrong)?;
        Ok(match &text {
            ColumnarValue::Array(texts) => {
                ColumnarValue::Array(self.fitted(texts.as_string_opt().ok_or_else(wrong)?)?)
            }
            ColumnarValue::Scalar(ScalarValue::Utf8(text)) => {
                let text = text.as_deref().map(|text| self.cut(text)).transpose()?;
                ColumnarValue::Scalar(ScalarValue::Utf8(text.map(str::to_owned)))
            }
            ColumnarValue::Scalar(_) => return Err(wrong()),
        })
    }
}

fn wrong() -> DataFusionError {
    DataFusionError::Internal("bounded_text takes a text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_beyond_the_end_are_cut_and_nothing_else() {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
        let (column, hive) = ("s".to_owned(), "varchar(2)".to_owned());
        let bounded = Bounded { column, hive, limit: 2, signature };
        let fitted = |texts: Vec<Option<&str>>| {
            let made = bounded.fitted(&StringArray::from(texts))?;
            Ok::<_, DataFusionError>(made.as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect())
        };
        let found: Vec<Option<String>> =
            fitted(vec![Some("ab"), None, Some("ab   "), Some("   "), Some("äö "), Some("")]).unwrap();
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, [Some("ab"), None, Some("ab"), Some("  "), Some("äö"), Some("")]);
        for longer in ["abc", "ab c", "ab\t", "ab\u{a0}"] {
            let error = fitted(vec![Some("a"), Some(longer)]).unwrap_err().to_string();
            assert!(error.contains("column s of the table is varchar(2)"), "{error}");
        }
    }
}
