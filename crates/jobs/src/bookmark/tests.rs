//! Bookmarks on a real store.

use serde_json::json;
use store::{Store, Tx};

use super::*;
use crate::MIGRATIONS;
use crate::run::tests::{job, scope};
use crate::run::{self, StartRequest};

#[derive(Debug, Clone, PartialEq)]
struct Object(&'static str, &'static str);

impl Versioned for Object {
    fn identity(&self) -> (&str, &str, &str) {
        ("bucket", self.0, self.1)
    }
}

fn processed(object: &Object) -> Processed {
    Processed {
        bucket: "bucket".to_owned(),
        key: object.0.to_owned(),
        etag: object.1.to_owned(),
        modified_ms: 1,
        size: 10,
    }
}

struct Fixture {
    store: Store,
    _dir: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> (Self, Tx) {
        let (store, dir) = store::testing::temp(&[MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        job(&mut tx, "j", json!({"ExecutionProperty": {"MaxConcurrentRuns": 99}})).await;
        (Self { store, _dir: dir }, tx)
    }
}

async fn new_run(tx: &mut Tx) -> Run {
    let id = run::start(tx, &scope(), "j", StartRequest::default()).await.unwrap();
    run::load(tx, &id).await.unwrap().unwrap()
}

/// What a run with this window would read; then moves the bookmark over it.
async fn process(tx: &mut Tx, objects: &[Object]) -> (String, Vec<&'static str>) {
    let run = new_run(tx).await;
    let planned = head(tx, &run.incarnation).await.unwrap().map_or(0, |entry| entry.version);
    let found = filter(tx, &run.incarnation, "n", Window::New, objects.to_vec()).await.unwrap();
    let files = found.read.iter().map(processed).collect();
    advance(tx, &run, planned, &[("n".to_owned(), files)]).await.unwrap();
    (run.id, found.read.iter().map(|object| object.0).collect())
}

#[tokio::test]
async fn late_and_rewritten_files_are_read_and_others_are_not() {
    let (fixture, mut tx) = Fixture::new().await;
    let (_, read) = process(&mut tx, &[Object("b", "1"), Object("d", "1")]).await;
    assert_eq!(read, ["b", "d"]);
    let (_, read) = process(&mut tx, &[Object("b", "1"), Object("d", "1")]).await;
    assert!(read.is_empty());
    // `a` comes before everything seen, `d` has other bytes.
    let (_, read) = process(&mut tx, &[Object("d", "2"), Object("b", "1"), Object("a", "1")]).await;
    assert_eq!(read, ["a", "d"]);
    let (_, read) = process(&mut tx, &[Object("d", "2"), Object("b", "1"), Object("a", "1")]).await;
    assert!(read.is_empty());
    let (entry, summary) = get(&mut tx, &scope(), "j", None).await.unwrap();
    assert_eq!((entry.version, entry.run_number), (4, 4));
    assert_eq!(summary["n"]["files"], 3);
    tx.commit().await.unwrap();
    drop(fixture.store);
}

#[tokio::test]
async fn of_two_runs_that_planned_alike_one_moves_the_bookmark() {
    let (_fixture, mut tx) = Fixture::new().await;
    let (first, second) = (new_run(&mut tx).await, new_run(&mut tx).await);
    advance(&mut tx, &first, 0, &[]).await.unwrap();
    let lost = advance(&mut tx, &second, 0, &[]).await;
    assert!(matches!(lost, Err(AdvanceError::Moved { planned: 0, current: 1 })));
}

#[tokio::test]
async fn resets_go_back_to_a_run_or_the_beginning_and_never_reuse_a_version() {
    let (_fixture, mut tx) = Fixture::new().await;
    assert!(matches!(reset(&mut tx, &scope(), "j", None).await, Err(JobsError::BookmarkNotFound { .. })));
    let (first, _) = process(&mut tx, &[Object("a", "1")]).await;
    let (second, _) = process(&mut tx, &[Object("a", "1"), Object("b", "1")]).await;
    let (entry, summary) = reset(&mut tx, &scope(), "j", Some(&first)).await.unwrap();
    assert_eq!((entry.version, entry.run_id.as_str()), (3, first.as_str()));
    assert_eq!(summary["n"]["files"], 1);
    assert!(get(&mut tx, &scope(), "j", Some(&second)).await.is_err());
    let (_, read) = process(&mut tx, &[Object("a", "1"), Object("b", "1")]).await;
    assert_eq!(read, ["b"]);
    let (entry, summary) = reset(&mut tx, &scope(), "j", None).await.unwrap();
    assert_eq!((entry.version, entry.run_number), (5, 0));
    assert_eq!(summary, json!({}));
    let (_, read) = process(&mut tx, &[Object("a", "1"), Object("b", "1")]).await;
    assert_eq!(read, ["a", "b"]);
}

#[tokio::test]
async fn a_paused_range_reads_what_the_runs_in_it_have_read() {
    let (_fixture, mut tx) = Fixture::new().await;
    let all = [Object("a", "1"), Object("b", "1"), Object("c", "1"), Object("new", "1")];
    let (first, _) = process(&mut tx, &all[..1]).await;
    let (second, _) = process(&mut tx, &all[..2]).await;
    let (third, _) = process(&mut tx, &all[..3]).await;
    let incarnation = definition::get(&mut tx, &scope(), "j").await.unwrap().incarnation;
    let window = window(&mut tx, &incarnation, Some(&first), Some(&second)).await.unwrap();
    let found = filter(&mut tx, &incarnation, "n", window, all.to_vec()).await.unwrap();
    assert_eq!((found.read, found.skipped), (vec![Object("b", "1")], 3));
    assert!(check_range(&mut tx, &incarnation, Some(&third), Some(&first)).await.is_err());
    assert!(check_range(&mut tx, &incarnation, Some("jr_x"), Some(&first)).await.is_err());
}

#[tokio::test]
async fn a_script_s_commit_counts_while_its_run_is_executed_under_its_fence() {
    use super::script::{Commit, CommitError, Seen, commit, known};

    let (_fixture, mut tx) = Fixture::new().await;
    let mut run = new_run(&mut tx).await;
    run::apply(&mut tx, &mut run, run::Event::Begun).await.unwrap();
    let lease = store::lease::acquire(&mut tx, &run.lease_name(), "me", 60_000).await.unwrap().unwrap();
    let asked = |fence, version, address: &str| Commit {
        job_name: "j".to_owned(),
        run_id: run.id.clone(),
        fence,
        version,
        read: [("ctx", address)]
            .into_iter()
            .map(|(context, address)| {
                let seen = Seen { etag: "e".to_owned(), size: 3, modified_ms: 5 };
                (context.to_owned(), [(address.to_owned(), seen)].into())
            })
            .collect(),
    };
    let stale = commit(&mut tx, &scope(), asked(lease.fence + 1, 0, "s3://b/x")).await;
    assert!(matches!(stale, Err(CommitError::Stale { .. })));
    assert_eq!(commit(&mut tx, &scope(), asked(lease.fence, 0, "s3://b/a/ä//b")).await.unwrap(), 1);
    let moved = commit(&mut tx, &scope(), asked(lease.fence, 0, "s3://b/x")).await;
    assert!(matches!(moved, Err(CommitError::Moved(_))));
    assert_eq!(commit(&mut tx, &scope(), asked(lease.fence, 1, "/tmp/local.csv")).await.unwrap(), 2);
    let found = known(&mut tx, &scope(), "j", None, None).await.unwrap();
    let expected =
        [("/tmp/local.csv".to_owned(), "e".to_owned()), ("s3://b/a/ä//b".to_owned(), "e".to_owned())];
    assert_eq!((found.version, found.again, &found.contexts["ctx"]), (2, false, &expected.into()));
    let again = known(&mut tx, &scope(), "j", Some(&run.id), Some(&run.id)).await.unwrap();
    assert!(again.again && again.contexts.is_empty());
    assert!(known(&mut tx, &scope(), "j", Some(&run.id), None).await.is_err());
    store::lease::release(&mut tx, &lease).await.unwrap();
    let late = commit(&mut tx, &scope(), asked(lease.fence, 2, "s3://b/x")).await;
    assert!(matches!(late, Err(CommitError::Stale { .. })));
}

fn files(sources: &[(&str, &str)]) -> edit::Sources {
    let file = |etag: &str| edit::File { etag: etag.to_owned(), size: 1, modified_ms: 2, version: 0 };
    let files = sources.iter().map(|(key, etag)| (format!("s3://bucket/{key}"), file(etag)));
    [("s".to_owned(), files.collect())].into()
}

async fn end(tx: &mut Tx, id: &str) {
    let mut run = run::load(tx, id).await.unwrap().unwrap();
    for event in [run::Event::Begun, run::Event::Published] {
        run::apply(tx, &mut run, event).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_bookmark_is_changed_by_hand_while_no_run_goes_on_and_as_it_was_shown() {
    let (_fixture, mut tx) = Fixture::new().await;
    let run = new_run(&mut tx).await;
    let read: Vec<Processed> = [Object("a", "1"), Object("b", "1")].iter().map(processed).collect();
    advance(&mut tx, &run, 0, &[("s".to_owned(), read)]).await.unwrap();
    let wanted = |version, sources| edit::Wanted {
        job_name: "j".to_owned(),
        version,
        sources,
        tables: edit::Tables::new(),
    };
    let changed = [("a", "1"), ("c", "2")];
    let active = edit::set(&mut tx, &scope(), wanted(1, files(&changed))).await;
    assert!(matches!(active, Err(JobsError::RunActive { .. })));
    assert!(matches!(edit::rewind(&mut tx, &scope(), "j", &run.id).await, Err(JobsError::RunActive { .. })));
    end(&mut tx, &run.id).await;
    for (version, sources, what) in [
        (0, files(&changed), "at version 1, not at version 0"),
        (1, [("o".to_owned(), files(&changed).remove("s").unwrap())].into(), "o is not a source"),
        (
            1,
            [("s".to_owned(), [("/x".to_owned(), files(&changed)["s"]["s3://bucket/a"].clone())].into())]
                .into(),
            "no s3://bucket/key",
        ),
    ] {
        let refused = edit::set(&mut tx, &scope(), wanted(version, sources)).await.unwrap_err();
        assert!(refused.to_string().contains(what), "{refused}");
    }
    let done = edit::set(&mut tx, &scope(), wanted(1, files(&changed))).await.unwrap();
    assert_eq!((done.version, done.added, done.removed), (2, 1, 1));
    let all = [Object("a", "1"), Object("b", "1"), Object("c", "2")].to_vec();
    let found = filter(&mut tx, &run.incarnation, "s", Window::New, all).await.unwrap();
    assert_eq!(found.read, [Object("b", "1")]);
    let shown = edit::show(&mut tx, &scope(), "j", None).await.unwrap();
    let since: Vec<i64> = shown.sources["s"].values().map(|file| file.version).collect();
    assert_eq!((shown.version, since, shown.next), (2, vec![1, 2], None));
    assert_eq!(shown.versions.iter().map(|it| it.run_id.as_str()).collect::<Vec<_>>(), ["", run.id.as_str()]);
    // The run that comes next continues the run, not the hand.
    let next = new_run(&mut tx).await;
    advance(&mut tx, &next, 2, &[]).await.unwrap();
    let (entry, _) = get(&mut tx, &scope(), "j", None).await.unwrap();
    assert_eq!(entry.previous_run_id.as_deref(), Some(run.id.as_str()));
    end(&mut tx, &next.id).await;
    let back = edit::rewind(&mut tx, &scope(), "j", &run.id).await.unwrap();
    assert_eq!((back.version, back.removed), (4, 1));
    assert!(edit::rewind(&mut tx, &scope(), "j", &next.id).await.is_err());
}

#[tokio::test]
async fn keys_of_tables_are_shown_and_changed_by_hand_and_come_back() {
    let (_fixture, mut tx) = Fixture::new().await;
    let run = new_run(&mut tx).await;
    let keys = |last: &str| Keys {
        table: "d.public.t".to_owned(),
        columns: vec!["id".to_owned()],
        descending: false,
        values: vec![last.to_owned()],
    };
    advance(&mut tx, &run, 0, &[]).await.unwrap();
    remember_keys(&mut tx, &run.incarnation, "s", 1, Some(&keys("5"))).await.unwrap();
    end(&mut tx, &run.id).await;
    let shown = edit::show(&mut tx, &scope(), "j", None).await.unwrap();
    assert_eq!(
        (shown.tables["s"].table.as_str(), &shown.tables["s"].last),
        ("d.public.t", &vec!["5".to_owned()])
    );
    let wanted = |version, tables| edit::Wanted {
        job_name: "j".to_owned(),
        version,
        sources: edit::Sources::new(),
        tables,
    };
    let table = |keys: &[&str], last: &[&str]| edit::Table {
        table: String::new(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        descending: false,
        last: last.iter().map(|value| (*value).to_owned()).collect(),
    };
    for (node, own, what) in [
        ("o", table(&["id"], &["3"]), "o is not a source"),
        ("s", table(&["id"], &[]), "a text for each of Keys"),
        ("s", table(&[], &[]), "a text for each of Keys"),
    ] {
        let tables = [(node.to_owned(), own)].into();
        let refused = edit::set(&mut tx, &scope(), wanted(1, tables)).await.unwrap_err();
        assert!(refused.to_string().contains(what), "{refused}");
    }
    let same = edit::set(&mut tx, &scope(), wanted(1, shown.tables)).await.unwrap();
    assert_eq!((same.version, same.tables), (2, 0));
    let back = [("s".to_owned(), table(&["id"], &["3"]))].into();
    assert_eq!(edit::set(&mut tx, &scope(), wanted(2, back)).await.unwrap().tables, 1);
    let new = async |tx: &mut Tx| since(tx, &run.incarnation, "s", Window::New).await.unwrap();
    assert_eq!(new(&mut tx).await, Some(Since::New(Some(keys("3")))));
    assert_eq!(edit::set(&mut tx, &scope(), wanted(3, edit::Tables::new())).await.unwrap().tables, 1);
    assert_eq!(new(&mut tx).await, Some(Since::New(None)), "all of it is new again");
    assert!(edit::show(&mut tx, &scope(), "j", None).await.unwrap().tables.is_empty());
    assert_eq!(edit::rewind(&mut tx, &scope(), "j", &run.id).await.unwrap().tables, 1);
    assert_eq!(new(&mut tx).await, Some(Since::New(Some(keys("5")))));
}

#[tokio::test]
async fn a_file_that_is_listed_twice_is_remembered_once() {
    let (_fixture, mut tx) = Fixture::new().await;
    let run = new_run(&mut tx).await;
    let read: Vec<Processed> = [Object("a", "1"), Object("a", "1")].iter().map(processed).collect();
    advance(&mut tx, &run, 0, &[("s".to_owned(), read)]).await.unwrap();
    let shown = edit::show(&mut tx, &scope(), "j", None).await.unwrap();
    assert_eq!(shown.sources["s"].len(), 1);
}
