//! Queries from text to result file, on a real store, lake, catalog and engine, in folders that vanish.

mod alike;
mod answers;
mod refusals;
mod subqueries;
mod tables;
mod types;

use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog::{DatabaseInput, TableInput};
use engine::{Engine, Options};
use lake::{BucketName, Conditions, Key, Lake, Meta, Staged};
use serde_json::json;
use store::Scope;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::results::{Start, read_page};
use crate::run::{self, Ground, Request};

const BUCKET: &str = "test-bucket";

pub(crate) struct World {
    pub(crate) ground: Ground,
    pub(crate) scope: Scope,
    _dirs: (TempDir, TempDir),
}

/// A row: its values, or NULL as `∅`, with `|` between.
type Rows = Vec<String>;

impl World {
    pub(crate) async fn new() -> Self {
        let (store, store_dir) = store::testing::temp(&[
            lake::MIGRATIONS,
            catalog::MIGRATIONS,
            catalog::registry::MIGRATIONS,
            crate::statistics::STATISTICS_MIGRATIONS,
        ])
        .await;
        let dir = tempfile::tempdir().expect("dir");
        let options = lake::Options { dir: dir.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.expect("lake");
        let options =
            Options { memory_bytes: 256 << 20, threads: 2, ..Options::new(dir.path().join("spill")) };
        let engine = Engine::new(options).expect("engine");
        let scope = Scope::new("000000000000", "us-east-1").expect("scope");
        let mut tx = store.begin().await.expect("tx");
        lake.create_bucket(&mut tx, &scope, &bucket()).await.expect("bucket");
        let input = DatabaseInput { name: "shop".to_owned(), ..DatabaseInput::default() };
        catalog::database::create(&mut tx, &scope, input).await.expect("database");
        tx.commit().await.expect("commit");
        Self { ground: Ground { store, lake, engine }, scope, _dirs: (store_dir, dir) }
    }

    pub(crate) async fn put_staged(&self, name: &str, staged: Staged) {
        let Ground { store, lake, .. } = &self.ground;
        let key = Key::new(name).expect("key");
        let mut tx = store.begin().await.expect("tx");
        lake.put(&mut tx, &bucket(), &key, staged, Meta::default(), &Conditions::default())
            .await
            .expect("put");
        tx.commit().await.expect("commit");
    }

    /// A table of `shop` over one Parquet file; columns as `name type;…`.
    pub(crate) async fn table(&self, name: &str, columns: &str, batch: &RecordBatch) {
        let mut bytes = Vec::new();
        let writer = datafusion::parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None);
        let mut writer = writer.expect("writer");
        writer.write(batch).expect("write");
        writer.close().expect("close");
        let staged = self.ground.lake.stage_bytes(bytes).await.expect("staged");
        self.put_staged(&format!("{name}/a.parquet"), staged).await;
        let columns: Vec<_> = columns
            .split(';')
            .map(|column| {
                let (name, of) = column.split_once(' ').expect("name type");
                json!({"Name": name, "Type": of})
            })
            .collect();
        let library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
        let input: TableInput = serde_json::from_value(json!({
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": columns,
                "Location": format!("s3://{BUCKET}/{name}"),
                "SerdeInfo": {"SerializationLibrary": library},
            },
        }))
        .expect("table input");
        let mut tx = self.ground.store.begin().await.expect("tx");
        catalog::table::create(&mut tx, &self.scope, "shop", input, "test").await.expect("table");
        tx.commit().await.expect("commit");
    }

    /// The header and the rows; or `CODE: message`.
    pub(super) async fn run(&self, sql: &str, cancel: &CancellationToken) -> Result<Rows, String> {
        let request = Request { scope: &self.scope, query: sql, database: "shop", cancel: cancel.clone() };
        let outcome = run::run(&self.ground, &request).await;
        let outcome = outcome.map_err(|error| {
            let failure = error.failure();
            format!("{}: {}", failure.code, failure.message)
        })?;
        self.put_staged("result.csv", outcome.file).await;
        let mut tx = self.ground.store.read().await.expect("tx");
        let key = Key::new("result.csv").expect("key");
        let object = self.ground.lake.get(&mut tx, &bucket(), &key, &Conditions::default()).await;
        let page = read_page(&object.expect("object"), Start::Csv(0), 1_000).await.expect("page");
        let line = |row: &Vec<Option<String>>| {
            let cells = row.iter().map(|cell| cell.clone().unwrap_or_else(|| "∅".to_owned()));
            cells.collect::<Vec<_>>().join("|")
        };
        Ok(page.rows.iter().map(line).collect())
    }

    /// The rows after the header.
    pub(super) async fn rows(&self, sql: &str) -> Rows {
        let rows = self.run(sql, &CancellationToken::new()).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).split_off(1)
    }

    pub(super) async fn header(&self, sql: &str) -> String {
        let rows = self.run(sql, &CancellationToken::new()).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).swap_remove(0)
    }

    /// The only value.
    pub(super) async fn value(&self, expression: &str) -> String {
        self.rows(&format!("SELECT {expression} AS x")).await.join("\n")
    }

    pub(super) async fn error(&self, sql: &str) -> String {
        match self.run(sql, &CancellationToken::new()).await {
            Ok(rows) => panic!("{sql}: {rows:?}"),
            Err(error) => error,
        }
    }
}

fn bucket() -> BucketName {
    BucketName::new(BUCKET).expect("bucket")
}

pub(crate) fn batch(columns: Vec<(&str, Arc<dyn arrow::array::Array>)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("batch")
}
