"""`create_dynamic_frame` and its like: the calls of `GlueContext` under their short names."""

from __future__ import annotations

from typing import Any, Dict, Optional

from awsglue._support import spark_alone

# What does the same on an engine without RDDs.
INSTEAD_OF_RDDS = "use DynamicFrame.fromDF(spark.createDataFrame(rows, schema), …)"


class _Reader:
    """The calls that both readers have; `_made` is what they make."""

    _made: str

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_options(self, connection_type: str, connection_options: Optional[Dict[str, Any]] = None,
                     format: Optional[str] = None, format_options: Optional[Dict[str, Any]] = None,
                     transformation_ctx: str = "", push_down_predicate: str = "", **kwargs: Any) -> Any:
        """Reads files of a format, or a table of a database."""
        return getattr(self._glue_context, f"create_{self._made}_from_options")(
            connection_type, connection_options or {}, format, format_options or {}, transformation_ctx,
            push_down_predicate, **kwargs)

    def from_catalog(self, database: Optional[str] = None, table_name: Optional[str] = None,
                     redshift_tmp_dir: str = "", transformation_ctx: str = "", push_down_predicate: str = "",
                     additional_options: Optional[Dict[str, Any]] = None, catalog_id: Optional[str] = None,
                     name_space: Optional[str] = None, **kwargs: Any) -> Any:
        """Reads a table of the Data Catalog."""
        return getattr(self._glue_context, f"create_{self._made}_from_catalog")(
            database or name_space, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate,
            additional_options or {}, catalog_id, **kwargs)


class DynamicFrameReader(_Reader):
    """Makes DynamicFrames: `glueContext.create_dynamic_frame`."""

    _made = "dynamic_frame"

    @spark_alone(INSTEAD_OF_RDDS)
    def from_rdd(self, data: Any, name: str, schema: Optional[Any] = None, sampleRatio: Optional[float] = None) -> Any:
        """A frame of the records of an RDD, on Apache Spark: `GlueContext.create_dynamic_frame_from_rdd`."""
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio)


class DataFrameReader(_Reader):
    """Makes data frames: `glueContext.create_data_frame`."""

    _made = "data_frame"


class DynamicFrameWriter:
    """Writes DynamicFrames: `glueContext.write_dynamic_frame`."""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_options(self, frame: Any, connection_type: str, connection_options: Optional[Dict[str, Any]] = None,
                     format: Optional[str] = None, format_options: Optional[Dict[str, Any]] = None,
                     transformation_ctx: str = "") -> Any:
        """Writes files of a format, or adds rows to a table of a database."""
        return self._glue_context.write_dynamic_frame_from_options(
            frame, connection_type, connection_options or {}, format, format_options or {}, transformation_ctx)

    def from_catalog(self, frame: Any, database: Optional[str] = None, table_name: Optional[str] = None,
                     redshift_tmp_dir: str = "", transformation_ctx: str = "",
                     additional_options: Optional[Dict[str, Any]] = None, catalog_id: Optional[str] = None,
                     name_space: Optional[str] = None) -> Any:
        """Writes into a table of the Data Catalog."""
        return self._glue_context.write_dynamic_frame_from_catalog(
            frame, database or name_space, table_name, redshift_tmp_dir, transformation_ctx, additional_options or {},
            catalog_id)

    def from_jdbc_conf(self, frame: Any, catalog_connection: str, connection_options: Optional[Dict[str, Any]] = None,
                       redshift_tmp_dir: str = "", transformation_ctx: str = "", catalog_id: Optional[str] = None) -> Any:
        """Adds rows to a table of the database behind a connection of the catalog."""
        return self._glue_context.write_dynamic_frame_from_jdbc_conf(
            frame, catalog_connection, connection_options or {}, redshift_tmp_dir, transformation_ctx, catalog_id)


class DataFrameWriter:
    """Writes data frames: `glueContext.write_data_frame`."""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def from_catalog(self, frame: Any, database: str, table_name: str, redshift_tmp_dir: str = "",
                     transformation_ctx: str = "", additional_options: Optional[Dict[str, Any]] = None,
                     catalog_id: Optional[str] = None) -> Any:
        """Writes into a table of the Data Catalog."""
        return self._glue_context.write_data_frame_from_catalog(
            frame, database, table_name, redshift_tmp_dir, transformation_ctx, additional_options or {}, catalog_id)

    def from_options(self, frame: Any, connection_type: str, connection_options: Optional[Dict[str, Any]] = None,
                     format: Optional[str] = None, format_options: Optional[Dict[str, Any]] = None,
                     transformation_ctx: str = "") -> Any:
        """Writes files of a format, or adds rows to a table of a database."""
        from awsglue.dynamicframe import DynamicFrame

        return self._glue_context.write_dynamic_frame_from_options(
            DynamicFrame.fromDF(frame, self._glue_context, ""), connection_type, connection_options or {}, format,
            format_options or {}, transformation_ctx)
