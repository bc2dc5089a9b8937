//! The functions that queries may call: those whose meaning on our engine is Trino's.
//!
//! A function that is not in [`KNOWN`] is refused, never handed to an engine function that happens to have its name:
//! one of Trino's as not supported, any other as Trino refuses an unknown one. How each one is brought to the engine
//! is its [`Rewrite`].

use std::ops::ControlFlow;
use std::ops::RangeInclusive;

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, WindowFrame, WindowFrameBound, WindowSpec,
    WindowType, visit_expressions,
};

use super::check::{self, expr, position, refuse};
use super::{SqlError, SqlErrorKind};

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

/// Functions of Trino's that Tenon does not have yet. Source: Trino documentation, list of functions.
#[rustfmt::skip]
const MISSING: &[&str] = &[
    "all_match", "any_match", "any_value", "approx_most_frequent", "approx_percentile", "arbitrary",
    "array_agg", "array_distinct", "array_except", "array_intersect", "array_join", "array_max", "array_min",
    "array_position", "array_remove", "array_sort", "array_union", "arrays_overlap", "at_timezone",
    "bit_count", "bitwise_and", "bitwise_and_agg", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_or_agg", "bitwise_right_shift", "bitwise_xor", "cardinality", "ceiling", "checksum", "chr",
    "codepoint", "combinations", "concat_ws", "contains", "crc32", "current_time", "current_timestamp",
    "current_timezone", "current_user", "date_format", "date_parse", "day_of_week", "day_of_year", "dow",
    "doy", "element_at", "filter", "flatten", "format", "format_datetime", "format_number", "from_base",
    "from_base64", "from_base64url", "from_hex", "from_iso8601_date", "from_iso8601_timestamp",
    "from_unixtime", "from_utf8", "geometric_mean", "greatest", "grouping", "hamming_distance", "histogram",
    "hmac_sha256", "human_readable_seconds", "is_json_scalar", "json_array_contains", "json_array_get",
    "json_array_length", "json_exists", "json_extract", "json_extract_scalar", "json_format", "json_parse",
    "json_query", "json_size", "json_value", "kurtosis", "last_day_of_month", "least", "levenshtein_distance",
    "listagg", "localtime", "localtimestamp", "log", "lpad", "ltrim", "map", "map_agg", "map_concat",
    "map_entries", "map_filter", "map_from_entries", "map_keys", "map_union", "map_values", "map_zip_with",
    "max_by", "md5", "millisecond", "min_by", "mod", "multimap_agg", "murmur3", "ngrams", "none_match",
    "normalize", "now", "nth_value", "numeric_histogram", "parse_datetime", "parse_duration", "rand",
    "random", "reduce", "reduce_agg", "regexp_count", "regexp_extract", "regexp_extract_all", "regexp_like",
    "regexp_position", "regexp_replace", "regexp_split", "regr_intercept", "regr_slope", "repeat", "rpad",
    "rtrim", "sequence", "set_agg", "sha1", "sha256", "sha512", "shuffle", "sign", "skewness", "slice",
    "soundex", "split", "split_part", "split_to_map", "timezone_hour", "timezone_minute", "to_base",
    "to_base64", "to_base64url", "to_hex", "to_iso8601", "to_unixtime", "to_utf8", "transform",
    "transform_keys", "transform_values", "translate", "truncate", "try", "typeof", "url_decode",
    "url_encode", "url_extract_fragment", "url_extract_host", "url_extract_parameter", "url_extract_path",
    "url_extract_port", "url_extract_protocol", "url_extract_query", "uuid", "version", "week",
    "week_of_year", "width_bucket", "with_timezone", "word_stem", "xxhash64", "year_of_week", "yow", "zip",
    "zip_with",
];

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
    if known.name == "substr" {
        substring_start(name, plain_arguments(list).get(1).copied())?;
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

/// In Trino a negative start counts from the end; our engine does not, so the start must be a positive literal.
pub(super) fn substring_start(
    node: &impl sqlparser::ast::Spanned,
    start: Option<&Expr>,
) -> Result<(), SqlError> {
    match start.and_then(check::number).and_then(|digits| digits.parse::<u32>().ok()) {
        Some(1..) => Ok(()),
        _ => refuse(node, "substring with a start that is not a positive number"),
    }
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

/// Whether an aggregate is called in an expression, outside of windows.
pub(super) fn has_aggregate(whole: &Expr) -> bool {
    let found = visit_expressions(whole, |inner| match inner {
        Expr::Function(call)
            if call.over.is_none() && known(call).is_some_and(|known| known.kind == Kind::Aggregate) =>
        {
            ControlFlow::Break(())
        }
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
