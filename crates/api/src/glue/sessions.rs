//! Glue's interactive sessions and their statements.
//!
//! Source: AWS Glue API Reference, Interactive sessions.

use std::sync::Arc;

use jobs::sessions::{self, ListSessions, SessionError, Sessions};
use serde_json::{Value, json};
use store::{Store, Tx};
use wire::{Call, Fault, Fields, Operation, Reply, Service};

use super::catalog::{required, scope};
use super::errors;
use super::tags::{self, Taggable};

/// What the handlers work on.
pub struct SessionFace {
    store: Store,
    sessions: Sessions,
}

/// Makes the face.
pub fn face(store: Store, sessions: Sessions) -> Service<SessionFace> {
    Service { model: "glue", state: SessionFace { store, sessions }, operations: OPERATIONS }
}

/// Tells the catalog's tag operations whether a session exists; its kind is `session`.
pub fn taggable() -> Taggable {
    Arc::new(|tx, scope, id| {
        Box::pin(async move {
            match sessions::get(tx, scope, id).await {
                Ok(session) => Ok(Some(sessions::arn(scope, &session.id))),
                Err(SessionError::NotFound { .. }) => Ok(None),
                Err(other) => Err(fault(other)),
            }
        })
    })
}

const ORIGIN: (&str, &str) = ("RequestOrigin", "who asks makes no difference");
const SECURITY: (&str, &str) =
    ("SecurityConfiguration", "encryption by security configurations is not built");
const CREATE: &[&str] = &[
    "Id",
    "Command.Name",
    "Command.PythonVersion",
    "Timeout",
    "IdleTimeout",
    "DefaultArguments",
    "WorkerType",
    "NumberOfWorkers",
    "MaxCapacity",
    "GlueVersion",
    "SessionType",
    "Tags",
];

macro_rules! operation {
    ($name:literal, $run:path, $acts:expr, $refused:expr) => {
        Operation {
            name: $name,
            fields: Fields { acts: $acts, refused: $refused, ignored: &[ORIGIN] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const OPERATIONS: &[Operation<SessionFace>] = &[
    operation!("CreateSession", create, CREATE, &[SECURITY]),
    operation!("GetSession", get, &["Id"], &[]),
    operation!("ListSessions", list, &["NextToken", "MaxResults", "Tags"], &[]),
    operation!("StopSession", stop, &["Id"], &[]),
    operation!("DeleteSession", delete, &["Id"], &[]),
    operation!("RunStatement", run_statement, &["SessionId", "Code"], &[]),
    operation!("GetStatement", get_statement, &["SessionId", "Id"], &[]),
    operation!("ListStatements", list_statements, &["SessionId", "NextToken"], &[]),
    operation!("CancelStatement", cancel_statement, &["SessionId", "Id"], &[]),
];

fn fault(error: SessionError) -> Fault {
    match &error {
        SessionError::NotFound { .. } | SessionError::StatementNotFound { .. } => {
            errors::not_found(error.to_string())
        }
        SessionError::Exists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        SessionError::IllegalState { .. } => Fault::new("IllegalSessionStateException", error.to_string()),
        SessionError::Busy { .. } => Fault::new("SessionBusyException", error.to_string()),
        SessionError::LimitExceeded { .. } => {
            Fault::new("ResourceNumberLimitExceededException", error.to_string())
        }
        SessionError::NotSupported { .. } => Fault::new("OperationNotSupportedException", error.to_string()),
        SessionError::InvalidInput { .. } => errors::invalid(error.to_string()),
        SessionError::Damaged { .. } => errors::internal(&error),
        SessionError::Store(inner) => errors::store(inner),
    }
}

/// Stopping and deleting have no fault for a session that is not there.
fn without_not_found(error: SessionError) -> Fault {
    match error {
        SessionError::NotFound { .. } => errors::invalid(error.to_string()),
        other => fault(other),
    }
}

impl SessionFace {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }
}

async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(|error| errors::store(&error))
}

/// The number of the statement that a request names.
fn number(call: &Call) -> i64 {
    call.integer("Id").unwrap_or_default()
}

async fn create(face: &SessionFace, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let id = required(&call, "Id").to_owned();
    let tags = tags::given(&call, "Tags");
    tags::check(&tags)?;
    for own in ["Id", "Tags", "RequestOrigin"] {
        call.input.remove(own);
    }
    let spec = serde_json::from_value(Value::Object(std::mem::take(&mut call.input)))
        .map_err(|error| Fault::new("SerializationException", error.to_string()))?;
    let mut tx = face.begin().await?;
    let session = face.sessions.create(&mut tx, &scope, &id, spec, &tags).await.map_err(fault)?;
    let now_ms = tx.now_ms();
    commit(tx).await?;
    Ok(Reply::from(json!({ "Session": session.to_document(now_ms) })))
}

async fn get(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let mut tx = face.read().await?;
    let session = sessions::get(&mut tx, &scope(&call)?, required(&call, "Id")).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Session": session.to_document(tx.now_ms()) })))
}

async fn list(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let query = ListSessions {
        token: call.text("NextToken").map(str::to_owned),
        limit: call.integer("MaxResults").and_then(|limit| usize::try_from(limit).ok()),
        tags: tags::given(&call, "Tags"),
    };
    let mut tx = face.read().await?;
    let page = sessions::list(&mut tx, &scope(&call)?, &query).await.map_err(fault)?;
    let ids: Vec<&str> = page.items.iter().map(|session| session.id.as_str()).collect();
    let now_ms = tx.now_ms();
    let shown: Vec<Value> = page.items.iter().map(|session| session.to_document(now_ms)).collect();
    Ok(Reply::from(json!({ "Ids": ids, "Sessions": shown, "NextToken": page.next })))
}

async fn stop(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let id = required(&call, "Id");
    let mut tx = face.begin().await?;
    face.sessions.stop(&mut tx, &scope(&call)?, id).await.map_err(without_not_found)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "Id": id })))
}

async fn delete(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let id = required(&call, "Id");
    let mut tx = face.begin().await?;
    sessions::delete(&mut tx, &scope(&call)?, id).await.map_err(without_not_found)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "Id": id })))
}

async fn run_statement(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let (id, code) = (required(&call, "SessionId"), required(&call, "Code"));
    let mut tx = face.begin().await?;
    let number = face.sessions.run_statement(&mut tx, &scope(&call)?, id, code).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "Id": number })))
}

async fn get_statement(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let mut tx = face.read().await?;
    let id = required(&call, "SessionId");
    let (_, statement) =
        sessions::statement(&mut tx, &scope(&call)?, id, number(&call)).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Statement": statement.to_document() })))
}

async fn list_statements(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let mut tx = face.read().await?;
    let (id, token) = (required(&call, "SessionId"), call.text("NextToken"));
    let page = sessions::list_statements(&mut tx, &scope(&call)?, id, token).await.map_err(fault)?;
    let shown: Vec<Value> = page.items.iter().map(sessions::Statement::to_document).collect();
    Ok(Reply::from(json!({ "Statements": shown, "NextToken": page.next })))
}

async fn cancel_statement(face: &SessionFace, call: Call) -> Result<Reply, Fault> {
    let id = required(&call, "SessionId");
    let mut tx = face.begin().await?;
    face.sessions.cancel(&mut tx, &scope(&call)?, id, number(&call)).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
