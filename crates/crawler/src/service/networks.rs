//! Connections that S3 targets name: AWS enters their network, and here there is none to enter. That they are there is checked
//! all the same, so that a definition is good in both places.

use sources::{SourceError, connection};
use store::{Scope, Tx};

use crate::definition::Definition;
use crate::error::CrawlerError;

const NETWORK: &str = "NETWORK";

/// Errors: `ConnectionNotFound`, `Invalid` for one that is no network.
pub(super) async fn check(tx: &mut Tx, scope: &Scope, definition: &Definition) -> Result<(), CrawlerError> {
    let named = definition.targets.s3_targets.iter().filter_map(|target| target.connection_name.as_deref());
    for name in named.filter(|name| !name.is_empty()) {
        match connection::get(tx, scope, name).await {
            Ok(found) if found.connection_type() == NETWORK => {}
            Ok(found) => {
                return Err(CrawlerError::invalid(format!(
                    "Connection {name} is of type {}: an S3 target takes one of type {NETWORK}",
                    found.connection_type()
                )));
            }
            Err(SourceError::ConnectionNotFound { name }) => {
                return Err(CrawlerError::ConnectionNotFound { name });
            }
            Err(SourceError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(CrawlerError::invalid(error.to_string())),
        }
    }
    Ok(())
}
