//! Filters that are asked while delimited text is read: of records that are not kept, no other column is made.
//!
//! Only conditions that cannot fail move into a scan: which rows they are asked of then makes no difference.

use std::sync::Arc;

use datafusion::{
    common::Result,
    datasource::{
        physical_plan::{FileScanConfig, FileScanConfigBuilder},
        source::DataSourceExec,
    },
    physical_expr::{expressions::Column, projection::ProjectionExpr},
    physical_plan::{
        ExecutionPlan, Partitioning, ReplaceChildrenOptions, execution_plan::ChildrenPropertiesMode,
        filter::FilterExec, projection::ProjectionExec, repartition::RepartitionExec,
    },
};

use super::in_turn::is_safe;
use crate::scan::text::TextSource;

type Plan = Arc<dyn ExecutionPlan>;

/// The plan without the filter, which its scan asks; nothing where that cannot be.
pub(super) fn filter(filter: &FilterExec) -> Result<Option<Plan>> {
    if filter.fetch().is_some() || !is_safe(filter.predicate()) {
        return Ok(None);
    }
    let spread = filter.input().downcast_ref::<RepartitionExec>();
    let spread = spread.filter(|node| matches!(node.partitioning(), Partitioning::RoundRobinBatch(_)));
    let below = spread.map_or(filter.input(), RepartitionExec::input);
    let Some(config) = below.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source) else {
        return Ok(None);
    };
    let Some(config) = config.downcast_ref::<FileScanConfig>() else { return Ok(None) };
    let Some(text) = config.file_source().downcast_ref::<TextSource>() else { return Ok(None) };
    if config.limit.is_some() {
        return Ok(None);
    }
    let Some(text) = text.filtered(filter.predicate())? else { return Ok(None) };
    let config = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(text)).build();
    let scan: Plan = DataSourceExec::from_data_source(config);
    let input = match spread {
        Some(_) => {
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Arc::clone(filter.input()).replace_children(vec![scan], options)?
        }
        None => scan,
    };
    match filter.projection() {
        None => Ok(Some(input)),
        Some(kept) => {
            let schema = input.schema();
            let column = |index: &usize| {
                let name = schema.field(*index).name();
                ProjectionExpr::new(Arc::new(Column::new(name, *index)), name.clone())
            };
            let columns: Vec<ProjectionExpr> = kept.iter().map(column).collect();
            Ok(Some(Arc::new(ProjectionExec::try_new(columns, input)?)))
        }
    }
}
