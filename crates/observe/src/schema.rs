//! The tables.
//!
//! `observe_events` is kept in the order in which a stream is read; `observe_events_time` is the order in which
//! a group is searched. Messages are bytes because text in the store cannot hold U+0000. `observe_garbage`
//! lists streams that are gone but whose events are still to be deleted, in batches.

use store::Migrations;

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    owner: "observe",
    steps: &["CREATE TABLE observe_groups (
  group_no {serial},
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  retention_days {int},
  class {text} NOT NULL,
  UNIQUE (account, region, name)
);
CREATE TABLE observe_streams (
  stream_no {serial},
  group_no {int} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  first_event_ms {int},
  last_event_ms {int},
  last_ingestion_ms {int},
  recency_ms {int} NOT NULL,
  next_seq {int} NOT NULL,
  stored_bytes {int} NOT NULL,
  UNIQUE (group_no, name)
);
CREATE INDEX observe_streams_recency ON observe_streams (group_no, recency_ms, name);
CREATE TABLE observe_events (
  stream_no {int} NOT NULL,
  ts_ms {int} NOT NULL,
  seq {int} NOT NULL,
  group_no {int} NOT NULL,
  ingestion_ms {int} NOT NULL,
  message {bytes} NOT NULL,
  PRIMARY KEY (stream_no, ts_ms, seq)
) {clustered};
CREATE INDEX observe_events_time ON observe_events (group_no, ts_ms, ingestion_ms, stream_no, seq);
CREATE TABLE observe_garbage (stream_no {int} PRIMARY KEY);
"],
};
