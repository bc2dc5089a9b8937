//! Aggregates of many groups whose state is held for all groups together. The engine's own hold a value of their own for each group and
//! column, of text and of nested fields much more than there is.
//!
//! Both are for aggregates with keys only: the engine asks for another kind of state where there are none.

mod any_row;
mod count_distinct;

pub(super) use any_row::{ANY_ROW, any_row};
pub(super) use count_distinct::count_distinct;
