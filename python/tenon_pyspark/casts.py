"""`Column.cast` on Sail without ANSI.

With `spark.sql.ansi.enabled` off, as AWS Glue has it, text that is no number is null. Sail keeps to that for whole
numbers, dates and times, and raises for the types below; there `try_cast` is what Spark's cast is. (For whole numbers it is not:
those that do not fit wrap around.)
"""

from __future__ import annotations

from typing import Any, Callable

_FALLIBLE = ("double", "float", "real", "decimal", "dec", "numeric", "boolean")


def casting(cast: Callable[..., Any], try_cast: Callable[..., Any]) -> Callable[..., Any]:
    """The method `cast` that gives null where Sail's own raises and Spark's does not."""

    def run(self: Any, dataType: Any) -> Any:
        from awsglue import _engine

        name = dataType if isinstance(dataType, str) else getattr(dataType, "typeName", str)()
        is_fallible = name.strip().lower().partition("(")[0] in _FALLIBLE
        return (try_cast if is_fallible and _engine.gives_null() else cast)(self, dataType)

    run.__doc__ = cast.__doc__
    run.tenon = True  # type: ignore[attr-defined]
    return run
