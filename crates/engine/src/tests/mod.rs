//! Tests of the engine on a real store, lake and catalog, in a folder that vanishes.

mod limits;
mod numbers;
mod partitions;
mod paths;
mod tables;
mod types;
mod writes;

use std::sync::Arc;

use arrow::{array::RecordBatch, util::pretty::pretty_format_batches};
use catalog::{DatabaseInput, PartitionInput, TableInput};
use lake::{BucketName, Conditions, Key, Lake, Meta};
use serde_json::{Value, json};
use store::{Scope, Store};
use tempfile::TempDir;

use crate::{
    Engine, EngineError, Options, RunStats, Session, SessionOptions, Sources, SqlDialect, TableOptions,
};

pub(super) const BUCKET: &str = "test-bucket";
const CSV_SERDE: &str = "org.apache.hadoop.hive.serde2.OpenCSVSerde";
const LAZY_SERDE: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
const JSON_SERDE: &str = "org.openx.data.jsonserde.JsonSerDe";
const PARQUET_SERDE: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) sources: Sources,
    _dirs: (TempDir, TempDir),
}

pub(super) fn key(text: &str) -> Key {
    Key::new(text).expect("key")
}

pub(super) fn bucket() -> BucketName {
    BucketName::new(BUCKET).expect("bucket")
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_memory(256 << 20).await
    }

    pub(super) async fn with_memory(memory_bytes: usize) -> Self {
        let (store, store_dir) = store::testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS]).await;
        let dir = tempfile::tempdir().expect("dir");
        let options = lake::Options { dir: dir.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.expect("lake");
        let scope = Scope::new("000000000000", "us-east-1").expect("scope");
        let spill = dir.path().join("spill");
        let engine =
            Engine::new(Options { memory_bytes, threads: 2, ..Options::new(spill) }).expect("engine");
        let world = Self { engine, sources: Sources { store, lake, scope }, _dirs: (store_dir, dir) };
        world.prepare().await;
        world
    }

    async fn prepare(&self) {
        let Sources { store, lake, scope } = &self.sources;
        let mut tx = store.begin().await.expect("tx");
        lake.create_bucket(&mut tx, scope, &bucket()).await.expect("bucket");
        let input = DatabaseInput { name: "shop".to_owned(), ..DatabaseInput::default() };
        catalog::database::create(&mut tx, scope, input).await.expect("database");
        tx.commit().await.expect("commit");
    }

    pub(super) fn store(&self) -> &Store {
        &self.sources.store
    }

    pub(super) fn session(&self) -> Session {
        self.session_with(SessionOptions::default())
    }

    pub(super) fn session_with(&self, options: SessionOptions) -> Session {
        let default_database = Some("shop".to_owned());
        let options = SessionOptions { default_database, dialect: SqlDialect::Trino, ..options };
        self.engine.session(self.sources.clone(), options)
    }

    pub(super) async fn put(&self, name: &str, data: impl Into<bytes::Bytes>) {
        let Sources { store, lake, .. } = &self.sources;
        let staged = lake.stage_bytes(data).await.expect("staged");
        let mut tx = store.begin().await.expect("tx");
        lake.put(&mut tx, &bucket(), &key(name), staged, Meta::default(), &Conditions::default())
            .await
            .expect("put");
        tx.commit().await.expect("commit");
    }

    /// Creates a table in `shop`; `columns` and `keys` as `name:type,…`.
    pub(super) async fn table(&self, name: &str, serde: Value, columns: &str, keys: &str, prefix: &str) {
        let columns_of = |text: &str| -> Vec<Value> {
            let parts = text.split(';').filter(|part| !part.is_empty());
            let column = |part: &str| {
                let (name, ty) = part.split_once(' ').expect("name type");
                json!({"Name": name, "Type": ty})
            };
            parts.map(column).collect()
        };
        let input: TableInput = serde_json::from_value(json!({
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": columns_of(keys),
            "Parameters": serde["table"].clone().as_object().cloned().unwrap_or_default(),
            "StorageDescriptor": {
                "Columns": columns_of(columns),
                "Location": format!("s3://{BUCKET}/{prefix}"),
                "InputFormat": serde["input"],
                "SerdeInfo": {"SerializationLibrary": serde["library"], "Parameters": serde["serde"]},
            },
        }))
        .expect("table input");
        let mut tx = self.store().begin().await.expect("tx");
        catalog::table::create(&mut tx, &self.sources.scope, "shop", input, "test").await.expect("table");
        tx.commit().await.expect("commit");
    }

    pub(super) async fn partition(&self, table: &str, values: &[&str], location: Option<&str>) {
        let location = location.map(|prefix| format!("s3://{BUCKET}/{prefix}"));
        let input: PartitionInput =
            serde_json::from_value(json!({"Values": values, "StorageDescriptor": {"Location": location}}))
                .expect("partition input");
        let mut tx = self.store().begin().await.expect("tx");
        catalog::partition::create(&mut tx, &self.sources.scope, "shop", table, input)
            .await
            .expect("partition");
        tx.commit().await.expect("commit");
    }

    pub(super) async fn sql(&self, text: &str) -> Result<(String, RunStats), EngineError> {
        let session = self.session();
        let frame = session.sql(text).await?;
        let (batches, stats) = session.collect(frame).await?;
        Ok((rows(&batches), stats))
    }

    pub(super) async fn error(&self, text: &str) -> EngineError {
        self.sql(text).await.expect_err("should fail")
    }

    /// Three CSV partitions of orders by day, with a header each.
    pub(super) async fn orders(&self) {
        self.table("orders", csv(), "id bigint;amount double;note string", "day string;n int", "orders/")
            .await;
        for (day, n, lines) in [
            ("2024-01-01", "1", "1,10.5,a\n2,20,\"b,b\"\n"),
            ("2024-01-02", "2", "3,30,c\n"),
            ("2024-01-03", "10", "4,40,d\n5,50,e\n6,,f\n"),
        ] {
            let folder = format!("orders/day={day}/n={n}/");
            self.put(&format!("{folder}part.csv"), format!("id,amount,note\n{lines}")).await;
            self.partition("orders", &[day, n], Some(&folder)).await;
        }
    }
}

pub(super) fn csv() -> Value {
    json!({"library": CSV_SERDE, "serde": {"separatorChar": ","}, "table": {"skip.header.line.count": "1"}})
}

pub(super) fn lazy_csv() -> Value {
    json!({"library": LAZY_SERDE, "serde": {"field.delim": ","}, "table": {}})
}

pub(super) fn json_lines() -> Value {
    json!({"library": JSON_SERDE, "serde": {}, "table": {}})
}

pub(super) fn parquet() -> Value {
    json!({"library": PARQUET_SERDE, "serde": {}, "table": {}})
}

/// Result rows as `a|b|c` lines in the order given.
pub(super) fn rows(batches: &[RecordBatch]) -> String {
    let table = pretty_format_batches(batches).expect("format").to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let clean = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        cells.join("|")
    };
    lines.map(clean).collect::<Vec<_>>().join("\n")
}

pub(super) fn parquet_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer =
        datafusion::parquet::arrow::ArrowWriter::try_new(&mut out, batch.schema(), None).expect("writer");
    writer.write(batch).expect("write");
    writer.close().expect("close");
    out
}

pub(super) async fn provider_frame(
    session: &Session,
    table: &str,
    options: TableOptions,
) -> Arc<Vec<RecordBatch>> {
    let frame = session.table("shop", table, options).await.expect("frame");
    Arc::new(session.collect(frame).await.expect("collect").0)
}
