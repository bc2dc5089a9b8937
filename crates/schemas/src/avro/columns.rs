//! The Hive columns of Avro records, as Hive's Avro SerDe maps them.

use super::{Avro, Logical, Named, NamedKind, Primitive, Shape, Type};
use crate::{Column, Invalid};

/// Types within types.
const MAX_DEPTH: usize = 64;

/// The fields of the record as columns.
pub(crate) fn columns(schema: &Avro) -> Result<Vec<Column>, Invalid> {
    let record = match &schema.root.shape {
        Shape::Named(place) => schema.named.get(*place),
        _ => None,
    };
    let Some(Named { kind: NamedKind::Record(fields), .. }) = record else {
        return Err(Invalid::new("only an Avro record has columns"));
    };
    let column = |field: &super::Field| {
        let hive_type = hive(schema, &field.kind, 0)
            .map_err(|error| Invalid::new(format!("{}: {}", field.name, error.message)))?;
        Ok(Column { name: field.name.clone(), hive_type, comment: field.doc.clone() })
    };
    fields.iter().map(column).collect()
}

fn hive(schema: &Avro, kind: &Type, depth: usize) -> Result<String, Invalid> {
    if depth > MAX_DEPTH {
        return Err(Invalid::new("a type that holds itself has no Hive type"));
    }
    let inner = |kind: &Type| hive(schema, kind, depth + 1);
    Ok(match &kind.shape {
        Shape::Primitive(primitive) => primitive_type(*primitive, kind.logical),
        Shape::Array(items) => format!("array<{}>", inner(items)?),
        Shape::Map(values) => format!("map<string,{}>", inner(values)?),
        Shape::Union(branches) => {
            let is_null = |branch: &&Type| matches!(branch.shape, Shape::Primitive(Primitive::Null));
            let values: Vec<&Type> = branches.iter().filter(|branch| !is_null(branch)).collect();
            match values.as_slice() {
                [] => "void".to_owned(),
                [only] => inner(only)?,
                several => {
                    let types: Result<Vec<String>, Invalid> =
                        several.iter().map(|kind| inner(kind)).collect();
                    format!("uniontype<{}>", types?.join(","))
                }
            }
        }
        Shape::Named(place) => match schema.named.get(*place).map(|named| &named.kind) {
            Some(NamedKind::Record(fields)) => {
                let members: Result<Vec<String>, Invalid> = fields
                    .iter()
                    .map(|field| Ok(format!("{}:{}", field.name, inner(&field.kind)?)))
                    .collect();
                format!("struct<{}>", members?.join(","))
            }
            Some(NamedKind::Enum { .. }) => "string".to_owned(),
            Some(NamedKind::Fixed { logical, .. }) => match logical {
                Some(Logical::Decimal { precision, scale }) => format!("decimal({precision},{scale})"),
                _ => "binary".to_owned(),
            },
            Some(NamedKind::Pending) | None => return Err(Invalid::new("a type has no definition")),
        },
    })
}

fn primitive_type(primitive: Primitive, logical: Option<Logical>) -> String {
    match (primitive, logical) {
        (_, Some(Logical::Decimal { precision, scale })) => format!("decimal({precision},{scale})"),
        (_, Some(Logical::Date)) => "date".to_owned(),
        (
            _,
            Some(
                Logical::TimestampMillis
                | Logical::TimestampMicros
                | Logical::LocalTimestampMillis
                | Logical::LocalTimestampMicros,
            ),
        ) => "timestamp".to_owned(),
        (Primitive::Null, _) => "void".to_owned(),
        (Primitive::Boolean, _) => "boolean".to_owned(),
        (Primitive::Int, _) => "int".to_owned(),
        (Primitive::Long, _) => "bigint".to_owned(),
        (Primitive::Float, _) => "float".to_owned(),
        (Primitive::Double, _) => "double".to_owned(),
        (Primitive::Bytes, _) => "binary".to_owned(),
        (Primitive::String, _) => "string".to_owned(),
    }
}
