//! From batches to a table, within a transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{EngineError, Execution, WriteStats};
use sources::SourceError;
use sources::jdbc::{Database, Landing, Lines};

use super::{Cells, Fit};

/// A table that is being filled, in a transaction: that in which the landing's rows wait.
pub(crate) struct Load {
    pub(crate) database: Database,
    pub(crate) landing: Landing,
    pub(crate) fits: Vec<(String, Fit)>,
    /// What errors call it.
    pub(crate) place: String,
    pub(crate) stats: Arc<WriteStats>,
}

impl Load {
    /// Adds all rows and commits them.
    pub(crate) async fn run(mut self, execution: Execution) -> Result<(), EngineError> {
        self.fill(execution).await?;
        let committed = self.database.commit().await;
        committed.map_err(|error| self.error(&error))?;
        self.database.close().await;
        Ok(())
    }

    /// Adds all rows.
    pub(super) async fn fill(&mut self, mut execution: Execution) -> Result<(), EngineError> {
        let mut lines = Lines::new(self.database.engine());
        while let Some(batch) = execution.next().await {
            let batch = batch?;
            let cells = Cells::of(&batch, &self.fits)
                .map_err(|what| EngineError::File { file: self.place.clone(), what })?;
            for row in cells.rows() {
                lines.push(row);
                if lines.is_full() {
                    self.send(&mut lines).await?;
                }
            }
            self.stats.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        }
        self.send(&mut lines).await
    }

    async fn send(&mut self, lines: &mut Lines) -> Result<(), EngineError> {
        let bytes = lines.bytes() as u64;
        let sent = self.database.append(&self.landing, lines).await;
        sent.map_err(|error| self.error(&error))?;
        self.stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// What has gone wrong, as an error of the engine that names the table.
    pub(super) fn error(&self, error: &SourceError) -> EngineError {
        EngineError::File { file: self.place.clone(), what: error.to_string() }
    }
}
