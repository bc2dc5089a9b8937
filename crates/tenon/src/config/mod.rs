//! Configuration: defaults < TOML file < environment (`TENON_…`) < command-line flags.
//!
//! Every setting is one row of [`setting::SETTINGS`]. All four sources are brought into one map by path, then read
//! into the typed [`Config`]; whatever is wrong anywhere is collected, so that one run reports every problem, each with
//! its path and where it came from. Unknown keys are problems. Secrets are masked wherever settings are shown.
//!
//! Nothing else in the workspace reads configuration: `compose` splits [`Config`] into each crate's own options.

mod keys;
mod layers;
mod machine;
mod resolve;
mod setting;
mod show;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use scripts::Engine;
use url::Url;
use wire::{Key, Secret};

pub(crate) use layers::{Layers, Sources};
pub(crate) use resolve::resolve;
pub(crate) use show::{as_json, as_text};
pub(crate) use units::{size_text, span_text};

/// Where the server keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder that outlives the process.
    Dir(PathBuf),
    /// A folder made at start and removed at the end.
    Ephemeral,
}

/// The metadata store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// A file in the data folder.
    Sqlite,
    /// A PostgreSQL database; the address holds a password.
    Postgres(Secret),
}

/// The outside store of the objects' bytes.
#[derive(Debug, Clone)]
pub(crate) struct ObjectsConfig {
    pub(crate) bucket: String,
    /// Without slashes at its ends.
    pub(crate) prefix: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    /// Key id and secret.
    pub(crate) key: Option<(String, Secret)>,
    pub(crate) cache_bytes: u64,
}

/// Who is let in.
#[derive(Debug, Clone)]
pub(crate) enum AuthChoice {
    Open,
    SigV4(Vec<Key>),
}

/// Whether AWS's service quotas hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    Aws,
    Off,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What the engine may use.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
    pub(crate) memory_bytes: u64,
    /// `None`: a folder inside the data folder.
    pub(crate) spill_dir: Option<PathBuf>,
    pub(crate) threads: usize,
}

/// Limits of the HTTP server.
#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    pub(crate) max_connections: usize,
    /// For the head of a request, from its first byte or since the last reply.
    pub(crate) header_timeout: Duration,
    /// Between two pieces of a body; a body as a whole may take for ever.
    pub(crate) body_timeout: Duration,
    /// How long requests in flight may take to end once the server stops.
    pub(crate) drain_timeout: Duration,
}

/// The server that DynamoDB targets are read from.
#[derive(Debug, Clone)]
pub(crate) struct DynamoDbConfig {
    pub(crate) endpoint: Url,
    pub(crate) access_key_id: String,
    pub(crate) secret: Secret,
}

/// What makes the Python environment of scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InstallerChoice {
    /// uv where it is found, else pip.
    Auto,
    /// uv, which has to be found.
    Uv,
    /// The program of that path, which is uv.
    UvAt(PathBuf),
    /// Python's own venv and pip.
    Pip,
}

/// How scripts run.
#[derive(Debug, Clone)]
pub(crate) struct ScriptsConfig {
    /// Folder of their Python environment.
    pub(crate) environment: PathBuf,
    /// The interpreter that it is made with.
    pub(crate) python: PathBuf,
    /// What makes it.
    pub(crate) installer: InstallerChoice,
    pub(crate) engine: Engine,
    /// Where Spark and Java are, for scripts on classic PySpark: variables of the server's own.
    pub(crate) spark: BTreeMap<String, String>,
    pub(crate) memory_bytes: u64,
    /// How many processes wait for a script.
    pub(crate) pool: usize,
    /// Whether the server runs any.
    pub(crate) enabled: bool,
    /// The variables that pip and Python get while something is installed.
    pub(crate) installing: BTreeMap<String, String>,
}

/// Who is told what job runs read and write.
#[derive(Debug, Clone)]
pub(crate) struct LineageConfig {
    /// Events are appended here, a line each.
    pub(crate) file: Option<PathBuf>,
    /// Events are posted here.
    pub(crate) url: Option<Url>,
    /// The bearer token for `url`.
    pub(crate) api_key: Option<Secret>,
    /// The namespace of jobs.
    pub(crate) namespace: String,
}

/// A crash point for tests of durability.
#[derive(Debug, Clone)]
pub(crate) struct CrashPoint {
    pub(crate) spec: String,
    pub(crate) marker: PathBuf,
}

/// All settings, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) place: Place,
    pub(crate) store: StoreChoice,
    /// `None`: objects are in the data folder.
    pub(crate) objects: Option<ObjectsConfig>,
    /// How long a lease lasts without renewal.
    pub(crate) lease_time: Duration,
    pub(crate) auth: AuthChoice,
    /// What secrets are encrypted with; `None`: a file of the data folder, where one is possible.
    pub(crate) secrets_key: Option<Secret>,
    pub(crate) base_hosts: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    pub(crate) engine: EngineConfig,
    pub(crate) server: ServerConfig,
    /// `None`: crawlers have no DynamoDB targets.
    pub(crate) dynamodb: Option<DynamoDbConfig>,
    pub(crate) scripts: ScriptsConfig,
    /// `None`: nobody.
    pub(crate) lineage: Option<LineageConfig>,
    pub(crate) crash: Option<CrashPoint>,
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Path of the setting, or the name of the file or variable.
    pub(crate) path: String,
    /// Where the value came from; empty when it does not come from one place.
    pub(crate) source: String,
    pub(crate) what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, source, what } = self;
        if source.is_empty() {
            write!(out, "{path}: {what}")
        } else {
            write!(out, "{path} ({source}): {what}")
        }
    }
}

/// Everything that is wrong, one line each.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl std::fmt::Display for Problems {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "the configuration has {} problem{}:",
            self.0.len(),
            if self.0.len() == 1 { "" } else { "s" }
        )?;
        for problem in &self.0 {
            write!(out, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
