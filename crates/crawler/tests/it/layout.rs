//! Which tables and partitions come of which keys.

use catalog::partition::index;
use crawler::RunState;
use serde_json::json;

use crate::world::{Backend, World, columns, keys};

scenarios! {
    folders_become_tables_and_partitions,
    names_that_are_taken_get_a_hash,
    one_file_can_be_a_target,
    a_partition_key_never_repeats_a_column,
    the_table_level_can_be_said,
    partition_keys_in_two_spellings,
    a_partition_index_shows_in_the_table,
    new_partitioned_tables_get_an_index,
    types_of_partition_keys_stay_while_values_fit,
    a_folder_without_a_value_is_null,
}

async fn folders_become_tables_and_partitions(on: &Backend) {
    let w = World::on(on).await;
    for day in ["2024-01-01", "2024-01-02"] {
        w.put(&format!("shop/Orders/dt={day}/a.csv"), "id,amount\n1,2.5\n2,3\n").await;
        w.put(&format!("shop/events/{day}/x/a.json"), "{\"a\":1}\n{\"a\":2}\n").await;
    }
    w.put("shop/customers/raw/c.json", "[{\"Id\":1,\"address\":{\"City\":\"x\"}}]").await;
    w.put("shop/_tmp/a.csv", "a,b\n1,2\n").await;
    w.create("shop/", json!({ "TablePrefix": "p_" })).await;
    w.crawl_well().await;

    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["p_events", "p_orders", "p_raw"]);
    let orders = &tables["p_orders"];
    assert_eq!(columns(orders), "id bigint, amount double");
    assert_eq!(orders.location(), Some("s3://bucket/shop/Orders/"));
    assert_eq!(keys(orders), ["dt"]);
    let parameter = |name: &str| orders.parameter(name).unwrap_or("-").to_owned();
    assert_eq!(parameter("classification"), "csv");
    assert_eq!(parameter("recordCount"), "4");
    assert_eq!(parameter("objectCount"), "2");
    assert_eq!(parameter("compressionType"), "none");
    assert_eq!(parameter("UPDATED_BY_CRAWLER"), "c");
    assert_eq!(columns(&tables["p_raw"]), "id int, address struct<city:string>");
    assert_eq!(keys(&tables["p_events"]), ["partition_0", "partition_1"]);
    assert_eq!(
        w.partitions("p_orders").await,
        [
            (vec!["2024-01-01".to_owned()], "s3://bucket/shop/Orders/dt=2024-01-01/".to_owned()),
            (vec!["2024-01-02".to_owned()], "s3://bucket/shop/Orders/dt=2024-01-02/".to_owned()),
        ]
    );
    let (crawls, more) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert!(!more);
    assert_eq!(crawls[0].state, RunState::Completed);
    assert_eq!((crawls[0].counts.tables_created.len(), crawls[0].counts.partitions_created), (3, 4));
    assert_eq!((crawls[0].counts.files, crawls[0].counts.files_left_out()), (5, 0));
}

async fn names_that_are_taken_get_a_hash(on: &Backend) {
    let w = World::on(on).await;
    w.put("a/data/f.json", "{\"x\":1}").await;
    w.put("b/data/f.csv", "p|q\n1|2\n3|4\n").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.len(), 2);
    assert_eq!(columns(&tables["data"]), "x int");
    let hashed = tables.keys().find(|n| n.starts_with("data_")).unwrap();
    assert_eq!(hashed.len(), "data_".len() + 32);
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), tables.keys().collect::<Vec<_>>());
}

async fn one_file_can_be_a_target(on: &Backend) {
    let w = World::on(on).await;
    w.put("d/only.csv", "a,b\n1,x\n2,y\n").await;
    w.put("d/other.csv", "c;d\n1;2\n3;4\n").await;
    w.create("d/only.csv", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables["only_csv"].location(), Some("s3://bucket/d/only.csv"));
    assert_eq!(tables.len(), 1);
}

async fn a_partition_key_never_repeats_a_column(on: &Backend) {
    let w = World::on(on).await;
    w.put("j/DT=1/a.json", "{\"dt\":\"x\",\"v\":1}").await;
    w.put("s/dt=1/a.csv", "dt,v\nx,1\ny,2\n").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!((columns(&tables["j"]).as_str(), keys(&tables["j"])), ("v int", vec!["dt"]));
    assert_eq!(columns(&tables["s"]), "dt_data string, v bigint");
}

async fn the_table_level_can_be_said(on: &Backend) {
    let w = World::on(on).await;
    for (table, part) in [("a", "x"), ("a", "y"), ("b", "x")] {
        w.put(&format!("lake/{table}/{part}/f.json"), "{\"v\":1}").await;
    }
    w.create(
        "lake",
        json!({ "Configuration": "{\"Version\":1.0,\"Grouping\":{\"TableLevelConfiguration\":3}}" }),
    )
    .await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(keys(&tables["b"]), ["partition_0"]);
    assert_eq!(w.partitions("a").await.len(), 2);
}

async fn partition_keys_in_two_spellings(on: &Backend) {
    let w = World::on(on).await;
    w.put("one/Day=1/a.json", "{\"v\":1}").await;
    w.put("one/day=2/a.json", "{\"v\":1}").await;
    w.put("two/Day=1/a.json", "{\"v\":1}").await;
    w.put("two/day=1/a.json", "{\"v\":1}").await;
    w.put("three/k=1/k=2/a.json", "{\"v\":1}").await;
    w.create("", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(keys(&tables["one"]), ["day"]);
    assert_eq!(w.partitions("one").await.len(), 2);
    assert_eq!(keys(&tables["three"]), ["k", "k_1"]);
    let of_two: Vec<_> =
        tables.values().filter_map(|t| t.location()).filter(|l| l.contains("/two/")).collect();
    assert_eq!(of_two.len(), 2, "{of_two:?}");
    assert!(w.log().contains("stand for the same partition values"), "{}", w.log());
}

async fn a_partition_index_shows_in_the_table(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=1/a.json", "{\"v\":1}").await;
    w.put("plain/a.json", "{\"v\":1}").await;
    w.create("", json!({ "Configuration": "{\"Version\":1.0,\"CreatePartitionIndex\":true}" })).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables["t"].parameter("partition_filtering.enabled"), Some("true"));
    assert_eq!(tables["plain"].parameter("partition_filtering.enabled"), None);
}

async fn new_partitioned_tables_get_an_index(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/t/y=1/m=2/a.json", "{\"v\":1}").await;
    w.put("x/plain/a.json", "{\"v\":1}").await;
    w.create("x", json!({})).await;
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    let lines: Vec<&String> = preview.tables.iter().flat_map(|table| &table.changes).collect();
    let wanted = "+ partition index crawler_partition_index: y, m";
    assert_eq!(lines.iter().filter(|line| line.contains("partition index")).collect::<Vec<_>>(), [&wanted]);
    w.crawl_well().await;
    assert_eq!(indexes(&w, "t").await, ["crawler_partition_index: y, m"]);
    assert!(indexes(&w, "plain").await.is_empty());
    assert_eq!(w.tables().await["t"].parameter("partition_filtering.enabled"), None);
    // It goes with its table, and comes back with it; one that was deleted is not made again.
    w.crawlers.undo(&w.scope, "c").await.unwrap();
    w.crawl_well().await;
    let mut tx = w.store.begin().await.unwrap();
    index::delete(&mut tx, &w.scope, "db", "t", "crawler_partition_index").await.unwrap();
    tx.commit().await.unwrap();
    w.put("x/t/y=1/m=3/a.json", "{\"v\":1}").await;
    w.crawl_well().await;
    assert!(indexes(&w, "t").await.is_empty());
    w.update(json!({ "Configuration": "{\"Version\":1.0,\"CreatePartitionIndex\":false}" })).await;
    w.put("x/late/k=1/a.json", "{\"v\":1}").await;
    w.crawl_well().await;
    assert_eq!(keys(&w.tables().await["late"]), ["k"]);
    assert!(indexes(&w, "late").await.is_empty());
}

async fn indexes(w: &World, table: &str) -> Vec<String> {
    let mut tx = w.store.read().await.unwrap();
    let found = index::list(&mut tx, &w.scope, "db", table).await.unwrap();
    let shown = found.iter().map(|one| {
        let keys: Vec<&str> = one.keys.iter().map(|(name, _)| name.as_str()).collect();
        assert!(one.active);
        format!("{}: {}", one.name, keys.join(", "))
    });
    shown.collect()
}

async fn types_of_partition_keys_stay_while_values_fit(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/n=3/a.json", "{\"v\":1}").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    let mut input = w.tables().await["t"].input.clone();
    input.partition_keys = Some(vec![catalog::Column::new("n", "bigint")]);
    let mut tx = w.store.begin().await.unwrap();
    let how = catalog::table::Update { version_id: None, skip_archive: true };
    catalog::table::update(&mut tx, &w.scope, "db", input, how).await.unwrap();
    tx.commit().await.unwrap();
    w.put("t/n=4/a.json", "{\"v\":1}").await;
    w.put("t/n=__HIVE_DEFAULT_PARTITION__/a.json", "{\"v\":1}").await;
    w.crawl_well().await;
    assert_eq!(w.tables().await["t"].partition_keys()[0].hive_type(), "bigint");
    assert_eq!(w.partitions("t").await.len(), 3);
    assert!(!w.log().contains("needs the type"), "{}", w.log());
    w.put("t/n=x/a.json", "{\"v\":1}").await;
    w.crawl_well().await;
    assert_eq!(w.tables().await["t"].partition_keys()[0].hive_type(), "string");
    let wanted = "WARN : table t: partition key n has the type bigint, which its value \"x\" does not fit: \
                  it needs the type string";
    assert!(w.log().contains(wanted), "{}", w.log());
}

async fn a_folder_without_a_value_is_null(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=/a.json", "{\"v\":1}").await;
    w.put("t/k=1/a.json", "{\"v\":1}").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    assert_eq!(
        w.partitions("t").await,
        [
            (vec!["1".to_owned()], "s3://bucket/t/k=1/".to_owned()),
            (vec!["__HIVE_DEFAULT_PARTITION__".to_owned()], "s3://bucket/t/k=/".to_owned()),
        ]
    );
    // One that an older crawl gave an empty value goes: its files belong to the other.
    let mut tx = w.store.begin().await.unwrap();
    let mut old = catalog::partition::list(&mut tx, &w.scope, "db", "t", &Default::default()).await.unwrap();
    let mut input = old.items.swap_remove(0).input;
    input.values = vec![String::new()];
    catalog::partition::create(&mut tx, &w.scope, "db", "t", input).await.unwrap();
    tx.commit().await.unwrap();
    w.update(json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })).await;
    w.crawl_well().await;
    assert_eq!(w.partitions("t").await.len(), 2);
}
