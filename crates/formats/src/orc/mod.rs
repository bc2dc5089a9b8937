//! ORC through the `orc-rust` crate.
//!
//! The crate reads from what is in memory: the file's tail first, then one stripe after the other is fetched whole and
//! decoded. A stripe belongs to the range that it begins in, so that any cut of a file gives every row once.
//!
//! Columns are found by name, ignoring case. Files that Hive wrote before it kept names call all of them `_col0`,
//! `_col1`, …: those are taken by position, when the table's columns are known.
//!
//! Memory: the tail, and one stripe, at most [`MAX_STRIPE_BYTES`] as stored.

mod fetch;
mod infer;
mod moments;
mod read;

pub(crate) use infer::infer;
pub(crate) use read::{OrcReader, is_writable};

use crate::error::{FormatError, Problem};
use crate::source::ByteSource;

pub(crate) const MAGIC: &[u8] = b"ORC";
/// A larger stripe is not taken into memory.
const MAX_STRIPE_BYTES: u64 = 1 << 30;

/// Whether a file that begins with ORC's letters, as text may, is ORC: it ends with them too, or is named so.
pub(crate) async fn is_orc(source: &dyn ByteSource) -> Result<bool, FormatError> {
    let (name, size) = (source.name(), source.size());
    let tail = source.read(size.saturating_sub(4)..size).await.map_err(|e| FormatError::io(name, e))?;
    Ok(tail.starts_with(MAGIC) || name.to_ascii_lowercase().ends_with(".orc"))
}

fn damaged(source: &str, message: impl Into<String>) -> FormatError {
    FormatError::new(source, Problem::Damaged { format: "ORC", message: message.into() })
}
