//! The tables.
//!
//! `queues_queues.queue_no` is the incarnation; `doc` holds the settings as JSON, `dead_letter` repeats the ARN of the
//! dead-letter queue to be found by. A message is visible from `visible_ms` on; `receipt` is the secret of its newest
//! receive, empty when it was never received in this queue. `queues_garbage` lists incarnations that are gone but whose
//! messages are still to be removed.

use store::Migrations;

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    owner: "queues",
    steps: &["CREATE TABLE queues_queues (
  queue_no {serial},
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  created_ms {int} NOT NULL,
  modified_ms {int} NOT NULL,
  dead_letter {text},
  doc {text} NOT NULL,
  UNIQUE (account, region, name)
);
CREATE INDEX queues_queues_dead_letter ON queues_queues (dead_letter, name);
CREATE TABLE queues_messages (
  message_no {serial},
  queue_no {int} NOT NULL,
  id {text} NOT NULL,
  sent_ms {int} NOT NULL,
  visible_ms {int} NOT NULL,
  receives {int} NOT NULL,
  first_received_ms {int},
  receipt {text} NOT NULL,
  source {text},
  doc {text} NOT NULL,
  body {text} NOT NULL
);
CREATE INDEX queues_messages_visible ON queues_messages (queue_no, visible_ms, message_no);
CREATE INDEX queues_messages_sent ON queues_messages (queue_no, sent_ms);
CREATE TABLE queues_garbage (queue_no {int} NOT NULL PRIMARY KEY);
"],
};
