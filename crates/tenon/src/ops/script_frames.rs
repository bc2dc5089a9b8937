//! What the library in scripts asks of the engine, under `/_/scripts/`. It writes frames as Parquet files into a folder of
//! its own and names it, or names an empty folder for what is to be written:
//!
//! - `POST quality/evaluate` of `{"Ruleset", "Primary": {"Folder", "Columns": [{"Name", "Type"}]}, "Others"?: {alias: frame},
//!   "ByRow"?, "Context", "ResultsPrefix"?, "Keep"?, "RunId"?}` answers `{"ResultId", "Rules": [{"Rule", "Outcome",
//!   "FailureReason", "EvaluatedMetrics"}]}`
//! - `POST quality/rows` of the first four, `"Skipped"?` and `"Folder"` writes the frame's rows with what the rules say about
//!   each, and answers `{"Rows"}`
//! - `POST database/read` of `{"Connection" or "Properties", "Engine"?, "Table", "Columns"?, "HashField"?,
//!   "HashPartitions"?, "After"?: {"Keys": [{"Name", "Value"}], "Descending"?}, "FindKey"?, "Folder"}` writes the rows of
//!   a table, and answers `{"Columns", "Rows", "Key"}`: `Key` is the primary key, when `FindKey` is true
//! - `POST database/write` of `{"Connection" or "Properties", "Engine"?, "Database"?, "Table", "Frame": {"Folder",
//!   "Columns"}, "Before"?, "After"?}` adds the rows of a frame to a table in one transaction, with statements before and
//!   after them, and answers `{"Rows", "Made"}`
//! - `POST table/read` of `{"Database", "Table", "Objects"?: {address: ETag}, "Folder"}` writes the rows of a table of the
//!   catalog, or of those of its objects, and answers `{"Columns", "Rows"}`
//! - `POST sensitive/detect` of `{"Frame": {"Folder", "Columns"}, "Detection": {…}, "Folder"}` writes what a PIIDetection node with
//!   these members gives of a frame, and answers `{"Columns", "Rows"}`
//! - `POST values/fill` of `{"Frame", "Filling": {…}, "Folder"}` does the same with a FillMissingValues node, and answers
//!   `{"Columns", "Rows", "Notes", "Warnings"}`
//!
//! Each is answered when it is done. Who gives up waiting stops it.

use std::collections::{BTreeMap, HashMap};

use http::{Request, StatusCode};
use jobs::quality::service::{Publishing, QualityError, Staged, StagedFrame};
use jobs::{After, ByNode, DEFAULT_PARTS, DatabaseRead, DatabaseWrite, Login, TableRead};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::Body;

use super::admit::Refused;
use super::scripts::ScriptOps;

/// Rules, names of columns, an address.
pub(super) const MAX_BODY_BYTES: u64 = 4 << 20;
/// Half a million objects.
pub(super) const MAX_LIST_BYTES: u64 = 128 << 20;

/// A column, and its type as the catalog writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Column {
    name: String,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Frame {
    folder: String,
    columns: Vec<Column>,
}

/// The body of `quality/evaluate`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Evaluate {
    ruleset: String,
    primary: Frame,
    #[serde(default)]
    others: BTreeMap<String, Frame>,
    #[serde(default)]
    by_row: bool,
    context: String,
    results_prefix: Option<String>,
    #[serde(default)]
    keep: bool,
    run_id: Option<String>,
}

/// The body of `quality/rows`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rows {
    ruleset: String,
    primary: Frame,
    #[serde(default)]
    others: BTreeMap<String, Frame>,
    #[serde(default)]
    by_row: bool,
    #[serde(default)]
    skipped: bool,
    folder: String,
}

/// The body of `database/read`. Holds a password: it has no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Read {
    connection: Option<String>,
    properties: Option<BTreeMap<String, String>>,
    engine: Option<String>,
    table: String,
    columns: Option<Vec<Column>>,
    hash_field: Option<String>,
    hash_partitions: Option<u32>,
    after: Option<ReadAfter>,
    #[serde(default)]
    find_key: bool,
    folder: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReadAfter {
    keys: Vec<Key>,
    #[serde(default)]
    descending: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Key {
    name: String,
    value: String,
}

/// The body of `database/write`. Holds a password: it has no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Write {
    connection: Option<String>,
    properties: Option<BTreeMap<String, String>>,
    engine: Option<String>,
    database: Option<String>,
    table: String,
    frame: Frame,
    before: Option<String>,
    after: Option<String>,
}

/// The body of `table/read`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Table {
    database: String,
    table: String,
    objects: Option<HashMap<String, String>>,
    folder: String,
}

/// The body of `sensitive/detect`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Sensitive {
    frame: Frame,
    detection: Map<String, Value>,
    folder: String,
}

/// The body of `values/fill`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Fill {
    frame: Frame,
    filling: Map<String, Value>,
    folder: String,
}

pub(super) fn columns_of(found: &jobs::Staged) -> Vec<Value> {
    found.columns.iter().map(|(name, hive)| json!({ "Name": name, "Type": hive })).collect()
}

pub(super) fn columns(given: Vec<Column>) -> Vec<(String, String)> {
    given.into_iter().map(|column| (column.name, column.r#type)).collect()
}

impl From<Frame> for StagedFrame {
    fn from(frame: Frame) -> Self {
        Self { folder: frame.folder, columns: columns(frame.columns) }
    }
}

fn staged(
    ruleset: String,
    primary: Frame,
    others: BTreeMap<String, Frame>,
    by_row: bool,
) -> Result<Staged, Refused> {
    if others.contains_key("primary") {
        return Err(Refused::invalid(
            "primary is the name of the frame that is evaluated, and of no other one",
        ));
    }
    let others = others.into_iter().map(|(alias, frame)| (alias, frame.into())).collect();
    Ok(Staged { ruleset, primary: primary.into(), others, by_row })
}

impl From<QualityError> for Refused {
    fn from(error: QualityError) -> Self {
        match &error {
            QualityError::Store(_) | QualityError::Corrupt { .. } => Self::internal(&error),
            QualityError::RulesetNotFound { .. }
            | QualityError::RulesetExists { .. }
            | QualityError::RunNotFound { .. }
            | QualityError::ResultNotFound { .. }
            | QualityError::Invalid { .. }
            | QualityError::Catalog(_) => Self::invalid(error.to_string()),
        }
    }
}

fn login(connection: Option<String>, properties: Option<BTreeMap<String, String>>) -> Result<Login, Refused> {
    match (connection, properties) {
        (Some(name), None) => Ok(Login::Connection(name)),
        (None, Some(properties)) => Ok(Login::Properties(properties)),
        _ => Err(Refused::invalid("either Connection or Properties is needed")),
    }
}

fn read(asked: Read) -> Result<DatabaseRead, Refused> {
    let login = login(asked.connection, asked.properties)?;
    let parts = asked.hash_field.map(|field| (field, asked.hash_partitions.unwrap_or(DEFAULT_PARTS)));
    let after = asked.after.map(|after| After {
        keys: after.keys.into_iter().map(|key| (key.name, key.value)).collect(),
        descending: after.descending,
    });
    Ok(DatabaseRead {
        login,
        engine: asked.engine,
        table: asked.table,
        columns: asked.columns.map(columns),
        parts,
        after,
        find_key: asked.find_key,
        folder: asked.folder,
    })
}

impl ScriptOps {
    pub(super) async fn evaluate(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Evaluate) = self.admit(request, MAX_BODY_BYTES).await?;
        let staged = staged(asked.ruleset, asked.primary, asked.others, asked.by_row)?;
        let publishing = Publishing {
            context: asked.context,
            prefix: asked.results_prefix,
            kept: asked.keep,
            run: asked.run_id,
        };
        let _slot = self.slot().await?;
        let result = by.quality.evaluate_staged(&by.scope, &staged, publishing).await?;
        let rules: Vec<Value> = result
            .evaluation
            .rules
            .iter()
            .map(|rule| {
                json!({
                    "Rule": rule.rule,
                    "Outcome": rule.outcome.as_str(),
                    "FailureReason": rule.reason,
                    "EvaluatedMetrics": rule.metrics,
                })
            })
            .collect();
        Ok(json!({ "ResultId": result.id, "Rules": rules }))
    }

    pub(super) async fn rows(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Rows) = self.admit(request, MAX_BODY_BYTES).await?;
        let staged = staged(asked.ruleset, asked.primary, asked.others, asked.by_row)?;
        let _slot = self.slot().await?;
        let rows = by.quality.stage_row_outcomes(&by.scope, &staged, asked.skipped, &asked.folder).await?;
        Ok(json!({ "Rows": rows }))
    }

    pub(super) async fn read_database(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Read) = self.admit(request, MAX_BODY_BYTES).await?;
        let read = read(asked)?;
        let _slot = self.slot().await?;
        let found = by.stager.read_database(&by.scope, &read).await?;
        Ok(json!({ "Columns": columns_of(&found), "Rows": found.rows, "Key": found.key }))
    }

    pub(super) async fn read_table(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Table) = self.admit(request, MAX_LIST_BYTES).await?;
        let Table { database, table, objects, folder } = asked;
        let _slot = self.slot().await?;
        let read = TableRead { database, table, objects, folder };
        let found = by.stager.read_table(&by.scope, &read).await?;
        Ok(json!({ "Columns": columns_of(&found), "Rows": found.rows }))
    }

    pub(super) async fn detect(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Sensitive) = self.admit(request, MAX_BODY_BYTES).await?;
        let Sensitive { frame, detection, folder } = asked;
        let _slot = self.slot().await?;
        let asked = ByNode { frame: frame.into(), members: detection, folder };
        let found = by.stager.detect(&by.scope, &asked).await?.staged;
        Ok(json!({ "Columns": columns_of(&found), "Rows": found.rows }))
    }

    pub(super) async fn fill(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Fill) = self.admit(request, MAX_BODY_BYTES).await?;
        let Fill { frame, filling, folder } = asked;
        let _slot = self.slot().await?;
        let asked = ByNode { frame: frame.into(), members: filling, folder };
        let jobs::Done { staged, notes, warnings } = by.stager.fill(&by.scope, &asked).await?;
        Ok(
            json!({ "Columns": columns_of(&staged), "Rows": staged.rows, "Notes": notes, "Warnings": warnings }),
        )
    }

    pub(super) async fn write_database(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Write) = self.admit(request, MAX_BODY_BYTES).await?;
        let write = DatabaseWrite {
            login: login(asked.connection, asked.properties)?,
            engine: asked.engine,
            database: asked.database,
            table: asked.table,
            frame: asked.frame.into(),
            before: asked.before,
            after: asked.after,
        };
        let _slot = self.slot().await?;
        let added = by.stager.write_database(&by.scope, &write).await?;
        Ok(json!({ "Rows": added.rows, "Made": added.made }))
    }

    /// Waits for a place among those at work.
    pub(super) async fn slot(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refused> {
        self.slots.acquire().await.map_err(|_| {
            let message = "the server is being stopped".to_owned();
            Refused(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
        })
    }
}
