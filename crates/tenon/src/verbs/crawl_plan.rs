//! `tenon crawl NAME --dry-run` and `--undo`: what Glue has not.

use anyhow::Result;
use serde_json::{Value, json};

use super::members::{field, list, texts};
use super::{Outcome, print};
use crate::client::Client;

/// Says what a crawl would do. Fails when the crawl would.
pub(crate) async fn dry_run(client: &Client, name: &str, as_json: bool) -> Result<Outcome> {
    let preview = client.post("/_/crawlers/preview", &json!({ "Name": name })).await?;
    if as_json {
        print(&format!("{preview:#}\n"))?;
    } else {
        print(&text(&preview))?;
    }
    Ok(if preview.get("Error").is_some() { Outcome::Failed } else { Outcome::Succeeded })
}

/// Takes back what the last crawl changed.
pub(crate) async fn undo(client: &Client, name: &str, as_json: bool) -> Result<Outcome> {
    let undone = client.post("/_/crawlers/undo", &json!({ "Name": name })).await?;
    if as_json {
        print(&format!("{undone:#}\n"))?;
        return Ok(Outcome::Succeeded);
    }
    let names = |member: &str| {
        let names = texts(&undone, member);
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let count = |member: &str| undone.get(member).and_then(Value::as_u64).unwrap_or(0);
    print(&format!(
        "{name}: crawl {} undone; tables removed: {}; restored: {}; partitions removed {}, restored {}\n",
        undone.get("CrawlId").and_then(Value::as_str).unwrap_or_default(),
        names("TablesRemoved"),
        names("TablesRestored"),
        count("PartitionsRemoved"),
        count("PartitionsRestored"),
    ))?;
    Ok(Outcome::Succeeded)
}

fn text(preview: &Value) -> String {
    let mut out = String::new();
    for target in list(preview, "Targets") {
        out.push_str(&format!("{}\n", field(target, "Path")));
        folders(target, &mut out);
        schemas(target, &mut out);
    }
    let tables = list(preview, "Tables");
    if !tables.is_empty() {
        out.push_str("changes to the catalog\n");
    }
    for database in texts(preview, "Databases") {
        out.push_str(&format!("  CREATE database {database}\n"));
    }
    for table in tables {
        diff(table, &mut out);
    }
    for line in texts(preview, "Log") {
        if line.starts_with("WARN") || line.starts_with("ERROR") {
            out.push_str(&format!("{line}\n"));
        }
    }
    match preview.get("Error").and_then(Value::as_str) {
        Some(error) => out.push_str(&format!("the crawl would fail: {error}\n")),
        None => out.push_str("nothing was changed\n"),
    }
    out
}

fn folders(target: &Value, out: &mut String) {
    for folder in list(target, "Folders") {
        let path = field(folder, "Path");
        let depth = path.matches('/').count();
        out.push_str(&format!("{}{path}  {}", "  ".repeat(depth.max(1)), field(folder, "Role")));
        let of = field(folder, "Of");
        if !of.is_empty() && of != path {
            out.push_str(&format!(" of {of}"));
        }
        let why = texts(folder, "Why");
        if !why.is_empty() {
            out.push_str(&format!("  ({})", why.join("; ")));
        }
        out.push('\n');
    }
}

/// A column as files have it: its name, its type, and the types of its values when they are several.
fn voted(column: &Value) -> String {
    let choice = match texts(column, "Choice").as_slice() {
        [] => String::new(),
        types => format!(" (choice of {})", types.join(", ")),
    };
    format!("{} {}{choice}", field(column, "Name"), field(column, "Type"))
}

/// How certain the format of files is, of the one that fits least; cut, so that only what is certain says 1.
fn certainty<'f>(files: impl Iterator<Item = &'f Value>) -> String {
    let least = files.filter_map(|file| file.get("Certainty").and_then(Value::as_f64)).reduce(f64::min);
    least.map_or(String::new(), |least| format!(" (certainty {})", (least * 100.0).floor() / 100.0))
}

fn schemas(target: &Value, out: &mut String) {
    let files = list(target, "Files");
    for (at, schema) in list(target, "Schemas").iter().enumerate() {
        let votes = files.iter().filter(|f| f.get("Schema").and_then(Value::as_u64) == Some(at as u64));
        let columns: Vec<String> = list(schema, "Columns").iter().map(voted).collect();
        let format = field(schema, "Format");
        let keys: Vec<&str> = votes.clone().map(|file| field(file, "Key")).take(3).collect();
        out.push_str(&format!(
            "  schema {}: {} files ({}{}) say {format}{}: {}\n",
            at + 1,
            votes.clone().count(),
            keys.join(", "),
            if votes.clone().count() > keys.len() { ", …" } else { "" },
            certainty(votes),
            columns.join(", ")
        ));
    }
    for file in files.iter().filter(|file| file.get("LeftOut").is_some()) {
        out.push_str(&format!("  left out: {}\n", field(file, "LeftOut")));
    }
    let more = target.get("FilesNotShown").and_then(Value::as_u64).unwrap_or(0);
    if more > 0 {
        out.push_str(&format!("  … and {more} more files\n"));
    }
}

fn diff(table: &Value, out: &mut String) {
    let count = |member: &str| table.get(member).and_then(Value::as_u64).unwrap_or(0);
    out.push_str(&format!(
        "  {} {}.{} ({}); partitions: {} new, {} changed, {} gone\n",
        field(table, "Action"),
        field(table, "DatabaseName"),
        field(table, "Name"),
        field(table, "Location"),
        count("PartitionsCreated"),
        count("PartitionsUpdated"),
        count("PartitionsDeleted"),
    ));
    for line in texts(table, "Changes").into_iter().chain(texts(table, "Partitions")) {
        out.push_str(&format!("    {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_reads_well() {
        let preview = json!({
            "Targets": [{
                "Path": "s3://b/t/",
                "Folders": [
                    { "Path": "t/", "Role": "TABLE", "Of": "t/", "Why": ["its 1 folders k=… fit together"] },
                    { "Path": "t/k=1/", "Role": "PARTITION", "Of": "t/: k=1", "Why": [] },
                ],
                "Schemas": [{ "Format": "JSON", "Columns": [{ "Name": "a", "Type": "int" }] }],
                "Files": [{ "Key": "t/k=1/a", "Schema": 0, "Certainty": 0.998 }, { "Key": "t/b", "LeftOut": "s3://b/t/b: damaged" }],
                "FilesNotShown": 0,
            }],
            "Databases": ["d"],
            "Tables": [{ "DatabaseName": "d", "Name": "t", "Action": "CREATE", "Location": "s3://b/t/",
                         "Changes": ["+ column a: int"], "PartitionsCreated": 1, "Partitions": ["+ 1"] }],
            "Log": ["WARN : look", "INFO : no"],
        });
        let expected = "s3://b/t/\n  t/  TABLE  (its 1 folders k=… fit together)\n    t/k=1/  PARTITION of t/: k=1\n  \
                        schema 1: 1 files (t/k=1/a) say JSON (certainty 0.99): a int\n  left out: s3://b/t/b: damaged\n\
                        changes to the catalog\n  CREATE database d\n  \
                        CREATE d.t (s3://b/t/); partitions: 1 new, 0 changed, 0 gone\n    + column a: int\n    + 1\n\
                        WARN : look\nnothing was changed\n";
        assert_eq!(text(&preview), expected);
    }
}
