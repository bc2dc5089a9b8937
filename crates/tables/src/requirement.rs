//! What a commit asks of the table that it changes.
//!
//! Source: Apache Iceberg REST catalog specification, `TableRequirement`.

use serde::{Deserialize, Serialize};

use crate::error::MetadataError;
use crate::metadata::TableMetadata;

/// A condition under which a commit may happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum TableRequirement {
    /// The table does not exist.
    AssertCreate,
    /// The table has this identity.
    AssertTableUuid {
        /// The identity.
        uuid: String,
    },
    /// A branch or tag names this snapshot; `None`: it does not exist.
    AssertRefSnapshotId {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: String,
        /// The snapshot.
        #[serde(default)]
        snapshot_id: Option<i64>,
    },
    /// No column id has been given since.
    AssertLastAssignedFieldId {
        /// The highest one.
        last_assigned_field_id: i32,
    },
    /// The current schema is the same.
    AssertCurrentSchemaId {
        /// Its id.
        current_schema_id: i32,
    },
    /// No partition field id has been given since.
    AssertLastAssignedPartitionId {
        /// The highest one.
        last_assigned_partition_id: i32,
    },
    /// The default partition spec is the same.
    AssertDefaultSpecId {
        /// Its id.
        default_spec_id: i32,
    },
    /// The default sort order is the same.
    AssertDefaultSortOrderId {
        /// Its id.
        default_sort_order_id: i32,
    },
}

impl TableRequirement {
    /// Checks the condition against the table as it is; `None` when there is none.
    /// Errors: `Requirement`.
    pub fn check(&self, base: Option<&TableMetadata>) -> Result<(), MetadataError> {
        let failed = |what: String| Err(MetadataError::Requirement { what });
        let base = match (self, base) {
            (Self::AssertCreate, None) => return Ok(()),
            (Self::AssertCreate, Some(_)) => return failed("the table already exists".to_owned()),
            (_, None) => return failed("the table does not exist".to_owned()),
            (_, Some(base)) => base,
        };
        match self {
            Self::AssertCreate => Ok(()),
            Self::AssertTableUuid { uuid } => {
                let found = base.table_uuid.as_deref().unwrap_or("none");
                if uuid.eq_ignore_ascii_case(found) {
                    return Ok(());
                }
                failed(format!("the table's UUID does not match: expected {uuid}, found {found}"))
            }
            Self::AssertRefSnapshotId { reference, snapshot_id } => {
                let found = base.refs.get(reference).map(|found| found.snapshot_id);
                if found == *snapshot_id {
                    return Ok(());
                }
                let text = |id: Option<i64>| {
                    id.map_or_else(|| "no snapshot".to_owned(), |id| format!("snapshot {id}"))
                };
                let (expected, found) = (text(*snapshot_id), text(found));
                failed(format!("branch or tag {reference} has changed: expected {expected}, found {found}"))
            }
            Self::AssertLastAssignedFieldId { last_assigned_field_id: id } => {
                same("last assigned field id", *id, base.last_column_id)
            }
            Self::AssertCurrentSchemaId { current_schema_id: id } => {
                same("current schema", *id, base.current_schema_id)
            }
            Self::AssertLastAssignedPartitionId { last_assigned_partition_id: id } => {
                same("last assigned partition id", *id, base.last_partition_id)
            }
            Self::AssertDefaultSpecId { default_spec_id: id } => {
                same("default partition spec", *id, base.default_spec_id)
            }
            Self::AssertDefaultSortOrderId { default_sort_order_id: id } => {
                same("default sort order", *id, base.default_sort_order_id)
            }
        }
    }
}

fn same(what: &str, expected: i32, found: i32) -> Result<(), MetadataError> {
    if expected == found {
        return Ok(());
    }
    let what = format!("the {what} has changed: expected id {expected}, found {found}");
    Err(MetadataError::Requirement { what })
}
