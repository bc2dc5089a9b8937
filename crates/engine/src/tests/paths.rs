//! Path sources.

use arrow::datatypes::{DataType, Field, Schema};
use std::sync::{Arc, atomic::Ordering};

use super::{BUCKET, World, bucket, rows};
use crate::{EngineError, PathFormat, PathSource, ScanStats, TextTypes};

fn source(path: &str) -> PathSource {
    PathSource::new(vec![format!("s3://{BUCKET}/{path}")])
}

async fn read(world: &World, source: PathSource) -> Result<String, EngineError> {
    let session = world.session();
    let frame = session.read_path(source).await?;
    let names: Vec<_> =
        crate::frame_schema(&frame).fields().iter().map(|field| field.name().clone()).collect();
    let frame = frame.sort_by(vec![datafusion::prelude::ident(&names[0])]).expect("sort");
    let (batches, _) = session.collect(frame).await?;
    Ok(format!("{}\n{}", names.join("|"), rows(&batches)))
}

#[tokio::test]
async fn infers_and_merges_csv() {
    let world = World::new().await;
    world.put("in/day=1/a.csv", "custId,Amount\n1,2\n2,3\n").await;
    world.put("in/day=2/b.csv", "Amount,custId,extra\n2.5,3,x\n").await;
    world.put("in/day=2/_SUCCESS", "").await;
    let found = read(&world, source("in")).await.expect("read");
    assert_eq!(found, "custId|Amount|extra|day\n1|2.0||1\n2|3.0||1\n3|2.5|x|2");
    let text = PathSource { text_types: TextTypes::String, folder_columns: false, ..source("in/") };
    assert_eq!(read(&world, text).await.expect("read"), "custId|Amount|extra\n1|2|\n2|3|\n3|2.5|x");
    let flat = PathSource { recurse: false, ..source("in/day=1") };
    assert_eq!(read(&world, flat).await.expect("read"), "custId|Amount\n1|2\n2|3");
    let one = source("in/day=2/b.csv");
    assert_eq!(read(&world, one).await.expect("read"), "Amount|custId|extra\n2.5|3|x");
    let without = PathSource { exclusions: vec!["**/b.*".to_owned()], ..source("in") };
    assert_eq!(read(&world, without).await.expect("read"), "custId|Amount|day\n1|2|1\n2|3|1");
}

#[tokio::test]
async fn a_separator_that_divides_no_line_is_refused() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,2\n").await;
    world.put("in/b.csv", "id^v\n1^a\n2^b\n").await;
    let csv = formats::CsvOptions { header_lines: 1, ..formats::CsvOptions::standard() };
    let csv = PathFormat::Csv(formats::CsvOptions { names: formats::ColumnNames::Header, ..csv });
    let error = read(&world, PathSource { format: csv, ..source("in/") }).await.expect_err("wrong separator");
    assert!(
        error.to_string().contains(&format!("s3://{BUCKET}/in/b.csv: every line is one field")),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_without_anything_is_named_where_there_is_no_other() {
    let world = World::new().await;
    world.put("in/a.csv", "").await;
    let error = read(&world, source("in")).await.expect_err("nothing to read").to_string();
    assert!(error.contains("in/a.csv: the file is empty"), "{error}");
    world.put("in/b.csv", "id,n\n1,x\n").await;
    assert_eq!(read(&world, source("in")).await.expect("read"), "id|n\n1|x");
}

#[tokio::test]
async fn infers_json_and_keeps_spelling() {
    let world = World::new().await;
    world.put("j/a.json", "{\"Id\":1,\"Addr\":{\"City\":\"Ulm\"}}\n").await;
    world.put("j/b.json", "[{\"Id\":2.5,\"more\":true}]").await;
    let found = read(&world, source("j/")).await.expect("read");
    assert_eq!(found, "Id|Addr|more\n1.0|{City: Ulm}|\n2.5||true");
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    let world = World::new().await;
    world.put("mixed/a.csv", "a,b\n1,2\n").await;
    world.put("mixed/b.json", "{\"a\":1}\n").await;
    assert!(matches!(read(&world, source("mixed/")).await, Err(EngineError::OptionsInvalid { .. })));
    assert!(matches!(read(&world, source("nothing/")).await, Err(EngineError::OptionsInvalid { .. })));
    let no_bucket = PathSource::new(vec!["s3://no-such-bucket/x".to_owned()]);
    assert!(matches!(read(&world, no_bucket).await, Err(EngineError::BucketMissing { .. })));
    let no_path = PathSource::new(vec!["/etc/passwd".to_owned()]);
    assert!(matches!(read(&world, no_path).await, Err(EngineError::LocationInvalid { .. })));
    let json =
        PathSource { format: PathFormat::Json(formats::JsonOptions::default()), ..source("mixed/a.csv") };
    assert!(matches!(read(&world, json).await, Err(EngineError::Format(_))));
}

#[tokio::test]
async fn an_empty_choice_has_a_schema() {
    let world = World::new().await;
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let nothing = PathSource { objects: Some(Vec::new()), schema: Some(schema), ..source("later/") };
    assert_eq!(read(&world, nothing).await.expect("read"), "a\n");
}

#[tokio::test]
async fn counts_while_reading() {
    let world = World::new().await;
    world.put("c/a.csv", "a,b\n1,x\n2,y\n").await;
    let stats = Arc::new(ScanStats::default());
    read(&world, PathSource { stats: Some(Arc::clone(&stats)), ..source("c/") }).await.expect("read");
    assert_eq!(stats.rows.load(Ordering::Relaxed), 2);
    assert_eq!(stats.files.load(Ordering::Relaxed), 1);
    assert_eq!(stats.bytes.load(Ordering::Relaxed), 12);
    let listed = world.session().list_path(&source("c/")).await.expect("list");
    assert_eq!((listed.len(), &listed[0].bucket, listed[0].size), (1, &bucket(), 12));
}
