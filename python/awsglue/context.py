"""`GlueContext`: what a script reads, writes and purges with."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from awsglue import _engine, _jdbc, _jdbc_write, _lake, _purge
from awsglue._aws import client
from awsglue._catalog import place
from awsglue._classic import is_classic
from awsglue._jdbc import ENGINES, Reading
from awsglue._jdbc import from_options as from_database
from awsglue._listing import bounded, check_options, objects
from awsglue._logger import GlueLogger
from awsglue._reader import INSTEAD_OF_RDDS, DataFrameReader, DataFrameWriter
from awsglue._support import not_built, partly, spark_alone
from awsglue._types import to_spark
from awsglue.data_sink import DataSink, refuse_collection
from awsglue.data_source import DataSource
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, DynamicFrameReader, DynamicFrameWriter
from awsglue.errors import DataError, NeedsSpark, NotBuilt
from awsglue.gluetypes import DataType

__all__ = ["GlueContext"]

_FILES = ("s3", "file", "parquet", "orc")
_ROWS = "s3, postgresql and mysql are"
_TIMES = {"day": 3, "hour": 4, "minute": 5}


class _NoSuchCall(NeedsSpark, AttributeError):
    """As `NeedsSpark`; also an `AttributeError`, so that `hasattr` says no."""


class GlueContext:
    """The session of a script, and the calls that AWS Glue adds to it.

    Whatever Spark's session has (`sql`, `table`, `read`, `createDataFrame`, …) can be called here too.
    """

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        unknown = sorted(set(options) - {"minPartitions", "targetPartitions"})
        if unknown:
            raise TypeError(f"GlueContext: the options {unknown} are not known")
        self._sc = sparkContext
        self.spark_session = self._session(sparkContext)
        self._bookmarks: Optional[Any] = None
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.write_data_frame = DataFrameWriter(self)

    @staticmethod
    def _session(context: Any) -> Any:
        own = getattr(context, "_session", None)
        if own is not None:
            return own
        if context is None:
            return _engine.session()
        if hasattr(context, "createDataFrame"):  # a session, where a context is expected
            return _engine.adopt(context)
        from pyspark.sql import SparkSession

        return _engine.adopt(SparkSession(context))

    @property
    def sparkSession(self) -> Any:
        """The session, as `SQLContext` calls it."""
        return self.spark_session

    def __getattr__(self, name: str) -> Any:
        if name in ("_jvm", "_jsc", "_ssql_ctx", "_glue_scala_context"):
            if name in ("_jvm", "_jsc") and is_classic(self.spark_session):
                return getattr(self.spark_session.sparkContext, name)
            raise _NoSuchCall(f"GlueContext.{name}")
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.spark_session, name)

    def get_logger(self) -> GlueLogger:
        """The logger of the run."""
        return GlueLogger()

    # Reading.

    def getSource(self, connection_type: str, transformation_ctx: str = "", push_down_predicate: str = "",
                  **options: Any) -> DataSource:
        """A source to set a format on."""
        self._refuse_connection(connection_type, "getSource")
        place_ = {"connection_type": connection_type, "options": options, "transformation_ctx": transformation_ctx}
        return DataSource(place_, self, connection_type)

    def create_dynamic_frame_from_options(
        self, connection_type: str, connection_options: Optional[Dict[str, Any]] = None, format: Optional[str] = None,
        format_options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "", push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """Reads files of a format: `connection_options["paths"]`, with `recurse`, `exclusions`, `boundedFiles`, …; or a
        table of a database: `connection_options["dbtable"]`."""
        from awsglue import _served

        _no_more("create_dynamic_frame.from_options", kwargs)
        options = dict(connection_options or {})
        if connection_type in ENGINES:
            got = from_database(connection_type, options, Reading(self._bookmarks, transformation_ctx))
            return DynamicFrame(got.df, self, transformation_ctx, kind=got.kind)
        self._refuse_connection(connection_type, "create_dynamic_frame.from_options")
        if push_down_predicate:
            raise NotBuilt("push_down_predicate for files without a table", "read the table of the catalog")
        paths = options.get("paths") or options.get("path")
        paths = [paths] if isinstance(paths, str) else paths
        if not paths:
            raise DataError('connection_options needs "paths", a list of addresses')
        if _lake.is_open(format):
            df = _lake.read(str(format).lower(), list(paths), options, format_options or {}, self._bookmarks)
            return DynamicFrame.fromDF(df, self, transformation_ctx)
        check_options(options, "create_dynamic_frame.from_options")
        read = _served.reader(format, format_options or {}, list(paths))
        found = objects(list(paths), options)
        items = self._taken(transformation_ctx, found, options)
        # Where the bookmark leaves nothing, the newest file still says what the records look like.
        got = read(items or [max(found, key=lambda item: item.modified)])
        df = got.df if items else got.df.where("1 = 0")
        return DynamicFrame(df, self, transformation_ctx, kind=got.kind, open_columns=got.open_columns)

    def create_dynamic_frame_from_catalog(
        self, database: Any, table_name: Any, redshift_tmp_dir: str = "", transformation_ctx: str = "",
        push_down_predicate: str = "", additional_options: Optional[Dict[str, Any]] = None,
        catalog_id: Optional[str] = None, **kwargs: Any,
    ) -> DynamicFrame:
        """Reads a table of the Data Catalog. `push_down_predicate` is Spark SQL over its partition keys."""
        from awsglue._catalog import from_catalog

        _no_more("create_dynamic_frame.from_catalog", kwargs)
        if not database or not table_name:
            raise DataError("create_dynamic_frame.from_catalog needs database and table_name")
        got = from_catalog(database, table_name, push_down_predicate, additional_options or {}, catalog_id,
                           lambda items: self._taken(transformation_ctx, items, additional_options or {}),
                           Reading(self._bookmarks, transformation_ctx))
        return DynamicFrame(got.df, self, transformation_ctx or table_name, kind=got.kind, open_columns=got.open_columns,
                            straight=got.straight)

    def _taken(self, context: str, items: List[Any], options: Dict[str, Any]) -> List[Any]:
        """The objects that a source reads: those that the job's bookmark does not know, as many as one run may."""
        if self._bookmarks is None:
            return bounded(items, options)
        taken = bounded(self._bookmarks.unread(context, items), options)
        self._bookmarks.mark(context, taken)
        return taken

    @spark_alone(INSTEAD_OF_RDDS)
    def create_dynamic_frame_from_rdd(self, data: Any, name: str, schema: Optional[Any] = None,
                                      sample_ratio: Optional[float] = None, transformation_ctx: str = "") -> DynamicFrame:
        """A frame of the records of an RDD, with a schema of PySpark's or of `awsglue.gluetypes`; otherwise it is found from the records."""
        if not is_classic(self.spark_session):
            raise NeedsSpark("create_dynamic_frame.from_rdd", INSTEAD_OF_RDDS)
        own = to_spark(schema) if isinstance(schema, DataType) else schema
        df = self.spark_session.createDataFrame(data, own, sample_ratio)
        return DynamicFrame.fromDF(df, self, transformation_ctx or name)

    def create_data_frame_from_options(self, *arguments: Any, **options: Any) -> Any:
        """As `create_dynamic_frame_from_options`, as a data frame."""
        return self.create_dynamic_frame_from_options(*arguments, **options).toDF()

    def create_data_frame_from_catalog(self, *arguments: Any, **options: Any) -> Any:
        """As `create_dynamic_frame_from_catalog`, as a data frame."""
        return self.create_dynamic_frame_from_catalog(*arguments, **options).toDF()

    def create_sample_dynamic_frame_from_options(
        self, connection_type: str, connection_options: Optional[Dict[str, Any]] = None, num: int = 10,
        sample_options: Optional[Dict[str, Any]] = None, format: Optional[str] = None,
        format_options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "",
    ) -> List[Any]:
        """Up to `num` records of files, as a list. All files are listed; `sample_options` change nothing here."""
        frame = self.create_dynamic_frame_from_options(connection_type, connection_options, format, format_options, "")
        return _sample(frame, num)

    def create_sample_dynamic_frame_from_catalog(
        self, database: str, table_name: str, num: int = 10, redshift_tmp_dir: str = "", transformation_ctx: str = "",
        push_down_predicate: str = "", additional_options: Optional[Dict[str, Any]] = None,
        sample_options: Optional[Dict[str, Any]] = None, catalog_id: Optional[str] = None,
    ) -> List[Any]:
        """Up to `num` records of a table, as a list. `sample_options` change nothing here."""
        return _sample(self.create_dynamic_frame_from_catalog(
            database, table_name, redshift_tmp_dir, "", push_down_predicate, additional_options, catalog_id), num)

    def add_ingestion_time_columns(self, dataFrame: Any, timeGranularity: str = "") -> Any:
        """Adds `ingest_year`, `ingest_month`, `ingest_day` and, as asked, `ingest_hour`, `ingest_minute` (UTC)."""
        from datetime import datetime, timezone

        from pyspark.sql import functions as F

        if timeGranularity not in _TIMES:
            raise DataError(f"add_ingestion_time_columns: {timeGranularity!r} is none of {', '.join(_TIMES)}")
        now = datetime.now(timezone.utc)
        parts = [("year", now.year), ("month", now.month), ("day", now.day), ("hour", now.hour), ("minute", now.minute)]
        for name, value in parts[: _TIMES[timeGranularity]]:
            dataFrame = dataFrame.withColumn(f"ingest_{name}", F.lit(value))
        return dataFrame

    forEachBatch = not_built("GlueContext.forEachBatch", "streaming jobs are not built")

    # Writing.

    def getSink(self, connection_type: str, format: Optional[str] = None, transformation_ctx: str = "",
                **options: Any) -> DataSink:
        """A sink: of files, to set a format and a table of the catalog on; or of a table of a database."""
        self._refuse_connection(connection_type, "getSink")
        return DataSink({"connection_type": connection_type, "options": options, "format": format}, self)

    def write_dynamic_frame_from_options(
        self, frame: DynamicFrame, connection_type: str, connection_options: Optional[Dict[str, Any]] = None,
        format: Optional[str] = None, format_options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Writes files of a format to `connection_options["path"]`, partitioned by `partitionKeys`; or adds rows to a
        table of a database, `connection_options["dbtable"]`."""
        self._refuse_connection(connection_type, "write_dynamic_frame.from_options")
        sink = self.getSink(connection_type, format, transformation_ctx, **(connection_options or {}))
        if format:
            sink.setFormat(format, **(format_options or {}))
        return sink.writeFrame(frame)

    def write_from_options(
        self, frame_or_dfc: Union[DynamicFrame, DynamicFrameCollection], connection_type: str,
        connection_options: Optional[Dict[str, Any]] = None, format: Optional[str] = None,
        format_options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "",
    ) -> Any:
        """Writes a frame, or each frame of a collection into a folder of its own name."""
        self._refuse_connection(connection_type, "write_from_options")
        sink = self.getSink(connection_type, format, transformation_ctx, **(connection_options or {}))
        if format:
            sink.setFormat(format, **(format_options or {}))
        return sink.write(frame_or_dfc)

    @partly("the table's own partition keys are used when none are given")
    def write_dynamic_frame_from_catalog(
        self, frame: DynamicFrame, database: Any, table_name: Any, redshift_tmp_dir: str = "",
        transformation_ctx: str = "", additional_options: Optional[Dict[str, Any]] = None,
        catalog_id: Optional[str] = None,
    ) -> DynamicFrame:
        """Writes files of the table's format to its location, where new partitions are added with `enableUpdateCatalog`; commits
        rows to a table of Iceberg or Delta; or adds rows to the table of a database that it stands for."""
        from awsglue._catalog import SERVED, facts_of, open_format, table
        from awsglue._write import write

        facts = facts_of(database, table_name, catalog_id)
        if _jdbc.is_database(facts):
            _jdbc_write.by_table(facts, frame, additional_options or {})
            return frame
        kind = open_format(facts)
        if kind:
            _lake.by_table(frame, facts, kind, additional_options or {})
            return frame
        found = table(database, table_name, catalog_id, facts)
        if found.options.format == SERVED:
            raise NotBuilt(f"writing into {found.name}, whose files are neither Parquet, JSON nor plain CSV", "use a visual job")
        options = dict(additional_options or {})
        options.setdefault("partitionKeys", [field.name for field in found.keys.fields])
        how: Dict[str, Any] = {}
        if found.options.format == "csv":
            how = {"separator": found.options.separator, "writeHeader": found.options.header,
                   "escaper": found.options.escape or "none"}
            # LazySimpleSerDe, which has such a text, knows no quotes, whatever the table's classification says.
            if found.null_text is None:
                how["quoteChar"] = found.options.quote or "-1"
        names = {"database": database, "table": table_name, "catalog_id": catalog_id}
        write(frame, found.options.format, {**options, "path": found.location}, how, names,
              found.null_text if found.options.format == "csv" else None)
        return frame

    def write_data_frame_from_catalog(self, frame: Any, *arguments: Any, **options: Any) -> Any:
        """As `write_dynamic_frame_from_catalog`, for a data frame."""
        self.write_dynamic_frame_from_catalog(DynamicFrame.fromDF(frame, self, ""), *arguments, **options)
        return frame

    def write_dynamic_frame_from_jdbc_conf(
        self, frame: DynamicFrame, catalog_connection: str, connection_options: Optional[Dict[str, Any]] = None,
        redshift_tmp_dir: str = "", transformation_ctx: str = "", catalog_id: Optional[str] = None,
    ) -> DynamicFrame:
        """Adds rows to `connection_options["dbtable"]` of the database behind a connection of the catalog."""
        _jdbc_write.by_connection(frame, catalog_connection, dict(connection_options or {}), catalog_id)
        return frame

    @partly("collections are refused: each frame has a table of its own")
    def write_from_jdbc_conf(
        self, frame_or_dfc: Union[DynamicFrame, DynamicFrameCollection], catalog_connection: str,
        connection_options: Optional[Dict[str, Any]] = None, redshift_tmp_dir: str = "", transformation_ctx: str = "",
        catalog_id: Optional[str] = None,
    ) -> Any:
        """As `write_dynamic_frame_from_jdbc_conf`."""
        refuse_collection(frame_or_dfc)
        return self.write_dynamic_frame_from_jdbc_conf(
            frame_or_dfc, catalog_connection, connection_options, redshift_tmp_dir, transformation_ctx, catalog_id)

    def _refuse_connection(self, connection_type: str, call: str) -> None:
        if connection_type not in _FILES and connection_type not in ENGINES:
            raise NotBuilt(f"{call} with the connection type {connection_type!r}", _ROWS)

    # Connections, objects, transactions.

    @partly("from the connection's own properties; secrets of Secrets Manager are refused")
    def extract_jdbc_conf(self, connection_name: str, catalog_id: Optional[str] = None) -> Dict[str, str]:
        """`user`, `password`, `vendor`, `url` and `fullUrl` of a connection of the catalog."""
        facts = client("glue").get_connection(Name=connection_name, HidePassword=False, **place(catalog_id))["Connection"]
        properties = facts.get("ConnectionProperties", {})
        if "SECRET_ID" in properties:
            raise NotBuilt(f"extract_jdbc_conf of {connection_name!r}, whose password is in Secrets Manager")
        full = properties.get("JDBC_CONNECTION_URL", "")
        if not full.startswith("jdbc:"):
            raise DataError(f"extract_jdbc_conf: the connection {connection_name!r} has no JDBC address")
        base, _, _database = full.rpartition("/") if full.count("/") > 2 else (full, "", "")
        return {"user": properties.get("USERNAME", ""), "password": properties.get("PASSWORD", ""),
                "vendor": full.split(":")[1], "url": base, "fullUrl": full,
                "enforceSSL": properties.get("JDBC_ENFORCE_SSL", "false").lower()}

    @partly("at once, and for good: buckets have no versions")
    def purge_s3_path(self, s3_path: str, options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "") -> None:
        """Deletes objects under a path that are older than `retentionPeriod` hours (168 unless given)."""
        _purge.path(s3_path, options or {}, transformation_ctx)

    @partly("as purge_s3_path")
    def purge_table(self, database: str, table_name: str, options: Optional[Dict[str, Any]] = None,
                    transformation_ctx: str = "", catalog_id: Optional[str] = None) -> None:
        """Deletes a table's objects in the same way, and the partitions that are left without any."""
        _purge.table(database, table_name, options or {}, transformation_ctx, catalog_id)

    transition_s3_path = not_built("GlueContext.transition_s3_path", "objects have one storage class here")
    transition_table = not_built("GlueContext.transition_table", "objects have one storage class here")
    start_transaction = not_built("GlueContext.start_transaction", "governed tables are gone from AWS too")
    commit_transaction = not_built("GlueContext.commit_transaction", "governed tables are gone from AWS too")
    cancel_transaction = not_built("GlueContext.cancel_transaction", "governed tables are gone from AWS too")


def _no_more(call: str, rest: Dict[str, Any]) -> None:
    if rest:
        raise TypeError(f"{call}: the arguments {sorted(rest)} are not known")


def _sample(frame: DynamicFrame, num: int) -> List[Any]:
    from awsglue._records import record

    rows = frame._settle()._df.limit(int(num)).collect()
    return [record(row.asDict(recursive=True), frame._kind) for row in rows]
