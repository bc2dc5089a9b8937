//! Runs a statement to its result, which is staged but not yet visible.

use lake::{Lake, Staged};
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

use super::{RunError, ddl, select};
use crate::execution::ResultColumn;
use crate::sql::{self, Statement};

/// What statements run on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) engine: engine::Engine,
}

/// One statement to run.
pub(crate) struct Request<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) query: &'a str,
    /// The database of names without one.
    pub(crate) database: &'a str,
    pub(crate) cancel: CancellationToken,
}

/// A statement's result.
pub(crate) struct Outcome {
    /// The result file.
    pub(crate) file: Staged,
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) rows: u64,
    pub(crate) scanned_bytes: u64,
    pub(crate) planning_ms: i64,
}

pub(crate) async fn run(ground: &Ground, request: &Request<'_>) -> Result<Outcome, RunError> {
    match sql::parse(request.query)? {
        Statement::Select(query) => select::run(ground, request, *query).await,
        Statement::Ddl(ddl) => {
            let shown = ddl::run(ground, request, ddl).await?;
            let rows = shown.lines.len() as u64;
            let file = crate::results::text_result(&ground.lake, &shown.lines).await?;
            Ok(Outcome { file, columns: shown.columns, rows, scanned_bytes: 0, planning_ms: 0 })
        }
    }
}
