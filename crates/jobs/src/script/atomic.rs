//! Runs whose output is one commit (`--output-commit atomic`).
//!
//! ```text
//! run begins ─► overlay of the lake, named after the run ─► its key reads and writes through it
//!                  ├─ script has ended well: one transaction publishes it, moves the bookmark, and stores SUCCEEDED
//!                  └─ anything else: the transaction that stores the run's end gives it up
//! ```
//! An overlay whose run has ended without that (its job was deleted meanwhile) is given up when a service starts.
//! Only what the script does to objects with the run's own key is held back: changes of the catalog, rows for databases and
//! whatever it asks other services for are made at once.

use lake::{BucketName, Lake, LakeError, Overlay};
use scripts::Engine;
use store::{Scope, Tx, crash};

use super::arguments::{ENGINE, OUTPUT_COMMIT, engine};
use super::launch::Task;
use crate::JobsError;
use crate::arguments::ArgumentMap;
use crate::bookmark::held;
use crate::execute::{BEFORE_COMMIT, RunFailure};
use crate::run::{self, Run, RunKind};
use crate::service::Context;

const ATOMIC: &str = "atomic";
/// Where the library in scripts keeps what it hands over.
const TEMP_DIR: &str = "--TempDir";

/// Whether what the script of a run writes is published with its end.
///
/// # Errors
/// `InvalidInput` for a value that means nothing: the run might be taken for atomic.
pub(crate) fn wanted(arguments: &ArgumentMap) -> Result<bool, JobsError> {
    match arguments.get(OUTPUT_COMMIT).map_or("", |value| value.trim()) {
        "" => Ok(false),
        ATOMIC => Ok(true),
        other => Err(JobsError::invalid(format!(
            "{OUTPUT_COMMIT} {other} is not known: {ATOMIC} is, and without the argument what a script writes is visible at once"
        ))),
    }
}

/// The overlay of a run.
fn overlay_of(run: &str) -> Overlay {
    Overlay::new(run)
}

/// Begins the overlay of a run that wants one.
pub(super) async fn begin(task: &Task<'_>, arguments: &ArgumentMap) -> Result<Option<Overlay>, RunFailure> {
    if !wanted(arguments)? {
        return Ok(None);
    }
    let Task { context, run, lease, log, .. } = task;
    check_engine(&engine(arguments, context.scripts.options()), run.details.kind)?;
    let overlay = overlay_of(&run.id);
    let mut tx = context.store.begin().await?;
    run::still_ours(&mut tx, lease, &run.id).await?;
    context.lake.begin_overlay(&mut tx, &overlay).await.map_err(of_lake)?;
    if run.details.kind == RunKind::Etl && !arguments.contains_key(TEMP_DIR) {
        make_assets(context, &mut tx, &run.scope).await?;
    }
    tx.commit().await?;
    log.info(
        "what the script writes to buckets with the run's own key is published when the run succeeds, all at once; what it \
         changes in the catalog, in databases and by other services is there at once"
            ,
    );
    Ok(Some(overlay))
}

/// Makes the bucket in which the library hands over frames unless the run has a folder for that: within an overlay nobody makes
/// buckets.
async fn make_assets(context: &Context, tx: &mut Tx, scope: &Scope) -> Result<(), RunFailure> {
    let name = format!("aws-glue-assets-{}-{}", scope.account, scope.region);
    let Ok(name) = BucketName::new(&name) else { return Ok(()) };
    match context.lake.create_bucket(tx, scope, &name).await {
        // Of another account: the script says so, when it needs it.
        Ok(_) | Err(LakeError::BucketAlreadyOwnedByYou { .. } | LakeError::BucketAlreadyExists { .. }) => {
            Ok(())
        }
        Err(error) => Err(of_lake(error)),
    }
}

/// An engine elsewhere writes with credentials of its own, where all see it.
fn check_engine(engine: &Engine, kind: RunKind) -> Result<(), RunFailure> {
    if kind == RunKind::PythonShell || !matches!(engine, Engine::Connect(_)) {
        return Ok(());
    }
    Err(RunFailure::Script(format!(
        "{OUTPUT_COMMIT} {ATOMIC} needs an engine that signs with the run's key; {engine} writes with credentials of its own, \
         visible at once: run it with {ENGINE} sail, or run the job without the argument"
    )))
}

/// Publishes what the script has written and moves the bookmark as far as it has committed it; says so for the log.
pub(super) async fn publish(
    context: &Context,
    tx: &mut Tx,
    run: &Run,
    overlay: &Overlay,
) -> Result<String, RunFailure> {
    let published = context.lake.publish_overlay(tx, overlay).await.map_err(of_lake)?;
    let version = held::apply(tx, run).await?;
    let mut line =
        format!("published in one commit: {} objects, {} removed", published.written, published.removed);
    if let Some(version) = version {
        line.push_str(&format!(", bookmark moved to version {version}"));
    }
    crash::point(BEFORE_COMMIT);
    Ok(line)
}

/// Gives up what the script of a run has written, in the transaction that stores the run's end; whether there was an
/// overlay. Of other runs there is none.
pub(crate) async fn give_up(lake: &Lake, tx: &mut Tx, run: &str) -> Result<bool, JobsError> {
    let dropped = lake.drop_overlay(tx, &overlay_of(run)).await.map_err(in_store)?;
    if dropped {
        held::forget(tx, run).await?;
    }
    Ok(dropped)
}

/// Gives up the overlays of runs that are not active any more.
pub(crate) async fn give_up_orphans(context: &Context) -> Result<(), JobsError> {
    let mut tx = context.store.begin().await?;
    for overlay in context.lake.overlays(&mut tx).await.map_err(in_store)? {
        let run = run::load(&mut tx, overlay.as_str()).await?;
        if run.is_none_or(|run| run.details.state.is_final()) {
            tracing::warn!(run = overlay.as_str(), "giving up what a run had written that is gone");
            give_up(&context.lake, &mut tx, overlay.as_str()).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn of_lake(error: LakeError) -> RunFailure {
    match error {
        LakeError::Store(error) => RunFailure::Store(error),
        other => RunFailure::Script(format!("The script's output cannot be published: {other}")),
    }
}

fn in_store(error: LakeError) -> JobsError {
    match error {
        LakeError::Store(error) => JobsError::Store(error),
        other => JobsError::invalid(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_elsewhere_is_refused() {
        let engine = Engine::Connect("sc://spark:15002".to_owned());
        let refused = check_engine(&engine, RunKind::Etl).unwrap_err().to_string();
        assert!(refused.contains("sc://spark:15002"), "{refused}");
        assert!(check_engine(&engine, RunKind::PythonShell).is_ok());
        for engine in [Engine::Sail, Engine::Spark] {
            assert!(check_engine(&engine, RunKind::Etl).is_ok());
        }
    }

    #[test]
    fn a_value_that_means_nothing_is_refused() {
        let with = |value: &str| wanted(&ArgumentMap::from([(OUTPUT_COMMIT.to_owned(), value.to_owned())]));
        assert!(!wanted(&ArgumentMap::new()).unwrap());
        assert!(with("atomic").unwrap() && !with("").unwrap());
        let refused = with("Atomik").unwrap_err().to_string();
        assert!(refused.contains("--output-commit Atomik is not known"), "{refused}");
    }
}
