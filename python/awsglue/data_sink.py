"""`DataSink`: a place to write to."""

from __future__ import annotations

from typing import Any, Dict, Optional

from awsglue import _jdbc_write
from awsglue._jdbc import ENGINES
from awsglue.errors import DataError, NotBuilt

__all__ = ["DataSink"]


def refuse_collection(frame_or_dfc: Any) -> None:
    """Refuses frames that are to go into one table of a database."""
    from awsglue.dynamicframe import DynamicFrameCollection

    if isinstance(frame_or_dfc, DynamicFrameCollection):
        raise NotBuilt("writing a collection to a database", "write each of its frames with a dbtable of its own")


class DataSink:
    """What `glueContext.getSink` returns."""

    def __init__(self, j_sink: Dict[str, Any], sql_ctx: Any) -> None:
        self._place = j_sink
        self._glue_context = sql_ctx
        self._format: Optional[str] = j_sink.get("format")
        self._format_options: Dict[str, Any] = {}
        self._catalog: Optional[Dict[str, Any]] = None

    def setFormat(self, format: str, **options: Any) -> None:
        """Sets the format and its options."""
        self._format = format
        self._format_options = options

    def setAccumulableSize(self, size: int) -> None:
        """Sizes a buffer of the original's; there is none here."""

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Names the table that `enableUpdateCatalog` creates or updates."""
        self._catalog = {"database": catalogDatabase, "table": catalogTableName, "catalog_id": catalogId or None}

    def writeFrame(self, dynamic_frame: Any, info: str = "") -> Any:
        """Writes a frame; then, where that was asked for, its table and partitions in the catalog."""
        from awsglue._write import write

        place = self._place
        if place["connection_type"] in ENGINES:
            if self._catalog:
                raise NotBuilt("a table of the catalog for one of a database", "crawl the database")
            _jdbc_write.by_options(place["connection_type"], dynamic_frame, place["options"], "writing")
            return dynamic_frame
        if self._format is None:
            raise DataError("DataSink.writeFrame: no format was set (setFormat)")
        write(dynamic_frame, self._format, place["options"], self._format_options, self._catalog)
        return dynamic_frame

    def write(self, dynamic_frame_or_dfc: Any, info: str = "") -> Any:
        """Writes a frame, or each frame of a collection into a folder of its own name."""
        from awsglue.dynamicframe import DynamicFrameCollection

        if not isinstance(dynamic_frame_or_dfc, DynamicFrameCollection):
            return self.writeFrame(dynamic_frame_or_dfc, info)
        base = self._place
        if base["connection_type"] in ENGINES:
            refuse_collection(dynamic_frame_or_dfc)
        for name in dynamic_frame_or_dfc.keys():
            path = str(base["options"].get("path", "")).rstrip("/") + f"/{name}/"
            self._place = {**base, "options": {**base["options"], "path": path}}
            try:
                self.writeFrame(dynamic_frame_or_dfc.select(name), info)
            finally:
                self._place = base
        return dynamic_frame_or_dfc
