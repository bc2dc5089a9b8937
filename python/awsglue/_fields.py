"""Fields chosen, dropped, renamed; records split by comparisons."""

from __future__ import annotations

import operator
from typing import Any, Dict, List, Optional, Sequence, Tuple

from awsglue import gluetypes as g
from awsglue._columns import at, child, col, struct_of
from awsglue._logger import GlueLogger
from awsglue._mapping import Entry, assemble
from awsglue._paths import EACH, Path, parse, parse_in, shown
from awsglue._stages import Stage
from awsglue._types import to_spark
from awsglue.errors import DataError


def select(frame: Any, paths: List[str], stage: Stage) -> Any:
    """Only these fields."""
    parsed = [parse_in(path, frame._kind) for path in paths]
    if any(len(path) > 1 for path in parsed):
        frame._settle()
    entries: List[Entry] = []
    for path in parsed:
        found = at(path, frame._kind)
        if found is None:
            GlueLogger().warn(f"{stage.name}: there is no field {shown(path)!r}; it is left out")
            continue
        entries.append((path, *found))
    columns, kind = assemble(entries, frame._kind)
    if not columns:
        raise DataError(f"{stage.name}: none of {', '.join(paths)} is there; there are {', '.join(frame._kind.field_map)}")
    straight = frame._straight and frame._straight.chosen([(name, name) for name in kind.field_map])
    return frame._derive(frame._df.select(*columns), kind, stage, frame._open & set(kind.field_map), straight=straight)


def drop(frame: Any, paths: List[str], stage: Stage) -> Any:
    """All fields but these, and structures of which nothing is left; one that is not there changes nothing."""
    parsed = [parse_in(path, frame._kind) for path in paths]
    result = frame
    through_arrays = [path for path in parsed if len(path) > 1 and at([s for s in path if s != EACH], frame._kind) is None]
    kind, columns = frame._kind, []
    for field in kind.fields:
        mine = [path[1:] for path in parsed if path[0] == field.name]
        if () in mine:
            continue
        inner = [rest for rest in mine if EACH not in rest]
        left = _without(col(field.name), field.dataType, inner)
        if left is not None:
            columns.append(left + (field.name,))
    made = g.StructType([g.Field(name, inner_kind) for _, inner_kind, name in columns])
    if not columns:
        raise DataError(f"{stage.name}: no field would be left")
    df = frame._df.select(*[column.alias(name) for column, _, name in columns])
    straight = frame._straight and frame._straight.chosen([(name, name) for name in made.field_map])
    result = frame._derive(df, made, stage, frame._open & set(made.field_map), straight=straight)
    return _drop_in_arrays(result, through_arrays) if through_arrays else result


def _without(column: Any, kind: g.DataType, paths: Sequence[Path]) -> Optional[Tuple[Any, g.DataType]]:
    """The structure without what these paths lead to; None when nothing is left of it."""
    if not paths or not isinstance(kind, g.StructType):
        return column, kind
    parts, fields = [], []
    for field in kind.fields:
        mine = [path[1:] for path in paths if path[0] == field.name]
        if () in mine:
            continue
        left = _without(child(column, field.name), field.dataType, mine)
        if left is not None:
            parts.append(left[0].alias(field.name))
            fields.append(g.Field(field.name, left[1]))
    if not parts:
        return None
    return struct_of(parts, column.isNotNull()), g.StructType(fields)


def _drop_in_arrays(frame: Any, paths: Sequence[Path]) -> Any:
    from awsglue._records import rewriting

    frame._settle()
    kind = frame._kind
    for path in paths:
        kind = _kind_without(kind, tuple(step for step in path if step != EACH))
        if kind is None:
            raise DataError("drop_fields: no field would be left")
    if kind == frame._kind:
        return frame
    source = frame._kind
    df = frame._df.mapInArrow(rewriting(_Repacked(source, kind), kind), to_spark(kind))
    frame._df, frame._kind = df, kind
    return frame


class _Repacked:
    """A physical row with only the fields that the target knows."""

    def __init__(self, source: g.StructType, target: g.StructType) -> None:
        self.source = source
        self.target = target

    def __call__(self, row: Dict[str, Any]) -> Dict[str, Any]:
        return {field.name: _kept(row.get(field.name), field.dataType) for field in self.target.fields}


def _kept(value: Any, kind: g.DataType) -> Any:
    if value is None:
        return None
    if isinstance(kind, g.StructType):
        return {field.name: _kept(value.get(field.name), field.dataType) for field in kind.fields}
    if isinstance(kind, g.ArrayType):
        return [_kept(element, kind.elementType) for element in value]
    return value


def _kind_without(kind: Any, path: Path) -> Any:
    """The type without what the path leads to, and without what only held it; None when nothing is left."""
    if isinstance(kind, g.ArrayType):
        element = _kind_without(kind.elementType, path)
        return None if element is None else g.ArrayType(element)
    if not isinstance(kind, g.StructType) or not kind.hasField(path[0]):
        return kind
    inner = _kind_without(kind.field_map[path[0]].dataType, path[1:]) if len(path) > 1 else None
    fields = [g.Field(field.name, inner) if field.name == path[0] else field for field in kind.fields]
    fields = [field for field in fields if field.dataType is not None]
    return g.StructType(fields) if fields else None


def rename(frame: Any, old: str, new: str, stage: Stage) -> Any:
    """One field under another name. Within the record it keeps its place."""
    source, target = parse_in(old, frame._kind), parse(new)
    found = at(source, frame._kind)
    if found is None:
        GlueLogger().warn(f"rename_field: there is no field {old!r}; nothing is renamed")
        return frame._derive(frame._df, frame._kind, stage, frame._open, straight=frame._straight)
    if len(source) == 1 and len(target) == 1:
        return _rename_column(frame, source[0], target[0], stage)
    frame._settle()
    column, kind = found
    columns: List[Entry] = []
    for field in frame._kind.fields:
        rest = [source[1:]] if field.name == source[0] else []
        if rest == [()]:
            continue
        left = _without(col(field.name), field.dataType, rest)
        if left is not None:
            columns += _leaves((field.name,), *left, target)
    made, schema = assemble(columns + [(target, column, kind)], frame._kind)
    return frame._derive(frame._df.select(*made), schema, stage)


def _leaves(path: Path, column: Any, kind: g.DataType, target: Path) -> List[Entry]:
    """A field as it is, or, where the target lies in it, its parts."""
    if path != target[: len(path)] or not isinstance(kind, g.StructType):
        return [(path, column, kind)]
    leaves: List[Entry] = []
    for field in kind.fields:
        leaves += _leaves(path + (field.name,), child(column, field.name), field.dataType, target)
    return leaves


def _rename_column(frame: Any, old: str, new: str, stage: Stage) -> Any:
    if frame._kind.hasField(new) and new != old:
        raise DataError(f"rename_field: there is a field {new!r} already")
    names = [(f.name, new if f.name == old else f.name) for f in frame._kind.fields]
    kind = g.StructType([g.Field(name, f.dataType) for (_, name), f in zip(names, frame._kind.fields)])
    df = frame._df.select(*[col(before).alias(name) for before, name in names])
    is_open = frozenset(new if name == old else name for name in frame._open)
    return frame._derive(df, kind, stage, is_open, straight=frame._straight and frame._straight.chosen(names))


def drop_nulls(frame: Any, stage: Stage) -> Any:
    """Without the fields that hold no value in any record. A frame without records stays as it is."""
    from pyspark.sql import functions as F

    frame._settle()
    paths = [path for field in frame._kind.fields for path in _value_paths((field.name,), field.dataType)]
    counts = frame._df.agg(F.count(F.lit(1)).alias("all"), *[
        F.count(at(path, frame._kind)[0]).alias(f"c{place}") for place, path in enumerate(paths)  # type: ignore[index]
    ]).collect()[0]
    empty = [shown_quoted(path) for place, path in enumerate(paths) if counts[f"c{place}"] == 0]
    if counts["all"] == 0 or not empty:
        return frame._derive(frame._df, frame._kind, stage)
    if len([path for path in paths if len(path) == 1]) == len([p for p in empty if p.count("`") == 2]):
        raise DataError("drop_nulls: every field is null in every record; no field would be left")
    return drop(frame, empty, stage)


def shown_quoted(path: Path) -> str:
    """A path with every step quoted, so that it can only be read one way."""
    return ".".join(f"`{step}`" for step in path)


def _value_paths(path: Path, kind: g.DataType) -> List[Path]:
    paths = [path]
    if isinstance(kind, g.StructType):
        for field in kind.fields:
            paths += _value_paths(path + (field.name,), field.dataType)
    return paths


_COMPARATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
                "==": operator.eq, "!=": operator.ne, "<>": operator.ne}


def split_rows(frame: Any, comparisons: Dict[str, Dict[str, Any]], stage: Stage) -> Tuple[Any, Any]:
    """The records for which all comparisons hold, and the others; a comparison with null does not hold."""
    from pyspark.sql import functions as F

    frame._settle()
    holds: Optional[Any] = None
    for path, rules in comparisons.items():
        found = at(parse_in(path, frame._kind), frame._kind)
        if found is None:
            raise DataError(f"split_rows: there is no field {path!r}; there are {', '.join(frame._kind.field_map)}")
        if isinstance(found[1], g.ChoiceType):
            raise DataError(f"split_rows: the field {path!r} has several types: use resolveChoice first")
        for comparator, value in rules.items():
            if comparator not in _COMPARATORS:
                raise DataError(f"split_rows: {comparator!r} is none of {', '.join(_COMPARATORS)}")
            rule = _COMPARATORS[comparator](found[0], F.lit(value))
            holds = rule if holds is None else holds & rule
    if holds is None:
        raise DataError("split_rows: there is nothing to compare")
    sure = F.coalesce(holds, F.lit(False))
    return (frame._derive(frame._df.where(sure), frame._kind, stage),
            frame._derive(frame._df.where(~sure), frame._kind, stage))
