//! Open table formats: Apache Iceberg tables of the data catalog, their metadata and commits; reading Delta Lake tables
//! ([`delta`]) and the base files of Apache Hudi tables ([`hudi`]).
//!
//! ```text
//! requirements + updates ─► load ─► check, apply (pure) ─► metadata file staged ─► one transaction: object row,
//!                            ▲                                                     catalog table's next version
//!                            └──────────── the table has changed meanwhile ◄────────────┘
//! ```
//!
//! # What it owns
//! The rules of table metadata ([`metadata`], [`apply()`], [`TableRequirement`]), and how a table is kept: its catalog
//! table has the parameters `table_type=ICEBERG` and `metadata_location`, as the Java and Python clients' Glue catalogs
//! write them, so that these and the REST catalog work on the same tables. No rows of its own.
//!
//! # Invariants
//! - Metadata that contradicts itself is neither read nor written.
//! - A commit is made of the version of the catalog table that it was checked against, or not at all: a commit through
//!   Glue's UpdateTable meanwhile is seen, never overwritten.
//! - The metadata file and the catalog's pointer to it become visible together; so do several tables of one commit.
//! - Members of the documents that this code does not know are kept.
//!
//! # What a crash leaves
//! Before the transaction commits: nothing (the staged file is swept). After it: the commit.
//!
//! # Omitted on purpose
//! Views, encryption keys, server-side scan planning; dropping with purge; reading tables with delete files;
//! writing to format versions but 2.

pub mod apply;
mod avro;
mod bytes_of;
pub mod delta;
mod error;
pub mod files;
mod glue;
pub mod hudi;
mod manifest;
pub mod metadata;
mod partitioning;
mod requirement;
mod service;
mod transform;
mod update;

pub use apply::{NewTable, apply};
pub use bytes_of::LakeBytes;
pub use error::{MetadataError, TablesError};
pub use glue::{is_iceberg, schema_of};
pub use manifest::AddedFile;
pub use partitioning::{PartitionColumn, PartitionValue};
pub use requirement::TableRequirement;
pub use service::{
    Change, CreateTable, DataFile, Identifier, LoadedTable, Names, NamespaceChange, NamespaceInfo,
    PreparedWrite, Replaces, StagedTable, TableCommit, Tables,
};
pub use transform::{transform, transformed_type};
pub use update::{LAST_ADDED, TableUpdate};
