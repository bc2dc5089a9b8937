//! The states of a crawler and of its runs, decided purely.
//!
//! ```text
//! READY ──Start──► RUNNING ──Stop──► STOPPING
//!   ▲                 │ End             │ End
//!   └─────────────────┴─────────────────┘
//! ```

use serde::{Deserialize, Serialize};

/// `CrawlerState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// No run.
    Ready,
    /// A run is waiting or at work.
    Running,
    /// The run was told to end.
    Stopping,
}

impl State {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
        }
    }

    /// The state of a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ready, Self::Running, Self::Stopping].into_iter().find(|s| s.as_str() == text)
    }
}

/// What happens to a crawler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `StartCrawler`.
    Start,
    /// `StopCrawler`.
    Stop,
    /// `UpdateCrawler` or `DeleteCrawler`.
    Change,
    /// The run has ended, however.
    End,
}

/// Why an event is refused; each has its own AWS fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// `CrawlerRunningException`
    Running,
    /// `CrawlerNotRunningException`
    NotRunning,
    /// `CrawlerStoppingException`
    Stopping,
}

/// The state after `event`.
pub fn step(state: State, event: Event) -> Result<State, Rejected> {
    match (state, event) {
        (State::Ready, Event::Start) => Ok(State::Running),
        (State::Ready, Event::Stop) => Err(Rejected::NotRunning),
        (State::Ready, Event::Change | Event::End) => Ok(State::Ready),
        (State::Running | State::Stopping, Event::Start | Event::Change) => Err(Rejected::Running),
        (State::Running, Event::Stop) => Ok(State::Stopping),
        (State::Stopping, Event::Stop) => Err(Rejected::Stopping),
        (State::Running | State::Stopping, Event::End) => Ok(State::Ready),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_decided() {
        use Event::{Change, End, Start, Stop};
        use State::{Ready, Running, Stopping};
        let table = [
            (Ready, Start, Ok(Running)),
            (Ready, Stop, Err(Rejected::NotRunning)),
            (Ready, Change, Ok(Ready)),
            (Running, Start, Err(Rejected::Running)),
            (Running, Stop, Ok(Stopping)),
            (Running, Change, Err(Rejected::Running)),
            (Running, End, Ok(Ready)),
            (Stopping, Start, Err(Rejected::Running)),
            (Stopping, Stop, Err(Rejected::Stopping)),
            (Stopping, Change, Err(Rejected::Running)),
            (Stopping, End, Ok(Ready)),
        ];
        for (state, event, wanted) in table {
            assert_eq!(step(state, event), wanted);
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
