//! Schemas: fields with ids that never change meaning.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::types::{ListType, MapType, Nested, Primitive, StructType, Type};
use crate::error::MetadataError;

/// A schema. Two are the same when their fields and identifier fields are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Schema {
    #[serde(rename = "type")]
    kind: StructTag,
    /// Its id in the table; a client that adds a schema may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<i32>,
    /// The ids of the fields that identify a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier_field_ids: Vec<i32>,
    /// The columns, in order.
    pub fields: Vec<NestedField>,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A schema is a structure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StructTag {
    Struct,
}

/// A named field of a structure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NestedField {
    /// Its id, unique in the table.
    pub id: i32,
    /// Its name, unique in its structure.
    pub name: String,
    /// Whether it is never null.
    pub required: bool,
    /// Its type.
    #[serde(rename = "type")]
    pub field_type: Type,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// The value of rows that were written before the field was added; format version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_default: Option<Value>,
    /// The value of rows whose writer gives none; format version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_default: Option<Value>,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What is known about one id of a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldInfo<'a> {
    /// Names from the outermost to this one, joined by dots.
    pub path: String,
    /// The type.
    pub field_type: &'a Type,
    /// Whether this field and every structure around it is never null.
    pub always_there: bool,
    /// Whether a list or map is around it.
    pub repeated: bool,
}

impl FieldInfo<'_> {
    /// The primitive type, when it is one.
    pub fn primitive(&self) -> Option<&Primitive> {
        match self.field_type {
            Type::Primitive(primitive) => Some(primitive),
            Type::Nested(_) => None,
        }
    }
}

impl Schema {
    /// A schema of columns.
    pub fn new(schema_id: i32, fields: Vec<NestedField>, identifier_field_ids: Vec<i32>) -> Schema {
        let schema_id = Some(schema_id);
        Schema { kind: StructTag::Struct, schema_id, identifier_field_ids, fields, other: Map::new() }
    }

    /// Its id; 0 when it was given none.
    pub fn id(&self) -> i32 {
        self.schema_id.unwrap_or(0)
    }

    /// Whether two schemas differ in nothing but their id.
    pub fn same_as(&self, other: &Schema) -> bool {
        let identifiers =
            |schema: &Schema| schema.identifier_field_ids.iter().copied().collect::<HashSet<i32>>();
        self.fields == other.fields && identifiers(self) == identifiers(other)
    }

    /// Every id of the schema, elements, keys and values included.
    /// Errors: an id that is used twice or below 1, two fields of one name in a structure.
    pub fn index(&self) -> Result<BTreeMap<i32, FieldInfo<'_>>, MetadataError> {
        let mut index = BTreeMap::new();
        let outside = Around { path: String::new(), always_there: true, repeated: false };
        index_fields(&self.fields, &outside, &mut index)?;
        Ok(index)
    }

    /// Checks everything that a schema alone can get wrong in a table of this format version.
    pub fn check(&self, format_version: u8) -> Result<(), MetadataError> {
        let index = self.index()?;
        for field in index.values() {
            if let Some(primitive) = field.primitive()
                && primitive.since() > format_version
            {
                let message =
                    format!("column {} has the type {primitive}, which needs format version 3", field.path);
                return Err(MetadataError::invalid(message));
            }
        }
        if format_version < 3 {
            check_defaults(&self.fields)?;
        }
        for id in &self.identifier_field_ids {
            check_identifier(*id, index.get(id))?;
        }
        Ok(())
    }

    /// The highest id; 0 when there are no columns.
    pub fn highest_id(&self) -> Result<i32, MetadataError> {
        Ok(self.index()?.keys().next_back().copied().unwrap_or(0))
    }

    /// The same schema with ids from `last` + 1 on, and old id → new id. Ids are given to the fields of a structure in
    /// order, and only then to what is inside them, as the reference implementation does.
    pub fn with_fresh_ids(&self, last: &mut i32) -> Result<(Schema, BTreeMap<i32, i32>), MetadataError> {
        let mut renumbered = BTreeMap::new();
        self.index()?;
        let mut fresh = self.clone();
        number_fields(&mut fresh.fields, last, &mut renumbered);
        for id in &mut fresh.identifier_field_ids {
            let Some(new) = renumbered.get(id) else {
                return Err(MetadataError::invalid(format!(
                    "identifier field {id} is not a field of the schema"
                )));
            };
            *id = *new;
        }
        Ok((fresh, renumbered))
    }
}

/// Where a field is.
struct Around {
    path: String,
    always_there: bool,
    repeated: bool,
}

impl Around {
    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

type Index<'a> = BTreeMap<i32, FieldInfo<'a>>;

fn index_fields<'a>(
    fields: &'a [NestedField],
    around: &Around,
    index: &mut Index<'a>,
) -> Result<(), MetadataError> {
    let mut names = HashSet::new();
    for field in fields {
        if !names.insert(field.name.as_str()) {
            return Err(MetadataError::invalid(format!(
                "there are two fields named {}",
                around.join(&field.name)
            )));
        }
        let inner = Around {
            path: around.join(&field.name),
            always_there: around.always_there && field.required,
            repeated: around.repeated,
        };
        index_one(field.id, &field.field_type, inner, index)?;
    }
    Ok(())
}

fn index_one<'a>(
    id: i32,
    field_type: &'a Type,
    at: Around,
    index: &mut Index<'a>,
) -> Result<(), MetadataError> {
    if id < 1 {
        return Err(MetadataError::invalid(format!("field {} has the id {id}; ids begin at 1", at.path)));
    }
    let Around { path, always_there, repeated } = &at;
    let info = FieldInfo { path: path.clone(), field_type, always_there: *always_there, repeated: *repeated };
    if let Some(before) = index.insert(id, info) {
        let message = format!("fields {} and {path} both have the id {id}", before.path);
        return Err(MetadataError::invalid(message));
    }
    let inside = |name: &str| Around { path: at.join(name), always_there: false, repeated: true };
    match field_type {
        Type::Primitive(_) => Ok(()),
        Type::Nested(Nested::Struct(inner)) => index_fields(&inner.fields, &at, index),
        Type::Nested(Nested::List(list)) => {
            index_one(list.element_id, &list.element, inside("element"), index)
        }
        Type::Nested(Nested::Map(map)) => {
            index_one(map.key_id, &map.key, inside("key"), index)?;
            index_one(map.value_id, &map.value, inside("value"), index)
        }
    }
}

fn check_identifier(id: i32, field: Option<&FieldInfo<'_>>) -> Result<(), MetadataError> {
    let Some(field) = field else {
        return Err(MetadataError::invalid(format!("identifier field {id} is not a field of the schema")));
    };
    let problem = match field.primitive() {
        None => "is not of a primitive type",
        Some(Primitive::Float | Primitive::Double) => "is a floating-point number",
        Some(_) if field.repeated => "is inside a list or map",
        Some(_) if !field.always_there => "may be null",
        Some(_) => return Ok(()),
    };
    Err(MetadataError::invalid(format!("{} cannot identify rows: it {problem}", field.path)))
}

fn check_defaults(fields: &[NestedField]) -> Result<(), MetadataError> {
    for field in fields {
        if field.initial_default.as_ref().is_some_and(|value| !value.is_null()) {
            let message =
                format!("field {} has an initial default, which needs format version 3", field.name);
            return Err(MetadataError::invalid(message));
        }
        inner_fields(&field.field_type, &mut check_defaults)?;
    }
    Ok(())
}

fn inner_fields(
    field_type: &Type,
    visit: &mut dyn FnMut(&[NestedField]) -> Result<(), MetadataError>,
) -> Result<(), MetadataError> {
    match field_type {
        Type::Primitive(_) => Ok(()),
        Type::Nested(Nested::Struct(inner)) => visit(&inner.fields),
        Type::Nested(Nested::List(list)) => inner_fields(&list.element, visit),
        Type::Nested(Nested::Map(map)) => {
            inner_fields(&map.key, visit)?;
            inner_fields(&map.value, visit)
        }
    }
}

fn renumber(id: &mut i32, last: &mut i32, renumbered: &mut BTreeMap<i32, i32>) {
    *last += 1;
    renumbered.insert(*id, *last);
    *id = *last;
}

fn number_fields(fields: &mut [NestedField], last: &mut i32, renumbered: &mut BTreeMap<i32, i32>) {
    for field in fields.iter_mut() {
        renumber(&mut field.id, last, renumbered);
    }
    for field in fields {
        number_type(&mut field.field_type, last, renumbered);
    }
}

fn number_type(field_type: &mut Type, last: &mut i32, renumbered: &mut BTreeMap<i32, i32>) {
    match field_type {
        Type::Primitive(_) => {}
        Type::Nested(Nested::Struct(StructType { fields, .. })) => number_fields(fields, last, renumbered),
        Type::Nested(Nested::List(ListType { element_id, element, .. })) => {
            renumber(element_id, last, renumbered);
            number_type(element, last, renumbered);
        }
        Type::Nested(Nested::Map(MapType { key_id, key, value_id, value, .. })) => {
            renumber(key_id, last, renumbered);
            renumber(value_id, last, renumbered);
            number_type(key, last, renumbered);
            number_type(value, last, renumbered);
        }
    }
}
