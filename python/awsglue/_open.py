"""Columns that may be choices: text read against a type of the catalog.

An open column has the physical form of `choice(T, string)`: the value as `T`, or the text that is none. One pass over
the data decides for all open columns at once: no text left over gives `T`, nothing but text gives `string`, both a
choice.
"""

from __future__ import annotations

from typing import Any, FrozenSet, List, Tuple

from awsglue import gluetypes as g
from awsglue._casts import moment
from awsglue._columns import child, col, try_cast
from awsglue._types import to_spark


def opened(text: Any, kind: g.DataType) -> Tuple[Any, g.ChoiceType]:
    """A text column against a type: the open column and its type. Empty text is null."""
    from pyspark.sql import functions as F

    trimmed = F.trim(text)
    present = F.when(trimmed != F.lit(""), trimmed)
    value = try_cast(moment(present) if isinstance(kind, g.TimestampType) else present, to_spark(kind))
    rest = F.when(value.isNull(), F.when(trimmed != F.lit(""), text))
    choice = g.ChoiceType([kind, g.StringType()])
    return F.struct(value.alias(kind.typeName()), rest.alias("string")), choice


def settle(df: Any, kind: g.StructType, columns: FrozenSet[str]) -> Tuple[Any, g.StructType]:
    """Data frame and schema with every open column decided."""
    from pyspark.sql import functions as F

    names = sorted(columns)
    counts = df.agg(*[
        F.count(part).alias(f"{place}_{side}")
        for place, name in enumerate(names)
        for side, part in (("value", child(col(name), _value_name(kind, name))),
                           ("text", child(col(name), "string")))
    ]).collect()[0]
    decided = {}
    for place, name in enumerate(names):
        values, texts = counts[f"{place}_value"], counts[f"{place}_text"]
        decided[name] = "both" if values and texts else "string" if texts else _value_name(kind, name)
    selected: List[Any] = []
    result = g.StructType()
    for field in kind.fields:
        way = decided.get(field.name, "both")
        if way == "both":
            selected.append(col(field.name))
            result.add(field)
            continue
        choices = field.dataType.choices  # type: ignore[attr-defined]
        selected.append(child(col(field.name), way).alias(field.name))
        result.add(g.Field(field.name, choices[way]))
    return df.select(*selected), result


def value_of(kind: g.ChoiceType) -> Tuple[str, g.DataType]:
    """The alternative of an open column that is not the text."""
    return next((name, choice) for name, choice in kind.choices.items() if name != "string")


def _value_name(kind: g.StructType, name: str) -> str:
    return value_of(kind.getField(name).dataType)[0]  # type: ignore[arg-type]
