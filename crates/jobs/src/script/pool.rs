//! Processes that wait for scripts, each in the folder that will be its script's.
//!
//! There are none before the first run of a script has ended, and none any more [`UNUSED`] after the last one began. A
//! process is started when a run is over that has taken one, not while a script wants the machine for itself.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scripts::{Engine, Limits, Program, Waiting};
use store::{Ids as _, RandomIds};
use tokio::time::Instant;

use super::ScriptOptions;
use super::files::Folder;
use super::launch::base_variables;
use crate::log::BoxError;

/// How long a process waits: a developer's pause, not a server's night.
const UNUSED: Duration = Duration::from_secs(15 * 60);

/// The least memory of a run that takes a process: what libraries have reserved counts against it, used or not.
const LEAST_BYTES: u64 = 3 << 30;

/// A process that waits, and its folder. In this order, so that the process is gone before its folder goes.
pub(super) struct Spare {
    pub(super) waiting: Waiting,
    pub(super) folder: Folder,
    until: Instant,
}

/// Up to so many processes.
pub(super) struct Pool {
    size: usize,
    spares: Mutex<Vec<Spare>>,
    /// One at a time starts them.
    filling: tokio::sync::Mutex<()>,
}

impl Pool {
    /// An empty pool, which stays empty where no run could take a process, and with classic PySpark, whose JVM is what takes
    /// time.
    pub(super) fn new(options: &ScriptOptions) -> Self {
        let is_of_use =
            options.enabled && options.engine != Engine::Spark && options.memory_bytes >= LEAST_BYTES;
        let size = if is_of_use { options.pool } else { 0 };
        Self { size, spares: Mutex::default(), filling: tokio::sync::Mutex::default() }
    }

    /// A process that is there, or is just being started, for a run with this limit; the caller's alone from now on.
    pub(super) async fn take(&self, limits: Limits) -> Option<Spare> {
        if self.size == 0 || limits.memory_bytes < LEAST_BYTES {
            return None;
        }
        if self.lock().is_empty() {
            // Beside one that imports another would only be slower.
            drop(self.filling.lock().await);
        }
        let mut spares = self.lock();
        // The oldest is the one that has certainly imported everything.
        while !spares.is_empty() {
            let mut spare = spares.remove(0);
            if spare.waiting.is_alive() {
                return Some(spare);
            }
        }
        None
    }

    /// How many are missing.
    pub(super) fn lacks(&self) -> usize {
        self.size.saturating_sub(self.lock().len())
    }

    /// Ends those whose time is over, and forgets those that have died.
    pub(super) fn retire(&self) {
        let now = Instant::now();
        self.lock().retain_mut(|spare| spare.until > now && spare.waiting.is_alive());
    }

    /// Starts what is missing, one after the other.
    pub(super) async fn fill(&self, options: &ScriptOptions, packages: &Path) {
        loop {
            let _filling = self.filling.lock().await;
            if self.lacks() == 0 {
                return;
            }
            match start(options, packages).await {
                Ok(spare) => self.lock().push(spare),
                Err(error) => {
                    tracing::warn!(%error, "a process that waits for scripts could not be started");
                    return;
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Spare>> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn start(options: &ScriptOptions, packages: &Path) -> Result<Spare, BoxError> {
    let path = options.environment.python()?;
    let folder = Folder::make(options.folder.join(format!("next-{}", RandomIds.uuid()))).await?;
    let search: [PathBuf; 1] = [packages.to_owned()];
    let variables = base_variables(options, &options.engine, folder.path(), &search);
    let program = Program { path, arguments: Vec::new(), variables, folder: folder.path().to_owned() };
    let limits = Limits { memory_bytes: options.memory_bytes };
    let waiting = Waiting::start(&program, limits).await?;
    Ok(Spare { waiting, folder, until: Instant::now() + UNUSED })
}
