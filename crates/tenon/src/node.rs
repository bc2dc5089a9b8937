//! What the operator endpoints show of a running server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// Whether any credentials will do.
    pub(crate) open: bool,
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
    /// Where clients on this machine find the server; one that listens everywhere is found on loopback.
    pub(crate) fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    /// Whether requests may be sent: true from the end of start-up to the beginning of the stop.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// The URL of an address, as seen from this machine.
pub(crate) fn endpoint(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_clients_can_use() {
        let of = |text: &str| endpoint(text.parse().expect("an address"));
        assert_eq!(of("0.0.0.0:4566"), "http://127.0.0.1:4566");
        assert_eq!(of("[::]:80"), "http://[::1]:80");
        assert_eq!(of("192.168.1.2:80"), "http://192.168.1.2:80");
    }
}
