//! The CloudWatch face: what services have measured, listed and read. Alarms, dashboards and metrics of clients are not built.
//!
//! Source: Amazon CloudWatch API Reference.

mod data;
mod errors;
mod list;
mod statistic;
mod statistics;

use observe::metrics::Dimensions;
use serde_json::Value;
use store::{Scope, Store};
use wire::{Call, Document, Fault, Fields, Operation, Service, epoch_ms};

/// What the handlers work on.
pub struct CloudWatch {
    store: Store,
}

/// Makes the face. The store must have been opened with `observe::MIGRATIONS`.
pub fn face(store: Store) -> Service<CloudWatch> {
    Service { model: "cloudwatch", state: CloudWatch { store }, operations: OPERATIONS }
}

const NO_LINKED: &str = "cross-account observability is not built";
const NO_PERCENTILES: &str =
    "of each minute the number, sum, smallest and largest of the samples are kept, no samples";
const NO_MATH: &str = "metric math is not built; ask for the metrics, and compute with what comes";

const OPERATIONS: &[Operation<CloudWatch>] = &[
    Operation {
        name: "ListMetrics",
        fields: Fields {
            acts: &["Namespace", "MetricName", "Dimensions", "NextToken", "RecentlyActive"],
            refused: &[("IncludeLinkedAccounts", NO_LINKED), ("OwningAccount", NO_LINKED)],
            ignored: &[],
        },
        run: |state, call| Box::pin(list::metrics(state, call)),
    },
    Operation {
        name: "GetMetricStatistics",
        fields: Fields {
            acts: &[
                "Namespace",
                "MetricName",
                "Dimensions",
                "StartTime",
                "EndTime",
                "Period",
                "Statistics",
                "Unit",
            ],
            refused: &[("ExtendedStatistics", NO_PERCENTILES)],
            ignored: &[],
        },
        run: |state, call| Box::pin(statistics::get(state, call)),
    },
    Operation {
        name: "GetMetricData",
        fields: Fields {
            acts: &[
                "MetricDataQueries.Id",
                "MetricDataQueries.MetricStat",
                "MetricDataQueries.Label",
                "MetricDataQueries.ReturnData",
                "StartTime",
                "EndTime",
                "NextToken",
                "ScanBy",
                "MaxDatapoints",
            ],
            refused: &[("MetricDataQueries.Expression", NO_MATH), ("MetricDataQueries.AccountId", NO_LINKED)],
            ignored: &[
                ("MetricDataQueries.Period", "it is for expressions; a metric's is in its MetricStat"),
                ("LabelOptions", "it is for labels with times in them, which are refused"),
            ],
        },
        run: |state, call| Box::pin(data::get(state, call)),
    },
];

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// The dimensions in a list of names and values.
fn dimensions(given: Option<&Document>) -> Dimensions {
    let text = |one: &Value, member: &str| one.get(member).and_then(Value::as_str).map(str::to_owned);
    let given = given.and_then(Value::as_array).into_iter().flatten();
    given.filter_map(|one| Some((text(one, "Name")?, text(one, "Value")?))).collect()
}

/// The times between which to look, in milliseconds.
fn span(call: &Call) -> Result<(i64, i64), Fault> {
    let time = |member| call.input.get(member).and_then(epoch_ms).unwrap_or_default();
    let (start_ms, end_ms) = (time("StartTime"), time("EndTime"));
    if start_ms >= end_ms {
        let message = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(Fault::new("ValidationError", message));
    }
    // There is nothing before the epoch, and nothing to overflow then.
    Ok((start_ms.max(0), end_ms.max(0)))
}

/// Milliseconds of a period in seconds. Errors: a period that no metric has.
fn period_ms(seconds: i64) -> Result<i64, Fault> {
    let is_short = matches!(seconds, 1 | 5 | 10 | 20 | 30);
    if !is_short && (seconds < 1 || seconds % 60 != 0) {
        let message = "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.";
        return Err(Fault::new("ValidationError", message));
    }
    seconds
        .checked_mul(1000)
        .ok_or_else(|| Fault::new("ValidationError", "The parameter Period is too long."))
}
