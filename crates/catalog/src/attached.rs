//! What is kept under the ARN of a database, table or function: its tags and its resource policy.
//!
//! An ARN holds names, so whoever renames or removes what it names says so here: the next of that name must inherit nothing.
//! (All else of a table hangs on its incarnation.)

use store::{Scope, Tx};

use crate::error::CatalogError;
use crate::policy;

/// Removes what is kept under the ARN of something that goes.
pub(crate) async fn forget(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<(), CatalogError> {
    store::tags::clear(tx, arn).await?;
    policy::forget(tx, scope, arn).await
}

/// Moves what is kept under the ARN of something that is renamed; nobody has the new name yet.
pub(crate) async fn carry(tx: &mut Tx, scope: &Scope, from: &str, to: &str) -> Result<(), CatalogError> {
    let tags = store::tags::get(tx, from).await?;
    if !tags.is_empty() {
        store::tags::clear(tx, from).await?;
        store::tags::set(tx, to, &tags).await?;
    }
    policy::carry(tx, scope, from, to).await
}
