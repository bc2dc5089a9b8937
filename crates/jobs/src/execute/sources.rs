//! Sources: which objects a run reads, and the frames over them.
//!
//! The objects are listed once per run, before anything is read; the bookmark, exclusions and bounds
//! leave some out. The schema of files without a catalog table is that of all listed files and of those
//! to be read together, so that a run over a few new files has every column that earlier runs had.
//! A CSV source gives text in every column, as Glue's dynamic frames do. With headers its columns are found by name in
//! each file, null where a file lacks one.
//!
//! Columns are looked for in a sample: the headers and footers of up to [`HEADERS`] files, the first records of up to
//! [`engine::SAMPLE_FILES`] files of JSON. A reader that meets a column which the sample does not have fails, and
//! [`Source::look_at_all`] then looks at all files, to their end: nothing is lost, and only who has such files waits.

mod report;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use engine::{EngineError, ObjectRef, PathFormat, PathSource, TableOptions, TextTypes};
use formats::hive::HiveType;
use formats::{ColumnNames, CsvOptions, ExcelOptions, FormatError, JsonOptions};

use super::counters::Counts;
use super::explain::{Files, SourceFiles};
use super::opened::{self, Opened};
use super::rejects::Rejects;
use super::{Reading, RunFailure, SourceCount, Task, name_of, paths_to};
use crate::arguments::BookmarkOption;
use crate::bookmark::{self, Keys, Processed, Window};
use crate::graph::{Bounds, FileFormat, FileSource, Node, NodeKind};
use crate::lineage::Object;
use crate::plan::{self, PlanError};

/// How many files' headers make the schema of a CSV source.
const HEADERS: usize = 1_000;

/// A source of a run.
pub(crate) struct Source {
    /// Its node.
    pub(crate) node: String,
    /// The table that it is, when it is no list of objects.
    opened: Option<Opened>,
    objects: Vec<ObjectRef>,
    /// How they were chosen; `None` for a table.
    files: Option<SourceFiles>,
    names: HashSet<String>,
    schema: Option<SchemaRef>,
    /// Whether the schema is that of a sample.
    sampled: bool,
    /// Whether publishing moves the bookmark over its objects.
    bookmarked: bool,
    count: Arc<SourceCount>,
}

impl bookmark::Versioned for ObjectRef {
    fn identity(&self) -> (&str, &str, &str) {
        (self.bucket.as_str(), self.key.as_str(), &self.etag)
    }
}

/// Lists and chooses the objects of a source.
pub(crate) async fn prepare(task: &Task<'_>, node: &Node) -> Result<Source, RunFailure> {
    let rejects = task.options.bad_records_path.as_ref().map(|_| {
        let folder = task.session.engine().options().spill_dir.clone();
        Arc::new(Rejects::new(folder, task.options.max_bad_records))
    });
    let count = task.counters.source(name_of(node), node.id.clone(), rejects);
    if let Some(opened) = Box::pin(opened::of(task, node)).await? {
        return Ok(Source::of_table(node, opened, count));
    }
    let (all, bounds) = list(task, node).await?;
    let full = task.options.full_sources.iter().any(|name| *name == node.name || *name == node.id);
    let window = if full { Window::All } else { task.window };
    let mut tx = task.context.store.read().await?;
    let chosen = bookmark::filter(&mut tx, &task.run.incarnation, &node.id, window, all.clone()).await?;
    drop(tx);
    let (left_out, rewritten, new) = (chosen.skipped, chosen.rewritten, chosen.read.len());
    let objects = bound(chosen.read, bounds);
    let files = SourceFiles {
        listed: sum(&all),
        to_read: sum(&objects),
        left_out,
        rewritten,
        out_of_bounds: (new - objects.len()) as u64,
    };
    count.holds(objects.len() as u64, objects.iter().map(|object| object.size).sum());
    let reads = |target: &Node| paths_to(&task.graph, target).contains(node.id.as_str());
    count.is_read_by(task.graph.targets().filter(|(target, _)| reads(target)).count());
    report::files(task, node, &files, window, full);
    if let (NodeKind::Catalog(source), true) = (&node.kind, all.is_empty()) {
        report::empty(task, node, source).await?;
    }
    let schema = match &node.kind {
        NodeKind::Files(source) => Some(schema(task, node, source, &all, &objects).await?),
        _ => None,
    };
    let sampled = schema.is_some();
    let names = objects.iter().map(ObjectRef::uri).collect();
    let bookmarked = task.options.bookmark == BookmarkOption::Enable && !full;
    let (node, files) = (node.id.clone(), Some(files));
    Ok(Source { node, opened: None, objects, files, names, schema, sampled, bookmarked, count })
}

/// The objects that there are, and how many of them a run takes.
async fn list(task: &Task<'_>, node: &Node) -> Result<(Vec<ObjectRef>, Bounds), RunFailure> {
    let failed = |error: EngineError| RunFailure::node(node, PlanError::Engine(error));
    match &node.kind {
        NodeKind::Catalog(source) => {
            let predicate = source.predicate.as_deref();
            let listed = task.session.list_table(&source.database, &source.table, predicate).await;
            Ok((listed.map_err(failed)?, source.bounds))
        }
        NodeKind::Files(source) => {
            let mut listed = task.session.list_path(&path_source(source)).await.map_err(failed)?;
            listed.retain(|object| !excluded(source, object));
            if listed.is_empty() {
                let paths: Vec<String> = source.paths.iter().map(ToString::to_string).collect();
                let what = format!("there are no objects under {}", paths.join(", "));
                return Err(RunFailure::node(node, PlanError::Refused(what)));
            }
            Ok((listed, source.bounds))
        }
        _ => Ok((Vec::new(), Bounds::default())),
    }
}

fn sum(objects: &[ObjectRef]) -> Files {
    Files { files: objects.len() as u64, bytes: objects.iter().map(|object| object.size).sum() }
}

fn excluded(source: &FileSource, object: &ObjectRef) -> bool {
    let key = object.key.as_str();
    let uri = object.uri();
    source.exclusions.iter().any(|glob| {
        let below = source.paths.iter().filter(|path| path.bucket == object.bucket.as_str());
        let mut below = below.filter_map(|path| key.strip_prefix(&path.prefix));
        glob.matches(&uri)
            || glob.matches(key)
            || below.any(|rest| glob.matches(rest.trim_start_matches('/')))
    })
}

/// The oldest objects first, as many as the bounds allow; one at least, or nothing would ever be read.
fn bound(mut objects: Vec<ObjectRef>, bounds: Bounds) -> Vec<ObjectRef> {
    if bounds == Bounds::default() {
        return objects;
    }
    objects.sort_by(|a, b| (a.last_modified_ms, &a.key).cmp(&(b.last_modified_ms, &b.key)));
    let (mut files, mut bytes) = (0_u64, 0_u64);
    objects
        .into_iter()
        .take_while(|object| {
            files += 1;
            bytes = bytes.saturating_add(object.size);
            let few = bounds.files.is_none_or(|most| files <= most);
            few && (files == 1 || bounds.bytes.is_none_or(|most| bytes <= most))
        })
        .collect()
}

fn path_source(source: &FileSource) -> PathSource {
    let format = match &source.format {
        FileFormat::Csv { separator, quote, escape, header, skip_first } => PathFormat::Csv(CsvOptions {
            delimiter: *separator,
            quote: *quote,
            escape: *escape,
            multiline: quote.is_some(),
            header_lines: u64::from(*header || *skip_first),
            names: if *header { ColumnNames::Header } else { ColumnNames::Generated },
            ..CsvOptions::standard()
        }),
        FileFormat::Json => {
            PathFormat::Json(JsonOptions { case_insensitive: false, ..JsonOptions::default() })
        }
        FileFormat::Parquet => PathFormat::Parquet,
        FileFormat::Excel { max_rows, skip_footer } => PathFormat::Excel(ExcelOptions {
            max_rows: *max_rows,
            skip_footer: *skip_footer,
            ..ExcelOptions::default()
        }),
    };
    let paths = source.paths.iter().map(ToString::to_string).collect();
    let sample_files = match source.format {
        FileFormat::Csv { .. } | FileFormat::Parquet => HEADERS,
        FileFormat::Json | FileFormat::Excel { .. } => engine::SAMPLE_FILES,
    };
    PathSource {
        recurse: source.recurse,
        format,
        text_types: TextTypes::String,
        sample_files,
        ..PathSource::new(paths)
    }
}

/// The columns that are known, and those of some objects of a source. `all`: of every one of them and to its end, else of a
/// sample.
async fn with_those_of(
    task: &Task<'_>,
    node: &Node,
    source: &FileSource,
    objects: &[ObjectRef],
    known: SchemaRef,
    all: bool,
) -> Result<SchemaRef, RunFailure> {
    // Where values alone tell the type of a column, files without a value of it are not to change it.
    let look = if all { Look::Whole } else { Look::Sample };
    if matches!(source.format, FileFormat::Json) {
        return inferred(task, node, source, objects, Some(known), look).await;
    }
    let new = inferred(task, node, source, objects, None, look).await?;
    merged(&known, &new).map_err(|what| RunFailure::node(node, PlanError::Refused(what)))
}

/// What is looked at of objects for their columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// A sample.
    Sample,
    /// A sample, of which some will not be read: what is wrong with those stops nobody.
    PartlyLeftOut,
    /// Every one, to its end.
    Whole,
}

/// The columns of some objects of a source, behind those that are `known`.
async fn inferred(
    task: &Task<'_>,
    node: &Node,
    source: &FileSource,
    objects: &[ObjectRef],
    known: Option<SchemaRef>,
    look: Look,
) -> Result<SchemaRef, RunFailure> {
    let all = look == Look::Whole;
    let path = path_source(source);
    let choices = keeps_choices(task, node, source);
    // The columns of the files: those of `k=v` folders are added when the files are read.
    let path = PathSource {
        objects: Some(objects.to_vec()),
        known,
        folder_columns: false,
        sample_files: if all { usize::MAX } else { path.sample_files },
        whole_files: all,
        choices,
        skips_bad: look == Look::PartlyLeftOut,
        ..path
    };
    let frame = task.session.read_path(path).await;
    frame
        .map(|frame| Arc::clone(frame.schema().inner()))
        .map_err(|error| RunFailure::node(node, error.into()))
}

/// Whether values of several types are told apart.
fn keeps_choices(task: &Task<'_>, node: &Node, source: &FileSource) -> bool {
    matches!(source.format, FileFormat::Json) && task.graph.keeps_choices(&node.id)
}

async fn schema(
    task: &Task<'_>,
    node: &Node,
    source: &FileSource,
    all: &[ObjectRef],
    objects: &[ObjectRef],
) -> Result<SchemaRef, RunFailure> {
    // What is a choice shows only at the last of the values.
    let to_the_end = keeps_choices(task, node, source);
    if to_the_end && objects.len() == all.len() {
        return inferred(task, node, source, all, None, Look::Whole).await;
    }
    if objects.len() == all.len() {
        return inferred(task, node, source, all, None, Look::Sample).await;
    }
    let known = inferred(task, node, source, all, None, Look::PartlyLeftOut).await?;
    if objects.is_empty() {
        return Ok(known);
    }
    with_those_of(task, node, source, objects, known, to_the_end).await
}

/// The columns of both, in the order of the first. Those of other types get a type that holds both.
fn merged(first: &Schema, second: &Schema) -> Result<SchemaRef, String> {
    let hive = |data_type: &DataType| HiveType::from_arrow(data_type).map_err(|error| error.to_string());
    let mut fields: Vec<Field> = Vec::new();
    for field in first.fields() {
        let data_type = match second.field_with_name(field.name()) {
            Ok(other) if other.data_type() != field.data_type() => {
                let both = formats::merge_types(&hive(field.data_type())?, &hive(other.data_type())?);
                both.to_arrow().map_err(|error| error.to_string())?
            }
            _ => field.data_type().clone(),
        };
        fields.push(Field::new(field.name(), data_type, true));
    }
    let new = second.fields().iter().filter(|field| first.field_with_name(field.name()).is_err());
    fields.extend(new.map(|field| field.as_ref().clone()));
    Ok(Arc::new(Schema::new(fields)))
}

impl Source {
    fn of_table(node: &Node, opened: Opened, count: Arc<SourceCount>) -> Self {
        Self {
            node: node.id.clone(),
            opened: Some(opened),
            objects: Vec::new(),
            files: None,
            names: HashSet::new(),
            schema: None,
            sampled: false,
            bookmarked: false,
            count,
        }
    }

    /// Forgets what was opened, because everything is read anew.
    pub(super) fn begin_again(&mut self) {
        if let Some(opened) = &mut self.opened {
            opened.begin_again();
        }
    }

    /// A frame over the chosen objects, counted for one target.
    pub(super) async fn frame(
        &self,
        task: &Task<'_>,
        node: &Node,
    ) -> Result<(DataFrame, Arc<Reading>), RunFailure> {
        if let Some(opened) = &self.opened {
            let opened = Box::pin(opened.frame(task, &self.count, node)).await;
            let (frame, reading) = opened.map_err(|error| RunFailure::node(node, error.into()))?;
            return Ok((plan::plain(frame).map_err(|error| RunFailure::node(node, error))?, reading));
        }
        let reading = self.count.reading();
        let stats = Some(Arc::clone(&reading.stats));
        let objects = Some(self.objects.clone());
        let frame = match &node.kind {
            NodeKind::Catalog(source) => {
                let partition_predicate = source.predicate.clone();
                let options = TableOptions { partition_predicate, objects, stats, ..TableOptions::default() };
                task.session.table(&source.database, &source.table, options).await
            }
            NodeKind::Files(source) => {
                let schema = self.schema.clone();
                let path = PathSource { objects, stats, schema, only_known: true, ..path_source(source) };
                task.session.read_path(path).await
            }
            _ => Err(EngineError::Internal("a transform was read as a source".to_owned())),
        };
        let frame = frame.map_err(|error| RunFailure::node(node, error.into()))?;
        let frame = plan::plain(frame).map_err(|error| RunFailure::node(node, error))?;
        Ok((frame, reading))
    }

    /// Looks for columns in all objects that are read, to their end; false when that was done before, or there is nothing
    /// to look for.
    pub(super) async fn look_at_all(
        &mut self,
        task: &Task<'_>,
        met: &FormatError,
    ) -> Result<bool, RunFailure> {
        let node = task.graph.node(&self.node);
        let (Some(node), Some(known), true) = (node, self.schema.clone(), self.sampled) else {
            return Ok(false);
        };
        let NodeKind::Files(source) = &node.kind else { return Ok(false) };
        task.log.info(format!("{}: {met}; all of its files are looked at", name_of(node)));
        let schema = with_those_of(task, node, source, &self.objects, known, true).await?;
        (self.schema, self.sampled) = (Some(schema), false);
        Ok(true)
    }

    /// Whether the object of this name is one of those that are read.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.names.contains(name) || self.opened.as_ref().is_some_and(|opened| opened.reads(name))
    }

    /// What was read of it.
    pub(super) fn counts(&self) -> Counts {
        self.count.counts()
    }

    /// How its files were chosen; `None` for a table.
    pub(super) fn files(&self) -> Option<SourceFiles> {
        self.files
    }

    /// Where the table is that it is; `None` for a list of objects.
    pub(super) fn place(&self) -> Option<&str> {
        self.opened.as_ref().map(Opened::place)
    }

    /// The objects that are read, with their sizes.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Object, u64)> + Clone + '_ {
        self.objects
            .iter()
            .map(|object| (Object { location: object.uri(), etag: object.etag.clone() }, object.size))
    }

    /// Up to which key a table of a database was read, when the bookmark is to move there.
    pub(super) fn reached(&self) -> Option<(String, Keys)> {
        let reached = self.opened.as_ref()?.reached()?;
        Some((self.node.clone(), reached))
    }

    /// What the bookmark has to remember; `None` when it is not to move.
    pub(super) fn processed(self) -> Option<(String, Vec<Processed>)> {
        let objects = self.objects.into_iter().map(|object| Processed {
            bucket: object.bucket.as_str().to_owned(),
            key: object.key.as_str().to_owned(),
            etag: object.etag,
            modified_ms: object.last_modified_ms,
            size: object.size,
        });
        self.bookmarked.then(|| (self.node, objects.collect()))
    }
}
