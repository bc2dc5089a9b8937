//! Groups and streams: names and pages.

use observe::ObserveError;
use observe::groups::{self, GroupQuery};
use observe::streams::{self, StreamOrder, StreamQuery};
use store::Scope;

use crate::common::{Logs, NOW, invalid, suite};

suite!(
    groups_are_listed_by_name_in_pages,
    names_are_checked_and_unique,
    streams_are_listed_by_name_or_by_recency
);

async fn groups_are_listed_by_name_in_pages(logs: Logs) {
    let mut tx = logs.tx().await;
    for name in ["/aws-glue/jobs/output", "/aws-glue/jobs/error", "B", "a", "/aws/x", "a.b"] {
        groups::create(&mut tx, &logs.scope, name, None).await.unwrap();
    }
    let elsewhere = Scope::new("111111111111", "us-east-1").unwrap();
    groups::create(&mut tx, &elsewhere, "a", Some("INFREQUENT_ACCESS")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = logs.store.read().await.unwrap();
    let mut names = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = GroupQuery { after: after.as_deref(), limit: 4, ..GroupQuery::default() };
        let (page, next) = groups::list(&mut tx, &logs.scope, &query).await.unwrap();
        names.extend(page.into_iter().map(|group| group.name));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, ["/aws-glue/jobs/error", "/aws-glue/jobs/output", "/aws/x", "B", "a", "a.b"]);
    let filters = [
        (Some("/aws-glue/"), None, 2),
        (Some("/aws"), None, 3),
        (Some("c"), None, 0),
        (None, Some("jobs"), 2),
        (None, Some("JOBS"), 0),
    ];
    for (prefix, infix, wanted) in filters {
        let query = GroupQuery { prefix, infix, limit: 50, ..GroupQuery::default() };
        let (page, next) = groups::list(&mut tx, &logs.scope, &query).await.unwrap();
        assert_eq!((page.len(), next), (wanted, None));
    }
    assert_eq!(groups::get(&mut tx, &elsewhere, "a").await.unwrap().class, "INFREQUENT_ACCESS");
}

async fn names_are_checked_and_unique(logs: Logs) {
    let mut tx = logs.tx().await;
    groups::create(&mut tx, &logs.scope, "g", None).await.unwrap();
    let again = groups::create(&mut tx, &logs.scope, "g", None).await;
    assert!(matches!(again, Err(ObserveError::GroupExists { .. })));
    for name in ["", "a b", "a:b", "é", &"x".repeat(513)] {
        invalid(groups::create(&mut tx, &logs.scope, name, None).await, "not valid");
    }
    streams::create(&mut tx, &logs.scope, "g", "s é/[$]").await.unwrap();
    let again = streams::create(&mut tx, &logs.scope, "g", "s é/[$]").await;
    assert!(matches!(again, Err(ObserveError::StreamExists { .. })));
    for name in ["", "a:b", "a*", "a\0", &"é".repeat(513)] {
        invalid(streams::create(&mut tx, &logs.scope, "g", name).await, "not valid");
    }
    let nowhere = streams::create(&mut tx, &logs.scope, "none", "s").await;
    assert!(matches!(nowhere, Err(ObserveError::GroupNotFound { .. })));
    let nothing = streams::get(&mut tx, &logs.scope, "g", "none").await;
    assert!(matches!(nothing, Err(ObserveError::StreamNotFound { .. })));
    tx.commit().await.unwrap();
}

async fn streams_are_listed_by_name_or_by_recency(logs: Logs) {
    for (stream, ts) in [("b", 30), ("a", 10), ("c", 20), ("ab", 20)] {
        logs.append(stream, &[(NOW - 100, "old"), (NOW + ts, "new")]).await;
    }
    let mut tx = logs.tx().await;
    streams::create(&mut tx, &logs.scope, "g", "empty").await.unwrap();
    let cases: [(StreamOrder, bool, Option<&str>, &[&str]); 6] = [
        (StreamOrder::Name, false, None, &["a", "ab", "b", "c", "empty"]),
        (StreamOrder::Name, true, None, &["empty", "c", "b", "ab", "a"]),
        (StreamOrder::Name, false, Some("a"), &["a", "ab"]),
        (StreamOrder::Name, true, Some("a"), &["ab", "a"]),
        (StreamOrder::LastEventTime, true, None, &["b", "c", "ab", "a", "empty"]),
        (StreamOrder::LastEventTime, false, None, &["empty", "a", "ab", "c", "b"]),
    ];
    for (order, descending, prefix, wanted) in cases {
        for limit in [1, 2, 50] {
            let mut names = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let query = StreamQuery { prefix, order, descending, after: after.as_deref(), limit };
                let (page, next) = streams::list(&mut tx, &logs.scope, "g", &query).await.unwrap();
                assert!(page.len() <= limit);
                names.extend(page.into_iter().map(|stream| stream.name));
                after = next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(names, wanted, "{order:?} {descending} {prefix:?}");
        }
    }
    let stream = streams::get(&mut tx, &logs.scope, "g", "b").await.unwrap();
    assert_eq!((stream.first_event_ms, stream.last_event_ms), (Some(NOW - 100), Some(NOW + 30)));
    assert_eq!((stream.last_ingestion_ms, stream.stored_bytes), (Some(NOW), 2 * (3 + 26)));
    assert_eq!(groups::get(&mut tx, &logs.scope, "g").await.unwrap().stored_bytes, 8 * (3 + 26));
    let query =
        StreamQuery { prefix: Some("a"), order: StreamOrder::LastEventTime, ..StreamQuery::default() };
    invalid(streams::list(&mut tx, &logs.scope, "g", &query).await, "LastEventTime");
    let query = StreamQuery { after: Some("time:1:a"), limit: 1, ..StreamQuery::default() };
    invalid(streams::list(&mut tx, &logs.scope, "g", &query).await, "nextToken");
}
