"""Types across borders: Glue's, Spark's, Arrow's and the catalog's; how two types become one.

A choice has a physical form: a structure with one nullable field per alternative, of which at most one is set. That is
exactly what `make_struct` gives, so resolving a choice in this way only forgets that it was one.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from awsglue import gluetypes as g
from awsglue.errors import DataError

# Names that scripts and the catalog use for atomic types.
_NAMES = {
    "string": g.StringType, "varchar": g.StringType, "char": g.StringType, "text": g.StringType,
    "int": g.IntegerType, "integer": g.IntegerType, "long": g.LongType, "bigint": g.LongType,
    "short": g.ShortType, "smallint": g.ShortType, "byte": g.ByteType, "tinyint": g.ByteType,
    "double": g.DoubleType, "float": g.FloatType, "real": g.FloatType,
    "boolean": g.BooleanType, "bool": g.BooleanType, "date": g.DateType, "timestamp": g.TimestampType,
    "binary": g.BinaryType, "null": g.NullType, "void": g.NullType,
}


def parse(text: str) -> g.DataType:
    """Reads a type as the catalog writes it: `bigint`, `array<struct<a:int>>`, `decimal(9,2)`."""
    parser = _Parser(text)
    found = parser.type()
    parser.end()
    return found


def parse_target(text: str) -> g.DataType:
    """Reads the type that a mapping or a cast asks for: `decimal` alone is Glue's (10,2), where the catalog's has no fraction."""
    return g.DecimalType() if text.strip().lower() == "decimal" else parse(text)


class _Parser:
    """One pass over the text of a type."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.at = 0

    def fail(self) -> DataError:
        return DataError(f"{self.text!r} is not a type: it cannot be read from character {self.at + 1} on")

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, token: str) -> bool:
        self.skip()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def need(self, token: str) -> None:
        if not self.take(token):
            raise self.fail()

    def word(self, pattern: str) -> str:
        self.skip()
        match = re.compile(pattern).match(self.text, self.at)
        if not match:
            raise self.fail()
        self.at = match.end()
        return match.group()

    def end(self) -> None:
        self.skip()
        if self.at != len(self.text):
            raise self.fail()

    def type(self) -> g.DataType:
        name = self.word(r"[A-Za-z_]+").lower()
        if name == "array":
            if not self.take("<"):
                return g.ArrayType()
            element = self.type()
            self.need(">")
            return g.ArrayType(element)
        if name == "map":
            if not self.take("<"):
                return g.MapType()
            self.type()
            self.need(",")
            value = self.type()
            self.need(">")
            return g.MapType(value)
        if name == "struct":
            return self.struct() if self.take("<") else g.StructType()
        if name == "uniontype":
            return self.choice()
        if name == "decimal":
            return self.decimal()
        if name in _NAMES:
            if name in ("varchar", "char") and self.take("("):
                self.word(r"\d+")
                self.need(")")
            return _NAMES[name]()
        raise self.fail()

    def struct(self) -> g.StructType:
        found = g.StructType()
        while not self.take(">"):
            if found.fields:
                self.need(",")
            name = self.word(r"`(?:[^`]|``)*`|[^:<>,]+")
            self.need(":")
            found.add(g.Field(name.strip("`") if name.startswith("`") else name.strip(), self.type()))
        return found

    def choice(self) -> g.ChoiceType:
        self.need("<")
        kinds = [self.type()]
        while self.take(","):
            kinds.append(self.type())
        self.need(">")
        try:
            return g.ChoiceType(kinds)
        except ValueError as error:
            raise DataError(f"{self.text!r}: {error}") from error

    def decimal(self) -> g.DecimalType:
        if not self.take("("):
            return g.DecimalType(10, 0)
        precision = int(self.word(r"\d+"))
        scale = int(self.word(r"\d+")) if self.take(",") else 0
        self.need(")")
        return g.DecimalType(precision, scale)


def merge(left: g.DataType, right: g.DataType) -> g.DataType:
    """The type of a field that is `left` in some records and `right` in others.

    Structures, arrays and maps merge part by part; different kinds become a choice; null gives way to anything.
    """
    if left == right or isinstance(right, (g.NullType, g.UnknownType)):
        return left
    if isinstance(left, (g.NullType, g.UnknownType)):
        return right
    if isinstance(left, g.ChoiceType) or isinstance(right, g.ChoiceType):
        return _merge_choices(left, right)
    if type(left) is type(right):
        return _merge_same_kind(left, right)
    return g.ChoiceType([left, right])


def _merge_same_kind(left: Any, right: Any) -> g.DataType:
    if isinstance(left, g.StructType):
        merged = g.StructType(left.fields)
        for field in right.fields:
            before = merged.field_map.get(field.name)
            merged.add(g.Field(field.name, merge(before.dataType, field.dataType) if before else field.dataType))
        return merged
    if isinstance(left, g.ArrayType):
        return g.ArrayType(merge(left.elementType, right.elementType))
    if isinstance(left, g.MapType):
        return g.MapType(merge(left.valueType, right.valueType))
    if isinstance(left, g.DecimalType):
        scale = max(left.scale, right.scale)
        whole = max(left.precision - left.scale, right.precision - right.scale)
        if whole + scale > 38:
            raise DataError(f"decimals of {left!r} and {right!r} do not fit into 38 digits")
        return g.DecimalType(whole + scale, scale)
    return left


def _merge_choices(left: g.DataType, right: g.DataType) -> g.ChoiceType:
    choices: Dict[str, g.DataType] = {}
    for side in (left, right):
        for choice in side.choices.values() if isinstance(side, g.ChoiceType) else [side]:
            name = choice.typeName()
            choices[name] = merge(choices[name], choice) if name in choices else choice
    return g.ChoiceType(list(choices.values()))


def has_choice(kind: g.DataType) -> bool:
    """Says whether there is a choice anywhere in a type."""
    if isinstance(kind, g.ChoiceType):
        return True
    if isinstance(kind, g.StructType):
        return any(has_choice(field.dataType) for field in kind.fields)
    if isinstance(kind, g.ArrayType):
        return has_choice(kind.elementType)
    return isinstance(kind, g.MapType) and has_choice(kind.valueType)


def tree(kind: g.StructType) -> str:
    """The text of `printSchema`."""
    lines = ["root"]
    for field in kind.fields:
        _branch(field.name, field.dataType, 0, lines)
    return "\n".join(lines)


def _branch(name: str, kind: g.DataType, depth: int, lines: List[str]) -> None:
    indent = "|    " * depth + "|-- "
    lines.append(f"{indent}{name}: {_shown(kind)}")
    if isinstance(kind, g.StructType):
        for field in kind.fields:
            _branch(field.name, field.dataType, depth + 1, lines)
    elif isinstance(kind, g.ArrayType):
        _branch("element", kind.elementType, depth + 1, lines)
    elif isinstance(kind, g.MapType):
        _branch("value", kind.valueType, depth + 1, lines)
    elif isinstance(kind, g.ChoiceType):
        _alternatives(kind, depth + 1, lines)


def _alternatives(kind: g.ChoiceType, depth: int, lines: List[str]) -> None:
    for choice in kind.choices.values():
        lines.append("|    " * depth + "|-- " + _shown(choice))
        if isinstance(choice, g.StructType):
            for field in choice.fields:
                _branch(field.name, field.dataType, depth + 1, lines)
        elif isinstance(choice, g.ArrayType):
            _branch("element", choice.elementType, depth + 1, lines)


def _shown(kind: g.DataType) -> str:
    if isinstance(kind, g.DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    return kind.typeName()


def to_catalog(kind: g.DataType) -> str:
    """A type as the Glue Data Catalog writes it. Choices are structures, nulls are strings, as when written."""
    if isinstance(kind, g.StructType):
        return "struct<" + ",".join(f"{field.name}:{to_catalog(field.dataType)}" for field in kind.fields) + ">"
    if isinstance(kind, g.ChoiceType):
        return to_catalog(physical(kind))
    if isinstance(kind, g.ArrayType):
        return f"array<{to_catalog(kind.elementType)}>"
    if isinstance(kind, g.MapType):
        return f"map<string,{to_catalog(kind.valueType)}>"
    names = {"long": "bigint", "short": "smallint", "byte": "tinyint", "null": "string", "unknown": "string",
             "enum": "string"}
    return names.get(kind.typeName(), _shown(kind))


def described(kind: g.StructType) -> List[Dict[str, str]]:
    """The columns of a record as the server is told of them."""
    return [{"Name": field.name, "Type": to_catalog(field.dataType)} for field in kind.fields]


def physical(kind: g.DataType) -> g.DataType:
    """A type with its choices as structures."""
    if isinstance(kind, g.ChoiceType):
        return g.StructType([g.Field(name, physical(choice)) for name, choice in kind.choices.items()])
    if isinstance(kind, g.StructType):
        return g.StructType([g.Field(field.name, physical(field.dataType)) for field in kind.fields])
    if isinstance(kind, g.ArrayType):
        return g.ArrayType(physical(kind.elementType))
    if isinstance(kind, g.MapType):
        return g.MapType(physical(kind.valueType))
    return kind


def choices_by_name(kind: g.DataType) -> g.DataType:
    """A type with the alternatives of its choices by their names, where nobody knows which came first."""
    if isinstance(kind, g.ChoiceType):
        return g.ChoiceType([choices_by_name(kind.choices[name]) for name in sorted(kind.choices)])
    if isinstance(kind, g.StructType):
        return g.StructType([g.Field(field.name, choices_by_name(field.dataType)) for field in kind.fields])
    if isinstance(kind, g.ArrayType):
        return g.ArrayType(choices_by_name(kind.elementType))
    return g.MapType(choices_by_name(kind.valueType)) if isinstance(kind, g.MapType) else kind


def without_nulls(kind: g.DataType) -> g.DataType:
    """A type with text where nothing is known, at any depth: files have no type for nothing."""
    if isinstance(kind, (g.NullType, g.UnknownType)):
        return g.StringType()
    if isinstance(kind, g.StructType):
        return g.StructType([g.Field(field.name, without_nulls(field.dataType)) for field in kind.fields])
    if isinstance(kind, g.ArrayType):
        return g.ArrayType(without_nulls(kind.elementType))
    return g.MapType(without_nulls(kind.valueType)) if isinstance(kind, g.MapType) else kind


def to_spark(kind: g.DataType) -> Any:
    """A type as PySpark's; choices as structures."""
    from pyspark.sql import types as s

    if isinstance(kind, g.ChoiceType):
        kind = physical(kind)
    if isinstance(kind, g.StructType):
        return s.StructType([s.StructField(field.name, to_spark(field.dataType), True) for field in kind.fields])
    if isinstance(kind, g.ArrayType):
        return s.ArrayType(to_spark(kind.elementType), True)
    if isinstance(kind, g.MapType):
        return s.MapType(s.StringType(), to_spark(kind.valueType), True)
    if isinstance(kind, g.DecimalType):
        return s.DecimalType(kind.precision, kind.scale)
    if isinstance(kind, (g.UnknownType, g.NullType)):
        return s.NullType()
    if isinstance(kind, g.EnumType):
        return s.StringType()
    return getattr(s, type(kind).__name__)()


def from_spark(kind: Any) -> g.DataType:
    """A type of PySpark as Glue's."""
    from pyspark.sql import types as s

    if isinstance(kind, s.StructType):
        return g.StructType([g.Field(field.name, from_spark(field.dataType)) for field in kind.fields])
    if isinstance(kind, s.ArrayType):
        return g.ArrayType(from_spark(kind.elementType))
    if isinstance(kind, s.MapType):
        return g.MapType(from_spark(kind.valueType))
    if isinstance(kind, s.DecimalType):
        return g.DecimalType(kind.precision, kind.scale)
    if isinstance(kind, s.TimestampNTZType):
        return g.TimestampType()
    if isinstance(kind, (s.VarcharType, s.CharType)):
        return g.StringType()
    found: Optional[type] = getattr(g, type(kind).__name__, None)
    if found is None or not issubclass(found, g.AtomicType):
        raise DataError(f"DynamicFrames have no type for Spark's {kind.simpleString()}: convert the column first")
    return found()


def to_arrow(kind: g.DataType) -> Any:
    """A type as Arrow's; choices as structures."""
    import pyarrow as pa

    if isinstance(kind, g.ChoiceType):
        kind = physical(kind)
    if isinstance(kind, g.StructType):
        return pa.struct([pa.field(field.name, to_arrow(field.dataType)) for field in kind.fields])
    if isinstance(kind, g.ArrayType):
        return pa.list_(to_arrow(kind.elementType))
    if isinstance(kind, g.MapType):
        return pa.map_(pa.string(), to_arrow(kind.valueType))
    if isinstance(kind, g.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    simple = {
        "binary": pa.binary(), "boolean": pa.bool_(), "byte": pa.int8(), "date": pa.date32(), "double": pa.float64(),
        "float": pa.float32(), "int": pa.int32(), "long": pa.int64(), "null": pa.null(), "unknown": pa.null(),
        "short": pa.int16(), "string": pa.string(), "enum": pa.string(), "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return simple[kind.typeName()]


def arrow_schema(kind: g.StructType) -> Any:
    """The Arrow schema of a frame's physical columns."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, to_arrow(field.dataType)) for field in kind.fields])
