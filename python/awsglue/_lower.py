"""Gives a traced expression the meaning that Python has, in columns of an engine.

Two things differ between Python and SQL. `None < 1` is an exception in Python, where SQL has an unknown; and
`None == None` is true. So every expression becomes a pair: its value, and whether Python would have raised. Numbers
are compared as Python compares them: NaN equals nothing, 0.0 equals -0.0, and no integer is rounded on the way. Where
an engine could differ, `Untraceable` is raised and the function runs in Python.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, FrozenSet, Optional, Tuple

from awsglue import _trace as t
from awsglue import gluetypes as g
from awsglue._logger import GlueLogger
from awsglue._trace import Untraceable

_EXACT = 2**53


@dataclass
class Value:
    """The value of an expression. `kind` is bool, int, float, str, none or other; `raises` is never null."""

    kind: str
    column: Any
    raises: Optional[Any] = None
    constant: Any = None
    is_constant: bool = False
    wide: bool = False
    is_open: bool = False


def lower(node: t.Node, schema: g.StructType, open_columns: FrozenSet[str] = frozenset()) -> Tuple[Any, Any]:
    """Returns two columns that are never null: the record is kept; Python would have raised.

    An open column can be put in order with a number although nobody knows yet whether it is a choice: text and null
    raise in Python alike. Anything else that is asked of one is `Untraceable`.
    """
    from pyspark.sql import functions as F

    from awsglue import _columns

    return Lowering(schema, F, _columns, open_columns).kept(node)


class Lowering:
    """Lowers the expressions over one schema, to columns that `functions` and `columns` make (`col` and `child`)."""

    def __init__(self, schema: g.StructType, functions: Any, columns: Any, open_columns: FrozenSet[str] = frozenset()) -> None:
        self.schema = schema
        self.F = functions
        self.columns = columns
        self.open_columns = open_columns

    def kept(self, node: t.Node) -> Tuple[Any, Any]:
        """See `lower`."""
        keep, raises = self.truth(node)
        raises = raises if raises is not None else self.F.lit(False)
        return keep & ~raises, raises

    def no(self, column: Any) -> Any:
        """A condition with unknown as false."""
        return self.F.coalesce(column, self.F.lit(False))

    def either(self, *conditions: Optional[Any]) -> Optional[Any]:
        """The `or` of those conditions that there are."""
        result = None
        for condition in conditions:
            if condition is not None:
                result = condition if result is None else result | condition
        return result

    def truth(self, node: t.Node) -> Tuple[Any, Optional[Any]]:
        """Whether Python takes an expression for true; and whether it raises."""
        if isinstance(node, t.Not):
            condition, raises = self.truth(node.operand)
            return ~condition, raises
        if isinstance(node, t.Logic):
            return self.logic(node)
        if isinstance(node, t.If):
            return self.branches(node)
        value = self.value(node)
        return self.truthy(value), value.raises

    def logic(self, node: t.Logic) -> Tuple[Any, Optional[Any]]:
        left, left_raises = self.truth(node.left)
        right, right_raises = self.truth(node.right)
        goes_on = left if node.operator == "and" else ~left
        later = goes_on & right_raises if right_raises is not None else None
        return (left & right if node.operator == "and" else left | right), self.either(left_raises, later)

    def branches(self, node: t.If) -> Tuple[Any, Optional[Any]]:
        condition, raises = self.truth(node.condition)
        yes, yes_raises = self.truth(node.yes)
        no, no_raises = self.truth(node.no)
        first = condition & yes_raises if yes_raises is not None else None
        second = ~condition & no_raises if no_raises is not None else None
        return (condition & yes) | (~condition & no), self.either(raises, first, second)

    def truthy(self, value: Value) -> Any:
        self.decided(value)
        if value.kind == "none":
            return self.F.lit(False)
        if value.kind == "bool":
            return self.no(value.column)
        if value.kind in ("int", "float"):
            return self.no(value.column != self.F.lit(0))
        if value.kind == "str":
            return self.no(value.column != self.F.lit(""))
        raise Untraceable("it asks for the truth of a value that is neither number nor text")

    def decided(self, *values: Value) -> None:
        """Refuses open columns."""
        if any(value.is_open for value in values):
            raise Untraceable("it asks for more than the order of a column that may be a choice")

    def value(self, node: t.Node) -> Value:
        """The value of an expression."""
        handler = getattr(self, "_" + type(node).__name__.lower(), None)
        if handler is None:
            condition, raises = self.truth(node)
            if isinstance(node, t.Not):
                return Value("bool", condition, raises)
            raise Untraceable("it uses the value of and, or, if")
        return handler(node)

    def _const(self, node: t.Const) -> Value:
        value = node.value
        if value is None:
            return Value("none", self.F.lit(None), constant=None, is_constant=True)
        if isinstance(value, float) and not math.isfinite(value):
            raise Untraceable("it uses a number that is not finite")
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise Untraceable("it uses an integer beyond 64 bits")
        return Value(type(value).__name__, self.F.lit(value), constant=value, is_constant=True)

    def _field(self, node: t.Field) -> Value:
        from awsglue._open import value_of

        col, child = self.columns.col, self.columns.child
        if len(node.path) == 1 and node.path[0] in self.open_columns:
            name, alternative = value_of(self.schema.getField(node.path[0]).dataType)  # type: ignore[arg-type]
            value = self.typed(alternative, child(col(node.path[0]), name), None)
            value.is_open = True
            return value
        kind: g.DataType = self.schema
        column: Any = None
        raises: Optional[Any] = None
        for depth, step in enumerate(node.path):
            if not isinstance(kind, g.StructType) or not kind.hasField(step):
                raise Untraceable(f"there is no field {'.'.join(node.path)}")
            kind = kind.getField(step).dataType
            if depth:
                raises = self.either(raises, column.isNull())
            column = col(step) if depth == 0 else child(column, step)
        return self.typed(kind, column, raises)

    def typed(self, kind: g.DataType, column: Any, raises: Optional[Any]) -> Value:
        """A column as a value, by its type."""
        if isinstance(kind, g.BooleanType):
            return Value("bool", column, raises)
        if isinstance(kind, (g.ByteType, g.ShortType, g.IntegerType, g.LongType)):
            return Value("int", column, raises, wide=isinstance(kind, g.LongType))
        if isinstance(kind, (g.FloatType, g.DoubleType)):
            # -0.0 + 0.0 is 0.0: some engines tell the two zeros apart.
            return Value("float", column.cast("double") + self.F.lit(0.0), raises)
        if isinstance(kind, g.StringType):
            return Value("str", column, raises)
        if isinstance(kind, g.ChoiceType):
            raise Untraceable("a field has several types")
        return Value("other", column, raises)

    def _isnone(self, node: t.IsNone) -> Value:
        operand = self.value(node.operand)
        self.decided(operand)
        if operand.kind == "none":
            return Value("bool", self.F.lit(True), operand.raises)
        return Value("bool", operand.column.isNull(), operand.raises)

    def _text(self, node: t.Text) -> Value:
        operand = self.value(node.operand)
        self.decided(operand)
        if operand.kind != "str":
            raise Untraceable(f"it asks for {node.question} of something that is no text")
        raises = self.either(operand.raises, operand.column.isNull())
        if node.question == "len":
            return Value("int", self.F.length(operand.column), raises)
        ask = operand.column.startswith if node.question == "startswith" else operand.column.endswith
        return Value("bool", self.no(ask(node.argument)), raises)

    def _arithmetic(self, node: t.Arithmetic) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        self.decided(left, right)
        kinds = {left.kind, right.kind}
        raises = self.either(left.raises, right.raises, left.column.isNull(), right.column.isNull())
        if kinds == {"str"} and node.operator == "+":
            return Value("str", self.F.concat(left.column, right.column), raises)
        # Integers grow without limit in Python; only floating-point numbers mean the same everywhere.
        if not kinds <= {"int", "float"} or "float" not in kinds:
            raise Untraceable("it computes with integers, or with something else than numbers")
        a, b = left.column.cast("double"), right.column.cast("double")
        if node.operator == "/":
            zero = self.no(b == self.F.lit(0.0))
            safe = self.F.when(zero, self.F.lit(1.0)).otherwise(b)
            return Value("float", a / safe, self.either(raises, zero))
        return Value("float", {"+": a + b, "-": a - b, "*": a * b}[node.operator], raises)

    def _compare(self, node: t.Compare) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        raises = self.either(left.raises, right.raises)
        if node.operator in ("==", "!="):
            self.decided(left, right)
            equal = self.equal(left, right)
            return Value("bool", equal if node.operator == "==" else ~equal, raises)
        return self.ordered(node.operator, left, right, raises)

    def equal(self, left: Value, right: Value) -> Any:
        """`==`, which is never unknown."""
        if "other" in (left.kind, right.kind) and "none" not in (left.kind, right.kind):
            raise Untraceable("it compares values that are neither numbers nor texts")
        if left.kind == "none" or right.kind == "none":
            known = right if left.kind == "none" else left
            return self.F.lit(True) if known.kind == "none" else known.column.isNull()
        if {left.kind, right.kind} == {"bool", "int"} or {left.kind, right.kind} == {"bool", "float"}:
            raise Untraceable("it compares a boolean with a number")
        if not self.comparable(left, right):
            return left.column.isNull() & right.column.isNull()
        a, b = self.aligned(left, right)
        same = a.eqNullSafe(b)
        return same & ~self.nan(left, a) & ~self.nan(right, b) if "float" in (left.kind, right.kind) else same

    def ordered(self, operator: str, left: Value, right: Value, raises: Optional[Any]) -> Value:
        """`<` and its like: an exception where a side is None, or of another kind."""
        kinds = {left.kind, right.kind}
        if (left.is_open or right.is_open) and not (kinds <= {"int", "float"} and (left.is_constant or right.is_constant)):
            self.decided(left, right)
        if "other" in kinds or "bool" in kinds:
            raise Untraceable("it orders values that are neither numbers nor texts")
        if "none" in kinds or not self.comparable(left, right):
            self.hopeless(f"{left.kind} {operator} {right.kind}")
            return Value("bool", self.F.lit(False), self.F.lit(True))
        a, b = self.aligned(left, right)
        result = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]
        if "float" in kinds:
            result = result & ~self.nan(left, a) & ~self.nan(right, b)
        return Value("bool", self.no(result), self.either(raises, a.isNull(), b.isNull()))

    def hopeless(self, comparison: str) -> None:
        """Remarks that a comparison raises whatever the record."""
        GlueLogger().warn(f"filter: {comparison} raises for every record: all become error records")

    def comparable(self, left: Value, right: Value) -> bool:
        numbers = ("int", "float")
        return left.kind == right.kind or (left.kind in numbers and right.kind in numbers)

    def nan(self, value: Value, column: Any) -> Any:
        if value.kind != "float" or value.is_constant:
            return self.F.lit(False)
        return self.no(self.F.isnan(column))

    def aligned(self, left: Value, right: Value) -> Tuple[Any, Any]:
        """Two sides in one type, without changing either value."""
        if left.kind == right.kind:
            return left.column, right.column
        return self.widened(left, right), self.widened(right, left)

    def widened(self, value: Value, other: Value) -> Any:
        if value.kind == "float":
            if value.is_constant and other.wide and abs(value.constant) >= _EXACT / 2:
                raise Untraceable("it compares large integers with floating-point numbers")
            return value.column
        if value.is_constant and abs(value.constant) > _EXACT:
            raise Untraceable("it compares large integers with floating-point numbers")
        if value.wide and not other.is_constant:
            raise Untraceable("it compares 64-bit integers with floating-point numbers")
        return value.column.cast("double")
