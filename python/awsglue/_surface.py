"""What AWS documents of its Python interface, and how each of it stands here.

The names are those of the AWS Glue Developer Guide; the states come from the code (`awsglue._support.status`).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Iterator

from awsglue._support import status

_WRITES = ["getSink", "write_dynamic_frame_from_options", "write_from_options", "write_dynamic_frame_from_catalog",
           "write_data_frame_from_catalog", "write_dynamic_frame_from_jdbc_conf", "write_from_jdbc_conf"]
_READS = ["getSource", "create_dynamic_frame_from_rdd", "create_dynamic_frame_from_catalog",
          "create_dynamic_frame_from_options", "create_sample_dynamic_frame_from_catalog",
          "create_sample_dynamic_frame_from_options", "create_data_frame_from_catalog", "create_data_frame_from_options",
          "add_ingestion_time_columns", "forEachBatch"]

# Module, class (or nothing), names.
DOCUMENTED = [
    ("awsglue.context", "GlueContext", _READS + _WRITES + [
        "extract_jdbc_conf", "purge_table", "purge_s3_path", "transition_table", "transition_s3_path", "get_logger",
        "start_transaction", "commit_transaction", "cancel_transaction"]),
    ("awsglue.dynamicframe", "DynamicFrameReader", ["from_rdd", "from_options", "from_catalog"]),
    ("awsglue.dynamicframe", "DynamicFrameWriter", ["from_options", "from_catalog", "from_jdbc_conf"]),
    ("awsglue.dynamicframe", "DynamicFrame", [
        "fromDF", "toDF", "count", "schema", "printSchema", "show", "repartition", "coalesce", "apply_mapping",
        "drop_fields", "drop_nulls", "filter", "join", "map", "mergeDynamicFrame", "relationalize", "rename_field",
        "resolveChoice", "select_fields", "simplify_ddb_json", "spigot", "split_fields", "split_rows", "unbox", "union",
        "unnest", "unnest_ddb_json", "write", "assertErrorThreshold", "errorsAsDynamicFrame", "errorsCount",
        "stageErrorsCount"]),
    ("awsglue.dynamicframe", "DynamicFrameCollection", ["keys", "values", "select", "map", "flatmap"]),
    ("awsglue.data_source", "DataSource", ["setFormat", "getFrame"]),
    ("awsglue.data_sink", "DataSink", ["setFormat", "setAccumulableSize", "setCatalogInfo", "writeFrame", "write"]),
    ("awsglue.job", "Job", ["init", "commit", "isInitialized", "reset"]),
    ("awsglue.utils", "", ["getResolvedOptions"]),
    ("awsglue.transforms", "", [
        "ApplyMapping", "DropFields", "DropNullFields", "ErrorsAsDynamicFrame", "EvaluateDataQuality",
        "FillMissingValues", "Filter", "FindIncrementalMatches", "FindMatches", "FlatMap", "GlueTransform", "Join", "Map",
        "MapToCollection", "Relationalize", "RenameField", "ResolveChoice", "SelectFields", "SelectFromCollection",
        "SimplifyDdbJson", "Spigot", "SplitFields", "SplitRows", "Unbox", "Union", "UnnestFrame"]),
    ("awsglue.gluetypes", "", [
        "DataType", "AtomicType", "BinaryType", "BooleanType", "ByteType", "DateType", "DecimalType", "DoubleType",
        "EnumType", "IntegerType", "LongType", "NullType", "ShortType", "StringType", "TimestampType", "UnknownType",
        "ArrayType", "ChoiceType", "MapType", "Field", "StructType", "EntityType"]),
    ("awsgluedq.transforms", "", ["EvaluateDataQuality"]),
    ("awsglueml.transforms", "", ["EntityDetector", "FillMissingValues", "FindIncrementalMatches", "FindMatches"]),
]


@dataclass
class Entry:
    """One documented name."""

    place: str
    name: str
    member: Any
    status: str
    note: str
    is_module_note: bool = False


def entries() -> Iterator[Entry]:
    """All documented names, with how they stand."""
    for module, owner, names in DOCUMENTED:
        found = importlib.import_module(module)
        place = getattr(found, owner) if owner else found
        for name in names:
            member = getattr(place, name)
            state, note = status(member)
            if module == "awsglue.gluetypes" and name == "EntityType":
                state, note = "unsupported", "AWS documents it as not implemented"
                yield Entry(module, name, member, state, note, True)
                continue
            yield Entry(owner or module, name, member, state, note)
    yield Entry("awsgluedi.transforms", "every name", None, "unsupported", "", True)
