"""Small pieces from which frames build their column expressions."""

from __future__ import annotations

from typing import Any, Iterable, Optional

from awsglue import gluetypes as g
from awsglue._types import to_spark


def quoted(name: str) -> str:
    """A column's name, so that dots and spaces in it are part of the name."""
    return "`" + name.replace("`", "``") + "`"


def col(name: str) -> Any:
    """The column of this very name."""
    from pyspark.sql import functions as F

    return F.col(quoted(name))


def child(column: Any, name: str) -> Any:
    """A field of a structure; null where the structure is. (Sail gives a default there: 0, "".)"""
    from pyspark.sql import functions as F

    return F.when(column.isNotNull(), column.getField(name))


def struct_of(parts: Iterable[Any], present: Optional[Any] = None) -> Any:
    """A structure; null where `present` does not hold."""
    from pyspark.sql import functions as F

    made = F.struct(*parts)
    return made if present is None else F.when(present, made)


def at(path: Iterable[str], kind: g.DataType) -> Optional[tuple]:
    """Column and type of a field that is reached through structures alone; None when there is no such field."""
    column = None
    for step in path:
        if not isinstance(kind, g.StructType) or not kind.hasField(step):
            return None
        kind = kind.getField(step).dataType
        column = col(step) if column is None else child(column, step)
    return column, kind


def null_of(kind: g.DataType) -> Any:
    """A null of a type."""
    from pyspark.sql import functions as F

    return F.lit(None).cast(to_spark(kind))


def try_cast(column: Any, spark_type: Any) -> Any:
    """A cast that gives null where the value does not fit."""
    # Not `hasattr(column, …)`: a classic Column takes any name for a field.
    if hasattr(type(column), "try_cast"):
        return column.try_cast(spark_type)
    from awsglue._classic import try_cast as by_java

    return by_java(column, spark_type)


def is_nested(kind: g.DataType) -> bool:
    """Says whether a type has parts."""
    return isinstance(kind, (g.StructType, g.ArrayType, g.MapType))
