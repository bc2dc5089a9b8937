//! Filter.
//!
//! Conditions have two values, as in the Python that Glue generates: a comparison with null does not
//! hold, and its negation does. `EQ` of two nulls holds. A constant takes the type of the field it is
//! compared with; one that is not of that type is an error. A REGEX matches from the start of the text.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, lit};
use formats::hive::shown;

use super::PlanError;
use super::cast::convert;
use super::paths::{Found, resolve, resolve_single};
use super::spark;
use crate::graph::{Condition, Operand, Operation};

/// Keeps the rows for which the conditions hold.
pub(super) fn filter(frame: DataFrame, any: bool, conditions: &[Condition]) -> Result<DataFrame, PlanError> {
    match predicate(frame.schema(), any, conditions)? {
        Some(predicate) => Ok(frame.filter(predicate)?),
        None => Ok(frame),
    }
}

/// Whether the conditions hold, true or false for every row; `None` without conditions.
pub(super) fn predicate(
    schema: &DFSchema,
    any: bool,
    conditions: &[Condition],
) -> Result<Option<Expr>, PlanError> {
    let mut all: Option<Expr> = None;
    for one in conditions {
        let next = condition(schema, one)?;
        all = Some(match all {
            None => next,
            Some(before) if any => before.or(next),
            Some(before) => before.and(next),
        });
    }
    Ok(all)
}

fn condition(schema: &DFSchema, condition: &Condition) -> Result<Expr, PlanError> {
    let holds = match &condition.operation {
        Operation::IsNull(operand) => field(schema, operand)?.expr.is_null(),
        Operation::Regex(operand, pattern) => {
            let found = match operand {
                Operand::Field(path) => resolve_single(schema, path)?,
                Operand::Constant(_) => field(schema, operand)?,
            };
            let text = convert(found.expr, &found.data_type, &DataType::Utf8);
            let anchored = lit(format!("^(?:{pattern})"));
            // With flags (these are what counts without) it stays a regular expression: of plain text DataFusion makes LIKE, to
            // which a backslash is an escape.
            two_valued(datafusion::functions::expr_fn::regexp_like(text, anchored, Some(lit("u"))))
        }
        Operation::Compare(operator, left, right) => compare(schema, operator, left, right)?,
    };
    Ok(if condition.negated { Expr::Not(Box::new(holds)) } else { holds })
}

/// Null counts as false.
fn two_valued(expr: Expr) -> Expr {
    Expr::IsTrue(Box::new(expr))
}

fn field(schema: &DFSchema, operand: &Operand) -> Result<Found, PlanError> {
    match operand {
        Operand::Field(path) => resolve(schema, path),
        Operand::Constant(text) => {
            Err(PlanError::Refused(format!("{text} is a constant where a field is needed")))
        }
    }
}

fn compare(schema: &DFSchema, operator: &str, left: &Operand, right: &Operand) -> Result<Expr, PlanError> {
    let (left, right) = match (left, right) {
        (Operand::Field(left), Operand::Field(right)) => {
            let (left, right) = (resolve_single(schema, left)?, resolve_single(schema, right)?);
            spark::equal(left.expr, &left.data_type, right.expr, &right.data_type)?
        }
        (Operand::Field(path), Operand::Constant(text)) => {
            let found = resolve_single(schema, path)?;
            refuse_text_order(operator, text, path, &found.data_type)?;
            let constant = constant(text, path, &found.data_type)?;
            (spark::key(found.expr, &found.data_type), constant)
        }
        (Operand::Constant(text), Operand::Field(path)) => {
            let found = resolve_single(schema, path)?;
            refuse_text_order(operator, text, path, &found.data_type)?;
            (constant(text, path, &found.data_type)?, spark::key(found.expr, &found.data_type))
        }
        (Operand::Constant(_), Operand::Constant(_)) => {
            return Err(PlanError::Refused("two constants are compared".to_owned()));
        }
    };
    Ok(match operator {
        "=" => datafusion::logical_expr::binary_expr(
            left,
            datafusion::logical_expr::Operator::IsNotDistinctFrom,
            right,
        ),
        "<" => two_valued(left.lt(right)),
        ">" => two_valued(left.gt(right)),
        "<=" => two_valued(left.lt_eq(right)),
        _ => two_valued(left.gt_eq(right)),
    })
}

/// Text in the order of numbers is never what is meant by text in the order of text: `10` comes before `9`.
fn refuse_text_order(
    operator: &str,
    text: &str,
    path: &[String],
    data_type: &DataType,
) -> Result<(), PlanError> {
    let is_text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if operator == "=" || !is_text || text.trim().parse::<f64>().is_err() {
        return Ok(());
    }
    Err(PlanError::Refused(format!(
        "{} is text, so {operator} {text} would compare it as text (10 before 9); give it a number's type with an \
         ApplyMapping first",
        path.join(".")
    )))
}

/// The constant as the field's type. A number with a fraction may be compared with a whole field.
fn constant(text: &str, path: &[String], data_type: &DataType) -> Result<Expr, PlanError> {
    let not_of_type = || {
        PlanError::Refused(format!(
            "the constant {text:?} cannot be compared with {}, which is {}",
            path.join("."),
            shown(data_type)
        ))
    };
    let trimmed = text.trim();
    if matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Ok(lit(text));
    }
    if data_type.is_nested() || matches!(data_type, DataType::Binary | DataType::LargeBinary) {
        return Err(not_of_type());
    }
    if data_type.is_integer() {
        if let Ok(whole) = trimmed.parse::<i64>() {
            return Ok(lit(whole));
        }
        return trimmed.parse::<f64>().map(lit).map_err(|_| not_of_type());
    }
    if data_type.is_floating() {
        return trimmed.parse::<f64>().map(lit).map_err(|_| not_of_type());
    }
    let data_type = &of_constant(trimmed, data_type);
    match ScalarValue::try_from_string(trimmed.to_owned(), data_type) {
        Ok(value) if !value.is_null() => Ok(Expr::Literal(value, None)),
        _ => Err(not_of_type()),
    }
}

/// The type that a constant is read as: of a decimal it keeps all its digits, `10.01` is more than `10.005`.
fn of_constant(text: &str, data_type: &DataType) -> DataType {
    let digits = text.rsplit_once('.').map_or(0, |(_, digits)| digits.len());
    match (data_type, i8::try_from(digits)) {
        (DataType::Decimal128(precision, scale), Ok(digits)) if digits > *scale && digits <= 18 => {
            DataType::Decimal128((*precision).saturating_add(digits.abs_diff(*scale)).min(38), digits)
        }
        _ => data_type.clone(),
    }
}
