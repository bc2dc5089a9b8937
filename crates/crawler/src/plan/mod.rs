//! From folders with schemas to tables and partitions, decided purely.
//!
//! Rules, after the Glue Developer Guide (How does a crawler determine when to create partitions?):
//! - Files of one folder with one kind of schema are one table of that folder. With several kinds, every file is a
//!   table of its own: a table's folder must not hold what the table cannot read.
//! - Folders `k=v` of one key, more than half of which are alike, are partitions of the folder above, and their schemas may
//!   grow. Whatever else lies beside them stands for itself: files, other folders, those of the key that are unlike. One
//!   of the key whose own files are of several kinds is left out of all tables.
//! - Other sibling folders whose contents are all similar are partitions of the folder above, too, with keys `partition_0`,
//!   `partition_1`, …. Otherwise each folder stands alone.
//! - A folder alone among its siblings is no partition level unless it is `k=v` or looks like a date or number: the
//!   table is rooted at the deepest such folder.
//! - Similar ([`Likeness`]): the same format and dialect, and seven in ten columns of the wider schema (of the narrower
//!   one, where schemas may grow). `CombineCompatibleSchemas` asks for format and dialect only.
//! - `TableLevelConfiguration` puts every table's root at that level (the bucket is level 1).

mod contradictions;
mod examples;
mod headers;
mod kind;
mod names;
mod shape;
mod tree;

pub(crate) use examples::Examples;
pub(crate) use headers::take_header;
pub(crate) use kind::Kind;
pub(crate) use names::{
    file_table, folder_table, is_date_like, is_unnamed, key_value, partition_of, plain_table, with_suffix,
};
pub(crate) use shape::{Likeness, Shape};
pub(crate) use tree::{Folder, Grouping, Lone, Part, Planned, TablePlan, Tree, level, take_lone};
