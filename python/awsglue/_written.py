"""Files that the server writes for the script: Avro, ORC, XML, CSV and JSON.

The frame is staged as Parquet; its files become visible together, when all are written. What the server can make by itself
(`_straight`) it writes as Parquet, too, and nothing is staged.
"""

from __future__ import annotations

from typing import Any, Dict, List

from awsglue import _server, _staging
from awsglue import gluetypes as g
from awsglue._aws import endpoint, is_s3, split
from awsglue._listing import truthy
from awsglue._logger import GlueLogger
from awsglue._straight import Straight
from awsglue.errors import DataError, NotBuilt

# The codecs, by the names that AWS, Spark and visual jobs have for them.
CODECS = {
    "avro": ("snappy", "deflate", "zstandard", "zstd", "bzip2", "xz", "none", "uncompressed"),
    "orc": ("snappy", "zlib", "zstd", "lz4", "none", "uncompressed"),
    "xml": ("gzip", "bzip2", "zstd", "zstandard", "snappy", "lz4", "xz", "deflate", "zlib", "none", "uncompressed"),
    "csv": ("gzip", "bzip2", "zstd", "zstandard", "snappy", "lz4", "xz", "deflate", "zlib", "none", "uncompressed"),
    "json": ("gzip", "bzip2", "zstd", "zstandard", "snappy", "lz4", "xz", "deflate", "zlib", "none", "uncompressed"),
}
_WHY = "files of such formats are written by the server"


def check(name: str, path: str, format_options: Dict[str, Any]) -> None:
    """Refuses, before anything is done, what the server cannot write as it is asked for."""
    if not is_s3(path):
        raise DataError(f"{path!r} is a local path, and {_WHY}: write to S3")
    if name == "avro" and str(format_options.get("version") or "1.8") != "1.8":
        raise NotBuilt(f"the format option 'version' {format_options['version']!r} when writing avro",
                       "dates, decimals and timestamps have Avro's logical types, as with 1.8")


def write(df: Any, kind: g.StructType, asked: Dict[str, Any]) -> None:
    """Writes what `_write.prepared` made as `asked` says, which is a `request`."""
    # Keys are the names of folders by now.
    texts = g.StructType([g.Field(f.name, g.StringType() if f.name in asked["PartitionKeys"] else f.dataType) for f in kind.fields])
    staged = _staging.put(df, texts, "files")
    try:
        _server.ask("files/write", {**asked, "Frame": staged}, _WHY)
    finally:
        _staging.remove(staged["Folder"])


def write_straight(straight: Straight, asked: Dict[str, Any]) -> bool:
    """Lets the server make the rows, too; False, and nothing is written, when it would read them in another way."""
    if not is_s3(asked["Path"]) or any(not _is_name(straight.kind.getField(key).dataType) for key in asked["PartitionKeys"]):
        return False
    if endpoint("glue") is None:
        return False
    try:
        _server.call("files/write", {**asked, "Rows": straight.rows()}, _WHY)
    except _server.Refused as error:
        if error.status >= 500:  # nobody knows what is written
            raise
        GlueLogger().debug(f"the engine writes {asked['Path']}, because the server does not: {error}")
        return False
    return True


def _is_name(kind: g.DataType) -> bool:
    """Whether engines and the server name a value's folder alike."""
    return isinstance(kind, (g.StringType, g.ByteType, g.ShortType, g.IntegerType, g.LongType, g.DateType))


def request(name: str, codec: str, path: str, keys: List[str], format_options: Dict[str, Any]) -> Dict[str, Any]:
    """What to ask the server for, but for the rows; `codec` is empty for the format's own."""
    asked: Dict[str, Any] = {"Path": "s3://{}/{}".format(*split(path)) if is_s3(path) else path, "Format": name,
                             "Compression": codec, "PartitionKeys": keys}
    if name == "csv":
        asked.update(Separator=str(format_options.get("separator") or ","), Header=truthy(format_options.get("writeHeader", True)))
        if str(format_options.get("quoteChar")) != "-1":
            asked["Quote"] = str(format_options.get("quoteChar", '"'))
    for option, field in (("rowTag", "RowTag"), ("rootTag", "RootTag")):
        if name == "xml" and format_options.get(option):
            asked[field] = str(format_options[option])
    return asked
