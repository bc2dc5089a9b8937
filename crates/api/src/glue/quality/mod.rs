//! Glue's data quality: rulesets, runs that evaluate or recommend them, results.
//!
//! Source: AWS Glue API Reference, Data Quality API.

mod read;
mod results;
mod rulesets;
mod runs;

use std::sync::Arc;

use jobs::quality::service::{Quality, QualityError};
use wire::{Call, Fault, Fields, Operation, Service};

use super::errors;
use super::tags::Taggable;

/// What the handlers work on.
pub struct QualityFace {
    quality: Quality,
}

/// Makes the face.
pub fn face(quality: Quality) -> Service<QualityFace> {
    Service { model: "glue", state: QualityFace { quality }, operations: OPERATIONS }
}

/// Tells the catalog's tag operations whether a ruleset exists; its kind is `dataQualityRuleset`.
pub fn taggable() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move { Quality::find_arn(tx, scope, name).await.map_err(fault) })
    })
}

fn fault(error: QualityError) -> Fault {
    match error {
        QualityError::RulesetNotFound { .. }
        | QualityError::RunNotFound { .. }
        | QualityError::ResultNotFound { .. } => errors::not_found(error.to_string()),
        QualityError::RulesetExists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        QualityError::Invalid { .. } => errors::invalid(error.to_string()),
        QualityError::Catalog(inner) => errors::catalog(inner),
        QualityError::Store(inner) => errors::store(&inner),
        QualityError::Corrupt { .. } => errors::internal(&error),
    }
}

/// Entries of a page when the request does not say, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;

fn limit(call: &Call) -> usize {
    let asked = call.integer("MaxResults").and_then(|n| usize::try_from(n).ok());
    asked.unwrap_or(PAGE).clamp(1, MAX_PAGE)
}

macro_rules! operation {
    ($name:literal, $run:path, $acts:expr, $refused:expr) => {
        Operation {
            name: $name,
            fields: Fields { acts: $acts, refused: $refused, ignored: &[] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const NO_SECURITY: (&str, &str) =
    ("DataQualitySecurityConfiguration", "security configurations are not built");
const NO_LOGS: (&str, &str) = (
    "AdditionalRunOptions.CustomLogGroupPrefix",
    "runs write no logs; a run's ErrorString says why it failed",
);
const NO_TABLES: &str = "what is found is kept as results; writing it into tables is not built";
const NO_OBSERVATIONS: &str = "observations compare with earlier runs, which is not built";

const RUN_OPTIONS: &[(&str, &str)] = &[
    NO_LOGS,
    ("AdditionalRunOptions.RowLevelResults", NO_TABLES),
    ("AdditionalRunOptions.ProfilingResults", NO_TABLES),
    ("AdditionalRunOptions.DataQualityRuleResults", NO_TABLES),
    ("AdditionalRunOptions.ObservationResults", NO_TABLES),
    ("AdditionalRunOptions.ObservationScope", NO_OBSERVATIONS),
    ("AdditionalRunOptions.ObservationMode", NO_OBSERVATIONS),
    ("DataSource.GlueTable.ConnectionName", NO_CONNECTION),
    ("DataSource.DataQualityGlueTable.ConnectionName", NO_CONNECTION),
];
const NO_CONNECTION: &str = "tables are read where the catalog says they lie";

const OPERATIONS: &[Operation<QualityFace>] = &[
    operation!(
        "CreateDataQualityRuleset",
        rulesets::create,
        &[
            "Name",
            "Ruleset",
            "Tags",
            "TargetTable.DatabaseName",
            "TargetTable.TableName",
            "TargetTable.CatalogId",
            "ClientToken"
        ],
        &[NO_SECURITY]
    ),
    operation!("UpdateDataQualityRuleset", rulesets::update, &["Name", "Ruleset"], &[]),
    operation!("GetDataQualityRuleset", rulesets::get, &["Name"], &[]),
    operation!(
        "ListDataQualityRulesets",
        rulesets::list,
        &["Filter", "Tags", "MaxResults", "NextToken"],
        &[]
    ),
    operation!("DeleteDataQualityRuleset", rulesets::delete, &["Name"], &[]),
    operation!(
        "StartDataQualityRulesetEvaluationRun",
        runs::start_evaluation,
        &[
            "DataSource.GlueTable.DatabaseName",
            "DataSource.GlueTable.TableName",
            "DataSource.GlueTable.CatalogId",
            "DataSource.GlueTable.AdditionalOptions",
            "DataSource.DataQualityGlueTable.DatabaseName",
            "DataSource.DataQualityGlueTable.TableName",
            "DataSource.DataQualityGlueTable.CatalogId",
            "DataSource.DataQualityGlueTable.AdditionalOptions",
            "DataSource.DataQualityGlueTable.PreProcessingQuery",
            "RulesetNames",
            "AdditionalDataSources",
            "AdditionalRunOptions.CloudWatchMetricsEnabled",
            "AdditionalRunOptions.CompositeRuleEvaluationMethod",
            "AdditionalRunOptions.ResultsS3Prefix",
            "Timeout",
            "ClientToken",
        ],
        RUN_OPTIONS
    ),
    operation!("GetDataQualityRulesetEvaluationRun", runs::get_evaluation, &["RunId"], &[]),
    operation!(
        "ListDataQualityRulesetEvaluationRuns",
        runs::list_evaluations,
        &["Filter", "MaxResults", "NextToken"],
        &[]
    ),
    operation!("CancelDataQualityRulesetEvaluationRun", runs::cancel_evaluation, &["RunId"], &[]),
    operation!("BatchGetDataQualityRulesetEvaluationRun", runs::batch_get, &["RunIds"], &[]),
    operation!(
        "StartDataQualityRuleRecommendationRun",
        runs::start_recommendation,
        &[
            "DataSource.GlueTable.DatabaseName",
            "DataSource.GlueTable.TableName",
            "DataSource.GlueTable.CatalogId",
            "DataSource.GlueTable.AdditionalOptions",
            "DataSource.DataQualityGlueTable.DatabaseName",
            "DataSource.DataQualityGlueTable.TableName",
            "DataSource.DataQualityGlueTable.CatalogId",
            "DataSource.DataQualityGlueTable.AdditionalOptions",
            "DataSource.DataQualityGlueTable.PreProcessingQuery",
            "CreatedRulesetName",
            "RecommendationMode",
            "Timeout",
            "ClientToken",
        ],
        &[
            NO_SECURITY,
            NO_LOGS,
            ("DataSource.GlueTable.ConnectionName", NO_CONNECTION),
            ("DataSource.DataQualityGlueTable.ConnectionName", NO_CONNECTION),
        ]
    ),
    operation!("GetDataQualityRuleRecommendationRun", runs::get_recommendation, &["RunId"], &[]),
    operation!(
        "ListDataQualityRuleRecommendationRuns",
        runs::list_recommendations,
        &["Filter", "MaxResults", "NextToken"],
        &[("Tags", "runs have no tags")]
    ),
    operation!("CancelDataQualityRuleRecommendationRun", runs::cancel_recommendation, &["RunId"], &[]),
    operation!("GetDataQualityResult", results::get, &["ResultId"], &[]),
    operation!("ListDataQualityResults", results::list, &["Filter", "MaxResults", "NextToken"], &[]),
    operation!("BatchGetDataQualityResult", results::batch_get, &["ResultIds"], &[]),
];
