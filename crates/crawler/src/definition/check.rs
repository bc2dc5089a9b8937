//! What of a definition is not acceptable or not built.

use serde_json::{Map, Value};

use super::{
    CatalogTarget, Configuration, Definition, DeleteBehavior, DeltaTarget, DynamoDbTarget, EVENTS,
    EVERYTHING, JdbcTarget, NEW_FOLDERS, S3Target, Targets, UpdateBehavior,
};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::targets::jdbc::{Include, Metadata};

pub(super) fn refused<T>(message: impl Into<String>) -> Result<T, CrawlerError> {
    Err(CrawlerError::invalid(message))
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

pub(super) fn first_given(members: &Map<String, Value>) -> Option<&str> {
    members.iter().find(|(_, value)| !is_empty(value)).map(|(name, _)| name.as_str())
}

fn check_s3(target: &S3Target) -> Result<(), CrawlerError> {
    target.place()?;
    Exclusions::new(&target.exclusions)?;
    if let Some(name) = first_given(&target.other) {
        return refused(format!("{name} of an S3 target is not supported"));
    }
    check_queues([&target.event_queue_arn, &target.dlq_event_queue_arn])?;
    if target.sample_size.is_some_and(|n| !(1..=249).contains(&n)) {
        return refused("SampleSize must be between 1 and 249");
    }
    Ok(())
}

/// Whether they are there is asked by each run.
fn check_queues(arns: [&Option<String>; 2]) -> Result<(), CrawlerError> {
    let given = arns.into_iter().flatten().filter(|arn| !arn.is_empty());
    match given.into_iter().find(|arn| !arn.starts_with("arn:aws:sqs:") || arn.split(':').count() != 6) {
        Some(arn) => refused(format!("{arn:?} is not the ARN of a queue")),
        None => Ok(()),
    }
}

fn check_jdbc(target: &JdbcTarget) -> Result<(), CrawlerError> {
    if target.connection_name.trim().is_empty() {
        return refused("A JDBC target needs ConnectionName");
    }
    Include::parse(&target.path)?;
    Exclusions::new(&target.exclusions)?;
    if let Some(name) = first_given(&target.other) {
        return refused(format!("{name} of a JDBC target is not supported"));
    }
    match target.enable_additional_metadata.iter().find(|entry| Metadata::parse(entry).is_none()) {
        Some(entry) => {
            refused(format!("EnableAdditionalMetadata {entry:?} is not known: COMMENTS and RAWTYPES are"))
        }
        None => Ok(()),
    }
}

/// Sources: Amazon DynamoDB Developer Guide, Naming rules; AWS Glue API Reference, DynamoDBTarget.
fn check_dynamodb(target: &DynamoDbTarget) -> Result<(), CrawlerError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if target.path.is_empty() || target.path.len() > 255 || !target.path.bytes().all(fits) {
        return refused("Path of a DynamoDB target must be the name of a table");
    }
    if target.scan_rate.is_some_and(|rate| !(0.1..=1.5).contains(&rate)) {
        return refused("scanRate must be between 0.1 and 1.5");
    }
    match first_given(&target.other) {
        Some(name) => refused(format!("{name} of a DynamoDB target is not supported")),
        None => Ok(()),
    }
}

impl Targets {
    /// Whether there is any target that says where data is, rather than a table of the catalog.
    fn has_data_stores(&self, settings: &Configuration) -> bool {
        !self.s3_targets.is_empty() || self.has_others(settings)
    }

    /// Whether there is any target that is no files.
    fn has_others(&self, settings: &Configuration) -> bool {
        let databases = !self.jdbc_targets.is_empty() || !self.dynamodb_targets.is_empty();
        let tables = !self.delta_targets.is_empty()
            || !self.iceberg_targets.is_empty()
            || !self.hudi_targets.is_empty();
        databases || tables || !settings.api_targets.is_empty()
    }

    fn are_files_only(&self, settings: &Configuration) -> bool {
        !self.s3_targets.is_empty() && !self.has_others(settings)
    }
}

impl Definition {
    /// Errors: `Invalid`, saying what cannot be honoured.
    pub(super) fn check(&self) -> Result<(), CrawlerError> {
        if let Some(kind) = first_given(&self.targets.other) {
            return refused(format!(
                "{kind} are not supported: S3Targets, JdbcTargets, DynamoDBTargets, DeltaTargets, IcebergTargets, \
                 HudiTargets, CatalogTargets and ApiTargets in Configuration are"
            ));
        }
        let targets = &self.targets;
        let settings = self.settings()?;
        match (targets.has_data_stores(&settings), targets.catalog_targets.as_slice()) {
            (false, []) => return refused("At least one target is needed in Targets"),
            (true, []) => self.check_data_stores()?,
            (false, tables) => self.check_tables(tables)?,
            (true, _) => return refused("CatalogTargets cannot be combined with other kinds of targets"),
        }
        self.check_prefix()?;
        self.check_recrawl(&settings)
    }

    /// A table's name holds none of these: no table could be made.
    fn check_prefix(&self) -> Result<(), CrawlerError> {
        let prefix = self.table_prefix.as_deref().unwrap_or_default();
        match prefix.chars().find(|c| *c == '/' || c.is_control()) {
            Some(c) => refused(format!("TablePrefix must not contain {c:?}: no table's name does")),
            None => Ok(()),
        }
    }

    fn check_data_stores(&self) -> Result<(), CrawlerError> {
        self.targets.s3_targets.iter().try_for_each(check_s3)?;
        self.targets.jdbc_targets.iter().try_for_each(check_jdbc)?;
        self.targets.dynamodb_targets.iter().try_for_each(check_dynamodb)?;
        self.targets.delta_targets.iter().try_for_each(DeltaTarget::check)?;
        self.targets.iceberg_targets.iter().try_for_each(|one| one.check("an Iceberg target"))?;
        self.targets.hudi_targets.iter().try_for_each(|one| one.check("a Hudi target"))?;
        if self.database_name.as_deref().is_none_or(|d| d.trim().is_empty()) {
            return refused("DatabaseName is needed for S3 targets and other data stores");
        }
        Ok(())
    }

    /// Source: Glue Developer Guide, Crawling existing Data Catalog tables: what is not found any more is never deleted.
    fn check_tables(&self, targets: &[CatalogTarget]) -> Result<(), CrawlerError> {
        for target in targets {
            if target.database_name.trim().is_empty() || target.tables.is_empty() {
                return refused("A catalog target needs DatabaseName and at least one of Tables");
            }
            if let Some(name) = first_given(&target.other) {
                return refused(format!("{name} of a catalog target is not supported"));
            }
            check_queues([&target.event_queue_arn, &target.dlq_event_queue_arn])?;
        }
        if self.schema_change_policy.delete_behavior != DeleteBehavior::Log {
            return refused(
                "The SchemaChangePolicy for catalog targets can have only LOG DeleteBehavior value",
            );
        }
        Ok(())
    }

    fn check_recrawl(&self, settings: &Configuration) -> Result<(), CrawlerError> {
        let policy = self.schema_change_policy;
        match self.recrawl_policy.recrawl_behavior.as_str() {
            EVERYTHING => Ok(()),
            NEW_FOLDERS if !self.targets.are_files_only(settings) => {
                refused(format!("RecrawlBehavior {NEW_FOLDERS} is for S3 targets only"))
            }
            NEW_FOLDERS
                if policy.update_behavior != UpdateBehavior::Log
                    || policy.delete_behavior != DeleteBehavior::Log =>
            {
                refused(
                    "The SchemaChangePolicy for \"Crawl new folders only\" Amazon S3 target can have only LOG \
                     DeleteBehavior value and LOG UpdateBehavior value.",
                )
            }
            NEW_FOLDERS => Ok(()),
            EVENTS => self.check_events(settings),
            other => refused(format!(
                "RecrawlBehavior {other} is not supported: {EVERYTHING}, {NEW_FOLDERS} and {EVENTS} are"
            )),
        }
    }

    /// Source: Glue Developer Guide, Accelerating crawls using Amazon S3 event notifications, limitations.
    fn check_events(&self, settings: &Configuration) -> Result<(), CrawlerError> {
        let targets = &self.targets;
        let queue = match (targets.s3_targets.as_slice(), targets.catalog_targets.as_slice()) {
            ([one], []) if targets.are_files_only(settings) => &one.event_queue_arn,
            ([], [one]) if !targets.has_data_stores(settings) => &one.event_queue_arn,
            _ => {
                let which = "exactly one target, an S3 target or a catalog target";
                return refused(format!("RecrawlBehavior {EVENTS} is for {which}"));
            }
        };
        if queue.as_deref().unwrap_or_default().is_empty() {
            return refused(format!("RecrawlBehavior {EVENTS} needs the target's EventQueueArn"));
        }
        if targets.s3_targets.iter().any(|target| target.sample_size.is_some()) {
            return refused(format!("RecrawlBehavior {EVENTS} cannot be combined with SampleSize"));
        }
        Ok(())
    }
}
