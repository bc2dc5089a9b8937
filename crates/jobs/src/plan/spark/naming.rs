//! The names that Spark gives to columns without one: `sum(amount)`, `(a + 1)`, `CAST(a AS INT)`.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CeilFloorKind, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Subscript, UnaryOperator, Value,
};

use super::dialect::NUMBER;

/// The name of a column that is this expression; `None` where this code does not know what Spark calls it.
pub(super) fn name_of(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) => names.last()?.value.clone(),
        Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain)?,
        Expr::Nested(inner) => name_of(inner)?,
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::TypedString(literal) => literal.to_string(),
        Expr::BinaryOp { left, op, right } => {
            let op = match op {
                BinaryOperator::MyIntegerDivide => "div".to_owned(),
                other => other.to_string(),
            };
            format!("({} {op} {})", name_of(left)?, name_of(right)?)
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } if is_number(expr) => format!("-{}", name_of(expr)?),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(- {})", name_of(expr)?),
        Expr::UnaryOp { op, expr } => format!("({op} {})", name_of(expr)?),
        Expr::IsNull(expr) => format!("({} IS NULL)", name_of(expr)?),
        Expr::IsNotNull(expr) => format!("({} IS NOT NULL)", name_of(expr)?),
        Expr::InList { expr, list, negated } => {
            not(*negated, format!("({} IN ({}))", name_of(expr)?, names_of(list)?))
        }
        Expr::Between { expr, negated, low, high } => {
            let value = name_of(expr)?;
            not(*negated, format!("(({value} >= {}) AND ({value} <= {}))", name_of(low)?, name_of(high)?))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            not(*negated, format!("{} LIKE {}", name_of(expr)?, name_of(pattern)?))
        }
        Expr::Cast { expr, data_type, .. } => {
            let written = data_type.to_string().to_uppercase();
            let known =
                TYPES.iter().find(|(other, _)| *other == written).map_or(written.as_str(), |(_, own)| own);
            format!("CAST({} AS {known})", name_of(expr)?)
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut name = "CASE".to_owned();
            if let Some(part) = operand {
                name.push_str(&format!(" {}", name_of(part)?));
            }
            for when in conditions {
                name.push_str(&format!(
                    " WHEN {} THEN {}",
                    name_of(&when.condition)?,
                    name_of(&when.result)?
                ));
            }
            if let Some(part) = else_result {
                name.push_str(&format!(" ELSE {}", name_of(part)?));
            }
            name + " END"
        }
        Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            format!("CEIL({})", name_of(expr)?)
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            format!("FLOOR({})", name_of(expr)?)
        }
        Expr::Substring { expr, substring_from: Some(from), substring_for, shorthand, .. } => {
            let name = if *shorthand { "substr" } else { "substring" };
            let length = match substring_for {
                Some(length) => name_of(length)?,
                None => i32::MAX.to_string(),
            };
            format!("{name}({}, {}, {length})", name_of(expr)?, name_of(from)?)
        }
        Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
            format!("trim({})", name_of(expr)?)
        }
        Expr::Extract { field, expr, .. } => format!("extract({field} FROM {})", name_of(expr)?),
        Expr::Function(function) if function.over.is_none() && function.filter.is_none() => call(function)?,
        _ => return None,
    })
}

/// Types that Spark calls otherwise.
const TYPES: &[(&str, &str)] = &[
    ("INTEGER", "INT"),
    ("LONG", "BIGINT"),
    ("SHORT", "SMALLINT"),
    ("BYTE", "TINYINT"),
    ("REAL", "FLOAT"),
    ("DEC", "DECIMAL"),
];

fn not(negated: bool, name: String) -> String {
    if negated { format!("(NOT {name})") } else { name }
}

fn names_of(list: &[Expr]) -> Option<String> {
    Some(list.iter().map(name_of).collect::<Option<Vec<_>>>()?.join(", "))
}

/// A field of a structure is called as it is, an element as it is written.
fn access(root: &Expr, chain: &[AccessExpr]) -> Option<String> {
    let mut name = name_of(root)?;
    for step in chain {
        name = match step {
            AccessExpr::Dot(Expr::Identifier(field)) => field.value.clone(),
            AccessExpr::Subscript(Subscript::Index { index }) => format!("{name}[{}]", name_of(index)?),
            _ => return None,
        };
    }
    Some(name)
}

/// A number as it is written, to which a minus before it belongs.
pub(super) fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Function(function) => function.name.to_string() == NUMBER,
        _ => false,
    }
}

fn call(function: &Function) -> Option<String> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return matches!(function.args, FunctionArguments::None).then(|| format!("{name}()"));
    };
    let plain =
        list.clauses.is_empty() && function.null_treatment.is_none() && function.within_group.is_empty();
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => name_of(expr),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some("1".to_owned()),
        _ => None,
    });
    let arguments = arguments.collect::<Option<Vec<String>>>().filter(|_| plain)?;
    if name == NUMBER {
        let number = arguments.concat();
        let number = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        // With an exponent it is a double, which Java writes in its own way.
        return (!number.contains(['e', 'E'])).then(|| number.to_owned());
    }
    let distinct = list.duplicate_treatment.map(|treatment| format!("{treatment} ")).unwrap_or_default();
    let written = format!("{distinct}{}", arguments.join(", "));
    Some(if name == "if" { format!("(IF({written}))") } else { format!("{name}({written})") })
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
            ("floor(p * 1.5)", "FLOOR((p * 1.5))"),
            ("ceil(-1.2)", "CEIL(-1.2)"),
            ("substring('hello', 2, 3)", "substring(hello, 2, 3)"),
            ("substr(a, -2)", "substr(a, -2, 2147483647)"),
            ("trim(' a ')", "trim( a )"),
            ("a like 'b%'", "a LIKE b%"),
            ("a not in (1, 2)", "(NOT (a IN (1, 2)))"),
            ("a between 1 and b", "((a >= 1) AND (a <= b))"),
            ("r.a.b", "b"),
            ("a[0]", "a[0]"),
            ("cast(a as integer)", "CAST(a AS INT)"),
            ("current_date", "current_date()"),
        ];
        for (text, expected) in cases {
            let Statement::Query(query) = parse(&format!("SELECT {text}")).unwrap() else {
                panic!("a query")
            };
            let SetExpr::Select(select) = query.body.as_ref() else { panic!("a select") };
            let Some(SelectItem::UnnamedExpr(expr)) = select.projection.first() else { panic!("a column") };
            assert_eq!(name_of(expr).as_deref(), Some(expected), "{text}");
        }
    }
}
