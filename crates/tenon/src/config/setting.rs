//! The table of settings: the one place that names them.

/// One setting.
pub(crate) struct Setting {
    /// Path in the file, such as `engine.memory`.
    pub(crate) path: &'static str,
    /// Default as it would be written; `None` when there is none or it depends on the machine.
    pub(crate) default: Option<&'static str>,
    pub(crate) help: &'static str,
}

const fn setting(path: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { path, default, help }
}

/// Every setting, in the order in which it is shown.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("listen", Some("127.0.0.1:4566"), "address and port; port 0 takes a free one"),
    setting("data_dir", None, "folder of all data; default $XDG_DATA_HOME/tenon or ~/.local/share/tenon"),
    setting("ephemeral", Some("false"), "keep data in a temporary folder that is removed at the end"),
    setting("store", Some("sqlite"), "metadata store: sqlite, or postgres://user:password@host/database"),
    setting("lease_time", Some("15s"), "after this without a word of a server others take its crawls up"),
    setting("auth", Some("open"), "open: any credentials, on loopback only; sigv4: requests are verified"),
    setting("keys", None, "[[keys]] tables of access_key_id, secret and, if wanted, account"),
    setting(
        "secrets_key",
        None,
        "64 hexadecimal digits that secrets are encrypted with; default a key made once in data_dir; a PostgreSQL store \
         needs it before it can hold secrets",
    ),
    setting(
        "base_hosts",
        Some("localhost,localhost.localstack.cloud,s3.amazonaws.com"),
        "names under which buckets are hosts",
    ),
    setting("limits", Some("off"), "AWS's service quotas: off; aws is refused, as they are not built yet"),
    setting(
        "objects.store",
        None,
        "s3://bucket/prefix that keeps the objects' bytes, for several servers on one PostgreSQL store; default data_dir",
    ),
    setting("objects.endpoint", None, "address of that S3-compatible store; default Amazon's own"),
    setting("objects.region", Some("us-east-1"), "region of that store"),
    setting("objects.access_key_id", None, "key for that store; default what the machine's role gives"),
    setting("objects.secret_access_key", None, "secret of that key"),
    setting("objects.cache", Some("10GiB"), "copies of what is in that store, in data_dir"),
    setting("log.format", Some("text"), "text or json"),
    setting(
        "log.level",
        Some("info"),
        "error, warn, info, debug, trace, or directives such as info,lake=debug",
    ),
    setting("engine.memory", None, "memory for queries and jobs together; default half of the machine's"),
    setting("engine.spill_dir", None, "folder for what does not fit in memory; default inside data_dir"),
    setting("engine.threads", None, "threads for queries and jobs; default one per processor"),
    setting("server.max_connections", Some("4096"), "connections at one time; more wait"),
    setting("server.header_timeout", Some("30s"), "for the head of a request"),
    setting("server.body_timeout", Some("60s"), "between two pieces of a body"),
    setting("server.drain_timeout", Some("20s"), "for requests in flight when the server stops"),
    setting(
        "sources.dynamodb_endpoint",
        None,
        "server that DynamoDB targets of crawlers are read from, such as http://127.0.0.1:8000; without it they are refused",
    ),
    setting(
        "sources.dynamodb_access_key_id",
        None,
        "access key id that requests to it are signed with; default test, which local servers take",
    ),
    setting("sources.dynamodb_secret", None, "its secret; default test"),
    setting(
        "scripts.environment",
        None,
        "folder of the Python environment that scripts run in; default $XDG_CACHE_HOME/tenon/python or ~/.cache/tenon/python",
    ),
    setting("scripts.python", Some("python3"), "the interpreter that `tenon python setup` makes it with"),
    setting(
        "scripts.installer",
        Some("auto"),
        "what makes it: uv, pip, or the path of uv; auto: uv where it is in PATH, unless PIP_… variables say where packages are",
    ),
    setting(
        "scripts.engine",
        Some("sail"),
        "what runs their frames: sail, a Spark Connect server (sc://host:port), or spark (PySpark with its JVM)",
    ),
    setting(
        "scripts.memory",
        None,
        "the most that a process of a script may use; default half of the machine's",
    ),
    setting(
        "scripts.pool",
        Some("1"),
        "how many processes are kept ready for job runs of PySpark scripts, once there was one; 0 for none",
    ),
    setting(
        "scripts.enabled",
        None,
        "whether scripts run, as the server's user, for whoever may start jobs; default only on loopback",
    ),
    setting("lineage.file", None, "file that gets an OpenLineage event per line for each job run"),
    setting(
        "lineage.url",
        None,
        "address that these events are posted to, such as http://127.0.0.1:5000/api/v1/lineage",
    ),
    setting("lineage.api_key", None, "bearer token for that address"),
    setting("lineage.namespace", Some("tenon"), "the namespace of jobs in these events"),
    setting("crash.point", None, "tests of durability: stop the process at this named point"),
    setting("crash.marker", None, "tests of durability: file that the point writes its name to"),
];

/// Variables under our prefix that are not settings: the configuration file, what the Makefile exports, and what scripts
/// that a shell starts look for.
pub(crate) const OTHER_VARIABLES: &[&str] = &[
    "TENON_CONFIG",
    "TENON_BIN",
    "TENON_VENV",
    "TENON_SCRIPTS_VENV",
    "TENON_SCRIPT_ENGINE",
    "TENON_ALLOW_AWS",
];

/// The setting at a path.
pub(crate) fn find(path: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.path == path)
}

/// `engine.memory` → `TENON_ENGINE_MEMORY`.
pub(crate) fn environment_name(path: &str) -> String {
    format!("TENON_{}", path.replace('.', "_").to_ascii_uppercase())
}
