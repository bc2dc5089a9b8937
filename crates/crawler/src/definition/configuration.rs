//! The JSON text `Configuration` of a crawler.
//!
//! Every member acts or is refused by its path: a setting that was misspelt would otherwise look obeyed. Source: Glue
//! Developer Guide, Setting crawler configuration options.

use serde_json::{Map, Value};
use sources::api;

use crate::error::CrawlerError;

/// What the text may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// `CrawlerOutput.Partitions.AddOrUpdateBehavior = InheritFromTable`
    pub(crate) inherit_from_table: bool,
    /// `CrawlerOutput.Tables.AddOrUpdateBehavior = MergeNewColumns`
    pub(crate) merge_new_columns: bool,
    /// `CrawlerOutput.Tables.TableThreshold`: a crawl that finds more tables fails and writes none.
    pub(crate) table_threshold: Option<u64>,
    /// `Grouping.TableGroupingPolicy = CombineCompatibleSchemas`
    pub(crate) combine: bool,
    /// `Grouping.TableLevelConfiguration`; the bucket is level 1.
    pub(crate) table_level: Option<usize>,
    /// `CreatePartitionIndex`, when it is given.
    pub(crate) partition_index: Option<bool>,
    /// `ApiTargets`, a member of our own: what to read of HTTP APIs. Clients let no other kind of target through than Glue's,
    /// and this text as it is.
    pub(crate) api_targets: Vec<api::Target>,
}

/// The only version that Glue knows.
const VERSION: &str = "1.0";
/// Levels of folders that a key of 1,024 bytes can have.
const MAX_LEVEL: u64 = 1000;

impl Configuration {
    /// Whether new tables with partition keys get an index on these. Source: Glue Developer Guide, Generating partition
    /// indexes: the default is true.
    pub(crate) fn creates_partition_index(&self) -> bool {
        self.partition_index != Some(false)
    }

    /// Whether tables say that their partitions can be filtered (`partition_filtering.enabled`), for Athena's clients.
    /// Source: as above: not by default.
    pub(crate) fn marks_partition_filtering(&self) -> bool {
        self.partition_index == Some(true)
    }

    /// Reads the text. Errors: `Invalid`, naming the member.
    pub(crate) fn parse(text: &str) -> Result<Self, CrawlerError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| invalid(&format!("it is not valid JSON: {e}")))?;
        let Value::Object(members) = value else { return Err(invalid("it must be a JSON object")) };
        let mut found = Self::default();
        if members.is_empty() {
            return Ok(found);
        }
        if !members.contains_key("Version") {
            return Err(invalid(&format!("Version is missing; it must be {VERSION}")));
        }
        for (name, value) in &members {
            match name.as_str() {
                "Version" => check_version(value)?,
                "CreatePartitionIndex" => {
                    let given = value.as_bool().ok_or_else(|| wrong(name, value, "a boolean"))?;
                    found.partition_index = Some(given);
                }
                "ApiTargets" => found.api_targets = api_targets(value)?,
                "CrawlerOutput" => found.output(object(name, value)?)?,
                "Grouping" => found.grouping(object(name, value)?)?,
                _ => return Err(unknown(name)),
            }
        }
        Ok(found)
    }

    fn output(&mut self, members: &Map<String, Value>) -> Result<(), CrawlerError> {
        for (name, value) in members {
            let path = format!("CrawlerOutput.{name}");
            let tables = match name.as_str() {
                "Tables" => true,
                "Partitions" => false,
                _ => return Err(unknown(&path)),
            };
            for (name, value) in object(&path, value)? {
                let path = format!("{path}.{name}");
                match (name.as_str(), tables) {
                    ("AddOrUpdateBehavior", true) => {
                        self.merge_new_columns = word(&path, value, "MergeNewColumns")?;
                    }
                    ("AddOrUpdateBehavior", false) => {
                        self.inherit_from_table = word(&path, value, "InheritFromTable")?;
                    }
                    ("TableThreshold", true) => {
                        let most = value.as_u64().filter(|n| *n > 0);
                        self.table_threshold =
                            Some(most.ok_or_else(|| wrong(&path, value, "a positive integer"))?);
                    }
                    _ => return Err(unknown(&path)),
                }
            }
        }
        Ok(())
    }

    fn grouping(&mut self, members: &Map<String, Value>) -> Result<(), CrawlerError> {
        for (name, value) in members {
            let path = format!("Grouping.{name}");
            match name.as_str() {
                "TableGroupingPolicy" => self.combine = word(&path, value, "CombineCompatibleSchemas")?,
                "TableLevelConfiguration" => {
                    let level = value.as_u64().filter(|level| (1..=MAX_LEVEL).contains(level));
                    let level = level.ok_or_else(|| wrong(&path, value, "a positive integer"))?;
                    self.table_level = Some(usize::try_from(level).unwrap_or(usize::MAX));
                }
                _ => return Err(unknown(&path)),
            }
        }
        Ok(())
    }
}

fn invalid(why: &str) -> CrawlerError {
    CrawlerError::invalid(format!("Crawler configuration is not valid: {why}"))
}

fn unknown(path: &str) -> CrawlerError {
    invalid(&format!("{path} is not a known member"))
}

fn wrong(path: &str, value: &Value, wanted: &str) -> CrawlerError {
    invalid(&format!("{path} = {value}, but {wanted} is needed"))
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, CrawlerError> {
    value.as_object().ok_or_else(|| wrong(path, value, "an object"))
}

fn api_targets(value: &Value) -> Result<Vec<api::Target>, CrawlerError> {
    let list = value.as_array().ok_or_else(|| wrong("ApiTargets", value, "a list"))?;
    let mut found: Vec<api::Target> = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let target =
            api::Target::parse(value).map_err(|problem| invalid(&format!("ApiTargets[{at}]: {problem}")))?;
        let same = |known: &api::Target| {
            known.connection_name == target.connection_name
                && known.path == target.path
                && known.record_path == target.record_path
        };
        if found.iter().any(same) {
            return Err(invalid(&format!("ApiTargets[{at}]: the same records are named twice")));
        }
        found.push(target);
    }
    Ok(found)
}

/// The one word that a member may have.
fn word(path: &str, value: &Value, wanted: &str) -> Result<bool, CrawlerError> {
    if value.as_str() == Some(wanted) { Ok(true) } else { Err(wrong(path, value, &format!("{wanted:?}"))) }
}

/// Clients write the version as a number or as text.
fn check_version(value: &Value) -> Result<(), CrawlerError> {
    let fits = value.as_f64() == Some(1.0) || value.as_str() == Some(VERSION);
    if fits { Ok(()) } else { Err(wrong("Version", value, VERSION)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_member_is_read() {
        let text = r#"{"Version":1.0,"CreatePartitionIndex":true,
            "CrawlerOutput":{"Partitions":{"AddOrUpdateBehavior":"InheritFromTable"},
                             "Tables":{"AddOrUpdateBehavior":"MergeNewColumns","TableThreshold":5}},
            "Grouping":{"TableGroupingPolicy":"CombineCompatibleSchemas","TableLevelConfiguration":2}}"#;
        let wanted = Configuration {
            inherit_from_table: true,
            merge_new_columns: true,
            table_threshold: Some(5),
            combine: true,
            table_level: Some(2),
            partition_index: Some(true),
            api_targets: Vec::new(),
        };
        assert_eq!(Configuration::parse(text).unwrap(), wanted);
        assert_eq!(Configuration::parse(r#"{"Version":"1.0"}"#).unwrap(), Configuration::default());
        assert_eq!(Configuration::parse("{}").unwrap(), Configuration::default());
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (text, word) in [
            ("nope", "not valid JSON"),
            ("[]", "JSON object"),
            (r#"{"Grouping":{}}"#, "Version is missing"),
            (r#"{"Version":2}"#, "Version = 2"),
            (r#"{"Version":1,"Groupings":{}}"#, "Groupings"),
            (r#"{"Version":1,"Grouping":{"TableLevelConfiguration":0}}"#, "TableLevelConfiguration = 0"),
            (r#"{"Version":1,"Grouping":{"TableGroupingPolicy":"Some"}}"#, "CombineCompatibleSchemas"),
            (r#"{"Version":1,"Grouping":{"Other":1}}"#, "Grouping.Other"),
            (r#"{"Version":1,"CrawlerOutput":{"Tables":{"TableThreshold":0}}}"#, "TableThreshold = 0"),
            (
                r#"{"Version":1,"CrawlerOutput":{"Tables":{"AddOrUpdateBehavior":"InheritFromTable"}}}"#,
                "MergeNewColumns",
            ),
            (r#"{"Version":1,"CrawlerOutput":{"Partitions":{"TableThreshold":1}}}"#, "TableThreshold"),
            (r#"{"Version":1,"CrawlerOutput":{"Views":{}}}"#, "CrawlerOutput.Views"),
            (r#"{"Version":1,"CrawlerOutput":1}"#, "an object"),
            (r#"{"Version":1,"CreatePartitionIndex":"yes"}"#, "a boolean"),
            (r#"{"Version":1,"ApiTargets":{}}"#, "a list"),
            (r#"{"Version":1,"ApiTargets":[{"Path":"x"}]}"#, "ApiTargets[0]"),
            (
                r#"{"Version":1,"ApiTargets":[{"ConnectionName":"c","Path":"x"},{"ConnectionName":"c","Path":"x"}]}"#,
                "ApiTargets[1]",
            ),
        ] {
            let error = Configuration::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
