//! The operator's endpoints, all unsigned and read-only: under `/_/` ours, under `/_localstack/` those that tools for
//! local clouds look for. No bucket name may begin with an underscore, and a request whose host names a bucket is S3's
//! whatever its path, so neither hides anybody's data.
//!
//! | path | answers |
//! |---|---|
//! | `/_/` | a status page |
//! | `/_/health` | 200 while the process works |
//! | `/_/ready` | 200 while requests are welcome, else 503 |
//! | `/_/metrics` | Prometheus text |
//! | `/_/capabilities` | every operation of each served model: built or not, what each request field does |
//! | `/_/crawlers/preview`, `/_/crawlers/undo` | not unsigned, not read-only: see [`crawlers`] |
//! | `/_/jobs/…` | not unsigned, not read-only: see [`jobs`] |
//! | `/_/scripts/…` | not unsigned, not read-only: see [`scripts`], [`script_frames`] |
//! | `/_/status` | the status page's facts as JSON |
//! | `/_/iceberg/…` | the Iceberg REST catalog: `api::iceberg`, not this module; it writes, and asks for signatures |
//! | `/_localstack/health`, `/_localstack/info` | served services; version and uptime |

mod admit;
pub(crate) mod crawlers;
pub(crate) mod jobs;
mod page;
mod script_files;
mod script_frames;
mod script_tables;
pub(crate) mod scripts;
#[cfg(test)]
mod tests;

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use wire::Body;

use crate::metrics::resident_bytes;
use crate::node::{Node, ServiceSummary, VERSION};

/// Whether a request is the operator's; `base_hosts` are the hosts that the server is called by.
pub(crate) fn owns<B>(request: &Request<B>, base_hosts: &[String]) -> bool {
    let path = request.uri().path();
    let is_ours = ["/_/", "/_localstack/"].iter().any(|prefix| path.starts_with(prefix)) || path == "/_";
    is_ours && !wire::names_bucket(request, base_hosts)
}

/// Answers a request to one of the endpoints.
pub(crate) fn answer(request: &Request<Body>, node: &Node) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = problem(StatusCode::METHOD_NOT_ALLOWED, "this endpoint answers GET and HEAD only");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let mut response = match request.uri().path() {
        "/_/metrics" => metrics(request, node),
        path => get(path, node),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn get(path: &str, node: &Node) -> Response<Body> {
    match path {
        "/_" | "/_/" => typed(StatusCode::OK, "text/html; charset=utf-8", page::render(node)),
        "/_/health" => document(StatusCode::OK, &json!({ "status": "ok", "version": VERSION })),
        "/_/ready" => {
            let ready = node.is_ready();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            document(status, &json!({ "ready": ready }))
        }
        "/_/capabilities" => document(StatusCode::OK, &node.capabilities),
        "/_/status" => document(StatusCode::OK, &status(node)),
        "/_localstack/health" => document(StatusCode::OK, &localstack_health(&node.services)),
        "/_localstack/info" => document(StatusCode::OK, &localstack_info(node)),
        _ => problem(StatusCode::NOT_FOUND, "there is no such operator endpoint; see /_/"),
    }
}

/// OpenMetrics for those who ask for it, else Prometheus's own text format.
fn metrics(request: &Request<Body>, node: &Node) -> Response<Body> {
    let Ok(text) = node.metrics.text(&node.tasks) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written");
    };
    let accepted = request.headers().get_all(ACCEPT);
    let asks =
        |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("application/openmetrics-text"));
    if accepted.iter().any(asks) {
        return typed(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text);
    }
    typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", prometheus_text(&text))
}

/// The older format names a counter with its `_total` in the comments too, and has no end mark.
fn prometheus_text(openmetrics: &str) -> String {
    let counter = |name: &str| openmetrics.contains(&format!("# TYPE {name} counter\n"));
    let line = |line: &str| match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
        ["#", "EOF"] => None,
        ["#", word, name, rest] if counter(name) => Some(format!("# {word} {name}_total {rest}\n")),
        _ => Some(format!("{line}\n")),
    };
    openmetrics.lines().filter_map(line).collect()
}

/// The facts of the status page.
fn status(node: &Node) -> Value {
    let services: Vec<Value> = node
        .services
        .iter()
        .map(|service| json!({ "name": service.name, "built": service.built, "known": service.known }))
        .collect();
    let tasks: Vec<Value> = node
        .tasks
        .all()
        .into_iter()
        .map(|task| {
            json!({ "name": task.name, "state": task.state, "restarts": task.restarts, "last_error": task.last_error })
        })
        .collect();
    json!({
        "version": VERSION,
        "ready": node.is_ready(),
        "address": node.address.to_string(),
        "data": node.data,
        "durable": node.durable,
        "access": node.access,
        "uptime_seconds": node.started.elapsed().as_secs(),
        "started_ms": node.started_ms,
        "resident_bytes": resident_bytes(),
        "connections": node.metrics.connections.get(),
        "services": services,
        "tasks": tasks,
    })
}

fn localstack_health(services: &[ServiceSummary]) -> Value {
    let running: serde_json::Map<String, Value> = services
        .iter()
        .filter(|service| service.built > 0)
        .map(|service| (service.name.clone(), Value::from("running")))
        .collect();
    json!({ "services": running, "edition": "tenon", "version": VERSION })
}

fn localstack_info(node: &Node) -> Value {
    let now = chrono::DateTime::from_timestamp_millis(node.clock.now_ms());
    json!({
        "version": VERSION,
        "edition": "tenon",
        "is_license_activated": false,
        "session_id": format!("{}-{}", std::process::id(), node.started_ms),
        "system": std::env::consts::OS,
        "is_docker": false,
        "server_time_utc": now.map(|time| time.format("%Y-%m-%dT%H:%M:%S").to_string()),
        "uptime": node.started.elapsed().as_secs(),
    })
}

fn document(status: StatusCode, value: &Value) -> Response<Body> {
    typed(status, "application/json", value.to_string())
}

fn problem(status: StatusCode, message: &str) -> Response<Body> {
    document(status, &json!({ "error": message }))
}

fn typed(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
