//! ApplyMapping: picks, renames, casts and regroups fields.
//!
//! The result has the mapped fields only, in the order of the mapping. `ToKey` with dots makes
//! structures; `Children` map the fields of a structure, their paths continuing the parent's. The type
//! that is cast is the data's own; `FromType` (what the data was expected to be) does not change it. Of a field with values of
//! several types all are cast.
//! A value that cannot be cast is null, as in Glue. A field that the input lacks is an error: Glue
//! leaves the column out, and whatever reads it next fails far from the cause.

use datafusion::dataframe::DataFrame;

use super::PlanError;
use super::builtin::{self, is_choice};
use super::cast::{check, convert, glue_type};
use super::fields::{Branch, Shape, insert, project};
use super::paths::resolve;
use crate::graph::Mapping;

/// The frame of a mapping.
pub(super) fn apply(frame: DataFrame, mappings: &[Mapping]) -> Result<DataFrame, PlanError> {
    let mut branches: Vec<Branch> = Vec::new();
    add(&frame, &mut branches, mappings, &[], &[])?;
    project(frame, branches)
}

fn add(
    frame: &DataFrame,
    branches: &mut Vec<Branch>,
    mappings: &[Mapping],
    from_prefix: &[String],
    to_prefix: &[String],
) -> Result<(), PlanError> {
    for mapping in mappings {
        let from = [from_prefix, mapping.from.as_slice()].concat();
        let to = [to_prefix, mapping.to.as_slice()].concat();
        if let Some(text) = &mapping.from_type {
            glue_type(text)?;
        }
        if !mapping.children.is_empty() {
            add(frame, branches, &mapping.children, &from, &to)?;
            continue;
        }
        let found = resolve(frame.schema(), &from)?;
        let wanted = match &mapping.to_type {
            Some(text) => glue_type(text)?,
            None => None,
        };
        let shape = match wanted {
            None => Shape::Whole(found.expr, found.data_type),
            Some(wanted) if is_choice(&found.data_type) => {
                builtin::cast(found.expr, &found.data_type, &wanted, &from)?
            }
            Some(wanted) => {
                check(&from, &found.data_type, &wanted)?;
                Shape::Whole(convert(found.expr, &found.data_type, &wanted), wanted)
            }
        };
        insert(branches, &to, shape)?;
    }
    Ok(())
}
