//! From a connection's properties to what a login needs.

use std::collections::BTreeMap;

use store::vault::Secret;

use super::Engine;
use super::url::{self, Address};
use crate::SourceError;

/// How far a connection is encrypted; each level asks for more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tls {
    /// Never.
    Disable,
    /// When the server can. The default of the drivers.
    Prefer,
    /// Always; the server's certificate is not looked at.
    Require,
    /// Always, and the certificate is signed by a known authority.
    VerifyCa,
    /// That, and the certificate names the host. What `JDBC_ENFORCE_SSL` means.
    VerifyFull,
}

/// Everything that it takes to log in.
#[derive(Debug, Clone)]
pub struct Config {
    /// The kind of database.
    pub engine: Engine,
    /// Host name or address, an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database (of PostgreSQL) or default schema (of MySQL). Without one PostgreSQL takes the user's name.
    pub database: Option<String>,
    /// Who logs in.
    pub user: String,
    /// The password, if there is one.
    pub secret: Option<Secret>,
    /// Encryption.
    pub tls: Tls,
}

impl Config {
    /// Reads the properties of a connection of type `JDBC` (also `POSTGRESQL` and `MYSQL`, whose engine the type names),
    /// with their secrets. `login` is the user and password of an `AuthenticationConfiguration`.
    ///
    /// # Errors
    /// [`SourceError::NotBuilt`] for other types, engines and ways to log in, [`SourceError::Property`].
    pub fn from_properties(
        connection_type: &str,
        properties: &BTreeMap<String, String>,
        login: Option<(String, Secret)>,
    ) -> Result<Config, SourceError> {
        let named = match connection_type {
            "JDBC" => None,
            "POSTGRESQL" | "MYSQL" => Engine::parse(connection_type),
            other => return Err(SourceError::NotBuilt { what: format!("A connection of type {other}") }),
        };
        for (property, why) in [
            ("CUSTOM_JDBC_CERT", "names a certificate of your own, which is not built"),
            ("JDBC_DRIVER_JAR_URI", "names a Java driver, and this server runs none"),
        ] {
            if properties.contains_key(property) {
                return Err(SourceError::Property { property, problem: why.to_owned() });
            }
        }
        let address = match properties.get("JDBC_CONNECTION_URL") {
            Some(text) => url::parse(text)?,
            None => from_parts(named, properties)?,
        };
        let (user, secret) = credentials(properties, login, &address)?;
        let tls = match properties.get("JDBC_ENFORCE_SSL").map(|text| text.to_ascii_lowercase()) {
            Some(text) if text == "true" => Tls::VerifyFull,
            Some(text) if text != "false" => {
                let problem = "is neither true nor false".to_owned();
                return Err(SourceError::Property { property: "JDBC_ENFORCE_SSL", problem });
            }
            _ => address.tls.unwrap_or(Tls::Prefer),
        };
        let Address { engine, host, port, database, .. } = address;
        Ok(Config { engine, host, port, database, user, secret, tls })
    }

    /// The database for messages: engine, host, port. Holds no secret.
    pub fn label(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{} at {host}:{}", self.engine.name(), self.port)
    }
}

fn missing(property: &'static str, problem: &str) -> SourceError {
    SourceError::Property { property, problem: problem.to_owned() }
}

fn from_parts(named: Option<Engine>, properties: &BTreeMap<String, String>) -> Result<Address, SourceError> {
    let needed = "is needed: give JDBC_CONNECTION_URL, or HOST, PORT and JDBC_ENGINE";
    let engine = match (named, properties.get("JDBC_ENGINE")) {
        (Some(engine), _) => engine,
        (None, Some(name)) => Engine::parse(name)
            .ok_or_else(|| SourceError::NotBuilt { what: format!("A JDBC connection to {name}") })?,
        (None, None) => return Err(missing("JDBC_CONNECTION_URL", needed)),
    };
    let host = url::host(properties.get("HOST").ok_or_else(|| missing("HOST", needed))?)?;
    let port = match properties.get("PORT") {
        Some(text) => text.parse().map_err(|_| missing("PORT", "is not a port"))?,
        None => engine.default_port(),
    };
    let database = properties.get("DATABASE").or_else(|| properties.get("INSTANCE_ID")).cloned();
    Ok(Address { engine, host, port, database, user: None, tls: None })
}

fn credentials(
    properties: &BTreeMap<String, String>,
    login: Option<(String, Secret)>,
    address: &Address,
) -> Result<(String, Option<Secret>), SourceError> {
    if let Some((user, secret)) = login {
        return Ok((user, Some(secret)));
    }
    if properties.contains_key("SECRET_ID") {
        return Err(missing(
            "SECRET_ID",
            "names a secret of Secrets Manager, which is not built: give USERNAME and PASSWORD",
        ));
    }
    if properties.contains_key("ENCRYPTED_PASSWORD") && !properties.contains_key("PASSWORD") {
        return Err(missing(
            "ENCRYPTED_PASSWORD",
            "is encrypted by a KMS key, which is not built: give PASSWORD",
        ));
    }
    let user = properties.get("USERNAME").or(address.user.as_ref());
    let user = user.ok_or_else(|| missing("USERNAME", "is needed"))?;
    Ok((user.clone(), properties.get("PASSWORD").map(Secret::new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: &str, given: &[(&str, &str)]) -> Result<Config, SourceError> {
        let properties = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Config::from_properties(kind, &properties, None)
    }

    #[test]
    fn both_ways_to_name_a_database_are_read() {
        let url = ("JDBC_CONNECTION_URL", "jdbc:mysql://h:3307/d");
        let found = config("JDBC", &[url, ("USERNAME", "me"), ("PASSWORD", "hunter2")]).unwrap();
        assert_eq!((found.port, found.user.as_str(), found.tls), (3307, "me", Tls::Prefer));
        assert_eq!(found.secret.as_ref().map(Secret::expose), Some("hunter2"));
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!(found.label(), "MySQL at h:3307");
        let parts = [("HOST", "h"), ("PORT", "5433"), ("JDBC_ENGINE", "postgresql"), ("USERNAME", "me")];
        let found = config("JDBC", &parts).unwrap();
        assert_eq!((found.engine, found.port), (Engine::Postgres, 5433));
        let found = config("MYSQL", &[("HOST", "h"), ("DATABASE", "d"), ("USERNAME", "me")]).unwrap();
        assert_eq!((found.engine, found.database.as_deref()), (Engine::MySql, Some("d")));
        let enforced = config("JDBC", &[url, ("USERNAME", "me"), ("JDBC_ENFORCE_SSL", "TRUE")]).unwrap();
        assert_eq!(enforced.tls, Tls::VerifyFull);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let url = ("JDBC_CONNECTION_URL", "jdbc:mysql://h/d");
        let user = ("USERNAME", "me");
        for (kind, given, names) in [
            ("NETWORK", vec![], "NETWORK"),
            ("JDBC", vec![user], "JDBC_CONNECTION_URL"),
            ("JDBC", vec![url], "USERNAME"),
            ("JDBC", vec![url, ("SECRET_ID", "s")], "SECRET_ID"),
            ("JDBC", vec![url, user, ("ENCRYPTED_PASSWORD", "x")], "ENCRYPTED_PASSWORD"),
            ("JDBC", vec![url, user, ("CUSTOM_JDBC_CERT", "s3://b/c.pem")], "CUSTOM_JDBC_CERT"),
            ("JDBC", vec![url, user, ("JDBC_ENFORCE_SSL", "yes")], "JDBC_ENFORCE_SSL"),
            ("JDBC", vec![user, ("HOST", "h"), ("JDBC_ENGINE", "oracle")], "oracle"),
            ("JDBC", vec![user, ("HOST", "/tmp"), ("JDBC_ENGINE", "mysql")], "HOST"),
        ] {
            let text = config(kind, &given).unwrap_err().to_string();
            assert!(text.contains(names), "{names}: {text}");
        }
    }
}
