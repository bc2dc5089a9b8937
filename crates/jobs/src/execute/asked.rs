//! What a run is asked to do, by its graph, its arguments and the job's bookmark.

use store::Tx;

use crate::JobsError;
use crate::arguments::{ArgumentMap, BookmarkOption, Options};
use crate::bookmark::{self, Window};
use crate::graph::Graph;

/// What a run is asked to do.
pub(super) struct Asked {
    pub(super) graph: Graph,
    pub(super) options: Options,
    /// The bookmark's version.
    pub(super) planned_version: i64,
    pub(super) window: Window,
}

impl Asked {
    /// What the graph and arguments ask for, beside the bookmark as it is. Errors: arguments that mean nothing.
    pub(super) async fn of(
        tx: &mut Tx,
        incarnation: &str,
        graph: Graph,
        arguments: &ArgumentMap,
    ) -> Result<Self, JobsError> {
        let options = Options::parse(arguments)?;
        check_full_sources(&graph, &options)?;
        let window = window(tx, incarnation, &options).await?;
        let head = bookmark::head(tx, incarnation).await?;
        Ok(Self { graph, options, planned_version: head.map_or(0, |entry| entry.version), window })
    }
}

/// What the arguments want of sources.
async fn window(tx: &mut Tx, incarnation: &str, options: &Options) -> Result<Window, JobsError> {
    match &options.bookmark {
        BookmarkOption::Disable => Ok(Window::All),
        BookmarkOption::Enable => Ok(Window::New),
        BookmarkOption::Pause { from, to } => {
            bookmark::window(tx, incarnation, from.as_deref(), to.as_deref()).await
        }
    }
}

/// A name that is nobody's would silently leave a source under the bookmark.
fn check_full_sources(graph: &Graph, options: &Options) -> Result<(), JobsError> {
    for name in &options.full_sources {
        if !graph.needed().any(|node| node.kind.is_source() && (node.name == *name || node.id == *name)) {
            let message =
                format!("--bookmark-full-sources names {name}, but no source of the job is called so");
            return Err(JobsError::invalid(message));
        }
    }
    Ok(())
}
