//! VALUES as one relation of constants.
//!
//! It has been written as a UNION of rows, so that its columns get their types ([`super::sets`]). Left as that, each row is
//! a part of its own for our engine, sorted by every column; and over an outer join the engine leaves out the sorting that
//! ORDER BY asks for, and then refuses its own plan.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection};

use crate::values::NumberCast;

/// The union as VALUES, where all of its rows are constants; any other relation as it is.
pub(super) fn of_rows(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rows = if let LogicalPlan::Union(_) = &plan { rows(&plan) } else { None };
    let Some(rows) = rows else { return Ok(plan) };
    let values = LogicalPlanBuilder::values(rows)?;
    let own = values.schema().columns();
    let named = own
        .into_iter()
        .zip(plan.schema().iter())
        .map(|(column, (table, field))| Expr::Column(column).alias_qualified(table.cloned(), field.name()));
    let named: Vec<Expr> = named.collect();
    values.project(named)?.build()
}

/// The rows of a relation that reads nothing.
fn rows(plan: &LogicalPlan) -> Option<Vec<Vec<Expr>>> {
    match plan {
        LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => Some(vec![Vec::new()]),
        LogicalPlan::Values(values) => Some(values.values.clone()),
        LogicalPlan::Union(union) => {
            let parts = union.inputs.iter().map(|input| rows(input)).collect::<Option<Vec<_>>>()?;
            Some(parts.into_iter().flatten().collect())
        }
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let of = |row: Vec<Expr>| {
                expr.iter().map(|expr| constant(expr, input.schema(), &row)).collect::<Option<Vec<_>>>()
            };
            rows(input)?.into_iter().map(of).collect()
        }
        _ => None,
    }
}

/// The expression over one row, when it is a constant or a number's conversion.
fn constant(expr: &Expr, schema: &DFSchema, row: &[Expr]) -> Option<Expr> {
    Some(match expr {
        Expr::Alias(alias) => constant(&alias.expr, schema, row)?,
        Expr::Column(column) => row.get(schema.maybe_index_of_column(column)?)?.clone(),
        Expr::Literal(..) => expr.clone(),
        Expr::Cast(cast) => {
            let inner = constant(&cast.expr, schema, row)?;
            Expr::Cast(Cast { expr: Box::new(inner), ..cast.clone() })
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let own: &dyn Any = func.inner().as_ref();
            own.downcast_ref::<NumberCast>()?;
            let args = args.iter().map(|arg| constant(arg, schema, row)).collect::<Option<_>>()?;
            Expr::ScalarFunction(ScalarFunction { func: Arc::clone(func), args })
        }
        _ => return None,
    })
}
