//! Nodes that evaluate data quality rules.

use std::collections::{BTreeMap, BTreeSet};

use quality::Ruleset;
use serde::Deserialize;

use super::kinds::FieldUse::{self, Acts, Only, Refused, Stored};
use super::parse::fault;
use super::{Node, NodeKind};
use crate::JobsError;

/// The names of the frames of [`HandsOn::All`], by which Glue's scripts choose among them, in the order of their `Index`.
pub const COLLECTION: [&str; 3] = ["rowLevelOutcomes", "ruleOutcomes", "originalData"];

/// What a node evaluates, what it hands on and what its outcome does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityNode {
    /// In DQDL; it can be parsed.
    pub ruleset: String,
    /// What who reads it gets.
    pub hands_on: HandsOn,
    /// `AdditionalDataSources`: the id or the name of each input behind the first, and its name in rules.
    pub aliases: BTreeMap<String, String>,
    /// Whether composite rules are evaluated row by row.
    pub by_row: bool,
    /// When a rule that does not pass ends the job, if it does.
    pub gate: Option<Gate>,
    /// `EvaluationContext`.
    pub context: Option<String>,
    /// A folder of a bucket for the results.
    pub prefix: Option<String>,
    /// Whether the results are kept for GetDataQualityResult.
    pub kept: bool,
}

/// What a node gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandsOn {
    /// Its input.
    Input,
    /// A row for each rule.
    Outcomes,
    /// The collection of [`COLLECTION`].
    All,
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

pub(super) const MULTI_FRAME: &[(&str, FieldUse)] = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("AdditionalDataSources", Acts),
    ("Ruleset", Acts),
    ("PublishingOptions.EvaluationContext", Acts),
    ("PublishingOptions.ResultsS3Prefix", Acts),
    ("PublishingOptions.CloudWatchMetricsEnabled", METRICS),
    ("PublishingOptions.ResultsPublishingEnabled", Acts),
    ("AdditionalOptions.performanceTuning.caching", Stored("it is about the time that an evaluation takes")),
    ("AdditionalOptions.observations.scope", Stored("no rule that is built makes observations")),
    ("AdditionalOptions.compositeRuleEvaluation.method", Acts),
    ("AdditionalOptions.*", Refused("it is none of the options that Glue documents")),
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
    #[serde(default)]
    additional_data_sources: BTreeMap<String, String>,
    #[serde(default)]
    additional_options: RawOptions,
}

#[derive(Debug, Default, Deserialize)]
struct RawOptions {
    #[serde(rename = "compositeRuleEvaluation.method")]
    method: Option<String>,
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

/// A node of one input.
pub(super) fn parse(raw: Raw) -> Result<NodeKind, String> {
    let ruleset = ruleset(&raw)?;
    if let Some(alias) = crate::quality::references(&ruleset).first() {
        return Err(format!(
            "Ruleset: the node has one input, and its rules name another dataset, {alias}; \
             EvaluateDataQualityMultiFrame takes several"
        ));
    }
    let hands_on = match raw.output.as_deref() {
        None | Some("PrimaryInput") => HandsOn::Input,
        Some("EvaluationResults") => HandsOn::Outcomes,
        Some(other) => return Err(format!("Output {other} is not one of PrimaryInput, EvaluationResults")),
    };
    node(raw, hands_on)
}

/// A node of several inputs, of which rules can name those behind the first.
pub(super) fn parse_multi_frame(raw: Raw) -> Result<NodeKind, String> {
    ruleset(&raw)?;
    node(raw, HandsOn::All)
}

fn ruleset(raw: &Raw) -> Result<Ruleset, String> {
    crate::quality::parse(&raw.ruleset).map_err(|error| error.to_string())
}

fn node(raw: Raw, hands_on: HandsOn) -> Result<NodeKind, String> {
    let gate = match raw.stop_job_on_failure_options.stop_job_on_failure_timing.as_deref() {
        None => None,
        Some("Immediate") => Some(Gate::Immediate),
        Some("AfterDataLoad") => Some(Gate::AfterDataLoad),
        Some(other) => {
            return Err(format!("StopJobOnFailureTiming {other} is not one of Immediate, AfterDataLoad"));
        }
    };
    let by_row = match raw.additional_options.method.as_deref() {
        None | Some("COLUMN") => false,
        Some("ROW") => true,
        Some(other) => {
            return Err(format!("compositeRuleEvaluation.method {other} is not one of ROW, COLUMN"));
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
        hands_on,
        aliases: raw.additional_data_sources,
        by_row,
        gate,
        context: given(options.evaluation_context),
        prefix,
        kept: options.results_publishing_enabled.unwrap_or(true),
    })))
}

impl QualityNode {
    /// The names in rules of the node's inputs behind the first, in their order; `name` gives the name of the node of an id.
    ///
    /// # Errors
    /// What is wrong with `AdditionalDataSources`.
    pub(crate) fn others<'a>(
        &'a self,
        inputs: &[String],
        name: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Vec<&'a str>, String> {
        let others = inputs.get(1..).unwrap_or_default();
        let is_of = |key: &str, id: &String| key == id || name(id) == Some(key);
        if let Some(key) = self.aliases.keys().find(|key| !others.iter().any(|id| is_of(key, id))) {
            return Err(format!("AdditionalDataSources: {key} is none of its inputs behind the first"));
        }
        let mut aliases = Vec::new();
        for id in others {
            let given: Vec<&String> =
                self.aliases.iter().filter(|(key, _)| is_of(key, id)).map(|(_, alias)| alias).collect();
            match given.as_slice() {
                [alias] if *alias == "primary" => {
                    return Err("AdditionalDataSources: primary is the name of the first input".to_owned());
                }
                [alias] if aliases.contains(&alias.as_str()) => {
                    return Err(format!("AdditionalDataSources: two inputs have the name {alias}"));
                }
                [alias] => aliases.push(alias.as_str()),
                [] => return Err(format!("AdditionalDataSources: its input {id} has no name there")),
                _ => return Err(format!("AdditionalDataSources: its input {id} has several names there")),
            }
        }
        Ok(aliases)
    }
}

/// Checks what nodes of several inputs call these, and which of them their rules name.
pub(super) fn check(nodes: &BTreeMap<String, Node>) -> Result<(), JobsError> {
    for node in nodes.values() {
        let NodeKind::Quality(own) = &node.kind else { continue };
        check_names(node, own, nodes).map_err(|what| fault(&node.id, node.label, &what))?;
    }
    Ok(())
}

fn check_names(node: &Node, own: &QualityNode, nodes: &BTreeMap<String, Node>) -> Result<(), String> {
    let name = |id: &str| nodes.get(id).map(|node| node.name.as_str());
    let known: BTreeSet<&str> = own.others(&node.inputs, name)?.into_iter().collect();
    let ruleset = crate::quality::parse(&own.ruleset).map_err(|error| error.to_string())?;
    match crate::quality::references(&ruleset).iter().find(|alias| !known.contains(alias.as_str())) {
        Some(alias) => Err(format!("Ruleset: {alias} is the name of no input in AdditionalDataSources")),
        None => Ok(()),
    }
}
