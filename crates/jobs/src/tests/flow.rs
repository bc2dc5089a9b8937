//! Bookmarks, catalog updates, and what publishing makes visible.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, parquet, scope};
use crate::run::RunState;

fn to_catalog(behavior: &str) -> Value {
    json!({
        "src": csv("in"),
        "m": {"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [
            {"FromPath": ["Id"], "ToKey": "Id", "ToType": "int"},
            {"FromPath": ["v"], "ToKey": "v", "ToType": "double"},
            {"FromPath": ["day"], "ToKey": "day", "ToType": "string"}]}},
        "out": {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["m"], "Path": format!("s3://{BUCKET}/silver"),
            "PartitionKeys": [["day"]], "SchemaChangePolicy": {"EnableUpdateCatalog": true,
            "UpdateBehavior": behavior, "Database": "shop", "Table": "Silver"}}},
    })
}

async fn table(world: &World, name: &str) -> catalog::Table {
    let mut tx = world.store.read().await.unwrap();
    catalog::table::get(&mut tx, &scope(), "shop", name).await.unwrap()
}

#[tokio::test]
async fn each_run_reads_what_is_new_and_the_catalog_follows() {
    let world = World::new().await;
    world.put("in/d1.csv", "Id,v,day\n1,1.5,mon\n2,2.5,tue\n").await;
    world
        .create(
            "j",
            to_catalog("UPDATE_IN_DATABASE"),
            json!({"DefaultArguments":
        {"--job-bookmark-option": "job-bookmark-enable"}}),
        )
        .await
        .unwrap();
    let mut counts = Vec::new();
    for step in 0..4 {
        match step {
            1 => world.put("in/d0.csv", "Id,v,day\n3,3.5,mon\n").await,
            2 => world.put("in/d1.csv", "Id,v,day\n4,4.5,wed\n").await,
            _ => {}
        }
        let id = world.start("j", &[]).await;
        let run = world.ended("j", &id).await;
        assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
        counts.push((run.details.totals.rows_in, run.details.totals.rows_out));
    }
    assert_eq!(counts, [(2, 2), (1, 1), (1, 1), (0, 0)]);
    let rows = world.query("select id, v, day from silver").await;
    assert_eq!(rows, ["1|1.5|mon", "2|2.5|tue", "3|3.5|mon", "4|4.5|wed"]);
    let table = table(&world, "silver").await;
    assert_eq!(
        table.columns().iter().map(|c| (c.name.as_str(), c.hive_type())).collect::<Vec<_>>(),
        [("id", "int"), ("v", "double")]
    );
    assert_eq!(table.parameter("CreatedByJob"), Some("j"));
    // Everything again after a reset; files of earlier runs stay, as Glue appends.
    let mut tx = world.store.begin().await.unwrap();
    crate::bookmark::reset(&mut tx, &scope(), "j", None).await.unwrap();
    tx.commit().await.unwrap();
    let id = world.start("j", &[]).await;
    assert_eq!(world.ended("j", &id).await.details.totals.rows_in, 2);
}

#[tokio::test]
async fn full_sources_ignore_the_bookmark() {
    let world = World::new().await;
    world.put("dim/x.csv", "k,name\n1,one\n2,two\n").await;
    world.put("fact/a.csv", "key,v\n1,10\n").await;
    let nodes = json!({
        "f": csv("fact"), "d": csv("dim"), "out": parquet("j", "out"),
        "j": {"Join": {"Name": "j", "Inputs": ["f", "d"], "JoinType": "equijoin",
            "Columns": [{"From": "f", "Keys": [["key"]]}, {"From": "d", "Keys": [["k"]]}]}},
    });
    world
        .create(
            "j",
            nodes,
            json!({"DefaultArguments": {"--job-bookmark-option": "job-bookmark-enable",
        "--bookmark-full-sources": "dim"}}),
        )
        .await
        .unwrap();
    for _ in 0..2 {
        let id = world.start("j", &[]).await;
        let run = world.ended("j", &id).await;
        assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
        world.put("fact/b.csv", "key,v\n2,20\n").await;
    }
    assert_eq!(world.rows("out").await, ["1|10|1|one", "2|20|2|two"]);
    let id = world.start("j", &[]).await;
    world.ended("j", &id).await;
    let lines = world.log_until(&id, "SUCCEEDED").await;
    let of =
        |source: &str| lines.iter().find(|line| line.contains(source) && line.contains("listed")).unwrap();
    assert!(of("(dim)").ends_with("; every run reads all of it (--bookmark-full-sources)"), "{lines:?}");
    assert!(
        of("(fact)").ends_with("; 2 left out by the bookmark, 0 rewritten since an earlier run"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn schemas_grow_in_the_database_or_stay() {
    let world = World::new().await;
    world.put("in/a.csv", "Id,v,day\n1,1,mon\n").await;
    world.succeeds("first", to_catalog("UPDATE_IN_DATABASE")).await;
    let mut wider = to_catalog("UPDATE_IN_DATABASE");
    wider["m"]["ApplyMapping"]["Mapping"][0]["ToType"] = json!("long");
    wider["m"]["ApplyMapping"]["Mapping"].as_array_mut().unwrap().push(json!(
        {"FromPath": ["v"], "ToKey": "extra", "ToType": "string"}));
    let mut logged = wider.clone();
    logged["out"]["S3GlueParquetTarget"]["SchemaChangePolicy"]["UpdateBehavior"] = json!("LOG");
    let message = world.fails("narrow", logged.clone()).await;
    assert!(message.contains("column id is bigint, but the table has it as int"), "{message}");
    world.succeeds("wider", wider).await;
    let types: Vec<String> = table(&world, "silver")
        .await
        .columns()
        .iter()
        .map(|c| format!("{} {}", c.name, c.hive_type()))
        .collect();
    assert_eq!(types, ["id bigint", "v double", "extra string"]);
    world.succeeds("logged", logged).await;
    assert_eq!(world.query("select id, extra from silver").await, ["1|1", "1|1", "1|~"]);
    let mut text = to_catalog("UPDATE_IN_DATABASE");
    text["m"]["ApplyMapping"]["Mapping"][1]["ToType"] = json!("string");
    let message = world.fails("text", text).await;
    assert!(message.contains("column v is string"), "{message}");
}

#[tokio::test]
async fn catalog_targets_write_as_the_table_says() {
    let world = World::new().await;
    world.put("in/a.csv", "Id,v,day\n1,1.5,mon\n").await;
    world.succeeds("make", to_catalog("UPDATE_IN_DATABASE")).await;
    let to_table = |kind: &str, extra: Value| {
        let mut target = json!({"Name": "t", "Inputs": ["src"], "Database": "shop", "Table": "silver"});
        target.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"src": csv("in"), "out": {kind: target}})
    };
    world.put("in/a.csv", "day,Id,v,more\ntue,2,2.5,x\n").await;
    // Text into int does not fit silently.
    let message = world.fails("text", to_table("CatalogTarget", json!({}))).await;
    assert!(message.contains("column id is string"), "{message}");
    let nodes = json!({
        "src": {"CatalogSource": {"Name": "s", "Database": "shop", "Table": "silver", "PartitionPredicate": "day = 'mon'"}},
        "sql": {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}],
            "SqlQuery": "select 'thu' as day, v * 2 as V, id + 1L as id, 9 as more from t"}},
        "out": {"S3CatalogTarget": {"Name": "t", "Inputs": ["sql"], "Database": "shop", "Table": "silver",
            "SchemaChangePolicy": {"EnableUpdateCatalog": true, "UpdateBehavior": "LOG"}}},
    });
    // bigint into int does not fit either.
    let mut fitting = nodes.clone();
    assert!(world.fails("wide", nodes).await.contains("column id is bigint"));
    fitting["sql"]["SparkSQL"]["SqlQuery"] =
        json!("select 'thu' as day, v * 2 as V, id + 1 as id, 9 as more from t");
    let run = world.succeeds("fits", fitting).await;
    assert!(
        world.log(crate::OUTPUT_GROUP, &run.id).iter().any(|line| line.contains("no column more; left out"))
    );
    assert_eq!(world.query("select id, v, day from silver").await, ["1|1.5|mon", "2|3.0|thu"]);
    // Rows of nothing but nulls are no output.
    world.put("in/a.csv", "other,day\nx,mon\n").await;
    let message = world.fails("strange", to_table("CatalogTarget", json!({}))).await;
    assert!(message.contains("none of its input's columns (other) is one of the table's"), "{message}");
    let message = world.fails("none", to_table("CatalogTarget", json!({"Table": "nowhere"}))).await;
    assert!(message.contains("Table nowhere not found"), "{message}");
}

#[tokio::test]
async fn a_first_line_that_is_skipped_names_nothing() {
    let world = World::new().await;
    world.put("in/a.csv", "1,a\n2,b\n").await;
    let mut source = csv("in");
    source["S3CsvSource"]["WithHeader"] = json!(false);
    source["S3CsvSource"]["SkipFirst"] = json!(true);
    world.succeeds("j", json!({"src": source, "out": parquet("src", "out")})).await;
    assert_eq!(world.rows("out").await, ["2|b"]);
}

#[tokio::test]
async fn names_of_a_header_that_differ_in_case_are_not_mistaken() {
    let world = World::new().await;
    world.put("in/a.csv", "id,ID\n1,2\n").await;
    let select = |name: &str| {
        json!({
            "src": csv("in"),
            "sel": {"SelectFields": {"Name": "s", "Inputs": ["src"], "Paths": [[name]]}},
            "out": parquet("sel", "out"),
        })
    };
    let message = world.fails("either", select("ID")).await;
    assert!(message.contains("ID_1"), "{message}");
    world.succeeds("second", select("ID_1")).await;
    assert_eq!(world.rows("out").await, ["2"]);
}

#[tokio::test]
async fn a_table_without_objects_is_an_empty_input() {
    let world = World::new().await;
    world.put("in/a.csv", "Id,v,day\n1,1.5,mon\n").await;
    world.succeeds("make", to_catalog("UPDATE_IN_DATABASE")).await;
    let mut tx = world.store.begin().await.unwrap();
    for key in world.keys("silver").await {
        let (bucket, key) = (lake::BucketName::new(BUCKET).unwrap(), lake::Key::new(&key).unwrap());
        world.lake.delete(&mut tx, &bucket, &key, &lake::Conditions::default()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let table = json!({"CatalogSource": {"Name": "s", "Database": "shop", "Table": "silver"}});
    let run = world.succeeds("j", json!({"src": table, "out": parquet("src", "out")})).await;
    let lines = world.log_until(&run.id, "SUCCEEDED").await;
    let expected = "table shop.silver has no objects under s3://test-bucket/silver/: its input is empty";
    assert!(lines.iter().any(|line| line.contains(expected)), "{lines:?}");
    assert!(world.keys("out").await.is_empty());
}

#[tokio::test]
async fn a_log_tells_what_was_done() {
    let world = World::new().await;
    world.put("in/a.csv", "id\n1\n2\n").await;
    let run = world.succeeds("j", json!({"src": csv("in"), "out": parquet("src", "out")})).await;
    let stored = world.log_until(&run.id, "SUCCEEDED").await;
    let lines = stored.join("\n");
    for expected in [
        "job j run",
        "plan: S3CsvSource src",
        "1 objects listed",
        "2 rows in from 1 files",
        "2 rows out",
        "SUCCEEDED",
    ] {
        assert!(lines.contains(expected), "{expected} is not in\n{lines}");
    }
    let progress = stored.into_iter().rfind(|line| line.starts_with("progress ")).unwrap();
    let totals: Value = serde_json::from_str(progress.strip_prefix("progress ").unwrap()).unwrap();
    assert_eq!((totals["rows_in"].as_u64(), totals["rows_out"].as_u64()), (Some(2), Some(2)));
}
