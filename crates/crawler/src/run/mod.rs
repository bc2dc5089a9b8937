//! One run: survey the targets, plan, publish. See the crate's page for the whole.

mod describe;
mod keys;
mod log;
mod publish;
mod survey;
mod vanished;

use std::collections::HashSet;
use std::sync::Arc;

use lake::Lake;
use store::lease::Lease;
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

use crate::definition::Definition;
use crate::error::CrawlerError;
use crate::history::Crawl;
use crate::rows;

use survey::Looked;

pub(crate) use log::RunLog;
pub use log::{BoxError, Logs};

/// What runs stand on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) logs: Arc<dyn Logs>,
}

/// How a run ended, unless well.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was told to.
    Stopped,
    /// Somebody else holds its lease.
    Lost,
    /// With this message.
    Failed(String),
}

impl From<CrawlerError> for Ended {
    fn from(error: CrawlerError) -> Self {
        if let CrawlerError::Store(store::StoreError::LeaseLost { .. }) = error {
            return Self::Lost;
        }
        // The message reaches clients: a cause within the server goes to its own log.
        if let CrawlerError::Store(_) | CrawlerError::Corrupt { .. } = &error {
            tracing::error!(error = &error as &dyn std::error::Error, "a crawl failed");
            return Self::Failed("Internal service error; the server's log has the cause".to_owned());
        }
        Self::Failed(error.to_string())
    }
}

/// What one run works with.
pub(crate) struct Job<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) scope: &'a Scope,
    pub(crate) definition: &'a Definition,
    pub(crate) crawl: &'a Crawl,
    pub(crate) lease: &'a Lease,
    pub(crate) log: &'a RunLog,
    pub(crate) cancel: &'a CancellationToken,
}

impl Job<'_> {
    pub(crate) fn database(&self) -> &str {
        self.definition.database_name.as_deref().unwrap_or("default")
    }

    pub(crate) fn go_on(&self) -> Result<(), Ended> {
        if self.cancel.is_cancelled() { Err(Ended::Stopped) } else { Ok(()) }
    }
}

/// Carries a run out.
pub(crate) async fn crawl(
    ground: &Ground,
    scope: &Scope,
    definition: &Definition,
    crawl: &Crawl,
    lease: &Lease,
    log: &RunLog,
    cancel: &CancellationToken,
) -> Result<(), Ended> {
    let job = Job { ground, scope, definition, crawl, lease, log, cancel };
    log.info(format!("BENCHMARK : Running Start Crawl for Crawler {}", definition.name));
    store::crash::point("crawl.started");
    let settings = definition.settings()?;
    let mut plans = Vec::new();
    let mut looked = Looked::default();
    for target in &definition.targets.s3_targets {
        plans.extend(survey::target(&job, target, &settings, &mut looked).await?);
        log.flush().await;
    }
    // Set, not added: a run that is taken up again looks at everything again.
    publish::count(&job, |counts| (counts.files, counts.left_out) = (looked.files, looked.left_out)).await?;
    // Targets may overlap.
    let mut seen = HashSet::new();
    plans.retain(|found| seen.insert((found.bucket.clone(), found.plan.path.clone())));
    store::crash::point("crawl.surveyed");
    log.info(format!("BENCHMARK : Classification complete, writing results to database {}", job.database()));
    if plans.is_empty() {
        log.warn("No tables were found: the targets hold no file that could be read");
    }
    publish::all(&job, &settings, plans).await?;
    log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(&job).await
}

/// The last word on a run that went well: what it did not take in.
async fn say_left_out(job: &Job<'_>) -> Result<(), Ended> {
    let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
    let Some(crawl) = rows::run(&mut tx, job.scope, job.crawl).await? else { return Ok(()) };
    let counts = crawl.counts;
    let left_out = counts.files_left_out();
    if left_out > 0 {
        let reasons: Vec<String> = counts.left_out.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        job.log.warn(format!(
            "{left_out} of {} files were left out ({}); ERROR lines above name them. A query reads all files below \
             its table's location, also these",
            counts.files,
            reasons.join(", ")
        ));
    }
    Ok(())
}
