//! Requests under `/_/` that speak of somebody's data: admitted as AWS's are, answered in JSON.
//!
//! They must carry an `Authorization` header in any mode, so that no web page can send them.

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{Clock as _, Scope, SystemClock};
use wire::sigv4::Caller;
use wire::{Auth, Body, Dialect};

/// A refusal: status, code, message.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) &'static str, pub(crate) String);

impl Refused {
    /// A request that means nothing.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, "InvalidInputException", message.into())
    }

    /// A path that is nobody's.
    pub(crate) fn unknown() -> Self {
        let message = "there is no such operator endpoint; see /_/".to_owned();
        Self(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// A failure whose cause is for the log alone.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "an operator's request failed");
        let message = "the request failed; the server's log has the cause".to_owned();
        Self(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceException", message)
    }
}

/// Lets a `POST` in, and reads its JSON body of at most `max_bytes`.
pub(crate) async fn admit<T: DeserializeOwned>(
    auth: &Auth,
    request: Request<Body>,
    max_bytes: u64,
) -> Result<(Scope, T), Refused> {
    let (scope, _, document) = admit_key(auth, request, max_bytes).await?;
    Ok((scope, document))
}

/// [`admit`], and the access key id that the request came with.
pub(crate) async fn admit_key<T: DeserializeOwned>(
    auth: &Auth,
    request: Request<Body>,
    max_bytes: u64,
) -> Result<(Scope, Option<String>, T), Refused> {
    if request.method() != Method::POST {
        let message = "this endpoint answers POST only".to_owned();
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message));
    }
    let denied = |message: String| Refused(StatusCode::FORBIDDEN, "AccessDeniedException", message);
    if !request.headers().contains_key(AUTHORIZATION) {
        return Err(denied("the request must carry an Authorization header, as for AWS Glue".to_owned()));
    }
    let admitted = auth.admit(request, Dialect::Generic, SystemClock.now_ms(), max_bytes).await;
    let mut admitted = admitted.map_err(|error| denied(error.to_string()))?;
    let Caller { account, region, access_key, .. } = admitted.caller;
    let scope =
        Scope::new(account.as_str(), region.as_str()).map_err(|error| Refused::invalid(error.to_string()))?;
    let body = admitted.request.body_mut().read_all(max_bytes).await;
    let body = body.map_err(|error| Refused::invalid(error.to_string()))?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Refused::invalid(format!("the body is not what is expected: {error}")))?;
    Ok((scope, access_key, document))
}

/// The answer to a request.
pub(crate) fn reply(result: Result<Value, Refused>) -> Response<Body> {
    let (status, document) = match result {
        Ok(document) => (StatusCode::OK, document),
        Err(Refused(status, code, message)) => (status, json!({ "__type": code, "message": message })),
    };
    let mut response = Response::new(Body::from(document.to_string().into_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
