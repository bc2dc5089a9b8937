//! The CloudWatch Logs face through the whole wire, checked strictly against the service model.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::sync::Arc;

use http::Request;
use serde_json::{Value, json};
use store::{Ids as _, RandomIds, TestClock, testing};
use tempfile::TempDir;
use wire::{Auth, Body, Face, Options, Wire};

const NOW: i64 = 1_800_000_000_000;
const GROUP: &str = "/aws-glue/jobs/output";

struct Server {
    wire: Wire,
    _folder: TempDir,
}

async fn server() -> Server {
    let clock = Arc::new(TestClock::new(NOW));
    let (store, folder) = testing::temp_with(&[observe::MIGRATIONS], clock, Arc::new(RandomIds)).await;
    let face: Arc<dyn Face> = Arc::new(api::logs::face(store));
    let mut options = Options::new(Auth::Open, || NOW, || RandomIds.uuid());
    options.strict = true;
    Server { wire: Wire::new(vec![face], options).unwrap(), _folder: folder }
}

impl Server {
    async fn send(&self, operation: &str, input: Value) -> (u16, Value) {
        let body = input.to_string();
        let request = Request::post("/")
            .header("host", "localhost:4566")
            .header("content-type", "application/x-amz-json-1.1")
            .header("content-length", body.len())
            .header("x-amz-target", format!("Logs_20140328.{operation}"))
            .body(Body::from(body))
            .unwrap();
        let (head, mut body) = self.wire.handle(request).await.into_parts();
        let bytes = body.read_all(1 << 24).await.unwrap();
        let document = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        (head.status.as_u16(), document)
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        let (status, output) = self.send(operation, input).await;
        assert_eq!(status, 200, "{operation}: {output}");
        output
    }

    async fn fault(&self, operation: &str, input: Value, code: &str) {
        let (status, output) = self.send(operation, input).await;
        let found = output["__type"].as_str().unwrap_or_default();
        assert!(found.ends_with(code), "{operation}: {status} {output}");
        assert_eq!(status, if code == "NotImplemented" { 501 } else { 400 }, "{output}");
    }

    async fn with_stream() -> Self {
        let server = server().await;
        server.ok("CreateLogGroup", json!({ "logGroupName": GROUP, "tags": { "team": "data" } })).await;
        server.ok("CreateLogStream", json!({ "logGroupName": GROUP, "logStreamName": "jr_1" })).await;
        server
    }
}

#[tokio::test]
async fn a_client_writes_and_reads_logs() {
    let server = Server::with_stream().await;
    let put = json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "logEvents": [
        { "timestamp": NOW, "message": "start" },
        { "timestamp": NOW + 1, "message": "ERROR one" },
        { "timestamp": NOW + 1, "message": "ERROR two\u{0}" },
    ]});
    let output = server.ok("PutLogEvents", put).await;
    assert!(output["nextSequenceToken"].is_string());
    assert!(output.get("rejectedLogEventsInfo").is_none());
    let groups = server.ok("DescribeLogGroups", json!({ "logGroupNamePrefix": "/aws-glue" })).await;
    let group = &groups["logGroups"][0];
    let arn = format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}");
    assert_eq!((&group["logGroupName"], &group["logGroupArn"]), (&json!(GROUP), &json!(arn)));
    assert_eq!(group["storedBytes"], 5 + 9 + 10 + 3 * 26);
    assert_eq!((group.get("retentionInDays"), groups.get("nextToken")), (None, None));
    let streams = json!({ "logGroupIdentifier": arn, "orderBy": "LastEventTime", "descending": true });
    let streams = server.ok("DescribeLogStreams", streams).await;
    assert_eq!(streams["logStreams"][0]["lastEventTimestamp"], NOW + 1);
    let get = json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "startFromHead": true, "limit": 2 });
    let page = server.ok("GetLogEvents", get.clone()).await;
    assert_eq!(page["events"][1]["message"], "ERROR one");
    let mut next = get;
    next["nextToken"] = page["nextForwardToken"].clone();
    let page = server.ok("GetLogEvents", next.clone()).await;
    assert_eq!(
        page["events"],
        json!([{ "timestamp": NOW + 1, "message": "ERROR two\u{0}", "ingestionTime": NOW }])
    );
    next["nextToken"] = page["nextForwardToken"].clone();
    let page = server.ok("GetLogEvents", next.clone()).await;
    assert_eq!((&page["events"], &page["nextForwardToken"]), (&json!([]), &next["nextToken"]));
    server.ok("CreateLogStream", json!({ "logGroupName": GROUP, "logStreamName": "jr_2" })).await;
    next["logStreamName"] = json!("jr_2");
    server.fault("GetLogEvents", next, "InvalidParameterException").await;
    let find = json!({ "logGroupName": GROUP, "filterPattern": "ERROR -two", "logStreamNames": ["jr_1"] });
    let found = server.ok("FilterLogEvents", find).await;
    assert_eq!(found["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["events"][0]["logStreamName"], "jr_1");
}

#[tokio::test]
async fn retention_tags_and_deletion() {
    let server = Server::with_stream().await;
    let name = json!({ "logGroupName": GROUP });
    server.ok("PutRetentionPolicy", json!({ "logGroupName": GROUP, "retentionInDays": 7 })).await;
    let groups = server.ok("DescribeLogGroups", json!({})).await;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 7);
    server.ok("DeleteRetentionPolicy", name.clone()).await;
    let arn = groups["logGroups"][0]["logGroupArn"].clone();
    server.ok("TagResource", json!({ "resourceArn": arn, "tags": { "a": "1", "b": "" } })).await;
    server.ok("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["a"] })).await;
    let tags = server.ok("ListTagsForResource", json!({ "resourceArn": arn })).await;
    assert_eq!(tags["tags"], json!({ "b": "", "team": "data" }));
    server.ok("TagLogGroup", json!({ "logGroupName": GROUP, "tags": { "c": "3" } })).await;
    server.ok("UntagLogGroup", json!({ "logGroupName": GROUP, "tags": ["team"] })).await;
    assert_eq!(server.ok("ListTagsLogGroup", name.clone()).await["tags"], json!({ "b": "", "c": "3" }));
    let many: serde_json::Map<String, Value> = (0..49).map(|n| (format!("k{n}"), json!("v"))).collect();
    server.fault("TagResource", json!({ "resourceArn": arn, "tags": many }), "TooManyTagsException").await;
    server.ok("DeleteLogStream", json!({ "logGroupName": GROUP, "logStreamName": "jr_1" })).await;
    server.ok("DeleteLogGroup", name.clone()).await;
    server.fault("DeleteLogGroup", name, "ResourceNotFoundException").await;
}

#[tokio::test]
async fn bad_requests_get_the_faults_of_the_service() {
    let server = Server::with_stream().await;
    let event = json!([{ "timestamp": NOW, "message": "x" }]);
    let cases = [
        ("CreateLogGroup", json!({ "logGroupName": GROUP }), "ResourceAlreadyExistsException"),
        ("CreateLogGroup", json!({ "logGroupName": "a b" }), "InvalidParameterException"),
        ("CreateLogGroup", json!({ "logGroupName": "k", "kmsKeyId": "arn:aws:kms:x" }), "NotImplemented"),
        (
            "CreateLogGroup",
            json!({ "logGroupName": "k", "deletionProtectionEnabled": true }),
            "NotImplemented",
        ),
        (
            "CreateLogStream",
            json!({ "logGroupName": "none", "logStreamName": "s" }),
            "ResourceNotFoundException",
        ),
        (
            "CreateLogStream",
            json!({ "logGroupName": GROUP, "logStreamName": "jr_1" }),
            "ResourceAlreadyExistsException",
        ),
        ("DescribeLogStreams", json!({}), "InvalidParameterException"),
        (
            "DescribeLogStreams",
            json!({ "logGroupName": GROUP, "logGroupIdentifier": GROUP }),
            "InvalidParameterException",
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": GROUP, "logStreamName": "none" }),
            "ResourceNotFoundException",
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "nextToken": "x" }),
            "InvalidParameterException",
        ),
        (
            "GetLogEvents",
            json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "limit": 10_001 }),
            "InvalidParameterException",
        ),
        (
            "FilterLogEvents",
            json!({ "logGroupName": GROUP, "filterPattern": "{ $.level = \"ERROR\" }" }),
            "InvalidParameterException",
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": GROUP, "logStreamName": "none", "logEvents": event }),
            "ResourceNotFoundException",
        ),
        (
            "PutLogEvents",
            json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "logEvents": [] }),
            "InvalidParameterException",
        ),
        (
            "PutRetentionPolicy",
            json!({ "logGroupName": GROUP, "retentionInDays": 2 }),
            "InvalidParameterException",
        ),
        ("ListTagsForResource", json!({ "resourceArn": "x" }), "InvalidParameterException"),
        (
            "ListTagsForResource",
            json!({ "resourceArn": "arn:aws:logs:us-east-1:999999999999:log-group:x" }),
            "ResourceNotFoundException",
        ),
        ("DescribeLogGroups", json!({ "includeLinkedAccounts": true }), "InvalidParameterException"),
    ];
    for (operation, input, code) in cases {
        server.fault(operation, input, code).await;
    }
}

#[tokio::test]
async fn rejected_events_are_told() {
    let server = Server::with_stream().await;
    let put = json!({ "logGroupName": GROUP, "logStreamName": "jr_1", "entity": { "keyAttributes": { "Type": "Service", "Name": "x" } },
        "logEvents": [{ "timestamp": 1, "message": "old" }, { "timestamp": NOW + 7_200_001, "message": "new" }] });
    let output = server.ok("PutLogEvents", put).await;
    assert_eq!(
        output["rejectedLogEventsInfo"],
        json!({ "tooNewLogEventStartIndex": 1, "tooOldLogEventEndIndex": 1 })
    );
    assert!(output["rejectedEntityInfo"]["errorType"].is_string());
}
