//! Reads a table on the engine and measures its columns: the values that a query reads, told apart as a query tells them
//! apart.
//!
//! Distinct values are counted by HyperLogLog (2^14 registers, a standard error of 0.8 %; small numbers are exact), so that
//! memory does not grow with the table. Everything else is exact, over all rows or over the sample: with a sample size each
//! row is taken with that probability, and what is counted is counted in the rows that were taken.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use catalog::statistics::ColumnStatistics;
use catalog::{Column, Table};
use datafusion::common::{Column as Named, DataFusionError, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::{character_length, encode, isnan, random};
use datafusion::functions_aggregate::expr_fn::{approx_distinct, count, max, min, sum};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{Expr, cast, lit, when};
use engine::{EngineError, Session, SessionOptions, Sources, SqlDialect, TableOptions};
use formats::hive::HiveType;
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::data::{Measured, statistics};
use super::task::Task;
use crate::run::{Ground, RunError};
use crate::sql::as_read;
use crate::values::Canonical;

/// Columns measured by one scan: plans stay small however wide the table is.
const AT_ONCE: usize = 64;

/// What is measured of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Date,
    Decimal,
    Double,
    Long,
    /// Measured in seconds since 1970, as Hive does: Glue has no statistics of timestamps.
    Moment,
    Text,
    Binary,
}

impl Kind {
    /// `None` for nested types, of which there are no statistics. Source: Glue Developer Guide, Considerations and
    /// limitations of column statistics.
    fn of(hive: &str) -> Option<Self> {
        Some(match hive.parse::<HiveType>().ok()? {
            HiveType::Boolean => Self::Boolean,
            HiveType::TinyInt | HiveType::SmallInt | HiveType::Int | HiveType::BigInt => Self::Long,
            HiveType::Float | HiveType::Double => Self::Double,
            HiveType::Decimal(..) => Self::Decimal,
            HiveType::String | HiveType::Char(_) | HiveType::Varchar(_) => Self::Text,
            HiveType::Binary => Self::Binary,
            HiveType::Date => Self::Date,
            HiveType::Timestamp | HiveType::TimestampTz => Self::Moment,
            HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_) | HiveType::Union(_) => return None,
        })
    }
}

/// The columns and partition keys to measure; all that can be when none are named. The error says what cannot be.
pub(super) fn chosen(table: &Table, names: &[String]) -> Result<Vec<(Column, Kind)>, String> {
    let all = || table.columns().iter().chain(table.partition_keys());
    if names.is_empty() {
        let found = all().filter_map(|column| Some((column.clone(), Kind::of(column.hive_type())?)));
        return Ok(found.collect());
    }
    let one = |name: &String| {
        let column = all().find(|column| column.name == *name);
        let column = column.ok_or_else(|| format!("Table {} has no column {name}", table.name))?;
        let kind = Kind::of(column.hive_type()).ok_or_else(|| {
            format!(
                "Column {name} is of type {}: there are no statistics of such columns",
                column.hive_type()
            )
        })?;
        Ok((column.clone(), kind))
    };
    names.iter().map(one).collect()
}

/// Reads the table and returns the statistics of its columns. Errors: the engine's, which name the file that cannot be
/// read; `Cancelled`.
pub(super) async fn measure(
    ground: &Ground,
    scope: &Scope,
    task: &Task,
    columns: &[(Column, Kind)],
    cancel: &CancellationToken,
) -> Result<Vec<ColumnStatistics>, RunError> {
    let sources = Sources { store: ground.store.clone(), lake: ground.lake.clone(), scope: scope.clone() };
    let options = SessionOptions {
        default_database: Some(task.database.clone()),
        cancel: cancel.clone(),
        dialect: SqlDialect::Trino,
        ..SessionOptions::default()
    };
    let session = ground.engine.session(sources, options);
    let options = TableOptions { fold_fields: true, ..TableOptions::default() };
    let frame = session.table(&task.database, &task.table, options).await?;
    let (state, plan) = frame.into_parts();
    let plan = as_read(plan).map_err(|error| convert(&session, &error))?;
    let mut frame = DataFrame::new(state, plan);
    let columns = current(columns, &frame, task)?;
    if let Some(percent) = task.sample_size.filter(|percent| *percent < 100.0) {
        frame = frame.filter(random().lt(lit(percent / 100.0))).map_err(|e| convert(&session, &e))?;
    }
    let mut found = Vec::with_capacity(columns.len());
    for some in columns.chunks(AT_ONCE) {
        let row = one_row(&session, frame.clone(), some).await?;
        let now_ms = ground.store.clock().now_ms();
        for (at, (column, kind)) in some.iter().enumerate() {
            let measured = Measured::read(&row, at).map_err(|error| convert(&session, &error))?;
            found.push(statistics(column, *kind, &measured, now_ms)?);
        }
    }
    Ok(found)
}

/// Of an Iceberg table the catalog also lists columns of earlier schemas, which were renamed or dropped since: there is
/// nothing to read in these. Errors: one of them was asked for.
fn current(
    columns: &[(Column, Kind)],
    frame: &DataFrame,
    task: &Task,
) -> Result<Vec<(Column, Kind)>, RunError> {
    let is_read = |name: &str| frame.schema().field_with_unqualified_name(name).is_ok();
    let gone = columns.iter().find(|(column, _)| !is_read(&column.name));
    if let (Some((column, _)), false) = (gone, task.columns.is_empty()) {
        let message = format!(
            "Column {} of table {} is none of its current schema: it was renamed or dropped",
            column.name, task.table
        );
        return Err(RunError::refused("COLUMN_NOT_FOUND", message));
    }
    Ok(columns.iter().filter(|(column, _)| is_read(&column.name)).cloned().collect())
}

fn convert(session: &Session, error: &DataFusionError) -> RunError {
    RunError::of_planning(session.engine().convert(error))
}

async fn one_row(
    session: &Session,
    frame: DataFrame,
    columns: &[(Column, Kind)],
) -> Result<RecordBatch, RunError> {
    let mut wanted = vec![count(lit(1_i64)).alias("rows")];
    for (at, (column, kind)) in columns.iter().enumerate() {
        let measures = measures(&column.name, *kind).map_err(|error| convert(session, &error))?;
        wanted
            .extend(measures.into_iter().map(|(what, expression)| expression.alias(format!("{at} {what}"))));
    }
    let frame = frame.aggregate(Vec::new(), wanted).map_err(|error| convert(session, &error))?;
    let (batches, _) = session.collect(frame).await?;
    match <[RecordBatch; 1]>::try_from(batches) {
        Ok([row]) if row.num_rows() == 1 => Ok(row),
        _ => Err(EngineError::Internal("aggregates without groups are one row".to_owned()).into()),
    }
}

/// What is asked about a column. Each is an aggregate under a name that [`Measured::read`] knows.
fn measures(name: &str, kind: Kind) -> Result<Vec<(&'static str, Expr)>, DataFusionError> {
    let column = Expr::Column(Named::new_unqualified(name));
    let mut all = vec![("count", count(column.clone()))];
    let bounded = |of: Expr| [("min", min(of.clone())), ("max", max(of))];
    let sized = |length: Expr| {
        let length = cast(length, DataType::Int64);
        [("longest", max(length.clone())), ("length", sum(length))]
    };
    match kind {
        Kind::Boolean => all.push(("trues", sum(cast(column, DataType::Int64)))),
        Kind::Date | Kind::Long | Kind::Decimal | Kind::Moment => {
            all.push(("distinct", approx_distinct(column.clone())));
            all.extend(bounded(column));
        }
        Kind::Double => {
            // One value for both zeros, and one for all that is no number.
            let told_apart = ScalarUDF::from(Canonical::grouped()).call(vec![column.clone()]);
            all.push(("distinct", approx_distinct(cast(told_apart, DataType::Utf8))));
            // What is no number is neither smallest nor largest.
            let wide = cast(column, DataType::Float64);
            let number = when(isnan(wide.clone()), lit(ScalarValue::Float64(None))).otherwise(wide)?;
            all.extend(bounded(number));
        }
        Kind::Text => {
            all.push(("distinct", approx_distinct(column.clone())));
            all.extend(sized(character_length(column)));
        }
        // Two digits for each byte: there is no length of binaries.
        Kind::Binary => all.extend(sized(character_length(encode(column, lit("hex"))))),
    }
    Ok(all)
}
