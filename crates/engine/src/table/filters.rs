//! Filters on partition keys, twice: as a Glue expression for the catalog, and exactly.
//!
//! [`to_glue`] translates what it safely can, so that the catalog lists few partitions; what it gives always holds for
//! every partition that the filters accept. [`Pruner`] then evaluates the filters themselves on the values of the
//! partitions that were listed, with the planner's own meaning of every function and operator. So a scan may call
//! filters on partition keys exact.

use std::{collections::HashSet, fmt::Write as _, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
};
use chrono::{DateTime, Datelike};
use datafusion::{
    catalog::Session,
    common::{DFSchema, ScalarValue, tree_node::TreeNode, tree_node::TreeNodeRecursion},
    error::{DataFusionError, Result},
    logical_expr::{BinaryExpr, Expr, Operator, expr::InList},
    physical_expr::PhysicalExpr,
};

/// Whether an expression is about partition keys alone, and says the same for the same values every time.
pub(super) fn is_partition_filter(filter: &Expr, keys: &HashSet<String>) -> bool {
    let mut only_keys = true;
    let walked = filter.apply(|expr| {
        match expr {
            Expr::Column(column) => only_keys &= keys.contains(column.name()),
            Expr::ScalarFunction(function) => {
                only_keys &=
                    function.func.signature().volatility != datafusion::logical_expr::Volatility::Volatile;
            }
            Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::OuterReferenceColumn(..) => {
                only_keys = false;
            }
            _ => {}
        }
        Ok(if only_keys { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    only_keys && walked.is_ok()
}

/// A Glue expression that every partition accepted by all of `filters` satisfies; `None` when nothing could be said.
pub(super) fn to_glue(filters: &[Expr], keys: &HashSet<String>) -> Option<String> {
    let parts: Vec<String> = filters.iter().filter_map(|filter| translate(filter, keys)).collect();
    if parts.is_empty() { None } else { Some(parts.join(" AND ")) }
}

fn translate(filter: &Expr, keys: &HashSet<String>) -> Option<String> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (translate(left, keys), translate(right, keys)) {
                (Some(left), Some(right)) => Some(format!("({left} AND {right})")),
                // One side alone still holds.
                (one, other) => one.or(other),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(format!("({} OR {})", translate(left, keys)?, translate(right, keys)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => compare(left, *op, right, keys),
        Expr::InList(InList { expr, list, negated: false }) => {
            let key = key_name(expr, keys)?;
            let values = list.iter().map(literal).collect::<Option<Vec<_>>>()?;
            (!values.is_empty()).then(|| format!("{key} IN ({})", values.join(", ")))
        }
        Expr::IsNull(inner) => Some(format!("{} IS NULL", key_name(inner, keys)?)),
        Expr::IsNotNull(inner) => Some(format!("{} IS NOT NULL", key_name(inner, keys)?)),
        _ => None,
    }
}

fn compare(left: &Expr, op: Operator, right: &Expr, keys: &HashSet<String>) -> Option<String> {
    if let Some(key) = key_name(left, keys) {
        return Some(format!("{key} {} {}", symbol(op)?, literal(right)?));
    }
    let key = key_name(right, keys)?;
    Some(format!("{key} {} {}", symbol(op.swap()?)?, literal(left)?))
}

fn symbol(op: Operator) -> Option<&'static str> {
    match op {
        Operator::Eq => Some("="),
        Operator::Lt => Some("<"),
        Operator::LtEq => Some("<="),
        Operator::Gt => Some(">"),
        Operator::GtEq => Some(">="),
        _ => None,
    }
}

fn key_name(expr: &Expr, keys: &HashSet<String>) -> Option<String> {
    match expr {
        Expr::Column(column) if keys.contains(column.name()) => {
            Some(format!("`{}`", column.name().replace('`', "``")))
        }
        _ => None,
    }
}

/// A literal in the catalog's grammar. Only of types whose order is the same there and here.
fn literal(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = expr else { return None };
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(format!("'{}'", text.replace('\'', "''"))),
        ScalarValue::Int8(Some(number)) => Some(number.to_string()),
        ScalarValue::Int16(Some(number)) => Some(number.to_string()),
        ScalarValue::Int32(Some(number)) => Some(number.to_string()),
        ScalarValue::Int64(Some(number)) => Some(number.to_string()),
        ScalarValue::Date32(Some(days)) => date(*days),
        _ => None,
    }
}

fn date(days: i32) -> Option<String> {
    let day = DateTime::from_timestamp(i64::from(days) * 86_400, 0)?.date_naive();
    // The grammar's dates have four digits for the year.
    (0..=9999).contains(&day.year()).then(|| format!("'{}'", day.format("%Y-%m-%d")))
}

/// Filters on partition keys, ready to be evaluated on values.
pub(super) struct Pruner {
    schema: SchemaRef,
    filters: Vec<Arc<dyn PhysicalExpr>>,
}

impl Pruner {
    /// `schema` holds the partition keys in order.
    pub(super) fn new(state: &dyn Session, schema: SchemaRef, filters: &[Expr]) -> Result<Self> {
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        let filters = filters.iter().map(|filter| {
            let bare = strip_qualifiers(filter.clone())?;
            state.create_physical_expr(bare, &named)
        });
        Ok(Self { filters: filters.collect::<Result<_>>()?, schema })
    }

    /// Which of the partitions, each given by its values in the order of the keys, the filters accept.
    pub(super) fn accepts(&self, partitions: &[Vec<ScalarValue>]) -> Result<Vec<bool>> {
        if self.filters.is_empty() || partitions.is_empty() {
            return Ok(vec![true; partitions.len()]);
        }
        let columns = (0..self.schema.fields().len()).map(|key| {
            let values = partitions.iter().map(|values| values[key].clone());
            ScalarValue::iter_to_array(values)
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(partitions.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)?;
        let mut accepted = vec![true; partitions.len()];
        for filter in &self.filters {
            let answers = filter.evaluate(&batch)?.into_array(partitions.len())?;
            let answers: &BooleanArray = answers.as_boolean_opt().ok_or_else(|| {
                let mut text = String::new();
                // Writing to a string cannot fail.
                let _ = write!(text, "the filter {filter} is not a condition");
                DataFusionError::Plan(text)
            })?;
            for (accepted, answer) in accepted.iter_mut().zip(answers) {
                *accepted &= answer == Some(true);
            }
        }
        Ok(accepted)
    }
}

fn strip_qualifiers(filter: Expr) -> Result<Expr> {
    use datafusion::common::{Column, tree_node::Transformed};
    let stripped = filter.transform(|expr| match expr {
        Expr::Column(column) if column.relation.is_some() => {
            Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name))))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(stripped.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::prelude::{SessionContext, col, lit};

    fn keys() -> HashSet<String> {
        ["day", "n"].into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn translates_what_it_safely_can() {
        let glue = |filter: Expr| to_glue(&[filter], &keys());
        assert_eq!(glue(col("day").eq(lit("it's"))).as_deref(), Some("`day` = 'it''s'"));
        assert_eq!(glue(lit(5i64).lt(col("n"))).as_deref(), Some("`n` > 5"));
        assert_eq!(glue(col("n").in_list(vec![lit(1), lit(2)], false)).as_deref(), Some("`n` IN (1, 2)"));
        assert_eq!(glue(col("n").in_list(vec![lit(1)], true)), None);
        assert_eq!(glue(col("n").not_eq(lit(1))), None);
        let half = col("n").eq(lit(1)).and(col("day").like(lit("a%")));
        assert_eq!(glue(half).as_deref(), Some("`n` = 1"));
        assert_eq!(glue(col("n").eq(lit(1)).or(col("day").like(lit("a%")))), None);
        let day = lit(ScalarValue::Date32(Some(19723)));
        assert_eq!(glue(col("day").gt_eq(day)).as_deref(), Some("`day` >= '2024-01-01'"));
    }

    #[test]
    fn knows_filters_on_keys_alone() {
        assert!(is_partition_filter(&col("day").eq(lit("x")), &keys()));
        assert!(!is_partition_filter(&col("day").eq(col("other")), &keys()));
    }

    #[test]
    fn prunes_exactly_with_nulls() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("day", DataType::Utf8, true),
            Field::new("n", DataType::Int32, true),
        ]));
        let filters = [col("t.n").not_eq(lit(2)), col("day").like(lit("a%"))];
        let context = SessionContext::new();
        let pruner = Pruner::new(&context.state(), schema, &filters).expect("pruner");
        let partition = |day: Option<&str>, n: Option<i32>| {
            vec![ScalarValue::Utf8(day.map(str::to_owned)), ScalarValue::Int32(n)]
        };
        let partitions = [
            partition(Some("ab"), Some(1)),
            partition(Some("ab"), Some(2)),
            partition(None, Some(1)),
            partition(Some("a"), None),
        ];
        assert_eq!(pruner.accepts(&partitions).expect("accepts"), [true, false, false, false]);
    }
}
