//! Connections that targets name: that they are there is checked when a definition is made. An S3 target's says what network
//! AWS enters, and here there is none to enter: it is checked so that a definition is good in both places. One that goes
//! afterwards is an error of the runs that need it.

use sources::SourceError;
use sources::connection::kinds::{self, Behind};
use sources::connection::{self, Connection};
use store::{Scope, Tx};

use crate::definition::Definition;
use crate::error::CrawlerError;

/// Errors: `ConnectionNotFound`, `Invalid` for an S3 target's that is no network.
pub(super) async fn check(tx: &mut Tx, scope: &Scope, definition: &Definition) -> Result<(), CrawlerError> {
    let targets = &definition.targets;
    let named = targets.s3_targets.iter().filter_map(|target| target.connection_name.as_deref());
    for name in named.filter(|name| !name.is_empty()) {
        let found = get(tx, scope, name).await?;
        let kind = kinds::find(found.connection_type());
        if kind.is_none_or(|kind| kind.behind != Behind::Network) {
            return Err(CrawlerError::invalid(format!(
                "Connection {name} is of type {}: an S3 target takes one of type NETWORK",
                found.connection_type()
            )));
        }
    }
    for target in &targets.jdbc_targets {
        get(tx, scope, &target.connection_name).await?;
    }
    Ok(())
}

async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Connection, CrawlerError> {
    match connection::get(tx, scope, name).await {
        Ok(found) => Ok(found),
        Err(SourceError::ConnectionNotFound { name }) => Err(CrawlerError::ConnectionNotFound { name }),
        Err(SourceError::Store(error)) => Err(error.into()),
        Err(error) => Err(CrawlerError::invalid(error.to_string())),
    }
}
