//! The values of several metrics.
//!
//! Answers end after [`MOST_POINTS`] points at most; the token says at which query and point the next one begins.

use std::collections::BTreeSet;

use observe::metrics::{self, Dimensions, Point, Window};
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

use super::statistic::Statistic;
use super::{CloudWatch, dimensions, errors, period_ms, scope, span};

/// Points of an answer, and queries of a request. Source: GetMetricData.
const MOST_POINTS: i64 = 100_800;
const MOST_QUERIES: usize = 500;

/// One query of a metric.
struct Query<'a> {
    id: &'a str,
    label: &'a str,
    namespace: &'a str,
    name: &'a str,
    dimensions: Dimensions,
    unit: Option<&'a str>,
    statistic: Statistic,
    period_ms: i64,
    /// Whether its values are wanted; those of others would be for expressions.
    is_returned: bool,
}

/// Where an answer begins: at this query, behind so many of its points.
#[derive(Clone, Copy, Default)]
struct Place {
    query: usize,
    points: i64,
}

impl Place {
    fn read(token: Option<&str>) -> Result<Self, Fault> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(Self::default()) };
        let read = || {
            let (query, points) = token.split_once('.')?;
            Some(Self { query: query.parse().ok()?, points: points.parse().ok().filter(|it| *it >= 0)? })
        };
        read().ok_or_else(|| Fault::new("InvalidNextToken", "The next token specified is invalid."))
    }
}

pub(super) async fn get(watch: &CloudWatch, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (start_ms, end_ms) = span(&call)?;
    let queries = queries(&call)?;
    let place = Place::read(call.text("NextToken"))?;
    let newest_first = call.text("ScanBy") != Some("TimestampAscending");
    let most = call.integer("MaxDatapoints").unwrap_or(MOST_POINTS);
    if !(1..=MOST_POINTS).contains(&most) {
        let message = format!("The parameter MaxDatapoints must be between 1 and {MOST_POINTS}.");
        return Err(errors::invalid(message));
    }
    let mut tx = watch.store.read().await.map_err(errors::store)?;
    let (mut left, mut results, mut next) = (most, Vec::new(), None);
    for (number, query) in queries.iter().enumerate().skip(place.query) {
        if left == 0 {
            next = Some(format!("{number}.0"));
            break;
        }
        let skip = if number == place.query { place.points } else { 0 };
        let period_ms = query.period_ms;
        // One more than fits tells whether that is all.
        let window = Window { start_ms, end_ms, period_ms, newest_first, skip, limit: left + 1 };
        let mut points = points(&mut tx, &scope, query, &window).await?;
        let found = i64::try_from(points.len()).unwrap_or(i64::MAX);
        let is_cut = found > left;
        points.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        results.push(result(query, &points, is_cut));
        if is_cut {
            next = Some(format!("{number}.{}", skip + left));
            break;
        }
        left -= found;
    }
    Ok(Reply::from(json!({ "MetricDataResults": results, "Messages": [], "NextToken": next })))
}

async fn points(tx: &mut Tx, scope: &Scope, query: &Query<'_>, window: &Window) -> Result<Vec<Point>, Fault> {
    let found = metrics::find(tx, scope, query.namespace, query.name, &query.dimensions).await;
    let found = found.map_err(errors::observe)?;
    match found.filter(|metric| query.unit.is_none_or(|unit| unit == metric.unit)) {
        Some(metric) => metrics::points(tx, &metric, window).await.map_err(errors::observe),
        None => Ok(Vec::new()),
    }
}

fn result(query: &Query<'_>, points: &[Point], is_cut: bool) -> Document {
    let times: Vec<Document> = points.iter().map(|point| epoch_seconds(point.start_ms)).collect();
    let values: Vec<f64> = points.iter().map(|point| query.statistic.value(point)).collect();
    let status = if is_cut { "PartialData" } else { "Complete" };
    json!({ "Id": query.id, "Label": query.label, "Timestamps": times, "Values": values, "StatusCode": status })
}

/// The queries whose values are wanted.
fn queries(call: &Call) -> Result<Vec<Query<'_>>, Fault> {
    let given = call.input.get("MetricDataQueries").and_then(Value::as_array);
    let given = given.map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() || given.len() > MOST_QUERIES {
        let message =
            format!("The parameter MetricDataQueries must have between 1 and {MOST_QUERIES} members.");
        return Err(errors::invalid(message));
    }
    let queries = given.iter().map(query).collect::<Result<Vec<_>, _>>()?;
    let mut ids = BTreeSet::new();
    if let Some(twice) = queries.iter().find(|query| !ids.insert(query.id)) {
        let message =
            format!("The values for parameter id in MetricDataQueries are not unique: {}.", twice.id);
        return Err(errors::invalid(message));
    }
    let queries: Vec<Query<'_>> = queries.into_iter().filter(|query| query.is_returned).collect();
    if queries.is_empty() {
        return Err(errors::invalid("At least one of the MetricDataQueries must have ReturnData true."));
    }
    Ok(queries)
}

fn query(given: &Value) -> Result<Query<'_>, Fault> {
    let id = given.get("Id").and_then(Value::as_str).unwrap_or_default();
    let is_id = id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_id {
        let message = format!(
            "The value {id} for parameter id in MetricDataQueries is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$."
        );
        return Err(errors::invalid(message));
    }
    let Some(stat) = given.get("MetricStat") else {
        return Err(errors::invalid(format!("The query {id} of MetricDataQueries has no MetricStat.")));
    };
    let metric = stat.get("Metric");
    let (Some(namespace), Some(name)) = (member(metric, "Namespace"), member(metric, "MetricName")) else {
        let message = format!("The metric of the query {id} needs a Namespace and a MetricName.");
        return Err(errors::invalid(message));
    };
    let label = member(Some(given), "Label").filter(|label| !label.is_empty()).unwrap_or(name);
    if label.contains("${") {
        let message =
            format!("cloudwatch GetMetricData: labels with ${{…}} are not built on this server: {label}");
        return Err(Fault::not_implemented(message));
    }
    Ok(Query {
        id,
        label,
        namespace,
        name,
        dimensions: dimensions(metric.and_then(|metric| metric.get("Dimensions"))),
        unit: member(Some(stat), "Unit"),
        statistic: Statistic::of(member(Some(stat), "Stat").unwrap_or_default())?,
        period_ms: period_ms(stat.get("Period").and_then(Value::as_i64).unwrap_or_default())?,
        is_returned: given.get("ReturnData").and_then(Value::as_bool).unwrap_or(true),
    })
}

fn member<'a>(from: Option<&'a Value>, name: &str) -> Option<&'a str> {
    from?.get(name)?.as_str()
}
