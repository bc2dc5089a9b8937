//! What a crawl would do, for people and programs: the folder tree with the reason of each decision, what each file
//! looked like, and the difference to the catalog.

use std::collections::BTreeMap;

use catalog::{PartitionInput, TableInput};
use formats::{InferredField, Seen, hive::HiveType};
use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::Shape;

/// Files of a target that are listed one by one.
const MAX_FILES: usize = 10_000;
/// Partitions of a table that are shown.
const SHOWN_PARTITIONS: usize = 20;

/// A whole preview.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Preview {
    /// The crawler's name.
    pub crawler_name: String,
    /// What was found, per target.
    pub targets: Vec<TargetReport>,
    /// Databases that would be made.
    pub databases: Vec<String>,
    /// What would become of tables.
    pub tables: Vec<TableDiff>,
    /// The lines that the crawl would log, without what it would have done.
    pub log: Vec<String>,
    /// Why the crawl would fail. `tables` then holds what would be written of the targets that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One target.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetReport {
    /// Its path.
    pub path: String,
    /// Folders in the order of their paths.
    pub folders: Vec<FolderReport>,
    /// The distinct schemas; files name them by position.
    pub schemas: Vec<Value>,
    /// Files, the first ten thousand.
    pub files: Vec<FileReport>,
    /// Files beyond.
    pub files_not_shown: u64,
}

/// A folder and what becomes of it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FolderReport {
    /// Its whole path.
    pub path: String,
    /// `TABLE`, `PARTITION`, `PARTITION_LEVEL`, `WITHIN` (a table or partition above) or `NONE`.
    pub role: &'static str,
    /// The table's place, and the partition key or values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Why.
    pub why: Vec<String>,
    /// Files directly in it that were recognised.
    pub files: u64,
}

/// A file, or a table of a target that is no files, and its vote.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileReport {
    /// The key, or what the target calls the table.
    pub key: String,
    /// Which of the target's schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<usize>,
    /// How much of what was looked at is as the format has it, 0 to 1; not of targets that are no files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<f64>,
    /// Why it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

impl TargetReport {
    /// Adds a recognised file.
    pub(crate) fn vote(&mut self, key: &str, shape: &Shape) {
        let columns: Vec<Value> = shape.fields.iter().map(voted).collect();
        self.add(key, json!({ "Format": shape.kind.words(), "Columns": columns }), Some(shape.certainty));
    }

    /// Adds a table of a target that is no files, by what the target calls it.
    pub(crate) fn table(&mut self, key: &str, input: &TableInput) {
        let columns =
            input.storage_descriptor.as_ref().and_then(|d| d.columns.as_ref()).into_iter().flatten();
        let columns: Vec<Value> = columns.map(|c| json!({ "Name": c.name, "Type": c.hive_type() })).collect();
        let format = input.parameters.as_ref().and_then(|all| all.get("classification"));
        self.add(key, json!({ "Format": format, "Columns": columns }), None);
    }

    fn add(&mut self, key: &str, schema: Value, certainty: Option<f64>) {
        if self.files.len() == MAX_FILES {
            self.files_not_shown += 1;
            return;
        }
        let at = self.schemas.iter().position(|known| *known == schema).unwrap_or_else(|| {
            self.schemas.push(schema);
            self.schemas.len() - 1
        });
        self.files.push(FileReport { key: key.to_owned(), schema: Some(at), certainty, left_out: None });
    }

    /// Adds a file or table that is left out.
    pub(crate) fn leave_out(&mut self, key: &str, why: &str) {
        if self.files.len() == MAX_FILES {
            self.files_not_shown += 1;
            return;
        }
        self.files.push(FileReport {
            key: key.to_owned(),
            schema: None,
            certainty: None,
            left_out: Some(why.to_owned()),
        });
    }
}

/// A column as a file has it; with `Choice`, the types of its values, when they are several.
fn voted(field: &InferredField) -> Value {
    let mut column = json!({ "Name": field.name, "Type": field.ty.to_string() });
    if let Seen::Choice(types) = &field.seen {
        column["Choice"] = json!(types.iter().map(HiveType::to_string).collect::<Vec<_>>());
    }
    column
}

/// The difference to the catalog.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diff {
    pub(crate) databases: Vec<String>,
    pub(crate) tables: Vec<TableDiff>,
}

/// What would become of one table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableDiff {
    /// Its database.
    pub database_name: String,
    /// Its name.
    pub name: String,
    /// `CREATE`, `UPDATE`, `STATISTICS`, `REMAKE`, `DEPRECATE`, `DELETE`, `UNCHANGED`, `LOG` (changed, and left as it is)
    /// or `PARTITIONS` (new partitions only).
    pub action: &'static str,
    /// Where it is.
    pub location: String,
    /// What changes in its definition, a line each.
    pub changes: Vec<String>,
    /// Partitions that would be made.
    pub partitions_created: u64,
    /// Partitions that would be replaced.
    pub partitions_updated: u64,
    /// Partitions that would be deleted.
    pub partitions_deleted: u64,
    /// Some of these, each with `+`, `~` or `-` in front.
    pub partitions: Vec<String>,
}

impl TableDiff {
    pub(crate) fn new(
        database: &str,
        action: &'static str,
        old: Option<&TableInput>,
        new: Option<&TableInput>,
    ) -> Self {
        let one = new.or(old);
        let location = one.and_then(|t| t.storage_descriptor.as_ref()).and_then(|d| d.location.clone());
        Self {
            database_name: database.to_lowercase(),
            name: one.map(|t| t.name.to_lowercase()).unwrap_or_default(),
            action,
            location: location.unwrap_or_default(),
            changes: if new.is_some() { changes(old, new) } else { Vec::new() },
            partitions_created: 0,
            partitions_updated: 0,
            partitions_deleted: 0,
            partitions: Vec::new(),
        }
    }

    fn show<'a>(&mut self, sign: char, values: impl Iterator<Item = &'a PartitionInput>) {
        for part in values {
            if self.partitions.len() == SHOWN_PARTITIONS {
                return;
            }
            self.partitions.push(format!("{sign} {}", part.values.join("/")));
        }
    }
}

impl Diff {
    fn table(&mut self, (database, name): (&str, &str)) -> &mut TableDiff {
        let (database, name) = (database.to_lowercase(), name.to_lowercase());
        // A table that is made anew is there twice: its partitions are those of the later one.
        let at = self.tables.iter().rposition(|t| t.database_name == database && t.name == name);
        let at = at.unwrap_or_else(|| {
            let input = TableInput { name, ..TableInput::default() };
            self.tables.push(TableDiff::new(&database, "PARTITIONS", None, Some(&input)));
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    pub(crate) fn partitions(
        &mut self,
        place: (&str, &str),
        made: &[PartitionInput],
        changed: &[(PartitionInput, PartitionInput)],
    ) {
        let table = self.table(place);
        table.partitions_created += made.len() as u64;
        table.partitions_updated += changed.len() as u64;
        table.show('+', made.iter());
        table.show('~', changed.iter().map(|(_, new)| new));
    }

    pub(crate) fn partitions_gone(&mut self, place: (&str, &str), gone: &[PartitionInput]) {
        let table = self.table(place);
        table.partitions_deleted += gone.len() as u64;
        table.show('-', gone.iter());
    }
}

/// Columns, keys and parameters by name.
fn facts(input: Option<&TableInput>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let Some(input) = input else { return facts };
    let descriptor = input.storage_descriptor.as_ref();
    for column in descriptor.and_then(|d| d.columns.as_ref()).into_iter().flatten() {
        facts.insert(format!("column {}", column.name), column.hive_type().to_owned());
    }
    for (at, key) in input.partition_keys.iter().flatten().enumerate() {
        facts.insert(format!("partition key {} {}", at + 1, key.name), key.hive_type().to_owned());
    }
    for (name, value) in input.parameters.iter().flatten() {
        facts.insert(format!("parameter {name}"), value.clone());
    }
    let serde = descriptor.and_then(|d| d.serde_info.as_ref());
    for (name, value) in [
        ("location", descriptor.and_then(|d| d.location.as_ref())),
        ("input format", descriptor.and_then(|d| d.input_format.as_ref())),
        ("serde", serde.and_then(|s| s.serialization_library.as_ref())),
    ] {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in serde.and_then(|s| s.parameters.as_ref()).into_iter().flatten() {
        facts.insert(format!("serde parameter {name}"), value.clone());
    }
    facts
}

fn changes(old: Option<&TableInput>, new: Option<&TableInput>) -> Vec<String> {
    let (old, new) = (facts(old), facts(new));
    let mut lines = Vec::new();
    for (name, value) in &new {
        match old.get(name) {
            None => lines.push(format!("+ {name}: {value}")),
            Some(before) if before != value => lines.push(format!("~ {name}: {before} -> {value}")),
            Some(_) => {}
        }
    }
    lines.extend(old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(n, v)| format!("- {n}: {v}")));
    lines
}
