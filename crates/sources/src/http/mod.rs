//! HTTP to servers outside: one request and its whole reply, bounded in time and size, repeated with patience.
//!
//! # Invariants
//! - Redirects are not followed here: what may go where is for the caller to say.
//! - A guarded client ([`Reach::guarded`]) connects to no link-local or metadata address, whatever a name resolves to.
//! - Messages name a place without its query, which may hold a key.
//!
//! # Omitted on purpose
//! Proxies of the environment (nothing but the configuration decides where bytes go), compression, cookies.

mod address;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};

pub use address::Reach;
use address::{Guard, Refused};

/// How long making a connection may take.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// How long one request may take, its reply included.
const MAX_REQUEST: Duration = Duration::from_secs(60);
/// The most that is read of a reply that nobody looks at.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// What can go wrong with one request. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody answers there, or not in HTTP or TLS.
    #[error("cannot reach {place}: {reason}")]
    Unreachable {
        /// The address without its query.
        place: String,
        /// The reason in the words of the system.
        reason: String,
    },
    /// The server was too slow.
    #[error("{place} did not answer within {seconds} seconds")]
    Timeout {
        /// The address without its query.
        place: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The reply ended before its end.
    #[error("the reply of {place} breaks off: {reason}")]
    Broken {
        /// The address without its query.
        place: String,
        /// The reason in the words of the system.
        reason: String,
    },
    /// The reply is larger than what is taken.
    #[error("the reply of {place} is larger than {limit} bytes")]
    TooLarge {
        /// The address without its query.
        place: String,
        /// The most that is taken.
        limit: usize,
    },
    /// The address is one that requests do not go to.
    #[error("no request goes to {place}: {address} is {why}")]
    Forbidden {
        /// The address without its query.
        place: String,
        /// What the host is or resolves to.
        address: std::net::IpAddr,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The client cannot be made, or a request not put together.
    #[error("cannot make a request: {reason}")]
    Setup {
        /// The reason.
        reason: String,
    },
}

impl HttpError {
    /// Whether the same request may succeed in a moment.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. })
    }
}

/// How often a request is repeated.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Requests in all.
    pub attempts: u32,
    /// The first wait; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait, also when the server asks for more.
    pub max_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 5, first_wait: Duration::from_millis(250), max_wait: Duration::from_secs(60) }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A client. Clones share connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    reach: Reach,
    patience: Patience,
}

/// An address for messages: without user, query and fragment.
pub(crate) fn place(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    // Fails for addresses without a host only, which have no user either.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.to_string()
}

impl Http {
    /// Makes a client; it connects with its first request.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when the system's certificates cannot be read.
    pub fn new(reach: Reach, patience: Patience) -> Result<Self, HttpError> {
        let client = reqwest::Client::builder()
            .use_rustls_tls()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(MAX_CONNECT)
            .timeout(MAX_REQUEST)
            .user_agent(concat!("tenon/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Guard(reach)))
            .build()
            .map_err(|error| HttpError::Setup { reason: reason(&error) })?;
        Ok(Self { client, reach, patience })
    }

    /// Sends a request once.
    async fn send_once(&self, request: &Request, max_bytes: usize) -> Result<Reply, HttpError> {
        let place = place(&request.url);
        // A host that is an address is not resolved.
        if let Some((address, why)) = self.reach.refuses_host(&request.url) {
            return Err(HttpError::Forbidden { place, address, why });
        }
        let sent = self.client.request(request.method.clone(), request.url.clone());
        let sent = sent.headers(request.headers.clone()).body(request.body.clone()).send().await;
        let mut response = sent.map_err(|error| failed(&place, &error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(Reply { status, headers, body }),
                Ok(Some(piece)) if body.len() + piece.len() > max_bytes => {
                    return Err(HttpError::TooLarge { place, limit: max_bytes });
                }
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Err(error) if error.is_timeout() => return Err(slow(place)),
                Err(error) => return Err(HttpError::Broken { place, reason: reason(&error) }),
            }
        }
    }

    /// Sends a request, again after a pause while `is_busy` says so of the reply, or it did not come through. The last
    /// reply is returned, busy or not.
    pub(crate) async fn send(
        &self,
        request: &Request,
        max_bytes: usize,
        is_busy: impl Fn(&Reply) -> bool,
    ) -> Result<Reply, HttpError> {
        let mut pause = self.patience.first_wait;
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(request, max_bytes).await;
            let asked = match &outcome {
                Ok(reply) if is_busy(reply) => retry_after(&reply.headers),
                Err(error) if error.may_pass() => None,
                _ => return outcome,
            };
            let wait = asked.unwrap_or(pause);
            if attempt >= self.patience.attempts || wait > self.patience.max_wait {
                return outcome;
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(self.patience.max_wait);
            attempt += 1;
        }
    }
}

impl Http {
    /// Posts a document, with a key as a bearer token if one is given; the status of the reply, whatever it is.
    ///
    /// # Errors
    /// [`HttpError`] when there is no reply.
    pub async fn post_json(
        &self,
        url: &Url,
        key: Option<&str>,
        document: &serde_json::Value,
    ) -> Result<u16, HttpError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = key {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| HttpError::Setup { reason: "the key cannot be sent".to_owned() })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let body = document.to_string().into_bytes();
        let request = Request { method: Method::POST, url: url.clone(), headers, body };
        Ok(self.send(&request, MAX_ANSWER_BYTES, |reply| is_busy(reply.status)).await?.status)
    }
}

/// Whether a status stands for a server that will do better soon. Source: RFC 6585 §4, RFC 9110 §15.6.
pub(crate) fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// What `Retry-After` asks for: seconds, or a moment, which counts from the server's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
    let now = moment(headers.get(DATE)?.to_str().ok()?)?;
    Some((moment(text)? - now).to_std().unwrap_or(Duration::ZERO))
}

fn slow(place: String) -> HttpError {
    HttpError::Timeout { place, seconds: MAX_REQUEST.as_secs() }
}

fn failed(place: &str, error: &reqwest::Error) -> HttpError {
    let place = place.to_owned();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(Refused { address, why }) = inner.downcast_ref::<Refused>() {
            return HttpError::Forbidden { place, address: *address, why };
        }
        cause = inner.source();
    }
    match error {
        error if error.is_timeout() && error.is_connect() => {
            HttpError::Timeout { place, seconds: MAX_CONNECT.as_secs() }
        }
        error if error.is_timeout() => slow(place),
        error if error.is_builder() => HttpError::Setup { reason: reason(error) },
        error => HttpError::Unreachable { place, reason: reason(error) },
    }
}

/// The innermost cause: the outer ones repeat the address, and say little.
fn reason(error: &reqwest::Error) -> String {
    let mut text = None;
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| match error {
        error if error.is_connect() => "no connection".to_owned(),
        error if error.is_body() || error.is_decode() => "the body cannot be read".to_owned(),
        _ => "the request failed".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_no_secret() {
        let url = Url::parse("https://me:hunter2@h:8443/a/b?api_key=hunter2#hunter2").unwrap();
        assert_eq!(place(&url), "https://h:8443/a/b");
    }

    #[test]
    fn servers_say_how_long_to_wait() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            headers
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (given, wanted) in [
            (headers(&[]), None),
            (headers(&[("retry-after", "7")]), Some(7)),
            (headers(&[("retry-after", "soon")]), None),
            (headers(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")]), Some(23)),
            (headers(&[date, ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")]), Some(0)),
            (headers(&[("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")]), None),
        ] {
            assert_eq!(retry_after(&given), wanted.map(Duration::from_secs), "{given:?}");
        }
    }
}
