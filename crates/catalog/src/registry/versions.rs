//! Versions of schemas.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Row, Scope, Tx, params};

use super::schema::{self, Schema};
use super::{Format, MAX_NUMBER, RegistryError, SchemaName, Which};
use crate::page::{self, Page};

/// Versions that one call may delete.
const MAX_DELETED: i64 = 1_000;

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may be used.
    Available,
    /// It is not compatible. It is kept, and counts for nothing.
    Failure,
}

impl Status {
    /// Glue's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Available => "AVAILABLE",
            Status::Failure => "FAILURE",
        }
    }
}

/// A version of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub(super) schema_uid: String,
    /// Its number, from 1.
    pub number: i64,
    /// A UUID.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// When it was registered, epoch milliseconds.
    pub created_ms: i64,
    /// As it was given.
    pub definition: String,
}

const COLUMNS: &str = "schema_uid, number, id, status, created_ms, definition";

fn from_row(row: &Row) -> Result<Version, RegistryError> {
    let status = match row.get::<String>(3)?.as_str() {
        "AVAILABLE" => Status::Available,
        "FAILURE" => Status::Failure,
        _ => return Err(RegistryError::Corrupt { what: "status" }),
    };
    Ok(Version {
        schema_uid: row.get(0)?,
        number: row.get(1)?,
        id: row.get(2)?,
        status,
        created_ms: row.get(4)?,
        definition: row.get(5)?,
    })
}

/// Reads a definition from a client.
pub(super) fn parsed(format: Format, definition: &str) -> Result<schemas::Schema, RegistryError> {
    if definition.contains('\0') {
        return Err(RegistryError::invalid("A schema definition cannot hold the character U+0000."));
    }
    schemas::Schema::parse_new(format, definition)
        .map_err(|source| RegistryError::Definition { format, source })
}

/// Says what is wrong with a definition, if anything is.
pub fn check_validity(format: Format, definition: &str) -> Result<(), schemas::Invalid> {
    schemas::Schema::parse_new(format, definition).map(|_| ())
}

/// What tells definitions apart: they may differ in layout.
pub(super) fn hash(parsed: &schemas::Schema) -> Vec<u8> {
    Sha256::digest(parsed.canonical().as_bytes()).to_vec()
}

pub(super) async fn insert(
    tx: &mut Tx,
    schema_uid: &str,
    number: i64,
    hash: &[u8],
    status: Status,
    definition: &str,
) -> Result<String, RegistryError> {
    let id = tx.new_id();
    tx.execute(
        "INSERT INTO schemas_versions (schema_uid, number, id, hash, status, created_ms, definition) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![schema_uid, number, &id, hash, status.as_str(), tx.now_ms(), definition],
    )
    .await?;
    Ok(id)
}

/// Finds a version and its schema.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`], [`RegistryError::VersionNotFound`].
pub async fn find_version(
    tx: &mut Tx,
    scope: &Scope,
    which: &Which,
) -> Result<(Schema, Version), RegistryError> {
    let (name, number) = match which {
        Which::Id(id) => return by_id(tx, scope, id).await,
        Which::Number(name, number) => (name, Some(*number)),
        Which::Latest(name) => (name, None),
    };
    let schema = schema::get_schema(tx, scope, name).await?;
    let number = number.unwrap_or(schema.latest);
    let sql = format!("SELECT {COLUMNS} FROM schemas_versions WHERE schema_uid = $1 AND number = $2");
    let row = tx.query_opt(&sql, &params![&schema.uid, number]).await?;
    match row {
        Some(row) => Ok((schema, from_row(&row)?)),
        None => Err(RegistryError::VersionNotFound {
            which: format!(
                "RegistryName: {}, SchemaName: {}, VersionNumber: {number}",
                name.registry, name.schema
            ),
        }),
    }
}

async fn by_id(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(Schema, Version), RegistryError> {
    let sql = format!("SELECT {COLUMNS} FROM schemas_versions WHERE id = $1");
    if let Some(row) = tx.query_opt(&sql, &params![id]).await? {
        let version = from_row(&row)?;
        if let Some(schema) = schema::by_uid(tx, scope, &version.schema_uid).await? {
            return Ok((schema, version));
        }
    }
    Err(RegistryError::VersionNotFound { which: format!("SchemaVersionId: {id}") })
}

/// The versions of a schema that have a hash: the available one first, then failed ones.
pub(super) async fn with_hash(
    tx: &mut Tx,
    schema: &Schema,
    hash: &[u8],
) -> Result<Vec<Version>, RegistryError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schemas_versions WHERE schema_uid = $1 AND hash = $2 \
         ORDER BY status, number LIMIT 2"
    );
    let rows = tx.query(&sql, &params![&schema.uid, hash]).await?;
    rows.iter().map(from_row).collect()
}

/// Finds the version that has a definition.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`], [`RegistryError::VersionNotFound`], [`RegistryError::Definition`].
pub async fn find_by_definition(
    tx: &mut Tx,
    scope: &Scope,
    name: &SchemaName,
    definition: &str,
) -> Result<(Schema, Version), RegistryError> {
    let schema = schema::get_schema(tx, scope, name).await?;
    let hash = hash(&parsed(schema.format, definition)?);
    match with_hash(tx, &schema, &hash).await?.into_iter().next() {
        Some(version) => Ok((schema, version)),
        None => Err(RegistryError::VersionNotFound {
            which: format!("RegistryName: {}, SchemaName: {}, by its definition", name.registry, name.schema),
        }),
    }
}

#[derive(Serialize, Deserialize)]
struct Position {
    after: i64,
}

/// Lists a schema's versions by number, up to `limit` (at least 1) after `token`.
///
/// # Errors
/// [`RegistryError::SchemaNotFound`], [`RegistryError::InvalidToken`].
pub async fn list_versions(
    tx: &mut Tx,
    scope: &Scope,
    name: &SchemaName,
    token: Option<&str>,
    limit: usize,
) -> Result<(Schema, Page<Version>), RegistryError> {
    let schema = schema::get_schema(tx, scope, name).await?;
    let limit = limit.max(1);
    let after = page::position::<Position>(token).map_err(RegistryError::of_page)?.map_or(0, |at| at.after);
    let sql = format!(
        "SELECT {COLUMNS} FROM schemas_versions WHERE schema_uid = $1 AND number > $2 ORDER BY number LIMIT $3"
    );
    let rows = tx.query(&sql, &params![&schema.uid, after, limit as i64 + 1]).await?;
    let mut items = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(last) if more => {
            Some(page::token(&Position { after: last.number }).map_err(RegistryError::of_page)?)
        }
        _ => None,
    };
    Ok((schema, Page { items, next }))
}

/// Deletes versions `5` or `5-8` with what is noted on them. Returns the numbers that there was no version of.
///
/// # Errors
/// [`RegistryError::Invalid`] for the first version, and for versions that the mode needs;
/// [`RegistryError::Checkpoint`]; [`RegistryError::SchemaNotFound`]. Then nothing is deleted.
pub async fn delete_versions(
    tx: &mut Tx,
    scope: &Scope,
    name: &SchemaName,
    range: &str,
) -> Result<Vec<i64>, RegistryError> {
    let (from, to) = parse_range(range)?;
    let mut schema = schema::get_schema(tx, scope, name).await?;
    let rows = tx
        .query(
            "SELECT number, status FROM schemas_versions WHERE schema_uid = $1 AND number BETWEEN $2 AND $3",
            &params![&schema.uid, from, to],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let number: i64 = row.get(0)?;
        let available = row.get::<String>(1)? == Status::Available.as_str();
        if number == schema.checkpoint {
            return Err(RegistryError::Checkpoint { number });
        }
        if number == 1 {
            let reason = "The first version cannot be deleted: delete the schema instead.";
            return Err(RegistryError::invalid(reason));
        }
        if available && schema.mode.is_transitive() && number > schema.checkpoint {
            let mode = schema.mode.as_str();
            let reason = format!("The compatibility {mode} needs version {number}: it cannot be deleted.");
            return Err(RegistryError::invalid(reason));
        }
        found.push(number);
    }
    remove(tx, &mut schema, from, to).await?;
    Ok((from..=to).filter(|number| !found.contains(number)).collect())
}

async fn remove(tx: &mut Tx, schema: &mut Schema, from: i64, to: i64) -> Result<(), RegistryError> {
    let which = params![&schema.uid, from, to];
    tx.execute(
        "DELETE FROM schemas_metadata WHERE version_id IN \
         (SELECT id FROM schemas_versions WHERE schema_uid = $1 AND number BETWEEN $2 AND $3)",
        &which,
    )
    .await?;
    tx.execute("DELETE FROM schemas_versions WHERE schema_uid = $1 AND number BETWEEN $2 AND $3", &which)
        .await?;
    let row = tx
        .query_opt(
            "SELECT max(number) FROM schemas_versions WHERE schema_uid = $1 AND status = 'AVAILABLE'",
            &params![&schema.uid],
        )
        .await?;
    schema.latest = row.map_or(Ok(None), |row| row.get::<Option<i64>>(0))?.unwrap_or(0);
    schema.updated_ms = tx.now_ms();
    schema::save(tx, schema).await
}

fn parse_range(range: &str) -> Result<(i64, i64), RegistryError> {
    let (from, to) = range.split_once('-').unwrap_or((range, range));
    match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(from), Ok(to)) if from >= 1 && from <= to && to <= MAX_NUMBER => {
            if to - from >= MAX_DELETED {
                let message = format!("At most {MAX_DELETED} versions can be deleted in one call.");
                return Err(RegistryError::invalid(message));
            }
            Ok((from, to))
        }
        _ => Err(RegistryError::invalid(format!("{range} is neither a version number nor a range of them."))),
    }
}

/// The difference between two versions as a JSON Patch.
///
/// # Errors
/// [`RegistryError::Corrupt`] when a stored definition cannot be read.
pub fn patch(format: Format, first: &Version, second: &Version) -> Result<String, RegistryError> {
    let read = |version: &Version| {
        schemas::Schema::parse(format, &version.definition)
            .map_err(|_| RegistryError::Corrupt { what: "schema definition" })
    };
    Ok(schemas::patch(&read(first)?, &read(second)?, &second.definition))
}
