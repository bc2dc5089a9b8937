//! Updates of schemas, partition specs and sort orders.

use super::Builder;
use crate::error::MetadataError;
use crate::metadata::{PartitionSpec, Schema, SortOrder};
use crate::update::LAST_ADDED;

impl Builder<'_> {
    pub(super) fn add_schema(&mut self, schema: &Schema, last: Option<i32>) -> Result<(), MetadataError> {
        schema.check(self.next.format_version)?;
        if let Some(last) = last.filter(|last| *last < self.next.last_column_id) {
            let known = self.next.last_column_id;
            return Err(MetadataError::invalid(format!("the last column id {last} is behind {known}")));
        }
        let known = self.next.schemas.iter().find(|known| known.same_as(schema));
        let id = match known {
            Some(known) => known.id(),
            None => {
                let id = self.next.schemas.iter().map(Schema::id).max().map_or(0, |highest| highest + 1);
                let mut added = schema.clone();
                added.schema_id = Some(id);
                self.next.schemas.push(added);
                id
            }
        };
        let highest = schema.highest_id()?.max(last.unwrap_or(0));
        self.next.last_column_id = self.next.last_column_id.max(highest);
        self.added_schema = Some(id);
        Ok(())
    }

    pub(super) fn set_current_schema(&mut self, id: i32) -> Result<(), MetadataError> {
        let id = last_added("schema", id, self.added_schema)?;
        if self.next.schema(id).is_none() {
            return Err(MetadataError::invalid(format!("there is no schema of id {id}")));
        }
        self.next.current_schema_id = id;
        Ok(())
    }

    pub(super) fn remove_schemas(&mut self, ids: &[i32]) -> Result<(), MetadataError> {
        for id in ids {
            let user = self.next.snapshots.iter().find(|snapshot| snapshot.schema_id == Some(*id));
            let reason = match user {
                _ if *id == self.next.current_schema_id => "it is the current one".to_owned(),
                Some(snapshot) => format!("snapshot {} was written with it", snapshot.snapshot_id),
                None => continue,
            };
            return Err(MetadataError::invalid(format!("schema {id} cannot be removed: {reason}")));
        }
        self.next.schemas.retain(|schema| !ids.contains(&schema.id()));
        Ok(())
    }

    /// The schema that columns of new specs and orders come from.
    fn binding_schema(&self) -> Result<&Schema, MetadataError> {
        let last = self.added_schema.and_then(|id| self.next.schema(id));
        let schema = self.next.current_schema().or(last);
        schema.ok_or_else(|| MetadataError::invalid("the table has no schema yet"))
    }

    pub(super) fn add_spec(&mut self, spec: &PartitionSpec) -> Result<(), MetadataError> {
        let spec = self.with_field_ids(spec)?;
        spec.check(self.binding_schema()?)?;
        let ids = spec.fields.iter().filter_map(|field| field.field_id);
        if self.next.format_version == 1
            && !ids.eq((crate::metadata::FIRST_PARTITION_FIELD_ID..).take(spec.fields.len()))
        {
            let message = "in format version 1 the ids of partition fields must be 1000, 1001 …: keep fields that are no longer used, as void";
            return Err(MetadataError::invalid(message));
        }
        self.next.last_partition_id = self.next.last_partition_id.max(spec.highest_field_id());
        let known = self.next.partition_specs.iter().find(|known| known.same_as(&spec));
        let id = match known {
            Some(known) => known.id(),
            None => {
                let specs = &mut self.next.partition_specs;
                let id = specs.iter().map(PartitionSpec::id).max().map_or(0, |highest| highest + 1);
                specs.push(PartitionSpec { spec_id: Some(id), ..spec });
                id
            }
        };
        self.added_spec = Some(id);
        Ok(())
    }

    /// Fields that an earlier spec has keep their ids; others get new ones. An id that was given to another field
    /// before is refused: files say by these ids what their partition values are.
    fn with_field_ids(&self, spec: &PartitionSpec) -> Result<PartitionSpec, MetadataError> {
        let mut spec = spec.clone();
        let mut last = self.next.last_partition_id.max(spec.highest_field_id());
        let known = || self.next.partition_specs.iter().flat_map(|spec| &spec.fields);
        for field in &mut spec.fields {
            let same = known()
                .find(|other| other.source_id == field.source_id && other.transform == field.transform);
            match (field.field_id, same.and_then(|same| same.field_id)) {
                (Some(id), _) => {
                    let taken = known()
                        .find(|other| other.field_id == Some(id) && other.source_id != field.source_id);
                    if let Some(other) = taken {
                        let (name, other) = (&field.name, &other.name);
                        return Err(MetadataError::invalid(format!(
                            "partition field {name} has the id {id}, which belongs to {other}"
                        )));
                    }
                }
                (None, Some(id)) => field.field_id = Some(id),
                (None, None) => {
                    last += 1;
                    field.field_id = Some(last);
                }
            }
        }
        Ok(spec)
    }

    pub(super) fn set_default_spec(&mut self, id: i32) -> Result<(), MetadataError> {
        let id = last_added("partition spec", id, self.added_spec)?;
        if self.next.spec(id).is_none() {
            return Err(MetadataError::invalid(format!("there is no partition spec of id {id}")));
        }
        self.next.default_spec_id = id;
        Ok(())
    }

    pub(super) fn remove_specs(&mut self, ids: &[i32]) -> Result<(), MetadataError> {
        if ids.contains(&self.next.default_spec_id) {
            let id = self.next.default_spec_id;
            let message = format!("partition spec {id} cannot be removed: it is the default");
            return Err(MetadataError::invalid(message));
        }
        self.next.partition_specs.retain(|spec| !ids.contains(&spec.id()));
        Ok(())
    }

    pub(super) fn add_sort_order(&mut self, order: &SortOrder) -> Result<(), MetadataError> {
        order.check(self.binding_schema()?)?;
        let orders = &mut self.next.sort_orders;
        let known = orders.iter().find(|known| known.fields == order.fields);
        let id = match known {
            Some(known) => known.order_id,
            // 0 always means "not sorted".
            None if order.fields.is_empty() => {
                orders.push(SortOrder { order_id: 0, ..order.clone() });
                0
            }
            None => {
                let id = orders.iter().map(|order| order.order_id).max().unwrap_or(0) + 1;
                orders.push(SortOrder { order_id: id, ..order.clone() });
                id
            }
        };
        self.added_sort_order = Some(id);
        Ok(())
    }

    pub(super) fn set_default_sort_order(&mut self, id: i32) -> Result<(), MetadataError> {
        let id = last_added("sort order", id, self.added_sort_order)?;
        if self.next.sort_order(id).is_none() {
            return Err(MetadataError::invalid(format!("there is no sort order of id {id}")));
        }
        self.next.default_sort_order_id = id;
        Ok(())
    }
}

fn last_added(what: &str, id: i32, added: Option<i32>) -> Result<i32, MetadataError> {
    if id != LAST_ADDED {
        return Ok(id);
    }
    added.ok_or_else(|| {
        MetadataError::invalid(format!("id -1 means the {what} added last, but this commit adds none"))
    })
}
