//! Writes a checked query the way our engine understands it as Trino does.
//!
//! - Identifiers are folded to lower case, quoted or not.
//! - Whole numbers that fit get Trino's type integer, numbers with an exponent double; the numbers of LIMIT and OFFSET
//!   and the ordinals of GROUP BY and ORDER BY stay as they are.
//! - Functions are written as [`Rewrite`] says.
//! - Casts get names of their own ([`alike`]).
//! - Columns without a name get a placeholder, which becomes `_col<position>` in the result (`names`).

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName, ObjectNamePart, OrderByKind, Query,
    Select, SelectItem, Spanned, TableAlias, TableFactor, TypedString, Value, ValueWithSpan, VisitMut,
    VisitorMut, WindowFrameBound, WindowType,
};
use sqlparser::tokenizer::Location;

mod alike;
mod build;
mod rows;

use super::check::{folded, number};
use super::functions::{self, Rewrite};
use super::names::UNNAMED;
pub(super) use build::call;
use build::{argument_list, cast, date_part, renamed, text};

/// What Trino's `trim` takes for white space (`Character.isWhitespace`).
const WHITE_SPACE: &str = "\t\n\u{b}\u{c}\r\u{1c}\u{1d}\u{1e}\u{1f} \u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{205f}\u{3000}";

pub(super) fn query(query: &mut Query) {
    let mut rewriter = Rewriter::default();
    let ControlFlow::Continue(()) = VisitMut::visit(query, &mut rewriter);
}

#[derive(Default)]
struct Rewriter {
    /// Where numbers stand that are counts or ordinals, not values.
    counts: HashSet<Location>,
    unnamed: usize,
}

impl VisitorMut for Rewriter {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        rows::as_selects(&mut query.body);
        if let Some(OrderByKind::Expressions(list)) = query.order_by.as_ref().map(|order| &order.kind) {
            list.iter().for_each(|item| self.keep_number(&item.expr));
        }
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            limit.iter().for_each(|count| self.keep_number(count));
            offset.iter().for_each(|count| self.keep_number(&count.value));
        }
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            fold_alias(&mut cte.alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if let GroupByExpr::Expressions(list, _) = &select.group_by {
            list.iter().for_each(|item| self.keep_number(item));
        }
        for item in &mut select.projection {
            self.name_item(item);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        match factor {
            TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } => {
                alias.iter_mut().for_each(fold_alias);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Self::Break> {
        fold_name(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(Function { over: Some(WindowType::WindowSpec(window)), .. }) = expr else {
            return ControlFlow::Continue(());
        };
        let frame = window.window_frame.iter();
        for bound in frame.flat_map(|frame| std::iter::once(&frame.start_bound).chain(&frame.end_bound)) {
            if let WindowFrameBound::Preceding(Some(rows)) | WindowFrameBound::Following(Some(rows)) = bound {
                self.keep_number(rows);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match expr {
            Expr::Identifier(ident) => fold(ident),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(fold),
            Expr::Value(ValueWithSpan { value: Value::Number(digits, _), span })
                if !self.counts.contains(&span.start) =>
            {
                *expr = typed_number(digits);
            }
            Expr::TypedString(TypedString { data_type: DataType::Decimal(_), value, .. }) => {
                if let Value::SingleQuotedString(digits) = &value.value
                    && let Some(exact) = decimal_type(digits)
                {
                    *expr = cast(text(digits), exact);
                }
            }
            Expr::Extract { field, expr: inner, .. } => {
                *expr = date_part(&field.to_string().to_lowercase(), (**inner).clone());
            }
            Expr::Position { expr: needle, r#in } => {
                let arguments = vec![(**r#in).clone(), (**needle).clone()];
                *expr = cast(call("strpos", arguments), DataType::BigInt(None));
            }
            Expr::Substring { expr: inner, substring_from: Some(start), substring_for, .. } => {
                let arguments = [&**inner, &**start].into_iter().chain(substring_for.as_deref());
                *expr = call("substr", arguments.cloned().collect());
            }
            Expr::Trim { trim_where, expr: inner, .. } => {
                let name = match trim_where {
                    Some(sqlparser::ast::TrimWhereField::Leading) => "ltrim",
                    Some(sqlparser::ast::TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                *expr = call(name, vec![(**inner).clone(), text(WHITE_SPACE)]);
            }
            // In Trino nothing escapes in a pattern unless ESCAPE says what; in our engine a backslash does.
            Expr::Like { pattern, escape_char: None, .. } => {
                let plain = std::mem::replace(&mut **pattern, text(""));
                **pattern = match plain {
                    Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(found), .. }) => {
                        text(&found.replace('\\', "\\\\"))
                    }
                    other => call("replace", vec![other, text("\\"), text("\\\\")]),
                };
            }
            Expr::Like { pattern, escape_char, .. } => {
                if let Some((own, character)) = escaped_pattern(pattern, escape_char.as_ref()) {
                    (**pattern, *escape_char) = (text(&with_backslashes(&own, character)), None);
                }
            }
            Expr::Cast { .. } => *expr = alike::cast(expr.clone()),
            Expr::Function(function) => {
                if let Some(written) = rewritten(function) {
                    *expr = written;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Rewriter {
    fn keep_number(&mut self, expr: &Expr) {
        if number(expr).is_some() {
            self.counts.insert(expr.span().start);
        }
    }

    fn name_item(&mut self, item: &mut SelectItem) {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => fold(alias),
            SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                self.name_reference(item)
            }
            SelectItem::UnnamedExpr(expr) => {
                let alias = Ident::with_quote('"', format!("{UNNAMED}{}", self.unnamed));
                self.unnamed += 1;
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
            _ => {}
        }
    }

    /// `a.b.c` is named `c`: for a column our engine says so too, for a field of a struct it would not.
    fn name_reference(&mut self, item: &mut SelectItem) {
        let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) = item else { return };
        if let Some(alias) = parts.last().filter(|_| parts.len() > 1).map(folded) {
            let expr = Expr::CompoundIdentifier(parts.clone());
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', alias) };
        }
    }
}

fn fold(ident: &mut Ident) {
    ident.value = folded(ident);
    ident.quote_style = Some('"');
}

fn fold_name(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(ident) = part {
            fold(ident);
        }
    }
}

fn fold_alias(alias: &mut TableAlias) {
    fold(&mut alias.name);
    alias.columns.iter_mut().for_each(|column| fold(&mut column.name));
}

/// A number with the type that Trino gives it: integer or bigint by size, double with an exponent, else decimal.
fn typed_number(digits: &str) -> Expr {
    if digits.contains(['e', 'E']) {
        return cast(text(digits), DataType::Double(ExactNumberInfo::None));
    }
    let literal = Expr::Value(Value::Number(digits.to_owned(), false).with_empty_span());
    if digits.parse::<i32>().is_ok() { cast(literal, DataType::Int(None)) } else { literal }
}

/// The type of `DECIMAL '…'`: as many digits as are written, without zeros in front. `None` for what is no decimal.
pub(super) fn decimal_type(text: &str) -> Option<DataType> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !digits || whole.len() + fraction.len() == 0 {
        return None;
    }
    let precision = (whole.trim_start_matches('0').len() + fraction.len()).max(1);
    let precision = u64::try_from(precision).ok().filter(|precision| *precision <= 38)?;
    let scale = i64::try_from(fraction.len()).ok()?;
    Some(DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale)))
}

/// The text of a pattern and what escapes in it, when both are literals; `check` refuses anything else.
pub(super) fn escaped_pattern(pattern: &Expr, escape: Option<&ValueWithSpan>) -> Option<(String, char)> {
    let (Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(pattern), .. }), Some(escape)) =
        (pattern, escape)
    else {
        return None;
    };
    let Value::SingleQuotedString(escape) = &escape.value else { return None };
    let mut characters = escape.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Some((pattern.clone(), character)),
        _ => None,
    }
}

/// The pattern with our engine's escape character in place of `escape`.
fn with_backslashes(pattern: &str, escape: char) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for c in pattern.chars() {
        if c == escape && !escaped {
            escaped = true;
            continue;
        }
        if escaped || c == '\\' {
            out.push('\\');
        }
        out.push(c);
        escaped = false;
    }
    out
}

fn rewritten(function: &Function) -> Option<Expr> {
    let known = functions::known(function)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments: Vec<Expr> = functions::plain_arguments(list).into_iter().cloned().collect();
    if let Some(rows) = alike::count(function, known) {
        return Some(renamed(&rows, "count"));
    }
    Some(match known.rewrite {
        Rewrite::Same(name) => renamed(function, name),
        Rewrite::Bigint(name) => cast(renamed(function, name), DataType::BigInt(None)),
        Rewrite::DatePart(field) => date_part(field, arguments.into_iter().next()?),
        Rewrite::Concat => Expr::Nested(Box::new(arguments.into_iter().reduce(|left, right| {
            Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::StringConcat, right: Box::new(right) }
        })?)),
        Rewrite::If => {
            let mut parts = arguments.into_iter();
            let (condition, result) = (parts.next()?, parts.next()?);
            Expr::Case {
                case_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                end_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                operand: None,
                conditions: vec![CaseWhen { condition, result }],
                else_result: parts.next().map(Box::new),
            }
        }
        Rewrite::Double(value) => cast(text(value), DataType::Double(ExactNumberInfo::None)),
        Rewrite::Date => alike::cast(cast(arguments.into_iter().next()?, DataType::Date)),
        Rewrite::CountIf => {
            let counted = Function {
                args: argument_list(vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]),
                filter: arguments.into_iter().next().map(Box::new),
                ..function.clone()
            };
            renamed(&counted, "count")
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::sql::{Statement, parse};

    fn rewritten(text: &str) -> String {
        match parse(text) {
            Ok(Statement::Select(select)) => select.query.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn refused(text: &str) -> String {
        match parse(text) {
            Err(error) => format!("{}: {error}", error.code()),
            Ok(statement) => panic!("accepted: {statement:?}"),
        }
    }

    #[test]
    fn identifiers_fold_and_numbers_get_types() {
        assert_eq!(
            rewritten("SELECT \"Id\", T.Name n, 1 FROM Db.\"T\" AS T ORDER BY 1 LIMIT 5"),
            "SELECT \"id\", \"t\".\"name\" AS \"n\", CAST(1 AS INT) AS \"\u{1}unnamed0\" FROM \"db\".\"t\" AS \"t\" \
             ORDER BY 1 LIMIT 5"
        );
        assert!(rewritten("SELECT 3000000000, 1.5, 1e3").starts_with("SELECT 3000000000"));
        assert!(rewritten("SELECT a FROM t WHERE x = 1e3").contains("CAST('1e3' AS DOUBLE)"));
    }

    #[test]
    fn functions_are_brought_to_the_engine() {
        assert!(rewritten("SELECT year(d) y FROM t").contains("CAST(date_part('year', \"d\") AS BIGINT)"));
        assert!(rewritten("SELECT concat(a, 'x', b) c FROM t").contains("(\"a\" || 'x' || \"b\")"));
        assert!(rewritten("SELECT if(a > 1, 'x') c FROM t").contains("CASE WHEN"));
        assert!(rewritten("SELECT count(1) c FROM t").contains("count(*)"));
        for other in ["count(NULL)", "count(DISTINCT 1)", "count(\"a\")", "count(1 + 1)"] {
            assert!(!rewritten(&format!("SELECT {other} c FROM t")).contains("count(*)"), "{other}");
        }
        assert!(rewritten("SELECT count_if(a) c FROM t").contains("count(*) FILTER (WHERE \"a\")"));
    }

    #[test]
    fn what_differs_from_trino_is_refused_with_its_place() {
        for (text, expected) in [
            ("SELECT frobnicate(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'frobnicate' not registered"),
            ("SELECT * FROM t TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE"),
            ("SELECT * FROM t FOR VERSION AS OF 1", ""),
            ("SELECT CAST(a AS VARCHAR(3)) FROM t", "CAST to VARCHAR(3)"),
            ("SELECT a FROM t WHERE a > 1 OR b NOT IN (SELECT c FROM u)", "NOT IN with a subquery"),
            ("SELECT (SELECT c, d FROM u) FROM t", "scalar subquery"),
            (
                "SELECT transform(a, x -> x + 1) FROM t",
                "NOT_SUPPORTED: line 1:8: function transform is not supported by Tenon yet",
            ),
            ("SELECT Parse_Datetime(a, 'Y') FROM t", "NOT_SUPPORTED: line 1:8: function parse_datetime"),
            ("SELECT \"$path\" FROM t", "NOT_SUPPORTED: line 1:8: the hidden column $path is not supported"),
            ("SELECT t.\"$Path\" FROM t", "the hidden column $path"),
            (
                "SELECT * FROM information_schema.tables",
                "NOT_SUPPORTED: line 1:15: information_schema.tables is",
            ),
            ("SELECT * FROM awsdatacatalog.information_schema.columns", "NOT_SUPPORTED"),
            (
                "SELECT * FROM \"t$partitions\"",
                "NOT_SUPPORTED: line 1:15: the metadata table t$partitions is",
            ),
            ("SELECT DECIMAL '1e3'", "NOT_SUPPORTED"),
            ("SELECT a FROM other.db.t", "catalog"),
            ("SELECT 1; SELECT 2", "only one statement"),
            ("SELECT a FROM t ORDER BY", "SYNTAX_ERROR: line 1:25: mismatched input '<EOF>'"),
            ("SELECT levenshtein(a) FROM t", "FUNCTION_NOT_FOUND"),
        ] {
            let message = refused(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
