//! Data quality: rules in DQDL, evaluated on the engine.
//!
//! # What it owns
//! The evaluation of a ruleset on a frame ([`evaluate`]), what comes of it ([`Evaluation`]), what of it is said about
//! each row ([`rows`]); rulesets, runs and results of the API ([`service`]). The language itself is [`quality`]'s.

mod evaluate;
mod outcome;
mod rows;
pub mod service;

#[cfg(test)]
mod tests;

pub(crate) use evaluate::{Input, evaluate};
pub use outcome::{AnalyzerOutcome, Evaluation, Metrics, Outcome, RuleOutcome};
pub(crate) use rows::row_outcomes;

use quality::{Check, Condition, Kind, Ruleset, Test};

use crate::JobsError;

/// Reads a ruleset. Errors: `InvalidInput` with the place, for text that is no DQDL, for rules that cannot be evaluated and
/// for patterns that the engine cannot match.
pub(crate) fn parse(text: &str) -> Result<Ruleset, JobsError> {
    let ruleset = Ruleset::parse(text).map_err(|error| JobsError::invalid(format!("Ruleset: {error}")))?;
    for check in ruleset.rules.iter().flat_map(|rule| rule.test.checks()) {
        check_pattern(check)?;
    }
    Ok(ruleset)
}

fn check_pattern(check: &Check) -> Result<(), JobsError> {
    let pattern = match (&check.condition, check.kind) {
        (Some(Condition::Matches { pattern, .. }), _) => pattern,
        (_, Kind::ColumnNamesMatchPattern) => &check.parameters[0],
        _ => return Ok(()),
    };
    match regex::Regex::new(&whole(pattern)) {
        Ok(_) => Ok(()),
        Err(error) => {
            let name = check.kind.facts().name;
            Err(JobsError::invalid(format!(
                "Ruleset: {name}: the pattern {pattern} cannot be matched: {error}"
            )))
        }
    }
}

/// A pattern that matches whole texts alone.
fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// The names of other datasets that a ruleset uses.
pub(crate) fn references(ruleset: &Ruleset) -> std::collections::BTreeSet<String> {
    let checks = ruleset.rules.iter().flat_map(|rule| Test::checks(&rule.test));
    checks.flat_map(evaluate::aliases).collect()
}
