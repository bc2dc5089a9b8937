"""Personal data in frames: found by the server, by the rules of visual jobs, so that both find the same."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from awsglue import _staging
from awsglue.errors import DataError, NotBuilt

_ACTIONS = {"DETECT": "RowAudit", "REDACT": "RowMasking", "SHA256_HASH": "RowHashing", "PARTIAL_REDACT": "RowPartialMasking"}
# The options of actions, by what nodes of visual jobs call them.
_OPTIONS = {"redactText": "MaskValue", "redactChar": "RedactChar", "matchPattern": "MatchPattern",
            "numLeftCharsToExclude": "NumLeftCharsToExclude", "numRightCharsToExclude": "NumRightCharsToExclude"}
_ENTRY = {"action", "actionOptions", "sourceColumns", "sourceColumnsToExclude"}


def detect(frame: Any, wanted: Any, column: str, sensitivity: str) -> Any:
    """The frame after each entity was told or changed, with a column that says what was found."""
    types, members = _wanted(wanted)
    asked = {**members, "EntityTypesToDetect": types, "OutputColumnName": column, "DetectionSensitivity": sensitivity}
    return _run(frame, asked)


def classify(frame: Any, types: Any, sample: float, threshold: float, sensitivity: str) -> Dict[str, List[str]]:
    """The columns that hold entities, each with which."""
    found = _run(frame, {
        "PiiType": "ColumnAudit", "EntityTypesToDetect": _names(types), "SampleFraction": float(sample),
        "ThresholdFraction": float(threshold), "DetectionSensitivity": sensitivity})
    return {row["columnName"]: list(row["entityTypes"]) for row in found.toDF().collect()}


def _run(frame: Any, members: Dict[str, Any]) -> Any:
    from awsglue.dynamicframe import DynamicFrame

    if not isinstance(frame, DynamicFrame):
        raise DataError(f"EntityDetector needs a DynamicFrame, and was given {type(frame).__name__}: "
                        "DynamicFrame.fromDF(df, glueContext, name) makes one")
    staged, _ = _staging.staged(frame, "sensitive")
    df, kind, _ = _staging.served("sensitive/detect", {"Frame": staged, "Detection": members}, "sensitive",
                                  "personal data is found by the server")
    _staging.remove(staged["Folder"])
    return DynamicFrame(df, frame.glue_ctx, frame.name, kind=kind, history=frame._history)


def _names(types: Any) -> List[str]:
    if isinstance(types, str) or not all(isinstance(name, str) for name in types):
        raise DataError("EntityDetector needs a list of names of entity types, such as [\"EMAIL\"]")
    return list(types)


def _wanted(wanted: Any) -> Tuple[List[str], Dict[str, Any]]:
    """Entity types, and what is done with them: one action for all."""
    if not isinstance(wanted, Mapping):
        return _names(wanted), {"PiiType": "RowAudit"}
    actions = [_action(entity, entries) for entity, entries in wanted.items()]
    if not actions:
        raise DataError("EntityDetector.detect: no entity type is named")
    if any(action != actions[0] for action in actions):
        raise NotBuilt("another action for each entity type", "call detect once for each action")
    return list(wanted), actions[0]


def _action(entity: str, entries: Any) -> Dict[str, Any]:
    entries = [entries] if isinstance(entries, Mapping) else list(entries)
    if len(entries) != 1:
        raise NotBuilt(f"{len(entries)} actions for {entity}", "call detect once for each action")
    entry = entries[0]
    unknown = sorted(set(entry) - _ENTRY)
    if unknown:
        raise DataError(f"EntityDetector.detect: {entity}: {unknown[0]!r} is none of {', '.join(sorted(_ENTRY))}")
    if list(entry.get("sourceColumns") or ["*"]) != ["*"] or entry.get("sourceColumnsToExclude"):
        raise NotBuilt(f"sourceColumns of {entity}", "select the fields first")
    name = str(entry.get("action", "DETECT")).upper()
    if name not in _ACTIONS:
        raise DataError(f"EntityDetector.detect: {entity}: the action {name!r} is none of {', '.join(_ACTIONS)}")
    members: Dict[str, Any] = {"PiiType": _ACTIONS[name]}
    for option, value in (entry.get("actionOptions") or {}).items():
        if option not in _OPTIONS:
            raise DataError(f"EntityDetector.detect: {entity}: {option!r} is none of {', '.join(_OPTIONS)}")
        members[_OPTIONS[option]] = int(value) if option.startswith("num") else str(value)
    if name == "REDACT" and "MaskValue" not in members:
        raise DataError(f"EntityDetector.detect: {entity}: REDACT needs actionOptions with redactText")
    return members
