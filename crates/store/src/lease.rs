//! Leases with fencing: at most one live holder per name, and a number that tells old holders from new ones.
//!
//! Layout: a row per name, kept after release so that its fence only ever grows. A lease ends when its time is
//! over or it is released; whoever acquires it next gets a higher fence. Work done under a lease proves that
//! it still holds it in the transaction that publishes the work ([`check`]): that, not the clock, is what keeps
//! a holder that slept through its end from doing harm.

use crate::{StoreError, Tx, params};

/// A lease that was acquired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is leased.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Grows by one with every acquisition of this name, from 1.
    pub fence: i64,
    /// How long an acquisition or renewal lasts.
    pub ttl_ms: i64,
}

/// Acquires `name` for `ttl_ms`, or returns `None` while anybody holds it (the same holder included). Takes
/// effect with the commit.
///
/// # Errors
/// The store's.
pub async fn acquire(
    tx: &mut Tx,
    name: &str,
    holder: &str,
    ttl_ms: i64,
) -> Result<Option<Lease>, StoreError> {
    let now_ms = tx.now_ms();
    let row = tx
        .query_opt(
            "INSERT INTO store_leases (name, holder, fence, expires_ms) VALUES ($1, $2, 1, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = store_leases.fence + 1,
               expires_ms = excluded.expires_ms
             WHERE store_leases.expires_ms <= $4
             RETURNING fence",
            &params![name, holder, now_ms.saturating_add(ttl_ms), now_ms],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), fence: row.get(0)?, ttl_ms }))
}

/// Extends the lease by its `ttl_ms` from now; `false` when it is lost. A lease whose time is over but that
/// nobody else acquired is still renewed.
///
/// # Errors
/// The store's.
pub async fn renew(tx: &mut Tx, lease: &Lease) -> Result<bool, StoreError> {
    let until_ms = tx.now_ms().saturating_add(lease.ttl_ms);
    let changed = tx
        .execute(
            "UPDATE store_leases SET expires_ms = $1 WHERE name = $2 AND fence = $3 AND holder <> ''",
            &params![until_ms, &lease.name, lease.fence],
        )
        .await?;
    Ok(changed == 1)
}

/// Succeeds when the lease is still held by its fence. Call it in the transaction that publishes work.
///
/// # Errors
/// [`StoreError::LeaseLost`] when somebody else acquired it or it was released.
pub async fn check(tx: &mut Tx, lease: &Lease) -> Result<(), StoreError> {
    let row = tx
        .query_opt(
            "SELECT 1 FROM store_leases WHERE name = $1 AND fence = $2 AND holder <> ''",
            &params![&lease.name, lease.fence],
        )
        .await?;
    row.map(|_| ()).ok_or_else(|| StoreError::LeaseLost { name: lease.name.clone() })
}

/// Gives the lease up; does nothing when it is lost already.
///
/// # Errors
/// The store's.
pub async fn release(tx: &mut Tx, lease: &Lease) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE store_leases SET expires_ms = 0, holder = '' WHERE name = $1 AND fence = $2",
        &params![&lease.name, lease.fence],
    )
    .await?;
    Ok(())
}

/// Whether somebody holds `name`, and its time is not over.
///
/// # Errors
/// The store's.
pub async fn held(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let now_ms = tx.now_ms();
    let sql = "SELECT 1 FROM store_leases WHERE name = $1 AND expires_ms > $2 AND holder <> ''";
    Ok(tx.query_opt(sql, &params![name, now_ms]).await?.is_some())
}

/// Ends every lease of `holder` and returns how many. For a process that starts again under the name of one
/// that is known to be gone, so that it need not wait for the leases to run out.
///
/// # Errors
/// The store's.
pub async fn release_all(tx: &mut Tx, holder: &str) -> Result<u64, StoreError> {
    if holder.is_empty() {
        return Ok(0);
    }
    tx.execute("UPDATE store_leases SET expires_ms = 0, holder = '' WHERE holder = $1", &params![holder])
        .await
}
