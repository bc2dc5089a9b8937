//! Tables and their versions.
//!
//! A table starts at version 0; every update makes the next number, and keeps the version before
//! it unless the caller skips the archive. The current version is in `catalog_tables`, earlier ones
//! are in `catalog_table_versions`. Versions are compared and swapped inside the caller's
//! transaction, so two writers that read the same version cannot both succeed.

mod aside;
mod pattern;
mod pointer;
mod read;
mod rename;
mod versions;
mod write;

use std::fmt;

use serde_json::{Value, json};
use store::Scope;

use crate::database::seconds;
use crate::error::CatalogError;
use crate::layout::Layout;
use crate::model::{Column, Parameters, SerDeInfo, StorageDescriptor, TableInput};

pub use aside::{Aside, discard, put_back, set_aside};
pub use pattern::NamePattern;
pub use read::{TableQuery, get, get_entry, list, stored_entry};
pub(crate) use read::{find, from_row, get_entry_of, names, stored};
pub use rename::rename;
pub use versions::{TableVersion, delete_version, get_version, list_versions};
pub(crate) use write::delete_all;
pub use write::{Update, create, delete, update};

/// The most archived versions that one table keeps. Source: AWS Glue service quotas, "Number of
/// table versions per table".
pub const MAX_VERSIONS: i64 = 100_000;

/// A table's incarnation: a table that is dropped and made again has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableUid(pub(crate) i64);

impl fmt::Display for TableUid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A table as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The incarnation.
    pub uid: TableUid,
    /// The database's name, in lower case.
    pub database_name: String,
    /// The name, in lower case.
    pub name: String,
    /// The version, from 0.
    pub version: i64,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When this version was made, epoch milliseconds.
    pub updated_ms: i64,
    /// The ARN of who made it.
    pub created_by: String,
    /// Everything that the client gave.
    pub input: TableInput,
    pub(crate) database_uid: i64,
    pub(crate) archived: i64,
    pub(crate) layout: Layout,
}

impl Table {
    /// The open table format that the table is of (`iceberg`, `delta`, `hudi`): its rows are what its log or metadata says,
    /// not what its folder holds. Hudi tables may be told by their InputFormat alone (`org.apache.hudi.hadoop.Hoodie…`), as
    /// Athena's documentation makes them.
    pub fn open_format(&self) -> Option<&'static str> {
        let named =
            ["table_type", "spark.sql.sources.provider"].map(|name| self.parameter(name).unwrap_or_default());
        let of = |format: &&str| named.iter().any(|name| name.eq_ignore_ascii_case(format));
        let input_format = self.storage_descriptor().and_then(|found| found.input_format.as_deref());
        let is_hudi =
            input_format.is_some_and(|class| class.contains(".hadoop.") && class.contains("Hoodie"));
        let found = ["iceberg", "delta", "hudi"].into_iter().find(|format| of(format));
        found.or(is_hudi.then_some("hudi"))
    }

    /// The kind of stream whose records are the table's rows (`kinesis`, `kafka`), as Glue's tables of streams say it: in the
    /// parameters of their storage descriptor. Source: Glue Developer Guide, Creating a Data Catalog table for a streaming source.
    pub fn stream(&self) -> Option<&str> {
        let parameters = self.storage_descriptor().and_then(|found| found.parameters.as_ref());
        let of_descriptor = parameters.and_then(|found| found.get("typeOfData")).map(String::as_str);
        let kinds = [of_descriptor, self.parameter("typeOfData")].into_iter().flatten();
        kinds
            .into_iter()
            .find(|kind| ["kinesis", "kafka"].iter().any(|known| kind.eq_ignore_ascii_case(known)))
    }

    /// The columns without the partition keys.
    pub fn columns(&self) -> &[Column] {
        let columns = self.storage_descriptor().and_then(|found| found.columns.as_deref());
        columns.unwrap_or_default()
    }

    /// The partition keys, in order; empty when the table is not partitioned.
    pub fn partition_keys(&self) -> &[Column] {
        self.input.partition_keys.as_deref().unwrap_or_default()
    }

    /// The storage descriptor.
    pub fn storage_descriptor(&self) -> Option<&StorageDescriptor> {
        self.input.storage_descriptor.as_ref()
    }

    /// Where the data is, for example `s3://bucket/prefix/`.
    pub fn location(&self) -> Option<&str> {
        self.storage_descriptor().and_then(|found| found.location.as_deref())
    }

    /// The serializer.
    pub fn serde_info(&self) -> Option<&SerDeInfo> {
        self.storage_descriptor().and_then(|found| found.serde_info.as_ref())
    }

    /// The properties of the table (not those of its storage descriptor).
    pub fn parameters(&self) -> Option<&Parameters> {
        self.input.parameters.as_ref()
    }

    /// One property of the table.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters().and_then(|found| found.get(key)).map(String::as_str)
    }

    /// `EXTERNAL_TABLE`, `VIRTUAL_VIEW` …
    pub fn table_type(&self) -> Option<&str> {
        self.input.table_type.as_deref()
    }

    /// The table as Glue's `Table` structure.
    pub fn to_json(&self, scope: &Scope) -> Value {
        let mut value = json!(self.input);
        value["DatabaseName"] = json!(self.database_name);
        value["CreateTime"] = json!(seconds(self.created_ms));
        value["UpdateTime"] = json!(seconds(self.updated_ms));
        value["CreatedBy"] = json!(self.created_by);
        value["IsRegisteredWithLakeFormation"] = json!(false);
        value["IsMultiDialectView"] = json!(self.input.other.contains_key("ViewDefinition"));
        value["CatalogId"] = json!(scope.account);
        value["VersionId"] = json!(self.version.to_string());
        default_to(&mut value, "IsRowFilteringEnabled", json!(false));
        default_to(&mut value, "Retention", json!(0));
        default_to(&mut value, "PartitionKeys", json!([]));
        if let Some(descriptor) = value.get_mut("StorageDescriptor") {
            fill_descriptor(descriptor);
        }
        value
    }
}

/// Gives a storage descriptor the defaults that Glue answers with.
pub(crate) fn fill_descriptor(descriptor: &mut Value) {
    default_to(descriptor, "Compressed", json!(false));
    default_to(descriptor, "NumberOfBuckets", json!(0));
    default_to(descriptor, "StoredAsSubDirectories", json!(false));
}

fn default_to(value: &mut Value, member: &str, default: Value) {
    if value.get(member).is_none() {
        value[member] = default;
    }
}

/// Reads a version as a client writes it.
pub(crate) fn parse_version(text: &str) -> Result<i64, CatalogError> {
    match text.parse::<i64>() {
        // Only as versions are written: `+1` and `007` name none.
        Ok(version) if version >= 0 && version.to_string() == text => Ok(version),
        _ => Err(CatalogError::VersionNotFound { version: text.to_owned() }),
    }
}
