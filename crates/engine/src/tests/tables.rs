//! Catalog tables: formats, partitions, pruning, odd keys, bad files.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};

use serde_json::json;

use super::{BUCKET, World, csv, json_lines, lazy_csv, parquet, parquet_bytes, provider_frame, rows};
use crate::{EngineError, TableOptions};

#[tokio::test]
async fn reads_partitioned_csv() {
    let world = World::new().await;
    world.orders().await;
    let (rows, stats) =
        world.sql("SELECT id, amount, note, day, n FROM orders ORDER BY id").await.expect("sql");
    assert_eq!(
        rows,
        "1|10.5|a|2024-01-01|1\n2|20.0|b,b|2024-01-01|1\n3|30.0|c|2024-01-02|2\n4|40.0|d|2024-01-03|10\n\
         5|50.0|e|2024-01-03|10\n6||f|2024-01-03|10"
    );
    assert_eq!((stats.files_planned, stats.files_read, stats.partitions_read), (3, 3, 3));
    assert_eq!((stats.rows_scanned, stats.rows_out), (6, 6));
    assert!(stats.bytes_scanned > 0);
}

#[tokio::test]
async fn prunes_partitions_by_filters() {
    let world = World::new().await;
    world.orders().await;
    for (filter, ids, files) in [
        ("day = '2024-01-02'", "3", 1),
        ("n > 9", "4\n5\n6", 1),
        ("day < '2024-01-02' OR n = 10", "1\n2\n4\n5\n6", 2),
        ("day LIKE '%-02'", "3", 1),
        ("n <> 2 AND id > 4", "5\n6", 2),
        ("day = '2024-01-02' AND n = 7", "", 0),
        ("day IN ('2024-01-01', '2024-01-02') AND amount > 15", "2\n3", 2),
    ] {
        let text = format!("SELECT id FROM shop.orders WHERE {filter} ORDER BY id");
        let (rows, stats) = world.sql(&text).await.expect("sql");
        assert_eq!(rows, ids, "{filter}");
        assert_eq!((stats.files_planned, stats.files_read), (files, files), "{filter}");
    }
    let (count, stats) =
        world.sql("SELECT count(*) FROM awsdatacatalog.shop.orders WHERE n = 10").await.expect("sql");
    assert_eq!((count.as_str(), stats.files_read), ("3", 1));
}

#[tokio::test]
async fn null_partitions_and_values_of_another_type() {
    let world = World::new().await;
    world.table("t", lazy_csv(), "v string", "n int", "t/").await;
    world.put("t/n=1/a", "one\n").await;
    world.put("elsewhere/", "").await;
    world.put("elsewhere/b", "null\n").await;
    world.partition("t", &["1"], None).await;
    world.partition("t", &["__HIVE_DEFAULT_PARTITION__"], Some("elsewhere")).await;
    let all = world.sql("SELECT v, n FROM t ORDER BY v").await.expect("sql").0;
    assert_eq!(all, "null|\none|1");
    assert_eq!(world.sql("SELECT v FROM t WHERE n IS NULL").await.expect("sql").0, "null");
    assert_eq!(world.sql("SELECT v FROM t WHERE n = 1").await.expect("sql").0, "one");
    world.partition("t", &["x"], Some("nothing/")).await;
    let error = world.error("SELECT v FROM t WHERE n = 1").await;
    assert!(matches!(&error, EngineError::PartitionValueInvalid { value, .. } if value == "x"), "{error}");
    assert!(error.to_string().ends_with("is not of its type, int"), "{error}");
}

#[tokio::test]
async fn odd_keys_are_read_as_they_are() {
    let world = World::new().await;
    world.table("odd", lazy_csv(), "v string", "k string", "odd/a//b=c/").await;
    let location = "odd/a//b=c/%41 .csv/";
    world.put(&format!("{location}x%2Fy ü.csv"), "percent\n").await;
    world.put(&format!("{location}_hidden"), "hidden\n").await;
    world.put(&format!("{location}.hidden"), "hidden\n").await;
    world.put("odd/a//b=c/A .csv/x", "decoded\n").await;
    world.partition("odd", &["日本 '\"/=%"], Some(location)).await;
    let text = "SELECT v, k FROM odd WHERE k = '日本 ''\"/=%'";
    assert_eq!(world.sql(text).await.expect("sql").0, "percent|日本 '\"/=%");
    let options = TableOptions { path_column: true, ..TableOptions::default() };
    let batches = provider_frame(&world.session(), "odd", options).await;
    assert!(
        rows(&batches).contains("s3://test-bucket/odd/a//b=c/%41 .csv/x%2Fy ü.csv"),
        "{}",
        rows(&batches)
    );
}

#[tokio::test]
async fn reads_json_with_nested_values() {
    let world = World::new().await;
    world
        .table(
            "people",
            json_lines(),
            "id int;address struct<city:string,zip:string>;tags array<string>",
            "",
            "p",
        )
        .await;
    world
        .put("p/a.json", "{\"id\":1,\"address\":{\"city\":\"Ulm\"},\"tags\":[\"x\",\"y\"]}\n{\"ID\":2}\n")
        .await;
    let text = "SELECT id, address['city'], tags[1] FROM people ORDER BY id";
    assert_eq!(world.sql(text).await.expect("sql").0, "1|Ulm|x\n2||");
}

fn batch(fields: Vec<Field>, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("batch")
}

#[tokio::test]
async fn parquet_columns_match_by_name() {
    let world = World::new().await;
    world.table("wide", parquet(), "id bigint;name string;extra double", "", "wide/").await;
    let old = batch(
        vec![Field::new("NAME", DataType::Utf8, true), Field::new("Id", DataType::Int32, true)],
        vec![Arc::new(StringArray::from(vec!["a", "b"])), Arc::new(Int32Array::from(vec![1, 2]))],
    );
    let new = batch(
        vec![
            Field::new("id", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
            Field::new("extra", DataType::Int32, true),
        ],
        vec![
            Arc::new(Int64Array::from(vec![3])),
            Arc::new(StringArray::from(vec!["c"])),
            Arc::new(Int32Array::from(vec![7])),
        ],
    );
    world.put("wide/old.parquet", parquet_bytes(&old)).await;
    world.put("wide/new.parquet", parquet_bytes(&new)).await;
    // As programs leave them behind.
    world.put("wide/nothing.parquet", Vec::new()).await;
    let (rows, _) = world.sql("SELECT id, name, extra FROM wide ORDER BY id").await.expect("sql");
    assert_eq!(rows, "1|a|\n2|b|\n3|c|7.0");
    let (rows, _) = world.sql("SELECT name FROM wide WHERE id = 2").await.expect("sql");
    assert_eq!(rows, "b");
    assert_eq!(world.sql("SELECT count(*) FROM wide").await.expect("sql").0, "3");
}

#[tokio::test]
async fn parquet_prunes_row_groups() {
    let world = World::new().await;
    world.table("big", parquet(), "id bigint", "", "big/").await;
    let ids = batch(
        vec![Field::new("id", DataType::Int64, true)],
        vec![Arc::new(Int64Array::from_iter_values(0..100_000))],
    );
    let mut bytes = Vec::new();
    let properties = datafusion::parquet::file::properties::WriterProperties::builder()
        .set_max_row_group_row_count(Some(10_000))
        .build();
    let mut writer =
        datafusion::parquet::arrow::ArrowWriter::try_new(&mut bytes, ids.schema(), Some(properties))
            .expect("writer");
    writer.write(&ids).expect("write");
    writer.close().expect("close");
    let size = bytes.len() as u64;
    world.put("big/a.parquet", bytes).await;
    let (_, all) = world.sql("SELECT sum(id) FROM big").await.expect("sql");
    let (rows, some) = world.sql("SELECT sum(id) FROM big WHERE id >= 95000").await.expect("sql");
    assert_eq!(rows, (95_000..100_000i64).sum::<i64>().to_string());
    assert!(some.rows_scanned <= 10_000 && all.rows_scanned == 100_000, "{some:?} {all:?}");
    assert!(some.bytes_scanned * 2 < all.bytes_scanned, "{some:?} {all:?}");
    assert!(all.bytes_scanned <= size && all.bytes_scanned * 10 > size * 9, "{all:?} of {size}");
}

#[tokio::test]
async fn bytes_of_a_file_count_once() {
    let world = World::new().await;
    world.table("two", parquet(), "id bigint;other string", "", "two/").await;
    let (ids, others) = (0..1_000i64, (0..1_000).map(|n| Some(format!("{n:040}"))));
    let both = batch(
        vec![Field::new("id", DataType::Int64, true), Field::new("other", DataType::Utf8, true)],
        vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(others.collect::<StringArray>())],
    );
    // Smaller than what is fetched of a file's end at first, footer and all.
    let bytes = parquet_bytes(&both);
    let size = bytes.len() as u64;
    assert!(size < 64 << 10, "{size}");
    world.put("two/a.parquet", bytes).await;
    let (_, all) = world.sql("SELECT sum(id), max(other) FROM two").await.expect("sql");
    assert!(all.bytes_scanned <= size, "{all:?} of {size}");
    let (_, one) = world.sql("SELECT sum(id) FROM two").await.expect("sql");
    assert!(one.bytes_scanned > 0 && one.bytes_scanned < size * 2 / 3, "{one:?} of {size}");
}

#[tokio::test]
async fn bad_files_are_named() {
    let world = World::new().await;
    world.table("bad", csv(), "id bigint;v string", "", "bad/").await;
    world.put("bad/a.csv", "id,v\n1,x\nnot a number,y\n").await;
    let error = world.error("SELECT id FROM bad").await;
    let text = error.to_string();
    assert!(matches!(error, EngineError::Format(_)), "{text}");
    assert!(text.contains("s3://test-bucket/bad/a.csv") && text.contains('3'), "{text}");
    world.table("broken", parquet(), "id bigint", "", "broken/").await;
    world.put("broken/x.parquet", "PAR1 this is no parquet file PAR1").await;
    let error = world.error("SELECT id FROM broken").await;
    assert!(
        matches!(&error, EngineError::File { file, .. } if file == "s3://test-bucket/broken/x.parquet"),
        "{error}"
    );
    let whole = parquet_bytes(&batch(
        vec![Field::new("id", DataType::Int64, true)],
        vec![Arc::new(Int64Array::from(vec![1; 9000]))],
    ));
    world.table("cut", parquet(), "id bigint", "", "cut/").await;
    world.put("cut/x.parquet", whole[..whole.len() - 20].to_vec()).await;
    let error = world.error("SELECT id FROM cut").await;
    assert!(error.to_string().contains("s3://test-bucket/cut/x.parquet"), "{error}");
}

#[tokio::test]
async fn damaged_pages_name_their_file() {
    let world = World::new().await;
    let ids = batch(
        vec![Field::new("id", DataType::Int64, true)],
        vec![Arc::new(Int64Array::from_iter_values(0..9000))],
    );
    let mut bytes = parquet_bytes(&ids);
    for byte in &mut bytes[4..400] {
        *byte = 0xff;
    }
    world.table("damaged", parquet(), "id bigint", "", "damaged/").await;
    world.put("damaged/x.parquet", bytes).await;
    let error = world.error("SELECT sum(id) FROM damaged").await;
    assert!(
        matches!(&error, EngineError::File { file, .. } if file == "s3://test-bucket/damaged/x.parquet"),
        "{error}"
    );
}

#[tokio::test]
async fn missing_things_have_types() {
    let world = World::new().await;
    world.orders().await;
    assert!(matches!(world.error("SELECT 1 FROM nowhere.t").await, EngineError::DatabaseNotFound { .. }));
    assert!(matches!(world.error("SELECT 1 FROM nothing").await, EngineError::TableNotFound { .. }));
    let error = world.error("SELECT amuont FROM orders").await;
    assert!(matches!(&error, EngineError::ColumnNotFound { column, .. } if column == "amuont"), "{error}");
    assert!(matches!(
        world.error("SELEC 1").await,
        EngineError::Sql { .. } | EngineError::Unsupported { .. }
    ));
    for text in ["DROP TABLE orders", "SET a = 1", "COPY orders TO 'x'", "INSERT INTO orders VALUES (1)"] {
        let error = world.error(text).await;
        assert!(
            matches!(error, EngineError::Unsupported { .. } | EngineError::Sql { .. }),
            "{text}: {error}"
        );
    }
    assert!(matches!(
        world.error("SELECT * FROM orders TABLESAMPLE BERNOULLI (10)").await,
        EngineError::Unsupported { .. }
    ));
    assert!(matches!(world.error("SELECT 1 FROM other.shop.orders").await, EngineError::Plan { .. }));
    world.table("gone", csv(), "id bigint", "", "gone/").await;
    assert_eq!(world.sql("SELECT count(*) FROM gone").await.expect("sql").0, "0");
}

#[tokio::test]
async fn a_missing_bucket_names_table_and_location() {
    let world = World::new().await;
    world.table("t", csv(), "id bigint", "day string", "t/").await;
    let mut tx = world.store().begin().await.expect("tx");
    let input: catalog::PartitionInput = serde_json::from_value(serde_json::json!({
        "Values": ["x"], "StorageDescriptor": {"Location": "s3://no-such-bucket/t/day=x/"}
    }))
    .expect("input");
    catalog::partition::create(&mut tx, &world.sources.scope, "shop", "t", input).await.expect("partition");
    tx.commit().await.expect("commit");
    let error = world.error("SELECT id FROM t").await;
    assert_eq!(
        error.to_string(),
        "bucket no-such-bucket of s3://no-such-bucket/t/day=x/ does not exist (table shop.t)"
    );
    let input: catalog::TableInput = serde_json::from_value(serde_json::json!({
        "Name": "bare", "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "StorageDescriptor": {"Location": "s3://no-such-bucket/bare/", "Columns": [{"Name": "id", "Type": "int"}],
            "SerdeInfo": {"SerializationLibrary": super::parquet()["library"]}},
    }))
    .expect("input");
    let mut tx = world.store().begin().await.expect("tx");
    catalog::table::create(&mut tx, &world.sources.scope, "shop", input, "test").await.expect("table");
    tx.commit().await.expect("commit");
    let error = world.session().list_table("shop", "bare", None).await.expect_err("no bucket");
    assert!(matches!(error, EngineError::BucketMissing { table: Some(_), .. }), "{error}");
}

#[tokio::test]
async fn parameters_of_a_partition_go_before_those_of_its_table() {
    let world = World::new().await;
    world.table("t", lazy_csv(), "id bigint;name string", "day string", "t/").await;
    for (day, parameters) in [
        ("plain", json!({"recordCount": "2"})),
        ("headed", json!({"SKIP.header.line.count": "1", "recordCount": "3"})),
    ] {
        let folder = format!("t/day={day}/");
        world.put(&format!("{folder}a.csv"), "1,ann\n2,bob\n").await;
        let input: catalog::PartitionInput = serde_json::from_value(json!({
            "Values": [day], "Parameters": parameters,
            "StorageDescriptor": {"Location": format!("s3://{BUCKET}/{folder}")},
        }))
        .expect("input");
        let mut tx = world.store().begin().await.expect("tx");
        catalog::partition::create(&mut tx, &world.sources.scope, "shop", "t", input)
            .await
            .expect("partition");
        tx.commit().await.expect("commit");
    }
    let found = world.sql("SELECT day, id, name FROM t ORDER BY day, id").await.expect("sql").0;
    assert_eq!(found, "headed|2|bob\nplain|1|ann\nplain|2|bob");
}

#[tokio::test]
async fn of_two_names_that_differ_in_case_only_neither_is_read() {
    let world = World::new().await;
    let column = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    let fields = vec![Arc::new(field("A")), Arc::new(field("a"))];
    let both = arrow::array::StructArray::new(fields.into(), vec![column(1), column(2)], None);
    for (table, columns, batch) in [
        ("flat", "id bigint", vec![("ID", column(1)), ("id", column(2))]),
        ("deep", "s struct<a:bigint>", vec![("s", Arc::new(both) as ArrayRef)]),
    ] {
        let file = RecordBatch::try_from_iter(batch).expect("batch");
        world.table(table, parquet(), columns, "", &format!("{table}/")).await;
        world.put(&format!("{table}/a.parquet"), parquet_bytes(&file)).await;
        let error = world.error(&format!("SELECT * FROM {table}")).await.to_string();
        let file = format!("{table}/a.parquet: it has the fields");
        assert!(error.contains(&file) && error.contains("can mean either"), "{error}");
    }
}

#[tokio::test]
async fn an_object_replaced_while_read_is_read_as_it_was() {
    let world = World::new().await;
    world.table("t", lazy_csv(), "v bigint", "", "t/").await;
    let old: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    world.put("t/a.csv", old).await;
    let session = world.session();
    let frame = session.sql("SELECT v FROM t").await.expect("frame");
    let mut execution = session.execute(frame).await.expect("execution");
    let mut rows = execution.next().await.expect("a batch").expect("batch").num_rows();
    world.put("t/a.csv", "x\n").await;
    world.sources.lake.collect_once().await.expect("collected");
    while let Some(batch) = execution.next().await {
        rows += batch.expect("batch").num_rows();
    }
    assert_eq!(rows, 200_000);
}

#[tokio::test]
async fn objects_chosen_earlier_are_read_alone() {
    let world = World::new().await;
    world.orders().await;
    let session = world.session();
    let listed = session.list_table("shop", "orders", Some("n >= 2")).await.expect("list");
    assert_eq!(listed.len(), 2);
    let objects = Some(listed[..1].to_vec());
    let options = TableOptions { objects: objects.clone(), ..TableOptions::default() };
    let batches = provider_frame(&session, "orders", options).await;
    assert_eq!(rows(&batches), "3|30.0|c|2024-01-02|2");
    world.put(listed[0].key.as_str(), "id,amount,note\n9,9,z\n").await;
    let frame = session
        .table("shop", "orders", TableOptions { objects, ..TableOptions::default() })
        .await
        .expect("frame");
    let error = session.collect(frame).await.expect_err("replaced");
    assert!(matches!(error, EngineError::File { .. }), "{error}");
    let predicate =
        TableOptions { partition_predicate: Some("n = 10".to_owned()), ..TableOptions::default() };
    assert_eq!(
        session.count(session.table("shop", "orders", predicate).await.expect("frame")).await.expect("count"),
        3
    );
    let bad = TableOptions { partition_predicate: Some("nope = 1".to_owned()), ..TableOptions::default() };
    assert!(matches!(session.table("shop", "orders", bad).await, Err(EngineError::PredicateInvalid { .. })));
}

#[tokio::test]
async fn fields_of_structures_match_ignoring_case() {
    use arrow::array::{Array, ArrayRef, ListArray, StringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field};

    let world = World::new().await;
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("ZipCode", DataType::Utf8, true)),
        text(vec!["1", "2"]),
    )]);
    let items = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let list = ListArray::new(items, OffsetBuffer::from_lengths([1, 1]), Arc::new(inner), None);
    let outer = StructArray::from(vec![
        (Arc::new(Field::new("City", DataType::Utf8, true)), text(vec!["Bonn", "Łódź"])),
        (Arc::new(Field::new("Parts", list.data_type().clone(), true)), Arc::new(list) as ArrayRef),
    ]);
    let batch = RecordBatch::try_from_iter([("St", Arc::new(outer) as ArrayRef)]).expect("batch");
    world.put("nested/a.parquet", super::parquet_bytes(&batch)).await;
    for (name, column) in [
        ("lower", "st struct<city:string,parts:array<struct<zipcode:string>>>"),
        ("mixed", "st struct<CITY:string,Parts:array<struct<zipCode:string>>>"),
    ] {
        world.table(name, super::parquet(), column, "", "nested/").await;
        let (rows, _) =
            world.sql(&format!("SELECT t.st.city FROM {name} t WHERE t.st.city <> 'x'")).await.expect(name);
        assert_eq!(rows, "Bonn\nŁódź", "{name}");
        let (rows, _) = world.sql(&format!("SELECT st FROM {name} LIMIT 1")).await.expect(name);
        assert_eq!(rows, "{city: Bonn, parts: [{zipcode: 1}]}", "{name}");
    }
}

#[tokio::test]
async fn files_that_manifests_name_are_read() {
    let world = World::new().await;
    let mut serde = lazy_csv();
    serde["input"] = json!("org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat");
    world.table("linked", serde, "v string", "k string", "manifests/").await;
    world.partition("linked", &["a"], None).await;
    world.partition("linked", &["b"], Some("elsewhere/")).await;
    world.put("data/one", "1\n").await;
    world.put("data/two", "2\n").await;
    world.put("data/not named", "3\n").await;
    world
        .put("manifests/k=a/manifest", format!("s3://{BUCKET}/data/one\r\n\ns3a://{BUCKET}/data/two\n"))
        .await;
    world.put("elsewhere/_hidden", "nonsense").await;
    world.put("elsewhere/manifest", format!("s3://{BUCKET}/data/two")).await;
    let plain = "SELECT v, k FROM linked ORDER BY k, v";
    let (rows, stats) = world.sql(plain).await.expect("sql");
    assert_eq!((rows.as_str(), stats.files_planned), ("1|a\n2|a\n2|b", 3));
    for (manifest, wanted) in [
        (format!("s3://{BUCKET}/data/gone"), "data/gone"),
        (
            format!("s3://{BUCKET}/data/one\ns3://{BUCKET}/data/one"),
            "line 2: s3://test-bucket/data/one is named twice",
        ),
        ("data/one".to_owned(), "line 1: \"data/one\" is no location of S3"),
    ] {
        world.put("elsewhere/manifest", manifest).await;
        let error = world.error(plain).await.to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn ion_and_lines_of_fixed_width_are_read() {
    let world = World::new().await;
    let ion = json!({
        "library": "com.amazon.ionhiveserde.IonHiveSerDe",
        "serde": {"ion.city.path_extractor": "(to City)"},
    });
    world.table("ions", ion, "id int;tags array<string>;city string", "", "ions/").await;
    world.put("ions/a.ion", "{id: 1, tags: [a, 'b'], to: {city: \"Bonn\"}}\n{id: null.int}").await;
    let (rows, _) = world.sql("SELECT id, tags, city FROM ions ORDER BY id").await.expect("sql");
    assert_eq!(rows, "1|[a, b]|Bonn\n||");
    world.put("ions/b.ion", "{id: 2} {id: ").await;
    let error = world.error("SELECT id FROM ions").await.to_string();
    assert!(error.contains("ions/b.ion, byte 13"), "{error}");
    let fixed = json!({"library": "", "serde": {}, "table": {"classification": "fixed", "widths": "2,3"}});
    world.table("fixed", fixed, "n int;s string", "", "fixed/").await;
    world.put("fixed/a", " 1abc\n22\n").await;
    assert_eq!(world.sql("SELECT n, s FROM fixed ORDER BY n").await.expect("sql").0, "1|abc\n22|");
}
