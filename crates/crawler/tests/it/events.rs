//! Crawls by the events of their bucket: what changed is what a crawl of everything would find, and nothing else is read.

use async_trait::async_trait;
use crawler::{BoxError, EventMessage, EventQueues};
use lake::{BucketName, EventSink, LakeError, QueueNotification};
use queues::{NewMessage, Queues, Receive};
use serde_json::{Value, json};
use store::Tx;

use crate::world::{Backend, World, columns, keys};

scenarios! {
    only_changed_partitions_are_looked_at,
    tables_without_keys_follow_their_files,
    what_is_not_clear_is_listed,
    messages_stay_until_they_are_done,
    messages_that_say_nothing_are_put_aside,
    tables_of_the_catalog_follow_events,
    a_queue_that_is_gone_fails_the_run,
    policies_hold_for_events,
    digits_that_a_wider_type_loses_are_told,
}

/// Joins queues to buckets and crawls, as the binary does.
pub(crate) struct Link(pub(crate) Queues);

#[async_trait]
impl EventSink for Link {
    async fn exists(&self, tx: &mut Tx, arn: &str) -> Result<bool, LakeError> {
        Ok(self.0.peek(tx, arn, 0, 0).await.unwrap().is_some())
    }

    async fn send(
        &self,
        tx: &mut Tx,
        arn: &str,
        sender: &str,
        texts: Vec<String>,
    ) -> Result<bool, LakeError> {
        Ok(self.0.send_texts(tx, arn, sender, texts).await.unwrap())
    }
}

#[async_trait]
impl EventQueues for Link {
    async fn peek(
        &self,
        tx: &mut Tx,
        arn: &str,
        after: i64,
        limit: usize,
    ) -> Result<Option<Vec<EventMessage>>, BoxError> {
        let found = self.0.peek(tx, arn, after, limit).await?;
        let message = |one: queues::Peeked| EventMessage { number: one.number, id: one.id, body: one.body };
        Ok(found.map(|found| found.into_iter().map(message).collect()))
    }

    async fn remove(&self, tx: &mut Tx, arn: &str, numbers: &[i64]) -> Result<(), BoxError> {
        Ok(self.0.remove(tx, arn, numbers).await?)
    }

    async fn reject(&self, tx: &mut Tx, arn: &str, number: i64, to: Option<&str>) -> Result<bool, BoxError> {
        Ok(self.0.reject(tx, arn, number, to).await?)
    }
}

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";
const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// A world whose bucket tells the queue `q` of everything.
pub(crate) async fn watched(on: &Backend) -> World {
    let w = World::on(on).await;
    let mut tx = w.store.begin().await.unwrap();
    for name in ["q", "dead"] {
        queues::create(&mut tx, &w.scope, name, &Default::default()).await.unwrap();
    }
    let one = QueueNotification {
        id: "one".to_owned(),
        queue_arn: ARN.to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned(), "s3:ObjectRemoved:*".to_owned()],
        prefix: None,
        suffix: None,
    };
    let bucket = BucketName::new("bucket").unwrap();
    w.lake.set_notifications(&mut tx, &bucket, vec![one], true).await.unwrap();
    tx.commit().await.unwrap();
    w
}

pub(crate) fn by_events(extra: Value) -> Value {
    let mut request = json!({
        "Targets": { "S3Targets": [{
            "Path": "s3://bucket/t/", "EventQueueArn": ARN, "DlqEventQueueArn": DEAD, "Exclusions": ["**.tmp"],
        }] },
        "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_EVENT_MODE" },
    });
    for (name, value) in extra.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

async fn waiting(w: &World, arn: &str) -> usize {
    let mut tx = w.store.read().await.unwrap();
    w.queues.peek(&mut tx, arn, 0, 1000).await.unwrap().unwrap().len()
}

/// Files found and read by the newest run.
async fn looked(w: &World) -> (u64, u64) {
    let counts = w.newest().await.counts;
    (counts.files, counts.files_read)
}

/// What a crawl of everything would change now.
async fn rest(w: &World) -> Vec<String> {
    w.update(json!({ "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_EVERYTHING" } })).await;
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    assert_eq!(preview.error, None);
    // Averages of samples may differ; what is there may not.
    let same = |t: &crawler::TableDiff| {
        ["UNCHANGED", "STATISTICS"].contains(&t.action) && t.partitions_created + t.partitions_deleted == 0
    };
    preview
        .tables
        .iter()
        .filter(|t| !same(t))
        .map(|t| format!("{} {} {:?}", t.action, t.name, t.changes))
        .collect()
}

async fn only_changed_partitions_are_looked_at(on: &Backend) {
    let w = watched(on).await;
    for day in 1..=5 {
        w.put(&format!("t/day={day}/a.json"), "{\"a\":1}").await;
    }
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    assert_eq!((looked(&w).await, waiting(&w, ARN).await), ((5, 5), 0));
    assert!(w.log().contains("Crawl is not running in S3 event mode"), "{}", w.log());
    // Nothing happened: nothing is listed.
    w.crawl_well().await;
    assert_eq!(looked(&w).await, (0, 0));
    assert!(w.log().contains("The crawl is running by consuming Amazon S3 events."));
    w.put("t/day=6/a.json", "{\"a\":1,\"b\":\"x\"}").await;
    w.put("t/day=2/b.json", "{\"a\":5000000000}").await;
    w.put("t/day=3/b.tmp", "no table").await;
    w.put("t/day=3/_hidden.json", "{\"z\":1}").await;
    w.put("other/x.json", "{\"z\":1}").await;
    w.delete("t/day=4/a.json").await;
    let before = w.tables().await["t"].clone();
    w.crawl_well().await;
    // Those of days 6 and 2; one of them was known.
    assert_eq!((looked(&w).await, waiting(&w, ARN).await), ((3, 2), 0));
    let table = w.tables().await["t"].clone();
    assert_eq!(columns(&table), "a bigint, b string");
    assert_eq!((table.parameter("objectCount"), before.parameter("objectCount")), (Some("6"), Some("5")));
    let values: Vec<_> = w.partitions("t").await.into_iter().map(|(values, _)| values[0].clone()).collect();
    assert_eq!(values, ["1", "2", "3", "4", "5", "6"]);
    let counts = w.newest().await.counts;
    assert_eq!((counts.partitions_created, counts.partitions_deleted), (1, 1));
    assert_eq!(rest(&w).await, Vec::<String>::new());
}

async fn tables_without_keys_follow_their_files(on: &Backend) {
    let w = watched(on).await;
    w.put("t/x/a.json", "{\"a\":1,\"b\":2,\"c\":3}").await;
    w.put("t/y/a.csv", "a,b\n1,2\n3,4\n").await;
    w.create("t/", by_events(json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })))
        .await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["x", "y"]);
    w.put("t/x/b.json", "{\"a\":1,\"b\":2,\"c\":3}").await;
    w.crawl_well().await;
    assert_eq!(looked(&w).await, (2, 1));
    assert_eq!(w.tables().await["x"].parameter("objectCount"), Some("2"));
    // Other columns may make other groups of folders, and so may a table that is gone: all is listed.
    w.put("t/x/b.json", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}").await;
    w.crawl_well().await;
    assert_eq!(looked(&w).await, (3, 1));
    assert_eq!(columns(&w.tables().await["x"]), "a int, b int, c int, d int");
    w.delete("t/y/a.csv").await;
    w.crawl_well().await;
    assert_eq!(looked(&w).await, (2, 0));
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["x"]);
    assert!(w.log().contains("the files of table x are others than before"), "{}", w.log());
    assert_eq!(rest(&w).await, Vec::<String>::new());
}

async fn what_is_not_clear_is_listed(on: &Backend) {
    let w = watched(on).await;
    w.put("t/x/day=1/a.json", "{\"a\":1}").await;
    w.put("t/y/a.csv", "a,b\n1,2\n3,4\n").await;
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    // A new table, a folder that is no partition, and a format that the table has not.
    for (key, body) in
        [("t/z/a.json", "{\"z\":1}"), ("t/x/loose.json", "{\"a\":1}"), ("t/x/day=2/a.csv", "q,r\n1,2\n3,4\n")]
    {
        w.put(key, body).await;
        w.crawl_well().await;
        assert_eq!(waiting(&w, ARN).await, 0, "{key}");
    }
    let log = w.log();
    for why in ["t/z/ is in no table", "t/x/ is no partition of table x", "do not fit table x"] {
        assert!(log.contains(why), "{why}: {log}");
    }
    assert_eq!(keys(&w.tables().await["z"]), Vec::<&str>::new());
    assert_eq!(rest(&w).await, Vec::<String>::new());
}

async fn messages_stay_until_they_are_done(on: &Backend) {
    let w = watched(on).await;
    w.put("t/k=1/a.json", "{\"a\":1}").await;
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    w.put("t/k=2/a.json", "{\"a\":1}").await;
    // A preview takes nothing, and says what the crawl then does.
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    assert_eq!((preview.error, waiting(&w, ARN).await), (None, 1));
    assert_eq!(preview.tables.iter().map(|t| t.partitions_created).sum::<u64>(), 1);
    assert_eq!(w.partitions("t").await.len(), 1);
    w.crawl_well().await;
    assert_eq!((w.partitions("t").await.len(), waiting(&w, ARN).await), (2, 0));
    // What was undone is found again, although its message is gone.
    let undone = w.crawlers.undo(&w.scope, "c").await.unwrap();
    assert_eq!((undone.partitions_removed, w.partitions("t").await.len()), (1, 1));
    w.crawl_well().await;
    assert_eq!(w.partitions("t").await.len(), 2);
    // A changed definition looks at everything once.
    w.update(json!({ "TablePrefix": "p_" })).await;
    w.crawl_well().await;
    assert!(w.tables().await.contains_key("p_t"));
}

async fn messages_that_say_nothing_are_put_aside(on: &Backend) {
    let w = watched(on).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    let mut tx = w.store.begin().await.unwrap();
    let message = NewMessage { body: "hello".to_owned(), ..NewMessage::default() };
    w.queues.send(&mut tx, &w.scope, "q", &message).await.unwrap();
    tx.commit().await.unwrap();
    w.crawl_well().await;
    assert_eq!((waiting(&w, ARN).await, waiting(&w, DEAD).await), (0, 1));
    assert!(w.log().contains("cannot be used: it is no JSON"), "{}", w.log());
    let target = json!({ "Path": "s3://bucket/t/", "EventQueueArn": ARN });
    w.update(json!({ "Targets": { "S3Targets": [target] } })).await;
    let mut tx = w.store.begin().await.unwrap();
    w.queues.send(&mut tx, &w.scope, "q", &message).await.unwrap();
    tx.commit().await.unwrap();
    w.crawl_well().await;
    assert_eq!((waiting(&w, ARN).await, waiting(&w, DEAD).await), (1, 1));
    let left = Receive { wait_s: Some(0), ..Receive::default() };
    assert_eq!(w.queues.receive(&w.scope, "q", left).await.unwrap()[0].receives, 2);
}

async fn tables_of_the_catalog_follow_events(on: &Backend) {
    let w = watched(on).await;
    w.put("t/day=1/a.json", "{\"a\":1}").await;
    w.create("t/", json!({})).await;
    w.crawl_well().await;
    let target = json!({ "DatabaseName": "db", "Tables": ["t"], "EventQueueArn": ARN });
    w.update(json!({
        "Targets": { "CatalogTargets": [target] },
        "SchemaChangePolicy": { "DeleteBehavior": "LOG" },
        "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_EVENT_MODE" },
    }))
    .await;
    w.crawl_well().await;
    assert_eq!(waiting(&w, ARN).await, 0);
    w.crawl_well().await;
    assert_eq!(looked(&w).await, (0, 0));
    w.put("t/day=2/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    assert_eq!((w.partitions("t").await.len(), waiting(&w, ARN).await), (2, 0));
}

async fn a_queue_that_is_gone_fails_the_run(on: &Backend) {
    let w = watched(on).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    let mut tx = w.store.begin().await.unwrap();
    queues::delete(&mut tx, &w.scope, "q").await.unwrap();
    tx.commit().await.unwrap();
    let last = w.crawl().await.last_crawl.unwrap();
    assert_eq!(
        (last.status, last.error.unwrap()),
        ("FAILED", format!("The event queue {ARN} does not exist"))
    );
}

async fn policies_hold_for_events(on: &Backend) {
    let w = watched(on).await;
    w.put("t/k=1/a.json", "{\"a\":1}").await;
    w.put("t/k=2/a.json", "{\"a\":1}").await;
    let policy = json!({ "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" });
    w.create("t/", by_events(json!({ "SchemaChangePolicy": policy }))).await;
    w.crawl_well().await;
    w.put("t/k=3/a.json", "{\"a\":1,\"b\":2}").await;
    w.delete("t/k=1/a.json").await;
    w.crawl_well().await;
    // New partitions are always made; the table and the vanished partition stay.
    assert_eq!((columns(&w.tables().await["t"]).as_str(), w.partitions("t").await.len()), ("a int", 3));
    assert!(w.log().contains("is left as it is (UpdateBehavior LOG)"), "{}", w.log());
    w.update(json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } })).await;
    w.crawl_well().await;
    assert_eq!(
        (columns(&w.tables().await["t"]).as_str(), w.partitions("t").await.len()),
        ("a int, b int", 2)
    );
    w.delete("t/k=2/a.json").await;
    w.delete("t/k=3/a.json").await;
    w.put("t/k=4/a.json", "{\"a\":1}").await;
    w.crawl_well().await;
    assert_eq!(w.partitions("t").await.iter().map(|(v, _)| v[0].as_str()).collect::<Vec<_>>(), ["4"]);
    w.delete("t/k=4/a.json").await;
    w.crawl_well().await;
    assert!(w.tables().await.is_empty());
}

async fn digits_that_a_wider_type_loses_are_told(on: &Backend) {
    let w = watched(on).await;
    w.put("t/day=1/a.json", "{\"s\":{\"n\":9007199254740993}}").await;
    w.put("t/day=2/a.json", "{\"s\":{\"n\":7}}").await;
    w.create("t/", by_events(json!({}))).await;
    w.crawl_well().await;
    w.put("t/day=2/a.json", "{\"s\":{\"n\":1.5}}").await;
    w.crawl_well().await;
    let log = w.log();
    assert!(log.contains("column s of table t is double now, and its other files tell"), "{log}");
    assert!(
        log.contains("such as s3://bucket/t/day=1/a.json: they lose digits"),
        "as a crawl of everything says: {log}"
    );
    assert_eq!(columns(&w.tables().await["t"]), "s struct<n:double>");
    assert_eq!(looked(&w).await.1, 0, "what is known is not read again");
    assert_eq!(rest(&w).await, [""; 0]);
}
