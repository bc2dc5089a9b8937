//! The process's metrics. Names, units and help are declared once, in [`TABLE`]; label values come from closed sets.

use std::fmt::Error;
use std::sync::atomic::AtomicI64;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
use wire::{Finished, Observer};

use crate::supervisor::Tasks;

/// Name (with unit; counters get `_total` when written) and help of every metric.
const TABLE: &[(&str, &str)] = &[
    (REQUESTS, "Requests answered, by method and class of status"),
    (CALLS, "AWS operations answered, by service, operation and outcome"),
    (DURATION, "Time from a request's head to the head of its reply"),
    (IN_FLIGHT, "Requests being worked on"),
    (CONNECTIONS, "Open connections"),
    (TASKS, "Supervised tasks by state"),
    (RESTARTS, "Restarts of supervised tasks since the start"),
    (RESIDENT, "Memory of the process that is in RAM"),
];

const REQUESTS: &str = "tenon_http_requests";
const CALLS: &str = "tenon_aws_calls";
const DURATION: &str = "tenon_http_request_duration_seconds";
const IN_FLIGHT: &str = "tenon_http_requests_in_flight";
const CONNECTIONS: &str = "tenon_http_connections";
const TASKS: &str = "tenon_tasks";
const RESTARTS: &str = "tenon_task_restarts";
const RESIDENT: &str = "tenon_process_resident_memory_bytes";

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    method: &'static str,
    status: &'static str,
}

impl RequestLabels {
    pub(crate) fn of(method: &Method, status: StatusCode) -> Self {
        let method = match method.as_str() {
            "GET" => "GET",
            "PUT" => "PUT",
            "POST" => "POST",
            "HEAD" => "HEAD",
            "DELETE" => "DELETE",
            _ => "other",
        };
        let status = match status.as_u16() {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        Self { method, status }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// Handles on all metrics.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Family<RequestLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    pub(crate) duration: Histogram,
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    tasks: Family<StateLabel, Gauge>,
    restarts: Counter,
    resident: Gauge<i64, AtomicI64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // 1 ms to about 16 s.
        let duration = Histogram::new(exponential_buckets(0.001, 2.0, 15));
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            calls: Family::default(),
            duration,
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            tasks: Family::default(),
            restarts: Counter::default(),
            resident: Gauge::default(),
        };
        metrics.register(REQUESTS, metrics.requests.clone());
        metrics.register(CALLS, metrics.calls.clone());
        metrics.register(DURATION, metrics.duration.clone());
        metrics.register(IN_FLIGHT, metrics.in_flight.clone());
        metrics.register(CONNECTIONS, metrics.connections.clone());
        metrics.register(TASKS, metrics.tasks.clone());
        metrics.register(RESTARTS, metrics.restarts.clone());
        metrics.register(RESIDENT, metrics.resident.clone());
        metrics
    }

    fn register(&mut self, name: &'static str, metric: impl Metric) {
        let help = TABLE.iter().find(|(known, _)| *known == name).map_or("", |(_, help)| help);
        self.registry.register(name, help, metric);
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, tasks: &Tasks) -> Result<String, Error> {
        let all = tasks.all();
        for state in ["running", "waiting", "ended"] {
            let count = all.iter().filter(|task| task.state == state).count();
            self.tasks.get_or_create(&StateLabel { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let restarts: u64 = all.iter().map(|task| task.restarts).sum();
        self.restarts.inc_by(restarts.saturating_sub(self.restarts.get()));
        if let Some(bytes) = resident_bytes() {
            self.resident.set(bytes);
        }
        let mut out = String::new();
        prometheus_client::encoding::text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// Service and operation come from the models, so that the number of series is bounded.
impl Observer for Metrics {
    fn finished(&self, request: &Finished<'_>) {
        let outcome = match request.status.as_u16() {
            500.. => "error",
            400.. => "fault",
            _ => "success",
        };
        let labels = CallLabels { service: request.service, operation: request.operation, outcome };
        self.calls.get_or_create(&labels).inc();
    }
}

/// Bytes of this process in RAM, where the system tells.
pub(crate) fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_table_is_written() {
        let metrics = Metrics::new();
        metrics.requests.get_or_create(&RequestLabels::of(&Method::PATCH, StatusCode::OK)).inc();
        metrics.finished(&Finished {
            service: "s3",
            operation: "PutObject",
            status: StatusCode::NOT_FOUND,
            code: Some("NoSuchBucket"),
            duration: std::time::Duration::ZERO,
        });
        let text = metrics.text(&Tasks::default()).expect("text");
        assert!(text.contains("operation=\"PutObject\",outcome=\"fault\"} 1"), "{text}");
        for (name, help) in TABLE {
            assert!(text.contains(&format!("# HELP {name} {help}")), "{name} in\n{text}");
        }
        assert!(text.contains("tenon_http_requests_total{method=\"other\",status=\"2xx\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
