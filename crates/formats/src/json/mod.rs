//! JSON records: framing, a parser that appends straight to column builders, and reading into batches.

mod choice;
pub(crate) mod frame;
pub(crate) mod layout;
pub(crate) mod lex;
pub(crate) mod names;
mod parse;
pub(crate) mod path;
mod quick;
pub(crate) mod read;

pub(crate) fn leading_space(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_whitespace()).count()
}
