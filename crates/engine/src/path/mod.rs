//! Objects below paths as frames: the S3 sources of jobs.
//!
//! [`list`] finds the objects; [`open`] pins them and infers one schema for all from a sample (unless it is given): the
//! columns of all sampled files, each with the narrowest type that holds every file's. `k=v` folders below a path
//! become text columns. A file that contradicts the schema later is an error that names it, not a silently changed
//! value; a column that only files outside the sample have is not seen, unless the sample covers all
//! ([`PathSource::sample_files`], [`PathSource::whole_files`]), or the reader refuses what the schema does not know
//! ([`PathSource::only_known`]).

mod folders;
mod glob;
mod infer;

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::ScalarValue,
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use formats::{ColumnNames, CsvOptions, ExcelOptions, Format, JsonOptions, LineOptions, XmlOptions};
use lake::{Key, LakeError};

use crate::{
    EngineError, ObjectRef, ScanStats,
    bad::BadLog,
    listing,
    location::{self, Location},
    object::Pinner,
    scan::{Scan, ScanFile, is_blank},
    selection::Selection,
    view::{CatalogView, Reading},
};
use folders::Folders;
use glob::Glob;

/// How the files of a path source are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PathFormat {
    /// As their content suggests; all files must be of one format.
    #[default]
    Infer,
    /// Delimited text of this dialect.
    Csv(CsvOptions),
    /// JSON of this dialect.
    Json(JsonOptions),
    /// Apache Parquet.
    Parquet,
    /// Excel workbooks.
    Excel(ExcelOptions),
    /// XML of this dialect.
    Xml(XmlOptions),
    /// Lines of this dialect; the source has to say the schema.
    Lines(LineOptions),
    /// Amazon Ion, text or binary.
    Ion,
}

/// Which types the columns of delimited text get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextTypes {
    /// `bigint`, `double` or `string`, whichever holds all sampled values.
    #[default]
    Inferred,
    /// `string` for every column.
    String,
}

/// Objects below some paths.
#[derive(Clone, Debug)]
pub struct PathSource {
    /// `s3://bucket/prefix` of folders or `s3://bucket/key` of objects; a path that is both means both.
    pub paths: Vec<String>,
    /// Whether folders below the paths count. Default true.
    pub recurse: bool,
    /// Glob patterns of objects to leave out, matched against `s3://…` locations and against keys below the path: `*`
    /// and `?` stay within a folder, `**` does not, `[…]` and `{a,b}` work as in a shell.
    pub exclusions: Vec<String>,
    /// How to read the files.
    pub format: PathFormat,
    /// Types of delimited text.
    pub text_types: TextTypes,
    /// The columns to read, found by name; inferred when absent.
    pub schema: Option<SchemaRef>,
    /// Columns that are known before any file is looked at: those of the files are added, and what a file only guesses, because it
    /// has no value, yields to them. Without effect beside `schema`.
    pub known: Option<SchemaRef>,
    /// Files to infer the schema from, spread over all. Default [`SAMPLE_FILES`].
    pub sample_files: usize,
    /// Whether files of JSON, XML and Ion are looked at to their end, not only their first records. Default false.
    pub whole_files: bool,
    /// Whether values of several types in JSON give a choice: a structure with a field per type
    /// ([`formats::hive::is_choice`]). Default false: one type that holds them all.
    pub choices: bool,
    /// Whether a column that `schema` lacks is an error ([`formats::Problem::UnknownName`]) where a file is met that
    /// has it, rather than left out. Default false.
    pub only_known: bool,
    /// Whether broken records of the files that a schema is inferred from say nothing, as where they are left out: for files
    /// that are not read themselves. Default false.
    pub skips_bad: bool,
    /// Whether `k=v` folders become columns. Default true.
    pub folder_columns: bool,
    /// Only these objects, which must still be as they were listed.
    pub objects: Option<Vec<ObjectRef>>,
    /// Counts what is read, while it is read.
    pub stats: Option<Arc<ScanStats>>,
}

/// Files that a schema is inferred from, unless the source says otherwise.
pub const SAMPLE_FILES: usize = 64;

impl PathSource {
    /// Everything below the paths, of a format to be inferred.
    pub fn new(paths: Vec<String>) -> Self {
        Self {
            paths,
            recurse: true,
            exclusions: Vec::new(),
            format: PathFormat::Infer,
            text_types: TextTypes::Inferred,
            schema: None,
            known: None,
            sample_files: SAMPLE_FILES,
            whole_files: false,
            choices: false,
            only_known: false,
            skips_bad: false,
            folder_columns: true,
            objects: None,
            stats: None,
        }
    }
}

/// An object and the path that it was found below.
struct Found {
    object: ObjectRef,
    /// The part of the key that the path covers.
    folder: String,
}

/// The objects that the source names, in the order of its paths and their keys, each once; see
/// [`crate::Session::list_path`]. A choice of objects in the source is not looked at.
pub(crate) async fn list(view: &CatalogView, source: &PathSource) -> Result<Vec<ObjectRef>, EngineError> {
    let mut reading = view.read().await?;
    let found = find(view, &mut reading, source).await?;
    reading.done();
    Ok(found.into_iter().map(|found| found.object).collect())
}

async fn find(
    view: &CatalogView,
    reading: &mut Reading,
    source: &PathSource,
) -> Result<Vec<Found>, EngineError> {
    let exclusions = source.exclusions.iter().map(|text| Glob::new(text)).collect::<Result<Vec<_>, _>>()?;
    let mut seen: BTreeMap<(String, String), ()> = BTreeMap::new();
    let mut out = Vec::new();
    for path in &source.paths {
        let invalid = |what| EngineError::LocationInvalid { table: None, location: path.clone(), what };
        let location = Location::parse(path).map_err(invalid)?;
        for found in find_below(view, reading, &location).await? {
            let (bucket, key) = (found.object.bucket.as_str(), found.object.key.as_str());
            let below = key.strip_prefix(&found.folder).unwrap_or(key);
            let excluded = || {
                let uri = location::uri(bucket, key);
                exclusions.iter().any(|glob| glob.matches(&uri) || glob.matches(below))
            };
            if (!source.recurse && below.contains('/')) || excluded() {
                continue;
            }
            if seen.insert((bucket.to_owned(), key.to_owned()), ()).is_none() {
                out.push(found);
            }
        }
    }
    Ok(out)
}

/// The object that the path names, if there is one, and everything visible in the folder that it names.
async fn find_below(
    view: &CatalogView,
    reading: &mut Reading,
    location: &Location,
) -> Result<Vec<Found>, EngineError> {
    let sources = view.sources();
    let mut out = Vec::new();
    if !location.prefix.is_empty() && !location.prefix.ends_with('/') {
        let key = Key::new(location.prefix.as_str())?;
        match sources.lake.head(reading.tx(), &location.bucket, &key, &sources.own()).await {
            Ok(info) => {
                let folder = location
                    .prefix
                    .rsplit_once('/')
                    .map_or(String::new(), |(folder, _)| format!("{folder}/"));
                out.push(Found { object: ObjectRef::new(&location.bucket, info), folder });
            }
            // A missing bucket is reported by the listing below.
            Err(LakeError::NoSuchKey { .. } | LakeError::NoSuchBucket { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut objects = Vec::new();
    listing::list_folder(sources, reading.tx(), location, None, &mut objects).await?;
    let folder = location.folder();
    out.extend(objects.into_iter().map(|object| Found { object, folder: folder.clone() }));
    Ok(out)
}

/// A provider of the source's objects, pinned now.
pub(crate) async fn open(
    view: &CatalogView,
    source: PathSource,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let mut reading = view.read().await?;
    let found = find(view, &mut reading, &source).await?;
    let chosen = choose(found, source.objects.as_deref())?;
    let mut pinner = Pinner::new(view.sources());
    let mut objects = Vec::with_capacity(chosen.len());
    for found in &chosen {
        objects.push(pinner.pin(reading.tx(), &found.object).await?);
    }
    reading.done();
    let (format, schema) = infer::schema(&source, &objects, source.skips_bad || bad.skips()).await?;
    let among = source.only_known.then(|| Arc::clone(&schema));
    let format = Arc::new(match &among {
        Some(schema) => only_known(format, schema),
        None => format,
    });
    let folders = match source.folder_columns {
        true => Folders::new(
            chosen.iter().map(|found| (found.folder.as_str(), found.object.key.as_str())),
            &schema,
        ),
        false => Folders::default(),
    };
    let keys = chosen.iter().map(|found| (found.folder.as_str(), found.object.key.as_str()));
    let files = objects.into_iter().zip(keys).map(|(object, (folder, key))| ScanFile {
        object,
        format: Arc::clone(&format),
        partition_values: folders.values(folder, key).into_iter().map(ScalarValue::Utf8).collect(),
    });
    let files = files.filter(|file| !is_blank(&file.object, &file.format)).collect();
    let folder_fields =
        folders.keys().iter().map(|key| Arc::new(Field::new(key, DataType::Utf8, true))).collect();
    let all: Vec<FieldRef> = schema.fields().iter().chain(&folder_fields).cloned().collect();
    let (file_schema, schema) = (schema, Arc::new(Schema::new(all)));
    Ok(Arc::new(PathTable { file_schema, folder_fields, schema, files, bad, stats: source.stats, among }))
}

/// The format, read so that what the schema does not know is an error. Parquet's columns are checked by its scan.
fn only_known(format: Format, schema: &Schema) -> Format {
    let names = || schema.fields().iter().map(|field| field.name().clone()).collect();
    match format {
        Format::Json(json) => Format::Json(JsonOptions { among: Some(names()), ..json }),
        Format::Excel(excel) => Format::Excel(ExcelOptions { among: Some(names()), ..excel }),
        Format::Csv(csv) if csv.names == ColumnNames::Header => {
            Format::Csv(CsvOptions { names: ColumnNames::HeaderAmong(names()), ..csv })
        }
        other => other,
    }
}

fn choose(found: Vec<Found>, objects: Option<&[ObjectRef]>) -> Result<Vec<Found>, EngineError> {
    let Some(objects) = objects else { return Ok(found) };
    let mut selection = Selection::new(objects);
    let chosen = found.into_iter().filter(|found| selection.take(&found.object)).collect();
    selection.check(true)?;
    Ok(chosen)
}

#[derive(Debug)]
struct PathTable {
    file_schema: SchemaRef,
    folder_fields: Vec<FieldRef>,
    schema: SchemaRef,
    files: Vec<ScanFile>,
    bad: Arc<BadLog>,
    stats: Option<Arc<ScanStats>>,
    /// What the files may have, where other columns are an error.
    among: Option<SchemaRef>,
}

#[async_trait]
impl TableProvider for PathTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = Scan::new(&self.file_schema, self.files.clone(), state, projection, limit)
            .watched(&self.bad, self.stats.as_ref());
        Scan { partition_fields: self.folder_fields.clone(), among: self.among.clone(), ..scan }.plan().await
    }
}

/// The format that a source states, if it does.
pub(super) fn stated_format(format: &PathFormat) -> Option<Format> {
    match format {
        PathFormat::Infer => None,
        PathFormat::Csv(options) => Some(Format::Csv(options.clone())),
        PathFormat::Json(options) => Some(Format::Json(options.clone())),
        PathFormat::Excel(options) => Some(Format::Excel(options.clone())),
        PathFormat::Parquet => Some(Format::Parquet(formats::ParquetOptions::default())),
        PathFormat::Xml(options) => Some(Format::Xml(options.clone())),
        PathFormat::Lines(options) => Some(Format::Lines(options.clone())),
        PathFormat::Ion => Some(Format::Ion(formats::IonOptions::default())),
    }
}
