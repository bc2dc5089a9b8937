//! Events: written, read and searched.

use observe::events::{self, EventQuery, MAX_BATCH_BYTES, MAX_EVENTS, Rejected};
use observe::filter::{self, FilterQuery};
use observe::groups;
use observe::streams;
use observe::{ObserveError, pattern};

use crate::common::{DAY, Logs, NOW, invalid, suite};

suite!(
    events_are_read_forwards_and_backwards,
    events_are_read_by_time,
    a_page_holds_a_megabyte,
    put_keeps_the_limits,
    a_group_is_searched_in_order_of_time,
    many_lines_are_cheap
);

async fn events_are_read_forwards_and_backwards(logs: Logs) {
    let events: Vec<(i64, String)> = (0..25).map(|n| (NOW + n / 3, n.to_string())).collect();
    let borrowed: Vec<(i64, &str)> = events.iter().map(|(ts, text)| (*ts, text.as_str())).collect();
    logs.append("s", &borrowed).await;
    let all: Vec<String> = events.iter().map(|(_, text)| text.clone()).collect();
    // Forwards from the head, until the token stands still.
    let head = EventQuery { from_head: true, limit: Some(4), ..EventQuery::default() };
    let (mut read, mut token, _) = logs.get("s", head).await;
    loop {
        let (page, next, back) = logs.get("s", EventQuery { token: Some(&token), ..head }).await;
        if page.is_empty() {
            assert_eq!(next, token);
            // Back from the end come the last ones.
            let (last, ..) = logs.get("s", EventQuery { token: Some(&back), ..head }).await;
            assert_eq!(last, all[21..]);
            break;
        }
        read.extend(page);
        token = next;
    }
    assert_eq!(read, all);
    // What arrives later is found from the same token.
    logs.append("s", &[(NOW + 100, "later")]).await;
    let (page, ..) = logs.get("s", EventQuery { token: Some(&token), ..head }).await;
    assert_eq!(page, ["later"]);
    // Backwards from the tail.
    let tail = EventQuery { end_ms: Some(NOW + 100), limit: Some(7), ..EventQuery::default() };
    let (mut read, forward, mut token) = logs.get("s", tail).await;
    assert_eq!(read, all[18..]);
    let (page, ..) = logs.get("s", EventQuery { token: Some(&forward), end_ms: None, ..tail }).await;
    assert_eq!(page, ["later"]);
    loop {
        let (page, forward, next) = logs.get("s", EventQuery { token: Some(&token), ..tail }).await;
        if page.is_empty() {
            assert_eq!(next, token);
            let (first, ..) = logs.get("s", EventQuery { token: Some(&forward), ..tail }).await;
            assert_eq!(first, all[..7]);
            break;
        }
        read.splice(..0, page);
        token = next;
    }
    assert_eq!(read, all);
}

async fn events_are_read_by_time(logs: Logs) {
    logs.append("s", &[(NOW, "a"), (NOW + 1, "b"), (NOW + 2, "c"), (NOW + 3, "d")]).await;
    let range = EventQuery { start_ms: Some(NOW + 1), end_ms: Some(NOW + 3), ..EventQuery::default() };
    assert_eq!(logs.get("s", range).await.0, ["b", "c"]);
    assert_eq!(logs.get("s", EventQuery { from_head: true, limit: Some(1), ..range }).await.0, ["b"]);
    assert_eq!(logs.get("s", EventQuery { limit: Some(1), ..range }).await.0, ["c"]);
    let mut tx = logs.store.read().await.unwrap();
    for token in ["", "x", "f/1/s", "f/99999999999999999999999999999999999999/s"] {
        let query = EventQuery { token: Some(token), ..EventQuery::default() };
        invalid(events::get(&mut tx, &logs.scope, "g", "s", &query).await, "nextToken");
    }
    // A token is of its stream, also of one that has its name after it.
    let (_, forward, backward) = logs.get("s", EventQuery::default()).await;
    logs.append("other", &[(NOW, "x")]).await;
    let mut tx = logs.tx().await;
    streams::delete(&mut tx, &logs.scope, "g", "s").await.unwrap();
    tx.commit().await.unwrap();
    logs.append("s", &[(NOW, "a"), (NOW + 1, "b"), (NOW + 2, "c"), (NOW + 3, "d")]).await;
    let mut tx = logs.store.read().await.unwrap();
    for (stream, token) in [("other", &forward), ("other", &backward), ("s", &forward)] {
        let query = EventQuery { token: Some(token), ..EventQuery::default() };
        let refused = events::get(&mut tx, &logs.scope, "g", stream, &query).await;
        invalid(refused, "The specified nextToken is invalid.");
    }
    drop(tx);
    // An empty stream gives tokens that find its first events, in both ways of starting.
    let mut tx = logs.tx().await;
    streams::create(&mut tx, &logs.scope, "g", "new").await.unwrap();
    tx.commit().await.unwrap();
    for from_head in [true, false] {
        let query = EventQuery { from_head, ..EventQuery::default() };
        let (page, token, _) = logs.get("new", query).await;
        if page.is_empty() {
            logs.append("new", &[(NOW, "first")]).await;
        }
        let (page, ..) = logs.get("new", EventQuery { token: Some(&token), ..query }).await;
        assert_eq!(page.len(), usize::from(from_head));
    }
}

async fn a_page_holds_a_megabyte(logs: Logs) {
    let long = "x".repeat(200_000);
    logs.append("s", &[(NOW, &long), (NOW, &long), (NOW, &long), (NOW, &long), (NOW, &long), (NOW, "end")])
        .await;
    let (page, token, _) = logs.get("s", EventQuery { from_head: true, ..EventQuery::default() }).await;
    assert_eq!(page.len(), 6);
    logs.append("s", &[(NOW + 1, &long)]).await;
    let (page, ..) = logs.get("s", EventQuery { token: Some(&token), ..EventQuery::default() }).await;
    assert_eq!(page.len(), 1);
    let (page, next) = logs.find(FilterQuery::default()).await;
    assert_eq!(page.len(), 6);
    let (page, next) = logs.find(FilterQuery { token: next.as_deref(), ..FilterQuery::default() }).await;
    assert_eq!((page.len(), next), (1, None));
    // One message of a service that is longer than an event may be is kept in parts.
    let huge = "é".repeat(1_200_000);
    logs.append("t", &[(NOW, &huge)]).await;
    let mut text = String::new();
    let mut token: Option<String> = None;
    for _ in 0..3 {
        let query = EventQuery { from_head: true, token: token.as_deref(), ..EventQuery::default() };
        let (page, next, _) = logs.get("t", query).await;
        assert_eq!(page.len(), 1);
        text += &page[0];
        token = Some(next);
    }
    assert!(text == huge);
}

async fn put_keeps_the_limits(logs: Logs) {
    let mut tx = logs.tx().await;
    groups::create(&mut tx, &logs.scope, "g", None).await.unwrap();
    tx.commit().await.unwrap();
    let one = [(NOW, "x\0y".to_owned())];
    assert!(matches!(logs.put(&one).await, Err(ObserveError::StreamNotFound { .. })));
    let mut tx = logs.tx().await;
    streams::create(&mut tx, &logs.scope, "g", "s").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(logs.put(&one).await.unwrap(), Rejected::default());
    assert_eq!(logs.get("s", EventQuery::default()).await.0, ["x\0y"]);
    let of = |ts: i64, text: &str| (ts, text.to_owned());
    invalid(logs.put(&[]).await, "between 1 and 10000");
    invalid(logs.put(&vec![of(NOW, "x"); MAX_EVENTS + 1]).await, "not 10001");
    invalid(logs.put(&[of(NOW, "")]).await, "empty");
    invalid(logs.put(&[of(NOW, "x"), of(NOW - 1, "y")]).await, "chronological");
    invalid(logs.put(&[of(NOW - DAY, "x"), of(NOW + 1, "y")]).await, "24 hours");
    let full = "x".repeat(MAX_BATCH_BYTES - 26);
    assert_eq!(logs.put(&[of(NOW, &full)]).await.unwrap(), Rejected::default());
    invalid(logs.put(&[of(NOW, &format!("{full}x"))]).await, "1048577 bytes exceeds limit of 1048576");
    // Events too old, past retention and too new are left out and told.
    let mut tx = logs.tx().await;
    groups::set_retention(&mut tx, &logs.scope, "g", Some(3)).await.unwrap();
    invalid(groups::set_retention(&mut tx, &logs.scope, "g", Some(2)).await, "retention");
    tx.commit().await.unwrap();
    let batch = [
        of(NOW - 15 * DAY, "too old"),
        of(NOW - 4 * DAY, "expired"),
        of(NOW - 1, "kept"),
        of(NOW + 7_200_000, "kept too"),
        of(NOW + 7_200_001, "too new"),
    ];
    let rejected = logs.put(&batch).await.unwrap();
    let wanted = Rejected { too_new_start: Some(4), too_old_end: Some(1), expired_end: Some(2) };
    assert_eq!(rejected, wanted);
    let query = EventQuery { start_ms: Some(NOW + 1), from_head: true, ..EventQuery::default() };
    assert_eq!(logs.get("s", query).await.0, ["kept too"]);
    let only_new = logs.put(&[of(NOW + DAY, "x")]).await.unwrap();
    assert_eq!(only_new, Rejected { too_new_start: Some(0), ..Rejected::default() });
    let only_old = logs.put(&[of(0, "x"), of(1, "y")]).await.unwrap();
    assert_eq!(only_old, Rejected { too_old_end: Some(2), ..Rejected::default() });
}

async fn a_group_is_searched_in_order_of_time(logs: Logs) {
    logs.append("one", &[(NOW, "start ERROR"), (NOW + 2, "ok"), (NOW + 4, "ERROR again")]).await;
    logs.append("two", &[(NOW + 1, "fine"), (NOW + 2, "ERROR two"), (NOW + 3, "bye")]).await;
    let all = ["start ERROR", "fine", "ok", "ERROR two", "bye", "ERROR again"];
    assert_eq!(logs.find(FilterQuery::default()).await, (all.map(str::to_owned).to_vec(), None));
    let pattern = pattern::parse("ERROR").unwrap();
    let query = FilterQuery { pattern: pattern.clone(), ..FilterQuery::default() };
    assert_eq!(logs.find(query).await.0, ["start ERROR", "ERROR two", "ERROR again"]);
    // The end of the range is included here.
    let query = FilterQuery { start_ms: Some(NOW + 1), end_ms: Some(NOW + 2), ..FilterQuery::default() };
    assert_eq!(logs.find(query).await.0, ["fine", "ok", "ERROR two"]);
    let names = ["two".to_owned()];
    let query = FilterQuery { streams: &names, ..FilterQuery::default() };
    assert_eq!(logs.find(query).await.0, ["fine", "ERROR two", "bye"]);
    let query = FilterQuery { stream_prefix: Some("on"), ..FilterQuery::default() };
    assert_eq!(logs.find(query).await.0, ["start ERROR", "ok", "ERROR again"]);
    // In pages of one, with and without a pattern.
    for (pattern, wanted) in [(pattern::Pattern::default(), 6), (pattern, 3)] {
        let mut token: Option<String> = None;
        let mut found = Vec::new();
        loop {
            let query = FilterQuery {
                pattern: pattern.clone(),
                limit: Some(1),
                token: token.as_deref(),
                ..FilterQuery::default()
            };
            let (page, next) = logs.find(query).await;
            found.extend(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), wanted);
    }
    let mut tx = logs.store.read().await.unwrap();
    let query = FilterQuery { streams: &names, stream_prefix: Some("o"), ..FilterQuery::default() };
    invalid(filter::find(&mut tx, &logs.scope, "g", &query).await, "mutually exclusive");
    let query = FilterQuery { token: Some("12"), ..FilterQuery::default() };
    invalid(filter::find(&mut tx, &logs.scope, "g", &query).await, "nextToken");
    let missing = ["none".to_owned()];
    let query = FilterQuery { streams: &missing, ..FilterQuery::default() };
    let result = filter::find(&mut tx, &logs.scope, "g", &query).await;
    assert!(matches!(result, Err(ObserveError::StreamNotFound { .. })));
}

/// Appending and reading back many lines stays linear: pages walk the index.
async fn many_lines_are_cheap(logs: Logs) {
    let lines: Vec<(i64, String)> = (0..100_000).map(|n| (NOW + n, format!("line {n} of the run"))).collect();
    let mut tx = logs.tx().await;
    events::append(&mut tx, &logs.scope, "g", "s", &lines).await.unwrap();
    tx.commit().await.unwrap();
    let mut token: Option<String> = None;
    let mut read = 0;
    loop {
        let query = EventQuery { from_head: true, token: token.as_deref(), ..EventQuery::default() };
        let (page, next, _) = logs.get("s", query).await;
        if page.is_empty() {
            break;
        }
        read += page.len();
        token = Some(next);
    }
    assert_eq!(read, 100_000);
    let pattern = pattern::parse("\"line 99999 \"").unwrap();
    let query = FilterQuery { pattern, ..FilterQuery::default() };
    let (mut found, mut next) = logs.find(query.clone()).await;
    while let Some(token) = next {
        let (page, after) = logs.find(FilterQuery { token: Some(&token), ..query.clone() }).await;
        found.extend(page);
        next = after;
    }
    assert_eq!(found, ["line 99999 of the run"]);
}
