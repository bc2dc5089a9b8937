"""The transforms that scripts apply: `Filter.apply(frame, f)`, `Join.apply(a, b, "id", "id")`, …"""

from __future__ import annotations

from typing import Any

from awsglue._support import not_built
from awsglue.transforms.base import GlueTransform
from awsglue.transforms.collections import FlatMap, MapToCollection, SelectFromCollection
from awsglue.transforms.frames import (
    ApplyMapping,
    DropFields,
    DropNullFields,
    ErrorsAsDynamicFrame,
    Filter,
    Join,
    Map,
    Relationalize,
    RenameField,
    ResolveChoice,
    SelectFields,
    SimplifyDdbJson,
    Spigot,
    SplitFields,
    SplitRows,
    Unbox,
    Union,
    UnnestFrame,
)
from awsglue.transforms.missing import FillMissingValues
from awsglue.transforms.quality import EvaluateDataQuality

__all__ = [
    "ApplyMapping", "DropFields", "DropNullFields", "ErrorsAsDynamicFrame", "EvaluateDataQuality", "FillMissingValues",
    "Filter", "FindIncrementalMatches", "FindMatches", "FlatMap", "GlueTransform", "Join", "Map", "MapToCollection",
    "Relationalize", "RenameField", "ResolveChoice", "SelectFields", "SelectFromCollection", "SimplifyDdbJson", "Spigot",
    "SplitFields", "SplitRows", "Unbox", "Union", "UnnestFrame",
]


def _refused(name: str, way_out: str) -> Any:
    """A transform that is documented and always refused, before it looks at its arguments."""
    refuse = not_built(name, way_out)
    members = {"__doc__": refuse.__doc__, "__call__": refuse, "apply": staticmethod(refuse),
               "tenon_status": ("unsupported", way_out)}
    return type(name, (GlueTransform,), members)


FindMatches = _refused("FindMatches", "it needs a machine-learning transform")
FindIncrementalMatches = _refused("FindIncrementalMatches", "it needs a machine-learning transform")
