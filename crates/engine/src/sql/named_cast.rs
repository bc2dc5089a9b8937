//! Names for casts. DataFusion leaves casts out of the names that it gives to expressions, and refuses two columns of one
//! name in a relation: `sum(x)` beside `sum(CAST(x AS double))`. So whoever plans a statement puts its casts into this
//! function, and takes them out again when the types are looked at.

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The first of two arguments; the second, a literal, says what kind of cast it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NamedCast {
    signature: Signature,
}

impl NamedCast {
    /// Its name in a statement that was rewritten; no statement that a client sends may call it.
    pub const NAME: &'static str = "named_cast";
}

impl Default for NamedCast {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NamedCast {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [cast, Expr::Literal(ScalarValue::Utf8(Some(kind)), _)] => {
                Ok(format!("{kind}({})", cast.schema_name()))
            }
            _ => wrong(),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        arg_types.first().cloned().map_or_else(wrong, Ok)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.args.into_iter().next().map_or_else(wrong, Ok)
    }
}

fn wrong<T>() -> Result<T> {
    plan_err!("{} takes a cast and what it is called", NamedCast::NAME)
}
