//! Which fields of which node act, which are only stored and which are refused.
//!
//! The table is enforced when a graph is parsed, so what it says is what happens: a field that is
//! not in it, or that is refused, makes CreateJob and UpdateJob fail with the node's name. A nested
//! member is written with dots.

use serde_json::{Map, Value};

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldUse {
    /// It changes what a run does.
    Acts,
    /// It is kept and returned and cannot change a result; the text says why.
    Stored(&'static str),
    /// Only these values are taken, because they ask for nothing; the text says why.
    Only(&'static [&'static str], &'static str),
    /// It is refused; the text says why.
    Refused(&'static str),
}

use FieldUse::{Acts, Only, Refused, Stored};

type Fields = &'static [(&'static str, FieldUse)];

const SCHEMA: FieldUse = Stored("the schema is taken from the data");
const GROUPING: FieldUse = Stored("it tunes Spark's tasks and changes no result");
const LISTING: FieldUse = Stored("listings are always complete, so nothing has to be tracked apart");
const SAMPLE: FieldUse = Only(&["false"], "sample paths are not built");
const NO_SAMPLE: FieldUse = Stored("it is used only with EnableSamplePath, which is refused");
const QUALITY: FieldUse = Only(&["false"], "data quality rules are not built");
const NO_QUALITY: FieldUse = Stored("it is used only with AutoDataQuality.IsEnabled, which is refused");
const PARTS: FieldUse = Only(&["0", ""], "the number of files cannot be chosen");

const CATALOG_SOURCE: Fields = &[
    ("Name", Acts),
    ("Database", Acts),
    ("Table", Acts),
    ("PartitionPredicate", Acts),
    ("OutputSchemas", SCHEMA),
];
const S3_CATALOG_SOURCE: Fields = &[
    ("Name", Acts),
    ("Database", Acts),
    ("Table", Acts),
    ("PartitionPredicate", Acts),
    ("AdditionalOptions.BoundedSize", Acts),
    ("AdditionalOptions.BoundedFiles", Acts),
];
const S3_CSV_SOURCE: Fields = &[
    ("Name", Acts),
    ("Paths", Acts),
    ("CompressionType", Stored("a file's compression is seen in its first bytes")),
    ("Exclusions", Acts),
    ("GroupSize", GROUPING),
    ("GroupFiles", GROUPING),
    ("Recurse", Acts),
    ("MaxBand", LISTING),
    ("MaxFilesInBand", LISTING),
    ("AdditionalOptions.BoundedSize", Acts),
    ("AdditionalOptions.BoundedFiles", Acts),
    ("AdditionalOptions.EnableSamplePath", SAMPLE),
    ("AdditionalOptions.SamplePath", NO_SAMPLE),
    ("Separator", Acts),
    ("Escaper", Acts),
    ("QuoteChar", Acts),
    ("Multiline", Stored("quoted line breaks are always read")),
    ("WithHeader", Acts),
    ("WriteHeader", Stored("it concerns writing, and this node reads")),
    ("SkipFirst", Acts),
    ("OptimizePerformance", Stored("it chooses a reader of Spark")),
    ("OutputSchemas", SCHEMA),
];
const S3_JSON_SOURCE: Fields = &[
    ("Name", Acts),
    ("Paths", Acts),
    ("CompressionType", Stored("a file's compression is seen in its first bytes")),
    ("Exclusions", Acts),
    ("GroupSize", GROUPING),
    ("GroupFiles", GROUPING),
    ("Recurse", Acts),
    ("MaxBand", LISTING),
    ("MaxFilesInBand", LISTING),
    ("AdditionalOptions.BoundedSize", Acts),
    ("AdditionalOptions.BoundedFiles", Acts),
    ("AdditionalOptions.EnableSamplePath", SAMPLE),
    ("AdditionalOptions.SamplePath", NO_SAMPLE),
    ("JsonPath", Only(&["", "$", "$[*]"], "only whole records can be read, not a part by path")),
    ("Multiline", Stored("records over several lines in an array are always read")),
    ("OutputSchemas", SCHEMA),
];
const S3_EXCEL_SOURCE: Fields = &[
    ("Name", Acts),
    ("Paths", Acts),
    ("CompressionType", Stored("a workbook is compressed within itself")),
    ("Exclusions", Acts),
    ("GroupSize", GROUPING),
    ("GroupFiles", GROUPING),
    ("Recurse", Acts),
    ("MaxBand", LISTING),
    ("MaxFilesInBand", LISTING),
    ("AdditionalOptions.BoundedSize", Acts),
    ("AdditionalOptions.BoundedFiles", Acts),
    ("AdditionalOptions.EnableSamplePath", SAMPLE),
    ("AdditionalOptions.SamplePath", NO_SAMPLE),
    ("NumberRows", Acts),
    ("SkipFooter", Acts),
    ("OutputSchemas", SCHEMA),
];
const S3_PARQUET_SOURCE: Fields = &[
    ("Name", Acts),
    ("Paths", Acts),
    ("CompressionType", Stored("a Parquet file says itself how it is compressed")),
    ("Exclusions", Acts),
    ("GroupSize", GROUPING),
    ("GroupFiles", GROUPING),
    ("Recurse", Acts),
    ("MaxBand", LISTING),
    ("MaxFilesInBand", LISTING),
    ("AdditionalOptions.BoundedSize", Acts),
    ("AdditionalOptions.BoundedFiles", Acts),
    ("AdditionalOptions.EnableSamplePath", SAMPLE),
    ("AdditionalOptions.SamplePath", NO_SAMPLE),
    ("OutputSchemas", SCHEMA),
];
const APPLY_MAPPING: Fields = &[("Name", Acts), ("Inputs", Acts), ("Mapping", Acts)];
const PATHS: Fields = &[("Name", Acts), ("Inputs", Acts), ("Paths", Acts)];
const RENAME_FIELD: Fields = &[("Name", Acts), ("Inputs", Acts), ("SourcePath", Acts), ("TargetPath", Acts)];
const FILTER: Fields = &[("Name", Acts), ("Inputs", Acts), ("LogicalOperator", Acts), ("Filters", Acts)];
const JOIN: Fields = &[("Name", Acts), ("Inputs", Acts), ("JoinType", Acts), ("Columns", Acts)];
const SPARK_SQL: Fields =
    &[("Name", Acts), ("Inputs", Acts), ("SqlQuery", Acts), ("SqlAliases", Acts), ("OutputSchemas", SCHEMA)];
const AGGREGATE: Fields = &[("Name", Acts), ("Inputs", Acts), ("Groups", Acts), ("Aggs", Acts)];
const DROP_DUPLICATES: Fields = &[("Name", Acts), ("Inputs", Acts), ("Columns", Acts)];
const UNION: Fields = &[("Name", Acts), ("Inputs", Acts), ("UnionType", Acts)];
const S3_DIRECT_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Path", Acts),
    ("Compression", Acts),
    ("NumberTargetPartitions", PARTS),
    ("Format", Acts),
    ("SchemaChangePolicy.EnableUpdateCatalog", Acts),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("SchemaChangePolicy.Table", Acts),
    ("SchemaChangePolicy.Database", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
    ("OutputSchemas", SCHEMA),
];
const S3_PARQUET_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Path", Acts),
    ("Compression", Acts),
    ("NumberTargetPartitions", PARTS),
    ("SchemaChangePolicy.EnableUpdateCatalog", Acts),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("SchemaChangePolicy.Table", Acts),
    ("SchemaChangePolicy.Database", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
];
const S3_CATALOG_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Table", Acts),
    ("Database", Acts),
    ("SchemaChangePolicy.EnableUpdateCatalog", Acts),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
];
const CATALOG_TARGET: Fields =
    &[("Name", Acts), ("Inputs", Acts), ("PartitionKeys", Acts), ("Database", Acts), ("Table", Acts)];

const KINDS: &[(&str, Fields)] = &[
    ("Aggregate", AGGREGATE),
    ("ApplyMapping", APPLY_MAPPING),
    ("CatalogSource", CATALOG_SOURCE),
    ("CatalogTarget", CATALOG_TARGET),
    ("DropDuplicates", DROP_DUPLICATES),
    ("DropFields", PATHS),
    ("EvaluateDataQuality", super::quality::FIELDS),
    ("Filter", FILTER),
    ("Join", JOIN),
    ("RenameField", RENAME_FIELD),
    ("S3CatalogSource", S3_CATALOG_SOURCE),
    ("S3CatalogTarget", S3_CATALOG_TARGET),
    ("S3CsvSource", S3_CSV_SOURCE),
    ("S3DirectTarget", S3_DIRECT_TARGET),
    ("S3GlueParquetTarget", S3_PARQUET_TARGET),
    ("S3JsonSource", S3_JSON_SOURCE),
    ("S3ParquetSource", S3_PARQUET_SOURCE),
    ("S3ExcelSource", S3_EXCEL_SOURCE),
    ("SelectFields", PATHS),
    ("SparkSQL", SPARK_SQL),
    ("Union", UNION),
];

/// The kinds of nodes that run, in the order of their names.
pub fn node_kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// The kind in its static spelling and the use of each of its fields; `None` for a kind that does not run.
pub fn field_table(kind: &str) -> Option<(&'static str, &'static [(&'static str, FieldUse)])> {
    KINDS.iter().find(|(known, _)| *known == kind).copied()
}

/// Checks that every given field of a node may be given; the error says which and why.
pub(crate) fn check(fields: Fields, node: &Map<String, Value>) -> Result<(), String> {
    walk(fields, "", node)
}

fn walk(fields: Fields, prefix: &str, members: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in members {
        let path = format!("{prefix}{name}");
        let known = fields.iter().find(|(field, _)| *field == path);
        match (known, value) {
            (_, Value::Null) => {}
            (Some((_, Acts | Stored(_))), _) => {}
            (Some((_, Only(values, why))), _) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if !values.contains(&text.as_str()) {
                    return Err(format!("{path} {text} is refused: {why}"));
                }
            }
            (Some((_, Refused(why))), _) => return Err(format!("{path} is refused: {why}")),
            (None, Value::Object(inner)) => walk(fields, &format!("{path}."), inner)?,
            (None, _) => return Err(format!("{path} is not a field of this kind of node")),
        }
    }
    Ok(())
}
