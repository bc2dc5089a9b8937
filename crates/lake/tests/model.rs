//! Random operations on the real lake and on a plain map give the same answers, and nothing is left on disk that the
//! map does not hold.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

use lake::{
    BucketName, CompleteChecks, CompletePart, Conditions, CopyOptions, EtagCondition, Key, Lake, LakeError,
    ListQuery, Meta, Options,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Location, RandomIds, Scope, Store, SystemClock, testing};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[path = "model/overlay.rs"]
mod overlay;
#[path = "../../store/tests/conformance/server.rs"]
mod server;

const KEYS: [&str; 9] = ["a", "a/", "a//b", "a/b", "a/b/c", "ab", "b", "é/x", "z"];

#[derive(Clone, Debug)]
enum Op {
    Put { key: usize, size: usize, fill: u8, if_none_match: bool },
    PutMany { keys: Vec<usize>, size: usize, fill: u8 },
    RolledBack { key: usize, size: usize },
    Delete { key: usize, if_match: bool },
    DeleteMany { keys: Vec<usize> },
    Copy { from: usize, to: usize },
    Multipart { key: usize, last: usize, fill: u8, copy_from: Option<usize>, abort: bool },
    Read { key: usize, start: u64, len: u64 },
    List { prefix: usize, delimiter: bool, limit: usize },
    Collect,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = 0..KEYS.len();
    let size = prop_oneof![Just(0), 1..200usize, 16_000..17_000usize, 1_000_000..1_200_000usize];
    let one = prop_oneof![
        4 => (key.clone(), size.clone(), any::<u8>(), prop::bool::weighted(0.2))
            .prop_map(|(key, size, fill, if_none_match)| Op::Put { key, size, fill, if_none_match }),
        1 => (prop::collection::vec(key.clone(), 0..5), size.clone(), any::<u8>())
            .prop_map(|(keys, size, fill)| Op::PutMany { keys, size, fill }),
        1 => (key.clone(), size.clone()).prop_map(|(key, size)| Op::RolledBack { key, size }),
        2 => (key.clone(), any::<bool>()).prop_map(|(key, if_match)| Op::Delete { key, if_match }),
        1 => prop::collection::vec(key.clone(), 0..5).prop_map(|keys| Op::DeleteMany { keys }),
        2 => (key.clone(), key.clone()).prop_map(|(from, to)| Op::Copy { from, to }),
        1 => (key.clone(), size, any::<u8>(), prop::option::of(key.clone()), prop::bool::weighted(0.3))
            .prop_map(|(key, last, fill, copy_from, abort)| Op::Multipart { key, last, fill, copy_from, abort }),
        2 => (key.clone(), 0..20_000u64, 0..1_200_000u64).prop_map(|(key, start, len)| Op::Read { key, start, len }),
        2 => (0..4usize, any::<bool>(), 1..5usize)
            .prop_map(|(prefix, delimiter, limit)| Op::List { prefix, delimiter, limit }),
        1 => Just(Op::Collect),
    ];
    prop::collection::vec(one, 1..30)
}

fn body(size: usize, fill: u8) -> Vec<u8> {
    (0..size).map(|i| fill.wrapping_add((i % 251) as u8)).collect()
}

fn key(index: usize) -> Key {
    Key::new(KEYS[index]).unwrap()
}

struct World {
    lake: Lake,
    bucket: BucketName,
    model: BTreeMap<String, Vec<u8>>,
}

impl World {
    async fn stage(&self, bytes: &[u8]) -> lake::Staged {
        self.lake.stage_bytes(bytes.to_vec()).await.unwrap()
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Put { key: k, size, fill, if_none_match } => {
                self.put(k, body(size, fill), if_none_match).await
            }
            Op::PutMany { keys, size, fill } => self.put_many(&keys, &body(size, fill)).await,
            Op::RolledBack { key: k, size } => {
                let staged = self.stage(&body(size, 1)).await;
                let mut tx = self.lake.store().begin().await.unwrap();
                self.lake
                    .put(&mut tx, &self.bucket, &key(k), staged, Meta::default(), &Conditions::NONE)
                    .await
                    .unwrap();
                drop(tx);
            }
            Op::Delete { key: k, if_match } => self.delete(k, if_match).await,
            Op::DeleteMany { keys } => {
                let keys: Vec<Key> = keys.into_iter().map(key).collect();
                let mut tx = self.lake.store().begin().await.unwrap();
                let removed = self.lake.delete_many(&mut tx, &self.bucket, &keys).await.unwrap();
                tx.commit().await.unwrap();
                let distinct: BTreeSet<Key> = keys.into_iter().collect();
                let expected = distinct.iter().filter(|k| self.model.remove(k.as_str()).is_some()).count();
                assert_eq!(removed, expected as u64);
            }
            Op::Copy { from, to } => self.copy(from, to).await,
            Op::Multipart { key: k, last, fill, copy_from, abort } => {
                self.multipart(k, body(last, fill), copy_from, abort).await;
            }
            Op::Read { key: k, start, len } => self.read(k, start, len).await,
            Op::List { prefix, delimiter, limit } => {
                self.list(["", "a", "a/", "é"][prefix], delimiter, limit).await
            }
            Op::Collect => {
                self.lake.collect_once().await.unwrap();
            }
        }
    }

    async fn put(&mut self, k: usize, bytes: Vec<u8>, if_none_match: bool) {
        let conditions = Conditions {
            if_none_match: if_none_match.then_some(EtagCondition::Any),
            ..Conditions::default()
        };
        let staged = self.stage(&bytes).await;
        let mut tx = self.lake.store().begin().await.unwrap();
        let put = self.lake.put(&mut tx, &self.bucket, &key(k), staged, Meta::default(), &conditions).await;
        if if_none_match && self.model.contains_key(KEYS[k]) {
            assert!(matches!(put, Err(LakeError::PreconditionFailed { .. })));
            return;
        }
        assert_eq!(put.unwrap().size, bytes.len() as u64);
        tx.commit().await.unwrap();
        self.model.insert(KEYS[k].to_owned(), bytes);
    }

    async fn put_many(&mut self, keys: &[usize], bytes: &[u8]) {
        let mut objects = Vec::new();
        for (n, k) in keys.iter().enumerate() {
            let mut own = bytes.to_vec();
            own.push(n as u8);
            objects.push((key(*k), self.stage(&own).await, Meta::default()));
            self.model.insert(KEYS[*k].to_owned(), own);
        }
        let mut tx = self.lake.store().begin().await.unwrap();
        self.lake.put_many(&mut tx, &self.bucket, objects).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn delete(&mut self, k: usize, if_match: bool) {
        let mut tx = self.lake.store().begin().await.unwrap();
        let wrong = EtagCondition::parse("\"00000000000000000000000000000000\"");
        let conditions = Conditions { if_match: if_match.then_some(wrong), ..Conditions::default() };
        let deleted = self.lake.delete(&mut tx, &self.bucket, &key(k), &conditions).await;
        match (if_match, self.model.contains_key(KEYS[k])) {
            (true, true) => assert!(matches!(deleted, Err(LakeError::PreconditionFailed { .. }))),
            (true, false) => assert!(matches!(deleted, Err(LakeError::NoSuchKey { .. }))),
            (false, there) => {
                assert_eq!(deleted.unwrap(), there);
                tx.commit().await.unwrap();
                self.model.remove(KEYS[k]);
            }
        }
    }

    async fn copy(&mut self, from: usize, to: usize) {
        let mut tx = self.lake.store().begin().await.unwrap();
        let source = self.lake.get(&mut tx, &self.bucket, &key(from), &Conditions::NONE).await;
        let Some(bytes) = self.model.get(KEYS[from]).cloned() else {
            assert!(matches!(source, Err(LakeError::NoSuchKey { .. })));
            return;
        };
        let (options, none) = (CopyOptions::default(), Conditions::NONE);
        self.lake.copy(&mut tx, &source.unwrap(), &self.bucket, &key(to), options, &none).await.unwrap();
        tx.commit().await.unwrap();
        self.model.insert(KEYS[to].to_owned(), bytes);
    }

    async fn multipart(&mut self, k: usize, last: Vec<u8>, copy_from: Option<usize>, abort: bool) {
        let lake = self.lake.clone();
        let mut tx = lake.store().begin().await.unwrap();
        let upload = lake.create_upload(&mut tx, &self.bucket, &key(k), Meta::default(), None).await.unwrap();
        tx.commit().await.unwrap();
        let first = body(5 << 20, 3);
        let mut whole = first.clone();
        let mut named = Vec::new();
        for (number, bytes) in
            [(2, first.as_slice()), (2, first.as_slice()), (9, last.as_slice()), (7, b"unused")]
        {
            let staged = self.stage(bytes).await;
            let mut tx = lake.store().begin().await.unwrap();
            let part =
                lake.put_part(&mut tx, &self.bucket, &key(k), &upload.id, number, staged).await.unwrap();
            tx.commit().await.unwrap();
            named.retain(|p: &CompletePart| p.number != number);
            if number != 7 {
                named.push(CompletePart { number, etag: part.etag, checksums: part.checksums });
            }
        }
        whole.extend(&last);
        if let Some(from) = copy_from.filter(|from| self.model.contains_key(KEYS[*from]) && last.is_empty()) {
            let source = self.model[KEYS[from]].clone();
            let range = (source.len() / 3) as u64..source.len() as u64;
            let mut tx = lake.store().begin().await.unwrap();
            let object = lake.get(&mut tx, &self.bucket, &key(from), &Conditions::NONE).await.unwrap();
            let sum = [upload.checksum().0];
            let copied = object.copy_range(range.clone(), &sum).await.unwrap();
            let part =
                lake.put_part_copy(&mut tx, &self.bucket, &key(k), &upload.id, 9, copied).await.unwrap();
            tx.commit().await.unwrap();
            named.pop();
            named.push(CompletePart { number: 9, etag: part.etag, checksums: vec![] });
            whole.extend(&source[range.start as usize..]);
        }
        let mut tx = lake.store().begin().await.unwrap();
        if abort {
            lake.abort_upload(&mut tx, &self.bucket, &key(k), &upload.id).await.unwrap();
        } else {
            let checks = CompleteChecks { size: Some(whole.len() as u64), ..CompleteChecks::default() };
            let (bucket, none) = (&self.bucket, Conditions::NONE);
            let info = lake
                .complete_upload(&mut tx, bucket, &key(k), &upload.id, &named, &checks, &none)
                .await
                .unwrap();
            assert!(info.etag.ends_with("-2"));
            self.model.insert(KEYS[k].to_owned(), whole);
        }
        tx.commit().await.unwrap();
    }

    async fn read(&self, k: usize, start: u64, len: u64) {
        let mut tx = self.lake.store().read().await.unwrap();
        let object = self.lake.get(&mut tx, &self.bucket, &key(k), &Conditions::NONE).await;
        let Some(expected) = self.model.get(KEYS[k]) else {
            assert!(matches!(object, Err(LakeError::NoSuchKey { .. })));
            return;
        };
        let object = object.unwrap();
        let size = expected.len() as u64;
        assert_eq!(object.info().size, size);
        let (from, to) = (start.min(size) as usize, (start + len).min(size) as usize);
        assert_eq!(object.read_range(start..start + len).await.unwrap(), expected[from..to]);
        let mut streamed = Vec::new();
        let mut stream = std::pin::pin!(object.read(start..start + len));
        while let Some(piece) = futures::StreamExt::next(&mut stream).await {
            streamed.extend_from_slice(&piece.unwrap());
        }
        assert!(streamed == expected[from..to]);
        let (tag, _) = object.digest(0..size, &[lake::Algorithm::Sha1]).await.unwrap();
        if !object.info().etag.contains('-') {
            assert_eq!(tag, object.info().etag);
        }
    }

    async fn list(&self, prefix: &str, delimiter: bool, limit: usize) {
        let mut expected: Vec<String> = Vec::new();
        for key in self.model.keys().filter(|k| k.starts_with(prefix)) {
            let entry = match key[prefix.len()..].find('/').filter(|_| delimiter) {
                Some(at) => format!("P{}", &key[..prefix.len() + at + 1]),
                None => format!("K{key}"),
            };
            if expected.last() != Some(&entry) {
                expected.push(entry);
            }
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let delimiter = delimiter.then(|| "/".to_owned());
            let query = ListQuery { prefix: prefix.to_owned(), delimiter, after, limit };
            let mut tx = self.lake.store().read().await.unwrap();
            let page = self.lake.list(&mut tx, &self.bucket, &query).await.unwrap();
            assert!(page.objects.len() + page.common_prefixes.len() <= limit);
            found.extend(page.objects.iter().map(|o| format!("K{}", o.key)));
            found.extend(page.common_prefixes.iter().map(|p| format!("P{p}")));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        found.sort_by(|a, b| a[1..].cmp(&b[1..]));
        assert_eq!(found, expected);
    }

    /// Every large object's bytes are on disk once, and nothing else is.
    async fn check_disk(&self, dir: &std::path::Path) {
        self.lake.collect_once().await.unwrap();
        let mut tx = self.lake.store().read().await.unwrap();
        let mut named = BTreeSet::new();
        for key in self.model.keys() {
            let key = Key::new(key.as_str()).unwrap();
            let object = self.lake.get(&mut tx, &self.bucket, &key, &Conditions::NONE).await.unwrap();
            for segment in object.segments(0..u64::MAX).unwrap() {
                if let lake::Place::File(path) = segment.place {
                    named.insert(path);
                }
            }
            check_open(&object).await;
        }
        let mut present = BTreeSet::new();
        for shard in std::fs::read_dir(dir.join("extents")).unwrap() {
            for file in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                present.insert(file.unwrap().path());
            }
        }
        assert_eq!(present, named);
        let rows = tx.query("SELECT COUNT(*) FROM lake_garbage", &[]).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0);
        let rows = tx.query("SELECT COUNT(*) FROM lake_extents WHERE refs < 1", &[]).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0);
    }
}

/// Read by position, an object is what it is as a stream.
async fn check_open(object: &lake::Object) {
    let (mut open, mut bytes, mut buffer) = (object.open().unwrap(), Vec::new(), vec![0; 7_001]);
    loop {
        match open.read_at(&mut buffer, bytes.len() as u64).unwrap() {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    assert_eq!(bytes, object.read_range(0..u64::MAX).await.unwrap());
}

async fn run(store: Store, folder: &TempDir, ops: Vec<Op>) {
    let dir = folder.path().join("lake");
    let lake = Lake::open(store, Options { dir: dir.clone(), durable: false }).await.unwrap();
    let bucket = BucketName::new("bucket").unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    let scope = Scope::new("000000000000", "us-east-1").unwrap();
    lake.create_bucket(&mut tx, &scope, &bucket).await.unwrap();
    tx.commit().await.unwrap();
    let mut world = World { lake, bucket, model: BTreeMap::new() };
    for op in ops {
        world.apply(op).await;
    }
    for k in 0..KEYS.len() {
        world.read(k, 0, 1 << 30).await;
    }
    for (prefix, delimiter) in [("", true), ("", false), ("a/", true)] {
        world.list(prefix, delimiter, 2).await;
    }
    world.check_disk(&dir).await;
    let all: Vec<usize> = (0..KEYS.len()).collect();
    world.apply(Op::DeleteMany { keys: all }).await;
    world.check_disk(&dir).await;
    let mut tx = world.lake.store().begin().await.unwrap();
    world.lake.delete_bucket(&mut tx, &world.bucket).await.unwrap();
    tx.commit().await.unwrap();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 200, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(24))]
    #[test]
    fn the_lake_behaves_like_a_map(ops in ops()) {
        runtime().block_on(async {
            let (store, folder) = testing::temp(&[lake::MIGRATIONS]).await;
            run(store, &folder, ops).await;
        });
    }
}

/// Runs random cases on PostgreSQL, each in a schema of its own.
fn on_postgresql<S: Strategy>(cases: &S, run: impl AsyncFn(Store, &TempDir, S::Value)) {
    let server = server::Server::start();
    let mut runner = proptest::test_runner::TestRunner::new(config(6));
    let schemas = std::cell::Cell::new(0);
    let tested = runner.run(cases, |case| {
        schemas.set(schemas.get() + 1);
        let schema = format!("case{}", schemas.get());
        runtime().block_on(async {
            let folder = TempDir::new().unwrap();
            let location = Location::Postgres { url: server.url(), schema };
            let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
            let store = Store::open(location, &[lake::MIGRATIONS], clock, ids).await.unwrap();
            run(store.clone(), &folder, case).await;
            store.close().await;
        });
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn the_lake_behaves_like_a_map_on_postgresql() {
    on_postgresql(&ops(), async |store, folder, ops| run(store, folder, ops).await);
}

#[test]
fn an_overlay_on_postgresql() {
    on_postgresql(&overlay::cases(), async |store, folder, case| overlay::run(store, folder, case).await);
}
