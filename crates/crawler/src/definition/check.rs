//! What of a definition is not acceptable or not built.

use serde_json::{Map, Value};

use super::{
    CatalogTarget, Definition, DeleteBehavior, DeltaTarget, EVERYTHING, IcebergTarget, JdbcTarget,
    NEW_FOLDERS, S3Target, Targets, UpdateBehavior,
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
    if target.sample_size.is_some_and(|n| !(1..=249).contains(&n)) {
        return refused("SampleSize must be between 1 and 249");
    }
    Ok(())
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

impl Targets {
    /// Whether there is any target that says where data is, rather than a table of the catalog.
    fn has_data_stores(&self) -> bool {
        !self.s3_targets.is_empty() || self.has_others()
    }

    fn are_files_only(&self) -> bool {
        !self.s3_targets.is_empty() && !self.has_others()
    }

    /// Whether there is any target that is no files.
    fn has_others(&self) -> bool {
        !self.jdbc_targets.is_empty() || !self.delta_targets.is_empty() || !self.iceberg_targets.is_empty()
    }
}

impl Definition {
    /// Errors: `Invalid`, saying what cannot be honoured.
    pub(super) fn check(&self) -> Result<(), CrawlerError> {
        if let Some(kind) = first_given(&self.targets.other) {
            return refused(format!(
                "{kind} are not supported: S3Targets, JdbcTargets, DeltaTargets, IcebergTargets and CatalogTargets are"
            ));
        }
        let targets = &self.targets;
        match (targets.has_data_stores(), targets.catalog_targets.as_slice()) {
            (false, []) => return refused("At least one target is needed in Targets"),
            (true, []) => self.check_data_stores()?,
            (false, tables) => self.check_tables(tables)?,
            (true, _) => return refused("CatalogTargets cannot be combined with other kinds of targets"),
        }
        self.check_recrawl()?;
        self.settings()?;
        Ok(())
    }

    fn check_data_stores(&self) -> Result<(), CrawlerError> {
        self.targets.s3_targets.iter().try_for_each(check_s3)?;
        self.targets.jdbc_targets.iter().try_for_each(check_jdbc)?;
        self.targets.delta_targets.iter().try_for_each(DeltaTarget::check)?;
        self.targets.iceberg_targets.iter().try_for_each(IcebergTarget::check)?;
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
        }
        if self.schema_change_policy.delete_behavior != DeleteBehavior::Log {
            return refused(
                "The SchemaChangePolicy for catalog targets can have only LOG DeleteBehavior value",
            );
        }
        Ok(())
    }

    fn check_recrawl(&self) -> Result<(), CrawlerError> {
        let policy = self.schema_change_policy;
        match self.recrawl_policy.recrawl_behavior.as_str() {
            EVERYTHING => Ok(()),
            NEW_FOLDERS if !self.targets.are_files_only() => {
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
            other => refused(format!(
                "RecrawlBehavior {other} is not supported: {EVERYTHING} and {NEW_FOLDERS} are"
            )),
        }
    }
}
