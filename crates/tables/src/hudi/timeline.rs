//! The timeline: which instants are completed, which are under way, which were taken back.

use std::collections::{BTreeMap, BTreeSet};

use lake::Key;

use super::properties::Layout;

/// Actions that write rows, as they are called when they are completed.
const WRITES: [&str; 3] = ["commit", "deltacommit", "replacecommit"];
/// Actions that write rows, as they are called while they are under way.
const WRITING: [&str; 6] =
    ["commit", "deltacommit", "replacecommit", "compaction", "logcompaction", "clustering"];
/// Actions that write none.
const SERVICES: [&str; 6] = ["clean", "rollback", "savepoint", "restore", "indexing", "schemacommit"];

/// A completed write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) is_replacement: bool,
    /// When it was completed; `None` where the layout does not say.
    pub(super) completed: Option<String>,
}

/// What the files of an instant are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Committed,
    Uncommitted,
    /// The timeline does not tell.
    Unknown,
}

/// The active timeline.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Completed writes, by instant. Instants are ordered as text, as Hudi orders them.
    pub(super) writes: BTreeMap<String, Write>,
    pending: BTreeSet<String>,
    savepoints: BTreeSet<String>,
    /// Completed rollbacks: their metadata name what was rolled back.
    pub(super) rollbacks: Vec<Key>,
    /// Writes that were rolled back, and whether they surely did not run again under the same instant.
    rolled_back: BTreeMap<String, bool>,
    /// Restores that were begun, and those that were completed.
    restores: [BTreeSet<String>; 2],
}

impl Timeline {
    /// Takes a file of the timeline by its name. The error says what is not known of it.
    pub(super) fn take(&mut self, layout: Layout, name: &str, key: &Key) -> Result<(), String> {
        let Some((stamp, rest)) = name.split_once('.') else { return Ok(()) };
        let (instant, completed) = match stamp.split_once('_') {
            Some((instant, completed)) => (instant, Some(completed)),
            None => (stamp, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(instant) || !completed.is_none_or(digits) {
            // hoodie.properties, its backup and such.
            return Ok(());
        }
        let unknown =
            || Err(format!("{name} is not a known kind of instant: a newer Hudi may have written it"));
        match rest.split_once('.') {
            None if rest == "inflight" => self.pending("commit", instant),
            None if completed.is_some() != (layout == Layout::Timed) => unknown(),
            None => self.completed(rest, instant, completed, key).unwrap_or_else(unknown),
            Some((action, "requested" | "inflight")) if completed.is_none() => {
                if WRITING.contains(&action) || SERVICES.contains(&action) {
                    self.pending(action, instant)
                } else {
                    unknown()
                }
            }
            Some(_) => unknown(),
        }
    }

    fn pending(&mut self, action: &str, instant: &str) -> Result<(), String> {
        if WRITING.contains(&action) {
            self.pending.insert(instant.to_owned());
        } else if action == "restore" {
            self.restores[0].insert(instant.to_owned());
        }
        Ok(())
    }

    /// `None`: the action is not known.
    fn completed(
        &mut self,
        action: &str,
        instant: &str,
        completed: Option<&str>,
        key: &Key,
    ) -> Option<Result<(), String>> {
        if WRITES.contains(&action) {
            let write = Write {
                key: key.clone(),
                is_replacement: action == "replacecommit",
                completed: completed.map(str::to_owned),
            };
            return Some(match self.writes.insert(instant.to_owned(), write) {
                None => Ok(()),
                Some(_) => Err(format!("the instant {instant} is completed twice")),
            });
        }
        match action {
            "savepoint" => _ = self.savepoints.insert(instant.to_owned()),
            "rollback" => self.rollbacks.push(key.clone()),
            "restore" => _ = self.restores[1].insert(instant.to_owned()),
            "clean" | "indexing" | "schemacommit" => {}
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Takes note of a rolled back instant. `action`: what it was, where the rollback says; compactions and clusterings run
    /// again under the same instant.
    pub(super) fn roll_back(&mut self, instant: &str, action: Option<&str>) {
        match action {
            Some("commit" | "deltacommit") => _ = self.rolled_back.insert(instant.to_owned(), true),
            Some(_) => {}
            None => _ = self.rolled_back.entry(instant.to_owned()).or_insert(false),
        }
    }

    /// The newest completed write.
    pub(super) fn newest(&self) -> Option<&str> {
        self.writes.keys().next_back().map(String::as_str)
    }

    /// Errors: the table is being restored.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.restores[0].difference(&self.restores[1]).next() {
            None => Ok(()),
            Some(instant) => Err(format!(
                "it is being restored to an earlier state ({instant}.restore is not completed): which of its files hold its \
                 rows is not decided; let Hudi finish the restore"
            )),
        }
    }

    /// Whether files of an instant hold rows of the table. What is older than the active timeline was archived, and only what
    /// is completed is. Instants that a savepoint has kept from being archived are no beginning of it: others between them
    /// were archived.
    pub(super) fn verdict(&self, instant: &str) -> Verdict {
        if self.writes.contains_key(instant) {
            return Verdict::Committed;
        }
        let rolled_back = self.rolled_back.get(instant).copied();
        if self.pending.contains(instant) || rolled_back == Some(true) {
            return Verdict::Uncommitted;
        }
        let start = self.writes.keys().find(|instant| !self.savepoints.contains(*instant));
        let is_archived = match (start, self.newest()) {
            (Some(start), _) => instant < start.as_str(),
            (None, Some(newest)) if instant > newest => false,
            (None, _) => return Verdict::Unknown,
        };
        match (is_archived, rolled_back) {
            (false, _) => Verdict::Uncommitted,
            (true, None) => Verdict::Committed,
            (true, Some(_)) => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(layout: Layout, names: &[&str]) -> Result<Timeline, String> {
        let mut timeline = Timeline::default();
        let key = Key::new("k").unwrap();
        names.iter().try_for_each(|name| timeline.take(layout, name, &key))?;
        timeline.check().map(|()| timeline)
    }

    #[test]
    fn files_are_those_of_completed_instants() {
        let names = [
            "hoodie.properties",
            "hoodie.properties.backup",
            "005.commit",
            "005.inflight",
            "005.commit.requested",
            "006.commit.requested",
            "006.inflight",
            "007.deltacommit.inflight",
            "008.replacecommit",
            "009.compaction.requested",
            "003.rollback",
            "004.clean",
            "010.indexing.requested",
            "002.commit.requested",
        ];
        let timeline = timeline(Layout::Flat, &names).unwrap();
        assert_eq!(timeline.newest(), Some("008"));
        for (instant, found) in [
            ("001", Verdict::Committed),
            ("002", Verdict::Uncommitted),
            ("004", Verdict::Committed),
            ("005", Verdict::Committed),
            ("0055", Verdict::Uncommitted),
            ("006", Verdict::Uncommitted),
            ("007", Verdict::Uncommitted),
            ("008", Verdict::Committed),
            ("009", Verdict::Uncommitted),
            ("011", Verdict::Uncommitted),
        ] {
            assert_eq!(timeline.verdict(instant), found, "{instant}");
        }
    }

    #[test]
    fn rolled_back_and_saved_instants() {
        let mut timeline = timeline(Layout::Flat, &["005.commit", "010.commit"]).unwrap();
        timeline.roll_back("003", Some("commit"));
        timeline.roll_back("002", Some("compaction"));
        timeline.roll_back("001", None);
        timeline.roll_back("005", Some("commit"));
        let verdicts = ["003", "002", "001", "005", "000"].map(|instant| timeline.verdict(instant));
        assert_eq!(
            verdicts,
            [
                Verdict::Uncommitted,
                Verdict::Committed,
                Verdict::Unknown,
                Verdict::Committed,
                Verdict::Committed
            ]
        );
        let saved =
            self::timeline(Layout::Flat, &["002.savepoint", "002.commit", "008.commit", "009.commit"])
                .unwrap();
        assert_eq!(
            saved.verdict("005"),
            Verdict::Committed,
            "it was archived between the savepoint and the rest"
        );
        let only = self::timeline(Layout::Flat, &["002.savepoint", "002.commit"]).unwrap();
        let verdicts = ["001", "002", "003"].map(|instant| only.verdict(instant));
        assert_eq!(verdicts, [Verdict::Unknown, Verdict::Committed, Verdict::Uncommitted]);
        assert_eq!(Timeline::default().verdict("1"), Verdict::Unknown);
    }

    #[test]
    fn instants_with_times_of_completion() {
        let names = [
            "005_006.commit",
            "005.commit.requested",
            "005.inflight",
            "007.clustering.inflight",
            "008_012.replacecommit",
        ];
        let found = timeline(Layout::Timed, &names).unwrap();
        assert_eq!(found.writes["008"].completed.as_deref(), Some("012"));
        assert!(found.writes["008"].is_replacement && !found.writes["005"].is_replacement);
        assert_eq!(found.verdict("007"), Verdict::Uncommitted);
        for (layout, name) in [
            (Layout::Timed, "005.commit"),
            (Layout::Flat, "005_006.commit"),
            (Layout::Flat, "005.newkind"),
            (Layout::Flat, "005.newkind.inflight"),
            (Layout::Flat, "005.commit.later"),
            (Layout::Flat, "005.compaction"),
        ] {
            assert!(timeline(layout, &[name]).unwrap_err().contains("not a known kind"), "{name}");
        }
        assert!(timeline(Layout::Flat, &["1.commit", "1.deltacommit"]).unwrap_err().contains("twice"));
    }

    #[test]
    fn a_restore_under_way_is_refused() {
        let error =
            timeline(Layout::Flat, &["1.commit", "2.restore.inflight", "2.restore.requested"]).unwrap_err();
        assert!(error.contains("2.restore"), "{error}");
        timeline(Layout::Flat, &["1.commit", "2.restore", "2.restore.inflight"]).unwrap();
        timeline(Layout::Timed, &["1_1.commit", "2.restore.inflight", "2_3.restore"]).unwrap();
    }
}
