//! `tenon serve`: from configuration to a running node, and down again.
//!
//! ```text
//! configuration ► data folder locked ► port bound ► store, services, faces ► tasks ► ready (banner, file)
//!    … signal or a needed task ends ► not ready ► intake drains ► work ► upkeep ► store closed ► folder released
//! ```
//!
//! A second signal ends the process at once; what it had acknowledged is on disk all the same.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use serde_json::json;
use store::{Clock as _, SystemClock};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::compose::{self, Composed, Ours};
use crate::config::{AuthChoice, Config};
use crate::data_dir::DataDir;
use crate::metrics::Metrics;
use crate::node::{Node, VERSION};
use crate::ops;
use crate::server::{self, App};
use crate::supervisor::{OnExit, Stage, Supervisor, Task};

/// Exit code of a process that a second signal ended.
const SECOND_SIGNAL: i32 = 130;

/// Runs the server until it is told to stop. Errors: it could not start, or a task that it needs has ended.
pub(crate) async fn run(config: Config, ready_file: Option<PathBuf>, until_input_ends: bool) -> Result<()> {
    // Before anything else, so that an early signal is not lost.
    let mut signals = Signals::new(until_input_ends)?;
    let data_dir = DataDir::open(&config.place)?;
    arm_crash_point(&config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {} (choose another with --listen)", config.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let metrics = Arc::new(Metrics::new());
    let composed = tokio::select! {
        composed = compose::open(&config, &data_dir, address, &metrics) => composed?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped before the server was ready");
            return Ok(());
        }
    };

    let mut supervisor = Supervisor::new();
    let node = Arc::new(node(&config, &data_dir, address, &composed, &supervisor, &metrics));
    let app = app(Arc::clone(&node), composed.app, composed.ours, config.base_hosts.clone());
    // First, so that the first request does not wait behind what the others begin with.
    supervisor.run(http_task(listener, app, &config, &metrics));
    for task in composed.tasks {
        supervisor.run(task);
    }
    node.set_ready(true);
    announce(&node, ready_file.as_deref())?;

    let ended = until_told(&mut signals, &supervisor).await;
    node.set_ready(false);
    let down = async {
        // The server's own deadline comes first; this one is for a task that ignores its token.
        supervisor.stop(config.server.drain_timeout.saturating_mul(2)).await;
        composed.store.close().await;
    };
    tokio::select! {
        () = down => {}
        _ = signals.next() => exit_at_once(&data_dir, ready_file.as_deref()),
    }
    if let Some(path) = ready_file {
        remove(&path);
    }
    drop(data_dir);
    tracing::info!("stopped");
    ended
}

/// Waits until somebody ends the server. Errors: a task that it needs has ended.
async fn until_told(signals: &mut Signals, supervisor: &Supervisor) -> Result<()> {
    tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping; a second signal ends the process at once");
            Ok(())
        }
        why = supervisor.failure() => Err(anyhow!("stopped because a task ended: {why}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the second signal: whatever still runs is not waited for")]
fn exit_at_once(data_dir: &DataDir, ready_file: Option<&Path>) {
    // No destructor runs: what was promised to go, goes here.
    data_dir.remove_ephemeral();
    if let Some(path) = ready_file {
        remove(path);
    }
    std::process::exit(SECOND_SIGNAL);
}

fn arm_crash_point(config: &Config) -> Result<()> {
    let Some(crash) = &config.crash else {
        return Ok(());
    };
    tracing::warn!(point = crash.spec, "a crash point is armed: this process will stop itself there");
    store::crash::arm(&crash.spec, &crash.marker).context("crash.point")
}

fn node(
    config: &Config,
    data_dir: &DataDir,
    address: SocketAddr,
    composed: &Composed,
    supervisor: &Supervisor,
    metrics: &Arc<Metrics>,
) -> Node {
    let access = match &config.auth {
        AuthChoice::Open => "any credentials, loopback only".to_owned(),
        AuthChoice::SigV4(keys) => format!("Signature Version 4, {} keys", keys.len()),
    };
    Node {
        started: Instant::now(),
        started_ms: SystemClock.now_ms(),
        address,
        data: data_dir.path().display().to_string(),
        durable: data_dir.durable(),
        open: matches!(config.auth, AuthChoice::Open),
        access,
        services: composed.services.clone(),
        capabilities: composed.capabilities.clone(),
        tasks: supervisor.tasks(),
        metrics: Arc::clone(metrics),
        ready: AtomicBool::new(false),
        clock: Arc::new(SystemClock),
    }
}

/// The Iceberg catalog and the operator's endpoints first; everything else is AWS's.
fn app(node: Arc<Node>, aws: App, ours: Ours, base_hosts: Vec<String>) -> App {
    Arc::new(move |request| {
        if ops::owns(&request, &base_hosts) {
            if api::iceberg::owns(request.uri().path()) {
                return (ours.iceberg)(request);
            }
            if request.uri().path().starts_with(ops::crawlers::PREFIX) {
                let crawlers = Arc::clone(&ours.crawlers);
                return Box::pin(async move { crawlers.answer(request).await });
            }
            if request.uri().path().starts_with(ops::jobs::PREFIX) {
                let jobs = Arc::clone(&ours.jobs);
                return Box::pin(async move { jobs.answer(request).await });
            }
            if request.uri().path().starts_with(ops::scripts::PREFIX) {
                let scripts = Arc::clone(&ours.scripts);
                return Box::pin(async move { scripts.answer(request).await });
            }
            let response = ops::answer(&request, &node);
            return Box::pin(async move { response });
        }
        aws(request)
    })
}

fn http_task(listener: TcpListener, app: App, config: &Config, metrics: &Arc<Metrics>) -> Task {
    // Given away with the first start, so that the port is free as soon as the server drains.
    let listener = Mutex::new(Some(listener));
    let options = Arc::new(config.server.clone());
    let metrics = Arc::clone(metrics);
    Task {
        name: "http",
        stage: Stage::Intake,
        on_exit: OnExit::StopNode,
        start: Box::new(move |stop| {
            let listener = listener.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (app, options, metrics) = (Arc::clone(&app), Arc::clone(&options), Arc::clone(&metrics));
            Box::pin(async move {
                let listener = listener.ok_or("the server can start only once")?;
                server::run(listener, app, options, metrics, stop).await
            })
        }),
    }
}

/// Writes the banner, then the ready file: who waits for the file finds everything said.
fn announce(node: &Node, ready_file: Option<&Path>) -> Result<()> {
    let durable = if node.durable { "durable" } else { "ephemeral: removed when the server stops" };
    let endpoint = node.endpoint();
    let banner = format!(
        "Tenon {VERSION}\n  address  {endpoint}\n  data     {} ({durable})\n  access   {}\n  status   {endpoint}/_/\n\n\
         Point a client at it:\n  {}\n",
        node.data,
        node.access,
        crate::verbs::env::exports(&endpoint, node.open).join("\n  "),
    );
    // A closed standard output is no reason to stop serving.
    if let Err(error) = std::io::stdout().write_all(banner.as_bytes()) {
        tracing::debug!(%error, "the banner could not be written");
    }
    if let Some(path) = ready_file {
        write_ready_file(path, node.address).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tracing::info!(address = %node.address, data = node.data, durable = node.durable, "ready");
    Ok(())
}

/// Whole or not at all: readers poll for the file.
fn write_ready_file(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    let text = json!({ "address": address.to_string(), "pid": std::process::id() }).to_string();
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(&unfinished, path)
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "the ready file could not be removed");
    }
}

/// SIGINT and SIGTERM, and the end of whoever holds the other end of standard input.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    parent: Option<pipe::Receiver>,
}

impl Signals {
    fn new(until_input_ends: bool) -> Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
        let terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let input = until_input_ends.then(|| std::io::stdin().as_fd().try_clone_to_owned());
        let parent = input.transpose().and_then(|input| input.map(pipe::Receiver::from_owned_fd).transpose());
        Ok(Self { interrupt, terminate, parent: parent.context("standard input is no pipe")? })
    }

    async fn next(&mut self) -> &'static str {
        let name = tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            () = ended(self.parent.as_mut()) => "the end of the command",
        };
        // It comes with a signal to the command's whole group, and is no second one.
        self.parent = None;
        name
    }
}

/// Waits until a pipe is closed; for ever where there is none.
async fn ended(parent: Option<&mut pipe::Receiver>) {
    let Some(pipe) = parent else { return std::future::pending().await };
    let mut byte = [0];
    while matches!(pipe.read(&mut byte).await, Ok(read) if read > 0) {}
}
