//! Schemas: their names, modes and checkpoints.

use serde::{Deserialize, Serialize};
use store::{Row, Scope, Tx, params};

use super::versions::{self, Status};
use super::{Format, Mode, RegistryError, SchemaName, Which, registries};
use crate::page::{self, Page};

/// A schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub(super) uid: String,
    /// Where it is.
    pub name: SchemaName,
    /// How its definitions are written.
    pub format: Format,
    /// What new versions have to satisfy.
    pub mode: Mode,
    /// Free text.
    pub description: Option<String>,
    /// The first version that new ones are compared with where all count.
    pub checkpoint: i64,
    /// The number of the last version that is available; 0 when there is none.
    pub latest: i64,
    /// The number that the next version gets.
    pub next: i64,
    pub(super) revision: i64,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When it was last changed, epoch milliseconds.
    pub updated_ms: i64,
}

impl Schema {
    /// Glue's state: a schema without a version waits for one.
    pub fn status(&self) -> &'static str {
        if self.latest == 0 { "PENDING" } else { "AVAILABLE" }
    }
}

const COLUMNS: &str = "uid, registry, name, format, mode, description, checkpoint, latest, next, revision, \
                       created_ms, updated_ms";

fn from_row(row: &Row) -> Result<Schema, RegistryError> {
    let format = Format::parse(&row.get::<String>(3)?).ok_or(RegistryError::Corrupt { what: "format" })?;
    let mode = Mode::parse(&row.get::<String>(4)?).ok_or(RegistryError::Corrupt { what: "mode" })?;
    Ok(Schema {
        uid: row.get(0)?,
        name: SchemaName { registry: row.get(1)?, schema: row.get(2)? },
        format,
        mode,
        description: row.get(5)?,
        checkpoint: row.get(6)?,
        latest: row.get(7)?,
        next: row.get(8)?,
        revision: row.get(9)?,
        created_ms: row.get(10)?,
        updated_ms: row.get(11)?,
    })
}

async fn find(tx: &mut Tx, scope: &Scope, name: &SchemaName) -> Result<Option<Schema>, RegistryError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schemas_schemas \
         WHERE account = $1 AND region = $2 AND registry = $3 AND name = $4"
    );
    let key = params![scope.account.as_str(), scope.region.as_str(), &name.registry, &name.schema];
    tx.query_opt(&sql, &key).await?.as_ref().map(from_row).transpose()
}

/// Looks a schema of this scope up by its incarnation.
pub(super) async fn by_uid(tx: &mut Tx, scope: &Scope, uid: &str) -> Result<Option<Schema>, RegistryError> {
    let sql =
        format!("SELECT {COLUMNS} FROM schemas_schemas WHERE uid = $1 AND account = $2 AND region = $3");
    let row = tx.query_opt(&sql, &params![uid, scope.account.as_str(), scope.region.as_str()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// What a schema is made of.
#[derive(Debug, Clone)]
pub struct NewSchema<'a> {
    /// Where it shall be.
    pub name: SchemaName,
    /// How its definitions are written.
    pub format: Format,
    /// What new versions have to satisfy.
    pub mode: Mode,
    /// Free text.
    pub description: Option<&'a str>,
    /// The first version.
    pub definition: Option<&'a str>,
}

/// A schema that was made, and the id of its first version.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The schema.
    pub schema: Schema,
    /// Absent when no definition was given.
    pub version_id: Option<String>,
}

/// Makes a schema with its first version. The default registry is made when it is missing.
///
/// # Errors
/// [`RegistryError::Definition`], [`RegistryError::RegistryNotFound`], [`RegistryError::SchemaExists`].
pub async fn create_schema(
    tx: &mut Tx,
    scope: &Scope,
    new: &NewSchema<'_>,
) -> Result<Created, RegistryError> {
    let parsed = new.definition.map(|definition| versions::parsed(new.format, definition)).transpose()?;
    registries::get_or_default(tx, scope, &new.name.registry).await?;
    if find(tx, scope, &new.name).await?.is_some() {
        return Err(RegistryError::SchemaExists { name: new.name.clone() });
    }
    let now = tx.now_ms();
    let first = i64::from(parsed.is_some());
    let schema = Schema {
        uid: tx.new_id(),
        name: new.name.clone(),
        format: new.format,
        mode: new.mode,
        description: new.description.map(str::to_owned),
        checkpoint: 1,
        latest: first,
        next: first + 1,
        revision: 1,
        created_ms: now,
        updated_ms: now,
    };
    insert(tx, scope, &schema).await?;
    let version_id = match (&parsed, new.definition) {
        (Some(parsed), Some(definition)) => {
            let hash = versions::hash(parsed);
            Some(versions::insert(tx, &schema.uid, 1, &hash, Status::Available, definition).await?)
        }
        _ => None,
    };
    Ok(Created { schema, version_id })
}

async fn insert(tx: &mut Tx, scope: &Scope, schema: &Schema) -> Result<(), RegistryError> {
    tx.execute(
        "INSERT INTO schemas_schemas (account, region, uid, registry, name, format, mode, description, checkpoint, \
         latest, next, revision, created_ms, updated_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            &schema.uid,
            &schema.name.registry,
            &schema.name.schema,
            schema.format.as_str(),
            schema.mode.as_str(),
            schema.description.as_deref(),
            schema.checkpoint,
            schema.latest,
            schema.next,
            schema.revision,
            schema.created_ms,
            schema.updated_ms
        ],
    )
    .await?;
    Ok(())
}

/// Looks a schema up.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`].
pub async fn get_schema(tx: &mut Tx, scope: &Scope, name: &SchemaName) -> Result<Schema, RegistryError> {
    match find(tx, scope, name).await? {
        Some(found) => Ok(found),
        None => Err(RegistryError::SchemaNotFound { name: name.clone() }),
    }
}

#[derive(Serialize, Deserialize)]
struct Position {
    registry: String,
    name: String,
}

/// Lists schemas by registry and name, of one registry or of all, up to `limit` (at least 1) after `token`.
///
/// # Errors
/// [`RegistryError::RegistryNotFound`], [`RegistryError::InvalidToken`].
pub async fn list_schemas(
    tx: &mut Tx,
    scope: &Scope,
    registry: Option<&str>,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<Schema>, RegistryError> {
    if let Some(registry) = registry {
        registries::get_registry(tx, scope, registry).await?;
    }
    let limit = limit.max(1);
    let after = page::position::<Position>(token).map_err(RegistryError::of_page)?;
    let (after_registry, after_name) = after.map_or_else(Default::default, |at| (at.registry, at.name));
    let sql = format!(
        "SELECT {COLUMNS} FROM schemas_schemas WHERE account = $1 AND region = $2 \
         AND (registry > $3 OR (registry = $3 AND name > $4)) AND ($5 = '' OR registry = $5) \
         ORDER BY registry, name LIMIT $6"
    );
    let key = params![
        scope.account.as_str(),
        scope.region.as_str(),
        after_registry,
        after_name,
        registry.unwrap_or_default(),
        limit as i64 + 1
    ];
    let rows = tx.query(&sql, &key).await?;
    let mut items = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(Schema { name, .. }) if more => {
            let position = Position { registry: name.registry.clone(), name: name.schema.clone() };
            Some(page::token(&position).map_err(RegistryError::of_page)?)
        }
        _ => None,
    };
    Ok(Page { items, next })
}

/// What to change of a schema.
#[derive(Debug, Clone, Default)]
pub struct Change<'a> {
    /// Another checkpoint.
    pub checkpoint: Option<Which>,
    /// Another mode; demands a checkpoint, from which on it holds.
    pub mode: Option<Mode>,
    /// Another description.
    pub description: Option<&'a str>,
}

/// Changes a schema. Versions that are there are not checked against a new mode.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`], [`RegistryError::VersionNotFound`] for the checkpoint, [`RegistryError::Invalid`].
pub async fn update_schema(
    tx: &mut Tx,
    scope: &Scope,
    name: &SchemaName,
    change: &Change<'_>,
) -> Result<Schema, RegistryError> {
    let mut schema = get_schema(tx, scope, name).await?;
    if let Some(which) = &change.checkpoint {
        let (_, version) = versions::find_version(tx, scope, which).await?;
        if version.status != Status::Available {
            return Err(RegistryError::invalid(format!("Version {} is not available.", version.number)));
        }
        schema.checkpoint = version.number;
    } else if change.mode.is_some() {
        return Err(RegistryError::invalid("A version number is required to change the compatibility."));
    } else if change.description.is_none() {
        return Err(RegistryError::invalid("One of version number or compatibility has to be provided."));
    }
    schema.mode = change.mode.unwrap_or(schema.mode);
    if let Some(description) = change.description {
        schema.description = Some(description.to_owned());
    }
    schema.updated_ms = tx.now_ms();
    save(tx, &schema).await?;
    Ok(schema)
}

/// Writes what may change of a schema, as its next revision. The caller read it in this transaction.
pub(super) async fn save(tx: &mut Tx, schema: &Schema) -> Result<(), RegistryError> {
    let changed = tx
        .execute(
            "UPDATE schemas_schemas SET mode = $3, description = $4, checkpoint = $5, latest = $6, next = $7, \
             revision = revision + 1, updated_ms = $8 WHERE uid = $1 AND revision = $2",
            &params![
                &schema.uid,
                schema.revision,
                schema.mode.as_str(),
                schema.description.as_deref(),
                schema.checkpoint,
                schema.latest,
                schema.next,
                schema.updated_ms
            ],
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(RegistryError::Changed) }
}

/// Deletes a schema with its versions, at once.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`].
pub async fn delete_schema(tx: &mut Tx, scope: &Scope, name: &SchemaName) -> Result<(), RegistryError> {
    let schema = get_schema(tx, scope, name).await?;
    delete(tx, scope, &schema).await
}

/// Deletes all schemas of a registry.
pub(super) async fn delete_all(tx: &mut Tx, scope: &Scope, registry: &str) -> Result<(), RegistryError> {
    let sql =
        format!("SELECT {COLUMNS} FROM schemas_schemas WHERE account = $1 AND region = $2 AND registry = $3");
    let rows = tx.query(&sql, &params![scope.account.as_str(), scope.region.as_str(), registry]).await?;
    for row in &rows {
        delete(tx, scope, &from_row(row)?).await?;
    }
    Ok(())
}

async fn delete(tx: &mut Tx, scope: &Scope, schema: &Schema) -> Result<(), RegistryError> {
    store::tags::clear(tx, &schema.name.arn(scope)).await?;
    let uid = params![&schema.uid];
    tx.execute(
        "DELETE FROM schemas_metadata WHERE version_id IN (SELECT id FROM schemas_versions WHERE schema_uid = $1)",
        &uid,
    )
    .await?;
    tx.execute("DELETE FROM schemas_versions WHERE schema_uid = $1", &uid).await?;
    tx.execute("DELETE FROM schemas_schemas WHERE uid = $1", &uid).await?;
    Ok(())
}
