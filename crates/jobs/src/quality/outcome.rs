//! What an evaluation finds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a rule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be evaluated.
    Error,
}

impl Outcome {
    /// As Glue writes it into the outcomes of a job.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }

    /// As Glue's API writes it.
    pub fn status(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::Error => "ERROR",
        }
    }
}

/// Numbers by their names: `Column.a.Completeness`.
pub type Metrics = BTreeMap<String, f64>;

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOutcome {
    /// The rule, in canonical text.
    pub rule: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// What was measured for it.
    pub metrics: Metrics,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What became of an analyzer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalyzerOutcome {
    /// The analyzer, in canonical text.
    pub analyzer: String,
    /// Why it measured nothing.
    pub reason: Option<String>,
    /// What it measured.
    pub metrics: Metrics,
}

/// What became of a ruleset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The rules, in their order.
    pub rules: Vec<RuleOutcome>,
    /// The analyzers, in their order.
    pub analyzers: Vec<AnalyzerOutcome>,
}

impl Evaluation {
    /// The part of the rules that hold; `None` without rules.
    pub fn score(&self) -> Option<f64> {
        let passed = self.rules.iter().filter(|rule| rule.outcome == Outcome::Passed).count();
        (!self.rules.is_empty()).then(|| passed as f64 / self.rules.len() as f64)
    }

    /// The rules that do not hold, those that could not be evaluated among them.
    pub fn not_passed(&self) -> impl Iterator<Item = &RuleOutcome> {
        self.rules.iter().filter(|rule| rule.outcome != Outcome::Passed)
    }
}

/// What is known of a rule, or of a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) metrics: Metrics,
}

impl Verdict {
    pub(crate) fn passed(metrics: Metrics) -> Self {
        Self { outcome: Outcome::Passed, reason: None, metrics }
    }

    pub(crate) fn failed(reason: impl Into<String>, metrics: Metrics) -> Self {
        Self { outcome: Outcome::Failed, reason: Some(reason.into()), metrics }
    }

    pub(crate) fn error(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Error, reason: Some(reason.into()), metrics: Metrics::new() }
    }

    /// Passed or failed with this reason.
    pub(crate) fn of(holds: bool, reason: impl FnOnce() -> String, metrics: Metrics) -> Self {
        if holds { Self::passed(metrics) } else { Self::failed(reason(), metrics) }
    }

    /// Of several parts that all have to hold, or any. What failed weighs more than what could not be evaluated where
    /// all are needed, and what passed does where any is.
    pub(crate) fn together(parts: Vec<Self>, all: bool) -> Self {
        let deciding = if all { Outcome::Failed } else { Outcome::Passed };
        let has = |outcome: Outcome| parts.iter().any(|part| part.outcome == outcome);
        let outcome = match (has(deciding), has(Outcome::Error), all) {
            (true, _, _) => deciding,
            (false, true, _) => Outcome::Error,
            (false, false, true) => Outcome::Passed,
            (false, false, false) => Outcome::Failed,
        };
        let reasons: Vec<String> = parts.iter().filter_map(|part| part.reason.clone()).collect();
        let reason = (outcome != Outcome::Passed && !reasons.is_empty()).then(|| reasons.join("; "));
        let metrics = parts.into_iter().flat_map(|part| part.metrics).collect();
        Self { outcome, reason, metrics }
    }
}
