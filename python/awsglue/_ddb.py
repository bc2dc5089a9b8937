"""DynamoDB's JSON: `{"Item": {"price": {"N": "3"}}}`, as its exports to S3 have it, made plain.

Values keep the form that the export gives them: numbers are texts there, because DynamoDB's numbers have 38 digits.
"""

from __future__ import annotations

from typing import Any, Dict

from awsglue import gluetypes as g
from awsglue._stages import Stage
from awsglue._types import to_spark

_NAMES = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}


def unnest_ddb_json(frame: Any, stage: Stage) -> Any:
    """The items' attributes as columns; maps become columns named by their paths, lists of structures stay."""
    from awsglue._nested import unnest

    return unnest(_rewritten(frame, stage, lists=False), Stage("unnest_ddb_json"))


def simplify_ddb_json(frame: Any, stage: Stage) -> Any:
    """The items' attributes without the names of their types. Lists of one simple type become arrays of it."""
    return _rewritten(frame, stage, lists=True)


def _rewritten(frame: Any, stage: Stage, lists: bool) -> Any:
    from awsglue._records import rewriting

    kind = frame._settle()._kind
    source = _item(kind)
    target = g.StructType([g.Field(field.name, _plain_kind(field.dataType, lists)) for field in source.fields])
    function = _Plain(kind, source, lists)
    return frame._derive(frame._df.mapInArrow(rewriting(function, target), to_spark(target)), target, stage)


def _item(kind: g.StructType) -> g.StructType:
    """The attributes: those of `Item`, where the records are those of an export."""
    if len(kind.fields) == 1 and kind.hasField("Item") and isinstance(kind.fields[0].dataType, g.StructType):
        return kind.fields[0].dataType
    return kind


def _is_typed(kind: g.DataType) -> bool:
    """Says whether a structure is one attribute with the name of its type."""
    return isinstance(kind, g.StructType) and len(kind) > 0 and set(kind.field_map) <= _NAMES


def _plain_kind(kind: g.DataType, lists: bool) -> g.DataType:
    if not isinstance(kind, g.StructType) or not _is_typed(kind):
        return kind
    named = {name: _plain_inner(name, field.dataType, lists) for name, field in kind.field_map.items() if name != "NULL"}
    if not named:
        return g.NullType()
    if len(named) == 1:
        return next(iter(named.values()))
    # The attribute has several types in different items: its fields keep the names that tell them apart.
    return g.StructType([g.Field(name, inner) for name, inner in named.items()])


def _plain_inner(name: str, kind: g.DataType, lists: bool) -> g.DataType:
    if name == "M" and isinstance(kind, g.StructType):
        return g.StructType([g.Field(field.name, _plain_kind(field.dataType, lists)) for field in kind.fields])
    if name == "L" and isinstance(kind, g.ArrayType) and lists and _is_simple_list(kind):
        return g.ArrayType(_plain_kind(kind.elementType, lists))
    return kind


def _is_simple_list(kind: g.ArrayType) -> bool:
    """Lists of several types, and of maps, are left as they are."""
    element = kind.elementType
    return _is_typed(element) and len(element) == 1 and "M" not in element.field_map  # type: ignore[attr-defined,arg-type]


class _Plain:
    """Rewrites a physical row."""

    def __init__(self, kind: g.StructType, source: g.StructType, lists: bool) -> None:
        self.wrapped = source is not kind
        self.source = source
        self.lists = lists

    def __call__(self, row: Dict[str, Any]) -> Dict[str, Any]:
        item = (row["Item"] or {}) if self.wrapped else row
        return {field.name: self.value(item.get(field.name), field.dataType) for field in self.source.fields}

    def value(self, value: Any, kind: g.DataType) -> Any:
        if value is None or not isinstance(kind, g.StructType) or not _is_typed(kind):
            return value
        names = [name for name in kind.field_map if name != "NULL"]
        made = {name: self.inner(name, value.get(name), kind.getField(name).dataType) for name in names}
        if len(names) > 1:
            return made if any(part is not None for part in made.values()) else None
        return made[names[0]] if names else None

    def inner(self, name: str, value: Any, kind: g.DataType) -> Any:
        if value is None:
            return None
        if name == "M" and isinstance(kind, g.StructType):
            return {field.name: self.value(value.get(field.name), field.dataType) for field in kind.fields}
        if name == "L" and isinstance(kind, g.ArrayType) and self.lists and _is_simple_list(kind):
            return [self.value(element, kind.elementType) for element in value]
        return value
