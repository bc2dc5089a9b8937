//! The handlers of connections.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sources::SourceError;
use sources::api;
use sources::connection::{self, Connection, ConnectionInput, Filter, Opened};
use sources::http::{Http, Patience, Reach};
use sources::jdbc::Database;
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::Connections;
use crate::glue::catalog::{author, commit, limit, required, scope, structure};
use crate::glue::{errors, tags};

/// Connections on a page that names no size.
const PAGE: usize = 100;

impl Connections {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }
}

/// Logs in and out again, or asks once.
async fn try_out(opened: &Opened, reach: Reach) -> Result<(), SourceError> {
    let config = match opened {
        Opened::Database(config) => config,
        Opened::Api(found) => {
            let once = Patience { attempts: 1, ..Patience::default() };
            return api::probe(&Http::new(reach, once)?, found).await;
        }
    };
    let mut database = Database::open(config).await?;
    let answered = database.ping().await;
    database.close().await;
    answered
}

/// The definition of a request; when it asks to validate its credentials, they were tried out.
async fn given(call: &mut Call, reach: Reach) -> Result<ConnectionInput, Fault> {
    let input: ConnectionInput = structure(call, "ConnectionInput")?;
    if input.other.get("ValidateCredentials") == Some(&Value::Bool(true)) {
        let opened = connection::open(&input).map_err(errors::source)?;
        try_out(&opened, reach).await.map_err(errors::source)?;
    }
    Ok(input)
}

pub(super) async fn create(connections: &Connections, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let new_tags = tags::given(&call, "Tags");
    tags::check(&new_tags)?;
    let input = given(&mut call, connections.reach).await?;
    let mut tx = connections.begin().await?;
    connection::create(&mut tx, &scope, &input, &author(&scope), &connections.vault)
        .await
        .map_err(errors::source)?;
    if !new_tags.is_empty() {
        let arn = connection::arn(&scope, &input.name);
        store::tags::set(&mut tx, &arn, &new_tags).await.map_err(|error| errors::store(&error))?;
    }
    commit(tx).await?;
    Ok(Reply::from(json!({ "CreateConnectionStatus": "READY" })))
}

pub(super) async fn get(connections: &Connections, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = connections.read().await?;
    let found = connection::get(&mut tx, &scope, required(&call, "Name")).await.map_err(errors::source)?;
    let shown = match call.flag("HidePassword") {
        true => found.to_json(),
        false => found.to_json_with_password(&connections.vault).map_err(errors::source)?,
    };
    Ok(Reply::from(json!({ "Connection": shown })))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct FilterInput {
    match_criteria: Vec<String>,
    connection_type: Option<String>,
    connection_schema_version: Option<i64>,
}

pub(super) async fn list(connections: &Connections, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted: FilterInput = match call.input.contains_key("Filter") {
        true => structure(&mut call, "Filter")?,
        false => FilterInput::default(),
    };
    let filter = Filter {
        match_criteria: wanted.match_criteria,
        connection_type: wanted.connection_type,
        schema_version: wanted.connection_schema_version,
    };
    let mut tx = connections.read().await?;
    let (found, next) =
        connection::list(&mut tx, &scope, &filter, call.text("NextToken"), limit(&call, PAGE))
            .await
            .map_err(errors::source)?;
    let shown: Vec<Value> = found.iter().map(Connection::to_json).collect();
    Ok(Reply::from(json!({ "ConnectionList": shown, "NextToken": next })))
}

pub(super) async fn update(connections: &Connections, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input = given(&mut call, connections.reach).await?;
    let mut tx = connections.begin().await?;
    let name = required(&call, "Name");
    connection::update(&mut tx, &scope, name, &input, &author(&scope), &connections.vault)
        .await
        .map_err(errors::source)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(connections: &Connections, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = connections.begin().await?;
    connection::delete(&mut tx, &scope, required(&call, "ConnectionName")).await.map_err(errors::source)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_delete(connections: &Connections, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let names: Vec<String> = structure(&mut call, "ConnectionNameList")?;
    let mut tx = connections.begin().await?;
    let (mut succeeded, mut failed) = (Vec::new(), Map::new());
    for name in names {
        match connection::delete(&mut tx, &scope, &name).await {
            Ok(()) => succeeded.push(name),
            Err(error @ SourceError::ConnectionNotFound { .. }) => {
                failed.insert(name, errors::detail(&errors::source(error)));
            }
            Err(error) => return Err(errors::source(error)),
        }
    }
    commit(tx).await?;
    Ok(Reply::from(json!({ "Succeeded": succeeded, "Errors": failed })))
}

/// The stored connection that a test is of, if it is of one.
async fn stored(connections: &Connections, scope: &Scope, call: &Call) -> Result<Option<Connection>, Fault> {
    let Some(name) = call.text("ConnectionName") else {
        return Ok(None);
    };
    let mut tx = connections.read().await?;
    connection::get(&mut tx, scope, name).await.map(Some).map_err(errors::source)
}

/// No transaction is open while the database or API is waited for.
pub(super) async fn test(connections: &Connections, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let found = stored(connections, &scope, &call).await?;
    let opened = match (&found, call.input.contains_key("TestConnectionInput")) {
        (Some(found), false) => found.opened(&connections.vault),
        (None, true) => connection::open(&structure(&mut call, "TestConnectionInput")?),
        _ => return Err(errors::invalid("Give either ConnectionName or TestConnectionInput.")),
    };
    try_out(&opened.map_err(errors::source)?, connections.reach).await.map_err(errors::source)?;
    if let Some(found) = found {
        let mut tx = connections.begin().await?;
        connection::mark_validated(&mut tx, &scope, &found).await.map_err(errors::source)?;
        commit(tx).await?;
    }
    Ok(Reply::empty())
}
