//! The functions that queries may call: those whose meaning on our engine is Trino's.
//!
//! A function that is not in [`KNOWN`] is refused, never handed to an engine function that happens to have its name:
//! one of Trino's as not supported, any other as Trino refuses an unknown one. How each one is brought to the engine
//! is its [`Rewrite`].

mod missing;

use std::ops::ControlFlow;
use std::ops::RangeInclusive;

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, WindowFrame, WindowFrameBound, WindowSpec,
    WindowType, visit_expressions,
};

use super::check::{self, expr, position, refuse};
use super::{SqlError, SqlErrorKind};
use missing::MISSING;

/// Where a function may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value for each row.
    Scalar,
    /// A value for each group; with OVER, for each window.
    Aggregate,
    /// Only with OVER.
    Window,
}

/// How a call is written for our engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewrite {
    /// Under this name, with the same arguments.
    Same(&'static str),
    /// The same, the result made a bigint (our engine gives another integer type).
    Bigint(&'static str),
    /// `date_part` of the field, made a bigint.
    DatePart(&'static str),
    /// `concat(a, b)` as `a || b`: NULL when one is NULL.
    Concat,
    /// `if(c, a, b)` as CASE.
    If,
    /// `date(x)` as a CAST.
    Date,
    /// A double that has no literal.
    Double(&'static str),
    /// `count_if(c)` as `count(*)` with a filter.
    CountIf,
}

pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    arguments: RangeInclusive<usize>,
    pub(super) rewrite: Rewrite,
}

const fn same(name: &'static str, kind: Kind, arguments: RangeInclusive<usize>) -> Known {
    Known { name, kind, arguments, rewrite: Rewrite::Same(name) }
}

const fn scalar(name: &'static str, arguments: RangeInclusive<usize>, rewrite: Rewrite) -> Known {
    Known { name, kind: Kind::Scalar, arguments, rewrite }
}

/// The list; `docs/athena.md` is checked against it.
pub(super) const KNOWN: &[Known] = &[
    same("abs", Kind::Scalar, 1..=1),
    same("acos", Kind::Scalar, 1..=1),
    same("asin", Kind::Scalar, 1..=1),
    same("atan", Kind::Scalar, 1..=1),
    same("atan2", Kind::Scalar, 2..=2),
    same("cbrt", Kind::Scalar, 1..=1),
    same("coalesce", Kind::Scalar, 2..=usize::MAX),
    scalar("concat", 2..=usize::MAX, Rewrite::Concat),
    same("cos", Kind::Scalar, 1..=1),
    scalar("date", 1..=1, Rewrite::Date),
    same("date_format", Kind::Scalar, 2..=2),
    same("date_parse", Kind::Scalar, 2..=2),
    same("date_add", Kind::Scalar, 3..=3),
    same("date_diff", Kind::Scalar, 3..=3),
    same("date_trunc", Kind::Scalar, 2..=2),
    scalar("day", 1..=1, Rewrite::DatePart("day")),
    scalar("day_of_month", 1..=1, Rewrite::DatePart("day")),
    same("degrees", Kind::Scalar, 1..=1),
    same("exp", Kind::Scalar, 1..=1),
    scalar("hour", 1..=1, Rewrite::DatePart("hour")),
    scalar("if", 2..=3, Rewrite::If),
    scalar("length", 1..=1, Rewrite::Bigint("character_length")),
    same("lpad", Kind::Scalar, 3..=3),
    same("rpad", Kind::Scalar, 3..=3),
    same("split_part", Kind::Scalar, 3..=3),
    same("ln", Kind::Scalar, 1..=1),
    same("lower", Kind::Scalar, 1..=1),
    scalar("minute", 1..=1, Rewrite::DatePart("minute")),
    scalar("month", 1..=1, Rewrite::DatePart("month")),
    same("nullif", Kind::Scalar, 2..=2),
    same("pi", Kind::Scalar, 0..=0),
    scalar("quarter", 1..=1, Rewrite::DatePart("quarter")),
    same("radians", Kind::Scalar, 1..=1),
    same("replace", Kind::Scalar, 3..=3),
    same("reverse", Kind::Scalar, 1..=1),
    same("round", Kind::Scalar, 1..=2),
    scalar("second", 1..=1, Rewrite::DatePart("second")),
    same("sin", Kind::Scalar, 1..=1),
    same("sqrt", Kind::Scalar, 1..=1),
    same("starts_with", Kind::Scalar, 2..=2),
    scalar("strpos", 2..=2, Rewrite::Bigint("strpos")),
    same("substr", Kind::Scalar, 2..=3),
    same("tan", Kind::Scalar, 1..=1),
    same("tanh", Kind::Scalar, 1..=1),
    same("upper", Kind::Scalar, 1..=1),
    scalar("year", 1..=1, Rewrite::DatePart("year")),
    same("cosh", Kind::Scalar, 1..=1),
    same("is_finite", Kind::Scalar, 1..=1),
    same("is_infinite", Kind::Scalar, 1..=1),
    same("is_nan", Kind::Scalar, 1..=1),
    same("log10", Kind::Scalar, 1..=1),
    same("log2", Kind::Scalar, 1..=1),
    same("power", Kind::Scalar, 2..=2),
    same("sinh", Kind::Scalar, 1..=1),
    scalar("pow", 2..=2, Rewrite::Same("power")),
    scalar("e", 0..=0, Rewrite::Double("2.718281828459045")),
    scalar("infinity", 0..=0, Rewrite::Double("Infinity")),
    scalar("nan", 0..=0, Rewrite::Double("NaN")),
    Known {
        name: "approx_distinct",
        kind: Kind::Aggregate,
        arguments: 1..=1,
        rewrite: Rewrite::Bigint("approx_distinct"),
    },
    same("avg", Kind::Aggregate, 1..=1),
    same("bool_and", Kind::Aggregate, 1..=1),
    same("bool_or", Kind::Aggregate, 1..=1),
    same("corr", Kind::Aggregate, 2..=2),
    same("count", Kind::Aggregate, 0..=1),
    Known { name: "count_if", kind: Kind::Aggregate, arguments: 1..=1, rewrite: Rewrite::CountIf },
    same("covar_pop", Kind::Aggregate, 2..=2),
    same("covar_samp", Kind::Aggregate, 2..=2),
    Known { name: "every", kind: Kind::Aggregate, arguments: 1..=1, rewrite: Rewrite::Same("bool_and") },
    same("max", Kind::Aggregate, 1..=1),
    same("min", Kind::Aggregate, 1..=1),
    same("stddev", Kind::Aggregate, 1..=1),
    same("stddev_pop", Kind::Aggregate, 1..=1),
    same("stddev_samp", Kind::Aggregate, 1..=1),
    same("sum", Kind::Aggregate, 1..=1),
    same("var_pop", Kind::Aggregate, 1..=1),
    same("var_samp", Kind::Aggregate, 1..=1),
    Known { name: "variance", kind: Kind::Aggregate, arguments: 1..=1, rewrite: Rewrite::Same("var_samp") },
    same("cume_dist", Kind::Window, 0..=0),
    Known {
        name: "dense_rank",
        kind: Kind::Window,
        arguments: 0..=0,
        rewrite: Rewrite::Bigint("dense_rank"),
    },
    same("first_value", Kind::Window, 1..=1),
    same("lag", Kind::Window, 1..=2),
    same("last_value", Kind::Window, 1..=1),
    same("lead", Kind::Window, 1..=2),
    Known { name: "ntile", kind: Kind::Window, arguments: 1..=1, rewrite: Rewrite::Bigint("ntile") },
    same("percent_rank", Kind::Window, 0..=0),
    Known { name: "rank", kind: Kind::Window, arguments: 0..=0, rewrite: Rewrite::Bigint("rank") },
    Known {
        name: "row_number",
        kind: Kind::Window,
        arguments: 0..=0,
        rewrite: Rewrite::Bigint("row_number"),
    },
];

/// The entry of a function that is on the list.
pub(super) fn known(function: &Function) -> Option<&'static Known> {
    match identifiers(&function.name)?[..] {
        [ident] => KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(&ident.value)),
        _ => None,
    }
}

/// The parts of a name; `None` when one of them is not an identifier.
pub(super) fn identifiers(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(ident),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// What to say of a function that is not on the list.
fn unknown(name: &ObjectName) -> SqlErrorKind {
    let written = match identifiers(name).as_deref() {
        Some([ident]) => check::folded(ident),
        _ => name.to_string().to_lowercase(),
    };
    if MISSING.contains(&written.as_str()) {
        return SqlErrorKind::MissingFunction(written);
    }
    SqlErrorKind::UnknownFunction(written)
}

/// Checks a call and its arguments.
pub(super) fn check(call: &Function) -> Result<(), SqlError> {
    let Function { name, uses_odbc_syntax, parameters, args, filter, null_treatment, over, within_group } =
        call;
    // `current_date` is a function without parentheses.
    if matches!(args, FunctionArguments::None) && name.to_string().eq_ignore_ascii_case("current_date") {
        return Ok(());
    }
    let Some(known) = known(call) else {
        return Err(SqlError { position: position(name), kind: unknown(name) });
    };
    if *uses_odbc_syntax || *parameters != FunctionArguments::None || !within_group.is_empty() {
        return refuse(name, format!("this form of {}", known.name));
    }
    if null_treatment.is_some() {
        return refuse(name, "IGNORE NULLS and RESPECT NULLS");
    }
    let FunctionArguments::List(list) = args else {
        return refuse(name, format!("this form of {}", known.name));
    };
    arguments(name, known, list)?;
    match (known.kind, filter, over) {
        (Kind::Aggregate, Some(condition), None) => expr(condition)?,
        (_, Some(_), _) => return refuse(name, "FILTER here"),
        _ => {}
    }
    match (known.kind, over) {
        (Kind::Scalar, Some(_)) => {
            Err(SqlError::syntax(position(name), format!("{} is no window function", known.name)))
        }
        (Kind::Window, None) => Err(SqlError::syntax(position(name), format!("{} needs OVER", known.name))),
        (_, Some(window)) => window_spec(name, window),
        (_, None) => Ok(()),
    }
}

fn arguments(name: &ObjectName, known: &Known, list: &FunctionArgumentList) -> Result<(), SqlError> {
    let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
    if !clauses.is_empty() {
        return refuse(name, format!("a clause in the arguments of {}", known.name));
    }
    let distinct = matches!(duplicate_treatment, Some(DuplicateTreatment::Distinct));
    if distinct && (known.kind != Kind::Aggregate || known.name == "count_if") {
        return refuse(name, format!("DISTINCT in {}", known.name));
    }
    if !known.arguments.contains(&args.len()) {
        return Err(SqlError::syntax(
            position(name),
            format!("Unexpected parameters for function {}", known.name),
        ));
    }
    for argument in args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => expr(inner)?,
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if known.name == "count" && !distinct => {}
            _ => return refuse(name, format!("an argument of this form in {}", known.name)),
        }
    }
    Ok(())
}

/// The arguments that are expressions.
pub(super) fn plain_arguments(list: &FunctionArgumentList) -> Vec<&Expr> {
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => Some(inner),
            _ => None,
        })
        .collect()
}

fn window_spec(name: &ObjectName, window: &WindowType) -> Result<(), SqlError> {
    let WindowType::WindowSpec(WindowSpec { window_name, partition_by, order_by, window_frame }) = window
    else {
        return refuse(name, "a named window");
    };
    if window_name.is_some() {
        return refuse(name, "a named window");
    }
    partition_by.iter().try_for_each(expr)?;
    order_by.iter().try_for_each(check::order_item)?;
    match window_frame {
        None => Ok(()),
        Some(WindowFrame { units: sqlparser::ast::WindowFrameUnits::Rows, start_bound, end_bound }) => {
            std::iter::once(start_bound).chain(end_bound).try_for_each(|bound| frame_bound(name, bound))
        }
        Some(_) => refuse(name, "a window frame by RANGE or GROUPS"),
    }
}

fn frame_bound(name: &ObjectName, bound: &WindowFrameBound) -> Result<(), SqlError> {
    match bound {
        WindowFrameBound::Preceding(Some(rows)) | WindowFrameBound::Following(Some(rows))
            if check::number(rows).is_none_or(|digits| digits.parse::<u32>().is_err()) =>
        {
            refuse(name, "a window frame of rows that are not a number")
        }
        _ => Ok(()),
    }
}

/// The name of the function that an expression calls, as Trino spells it; of those with a syntax of their own, too.
pub(super) fn called(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::Function(call) => known(call)?.name,
        Expr::Ceil { .. } => "ceil",
        Expr::Floor { .. } => "floor",
        Expr::Trim { .. } => "trim",
        Expr::Extract { .. } => "extract",
        Expr::Position { .. } => "strpos",
        Expr::Substring { .. } => "substr",
        _ => return None,
    })
}

/// Whether an expression calls what our engine has under this name.
pub(super) fn is_engines(expr: &Expr, engines: &str) -> bool {
    let Expr::Function(call) = expr else {
        let others = [("btrim", "trim"), ("ltrim", "trim"), ("rtrim", "trim"), ("date_part", "extract")];
        let own = others.iter().find(|(other, _)| *other == engines).map_or(engines, |(_, own)| own);
        return called(expr) == Some(own);
    };
    // Our engine calls these by the shorter of their names.
    let short = |name: &'static str| match name {
        "stddev_samp" => "stddev",
        "var_samp" => "var",
        other => other,
    };
    known(call).is_some_and(|known| match known.rewrite {
        Rewrite::Same(name) | Rewrite::Bigint(name) => short(name) == engines,
        Rewrite::DatePart(_) => engines == "date_part",
        _ => known.name == engines,
    })
}

/// Whether the call is one of an aggregate, outside of windows.
pub(super) fn is_aggregate(call: &Function) -> bool {
    call.over.is_none() && known(call).is_some_and(|known| known.kind == Kind::Aggregate)
}

/// The arguments of a call that are expressions.
pub(super) fn arguments_of(call: &Function) -> Vec<&Expr> {
    match &call.args {
        FunctionArguments::List(list) => plain_arguments(list),
        _ => Vec::new(),
    }
}

/// Whether an aggregate is called in an expression, outside of windows.
pub(super) fn has_aggregate(whole: &Expr) -> bool {
    let found = visit_expressions(whole, |inner| match inner {
        Expr::Function(call) if is_aggregate(call) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, MISSING};

    #[test]
    fn no_function_is_both_known_and_missing() {
        let both: Vec<_> =
            KNOWN.iter().filter(|known| MISSING.contains(&known.name)).map(|k| k.name).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
