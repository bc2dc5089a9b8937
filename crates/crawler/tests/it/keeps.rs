//! What a crawl leaves alone: tables whose files are there, words that people wrote, and what another crawler has done.

use serde_json::{Value, json};

use crate::world::{Backend, World, columns, keys};

scenarios! {
    partitions_stay_whatever_lies_beside_them,
    a_partition_of_several_formats_is_left_out,
    a_table_whose_files_are_in_others_is_never_deleted,
    deleting_takes_what_was_deprecated_before,
    what_people_wrote_stays,
    a_table_made_by_hand_is_taken_over_with_its_words,
    column_comments_of_catalog_targets_stay,
    two_crawlers_of_one_folder_come_to_rest,
    the_table_of_a_crawler_that_is_gone_changes_hands,
    connections_of_s3_targets_are_networks_that_exist,
    a_table_level_below_everything_is_said,
}

const CSV: &str = "id,name\n1,x\n2,y\n";

fn deleting() -> Value {
    json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })
}

async fn days(w: &World) {
    for day in 1..=3 {
        w.put(&format!("a/o/day=0{day}/a.csv"), CSV).await;
    }
}

/// Folders of the dry run with their roles.
async fn roles(w: &World) -> Vec<String> {
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    let folders = preview.targets[0].folders.iter();
    folders.map(|folder| format!("{} {}", folder.path, folder.role)).collect()
}

async fn partitions_stay_whatever_lies_beside_them(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.create("a/", deleting()).await;
    w.crawl_well().await;
    let before = w.tables().await["o"].clone();
    w.put("a/o/x/y/stray.json", "{\"q\":1}").await;
    w.put("a/o/backup/z.csv", CSV).await;
    w.put("a/o/README.md", "# hello\nthis is text\n").await;
    let roles = roles(&w).await;
    for role in ["a/o/ TABLE", "a/o/backup/ TABLE", "a/o/day=01/ PARTITION", "a/o/x/ NONE", "a/o/x/y/ TABLE"]
    {
        assert!(roles.contains(&role.to_owned()), "{role}: {roles:?}");
    }
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["backup", "o", "y"]);
    assert_eq!((keys(&tables["o"]), tables["o"].uid), (vec!["day"], before.uid));
    assert_eq!((tables["o"].version, w.partitions("o").await.len()), (before.version, 3));
    let log = w.log();
    assert!(log.contains("a/o/ holds, beside the partitions of a table, backup, x"), "{log}");
    assert!(!log.contains("are gone") && !log.contains("anew"), "{log}");
}

async fn a_partition_of_several_formats_is_left_out(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.create("a/", json!({})).await;
    w.crawl_well().await;
    w.put("a/o/day=03/junk.json", "{\"q\":1}").await;
    assert!(roles(&w).await.contains(&"a/o/day=03/ NONE".to_owned()), "{:?}", roles(&w).await);
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["o"]);
    let counts = w.newest().await.counts;
    assert_eq!((counts.files_left_out(), counts.partitions_deleted), (2, 1));
    let log = w.log();
    let named = "a/o/day=03/ mixes files that no one table can read (a/o/day=03/a.csv, a/o/day=03/junk.json)";
    assert!(log.contains(named), "{log}");
    assert!(
        log.contains("s3://bucket/a/o/day=03/ hold files, but are no partitions of it any more"),
        "{log}"
    );
    assert!(log.contains("Deprecated 1 partitions of table o: what lies there is none of its rows"), "{log}");
    // Its rows are back with the file that did not belong there gone.
    w.delete("a/o/day=03/junk.json").await;
    w.crawl_well().await;
    assert_eq!(w.newest().await.counts.partitions_updated, 1);
    assert_eq!(w.tables().await["o"].parameter("objectCount"), Some("3"));
}

async fn a_table_whose_files_are_in_others_is_never_deleted(on: &Backend) {
    let w = World::on(on).await;
    w.put("a/k=1/f.json", "{\"a\":1,\"b\":2}").await;
    w.put("a/k=2/f.json", "{\"x\":1,\"y\":2}").await;
    w.create("a/", deleting()).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["k_1", "k_2"]);
    w.put("a/k=3/f.json", "{\"a\":1,\"b\":2}").await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["a", "k_1", "k_2"]);
    assert!(tables["k_1"].parameter("DEPRECATED_BY_CRAWLER").is_some());
    assert!(tables["k_2"].parameter("DEPRECATED_BY_CRAWLER").is_none());
    let wanted = "WARN : Table k_1 was not found again: its files belong to a now (s3://bucket/a/k=1/)";
    assert!(w.log().contains(wanted), "{}", w.log());
    // It stays so, without a word, until its files are gone.
    let lines = w.log().lines().count();
    w.crawl_well().await;
    assert!(!w.log().lines().skip(lines).any(|line| line.contains("k_1")), "{}", w.log());
    w.put("a/k=4/f.json", "{\"a\":1,\"b\":2}").await;
    w.delete("a/k=1/f.json").await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["a", "k_2"]);
}

async fn deleting_takes_what_was_deprecated_before(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.put("a/q/f.json", "{\"q\":1}").await;
    w.create("a/", json!({})).await;
    w.crawl_well().await;
    w.delete("a/q/f.json").await;
    w.delete("a/o/day=02/a.csv").await;
    w.crawl_well().await;
    assert_eq!((w.tables().await.len(), w.partitions("o").await.len()), (2, 3));
    w.update(deleting()).await;
    w.crawl_well().await;
    assert_eq!((w.tables().await.len(), w.partitions("o").await.len()), (1, 2));
    let counts = w.newest().await.counts;
    assert_eq!((counts.tables_deleted, counts.partitions_deleted), (vec!["q".to_owned()], 1));
}

async fn what_people_wrote_stays(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.create("a/o/", json!({})).await;
    w.crawl_well().await;
    w.edit("o", |input| {
        input.description = Some("my words".to_owned());
        input.owner = Some("ann".to_owned());
        input.retention = Some(7);
        input.partition_keys.as_mut().unwrap()[0].comment = Some("the day".to_owned());
        let columns = input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap();
        columns[0].comment = Some("key of order".to_owned());
        input.parameters.as_mut().unwrap().insert("mine".to_owned(), "1".to_owned());
    })
    .await;
    let version = w.tables().await["o"].version;
    w.crawl_well().await;
    assert_eq!(w.tables().await["o"].version, version, "words alone are no reason to write a table");
    let merging =
        "{\"Version\":1.0,\"CrawlerOutput\":{\"Tables\":{\"AddOrUpdateBehavior\":\"MergeNewColumns\"}}}";
    for (day, header, configuration) in [(4, "id,name,z", "{\"Version\":1.0}"), (5, "id,name,z,w", merging)] {
        w.update(json!({ "Configuration": configuration })).await;
        let rows = if day == 4 { "1,x,1\n2,y,2\n" } else { "1,x,1,2\n2,y,2,3\n" };
        w.put(&format!("a/o/day=0{day}/a.csv"), format!("{header}\n{rows}")).await;
        w.crawl_well().await;
        let table = w.tables().await["o"].clone();
        let input = &table.input;
        assert_eq!((input.description.as_deref(), input.owner.as_deref()), (Some("my words"), Some("ann")));
        assert_eq!((input.retention, table.parameter("mine")), (Some(7), Some("1")));
        assert_eq!(table.columns()[0].comment.as_deref(), Some("key of order"));
        assert_eq!(table.partition_keys()[0].comment.as_deref(), Some("the day"));
    }
    assert_eq!(w.tables().await["o"].columns().len(), 4);
}

async fn a_table_made_by_hand_is_taken_over_with_its_words(on: &Backend) {
    let w = World::on(on).await;
    w.put("a/mine/a.csv", CSV).await;
    w.make(json!({
        "Name": "mine", "Description": "by hand", "Parameters": { "team": "x" },
        "StorageDescriptor": { "Location": "s3://bucket/a/mine/",
                               "Columns": [{ "Name": "id", "Type": "int", "Comment": "number" }] },
    }))
    .await;
    w.create("a/", json!({})).await;
    w.crawl_well().await;
    let table = w.tables().await["mine"].clone();
    assert_eq!((columns(&table).as_str(), table.parameter("team")), ("id bigint, name string", Some("x")));
    assert_eq!(table.input.description.as_deref(), Some("by hand"));
    assert_eq!(table.columns()[0].comment.as_deref(), Some("number"));
    let said = "WARN : table mine: it was made by hand at this place";
    assert_eq!(w.log().matches(said).count(), 1, "{}", w.log());
    w.crawl_well().await;
    assert_eq!(w.log().matches(said).count(), 1, "{}", w.log());
}

async fn column_comments_of_catalog_targets_stay(on: &Backend) {
    let w = World::on(on).await;
    w.put("ct/p=1/a.json", "{\"a\":1,\"b\":\"x\"}").await;
    w.make(json!({
        "Name": "ct", "Description": "mine", "Parameters": { "own": "1", "classification": "json" },
        "PartitionKeys": [{ "Name": "p", "Type": "int" }],
        "StorageDescriptor": {
            "Location": "s3://bucket/ct/", "Columns": [{ "Name": "a", "Type": "int", "Comment": "cm" }],
            "SerdeInfo": { "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe" },
        },
    }))
    .await;
    w.create(
        "",
        json!({
            "DatabaseName": null,
            "Targets": { "CatalogTargets": [{ "DatabaseName": "db", "Tables": ["ct"] }] },
            "SchemaChangePolicy": { "DeleteBehavior": "LOG" },
        }),
    )
    .await;
    w.crawl_well().await;
    let table = w.tables().await["ct"].clone();
    assert_eq!((columns(&table).as_str(), table.parameter("own")), ("a int, b string", Some("1")));
    assert_eq!(table.columns()[0].comment.as_deref(), Some("cm"));
    assert_eq!(table.input.description.as_deref(), Some("mine"));
}

async fn second(w: &World) {
    let second = json!({ "Name": "d", "Role": "r", "DatabaseName": "db",
                         "Targets": { "S3Targets": [{ "Path": "s3://bucket/a/" }] } });
    w.crawlers.create(&w.scope, second.as_object().unwrap().clone()).await.unwrap();
}

async fn two_crawlers_of_one_folder_come_to_rest(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.create("a/", json!({})).await;
    second(&w).await;
    w.crawl_well().await;
    let first = w.tables().await;
    for name in ["d", "c", "d"] {
        assert_eq!(w.crawl_with(name).await.last_crawl.unwrap().status, "SUCCEEDED");
        assert_eq!(w.tables().await, first, "{name}");
    }
    // What changes is written by whoever sees it first; then there is rest again.
    w.put("a/o/day=04/a.csv", CSV).await;
    w.crawl_with("d").await;
    assert_eq!(w.tables().await["o"].parameter("UPDATED_BY_CRAWLER"), Some("d"));
    let after = w.tables().await;
    w.crawl_well().await;
    assert_eq!((w.tables().await, w.partitions("o").await.len()), (after, 4));
}

async fn the_table_of_a_crawler_that_is_gone_changes_hands(on: &Backend) {
    let w = World::on(on).await;
    days(&w).await;
    w.create("a/", json!({})).await;
    w.crawl_well().await;
    second(&w).await;
    w.crawlers.delete(&w.scope, "c").await.unwrap();
    w.crawl_with("d").await;
    let table = w.tables().await["o"].clone();
    assert_eq!((table.parameter("UPDATED_BY_CRAWLER"), table.version), (Some("d"), 1));
}

async fn connections_of_s3_targets_are_networks_that_exist(on: &Backend) {
    let w = World::on(on).await;
    w.put("a/q/f.json", "{\"q\":1}").await;
    let request = |name: &str| {
        let target = json!({ "Path": "s3://bucket/a/", "ConnectionName": name });
        json!({ "Name": "c", "Role": "r", "DatabaseName": "db", "Targets": { "S3Targets": [target] } })
    };
    let mut tx = w.store.begin().await.unwrap();
    let vault = store::vault::Vault::without_key();
    for (name, kind) in [("net", "NETWORK"), ("db", "CUSTOM")] {
        let properties = json!({ "CONNECTION_URL": "https://api.example.com" });
        let properties = if kind == "CUSTOM" { properties } else { json!({}) };
        let input = json!({ "Name": name, "ConnectionType": kind, "ConnectionProperties": properties });
        let input: sources::connection::ConnectionInput = serde_json::from_value(input).unwrap();
        sources::connection::create(&mut tx, &w.scope, &input, "me", &vault).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (name, why) in [("none", "Connection none not found."), ("db", "Connection db is of type CUSTOM")] {
        let refused = w.crawlers.create(&w.scope, request(name).as_object().unwrap().clone()).await;
        assert!(refused.unwrap_err().to_string().contains(why), "{name}");
    }
    w.crawlers.create(&w.scope, request("net").as_object().unwrap().clone()).await.unwrap();
    let stored = w.get().await.definition;
    assert_eq!(stored.targets.s3_targets[0].connection_name.as_deref(), Some("net"));
    w.crawl_well().await;
    assert_eq!(w.tables().await.len(), 1);
}

async fn a_table_level_below_everything_is_said(on: &Backend) {
    let w = World::on(on).await;
    w.put("a/q/f.json", "{\"q\":1}").await;
    let configuration = "{\"Version\":1.0,\"Grouping\":{\"TableLevelConfiguration\":6}}";
    w.create("a/", json!({ "Configuration": configuration })).await;
    w.crawl_well().await;
    assert!(w.log().contains("WARN : s3://bucket/: TableLevelConfiguration 6 lies deeper"), "{}", w.log());
}
