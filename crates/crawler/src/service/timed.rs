//! Schedules: the API's operations, and starting what is due.

use std::time::Duration;

use store::Scope;

use super::Crawlers;
use crate::error::CrawlerError;
use crate::rows;
use crate::run::RunLog;
use crate::schedule::{self, ScheduleState};

/// Schedules started at one time; the rest follows at once.
const AT_ONCE: usize = 100;

impl Crawlers {
    /// Gives a crawler another schedule; an empty one takes it away. It stays stopped if it was. Errors: `NotFound`,
    /// `Invalid` for an expression that is none or never fires.
    pub async fn update_schedule(
        &self,
        scope: &Scope,
        name: &str,
        expression: &str,
    ) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        rows::get(&mut tx, scope, name).await?;
        let state = schedule::get(&mut tx, scope, name).await?.map(|s| s.state);
        schedule::set(&mut tx, scope, name, expression, state.unwrap_or(ScheduleState::Scheduled)).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Lets the schedule start the crawler. Errors: `NotFound`, `NoSchedule`, `SchedulePast`, `SchedulerRunning`.
    pub async fn start_schedule(&self, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        rows::get(&mut tx, scope, name).await?;
        let Some(known) = schedule::get(&mut tx, scope, name).await? else {
            return Err(CrawlerError::NoSchedule { name: name.to_owned() });
        };
        if known.state == ScheduleState::Scheduled {
            return Err(CrawlerError::SchedulerRunning { name: name.to_owned() });
        }
        if !known.fires_after(tx.now_ms())? {
            return Err(CrawlerError::SchedulePast { name: name.to_owned(), expression: known.expression });
        }
        schedule::set(&mut tx, scope, name, &known.expression, ScheduleState::Scheduled).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Keeps the schedule from starting the crawler. Errors: `NotFound`, `SchedulerNotRunning`.
    pub async fn stop_schedule(&self, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        rows::get(&mut tx, scope, name).await?;
        let known = schedule::get(&mut tx, scope, name).await?;
        let Some(known) = known.filter(|known| known.state == ScheduleState::Scheduled) else {
            return Err(CrawlerError::SchedulerNotRunning { name: name.to_owned() });
        };
        schedule::set(&mut tx, scope, name, &known.expression, ScheduleState::NotScheduled).await?;
        Ok(tx.commit().await?)
    }

    /// Starts the crawlers that are due; how many it started. The loop of [`Crawlers::run`] calls it in time. One that cannot be
    /// started holds up no other.
    /// Errors: the first of these, when all others have had their turn.
    pub async fn fire_due(&self) -> Result<usize, CrawlerError> {
        let mut tx = self.store().read().await?;
        let due = schedule::due(&mut tx, AT_ONCE).await?;
        drop(tx);
        let (mut started, mut failed) = (0, None);
        for (scope, name, was_ms) in due {
            match self.fire(&scope, &name, was_ms).await {
                Ok(fired) => started += usize::from(fired),
                Err(error) => {
                    tracing::error!(%error, crawler = name, "a scheduled crawl could not be started");
                    failed.get_or_insert(error);
                }
            }
        }
        if started > 0 {
            self.inner.wake.notify_one();
        }
        failed.map_or(Ok(started), Err)
    }

    /// Starts a crawler that was due at `was_ms`; whether it was started.
    async fn fire(&self, scope: &Scope, name: &str, was_ms: i64) -> Result<bool, CrawlerError> {
        let mut tx = self.store().begin().await?;
        if !schedule::advance(&mut tx, scope, name, was_ms).await? {
            return Ok(false);
        }
        match Self::begin_run(&mut tx, scope, name).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(true)
            }
            Err(CrawlerError::Running { .. }) => {
                let newest = rows::runs(&mut tx, scope, name, None, 1).await?.pop();
                tx.commit().await?;
                if let Some(crawl) = newest {
                    let log = RunLog::new(&self.inner.ground, scope, &crawl);
                    log.warn("The schedule was due while this crawl was at work: it starts no other");
                    log.flush().await;
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// How long the loop may sleep before a schedule is due.
    pub(super) async fn until_due(&self, most: Duration) -> Duration {
        let soonest = async {
            let mut tx = self.store().read().await?;
            let soonest = schedule::soonest(&mut tx).await?;
            Ok::<_, CrawlerError>(soonest.map(|ms| (ms - tx.now_ms()).max(0)))
        };
        match soonest.await {
            Ok(Some(ms)) => most.min(Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
            Ok(None) => most,
            Err(error) => {
                tracing::warn!(%error, "the schedules of crawlers could not be read");
                most
            }
        }
    }
}
