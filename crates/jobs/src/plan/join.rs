//! Join.
//!
//! Keys compare with the usual equality (null equals nothing); keys of different types are compared as
//! Spark does, text with numbers as numbers. Two keys of the same name become one column. Any other
//! column that both inputs have is refused: Spark would fail when such a result is written, Glue's own
//! join would rename one of them silently.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, JoinType, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::Expr;

use super::PlanError;
use super::cast::convert;
use super::paths::resolve_single;
use crate::graph::{FieldPath, JoinKind};

const LEFT: &str = "l";
const RIGHT: &str = "r";
const KEY: &str = "__key_";

/// The joined frame.
pub(super) fn join(
    left: DataFrame,
    right: DataFrame,
    kind: JoinKind,
    left_keys: &[FieldPath],
    right_keys: &[FieldPath],
) -> Result<DataFrame, PlanError> {
    let only_left = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
    let left_names: Vec<String> = names(&left);
    let right_names: Vec<String> = names(&right);
    let shared = shared_keys(&left, &right, left_keys, right_keys)?;
    if !only_left {
        refuse_collisions(&left_names, &right_names, &shared)?;
    }
    let (left_schema, right_schema) = (left.schema().clone(), right.schema().clone());
    let key = unused(&[&left_names, &right_names]);
    let (left, right) = with_keys(left, right, left_keys, right_keys, &key)?;
    let left = left.alias(LEFT)?;
    let right = right.alias(RIGHT)?;
    let on = (0..left_keys.len())
        .map(|at| qualified(LEFT, &format!("{key}{at}")).eq(qualified(RIGHT, &format!("{key}{at}"))));
    let joined = left.join_on(right, join_type(kind), on)?;
    let mut columns: Vec<Expr> = Vec::new();
    for name in &left_names {
        let own = qualified(LEFT, name);
        let value = match kind {
            JoinKind::Right if shared.contains(name) => qualified(RIGHT, name),
            JoinKind::Outer if shared.contains(name) => {
                let (wanted, found) = (type_of(&left_schema, name), type_of(&right_schema, name));
                coalesce(vec![own, convert(qualified(RIGHT, name), &found, &wanted)])
            }
            _ => own,
        };
        columns.push(value.alias(name.as_str()));
    }
    if !only_left {
        let rest = right_names.iter().filter(|name| !shared.contains(*name));
        columns.extend(rest.map(|name| qualified(RIGHT, name).alias(name.as_str())));
    }
    Ok(joined.select(columns)?)
}

fn type_of(schema: &DFSchema, name: &str) -> DataType {
    schema
        .fields()
        .iter()
        .find(|field| field.name() == name)
        .map_or(DataType::Null, |field| field.data_type().clone())
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Right => JoinType::Right,
        JoinKind::Outer => JoinType::Full,
        JoinKind::LeftSemi => JoinType::LeftSemi,
        JoinKind::LeftAnti => JoinType::LeftAnti,
    }
}

fn names(frame: &DataFrame) -> Vec<String> {
    super::paths::names(frame.schema().fields())
}

fn qualified(relation: &'static str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(relation)), name))
}

/// The top-level keys that have the same name on both sides.
fn shared_keys(
    left: &DataFrame,
    right: &DataFrame,
    left_keys: &[FieldPath],
    right_keys: &[FieldPath],
) -> Result<BTreeSet<String>, PlanError> {
    let mut shared = BTreeSet::new();
    for (left_key, right_key) in left_keys.iter().zip(right_keys) {
        let (a, b) = (resolve_single(left.schema(), left_key)?, resolve_single(right.schema(), right_key)?);
        if let ([a], [b]) = (a.path.as_slice(), b.path.as_slice())
            && a == b
        {
            shared.insert(a.clone());
        }
    }
    Ok(shared)
}

fn refuse_collisions(left: &[String], right: &[String], shared: &BTreeSet<String>) -> Result<(), PlanError> {
    let both: Vec<&str> = right
        .iter()
        .filter(|name| left.contains(name) && !shared.contains(*name))
        .map(String::as_str)
        .collect();
    if both.is_empty() {
        return Ok(());
    }
    Err(PlanError::Refused(format!(
        "both inputs have the columns {}; rename or drop them in one input (RenameField, ApplyMapping, DropFields)",
        both.join(", ")
    )))
}

/// What the names of added columns begin with, as none of these names does.
fn unused(known: &[&[String]]) -> String {
    let mut begin = KEY.to_owned();
    while known.iter().copied().flatten().any(|name| name.starts_with(&begin)) {
        begin.push('_');
    }
    begin
}

/// Adds the compared values as columns of a common type, whose names begin with `key`.
fn with_keys(
    mut left: DataFrame,
    mut right: DataFrame,
    left_keys: &[FieldPath],
    right_keys: &[FieldPath],
    key: &str,
) -> Result<(DataFrame, DataFrame), PlanError> {
    let pairs: Vec<_> = left_keys.iter().zip(right_keys).collect();
    for (at, (left_key, right_key)) in pairs.into_iter().enumerate() {
        let (a, b) = (resolve_single(left.schema(), left_key)?, resolve_single(right.schema(), right_key)?);
        let (a, b) = super::spark::equal(a.expr, &a.data_type, b.expr, &b.data_type)?;
        let name = format!("{key}{at}");
        left = left.with_column(&name, a)?;
        right = right.with_column(&name, b)?;
    }
    Ok((left, right))
}
