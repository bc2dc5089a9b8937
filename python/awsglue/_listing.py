"""Which objects a source reads."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List

from awsglue._aws import Object, is_s3, list_prefix, object_at, split
from awsglue._logger import GlueLogger
from awsglue.errors import DataError, NotBuilt

# Options that change how AWS works, not what is read.
_STORED = {
    "groupFiles", "groupSize", "maxBand", "maxFilesInBand", "useS3ListImplementation", "compressionType",
    "isFailFast", "partitionKeys", "enableUpdateCatalog", "redshiftTmpDir",
    # For databases.
    "hashfield", "hashexpression", "hashpartitions", "jobBookmarkKeys", "jobBookmarkKeysSortOrder",
}
_ACTING = {"paths", "path", "recurse", "exclusions", "boundedFiles", "boundedSize", "excludeStorageClasses"}
_NOT_BUILT = {"attachFilename", "attachTimestamp", "sampleQuery", "sampleSize", "useCatalogSchema"}


def check_options(options: Dict[str, Any], source: str, acting: Iterable[str] = ()) -> None:
    """Refuses options that are documented and would be ignored; warns of those that nobody knows."""
    for name, value in options.items():
        if name in _NOT_BUILT and value not in (None, "", False, "false", "False"):
            raise NotBuilt(f"the option {name!r} of {source}")
        if name not in _STORED | _ACTING | _NOT_BUILT | set(acting):
            GlueLogger().warn(f"{source}: the option {name!r} is not known and has no effect")


def truthy(value: Any) -> bool:
    """A boolean that may come as text."""
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def objects(paths: List[str], options: Dict[str, Any]) -> List[Object]:
    """The objects at these paths that the options do not exclude. A path without any is an error."""
    recurse = truthy(options.get("recurse", False))
    found: Dict[str, Object] = {}
    for path in paths:
        if not isinstance(path, str) or not path:
            raise DataError(f"paths must be a list of addresses; it holds {path!r}")
        here = _s3(path, recurse) if is_s3(path) else _local(path, recurse)
        if not here:
            hint = "" if recurse else "; folders below it are read with the option \"recurse\": True"
            raise DataError(f"there is nothing to read at {path}{hint}")
        found.update({item.url: item for item in here})
    return excluded(list(found.values()), options)


def under(location: str) -> List[Object]:
    """All objects of a table's or partition's location: the object that it names, and those of the folder, and of folders below it."""
    if not is_s3(location):
        return _local(location, True)
    named = object_at(location)
    return ([named] if named and named.size > 0 else []) + _s3(location if location.endswith("/") else location + "/", True)


def _s3(path: str, recurse: bool) -> List[Object]:
    bucket, key = split(path)
    if any(character in key for character in "*?{["):
        raise NotBuilt(f"wildcards in a path ({path})", "use recurse and exclusions")
    exact = [] if key.endswith("/") or not key else [o for o in list_prefix(bucket, key) if o.key == key]
    if exact:
        return exact
    prefix = key if key.endswith("/") or not key else key + "/"
    return [o for o in list_prefix(bucket, prefix, "" if recurse else "/") if _is_data(o.key[len(prefix) :], o)]


def _is_data(below: str, found: Object) -> bool:
    """Hidden files and folders, and the markers of folders, are no data."""
    hidden = any(step.startswith(".") or step.startswith("_") and "=" not in step for step in below.split("/"))
    return bool(below) and not below.endswith("/") and not hidden and not below.endswith("_$folder$") and found.size > 0


def _local(path: str, recurse: bool) -> List[Object]:
    path = path[len("file://") :] if path.startswith("file://") else path
    if os.path.isfile(path):
        return [_file(path)]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if recurse and not f.startswith((".", "_")))
        found += [_file(os.path.join(folder, name)) for name in sorted(names) if not name.startswith((".", "_"))]
    return [item for item in found if item.size > 0]


def _file(path: str) -> Object:
    facts = os.stat(path)
    return Object("", os.path.abspath(path), facts.st_size, f"{facts.st_mtime_ns:x}-{facts.st_size:x}",
                  datetime.fromtimestamp(facts.st_mtime, timezone.utc))


def excluded(items: List[Object], options: Dict[str, Any]) -> List[Object]:
    """Without what `exclusions` (a JSON list of patterns) and `excludeStorageClasses` name."""
    patterns = _list(options.get("exclusions"), "exclusions")
    classes = _list(options.get("excludeStorageClasses"), "excludeStorageClasses")
    matchers = [re.compile(_glob(pattern)) for pattern in patterns]
    return [item for item in items
            if item.storage_class not in classes
            and not any(m.fullmatch(item.url) or m.fullmatch(item.key) for m in matchers)]


def _list(value: Any, name: str) -> List[str]:
    if not value:
        return []
    try:
        found = json.loads(value) if isinstance(value, str) else list(value)
    except ValueError as error:
        raise DataError(f"{name} must be a list as JSON; it is {value!r}") from error
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise DataError(f"{name} must be a list of texts; it is {value!r}")
    return found


def _glob(pattern: str) -> str:
    """A pattern with `**` for any folders and `*` within one, as a regular expression."""
    parts = []
    for part in re.split(r"(\*\*|\*|\?|\{[^}]*\}|\[[^\]]*\])", pattern):
        if part == "**":
            parts.append(".*")
        elif part == "*":
            parts.append("[^/]*")
        elif part == "?":
            parts.append("[^/]")
        elif part.startswith("{"):
            parts.append("(?:" + "|".join(re.escape(choice) for choice in part[1:-1].split(",")) + ")")
        elif part.startswith("["):
            parts.append(part.replace("[!", "[^", 1))
        else:
            parts.append(re.escape(part))
    return "".join(parts)


def bounded(items: List[Object], options: Dict[str, Any]) -> List[Object]:
    """The oldest objects, as many as `boundedFiles` and `boundedSize` (bytes) allow; at least one."""
    files, size = options.get("boundedFiles"), options.get("boundedSize")
    if files is None and size is None:
        return sorted(items, key=lambda item: item.url)
    taken: List[Object] = []
    total = 0
    for item in sorted(items, key=lambda item: (item.modified, item.url)):
        full = files is not None and len(taken) >= int(files) or size is not None and total + item.size > int(size)
        if taken and full:
            break
        taken.append(item)
        total += item.size
    return taken
