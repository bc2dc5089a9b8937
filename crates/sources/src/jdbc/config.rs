//! From a connection's properties to what a login needs.

use std::collections::BTreeMap;

use store::vault::Secret;

use super::Engine;
use super::url::{self, Address};
use crate::SourceError;
use crate::connection::given::Given;
use crate::connection::kinds::{self, Behind};

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
    /// Reads the properties of a connection whose type is a database's ([`kinds`]), with their secrets. `login` is the user
    /// and password of an `AuthenticationConfiguration`.
    ///
    /// # Errors
    /// [`SourceError::NotBuilt`] for other types, engines and ways to log in, [`SourceError::Property`].
    pub fn from_properties(
        connection_type: &str,
        properties: &BTreeMap<String, String>,
        login: Option<(String, Secret)>,
    ) -> Result<Config, SourceError> {
        let kind = kinds::find(connection_type);
        let Some((kind, Behind::Database(named))) = kind.map(|kind| (kind, kind.behind)) else {
            return Err(SourceError::NotBuilt { what: format!("A connection of type {connection_type}") });
        };
        let given = Given::new(kind, properties)?;
        let address = match (given.get("JDBC_CONNECTION_URL"), named) {
            (Some(text), named) => of_engine(url::parse(text)?, named)?,
            (None, named) => from_parts(named, &given)?,
        };
        let (user, secret) = credentials(properties, &given, login, &address)?;
        let tls = match given.choice("JDBC_ENFORCE_SSL")? {
            Some("true") => Tls::VerifyFull,
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

fn wrong(property: &'static str, problem: impl Into<String>) -> SourceError {
    SourceError::Property { property, problem: problem.into() }
}

/// An address that is of the engine that the type names, if it names one.
fn of_engine(address: Address, named: Option<Engine>) -> Result<Address, SourceError> {
    match named.filter(|named| *named != address.engine) {
        Some(named) => {
            let problem = format!("is one of {}, and the type is {}", address.engine.name(), named.name());
            Err(wrong("JDBC_CONNECTION_URL", problem))
        }
        None => Ok(address),
    }
}

fn from_parts(named: Option<Engine>, given: &Given<'_>) -> Result<Address, SourceError> {
    let engine = match (named, given.get("JDBC_ENGINE"), given.get("HOST")) {
        (Some(engine), ..) => engine,
        (None, Some(name), _) => Engine::parse(name)
            .ok_or_else(|| SourceError::NotBuilt { what: format!("A JDBC connection to {name}") })?,
        (None, None, Some(_)) => return Err(given.missing("JDBC_ENGINE")),
        (None, None, None) => return Err(given.missing("JDBC_CONNECTION_URL")),
    };
    let host = url::host(given.needed("HOST")?)?;
    let port = match given.get("PORT") {
        Some(text) => text.parse().map_err(|_| wrong("PORT", "is not a port"))?,
        None => engine.default_port(),
    };
    let database = given.get("DATABASE").or(given.get("INSTANCE_ID")).map(str::to_owned);
    Ok(Address { engine, host, port, database, user: None, tls: None })
}

/// The login. What names a secret that only AWS could read is refused where it is the only one.
fn credentials(
    properties: &BTreeMap<String, String>,
    given: &Given<'_>,
    login: Option<(String, Secret)>,
    address: &Address,
) -> Result<(String, Option<Secret>), SourceError> {
    if let Some((user, secret)) = login {
        return Ok((user, Some(secret)));
    }
    if properties.contains_key("SECRET_ID") {
        let problem = "names a secret of Secrets Manager, which is not built: give USERNAME and PASSWORD";
        return Err(wrong("SECRET_ID", problem));
    }
    let password = given.get("PASSWORD");
    if properties.contains_key("ENCRYPTED_PASSWORD") && password.is_none() {
        return Err(wrong(
            "ENCRYPTED_PASSWORD",
            "is encrypted by a KMS key, which is not built: give PASSWORD",
        ));
    }
    let user = given.get("USERNAME").or(address.user.as_deref());
    let user = user.ok_or_else(|| given.missing("USERNAME"))?;
    Ok((user.to_owned(), password.map(Secret::new)))
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
            ("JDBC", vec![user, ("HOST", "h")], "JDBC_ENGINE is needed"),
            ("JDBC", vec![user, ("JDBC_ENGINE", "mysql")], "HOST is needed"),
            ("POSTGRESQL", vec![url, user], "JDBC_CONNECTION_URL is one of MySQL"),
        ] {
            let text = config(kind, &given).unwrap_err().to_string();
            assert!(text.contains(names), "{names}: {text}");
        }
    }
}
