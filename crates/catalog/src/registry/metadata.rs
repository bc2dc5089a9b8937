//! Keys and values noted on versions. A key may have several values; the last one noted comes first.

use store::{Tx, params};

use super::{MAX_NOTES, RegistryError, Version};

/// A value that was noted.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// When, epoch milliseconds.
    pub created_ms: i64,
}

/// Notes a value on a version.
///
/// # Errors
/// [`RegistryError::NoteExists`]; [`RegistryError::LimitExceeded`] beyond [`MAX_NOTES`].
pub async fn note(tx: &mut Tx, version: &Version, key: &str, value: &str) -> Result<(), RegistryError> {
    let before = noted(tx, version).await?;
    if before.iter().any(|one| one.key == key && one.value == value) {
        let (id, key, value) = (version.id.clone(), key.to_owned(), value.to_owned());
        return Err(RegistryError::NoteExists { id, key, value });
    }
    if before.len() as i64 >= MAX_NOTES {
        return Err(RegistryError::LimitExceeded { what: "schema version metadata pairs", limit: MAX_NOTES });
    }
    tx.execute(
        "INSERT INTO schemas_metadata (version_id, note_key, note_value, created_ms) VALUES ($1, $2, $3, $4)",
        &params![&version.id, key, value, tx.now_ms()],
    )
    .await?;
    Ok(())
}

/// Everything noted on a version, by key; of one key the latest first.
///
/// # Errors
/// The store's.
pub async fn noted(tx: &mut Tx, version: &Version) -> Result<Vec<Noted>, RegistryError> {
    let rows = tx
        .query(
            "SELECT note_key, note_value, created_ms FROM schemas_metadata WHERE version_id = $1 \
             ORDER BY note_key, created_ms DESC, note_value",
            &params![&version.id],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(Noted { key: row.get(0)?, value: row.get(1)?, created_ms: row.get(2)? }))
        .collect()
}

/// Removes a value noted on a version.
///
/// # Errors
/// [`RegistryError::NoteNotFound`].
pub async fn unnote(tx: &mut Tx, version: &Version, key: &str, value: &str) -> Result<(), RegistryError> {
    let removed = tx
        .execute(
            "DELETE FROM schemas_metadata WHERE version_id = $1 AND note_key = $2 AND note_value = $3",
            &params![&version.id, key, value],
        )
        .await?;
    if removed == 0 {
        let (id, key, value) = (version.id.clone(), key.to_owned(), value.to_owned());
        return Err(RegistryError::NoteNotFound { id, key, value });
    }
    Ok(())
}
