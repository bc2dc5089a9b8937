//! Where settings of SerDes may stand, and what partitions say for themselves.

use serde_json::{Value, json};

use super::{BUCKET, World, json_lines, lazy_csv};
use crate::EngineError;

/// Creates a partition as a client does.
async fn create(world: &World, table: &str, input: Value) {
    let input = serde_json::from_value(input).expect("input");
    let mut tx = world.store().begin().await.expect("tx");
    catalog::partition::create(&mut tx, &world.sources.scope, "shop", table, input).await.expect("partition");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn settings_of_the_serde_may_stand_in_the_parameters_of_the_table() {
    let world = World::new().await;
    let serde = |own: Value, table: Value| {
        let mut serde = lazy_csv();
        (serde["serde"], serde["table"]) = (own, table);
        serde
    };
    world.put("p/a.csv", "1|NA\n2|x\n").await;
    let in_table = json!({"field.delim": "|", "serialization.null.format": "NA"});
    world.table("p", serde(json!({}), in_table.clone()), "id bigint;name string", "", "p/").await;
    let found = world.sql("SELECT id, name IS NULL FROM p ORDER BY id").await.expect("sql").0;
    assert_eq!(found, "1|true\n2|false");
    // Who says it twice has to mean the same: Hive takes the table's word, others the SerDe's.
    let both = serde(json!({"field.delim": ","}), in_table);
    world.table("both", both, "id bigint;name string", "", "p/").await;
    let error = world.error("SELECT id FROM both").await.to_string();
    assert!(
        error.contains("field.delim is \",\" in the SerDe's parameters and \"|\" in the table's"),
        "{error}"
    );
}

#[tokio::test]
async fn a_partition_that_names_no_columns_has_those_of_its_table() {
    let world = World::new().await;
    world.table("t", lazy_csv(), "id bigint;name string", "k string", "t/").await;
    world.put("t/k=1/a.csv", "1,ann\n").await;
    world.put("t/k=2/a.csv", "2|bob\n").await;
    for (value, parameters) in [("1", json!({})), ("2", json!({"field.delim": "|"}))] {
        let input = json!({
            "Values": [value], "Parameters": parameters,
            "StorageDescriptor": {"Columns": [], "Location": format!("s3://{BUCKET}/t/k={value}/")},
        });
        create(&world, "t", input).await;
    }
    let found = world.sql("SELECT id, name FROM t ORDER BY id").await.expect("sql").0;
    assert_eq!(found, "1|ann\n2|bob");
}

#[tokio::test]
async fn a_partition_of_wider_values_is_refused_where_they_would_be_null() {
    let world = World::new().await;
    for (name, serde, text, fails) in [
        ("lazy", lazy_csv(), "3000000000,x\n", true),
        // Here a value that does not fit is an error anyway.
        ("lines", json_lines(), "{\"id\":7}\n", false),
    ] {
        world.table(name, serde.clone(), "id int;name string", "k string", &format!("{name}/")).await;
        world.put(&format!("{name}/k=1/a"), text).await;
        let input = json!({
            "Values": ["1"],
            "StorageDescriptor": {
                "Columns": [{"Name": "ID", "Type": "bigint"}, {"Name": "name", "Type": "string"}],
                "Location": format!("s3://{BUCKET}/{name}/k=1/"),
                "SerdeInfo": {"SerializationLibrary": serde["library"], "Parameters": serde["serde"]},
            },
        });
        create(&world, name, input).await;
        if fails {
            let error = world.error("SELECT id FROM lazy").await;
            assert!(matches!(&error, EngineError::PartitionTypeMismatch { .. }), "{error}");
            assert_eq!(
                error.to_string(),
                "partition 1 of table shop.lazy declares the column id as bigint, whose values may not fit the \
                 table's type, int"
            );
        } else {
            assert_eq!(world.sql("SELECT id FROM lines").await.expect("sql").0, "7");
        }
    }
}
