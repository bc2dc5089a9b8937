//! Casts of text to numbers, moved from filters and projections into the scan below, which then makes no text of them.
//!
//! DataFusion moves projections into scans, but not past a filter; a filter that asks for a number of a text column
//! would parse it once more than the projection above.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use datafusion::{
    common::Result,
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    physical_expr::{expressions::Column, projection::ProjectionExpr},
    physical_plan::{
        ExecutionPlan, Partitioning, ReplaceChildrenOptions,
        execution_plan::ChildrenPropertiesMode,
        filter::{FilterExec, FilterExecBuilder},
        projection::ProjectionExec,
        repartition::RepartitionExec,
    },
};

use crate::scan::{numbers, text::TextSource};

type Plan = Arc<dyn ExecutionPlan>;

/// The projection over a scan that reads numbers; nothing where it has none to read.
pub(super) fn projection(top: &ProjectionExec) -> Result<Option<Plan>> {
    let Some((scan, between)) = scan_below(top.input()) else { return Ok(None) };
    let mut uses = numbers::Uses::default();
    // Per column of a node's rows: which column of the scan it is.
    let mut places: Vec<usize> = (0..scan.schema().fields().len()).collect();
    let mut places_below = Vec::with_capacity(between.len());
    for node in &between {
        places_below.push(places.clone());
        let Some(filter) = node.downcast_ref::<FilterExec>() else { continue };
        uses.add(filter.predicate(), |index| places[index])?;
        if let Some(kept) = filter.projection() {
            places = kept.iter().map(|index| places[*index]).collect();
        }
    }
    for column in top.expr() {
        uses.add(&column.expr, |index| places[index])?;
    }
    let wanted = uses.only_numbers();
    let Some(mut input) = scan_numbers(&scan, &wanted)? else { return Ok(None) };
    for (node, places) in between.iter().zip(places_below) {
        input = match node.downcast_ref::<FilterExec>() {
            Some(filter) => {
                let is_number = |index: usize| wanted.contains_key(&places[index]);
                let predicate = numbers::as_columns(filter.predicate(), is_number)?;
                let filter = FilterExecBuilder::from(filter).with_input(input).with_predicate(predicate);
                Arc::new(filter.build()?)
            }
            None => {
                let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                Arc::clone(node).replace_children(vec![input], options)?
            }
        };
    }
    let columns = top.expr().iter().map(|column| {
        let expr = numbers::as_columns(&column.expr, |index| wanted.contains_key(&places[index]))?;
        Ok(ProjectionExpr::new(expr, column.alias.clone()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Some(Arc::new(ProjectionExec::try_new(columns, input)?)))
}

/// The scan of delimited text below, and the nodes over it that pass rows on as they are, the lowest first.
fn scan_below(plan: &Plan) -> Option<(Plan, Vec<Plan>)> {
    let (mut between, mut at) = (Vec::new(), Arc::clone(plan));
    while !reads_delimited_text(&at) {
        let spreads =
            |node: &&RepartitionExec| matches!(node.partitioning(), Partitioning::RoundRobinBatch(_));
        let below = match at.downcast_ref::<FilterExec>() {
            Some(filter) => Arc::clone(filter.input()),
            None => Arc::clone(at.downcast_ref::<RepartitionExec>().filter(spreads)?.input()),
        };
        between.push(std::mem::replace(&mut at, below));
    }
    between.reverse();
    Some((at, between))
}

fn reads_delimited_text(scan: &Plan) -> bool {
    let scan = scan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
    let config = scan.and_then(|scan| scan.downcast_ref::<FileScanConfig>());
    let text = config.and_then(|config| config.file_source().downcast_ref::<TextSource>());
    text.is_some_and(TextSource::is_delimited)
}

/// The scan with the casts as its own projection.
fn scan_numbers(scan: &Plan, wanted: &BTreeMap<usize, DataType>) -> Result<Option<Plan>> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let schema = scan.schema();
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let column = Column::new(field.name(), index);
        let expr = match wanted.get(&index) {
            Some(wanted) => numbers::number_of(column, wanted, &schema)?,
            None => Arc::new(column),
        };
        Ok(ProjectionExpr::new(expr, field.name().clone()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    scan.try_swapping_with_projection(&ProjectionExec::try_new(columns, Arc::clone(scan))?)
}
