//! The types of connections that this server serves: what is behind one, how it logs in, which properties it reads.
//!
//! One table for clients, who ask what a type takes (Glue's `DescribeConnectionType`), and for the code that opens
//! connections: properties are read by way of `Given`, which knows none but those of its type's row, refuses what the row
//! refuses, and takes its words for what is missing from there. So a description cannot promise what is not read.
//!
//! Connections of other types are kept, and cannot be opened. Properties that no row names are kept and read by nobody.

use serde_json::Value;

use super::{ConnectionInput, secrets};
use crate::SourceError;
use crate::jdbc::Engine;

/// What a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// A database by JDBC address; of one engine only when the type names it. Jobs read and write it.
    Database(Option<Engine>),
    /// An HTTP API, which crawlers read.
    Api,
    /// Nothing: it names a network, and there is none to enter here.
    Network,
}

/// A type of connections.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// `ConnectionType`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it is for, in a sentence or two.
    pub about: &'static str,
    /// What is behind it.
    pub behind: Behind,
    /// Ways to log in by an `AuthenticationConfiguration`.
    pub authentication: &'static [Authentication],
    /// The properties that are read, in the order that people want them.
    pub properties: &'static [Property],
    /// Properties that ask for what is not built, each with why.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

/// A property of a connection, or a member of its credentials.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Whether a connection can be opened without it.
    pub needed: Needed,
    /// What counts when it is left out.
    pub default: Option<&'static str>,
    /// The values that it may have, in any case; empty when any will do.
    pub allowed: &'static [&'static str],
}

/// Whether a connection can be opened without a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// It can.
    No,
    /// It cannot.
    Always,
    /// It cannot, unless something else says the same: what.
    Unless(&'static str),
}

impl Property {
    /// Whether a connection's property is kept encrypted, and shown only to who asks for its passwords.
    pub fn is_secret(&self) -> bool {
        secrets::is_secret_property(self.name)
    }
}

/// A way to log in: `AuthenticationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// User and password.
    Basic,
    /// Headers and query parameters.
    Custom,
}

impl Authentication {
    /// As Glue writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Custom => "CUSTOM",
        }
    }

    /// The members of the credentials.
    pub fn members(self) -> &'static [Property] {
        match self {
            Self::Basic => BASIC,
            Self::Custom => CUSTOM,
        }
    }
}

const fn optional(name: &'static str, about: &'static str) -> Property {
    Property { name, about, needed: Needed::No, default: None, allowed: &[] }
}

const fn needed(name: &'static str, about: &'static str, needed: Needed) -> Property {
    Property { needed, ..optional(name, about) }
}

/// A bearer token, a header's value, a query parameter's value, among custom credentials.
pub(crate) const BEARER: &str = "bearer";
pub(crate) const HEADER: &str = "header.<name>";
pub(crate) const QUERY: &str = "query.<name>";

const BASIC: &[Property] = &[
    needed("Username", "Who logs in.", Needed::Always),
    needed("Password", "The password.", Needed::Always),
];
const CUSTOM: &[Property] = &[
    optional(BEARER, "A token, sent as the header Authorization: Bearer."),
    optional(HEADER, "The whole value of the header of that name."),
    optional(QUERY, "The value of the query parameter of that name."),
];

const URL: Property =
    needed("JDBC_CONNECTION_URL", "The database's JDBC address.", Needed::Unless("HOST says where it is"));
const HOST: Property = needed("HOST", "The host name or IP address.", Needed::Unless(BY_URL));
const BY_URL: &str = "JDBC_CONNECTION_URL is given";
const DATABASE: Property = optional("DATABASE", "The database's name.");
const INSTANCE: Property = optional("INSTANCE_ID", "The database's name, where DATABASE is not given.");
const USER: Property = needed(
    "USERNAME",
    "Who logs in.",
    Needed::Unless("the address or an AuthenticationConfiguration names the user"),
);
const PASSWORD: Property = optional("PASSWORD", "The password.");
const TLS: Property = Property {
    default: Some("false"),
    allowed: &["true", "false"],
    ..optional("JDBC_ENFORCE_SSL", "Whether TLS with a certificate that names the host is asked for.")
};
const ENGINE: Property = Property {
    allowed: &Engine::NAMES,
    ..needed("JDBC_ENGINE", "The kind of database.", Needed::Unless(BY_URL))
};

const fn port(default: Option<&'static str>) -> Property {
    Property { default, ..optional("PORT", "The port; left out, the usual one of the kind of database.") }
}

const NOT_FOR_US: &[(&str, &str)] = &[
    ("CUSTOM_JDBC_CERT", "names a certificate of your own, which is not built"),
    ("JDBC_DRIVER_JAR_URI", "names a Java driver, and this server runs none"),
];
const CONNECTOR: &str = "names a connector, and this server runs none";

/// The types, by name.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "CUSTOM",
        title: "HTTP API",
        about: "An HTTP API that answers with JSON or CSV, for crawlers. AWS's custom connectors are not run.",
        behind: Behind::Api,
        authentication: &[Authentication::Basic, Authentication::Custom],
        properties: &[
            needed(
                "CONNECTION_URL",
                "The address of the API, beginning with https:// or http://.",
                Needed::Always,
            ),
            needed("USERNAME", "Who logs in.", Needed::Unless("PASSWORD is left out, too")),
            needed("PASSWORD", "The password.", Needed::Unless("USERNAME is left out, too")),
        ],
        refused: &[
            ("CONNECTOR_CLASS_NAME", CONNECTOR),
            ("CONNECTOR_URL", CONNECTOR),
            ("CONNECTOR_TYPE", CONNECTOR),
        ],
    },
    Kind {
        name: "JDBC",
        title: "JDBC",
        about: "A PostgreSQL, MySQL or MariaDB database, for crawlers and jobs. No Java driver is needed or run.",
        behind: Behind::Database(None),
        authentication: &[Authentication::Basic],
        properties: &[URL, HOST, port(None), ENGINE, DATABASE, INSTANCE, USER, PASSWORD, TLS],
        refused: NOT_FOR_US,
    },
    Kind {
        name: "MYSQL",
        title: "MySQL",
        about: "A MySQL or MariaDB database, for crawlers and jobs.",
        behind: Behind::Database(Some(Engine::MySql)),
        authentication: &[Authentication::Basic],
        properties: &[URL, HOST, port(Some("3306")), DATABASE, INSTANCE, USER, PASSWORD, TLS],
        refused: NOT_FOR_US,
    },
    Kind {
        name: "NETWORK",
        title: "Network",
        about: "The network that an S3 target of a crawler names. There is none to enter here: it is kept, so that a \
                definition is good on AWS, too.",
        behind: Behind::Network,
        authentication: &[],
        properties: &[],
        refused: &[],
    },
    Kind {
        name: "POSTGRESQL",
        title: "PostgreSQL",
        about: "A PostgreSQL database, for crawlers and jobs.",
        behind: Behind::Database(Some(Engine::Postgres)),
        authentication: &[Authentication::Basic],
        properties: &[URL, HOST, port(Some("5432")), DATABASE, INSTANCE, USER, PASSWORD, TLS],
        refused: NOT_FOR_US,
    },
];

/// The type of that name; `None` for one whose connections are only kept.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A page of the types, by name: up to `limit` (at least 1) after the name `after`, and the name that the next page is after.
pub fn page(after: Option<&str>, limit: usize) -> (Vec<&'static Kind>, Option<&'static str>) {
    let after = after.unwrap_or_default();
    let mut rest = KINDS.iter().filter(|kind| kind.name > after);
    let found: Vec<&Kind> = rest.by_ref().take(limit.max(1)).collect();
    let next = rest.next().and_then(|_| found.last()).map(|last| last.name);
    (found, next)
}

impl Kind {
    pub(super) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The way that a definition logs in, if it has an `AuthenticationConfiguration` with a type.
    ///
    /// # Errors
    /// [`SourceError::NotBuilt`] for a way that connections of this type cannot take.
    pub(crate) fn login(&self, input: &ConnectionInput) -> Result<Option<Authentication>, SourceError> {
        let given = input.other.get("AuthenticationConfiguration");
        let Some(way) = given.and_then(|found| found.get("AuthenticationType")).and_then(Value::as_str)
        else {
            return Ok(None);
        };
        let known = self.authentication.iter().copied().find(|known| known.name() == way);
        known.map(Some).ok_or_else(|| SourceError::NotBuilt {
            what: format!("A connection of type {} with {way} authentication", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn types_are_in_order_and_found_by_name() {
        assert!(KINDS.is_sorted_by(|one, next| one.name < next.name));
        assert_eq!(find("JDBC").map(|kind| kind.title), Some("JDBC"));
        assert!(find("KAFKA").is_none() && find("jdbc").is_none());
    }

    #[test]
    fn pages_hold_every_type_once() {
        for limit in 1..=KINDS.len() + 1 {
            let (mut met, mut after) = (Vec::new(), None);
            loop {
                let (found, next) = page(after, limit);
                assert!(!found.is_empty() && found.len() <= limit);
                met.extend(found);
                after = next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(met, KINDS.iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn secrets_and_defaults_are_those_that_hold() {
        for kind in KINDS {
            for property in kind.properties {
                assert_eq!(property.is_secret(), property.name == "PASSWORD", "{}", property.name);
                let default = property.default.unwrap_or_default();
                assert!(
                    property.allowed.is_empty() || default.is_empty() || property.allowed.contains(&default)
                );
            }
            if let Behind::Database(Some(engine)) = kind.behind {
                let port = kind.property("PORT").and_then(|port| port.default);
                assert_eq!(port, Some(engine.default_port().to_string().as_str()));
            }
        }
    }

    #[test]
    fn what_is_no_database_is_told_by_its_type_however_it_logs_in() {
        let mut input =
            ConnectionInput { connection_type: "CUSTOM".to_owned(), ..ConnectionInput::default() };
        let way = serde_json::json!({ "AuthenticationType": "CUSTOM" });
        input.other.insert("AuthenticationConfiguration".to_owned(), way);
        let told = super::super::jdbc_of(&input).unwrap_err().to_string();
        assert!(told.starts_with("A connection of type CUSTOM cannot be opened"), "{told}");
    }

    /// Every property that a row says is always needed is missed by who opens without it; every refused one is refused.
    #[test]
    fn what_the_table_says_is_what_opening_does() {
        for kind in KINDS {
            let open = |properties: &BTreeMap<String, String>| {
                let input = ConnectionInput {
                    connection_type: kind.name.to_owned(),
                    connection_properties: properties.clone(),
                    ..ConnectionInput::default()
                };
                super::super::open(&input).map(|_| ())
            };
            for (name, why) in kind.refused {
                let told = open(&BTreeMap::from([((*name).to_owned(), "x".to_owned())])).unwrap_err();
                assert_eq!(told.to_string(), format!("{name} {why}"));
            }
            let always = kind.properties.iter().find(|property| property.needed == Needed::Always);
            let told = open(&BTreeMap::new()).unwrap_err().to_string();
            match (kind.behind, always) {
                (Behind::Network, _) => assert!(told.contains("cannot be opened"), "{told}"),
                (_, Some(property)) => assert!(told.starts_with(property.name), "{told}"),
                (_, None) => assert!(told.contains("is needed, unless"), "{told}"),
            }
        }
    }
}
