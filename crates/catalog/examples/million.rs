//! Loads 1,000 to 1,000,000 partitions of one table into SQLite and prints how long things take.
//!
//! `cargo run -p catalog --example million -- [PARTITIONS …]`; without arguments 1,000, 10,000,
//! 100,000 and 1,000,000. Each size gets a fresh store in a temporary folder. Listings are the
//! median of nine; the rest is one measurement.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use catalog::partition::{self, PartitionQuery};
use catalog::{Column, DatabaseInput, PartitionInput, StorageDescriptor, TableInput, database, purge, table};
use store::{Location, RandomIds, Scope, Store, SystemClock};

/// Partitions per transaction of the load.
const BATCH: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let given: Vec<usize> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let sizes = if given.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { given };
    for size in sizes {
        measure(size).await?;
    }
    Ok(())
}

async fn measure(size: usize) -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let location = Location::Sqlite { path: folder.path().join("store.db"), durable: true };
    let store =
        Store::open(location, &[catalog::MIGRATIONS], Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let scope = Scope::new("000000000000", "us-east-1")?;
    println!("\n{size} partitions");
    prepare(&store, &scope).await?;
    let started = Instant::now();
    for from in (0..size).step_by(BATCH) {
        let inputs = (from..size.min(from + BATCH)).map(input).collect();
        let mut tx = store.begin().await?;
        let failed = partition::batch_create(&mut tx, &scope, "db", "t", inputs).await?;
        ensure!(failed.is_empty(), "every partition is new");
        tx.commit().await?;
    }
    let took = started.elapsed();
    println!(
        "{:46} {took:>10.1?}  ({:.0}/s)",
        "load, 1000 per transaction",
        size as f64 / took.as_secs_f64()
    );
    one_by_one(&store, &scope, size).await?;
    listings(&store, &scope, size).await?;
    everything(&store, &scope).await?;
    removal(&store, &scope).await?;
    store.close().await;
    Ok(())
}

async fn prepare(store: &Store, scope: &Scope) -> Result<()> {
    let mut tx = store.begin().await?;
    database::create(&mut tx, scope, DatabaseInput { name: "db".to_owned(), ..Default::default() }).await?;
    let keys = [("region", "string"), ("dt", "date"), ("hour", "int"), ("shop", "bigint")];
    let input = TableInput {
        name: "t".to_owned(),
        partition_keys: Some(keys.iter().map(|(name, hive)| Column::new(*name, *hive)).collect()),
        storage_descriptor: Some(descriptor("s3://lake/t/")),
        ..Default::default()
    };
    table::create(&mut tx, scope, "db", input, "example").await?;
    Ok(tx.commit().await?)
}

fn descriptor(location: &str) -> StorageDescriptor {
    StorageDescriptor {
        columns: Some((0..40).map(|n| Column::new(format!("column_{n}"), "string")).collect()),
        location: Some(location.to_owned()),
        input_format: Some("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat".to_owned()),
        output_format: Some("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat".to_owned()),
        ..Default::default()
    }
}

/// Partition `n`: 4 regions, 24 hours and so many shops that a year is full at a million.
fn values(n: usize) -> Vec<String> {
    let (region, hour, day, shop) = (n % 4, n / 4 % 24, n / 96 % 336, n / 32_256);
    let date = format!("2024-{:02}-{:02}", day / 28 + 1, day % 28 + 1);
    vec![format!("region-{region}"), date, hour.to_string(), shop.to_string()]
}

fn input(n: usize) -> PartitionInput {
    let values = values(n);
    let location =
        format!("s3://lake/t/region={}/dt={}/hour={}/shop={}/", values[0], values[1], values[2], values[3]);
    PartitionInput { storage_descriptor: Some(descriptor(&location)), values, ..Default::default() }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn one_by_one(store: &Store, scope: &Scope, size: usize) -> Result<()> {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for n in 0..100 {
        let started = Instant::now();
        let mut tx = store.read().await?;
        partition::get(&mut tx, scope, "db", "t", &values(n * 7919 % size)).await?;
        drop(tx);
        reads.push(started.elapsed());
        let started = Instant::now();
        let mut tx = store.begin().await?;
        partition::create(&mut tx, scope, "db", "t", input(size + n)).await?;
        tx.commit().await?;
        writes.push(started.elapsed());
    }
    println!("{:46} {:>10.1?}", "get one (median of 100)", median(reads));
    println!("{:46} {:>10.1?}", "create one, synced (median of 100)", median(writes));
    Ok(())
}

async fn listings(store: &Store, scope: &Scope, size: usize) -> Result<()> {
    let middle = values(size / 2);
    let all = format!(
        "region = '{}' AND dt = '{}' AND hour = {} AND shop = {}",
        middle[0], middle[1], middle[2], middle[3]
    );
    let expressions = [
        "".to_owned(),
        all,
        format!("dt = '{}'", middle[1]),
        "region = 'region-1' AND dt BETWEEN '2024-01-05' AND '2024-01-06'".to_owned(),
        "dt >= '2024-01-10' AND dt < '2024-01-12' AND hour > 20".to_owned(),
        "hour IN (3, 4) AND shop = 0".to_owned(),
        "region LIKE 'region-2%' AND hour = 7".to_owned(),
        "shop = 999999999".to_owned(),
        "region LIKE '%nowhere'".to_owned(),
    ];
    for expression in &expressions {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..9 {
            let started = Instant::now();
            let mut tx = store.read().await?;
            let query = PartitionQuery { expression: Some(expression), limit: 1_000, ..Default::default() };
            found = partition::list(&mut tx, scope, "db", "t", &query).await?.items.len();
            times.push(started.elapsed());
        }
        let shown = if expression.is_empty() { "(no expression)" } else { expression };
        println!("list {found:>4}  {:>10.1?}  {shown}", median(times));
    }
    Ok(())
}

async fn everything(store: &Store, scope: &Scope) -> Result<()> {
    let started = Instant::now();
    let (mut after, mut seen) = (None::<String>, 0);
    loop {
        let mut tx = store.read().await?;
        let query = PartitionQuery {
            after: after.as_deref(),
            limit: 1_000,
            exclude_column_schema: true,
            ..Default::default()
        };
        let page = partition::list(&mut tx, scope, "db", "t", &query).await?;
        seen += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    println!("{:46} {:>10.1?}  ({seen} partitions)", "list everything, 1000 per page", started.elapsed());
    Ok(())
}

async fn removal(store: &Store, scope: &Scope) -> Result<()> {
    let started = Instant::now();
    let mut tx = store.begin().await?;
    table::delete(&mut tx, scope, "db", "t").await?;
    tx.commit().await?;
    println!("{:46} {:>10.1?}", "delete the table", started.elapsed());
    let (mut longest, started) = (Duration::ZERO, Instant::now());
    loop {
        let batch = Instant::now();
        let mut tx = store.begin().await?;
        let worked = purge::batch(&mut tx).await?;
        tx.commit().await?;
        longest = longest.max(batch.elapsed());
        if !worked {
            break;
        }
    }
    println!("{:46} {:>10.1?}  (longest hold {longest:.1?})", "purge, in the background", started.elapsed());
    Ok(())
}
