//! Connections as Glue keeps them: a name, a type, properties, and secrets that are sealed.
//!
//! What a client gives is split ([`secrets`]): the document that is shown, and the secret members, which are sealed
//! together in the same row. [`Connection::to_json`] shows the document; the secret properties join it only when the
//! caller asks for this one connection with its password. Credentials of an `AuthenticationConfiguration` are never
//! shown, as on AWS.

mod rows;
mod secrets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Scope;
use store::vault::{Secret, Vault};

use crate::SourceError;
use crate::api::{Api, Auth};
use crate::jdbc;

pub use rows::{Filter, create, delete, get, list, mark_validated, update};

/// What a connection is made of (`ConnectionInput`), secrets included. Never printed: it has no `Debug`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConnectionInput {
    /// The name, as given.
    pub name: String,
    /// `JDBC`, `NETWORK`, `KAFKA` …
    pub connection_type: String,
    /// Key-value pairs, for example `JDBC_CONNECTION_URL`.
    pub connection_properties: BTreeMap<String, String>,
    /// Criteria that [`Filter`] can ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_criteria: Option<Vec<String>>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A connection as it is stored; its secrets stay sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The name.
    pub name: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When it was changed last, epoch milliseconds.
    pub updated_ms: i64,
    /// The ARN of who changed it last.
    pub updated_by: String,
    /// When a test of it last succeeded, epoch milliseconds.
    pub validated_ms: Option<i64>,
    /// Everything that the client gave but for the secrets.
    pub(crate) shown: Value,
    pub(crate) sealed: Option<Vec<u8>>,
    /// What the secrets are sealed for.
    pub(crate) owner: String,
}

/// The ARN of a connection.
pub fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:glue:{}:{}:connection/{name}", scope.region, scope.account)
}

impl Connection {
    /// The type, for example `JDBC`.
    pub fn connection_type(&self) -> &str {
        self.shown.get("ConnectionType").and_then(Value::as_str).unwrap_or_default()
    }

    /// The connection as Glue's `Connection` structure, without any secret.
    pub fn to_json(&self) -> Value {
        let mut value = self.shown.clone();
        let has_authentication = secrets::hide_credentials(&mut value);
        if let Some(environments) =
            value.as_object_mut().and_then(|v| v.remove("ValidateForComputeEnvironments"))
        {
            value["CompatibleComputeEnvironments"] = environments;
        }
        if let Some(object) = value.as_object_mut() {
            object.remove("ValidateCredentials");
        }
        value["CreationTime"] = json!(self.created_ms as f64 / 1000.0);
        value["LastUpdatedTime"] = json!(self.updated_ms as f64 / 1000.0);
        value["LastUpdatedBy"] = json!(self.updated_by);
        value["Status"] = json!("READY");
        value["ConnectionSchemaVersion"] = json!(if has_authentication { 2 } else { 1 });
        if let Some(validated_ms) = self.validated_ms {
            value["LastConnectionValidationTime"] = json!(validated_ms as f64 / 1000.0);
        }
        value
    }

    /// The same with the secret properties, such as `PASSWORD`, for who asks for this connection with its password.
    ///
    /// # Errors
    /// [`SourceError::Vault`].
    pub fn to_json_with_password(&self, vault: &Vault) -> Result<Value, SourceError> {
        let mut value = self.to_json();
        let mut opened = self.open(vault)?;
        if let Some(object) = opened.as_object_mut() {
            object.remove("AuthenticationConfiguration");
        }
        secrets::join(&mut value, opened);
        Ok(value)
    }

    /// What it takes to log in to the database behind the connection.
    ///
    /// # Errors
    /// [`SourceError::NotBuilt`] and [`SourceError::Property`] when it is no database that we can open;
    /// [`SourceError::Vault`].
    pub fn jdbc(&self, vault: &Vault) -> Result<jdbc::Config, SourceError> {
        jdbc_of(&self.whole(vault)?)
    }

    /// The API behind the connection, with what it takes to be let in.
    ///
    /// # Errors
    /// [`SourceError::NotBuilt`] and [`SourceError::Property`] when it is no API that can be asked;
    /// [`SourceError::Vault`].
    pub fn api(&self, vault: &Vault) -> Result<Api, SourceError> {
        api_of(&self.whole(vault)?)
    }

    /// The definition with its secrets.
    fn whole(&self, vault: &Vault) -> Result<ConnectionInput, SourceError> {
        let mut whole = self.shown.clone();
        secrets::join(&mut whole, self.open(vault)?);
        serde_json::from_value(whole).map_err(|source| SourceError::Corrupt { what: "connection", source })
    }

    fn open(&self, vault: &Vault) -> Result<Value, SourceError> {
        let Some(sealed) = &self.sealed else {
            return Ok(json!({}));
        };
        let bytes = vault.open(&self.owner, sealed)?;
        serde_json::from_slice(&bytes).map_err(|source| SourceError::Corrupt { what: "secret", source })
    }
}

/// What it takes to log in to the database of a definition that is not (or not yet) stored.
///
/// # Errors
/// As [`Connection::jdbc`], without [`SourceError::Vault`].
pub fn jdbc_of(input: &ConnectionInput) -> Result<jdbc::Config, SourceError> {
    let authentication = input.other.get("AuthenticationConfiguration");
    let login = match authentication.and_then(|found| found.get("AuthenticationType")).and_then(Value::as_str)
    {
        Some("BASIC") => {
            let text = |member: &str| {
                let path = format!("/BasicAuthenticationCredentials/{member}");
                authentication.and_then(|found| found.pointer(&path)).and_then(Value::as_str)
            };
            match (text("Username"), text("Password")) {
                (Some(user), Some(password)) => Some((user.to_owned(), Secret::new(password))),
                _ => {
                    return Err(SourceError::Property {
                        property: "AuthenticationConfiguration",
                        problem: "needs BasicAuthenticationCredentials with Username and Password: secrets of Secrets \
                                  Manager are not built"
                            .to_owned(),
                    });
                }
            }
        }
        Some(other) => {
            return Err(SourceError::NotBuilt { what: format!("A connection with {other} authentication") });
        }
        None => None,
    };
    jdbc::Config::from_properties(&input.connection_type, &input.connection_properties, login)
}

/// The API of a definition that is not (or not yet) stored: of type `CUSTOM`, with `CONNECTION_URL`.
///
/// # Errors
/// As [`Connection::api`], without [`SourceError::Vault`].
pub fn api_of(input: &ConnectionInput) -> Result<Api, SourceError> {
    if input.connection_type != "CUSTOM" {
        let what = format!("As an API, a connection of type {} (CUSTOM is needed)", input.connection_type);
        return Err(SourceError::NotBuilt { what });
    }
    let given = &input.connection_properties;
    for property in ["CONNECTOR_CLASS_NAME", "CONNECTOR_URL", "CONNECTOR_TYPE"] {
        if given.contains_key(property) {
            let problem = "names a connector, and this server runs none".to_owned();
            return Err(SourceError::Property { property, problem });
        }
    }
    let address = given.get("CONNECTION_URL").ok_or_else(|| SourceError::Property {
        property: "CONNECTION_URL",
        problem: "is needed: the address of the API".to_owned(),
    })?;
    Api::new(address, Auth::of(input)?)
}
