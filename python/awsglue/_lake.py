"""Tables of open formats (Iceberg, Delta) that Glue's own calls write into: the server commits, as visual jobs' targets do.

A frame is staged as Parquet, and its rows are committed by one transaction: they are there when the call returns, or not at all and
the call fails. What the options mean, and which are refused, is what the nodes say that write such tables.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional

from awsglue import _server, _staging
from awsglue._aws import is_s3, split
from awsglue._listing import truthy
from awsglue._logger import GlueLogger
from awsglue.errors import DataError, NotBuilt

_WHY = "tables of open formats are written by the server"
FORMATS = ("delta", "iceberg")
# Options of the calls that are no options of the table's writer.
_OWN = {"path", "partitionKeys", "compression", "enableUpdateCatalog", "updateBehavior"}


def is_open(format: Optional[str]) -> bool:
    """Whether a format is one of tables, not of files."""
    return (format or "").lower() in FORMATS


def by_path(frame: Any, format: str, options: Dict[str, Any], format_options: Dict[str, Any],
            catalog: Optional[Dict[str, Any]]) -> None:
    """Writes a frame into the table at `options["path"]`, which is made when it is missing; and its table of the catalog."""
    path = options.get("path")
    if not isinstance(path, str) or not is_s3(path):
        raise DataError(f'a table of {format} needs the option "path", an address in S3; it is {path!r}')
    unknown = sorted(set(format_options) - {"compression"})
    if unknown:
        raise NotBuilt(f"the format option {unknown[0]!r} when writing {format}")
    update = truthy(options.get("enableUpdateCatalog", False))
    if update and not catalog:
        raise DataError("enableUpdateCatalog needs the table's name: setCatalogInfo(catalogDatabase, catalogTableName)")
    if format == "iceberg" and not update:
        raise DataError("an Iceberg table is one of the catalog: use getSink with enableUpdateCatalog=True and setCatalogInfo, "
                        "write_data_frame.from_catalog, or df.writeTo")
    members: Dict[str, Any] = {**_members(options), "Path": "s3://{}/{}".format(*split(path)), "Format": format}
    codec = str(format_options.get("compression") or options.get("compression") or "").lower()
    if codec:
        members["Compression"] = {"none": "uncompressed"}.get(codec, codec)
    if update and catalog:
        members["SchemaChangePolicy"] = {"EnableUpdateCatalog": True, "Database": catalog["database"], "Table": catalog["table"],
                                         "UpdateBehavior": str(options.get("updateBehavior") or "UPDATE_IN_DATABASE")}
    _write(frame, {"delta": "S3DeltaDirectTarget", "iceberg": "S3IcebergDirectTarget"}[format], members)


def by_table(frame: Any, facts: Dict[str, Any], kind: str, additional: Dict[str, Any]) -> None:
    """Writes a frame into a table of the catalog whose rows are what its log says."""
    full = f"{facts['DatabaseName']}.{facts['Name']}"
    nodes = {"DELTA": "S3DeltaCatalogTarget", "ICEBERG": "S3IcebergCatalogTarget"}
    if kind not in nodes:
        raise NotBuilt(f"writing into {full}, a table of {kind}", "tables of Iceberg and Delta are written")
    if additional.get("compression"):
        raise NotBuilt(f"the option 'compression' when writing into {full}", "its files are snappy Parquet")
    members = {**_members(additional), "Database": facts["DatabaseName"], "Table": facts["Name"]}
    if truthy(additional.get("enableUpdateCatalog", False)) or additional.get("updateBehavior"):
        members["SchemaChangePolicy"] = {"EnableUpdateCatalog": truthy(additional.get("enableUpdateCatalog", False))}
        if additional.get("updateBehavior"):
            members["SchemaChangePolicy"]["UpdateBehavior"] = str(additional["updateBehavior"])
    _write(frame, nodes[kind], members)


def _members(options: Dict[str, Any]) -> Dict[str, Any]:
    """What nodes call partition keys, and the options of the table's writer; the server refuses those that it does not know."""
    keys = options.get("partitionKeys") or []
    members: Dict[str, Any] = {"PartitionKeys": [[str(key)] for key in ([keys] if isinstance(keys, str) else keys)]}
    more = {str(name): str(value) for name, value in options.items() if name not in _OWN}
    if more:
        members["AdditionalOptions"] = more
    return members


def _write(frame: Any, node: str, members: Dict[str, Any]) -> None:
    from awsglue.utils import parse

    run = parse(sys.argv)
    staged, _ = _staging.staged(frame, "table")
    asked = {"Frame": staged, "Target": {node: members}, "JobName": run.get("JOB_NAME", ""), "RunId": run.get("JOB_RUN_ID", "")}
    try:
        answer = _server.ask("table/write", asked, _WHY)
    finally:
        _staging.remove(staged["Folder"])
    GlueLogger().info(f"{answer['Rows']} rows were committed to {members.get('Path') or members['Table']}")


def read(format: str, paths: List[str], options: Dict[str, Any], format_options: Dict[str, Any], bookmarks: Any) -> Any:
    """The rows of the Delta table at a path, in the version that it has now, as a data frame."""
    if format != "delta":
        raise NotBuilt(f"reading {format} by its path", "read its table of the catalog")
    if len(paths) != 1:
        raise DataError(f"a Delta table is named by one path, not {len(paths)}")
    unknown = sorted({*(set(options) - {"path", "paths", "recurse"}), *format_options})
    if unknown:
        raise NotBuilt(f"the option {unknown[0]!r} when reading delta", "spark.read.format('delta') has options")
    if bookmarks is not None:
        GlueLogger().warn(f"{paths[0]} is a Delta table, which bookmarks do not know: every run reads all of it")
    from awsglue import _engine
    from awsglue._aws import engine_url

    return _engine.session().read.format("delta").load(engine_url(paths[0]))
