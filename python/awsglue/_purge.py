"""Objects deleted by age: `purge_s3_path` and `purge_table`.

What is deleted is gone. A failure in between leaves the rest; running it again goes on. The manifest (`Success.csv`,
`Failed.csv`) is written at the end.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional

from awsglue import _aws
from awsglue._aws import Object
from awsglue._catalog import partitions_of, place
from awsglue._catalog import table as look_up
from awsglue._logger import GlueLogger
from awsglue.errors import DataError

_HOURS = 168
_KNOWN = {"retentionPeriod", "partitionPredicate", "excludeStorageClasses", "manifestFilePath"}


def path(s3_path: str, options: Dict[str, Any], context: str) -> None:
    """Purges everything under a path, folders included."""
    _check(options, {"retentionPeriod", "excludeStorageClasses", "manifestFilePath", "partitionPredicate"})
    if options.get("partitionPredicate"):
        raise DataError("purge_s3_path: partitionPredicate is for tables: use purge_table")
    _purge(_doomed(_objects(s3_path), options), options, context)


def table(database: str, name: str, options: Dict[str, Any], context: str, catalog_id: Optional[str]) -> None:
    """Purges a table; partitions whose objects are all gone leave the catalog."""
    _check(options, _KNOWN)
    found = look_up(database, name, catalog_id)
    predicate = str(options.get("partitionPredicate") or "")
    if not found.keys.fields:
        if predicate:
            raise DataError(f"purge_table: {found.name} has no partition keys")
        _purge(_doomed(_objects(found.location), options), options, context)
        return
    doomed: List[Object] = []
    empty: List[Dict[str, List[str]]] = []
    for location, values in partitions_of(found, predicate, catalog_id):
        here = _objects(location)
        going = _doomed(here, options)
        doomed += going
        if len(going) == len(here):
            empty.append({"Values": ["__HIVE_DEFAULT_PARTITION__" if v is None else _text(v) for v in values]})
    if _purge(doomed, options, context):
        raise DataError(f"purge_table: some objects of {found.name} could not be deleted; its partitions stay in the catalog")
    glue = _aws.client("glue")
    for start in range(0, len(empty), 25):
        reply = glue.batch_delete_partition(DatabaseName=database, TableName=name, **place(catalog_id),
                                            PartitionsToDelete=empty[start : start + 25])
        if reply.get("Errors"):
            raise DataError(f"purge_table: partitions of {found.name} could not be deleted: {reply['Errors'][0]}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _objects(location: str) -> List[Object]:
    """An object, and all objects of the folder of this name; never those of `folder2` for `folder`."""
    bucket, key = _aws.split(location)
    folder = key.rstrip("/") + "/" if key else ""
    return [item for item in _aws.list_prefix(bucket, key) if item.key == key or item.key.startswith(folder)]


def _check(options: Dict[str, Any], known: "set[str]") -> None:
    unknown = sorted(set(options) - known)
    if unknown:
        raise DataError(f"purge: the option {unknown[0]!r} is not known; there are {', '.join(sorted(known))}")


def _doomed(items: List[Object], options: Dict[str, Any]) -> List[Object]:
    """Those that are older than the retention period, and of no excluded storage class."""
    hours = float(options.get("retentionPeriod", _HOURS))
    limit = datetime.now(timezone.utc) - timedelta(hours=hours)
    spared = set(options.get("excludeStorageClasses") or ())
    return [item for item in items if item.modified <= limit and item.storage_class not in spared]


def _purge(items: List[Object], options: Dict[str, Any], context: str) -> bool:
    """Deletes, writes the manifest, and says whether anything failed."""
    failed = _aws.delete(items)
    names = {item.url for item, _ in failed}
    for item, reason in failed:
        GlueLogger().error(f"purge: {item.url} could not be deleted: {reason}")
    GlueLogger().info(f"purge: {len(items) - len(failed)} objects deleted, {len(failed)} failed")
    manifest = options.get("manifestFilePath")
    if manifest:
        _write_manifest(str(manifest), context, "Success.csv", [item for item in items if item.url not in names])
        _write_manifest(str(manifest), context, "Failed.csv", [item for item, _ in failed])
    return bool(failed)


def _write_manifest(base: str, context: str, name: str, items: List[Object]) -> None:
    bucket, key = _aws.split(base)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([item.bucket, item.key] for item in items)
    folder = "/".join(part for part in (key.strip("/"), context) if part)
    _aws.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{name}".lstrip("/"), Body=text.getvalue().encode())
