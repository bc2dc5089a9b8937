//! `kill -9` under load: every acknowledged commit is there after the restart, and no half of any other.
//!
//! The test starts itself as a child that commits from several tasks and prints each id once its commit is
//! acknowledged. The child ends by SIGKILL: sent by the parent, or raised by a crash point.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use store::{Location, Migrations, RandomIds, Store, SystemClock, crash, params};
use tempfile::TempDir;
use tokio::task::JoinSet;

const TABLES: Migrations = Migrations {
    owner: "test",
    steps: &["CREATE TABLE test_pairs (writer {int}, n {int}, half {int}, PRIMARY KEY (writer, n, half));\n"],
};
const FOLDER: &str = "STORE_DURABILITY_FOLDER";
const POINT: &str = "STORE_DURABILITY_POINT";
const WRITERS: i64 = 8;

async fn open(folder: &Path) -> Store {
    let location = Location::Sqlite { path: folder.join("store.db"), durable: true };
    Store::open(location, &[TABLES], Arc::new(SystemClock), Arc::new(RandomIds)).await.unwrap()
}

/// The child's part: does nothing in an ordinary test run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    if let Some(point) = std::env::var_os(POINT) {
        crash::arm(point.to_str().unwrap(), &folder.join("marker")).unwrap();
    }
    let store = open(folder).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for n in 0i64.. {
                let mut tx = store.begin().await.unwrap();
                for half in 0..2 {
                    let sql = "INSERT INTO test_pairs (writer, n, half) VALUES ($1, $2, $3)";
                    tx.execute(sql, &params![writer, n, half]).await.unwrap();
                }
                tx.commit().await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nacked {writer} {n}").unwrap();
                out.flush().unwrap();
            }
        });
    }
    while writers.join_next().await.is_some() {}
}

fn start(folder: &Path, point: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped());
    if let Some(point) = point {
        command.env(POINT, point);
    }
    command.spawn().unwrap()
}

/// Reads acknowledgements until the child is gone; kills it after `kill_after` of them.
fn acknowledged(mut child: Child, kill_after: usize) -> BTreeSet<(i64, i64)> {
    let mut acked = BTreeSet::new();
    let output = BufReader::new(child.stdout.take().unwrap());
    for line in output.lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["acked", writer, n] = words[..] {
            acked.insert((writer.parse().unwrap(), n.parse().unwrap()));
        }
        if acked.len() == kill_after {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the child ended otherwise: {status:?}");
    acked
}

async fn verify(folder: &Path, acked: &BTreeSet<(i64, i64)>) {
    let store = open(folder).await;
    let mut tx = store.read().await.unwrap();
    let rows = tx.query("SELECT writer, n, count(*) FROM test_pairs GROUP BY writer, n", &[]).await.unwrap();
    let mut found = BTreeSet::new();
    for row in rows {
        let pair = (row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap());
        assert_eq!(row.get::<i64>(2).unwrap(), 2, "half of {pair:?} is visible");
        found.insert(pair);
    }
    let lost: Vec<_> = acked.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // What was not acknowledged may be there: at most the one commit that each writer had under way.
    assert!(found.len() - acked.len() <= usize::try_from(WRITERS).unwrap());
}

#[tokio::test]
async fn acknowledged_commits_survive_sigkill() {
    for kill_after in [1, 40, 200] {
        let folder = TempDir::new().unwrap();
        let acked = acknowledged(start(folder.path(), None), kill_after);
        assert!(acked.len() >= kill_after);
        verify(folder.path(), &acked).await;
    }
}

#[tokio::test]
async fn crash_points_stop_at_the_commit() {
    for point in
        ["store.commit.before@7", "store.commit.after@7", "store.commit.before", "store.commit.after@30"]
    {
        let folder = TempDir::new().unwrap();
        let acked = acknowledged(start(folder.path(), Some(point)), usize::MAX);
        let name = point.split('@').next().unwrap();
        let marker = std::fs::read_to_string(folder.path().join("marker")).unwrap();
        assert_eq!(marker, format!("{name}\n"));
        verify(folder.path(), &acked).await;
    }
}
