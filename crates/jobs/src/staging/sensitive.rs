//! Personal data in frames of scripts: found, told and changed by the rules of PIIDetection nodes, so that both know the same.

use serde_json::{Map, Value};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Staged, Stager, folder};
use crate::JobsError;
use crate::graph;
use crate::plan::{self, Blame, Decisions, PlanError, Planning};
use crate::quality::service::StagedFrame;

/// What is to be looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Where.
    pub frame: StagedFrame,
    /// The members of a PIIDetection node, but for its name and inputs.
    pub members: Map<String, Value>,
    /// The folder for what the node would give.
    pub folder: String,
}

impl Stager {
    /// Writes what a PIIDetection node gives of a frame. Errors: `InvalidInput` for members that are no such node, and for
    /// what cannot be read or written, of which nothing is there; `Store`.
    pub async fn detect(&self, scope: &Scope, asked: &Detection) -> Result<Staged, JobsError> {
        let folder = folder(&asked.folder)?;
        let node = graph::of_script("PIIDetection", &asked.members)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let frame = asked.frame.open(&session).await?;
        let decisions = Decisions::default();
        let mut planning = Planning::new(Blame::default().accuse("EntityDetector"), &decisions);
        let found = Box::pin(plan::transform(&session, &node, vec![frame], &mut planning)).await?;
        let missing = || PlanError::Refused("PIIDetection gives one frame".to_owned());
        self.write(&session, found.into_iter().next().ok_or_else(missing)?, folder).await
    }
}
