//! SQL of Spark 3.5 (without ANSI mode) on the engine: parsed in its dialect, bound, and rewritten until it means what
//! Spark means by it.
//!
//! | SQL | engine | here, as in Spark |
//! |---|---|---|
//! | `1.5`, `1` | double, bigint | decimal(2,1), int |
//! | `7 / 2`, `x / 0`, `x % 0` | 3, error or infinity | 3.5, null |
//! | `CAST('a' AS INT)`, `CAST(300 AS TINYINT)` | error | null, 44 |
//! | `'10' > 9`, `'1' + 1` | compares as text, error | as numbers |
//! | decimals | cut, or an error where they do not fit | rounded half up, null where they do not fit |
//! | `sum` of decimals that do not fit, `avg` of decimals | wrong, cut | null, rounded half up |
//! | `concat('a', NULL)`, `substr(s, -2)` | `a`, all | null, the last two |
//! | `0.0 = -0.0`, NaN | different, several | equal, one that is larger than all |
//!
//! Functions are allowed by name: those whose meaning is the same, and those that are rewritten here. Everything else
//! is refused with its name, because a function that only looks the same gives wrong rows.
//!
//! - [`dialect`] and [`syntax`]: text to a syntax tree that the planner understands rightly
//! - [`plans`]: relations; [`exprs`]: expressions; [`aggregates`]: aggregates and windows; [`calls`]: functions
//! - [`types`], [`arithmetic`], [`cast`], [`keys`], [`text`], [`round`], [`truncate`], [`patterns`]: what Spark computes otherwise

mod aggregates;
mod arithmetic;
mod calls;
mod cast;
mod dialect;
mod elements;
mod exprs;
mod forms;
mod frames;
mod joins;
mod json;
mod keys;
mod literals;
mod naming;
mod parts;
mod patterns;
mod plans;
mod round;
mod subqueries;
mod syntax;
mod text;
mod truncate;
mod types;
mod windows;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan, Operator, ScalarFunctionArgs};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr, Statement};
use engine::EngineError;

use super::blame::Accused;
use super::{PlanError, functions};

pub(super) use calls::loose;
pub(super) use cast::{moment_as_number, moment_of, number_literal, text_of_float};
pub(super) use dialect::NUMBER;
pub(super) use exprs::result_type;
pub(crate) use json::check as check_json_path;
pub(super) use json::shown as json_text;
pub(super) use keys::key;
pub(super) use types::{Operation, TIMESTAMP};

/// Parses a node's text.
/// Errors: text that is not Spark's SQL, and what is refused by its name.
pub(super) fn parse(context: &SessionContext, text: &str) -> Result<Statement, PlanError> {
    functions::register(context);
    let mut statement = dialect::parse(text)?;
    let called = syntax::adapt(&mut statement)?;
    let state = context.state();
    let known = |name: &str| {
        state.scalar_functions().contains_key(name)
            || state.aggregate_functions().contains_key(name)
            || state.window_functions().contains_key(name)
    };
    match called.iter().find(|name| !known(name)) {
        None => Ok(statement),
        Some(name) => {
            Err(PlanError::Refused(format!("the function {name} is not supported in SparkSQL nodes")))
        }
    }
}

/// Whether the text is one SELECT without anything that is refused by its form; functions and names are looked at when it is planned,
/// but for patterns of dates.
/// Errors: `Sql`, with the place, for text that is not Spark's SQL; `Unsupported` for other statements, and what is refused.
pub(super) fn check(text: &str) -> Result<(), EngineError> {
    let mut statement = dialect::parse(text)?;
    literals::check(&statement)?;
    match statement {
        Statement::Query(_) => syntax::adapt(&mut statement).map(|_| ()),
        _ => Err(EngineError::Unsupported {
            message: "only a single SELECT statement can be run here".to_owned(),
        }),
    }
}

/// Whether the text is one expression, which may stand anywhere.
/// Errors: `Sql`, with the place, for text that is not Spark's SQL; `Unsupported` for more, or less, than an expression.
pub(super) fn check_expression(text: &str) -> Result<(), EngineError> {
    let statement = dialect::parse(&format!("SELECT {text}"))?;
    literals::check(&statement)?;
    let whole = statement.to_string();
    if let Statement::Query(query) = statement
        && let SetExpr::Select(select) = *query.body
        && let [SelectItem::UnnamedExpr(expression)] = select.projection.as_slice()
        && whole == format!("SELECT {expression}")
    {
        return Ok(());
    }
    Err(EngineError::Unsupported { message: format!("{text} is no single expression without a name") })
}

/// Rewrites the plan, but not the plans of the views below it: they are other nodes' work, and mean what they mean.
pub(super) fn adapt(
    plan: LogicalPlan,
    views: &[LogicalPlan],
    accused: &Accused,
) -> Result<LogicalPlan, PlanError> {
    let below = plans::Below { views, outer: &[], accused };
    let adapted = plans::rewrite(plan, &below).and_then(|plan| plans::watched(plan.data, &below));
    adapted.map(|adapted| adapted.data).map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// Of a plan that is an aggregate: its results with Spark's types.
pub(super) fn aggregated(plan: LogicalPlan) -> Result<LogicalPlan, PlanError> {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return Err(PlanError::Refused("an aggregate was planned as something else".to_owned()));
    };
    let schema = std::sync::Arc::clone(aggregate.input.schema());
    let done = aggregates::aggregate(aggregate, &Scope { schema: &schema, outer: &[] });
    done.map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// Two values as what an equality compares them as.
pub(super) fn equal(left: Expr, a: &DataType, right: Expr, b: &DataType) -> Result<(Expr, Expr), PlanError> {
    let sides = exprs::comparable(left, a, right, b, Operator::Eq);
    sides.map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// A value as text, as Spark writes it.
pub(super) fn text_of(expr: Expr, from: &DataType) -> std::result::Result<Expr, PlanError> {
    cast::cast(expr, from, &DataType::Utf8).map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// Values with the type that all of them fit without being made text; `None` where there is no such type.
pub(super) fn alike(values: Vec<(Expr, DataType)>) -> Result<Option<Vec<Expr>>, PlanError> {
    let widest =
        values.iter().try_fold(DataType::Null, |widest, (_, next)| types::wider_without_text(&widest, next));
    let Some(widest) = widest else { return Ok(None) };
    let cast = values.into_iter().map(|(expr, from)| cast::cast(expr, &from, &widest));
    cast.collect::<Result<Vec<_>>>().map(Some).map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// The inputs of a union with the types that all of them fit.
pub(super) fn of_one_type(plans: Vec<LogicalPlan>) -> Result<Vec<LogicalPlan>, PlanError> {
    plans::of_one_type(plans).map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// The rows of a plan, each once.
pub(super) fn distinct(plan: LogicalPlan) -> Result<LogicalPlan, PlanError> {
    let once = plans::distinct(&std::sync::Arc::new(plan));
    once.map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// Where an expression stands.
struct Scope<'a> {
    /// What its columns are.
    schema: &'a DFSchema,
    /// The schemas that a subquery around it can name, the nearest last.
    outer: &'a [&'a DFSchema],
}

impl Scope<'_> {
    /// A column of a query around this one, as it is now.
    fn outer_type(&self, column: &Column) -> Option<FieldRef> {
        self.outer.iter().rev().find_map(|schema| {
            let at = schema.maybe_index_of_column(column)?;
            Some(std::sync::Arc::clone(schema.fields().get(at)?))
        })
    }
}

/// A refusal on its way through the rewriter.
fn refused(what: String) -> DataFusionError {
    EngineError::Unsupported { message: what }.into_datafusion()
}

/// Refuses a function that is not in the list.
fn allowed(list: &[&str], name: &str) -> Result<()> {
    if list.contains(&name) {
        return Ok(());
    }
    Err(refused(format!("the function {name} is not supported in SparkSQL nodes")))
}

/// Computes a function on arrays; where all arguments are single values, so is the result.
pub(super) fn per_row(
    arguments: ScalarFunctionArgs,
    compute: impl FnOnce(&[ArrayRef], usize) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let single = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    let rows = if single { 1 } else { arguments.number_rows };
    let arrays = arguments.args.iter().map(|argument| argument.to_array(rows)).collect::<Result<Vec<_>>>()?;
    let result = compute(&arrays, rows)?;
    if single {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
    }
    Ok(ColumnarValue::Array(result))
}
