//! The folder of each row, as a number to sort by.
//!
//! Rows that are sorted by folder before all else fill one file after the other. Otherwise a file is open of each folder from
//! beginning to end, or, where memory does not suffice, ended many times.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    datatypes::Schema,
    error::ArrowError,
};
use datafusion::{
    error::Result,
    physical_expr::{PhysicalExpr, expressions::Column, projection::ProjectionExpr, projection::update_expr},
    physical_expr_common::physical_expr::is_volatile,
    physical_plan::{filter::FilterExec, projection::ProjectionExec},
};
use formats::Partitions;

use super::Plan;

/// What rows are given to folders by, over the rows of a node; none for one folder.
#[derive(Clone, Debug)]
pub(super) struct Folders(Vec<Arc<dyn PhysicalExpr>>);

impl Folders {
    /// By these columns of the plan's rows.
    pub(super) fn of(plan: &Plan, keys: &[usize]) -> Self {
        let schema = plan.schema();
        Self(keys.iter().map(|key| column(&schema, *key)).collect())
    }

    /// The same over the rows of the node's child.
    pub(super) fn below(&self, node: &Plan) -> Result<Self> {
        let projected = if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            projection.expr().to_vec()
        } else if let Some(kept) =
            node.downcast_ref::<FilterExec>().and_then(|node| node.projection().as_ref())
        {
            let (schema, child) = (node.schema(), node.children()[0].schema());
            let named = kept.iter().zip(schema.fields());
            named.map(|(index, field)| ProjectionExpr::new(column(&child, *index), field.name())).collect()
        } else {
            return Ok(self.clone());
        };
        let below = self.0.iter().map(|expr| update_expr(expr, &projected, true));
        Ok(Self(below.collect::<Result<Option<_>>>()?.unwrap_or_default()))
    }

    /// The numbers of the folders; `None` where there is one, or rows get another folder each time they are looked at.
    pub(super) fn numbers(&self, schema: &Schema) -> Result<Option<Numbers>> {
        if self.0.is_empty() || self.0.iter().any(is_volatile) {
            return Ok(None);
        }
        let types = self.0.iter().map(|expr| expr.data_type(schema)).collect::<Result<Vec<_>>>()?;
        let known = Mutex::new(Partitions::new(&types.iter().collect::<Vec<_>>())?);
        Ok(Some(Numbers { exprs: self.0.clone(), known }))
    }
}

fn column(schema: &Schema, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(schema.field(index).name(), index))
}

/// Numbers folders in the order in which they appear, for all threads alike.
pub(super) struct Numbers {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    known: Mutex<Partitions>,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Numbers").field(&self.exprs).finish()
    }
}

impl Numbers {
    /// The number of each row's folder.
    pub(super) fn of(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        let rows = batch.num_rows();
        let columns = self.exprs.iter().map(|expr| expr.evaluate(batch)?.into_array(rows));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        // Nothing panics while it is locked.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = known.assign(&columns, rows, &mut |_, _| Ok(Vec::new()))?;
        let number =
            |folder| u32::try_from(folder).map_err(|error| ArrowError::ExternalError(Box::new(error)));
        let numbers = folders.into_iter().map(number).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(Arc::new(UInt32Array::from(numbers)))
    }
}
