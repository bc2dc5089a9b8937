"""`resolveChoice`: what becomes of fields that hold several types.

For columns of the record this is an expression. Where a choice lies inside an array, the engine's Python workers
rewrite the records; `_resolved_value` is the meaning of both.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from awsglue import gluetypes as g
from awsglue._casts import cast_value, convert
from awsglue._columns import child, col, is_nested
from awsglue._logger import GlueLogger
from awsglue._paths import EACH, Path, parse_in
from awsglue._stages import Stage
from awsglue._types import parse as parse_type
from awsglue._types import parse_target, physical, to_spark
from awsglue.errors import DataError

# What to do at which path; the path is without `[]`.
Rules = Dict[Path, Tuple[str, Optional[g.DataType]]]

_ACTIONS = "cast:<type>, project:<type>, make_cols, make_struct"


def resolve(frame: Any, specs: Optional[Sequence[Tuple[str, str]]], choice: str, catalog: Tuple[Any, ...],
            stage: Stage) -> Any:
    """The frame with choices resolved as `specs` or `choice` say."""
    if specs and choice:
        raise DataError("resolveChoice: specs and choice exclude each other")
    if not specs and not choice:
        raise DataError(f"resolveChoice: say how, by specs or by choice: {_ACTIONS}, or the choice match_catalog")
    frame._settle()
    if choice == "match_catalog":
        rules = _by_catalog(frame, catalog)
    elif choice:
        action = _action(choice)
        rules = {path: action for path in choices_in(frame._kind)}
    else:
        rules = _by_specs(frame, specs or [])
    return apply_rules(frame, rules, stage)


def _action(text: str) -> Tuple[str, Optional[g.DataType]]:
    name, colon, kind = str(text).partition(":")
    name = name.strip().lower()
    if name in ("make_cols", "make_struct") and not colon:
        return name, None
    if name in ("cast", "project") and kind.strip():
        return name, parse_target(kind)
    raise DataError(f"resolveChoice: {text!r} is none of {_ACTIONS}")


def _by_specs(frame: Any, specs: Sequence[Tuple[str, str]]) -> Rules:
    rules: Rules = {}
    for spec in specs:
        if not isinstance(spec, (tuple, list)) or len(spec) != 2:
            raise DataError(f"resolveChoice: {spec!r} is not (path, action)")
        path = tuple(step for step in parse_in(spec[0], frame._kind) if step != EACH)
        action = _action(spec[1])
        if kind_at(frame._kind, path) is None:
            GlueLogger().warn(f"resolveChoice: there is no field {spec[0]!r}")
            continue
        rules[path] = action
    return rules


def _by_catalog(frame: Any, catalog: Tuple[Any, ...]) -> Rules:
    from awsglue._aws import client

    catalog_id, database, table_name = catalog
    if not database or not table_name:
        raise DataError("resolveChoice: match_catalog needs database and table_name")
    place = {"CatalogId": catalog_id} if catalog_id else {}
    table = client("glue").get_table(DatabaseName=database, Name=table_name, **place)["Table"]
    columns = table["StorageDescriptor"]["Columns"] + table.get("PartitionKeys", [])
    wanted = g.StructType([g.Field(column["Name"].lower(), parse_type(column["Type"])) for column in columns])
    rules: Rules = {}
    for path in choices_in(frame._kind):
        found = kind_at(wanted, (path[0].lower(),) + path[1:])
        if found is None or not isinstance(found, g.AtomicType):
            raise DataError(f"resolveChoice: {database}.{table_name} has no simple type for {'.'.join(path)}")
        rules[path] = ("cast", found)
    return rules


def choices_in(kind: g.DataType, path: Path = ()) -> List[Path]:
    """The paths of all choices, `[]` left out; of nested ones the outermost."""
    if isinstance(kind, g.ChoiceType):
        return [path]
    if isinstance(kind, g.StructType):
        return [found for field in kind.fields for found in choices_in(field.dataType, path + (field.name,))]
    if isinstance(kind, g.ArrayType):
        return choices_in(kind.elementType, path)
    return []


def kind_at(kind: Optional[g.DataType], path: Path) -> Optional[g.DataType]:
    """The type at a path that leads through structures and arrays."""
    for step in path:
        while isinstance(kind, g.ArrayType):
            kind = kind.elementType
        if not isinstance(kind, g.StructType) or not kind.hasField(step):
            return None
        kind = kind.getField(step).dataType
    return kind


def apply_rules(frame: Any, rules: Rules, stage: Stage) -> Any:
    """The frame with all rules applied."""
    _check_projections(frame._kind, rules)
    target = _struct([found for field in frame._kind.fields for found in _fields(field, (field.name,), rules)])
    if any(_crosses_array(frame._kind, path) for path in rules):
        from awsglue._records import rewriting

        function = _Resolved(frame._kind, target, rules)
        return frame._derive(frame._df.mapInArrow(rewriting(function, target), to_spark(target)), target, stage)
    columns: List[Any] = []
    for field in frame._kind.fields:
        columns += _columns(col(field.name), field, (field.name,), rules)
    return frame._derive(frame._df.select(*columns), target, stage)


def _check_projections(kind: g.StructType, rules: Rules) -> None:
    """Refuses `project` to what none of a choice's values are: every row would be null, without a word."""
    for path, (action, wanted) in rules.items():
        found = kind_at(kind, path)
        while isinstance(found, g.ArrayType):
            found = found.elementType
        if action == "project" and isinstance(found, g.ChoiceType) and wanted and wanted.typeName() not in found.choices:
            name, kinds = wanted.typeName(), " or ".join(found.choices)
            raise DataError(f"resolveChoice: {'.'.join(path)} is {kinds}, so that project:{name} leaves nothing; "
                            f"project to one of these, or cast:{name}")


def _crosses_array(kind: Optional[g.DataType], path: Path) -> bool:
    for step in path:
        if isinstance(kind, g.ArrayType):
            return True
        kind = kind.getField(step).dataType if isinstance(kind, g.StructType) else None
    return isinstance(kind, g.ArrayType)


def _fields(field: g.Field, path: Path, rules: Rules) -> List[g.Field]:
    """The fields that a field becomes; more than one only by `make_cols`."""
    kind = field.dataType
    if path in rules and not isinstance(kind, g.ArrayType):
        action, wanted = rules[path]
        if action == "make_cols" and isinstance(kind, g.ChoiceType):
            return [g.Field(f"{field.name}_{name}", choice) for name, choice in kind.choices.items()]
        return [g.Field(field.name, _result(kind, action, wanted))]
    return [g.Field(field.name, _inside(kind, path, rules))]


def _inside(kind: g.DataType, path: Path, rules: Rules) -> g.DataType:
    if isinstance(kind, g.ArrayType):
        if path in rules and not isinstance(kind.elementType, g.ArrayType):
            action, wanted = rules[path]
            if action == "make_cols":
                raise DataError(f"resolveChoice: elements of the array {'.'.join(path)} cannot become columns")
            return g.ArrayType(_result(kind.elementType, action, wanted))
        return g.ArrayType(_inside(kind.elementType, path, rules))
    if isinstance(kind, g.StructType):
        return _struct([found for field in kind.fields for found in _fields(field, path + (field.name,), rules)])
    return kind


def _struct(fields: List[g.Field]) -> g.StructType:
    made = g.StructType(fields)
    if len(made) != len(fields):
        names = [field.name for field in fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"resolveChoice: there would be two fields called {', '.join(twice)}: rename one first")
    return made


def _result(kind: g.DataType, action: str, wanted: Optional[g.DataType]) -> g.DataType:
    if action == "project" and isinstance(kind, g.ChoiceType):
        assert wanted is not None
        return _projected(kind, wanted)
    if action == "cast":
        assert wanted is not None
        return wanted
    if action == "make_struct":
        return physical(kind) if isinstance(kind, g.ChoiceType) else kind
    return kind


def _projected(kind: g.ChoiceType, wanted: g.DataType) -> g.DataType:
    """What `project` leaves: values of simple types as it says (`decimal(5,1)`), others as they are."""
    return kind.choices[wanted.typeName()] if is_nested(wanted) else wanted


def _columns(column: Any, field: g.Field, path: Path, rules: Rules) -> List[Any]:
    from pyspark.sql import functions as F

    kind = field.dataType
    if path in rules:
        action, wanted = rules[path]
        if action == "make_cols" and isinstance(kind, g.ChoiceType):
            return [child(column, name).alias(f"{field.name}_{name}") for name in kind.choices]
        return [_resolved(column, kind, action, wanted).alias(field.name)]
    if isinstance(kind, g.StructType) and any(rule[: len(path)] == path for rule in rules):
        parts = [part for inner in kind.fields
                 for part in _columns(child(column, inner.name), inner, path + (inner.name,), rules)]
        return [F.when(column.isNotNull(), F.struct(*parts)).alias(field.name)]
    return [column.alias(field.name)]


def _resolved(column: Any, kind: g.DataType, action: str, wanted: Optional[g.DataType]) -> Any:
    if action == "cast":
        assert wanted is not None
        if isinstance(kind, (g.StructType, g.ArrayType, g.MapType)):
            raise DataError(f"resolveChoice: {kind.typeName()} cannot be cast to {wanted.typeName()}")
        return convert(column, kind, wanted)
    if action == "project" and isinstance(kind, g.ChoiceType):
        assert wanted is not None
        own = kind.choices[wanted.typeName()]
        return convert(child(column, wanted.typeName()), own, _projected(kind, wanted))
    return column


class _Resolved:
    """Rewrites a physical row where choices lie inside arrays."""

    def __init__(self, source: g.StructType, target: g.StructType, rules: Rules) -> None:
        self.source = source
        self.target = target
        self.rules = rules

    def __call__(self, row: Dict[str, Any]) -> Dict[str, Any]:
        return self.struct(row, self.source, ())

    def struct(self, row: Dict[str, Any], kind: g.StructType, path: Path) -> Dict[str, Any]:
        made: Dict[str, Any] = {}
        for field in kind.fields:
            inner, value = path + (field.name,), row.get(field.name)
            rule = self.rules.get(inner)
            if rule and rule[0] == "make_cols" and isinstance(field.dataType, g.ChoiceType):
                for name in field.dataType.choices:
                    made[f"{field.name}_{name}"] = None if value is None else value.get(name)
            else:
                made[field.name] = self.value(value, field.dataType, inner)
        return made

    def value(self, value: Any, kind: g.DataType, path: Path) -> Any:
        if value is None:
            return None
        if isinstance(kind, g.ArrayType):
            return [self.value(element, kind.elementType, path) for element in value]
        if path in self.rules:
            return _resolved_value(value, kind, *self.rules[path])
        return self.struct(value, kind, path) if isinstance(kind, g.StructType) else value


def _resolved_value(value: Any, kind: g.DataType, action: str, wanted: Optional[g.DataType]) -> Any:
    if action == "project" and isinstance(kind, g.ChoiceType):
        assert wanted is not None
        own = value.get(wanted.typeName())
        return own if kind.choices[wanted.typeName()] == _projected(kind, wanted) else cast_value(own, wanted)
    if action != "cast":
        return value
    assert wanted is not None
    if isinstance(kind, g.ChoiceType):
        value = next((value[name] for name in kind.choices if value.get(name) is not None), None)
    return cast_value(value, wanted)


def resolve_for_df(frame: Any, options: Sequence[Any]) -> Any:
    """`toDF` with `ResolveOption`s."""
    from awsglue._types import from_spark

    names = {"project": "project", "cast": "cast", "keepasstruct": "make_struct"}
    rules: Rules = {}
    frame._settle()
    for option in options:
        action = names.get(option.action.lower())
        if action is None:
            raise DataError(f"toDF: the action {option.action!r} is none of Project, Cast, KeepAsStruct")
        target = option.target
        if target is not None and not isinstance(target, g.DataType):
            target = parse_target(target) if isinstance(target, str) else from_spark(target)
        if action != "make_struct" and target is None:
            raise DataError(f"toDF: {option.action} needs a type")
        path = tuple(step for step in parse_in(option.path, frame._kind) if step != EACH)
        if kind_at(frame._kind, path) is None:
            raise DataError(f"toDF: there is no field {option.path!r}")
        rules[path] = (action, target)
    return apply_rules(frame, rules, Stage("toDF"))._df
