//! Databases.

use serde_json::{Value, json};
use store::{Row, Scope, Tx, params};

use crate::error::{CatalogError, from_doc, to_doc};
use crate::model::DatabaseInput;
use crate::page::{self, AfterName, Page};
use crate::{arn, attached, function, link, names, table};

/// A database as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// The incarnation.
    pub(crate) uid: i64,
    /// The name, in lower case.
    pub name: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// Everything that the client gave.
    pub input: DatabaseInput,
}

impl Database {
    /// The database as Glue's `Database` structure.
    pub fn to_json(&self, scope: &Scope) -> Result<Value, CatalogError> {
        let mut value = json!(self.input);
        value["CreateTime"] = json!(seconds(self.created_ms));
        value["CatalogId"] = json!(scope.account);
        if value.get("CreateTableDefaultPermissions").is_none() {
            value["CreateTableDefaultPermissions"] = default_permissions();
        }
        Ok(value)
    }
}

/// What Glue gives a database that names no permissions.
fn default_permissions() -> Value {
    json!([{
        "Principal": { "DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS" },
        "Permissions": ["ALL"],
    }])
}

/// Epoch seconds with their fraction.
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

const COLUMNS: &str = "uid, name, created_ms, doc";

fn from_row(row: &Row) -> Result<Database, CatalogError> {
    Ok(Database {
        uid: row.get(0)?,
        name: row.get(1)?,
        created_ms: row.get(2)?,
        input: from_doc("database", &row.get::<String>(3)?)?,
    })
}

/// Makes a database.
/// Errors: `DatabaseExists`, `InvalidInput` for its name.
pub async fn create(tx: &mut Tx, scope: &Scope, mut input: DatabaseInput) -> Result<Database, CatalogError> {
    input.name = names::checked("Database", &input.name)?;
    if find(tx, scope, &input.name).await?.is_some() {
        return Err(CatalogError::DatabaseExists { database: input.name });
    }
    link::check_database(tx, scope, &input).await?;
    let database = Database { uid: new_uid(tx)?, name: input.name.clone(), created_ms: tx.now_ms(), input };
    tx.execute(
        "INSERT INTO catalog_databases (account, region, name, uid, created_ms, doc) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            database.name.as_str(),
            database.uid,
            database.created_ms,
            to_doc("database", &database.input)?
        ],
    )
    .await?;
    Ok(database)
}

/// Looks a database up; the name may be in any case. A resource link is returned as it is.
/// Errors: `DatabaseNotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Database, CatalogError> {
    let database = names::fold(name);
    match find(tx, scope, &database).await? {
        Some(found) => Ok(found),
        None => Err(CatalogError::DatabaseNotFound { database }),
    }
}

pub(crate) async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Database>, CatalogError> {
    let sql =
        format!("SELECT {COLUMNS} FROM catalog_databases WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Lists databases by name, up to `limit` (at least 1) after `token`.
/// Errors: `InvalidToken`.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<Database>, CatalogError> {
    let limit = limit.max(1);
    let after = page::position::<AfterName>(token)?.map_or_else(String::new, |found| found.after);
    let sql = format!(
        "SELECT {COLUMNS} FROM catalog_databases \
         WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4"
    );
    let rows = tx
        .query(&sql, &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64 + 1])
        .await?;
    let mut items = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(last) if more => Some(page::token(&AfterName { after: last.name.clone() })?),
        _ => None,
    };
    Ok(Page { items, next })
}

/// Replaces a database's definition. A new name in `input` renames it, with its tables. Through a resource link the
/// target is changed; where the link leads cannot be.
/// Errors: `DatabaseNotFound`, `DatabaseExists` for the new name, `InvalidInput`.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    mut input: DatabaseInput,
) -> Result<Database, CatalogError> {
    let mut database = get(tx, scope, name).await?;
    input.name = names::checked("Database", &input.name)?;
    let before = database.input.other.get(link::TARGET_DATABASE);
    link::check_update(before, input.other.remove(link::TARGET_DATABASE))?;
    if database.is_link() {
        let link_name = database.name.clone();
        database = link::resolve(tx, scope, database).await?;
        if input.name == link_name {
            input.name.clone_from(&database.name);
        }
    }
    if input.name != database.name {
        if find(tx, scope, &input.name).await?.is_some() {
            return Err(CatalogError::DatabaseExists { database: input.name });
        }
        carry(tx, scope, &database, &input.name).await?;
    }
    tx.execute(
        "UPDATE catalog_databases SET name = $4, doc = $5 \
         WHERE account = $1 AND region = $2 AND name = $3",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            database.name.as_str(),
            input.name.as_str(),
            to_doc("database", &input)?
        ],
    )
    .await?;
    database.name = input.name.clone();
    database.input = input;
    Ok(database)
}

/// A rename changes the ARN of the database and of all that is in it.
async fn carry(tx: &mut Tx, scope: &Scope, database: &Database, new_name: &str) -> Result<(), CatalogError> {
    let from = arn::database(scope, &database.name);
    attached::carry(tx, scope, &from, &arn::database(scope, new_name)).await?;
    for name in table::names(tx, database).await? {
        let old = arn::table(scope, &database.name, &name);
        attached::carry(tx, scope, &old, &arn::table(scope, new_name, &name)).await?;
    }
    for name in function::names(tx, database).await? {
        let old = arn::function(scope, &database.name, &name);
        attached::carry(tx, scope, &old, &arn::function(scope, new_name, &name)).await?;
    }
    Ok(())
}

/// Deletes a database with all its tables, their versions and partitions, as Glue does; of a resource link only itself. The work
/// depends on the number of tables, not of partitions: these leave through [`crate::purge`].
/// Errors: `DatabaseNotFound`.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), CatalogError> {
    let database = get(tx, scope, name).await?;
    table::delete_all(tx, scope, &database).await?;
    function::delete_all(tx, scope, &database).await?;
    attached::forget(tx, scope, &arn::database(scope, &database.name)).await?;
    tx.execute(
        "DELETE FROM catalog_databases WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), database.name.as_str()],
    )
    .await?;
    Ok(())
}

/// A new incarnation number, for databases and tables: 62 random bits. (A counter would be a row that every two
/// concurrent transactions which make something fight over.)
pub(crate) fn new_uid(tx: &Tx) -> Result<i64, CatalogError> {
    let digits = tx.new_id().replace('-', "");
    let bits = u128::from_str_radix(&digits, 16);
    let bits = bits.map_err(|_| CatalogError::invalid("the source of ids gave no UUID"))?;
    // All of the lower half is random in version 4 but its two highest bits.
    Ok((bits as u64 & (u64::MAX >> 2)).cast_signed())
}
