//! FillMissingValues: adds a field that has what is there and, where nothing is, what the other fields let expect.
//!
//! The model of AWS is not public; this one is ours, and docs/jobs.md tells it. The input is read before the run goes on, once
//! for what rows lack, and once for a sample to learn from ([`sample`]); of the sample a part is kept aside, which says whether what was learned is
//! better than the mean or the most frequent value ([`model`]). The model is then asked row by row ([`functions`]).
//!
//! The same rows give the same values, whatever threads read them: the sample is chosen by what the rows hold, and learned
//! from in one order. Memory is bounded by the cells of the sample.

mod bayes;
mod features;
mod functions;
mod model;
mod ridge;
mod sample;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use engine::Session;

use super::{PlanError, Planning, column};
use crate::graph::{FillMissing, Node};
use features::Features;
pub(super) use model::Model;

/// The frame with the filled field behind its others.
pub(super) async fn fill(
    session: &Session,
    node: &Node,
    frame: DataFrame,
    fill: &FillMissing,
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let features = Features::of(&frame, fill)?;
    let model = match planning.decisions.model(node) {
        Some(model) => model,
        // Its columns are known without a look.
        None if !planning.may_look => Arc::default(),
        None => {
            let model = Arc::new(learn(session, &frame, fill, &features, planning).await?);
            planning.decisions.learn(node, &model);
            model
        }
    };
    let filled = functions::predict(model, &features);
    let mut columns: Vec<Expr> = frame.schema().fields().iter().map(|field| column(field.name())).collect();
    columns.push(filled.alias(&fill.to));
    Ok(frame.select(columns)?)
}

/// Reads a sample and learns from it; tells in the run's log how well it can.
async fn learn(
    session: &Session,
    frame: &DataFrame,
    fill: &FillMissing,
    features: &Features,
    planning: &mut Planning<'_>,
) -> Result<Model, PlanError> {
    if !features.unused.is_empty() {
        planning.notes.push(format!(
            "fields that {} is not learned from, because they are nested or bytes, or there are too many: {}",
            fill.from,
            features.unused.join(", ")
        ));
    }
    let gaps = planning.look(session, sample::gaps(frame, features)?).await?;
    let (rows, there) = sample::shares(&gaps);
    if rows == 0 {
        planning.notes.push(format!("{}: no row lacks it", fill.from));
        return Ok(Model::Nothing);
    }
    let batches = planning.look(session, sample::frame(frame, features)?).await?;
    let sample = sample::of(&batches, features, there)?;
    // It may take a second, during which nothing else would be served.
    let learned = tokio::task::spawn_blocking(move || model::learn(sample)).await;
    let learned = learned.map_err(|error| PlanError::Refused(format!("learning was broken off: {error}")))?;
    let told = format!("{}: {rows} rows lack it; {}", fill.from, learned.told);
    if learned.is_poor {
        planning.warnings.push(told)
    } else {
        planning.notes.push(told)
    }
    Ok(learned.model)
}
