//! The loop that works on runs: takes those that nobody works on, holds their leases, ends them.

use std::time::Duration;

use store::Scope;
use store::lease::{self, Lease};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Crawlers, is_again};
use crate::MAX_ATTEMPTS;
use crate::definition::Definition;
use crate::error::CrawlerError;
use crate::history::{Crawl, RunState};
use crate::journal::Journal;
use crate::rows;
use crate::run::{self, Aim, Job, RunLog, Unread};
use crate::state::{Event, State, step};

impl Crawlers {
    /// How often leases are renewed, and how often runs of nodes that are gone are looked for.
    fn heartbeat_time(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.inner.options.lease_ms / 3).unwrap_or(1).max(1))
    }

    /// Works on runs until `stop`; then runs at work are left for the next start of this node.
    /// Errors: the store's, when the leases of an earlier process cannot be given up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), CrawlerError> {
        let mut tx = self.store().begin().await?;
        lease::release_all(&mut tx, &self.inner.options.node).await?;
        tx.commit().await?;
        // Whatever an earlier loop of this process worked on is gone with it.
        self.inner.working().clear();
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.fire_due().await {
                tracing::error!(error = &error as &dyn std::error::Error, "starting scheduled crawls failed");
            }
            let free = self.inner.options.max_running.max(1).saturating_sub(tasks.len());
            // A store that is busy for a moment is no reason to break off the crawls at work: the next turn asks again.
            let taken = self.take(free).await.unwrap_or_else(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "looking for crawls failed");
                Vec::new()
            });
            for (scope, crawl, lease) in taken {
                let cancel = stop.child_token();
                self.inner.working().insert(crawl.id.clone(), cancel.clone());
                let (crawlers, stopped) = (self.clone(), stop.clone());
                tasks.spawn(Box::pin(
                    async move { crawlers.work(scope, crawl, lease, cancel, stopped).await },
                ));
            }
            let pause = self.until_due(self.heartbeat_time()).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Takes up to `limit` runs that nobody works on.
    async fn take(&self, limit: usize) -> Result<Vec<(Scope, Crawl, Lease)>, CrawlerError> {
        /// Unfinished runs looked at; more than can be at work in any installation of ours.
        const LOOK: usize = 1000;
        let mut read = self.store().read().await?;
        let mut waiting = rows::unfinished(&mut read, LOOK).await?;
        drop(read);
        let working = self.inner.working().clone();
        waiting.retain(|(_, crawl)| !working.contains_key(&crawl.id));
        let mut taken = Vec::new();
        if limit == 0 || waiting.is_empty() {
            return Ok(taken);
        }
        let mut tx = self.store().begin().await?;
        for (scope, crawl) in waiting {
            if taken.len() == limit {
                break;
            }
            let name = format!("crawl/{}", crawl.id);
            let options = &self.inner.options;
            let Some(lease) = lease::acquire(&mut tx, &name, &options.node, options.lease_ms).await? else {
                continue;
            };
            let Some(mut crawl) = rows::run(&mut tx, &scope, &crawl).await? else { continue };
            if crawl.state != RunState::Running {
                continue;
            }
            crawl.attempts += 1;
            rows::replace_run(&mut tx, &scope, &crawl).await?;
            taken.push((scope, crawl, lease));
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn work(
        &self,
        scope: Scope,
        crawl: Crawl,
        lease: Lease,
        cancel: CancellationToken,
        stopped: CancellationToken,
    ) {
        let id = crawl.id.clone();
        let log = RunLog::new(&self.inner.ground, &scope, &crawl);
        let ended = Box::pin(self.attempt(&scope, crawl, &lease, &log, &cancel, &stopped)).await;
        log.flush().await;
        self.inner.working().remove(&id);
        if let Err(error) = ended {
            tracing::error!(
                crawl = id,
                error = &error as &dyn std::error::Error,
                "a crawl could not be recorded"
            );
        }
    }

    async fn attempt(
        &self,
        scope: &Scope,
        crawl: Crawl,
        lease: &Lease,
        log: &RunLog,
        cancel: &CancellationToken,
        stopped: &CancellationToken,
    ) -> Result<(), CrawlerError> {
        let mut tx = self.store().read().await?;
        let stored = rows::get(&mut tx, scope, &crawl.crawler).await?;
        drop(tx);
        if stored.state == State::Stopping {
            return self.end(scope, &crawl, lease, log, RunState::Stopped, None).await;
        }
        if crawl.attempts > MAX_ATTEMPTS {
            let error = format!("The crawl was interrupted {MAX_ATTEMPTS} times and is given up");
            return self.end(scope, &crawl, lease, log, RunState::Failed, Some(error)).await;
        }
        let job = self.job(scope, &stored.definition, &crawl, lease, log, cancel).await?;
        let outcome = tokio::select! {
            outcome = run::crawl(&job) => outcome.map(|done| done.error()),
            () = cancel.cancelled() => Err(run::Ended::Stopped),
            ended = self.heartbeat(scope, &crawl.crawler, lease) => Err(ended),
        };
        let result = match outcome {
            // The node stops: the run stays RUNNING, and whoever takes it up next begins again.
            Err(_) if stopped.is_cancelled() => {
                let mut tx = self.store().begin().await?;
                lease::release(&mut tx, lease).await?;
                return Ok(tx.commit().await?);
            }
            Err(run::Ended::Lost) => return Ok(()),
            Ok(None) => (RunState::Completed, None),
            Ok(Some(error)) => (RunState::Failed, Some(error)),
            Err(run::Ended::Stopped) => (RunState::Stopped, None),
            Err(run::Ended::Failed(error)) => (RunState::Failed, Some(error)),
        };
        store::crash::point("crawl.before_end");
        self.end(scope, &crawl, lease, log, result.0, result.1).await
    }

    async fn job<'a>(
        &'a self,
        scope: &'a Scope,
        definition: &'a Definition,
        crawl: &'a Crawl,
        lease: &'a Lease,
        log: &'a RunLog,
        cancel: &'a CancellationToken,
    ) -> Result<Job<'a>, CrawlerError> {
        let mut tx = self.store().read().await?;
        let journal = Journal::open(&mut tx, scope, &crawl.crawler, &crawl.id).await?;
        let again = is_again(&mut tx, scope, definition).await?;
        let aim = Aim::Carry { lease, journal };
        let unread = Unread::default();
        Ok(Job { ground: &self.inner.ground, scope, definition, crawl, aim, again, log, cancel, unread })
    }

    /// Renews the lease; returns when it is lost or the crawler was told to stop through another node.
    async fn heartbeat(&self, scope: &Scope, name: &str, lease: &Lease) -> run::Ended {
        loop {
            tokio::time::sleep(self.heartbeat_time()).await;
            let renewed = async {
                let mut tx = self.store().begin().await?;
                let held = lease::renew(&mut tx, lease).await?;
                let state = rows::get(&mut tx, scope, name).await?.state;
                tx.commit().await?;
                Ok::<_, CrawlerError>((held, state))
            };
            match renewed.await {
                Ok((false, _)) => return run::Ended::Lost,
                Ok((true, State::Stopping)) => return run::Ended::Stopped,
                Ok((true, State::Ready | State::Running)) => {}
                Err(error) => tracing::warn!(%error, "a crawl's lease could not be renewed"),
            }
        }
    }

    /// Ends the run and makes the crawler READY, together.
    async fn end(
        &self,
        scope: &Scope,
        crawl: &Crawl,
        lease: &Lease,
        log: &RunLog,
        state: RunState,
        error: Option<String>,
    ) -> Result<(), CrawlerError> {
        log.ended(state, error.as_deref());
        log.flush().await;
        let mut tx = self.store().begin().await?;
        lease::check(&mut tx, lease).await?;
        let Some(mut done) = rows::run(&mut tx, scope, crawl).await? else { return Ok(()) };
        let crawler = rows::get(&mut tx, scope, &crawl.crawler).await?;
        if let Ok(next) = step(crawler.state, Event::End) {
            rows::set_state(&mut tx, scope, &crawl.crawler, next).await?;
        }
        done.state = state;
        done.ended_ms = Some(tx.now_ms());
        done.error = error;
        rows::replace_run(&mut tx, scope, &done).await?;
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }
}
