//! JSON records: framing, a parser that appends straight to column builders, and reading into batches.

pub(crate) mod frame;
pub(crate) mod parse;
pub(crate) mod read;
