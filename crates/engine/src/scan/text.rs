//! Every format but Parquet: a file source of DataFusion's over `formats`.
//!
//! The reader parses only the columns that are wanted; partition columns and expressions are added by DataFusion's
//! projection on top. Text that the projection only casts to numbers is read as numbers, and a filter over the scan is
//! asked while rows are read. A record that does not fit is the dialect's affair; what `formats` calls an error names file
//! and line and fails the query, or is counted where the session says so.

use std::{fmt, sync::Arc};

use arrow::datatypes::{Fields, Schema, SchemaRef};

use datafusion::{
    common::tree_node::TreeNodeRecursion,
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileOpenFuture, FileOpener, FileScanConfig, FileSource},
        projection::{ProjectionOpener, SplitProjection},
        table_schema::TableSchema,
    },
    error::Result,
    physical_expr::{
        PhysicalExpr,
        expressions::Column,
        projection::{ProjectionExpr, ProjectionExprs},
    },
    physical_plan::{DisplayFormatType, apply_expression_roots, metrics::ExecutionPlanMetricsSet},
};
use formats::{OnBadRecord, ReadOptions, RowFilter, Spelling, Strictness};
use futures::{FutureExt, StreamExt};
use object_store::ObjectStore;

use super::{
    Counters,
    keep::Keep,
    numbers::{Uses, as_columns},
    target,
};
use crate::{EngineError, object::CountedSource};

/// Rows per batch until the scan is told.
const DEFAULT_BATCH_ROWS: usize = 8192;

/// Files as a source of DataFusion's.
#[derive(Clone)]
pub(crate) struct TextSource {
    schema: TableSchema,
    projection: SplitProjection,
    batch_rows: usize,
    on_bad_record: OnBadRecord,
    is_delimited: bool,
    strictness: Strictness,
    /// On the scan's rows: the others are left out.
    filter: Option<Arc<dyn PhysicalExpr>>,
    counters: Arc<Counters>,
    metrics: ExecutionPlanMetricsSet,
}

impl TextSource {
    pub(crate) fn new(schema: TableSchema, on_bad_record: OnBadRecord, counters: Arc<Counters>) -> Self {
        Self {
            projection: SplitProjection::unprojected(&schema),
            schema,
            batch_rows: DEFAULT_BATCH_ROWS,
            on_bad_record,
            is_delimited: false,
            strictness: Strictness::Dialect,
            filter: None,
            counters,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Whether all files are delimited text, whose numbers can be read without making text of them first.
    pub(crate) fn delimited(self, is_delimited: bool) -> Self {
        Self { is_delimited, ..self }
    }

    /// Which records of delimited text are bad.
    pub(crate) fn strict(self, strictness: Strictness) -> Self {
        Self { strictness, ..self }
    }

    pub(crate) fn is_delimited(&self) -> bool {
        self.is_delimited
    }

    /// The same without the rows that the filter leaves out; `None` where that is to be done elsewhere.
    pub(crate) fn filtered(&self, filter: &Arc<dyn PhysicalExpr>) -> Result<Option<Self>> {
        if !self.is_delimited || self.filter.is_some() {
            return Ok(None);
        }
        let filtered = Self { filter: Some(Arc::clone(filter)), ..self.clone() };
        let (_, projection, _) = filtered.typed()?;
        Ok(filtered.keep(&projection)?.map(|_| filtered))
    }

    /// The filter over the columns that are read.
    fn keep(&self, projection: &SplitProjection) -> Result<Option<Keep>> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let columns: Vec<Option<usize>> = projection
            .source
            .iter()
            .map(|column| {
                let index = column.expr.downcast_ref::<Column>()?.index();
                projection.file_indices.iter().position(|read| *read == index)
            })
            .collect();
        Keep::new(filter, |index| columns.get(index).copied().flatten(), &self.counters)
    }

    /// What the projection's columns are read as: the schema of the files with numbers for text where the projection
    /// wants only these, the projection over it, and where they are.
    fn typed(&self) -> Result<(Schema, SplitProjection, Vec<usize>)> {
        let file_schema = self.schema.file_schema();
        let mut uses = Uses::default();
        if self.is_delimited {
            for column in self.projection.source.iter() {
                uses.add(&column.expr, |index| index)?;
            }
        }
        let mut wanted = uses.only_numbers();
        wanted.retain(|index, _| *index < file_schema.fields().len());
        if wanted.is_empty() {
            return Ok((file_schema.as_ref().clone(), self.projection.clone(), Vec::new()));
        }
        let fields = file_schema.fields().iter().enumerate().map(|(index, field)| match wanted.get(&index) {
            Some(number) => {
                Arc::new(field.as_ref().clone().with_data_type(number.clone()).with_nullable(true))
            }
            None => Arc::clone(field),
        });
        let schema = Schema::new(fields.collect::<Fields>());
        let columns = self.projection.source.iter().map(|column| {
            let expr = as_columns(&column.expr, |index| wanted.contains_key(&index))?;
            Ok(ProjectionExpr::new(expr, column.alias.clone()))
        });
        let columns = ProjectionExprs::new(columns.collect::<Result<Vec<_>>>()?);
        let projection = SplitProjection::new(&schema, &columns);
        let read = projection.file_indices.iter().enumerate();
        let casts = read.filter(|(_, index)| wanted.contains_key(index)).map(|(place, _)| place).collect();
        Ok((schema, projection, casts))
    }

    /// What the scan has read so far.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

impl FileSource for TextSource {
    fn create_file_opener(
        &self,
        _store: Arc<dyn ObjectStore>,
        _config: &FileScanConfig,
        _partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let (file_schema, projection, cast_columns) = self.typed()?;
        let keep = self.keep(&projection)?;
        if self.filter.is_some() && keep.is_none() {
            let what = "a scan cannot ask its filter".to_owned();
            return Err(EngineError::Internal(what).into_datafusion());
        }
        let opener = Arc::new(TextOpener {
            wanted: Arc::new(file_schema.project(&projection.file_indices)?),
            options: ReadOptions {
                batch_rows: self.batch_rows,
                on_bad_record: self.on_bad_record.clone(),
                cast_columns,
                strictness: self.strictness,
                // What is bad does not depend on which columns somebody wants. Columns of bytes may hold anything.
                is_all_text: self.strictness >= Strictness::EvenRows
                    && !file_schema.fields().iter().any(|field| field.data_type().is_binary()),
                filter: keep.map(|keep| Arc::new(keep) as Arc<dyn RowFilter>),
                // Of the whole table: the projection may leave one of two such columns.
                spelling: Spelling::of(file_schema.fields().iter().map(|field| field.name())),
                ..ReadOptions::default()
            },
            counters: Arc::clone(&self.counters),
        });
        ProjectionOpener::try_new(projection, opener, &file_schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    fn with_batch_size(&self, batch_rows: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "text"
    }

    fn fmt_extra(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.filter {
            Some(filter) => write!(f, ", filter={filter}"),
            None => Ok(()),
        }
    }

    /// The scan's files are cut into ranges when it is planned.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        // The filter names the columns that it was given.
        if self.filter.is_some() {
            return Ok(None);
        }
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        match apply_expression_roots(self.projection.source.iter(), f)? {
            TreeNodeRecursion::Stop => Ok(TreeNodeRecursion::Stop),
            TreeNodeRecursion::Continue | TreeNodeRecursion::Jump => {
                apply_expression_roots(self.filter.iter(), f)
            }
        }
    }
}

struct TextOpener {
    wanted: SchemaRef,
    options: ReadOptions,
    counters: Arc<Counters>,
}

impl FileOpener for TextOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let target = target(&file)?.clone();
        let (start, end) = file.range();
        let wanted = Arc::clone(&self.wanted);
        let options = ReadOptions { starts: target.starts.clone(), ..self.options.clone() };
        let counters = Arc::clone(&self.counters);
        Ok(async move {
            counters.opened(&target.object);
            let source = Arc::new(CountedSource::new(Arc::clone(&target.object), Arc::clone(&counters)));
            let stream = formats::read(source, start..end, &target.format, wanted, options);
            let counted = stream.map(move |batch| match batch {
                Ok(batch) => {
                    counters.add_rows(batch.num_rows() as u64);
                    Ok(batch)
                }
                Err(error) => Err(EngineError::from(error).into_datafusion()),
            });
            Ok(counted.boxed())
        }
        .boxed())
    }
}
