"""Brings a data frame from one schema to a wider one: more fields, choices where there was one type."""

from __future__ import annotations

from typing import Any, List, Optional

from awsglue import gluetypes as g
from awsglue._columns import child, col, null_of
from awsglue._types import to_spark


def lift(df: Any, source: g.StructType, target: g.StructType) -> Any:
    """The rows of `df` in the physical form of `target`, which holds everything that `source` does."""
    if source == target:
        return df
    if any(_needs_python(_kind_of(source, field.name), field.dataType) for field in target.fields):
        from awsglue._records import rewriting

        return df.mapInArrow(rewriting(_Repack(source, target), target), to_spark(target))
    return df.select(*[
        _lifted(col(field.name) if source.hasField(field.name) else None, _kind_of(source, field.name), field.dataType)
        .alias(field.name)
        for field in target.fields
    ])


def stacked(frames: List[Any], kind: g.StructType) -> Any:
    """The rows of all of these data frames, which have the columns of `kind`, one after the other.

    In a balanced tree, because engines walk plans by recursion, and with the columns of each second branch named anew:
    Sail (0.7.2) loses the names of columns when a filter leaves nothing of a branch, and another has the same ones.
    """
    names = [field.name for field in kind.fields]
    while len(frames) > 1:
        pairs = [frames[at : at + 2] for at in range(0, len(frames), 2)]
        frames = [pair[0].unionAll(_renewed(pair[1], names)) if len(pair) > 1 else pair[0] for pair in pairs]
    return frames[0]


def _renewed(df: Any, names: List[str]) -> Any:
    return df.select(*[col(name).alias(name) for name in names])


def _kind_of(kind: g.StructType, name: str) -> Optional[g.DataType]:
    return kind.getField(name).dataType if kind.hasField(name) else None


def _needs_python(source: Optional[g.DataType], target: g.DataType) -> bool:
    """Elements of arrays and maps cannot be changed by expressions on every engine."""
    if source is None or source == target or isinstance(source, (g.NullType, g.UnknownType)):
        return False
    if isinstance(target, g.ChoiceType):
        alternatives = source.choices if isinstance(source, g.ChoiceType) else {source.typeName(): source}
        return any(_needs_python(kind, target.choices[name]) for name, kind in alternatives.items())
    if isinstance(source, g.StructType) and isinstance(target, g.StructType):
        return any(_needs_python(field.dataType, _kind_of(target, field.name) or field.dataType)
                   for field in source.fields)
    return isinstance(source, (g.ArrayType, g.MapType))


def _lifted(column: Any, source: Optional[g.DataType], target: g.DataType) -> Any:
    from pyspark.sql import functions as F

    if source is None or isinstance(source, (g.NullType, g.UnknownType)):
        return null_of(target)
    if source == target:
        return column
    if isinstance(target, g.ChoiceType):
        parts = []
        for name, kind in target.choices.items():
            if isinstance(source, g.ChoiceType):
                part = _lifted(child(column, name), source.choices.get(name), kind)
            else:
                part = _lifted(column, source, kind) if source.typeName() == name else null_of(kind)
            parts.append(part.alias(name))
        return F.when(column.isNotNull(), F.struct(*parts))
    if isinstance(source, g.StructType) and isinstance(target, g.StructType):
        parts = [
            _lifted(child(column, field.name), _kind_of(source, field.name), field.dataType).alias(field.name)
            for field in target.fields
        ]
        return F.when(column.isNotNull(), F.struct(*parts))
    return column.cast(to_spark(target))


class _Repack:
    """Takes a physical row of one schema for one of another."""

    def __init__(self, source: g.StructType, target: g.StructType) -> None:
        self.source = source
        self.target = target

    def __call__(self, row: dict) -> dict:
        from awsglue._records import pack, unpack

        return pack(unpack(row, self.source), self.target)
