//! What a new schema may make of the columns of rows that are there.
//!
//! Files keep the types that they were written with, and are read by the current schema: a type that cannot hold what they
//! hold, or a column that they must have and do not, would be misread or unreadable. A table that has no rows, or loses them
//! by the same commit (a table that is replaced), may change as it likes.
//! Source: Apache Iceberg table specification, "Schema Evolution" and "Default values".

use std::collections::HashSet;

use crate::error::MetadataError;
use crate::metadata::{Nested, NestedField, Primitive, Schema, TableMetadata, Type};

/// Errors: `Invalid` names the column.
pub(super) fn check(base: &TableMetadata, next: &TableMetadata) -> Result<(), MetadataError> {
    let (Some(before), Some(after)) = (base.current_schema(), next.current_schema()) else {
        return Ok(());
    };
    if before.same_as(after) || !keeps_rows(base, next) {
        return Ok(());
    }
    Evolution { before, format_version: next.format_version }.fields(&after.fields, "")
}

/// Whether rows that were current are current still: a snapshot of the base is among what the current one was made of.
fn keeps_rows(base: &TableMetadata, next: &TableMetadata) -> bool {
    let known: HashSet<i64> = base.snapshots.iter().map(|snapshot| snapshot.snapshot_id).collect();
    let mut seen = HashSet::new();
    let mut at = next.current_snapshot_id();
    while let Some(id) = at.filter(|id| seen.insert(*id)) {
        if known.contains(&id) {
            return true;
        }
        at = next.snapshot(id).and_then(|snapshot| snapshot.parent_snapshot_id);
    }
    false
}

struct Evolution<'a> {
    before: &'a Schema,
    format_version: u8,
}

impl Evolution<'_> {
    fn fields(&self, fields: &[NestedField], around: &str) -> Result<(), MetadataError> {
        for field in fields {
            let path = joined(around, &field.name);
            match find(&self.before.fields, field.id) {
                Some(old) if field.required && !old.required => {
                    return Err(refused(&path, "may hold nulls and cannot become required"));
                }
                Some(old) => self.types(&old.field_type, &field.field_type, &path)?,
                None if field.required
                    && field.initial_default.as_ref().is_none_or(|value| value.is_null()) =>
                {
                    let why = "is new and required: rows that are there have no value of it; make it optional, or \
                               (format version 3) give it an initial default";
                    return Err(refused(&path, why));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn types(&self, old: &Type, new: &Type, path: &str) -> Result<(), MetadataError> {
        match (old, new) {
            (Type::Primitive(old), Type::Primitive(new)) if self.widens(old, new) => Ok(()),
            (Type::Primitive(Primitive::Unknown), _) => Ok(()),
            (Type::Nested(Nested::Struct(_)), Type::Nested(Nested::Struct(new))) => {
                self.fields(&new.fields, path)
            }
            (Type::Nested(Nested::List(old)), Type::Nested(Nested::List(new))) => {
                let path = joined(path, "element");
                required(old.element_required, new.element_required, &path)?;
                self.types(&old.element, &new.element, &path)
            }
            (Type::Nested(Nested::Map(old)), Type::Nested(Nested::Map(new))) => {
                self.types(&old.key, &new.key, &joined(path, "key"))?;
                let path = joined(path, "value");
                required(old.value_required, new.value_required, &path)?;
                self.types(&old.value, &new.value, &path)
            }
            _ => Err(refused(path, &format!("cannot become {}", named(new)))),
        }
    }

    /// Whether every value of one type is one of the other.
    fn widens(&self, old: &Primitive, new: &Primitive) -> bool {
        use Primitive::{Date, Decimal, Double, Float, Int, Long, Timestamp, TimestampNs};
        match (old, new) {
            (Int, Long) | (Float, Double) => true,
            (Decimal(precision, scale), Decimal(wider, same)) => wider >= precision && same == scale,
            (Date, Timestamp | TimestampNs) => self.format_version >= 3,
            (old, new) => old == new,
        }
    }
}

fn required(was: bool, is: bool, path: &str) -> Result<(), MetadataError> {
    if is && !was { Err(refused(path, "may hold nulls and cannot become required")) } else { Ok(()) }
}

fn refused(path: &str, why: &str) -> MetadataError {
    MetadataError::invalid(format!("column {path} {why}"))
}

fn joined(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") }
}

fn named(kind: &Type) -> String {
    match kind {
        Type::Primitive(primitive) => format!(
            "{primitive}: its type may only widen (int to long, float to double, decimal of more digits)"
        ),
        Type::Nested(Nested::Struct(_)) => "a struct".to_owned(),
        Type::Nested(Nested::List(_)) => "a list".to_owned(),
        Type::Nested(Nested::Map(_)) => "a map".to_owned(),
    }
}

/// The field of an id, however deep.
fn find(fields: &[NestedField], id: i32) -> Option<&NestedField> {
    fields.iter().find_map(|field| if field.id == id { Some(field) } else { inside(&field.field_type, id) })
}

fn inside(kind: &Type, id: i32) -> Option<&NestedField> {
    match kind {
        Type::Primitive(_) => None,
        Type::Nested(Nested::Struct(inner)) => find(&inner.fields, id),
        Type::Nested(Nested::List(list)) => inside(&list.element, id),
        Type::Nested(Nested::Map(map)) => inside(&map.key, id).or_else(|| inside(&map.value, id)),
    }
}
