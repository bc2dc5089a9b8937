//! Rules that can be said to hold for a row: the condition on it.

use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::{Expr, lit};
use engine::EngineError;
use quality::{Check, Condition, Kind, Reference, RowLevel, Test};

use super::conditions::{self, Class, Subject, identifier};
use super::measure::{COMPUTED, PRIMARY, TIMES, repeated};
use super::{Asked, Board, column, fault, others};
use crate::plan::{self, PlanError};
use crate::quality::outcome::{Metrics, Verdict};

/// A condition on a row; both are true or false, never null, over [`Board::computed`].
#[derive(Debug, Clone)]
pub(crate) struct RowTest {
    /// Whether the rule holds.
    pub(crate) holds: Expr,
    /// Whether the rule is about the row at all.
    pub(crate) counted: Option<Expr>,
}

impl RowTest {
    /// Whether nothing is against the row.
    pub(crate) fn passes(&self) -> Expr {
        match &self.counted {
            None => self.holds.clone(),
            Some(counted) => Expr::Not(Box::new(counted.clone())).or(self.holds.clone()),
        }
    }
}

/// The row test of a check that has one.
pub(crate) async fn of_check(board: &mut Board<'_>, check: &Check) -> Asked<RowTest> {
    if check.kind.facts().row_level == RowLevel::No || is_number_of_sql(check) {
        return Ok(Err(Verdict::error(format!("{check} says nothing about single rows"))));
    }
    let counted = match filter(board, check).await? {
        Ok(counted) => counted,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let holds = match check.kind {
        Kind::ReferentialIntegrity => referenced(board, check).await?,
        Kind::CustomSql => selected(board, check).await?,
        Kind::IsUnique | Kind::Uniqueness | Kind::UniqueValueRatio => {
            once(board, &check.parameters, counted.clone()).await?
        }
        Kind::IsPrimaryKey => match once(board, &check.parameters, counted.clone()).await? {
            Ok(holds) => complete(board, &check.parameters).map(|complete| holds.and(complete)),
            refused => refused,
        },
        Kind::IsComplete | Kind::Completeness => complete(board, &check.parameters),
        _ => match condition(board, check) {
            Ok(sql) => board.condition(&sql).await?,
            Err(verdict) => Err(verdict),
        },
    };
    Ok(holds.map(|holds| RowTest { holds, counted }))
}

/// Whether a statement gives one number, instead of rows.
pub(crate) fn is_number_of_sql(check: &Check) -> bool {
    check.kind == Kind::CustomSql && check.condition.is_some()
}

/// The row test of a rule; of a composite one, of its parts put together.
pub(crate) async fn of_test(board: &mut Board<'_>, test: &Test, composite: bool) -> Asked<RowTest> {
    let (parts, all) = match test {
        Test::One(check) => {
            let ratio = check.kind.facts().row_level == RowLevel::Alone || check.threshold.is_some();
            if composite && ratio {
                let what =
                    "is a ratio over all rows and cannot be part of a rule that is evaluated row by row";
                return Ok(Err(Verdict::error(format!("{check} {what}"))));
            }
            return of_check(board, check).await;
        }
        Test::All(parts) => (parts, true),
        Test::Any(parts) => (parts, false),
    };
    let mut holds: Option<Expr> = None;
    for part in parts {
        let next = match Box::pin(of_test(board, part, composite)).await? {
            Ok(test) => test.passes(),
            refused => return Ok(refused),
        };
        holds = Some(match holds {
            None => next,
            Some(before) if all => before.and(next),
            Some(before) => before.or(next),
        });
    }
    Ok(Ok(RowTest { holds: holds.unwrap_or_else(|| lit(all)), counted: None }))
}

/// The condition behind `where`.
pub(super) async fn filter(board: &mut Board<'_>, check: &Check) -> Asked<Option<Expr>> {
    let Some(filter) = &check.filter else { return Ok(Ok(None)) };
    Ok(match board.condition(filter).await? {
        Ok(found) => Ok(Some(found)),
        Err(verdict) => {
            let why = verdict.reason.unwrap_or_default();
            Err(Verdict::error(format!("where {}: {why}", quality::quoted(filter))))
        }
    })
}

/// The column that a rule names, however it spells it.
pub(super) fn subject(frame: &DataFrame, name: &str) -> Result<Subject, Verdict> {
    let fields = frame.schema().fields();
    let exact = fields.iter().find(|field| field.name() == name);
    let found = exact.or_else(|| fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)));
    match found {
        Some(field) => Ok(Subject {
            name: field.name().clone(),
            sql: identifier(field.name()),
            class: Class::of(field.data_type()),
        }),
        None => {
            let known: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            let reason = format!("the data has no column {name}; there are {}", known.join(", "));
            Err(Verdict::failed(reason, Metrics::new()))
        }
    }
}

/// The SQL of a condition on values.
fn condition(board: &Board<'_>, check: &Check) -> Result<String, Verdict> {
    let subject = subject(&board.input.primary, check.parameters.first().map_or("", String::as_str))?;
    let Some(condition) = &check.condition else {
        return Err(Verdict::error(format!("{check} has no condition")));
    };
    let now_ms = board.input.now_ms;
    let sql = match check.kind {
        Kind::ColumnLength => length(&subject, condition),
        Kind::ColumnDataType => conditions::castable(&subject, condition),
        Kind::DataFreshness => conditions::ages(&subject, condition, now_ms),
        _ => conditions::values(&conditions::dated(subject, condition), condition, now_ms),
    };
    sql.map_err(Verdict::error)
}

/// The length of null is 0. Source: AWS Glue Developer Guide, ColumnLength.
pub(super) fn length_of(subject: &Subject) -> Result<String, String> {
    match subject.class {
        Class::Text => Ok(format!("coalesce(length({}), 0)", subject.sql)),
        _ => Err(format!("column {} is no text and has no length", subject.name)),
    }
}

fn length(subject: &Subject, condition: &Condition) -> Result<String, String> {
    conditions::number(&length_of(subject)?, condition)
}

fn complete(board: &Board<'_>, names: &[String]) -> Result<Expr, Verdict> {
    let mut all: Option<Expr> = None;
    for name in names {
        let next = column(&subject(&board.input.primary, name)?.name).is_not_null();
        all = Some(all.map_or(next.clone(), |before| before.and(next)));
    }
    Ok(all.unwrap_or_else(|| lit(true)))
}

/// Columns as they are grouped.
pub(super) fn keys(frame: &DataFrame, names: &[String]) -> Result<Vec<Expr>, Verdict> {
    let mut keys = Vec::new();
    for name in names {
        let found = subject(frame, name)?;
        if found.class == Class::Other {
            let reason = format!("column {} is nested or binary: its values are not told apart", found.name);
            return Err(Verdict::error(reason));
        }
        let own = column(&found.name);
        let data_type = frame.schema().field_with_unqualified_name(&found.name);
        keys.push(match data_type {
            Ok(field) => plan::key(own, field.data_type()),
            Err(_) => own,
        });
    }
    Ok(keys)
}

/// Whether the value of a row occurs once.
async fn once(board: &mut Board<'_>, names: &[String], counted: Option<Expr>) -> Asked<Expr> {
    let keys = match keys(&board.input.primary, names) {
        Ok(keys) => keys,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let frame = board.computed().await?;
    let several = repeated(frame, &keys, counted)?.filter(column(TIMES).gt(lit(1_i64)))?;
    let theirs = (0..keys.len()).map(|at| column(&format!("{COMPUTED}key_{at}")));
    let pairs = keys.into_iter().zip(theirs).collect();
    let marked = mark(board, pairs, several, NullEquality::NullEqualsNull)?;
    Ok(Ok(Expr::Not(Box::new(marked))))
}

/// Whether the values of a row are in the other dataset. Null is in none.
async fn referenced(board: &mut Board<'_>, check: &Check) -> Asked<Expr> {
    let [own, theirs] = check.parameters.as_slice() else {
        return Ok(Err(Verdict::error(format!("{check} needs two parameters"))));
    };
    let pairs = Reference::parse(theirs).map(|reference| {
        let own: Vec<String> = own.split(',').map(|name| name.trim().to_owned()).collect();
        (own, reference)
    });
    let (own, reference) = match pairs {
        Ok(pairs) => pairs,
        Err(what) => return Ok(Err(Verdict::error(what))),
    };
    let other = match others::named(board, &reference.alias) {
        Ok(other) => other,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let names: Vec<(String, String)> = own.into_iter().zip(reference.columns).collect();
    Ok(match others::paired(&board.input.primary, &other, &names) {
        Ok(pairs) => Ok(mark(board, pairs, other, NullEquality::NullEqualsNothing)?),
        Err(error) => Err(refusal(error)?),
    })
}

/// Whether a row is among those that a statement selects: its values of the selected columns are.
async fn selected(board: &mut Board<'_>, check: &Check) -> Asked<Expr> {
    let frame = match others::statement(board, check.parameters.first().map_or("", String::as_str)).await? {
        Ok(frame) => frame,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut pairs = Vec::new();
    for name in names {
        match subject(&board.input.primary, &name) {
            Ok(found) => pairs.push((found.name, name)),
            Err(_) => {
                let what = format!(
                    "it selects {name}, which is no column of {PRIMARY}: rows are found by their columns"
                );
                return Ok(Err(Verdict::error(what)));
            }
        }
    }
    Ok(match others::paired(&board.input.primary, &frame, &pairs) {
        Ok(pairs) => Ok(mark(board, pairs, frame, NullEquality::NullEqualsNull)?),
        Err(error) => Err(refusal(error)?),
    })
}

/// A refusal as a verdict.
fn refusal(error: PlanError) -> Result<Verdict, EngineError> {
    fault(error).map(Verdict::error)
}

/// Adds a column that says whether the other frame has the row's values; each pair is a value of a row and one there.
fn mark(
    board: &mut Board<'_>,
    pairs: Vec<(Expr, Expr)>,
    other: DataFrame,
    nulls: NullEquality,
) -> Result<Expr, EngineError> {
    let (name, found) = (board.name(), board.name());
    let left_key = |at: usize| format!("{name}_left_{at}");
    let right_key = |at: usize| format!("{name}_right_{at}");
    let mut left = board.marked();
    let before: Vec<String> = left.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut theirs = Vec::new();
    for (at, (own, their)) in pairs.into_iter().enumerate() {
        left = left.with_column(&left_key(at), own)?;
        theirs.push(their.alias(right_key(at)));
    }
    let count = theirs.len();
    let right = other.select(theirs)?.distinct()?.with_column(&found, lit(true))?;
    let on = |key: &dyn Fn(usize) -> String| (0..count).map(|at| Column::new_unqualified(key(at))).collect();
    let (left_keys, right_keys): (Vec<Column>, Vec<Column>) = (on(&left_key), on(&right_key));
    let (state, left) = left.into_parts();
    let (_, right) = right.into_parts();
    let joined = LogicalPlanBuilder::from(left)
        .join_detailed(right, JoinType::Left, (left_keys, right_keys), None, nulls)?
        .build()?;
    let mut columns: Vec<Expr> = before.iter().map(|name| column(name)).collect();
    columns.push(coalesce(vec![column(&found), lit(false)]).alias(&name));
    board.mark(DataFrame::new(state, joined).select(columns)?);
    Ok(column(&name))
}
