//! Registries.

use store::{Row, Scope, Tx, params};

use super::{DEFAULT_REGISTRY, MAX_REGISTRIES, RegistryError, schema};
use crate::arn;
use crate::page::{self, AfterName, Page};

/// A registry.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    /// The name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When it was last changed, epoch milliseconds.
    pub updated_ms: i64,
}

const COLUMNS: &str = "name, description, created_ms, updated_ms";

fn from_row(row: &Row) -> Result<Registry, RegistryError> {
    Ok(Registry {
        name: row.get(0)?,
        description: row.get(1)?,
        created_ms: row.get(2)?,
        updated_ms: row.get(3)?,
    })
}

async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Registry>, RegistryError> {
    let sql =
        format!("SELECT {COLUMNS} FROM schemas_registries WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Makes a registry.
///
/// # Errors
/// [`RegistryError::RegistryExists`]; [`RegistryError::LimitExceeded`] beyond [`MAX_REGISTRIES`].
pub async fn create_registry(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    description: Option<&str>,
) -> Result<Registry, RegistryError> {
    if find(tx, scope, name).await?.is_some() {
        return Err(RegistryError::RegistryExists { registry: name.to_owned() });
    }
    let row = tx
        .query_opt(
            "SELECT count(*) FROM schemas_registries WHERE account = $1 AND region = $2",
            &params![scope.account.as_str(), scope.region.as_str()],
        )
        .await?;
    if row.map_or(Ok(0), |row| row.get::<i64>(0))? >= MAX_REGISTRIES {
        return Err(RegistryError::LimitExceeded { what: "registries", limit: MAX_REGISTRIES });
    }
    let now = tx.now_ms();
    tx.execute(
        "INSERT INTO schemas_registries (account, region, name, description, created_ms, updated_ms) \
         VALUES ($1, $2, $3, $4, $5, $5)",
        &params![scope.account.as_str(), scope.region.as_str(), name, description, now],
    )
    .await?;
    let description = description.map(str::to_owned);
    Ok(Registry { name: name.to_owned(), description, created_ms: now, updated_ms: now })
}

/// Looks a registry up.
///
/// # Errors
/// [`RegistryError::RegistryNotFound`].
pub async fn get_registry(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Registry, RegistryError> {
    match find(tx, scope, name).await? {
        Some(found) => Ok(found),
        None => Err(RegistryError::RegistryNotFound { registry: name.to_owned() }),
    }
}

/// Looks a registry up, and makes the default one if it is missing.
pub(super) async fn get_or_default(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
) -> Result<Registry, RegistryError> {
    match find(tx, scope, name).await? {
        Some(found) => Ok(found),
        None if name == DEFAULT_REGISTRY => create_registry(tx, scope, name, None).await,
        None => Err(RegistryError::RegistryNotFound { registry: name.to_owned() }),
    }
}

/// Lists registries by name, up to `limit` (at least 1) after `token`.
///
/// # Errors
/// [`RegistryError::InvalidToken`].
pub async fn list_registries(
    tx: &mut Tx,
    scope: &Scope,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<Registry>, RegistryError> {
    let limit = limit.max(1);
    let after = page::position::<AfterName>(token).map_err(RegistryError::of_page)?;
    let after = after.map_or_else(String::new, |at| at.after);
    let sql = format!(
        "SELECT {COLUMNS} FROM schemas_registries WHERE account = $1 AND region = $2 AND name > $3 \
         ORDER BY name LIMIT $4"
    );
    let rows = tx
        .query(&sql, &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64 + 1])
        .await?;
    let mut items = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(last) if more => {
            Some(page::token(&AfterName { after: last.name.clone() }).map_err(RegistryError::of_page)?)
        }
        _ => None,
    };
    Ok(Page { items, next })
}

/// Replaces a registry's description.
///
/// # Errors
/// [`RegistryError::RegistryNotFound`].
pub async fn update_registry(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    description: &str,
) -> Result<(), RegistryError> {
    let changed = tx
        .execute(
            "UPDATE schemas_registries SET description = $4, updated_ms = $5 \
             WHERE account = $1 AND region = $2 AND name = $3",
            &params![scope.account.as_str(), scope.region.as_str(), name, description, tx.now_ms()],
        )
        .await?;
    if changed == 0 {
        return Err(RegistryError::RegistryNotFound { registry: name.to_owned() });
    }
    Ok(())
}

/// Deletes a registry with its schemas and their versions, at once.
///
/// # Errors
/// [`RegistryError::RegistryNotFound`].
pub async fn delete_registry(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), RegistryError> {
    let registry = get_registry(tx, scope, name).await?;
    schema::delete_all(tx, scope, &registry.name).await?;
    store::tags::clear(tx, &arn::registry(scope, name)).await?;
    tx.execute(
        "DELETE FROM schemas_registries WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}
