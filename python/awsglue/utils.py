"""`getResolvedOptions`: the arguments of a job run, by name."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from awsglue.errors import GlueArgumentError

__all__ = ["GlueArgumentError", "getResolvedOptions"]

# Arguments that Glue itself sets: always in the result, under the name with underscores.
RESERVED: Dict[str, Optional[str]] = {
    "job-bookmark-option": "job-bookmark-disable",
    "job-bookmark-from": None,
    "job-bookmark-to": None,
    "JOB_ID": None,
    "JOB_RUN_ID": None,
    "SECURITY_CONFIGURATION": None,
    "encryption-type": None,
    "enable-data-lineage": None,
    "RedshiftTempDir": None,
    "TempDir": None,
}

BOOKMARK_OPTIONS = ("job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause")


def parse(args: Sequence[str]) -> Dict[str, str]:
    """Reads `--name value` and `--name=value`; of a name that comes twice, the last counts.

    A name without a value has the value "". What belongs to no name is left out, as the script's own path is.
    """
    return {name: value or "" for name, value in _parsed(args).items()}


def _parsed(args: Sequence[str]) -> Dict[str, Optional[str]]:
    """As `parse`; a name without a value has None."""
    found: Dict[str, Optional[str]] = {}
    waiting: Optional[str] = None
    for argument in args:
        name, equals, value = argument[2:].partition("=")
        if argument.startswith("--") and name and not (waiting is not None and " " in name):
            found[name] = value if equals else None
            waiting = None if equals else name
        elif waiting is not None:
            found[waiting] = argument
            waiting = None
    return found


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> Dict[str, Any]:
    """Returns the values of `options` in `args` (`sys.argv`), and Glue's own arguments.

    Names are written without the two hyphens. Other arguments are left out. Abbreviations are not understood.

    Raises:
        GlueArgumentError: one of `options` is not among the arguments, or has no value.
    """
    if isinstance(options, str):
        raise GlueArgumentError(f"options must be a list of names, not the text {options!r}")
    read = _parsed(args)
    given = {name: value or "" for name, value in read.items()}
    missing: List[str] = []
    resolved: Dict[str, Any] = {}
    for name, default in RESERVED.items():
        value = given.get(name, default)
        if value is not None or name not in ("RedshiftTempDir", "TempDir"):
            resolved[name.replace("-", "_")] = value
    for option in options:
        name = option[2:] if option.startswith("--") else option
        if name not in given:
            missing.append(f"--{name}")
            continue
        if read[name] is None:
            raise GlueArgumentError(f"argument --{name}: expected one argument; a value that begins with -- is given as "
                                    f"--{name}=VALUE")
        resolved[name] = given[name]
        resolved[name.replace("-", "_")] = given[name]
    if missing:
        raise GlueArgumentError(f"the following arguments are required: {', '.join(missing)}")
    bookmark = resolved["job_bookmark_option"]
    if bookmark not in BOOKMARK_OPTIONS:
        raise GlueArgumentError(f"--job-bookmark-option is {bookmark!r}; it is one of {', '.join(BOOKMARK_OPTIONS)}")
    return resolved
