//! Definitions that queries would misread: none is written, and what stays as it was is named.

use serde_json::{Value, json};

use crate::world::{Backend, World, columns};

scenarios! {
    new_folders_that_are_no_partitions_are_left_out,
    new_folders_of_dates_take_no_words,
    new_folders_of_other_types_are_left_out,
    merged_columns_of_csv_stand_where_the_files_have_them,
    files_above_the_level_of_tables_are_tables,
    levels_without_one_table_are_said,
    what_is_left_as_it_is_and_misread_is_named,
    partitions_that_inherit_read_their_quotes,
    why_there_are_no_tables_is_said_truly,
    connections_of_databases_exist,
}

fn configuration(text: &Value) -> Value {
    let mut text = text.clone();
    text["Version"] = json!(1.0);
    json!({ "Configuration": text.to_string() })
}

fn new_folders() -> Value {
    json!({
        "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY" },
        "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" },
    })
}

fn logging() -> Value {
    json!({ "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" } })
}

async fn values(w: &World, table: &str) -> Vec<String> {
    w.partitions(table).await.into_iter().map(|(values, _)| values.join("/")).collect()
}

/// The SerDe's last name of a table's partitions, by their first value.
async fn serdes(w: &World, table: &str) -> Vec<(String, String)> {
    let mut tx = w.store.read().await.unwrap();
    let page = catalog::partition::list(&mut tx, &w.scope, "db", table, &Default::default()).await.unwrap();
    let serde = |p: &catalog::partition::Partition| {
        let library = p.storage_descriptor()?.serde_info.clone()?.serialization_library?;
        Some(library.rsplit('.').next()?.to_owned())
    };
    let mut found: Vec<_> =
        page.items.iter().map(|p| (p.values()[0].clone(), serde(p).unwrap_or_default())).collect();
    found.sort();
    found
}

async fn new_folders_that_are_no_partitions_are_left_out(on: &Backend) {
    const CSV: &str = "id,a\n1,x\n2,y\n";
    let w = World::on(on).await;
    w.put("nf/p=1/a.csv", CSV).await;
    w.put("nf/p=2/a.csv", CSV).await;
    w.create("nf/", new_folders()).await;
    w.crawl_well().await;
    for (key, text) in [
        ("backup/a.csv", CSV),
        ("P=1/a.csv", CSV),
        ("q=7/a.csv", CSV),
        ("p=3/a.csv", CSV),
        ("p=4/a.csv", "id,a\n1,\"x,y\"\n2,z\n"),
        ("p=5/a.csv", "7,x\n8,y\n"),
        ("p=6/a.csv", "id;a\n1;x\n2;y\n"),
        ("p=7/a.csv", "a,id\nx,1\ny,2\n"),
        ("p=8/a.csv", "id,a\nabc,1\ndef,2\n"),
        ("p=9/deep/a.csv", CSV),
        ("p=10/a.csv", CSV),
        ("p=10/b.csv", "u;v\n1;x\n2;y\n"),
        ("p=11/a.csv", CSV),
        ("P=11/a.csv", CSV),
    ] {
        w.put(&format!("nf/{key}"), text).await;
    }
    w.crawl_well().await;
    assert_eq!(values(&w, "nf").await, ["1", "2", "3", "4"], "{}", w.log());
    assert_eq!(w.tables().await.len(), 1);
    let quotes = [("1", "Lazy"), ("2", "Lazy"), ("3", "Lazy"), ("4", "OpenCSVSerde")];
    for ((value, serde), (wanted, begin)) in serdes(&w, "nf").await.iter().zip(quotes) {
        assert!(value == wanted && serde.starts_with(begin), "{value} {serde}");
    }
    let log = w.log();
    for (folder, why) in [
        ("backup", "the new folder is no partition"),
        ("q=7", "the new folder is no partition"),
        ("P=1", "the same partition values as s3://bucket/nf/p=1/"),
        ("p=5", "without a header"),
        ("p=6", "semicolons"),
        ("p=7", "they are found by position"),
        ("p=8", "id is string in its files and bigint in it"),
        ("p=9", "not one folder of one table"),
        ("p=10", "not one folder of one table"),
        ("p=11", "the same partition values as s3://bucket/nf/P=11/"),
        ("P=11", "the same partition values as s3://bucket/nf/p=11/"),
    ] {
        let line = log.lines().find(|l| l.contains(&format!("s3://bucket/nf/{folder}/: ")));
        assert!(line.is_some_and(|l| l.contains("ERROR") && l.contains(why)), "{folder}: {line:?}");
    }
    let counts = w.newest().await.counts;
    assert_eq!((counts.partitions_created, counts.files_left_out()), (2, 12));
    assert!(counts.summary().contains("\"new folder is no partition\":12"), "{}", counts.summary());
}

async fn new_folders_of_dates_take_no_words(on: &Backend) {
    let w = World::on(on).await;
    for month in ["2024-01", "2024-02"] {
        w.put(&format!("m/{month}/a.json"), "{\"a\":1}").await;
    }
    w.create("m/", new_folders()).await;
    w.crawl_well().await;
    w.put("m/2024-03/a.json", "{\"a\":1}").await;
    w.put("m/tmp/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    assert_eq!(values(&w, "m").await, ["2024-01", "2024-02", "2024-03"]);
    assert!(w.log().contains("ERROR : s3://bucket/m/tmp/: the new folder is no partition"), "{}", w.log());
}

async fn new_folders_of_other_types_are_left_out(on: &Backend) {
    let w = World::on(on).await;
    w.put("j/p=1/a.json", "{\"id\":1,\"s\":{\"x\":1},\"e\":2}").await;
    w.create("j/", new_folders()).await;
    w.crawl_well().await;
    w.put("j/p=2/a.json", "{\"id\":\"x\",\"s\":{\"x\":1},\"e\":2}").await;
    w.put("j/p=3/a.json", "{\"id\":1,\"s\":{\"x\":\"y\"},\"e\":2}").await;
    w.put("j/p=4/a.json", "{\"id\":3000000000,\"s\":{\"x\":1},\"e\":2}").await;
    // What is not there, or more than there, is not wrong.
    w.put("j/p=5/a.json", "{\"id\":1,\"s\":{\"x\":1,\"y\":2},\"e\":null,\"more\":1}").await;
    w.crawl_well().await;
    assert_eq!(values(&w, "j").await, ["1", "5"], "{}", w.log());
    assert!(w.log().contains("p=2/: its files do not fit table j: column id is string in its files and int"));
    // Somebody's own types are believed.
    w.delete("j/p=2/a.json").await;
    w.edit("j", |input| {
        let columns = input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap();
        columns[0].column_type = Some("decimal(20,0)".to_owned());
    })
    .await;
    w.put("j/p=6/a.json", "{\"id\":3000000000,\"s\":{\"x\":1},\"e\":2}").await;
    w.crawl_well().await;
    assert_eq!(values(&w, "j").await, ["1", "4", "5", "6"]);
}

async fn merged_columns_of_csv_stand_where_the_files_have_them(on: &Backend) {
    let merging = configuration(&json!({
        "CrawlerOutput": { "Tables": { "AddOrUpdateBehavior": "MergeNewColumns" } },
    }));
    let first = "id,b,c\n1,2,3\n4,5,6\n";
    for (second, wanted) in [
        ("b,c,id\n20,30,10\n21,31,11\n", "b bigint, c bigint, id bigint"),
        ("id,c\n10,30\n11,31\n", "id bigint, c bigint, b bigint"),
        ("id,b,z,c\n1,2,x,3\n4,5,y,6\n", "id bigint, b bigint, z string, c bigint"),
        ("id,b,c,z\n1,2,3,x\n4,5,6,y\n", "id bigint, b bigint, c bigint, z string"),
    ] {
        let w = World::on(on).await;
        w.put("whole/a.csv", first).await;
        w.put("parts/k=1/a.csv", first).await;
        w.create("", merging.clone()).await;
        w.crawl_well().await;
        w.put("whole/a.csv", second).await;
        w.put("parts/k=1/a.csv", second).await;
        w.crawl_well().await;
        let tables = w.tables().await;
        assert_eq!(columns(&tables["whole"]), wanted);
        assert_eq!(columns(&tables["parts"]), wanted);
        let moved = !wanted.starts_with("id bigint, b bigint, c");
        assert_eq!(
            w.log().contains("WARN : table whole: its files have their columns at other places"),
            moved
        );
        let mut tx = w.store.read().await.unwrap();
        let page =
            catalog::partition::list(&mut tx, &w.scope, "db", "parts", &Default::default()).await.unwrap();
        let of_part = page.items[0].storage_descriptor().unwrap().columns.clone().unwrap();
        let of_part: Vec<String> = of_part.iter().map(|c| format!("{} {}", c.name, c.hive_type())).collect();
        assert_eq!(of_part.join(", "), wanted);
    }
}

async fn files_above_the_level_of_tables_are_tables(on: &Backend) {
    let w = World::on(on).await;
    let csv = "id,a\n1,x\n2,y\n";
    for key in ["t1/a.csv", "t1/b.csv", "t2/x/c.csv"] {
        w.put(&format!("tlm/{key}"), csv).await;
    }
    w.create("tlm/", configuration(&json!({ "Grouping": { "TableLevelConfiguration": 4 } }))).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["a_csv", "b_csv", "x"]);
    let said =
        "TableLevelConfiguration 4 lies deeper than tlm/t1/: every file directly there is a table of its own";
    assert!(w.log().contains(said), "{}", w.log());
    w.update(configuration(&json!({ "Grouping": { "TableLevelConfiguration": 5 } }))).await;
    w.crawl_well().await;
    assert!(w.tables().await.contains_key("c_csv"), "{}", w.log());
    assert!(!w.log().contains("No tables were found"), "{}", w.log());
}

async fn levels_without_one_table_are_said(on: &Backend) {
    let w = World::on(on).await;
    w.put("u/t1/a.json", "{\"a\":1}").await;
    w.put("u/t2/a.csv", "id,v\n1,x\n2,y\n").await;
    w.create("u/", configuration(&json!({ "Grouping": { "TableLevelConfiguration": 2 } }))).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["t1", "t2"]);
    let said = "WARN : s3://bucket/: TableLevelConfiguration 2: what lies in u/ is no one table";
    assert!(w.log().contains(said), "{}", w.log());
    w.update(configuration(&json!({ "Grouping": { "TableLevelConfiguration": 1 } }))).await;
    w.crawl_well().await;
    let said = "WARN : s3://bucket/: TableLevelConfiguration 1 lies above the target u/, which is at level 2";
    assert!(w.log().contains(said), "{}", w.log());
}

async fn what_is_left_as_it_is_and_misread_is_named(on: &Backend) {
    for (second, why) in [
        ("7,q\n8,r\n", "without a header"),
        ("b,id\nx,1\ny,2\n", "they are found by position"),
        ("id,b\n1,\"x,y\"\n2,z\n", "quoted"),
        ("id,b\nabc,1\ndef,2\n", "column id is string in its files and bigint in it"),
    ] {
        let w = World::on(on).await;
        w.put("t/a.csv", "id,b\n1,x\n2,y\n").await;
        w.create("t/", logging()).await;
        w.crawl_well().await;
        let first = columns(&w.tables().await["t"]);
        w.put("t/a.csv", second).await;
        w.crawl_well().await;
        assert_eq!(columns(&w.tables().await["t"]), first);
        let log = w.log();
        let line = log.lines().find(|line| line.contains("WARN : table t: it misreads its files"));
        assert!(line.is_some_and(|l| l.contains("s3://bucket/t/a.csv") && l.contains(why)), "{why}: {log}");
    }
    let w = World::on(on).await;
    w.put("t/a.csv", "id,b,c\n1,x,1\n2,y,1\n").await;
    w.create("t/", logging()).await;
    w.crawl_well().await;
    w.put("t/b.csv", "id,b,c,more\n1,x,1,1\n2,y,1,2\n").await;
    w.crawl_well().await;
    assert!(w.log().contains("Table t has changed and is left as it is"), "{}", w.log());
    assert!(!w.log().contains("misread"), "columns that are not seen are not wrong: {}", w.log());
}

async fn partitions_that_inherit_read_their_quotes(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/p=1/a.csv", "id,b\n1,x\n2,y\n").await;
    let mut definition = logging();
    let inherit = json!({ "CrawlerOutput": { "Partitions": { "AddOrUpdateBehavior": "InheritFromTable" } } });
    definition["Configuration"] = configuration(&inherit)["Configuration"].clone();
    w.create("t/", definition).await;
    w.crawl_well().await;
    w.put("t/p=2/a.csv", "id,b\n1,\"x,y\"\n2,z\n").await;
    w.crawl_well().await;
    let found = serdes(&w, "t").await;
    assert!(found[0].1.starts_with("Lazy") && found[1].1 == "OpenCSVSerde", "{found:?}");
    assert!(!w.log().contains("misread"), "{}", w.log());
    // One that is there stays as it is, and is named.
    w.put("t/p=1/a.csv", "id,b\n1,\"x,y\"\n2,z\n").await;
    w.crawl_well().await;
    let said = "WARN : table t: partitions misread their files as they are: s3://bucket/t/p=1/ (";
    assert!(w.log().contains(said), "{}", w.log());
}

async fn why_there_are_no_tables_is_said_truly(on: &Backend) {
    let w = World::on(on).await;
    w.put("i/metadata/00000-ab.metadata.json", "{}").await;
    w.put("i/data/a.json", "{\"a\":1}").await;
    w.create("i/", json!({})).await;
    w.crawl_well().await;
    let said = "WARN : No tables were found: all that the targets hold was left out";
    assert!(w.log().contains(said), "{}", w.log());
    w.put("m/p=1/a.json", "{\"a\":1}").await;
    w.put("m/p=abc/a.csv", "id,v\n1,x\n2,y\n").await;
    w.make(json!({
        "Name": "mine", "PartitionKeys": [{ "Name": "p", "Type": "string" }],
        "StorageDescriptor": { "Location": "s3://bucket/m/", "Columns": [{ "Name": "a", "Type": "int" }] },
    }))
    .await;
    w.update(json!({
        "Targets": { "CatalogTargets": [{ "DatabaseName": "db", "Tables": ["mine"] }] },
        "SchemaChangePolicy": { "DeleteBehavior": "LOG" },
    }))
    .await;
    w.crawl_well().await;
    let log = w.log();
    assert!(log.contains("Table mine: the files below s3://bucket/m/ would be 2 tables"), "{log}");
    assert!(log.contains("(m/p=1/, m/p=abc/)") && !log.contains("tables of their own"), "{log}");
    assert!(log.contains("No tables were found: all of the catalog targets are left as they are"), "{log}");
    assert!(!log.contains("hold nothing that could be read"), "{log}");
}

async fn connections_of_databases_exist(on: &Backend) {
    let w = World::on(on).await;
    let target = json!({ "ConnectionName": "none", "Path": "shop/%" });
    let request =
        json!({ "Name": "c", "Role": "r", "DatabaseName": "db", "Targets": { "JdbcTargets": [target] } });
    let refused = w.crawlers.create(&w.scope, request.as_object().unwrap().clone()).await.unwrap_err();
    assert!(refused.to_string().contains("Connection none not found."), "{refused}");
    let mut request =
        json!({ "Name": "c", "Role": "r", "DatabaseName": "db", "Schedule": "cron(0 0 31 2 ? *)" });
    request["Targets"] = json!({ "S3Targets": [{ "Path": "s3://bucket/a/" }] });
    let refused = w.crawlers.create(&w.scope, request.as_object().unwrap().clone()).await.unwrap_err();
    assert!(refused.to_string().contains("there is no such day"), "{refused}");
}
