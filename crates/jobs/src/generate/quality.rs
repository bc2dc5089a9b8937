//! Nodes that evaluate data quality rules.
//!
//! On the engine all of them are evaluated before anything is written; so targets come last in the script. A gate that
//! looks when everything is loaded raises after the commit, because the engine moves the bookmark then, too.

use super::nodes::Names;
use super::python::{dictionary, flag, text};
use crate::graph::{Gate, HandsOn, QualityNode};

/// What scripts with such nodes begin with.
pub(super) const HEAD: &str = r#"
from awsgluedq.transforms import EvaluateDataQuality

_rules_not_passed = []


def _not_passed(outcomes):
    """The rules that do not hold, or cannot be evaluated."""
    return [row["Rule"] for row in outcomes.toDF().where("Outcome != 'Passed'").collect()]


def _require(rules):
    """Ends the script when there are rules that do not hold."""
    if rules:
        raise Exception(f"data quality rules do not pass: {', '.join(rules)}")
"#;

/// What they end with, after the commit.
pub(super) const END: &str = "_require(_rules_not_passed)\n";

/// The lines of a node.
pub(super) fn statements(node: &QualityNode, names: &Names<'_>) -> Result<String, String> {
    let (own, input) = (names.own()?, names.input(0)?);
    let context = node.context.as_deref().unwrap_or(names.title());
    let mut options = vec![
        ("dataQualityEvaluationContext", text(context)),
        ("enableDataQualityResultsPublishing", flag(node.kept)),
    ];
    options.extend(node.prefix.as_ref().map(|prefix| ("resultsS3Prefix", text(prefix))));
    let publishing = dictionary(options);
    let (ruleset, context) = (text(&node.ruleset), names.context());
    // The rows of the rules, by which gates decide.
    let (mut lines, outcomes) = match node.hands_on {
        HandsOn::Input | HandsOn::Outcomes => (
            format!(
                "{own} = EvaluateDataQuality.apply(frame={input}, ruleset={ruleset}, publishing_options={publishing}, \
                 transformation_ctx={context})\n"
            ),
            own.to_owned(),
        ),
        HandsOn::All => {
            let others = names.others(node)?;
            let others = dictionary(others.iter().map(|(alias, frame)| (alias.as_str(), frame.clone())));
            let method = text(if node.by_row { "ROW" } else { "COLUMN" });
            let options = dictionary([("compositeRuleEvaluation.method", method)]);
            (
                format!(
                    "{own} = EvaluateDataQuality().process_rows(frame={input}, ruleset={ruleset}, \
                     publishing_options={publishing}, additional_options={options}, additional_data_sources={others}, \
                     transformation_ctx={context})\n"
                ),
                format!("{own}[\"ruleOutcomes\"]"),
            )
        }
    };
    match node.gate {
        None => {}
        Some(Gate::Immediate) => lines.push_str(&format!("_require(_not_passed({outcomes}))\n")),
        Some(Gate::AfterDataLoad) => {
            lines.push_str(&format!("_rules_not_passed += _not_passed({outcomes})\n"))
        }
    }
    if node.hands_on == HandsOn::Input {
        lines.push_str(&format!("{own} = {input}\n"));
    }
    Ok(lines)
}
