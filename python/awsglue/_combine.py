"""Frames out of several: joins, unions, merges."""

from __future__ import annotations

from functools import reduce
from typing import Any, List, Tuple

from awsglue import gluetypes as g
from awsglue._casts import convert
from awsglue._columns import at, col
from awsglue._lift import lift, stacked
from awsglue._paths import parse_in
from awsglue._stages import Stage
from awsglue._types import merge as merge_types
from awsglue.errors import DataError


def union(frames: List[Any], stage: Stage) -> Any:
    """All records of all frames. The schema is that of all: missing fields are null, differing types choices."""
    kind = together([frame._settle()._kind for frame in frames])
    df = stacked([lift(frame._df, frame._kind, kind) for frame in frames], kind)
    others = tuple(step for frame in frames[1:] for step in frame._history)
    return frames[0]._derive(df, kind, stage, others=others)


def together(kinds: List[g.StructType]) -> g.StructType:
    """The schema of records of all these schemas."""
    merged: g.DataType = g.StructType()
    for kind in kinds:
        merged = merge_types(merged, kind)
    assert isinstance(merged, g.StructType)
    return merged


def join(left: Any, right: Any, keys1: List[str], keys2: List[str], stage: Stage) -> Any:
    """The inner join on equal keys; the right frame's fields that the left one has too get a `.` before."""
    if len(keys1) != len(keys2) or not keys1:
        raise DataError(f"join: {len(keys1)} keys on the left and {len(keys2)} on the right; there must be as many")
    left._settle(), right._settle()
    names: List[Tuple[str, str]] = []
    taken = {field.name for field in left._kind.fields}
    for field in right._kind.fields:
        name = field.name
        while name in taken:
            name = "." + name
        taken.add(name)
        names.append((field.name, name))
    renamed = right._df.select(*[col(old).alias(new) for old, new in names])
    right_kind = g.StructType([g.Field(new, right._kind.getField(old).dataType) for old, new in names])
    conditions = []
    for key1, key2 in zip(keys1, keys2):
        path2 = parse_in(key2, right._kind)
        path2 = (dict(names).get(path2[0], path2[0]),) + path2[1:]
        conditions.append(_equal(_key(left._kind, parse_in(key1, left._kind), key1, "left"),
                                 _key(right_kind, path2, key2, "right")))
    df = left._df.join(renamed, reduce(lambda a, b: a & b, conditions), "inner")
    kind = g.StructType(left._kind.fields + right_kind.fields)
    return left._derive(df, kind, stage, others=right._history)


def _equal(one: Tuple[Any, g.DataType], other: Tuple[Any, g.DataType]) -> Any:
    """Whether two keys are equal. As in Spark, text beside another type is read as that type (beside decimals, both are doubles),
    and equals nothing when it cannot be."""
    (left, left_kind), (right, right_kind) = one, other
    if isinstance(right_kind, g.StringType) and not isinstance(left_kind, g.StringType):
        return _equal(other, one)
    if not isinstance(left_kind, g.StringType) or not isinstance(right_kind, g.AtomicType) or left_kind == right_kind:
        return left == right
    wanted = g.DoubleType() if isinstance(right_kind, g.DecimalType) else right_kind
    return convert(left, left_kind, wanted) == convert(right, right_kind, wanted)


def _key(kind: g.StructType, path: Tuple[str, ...], text: str, side: str) -> Tuple[Any, g.DataType]:
    found = at(path, kind)
    if found is None:
        raise DataError(f"join: the {side} frame has no field {text!r}; it has {', '.join(kind.field_map)}")
    if isinstance(found[1], g.ChoiceType):
        raise DataError(f"join: the key {text!r} of the {side} frame has several types: use resolveChoice first")
    return found


def merge(source: Any, staging: Any, keys: List[str], stage: Stage) -> Any:
    """All of the staging frame, and what the source has under other keys."""
    source._settle(), staging._settle()
    conditions = []
    for key in keys:
        for side, frame in (("left", source), ("right", staging)):
            if not frame._kind.hasField(key):
                raise DataError(f"mergeDynamicFrame: the {side} frame has no field {key!r}")
        _key(source._kind, (key,), key, "left")
        conditions.append(col(key).eqNullSafe(col(f"__tenon_{key}")))
    if not conditions:
        raise DataError("mergeDynamicFrame: there must be at least one primary key")
    wanted = staging._df.select(*[_key(staging._kind, (key,), key, "right")[0].alias(f"__tenon_{key}") for key in keys])
    rest = source._df.join(wanted.distinct(), reduce(lambda a, b: a & b, conditions), "left_anti")
    kind = together([source._kind, staging._kind])
    df = stacked([lift(rest, source._kind, kind), lift(staging._df, staging._kind, kind)], kind)
    return source._derive(df, kind, stage, others=staging._history)
