//! The one writer of a SQLite store, and group commit.
//!
//! Writers take turns on one connection, first come, first served. A turn runs inside an *outer* transaction
//! that a whole group of turns shares, so that they share one sync of the log:
//!
//! ```text
//! begin ── lock the lane ── first of its group?  yes: BEGIN IMMEDIATE      no: SAVEPOINT turn
//! commit ─ (no: RELEASE turn) ── joins the group ── somebody waits and the group has room?
//!            no: COMMIT, tell every member      yes: pass the lane on; the group closes at a later turn's end
//! drop ─── (first: ROLLBACK; else ROLLBACK TO turn, RELEASE turn) ── then as above
//! ```
//!
//! - A lone writer pays nothing for the group: it commits at once. Under load, the writers that queue up
//!   during one sync form the next group. The first member to leave a group open queues a *closer* behind the
//!   writers that wait just then, so no group stays open for longer than those turns, even when they vanish.
//! - Nobody is told before the sync is done, and all members of a failed COMMIT hear that its result is unknown, but for
//!   that of a full disk, which SQLite rolls back.
//! - The end of a turn is carried out by a task that owns the lane. Dropping a [`Session`], or the future of
//!   its commit, at any await only starts that task or lets it go on, so a client that hangs up can neither
//!   block the lane nor leave it half-way.
//! - Whenever the connection's state is in doubt it is dropped, which rolls back what it held, and the next
//!   turn opens a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio_util::task::TaskTracker;

use super::MAX_WAIT;
use super::rows::classify;
use crate::error::is_full;
use crate::tx::run_effects;
use crate::{Effect, StoreError, crash};

/// Turns that share one COMMIT at most: bounds how long the first of them waits.
const MAX_GROUP: usize = 128;

/// The handle of the writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    lane: Arc<Mutex<Lane>>,
    /// Writers that wait for a turn (closers not counted).
    waiting: AtomicUsize,
    closed: AtomicBool,
    options: SqliteConnectOptions,
    tasks: TaskTracker,
    runtime: Handle,
}

/// What the holder of the lane may touch. An outer transaction is open exactly while there are members or a
/// turn is under way.
struct Lane {
    connection: Option<SqliteConnection>,
    turn: Turn,
    members: Vec<Member>,
    /// Counts the groups, so that a closer knows its own.
    group: u64,
    closer_queued: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nobody's.
    None,
    /// The statement that begins it may or may not have run.
    Entering { nested: bool },
    /// Begun.
    Inside { nested: bool },
}

/// A turn that ended well and waits for the group's COMMIT.
struct Member {
    effects: Vec<Effect>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

impl Writer {
    /// Must be called within the runtime that will carry out the commits.
    pub(crate) fn new(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let lane = Lane {
            connection: Some(connection),
            turn: Turn::None,
            members: Vec::new(),
            group: 0,
            closer_queued: false,
        };
        let shared = Shared {
            lane: Arc::new(Mutex::new(lane)),
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            options,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits for a turn and begins it.
    pub(crate) async fn begin(&self) -> Result<Session, StoreError> {
        let waiting = Waiting::new(&self.shared.waiting);
        let turn = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.shared.lane).lock_owned()).await;
        drop(waiting);
        let Ok(lane) = turn else {
            let waited_ms = MAX_WAIT.as_secs() * 1_000;
            return Err(StoreError::Busy { waited_ms });
        };
        // From here on dropping the session undoes what was begun.
        let mut session = Session { lane: Some(lane), shared: Arc::clone(&self.shared) };
        session.enter().await?;
        Ok(session)
    }

    /// Waits for the turns under way, then closes the connection.
    pub(crate) async fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let mut lane = self.shared.lane.lock().await;
        lane.close_group().await;
        if let Some(connection) = lane.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the store's writer failed");
        }
        drop(lane);
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

/// Counts a waiting writer for as long as it waits, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One writer's turn. Dropping it rolls the turn back.
pub(crate) struct Session {
    /// `None` once the end of the turn was handed to a task.
    lane: Option<OwnedMutexGuard<Lane>>,
    shared: Arc<Shared>,
}

impl Session {
    /// The connection, inside the turn.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let lane = self.lane.as_mut().ok_or(StoreError::Failed)?;
        lane.connection.as_mut().ok_or(StoreError::Failed)
    }

    async fn enter(&mut self) -> Result<(), StoreError> {
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let lane = self.lane.as_mut().ok_or(StoreError::Failed)?;
        if lane.connection.is_none() {
            let connection = self.shared.options.connect().await;
            lane.connection = Some(connection.map_err(|error| StoreError::connect(error, 0))?);
        }
        let nested = !lane.members.is_empty();
        lane.turn = Turn::Entering { nested };
        lane.run(if nested { "SAVEPOINT turn" } else { "BEGIN IMMEDIATE" }).await.map_err(classify)?;
        lane.turn = Turn::Inside { nested };
        Ok(())
    }

    /// Ends the turn well and waits for the group's COMMIT.
    pub(crate) async fn commit(mut self, effects: Vec<Effect>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.end(Some(Member { effects, reply }));
        // No answer: the runtime is going down, with the COMMIT perhaps done.
        answer.await.unwrap_or(Err(StoreError::CommitUnknown { source: None }))
    }

    fn end(&mut self, member: Option<Member>) {
        if let Some(lane) = self.lane.take() {
            let task = end_turn(Arc::clone(&self.shared), lane, member);
            self.shared.tasks.spawn_on(task, &self.shared.runtime);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// Ends a turn: well with a member, by rolling back without; then closes the group if its time has come.
async fn end_turn(shared: Arc<Shared>, mut lane: OwnedMutexGuard<Lane>, member: Option<Member>) {
    match member {
        Some(member) => lane.keep(member).await,
        None => lane.discard().await,
    }
    if lane.members.is_empty() {
        return;
    }
    if shared.waiting.load(Ordering::SeqCst) == 0 || lane.members.len() >= MAX_GROUP {
        lane.close_group().await;
        return;
    }
    if lane.closer_queued {
        return;
    }
    lane.closer_queued = true;
    let group = lane.group;
    drop(lane);
    // The lane is fair: this comes after the writers that wait now, and before those that come later.
    let mut lane = Arc::clone(&shared.lane).lock_owned().await;
    if lane.group == group {
        lane.close_group().await;
    }
}

impl Lane {
    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        sqlx::query(sql).execute(connection).await.map(|_| ())
    }

    /// Makes the turn a member of the group.
    async fn keep(&mut self, member: Member) {
        let turn = std::mem::replace(&mut self.turn, Turn::None);
        let kept = match turn {
            Turn::Inside { nested: true } => self.run("RELEASE turn").await,
            _ => Ok(()),
        };
        self.members.push(member);
        if let Err(error) = kept {
            self.fail_group(error, refused).await;
        }
    }

    /// Rolls the turn back; the group's earlier members stay.
    async fn discard(&mut self) {
        let turn = std::mem::replace(&mut self.turn, Turn::None);
        let undone = match turn {
            // A savepoint that was perhaps set and holds nothing: the COMMIT takes it along.
            Turn::None | Turn::Entering { nested: true } => Ok(()),
            Turn::Entering { nested: false } | Turn::Inside { nested: false } => self.run("ROLLBACK").await,
            Turn::Inside { nested: true } => match self.run("ROLLBACK TO turn").await {
                Ok(()) => self.run("RELEASE turn").await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = undone {
            // A full disk, for one, makes SQLite roll back the whole outer transaction by itself.
            self.fail_group(error, refused).await;
        }
    }

    /// Commits the outer transaction and tells its members.
    async fn close_group(&mut self) {
        if self.members.is_empty() {
            return;
        }
        crash::point(crash::BEFORE_COMMIT);
        if let Err(error) = self.run("COMMIT").await {
            self.fail_group(error, unknown).await;
            return;
        }
        crash::point(crash::AFTER_COMMIT);
        for member in self.next_group() {
            run_effects(member.effects);
            // The caller may have gone away; its commit holds all the same.
            let _ = member.reply.send(Ok(()));
        }
    }

    /// Gives the connection up, which rolls back what is not committed, and tells the members what `means` makes of it.
    async fn fail_group(&mut self, error: sqlx::Error, means: fn(Arc<sqlx::Error>) -> StoreError) {
        if let Some(connection) = self.connection.take() {
            // The state is in doubt either way; the next turn opens a new connection.
            let _ = connection.close_hard().await;
        }
        let source = Arc::new(error);
        let members = self.next_group();
        if !members.is_empty() {
            tracing::error!(error = %source, members = members.len(), "a group of transactions failed");
        }
        for member in members {
            let _ = member.reply.send(Err(means(Arc::clone(&source))));
        }
    }

    fn next_group(&mut self) -> Vec<Member> {
        self.group += 1;
        self.closer_queued = false;
        std::mem::take(&mut self.members)
    }
}

/// A failure before the COMMIT was tried: what the group did went with the connection.
fn refused(source: Arc<sqlx::Error>) -> StoreError {
    match is_full(&source) {
        true => StoreError::Full { source },
        false => StoreError::CommitRefused { source },
    }
}

/// A failure of the COMMIT. A disk that is full has no room for the frame that makes it one; of anything else nobody knows.
fn unknown(source: Arc<sqlx::Error>) -> StoreError {
    match is_full(&source) {
        true => StoreError::Full { source },
        false => StoreError::CommitUnknown { source: Some(source) },
    }
}
