"""Running statements as a notebook does: one namespace, and the value of the last expression is shown."""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import sys
import traceback
from types import ModuleType, TracebackType
from typing import Any, Dict, List, Optional

# The frames of this package, which a statement has not called.
_OURS = f'  File "{os.path.dirname(__file__)}{os.sep}'
# What stands for files in tracebacks begins so.
PLACE = "<statement "
_MAX_NAME_CHARS = 200
_MAX_VALUE_CHARS = 8_000
_MAX_TRACEBACK_CHARS = 20_000


def place(number: int) -> str:
    """What stands for a file in tracebacks."""
    return f"{PLACE}{number}>"


def namespace() -> ModuleType:
    """The module `__main__` of statements. Functions that they define are sent to the engine by value."""
    module = ModuleType("__main__")
    # The Spark Connect client takes a module without a file for a shell of classic PySpark.
    module.__dict__.update(__builtins__=builtins, __file__="statements")
    sys.modules["__main__"] = module
    return module


def show(value: Any) -> None:
    """Prints the value of an expression, unless it is None, and remembers it as `_`."""
    if value is not None:
        builtins._ = value  # type: ignore[attr-defined]
        print(repr(value))


def execute(module: ModuleType, number: int, code: str) -> None:
    """Runs a statement; raises what it raises."""
    file = place(number)
    # Tracebacks and `inspect` find the source here. Without a time of change it is never looked up on the disk.
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    tree = ast.parse(code, file)
    last: Optional[ast.Interactive] = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Interactive([tree.body.pop()])
    exec(compile(tree, file, "exec", dont_inherit=True), module.__dict__)
    if last is not None:
        exec(compile(last, file, "single", dont_inherit=True), module.__dict__)


def described(error: BaseException) -> Dict[str, Any]:
    """An exception as the server passes it on, cut to what one message holds."""
    name = _cut(type(error).__name__, _MAX_NAME_CHARS)
    try:
        value = _cut(str(error), _MAX_VALUE_CHARS)
        lines = traceback.format_exception(type(error), error, _own(error.__traceback__))
        lines = [line for line in lines if not line.startswith(_OURS)]
    except BaseException as second:  # noqa: BLE001 - `__str__` may do anything, and memory may be short
        value = f"the exception cannot be shown: {type(second).__name__}"
        lines = [f"{name}: {value}\n"]
    return {"name": name, "value": value, "traceback": _end_of(lines)}


def _own(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """The traceback from the statement on; none for a statement that could not be parsed."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(PLACE):
        trace = trace.tb_next
    return trace


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[:chars] + "…"


def _end_of(lines: List[str]) -> List[str]:
    """The last lines, which say most; the heading stays."""
    kept: List[str] = []
    left = _MAX_TRACEBACK_CHARS
    for line in reversed(lines):
        if len(line) > left:
            kept.append("…\n" if kept else _cut(line, left))
            break
        kept.append(line)
        left -= len(line)
    return kept[::-1]
