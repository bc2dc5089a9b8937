//! Nodes that evaluate data quality rules.

use serde::Deserialize;

use super::NodeKind;
use super::kinds::FieldUse::{self, Acts, Only};

/// What a node evaluates, what it hands on and what its outcome does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityNode {
    /// In DQDL; it can be parsed.
    pub ruleset: String,
    /// Whether it hands on the outcomes of its rules instead of its input.
    pub gives_outcomes: bool,
    /// When a rule that does not pass ends the job, if it does.
    pub gate: Option<Gate>,
    /// `EvaluationContext`.
    pub context: Option<String>,
    /// A folder of a bucket for the results.
    pub prefix: Option<String>,
    /// Whether the results are kept for GetDataQualityResult.
    pub kept: bool,
}

/// When a failed rule ends the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Before anything is written.
    Immediate,
    /// With the output published.
    AfterDataLoad,
}

const METRICS: FieldUse = Only(&["false"], "results are not reported to CloudWatch");

pub(super) const FIELDS: &[(&str, FieldUse)] = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("Ruleset", Acts),
    ("Output", Acts),
    ("PublishingOptions.EvaluationContext", Acts),
    ("PublishingOptions.ResultsS3Prefix", Acts),
    ("PublishingOptions.CloudWatchMetricsEnabled", METRICS),
    ("PublishingOptions.ResultsPublishingEnabled", Acts),
    ("StopJobOnFailureOptions.StopJobOnFailureTiming", Acts),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Raw {
    ruleset: String,
    output: Option<String>,
    #[serde(default)]
    publishing_options: RawPublishing,
    #[serde(default)]
    stop_job_on_failure_options: RawStop,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawPublishing {
    evaluation_context: Option<String>,
    #[serde(rename = "ResultsS3Prefix")]
    results_s3_prefix: Option<String>,
    results_publishing_enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawStop {
    stop_job_on_failure_timing: Option<String>,
}

pub(super) fn parse(raw: Raw) -> Result<NodeKind, String> {
    let parsed = crate::quality::parse(&raw.ruleset).map_err(|error| error.to_string())?;
    if let Some(alias) = crate::quality::references(&parsed).first() {
        return Err(format!("Ruleset: the node has one input, and its rules name another dataset, {alias}"));
    }
    let gives_outcomes = match raw.output.as_deref() {
        None | Some("PrimaryInput") => false,
        Some("EvaluationResults") => true,
        Some(other) => return Err(format!("Output {other} is not one of PrimaryInput, EvaluationResults")),
    };
    let gate = match raw.stop_job_on_failure_options.stop_job_on_failure_timing.as_deref() {
        None => None,
        Some("Immediate") => Some(Gate::Immediate),
        Some("AfterDataLoad") => Some(Gate::AfterDataLoad),
        Some(other) => {
            return Err(format!("StopJobOnFailureTiming {other} is not one of Immediate, AfterDataLoad"));
        }
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let options = raw.publishing_options;
    let prefix = given(options.results_s3_prefix);
    if let Some(prefix) = &prefix {
        crate::quality::service::Place::parse(prefix).map_err(|error| error.to_string())?;
    }
    Ok(NodeKind::Quality(Box::new(QualityNode {
        ruleset: raw.ruleset,
        gives_outcomes,
        gate,
        context: given(options.evaluation_context),
        prefix,
        kept: options.results_publishing_enabled.unwrap_or(true),
    })))
}
