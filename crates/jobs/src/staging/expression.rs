//! Expressions that scripts hand over, as documents.

use arrow::datatypes::DataType;
use datafusion::functions::expr_fn as functions;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit};
use serde::Deserialize;

use crate::JobsError;
use crate::plan;

/// An expression over the columns of a frame: `{"Field": name}`, `{"Literal": value}`, or `{"Call": {"Name", "Of"}}`.
///
/// The calls are `and`, `or`, `not`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `+`, `-`, `*`, `same` (equal, or both null), `isnull`,
/// `coalesce`, `length`, `isnan`, `concat`, `startswith`, `endswith`, `double` (the number in that type); they mean what they mean in SQL.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expression {
    /// The column of this name.
    Field(String),
    /// A constant.
    Literal(Literal),
    /// An operation.
    Call(Call),
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// True or false.
    Boolean(bool),
    /// A number without a fraction.
    Integer(i64),
    /// A number with one.
    Float(f64),
    /// A text.
    Text(String),
}

/// An operation on expressions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Call {
    /// What is done.
    name: String,
    /// With what.
    of: Vec<Expression>,
}

impl Expression {
    /// The engine's expression. Errors: `InvalidInput` for a call that is not known or has another number of operands.
    pub(super) fn plan(&self) -> Result<Expr, JobsError> {
        match self {
            Self::Field(name) => Ok(plan::column(name)),
            Self::Literal(Literal::Boolean(value)) => Ok(lit(*value)),
            Self::Literal(Literal::Integer(value)) => Ok(lit(*value)),
            Self::Literal(Literal::Float(value)) => Ok(lit(*value)),
            Self::Literal(Literal::Text(value)) => Ok(lit(value.as_str())),
            Self::Call(call) => call.plan(),
        }
    }
}

impl Call {
    fn plan(&self) -> Result<Expr, JobsError> {
        let mut operands = self.of.iter().map(Expression::plan).collect::<Result<Vec<_>, _>>()?;
        match self.name.as_str() {
            "coalesce" if !operands.is_empty() => return Ok(functions::coalesce(operands)),
            "concat" if !operands.is_empty() => return Ok(functions::concat(operands)),
            _ => {}
        }
        match (operands.pop(), operands.pop(), operands.is_empty()) {
            (Some(operand), None, true) => self.of_one(operand),
            (Some(right), Some(left), true) => self.of_two(left, right),
            _ => Err(self.unknown()),
        }
    }

    fn of_one(&self, operand: Expr) -> Result<Expr, JobsError> {
        Ok(match self.name.as_str() {
            "not" => Expr::Not(Box::new(operand)),
            "isnull" => operand.is_null(),
            "length" => functions::character_length(operand),
            "isnan" => functions::isnan(operand),
            "double" => cast(operand, DataType::Float64),
            _ => return Err(self.unknown()),
        })
    }

    fn of_two(&self, left: Expr, right: Expr) -> Result<Expr, JobsError> {
        let operator = match self.name.as_str() {
            "and" => Operator::And,
            "or" => Operator::Or,
            "==" => Operator::Eq,
            "!=" => Operator::NotEq,
            "<" => Operator::Lt,
            "<=" => Operator::LtEq,
            ">" => Operator::Gt,
            ">=" => Operator::GtEq,
            "+" => Operator::Plus,
            "-" => Operator::Minus,
            "*" => Operator::Multiply,
            "same" => Operator::IsNotDistinctFrom,
            "startswith" => return Ok(functions::starts_with(left, right)),
            "endswith" => return Ok(functions::ends_with(left, right)),
            _ => return Err(self.unknown()),
        };
        Ok(binary_expr(left, operator, right))
    }

    fn unknown(&self) -> JobsError {
        JobsError::invalid(format!("there is no call {:?} of {} operands", self.name, self.of.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(document: &str) -> String {
        let expression: Expression = serde_json::from_str(document).unwrap();
        expression.plan().map_or_else(|error| error.to_string(), |expr| expr.to_string())
    }

    #[test]
    fn documents_become_expressions() {
        let above = r#"{"Call": {"Name": ">", "Of": [{"Field": "Quantity"}, {"Literal": 0}]}}"#;
        assert_eq!(planned(above), r"Quantity > Int64(0)");
        let sure = format!(r#"{{"Call": {{"Name": "coalesce", "Of": [{above}, {{"Literal": false}}]}}}}"#);
        assert_eq!(planned(&sure), "coalesce(Quantity > Int64(0), Boolean(false))");
        let same = r#"{"Call": {"Name": "same", "Of": [{"Field": "a"}, {"Literal": "x"}]}}"#;
        assert_eq!(planned(same), r#"a IS NOT DISTINCT FROM Utf8("x")"#);
        assert_eq!(planned(r#"{"Literal": 1.0}"#), "Float64(1)");
    }

    #[test]
    fn other_calls_are_refused() {
        let two = r#"{"Call": {"Name": "not", "Of": [{"Field": "a"}, {"Field": "b"}]}}"#;
        assert!(planned(two).contains(r#"there is no call "not" of 2 operands"#));
        let none = r#"{"Call": {"Name": "coalesce", "Of": []}}"#;
        assert!(planned(none).contains("of 0 operands"));
        assert!(serde_json::from_str::<Expression>(r#"{"Nothing": 1}"#).is_err());
    }
}
