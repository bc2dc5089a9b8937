//! What tables hold and Trino reads otherwise is brought in line right where it is read.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, TableScan};
use formats::hive::HiveType;

use super::{floats, times};
use crate::values::{Unread, VarcharCut};

/// The scan with timestamps of milliseconds, and `varchar(n)` of at most n characters, right above it.
pub(super) fn scan(scan: TableScan) -> Result<Transformed<LogicalPlan>> {
    // Trailing spaces do not count in a char(n), and nothing here knows that.
    brought(scan, |name, of, column| Some(floats::call(Unread::column(name, of), vec![column])))
}

/// The plan of a table with what queries read in it; `char(n)`, which they do not, as it lies in the files.
pub(crate) fn as_read(plan: LogicalPlan) -> Result<LogicalPlan> {
    let read = plan.transform_up(|node| match node {
        LogicalPlan::TableScan(found) => brought(found, |_, _, _| None),
        other => Ok(Transformed::no(other)),
    })?;
    read.data.recompute_schema()
}

/// `unread` says what becomes of a column that no query reads.
fn brought(
    scan: TableScan,
    unread: impl Fn(&str, &HiveType, Expr) -> Option<Expr>,
) -> Result<Transformed<LogicalPlan>> {
    let bounded = engine::bounded_texts(&scan.source);
    let schema = Arc::clone(&scan.projected_schema);
    let mut changed = false;
    let columns = schema.iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        let of = bounded.iter().find(|(name, _)| name == field.name()).map(|(_, of)| of);
        let brought = match of {
            Some(HiveType::Varchar(most)) => Some(floats::call(VarcharCut::to(*most), vec![column.clone()])),
            Some(other) => unread(field.name(), other, column.clone()),
            None if times::is_foreign(field.data_type()) => Some(times::to_millis(column.clone())),
            None => None,
        };
        match brought {
            Some(brought) => {
                changed = true;
                brought.alias_qualified(table.cloned(), field.name())
            }
            None => column,
        }
    });
    let columns: Vec<Expr> = columns.collect();
    let scan = LogicalPlan::TableScan(scan);
    if !changed {
        return Ok(Transformed::no(scan));
    }
    let projection = Projection::try_new(columns, Arc::new(scan))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}
