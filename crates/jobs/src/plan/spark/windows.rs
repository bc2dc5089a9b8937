//! Windows and calls, as far as the planner reads them as Spark does.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, NamedWindowExpr,
    NullTreatment, Select, Value, WindowSpec, WindowType,
};

/// `OVER (w)` means `OVER w`; the planner would take it for `OVER ()`.
/// Breaks with what else is in the brackets.
pub(super) fn named(function: &mut Function) -> ControlFlow<String> {
    let Some(WindowType::WindowSpec(spec)) = &function.over else { return ControlFlow::Continue(()) };
    let Some(name) = spec.window_name.clone() else { return ControlFlow::Continue(()) };
    if !is_name_alone(spec) {
        return ControlFlow::Break(format!("OVER ({spec}), a named window with something added"));
    }
    function.over = Some(WindowType::NamedWindow(name));
    ControlFlow::Continue(())
}

fn is_name_alone(spec: &WindowSpec) -> bool {
    spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.window_frame.is_none()
}

/// Refuses windows that are defined by others, of which the planner would take nothing.
pub(super) fn defined(select: &Select) -> ControlFlow<String> {
    let by_others = select.named_window.iter().find(|window| match &window.1 {
        NamedWindowExpr::NamedWindow(_) => true,
        NamedWindowExpr::WindowSpec(spec) => spec.window_name.is_some(),
    });
    match by_others {
        Some(window) => ControlFlow::Break(format!("WINDOW {window} (a window that is defined by another)")),
        None => ControlFlow::Continue(()),
    }
}

/// Refuses calls that the engine would answer wrongly.
pub(super) fn called(name: &str, function: &Function) -> ControlFlow<String> {
    let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
    let is_star = |argument: &FunctionArg| {
        matches!(
            argument,
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard | FunctionArgExpr::QualifiedWildcard(_))
        )
    };
    if list.duplicate_treatment.is_some() && list.args.iter().any(is_star) {
        return ControlFlow::Break(format!("{function} (name the columns)"));
    }
    let ignores = |clause: &FunctionArgumentClause| {
        matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls))
    };
    let ignores_nulls =
        function.null_treatment == Some(NullTreatment::IgnoreNulls) || list.clauses.iter().any(ignores);
    // The engine's counts rows, not values, beyond the first.
    if name == "lead" && ignores_nulls && list.args.get(1).is_some_and(|by| !is_one(by)) {
        return ControlFlow::Break(format!("{name} by more than one row with IGNORE NULLS"));
    }
    ControlFlow::Continue(())
}

fn is_one(argument: &FunctionArg) -> bool {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = argument else { return false };
    matches!(&value.value, Value::Number(text, _) if text == "1")
}
