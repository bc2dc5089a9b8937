//! Connections to databases and services outside: their definitions, and what lies behind them.
//!
//! [`connection`] keeps what Glue calls connections, with their secrets sealed ([`store::vault`]). [`jdbc`] turns one
//! into a [`jdbc::Config`], opens the database behind it and lists its schemas, tables and columns. [`api`] turns one
//! into an [`api::Api`] and reads its pages. [`dynamodb`] scans tables of a configured endpoint. Crawlers and jobs
//! use them; nothing here knows what they do with it.
//!
//! # Invariants
//! - A secret leaves this crate only in the login to its database, or in the answer to whoever asks for exactly this
//!   connection with its password. It is in no listing, no error text and no log.
//! - Everything that waits for a database or a service ends by a deadline, and takes no more bytes than it was told to.
//! - This is the one crate that sends HTTP requests to addresses that users name ([`http`]).
//!
//! # After a crash
//! A definition and its sealed secrets are one row.

pub mod api;
pub mod connection;
pub mod dynamodb;
mod error;
pub mod http;
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
