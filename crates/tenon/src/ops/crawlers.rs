//! What Glue's API has not, under `/_/crawlers/`: `POST preview` says what a crawl would do, `POST undo` takes back what the
//! last one did. The body is `{"Name": "…"}`.
//! Who may: [`super::admit`].

use std::sync::Arc;

use crawler::{CrawlerError, Crawlers};
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use wire::{Auth, Body};

use super::admit::{self, Refused};

/// Paths that this module answers.
pub(crate) const PREFIX: &str = "/_/crawlers/";
const MAX_BODY_BYTES: u64 = 16 << 10;
/// Previews at work at the same time: each lists a target.
const AT_ONCE: usize = 2;

/// The body of both.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

/// Answers the requests.
pub(crate) struct CrawlerOps {
    crawlers: Crawlers,
    auth: Auth,
    slots: Arc<Semaphore>,
}

impl From<CrawlerError> for Refused {
    fn from(error: CrawlerError) -> Self {
        let (status, code) = match &error {
            CrawlerError::NotFound { .. } => (StatusCode::NOT_FOUND, "EntityNotFoundException"),
            CrawlerError::NothingToUndo { .. } => (StatusCode::CONFLICT, "NothingToUndoException"),
            CrawlerError::ChangedSince { .. } => (StatusCode::CONFLICT, "ConcurrentModificationException"),
            CrawlerError::Running { .. } => (StatusCode::CONFLICT, "CrawlerRunningException"),
            CrawlerError::Invalid { .. } => (StatusCode::BAD_REQUEST, "InvalidInputException"),
            _ => return Self::internal(&error),
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
        admit::reply(self.serve(request).await)
    }

    async fn serve(&self, request: Request<Body>) -> Result<Value, Refused> {
        let action = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let (scope, Named { name }) = admit::admit(&self.auth, request, MAX_BODY_BYTES).await?;
        let document = match action.as_str() {
            "preview" => {
                let closed = |_| CrawlerError::NotRunning { name: name.clone() };
                let _slot = self.slots.acquire().await.map_err(closed)?;
                serde_json::to_value(self.crawlers.preview(&scope, &name).await?)
            }
            "undo" => serde_json::to_value(self.crawlers.undo(&scope, &name).await?),
            _ => return Err(Refused::unknown()),
        };
        document.map_err(|source| CrawlerError::Corrupt { what: "report", source }.into())
    }
}
