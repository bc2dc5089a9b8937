//! The data catalog: databases, tables with their versions, partitions, partition expressions, and the
//! schema registry.
//!
//! Everything is a plain function on a store transaction and a [`store::Scope`] (the catalog id is
//! the account). The caller commits, so a job can publish objects, partitions and its bookmark in
//! one transaction.
//!
//! # What it owns
//! The tables `catalog_*` of the metadata store ([`MIGRATIONS`]), and those of [`registry`]. Names of databases, tables and
//! columns are folded to lower case, as Glue does.
//!
//! # Invariants
//! - A table's rows are keyed by its incarnation ([`TableUid`]), never by its name: a table that is
//!   dropped and made again sees nothing of its predecessor.
//! - The whole request model is kept: members that this code does not know are stored and returned.
//! - A partition filter never widens: what does not parse, or cannot be compared, is an error.
//! - Deleting a table is a constant amount of work; its rows leave in small batches ([`purge`]).
//!
//! # After a crash
//! Every change is one transaction. A purge that was cut off continues with its next batch.

pub mod arn;
mod attached;
pub mod database;
mod error;
pub mod expression;
pub mod function;
mod layout;
pub mod link;
mod model;
pub mod names;
pub mod optimizer;
mod page;
pub mod partition;
pub mod policy;
pub mod purge;
pub mod registry;
mod schema;
pub mod search;
pub mod settings;
pub mod statistics;
pub mod table;
pub mod task_settings;

pub use error::CatalogError;
pub use model::{
    Column, DatabaseInput, Order, Parameters, PartitionInput, SerDeInfo, SkewedInfo, StorageDescriptor,
    TableInput,
};
pub use page::Page;
pub use schema::MIGRATIONS;
pub use table::{Table, TableUid};

/// The named crash points of this crate (see [`store::crash`]).
pub const CRASH_POINTS: &[&str] = &[purge::CRASH_AFTER_BATCH];
