//! The names that Spark gives to columns without one: `sum(amount)`, `(a + 1)`, `CAST(a AS INT)`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

use super::dialect::NUMBER;

/// The name of a column that is this expression.
pub(super) fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()).unwrap_or_default(),
        Expr::Nested(inner) => name_of(inner),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::BinaryOp { left, op, right } => {
            let op = match op {
                BinaryOperator::MyIntegerDivide => "div".to_owned(),
                other => other.to_string(),
            };
            format!("({} {op} {})", name_of(left), name_of(right))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } if is_number(expr) => format!("-{}", name_of(expr)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(- {})", name_of(expr)),
        Expr::UnaryOp { op, expr } => format!("({op} {})", name_of(expr)),
        Expr::IsNull(expr) => format!("({} IS NULL)", name_of(expr)),
        Expr::IsNotNull(expr) => format!("({} IS NOT NULL)", name_of(expr)),
        Expr::Cast { expr, data_type, .. } => {
            format!("CAST({} AS {})", name_of(expr), data_type.to_string().to_uppercase())
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut name = "CASE".to_owned();
            if let Some(part) = operand {
                name.push_str(&format!(" {}", name_of(part)));
            }
            for when in conditions {
                name.push_str(&format!(" WHEN {} THEN {}", name_of(&when.condition), name_of(&when.result)));
            }
            if let Some(part) = else_result {
                name.push_str(&format!(" ELSE {}", name_of(part)));
            }
            name + " END"
        }
        Expr::Function(function) if function.over.is_none() && function.filter.is_none() => call(function),
        other => other.to_string(),
    }
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Function(function) => function.name.to_string() == NUMBER,
        _ => false,
    }
}

fn call(function: &Function) -> String {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else { return function.to_string().to_lowercase() };
    let arguments: Vec<String> = list
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => name_of(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => "1".to_owned(),
            other => other.to_string(),
        })
        .collect();
    if name == NUMBER {
        let number = arguments.concat();
        return number.trim_end_matches(|c: char| c.is_ascii_alphabetic()).to_owned();
    }
    let distinct = list.duplicate_treatment.map(|treatment| format!("{treatment} ")).unwrap_or_default();
    format!("{name}({distinct}{})", arguments.join(", "))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr, Statement};

    use super::*;
    use crate::plan::spark::dialect::parse;

    #[test]
    fn as_spark_names_them() {
        let cases = [
            ("a + 1.5", "(a + 1.5)"),
            ("count(*)", "count(1)"),
            ("COUNT(DISTINCT t.a)", "count(DISTINCT a)"),
            ("cast(a as int)", "CAST(a AS INT)"),
            ("-1", "-1"),
            ("'x'", "x"),
            ("a IS NULL", "(a IS NULL)"),
            ("case when a = 1 then 'x' else 'y' end", "CASE WHEN (a = 1) THEN x ELSE y END"),
        ];
        for (text, expected) in cases {
            let Statement::Query(query) = parse(&format!("SELECT {text}")).unwrap() else {
                panic!("a query")
            };
            let SetExpr::Select(select) = query.body.as_ref() else { panic!("a select") };
            let Some(SelectItem::UnnamedExpr(expr)) = select.projection.first() else { panic!("a column") };
            assert_eq!(name_of(expr), expected);
        }
    }
}
