//! Writing for a table that has a schema of its own (`avro.schema.literal`): files that can be read through it.
//!
//! What is written may be NULL everywhere by its type; where the table's schema knows no NULL there must not be one.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use serde_json::Value;

use super::read::arrow_schema;
use super::schema;

/// Columns for files of the table, and what its schema says of them.
#[derive(Debug, Clone)]
pub(crate) struct OwnSchema {
    /// The columns as they are written: with the names that the schema has, the record's among them.
    pub(crate) written: Schema,
    /// The same columns as the schema has them.
    theirs: Fields,
}

const NAME: &str = "avro.name";
const NAMESPACE: &str = "avro.namespace";

impl OwnSchema {
    /// The columns, whose types are Avro's, for a table with this schema. `None`: the schema lacks one of them, and so is
    /// not used by readers. Errors: for people, what could not be read through it.
    pub(crate) fn new(literal: &str, columns: &Schema) -> Result<Option<Self>, String> {
        let about = |what: String| format!("avro.schema.literal of the table: {what}");
        let own = schema::parse(literal).map_err(about)?;
        if let Some(record) = schema::recursive(&own) {
            return Err(about(format!("it contains itself (the record {record})")));
        }
        let all = arrow_schema(&own).map_err(about)?;
        let find = |name: &str| all.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name));
        let Some(theirs) =
            columns.fields().iter().map(|c| find(c.name()).cloned()).collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let fields = own.get("fields").and_then(Value::as_array).into_iter().flatten();
        for field in fields.filter(|field| field.get("default").is_none()) {
            let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
            if !theirs.iter().any(|their| their.name() == name) {
                return Err(about(format!(
                    "{name} has no default there, and is not among the columns written"
                )));
            }
        }
        let written: Vec<FieldRef> = columns
            .fields()
            .iter()
            .zip(&theirs)
            .map(|(ours, their)| {
                like(ours, their).map_err(|what| about(format!("column {}: {what}", ours.name())))
            })
            .collect::<Result<_, _>>()?;
        let mut metadata = columns.metadata().clone();
        for (key, part) in [(NAME, "name"), (NAMESPACE, "namespace")] {
            metadata
                .extend(own.get(part).and_then(Value::as_str).map(|text| (key.to_owned(), text.to_owned())));
        }
        Ok(Some(Self { written: Schema::new_with_metadata(written, metadata), theirs: theirs.into() }))
    }

    /// Errors: for people, the column with a NULL where the table's schema has none.
    pub(crate) fn check(&self, columns: &[ArrayRef]) -> Result<(), String> {
        let broken = columns.iter().zip(&self.theirs).find(|(column, their)| has_null(column, their));
        let Some((_, their)) = broken else { return Ok(()) };
        Err(format!(
            "column {}: NULL where avro.schema.literal of the table has a type without null",
            their.name()
        ))
    }
}

/// Our column, named as theirs is. Errors: for people, what cannot be read as theirs.
fn like(ours: &Field, theirs: &Field) -> Result<FieldRef, String> {
    let data_type = match (ours.data_type(), theirs.data_type()) {
        (DataType::Struct(own), DataType::Struct(wanted)) => {
            let fields = wanted.iter().map(|their| {
                let found = own.iter().find(|own| own.name().eq_ignore_ascii_case(their.name()));
                like(found.ok_or_else(|| format!("{} is not among what is written", their.name()))?, their)
            });
            if own.len() != wanted.len() {
                return Err("its parts are not those of the table's schema".to_owned());
            }
            DataType::Struct(fields.collect::<Result<_, _>>()?)
        }
        (DataType::List(own), DataType::List(wanted)) => {
            let item = like(own, wanted)?;
            DataType::List(item.as_ref().clone().with_name(own.name()).into())
        }
        (DataType::Map(own, sorted), DataType::Map(wanted, _)) => {
            let (DataType::Struct(pair), DataType::Struct(their)) = (own.data_type(), wanted.data_type())
            else {
                return Err("it is no map".to_owned());
            };
            let ([key, value], [_, their]) = (pair.as_ref(), their.as_ref()) else {
                return Err("it is no map".to_owned());
            };
            let value = like(value, their)?.as_ref().clone().with_name(value.name());
            let pair = DataType::Struct(vec![key.clone(), value.into()].into());
            DataType::Map(own.as_ref().clone().with_data_type(pair).into(), *sorted)
        }
        (own, wanted) if own == wanted => own.clone(),
        (DataType::Int32, DataType::Int64) | (DataType::Float32, DataType::Float64) => {
            ours.data_type().clone()
        }
        (own, wanted) => return Err(format!("{wanted} there, which is not written from {own}")),
    };
    Ok(Field::new(theirs.name(), data_type, true).into())
}

/// Whether there is a NULL where the type has none, at any depth. The parts of structures are in the order of `theirs`.
fn has_null(column: &ArrayRef, theirs: &Field) -> bool {
    if !theirs.is_nullable() && column.null_count() > 0 {
        return true;
    }
    match (column.data_type(), theirs.data_type()) {
        (DataType::Struct(_), DataType::Struct(wanted)) => {
            let within = column.as_struct();
            // Parts of a structure that is NULL itself are not written.
            let present = (0..within.len()).filter(|row| within.is_valid(*row));
            let rows: Vec<u32> = present.map(|row| row as u32).collect();
            within.columns().iter().zip(wanted).any(|(part, their)| {
                let kept = arrow::compute::take(part, &arrow::array::UInt32Array::from(rows.clone()), None);
                kept.map_or(true, |part| has_null(&part, their))
            })
        }
        (DataType::List(_), DataType::List(wanted)) => {
            column.as_list::<i32>().iter().flatten().any(|items| has_null(&items, wanted))
        }
        (DataType::Map(..), DataType::Map(wanted, _)) => {
            let DataType::Struct(pair) = wanted.data_type() else { return true };
            let Some(their) = pair.get(1) else { return true };
            column.as_map().iter().flatten().any(|entries| has_null(entries.column(1), their))
        }
        _ => false,
    }
}
