//! Checkpoints: the actions that a log came to, as the rows of a Parquet file.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow_json::LineDelimitedWriter;
use formats::{ByteSource, Format, ParquetOptions, ReadOptions, read};
use futures::StreamExt;

use super::action::State;

/// Rows are turned into the lines that commits consist of, so that both are understood by the same code.
/// The error says what is wrong.
pub(super) async fn replay(source: Arc<dyn ByteSource>, state: &mut State) -> Result<(), String> {
    let (size, format) = (source.size(), Format::Parquet(ParquetOptions {}));
    let mut batches = read(source, 0..size, &format, wanted(), ReadOptions::default());
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| error.to_string())?;
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| error.to_string())?;
        state.read(&writer.into_inner()).map_err(|what| format!("a row of it: {what}"))?;
    }
    Ok(())
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn structure(name: &str, fields: Vec<Field>) -> Field {
    Field::new(name, DataType::Struct(Fields::from(fields)), true)
}

fn list(name: &str) -> Field {
    Field::new(name, DataType::List(Arc::new(text("element"))), true)
}

fn map(name: &str) -> Field {
    let pair = Fields::from(vec![Field::new("key", DataType::Utf8, false), text("value")]);
    let entries = Field::new("key_value", DataType::Struct(pair), false);
    Field::new(name, DataType::Map(Arc::new(entries), false), true)
}

/// What is read of a checkpoint; statistics, by far its largest part, are not.
fn wanted() -> SchemaRef {
    let vector = || {
        let offset = Field::new("offset", DataType::Int64, true);
        structure("deletionVector", vec![text("storageType"), text("pathOrInlineDv"), offset])
    };
    Arc::new(Schema::new(vec![
        structure("add", vec![text("path"), map("partitionValues"), number("size"), vector()]),
        structure(
            "metaData",
            vec![
                text("id"),
                text("name"),
                number("createdTime"),
                text("schemaString"),
                list("partitionColumns"),
                map("configuration"),
                text("description"),
                structure("format", vec![text("provider")]),
            ],
        ),
        structure(
            "protocol",
            vec![
                number("minReaderVersion"),
                number("minWriterVersion"),
                list("readerFeatures"),
                list("writerFeatures"),
            ],
        ),
        structure("sidecar", vec![text("path")]),
    ]))
}
