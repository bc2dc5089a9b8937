"""What can go wrong, as types: a script may catch them, and each text says what to do."""

from __future__ import annotations

SPARK_WAY_OUT = ("run the script on Apache Spark: --engine spark among the job's arguments, scripts.engine=spark, or "
                 "TENON_SCRIPT_ENGINE=spark in a shell")


class GlueError(Exception):
    """The base of all errors that this library raises on its own account."""


class NotBuilt(GlueError, NotImplementedError):
    """A documented call, or one of its options, that this library does not have. Nothing was done."""

    def __init__(self, what: str, way_out: str = "") -> None:
        self.what = what
        self.way_out = way_out
        super().__init__(f"{what} is not built" + (f"; {way_out}" if way_out else ""))


class NeedsSpark(GlueError, NotImplementedError):
    """A call that only a JVM can serve (RDDs, `_jvm`, Hadoop's configuration). Nothing was done."""

    def __init__(self, what: str, instead: str = "") -> None:
        self.what = what
        advice = f"{instead}, or {SPARK_WAY_OUT}" if instead else SPARK_WAY_OUT
        super().__init__(f"{what} needs a JVM, and this engine has none; {advice}")


class GlueArgumentError(GlueError):
    """The arguments of a script lack one that it asks for, or hold one that cannot be understood."""


class ErrorThresholdExceeded(GlueError):
    """More records failed than `stageThreshold` or `totalThreshold` allows."""


class BookmarkError(GlueError):
    """Bookmarks were asked for and cannot be kept: nothing was read, nothing is remembered."""


class DataError(GlueError):
    """Data or options that contradict each other; the text names file, column or option."""
