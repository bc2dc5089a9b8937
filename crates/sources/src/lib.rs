//! Connections to databases outside: their definitions, and the databases themselves.
//!
//! [`connection`] keeps what Glue calls connections, with their secrets sealed ([`store::vault`]). [`jdbc`] turns one
//! into a [`jdbc::Config`], opens the database behind it and lists its schemas, tables and columns. Crawlers and jobs
//! use both; nothing here knows what they do with it.
//!
//! # Invariants
//! - A secret leaves this crate only in the login to its database, or in the answer to whoever asks for exactly this
//!   connection with its password. It is in no listing, no error text and no log.
//! - Everything that waits for a database ends by a deadline.
//!
//! # After a crash
//! A definition and its sealed secrets are one row.

pub mod connection;
mod error;
pub mod jdbc;

pub use error::SourceError;

use store::Migrations;

/// The tables of this crate, for [`store::Store::open`].
pub const MIGRATIONS: Migrations = Migrations { owner: "sources", steps: &[STEP_1] };

const STEP_1: &str = "\
CREATE TABLE sources_connections (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  updated_by {text} NOT NULL,
  validated_ms {int},
  doc {text} NOT NULL,
  sealed {bytes},
  PRIMARY KEY (account, region, name)
);
";
