//! Rules about other datasets, and statements of SQL: each is a query of its own.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{avg, sum};
use datafusion::logical_expr::{Expr, Operator, binary_expr};
use datafusion::prelude::{cast, lit};
use engine::EngineError;
use formats::hive::shown;
use quality::{AggregateOf, Check, Kind, mappings};

use super::conditions::Class;
use super::decide::number as decided;
use super::measure::{PRIMARY, TIMES, repeated};
use super::row_tests::{keys, subject};
use super::{Asked, Board, column, fault, rule_fault};
use crate::plan::{self, PlanError};
use crate::quality::outcome::{Metrics, Verdict};

/// The dataset of that name.
pub(super) fn named(board: &Board<'_>, alias: &str) -> Result<DataFrame, Verdict> {
    match board.input.others.get(alias) {
        Some(frame) => Ok(frame.clone()),
        None if board.input.others.is_empty() => {
            Err(Verdict::failed(format!("there is no dataset {alias}: none was given"), Metrics::new()))
        }
        None => {
            let known: Vec<&str> = board.input.others.keys().map(String::as_str).collect();
            let reason = format!("there is no dataset {alias}; there are {}", known.join(", "));
            Err(Verdict::failed(reason, Metrics::new()))
        }
    }
}

/// Values of two frames as they are compared, by the names of their columns.
pub(super) fn paired(
    left: &DataFrame,
    right: &DataFrame,
    names: &[(String, String)],
) -> Result<Vec<(Expr, Expr)>, PlanError> {
    let of = |frame: &DataFrame, name: &str| {
        let refused = |verdict: Verdict| PlanError::Refused(verdict.reason.unwrap_or_default());
        let found = subject(frame, name).map_err(refused)?;
        let field = frame.schema().field_with_unqualified_name(&found.name)?;
        Ok::<_, PlanError>((column(&found.name), field.data_type().clone()))
    };
    let one = |(own, their): &(String, String)| {
        let ((a, a_type), (b, b_type)) = (of(left, own)?, of(right, their)?);
        plan::equal(a, &a_type, b, &b_type)
    };
    names.iter().map(one).collect()
}

/// Decides a rule about two datasets.
pub(super) async fn verdict(board: &Board<'_>, check: &Check) -> Result<Verdict, EngineError> {
    let found = match check.kind {
        Kind::AggregateMatch => aggregates(board, check).await?,
        Kind::DatasetMatch => datasets(board, check).await?,
        Kind::SchemaMatch => named(board, &check.parameters[0]).map(|other| schemas(board, check, &other)),
        _ => row_counts(board, check).await?,
    };
    Ok(found.unwrap_or_else(|verdict| verdict))
}

fn ratio(check: &Check, metric: &str, part: f64, whole: f64) -> Verdict {
    if whole == 0.0 {
        return Verdict::failed(
            format!("{metric} cannot be computed: it would be {part} / 0"),
            Metrics::new(),
        );
    }
    decided(metric, part / whole, check.condition.as_ref())
}

async fn row_counts(board: &Board<'_>, check: &Check) -> Asked<Verdict> {
    let alias = &check.parameters[0];
    let other = match named(board, alias) {
        Ok(other) => other,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let session = board.input.session;
    let own = session.count(board.input.primary.clone()).await?;
    let theirs = session.count(other).await?;
    Ok(Ok(ratio(check, &format!("Dataset.{alias}.RowCountMatch"), own as f64, theirs as f64)))
}

/// The part of the columns that both have, with the same name and type; none when one has more columns than the other.
fn schemas(board: &Board<'_>, check: &Check, other: &DataFrame) -> Verdict {
    let (own, theirs) = (board.input.primary.schema().fields(), other.schema().fields());
    let same = own.iter().filter(|field| {
        theirs.iter().any(|other| {
            other.name().eq_ignore_ascii_case(field.name()) && other.data_type() == field.data_type()
        })
    });
    let same = if own.len() == theirs.len() { same.count() } else { 0 };
    let metric = format!("Dataset.{}.SchemaMatch", check.parameters[0]);
    ratio(check, &metric, same as f64, own.len() as f64)
}

async fn aggregates(board: &Board<'_>, check: &Check) -> Asked<Verdict> {
    let mut values = Vec::new();
    let mut columns = Vec::new();
    for text in &check.parameters {
        let aggregate = match AggregateOf::parse(text) {
            Ok(aggregate) => aggregate,
            Err(what) => return Ok(Err(Verdict::error(what))),
        };
        match aggregated(board, &aggregate).await? {
            Ok(value) => values.push(value),
            Err(verdict) => return Ok(Err(verdict)),
        }
        columns.push(aggregate.column);
    }
    columns.dedup();
    let metric = format!("Column.{}.AggregateMatch", columns.join(","));
    Ok(Ok(ratio(check, &metric, values[0], values[1])))
}

async fn aggregated(board: &Board<'_>, aggregate: &AggregateOf) -> Asked<f64> {
    let frame = match &aggregate.alias {
        None => Ok(board.input.primary.clone()),
        Some(alias) => named(board, alias),
    };
    let found = frame.and_then(|frame| subject(&frame, &aggregate.column).map(|found| (frame, found)));
    let (frame, found) = match found {
        Ok(found) => found,
        Err(verdict) => return Ok(Err(verdict)),
    };
    if found.class != Class::Number {
        return Ok(Err(Verdict::error(format!("column {} holds no numbers; cast it first", found.name))));
    }
    let own = cast(column(&found.name), DataType::Float64);
    let wanted = if aggregate.average { avg(own) } else { sum(own) };
    let frame = frame.aggregate(Vec::new(), vec![wanted])?;
    let (batches, _) = board.input.session.collect(frame).await?;
    Ok(single(&batches).and_then(|value| {
        value.ok_or_else(|| Verdict::failed(format!("column {} has no values", found.name), Metrics::new()))
    }))
}

/// The one number of a result; the error says what it is instead.
fn single(batches: &[RecordBatch]) -> Result<Option<f64>, Verdict> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = batches.first().map_or(0, RecordBatch::num_columns);
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() == 1 && rows == 1 && columns == 1) else {
        let what = format!("it gives {rows} rows of {columns} columns, where one number is needed");
        return Err(Verdict::error(what));
    };
    let value = ScalarValue::try_from_array(batch.column(0), 0);
    let data_type = batch.column(0).data_type().clone();
    match value.and_then(|value| value.cast_to(&DataType::Float64)) {
        Ok(ScalarValue::Float64(found)) if data_type.is_numeric() => {
            Ok(found.filter(|found| !found.is_nan()))
        }
        _ => Err(Verdict::error(format!("it gives {}, where a number is needed", shown(&data_type)))),
    }
}

/// Plans a rule's statement over all datasets by their names.
pub(super) async fn statement(board: &Board<'_>, sql: &str) -> Asked<DataFrame> {
    let mut views = vec![(PRIMARY.to_owned(), board.input.primary.clone())];
    views.extend(board.input.others.iter().map(|(alias, frame)| (alias.clone(), frame.clone())));
    match plan::select(board.input.session, sql, views).await {
        Ok(frame) => match plan::plain(frame) {
            Ok(frame) => Ok(Ok(frame)),
            Err(error) => Ok(Err(Verdict::error(fault(error)?))),
        },
        Err(error) => Ok(Err(Verdict::error(fault(error)?))),
    }
}

/// Decides a statement that gives one number.
pub(super) async fn number(board: &Board<'_>, check: &Check) -> Result<Verdict, EngineError> {
    let frame = match statement(board, &check.parameters[0]).await? {
        Ok(frame) => frame.limit(0, Some(2))?,
        Err(verdict) => return Ok(verdict),
    };
    let batches = match board.input.session.collect(frame).await {
        Ok((batches, _)) => batches,
        Err(error) => return rule_fault(error).map(Verdict::error),
    };
    Ok(match single(&batches) {
        Ok(Some(found)) => decided("Dataset.*.CustomSQL", found, check.condition.as_ref()),
        Ok(None) => Verdict::failed("the statement gives null", Metrics::new()),
        Err(verdict) => verdict,
    })
}

async fn datasets(board: &Board<'_>, check: &Check) -> Asked<Verdict> {
    let alias = &check.parameters[0];
    let prepared = named(board, alias).and_then(|other| {
        let compared = compared(board, check, &other).map_err(Verdict::error)?;
        Ok((other, compared))
    });
    let (other, (pairs, values)) = match prepared {
        Ok(prepared) => prepared,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let primary = &board.input.primary;
    let (own, theirs): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    for (frame, names, whose) in [(primary, own, PRIMARY), (&other, theirs, alias.as_str())] {
        if let Err(verdict) = check_key(board, frame, &names, whose).await? {
            return Ok(Err(verdict));
        }
    }
    let matching = match matching(primary, &other, &pairs, &values) {
        Ok(frame) => board.input.session.count(frame).await?,
        Err(error) => return Ok(Err(Verdict::error(fault(error)?))),
    };
    let rows = board.input.session.count(primary.clone()).await?;
    Ok(Ok(ratio(check, &format!("Dataset.{alias}.DatasetMatch"), matching as f64, rows as f64)))
}

type Pairs = Vec<(String, String)>;

/// The pairs of keys and of values; without pairs of values, all other columns by their names.
fn compared(board: &Board<'_>, check: &Check, other: &DataFrame) -> Result<(Pairs, Pairs), String> {
    let keys = mappings(&check.parameters[1])?;
    if let Some(values) = check.parameters.get(2) {
        return Ok((keys, mappings(values)?));
    }
    let is_key = |name: &str| keys.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut values = Vec::new();
    for field in board.input.primary.schema().fields().iter().filter(|field| !is_key(field.name())) {
        let name = field.name();
        if subject(other, name).is_err() {
            return Err(format!("dataset {} has no column {name} to compare with", check.parameters[0]));
        }
        values.push((name.clone(), name.clone()));
    }
    Ok((keys, values))
}

/// Columns that rows are found by have to be a key.
async fn check_key(board: &Board<'_>, frame: &DataFrame, names: &[String], whose: &str) -> Asked<()> {
    let keys = match keys(frame, names) {
        Ok(keys) => keys,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let null = keys.iter().cloned().map(Expr::is_null).reduce(Expr::or).unwrap_or_else(|| lit(false));
    let nulls = board.input.session.count(frame.clone().filter(null)?).await?;
    let several = repeated(frame.clone(), &keys, None)?.filter(column(TIMES).gt(lit(1_i64)))?;
    let several = board.input.session.count(several.limit(0, Some(1))?).await?;
    if nulls == 0 && several == 0 {
        return Ok(Ok(()));
    }
    let reason = format!("{} is no key of {whose}: it has null or the same value twice", names.join(", "));
    Ok(Err(Verdict::failed(reason, Metrics::new())))
}

/// The rows of both that have the same key and the same values; null is the same as null.
fn matching(
    primary: &DataFrame,
    other: &DataFrame,
    keys: &[(String, String)],
    values: &[(String, String)],
) -> Result<DataFrame, PlanError> {
    let pairs: Pairs = keys.iter().chain(values).cloned().collect();
    let (own, theirs): (Vec<Expr>, Vec<Expr>) = paired(primary, other, &pairs)?.into_iter().unzip();
    let named = |side: Vec<Expr>, letter: char| {
        side.into_iter()
            .enumerate()
            .map(move |(at, value)| value.alias(format!("{letter}{at}")))
            .collect::<Vec<_>>()
    };
    let left = primary.clone().select(named(own, 'l'))?;
    let right = other.clone().select(named(theirs, 'r'))?;
    let side = |letter: char, at: usize| Expr::Column(Column::new_unqualified(format!("{letter}{at}")));
    let on = (0..keys.len()).map(|at| side('l', at).eq(side('r', at)));
    let mut joined = left.join_on(right, JoinType::Inner, on)?;
    for at in keys.len()..pairs.len() {
        joined = joined.filter(binary_expr(side('l', at), Operator::IsNotDistinctFrom, side('r', at)))?;
    }
    Ok(joined)
}
