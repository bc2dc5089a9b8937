//! The states of sessions and statements, and what may follow what. Decides purely.

use serde::{Deserialize, Serialize};

/// `SessionStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SessionState {
    /// Its process is being made.
    Provisioning,
    /// It takes statements.
    Ready,
    /// Its process ended, or could not be made.
    Failed,
    /// Its time was over, or it was idle too long.
    Timeout,
    /// It was told to end.
    Stopping,
    /// It has ended because it was told to.
    Stopped,
}

impl SessionState {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
            Self::Timeout => "TIMEOUT",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Timeout | Self::Stopped)
    }
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Its process takes statements.
    Begun,
    /// Somebody asks for its end.
    StopRequested,
    /// It was ended because that was asked for, or because the server stops.
    Stopped,
    /// It was ended because its time was over.
    TimedOut,
    /// Its process is gone.
    Failed,
}

/// The state that follows; `None` when the event cannot happen.
pub(super) fn step(state: SessionState, event: Event) -> Option<SessionState> {
    use SessionState::{Failed, Provisioning, Ready, Stopped, Stopping, Timeout};
    match (state, event) {
        (Provisioning, Event::Begun) => Some(Ready),
        (Provisioning | Ready | Stopping, Event::StopRequested) => Some(Stopping),
        // What was asked for has happened, whichever way.
        (Stopping, Event::Stopped | Event::TimedOut | Event::Failed) => Some(Stopped),
        (Provisioning | Ready, Event::Stopped) => Some(Stopped),
        (Provisioning | Ready, Event::TimedOut) => Some(Timeout),
        (Provisioning | Ready, Event::Failed) => Some(Failed),
        (Stopping, Event::Begun) | (Ready, Event::Begun) | (Failed | Timeout | Stopped, _) => None,
    }
}

/// `StatementState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StatementState {
    /// Others are before it.
    Waiting,
    /// It runs.
    Running,
    /// It has run to its end, or to an exception; which of them its output says.
    Available,
    /// It was told to end.
    Cancelling,
    /// It was ended because that was asked for, or because its session was.
    Cancelled,
    /// Its session failed meanwhile.
    Error,
}

impl StatementState {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Running => "RUNNING",
            Self::Available => "AVAILABLE",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Error => "ERROR",
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Available | Self::Cancelled | Self::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [SessionState; 6] = [
        SessionState::Provisioning,
        SessionState::Ready,
        SessionState::Failed,
        SessionState::Timeout,
        SessionState::Stopping,
        SessionState::Stopped,
    ];
    const EVENTS: [Event; 5] =
        [Event::Begun, Event::StopRequested, Event::Stopped, Event::TimedOut, Event::Failed];

    #[test]
    fn what_has_ended_stays_as_it_is_and_all_else_can_end() {
        for state in STATES {
            for event in EVENTS {
                let next = step(state, event);
                if state.is_final() {
                    assert_eq!(next, None, "{state:?} {event:?}");
                }
            }
            let ends = [Event::Stopped, Event::TimedOut, Event::Failed];
            for event in ends.into_iter().filter(|_| !state.is_final()) {
                assert!(step(state, event).is_some_and(SessionState::is_final), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn a_session_that_was_told_to_stop_has_not_failed() {
        assert_eq!(step(SessionState::Stopping, Event::Failed), Some(SessionState::Stopped));
        assert_eq!(step(SessionState::Stopping, Event::Begun), None);
        assert_eq!(step(SessionState::Stopping, Event::StopRequested), Some(SessionState::Stopping));
    }
}
