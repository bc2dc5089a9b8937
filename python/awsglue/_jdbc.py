"""Tables of databases as frames: the server reads them, as it does for its own jobs, and hands them over as Parquet.

Each call is one reading, on one snapshot, when it is made. With bookmarks, `jobBookmarkKeys`, or else the primary key, say
how rows follow each other; the bookmark holds the key of the last one, under an address that names the database and the
table.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple

from awsglue import _staging
from awsglue import gluetypes as g
from awsglue._aws import Object
from awsglue._columns import col
from awsglue._listing import truthy
from awsglue._logger import GlueLogger
from awsglue._read import Read
from awsglue.errors import BookmarkError, DataError, NotBuilt

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
    asked = asked_of(kind, options, source)
    where = asked["Connection"] if "Connection" in asked else str(options["url"]).partition("?")[0]
    return _read(asked, where, options, reading)


def asked_of(kind: str, options: Dict[str, Any], call: str) -> Dict[str, Any]:
    """What the server is asked of the table that options name: of a connection or of an address."""
    asked: Dict[str, Any] = {"Engine": ENGINES[kind], "Table": table_name(options, call)}
    if not truthy(options.get("useConnectionProperties", False)) and options.get("url"):
        return {**asked, "Properties": {"JDBC_CONNECTION_URL": str(options["url"]), **_login(options)}}
    name = options.get("connectionName")
    if not name:
        raise DataError(f'{call}: connection_options needs "url", or "connectionName" with "useConnectionProperties"')
    return {**asked, "Connection": str(name)}


def table_name(options: Dict[str, Any], call: str) -> str:
    """The table that options name."""
    table = options.get("dbtable")
    if not isinstance(table, str) or not table.strip():
        raise DataError(f'{call}: connection_options needs "dbtable"')
    if "(" in table or table.strip().lower().startswith("select "):
        raise NotBuilt(f"a query as dbtable ({table[:60]})", "name a table or a view")
    return table.strip()


def _login(options: Dict[str, Any]) -> Dict[str, str]:
    """User and password of options, as properties of a connection."""
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
    if mark is not None:
        mark.ask(asked)
    df, found, answer = _staging.served("database/read", asked, "database", "tables of databases are read by the server")
    if mark is not None:
        mark.keep(df, found, int(answer["Rows"]), answer["Key"])
    return Read(df, found)


class _Mark:
    """The place of a source in the job's bookmark."""

    def __init__(self, table: str, address: str, keys: List[str], descending: bool, reading: Reading) -> None:
        self.table = table
        self.address = address
        # Without any, the primary key counts.
        self.keys = keys
        self.descending = descending
        self.reading = reading
        known = reading.bookmarks.state.get(reading.context, {}).get(address)
        # The key of the last row that runs which were committed have read.
        self.known: Optional[Dict[str, str]] = None if known is None else json.loads(known)

    @classmethod
    def of(cls, where: str, table: str, options: Dict[str, Any], reading: Reading) -> Optional["_Mark"]:
        """None without bookmarks."""
        if reading.bookmarks is None:
            return None
        given = options.get("jobBookmarkKeys") or []
        keys = [key.strip() for key in given.split(",")] if isinstance(given, str) else [str(key) for key in given]
        order = str(options.get("jobBookmarkKeysSortOrder") or "asc").lower()
        if order not in ("asc", "desc"):
            raise DataError(f"jobBookmarkKeysSortOrder is {order!r}; it is asc or desc")
        if reading.bookmarks.again:
            raise NotBuilt(f"reading {table} again for a range of runs (--job-bookmark-from, --job-bookmark-to)")
        address = f"database:{where}/{table}?{order}={','.join(keys)}"
        return cls(table, address, keys, order == "desc", reading)

    def ask(self, asked: Dict[str, Any]) -> None:
        """Adds to what the server is asked."""
        asked["FindKey"] = not self.keys
        if self.known is not None:
            asked["After"] = {"Keys": [{"Name": name, "Value": value} for name, value in self.known.items()],
                              "Descending": self.descending}

    def keep(self, df: Any, kind: g.StructType, rows: int, primary: List[str]) -> None:
        """Notes the key of the last of the rows that were read."""
        keys = self.keys or self._primary(kind, primary)
        if rows == 0:
            return
        names = [self._spelled(key, kind) for key in keys]
        last = dict(zip(names, _last(df, names, self.descending)))
        item = Object("", self.address, rows, json.dumps(last), datetime.now(timezone.utc))
        self.reading.bookmarks.mark(self.reading.context, [item])

    def _primary(self, kind: g.StructType, found: List[str]) -> List[str]:
        """The primary key, if rows follow each other by it as far as one can see."""
        name = self._spelled(found[0], kind) if len(found) == 1 else None
        if name is None or not isinstance(kind.getField(name).dataType, _ORDERED):
            what = f"the primary key {', '.join(found)}" if found else "no primary key"
            raise BookmarkError(
                f"bookmarks are on, and {self.table} has {what}: which of its rows are new cannot be told. Name jobBookmarkKeys for "
                f"the source {self.reading.context!r}, or leave out its transformation_ctx to read all of it every time"
            )
        if self.known is not None and list(self.known) != [name]:
            raise BookmarkError(f"the primary key of {self.table} was {', '.join(self.known)} when it was read last, and is {name} "
                                "now: reset the job's bookmark")
        return [name]

    @staticmethod
    def _spelled(key: str, kind: g.StructType) -> str:
        names = {field.name.lower(): field.name for field in kind.fields}
        if key.lower() not in names:
            raise DataError(f"the bookmark's key: there is no column {key!r}; there are {', '.join(names.values())}")
        return names[key.lower()]


# Types of keys that grow with time, where nobody says which ones do.
_ORDERED = (g.ByteType, g.ShortType, g.IntegerType, g.LongType, g.DecimalType, g.DateType, g.TimestampType)


def _last(df: Any, keys: List[str], descending: bool) -> List[str]:
    """The greatest key (the smallest, of a descending one), as text."""
    order = [col(key).asc() if descending else col(key).desc() for key in keys]
    known = df.where(_all_known(keys)).orderBy(*order).limit(1)
    rows: List[Tuple[Any, ...]] = known.select(*[col(key).cast("string") for key in keys]).collect()
    if not rows:
        raise DataError(f"the bookmark's key: {', '.join(keys)} is null in every row")
    return [str(value) for value in rows[0]]


def _all_known(keys: List[str]) -> Any:
    condition = col(keys[0]).isNotNull()
    for key in keys[1:]:
        condition = condition & col(key).isNotNull()
    return condition
