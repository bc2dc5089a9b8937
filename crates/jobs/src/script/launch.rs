//! From a run to a program that can be started: files, interpreter, arguments, variables, limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lake::{Lake, Overlay};
use scripts::{Engine, Limits, Modules, ProcessError, Program, Started, Taken, Waiting, process};
use serde_json::{Map, Value};
use store::lease::Lease;
use store::{Scope, Store};

use super::arguments::{Asked, ENGINE, for_script};
use super::atomic;
use super::files::{self, Folder};
use super::spark;
use super::{RunKey, RunKeys, ScriptOptions, Scripts, Traffic};
use crate::definition::workers::{GIB, worker};
use crate::execute::{RunFailure, name_of};
use crate::log::RunLog;
use crate::metrics::Wanted;
use crate::run::{self, Run, RunInput, RunKind};
use crate::service::Context;
use crate::{ArgumentMap, generate};

pub(crate) const DISABLED: &str = "scripts are not run by this server: whoever may start jobs could run code on its machine. Set \
                        scripts.enabled = true to allow that";

/// The file of a script that is generated, as tracebacks name it.
const GENERATED: &str = "generated.py";

/// What stays the same over one run.
pub(super) struct Task<'a> {
    pub(super) context: &'a Context,
    pub(super) run: &'a Run,
    pub(super) lease: &'a Lease,
    pub(super) log: &'a RunLog,
    /// Where what its requests move is counted, if anybody wants to know.
    pub(super) traffic: &'a Arc<Traffic>,
}

/// What a program of Python is made ready with, be it of a run or of a session.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Store,
    pub(crate) lake: &'a Lake,
    pub(crate) scripts: &'a Scripts,
    pub(crate) scope: &'a Scope,
    pub(crate) log: &'a RunLog,
    /// What its key reads and writes through.
    pub(crate) overlay: Option<&'a Overlay>,
    /// Where what its key moves is counted.
    pub(crate) traffic: Option<&'a Arc<Traffic>>,
}

/// What arguments have asked for, in place.
pub(crate) struct Laid {
    /// The interpreter that has the modules.
    pub(crate) python: PathBuf,
    /// All variables of the program; nothing of the server's own.
    pub(crate) variables: BTreeMap<String, String>,
    /// What the variables name.
    pub(crate) key: Issued,
}

/// A script that has been started; nobody reads its output yet.
pub(super) struct Prepared {
    pub(super) started: Started,
    pub(super) limits: Limits,
    pub(super) key: Issued,
    pub(super) folder: Folder,
    /// Holds back what it writes.
    pub(super) overlay: Option<Overlay>,
}

/// A key that ends with this value.
pub(crate) struct Issued {
    keys: Arc<dyn RunKeys>,
    key: RunKey,
}

impl Drop for Issued {
    fn drop(&mut self) {
        self.keys.revoke(&self.key.access_key_id);
    }
}

/// Downloads what the run needs, puts its program together and starts it.
pub(super) async fn prepare(task: &Task<'_>) -> Result<Prepared, RunFailure> {
    let scripts = task.context.scripts.options();
    if !scripts.enabled {
        return Err(RunFailure::Script(DISABLED.to_owned()));
    }
    let mut tx = task.context.store.read().await?;
    let input = run::input(&mut tx, &task.run.id).await?.ok_or(RunFailure::Gone)?;
    drop(tx);
    let overlay = atomic::begin(task, &input.arguments).await?;
    let ground = Ground {
        store: &task.context.store,
        lake: &task.context.lake,
        scripts: &task.context.scripts,
        scope: &task.run.scope,
        log: task.log,
        overlay: overlay.as_ref(),
        traffic: Wanted::of(task.run.details.kind, &input.arguments).anything().then_some(task.traffic),
    };
    let is_shell = task.run.details.kind == RunKind::PythonShell;
    let limits = Limits { memory_bytes: memory_bytes(&task.run.details.echo, is_shell, scripts) };
    let (waiting, folder) = place(task, &input.arguments, limits).await?;
    let script = script(&ground, &input, folder.path()).await?;
    let Laid { python, mut variables, key } = lay(&ground, &input.arguments, folder.path()).await?;
    variables.insert("TENON_RUN_ID".to_owned(), task.run.id.clone());
    variables.insert("TENON_RUN_FENCE".to_owned(), task.lease.fence.to_string());
    if overlay.is_some() {
        variables.insert("TENON_OUTPUT_COMMIT".to_owned(), "atomic".to_owned());
    }
    let mut arguments = vec![script.into_os_string()];
    arguments.extend(for_script(task.run, &input.arguments).into_iter().map(Into::into));
    let program = Program { path: python, arguments, variables, folder: folder.path().to_owned() };
    let started = started(waiting, &program, limits).await;
    let started =
        started.map_err(|error| RunFailure::Script(format!("the script cannot be run: {error}")))?;
    Ok(Prepared { started, limits, key, folder, overlay })
}

/// The script as a file: the object that the job names, or what its graph is as a script.
async fn script(ground: &Ground<'_>, input: &RunInput, folder: &Path) -> Result<PathBuf, RunFailure> {
    if let Some(location) = &input.script {
        return files::download(ground, "script", location, folder).await;
    }
    let graph = input.graph()?;
    let text = generate::pyspark(&graph)?;
    for node in graph.needed() {
        let of =
            if node.inputs.is_empty() { String::new() } else { format!(" <- {}", node.inputs.join(", ")) };
        ground.log.info(format!("plan: {}{of}", name_of(node)));
    }
    let path = folder.join(GENERATED);
    let written = tokio::fs::write(&path, text).await;
    written.map_err(|error| RunFailure::Script(format!("the generated script cannot be kept: {error}")))?;
    Ok(path)
}

/// A folder for the run, with the process that waits there, if the run can have one.
async fn place(
    task: &Task<'_>,
    arguments: &ArgumentMap,
    limits: Limits,
) -> Result<(Option<Waiting>, Folder), RunFailure> {
    let scripts = &task.context.scripts;
    let asked = Asked::read(arguments).map_err(RunFailure::Script)?;
    // Python shell jobs have no engine, and nothing to gain.
    if task.run.details.kind == RunKind::Etl
        && asked.is_plain()
        && asked.engine.as_ref().is_none_or(|engine| *engine == scripts.options().engine)
        && let Some(spare) = scripts.pool.take(limits).await
    {
        return Ok((Some(spare.waiting), spare.folder));
    }
    let folder = scripts.options().folder.join(&task.run.id);
    Ok((None, Folder::make(folder).await.map_err(no_folder)?))
}

/// Starts a program, in a process that waits for one if that works.
async fn started(
    waiting: Option<Waiting>,
    program: &Program,
    limits: Limits,
) -> Result<Started, ProcessError> {
    if let Some(waiting) = waiting {
        match waiting.take(program, limits).await? {
            Taken::Begun(started) => return Ok(*started),
            Taken::Unused(why) => tracing::info!(why, "a process that waited for a script is not used"),
        }
    }
    process::start(program, limits)
}

/// Downloads and installs what arguments ask for, into a folder that is there.
pub(crate) async fn lay(
    ground: &Ground<'_>,
    arguments: &ArgumentMap,
    folder: &Path,
) -> Result<Laid, RunFailure> {
    let scripts = ground.scripts.options();
    let asked = Asked::read(arguments).map_err(RunFailure::Script)?;
    told(ground, arguments, &asked);
    let base = scripts.environment.python().map_err(|error| RunFailure::Script(error.to_string()))?;
    for extra in &asked.files {
        files::download(ground, "--extra-files", extra, folder).await?;
    }
    let hidden = folder.join(".tenon");
    let engine = asked.engine.as_ref().unwrap_or(&scripts.engine);
    let is_spark = *engine == Engine::Spark;
    let mut search = vec![ground.scripts.packages().await?.clone()];
    if is_spark {
        search.extend(spark::search(&scripts.spark));
    }
    for (at, extra) in asked.python_files.iter().enumerate() {
        search.push(python_file(ground, extra, &hidden.join(at.to_string())).await?);
    }
    let python = layered(ground, &asked, base, &hidden).await?;
    let key = scripts.keys.issue(ground.scope, ground.overlay, ground.traffic);
    let key = Issued { key, keys: Arc::clone(&scripts.keys) };
    let mut variables = variables(ground, engine, &asked, &key.key, folder, &search);
    if is_spark {
        variables.extend(spark::prepare(ground, &asked, &python, &hidden.join("jars")).await?);
    }
    Ok(Laid { python, variables, key })
}

/// Says in the run's log which arguments do nothing.
fn told(ground: &Ground<'_>, arguments: &ArgumentMap, asked: &Asked) {
    let engine = asked.engine.as_ref().unwrap_or(&ground.scripts.options().engine);
    let is_given = |name: &str| arguments.get(name).is_some_and(|value| !value.is_empty());
    if is_given("--class") {
        ground.log.error("--class has no effect: it is for scripts in Scala".to_owned());
    }
    if !asked.jars.is_empty() && *engine != Engine::Spark {
        ground.log.error(format!(
            "--extra-jars has no effect: the engine {engine} has no JVM in this run, {ENGINE} spark has"
        ));
    }
    if asked.engine.is_none() && is_given(ENGINE) {
        let value = &arguments[ENGINE];
        let known = value.parse::<Engine>().err().map(|error| error.to_string()).unwrap_or_default();
        ground.log.info(format!("{ENGINE} goes to the script: {known}"));
    }
}

pub(crate) fn no_folder(error: std::io::Error) -> RunFailure {
    RunFailure::Script(format!("no working folder can be made: {error}"))
}

/// Downloads a module, or an archive of modules; returns what Python has to search.
async fn python_file(ground: &Ground<'_>, location: &str, folder: &Path) -> Result<PathBuf, RunFailure> {
    tokio::fs::create_dir_all(folder).await.map_err(no_folder)?;
    let file = files::download(ground, "--extra-py-files", location, folder).await?;
    let is_module = file.extension().is_some_and(|extension| extension == "py");
    Ok(if is_module { folder.to_owned() } else { file })
}

/// The interpreter that has the modules which the run wants besides.
async fn layered(
    ground: &Ground<'_>,
    asked: &Asked,
    base: PathBuf,
    hidden: &Path,
) -> Result<PathBuf, RunFailure> {
    if asked.modules.is_empty() {
        return Ok(base);
    }
    let mut modules = Modules { options: asked.installer.clone(), ..Modules::default() };
    for (at, name) in asked.modules.iter().enumerate() {
        if !files::is_location(name) {
            modules.names.push(name.clone());
            continue;
        }
        let folder = hidden.join(format!("modules-{at}"));
        tokio::fs::create_dir_all(&folder).await.map_err(no_folder)?;
        let file = files::download(ground, "--additional-python-modules", name, &folder).await?;
        modules.names.push(file.display().to_string());
        modules.files.push(file);
    }
    let layer = ground.scripts.options().layers.get(&base, &modules).await;
    let layer = layer.map_err(|error| RunFailure::Script(error.to_string()))?;
    if layer.is_new {
        ground.log.info(format!("installed {}, once for all runs that want them", asked.modules.join(", ")));
    }
    Ok(layer.python)
}

/// All variables of the script; nothing of the server's own.
fn variables(
    ground: &Ground<'_>,
    engine: &Engine,
    asked: &Asked,
    key: &RunKey,
    folder: &Path,
    search: &[PathBuf],
) -> BTreeMap<String, String> {
    let scripts = ground.scripts.options();
    let region = &ground.scope.region;
    let conf: Vec<String> = asked.conf.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let pairs = [
        ("AWS_ENDPOINT_URL", scripts.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", key.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret.clone()),
        ("AWS_SESSION_TOKEN", key.session_token.clone().unwrap_or_default()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("TENON_SPARK_CONF", conf.join("\n")),
    ];
    let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let mut all = base_variables(scripts, engine, folder, search);
    all.extend(given.map(|(name, value)| (name.to_owned(), value)));
    all
}

/// The variables that say nothing of a run.
pub(super) fn base_variables(
    scripts: &ScriptOptions,
    engine: &Engine,
    folder: &Path,
    search: &[PathBuf],
) -> BTreeMap<String, String> {
    let own = scripts.environment.folder().join("bin");
    let search: Vec<String> = search.iter().map(|path| path.display().to_string()).collect();
    let pairs = [
        ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", own.display())),
        ("HOME", folder.display().to_string()),
        ("TMPDIR", folder.display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYTHONPATH", search.join(":")),
        ("TENON_SCRIPT_ENGINE", engine.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a worker of the type in a document has on AWS, but no more than the server allows. A Python shell job of a
/// sixteenth unit has 1 GiB.
pub(crate) fn memory_bytes(echo: &Map<String, Value>, is_shell: bool, scripts: &ScriptOptions) -> u64 {
    let worker = echo.get("WorkerType").and_then(Value::as_str).and_then(worker);
    let gib = match worker {
        Some(worker) => worker.gib,
        None if is_shell => {
            let units = echo.get("MaxCapacity").and_then(Value::as_f64).unwrap_or_default();
            if units < 1.0 { 1 } else { 16 }
        }
        None => 16,
    };
    scripts.memory_bytes.min(gib * GIB)
}
