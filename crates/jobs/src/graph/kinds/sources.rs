//! Sources: nodes that read.

use super::super::Expected;
use super::super::parse::sources as parse;
use super::fields::FieldUse::{self, Acts, ActsAlone, Only, Refused, Stored};
use super::fields::Fields;
use super::{Kind, Role};

pub(super) const SCHEMA: FieldUse = Stored("the schema is taken from the data");
const GROUPING: FieldUse = Stored("it tunes Spark's tasks and changes no result");
const LISTING: FieldUse = Stored("listings are always complete, so nothing has to be tracked apart");
const SAMPLE: FieldUse = Only(&["false"], "sample paths are not built");
const NO_SAMPLE: FieldUse = Stored("it is used only with EnableSamplePath, which is refused");

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
/// What all sources of files have, how they are compressed, and what else a format has.
macro_rules! files {
    ($compression:literal $(, $more:expr)* $(,)?) => {
        &[
            ("Name", Acts),
            ("Paths", Acts),
            ("CompressionType", Stored($compression)),
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
            $($more,)*
            ("OutputSchemas", SCHEMA),
        ]
    };
}

const S3_CSV_SOURCE: Fields = files![
    "a file's compression is seen in its first bytes",
    ("Separator", Acts),
    ("Escaper", Acts),
    ("QuoteChar", Acts),
    ("Multiline", Stored("quoted line breaks are always read")),
    ("WithHeader", Acts),
    ("WriteHeader", Stored("it concerns writing, and this node reads")),
    ("SkipFirst", ActsAlone("`WithHeader`: which line is the first then, nothing says")),
    ("OptimizePerformance", Stored("it chooses a reader of Spark")),
];
const S3_JSON_SOURCE: Fields = files![
    "a file's compression is seen in its first bytes",
    ("JsonPath", Only(&["", "$", "$[*]"], "only whole records can be read, not a part by path")),
    ("Multiline", Stored("records over several lines in an array are always read")),
];
const S3_EXCEL_SOURCE: Fields =
    files!["a workbook is compressed within itself", ("NumberRows", Acts), ("SkipFooter", Acts),];
const S3_PARQUET_SOURCE: Fields = files!["a Parquet file says itself how it is compressed"];

const OPEN_OPTIONS: &str = "options of the reader are not built; the newest version is read";
const CATALOG_DELTA_SOURCE: Fields = &[
    ("Name", Acts),
    ("Database", Acts),
    ("Table", Acts),
    ("AdditionalDeltaOptions.*", Refused(OPEN_OPTIONS)),
    ("OutputSchemas", SCHEMA),
];
const CATALOG_ICEBERG_SOURCE: Fields = &[
    ("Name", Acts),
    ("Database", Acts),
    ("Table", Acts),
    ("AdditionalIcebergOptions.*", Refused(OPEN_OPTIONS)),
    ("OutputSchemas", SCHEMA),
];
const NO_BOUNDS: FieldUse = Refused("a Delta table is read as one, not as files");
const S3_DELTA_SOURCE: Fields = &[
    ("Name", Acts),
    ("Paths", Acts),
    ("AdditionalDeltaOptions.*", Refused(OPEN_OPTIONS)),
    ("AdditionalOptions.BoundedSize", NO_BOUNDS),
    ("AdditionalOptions.BoundedFiles", NO_BOUNDS),
    ("AdditionalOptions.EnableSamplePath", SAMPLE),
    ("AdditionalOptions.SamplePath", NO_SAMPLE),
    ("OutputSchemas", SCHEMA),
];

const DATABASE_SOURCE: Fields = &[("Name", Acts), ("Database", Acts), ("Table", Acts)];
const DIRECT_JDBC_SOURCE: Fields = &[
    ("Name", Acts),
    ("Database", Acts),
    ("Table", Acts),
    ("ConnectionName", Acts),
    ("ConnectionType", Acts),
    ("RedshiftTmpDir", Refused("connections to Amazon Redshift are not built")),
    ("OutputSchemas", SCHEMA),
];

const READING: FieldUse = Stored("it tells Spark in which parts to read, and changes no result");
const JDBC_CONNECTOR_SOURCE: Fields = &[
    ("Name", Acts),
    ("ConnectionName", Acts),
    ("ConnectionTable", Acts),
    ("ConnectorName", Stored("databases are spoken to without a connector")),
    ("ConnectionType", Acts),
    ("Query", Refused("queries of the database's own are not sent; use ConnectionTable and SparkSQL")),
    (
        "AdditionalOptions.FilterPredicate",
        Refused("conditions of the database's own are not sent; use Filter"),
    ),
    ("AdditionalOptions.PartitionColumn", READING),
    ("AdditionalOptions.LowerBound", READING),
    ("AdditionalOptions.UpperBound", READING),
    ("AdditionalOptions.NumPartitions", READING),
    ("AdditionalOptions.JobBookmarkKeys", Acts),
    ("AdditionalOptions.JobBookmarkKeysSortOrder", Acts),
    (
        "AdditionalOptions.DataTypeMapping.*",
        Refused("types are those of the database; cast with ApplyMapping"),
    ),
    ("OutputSchemas", SCHEMA),
];

const fn source(
    name: &'static str,
    fields: Fields,
    parse: fn(&super::Given<'_>) -> super::Parsed<super::NodeKind>,
) -> Kind {
    Kind { name, role: Role::Source, inputs: 0..=0, fields, parse }
}

pub(super) const KINDS: &[Kind] = &[
    source("CatalogDeltaSource", CATALOG_DELTA_SOURCE, |node| parse::catalog(Expected::Delta, node.read()?)),
    source("CatalogIcebergSource", CATALOG_ICEBERG_SOURCE, |node| {
        parse::catalog(Expected::Iceberg, node.read()?)
    }),
    source("CatalogSource", CATALOG_SOURCE, |node| parse::catalog(Expected::Any, node.read()?)),
    source("DirectJDBCSource", DIRECT_JDBC_SOURCE, |node| parse::jdbc(node.read()?)),
    source("JDBCConnectorSource", JDBC_CONNECTOR_SOURCE, |node| parse::connector(node.read()?)),
    source("MySQLCatalogSource", DATABASE_SOURCE, |node| parse::catalog(Expected::MySql, node.read()?)),
    source("PostgreSQLCatalogSource", DATABASE_SOURCE, |node| {
        parse::catalog(Expected::Postgres, node.read()?)
    }),
    source("RelationalCatalogSource", DATABASE_SOURCE, |node| {
        parse::catalog(Expected::Database, node.read()?)
    }),
    source("S3CatalogDeltaSource", CATALOG_DELTA_SOURCE, |node| {
        parse::catalog(Expected::Delta, node.read()?)
    }),
    source("S3CatalogIcebergSource", CATALOG_ICEBERG_SOURCE, |node| {
        parse::catalog(Expected::Iceberg, node.read()?)
    }),
    source("S3CatalogSource", S3_CATALOG_SOURCE, |node| parse::catalog(Expected::Any, node.read()?)),
    source("S3CsvSource", S3_CSV_SOURCE, |node| parse::csv_files(node.read()?)),
    source("S3DeltaSource", S3_DELTA_SOURCE, |node| parse::delta(node.read()?)),
    source("S3ExcelSource", S3_EXCEL_SOURCE, |node| parse::excel_files(node.read()?)),
    source("S3JsonSource", S3_JSON_SOURCE, |node| parse::json_files(node.read()?)),
    source("S3ParquetSource", S3_PARQUET_SOURCE, |node| parse::parquet_files(node.read()?)),
];
