"""Completes the packages of the Connect client with what scripts take for granted.

With a real PySpark (one that has a JVM) this module changes nothing. With the client alone it adds the names that the
client lacks, and makes `SparkSession.builder.getOrCreate()` and `SparkSession(sc)` open the session of the engine that
the environment chooses, where the client would ask for an address, or for a JVM.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

# Package -> name -> the module here that has it.
NAMES = {
    "pyspark": {
        "SparkContext": "tenon_pyspark.context",
        "RDD": "tenon_pyspark.rdd",
        "SQLContext": "tenon_pyspark.sqlcontext",
        "HiveContext": "tenon_pyspark.sqlcontext",
    },
    "pyspark.sql": {
        "SQLContext": "tenon_pyspark.sqlcontext",
        "HiveContext": "tenon_pyspark.sqlcontext",
    },
}

# Calls of classic PySpark that make or read RDDs, or reach into the JVM.
JVM_ONLY = {
    "parallelize": "use spark.createDataFrame(rows, schema)",
    "emptyRDD": "use spark.createDataFrame([], schema)",
    "range": "use spark.range",
    "textFile": "use spark.read.text",
    "wholeTextFiles": "use spark.read.text with wholetext=True",
    "binaryFiles": "use spark.read.format('binaryFile')",
    "binaryRecords": "",
    "newAPIHadoopFile": "",
    "newAPIHadoopRDD": "",
    "hadoopFile": "",
    "hadoopRDD": "",
    "pickleFile": "",
    "sequenceFile": "",
    "union": "use DataFrame.union",
    "runJob": "",
    "broadcast": "close over the value, or use pyspark.sql.functions.broadcast for joins",
    "accumulator": "aggregate with the DataFrame instead",
    "setCheckpointDir": "",
    "setJobGroup": "",
    "setLocalProperty": "",
    "getLocalProperty": "",
    "statusTracker": "",
    "addFile": "read the object with boto3",
    "addArchive": "",
    "dump_profiles": "",
    "show_profiles": "",
    "_jvm": "",
    "_jsc": "S3 needs no Hadoop settings here: the endpoint comes from AWS_ENDPOINT_URL",
    "_gateway": "",
}


def complete(package: ModuleType) -> None:
    """Adds the names; `pyspark.sql` also gets its session opened."""
    try:
        from pyspark.util import is_remote_only
    except ImportError:  # PySpark before 4.0 always brings its JVM
        return
    if not is_remote_only():
        return
    wanted = NAMES[package.__name__]
    for name in wanted:
        package.__dict__.pop(name, None)
    before = getattr(package, "__getattr__", None)

    def find(name: str) -> Any:
        if name in wanted:
            value = getattr(importlib.import_module(wanted[name]), name)
            setattr(package, name, value)
            return value
        if before is not None:
            return before(name)
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    package.__getattr__ = find  # type: ignore[method-assign]
    if package.__name__ == "pyspark.sql":
        _open_sessions(package.SparkSession)


def _open_sessions(session_class: Any) -> None:
    builder = session_class.Builder
    if getattr(builder.getOrCreate, "tenon", False):
        return
    get_or_create = builder.getOrCreate

    def getOrCreate(self: Any) -> Any:
        from awsglue import _engine

        if "spark.remote" not in self._options:
            _engine.ensure_remote()
        return _engine.adopt(get_or_create(self), self._options)

    def enableHiveSupport(self: Any) -> Any:
        return self  # the tables are those of the Data Catalog as it is

    def __new__(cls: Any, sparkContext: Any = None, *_arguments: Any, **_options: Any) -> Any:
        from awsglue import _engine

        return _engine.session()

    getOrCreate.tenon = True  # type: ignore[attr-defined]
    builder.getOrCreate, builder.enableHiveSupport = getOrCreate, enableHiveSupport
    session_class.__new__ = __new__
    session_class.__init__ = lambda self, *arguments, **options: None


def complete_client() -> None:
    """Adds what the client's own classes lack, once it is loaded: a session's context, casts as they are without ANSI, nulls
    below nulls in data from Python, names with dots in columns for functions. A real PySpark stays as it is."""
    try:
        from pyspark.util import is_remote_only
    except ImportError:  # PySpark before 4.0 always brings its JVM
        return
    if not is_remote_only():
        return
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.session import SparkSession

    from tenon_pyspark.casts import casting

    def context(self: Any) -> Any:
        from tenon_pyspark.context import SparkContext

        return SparkContext._of(self)

    SparkSession.sparkContext = property(context, doc="The context of this session: `tenon_pyspark.context`.")
    if not hasattr(Column.cast, "tenon"):
        Column.cast = casting(Column.cast, Column.try_cast)
        Column.astype = Column.cast
        _settle_local_data()
        _quote_columns_of_functions()


def _settle_local_data() -> None:
    """Makes `createDataFrame` send nothing but nulls below structures that are null: Sail looks there (`awsglue._nulls`)."""
    from pyspark.sql.connect.plan import LocalRelation

    made = LocalRelation.__init__

    def __init__(self: Any, table: Any, schema: Any = None) -> None:
        from awsglue._nulls import table_of

        made(self, table if table is None else table_of(table), schema)

    LocalRelation.__init__ = __init__  # type: ignore[method-assign]


def _quote_columns_of_functions() -> None:
    """Makes `mapInArrow`, `mapInPandas` and `applyInPandas` name the columns that they hand over in quotes: `a.b` would be a
    field of `a`."""
    from pyspark.sql.connect import plan

    _quote_columns(plan.MapPartitions, 2)
    _quote_columns(plan.GroupMap, 3)


def _quote_columns(step: Any, place: int) -> None:
    """Quotes the argument `cols` of a step's constructor, which is the one at `place`."""
    made = step.__init__

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        from awsglue._columns import quoted

        arguments = list(given)
        if "cols" in named:
            named["cols"] = [quoted(name) for name in named["cols"]]
        else:
            arguments[place] = [quoted(name) for name in arguments[place]]
        made(self, *arguments, **named)

    step.__init__ = __init__
