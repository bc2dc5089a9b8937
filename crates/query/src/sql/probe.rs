//! A function that cannot be bound and says of what types its arguments are.
//!
//! Some operands are refused by our engine in words of its own, before any of ours has seen their types. The call is
//! then bound once more with this function in its place, which tells the types in Trino's words.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::plan;

/// The probe's name in a statement; `check` lets no statement call it.
pub(super) const NAME: &str = "operand_types";

/// What is probed: a function, by Trino's name, or an operator.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Probe {
    of: String,
    signature: Signature,
}

impl Probe {
    pub(crate) fn of(called: &str) -> Self {
        Self { of: called.to_owned(), signature: Signature::variadic_any(Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for Probe {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [left, right] if !self.of.starts_with(char::is_alphabetic) => {
                plan::cannot_apply(left, &self.of, right)
            }
            _ => plan::parameters(&self.of, types),
        }
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan::parameters(&self.of, &[])
    }
}
