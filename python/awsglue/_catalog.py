"""Tables of the Data Catalog as frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

from awsglue import _engine, _jdbc, _straight
from awsglue import gluetypes as g
from awsglue._aws import client, is_s3, object_at
from awsglue._columns import col, null_of
from awsglue._files import Options
from awsglue._lift import lift
from awsglue._listing import check_options, excluded, under
from awsglue._logger import GlueLogger
from awsglue._open import opened
from awsglue._read import Part, Read, read
from awsglue._records import widen
from awsglue._sql import names_in
from awsglue._types import has_choice, to_spark
from awsglue._types import parse as parse_type
from awsglue.errors import DataError, NotBuilt

_ACTING = ("catalogPartitionPredicate",)
# The format of files that the server reads.
SERVED = "served"
# Hive's word for a key of a partition that is null.
NULL_KEY = "__HIVE_DEFAULT_PARTITION__"


@dataclass
class Table:
    """A table as the catalog describes it."""

    name: str
    location: str
    columns: g.StructType
    keys: g.StructType
    options: Options
    facts: Dict[str, Any]
    null_text: Optional[str] = None


def place(catalog_id: Optional[str]) -> Dict[str, str]:
    """The catalog to ask, when it is not the caller's own."""
    return {"CatalogId": catalog_id} if catalog_id else {}


def facts_of(database: str, name: str, catalog_id: Optional[str] = None) -> Dict[str, Any]:
    """A table as the catalog has it. One that is not there is named, which the service's own words do not."""
    glue = client("glue")
    try:
        return glue.get_table(DatabaseName=database, Name=name, **place(catalog_id))["Table"]
    except glue.exceptions.EntityNotFoundException as error:
        said = error.response["Error"]
        said = {**said, "Message": f"{database}.{name}: {said['Message']}"}
        raise type(error)({**error.response, "Error": said}, error.operation_name) from error


def table(database: str, name: str, catalog_id: Optional[str] = None, facts: Optional[Dict[str, Any]] = None) -> Table:
    """Looks a table up. Tables that files cannot be read of by this library are refused."""
    facts = facts or facts_of(database, name, catalog_id)
    storage = facts.get("StorageDescriptor", {})
    location = storage.get("Location") or ""
    full = f"{database}.{name}"
    columns = g.StructType([g.Field(c["Name"], parse_type(c["Type"])) for c in storage.get("Columns", [])])
    keys = g.StructType([g.Field(c["Name"], parse_type(c.get("Type", "string"))) for c in facts.get("PartitionKeys", [])])
    if not location.startswith(("s3://", "s3a://", "s3n://", "file://", "/")):
        raise NotBuilt(f"reading {full} at {location or 'no location'}", "tables on S3, and of PostgreSQL and MySQL, can be read by scripts")
    return Table(full, location, columns, keys, _options(facts, storage, full), facts, _null_text(storage))


def _null_text(storage: Dict[str, Any]) -> Optional[str]:
    """The text that means null, which only LazySimpleSerDe has."""
    serde = storage.get("SerdeInfo", {})
    if not serde.get("SerializationLibrary", "").endswith(".LazySimpleSerDe"):
        return None
    return serde.get("Parameters", {}).get("serialization.null.format", "\\N")


def open_format(facts: Dict[str, Any]) -> Optional[str]:
    """The format of a table whose rows are what its log says, not what its folder holds."""
    parameters, storage = facts.get("Parameters", {}), facts.get("StorageDescriptor", {})
    named = {parameters.get(name, "").upper() for name in ("table_type", "spark.sql.sources.provider")}
    if "Hoodie" in storage.get("InputFormat", ""):
        named.add("HUDI")
    return next((kind for kind in ("ICEBERG", "DELTA", "HUDI") if kind in named), None)


def is_for_engines(facts: Dict[str, Any]) -> bool:
    """Whether engines read the table by the catalog alone: Parquet, JSON and Avro, what has no files in S3, and tables of open formats."""
    storage = facts.get("StorageDescriptor", {})
    library = storage.get("SerdeInfo", {}).get("SerializationLibrary", "").rpartition(".")[2]
    own = library in ("ParquetHiveSerDe", "JsonSerDe", "OpenXJsonSerDe", "AvroSerDe")
    is_of_files = is_s3(storage.get("Location") or "")
    return own or not is_of_files or open_format(facts) in ("ICEBERG", "DELTA")


def is_one_object(facts: Dict[str, Any]) -> bool:
    """Whether the location of a table of files is an object, as crawlers make tables of one file."""
    location = facts.get("StorageDescriptor", {}).get("Location") or ""
    return is_s3(location) and not facts.get("PartitionKeys") and not open_format(facts) and object_at(location) is not None


def has_null_keys(facts: Dict[str, Any]) -> bool:
    """Whether a table of files has a partition with a key that is null."""
    keys = [key["Name"] for key in facts.get("PartitionKeys", [])]
    if not keys or open_format(facts):
        return False
    pages = client("glue").get_paginator("get_partitions").paginate(
        DatabaseName=facts["DatabaseName"], TableName=facts["Name"], ExcludeColumnSchema=True,
        Expression=" OR ".join(f"`{key}` IS NULL" for key in keys))
    return any(page["Partitions"] for page in pages)


def _options(facts: Dict[str, Any], storage: Dict[str, Any], full: str) -> Options:
    serde = storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "").rpartition(".")[2]
    parameters = {**facts.get("Parameters", {}), **storage.get("Parameters", {}), **serde.get("Parameters", {})}
    kind = open_format(facts)
    if kind:
        raise NotBuilt(f"files of {full}, a table of {kind}", "use create_dynamic_frame.from_catalog, or spark.table")
    if library in ("LazySimpleSerDe", "OpenCSVSerde"):
        return Options(SERVED) if _is_beyond(parameters, storage) else _csv_options(parameters, library)
    formats = {"ParquetHiveSerDe": "parquet", "JsonSerDe": "json", "OpenXJsonSerDe": "json", "AvroSerDe": "avro",
               "OrcSerde": "orc"}
    if library not in formats:
        return Options(SERVED)
    return Options(formats[library], json_path=parameters.get("jsonPath", "") if formats[library] == "json" else "")


def _is_beyond(parameters: Dict[str, str], storage: Dict[str, Any]) -> bool:
    """Delimited text that this library does not read: nested columns, several lines above the rows, a footer."""
    nested = ("array<", "map<", "struct<", "uniontype<")
    return (any(column["Type"].lower().startswith(nested) for column in storage.get("Columns", []))
            or int(parameters.get("skip.header.line.count", "0") or 0) > 1
            or int(parameters.get("skip.footer.line.count", "0") or 0) > 0)


def _csv_options(parameters: Dict[str, str], library: str) -> Options:
    skipped = int(parameters.get("skip.header.line.count", "0") or 0)
    simple = library == "LazySimpleSerDe"
    separator = _lazy_separator(parameters) if simple else parameters.get("separatorChar") or ","
    escape = parameters.get("escape.delim" if simple else "escapeChar") or None
    quote: Optional[str] = parameters.get("quoteChar") or '"'
    if simple and parameters.get("classification") != "csv":
        quote = None  # LazySimpleSerDe knows no quotes; what a crawler calls csv is read as Glue reads CSV
    return Options("csv", header=skipped == 1, separator=separator, quote=quote, escape=None if escape == quote else escape,
                   escapes_quotes=not simple, encoding=parameters.get("serialization.encoding", "utf-8"))


def _lazy_separator(parameters: Dict[str, str]) -> str:
    """The separator of LazySimpleSerDe, spelled as the server reads it: digits are the character of that number."""
    of_crawler = parameters.get("delimiter") if parameters.get("classification") == "csv" else None
    text = parameters.get("field.delim") or of_crawler or parameters.get("serialization.format") or "\x01"
    named = {"\\t": 9, "\\n": 10, "\\r": 13, "\\\\": 92}
    try:
        if text in named:
            code = named[text]
        elif text.isascii() and text.isdigit():
            code = int(text)
        elif len(text) == 1:
            code = ord(text)
        else:
            code = int(text[2:], 16) if text.startswith("\\u") else int(text[1:], 8) if text.startswith("\\") else -1
    except ValueError:
        code = -1
    if not 0 <= code < 128:
        raise DataError(f"the separator {text!r} of the table is no single character: correct field.delim")
    return chr(code)


def from_catalog(database: str, name: str, predicate: str, additional: Dict[str, Any], catalog_id: Optional[str],
                 keep: Any, reading: _jdbc.Reading) -> Read:
    """The records of a table. `keep` says which of its objects are read, `reading` what is known of its rows."""
    facts = facts_of(database, name, catalog_id)
    if _jdbc.is_database(facts):
        return _jdbc.from_catalog(facts, predicate, additional, reading)
    check_options(additional, f"{database}.{name}", _ACTING)
    kind = open_format(facts)
    if kind:
        return _whole(facts, kind, predicate, reading)
    found = table(database, name, catalog_id, facts)
    parts = _parts(found, predicate, additional, catalog_id)
    chosen = keep(excluded([item for part in parts for item in part.objects], additional))
    if found.options.format == SERVED:
        return served(facts, {item.url: item.etag for item in chosen})
    kept = {item.url for item in chosen}
    parts = [replace(part, objects=tuple(item for item in part.objects if item.url in kept)) for part in parts]
    got = read(parts, found.options, found.keys, found.columns)
    if found.options.format == "json":
        got = _with_choices(got, found.columns)
    if found.options.format != "csv":
        return _named(got, found)
    kind = g.StructType(found.columns.fields + found.keys.fields)
    # The server takes a table's columns by their places, the frame by the names in a file's first line.
    by_place = got.in_order and not catalog_id
    straight = _straight.of_table(facts, kind, chosen) if by_place else None
    return replace(_typed_csv(got, found, parts), straight=straight)


def served(facts: Dict[str, Any], objects: Optional[Dict[str, str]]) -> Read:
    """The rows of a table, or of some of its objects, as the server reads them."""
    from awsglue import _staging

    asked: Dict[str, Any] = {"Database": facts["DatabaseName"], "Table": facts["Name"]}
    if objects is not None:
        asked["Objects"] = objects
    df, kind, _ = _staging.served("table/read", asked, "table", "tables of such formats are read by the server")
    return Read(df, kind)


def _whole(facts: Dict[str, Any], kind: str, predicate: str, reading: _jdbc.Reading) -> Read:
    """A table whose rows are what its log says: the version that it has now."""
    full = f"{facts['DatabaseName']}.{facts['Name']}"
    if predicate:
        raise NotBuilt(f"push_down_predicate for {full}, a table of {kind}", "filter the frame")
    if reading.bookmarks is not None:
        GlueLogger().warn(f"{full} is a table of {kind}, which bookmarks do not know: every run reads all of it")
    return served(facts, None)


def _parts(found: Table, predicate: str, additional: Dict[str, Any], catalog_id: Optional[str]) -> List[Part]:
    if not found.keys.fields:
        if predicate:
            raise DataError(f"push_down_predicate: {found.name} has no partition keys")
        return [Part(tuple(under(found.location)))]
    partitions = _partitions(found, str(additional.get("catalogPartitionPredicate") or ""), catalog_id)
    if predicate:
        partitions = _satisfying(found, partitions, predicate)
    return [Part(tuple(under(location)), values) for location, values in partitions]


def partitions_of(found: Table, predicate: str, catalog_id: Optional[str]) -> List[Tuple[str, Tuple[Any, ...]]]:
    """Locations and values of the partitions that satisfy a predicate of Spark SQL."""
    partitions = _partitions(found, "", catalog_id)
    return _satisfying(found, partitions, predicate) if predicate else partitions


def _partitions(found: Table, expression: str, catalog_id: Optional[str]) -> List[Tuple[str, Tuple[Any, ...]]]:
    database, _, name = found.name.partition(".")
    asked: Dict[str, Any] = {"DatabaseName": database, "TableName": name, **place(catalog_id)}
    if expression:
        asked["Expression"] = expression
    pages = client("glue").get_paginator("get_partitions").paginate(**asked)
    return [(entry["StorageDescriptor"]["Location"], _values(found, entry["Values"]))
            for page in pages for entry in page["Partitions"]]


def _values(found: Table, texts: List[str]) -> Tuple[Any, ...]:
    """The values of a partition in the types of the keys."""
    from awsglue._casts import cast_value

    values = []
    for field, text in zip(found.keys.fields, texts):
        value = None if text == NULL_KEY else cast_value(text, field.dataType)
        if value is None and text != NULL_KEY:
            raise DataError(f"{found.name}: the partition value {text!r} is no {field.dataType.typeName()}")
        values.append(value)
    return tuple(values)


def _satisfying(found: Table, partitions: List[Any], predicate: str) -> List[Any]:
    """Those partitions whose values satisfy a predicate, as the engine's own SQL understands it."""
    from pyspark.errors import PySparkException

    kind = g.StructType(found.keys.fields + [g.Field("__place", g.IntegerType())])
    rows = [(*values, position) for position, (_, values) in enumerate(partitions)]
    try:
        # Also without partitions: a predicate that cannot be is wrong before the first one comes.
        df = _engine.session().createDataFrame(rows, to_spark(kind)).where(predicate)
        kept = {row["__place"] for row in df.select("__place").collect()}
    except PySparkException as error:
        raise DataError(_unresolved(found, predicate, str(error))) from error
    return [partition for position, partition in enumerate(partitions) if position in kept]


def _unresolved(found: Table, predicate: str, said: str) -> str:
    """Why a predicate chooses no partitions: it names columns that are no keys, or what the engine says of it."""
    keys = [field.name for field in found.keys.fields]
    used = {name.lower() for name in names_in(predicate)}
    others = [field.name for field in found.columns.fields if field.name.lower() in used.difference(map(str.lower, keys))]
    what = f"{' and '.join(others)} {'are' if len(others) > 1 else 'is'} no partition key" if others else said.strip().partition("\n")[0]
    return (f"push_down_predicate {predicate!r} cannot be resolved against the partition keys of {found.name} ({', '.join(keys)}): "
            f"{what}; filter the frame by other columns")


def _typed_csv(got: Read, found: Table, parts: List[Part]) -> Read:
    """Texts as the table's columns; those that have another type are open."""
    from pyspark.sql import functions as F

    if not any(part.objects for part in parts):
        return got
    columns: List[Any] = []
    kind = g.StructType()
    is_open = set()
    for field in found.columns.fields:
        text = col(field.name) if got.kind.hasField(field.name) else null_of(g.StringType())
        if found.null_text is not None:
            text = F.when(text != F.lit(found.null_text), text)
        if isinstance(field.dataType, g.StringType):
            columns.append(text.alias(field.name))
            kind.add(field)
        else:
            column, choice = opened(text, field.dataType)
            columns.append(column.alias(field.name))
            kind.add(g.Field(field.name, choice))
            is_open.add(field.name)
    columns += [col(field.name) for field in found.keys.fields]
    return Read(got.df.select(*columns), g.StructType(kind.fields + found.keys.fields), frozenset(is_open))


def _with_choices(got: Read, columns: g.StructType) -> Read:
    """Columns that the catalog calls choices (`uniontype<…>`) with all of their types, whichever the records have."""
    declared = {field.name.lower(): field.dataType for field in columns.fields if has_choice(field.dataType)}
    if not declared:
        return got
    kind = g.StructType([
        g.Field(field.name, widen(declared[field.name.lower()], field.dataType)) if field.name.lower() in declared else field
        for field in got.kind.fields])
    return replace(got, df=lift(got.df, got.kind, kind), kind=kind) if kind != got.kind else got


def _named(got: Read, found: Table) -> Read:
    """Columns by the catalog's spelling; those that no file has are null."""
    spelled = {field.name.lower(): field.name for field in found.columns.fields}
    columns: List[Any] = []
    kind = g.StructType()
    for field in got.kind.fields:
        name = field.name if found.keys.hasField(field.name) else spelled.get(field.name.lower(), field.name)
        if kind.hasField(name):
            raise DataError(f"{found.name}: files have two columns that are {name!r} when case is ignored")
        columns.append(col(field.name).alias(name))
        kind.add(g.Field(name, field.dataType))
    for field in found.columns.fields:
        if not kind.hasField(field.name):
            columns.append(null_of(field.dataType).alias(field.name))
            kind.add(field)
    return Read(got.df.select(*columns), kind)
