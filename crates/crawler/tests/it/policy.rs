//! Configuration, policies and kinds of targets: each acting setting changes the result.

use serde_json::json;

use crate::world::{Backend, World, columns, keys};

scenarios! {
    schemas_are_combined_when_asked,
    more_tables_than_the_threshold_write_nothing,
    new_columns_are_merged_and_partitions_inherit,
    only_new_folders_become_partitions,
    tables_of_the_catalog_are_brought_up_to_date,
    a_table_dropped_and_taken_by_another_is_no_end,
    a_table_of_somebody_else_is_never_written_over,
    a_target_that_cannot_be_read_leaves_the_others_and_its_tables_alone,
}

fn configuration(text: serde_json::Value) -> serde_json::Value {
    let mut text = text;
    text["Version"] = json!(1.0);
    json!({ "Configuration": text.to_string() })
}

async fn schemas_are_combined_when_asked(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/year=2017/a.json", "{\"A\":1,\"B\":2}").await;
    w.put("t/year=2018/a.json", "{\"C\":3,\"D\":4}").await;
    w.create("t/", json!({})).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["year_2017", "year_2018"]);
    w.update(configuration(json!({ "Grouping": { "TableGroupingPolicy": "CombineCompatibleSchemas" } })))
        .await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(columns(&tables["t"]), "a int, b int, c int, d int");
    assert_eq!(keys(&tables["t"]), ["year"]);
}

async fn more_tables_than_the_threshold_write_nothing(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/a/f.json", "{\"a\":1}").await;
    w.put("x/b/f.csv", "a,b\n1,2\n3,4\n").await;
    w.create("x", configuration(json!({ "CrawlerOutput": { "Tables": { "TableThreshold": 1 } } }))).await;
    let last = w.crawl().await.last_crawl.unwrap();
    assert_eq!(last.status, "FAILED");
    let error = last.error.unwrap();
    assert!(
        error.contains("detected by crawler: 2 is greater than the table threshold value provided: 1"),
        "{error}"
    );
    let mut tx = w.store.read().await.unwrap();
    assert!(catalog::database::get(&mut tx, &w.scope, "db").await.is_err());
    drop(tx);
    w.update(configuration(json!({ "CrawlerOutput": { "Tables": { "TableThreshold": 2 } } }))).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.len(), 2);
}

async fn new_columns_are_merged_and_partitions_inherit(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=1/a.csv", "id,v\n1,x\n2,y\n").await;
    let output = json!({ "CrawlerOutput": {
        "Tables": { "AddOrUpdateBehavior": "MergeNewColumns" },
        "Partitions": { "AddOrUpdateBehavior": "InheritFromTable" },
    } });
    w.create("t", configuration(output)).await;
    w.crawl_well().await;
    // Somebody knows better.
    let mut input = w.tables().await["t"].input.clone();
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[0].column_type =
        Some("string".to_owned());
    let mut tx = w.store.begin().await.unwrap();
    catalog::table::update(&mut tx, &w.scope, "db", input, Default::default()).await.unwrap();
    tx.commit().await.unwrap();
    w.put("t/k=2/a.csv", "id,v,w\n1,x,1\n2,y,2\n").await;
    w.crawl_well().await;
    assert_eq!(columns(&w.tables().await["t"]), "id string, v string, w bigint");
    let mut tx = w.store.read().await.unwrap();
    let parts = catalog::partition::list(&mut tx, &w.scope, "db", "t", &Default::default()).await.unwrap();
    for part in parts.items {
        let columns = part.input.storage_descriptor.unwrap().columns.unwrap();
        assert_eq!(columns.iter().map(|c| c.hive_type()).collect::<Vec<_>>(), ["string", "string", "bigint"]);
    }
}

async fn only_new_folders_become_partitions(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/t/k=1/a.json", "{\"a\":1,\"b\":2}").await;
    let policy = json!({
        "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY" },
        "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" },
    });
    w.create("x", policy).await;
    w.crawl_well().await;
    let first = w.tables().await["t"].version;
    w.put("x/t/k=1/b.json", "{\"a\":1,\"b\":2,\"new\":3}").await;
    w.put("x/t/k=2/a.json", "{\"a\":1,\"b\":2,\"extra\":9}").await;
    w.put("x/t/k=3/a.json", "{\"other\":1,\"else\":2}").await;
    w.put("x/u/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["t"], "no tables are made");
    assert_eq!((columns(&tables["t"]).as_str(), tables["t"].version), ("a int, b int", first));
    assert_eq!(w.partitions("t").await.len(), 2);
    assert_eq!(w.newest().await.counts.files, 3, "files of known folders are passed over");
    let log = w.log();
    assert!(log.contains("x/t/k=2/: table t does not have its columns extra"), "{log}");
    assert!(log.contains("x/t/k=3/: its files do not fit table t"), "{log}");
    assert!(log.contains("x/u/: the new folder is no partition of a table"), "{log}");
}

async fn tables_of_the_catalog_are_brought_up_to_date(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/2024/a.csv", "id,v\n1,x\n2,y\n").await;
    let table = json!({
        "Name": "mine", "Description": "kept", "TableType": "EXTERNAL_TABLE",
        "Parameters": { "owner_team": "a" },
        "PartitionKeys": [{ "Name": "year", "Type": "string" }],
        "StorageDescriptor": { "Location": "s3://bucket/t/", "Columns": [{ "Name": "id", "Type": "string" }] },
    });
    let mut tx = w.store.begin().await.unwrap();
    let database = catalog::DatabaseInput { name: "db".to_owned(), ..Default::default() };
    catalog::database::create(&mut tx, &w.scope, database).await.unwrap();
    let input = serde_json::from_value(table).unwrap();
    catalog::table::create(&mut tx, &w.scope, "db", input, "me").await.unwrap();
    tx.commit().await.unwrap();
    w.create(
        "",
        json!({
            "DatabaseName": null,
            "Targets": { "CatalogTargets": [{ "DatabaseName": "db", "Tables": ["mine"] }] },
            "SchemaChangePolicy": { "DeleteBehavior": "LOG" },
        }),
    )
    .await;
    w.crawl_well().await;
    let tables = w.tables().await;
    let mine = &tables["mine"];
    assert_eq!((tables.len(), columns(mine).as_str(), keys(mine)), (1, "id bigint, v string", vec!["year"]));
    assert_eq!((mine.input.description.as_deref(), mine.parameter("owner_team")), (Some("kept"), Some("a")));
    assert_eq!(w.partitions("mine").await, [(vec!["2024".to_owned()], "s3://bucket/t/2024/".to_owned())]);
    // Other keys than those of the folders are not changed under their owner's hands.
    w.put("t/2024/01/b.csv", "id,v\n1,x\n2,y\n").await;
    w.delete("t/2024/a.csv").await;
    w.crawl_well().await;
    assert_eq!(keys(&w.tables().await["mine"]), ["year"]);
    assert!(
        w.log().contains(
            "the partition keys of table mine (year) are not those of the folders (partition_0, partition_1)"
        ),
        "{}",
        w.log()
    );
}

const TWO: &str = "id,v\n1,x\n2,y\n";

/// With `LOG` a table keeps its partition keys: folders of other keys never become its partitions, and the others are
/// crawled all the same.
#[tokio::test]
async fn folders_of_other_keys_are_no_partitions_of_a_table_that_stays() {
    for (before, after, keys) in [
        (vec!["t/a.csv"], vec!["t/a.csv", "t/day=2/b.csv"], "(none) are not those of the folders (day)"),
        (vec!["t/y=1/a.csv"], vec!["t/y=1/m=1/a.csv"], "(y) are not those of the folders (y, m)"),
        (
            vec!["t/y=1/m=1/a.csv", "t/y=2/m=1/a.csv"],
            vec!["t/m=1/y=3/a.csv", "t/m=2/y=4/a.csv"],
            "(y, m) are not",
        ),
        (
            vec!["t/y=1/a.csv"],
            vec!["t/y=1/a.csv", "t/m=2/b.csv"],
            "(y) are not those of the folders (partition_0)",
        ),
        (
            vec!["t/2024/a.csv", "t/2025/a.csv"],
            vec!["t/year=2024/a.csv", "t/year=2025/a.csv"],
            "(partition_0) are not",
        ),
    ] {
        let w = World::on(&Backend::Sqlite).await;
        for key in &before {
            w.put(key, TWO).await;
        }
        let log = json!({ "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" });
        w.create("", json!({ "SchemaChangePolicy": log })).await;
        w.crawl_well().await;
        let (table, partitions) = (w.tables().await["t"].clone(), w.partitions("t").await);
        for key in before.iter().filter(|key| !after.contains(key)) {
            w.delete(key).await;
        }
        for key in after.iter().chain(&["u/a.csv"]) {
            w.put(key, TWO).await;
        }
        w.crawl_well().await;
        assert_eq!(
            (&w.tables().await["t"].input, w.partitions("t").await),
            (&table.input, partitions),
            "{after:?}"
        );
        assert!(w.tables().await.contains_key("u"), "{after:?}");
        assert!(w.log().contains(keys), "{after:?}: {}", w.log());
    }
}

/// A folder that names its key is no value of another one.
#[tokio::test]
async fn folders_of_several_keys_are_no_partitions_of_a_catalog_target() {
    let w = World::on(&Backend::Sqlite).await;
    w.put("t/y=1/a.csv", TWO).await;
    w.put("t/m=2/a.csv", TWO).await;
    w.make(json!({
        "Name": "mine", "PartitionKeys": [{ "Name": "y", "Type": "string" }],
        "StorageDescriptor": { "Location": "s3://bucket/t/", "Columns": [{ "Name": "id", "Type": "bigint" }] },
    }))
    .await;
    let targets = json!({ "CatalogTargets": [{ "DatabaseName": "db", "Tables": ["mine"] }] });
    let policy = json!({ "DeleteBehavior": "LOG" });
    w.create("", json!({ "DatabaseName": null, "Targets": targets, "SchemaChangePolicy": policy })).await;
    w.crawl_well().await;
    assert_eq!(w.partitions("mine").await, []);
    assert!(w.log().contains("(y) are not those of the folders (partition_0)"), "{}", w.log());
}

async fn a_table_dropped_and_taken_by_another_is_no_end(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=1/a.json", "{\"a\":1}").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    // A second crawler over the same folder takes the table over; the first one then leaves it alone.
    let mut second = json!({ "Name": "d", "Role": "r", "DatabaseName": "db" });
    second["Targets"] = json!({ "S3Targets": [{ "Path": "s3://bucket/t" }] });
    w.crawlers.create(&w.scope, second.as_object().unwrap().clone()).await.unwrap();
    let preview = w.crawlers.preview(&w.scope, "d").await.unwrap();
    assert_eq!((preview.tables.len(), preview.tables[0].action), (1, "UNCHANGED"));
    assert_eq!(preview.tables[0].name, "t", "two crawlers of one folder share its table");
    let mut tx = w.store.begin().await.unwrap();
    catalog::table::delete(&mut tx, &w.scope, "db", "t").await.unwrap();
    tx.commit().await.unwrap();
    w.crawl_well().await;
    assert_eq!(w.partitions("t").await.len(), 1);
}

async fn put_elsewhere(w: &World, table: &catalog::Table) {
    let mut input = table.input.clone();
    input.storage_descriptor.as_mut().unwrap().location = Some("s3://bucket/elsewhere/".to_owned());
    let mut tx = w.store.begin().await.unwrap();
    catalog::table::update(&mut tx, &w.scope, "db", input, Default::default()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_table_of_somebody_else_is_never_written_over(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.put("elsewhere/a.json", "{\"z\":1}").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    put_elsewhere(&w, &w.tables().await["t"]).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    let hashed = tables.values().find(|table| table.name != "t").unwrap();
    assert_eq!((tables.len(), hashed.location()), (2, Some("s3://bucket/t/")));
    put_elsewhere(&w, hashed).await;
    let before = w.tables().await;
    w.crawl_well().await;
    assert_eq!(w.tables().await, before);
    assert!(w.log().contains(&format!("other tables have the names t and {}", hashed.name)), "{}", w.log());
    assert_eq!(w.newest().await.counts.files_left_out(), 1);
}

async fn a_target_that_cannot_be_read_leaves_the_others_and_its_tables_alone(on: &Backend) {
    let w = World::on(on).await;
    let (other, key) = (lake::BucketName::new("other").unwrap(), lake::Key::new("y/b/f.json").unwrap());
    let staged = w.lake.stage_bytes(b"{\"b\":1}".to_vec()).await.unwrap();
    let mut tx = w.store.begin().await.unwrap();
    w.lake.create_bucket(&mut tx, &w.scope, &other).await.unwrap();
    let (meta, conditions) = (lake::Meta::default(), lake::Conditions::NONE);
    w.lake.put(&mut tx, &other, &key, staged, meta, &conditions).await.unwrap();
    tx.commit().await.unwrap();
    w.put("x/a/f.json", "{\"a\":1}").await;
    w.create(
        "x/",
        json!({ "Targets": { "S3Targets": [{ "Path": "s3://bucket/x/" }, { "Path": "s3://other/y/" }] },
                "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } }),
    )
    .await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["a", "b"]);
    // One target is gone altogether, and the other has a new table.
    let mut tx = w.store.begin().await.unwrap();
    w.lake.delete(&mut tx, &other, &key, &conditions).await.unwrap();
    w.lake.delete_bucket(&mut tx, &other).await.unwrap();
    tx.commit().await.unwrap();
    w.put("x/c/f.csv", "id,v\n1,x\n2,y\n").await;
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    assert!(preview.error.unwrap().contains("bucket does not exist: other"));
    let shown: Vec<_> = preview.tables.iter().map(|t| (t.name.as_str(), t.action)).collect();
    assert_eq!(shown, [("a", "UNCHANGED"), ("c", "CREATE")]);
    let last = w.crawl().await.last_crawl.unwrap();
    assert_eq!(last.status, "FAILED");
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    // No target at all: nothing is written, and no database made.
    w.update(json!({ "DatabaseName": "none", "Targets": { "S3Targets": [{ "Path": "s3://bucket/y/" }] } }))
        .await;
    assert_eq!(w.crawl().await.last_crawl.unwrap().status, "FAILED");
    let mut tx = w.store.read().await.unwrap();
    assert!(catalog::database::get(&mut tx, &w.scope, "none").await.is_err());
}

/// Columns of CSV are found by the partition's own list: what that lacks is NULL, whatever the table has.
#[tokio::test]
async fn columns_that_a_partition_that_stays_lacks_are_told() {
    for (one, two, grown) in [
        ("id,v,k\n1,a,5\n2,b,6\n", "id,v\n3,c\n4,d\n", "id,v,k\n3,c,77\n4,d,88\n"),
        ("id,v,k\n1,\"a,b\",5\n", "id,v\n3,\"c,x\"\n", "id,v,k\n3,\"c,x\",77\n"),
    ] {
        for combine in ["MergeCompatibleSchemas", "CombineCompatibleSchemas"] {
            let w = World::on(&Backend::Sqlite).await;
            w.put("t/d=1/a.csv", one).await;
            w.put("t/d=2/a.csv", two).await;
            let mut extra =
                json!({ "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" } });
            if combine == "CombineCompatibleSchemas" {
                let policy = json!({ "Grouping": { "TableGroupingPolicy": combine } });
                extra["Configuration"] = configuration(policy)["Configuration"].clone();
            }
            w.create("t/", extra).await;
            w.crawl_well().await;
            assert_eq!(columns(&w.tables().await["t"]), "id bigint, v string, k bigint");
            let said = "partitions misread their files as they are: s3://bucket/t/d=2/ (its files have k, which its own \
                        definition lacks: k is NULL there)";
            w.crawl_well().await;
            assert!(!w.log().contains("misread"), "{}", w.log());
            w.put("t/d=2/a.csv", grown).await;
            w.crawl_well().await;
            assert!(w.log().contains(said), "{}", w.log());
        }
    }
}

/// As by events: nothing is there because its files are gone, and not because the path was never right.
#[tokio::test]
async fn tables_of_a_target_that_is_emptied_follow_delete_behavior() {
    for (policy, left, deprecated) in [
        ("DELETE_FROM_DATABASE", &["u"][..], false),
        ("DEPRECATE_IN_DATABASE", &["t", "u"], true),
        ("LOG", &["t", "u"], false),
    ] {
        let w = World::on(&Backend::Sqlite).await;
        w.put("t/k=1/a.json", "{\"a\":1}").await;
        w.put("u/a.json", "{\"a\":1}").await;
        let targets = json!({ "S3Targets": [{ "Path": "s3://bucket/t" }, { "Path": "s3://bucket/u" }] });
        let policy = json!({ "DeleteBehavior": policy });
        w.create("", json!({ "Targets": targets, "SchemaChangePolicy": policy })).await;
        w.crawl_well().await;
        w.delete("t/k=1/a.json").await;
        let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
        assert_eq!((preview.error, preview.tables.len()), (None, 2));
        w.crawl_well().await;
        let tables = w.tables().await;
        assert_eq!(tables.keys().collect::<Vec<_>>(), left, "{}", w.log());
        let is_deprecated = |t: &catalog::Table| t.parameter("DEPRECATED_BY_CRAWLER").is_some();
        assert_eq!(tables.get("t").is_some_and(is_deprecated), deprecated);
        assert!(w.log().contains("The S3 path s3://bucket/t holds no objects any more"), "{}", w.log());
    }
}
