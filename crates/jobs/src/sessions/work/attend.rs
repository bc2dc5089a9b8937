//! Who attends to a session's process: hands it statements, takes what it says, and knows when it has to end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use store::lease;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::documents::{Output, Raised};
use super::super::error::SessionError;
use super::super::ops::close;
use super::super::output::Text;
use super::super::service::Begun;
use super::super::state::{Event, SessionState, StatementState, step};
use super::super::{Sessions, rows};
use super::host::Message;
use crate::log::{FLUSH_MS, RunLog};
use crate::retry;

/// How often times, leases, and rows that another server has written are looked at.
const WATCH: Duration = Duration::from_millis(500);
/// Python's exception for what is ended from outside.
const INTERRUPTED: &str = "KeyboardInterrupt";

/// Why a session was told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    Stop,
    TimedOut,
    Idle,
    ShutDown,
    LeaseLost,
    /// What goes on cannot be stored.
    Failed(String),
}

/// The statement that runs.
struct Busy {
    id: i64,
    text: Text,
}

/// Attends to one session.
pub(super) struct Attendant<'a> {
    service: &'a Sessions,
    begun: &'a Begun,
    log: &'a RunLog,
    /// Where all that is printed can be read.
    place: String,
    lines: mpsc::Sender<String>,
    kill: CancellationToken,
    is_ready: bool,
    busy: Option<Busy>,
    /// When something was last run.
    active_ms: i64,
    renew_at: Instant,
}

impl<'a> Attendant<'a> {
    pub(super) fn new(
        service: &'a Sessions,
        begun: &'a Begun,
        log: &'a RunLog,
        place: String,
        lines: mpsc::Sender<String>,
        kill: CancellationToken,
    ) -> Self {
        let active_ms = service.inner.store.clock().now_ms();
        let (is_ready, busy, renew_at) = (false, None, Instant::now());
        Self { service, begun, log, place, lines, kill, is_ready, busy, active_ms, renew_at }
    }

    /// What the statement that runs has printed.
    pub(super) fn printed(&mut self) -> String {
        self.busy.take().map(|busy| busy.text.whole(&self.place)).unwrap_or_default()
    }

    /// Attends until the process is gone; says why it was told to end, if it was.
    pub(super) async fn attend(
        &mut self,
        mut messages: mpsc::Receiver<Message>,
        stop: &CancellationToken,
        over: &CancellationToken,
    ) -> Option<Why> {
        let bell: Arc<Notify> = Arc::clone(&self.begun.bell);
        let (mut watch, mut flush) = (ticks(WATCH), ticks(Duration::from_millis(FLUSH_MS)));
        let mut why = None;
        loop {
            // In this order, so that a process that never stops talking is looked after, too.
            let found = tokio::select! {
                biased;
                () = over.cancelled() => break,
                () = stop.cancelled(), if why.is_none() => Err(Why::ShutDown),
                () = bell.notified(), if why.is_none() => self.look().await,
                _ = watch.tick(), if why.is_none() => self.look().await,
                _ = flush.tick() => { self.log.flush().await; Ok(()) }
                Some(message) = messages.recv() => self.heard(message).await,
            };
            if let Err(found) = found
                && why.is_none()
            {
                why = Some(found);
                self.kill.cancel();
            }
        }
        // What the process said last.
        while let Ok(message) = messages.try_recv() {
            if let Err(found) = self.heard(message).await {
                why.get_or_insert(found);
            }
        }
        why
    }

    async fn heard(&mut self, message: Message) -> Result<(), Why> {
        match message {
            Message::Ready { .. } => {
                retry::backoff(|| self.ready()).await.map_err(unstored)?;
                self.is_ready = true;
                self.active_ms = self.now_ms();
                self.next().await
            }
            Message::Print { print, of } => {
                if let Some(busy) = self.busy.as_mut().filter(|busy| busy.id == of) {
                    busy.text.push(&print);
                }
                Ok(())
            }
            Message::Done { done, error } => {
                let Some(busy) = self.busy.take_if(|busy| busy.id == done) else { return Ok(()) };
                self.active_ms = self.now_ms();
                let output = Output { text: busy.text.whole(&self.place), raised: error };
                retry::backoff(|| self.done(done, output.clone())).await.map_err(unstored)?;
                self.next().await
            }
        }
    }

    fn now_ms(&self) -> i64 {
        self.service.inner.store.clock().now_ms()
    }

    async fn ready(&self) -> Result<(), SessionError> {
        let mut tx = self.service.inner.store.begin().await?;
        lease::check(&mut tx, &self.begun.lease).await?;
        let Some(mut session) = rows::by_uid(&mut tx, &self.begun.session.uid).await? else { return Ok(()) };
        if let Some(next) = step(session.details.state, Event::Begun) {
            session.details.state = next;
            rows::replace(&mut tx, &session).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn done(&self, id: i64, output: Output) -> Result<(), SessionError> {
        let uid = &self.begun.session.uid;
        let mut tx = self.service.inner.store.begin().await?;
        lease::check(&mut tx, &self.begun.lease).await?;
        let Some(mut session) = rows::by_uid(&mut tx, uid).await? else { return Ok(()) };
        let Some(statement) = rows::statement(&mut tx, uid, id).await? else { return Ok(()) };
        if statement.state.is_final() {
            return Ok(());
        }
        let is_interrupted = output.raised.as_ref().is_some_and(|raised| raised.name == INTERRUPTED);
        // A statement that had ended when it was told to has not been cancelled.
        let state = match statement.state {
            StatementState::Cancelling if is_interrupted => StatementState::Cancelled,
            _ => StatementState::Available,
        };
        close(&mut tx, &mut session, statement, state, output).await?;
        rows::replace(&mut tx, &session).await?;
        Ok(tx.commit().await?)
    }

    /// Does what is due: ends the session, cancels the statement that runs, or begins the next one.
    async fn look(&mut self) -> Result<(), Why> {
        self.renew().await?;
        let uid = &self.begun.session.uid;
        let seen = async {
            let mut tx = self.service.inner.store.read().await?;
            let session = rows::by_uid(&mut tx, uid).await?;
            let running = match &self.busy {
                Some(busy) => rows::statement(&mut tx, uid, busy.id).await?,
                None => None,
            };
            Ok::<_, SessionError>((session, running))
        };
        let (session, running) = match seen.await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(%error, "a session could not be looked at; the next look may do");
                return Ok(());
            }
        };
        match session.map(|session| session.details.state) {
            Some(SessionState::Provisioning | SessionState::Ready) => {}
            Some(SessionState::Stopping) => return Err(Why::Stop),
            _ => return Err(Why::LeaseLost),
        }
        self.in_time()?;
        match running {
            Some(running) if running.state == StatementState::Cancelling => {
                // Again at every look: a statement may catch what interrupts it. A full pipe has the request already.
                let _ = self.lines.try_send(format!("{}\n", json!({ "cancel": running.id })));
                Ok(())
            }
            Some(_) => Ok(()),
            None => self.next().await,
        }
    }

    fn in_time(&self) -> Result<(), Why> {
        let (session, now_ms) = (&self.begun.session, self.now_ms());
        let is_over = |since_ms: i64, minutes: i64| now_ms - since_ms >= minutes.saturating_mul(60_000);
        if is_over(session.created_ms, session.details.timeout_minutes) {
            return Err(Why::TimedOut);
        }
        if self.is_ready && self.busy.is_none() && is_over(self.active_ms, session.details.idle_minutes) {
            return Err(Why::Idle);
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), Why> {
        if Instant::now() < self.renew_at {
            return Ok(());
        }
        let lease = &self.begun.lease;
        let renewed = async {
            let mut tx = self.service.inner.store.begin().await?;
            let held = lease::renew(&mut tx, lease).await?;
            tx.commit().await?;
            Ok::<_, SessionError>(held)
        };
        match renewed.await {
            Ok(true) => {
                let pause = u64::try_from(lease.ttl_ms / 4).unwrap_or(1_000);
                self.renew_at = Instant::now() + Duration::from_millis(pause);
                Ok(())
            }
            Ok(false) => Err(Why::LeaseLost),
            // Tried again at the next look; if it goes on, the lease runs out, and nothing is stored any more.
            Err(error) => {
                tracing::warn!(%error, "renewing the lease of a session failed");
                Ok(())
            }
        }
    }

    /// Begins the next statement, if there is one and none runs.
    async fn next(&mut self) -> Result<(), Why> {
        if !self.is_ready || self.busy.is_some() {
            return Ok(());
        }
        let lines = self.lines.clone();
        let Ok(permit) = lines.try_reserve() else { return Ok(()) };
        if let Some((id, code)) = retry::backoff(|| self.begin()).await.map_err(unstored)? {
            self.busy = Some(Busy { id, text: Text::default() });
            permit.send(format!("{}\n", json!({ "run": id, "code": code })));
        }
        Ok(())
    }

    /// Marks the first statement that has not ended as RUNNING. One that is so already was never handed on: it was not
    /// known whether the mark was stored.
    async fn begin(&self) -> Result<Option<(i64, String)>, SessionError> {
        let uid = &self.begun.session.uid;
        let mut tx = self.service.inner.store.begin().await?;
        lease::check(&mut tx, &self.begun.lease).await?;
        let Some(mut session) = rows::by_uid(&mut tx, uid).await? else { return Ok(None) };
        if session.details.state != SessionState::Ready {
            return Ok(None);
        }
        let Some(mut statement) = rows::open(&mut tx, uid, 1).await?.pop() else { return Ok(None) };
        statement.started_ms = Some(tx.now_ms());
        if statement.state == StatementState::Cancelling {
            let raised = Raised::ours(INTERRUPTED, "");
            let output = Output { text: String::new(), raised: Some(raised) };
            close(&mut tx, &mut session, statement, StatementState::Cancelled, output).await?;
            rows::replace(&mut tx, &session).await?;
            tx.commit().await?;
            return Ok(None);
        }
        statement.state = StatementState::Running;
        rows::put(&mut tx, uid, &statement).await?;
        tx.commit().await?;
        Ok(Some((statement.id, statement.code)))
    }
}

fn unstored(error: SessionError) -> Why {
    if let SessionError::Store(store::StoreError::LeaseLost { .. }) = error {
        return Why::LeaseLost;
    }
    tracing::error!(error = &error as &dyn std::error::Error, "what goes on in a session cannot be stored");
    Why::Failed(format!("What went on in the session could not be stored: {error}"))
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
