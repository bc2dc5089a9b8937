//! Queues of messages: what is sent to one waits there until somebody has received and deleted it.
//!
//! ```text
//! send ─► waiting ─► receive ─► in flight ─► delete
//!            ▲                      │ visibility runs out
//!            └──────────────────────┴─ received too often ─► the dead-letter queue
//! ```
//!
//! # What it owns
//! The tables `queues_*`. Functions take the caller's [`store::Tx`], so that a message can be part of another change
//! (an object's, say): it is there when that change is, and never without it. [`Queues`] is the handle; it also knows
//! who waits in this process, and wakes them once the transaction that sent something is durable.
//!
//! # Invariants
//! - A message that was sent is received at least once, unless it is deleted, purged or older than the queue's
//!   retention. Two receivers never hold it at the same time while its visibility lasts.
//! - Only the receipt of the newest receipt of a message deletes it or changes its visibility.
//! - Queues are stored by incarnation: deleting, purging and making one again under the same name never brings old
//!   messages back, even while their rows still wait to be removed ([`upkeep`]).
//!
//! # What a crash leaves
//! Whole transactions. Messages in flight become visible when their time is over.
//!
//! # Omitted on purpose
//! FIFO queues, encryption, policies that act: refused, or stored where that is what AWS's answers need.

mod attributes;
mod content;
mod error;
mod handle;
mod messages;
mod neighbours;
mod queues;
mod receive;
mod schema;
pub mod upkeep;
mod wait;

pub use attributes::{Redrive, Settings};
pub use content::{AttributeValue, Content, NewMessage, md5_of_attributes, md5_of_body};
pub use error::QueueError;
pub use messages::Sent;
pub use neighbours::Peeked;
pub use queues::{
    Counts, Page, Queue, arn, counts, create, delete, get, list, name_and_scope, purge, set_attributes,
    sources,
};
pub use receive::{Receive, Received};
pub use schema::MIGRATIONS;
pub use wait::Queues;

/// Most messages of one receive, and most entries of one batch. Source of all limits: Amazon SQS API Reference.
pub const MAX_BATCH: usize = 10;
/// Largest message, and largest sum of the messages of a batch, in bytes.
pub const MAX_BYTES: usize = 1_048_576;
