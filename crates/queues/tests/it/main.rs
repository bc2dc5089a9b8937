//! What queues promise: delivery, visibility, dead letters, retention, waiting.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use queues::{NewMessage, QueueError, Queues, Receive, Received};
use store::{RandomIds, Scope, Store, TestClock, testing};
use tempfile::TempDir;

struct World {
    queues: Queues,
    store: Store,
    clock: Arc<TestClock>,
    scope: Scope,
    _folder: TempDir,
}

async fn world() -> World {
    let clock = Arc::new(TestClock::new(1_000_000_000_000));
    let (store, folder) = testing::temp_with(&[queues::MIGRATIONS], clock.clone(), Arc::new(RandomIds)).await;
    let scope = Scope::new("000000000000", "us-east-1").unwrap();
    World { queues: Queues::new(store.clone()), store, clock, scope, _folder: folder }
}

impl World {
    async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> Result<bool, QueueError> {
        let mut tx = self.store.begin().await.unwrap();
        let given: BTreeMap<String, String> =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (_, new) = queues::create(&mut tx, &self.scope, name, &given).await?;
        tx.commit().await.unwrap();
        Ok(new)
    }

    async fn send(&self, name: &str, body: &str) {
        let mut tx = self.store.begin().await.unwrap();
        let message = NewMessage { body: body.to_owned(), ..NewMessage::default() };
        self.queues.send(&mut tx, &self.scope, name, &message).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn receive(&self, name: &str) -> Vec<Received> {
        let wanted = Receive { max: Some(10), wait_s: Some(0), ..Receive::default() };
        self.queues.receive(&self.scope, name, wanted).await.unwrap()
    }

    async fn bodies(&self, name: &str) -> Vec<String> {
        self.receive(name).await.into_iter().map(|one| one.body).collect()
    }

    async fn delete(&self, name: &str, handle: &str) -> Result<(), QueueError> {
        let mut tx = self.store.begin().await.unwrap();
        self.queues.delete_message(&mut tx, &self.scope, name, handle).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn show(&self, name: &str, handle: &str, seconds: i64) -> Result<(), QueueError> {
        let mut tx = self.store.begin().await.unwrap();
        self.queues.change_visibility(&mut tx, &self.scope, name, handle, seconds).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn counts(&self, name: &str) -> (i64, i64, i64) {
        let mut tx = self.store.read().await.unwrap();
        let queue = queues::get(&mut tx, &self.scope, name).await.unwrap();
        let counts = queues::counts(&mut tx, &queue).await.unwrap();
        (counts.visible, counts.in_flight, counts.delayed)
    }

    async fn rows(&self) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        tx.query_opt("SELECT count(*) FROM queues_messages", &[]).await.unwrap().unwrap().get(0).unwrap()
    }
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_time_is_over() {
    let w = world().await;
    w.create("q", &[]).await.unwrap();
    w.send("q", "a").await;
    let first = w.receive("q").await.remove(0);
    assert_eq!((first.body.as_str(), first.receives), ("a", 1));
    assert_eq!(w.counts("q").await, (0, 1, 0));
    assert!(w.receive("q").await.is_empty());
    w.clock.advance(30_000);
    let second = w.receive("q").await.remove(0);
    assert_eq!((second.id.as_str(), second.receives), (first.id.as_str(), 2));
    assert_eq!(second.first_received_ms, first.first_received_ms);
    // The older handle says nothing about this receive.
    w.delete("q", &first.handle).await.unwrap();
    assert!(matches!(w.show("q", &first.handle, 0).await, Err(QueueError::NotInFlight)));
    assert_eq!(w.counts("q").await, (0, 1, 0));
    w.show("q", &second.handle, 0).await.unwrap();
    assert!(matches!(w.show("q", &second.handle, 0).await, Err(QueueError::NotInFlight)));
    let third = w.receive("q").await.remove(0);
    w.delete("q", &third.handle).await.unwrap();
    assert_eq!(w.counts("q").await, (0, 0, 0));
    assert!(matches!(w.delete("q", "x").await, Err(QueueError::InvalidHandle { .. })));
}

#[tokio::test]
async fn a_message_received_too_often_becomes_a_dead_letter() {
    let w = world().await;
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
    let missing = w.create("q", &[("RedrivePolicy", policy)]).await.unwrap_err();
    assert!(missing.to_string().contains("does not exist"), "{missing}");
    w.create("dead", &[]).await.unwrap();
    w.create("q", &[("RedrivePolicy", policy)]).await.unwrap();
    for body in ["a", "b"] {
        w.send("q", body).await;
    }
    for _ in 0..2 {
        assert_eq!(w.bodies("q").await, ["a", "b"]);
        w.clock.advance(30_000);
    }
    w.send("q", "c").await;
    assert_eq!(w.bodies("q").await, ["c"]);
    let dead = w.receive("dead").await;
    assert_eq!(dead.iter().map(|one| one.body.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(dead[0].source.as_deref(), Some("arn:aws:sqs:us-east-1:000000000000:q"));
    let mut tx = w.store.read().await.unwrap();
    let sources = queues::sources(&mut tx, &w.scope, "dead", "", 10).await.unwrap();
    assert_eq!(sources.names, ["q"]);
}

#[tokio::test]
async fn without_its_dead_letter_queue_a_message_stays() {
    let w = world().await;
    w.create("dead", &[]).await.unwrap();
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    w.create("q", &[("RedrivePolicy", policy)]).await.unwrap();
    let mut tx = w.store.begin().await.unwrap();
    queues::delete(&mut tx, &w.scope, "dead").await.unwrap();
    tx.commit().await.unwrap();
    w.send("q", "a").await;
    for _ in 0..3 {
        assert_eq!(w.bodies("q").await, ["a"]);
        w.clock.advance(30_000);
    }
}

#[tokio::test]
async fn delays_and_retention_count() {
    let w = world().await;
    w.create("q", &[("DelaySeconds", "5"), ("MessageRetentionPeriod", "60")]).await.unwrap();
    w.send("q", "a").await;
    assert_eq!(w.counts("q").await, (0, 0, 1));
    assert!(w.receive("q").await.is_empty());
    w.clock.advance(5_000);
    assert_eq!(w.bodies("q").await, ["a"]);
    w.clock.advance(55_000);
    assert!(w.receive("q").await.is_empty());
    assert_eq!((w.counts("q").await, w.rows().await), ((0, 0, 0), 1));
    while queues::upkeep::once(&w.store).await.unwrap() {}
    assert_eq!(w.rows().await, 0);
}

#[tokio::test]
async fn nothing_comes_back_from_a_queue_that_was_purged_or_deleted() {
    let w = world().await;
    w.create("q", &[("DelaySeconds", "1")]).await.unwrap();
    w.send("q", "a").await;
    w.clock.advance(1_000);
    let held = w.receive("q").await.remove(0);
    let mut tx = w.store.begin().await.unwrap();
    queues::purge(&mut tx, &w.scope, "q").await.unwrap();
    tx.commit().await.unwrap();
    w.clock.advance(60_000);
    assert!(w.receive("q").await.is_empty());
    w.delete("q", &held.handle).await.unwrap();
    // Its settings stay.
    assert!(matches!(w.create("q", &[("DelaySeconds", "2")]).await, Err(QueueError::Exists { .. })));
    assert!(!w.create("q", &[("DelaySeconds", "1")]).await.unwrap());
    let mut tx = w.store.begin().await.unwrap();
    queues::delete(&mut tx, &w.scope, "q").await.unwrap();
    tx.commit().await.unwrap();
    assert!(w.create("q", &[]).await.unwrap());
    assert!(w.receive("q").await.is_empty());
    assert_eq!(w.rows().await, 1);
    while queues::upkeep::once(&w.store).await.unwrap() {}
    assert_eq!(w.rows().await, 0);
}

#[tokio::test]
async fn who_waits_is_woken_by_the_commit() {
    let w = world().await;
    w.create("q", &[]).await.unwrap();
    let wanted = Receive { wait_s: Some(20), ..Receive::default() };
    let waiting = w.queues.receive(&w.scope, "q", wanted);
    let sending = async {
        // The receiver is polled first, and looks before this.
        tokio::task::yield_now().await;
        w.send("q", "a").await;
    };
    let (received, ()) = tokio::join!(waiting, sending);
    assert_eq!(received.unwrap()[0].body, "a");
    // Nobody who has gone is kept.
    let wanted = Receive { wait_s: Some(0), ..Receive::default() };
    assert!(w.queues.receive(&w.scope, "q", wanted).await.unwrap().is_empty());
}

#[tokio::test]
async fn closing_ends_all_waiting() {
    let w = world().await;
    w.create("q", &[]).await.unwrap();
    let wanted = Receive { wait_s: Some(20), ..Receive::default() };
    let waiting = w.queues.receive(&w.scope, "q", wanted);
    let closing = async { w.queues.close() };
    let both = async { tokio::join!(waiting, closing) };
    let (received, ()) = tokio::time::timeout(Duration::from_secs(5), both).await.unwrap();
    assert!(received.unwrap().is_empty());
}

#[tokio::test]
async fn neighbours_look_and_delete_in_their_own_transaction() {
    let w = world().await;
    w.create("q", &[]).await.unwrap();
    w.create("dead", &[]).await.unwrap();
    let arn = queues::arn(&w.scope, "q");
    for body in ["a", "b", "c"] {
        w.send("q", body).await;
    }
    let mut tx = w.store.begin().await.unwrap();
    let found = w.queues.peek(&mut tx, &arn, 0, 2).await.unwrap().unwrap();
    assert_eq!(found.iter().map(|one| one.body.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let rest = w.queues.peek(&mut tx, &arn, found[1].number, 2).await.unwrap().unwrap();
    assert_eq!(rest[0].body, "c");
    assert!(w.queues.peek(&mut tx, &queues::arn(&w.scope, "none"), 0, 2).await.unwrap().is_none());
    w.queues.remove(&mut tx, &arn, &[found[0].number]).await.unwrap();
    let dead = queues::arn(&w.scope, "dead");
    assert!(w.queues.reject(&mut tx, &arn, found[1].number, Some(&dead)).await.unwrap());
    assert!(!w.queues.reject(&mut tx, &arn, rest[0].number, None).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(w.bodies("dead").await, ["b"]);
    let left = w.receive("q").await;
    assert_eq!((left.len(), left[0].receives), (1, 2));
}
