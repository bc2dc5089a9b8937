//! Delimited text: scanning of records, binding of names, and reading into batches.

mod bind;
pub(crate) mod names;
mod nested;
pub(crate) mod read;
pub(crate) mod scan;
