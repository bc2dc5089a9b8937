//! What tables hold and Trino reads otherwise is brought in line right where it is read.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, TableScan};
use formats::hive::HiveType;

use super::{floats, times};
use crate::values::{Unread, VarcharCut};

/// The scan with timestamps of milliseconds, and `varchar(n)` of at most n characters, right above it.
pub(super) fn scan(scan: TableScan) -> Result<Transformed<LogicalPlan>> {
    let bounded = engine::bounded_texts(&scan.source);
    let schema = Arc::clone(&scan.projected_schema);
    let mut changed = false;
    let columns = schema.iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        let of = bounded.iter().find(|(name, _)| name == field.name()).map(|(_, of)| of);
        let brought = match of {
            Some(HiveType::Varchar(most)) => floats::call(VarcharCut::to(*most), vec![column]),
            // Trailing spaces do not count in a char(n), and nothing here knows that.
            Some(other) => floats::call(Unread::column(field.name(), other), vec![column]),
            None if times::is_foreign(field.data_type()) => times::to_millis(column),
            None => return column,
        };
        changed = true;
        brought.alias_qualified(table.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    let scan = LogicalPlan::TableScan(scan);
    if !changed {
        return Ok(Transformed::no(scan));
    }
    let projection = Projection::try_new(columns, Arc::new(scan))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}
