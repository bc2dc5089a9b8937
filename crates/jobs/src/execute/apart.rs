//! Rows written into a table of an open format by a call, outside any run of a graph: the way of runs, with a transaction of
//! its own.
//!
//! What is written, and how, the members of a target node say, so there is one meaning of them. The commit is there when the call
//! returns, or not at all and the call fails; what a crash leaves: nothing.

use std::sync::Arc;

use datafusion::dataframe::DataFrame;
use engine::write::{self, Spec};

use super::publish::{begin, publish_files};
use super::{MAX_OVERTAKEN, RunFailure, Writer, Written, target};
use crate::graph::{Node, Target};
use crate::plan::{Accused, Blame};

/// Adds a frame's rows to the node's table, or replaces what they replace; how many there are, of an upsert all of the table.
/// A folder gets at most `most_files`, but for those that are ended for their size.
pub(crate) async fn write_apart(
    writer: &Writer<'_>,
    (node, target): (&Node, &Target),
    (frame, most_files): (&DataFrame, Option<usize>),
) -> Result<u64, RunFailure> {
    let accused = Blame::default().accuse(node.label);
    let mut overtaken = 0;
    loop {
        match Box::pin(once(writer, (node, target), (frame.clone(), most_files), &accused)).await {
            Err(RunFailure::Overtaken { .. }) if overtaken < MAX_OVERTAKEN => overtaken += 1,
            ended => return ended,
        }
    }
}

async fn once(
    writer: &Writer<'_>,
    (node, target): (&Node, &Target),
    (frame, most_files): (DataFrame, Option<usize>),
    accused: &Accused,
) -> Result<u64, RunFailure> {
    let schema = Arc::clone(frame.schema().inner());
    let resolved = target::of_open(writer, node, target, &schema).await?;
    let frame = resolved.conform(frame, accused).map_err(|error| RunFailure::node(node, error))?;
    let own = writer.store.ids().uuid().replace('-', "");
    let spec = resolved.spec_of(format!("part-{own}"), None);
    let spec = Spec { max_tasks: spec.max_tasks.or(most_files), ..spec };
    let output = write::write_partitioned(writer.session, frame, &spec).await;
    let output = output.map_err(|error| RunFailure::node(node, error.into()))?;
    let written = [Written { node: node.clone(), resolved, output }];
    let (mut tx, commits) = Box::pin(begin(writer, &written)).await?;
    let (mut rows, mut lines) = (0, Vec::new());
    for (written, commit) in written.into_iter().zip(commits) {
        rows += Box::pin(publish_files(writer, &mut tx, written, commit, &mut lines)).await?;
    }
    tx.commit().await?;
    for line in lines {
        tracing::debug!("{line}");
    }
    Ok(rows)
}
