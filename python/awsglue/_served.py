"""Files without a table, and who reads them: XML, log lines by Grok, Ion and workbooks the server, others this library."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Optional

from awsglue import _staging
from awsglue import gluetypes as g
from awsglue._aws import Object, is_s3, split
from awsglue._listing import truthy
from awsglue._read import Part, Read, options_for
from awsglue._read import read as read_here
from awsglue._types import described
from awsglue.errors import DataError, NotBuilt

_WHY = "files of such formats are read by the server"
# What scripts call formats in small letters, and the options that act.
_OPTIONS = {
    "xml": {"rowTag", "attributePrefix", "valueTag", "encoding", "excludeAttribute", "treatEmptyValuesAsNulls",
            "ignoreSurroundingSpaces", "withSchema"},
    "groklog": {"logFormat", "customPatterns", "MISSING", "LineCount", "StrictMode"},
    "ion": set(),
    "excel": {"numberRows", "skipFooter"},
}


def reader(format: Optional[str], format_options: Dict[str, Any], paths: List[str]) -> Callable[[List[Object]], Read]:
    """What reads objects below `paths` as the options say: the server, or this library."""
    wanted = asked(format, format_options)
    if wanted is not None:
        return lambda items: read(paths, items, wanted)
    how = options_for(format, format_options)
    return lambda items: read_here([Part(tuple(items))], how, g.StructType())


def asked(format: Optional[str], format_options: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """What to ask the server for; None for the formats that this library reads itself."""
    name = (format or "").lower()
    if name not in _OPTIONS:
        return None
    for option, value in format_options.items():
        if option not in _OPTIONS[name] and value not in (None, ""):
            raise NotBuilt(f"the format option {option!r} of {format}")
    given = {option: value for option, value in format_options.items() if value is not None}
    make = {"xml": _xml, "groklog": _grok, "excel": _excel}.get(name)
    return make(given) if make else {"Format": {"Name": "ion"}}


def _xml(given: Dict[str, Any]) -> Dict[str, Any]:
    if not given.get("rowTag"):
        raise DataError('xml: format_options needs "rowTag", the element that is a record')
    form: Dict[str, Any] = {"Name": "xml", "RowTag": str(given["rowTag"])}
    for option, field in (("attributePrefix", "AttributePrefix"), ("valueTag", "ValueTag"), ("encoding", "Encoding")):
        if option in given:
            form[field] = str(given[option])
    for option, field in (("excludeAttribute", "ExcludeAttribute"), ("treatEmptyValuesAsNulls", "EmptyIsNull"),
                          ("ignoreSurroundingSpaces", "Trim")):
        form[field] = truthy(given.get(option, False))
    wanted = {"Format": form}
    if given.get("withSchema"):
        wanted["Columns"] = _columns(given["withSchema"])
    return wanted


def _columns(schema: Any) -> List[Dict[str, str]]:
    """The columns of `withSchema`: a `StructType`, or what its `jsonValue()` gives, perhaps as text."""
    try:
        kind = schema if isinstance(schema, g.StructType) else g.from_json(
            json.loads(schema) if isinstance(schema, str) else schema)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"withSchema must be json.dumps(StructType(…).jsonValue()): {error}") from error
    if not isinstance(kind, g.StructType) or not kind.fields:
        raise DataError("withSchema must be a StructType with fields")
    return described(kind)


def _grok(given: Dict[str, Any]) -> Dict[str, Any]:
    if not given.get("logFormat"):
        raise DataError('grokLog: format_options needs "logFormat", the pattern of a line')
    if str(given.get("LineCount", "1")).strip() != "1":
        raise NotBuilt("the format option 'LineCount' of grokLog other than 1", "records of one line are read")
    if truthy(given.get("StrictMode", False)):
        raise NotBuilt("the format option 'StrictMode' of grokLog")
    return {"Format": {"Name": "grokLog", "LogFormat": str(given["logFormat"]),
                       "CustomPatterns": str(given.get("customPatterns", "")), "Missing": str(given.get("MISSING", "-"))}}


def _excel(given: Dict[str, Any]) -> Dict[str, Any]:
    form: Dict[str, Any] = {"Name": "excel"}
    for option, field in (("numberRows", "NumberRows"), ("skipFooter", "SkipFooter")):
        if option not in given:
            continue
        try:
            form[field] = int(given[option])
        except (TypeError, ValueError) as error:
            raise DataError(f"excel: {option} must be a number; it is {given[option]!r}") from error
        if form[field] < 0:
            raise DataError(f"excel: {option} must not be below 0; it is {given[option]!r}")
    return {"Format": form}


def read(paths: List[str], items: List[Object], wanted: Dict[str, Any]) -> Read:
    """The records of objects, which lie below `paths`."""
    here = next((path for path in paths if not is_s3(path)), None)
    if here is not None:
        raise DataError(f"{here!r} is a local path, and {_WHY}: put them into S3")
    places = ["s3://{}/{}".format(*split(path)) for path in paths]
    # The server sees no folder that begins so, but what is named to it: there may be keys of partitions that do.
    places += [item.url for item in items if "/_" in f"/{item.key}"]
    objects = {item.url: item.etag for item in items}
    df, kind, _ = _staging.served("files/read", {**wanted, "Paths": places, "Objects": objects}, "files", _WHY)
    return Read(df, kind)
