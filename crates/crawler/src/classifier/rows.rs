//! Classifiers in the metadata store.

use serde_json::{Map, Value};
use store::{Migrations, Row, Scope, Tx, params};

use super::{Classifier, Kind};
use crate::error::{CrawlerError, decode, encode};

/// The table of classifiers.
pub const MIGRATIONS: Migrations = Migrations {
    owner: "classifier",
    steps: &["CREATE TABLE crawler_classifiers (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  kind {text} NOT NULL,
  version {int} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
"],
};

const COLUMNS: &str = "name, kind, version, created_ms, updated_ms, doc";

fn classifier(row: &Row) -> Result<Classifier, CrawlerError> {
    let kind: Kind = decode("classifier", &row.get::<String>(1)?)?;
    Ok(Classifier {
        name: row.get(0)?,
        kind,
        version: row.get(2)?,
        created_ms: row.get(3)?,
        updated_ms: row.get(4)?,
        definition: decode("classifier", &row.get::<String>(5)?)?,
    })
}

/// Makes a classifier; false when there is one of that name.
pub(super) async fn insert(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    kind: Kind,
    definition: &Map<String, Value>,
) -> Result<bool, CrawlerError> {
    let now = tx.now_ms();
    let changed = tx
        .execute(
            "INSERT INTO crawler_classifiers (account, region, name, kind, version, created_ms, updated_ms, doc)
             VALUES ($1, $2, $3, $4, 1, $5, $5, $6) ON CONFLICT (account, region, name) DO NOTHING",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                name,
                encode("classifier", &kind)?,
                now,
                encode("classifier", definition)?
            ],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Classifier, CrawlerError> {
    let sql =
        format!("SELECT {COLUMNS} FROM crawler_classifiers WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    classifier(&row.ok_or_else(|| CrawlerError::ClassifierNotFound { name: name.to_owned() })?)
}

/// The classifiers of these names, in their order. Errors: `ClassifierNotFound` for the first that is missing.
pub(crate) async fn get_all(
    tx: &mut Tx,
    scope: &Scope,
    names: &[String],
) -> Result<Vec<Classifier>, CrawlerError> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.push(get(tx, scope, name).await?);
    }
    Ok(found)
}

/// Classifiers by name, behind `after`.
pub(super) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<Vec<Classifier>, CrawlerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM crawler_classifiers WHERE account = $1 AND region = $2 AND name > $3
         ORDER BY name LIMIT $4"
    );
    let rows =
        tx.query(&sql, &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64]).await?;
    rows.iter().map(classifier).collect()
}

pub(super) async fn replace(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    definition: &Map<String, Value>,
) -> Result<(), CrawlerError> {
    let now = tx.now_ms();
    tx.execute(
        "UPDATE crawler_classifiers SET doc = $1, version = version + 1, updated_ms = $2
         WHERE account = $3 AND region = $4 AND name = $5",
        &params![encode("classifier", definition)?, now, scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
    tx.execute(
        "DELETE FROM crawler_classifiers WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}
