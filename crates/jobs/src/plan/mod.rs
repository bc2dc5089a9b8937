//! From nodes to DataFusion frames.
//!
//! Each node becomes one frame built on those of its inputs. The frames between nodes are always plain:
//! unqualified columns, no two of one name ([`plain`]). Nothing is read while a plan is made, except
//! that SQL text is parsed and bound.
//!
//! What a transform means is what Glue's generated scripts do with it; where that leaves rows out
//! silently or depends on chance, the node's module says what happens here.

mod aggregate;
mod blame;
mod cast;
mod fields;
mod filter;
mod functions;
mod join;
mod mapping;
mod moments;
mod paths;
mod sets;
mod spark;
mod sql;

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use engine::{EngineError, Session};

pub(crate) use blame::{Accused, Blame};
pub(crate) use cast::convert;
pub(crate) use sql::check as check_sql;

use crate::graph::{Node, NodeKind};

/// Why a node cannot be planned. The caller adds the node's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The input has no such field.
    #[error("field {field} is not in its input, which has {}", known.join(", "))]
    NoField {
        /// As the node spells it.
        field: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Something about the data's types or names.
    #[error("{0}")]
    Refused(String),
    /// The engine's own reason.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DataFusionError> for PlanError {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(EngineError::from(error))
    }
}

/// A column of a plain frame.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The same frame with unqualified columns; refuses two columns of one name.
pub(crate) fn plain(frame: DataFrame) -> Result<DataFrame, PlanError> {
    let mut names = BTreeSet::new();
    let mut columns = Vec::new();
    for (qualifier, field) in frame.schema().iter() {
        if !names.insert(field.name().clone()) {
            return Err(PlanError::Refused(format!(
                "its result has two columns named {}; give one of them another name",
                field.name()
            )));
        }
        columns.push(Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(field.name()));
    }
    Ok(frame.select(columns)?)
}

/// Plans one SELECT of Spark over frames by their names. Errors: text that is not one, and what it names that is not there.
pub(crate) async fn select(
    session: &Session,
    text: &str,
    views: Vec<(String, DataFrame)>,
) -> Result<DataFrame, PlanError> {
    check_sql(text)?;
    // Planning holds much; whoever plans several statements need not carry it along.
    Box::pin(sql::select(session, text, views, &Blame::default().accuse("SQL"))).await
}

/// A value as it is compared and grouped.
pub(crate) fn key(expr: Expr, data_type: &DataType) -> Expr {
    spark::key(expr, data_type)
}

/// Two values as what an equality compares them as.
pub(crate) fn equal(left: Expr, a: &DataType, right: Expr, b: &DataType) -> Result<(Expr, Expr), PlanError> {
    spark::equal(left, a, right, b)
}

/// The frame of a transform; `inputs` are the plain frames of its inputs, in order. Lines for the run's log are added
/// to `notes`; `accused`
/// is the node as errors name it.
pub(crate) async fn transform(
    session: &Session,
    node: &Node,
    inputs: Vec<DataFrame>,
    accused: &Accused,
    notes: &mut Vec<String>,
) -> Result<DataFrame, PlanError> {
    let mut inputs = inputs.into_iter();
    let missing = || PlanError::Refused("an input is missing".to_owned());
    let first = inputs.next().ok_or_else(missing)?;
    let frame = match &node.kind {
        NodeKind::Catalog(_) | NodeKind::Files(_) | NodeKind::Quality(_) | NodeKind::Target(_) => first,
        NodeKind::ApplyMapping(mappings) => mapping::apply(first, mappings)?,
        NodeKind::SelectFields(paths) => fields::select(first, paths)?,
        NodeKind::DropFields(paths) => fields::drop(first, paths, notes)?,
        NodeKind::RenameField { from, to } => fields::rename(first, from, to)?,
        NodeKind::Filter { any, conditions } => filter::filter(first, *any, conditions)?,
        NodeKind::Join { kind, left, right } => {
            let second = inputs.next().ok_or_else(missing)?;
            join::join(first, second, *kind, &left.keys, &right.keys)?
        }
        NodeKind::Sql { query, aliases } => {
            let mut frames = vec![first];
            frames.extend(inputs);
            let views = sql::views(&node.inputs, frames, aliases)?;
            sql::query(session, query, views, accused).await?
        }
        NodeKind::Aggregate { groups, aggregations } => aggregate::aggregate(first, groups, aggregations)?,
        NodeKind::DropDuplicates { columns } => sets::drop_duplicates(first, columns)?,
        NodeKind::Union { distinct } => sets::union(first, inputs.next().ok_or_else(missing)?, *distinct)?,
    };
    plain(frame)
}
