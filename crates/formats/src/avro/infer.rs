//! The columns of an Avro file, from its header; its records, from the first blocks.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::container::Blocks;
use super::read::arrow_schema;
use super::{damaged, file_schema};
use crate::compression::Compression;
use crate::error::FormatError;
use crate::infer::{InferOptions, Inferred, typed};
use crate::options::{AvroOptions, Format};
use crate::source::ByteSource;

pub(crate) async fn infer(
    source: Arc<dyn ByteSource>,
    options: &InferOptions,
) -> Result<Inferred, FormatError> {
    let name = source.name().to_owned();
    let mut blocks = Blocks::open(&*source, 0..source.size()).await?;
    let text = blocks.header().schema.clone();
    let writer = file_schema(&name, &text)?;
    // The decoder's own defect on a strange schema must not take the process down.
    let found = std::panic::catch_unwind(AssertUnwindSafe(|| arrow_schema(&writer)));
    let found = found.unwrap_or_else(|_| Err("the schema cannot be made out".to_owned()));
    let found = found.map_err(|e| damaged(&name, e))?;
    let (fields, problems) = typed(&name, &found, &[], options)?;
    let (mut records, mut bytes, mut complete) = (0, 0, false);
    while bytes < options.sample_bytes as u64 {
        let Some(block) = blocks.next().await? else {
            complete = true;
            break;
        };
        records += block.count;
        bytes += block.stored;
    }
    Ok(Inferred {
        format: Format::Avro(AvroOptions { schema: Some(text) }),
        compression: Compression::None,
        fields,
        records,
        record_bytes: bytes,
        complete,
        titled: None,
        quoted: false,
        backslashes: false,
        unseen: 0,
        certainty: 1.0,
        problems,
    })
}
