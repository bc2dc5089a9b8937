//! Delta targets: each path is one table, described by its log.
//!
//! Tables are native ones (`CreateNativeDeltaTable`): their rows are what the log says. The catalog holds a copy of the
//! schema for people and clients; queries read the log anew.

use std::collections::BTreeSet;

use async_trait::async_trait;
use catalog::{Column, Parameters, SerDeInfo, StorageDescriptor, Table, TableInput};
use formats::hive::HiveType;
use tables::delta::{DeltaField, DeltaTable};
use tables::{Tables, TablesError};

use super::{Described, LABELLED, Target, Yield};
use crate::definition::DeltaTarget;
use crate::error::CrawlerError;
use crate::run::{Ended, Job, UPDATED_BY};
use crate::words::named_some;

/// The most characters of a parameter's value that Hive's metastore takes: longer ones are cut in parts.
const PART_CHARS: usize = 4_000;

/// A Delta target.
pub(crate) struct Delta {
    target: DeltaTarget,
    /// Paths that surely hold no Delta table now.
    absent: BTreeSet<String>,
}

impl Delta {
    pub(crate) fn new(target: DeltaTarget) -> Self {
        Self { target, absent: BTreeSet::new() }
    }
}

/// A path as tables have it: `s3://bucket/prefix/`.
fn location(path: &str) -> String {
    let rest = lake::s3_path(path);
    format!("s3://{}/", rest.unwrap_or(path).trim_matches('/'))
}

#[async_trait]
impl Target for Delta {
    fn label(&self) -> String {
        format!("Delta tables {}", named_some(&self.target.delta_tables, LABELLED))
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let mut found = Yield::default();
        for path in &self.target.delta_tables {
            job.go_on()?;
            let location = location(path);
            match read(job, &location).await? {
                Ok(Some(table)) => found.tables.push(describe(job, &location, &table)),
                Ok(None) => {
                    let why = "there is no Delta log (_delta_log) here".to_owned();
                    found.left_out.push((location.clone(), why));
                    self.absent.insert(location);
                }
                Err(why) => found.left_out.push((location, why)),
            }
        }
        Ok(found)
    }

    fn is_gone(&self, table: &Table) -> bool {
        table.location().is_some_and(|place| self.absent.contains(&location(place)))
            && tables::delta::is_delta(table)
    }
}

/// The table at a location; the inner error says why it cannot be described.
async fn read(job: &Job<'_>, location: &str) -> Result<Result<Option<DeltaTable>, String>, Ended> {
    let ground = job.ground;
    let tables = Tables::new(ground.store.clone(), ground.lake.clone());
    let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
    match tables.delta(&mut tx, job.scope, location).await {
        Ok(found) => Ok(Ok(found)),
        Err(TablesError::Store(error)) => Err(CrawlerError::from(error).into()),
        Err(TablesError::Lake(error)) => Err(CrawlerError::from(error).into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn describe(job: &Job<'_>, location: &str, table: &DeltaTable) -> Described {
    let mut notes = Vec::new();
    if let Err(error) = table.check_readable() {
        notes.push(format!("queries on it are refused: {error}"));
    }
    let mut names = BTreeSet::new();
    let twice = table.fields.iter().find(|field| !names.insert(field.name.to_lowercase()));
    if let Some(field) = twice {
        notes.push(format!("it has two columns named {}, but for case", field.name.to_lowercase()));
    }
    let folder = location.trim_end_matches('/');
    Described {
        name: folder.rsplit('/').next().unwrap_or_default().to_owned(),
        path: location.to_owned(),
        input: input(&job.definition.name, location, table),
        facts: vec![format!("version {} of its Delta log, {} files", table.version, table.files.len())],
        notes,
    }
}

fn input(crawler: &str, location: &str, table: &DeltaTable) -> TableInput {
    let serde = SerDeInfo {
        serialization_library: Some("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe".to_owned()),
        parameters: Some(Parameters::from([
            ("path".to_owned(), location.to_owned()),
            ("serialization.format".to_owned(), "1".to_owned()),
        ])),
        ..SerDeInfo::default()
    };
    let descriptor = StorageDescriptor {
        columns: Some(table.file_fields().map(column).collect()),
        location: Some(location.to_owned()),
        input_format: Some("org.apache.hadoop.mapred.SequenceFileInputFormat".to_owned()),
        output_format: Some("org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat".to_owned()),
        compressed: Some(false),
        number_of_buckets: Some(-1),
        serde_info: Some(serde),
        bucket_columns: Some(Vec::new()),
        sort_columns: Some(Vec::new()),
        stored_as_sub_directories: Some(false),
        ..StorageDescriptor::default()
    };
    TableInput {
        owner: Some("owner".to_owned()),
        description: table.description.clone(),
        retention: Some(0),
        storage_descriptor: Some(descriptor),
        partition_keys: Some(table.partition_fields().map(column).collect()),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(parameters(crawler, table)),
        ..TableInput::default()
    }
}

/// What Glue's crawlers and Spark write of a native Delta table.
fn parameters(crawler: &str, table: &DeltaTable) -> Parameters {
    let mut all: Parameters = [
        ("CrawlerSchemaDeserializerVersion", "1.0".to_owned()),
        ("CrawlerSchemaSerializerVersion", "1.0".to_owned()),
        ("EXTERNAL", "TRUE".to_owned()),
        ("classification", "delta".to_owned()),
        ("delta.lastUpdateVersion", table.version.to_string()),
        ("delta.minReaderVersion", table.min_reader_version.to_string()),
        ("delta.minWriterVersion", table.min_writer_version.to_string()),
        ("spark.sql.partitionProvider", "catalog".to_owned()),
        ("spark.sql.sources.provider", "delta".to_owned()),
        ("table_type", "DELTA".to_owned()),
        (UPDATED_BY, crawler.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(ms) = table.committed_ms {
        all.insert("delta.lastCommitTimestamp".to_owned(), ms.to_string());
    }
    let characters: Vec<char> = table.schema_text.chars().collect();
    let parts = characters.chunks(PART_CHARS);
    all.insert("spark.sql.sources.schema.numParts".to_owned(), parts.len().to_string());
    for (at, part) in parts.enumerate() {
        all.insert(format!("spark.sql.sources.schema.part.{at}"), part.iter().collect());
    }
    all
}

fn column(field: &DeltaField) -> Column {
    let mut column = Column::new(field.name.to_lowercase(), in_catalog(&field.ty).to_string());
    column.comment.clone_from(&field.comment);
    column
}

/// The type as Glue's clients know it: names in lower case.
fn in_catalog(ty: &HiveType) -> HiveType {
    let inner = |ty: &HiveType| Box::new(in_catalog(ty));
    match ty {
        HiveType::Array(element) => HiveType::Array(inner(element)),
        HiveType::Map(key, value) => HiveType::Map(inner(key), inner(value)),
        HiveType::Struct(fields) => {
            let fields = fields.iter().map(|(name, ty)| (name.to_lowercase(), in_catalog(ty)));
            HiveType::Struct(fields.collect())
        }
        plain => plain.clone(),
    }
}
