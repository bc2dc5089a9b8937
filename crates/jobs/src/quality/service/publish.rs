//! Results as objects: a file of JSON lines below a folder that the client names.

use lake::{BucketName, Key};
use serde_json::json;

use super::documents::QualityResult;
use super::error::QualityError;

/// A folder of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: BucketName,
    /// Ends with `/`, unless it is empty.
    pub(crate) prefix: String,
}

impl Place {
    /// Reads `s3://bucket/folder` of a `ResultsS3Prefix`. Errors: `Invalid`.
    pub(crate) fn parse(text: &str) -> Result<Self, QualityError> {
        Self::named("ResultsS3Prefix", text)
    }

    /// Reads `s3://bucket/folder` of a field. Errors: `Invalid`.
    pub(crate) fn named(field: &str, text: &str) -> Result<Self, QualityError> {
        let wrong =
            || QualityError::invalid(format!("{field} {text} is not of the form s3://bucket/folder/"));
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = BucketName::new(bucket).map_err(|_| wrong())?;
        let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        let place = Self { bucket, prefix: format!("{prefix}{slash}") };
        place.key("x").map(|_| place.clone())
    }

    /// The key of a result.
    pub(crate) fn key(&self, id: &str) -> Result<Key, QualityError> {
        Key::new(format!("{}{id}.json", self.prefix))
            .map_err(|error| QualityError::invalid(error.to_string()))
    }
}

/// A line of JSON for each rule, with the columns of Glue's rule outcomes.
pub(crate) fn result_lines(result: &QualityResult) -> String {
    let line = |rule: &crate::quality::RuleOutcome| {
        let mut line = json!({
            "ResultId": result.id,
            "RulesetName": result.ruleset,
            "Rule": rule.rule,
            "Outcome": rule.outcome.as_str(),
            "FailureReason": rule.reason,
            "EvaluatedMetrics": rule.metrics,
            "EvaluatedRule": rule.rule,
        });
        if !rule.labels.is_empty() {
            line["Labels"] = json!(rule.labels);
        }
        format!("{line}\n")
    };
    result.evaluation.rules.iter().map(line).collect()
}
