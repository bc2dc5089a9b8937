"""Spark's own writers of data frames on Sail: what it would do wrong without a word is done right here, or refused by name.

- Only the partitions that are written to are to be replaced (`partitionOverwriteMode` `dynamic`): it would replace all. Of a Delta
  table the server does it; of files it is refused.
- A Delta table gets columns that may be null, as with Spark, and values of its own types: it would read 0 where an older file lacks a
  column, and write null where a text is no number.
- A frame must not overwrite the files that it reads, as with Spark: it would remove them first.
- A new table lies where `tableProperty("location", …)` says, else below its database: it would lie in the script's working folder.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import Any, Dict, Iterator, List, Optional, Set
from urllib.parse import unquote

from awsglue._overwrite import saving
from awsglue._sql import names_in
from awsglue._statements import no_place
from awsglue.errors import DataError, NotBuilt

_DYNAMIC = "spark.sql.sources.partitionOverwriteMode"
_WIDER = [["tinyint", "smallint", "int", "bigint"], ["float", "double"]]


def extend() -> None:
    """Puts this around the writers of the Connect client; once."""
    from pyspark.sql.connect import readwriter

    v1, v2 = readwriter.DataFrameWriter, readwriter.DataFrameWriterV2
    if hasattr(v1.save, "__wrapped__"):
        return
    v1.save, v1.saveAsTable, v1.insertInto = _save(v1.save), _save_as_table(saving(v1.saveAsTable)), _insert_into(v1.insertInto)
    for name in ("create", "createOrReplace", "replace"):
        setattr(v2, name, _placed(getattr(v2, name)))


def _save(own: Any) -> Any:
    @wraps(own)
    def save(self: Any, path: Optional[str] = None, format: Optional[str] = None, mode: Optional[str] = None,
             partitionBy: Any = None, **options: Any) -> None:
        _set(self, format, mode, partitionBy, options)
        place = path or _option(self, "path")
        is_delta = (self._write.source or "").lower() == "delta"
        if _is_dynamic(self) and (is_delta or self._write.partitioning_cols):
            if not is_delta:
                raise NotBuilt("replacing some partitions of files (partitionOverwriteMode dynamic)",
                               "the engine would replace all of them: use a table of Delta or Iceberg, or the folder of each partition")
            _replace_partitions(self, place)
            return
        if is_delta and place:
            _prepare_delta(self, lambda: self._spark.read.format("delta").load(place), place)
        elif place and (self._write.mode or "").lower() == "overwrite":
            _refuse_own_files(self._write._child, place)
        own(self, path)

    return save


def _refuse_own_files(plan: Any, place: str) -> None:
    """As Spark does: the engine would remove the files before it reads them."""
    target = _address(place)
    for path in _paths(plan, set()):
        read = _address(path)
        if read == target or read.startswith(target + "/"):
            raise DataError(f"{place} cannot be overwritten by a frame that reads {path}: write to another path")


def _paths(plan: Any, seen: Set[int]) -> Iterator[str]:
    """All paths that a plan of the Connect client reads."""
    from pyspark.sql.connect.plan import DataSource, LogicalPlan

    if id(plan) in seen:
        return
    seen.add(id(plan))
    if isinstance(plan, DataSource):
        yield from plan._paths or []
    for value in vars(plan).values():
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(part, LogicalPlan):
                yield from _paths(part, seen)


def _address(path: str) -> str:
    """A path up to its first pattern, in one spelling."""
    scheme, separator, rest = unquote(path).rpartition("://")
    plain = re.split(r"[*?{\[]", rest, maxsplit=1)[0].rstrip("/")
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}{separator}{plain}"


def _save_as_table(own: Any) -> Any:
    @wraps(own)
    def save_as_table(self: Any, name: str, format: Optional[str] = None, mode: Optional[str] = None,
                      partitionBy: Any = None, **options: Any) -> None:
        _set(self, format, mode, partitionBy, options)
        _refuse_dynamic(self, name)
        if (self._write.source or "").lower() == "delta":
            _prepare_delta(self, lambda: self._spark.table(name), name)
        if _is_catalog() and _option(self, "path") is None and not self._spark.catalog.tableExists(name):
            self.option("path", _below_database(names_in(name), self._spark))
        own(self, name)

    return save_as_table


def _insert_into(own: Any) -> Any:
    @wraps(own)
    def insert_into(self: Any, tableName: str, overwrite: Optional[bool] = None) -> None:
        if overwrite is not None:
            self.mode("overwrite" if overwrite else "append")
        _refuse_dynamic(self, tableName)
        own(self, tableName)

    return insert_into


def _placed(own: Any) -> Any:
    @wraps(own)
    def make(self: Any) -> None:
        _place(self._write, self._spark)
        own(self)

    return make


def _set(writer: Any, format: Optional[str], mode: Optional[str], keys: Any, options: Dict[str, Any]) -> None:
    """What `save` and `saveAsTable` may be given beside."""
    writer.mode(mode).options(**options)
    if keys is not None:
        writer.partitionBy(keys)
    if format is not None:
        writer.format(format)


def _option(writer: Any, name: str) -> Optional[str]:
    return next((value for key, value in writer._write.options.items() if key.lower() == name.lower()), None)


def _is_dynamic(writer: Any) -> bool:
    """Whether only the partitions that are written to are to be replaced."""
    if (writer._write.mode or "").lower() != "overwrite":
        return False
    wanted = _option(writer, "partitionOverwriteMode") or writer._spark.conf.get(_DYNAMIC, "static")
    return str(wanted).lower() == "dynamic"


def _refuse_dynamic(writer: Any, name: str) -> None:
    if _is_dynamic(writer):
        raise NotBuilt(f"replacing some partitions of {name} (partitionOverwriteMode dynamic) by such a call",
                       "the engine would replace all of them: df.writeTo(…).overwritePartitions() is for tables of Iceberg, "
                       "write_data_frame.from_catalog with mode and partitionOverwriteMode for those of Iceberg and Delta")


def _replace_partitions(writer: Any, place: Optional[str]) -> None:
    from pyspark.sql.connect.dataframe import DataFrame

    from awsglue import _lake
    from awsglue.dynamicframe import DynamicFrame

    operation = writer._write
    left_out = ("path", "partitionoverwritemode")
    options: Dict[str, Any] = {key: value for key, value in operation.options.items() if key.lower() not in left_out}
    options.update(path=place, mode="overwrite", partitionOverwriteMode="dynamic", partitionKeys=list(operation.partitioning_cols))
    frame = DynamicFrame.fromDF(DataFrame(operation._child, writer._spark), None, "")
    _lake.by_path(frame, "delta", options, {}, None)


def _prepare_delta(writer: Any, load: Any, name: str) -> None:
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.dataframe import DataFrame

    df = DataFrame(writer._write._child, writer._spark)
    kind = df.schema
    mode = (writer._write.mode or "error").lower()
    if mode == "append" or mode == "overwrite" and (_option(writer, "overwriteSchema") or "").lower() != "true":
        try:
            known = load().schema
        except PySparkException:
            known = None  # the table is made
        if known is not None:
            _check_types(kind, known, name)
    # What a schema says of null is not what the engine makes of it; a union with a frame whose columns may be null is certain.
    writer._write._child = writer._spark.createDataFrame([], kind.toNullable()).union(df)._plan


def _check_types(kind: Any, known: Any, name: str) -> None:
    own = {field.name.lower(): field for field in known.fields}
    for field in kind.fields:
        if field.name.lower() not in own:
            continue
        has, wanted = _plain(field.dataType), _plain(own[field.name.lower()].dataType)
        if "<" in has + wanted or has == wanted or has == "void" or _is_wider(has, wanted):
            continue
        raise DataError(f"the column {field.name} is {has}, and {wanted} in the Delta table {name}: cast it; nothing is written")


def _plain(kind: Any) -> str:
    return kind.simpleString().replace("timestamp_ntz", "timestamp")


def _is_wider(has: str, wanted: str) -> bool:
    return any(has in row and wanted in row[row.index(has):] for row in _WIDER)


def _place(operation: Any, session: Any) -> None:
    """Says where a new table lies, in the words that Sail knows."""
    names = names_in(operation.table_name or "")
    if operation.provider is None and len(names) == 3 and names[0] == "glue_catalog":
        operation.provider = "iceberg"
    if any(key.lower() == "path" for key in operation.options):
        return
    location = operation.table_properties.pop("location", None)
    if location or _is_catalog():
        operation.options["path"] = (location or _below_database(names, session)).rstrip("/")


def _is_catalog() -> bool:
    """Whether tables are those of the Data Catalog; without an endpoint they are the engine's own, and lie where it likes."""
    from awsglue._aws import allowed, endpoint

    return endpoint("glue") is not None or allowed()


def _below_database(names: List[str], session: Any) -> str:
    """Where a new table is made of which nothing else is known."""
    from awsglue._aws import client

    database = names[-2] if len(names) > 1 else session.catalog.currentDatabase()
    place = client("glue").get_database(Name=database)["Database"].get("LocationUri") or ""
    if not place:
        raise no_place(".".join(names), database)
    return f"{place.rstrip('/')}/{names[-1]}"
