//! The names that Spark gives to columns without one: `sum(amount)`, `(a + 1)`, `CAST(sum(a) AS INT)`.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CeilFloorKind, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Subscript, UnaryOperator, Value,
};

use super::dialect::NUMBER;
use super::syntax::NULLS_IGNORED;

/// The name of a column that is this expression; `None` where this code does not know what Spark calls it. Of its `tables`
/// it knows what they are called, in lower case.
pub(super) fn name_of(expr: &Expr, tables: &BTreeSet<String>) -> Option<String> {
    match expr {
        Expr::Nested(inner) => name_of(inner, tables),
        // A field of a structure is called as it is.
        Expr::CompoundIdentifier(names) => Some(names.last()?.value.clone()),
        // A cast of a column is called as the column; of anything else, a field of a structure too, it is written out.
        Expr::Cast { expr: value, .. } => column(value, tables).or_else(|| written(expr, tables)),
        _ => written(expr, tables),
    }
}

/// The name of a column, without its table's.
fn column(expr: &Expr, tables: &BTreeSet<String>) -> Option<String> {
    match expr {
        Expr::Nested(inner) => column(inner, tables),
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(names) => match behind_table(names, tables) {
            [name] => Some(name.value.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// What stands behind the name of a table, which may have its database's before it.
fn behind_table<'a>(names: &'a [Ident], tables: &BTreeSet<String>) -> &'a [Ident] {
    let is_table = |name: &Ident| tables.contains(&name.value.to_lowercase());
    match names {
        [table, rest @ ..] if !rest.is_empty() && is_table(table) => rest,
        [_, table, rest @ ..] if !rest.is_empty() && is_table(table) => rest,
        _ => names,
    }
}

/// A column, or a field of a structure with the structure before it.
fn path(names: &[Ident], tables: &BTreeSet<String>) -> String {
    let names: Vec<&str> = behind_table(names, tables).iter().map(|name| name.value.as_str()).collect();
    names.join(".")
}

/// What Spark calls an expression as a part of another one.
fn written(expr: &Expr, tables: &BTreeSet<String>) -> Option<String> {
    let part = |expr: &Expr| written(expr, tables);
    Some(match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) => path(names, tables),
        Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain, tables)?,
        Expr::Nested(inner) => part(inner)?,
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::TypedString(literal) => literal.to_string(),
        // A chain of them is one call within another.
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            format!("concat({}, {})", part(left)?, part(right)?)
        }
        Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => {
            format!("(NOT ({} = {}))", part(left)?, part(right)?)
        }
        Expr::BinaryOp { left, op, right } => {
            let op = match op {
                BinaryOperator::MyIntegerDivide => "div".to_owned(),
                other => other.to_string(),
            };
            format!("({} {op} {})", part(left)?, part(right)?)
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } if is_number(expr) => format!("-{}", part(expr)?),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(- {})", part(expr)?),
        Expr::UnaryOp { op: UnaryOperator::BangNot, expr } => format!("(NOT {})", part(expr)?),
        Expr::UnaryOp { op, expr } => format!("({op} {})", part(expr)?),
        Expr::IsNull(expr) => format!("({} IS NULL)", part(expr)?),
        Expr::IsNotNull(expr) => format!("({} IS NOT NULL)", part(expr)?),
        Expr::InList { expr, list, negated } => {
            not(*negated, format!("({} IN ({}))", part(expr)?, names_of(list, tables)?))
        }
        Expr::Between { expr, negated, low, high } => {
            let value = part(expr)?;
            not(*negated, format!("(({value} >= {}) AND ({value} <= {}))", part(low)?, part(high)?))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            not(*negated, format!("{} LIKE {}", part(expr)?, part(pattern)?))
        }
        Expr::Cast { expr, data_type, .. } => {
            let written = data_type.to_string().to_uppercase();
            let known =
                TYPES.iter().find(|(other, _)| *other == written).map_or(written.as_str(), |(_, own)| own);
            format!("CAST({} AS {known})", part(expr)?)
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut name = "CASE".to_owned();
            for when in conditions {
                let mut condition = part(&when.condition)?;
                // With a value behind CASE each condition is an equality.
                if let Some(value) = operand {
                    condition = format!("({} = {condition})", part(value)?);
                }
                name.push_str(&format!(" WHEN {condition} THEN {}", part(&when.result)?));
            }
            if let Some(otherwise) = else_result {
                name.push_str(&format!(" ELSE {}", part(otherwise)?));
            }
            name + " END"
        }
        Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            format!("CEIL({})", part(expr)?)
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            format!("FLOOR({})", part(expr)?)
        }
        Expr::Substring { expr, substring_from: Some(from), substring_for, shorthand, .. } => {
            let name = if *shorthand { "substr" } else { "substring" };
            let length = match substring_for {
                Some(length) => part(length)?,
                None => i32::MAX.to_string(),
            };
            format!("{name}({}, {}, {length})", part(expr)?, part(from)?)
        }
        Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
            format!("trim({})", part(expr)?)
        }
        Expr::Extract { field, expr, .. } => format!("extract({field} FROM {})", part(expr)?),
        Expr::Function(function) if function.over.is_none() && function.filter.is_none() => {
            call(function, tables)?
        }
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

fn names_of(list: &[Expr], tables: &BTreeSet<String>) -> Option<String> {
    Some(list.iter().map(|expr| written(expr, tables)).collect::<Option<Vec<_>>>()?.join(", "))
}

/// Fields and elements as they are written, but for the name of a table before them.
fn access(root: &Expr, chain: &[AccessExpr], tables: &BTreeSet<String>) -> Option<String> {
    let mut names: Vec<Ident> = Vec::new();
    let mut steps = chain.iter().peekable();
    if let Expr::Identifier(first) = root {
        names.push(first.clone());
        while let Some(AccessExpr::Dot(Expr::Identifier(next))) = steps.peek() {
            names.push(next.clone());
            steps.next();
        }
    }
    let mut name = if names.is_empty() { written(root, tables)? } else { path(&names, tables) };
    for step in steps {
        name = match step {
            AccessExpr::Dot(Expr::Identifier(field)) => format!("{name}.{}", field.value),
            AccessExpr::Subscript(Subscript::Index { index }) => {
                format!("{name}[{}]", written(index, tables)?)
            }
            _ => return None,
        };
    }
    Some(name)
}

/// Functions with the number of their arguments, and the one that Spark adds behind them.
const ADDED: &[(&str, usize, &str)] = &[
    ("locate", 2, "1"),
    ("position", 2, "1"),
    ("regexp_extract", 2, "1"),
    ("regexp_replace", 3, "1"),
    ("round", 1, "0"),
    ("split", 2, "-1"),
];

/// A number as it is written, to which a minus before it belongs.
pub(super) fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Function(function) => function.name.to_string() == NUMBER,
        _ => false,
    }
}

/// Functions whose names Spark writes in upper case.
const UPPER: &[&str] = &[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "log10",
    "log2",
    "pi",
    "power",
    "radians",
    "regexp_like",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
];
/// Functions that Spark writes under another of their names.
const RENAMED: &[(&str, &str)] = &[("curdate", "current_date"), ("dateadd", "date_add")];

fn call(function: &Function, tables: &BTreeSet<String>) -> Option<String> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return matches!(function.args, FunctionArguments::None).then(|| format!("{name}()"));
    };
    let plain =
        list.clauses.is_empty() && function.null_treatment.is_none() && function.within_group.is_empty();
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => written(expr, tables),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some("1".to_owned()),
        _ => None,
    });
    let mut arguments = arguments.collect::<Option<Vec<String>>>().filter(|_| plain)?;
    if name == NUMBER {
        let number = arguments.concat();
        let number = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        // With an exponent it is a double, which Java writes in its own way.
        return (!number.contains(['e', 'E'])).then(|| number.to_owned());
    }
    if let Some((_, flag)) = NULLS_IGNORED.iter().find(|(function, _)| *function == name) {
        arguments.truncate(*flag);
    }
    let added = ADDED.iter().find(|(function, count, _)| *function == name && *count == arguments.len());
    arguments.extend(added.map(|(_, _, argument)| (*argument).to_owned()));
    let distinct = list.duplicate_treatment.map(|treatment| format!("{treatment} ")).unwrap_or_default();
    let written = format!("{distinct}{}", arguments.join(", "));
    Some(match name.as_str() {
        "if" => format!("(IF({written}))"),
        upper if UPPER.contains(&upper) => format!("{}({written})", upper.to_uppercase()),
        other => {
            let own = RENAMED.iter().find(|(function, _)| *function == other).map_or(other, |(_, own)| own);
            format!("{own}({written})")
        }
    })
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
            ("cast(a as int)", "a"),
            ("cast(t.a as bigint)", "a"),
            ("(cast((d.T.a) as int))", "a"),
            ("cast(st.a as int)", "CAST(st.a AS INT)"),
            ("cast(a + 1 as int)", "CAST((a + 1) AS INT)"),
            ("cast(cast(a as int) as string)", "CAST(CAST(a AS INT) AS STRING)"),
            ("sum(cast(a as int))", "sum(CAST(a AS INT))"),
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
            ("r.a[0].b", "r.a[0].b"),
            ("t.a[0]", "a[0]"),
            ("cast(a[0] as integer)", "CAST(a[0] AS INT)"),
            ("max(t.x)", "max(x)"),
            ("max(st.x)", "max(st.x)"),
            ("max(t.st.x) + T.x", "(max(st.x) + x)"),
            ("k || 'x'", "concat(k, x)"),
            ("a || b || t.c", "concat(concat(a, b), c)"),
            ("a <> 1", "(NOT (a = 1))"),
            ("case v when 1 then 'a' else 'b' end", "CASE WHEN (v = 1) THEN a ELSE b END"),
            ("split(k, 'a')", "split(k, a, -1)"),
            ("split(k, 'a', 2)", "split(k, a, 2)"),
            ("regexp_replace(k, 'a', 'b')", "regexp_replace(k, a, b, 1)"),
            ("round(a)", "round(a, 0)"),
            ("current_date", "current_date()"),
            ("Sqrt(power(a, 2))", "SQRT(POWER(a, 2))"),
            ("dateadd(a, 1)", "date_add(a, 1)"),
            ("!(a > 1)", "(NOT (a > 1))"),
        ];
        let tables = BTreeSet::from(["t".to_owned()]);
        for (text, expected) in cases {
            let Statement::Query(query) = parse(&format!("SELECT {text}")).unwrap() else {
                panic!("a query")
            };
            let SetExpr::Select(select) = query.body.as_ref() else { panic!("a select") };
            let Some(SelectItem::UnnamedExpr(expr)) = select.projection.first() else { panic!("a column") };
            assert_eq!(name_of(expr, &tables).as_deref(), Some(expected), "{text}");
        }
    }
}
