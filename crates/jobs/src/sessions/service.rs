//! The loop that takes up sessions, and ends those whose server is gone.

use std::sync::Arc;
use std::time::Duration;

use store::Tx;
use store::lease::{self, Lease};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::documents::{Output, Raised, Session};
use super::error::SessionError;
use super::ops::{CANCELLED, close};
use super::state::{Event, SessionState, StatementState, step};
use super::{Sessions, rows, work};
use crate::retry;

/// Sessions looked at in one turn; more than may be active.
const LOOK: usize = 1_000;
/// The longest `ErrorMessage` of a session. Source: AWS Glue API Reference, DescriptionString.
const MAX_MESSAGE_CHARS: usize = 2_048;
const LOST: &str = "The server that ran the session has ended, and with it the session's process.";
/// What a statement has raised whose session is gone.
const SESSION_ENDED: &str = "SessionEnded";

/// A session that this process has leased.
pub(super) struct Begun {
    pub(super) session: Session,
    pub(super) lease: Lease,
    pub(super) bell: Arc<Notify>,
    /// Takes the session off the list of those at work here, however its task ends.
    _entry: Entry,
}

struct Entry {
    service: Sessions,
    uid: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.service.inner.bells().remove(&self.uid);
        self.service.inner.wake.notify_one();
    }
}

/// The end of a session.
#[derive(Debug)]
pub(super) struct End {
    pub(super) event: Event,
    pub(super) message: Option<String>,
    /// What the statement that ran has printed so far.
    pub(super) printed: String,
}

impl Sessions {
    /// Runs sessions until `stop`; those at work are STOPPED then.
    ///
    /// # Errors
    /// The store's, when the leases of an earlier process cannot be given up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), SessionError> {
        retry::backoff(|| self.release_predecessor()).await?;
        let mut tasks: JoinSet<()> = JoinSet::new();
        let pause = Duration::from_millis(u64::try_from(self.inner.options.lease_ms / 2).unwrap_or(1_000));
        while !stop.is_cancelled() {
            match self.take().await {
                Ok(taken) => {
                    for begun in taken {
                        tasks.spawn(work::live(self.clone(), begun, stop.clone()));
                    }
                }
                // A store that is busy for a moment: the next turn asks again.
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "looking for sessions failed")
                }
            }
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

    async fn release_predecessor(&self) -> Result<(), SessionError> {
        let mut tx = self.inner.store.begin().await?;
        lease::release_all(&mut tx, &self.inner.options.holder).await?;
        Ok(tx.commit().await?)
    }

    /// Leases sessions that nobody has begun, and ends those that nobody works on any more.
    async fn take(&self) -> Result<Vec<Begun>, SessionError> {
        let mut read = self.inner.store.read().await?;
        let mut waiting = rows::active(&mut read, LOOK).await?;
        drop(read);
        let working: Vec<String> = self.inner.bells().keys().cloned().collect();
        waiting.retain(|session| !working.contains(&session.uid));
        let mut taken = Vec::new();
        for session in waiting {
            taken.extend(retry::backoff(|| self.take_one(&session.uid)).await?);
        }
        Ok(taken)
    }

    async fn take_one(&self, uid: &str) -> Result<Option<Begun>, SessionError> {
        let options = &self.inner.options;
        let mut tx = self.inner.store.begin().await?;
        let name = format!("sessions/{uid}");
        let Some(lease) = lease::acquire(&mut tx, &name, &options.holder, options.lease_ms).await? else {
            return Ok(None);
        };
        let Some(mut session) = rows::by_uid(&mut tx, uid).await? else { return Ok(None) };
        if session.details.state.is_final() {
            return Ok(None);
        }
        if session.details.begun || session.details.state == SessionState::Stopping {
            let message = session.details.begun.then(|| LOST.to_owned());
            let end = End { event: Event::Failed, message, printed: String::new() };
            finish(&mut tx, &mut session, end).await?;
            lease::release(&mut tx, &lease).await?;
            tx.commit().await?;
            return Ok(None);
        }
        session.details.begun = true;
        rows::replace(&mut tx, &session).await?;
        // Whoever writes for the session right after the commit must find its bell.
        let bell = Arc::new(Notify::new());
        self.inner.bells().insert(uid.to_owned(), Arc::clone(&bell));
        let entry = Entry { service: self.clone(), uid: uid.to_owned() };
        tx.commit().await?;
        Ok(Some(Begun { session, lease, bell, _entry: entry }))
    }

    /// Stores the end of a session that this process works on, if it still does.
    pub(super) async fn end(&self, lease: &Lease, uid: &str, end: End) -> Result<(), SessionError> {
        let mut tx = self.inner.store.begin().await?;
        if !lease::renew(&mut tx, lease).await? {
            return Ok(());
        }
        if let Some(mut session) = rows::by_uid(&mut tx, uid).await? {
            finish(&mut tx, &mut session, end).await?;
        }
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }
}

/// Ends a session and its statements.
async fn finish(tx: &mut Tx, session: &mut Session, end: End) -> Result<(), SessionError> {
    let Some(next) = step(session.details.state, end.event) else { return Ok(()) };
    let left = usize::try_from(session.details.statements - session.details.ended).unwrap_or_default();
    for statement in rows::open(tx, &session.uid, left).await? {
        let has_begun = statement.state != StatementState::Waiting;
        let (state, name) = match next {
            SessionState::Failed if has_begun => (StatementState::Error, SESSION_ENDED),
            _ => (StatementState::Cancelled, CANCELLED),
        };
        let text = if has_begun { end.printed.clone() } else { String::new() };
        let when = if has_begun { "while the statement ran" } else { "before the statement was begun" };
        let why = end.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        let raised = Raised::ours(name, format!("the session ended {when}{why}"));
        close(tx, session, statement, state, Output { text, raised: Some(raised) }).await?;
    }
    session.details.state = next;
    session.details.completed_ms = Some(tx.now_ms());
    // Whoever asked for the end need not be told why it came.
    let message = end.message.filter(|_| end.event != Event::Failed || next == SessionState::Failed);
    session.details.error_message = message.map(|message| cut(&message));
    rows::replace(tx, session).await
}

fn cut(message: &str) -> String {
    let message = message.replace('\0', "\u{fffd}");
    match message.char_indices().nth(MAX_MESSAGE_CHARS - 1) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}
