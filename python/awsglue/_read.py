"""Files as frames: grouped by what they hold, read by the engine where it can, in its Python workers where it cannot.

Files of one format need not have one schema. Their frames are made per schema and become one by name; a column whose
type differs between files is a choice, from the start.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from awsglue import _codecs, _engine, _files
from awsglue import gluetypes as g
from awsglue._aws import Object, read_head
from awsglue._columns import col
from awsglue._files import Options
from awsglue._lift import lift, stacked
from awsglue._listing import truthy
from awsglue._straight import Straight
from awsglue._types import from_spark, to_spark
from awsglue.errors import DataError, NotBuilt

_HEAD = 64 * 1024
_READERS = 8


@dataclass(frozen=True)
class Part:
    """Files that share the values of the columns that their place gives them (partition keys)."""

    objects: Tuple[Object, ...]
    values: Tuple[Any, ...] = ()


@dataclass
class Read:
    """What was read: the data frame, its schema, the columns of it that may be choices, whether every file has the columns
    of the table in their order, and how the server reads the same."""

    df: Any
    kind: g.StructType
    open_columns: frozenset = frozenset()
    in_order: bool = True
    straight: Optional[Straight] = None


def options_for(format: Optional[str], format_options: Dict[str, Any]) -> Options:
    """The options of a format, as scripts write them."""
    name = (format or "").lower()
    if name == "glueparquet":
        name = "parquet"
    if name not in ("csv", "json", "parquet", "avro", "orc"):
        raise NotBuilt(f"reading the format {format!r}", "there are csv, json, parquet, avro, orc, xml, grokLog, ion and excel")
    known = {"csv": _CSV_OPTIONS, "json": _JSON_OPTIONS}.get(name, _NO_EFFECT)
    for option, value in format_options.items():
        if option not in known | _NO_EFFECT and value not in (None, ""):
            raise NotBuilt(f"the format option {option!r} of {name}")
    if name == "json":
        return Options("json", json_path=str(format_options.get("jsonPath") or ""))
    if name == "csv":
        return _csv_options(format_options)
    return Options(name)


_NO_EFFECT = {"multiline", "multiLine", "optimizePerformance", "compression", "version", "useGlueParquetWriter",
              "blockSize", "pageSize", "writeHeader", "strictCheckForQuoting"}
_CSV_OPTIONS = {"separator", "escaper", "quoteChar", "withHeader", "skipFirst", "encoding"}
_JSON_OPTIONS = {"jsonPath"}


def _csv_options(given: Dict[str, Any]) -> Options:
    quote = given.get("quoteChar", '"')
    escape = given.get("escaper", "none")
    if truthy(given.get("strictCheckForQuoting", False)):
        raise NotBuilt("the format option 'strictCheckForQuoting' of csv")
    separator = str(given.get("separator") or ",")
    separator = {"\\t": "\t", "ctrla": "\x01"}.get(separator, separator)
    if len(separator) != 1:
        raise DataError(f"csv: the separator must be one character; it is {separator!r}")
    return Options(
        "csv", header=truthy(given.get("withHeader", False)), skip_first=truthy(given.get("skipFirst", False)),
        separator=separator, quote=None if str(quote) == "-1" else str(quote),
        escape=None if str(escape).lower() in ("none", "") else str(escape), encoding=str(given.get("encoding") or "utf-8"),
    )


def read(parts: Sequence[Part], options: Options, added: g.StructType, hint: Optional[g.StructType] = None) -> Read:
    """The records of all parts. `added` are the columns whose values the parts give; `hint` is a catalog's schema."""
    parts = [part for part in parts if part.objects]
    if not parts:
        kind = g.StructType((hint.fields if hint else []) + added.fields)
        return Read(_engine.session().createDataFrame([], to_spark(kind)), kind)
    if options.format in ("parquet", "avro"):
        return _columnar(parts, options, added)
    if options.format == "csv":
        return _csv(parts, options, added, hint)
    return in_python(parts, options, added, hint)


def _each(items: Sequence[Any], function: Any) -> List[Any]:
    """What a function gives for each item, several at a time, in their order."""
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(function, items))


def _grouped(parts: Sequence[Part], keys: Dict[str, Any]) -> List[Tuple[Part, Any]]:
    """Parts whose files have one key each (a schema, a header)."""
    found: Dict[Tuple[Any, Any], List[Object]] = {}
    for part in parts:
        for item in part.objects:
            found.setdefault((part.values, keys[item.url]), []).append(item)
    return [(Part(tuple(items), values), key) for (values, key), items in found.items()]


def _with_values(df: Any, kind: g.StructType, part: Part, added: g.StructType) -> Tuple[Any, g.StructType]:
    """A data frame with the columns that the part's place gives."""
    from pyspark.sql import functions as F

    if not added.fields:
        return df, kind
    own = [field for field in kind.fields if not added.hasField(field.name)]
    literals = [F.lit(value).cast(to_spark(field.dataType)).alias(field.name)
                for field, value in zip(added.fields, part.values)]
    return df.select(*[col(field.name) for field in own], *literals), g.StructType(own + added.fields)


def _united(found: List[Tuple[Any, g.StructType]]) -> Read:
    """One data frame of several."""
    from awsglue._combine import together

    kind = together([inner for _, inner in found])
    return Read(stacked([lift(df, inner, kind) for df, inner in found], kind), kind)


def _columnar(parts: Sequence[Part], options: Options, added: g.StructType) -> Read:
    """Parquet and Avro: the engine reads files of one schema together."""
    items = [item for part in parts for item in part.objects]
    signature = _parquet_schema if options.format == "parquet" else _avro_schema
    keys = dict(zip([item.url for item in items], _each(items, signature)))
    found: List[Tuple[Any, g.StructType]] = []
    kinds: Dict[Any, g.StructType] = {}
    for part, key in _grouped(parts, keys):
        urls = [item.engine_url for item in part.objects]
        reader = _engine.session().read.format(options.format)
        if key in kinds:
            reader = reader.schema(to_spark(kinds[key]))
        df = reader.load(urls)
        if key not in kinds:
            kind = from_spark(df.schema)
            assert isinstance(kind, g.StructType)
            kinds[key] = kind
        found.append(_with_values(df, kinds[key], part, added))
    return _united(found)


def _parquet_schema(item: Object) -> str:
    import pyarrow.parquet as parquet

    from awsglue._ranges import RangeFile

    try:
        return parquet.ParquetFile(RangeFile(item)).schema_arrow.remove_metadata().to_string()
    except Exception as error:  # pyarrow has many; all of them mean that the file is not what it should be
        raise DataError(f"{item.url}: not a Parquet file: {error}") from error


def _avro_schema(item: Object) -> str:
    """The schema in an Avro file's header, as it stands there."""
    head = read_head(item, 1 << 20)
    at = head.find(b"avro.schema")
    if not head.startswith(b"Obj\x01") or at < 0:
        raise DataError(f"{item.url}: not an Avro file")
    end = head.find(b"avro.codec", at)
    text = head[at + len(b"avro.schema") : end if end > 0 else len(head)]
    start = text.find(b"{")
    schema, _ = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "replace"))
    return json.dumps(schema, sort_keys=True)


def _csv(parts: Sequence[Part], options: Options, added: g.StructType, hint: Optional[g.StructType]) -> Read:
    """CSV: files with one header are read together; every column is text, and nothing is null but what is not there."""
    items = [item for part in parts for item in part.objects]
    heads = dict(zip([item.url for item in items], _each(items, lambda item: _head(item, options))))
    found: List[Tuple[Any, g.StructType]] = []
    in_order = True
    for part, (names, plain, even, _compressed) in _grouped(parts, heads):
        if not names:
            continue
        wanted = _spelled(names, hint, options.header) if hint else names
        in_order = in_order and (not options.header or hint is None or wanted == tuple(field.name for field in hint.fields))
        kind = g.StructType([g.Field(name, g.StringType()) for name in wanted])
        if plain:
            found.append(_with_values(_native_csv(part, options, names, wanted), kind, part, added))
        else:
            got = in_python([part], replace(options, names=wanted, even=not even), added, None, kind)
            found.append((got.df, got.kind))
    if not found:
        return Read(_engine.session().createDataFrame([], to_spark(added)), added)
    return replace(_united(found), in_order=in_order)


def _spelled(names: Tuple[str, ...], hint: g.StructType, header: bool) -> Tuple[str, ...]:
    """The columns of a file as a table calls them: by the header, ignoring case; else by place."""
    wanted = [field.name for field in hint.fields]
    by_name = {name.lower(): name for name in wanted}
    if not header or not any(name.lower() in by_name for name in names):
        return tuple(wanted[: len(names)]) + tuple(f"__col{place}" for place in range(len(wanted), len(names)))
    # Of two columns that mean the same one of the table, the first counts.
    return tuple(by_name.pop(name.lower(), f"__{name}" if name in wanted else name) for name in names)


def _native_csv(part: Part, options: Options, names: Tuple[str, ...], wanted: Tuple[str, ...]) -> Any:
    """Read under the names of the header, because Sail matches a schema with it, and renamed afterwards."""
    from pyspark.sql import functions as F

    kind = g.StructType([g.Field(name, g.StringType()) for name in names])
    reader = _engine.session().read.schema(to_spark(kind)).option("header", options.header)
    reader = reader.option("sep", options.separator).option("quote", options.quote or "")
    if options.escape is not None:
        reader = reader.option("escape", options.escape)
    df = reader.csv([item.engine_url for item in part.objects])
    # Engines take empty text for null; Glue keeps it.
    return df.select(*[F.coalesce(col(old), F.lit("")).alias(new) for old, new in zip(names, wanted)])


def _head(item: Object, options: Options) -> Tuple[Tuple[str, ...], bool, bool, bool]:
    """The names of a file's columns; whether the engine's own reader reads it right, whether no other row has another width
    than the first, and whether it is compressed."""
    head = read_head(item, _HEAD)
    is_cut = len(head) >= _HEAD
    codec = _codecs.codec_of(item.url, head)
    if codec == "gzip":
        head = zlib.decompressobj(47).decompress(head, _HEAD)
    elif codec:
        with _files.open_text(item.url, options.encoding) as text:
            head = text.read(_HEAD).encode(options.encoding)
    marked = head.startswith(b"\xef\xbb\xbf")
    text = head.decode("utf-8-sig" if options.encoding.lower() in ("utf-8", "utf8") else options.encoding, "replace")
    row, even = _rows(text, options, is_cut or len(head) >= _HEAD)
    names = _files.header_names(row) if options.header else [f"col{place}" for place in range(len(row))]
    odd = options.header and (list(names) != row or len({name.lower() for name in names}) < len(names))
    plain = (
        not odd and (options.escape is None or options.escapes_quotes) and options.quote is not None and not options.skip_first
        and options.encoding.lower() in ("utf-8", "utf8") and not (marked and not options.header)
        and not text.startswith(("\n", "\r"))
        and (codec is None or codec == "gzip" and item.url.endswith(".gz"))
    )
    # The engine does not say in which file a row has too many values, or too few; this library does.
    return tuple(names), plain and even, even or not plain, codec is not None


def _rows(text: str, options: Options, is_cut: bool) -> Tuple[List[str], bool]:
    """The first row of a file's beginning, and whether all others are as wide."""
    reader = (row for row in _files.csv_reader(io.StringIO(text, newline=""), options) if row)
    first = next(reader, [])
    try:
        widths = [len(row) for row in reader]
    except csv.Error:  # the engine has words for it
        return first, True
    return first, set(widths[:-1] if is_cut else widths) <= {len(first)}


def in_python(parts: Sequence[Part], options: Options, added: g.StructType, hint: Optional[g.StructType],
              kind: Optional[g.StructType] = None) -> Read:
    """Files parsed by this library: unless their types are known, a first pass finds them, and a second one reads."""
    files = [(item.url, *part.values) for part in parts for item in part.objects]
    rows = [(place, *file) for place, file in enumerate(files)]
    columns = g.StructType([g.Field("place", g.LongType()), g.Field("url", g.StringType())] + [
        g.Field(f"p{place}", field.dataType) for place, field in enumerate(added.fields)])
    listed = _engine.session().createDataFrame(rows, to_spark(columns)).repartition(min(len(rows), 2 * _READERS))
    from awsglue._functions import inferred

    if kind is None:
        kind = inferred(listed.mapInArrow(_files.inferring(options, hint), "place long, kind string"), hint)
    own = g.StructType([field for field in kind.fields if not added.hasField(field.name)])
    whole = g.StructType(own.fields + added.fields)
    return Read(listed.mapInArrow(_files.parsing(options, own, added), to_spark(whole)), whole)
