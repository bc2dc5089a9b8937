//! The tables of the catalog in the metadata store.
//!
//! | table | a row is |
//! |---|---|
//! | `catalog_counters` | (of earlier versions: the last incarnation number given out) |
//! | `catalog_databases` | a database; `uid` is its incarnation |
//! | `catalog_tables` | a table's current version; `uid` is its incarnation |
//! | `catalog_table_versions` | an archived (earlier) version of a table |
//! | `catalog_partitions` | a partition; see below |
//! | `catalog_shapes` | a storage descriptor's common part, shared by the partitions that have it |
//! | `catalog_value_kinds` | how many values of a key look like an integer, a date, … |
//! | `catalog_purge` | an incarnation whose rows wait to be removed |
//! | `catalog_functions` | a user-defined function of a database |
//! | `catalog_statistics` | the statistics of a column, of a table (`vkey` empty) or a partition |
//! | `catalog_indexes` | a partition index as a client defined it |
//! | `catalog_optimizers` | a table optimizer's configuration |
//! | `catalog_task_settings` | a table's settings of column statistics tasks |
//! | `catalog_policies` | the resource policy of the catalog or of a resource |
//! | `catalog_settings` | settings of a catalog, by name |
//!
//! A partition's `vkey` is the order-preserving encoding of all its values: it is the unique key,
//! and it serves listings in order and filters on leading keys. `k1` to `k4` are the encodings of
//! the second to fifth key, each with an index of its own, so that a filter on a later key seeks
//! too. `seg` spreads partitions over segments. `vals` holds the raw values, `doc` what is not in
//! the shared shape. Rows are kept in key order, which halves what a page of a large table reads.

use store::Migrations;

/// The schema of the catalog, for [`store::Store::open`].
pub const MIGRATIONS: Migrations = Migrations { owner: "catalog", steps: &[STEP_1, STEP_2, STEP_3] };

/// Number of key positions (from 0) that have an index: position 0 by `vkey`, the rest by `k1`….
pub(crate) const INDEXED_POSITIONS: usize = 5;

const STEP_1: &str = "\
CREATE TABLE catalog_counters (
  name {text} NOT NULL PRIMARY KEY,
  value {int} NOT NULL
) {clustered};
CREATE TABLE catalog_databases (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  uid {int} NOT NULL,
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE catalog_tables (
  database_uid {int} NOT NULL,
  name {text} NOT NULL,
  uid {int} NOT NULL,
  version {int} NOT NULL,
  archived {int} NOT NULL,
  layout {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  created_by {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (database_uid, name)
);
CREATE TABLE catalog_table_versions (
  table_uid {int} NOT NULL,
  version {int} NOT NULL,
  updated_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, version)
);
CREATE TABLE catalog_partitions (
  table_uid {int} NOT NULL,
  vkey {bytes} NOT NULL,
  seg {int} NOT NULL,
  k1 {bytes},
  k2 {bytes},
  k3 {bytes},
  k4 {bytes},
  vals {text} NOT NULL,
  shape {bytes},
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, vkey)
) {clustered};
CREATE INDEX catalog_partitions_k1 ON catalog_partitions (table_uid, k1, vkey) WHERE k1 IS NOT NULL;
CREATE INDEX catalog_partitions_k2 ON catalog_partitions (table_uid, k2, vkey) WHERE k2 IS NOT NULL;
CREATE INDEX catalog_partitions_k3 ON catalog_partitions (table_uid, k3, vkey) WHERE k3 IS NOT NULL;
CREATE INDEX catalog_partitions_k4 ON catalog_partitions (table_uid, k4, vkey) WHERE k4 IS NOT NULL;
CREATE TABLE catalog_shapes (
  table_uid {int} NOT NULL,
  hash {bytes} NOT NULL,
  refs {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, hash)
);
CREATE TABLE catalog_value_kinds (
  table_uid {int} NOT NULL,
  pos {int} NOT NULL,
  kind {int} NOT NULL,
  refs {int} NOT NULL,
  PRIMARY KEY (table_uid, pos, kind)
) {clustered};
CREATE TABLE catalog_purge (
  table_uid {int} NOT NULL PRIMARY KEY
) {clustered};
";

const STEP_2: &str = "\
CREATE TABLE catalog_functions (
  database_uid {int} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (database_uid, name)
);
CREATE TABLE catalog_statistics (
  table_uid {int} NOT NULL,
  vkey {bytes} NOT NULL,
  column_name {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, vkey, column_name)
);
CREATE TABLE catalog_indexes (
  table_uid {int} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, name)
);
CREATE TABLE catalog_optimizers (
  table_uid {int} NOT NULL,
  kind {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (table_uid, kind)
);
CREATE TABLE catalog_policies (
  account {text} NOT NULL,
  region {text} NOT NULL,
  arn {text} NOT NULL,
  hash {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, arn)
);
CREATE TABLE catalog_settings (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
";

const STEP_3: &str = "\
CREATE TABLE catalog_task_settings (
  table_uid {int} NOT NULL PRIMARY KEY,
  next_ms {int},
  doc {text} NOT NULL
) {clustered};
CREATE INDEX catalog_task_settings_next ON catalog_task_settings (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX catalog_tables_uid ON catalog_tables (uid);
CREATE INDEX catalog_databases_uid ON catalog_databases (uid);
";
