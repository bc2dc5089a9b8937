//! `tenon bookmark show`, `set` and `rewind`: what a job's next run leaves out, looked at and changed.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::members::{field, list, number, texts};
use super::{Outcome, print};
use crate::client::Client;

/// Versions that the text shows.
const SHOWN_VERSIONS: usize = 10;

/// Shows a job's bookmark: with `as_json` each file.
pub(crate) async fn show(client: &Client, job: &str, as_json: bool) -> Result<Outcome> {
    let shown = whole(client, job).await?;
    if as_json {
        print(&format!("{shown:#}\n"))?;
    } else {
        print(&text(&shown))?;
    }
    Ok(Outcome::Succeeded)
}

/// Makes a job's bookmark what a file says that was written by [`show`]; `-` is standard input.
pub(crate) async fn set(client: &Client, job: &str, file: &Path, as_json: bool) -> Result<Outcome> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let document: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `tenon bookmark show --json` writes", file.display()))?;
    let of = field(&document, "JobName");
    if of != job {
        bail!("{} is the bookmark of job {of:?}, not of {job:?}", file.display());
    }
    let mut wanted = json!({ "JobName": job });
    for member in ["Version", "Sources", "Tables"] {
        let Some(value) = document.get(member) else {
            bail!("{} has no {member}, as `tenon bookmark show --json` writes it", file.display());
        };
        wanted[member] = value.clone();
    }
    report(&client.post("/_/jobs/bookmark/set", &wanted).await?, as_json)
}

/// Brings a job's bookmark back to how a run left it.
pub(crate) async fn rewind(client: &Client, job: &str, run: &str, as_json: bool) -> Result<Outcome> {
    let asked = json!({ "JobName": job, "RunId": run });
    report(&client.post("/_/jobs/bookmark/rewind", &asked).await?, as_json)
}

/// All pages of a bookmark as one. Fails when it moves in between: half of each would be neither.
async fn whole(client: &Client, job: &str) -> Result<Value> {
    let mut asked = json!({ "JobName": job });
    let mut whole: Option<Value> = None;
    loop {
        let mut page = client.post("/_/jobs/bookmark/show", &asked).await?;
        let next = page.as_object_mut().and_then(|page| page.remove("Next"));
        let joined = match whole.take() {
            None => page,
            Some(known) if known.get("Version") != page.get("Version") => {
                bail!("the bookmark of job {job} moved while it was read: show it again")
            }
            Some(mut known) => {
                join(&mut known, &mut page);
                known
            }
        };
        let Some(next) = next else { return Ok(joined) };
        whole = Some(joined);
        asked = json!({ "JobName": job, "After": next });
    }
}

/// Puts the files of a page to the others; a source may go on from page to page.
fn join(whole: &mut Value, page: &mut Value) {
    let more = page.get_mut("Sources").map(Value::take);
    let (Some(Value::Object(more)), Some(sources)) =
        (more, whole.get_mut("Sources").and_then(Value::as_object_mut))
    else {
        return;
    };
    for (node, files) in more {
        match (sources.get_mut(&node).and_then(Value::as_object_mut), files) {
            (Some(known), Value::Object(files)) => known.extend(files),
            (_, files) => {
                sources.insert(node, files);
            }
        }
    }
}

fn report(changed: &Value, as_json: bool) -> Result<Outcome> {
    if as_json {
        print(&format!("{changed:#}\n"))?;
        return Ok(Outcome::Succeeded);
    }
    let count = |member: &str| number(changed, member);
    let tables = match count("Tables") {
        0 => String::new(),
        tables => format!("; {tables} tables of databases up to another key"),
    };
    print(&format!(
        "{}: the bookmark is at version {}; {} files more count as read, {} no longer{tables}\n",
        field(changed, "JobName"),
        count("Version"),
        count("Added"),
        count("Removed"),
    ))?;
    Ok(Outcome::Succeeded)
}

fn time(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn text(shown: &Value) -> String {
    let job = field(shown, "JobName");
    if number(shown, "Version") == 0 {
        return format!("{job}: no run has moved the bookmark\n");
    }
    let mut out = format!("{job}: version {}\n", number(shown, "Version"));
    let none = Map::new();
    for (node, files) in shown.get("Sources").and_then(Value::as_object).unwrap_or(&none) {
        let files = files.as_object().unwrap_or(&none);
        let bytes: i64 = files.values().map(|file| number(file, "Size")).sum();
        let newest = files.values().map(|file| number(file, "ModifiedMs")).max().unwrap_or(0);
        out.push_str(&format!(
            "  {node}: {} files, {bytes} bytes, the newest of {}\n",
            files.len(),
            time(newest)
        ));
    }
    for (node, table) in shown.get("Tables").and_then(Value::as_object).unwrap_or(&none) {
        let down = if table.get("Descending") == Some(&Value::Bool(true)) { "down" } else { "up" };
        let (keys, last) = (texts(table, "Keys").join(", "), texts(table, "Last").join(", "));
        out.push_str(&format!("  {node}: {} {down} to {keys} = {last}\n", field(table, "Table")));
    }
    let versions = list(shown, "Versions");
    out.push_str("versions\n");
    for version in versions.iter().take(SHOWN_VERSIONS) {
        let by = match (field(version, "RunId"), number(version, "Run")) {
            ("", _) => "by hand or reset".to_owned(),
            (id, run) => format!("run {run}: {id}"),
        };
        let when = time(number(version, "CommittedMs"));
        out.push_str(&format!("  {} {when} {by}\n", number(version, "Version")));
    }
    if versions.len() > SHOWN_VERSIONS {
        out.push_str("  …\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_reads_well_and_pages_are_joined() {
        let mut whole = json!({
            "JobName": "j", "Version": 2, "Sources": {"a": {"s3://b/1": {"Size": 3, "ModifiedMs": 1000}}},
            "Tables": {"t": {"Table": "d.public.t", "Keys": ["day", "id"], "Descending": false, "Last": ["2026-01-02", "7"]}},
            "Versions": [{"Version": 2, "Run": 0, "RunId": "", "CommittedMs": 0},
                         {"Version": 1, "Run": 4, "RunId": "jr_x", "CommittedMs": 60000}],
        });
        let mut page = json!({"Sources": {"a": {"s3://b/2": {"Size": 4, "ModifiedMs": 0}}, "c": {}}});
        join(&mut whole, &mut page);
        let expected = "j: version 2\n  a: 2 files, 7 bytes, the newest of 1970-01-01T00:00:01Z\n  \
                        c: 0 files, 0 bytes, the newest of 1970-01-01T00:00:00Z\n  \
                        t: d.public.t up to day, id = 2026-01-02, 7\nversions\n  \
                        2 1970-01-01T00:00:00Z by hand or reset\n  1 1970-01-01T00:01:00Z run 4: jr_x\n";
        assert_eq!(text(&whole), expected);
        assert_eq!(text(&json!({"JobName": "j", "Version": 0})), "j: no run has moved the bookmark\n");
    }
}
