//! PIIDetection: finds personal data in text and tells, masks or hashes it.
//!
//! Only fields of text at the top are looked at; the others are named in the run's log. What is recognised is what a
//! public rule tells apart ([`rules`]). Where entities overlap, the one that begins first counts, then the longest.
//!
//! Columns are judged by one reading of the input before the run goes on ([`columns`]).

mod columns;
mod functions;
mod rules;

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use engine::Session;

use super::{PlanError, Planning, column};
use crate::graph::{Node, Pii, PiiAction, PiiScope};
use functions::{rewrite, tell};
use rules::Rules;

/// The frame after detection.
pub(super) async fn detect(
    session: &Session,
    node: &Node,
    frame: DataFrame,
    pii: &Pii,
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let rules = Rules::new(&pii.entities).map_err(|error| PlanError::Refused(error.to_string()))?;
    let texts = texts(&frame, planning);
    match &pii.scope {
        PiiScope::Rows { output } => rows(frame, &texts, rules, &pii.action, output.as_deref()),
        PiiScope::Columns { sample, threshold } => {
            let found = match planning.decisions.of(node) {
                Some(found) => found,
                None => {
                    let limits = columns::Limits { sample: *sample, threshold: *threshold };
                    let found =
                        columns::find(session, &frame, &texts, &pii.entities, limits, planning).await?;
                    planning.decisions.make(node, &found);
                    found
                }
            };
            columns::apply(session, frame, &found, &pii.action)
        }
    }
}

/// The fields that are looked at.
fn texts(frame: &DataFrame, planning: &mut Planning<'_>) -> Vec<String> {
    let is_text =
        |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let (texts, others): (Vec<_>, Vec<_>) =
        frame.schema().fields().iter().partition(|field| is_text(field.data_type()));
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|field| field.name().as_str()).collect();
        planning.notes.push(format!("fields that are no text are not looked at: {}", names.join(", ")));
    }
    texts.into_iter().map(|field| field.name().clone()).collect()
}

/// Each cell by itself.
fn rows(
    frame: DataFrame,
    texts: &[String],
    rules: Rules,
    action: &PiiAction,
    output: Option<&str>,
) -> Result<DataFrame, PlanError> {
    let mut columns: Vec<Expr> = Vec::new();
    for field in frame.schema().fields() {
        let name = field.name();
        if output == Some(name.as_str()) {
            return Err(PlanError::Refused(format!("OutputColumnName {name} is a field of its input")));
        }
        let changes = texts.contains(name) && *action != PiiAction::Audit;
        columns.push(match changes {
            true => rewrite(&rules, action, column(name))
                .map_err(|error| PlanError::Refused(error.to_string()))?
                .alias(name),
            false => column(name),
        });
    }
    if let Some(output) = output {
        columns.push(tell(&rules, action, texts).alias(output));
    }
    Ok(frame.select(columns)?)
}
