//! Where settings of SerDes may stand, and what partitions say for themselves.

use serde_json::{Value, json};

use super::{World, lazy_csv};

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
