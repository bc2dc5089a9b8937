//! Targets: nodes that write.

use ::sources::jdbc::Engine;

use super::super::parse::targets as parse;
use super::fields::FieldUse::{self, Acts, Only, Refused, Stored};
use super::fields::Fields;
use super::sources::SCHEMA;
use super::{Kind, Role};

const QUALITY: FieldUse = Only(&["false"], "data quality rules are not built");
const NO_QUALITY: FieldUse = Stored("it is used only with AutoDataQuality.IsEnabled, which is refused");
const PARTS: FieldUse = Only(&["0", ""], "the number of files cannot be chosen");

const S3_DIRECT_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Path", Acts),
    ("Compression", Acts),
    ("NumberTargetPartitions", Acts),
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
    ("NumberTargetPartitions", Acts),
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

const DATABASE_TARGET: Fields = &[("Name", Acts), ("Inputs", Acts), ("Database", Acts), ("Table", Acts)];
const JDBC_CONNECTOR_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("ConnectionName", Acts),
    ("ConnectionTable", Acts),
    ("ConnectorName", Stored("databases are spoken to without a connector")),
    ("ConnectionType", Acts),
    ("AdditionalOptions.*", TABLE_OPTIONS),
    ("OutputSchemas", SCHEMA),
];

const TABLE_OPTIONS: FieldUse = Refused("options of the writer are not built");
const S3_ICEBERG_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Path", Acts),
    ("Format", Only(&["iceberg"], "the node writes Iceberg tables")),
    ("AdditionalOptions.mode", Acts),
    ("AdditionalOptions.keys", Acts),
    ("AdditionalOptions.partitionOverwriteMode", Acts),
    ("AdditionalOptions.target-file-size-bytes", Acts),
    ("AdditionalOptions.*", TABLE_OPTIONS),
    ("SchemaChangePolicy.EnableUpdateCatalog", Only(&["true"], "an Iceberg table is one of the catalog")),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("SchemaChangePolicy.Table", Acts),
    ("SchemaChangePolicy.Database", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
    ("Compression", Acts),
    ("NumberTargetPartitions", PARTS),
    ("OutputSchemas", SCHEMA),
];
const S3_ICEBERG_CATALOG_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Table", Acts),
    ("Database", Acts),
    ("AdditionalOptions.mode", Acts),
    ("AdditionalOptions.keys", Acts),
    ("AdditionalOptions.partitionOverwriteMode", Acts),
    ("AdditionalOptions.target-file-size-bytes", Acts),
    ("AdditionalOptions.*", TABLE_OPTIONS),
    (
        "SchemaChangePolicy.EnableUpdateCatalog",
        Stored("a commit to an Iceberg table always updates the catalog"),
    ),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
];

const S3_DELTA_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Path", Acts),
    ("Compression", Acts),
    ("NumberTargetPartitions", Acts),
    ("Format", Only(&["delta"], "the node writes Delta tables")),
    ("AdditionalOptions.mode", Acts),
    ("AdditionalOptions.partitionOverwriteMode", Acts),
    ("AdditionalOptions.*", TABLE_OPTIONS),
    ("SchemaChangePolicy.EnableUpdateCatalog", Acts),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("SchemaChangePolicy.Table", Acts),
    ("SchemaChangePolicy.Database", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
];
const S3_DELTA_CATALOG_TARGET: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PartitionKeys", Acts),
    ("Table", Acts),
    ("Database", Acts),
    ("AdditionalOptions.mode", Acts),
    ("AdditionalOptions.partitionOverwriteMode", Acts),
    ("AdditionalOptions.*", TABLE_OPTIONS),
    ("SchemaChangePolicy.EnableUpdateCatalog", Acts),
    ("SchemaChangePolicy.UpdateBehavior", Acts),
    ("AutoDataQuality.IsEnabled", QUALITY),
    ("AutoDataQuality.EvaluationContext", NO_QUALITY),
    ("OutputSchemas", SCHEMA),
];

const fn target(
    name: &'static str,
    fields: Fields,
    parse: fn(&super::Given<'_>) -> super::Parsed<super::NodeKind>,
) -> Kind {
    Kind { name, role: Role::Target, inputs: 1..=1, fields, parse }
}

pub(super) const KINDS: &[Kind] = &[
    target("CatalogTarget", CATALOG_TARGET, |node| parse::table(node.read()?)),
    target("JDBCConnectorTarget", JDBC_CONNECTOR_TARGET, |node| parse::connection(node.read()?)),
    target("MySQLCatalogTarget", DATABASE_TARGET, |node| parse::database(Engine::MySql, node.read()?)),
    target("PostgreSQLCatalogTarget", DATABASE_TARGET, |node| {
        parse::database(Engine::Postgres, node.read()?)
    }),
    target("S3CatalogTarget", S3_CATALOG_TARGET, |node| parse::table(node.read()?)),
    target("S3DeltaCatalogTarget", S3_DELTA_CATALOG_TARGET, |node| parse::delta_table(node.read()?)),
    target("S3DeltaDirectTarget", S3_DELTA_TARGET, |node| parse::delta_path(node.read()?)),
    target("S3DirectTarget", S3_DIRECT_TARGET, |node| parse::path(node.read()?)),
    target("S3GlueParquetTarget", S3_PARQUET_TARGET, |node| parse::parquet(node.read()?)),
    target("S3IcebergCatalogTarget", S3_ICEBERG_CATALOG_TARGET, |node| parse::iceberg_table(node.read()?)),
    target("S3IcebergDirectTarget", S3_ICEBERG_TARGET, |node| parse::iceberg_path(node.read()?)),
];
