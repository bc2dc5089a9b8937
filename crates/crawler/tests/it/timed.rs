//! Schedules, by a clock that stands still until it is told otherwise.

use std::sync::Arc;

use crawler::{CrawlerError, ScheduleState};
use serde_json::json;
use store::TestClock;

use crate::world::World;

/// 2024-01-01T00:00:00Z
const START: i64 = 1_704_067_200_000;
const HOUR: i64 = 3_600_000;

async fn runs(w: &World) -> usize {
    w.crawlers.crawls(&w.scope, "c", &[], None, 100).await.unwrap().0.len()
}

#[tokio::test]
async fn a_schedule_starts_the_crawler_once_per_moment() {
    let clock = Arc::new(TestClock::new(START));
    let w = World::at(Arc::clone(&clock)).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t", json!({ "Schedule": "cron(0 * * * ? *)" })).await;
    let schedule = w.get().await.schedule.unwrap();
    assert_eq!((schedule.state, schedule.next_ms), (ScheduleState::Scheduled, Some(START + HOUR)));
    assert_eq!(w.crawlers.fire_due().await.unwrap(), 0);
    clock.advance(HOUR);
    // Whoever is first, this or the service's own loop: the moment starts one run.
    w.crawlers.fire_due().await.unwrap();
    assert_eq!(w.crawlers.fire_due().await.unwrap(), 0);
    w.wait().await;
    assert_eq!((runs(&w).await, w.tables().await.len()), (1, 1));
    assert_eq!(w.get().await.schedule.unwrap().next_ms, Some(START + 2 * HOUR));
}

#[tokio::test]
async fn moments_missed_while_nothing_ran_start_one_run_together() {
    let clock = Arc::new(TestClock::new(START));
    let mut w = World::at(Arc::clone(&clock)).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t", json!({ "Schedule": "cron(0 * * * ? *)" })).await;
    w.halt().await;
    clock.advance(5 * HOUR + 1);
    assert_eq!(w.crawlers.fire_due().await.unwrap(), 1);
    assert_eq!(w.crawlers.fire_due().await.unwrap(), 0);
    assert_eq!(w.get().await.schedule.unwrap().next_ms, Some(START + 6 * HOUR));
    // Due while it is at work: nothing, and a line in the log.
    clock.advance(HOUR);
    assert_eq!(w.crawlers.fire_due().await.unwrap(), 0);
    assert!(w.log().contains("was due while this crawl was at work"), "{}", w.log());
    w.serve();
    w.wait().await;
    assert_eq!(runs(&w).await, 1);
}

#[tokio::test]
async fn schedules_are_stopped_started_and_changed() {
    let clock = Arc::new(TestClock::new(START));
    let w = World::at(Arc::clone(&clock)).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t", json!({})).await;
    let (crawlers, scope) = (&w.crawlers, &w.scope);
    assert!(matches!(crawlers.start_schedule(scope, "c").await, Err(CrawlerError::NoSchedule { .. })));
    assert!(matches!(
        crawlers.stop_schedule(scope, "c").await,
        Err(CrawlerError::SchedulerNotRunning { .. })
    ));
    let error = crawlers.update_schedule(scope, "c", "cron(0 25 * * ? *)").await.unwrap_err();
    assert!(error.to_string().contains("Hours cannot be \"25\""), "{error}");
    crawlers.update_schedule(scope, "c", "cron(0 * * * ? *)").await.unwrap();
    assert!(matches!(crawlers.start_schedule(scope, "c").await, Err(CrawlerError::SchedulerRunning { .. })));
    crawlers.stop_schedule(scope, "c").await.unwrap();
    clock.advance(HOUR);
    assert_eq!(crawlers.fire_due().await.unwrap(), 0);
    // A schedule that was stopped does not make up for what it missed.
    crawlers.start_schedule(scope, "c").await.unwrap();
    assert_eq!(crawlers.fire_due().await.unwrap(), 0);
    assert_eq!(w.get().await.schedule.unwrap().next_ms, Some(START + 2 * HOUR));
    w.update(json!({ "Schedule": "" })).await;
    assert_eq!(w.get().await.schedule, None);
    assert_eq!(runs(&w).await, 0);
    for schedule in ["daily", "cron(0 0 1 1 ? 2020)", "cron(0 0 31 2 ? *)"] {
        let given = json!({ "Name": "d", "Role": "r", "DatabaseName": "db", "Schedule": schedule,
            "Targets": { "S3Targets": [{ "Path": "s3://bucket/t" }] } });
        let refused = crawlers.create(scope, given.as_object().unwrap().clone()).await;
        assert!(matches!(refused, Err(CrawlerError::Invalid { .. })), "{schedule}: {refused:?}");
        assert!(matches!(crawlers.get(scope, "d").await, Err(CrawlerError::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_schedule_that_never_fires_again_is_refused() {
    let clock = Arc::new(TestClock::new(START));
    let w = World::at(Arc::clone(&clock)).await;
    w.put("t/a.json", "{\"a\":1}").await;
    w.create("t", json!({ "Schedule": "cron(0 1 1 1 ? 2024)" })).await;
    let (crawlers, scope) = (&w.crawlers, &w.scope);
    for never in ["cron(0 0 1 1 ? 2020)", "cron(0 0 1 1 ? 2024)", "cron(0 0 31 2 ? *)"] {
        let error = crawlers.update_schedule(scope, "c", never).await.unwrap_err();
        assert!(error.to_string().contains("never fires"), "{error}");
    }
    crawlers.stop_schedule(scope, "c").await.unwrap();
    clock.advance(HOUR);
    // Its moment is past: it is kept, also by whoever describes the crawler anew, and cannot be started.
    w.update(json!({ "Schedule": "cron(0 1 1 1 ? 2024)" })).await;
    assert_eq!(w.get().await.schedule.unwrap().next_ms, None);
    crawlers.stop_schedule(scope, "c").await.unwrap();
    let error = crawlers.start_schedule(scope, "c").await.unwrap_err();
    assert!(matches!(error, CrawlerError::SchedulePast { .. }), "{error}");
    assert_eq!(runs(&w).await, 0);
}
