//! Runs whose process is gone.

use store::lease;
use tokio::task::JoinSet;

use super::Context;
use crate::delivery::Whose;
use crate::lineage::Datasets;
use crate::log::RunLog;
use crate::run::{self, Event, RunKind};
use crate::script::atomic;
use crate::{JobsError, delivery, execute, metrics};

const MESSAGE: &str =
    "The process that executed the run ended before the run did, or could not store its end; ";
const UNPUBLISHED: &str = "nothing of its output was published.";
const OF_SCRIPTS: &str = "what the script had written until then is there.";

/// Ends a run that is marked as being executed when nobody holds its lease.
pub(super) async fn recover(context: &Context, id: &str, late: &mut JoinSet<()>) -> Result<(), JobsError> {
    let mut tx = context.store.begin().await?;
    let Some(mut run) = run::load(&mut tx, id).await? else { return Ok(()) };
    if !delivery::decided(&mut tx, id).await?.is_empty() {
        // Published; who lands its rows ends it.
        return Ok(());
    }
    let options = &context.options;
    let Some(lease) =
        lease::acquire(&mut tx, &run.lease_name(), &options.holder, options.lease_ttl_ms).await?
    else {
        return Ok(());
    };
    let dropped = atomic::give_up(&context.lake, &mut tx, id).await?;
    let left = if dropped || run.details.kind == RunKind::Graph { UNPUBLISHED } else { OF_SCRIPTS };
    let message = format!("{MESSAGE}{left}");
    run.details.error_message = Some(message.clone());
    let Some(_) = run::apply(&mut tx, &mut run, Event::Lost).await? else { return Ok(()) };
    metrics::report(context, &mut tx, &mut run).await?;
    lease::release(&mut tx, &lease).await?;
    tx.commit().await?;
    tracing::warn!(run = id, job = run.details.job, "recovered a run whose process is gone");
    if let Some(events) = &context.events {
        let now_ms = context.store.clock().now_ms();
        events.ended(&run, run.details.state, now_ms, Some(&message), &Datasets::default());
    }
    let clock = context.store.clock().clone();
    let log = RunLog::new(context.logs.clone(), clock, &run);
    log.error(message);
    log.flush().await;
    context.shared.wake.notify_one();
    if run.details.kind == RunKind::Graph {
        let context = context.clone();
        late.spawn(async move { execute::throw_away(&context, &run.scope, Whose::Run(&run.id)).await });
    }
    Ok(())
}
