//! The partitioned writer: round trips through the catalog, memory bound, publishing.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use lake::{BucketName, ListQuery};

use super::{World, bucket, parquet};
use crate::{
    EngineError, Session,
    write::{Output, Spec, publish, write_partitioned},
};

fn spec(prefix: &str, keys: &[&str]) -> Spec {
    let partition_keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Spec { partition_keys, ..Spec::parquet(bucket(), prefix, "run-1") }
}

async fn write(session: &Session, batch: RecordBatch, spec: &Spec) -> Result<Output, EngineError> {
    let frame = session.context().read_batch(batch).expect("frame");
    write_partitioned(session, frame, spec).await
}

async fn keys(world: &World, prefix: &str) -> Vec<String> {
    let mut tx = world.store().read().await.expect("tx");
    let query = ListQuery { prefix: prefix.to_owned(), limit: 100_000, ..ListQuery::default() };
    let page = world.sources.lake.list(&mut tx, &bucket(), &query).await.expect("list");
    page.objects.into_iter().map(|info| info.key.as_str().to_owned()).collect()
}

async fn publish_into(world: &World, table: &str, output: Output) {
    let partitions = output.partitions();
    let mut tx = world.store().begin().await.expect("tx");
    let inputs = partitions.iter().map(|partition| {
        let value = serde_json::json!({"Values": partition.values, "StorageDescriptor": {"Location": partition.location}});
        serde_json::from_value(value).expect("input")
    });
    let inputs = inputs.collect();
    let errors = catalog::partition::batch_create(&mut tx, &world.sources.scope, "shop", table, inputs).await;
    assert!(errors.expect("created").is_empty());
    publish(&mut tx, &world.sources.lake, output).await.expect("published");
    tx.commit().await.expect("commit");
}

fn odd_batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("v", DataType::Int64, true),
        Field::new("d", DataType::Date32, true),
    ]);
    let texts = [Some("a/b=c"), None, Some("%41 .csv"), Some("日本"), Some(""), Some("it's {x}")];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6])),
        Arc::new(Date32Array::from(vec![Some(19723), Some(19723), None, Some(0), Some(-1), Some(19724)])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("batch")
}

#[tokio::test]
async fn odd_values_round_trip_through_the_catalog() {
    let world = World::new().await;
    world.table("odd", parquet(), "v bigint", "d date;k string", "out/").await;
    let session = world.session();
    let output = write(&session, odd_batch(), &spec("out", &["D", "k"])).await.expect("written");
    assert_eq!(output.rows, 6);
    assert_eq!(output.schema.fields().len(), 1);
    assert!(keys(&world, "out/").await.is_empty(), "nothing is visible before publishing");
    publish_into(&world, "odd", output).await;
    let visible = keys(&world, "out/").await;
    assert!(visible.iter().any(|key| key.starts_with("out/d=2024-01-01/k=a%2Fb%3Dc/run-1-")), "{visible:?}");
    let text = "SELECT v, k, d FROM odd ORDER BY v";
    assert_eq!(
        world.sql(text).await.expect("sql").0,
        "1|a/b=c|2024-01-01\n2||2024-01-01\n3|%41 .csv|\n4|日本|1970-01-01\n5||1969-12-31\n6|it's {x}|2024-01-02"
    );
    let (rows, stats) =
        world.sql("SELECT v FROM odd WHERE d = DATE '2024-01-01' AND k IS NULL").await.expect("sql");
    assert_eq!((rows.as_str(), stats.files_read), ("2", 1));
}

#[tokio::test]
async fn a_dropped_output_leaves_nothing() {
    let world = World::new().await;
    let session = world.session();
    let output = write(&session, odd_batch(), &spec("out/", &[])).await.expect("written");
    assert_eq!((output.files.len(), output.partitions().len()), (1, 0));
    drop(output);
    assert!(keys(&world, "").await.is_empty());
}

#[tokio::test]
async fn a_thousand_partitions_stay_within_memory() {
    let world = World::with_memory(64 << 20).await;
    world.table("many", parquet(), "v bigint;text string", "k int", "many/").await;
    let session = world.session();
    // In no order that files would have to keep.
    let text = "SELECT value * 7919 % 400000 + 1 AS v, repeat(md5(CAST(value AS VARCHAR)), 4) AS text, \
                CAST(value % 1000 AS INT) AS k FROM generate_series(1, 400000)";
    let frame = session.sql(text).await.expect("frame");
    let spec = Spec { memory_bytes: 24 << 20, ..spec("many/", &["k"]) };
    let output = write_partitioned(&session, frame, &spec).await.expect("written");
    assert_eq!((output.rows, output.partitions().len()), (400_000, 1000));
    // Half of the memory is what a thousand open files hold themselves: most rows are put aside, and no file is ended early.
    // Two of a folder come where both tasks began one at the same time.
    assert!(output.files.len() < 1200, "{}", output.files.len());
    assert!(output.stats.spilled_bytes > 0);
    assert_eq!(world.engine.memory().reserved_bytes, 0);
    publish_into(&world, "many", output).await;
    let (rows, stats) = world.sql("SELECT count(*), sum(v), count(DISTINCT k) FROM many").await.expect("sql");
    assert_eq!(rows, "400000|80000200000|1000");
    assert_eq!(stats.partitions_read, 1000);
}

/// Rows of more folders than may be open are put aside, and none of them is lost or in another folder; those of a sorted plan that
/// cannot be put in order by folder at once stay sorted.
#[tokio::test]
async fn rows_put_aside_come_to_the_files_of_their_folders() {
    let world = World::with_memory(64 << 20).await;
    let session = world.session();
    let gzip = || formats::WriteOptions {
        compression: formats::Compression::Gzip,
        ..formats::WriteOptions::default()
    };
    let json = || formats::Format::Json(formats::JsonOptions::default());
    let few =
        |prefix: &str| Spec { memory_bytes: 8 << 20, max_tasks: Some(1), ..spec(prefix, &["k", "half"]) };
    let many = |prefix: &str| Spec { max_tasks: None, ..few(prefix) };
    for (spec, order, most) in [
        (many("shared/"), "", 1500),
        (few("one/"), "", 1300),
        (many("top/"), "ORDER BY text LIMIT 120000", 1310),
        (Spec { format: json(), options: gzip(), ..many("json/") }, "", 1500),
    ] {
        // A folder for each of 1,300 numbers, half of them with no second value.
        let text = format!(
            "SELECT md5(CAST(v AS VARCHAR)) AS text, v, CAST(v * 7919 % 1300 AS INT) AS k, \
             CASE WHEN v % 2 = 0 THEN 'even' END AS half FROM (SELECT value * 7919 % 120000 + 1 AS v FROM generate_series(1, 120000)) \
             {order}"
        );
        let output = write_partitioned(&session, session.sql(&text).await.expect("frame"), &spec).await;
        let output = output.expect("written");
        assert_eq!((output.rows, output.partitions().len()), (120_000, 1300), "{}", spec.prefix);
        assert!((1300..=most).contains(&output.files.len()), "{}: {}", spec.prefix, output.files.len());
        assert_eq!(world.engine.memory().reserved_bytes, 0);
        let mut tx = world.store().begin().await.expect("tx");
        publish(&mut tx, &world.sources.lake, output).await.expect("published");
        tx.commit().await.expect("commit");
        let source = crate::PathSource::new(vec![format!("s3://{}/{}", super::BUCKET, spec.prefix)]);
        let frame = session.read_path(source).await.expect("frame");
        session.register_view("back", frame);
        let text = "SELECT count(*), count(DISTINCT text), sum(v), count(DISTINCT k), \
                    count(*) FILTER (WHERE CAST(k AS BIGINT) = v * 7919 % 1300 AND (half IS NULL) = (v % 2 = 1)) FROM back";
        let (batches, _) = session.collect(session.sql(text).await.expect("frame")).await.expect("rows");
        assert_eq!(super::rows(&batches), "120000|120000|7200060000|1300|120000", "{}", spec.prefix);
        for key in keys(&world, &spec.prefix).await.into_iter().filter(|_| !order.is_empty()).take(50) {
            assert!(texts(&world, &key).await.is_sorted(), "{key}");
        }
    }
}

/// Rows of a sorted plan stay sorted within each file, and rows of all tasks are shared out by size.
#[tokio::test]
async fn files_are_sorted_when_the_plan_is_and_end_at_their_size() {
    let world = World::new().await;
    world.table("sorted", parquet(), "v bigint;text string", "k int", "sorted/").await;
    let session = world.session();
    let text = "SELECT value AS v, encode(sha512(CAST(value AS VARCHAR)), 'hex') AS text, CAST(value % 3 AS INT) AS k \
                FROM generate_series(1, 60000) ORDER BY text DESC";
    let spec = Spec { target_file_bytes: 1 << 20, ..spec("sorted/", &["k"]) };
    let frame = session.sql(text).await.expect("frame");
    let output = write_partitioned(&session, frame, &spec).await.expect("written");
    assert!(
        output.files.len() > 3 && output.files.iter().all(|file| file.bytes < 3 << 19),
        "{:?}",
        output.files
    );
    publish_into(&world, "sorted", output).await;
    for key in keys(&world, "sorted/").await {
        let texts = texts(&world, &key).await;
        assert!(!texts.is_empty() && texts.is_sorted_by(|a, b| a >= b), "{key}");
    }
}

/// Sizes count as they lie in the bucket, not as they are in memory, where a row of many small numbers takes far more.
#[tokio::test]
async fn files_of_small_numbers_have_the_size_that_was_asked_for() {
    let world = World::new().await;
    let session = world.session();
    let text = "SELECT value AS a, value * 1000003 % 999983 AS b, value % 100 AS c, CAST(value % 7919 AS DOUBLE) / 7 AS d, \
                value % 2 AS e, concat('note ', CAST(value % 1000 AS VARCHAR)) AS f FROM generate_series(1, 1200000)";
    const MIB: u64 = 1 << 20;
    let spec = Spec { target_file_bytes: 2 * MIB, ..spec("small/", &[]) };
    let output =
        write_partitioned(&session, session.sql(text).await.expect("frame"), &spec).await.expect("written");
    let mut sizes: Vec<u64> = output.files.iter().map(|file| file.bytes).collect();
    sizes.sort_unstable();
    // What each task has left at its end is smaller.
    let whole = &sizes[world.engine.options().threads.min(sizes.len() - 1)..];
    assert!(whole.len() > 2 && whole.iter().all(|size| (MIB..4 * MIB).contains(size)), "{sizes:?}");
}

/// Writes so many rows in an order. Returns the texts in each file, in the order of the files' names, and whether anything
/// was spilled.
async fn written_in_order(world: &World, order: &str, rows: u64, spec: &Spec) -> (Vec<Vec<String>>, bool) {
    let session = world.session();
    let text = format!(
        "SELECT encode(sha512(CAST(value AS VARCHAR)), 'hex') AS text, value AS v, value % 7 AS few \
         FROM generate_series(1, {rows}) {order}"
    );
    let output = write_partitioned(&session, session.sql(&text).await.expect("frame"), spec).await;
    let output = output.expect("written");
    assert_eq!(output.rows, output.files.iter().map(|file| file.rows).sum::<u64>());
    let spilled = output.stats.spilled_bytes > 0;
    let mut tx = world.store().begin().await.expect("tx");
    publish(&mut tx, &world.sources.lake, output).await.expect("published");
    tx.commit().await.expect("commit");
    let mut files = Vec::new();
    for key in keys(world, &spec.prefix).await {
        files.push(texts(world, &key).await);
    }
    assert_eq!(world.engine.memory().reserved_bytes, 0);
    (files, spilled)
}

/// Rows are sorted on all threads, and each file holds a range of the order.
#[tokio::test]
async fn sorted_files_follow_each_other() {
    let world = World::new().await;
    let few_bytes = |prefix: &str| Spec { target_file_bytes: 1 << 20, ..spec(prefix, &[]) };
    let (files, spilled) = written_in_order(&world, "ORDER BY text DESC", 40_000, &few_bytes("down/")).await;
    let all = files.concat();
    assert!(files.len() > 1 && all.len() == 40_000 && all.is_sorted_by(|a, b| a > b) && !spilled);
    let names = keys(&world, "down/").await;
    let writers: Vec<usize> =
        ["-00000-", "-00001-"].map(|part| names.iter().filter(|name| name.contains(part)).count()).into();
    assert!(writers.iter().all(|files| *files > 0), "both tasks wrote: {names:?}");
    // By two numbers: texts of one group and then of the next.
    let (files, _) = written_in_order(&world, "ORDER BY few, v", 40_000, &few_bytes("numbers/")).await;
    let mut wanted: Vec<(u64, u64)> = (1..=40_000).map(|v| (v % 7, v)).collect();
    wanted.sort_unstable();
    let (mut session_texts, session) = (Vec::new(), world.session());
    let text =
        "SELECT encode(sha512(CAST(value AS VARCHAR)), 'hex') FROM generate_series(1, 40000) ORDER BY value";
    for batch in session.collect(session.sql(text).await.expect("frame")).await.expect("texts").0 {
        let column = arrow::compute::cast(batch.column(0), &DataType::Utf8).expect("texts");
        session_texts.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    let wanted: Vec<&String> = wanted.iter().map(|(_, v)| &session_texts[*v as usize - 1]).collect();
    assert!(files.concat().iter().eq(wanted));
    // By a column that is not written.
    let session = world.session();
    world.table("wide", parquet(), "k bigint;text string", "", "wide/").await;
    let text = "SELECT -value AS k, encode(sha512(CAST(value AS VARCHAR)), 'hex') AS text FROM generate_series(1, 40000)";
    let output =
        write_partitioned(&session, session.sql(text).await.expect("frame"), &few_bytes("wide/")).await;
    publish_into(&world, "wide", output.expect("written")).await;
    let session = world.session();
    let frame = session.sql("SELECT text FROM wide ORDER BY k").await.expect("frame");
    let output = write_partitioned(&session, frame, &few_bytes("without/")).await.expect("written");
    assert!(output.files.len() > 1);
    publish_into(&world, "wide", output).await;
    let mut without = Vec::new();
    for key in keys(&world, "without/").await {
        without.extend(texts(&world, &key).await);
    }
    assert!(without.iter().rev().eq(&session_texts));
    // One task at most, and few rows, write one file.
    let one = Spec { max_tasks: Some(1), target_file_bytes: 64 << 20, ..few_bytes("one/") };
    assert_eq!(written_in_order(&world, "ORDER BY v", 40_000, &one).await.0.len(), 1);
    assert_eq!(written_in_order(&world, "ORDER BY v", 40_000, &spec("few/", &[])).await.0.len(), 1);
    assert!(written_in_order(&world, "ORDER BY v", 0, &spec("none/", &[])).await.0.concat().is_empty());
    // Limited rows come in one stream, also when they are more than one batch, and written in another type than they are sorted in.
    for (limit, rows) in [("LIMIT 5000", 5000), ("LIMIT 30000", 30_000), ("LIMIT 30000 OFFSET 5000", 30_000)]
    {
        let prefix = format!("limit/{}/", limit.replace(' ', "-"));
        let spec = Spec { target_file_bytes: 8 << 20, ..few_bytes(&prefix) };
        let (files, _) = written_in_order(&world, &format!("ORDER BY text {limit}"), 40_000, &spec).await;
        assert!(files.concat().len() == rows && files.concat().is_sorted(), "{limit}");
    }
}

/// What does not fit in memory is sorted in files, by as many tasks.
#[tokio::test]
async fn a_sort_of_more_than_memory_spills_and_loses_nothing() {
    let world = World::with_memory(48 << 20).await;
    for (order, prefix) in [("ORDER BY text", "texts/"), ("ORDER BY few DESC, text", "both/")] {
        let spec = Spec { target_file_bytes: 4 << 20, ..spec(prefix, &[]) };
        let (files, spilled) = written_in_order(&world, order, 300_000, &spec).await;
        let mut all = files.concat();
        assert!(spilled, "{prefix}");
        assert!(prefix == "both/" || all.is_sorted(), "{prefix}");
        let names = keys(&world, prefix).await;
        assert!(["-00000-", "-00001-"].iter().all(|part| names.iter().any(|name| name.contains(part))));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 300_000);
    }
}

/// So are the first of many rows, which come in one stream; also where other columns are written first, or groups are sorted.
#[tokio::test]
async fn many_rows_of_a_limit_spill_and_are_the_first() {
    let world = World::with_memory(48 << 20).await;
    let session = world.session();
    let all = "(SELECT encode(sha512(CAST(value AS VARCHAR)), 'hex') AS text, value AS v, repeat('x', 40) AS s \
               FROM generate_series(1, 300000))";
    let spec = |prefix: &str| Spec { target_file_bytes: 64 << 20, ..spec(prefix, &[]) };
    let mut expected: Vec<String> = Vec::new();
    for (name, query) in [
        ("all/", format!("SELECT text FROM {all} ORDER BY text")),
        ("limit/", format!("SELECT text, v FROM {all} ORDER BY text LIMIT 200000")),
        ("offset/", format!("SELECT text, v FROM {all} ORDER BY text LIMIT 199000 OFFSET 1000")),
        ("mixed/", format!("SELECT s, v, text FROM {all} ORDER BY text, v LIMIT 200000")),
        (
            "groups/",
            format!("SELECT s, text, min(v) AS v FROM {all} GROUP BY s, text ORDER BY text LIMIT 200000"),
        ),
        (
            "twice/",
            format!(
                "SELECT v, text FROM (SELECT * FROM {all} ORDER BY text LIMIT 200000) ORDER BY text LIMIT 200000"
            ),
        ),
    ] {
        let frame = session.sql(&query).await.expect("frame");
        let output = write_partitioned(&session, frame, &spec(name)).await.expect(name);
        assert!(output.stats.spilled_bytes > 0, "{name}");
        let mut tx = world.store().begin().await.expect("tx");
        publish(&mut tx, &world.sources.lake, output).await.expect("published");
        tx.commit().await.expect("commit");
        let mut found = Vec::new();
        for key in keys(&world, name).await {
            found.extend(texts(&world, &key).await);
        }
        assert_eq!(world.engine.memory().reserved_bytes, 0);
        match name {
            "all/" => expected = found,
            "offset/" => assert!(found == expected[1000..200_000], "{name}"),
            _ => assert!(found == expected[..200_000], "{name}"),
        }
    }
}

/// Sorted rows of many folders fill one file after the other, where memory does not suffice to have one open of each, too.
#[tokio::test]
async fn sorted_rows_of_many_folders_make_few_files() {
    let world = World::with_memory(64 << 20).await;
    world.table("many", parquet(), "text string", "k string;f double", "many/").await;
    let session = world.session();
    let text = "SELECT encode(sha512(CAST(value AS VARCHAR)), 'hex') AS text, concat('f', value % 250) AS k, \
                CAST(CASE WHEN value % 2 = 0 THEN value % 2 END AS DOUBLE) AS f FROM generate_series(1, 200000) ORDER BY text DESC";
    let spec = Spec { memory_bytes: 8 << 20, target_file_bytes: 64 << 20, ..spec("many/", &["k", "f"]) };
    let frame = session.sql(text).await.expect("frame");
    let output = write_partitioned(&session, frame, &spec).await.expect("written");
    assert_eq!((output.rows, output.partitions().len()), (200_000, 250));
    assert!(output.files.len() < 350, "{}", output.files.len());
    publish_into(&world, "many", output).await;
    let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in keys(&world, "many/").await {
        let folder = key.rsplit_once('/').expect("a folder").0.to_owned();
        folders.entry(folder).or_default().extend(texts(&world, &key).await);
    }
    assert!(folders.values().all(|texts| texts.len() == 800 && texts.is_sorted_by(|a, b| a > b)));
}

#[tokio::test]
async fn a_sort_that_fails_says_so_in_every_stream() {
    let world = World::new().await;
    world.table("bad", super::csv(), "id bigint", "", "bad/").await;
    let text: String = (0..50_000).map(|n| format!("{n}\n")).collect();
    world.put("bad/a.csv", format!("id\n{text}broken\n")).await;
    let session = world.session();
    let frame = session.sql("SELECT id FROM bad ORDER BY id DESC").await.expect("frame");
    let error = write_partitioned(&session, frame, &spec("out/", &[])).await.expect_err("fails");
    assert!(matches!(error, EngineError::Format(_)), "{error}");
    assert_eq!(world.engine.memory().reserved_bytes, 0);
}

/// The column `text` of a Parquet file, in the order of its rows.
async fn texts(world: &World, key: &str) -> Vec<String> {
    let mut tx = world.store().read().await.expect("tx");
    let object = world.sources.lake.get(&mut tx, &bucket(), &super::key(key), &lake::Conditions::NONE).await;
    let object = object.expect("object");
    let bytes = object.read_range(0..object.info().size).await.expect("bytes");
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("file").build().expect("reader");
    let mut texts = Vec::new();
    for batch in reader {
        let batch = batch.expect("batch");
        let column = arrow::compute::cast(batch.column_by_name("text").expect("text"), &DataType::Utf8);
        texts.extend(column.expect("texts").as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    texts
}

#[tokio::test]
async fn csv_and_json_are_written_too() {
    let world = World::new().await;
    let session = world.session();
    for (format, ending) in [
        (formats::Format::Csv(formats::CsvOptions::standard()), ".csv.gz"),
        (formats::Format::Json(formats::JsonOptions::default()), ".json.gz"),
    ] {
        let options = formats::WriteOptions {
            compression: formats::Compression::Gzip,
            ..formats::WriteOptions::default()
        };
        let prefix = format!("text{ending}/");
        let spec = Spec { format, options, ..spec(&prefix, &["k"]) };
        let output = write(&session, odd_batch(), &spec).await.expect("written");
        assert!(output.files.iter().all(|file| file.key.as_str().ends_with(ending)));
        let mut tx = world.store().begin().await.expect("tx");
        publish(&mut tx, &world.sources.lake, output).await.expect("published");
        tx.commit().await.expect("commit");
        let source = crate::PathSource::new(vec![format!("s3://{}/{prefix}", super::BUCKET)]);
        let frame = session.read_path(source).await.expect("frame");
        assert_eq!(session.count(frame).await.expect("count"), 6, "{ending}");
    }
}

/// The codecs of open files are counted: with little memory (a quarter of the engine's at most) not all files of many partitions are open at once. But a file
/// may be, however small the share of a task is.
#[tokio::test]
async fn codecs_of_text_count_as_memory() {
    let world = World::with_memory(192 << 20).await;
    let session = world.session();
    let options =
        formats::WriteOptions { compression: formats::Compression::Xz, ..formats::WriteOptions::default() };
    let format = formats::Format::Csv(formats::CsvOptions::standard());
    for (keys, memory_bytes, files) in
        [(vec![], 8 << 20, 1..=2), (vec!["k"], 48 << 20, 4..=8), (vec!["k"], 8 << 20, 5..=40)]
    {
        let text = "SELECT value AS v, md5(CAST(value AS VARCHAR)) AS text, CAST(value % 4 AS INT) AS k \
                    FROM generate_series(1, 300000)";
        let frame = session.sql(text).await.expect("frame");
        let (format, options) = (format.clone(), options.clone());
        let spec = Spec { format, options, memory_bytes, ..spec("xz/", &keys) };
        let output = write_partitioned(&session, frame, &spec).await.expect("written");
        assert_eq!(output.rows, 300_000);
        assert!(files.contains(&output.files.len()), "{keys:?} {memory_bytes}: {}", output.files.len());
        assert_eq!(world.engine.memory().reserved_bytes, 0);
    }
}

#[tokio::test]
async fn wrong_specs_are_refused() {
    let world = World::new().await;
    let session = world.session();
    let failed = |spec: Spec| write(&session, odd_batch(), Box::leak(Box::new(spec)));
    assert!(matches!(failed(spec("o/", &["nope"])).await, Err(EngineError::ColumnNotFound { .. })));
    assert!(matches!(failed(spec("o/", &["k", "K"])).await, Err(EngineError::OptionsInvalid { .. })));
    assert!(matches!(failed(spec("o/", &["k", "v", "d"])).await, Err(EngineError::OptionsInvalid { .. })));
    let hidden = Spec { file_prefix: "_x".to_owned(), ..spec("o/", &[]) };
    assert!(matches!(failed(hidden).await, Err(EngineError::OptionsInvalid { .. })));
    let elsewhere = Spec { bucket: BucketName::new("no-such-bucket").expect("name"), ..spec("o/", &[]) };
    assert!(matches!(failed(elsewhere).await, Err(EngineError::BucketMissing { .. })));
}

#[tokio::test]
async fn a_failing_plan_leaves_nothing() {
    let world = World::new().await;
    world.table("bad", super::csv(), "id bigint", "", "bad/").await;
    let mut text = String::from("id\n");
    for n in 0..50_000 {
        text.push_str(&format!("{n}\n"));
    }
    world.put("bad/a.csv", format!("{text}broken\n")).await;
    let session = world.session();
    let frame = session.sql("SELECT id, id % 10 AS k FROM bad").await.expect("frame");
    let error = write_partitioned(&session, frame, &spec("out/", &["k"])).await.expect_err("fails");
    assert!(matches!(error, EngineError::Format(_)), "{error}");
    assert!(keys(&world, "out/").await.is_empty());
}
