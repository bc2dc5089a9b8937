//! The Glue face. Glue is large, so each part is a table of operations of its own over its own
//! state: the catalog ([`catalog`], [`governance`]), and beside it connections, crawlers and jobs. [`wire::Wire`] joins the
//! tables of one model and refuses an operation that is in two.
//!
//! Source: AWS Glue API Reference.

pub mod catalog;
pub mod classifiers;
pub mod connections;
pub mod crawlers;
mod errors;
pub mod governance;
mod instead;
pub mod jobs;
pub mod quality;
pub mod registry;
pub mod script_generation;
pub mod sessions;
pub mod statistics_tasks;
mod tags;

pub use instead::INSTEAD;
pub use tags::Taggable;
