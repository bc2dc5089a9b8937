"""Waiting, and what has to be as if the process had been started with the script."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import sysconfig
import warnings
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List

from tenon_pool import script

# As in crates/scripts/src/waiting.rs.
PIPE = ".tenon-run"
WAITING = b"waiting\n"
BEGUN = b"begun  \n"
# What a shell adds to the variables that it was started with.
_SHELL = ("PWD", "OLDPWD", "SHLVL", "_")
_READ_BYTES = 1 << 16
# What scripts import first, and what reading and writing imports later.
_MODULES = ("awsglue.context", "awsglue.transforms", "awsglue.job", "awsglue.utils", "awsglue.dynamicframe",
            "pyspark.context", "pyspark.sql.functions", "pyspark.sql.types")


def main() -> None:
    """The life of the process."""
    os.mkfifo(PIPE, 0o600)
    # For both directions: opening waits for nobody, and reading never ends; when the server is gone its guard kills us.
    pipe = os.open(PIPE, os.O_RDWR)
    # What libraries print while they are imported is no answer.
    out = os.dup(1)
    os.dup2(2, 1)
    before = _installed()
    os.write(out, WAITING)
    _import()
    document = json.loads(_line(pipe))
    os.close(pipe)
    os.unlink(PIPE)
    if _installed() != before:
        raise SystemExit("the environment has changed since this process imported from it")
    become(document)
    os.dup2(out, 1)
    os.close(out)
    os.write(1, BEGUN)
    script.run(sys.argv[0])


def _import() -> None:
    """Imports, as far as there is something to import: the script will say what it misses."""
    from awsglue import _engine

    with _unwarned():
        _engine.import_libraries()
        for name in _MODULES:
            with suppress(Exception):
                importlib.import_module(name)
    gc.freeze()


@contextmanager
def _unwarned() -> Iterator[None]:
    """Shows no warnings: a script that imports none of these libraries would not have seen them. Filters stay as they are made."""
    shown = warnings.showwarning
    warnings.showwarning = lambda *_, **__: None
    try:
        yield
    finally:
        warnings.showwarning = shown


def _installed() -> List[int]:
    """Changes when a package is installed, removed or replaced."""
    paths = sysconfig.get_paths()
    return [os.stat(folder).st_mtime_ns for folder in sorted({paths["purelib"], paths["platlib"]})]


def _line(pipe: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(pipe, _READ_BYTES)
    return line


def become(document: Dict[str, Any]) -> None:
    """Takes over variables, arguments and limit."""
    shell = {name: os.environ[name] for name in _SHELL if name in os.environ}
    os.environ.clear()
    os.environ.update({**shell, **document["variables"]})
    arguments = document["arguments"]
    sys.argv[:] = arguments
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [document["python"], *arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(arguments[0]))
    # The script's files have come into a folder that was looked into before.
    importlib.invalidate_caches()
    _limit(document["memory_bytes"])


def _limit(memory_bytes: int) -> None:
    """As `ulimit -d`, which counts in KiB; a limit that is lower already stays."""
    wanted = memory_bytes // 1024 * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))
