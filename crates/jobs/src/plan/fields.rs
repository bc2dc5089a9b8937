//! SelectFields, DropFields, SplitFields and RenameField, nested fields included.
//!
//! A schema is seen as a tree; the nodes change the tree, and what is left becomes the columns again. A
//! structure of which a part was taken away or renamed is put together anew, and is null where it was.
//! A field that SelectFields, SplitFields or RenameField names and that does not exist is an error; DropFields only
//! notes it, because its result is the same.

use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::logical_expr::{Expr, lit, when};

use super::paths::{Found, parts, resolve};
use super::{PlanError, Planning, column, within};
use crate::graph::FieldPath;

/// A field and what its value is made of.
pub(super) struct Branch {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// What a value is made of.
pub(super) enum Shape {
    /// An expression.
    Whole(Expr, DataType),
    /// A structure; null where the expression, if any, is null.
    Parts(Vec<Branch>, Option<Expr>),
}

impl Branch {
    /// The expression that makes the value.
    pub(super) fn into_expr(self) -> Result<Expr, PlanError> {
        match self.shape {
            Shape::Whole(expr, _) => Ok(expr),
            Shape::Parts(parts, origin) => {
                let mut leaves = Vec::new();
                let mut arguments = Vec::new();
                for part in parts {
                    arguments.push(lit(part.name.clone()));
                    let value = part.into_expr()?;
                    leaves.push(value.clone());
                    arguments.push(value);
                }
                let null =
                    match origin {
                        Some(origin) => origin.is_null(),
                        None => leaves.into_iter().map(Expr::is_null).reduce(Expr::and).ok_or_else(|| {
                            PlanError::Refused("a structure without fields is left".to_owned())
                        })?,
                    };
                Ok(when(null, lit(ScalarValue::Null)).otherwise(named_struct(arguments))?)
            }
        }
    }

    /// Makes a whole structure a tree of its fields, one level.
    fn open(&mut self) -> Option<&mut Vec<Branch>> {
        if let Shape::Whole(expr, DataType::Struct(fields)) = &self.shape {
            let parts = fields.iter().map(|field| leaf(field, get_field(expr.clone(), field.name().clone())));
            self.shape = Shape::Parts(parts.collect(), Some(expr.clone()));
        }
        match &mut self.shape {
            Shape::Parts(parts, _) => Some(parts),
            Shape::Whole(..) => None,
        }
    }

    /// Makes structures null where those of the source are, at every depth.
    fn be_null_as(&mut self, source: Expr) {
        if let Shape::Parts(parts, origin) = &mut self.shape {
            for part in parts {
                let source = get_field(source.clone(), part.name.clone());
                part.be_null_as(source);
            }
            *origin = Some(source);
        }
    }
}

fn leaf(field: &Field, expr: Expr) -> Branch {
    Branch { name: field.name().clone(), shape: Shape::Whole(expr, field.data_type().clone()) }
}

fn tree(frame: &DataFrame) -> Vec<Branch> {
    frame.schema().fields().iter().map(|field| leaf(field, column(field.name()))).collect()
}

/// The frame of these fields.
pub(super) fn project(frame: DataFrame, branches: Vec<Branch>) -> Result<DataFrame, PlanError> {
    if branches.is_empty() {
        return Err(PlanError::Refused("no field is left".to_owned()));
    }
    let mut columns = Vec::new();
    for branch in branches {
        let name = branch.name.clone();
        columns.push(branch.into_expr()?.alias(name));
    }
    Ok(frame.select(columns)?)
}

/// Puts a value at a path; refuses a place that is taken.
pub(super) fn insert(branches: &mut Vec<Branch>, path: &[String], value: Shape) -> Result<(), PlanError> {
    let taken = || PlanError::Refused(format!("two fields are put at {}", path.join(".")));
    let Some((name, rest)) = path.split_first() else { return Err(taken()) };
    let at = branches.iter().position(|branch| branch.name == *name);
    match (at.and_then(|at| branches.get_mut(at)), rest) {
        (None, []) => branches.push(Branch { name: name.clone(), shape: value }),
        (None, rest) => {
            let mut parts = Vec::new();
            insert(&mut parts, rest, value)?;
            branches.push(Branch { name: name.clone(), shape: Shape::Parts(parts, None) });
        }
        (Some(_), []) => return Err(taken()),
        (Some(branch), rest) => {
            let put = match &value {
                Shape::Whole(expr, _) => Some(expr.clone()),
                Shape::Parts(..) => None,
            };
            let parts = branch.open().ok_or_else(taken)?;
            insert(parts, rest, value)?;
            // Where the value is one, the structure is there even if the one it came from was null.
            if let Shape::Parts(_, origin) = &mut branch.shape {
                *origin = match (origin.take(), put) {
                    (Some(origin), Some(put)) => Some(either(origin, put)?),
                    _ => None,
                };
            }
        }
    }
    Ok(())
}

/// Null where both are.
fn either(one: Expr, other: Expr) -> Result<Expr, PlanError> {
    Ok(when(one.is_not_null().or(other.is_not_null()), lit(true)).end()?)
}

/// Takes the value at a path away; `None` when there is none.
fn remove(branches: &mut Vec<Branch>, path: &[String]) -> Option<Shape> {
    let (name, rest) = path.split_first()?;
    let at = branches.iter().position(|branch| branch.name == *name)?;
    if rest.is_empty() {
        return Some(branches.remove(at).shape);
    }
    let parts = branches.get_mut(at)?.open()?;
    let removed = remove(parts, rest);
    if parts.is_empty() {
        branches.remove(at);
    }
    removed
}

/// Keeps fields, in the given order; of a structure, its parts in the order they are named. What is chosen twice, or with
/// the structure that it is in, is there once.
pub(super) fn select(frame: DataFrame, paths: &[FieldPath]) -> Result<DataFrame, PlanError> {
    let mut chosen: Vec<Found> = Vec::new();
    for path in paths {
        let found = resolve(frame.schema(), path)?;
        if !chosen.iter().any(|other| found.path.starts_with(&other.path)) {
            chosen.retain(|other| !other.path.starts_with(&found.path));
            chosen.push(found);
        }
    }
    let mut kept: Vec<Branch> = Vec::new();
    for Found { expr, data_type, path } in chosen {
        insert(&mut kept, &path, Shape::Whole(expr, data_type))?;
    }
    for branch in &mut kept {
        let source = column(&branch.name);
        branch.be_null_as(source);
    }
    project(frame, kept)
}

/// The frame of these fields, and that of the others.
pub(super) fn split(
    frame: DataFrame,
    paths: &[FieldPath],
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    let chosen = select(frame.clone(), paths)?;
    Ok(vec![chosen, drop(frame, paths, planning)?])
}

/// Leaves fields out, also those of the structures within arrays.
pub(super) fn drop(
    mut frame: DataFrame,
    paths: &[FieldPath],
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let (found, others): (Vec<_>, Vec<_>) =
        paths.iter().partition(|path| resolve(frame.schema(), path).is_ok());
    for path in others {
        match within::drop(&frame, &parts(path), &planning.accused)? {
            Some(left) => frame = left,
            None => {
                let note = format!("field {} is not in its input; nothing to drop", path.join("."));
                planning.notes.push(note);
            }
        }
    }
    let mut branches = tree(&frame);
    for path in found {
        // What is gone already went with the last field within it.
        if let Ok(found) = resolve(frame.schema(), path) {
            remove(&mut branches, &found.path);
        }
    }
    project(frame, branches)
}

/// Moves a field to another path; at the same level it keeps its place.
pub(super) fn rename(frame: DataFrame, from: &FieldPath, to: &FieldPath) -> Result<DataFrame, PlanError> {
    let found = resolve(frame.schema(), from)?;
    let mut branches = tree(&frame);
    if let ([old], [new]) = (found.path.as_slice(), to.as_slice()) {
        if old != new && branches.iter().any(|branch| branch.name == *new) {
            return Err(PlanError::Refused(format!("its input has a field {new} already")));
        }
        if let Some(branch) = branches.iter_mut().find(|branch| branch.name == *old) {
            branch.name.clone_from(new);
        }
        return project(frame, branches);
    }
    let Some(value) = remove(&mut branches, &found.path) else {
        return Err(PlanError::NoField { field: from.join("."), known: Vec::new() });
    };
    insert(&mut branches, to, value)?;
    project(frame, branches)
}
