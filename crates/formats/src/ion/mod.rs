//! Amazon Ion 1.0, text and binary: rows are the values at the top of a file, structs as a rule.
//!
//! ```text
//! window ─► one value at the top ─► items (begin, scalar, end) ─► columns
//!           stream                  text | binary                 append
//! ```
//!
//! The two encodings have a cursor each that hands out the same items, one by one, with a stack of its own: no depth of
//! nesting grows ours, and more than [`MAX_DEPTH`] levels are an error. Whoever takes items recurses at most that deep.
//! Nothing is held but the value at hand, at most the record limit, and the names of the file's symbol table, which count
//! against that limit, too ([`symbols`]).
//!
//! Where the next value begins is known in binary files whatever is wrong within one; in text it is not, so there what is no
//! Ion ends the file with an error.
//!
//! Omitted: Ion 1.1; shared symbol tables (as in Athena).

mod append;
mod binary;
mod cursor;
pub(crate) mod path;
pub(crate) mod read;
mod render;
mod scalar;
pub(crate) mod stream;
mod symbols;
mod text;
mod timestamp;

pub(crate) use cursor::{Cursor, Failure, Item, Kind};
pub(crate) use scalar::Scalar;

/// Deeper nesting is refused.
pub(crate) const MAX_DEPTH: usize = 128;

/// What a binary file begins with, and each part that has symbols of its own.
pub(crate) const MARKER: [u8; 4] = [0xe0, 1, 0, 0xea];

/// Whether a file begins as binary Ion does, of whatever version.
pub(crate) fn is_binary(head: &[u8]) -> bool {
    matches!(head, [0xe0, _, _, 0xea, ..])
}
