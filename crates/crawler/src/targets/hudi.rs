//! Hudi targets: the tables below some paths, each described by its timeline and its newest base file.
//!
//! A folder with `.hoodie/hoodie.properties` is a table; nothing deeper in it is looked at. The catalog gets the table as
//! Hudi's own Hive sync writes it; its partitions are not in the catalog: queries find them, with the files, by the
//! timeline. Of a MERGE_ON_READ table the read-optimised view is made, `<name>_ro`.

use async_trait::async_trait;
use catalog::{Column, Parameters, SerDeInfo, StorageDescriptor, Table, TableInput};
use formats::hive::HiveType;
use formats::{Format, InferOptions, InferredField, ParquetOptions};
use lake::{Conditions, Object};
use tables::files::Place;
use tables::hudi::{HudiKind, HudiTable, PROPERTIES_FILE, READ_AS};
use tables::{LakeBytes, Tables, TablesError};

use super::walk::{Dated, Sign, Walked};
use super::{Described, LABELLED, Target, Yield};
use crate::definition::FoldersTarget;
use crate::error::CrawlerError;
use crate::run::{Ended, Job, UPDATED_BY};
use crate::words::named_some;

const SIGN: Sign =
    Sign { what: "Hudi table (.hoodie/hoodie.properties)", folder: ".hoodie/", file: properties };

/// A Hudi target.
pub(crate) struct Hudi {
    target: FoldersTarget,
    walked: Walked,
}

impl Hudi {
    pub(crate) fn new(target: FoldersTarget) -> Self {
        Self { target, walked: Walked::default() }
    }
}

/// The file that makes a folder a table; while it is written anew there is only its backup.
fn properties(folder: &str, files: Vec<Dated>) -> Option<String> {
    let is_it = |key: &str| {
        let name = key.strip_prefix(folder).unwrap_or_default();
        name.strip_suffix(".backup").unwrap_or(name) == PROPERTIES_FILE
    };
    files.into_iter().map(|(key, _)| key).find(|key| is_it(key))
}

#[async_trait]
impl Target for Hudi {
    fn label(&self) -> String {
        format!("Hudi tables below {}", named_some(&self.target.paths, LABELLED))
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let mut found = Yield::default();
        for path in &self.target.paths {
            for root in self.walked.roots(job, &self.target, path, &SIGN, &mut found).await? {
                job.go_on()?;
                let location = format!("{}/", root.location);
                match described(job, &location).await? {
                    Ok(table) => found.tables.push(table),
                    Err(why) => found.left_out.push((location, why)),
                }
            }
        }
        Ok(found)
    }

    fn is_gone(&self, table: &Table) -> bool {
        tables::hudi::is_hudi(table) && self.walked.is_gone(table)
    }
}

/// The table at a location; the inner error says why it cannot be described.
async fn described(job: &Job<'_>, location: &str) -> Result<Result<Described, String>, Ended> {
    let ground = job.ground;
    let tables = Tables::new(ground.store.clone(), ground.lake.clone());
    let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
    let table = match tables.hudi(&mut tx, job.scope, location).await {
        Ok(Some(table)) => table,
        Ok(None) => return Ok(Err(format!("there is no {PROPERTIES_FILE} here any more"))),
        Err(TablesError::Store(error)) => return Err(CrawlerError::from(error).into()),
        Err(TablesError::Lake(error)) => return Err(CrawlerError::from(error).into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Some(newest) = table.newest_file() else { return Ok(Err(without_files(&table))) };
    let place = match Place::parse(&newest.location).and_then(|place| Ok((place.object_key()?, place))) {
        Ok((key, place)) => (place.bucket, key),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let conditions = Conditions { owner: Some(job.scope.account.clone()), ..Conditions::NONE };
    let object =
        ground.lake.get(&mut tx, &place.0, &place.1, &conditions).await.map_err(CrawlerError::from)?;
    drop(tx);
    let fields = match fields(place.0.as_str(), object).await {
        Ok(fields) => fields,
        Err(why) => return Ok(Err(why)),
    };
    Ok(describe(&job.definition.name, location, &table, &fields))
}

fn without_files(table: &HudiTable) -> String {
    match (table.logs, &table.instant) {
        (0, None) => "nothing was written to it yet: its columns are not known".to_owned(),
        (0, Some(_)) => "no base file holds rows of it: its columns are not known".to_owned(),
        (logs, _) => format!(
            "all its rows are in {logs} log files, which are not read: compact the table, so that there are base files"
        ),
    }
}

/// The columns of a base file.
async fn fields(bucket: &str, object: Object) -> Result<Vec<InferredField>, String> {
    let source = std::sync::Arc::new(LakeBytes::new(bucket, object));
    let options =
        InferOptions { format: Some(Format::Parquet(ParquetOptions {})), ..InferOptions::default() };
    let found = formats::infer(source, &options).await.map_err(|error| error.to_string())?;
    Ok(found.fields)
}

fn describe(
    crawler: &str,
    location: &str,
    table: &HudiTable,
    fields: &[InferredField],
) -> Result<Described, String> {
    let folder = location.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_ro = table.kind == HudiKind::MergeOnRead;
    let unmerged = (table.logs > 0).then(|| {
        format!(
            "newer rows in {} log files are not in it: it is the read-optimised view of a MERGE_ON_READ table, of its base files; \
             compact the table to have them",
            table.logs
        )
    });
    let what = format!(
        "Hudi table {} ({}, version {}) at the instant {}, {} files",
        table.name,
        table.kind.name(),
        table.version,
        table.instant.as_deref().unwrap_or_default(),
        table.files.len()
    );
    Ok(Described {
        name: format!("{folder}{}", if is_ro { "_ro" } else { "" }),
        path: location.to_owned(),
        input: input(crawler, location, table, fields)?,
        facts: vec![what, READ_AS.to_owned()],
        notes: unmerged.into_iter().collect(),
    })
}

/// Source: what the Hive sync of Hudi writes (`HiveSyncTool`, HMS mode), and the classification of Glue's crawlers.
fn input(
    crawler: &str,
    location: &str,
    table: &HudiTable,
    fields: &[InferredField],
) -> Result<TableInput, String> {
    let keys = keys(table, fields)?;
    let is_key = |name: &str| keys.iter().any(|key| key.name == name);
    let columns = fields.iter().filter(|field| !is_key(&field.name));
    let columns = columns.map(|field| Column::new(field.name.clone(), field.ty.to_string())).collect();
    let parameters = pairs(&[
        ("CrawlerSchemaDeserializerVersion", "1.0"),
        ("CrawlerSchemaSerializerVersion", "1.0"),
        ("EXTERNAL", "TRUE"),
        ("classification", "hudi"),
        ("last_commit_time_sync", table.instant.as_deref().unwrap_or_default()),
        ("spark.sql.sources.provider", "hudi"),
        (UPDATED_BY, crawler),
    ]);
    Ok(TableInput {
        owner: Some("owner".to_owned()),
        retention: Some(0),
        storage_descriptor: Some(descriptor(location, table.kind, columns)),
        partition_keys: Some(keys),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(parameters),
        ..TableInput::default()
    })
}

fn pairs(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn descriptor(location: &str, kind: HudiKind, columns: Vec<Column>) -> StorageDescriptor {
    let serde = SerDeInfo {
        serialization_library: Some("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe".to_owned()),
        parameters: Some(pairs(&[
            ("hoodie.query.as.ro.table", if kind == HudiKind::MergeOnRead { "true" } else { "false" }),
            ("path", location),
            ("serialization.format", "1"),
        ])),
        ..SerDeInfo::default()
    };
    StorageDescriptor {
        columns: Some(columns),
        location: Some(location.to_owned()),
        input_format: Some("org.apache.hudi.hadoop.HoodieParquetInputFormat".to_owned()),
        output_format: Some("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat".to_owned()),
        compressed: Some(false),
        number_of_buckets: Some(-1),
        serde_info: Some(serde),
        bucket_columns: Some(Vec::new()),
        sort_columns: Some(Vec::new()),
        stored_as_sub_directories: Some(false),
        ..StorageDescriptor::default()
    }
}

/// The partition keys. Each has the type of its column when the folders hold values of that type, and is text otherwise.
fn keys(table: &HudiTable, fields: &[InferredField]) -> Result<Vec<Column>, String> {
    let names: Vec<&str> = table.partition_fields.iter().map(|field| field.name.as_str()).collect();
    let mut types: Vec<HiveType> = table
        .partition_fields
        .iter()
        .map(|key| {
            let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(&key.name));
            field.filter(|_| !key.is_formatted).map_or(HiveType::String, |field| field.ty.clone())
        })
        .collect();
    for file in &table.files {
        for (ty, value) in types.iter_mut().zip(table.partition_values(file, &names)?) {
            if !value.is_none_or(|text| holds(ty, &text)) {
                *ty = HiveType::String;
            }
        }
    }
    let typed = names.iter().zip(types);
    Ok(typed.map(|(name, ty)| Column::new(name.to_lowercase(), ty.to_string())).collect())
}

/// Whether a value of a folder is one of a type.
fn holds(ty: &HiveType, text: &str) -> bool {
    let digits =
        |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    match ty {
        HiveType::TinyInt => text.parse::<i8>().is_ok(),
        HiveType::SmallInt => text.parse::<i16>().is_ok(),
        HiveType::Int => text.parse::<i32>().is_ok(),
        HiveType::BigInt => text.parse::<i64>().is_ok(),
        HiveType::Boolean => matches!(text, "true" | "false"),
        HiveType::Date => {
            let parts: Vec<&str> = text.split('-').collect();
            matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
        }
        // All other types are written in several ways.
        _ => false,
    }
}
