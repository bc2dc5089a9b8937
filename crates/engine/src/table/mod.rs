//! Catalog tables as providers.
//!
//! [`open`] reads a table's definition and decides how its files are read; nothing is listed then. When a plan that
//! scans the table is made, [`LakeTable::scan`] lists the partitions that the filters leave, lists the objects of
//! each from the same snapshot, pins them and plans their reading. Partitions have their own location, and may have
//! their own SerDe and columns; columns are matched by name.
//!
//! A table whose bucket is missing is an error; a prefix without objects is an empty table, as in Athena. What cannot
//! be read as AWS reads it (views, other open table formats, partition projection, unknown SerDes) is refused by name.
//! Iceberg tables are read through their metadata ([`iceberg`]), native Delta tables through their log ([`delta`]), the base files
//! of Hudi tables through their timeline ([`hudi`]), tables with manifests through these ([`symlink`]).

mod definition;
mod delta;
mod filters;
mod hudi;
mod iceberg;
mod symlink;
mod types;

use std::{any::Any, collections::HashSet, sync::Arc};

use crate::{
    EngineError, ObjectRef, ScanStats,
    bad::BadLog,
    hive, listing,
    object::Pinner,
    scan::{Scan, ScanFile, is_blank},
    selection::Selection,
    session::from_catalog,
    view::{CatalogView, Reading},
};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use catalog::{
    CatalogError,
    partition::{self, PartitionQuery},
};
use datafusion::{
    catalog::{Session, TableProvider},
    common::ScalarValue,
    datasource::source_as_provider,
    error::Result,
    logical_expr::{Expr, TableProviderFilterPushDown, TableSource, TableType},
    physical_plan::ExecutionPlan,
};
use definition::{Definition, Part};
use filters::Pruner;
use formats::hive::{HiveType, shown};

/// The name of the column that holds an object's location.
pub const PATH_COLUMN: &str = "$path";

/// What of a table is wanted besides its rows.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// Whether the table has a last column [`PATH_COLUMN`] with the location of each row's object.
    pub path_column: bool,
    /// Only partitions that match this Glue expression (`push_down_predicate`); blank filters nothing.
    pub partition_predicate: Option<String>,
    /// Only these objects of the table, which must still be as they were listed.
    pub objects: Option<Vec<ObjectRef>>,
    /// Whether names of fields inside structures are lower case, whatever the catalog says: Trino's way.
    pub fold_fields: bool,
    /// Counts what is read of the table, while it is read.
    pub stats: Option<Arc<ScanStats>>,
}

/// A provider of the table. Errors: see [`crate::Session::provider`].
pub(crate) async fn open(
    view: &CatalogView,
    database: &str,
    table: &str,
    options: TableOptions,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let mut reading = view.read().await?;
    let found = catalog::table::get(reading.tx(), &view.sources().scope, database, table).await;
    let found = found.map_err(from_catalog)?;
    if tables::is_iceberg(&found) {
        return iceberg::open(view, reading, found, options, bad).await;
    }
    if tables::delta::is_delta(&found) {
        return delta::open(view, reading, found, options, bad).await;
    }
    if tables::hudi::is_hudi(&found) {
        return hudi::open(view, reading, found, options, bad).await;
    }
    reading.done();
    let definition = Definition::new(&found, options.fold_fields)?;
    check_predicate(&definition, options.partition_predicate.as_deref())?;
    Ok(Arc::new(LakeTable::new(view.clone(), definition, options, bad)))
}

/// A provider of the Delta table at a location. Errors: see [`crate::Session::delta`].
pub(crate) async fn open_delta(
    view: &CatalogView,
    location: &str,
    options: TableOptions,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let reading = view.read().await?;
    delta::open_at(view, reading, (location.to_owned(), location), options, bad).await
}

/// The columns of a scanned table of the catalog that are, or hold, `char(n)` and `varchar(n)`, with their types: a scan
/// gives them as they lie in the files, of any length. Partition keys are not among them.
pub fn bounded_texts(source: &Arc<dyn TableSource>) -> Vec<(String, HiveType)> {
    let Ok(provider) = source_as_provider(source) else { return Vec::new() };
    let provider: &dyn Any = provider.as_ref();
    let of_files = provider.downcast_ref::<LakeTable>().map(|table| &table.definition);
    let of_hudi = || provider.downcast_ref::<hudi::HudiProvider>().map(|table| &table.definition);
    of_files.or_else(of_hudi).map(|definition| definition.bounded.clone()).unwrap_or_default()
}

/// The objects of a table, or of its partitions that match a Glue expression.
pub(crate) async fn list_objects(
    view: &CatalogView,
    database: &str,
    table: &str,
    predicate: Option<&str>,
) -> Result<Vec<ObjectRef>, EngineError> {
    let mut reading = view.read().await?;
    let found = catalog::table::get(reading.tx(), &view.sources().scope, database, table).await;
    let definition = Definition::new(&found.map_err(from_catalog)?, false)?;
    check_predicate(&definition, predicate)?;
    let parts = list_parts(view, &mut reading, &definition, predicate.map(str::to_owned)).await?;
    let mut objects = Vec::new();
    for part in &parts {
        list_part(view, &mut reading, &definition, part, &mut objects).await?;
    }
    // Without partitions nothing was looked for yet: a bucket that is gone must not pass for an empty table.
    if parts.is_empty()
        && let Some(location) = definition.location()?
    {
        listing::check_bucket(view.sources(), reading.tx(), &location, Some(&definition.name)).await?;
    }
    reading.done();
    Ok(objects)
}

/// Refuses a predicate that the catalog would refuse, before anything is planned.
fn check_predicate(definition: &Definition, predicate: Option<&str>) -> Result<(), EngineError> {
    let Some(predicate) = predicate else { return Ok(()) };
    if predicate.trim().is_empty() {
        return Ok(());
    }
    let invalid = |what: String| EngineError::PredicateInvalid { predicate: predicate.to_owned(), what };
    if definition.keys.is_empty() {
        return Err(invalid(format!("table {} has no partition keys", definition.name)));
    }
    match catalog::expression::parse(predicate, &definition.keys) {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid(error.to_string())),
    }
}

#[derive(Debug)]
struct LakeTable {
    view: CatalogView,
    definition: Definition,
    options: TableOptions,
    bad: Arc<BadLog>,
    schema: SchemaRef,
    key_names: HashSet<String>,
}

impl LakeTable {
    fn new(view: CatalogView, definition: Definition, options: TableOptions, bad: Arc<BadLog>) -> Self {
        let (schema, key_names) = (schema_of(&definition, options.path_column), names_of(&definition));
        Self { view, definition, options, bad, schema, key_names }
    }

    /// The files that the filters leave, pinned, and the number of partitions they are in.
    async fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<(Vec<ScanFile>, u64)> {
        let mut reading = self.view.read().await?;
        let parts = self.parts(&mut reading, filters).await?;
        let pruner = Pruner::new(state, Arc::clone(&self.definition.key_schema), filters)?;
        let values = parts.iter().map(|part| self.values(part)).collect::<Result<Vec<_>, _>>()?;
        let accepted = pruner.accepts(&values)?;
        let mut selection = self.options.objects.as_deref().map(Selection::new);
        let mut pinner = Pinner::new(self.view.sources());
        let (mut files, mut partitions) = (Vec::new(), 0);
        for ((part, values), _) in parts.iter().zip(values).zip(accepted).filter(|(_, accepted)| *accepted) {
            partitions += 1;
            let mut objects = Vec::new();
            list_part(&self.view, &mut reading, &self.definition, part, &mut objects).await?;
            for known in &objects {
                if selection.as_mut().is_some_and(|selection| !selection.take(known)) {
                    continue;
                }
                let object = pinner.pin(reading.tx(), known).await?;
                if is_blank(&object, &part.format) {
                    continue;
                }
                let mut partition_values = values.clone();
                if self.options.path_column {
                    partition_values.push(ScalarValue::Utf8(Some(known.uri())));
                }
                files.push(ScanFile { object, format: Arc::clone(&part.format), partition_values });
            }
        }
        reading.done();
        if let Some(selection) = selection {
            // Filters leave out partitions on purpose; without them, every selected object has to be there.
            selection.check(filters.is_empty())?;
        }
        Ok((files, partitions))
    }

    /// The partitions that may match, in the catalog's order.
    async fn parts(&self, reading: &mut Reading, filters: &[Expr]) -> Result<Vec<Part>, EngineError> {
        let wanted = self.options.partition_predicate.as_deref().filter(|text| !text.trim().is_empty());
        let derived = filters::to_glue(filters, &self.key_names);
        let both = match (wanted, &derived) {
            (Some(wanted), Some(derived)) => Some(format!("({wanted}) AND {derived}")),
            (one, other) => one.map(str::to_owned).or_else(|| other.clone()),
        };
        match list_parts(&self.view, reading, &self.definition, both).await {
            // The catalog refuses to compare when any stored value is not of its key's type; so shall we, if a
            // partition with such a value is among those that are wanted at all.
            Err(EngineError::Catalog(error))
                if derived.is_some() && matches!(*error, CatalogError::ValueNotOfType { .. }) =>
            {
                list_parts(&self.view, reading, &self.definition, wanted.map(str::to_owned)).await
            }
            listed => listed,
        }
    }

    fn values(&self, part: &Part) -> Result<Vec<ScalarValue>, EngineError> {
        let fields = self.definition.key_schema.fields();
        if part.values.len() != fields.len() {
            let what = format!("a partition has {} values for {} keys", part.values.len(), fields.len());
            return Err(EngineError::TableUnsupported { table: self.definition.name.clone(), what });
        }
        typed_values(&self.definition, part.values.iter().map(String::as_str))
    }
}

/// All columns of a table: those of its files, its partition keys, and the location of each row's object where it is wanted.
fn schema_of(definition: &Definition, path_column: bool) -> SchemaRef {
    let mut fields = definition.file_schema.fields().to_vec();
    fields.extend(definition.key_schema.fields().iter().cloned());
    if path_column {
        fields.push(Arc::new(Field::new(PATH_COLUMN, arrow::datatypes::DataType::Utf8, false)));
    }
    Arc::new(Schema::new(fields))
}

fn names_of(definition: &Definition) -> HashSet<String> {
    definition.key_schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// The values of a partition as those of the keys' types.
fn typed_values<'a>(
    definition: &Definition,
    values: impl Iterator<Item = &'a str>,
) -> Result<Vec<ScalarValue>, EngineError> {
    let typed = definition.key_schema.fields().iter().zip(values).map(|(field, text)| {
        hive::parse(text, field.data_type()).ok_or_else(|| EngineError::PartitionValueInvalid {
            table: definition.name.clone(),
            key: field.name().clone(),
            value: text.to_owned(),
            wanted: shown(field.data_type()),
        })
    });
    typed.collect()
}

/// Filters on partition keys alone are exact.
fn pushdown(filters: &[&Expr], key_names: &HashSet<String>) -> Vec<TableProviderFilterPushDown> {
    let exact = |filter: &&Expr| filters::is_partition_filter(filter, key_names);
    let support = |exact| match exact {
        true => TableProviderFilterPushDown::Exact,
        // Parquet still prunes by them: the physical optimizer offers them to the scan.
        false => TableProviderFilterPushDown::Unsupported,
    };
    filters.iter().map(exact).map(support).collect()
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(pushdown(filters, &self.key_names))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (files, partitions) = self.files(state, filters).await?;
        Scan::new(&self.definition.file_schema, files, state, projection, limit)
            .partitioned(&self.schema, partitions)
            .watched(&self.bad, self.options.stats.as_ref())
            .plan()
            .await
    }
}

/// Lists the parts of a table: its partitions that match, or the whole when it has no keys.
async fn list_parts(
    view: &CatalogView,
    reading: &mut Reading,
    definition: &Definition,
    expression: Option<String>,
) -> Result<Vec<Part>, EngineError> {
    if definition.keys.is_empty() {
        return Ok(vec![definition.whole()?]);
    }
    let mut parts = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = PartitionQuery {
            expression: expression.as_deref(),
            after: after.as_deref(),
            ..PartitionQuery::default()
        };
        let scope = &view.sources().scope;
        let page =
            partition::list(reading.tx(), scope, &definition.database, &definition.table, &query).await;
        let page = page.map_err(from_catalog)?;
        for partition in &page.items {
            parts.push(definition.part(partition)?);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(parts),
        }
    }
}

async fn list_part(
    view: &CatalogView,
    reading: &mut Reading,
    definition: &Definition,
    part: &Part,
    out: &mut Vec<ObjectRef>,
) -> Result<(), EngineError> {
    if part.has_manifests {
        return symlink::list(view, reading, &definition.name, &part.location, out).await;
    }
    listing::list_location(view.sources(), reading.tx(), &part.location, Some(&definition.name), out).await
}
