//! The tables: a JSON document a row, with columns for what is searched.

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Migrations, Row, Scope, Tx, params};

use super::documents::{QualityResult, QualityRun, RunStatus, StoredRuleset};
use super::error::QualityError;

/// The tables of this module.
pub const QUALITY_MIGRATIONS: Migrations = Migrations {
    owner: "jobs_quality",
    steps: &["CREATE TABLE jobs_quality_rulesets (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE jobs_quality_runs (
  account {text} NOT NULL,
  region {text} NOT NULL,
  id {text} NOT NULL,
  kind {text} NOT NULL,
  active {int} NOT NULL,
  created_ms {int} NOT NULL,
  client_token {text},
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, id)
);
CREATE INDEX jobs_quality_runs_by_time ON jobs_quality_runs (account, region, kind, created_ms, id);
CREATE INDEX jobs_quality_runs_by_token ON jobs_quality_runs (account, region, client_token);
CREATE INDEX jobs_quality_runs_active ON jobs_quality_runs (active, created_ms);
CREATE TABLE jobs_quality_results (
  account {text} NOT NULL,
  region {text} NOT NULL,
  id {text} NOT NULL,
  started_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, id)
);
CREATE INDEX jobs_quality_results_by_time ON jobs_quality_results (account, region, started_ms, id);
"],
};

/// Where a list goes on: behind the row of this time and id.
pub(super) type Position<'a> = Option<(i64, &'a str)>;

const RULESET: &str = "data quality ruleset";
const RUN: &str = "data quality run";
const RESULT: &str = "data quality result";

fn decode<T: DeserializeOwned>(what: &'static str, row: &Row, at: usize) -> Result<T, QualityError> {
    serde_json::from_str(&row.get::<String>(at)?).map_err(|source| QualityError::Corrupt { what, source })
}

fn encode<T: Serialize>(what: &'static str, document: &T) -> Result<String, QualityError> {
    serde_json::to_string(document).map_err(|source| QualityError::Corrupt { what, source })
}

/// Writes a ruleset, in the place of one of its name.
pub(super) async fn put_ruleset(
    tx: &mut Tx,
    scope: &Scope,
    ruleset: &StoredRuleset,
) -> Result<(), QualityError> {
    tx.execute(
        "INSERT INTO jobs_quality_rulesets (account, region, name, doc) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account, region, name) DO UPDATE SET doc = excluded.doc",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            ruleset.name.as_str(),
            encode(RULESET, ruleset)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find_ruleset(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
) -> Result<Option<StoredRuleset>, QualityError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM jobs_quality_rulesets WHERE account = $1 AND region = $2 AND name = $3",
            &params![scope.account.as_str(), scope.region.as_str(), name],
        )
        .await?;
    row.map(|row| decode(RULESET, &row, 0)).transpose()
}

pub(super) async fn delete_ruleset(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), QualityError> {
    tx.execute(
        "DELETE FROM jobs_quality_rulesets WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

/// Rulesets behind a name, in the order of their names.
pub(super) async fn rulesets(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<Vec<StoredRuleset>, QualityError> {
    let rows = tx
        .query(
            "SELECT doc FROM jobs_quality_rulesets WHERE account = $1 AND region = $2 AND name > $3
             ORDER BY name LIMIT $4",
            &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode(RULESET, row, 0)).collect()
}

pub(super) async fn insert_run(tx: &mut Tx, scope: &Scope, run: &QualityRun) -> Result<(), QualityError> {
    tx.execute(
        "INSERT INTO jobs_quality_runs (account, region, id, kind, active, created_ms, client_token, doc)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            run.id.as_str(),
            run.work.kind(),
            run.created_ms,
            run.client_token.as_deref(),
            encode(RUN, run)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn replace_run(tx: &mut Tx, scope: &Scope, run: &QualityRun) -> Result<(), QualityError> {
    tx.execute(
        "UPDATE jobs_quality_runs SET active = $4, doc = $5 WHERE account = $1 AND region = $2 AND id = $3",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            run.id.as_str(),
            i64::from(!run.status.is_final()),
            encode(RUN, run)?
        ],
    )
    .await?;
    Ok(())
}

/// The run of an id and of a kind. Errors: `RunNotFound`.
pub(super) async fn run(
    tx: &mut Tx,
    scope: &Scope,
    kind: &str,
    id: &str,
) -> Result<QualityRun, QualityError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM jobs_quality_runs WHERE account = $1 AND region = $2 AND id = $3 AND kind = $4",
            &params![scope.account.as_str(), scope.region.as_str(), id, kind],
        )
        .await?;
    row.map_or_else(|| Err(QualityError::RunNotFound { id: id.to_owned() }), |row| decode(RUN, &row, 0))
}

/// The run that a client has started with this token.
pub(super) async fn run_by_token(
    tx: &mut Tx,
    scope: &Scope,
    token: &str,
) -> Result<Option<QualityRun>, QualityError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM jobs_quality_runs WHERE account = $1 AND region = $2 AND client_token = $3 LIMIT 1",
            &params![scope.account.as_str(), scope.region.as_str(), token],
        )
        .await?;
    row.map(|row| decode(RUN, &row, 0)).transpose()
}

/// Runs of a kind, the newest first.
pub(super) async fn runs(
    tx: &mut Tx,
    scope: &Scope,
    kind: &str,
    before: Position<'_>,
    limit: usize,
) -> Result<Vec<QualityRun>, QualityError> {
    let (ms, id) = before.unwrap_or((i64::MAX, ""));
    let rows = tx
        .query(
            "SELECT doc FROM jobs_quality_runs WHERE account = $1 AND region = $2 AND kind = $3
               AND (created_ms < $4 OR (created_ms = $4 AND id < $5))
             ORDER BY created_ms DESC, id DESC LIMIT $6",
            &params![scope.account.as_str(), scope.region.as_str(), kind, ms, id, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode(RUN, row, 0)).collect()
}

/// Runs that have not ended, of all accounts, the oldest first.
pub(super) async fn unfinished(tx: &mut Tx, limit: usize) -> Result<Vec<(Scope, QualityRun)>, QualityError> {
    let rows = tx
        .query(
            "SELECT account, region, doc FROM jobs_quality_runs WHERE active = 1 ORDER BY created_ms, id LIMIT $1",
            &params![limit as i64],
        )
        .await?;
    let scoped = |row: &Row| Ok((Scope { account: row.get(0)?, region: row.get(1)? }, decode(RUN, row, 2)?));
    rows.iter().map(scoped).collect()
}

/// Stores what was found, in the transaction that ends whatever found it.
pub(crate) async fn insert_result(
    tx: &mut Tx,
    scope: &Scope,
    result: &QualityResult,
) -> Result<(), QualityError> {
    tx.execute(
        "INSERT INTO jobs_quality_results (account, region, id, started_ms, doc) VALUES ($1, $2, $3, $4, $5)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            result.id.as_str(),
            result.started_ms,
            encode(RESULT, result)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn result(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
) -> Result<Option<QualityResult>, QualityError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM jobs_quality_results WHERE account = $1 AND region = $2 AND id = $3",
            &params![scope.account.as_str(), scope.region.as_str(), id],
        )
        .await?;
    row.map(|row| decode(RESULT, &row, 0)).transpose()
}

/// Results, the newest first.
pub(super) async fn results(
    tx: &mut Tx,
    scope: &Scope,
    before: Position<'_>,
    limit: usize,
) -> Result<Vec<QualityResult>, QualityError> {
    let (ms, id) = before.unwrap_or((i64::MAX, ""));
    let rows = tx
        .query(
            "SELECT doc FROM jobs_quality_results WHERE account = $1 AND region = $2
               AND (started_ms < $3 OR (started_ms = $3 AND id < $4))
             ORDER BY started_ms DESC, id DESC LIMIT $5",
            &params![scope.account.as_str(), scope.region.as_str(), ms, id, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode(RESULT, row, 0)).collect()
}

/// What a run was told, whatever kind it is of.
pub(super) async fn status(tx: &mut Tx, scope: &Scope, run: &QualityRun) -> Result<RunStatus, QualityError> {
    Ok(self::run(tx, scope, run.work.kind(), &run.id).await?.status)
}
