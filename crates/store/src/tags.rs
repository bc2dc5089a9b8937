//! Tags of resources, by ARN, shared by all services. Limits and reserved prefixes are the services' business.

use std::collections::BTreeMap;

use crate::{StoreError, Tx, params};

/// Adds the tags to the resource, replacing values of keys that it has.
///
/// # Errors
/// The store's.
pub async fn set(tx: &mut Tx, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
    for (key, value) in tags {
        tx.execute(
            "INSERT INTO store_tags (arn, tag_key, tag_value) VALUES ($1, $2, $3)
             ON CONFLICT (arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
            &params![arn, key, value],
        )
        .await?;
    }
    Ok(())
}

/// Removes the tags with these keys; keys that the resource lacks are passed over.
///
/// # Errors
/// The store's.
pub async fn remove<K: AsRef<str>>(tx: &mut Tx, arn: &str, keys: &[K]) -> Result<(), StoreError> {
    for key in keys {
        tx.execute("DELETE FROM store_tags WHERE arn = $1 AND tag_key = $2", &params![arn, key.as_ref()])
            .await?;
    }
    Ok(())
}

/// Returns the resource's tags; empty when it has none.
///
/// # Errors
/// The store's.
pub async fn get(tx: &mut Tx, arn: &str) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = tx.query("SELECT tag_key, tag_value FROM store_tags WHERE arn = $1", &params![arn]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Removes all tags of the resource; for when it is deleted.
///
/// # Errors
/// The store's.
pub async fn clear(tx: &mut Tx, arn: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM store_tags WHERE arn = $1", &params![arn]).await?;
    Ok(())
}
