//! One session from its lease to its end.
//!
//! Side by side: its process is made and runs ([`host`]), and somebody attends to it ([`attend`]): hands it statements,
//! takes what it says, renews the lease, and ends it when that is asked for or its time is over. Whatever ends the one ends
//! the other.

mod attend;
mod host;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::service::{Begun, End};
use super::state::Event;
use super::{LOG_GROUP, Sessions};
use crate::log::RunLog;
use crate::retry;
use attend::{Attendant, Why};
use host::Gone;

/// Messages of the process that wait to be taken; it waits itself when there are more.
const MESSAGES: usize = 64;
/// Lines for the process that wait to be written: a statement, and requests to cancel it.
const LINES: usize = 16;

/// The log stream of a session. `:` and `*` are not for names of streams.
fn stream(id: &str) -> String {
    id.replace([':', '*'], "_")
}

/// Runs a leased session and stores its end.
pub(super) async fn live(service: Sessions, begun: Begun, stop: CancellationToken) {
    let session = &begun.session;
    let (logs, clock) = (service.inner.logs.clone(), service.inner.store.clock().clone());
    let stream = stream(&session.id);
    let log = RunLog::of(logs, clock, session.scope.clone(), LOG_GROUP, stream.clone());
    let (kill, over) = (CancellationToken::new(), CancellationToken::new());
    let (said, messages) = mpsc::channel(MESSAGES);
    let (lines, written) = mpsc::channel(LINES);
    let place = format!("the log group {LOG_GROUP}/output, stream {stream}");
    let mut attendant = Attendant::new(&service, &begun, &log, place, lines, kill.clone());
    let process = async {
        let gone = Box::pin(host::run(&service, session, &log, said, written, &kill)).await;
        over.cancel();
        gone
    };
    let (gone, why) = tokio::join!(process, attendant.attend(messages, &stop, &over));
    let printed = attendant.printed();
    let Some(end) = end(session.details.timeout_minutes, session.details.idle_minutes, gone, why, printed)
    else {
        log.flush().await;
        return;
    };
    if let Some(message) = &end.message {
        log.error(format!("session {}: {message}", session.id));
    }
    log.flush().await;
    // Polled again and again: its argument is used once more when the store was busy.
    let stored = retry::backoff(|| {
        let end = End { event: end.event, message: end.message.clone(), printed: end.printed.clone() };
        service.end(&begun.lease, &session.uid, end)
    });
    if let Err(error) = stored.await {
        // The lease runs out, and the session is ended as lost.
        let error = &error as &dyn std::error::Error;
        tracing::error!(session = session.id, error, "the end of a session could not be stored");
    }
}

/// What is to be stored; `None` when that is somebody else's.
fn end(timeout: i64, idle: i64, gone: Gone, why: Option<Why>, printed: String) -> Option<End> {
    let (event, message) = match (why, gone) {
        (Some(Why::LeaseLost), _) => return None,
        (Some(Why::Stop), _) => (Event::Stopped, None),
        (Some(Why::ShutDown), _) => (Event::Stopped, Some("The server was stopped.".to_owned())),
        (Some(Why::TimedOut), _) => {
            (Event::TimedOut, Some(format!("The session has reached its timeout of {timeout} minutes.")))
        }
        (Some(Why::Idle), _) => {
            (Event::TimedOut, Some(format!("The session had no statement to run for {idle} minutes.")))
        }
        (Some(Why::Failed(message)), _) | (None, Gone::Because(message)) => (Event::Failed, Some(message)),
        (None, Gone::Killed) => (Event::Failed, Some("The session's process was ended.".to_owned())),
    };
    Some(End { event, message, printed })
}
