//! A column of JSON documents as structures, arrays or maps.
//!
//! Where no type is given, all documents are looked at once before the plan is made, for all targets: the look is an aggregate,
//! whose memory grows with the names of members, not with the rows. A text that is neither an object nor an array is null.

mod shape;
mod values;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use engine::Session;
use formats::hive::HiveType;

use super::super::paths::resolve_single;
use super::super::{PlanError, Planning, column, spark};
use super::with_exprs;
use crate::graph::{FromJson, Node};
use shape::Found;

/// The frame with what the documents hold.
pub(in crate::plan) async fn from_json(
    session: &Session,
    node: &Node,
    own: &FromJson,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let found = resolve_single(frame.schema(), &own.column)?;
    let shown = found.path.join(".");
    if !matches!(found.data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let ty = formats::hive::shown(&found.data_type);
        return Err(PlanError::Refused(format!("{shown} is {ty}, and JSON documents are text")));
    }
    let text = spark::text_of(found.expr, &found.data_type)?;
    let noted = planning.decisions.names(node).and_then(|noted| noted.first()?.parse().ok());
    let ty = match own.schema.clone().or(noted) {
        Some(ty) => ty,
        None => {
            let ty = look(session, &frame, text.clone(), &shown, planning).await?;
            planning.decisions.note_names(node, &[ty.to_string()]);
            ty
        }
    };
    let ty = ty.to_arrow().map_err(|error| PlanError::Refused(format!("{shown}: {error}")))?;
    with_exprs(frame, vec![(&own.name, values::read(text, ty))], "")
}

/// The type that all documents have.
async fn look(
    session: &Session,
    frame: &DataFrame,
    text: Expr,
    shown: &str,
    planning: &mut Planning<'_>,
) -> Result<HiveType, PlanError> {
    const FOUND: &str = "found";
    let rows = frame.clone().aggregate(Vec::new(), vec![shape::found_in(text).alias(FOUND)])?;
    let rows = rows.select(vec![column(FOUND)])?;
    let mut found = Found::default();
    for batch in planning.look(session, rows).await? {
        for state in batch.columns().iter().filter_map(|states| states.as_string_opt::<i32>()) {
            for state in state.iter().flatten() {
                found.merge(Found::read(state)?);
            }
        }
    }
    let ty = found.ty().map_err(|what| PlanError::Refused(format!("{shown} {what}")))?;
    let (others, texts) = (found.others, found.others + found.documents);
    if others > 0 {
        planning.warnings.push(format!(
            "{others} of {texts} texts of {shown} are no JSON objects or arrays, and become null"
        ));
    }
    Ok(ty)
}
