//! Rows on their way into databases outside: what a run has staged there, and whether it is decided that it lands.
//!
//! ```text
//! intend ─► staged ─┬─ decide (in the transaction that publishes the run) ─► decided ─┐
//!                   └─ thrown away ──────────────────────────────────────────────────┴─► forget
//! ```
//!
//! A row is here before its staging table is made, so that whatever is left in a database is known. Who may land: the
//! executor of the run, which holds its lease. Who may throw away: anybody, what is not decided and whose run has ended.

use serde::{Deserialize, Serialize};
use sources::jdbc::Landing;
use store::{Row, Scope, Tx, params};

use crate::JobsError;
use crate::run::Run;

/// Digits of a run's id in the names of its staging tables; these are bounded by the databases.
const DIGITS: usize = 24;

/// Rows for one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    /// The node that writes, for people.
    pub(crate) node: String,
    /// The connection's name.
    pub(crate) connection: String,
    /// The database, when it is not the connection's own.
    pub(crate) database: Option<String>,
    /// From where to where.
    pub(crate) landing: Landing,
}

/// The name of a staging table: of a run, of its attempt, of who executes it, of its target. Two that stage at the same
/// time never meet in one, nor one with what it has left before.
pub(crate) fn staging(run_id: &str, attempt: u32, fence: i64, target: usize) -> String {
    let id = run_id.strip_prefix("jr_").unwrap_or(run_id);
    let id = id.get(..DIGITS).unwrap_or(id);
    format!("{}{id}_{attempt}_{fence}_{target}", sources::jdbc::STAGING_PREFIX)
}

/// Notes that rows are going to be staged.
pub(crate) async fn intend(tx: &mut Tx, run: &Run, delivery: &Delivery) -> Result<(), JobsError> {
    let staging = delivery.landing.staging.as_str();
    forget(tx, staging).await?;
    let document =
        serde_json::to_string(delivery).map_err(|source| JobsError::Damaged { what: "delivery", source })?;
    tx.execute(
        "INSERT INTO jobs_deliveries (staging, run_id, account, region, decided, document) \
         VALUES ($1, $2, $3, $4, 0, $5)",
        &params![staging, run.id.as_str(), run.scope.account.as_str(), run.scope.region.as_str(), document],
    )
    .await?;
    Ok(())
}

/// Decides that staged rows land, whatever happens from the commit on; `false` when they were thrown away.
pub(crate) async fn decide(tx: &mut Tx, delivery: &Delivery) -> Result<bool, JobsError> {
    let staging = delivery.landing.staging.as_str();
    let sql = "UPDATE jobs_deliveries SET decided = 1 WHERE staging = $1";
    Ok(tx.execute(sql, &params![staging]).await? == 1)
}

/// Forgets rows that have landed or were thrown away.
pub(crate) async fn forget(tx: &mut Tx, staging: &str) -> Result<(), JobsError> {
    tx.execute("DELETE FROM jobs_deliveries WHERE staging = $1", &params![staging]).await?;
    Ok(())
}

/// What of a run is decided and has not landed, as far as the store knows.
pub(crate) async fn decided(tx: &mut Tx, run_id: &str) -> Result<Vec<Delivery>, JobsError> {
    let sql = "SELECT document FROM jobs_deliveries WHERE run_id = $1 AND decided = 1 ORDER BY staging";
    tx.query(sql, &params![run_id]).await?.iter().map(delivery).collect()
}

/// Whose leftovers are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Those of a run.
    Run(&'a str),
    /// Those of all runs that wrote through a connection.
    Connection(&'a str),
}

/// What may be thrown away: not decided, and of runs that have ended or are gone.
pub(crate) async fn leftovers(
    tx: &mut Tx,
    scope: &Scope,
    whose: Whose<'_>,
) -> Result<Vec<Delivery>, JobsError> {
    let sql = "SELECT document, run_id FROM jobs_deliveries d WHERE account = $1 AND region = $2 AND decided = 0 \
               AND NOT EXISTS (SELECT 1 FROM jobs_runs r WHERE r.id = d.run_id AND r.active = 1) ORDER BY staging";
    let mut leftovers = Vec::new();
    for row in &tx.query(sql, &params![scope.account.as_str(), scope.region.as_str()]).await? {
        let (found, run): (_, String) = (delivery(row)?, row.get(1)?);
        let is_meant = match whose {
            Whose::Run(id) => run == id,
            Whose::Connection(name) => found.connection == name,
        };
        leftovers.extend(is_meant.then_some(found));
    }
    Ok(leftovers)
}

/// A run of a job of which something is decided and has not landed.
pub(crate) async fn on_its_way(tx: &mut Tx, incarnation: &str) -> Result<Option<String>, JobsError> {
    let sql = "SELECT r.id FROM jobs_runs r JOIN jobs_deliveries d ON d.run_id = r.id \
               WHERE r.incarnation = $1 AND d.decided = 1 LIMIT 1";
    let row = tx.query_opt(sql, &params![incarnation]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

fn delivery(row: &Row) -> Result<Delivery, JobsError> {
    let document: String = row.get(0)?;
    serde_json::from_str(&document).map_err(|source| JobsError::Damaged { what: "delivery", source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{job, scope};
    use crate::run::{self, Event, StartRequest};
    use crate::{MIGRATIONS, definition};

    fn a_delivery(staging: &str) -> Delivery {
        let (schema, table, staging) = ("s".to_owned(), "t".to_owned(), staging.to_owned());
        let landing = Landing { schema, table, staging, columns: Vec::new(), creates: false };
        Delivery { node: "n".to_owned(), connection: "c".to_owned(), database: None, landing }
    }

    #[tokio::test]
    async fn only_what_is_not_decided_is_ever_thrown_away() {
        let (store, _dir) = store::testing::temp(&[MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        job(&mut tx, "j", serde_json::json!({})).await;
        let id = run::start(&mut tx, &scope(), "j", StartRequest::default()).await.unwrap();
        let mut own = run::load(&mut tx, &id).await.unwrap().unwrap();
        run::apply(&mut tx, &mut own, Event::Begun).await.unwrap();
        for staging in ["one", "two"] {
            intend(&mut tx, &own, &a_delivery(staging)).await.unwrap();
            intend(&mut tx, &own, &a_delivery(staging)).await.unwrap();
        }
        let left = async |tx: &mut Tx, whose: Whose<'_>| leftovers(tx, &scope(), whose).await.unwrap();
        let own_run = Whose::Run(&id);
        assert_eq!(left(&mut tx, own_run).await, [], "the run goes on");
        assert!(decide(&mut tx, &a_delivery("two")).await.unwrap());
        assert!(!decide(&mut tx, &a_delivery("three")).await.unwrap(), "nobody has staged it");
        assert_eq!(decided(&mut tx, &id).await.unwrap(), [a_delivery("two")]);
        let refused = definition::delete(&mut tx, &scope(), "j").await.unwrap_err();
        assert!(refused.to_string().contains("on their way to a database"), "{refused}");
        run::apply(&mut tx, &mut own, Event::Delivered).await.unwrap();
        assert_eq!(left(&mut tx, own_run).await, [a_delivery("one")]);
        assert_eq!(left(&mut tx, Whose::Connection("c")).await, [a_delivery("one")]);
        assert_eq!(left(&mut tx, Whose::Connection("other")).await, []);
        assert_eq!(left(&mut tx, Whose::Run("other")).await, []);
        forget(&mut tx, "two").await.unwrap();
        definition::delete(&mut tx, &scope(), "j").await.unwrap();
        assert_eq!(left(&mut tx, own_run).await, [a_delivery("one")], "its run is gone");
    }

    #[test]
    fn names_of_staging_tables_fit_into_every_database() {
        let id = format!("jr_{}_attempt_12", "0123456789abcdef".repeat(4));
        let name = staging(&id, 12, 123_456, 499);
        assert_eq!(name, "_tenon_0123456789abcdef01234567_12_123456_499");
        assert!(name.len() < 63);
    }
}
