//! The state machine of a run: a pure function.

use serde::{Deserialize, Serialize};

/// The states of Glue's `JobRunState` that a run of the native engine can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// Waits until the job has a free slot (`JobRunQueuingEnabled`).
    Waiting,
    /// Will be executed as soon as the service has a free place.
    Starting,
    /// Is being executed.
    Running,
    /// Was asked to stop and has not ended yet.
    Stopping,
    /// Ended by request; nothing was published.
    Stopped,
    /// Ended; its output is published.
    Succeeded,
    /// Ended with an error; nothing was published, unless a data quality gate came after the loading.
    Failed,
    /// Ended because it took too long; nothing was published.
    Timeout,
}

impl RunState {
    /// AWS's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// Whether the run has ended for good.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Stopped | Self::Succeeded | Self::Failed | Self::Timeout)
    }

    /// Whether the run counts against `MaxConcurrentRuns`.
    pub fn holds_slot(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateFacts {
    /// Where the run is.
    pub state: RunState,
    /// 0 for the first try.
    pub attempt: u32,
    /// How many retries the job allows.
    pub max_retries: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The job has a free slot.
    Admitted,
    /// A service leased the run and executes it.
    Begun,
    /// Somebody asked to stop it.
    StopRequested,
    /// The work ended because it was asked to.
    Cancelled,
    /// The work ended because the timeout was over.
    TimedOut,
    /// The work failed.
    Failed,
    /// The output is published, in the transaction of this event.
    Published,
    /// The output was published before, and what was decided to go to databases has arrived there.
    Delivered,
    /// The output was published before, and a database will never take what was decided to go there.
    Undeliverable,
    /// The executing process is gone; its lease has ended.
    Lost,
    /// The executing process stops in order; the run is to be executed again.
    Interrupted,
}

/// What is to be done after the new state is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Tell the executing task to end.
    Cancel,
    /// Create the next attempt, in the same transaction.
    Retry,
    /// The run has ended: record when, and let waiting runs of the job in.
    Finish,
}

/// The event cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {} cannot take {event:?}", state.as_str())]
pub struct Rejected {
    /// Where the run is.
    pub state: RunState,
    /// What was to happen.
    pub event: Event,
}

/// Decides the next state and what follows from it.
///
/// # Errors
/// [`Rejected`] when the event cannot happen in this state; nothing changes then.
pub fn step(facts: StateFacts, event: Event) -> Result<(RunState, Vec<Effect>), Rejected> {
    use RunState::{Failed, Running, Starting, Stopped, Stopping, Succeeded, Timeout, Waiting};
    let failed = || {
        let retry = facts.attempt < facts.max_retries;
        if retry { vec![Effect::Finish, Effect::Retry] } else { vec![Effect::Finish] }
    };
    let next = match (facts.state, event) {
        (Waiting, Event::Admitted) => (Starting, vec![]),
        (Starting, Event::Begun) => (Running, vec![]),
        (Waiting | Starting, Event::StopRequested) => (Stopped, vec![Effect::Finish]),
        (Running, Event::StopRequested) => (Stopping, vec![Effect::Cancel]),
        (Stopping, Event::StopRequested) => (Stopping, vec![Effect::Cancel]),
        (Running, Event::Published) => (Succeeded, vec![Effect::Finish]),
        // What is published is published, also when somebody asks to stop the run after that.
        (Running | Stopping, Event::Delivered) => (Succeeded, vec![Effect::Finish]),
        // Another attempt would publish the rest twice.
        (Running | Stopping, Event::Undeliverable) => (Failed, vec![Effect::Finish]),
        (Starting | Running, Event::Failed | Event::Lost) => (Failed, failed()),
        (Running, Event::TimedOut) => (Timeout, vec![Effect::Finish]),
        (Running, Event::Interrupted) => (Starting, vec![]),
        (Stopping, Event::Cancelled | Event::Failed | Event::Lost | Event::TimedOut | Event::Interrupted) => {
            (Stopped, vec![Effect::Finish])
        }
        (state, event) => return Err(Rejected { state, event }),
    };
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATES: [RunState; 8] = [
        RunState::Waiting,
        RunState::Starting,
        RunState::Running,
        RunState::Stopping,
        RunState::Stopped,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Timeout,
    ];
    const EVENTS: [Event; 11] = [
        Event::Admitted,
        Event::Begun,
        Event::StopRequested,
        Event::Cancelled,
        Event::TimedOut,
        Event::Failed,
        Event::Published,
        Event::Delivered,
        Event::Undeliverable,
        Event::Lost,
        Event::Interrupted,
    ];

    fn facts(state: RunState, attempt: u32, max_retries: u32) -> StateFacts {
        StateFacts { state, attempt, max_retries }
    }

    #[test]
    fn the_good_way() {
        let (running, effects) = step(facts(RunState::Starting, 0, 0), Event::Begun).unwrap();
        assert_eq!((running, effects), (RunState::Running, vec![]));
        let (end, effects) = step(facts(running, 0, 0), Event::Published).unwrap();
        assert_eq!((end, effects), (RunState::Succeeded, vec![Effect::Finish]));
    }

    #[test]
    fn only_a_running_run_publishes() {
        for state in STATES {
            let result = step(facts(state, 0, 3), Event::Published);
            assert_eq!(result.is_ok(), state == RunState::Running, "{state:?}");
        }
    }

    #[test]
    fn what_was_published_before_it_was_delivered_is_never_done_again() {
        for state in [RunState::Running, RunState::Stopping] {
            let end = |event| step(facts(state, 0, 3), event).unwrap();
            assert_eq!(end(Event::Delivered), (RunState::Succeeded, vec![Effect::Finish]));
            assert_eq!(end(Event::Undeliverable), (RunState::Failed, vec![Effect::Finish]));
        }
        assert!(step(facts(RunState::Starting, 0, 3), Event::Delivered).is_err());
    }

    #[test]
    fn retries_are_counted_and_a_timeout_or_stop_is_not_retried() {
        for (attempt, max, expected) in [(0, 0, false), (0, 1, true), (1, 1, false), (1, 2, true)] {
            for event in [Event::Failed, Event::Lost] {
                let (state, effects) = step(facts(RunState::Running, attempt, max), event).unwrap();
                assert_eq!(state, RunState::Failed);
                assert_eq!(effects.contains(&Effect::Retry), expected, "{attempt} of {max}");
            }
        }
        let (_, effects) = step(facts(RunState::Running, 0, 5), Event::TimedOut).unwrap();
        assert_eq!(effects, vec![Effect::Finish]);
        let (state, effects) = step(facts(RunState::Stopping, 0, 5), Event::Failed).unwrap();
        assert_eq!((state, effects), (RunState::Stopped, vec![Effect::Finish]));
    }

    proptest! {
        #[test]
        fn final_states_are_final(events in prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..40)) {
            let mut now = facts(RunState::Waiting, 0, 2);
            for event in events {
                let before = now.state;
                match step(now, event) {
                    Err(rejected) => prop_assert_eq!(rejected.state, before),
                    Ok((next, effects)) => {
                        prop_assert!(!before.is_final());
                        prop_assert_eq!(next.is_final(), effects.contains(&Effect::Finish));
                        now.state = next;
                    }
                }
            }
        }

        #[test]
        fn whatever_happens_a_lost_run_ends(state in prop::sample::select(vec![RunState::Running, RunState::Stopping])) {
            let (next, _) = step(facts(state, 0, 0), Event::Lost).unwrap();
            prop_assert!(next.is_final());
        }
    }
}
