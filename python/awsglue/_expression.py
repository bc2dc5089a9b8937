"""Expressions as documents that the server evaluates (`files/write`): what `_lower` asks of an engine's columns and functions.

A document is `{"Field": name}`, `{"Literal": value}` or `{"Call": {"Name": operation, "Of": [document, …]}}`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from awsglue._trace import Untraceable


def _two(name: str) -> Callable[[Any, Any], "Expression"]:
    return lambda self, other: _call(name, self, other)


class Expression:
    """A column of the server's."""

    def __init__(self, document: Dict[str, Any]) -> None:
        self.document = document

    __and__, __or__ = _two("and"), _two("or")
    __eq__, __ne__ = _two("=="), _two("!=")  # type: ignore[assignment]
    __lt__, __le__, __gt__, __ge__ = _two("<"), _two("<="), _two(">"), _two(">=")
    __add__, __sub__, __mul__ = _two("+"), _two("-"), _two("*")
    eqNullSafe = _two("same")
    __hash__ = None  # type: ignore[assignment]

    def __invert__(self) -> "Expression":
        return _call("not", self)

    def isNull(self) -> "Expression":
        """Whether there is no value."""
        return _call("isnull", self)

    def startswith(self, text: str) -> "Expression":
        """Whether a text begins so."""
        return _call("startswith", self, lit(text))

    def endswith(self, text: str) -> "Expression":
        """Whether a text ends so."""
        return _call("endswith", self, lit(text))

    def cast(self, kind: str) -> "Expression":
        """A number as `double`."""
        return _call(kind, self)


def _call(name: str, *operands: Expression) -> Expression:
    return Expression({"Call": {"Name": name, "Of": [operand.document for operand in operands]}})


def col(name: str) -> Expression:
    """The column of this very name."""
    return Expression({"Field": name})


def child(column: Expression, name: str) -> Expression:
    """Fields of structures are not asked for: tables of text have none."""
    raise Untraceable(f"it uses {name}, a field of a structure")


def lit(value: Any) -> Expression:
    """A number, text or boolean."""
    if value is None:
        raise Untraceable("it uses None as a value")
    return Expression({"Literal": value})


def coalesce(*operands: Expression) -> Expression:
    """The first that is not null."""
    return _call("coalesce", *operands)


def length(operand: Expression) -> Expression:
    """How many characters a text has."""
    return _call("length", operand)


def isnan(operand: Expression) -> Expression:
    """Whether a `double` is none."""
    return _call("isnan", operand)


def concat(*operands: Expression) -> Expression:
    """Texts one after the other."""
    return _call("concat", *operands)


def when(*_: Any) -> Expression:
    """Not asked for: only a division needs it."""
    raise Untraceable("it divides")
