//! Metrics: samples, lists, statistics, and their end.

use observe::ObserveError;
use observe::metrics::{self, Dimensions, KEPT_MS, LISTED_MS, MINUTE_MS, MetricQuery, Point, Sample, Window};

use crate::common::{Logs, NOW, suite};

fn dimensions(run: &str) -> Dimensions {
    [("JobName", "j"), ("JobRunId", run)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn sample(name: &str, run: &str, value: f64) -> Sample {
    Sample { name: name.to_owned(), dimensions: dimensions(run), unit: "Bytes", value }
}

async fn put(logs: &Logs, at_ms: i64, samples: &[Sample]) {
    let mut tx = logs.store.begin().await.unwrap();
    metrics::put(&mut tx, &logs.scope, "Glue", at_ms, samples).await.unwrap();
    tx.commit().await.unwrap();
}

async fn list(logs: &Logs, query: &MetricQuery<'_>) -> Result<(Vec<String>, Option<String>), ObserveError> {
    let mut tx = logs.store.read().await.unwrap();
    let (found, next) = metrics::list(&mut tx, &logs.scope, query).await?;
    let name = |metric: &metrics::Metric| format!("{} {}", metric.name, metric.dimensions["JobRunId"]);
    Ok((found.iter().map(name).collect(), next))
}

async fn points(logs: &Logs, run: &str, window: Window) -> Vec<Point> {
    let mut tx = logs.store.read().await.unwrap();
    let found = metrics::find(&mut tx, &logs.scope, "Glue", "m", &dimensions(run)).await.unwrap();
    metrics::points(&mut tx, &found.unwrap(), &window).await.unwrap()
}

fn window(start_ms: i64, minutes: i64) -> Window {
    let end_ms = start_ms + 10 * MINUTE_MS;
    Window { start_ms, end_ms, period_ms: minutes * MINUTE_MS, newest_first: false, skip: 0, limit: 100 }
}

async fn samples_add_up_by_the_minute(logs: Logs) {
    put(&logs, NOW, &[sample("m", "a", 1.5), sample("m", "b", 9.0)]).await;
    put(&logs, NOW + 59_999, &[sample("m", "a", 4.0)]).await;
    put(&logs, NOW + 60_000, &[sample("m", "a", 2.0)]).await;
    let point = |start_ms, samples, sum, minimum, maximum| Point { start_ms, samples, sum, minimum, maximum };
    let first = point(NOW, 2, 5.5, 1.5, 4.0);
    let second = point(NOW + MINUTE_MS, 1, 2.0, 2.0, 2.0);
    assert_eq!(points(&logs, "a", window(NOW + 30_000, 1)).await, [first, second]);
    assert_eq!(first.average(), 2.75);
    assert_eq!(points(&logs, "a", window(NOW, 5)).await, [point(NOW, 3, 7.5, 1.5, 4.0)]);
    let newest = Window { newest_first: true, limit: 1, ..window(NOW, 1) };
    assert_eq!(points(&logs, "a", newest).await, [second]);
    assert_eq!(points(&logs, "a", Window { skip: 1, ..newest }).await, [first]);
    assert_eq!(points(&logs, "a", Window { end_ms: NOW + MINUTE_MS, ..window(NOW, 1) }).await, [first]);
    let odd = window(NOW - MINUTE_MS, 2);
    let starts: Vec<i64> = points(&logs, "a", odd).await.iter().map(|point| point.start_ms).collect();
    assert_eq!(starts, [NOW - MINUTE_MS, NOW + MINUTE_MS], "periods are counted from the start");
    let mut tx = logs.store.read().await.unwrap();
    let fewer = [("JobName".to_owned(), "j".to_owned())].into();
    assert_eq!(metrics::find(&mut tx, &logs.scope, "Glue", "m", &fewer).await.unwrap(), None);
}

async fn lists_filter_and_turn_pages(logs: Logs) {
    put(&logs, NOW, &[sample("m", "a", 1.0), sample("m", "b", 1.0), sample("n", "a", 1.0)]).await;
    let all = MetricQuery { limit: 500, ..MetricQuery::default() };
    assert_eq!(list(&logs, &all).await.unwrap().0, ["m a", "m b", "n a"]);
    let of = |query: MetricQuery<'static>| {
        let logs = &logs;
        async move { list(logs, &query).await.unwrap().0 }
    };
    assert_eq!(of(MetricQuery { name: Some("m"), ..all.clone() }).await, ["m a", "m b"]);
    assert!(of(MetricQuery { namespace: Some("AWS/S3"), ..all.clone() }).await.is_empty());
    let run = |value| MetricQuery { dimensions: vec![("JobRunId", value)], ..all.clone() };
    assert_eq!(of(run(Some("a"))).await, ["m a", "n a"]);
    assert_eq!(of(run(None)).await.len(), 3);
    let both = vec![("JobRunId", Some("a")), ("Type", None)];
    assert!(of(MetricQuery { dimensions: both, ..all.clone() }).await.is_empty());
    assert!(of(MetricQuery { since_ms: NOW + 1, ..all.clone() }).await.is_empty());

    let one = MetricQuery { limit: 1, dimensions: vec![("JobRunId", Some("a"))], ..all.clone() };
    let (first, next) = list(&logs, &one).await.unwrap();
    let (second, end) = list(&logs, &MetricQuery { after: next.as_deref(), ..one.clone() }).await.unwrap();
    assert_eq!((first.concat(), second.concat(), end), ("m a".to_owned(), "n a".to_owned(), None));
    let wrong = list(&logs, &MetricQuery { after: Some("x"), ..one }).await;
    assert!(matches!(wrong, Err(ObserveError::InvalidParameter { .. })));
}

async fn the_past_is_deleted(logs: Logs) {
    put(&logs, NOW - KEPT_MS - MINUTE_MS, &[sample("m", "a", 1.0), sample("m", "b", 1.0)]).await;
    put(&logs, NOW, &[sample("m", "b", 2.0)]).await;
    let all = MetricQuery { limit: 500, ..MetricQuery::default() };
    assert_eq!(list(&logs, &all).await.unwrap().0.len(), 2);
    let recent = MetricQuery { since_ms: NOW - LISTED_MS, ..all.clone() };
    assert_eq!(list(&logs, &recent).await.unwrap().0, ["m b"]);
    logs.clock.advance(2 * MINUTE_MS);
    let mut deleted = Vec::new();
    loop {
        let mut tx = logs.store.begin().await.unwrap();
        if !metrics::is_stale(&mut tx).await.unwrap() {
            break;
        }
        deleted.push(metrics::purge(&mut tx, 1).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(deleted, [1, 1]);
    let mut tx = logs.store.begin().await.unwrap();
    assert_eq!(metrics::purge(&mut tx, 5).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(list(&logs, &all).await.unwrap().0, ["m b"]);
    let whole = Window { start_ms: 0, end_ms: i64::MAX, ..window(0, 1) };
    assert_eq!(points(&logs, "b", whole).await.len(), 1);
}

suite![samples_add_up_by_the_minute, lists_filter_and_turn_pages, the_past_is_deleted];
