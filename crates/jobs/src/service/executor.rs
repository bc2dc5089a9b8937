//! One run from its lease to its end.
//!
//! Two things go on side by side: the work ([`crate::execute`] or [`crate::script`]), and a watch that renews the lease,
//! sees a stop asked for in another process, and ends the work when its time is over. The work ends
//! by publishing (which stores SUCCEEDED itself) or with a reason; the reason becomes the run's end.

use std::time::Duration;

use futures::FutureExt as _;
use store::{Outcome, Tx, lease, lease::Lease};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::delivery::Whose;
use crate::execute::{self, RunFailure};
use crate::jobs::Active;
use crate::lineage::Datasets;
use crate::log::{FLUSH_MS, RunLog};
use crate::metrics::{self, REPORT_MS};
use crate::run::{self, Event, Run, RunKind, RunState};
use crate::{JobsError, delivery, retry, script};

/// How often timeouts and other processes' stops are looked at.
const WATCH: Duration = Duration::from_millis(500);
/// The longest error message that AWS returns for a run, roughly.
const MAX_MESSAGE_BYTES: usize = 8_000;

/// A run that this process has leased.
pub(super) struct Begun {
    run: Run,
    lease: Lease,
    active: Active,
    /// Whether its output is published, and only rows for databases are to be landed.
    decided: bool,
}

/// Leases a run whose output is published, but for rows that are decided to go to databases; `None` when there are none,
/// or somebody holds the lease.
pub(super) async fn resume(context: &Context, id: &str) -> Result<Option<Begun>, JobsError> {
    let mut tx = context.store.begin().await?;
    if delivery::decided(&mut tx, id).await?.is_empty() {
        return Ok(None);
    }
    let Some(run) = run::load(&mut tx, id).await? else { return Ok(None) };
    let options = &context.options;
    let Some(lease) =
        lease::acquire(&mut tx, &run.lease_name(), &options.holder, options.lease_ttl_ms).await?
    else {
        return Ok(None);
    };
    entered(context, tx, run, lease, true).await.map(Some)
}

/// What became of a run that is to be executed.
pub(super) enum Next {
    /// It is this server's.
    Begun(Box<Begun>),
    /// It is a retry, whose time comes in so many milliseconds.
    Later(u64),
    /// Somebody else was quicker, or it is gone.
    Gone,
}

/// Leases a run that is to be executed.
pub(super) async fn begin(context: &Context, id: &str) -> Result<Next, JobsError> {
    retry::backoff(|| try_begin(context, id)).await
}

async fn try_begin(context: &Context, id: &str) -> Result<Next, JobsError> {
    let mut tx = context.store.begin().await?;
    let Some(mut run) = run::load(&mut tx, id).await? else { return Ok(Next::Gone) };
    if let Ok(wait @ 1..) = u64::try_from(run.details.not_before_ms - tx.now_ms()) {
        return Ok(Next::Later(wait));
    }
    let options = &context.options;
    let Some(lease) =
        lease::acquire(&mut tx, &run.lease_name(), &options.holder, options.lease_ttl_ms).await?
    else {
        return Ok(Next::Gone);
    };
    if run::apply(&mut tx, &mut run, Event::Begun).await?.is_none() {
        return Ok(Next::Gone);
    }
    Ok(Next::Begun(Box::new(entered(context, tx, run, lease, false).await?)))
}

/// Commits what makes the run this server's; a stop that is committed right after that must find the token.
async fn entered(
    context: &Context,
    tx: Tx,
    run: Run,
    lease: Lease,
    decided: bool,
) -> Result<Begun, JobsError> {
    let active = Active::new(&context.engine, &run);
    context.shared.enter(&run.id, active.clone());
    if let Err(error) = tx.commit().await {
        context.shared.leave(&run.id);
        return Err(error.into());
    }
    Ok(Begun { run, lease, active, decided })
}

/// Why the watch ended the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Stop,
    Timeout,
    LeaseLost,
    ShutDown,
}

/// Executes a leased run and stores its end.
pub(super) async fn execute(context: Context, begun: Begun, stop: CancellationToken) {
    let Begun { run, lease, active, decided } = begun;
    let clock = context.store.clock().clone();
    let log = RunLog::new(context.logs.clone(), clock, &run);
    let work = async {
        match decided {
            true => Box::pin(execute::resume(&context, &run, &lease, &log)).await,
            false => work(&context, &run, &lease, &active, &log).await,
        }
    };
    let (result, ended) = Box::pin(drive(&context, &run, &lease, &active, &log, &stop, work)).await;
    match result {
        Ok(()) => {}
        Err(failure @ RunFailure::Undelivered { .. }) => {
            log.error(format!("run {}: {failure}", run.id));
            log.flush().await;
            pause(&context, &stop).await;
        }
        Err(failure) => {
            // Whoever sees that the run has ended finds in its log why.
            let message = match (&failure, ended) {
                (RunFailure::Cancelled, Some(Ended::Timeout)) => timed_out(&run),
                (RunFailure::Cancelled, Some(Ended::Stop)) => "it was stopped".to_owned(),
                _ => failure.message(&run.id),
            };
            log.error(format!("run {}: {message}", run.id));
            log.flush().await;
            let end = retry::backoff(|| finish(&context, &run, &lease, &active, (&failure, &message), ended));
            match end.await {
                Ok(Some(state)) => {
                    if let Some(events) = &context.events {
                        let now_ms = context.store.clock().now_ms();
                        events.ended(&run, state, now_ms, Some(&message), &Datasets::default());
                    }
                }
                Ok(None) => log.error(format!("run {} was ended elsewhere", run.id)),
                // The lease runs out and the run is recovered as lost.
                Err(error) => tracing::error!(run = run.id, %error, "the end of a run could not be stored"),
            }
        }
    }
    log.flush().await;
    context.shared.leave(&run.id);
    context.shared.wake.notify_one();
    if run.details.kind == RunKind::Graph {
        // Of this run alone: whose database is away holds up nobody else's.
        execute::throw_away(&context, &run.scope, Whose::Run(&run.id)).await;
    }
    if run.details.kind == RunKind::Etl {
        tokio::select! {
            () = stop.cancelled() => {}
            () = context.scripts.refill() => {}
        }
    }
}

/// Waits until a database may be asked again: the lease is not renewed any more, and runs out meanwhile.
async fn pause(context: &Context, stop: &CancellationToken) {
    let ttl = Duration::from_millis(u64::try_from(context.options.lease_ttl_ms).unwrap_or(1_000));
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(ttl) => {}
    }
}

/// The work itself; `Ok` means that the run is SUCCEEDED.
async fn work(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    log: &RunLog,
) -> Result<(), RunFailure> {
    // Erased: what these futures hold is nested too deeply for the compiler to look through from here.
    match run.details.kind {
        RunKind::Graph => execute::execute(context, run, lease, active, log).boxed().await,
        RunKind::Etl | RunKind::PythonShell => {
            script::execute(context, run, lease, active, log).boxed().await
        }
    }
}

/// Runs the work under the watch. Both are polled side by side: the watch writes to the store and to the log, as the
/// work does, and must never wait for a lock that the work holds while nobody polls the work.
async fn drive(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    log: &RunLog,
    stop: &CancellationToken,
    work: impl Future<Output = Result<(), RunFailure>>,
) -> (Result<(), RunFailure>, Option<Ended>) {
    let done = CancellationToken::new();
    let work = async {
        let result = work.await;
        done.cancel();
        result
    };
    tokio::join!(work, watch(context, run, lease, active, log, stop, &done))
}

/// Renews the lease, looks for a reason to end the work, and writes progress and log lines, until `done`. Returns why
/// the work was told to end, if it was.
async fn watch(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    log: &RunLog,
    stop: &CancellationToken,
    done: &CancellationToken,
) -> Option<Ended> {
    let mut ended = None;
    let mut watch = ticks(WATCH);
    let mut flush = ticks(Duration::from_millis(FLUSH_MS));
    let mut renew_at = Instant::now();
    let mut report = ticks(Duration::from_millis(REPORT_MS));
    report.reset();
    let reports = wants_reports(context, run).await;
    let mut shown = active.counters.totals();
    let mut delayed = run.notify_after_ms();
    loop {
        tokio::select! {
            biased;
            () = done.cancelled() => return ended,
            () = stop.cancelled(), if ended.is_none() => {
                ended = Some(Ended::ShutDown);
                active.cancel.cancel();
            }
            () = active.cancel.cancelled(), if ended.is_none() => ended = Some(Ended::Stop),
            _ = flush.tick() => {
                let totals = active.counters.totals();
                if totals != shown {
                    let elapsed = run.details.executing_ms(context.store.clock().now_ms());
                    log.progress(&active.counters.progress(u64::try_from(elapsed).unwrap_or(0)));
                    shown = totals;
                }
                log.flush().await;
            }
            _ = report.tick(), if reports => metrics::report_progress(context, &run.id).await,
            _ = watch.tick(), if ended.is_none() => {
                if delayed.is_some_and(|delay_ms| context.store.clock().now_ms() - begun_ms(run) >= delay_ms) {
                    tell_delayed(run, log, delayed.take().unwrap_or_default());
                }
                ended = look(context, run, lease, &mut renew_at).await;
                if ended.is_some() {
                    active.cancel.cancel();
                }
            }
        }
    }
}

/// Whether metrics are to be reported while the run goes on; at its end they are in any case.
async fn wants_reports(context: &Context, run: &Run) -> bool {
    if context.metrics.is_none() {
        return false;
    }
    match metrics::wanted(context, run).await {
        Ok(wanted) => wanted.anything(),
        Err(error) => {
            tracing::warn!(run = run.id, %error, "whether a run wants metrics could not be looked up");
            false
        }
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn begun_ms(run: &Run) -> i64 {
    run.details.begun_ms.unwrap_or(run.created_ms)
}

/// Says that a run goes on for longer than was expected, to those who read its log and to those who run the server.
fn tell_delayed(run: &Run, log: &RunLog, delay_ms: i64) {
    let minutes = delay_ms / 60_000;
    log.error(format!(
        "WARN the run has been running for more than NotifyDelayAfter, {minutes} minutes, and goes on"
    ));
    tracing::warn!(
        job = run.details.job,
        run = run.id,
        minutes,
        "a job run takes longer than its NotifyDelayAfter"
    );
}

/// Renews the lease when it is time, and says whether the work has to end.
async fn look(context: &Context, run: &Run, lease: &Lease, renew_at: &mut Instant) -> Option<Ended> {
    let begun = begun_ms(run);
    let limit_ms = run.details.timeout_minutes.saturating_mul(60_000);
    if context.store.clock().now_ms().saturating_sub(begun) >= limit_ms {
        return Some(Ended::Timeout);
    }
    if Instant::now() < *renew_at {
        return None;
    }
    match renew(context, run, lease).await {
        Ok(None) => {
            *renew_at =
                Instant::now() + Duration::from_millis(u64::try_from(lease.ttl_ms / 4).unwrap_or(1_000));
            None
        }
        Ok(Some(ended)) => Some(ended),
        // Tried again at the next tick; if it goes on, the lease runs out and publishing is refused.
        Err(error) => {
            tracing::warn!(run = run.id, %error, "renewing the lease of a run failed");
            None
        }
    }
}

async fn renew(context: &Context, run: &Run, lease: &Lease) -> Result<Option<Ended>, JobsError> {
    let mut tx = context.store.begin().await?;
    if !lease::renew(&mut tx, lease).await? {
        return Ok(Some(Ended::LeaseLost));
    }
    let mut now = run::load(&mut tx, &run.id).await?;
    if let Some(run) = &mut now {
        run::note_alive(&mut tx, run).await?;
    }
    tx.commit().await?;
    Ok(match now.map(|run| run.details.state) {
        Some(RunState::Running) => None,
        Some(RunState::Stopping) => Some(Ended::Stop),
        _ => Some(Ended::LeaseLost),
    })
}

/// Stores how a run ended that did not publish; `None` when it had already ended, or belongs to another process.
async fn finish(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    (failure, message): (&RunFailure, &str),
    ended: Option<Ended>,
) -> Result<Option<RunState>, JobsError> {
    let mut tx = context.store.begin().await?;
    if !lease::renew(&mut tx, lease).await? {
        return Ok(None);
    }
    let dropped = script::atomic::give_up(&context.lake, &mut tx, &run.id).await?;
    let Some(mut now) = run::load(&mut tx, &run.id).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    if !delivery::decided(&mut tx, &run.id).await?.is_empty() {
        // It was published after all, and ends when its rows have landed.
        return Ok(None);
    }
    let cancelled = matches!(failure, RunFailure::Cancelled);
    let event = match ended {
        Some(Ended::Timeout) if cancelled => Event::TimedOut,
        Some(Ended::ShutDown) if cancelled && run.details.kind == RunKind::Graph => Event::Interrupted,
        Some(Ended::Stop) if cancelled => Event::Cancelled,
        _ => Event::Failed,
    };
    now.details.totals = active.counters.totals();
    now.details.error_message = match event {
        Event::Interrupted => None,
        Event::Cancelled => None,
        Event::TimedOut => Some(timed_out(run)),
        _ if ended == Some(Ended::ShutDown) && cancelled && dropped => {
            Some(script::SHUT_DOWN_APART.to_owned())
        }
        // What it has written is there: to begin it again unasked could write it twice.
        _ if ended == Some(Ended::ShutDown) && cancelled => Some(script::SHUT_DOWN.to_owned()),
        _ => Some(clean(message)),
    };
    if run::apply(&mut tx, &mut now, event).await?.is_none() {
        return Ok(None);
    }
    metrics::report(context, &mut tx, &mut now).await?;
    lease::release(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(Some(now.details.state))
}

fn timed_out(run: &Run) -> String {
    format!("The run took longer than its timeout of {} minutes.", run.details.timeout_minutes)
}

/// Makes a message storable: no zero characters, not endless.
fn clean(message: &str) -> String {
    let mut message = message.replace('\0', "\u{fffd}");
    if message.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Whether a commit that failed may have happened all the same.
pub(crate) fn unknown(error: &store::StoreError) -> bool {
    matches!(error.outcome(), Outcome::Unknown)
}
