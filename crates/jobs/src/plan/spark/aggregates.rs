//! Aggregates and windows: their types, and what has to be computed around them.
//!
//! Some aggregates of Spark are several of the engine's (`avg` of decimals is a sum by a count) or need a last step (a
//! sum that does not fit is null). An aggregate node may only hold plain aggregates, so these steps go into a
//! projection above it, which gives the results their names.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, ExprSchema, ScalarValue, TableReference};
use datafusion::error::Result;
use datafusion::functions::expr_fn::sqrt;
use datafusion::functions_aggregate::count::{count, count_udaf};
use datafusion::functions_aggregate::covariance::covar_pop_udaf;
use datafusion::functions_aggregate::variance::var_pop_udaf;
use datafusion::logical_expr::expr::{
    AggregateFunction, AggregateFunctionParams, NullTreatment, Sort, WindowFunction,
};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, ExprSchemable, Filter, GroupingSet, LogicalPlan, Projection, Window,
    WindowFunctionDefinition, lit, when,
};
use formats::hive::shown;

use super::arithmetic::arithmetic;
use super::cast::cast;
use super::frames::anew;
use super::keys::{is_key, key, order_key, packed, place_of, place_type, value_at};
use super::plans::expression;
use super::types::{MAX_DIGITS, Operation, bounded, is_decimal, is_number, is_text};
use super::{Scope, allowed, refused};
use crate::plan::functions::Numeric;
use crate::plan::groups::{any_row, count_distinct};

/// Aggregate functions that mean the same in Spark, or are brought to it here.
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "covar_samp",
    "covar_pop",
    "corr",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "bit_xor",
    "first_value",
    "last_value",
    "grouping",
    // Of the Aggregate node only: SQL does not know their names.
    "skewness",
    "kurtosis",
];
/// The rest of the names that Spark has for them, and that are bound under these.
const NUMERIC: &[&str] =
    &["sum", "avg", "stddev", "stddev_pop", "var", "var_pop", "covar_samp", "covar_pop", "corr"];
/// Other names of the same, which the engine knows.
const SYNONYMS: &[&str] = &["mean", "stddev_samp", "var_samp"];
const WINDOWS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Whether a function of this name makes one value of many rows.
pub(super) fn is_name(name: &str) -> bool {
    AGGREGATES.contains(&name) || SYNONYMS.contains(&name)
}
/// Windows whose result is an int in Spark.
const NUMBERING: &[&str] = &["row_number", "rank", "dense_rank", "ntile"];

/// What is left to do with the parts of an aggregate.
enum Finish {
    /// Nothing.
    None,
    /// A cast to the type.
    Cast(DataType),
    /// The first by the second, a decimal of this type.
    Mean(DataType),
    /// The value that has this place in the order of its type.
    Value(DataType),
    /// The first by the root of the product of the third and fourth, where the second is more than one row.
    Correlation,
}

/// One aggregate as the engine's.
struct Lowered {
    parts: Vec<(Arc<AggregateUDF>, Vec<Expr>)>,
    finish: Finish,
}

impl Finish {
    fn apply(&self, parts: Vec<(Expr, DataType)>) -> Result<Expr> {
        let mut parts = parts.into_iter();
        let Some((first, data_type)) = parts.next() else {
            return Err(refused("an empty aggregate".to_owned()));
        };
        match (self, parts.next()) {
            (Self::Correlation, Some((rows, _))) => {
                let mut variance = || match parts.next() {
                    Some((variance, _)) => Ok(variance),
                    None => Err(refused("a correlation without its parts".to_owned())),
                };
                let root = sqrt(variance()? * variance()?);
                let is_defined = rows.gt(lit(1_i64)).and(root.clone().not_eq(lit(0.0)));
                when(is_defined, first / root).end()
            }
            (Self::Cast(wanted), _) => cast(first, &data_type, wanted),
            (Self::Value(wanted), _) => Ok(value_at(first, wanted)),
            (Self::Mean(wanted), Some((count, of))) => {
                let count = cast(count, &of, &DataType::Decimal128(20, 0))?;
                let sum = cast(first, &data_type, &narrowed(&data_type))?;
                Ok(arithmetic(Operation::Divide, sum, count, wanted.clone()))
            }
            _ => Ok(first),
        }
    }
}

/// A decimal of Spark's width.
fn narrowed(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Decimal256(precision, scale) => bounded(i32::from(*precision), i32::from(*scale)),
        other => other.clone(),
    }
}

/// The engine's aggregates for a call with arguments that are rewritten already.
fn lower(func: Arc<AggregateUDF>, args: Vec<Expr>, scope: &Scope<'_>) -> Result<Lowered> {
    let own: &dyn Any = func.inner().as_ref();
    let func = own.downcast_ref::<Numeric>().map_or(Arc::clone(&func), |numeric| Arc::clone(&numeric.inner));
    allowed(AGGREGATES, func.name())?;
    if let ("min" | "max", [argument]) = (func.name(), args.as_slice()) {
        let data_type = argument.get_type(scope.schema)?;
        // The engine forgets the values before a NaN, in groups, and takes a null in a structure for its largest value.
        if let Some(places) = place_type(&data_type) {
            let places = vec![place_of(argument.clone(), places)];
            return Ok(Lowered { parts: vec![(func, places)], finish: Finish::Value(data_type) });
        }
    }
    if let ("first_value" | "last_value", [argument]) = (func.name(), args.as_slice()) {
        let data_type = argument.get_type(scope.schema)?;
        if let Some(packed) = packed(argument, &data_type) {
            return Ok(Lowered { parts: vec![(func, vec![packed])], finish: Finish::Value(data_type) });
        }
    }
    if !NUMERIC.contains(&func.name()) {
        let mut keys = Vec::new();
        for argument in args {
            let data_type = argument.get_type(scope.schema)?;
            let compares = func.name() == "count";
            keys.push(if compares { key(argument, &data_type) } else { argument });
        }
        let finish = match func.name() {
            "grouping" => Finish::Cast(DataType::Int8),
            _ => Finish::None,
        };
        return Ok(Lowered { parts: vec![(func, keys)], finish });
    }
    let mut numbers = Vec::new();
    let mut found = DataType::Float64;
    for argument in args {
        let data_type = argument.get_type(scope.schema)?;
        let name = func.name();
        if !is_text(&data_type) && !is_number(&data_type) && data_type != DataType::Null {
            return Err(refused(format!("{name} needs a number, and its argument is {}", shown(&data_type))));
        }
        let exact = is_decimal(&data_type) || data_type.is_integer() && name == "sum";
        found = match (name, &data_type) {
            ("sum" | "avg", _) if exact => data_type.clone(),
            _ => DataType::Float64,
        };
        numbers.push(cast(argument, &data_type, &found)?);
    }
    match (func.name(), &found) {
        ("sum", DataType::Decimal128(precision, scale)) => sum_of_decimals(func, numbers, *precision, *scale),
        ("avg", DataType::Decimal128(precision, scale)) => mean_of_decimals(numbers, *precision, *scale),
        ("corr", _) => correlation(numbers),
        _ => Ok(Lowered { parts: vec![(func, numbers)], finish: Finish::None }),
    }
}

/// Our own aggregate for the call, where the engine's would hold much for each of many groups.
fn of_groups(
    name: &str,
    params: &AggregateFunctionParams,
    groups: &[Expr],
    scope: &Scope<'_>,
) -> Result<Option<Lowered>> {
    let [argument] = params.args.as_slice() else { return Ok(None) };
    if groups.is_empty() || !params.order_by.is_empty() {
        return Ok(None);
    }
    let skips_nulls = params.null_treatment == Some(NullTreatment::IgnoreNulls);
    let (func, argument) = match name {
        "first_value" if !params.distinct && !skips_nulls => (Some(any_row()), argument.clone()),
        "count" if params.distinct => {
            let data_type = argument.get_type(scope.schema)?;
            (count_distinct(&data_type), key(argument.clone(), &data_type))
        }
        _ => (None, argument.clone()),
    };
    Ok(func.map(|func| Lowered { parts: vec![(func, vec![argument])], finish: Finish::None }))
}

/// Only sums of the widest decimals can outgrow them; these are added up in more digits and looked at in the end.
fn sum_of_decimals(func: Arc<AggregateUDF>, args: Vec<Expr>, precision: u8, scale: i8) -> Result<Lowered> {
    let result = bounded(i32::from(precision) + 10, i32::from(scale));
    let args = wide(args, precision, scale);
    Ok(Lowered { parts: vec![(func, args)], finish: Finish::Cast(result) })
}

fn wide(args: Vec<Expr>, precision: u8, scale: i8) -> Vec<Expr> {
    if precision + 10 <= MAX_DIGITS {
        return args;
    }
    let wide = DataType::Decimal256(60, scale);
    args.into_iter().map(|argument| datafusion::logical_expr::cast(argument, wide.clone())).collect()
}

fn mean_of_decimals(args: Vec<Expr>, precision: u8, scale: i8) -> Result<Lowered> {
    let result = bounded(i32::from(precision) + 4, i32::from(scale) + 4);
    let sum = datafusion::functions_aggregate::sum::sum_udaf();
    let parts = vec![(sum, wide(args.clone(), precision, scale)), (count_udaf(), args)];
    Ok(Lowered { parts, finish: Finish::Mean(result) })
}

/// The engine's own adds up squares, of which nothing is left when values are large and alike, and has no result where a NaN is.
fn correlation(args: Vec<Expr>) -> Result<Lowered> {
    let [x, y] = <[Expr; 2]>::try_from(args).map_err(|_| refused("corr takes two numbers".to_owned()))?;
    let beside = |value: &Expr, other: &Expr| when(other.clone().is_not_null(), value.clone()).end();
    let parts = vec![
        (covar_pop_udaf(), vec![x.clone(), y.clone()]),
        (count_udaf(), vec![beside(&x, &y)?]),
        (var_pop_udaf(), vec![beside(&x, &y)?]),
        (var_pop_udaf(), vec![beside(&y, &x)?]),
    ];
    Ok(Lowered { parts, finish: Finish::Correlation })
}

/// An aggregate node, with a projection above it where results need a last step.
pub(super) fn aggregate(aggregate: Aggregate, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let names: Vec<String> = aggregate.aggr_expr.iter().map(|expr| expr.schema_name().to_string()).collect();
    let groups =
        aggregate.group_expr.into_iter().map(|expr| group(expr, scope)).collect::<Result<Vec<_>>>()?;
    let is_of_sets = groups.iter().any(|group| matches!(group, Expr::GroupingSet(_)));
    // Under its own name, the engine takes the values of the only aggregate as groups first, which can go to disk one by one.
    let keeps_names = !is_of_sets && matches!(aggregate.aggr_expr.as_slice(), [only] if is_of_distinct(only));
    let mut results = Results { keeps_names, ..Results::default() };
    if is_of_sets {
        results.hide(count(lit(1_i64)), ROWS);
    }
    for (expr, name) in aggregate.aggr_expr.into_iter().zip(names) {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = expr.unalias() else {
            return Err(refused(format!("{name} is not supported in SparkSQL nodes")));
        };
        check_distinct(func.name(), params.distinct)?;
        let mut params = rewritten(params, scope)?;
        if func.name() == "grouping" {
            params.args = params
                .args
                .into_iter()
                .map(|argument| as_grouped(argument, &groups))
                .collect::<Result<_>>()?;
        }
        let own = if keeps_names { None } else { of_groups(func.name(), &params, &groups, scope)? };
        let Lowered { parts, finish } = match own {
            Some(own) => {
                params.distinct = false;
                own
            }
            None => lower(func, params.args.clone(), scope)?,
        };
        let parts = parts.into_iter().map(|(func, args)| {
            let params = AggregateFunctionParams { args, ..params.clone() };
            Expr::AggregateFunction(AggregateFunction { func, params })
        });
        results.add(name, parts.collect(), finish);
    }
    let below = LogicalPlan::Aggregate(Aggregate::try_new(aggregate.input, groups, results.exprs())?);
    if !is_of_sets {
        return results.finish(below);
    }
    // Over no rows the engine has a row for the set of no columns, Spark has none.
    let has_rows = Expr::Column(Column::new(None::<TableReference>, ROWS)).gt(lit(0_i64));
    results.finish(LogicalPlan::Filter(Filter::try_new(has_rows, Arc::new(below))?))
}

fn is_of_distinct(expr: &Expr) -> bool {
    matches!(expr.clone().unalias(), Expr::AggregateFunction(call)
        if call.params.distinct && call.params.filter.is_none() && call.params.args.len() == 1)
}

/// The part that counts the rows of a group, for groups of several sets of columns.
const ROWS: &str = "__part_rows";

/// Aggregates (or windows) of one node, each computed once, and the results that are made of them.
#[derive(Default)]
struct Results {
    /// Whether parts have the names that the engine gives them.
    keeps_names: bool,
    parts: Vec<(Expr, String)>,
    results: Vec<(String, Vec<String>, Finish)>,
}

impl Results {
    /// A part that is no result.
    fn hide(&mut self, part: Expr, column: &str) {
        self.parts.push((part, column.to_owned()));
    }

    fn add(&mut self, name: String, parts: Vec<Expr>, finish: Finish) {
        let plain = matches!(finish, Finish::None);
        let mut columns = Vec::new();
        for part in parts {
            let known = self.parts.iter().find(|(known, _)| *known == part);
            let column = match known {
                Some((_, column)) => column.clone(),
                None => {
                    let column = match plain {
                        _ if self.keeps_names => part.schema_name().to_string(),
                        true => name.clone(),
                        false => format!("__part_{}", self.parts.len()),
                    };
                    self.parts.push((part, column.clone()));
                    column
                }
            };
            columns.push(column);
        }
        self.results.push((name, columns, finish));
    }

    fn exprs(&self) -> Vec<Expr> {
        let named = |(expr, column): &(Expr, String)| match self.keeps_names {
            true => expr.clone(),
            false => expr.clone().alias(column),
        };
        self.parts.iter().map(named).collect()
    }

    /// The node that computes the parts, with a projection above it where they are not the results.
    fn finish(self, below: LogicalPlan) -> Result<LogicalPlan> {
        let done = |(name, columns, finish): &(String, Vec<String>, Finish)| {
            matches!(finish, Finish::None) && *columns == [name.as_str()]
        };
        if self.parts.len() == self.results.len() && self.results.iter().all(done) {
            return Ok(below);
        }
        finish(below, self.parts.len(), self.results)
    }
}

/// The columns of `below` but for the last `parts`, and the results that are made of these.
fn finish(
    below: LogicalPlan,
    parts: usize,
    results: Vec<(String, Vec<String>, Finish)>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(below.schema());
    let kept = schema.fields().len().saturating_sub(parts);
    let mut columns: Vec<Expr> = schema
        .iter()
        .take(kept)
        // It goes when the engine resolves `grouping`.
        .filter(|(_, field)| field.name() != Aggregate::INTERNAL_GROUPING_ID)
        .map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())))
        .collect();
    for (name, parts, finish) in results {
        let mut found = Vec::new();
        for part in parts {
            let column = Column::new(None::<TableReference>, part);
            let data_type = schema.field_from_column(&column)?.data_type().clone();
            found.push((Expr::Column(column), data_type));
        }
        columns.push(finish.apply(found)?.alias(name));
    }
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(below))?))
}

/// A grouping key under its own name; equal floats are one group.
fn group(expr: Expr, scope: &Scope<'_>) -> Result<Expr> {
    if let Expr::GroupingSet(sets) = expr {
        let all =
            |exprs: Vec<Expr>| exprs.into_iter().map(|expr| group(expr, scope)).collect::<Result<Vec<_>>>();
        return Ok(Expr::GroupingSet(match sets {
            GroupingSet::Rollup(exprs) => GroupingSet::Rollup(all(exprs)?),
            GroupingSet::Cube(exprs) => GroupingSet::Cube(all(exprs)?),
            GroupingSet::GroupingSets(sets) => {
                GroupingSet::GroupingSets(sets.into_iter().map(all).collect::<Result<_>>()?)
            }
        }));
    }
    let (qualifier, name) = expr.qualified_name();
    let expr = expression(expr, scope)?;
    let data_type = expr.get_type(scope.schema)?;
    let key = key(expr, &data_type);
    if key.qualified_name() == (qualifier.clone(), name.clone()) {
        return Ok(key);
    }
    Ok(key.alias_qualified(qualifier, name))
}

/// The argument of `grouping` as the key that it is: the engine looks for it among the keys.
fn as_grouped(argument: Expr, groups: &[Expr]) -> Result<Expr> {
    let is_own = |grouped: &Expr| match grouped {
        Expr::ScalarFunction(call) if is_key(call) => call.args.contains(&argument),
        grouped => *grouped == argument,
    };
    let found = grouping_set_to_exprlist(groups)?.into_iter().find(|grouped| match grouped {
        Expr::Alias(alias) => is_own(&alias.expr),
        grouped => is_own(grouped),
    });
    Ok(found.cloned().unwrap_or(argument))
}

/// Errors: a refusal of an aggregate of pairs, each once, of which the engine would take each value once.
fn check_distinct(name: &str, is_distinct: bool) -> Result<()> {
    match name {
        "corr" | "covar_samp" | "covar_pop" if is_distinct => {
            Err(refused(format!("{name}(DISTINCT …) is not supported in SparkSQL nodes")))
        }
        _ => Ok(()),
    }
}

fn rewritten(params: AggregateFunctionParams, scope: &Scope<'_>) -> Result<AggregateFunctionParams> {
    let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = params;
    Ok(AggregateFunctionParams {
        args: args.into_iter().map(|expr| expression(expr, scope)).collect::<Result<_>>()?,
        distinct,
        filter: condition(filter, scope)?,
        order_by: keys(order_by, scope)?,
        null_treatment,
    })
}

/// The condition of FILTER, which is a boolean in Spark: it is the one place where text is not read as one.
fn condition(filter: Option<Box<Expr>>, scope: &Scope<'_>) -> Result<Option<Box<Expr>>> {
    let Some(filter) = filter else { return Ok(None) };
    let filter = expression(*filter, scope)?;
    match filter.get_type(scope.schema)? {
        DataType::Boolean => Ok(Some(Box::new(filter))),
        other => {
            Err(refused(format!("the condition of FILTER has to be a boolean, and is {}", shown(&other))))
        }
    }
}

fn keys(order: Vec<Sort>, scope: &Scope<'_>) -> Result<Vec<Sort>> {
    let mut keys = Vec::new();
    for mut one in order {
        let expr = expression(one.expr, scope)?;
        let data_type = expr.get_type(scope.schema)?;
        one.expr = order_key(expr, &data_type);
        keys.push(one);
    }
    Ok(keys)
}

/// A window node, with a projection above it where results need a last step.
pub(super) fn window(window: Window, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let names: Vec<String> = window.window_expr.iter().map(|expr| expr.schema_name().to_string()).collect();
    let mut results = Results::default();
    for (expr, name) in window.window_expr.into_iter().zip(names) {
        let Expr::WindowFunction(function) = expr.unalias() else {
            return Err(refused(format!("{name} is not supported in SparkSQL nodes")));
        };
        let (parts, finish) = window_parts(*function, scope)?;
        let parts = parts.into_iter().map(|function| Expr::WindowFunction(Box::new(function)));
        results.add(name, parts.collect(), finish);
    }
    let below = Window::try_new(results.exprs(), window.input)?;
    results.finish(LogicalPlan::Window(below))
}

fn window_parts(function: WindowFunction, scope: &Scope<'_>) -> Result<(Vec<WindowFunction>, Finish)> {
    let WindowFunction { fun, mut params } = function;
    let all =
        |exprs: Vec<Expr>| exprs.into_iter().map(|expr| expression(expr, scope)).collect::<Result<Vec<_>>>();
    params.args = all(params.args)?;
    params.partition_by = all(params.partition_by)?
        .into_iter()
        .map(|expr| expr.get_type(scope.schema).map(|data_type| key(expr, &data_type)))
        .collect::<Result<_>>()?;
    params.order_by = keys(params.order_by, scope)?;
    params.filter = condition(params.filter, scope)?;
    match fun {
        WindowFunctionDefinition::AggregateUDF(func) => {
            check_distinct(func.name(), params.distinct)?;
            let Lowered { parts, finish } = lower(func, params.args.clone(), scope)?;
            let parts = parts.into_iter().map(|(mut func, args)| {
                let is_of_doubles = NUMERIC.contains(&func.name())
                    && args
                        .iter()
                        .all(|argument| matches!(argument.get_type(scope.schema), Ok(DataType::Float64)));
                if is_of_doubles {
                    func = anew(func);
                }
                let mut params = params.clone();
                params.args = args;
                WindowFunction { fun: WindowFunctionDefinition::AggregateUDF(func), params }
            });
            Ok((parts.collect(), finish))
        }
        WindowFunctionDefinition::WindowUDF(func) => {
            allowed(WINDOWS, func.name())?;
            offsets(func.name(), &mut params.args, scope)?;
            let finish = match NUMBERING.contains(&func.name()) {
                true => Finish::Cast(DataType::Int32),
                false => Finish::None,
            };
            let fun = WindowFunctionDefinition::WindowUDF(func);
            Ok((vec![WindowFunction { fun, params }], finish))
        }
    }
}

/// The engine takes positions as bigints, and a default only in its column's type.
fn offsets(name: &str, args: &mut [Expr], scope: &Scope<'_>) -> Result<()> {
    let position = match name {
        "ntile" => 0,
        "lag" | "lead" | "nth_value" => 1,
        _ => return Ok(()),
    };
    if let Some(Expr::Literal(value @ ScalarValue::Int32(Some(_)), _)) = args.get_mut(position) {
        *value = value.cast_to(&DataType::Int64)?;
    }
    if let [value, _, default] = args {
        let (wanted, from) = (value.get_type(scope.schema)?, default.get_type(scope.schema)?);
        let Expr::Literal(constant, _) = &*default else {
            return Err(refused(format!("{name} is supported with a literal default")));
        };
        if from != wanted {
            *default = Expr::Literal(constant.cast_to(&wanted)?, None);
        }
    }
    Ok(())
}
