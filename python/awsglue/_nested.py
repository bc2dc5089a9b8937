"""Structures made flat: their fields become fields of the record, named by their paths."""

from __future__ import annotations

from typing import Any, List, Tuple

from awsglue import gluetypes as g
from awsglue._columns import child, col
from awsglue._stages import Stage
from awsglue.errors import DataError


def unnest(frame: Any, stage: Stage) -> Any:
    """The frame with `a.b` for field `b` of the structure `a`. Arrays and maps stay."""
    frame._settle()
    columns, kind = flattened(frame._kind)
    return frame._derive(frame._df.select(*columns), kind, stage)


def flattened(kind: g.StructType) -> Tuple[List[Any], g.StructType]:
    """Columns and schema of a record without structures."""
    found: List[Tuple[str, Any, g.DataType]] = []
    for field in kind.fields:
        found += leaves(field.name, col(field.name), field.dataType)
    names = [name for name, _, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"unnest: two fields would be called {', '.join(twice)}: rename one first")
    return ([column.alias(name) for name, column, _ in found],
            g.StructType([g.Field(name, inner) for name, _, inner in found]))


def leaves(name: str, column: Any, kind: g.DataType) -> List[Tuple[str, Any, g.DataType]]:
    """A field, or the fields inside it, with their names from the top."""
    if not isinstance(kind, g.StructType):
        return [(name, column, kind)]
    found: List[Tuple[str, Any, g.DataType]] = []
    for field in kind.fields:
        found += leaves(f"{name}.{field.name}", child(column, field.name), field.dataType)
    return found
