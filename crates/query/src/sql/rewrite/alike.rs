//! Expressions that our engine would call alike although they differ. It leaves casts out of the names that it gives to
//! expressions, and counts rows by `count(1)`; what an aggregate computes and groups by has to have names of its own. So
//! casts get one ([`NamedCast`], until the types are looked at), and counting a constant is counting rows.

use engine::NamedCast;
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value, ValueWithSpan};

use super::build::{argument_list, call, text};
use crate::sql::functions::{Known, Rewrite};

/// A cast that the statement asks for, under a name of its own.
pub(super) fn cast(cast: Expr) -> Expr {
    let Expr::Cast { kind, data_type, .. } = &cast else { return cast };
    let what = format!("{kind:?} AS {data_type}");
    call(NamedCast::NAME, vec![cast, text(&what)])
}

/// `count(1)` as `count(*)`; `None` for any other call. Its argument has been rewritten, so that a cast that is still one
/// is the type of a literal, and never NULL.
pub(super) fn count(function: &Function, known: &Known) -> Option<Function> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(counted))] = &list.args[..] else { return None };
    let plain = list.duplicate_treatment.is_none() && known.rewrite == Rewrite::Same("count");
    let wildcard = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
    (plain && is_constant(counted)).then(|| Function { args: argument_list(wildcard), ..function.clone() })
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(ValueWithSpan { value, .. }) => *value != Value::Null,
        Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}
