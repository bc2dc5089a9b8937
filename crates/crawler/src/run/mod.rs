//! One run: survey the targets, plan, publish. See the crate's page for the whole.

mod changes;
mod decide;
mod describe;
mod existing;
mod explain;
mod incremental;
mod keys;
mod log;
mod look;
mod publish;
mod survey;
mod vanished;

use std::collections::HashSet;
use std::sync::Arc;

use formats::InferOptions;
use lake::Lake;
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

use crate::classifier::{self, Classifier};
use crate::definition::{Configuration, Definition};
use crate::error::CrawlerError;
use crate::history::Crawl;
use crate::plan::Grouping;
use crate::preview::TargetReport;
use crate::rows;

use survey::{Looked, Place};

pub(crate) use changes::Aim;
pub(crate) use log::RunLog;
pub use log::{BoxError, Logs};

/// What runs stand on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) logs: Arc<dyn Logs>,
    /// Which build of the program this is.
    pub(crate) build: Arc<str>,
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
    pub(crate) aim: Aim<'a>,
    /// Whether the crawler has completed a run before this one.
    pub(crate) again: bool,
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

/// Carries a run out. Returns what a preview found, per target.
pub(crate) async fn crawl(job: &Job<'_>) -> Result<Vec<TargetReport>, Ended> {
    let definition = job.definition;
    job.log.info(format!("BENCHMARK : Running Start Crawl for Crawler {}", definition.name));
    store::crash::point("crawl.started");
    let settings = definition.settings()?;
    let mut looked = Looked { ways: Arc::new(ways(job).await?), ..Looked::default() };
    let mut reports = Vec::new();
    if definition.is_incremental() && job.again {
        return new_folders(job, looked).await;
    }
    let grouping = Grouping { table_level: settings.table_level, combine: settings.combine };
    let mut plans = Vec::new();
    for target in &definition.targets.s3_targets {
        plans.extend(survey::tables(job, &Place::of(target)?, grouping, &mut looked).await?);
        reports.extend(looked.report.take());
        job.log.flush().await;
    }
    for target in &definition.targets.catalog_targets {
        plans.extend(existing::survey(job, target, &mut looked).await?);
        reports.extend(looked.report.take());
        job.log.flush().await;
    }
    count_files(job, &looked).await?;
    // Targets may overlap.
    let mut seen = HashSet::new();
    plans.retain(|found| {
        let owner = found.owner.as_ref().map(|table| table.uid);
        seen.insert((found.bucket.clone(), found.plan.path.clone(), owner))
    });
    store::crash::point("crawl.surveyed");
    check_threshold(&settings, plans.len())?;
    job.log
        .info(format!("BENCHMARK : Classification complete, writing results to database {}", job.database()));
    if plans.is_empty() {
        job.log.warn("No tables were found: the targets hold no file that could be read");
    }
    publish::all(job, &settings, plans).await?;
    job.log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(job).await?;
    Ok(reports)
}

/// A later crawl of a crawler with `CRAWL_NEW_FOLDERS_ONLY`.
async fn new_folders(job: &Job<'_>, mut looked: Looked) -> Result<Vec<TargetReport>, Ended> {
    let known = incremental::Known::read(job).await?;
    let mut new = Vec::new();
    for target in &job.definition.targets.s3_targets {
        new.extend(incremental::tables(job, &known, &Place::of(target)?, &mut looked).await?);
        job.log.flush().await;
    }
    count_files(job, &looked).await?;
    store::crash::point("crawl.surveyed");
    for (found, table) in &new {
        incremental::publish(job, found, table).await?;
    }
    job.log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(job).await?;
    Ok(Vec::new())
}

/// Set, not added: a run that is taken up again looks at everything again.
async fn count_files(job: &Job<'_>, looked: &Looked) -> Result<(), CrawlerError> {
    job.log.info(format!("INFO : {} files found, {} of them read", looked.files, looked.read));
    let left_out = looked.left_out.clone();
    job.count(|counts| {
        (counts.files, counts.files_read, counts.left_out) = (looked.files, looked.read, left_out)
    })
    .await
}

/// Source: Glue Developer Guide, Specifying the maximum number of tables the crawler is allowed to create.
fn check_threshold(settings: &Configuration, found: usize) -> Result<(), Ended> {
    match settings.table_threshold {
        Some(most) if found as u64 > most => Err(Ended::Failed(format!(
            "The number of tables detected by crawler: {found} is greater than the table threshold value provided: \
             {most}. If the table threshold is not sufficient, update the crawler's TableThreshold; nothing was written."
        ))),
        _ => Ok(()),
    }
}

/// How the crawler's classifiers look at a file. Errors: one of them is gone.
async fn ways(job: &Job<'_>) -> Result<Vec<InferOptions>, CrawlerError> {
    let mut tx = job.ground.store.read().await?;
    let found = classifier::get_all(&mut tx, job.scope, &job.definition.classifiers).await?;
    found.iter().map(Classifier::way).collect()
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
