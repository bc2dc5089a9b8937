//! What is deleted or expired.

use observe::events::EventQuery;
use observe::filter::FilterQuery;
use observe::groups;
use observe::streams;
use observe::{ObserveError, retention};

use crate::common::{DAY, Logs, NOW, suite};

suite!(what_is_deleted_never_comes_back, expired_events_are_hidden_then_purged);

async fn what_is_deleted_never_comes_back(logs: Logs) {
    let many: Vec<(i64, &str)> = (0..250).map(|n| (NOW + n, "old")).collect();
    logs.append("s", &many).await;
    logs.append("t", &[(NOW, "other")]).await;
    let mut tx = logs.tx().await;
    streams::delete(&mut tx, &logs.scope, "g", "s").await.unwrap();
    let again = streams::delete(&mut tx, &logs.scope, "g", "s").await;
    assert!(matches!(again, Err(ObserveError::StreamNotFound { .. })));
    tx.commit().await.unwrap();
    assert_eq!(logs.find(FilterQuery::default()).await.0, ["other"]);
    logs.append("s", &[(NOW, "new")]).await;
    assert_eq!(logs.get("s", EventQuery::default()).await.0, ["new"]);
    let mut tx = logs.tx().await;
    groups::delete(&mut tx, &logs.scope, "g").await.unwrap();
    let again = groups::delete(&mut tx, &logs.scope, "g").await;
    assert!(matches!(again, Err(ObserveError::GroupNotFound { .. })));
    tx.commit().await.unwrap();
    logs.append("s", &[(NOW, "third")]).await;
    assert_eq!(logs.find(FilterQuery::default()).await.0, ["third"]);
    let mut deleted = Vec::new();
    loop {
        let mut tx = logs.tx().await;
        let rows = retention::purge(&mut tx, 100).await.unwrap();
        tx.commit().await.unwrap();
        deleted.push(rows);
        if rows < 100 {
            break;
        }
    }
    assert_eq!(deleted, [100, 100, 52]);
    assert_eq!(logs.find(FilterQuery::default()).await.0, ["third"]);
    let mut tx = logs.store.read().await.unwrap();
    let rows = tx.query("SELECT count(*) FROM observe_events", &[]).await.unwrap();
    assert_eq!(rows[0].get::<i64>(0).unwrap(), 1);
}

async fn expired_events_are_hidden_then_purged(logs: Logs) {
    logs.append("s", &[(NOW, "a"), (NOW + DAY, "b"), (NOW + 2 * DAY, "c")]).await;
    let mut tx = logs.tx().await;
    groups::set_retention(&mut tx, &logs.scope, "g", Some(1)).await.unwrap();
    tx.commit().await.unwrap();
    logs.clock.set(NOW + 2 * DAY + 1);
    assert_eq!(logs.get("s", EventQuery::default()).await.0, ["c"]);
    assert_eq!(logs.find(FilterQuery::default()).await.0, ["c"]);
    let mut tx = logs.tx().await;
    assert_eq!(retention::purge(&mut tx, 1).await.unwrap(), 1);
    assert_eq!(retention::purge(&mut tx, 10).await.unwrap(), 1);
    assert_eq!(retention::purge(&mut tx, 10).await.unwrap(), 0);
    groups::set_retention(&mut tx, &logs.scope, "g", None).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = logs.store.read().await.unwrap();
    let stream = streams::get(&mut tx, &logs.scope, "g", "s").await.unwrap();
    assert_eq!((stream.first_event_ms, stream.last_event_ms), (Some(NOW + 2 * DAY), Some(NOW + 2 * DAY)));
    assert_eq!(logs.get("s", EventQuery::default()).await.0, ["c"]);
}
