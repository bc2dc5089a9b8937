//! Matches columns of Parquet files to an Iceberg table's by field id.
//!
//! A renamed column keeps its id, and a new column of an old name gets another one: by name, old files would show NULL
//! for the first and another column's values for the second. So a file's fields are given the names that their ids have in
//! the table, fields whose id the table does not have any more are given names that no column has, and the rest is as for
//! tables that match by name.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use datafusion::{
    error::Result,
    parquet::arrow::PARQUET_FIELD_ID_META_KEY,
    physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory},
};
use tables::metadata::{Nested, NestedField, Schema as TableSchema, Type};

use super::parquet;
use crate::EngineError;

/// The ids of a table's columns, and what they are called.
#[derive(Debug)]
pub(crate) struct ById {
    table: String,
    columns: Vec<Named>,
    /// Columns that a file may leave out because its partition says their value.
    by_partition: BTreeSet<i32>,
}

/// A field: its id, its name here, what is inside.
#[derive(Debug)]
struct Named {
    id: i32,
    name: String,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    Nothing,
    Struct(Vec<Named>),
    List(Box<Inside>),
    Map(Box<(Inside, Inside)>),
}

impl ById {
    /// `columns` are those of `schema` as the provider calls them, in the same order.
    pub(crate) fn new(
        table: &str,
        schema: &TableSchema,
        columns: &SchemaRef,
        by_partition: BTreeSet<i32>,
    ) -> Self {
        Self { table: table.to_owned(), columns: named(&schema.fields, columns.fields()), by_partition }
    }

    fn renamed(&self, file: &Fields) -> Result<Fields, String> {
        let ids: Vec<Option<i32>> = file.iter().map(id).collect();
        if !file.is_empty() && ids.iter().all(Option::is_none) {
            return Err("a file of it has no field ids (name mapping is not supported)".to_owned());
        }
        let missing = self
            .columns
            .iter()
            .find(|column| self.by_partition.contains(&column.id) && !ids.contains(&Some(column.id)));
        if let Some(column) = missing {
            let name = &column.name;
            return Err(format!(
                "a file of it leaves out the partition column {name}, which is not supported"
            ));
        }
        renamed_fields(file, &self.columns)
    }
}

impl PhysicalExprAdapterFactory for ById {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let fields = self.renamed(file.fields()).map_err(|what| {
            EngineError::TableUnsupported { table: self.table.clone(), what }.into_datafusion()
        })?;
        let renamed = Arc::new(Schema::new_with_metadata(fields, file.metadata().clone()));
        parquet::adapter(table, file, renamed)
    }
}

fn named(fields: &[NestedField], here: &Fields) -> Vec<Named> {
    let pairs = fields.iter().zip(here);
    let name = |(field, here): (&NestedField, &FieldRef)| Named {
        id: field.id,
        name: here.name().clone(),
        inside: inside(&field.field_type, here.data_type()),
    };
    pairs.map(name).collect()
}

fn inside(field_type: &Type, here: &DataType) -> Inside {
    match (field_type, here) {
        (Type::Nested(Nested::Struct(inner)), DataType::Struct(fields)) => {
            Inside::Struct(named(&inner.fields, fields))
        }
        (Type::Nested(Nested::List(list)), DataType::List(item)) => {
            Inside::List(Box::new(inside(&list.element, item.data_type())))
        }
        (Type::Nested(Nested::Map(map)), DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => Inside::Map(Box::new((
                inside(&map.key, pair[0].data_type()),
                inside(&map.value, pair[1].data_type()),
            ))),
            _ => Inside::Nothing,
        },
        _ => Inside::Nothing,
    }
}

fn id(field: &FieldRef) -> Option<i32> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}

fn renamed_fields(file: &Fields, wanted: &[Named]) -> Result<Fields, String> {
    let renamed = file.iter().enumerate().map(|(position, field)| {
        let Some(wanted) = id(field).and_then(|id| wanted.iter().find(|wanted| wanted.id == id)) else {
            // No column has such a name: the unit separator is in no name that a parser lets through.
            let name = format!("\u{1f}{position}");
            return Ok(Arc::new(field.as_ref().clone().with_name(name)));
        };
        let data_type = renamed_type(field.data_type(), &wanted.inside)?;
        Ok(Arc::new(field.as_ref().clone().with_name(&wanted.name).with_data_type(data_type)))
    });
    renamed.collect()
}

fn renamed_type(file: &DataType, wanted: &Inside) -> Result<DataType, String> {
    let item = |field: &FieldRef, wanted: &Inside| -> Result<FieldRef, String> {
        let data_type = renamed_type(field.data_type(), wanted)?;
        check_unchanged(&data_type, wanted)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
    };
    Ok(match (file, wanted) {
        (DataType::Struct(fields), Inside::Struct(wanted)) => {
            DataType::Struct(renamed_fields(fields, wanted)?)
        }
        (DataType::List(field), Inside::List(wanted)) => DataType::List(item(field, wanted)?),
        (DataType::LargeList(field), Inside::List(wanted)) => DataType::LargeList(item(field, wanted)?),
        (DataType::Map(entries, sorted), Inside::Map(wanted)) => {
            let DataType::Struct(pair) = entries.data_type() else { return Ok(file.clone()) };
            let (Some(key), Some(value)) = (pair.first(), pair.get(1)) else { return Ok(file.clone()) };
            let pair = Fields::from(vec![item(key, &wanted.0)?, item(value, &wanted.1)?]);
            DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(DataType::Struct(pair))), *sorted)
        }
        _ => file.clone(),
    })
}

/// Structures in lists and maps are cast by position: they must have the fields of the table, in its order.
fn check_unchanged(file: &DataType, wanted: &Inside) -> Result<(), String> {
    let (DataType::Struct(fields), Inside::Struct(wanted)) = (file, wanted) else { return Ok(()) };
    let same = fields.len() == wanted.len()
        && fields.iter().zip(wanted).all(|(field, wanted)| *field.name() == wanted.name);
    if same {
        return Ok(());
    }
    Err("the fields of a structure inside a list or map have changed since a file of it was written, which is not \
         supported"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;
    use std::collections::HashMap;

    fn field(id: i32, name: &str, data_type: DataType) -> Field {
        let metadata = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]);
        Field::new(name, data_type, true).with_metadata(metadata)
    }

    fn row(fields: Vec<Field>) -> DataType {
        DataType::Struct(fields.into())
    }

    fn list(id: i32, of: DataType) -> DataType {
        DataType::List(Arc::new(field(id, "element", of)))
    }

    /// A table of `id` (1), `name` (2), `place` (3: `city` 4, `zip` 5) and `stops` (6: elements 7 with `at` 8).
    fn table(by_partition: &[i32]) -> ById {
        let plain = |name: &str, of: DataType| Field::new(name, of, true);
        let place = row(vec![plain("city", DataType::Utf8), plain("zip", DataType::Int32)]);
        let stops = DataType::List(Arc::new(plain("element", row(vec![plain("at", DataType::Utf8)]))));
        let columns = [
            plain("id", DataType::Int64),
            plain("name", DataType::Utf8),
            plain("place", place),
            plain("stops", stops),
        ];
        let schema = r#"{"type": "struct", "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"}, {"id": 2, "name": "Name", "required": false, "type": "string"},
            {"id": 3, "name": "place", "required": false, "type": {"type": "struct", "fields": [
                {"id": 4, "name": "City", "required": false, "type": "string"}, {"id": 5, "name": "zip", "required": false, "type": "int"}]}},
            {"id": 6, "name": "stops", "required": false, "type": {"type": "list", "element-id": 7, "element-required": false,
                "element": {"type": "struct", "fields": [{"id": 8, "name": "at", "required": false, "type": "string"}]}}}]}"#;
        let schema: TableSchema = serde_json::from_str(schema).expect("schema");
        let columns: SchemaRef = Arc::new(Schema::new(columns.to_vec()));
        ById::new("db.t", &schema, &columns, by_partition.iter().copied().collect())
    }

    fn names(fields: &Fields) -> Vec<&str> {
        fields.iter().map(|field| field.name().as_str()).collect()
    }

    #[test]
    fn ids_decide_and_names_do_not() {
        let place = row(vec![field(5, "city", DataType::Int32), field(9, "zip", DataType::Utf8)]);
        let file = Fields::from(vec![
            field(2, "id", DataType::Utf8),
            field(1, "key", DataType::Int32),
            field(30, "name", DataType::Utf8),
            field(3, "where", place),
            Field::new("place", DataType::Utf8, true),
        ]);
        let renamed = table(&[]).renamed(&file).expect("renamed");
        assert_eq!(names(&renamed), ["name", "id", "\u{1f}2", "place", "\u{1f}4"]);
        let DataType::Struct(inner) = renamed[3].data_type() else { panic!("{renamed:?}") };
        assert_eq!(names(inner), ["zip", "\u{1f}1"]);
    }

    #[test]
    fn what_would_be_guessed_is_refused() {
        let bare = Fields::from(vec![Field::new("id", DataType::Int64, true)]);
        assert!(table(&[]).renamed(&bare).expect_err("no ids").contains("no field ids"));
        let without = Fields::from(vec![field(1, "id", DataType::Int64)]);
        assert!(table(&[2]).renamed(&without).expect_err("no name").contains("partition column name"));
        assert!(table(&[1]).renamed(&without).is_ok());
        let stops = |inner: Vec<Field>| Fields::from(vec![field(6, "stops", list(7, row(inner)))]);
        assert!(table(&[]).renamed(&stops(vec![field(8, "AT", DataType::Utf8)])).is_ok());
        let wider = stops(vec![field(8, "at", DataType::Utf8), field(9, "more", DataType::Utf8)]);
        assert!(table(&[]).renamed(&wider).expect_err("changed").contains("inside a list or map"));
    }
}
