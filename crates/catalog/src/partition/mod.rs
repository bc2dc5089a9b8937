//! Partitions of tables.
//!
//! A partition is known by its values (as text: `1` and `01` are two partitions). It is stored as
//! a row with what is its own and a reference to its shape: the part of the storage descriptor
//! that partitions of a table mostly share (columns, formats, serializer). Shapes and the kinds of
//! values (see [`crate::expression`]) are counted, so the last partition that leaves takes them
//! along. Listings go by index ranges, page by page; a page token holds a position in the order of
//! the index, so partitions that come and go between two pages neither repeat nor hide others.

mod delta;
pub mod index;
mod list;
mod parts;
mod plan;
mod read;
mod scan;
mod shape;
mod write;

use serde_json::{Value, json};
use store::Scope;

use crate::database::seconds;
use crate::error::CatalogError;
use crate::model::{Parameters, PartitionInput, StorageDescriptor};
use crate::table::fill_descriptor;

pub use list::{MAX_PAGE, PartitionQuery, Segment, list};
pub(crate) use read::read_keys;
pub use read::{batch_get, get};
pub use write::{Upserted, batch_create, batch_delete, batch_update, create, delete, update, upsert};

/// A partition as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// The database's name, in lower case.
    pub database_name: String,
    /// The table's name, in lower case.
    pub table_name: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// Everything that the client gave, values included.
    pub input: PartitionInput,
}

impl Partition {
    /// A value for each partition key, in the order of the keys.
    pub fn values(&self) -> &[String] {
        &self.input.values
    }

    /// The storage descriptor.
    pub fn storage_descriptor(&self) -> Option<&StorageDescriptor> {
        self.input.storage_descriptor.as_ref()
    }

    /// The partition's own parameters.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.input.parameters.as_ref()
    }

    /// Where the data is, for example `s3://bucket/prefix/dt=2024-01-01/`.
    pub fn location(&self) -> Option<&str> {
        self.storage_descriptor().and_then(|found| found.location.as_deref())
    }

    /// The partition as Glue's `Partition` structure.
    pub fn to_json(&self, scope: &Scope) -> Value {
        let mut value = json!(self.input);
        value["Values"] = json!(self.input.values);
        value["DatabaseName"] = json!(self.database_name);
        value["TableName"] = json!(self.table_name);
        value["CreationTime"] = json!(seconds(self.created_ms));
        value["CatalogId"] = json!(scope.account);
        if let Some(descriptor) = value.get_mut("StorageDescriptor") {
            fill_descriptor(descriptor);
        }
        value
    }
}

/// What went wrong with one partition of a batch; the others of the batch were done.
#[derive(Debug)]
pub struct PartitionError {
    /// The values of that partition.
    pub values: Vec<String>,
    /// Why.
    pub error: CatalogError,
}
