//! Definitions and runs in the metadata store.

use store::{Migrations, Row, Scope, Tx, params};

use crate::definition::Definition;
use crate::error::{CrawlerError, decode, encode};
use crate::history::{Crawl, RunState};
use crate::state::State;

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    owner: "crawler",
    steps: &[
        "CREATE TABLE crawler_crawlers (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  state {text} NOT NULL,
  version {int} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE crawler_runs (
  account {text} NOT NULL,
  region {text} NOT NULL,
  crawler {text} NOT NULL,
  started_ms {int} NOT NULL,
  id {text} NOT NULL,
  state {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, crawler, started_ms, id)
);
CREATE INDEX crawler_runs_by_state ON crawler_runs (state, started_ms);
",
        CHANGES,
    ],
};

/// What runs changed ([`crate::journal`]), what files looked like ([`crate::memory`]), and [`crate::schedule`]s.
const CHANGES: &str = "CREATE TABLE crawler_changes (
  account {text} NOT NULL,
  region {text} NOT NULL,
  crawler {text} NOT NULL,
  run {text} NOT NULL,
  seq {int} NOT NULL,
  kind {text} NOT NULL,
  doc {bytes} NOT NULL,
  PRIMARY KEY (account, region, crawler, run, seq)
);
CREATE TABLE crawler_memory (
  account {text} NOT NULL,
  region {text} NOT NULL,
  crawler {text} NOT NULL,
  bucket {text} NOT NULL,
  first_key {bytes} NOT NULL,
  doc {bytes} NOT NULL,
  PRIMARY KEY (account, region, crawler, bucket, first_key)
);
CREATE TABLE crawler_schedules (
  account {text} NOT NULL,
  region {text} NOT NULL,
  crawler {text} NOT NULL,
  expression {text} NOT NULL,
  state {text} NOT NULL,
  next_ms {int},
  PRIMARY KEY (account, region, crawler)
);
CREATE INDEX crawler_schedules_next ON crawler_schedules (next_ms);
";

/// A crawler's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) definition: Definition,
    pub(crate) state: State,
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

const COLUMNS: &str = "state, version, created_ms, updated_ms, doc";

fn stored(row: &Row) -> Result<Stored, CrawlerError> {
    let state: String = row.get(0)?;
    let definition: Definition = decode("crawler", &row.get::<String>(4)?)?;
    let state = State::parse(&state).ok_or_else(|| corrupt(&state))?;
    Ok(Stored { definition, state, version: row.get(1)?, created_ms: row.get(2)?, updated_ms: row.get(3)? })
}

fn corrupt(what: &str) -> CrawlerError {
    let source = serde::de::Error::custom(format!("unknown state {what:?}"));
    CrawlerError::Corrupt { what: "state", source }
}

/// Makes a crawler; false when there is one of that name.
pub(crate) async fn insert(
    tx: &mut Tx,
    scope: &Scope,
    definition: &Definition,
) -> Result<bool, CrawlerError> {
    let now = tx.now_ms();
    let changed = tx
        .execute(
            "INSERT INTO crawler_crawlers (account, region, name, state, version, created_ms, updated_ms, doc)
             VALUES ($1, $2, $3, $4, 1, $5, $5, $6) ON CONFLICT (account, region, name) DO NOTHING",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                definition.name.as_str(),
                State::Ready.as_str(),
                now,
                encode("crawler", definition)?
            ],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Stored, CrawlerError> {
    let sql =
        format!("SELECT {COLUMNS} FROM crawler_crawlers WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    stored(&row.ok_or_else(|| CrawlerError::NotFound { name: name.to_owned() })?)
}

/// Crawlers by name, behind `after`.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<Vec<Stored>, CrawlerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM crawler_crawlers WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4"
    );
    let rows =
        tx.query(&sql, &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64]).await?;
    rows.iter().map(stored).collect()
}

pub(crate) async fn replace(tx: &mut Tx, scope: &Scope, definition: &Definition) -> Result<(), CrawlerError> {
    let now = tx.now_ms();
    tx.execute(
        "UPDATE crawler_crawlers SET doc = $1, version = version + 1, updated_ms = $2
         WHERE account = $3 AND region = $4 AND name = $5",
        &params![
            encode("crawler", definition)?,
            now,
            scope.account.as_str(),
            scope.region.as_str(),
            definition.name.as_str()
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn set_state(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    state: State,
) -> Result<(), CrawlerError> {
    tx.execute(
        "UPDATE crawler_crawlers SET state = $1 WHERE account = $2 AND region = $3 AND name = $4",
        &params![state.as_str(), scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

/// Deletes a crawler with its history.
pub(crate) async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
    for sql in [
        "DELETE FROM crawler_runs WHERE account = $1 AND region = $2 AND crawler = $3",
        "DELETE FROM crawler_crawlers WHERE account = $1 AND region = $2 AND name = $3",
    ] {
        tx.execute(sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    }
    Ok(())
}

pub(crate) async fn insert_run(tx: &mut Tx, scope: &Scope, crawl: &Crawl) -> Result<(), CrawlerError> {
    tx.execute(
        "INSERT INTO crawler_runs (account, region, crawler, started_ms, id, state, doc)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            crawl.crawler.as_str(),
            crawl.started_ms,
            crawl.id.as_str(),
            crawl.state.as_str(),
            encode("crawl", crawl)?
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn replace_run(tx: &mut Tx, scope: &Scope, crawl: &Crawl) -> Result<(), CrawlerError> {
    tx.execute(
        "UPDATE crawler_runs SET state = $1, doc = $2
         WHERE account = $3 AND region = $4 AND crawler = $5 AND started_ms = $6 AND id = $7",
        &params![
            crawl.state.as_str(),
            encode("crawl", crawl)?,
            scope.account.as_str(),
            scope.region.as_str(),
            crawl.crawler.as_str(),
            crawl.started_ms,
            crawl.id.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// A crawler's runs, the newest first, behind the run of `before` (start and id).
pub(crate) async fn runs(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    before: Option<(i64, &str)>,
    limit: usize,
) -> Result<Vec<Crawl>, CrawlerError> {
    let (ms, id) = before.unwrap_or((i64::MAX, ""));
    let rows = tx
        .query(
            "SELECT doc FROM crawler_runs WHERE account = $1 AND region = $2 AND crawler = $3
               AND (started_ms < $4 OR (started_ms = $4 AND id < $5))
             ORDER BY started_ms DESC, id DESC LIMIT $6",
            &params![scope.account.as_str(), scope.region.as_str(), crawler, ms, id, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode("crawl", &row.get::<String>(0)?)).collect()
}

/// The run as it is now; `None` when it was deleted.
pub(crate) async fn run(tx: &mut Tx, scope: &Scope, crawl: &Crawl) -> Result<Option<Crawl>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM crawler_runs
             WHERE account = $1 AND region = $2 AND crawler = $3 AND started_ms = $4 AND id = $5",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                crawl.crawler.as_str(),
                crawl.started_ms,
                crawl.id.as_str()
            ],
        )
        .await?;
    row.map(|row| decode("crawl", &row.get::<String>(0)?)).transpose()
}

/// The run of an id; `None` when it was deleted.
pub(crate) async fn run_of_id(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    id: &str,
) -> Result<Option<Crawl>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM crawler_runs WHERE account = $1 AND region = $2 AND crawler = $3 AND id = $4",
            &params![scope.account.as_str(), scope.region.as_str(), crawler, id],
        )
        .await?;
    row.map(|row| decode("crawl", &row.get::<String>(0)?)).transpose()
}

/// Whether a run of the crawler has completed.
pub(crate) async fn has_completed(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<bool, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT 1 FROM crawler_runs WHERE account = $1 AND region = $2 AND crawler = $3 AND state = $4 LIMIT 1",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                crawler,
                RunState::Completed.as_str()
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether the newest state of a crawler's definition has been crawled to the end, and not undone since: then what has
/// changed in the meantime is all that there is to look at.
pub(crate) async fn is_up_to_date(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<bool, CrawlerError> {
    /// Runs looked at; of those before none counts.
    const LOOK: usize = 100;
    let updated_ms = get(tx, scope, crawler).await?.updated_ms;
    let runs = runs(tx, scope, crawler, None, LOOK).await?;
    let undone_ms = runs.iter().filter_map(|run| run.undone_ms).max();
    let counts = |run: &Crawl| {
        run.state == RunState::Completed
            && run.started_ms >= updated_ms
            && undone_ms.is_none_or(|undone_ms| run.started_ms > undone_ms)
    };
    Ok(runs.iter().any(counts))
}

/// Runs that have not ended, of all accounts, the oldest first.
pub(crate) async fn unfinished(tx: &mut Tx, limit: usize) -> Result<Vec<(Scope, Crawl)>, CrawlerError> {
    let rows = tx
        .query(
            "SELECT account, region, doc FROM crawler_runs WHERE state = $1 ORDER BY started_ms, id LIMIT $2",
            &params![RunState::Running.as_str(), limit as i64],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let scope = Scope { account: row.get(0)?, region: row.get(1)? };
        found.push((scope, decode("crawl", &row.get::<String>(2)?)?));
    }
    Ok(found)
}
