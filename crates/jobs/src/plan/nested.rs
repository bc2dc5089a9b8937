//! Structures, lists and maps as a table's columns have them: fields are found by name, ignoring case, as readers do.
//!
//! The engine's own cast finds fields by their exact names, and makes nulls of the others.

use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::Accused;

/// A nested value of a frame as a column of that type; what does not fit into it fails the plan of the accused.
pub(crate) fn fitted(value: Expr, column: &str, to: &DataType, accused: &Accused) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    let nested = Nested { column: column.to_owned(), to: to.clone(), signature };
    accused.wrap(ScalarUDF::new_from_impl(nested).into()).call(vec![value])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Nested {
    column: String,
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Nested {
    fn name(&self) -> &str {
        "nested_as"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let value = arguments.args.into_iter().next();
        let value = value.ok_or_else(|| DataFusionError::Internal("nested_as takes a value".to_owned()))?;
        let fitted = formats::conform(&value.to_array(rows)?, &self.to);
        let wrong = |what| DataFusionError::Execution(format!("column {}: {what}", self.column));
        Ok(ColumnarValue::Array(fitted.map_err(wrong)?))
    }
}
