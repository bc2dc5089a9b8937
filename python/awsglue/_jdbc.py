"""Tables of databases as frames: the server reads them, as it does for its own jobs, and hands them over as Parquet.

Each call is one reading, on one snapshot, when it is made. With bookmarks, `jobBookmarkKeys` say how rows follow each
other; the bookmark holds the key of the last one, under an address that names the database and the table.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple

from awsglue import _server, _staging
from awsglue import gluetypes as g
from awsglue._aws import Object
from awsglue._columns import col
from awsglue._listing import truthy
from awsglue._logger import GlueLogger
from awsglue._read import Read
from awsglue._types import parse as parse_type
from awsglue.errors import BookmarkError, DataError, GlueError, NotBuilt

# Types of connections that are read, and what the server calls them.
ENGINES = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_PLACE = {"url", "user", "username", "password", "dbtable", "useConnectionProperties", "connectionName"}
_HOW = {"hashfield", "hashpartitions", "jobBookmarkKeys", "jobBookmarkKeysSortOrder"}
_NOT_BUILT = {
    "hashexpression": "name a column in hashfield", "sampleQuery": "", "sampleSize": "",
    "enablePartitioningForSampleQuery": "", "secretId": "give user and password, or a connection", "query": "name a table in dbtable",
}
# Drivers of the JVM, and what only writing looks at.
_NO_EFFECT = {"customJdbcDriverS3Path", "customJdbcDriverClassName", "redshiftTmpDir", "bulkSize", "catalogPartitionPredicate",
              "preactions", "postactions"}


class Reading:
    """What a source may know of earlier runs: the bookmarks of the job, if they are on, and the source's name in them."""

    def __init__(self, bookmarks: Optional[Any], context: str) -> None:
        self.bookmarks = bookmarks if context else None
        self.context = context


def from_options(kind: str, options: Dict[str, Any], reading: Reading) -> Read:
    """The rows of `dbtable`, of a connection or of an address."""
    source = "create_dynamic_frame.from_options"
    _check(options, source, _PLACE)
    table = options.get("dbtable")
    if not isinstance(table, str) or not table.strip():
        raise DataError(f'{source}: connection_options needs "dbtable"')
    if "(" in table or table.strip().lower().startswith("select "):
        raise NotBuilt(f"a query as dbtable ({table[:60]})", "name a table or a view")
    asked: Dict[str, Any] = {"Engine": ENGINES[kind], "Table": table.strip()}
    if truthy(options.get("useConnectionProperties", False)) or not options.get("url"):
        name = options.get("connectionName")
        if not name:
            raise DataError(f'{source}: connection_options needs "url", or "connectionName" with "useConnectionProperties"')
        asked["Connection"] = where = str(name)
    else:
        where = str(options["url"])
        asked["Properties"] = {"JDBC_CONNECTION_URL": where, **_login(options)}
        where = where.partition("?")[0]
    return _read(asked, where, options, reading)


def _login(options: Dict[str, Any]) -> Dict[str, str]:
    user = options.get("user") or options.get("username")
    given = {"USERNAME": user, "PASSWORD": options.get("password")}
    return {name: str(value) for name, value in given.items() if value is not None}


def is_database(facts: Dict[str, Any]) -> bool:
    """Says whether a table of the catalog is one of a database that the server reads."""
    return facts.get("Parameters", {}).get("classification", "").lower() in ENGINES


def from_catalog(facts: Dict[str, Any], predicate: str, additional: Dict[str, Any], reading: Reading) -> Read:
    """The rows of the table that one of the catalog stands for."""
    full = f"{facts['DatabaseName']}.{facts['Name']}"
    _check(additional, full, set())
    if predicate:
        raise DataError(f"push_down_predicate: {full} has no partition keys")
    parameters = facts.get("Parameters", {})
    connection = parameters.get("connectionName")
    if not connection:
        raise DataError(f"the table {full} has no parameter connectionName; crawl it again")
    storage = facts.get("StorageDescriptor", {})
    options = {**{name: parameters[name] for name in (*_HOW, "hashexpression") if name in parameters}, **additional}
    asked = {"Engine": ENGINES[parameters["classification"].lower()], "Connection": connection,
             "Table": storage.get("Location") or "",
             "Columns": [{"Name": c["Name"], "Type": c["Type"]} for c in storage.get("Columns", [])]}
    return _read(asked, connection, options, reading)


def _check(options: Dict[str, Any], source: str, acting: Any) -> None:
    for name, value in options.items():
        if name in _NOT_BUILT and value not in (None, "", False, "false"):
            raise NotBuilt(f"the option {name!r} of {source}", _NOT_BUILT[name])
        if name in _NO_EFFECT or name not in set(acting) | _HOW | set(_NOT_BUILT):
            GlueLogger().warn(f"{source}: the option {name!r} has no effect here")


def _read(asked: Dict[str, Any], where: str, options: Dict[str, Any], reading: Reading) -> Read:
    if options.get("hashexpression"):
        raise NotBuilt("the option 'hashexpression'", _NOT_BUILT["hashexpression"])
    if options.get("hashfield"):
        asked["HashField"] = str(options["hashfield"])
        if options.get("hashpartitions"):
            asked["HashPartitions"] = int(options["hashpartitions"])
    mark = _Mark.of(where, asked["Table"], options, reading)
    if mark is not None and mark.after is not None:
        asked["After"] = mark.after
    asked["Folder"] = _staging.folder("database")
    try:
        answer = _server.call("database/read", asked, "tables of databases are read by the server")
    except _server.Refused as error:
        if error.code:
            raise DataError(error.message) from error
        raise GlueError(f"this server reads no databases for scripts (HTTP {error.status})") from error
    kind = g.StructType([g.Field(c["Name"], parse_type(c["Type"])) for c in answer["Columns"]])
    df, found = _staging.read_back(asked["Folder"], kind)
    if mark is not None and answer["Rows"]:
        mark.keep(df, int(answer["Rows"]))
    return Read(df, found)


class _Mark:
    """The place of a source in the job's bookmark."""

    def __init__(self, address: str, keys: List[str], descending: bool, reading: Reading) -> None:
        self.address = address
        self.keys = keys
        self.descending = descending
        self.reading = reading

    @classmethod
    def of(cls, where: str, table: str, options: Dict[str, Any], reading: Reading) -> Optional["_Mark"]:
        """None without bookmarks. A source that they are on for has to say how its rows follow each other."""
        if reading.bookmarks is None:
            return None
        given = options.get("jobBookmarkKeys") or []
        keys = [key.strip() for key in given.split(",")] if isinstance(given, str) else [str(key) for key in given]
        order = str(options.get("jobBookmarkKeysSortOrder") or "asc").lower()
        if not keys:
            raise BookmarkError(
                f"bookmarks are on, and the source {reading.context!r} has no jobBookmarkKeys: which of the rows of {table} are new "
                "cannot be told. Name its keys, or leave out the transformation_ctx to read all of it every time"
            )
        if order not in ("asc", "desc"):
            raise DataError(f"jobBookmarkKeysSortOrder is {order!r}; it is asc or desc")
        if reading.bookmarks.again:
            raise NotBuilt(f"reading {table} again for a range of runs (--job-bookmark-from, --job-bookmark-to)")
        address = f"database:{where}/{table}?{order}={','.join(keys)}"
        return cls(address, keys, order == "desc", reading)

    @property
    def after(self) -> Optional[Dict[str, Any]]:
        """Where the last run that was committed has ended."""
        known = self.reading.bookmarks.state.get(self.reading.context, {}).get(self.address)
        if known is None:
            return None
        values = json.loads(known)
        return {"Keys": [{"Name": key, "Value": value} for key, value in zip(self.keys, values)],
                "Descending": self.descending}

    def keep(self, df: Any, rows: int) -> None:
        """Notes the key of the last of the rows that were read."""
        values = _last(df, self._spelled(df), self.descending)
        item = Object("", self.address, rows, json.dumps(values), datetime.now(timezone.utc))
        self.reading.bookmarks.mark(self.reading.context, [item])

    def _spelled(self, df: Any) -> List[str]:
        names = {name.lower(): name for name in df.columns}
        missing = [key for key in self.keys if key.lower() not in names]
        if missing:
            raise DataError(f"jobBookmarkKeys: there is no column {missing[0]!r}; there are {', '.join(df.columns)}")
        return [names[key.lower()] for key in self.keys]


def _last(df: Any, keys: List[str], descending: bool) -> List[str]:
    """The greatest key (the smallest, of a descending one), as text."""
    order = [col(key).asc() if descending else col(key).desc() for key in keys]
    known = df.where(_all_known(keys)).orderBy(*order).limit(1)
    rows: List[Tuple[Any, ...]] = known.select(*[col(key).cast("string") for key in keys]).collect()
    if not rows:
        raise DataError(f"jobBookmarkKeys: {', '.join(keys)} is null in every row")
    return [str(value) for value in rows[0]]


def _all_known(keys: List[str]) -> Any:
    condition = col(keys[0]).isNotNull()
    for key in keys[1:]:
        condition = condition & col(key).isNotNull()
    return condition
