//! Landing what is staged, by whoever executes the run or recovers it.

use sources::SourceError;
use sources::jdbc::{Config, Database, Landing};
use store::lease::{self, Lease};
use store::{Scope, StoreError, crash};

use super::super::RunFailure;
use super::super::databases::{NoConfig, config_of};
use super::super::publish::End;
use crate::delivery::{self, Delivery, Whose};
use crate::lineage::Recorded;
use crate::log::RunLog;
use crate::plan::PlanError;
use crate::run::{self, Event, Run, RunState};
use crate::service::Context;
use crate::{JobsError, lineage, metrics, retry};

/// The databases have committed, and the store does not know.
pub(crate) const DELIVERED: &str = "jobs.run.delivered";

/// What lands together: in one transaction of one database.
pub(crate) struct Group {
    database: Database,
    deliveries: Vec<Delivery>,
}

/// Why something does not land.
enum Trouble {
    Store(StoreError),
    /// It never will.
    Refused(String),
    /// It may another time.
    Passing(String),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Store(error) => Self::Store(error),
            SourceError::Refused { .. } => Self::Refused(error.to_string()),
            other => Self::Passing(other.to_string()),
        }
    }
}

fn landings(deliveries: &[Delivery]) -> Vec<Landing> {
    deliveries.iter().map(|delivery| delivery.landing.clone()).collect()
}

/// Deliveries by database: those through one connection to one database come together.
fn grouped(deliveries: Vec<Delivery>) -> Vec<Vec<Delivery>> {
    let mut groups: Vec<Vec<Delivery>> = Vec::new();
    for delivery in deliveries {
        let same = |group: &&mut Vec<Delivery>| {
            let first = group.first();
            first.is_some_and(|first| {
                (&first.connection, &first.database) == (&delivery.connection, &delivery.database)
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(delivery),
            None => groups.push(vec![delivery]),
        }
    }
    groups
}

async fn open(context: &Context, scope: &Scope, delivery: &Delivery) -> Result<Database, Trouble> {
    let config = config_of(context, scope, &delivery.connection).await.map_err(|error| match error {
        NoConfig::Store(error) => Trouble::Store(error),
        NoConfig::Refused(what) => Trouble::Passing(what),
    })?;
    let database = delivery.database.clone().or(config.database.clone());
    let mut database = Database::open(&Config { database, ..config }).await?;
    database.begin_writing().await?;
    Ok(database)
}

/// Lands everything, in transactions that stay open. For who has not decided yet: an error is one of the node's.
pub(crate) async fn land(
    context: &Context,
    scope: &Scope,
    deliveries: Vec<Delivery>,
) -> Result<Vec<Group>, RunFailure> {
    let mut landed = Vec::new();
    for deliveries in grouped(deliveries) {
        let nodes: Vec<&str> = deliveries.iter().map(|delivery| delivery.node.as_str()).collect();
        let node = nodes.join(" or ");
        let refused = |what| RunFailure::Node { node: node.clone(), error: PlanError::Refused(what) };
        let failed = |trouble| match trouble {
            Trouble::Store(error) => RunFailure::Store(error),
            Trouble::Refused(what) | Trouble::Passing(what) => refused(what),
        };
        let first = deliveries.first().ok_or_else(|| refused("nothing is staged".to_owned()))?;
        let mut database = open(context, scope, first).await.map_err(failed)?;
        let waited = database.land(&landings(&deliveries)).await;
        if !waited.map_err(|error| failed(error.into()))? {
            return Err(refused("the rows that were staged are gone".to_owned()));
        }
        landed.push(Group { database, deliveries });
    }
    Ok(landed)
}

/// Commits what has landed, which is decided by now, and ends the run.
pub(crate) async fn deliver(
    context: &Context,
    run: &Run,
    lease: &Lease,
    log: &RunLog,
    groups: Vec<Group>,
) -> Result<(), RunFailure> {
    let mut all = Vec::new();
    let mut databases = Vec::new();
    for Group { mut database, deliveries } in groups {
        if let Err(error) = database.commit().await {
            return Err(RunFailure::Undelivered { what: error.to_string() });
        }
        databases.push((database, landings(&deliveries)));
        all.extend(deliveries);
    }
    crash::point(DELIVERED);
    for (database, landings) in databases {
        clear(database, &landings, log).await;
    }
    end(context, run, lease, log, &all, None).await
}

/// Takes away what is left of staging tables whose rows have landed. They say that nothing waits, so they do no harm.
async fn clear(mut database: Database, landings: &[Landing], log: &RunLog) {
    for landing in landings {
        if let Err(error) = database.discard(landing).await {
            log.error(format!("the empty staging table {} stays: {error}", landing.staging));
        }
    }
    database.close().await;
}

/// Lands what is decided of a run that nobody executes any more, and ends it.
pub(crate) async fn resume(
    context: &Context,
    run: &Run,
    lease: &Lease,
    log: &RunLog,
) -> Result<(), RunFailure> {
    let mut tx = context.store.read().await?;
    let deliveries = delivery::decided(&mut tx, &run.id).await?;
    drop(tx);
    log.info(format!("run {}: all other output is published; its rows for databases are landed", run.id));
    let (mut refused, mut passing) = (Vec::new(), Vec::new());
    for group in grouped(deliveries.clone()) {
        let places: Vec<String> = group.iter().map(|own| place(&own.landing)).collect();
        match land_again(context, &run.scope, group, log).await {
            Ok(()) => {}
            Err(Trouble::Store(error)) => return Err(error.into()),
            Err(Trouble::Refused(what)) => refused.push((places, what)),
            Err(Trouble::Passing(what)) => passing.push((places, what)),
        }
    }
    if !passing.is_empty() && !is_over(context, run) {
        let what: Vec<String> = passing.into_iter().map(|(_, what)| what).collect();
        return Err(RunFailure::Undelivered { what: what.join("; ") });
    }
    refused.extend(passing);
    let lost: Vec<String> =
        refused.iter().map(|(places, what)| format!("{} ({what})", places.join(", "))).collect();
    let failure = (!lost.is_empty()).then(|| {
        format!("All other output of the run is published, but its rows did not reach their tables; they wait in {}.", lost.join("; "))
    });
    end(context, run, lease, log, &deliveries, failure).await
}

fn place(landing: &Landing) -> String {
    format!("{}.{}", landing.schema, landing.staging)
}

/// Whether enough was tried: the run's time is over, or it is to stop.
fn is_over(context: &Context, run: &Run) -> bool {
    let begun = run.details.begun_ms.unwrap_or(run.created_ms);
    let limit_ms = run.details.timeout_minutes.saturating_mul(60_000);
    run.details.state == RunState::Stopping
        || context.store.clock().now_ms().saturating_sub(begun) >= limit_ms
}

async fn land_again(
    context: &Context,
    scope: &Scope,
    group: Vec<Delivery>,
    log: &RunLog,
) -> Result<(), Trouble> {
    let Some(first) = group.first() else { return Ok(()) };
    let mut database = open(context, scope, first).await?;
    let landings = landings(&group);
    if database.land(&landings).await? {
        database.commit().await?;
    }
    clear(database, &landings, log).await;
    Ok(())
}

/// Stores that a run has ended, and says so: as it was decided, or FAILED with the reason.
async fn end(
    context: &Context,
    run: &Run,
    lease: &Lease,
    log: &RunLog,
    deliveries: &[Delivery],
    failure: Option<String>,
) -> Result<(), RunFailure> {
    let ended = retry::backoff(|| try_end(context, run, lease, deliveries, failure.as_ref())).await?;
    let (state, message) = ended.ok_or(RunFailure::Ended)?;
    let own = format!("run {} {}", run.id, state.as_str());
    match &message {
        None => log.info(format!("{own}: all output is published, rows for databases arrived")),
        Some(message) => log.error(format!("{own}: {message}")),
    }
    tell(context, run, state, message.as_deref()).await;
    Ok(())
}

/// Tells who wants to know that a run has ended. It has, whatever becomes of the telling.
async fn tell(context: &Context, run: &Run, state: RunState, message: Option<&str>) {
    let Some(events) = &context.events else { return };
    let recorded = async {
        let mut tx = context.store.read().await?;
        lineage::recorded(&mut tx, &run.incarnation, run.seq).await
    };
    let recorded = recorded.await.unwrap_or_else(|error| {
        tracing::warn!(run = run.id, %error, "what a run has read and written could not be looked up");
        Recorded::default()
    });
    events.ended(run, state, context.store.clock().now_ms(), message, &recorded.datasets);
}

async fn try_end(
    context: &Context,
    run: &Run,
    lease: &Lease,
    deliveries: &[Delivery],
    failure: Option<&String>,
) -> Result<Option<End>, JobsError> {
    let mut tx = context.store.begin().await?;
    match lease::check(&mut tx, lease).await {
        Ok(()) => {}
        Err(StoreError::LeaseLost { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let Some(mut run) = run::load(&mut tx, &run.id).await? else { return Ok(None) };
    for delivery in deliveries {
        delivery::forget(&mut tx, &delivery.landing.staging).await?;
    }
    let event = match (failure, run.details.verdict.clone()) {
        (Some(failure), _) => {
            run.details.error_message = Some(failure.clone());
            Event::Undeliverable
        }
        (None, Some(verdict)) => {
            run.details.error_message = Some(verdict);
            Event::Failed
        }
        (None, None) => Event::Delivered,
    };
    if run::apply(&mut tx, &mut run, event).await?.is_none() {
        return Ok(None);
    }
    metrics::report(context, &mut tx, &mut run).await?;
    lease::release(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(Some((run.details.state, run.details.error_message)))
}

/// Takes away staging tables of runs that have ended without a decision; what cannot be reached stays for another time.
pub(crate) async fn throw_away(context: &Context, scope: &Scope, whose: Whose<'_>) {
    let listed = async {
        let mut tx = context.store.read().await?;
        delivery::leftovers(&mut tx, scope, whose).await
    };
    let leftovers = match listed.await {
        Ok(leftovers) => leftovers,
        Err(error) => {
            tracing::warn!(%error, "staging tables of ended runs could not be listed");
            return;
        }
    };
    for group in grouped(leftovers) {
        if let Err(what) = throw_away_group(context, scope, &group).await {
            let staging: Vec<&str> = group.iter().map(|own| own.landing.staging.as_str()).collect();
            tracing::warn!(?staging, what, "staging tables of ended runs stay for now");
        }
    }
}

async fn throw_away_group(context: &Context, scope: &Scope, group: &[Delivery]) -> Result<(), String> {
    let Some(first) = group.first() else { return Ok(()) };
    let told = |trouble| match trouble {
        Trouble::Store(error) => error.to_string(),
        Trouble::Refused(what) | Trouble::Passing(what) => what,
    };
    let mut database = open(context, scope, first).await.map_err(told)?;
    for Delivery { landing, .. } in group {
        database.discard(landing).await.map_err(|error| error.to_string())?;
        let forgotten = async {
            let mut tx = context.store.begin().await?;
            delivery::forget(&mut tx, &landing.staging).await?;
            tx.commit().await.map_err(JobsError::from)
        };
        forgotten.await.map_err(|error| error.to_string())?;
    }
    database.close().await;
    Ok(())
}
