//! Crawlers that start by the clock.
//!
//! # Layout
//! A row of `crawler_schedules` per crawler with a schedule: expression, state, and the next moment at which it is due.
//!
//! # Invariants
//! - Whoever moves `next_ms` on makes the run, in one transaction: no moment starts two runs, with several nodes either.
//! - Moments that passed while no server ran start one run together, when one runs again.
//! - A moment at which the crawler is at work starts nothing.

use store::cron::Cron;
use store::{Row, Scope, Tx, params};

use crate::error::CrawlerError;

/// `ScheduleState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleState {
    /// It starts the crawler.
    Scheduled,
    /// It was stopped.
    NotScheduled,
}

impl ScheduleState {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::NotScheduled => "NOT_SCHEDULED",
        }
    }
}

/// A crawler's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `cron(…)`
    pub expression: String,
    /// Whether it starts the crawler.
    pub state: ScheduleState,
    /// When it is due next, epoch milliseconds; `None` when it never is again, or is stopped.
    pub next_ms: Option<i64>,
}

/// What [`Cron`] says of an expression, with the expression. Errors: `Invalid`.
fn read(expression: &str, cron: Result<Cron, String>) -> Result<Cron, CrawlerError> {
    cron.map_err(|why| {
        CrawlerError::invalid(format!("Schedule {expression:?} is not a valid cron expression: {why}"))
    })
}

/// Reads an expression that is kept, whose moments may have passed. Errors: `Invalid`.
fn parse(expression: &str) -> Result<Cron, CrawlerError> {
    read(expression, Cron::parse(expression))
}

fn from_row(row: &Row) -> Result<Schedule, CrawlerError> {
    let state: String = row.get(1)?;
    let state = match state.as_str() {
        "SCHEDULED" => ScheduleState::Scheduled,
        _ => ScheduleState::NotScheduled,
    };
    Ok(Schedule { expression: row.get(0)?, state, next_ms: row.get(2)? })
}

pub(crate) async fn get(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<Option<Schedule>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT expression, state, next_ms FROM crawler_schedules
             WHERE account = $1 AND region = $2 AND crawler = $3",
            &params![scope.account.as_str(), scope.region.as_str(), crawler],
        )
        .await?;
    row.as_ref().map(from_row).transpose()
}

pub(crate) async fn remove(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<(), CrawlerError> {
    tx.execute(
        "DELETE FROM crawler_schedules WHERE account = $1 AND region = $2 AND crawler = $3",
        &params![scope.account.as_str(), scope.region.as_str(), crawler],
    )
    .await?;
    Ok(())
}

/// Gives a crawler a schedule, counted from now; an empty expression takes it away. Errors: `Invalid`, also for one that never
/// fires from now on, unless it is the one that the crawler has.
pub(crate) async fn set(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    expression: &str,
    state: ScheduleState,
) -> Result<(), CrawlerError> {
    let known = get(tx, scope, crawler).await?;
    remove(tx, scope, crawler).await?;
    if expression.trim().is_empty() {
        return Ok(());
    }
    let cron = match known.is_some_and(|known| known.expression == expression) {
        true => parse(expression)?,
        false => read(expression, Cron::upcoming(expression, tx.now_ms()))?,
    };
    let next = cron.next(tx.now_ms()).filter(|_| state == ScheduleState::Scheduled);
    tx.execute(
        "INSERT INTO crawler_schedules (account, region, crawler, expression, state, next_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &params![scope.account.as_str(), scope.region.as_str(), crawler, expression, state.as_str(), next],
    )
    .await?;
    Ok(())
}

impl Schedule {
    /// Whether it has a moment after `now_ms`. Errors: `Invalid`.
    pub(crate) fn fires_after(&self, now_ms: i64) -> Result<bool, CrawlerError> {
        Ok(parse(&self.expression)?.next(now_ms).is_some())
    }
}

/// Crawlers that are due, with the moment that they were due at.
pub(crate) async fn due(tx: &mut Tx, limit: usize) -> Result<Vec<(Scope, String, i64)>, CrawlerError> {
    let now = tx.now_ms();
    let rows = tx
        .query(
            "SELECT account, region, crawler, next_ms FROM crawler_schedules WHERE next_ms <= $1
             ORDER BY next_ms LIMIT $2",
            &params![now, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push((Scope { account: row.get(0)?, region: row.get(1)? }, row.get(2)?, row.get(3)?));
    }
    Ok(found)
}

/// The next moment at which any crawler is due.
pub(crate) async fn soonest(tx: &mut Tx) -> Result<Option<i64>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT next_ms FROM crawler_schedules WHERE next_ms IS NOT NULL ORDER BY next_ms LIMIT 1",
            &[],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// Moves a schedule that was due at `was_ms` on to its first moment after now; false when somebody else has done so.
pub(crate) async fn advance(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    was_ms: i64,
) -> Result<bool, CrawlerError> {
    let Some(schedule) = get(tx, scope, crawler).await? else { return Ok(false) };
    let next = parse(&schedule.expression)?.next(tx.now_ms().max(was_ms));
    let changed = tx
        .execute(
            "UPDATE crawler_schedules SET next_ms = $1
             WHERE account = $2 AND region = $3 AND crawler = $4 AND next_ms = $5",
            &params![next, scope.account.as_str(), scope.region.as_str(), crawler, was_ms],
        )
        .await?;
    Ok(changed == 1)
}
