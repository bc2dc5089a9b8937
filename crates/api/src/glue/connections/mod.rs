//! Connections to databases outside, and which types of them there are.
//!
//! Source: AWS Glue API Reference, Connections API, Connection Types API.

mod handlers;
mod types;

use std::sync::Arc;

use sources::http::Reach;
use sources::{SourceError, connection};
use store::Store;
use store::vault::Vault;
use wire::{Fields, Operation, Service};

use super::errors;
use super::tags::Taggable;

/// What the handlers work on.
pub struct Connections {
    store: Store,
    vault: Vault,
    /// Which addresses APIs may be at.
    reach: Reach,
}

/// Makes the face. `vault` seals the secrets of connections; `reach` says which addresses those of APIs may have.
pub fn face(store: Store, vault: Vault, reach: Reach) -> Service<Connections> {
    Service { model: "glue", state: Connections { store, vault, reach }, operations: OPERATIONS }
}

/// Tells the catalog's tag operations whether a connection exists; its kind is `connection`.
pub fn taggable() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move {
            match connection::get(tx, scope, name).await {
                Ok(found) => Ok(Some(connection::arn(scope, &found.name))),
                Err(SourceError::ConnectionNotFound { .. }) => Ok(None),
                Err(other) => Err(errors::source(other)),
            }
        })
    })
}

const OVERRIDES: &str = "properties for compute environments are kept apart, and returned as such";
const LISTING: &str = "a listing never holds passwords, whatever this says";

macro_rules! operation {
    ($name:literal, $run:path, $acts:expr, $refused:expr, $ignored:expr) => {
        Operation {
            name: $name,
            fields: Fields { acts: $acts, refused: $refused, ignored: $ignored },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const OPERATIONS: &[Operation<Connections>] = &[
    operation!(
        "CreateConnection",
        handlers::create,
        &[
            "CatalogId",
            "ConnectionInput.Name",
            "ConnectionInput.ConnectionType",
            "ConnectionInput.MatchCriteria",
            "ConnectionInput.ConnectionProperties",
            "ConnectionInput.AuthenticationConfiguration.AuthenticationType",
            "ConnectionInput.AuthenticationConfiguration.BasicAuthenticationCredentials",
            "ConnectionInput.AuthenticationConfiguration.CustomAuthenticationCredentials",
            "ConnectionInput.ValidateCredentials",
            "Tags",
        ],
        &[],
        &[]
    ),
    operation!(
        "GetConnection",
        handlers::get,
        &["CatalogId", "Name", "HidePassword"],
        &[("ApplyOverrideForComputeEnvironment", OVERRIDES)],
        &[]
    ),
    operation!(
        "GetConnections",
        handlers::list,
        &[
            "CatalogId",
            "Filter.MatchCriteria",
            "Filter.ConnectionType",
            "Filter.ConnectionSchemaVersion",
            "NextToken",
            "MaxResults",
        ],
        &[],
        &[("HidePassword", LISTING)]
    ),
    operation!(
        "UpdateConnection",
        handlers::update,
        &[
            "CatalogId",
            "Name",
            "ConnectionInput.Name",
            "ConnectionInput.ConnectionType",
            "ConnectionInput.MatchCriteria",
            "ConnectionInput.ConnectionProperties",
            "ConnectionInput.AuthenticationConfiguration.AuthenticationType",
            "ConnectionInput.AuthenticationConfiguration.BasicAuthenticationCredentials",
            "ConnectionInput.AuthenticationConfiguration.CustomAuthenticationCredentials",
            "ConnectionInput.ValidateCredentials",
        ],
        &[],
        &[]
    ),
    operation!("DeleteConnection", handlers::delete, &["CatalogId", "ConnectionName"], &[], &[]),
    operation!(
        "BatchDeleteConnection",
        handlers::batch_delete,
        &["CatalogId", "ConnectionNameList"],
        &[],
        &[]
    ),
    operation!(
        "TestConnection",
        handlers::test,
        &["ConnectionName", "CatalogId", "TestConnectionInput"],
        &[],
        &[]
    ),
    operation!("ListConnectionTypes", types::list, &["MaxResults", "NextToken"], &[], &[]),
    operation!("DescribeConnectionType", types::describe, &["ConnectionType"], &[], &[]),
];
