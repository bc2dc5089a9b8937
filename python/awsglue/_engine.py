"""Which engine a script runs on, and the one session that it has there.

`TENON_SCRIPT_ENGINE` chooses: `sail` (the default: a Spark Connect server inside this process, without a JVM),
`sc://host:port` or `spark-connect://host:port` (any Spark Connect server), `spark` (classic PySpark with its JVM).
Without it, `SPARK_REMOTE` counts, as for any Connect client.

The session is one per process. The embedded server lives as long as the process.
"""

from __future__ import annotations

import gc
import json
import os
import threading
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any, Dict, Optional

from awsglue import _aws, _classic
from awsglue.errors import GlueError

_lock = threading.RLock()
_session: Optional[Any] = None
_server: Optional[Any] = None
_url: Optional[str] = None


def chosen() -> str:
    """The engine that the environment asks for: `sail`, `spark`, or the address of a Connect server."""
    name = os.environ.get("TENON_SCRIPT_ENGINE", "").strip()
    if not name:
        return os.environ.get("SPARK_REMOTE") or "sail"
    if name.startswith("spark-connect://"):
        return "sc://" + name[len("spark-connect://") :]
    if name in ("sail", "spark") or name.startswith("sc://"):
        return name
    raise GlueError(f"TENON_SCRIPT_ENGINE is {name!r}; it is sail, spark, sc://host:port or spark-connect://host:port")


def remote() -> Optional[str]:
    """The address of the Connect server that the session uses, once there is one."""
    return _url


def sees_our_files() -> bool:
    """Says whether the engine runs on this machine for this process alone, and so sees its files."""
    if _server is not None:
        return True
    return _session is not None and _classic.is_classic(_session) and _session.sparkContext.master.startswith("local")


def is_spark() -> bool:
    """Whether the engine is Apache Spark itself, classic or behind Spark Connect: it has a master, Sail has none."""
    if _session is None or _server is not None:
        return False
    return _classic.is_classic(_session) or _has_master(_session)


def _has_master(made: Any) -> bool:
    if not hasattr(made, "_tenon_has_master"):
        try:
            made._tenon_has_master = bool(made.conf.get("spark.master", ""))
        except Exception:  # noqa: BLE001 - an engine that does not even answer is none that we know
            made._tenon_has_master = False
    return bool(made._tenon_has_master)


def session(conf: Optional[Any] = None) -> Any:
    """The session of the process; makes it when there is none."""
    global _session
    with _lock:
        if _session is None or getattr(_session, "is_stopped", False):
            _aws.prepare_environment()
            adopt(_classic.session() if chosen() == "spark" else _connect())
        if conf is not None:
            configure(_session, conf)
        return _session


def adopt(existing: Any, options: Optional[Dict[str, Any]] = None) -> Any:
    """Takes a session that a script made itself, with these options, as that of the process."""
    global _session
    with _lock:
        _aws.prepare_environment()
        if _classic.is_classic(existing):
            _classic.point_to_server(existing.sparkContext)
        _session = _extended(existing)
        _settle(_session, options or {})
        return _session


# What AWS Glue's Spark has by default and Sail has not.
_DEFAULTS = {"spark.sql.ansi.enabled": "false"}


def _settle(made: Any, options: Dict[str, Any]) -> None:
    """Gives a session that is new its settings: Glue's defaults, above them what the run's `--conf` says, above that what the
    script asked for when it made the session. Apache Spark's own defaults stay as they are."""
    if hasattr(made, "_tenon_settled"):
        return
    from tenon_pyspark import names

    made._tenon_settled = True
    if not is_spark():
        for key, value in _DEFAULTS.items():
            made.conf.set(key, value)
    configure_as_asked(made)
    if not _classic.is_classic(made):
        names.complete_client()
        for key, value in options.items():
            if key.startswith("spark.sql."):
                made.conf.set(key, value)


def _extended(made: Any) -> Any:
    """A session that reads the tables of the Data Catalog which its engine does not read itself: Sail those of delimited
    text, an engine that knows nothing of the catalog all of them. What Sail would write wrongly is looked at."""
    from awsglue import _sql, _writers

    if _server is not None:
        _writers.extend()
    if not hasattr(made, "_tenon_views"):
        made._tenon_views = _sql.CatalogViews(made, has_catalog=_server is not None)
        _sql.extend(made, made._tenon_views)
    return made


def gives_null() -> bool:
    """Whether the session is one of Sail in which a cast that fails is to give null, as without ANSI."""
    if _session is None or is_spark():
        return False
    return str(_session.conf.get("spark.sql.ansi.enabled", "true")).lower() == "false"


def configure(existing: Any, conf: Any) -> None:
    """Passes the settings of a `SparkConf` on, as far as a running session takes settings at all."""
    for key, value in conf.getAll():
        if key.startswith("spark.sql."):
            existing.conf.set(key, value)


def configure_as_asked(existing: Any) -> None:
    """Passes on what the run's `--conf` says (`TENON_SPARK_CONF`, a setting per line), by the same rule."""
    for line in os.environ.get("TENON_SPARK_CONF", "").splitlines():
        key, _, value = line.partition("=")
        if key.startswith("spark.sql."):
            existing.conf.set(key, value)


def stop() -> None:
    """Ends the session. The embedded server stays, for a session that may follow."""
    global _session
    with _lock:
        if _session is not None:
            ended, _session = _session, None
            ended.stop()


def ensure_remote() -> str:
    """Makes sure that there is a Connect server, and that `SPARK_REMOTE` names it."""
    global _url
    with _lock:
        if _url is None:
            wanted = chosen()
            _url = _start_sail() if wanted == "sail" else wanted
            os.environ["SPARK_REMOTE"] = _url
        return _url


@lru_cache(maxsize=None)
def import_libraries() -> None:
    """Imports what the engine's client needs, once, out of sight of Python's collector of cycles.

    These libraries are some hundred thousand objects which stay until the process ends. The collector would look at all of
    them several times while they come, and again at the end: half a second of a script's two (bench/README.md).
    Whoever needs a module that is not there says so when it needs it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for name in ("pyspark.sql.connect.session", *(["pysail.spark"] if chosen() == "sail" else []), "boto3"):
            with suppress(ImportError):
                import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _connect() -> Any:
    import_libraries()
    try:
        from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise GlueError(f"the Spark Connect client is missing: pip install 'tenon-awsglue[sail]' ({error})") from error
    return SparkSession.builder.remote(ensure_remote()).getOrCreate()


def _start_sail() -> str:
    global _server
    try:
        from pysail.spark import SparkConnectServer
    except ImportError as error:
        raise GlueError(f"the engine sail is missing: pip install 'tenon-awsglue[sail]' ({error})") from error
    _aws.prepare_environment()
    if "SAIL_CATALOG__LIST" not in os.environ:
        os.environ["SAIL_CATALOG__LIST"] = json_list_of_catalogs()
        os.environ.setdefault("SAIL_CATALOG__DEFAULT_CATALOG", f'"{_CATALOGS[0]}"')
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _server = server
    host, port = server.listening_address
    return f"sc://{host}:{port}"


# The catalog that engines see first, and the name that Glue's scripts give the same one for tables of Iceberg.
_CATALOGS = ("sail", "glue_catalog")


def json_list_of_catalogs() -> str:
    """Sail's setting that makes the Glue Data Catalog its catalog; its syntax is TOML's for inline tables."""
    url = _aws.endpoint("glue")
    if url or _aws.allowed():
        entry: Dict[str, Any] = {"type": "glue", "region": os.environ.get("AWS_REGION", "us-east-1")}
        entries = [{**entry, "name": name, **({"endpoint_url": url} if url else {})} for name in _CATALOGS]
    else:
        entries = [{"type": "memory", "name": "sail", "initial_database": ["default"]}]
    tables = ["{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in entry.items()) + "}" for entry in entries]
    return f"[{', '.join(tables)}]"
