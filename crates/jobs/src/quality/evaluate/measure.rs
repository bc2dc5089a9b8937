//! What rules need computed and measured, and the measuring.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::ln;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::prelude::{Expr, cast, lit, when};
use engine::EngineError;

use super::{Asked, Input, column, fault};
use crate::plan::{self, PlanError};
use crate::quality::outcome::Verdict;

/// Numbers measured by one scan: plans stay small however many rules there are.
const AT_ONCE: usize = 200;
/// Prefix of the columns that are computed for rules.
pub(crate) const COMPUTED: &str = "__quality_";

/// What rules have asked for so far.
pub(crate) struct Board<'a> {
    pub(super) input: Input<'a>,
    /// Conditions on rows, by their SQL.
    conditions: Vec<(String, String)>,
    /// The data with the columns that need more than the row itself.
    marked: DataFrame,
    scalars: Vec<Expr>,
    known: HashMap<String, usize>,
    groups: Vec<Grouping>,
    names: usize,
}

/// A set of columns whose distinct values matter.
#[derive(Clone, PartialEq)]
struct Grouping {
    columns: Vec<Expr>,
    filter: Option<Expr>,
}

/// What was measured of a [`Grouping`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Grouped {
    /// Rows with a value.
    pub(super) rows: f64,
    /// Values.
    pub(super) distinct: f64,
    /// Values that occur once.
    pub(super) unique: f64,
    /// The sum of `n ln n` over all values, each of which occurs `n` times.
    pub(super) weighed: f64,
}

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    scalars: Vec<Option<f64>>,
    groups: Vec<Grouped>,
}

impl Numbers {
    /// `None` where there was nothing to aggregate.
    pub(super) fn scalar(&self, at: usize) -> Option<f64> {
        self.scalars.get(at).copied().flatten()
    }

    pub(super) fn count(&self, at: usize) -> f64 {
        self.scalar(at).unwrap_or(0.0)
    }

    pub(super) fn groups(&self, at: usize) -> Grouped {
        self.groups.get(at).copied().unwrap_or_default()
    }
}

impl<'a> Board<'a> {
    pub(crate) fn new(input: Input<'a>) -> Self {
        let marked = input.primary.clone();
        Self {
            input,
            conditions: Vec::new(),
            marked,
            scalars: Vec::new(),
            known: HashMap::new(),
            groups: Vec::new(),
            names: 0,
        }
    }

    /// A name for a computed column.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("{COMPUTED}{}", self.names)
    }

    /// The column of a condition on rows, true or false; refused when the condition cannot be planned.
    pub(super) async fn condition(&mut self, sql: &str) -> Asked<Expr> {
        if let Some((name, _)) = self.conditions.iter().find(|(_, known)| known == sql) {
            return Ok(Ok(column(name)));
        }
        let name = self.name();
        let projection = projected(&name, sql);
        let text = format!("SELECT {projection} FROM {PRIMARY}");
        let views = vec![(PRIMARY.to_owned(), self.input.primary.clone())];
        if let Err(error) = plan::select(self.input.session, &text, views).await {
            return Ok(Err(Verdict::error(fault(error)?)));
        }
        self.conditions.push((name.clone(), sql.to_owned()));
        Ok(Ok(column(&name)))
    }

    /// The data with the columns that marks have added.
    pub(super) fn marked(&self) -> DataFrame {
        self.marked.clone()
    }

    pub(super) fn mark(&mut self, frame: DataFrame) {
        self.marked = frame;
    }

    /// Where the number of an aggregate will stand.
    pub(super) fn scalar(&mut self, aggregate: Expr) -> usize {
        let key = aggregate.to_string();
        *self.known.entry(key).or_insert_with(|| {
            self.scalars.push(aggregate);
            self.scalars.len() - 1
        })
    }

    /// Where the number of rows will stand for which a condition holds.
    pub(super) fn count_where(&mut self, condition: Option<Expr>) -> usize {
        self.scalar(count(guarded(condition, lit(1_i64))))
    }

    /// Where the numbers of a set of columns will stand.
    pub(super) fn grouped(&mut self, columns: Vec<Expr>, filter: Option<Expr>) -> usize {
        let wanted = Grouping { columns, filter };
        if let Some(at) = self.groups.iter().position(|known| *known == wanted) {
            return at;
        }
        self.groups.push(wanted);
        self.groups.len() - 1
    }

    /// The data with every computed column.
    pub(crate) async fn computed(&self) -> Result<DataFrame, EngineError> {
        if self.conditions.is_empty() {
            return Ok(self.marked.clone());
        }
        let columns: Vec<String> = self.conditions.iter().map(|(name, sql)| projected(name, sql)).collect();
        let text = format!("SELECT *, {} FROM {PRIMARY}", columns.join(", "));
        let views = vec![(PRIMARY.to_owned(), self.marked.clone())];
        match plan::select(self.input.session, &text, views).await {
            Ok(frame) => plan::plain(frame).map_err(|error| internal(&error.to_string())),
            // Each of them was planned by itself; all together may be too much.
            Err(PlanError::Engine(error)) => Err(error),
            Err(error) => Err(internal(&error.to_string())),
        }
    }

    /// Measures everything that was asked for.
    pub(super) async fn measure(&self) -> Result<Numbers, EngineError> {
        let frame = self.computed().await?;
        let mut numbers = Numbers::default();
        for some in self.scalars.chunks(AT_ONCE) {
            let named =
                some.iter().enumerate().map(|(at, aggregate)| aggregate.clone().alias(format!("m{at}")));
            let row = self.one_row(frame.clone(), named.collect()).await?;
            for at in 0..some.len() {
                numbers.scalars.push(float(&row, at)?);
            }
        }
        for grouping in &self.groups {
            numbers.groups.push(self.measure_groups(frame.clone(), grouping).await?);
        }
        Ok(numbers)
    }

    async fn one_row(&self, frame: DataFrame, aggregates: Vec<Expr>) -> Result<RecordBatch, EngineError> {
        let frame = frame.aggregate(Vec::new(), aggregates)?;
        let (batches, _) = self.input.session.collect(frame).await?;
        match <[RecordBatch; 1]>::try_from(batches) {
            Ok([row]) if row.num_rows() == 1 => Ok(row),
            _ => Err(internal("aggregates without groups are one row")),
        }
    }

    async fn measure_groups(&self, frame: DataFrame, grouping: &Grouping) -> Result<Grouped, EngineError> {
        let rows = repeated(frame, &grouping.columns, grouping.filter.clone())?;
        let times = || cast(column(TIMES), DataType::Float64);
        let once = when(column(TIMES).eq(lit(1_i64)), lit(1_i64)).end()?;
        let wanted = vec![
            sum(column(TIMES)).alias("rows"),
            count(lit(1_i64)).alias("distinct"),
            count(once).alias("unique"),
            sum(times() * ln(times())).alias("weighed"),
        ];
        let row = self.one_row(rows, wanted).await?;
        let of = |at: usize| Ok::<_, EngineError>(float(&row, at)?.unwrap_or(0.0));
        Ok(Grouped { rows: of(0)?, distinct: of(1)?, unique: of(2)?, weighed: of(3)? })
    }
}

/// The name of the data in SQL.
pub(super) const PRIMARY: &str = "primary";
/// The column that says how often a value occurs.
pub(super) const TIMES: &str = "__quality_times";

fn projected(name: &str, sql: &str) -> String {
    // The line break ends a comment.
    format!("coalesce((\n{sql}\n), false) AS `{name}`")
}

/// Each value of columns and how often it occurs; rows in which all of them are null have none.
pub(super) fn repeated(
    frame: DataFrame,
    columns: &[Expr],
    filter: Option<Expr>,
) -> Result<DataFrame, EngineError> {
    let frame = match filter {
        Some(filter) => frame.filter(filter)?,
        None => frame,
    };
    let any = columns.iter().cloned().map(Expr::is_not_null).reduce(Expr::or);
    let frame = frame.filter(any.unwrap_or_else(|| lit(true)))?;
    let keys = columns.iter().enumerate().map(|(at, key)| key.clone().alias(format!("{COMPUTED}key_{at}")));
    Ok(frame.aggregate(keys.collect(), vec![count(lit(1_i64)).alias(TIMES)])?)
}

/// The value where the condition holds, null elsewhere.
pub(super) fn guarded(condition: Option<Expr>, value: Expr) -> Expr {
    match condition {
        None => value,
        // The builder fails only without branches.
        Some(condition) => when(condition, value.clone()).end().unwrap_or(value),
    }
}

/// A number of a row; null where there was nothing to aggregate, or nothing that is one.
fn float(row: &RecordBatch, at: usize) -> Result<Option<f64>, EngineError> {
    let value = ScalarValue::try_from_array(row.column(at), 0)?;
    let found = match value.cast_to(&DataType::Float64)? {
        ScalarValue::Float64(found) => found,
        _ => None,
    };
    Ok(found.filter(|found| !found.is_nan()))
}

fn internal(message: &str) -> EngineError {
    EngineError::Internal(message.to_owned())
}
