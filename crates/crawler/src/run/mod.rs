//! One run: survey the targets, plan, publish. See the crate's page for the whole.

mod changed;
mod changes;
mod covers;
mod decide;
mod describe;
mod events;
mod existing;
mod explain;
mod grouped;
mod headless;
mod incremental;
mod keys;
mod known;
mod log;
mod look;
mod naming;
mod open;
mod place;
mod publish;
mod reads;
mod ready;
mod sizes;
mod survey;
mod takes;
mod unread;
mod vanished;
mod widened;
mod written;

use std::collections::HashSet;
use std::sync::Arc;

use formats::InferOptions;
use lake::Lake;
use sources::dynamodb::DynamoDb;
use sources::http::Reach;
use store::vault::Vault;
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

use crate::classifier::{self, Classifier};
use crate::definition::{Configuration, Definition};
use crate::error::CrawlerError;
use crate::history::Crawl;
use crate::plan::Grouping;
use crate::preview::TargetReport;
use crate::rows;
use crate::targets;

use look::Ways;
use ready::Discovery;
use survey::{Looked, Place};
use vanished::Gone;

pub(crate) use changes::Aim;
pub(crate) use describe::{UPDATED_BY, of_shape};
pub use events::{EventMessage, EventQueues};
pub(crate) use log::RunLog;
pub use log::{BoxError, Logs};
pub(crate) use unread::Unread;

/// What runs stand on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    /// Opens the secrets of connections.
    pub(crate) vault: Vault,
    pub(crate) logs: Arc<dyn Logs>,
    /// Where event mode finds what has changed.
    pub(crate) queues: Option<Arc<dyn EventQueues>>,
    /// Where DynamoDB targets are read from.
    pub(crate) dynamodb: Option<DynamoDb>,
    /// Which addresses API targets may be at.
    pub(crate) reach: Reach,
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
    pub(crate) unread: Unread,
}

impl Job<'_> {
    pub(crate) fn database(&self) -> &str {
        self.definition.database_name.as_deref().unwrap_or("default")
    }

    pub(crate) fn go_on(&self) -> Result<(), Ended> {
        if self.cancel.is_cancelled() { Err(Ended::Stopped) } else { Ok(()) }
    }
}

/// What a run did that was not stopped.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What a preview found, per target.
    pub(crate) reports: Vec<TargetReport>,
    /// Why targets could not be read; what the others hold was written.
    failures: Vec<String>,
}

impl Done {
    /// Why the run is FAILED all the same.
    pub(crate) fn error(&self) -> Option<String> {
        if self.failures.is_empty() { None } else { Some(self.failures.join("; ")) }
    }
}

/// Carries a run out.
pub(crate) async fn crawl(job: &Job<'_>) -> Result<Done, Ended> {
    let definition = job.definition;
    job.log.info(format!("BENCHMARK : Running Start Crawl for Crawler {}", definition.name));
    store::crash::point("crawl.started");
    let settings = definition.settings()?;
    let looked = Looked { ways: Ways::new(ways(job).await?), ..Looked::default() };
    if definition.is_incremental() && job.again {
        return new_folders(job, &settings, looked).await;
    }
    if !definition.is_event_mode() {
        return everything(job, &settings, looked).await;
    }
    let changes = events::read(job).await?;
    let mut done = None;
    if job.again {
        let looked = Looked { ways: looked.ways.clone(), ..Looked::default() };
        done = Box::pin(changed::crawl(job, &settings, &changes, looked)).await?;
    } else {
        job.log.info("INFO : Crawl is not running in S3 event mode: everything is listed first");
    }
    let done = match done {
        Some(done) => done,
        None => everything(job, &settings, looked).await?,
    };
    // What a target that could not be read has to say is still to be heard.
    if done.error().is_none() {
        events::finish(job, &changes).await?;
    }
    Ok(done)
}

/// A crawl that looks at everything.
async fn everything(job: &Job<'_>, settings: &Configuration, looked: Looked) -> Result<Done, Ended> {
    let definition = job.definition;
    let mut survey = Survey { looked, ..Survey::default() };
    survey.files(job, Grouping { table_level: settings.table_level, combine: settings.combine }).await?;
    survey.others(job).await?;
    count_files(job, &survey.looked, survey.tables_left_out).await?;
    let left_out = survey.looked.left_out.values().sum::<u64>() + survey.tables_left_out;
    let Survey { mut found, done, gone, .. } = survey;
    if found.is_empty()
        && let Some(error) = done.error()
    {
        return Err(Ended::Failed(error));
    }
    // Targets may overlap.
    let mut seen = HashSet::new();
    found.retain(|one| seen.insert(one.key()));
    store::crash::point("crawl.surveyed");
    check_threshold(settings, found.len())?;
    job.log
        .info(format!("BENCHMARK : Classification complete, writing results to database {}", job.database()));
    if found.is_empty() {
        job.log.warn(format!("No tables were found: {}", why_none(definition, left_out)));
    }
    let written = Box::pin(publish::all(job, settings, found)).await?;
    if definition.targets.catalog_targets.is_empty() {
        gone.tables(job, &written).await?;
    }
    job.log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(job).await?;
    Ok(done)
}

/// Why a crawl found no tables.
fn why_none(definition: &Definition, left_out: u64) -> &'static str {
    match left_out {
        _ if !definition.targets.catalog_targets.is_empty() => {
            "all of the catalog targets are left as they are; lines above say why"
        }
        0 => "the targets hold nothing that could be read",
        _ => "all that the targets hold was left out; lines above say why",
    }
}

/// What the targets of a run hold, as far as they were surveyed.
#[derive(Default)]
struct Survey {
    looked: Looked,
    found: Vec<Discovery>,
    tables_left_out: u64,
    done: Done,
    gone: Gone,
}

impl Survey {
    /// Targets that are files, also by way of the catalog.
    async fn files(&mut self, job: &Job<'_>, grouping: Grouping) -> Result<(), Ended> {
        let targets = &job.definition.targets;
        for target in &targets.s3_targets {
            let found = grouped::tables(job, &Place::of(target)?, grouping, &mut self.looked).await;
            if self.take(job, found)? {
                self.gone.surveyed.push(target.clone());
            }
            job.log.flush().await;
        }
        for target in &targets.catalog_targets {
            for table in &target.tables {
                let found = existing::table_of(job, &target.database_name, table, &mut self.looked).await;
                self.take(job, found.map(|found| found.into_iter().collect()))?;
                job.log.flush().await;
            }
        }
        Ok(())
    }

    /// Whether the target could be read.
    fn take(&mut self, job: &Job<'_>, found: Result<Vec<survey::Found>, Ended>) -> Result<bool, Ended> {
        self.done.reports.extend(self.looked.report.take());
        match found {
            Ok(found) => {
                self.found.extend(found.into_iter().map(|found| Discovery::Files(Box::new(found))));
                Ok(true)
            }
            Err(Ended::Failed(why)) => {
                self.failed(job, why);
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    fn failed(&mut self, job: &Job<'_>, why: String) {
        job.log.error(format!("{why}; the target is left as it is"));
        self.done.failures.push(why);
    }

    /// Targets that are no files.
    async fn others(&mut self, job: &Job<'_>) -> Result<(), Ended> {
        for mut target in targets::of(job.definition)? {
            job.go_on()?;
            let (found, report) = targets::survey(job, target.as_mut()).await?;
            self.done.reports.extend(report);
            self.found.extend(found.tables.into_iter().map(|table| Discovery::Other(Box::new(table))));
            self.tables_left_out += found.left_out.len() as u64;
            if let Some(why) = found.failure {
                self.failed(job, format!("{}: {why}", target.label()));
            }
            self.gone.others.push(target);
            job.log.flush().await;
        }
        Ok(())
    }
}

/// A later crawl of a crawler with `CRAWL_NEW_FOLDERS_ONLY`.
async fn new_folders(job: &Job<'_>, settings: &Configuration, mut looked: Looked) -> Result<Done, Ended> {
    let known = known::Known::read(job).await?;
    let mut new = Vec::new();
    for target in &job.definition.targets.s3_targets {
        new.extend(incremental::tables(job, settings, &known, &Place::of(target)?, &mut looked).await?);
        job.log.flush().await;
    }
    count_files(job, &looked, 0).await?;
    store::crash::point("crawl.surveyed");
    for (found, table) in &new {
        incremental::publish(job, found, table).await?;
    }
    job.log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(job).await?;
    Ok(Done::default())
}

/// Set, not added: a run that is taken up again looks at everything again.
async fn count_files(job: &Job<'_>, looked: &Looked, tables_left_out: u64) -> Result<(), CrawlerError> {
    let targets = &job.definition.targets;
    if !targets.s3_targets.is_empty() || !targets.catalog_targets.is_empty() {
        job.log.info(format!("INFO : {} files found, {} of them read", looked.files, looked.read));
    }
    let left_out = looked.left_out.clone();
    job.count(|counts| {
        (counts.files, counts.files_read, counts.left_out) = (looked.files, looked.read, left_out);
        counts.tables_left_out = tables_left_out;
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
    if counts.tables_left_out > 0 {
        let tables = counts.tables_left_out;
        job.log.warn(format!("{tables} tables of targets were left out; ERROR lines above name them"));
    }
    let left_out = counts.files_left_out();
    if left_out > 0 {
        let reasons: Vec<String> = counts.left_out.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        job.log.warn(format!(
            "{left_out} of {} files were left out ({}); lines above name them. A query reads all files below \
             its table's location, also these",
            counts.files,
            reasons.join(", ")
        ));
    }
    Ok(())
}
