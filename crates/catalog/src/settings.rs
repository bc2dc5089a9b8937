//! Settings of a catalog as a whole, kept as documents by name.

use serde_json::Value;
use store::{Scope, Tx, params};

use crate::error::{CatalogError, from_doc, to_doc};

/// Reads a setting; `None` when nobody has made it.
/// Errors: `Store`, `Corrupt`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Value>, CatalogError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM catalog_settings WHERE account = $1 AND region = $2 AND name = $3",
            &params![scope.account.as_str(), scope.region.as_str(), name],
        )
        .await?;
    row.map(|row| from_doc("setting", &row.get::<String>(0)?)).transpose()
}

/// Makes or replaces a setting.
/// Errors: `Store`.
pub async fn put(tx: &mut Tx, scope: &Scope, name: &str, value: &Value) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO catalog_settings (account, region, name, doc) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, region, name) DO UPDATE SET doc = excluded.doc",
        &params![scope.account.as_str(), scope.region.as_str(), name, to_doc("setting", value)?],
    )
    .await?;
    Ok(())
}
