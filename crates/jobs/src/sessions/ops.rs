//! What clients do with sessions and statements. Each runs in the caller's transaction.

use std::collections::BTreeMap;

use store::{Scope, Tx};

use super::documents::{Output, Raised, Session, SessionSpec, Statement};
use super::error::SessionError;
use super::state::{Event, SessionState, StatementState, step};
use super::{Sessions, arn, check, rows};
use crate::script::DISABLED;

/// Statements of a session that have not ended, at most.
const MAX_OPEN: usize = 100;
/// Statements of a session, at most: each keeps its code and output.
const MAX_STATEMENTS: i64 = 10_000;
const DEFAULT_PAGE: usize = 100;
/// Statements of a page, at most, and how much of them: one alone may have 200 KB.
const STATEMENT_PAGE: usize = 25;
const PAGE_BYTES: usize = 1 << 20;

/// Which sessions are wanted.
#[derive(Debug, Clone, Default)]
pub struct ListSessions {
    /// The token of the previous page.
    pub token: Option<String>,
    /// 1..=1000; 100 when absent.
    pub limit: Option<usize>,
    /// Only sessions that carry all of these tags.
    pub tags: BTreeMap<String, String>,
}

/// A page; `next` is the token of the following one.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// In the order of the listing.
    pub items: Vec<T>,
    /// Absent on the last page.
    pub next: Option<String>,
}

/// Reads one session.
///
/// # Errors
/// `NotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Session, SessionError> {
    let found = rows::find(tx, scope, id).await?;
    found.ok_or_else(|| SessionError::NotFound { id: id.to_owned() })
}

impl Sessions {
    /// Makes a session, which is PROVISIONING; `tags` are kept under its ARN. Its process is begun once the transaction is
    /// committed.
    ///
    /// # Errors
    /// `Exists`; `InvalidInput` naming the field; `NotSupported`; `LimitExceeded`.
    pub async fn create(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        id: &str,
        spec: SessionSpec,
        tags: &BTreeMap<String, String>,
    ) -> Result<Session, SessionError> {
        if !self.inner.scripts.options().enabled {
            return Err(SessionError::NotSupported { message: DISABLED.to_owned() });
        }
        if id.trim().is_empty() || id.chars().any(char::is_control) {
            return Err(SessionError::invalid("Id must be one line that is not blank"));
        }
        let details = check::complete(spec)?;
        if rows::find(tx, scope, id).await?.is_some() {
            return Err(SessionError::Exists { id: id.to_owned() });
        }
        let max = self.inner.options.max_active;
        if rows::count_active(tx).await? >= max {
            let message =
                format!("There are {max} sessions that have not ended, the most that may be; stop one.");
            return Err(SessionError::LimitExceeded { message });
        }
        let (uid, created_ms) = (tx.new_id(), tx.now_ms());
        let session = Session { scope: scope.clone(), id: id.to_owned(), uid, created_ms, details };
        rows::insert(tx, &session).await?;
        if !tags.is_empty() {
            store::tags::set(tx, &arn(scope, id), tags).await?;
        }
        self.ring_on_commit(tx, &session);
        Ok(session)
    }

    /// Asks for the end of a session. It is STOPPING until its process is gone.
    ///
    /// # Errors
    /// `NotFound`; `IllegalState` for one that has ended.
    pub async fn stop(&self, tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), SessionError> {
        let mut session = get(tx, scope, id).await?;
        let Some(next) = step(session.details.state, Event::StopRequested) else {
            return Err(illegal(&session, "only a session that has not ended can be stopped"));
        };
        session.details.state = next;
        rows::replace(tx, &session).await?;
        self.ring_on_commit(tx, &session);
        Ok(())
    }

    /// Adds a statement to a session and returns its number; it runs after those before it.
    ///
    /// # Errors
    /// `NotFound`; `IllegalState` unless the session is READY; `Busy`; `LimitExceeded`.
    pub async fn run_statement(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        id: &str,
        code: &str,
    ) -> Result<i64, SessionError> {
        let mut session = get(tx, scope, id).await?;
        if session.details.state != SessionState::Ready {
            return Err(illegal(&session, "statements are run by sessions that are READY"));
        }
        if session.details.statements >= MAX_STATEMENTS {
            let message = format!("Session {id} has had {MAX_STATEMENTS} statements; create another one.");
            return Err(SessionError::LimitExceeded { message });
        }
        let waiting = session.details.statements - session.details.ended;
        if waiting >= MAX_OPEN as i64 {
            return Err(SessionError::Busy { id: id.to_owned(), waiting });
        }
        session.details.statements += 1;
        let statement = Statement {
            id: session.details.statements,
            code: code.to_owned(),
            state: StatementState::Waiting,
            started_ms: None,
            completed_ms: None,
            output: None,
        };
        rows::put(tx, &session.uid, &statement).await?;
        rows::replace(tx, &session).await?;
        self.ring_on_commit(tx, &session);
        Ok(statement.id)
    }

    /// Ends a statement: one that waits at once, one that runs by an exception in it.
    ///
    /// # Errors
    /// `NotFound`, `StatementNotFound`; `InvalidInput` for one that has ended.
    pub async fn cancel(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        id: &str,
        number: i64,
    ) -> Result<(), SessionError> {
        let (mut session, mut statement) = statement(tx, scope, id, number).await?;
        match statement.state {
            StatementState::Cancelling => return Ok(()),
            StatementState::Running => statement.state = StatementState::Cancelling,
            StatementState::Waiting => {
                let raised = Raised::ours(CANCELLED, "the statement was cancelled before it was begun");
                let output = Output { text: String::new(), raised: Some(raised) };
                close(tx, &mut session, statement, StatementState::Cancelled, output).await?;
                return rows::replace(tx, &session).await;
            }
            state => {
                let state = state.as_str();
                return Err(SessionError::invalid(format!(
                    "Statement {number} of session {id} is {state} and cannot be cancelled"
                )));
            }
        }
        rows::put(tx, &session.uid, &statement).await?;
        self.ring_on_commit(tx, &session);
        Ok(())
    }
}

/// What a statement that was ended from outside has raised.
pub(super) const CANCELLED: &str = "StatementCancelled";

/// Stores the end of a statement, and counts it in a session that the caller stores.
pub(super) async fn close(
    tx: &mut Tx,
    session: &mut Session,
    mut statement: Statement,
    state: StatementState,
    output: Output,
) -> Result<(), SessionError> {
    statement.state = state;
    statement.completed_ms = Some(tx.now_ms());
    statement.output = Some(output);
    session.details.ended += 1;
    rows::put(tx, &session.uid, &statement).await
}

fn illegal(session: &Session, needs: &'static str) -> SessionError {
    SessionError::IllegalState { id: session.id.clone(), state: session.details.state.as_str(), needs }
}

/// Deletes a session that has ended, with its statements and tags. Its logs stay.
///
/// # Errors
/// `NotFound`; `IllegalState`.
pub async fn delete(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), SessionError> {
    let session = get(tx, scope, id).await?;
    if !session.details.state.is_final() {
        return Err(illegal(&session, "stop it before it is deleted"));
    }
    rows::delete(tx, &session.uid).await?;
    store::tags::clear(tx, &arn(scope, id)).await?;
    Ok(())
}

/// Reads a statement and its session.
///
/// # Errors
/// `NotFound`, `StatementNotFound`.
pub async fn statement(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
    number: i64,
) -> Result<(Session, Statement), SessionError> {
    let session = get(tx, scope, id).await?;
    match rows::statement(tx, &session.uid, number).await? {
        Some(statement) => Ok((session, statement)),
        None => Err(SessionError::StatementNotFound { session: id.to_owned(), statement: number }),
    }
}

/// Sessions in the order of their ids.
///
/// # Errors
/// Only those of the store.
pub async fn list(tx: &mut Tx, scope: &Scope, query: &ListSessions) -> Result<Page<Session>, SessionError> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE).max(1);
    let mut items: Vec<Session> = Vec::new();
    let mut after = query.token.clone().unwrap_or_default();
    loop {
        let batch = rows::after(tx, scope, &after, limit + 1).await?;
        let is_last = batch.len() <= limit;
        for session in batch {
            if items.len() == limit {
                let next = items.last().map(|last| last.id.clone());
                return Ok(Page { items, next });
            }
            after.clone_from(&session.id);
            if carries(tx, &session, &query.tags).await? {
                items.push(session);
            }
        }
        if is_last {
            return Ok(Page { items, next: None });
        }
    }
}

async fn carries(
    tx: &mut Tx,
    session: &Session,
    wanted: &BTreeMap<String, String>,
) -> Result<bool, SessionError> {
    if wanted.is_empty() {
        return Ok(true);
    }
    let tags = store::tags::get(tx, &arn(&session.scope, &session.id)).await?;
    Ok(wanted.iter().all(|(key, value)| tags.get(key) == Some(value)))
}

/// Statements of a session in their order.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a token that is not ours.
pub async fn list_statements(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
    token: Option<&str>,
) -> Result<Page<Statement>, SessionError> {
    let session = get(tx, scope, id).await?;
    let after = token.filter(|token| !token.is_empty()).map(str::parse::<i64>).transpose();
    let after = after.map_err(|_| SessionError::invalid("NextToken is not one of ListStatements"))?;
    let mut items = rows::statements(tx, &session.uid, after.unwrap_or(0), STATEMENT_PAGE + 1).await?;
    let mut bytes = 0;
    let fit = items.iter().take_while(|statement| {
        bytes += statement.code.len() + statement.output.as_ref().map_or(0, |output| output.text.len());
        bytes <= PAGE_BYTES
    });
    let fit = fit.count().clamp(1, STATEMENT_PAGE);
    let is_last = items.len() <= fit;
    items.truncate(fit);
    let next = items.last().filter(|_| !is_last).map(|last| last.id.to_string());
    Ok(Page { items, next })
}
