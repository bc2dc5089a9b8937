//! A crawler's definition, with Glue's member names, and what of it is refused.

use lake::BucketName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::CrawlerError;
use crate::exclusion::Exclusions;

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
    /// `CRAWL_EVERYTHING` is the only one built.
    pub recrawl_policy: RecrawlPolicy,
    /// JSON text, see [`Configuration`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Names of custom classifiers; must be empty.
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
    pub sample_size: Option<u32>,
    /// Connections and queues, refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl S3Target {
    /// Bucket and prefix of the path. Errors: not an S3 path.
    pub(crate) fn place(&self) -> Result<(BucketName, String), CrawlerError> {
        let refused =
            || CrawlerError::invalid(format!("{:?} is not an S3 path (s3://bucket/prefix/)", self.path));
        let schemes = ["s3://", "s3a://", "s3n://"];
        // Glue's console and examples also write paths without a scheme.
        let rest = schemes.iter().find_map(|s| self.path.strip_prefix(s)).unwrap_or(&self.path);
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
    /// `CRAWL_EVERYTHING`.
    pub recrawl_behavior: String,
}

impl Default for RecrawlPolicy {
    fn default() -> Self {
        Self { recrawl_behavior: "CRAWL_EVERYTHING".to_owned() }
    }
}

/// What the JSON text `Configuration` may ask for. Source: Glue Developer Guide, Setting crawler configuration options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// `CrawlerOutput.Partitions.AddOrUpdateBehavior = InheritFromTable`
    pub(crate) inherit_from_table: bool,
    /// `CrawlerOutput.Tables.AddOrUpdateBehavior = MergeNewColumns`
    pub(crate) merge_new_columns: bool,
    /// `Grouping.TableLevelConfiguration`; the bucket is level 1.
    pub(crate) table_level: Option<usize>,
    /// `CreatePartitionIndex`. The catalog always looks partitions up by an index on their keys; what this adds is the
    /// tables' parameter `partition_filtering.enabled`, which tells Athena's clients so.
    pub(crate) partition_index: bool,
}

impl Configuration {
    fn parse(text: &str) -> Result<Self, CrawlerError> {
        let refused =
            |what: &str| CrawlerError::invalid(format!("Crawler configuration: {what} is not supported"));
        let value: Value = serde_json::from_str(text)
            .map_err(|e| CrawlerError::invalid(format!("Crawler configuration is not valid JSON: {e}")))?;
        let mut found = Self::default();
        for (path, value) in leaves(&value) {
            match (path.as_str(), &value) {
                ("Version", version) if version.as_f64() == Some(1.0) => {}
                ("CrawlerOutput.Partitions.AddOrUpdateBehavior", Value::String(s))
                    if s == "InheritFromTable" =>
                {
                    found.inherit_from_table = true;
                }
                ("CrawlerOutput.Tables.AddOrUpdateBehavior", Value::String(s)) if s == "MergeNewColumns" => {
                    found.merge_new_columns = true;
                }
                ("Grouping.TableLevelConfiguration", level) => {
                    let level = level.as_u64().filter(|l| (1..=1000).contains(l));
                    found.table_level = Some(level.ok_or_else(|| refused(&path))? as usize);
                }
                ("CreatePartitionIndex", Value::Bool(wanted)) => found.partition_index = *wanted,
                _ => return Err(refused(&format!("{path} = {value}"))),
            }
        }
        Ok(found)
    }
}

/// Every value that is not an object, with its path.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let Value::Object(members) = value else { return vec![(String::new(), value.clone())] };
    let mut found = Vec::new();
    for (name, inner) in members {
        if inner.is_object() {
            found.extend(leaves(inner).into_iter().map(|(path, v)| (format!("{name}.{path}"), v)));
        } else {
            found.push((name.clone(), inner.clone()));
        }
    }
    found
}

/// True for what stands for "nothing given".
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
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

    pub(crate) fn settings(&self) -> Result<Configuration, CrawlerError> {
        self.configuration
            .as_deref()
            .filter(|t| !t.trim().is_empty())
            .map_or(Ok(Configuration::default()), Configuration::parse)
    }

    fn check(&self) -> Result<(), CrawlerError> {
        let refused = |message: String| Err(CrawlerError::Invalid { message });
        if let Some((kind, _)) = self.targets.other.iter().find(|(_, v)| !is_empty(v)) {
            return refused(format!("{kind} are not supported: only S3Targets are"));
        }
        if self.targets.s3_targets.is_empty() {
            return refused("At least one S3 target is needed in Targets".to_owned());
        }
        for target in &self.targets.s3_targets {
            target.place()?;
            Exclusions::new(&target.exclusions)?;
            if let Some((name, _)) = target.other.iter().find(|(_, v)| !is_empty(v)) {
                return refused(format!("{name} of an S3 target is not supported"));
            }
            if target.sample_size.is_some_and(|n| !(1..=249).contains(&n)) {
                return refused("SampleSize must be between 1 and 249".to_owned());
            }
        }
        if self.other.get("Schedule").is_some_and(|s| !is_empty(s)) {
            return refused("Schedules are not supported: start the crawler with StartCrawler".to_owned());
        }
        if !self.classifiers.is_empty() {
            return refused("Custom classifiers are not supported".to_owned());
        }
        if self.recrawl_policy.recrawl_behavior != "CRAWL_EVERYTHING" {
            let behavior = &self.recrawl_policy.recrawl_behavior;
            return refused(format!("RecrawlBehavior {behavior} is not supported: only CRAWL_EVERYTHING is"));
        }
        if self.database_name.as_deref().is_none_or(|d| d.trim().is_empty()) {
            return refused("DatabaseName is needed for S3 targets".to_owned());
        }
        self.settings()?;
        Ok(())
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
        assert!(request(json!({"Description": "x", "Tags": {}, "Classifiers": [], "Schedule": ""})).is_ok());
        for (extra, word) in [
            (json!({"Targets": {"JdbcTargets": [{"Path": "x"}]}}), "JdbcTargets"),
            (json!({"Targets": {}}), "S3 target"),
            (json!({"Targets": {"S3Targets": [{"Path": "hdfs://x"}]}}), "S3 path"),
            (
                json!({"Targets": {"S3Targets": [{"Path": "s3://bucket/", "Exclusions": ["[a"]}]}}),
                "exclusion",
            ),
            (
                json!({"Targets": {"S3Targets": [{"Path": "s3://bucket/", "EventQueueArn": "q"}]}}),
                "EventQueueArn",
            ),
            (json!({"Schedule": "cron(0 1 * * ? *)"}), "Schedules"),
            (json!({"Classifiers": ["mine"]}), "classifiers"),
            (
                json!({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}),
                "CRAWL_NEW_FOLDERS_ONLY",
            ),
            (json!({"DatabaseName": null}), "DatabaseName"),
            (json!({"Configuration": "{"}), "JSON"),
            (
                json!({"Configuration": "{\"Version\":1.0,\"Grouping\":{\"TableGroupingPolicy\":\"CombineCompatibleSchemas\"}}"}),
                "TableGroupingPolicy",
            ),
        ] {
            let error = request(extra.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{extra}: {error}");
        }
    }

    #[test]
    fn updates_replace_what_is_given() {
        let first = request(json!({"Description": "x", "TablePrefix": "p_"})).unwrap();
        let update = json!({"Name": "c", "Description": "y"});
        let second = first.updated(update.as_object().unwrap()).unwrap();
        assert_eq!((second.table_prefix.as_deref(), &second.other["Description"]), (Some("p_"), &json!("y")));
    }
}
