//! Resource links: databases and tables that stand for others.
//!
//! A database with a `TargetDatabase`, or a table with a `TargetTable`, is a link. Everything that names a table follows
//! the link of its database, and then that of the table; only one of the two may be a link. Reading and deleting a link
//! itself goes by [`crate::database::get`] and [`crate::table::get_entry`]. Source: AWS Lake Formation Developer Guide,
//! "Resource link handling in AWS Glue APIs".

use serde_json::Value;
use store::{Scope, Tx};

use crate::database::{self, Database};
use crate::error::CatalogError;
use crate::names;
use crate::registry::reference;
use crate::table::{self, Table};

pub(crate) const TARGET_DATABASE: &str = "TargetDatabase";
pub(crate) const TARGET_TABLE: &str = "TargetTable";

impl Database {
    /// Whether the database is a resource link.
    pub fn is_link(&self) -> bool {
        self.input.other.contains_key(TARGET_DATABASE)
    }
}

impl Table {
    /// Whether the table is a resource link.
    pub fn is_link(&self) -> bool {
        self.input.other.contains_key(TARGET_TABLE)
    }
}

/// A member of a link's target.
fn member<'a>(target: &'a Value, name: &str) -> Option<&'a str> {
    target.get(name).and_then(Value::as_str)
}

/// Refuses a target in a catalog that this call does not see.
fn check_place(scope: &Scope, target: &Value) -> Result<(), CatalogError> {
    let elsewhere = |name: &str, own: &str| member(target, name).is_some_and(|given| given != own);
    if elsewhere("CatalogId", &scope.account) || elsewhere("Region", &scope.region) {
        return Err(CatalogError::invalid(
            "The resource link leads to another account or region: links across them are not built.",
        ));
    }
    Ok(())
}

/// The database itself, or the one that it is a link to.
/// Errors: `DatabaseNotFound` for the target, `InvalidInput` when it is a link, too, or out of reach.
pub async fn resolve(tx: &mut Tx, scope: &Scope, found: Database) -> Result<Database, CatalogError> {
    let Some(target) = found.input.other.get(TARGET_DATABASE) else {
        return Ok(found);
    };
    check_place(scope, target)?;
    let name = names::fold(member(target, "DatabaseName").unwrap_or_default());
    match database::find(tx, scope, &name).await? {
        Some(database) if database.is_link() => Err(leads_to_a_link(&found.name)),
        Some(database) => Ok(database),
        None => Err(CatalogError::DatabaseNotFound { database: name }),
    }
}

fn leads_to_a_link(name: &str) -> CatalogError {
    CatalogError::invalid(format!(
        "Resource link {name} leads to another resource link, which is not followed."
    ))
}

/// The table itself, or the one that it is a link to, with the columns of the schema version that it refers to.
/// Errors: `DatabaseNotFound` and `TableNotFound` for the target, `InvalidInput` when it is a link, too, or out of reach,
/// `Registry`.
pub async fn resolve_table(tx: &mut Tx, scope: &Scope, found: Table) -> Result<Table, CatalogError> {
    let mut table = follow(tx, scope, found).await?;
    reference::fill(tx, scope, &mut table).await?;
    Ok(table)
}

/// [`resolve_table`], as it is stored.
pub(crate) async fn follow(tx: &mut Tx, scope: &Scope, found: Table) -> Result<Table, CatalogError> {
    let Some(target) = found.input.other.get(TARGET_TABLE) else {
        return Ok(found);
    };
    check_place(scope, target)?;
    let database = names::fold(member(target, "DatabaseName").unwrap_or_default());
    let name = names::fold(member(target, "Name").unwrap_or_default());
    let Some(database) = database::find(tx, scope, &database).await? else {
        return Err(CatalogError::DatabaseNotFound { database });
    };
    if database.is_link() {
        return Err(leads_to_a_link(&found.name));
    }
    match table::find(tx, &database, &name).await? {
        Some(table) if table.is_link() => Err(leads_to_a_link(&found.name)),
        Some(table) => Ok(table),
        None => Err(CatalogError::TableNotFound { database: database.name, table: name }),
    }
}

/// A link shown with its target's properties: what Glue answers for it.
pub fn shown(link: &Value, target: &Value, member: &str) -> Value {
    let mut shown = target.clone();
    for own in ["Name", "DatabaseName", "CatalogId", member] {
        if let Some(value) = link.get(own) {
            shown[own] = value.clone();
        }
    }
    shown
}
