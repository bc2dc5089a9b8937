//! The tables of jobs, runs and bookmarks.
//!
//! - `jobs_definitions`: one row per job; `incarnation` is a new id each time that a name is
//!   created, so that a job deleted and made again has neither the runs nor the bookmark of the old.
//! - `jobs_runs`: one row per run; `seq` counts the runs of a job from 1. `document` is what GetJobRun
//!   shows, `input` what the run was given (its effective arguments and graph), written once. `active`
//!   is 1 until the run has ended. Who executes a run is in a lease of the store, named after it.
//! - `jobs_bookmarks`: one row per job and committed bookmark version.
//! - `jobs_bookmark_files`: the object version that a source node has processed, and in which
//!   bookmark version.
//! - `jobs_bookmark_keys`: up to which key a source node has read a table of a database, at a bookmark version.
//! - `jobs_held_commits`: a row per commit of a bookmark by a script whose output is one commit, until its run has ended.
//! - `jobs_deliveries`: one row per table that a run has staged rows beside in a database outside, from before the staging
//!   until they have landed or are thrown away; `decided` is 1 once they are to land whatever happens.
//!
//! - `jobs_lineage` and `jobs_lineage_objects`: see [`crate::lineage`].
//!
//! Rows of a job's runs, bookmarks and lineage are deleted with the job; it cannot be deleted while deliveries of it are
//! decided.

use store::Migrations;

/// The tables of this crate, for [`store::Store::open`].
pub const MIGRATIONS: Migrations =
    Migrations { owner: "jobs", steps: &[FIRST, LINEAGE, DELIVERIES, KEYS, HELD] };

const FIRST: &str = "
CREATE TABLE jobs_definitions (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  incarnation {text} NOT NULL,
  created_ms {int} NOT NULL,
  modified_ms {int} NOT NULL,
  document {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE jobs_runs (
  id {text} NOT NULL PRIMARY KEY,
  incarnation {text} NOT NULL,
  account {text} NOT NULL,
  region {text} NOT NULL,
  seq {int} NOT NULL,
  created_ms {int} NOT NULL,
  state {text} NOT NULL,
  active {int} NOT NULL,
  document {text} NOT NULL,
  input {text} NOT NULL
);
CREATE UNIQUE INDEX jobs_runs_by_job ON jobs_runs (incarnation, seq);
CREATE INDEX jobs_runs_active ON jobs_runs (active, created_ms);
CREATE TABLE jobs_bookmarks (
  incarnation {text} NOT NULL,
  version {int} NOT NULL,
  run_number {int} NOT NULL,
  attempt {int} NOT NULL,
  run_id {text} NOT NULL,
  previous_run_id {text},
  committed_ms {int} NOT NULL,
  PRIMARY KEY (incarnation, version)
);
CREATE TABLE jobs_bookmark_files (
  incarnation {text} NOT NULL,
  node {text} NOT NULL,
  bucket {text} NOT NULL,
  object_key {bytes} NOT NULL,
  etag {text} NOT NULL,
  modified_ms {int} NOT NULL,
  size {int} NOT NULL,
  version {int} NOT NULL,
  PRIMARY KEY (incarnation, node, bucket, object_key)
);
CREATE INDEX jobs_bookmark_files_by_version ON jobs_bookmark_files (incarnation, version);
";

const LINEAGE: &str = "
CREATE TABLE jobs_lineage (
  incarnation {text} NOT NULL,
  seq {int} NOT NULL,
  ordinal {int} NOT NULL,
  account {text} NOT NULL,
  region {text} NOT NULL,
  job {text} NOT NULL,
  run_id {text} NOT NULL,
  direction {int} NOT NULL,
  table_name {text} NOT NULL,
  location {bytes} NOT NULL,
  published_ms {int} NOT NULL,
  files {int} NOT NULL,
  document {text} NOT NULL,
  PRIMARY KEY (incarnation, seq, ordinal)
);
CREATE INDEX jobs_lineage_by_location ON jobs_lineage (account, region, location);
CREATE INDEX jobs_lineage_by_table ON jobs_lineage (account, region, table_name);
CREATE TABLE jobs_lineage_objects (
  incarnation {text} NOT NULL,
  seq {int} NOT NULL,
  ordinal {int} NOT NULL,
  location {bytes} NOT NULL,
  etag {text} NOT NULL,
  PRIMARY KEY (incarnation, seq, ordinal, location)
);
CREATE INDEX jobs_lineage_objects_by_location ON jobs_lineage_objects (location);
";

const DELIVERIES: &str = "
CREATE TABLE jobs_deliveries (
  staging {text} NOT NULL PRIMARY KEY,
  run_id {text} NOT NULL,
  account {text} NOT NULL,
  region {text} NOT NULL,
  decided {int} NOT NULL,
  document {text} NOT NULL
);
CREATE INDEX jobs_deliveries_by_run ON jobs_deliveries (run_id);
";

const HELD: &str = "
CREATE TABLE jobs_held_commits (
  run_id {text} NOT NULL,
  number {int} NOT NULL,
  incarnation {text} NOT NULL,
  document {text} NOT NULL,
  PRIMARY KEY (run_id, number)
);
CREATE INDEX jobs_held_commits_by_job ON jobs_held_commits (incarnation);
";

const KEYS: &str = "
CREATE TABLE jobs_bookmark_keys (
  incarnation {text} NOT NULL,
  node {text} NOT NULL,
  version {int} NOT NULL,
  document {text} NOT NULL,
  PRIMARY KEY (incarnation, node, version)
);
";
