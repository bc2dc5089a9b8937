//! The one place where long-lived tasks start, and where they are stopped.
//!
//! A task has a name, a stage, and what happens when it ends by itself ([`OnExit`]). When its stage stops, its token is
//! cancelled and it ends at a safe point of its own. Nothing is detached: every task is joined, or aborted at the
//! deadline and named in the log.
//!
//! ```text
//!  running ──ends or panics──► OnExit::Restart: wait (100 ms … 30 s, doubling) ──► running
//!     │                        OnExit::StopNode: the node stops and says why
//!     └──stage stops──► sees its token, ends at a safe point; aborted at the deadline
//! ```
//!
//! Stages stop one after the other, in the order of [`Stage`]: intake first, so that nothing new arrives while work is
//! being laid down. A crash skips all of this; correctness never depends on it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::BoxError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A task that ran this long starts over with the shortest pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// When a task stops, relative to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The HTTP server.
    Intake,
    /// Crawls, runs, queries.
    Work,
    /// Collectors and the like, which may go at any time.
    Upkeep,
}

const STAGES: [Stage; 3] = [Stage::Intake, Stage::Work, Stage::Upkeep];

/// What happens when a task ends although nobody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnExit {
    /// It starts again, after a growing pause.
    Restart,
    /// The node stops: it would be half dead without it.
    StopNode,
}

/// What a task does, once.
pub(crate) type TaskFuture = BoxFuture<'static, Result<(), BoxError>>;

/// A task to run. `start` is called for every (re)start.
pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) on_exit: OnExit,
    pub(crate) start: Box<dyn Fn(CancellationToken) -> TaskFuture + Send + Sync>,
}

/// What is known about a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskStatus {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) state: &'static str,
    pub(crate) restarts: u64,
    pub(crate) last_error: Option<String>,
}

/// A handle on the tasks' states; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Vec<TaskStatus>>>);

impl Tasks {
    /// The tasks in the order in which they were started.
    pub(crate) fn all(&self) -> Vec<TaskStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, name: &'static str, stage: Stage) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(TaskStatus { name, stage, state: "running", restarts: 0, last_error: None });
        all.len() - 1
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut TaskStatus)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = all.get_mut(index) {
            change(status);
        }
    }
}

/// Tasks by stage.
pub(crate) struct Supervisor {
    tasks: Tasks,
    stages: Vec<(Stage, CancellationToken, JoinSet<()>)>,
    /// Cancelled when a task with `OnExit::StopNode` ends.
    failed: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
}

impl Supervisor {
    pub(crate) fn new() -> Self {
        Self {
            tasks: Tasks::default(),
            stages: STAGES
                .into_iter()
                .map(|stage| (stage, CancellationToken::new(), JoinSet::new()))
                .collect(),
            failed: CancellationToken::new(),
            failure: Arc::default(),
        }
    }

    /// A handle on what runs.
    pub(crate) fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Starts a task.
    pub(crate) fn run(&mut self, task: Task) {
        let index = self.tasks.add(task.name, task.stage);
        let Some((_, stop, set)) = self.stages.iter_mut().find(|(stage, ..)| *stage == task.stage) else {
            return;
        };
        let keeper = Keeper {
            index,
            tasks: self.tasks.clone(),
            stop: stop.clone(),
            failed: self.failed.clone(),
            failure: Arc::clone(&self.failure),
        };
        set.spawn(keeper.keep(task));
    }

    /// Waits until a task that the node needs has ended, and says which and why.
    pub(crate) async fn failure(&self) -> String {
        self.failed.cancelled().await;
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().unwrap_or_default()
    }

    /// Stops stage after stage, each within `deadline`; returns the names of tasks that had to be aborted.
    pub(crate) async fn stop(mut self, deadline: Duration) -> Vec<&'static str> {
        let mut late = Vec::new();
        for (stage, stop, mut set) in self.stages.drain(..) {
            tracing::debug!(?stage, tasks = set.len(), "stopping");
            stop.cancel();
            let drain = async { while set.join_next().await.is_some() {} };
            if tokio::time::timeout(deadline, drain).await.is_err() {
                let running = self.tasks.all().into_iter();
                let names =
                    running.filter(|task| task.stage == stage && task.state != "ended").map(|task| task.name);
                let names: Vec<&'static str> = names.collect();
                set.shutdown().await;
                tracing::warn!(?stage, tasks = ?names, "aborted what did not end in time");
                late.extend(names);
            }
        }
        late
    }
}

/// Keeps one task running.
struct Keeper {
    index: usize,
    tasks: Tasks,
    stop: CancellationToken,
    failed: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
}

impl Keeper {
    async fn keep(self, task: Task) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let outcome = self.once(&task).await;
            if self.stop.is_cancelled() {
                if let Err(error) = outcome {
                    tracing::warn!(task = task.name, error, "failed while stopping");
                }
                break;
            }
            let reason = outcome.err().unwrap_or_else(|| "ended by itself".to_owned());
            self.tasks.change(self.index, |status| status.last_error = Some(reason.clone()));
            if task.on_exit == OnExit::StopNode {
                tracing::error!(task = task.name, reason, "a task that the node needs has ended");
                let text = format!("{}: {reason}", task.name);
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
                self.failed.cancel();
                break;
            }
            if began.elapsed() > HEALTHY_AFTER {
                pause = FIRST_PAUSE;
            }
            tracing::error!(task = task.name, reason, pause_ms = pause.as_millis() as u64, "restarting");
            self.tasks.change(self.index, |status| {
                status.state = "waiting";
                status.restarts += 1;
            });
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.tasks.change(self.index, |status| status.state = "running");
        }
        self.tasks.change(self.index, |status| status.state = "ended");
    }

    /// One life of the task.
    async fn once(&self, task: &Task) -> Result<(), String> {
        match AssertUnwindSafe((task.start)(self.stop.clone())).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(wire::causes(error.as_ref())),
            Err(panic) => Err(format!("panicked: {}", panic_text(panic.as_ref()))),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Runs the streams of HTTP/2 connections, which hyper wants to spawn itself: tracked, and ended by `hard_stop`.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) tracker: TaskTracker,
    pub(crate) hard_stop: CancellationToken,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "the one allowed use: tracked, and ended by the server that waits"
    )]
    fn execute(&self, future: F) {
        let hard_stop = self.hard_stop.clone();
        let stream = async move { hard_stop.run_until_cancelled(future).await.is_some() };
        tokio::spawn(self.tracker.track_future(stream));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn task<F>(name: &'static str, on_exit: OnExit, start: F) -> Task
    where
        F: Fn(CancellationToken) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
    {
        Task { name, stage: Stage::Work, on_exit, start: Box::new(start) }
    }

    #[tokio::test]
    async fn restarts_after_errors_and_panics() {
        let lives = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&lives);
        let mut supervisor = Supervisor::new();
        supervisor.run(task("loop", OnExit::Restart, move |stop| {
            let life = seen.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                match life {
                    0 => Err("first".into()),
                    1 => panic!("second"),
                    _ => {
                        stop.cancelled().await;
                        Ok(())
                    }
                }
            })
        }));
        let tasks = supervisor.tasks();
        let third_life = async {
            while lives.load(Ordering::SeqCst) < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), third_life).await.expect("restarted twice");
        let status = tasks.all().remove(0);
        assert_eq!((status.state, status.restarts), ("running", 2));
        assert_eq!(status.last_error.as_deref(), Some("panicked: second"));
        assert!(supervisor.stop(Duration::from_secs(1)).await.is_empty());
        assert_eq!(tasks.all()[0].state, "ended");
    }

    #[tokio::test]
    async fn a_needed_task_stops_the_node() {
        let mut supervisor = Supervisor::new();
        supervisor.run(task("needed", OnExit::StopNode, |_| Box::pin(async { Ok(()) })));
        assert_eq!(supervisor.failure().await, "needed: ended by itself");
    }

    #[tokio::test]
    async fn stops_by_the_deadline() {
        let mut supervisor = Supervisor::new();
        supervisor.run(task("deaf", OnExit::Restart, |_| Box::pin(std::future::pending())));
        tokio::task::yield_now().await;
        assert_eq!(supervisor.stop(Duration::from_millis(50)).await, ["deaf"]);
    }
}
