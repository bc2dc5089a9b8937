//! Registering a version.
//!
//! A check may take long, so it stands between two transactions: the first reads the schema at a revision, the second
//! publishes the outcome if that is still its revision. Otherwise everything begins anew: who registers at the same time
//! is checked against the version that came first.

use std::sync::Arc;

use schemas::Mismatch;
use store::{Scope, Store, Tx, params};

use super::schema::{self, Schema};
use super::versions::{self, Status, Version};
use super::{MAX_NUMBER, MAX_VERSIONS, Mode, RegistryError, SchemaName};

/// How often a check begins anew because the schema changed meanwhile.
const MAX_ATTEMPTS: u32 = 50;
/// Versions that are read and compared in one go; a definition has up to 170,000 characters.
const CHUNK: usize = 16;

/// A version that was registered, now or before.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: i64,
    /// What became of it.
    pub status: Status,
}

impl From<&Version> for Registered {
    fn from(version: &Version) -> Registered {
        Registered { id: version.id.clone(), number: version.number, status: version.status }
    }
}

/// Registers a definition as the next version of a schema. A definition that is available already is that version, and
/// one that is not compatible becomes (or is) a version with the status [`Status::Failure`].
///
/// Runs its own transactions, because the check stands between them.
///
/// # Errors
/// [`RegistryError::Definition`], [`RegistryError::SchemaNotFound`], [`RegistryError::LimitExceeded`],
/// [`RegistryError::Invalid`] when the mode is `DISABLED`, [`RegistryError::Changed`] when others changed the schema
/// again and again.
pub async fn register(
    store: &Store,
    scope: &Scope,
    name: &SchemaName,
    definition: &str,
) -> Result<Registered, RegistryError> {
    for _ in 0..MAX_ATTEMPTS {
        let mut tx = store.read().await?;
        let schema = schema::get_schema(&mut tx, scope, name).await?;
        let parsed = Arc::new(versions::parsed(schema.format, definition)?);
        let hash = versions::hash(&parsed);
        let before = versions::with_hash(&mut tx, &schema, &hash).await?;
        if let Some(known) = before.iter().find(|version| version.status == Status::Available) {
            return Ok(known.into());
        }
        refuse(&mut tx, &schema).await?;
        let compared = compared(&mut tx, &schema).await?;
        drop(tx);
        let status = match assess(store, &schema, parsed, compared).await? {
            Ok(()) => Status::Available,
            Err((number, mismatch)) => {
                tracing::info!(
                    registry = name.registry,
                    schema = name.schema,
                    against = number,
                    mode = schema.mode.as_str(),
                    reason = mismatch.to_string(),
                    "a schema version is not compatible"
                );
                if let Some(failed) = before.first() {
                    return Ok(failed.into());
                }
                Status::Failure
            }
        };
        let mut tx = store.begin().await?;
        match publish(&mut tx, schema, &hash, status, definition).await {
            Ok(registered) => {
                tx.commit().await?;
                return Ok(registered);
            }
            Err(RegistryError::Changed) => {}
            Err(error) => return Err(error),
        }
    }
    Err(RegistryError::Changed)
}

/// Refuses what no definition could change.
async fn refuse(tx: &mut Tx, schema: &Schema) -> Result<(), RegistryError> {
    if schema.mode == Mode::Disabled && schema.latest > 0 {
        let SchemaName { registry, schema } = &schema.name;
        return Err(RegistryError::invalid(format!(
            "Compatibility DISABLED does not allow versioning. RegistryName: {registry}, SchemaName: {schema}"
        )));
    }
    let row = tx
        .query_opt("SELECT count(*) FROM schemas_versions WHERE schema_uid = $1", &params![&schema.uid])
        .await?;
    if row.map_or(Ok(0), |row| row.get::<i64>(0))? >= MAX_VERSIONS || schema.next > MAX_NUMBER {
        return Err(RegistryError::LimitExceeded { what: "schema versions", limit: MAX_VERSIONS });
    }
    Ok(())
}

/// The numbers of the versions that a new one is compared with.
async fn compared(tx: &mut Tx, schema: &Schema) -> Result<Vec<i64>, RegistryError> {
    if schema.mode.directions().is_empty() || schema.latest == 0 {
        return Ok(Vec::new());
    }
    if !schema.mode.is_transitive() {
        return Ok(vec![schema.latest]);
    }
    let rows = tx
        .query(
            "SELECT number FROM schemas_versions \
             WHERE schema_uid = $1 AND status = 'AVAILABLE' AND number >= $2 ORDER BY number DESC",
            &params![&schema.uid, schema.checkpoint],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

type Verdict = Result<(), (i64, Mismatch)>;

async fn assess(
    store: &Store,
    schema: &Schema,
    new: Arc<schemas::Schema>,
    numbers: Vec<i64>,
) -> Result<Verdict, RegistryError> {
    for chunk in numbers.chunks(CHUNK) {
        let (newest, oldest) = (chunk.first().copied().unwrap_or(0), chunk.last().copied().unwrap_or(0));
        let rows = store
            .read()
            .await?
            .query(
                "SELECT number, definition FROM schemas_versions WHERE schema_uid = $1 \
                 AND status = 'AVAILABLE' AND number BETWEEN $2 AND $3 ORDER BY number DESC",
                &params![&schema.uid, oldest, newest],
            )
            .await?;
        let mut earlier = Vec::with_capacity(rows.len());
        for row in &rows {
            earlier.push((row.get::<i64>(0)?, row.get::<String>(1)?));
        }
        let (format, mode, new) = (schema.format, schema.mode, Arc::clone(&new));
        let work = tokio::task::spawn_blocking(move || -> Result<Verdict, RegistryError> {
            for (number, definition) in earlier {
                let earlier = schemas::Schema::parse(format, &definition)
                    .map_err(|_| RegistryError::Corrupt { what: "schema definition" })?;
                if let Err(mismatch) = new.may_follow(&earlier, mode) {
                    return Ok(Err((number, mismatch)));
                }
            }
            Ok(Ok(()))
        });
        let verdict = work.await.map_err(|_| RegistryError::Corrupt { what: "answer of a check" })?;
        if let Err(mismatch) = verdict? {
            return Ok(Err(mismatch));
        }
    }
    Ok(Ok(()))
}

/// Writes the outcome of a check.
/// Errors: `Changed` when the schema is not at the revision any more that was checked.
async fn publish(
    tx: &mut Tx,
    mut schema: Schema,
    hash: &[u8],
    status: Status,
    definition: &str,
) -> Result<Registered, RegistryError> {
    let number = schema.next;
    schema.next += 1;
    if status == Status::Available {
        schema.latest = number;
    }
    schema.updated_ms = tx.now_ms();
    schema::save(tx, &schema).await?;
    let id = versions::insert(tx, &schema.uid, number, hash, status, definition).await?;
    Ok(Registered { id, number, status })
}
