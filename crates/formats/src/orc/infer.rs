//! The columns of an ORC file, from its footer.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use orc_rust::reader::metadata::FileMetadata;
use orc_rust::schema::{ArrowSchemaOptions, TimestampPrecision};

use super::fetch::tail;
use super::moments::unreadable;
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::infer::{InferOptions, Inferred, typed};
use crate::options::{Format, OrcOptions};
use crate::source::ByteSource;

pub(super) fn arrow_schema(metadata: &FileMetadata) -> SchemaRef {
    let options = ArrowSchemaOptions::new().with_timestamp_precision(TimestampPrecision::Microsecond);
    Arc::new(metadata.root_data_type().create_arrow_schema_with_options(&HashMap::new(), options))
}

pub(crate) async fn infer(
    source: Arc<dyn ByteSource>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let name = source.name().to_owned();
    let (_, metadata) = tail(&*source).await?;
    let schema = arrow_schema(&metadata);
    if schema.fields().is_empty() {
        let found = "ORC without columns".to_owned();
        return Err(FormatError::new(&name, Problem::NoRecords { found }));
    }
    let (fields, mut problems) = typed(&name, &schema, &[], options)?;
    problems.extend(unreadable(&metadata).into_iter().map(|column| early(&name, column)));
    Ok(Inferred {
        format: Format::Orc(OrcOptions::default()),
        compression: Compression::None,
        fields,
        records: metadata.number_of_rows(),
        record_bytes: source.size(),
        complete: true,
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: 1.0,
        problems,
    })
}

/// A column that a query will fail on.
fn early(name: &str, column: String) -> FormatError {
    let what =
        "reading this column, which has timestamps before 1970 with a fraction of a second,".to_owned();
    let mut error = FormatError::new(name, Problem::Unsupported { what });
    error.place.column = Some(column);
    error
}
