//! What nodes of visual jobs do, done to frames of scripts, so that both know the same: personal data found, told and changed
//! (PIIDetection), missing values filled in (FillMissingValues).

use serde_json::{Map, Value};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Staged, Stager, folder};
use crate::JobsError;
use crate::graph;
use crate::plan::{self, Blame, Decisions, PlanError, Planning};
use crate::quality::service::StagedFrame;

/// What a node is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct ByNode {
    /// To what.
    pub frame: StagedFrame,
    /// The members of the node, but for its name and inputs.
    pub members: Map<String, Value>,
    /// The folder for what the node would give.
    pub folder: String,
}

/// What a node has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What it gives.
    pub staged: Staged,
    /// What it says about that.
    pub notes: Vec<String>,
    /// What somebody should see of it.
    pub warnings: Vec<String>,
}

impl Stager {
    /// Writes what a PIIDetection node gives of a frame. Errors: `InvalidInput` for members that are no such node, and for
    /// what cannot be read or written, of which nothing is there; `Store`.
    pub async fn detect(&self, scope: &Scope, asked: &ByNode) -> Result<Done, JobsError> {
        self.by_node(scope, "PIIDetection", "EntityDetector", asked).await
    }

    /// Writes what a FillMissingValues node gives of a frame. Errors: as of [`Self::detect`].
    pub async fn fill(&self, scope: &Scope, asked: &ByNode) -> Result<Done, JobsError> {
        self.by_node(scope, "FillMissingValues", "FillMissingValues", asked).await
    }

    /// Does what a node of this kind does, in the name of what the script has called.
    async fn by_node(
        &self,
        scope: &Scope,
        kind: &str,
        called: &str,
        asked: &ByNode,
    ) -> Result<Done, JobsError> {
        let folder = folder(&asked.folder)?;
        let node = graph::of_script(kind, &asked.members)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let frame = asked.frame.open(&session).await?;
        let decisions = Decisions::default();
        let mut planning = Planning::new(Blame::default().accuse(called), &decisions);
        let made = Box::pin(plan::transform(&session, &node, vec![frame], &mut planning)).await?;
        let missing = || PlanError::Refused(format!("{kind} gives one frame"));
        let staged = self.write(&session, made.into_iter().next().ok_or_else(missing)?, folder).await?;
        Ok(Done { staged, notes: planning.notes, warnings: planning.warnings })
    }
}
