//! Which columns a format can hold so that readers get the same values back.
//!
//! CSV has single values only. CSV, JSON and XML have no bytes: readers take the text of a `binary` column for its bytes.

use arrow::datatypes::{DataType, Schema};

use super::avro::avro_schema;
use super::orc::orc_schema;
use super::xml;
use crate::hive::shown;
use crate::json::names::NameIndex;
use crate::options::{CsvOptions, Format, JsonOptions};

/// Whether the format holds every column.
/// Errors: a text for people, with the first column that it cannot hold, its type, and what can be done.
pub fn check_writable(format: &Format, schema: &Schema) -> Result<(), String> {
    let refusal = match format {
        Format::Avro(avro) => avro_schema(avro, schema).err(),
        Format::Orc(_) => orc_schema(schema).err().map(|why| format!("{why}; use parquet, or drop it")),
        Format::Excel(_) => Some("Excel workbooks are read, not written; use csv".to_owned()),
        Format::Lines(_) => Some("lines that a pattern takes apart can only be read".to_owned()),
        Format::Xml(xml) => xml::check(xml, schema).err(),
        Format::Ion(_) => Some("Ion can only be read; use json or parquet".to_owned()),
        Format::Csv(csv) => unwritable_dialect(csv).map(str::to_owned),
        Format::Json(json) => unwritable_json(json, schema),
        Format::Parquet(_) => None,
    };
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    for field in schema.fields() {
        let data_type = field.data_type();
        let (binary, nested) = (has_binary(data_type), data_type.is_nested());
        let label = match format {
            Format::Csv(_) if binary || nested => "CSV",
            Format::Json(_) if binary => "JSON",
            _ => continue,
        };
        let others = if binary { "parquet" } else { "json or parquet" };
        return Err(format!(
            "column {} ({}) cannot be written as {label}; use {others}, or drop it",
            field.name(),
            shown(data_type)
        ));
    }
    Ok(())
}

/// Dialects whose readers would pass over some of what is written.
fn unwritable_dialect(csv: &CsvOptions) -> Option<&'static str> {
    if csv.encoding.is_some() {
        return Some("text is written as UTF-8 only");
    }
    if csv.header_lines > 1 {
        return Some(
            "skip.header.line.count is more than 1, and one line of names is all that is written: make it 1 or 0, or write \
             to a table of its own",
        );
    }
    if csv.footer_lines > 0 {
        return Some(
            "skip.footer.line.count leaves out the last rows of each file: make it 0, or write to a table of its own",
        );
    }
    csv.comment.map(|_| "the table's files have comments, from which rows could not be told")
}

/// Tables whose readers would not find what is written.
fn unwritable_json(json: &JsonOptions, schema: &Schema) -> Option<String> {
    if let Some(path) = &json.path {
        return Some(format!(
            "the table's rows are the values at {} within each document, and only rows by themselves are written",
            path.as_str()
        ));
    }
    NameIndex::new(schema, json).err()
}

/// Whether there are bytes at any depth.
fn has_binary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            true
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => has_binary(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_binary(field.data_type())),
        DataType::Dictionary(_, values) => has_binary(values),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;
    use crate::hive::HiveType;
    use crate::options::ParquetOptions;
    use crate::source::MemorySink;
    use crate::write::{WriteOptions, Writer};

    fn refusal(format: &Format, hive: &str) -> Option<String> {
        let data_type = hive.parse::<HiveType>().unwrap().to_arrow().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("c", data_type, true)]));
        let refused = check_writable(format, &schema).err();
        let sink = MemorySink::default();
        let writer = Writer::new("f", format, schema, &WriteOptions::default(), sink);
        assert_eq!(writer.err().map(|e| e.to_string()), refused.as_ref().map(|text| format!("f: {text}")));
        refused
    }

    #[test]
    fn what_would_not_come_back_is_refused() {
        let csv = Format::Csv(CsvOptions::standard());
        let json = Format::Json(JsonOptions::default());
        let parquet = Format::Parquet(ParquetOptions::default());
        let text = |hive: &str, label: &str, others: &str| {
            Some(format!("column c ({hive}) cannot be written as {label}; use {others}, or drop it"))
        };
        for hive in ["binary", "array<binary>", "struct<a:int,b:map<string,binary>>"] {
            assert_eq!(refusal(&json, hive), text(hive, "JSON", "parquet"));
            assert_eq!(refusal(&csv, hive), text(hive, "CSV", "parquet"));
            assert_eq!(refusal(&parquet, hive), None);
        }
        for hive in ["array<bigint>", "struct<a:int>", "map<string,int>"] {
            assert_eq!(refusal(&csv, hive), text(hive, "CSV", "json or parquet"));
            assert_eq!(refusal(&json, hive), None);
        }
        for skipping in [
            CsvOptions { header_lines: 2, ..CsvOptions::standard() },
            CsvOptions { footer_lines: 1, ..CsvOptions::standard() },
            CsvOptions { comment: Some(b'#'), ..CsvOptions::standard() },
        ] {
            assert!(refusal(&Format::Csv(skipping), "string").is_some());
        }
        let path = "$.Records[*]".parse().ok();
        let deep = Format::Json(JsonOptions { path, ..JsonOptions::default() });
        assert!(refusal(&deep, "string").unwrap().contains("$.Records[*]"));
        let columns = ["a", "b"].map(|name| Field::new(name, DataType::Utf8, true));
        let mapping = ["a", "b"].map(|name| (name.to_owned(), "X".to_owned())).into();
        let one = Format::Json(JsonOptions { mapping, ..JsonOptions::default() });
        assert!(check_writable(&one, &Schema::new(columns.to_vec())).is_err());
        for hive in ["string", "decimal(10,2)", "timestamp"] {
            assert_eq!((refusal(&csv, hive), refusal(&json, hive)), (None, None));
        }
    }
}
