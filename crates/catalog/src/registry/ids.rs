//! Names, as Glue's structures `RegistryId`, `SchemaId` and `SchemaVersionNumber` give them.

use serde_json::Value;
use store::Scope;

use super::{DEFAULT_REGISTRY, RegistryError};

/// A schema's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName {
    /// Its registry.
    pub registry: String,
    /// The name within it.
    pub schema: String,
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

/// What follows the kind in the ARN of a resource of this scope.
fn of_arn<'a>(scope: &Scope, arn: &'a str, kind: &str) -> Option<&'a str> {
    let begin = format!("arn:aws:glue:{}:{}:{kind}/", scope.region, scope.account);
    arn.strip_prefix(&begin)
}

/// The registry that a `RegistryId` means; without one, the default registry.
///
/// # Errors
/// [`RegistryError::Invalid`] when it has both name and ARN or neither; [`RegistryError::RegistryNotFound`] for an ARN of
/// another place.
pub fn registry_name(scope: &Scope, id: Option<&Value>) -> Result<String, RegistryError> {
    let Some(id) = id else {
        return Ok(DEFAULT_REGISTRY.to_owned());
    };
    match (text(id, "RegistryName"), text(id, "RegistryArn")) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(arn)) => match of_arn(scope, arn, "registry") {
            Some(name) => Ok(name.to_owned()),
            None => Err(RegistryError::RegistryNotFound { registry: arn.to_owned() }),
        },
        (None, None) => Err(RegistryError::invalid("One of registryName or registryArn has to be provided.")),
        _ => Err(RegistryError::invalid(
            "One of registryName or registryArn has to be provided, both cannot be provided.",
        )),
    }
}

impl SchemaName {
    /// The schema that a `SchemaId` means. A name without a registry is one of the default registry.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] when it has both name and ARN or neither; [`RegistryError::ArnNotFound`] for an ARN of
    /// another place.
    pub fn of(scope: &Scope, id: &Value) -> Result<SchemaName, RegistryError> {
        let registry = text(id, "RegistryName");
        match (text(id, "SchemaName"), text(id, "SchemaArn")) {
            (Some(schema), None) => Ok(SchemaName {
                registry: registry.unwrap_or(DEFAULT_REGISTRY).to_owned(),
                schema: schema.to_owned(),
            }),
            (None, Some(arn)) if registry.is_none() => {
                let names = of_arn(scope, arn, "schema").and_then(|rest| rest.split_once('/'));
                match names {
                    Some((registry, schema)) => {
                        Ok(SchemaName { registry: registry.to_owned(), schema: schema.to_owned() })
                    }
                    None => Err(RegistryError::ArnNotFound { arn: arn.to_owned() }),
                }
            }
            (None, None) => Err(RegistryError::invalid(
                "At least one of schemaName (with registryName) or schemaArn has to be provided.",
            )),
            _ => Err(RegistryError::invalid(
                "schemaArn cannot be given together with schemaName or registryName.",
            )),
        }
    }

    /// The schema's ARN.
    pub fn arn(&self, scope: &Scope) -> String {
        crate::arn::schema(scope, &self.registry, &self.schema)
    }
}

/// A version of a schema, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its id.
    Id(String),
    /// By its number.
    Number(SchemaName, i64),
    /// The last one that is available.
    Latest(SchemaName),
}

impl Which {
    /// The version that these members mean: an id, or a schema and a number.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] when they are too many or too few; as [`SchemaName::of`].
    pub fn of(
        scope: &Scope,
        schema: Option<&Value>,
        id: Option<&str>,
        number: Option<&Value>,
    ) -> Result<Which, RegistryError> {
        match (id, schema) {
            (Some(_), Some(_)) => Err(RegistryError::invalid(
                "No other input parameters can be specified when fetching by SchemaVersionId.",
            )),
            (Some(_), None) if number.is_some() => Err(RegistryError::invalid(
                "No other input parameters can be specified when fetching by SchemaVersionId.",
            )),
            (Some(id), None) => Ok(Which::Id(id.to_owned())),
            (None, Some(schema)) => Which::numbered(SchemaName::of(scope, schema)?, number),
            (None, None) => {
                Err(RegistryError::invalid("One of SchemaVersionId or SchemaId has to be provided."))
            }
        }
    }

    /// The version that a `SchemaVersionNumber` means.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] unless it has exactly one of `VersionNumber` and `LatestVersion`.
    pub fn numbered(name: SchemaName, number: Option<&Value>) -> Result<Which, RegistryError> {
        let given = number.and_then(|number| number.get("VersionNumber")).and_then(Value::as_i64);
        let latest = number.and_then(|number| number.get("LatestVersion")).and_then(Value::as_bool);
        match (given, latest.unwrap_or(false)) {
            (Some(number), false) => Ok(Which::Number(name, number)),
            (None, true) => Ok(Which::Latest(name)),
            _ => Err(RegistryError::invalid("One of version number or latest version is required.")),
        }
    }
}
