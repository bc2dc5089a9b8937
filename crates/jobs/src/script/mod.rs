//! Executes one run of a script: its files are downloaded, Python runs it, its end becomes the run's.
//!
//! ```text
//! objects ─► <folder>/<run>/script.py ─► process group (arguments, own key, memory limit) ─► exit ─► SUCCEEDED or FAILED
//!                                             └─ stdout, stderr ─► the run's logs, while it runs
//! ```
//!
//! The script is a client of this server like any other: it reads and writes through the endpoint, with a key that is
//! its own and ends with it. What it writes is visible at once, as on AWS; so a run that ends without success leaves
//! what it has written, and is begun again only when its job has retries. A run that asks for it has what it writes
//! published with its success, or not at all ([`atomic`]). Its working folder goes when it ends, and
//! after a crash when the next server starts.

mod arguments;
pub(crate) mod atomic;
mod files;
mod launch;
mod pool;
mod spark;
mod traffic;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lake::Overlay;
use scripts::{Ended, Engine, Environment, Layers, failure, process};
use store::lease::{self, Lease};
use store::{Scope, crash};
use tokio::sync::OnceCell;

pub(crate) use arguments::{Asked, EXTRA_PYTHON, passed};
pub(crate) use files::{Folder, is_location};
pub(crate) use launch::{DISABLED, Ground, Issued, Laid, lay, memory_bytes, no_folder};

use self::pool::Pool;
pub use self::traffic::Traffic;
use crate::execute::{AFTER_COMMIT, RunFailure, published};
use crate::jobs::Active;
use crate::lineage::Datasets;
use crate::log::RunLog;
use crate::metrics;
use crate::run::{self, Event, Run, RunState};
use crate::service::{Context, unknown};

/// The script has ended well, the run is still RUNNING.
pub(crate) const ENDED: &str = "jobs.script.ended";
/// Why a run failed that a server which stops has ended.
pub(crate) const SHUT_DOWN: &str =
    "The server was stopped while the script ran; what the script had written until then is there.";

/// The same of a run whose output is one commit.
pub(crate) const SHUT_DOWN_APART: &str =
    "The server was stopped while the script ran; nothing of its output was published.";

/// A key that the processes of one run sign with.
#[derive(Clone)]
pub struct RunKey {
    /// Access key id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: String,
    /// Set for a key that is the run's own.
    pub session_token: Option<String>,
}

/// Gives runs keys; the binary joins it to who verifies signatures.
pub trait RunKeys: Send + Sync {
    /// A key for requests in the name of this account; with an overlay, its objects are read and written through that,
    /// and the key is of no use at all once it is revoked. With `traffic`, which makes it a key of its own, too, what its
    /// requests move of objects is counted there.
    fn issue(&self, scope: &Scope, overlay: Option<&Overlay>, traffic: Option<&Arc<Traffic>>) -> RunKey;

    /// Ends a key; one that is unknown, or not of [`Self::issue`], is left alone.
    fn revoke(&self, access_key_id: &str);
}

/// What running scripts needs of the server.
pub struct ScriptOptions {
    /// Whether scripts run at all.
    pub enabled: bool,
    /// Where Python and the engine are.
    pub environment: Environment,
    /// Modules that jobs want besides.
    pub layers: Layers,
    /// Holds a working folder per run. Whoever makes this value has emptied it.
    pub folder: PathBuf,
    /// What runs the frames of runs and sessions that name no engine themselves.
    pub engine: Engine,
    /// Variables that say where Spark and Java are (`SPARK_HOME`, `JAVA_HOME`, …), for runs on classic PySpark.
    pub spark: BTreeMap<String, String>,
    /// The most that a process of a script may use.
    pub memory_bytes: u64,
    /// How many processes wait for a script, once there has been one.
    pub pool: usize,
    /// Where this server is reached.
    pub endpoint: String,
    /// Keys for runs.
    pub keys: Arc<dyn RunKeys>,
}

/// Runs scripts.
pub struct Scripts {
    options: ScriptOptions,
    /// Where our packages lie, once they were needed.
    packages: OnceCell<PathBuf>,
    pool: Pool,
}

impl Scripts {
    /// With these options.
    pub fn new(options: ScriptOptions) -> Self {
        let pool = Pool::new(&options);
        Self { options, packages: OnceCell::new(), pool }
    }

    /// Makes up for processes that were taken or have died, one after the other. Whatever goes wrong is told in the server's
    /// log: runs start without.
    pub(crate) async fn refill(&self) {
        if self.pool.lacks() == 0 {
            return;
        }
        match self.packages().await {
            Ok(packages) => self.pool.fill(&self.options, packages).await,
            Err(failure) => tracing::warn!(%failure, "no process can wait for scripts"),
        }
    }

    /// Ends processes that have waited in vain, and forgets those that have died.
    pub(crate) fn retire(&self) {
        self.pool.retire();
    }

    pub(crate) fn options(&self) -> &ScriptOptions {
        &self.options
    }

    /// The folder of our packages: those of this very program, whatever the environment was made with.
    async fn packages(&self) -> Result<&PathBuf, RunFailure> {
        let unpack = || async {
            let folder = self.options.folder.join("packages");
            let to = folder.clone();
            let unpacked = tokio::task::spawn_blocking(move || scripts::package::unpack(&to)).await;
            unpacked.map_err(std::io::Error::other)?.map(|()| folder)
        };
        let unpacked: Result<&PathBuf, std::io::Error> = self.packages.get_or_try_init(unpack).await;
        unpacked
            .map_err(|error| RunFailure::Script(format!("the awsglue package cannot be unpacked: {error}")))
    }
}

/// Executes the run; `Ok` means that it is SUCCEEDED.
pub(crate) async fn execute(
    context: &Context,
    run: &Run,
    lease: &Lease,
    active: &Active,
    log: &RunLog,
) -> Result<(), RunFailure> {
    if let Some(events) = &context.events {
        events.begun(run, context.store.clock().now_ms());
    }
    let task = launch::Task { context, run, lease, log, traffic: &active.traffic };
    // While it is prepared there is nothing yet that could end by itself.
    let prepared = tokio::select! {
        biased;
        () = active.cancel.cancelled() => return Err(RunFailure::Cancelled),
        prepared = launch::prepare(&task) => prepared?,
    };
    let ended = process::attend(prepared.started, &Printed(log), &active.cancel).await;
    log.flush().await;
    let ended = ended.map_err(|error| RunFailure::Script(format!("the script cannot be run: {error}")))?;
    drop(prepared.key);
    prepared.folder.remove().await;
    failed(&ended, prepared.limits)?;
    conclude(&task, prepared.overlay.as_ref()).await
}

/// Why the run has failed, if its script has.
fn failed(ended: &Ended, limits: scripts::Limits) -> Result<(), RunFailure> {
    if ended.cancelled {
        return Err(RunFailure::Cancelled);
    }
    match failure::explain(ended.exit, &ended.tail, limits.memory_bytes) {
        Some(message) => Err(RunFailure::Script(message)),
        None => Ok(()),
    }
}

/// Stores that the run is SUCCEEDED, with what it has held back.
async fn conclude(task: &launch::Task<'_>, overlay: Option<&Overlay>) -> Result<(), RunFailure> {
    let launch::Task { context, run, lease, log, .. } = task;
    crash::point(ENDED);
    let mut tx = context.store.begin().await?;
    let mut now = run::still_ours(&mut tx, lease, &run.id).await?;
    let published_line = match overlay {
        Some(overlay) => Some(atomic::publish(context, &mut tx, &now, overlay).await?),
        None => None,
    };
    run::apply(&mut tx, &mut now, Event::Published).await?.ok_or(RunFailure::Ended)?;
    metrics::report(context, &mut tx, &mut now).await?;
    lease::release(&mut tx, lease).await?;
    match tx.commit().await {
        Ok(()) => {}
        Err(error) if unknown(&error) && published(context, run, &(RunState::Succeeded, None)).await? => {}
        // If it is not known: the lease runs out, and recovery looks at what is stored.
        Err(error) => return Err(error.into()),
    }
    crash::point(AFTER_COMMIT);
    published_line.into_iter().for_each(|line| log.info(line));
    if let Some(events) = &context.events {
        let now_ms = context.store.clock().now_ms();
        events.ended(run, RunState::Succeeded, now_ms, None, &Datasets::default());
    }
    Ok(())
}

/// Hands what a script prints to the run's logs.
struct Printed<'a>(&'a RunLog);

#[async_trait::async_trait]
impl scripts::Sink for Printed<'_> {
    async fn lines(&self, output: scripts::Output, lines: Vec<String>) {
        self.0.printed(output, lines).await;
    }
}
