//! Tables of the catalog as targets: what their files can hold, and what is refused.

use serde_json::{Value, json};

use super::{BUCKET, World, scope};

/// Makes a table `shop.NAME` at `NAME/`.
async fn table(world: &World, name: &str, columns: &[(&str, &str)], serde: Value, keys: &[&str]) {
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
