//! The long-lived tasks of a node, and what happens when one of them ends.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use wire::BoxError;

use super::Domain;
use super::lineage_sink::LineageWriter;
use crate::supervisor::{OnExit, Stage, Task};

/// Every task but the HTTP server.
pub(super) fn all(domain: &Domain, runner: jobs::Service) -> Vec<Task> {
    let (crawlers, queries) = (domain.crawlers.clone(), domain.queries.clone());
    let (statistics, quality) = (domain.statistics.clone(), domain.quality.clone());
    let sessions = domain.sessions.clone();
    let (lake, purged, expired) = (domain.lake.clone(), domain.store.clone(), domain.store.clone());
    let (receives, messages) = (domain.queues.clone(), domain.store.clone());
    // The runner is made once, with its handle: if it ends by itself, the node stops.
    let runner = Mutex::new(Some(runner));
    vec![
        work("crawls", OnExit::Restart, move |stop| {
            let crawlers = crawlers.clone();
            Box::pin(async move { Ok(crawlers.run(stop).await?) })
        }),
        work("job runs", OnExit::StopNode, move |stop| {
            let runner = runner.lock().unwrap_or_else(PoisonError::into_inner).take();
            Box::pin(async move {
                let runner = runner.ok_or("the runner of jobs can start only once")?;
                Ok(runner.run(stop).await?)
            })
        }),
        work("sessions", OnExit::Restart, move |stop| {
            let sessions = sessions.clone();
            Box::pin(async move { Ok(sessions.run(stop).await?) })
        }),
        work("queries", OnExit::Restart, move |stop| {
            let queries = queries.clone();
            Box::pin(async move { Ok(queries.run(stop).await?) })
        }),
        work("statistics tasks", OnExit::Restart, move |stop| {
            let statistics = statistics.clone();
            Box::pin(async move { Ok(statistics.run(stop).await?) })
        }),
        work("data quality runs", OnExit::Restart, move |stop| {
            let quality = quality.clone();
            Box::pin(async move { Ok(quality.run(stop).await?) })
        }),
        upkeep("lake collector", move |stop| {
            let lake = lake.clone();
            Box::pin(async move { lake.run_gc(stop).await })
        }),
        upkeep("catalog purge", move |stop| Box::pin(catalog::purge::run(purged.clone(), stop))),
        // Ends with the server, whose requests would otherwise wait for messages while it drains.
        Task {
            name: "queue waits",
            stage: Stage::Intake,
            on_exit: OnExit::Restart,
            start: Box::new(move |stop| {
                let receives = receives.clone();
                Box::pin(async move {
                    stop.cancelled().await;
                    receives.close();
                    Ok(())
                })
            }),
        },
        upkeep("queue upkeep", move |stop| Box::pin(queues::upkeep::run(messages.clone(), stop))),
        upkeep("log retention", move |stop| Box::pin(observe::retention::run(expired.clone(), stop))),
    ]
}

/// Writes the events of runs; stops after those who make them.
pub(super) fn lineage(writer: Arc<LineageWriter>) -> Task {
    upkeep("lineage events", move |stop| {
        let writer = Arc::clone(&writer);
        Box::pin(async move { writer.run(stop).await })
    })
}

fn work(
    name: &'static str,
    on_exit: OnExit,
    start: impl Fn(CancellationToken) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
) -> Task {
    Task { name, stage: Stage::Work, on_exit, start: Box::new(start) }
}

/// A loop that handles its own errors and ends only when told to.
fn upkeep(
    name: &'static str,
    start: impl Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> Task {
    Task {
        name,
        stage: Stage::Upkeep,
        on_exit: OnExit::Restart,
        start: Box::new(move |stop| {
            let running = start(stop);
            Box::pin(async move {
                running.await;
                Ok(())
            })
        }),
    }
}
