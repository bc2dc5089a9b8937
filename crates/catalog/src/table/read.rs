//! Reading tables.

use store::{Row, Scope, Tx, params};

use crate::database::{self, Database};
use crate::error::{CatalogError, from_doc};
use crate::layout::Layout;
use crate::link;
use crate::names as folding;
use crate::page::{self, AfterName, Page};
use crate::registry::reference;
use crate::table::{NamePattern, Table, TableUid};

const COLUMNS: &str = "uid, name, version, created_ms, updated_ms, created_by, layout, doc, archived";

/// Names that one round of a filtered listing looks at.
const SCAN_ROWS: usize = 2_000;

pub(crate) fn from_row(database: &Database, row: &Row) -> Result<Table, CatalogError> {
    Ok(Table {
        uid: TableUid(row.get(0)?),
        database_name: database.name.clone(),
        name: row.get(1)?,
        version: row.get(2)?,
        created_ms: row.get(3)?,
        updated_ms: row.get(4)?,
        created_by: row.get(5)?,
        layout: Layout::from_text(&row.get::<String>(6)?),
        input: from_doc("table", &row.get::<String>(7)?)?,
        archived: row.get(8)?,
        database_uid: database.uid,
    })
}

/// Looks a table up; both names may be in any case. A table that refers to a schema version has its columns. Resource
/// links are followed: the result may have other names.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `Registry` when it refers to a version that is not there; `InvalidInput`
/// for a link through a link (see [`crate::link`]).
pub async fn get(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<Table, CatalogError> {
    let mut table = stored(tx, scope, database, name).await?;
    reference::fill(tx, scope, &mut table).await?;
    Ok(table)
}

/// Looks a table up as it is stored, links followed: for what does not look at its columns.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidInput`.
pub(crate) async fn stored(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Table, CatalogError> {
    let named = database::get(tx, scope, database).await?;
    let through_link = named.is_link();
    let database = link::resolve(tx, scope, named).await?;
    let table = of_database(tx, &database, name).await?;
    if through_link && table.is_link() {
        return Err(CatalogError::invalid(format!(
            "Table {} is a resource link, which is not followed through a resource link to its database.",
            table.name
        )));
    }
    link::follow(tx, scope, table).await
}

/// Looks a table up like [`get`], but returns a table that is a resource link as it is. A link of the database is
/// followed.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `Registry`.
pub async fn get_entry(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Table, CatalogError> {
    let mut table = stored_entry(tx, scope, database, name).await?;
    reference::fill(tx, scope, &mut table).await?;
    Ok(table)
}

/// Looks a table up like [`get_entry`], with the columns that are stored, for what does not look at them: those of a schema
/// version may be gone.
/// Errors: `DatabaseNotFound`, `TableNotFound`.
pub async fn stored_entry(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Table, CatalogError> {
    let named = database::get(tx, scope, database).await?;
    let database = link::resolve(tx, scope, named).await?;
    of_database(tx, &database, name).await
}

/// A table by the names that a listing gave, links as they are; `None` when it is gone.
pub(crate) async fn get_entry_of(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Option<Table>, CatalogError> {
    let Some(database) = database::find(tx, scope, database).await? else {
        return Ok(None);
    };
    let mut found = find(tx, &database, name).await?;
    if let Some(table) = &mut found {
        reference::fill_listed(tx, scope, table).await?;
    }
    Ok(found)
}

async fn of_database(tx: &mut Tx, database: &Database, name: &str) -> Result<Table, CatalogError> {
    let name = folding::fold(name);
    match find(tx, database, &name).await? {
        Some(table) => Ok(table),
        None => Err(CatalogError::TableNotFound { database: database.name.clone(), table: name }),
    }
}

pub(crate) async fn find(
    tx: &mut Tx,
    database: &Database,
    name: &str,
) -> Result<Option<Table>, CatalogError> {
    let sql = format!("SELECT {COLUMNS} FROM catalog_tables WHERE database_uid = $1 AND name = $2");
    let row = tx.query_opt(&sql, &params![database.uid, name]).await?;
    row.as_ref().map(|row| from_row(database, row)).transpose()
}

/// The names of all tables of a database, in order.
pub(crate) async fn names(tx: &mut Tx, database: &Database) -> Result<Vec<String>, CatalogError> {
    let rows = tx
        .query(
            "SELECT name FROM catalog_tables WHERE database_uid = $1 ORDER BY name",
            &params![database.uid],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct TableQuery<'a> {
    /// Only tables whose name matches.
    pub pattern: Option<NamePattern>,
    /// Where the page before ended.
    pub token: Option<&'a str>,
    /// The most tables on a page; at least 1.
    pub limit: usize,
}

/// Lists a database's tables by name, links among them as they are. A link of the database is followed.
/// Errors: `DatabaseNotFound`, `InvalidToken`.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    query: &TableQuery<'_>,
) -> Result<Page<Table>, CatalogError> {
    let named = database::get(tx, scope, database).await?;
    let database = link::resolve(tx, scope, named).await?;
    let limit = query.limit.max(1);
    let start = page::position::<AfterName>(query.token)?.map_or_else(String::new, |at| at.after);
    let mut items = match &query.pattern {
        None => after(tx, &database, &start, limit + 1).await?,
        Some(pattern) => matching(tx, &database, start, pattern, limit + 1).await?,
    };
    let more = page::cut(&mut items, limit);
    for table in &mut items {
        reference::fill_listed(tx, scope, table).await?;
    }
    let next = match items.last() {
        Some(last) if more => Some(page::token(&AfterName { after: last.name.clone() })?),
        _ => None,
    };
    Ok(Page { items, next })
}

async fn after(
    tx: &mut Tx,
    database: &Database,
    start: &str,
    limit: usize,
) -> Result<Vec<Table>, CatalogError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM catalog_tables WHERE database_uid = $1 AND name > $2 \
         ORDER BY name LIMIT $3"
    );
    let rows = tx.query(&sql, &params![database.uid, start, limit as i64]).await?;
    rows.iter().map(|row| from_row(database, row)).collect()
}

/// Scans names only, and reads the documents of those that match.
async fn matching(
    tx: &mut Tx,
    database: &Database,
    mut start: String,
    pattern: &NamePattern,
    limit: usize,
) -> Result<Vec<Table>, CatalogError> {
    let mut found = Vec::new();
    while found.len() < limit {
        let rows = tx
            .query(
                "SELECT name FROM catalog_tables WHERE database_uid = $1 AND name > $2 \
                 ORDER BY name LIMIT $3",
                &params![database.uid, start.as_str(), SCAN_ROWS as i64],
            )
            .await?;
        for row in &rows {
            let name: String = row.get(0)?;
            if pattern.matches(&name)
                && found.len() < limit
                && let Some(table) = find(tx, database, &name).await?
            {
                found.push(table);
            }
            start = name;
        }
        if rows.len() < SCAN_ROWS {
            break;
        }
    }
    Ok(found)
}
