//! User-defined functions: definitions that engines look up. Nothing here runs them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Row, Scope, Tx, params};

use crate::database::{self, Database, seconds};
use crate::error::{CatalogError, from_doc, to_doc};
use crate::page::{self, Page};
use crate::table::NamePattern;
use crate::{arn, link, names};

/// Functions that one round of a listing looks at.
const SCAN_ROWS: usize = 500;

/// What a function is made of (`UserDefinedFunctionInput`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FunctionInput {
    /// The name as it was given; functions are found by it in any case.
    pub function_name: String,
    /// `REGULAR_FUNCTION`, `AGGREGATE_FUNCTION` or `STORED_PROCEDURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_type: Option<String>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A function as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The database's name, in lower case.
    pub database_name: String,
    /// The name, in lower case.
    pub name: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// Everything that the client gave.
    pub input: FunctionInput,
}

impl Function {
    /// The function as Glue's `UserDefinedFunction` structure.
    pub fn to_json(&self, scope: &Scope) -> Value {
        let mut value = json!(self.input);
        value["DatabaseName"] = json!(self.database_name);
        value["CreateTime"] = json!(seconds(self.created_ms));
        value["CatalogId"] = json!(scope.account);
        value
    }
}

fn not_found(name: &str) -> CatalogError {
    CatalogError::NotFound { what: "Function", name: name.to_owned() }
}

async fn target(tx: &mut Tx, scope: &Scope, database: &str) -> Result<Database, CatalogError> {
    let named = database::get(tx, scope, database).await?;
    link::resolve(tx, scope, named).await
}

async fn exists(tx: &mut Tx, database: &Database, name: &str) -> Result<bool, CatalogError> {
    let sql = "SELECT 1 FROM catalog_functions WHERE database_uid = $1 AND name = $2";
    Ok(tx.query_opt(sql, &params![database.uid, name]).await?.is_some())
}

/// Makes a function.
/// Errors: `DatabaseNotFound`, `Exists`, `InvalidInput` for its name.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    input: FunctionInput,
) -> Result<(), CatalogError> {
    let name = names::checked("Function", &input.function_name)?;
    let database = target(tx, scope, database).await?;
    if exists(tx, &database, &name).await? {
        return Err(CatalogError::Exists { what: "Function", name });
    }
    tx.execute(
        "INSERT INTO catalog_functions (database_uid, name, created_ms, doc) VALUES ($1, $2, $3, $4)",
        &params![database.uid, name, tx.now_ms(), to_doc("function", &input)?],
    )
    .await?;
    Ok(())
}

/// Looks a function up; both names may be in any case.
/// Errors: `DatabaseNotFound`, `NotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<Function, CatalogError> {
    let database = target(tx, scope, database).await?;
    let name = names::fold(name);
    let row = tx
        .query_opt(
            "SELECT name, created_ms, doc FROM catalog_functions WHERE database_uid = $1 AND name = $2",
            &params![database.uid, name.as_str()],
        )
        .await?;
    match row {
        Some(row) => from_row(&database.name, &row),
        None => Err(not_found(&name)),
    }
}

fn from_row(database: &str, row: &Row) -> Result<Function, CatalogError> {
    Ok(Function {
        database_name: database.to_owned(),
        name: row.get(0)?,
        created_ms: row.get(1)?,
        input: from_doc("function", &row.get::<String>(2)?)?,
    })
}

/// Replaces a function's definition. A new name in `input` renames it; none keeps the one it has.
/// Errors: `DatabaseNotFound`, `NotFound`, `InvalidInput` when the new name is taken.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    mut input: FunctionInput,
) -> Result<(), CatalogError> {
    let found = get(tx, scope, database, name).await?;
    let database = target(tx, scope, database).await?;
    if input.function_name.is_empty() {
        input.function_name.clone_from(&found.input.function_name);
    }
    let new_name = names::checked("Function", &input.function_name)?;
    if new_name != found.name {
        if exists(tx, &database, &new_name).await? {
            return Err(CatalogError::invalid(format!("Function {new_name} already exists.")));
        }
        let (from, to) = (&found.name, &new_name);
        let arn = |name: &str| arn::function(scope, &database.name, name);
        crate::attached::carry(tx, scope, &arn(from), &arn(to)).await?;
    }
    tx.execute(
        "UPDATE catalog_functions SET name = $3, doc = $4 WHERE database_uid = $1 AND name = $2",
        &params![database.uid, found.name, new_name, to_doc("function", &input)?],
    )
    .await?;
    Ok(())
}

/// Deletes a function with its tags.
/// Errors: `DatabaseNotFound`, `NotFound`.
pub async fn delete(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<(), CatalogError> {
    let found = get(tx, scope, database, name).await?;
    let database = target(tx, scope, database).await?;
    store::tags::clear(tx, &arn::function(scope, &database.name, &found.name)).await?;
    tx.execute(
        "DELETE FROM catalog_functions WHERE database_uid = $1 AND name = $2",
        &params![database.uid, found.name],
    )
    .await?;
    Ok(())
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct FunctionQuery<'a> {
    /// Only functions of this database; of all without one.
    pub database: Option<&'a str>,
    /// Only functions whose name matches.
    pub pattern: Option<NamePattern>,
    /// Only functions of this type.
    pub function_type: Option<&'a str>,
    /// Where the page before ended.
    pub token: Option<&'a str>,
    /// The most functions on a page; at least 1.
    pub limit: usize,
}

#[derive(Serialize, Deserialize)]
struct Position {
    database: String,
    name: String,
}

/// Lists functions by database and name.
/// Errors: `DatabaseNotFound`, `InvalidToken`.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    query: &FunctionQuery<'_>,
) -> Result<Page<Function>, CatalogError> {
    let only = match query.database {
        Some(name) => Some(target(tx, scope, name).await?.uid),
        None => None,
    };
    let start = page::position::<Position>(query.token)?;
    let mut at = start.unwrap_or(Position { database: String::new(), name: String::new() });
    let limit = query.limit.max(1);
    let mut items = Vec::new();
    loop {
        let rows = after(tx, scope, only, &at).await?;
        for row in &rows {
            let found = from_row(&row.get::<String>(3)?, row)?;
            at = Position { database: found.database_name.clone(), name: found.name.clone() };
            let fits = query.pattern.as_ref().is_none_or(|pattern| pattern.matches(&found.name))
                && query.function_type.is_none_or(|kind| found.input.function_type.as_deref() == Some(kind));
            if fits {
                items.push(found);
            }
        }
        if items.len() > limit || rows.len() < SCAN_ROWS {
            break;
        }
    }
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(last) if more => {
            Some(page::token(&Position { database: last.database_name.clone(), name: last.name.clone() })?)
        }
        _ => None,
    };
    Ok(Page { items, next })
}

/// The functions behind a position, in the order of database and name.
async fn after(
    tx: &mut Tx,
    scope: &Scope,
    only: Option<i64>,
    at: &Position,
) -> Result<Vec<Row>, CatalogError> {
    let mut parameters = params![
        scope.account.as_str(),
        scope.region.as_str(),
        at.database.as_str(),
        at.name.as_str(),
        SCAN_ROWS as i64
    ]
    .to_vec();
    let mut condition = "";
    if let Some(uid) = only {
        parameters.push(uid.into());
        condition = " AND d.uid = $6";
    }
    let sql = format!(
        "SELECT f.name, f.created_ms, f.doc, d.name FROM catalog_databases d \
         JOIN catalog_functions f ON f.database_uid = d.uid \
         WHERE d.account = $1 AND d.region = $2 AND (d.name > $3 OR (d.name = $3 AND f.name > $4)){condition} \
         ORDER BY d.name, f.name LIMIT $5"
    );
    Ok(tx.query(&sql, &parameters).await?)
}

/// The names of all functions of a database.
pub(crate) async fn names(tx: &mut Tx, database: &Database) -> Result<Vec<String>, CatalogError> {
    let sql = "SELECT name FROM catalog_functions WHERE database_uid = $1 ORDER BY name";
    let rows = tx.query(sql, &params![database.uid]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Deletes all functions of a database.
pub(crate) async fn delete_all(tx: &mut Tx, scope: &Scope, database: &Database) -> Result<(), CatalogError> {
    for name in names(tx, database).await? {
        store::tags::clear(tx, &arn::function(scope, &database.name, &name)).await?;
    }
    tx.execute("DELETE FROM catalog_functions WHERE database_uid = $1", &params![database.uid]).await?;
    Ok(())
}
