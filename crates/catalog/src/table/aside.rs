//! Tables that are taken out of the catalog so that they can be put back whole: partitions, versions and everything else
//! that hangs on their incarnation stay stored, and nobody sees them.
//!
//! Whoever takes a table aside keeps the [`Aside`] and in the end calls [`put_back`] or [`discard`]; only the latter
//! frees the rows.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Scope, Tx, params};

use crate::error::{CatalogError, to_doc};
use crate::model::TableInput;
use crate::policy::{self, Policy};
use crate::table::{find, get};
use crate::{arn, attached, database};

/// A table that was taken aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    uid: i64,
    database: String,
    version: i64,
    archived: i64,
    layout: String,
    created_ms: i64,
    updated_ms: i64,
    created_by: String,
    tags: BTreeMap<String, String>,
    /// Absent in what earlier versions kept.
    #[serde(default)]
    policy: Option<Policy>,
    input: TableInput,
}

impl Aside {
    /// The table's database, in lower case.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The table's name, in lower case.
    pub fn name(&self) -> &str {
        &self.input.name
    }
}

/// Takes a table out of the catalog. Errors: `DatabaseNotFound`, `TableNotFound`.
pub async fn set_aside(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Aside, CatalogError> {
    let table = get(tx, scope, database, name).await?;
    let arn = arn::table(scope, &table.database_name, &table.name);
    let tags = store::tags::get(tx, &arn).await?;
    let policy = policy::find(tx, scope, &arn).await?;
    attached::forget(tx, scope, &arn).await?;
    tx.execute(
        "DELETE FROM catalog_tables WHERE database_uid = $1 AND name = $2",
        &params![table.database_uid, table.name.as_str()],
    )
    .await?;
    let mut input = table.input;
    input.name = table.name;
    Ok(Aside {
        uid: table.uid.0,
        database: table.database_name,
        version: table.version,
        archived: table.archived,
        layout: table.layout.to_text(),
        created_ms: table.created_ms,
        updated_ms: table.updated_ms,
        created_by: table.created_by,
        tags,
        policy,
        input,
    })
}

/// Puts a table back as it was. Errors: `DatabaseNotFound`, `TableExists` when the name is taken.
pub async fn put_back(tx: &mut Tx, scope: &Scope, aside: &Aside) -> Result<(), CatalogError> {
    let database = database::get(tx, scope, &aside.database).await?;
    if find(tx, &database, aside.name()).await?.is_some() {
        return Err(CatalogError::TableExists { table: aside.name().to_owned() });
    }
    tx.execute(
        "INSERT INTO catalog_tables \
         (database_uid, name, uid, version, archived, layout, created_ms, updated_ms, created_by, doc) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &params![
            database.uid,
            aside.name(),
            aside.uid,
            aside.version,
            aside.archived,
            aside.layout.as_str(),
            aside.created_ms,
            aside.updated_ms,
            aside.created_by.as_str(),
            to_doc("table", &aside.input)?
        ],
    )
    .await?;
    if !aside.tags.is_empty() {
        store::tags::set(tx, &arn::table(scope, &database.name, aside.name()), &aside.tags).await?;
    }
    if let Some(policy) = &aside.policy {
        policy::put_back(tx, scope, policy).await?;
    }
    Ok(())
}

/// Gives a table up for good; its rows leave through [`crate::purge`]. Errors: the store's.
pub async fn discard(tx: &mut Tx, aside: &Aside) -> Result<(), CatalogError> {
    tx.execute("INSERT INTO catalog_purge (table_uid) VALUES ($1)", &params![aside.uid]).await?;
    Ok(())
}
