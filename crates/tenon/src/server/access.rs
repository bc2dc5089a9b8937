//! One measurement per request, and a line for those who look closely.

use http::{Method, Request, Response};
use tokio::time::Instant;
use wire::Body;

use crate::metrics::{Metrics, RequestLabels};

/// A request in flight. Dropped without [`Record::end`], it was abandoned by its client.
pub(super) struct Record<'a> {
    metrics: &'a Metrics,
    began: Instant,
    method: Method,
    /// Without the query, which may hold a signature.
    path: String,
}

impl<'a> Record<'a> {
    pub(super) fn begin(request: &Request<Body>, metrics: &'a Metrics) -> Self {
        metrics.in_flight.inc();
        Self {
            metrics,
            began: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }
    }

    pub(super) fn end(self, response: &Response<Body>) {
        let seconds = self.began.elapsed().as_secs_f64();
        let status = response.status();
        self.metrics.duration.observe(seconds);
        self.metrics.requests.get_or_create(&RequestLabels::of(&self.method, status)).inc();
        let id =
            ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| response.headers().get(*name));
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let (method, path, status, ms) =
            (self.method.as_str(), &self.path, status.as_u16(), seconds * 1000.0);
        // The protocol layer writes the line that names operation and fault; this one is for what never got there.
        tracing::debug!(target: "tenon::request", method, path, status, ms, request_id = id, "answered");
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}
