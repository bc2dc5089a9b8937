//! A crawler's definition, with Glue's member names. What of it is refused: [`check`]; the JSON text `Configuration`:
//! [`configuration`].

mod check;
mod configuration;
mod open_tables;

use lake::BucketName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::CrawlerError;

pub(crate) use configuration::Configuration;
pub use open_tables::{DeltaTarget, FoldersTarget};

/// A crawler as it was defined. Members that we only keep are in `other`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Definition {
    /// Unique in account and region.
    pub name: String,
    /// Kept and returned; nothing assumes it.
    pub role: String,
    /// Where tables go; a database that does not exist is made by the first crawl.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_name: Option<String>,
    /// What to crawl.
    pub targets: Targets,
    /// Put in front of every table's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_prefix: Option<String>,
    /// What to do about changed and vanished tables.
    pub schema_change_policy: SchemaChangePolicy,
    /// Which folders to look at again.
    pub recrawl_policy: RecrawlPolicy,
    /// JSON text, see [`Configuration`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Names of custom classifiers, tried in this order before the built-in ones.
    pub classifiers: Vec<String>,
    /// Everything else, such as `Description`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `CrawlerTargets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Targets {
    /// Folders or files in buckets.
    #[serde(rename = "S3Targets")]
    pub s3_targets: Vec<S3Target>,
    /// Tables of databases behind connections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jdbc_targets: Vec<JdbcTarget>,
    /// Tables of DynamoDB.
    #[serde(rename = "DynamoDBTargets", skip_serializing_if = "Vec::is_empty")]
    pub dynamodb_targets: Vec<DynamoDbTarget>,
    /// Delta tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delta_targets: Vec<DeltaTarget>,
    /// Folders with Iceberg tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub iceberg_targets: Vec<FoldersTarget>,
    /// Folders with Hudi tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hudi_targets: Vec<FoldersTarget>,
    /// Tables of the catalog, whose locations are crawled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catalog_targets: Vec<CatalogTarget>,
    /// Other kinds, all refused when not empty.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `S3Target`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct S3Target {
    /// `s3://bucket/prefix/`.
    pub path: String,
    /// Glob patterns relative to the path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<String>,
    /// Files to look at per folder; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_size: Option<i64>,
    /// The queue that says what changed, for `CRAWL_EVENT_MODE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_queue_arn: Option<String>,
    /// Where messages go that cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dlq_event_queue_arn: Option<String>,
    /// A connection of type `NETWORK`. It says which network AWS would enter; a server of its own has none to enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_name: Option<String>,
    /// Refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `JdbcTarget`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JdbcTarget {
    /// The connection to the database.
    pub connection_name: String,
    /// `database/schema/table` or `database/table`; `%` stands for anything in a schema or table.
    pub path: String,
    /// Glob patterns relative to the path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<String>,
    /// `COMMENTS`, `RAWTYPES`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enable_additional_metadata: Vec<String>,
    /// Refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `DynamoDBTarget`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DynamoDbTarget {
    /// The table's name.
    #[serde(rename = "Path")]
    pub path: String,
    /// Whether to read all items, which is the default, or the first page.
    #[serde(rename = "scanAll", skip_serializing_if = "Option::is_none")]
    pub scan_all: Option<bool>,
    /// The share of the table's read capacity to use, 0.1 to 1.5.
    #[serde(rename = "scanRate", skip_serializing_if = "Option::is_none")]
    pub scan_rate: Option<f64>,
    /// Refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl DynamoDbTarget {
    /// Whether all items are read. Source: AWS Glue API Reference, DynamoDBTarget.
    pub(crate) fn all(&self) -> bool {
        self.scan_all.unwrap_or(true)
    }
}

/// `CatalogTarget`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CatalogTarget {
    /// The tables' database.
    pub database_name: String,
    /// Names of tables.
    pub tables: Vec<String>,
    /// The queue that says what changed, for `CRAWL_EVENT_MODE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_queue_arn: Option<String>,
    /// Where messages go that cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dlq_event_queue_arn: Option<String>,
    /// Connections, refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl S3Target {
    /// Bucket and prefix of the path. Errors: not an S3 path.
    pub(crate) fn place(&self) -> Result<(BucketName, String), CrawlerError> {
        let refused =
            || CrawlerError::invalid(format!("{:?} is not an S3 path (s3://bucket/prefix/)", self.path));
        // Glue's console and examples also write paths without a scheme.
        let rest = lake::s3_path(&self.path).unwrap_or(&self.path);
        if rest.contains("://") {
            return Err(refused());
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = BucketName::new(bucket).map_err(|_| refused())?;
        Ok((bucket, prefix.to_owned()))
    }
}

/// `SchemaChangePolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SchemaChangePolicy {
    /// Changed tables.
    pub update_behavior: UpdateBehavior,
    /// Tables and partitions whose files are gone.
    pub delete_behavior: DeleteBehavior,
}

/// What happens to a table whose files have changed shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateBehavior {
    /// A line in the log.
    Log,
    /// Its definition is replaced.
    #[default]
    UpdateInDatabase,
}

/// What happens to tables and partitions whose files are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeleteBehavior {
    /// A line in the log.
    Log,
    /// They are deleted.
    DeleteFromDatabase,
    /// They get the parameter `DEPRECATED_BY_CRAWLER`.
    #[default]
    DeprecateInDatabase,
}

/// `RecrawlPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RecrawlPolicy {
    /// `CRAWL_EVERYTHING`, `CRAWL_NEW_FOLDERS_ONLY` or `CRAWL_EVENT_MODE`.
    pub recrawl_behavior: String,
}

/// `RecrawlBehavior` of every crawl looking at everything.
pub(crate) const EVERYTHING: &str = "CRAWL_EVERYTHING";
/// `RecrawlBehavior` of adding partitions for new folders only.
pub(crate) const NEW_FOLDERS: &str = "CRAWL_NEW_FOLDERS_ONLY";

/// `RecrawlBehavior` of looking at the folders of changed objects only, by the events of their bucket.
pub(crate) const EVENTS: &str = "CRAWL_EVENT_MODE";

impl Default for RecrawlPolicy {
    fn default() -> Self {
        Self { recrawl_behavior: EVERYTHING.to_owned() }
    }
}

impl Definition {
    /// Reads a `CreateCrawler` request. Errors: `Invalid` for what is not acceptable or not built.
    pub fn from_request(input: Map<String, Value>) -> Result<Self, CrawlerError> {
        let definition: Self = serde_json::from_value(Value::Object(input))
            .map_err(|e| CrawlerError::invalid(format!("the crawler cannot be read: {e}")))?;
        definition.check()?;
        Ok(definition)
    }

    /// Applies an `UpdateCrawler` request: members that are given replace those before.
    pub fn updated(&self, input: &Map<String, Value>) -> Result<Self, CrawlerError> {
        let mut value =
            serde_json::to_value(self).map_err(|source| CrawlerError::Corrupt { what: "crawler", source })?;
        if let Value::Object(members) = &mut value {
            for (name, given) in input {
                if name != "Name" {
                    members.insert(name.clone(), given.clone());
                }
            }
        }
        match value {
            Value::Object(members) => Self::from_request(members),
            _ => Err(CrawlerError::invalid("the crawler cannot be read")),
        }
    }

    /// Whether crawls after the first add partitions for new folders and nothing else.
    pub(crate) fn is_incremental(&self) -> bool {
        self.recrawl_policy.recrawl_behavior == NEW_FOLDERS
    }

    /// Whether crawls after the first look at what a queue names.
    pub(crate) fn is_event_mode(&self) -> bool {
        self.recrawl_policy.recrawl_behavior == EVENTS
    }

    pub(crate) fn settings(&self) -> Result<Configuration, CrawlerError> {
        self.configuration
            .as_deref()
            .filter(|t| !t.trim().is_empty())
            .map_or(Ok(Configuration::default()), Configuration::parse)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(extra: Value) -> Result<Definition, CrawlerError> {
        let mut base = json!({"Name": "c", "Role": "r", "DatabaseName": "d", "Targets": {"S3Targets": [{"Path": "s3://bucket/x"}]}});
        for (name, value) in extra.as_object().unwrap() {
            base[name] = value.clone();
        }
        Definition::from_request(base.as_object().unwrap().clone())
    }

    #[test]
    fn what_is_not_built_is_refused() {
        assert!(request(json!({"Description": "x", "Tags": {}, "Classifiers": []})).is_ok());
        for (extra, word) in [
            (json!({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}}), "EventQueueArn"),
            (json!({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NOTHING"}}), "CRAWL_NOTHING"),
            (json!({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}), "LOG UpdateBehavior"),
            (
                json!({"Targets": {"CatalogTargets": [{"DatabaseName": "d", "Tables": ["t"]}]}}),
                "LOG DeleteBehavior",
            ),
            (json!({"Targets": {"CatalogTargets": [{"DatabaseName": "d", "Tables": []}]}}), "Tables"),
            (json!({"Targets": {"HudiTargets": [{"Paths": ["x"]}]}}), "S3 path"),
            (json!({"Targets": {"JdbcTargets": [{"Path": "d/%"}]}}), "ConnectionName"),
            (
                json!({"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "d"}]}}),
                "database/schema/table",
            ),
            (json!({"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "%/t"}]}}), "database"),
            (
                json!({"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "d/%", "Exclusions": ["[a"]}]}}),
                "exclusion",
            ),
            (
                json!({"Targets": {"JdbcTargets": [
                    {"ConnectionName": "c", "Path": "d/%", "EnableAdditionalMetadata": ["KEYS"]}]}}),
                "KEYS",
            ),
            (json!({"Targets": {"DynamoDBTargets": [{"Path": "a b"}]}}), "name of a table"),
            (json!({"Targets": {"DynamoDBTargets": [{"Path": "t", "scanRate": 2.0}]}}), "scanRate"),
            (json!({"Targets": {"MongoDBTargets": [{"Path": "x"}]}}), "MongoDBTargets"),
            (json!({"Targets": {}}), "target"),
            (json!({"Targets": {"S3Targets": [{"Path": "hdfs://x"}]}}), "S3 path"),
            (
                json!({"Targets": {"S3Targets": [{"Path": "s3://bucket/", "Exclusions": ["[a"]}]}}),
                "exclusion",
            ),
            (
                json!({"Targets": {"S3Targets": [{"Path": "s3://bucket/", "SampleSize": -1}]}}),
                "SampleSize must be between 1 and 249",
            ),
            (
                json!({"Targets": {"S3Targets": [{"Path": "s3://bucket/", "EventQueueArn": "q"}]}}),
                "ARN of a queue",
            ),
            (json!({"DatabaseName": null}), "DatabaseName"),
            (json!({"Configuration": "{"}), "JSON"),
            (
                json!({"Configuration": "{\"Version\":1.0,\"Grouping\":{\"TableGroupingPolicy\":\"Combine\"}}"}),
                "TableGroupingPolicy",
            ),
        ] {
            let error = request(extra.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{extra}: {error}");
        }
    }

    #[test]
    fn new_folders_are_for_files_alone() {
        let log = json!({"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"});
        let extra = json!({
            "Targets": {
                "S3Targets": [{"Path": "s3://bucket/x"}],
                "JdbcTargets": [{"ConnectionName": "c", "Path": "d/%"}],
            },
            "SchemaChangePolicy": log, "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
        });
        assert!(request(extra).unwrap_err().to_string().contains("S3 targets only"));
    }

    #[test]
    fn events_are_for_one_target_with_a_queue() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:q";
        let one = json!({"Path": "s3://bucket/x", "EventQueueArn": arn});
        let with = |targets: Value| {
            request(json!({
                "Targets": targets,
                "SchemaChangePolicy": {"DeleteBehavior": "LOG"},
                "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"},
            }))
        };
        assert!(with(json!({"S3Targets": [one]})).unwrap().is_event_mode());
        let table =
            json!({"DatabaseName": "d", "Tables": ["t"], "EventQueueArn": arn, "DlqEventQueueArn": arn});
        assert!(with(json!({"CatalogTargets": [table]})).is_ok());
        let mut sampled = one.clone();
        sampled["SampleSize"] = json!(3);
        for (targets, word) in [
            (json!({"S3Targets": [one, one]}), "one target"),
            (
                json!({"S3Targets": [one], "JdbcTargets": [{"ConnectionName": "c", "Path": "d/%"}]}),
                "one target",
            ),
            (json!({"S3Targets": [{"Path": "s3://bucket/x"}]}), "EventQueueArn"),
            (json!({"S3Targets": [sampled]}), "SampleSize"),
            (json!({"CatalogTargets": [{"DatabaseName": "d", "Tables": ["t"]}]}), "EventQueueArn"),
        ] {
            let error = with(targets.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{targets}: {error}");
        }
    }

    #[test]
    fn targets_that_are_no_files_are_enough() {
        let api = r#"{"Version":1,"ApiTargets":[{"ConnectionName":"c"}]}"#;
        let found = request(json!({"Targets": {}, "Configuration": api})).unwrap();
        assert_eq!(found.settings().unwrap().api_targets.len(), 1);
        let given = json!([{"Path": "Orders", "scanAll": false, "scanRate": 0.5}]);
        let found = request(json!({"Targets": {"DynamoDBTargets": given}})).unwrap();
        assert!(!found.targets.dynamodb_targets[0].all());
        assert_eq!(serde_json::to_value(&found.targets).unwrap()["DynamoDBTargets"], given);
    }

    #[test]
    fn updates_replace_what_is_given() {
        let first = request(json!({"Description": "x", "TablePrefix": "p_"})).unwrap();
        let update = json!({"Name": "c", "Description": "y"});
        let second = first.updated(update.as_object().unwrap()).unwrap();
        assert_eq!((second.table_prefix.as_deref(), &second.other["Description"]), (Some("p_"), &json!("y")));
    }
}
