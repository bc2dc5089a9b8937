//! `tenon job explain NAME`: what a run would do.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::members::{field, list, number, texts};
use super::{Outcome, print};
use crate::client::Client;

/// Explains a job. Fails when a run would, as far as planning tells.
pub(crate) async fn run(
    client: &Client,
    name: &str,
    arguments: &BTreeMap<String, String>,
    as_json: bool,
) -> Result<Outcome> {
    let asked = json!({ "JobName": name, "Arguments": arguments });
    let explained = client.post("/_/jobs/explain", &asked).await?;
    if as_json {
        print(&format!("{explained:#}\n"))?;
    } else {
        print(&text(&explained))?;
    }
    let fails = list(&explained, "Nodes").iter().any(|node| node.get("Problem").is_some());
    Ok(if fails { Outcome::Failed } else { Outcome::Succeeded })
}

fn text(explained: &Value) -> String {
    let mut out = format!(
        "{}: bookmark {}, version {}\n",
        field(explained, "JobName"),
        field(explained, "Bookmark"),
        number(explained, "BookmarkVersion")
    );
    if field(explained, "RunsAs") == "script" {
        out.push_str("runs as the script that `tenon job script` prints: it has nodes of Python\n");
    }
    for node in list(explained, "Nodes") {
        described(node, &mut out);
    }
    let unused = texts(explained, "Unused");
    if !unused.is_empty() {
        out.push_str(&format!("not read by any target: {}\n", unused.join(", ")));
    }
    out.push_str("nothing was run\n");
    out
}

fn described(node: &Value, out: &mut String) {
    let inputs = texts(node, "Inputs");
    let inputs = if inputs.is_empty() { String::new() } else { format!(" <- {}", inputs.join(", ")) };
    let (id, name) = (field(node, "Id"), field(node, "Name"));
    let name = if id == name { String::new() } else { format!(" ({name})") };
    out.push_str(&format!("{} {id}{name}{inputs}\n    {}\n", field(node, "Type"), field(node, "Detail")));
    if let Some(source) = node.get("Source") {
        files(source, out);
    }
    for columns in list(node, "Columns") {
        let columns = columns.as_array().map_or(&[][..], Vec::as_slice);
        let columns: Vec<String> = columns
            .iter()
            .map(|column| format!("{} {}", field(column, "Name"), field(column, "Type")))
            .collect();
        out.push_str(&format!("    columns: {}\n", columns.join(", ")));
    }
    for note in texts(node, "Notes") {
        out.push_str(&format!("    {note}\n"));
    }
    if let Some(problem) = node.get("Problem").and_then(Value::as_str) {
        out.push_str(&format!("    a run would fail: {problem}\n"));
    }
}

fn files(source: &Value, out: &mut String) {
    let count = |path: &str| source.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    out.push_str(&format!(
        "    {} files with {} bytes; {} to read with {} bytes; {} left out by the bookmark, {} rewritten since",
        count("/Listed/Files"),
        count("/Listed/Bytes"),
        count("/ToRead/Files"),
        count("/ToRead/Bytes"),
        count("/LeftOut"),
        count("/Rewritten"),
    ));
    match count("/OutOfBounds") {
        0 => out.push('\n'),
        later => out.push_str(&format!("; {later} out of its bounds\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_reads_well() {
        let explained = json!({
            "JobName": "j", "Bookmark": "enabled", "BookmarkVersion": 2, "Unused": ["x"],
            "Nodes": [
                {"Id": "s", "Name": "orders", "Type": "S3CsvSource", "Inputs": [], "Detail": "CSV at s3://b/in/",
                 "Source": {"Listed": {"Files": 3, "Bytes": 30}, "ToRead": {"Files": 1, "Bytes": 10}, "LeftOut": 2,
                            "Rewritten": 0, "OutOfBounds": 0},
                 "Columns": [[{"Name": "id", "Type": "string"}]]},
                {"Id": "o", "Name": "o", "Type": "S3DirectTarget", "Inputs": ["s"], "Detail": "CSV to s3://b/out/",
                 "Columns": [], "Notes": ["a note"], "Problem": "no"},
            ],
        });
        let expected = "j: bookmark enabled, version 2\nS3CsvSource s (orders)\n    CSV at s3://b/in/\n    \
                        3 files with 30 bytes; 1 to read with 10 bytes; 2 left out by the bookmark, 0 rewritten since\n    \
                        columns: id string\nS3DirectTarget o <- s\n    CSV to s3://b/out/\n    a note\n    \
                        a run would fail: no\nnot read by any target: x\nnothing was run\n";
        assert_eq!(text(&explained), expected);
    }
}
