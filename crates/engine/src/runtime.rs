//! One engine per process: its threads, its memory pool, its spill files.
//!
//! The engine owns a tokio runtime of its own, so that a query that computes for seconds never holds a thread that
//! serves requests. Everything that plans or runs hops onto it through [`Engine::run`]. All sessions share one
//! memory pool and one spill folder, both bounded: a statement that needs more fails with
//! [`EngineError::MemoryExhausted`] and takes nothing else with it.
//!
//! A crash leaves spill files behind; the folder holds nothing else and may be emptied at the next start.

use std::{fmt, future::Future, num::NonZeroUsize, sync::Arc};

use datafusion::execution::{
    disk_manager::{DiskManagerBuilder, DiskManagerMode},
    memory_pool::{MemoryPool, TrackConsumersPool},
    runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{EngineError, Options, Session, SessionOptions, Sources, pool::HeadroomPool, registry::NoStores};

/// How many operators the message of an exhausted pool names.
const NAMED_CONSUMERS: usize = 5;
/// Parquet footers kept between scans, shared by all sessions.
const FOOTER_CACHE_BYTES: usize = 32 << 20;
/// What a merge holds for each of its spill files, about: two batches, each counted twice.
const MERGE_STREAM_BYTES: usize = 4 << 20;
/// Deep plans recurse: the engine's threads get more stack than tokio's two mebibytes.
const STACK_BYTES: usize = 8 << 20;

/// The engine: threads, memory and spill shared by every session of the process. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Option<Runtime>,
    env: Arc<RuntimeEnv>,
    options: Options,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The last handle may go away inside async code, where waiting for threads is forbidden.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// What the engine holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Bytes that operators and open output files have reserved.
    pub reserved_bytes: u64,
    /// The limit of the process.
    pub limit_bytes: u64,
    /// Bytes of spill files on disk now.
    pub spilled_bytes: u64,
}

impl Engine {
    /// Starts the engine's threads and opens its spill folder.
    /// Errors: `OptionsInvalid` for zero threads, rows or memory; `Io` when threads or the folder cannot be made.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        if options.threads == 0 || options.batch_rows == 0 || options.memory_bytes == 0 {
            let what = "engine threads, batch rows and memory must be at least one".to_owned();
            return Err(EngineError::OptionsInvalid { what });
        }
        std::fs::create_dir_all(&options.spill_dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads)
            .thread_name("tenon-engine")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let env = build_env(&options)?;
        Ok(Self { inner: Arc::new(Inner { runtime: Some(runtime), env, options }) })
    }

    /// Opens a session on the caller's catalog and lake. Does no I/O; one session per query or job run.
    pub fn session(&self, sources: Sources, options: SessionOptions) -> Session {
        Session::new(self.clone(), sources, options)
    }

    /// What the engine holds now.
    pub fn memory(&self) -> MemoryUse {
        MemoryUse {
            reserved_bytes: self.inner.env.memory_pool.reserved() as u64,
            limit_bytes: self.inner.options.memory_bytes as u64,
            spilled_bytes: self.inner.env.disk_manager.used_disk_space(),
        }
    }

    /// The options that the engine was started with.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Runs `work` on the engine's threads until it ends or `cancel` fires; dropping the returned future stops it.
    /// Errors: `Cancelled`; `Internal` when the work panicked; else the work's own.
    pub async fn run<F, T>(&self, cancel: &CancellationToken, work: F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
        T: Send + 'static,
    {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, self.handle()?);
        Self::finish(cancel, tasks).await
    }

    /// As [`Self::run`], on a thread of its own: for work that computes for long without ever waiting, as planning
    /// may. Such work cannot be stopped in the middle; when it is cancelled, this returns at once, the work goes on
    /// unseen and its result is dropped.
    pub async fn run_apart<F, T>(&self, cancel: &CancellationToken, work: F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.handle()?.clone();
        let mut tasks = JoinSet::new();
        let (inside, token) = (handle.clone(), cancel.clone());
        let apart = move || {
            inside.block_on(async {
                tokio::select! {
                    biased;
                    () = token.cancelled() => Err(EngineError::Cancelled),
                    done = work => done,
                }
            })
        };
        tasks.spawn_blocking_on(apart, &handle);
        Self::finish(cancel, tasks).await
    }

    async fn finish<T: Send + 'static>(
        cancel: &CancellationToken,
        mut tasks: JoinSet<Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(EngineError::Cancelled),
            joined = tasks.join_next() => match joined {
                Some(Ok(result)) => result,
                Some(Err(error)) if error.is_panic() => Err(EngineError::Internal(panic_text(error.into_panic()))),
                Some(Err(_)) | None => Err(EngineError::Cancelled),
            },
        }
    }

    pub(crate) fn handle(&self) -> Result<&tokio::runtime::Handle, EngineError> {
        let stopped = || EngineError::Internal("the engine has been stopped".to_owned());
        self.inner.runtime.as_ref().map(Runtime::handle).ok_or_else(stopped)
    }

    pub(crate) fn env(&self) -> &Arc<RuntimeEnv> {
        &self.inner.env
    }

    /// An error of DataFusion's as one of ours, for callers that plan by themselves.
    pub fn convert(&self, error: &datafusion::error::DataFusionError) -> EngineError {
        EngineError::from_datafusion(error, self.inner.options.memory_bytes as u64)
    }
}

fn build_env(options: &Options) -> Result<Arc<RuntimeEnv>, EngineError> {
    let named = NonZeroUsize::new(NAMED_CONSUMERS).unwrap_or(NonZeroUsize::MIN);
    let pool: Arc<dyn MemoryPool> =
        Arc::new(TrackConsumersPool::new(HeadroomPool::new(options.memory_bytes), named));
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![options.spill_dir.clone()]))
        .with_max_temp_directory_size(options.max_spill_bytes)
        .with_max_spill_merge_fan_in(merge_fan_in(options));
    RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(disk)
        .with_object_store_registry(Arc::new(NoStores::default()))
        .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
        .build_arc()
        .map_err(|error| EngineError::from_datafusion(&error, options.memory_bytes as u64))
}

/// Spill files that one merge of a sort may open. A merge takes all the memory it can get for its files; without a
/// bound, the first partition to merge starves those that still sort. This leaves three quarters of the pool to others.
fn merge_fan_in(options: &Options) -> usize {
    let share = options.memory_bytes / (options.threads * 4);
    (share / MERGE_STREAM_BYTES).max(2)
}

fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a task panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(dir: &tempfile::TempDir) -> Engine {
        let options = Options { threads: 1, ..Options::new(dir.path().join("spill")) };
        Engine::new(options).expect("engine")
    }

    #[tokio::test]
    async fn runs_on_its_own_threads_and_survives_panics() {
        let dir = tempfile::tempdir().expect("dir");
        let engine = engine(&dir);
        let cancel = CancellationToken::new();
        let name = engine.run(&cancel, async { Ok(std::thread::current().name().map(str::to_owned)) }).await;
        assert_eq!(name.expect("ran").as_deref(), Some("tenon-engine"));
        let broken = engine.run::<_, ()>(&cancel, async { panic!("boom") }).await;
        assert!(matches!(broken, Err(EngineError::Internal(text)) if text == "boom"));
        assert!(engine.run(&cancel, async { Ok(()) }).await.is_ok());
    }

    #[tokio::test]
    async fn work_that_never_waits_holds_up_nobody() {
        let dir = tempfile::tempdir().expect("dir");
        let engine = engine(&dir);
        let cancel = CancellationToken::new();
        let (started, begun) = tokio::sync::oneshot::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = engine.run_apart::<_, ()>(&cancel, async move {
            let _ = started.send(());
            // Computes until it is told to stop, as far as the engine can see.
            let _ = released.recv();
            Ok(())
        });
        let stopper = async {
            begun.await.expect("started");
            // The only worker is free for others.
            engine.run(&CancellationToken::new(), async { Ok(()) }).await.expect("other work");
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(busy, stopper);
        assert!(matches!(ended, Err(EngineError::Cancelled)));
        drop(release);
    }

    #[tokio::test]
    async fn cancellation_ends_a_run() {
        let dir = tempfile::tempdir().expect("dir");
        let engine = engine(&dir);
        let cancel = CancellationToken::new();
        cancel.cancel();
        let stopped = engine.run::<_, ()>(&cancel, std::future::pending()).await;
        assert!(matches!(stopped, Err(EngineError::Cancelled)));
    }

    #[test]
    fn refuses_nothing_to_work_with() {
        let dir = tempfile::tempdir().expect("dir");
        let options = Options { threads: 0, ..Options::new(dir.path().to_owned()) };
        assert!(matches!(Engine::new(options), Err(EngineError::OptionsInvalid { .. })));
    }
}
