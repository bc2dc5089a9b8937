"""Marks what is not built, so that calls fail by name and the guide's table can be made from the code."""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

from awsglue.errors import NotBuilt


def not_built(name: str, way_out: str = "") -> Callable[..., Any]:
    """A call that is documented and always refused."""

    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise NotBuilt(name, way_out)

    refuse.__name__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Documented by AWS, not built here{'; ' + way_out if way_out else ''}."
    refuse.tenon_status = ("unsupported", way_out)  # type: ignore[attr-defined]
    return refuse


def spark_alone(instead: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says in the guide that a call works on engines with a JVM, and what to do on others."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.tenon_status = ("needs Spark", instead)  # type: ignore[attr-defined]
        return function

    return mark


def partly(note: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says in the guide what a supported call does not do."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.tenon_status = ("supported", note)  # type: ignore[attr-defined]
        return function

    return mark


def status(member: Any) -> "tuple[str, str]":
    """How a member of the library stands: `supported`, `needs Spark` or `unsupported`, and a note."""
    marked: Optional[Any] = getattr(member, "tenon_status", None)
    if marked is None and isinstance(member, functools.partial):
        marked = getattr(member.func, "tenon_status", None)
    return marked or ("supported", "")
