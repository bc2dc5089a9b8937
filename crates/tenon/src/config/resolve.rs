//! From layered values to the typed [`Config`], collecting every problem on the way.

mod lineage;
mod objects;
mod scripts;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::Value;
use url::Url;
use wire::{Key, Secret};

use super::layers::Layers;
use super::{
    AuthChoice, Config, CrashPoint, DynamoDbConfig, EngineConfig, Limits, LogFormat, Place, Problem,
    Problems, ServerConfig, StoreChoice, keys, machine, setting, units,
};

/// The least that the engine can work with.
const MIN_ENGINE_BYTES: u64 = 64 << 20;

/// A lease is renewed every third of its time, and a busy machine may be late.
const MIN_LEASE: Duration = Duration::from_secs(1);
const MAX_LEASE: Duration = Duration::from_secs(3600);

/// Checks everything and returns the configuration, or all that is wrong.
pub(crate) fn resolve(layers: &Layers) -> Result<Config, Problems> {
    let mut reader = Reader { layers, problems: layers.problems.clone() };
    let listen = reader.need("listen", address, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let (place, store) = (place(&mut reader), reader.need("store", store, StoreChoice::Sqlite));
    if place == Place::Ephemeral && matches!(store, StoreChoice::Postgres(_)) {
        // Its rows would outlive the objects that they name.
        reader.problem("store", "a PostgreSQL store cannot be combined with ephemeral = true");
    }
    let config = Config {
        listen,
        place,
        store,
        objects: objects::read(&mut reader),
        lease_time: lease_time(&mut reader),
        auth: auth(&mut reader, listen),
        secrets_key: reader.get("secrets_key", secrets_key),
        base_hosts: reader.need("base_hosts", hosts, Vec::new()),
        limits: limits(&mut reader),
        log_format: reader.need(
            "log.format",
            choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            LogFormat::Text,
        ),
        log_level: reader.need("log.level", level, String::new()),
        engine: engine(&mut reader),
        server: server(&mut reader),
        dynamodb: dynamodb(&mut reader),
        scripts: scripts::read(&mut reader, listen),
        lineage: lineage::read(&mut reader),
        crash: crash(&mut reader),
    };
    Layers::check(reader.problems)?;
    Ok(config)
}

struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The value that a source set; `None` when none did or it is wrong, which is then noted.
    fn get<T>(&mut self, path: &'static str, parse: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let layered = self.layers.values.get(path)?;
        match parse(&layered.value) {
            Ok(value) => Some(value),
            Err(what) => {
                let source = layered.source.clone();
                self.problems.push(Problem { path: path.to_owned(), source, what });
                None
            }
        }
    }

    /// The value that a source set, or the table's default; `other` only to go on looking for problems.
    fn need<T>(&mut self, path: &'static str, parse: impl Fn(&Value) -> Result<T, String>, other: T) -> T {
        if self.layers.values.contains_key(path) {
            return self.get(path, parse).unwrap_or(other);
        }
        let default = setting::find(path).and_then(|setting| setting.default);
        let parsed = default.map(|text| parse(&Value::String(text.to_owned())));
        debug_assert!(matches!(parsed, Some(Ok(_))), "{path} has no usable default");
        parsed.and_then(Result::ok).unwrap_or(other)
    }

    fn problem(&mut self, path: &str, what: impl Into<String>) {
        let source = self.layers.values.get(path).map(|layered| layered.source.clone()).unwrap_or_default();
        self.problems.push(Problem { path: path.to_owned(), source, what: what.into() });
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("a text is expected, not {}", other.type_str())),
    }
}

fn address(value: &Value) -> Result<SocketAddr, String> {
    let text = text(value)?;
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(&text)
        .parse()
        .map_err(|_| format!("{text:?} is not an address such as 127.0.0.1:4566 or [::1]:0"))
}

fn path(value: &Value) -> Result<PathBuf, String> {
    let text = text(value)?;
    if text.is_empty() { Err("a path is expected".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Boolean(flag) => Ok(*flag),
        Value::String(text) if text == "true" || text == "1" => Ok(true),
        Value::String(text) if text == "false" || text == "0" => Ok(false),
        other => Err(format!("true or false is expected, not {other}")),
    }
}

fn choice<T: Copy>(choices: &[(&'static str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let text = text(value)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        found.ok_or_else(|| format!("{text:?} is not one of {}", names.join(", ")))
    }
}

fn count(min: u64, max: u64) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| {
        let number = match value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("{value} is not a whole number from {min} to {max}"))
    }
}

fn size(value: &Value) -> Result<u64, String> {
    match value {
        Value::Integer(number) => u64::try_from(*number).map_err(|_| "a size is not negative".to_owned()),
        other => units::size(&text(other)?),
    }
}

fn span(value: &Value) -> Result<Duration, String> {
    let span = units::span(&text(value)?)?;
    if span.is_zero() { Err("the duration must be longer than nothing".to_owned()) } else { Ok(span) }
}

fn lease_time(reader: &mut Reader<'_>) -> Duration {
    let time = reader.need("lease_time", span, Duration::from_secs(1));
    if !(MIN_LEASE..=MAX_LEASE).contains(&time) {
        reader.problem("lease_time", "is from 1s to 1h: leases are renewed every third of it");
    }
    time
}

fn hosts(value: &Value) -> Result<Vec<String>, String> {
    let list: Vec<String> = match value {
        Value::Array(list) => list.iter().map(text).collect::<Result<_, _>>()?,
        other => text(other)?.split(',').map(|host| host.trim().to_owned()).collect(),
    };
    let fits = |host: &String| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    match list.iter().find(|host| !fits(host)) {
        Some(host) => Err(format!("{host:?} is not a host name")),
        None => Ok(list.into_iter().map(|host| host.to_ascii_lowercase()).collect()),
    }
}

fn store(value: &Value) -> Result<StoreChoice, String> {
    let text = text(value)?;
    if text == "sqlite" {
        return Ok(StoreChoice::Sqlite);
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(StoreChoice::Postgres(Secret::new(text)));
    }
    // The text may be an address with a password: it is not repeated.
    Err("neither sqlite nor an address postgres://user:password@host/database".to_owned())
}

/// The text is not repeated: it is a secret.
fn secrets_key(value: &Value) -> Result<Secret, String> {
    let text = text(value)?;
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Secret::new(text));
    }
    Err("64 hexadecimal digits are expected (openssl rand -hex 32)".to_owned())
}

fn level(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    // A word without `=` would be read as the name of a module, and a typing error would silence the log.
    let is_level = |word: &str| {
        ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|level| word.eq_ignore_ascii_case(level))
    };
    let fits = text.split(',').map(str::trim).all(|part| part.contains('=') || is_level(part));
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) if fits => Ok(text),
        _ => Err(format!("{text:?} is not a level such as info or directives such as info,lake=debug")),
    }
}

fn place(reader: &mut Reader<'_>) -> Place {
    let ephemeral = reader.need("ephemeral", flag, false);
    let dir = reader.get("data_dir", path);
    let rank = |path: &str| reader.layers.values.get(path).map(|layered| layered.rank);
    let (rank_of_dir, set) = (rank("data_dir"), rank("data_dir").is_some());
    // Of two sources that choose a place the later one wins; one source that says both contradicts itself.
    if ephemeral && rank_of_dir <= rank("ephemeral") {
        if rank_of_dir == rank("ephemeral") {
            reader.problem("data_dir", "cannot be combined with ephemeral = true");
        }
        return Place::Ephemeral;
    }
    if let Some(dir) = dir {
        return Place::Dir(dir);
    }
    let variable = |name: &str| reader.layers.environment.get(name).filter(|value| !value.is_empty());
    let base = variable("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    match base {
        Some(base) => Place::Dir(base.join("tenon")),
        None if set => Place::Ephemeral,
        None => {
            reader.problem("data_dir", "is needed: neither XDG_DATA_HOME nor HOME is set");
            Place::Ephemeral
        }
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    }
}

fn auth(reader: &mut Reader<'_>, listen: SocketAddr) -> AuthChoice {
    let verify = reader.need("auth", choice(&[("open", false), ("sigv4", true)]), false);
    let keys = keys(reader);
    let loopback = is_loopback(listen);
    if verify && keys.is_empty() && !reader.problems.iter().any(|problem| problem.path == "keys") {
        reader.problem(
            "keys",
            "auth = \"sigv4\" needs at least one [[keys]] table of access_key_id and secret",
        );
    }
    if !verify && reader.layers.values.contains_key("keys") {
        reader.problem("keys", "nobody checks them with auth = \"open\": set auth = \"sigv4\"");
    }
    if !verify && !loopback {
        reader.problem(
            "listen",
            format!("{listen} is not loopback: that needs auth = \"sigv4\" and at least one key"),
        );
    }
    if verify { AuthChoice::SigV4(keys) } else { AuthChoice::Open }
}

/// The keys that are fine; everything that is wrong with the others is noted. Texts of problems hold no secret.
fn keys(reader: &mut Reader<'_>) -> Vec<Key> {
    let Some(layered) = reader.layers.values.get("keys") else {
        return Vec::new();
    };
    let (mut keys, mut wrong) = keys::read(&layered.value);
    keys.sort_by(|a, b| a.access_key_id.cmp(&b.access_key_id));
    let twice = keys.windows(2).filter(|pair| pair[0].access_key_id == pair[1].access_key_id);
    wrong.extend(twice.map(|pair| format!("access_key_id {} comes twice", pair[0].access_key_id)));
    for what in wrong {
        reader.problem("keys", what);
    }
    keys
}

/// Saying yes to quotas that nobody enforces would be a lie.
fn limits(reader: &mut Reader<'_>) -> Limits {
    let limits = reader.need("limits", choice(&[("aws", Limits::Aws), ("off", Limits::Off)]), Limits::Off);
    if limits == Limits::Aws {
        reader.problem("limits", "AWS's service quotas are not built yet; only \"off\" can be had");
    }
    limits
}

fn engine(reader: &mut Reader<'_>) -> EngineConfig {
    let memory_bytes = reader.get("engine.memory", size).unwrap_or_else(|| machine::memory_bytes() / 2);
    if memory_bytes < MIN_ENGINE_BYTES {
        reader.problem("engine.memory", format!("must be at least {}", units::size_text(MIN_ENGINE_BYTES)));
    }
    let threads =
        reader.get("engine.threads", count(1, 1024)).and_then(|threads| usize::try_from(threads).ok());
    EngineConfig {
        memory_bytes,
        spill_dir: reader.get("engine.spill_dir", path),
        threads: threads.unwrap_or_else(machine::processors),
    }
}

fn server(reader: &mut Reader<'_>) -> ServerConfig {
    let max = reader.need("server.max_connections", count(1, 1_000_000), 1);
    ServerConfig {
        max_connections: usize::try_from(max).unwrap_or(usize::MAX),
        header_timeout: reader.need("server.header_timeout", span, Duration::MAX),
        body_timeout: reader.need("server.body_timeout", span, Duration::MAX),
        drain_timeout: reader.need("server.drain_timeout", span, Duration::MAX),
    }
}

/// Credentials have no place in an address, which is shown.
fn endpoint(value: &Value) -> Result<Url, String> {
    let text = text(value)?;
    let url = Url::parse(&text).ok().filter(|url| {
        let bare = url.username().is_empty() && url.password().is_none();
        bare && url.query().is_none() && url.fragment().is_none() && url.host_str().is_some()
    });
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| "an address such as http://127.0.0.1:8000 is expected".to_owned())
}

/// The text is not repeated: it may be a secret.
fn word(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(text)
    } else {
        Err("a text of visible ASCII characters without spaces is expected".to_owned())
    }
}

fn dynamodb(reader: &mut Reader<'_>) -> Option<DynamoDbConfig> {
    /// What clients of local servers sign with by custom.
    const CUSTOM: &str = "test";
    let endpoint = reader.get("sources.dynamodb_endpoint", endpoint);
    let id = reader.get("sources.dynamodb_access_key_id", word);
    let secret = reader.get("sources.dynamodb_secret", word).map(Secret::new);
    if id.is_some() != secret.is_some() {
        let (given, path) = match id {
            Some(_) => ("sources.dynamodb_access_key_id", "sources.dynamodb_secret"),
            None => ("sources.dynamodb_secret", "sources.dynamodb_access_key_id"),
        };
        reader.problem(path, format!("is needed with {given}"));
    }
    Some(DynamoDbConfig {
        endpoint: endpoint?,
        access_key_id: id.unwrap_or_else(|| CUSTOM.to_owned()),
        secret: secret.unwrap_or_else(|| Secret::new(CUSTOM)),
    })
}

fn crash(reader: &mut Reader<'_>) -> Option<CrashPoint> {
    match (reader.get("crash.point", text), reader.get("crash.marker", path)) {
        (Some(spec), Some(marker)) => Some(CrashPoint { spec, marker }),
        (Some(_), None) => {
            reader.problem("crash.marker", "is needed with crash.point");
            None
        }
        (None, _) => None,
    }
}
