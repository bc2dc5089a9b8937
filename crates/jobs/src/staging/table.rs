//! Tables of the catalog that the library in scripts does not read itself.

use std::collections::HashMap;

use engine::{ObjectRef, Session, TableOptions};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Staged, Stager, folder};
use crate::JobsError;
use crate::plan::{self, PlanError};

/// A table to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRead {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// The objects to read, by address, with their ETags; all of them when absent.
    pub objects: Option<HashMap<String, String>>,
    /// Where the files are to be; nobody else may write there.
    pub folder: String,
}

impl Stager {
    /// Reads a table of the catalog, as jobs and queries do.
    /// Errors: `InvalidInput` for what cannot be opened, read or written, also objects that are not as they were listed;
    /// `Store`.
    pub async fn read_table(&self, scope: &Scope, read: &TableRead) -> Result<Staged, JobsError> {
        let folder = folder(&read.folder)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let objects = match &read.objects {
            Some(chosen) => Some(chosen_of(&session, read, chosen).await?),
            None => None,
        };
        let options = TableOptions { objects, ..TableOptions::default() };
        let frame = session.table(&read.database, &read.table, options).await.map_err(PlanError::from)?;
        self.write(&session, plan::plain(frame)?, folder).await
    }
}

/// The objects of the table that were chosen, as they are listed now.
async fn chosen_of(
    session: &Session,
    read: &TableRead,
    chosen: &HashMap<String, String>,
) -> Result<Vec<ObjectRef>, JobsError> {
    let listed = session.list_table(&read.database, &read.table, None).await.map_err(PlanError::from)?;
    super::chosen(listed, chosen, &format!("{}.{}", read.database, read.table))
}
