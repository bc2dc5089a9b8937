//! Settings of column statistics tasks, as documents of whoever runs these tasks: what to measure of a table, and when.
//!
//! # Layout
//! A row of `catalog_task_settings` per table with settings; `next_ms` is the moment at which a run is due.
//!
//! # Invariants
//! - Settings hang on the table's incarnation: they are renamed with it and go with it ([`crate::purge`]); a table made
//!   again under the same name has none. Those of a resource link are the link's own.
//! - Nothing is due for a table that is not in the catalog, be it deleted or taken aside.

use store::{Scope, Tx, params};

use crate::error::CatalogError;
use crate::table::Table;

/// The settings of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub doc: String,
    /// When a run is due; `None` for never.
    pub next_ms: Option<i64>,
}

/// A table whose settings are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The account and region.
    pub scope: Scope,
    /// The table's database.
    pub database: String,
    /// The table.
    pub table: String,
}

/// The settings of a table; `None` when it has none.
/// Errors: `Store`.
pub async fn find(tx: &mut Tx, table: &Table) -> Result<Option<Stored>, CatalogError> {
    let row = tx
        .query_opt(
            "SELECT doc, next_ms FROM catalog_task_settings WHERE table_uid = $1",
            &params![table.uid.0],
        )
        .await?;
    row.map(|row| Ok(Stored { doc: row.get(0)?, next_ms: row.get(1)? })).transpose()
}

/// Makes or replaces the settings of a table.
/// Errors: `Store`.
pub async fn put(tx: &mut Tx, table: &Table, settings: Stored) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO catalog_task_settings (table_uid, next_ms, doc) VALUES ($1, $2, $3) \
         ON CONFLICT (table_uid) DO UPDATE SET next_ms = excluded.next_ms, doc = excluded.doc",
        &params![table.uid.0, settings.next_ms, settings.doc],
    )
    .await?;
    Ok(())
}

/// Removes the settings of a table.
/// Errors: `Store`.
pub async fn remove(tx: &mut Tx, table: &Table) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM catalog_task_settings WHERE table_uid = $1", &params![table.uid.0]).await?;
    Ok(())
}

/// The settings of tables in the catalog.
const LISTED: &str = "FROM catalog_task_settings s JOIN catalog_tables t ON t.uid = s.table_uid \
     JOIN catalog_databases d ON d.uid = t.database_uid";

/// Tables whose settings are due at `now_ms`, of all accounts, the longest due first.
/// Errors: `Store`.
pub async fn due(tx: &mut Tx, now_ms: i64, limit: usize) -> Result<Vec<Due>, CatalogError> {
    let sql = format!(
        "SELECT d.account, d.region, d.name, t.name {LISTED} WHERE s.next_ms <= $1 ORDER BY s.next_ms LIMIT $2"
    );
    let rows = tx.query(&sql, &params![now_ms, limit as i64]).await?;
    let read = |row: &store::Row| {
        let scope = Scope { account: row.get(0)?, region: row.get(1)? };
        Ok(Due { scope, database: row.get(2)?, table: row.get(3)? })
    };
    rows.iter().map(read).collect()
}

/// The moment at which settings are due next.
/// Errors: `Store`.
pub async fn next_due(tx: &mut Tx) -> Result<Option<i64>, CatalogError> {
    let sql = format!("SELECT s.next_ms {LISTED} WHERE s.next_ms IS NOT NULL ORDER BY s.next_ms LIMIT 1");
    let row = tx.query_opt(&sql, &[]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}
