//! Measures the engine alone: a generated CSV object to partitioned Parquet, published, and counted again.
//!
//! `cargo run -p engine --example csv_to_parquet -- [rows] [memory in MiB]`, by default ten million rows and 512 MiB.
//! The data lives in a temporary folder. Prints seconds, rates and the process's peak memory.

use std::{error::Error, fmt::Write as _, time::Instant};

use engine::{
    BadRecordPolicy, Engine, Options, PathFormat, PathSource, Session, SessionOptions, Sources,
    write::{Spec, publish, write_partitioned},
};
use formats::CsvOptions;
use lake::{BucketName, Conditions, Key, Lake, Meta, UploadChecks};
use store::{Scope, Store};

type Outcome<T> = Result<T, Box<dyn Error>>;

const DAYS: u64 = 365;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let memory_mib: usize = arguments.next().map_or(Ok(512), |text| text.parse())?;
    tokio::runtime::Runtime::new()?.block_on(run(rows, memory_mib))
}

async fn run(rows: u64, memory_mib: usize) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let (store, _store_dir) = store::testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS]).await;
    let lake =
        Lake::open(store.clone(), lake::Options { dir: dir.path().join("objects"), durable: true }).await?;
    let scope = Scope::new("000000000000", "us-east-1")?;
    let bucket = BucketName::new("bench-bucket")?;
    let mut tx = store.begin().await?;
    lake.create_bucket(&mut tx, &scope, &bucket).await?;
    tx.commit().await?;
    let started = Instant::now();
    let bytes = generate(&store, &lake, &bucket, rows).await?;
    report("generate and put CSV", started, rows, bytes);

    let options = Options { memory_bytes: memory_mib << 20, ..Options::new(dir.path().join("spill")) };
    let engine = Engine::new(options)?;
    let options = SessionOptions { on_bad_record: BadRecordPolicy::Fail, ..SessionOptions::default() };
    let session = engine.session(Sources { store: store.clone(), lake: lake.clone(), scope }, options);
    let started = Instant::now();
    let csv = CsvOptions { multiline: false, ..CsvOptions::standard() };
    let source = PathSource {
        format: PathFormat::Csv(csv),
        ..PathSource::new(vec!["s3://bench-bucket/in/".to_owned()])
    };
    let frame = session.read_path(source).await?;
    let spec = Spec { partition_keys: vec!["day".to_owned()], ..Spec::parquet(bucket, "out/", "bench") };
    let output = write_partitioned(&session, frame, &spec).await?;
    let (written, files) = (output.bytes, output.files.len());
    let mut tx = store.begin().await?;
    publish(&mut tx, &lake, output).await?;
    tx.commit().await?;
    report("CSV to partitioned Parquet", started, rows, bytes);
    println!("  {files} files, {:.1} MB of Parquet", written as f64 / 1e6);
    count(&session).await?;
    println!("peak memory {:.0} MB", peak_mib()?);
    Ok(())
}

async fn count(session: &Session) -> Outcome<()> {
    let started = Instant::now();
    let frame = session.read_path(PathSource::new(vec!["s3://bench-bucket/out/".to_owned()])).await?;
    session.register_view("out", frame);
    let text = "SELECT day, count(*) AS n, sum(amount) AS total FROM out GROUP BY day ORDER BY day";
    let (batches, stats) = session.collect(session.sql(text).await?).await?;
    let days: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    report("aggregate the Parquet", started, stats.rows_scanned, stats.bytes_scanned);
    println!("  {days} days from {} files", stats.files_read);
    Ok(())
}

/// Puts one CSV object of orders; its size.
async fn generate(store: &Store, lake: &Lake, bucket: &BucketName, rows: u64) -> Outcome<u64> {
    let mut upload = lake.upload(UploadChecks::default())?;
    let mut text = String::from("order_id,customer_id,day,amount,status,note\n");
    for n in 0..rows {
        let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let (month, day) = (random % DAYS / 31 % 12 + 1, random % DAYS % 28 + 1);
        let status = ["new", "paid", "shipped", "returned"][(random % 4) as usize];
        let customer = random % 100_000;
        let amount = random % 100_000;
        writeln!(
            text,
            "{n},{customer},2024-{month:02}-{day:02},{}.{:02},{status},note {customer}",
            amount / 100,
            amount % 100
        )?;
        if text.len() > 1 << 20 {
            upload.write(std::mem::take(&mut text).into()).await?;
        }
    }
    upload.write(text.into()).await?;
    let staged = upload.finish().await?;
    let size = staged.size;
    let mut tx = store.begin().await?;
    lake.put(&mut tx, bucket, &Key::new("in/orders.csv")?, staged, Meta::default(), &Conditions::default())
        .await?;
    tx.commit().await?;
    Ok(size)
}

fn report(what: &str, started: Instant, rows: u64, bytes: u64) {
    let seconds = started.elapsed().as_secs_f64();
    let (millions, megabytes) = (rows as f64 / 1e6, bytes as f64 / 1e6);
    println!("{what}: {seconds:.2} s, {:.2} M rows/s, {:.0} MB/s", millions / seconds, megabytes / seconds);
}

/// The process's peak resident memory.
fn peak_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no value")?.parse()?;
    Ok(kib / 1024.0)
}
