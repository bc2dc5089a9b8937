//! What is wrong with the literals of a text, found before there is any data.

use std::ops::ControlFlow;

use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Statement, Visit, Visitor,
};
use engine::{EngineError, on_large_stack};

use super::patterns::java_pattern;

/// Refuses patterns of dates that planning would refuse.
/// Errors: `Unsupported`, with the pattern.
pub(super) fn check(statement: &Statement) -> Result<(), EngineError> {
    match on_large_stack(|| statement.visit(&mut Patterns)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Patterns;

impl Visitor for Patterns {
    type Break = EngineError;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<EngineError> {
        match pattern_of(expr).map(|pattern| java_pattern(&pattern)) {
            Some(Err(error)) => ControlFlow::Break(EngineError::from(error)),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The pattern of a call of `date_format`, when it is a literal.
fn pattern_of(expr: &Expr) -> Option<ScalarValue> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(pattern)))] = list.args.as_slice() else {
        return None;
    };
    let is_format = function.name.to_string().eq_ignore_ascii_case("date_format");
    if is_format { pattern.value.clone().into_string().map(ScalarValue::from) } else { None }
}
