//! Whether a rule can be evaluated, as far as its text says.

use crate::kind::{Facts, Response};
use crate::names::{AggregateOf, Reference, mappings};
use crate::rules::Check;
use crate::value::{Condition, Keyword, Operand, is_date};
use crate::{Comparison, Kind};

type Checked = Result<(), String>;

/// The types of ColumnDataType. Source: AWS Glue Developer Guide, ColumnDataType.
const TYPES: &[&str] = &["Boolean", "Date", "Timestamp", "Integer", "Double", "Float", "Long"];

pub(super) fn check(check: &Check, analyzer: bool) -> Checked {
    let facts = check.kind.facts();
    place(facts, analyzer)?;
    parameters(check, facts)?;
    let name = facts.name;
    if check.filter.is_some() && !facts.filter {
        return Err(format!("{name} takes no where"));
    }
    if check.filter.as_deref().is_some_and(|filter| filter.trim().is_empty()) {
        return Err(format!("{name}: the condition behind where is empty"));
    }
    if check.threshold.is_some() && !facts.threshold {
        return Err(format!("{name} takes no threshold"));
    }
    if analyzer {
        return match check.condition.is_some() || check.threshold.is_some() || check.filter.is_some() {
            true => Err(format!("{name}: an analyzer takes no condition, where or threshold")),
            false => Ok(()),
        };
    }
    condition(check, facts)?;
    match &check.threshold {
        Some(threshold) => fraction(name, threshold),
        None => Ok(()),
    }
}

fn place(facts: &Facts, analyzer: bool) -> Checked {
    match analyzer {
        true if !facts.analyzer => Err(format!("{} cannot be an analyzer", facts.name)),
        false if !facts.rule => Err(format!("{} can only be an analyzer", facts.name)),
        _ => Ok(()),
    }
}

fn parameters(check: &Check, facts: &Facts) -> Checked {
    let (name, count) = (facts.name, check.parameters.len());
    if !facts.parameters.contains(&count) {
        let wanted = match (*facts.parameters.start(), *facts.parameters.end()) {
            (0, 0) => "no parameters".to_owned(),
            (1, 1) => "one parameter".to_owned(),
            (least, most) if least == most => format!("{least} parameters"),
            (least, most) => format!("{least} to {most} parameters"),
        };
        return Err(format!("{name} takes {wanted} and has {count}"));
    }
    if check.parameters.iter().any(|parameter| parameter.trim().is_empty()) {
        return Err(format!("{name}: a parameter is empty"));
    }
    let named = |what: String| format!("{name}: {what}");
    let [first, rest @ ..] = check.parameters.as_slice() else { return Ok(()) };
    match check.kind {
        Kind::AggregateMatch => {
            for parameter in &check.parameters {
                AggregateOf::parse(parameter).map_err(named)?;
            }
        }
        Kind::DatasetMatch => {
            for parameter in rest {
                mappings(parameter).map_err(named)?;
            }
        }
        Kind::ReferentialIntegrity => {
            let reference = rest.first().map(String::as_str).unwrap_or_default();
            let reference = Reference::parse(reference).map_err(named)?;
            let own = crate::names::names(first);
            if own.iter().any(String::is_empty) || own.len() != reference.columns.len() {
                return Err(format!("{name}: {first:?} and {:?} are not as many columns", reference.columns));
            }
        }
        _ => {}
    }
    Ok(())
}

fn condition(check: &Check, facts: &Facts) -> Checked {
    let name = facts.name;
    match (facts.response, &check.condition) {
        (Response::Boolean, Some(_)) => Err(format!("{name} takes no condition: it holds or it does not")),
        (Response::NumberOrRows, Some(_)) if check.threshold.is_some() => {
            Err(format!("{name} takes a condition or a threshold, not both"))
        }
        (Response::Boolean | Response::NumberOrRows, None) => Ok(()),
        (_, None) => Err(format!("{name} needs a condition, such as {}", example(facts.response))),
        (Response::Number | Response::Lengths | Response::NumberOrRows, Some(condition)) => {
            numbers(name, condition)
        }
        (Response::Values, Some(condition)) => values(name, condition),
        (Response::TypeName, Some(condition)) => type_name(name, condition),
        (Response::Ages, Some(condition)) => ages(name, condition),
    }
}

fn example(response: Response) -> &'static str {
    match response {
        Response::TypeName => "= \"Integer\"",
        Response::Ages => "<= 24 hours",
        Response::Values => "in [\"a\", \"b\"]",
        _ => "> 0",
    }
}

fn numbers(name: &str, condition: &Condition) -> Checked {
    if matches!(condition, Condition::Matches { .. }) {
        return Err(format!("{name} answers with a number, which no pattern matches"));
    }
    match condition.operands().into_iter().find(|operand| operand.number().is_none()) {
        Some(other) => Err(format!("{name} answers with a number and cannot be compared with {other}")),
        None => Ok(()),
    }
}

fn fraction(name: &str, threshold: &Condition) -> Checked {
    let inside = |operand: &&Operand| operand.number().is_some_and(|n| (0.0..=1.0).contains(&n.value()));
    let form = matches!(threshold, Condition::Compare(..) | Condition::Between { .. });
    match threshold.operands().iter().all(inside) && form {
        true => Ok(()),
        false => {
            Err(format!("{name}: a threshold is a condition on a part of all rows, from 0 to 1: {threshold}"))
        }
    }
}

fn values(name: &str, condition: &Condition) -> Checked {
    let ordered = match condition {
        Condition::Compare(comparison, _) => comparison.is_order(),
        Condition::Between { .. } => true,
        Condition::In { .. } | Condition::Matches { .. } => false,
    };
    for operand in condition.operands() {
        match operand {
            Operand::Span(span) => return Err(format!("{name}: {span} is no value; DataFreshness takes it")),
            Operand::Keyword(keyword) if ordered => {
                return Err(format!("{name}: {} is neither more nor less than anything", keyword.as_str()));
            }
            Operand::Text(text) if ordered && !is_date(text) => {
                let dates = "only dates, such as \"2023-01-31\", are compared in order";
                return Err(format!("{name}: {operand} is text; {dates}"));
            }
            _ => {}
        }
    }
    let kinds = |wanted: fn(&Operand) -> bool| condition.operands().into_iter().any(wanted);
    let number = kinds(|operand| matches!(operand, Operand::Number(_)));
    let blank =
        |operand: &Operand| matches!(operand, Operand::Keyword(Keyword::Empty | Keyword::WhitespacesOnly));
    let text = kinds(|operand| matches!(operand, Operand::Text(_))) || kinds(blank);
    let moment = kinds(|operand| matches!(operand, Operand::Moment(_)));
    if number && (text || moment) {
        return Err(format!("{name}: numbers stand beside other values in {condition}"));
    }
    Ok(())
}

fn type_name(name: &str, condition: &Condition) -> Checked {
    let Condition::Compare(Comparison::Equal | Comparison::NotEqual, Operand::Text(text)) = condition else {
        return Err(format!("{name} takes = or != and a type: {}", TYPES.join(", ")));
    };
    match TYPES.iter().any(|known| known.eq_ignore_ascii_case(text)) {
        true => Ok(()),
        false => Err(format!("{name}: {text} is no type; there are {}", TYPES.join(", "))),
    }
}

fn ages(name: &str, condition: &Condition) -> Checked {
    let spans = condition.operands().iter().all(|operand| matches!(operand, Operand::Span(_)));
    let form = matches!(condition, Condition::Compare(..) | Condition::Between { .. });
    match spans && form {
        true => Ok(()),
        false => {
            Err(format!("{name} takes lengths of time, such as <= 24 hours, or between 2 days and 5 days"))
        }
    }
}
