//! Buckets tell queues of their changes, in the transactions that make them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lake::{
    CompleteChecks, CompletePart, Conditions, CopyOptions, EventSink, LakeError, Meta, QueueNotification,
};
use serde_json::Value;
use store::Tx;

use crate::world::{World, key, world};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";

/// Sends into a table, so that a message shares its transaction's fate.
#[derive(Default)]
struct Sink(Mutex<Vec<usize>>);

#[async_trait]
impl EventSink for Sink {
    async fn exists(&self, _: &mut Tx, queue_arn: &str) -> Result<bool, LakeError> {
        Ok(queue_arn == ARN)
    }

    async fn send(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        sender: &str,
        texts: Vec<String>,
    ) -> Result<bool, LakeError> {
        assert_eq!(sender, "000000000000");
        self.0.lock().unwrap().push(texts.len());
        for text in texts {
            let message: Value = serde_json::from_str(&text).unwrap();
            store::outbox::push(tx, queue_arn, &message).await?;
        }
        Ok(queue_arn == ARN)
    }
}

fn to_queue(events: &[&str]) -> QueueNotification {
    QueueNotification {
        id: "one".to_owned(),
        queue_arn: ARN.to_owned(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        prefix: None,
        suffix: None,
    }
}

async fn told(w: &World) -> Vec<Value> {
    let mut tx = w.lake.store().begin().await.unwrap();
    let found = store::outbox::take(&mut tx, ARN, 1000).await.unwrap();
    for message in &found {
        store::outbox::ack(&mut tx, message.id).await.unwrap();
    }
    tx.commit().await.unwrap();
    found.into_iter().map(|message| message.body).collect()
}

/// Name, key, size and ETag of each event, in their order.
pub(crate) async fn events(w: &World) -> Vec<String> {
    let mut last = String::new();
    let mut found = Vec::new();
    for message in told(w).await {
        let record = &message["Records"][0];
        let object = &record["s3"]["object"];
        let sequencer = object["sequencer"].as_str().unwrap().to_owned();
        assert!(sequencer > last, "{sequencer} after {last}");
        last = sequencer;
        assert_eq!(record["s3"]["configurationId"], "one");
        assert_eq!(record["awsRegion"], "us-east-1");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let size = object.get("size").map_or("-".to_owned(), Value::to_string);
        found.push(format!("{} {} {size}", text(&record["eventName"]), text(&object["key"])));
        assert_eq!(object.get("eTag").is_some(), object.get("size").is_some());
    }
    found
}

pub(crate) async fn watched(events: &[&str]) -> World {
    let mut w = world().await;
    w.lake = w.lake.clone().with_events(Arc::new(Sink::default()));
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.set_notifications(&mut tx, &w.bucket, vec![to_queue(events)], true).await.unwrap();
    tx.commit().await.unwrap();
    let test = told(&w).await;
    assert_eq!((test.len(), test[0]["Event"].as_str()), (1, Some("s3:TestEvent")));
    w
}

#[tokio::test]
async fn each_way_to_change_an_object_is_told() {
    let w = watched(&["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]).await;
    w.put("a b", vec![1; 3]).await;
    assert_eq!(events(&w).await, ["ObjectCreated:Put a+b 3"]);
    let object = w.get("a b").await.unwrap();
    let mut tx = w.lake.store().begin().await.unwrap();
    let none = Conditions::NONE;
    w.lake.copy(&mut tx, &object, &w.bucket, &key("c"), CopyOptions::default(), &none).await.unwrap();
    let staged = w.lake.stage_bytes(vec![2; 4]).await.unwrap();
    let many = vec![(key("m1"), staged, Meta::default())];
    w.lake.put_many(&mut tx, &w.bucket, many).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events(&w).await, ["ObjectCreated:Copy c 3", "ObjectCreated:Put m1 4"]);
    let mut tx = w.lake.store().begin().await.unwrap();
    let upload = w.lake.create_upload(&mut tx, &w.bucket, &key("p"), Meta::default(), None).await.unwrap();
    let staged = w.lake.stage_bytes(vec![3; 5]).await.unwrap();
    let part = w.lake.put_part(&mut tx, &w.bucket, &key("p"), &upload.id, 1, staged).await.unwrap();
    let named = [CompletePart { number: 1, etag: part.etag, checksums: Vec::new() }];
    let checks = CompleteChecks::default();
    for _ in 0..2 {
        w.lake
            .complete_upload(&mut tx, &w.bucket, &key("p"), &upload.id, &named, &checks, &none)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(events(&w).await, ["ObjectCreated:CompleteMultipartUpload p 5"]);
    w.delete("c").await;
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.delete_many(&mut tx, &w.bucket, &[key("p"), key("nothing"), key("p")]).await.unwrap();
    assert!(!w.lake.delete(&mut tx, &w.bucket, &key("nothing"), &none).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(events(&w).await, ["ObjectRemoved:Delete c -", "ObjectRemoved:Delete p -"]);
}

#[tokio::test]
async fn what_was_not_committed_or_asked_for_is_not_told() {
    let w = watched(&["s3:ObjectRemoved:Delete"]).await;
    w.put("a", vec![1]).await;
    let mut tx = w.lake.store().begin().await.unwrap();
    assert!(w.lake.delete(&mut tx, &w.bucket, &key("a"), &Conditions::NONE).await.unwrap());
    drop(tx);
    assert_eq!(events(&w).await, Vec::<String>::new());
    w.delete("a").await;
    assert_eq!(events(&w).await, ["ObjectRemoved:Delete a -"]);
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.set_notifications(&mut tx, &w.bucket, Vec::new(), true).await.unwrap();
    assert!(w.lake.notifications(&mut tx, &w.bucket).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    w.put("a", vec![1]).await;
    w.delete("a").await;
    assert_eq!(events(&w).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_queue_must_be_there_unless_nobody_is_to_look() {
    let mut w = world().await;
    w.lake = w.lake.clone().with_events(Arc::new(Sink::default()));
    let other =
        |arn: &str| QueueNotification { queue_arn: arn.to_owned(), ..to_queue(&["s3:ObjectCreated:*"]) };
    let mut tx = w.lake.store().begin().await.unwrap();
    for arn in ["arn:aws:sqs:us-east-1:000000000000:none", "arn:aws:sqs:eu-west-1:000000000000:q", "q"] {
        let refused = w.lake.set_notifications(&mut tx, &w.bucket, vec![other(arn)], true).await;
        assert!(matches!(refused, Err(LakeError::NoSuchQueue { .. })), "{arn}");
    }
    let gone = "arn:aws:sqs:us-east-1:000000000000:none";
    w.lake.set_notifications(&mut tx, &w.bucket, vec![other(gone)], false).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody to tell is no reason to lose the object.
    w.put("a", vec![1]).await;
    assert_eq!(w.get("a").await.unwrap().info().size, 1);
}
