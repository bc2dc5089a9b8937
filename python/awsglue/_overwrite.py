"""`saveAsTable` with the mode `overwrite` on Sail, which cannot replace a table of the Data Catalog.

A table that is not there is made. One that is there with these very columns gets these rows instead of its own; anything else is
refused before a file is touched.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from awsglue.errors import NotBuilt

_WAY_OUT = "spark.sql('DROP TABLE …') first, and remove its files; or write_dynamic_frame with enableUpdateCatalog"


def saving(save: Callable[..., Any]) -> Callable[..., Any]:
    """The method `saveAsTable` that overwrites."""

    def run(self: Any, name: str, format: Any = None, mode: Any = None, partitionBy: Any = None, **options: Any) -> None:
        wanted = mode or self._write.mode
        if str(wanted).lower() != "overwrite" or (format or self._write.source) in ("iceberg", "delta"):
            return save(self, name, format, mode, partitionBy, **options)
        if not self._spark.catalog.tableExists(name):
            return save(self, name, format, "error", partitionBy, **options)
        _check(self, name, format, partitionBy, options)
        return _replace(self, name)

    run.__doc__ = save.__doc__
    return run


def _replace(writer: Any, name: str) -> None:
    """Gives a table the rows of a frame, which may read that table: they are staged before the table's own go."""
    from pyspark.sql.connect.dataframe import DataFrame

    from awsglue import _staging
    from awsglue._aws import engine_url

    place = _staging.folder("table")
    df = DataFrame(writer._df, writer._spark)
    df.write.mode("append").parquet(engine_url(place))
    writer._spark.read.schema(df.schema).parquet(engine_url(place)).write.insertInto(name, overwrite=True)
    _staging.remove(place)


def _check(writer: Any, name: str, form: Any, partition_by: Any, options: Dict[str, Any]) -> None:
    """Refuses what is more than other rows for a table that is there."""
    from pyspark.sql.connect.dataframe import DataFrame

    what = f"replacing the table {name} by saveAsTable with the mode overwrite"
    facts = {row["col_name"]: row["data_type"] for row in writer._spark.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()}
    form = str(form or writer._write.source or "parquet").lower()
    if form != "parquet" or facts.get("Provider") != form:
        raise NotBuilt(f"{what}, which is {facts.get('Provider')}, as {form}", _WAY_OUT)
    place = str({**writer._write.options, **options}.get("path") or writer._write.path or facts["Location"])
    if place.rstrip("/") != facts["Location"].rstrip("/"):
        raise NotBuilt(f"{what}, which lies at {facts['Location']}, by one at {place}", _WAY_OUT)
    if partition_by or writer._write.partitioning_cols or any(c.isPartition for c in writer._spark.catalog.listColumns(name)):
        raise NotBuilt(f"{what}, where it is partitioned,", _WAY_OUT)
    mine = DataFrame(writer._df, writer._spark).schema
    there = writer._spark.table(name).schema
    if [(f.name.lower(), f.dataType) for f in mine] != [(f.name.lower(), f.dataType) for f in there]:
        raise NotBuilt(f"{what}, whose columns are {there.simpleString()}, with {mine.simpleString()}", _WAY_OUT)
