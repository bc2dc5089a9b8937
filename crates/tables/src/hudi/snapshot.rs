//! From a timeline and a listing to the files that hold the rows now. No I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::HudiFile;
use super::commit::Commit;
use super::name::FileName;
use super::timeline::{Timeline, Verdict};

/// The most files of a table that are held.
const MAX_FILES: usize = 2_000_000;

/// A file group: the path of its partition and its file id.
type Group = (String, String);

/// A file of the table's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    instant: String,
    name: String,
    size: u64,
}

/// The data files that lie in a table's folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    bases: BTreeMap<Group, Vec<Base>>,
    logs: BTreeMap<Group, Vec<String>>,
    files: usize,
}

impl Listing {
    /// Takes a file by its path relative to the table. The error says what cannot be told.
    pub(super) fn take(&mut self, path: &str, size: u64) -> Result<(), String> {
        let (partition, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some((table, _)) = path.split_once("/.hoodie/") {
            return Err(format!("another Hudi table is inside it, at {table}/: move one of them"));
        }
        if partition.split('/').any(|folder| folder.starts_with('.')) {
            return Ok(());
        }
        let group = |file_id: &str| (partition.to_owned(), file_id.to_owned());
        match FileName::of(name) {
            FileName::Base(base) => {
                let entry = Base { instant: base.instant.to_owned(), name: name.to_owned(), size };
                self.bases.entry(group(base.file_id)).or_default().push(entry);
            }
            FileName::Log(log) => {
                self.logs.entry(group(log.file_id)).or_default().push(log.instant.to_owned());
            }
            FileName::Strange => {
                return Err(format!(
                    "the file {path} in its folder is no Parquet base file of Hudi (<file id>_<write token>_<instant>.parquet): \
                     whether it holds rows of the table cannot be told; move it away"
                ));
            }
            FileName::Other => return Ok(()),
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(format!("it has more than {MAX_FILES} files: let Hudi clean it"));
        }
        Ok(())
    }
}

/// What the completed writes of the active timeline say of their files.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The newest base file of each group: its instant and name.
    newest: HashMap<Group, (String, String)>,
    /// The names of all base files.
    names: HashSet<String>,
    /// Instants that say nothing of their files.
    silent: HashSet<String>,
    /// The instants that replaced groups.
    replaced: HashMap<Group, String>,
}

impl Written {
    /// Takes the metadata of a write, `None` when it has none; writes come in the order of their instants.
    pub(super) fn take(&mut self, instant: &str, commit: Option<Commit>) -> Result<(), String> {
        let Some(commit) = commit else {
            self.silent.insert(instant.to_owned());
            return Ok(());
        };
        for (partition, stats) in commit.partition_to_write_stats {
            for stat in stats {
                let name = stat.path.rsplit('/').next().unwrap_or_default();
                if let FileName::Base(base) = FileName::of(name)
                    && base.instant == instant
                {
                    self.names.insert(name.to_owned());
                    let group = (partition.clone(), stat.file_id);
                    self.newest.insert(group, (instant.to_owned(), name.to_owned()));
                }
            }
        }
        for (partition, ids) in commit.partition_to_replace_file_ids {
            for id in ids {
                self.replaced.insert((partition.clone(), id), instant.to_owned());
            }
        }
        if self.names.len() + self.replaced.len() > MAX_FILES {
            return Err(format!("its commits name more than {MAX_FILES} files"));
        }
        Ok(())
    }

    /// Whether a file is one of the table. One that its completed instant does not name is what a failed task has left.
    fn is_committed(&self, timeline: &Timeline, partition: &str, base: &Base) -> Result<bool, String> {
        match timeline.verdict(&base.instant) {
            Verdict::Uncommitted => Ok(false),
            Verdict::Committed if timeline.writes.contains_key(&base.instant) => {
                Ok(self.silent.contains(&base.instant) || self.names.contains(&base.name))
            }
            Verdict::Committed => Ok(true),
            Verdict::Unknown => Err(format!(
                "whether its file {} was committed cannot be told from its timeline (.hoodie): no completed instant is left to \
                 compare {} with, or it was rolled back; copy the whole table, or let Hudi clean it",
                path(partition, &base.name),
                base.instant
            )),
        }
    }
}

/// The files that hold the rows, and the number of log files with changes that are not in them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    pub(super) files: Vec<HudiFile>,
    pub(super) logs: usize,
}

/// Chooses the newest committed base file of every file group that was not replaced. The error says what cannot be decided.
/// `root`: the table's location with its slash.
pub(super) fn snapshot(
    root: &str,
    timeline: &Timeline,
    listing: Listing,
    mut written: Written,
) -> Result<Snapshot, String> {
    let mut found = Snapshot::default();
    let mut logs = listing.logs;
    for (group, bases) in listing.bases {
        let own_logs = logs.remove(&group).unwrap_or_default();
        let mut committed = Vec::with_capacity(bases.len());
        for base in bases {
            if written.is_committed(timeline, &group.0, &base)? {
                committed.push(base);
            }
        }
        let named = written.newest.remove(&group);
        if let Some(replaced) = written.replaced.get(&group) {
            check_replaced(&group, &committed, replaced)?;
            continue;
        }
        let newest = newest(&group, committed, named)?;
        let since = newest.as_ref().map_or("", |base| &base.instant);
        found.logs += pending_logs(timeline, &own_logs, since);
        found.files.extend(newest.map(|base| file(root, group, base)));
    }
    let is_replaced = |group: &Group| written.replaced.contains_key(group);
    // What is left of the groups has no base file in the folder.
    if let Some(((partition, _), (instant, name))) =
        written.newest.iter().find(|(group, _)| !is_replaced(group))
    {
        return Err(missing(partition, name, instant));
    }
    let unmerged = logs.iter().filter(|(group, _)| !is_replaced(group));
    found.logs += unmerged.map(|(_, logs)| pending_logs(timeline, logs, "")).sum::<usize>();
    Ok(found)
}

fn path(partition: &str, name: &str) -> String {
    if partition.is_empty() { name.to_owned() } else { format!("{partition}/{name}") }
}

fn file(root: &str, (partition, _): Group, base: Base) -> HudiFile {
    let location = format!("{root}{}", path(&partition, &base.name));
    HudiFile { location, partition, instant: base.instant, size: base.size }
}

fn missing(partition: &str, name: &str, instant: &str) -> String {
    format!(
        "its file {}, which the completed instant {instant} wrote, is missing: older files are not its rows; copy the table anew",
        path(partition, name)
    )
}

/// The newest of the committed base files of a group. `named`: what the active timeline says it is.
fn newest(
    (partition, id): &Group,
    committed: Vec<Base>,
    named: Option<(String, String)>,
) -> Result<Option<Base>, String> {
    let mut newest: Option<Base> = None;
    for base in committed {
        match &newest {
            Some(other) if other.instant > base.instant => {}
            Some(other) if other.instant == base.instant => {
                return Err(format!(
                    "the file group {id} of the partition {partition:?} has two files of one instant, {} and {}, and the timeline \
                     does not say which was committed: let Hudi write the group anew, or clean it",
                    other.name, base.name
                ));
            }
            _ => newest = Some(base),
        }
    }
    match named {
        Some((instant, name)) if newest.as_ref().is_none_or(|base| base.instant < instant) => {
            Err(missing(partition, &name, &instant))
        }
        _ => Ok(newest),
    }
}

/// A group that was replaced gets no more files.
fn check_replaced((partition, id): &Group, committed: &[Base], replaced: &str) -> Result<(), String> {
    match committed.iter().find(|base| base.instant.as_str() >= replaced) {
        None => Ok(()),
        Some(base) => Err(format!(
            "the file group {id} of the partition {partition:?} was replaced by the instant {replaced}, and has the file {} all \
             the same: which of its rows count cannot be told",
            base.name
        )),
    }
}

/// How many logs of a group hold changes that its base file of the instant `since` does not. In the older layout a log has the
/// instant of its base file; in the newer one that of the write, which goes by its completion.
fn pending_logs(timeline: &Timeline, logs: &[String], since: &str) -> usize {
    let is_timed = timeline.writes.values().any(|write| write.completed.is_some());
    let is_newer = |instant: &&String| {
        let completed = timeline.writes.get(*instant).and_then(|write| write.completed.as_deref());
        match completed {
            Some(completed) => completed > since,
            None if is_timed && timeline.verdict(instant) == Verdict::Uncommitted => false,
            None => instant.as_str() >= since,
        }
    };
    logs.iter().filter(is_newer).count()
}
