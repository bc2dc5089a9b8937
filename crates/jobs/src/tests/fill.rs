//! FillMissingValues: a field that is empty in some rows, filled in by what the others tell.

use serde_json::{Value, json};

use super::{World, csv, json_source, parquet, through};

fn fill(members: Value) -> Value {
    let mut members = members;
    members["Name"] = json!("fill");
    members["Inputs"] = json!(["src"]);
    json!({"FillMissingValues": members})
}

/// A row of which every seventh lacks what can be told from the rest.
fn row(at: i64) -> Value {
    let (x, kind) = (at * 7919 % 1_000, ["a", "b", "c"][usize::try_from(at % 3).unwrap()]);
    let price = 3 * x + [0, 100, 500][usize::try_from(at % 3).unwrap()];
    let mut row = json!({"at": at, "x": x, "kind": kind, "price": price, "half": price as f64 / 2.0,
        "town": format!("{kind} town"), "is_c": kind == "c", "all": null, "own": format!("own {at}"), "in": {"x": x}});
    if at % 7 == 0 {
        for lacks in ["price", "half", "is_c", "own"] {
            row[lacks] = Value::Null;
        }
        row["town"] = if at % 2 == 0 { json!("") } else { Value::Null };
    }
    row
}

async fn put(world: &World, folder: &str, rows: impl Iterator<Item = i64>, files: usize) {
    let lines: Vec<String> = rows.map(|at| format!("{}\n", row(at))).collect();
    for (number, part) in lines.chunks(lines.len().div_ceil(files).max(1)).enumerate() {
        world.put(&format!("{folder}/{number}.json"), &part.concat()).await;
    }
}

/// The columns of the rows that are written, as text, by the value of `at`.
async fn filled(world: &World, job: &str, field: &str) -> Vec<(i64, String, String)> {
    let nodes = json!({
        "src": json_source("in"),
        "tr": fill(json!({"ImputedPath": format!("$.{field}"), "FilledPath": "new"})),
        "few": {"SelectFields": {"Name": "few", "Inputs": ["tr"], "Paths": [["at"], [field], ["new"]]}},
        "out": parquet("few", job),
    });
    let run = world.succeeds(job, nodes).await;
    // It was read twice, and counts once.
    assert_eq!(run.details.totals.rows_in, 700, "{job}");
    let rows = world.rows(job).await;
    let mut rows: Vec<(i64, String, String)> = rows
        .iter()
        .map(|row| {
            let mut parts = row.split('|').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            (next().parse().unwrap(), next(), next())
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn what_is_missing_is_told_from_the_other_fields() {
    let world = World::new().await;
    put(&world, "in", 0..700, 3).await;
    let price = |at: i64| 3 * (at * 7919 % 1_000) + [0, 100, 500][usize::try_from(at % 3).unwrap()];
    for (at, there, new) in filled(&world, "price", "price").await {
        let new: i64 = new.parse().unwrap();
        assert!((new - price(at)).abs() <= 2, "{new} for {} in row {at}", price(at));
        assert!(there == "~" || there == new.to_string(), "row {at}: {there} became {new}");
    }
    for (at, there, new) in filled(&world, "half", "half").await {
        let wanted = price(at) as f64 / 2.0;
        assert!((new.parse::<f64>().unwrap() - wanted).abs() < 1.0, "{new} for {wanted} in row {at}");
        assert!(there == "~" || there == new, "row {at}: {there} became {new}");
    }
    let kind = |at: i64| ["a", "b", "c"][usize::try_from(at % 3).unwrap()];
    for (at, _, new) in filled(&world, "town", "town").await {
        assert_eq!(new, format!("{} town", kind(at)), "row {at}");
    }
    for (at, _, new) in filled(&world, "is_c", "is_c").await {
        assert_eq!(new, (kind(at) == "c").to_string(), "row {at}");
    }
}

/// The same rows in other files, in another order, read by other threads.
#[tokio::test]
async fn the_same_rows_give_the_same_values() {
    let (one, other) = (World::new().await, World::new().await);
    put(&one, "in", 0..700, 1).await;
    put(&other, "in", (0..700).rev(), 9).await;
    assert_eq!(filled(&one, "j", "half").await, filled(&other, "j", "half").await);
}

#[tokio::test]
async fn what_cannot_be_told_is_a_warning_and_what_cannot_be_filled_fails() {
    let world = World::new().await;
    put(&world, "in", 0..40, 1).await;
    world.put("few/a.csv", "name,n\na,1\nb,\na,2\n,3\n").await;
    world.put("void/a.csv", "name,n\na,\nb,\n").await;
    for (job, source, field, told) in [
        ("own", json_source("in"), "own", "none of the 34 values occurs twice: what is missing stays so"),
        (
            "few",
            csv("few"),
            "name",
            "only 3 rows have a value: what is missing becomes the most frequent value",
        ),
        ("void", csv("void"), "n", "has no value of it to learn from: what is missing stays so"),
    ] {
        let out = format!("{job}-out");
        let run = world.succeeds(job, through(source, fill(json!({"ImputedPath": field})), &out)).await;
        let log = world.log_until(&run.id, "SUCCEEDED").await.join("\n");
        let warns = log.lines().any(|line| line.contains("WARN") && line.contains(told));
        assert!(warns, "{job}: {log}");
    }
    assert_eq!(world.rows("few-out").await, ["a|1|a", "a|2|a", "b||b", "|3|a"]);
    for (job, members, message) in [
        ("x", json!({"ImputedPath": "nope"}), "field nope is not in its input, which has"),
        ("y", json!({"ImputedPath": "in"}), "ImputedPath in is of the type"),
        ("z", json!({"ImputedPath": "x", "FilledPath": "at"}), "FilledPath at is a field of its input"),
    ] {
        let failure = world.fails(job, through(json_source("in"), fill(members), job)).await;
        assert!(failure.contains(message), "{failure}");
    }
}
