"""`apply_mapping`: fields chosen, renamed, nested and converted, as a list of tuples says."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from awsglue import gluetypes as g
from awsglue._casts import convert
from awsglue._columns import at, child, is_nested, struct_of
from awsglue._logger import GlueLogger
from awsglue._paths import EACH, Path, parse, parse_for, parse_in
from awsglue._stages import Stage
from awsglue._types import parse_target
from awsglue.errors import DataError, NotBuilt

Entry = Tuple[Tuple[str, ...], Any, g.DataType]
# The type that stands for all of a field's own.
KEPT = "choice"


def apply(frame: Any, mappings: Sequence[Any], case_sensitive: bool, stage: Stage) -> Any:
    """Builds the frame of the mappings. A source that is not there is left out, as in AWS Glue, and logged."""
    asked = [_read(mapping) for mapping in mappings]
    names = _only_names(frame, asked)
    if names:
        return _named(frame, names, stage)
    frame._settle()
    entries: List[Entry] = []
    for source, target, wanted in asked:
        path = _path(source, frame._kind, case_sensitive)
        if EACH in path:
            raise NotBuilt(f"apply_mapping from inside an array ({source!r})", "use map or relationalize")
        found = _found(path, frame._kind)
        if found is None:
            GlueLogger().warn(f"apply_mapping: there is no field {source!r}; it is left out")
            continue
        entries.append(_entry(parse(target), found, wanted, source))
    columns, kind = assemble(entries)
    if not columns:
        raise DataError("apply_mapping: none of the mapped fields is there: " + ", ".join(map(str, mappings)))
    return frame._derive(frame._df.select(*columns), kind, stage)


def _only_names(frame: Any, asked: Sequence[Tuple[str, str, str]]) -> List[Tuple[str, str]]:
    """Old and new names, when nothing but names changes in a frame that the server makes; else nothing."""
    if frame._straight is None:
        return []
    kind = frame._straight.kind
    names = []
    for source, target, wanted in asked:
        if wanted == KEPT:
            return []
        path, to = parse_for(source, kind.field_map), parse(target)
        if len(path) != 1 or len(to) != 1 or not kind.hasField(path[0]) or kind.getField(path[0]).dataType != parse_target(wanted):
            return []
        names.append((path[0], to[0]))
    return names if len({name for _, name in names}) == len(names) else []


def _named(frame: Any, names: Sequence[Tuple[str, str]], stage: Stage) -> Any:
    """Columns under other names. What an open one has of text is null, as it is where types change."""
    columns, kind = [], g.StructType()
    for old, name in names:
        column, found = at((old,), frame._kind)  # type: ignore[misc]
        wanted = frame._straight.kind.getField(old).dataType
        columns.append(convert(column, found, wanted).alias(name))
        kind.add(g.Field(name, wanted))
    return frame._derive(frame._df.select(*columns), kind, stage, straight=frame._straight.chosen(names))


def _read(mapping: Any) -> Tuple[str, str, str]:
    """Source, target and target type of a mapping; its source type says nothing that the data does not."""
    if isinstance(mapping, (tuple, list)) and len(mapping) == 4 and all(isinstance(part, str) for part in mapping):
        return mapping[0], mapping[2], KEPT if mapping[3].strip().lower() == KEPT else mapping[3]
    raise DataError(f"apply_mapping: {mapping!r} is not (source, source type, target, target type)")


def _path(source: str, kind: g.StructType, case_sensitive: bool) -> Path:
    """Where a mapping's source lies; a name with dots that the record has not is a path."""
    if not case_sensitive:
        return parse_in(source, kind)
    path = parse_for(source, kind.field_map)
    return tuple(path[0].split(".")) if len(path) == 1 and path[0] not in kind.field_map else path


def _found(path: Path, kind: g.StructType) -> Optional[tuple]:
    """Column and type of a source; it may be the values of one type of a choice."""
    found = at(path, kind)
    if found is None and len(path) > 1:
        outer = at(path[:-1], kind)
        if outer is not None and isinstance(outer[1], g.ChoiceType) and path[-1] in outer[1].choices:
            return child(outer[0], path[-1]), outer[1].choices[path[-1]]
    return found


def _entry(target: Tuple[str, ...], found: Any, wanted: str, source: str) -> Entry:
    column, kind = found
    if wanted == KEPT:
        return target, column, kind
    to = parse_target(wanted)
    same_kind = is_nested(kind) and type(kind) is type(to)
    # What is null in every record may have any parts.
    if same_kind or is_nested(to) and isinstance(kind, g.NullType):
        return target, column, kind
    if is_nested(kind) or is_nested(to):
        raise DataError(f"apply_mapping: {source!r} is {kind.typeName()} and cannot become {wanted}")
    return target, convert(column, kind, to), to


def assemble(entries: Sequence[Entry], source: Optional[g.StructType] = None) -> Tuple[List[Any], g.StructType]:
    """Columns and schema of fields at these paths; of two for one path, the last counts, and a field within a structure that is
    there is put beside its own. A structure is null where all that is in it is null, but for those that `source` has at the same
    place and that are not null there."""
    tree: Dict[str, Any] = {}
    for path, column, kind in entries:
        place = tree
        for step in path[:-1]:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = place[step] = _opened(inner)
            place = inner
        place[path[-1]] = (column, kind)
    built = [(name, *_build(part, (name,), source)) for name, part in tree.items()]
    return ([column.alias(name) for name, column, _ in built],
            g.StructType([g.Field(name, kind) for name, _, kind in built]))


def _opened(whole: Optional[Tuple[Any, g.DataType]]) -> Dict[str, Any]:
    """The fields of a structure; none where there is none."""
    if whole is None or not isinstance(whole[1], g.StructType):
        return {}
    return {field.name: (child(whole[0], field.name), field.dataType) for field in whole[1].fields}


def _build(part: Union[Dict[str, Any], Tuple[Any, g.DataType]], path: Path, source: Optional[g.StructType]) -> Tuple[Any, g.DataType]:
    if not isinstance(part, dict):
        return part
    inner = [(name, *_build(child, path + (name,), source)) for name, child in part.items()]
    kind = g.StructType([g.Field(name, inner_kind) for name, _, inner_kind in inner])
    whole = at(path, source) if source is not None else None
    values = ([whole[0]] if whole else []) + [column for _, column, _ in inner]
    present = reduce(or_, (value.isNotNull() for value in values))
    return struct_of([column.alias(name) for name, column, _ in inner], present), kind
