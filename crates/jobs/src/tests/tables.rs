//! Tables of the catalog as targets: what their files can hold, and what is refused.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, json_source, scope};

/// Makes a table `shop.NAME` at `NAME/`.
pub(super) async fn table(world: &World, name: &str, columns: &[(&str, &str)], serde: Value, keys: &[&str]) {
    let mut descriptor = json!({
        "Columns": columns.iter().map(|(name, ty)| json!({"Name": name, "Type": ty})).collect::<Vec<_>>(),
        "Location": format!("s3://{BUCKET}/{name}/"),
    });
    descriptor.as_object_mut().unwrap().extend(serde.as_object().unwrap().clone());
    let keys: Vec<Value> = keys.iter().map(|key| json!({"Name": key, "Type": "string"})).collect();
    let input = json!({"Name": name, "StorageDescriptor": descriptor, "PartitionKeys": keys});
    let mut tx = world.store.begin().await.unwrap();
    let input = serde_json::from_value(input).unwrap();
    catalog::table::create(&mut tx, &scope(), "shop", input, "test").await.unwrap();
    tx.commit().await.unwrap();
}

fn serde(library: &str, parameters: Value) -> Value {
    json!({"SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}})
}

pub(super) fn openx(parameters: Value) -> Value {
    serde("org.openx.data.jsonserde.JsonSerDe", parameters)
}

fn into(table: &str) -> Value {
    json!({"src": json_source("in"), "t": {"S3CatalogTarget": {"Name": "t", "Inputs": ["src"], "Database": "shop",
        "Table": table}}})
}

#[tokio::test]
async fn text_longer_than_its_column_is_refused() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"s\":\"éé\"}\n").await;
    let plain = || serde("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", json!({}));
    table(&world, "v", &[("id", "bigint"), ("s", "varchar(2)")], plain(), &[]).await;
    table(&world, "c", &[("id", "bigint"), ("s", "char(2)")], plain(), &[]).await;
    table(&world, "k", &[("id", "bigint"), ("s", "varchar(2)")], plain(), &[]).await;
    for name in ["v", "c"] {
        world.succeeds(&format!("fits_{name}"), into(name)).await;
        assert_eq!(world.query(&format!("select id, s from {name}")).await, ["1|éé"]);
    }
    world.put("in/b.json", "{\"id\":2,\"s\":null}\n{\"id\":3,\"s\":\"abc\"}\n").await;
    for (name, ty) in [("v", "varchar(2)"), ("c", "char(2)")] {
        let message = world.fails(&format!("longer_{name}"), into(name)).await;
        let expected = format!("the value \"abc\" has 3 characters, but column s of the table is {ty};");
        assert!(message.starts_with("node S3CatalogTarget t: ") && message.contains(&expected), "{message}");
        assert_eq!(world.query(&format!("select id, s from {name}")).await, ["1|éé"]);
    }
    // The error is the target's, also behind nodes that compute.
    let mut nodes = into("k");
    nodes["q"] = json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "x"}],
        "SqlQuery": "select id, s from x"}});
    nodes["t"]["S3CatalogTarget"]["Inputs"] = json!(["q"]);
    let message = world.fails("sql", nodes).await;
    assert!(message.starts_with("node S3CatalogTarget t: "), "{message}");
}

#[tokio::test]
async fn json_tables_are_written_as_they_are_read() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"s\":\"x\"}\n").await;
    let columns = [("id", "bigint"), ("s", "string")];
    table(&world, "mapped", &columns, openx(json!({"mapping.s": "@S"})), &[]).await;
    world.put("mapped/0.json", "{\"id\":0,\"@S\":\"zero\"}\n").await;
    world.succeeds("mapped", into("mapped")).await;
    assert_eq!(world.query("select id, s from mapped").await, ["0|zero", "1|x"]);
    let maps = [("id", "bigint"), ("m", "map<string,int>")];
    table(&world, "maps", &maps, openx(json!({})), &[]).await;
    table(&world, "copied", &maps, openx(json!({})), &[]).await;
    world.put("maps/0.json", "{\"id\":1,\"m\":{\"a\":1,\"b\":null}}\n").await;
    let mut nodes = into("copied");
    nodes["src"] = json!({"CatalogSource": {"Name": "s", "Database": "shop", "Table": "maps"}});
    world.succeeds("maps", nodes).await;
    assert_eq!(world.query("select id, m from copied").await, ["1|{a: 1, b: ~}"]);
}

#[tokio::test]
async fn what_readers_would_not_find_is_refused() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":1,\"s\":\"x\"}\n").await;
    let columns = [("id", "bigint"), ("s", "string")];
    table(&world, "deep", &columns, openx(json!({"jsonPath": "$.Records[*]"})), &[]).await;
    let mut trail = serde("com.amazon.emr.hive.serde.CloudTrailSerde", json!({}));
    trail["InputFormat"] = json!("com.amazon.emr.cloudtrail.CloudTrailInputFormat");
    table(&world, "trail", &columns, trail, &[]).await;
    for name in ["deep", "trail"] {
        let message = world.fails(name, into(name)).await;
        assert!(message.contains("$.Records[*]"), "{message}");
        assert!(world.keys(&format!("{name}/")).await.is_empty());
    }
}

#[tokio::test]
async fn what_plain_text_would_read_otherwise_is_refused() {
    let world = World::new().await;
    let columns = [("id", "bigint"), ("s", "string")];
    let lazy = serde("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", json!({"field.delim": ","}));
    table(&world, "plain", &columns, lazy, &[]).await;
    for (job, value) in [("null", "\\\\N"), ("comma", "a,b")] {
        world.put("in/a.json", &format!("{{\"id\":1,\"s\":\"{value}\"}}\n")).await;
        let message = world.fails(job, into("plain")).await;
        assert!(message.contains(&format!(", column s: in row 1 the value \"{value}\" ")), "{message}");
    }
}

#[tokio::test]
async fn rows_of_the_partition_without_a_key_go_into_every_format() {
    let world = World::new().await;
    let lazy = serde("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", json!({"field.delim": ","}));
    table(&world, "parted", &[("id", "bigint")], lazy, &["k"]).await;
    let keys = ["1", "__HIVE_DEFAULT_PARTITION__"];
    for (key, id) in keys.iter().zip(1..) {
        world.put(&format!("parted/k={key}/a.csv"), &format!("{id}\n")).await;
    }
    let mut tx = world.store.begin().await.unwrap();
    for key in keys {
        let location = format!("s3://{BUCKET}/parted/k={key}/");
        let input = json!({"Values": [key], "StorageDescriptor": {"Location": location}});
        let input = serde_json::from_value(input).unwrap();
        catalog::partition::create(&mut tx, &scope(), "shop", "parted", input).await.unwrap();
    }
    tx.commit().await.unwrap();
    let source = json!({"CatalogSource": {"Name": "s", "Database": "shop", "Table": "parted"}});
    for format in ["json", "orc", "avro", "parquet"] {
        let path = format!("s3://{BUCKET}/{format}/");
        let target =
            json!({"S3DirectTarget": {"Name": "t", "Inputs": ["s"], "Path": path, "Format": format}});
        world.succeeds(format, json!({"s": source.clone(), "t": target})).await;
        assert_eq!(world.rows(format).await, ["1|1", "2|~"], "{format}");
    }
}

/// Registers the partition `value` of a table that has one key.
async fn register(world: &World, table: &str, value: &str, location: &str) {
    let input = json!({"Values": [value], "StorageDescriptor": {"Location": location}});
    let input = serde_json::from_value(input).unwrap();
    let mut tx = world.store.begin().await.unwrap();
    catalog::partition::create(&mut tx, &scope(), "shop", table, input).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn rows_of_a_partition_that_lies_elsewhere_are_refused_without_an_update_of_the_catalog() {
    let world = World::new().await;
    world.put("in/a.json", "{\"id\":2,\"p\":\"x\"}\n{\"id\":3,\"p\":\"new\"}\n").await;
    world.put("old/a.json", "{\"id\":1}\n").await;
    // The last differs in the case of the value, too.
    for (name, place) in [("moved", "old"), ("cased", "cased/P=X")] {
        table(&world, name, &[("id", "bigint")], openx(json!({})), &["p"]).await;
        register(&world, name, "x", &format!("s3://{BUCKET}/{place}/")).await;
        for kind in ["CatalogTarget", "S3CatalogTarget"] {
            let mut nodes = into(name);
            let target = nodes["t"]["S3CatalogTarget"].take();
            nodes["t"] = json!({kind: target});
            let message = world.fails(&format!("{name}_{kind}"), nodes).await;
            let expected = format!(
                "partition x of table {name} lies at s3://{BUCKET}/{place}/, not at s3://{BUCKET}/{name}/p=x/"
            );
            assert!(
                message.starts_with(&format!("node {kind} t: ")) && message.contains(&expected),
                "{message}"
            );
        }
        assert!(world.keys(&format!("{name}/")).await.is_empty());
    }
    assert_eq!(world.query("select id, p from moved").await, ["1|x"]);
    // Where it lies right, it is written; so is a partition that is not registered, which the table does not show.
    table(&world, "fits", &[("id", "bigint")], openx(json!({})), &["p"]).await;
    register(&world, "fits", "x", &format!("s3a://{BUCKET}/fits/p=x")).await;
    world.succeeds("fits", into("fits")).await;
    assert_eq!(world.query("select id, p from fits").await, ["2|x"]);
    assert_eq!(world.keys("fits/").await.len(), 2);
}

#[tokio::test]
async fn folders_of_keys_in_upper_case_are_written_into_again() {
    let world = World::new().await;
    let nodes = json!({"src": csv("in"), "out": {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["src"],
        "Path": format!("s3://{BUCKET}/sales/"), "PartitionKeys": [["Region"]], "SchemaChangePolicy": {
        "EnableUpdateCatalog": true, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": "shop", "Table": "sales"}}}});
    let mut own = into("sales");
    own["src"] = csv("in");
    world.put("in/a.csv", "id,Region\n1,eu\n").await;
    world.succeeds("first", nodes.clone()).await;
    world.put("in/b.csv", "id,Region\n2,us\n").await;
    world.succeeds("second", nodes).await;
    let mut tx = world.store.read().await.unwrap();
    let lineage = crate::lineage::walk::of(&mut tx, &scope(), "second").await.unwrap();
    drop(tx);
    let datasets = lineage.last_run.unwrap().datasets;
    let written = &datasets.outputs[0];
    assert_eq!(written.partitions, ["Region=eu", "region=us"]);
    let keys = world.keys("sales/").await;
    let is_there = |location: &str| keys.iter().any(|key| location == format!("s3://{BUCKET}/{key}"));
    assert!(written.objects.iter().all(|object| is_there(&object.location)), "{written:?} {keys:?}");
    // Without an update of the catalog as well.
    world.succeeds("third", own).await;
    let rows = world.query("select id, region from sales").await;
    assert_eq!(rows, ["1|eu", "1|eu", "1|eu", "2|us", "2|us"]);
    for (folder, files) in [("sales/Region=eu/", 3), ("sales/region=us/", 2), ("sales/", 5)] {
        assert_eq!(world.keys(folder).await.len(), files, "{folder}");
    }
}
