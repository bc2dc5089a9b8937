//! Conditions of a filter, asked one after the other.
//!
//! `WHERE a <> 0 AND 1 / a > 1` must not divide by zero. The optimizer merges and reorders what AND connects, and the
//! evaluation of AND looks at its right side for all rows unless nearly all are refused by then. Here, conditions that
//! cannot fail come first; each of the others is asked only of the rows that all before it accepted.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, BooleanArray},
    compute::{and, prep_null_mask_filter},
    datatypes::{DataType, Field, FieldRef, Schema},
    record_batch::RecordBatch,
};
use datafusion::{
    error::{DataFusionError, Result},
    logical_expr::{ColumnarValue, Operator},
    physical_expr::{
        PhysicalExpr, conjunction,
        expressions::{
            BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
        },
        split_conjunction,
    },
    physical_plan::{ExecutionPlan, filter::FilterExec, filter::FilterExecBuilder},
};

/// The filter with its conditions in turn; `None` when none of them can fail, or there is only one.
pub(super) fn filter(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let all: Vec<_> = split_conjunction(filter.predicate()).into_iter().cloned().collect();
    if all.len() < 2 || all.iter().all(is_safe) {
        return Ok(None);
    }
    let (safe, risky): (Vec<_>, Vec<_>) = all.into_iter().partition(is_safe);
    let mut conditions = Vec::with_capacity(risky.len() + 1);
    if !safe.is_empty() {
        conditions.push(conjunction(safe));
    }
    conditions.extend(risky);
    let predicate = Arc::new(InTurn { conditions });
    Ok(Some(Arc::new(FilterExecBuilder::from(filter).with_predicate(predicate).build()?)))
}

/// Whether no value can make the expression fail. Functions and casts may; comparisons cannot.
pub(super) fn is_safe(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let itself = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        is_comparison(*binary.op())
    } else {
        expr.is::<Column>()
            || expr.is::<Literal>()
            || expr.is::<IsNullExpr>()
            || expr.is::<IsNotNullExpr>()
            || expr.is::<NotExpr>()
            || expr.is::<LikeExpr>()
            || expr.is::<InListExpr>()
    };
    itself && expr.children().into_iter().all(is_safe)
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
            | Operator::And
            | Operator::Or
    )
}

/// True where all conditions are, else false.
#[derive(Debug, Clone, Eq)]
struct InTurn {
    conditions: Vec<Arc<dyn PhysicalExpr>>,
}

impl PartialEq for InTurn {
    fn eq(&self, other: &Self) -> bool {
        self.conditions == other.conditions
    }
}

impl Hash for InTurn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.conditions.hash(state);
    }
}

impl fmt::Display for InTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, condition) in self.conditions.iter().enumerate() {
            write!(f, "{}{condition}", if position == 0 { "" } else { " THEN " })?;
        }
        Ok(())
    }
}

impl PhysicalExpr for InTurn {
    fn return_field(&self, _input_schema: &Schema) -> Result<FieldRef> {
        Ok(Arc::new(Field::new("in_turn", DataType::Boolean, false)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mut accepted = BooleanArray::from(vec![true; batch.num_rows()]);
        for condition in &self.conditions {
            if !accepted.has_true() {
                break;
            }
            let answers = condition.evaluate_selection(batch, &accepted)?.into_array(batch.num_rows())?;
            let answers = answers
                .as_boolean_opt()
                .ok_or_else(|| DataFusionError::Plan(format!("the filter {condition} is not a condition")))?;
            let answers =
                if answers.null_count() > 0 { prep_null_mask_filter(answers) } else { answers.clone() };
            accepted = and(&accepted, &answers)?;
        }
        Ok(ColumnarValue::Array(Arc::new(accepted)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.conditions.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { conditions: children }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
