//! The one place that chooses the specification's error types and statuses.
//!
//! Source: Apache Iceberg REST catalog specification, `ErrorModel` and the responses of each path. Clients take 500 after
//! a commit for "nobody knows" and 503 for "nothing happened, try again": both are meant.

use ::tables::TablesError;
use catalog::CatalogError;
use http::StatusCode;
use store::{Outcome, StoreError};
use wire::{AuthError, BodyError, Family, causes};

use crate::outcome::{UNKNOWN, down, is_down};

/// Why a request is refused or failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{0}")]
    Tables(#[from] TablesError),
    #[error("{0}")]
    Auth(#[from] AuthError),
    #[error("{0}")]
    BadRequest(String),
    #[error("there is no namespace of several levels: {levels:?}")]
    NestedNamespace { levels: Vec<String> },
    #[error("there is no warehouse {0:?}")]
    NoSuchWarehouse(String),
    #[error("there is no prefix {0:?}")]
    NoSuchPrefix(String),
    #[error("the request's body is in the encoding {0:?}")]
    Encoding(String),
    #[error("there is no such path")]
    NoSuchRoute,
    #[error("{0}")]
    NotBuilt(String),
    #[error("{0}")]
    Internal(String),
}

const BAD_REQUEST: &str = "BadRequestException";
const COMMIT_FAILED: &str = "CommitFailedException";
const ALREADY_EXISTS: &str = "AlreadyExistsException";
const NO_SUCH_NAMESPACE: &str = "NoSuchNamespaceException";
const UNSUPPORTED: &str = "UnsupportedOperationException";
const UNAVAILABLE: &str = "ServiceUnavailableException";
const INTERNAL: &str = "InternalServerError";

const FAILED: &str = "The server could not carry out the request; nothing was changed.";

type Explained = (StatusCode, &'static str, String);

/// Status, type and message of a problem.
pub(super) fn explain(problem: &Problem) -> Explained {
    match problem {
        Problem::Tables(error) => of_tables(error),
        Problem::Auth(error) => of_auth(error),
        Problem::BadRequest(message) => (StatusCode::BAD_REQUEST, BAD_REQUEST, message.clone()),
        Problem::NestedNamespace { levels } => {
            let message = format!(
                "Namespace does not exist: {} (a namespace has one level: it is a database of the catalog)",
                levels.join(".")
            );
            (StatusCode::NOT_FOUND, NO_SUCH_NAMESPACE, message)
        }
        Problem::NoSuchWarehouse(name) => {
            let message = format!(
                "Warehouse {name:?} does not exist: give your account id, account/region, s3://bucket/prefix, or nothing."
            );
            (StatusCode::BAD_REQUEST, BAD_REQUEST, message)
        }
        Problem::NoSuchPrefix(prefix) => {
            let message = format!(
                "The path's prefix {prefix:?} is none of this caller's: take the one that GET /_/iceberg/v1/config answers \
                 (\"prefix\" in \"overrides\", made of account, region and warehouse); clients do that by themselves. Without \
                 a prefix, paths begin with /_/iceberg/v1/namespaces."
            );
            (StatusCode::BAD_REQUEST, BAD_REQUEST, message)
        }
        Problem::Encoding(name) => {
            let message =
                format!("Content-Encoding {name:?} is not built on this server: send the body as it is.");
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException", message)
        }
        Problem::NoSuchRoute => {
            (StatusCode::NOT_FOUND, "NoSuchEndpointException", "There is no such endpoint.".to_owned())
        }
        Problem::NotBuilt(message) => (StatusCode::NOT_ACCEPTABLE, UNSUPPORTED, message.clone()),
        Problem::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, FAILED.to_owned()),
    }
}

fn of_tables(error: &TablesError) -> Explained {
    let message = error.to_string();
    match error {
        TablesError::NamespaceNotFound { .. } => (StatusCode::NOT_FOUND, NO_SUCH_NAMESPACE, message),
        TablesError::TableNotFound { .. } => (StatusCode::NOT_FOUND, "NoSuchTableException", message),
        TablesError::NamespaceExists { .. } | TablesError::TableExists { .. } => {
            (StatusCode::CONFLICT, ALREADY_EXISTS, message)
        }
        TablesError::NamespaceNotEmpty { .. } => {
            (StatusCode::CONFLICT, "NamespaceNotEmptyException", message)
        }
        TablesError::CommitFailed { .. } | TablesError::Contended { .. } => {
            (StatusCode::CONFLICT, COMMIT_FAILED, message)
        }
        TablesError::BothSetAndRemoved { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "UnprocessableEntityException", message)
        }
        // Metadata is what clients write and point to: broken, it is for them to mend, and nothing was done.
        TablesError::Invalid { .. } | TablesError::Location { .. } | TablesError::MetadataBroken { .. } => {
            (StatusCode::BAD_REQUEST, BAD_REQUEST, message)
        }
        TablesError::Unsupported { .. } => (StatusCode::NOT_ACCEPTABLE, UNSUPPORTED, message),
        TablesError::Catalog(error) => of_catalog(error),
        TablesError::Lake(lake::LakeError::Store(error)) | TablesError::Store(error) => of_store(error),
        TablesError::Lake(error) => {
            tracing::error!(cause = causes(error), "the objects failed");
            let is_outside = matches!(error, lake::LakeError::Outside { .. });
            let message = if is_outside { error.to_string() } else { FAILED.to_owned() };
            (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message)
        }
    }
}

fn of_catalog(error: &CatalogError) -> Explained {
    let message = error.to_string();
    match error {
        CatalogError::DatabaseNotFound { .. } => (StatusCode::NOT_FOUND, NO_SUCH_NAMESPACE, message),
        CatalogError::TableNotFound { .. } | CatalogError::TargetNotFound { .. } => {
            (StatusCode::NOT_FOUND, "NoSuchTableException", message)
        }
        CatalogError::DatabaseExists { .. } | CatalogError::TableExists { .. } => {
            (StatusCode::CONFLICT, ALREADY_EXISTS, message)
        }
        CatalogError::VersionConflict { .. } | CatalogError::PointerMoved { .. } => {
            (StatusCode::CONFLICT, COMMIT_FAILED, message)
        }
        CatalogError::InvalidInput { .. }
        | CatalogError::InvalidToken
        | CatalogError::LimitExceeded { .. } => (StatusCode::BAD_REQUEST, BAD_REQUEST, message),
        CatalogError::Store(error) => of_store(error),
        // No call of this face asks for these; one that came all the same is our failure, not the client's.
        CatalogError::VersionNotFound { .. }
        | CatalogError::PartitionNotFound { .. }
        | CatalogError::PartitionExists { .. }
        | CatalogError::NotFound { .. }
        | CatalogError::Exists { .. }
        | CatalogError::ConditionFailed { .. }
        | CatalogError::ExpressionInvalid(_)
        | CatalogError::ValueNotOfType { .. }
        | CatalogError::Registry(_)
        | CatalogError::Corrupt { .. } => {
            tracing::error!(cause = causes(error), "the catalog failed");
            (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, FAILED.to_owned())
        }
    }
}

fn of_store(error: &StoreError) -> Explained {
    if let StoreError::NulInText { .. } = error {
        return (StatusCode::BAD_REQUEST, BAD_REQUEST, error.to_string());
    }
    tracing::error!(cause = causes(error), "the store failed");
    match error.outcome() {
        Outcome::Unknown => {
            (StatusCode::INTERNAL_SERVER_ERROR, "CommitStateUnknownException", UNKNOWN.to_owned())
        }
        Outcome::NotApplied => {
            let message = if is_down(error) { down(error) } else { FAILED };
            (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message.to_owned())
        }
    }
}

fn of_auth(error: &AuthError) -> Explained {
    match error {
        AuthError::Missing | AuthError::ExpiredToken => {
            let message = "The request must be signed (Signature Version 4, service name glue): ".to_owned();
            (StatusCode::UNAUTHORIZED, "NotAuthorizedException", message + &error.to_string())
        }
        AuthError::Body(BodyError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, error.to_string()),
        AuthError::Body(_) | AuthError::Hosts => (StatusCode::BAD_REQUEST, BAD_REQUEST, error.to_string()),
        refused => {
            let (_, _, message) = refused.fault(Family::Json);
            (StatusCode::FORBIDDEN, "ForbiddenException", message)
        }
    }
}
