//! XML: rows are the elements of one name, wherever they are.
//!
//! ```text
//! window of text ─► tokens ─► the extent of one row ─► its tree ─► columns
//!                    scan         rows                  tree        append
//! ```
//!
//! Attributes are members named `_name`; the text of an element that also has attributes or elements is `_VALUE`
//! (the conventions of Glue's reader for `format="xml"`). Elements that come several times are arrays. Prefixes of
//! namespaces are dropped; `xsi:nil="true"` is NULL. A row is held whole, never the file.
//!
//! Nothing outside the file is ever read, and entities that a DOCTYPE declares are not expanded: a reference to one is
//! an error, so that no file can grow beyond its size.

pub(crate) mod append;
pub(crate) mod read;
pub(crate) mod rows;
mod scan;
pub(crate) mod tree;

/// The end of a name behind the prefix of its namespace.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
