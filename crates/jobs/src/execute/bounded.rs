//! Text that a column of limited length takes: `varchar(n)` and `char(n)` hold n characters.
//!
//! Files do not enforce it, and readers cut what is longer, so a longer value fails the run, as in Spark.

use arrow::array::{AsArray, StringArray};
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

/// The text, which fails the plan of the accused where it is longer than the column's type allows.
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
    fn check(&self, texts: &StringArray) -> Result<()> {
        // A character takes a byte at least.
        let limit = self.limit as usize;
        let is_longer = |text: &&str| text.len() > limit && text.chars().count() > limit;
        let Some(longer) = texts.iter().flatten().find(is_longer) else { return Ok(()) };
        let mut shown: String = longer.chars().take(SHOWN).collect();
        if shown.len() < longer.len() {
            shown.push('…');
        }
        Err(DataFusionError::Execution(format!(
            "the value {shown:?} has {} characters, but column {} of the table is {}; cut it, or change the table",
            longer.chars().count(),
            self.column,
            self.hive
        )))
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
        match &text {
            ColumnarValue::Array(texts) => self.check(texts.as_string_opt().ok_or_else(wrong)?)?,
            ColumnarValue::Scalar(ScalarValue::Utf8(text)) => {
                self.check(&StringArray::from(vec![text.as_deref()]))?;
            }
            ColumnarValue::Scalar(_) => return Err(wrong()),
        }
        Ok(text)
    }
}

fn wrong() -> DataFusionError {
    DataFusionError::Internal("bounded_text takes a text".to_owned())
}
