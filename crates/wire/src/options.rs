//! What a [`crate::Wire`] is told from outside.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::route::host::DEFAULT_HOSTS;
use crate::sigv4::Auth;

/// Bytes of request documents in memory at once: 32 of the largest, or a million of the usual ones.
const DOCUMENTS_BYTES: u64 = 256 << 20;

/// Gives the time: epoch milliseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Makes ids: each call gives a new UUID as text.
pub type NewId = Arc<dyn Fn() -> String + Send + Sync>;

/// A request that has been answered. Names come from closed sets, so that they may label metrics.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// Name of the model; `-` for a service that this server does not know.
    pub service: &'static str,
    /// Name of the operation; `-` when the request named none that exists.
    pub operation: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// Code of the fault; `None` for success.
    pub code: Option<&'a str>,
    /// From the head of the request to the head of the response; streaming bodies go on after it.
    pub duration: Duration,
}

/// Is told of every finished request. Called on the request's own task: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// Counts one finished request.
    fn finished(&self, request: &Finished<'_>);
}

/// Options of a [`crate::Wire`].
#[derive(Clone)]
pub struct Options {
    /// Who is let in.
    pub auth: Auth,
    /// The clock that signatures are checked against.
    pub now: Now,
    /// Hosts that the server is called by, without port: `bucket.<host>` addresses a bucket.
    pub hosts: Vec<String>,
    /// Longest request documents by model name, in bytes, in place of wire's own limits. Objects are not limited.
    pub body_limits_bytes: Vec<(String, u64)>,
    /// Most bytes of request documents in memory at once; what is beyond is refused as throttled.
    pub documents_bytes: u64,
    /// Makes the ids of requests, and the idempotency tokens of clients that send none.
    pub ids: NewId,
    /// Answer an internal fault when a reply or fault does not fit the model: for tests. Otherwise it is logged.
    pub strict: bool,
    /// Operations that are not built and what to do instead, by model and name, for their errors.
    pub instead: &'static [(&'static str, &'static str, &'static str)],
    /// Is told of finished requests.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Options {
    /// Options with the default hosts (`localhost`, `localhost.localstack.cloud`, `s3.amazonaws.com`) and limits, not
    /// strict, not observed. `now` gives epoch milliseconds, `ids` a new UUID.
    pub fn new(
        auth: Auth,
        now: impl Fn() -> i64 + Send + Sync + 'static,
        ids: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            auth,
            now: Arc::new(now),
            hosts: DEFAULT_HOSTS.iter().map(|host| (*host).to_owned()).collect(),
            body_limits_bytes: Vec::new(),
            documents_bytes: DOCUMENTS_BYTES,
            ids: Arc::new(ids),
            strict: false,
            instead: &[],
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("auth", &self.auth)
            .field("hosts", &self.hosts)
            .field("body_limits_bytes", &self.body_limits_bytes)
            .field("documents_bytes", &self.documents_bytes)
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}
