//! Whatever a client gives comes back: known members, unknown members, nested ones.

use crate::common::{database_input, scope, store, table_input, with_table};
use catalog::statistics::{ColumnStatistics, Of};
use catalog::{DatabaseInput, PartitionInput, TableInput, database, function, partition, statistics, table};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn text() -> BoxedStrategy<Value> {
    "\\PC{0,12}".prop_map(Value::from).boxed()
}

fn map() -> BoxedStrategy<Value> {
    prop::collection::btree_map("[A-Za-z.]{1,6}", "\\PC{0,6}", 0..3).prop_map(|found| json!(found)).boxed()
}

fn list(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(of, 0..3).prop_map(Value::from).boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        (0i64..2_000_000_000).prop_map(Value::from),
        (0i64..4_000_000_000).prop_map(|n| json!(n as f64 / 4.0 + 0.25))
    ]
    .boxed()
}

/// An object with any of these members.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let optional: Vec<_> = members
        .into_iter()
        .map(|(name, of)| {
            prop::option::of(of).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    optional.prop_map(|found| Value::Object(found.into_iter().flatten().collect::<Map<_, _>>())).boxed()
}

fn with(base: BoxedStrategy<Value>, member: &'static str, of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    (base, of)
        .prop_map(move |(mut base, value)| {
            base[member] = value;
            base
        })
        .boxed()
}

fn name() -> BoxedStrategy<Value> {
    "[a-z][a-z0-9_]{0,8}".prop_map(Value::from).boxed()
}

fn column() -> BoxedStrategy<Value> {
    let rest =
        object(vec![("Type", text()), ("Comment", text()), ("Parameters", map()), ("Unknown", text())]);
    with(rest, "Name", name())
}

fn descriptor() -> BoxedStrategy<Value> {
    let order =
        with(with(object(vec![]), "Column", name()), "SortOrder", (0i64..2).prop_map(Value::from).boxed());
    let skewed = object(vec![
        ("SkewedColumnNames", list(text())),
        ("SkewedColumnValues", list(text())),
        ("SkewedColumnValueLocationMaps", map()),
    ]);
    let serde = object(vec![("Name", text()), ("SerializationLibrary", text()), ("Parameters", map())]);
    let schema =
        object(vec![("SchemaId", object(vec![("SchemaArn", text())])), ("SchemaVersionNumber", number())]);
    object(vec![
        ("Columns", list(column())),
        ("Location", text()),
        ("AdditionalLocations", list(text())),
        ("InputFormat", text()),
        ("OutputFormat", text()),
        ("Compressed", any::<bool>().prop_map(Value::from).boxed()),
        ("NumberOfBuckets", (-1i64..9).prop_map(Value::from).boxed()),
        ("SerdeInfo", serde),
        ("BucketColumns", list(text())),
        ("SortColumns", list(order)),
        ("Parameters", map()),
        ("SkewedInfo", skewed),
        ("StoredAsSubDirectories", any::<bool>().prop_map(Value::from).boxed()),
        ("SchemaReference", schema),
    ])
}

fn database_document() -> BoxedStrategy<Value> {
    let rest = object(vec![
        ("Description", text()),
        ("LocationUri", text()),
        ("Parameters", map()),
        ("CreateTableDefaultPermissions", list(object(vec![("Permissions", list(text()))]))),
        (
            "TargetDatabase",
            with(object(vec![]), "DatabaseName", "target_[a-z]{1,4}".prop_map(Value::from).boxed()),
        ),
        ("FederatedDatabase", object(vec![("Identifier", text())])),
    ]);
    with(rest, "Name", name())
}

fn table_document() -> BoxedStrategy<Value> {
    let view =
        object(vec![("Definer", text()), ("Representations", list(object(vec![("Dialect", text())])))]);
    let rest = object(vec![
        ("Description", text()),
        ("Owner", text()),
        ("LastAccessTime", number()),
        ("LastAnalyzedTime", number()),
        ("Retention", (0i64..100).prop_map(Value::from).boxed()),
        ("StorageDescriptor", descriptor()),
        (
            "PartitionKeys",
            with(object(vec![("Type", text()), ("Comment", text())]), "Name", name())
                .prop_map(|key| json!([key]))
                .boxed(),
        ),
        ("ViewOriginalText", text()),
        ("ViewExpandedText", text()),
        ("TableType", text()),
        ("Parameters", map()),
        ("TargetTable", with(with(object(vec![]), "DatabaseName", name()), "Name", name())),
        ("ViewDefinition", view),
    ]);
    with(rest, "Name", name())
}

fn partition_document() -> BoxedStrategy<Value> {
    object(vec![
        ("LastAccessTime", number()),
        ("LastAnalyzedTime", number()),
        ("StorageDescriptor", descriptor()),
        ("Parameters", map()),
        ("Unknown", text()),
    ])
}

fn function_document() -> BoxedStrategy<Value> {
    let uri = object(vec![("ResourceType", text()), ("Uri", text())]);
    let rest = object(vec![
        ("ClassName", text()),
        ("OwnerName", text()),
        ("FunctionType", text()),
        ("OwnerType", text()),
        ("ResourceUris", list(uri)),
        ("Unknown", text()),
    ]);
    with(rest, "FunctionName", "[A-Za-z][A-Za-z0-9_]{0,8}".prop_map(Value::from).boxed())
}

fn statistics_document() -> BoxedStrategy<Value> {
    let decimal = || object(vec![("UnscaledValue", text()), ("Scale", number())]);
    let members = || {
        object(vec![
            ("MinimumValue", prop_oneof![number(), decimal()].boxed()),
            ("MaximumValue", prop_oneof![number(), decimal()].boxed()),
            ("NumberOfNulls", number()),
            ("NumberOfDistinctValues", number()),
            ("AverageLength", number()),
        ])
    };
    let kinds = ["Boolean", "Date", "Decimal", "Double", "Long", "String", "Binary"];
    let data = (prop::sample::select(kinds.to_vec()), members()).prop_map(|(kind, members)| {
        let mut data = json!({ "Type": kind.to_uppercase() });
        data[format!("{kind}ColumnStatisticsData")] = members;
        data
    });
    let rest = object(vec![("AnalyzedTime", number()), ("Unknown", text())]);
    with(with(rest, "StatisticsData", data.boxed()), "ColumnName", Just(Value::from("name")).boxed())
}

/// Everything given is in the answer (which has more).
fn contains(answer: &Value, given: &Value) -> bool {
    match (answer, given) {
        (Value::Object(answer), Value::Object(given)) => {
            given.iter().all(|(name, value)| answer.get(name).is_some_and(|found| contains(found, value)))
        }
        (Value::Array(answer), Value::Array(given)) => {
            answer.len() == given.len() && answer.iter().zip(given).all(|(a, b)| contains(a, b))
        }
        _ => answer == given,
    }
}

async fn round_trip(database_given: Value, mut table_given: Value, partition_given: Value, value: String) {
    // A table's reference has to lead somewhere, and gives it its columns (`registry` tests that).
    if let Some(descriptor) = table_given.get_mut("StorageDescriptor").and_then(Value::as_object_mut) {
        descriptor.remove("SchemaReference");
    }
    let (store, _folder) = store().await;
    let mut tx = store.begin().await.unwrap();
    let input: DatabaseInput = serde_json::from_value(database_given.clone()).unwrap();
    let made = database::create(&mut tx, &scope(), input).await.unwrap();
    let answer = database::get(&mut tx, &scope(), &made.name).await.unwrap().to_json(&scope()).unwrap();
    assert!(contains(&answer, &database_given), "{answer} {database_given}");

    database::create(&mut tx, &scope(), database_input("the_database")).await.unwrap();
    let mut input: TableInput = serde_json::from_value(table_given.clone()).unwrap();
    let made = table::create(&mut tx, &scope(), "the_database", input.clone(), "me").await.unwrap();
    let mut found = table::get_entry(&mut tx, &scope(), "the_database", &made.name).await.unwrap();
    assert_eq!(found.input, input);
    assert!(contains(&found.to_json(&scope()), &table_given));
    if found.is_link() {
        // It has no partitions of its own.
        table::delete(&mut tx, &scope(), "the_database", &made.name).await.unwrap();
        input.other.remove("TargetTable");
        table::create(&mut tx, &scope(), "the_database", input, "me").await.unwrap();
    }

    if found.partition_keys().is_empty() {
        // It has no partitions at all.
        table::delete(&mut tx, &scope(), "the_database", &made.name).await.unwrap();
        let keyed = table_input(&made.name, &[("k", "string")]);
        found = table::create(&mut tx, &scope(), "the_database", keyed, "me").await.unwrap();
    }
    let mut input: PartitionInput = serde_json::from_value(partition_given.clone()).unwrap();
    input.values = found.partition_keys().iter().map(|_| value.clone()).collect();
    partition::create(&mut tx, &scope(), "the_database", &made.name, input.clone()).await.unwrap();
    let found = partition::get(&mut tx, &scope(), "the_database", &made.name, &input.values).await.unwrap();
    assert_eq!(found.input, input);
    assert!(contains(&found.to_json(&scope()), &partition_given));
}

async fn round_trip_of_others(function_given: Value, statistics_given: Value) {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    let input: function::FunctionInput = serde_json::from_value(function_given.clone()).unwrap();
    function::create(&mut tx, &scope(), "db", input.clone()).await.unwrap();
    let found = function::get(&mut tx, &scope(), "db", &input.function_name).await.unwrap();
    assert!(contains(&found.to_json(&scope()), &function_given));

    // A column of a type that takes statistics of any.
    let mut input = table_input("t", &[]);
    input.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[1].column_type =
        Some("array<int>".to_owned());
    table::update(&mut tx, &scope(), "db", input, table::Update::default()).await.unwrap();
    let input: ColumnStatistics = serde_json::from_value(statistics_given.clone()).unwrap();
    let failed = statistics::update(&mut tx, &scope(), ("db", "t"), Of::Table, vec![input]).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    let names = ["name".to_owned()];
    let (found, _) = statistics::get(&mut tx, &scope(), ("db", "t"), Of::Table, &names).await.unwrap();
    assert_eq!(json!(found[0]), statistics_given);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn everything_comes_back(
        database_given in database_document(),
        table_given in table_document(),
        partition_given in partition_document(),
        value in "\\PC{1,20}"
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(round_trip(database_given, table_given, partition_given, value));
    }

    #[test]
    fn functions_and_statistics_come_back(given in function_document(), statistics in statistics_document()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(round_trip_of_others(given, statistics));
    }
}
