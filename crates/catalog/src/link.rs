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
use crate::model::{DatabaseInput, TableInput};
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

/// A name in a link's target, in lower case.
fn folded(target: &Value, name: &str) -> Result<String, CatalogError> {
    let given = member(target, name).filter(|given| !given.trim().is_empty());
    let given = given.ok_or_else(|| {
        CatalogError::invalid(format!("The target of a resource link must have a {name}, which is missing."))
    })?;
    Ok(names::fold(given))
}

/// Refuses a target in a catalog that this call does not see.
fn check_place(scope: &Scope, target: &Value) -> Result<(), CatalogError> {
    for (name, own) in [("CatalogId", &scope.account), ("Region", &scope.region)] {
        if let Some(given) = member(target, name).filter(|given| given != own) {
            return Err(CatalogError::invalid(format!(
                "The resource link leads to another account or region ({name} {given}): links across them are not built."
            )));
        }
    }
    Ok(())
}

/// Refuses what a database that is to be made cannot link to: itself, another link, another catalog. That the target is
/// there is not asked: it may come later, as it may go.
/// Errors: `InvalidInput`.
pub(crate) async fn check_database(
    tx: &mut Tx,
    scope: &Scope,
    input: &DatabaseInput,
) -> Result<(), CatalogError> {
    let Some(target) = input.other.get(TARGET_DATABASE) else { return Ok(()) };
    check_place(scope, target)?;
    let name = folded(target, "DatabaseName")?;
    if name == input.name {
        return Err(leads_to_itself(&name));
    }
    match database::find(tx, scope, &name).await? {
        Some(found) if found.is_link() => Err(leads_to_a_link(&input.name, &name)),
        _ => Ok(()),
    }
}

/// The same of a table that is to be made in a database.
/// Errors: `InvalidInput`.
pub(crate) async fn check_table(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    input: &TableInput,
) -> Result<(), CatalogError> {
    let Some(target) = input.other.get(TARGET_TABLE) else { return Ok(()) };
    check_place(scope, target)?;
    let (of, name) = (folded(target, "DatabaseName")?, folded(target, "Name")?);
    let link = format!("{database}.{}", input.name);
    if of == database && name == input.name {
        return Err(leads_to_itself(&link));
    }
    let Some(found) = database::find(tx, scope, &of).await? else { return Ok(()) };
    if found.is_link() {
        return Err(leads_to_a_link(&link, &of));
    }
    match table::find(tx, &found, &name).await? {
        Some(found) if found.is_link() => Err(leads_to_a_link(&link, &format!("{of}.{name}"))),
        _ => Ok(()),
    }
}

/// Refuses an update that would make a link of what is none, or lead a link elsewhere: what hangs on it (tables,
/// partitions) would be out of sight.
/// Errors: `InvalidInput`.
pub(crate) fn check_update(before: Option<&Value>, given: Option<Value>) -> Result<(), CatalogError> {
    match (before, given) {
        (_, None) => Ok(()),
        (Some(before), Some(given)) if given == *before => Ok(()),
        (Some(_), Some(_)) => Err(CatalogError::invalid(
            "A resource link cannot be changed to lead elsewhere: delete it and make another.",
        )),
        (None, Some(_)) => Err(CatalogError::invalid(
            "What exists cannot be changed into a resource link: delete it and make a link.",
        )),
    }
}

/// The database itself, or the one that it is a link to.
/// Errors: `TargetNotFound`, `InvalidInput` when the target is a link, too, or out of reach.
pub async fn resolve(tx: &mut Tx, scope: &Scope, found: Database) -> Result<Database, CatalogError> {
    let Some(target) = found.input.other.get(TARGET_DATABASE) else {
        return Ok(found);
    };
    check_place(scope, target)?;
    let name = folded(target, "DatabaseName")?;
    match database::find(tx, scope, &name).await? {
        Some(database) if database.is_link() => Err(leads_to_a_link(&found.name, &name)),
        Some(database) => Ok(database),
        None => Err(CatalogError::TargetNotFound { link: found.name, target: format!("database {name}") }),
    }
}

fn leads_to_itself(link: &str) -> CatalogError {
    CatalogError::invalid(format!("Resource link {link} leads to itself."))
}

fn leads_to_a_link(link: &str, target: &str) -> CatalogError {
    CatalogError::invalid(format!(
        "Resource link {link} leads to {target}, which is another resource link: links to links are not followed."
    ))
}

/// The table itself, or the one that it is a link to, with the columns of the schema version that it refers to.
/// Errors: `TargetNotFound`, `InvalidInput` when the target is a link, too, or out of reach, `Registry`.
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
    let (of, name) = (folded(target, "DatabaseName")?, folded(target, "Name")?);
    let link = format!("{}.{}", found.database_name, found.name);
    let gone = |what: String| CatalogError::TargetNotFound { link: link.clone(), target: what };
    let Some(database) = database::find(tx, scope, &of).await? else {
        return Err(gone(format!("database {of}")));
    };
    if database.is_link() {
        return Err(leads_to_a_link(&link, &of));
    }
    match table::find(tx, &database, &name).await? {
        Some(table) if table.is_link() => Err(leads_to_a_link(&link, &format!("{of}.{name}"))),
        Some(table) => Ok(table),
        None => Err(gone(format!("table {of}.{name}"))),
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
