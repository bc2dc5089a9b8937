//! Requests that are not AWS's but have AWS's signatures: read whole, for faces that speak a protocol of their own.

use bytes::Bytes;
use http::Request;
use http::request::Parts;

use crate::body::Body;
use crate::budget::Share;
use crate::sigv4::{self, Auth, AuthError, Caller, Dialect};
use crate::wire::Wire;

/// A request that was let in, with its whole body.
#[derive(Debug)]
pub struct Whole {
    /// Who sent it.
    pub caller: Caller,
    /// Method, path, query and headers.
    pub parts: Parts,
    /// The body.
    pub body: Bytes,
    /// The host that the client called, with its port.
    pub host: Option<String>,
    /// What the body takes of the bytes that all requests may hold together.
    _share: Share,
}

impl Wire {
    /// Lets a request in under the same rules as AWS's: signed for `service` by a known key, unless anybody is let in.
    /// Errors: see [`Auth::admit`]; `Body(TooLarge)` beyond `limit` bytes, `Body(Busy)`.
    pub async fn admit_whole(
        &self,
        request: Request<Body>,
        service: &str,
        limit: u64,
    ) -> Result<Whole, AuthError> {
        let mut share = self.budget.share();
        let auth = &self.options.auth;
        let now_ms = (self.options.now)();
        let admitted = auth.admit_shared(request, Dialect::Generic, now_ms, limit, &mut share).await?;
        let (parts, mut body) = admitted.request.into_parts();
        let body = match auth {
            Auth::Open => body.read_shared(limit, &mut share).await?,
            Auth::SigV4(_) => {
                let signed = sigv4::credential(&parts).map(|credential| credential.service);
                if signed.as_deref() != Some(service) {
                    let what = format!("Credential should be scoped to correct service: '{service}'.");
                    return Err(AuthError::HeaderMalformed { what });
                }
                // Read already, for its hash.
                body.read_all(limit).await?
            }
        };
        let host = sigv4::host(&parts).map(str::to_owned);
        Ok(Whole { caller: admitted.caller, parts, body, host, _share: share })
    }
}
