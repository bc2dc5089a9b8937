//! Databases by JDBC address: PostgreSQL, MySQL and MariaDB, without a JVM.
//!
//! [`Config`] is made of a connection's properties ([`Config::from_properties`]); [`Database::open`] logs in;
//! [`Database::schemas`], [`Database::tables`] and [`Database::columns`] list what the user may see, [`Database::rows`] reads
//! what is in them.
//!
//! What a JDBC address holds and we do not understand is refused by name, never passed over: except the parameters in
//! [`url`]'s list of those that only tune a driver.

mod config;
mod database;
mod mysql;
mod postgres;
mod range;
mod read;
mod select;
mod types;
mod url;
mod write;

pub use config::{Config, Tls};
pub use database::{Database, SchemaName, TableKind, TableName};
pub use range::Range;
pub use read::{Snapshot, Texts};
pub use select::{Comparison, Condition, Part, Select, parts_of};
pub use types::{Column, Parts};
pub(crate) use url::{holds_password, without_secrets};
pub use write::{Cell, Landed, Landing, Lines, STAGING_PREFIX};

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB, which speak one protocol.
    MySql,
}

impl Engine {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Postgres => "PostgreSQL",
            Engine::MySql => "MySQL",
        }
    }

    /// The name that Glue uses in `classification` and `JDBC_ENGINE`.
    pub fn glue_name(self) -> &'static str {
        match self {
            Engine::Postgres => "postgresql",
            Engine::MySql => "mysql",
        }
    }

    pub(crate) fn default_port(self) -> u16 {
        match self {
            Engine::Postgres => 5432,
            Engine::MySql => 3306,
        }
    }

    /// The names that addresses and `JDBC_ENGINE` have for engines.
    const NAMED: [(&str, Engine); 4] = [
        ("postgresql", Engine::Postgres),
        ("postgres", Engine::Postgres),
        ("mysql", Engine::MySql),
        ("mariadb", Engine::MySql),
    ];
    /// The names alone.
    pub(crate) const NAMES: [&str; 4] =
        [Self::NAMED[0].0, Self::NAMED[1].0, Self::NAMED[2].0, Self::NAMED[3].0];

    /// Reads a name as addresses and `JDBC_ENGINE` have it, in any case.
    fn parse(name: &str) -> Option<Engine> {
        let found = Self::NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, engine)| *engine)
    }
}
