//! The statistics of one metric.

use observe::metrics::{self, Point, Window};
use serde_json::{Value, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

use super::statistic::Statistic;
use super::{CloudWatch, dimensions, errors, period_ms, scope, span};

/// Points that one answer may have. Source: GetMetricStatistics.
const MOST_POINTS: i64 = 1_440;

pub(super) async fn get(watch: &CloudWatch, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (start_ms, end_ms) = span(&call)?;
    let period_ms = period_ms(call.integer("Period").unwrap_or_default())?;
    let statistics = statistics(&call)?;
    if (end_ms - start_ms) / period_ms > MOST_POINTS {
        let message = format!(
            "You have requested up to {} datapoints, which exceeds the limit of {MOST_POINTS}. You may reduce the \
             datapoints requested by increasing Period, or decreasing the time range.",
            (end_ms - start_ms) / period_ms
        );
        return Err(Fault::new("InvalidParameterCombinationException", message));
    }
    let (namespace, name) =
        (call.text("Namespace").unwrap_or_default(), call.text("MetricName").unwrap_or_default());
    let dimensions = dimensions(call.input.get("Dimensions"));
    let mut tx = watch.store.read().await.map_err(errors::store)?;
    let found =
        metrics::find(&mut tx, &scope, namespace, name, &dimensions).await.map_err(errors::observe)?;
    let found = found.filter(|metric| call.text("Unit").is_none_or(|unit| unit == metric.unit));
    let Some(metric) = found else { return Ok(Reply::from(json!({ "Label": name, "Datapoints": [] }))) };
    let window = Window { start_ms, end_ms, period_ms, newest_first: false, skip: 0, limit: MOST_POINTS + 1 };
    let points = metrics::points(&mut tx, &metric, &window).await.map_err(errors::observe)?;
    let points: Vec<Document> =
        points.iter().map(|point| datapoint(point, &statistics, &metric.unit)).collect();
    Ok(Reply::from(json!({ "Label": name, "Datapoints": points })))
}

fn statistics(call: &Call) -> Result<Vec<Statistic>, Fault> {
    let given = call.input.get("Statistics").and_then(Value::as_array).into_iter().flatten();
    let given: Result<Vec<Statistic>, Fault> = given.filter_map(Value::as_str).map(Statistic::of).collect();
    let given = given?;
    if given.is_empty() {
        let message = "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
        return Err(Fault::new("MissingRequiredParameterException", message));
    }
    Ok(given)
}

fn datapoint(point: &Point, statistics: &[Statistic], unit: &str) -> Document {
    let mut shown = json!({ "Timestamp": epoch_seconds(point.start_ms), "Unit": unit });
    for statistic in statistics {
        shown[statistic.name()] = Value::from(statistic.value(point));
    }
    shown
}
