"""Columns that the engine says are void and that hold values all the same.

Sail (0.7.2) gives a union the types of its first branch where that has none: `lit(None)` above a column of doubles is
void to it, and its rows are doubles. What rows have is seen from a row, which `typed` looks at, and then cast to, so that
nobody takes the column for one without values.
"""

from __future__ import annotations

import base64
from typing import Any, Iterator, Optional, Tuple

from awsglue import _engine
from awsglue import gluetypes as g
from awsglue._columns import child, col, struct_of
from awsglue._types import from_spark, to_spark


def typed(df: Any, kind: g.StructType) -> Tuple[Any, g.StructType]:
    """Data frame and schema with the types that the rows have, where the engine's schema has none."""
    if not _has_void(kind) or _engine.is_spark():
        return df, kind
    found = _of_rows(df)
    if found is None:
        return df, kind
    made = _filled(kind, found)
    if made == kind:
        return df, kind
    assert isinstance(made, g.StructType)
    columns = [_cast(col(field.name), field.dataType, made.getField(field.name).dataType).alias(field.name)
               for field in kind.fields]
    return df.select(*columns), made


def _has_void(kind: g.DataType) -> bool:
    if isinstance(kind, g.StructType):
        return any(_has_void(field.dataType) for field in kind.fields)
    if isinstance(kind, g.ArrayType):
        return _has_void(kind.elementType)
    return isinstance(kind, g.NullType) or isinstance(kind, g.MapType) and _has_void(kind.valueType)


def _of_rows(df: Any) -> Optional[g.DataType]:
    """The types of the first row; None when there is none."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import from_arrow_schema

    told = df.limit(1).mapInArrow(_told, "schema string").collect()
    if not told:
        return None
    return from_spark(from_arrow_schema(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(told[0]["schema"])))))


def _told(batches: Iterator[Any]) -> Iterator[Any]:
    """Per batch with rows its schema, as text."""
    import pyarrow as pa

    for batch in batches:
        if batch.num_rows:
            plain = batch.schema.remove_metadata().serialize().to_pybytes()
            yield pa.RecordBatch.from_pydict({"schema": [base64.b64encode(plain).decode("ascii")]})


def _filled(kind: g.DataType, found: g.DataType) -> g.DataType:
    """A type with what was found in the place of what is void."""
    if isinstance(kind, g.NullType):
        return found
    if isinstance(kind, g.StructType) and isinstance(found, g.StructType):
        return g.StructType([g.Field(f.name, _filled(f.dataType, found.getField(f.name).dataType) if found.hasField(f.name)
                                     else f.dataType) for f in kind.fields])
    if isinstance(kind, g.ArrayType) and isinstance(found, g.ArrayType):
        return g.ArrayType(_filled(kind.elementType, found.elementType))
    if isinstance(kind, g.MapType) and isinstance(found, g.MapType):
        return g.MapType(_filled(kind.valueType, found.valueType))
    return kind


def _cast(column: Any, kind: g.DataType, target: g.DataType) -> Any:
    """A column in the type that its values have; structures part by part."""
    if kind == target:
        return column
    if isinstance(kind, g.StructType) and isinstance(target, g.StructType):
        return struct_of([_cast(child(column, field.name), field.dataType, target.getField(field.name).dataType)
                          .alias(field.name) for field in kind.fields], column.isNotNull())
    return column.cast(to_spark(target))
