//! Metadata of a new table.

use std::collections::BTreeMap;

use super::{Builder, RESERVED};
use crate::error::MetadataError;
use crate::metadata::{PartitionSpec, Schema, SortOrder, TableMetadata};
use crate::update::LAST_ADDED;

/// What a new table is made of. Ids in it are the client's own: the table gets fresh ones.
#[derive(Clone, Debug)]
pub struct NewTable {
    /// The schema.
    pub schema: Schema,
    /// How it is partitioned; `None`: not.
    pub partition_spec: Option<PartitionSpec>,
    /// How it is sorted; `None`: not.
    pub write_order: Option<SortOrder>,
    /// Settings; `format-version` among them asks for a format version.
    pub properties: BTreeMap<String, String>,
    /// Where its files go.
    pub location: String,
}

/// Makes the metadata of a new table. Columns get fresh ids from 1 on, partition fields from 1000 on; the spec and the
/// sort order follow their columns to the new ids.
/// Errors: `Invalid`, `Version`.
pub fn create(new: NewTable, uuid: &str, now_ms: i64) -> Result<TableMetadata, MetadataError> {
    let mut builder = Builder::new(None, uuid, now_ms);
    let mut properties = new.properties;
    if let Some(version) = properties.get("format-version") {
        let version = version.trim().parse::<u8>();
        let version = version.map_err(|_| MetadataError::invalid("format-version must be a number"))?;
        builder.upgrade(version)?;
    }
    properties.retain(|name, _| !RESERVED.contains(&name.as_str()));
    builder.set_location(&new.location)?;
    builder.set_properties(&properties)?;

    new.schema.check(builder.next.format_version)?;
    let mut last = 0;
    let (schema, renumbered) = new.schema.with_fresh_ids(&mut last)?;
    let renumber = |id: &mut i32, what: &str| match renumbered.get(id) {
        Some(fresh) => {
            *id = *fresh;
            Ok(())
        }
        None => Err(MetadataError::invalid(format!("{what}: the schema has no field {id}"))),
    };
    let mut spec = new.partition_spec.unwrap_or_else(|| PartitionSpec::unpartitioned(0));
    for field in &mut spec.fields {
        renumber(&mut field.source_id, &format!("partition field {}", field.name))?;
        field.field_id = None;
    }
    let mut order = new.write_order.unwrap_or_else(SortOrder::unsorted);
    for field in &mut order.fields {
        renumber(&mut field.source_id, "sort order")?;
    }
    builder.add_schema(&schema, None)?;
    builder.set_current_schema(LAST_ADDED)?;
    builder.add_spec(&spec)?;
    builder.set_default_spec(LAST_ADDED)?;
    builder.add_sort_order(&order)?;
    builder.set_default_sort_order(LAST_ADDED)?;
    builder.finish()
}
