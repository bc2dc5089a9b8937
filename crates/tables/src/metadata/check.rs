//! What must hold of any table metadata, read or made.

use std::collections::HashSet;
use std::hash::Hash;

use super::{MAIN, RefKind, TableMetadata, Transform};
use crate::error::MetadataError;

impl TableMetadata {
    /// Checks that every id that the metadata mentions exists, and that no counter is behind what it counts.
    pub fn check(&self) -> Result<(), MetadataError> {
        if self.location.is_empty() {
            return Err(MetadataError::invalid("the table has no location"));
        }
        self.check_schemas()?;
        self.check_specs()?;
        self.check_sort_orders()?;
        self.check_snapshots()?;
        self.check_refs()
    }

    fn check_schemas(&self) -> Result<(), MetadataError> {
        unique("schema", self.schemas.iter().map(|schema| schema.id()))?;
        if self.current_schema().is_none() {
            let id = self.current_schema_id;
            return Err(MetadataError::invalid(format!("the current schema {id} does not exist")));
        }
        for schema in &self.schemas {
            schema.check(self.format_version)?;
            let (id, highest, last) = (schema.id(), schema.highest_id()?, self.last_column_id);
            if highest > last {
                return Err(MetadataError::invalid(format!(
                    "schema {id} has a field {highest}, but the last column id is {last}"
                )));
            }
        }
        Ok(())
    }

    fn check_specs(&self) -> Result<(), MetadataError> {
        unique("partition spec", self.partition_specs.iter().map(|spec| spec.id()))?;
        let (id, last) = (self.default_spec_id, self.last_partition_id);
        let Some(default) = self.spec(id) else {
            return Err(MetadataError::invalid(format!("the default partition spec {id} does not exist")));
        };
        for spec in &self.partition_specs {
            if spec.fields.iter().any(|field| field.field_id.is_none()) {
                let id = spec.id();
                return Err(MetadataError::invalid(format!("partition spec {id} has a field without an id")));
            }
            if spec.highest_field_id() > last {
                let (id, highest) = (spec.id(), spec.highest_field_id());
                return Err(MetadataError::invalid(format!(
                    "partition spec {id} has a field {highest}, but the last partition id is {last}"
                )));
            }
        }
        let known = |transform: &Transform| !matches!(transform, Transform::Other(_));
        match self.current_schema() {
            Some(schema) if default.fields.iter().all(|field| known(&field.transform)) => {
                default.check(schema)
            }
            _ => Ok(()),
        }
    }

    fn check_sort_orders(&self) -> Result<(), MetadataError> {
        unique("sort order", self.sort_orders.iter().map(|order| order.order_id))?;
        let id = self.default_sort_order_id;
        let Some(default) = self.sort_order(id) else {
            return Err(MetadataError::invalid(format!("the default sort order {id} does not exist")));
        };
        let known = |transform: &Transform| !matches!(transform, Transform::Other(_));
        match self.current_schema() {
            Some(schema) if default.fields.iter().all(|field| known(&field.transform)) => {
                default.check(schema)
            }
            _ => Ok(()),
        }
    }

    fn check_snapshots(&self) -> Result<(), MetadataError> {
        unique("snapshot", self.snapshots.iter().map(|snapshot| snapshot.snapshot_id))?;
        let last = self.last_sequence_number;
        for snapshot in &self.snapshots {
            if snapshot.sequence_number.is_some_and(|number| number > last) && self.format_version > 1 {
                let id = snapshot.snapshot_id;
                return Err(MetadataError::invalid(format!(
                    "the sequence number of snapshot {id} is beyond the last one, {last}"
                )));
            }
        }
        Ok(())
    }

    fn check_refs(&self) -> Result<(), MetadataError> {
        let ids: HashSet<i64> = self.snapshots.iter().map(|snapshot| snapshot.snapshot_id).collect();
        for (name, reference) in &self.refs {
            if !ids.contains(&reference.snapshot_id) {
                let id = reference.snapshot_id;
                return Err(MetadataError::invalid(format!(
                    "reference {name} names snapshot {id}, which does not exist"
                )));
            }
            if name == MAIN && reference.kind != RefKind::Branch {
                return Err(MetadataError::invalid("main must be a branch"));
            }
        }
        Ok(())
    }
}

fn unique<T: Hash + Eq + std::fmt::Display>(
    what: &str,
    ids: impl Iterator<Item = T>,
) -> Result<(), MetadataError> {
    let mut seen = HashSet::new();
    for id in ids {
        if seen.contains(&id) {
            return Err(MetadataError::invalid(format!("there are two {what}s of id {id}")));
        }
        seen.insert(id);
    }
    Ok(())
}
