//! Kinds of the public model that do not run here.

const DRIVERS: &str = "it runs a connector or driver of its own in Java, and this server runs none";
const REDSHIFT: &str = "connections to Amazon Redshift are not built; load through S3, or use PostgreSQL";
const STREAM: &str = "streaming jobs are not built; a graph reads what there is and ends";
const HUDI: &str = "Apache Hudi tables are read by CatalogSource and S3CatalogSource, by the newest completed version of their base \
                    files, and by no other node";
const NO_HUDI_TARGET: &str = "Apache Hudi tables are read, not written; use Iceberg";
const SNOWFLAKE: &str = "connections to Snowflake are not built";
const GOVERNED: &str = "governed tables of Lake Formation were retired by AWS; use Iceberg";
const RDBMS: &str = "only PostgreSQL, MySQL and MariaDB are reached";

/// The kinds and the reasons, in the order of their names.
pub const REFUSED: &[(&str, &str)] = &[
    ("AmazonRedshiftSource", REDSHIFT),
    ("AmazonRedshiftTarget", REDSHIFT),
    ("AthenaConnectorSource", DRIVERS),
    ("CatalogHudiSource", HUDI),
    ("CatalogKafkaSource", STREAM),
    ("CatalogKinesisSource", STREAM),
    ("ConnectorDataSource", "connections to applications (SaaS) are not built"),
    ("ConnectorDataTarget", "connections to applications (SaaS) are not built"),
    ("DirectKafkaSource", STREAM),
    ("DirectKinesisSource", STREAM),
    ("DynamoDBCatalogSource", "tables of DynamoDB are crawled, and not read by jobs"),
    ("DynamoDBELTConnectorSource", "exports of DynamoDB tables are not built"),
    ("GovernedCatalogSource", GOVERNED),
    ("GovernedCatalogTarget", GOVERNED),
    ("MicrosoftSQLServerCatalogSource", RDBMS),
    ("MicrosoftSQLServerCatalogTarget", RDBMS),
    ("OracleSQLCatalogSource", RDBMS),
    ("OracleSQLCatalogTarget", RDBMS),
    ("Recipe", "recipes of DataBrew are not run in graphs"),
    ("RedshiftSource", REDSHIFT),
    ("RedshiftTarget", REDSHIFT),
    ("S3CatalogHudiSource", HUDI),
    ("S3HudiCatalogTarget", NO_HUDI_TARGET),
    ("S3HudiDirectTarget", NO_HUDI_TARGET),
    ("S3HudiSource", HUDI),
    ("S3HyperDirectTarget", "Tableau's Hyper files are not written"),
    ("SnowflakeSource", SNOWFLAKE),
    ("SnowflakeTarget", SNOWFLAKE),
    ("SparkConnectorSource", DRIVERS),
    ("SparkConnectorTarget", DRIVERS),
];
