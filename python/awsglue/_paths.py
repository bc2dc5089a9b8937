"""Paths to fields: `a.b` is field `b` of the structure `a`, `` `a.b` `` one field, `a[].b` goes through an array."""

from __future__ import annotations

from typing import List, Sequence, Tuple, Union

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
