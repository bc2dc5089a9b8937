//! From batches to a staging table.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{EngineError, Execution, WriteStats};
use sources::SourceError;
use sources::jdbc::{Database, Landing, Lines};

use crate::jdbc::{Cells, Fit};

/// A staging table that is being filled, in a transaction.
pub(super) struct Load {
    pub(super) database: Database,
    pub(super) landing: Landing,
    pub(super) fits: Vec<(String, Fit)>,
    /// What errors call it.
    pub(super) place: String,
    pub(super) stats: Arc<WriteStats>,
}

impl Load {
    /// Adds all rows and commits them.
    pub(super) async fn run(mut self, mut execution: Execution) -> Result<(), EngineError> {
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
        self.send(&mut lines).await?;
        let committed = self.database.commit().await;
        committed.map_err(|error| self.error(&error))?;
        self.database.close().await;
        Ok(())
    }

    async fn send(&mut self, lines: &mut Lines) -> Result<(), EngineError> {
        let bytes = lines.bytes() as u64;
        let sent = self.database.append(&self.landing, lines).await;
        sent.map_err(|error| self.error(&error))?;
        self.stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn error(&self, error: &SourceError) -> EngineError {
        EngineError::File { file: self.place.clone(), what: error.to_string() }
    }
}
