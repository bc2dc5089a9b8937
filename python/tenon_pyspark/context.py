"""`SparkContext` for Spark Connect: what scripts need of it, and a clear no to the rest.

A Connect session has no driver JVM. `SparkContext()` therefore opens the session of the engine that the environment
chooses (`awsglue._engine`), and answers what can be answered from it. RDDs and whatever reaches into the JVM raise
`NeedsSpark`, naming the call and the way out; no call is accepted and ignored that could change a result.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Optional

from pyspark.conf import SparkConf

from awsglue.errors import NeedsSpark
from tenon_pyspark.names import JVM_ONLY

_LEVELS = ("ALL", "DEBUG", "ERROR", "FATAL", "INFO", "OFF", "TRACE", "WARN")


class _NoSuchCall(NeedsSpark, AttributeError):
    """As `NeedsSpark`; also an `AttributeError`, so that `hasattr` says no."""


class SparkContext:
    """The context of a script. There is one per process; `SparkContext()` returns a handle to it."""

    _active: ClassVar[Optional["SparkContext"]] = None

    def __init__(self, master: Any = None, appName: Optional[str] = None, *_rest, conf: Optional[SparkConf] = None,
                 **options: Any) -> None:
        from awsglue._engine import session

        if isinstance(master, SparkConf):
            master, conf = None, master
        self._conf = conf or SparkConf()
        if appName:
            self._conf.setAppName(appName)
        self._session = session(self._conf)
        self.environment = dict(options.get("environment") or {})
        self._log_level = "WARN"
        SparkContext._active = self

    @classmethod
    def _of(cls, session: Any) -> "SparkContext":
        """The context of a session that is there: `session.sparkContext`."""
        if cls._active is None or cls._active._session is not session:
            made = cls.__new__(cls)
            made._conf, made._session, made.environment, made._log_level = SparkConf(), session, {}, "WARN"
            cls._active = made
        return cls._active

    @classmethod
    def getOrCreate(cls, conf: Optional[SparkConf] = None) -> "SparkContext":
        """Returns the context of the process, or makes it."""
        if cls._active is None:
            return cls(conf=conf)
        if conf is not None:
            from awsglue._engine import configure

            configure(cls._active._session, conf)
        return cls._active

    @property
    def appName(self) -> str:
        """The name of the application."""
        return self._conf.get("spark.app.name") or (sys.argv[0] if sys.argv else "script")

    @property
    def applicationId(self) -> str:
        """The id of the Connect session, which stands for the application."""
        return str(self._session.session_id)

    @property
    def version(self) -> str:
        """The version of Spark that the engine speaks."""
        return self._session.version

    @property
    def master(self) -> str:
        """Where the engine is."""
        from awsglue._engine import remote

        return remote() or "connect"

    @property
    def defaultParallelism(self) -> int:
        """The number of this machine's processors."""
        import os

        return os.cpu_count() or 1

    @property
    def sparkUser(self):
        """Returns a function, as classic PySpark has it, that names the user."""
        import getpass

        return getpass.getuser

    def getConf(self) -> SparkConf:
        """Returns a copy of the settings."""
        return SparkConf().setAll(self._conf.getAll())

    def setLogLevel(self, logLevel: str) -> None:
        """Sets the level of the script's own logger (`glueContext.get_logger()`)."""
        from awsglue._logger import set_level

        level = str(logLevel).upper()
        if level not in _LEVELS:
            raise ValueError(f"setLogLevel({logLevel!r}): the levels are {', '.join(_LEVELS)}")
        set_level(level)

    def addPyFile(self, path: str) -> None:
        """Makes a Python file or zip known to this process and to the engine's functions."""
        if "://" in path:
            raise NeedsSpark(f"SparkContext.addPyFile({path!r})", "download the file and pass its local path")
        sys.path.insert(0, (path.rpartition("/")[0] or ".") if path.endswith(".py") else path)
        self._session.addArtifacts(path, pyfile=True)

    def stop(self) -> None:
        """Ends the session; a later `SparkContext()` opens another one."""
        from awsglue._engine import stop

        stop()
        if SparkContext._active is self:
            SparkContext._active = None

    def __enter__(self) -> "SparkContext":
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()

    def __getattr__(self, name: str):
        if name in JVM_ONLY:
            raise _NoSuchCall(f"SparkContext.{name}", JVM_ONLY[name])
        if name.startswith("__"):
            raise AttributeError(name)
        raise _NoSuchCall(f"SparkContext.{name}")


def __getattr__(name: str):
    """`pyspark.context` of a real PySpark exports more; say what is missing instead of an ImportError's riddle."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise NeedsSpark(f"pyspark.context.{name}")
