"""Paths to fields: `a.b` is field `b` of the structure `a`, `` `a.b` `` one field, `a[].b` goes through an array."""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional, Sequence, Tuple, Union

from awsglue import gluetypes as g
from awsglue.errors import DataError

# What `[]` stands for in a parsed path.
EACH = "[]"

Path = Tuple[str, ...]


def parse(text: str) -> Path:
    """Splits a path into its steps."""
    if not isinstance(text, str) or not text:
        raise DataError(f"a path to a field must be a text that is not empty; it is {text!r}")
    steps: List[str] = []
    at = 0
    while True:
        step, at = _step(text, at)
        steps.append(step)
        while text.startswith(EACH, at):
            steps.append(EACH)
            at += len(EACH)
        if at == len(text):
            return tuple(steps)
        if text[at] != "." or at + 1 == len(text):
            raise DataError(f"the path {text!r} cannot be read from character {at + 1} on")
        at += 1


def _step(text: str, at: int) -> Tuple[str, int]:
    if text[at] == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise DataError(f"the path {text!r} opens a back-tick and does not close it")
        return text[at + 1 : end], end + 1
    end = at
    while end < len(text) and text[end] != "." and not text.startswith(EACH, end):
        end += 1
    if end == at:
        raise DataError(f"the path {text!r} has an empty name at character {at + 1}")
    return text[at:end], end


def parse_for(text: str, names: object) -> Path:
    """As `parse`; a text that is one of the frame's own columns means that column, dots and all."""
    if isinstance(text, str) and text in names:  # type: ignore[operator]
        return (text,)
    return parse(text)


def parse_in(text: str, kind: g.StructType) -> Path:
    """The path that a text means in a record, with names as the record spells them: those, else the only one that differs in
    case. A name with dots that the record has not is a path. One that leads nowhere comes back as it is written.

    The rules are those of visual jobs.
    """
    path = parse_for(text, kind.field_map)
    found = _spelled(path, kind)
    if found is None and len(path) == 1 and "." in path[0]:
        found = _spelled(path[0].split("."), kind)
    return path if found is None else found


def _spelled(path: Iterable[str], kind: g.DataType) -> Optional[Path]:
    steps: List[str] = []
    for step in path:
        if step == EACH and isinstance(kind, g.ArrayType):
            kind = kind.elementType
            steps.append(step)
            continue
        # `[]` may be left out.
        while isinstance(kind, g.ArrayType):
            kind = kind.elementType
        parts = _parts(kind)
        name = spelled(step, parts)
        if name is None:
            return None
        kind = parts[name]
        steps.append(name)
    return tuple(steps)


def _parts(kind: g.DataType) -> Dict[str, g.DataType]:
    """The fields of a structure, or the types of a choice."""
    if isinstance(kind, g.ChoiceType):
        return kind.choices
    return {field.name: field.dataType for field in kind.fields} if isinstance(kind, g.StructType) else {}


def spelled(name: str, names: Iterable[str]) -> Optional[str]:
    """The name among others that this one means: as it is, else the only one that differs in case.

    Of a header with `id` and `ID` the second column is called `ID_1`: then `ID` could be either, and is neither.
    """
    known = list(names)
    if name in known:
        return name
    if any(other.startswith(f"{name}_") and _is_number(other[len(name) + 1 :]) for other in known):
        return None
    alike = [other for other in known if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def listed(paths: Union[str, Sequence[str]]) -> List[str]:
    """One path or several."""
    return [paths] if isinstance(paths, str) else list(paths)


def shown(path: Path) -> str:
    """A path as it is written."""
    text = ""
    for step in path:
        if step == EACH:
            text += EACH
        else:
            text += ("." if text else "") + (f"`{step}`" if "." in step else step)
    return text
