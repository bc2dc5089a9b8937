//! Conditions of a filter as columns of Spark.
//!
//! A constant takes the type of the field that it is compared with, which is not known before there is data: `_holds` in the
//! script looks. Conditions have two values, see [`crate::plan`].

use super::keys;
use super::python::{text, texts};
use crate::graph::{Condition, FieldPath, Operand, Operation};

/// What scripts that compare with constants begin with. That NaN is equal to itself and larger than all is Spark's rule, but
/// not that of all engines.
pub(super) const HEAD: &str = r#"
import decimal
import re


def _constant(field, kind, operator, value):
    """A constant as the type of the field that it is compared with. Whole numbers may be compared with fractions."""
    if kind == "string":
        if operator != "=" and re.fullmatch(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*", value):
            raise ValueError(f"{field} is text, so {operator} {value} would compare it as text (10 before 9); "
                             "give it a number's type with an ApplyMapping first")
        return value
    value = value.strip()
    if kind in ("date", "timestamp", "timestamp_ntz"):
        return value
    if kind == "boolean" and value.lower() in ("true", "t", "yes", "y", "on", "1", "false", "f", "no", "n", "off", "0"):
        return value.lower() in ("true", "t", "yes", "y", "on", "1")
    if kind == "decimal" and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", value):
        return decimal.Decimal(value)
    if kind in ("byte", "short", "integer", "long") and re.fullmatch("[+-]?[0-9]{1,18}", value):
        return int(value)
    if kind in ("byte", "short", "integer", "long", "float", "double"):
        return float(value.replace("_", "no number"))
    raise ValueError(kind)


def _holds(frame, field, operator, value):
    """Whether a field compares so with a constant. A comparison with null does not hold."""
    column = F.col(field)
    kind = frame.toDF().select(column).schema.fields[0].dataType
    try:
        value = _constant(field, kind.typeName(), operator, value)
    except ValueError as error:
        if "as text" in str(error):
            raise
        raise ValueError(f"the constant {value!r} cannot be compared with {field}, which is {kind.simpleString()}") from None
    if value != value:  # NaN
        is_nan = F.isnan(column.cast("double"))
        found = {"=": is_nan, ">=": is_nan, ">": F.lit(False), "<": ~is_nan, "<=": column.isNotNull()}[operator]
    else:
        value = F.lit(value)
        found = {"=": column == value, ">=": column >= value, ">": column > value, "<": column < value,
                 "<=": column <= value}[operator]
    return F.coalesce(found & column.isNotNull(), F.lit(False))
"#;

/// Whether a condition compares with a constant.
pub(super) fn has_constant(condition: &Condition) -> bool {
    match &condition.operation {
        Operation::Compare(_, left, right) => {
            [left, right].iter().any(|side| matches!(side, Operand::Constant(_)))
        }
        Operation::Regex(..) | Operation::IsNull(_) => false,
    }
}

/// All conditions on a frame, joined; of several each stands in what binds tighter.
pub(super) fn predicate(frame: &str, any: bool, conditions: &[Condition]) -> Result<String, String> {
    let word = if any { " | " } else { " & " };
    let all = conditions.iter().map(|one| condition(frame, one)).collect::<Result<Vec<_>, _>>()?;
    Ok(if all.is_empty() { "F.lit(True)".to_owned() } else { all.join(word) })
}

fn condition(frame: &str, condition: &Condition) -> Result<String, String> {
    let holds = match &condition.operation {
        Operation::Compare(operator, left, right) => compare(frame, operator, left, right)?,
        Operation::Regex(of, pattern) => {
            let pattern = text(&format!("^(?:{pattern})"));
            format!(
                "F.coalesce({}.cast(\"string\").rlike({pattern}), F.lit(False))",
                column(frame, &path(of)?)
            )
        }
        Operation::IsNull(of) => format!("{}.isNull()", column(frame, &path(of)?)),
    };
    Ok(if condition.negated { format!("~{holds}") } else { holds })
}

fn compare(frame: &str, operator: &str, left: &Operand, right: &Operand) -> Result<String, String> {
    let with = |field: &FieldPath, operator: &str, value: &str| {
        format!("_holds({frame}, {}, {}, {})", spelled(frame, field), text(operator), text(value))
    };
    Ok(match (left, right) {
        (Operand::Field(left), Operand::Field(right)) if operator == "=" => {
            format!("{}.eqNullSafe({})", column(frame, left), column(frame, right))
        }
        (Operand::Field(left), Operand::Field(right)) => {
            format!("F.coalesce({} {operator} {}, F.lit(False))", column(frame, left), column(frame, right))
        }
        (Operand::Field(field), Operand::Constant(value)) => with(field, operator, value),
        (Operand::Constant(value), Operand::Field(field)) => with(field, turned(operator), value),
        (Operand::Constant(_), Operand::Constant(_)) => return Err("two constants are compared".to_owned()),
    })
}

/// The operator that says the same with its sides exchanged.
fn turned(operator: &str) -> &str {
    match operator {
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        same => same,
    }
}

fn path(operand: &Operand) -> Result<FieldPath, String> {
    match operand {
        Operand::Field(path) => Ok(path.clone()),
        Operand::Constant(value) => Err(format!("{value} is a constant where a field is needed")),
    }
}

/// A field of a frame as a column.
pub(super) fn column(frame: &str, path: &FieldPath) -> String {
    format!("F.col({})", spelled(frame, path))
}

/// A field of a frame as SQL spells it, which the script finds out where it must look.
fn spelled(frame: &str, path: &FieldPath) -> String {
    match keys::is_open(path) {
        true => format!("_path({frame}.toDF(), {})", texts(path.iter().map(String::as_str))),
        false => text(&field(path)),
    }
}

/// The fields of a condition.
pub(super) fn fields(condition: &Condition) -> impl Iterator<Item = &FieldPath> {
    let sides = match &condition.operation {
        Operation::Compare(_, left, right) => vec![left, right],
        Operation::Regex(of, _) | Operation::IsNull(of) => vec![of],
    };
    sides.into_iter().filter_map(|side| match side {
        Operand::Field(path) => Some(path),
        Operand::Constant(_) => None,
    })
}
/// A field in quotes of SQL.
pub(super) fn field(path: &FieldPath) -> String {
    path.iter().map(|name| format!("`{}`", name.replace('`', "``"))).collect::<Vec<_>>().join(".")
}
