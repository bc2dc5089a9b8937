//! A child process is stopped dead at each named point while it puts objects; the lake is then opened again: what was
//! acknowledged is there, nothing else is visible, and no bytes are left over.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use lake::{BucketName, CompleteChecks, CompletePart, Conditions, Key, Lake, Meta, Options};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use store::{Location, RandomIds, Scope, Store, SystemClock};

const SIZE: usize = 100_000;

async fn open(folder: &Path) -> Lake {
    let location = Location::Sqlite { path: folder.join("store.db"), durable: true };
    let store =
        Store::open(location, &[lake::MIGRATIONS], Arc::new(SystemClock), Arc::new(RandomIds)).await.unwrap();
    Lake::open(store, Options { dir: folder.join("lake"), durable: true }).await.unwrap()
}

fn bucket() -> BucketName {
    BucketName::new("bucket").unwrap()
}

async fn put(lake: &Lake, name: &str, bytes: Vec<u8>) {
    let staged = lake.stage_bytes(bytes).await.unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    let key = Key::new(name).unwrap();
    lake.put(&mut tx, &bucket(), &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
    tx.commit().await.unwrap();
}

async fn multipart(lake: &Lake, name: &str, bytes: Vec<u8>) {
    let key = Key::new(name).unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    let upload = lake.create_upload(&mut tx, &bucket(), &key, Meta::default(), None).await.unwrap();
    tx.commit().await.unwrap();
    let staged = lake.stage_bytes(bytes).await.unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    let part = lake.put_part(&mut tx, &bucket(), &key, &upload.id, 1, staged).await.unwrap();
    let named = [CompletePart { number: 1, etag: part.etag, checksums: vec![] }];
    let (checks, none) = (CompleteChecks::default(), Conditions::NONE);
    lake.complete_upload(&mut tx, &bucket(), &key, &upload.id, &named, &checks, &none).await.unwrap();
    tx.commit().await.unwrap();
}

/// The child: acknowledges on standard output what it has put, until the armed point stops it.
#[tokio::test]
#[ignore = "run by the test below as a child process"]
async fn child() {
    // The parent hands over the folder and the point in the child's standard input.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let (folder, spec) = line.trim().split_once('\t').unwrap();
    let folder = Path::new(folder);
    let lake = open(folder).await;
    let mut tx = lake.store().begin().await.unwrap();
    let scope = Scope::new("000000000000", "us-east-1").unwrap();
    lake.create_bucket(&mut tx, &scope, &bucket()).await.unwrap();
    tx.commit().await.unwrap();
    store::crash::arm(spec, &folder.join("marker")).unwrap();
    for round in 0..1000u32 {
        // One key is replaced over and over, so that there is garbage to collect.
        let (name, bytes) = (format!("k{round}"), vec![round as u8; SIZE]);
        match round % 3 {
            0 => multipart(&lake, &name, bytes).await,
            _ => put(&lake, &name, bytes).await,
        }
        put(&lake, "same", vec![round as u8; SIZE]).await;
        let mut out = std::io::stdout();
        writeln!(out, "ack {round}").unwrap();
        out.flush().unwrap();
        lake.collect_once().await.unwrap();
    }
}

async fn stopped_at(spec: &str) {
    let folder = tempfile::TempDir::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}\t{spec}", folder.path().display()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged: Vec<u32> = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("ack ").and_then(|n| n.trim().parse().ok()))
        .collect();
    assert!(!child.wait().unwrap().success());
    let point = spec.split('@').next().unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("marker")).unwrap().trim(), point);
    check(folder.path(), acknowledged.len() as u32).await;
}

async fn check(folder: &Path, acknowledged: u32) {
    let lake = open(folder).await;
    lake.collect_once().await.unwrap();
    let mut tx = lake.store().read().await.unwrap();
    for round in 0..acknowledged {
        let key = Key::new(format!("k{round}")).unwrap();
        let object = lake.get(&mut tx, &bucket(), &key, &Conditions::NONE).await.unwrap();
        assert_eq!(object.read_range(0..u64::MAX).await.unwrap(), vec![round as u8; SIZE]);
    }
    let query = lake::ListQuery { limit: 10_000, ..lake::ListQuery::default() };
    let page = lake.list(&mut tx, &bucket(), &query).await.unwrap();
    // The round under way may have committed its first object and not been acknowledged.
    let visible = page.objects.len() as u32;
    assert!(
        (acknowledged..=acknowledged + 2).contains(&visible),
        "{visible} visible, {acknowledged} acknowledged"
    );
    let mut files = 0;
    for object in &page.objects {
        let object = lake.get(&mut tx, &bucket(), &object.key, &Conditions::NONE).await.unwrap();
        let bytes = object.read_range(0..u64::MAX).await.unwrap();
        assert!(bytes.len() == SIZE && bytes.iter().all(|b| *b == bytes[0]));
        files += 1;
    }
    let parts = tx.query("SELECT COUNT(*) FROM lake_parts", &[]).await.unwrap();
    files += parts[0].get::<i64>(0).unwrap();
    let mut present = 0;
    for shard in std::fs::read_dir(folder.join("lake/extents")).unwrap() {
        present += std::fs::read_dir(shard.unwrap().path()).unwrap().count() as i64;
    }
    assert_eq!(present, files);
}

macro_rules! crash_tests {
    ($($name:ident: $spec:literal,)*) => { $(
        #[tokio::test]
        async fn $name() {
            stopped_at($spec).await;
        }
    )* };
}

crash_tests! {
    extent_written: "lake.extent.written@7",
    extent_synced: "lake.extent.synced@8",
    row_before_commit: "lake.put.row@6",
    after_commit: "lake.put.committed@7",
    complete_rows: "lake.complete.rows@2",
    collecting: "lake.gc.unlinked@4",
    store_before_commit: "store.commit.before@9",
    store_after_commit: "store.commit.after@9",
}
