//! Frames that scripts and the server hand each other: Parquet files in a folder that the script names.
//!
//! What a library in Python does not read or write, the engine does for it: tables of databases ([`crate::jdbc`]), tables of the
//! catalog ([`TableRead`]), and files ([`FilesRead`], [`FilesWrite`]).

mod by_node;
mod expression;
mod files;
mod made;
mod open;
mod table;
mod written;

use std::collections::{HashMap, HashSet};

use datafusion::dataframe::DataFrame;
use engine::write::{self, Spec};
use engine::{Engine, EngineError, ObjectRef, Session, SessionOptions, Sources, SqlDialect, frame_schema};
use formats::hive::HiveType;
use lake::{Lake, Overlay};
use store::vault::Vault;
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

pub use by_node::{ByNode, Done};
pub use expression::Expression;
pub use files::{FilesFormat, FilesRead};
pub use made::{Step, TableRows};
pub use open::TableWrite;
pub use table::TableRead;
pub use written::{FilesWrite, Rows};

use crate::JobsError;
use crate::plan::PlanError;
use crate::quality::service::{Place, QualityError};

/// Handle for reading and writing; cheap to clone.
#[derive(Clone)]
pub struct Stager {
    /// Where rows of the metadata are.
    pub store: Store,
    /// Where files go.
    pub lake: Lake,
    /// What reads and writes.
    pub engine: Engine,
    /// What opens the secrets of connections.
    pub vault: Vault,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The columns of the files, with their types as the catalog writes them.
    pub columns: Vec<(String, String)>,
    /// How many rows there are; without any there may be no file.
    pub rows: u64,
    /// The columns of the primary key, where they were asked for and there is one.
    pub key: Vec<String>,
}

impl From<PlanError> for JobsError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Engine(EngineError::Store(error)) => Self::Store((*error).clone()),
            other => Self::invalid(other.to_string()),
        }
    }
}

/// The folder that a script names.
pub(crate) fn folder(location: &str) -> Result<Place, JobsError> {
    place("Folder", location)
}

/// A folder that is named by a field.
fn place(field: &str, location: &str) -> Result<Place, JobsError> {
    Place::named(field, location).map_err(|error| match error {
        QualityError::Store(error) => JobsError::Store(error),
        other => JobsError::invalid(other.to_string()),
    })
}

/// Those of the objects that were chosen, as they are listed now below `place`. Errors: `InvalidInput` naming one that is
/// not there, or is another one by now.
fn chosen(
    listed: Vec<ObjectRef>,
    chosen: &HashMap<String, String>,
    place: &str,
) -> Result<Vec<ObjectRef>, JobsError> {
    let is_chosen = |object: &ObjectRef| chosen.get(&object.uri()).is_some_and(|etag| *etag == object.etag);
    let found: Vec<ObjectRef> = listed.into_iter().filter(is_chosen).collect();
    if found.len() == chosen.len() {
        return Ok(found);
    }
    let met: HashSet<String> = found.iter().map(ObjectRef::uri).collect();
    let gone = chosen.keys().filter(|address| !met.contains(*address)).min();
    Err(JobsError::invalid(format!(
        "{}: it was removed or replaced after the script listed {place}",
        gone.map_or("a file", String::as_str)
    )))
}

impl Stager {
    /// The same for who sees the lake through `overlay`.
    #[must_use]
    pub fn seen_by(&self, overlay: Overlay) -> Self {
        Self { lake: self.lake.seen_by(overlay), ..self.clone() }
    }

    pub(crate) fn session(&self, scope: &Scope, cancel: CancellationToken) -> Session {
        self.session_of(
            scope,
            SessionOptions { cancel, dialect: SqlDialect::Spark, ..SessionOptions::default() },
        )
    }

    fn session_of(&self, scope: &Scope, options: SessionOptions) -> Session {
        let sources = Sources { store: self.store.clone(), lake: self.lake.clone(), scope: scope.clone() };
        self.engine.session(sources, options)
    }

    /// Writes a frame's rows; the files become visible together, when all are written.
    pub(crate) async fn write(
        &self,
        session: &Session,
        frame: DataFrame,
        folder: Place,
    ) -> Result<Staged, JobsError> {
        let schema = frame_schema(&frame);
        let spec = Spec::parquet(folder.bucket, folder.prefix, "rows");
        let output = write::write_partitioned(session, frame, &spec).await.map_err(PlanError::from)?;
        let mut tx = self.store.begin().await?;
        let published = write::publish(&mut tx, &self.lake, output).await.map_err(PlanError::from)?;
        tx.commit().await?;
        let mut columns = Vec::new();
        for field in schema.fields() {
            let hive = HiveType::from_arrow(field.data_type())
                .map_err(|error| JobsError::invalid(format!("column {}: {error}", field.name())))?;
            columns.push((field.name().clone(), hive.to_string()));
        }
        Ok(Staged { columns, rows: published.rows, key: Vec::new() })
    }
}
