//! Tables of open formats as sources and targets.

use serde_json::{Value, json};

use super::{BUCKET, World, json_source, parquet};

fn iceberg(input: &str, table: &str) -> Value {
    json!({"S3IcebergDirectTarget": {"Name": table, "Inputs": [input], "Path": format!("s3://{BUCKET}/lake/{table}"),
        "Format": "iceberg", "Compression": "gzip", "SchemaChangePolicy": {"EnableUpdateCatalog": true, "Database": "shop",
        "Table": table}}})
}

fn existing(input: &str, table: &str, behavior: &str) -> Value {
    json!({"S3IcebergCatalogTarget": {"Name": table, "Inputs": [input], "Database": "shop", "Table": table,
        "SchemaChangePolicy": {"EnableUpdateCatalog": true, "UpdateBehavior": behavior}}})
}

#[tokio::test]
async fn iceberg_tables_are_made_appended_to_and_read() {
    let world = World::new().await;
    world.put("in/a.json", "{\"Id\":1,\"v\":\"a\",\"d\":1.5}\n{\"Id\":2,\"v\":null,\"d\":2}\n").await;
    world.put("more/a.json", "{\"id\":3,\"x\":true}\n").await;
    let run = world.succeeds("make", json!({"src": json_source("in"), "t": iceberg("src", "t")})).await;
    let select = "SELECT id, v, d FROM shop.t";
    assert_eq!(world.query(select).await, ["1|a|1.5", "2|~|2.0"]);
    let log = world.log_until(&run.id, "SUCCEEDED").await.join("\n");
    assert!(log.contains("its table is at s3://test-bucket/lake/t/metadata/00000-"), "{log}");
    world.succeeds("again", json!({"src": json_source("in"), "t": iceberg("src", "t")})).await;
    assert_eq!(world.query(select).await, ["1|a|1.5", "1|a|1.5", "2|~|2.0", "2|~|2.0"]);
    // Columns are found ignoring case; those that the table lacks are refused, or left out when that is said.
    let message = world.fails("wide", json!({"src": json_source("more"), "t": iceberg("src", "t")})).await;
    assert!(message.contains("the table has no column x"), "{message}");
    world.succeeds("log", json!({"src": json_source("more"), "t": existing("src", "t", "LOG")})).await;
    assert_eq!(world.query("SELECT id, v, d FROM shop.t WHERE id = 3").await, ["3|~|~"]);
    for (job, kind) in
        [("s1", "CatalogIcebergSource"), ("s2", "S3CatalogIcebergSource"), ("s3", "CatalogSource")]
    {
        let source = json!({kind: {"Name": "s", "Database": "shop", "Table": "t"}});
        let nodes = json!({"s": source, "o1": parquet("s", &format!("{job}-1")), "o2": parquet("s", &format!("{job}-2"))});
        let run = world.succeeds(job, nodes).await;
        assert_eq!(world.rows(&format!("{job}-2")).await.len(), 5, "{kind}");
        assert_eq!((run.details.totals.rows_in, run.details.totals.files_in), (5, 3), "{kind}");
    }
    let source = json!({"CatalogDeltaSource": {"Name": "s", "Database": "shop", "Table": "t"}});
    let message = world.fails("s4", json!({"s": source, "o": parquet("s", "s4")})).await;
    assert!(message.contains("shop.t is one of iceberg, not of delta"), "{message}");
}

/// `iceberg`, partitioned by `day`, with options.
fn daily(input: &str, table: &str, options: Value) -> Value {
    let mut node = iceberg(input, table);
    node["S3IcebergDirectTarget"]["PartitionKeys"] = json!([["day"]]);
    node["S3IcebergDirectTarget"]["AdditionalOptions"] = options;
    node
}

#[tokio::test]
async fn partitions_are_made_appended_to_and_replaced() {
    let world = World::new().await;
    world
        .put(
            "in/a.json",
            "{\"id\":1,\"day\":\"a\"}\n{\"id\":2,\"day\":\"b\"}\n{\"id\":3,\"day\":\"\"}\n{\"id\":4}\n",
        )
        .await;
    world.put("more/a.json", "{\"id\":5,\"day\":\"a\"}\n{\"id\":6}\n").await;
    let run = async |job: &str, folder: &str, options: Value| {
        world.succeeds(job, json!({"src": json_source(folder), "t": daily("src", "t", options)})).await
    };
    run("make", "in", json!({})).await;
    let select = "SELECT id, day FROM shop.t";
    assert_eq!(world.query(select).await, ["1|a", "2|b", "3|", "4|~"]);
    assert_eq!(world.keys("lake/t/data/day=a/").await.len(), 1);
    run("append", "more", json!({"mode": "append"})).await;
    assert_eq!(world.query(select).await, ["1|a", "2|b", "3|", "4|~", "5|a", "6|~"]);
    // The empty text and null share a folder, and are two partitions.
    run("dynamic", "more", json!({"mode": "overwrite", "partitionOverwriteMode": "dynamic"})).await;
    assert_eq!(world.query(select).await, ["2|b", "3|", "5|a", "6|~"]);
    run("overwrite", "in", json!({"mode": "overwrite", "partitionOverwriteMode": "static"})).await;
    assert_eq!(world.query(select).await, ["1|a", "2|b", "3|", "4|~"]);
    // Partition keys are the table's, or not given.
    world.succeeds("without", json!({"src": json_source("more"), "t": iceberg("src", "t")})).await;
    let mut other = daily("src", "t", json!({}));
    other["S3IcebergDirectTarget"]["PartitionKeys"] = json!([["id"]]);
    let message = world.fails("other", json!({"src": json_source("more"), "t": other})).await;
    assert!(message.contains("PartitionKeys are id, but the table is partitioned by day"), "{message}");
    let mut missing = daily("src", "u", json!({}));
    missing["S3IcebergDirectTarget"]["PartitionKeys"] = json!([["nope"]]);
    let message = world.fails("missing", json!({"src": json_source("more"), "t": missing})).await;
    assert!(message.contains("field nope is not in its input"), "{message}");
}

#[tokio::test]
async fn an_overwrite_by_no_rows_empties_the_table_and_a_dynamic_one_changes_nothing() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"day\":\"a\"}\n").await;
    let none = json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND", "Filters": [{
        "Operation": "GT", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["id"]}, {"Type": "CONSTANT", "Value": ["5"]}]}]}});
    world.succeeds("make", json!({"src": json_source("in"), "t": daily("src", "t", json!({}))})).await;
    let dynamic = json!({"mode": "overwrite", "partitionOverwriteMode": "dynamic"});
    let nodes = json!({"src": json_source("in"), "f": none, "t": daily("f", "t", dynamic)});
    world.succeeds("dynamic", nodes).await;
    assert_eq!(world.query("SELECT id FROM shop.t").await, ["1"]);
    let nodes =
        json!({"src": json_source("in"), "f": none, "t": daily("f", "t", json!({"mode": "overwrite"}))});
    world.succeeds("whole", nodes).await;
    assert!(world.query("SELECT id FROM shop.t").await.is_empty());
}

#[tokio::test]
async fn what_an_iceberg_table_cannot_hold_is_refused_before_anything_is_written() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"l\":[1]}\n").await;
    world.put("ok/a.json", "{\"id\":1}\n").await;
    world.put("text/a.json", "{\"id\":\"x\"}\n").await;
    let message = world.fails("nested", json!({"src": json_source("in"), "t": iceberg("src", "n")})).await;
    assert!(message.contains("column l"), "{message}");
    assert!(world.keys("lake/").await.is_empty());
    let message =
        world.fails("none", json!({"src": json_source("ok"), "t": existing("src", "none", "LOG")})).await;
    assert!(message.contains("Table does not exist: shop.none"), "{message}");
    world.succeeds("make", json!({"src": json_source("ok"), "t": iceberg("src", "t")})).await;
    let message = world.fails("type", json!({"src": json_source("text"), "t": iceberg("src", "t")})).await;
    assert!(message.contains("column id is string, but the table has it as int"), "{message}");
    let twice = json!({"src": json_source("ok"), "a": iceberg("src", "t"), "b": existing("src", "T", "LOG")});
    let refused = world.create("twice", twice, json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("it writes to the same Iceberg table as node a"), "{refused}");
    // A run that fails later leaves no table behind.
    let nodes = json!({"src": json_source("ok"), "t": iceberg("src", "u"), "z": iceberg("bad", "v"),
        "bad": {"SelectFields": {"Name": "b", "Inputs": ["src"], "Paths": [["nope"]]}}});
    world.fails("late", nodes).await;
    assert!(world.keys("lake/u").await.is_empty());
}

/// Files of others in the folder of a table of an open format are refused: by their paths when the job is made, by the places of
/// tables when it runs.
#[tokio::test]
async fn a_table_of_an_open_format_has_a_folder_of_its_own() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1}\n").await;
    let with = |others: Value| {
        let mut nodes = json!({"src": json_source("in"), "t": iceberg("src", "t")});
        nodes.as_object_mut().expect("nodes").extend(others.as_object().expect("nodes").clone());
        nodes
    };
    for (index, path) in ["lake/t", "lake", "lake/t/more"].into_iter().enumerate() {
        let nodes = with(json!({"z": parquet("src", path)}));
        let refused =
            world.create(&format!("beside-{index}"), nodes, json!({})).await.unwrap_err().to_string();
        assert!(refused.contains("a table of an open format has a folder of its own"), "{path}: {refused}");
    }
    world
        .succeeds("apart", with(json!({"z": parquet("src", "lake/t2"), "y": parquet("src", "lake/t2")})))
        .await;
    for (index, path) in ["lake/t", "lake/t/more", "lake/t/metadata", "lake"].into_iter().enumerate() {
        let nodes =
            json!({"src": json_source("in"), "a": existing("src", "t", "LOG"), "z": parquet("src", path)});
        let message = world.fails(&format!("found-{index}"), nodes).await;
        assert!(message.contains("a table of an open format has a folder of its own"), "{path}: {message}");
    }
    assert_eq!(world.query("SELECT id FROM shop.t").await, ["1"]);
}

#[tokio::test]
async fn delta_tables_are_read_by_path() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1}\n{\"id\":2}\n").await;
    world.succeeds("make", json!({"src": json_source("in"), "t": parquet("src", "delta")})).await;
    let key = world.keys("delta/").await.remove(0);
    let name = key.strip_prefix("delta/").unwrap();
    let schema = "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"id\\\",\\\"type\\\":\\\"long\\\",\
                  \\\"nullable\\\":true,\\\"metadata\\\":{}}]}";
    let log = format!(
        "{{\"protocol\":{{\"minReaderVersion\":1,\"minWriterVersion\":2}}}}\n{{\"metaData\":{{\"id\":\"x\",\"format\":{{\
         \"provider\":\"parquet\",\"options\":{{}}}},\"schemaString\":\"{schema}\",\"partitionColumns\":[],\
         \"configuration\":{{}}}}}}\n{{\"add\":{{\"path\":\"{name}\",\"partitionValues\":{{}},\"size\":1,\
         \"modificationTime\":1,\"dataChange\":true}}}}\n"
    );
    world.put("delta/_delta_log/00000000000000000000.json", &log).await;
    let source =
        |path: &str| json!({"S3DeltaSource": {"Name": "s", "Paths": [format!("s3://{BUCKET}/{path}")]}});
    world.succeeds("read", json!({"s": source("delta/"), "o": parquet("s", "out")})).await;
    assert_eq!(world.rows("out").await, ["1", "2"]);
    let message = world.fails("none", json!({"s": source("in/"), "o": parquet("s", "no")})).await;
    assert!(message.contains("there is no Delta log"), "{message}");
}
