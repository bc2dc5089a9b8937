//! Encryption settings, and the import of Athena's former catalog.

use catalog::settings;
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::Governance;
use crate::glue::catalog::{commit, scope, structure};
use crate::glue::errors;

const ENCRYPTION: &str = "DataCatalogEncryptionSettings";

pub(super) async fn get_encryption(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.read().await?;
    let found = settings::get(&mut tx, &scope, ENCRYPTION).await.map_err(errors::catalog)?;
    let shown = found.unwrap_or_else(|| {
        json!({
            "EncryptionAtRest": { "CatalogEncryptionMode": "DISABLED" },
            "ConnectionPasswordEncryption": { "ReturnConnectionPasswordEncrypted": false },
        })
    });
    Ok(Reply::from(json!({ ENCRYPTION: shown })))
}

/// Keeps settings that hold: whoever asks for encryption by KMS must not believe that there is any.
pub(super) async fn put_encryption(governance: &Governance, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given: Value = structure(&mut call, ENCRYPTION)?;
    let mode = given.pointer("/EncryptionAtRest/CatalogEncryptionMode").and_then(Value::as_str);
    let encrypted = given.pointer("/ConnectionPasswordEncryption/ReturnConnectionPasswordEncrypted");
    if mode.is_some_and(|mode| mode != "DISABLED") || encrypted == Some(&Value::Bool(true)) {
        return Err(errors::invalid(
            "Encryption by KMS keys is not built: CatalogEncryptionMode can only be DISABLED, and \
             ReturnConnectionPasswordEncrypted false. Secrets of connections are always stored encrypted, by this \
             server's own key.",
        ));
    }
    let mut tx = governance.begin().await?;
    settings::put(&mut tx, &scope, ENCRYPTION, &given).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

/// Athena has never had a catalog of its own here: it reads this one, as after an import.
pub(super) async fn import_status(_governance: &Governance, call: Call) -> Result<Reply, Fault> {
    scope(&call)?;
    Ok(Reply::from(json!({ "ImportStatus": { "ImportCompleted": true } })))
}

/// There is nothing to import, see [`import_status`]: what the caller wants holds already.
pub(super) async fn import(_governance: &Governance, call: Call) -> Result<Reply, Fault> {
    scope(&call)?;
    Ok(Reply::empty())
}
