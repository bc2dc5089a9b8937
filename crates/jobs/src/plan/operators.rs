//! The operators of Spark's SQL whose types the engine's planner would find otherwise, or refuse.
//!
//! Each is bound as a function of our own, called `__` and the operator; [`super::spark`] replaces it before anything
//! runs. Where one comes up in a message, [`readable`] writes it as it was written.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator as LogicalOperator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use formats::hive::shown;

use super::functions::{named, not_replaced};
use super::spark::{Operation, result_type};

/// The function that a minus before anything but a number stands for. It is Spark's own name for it.
pub(super) const MINUS: &str = "negative";

/// A message without the names of our functions.
pub(super) fn readable(message: &str) -> String {
    let Some((before, call)) = message.split_once("__") else { return message.to_owned() };
    let Some((operator, arguments, rest)) = split(call) else {
        return format!("{before}__{}", readable(call));
    };
    let arguments: Vec<String> = arguments.iter().map(|argument| readable(argument.trim())).collect();
    let written = match (operator, arguments.as_slice()) {
        ("number", [number]) => number.trim_matches('\'').to_owned(),
        (operator, arguments) => format!("({})", arguments.join(&format!(" {operator} "))),
    };
    format!("{before}{written}{}", readable(rest))
}

/// The name, the arguments and what follows of a call, whose name may not be more than a word or a sign.
fn split(call: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (name, inside) = call.split_once('(')?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let (mut arguments, mut from, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, letter) in inside.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => {
                arguments.push(inside.get(from..at)?);
                return Some((name, arguments, inside.get(at + 1..)?));
            }
            ',' if depth == 0 => {
                arguments.push(inside.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// The name of a column that is an operation.
fn between(name: &str, arguments: &[Expr]) -> String {
    let names: Vec<String> = arguments.iter().map(|argument| argument.schema_name().to_string()).collect();
    names.join(&format!(" {} ", name.trim_start_matches("__")))
}

/// Arithmetic becomes a function of our own, whose types are Spark's; the planner itself would refuse some of it before
/// anything could be rewritten.
#[derive(Debug)]
pub(super) struct Operators;

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
        match self.operator {
            LogicalOperator::Eq => "__=",
            LogicalOperator::NotEq => "__<>",
            LogicalOperator::Lt => "__<",
            LogicalOperator::LtEq => "__<=",
            LogicalOperator::Gt => "__>",
            LogicalOperator::GtEq => "__>=",
            _ => "__<=>",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(between(self.name(), arguments))
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

/// An arithmetic operator.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Operator {
    pub(super) operation: Operation,
    signature: Signature,
}

impl ScalarUDFImpl for Operator {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "__+",
            Operation::Subtract => "__-",
            Operation::Multiply => "__*",
            Operation::Divide => "__/",
            Operation::Remainder => "__%",
            Operation::Whole => "__div",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(between(self.name(), arguments))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let found = match arguments {
            [left, right] => result_type(self.operation, left, right),
            _ => None,
        };
        found.ok_or_else(|| {
            let shown: Vec<String> = arguments.iter().map(shown).collect();
            let name = self.name().trim_start_matches("__");
            DataFusionError::Plan(format!("{name} cannot take {}", shown.join(" and ")))
        })
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

/// A minus before anything but a number: text is one, as elsewhere in Spark.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Minus {
    signature: Signature,
}

impl Default for Minus {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Minus {
    fn name(&self) -> &str {
        MINUS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View] => Ok(DataType::Float64),
            [other] if other.is_numeric() || matches!(other, DataType::Interval(_) | DataType::Null) => {
                Ok(other.clone())
            }
            [other] => {
                Err(DataFusionError::Plan(format!("a minus needs a number, and has {}", shown(other))))
            }
            _ => Err(DataFusionError::Plan(format!("{MINUS} takes one argument"))),
        }
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(not_replaced(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_shown_as_they_are_written() {
        assert_eq!(readable("__>(t.v, __+(t.a, __number('1.5')))"), "(t.v > (t.a + 1.5))");
        assert_eq!(readable("x __=(count(1), '(') y, __-(a,b)"), "x __=(count(1), '(') y, (a - b)");
        assert_eq!(readable("HAVING __<=(sum(t.a, 1), 2) is"), "HAVING (sum(t.a, 1) <= 2) is");
        assert_eq!(readable("a column (t.v) of __x count(1)"), "a column (t.v) of __x count(1)");
    }
}
