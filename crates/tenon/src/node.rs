//! What the operator endpoints show of a running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::supervisor::Tasks;

/// Version of this binary.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Facts about the running server; shared by its endpoints.
pub(crate) struct Node {
    pub(crate) started: Instant,
    pub(crate) started_ms: i64,
    pub(crate) address: SocketAddr,
    /// Where data is, for people.
    pub(crate) data: String,
    pub(crate) durable: bool,
    /// Who is let in, for people.
    pub(crate) access: String,
    /// Names of the services that are served.
    pub(crate) services: Vec<ServiceSummary>,
    /// What `/_/capabilities` answers.
    pub(crate) capabilities: Value,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ready: AtomicBool,
    pub(crate) clock: Arc<dyn store::Clock>,
}

/// One service in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceSummary {
    /// Model name, such as `glue`.
    pub(crate) name: String,
    /// Operations that are built.
    pub(crate) built: usize,
    /// Operations in AWS's model.
    pub(crate) known: usize,
}

impl Node {
    /// Whether requests may be sent: true from the end of start-up to the beginning of the stop.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}
