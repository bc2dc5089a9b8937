//! What files do not tell by themselves: types below what is empty, and headers above nothing but text.

use serde_json::{Value, json};

use crate::world::{Backend, World, columns, keys};

scenarios! {
    empty_lists_and_structures_fit_those_of_a_table,
    empty_lists_and_structures_take_the_types_of_other_files,
    a_header_above_empty_columns_is_the_tables,
    a_header_above_empty_columns_is_that_of_its_neighbours,
    a_header_above_empty_columns_stays_that_of_its_table,
    files_without_a_header_stay_so,
}

fn new_folders() -> Value {
    json!({
        "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY" },
        "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" },
    })
}

async fn values(w: &World, table: &str) -> Vec<String> {
    w.partitions(table).await.into_iter().map(|(values, _)| values.join("/")).collect()
}

/// Names and types of a partition's columns, its lines of a header, and its records.
async fn partition(w: &World, table: &str, value: &str) -> (String, Option<String>, Option<String>) {
    let mut tx = w.store.read().await.unwrap();
    let values = [vec![value.to_owned()]];
    let found = catalog::partition::batch_get(&mut tx, &w.scope, "db", table, &values).await.unwrap();
    let input = &found[0].input;
    let parameter = |name: &str| input.parameters.as_ref().and_then(|all| all.get(name)).cloned();
    let columns = input.storage_descriptor.as_ref().unwrap().columns.iter().flatten();
    let columns: Vec<String> = columns.map(|c| format!("{} {}", c.name, c.hive_type())).collect();
    (columns.join(", "), parameter("skip.header.line.count"), parameter("recordCount"))
}

async fn empty_lists_and_structures_fit_those_of_a_table(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/day=1/a.json", r#"{"l":[1],"s":{"a":1,"b":"x"},"d":[{"x":[1]}],"n":5}"#).await;
    w.create("t/", new_folders()).await;
    w.crawl_well().await;
    for (day, text) in [
        (2, r#"{"l":[],"s":{"a":1,"b":"x"},"d":[],"n":5}"#),
        (3, r#"{"l":[1],"s":{"a":null},"d":[{}],"n":5}"#),
        (4, r#"{"l":[null],"s":{},"d":[{"x":[]}],"n":null}"#),
        (5, r#"{"l":null,"s":null,"n":5}"#),
        (6, r#"{"n":null}"#),
        // These fit not.
        (7, r#"{"l":["x"],"n":5}"#),
        (8, r#"{"l":{},"n":5}"#),
        (9, r#"{"l":[1],"n":[]}"#),
    ] {
        w.put(&format!("t/day={day}/a.json"), text).await;
    }
    w.crawl_well().await;
    assert_eq!(values(&w, "t").await, ["1", "2", "3", "4", "5", "6"], "{}", w.log());
    for why in [
        "day=7/: its files do not fit table t: column l is array<string> in its files",
        "day=8/: its files do not fit table t: column l is string in its files",
        "day=9/: its files do not fit table t: column n is array<string> in its files",
    ] {
        assert!(w.log().contains(why), "{why}: {}", w.log());
    }
}

async fn empty_lists_and_structures_take_the_types_of_other_files(on: &Backend) {
    let w = World::on(on).await;
    for (day, text) in [
        (1, r#"{"l":[],"s":{},"d":{"x":null,"y":1}}"#),
        (2, r#"{"l":[1],"s":{"a":1},"d":{"x":2.5}}"#),
        (3, r#"{"l":[null],"s":null,"d":{"x":null,"y":null}}"#),
    ] {
        w.put(&format!("t/day={day}/a.json"), text).await;
        w.put(&format!("u/{day}.json"), text).await;
    }
    w.create("", json!({})).await;
    w.crawl_well().await;
    let wanted = "l array<int>, s struct<a:int>, d struct<x:double,y:int>";
    let tables = w.tables().await;
    assert_eq!((columns(&tables["t"]).as_str(), columns(&tables["u"]).as_str()), (wanted, wanted));
    // What is remembered of the files says the same.
    w.put("u/4.json", r#"{"l":[2]}"#).await;
    w.crawl_well().await;
    assert_eq!(columns(&w.tables().await["u"]), wanted);
}

async fn a_header_above_empty_columns_is_the_tables(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/day=1/a.csv", "name,n\nann,1\nbob,2\n").await;
    w.create("t/", new_folders()).await;
    w.crawl_well().await;
    for (day, text) in [
        (2, "name,n\nann,\n"),
        (3, "name,n\n,\n,\n"),
        (4, "NAME,N\nann,\n"),
        (5, "name,n,more\nann,,x\n"),
        // No header, or that of another table.
        (6, "ann,\nbob,\n"),
        (7, "name,x\nann,\n"),
        (8, "name;n\nann;\n"),
    ] {
        w.put(&format!("t/day={day}/a.csv"), text).await;
    }
    w.crawl_well().await;
    assert_eq!(values(&w, "t").await, ["1", "2", "3", "4", "5"], "{}", w.log());
    let wanted = ("name string, n bigint".to_owned(), Some("1".to_owned()), Some("1".to_owned()));
    assert_eq!(partition(&w, "t", "2").await, wanted);
}

async fn a_header_above_empty_columns_is_that_of_its_neighbours(on: &Backend) {
    let (full, empty) = ("name,n\nann,1\nbob,2\n", "name,n\nann,\n");
    let w = World::on(on).await;
    // Whichever comes first, and on several levels.
    for (key, text) in [
        ("files/a.csv", empty),
        ("files/b.csv", full),
        ("files/c.csv", empty),
        ("days/day=1/a.csv", empty),
        ("days/day=2/a.csv", full),
        ("days/day=3/a.csv", empty),
        ("days/day=3/b.csv", "name,n\n,\n"),
        ("hours/day=1/hour=1/a.csv", empty),
        ("hours/day=1/hour=2/a.csv", empty),
        ("hours/day=2/hour=1/a.csv", full),
        ("below/a.csv", full),
        ("below/more/a.csv", empty),
        ("plain/2026-01/a.csv", empty),
        ("plain/2026-02/a.csv", full),
    ] {
        w.put(&format!("x/{key}"), text).await;
    }
    w.create("x/", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(
        tables.keys().collect::<Vec<_>>(),
        ["below", "days", "files", "hours", "plain"],
        "{}",
        w.log()
    );
    for (name, records) in [("below", "3"), ("days", "5"), ("files", "4"), ("hours", "4"), ("plain", "3")] {
        let table = &tables[name];
        assert_eq!(columns(table), "name string, n bigint", "{name}");
        assert_eq!(table.parameter("skip.header.line.count"), Some("1"), "{name}");
        assert_eq!(table.parameter("recordCount"), Some(records), "{name}");
    }
    assert_eq!(keys(&tables["hours"]), ["day", "hour"]);
    let wanted = ("name string, n bigint".to_owned(), Some("1".to_owned()), Some("1".to_owned()));
    assert_eq!(partition(&w, "days", "1").await, wanted);
    // From memory all is the same.
    w.crawl_well().await;
    assert_eq!(w.tables().await, tables);
}

async fn a_header_above_empty_columns_stays_that_of_its_table(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/a.csv", "name,n\nann,1\n").await;
    w.put("p/day=1/a.csv", "name,n\nann,1\n").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    w.put("t/a.csv", "name,n\nbob,\n").await;
    w.put("p/day=1/a.csv", "name,n\nbob,\n").await;
    w.crawl_well().await;
    let tables = w.tables().await;
    for name in ["t", "p"] {
        assert_eq!(tables[name].columns()[1].name, "n", "{}", w.log());
        assert_eq!(tables[name].parameter("skip.header.line.count"), Some("1"));
        assert_eq!(tables[name].parameter("recordCount"), Some("1"));
    }
    assert_eq!(partition(&w, "p", "1").await.1, Some("1".to_owned()));
}

async fn files_without_a_header_stay_so(on: &Backend) {
    let w = World::on(on).await;
    for (key, text) in [
        // All have the same first row; nothing says that it is a header.
        ("same/a.csv", "name,n\nann,\n"),
        ("same/b.csv", "name,n\nbob,\n"),
        ("other/a.csv", "name,n\nann,1\n"),
        ("other/b.csv", "ann,oslo\nbob,rome\n"),
        ("other/c.csv", "name,m\nbob,rome\n"),
        ("text/day=1/a.csv", "ann,oslo\nbob,rome\n"),
        ("text/day=2/a.csv", "cyd,bern\ndan,kyiv\n"),
    ] {
        w.put(&format!("x/{key}"), text).await;
    }
    w.create("x/", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    let shown: Vec<String> =
        tables.values().map(|table| format!("{}: {}", table.name, columns(table))).collect();
    let text = "col0 string, col1 string";
    let wanted = [
        ("b_csv", text),
        ("c_csv", text),
        ("a_csv", "name string, n bigint"),
        ("same", text),
        ("text", text),
    ];
    for (name, columns) in wanted {
        assert!(shown.contains(&format!("{name}: {columns}")), "{name}: {shown:?}");
    }
    assert_eq!(tables.len(), 5, "{shown:?}");
    assert_eq!(tables["same"].parameter("recordCount"), Some("4"));
}
