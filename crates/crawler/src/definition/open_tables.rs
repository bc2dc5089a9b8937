//! Targets that are tables of open formats, and what of them is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::S3Target;
use super::check::{first_given, refused};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;

/// The most levels of folders. Source: Terraform's documentation of `aws_glue_crawler`: between 1 and 20.
const MAX_DEPTH: u32 = 20;

/// `DeltaTarget`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeltaTarget {
    /// Where the tables are, each a path.
    pub delta_tables: Vec<String>,
    /// Refused when true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_manifest: Option<bool>,
    /// Must be true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_native_delta_table: Option<bool>,
    /// Connections, refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `IcebergTarget` and `HudiTarget`: folders in which tables are looked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FoldersTarget {
    /// Folders with tables somewhere below them.
    pub paths: Vec<String>,
    /// Glob patterns relative to the paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<String>,
    /// Levels of folders to look into; the path itself is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_traversal_depth: Option<u32>,
    /// Connections, refused.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn check_paths(paths: &[String], what: &str) -> Result<(), CrawlerError> {
    if paths.is_empty() {
        return refused(format!("{what} has no paths"));
    }
    for path in paths {
        S3Target { path: path.clone(), ..S3Target::default() }.place()?;
    }
    Ok(())
}

impl DeltaTarget {
    pub(super) fn check(&self) -> Result<(), CrawlerError> {
        check_paths(&self.delta_tables, "DeltaTables of a Delta target")?;
        if let Some(name) = first_given(&self.other) {
            return refused(format!("{name} of a Delta target is not supported"));
        }
        if self.write_manifest == Some(true) {
            return refused("WriteManifest is not supported: manifests of symlinks are not written");
        }
        if self.create_native_delta_table != Some(true) {
            return refused(
                "A Delta target needs CreateNativeDeltaTable = true: tables by manifests of symlinks are not made",
            );
        }
        Ok(())
    }
}

impl FoldersTarget {
    /// `what`: the target, for messages.
    pub(super) fn check(&self, what: &str) -> Result<(), CrawlerError> {
        check_paths(&self.paths, &format!("Paths of {what}"))?;
        Exclusions::new(&self.exclusions)?;
        if let Some(name) = first_given(&self.other) {
            return refused(format!("{name} of {what} is not supported"));
        }
        match self.maximum_traversal_depth {
            Some(depth) if !(1..=MAX_DEPTH).contains(&depth) => {
                refused(format!("MaximumTraversalDepth must be between 1 and {MAX_DEPTH}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Definition;

    #[test]
    fn what_open_targets_may_say() {
        let of = |targets: Value| {
            let request = json!({"Name": "c", "Role": "r", "DatabaseName": "d", "Targets": targets});
            Definition::from_request(request.as_object().unwrap().clone())
        };
        let delta = |more: Value| {
            let mut target = json!({"DeltaTables": ["s3://bucket/t"], "CreateNativeDeltaTable": true});
            target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "DeltaTargets": [target] })
        };
        let iceberg = |more: Value| {
            let mut target = json!({"Paths": ["s3://bucket/t"]});
            target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "IcebergTargets": [target] })
        };
        let hudi = |more: Value| {
            let mut target = json!({"Paths": ["s3://bucket/t"]});
            target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "HudiTargets": [target] })
        };
        assert!(of(delta(json!({"WriteManifest": false}))).is_ok());
        assert!(of(hudi(json!({"MaximumTraversalDepth": 20, "Exclusions": ["x/**"]}))).is_ok());
        assert!(of(iceberg(json!({"MaximumTraversalDepth": 3, "Exclusions": ["x/**"]}))).is_ok());
        for (targets, word) in [
            (delta(json!({"WriteManifest": true})), "WriteManifest"),
            (delta(json!({"CreateNativeDeltaTable": false})), "CreateNativeDeltaTable"),
            (delta(json!({"CreateNativeDeltaTable": null})), "CreateNativeDeltaTable"),
            (delta(json!({"ConnectionName": "c"})), "ConnectionName"),
            (delta(json!({"DeltaTables": []})), "paths"),
            (delta(json!({"DeltaTables": ["hdfs://x"]})), "S3 path"),
            (iceberg(json!({"MaximumTraversalDepth": 21})), "MaximumTraversalDepth"),
            (iceberg(json!({"ConnectionName": "c"})), "ConnectionName"),
            (iceberg(json!({"Exclusions": ["[a"]})), "exclusion"),
            (iceberg(json!({"Paths": []})), "paths"),
            (hudi(json!({"MaximumTraversalDepth": 0})), "MaximumTraversalDepth"),
            (hudi(json!({"ConnectionName": "c"})), "ConnectionName"),
            (hudi(json!({"Exclusions": ["[a"]})), "exclusion"),
            (hudi(json!({"Paths": []})), "paths"),
        ] {
            let error = of(targets.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{targets}: {error}");
        }
    }
}
