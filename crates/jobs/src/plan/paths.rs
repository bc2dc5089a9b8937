//! Field paths against a schema.

use arrow::datatypes::{DataType, Fields};
use datafusion::common::DFSchema;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::Expr;
use formats::hive::is_choice;

use super::{PlanError, column};
use crate::graph::FieldPath;

/// A field that was found.
pub(super) struct Found {
    /// Its value.
    pub(super) expr: Expr,
    /// Its type.
    pub(super) data_type: DataType,
    /// Its path as the data spells it.
    pub(super) path: FieldPath,
}

/// Finds a field by its path. Names match as spelled, else the only one that differs in case.
pub(super) fn resolve(schema: &DFSchema, path: &[String]) -> Result<Found, PlanError> {
    let found = descend(schema.fields(), path).or_else(|| descend(schema.fields(), &parts(path)));
    found.ok_or_else(|| PlanError::NoField { field: path.join("."), known: names(schema.fields()) })
}

/// The names of a path, which may have come as one dotted name.
pub(super) fn parts(path: &[String]) -> FieldPath {
    match path {
        [one] => one.split('.').map(str::to_owned).collect(),
        path => path.to_vec(),
    }
}

/// As [`resolve`]; refuses a choice, of whose values there is no one meaning.
pub(super) fn resolve_single(schema: &DFSchema, path: &[String]) -> Result<Found, PlanError> {
    let found = resolve(schema, path)?;
    let DataType::Struct(types) = &found.data_type else { return Ok(found) };
    if !is_choice(types) {
        return Ok(found);
    }
    let (path, names) = (path.join("."), names(types));
    Err(PlanError::Refused(format!(
        "{path} holds values of several types, {}: give it one before, by a node with resolveChoice or an ApplyMapping, or \
         take those of one type, {path}.{}",
        names.join(" and "),
        names.first().map_or("", String::as_str)
    )))
}

/// Whether `field` is `name` with a number behind, as repeated names of headers have it.
fn is_numbered(field: &str, name: &str) -> bool {
    let number = field.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The names of fields, for messages.
pub(super) fn names(fields: &Fields) -> Vec<String> {
    fields.iter().map(|field| field.name().clone()).collect()
}

fn descend(fields: &Fields, path: &[String]) -> Option<Found> {
    let (first, rest) = path.split_first()?;
    let at = position(fields, first)?;
    let field = fields.get(at)?;
    let mut found = Found {
        expr: column(field.name()),
        data_type: field.data_type().clone(),
        path: vec![field.name().clone()],
    };
    for name in rest {
        let DataType::Struct(children) = &found.data_type else { return None };
        let child = children.get(position(children, name)?)?.clone();
        found.expr = get_field(found.expr, child.name().clone());
        found.path.push(child.name().clone());
        found.data_type = child.data_type().clone();
    }
    Some(found)
}

/// Where a name is among fields: as spelled, else the only one that differs in case. Of a header with `id` and `ID` the
/// second column is called `ID_1`: then `ID` could be either, and is neither.
pub(super) fn position(fields: &Fields, name: &str) -> Option<usize> {
    if let Some(at) = fields.iter().position(|field| field.name() == name) {
        return Some(at);
    }
    if fields.iter().any(|field| is_numbered(field.name(), name)) {
        return None;
    }
    let lower = name.to_lowercase();
    let mut alike = fields.iter().enumerate().filter(|(_, field)| field.name().to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}
