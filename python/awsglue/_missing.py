"""Missing values of frames: filled in by the server, by the model of visual jobs, so that both fill in the same."""

from __future__ import annotations

from typing import Any, Dict

from awsglue import _staging
from awsglue._logger import GlueLogger
from awsglue._stages import Stage
from awsglue.errors import DataError


def fill(frame: Any, field: str, filled: str, stage: Stage) -> Any:
    """The frame with a field more: what is there of `field`, or what the other fields tell."""
    from awsglue.dynamicframe import DynamicFrame

    if not isinstance(frame, DynamicFrame):
        raise DataError(f"FillMissingValues needs a DynamicFrame, and was given {type(frame).__name__}: "
                        "DynamicFrame.fromDF(df, glueContext, name) makes one")
    members = _members(field, filled)
    staged, _ = _staging.staged(frame, "missing")
    df, kind, answer = _staging.served("values/fill", {"Frame": staged, "Filling": members}, "missing",
                                       "missing values are filled in by the server")
    _staging.remove(staged["Folder"])
    logger = GlueLogger()
    for note in answer["Notes"]:
        logger.info(f"FillMissingValues: {note}")
    for warning in answer["Warnings"]:
        logger.warn(f"FillMissingValues: {warning}")
    return frame._derive(df, kind, stage)


def _members(field: Any, filled: Any) -> Dict[str, str]:
    """The members of a node that does it."""
    if not isinstance(field, str) or not field:
        raise DataError(f"FillMissingValues: missing_values_column {field!r} names no field")
    if filled is not None and not isinstance(filled, str):
        raise DataError(f"FillMissingValues: output_column {filled!r} is no name")
    return {"ImputedPath": field, **({"FilledPath": filled} if filled else {})}
