//! Runs whose script's output is one commit. What the script does to buckets is done here, through the overlay of its run.

use std::collections::BTreeMap;
use std::path::Path;

use lake::{BucketName, Conditions, Key, Meta, Overlay};
use serde_json::json;
use store::lease;

use super::{BUCKET, World, scope};
use crate::bookmark::script::{self, Commit, Known, Seen};
use crate::definition;
use crate::run::{self, Event, Run, RunState};

const ATOMIC: (&str, &str) = ("--output-commit", "atomic");
/// Goes on until the file that it is told of is there.
const WAITS: &str = "import os, sys, time\nprint('begun here', os.environ['TENON_OUTPUT_COMMIT'])\n\
                     while not os.path.exists(sys.argv[sys.argv.index('--file') + 1]): time.sleep(0.01)\n";

impl World {
    /// Puts an object as the script of a run does.
    async fn put_by(&self, run: &str, key: &str) -> Result<(), lake::LakeError> {
        let lake = self.lake.seen_by(Overlay::new(run));
        let staged = lake.stage_bytes(vec![1; 100_000]).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let (bucket, key) = (BucketName::new(BUCKET).unwrap(), Key::new(key).unwrap());
        lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::NONE).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn known(&self, job: &str) -> Known {
        let mut tx = self.store.read().await.unwrap();
        script::known(&mut tx, &scope(), job, None, None).await.unwrap()
    }

    /// Commits a bookmark as the script of a run does.
    async fn commit_by(&self, run: &Run, version: i64, address: &str) -> Result<i64, script::CommitError> {
        let seen = Seen { etag: "e".to_owned(), size: 1, modified_ms: 1 };
        let read = BTreeMap::from([("c".to_owned(), BTreeMap::from([(address.to_owned(), seen)]))]);
        let mut tx = self.store.begin().await.unwrap();
        let commit = Commit { job_name: "j".to_owned(), run_id: run.id.clone(), fence: 1, version, read };
        let version = script::commit(&mut tx, &scope(), commit).await?;
        tx.commit().await.unwrap();
        Ok(version)
    }

    /// Starts a run that waits for a file, and waits until it does.
    async fn waiting(&self, file: &Path) -> Run {
        self.script("j", WAITS, json!({})).await;
        let id = self.start("j", &[ATOMIC, ("--file", file.to_str().unwrap())]).await;
        self.log_until(&id, "begun here atomic").await;
        self.get("j", &id).await
    }

    async fn has_overlays(&self) -> bool {
        let mut tx = self.store.read().await.unwrap();
        !self.lake.overlays(&mut tx).await.unwrap().is_empty()
    }
}

#[tokio::test]
async fn objects_bookmark_and_state_become_visible_together() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go");
    let run = world.waiting(&file).await;
    world.put_by(&run.id, "out/a").await.unwrap();
    assert_eq!(world.commit_by(&run, 0, "s3://b/1").await.unwrap(), 1);
    assert_eq!(world.commit_by(&run, 1, "s3://b/2").await.unwrap(), 2);
    let moved = world.commit_by(&run, 1, "s3://b/3").await.unwrap_err();
    assert!(matches!(moved, script::CommitError::Moved(_)), "{moved}");
    assert!(world.keys("out/").await.is_empty());
    assert_eq!(world.known("j").await.version, 0);
    std::fs::write(&file, "").unwrap();
    let ended = world.ended("j", &run.id).await;
    assert_eq!(ended.details.state, RunState::Succeeded, "{:?}", ended.details.error_message);
    assert_eq!(world.keys("out/").await, ["out/a"]);
    let known = world.known("j").await;
    assert_eq!((known.version, known.contexts["c"].len()), (2, 2));
    assert!(!world.has_overlays().await);
}

#[tokio::test]
async fn a_run_whose_bookmark_has_moved_fails_and_leaves_nothing() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go");
    let run = world.waiting(&file).await;
    world.put_by(&run.id, "out/a").await.unwrap();
    world.commit_by(&run, 0, "s3://b/1").await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    crate::bookmark::advance(&mut tx, &run, 0, &[]).await.unwrap();
    tx.commit().await.unwrap();
    std::fs::write(&file, "").unwrap();
    let ended = world.ended("j", &run.id).await;
    assert_eq!(ended.details.state, RunState::Failed);
    assert!(ended.details.error_message.unwrap().contains("bookmark moved"));
    assert!(world.keys("out/").await.is_empty() && !world.has_overlays().await);
    let late = world.put_by(&run.id, "out/late").await;
    assert!(matches!(late, Err(lake::LakeError::OverlayEnded { .. })), "{late:?}");
}

#[tokio::test]
async fn a_service_that_stops_says_that_nothing_is_there() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let run = world.waiting(&folder.path().join("never")).await;
    world.put_by(&run.id, "out/a").await.unwrap();
    world.stop.cancel();
    let ended = world.ended("j", &run.id).await;
    assert_eq!(ended.details.error_message.as_deref(), Some(crate::script::SHUT_DOWN_APART));
    assert!(world.keys("out/").await.is_empty() && !world.has_overlays().await);
}

#[tokio::test]
async fn a_deleted_job_takes_along_what_its_run_has_written() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let run = world.waiting(&folder.path().join("never")).await;
    world.put_by(&run.id, "out/a").await.unwrap();
    world.commit_by(&run, 0, "s3://b/1").await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    definition::delete(&mut tx, &scope(), "j").await.unwrap();
    tx.commit().await.unwrap();
    let gone = async {
        while world.has_overlays().await {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(super::DEADLINE, gone).await.expect("its overlay is gone");
    assert!(world.keys("out/").await.is_empty());
}

#[tokio::test]
async fn what_a_dead_process_has_left_is_given_up() {
    let world = World::idle().await;
    world.script("j", WAITS, json!({})).await;
    let id = world.start("j", &[ATOMIC, ("--file", "/")]).await;
    let mut tx = world.store.begin().await.unwrap();
    let mut run = run::load(&mut tx, &id).await.unwrap().unwrap();
    lease::acquire(&mut tx, &run.lease_name(), "dead", 300).await.unwrap().unwrap();
    run::apply(&mut tx, &mut run, Event::Begun).await.unwrap().unwrap();
    for name in [id.as_str(), "of a run whose job is gone"] {
        world.lake.begin_overlay(&mut tx, &Overlay::new(name)).await.unwrap();
    }
    tx.commit().await.unwrap();
    world.put_by(&id, "out/a").await.unwrap();
    world.put_by("of a run whose job is gone", "out/b").await.unwrap();
    world.serve("local");
    let message = world.ended("j", &id).await.details.error_message.unwrap();
    assert!(message.contains("nothing of its output was published"), "{message}");
    assert!(world.keys("out/").await.is_empty() && !world.has_overlays().await);
    let collected = world.lake.collect_once().await.unwrap();
    assert_eq!(collected.extents, 2);
    world.stop.cancel();
}
