//! Previews, undoing, and what is remembered of files.

use crawler::CrawlerError;
use serde_json::json;

use crate::world::{Backend, World, columns, keys};

scenarios! {
    a_preview_says_everything_and_changes_nothing,
    undoing_restores_tables_schemas_and_partitions,
    undoing_refuses_what_somebody_changed,
    a_removed_table_comes_back_whole,
    an_unchanged_file_is_not_read_again,
}

async fn a_preview_says_everything_and_changes_nothing(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/t/k=1/a.csv", "id,v\n1,x\n2,y\n").await;
    w.put("x/t/k=2/a.csv", "id,v\n1,x\n2,y\n").await;
    w.put("x/bad/a.parquet", "PAR1 cut").await;
    w.create("x", json!({})).await;
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    assert_eq!((preview.error.as_deref(), preview.databases.as_slice()), (None, &["DB".to_owned()][..]));
    let table = &preview.tables[0];
    assert_eq!((table.name.as_str(), table.action, table.partitions_created), ("t", "CREATE", 2));
    assert!(table.changes.contains(&"+ column id: bigint".to_owned()), "{:?}", table.changes);
    assert_eq!(table.partitions, ["+ 1", "+ 2"]);
    let target = &preview.targets[0];
    let roles: Vec<(&str, &str)> = target.folders.iter().map(|f| (f.path.as_str(), f.role)).collect();
    assert_eq!(
        roles,
        [
            ("x/", "NONE"),
            ("x/bad/", "NONE"),
            ("x/t/", "TABLE"),
            ("x/t/k=1/", "PARTITION"),
            ("x/t/k=2/", "PARTITION")
        ]
    );
    let whys = &target.folders[2].why;
    assert!(whys.iter().any(|why| why.contains("2 folders k=… fit together")), "{whys:?}");
    assert_eq!(target.schemas.len(), 1);
    let votes: Vec<_> =
        target.files.iter().map(|f| (f.key.as_str(), f.schema, f.left_out.is_some())).collect();
    assert_eq!(
        votes,
        [
            ("x/bad/a.parquet", None, true),
            ("x/t/k=1/a.csv", Some(0), false),
            ("x/t/k=2/a.csv", Some(0), false)
        ]
    );
    let mut tx = w.store.read().await.unwrap();
    assert!(catalog::database::get(&mut tx, &w.scope, "db").await.is_err());
    drop(tx);
    assert_eq!(w.log(), "");
    w.crawl_well().await;
    // What the next one would change.
    w.put("x/t/k=2/a.csv", "id,v,w\n1,x,1\n2,y,2\n").await;
    w.put("x/t/k=3/a.csv", "id,v,w\n1,x,1\n2,y,2\n").await;
    let table = w.crawlers.preview(&w.scope, "c").await.unwrap().tables.remove(0);
    assert_eq!((table.action, table.partitions_created, table.partitions_updated), ("UPDATE", 1, 2));
    assert!(table.changes.contains(&"+ column w: bigint".to_owned()), "{:?}", table.changes);
    assert_eq!(columns(&w.tables().await["t"]), "id bigint, v string");
    w.update(json!({ "Targets": { "S3Targets": [{ "Path": "s3://bucket/nowhere/" }] } })).await;
    let error = w.crawlers.preview(&w.scope, "c").await.unwrap().error.unwrap();
    assert!(error.contains("does not exist"), "{error}");
}

async fn undoing_restores_tables_schemas_and_partitions(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/t/k=1/a.csv", "id,v,z\n1,x,1\n2,y,2\n").await;
    w.put("x/t/k=2/a.csv", "id,v,z\n1,x,1\n2,y,2\n").await;
    w.create("x", json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })).await;
    assert!(matches!(w.crawlers.undo(&w.scope, "c").await, Err(CrawlerError::NothingToUndo { .. })));
    w.crawl_well().await;
    let before = (w.tables().await["t"].input.clone(), w.partitions("t").await);
    w.put("x/t/k=1/b.csv", "id,v,z,w\n1,x,1,1\n2,y,2,2\n").await;
    w.delete("x/t/k=2/a.csv").await;
    w.put("x/t/k=3/a.csv", "id,v,z,w\n1,x,1,1\n2,y,2,2\n").await;
    w.put("x/u/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    assert_eq!(columns(&w.tables().await["t"]), "id bigint, v string, z bigint, w bigint");
    let undone = w.crawlers.undo(&w.scope, "c").await.unwrap();
    assert_eq!((undone.tables_removed, undone.tables_restored), (vec!["u".to_owned()], vec!["t".to_owned()]));
    assert_eq!((undone.partitions_removed, undone.partitions_restored), (1, 2));
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["t"]);
    assert_eq!((tables["t"].input.clone(), w.partitions("t").await), before);
    assert!(w.newest().await.undone_ms.is_some());
    assert!(matches!(w.crawlers.undo(&w.scope, "c").await, Err(CrawlerError::NothingToUndo { .. })));
    // And the next crawl finds the same again.
    w.crawl_well().await;
    assert_eq!(w.tables().await.len(), 2);
}

async fn undoing_refuses_what_somebody_changed(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=1/a.json", "{\"a\":1}").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    let mut tx = w.store.begin().await.unwrap();
    let mut page = catalog::partition::list(&mut tx, &w.scope, "db", "t", &Default::default()).await.unwrap();
    let mut input = page.items.remove(0).input;
    let values = input.values.clone();
    let known = input.clone();
    input.parameters.as_mut().unwrap().insert("mine".to_owned(), "1".to_owned());
    catalog::partition::update(&mut tx, &w.scope, "db", "t", &values, input).await.unwrap();
    tx.commit().await.unwrap();
    let error = w.crawlers.undo(&w.scope, "c").await.unwrap_err();
    assert!(matches!(error, CrawlerError::ChangedSince { .. }), "{error}");
    assert!(error.to_string().contains("db.t"), "{error}");
    assert_eq!(w.partitions("t").await.len(), 1);
    let mut tx = w.store.begin().await.unwrap();
    catalog::partition::update(&mut tx, &w.scope, "db", "t", &values, known).await.unwrap();
    let mut input = w.tables().await["t"].input.clone();
    input.description = Some("mine".to_owned());
    catalog::table::update(&mut tx, &w.scope, "db", input, Default::default()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(w.crawlers.undo(&w.scope, "c").await, Err(CrawlerError::ChangedSince { .. })));
    assert_eq!(w.tables().await["t"].input.description.as_deref(), Some("mine"));
}

async fn a_removed_table_comes_back_whole(on: &Backend) {
    let w = World::on(on).await;
    w.put("x/t/k=1/a.json", "{\"a\":1}").await;
    w.put("x/.keep", "-").await;
    w.create("x", json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })).await;
    w.crawl_well().await;
    let before = w.tables().await.remove("t").unwrap();
    w.delete("x/t/k=1/a.json").await;
    w.crawl_well().await;
    assert!(w.tables().await.is_empty());
    w.crawlers.undo(&w.scope, "c").await.unwrap();
    assert_eq!(w.tables().await.remove("t").unwrap(), before);
    assert_eq!(w.partitions("t").await.len(), 1);
    // A table that is made anew for other keys.
    w.put("x/t/k=1/j=1/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    assert_eq!(keys(&w.tables().await["t"]), ["k", "j"]);
    w.crawlers.undo(&w.scope, "c").await.unwrap();
    assert_eq!(w.tables().await.remove("t").unwrap(), before);
}

async fn an_unchanged_file_is_not_read_again(on: &Backend) {
    let w = World::on(on).await;
    for part in 0..3 {
        for file in 0..5 {
            w.put(&format!("t/k={part}/{file}.csv"), "id,v\n1,x\n2,y\n").await;
        }
    }
    w.put("t/k=1/odd.bin", vec![0u8; 100]).await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    let first = w.newest().await.counts;
    assert_eq!((first.files, first.files_read, first.files_left_out()), (16, 16, 1));
    let table = w.tables().await.remove("t").unwrap();
    // Nobody could read a body now: the bytes are gone.
    let mut tx = w.store.begin().await.unwrap();
    tx.execute("UPDATE lake_extents SET bytes = NULL", &[]).await.unwrap();
    tx.commit().await.unwrap();
    std::fs::remove_dir_all(w.folder.path().join("lake")).unwrap();
    w.crawl_well().await;
    let second = w.newest().await.counts;
    assert_eq!((second.files, second.files_read, second.left_out), (16, 0, first.left_out));
    assert_eq!(w.tables().await.remove("t").unwrap(), table);
    assert_eq!(w.partitions("t").await.len(), 3);
}
