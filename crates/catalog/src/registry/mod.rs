//! The schema registry: registries, schemas with their versions, what is noted on versions, and tables that take their
//! columns from one.
//!
//! # What it owns
//! The tables `schemas_*` of the metadata store ([`MIGRATIONS`]):
//!
//! | table | a row is |
//! |---|---|
//! | `schemas_registries` | a registry |
//! | `schemas_schemas` | a schema; `uid` is its incarnation, `revision` grows with every change |
//! | `schemas_versions` | a version of a schema, also one that failed its check |
//! | `schemas_metadata` | a key and a value noted on a version |
//!
//! # Invariants
//! - A version's number is given once: numbers only grow, and are not given again after a version is deleted.
//! - A version is `AVAILABLE` only when the schema's mode allowed it against the versions that were there when it was
//!   committed ([`register`] decides on a revision, and publishes on that revision alone).
//! - One definition is one `AVAILABLE` version of a schema, however often it is registered.
//!
//! # After a crash
//! Every change is one transaction; deleting is done at once, so nothing is left in the state `DELETING`.

mod error;
mod ids;
mod metadata;
pub(crate) mod reference;
mod register;
mod registries;
mod schema;
mod versions;

use store::Migrations;

pub use error::RegistryError;
pub use ids::{SchemaName, Which, registry_name};
pub use metadata::{Noted, note, noted, unnote};
pub use register::{Registered, register};
pub use registries::{
    Registry, create_registry, delete_registry, get_registry, list_registries, update_registry,
};
pub use schema::{
    Change, Created, NewSchema, Schema, create_schema, delete_schema, get_schema, list_schemas, update_schema,
};
pub use schemas::{Format, Mode};
pub use versions::{
    Status, Version, check_validity, delete_versions, find_by_definition, find_version, list_versions, patch,
};

/// The registry that schemas without one belong to. It is made when it is first needed.
pub const DEFAULT_REGISTRY: &str = "default-registry";

/// The most registries of an account in a region. Source: AWS Glue service quotas.
pub const MAX_REGISTRIES: i64 = 100;
/// The most versions of a schema, the failed ones too. Source: AWS Glue service quotas.
pub const MAX_VERSIONS: i64 = 10_000;
/// The most pairs noted on a version. Source: AWS Glue API Reference, PutSchemaVersionMetadata.
pub const MAX_NOTES: i64 = 10;
/// The highest version number. Source: AWS Glue API Reference, VersionLongNumber.
const MAX_NUMBER: i64 = 100_000;

/// The tables of the registry, for [`store::Store::open`].
pub const MIGRATIONS: Migrations = Migrations { owner: "schemas", steps: &[STEP_1] };

const STEP_1: &str = "\
CREATE TABLE schemas_registries (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  description {text},
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE schemas_schemas (
  account {text} NOT NULL,
  region {text} NOT NULL,
  registry {text} NOT NULL,
  name {text} NOT NULL,
  uid {text} NOT NULL,
  format {text} NOT NULL,
  mode {text} NOT NULL,
  description {text},
  checkpoint {int} NOT NULL,
  latest {int} NOT NULL,
  next {int} NOT NULL,
  revision {int} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  PRIMARY KEY (account, region, registry, name)
);
CREATE UNIQUE INDEX schemas_schemas_uid ON schemas_schemas (uid);
CREATE TABLE schemas_versions (
  schema_uid {text} NOT NULL,
  number {int} NOT NULL,
  id {text} NOT NULL,
  hash {bytes} NOT NULL,
  status {text} NOT NULL,
  created_ms {int} NOT NULL,
  definition {text} NOT NULL,
  PRIMARY KEY (schema_uid, number)
);
CREATE UNIQUE INDEX schemas_versions_id ON schemas_versions (id);
CREATE INDEX schemas_versions_hash ON schemas_versions (schema_uid, hash);
CREATE TABLE schemas_metadata (
  version_id {text} NOT NULL,
  note_key {text} NOT NULL,
  note_value {text} NOT NULL,
  created_ms {int} NOT NULL,
  PRIMARY KEY (version_id, note_key, note_value)
);
";
