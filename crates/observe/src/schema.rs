//! The tables.
//!
//! `observe_events` is kept in the order in which a stream is read; `observe_events_time` is the order in which
//! a group is searched. Messages are bytes because text in the store cannot hold U+0000. `observe_garbage`
//! lists streams that are gone but whose events are still to be deleted, in batches.
//!
//! `observe_metrics` has a row per metric, that is per name with its dimensions; `observe_points` what came of it in one
//! minute, added up.

use store::Migrations;

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations { owner: "observe", steps: &[LOGS, METRICS] };

const METRICS: &str = "
CREATE TABLE observe_metrics (
  metric_no {serial},
  account {text} NOT NULL,
  region {text} NOT NULL,
  namespace {text} NOT NULL,
  name {text} NOT NULL,
  dimensions {text} NOT NULL,
  unit {text} NOT NULL,
  last_ms {int} NOT NULL,
  UNIQUE (account, region, namespace, name, dimensions)
);
CREATE TABLE observe_points (
  metric_no {int} NOT NULL,
  minute_ms {int} NOT NULL,
  samples {int} NOT NULL,
  total {real} NOT NULL,
  smallest {real} NOT NULL,
  largest {real} NOT NULL,
  PRIMARY KEY (metric_no, minute_ms)
) {clustered};
CREATE INDEX observe_points_age ON observe_points (minute_ms);
";

const LOGS: &str = "CREATE TABLE observe_groups (
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
";
