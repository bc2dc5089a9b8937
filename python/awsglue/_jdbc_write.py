"""Frames as rows of tables of databases: staged as Parquet files, and added by the server in one transaction.

Rows are added, as on AWS; statements before and after them (`preactions`, `postactions`) run in the same transaction. So
a write is there as a whole or not at all, and a script that fails later leaves it.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from awsglue import _server, _staging
from awsglue._jdbc import ENGINES, asked_of, table_name
from awsglue._logger import GlueLogger
from awsglue.errors import DataError, GlueError, NotBuilt

_PLACE = {"url", "user", "username", "password", "dbtable", "database", "useConnectionProperties", "connectionName"}
_ACTIONS = {"preactions": "Before", "postactions": "After"}
# Drivers of the JVM, and how their rows are sent.
_NO_EFFECT = {"customJdbcDriverS3Path", "customJdbcDriverClassName", "redshiftTmpDir", "bulkSize", "batchsize",
              "isolationLevel", "numPartitions"}


def by_options(kind: str, frame: Any, options: Dict[str, Any], call: str) -> None:
    """Adds a frame's rows to `dbtable`, of a connection or of an address."""
    _check(options, call, _PLACE)
    _write(frame, asked_of(kind, options, call), options)


def by_connection(frame: Any, connection: str, options: Dict[str, Any], catalog_id: Optional[str]) -> None:
    """Adds a frame's rows to `dbtable` of the database behind a connection, or of another one there (`database`)."""
    from awsglue._aws import client
    from awsglue._catalog import place

    call = "write_dynamic_frame.from_jdbc_conf"
    if not connection:
        raise DataError(f"{call} needs catalog_connection, the name of a connection")
    _check(options, call, {"dbtable", "database"})
    if catalog_id:
        client("glue").get_connection(Name=connection, **place(catalog_id))
    _write(frame, {"Connection": connection, "Table": table_name(options, call)}, options)


def by_table(facts: Dict[str, Any], frame: Any, additional: Dict[str, Any]) -> None:
    """Adds a frame's rows to the table that one of the catalog stands for."""
    full = f"{facts['DatabaseName']}.{facts['Name']}"
    _check(additional, full, set())
    parameters = facts.get("Parameters", {})
    connection = parameters.get("connectionName")
    if not connection:
        raise DataError(f"the table {full} has no parameter connectionName; crawl it again")
    location = facts.get("StorageDescriptor", {}).get("Location") or ""
    engine = ENGINES[parameters["classification"].lower()]
    _write(frame, {"Engine": engine, "Connection": connection, "Table": location}, additional)


def _check(options: Dict[str, Any], call: str, acting: Any) -> None:
    for name in options:
        if name in _NO_EFFECT:
            GlueLogger().warn(f"{call}: the option {name!r} has no effect here")
        elif name == "secretId":
            raise NotBuilt(f"the option 'secretId' of {call}", "give user and password, or a connection")
        elif name not in set(acting) | set(_ACTIONS):
            raise NotBuilt(f"the option {name!r} of {call} when writing to a database")


def _write(frame: Any, asked: Dict[str, Any], options: Dict[str, Any]) -> None:
    for name, meant in _ACTIONS.items():
        if options.get(name):
            asked[meant] = str(options[name])
    if options.get("database"):
        asked["Database"] = str(options["database"])
    asked["Frame"], _ = _staging.staged(frame, "database")
    try:
        answer = _server.call("database/write", asked, "the server writes to databases")
    except _server.Refused as error:
        if error.code:
            raise DataError(error.message) from error
        raise GlueError(f"this server writes no databases for scripts (HTTP {error.status})") from error
    finally:
        _staging.remove(asked["Frame"]["Folder"])
    made = ", which was missing and is made" if answer["Made"] else ""
    GlueLogger().info(f"{answer['Rows']} rows were given to {asked['Table']}{made}")
