//! The SQS face: standard queues and their messages.
//!
//! Source: Amazon SQS API Reference.

mod batches;
mod errors;
mod messages;
mod queues;
mod table;
mod tags;

use store::{Scope, Tx};
use wire::{Call, Document, Fault, Service};

/// What the handlers work on.
pub struct Sqs {
    queues: ::queues::Queues,
}

/// Makes the face. The store must have been opened with `queues::MIGRATIONS`.
pub fn face(queues: ::queues::Queues) -> Service<Sqs> {
    Service { model: "sqs", state: Sqs { queues }, operations: table::OPERATIONS }
}

impl Sqs {
    async fn begin(&self) -> Result<Tx, Fault> {
        self.queues.store().begin().await.map_err(errors::store)
    }

    async fn read(&self) -> Result<Tx, Fault> {
        self.queues.store().read().await.map_err(errors::store)
    }
}

async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(errors::store)
}

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// The address of a queue, at the host that the client called.
fn url(call: &Call, name: &str) -> String {
    let host = call.host.as_deref().unwrap_or("localhost");
    format!("http://{host}/{}/{name}", call.scope_account)
}

/// The name in the request's `QueueUrl`: an address that ends in account and name, whatever its host. Errors:
/// `InvalidAddress`; `QueueDoesNotExist` for another account's.
fn queue_name(call: &Call) -> Result<&str, Fault> {
    let url = call.text("QueueUrl").unwrap_or_default();
    let parts = url.split_once("://").and_then(|(_, rest)| {
        let (account, name) = rest.split_once('/')?.1.trim_matches('/').rsplit_once('/')?;
        Some((account.rsplit('/').next()?, name))
    });
    match parts {
        Some((account, name)) if account == call.scope_account => Ok(name),
        Some(_) => Err(errors::queue(::queues::QueueError::NotFound)),
        None => Err(errors::invalid_address(url)),
    }
}

/// A list of texts.
fn texts<'a>(call: &'a Call, member: &str) -> Vec<&'a str> {
    let given = call.input.get(member).and_then(Document::as_array);
    given.into_iter().flatten().filter_map(Document::as_str).collect()
}

/// A map of texts.
fn map(call: &Call, member: &str) -> std::collections::BTreeMap<String, String> {
    let given = call.input.get(member).and_then(Document::as_object).into_iter().flatten();
    given.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
