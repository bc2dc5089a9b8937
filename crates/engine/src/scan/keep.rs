//! A condition on the rows of a scan, asked while they are read.

use std::{io, sync::Arc};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TreeNode},
    },
    physical_expr::{PhysicalExpr, expressions::Column, utils::collect_columns},
};
use formats::RowFilter;

use super::Counters;
use crate::EngineError;

/// The condition, over the columns that it looks at.
#[derive(Debug)]
pub(crate) struct Keep {
    condition: Arc<dyn PhysicalExpr>,
    columns: Vec<usize>,
    counters: Arc<Counters>,
}

impl Keep {
    /// A condition on the rows of a scan, whose columns `place` finds among those that are read.
    /// `None` where one of them is not read as it is.
    pub(crate) fn new(
        condition: &Arc<dyn PhysicalExpr>,
        place: impl Fn(usize) -> Option<usize>,
        counters: &Arc<Counters>,
    ) -> Result<Option<Self>> {
        let mut used: Vec<usize> = collect_columns(condition).iter().map(Column::index).collect();
        used.sort_unstable();
        used.dedup();
        let Some(columns) = used.iter().map(|index| place(*index)).collect::<Option<Vec<usize>>>() else {
            return Ok(None);
        };
        // A condition on nothing would be asked of batches without columns.
        if columns.is_empty() {
            return Ok(None);
        }
        let condition = Arc::clone(condition).transform_up(|part| {
            let column = part.downcast_ref::<Column>();
            let found = column.and_then(|column| Some((column, used.binary_search(&column.index()).ok()?)));
            Ok(match found {
                Some((column, at)) => {
                    Transformed::yes(Arc::new(Column::new(column.name(), at)) as Arc<dyn PhysicalExpr>)
                }
                None => Transformed::no(part),
            })
        })?;
        Ok(Some(Self { condition: condition.data, columns, counters: Arc::clone(counters) }))
    }
}

impl RowFilter for Keep {
    fn columns(&self) -> &[usize] {
        &self.columns
    }

    fn keep(&self, columns: &RecordBatch) -> io::Result<BooleanArray> {
        let failed = |error| io::Error::other(EngineError::from(error));
        let answers =
            self.condition.evaluate(columns).and_then(|answers| answers.into_array(columns.num_rows()));
        let answers = answers.map_err(failed)?;
        match answers.as_boolean_opt() {
            Some(answers) => Ok(answers.clone()),
            None => Err(io::Error::other(format!("the filter {} is not a condition", self.condition))),
        }
    }

    fn left_out(&self, records: u64) {
        self.counters.leave_out(records);
    }
}
