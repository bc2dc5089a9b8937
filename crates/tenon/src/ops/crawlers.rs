//! What Glue's API has not, under `/_/crawlers/`: `POST preview` says what a crawl would do, `POST undo` takes back what the
//! last one did. The body is `{"Name": "…"}`.
//!
//! Unlike the endpoints that only tell how the server is, these speak of somebody's data: requests are admitted as Glue's
//! are, and must carry an `Authorization` header in any mode, so that no web page can send them.

use std::sync::Arc;

use crawler::{CrawlerError, Crawlers};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use store::{Clock as _, Scope, SystemClock};
use tokio::sync::Semaphore;
use wire::sigv4::Caller;
use wire::{Auth, Body, Dialect};

/// Paths that this module answers.
pub(crate) const PREFIX: &str = "/_/crawlers/";
const MAX_BODY_BYTES: u64 = 16 << 10;
/// Previews at work at the same time: each lists a target.
const AT_ONCE: usize = 2;

/// Answers the requests.
pub(crate) struct CrawlerOps {
    crawlers: Crawlers,
    auth: Auth,
    slots: Arc<Semaphore>,
}

/// A refusal: status, code, message.
struct Refused(StatusCode, &'static str, String);

impl From<CrawlerError> for Refused {
    fn from(error: CrawlerError) -> Self {
        let (status, code) = match &error {
            CrawlerError::NotFound { .. } => (StatusCode::NOT_FOUND, "EntityNotFoundException"),
            CrawlerError::NothingToUndo { .. } => (StatusCode::CONFLICT, "NothingToUndoException"),
            CrawlerError::ChangedSince { .. } => (StatusCode::CONFLICT, "ConcurrentModificationException"),
            CrawlerError::Running { .. } => (StatusCode::CONFLICT, "CrawlerRunningException"),
            CrawlerError::Invalid { .. } => (StatusCode::BAD_REQUEST, "InvalidInputException"),
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "an operator's request failed");
                let message = "the request failed; the server's log has the cause".to_owned();
                return Self(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceException", message);
            }
        };
        Self(status, code, error.to_string())
    }
}

impl CrawlerOps {
    pub(crate) fn new(crawlers: Crawlers, auth: Auth) -> Self {
        Self { crawlers, auth, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Answers a request below [`PREFIX`]; never fails.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (status, document) = match self.serve(request).await {
            Ok(document) => (StatusCode::OK, document),
            Err(Refused(status, code, message)) => (status, json!({ "__type": code, "message": message })),
        };
        let mut response = Response::new(Body::from(document.to_string().into_bytes()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn serve(&self, request: Request<Body>) -> Result<Value, Refused> {
        let action = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        if request.method() != Method::POST {
            let message = "this endpoint answers POST only".to_owned();
            return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message));
        }
        let (scope, name) = self.admitted(request).await?;
        let document = match action.as_str() {
            "preview" => {
                let closed = |_| CrawlerError::NotRunning { name: name.clone() };
                let _slot = self.slots.acquire().await.map_err(closed)?;
                serde_json::to_value(self.crawlers.preview(&scope, &name).await?)
            }
            "undo" => serde_json::to_value(self.crawlers.undo(&scope, &name).await?),
            _ => {
                let message = "there is no such operator endpoint; see /_/".to_owned();
                return Err(Refused(StatusCode::NOT_FOUND, "NotFound", message));
            }
        };
        document.map_err(|source| CrawlerError::Corrupt { what: "report", source }.into())
    }

    async fn admitted(&self, request: Request<Body>) -> Result<(Scope, String), Refused> {
        let denied = |message: String| Refused(StatusCode::FORBIDDEN, "AccessDeniedException", message);
        if !request.headers().contains_key(AUTHORIZATION) {
            return Err(denied("the request must carry an Authorization header, as for AWS Glue".to_owned()));
        }
        let now_ms = SystemClock.now_ms();
        let admitted = self.auth.admit(request, Dialect::Generic, now_ms, MAX_BODY_BYTES).await;
        let mut admitted = admitted.map_err(|error| denied(error.to_string()))?;
        let Caller { account, region, .. } = admitted.caller;
        let invalid = |message: String| Refused(StatusCode::BAD_REQUEST, "InvalidInputException", message);
        let scope = Scope::new(account.as_str(), region.as_str()).map_err(|e| invalid(e.to_string()))?;
        let body = admitted.request.body_mut().read_all(MAX_BODY_BYTES).await;
        let body = body.map_err(|error| invalid(error.to_string()))?;
        let document: Value = serde_json::from_slice(&body)
            .map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
        let name = document.get("Name").and_then(Value::as_str);
        let name = name.ok_or_else(|| invalid("the body must be {\"Name\": \"<crawler>\"}".to_owned()))?;
        Ok((scope, name.to_owned()))
    }
}
