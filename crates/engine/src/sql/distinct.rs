//! `a IS DISTINCT FROM b OR c` as the languages have it: `(a IS DISTINCT FROM b) OR c`.
//!
//! The parser takes everything that follows for the right side. So what AND, OR, NOT and IS DISTINCT FROM connect without
//! parentheses is written out again as the row that it stands in the text, and put together by precedence.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator, Value, VisitMut, visit_expressions_mut};
use sqlparser::tokenizer::Location;

/// Mends the statement as it came from the parser.
/// Errors: the place of an IS DISTINCT FROM whose right side is a condition without parentheses, which no dialect takes.
pub fn regroup_distinct(statement: &mut impl VisitMut) -> Result<(), Location> {
    let mended = visit_expressions_mut(statement, |expr| {
        if !has_distinct(expr) {
            return ControlFlow::Continue(());
        }
        let place = expr.span().start;
        let mut row = Vec::new();
        flatten(std::mem::replace(expr, nothing()), &mut row);
        row.reverse();
        match either(&mut row) {
            Some(grouped) if row.is_empty() => {
                *expr = grouped;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(place),
        }
    });
    match mended {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(place) => Err(place),
    }
}

/// A piece of a condition.
enum Piece {
    Operand(Box<Expr>),
    And,
    Or,
    Not,
    Distinct { negated: bool },
}

fn nothing() -> Expr {
    Expr::Value(Value::Null.with_empty_span())
}

/// Whether an IS DISTINCT FROM stands in it outside of parentheses.
fn has_distinct(expr: &Expr) -> bool {
    match expr {
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => true,
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            has_distinct(left) || has_distinct(right)
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => has_distinct(expr),
        _ => false,
    }
}

fn flatten(expr: Expr, row: &mut Vec<Piece>) {
    let (left, between, right) = match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => (left, Piece::And, right),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => (left, Piece::Or, right),
        Expr::IsDistinctFrom(left, right) => (left, Piece::Distinct { negated: false }, right),
        Expr::IsNotDistinctFrom(left, right) => (left, Piece::Distinct { negated: true }, right),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
            row.push(Piece::Not);
            return flatten(*expr, row);
        }
        other => return row.push(Piece::Operand(Box::new(other))),
    };
    flatten(*left, row);
    row.push(between);
    flatten(*right, row);
}

// The row is taken from its end, where its first piece is.

fn either(row: &mut Vec<Piece>) -> Option<Expr> {
    let mut left = both(row)?;
    while row.pop_if(|piece| matches!(piece, Piece::Or)).is_some() {
        left = connected(left, BinaryOperator::Or, both(row)?);
    }
    Some(left)
}

fn both(row: &mut Vec<Piece>) -> Option<Expr> {
    let mut left = one(row)?;
    while row.pop_if(|piece| matches!(piece, Piece::And)).is_some() {
        left = connected(left, BinaryOperator::And, one(row)?);
    }
    Some(left)
}

fn connected(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn one(row: &mut Vec<Piece>) -> Option<Expr> {
    match row.pop()? {
        Piece::Not => Some(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(one(row)?) }),
        Piece::Operand(left) => {
            let next = row.pop_if(|piece| matches!(piece, Piece::Distinct { .. }));
            let Some(Piece::Distinct { negated }) = next else { return Some(*left) };
            let Some(Piece::Operand(right)) = row.pop() else { return None };
            if is_condition(&right) {
                return None;
            }
            Some(if negated {
                Expr::IsNotDistinctFrom(left, right)
            } else {
                Expr::IsDistinctFrom(left, right)
            })
        }
        Piece::And | Piece::Or | Piece::Distinct { .. } => None,
    }
}

/// What may not stand right of IS DISTINCT FROM without parentheses.
fn is_condition(expr: &Expr) -> bool {
    use BinaryOperator as Op;
    match expr {
        Expr::BinaryOp { op, .. } => {
            matches!(op, Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Spaceship | Op::Xor)
        }
        Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::IsTrue(_) | Expr::IsNotTrue(_) => true,
        Expr::IsFalse(_) | Expr::IsNotFalse(_) | Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => true,
        Expr::Between { .. } | Expr::InList { .. } | Expr::InSubquery { .. } | Expr::InUnnest { .. } => true,
        Expr::Like { .. } | Expr::ILike { .. } | Expr::RLike { .. } | Expr::SimilarTo { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::GenericDialect;
    use sqlparser::parser::Parser;

    use super::*;

    fn grouped(condition: &str) -> Result<String, Location> {
        let parser = Parser::new(&GenericDialect {}).try_with_sql(condition).expect("tokens");
        let mut expr = { parser }.parse_expr().expect("an expression");
        regroup_distinct(&mut expr)?;
        Ok(shown(&expr))
    }

    /// With parentheses everywhere.
    fn shown(expr: &Expr) -> String {
        match expr {
            Expr::BinaryOp { left, op, right } => format!("({} {op} {})", shown(left), shown(right)),
            Expr::UnaryOp { op, expr } => format!("({op} {})", shown(expr)),
            Expr::IsDistinctFrom(left, right) => format!("({} IDF {})", shown(left), shown(right)),
            Expr::IsNotDistinctFrom(left, right) => format!("({} INDF {})", shown(left), shown(right)),
            Expr::Nested(inner) => shown(inner),
            other => other.to_string(),
        }
    }

    #[test]
    fn it_binds_as_comparisons_do() {
        for (condition, expected) in [
            ("a IS DISTINCT FROM b OR c", "((a IDF b) OR c)"),
            ("x AND a IS DISTINCT FROM b OR c AND d", "((x AND (a IDF b)) OR (c AND d))"),
            ("x OR a IS NOT DISTINCT FROM b AND c", "(x OR ((a INDF b) AND c))"),
            ("NOT a IS DISTINCT FROM b AND NOT c", "((NOT (a IDF b)) AND (NOT c))"),
            ("a IS DISTINCT FROM (b OR c)", "(a IDF (b OR c))"),
            ("a IS DISTINCT FROM b + 1 AND c IS DISTINCT FROM d", "((a IDF (b + 1)) AND (c IDF d))"),
            ("a + 1 IS DISTINCT FROM b AND c > 1", "(((a + 1) IDF b) AND (c > 1))"),
            ("(a IS DISTINCT FROM b OR c) AND d", "(((a IDF b) OR c) AND d)"),
        ] {
            assert_eq!(grouped(condition).as_deref(), Ok(expected), "{condition}");
        }
        for condition in [
            "a IS DISTINCT FROM b = c",
            "a IS DISTINCT FROM NOT b",
            "a IS DISTINCT FROM b IS DISTINCT FROM c",
        ] {
            assert!(grouped(condition).is_err(), "{condition}");
        }
    }
}
