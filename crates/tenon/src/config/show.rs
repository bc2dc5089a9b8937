//! The configuration for people and scripts: every setting, its value, where it came from; secrets masked.

use serde_json::json;

use super::layers::Layers;
use super::setting::{SETTINGS, environment_name};
use super::{
    AuthChoice, Config, InstallerChoice, Limits, LineageConfig, LogFormat, ObjectsConfig, Place,
    ScriptsConfig, ServerConfig, StoreChoice, size_text, span_text,
};

const MASK: &str = "***";

/// One shown setting: path, value as TOML, source, help.
struct Row {
    path: &'static str,
    value: Option<String>,
    source: String,
    help: &'static str,
}

fn rows(config: &Config, layers: &Layers) -> Vec<Row> {
    SETTINGS
        .iter()
        .map(|setting| Row {
            path: setting.path,
            value: value(config, setting.path),
            source: layers
                .values
                .get(setting.path)
                .map_or_else(|| "default".to_owned(), |set| set.source.clone()),
            help: setting.help,
        })
        .collect()
}

fn quoted(text: impl std::fmt::Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// The effective value as TOML; `None` when there is none.
fn value(config: &Config, path: &str) -> Option<String> {
    let text = match path {
        "listen" => quoted(config.listen),
        "data_dir" => match &config.place {
            Place::Dir(dir) => quoted(dir.display()),
            Place::Ephemeral => return None,
        },
        "ephemeral" => (config.place == Place::Ephemeral).to_string(),
        "store" => match &config.store {
            StoreChoice::Sqlite => quoted("sqlite"),
            StoreChoice::Postgres(_) => quoted(format!("postgres://{MASK}")),
        },
        path if path.starts_with("objects.") => return objects(config.objects.as_ref()?, path),
        "lease_time" => quoted(span_text(config.lease_time)),
        "auth" => match &config.auth {
            AuthChoice::Open => quoted("open"),
            AuthChoice::SigV4(_) => quoted("sigv4"),
        },
        "keys" => match &config.auth {
            AuthChoice::SigV4(keys) => {
                let shown = keys.iter().map(|key| {
                    let id = quoted(&key.access_key_id);
                    let account =
                        key.account.as_ref().map(|account| format!(", account = {}", quoted(account)));
                    format!("{{ access_key_id = {id}, secret = \"{MASK}\"{} }}", account.unwrap_or_default())
                });
                format!("[{}]", shown.collect::<Vec<_>>().join(", "))
            }
            AuthChoice::Open => return None,
        },
        "secrets_key" => quoted(config.secrets_key.as_ref().map(|_| MASK)?),
        "base_hosts" => format!("[{}]", config.base_hosts.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        "limits" => quoted(if config.limits == Limits::Aws { "aws" } else { "off" }),
        "log.format" => quoted(if config.log_format == LogFormat::Text { "text" } else { "json" }),
        "log.level" => quoted(&config.log_level),
        "engine.memory" => quoted(size_text(config.engine.memory_bytes)),
        "engine.spill_dir" => quoted(config.engine.spill_dir.as_ref()?.display()),
        "engine.threads" => config.engine.threads.to_string(),
        path if path.starts_with("server.") => return server(&config.server, path),
        "sources.dynamodb_endpoint" => quoted(&config.dynamodb.as_ref()?.endpoint),
        "sources.dynamodb_access_key_id" => quoted(&config.dynamodb.as_ref()?.access_key_id),
        "sources.dynamodb_secret" => quoted(config.dynamodb.as_ref().map(|_| MASK)?),
        path if path.starts_with("scripts.") => return scripts(&config.scripts, path),
        path if path.starts_with("lineage.") => return lineage(config.lineage.as_ref()?, path),
        "crash.point" => quoted(&config.crash.as_ref()?.spec),
        "crash.marker" => quoted(config.crash.as_ref()?.marker.display()),
        _ => return None,
    };
    Some(text)
}

fn objects(objects: &ObjectsConfig, path: &str) -> Option<String> {
    let text = match path {
        "objects.store" => quoted(format!("s3://{}/{}", objects.bucket, objects.prefix)),
        "objects.endpoint" => quoted(objects.endpoint.as_ref()?),
        "objects.region" => quoted(&objects.region),
        "objects.access_key_id" => quoted(&objects.key.as_ref()?.0),
        "objects.secret_access_key" => quoted(objects.key.as_ref().map(|_| MASK)?),
        "objects.cache" => quoted(size_text(objects.cache_bytes)),
        _ => return None,
    };
    Some(text)
}

fn server(server: &ServerConfig, path: &str) -> Option<String> {
    let text = match path {
        "server.max_connections" => server.max_connections.to_string(),
        "server.header_timeout" => quoted(span_text(server.header_timeout)),
        "server.body_timeout" => quoted(span_text(server.body_timeout)),
        "server.drain_timeout" => quoted(span_text(server.drain_timeout)),
        _ => return None,
    };
    Some(text)
}

fn scripts(scripts: &ScriptsConfig, path: &str) -> Option<String> {
    let text = match path {
        "scripts.environment" => quoted(scripts.environment.display()),
        "scripts.python" => quoted(scripts.python.display()),
        "scripts.installer" => match &scripts.installer {
            InstallerChoice::Auto => quoted("auto"),
            InstallerChoice::Uv => quoted("uv"),
            InstallerChoice::UvAt(program) => quoted(program.display()),
            InstallerChoice::Pip => quoted("pip"),
        },
        "scripts.engine" => quoted(&scripts.engine),
        "scripts.memory" => quoted(size_text(scripts.memory_bytes)),
        "scripts.pool" => scripts.pool.to_string(),
        "scripts.enabled" => scripts.enabled.to_string(),
        _ => return None,
    };
    Some(text)
}

/// Where nobody is told, not even the namespace is shown: a file that sets it alone is refused.
fn lineage(lineage: &LineageConfig, path: &str) -> Option<String> {
    let text = match path {
        "lineage.file" => quoted(lineage.file.as_ref()?.display()),
        "lineage.url" => quoted(lineage.url.as_ref()?),
        "lineage.api_key" => quoted(lineage.api_key.as_ref().map(|_| MASK)?),
        "lineage.namespace" => quoted(&lineage.namespace),
        _ => return None,
    };
    Some(text)
}

/// A TOML file that gives this configuration, with comments.
pub(crate) fn as_text(config: &Config, layers: &Layers) -> String {
    let mut out = String::new();
    let mut section = "";
    for row in rows(config, layers) {
        let (group, key) = row.path.split_once('.').unwrap_or(("", row.path));
        if group != section {
            section = group;
            out.push_str(&format!("\n[{group}]\n"));
        }
        out.push_str(&format!("# {}. Source: {} ({})\n", row.help, row.source, environment_name(row.path)));
        match row.value {
            Some(value) => out.push_str(&format!("{key} = {value}\n")),
            None => out.push_str(&format!("# {key} is not set\n")),
        }
    }
    out
}

/// The same as JSON: `{path: {value, source}}`; values as TOML text.
pub(crate) fn as_json(config: &Config, layers: &Layers) -> serde_json::Value {
    rows(config, layers)
        .into_iter()
        .map(|row| {
            let value = row.value.as_deref().and_then(plain);
            (row.path.to_owned(), json!({ "value": value, "source": row.source }))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// TOML text to JSON.
fn plain(text: &str) -> Option<serde_json::Value> {
    let table: toml::Table = format!("value = {text}").parse().ok()?;
    serde_json::to_value(table.get("value")?).ok()
}
