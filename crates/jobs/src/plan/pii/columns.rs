//! Columns that hold personal data: which, and what is done with them.
//!
//! A column counts for an entity type when at least the asked share of the rows that were looked at hold it, one at least.
//! A sample that has no row is as good as none, and all rows are looked at then.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::random;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit, when};
use engine::Session;

use super::super::cast::convert;
use super::super::planning::Choice;
use super::super::{PlanError, Planning, column};
use super::functions::{hash, holds};
use super::rules::Rules;
use crate::graph::{EntityType, PiiAction};

/// How much is looked at, and how much is enough.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) sample: f64,
    pub(super) threshold: f64,
}

/// The columns that hold personal data, each with what.
pub(super) async fn find(
    session: &Session,
    frame: &DataFrame,
    texts: &[String],
    entities: &[EntityType],
    limits: Limits,
    planning: &mut Planning<'_>,
) -> Result<Choice, PlanError> {
    let sampled = limits.sample < 1.0;
    let rows = match sampled {
        true => frame.clone().filter(random().lt(lit(limits.sample)))?,
        false => frame.clone(),
    };
    let mut counts = counted(session, rows, texts, entities, planning).await?;
    if sampled && counts.first() == Some(&0) {
        planning.notes.push("the sample has no rows: all are looked at".to_owned());
        counts = counted(session, frame.clone(), texts, entities, planning).await?;
    }
    let mut counts = counts.into_iter();
    let total = counts.next().unwrap_or(0);
    let mut found = Choice::new();
    for name in texts {
        let mut held = Vec::new();
        for entity in entities {
            let rows = counts.next().unwrap_or(0);
            if rows > 0 && rows as f64 >= limits.threshold * total as f64 {
                held.push(entity.name());
            }
        }
        if !held.is_empty() {
            planning.notes.push(format!("{name} holds {}", held.join(", ")));
            found.push((vec![name.clone()], held));
        }
    }
    Ok(found)
}

/// How many rows there are, and how many of them hold each entity type, column by column.
async fn counted(
    session: &Session,
    rows: DataFrame,
    texts: &[String],
    entities: &[EntityType],
    planning: &mut Planning<'_>,
) -> Result<Vec<i64>, PlanError> {
    let mut counts = vec![count(lit(1_i64)).alias("rows")];
    for name in texts {
        for entity in entities {
            let rules = Rules::new(&[*entity]).map_err(|error| PlanError::Refused(error.to_string()))?;
            let held = when(holds(&rules, column(name)), lit(1_i64)).end()?;
            counts.push(count(held).alias(format!("{}_{name}", entity.name())));
        }
    }
    let batches = planning.look(session, rows.aggregate(Vec::new(), counts)?).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    let counted = batch.map(RecordBatch::columns).unwrap_or_default().iter();
    let counted = counted.filter_map(|column| column.as_primitive_opt::<Int64Type>());
    Ok(counted.map(|counts| counts.value(0)).collect())
}

/// Tells the columns, or changes all of their values.
pub(super) fn apply(
    session: &Session,
    frame: DataFrame,
    found: &Choice,
    action: &PiiAction,
) -> Result<DataFrame, PlanError> {
    if *action == PiiAction::Audit {
        return Ok(session.context().read_batch(report(found)?)?);
    }
    let mut columns: Vec<Expr> = Vec::new();
    for field in frame.schema().fields() {
        let name = field.name();
        let is_found = found.iter().any(|(path, _)| path.first() == Some(name));
        let value = match (is_found, action) {
            (true, PiiAction::Mask(mask)) => lit(mask.clone()),
            (true, PiiAction::Hash) => hash(convert(column(name), field.data_type(), &DataType::Utf8)),
            _ => column(name),
        };
        columns.push(value.alias(name));
    }
    Ok(frame.select(columns)?)
}

/// A row per column that was found.
fn report(found: &Choice) -> Result<RecordBatch, PlanError> {
    let names: StringArray = found.iter().map(|(path, _)| path.first()).collect();
    let item = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut entities = ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(&item));
    for (_, held) in found {
        entities.append_value(held.iter().map(|entity| Some(*entity)));
    }
    let schema = Arc::new(Schema::new(vec![
        Field::new("columnName", DataType::Utf8, true),
        Field::new("entityTypes", DataType::List(item), true),
    ]));
    let columns: Vec<ArrayRef> = vec![Arc::new(names), Arc::new(entities.finish())];
    RecordBatch::try_new(schema, columns)
        .map_err(|error| PlanError::Engine(datafusion::error::DataFusionError::from(error).into()))
}
