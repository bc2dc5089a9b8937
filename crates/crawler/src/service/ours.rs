//! What Glue has not: saying what a crawl would do, and taking back what one did.

use std::sync::Mutex;

use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Crawlers, is_again, rejected};
use crate::LOG_GROUP;
use crate::error::CrawlerError;
use crate::history::Crawl;
use crate::preview::{Diff, Preview};
use crate::rows;
use crate::run::{self, Aim, Ended, Job, RunLog, Unread};
use crate::state::{Event, step};
use crate::undo::{Undone, undo};

impl Crawlers {
    /// Says what a crawl would do now; changes nothing. A crawl that would fail has `error`. Errors: `NotFound`, and the
    /// store's.
    pub async fn preview(&self, scope: &Scope, name: &str) -> Result<Preview, CrawlerError> {
        let mut tx = self.store().read().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        let again = is_again(&mut tx, scope, &stored.definition).await?;
        let crawl = Crawl { attempts: 1, ..Crawl::new("preview".to_owned(), name, tx.now_ms()) };
        drop(tx);
        let ground = &self.inner.ground;
        let log = RunLog::kept(ground, scope, &crawl);
        let cancel = CancellationToken::new();
        let job = Job {
            ground,
            scope,
            definition: &stored.definition,
            crawl: &crawl,
            aim: Aim::Preview(Mutex::default()),
            again,
            log: &log,
            cancel: &cancel,
            unread: Unread::default(),
        };
        let mut nothing = false;
        let (targets, error) = match Box::pin(run::crawl(&job)).await {
            Ok(done) => {
                let error = done.error();
                (done.reports, error)
            }
            Err(ended) => {
                // A crawl that ends so has written nothing, or is not known to have.
                nothing = true;
                let stopped = "The preview was stopped".to_owned();
                let error = if let Ended::Failed(error) = ended { error } else { stopped };
                (Vec::new(), Some(error))
            }
        };
        let diff = if nothing { Diff::default() } else { job.diff() };
        let done = ["INFO : Created ", "INFO : Updated ", "INFO : Added ", "INFO : Made ", "BENCHMARK "];
        let log = log.lines().into_iter().filter(|line| !done.iter().any(|word| line.starts_with(word)));
        let Diff { databases, tables } = diff;
        Ok(Preview { crawler_name: name.to_owned(), targets, databases, tables, log: log.collect(), error })
    }

    /// Takes back what the newest crawl that changed anything did to the catalog, in one transaction. Errors: `NotFound`,
    /// `Running`, `NothingToUndo`, `ChangedSince`.
    pub async fn undo(&self, scope: &Scope, name: &str) -> Result<Undone, CrawlerError> {
        let mut tx = self.store().begin().await?;
        let stored = rows::get(&mut tx, scope, name).await?;
        step(stored.state, Event::Change).map_err(|why| rejected(name, why))?;
        let undone = Box::pin(undo(&mut tx, scope, name)).await?;
        let now_ms = tx.now_ms();
        if let Some(mut crawl) = rows::run_of_id(&mut tx, scope, name, &undone.crawl_id).await? {
            crawl.undone_ms = Some(now_ms);
            rows::replace_run(&mut tx, scope, &crawl).await?;
        }
        tx.commit().await?;
        let line = format!(
            "[{}] INFO : Undone: {} tables removed, {} restored; {} partitions removed, {} restored",
            undone.crawl_id,
            undone.tables_removed.len(),
            undone.tables_restored.len(),
            undone.partitions_removed,
            undone.partitions_restored
        );
        if let Err(error) = self.inner.ground.logs.append(scope, LOG_GROUP, name, &[(now_ms, line)]).await {
            tracing::warn!(crawler = name, %error, "a log line was lost");
        }
        Ok(undone)
    }
}
