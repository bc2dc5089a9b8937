//! Rows of texts as batches of the table's types.
//!
//! A text that is not of its column's type is an error that names the column, never a null.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, RecordBatch, RecordBatchOptions, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use formats::hive::{HiveType, shown};
use sources::jdbc::{Column, Texts};

/// A batch is full with so many rows, or with so many bytes of texts.
const BATCH_ROWS: usize = 8_192;
const BATCH_BYTES: usize = 8 << 20;

/// The database's columns under the names and types of `declared` (found ignoring case), or all under their own.
pub(super) fn columns(
    found: Vec<Column>,
    declared: Option<&Schema>,
) -> Result<(Vec<Column>, SchemaRef), String> {
    let Some(declared) = declared else {
        let mut fields = Vec::new();
        for column in &found {
            let hive: HiveType =
                column.hive_type.parse().map_err(|error| format!("column {}: {error}", column.name))?;
            let data_type = hive.to_arrow().map_err(|error| format!("column {}: {error}", column.name))?;
            fields.push(Field::new(&column.name, data_type, true));
        }
        return Ok((found, Arc::new(Schema::new(fields))));
    };
    let mut columns = Vec::new();
    for field in declared.fields() {
        let own = found.iter().find(|column| column.name == *field.name());
        let own = own.or_else(|| found.iter().find(|column| column.name.eq_ignore_ascii_case(field.name())));
        match own {
            Some(own) => columns.push(own.clone()),
            None => return Err(format!("it has no column {} any more; crawl it again", field.name())),
        }
    }
    Ok((columns, Arc::new(declared.clone())))
}

/// A batch that is being filled.
pub(super) struct Rows {
    schema: SchemaRef,
    /// Whether a column's texts are hexadecimal digits.
    hexadecimal: Vec<bool>,
    builders: Vec<StringBuilder>,
    rows: usize,
    bytes: usize,
}

impl Rows {
    pub(super) fn new(columns: &[Column], schema: SchemaRef) -> Self {
        let hexadecimal = columns.iter().map(|column| column.hive_type == "binary").collect();
        let builders = columns.iter().map(|_| StringBuilder::new()).collect();
        Self { schema, hexadecimal, builders, rows: 0, bytes: 0 }
    }

    /// Adds a row; its size.
    pub(super) fn push(&mut self, row: Texts) -> usize {
        let bytes = row.iter().flatten().map(String::len).sum();
        for (builder, text) in self.builders.iter_mut().zip(row) {
            builder.append_option(text);
        }
        self.rows += 1;
        self.bytes += bytes;
        bytes
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far; the next ones begin another batch.
    pub(super) fn take(&mut self) -> Result<RecordBatch, String> {
        let mut arrays = Vec::with_capacity(self.builders.len());
        for ((field, builder), hexadecimal) in
            self.schema.fields().iter().zip(&mut self.builders).zip(&self.hexadecimal)
        {
            arrays.push(typed(field, &builder.finish(), *hexadecimal)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| error.to_string())
    }
}

fn typed(field: &Field, texts: &StringArray, hexadecimal: bool) -> Result<ArrayRef, String> {
    let wrong = |what: String| format!("column {}: {what}", field.name());
    match (field.data_type(), hexadecimal) {
        (DataType::Utf8, _) => Ok(Arc::new(texts.clone())),
        (DataType::Binary, true) => {
            let mut bytes = BinaryBuilder::new();
            for text in texts {
                match text {
                    Some(text) => {
                        bytes.append_value(hex::decode(text).map_err(|error| wrong(error.to_string()))?)
                    }
                    None => bytes.append_null(),
                }
            }
            Ok(Arc::new(bytes.finish()))
        }
        (data_type, _) if data_type.is_nested() => Err(wrong(format!(
            "values of the type {} are not read; leave it out, or read a view without it",
            shown(data_type)
        ))),
        (data_type, _) => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(texts, data_type, &options).map_err(|error| wrong(error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;

    use super::*;

    fn column(name: &str, hive: &str) -> Column {
        Column {
            name: name.to_owned(),
            native_type: String::new(),
            hive_type: hive.to_owned(),
            nullable: true,
            comment: None,
        }
    }

    #[test]
    fn texts_become_values_or_an_error_that_names_the_column() {
        let types = ["int", "boolean", "double", "decimal(5,2)", "date", "timestamp", "binary", "string"];
        let found = types.iter().map(|hive| column(&format!("c_{hive}"), hive)).collect();
        let (columns, schema) = columns(found, None).unwrap();
        let mut rows = Rows::new(&columns, schema);
        let row = ["-5", "true", "1e300", "12.5", "2026-09-01", "2026-09-01 10:00:00.000001", "00ff", "x"];
        rows.push(row.iter().map(|text| Some((*text).to_owned())).collect());
        rows.push(row.iter().map(|_| None).collect());
        let batch = rows.take().unwrap();
        assert_eq!((batch.num_rows(), batch.column(3).null_count()), (2, 1));
        assert!(rows.is_empty());
        let mut row: Texts = row.iter().map(|_| None).collect();
        row[0] = Some("3000000000".to_owned());
        rows.push(row);
        assert!(rows.take().unwrap_err().contains("column c_int"));
    }

    #[test]
    fn declared_columns_are_found_ignoring_case() {
        let declared = Schema::new(vec![Field::new("id", DataType::Int64, true)]);
        let (found, schema) =
            columns(vec![column("x", "int"), column("ID", "int")], Some(&declared)).unwrap();
        assert_eq!((found[0].name.as_str(), schema.field(0).name().as_str()), ("ID", "id"));
        let message = columns(vec![column("x", "int")], Some(&declared)).unwrap_err();
        assert!(message.contains("no column id any more"), "{message}");
    }
}
