"""Scripts that tests run."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import runpy
import subprocess
import sys
import traceback
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union


@dataclass(frozen=True)
class ScriptRun:
    """How a script ended and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


def command_line(arguments: Union[Mapping[str, Any], Sequence[str]]) -> List[str]:
    """Arguments as a shell gives them."""
    if not isinstance(arguments, Mapping):
        return [str(argument) for argument in arguments]
    return [text for name, value in arguments.items() for text in (f"--{str(name).lstrip('-')}", str(value))]


def as_process(script: str, arguments: List[str], check: bool, timeout: Optional[float],
               variables: Mapping[str, str]) -> ScriptRun:
    """Runs a script with this Python and the packages that this process sees."""
    # An engine of this process is none of the script's.
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith(("AWS_", "SPARK_", "SAIL_", "TENON_RUN_"))}
    here = str(pathlib.Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(path for path in (here, inherited.get("PYTHONPATH", "")) if path)
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**inherited, **variables, "PYTHONPATH": paths})
    ended = ScriptRun(done.returncode, done.stdout, done.stderr)
    if check and ended.exit_code != 0:
        raise AssertionError(_told(script, ended))
    return ended


def in_process(script: str, arguments: List[str], check: bool) -> ScriptRun:
    """Runs a script in this process, as `__main__`. With `check`, what it raises is raised."""
    import tenon_pyspark
    from awsglue import _staging
    from awsglue.job import Job

    tenon_pyspark.install()
    out, err = io.StringIO(), io.StringIO()
    before: Dict[str, Any] = {"argv": sys.argv, "path": list(sys.path)}
    code = 0
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(pathlib.Path(script).resolve().parent))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        if code and not isinstance(ended.code, int):
            err.write(f"{ended.code}\n")
    except Exception:
        if check:
            raise
        code = 1
        err.write(traceback.format_exc())
    finally:
        sys.argv, sys.path[:] = before["argv"], before["path"]
        Job.reset()
        _staging.clear()
    found = ScriptRun(code, out.getvalue(), err.getvalue())
    if check and code:
        raise AssertionError(_told(script, found))
    return found


def _told(script: str, ended: ScriptRun) -> str:
    return f"{script} ended with {ended.exit_code}\n{ended.stdout[-4000:]}\n{ended.stderr[-8000:]}"
