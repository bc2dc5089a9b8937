//! The settings of scripts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use scripts::{Engine, UnknownEngine};
use toml::Value;

use super::super::{InstallerChoice, ScriptsConfig, machine, units};
use super::{Reader, count, flag, is_loopback, path, size, text};

/// The least that Python and the engine can work with.
const MIN_BYTES: u64 = 256 << 20;
/// The most processes that may wait for scripts: each takes memory meanwhile.
const MAX_POOL: u64 = 64;
/// Where the environment is when nobody has a home.
const SHARED: &str = "/var/cache/tenon/python";
/// What decides where and how pip looks for packages; everything that begins with `PIP_`, too.
const INSTALLING: [&str; 12] = [
    "PATH",
    "HOME",
    "LANG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
];

/// What says where Spark and Java are, and nothing else.
const SPARK: [&str; 5] = ["SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "HADOOP_CONF_DIR", "JAVA_HOME"];

pub(super) fn read(reader: &mut Reader<'_>, listen: SocketAddr) -> ScriptsConfig {
    let memory_bytes = reader.get("scripts.memory", size).unwrap_or_else(|| machine::memory_bytes() / 2);
    if memory_bytes < MIN_BYTES && reader.layers.values.contains_key("scripts.memory") {
        reader.problem("scripts.memory", format!("must be at least {}", units::size_text(MIN_BYTES)));
    }
    let environment = reader.get("scripts.environment", path);
    ScriptsConfig {
        environment: environment.unwrap_or_else(|| default(&reader.layers.environment)),
        python: reader.need("scripts.python", path, PathBuf::new()),
        installer: reader.need("scripts.installer", installer, InstallerChoice::Auto),
        engine: reader.need("scripts.engine", engine, Engine::Sail),
        spark: chosen(&reader.layers.environment, |name| SPARK.contains(&name)),
        memory_bytes,
        pool: usize::try_from(reader.need("scripts.pool", count(0, MAX_POOL), 0)).unwrap_or_default(),
        enabled: reader.get("scripts.enabled", flag).unwrap_or_else(|| is_loopback(listen)),
        installing: chosen(&reader.layers.environment, is_for_installing),
    }
}

fn engine(value: &Value) -> Result<Engine, String> {
    text(value)?.parse().map_err(|error: UnknownEngine| error.to_string())
}

fn installer(value: &Value) -> Result<InstallerChoice, String> {
    match text(value)?.as_str() {
        "auto" => Ok(InstallerChoice::Auto),
        "uv" => Ok(InstallerChoice::Uv),
        "pip" => Ok(InstallerChoice::Pip),
        place if place.contains('/') => Ok(InstallerChoice::UvAt(place.into())),
        other => Err(format!("{other:?} is not one of auto, uv, pip, and no path of uv")),
    }
}

fn default(environment: &BTreeMap<String, String>) -> PathBuf {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    base.map_or_else(|| PathBuf::from(SHARED), |base| base.join("tenon/python"))
}

fn is_for_installing(name: &str) -> bool {
    name.starts_with("PIP_") || INSTALLING.contains(&name)
}

/// The variables of these names that have a value.
fn chosen(environment: &BTreeMap<String, String>, counts: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    environment
        .iter()
        .filter(|(name, value)| counts(name) && !value.is_empty())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
