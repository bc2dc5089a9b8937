//! Which metrics there are.

use observe::metrics::{self, LISTED_MS, Metric, MetricQuery};
use serde_json::{Value, json};
use wire::{Call, Document, Fault, Reply};

use super::{CloudWatch, errors, scope};

/// Metrics of a page. Source: ListMetrics.
const PAGE: usize = 500;
/// What `RecentlyActive` asks for: `PT3H`.
const RECENTLY_MS: i64 = 3 * 3_600_000;

pub(super) async fn metrics(watch: &CloudWatch, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = watch.store.read().await.map_err(errors::store)?;
    let listed_ms = if call.text("RecentlyActive").is_some() { RECENTLY_MS } else { LISTED_MS };
    let given = call.input.get("Dimensions").and_then(Value::as_array).into_iter().flatten();
    let filter = |one: &'_ Value, member: &str| one.get(member).and_then(Value::as_str).map(str::to_owned);
    let filters: Vec<(String, Option<String>)> =
        given.map(|one| (filter(one, "Name").unwrap_or_default(), filter(one, "Value"))).collect();
    let query = MetricQuery {
        namespace: call.text("Namespace"),
        name: call.text("MetricName"),
        dimensions: filters.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect(),
        since_ms: tx.now_ms() - listed_ms,
        after: call.text("NextToken"),
        limit: PAGE,
    };
    let (found, next) = metrics::list(&mut tx, &scope, &query).await.map_err(errors::observe)?;
    let found: Vec<Document> = found.iter().map(document).collect();
    Ok(Reply::from(json!({ "Metrics": found, "NextToken": next })))
}

fn document(metric: &Metric) -> Document {
    let dimensions: Vec<Document> =
        metric.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    json!({ "Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions })
}
