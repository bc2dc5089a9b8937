//! From folders with schemas to tables and partitions, decided purely.
//!
//! Rules, after the Glue Developer Guide (How does a crawler determine when to create partitions?):
//! - Files of one folder with one kind of schema are one table of that folder. With several kinds, every file is a
//!   table of its own: a table's folder must not hold what the table cannot read.
//! - Sibling folders whose contents are all similar are partitions of the folder above; the level's key is the `k` of
//!   `k=v`, else `partition_0`, `partition_1`, …. The schemas of folders `k=v` of one key may grow. Otherwise each folder
//!   stands alone.
//! - A folder alone among its siblings is no partition level unless it is `k=v` or looks like a date or number: the
//!   table is rooted at the deepest such folder.
//! - Similar ([`Likeness`]): the same format and dialect, and seven in ten columns of the wider schema (of the narrower
//!   one, where schemas may grow). `CombineCompatibleSchemas` asks for format and dialect only.
//! - `TableLevelConfiguration` puts every table's root at that level (the bucket is level 1).

mod names;
mod shape;
mod tree;

pub(crate) use names::{file_table, folder_table, key_value, plain_table, with_suffix};
pub(crate) use shape::{Kind, Likeness, Shape};
pub(crate) use tree::{Folder, Grouping, Part, TablePlan, Tree};
