"""Statements that Sail spells otherwise than Spark, or does not know.

`spelled` writes them as Sail knows them; `refuse` says of those that neither it nor this library carries out what to do instead,
before anything is done. `tenon script check` asks the same table.
"""

from __future__ import annotations

import re
from typing import Any, Optional, Tuple

from awsglue.errors import DataError, NotBuilt

_BEGIN = r"^(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_USE = re.compile(_BEGIN + r"use\s+(?!(?:database|schema|namespace|catalog)\b)", re.I | re.S)
_DESCRIBE = re.compile(_BEGIN + r"desc(?:ribe)?\s+(?:table\s+)?((?:extended|formatted)\s+)?"
                       r"(?!(?:function|catalog|database|schema|namespace|query|select|with|from|values|extended|formatted)\b|\()",
                       re.I | re.S)
_SET = re.compile(_BEGIN + r"set\s+([\w.\-]+)\s*=\s*(.*?)\s*;?\s*$", re.I | re.S)
# Commands whose answer has no rows in Spark, and in Sail a count of a type that Arrow's Python has no Spark type for.
_WRITES = re.compile(_BEGIN + r"(?:insert\b|create\s+(?:or\s+replace\s+)?(?:external\s+)?table\b.*?\bas\b\s*\(?\s*(?:select|with|from|values)\b)",
                     re.I | re.S)
_CREATES = re.compile(_BEGIN + r"create\s+(?:or\s+replace\s+)?(?:external\s+)?table\s+(?:if\s+not\s+exists\s+)?"
                      r"((?:`[^`]*`|\w+)(?:\s*\.\s*(?:`[^`]*`|\w+))*)(.*)$", re.I | re.S)
_CATALOG = "ask the Data Catalog: boto3.client('glue')"
_REFUSED = [
    (r"msck\b", "MSCK REPAIR TABLE", "crawl the table, run the statement in Athena, or add partitions with "
     "boto3.client('glue').batch_create_partition"),
    (r"alter\s+table\b.*\b(?:recover\s+partitions|(?:add|drop)\b.*\bpartition)\b", "ALTER TABLE … PARTITION",
     "run the statement in Athena, or use boto3.client('glue').batch_create_partition and batch_delete_partition"),
    (r"show\s+partitions\b", "SHOW PARTITIONS", f"{_CATALOG}.get_partitions"),
    (r"show\s+create\s+table\b", "SHOW CREATE TABLE", f"{_CATALOG}.get_table"),
    (r"show\s+tblproperties\b", "SHOW TBLPROPERTIES", f"{_CATALOG}.get_table"),
    (r"analyze\s+table\b", "ANALYZE TABLE", "boto3.client('glue').start_column_statistics_task_run makes statistics"),
    (r"truncate\s+table\b", "TRUNCATE TABLE", "glueContext.purge_table removes a table's files"),
]
_REFUSED_PATTERNS = [(re.compile(_BEGIN + pattern, re.I | re.S), name, way_out) for pattern, name, way_out in _REFUSED]


def refused(statement: str) -> Optional[Tuple[str, str]]:
    """What a statement is that nobody carries out, and what to do instead; None for others."""
    for pattern, name, way_out in _REFUSED_PATTERNS:
        if pattern.match(statement):
            return name, way_out
    return None


def spelled(statement: str) -> str:
    """A statement as Sail spells it."""
    if _USE.match(statement):
        return _USE.sub("USE DATABASE ", statement, count=1)
    return _DESCRIBE.sub(lambda found: f"DESCRIBE TABLE {'EXTENDED ' if found.group(1) else ''}", statement, count=1)


def setting(statement: str) -> Optional[Tuple[str, str]]:
    """Name and value of `SET name=value`."""
    found = _SET.match(statement)
    return (found.group(1), found.group(2)) if found else None


def writes_rows(statement: str) -> bool:
    """Whether a statement adds rows, whose answer has no rows."""
    return _WRITES.match(statement) is not None


def check_place(session: Any, table: str) -> None:
    """Refuses a table without a place of its own in a database that has none either: Sail would put its files into a folder of this
    machine, where nobody else finds them."""
    parts = [quoted or plain for quoted, plain in re.findall(r"`([^`]*)`|([^.`\s]+)", table)]
    if len(parts) > 2:
        return
    database = parts[0] if len(parts) == 2 else session.catalog.currentDatabase()
    if session.catalog.databaseExists(database) and not session.catalog.getDatabase(database).locationUri:
        raise no_place(table, database)


def no_place(table: str, database: str) -> DataError:
    """Says that nobody knows where a new table is to lie."""
    return DataError(f"the table {table} has no place, because the database {database!r} has no location: say where it is to lie "
                     "(LOCATION 's3://…' in a statement, option(\"path\", \"s3://…\") of a writer, tableProperty(\"location\", \"s3://…\") "
                     "of writeTo), or give the database a LocationUri")


def run(session: Any, sql: Any, statement: str, *arguments: Any, **options: Any) -> Any:
    """The answer to a statement of a session on Sail; `sql` is the session's own."""
    found = refused(statement)
    if found is not None:
        raise NotBuilt(f"the statement {found[0]}", found[1])
    pair = setting(statement)
    if pair is not None:
        session.conf.set(*pair)
        return session.createDataFrame([pair], "key string, value string")
    made = _CREATES.match(statement)
    if made is not None and not re.search(r"\b(?:location|path)\b", made.group(2), re.I):
        check_place(session, made.group(1))
    df = sql(spelled(statement), *arguments, **options)
    return session.range(0).select() if writes_rows(statement) else df
