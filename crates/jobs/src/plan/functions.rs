//! Functions of Spark that the engine lacks, known here by name only.
//!
//! They are registered so that SQL with them can be bound; [`super::spark`] replaces each by an expression
//! of the engine's own functions before anything runs. Calling one is therefore an error.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::ExprSchemable;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::cast::convert;

/// Name, number of arguments, type of the result (`None`: of the second argument).
const FUNCTIONS: &[(&str, usize, Option<DataType>)] = &[
    ("year", 1, Some(DataType::Int32)),
    ("quarter", 1, Some(DataType::Int32)),
    ("month", 1, Some(DataType::Int32)),
    ("weekofyear", 1, Some(DataType::Int32)),
    ("day", 1, Some(DataType::Int32)),
    ("dayofmonth", 1, Some(DataType::Int32)),
    ("dayofweek", 1, Some(DataType::Int32)),
    ("dayofyear", 1, Some(DataType::Int32)),
    ("hour", 1, Some(DataType::Int32)),
    ("minute", 1, Some(DataType::Int32)),
    ("second", 1, Some(DataType::Int32)),
    ("date_add", 2, Some(DataType::Date32)),
    ("date_sub", 2, Some(DataType::Date32)),
    ("datediff", 2, Some(DataType::Int32)),
    ("date_format", 2, Some(DataType::Utf8)),
    ("if", 3, None),
];

/// Makes the names known to the session; again is the same.
pub(super) fn register(context: &SessionContext) {
    if context.udf("datediff").is_ok() {
        return;
    }
    // Cheap: the clone shares its state.
    let _ = context.clone().register_expr_planner(Arc::new(TextArithmetic));
    for (name, arguments, result) in FUNCTIONS {
        context.register_udf(ScalarUDF::new_from_impl(Named {
            name,
            result: result.clone(),
            signature: Signature::any(*arguments, Volatility::Immutable),
        }));
    }
}

/// Text in arithmetic is a double, as in Spark; the planner itself would refuse it before anything could be rewritten.
#[derive(Debug)]
struct TextArithmetic;

impl ExprPlanner for TextArithmetic {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
        if matches!(expr.op, Plus | Minus | Multiply | Divide | Modulo) {
            for side in [&mut expr.left, &mut expr.right] {
                let found = side.get_type(schema)?;
                if matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
                    *side = convert(side.clone(), &found, &DataType::Float64);
                }
            }
        }
        Ok(PlannerResult::Original(expr))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Named {
    name: &'static str,
    result: Option<DataType>,
    signature: Signature,
}

impl ScalarUDFImpl for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let own = self.result.clone().or_else(|| arguments.get(1).cloned());
        own.ok_or_else(|| DataFusionError::Plan(format!("{} needs more arguments", self.name)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} was not replaced by the planner", self.name)))
    }
}
