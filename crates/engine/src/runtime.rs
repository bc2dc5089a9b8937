//! One engine per process: its threads, its memory pool, its spill files.
//!
//! The engine owns a tokio runtime of its own, so that a query that computes for seconds never holds a thread that
//! serves requests. Everything that plans or runs hops onto it through [`Engine::run`]. All sessions share one
//! memory pool and one spill folder, both bounded: a statement that needs more fails with
//! [`EngineError::MemoryExhausted`] and takes nothing else with it.
//!
//! A part of an engine ([`Engine::part`]) is an engine to all that is given it, with less memory and parallelism. What it
//! holds it holds of the whole: parts may add up to more than there is, and then wait, spill or fail as sessions do.
//!
//! A crash leaves spill files behind; the folder holds nothing else and may be emptied at the next start.

use std::{fmt, future::Future, num::NonZeroUsize, sync::Arc};

use datafusion::execution::{
    disk_manager::DiskManagerBuilder,
    memory_pool::{MemoryPool, TrackConsumersPool},
    runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    EngineError, Options, Session, SessionOptions, Sources,
    pool::{HeadroomPool, Most, PartPool},
    registry::NoStores,
    spill::SpillFolder,
};

/// How many operators the message of an exhausted pool names.
const NAMED_CONSUMERS: usize = 5;
/// Parquet footers kept between scans, shared by all sessions.
const FOOTER_CACHE_BYTES: usize = 32 << 20;
/// What a merge holds for each of its spill files, about: two batches, each counted twice.
const MERGE_STREAM_BYTES: usize = 4 << 20;
/// Deep plans recurse: the engine's threads get more stack than tokio's two mebibytes.
const STACK_BYTES: usize = 8 << 20;

/// The engine: threads, memory and spill shared by every session of the process, or a part of it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    part: Arc<Part>,
}

struct Inner {
    runtime: Option<Runtime>,
}

/// What may be used.
struct Part {
    env: Arc<RuntimeEnv>,
    spill: Arc<SpillFolder>,
    options: Options,
    most: Arc<Most>,
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
        f.debug_struct("Engine").field("options", &self.part.options).finish_non_exhaustive()
    }
}

/// What the engine holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Bytes that operators and open output files have reserved.
    pub reserved_bytes: u64,
    /// The most that these were at any moment since the engine, or the part, was made.
    pub most_bytes: u64,
    /// The limit of the process, or of the part.
    pub limit_bytes: u64,
    /// Bytes of spill files on disk now, of the whole process.
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
        let most = Arc::new(Most::default());
        let pool = pool(options.memory_bytes, &most);
        let spill = Arc::new(SpillFolder::new(&options.spill_dir, options.max_spill_bytes)?);
        let env = build_env(&options, pool, &spill)?;
        let inner = Arc::new(Inner { runtime: Some(runtime) });
        Ok(Self { inner, part: Arc::new(Part { env, spill, options, most }) })
    }

    /// A part of this engine: at most so much memory and so many partitions of a plan, and no more than this engine has.
    /// Of nothing it gives one byte and one thread.
    pub fn part(&self, memory_bytes: usize, threads: usize) -> Self {
        let whole = &self.part.options;
        let memory_bytes = memory_bytes.clamp(1, whole.memory_bytes);
        let threads = threads.clamp(1, whole.threads);
        let most = Arc::new(Most::default());
        let whole_pool = Arc::clone(&self.part.env.memory_pool);
        let mut env = RuntimeEnv::clone(&self.part.env);
        env.memory_pool =
            Arc::new(PartPool::new(pool(memory_bytes, &Arc::default()), whole_pool, Arc::clone(&most)));
        let options = Options { memory_bytes, threads, ..whole.clone() };
        let spill = Arc::clone(&self.part.spill);
        Self {
            inner: Arc::clone(&self.inner),
            part: Arc::new(Part { env: Arc::new(env), spill, options, most }),
        }
    }

    /// Opens a session on the caller's catalog and lake. Does no I/O; one session per query or job run.
    pub fn session(&self, sources: Sources, options: SessionOptions) -> Session {
        Session::new(self.clone(), sources, options)
    }

    /// What the engine holds now.
    pub fn memory(&self) -> MemoryUse {
        MemoryUse {
            reserved_bytes: self.part.env.memory_pool.reserved() as u64,
            most_bytes: self.part.most.bytes(),
            limit_bytes: self.part.options.memory_bytes as u64,
            spilled_bytes: self.part.spill.used_bytes(),
        }
    }

    /// The options that the engine was started with, within the limits of the part.
    pub fn options(&self) -> &Options {
        &self.part.options
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
        &self.part.env
    }

    /// An error of DataFusion's as one of ours, for callers that plan by themselves.
    pub fn convert(&self, error: &datafusion::error::DataFusionError) -> EngineError {
        EngineError::from_datafusion(error, self.part.options.memory_bytes as u64)
    }
}

fn pool(memory_bytes: usize, most: &Arc<Most>) -> Arc<dyn MemoryPool> {
    let named = NonZeroUsize::new(NAMED_CONSUMERS).unwrap_or(NonZeroUsize::MIN);
    Arc::new(TrackConsumersPool::new(HeadroomPool::new(memory_bytes, Arc::clone(most)), named))
}

fn build_env(
    options: &Options,
    pool: Arc<dyn MemoryPool>,
    spill: &Arc<SpillFolder>,
) -> Result<Arc<RuntimeEnv>, EngineError> {
    let disk = DiskManagerBuilder::default()
        .with_temp_file_factory(Arc::<SpillFolder>::clone(spill))
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
    fn a_part_has_its_own_limit_within_the_whole() {
        use datafusion::execution::memory_pool::MemoryConsumer;
        let dir = tempfile::tempdir().expect("dir");
        let options = Options { threads: 4, memory_bytes: 1000, ..Options::new(dir.path().join("spill")) };
        let whole = Engine::new(options).expect("engine");
        let part = whole.part(300, 2);
        assert_eq!((part.options().memory_bytes, part.options().threads), (300, 2));
        let consumer = |name: &str, of: &Engine| MemoryConsumer::new(name).register(&of.env().memory_pool);
        let own = consumer("own", &part);
        own.try_grow(300).expect("all of the part");
        let error = own.try_grow(1).expect_err("beyond the part");
        assert!(matches!(part.convert(&error), EngineError::MemoryExhausted { limit_bytes: 300, .. }));
        assert_eq!((part.memory().reserved_bytes, whole.memory().reserved_bytes), (300, 300));
        let other = consumer("other", &whole);
        other.try_grow(650).expect("the rest");
        own.shrink(200);
        let next = consumer("next", &whole.part(400, 9));
        assert!(next.try_grow(251).is_err(), "the whole has no more");
        next.try_grow(250).expect("what the whole has");
        drop((own, other, next));
        assert_eq!((part.memory().reserved_bytes, part.memory().most_bytes), (0, 300));
        assert_eq!((whole.memory().reserved_bytes, whole.memory().most_bytes), (0, 1000));
        assert_eq!(whole.part(9000, 9).options().threads, 4);
    }

    #[test]
    fn refuses_nothing_to_work_with() {
        let dir = tempfile::tempdir().expect("dir");
        let options = Options { threads: 0, ..Options::new(dir.path().to_owned()) };
        assert!(matches!(Engine::new(options), Err(EngineError::OptionsInvalid { .. })));
    }
}
