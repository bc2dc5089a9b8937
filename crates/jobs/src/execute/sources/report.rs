//! What the log says of sources.

use super::super::explain::{Files, SourceFiles};
use super::super::{RunFailure, Task, name_of};
use crate::bookmark::Window;
use crate::graph::{CatalogSource, Node};

/// Says what a source has, and what of it is read.
pub(super) fn files(task: &Task<'_>, node: &Node, files: &SourceFiles, window: Window, full: bool) {
    let why = why(window, full, files);
    let name = name_of(node);
    let (listed, Files { files, bytes }) = (files.listed.files, files.to_read);
    task.log.info(format!("{name}: {listed} objects listed, {files} to read with {bytes} bytes; {why}"));
}

/// Says why a table gives nothing: as with Glue that is no failure, and hard to see.
pub(super) async fn empty(task: &Task<'_>, node: &Node, source: &CatalogSource) -> Result<(), RunFailure> {
    let mut tx = task.context.store.read().await?;
    let table = catalog::table::get(&mut tx, &task.run.scope, &source.database, &source.table).await;
    let table = table.map_err(|error| RunFailure::catalog(node, error))?;
    let location = table.storage_descriptor().and_then(|own| own.location.as_deref()).unwrap_or_default();
    task.log.info(format!(
        "{}: table {}.{} has no objects under {location}: its input is empty",
        name_of(node),
        source.database,
        source.table
    ));
    Ok(())
}

/// Why some of a source is read, or all of it.
fn why(window: Window, full: bool, files: &SourceFiles) -> String {
    match (window, full) {
        (_, true) => "every run reads all of it (--bookmark-full-sources)".to_owned(),
        (Window::All, false) => "the bookmark is disabled".to_owned(),
        (Window::New, _) => format!(
            "{} left out by the bookmark, {} rewritten since an earlier run",
            files.left_out, files.rewritten
        ),
        (Window::Between { .. }, _) => {
            format!("{} left out, which the runs asked for have not read", files.left_out)
        }
    }
}
