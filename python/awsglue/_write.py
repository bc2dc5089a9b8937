"""Frames as files, and as tables of the catalog.

Files are added to what is at the path, as on AWS, and are visible as soon as they are written. All but Parquet is written by
the server (`_written`, and tables of Iceberg and Delta `_lake`); CSV and JSON by the engine where there is none, and where the path is a local one. A frame without records writes nothing. The catalog follows the files: when its update
fails, the files are there and the error says so.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from awsglue import _lake, _written
from awsglue import gluetypes as g
from awsglue._aws import client, endpoint, engine_url, is_s3, split
from awsglue._dialect import checked
from awsglue._engine import is_spark
from awsglue._columns import col
from awsglue._lift import lift
from awsglue._listing import truthy
from awsglue._types import physical, without_nulls
from awsglue.errors import DataError, NotBuilt

_CODECS = {
    "parquet": {"snappy": "snappy", "gzip": "gzip", "zstd": "zstd", "uncompressed": "none", "none": "none", "lz4": "lz4_raw"},
    "csv": {"gzip": "gzip", "bzip2": "bzip2", "none": "none", "uncompressed": "none"},
    "json": {"gzip": "gzip", "bzip2": "bzip2", "none": "none", "uncompressed": "none"},
}
_OPTIONS = {"path", "partitionKeys", "compression", "enableUpdateCatalog", "updateBehavior", "groupFiles", "groupSize",
            "useS3ListImplementation", "mode"}
_FORMAT_OPTIONS = {
    "parquet": {"compression", "blockSize", "pageSize", "useGlueParquetWriter"},
    "csv": {"separator", "quoteChar", "escaper", "writeHeader", "withHeader", "compression", "optimizePerformance"},
    "json": {"compression", "multiline", "jsonPath"},
    "avro": {"compression", "version"},
    "orc": {"compression"},
    "xml": {"compression", "rowTag", "rootTag"},
}


def format_name(format: Optional[str]) -> str:
    """The format by its plain name; one that cannot be written is refused."""
    name = {"glueparquet": "parquet"}.get((format or "").lower(), (format or "").lower())
    if name not in _FORMAT_OPTIONS:
        raise NotBuilt(f"writing the format {format!r} from a script", f"write {', '.join([*_FORMAT_OPTIONS, *_lake.FORMATS])}")
    return name


def _codec(name: str, options: Dict[str, Any], format_options: Dict[str, Any]) -> str:
    """The compression that is asked for; empty for the format's own."""
    wanted = str(format_options.get("compression") or options.get("compression") or "").lower()
    known = list(dict.fromkeys([*_CODECS.get(name, ()), *_written.CODECS.get(name, ())]))
    if wanted and wanted not in known:
        raise NotBuilt(f"the compression {wanted!r} when writing {name}", f"there are {', '.join(known)}")
    return wanted


def write(frame: Any, format: str, options: Dict[str, Any], format_options: Dict[str, Any],
          catalog: Optional[Dict[str, Any]] = None, plain_null: Optional[str] = None) -> None:
    """Writes a frame to `options["path"]`, partitioned by `options["partitionKeys"]`, and updates the catalog.

    `plain_null` is the text for null in CSV without quotes, as tables of LazySimpleSerDe have it.
    """
    if _lake.is_open(format):
        _lake.by_path(frame, format.lower(), options, format_options, catalog)
        return
    name = format_name(format)
    path = options.get("path")
    if not isinstance(path, str) or not path:
        raise DataError('writing needs the option "path"')
    _refuse_unknown(options, format_options, name)
    codec = _codec(name, options, format_options)
    if name == "csv" and plain_null is None:
        format_options = checked(format_options)
    # Text of which nothing can tell what is empty from null.
    is_bare = name == "csv" and plain_null is None and format_options["quoteChar"] == "-1"
    if is_bare:
        plain_null = ""
    served = (name not in _CODECS or bool(codec) and codec not in _CODECS[name] or _is_for_server(name, path)
              or plain_null is not None)
    if served:
        _written.check(name, path, format_options)
    settings = _settings(name, codec, format_options)
    keys = [str(key) for key in options.get("partitionKeys") or []]
    update = truthy(options.get("enableUpdateCatalog", False))
    if update and not catalog:
        raise DataError("enableUpdateCatalog needs the table's name: setCatalogInfo(catalogDatabase, catalogTableName)")
    _check_bucket(path)
    frame.assertErrorThreshold()
    asked = _written.request(name, codec, path, keys, format_options)
    if plain_null is not None:
        asked["PlainNull"] = plain_null
    if not is_bare and _is_straight(frame, name, served, keys, update) and _written.write_straight(frame._straight, asked):
        return
    frame._settle()
    df, kind = prepared(frame, name, keys)
    if is_bare:
        df = df.select(*[_without_empty(field, keys) for field in kind.fields])
    change = None
    if update and catalog:
        from awsglue import _tables

        change = _tables.check(catalog, name, path, kind, keys, options, format_options)
    if served:
        _written.write(df, kind, asked)
    else:
        _by_engine(df, name, path, keys, settings)
    if change is not None:
        change.publish(df)


def _by_engine(df: Any, name: str, path: str, keys: List[str], settings: Dict[str, str]) -> None:
    # Spark would leave an empty file `_SUCCESS` beside them, which is none of the format.
    unmarked = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"} if is_spark() else {}
    writer = df.write.mode("append").format(name).options(**settings, **unmarked)
    (writer.partitionBy(*keys) if keys else writer).save(engine_url(path))


def _check_bucket(path: str) -> None:
    """Refuses a bucket that is not there, before the frame is computed; what may be done in it shows when it is done."""
    if not is_s3(path) or endpoint("s3") is None:
        return
    from botocore.exceptions import ClientError

    bucket = split(path)[0]
    try:
        client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            raise DataError(f"writing to {path}: the bucket {bucket!r} does not exist; make it first (aws s3 mb s3://{bucket})") from error


def _without_empty(field: g.Field, keys: List[str]) -> Any:
    """Text as it stands in files without quotes, where nothing tells what is empty from null."""
    from pyspark.sql import functions as F

    text = col(field.name)
    is_text = isinstance(field.dataType, g.StringType) and field.name not in keys
    return F.when(text != F.lit(""), text).alias(field.name) if is_text else text


def _is_for_server(name: str, path: str) -> bool:
    """Text is written by the server wherever it can: engines drop what JSON has no number for, and entries without values."""
    return name in ("csv", "json") and is_s3(path) and endpoint("glue") is not None


def _is_straight(frame: Any, name: str, served: bool, keys: List[str], update: bool) -> bool:
    """Whether the server may make the rows and write them; the catalog is told of partitions by the engine's frame."""
    if frame._straight is None or update or not (served or name == "parquet"):
        return False
    check_kind(frame._straight.kind, name, keys)
    return True


def _refuse_unknown(options: Dict[str, Any], format_options: Dict[str, Any], name: str) -> None:
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise NotBuilt(f"the connection option {unknown[0]!r} when writing")
    unknown = sorted(set(format_options) - _FORMAT_OPTIONS[name])
    if unknown:
        raise NotBuilt(f"the format option {unknown[0]!r} when writing {name}")
    if str(options.get("mode", "append")).lower() != "append":
        raise NotBuilt(f"the mode {options['mode']!r} when writing", "frame.toDF().write.mode(…) has modes")


def _settings(name: str, wanted: str, format_options: Dict[str, Any]) -> Dict[str, str]:
    """The engine's names for the options; what they have no meaning for is refused."""
    codec = _CODECS.get(name, {}).get(wanted or ("snappy" if name == "parquet" else "none"), "none")
    settings = {"compression": codec} if codec != "none" or name == "parquet" else {}
    if name != "csv":
        return settings
    settings["header"] = str(truthy(format_options.get("writeHeader", True))).lower()
    settings["sep"] = str(format_options.get("separator") or ",")
    settings["quote"] = str(format_options.get("quoteChar", '"'))
    return settings


def prepared(frame: Any, name: str, keys: List[str]) -> Any:
    """Data frame and schema as they are written: choices as structures, what is null everywhere as text."""
    shape = physical(frame._kind)
    kind = without_nulls(shape)
    assert isinstance(kind, g.StructType) and isinstance(shape, g.StructType)
    check_choices(frame._kind, name)
    check_kind(kind, name, keys)
    df = lift(frame._df, shape, kind)
    return df.select(*[_folder_value(f.name) if f.name in keys else col(f.name) for f in kind.fields]), kind


def check_choices(kind: g.StructType, name: str) -> None:
    """Refuses choices where a format has no structures."""
    for field in kind.fields:
        if name == "csv" and isinstance(field.dataType, g.ChoiceType):
            raise DataError(f"csv holds one type per column, and `{field.name}` is a choice of {' and '.join(field.dataType.choices)}: "
                            f"use resolveChoice(specs=[({field.name!r}, \"cast:…\")]) first")


def check_kind(kind: g.StructType, name: str, keys: List[str]) -> None:
    """Refuses columns that a format, or the names of folders, cannot hold."""
    for key in keys:
        if not kind.hasField(key):
            raise DataError(f"partitionKeys: there is no field {key!r}; there are {', '.join(kind.field_map)}")
        if not isinstance(kind.getField(key).dataType, g.AtomicType):
            raise DataError(f"partitionKeys: the field {key!r} is {kind.getField(key).dataType.typeName()}")
    if len(keys) == len(kind.fields):
        raise DataError("partitionKeys: at least one field must be left for the files")
    for field in kind.fields:
        if name == "csv" and not isinstance(field.dataType, g.AtomicType):
            raise DataError(f"csv holds no {field.dataType.typeName()} columns: `{field.name}` (unnest or relationalize first)")


def _folder_value(name: str) -> Any:
    """A partition key as the name of its folder: text, with Hive's word for null (and for nothing, as in Spark)."""
    from pyspark.sql import functions as F

    text = col(name).cast("string")
    return F.when(text != F.lit(""), text).otherwise(F.lit("__HIVE_DEFAULT_PARTITION__")).alias(name)


def spigot(frame: Any, path: str, options: Dict[str, Any]) -> None:
    """Writes sample records as JSON: the first `topk`, or each with the probability `prob`."""
    unknown = sorted(set(options) - {"topk", "prob"})
    if unknown:
        raise NotBuilt(f"the option {unknown[0]!r} of spigot")
    frame._settle()
    df, kind = prepared(frame, "json", [])
    if "prob" in options:
        df = df.sample(float(options["prob"]))
    if "topk" in options:
        df = df.limit(int(options["topk"]))
    if not is_s3(path) and "://" in path and not path.startswith("file://"):
        raise DataError(f"spigot: {path!r} is neither in S3 nor a folder")
    if _is_for_server("json", path):
        _written.write(df, kind, _written.request("json", "", path, [], {}))
    else:
        df.write.mode("append").json(engine_url(path))
