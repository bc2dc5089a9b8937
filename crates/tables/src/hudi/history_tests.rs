//! Made-up histories against a simple model of what their writer knows.

use std::collections::BTreeMap;

use lake::Key;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::commit::Commit;
use super::properties::Layout;
use super::snapshot::{Listing, Written, snapshot};
use super::timeline::Timeline;

/// What happens to a table. Numbers choose a file group.
#[derive(Debug, Clone)]
enum Event {
    Insert,
    Upsert(usize),
    Replace(usize),
    /// A write that never ends.
    Hang(usize),
    /// A write that was rolled back, and left its file.
    RollBack(usize),
    Clean,
    Archive(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Insert),
        4 => any::<usize>().prop_map(Event::Upsert),
        2 => any::<usize>().prop_map(Event::Replace),
        1 => any::<usize>().prop_map(Event::Hang),
        1 => any::<usize>().prop_map(Event::RollBack),
        1 => Just(Event::Clean),
        1 => (1usize..4).prop_map(Event::Archive),
    ]
}

/// A table as its writer knows it.
#[derive(Default)]
struct Model {
    /// The newest file of each group that counts.
    current: BTreeMap<String, String>,
    files: Vec<String>,
    /// Names in the timeline, with the metadata of completed writes.
    timeline: BTreeMap<String, Option<Value>>,
    rolled_back: Vec<String>,
    instant: usize,
}

impl Model {
    fn write(&mut self, group: &str) -> (String, String) {
        self.instant += 1;
        let instant = format!("{:03}", self.instant);
        let file = format!("{group}_0-1-0_{instant}.parquet");
        self.files.push(file.clone());
        (instant, file)
    }

    fn one(&self, nth: usize) -> Option<String> {
        (!self.current.is_empty())
            .then(|| self.current.keys().nth(nth % self.current.len()).cloned())
            .flatten()
    }

    fn complete(&mut self, instant: &str, file: &str, replaced: &[&str]) {
        let group = file.split('_').next().unwrap().to_owned();
        let kind = if replaced.is_empty() { "commit" } else { "replacecommit" };
        let metadata = json!({"partitionToWriteStats": {"": [{"fileId": group, "path": file}]},
            "partitionToReplaceFileIds": if replaced.is_empty() { json!({}) } else { json!({"": replaced}) }});
        self.timeline.insert(format!("{instant}.{kind}"), Some(metadata));
        replaced.iter().for_each(|old| _ = self.current.remove(*old));
        self.current.insert(group, file.to_owned());
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Insert => {
                let (instant, file) = self.write(&format!("new{}-0", self.instant));
                self.complete(&instant, &file, &[]);
            }
            Event::Upsert(nth) => {
                let Some(group) = self.one(*nth) else { return };
                let (instant, file) = self.write(&group);
                self.complete(&instant, &file, &[]);
            }
            Event::Replace(nth) => {
                let Some(old) = self.one(*nth) else { return };
                let (instant, file) = self.write(&format!("next{}-0", self.instant));
                self.complete(&instant, &file, &[&old]);
            }
            Event::Hang(nth) | Event::RollBack(nth) => {
                let group = self.one(*nth).unwrap_or_else(|| "failed-0".to_owned());
                let (instant, _) = self.write(&group);
                match event {
                    Event::Hang(_) => _ = self.timeline.insert(format!("{instant}.inflight"), None),
                    _ => self.rolled_back.push(instant),
                }
            }
            Event::Clean => {
                let kept: Vec<&String> = self.current.values().collect();
                let committed = |file: &String| {
                    let instant = file.rsplit('_').next().unwrap().trim_end_matches(".parquet");
                    self.timeline.keys().any(|name| name.starts_with(instant) && !name.ends_with("inflight"))
                };
                let gone: Vec<String> = self
                    .files
                    .iter()
                    .filter(|file| committed(file) && !kept.contains(file))
                    .cloned()
                    .collect();
                self.files.retain(|file| !gone.contains(file));
            }
            Event::Archive(count) => self.archive(*count),
        }
    }

    /// Moves the oldest completed instants away: never past one that is under way, never a replacement whose files are still
    /// there, never the last.
    fn archive(&mut self, count: usize) {
        for _ in 0..count {
            let Some((name, metadata)) = self.timeline.iter().next() else { return };
            let Some(metadata) = metadata else { return };
            let ids = metadata["partitionToReplaceFileIds"][""].as_array().cloned().unwrap_or_default();
            let is_kept = |id: &Value| self.files.iter().any(|file| file.split('_').next() == id.as_str());
            if self.timeline.values().flatten().count() < 2 || ids.iter().any(is_kept) {
                return;
            }
            let name = name.clone();
            self.timeline.remove(&name);
        }
    }

    fn read(&self) -> Result<Vec<String>, String> {
        let (mut timeline, mut listing, mut written) =
            (Timeline::default(), Listing::default(), Written::default());
        for (name, metadata) in &self.timeline {
            timeline.take(Layout::Flat, name, &Key::new("k").unwrap())?;
            if let Some(metadata) = metadata {
                let commit = Commit::parse(metadata.to_string().as_bytes())?;
                written.take(name.split('.').next().unwrap(), commit)?;
            }
        }
        self.rolled_back.iter().for_each(|instant| timeline.roll_back(instant, Some("commit")));
        self.files.iter().try_for_each(|file| listing.take(file, 1))?;
        let found = snapshot("", &timeline, listing, written)?;
        Ok(found.files.into_iter().map(|file| file.location).collect())
    }
}

proptest! {
    #[test]
    fn any_history_reads_as_its_writer_knows_it(events in prop::collection::vec(event(), 1..40)) {
        let mut model = Model::default();
        model.apply(&Event::Insert);
        for event in &events {
            model.apply(event);
            let mut expected: Vec<String> = model.current.values().cloned().collect();
            expected.sort();
            let mut found = model.read().unwrap();
            found.sort();
            prop_assert_eq!(found, expected, "after {:?}", event);
        }
    }
}
