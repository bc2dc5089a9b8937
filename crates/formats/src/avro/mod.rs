//! Avro object container files.
//!
//! [`container`] takes the file apart into blocks, finds them behind any offset by their sync marker, and decompresses
//! them; [`walk`] checks that a block holds exactly the records that it says; only then does the `arrow-avro` crate
//! decode them, handed over as small uncompressed files of our own making. (Given a whole file, it takes one that is cut
//! short for one that ends, does not compare markers, and never returns from a block with too low a count.)
//!
//! Types: `null` in a union makes a column nullable; a union of several branches is `bigint` or `double` when all its
//! branches are numbers of that kind, and else a structure `member0`, `member1`, … with a field per branch, as Spark
//! reads it. Logical types that Hive lacks (times of day, `uuid`, `duration`) are read as what they are stored as.
//!
//! Memory: a block as stored and decompressed, and about a MiB of them at a time.

mod container;
mod infer;
mod names;
mod nulls;
mod own;
mod read;
mod schema;
mod walk;

pub(crate) use infer::infer;
pub(crate) use own::OwnSchema;
pub(crate) use read::AvroReader;

use serde_json::Value;

use crate::error::{FormatError, Problem};

pub(crate) const MAGIC: &[u8] = b"Obj\x01";

/// A file's schema, of which columns can be made.
fn file_schema(source: &str, text: &str) -> Result<Value, FormatError> {
    let schema = schema::parse(text).map_err(|e| damaged(source, e))?;
    match schema::recursive(&schema) {
        None => Ok(schema),
        Some(record) => {
            let what = format!("an Avro schema that contains itself (the record {record})");
            Err(FormatError::new(source, Problem::Unsupported { what }))
        }
    }
}

fn damaged(source: &str, message: impl Into<String>) -> FormatError {
    FormatError::new(source, Problem::Damaged { format: "Avro", message: message.into() })
}
