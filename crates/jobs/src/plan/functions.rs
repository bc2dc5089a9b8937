//! Functions of Spark that the engine lacks or would bind otherwise, known here by name and type only.
//!
//! They are registered so that SQL with them can be bound; [`super::spark`] replaces each by an expression that can
//! be computed before anything runs. Computing one is therefore an error.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Expr, ExprSchemable,
    Operator as LogicalOperator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::spark::{NUMBER, Operation, loose, number_literal, result_type};

/// Name, number of arguments (any, where there is none), type of the result (`None`: of the second argument).
const FUNCTIONS: &[(&str, Option<usize>, Option<DataType>)] = &[
    ("year", Some(1), Some(DataType::Int32)),
    ("quarter", Some(1), Some(DataType::Int32)),
    ("month", Some(1), Some(DataType::Int32)),
    ("weekofyear", Some(1), Some(DataType::Int32)),
    ("day", Some(1), Some(DataType::Int32)),
    ("dayofmonth", Some(1), Some(DataType::Int32)),
    ("dayofweek", Some(1), Some(DataType::Int32)),
    ("dayofyear", Some(1), Some(DataType::Int32)),
    ("hour", Some(1), Some(DataType::Int32)),
    ("minute", Some(1), Some(DataType::Int32)),
    ("second", Some(1), Some(DataType::Int32)),
    ("date_add", Some(2), Some(DataType::Date32)),
    ("date_sub", Some(2), Some(DataType::Date32)),
    ("datediff", Some(2), Some(DataType::Int32)),
    ("date_format", Some(2), Some(DataType::Utf8)),
    ("to_date", None, Some(DataType::Date32)),
    ("to_timestamp", None, Some(super::spark::TIMESTAMP)),
    ("substr", None, Some(DataType::Utf8)),
    ("substring", None, Some(DataType::Utf8)),
    ("round", None, Some(DataType::Float64)),
    ("if", Some(3), None),
];
/// Aggregates that take text as numbers.
const AGGREGATES: &[&str] = &[
    "sum",
    "avg",
    "mean",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "var",
    "var_samp",
    "var_pop",
    "corr",
    "covar_samp",
    "covar_pop",
];

/// Makes the names known to the session; again is the same.
pub(super) fn register(context: &SessionContext) {
    if context.udf("datediff").is_ok() {
        return;
    }
    // Cheap: the clone shares its state.
    let _ = context.clone().register_expr_planner(Arc::new(Operators));
    for (name, arguments, result) in FUNCTIONS {
        context.register_udf(named(name, *arguments, result.clone()));
    }
    for (name, result) in loose() {
        if let Ok(inner) = context.udf(name) {
            let signature = Signature::variadic_any(Volatility::Immutable);
            context.register_udf(ScalarUDF::new_from_impl(Loose { inner, result, signature }));
        }
    }
    context.register_udf(ScalarUDF::new_from_impl(Number {
        signature: Signature::any(1, Volatility::Immutable),
    }));
    for name in AGGREGATES {
        if let Ok(inner) = context.udaf(name) {
            let signature = Signature::variadic_any(Volatility::Immutable);
            context.register_udaf(AggregateUDF::new_from_impl(Numeric { name, inner, signature }));
        }
    }
}

fn named(name: &'static str, arguments: Option<usize>, result: Option<DataType>) -> ScalarUDF {
    let signature = match arguments {
        Some(count) => Signature::any(count, Volatility::Immutable),
        None => Signature::variadic_any(Volatility::Immutable),
    };
    ScalarUDF::new_from_impl(Named { name, result, signature })
}

fn not_replaced(name: &str) -> DataFusionError {
    DataFusionError::Internal(format!("{name} was not replaced by the planner"))
}

/// Arithmetic becomes a function of our own, whose types are Spark's; the planner itself would refuse some of it before
/// anything could be rewritten.
#[derive(Debug)]
struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operation = match expr.op {
            BinaryOperator::Plus => Operation::Add,
            BinaryOperator::Minus => Operation::Subtract,
            BinaryOperator::Multiply => Operation::Multiply,
            BinaryOperator::Divide => Operation::Divide,
            BinaryOperator::Modulo => Operation::Remainder,
            BinaryOperator::MyIntegerDivide => Operation::Whole,
            _ => return comparison(expr, schema),
        };
        let (left, right) = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
        let days = match (operation, left.is_integer(), right.is_integer()) {
            (Operation::Add, false, true) if left == DataType::Date32 => Some(("date_add", [0, 1])),
            (Operation::Add, true, false) if right == DataType::Date32 => Some(("date_add", [1, 0])),
            (Operation::Subtract, false, true) if left == DataType::Date32 => Some(("date_sub", [0, 1])),
            _ => None,
        };
        if let Some((name, order)) = days {
            let sides = [expr.left, expr.right];
            let arguments = order.iter().filter_map(|at| sides.get(*at).cloned()).collect();
            return Ok(PlannerResult::Planned(named(name, Some(2), Some(DataType::Date32)).call(arguments)));
        }
        if result_type(operation, &left, &right).is_none() {
            return Ok(PlannerResult::Original(expr));
        }
        let function = ScalarUDF::new_from_impl(Operator {
            operation,
            signature: Signature::any(2, Volatility::Immutable),
        });
        Ok(PlannerResult::Planned(function.call(vec![expr.left, expr.right])))
    }
}

/// A comparison of two types; the planner refuses some that Spark has.
fn comparison(expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let operator = match expr.op {
        BinaryOperator::Eq => LogicalOperator::Eq,
        BinaryOperator::NotEq => LogicalOperator::NotEq,
        BinaryOperator::Lt => LogicalOperator::Lt,
        BinaryOperator::LtEq => LogicalOperator::LtEq,
        BinaryOperator::Gt => LogicalOperator::Gt,
        BinaryOperator::GtEq => LogicalOperator::GtEq,
        BinaryOperator::Spaceship => LogicalOperator::IsNotDistinctFrom,
        _ => return Ok(PlannerResult::Original(expr)),
    };
    if expr.left.get_type(schema)? == expr.right.get_type(schema)? {
        return Ok(PlannerResult::Original(expr));
    }
    let signature = Signature::any(2, Volatility::Immutable);
    let function = ScalarUDF::new_from_impl(Comparison { operator, signature });
    Ok(PlannerResult::Planned(function.call(vec![expr.left, expr.right])))
}

/// A comparison of different types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Comparison {
    pub(super) operator: LogicalOperator,
    signature: Signature,
}

impl ScalarUDFImpl for Comparison {
    fn name(&self) -> &str {
        "__compare"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let names: Vec<String> =
            arguments.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(names.join(&format!(" {} ", self.operator)))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

/// A function of the engine that is bound with arguments of any type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Loose {
    /// The engine's own.
    pub(super) inner: Arc<ScalarUDF>,
    result: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Loose {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

/// An arithmetic operator.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Operator {
    pub(super) operation: Operation,
    signature: Signature,
}

impl ScalarUDFImpl for Operator {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "__plus",
            Operation::Subtract => "__minus",
            Operation::Multiply => "__times",
            Operation::Divide => "__divide",
            Operation::Remainder => "__modulo",
            Operation::Whole => "__div",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let found = match arguments {
            [left, right] => result_type(self.operation, left, right),
            _ => None,
        };
        found.ok_or_else(|| DataFusionError::Plan(format!("{} cannot take {arguments:?}", self.name())))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

/// A number's literal, as it was written.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Number {
    signature: Signature,
}

impl ScalarUDFImpl for Number {
    fn name(&self) -> &str {
        NUMBER
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Err(not_replaced(NUMBER))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let text = arguments.scalar_arguments.first().copied().flatten();
        let text = text.and_then(|text| text.try_as_str().flatten()).unwrap_or_default();
        // A number that only fits with its minus: what counts here is its type.
        let value = number_literal(text, false).or_else(|_| number_literal(text, true))?;
        Ok(Arc::new(arrow::datatypes::Field::new(NUMBER, value.data_type(), true)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(NUMBER))
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
        Err(not_replaced(self.name))
    }
}

/// An aggregate of numbers that is bound with anything.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Numeric {
    name: &'static str,
    /// The engine's own.
    pub(super) inner: Arc<AggregateUDF>,
    signature: Signature,
}

impl AggregateUDFImpl for Numeric {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        // Whatever it is in the end, it is a number.
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(not_replaced(self.name))
    }

    fn state_fields(&self, _arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Err(not_replaced(self.name))
    }
}
