//! Updates of snapshots, branches, tags and statistics.

use super::Builder;
use crate::error::MetadataError;
use crate::metadata::{MAIN, RefKind, Snapshot, SnapshotLogEntry, SnapshotRef, StatisticsFile};
use crate::update::TableUpdate;

/// How far a writer's clock may be behind. Source: the tolerance of the reference implementation.
const MAX_CLOCK_SKEW_MS: i64 = 60_000;

impl Builder<'_> {
    pub(super) fn apply_to_snapshots(&mut self, update: &TableUpdate) -> Result<(), MetadataError> {
        match update {
            TableUpdate::AddSnapshot { snapshot } => self.add_snapshot(snapshot),
            TableUpdate::SetSnapshotRef {
                ref_name,
                kind,
                snapshot_id,
                min_snapshots_to_keep,
                max_snapshot_age_ms,
                max_ref_age_ms,
            } => {
                let reference = SnapshotRef {
                    snapshot_id: *snapshot_id,
                    kind: *kind,
                    min_snapshots_to_keep: *min_snapshots_to_keep,
                    max_snapshot_age_ms: *max_snapshot_age_ms,
                    max_ref_age_ms: *max_ref_age_ms,
                };
                self.set_ref(ref_name, reference)
            }
            TableUpdate::RemoveSnapshots { snapshot_ids } => {
                self.remove_snapshots(snapshot_ids);
                Ok(())
            }
            TableUpdate::RemoveSnapshotRef { ref_name } => {
                self.next.refs.remove(ref_name);
                Ok(())
            }
            TableUpdate::SetStatistics { statistics } => {
                self.check_statistics(statistics)?;
                replace(&mut self.next.statistics, statistics);
                Ok(())
            }
            TableUpdate::RemoveStatistics { snapshot_id } => {
                self.next.statistics.retain(|file| file.snapshot_id != *snapshot_id);
                Ok(())
            }
            TableUpdate::SetPartitionStatistics { partition_statistics } => {
                self.check_statistics(partition_statistics)?;
                replace(&mut self.next.partition_statistics, partition_statistics);
                Ok(())
            }
            TableUpdate::RemovePartitionStatistics { snapshot_id } => {
                self.next.partition_statistics.retain(|file| file.snapshot_id != *snapshot_id);
                Ok(())
            }
            other => Err(MetadataError::invalid(format!("{other:?} is not an update of snapshots"))),
        }
    }

    fn add_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), MetadataError> {
        let id = snapshot.snapshot_id;
        let bad = |problem: String| Err(MetadataError::invalid(format!("snapshot {id} {problem}")));
        if self.next.snapshot(id).is_some() {
            return bad("exists already".to_owned());
        }
        if let Some(schema_id) = snapshot.schema_id.filter(|id| self.next.schema(*id).is_none()) {
            return bad(format!("has the schema {schema_id}, which does not exist"));
        }
        if let Some(parent) = snapshot.parent_snapshot_id.filter(|id| self.next.snapshot(*id).is_none()) {
            return bad(format!("has the parent {parent}, which does not exist"));
        }
        let earliest = self.next.last_updated_ms - MAX_CLOCK_SKEW_MS;
        if snapshot.timestamp_ms < earliest {
            let (given, changed) = (snapshot.timestamp_ms, self.next.last_updated_ms);
            return bad(format!(
                "has the time {given}, long before the last change of the table at {changed}"
            ));
        }
        if self.next.format_version > 1 {
            self.take_sequence_number(snapshot)?;
        }
        if self.next.format_version >= 3 {
            self.take_row_ids(snapshot)?;
        }
        self.next.snapshots.push(snapshot.clone());
        self.added_snapshots.insert(id);
        Ok(())
    }

    fn take_sequence_number(&mut self, snapshot: &Snapshot) -> Result<(), MetadataError> {
        let (id, last) = (snapshot.snapshot_id, self.next.last_sequence_number);
        let bad = |problem: String| Err(MetadataError::invalid(format!("snapshot {id} {problem}")));
        if snapshot.manifest_list.is_none() {
            return bad("has no manifest list".to_owned());
        }
        let Some(number) = snapshot.sequence_number else {
            return bad("has no sequence number".to_owned());
        };
        // A table that is replaced begins anew, without a parent.
        if number <= last && snapshot.parent_snapshot_id.is_some() {
            return bad(format!("has the sequence number {number}, but the table is at {last}"));
        }
        self.next.last_sequence_number = last.max(number);
        Ok(())
    }

    /// Source: Iceberg table specification, "Row Lineage".
    fn take_row_ids(&mut self, snapshot: &Snapshot) -> Result<(), MetadataError> {
        let (id, next) = (snapshot.snapshot_id, self.next.next_row_id.unwrap_or(0));
        let bad = |problem: String| Err(MetadataError::invalid(format!("snapshot {id} {problem}")));
        let (Some(first), Some(added)) = (snapshot.first_row_id, snapshot.added_rows) else {
            return bad("needs first-row-id and added-rows in format version 3".to_owned());
        };
        if first < next {
            return bad(format!("begins at row id {first}, but the next one is {next}"));
        }
        let Some(after) = first.checked_add(added).filter(|_| added >= 0) else {
            return bad(format!("cannot add {added} rows"));
        };
        self.next.next_row_id = Some(after);
        Ok(())
    }

    fn set_ref(&mut self, name: &str, reference: SnapshotRef) -> Result<(), MetadataError> {
        let id = reference.snapshot_id;
        let Some(snapshot) = self.next.snapshot(id) else {
            return Err(MetadataError::invalid(format!(
                "{name} cannot name snapshot {id}, which does not exist"
            )));
        };
        if name.is_empty() {
            return Err(MetadataError::invalid("a branch or tag needs a name"));
        }
        if name == MAIN {
            if reference.kind != RefKind::Branch {
                return Err(MetadataError::invalid("main must be a branch"));
            }
            if self.next.current_snapshot_id() != Some(id) {
                let added = self.added_snapshots.contains(&id);
                let timestamp_ms = if added { snapshot.timestamp_ms } else { self.now_ms };
                self.became_current_ms = Some(timestamp_ms);
                self.next.snapshot_log.push(SnapshotLogEntry { snapshot_id: id, timestamp_ms });
            }
        }
        self.next.refs.insert(name.to_owned(), reference);
        Ok(())
    }

    fn remove_snapshots(&mut self, ids: &[i64]) {
        let next = &mut self.next;
        next.snapshots.retain(|snapshot| !ids.contains(&snapshot.snapshot_id));
        next.refs.retain(|_, reference| !ids.contains(&reference.snapshot_id));
        next.statistics.retain(|file| !ids.contains(&file.snapshot_id));
        next.partition_statistics.retain(|file| !ids.contains(&file.snapshot_id));
    }

    fn check_statistics(&self, file: &StatisticsFile) -> Result<(), MetadataError> {
        let id = file.snapshot_id;
        if self.next.snapshot(id).is_none() {
            return Err(MetadataError::invalid(format!(
                "statistics describe snapshot {id}, which does not exist"
            )));
        }
        Ok(())
    }

    /// Brings the snapshot log in order. Snapshots that were the current one only in the course of this commit never
    /// were it for a reader. Where a snapshot of the log is gone, the log before it goes too: what was current when would
    /// be wrong otherwise.
    pub(super) fn finish_snapshots(&mut self) {
        let current = self.next.current_snapshot_id();
        let known = self.base.map_or(0, |base| base.snapshot_log.len());
        let mut position = 0;
        let added = &self.added_snapshots;
        self.next.snapshot_log.retain(|entry| {
            position += 1;
            position <= known || !added.contains(&entry.snapshot_id) || Some(entry.snapshot_id) == current
        });
        let snapshots = &self.next.snapshots;
        let gone = |entry: &SnapshotLogEntry| {
            !snapshots.iter().any(|snapshot| snapshot.snapshot_id == entry.snapshot_id)
        };
        if let Some(last_gone) = self.next.snapshot_log.iter().rposition(gone) {
            self.next.snapshot_log.drain(..=last_gone);
        }
    }
}

fn replace(files: &mut Vec<StatisticsFile>, file: &StatisticsFile) {
    files.retain(|other| other.snapshot_id != file.snapshot_id);
    files.push(file.clone());
}
