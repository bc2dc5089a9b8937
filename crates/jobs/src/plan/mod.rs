//! From nodes to DataFusion frames.
//!
//! Each node becomes one frame built on those of its inputs. The frames between nodes are always plain:
//! unqualified columns, no two of one name ([`plain`]). Nothing is read while a plan is made, except
//! that SQL text is parsed and bound, and that what a node has to know of its rows beforehand (which columns hold
//! nothing, which personal data, what the values of a field depend on) is looked for once ([`Planning::look`]).
//!
//! What a transform means is what Glue's generated scripts do with it; where that leaves rows out
//! silently or depends on chance, the node's module says what happens here.

mod aggregate;
mod aside;
mod blame;
mod builtin;
mod cast;
mod fields;
mod fill;
mod filter;
mod functions;
mod groups;
mod join;
mod mapping;
mod moments;
mod nested;
mod nulls;
mod once;
mod operators;
mod paths;
mod pii;
mod planning;
mod rows;
mod sets;
mod spark;
mod sql;
mod studio;
mod within;

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use engine::{EngineError, Session};
use formats::hive::HiveType;

pub(crate) use blame::{Accused, Blame};
pub(crate) use cast::{convert, glue_type};
pub(crate) use nested::fitted;
pub(crate) use nulls::check_value;
pub(crate) use planning::{Decisions, Planning};
pub(crate) use rows::sample;
pub(crate) use spark::check_json_path;
pub(crate) use sql::{check as check_sql, check_expression};

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
    /// What it gives depends on its rows, of which none may be read.
    #[error("its columns depend on its rows, which are not read")]
    Unseen,
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

/// The schema of columns, all of which may be null, by their names and types as the catalog writes these.
pub(crate) fn declared<'a>(
    columns: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Schema, PlanError> {
    let mut fields = Vec::new();
    for (name, hive) in columns {
        let data_type = hive.parse::<HiveType>().ok().and_then(|hive| hive.to_arrow().ok());
        let data_type = data_type.ok_or_else(|| {
            PlanError::Refused(format!("column {name} has the type {hive}, which is not known"))
        })?;
        fields.push(Field::new(name, data_type, true));
    }
    Ok(Schema::new(fields))
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

/// The frame with a structure of its own for every choice, so that nothing in files tells them from others.
pub(crate) fn settled(session: &Session, frame: DataFrame) -> Result<DataFrame, PlanError> {
    builtin::settled(session, frame)
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

/// The frames of a transform, one unless it gives a collection; `inputs` are the plain frames of its inputs, in order.
pub(crate) async fn transform(
    session: &Session,
    node: &Node,
    inputs: Vec<DataFrame>,
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    if let Some(kept) = planning.decisions.tables(node) {
        return plain_all(kept);
    }
    let frames = transformed(session, node, inputs, planning).await?;
    if !planning.may_look {
        return Ok(frames);
    }
    once::alike(session, node, frames, planning).await
}

async fn transformed(
    session: &Session,
    node: &Node,
    inputs: Vec<DataFrame>,
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    let mut inputs = inputs.into_iter();
    let missing = || PlanError::Refused("an input is missing".to_owned());
    let first = inputs.next().ok_or_else(missing)?;
    let frame = match &node.kind {
        NodeKind::SplitFields(paths) => return plain_all(fields::split(first, paths, planning)?),
        NodeKind::Route(groups) => return plain_all(rows::route(&first, groups)?),
        NodeKind::SelectFromCollection(index) => {
            let count = 1 + inputs.len();
            let beyond = || format!("Index is {index}, but its input gives {count} frames, from 0");
            let chosen = std::iter::once(first).chain(inputs).nth(*index);
            chosen.ok_or_else(|| PlanError::Refused(beyond()))?
        }
        NodeKind::Catalog(_)
        | NodeKind::Files(_)
        | NodeKind::Delta(_)
        | NodeKind::Jdbc(_)
        | NodeKind::Quality(_)
        | NodeKind::Spigot(_)
        | NodeKind::Target(_) => first,
        NodeKind::ApplyMapping(mappings) => mapping::apply(first, mappings)?,
        NodeKind::SelectFields(paths) => fields::select(first, paths)?,
        NodeKind::DropFields(paths) => fields::drop(first, paths, planning)?,
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
            sql::query(session, query, views, &planning.accused).await?
        }
        NodeKind::Aggregate { groups, aggregations } => aggregate::aggregate(first, groups, aggregations)?,
        NodeKind::DropDuplicates { columns } => sets::drop_duplicates(first, columns)?,
        NodeKind::Union { distinct } => sets::union(first, inputs.next().ok_or_else(missing)?, *distinct)?,
        NodeKind::Merge { source, keys } => {
            let second = inputs.next().ok_or_else(missing)?;
            match node.inputs.first() == Some(source) {
                true => rows::merge(first, second, keys)?,
                false => rows::merge(second, first, keys)?,
            }
        }
        NodeKind::Code(_) | NodeKind::Dynamic(_) => return Err(PlanError::Unseen),
        NodeKind::BuiltIn(own) => {
            return plain_all(builtin::call(session, node, own, first, planning).await?);
        }
        NodeKind::DropNullFields(values) => nulls::drop(session, node, first, values, planning).await?,
        NodeKind::Pii(pii) => pii::detect(session, node, first, pii, planning).await?,
        NodeKind::FillMissing(own) => fill::fill(session, node, first, own, planning).await?,
    };
    plain_all(vec![frame])
}

fn plain_all(frames: Vec<DataFrame>) -> Result<Vec<DataFrame>, PlanError> {
    frames.into_iter().map(plain).collect()
}
