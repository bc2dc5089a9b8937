//! `tenon lineage NAME`: where data comes from and where it went.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::members::{field, list, number};
use super::{Outcome, print};
use crate::client::Client;

/// Shows what lies before and behind a table, a path, an object or a job.
pub(crate) async fn run(client: &Client, name: &str, as_json: bool) -> Result<Outcome> {
    let lineage = client.post("/_/jobs/lineage", &json!({ "Name": name })).await?;
    if as_json {
        print(&format!("{lineage:#}\n"))?;
    } else {
        print(&text(name, &lineage))?;
    }
    Ok(Outcome::Succeeded)
}

fn text(name: &str, lineage: &Value) -> String {
    let mut out =
        format!("{name} ({})\n", field(lineage.get("Of").unwrap_or(&Value::Null), "Kind").to_lowercase());
    if let Some(last) = lineage.get("LastRun") {
        out.push_str("last run that published\n");
        step(last, &mut out);
    }
    for (title, member) in [("upstream", "Upstream"), ("downstream", "Downstream")] {
        let steps = list(lineage, member);
        out.push_str(&format!("{title}{}\n", if steps.is_empty() { ": nothing is known" } else { "" }));
        for found in steps {
            step(found, &mut out);
        }
    }
    if lineage.get("Truncated").and_then(Value::as_bool) == Some(true) {
        out.push_str("there is more than is shown\n");
    }
    out
}

fn step(step: &Value, out: &mut String) {
    let depth = usize::try_from(number(step, "Distance")).unwrap_or(0);
    let indent = "  ".repeat(depth + 1);
    let time = DateTime::from_timestamp_millis(number(step, "PublishedMs")).unwrap_or_default();
    let perhaps = if step.get("Certain").and_then(Value::as_bool) == Some(false) { "perhaps " } else { "" };
    out.push_str(&format!(
        "{indent}{perhaps}job {}: {} runs, the last {} at {}\n",
        field(step, "Job"),
        number(step, "Runs"),
        field(step, "RunId"),
        time.to_rfc3339_opts(SecondsFormat::Secs, true),
    ));
    for (word, member) in [("reads", "Inputs"), ("writes", "Outputs")] {
        for dataset in list(step, member) {
            out.push_str(&format!("{indent}  {word} {}\n", described(dataset)));
        }
    }
}

fn described(dataset: &Value) -> String {
    let (table, location) = (field(dataset, "Table"), field(dataset, "Location"));
    let place = match (table, location) {
        ("", location) => location.to_owned(),
        (table, "") => table.to_owned(),
        (table, location) => format!("{table} [{location}]"),
    };
    let partitions = match number(dataset, "PartitionCount") {
        0 => String::new(),
        count => format!(" in {count} partitions"),
    };
    let (files, bytes, rows) = (number(dataset, "Files"), number(dataset, "Bytes"), number(dataset, "Rows"));
    format!("{place}: {files} files{partitions}, {bytes} bytes, {rows} rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineage_reads_well() {
        let lineage = json!({
            "Of": {"Kind": "Table", "Name": "d.t"},
            "Upstream": [{"Distance": 1, "Job": "j", "Runs": 2, "RunId": "jr_1", "Certain": false, "PublishedMs": 0,
                          "Inputs": [{"Location": "s3://b/in/", "Files": 1, "Bytes": 2, "Rows": 3}],
                          "Outputs": [{"Table": "d.t", "Location": "s3://b/t/", "PartitionCount": 4}]}],
            "Downstream": [], "Truncated": true,
        });
        let expected = "d.t (table)\nupstream\n    perhaps job j: 2 runs, the last jr_1 at 1970-01-01T00:00:00Z\n      \
                        reads s3://b/in/: 1 files, 2 bytes, 3 rows\n      \
                        writes d.t [s3://b/t/]: 0 files in 4 partitions, 0 bytes, 0 rows\n\
                        downstream: nothing is known\nthere is more than is shown\n";
        assert_eq!(text("d.t", &lineage), expected);
    }
}
