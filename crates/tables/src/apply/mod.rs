//! Applying updates to metadata: a pure function of metadata, updates and time.
//!
//! Schemas, specs and sort orders that are there already are used again instead of being added twice, so that a commit
//! that is repeated by its client changes nothing the second time. What comes out is checked as a whole
//! ([`TableMetadata::check`]): a commit cannot leave a table that names what does not exist.
//! Source: Apache Iceberg table specification and the behaviour that the REST specification describes per update.

mod create;
mod evolution;
mod shape;
mod snapshots;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use serde_json::Map;

use crate::error::MetadataError;
use crate::metadata::{FIRST_PARTITION_FIELD_ID, MAX_FORMAT_VERSION, TableMetadata};
use crate::update::TableUpdate;

pub use create::{NewTable, create};

/// Names of properties that are facts of the metadata and no settings.
const RESERVED: &[&str] = &[
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

/// The format version of new tables that ask for none.
const DEFAULT_FORMAT_VERSION: u8 = 2;

/// What the updates make of a table; of nothing, when `base` is `None`. `fresh_uuid` becomes the identity of a table that
/// has none. `now_ms` is epoch milliseconds. Whether the base is the one that the client meant is for
/// [`crate::TableRequirement::check`] to say.
/// Errors: `Invalid`, `Version`.
pub fn apply(
    base: Option<&TableMetadata>,
    updates: &[TableUpdate],
    fresh_uuid: &str,
    now_ms: i64,
) -> Result<TableMetadata, MetadataError> {
    let mut builder = Builder::new(base, fresh_uuid, now_ms);
    for update in updates {
        builder.apply(update)?;
    }
    builder.finish()
}

struct Builder<'a> {
    base: Option<&'a TableMetadata>,
    next: TableMetadata,
    now_ms: i64,
    added_schema: Option<i32>,
    added_spec: Option<i32>,
    added_sort_order: Option<i32>,
    added_snapshots: HashSet<i64>,
    /// Time of the added snapshot that became the current one.
    became_current_ms: Option<i64>,
}

impl<'a> Builder<'a> {
    fn new(base: Option<&'a TableMetadata>, fresh_uuid: &str, now_ms: i64) -> Self {
        let mut next = base.cloned().unwrap_or_else(|| empty(now_ms));
        next.table_uuid.get_or_insert_with(|| fresh_uuid.to_owned());
        Self {
            base,
            next,
            now_ms,
            added_schema: None,
            added_spec: None,
            added_sort_order: None,
            added_snapshots: HashSet::new(),
            became_current_ms: None,
        }
    }

    fn apply(&mut self, update: &TableUpdate) -> Result<(), MetadataError> {
        match update {
            TableUpdate::AssignUuid { uuid } => self.assign_uuid(uuid),
            TableUpdate::UpgradeFormatVersion { format_version } => self.upgrade(*format_version),
            TableUpdate::AddSchema { schema, last_column_id } => self.add_schema(schema, *last_column_id),
            TableUpdate::SetCurrentSchema { schema_id } => self.set_current_schema(*schema_id),
            TableUpdate::AddSpec { spec } => self.add_spec(spec),
            TableUpdate::SetDefaultSpec { spec_id } => self.set_default_spec(*spec_id),
            TableUpdate::AddSortOrder { sort_order } => self.add_sort_order(sort_order),
            TableUpdate::SetDefaultSortOrder { sort_order_id } => self.set_default_sort_order(*sort_order_id),
            TableUpdate::RemovePartitionSpecs { spec_ids } => self.remove_specs(spec_ids),
            TableUpdate::RemoveSchemas { schema_ids } => self.remove_schemas(schema_ids),
            TableUpdate::SetLocation { location } => self.set_location(location),
            TableUpdate::SetProperties { updates } => self.set_properties(updates),
            TableUpdate::RemoveProperties { removals } => {
                removals.iter().for_each(|name| drop(self.next.properties.remove(name)));
                Ok(())
            }
            snapshots => self.apply_to_snapshots(snapshots),
        }
    }

    fn assign_uuid(&mut self, uuid: &str) -> Result<(), MetadataError> {
        if uuid.len() != 36 || !uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(MetadataError::invalid(format!("{uuid:?} is not a UUID")));
        }
        match self.base.and_then(|base| base.table_uuid.as_deref()) {
            Some(known) if !known.eq_ignore_ascii_case(uuid) => Err(MetadataError::invalid(format!(
                "the table has the UUID {known}; it cannot be given another"
            ))),
            Some(_) => Ok(()),
            None => {
                self.next.table_uuid = Some(uuid.to_owned());
                Ok(())
            }
        }
    }

    fn upgrade(&mut self, version: u8) -> Result<(), MetadataError> {
        if !(1..=MAX_FORMAT_VERSION).contains(&version) {
            return Err(MetadataError::Version { given: u64::from(version) });
        }
        let (current, is_new) = (self.next.format_version, self.base.is_none());
        if version < current && !is_new {
            let message = format!("format version {current} cannot be lowered to {version}");
            return Err(MetadataError::invalid(message));
        }
        self.next.format_version = version;
        self.next.next_row_id = (version >= 3).then(|| self.next.next_row_id.unwrap_or(0));
        Ok(())
    }

    fn set_location(&mut self, location: &str) -> Result<(), MetadataError> {
        let trimmed = location.trim_end_matches('/');
        if trimmed.is_empty() {
            return Err(MetadataError::invalid("a table needs a location"));
        }
        self.next.location = trimmed.to_owned();
        Ok(())
    }

    fn set_properties(&mut self, updates: &BTreeMap<String, String>) -> Result<(), MetadataError> {
        if let Some(name) = updates.keys().find(|name| RESERVED.contains(&name.as_str())) {
            let message = format!("{name} is a fact of the table's metadata and cannot be set as a property");
            return Err(MetadataError::invalid(message));
        }
        self.next.properties.extend(updates.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(())
    }

    fn finish(mut self) -> Result<TableMetadata, MetadataError> {
        self.finish_snapshots();
        if self.next.sort_orders.is_empty() {
            self.next.sort_orders.push(crate::metadata::SortOrder::unsorted());
            self.next.default_sort_order_id = 0;
        }
        if self.base != Some(&self.next) {
            let changed_ms = self.became_current_ms.unwrap_or(self.now_ms);
            self.next.last_updated_ms = changed_ms.max(self.next.last_updated_ms);
        }
        self.next.check()?;
        self.base.map_or(Ok(()), |base| evolution::check(base, &self.next))?;
        Ok(self.next)
    }
}

/// A table that has nothing yet; the first updates of a commit that makes a table fill it.
fn empty(now_ms: i64) -> TableMetadata {
    TableMetadata {
        format_version: DEFAULT_FORMAT_VERSION,
        table_uuid: None,
        location: String::new(),
        last_sequence_number: 0,
        last_updated_ms: now_ms,
        last_column_id: 0,
        schemas: Vec::new(),
        current_schema_id: -1,
        partition_specs: Vec::new(),
        default_spec_id: -1,
        last_partition_id: FIRST_PARTITION_FIELD_ID - 1,
        sort_orders: Vec::new(),
        default_sort_order_id: -1,
        properties: BTreeMap::new(),
        snapshots: Vec::new(),
        refs: BTreeMap::new(),
        snapshot_log: Vec::new(),
        metadata_log: Vec::new(),
        statistics: Vec::new(),
        partition_statistics: Vec::new(),
        next_row_id: None,
        other: Map::new(),
    }
}
