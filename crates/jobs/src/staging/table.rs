//! Tables of the catalog that the library in scripts does not read itself.

use std::collections::HashMap;

use datafusion::dataframe::DataFrame;
use engine::{Session, TableOptions};
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
        let frame = open(&session, &read.database, &read.table, read.objects.as_ref()).await?;
        self.write(&session, frame, folder).await
    }
}

/// The rows of a table, or of those of its objects that were chosen, as they are listed now.
pub(super) async fn open(
    session: &Session,
    database: &str,
    table: &str,
    chosen: Option<&HashMap<String, String>>,
) -> Result<DataFrame, JobsError> {
    let objects = match chosen {
        Some(chosen) => {
            let listed = session.list_table(database, table, None).await.map_err(PlanError::from)?;
            Some(super::chosen(listed, chosen, &format!("{database}.{table}"))?)
        }
        None => None,
    };
    let options = TableOptions { objects, ..TableOptions::default() };
    let frame = session.table(database, table, options).await.map_err(PlanError::from)?;
    Ok(plan::plain(frame)?)
}
