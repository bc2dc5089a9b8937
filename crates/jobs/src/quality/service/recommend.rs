//! Rules that hold for the data as it is, from what its columns are measured to be.
//!
//! They are a start for people to choose from: how many rows, which columns are complete and unique, between which values
//! numbers and lengths lie.

use datafusion::dataframe::DataFrame;
use engine::Session;
use quality::{Check, Kind, Ruleset, quoted};

use super::work::WorkError;
use crate::quality::outcome::Metrics;
use crate::quality::{Input, evaluate};

/// How many columns rules are recommended for.
const MAX_COLUMNS: usize = 200;

/// The text of the recommended ruleset.
pub(super) async fn ruleset(session: &Session, primary: DataFrame, now_ms: i64) -> Result<String, WorkError> {
    let names: Vec<String> =
        primary.schema().fields().iter().take(MAX_COLUMNS).map(|field| field.name().clone()).collect();
    let analyzer = |kind: Kind, name: Option<&String>| Check {
        kind,
        parameters: name.into_iter().cloned().collect(),
        condition: None,
        filter: None,
        threshold: None,
    };
    let mut analyzers = vec![analyzer(Kind::RowCount, None)];
    for name in &names {
        let kinds = [Kind::Completeness, Kind::Uniqueness, Kind::ColumnValues];
        analyzers.extend(kinds.map(|kind| analyzer(kind, Some(name))));
    }
    let measured = Ruleset { analyzers, ..Ruleset::default() };
    let input = Input { session, primary, others: std::collections::BTreeMap::new(), now_ms, by_row: false };
    let found = evaluate(input, &measured).await?;
    // What cannot be measured of a nested column is not recommended about.
    let metrics: Metrics = found.analyzers.into_iter().flat_map(|one| one.metrics).collect();
    Ok(rules(&names, &metrics))
}

fn rules(names: &[String], metrics: &Metrics) -> String {
    let rows = metrics.get("Dataset.*.RowCount").copied().unwrap_or(0.0);
    let mut rules = vec![match rows {
        0.0 => "RowCount = 0".to_owned(),
        // Room for half as many and twice as many; the ends themselves are outside.
        rows => format!("RowCount between {} and {}", (rows / 2.0).floor(), (rows * 2.0).ceil()),
    }];
    for name in names {
        let of = |metric: &str| metrics.get(&format!("Column.{name}.{metric}")).copied();
        let column = quoted(name);
        match of("Completeness") {
            Some(1.0) => rules.push(format!("IsComplete {column}")),
            Some(part) if part > 0.0 => {
                rules.push(format!("Completeness {column} >= {}", (part * 100.0).floor() / 100.0))
            }
            _ => {}
        }
        if of("Uniqueness") == Some(1.0) && rows > 1.0 {
            rules.push(format!("IsUnique {column}"));
        }
        // Null would be against a condition on values.
        let complete = of("Completeness") == Some(1.0);
        let filter = if complete { String::new() } else { format!(" where {}", quoted(&not_null(name))) };
        if let (Some(least), Some(most)) = (of("Minimum"), of("Maximum"))
            && least.is_finite()
            && most.is_finite()
        {
            rules.push(format!("ColumnValues {column} >= {}{filter}", decimal(least, false)));
            rules.push(format!("ColumnValues {column} <= {}{filter}", decimal(most, true)));
        }
        if let Some(longest) = of("MaximumLength") {
            rules.push(format!("ColumnLength {column} <= {longest}"));
        }
    }
    format!("Rules = [\n    {}\n]", rules.join(",\n    "))
}

fn not_null(name: &str) -> String {
    format!("`{}` is not null", name.replace('`', "``"))
}

/// A number in digits. Very large ones are rounded outwards, so that they stay bounds: a double has 17 digits.
fn decimal(value: f64, up: bool) -> String {
    let shown = format!("{value}");
    match value.abs() < 1e15 {
        true => shown,
        false => format!("{:.0}", if up { value.next_up() } else { value.next_down() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_becomes_rules_that_are_read() {
        let names = ["id".to_owned(), "na\"me".to_owned(), "empty".to_owned()];
        let metrics = Metrics::from(
            [
                ("Dataset.*.RowCount", 5.0),
                ("Column.id.Completeness", 1.0),
                ("Column.id.Uniqueness", 1.0),
                ("Column.id.Minimum", -1.5),
                ("Column.id.Maximum", 1e300),
                ("Column.na\"me.Completeness", 0.809),
                ("Column.na\"me.Uniqueness", 0.5),
                ("Column.na\"me.MaximumLength", 7.0),
                ("Column.empty.Completeness", 0.0),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let text = rules(&names, &metrics);
        let read = Ruleset::parse(&text).unwrap();
        let shown: Vec<String> = read.rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown[..4],
            [
                "RowCount between 2 and 10",
                "IsComplete \"id\"",
                "IsUnique \"id\"",
                "ColumnValues \"id\" >= -1.5"
            ]
        );
        assert_eq!(shown[5..], ["Completeness \"na\\\"me\" >= 0.8", "ColumnLength \"na\\\"me\" <= 7"]);
    }
}
