//! Delimited text: scanning of records, binding of names, and reading into batches.

mod bind;
mod block;
mod choose;
pub(crate) mod head;
mod index;
pub(crate) mod names;
mod nested;
pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod starts;
