//! Conditions of a filter as people read them: in Spark's SQL.

use crate::graph::{Condition, FieldPath, Operand, Operation};

/// All conditions, joined.
pub(super) fn predicate(any: bool, conditions: &[Condition]) -> String {
    let word = if any { " OR " } else { " AND " };
    conditions.iter().map(condition).collect::<Vec<_>>().join(word)
}

fn condition(condition: &Condition) -> String {
    let holds = match &condition.operation {
        Operation::Compare("=", left @ Operand::Field(_), right @ Operand::Field(_)) => {
            format!("{} <=> {}", operand(left), operand(right))
        }
        Operation::Compare(operator, left, right) => {
            format!("coalesce({} {operator} {}, false)", operand(left), operand(right))
        }
        Operation::Regex(field, pattern) => {
            format!("coalesce({} RLIKE {}, false)", operand(field), constant(&format!("^(?:{pattern})")))
        }
        Operation::IsNull(field) => format!("{} IS NULL", operand(field)),
    };
    if condition.negated { format!("NOT ({holds})") } else { format!("({holds})") }
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Field(path) => field(path),
        Operand::Constant(value) => constant(value),
    }
}

/// A field in quotes of SQL.
fn field(path: &FieldPath) -> String {
    path.iter().map(|name| format!("`{}`", name.replace('`', "``"))).collect::<Vec<_>>().join(".")
}

fn constant(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
