//! Parquet: DataFusion's own scan over our objects.
//!
//! [`LakeReaders`] hands the scan a reader on the pinned object that travels with each file, so that no key ever
//! becomes an `object_store` path. Footers are read once per object and plan, also when the file is cut into ranges.
//! [`ByName`] matches the table's columns to the file's by name, ignoring case, as Athena does.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use arrow::datatypes::{Fields, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::{
    common::tree_node::{Transformed, TransformedResult, TreeNode},
    datasource::{listing::PartitionedFile, physical_plan::ParquetFileReaderFactory},
    error::Result,
    parquet::{
        arrow::{
            arrow_reader::ArrowReaderOptions,
            async_reader::{AsyncFileReader, MetadataFetch},
            parquet_to_arrow_schema,
        },
        basic::{ConvertedType, LogicalType, Type as PhysicalType},
        errors::{ParquetError, Result as ParquetResult},
        file::metadata::{
            FileMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
        },
        schema::types::{SchemaDescriptor, Type},
    },
    physical_expr::{PhysicalExpr, expressions::Column},
    physical_expr_adapter::{
        DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
    },
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use futures::{FutureExt, future::BoxFuture};

use super::{
    Counters,
    spelling::{self, Converted},
    target,
};
use formats::{ByteSource as _, FormatError};

use crate::{EngineError, object::SourceObject};

/// Bytes fetched from the end of a file at first: enough for the footer of most files.
const FOOTER_HINT_BYTES: usize = 64 << 10;

/// Makes readers on the objects that travel with the scan's files.
#[derive(Debug)]
pub(crate) struct LakeReaders {
    counters: Arc<Counters>,
    /// What the files may have, where other columns are an error.
    among: Option<SchemaRef>,
    /// The table's columns of text, in lower case.
    texts: Arc<BTreeSet<String>>,
}

impl LakeReaders {
    /// `table` is what the table's columns are.
    pub(crate) fn new(counters: Arc<Counters>, among: Option<SchemaRef>, table: &Schema) -> Self {
        let texts = table.fields().iter().filter(|field| field.data_type().is_string());
        Self { counters, among, texts: Arc::new(texts.map(|field| field.name().to_lowercase()).collect()) }
    }

    /// A reader of an object.
    pub(crate) fn reader(&self, object: &Arc<SourceObject>) -> impl AsyncFileReader + use<> {
        let (counters, among) = (Arc::clone(&self.counters), self.among.clone());
        LakeReader { object: Arc::clone(object), counters, among, texts: Arc::clone(&self.texts) }
    }
}

impl ParquetFileReaderFactory for LakeReaders {
    fn create_reader(
        &self,
        _partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let object = &target(&file)?.object;
        self.counters.opened(object);
        Ok(Box::new(self.reader(object)))
    }
}

struct LakeReader {
    object: Arc<SourceObject>,
    counters: Arc<Counters>,
    among: Option<SchemaRef>,
    texts: Arc<BTreeSet<String>>,
}

fn failed(error: EngineError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for LakeReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let bytes = self.object.read_bytes(range).await.map_err(failed)?;
            self.counters.read(&self.object, bytes.len() as u64);
            Ok(bytes)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let wants_index =
            options.is_some_and(|options| options.column_index_policy() != PageIndexPolicy::Skip);
        async move {
            let object = Arc::clone(&self.object);
            if let Some(cached) = object.footer(wants_index) {
                return Ok(cached);
            }
            let policy = if wants_index { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
            let mut end = FileEnd { object: &object, footer_bytes: 0 };
            let metadata = ParquetMetaDataReader::new()
                .with_page_index_policy(policy)
                .with_prefetch_hint(Some(FOOTER_HINT_BYTES))
                .load_and_finish(&mut end, object.size())
                .await;
            let metadata = metadata
                .and_then(|metadata| {
                    formats::check_parquet_extent(&metadata, object.size()).map(|()| metadata)
                })
                .map_err(|error| name_footer_error(&object, error))?;
            let metadata = Arc::new(with_texts(metadata, &self.texts)?);
            if let Some(among) = &self.among {
                refuse_unknown(&object, &metadata, among)?;
            }
            let footer_bytes = end.footer_bytes;
            if object.keep_footer(&metadata, wants_index) {
                self.counters.read(&object, footer_bytes);
            }
            Ok(metadata)
        }
        .boxed()
    }
}

/// Fetches a file's end for its footer. More is fetched than the footer, in hope; what is read of that later counts then.
struct FileEnd<'o> {
    object: &'o SourceObject,
    /// What the footer itself takes, once it was seen.
    footer_bytes: u64,
}

impl MetadataFetch for &mut FileEnd<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let is_last = range.end == self.object.size();
            let bytes = self.object.read_bytes(range).await.map_err(failed)?;
            // A file ends with the length of its footer, in four bytes, and a mark of four.
            if let Some(tail) = bytes.len().checked_sub(8).and_then(|at| bytes.get(at..at + 4))
                && let Ok(length) = <[u8; 4]>::try_from(tail)
                && is_last
            {
                self.footer_bytes = u64::from(u32::from_le_bytes(length)) + 8;
            }
            Ok(bytes)
        }
        .boxed()
    }
}

fn name_footer_error(object: &SourceObject, error: ParquetError) -> ParquetError {
    match error {
        ParquetError::External(_) => error,
        other => failed(EngineError::File {
            file: object.name().to_owned(),
            what: format!("not a readable Parquet file of {} bytes: {other}", object.size()),
        }),
    }
}

/// Says of a file's columns of bytes that they are text where the table says so. The scan asks for text of them either
/// way, and the decoder checks only what the file calls text: bytes that are none would be taken for it.
fn with_texts(metadata: ParquetMetaData, texts: &BTreeSet<String>) -> ParquetResult<ParquetMetaData> {
    let file = metadata.file_metadata();
    let root = file.schema_descr().root_schema_ptr();
    let is_meant = |field: &Type| {
        field.is_primitive()
            && field.get_physical_type() == PhysicalType::BYTE_ARRAY
            && field.get_basic_info().logical_type_ref().is_none()
            && field.get_basic_info().converted_type() == ConvertedType::NONE
            && texts.contains(&field.name().to_lowercase())
    };
    if !root.get_fields().iter().any(|field| is_meant(field)) {
        return Ok(metadata);
    }
    let fields = root.get_fields().iter().map(|field| match is_meant(field) {
        false => Ok(Arc::clone(field)),
        true => {
            let info = field.get_basic_info();
            let text = Type::primitive_type_builder(field.name(), PhysicalType::BYTE_ARRAY)
                .with_repetition(info.repetition())
                .with_logical_type(Some(LogicalType::String))
                .with_id(info.has_id().then(|| info.id()));
            Ok(Arc::new(text.build()?))
        }
    });
    let fields = fields.collect::<ParquetResult<Vec<_>>>()?;
    let root = Type::group_type_builder(root.name()).with_fields(fields).build()?;
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(Arc::new(root))),
        file.column_orders().cloned(),
    );
    let (pages, offsets) = (metadata.column_index().cloned(), metadata.offset_index().cloned());
    let builder = ParquetMetaDataBuilder::new(file).set_row_groups(metadata.row_groups().to_vec());
    Ok(builder.set_column_index(pages).set_offset_index(offsets).build())
}

/// Refuses a file with a column, or a field of a structure, that is not `among` what the schema has.
fn refuse_unknown(object: &SourceObject, metadata: &ParquetMetaData, among: &Schema) -> ParquetResult<()> {
    let file = metadata.file_metadata();
    let own = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    match spelling::unknown(own.fields(), among.fields()) {
        Some(name) => Err(failed(FormatError::unknown_name(object.name(), name).into())),
        None => Ok(()),
    }
}

/// Matches table columns, and fields of structures, to the file's by name, ignoring case; missing ones are NULL, values of
/// other types are converted as long as that loses nothing.
#[derive(Debug)]
pub(crate) struct ByName;

impl PhysicalExprAdapterFactory for ByName {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let fields = spelling::respelled_fields(file.fields(), table.fields())?;
        let renamed = Arc::new(Schema::new_with_metadata(fields, file.metadata().clone()));
        adapter(table, file, renamed)
    }
}

/// Adapts expressions on the table to a file whose fields, at their places, mean what `renamed` calls them.
pub(super) fn adapter(
    table: SchemaRef,
    file: SchemaRef,
    renamed: SchemaRef,
) -> Result<Arc<dyn PhysicalExprAdapter>> {
    let fields = renamed.fields().iter().map(|field| match table.field_with_name(field.name()) {
        Ok(wanted) => Arc::new(field.as_ref().clone().with_data_type(wanted.data_type().clone())),
        Err(_) => Arc::clone(field),
    });
    let typed = Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), renamed.metadata().clone()));
    let inner = DefaultPhysicalExprAdapterFactory.create(table, Arc::clone(&typed))?;
    Ok(Arc::new(FileAdapter { inner, file, renamed, typed }))
}

#[derive(Debug)]
struct FileAdapter {
    inner: Arc<dyn PhysicalExprAdapter>,
    /// As the file has it.
    file: SchemaRef,
    /// With the table's names.
    renamed: SchemaRef,
    /// With the table's names and types.
    typed: SchemaRef,
}

impl PhysicalExprAdapter for FileAdapter {
    /// Adapts as DataFusion does, then gives every column the file's own name and type again: readers and statistics
    /// look columns up by the name, and of a type that is not the table's the values are converted here, where
    /// DataFusion would cast whatever they lose.
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        self.inner
            .rewrite(expr)?
            .transform(|expr| {
                let Some(column) = expr.downcast_ref::<Column>() else {
                    return Ok(Transformed::no(expr));
                };
                let at = column.index();
                let (Some(own), Some(renamed), Some(typed)) =
                    (self.file.fields().get(at), self.renamed.fields().get(at), self.typed.fields().get(at))
                else {
                    return Ok(Transformed::no(expr));
                };
                if own == typed || renamed.name() != column.name() {
                    return Ok(Transformed::no(expr));
                }
                let named: Arc<dyn PhysicalExpr> = Arc::new(Column::new(own.name(), at));
                if own.data_type() == typed.data_type() {
                    return Ok(Transformed::yes(named));
                }
                let types = (renamed.data_type().clone(), typed.data_type().clone());
                Ok(Transformed::yes(Arc::new(Converted::new(named, column.name(), types))))
            })
            .data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field};

    #[test]
    fn renames_by_case_only() {
        let schema = |names: &[&str]| {
            let fields = names.iter().map(|name| Field::new(*name, DataType::Int64, true));
            Schema::new(fields.collect::<Vec<_>>())
        };
        let renamed = |file: &[&str], table: &[&str]| {
            let renamed = spelling::respelled_fields(schema(file).fields(), schema(table).fields());
            renamed.map(|fields| fields.iter().map(|field| field.name().clone()).collect::<Vec<_>>())
        };
        let names = renamed(&["CustId", "Other"], &["id", "custid"]).expect("one meaning each");
        assert_eq!(names, ["custid", "Other"]);
        // Only a table with both spellings knows which is which.
        let apart = renamed(&["Both", "both"], &["both", "Both"]).expect("one meaning each");
        assert_eq!(apart, ["Both", "both"]);
        assert_eq!(renamed(&["ID", "Id"], &["ID", "id"]).expect("one meaning each"), ["ID", "id"]);
        for file in [["Both", "both"], ["both", "Both"], ["BOTH", "Both"]] {
            let error = renamed(&file, &["both"]).expect_err("two meanings").to_string();
            assert!(error.contains("the table's both can mean either"), "{error}");
        }
    }
}
