//! Says what files are taken for, and counts their rows: `cargo run -p formats --example inspect -- FILE…`
//!
//! One line of JSON per file: name, format, columns, header, rows, or the error.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use formats::{ByteSource, FileSource, Format, FormatError, InferOptions, ReadOptions, infer, read};
use futures::TryStreamExt;
use futures::executor::block_on;
use serde_json::{Value, json};

fn inspect(path: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let source: Arc<dyn ByteSource> = Arc::new(FileSource::open(path)?);
    let found = block_on(infer(Arc::clone(&source), &InferOptions::default()))?;
    let mut fields = Vec::new();
    for field in &found.fields {
        fields.push(Field::new(&field.name, field.ty.to_arrow()?, true));
    }
    let schema = Arc::new(Schema::new(fields));
    let batches = read(Arc::clone(&source), 0..source.size(), &found.format, schema, ReadOptions::default());
    let count = |rows: usize, batch: arrow::array::RecordBatch| async move {
        Ok::<_, FormatError>(rows + batch.num_rows())
    };
    let rows = block_on(batches.try_fold(0, count))?;
    let header = match &found.format {
        Format::Csv(csv) => csv.header_lines,
        _ => 0,
    };
    let columns: Vec<String> = found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    Ok(json!({
        "format": found.format.classification(),
        "compression": found.compression.name(),
        "columns": columns,
        "header": header,
        "rows": rows,
    }))
}

fn main() {
    for path in std::env::args_os().skip(1) {
        let path = Path::new(&path);
        let mut line = inspect(path).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        line["file"] = json!(path.display().to_string());
        println!("{line}");
    }
}
