//! Connections as Glue keeps them: a name, a type, properties, and secrets that are sealed.
//!
//! What a client gives is split ([`secrets`]): the document that is shown, and the secret members, which are sealed
//! together in the same row. [`Connection::to_json`] shows the document; the secret properties join it only when the
//! caller asks for this one connection with its password. Credentials of an `AuthenticationConfiguration` are never
//! shown, as on AWS.

pub(crate) mod given;
pub mod kinds;
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
use given::Given;
use kinds::{Authentication, Behind, Kind};

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

    /// What the connection opens; nothing is connected.
    ///
    /// # Errors
    /// As [`open`], and [`SourceError::Vault`].
    pub fn opened(&self, vault: &Vault) -> Result<Opened, SourceError> {
        open(&self.whole(vault)?)
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

/// What a definition opens.
pub enum Opened {
    /// A database, with what it takes to log in.
    Database(jdbc::Config),
    /// An API, with what it takes to be let in.
    Api(Api),
}

/// What a definition that is not (or not yet) stored opens; nothing is connected.
///
/// # Errors
/// [`SourceError::NotBuilt`] for types that open nothing, [`SourceError::Property`].
pub fn open(input: &ConnectionInput) -> Result<Opened, SourceError> {
    match kinds::find(&input.connection_type).map(|kind| kind.behind) {
        Some(Behind::Api) => api_of(input).map(Opened::Api),
        Some(Behind::Database(_) | Behind::Network) | None => jdbc_of(input).map(Opened::Database),
    }
}

/// User and password of a definition's `BasicAuthenticationCredentials`.
///
/// # Errors
/// [`SourceError::Property`] when one of them is missing.
pub(crate) fn basic_of(input: &ConnectionInput) -> Result<(&str, &str), SourceError> {
    let text = |member: &str| {
        let path = format!("/BasicAuthenticationCredentials/{member}");
        input.other.get("AuthenticationConfiguration")?.pointer(&path)?.as_str()
    };
    match Authentication::Basic.members() {
        [user, password] => text(user.name).zip(text(password.name)),
        _ => None,
    }
    .ok_or_else(|| SourceError::Property {
        property: "AuthenticationConfiguration",
        problem: "needs BasicAuthenticationCredentials with Username and Password: secrets of Secrets Manager are not \
                  built"
            .to_owned(),
    })
}

/// What it takes to log in to the database of a definition that is not (or not yet) stored.
///
/// # Errors
/// As [`Connection::jdbc`], without [`SourceError::Vault`].
pub fn jdbc_of(input: &ConnectionInput) -> Result<jdbc::Config, SourceError> {
    let database =
        kinds::find(&input.connection_type).filter(|kind| matches!(kind.behind, Behind::Database(_)));
    let login = match database.map(|kind| kind.login(input)).transpose()?.flatten() {
        Some(_) => {
            let (user, password) = basic_of(input)?;
            Some((user.to_owned(), Secret::new(password)))
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
    let is_api = |kind: &&Kind| kind.behind == Behind::Api;
    let Some(kind) = kinds::find(&input.connection_type).filter(is_api) else {
        let what = format!("As an API, a connection of type {} (CUSTOM is needed)", input.connection_type);
        return Err(SourceError::NotBuilt { what });
    };
    let given = Given::new(kind, &input.connection_properties)?;
    let address = given.needed("CONNECTION_URL")?;
    Api::new(address, Auth::of(kind, &given, input)?)
}
