"""Running a script as Python itself runs one: as `__main__`, with its own traceback and exit code."""

from __future__ import annotations

import builtins
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Optional


def run(path: str) -> None:
    """Runs the script to its end; what it raises ends the process as it would there."""
    module = _main(path)
    try:
        exec(_compiled(path), module.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - everything that a script can raise
        tell(error, _of_script(error.__traceback__))
    else:
        return
    # Outside of the handler: what ends the process has no context that could be shown.
    raise SystemExit(1)


def _main(path: str) -> ModuleType:
    """A new `__main__`, with the names that Python gives the module of a file."""
    module = ModuleType("__main__")
    names = dict(__file__=path, __cached__=None, __builtins__=builtins, __annotations__={},
                 __loader__=SourceFileLoader("__main__", path))
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as file:
        source = file.read()
    return compile(source, path, "exec", dont_inherit=True)


def _of_script(traceback: Optional[TracebackType]) -> Optional[TracebackType]:
    """What of a traceback is the script's: all below the frames of this file, none when the script could not be compiled."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


def tell(error: BaseException, traceback: Optional[TracebackType]) -> None:
    """Tells of an exception that nobody caught, by the script's own hook if it has set one."""
    error.__traceback__ = traceback
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    try:
        sys.excepthook(type(error), error, traceback)
    except Exception as raised:  # noqa: BLE001 - a hook that fails must not hide what it was to tell
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(raised), raised, raised.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, traceback)
