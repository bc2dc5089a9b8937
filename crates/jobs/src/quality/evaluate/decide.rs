//! From numbers to verdicts.

use quality::Condition;

use super::ask::{Answer, Measure};
use super::measure::Numbers;
use crate::quality::outcome::{Metrics, Verdict};

pub(super) fn decide(answer: &Answer, numbers: &Numbers) -> Verdict {
    match answer {
        Answer::Known(verdict) => verdict.clone(),
        Answer::Number { metric, value, condition } => match numbers.scalar(*value) {
            Some(found) => number(metric, found, condition.as_ref()),
            None => {
                Verdict::failed(format!("{metric} cannot be computed: there are no values"), Metrics::new())
            }
        },
        Answer::Ratio { metric, part, whole, condition } => {
            let (part, whole) = (numbers.count(*part), numbers.count(*whole));
            match condition {
                _ if whole == 0.0 => {
                    Verdict::failed(format!("{metric} cannot be computed: there are no rows"), Metrics::new())
                }
                Some(condition) => number(metric, part / whole, Some(condition)),
                None => {
                    let metrics = Metrics::from([(metric.clone(), part / whole)]);
                    let reason = || {
                        format!("{metric} is {}: {} of {whole} rows do not hold", part / whole, whole - part)
                    };
                    Verdict::of(part == whole, reason, metrics)
                }
            }
        }
        Answer::Measured { metrics } => {
            let found = metrics.iter().filter_map(|(name, at)| Some((name.clone(), numbers.scalar(*at)?)));
            Verdict::passed(found.collect())
        }
        Answer::Rows { compliance, holding, counted, nulls, threshold, metrics } => {
            let found = metrics.iter().filter_map(|(name, at)| Some((name.clone(), numbers.scalar(*at)?)));
            let nulls = nulls.map_or(0.0, |at| numbers.count(at));
            let counts = (numbers.count(*holding), numbers.count(*counted), nulls);
            rows(compliance.as_deref(), counts, threshold.as_ref(), found.collect())
        }
        Answer::Groups { groups, measure, metric, condition, complete } => {
            let mut verdict = grouped(numbers, *groups, *measure, metric, condition.as_ref());
            for one in complete {
                let other = decide(one, numbers);
                verdict = Verdict::together(vec![verdict, other], true);
            }
            verdict
        }
    }
}

/// A number against its condition; an analyzer has none.
pub(super) fn number(metric: &str, found: f64, condition: Option<&Condition>) -> Verdict {
    let metrics = Metrics::from([(metric.to_owned(), found)]);
    match condition {
        None => Verdict::passed(metrics),
        Some(condition) => {
            Verdict::of(condition.holds(found), || format!("{metric} is {found}, not {condition}"), metrics)
        }
    }
}

/// Rows of which each has to hold, or a part. Where there are no rows, none is against it.
fn rows(
    compliance: Option<&str>,
    (holding, counted, nulls): (f64, f64, f64),
    threshold: Option<&Condition>,
    mut metrics: Metrics,
) -> Verdict {
    if counted == 0.0 {
        return Verdict::passed(metrics);
    }
    let part = holding / counted;
    if let Some(compliance) = compliance {
        metrics.insert(compliance.to_owned(), part);
    }
    let against = counted - holding;
    let of_null =
        if nulls > 0.0 { format!(", {nulls} of them because they are null") } else { String::new() };
    match threshold {
        None => {
            let reason = || format!("{against} of {counted} rows do not hold{of_null}");
            Verdict::of(holding == counted, reason, metrics)
        }
        Some(threshold) => {
            let reason = || format!("the part of the rows that hold is {part}, not {threshold}{of_null}");
            Verdict::of(threshold.holds(part), reason, metrics)
        }
    }
}

fn grouped(
    numbers: &Numbers,
    groups: usize,
    measure: Measure,
    metric: &str,
    condition: Option<&Condition>,
) -> Verdict {
    let found = numbers.groups(groups);
    let value = match measure {
        // Of no values there are none.
        Measure::Distinct => Some(found.distinct),
        _ if found.rows == 0.0 => None,
        Measure::Uniqueness | Measure::AllUnique => Some(found.unique / found.rows),
        Measure::UniqueRatio => Some(found.unique / found.distinct),
        // One value says nothing: no rounding may make it less than that.
        Measure::Entropy if found.distinct == 1.0 => Some(0.0),
        Measure::Entropy => Some(found.rows.ln() - found.weighed / found.rows),
    };
    let Some(value) = value else {
        return Verdict::failed(format!("{metric} cannot be computed: there are no values"), Metrics::new());
    };
    if measure != Measure::AllUnique {
        return number(metric, value, condition);
    }
    let repeated = found.rows - found.unique;
    let reason = || format!("{repeated} of {} values occur more than once", found.rows);
    Verdict::of(found.unique == found.rows, reason, Metrics::from([(metric.to_owned(), value)]))
}
