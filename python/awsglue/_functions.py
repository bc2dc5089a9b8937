"""The script's own functions on records: filters, maps, and the error records that they leave.

A filter is traced to an expression where that is certain to give the same answer (`_trace`, `_lower`); otherwise the
function runs in the engine's Python workers, over batches of records.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import Any, Callable, List, Optional

from awsglue import _records, _trace
from awsglue import gluetypes as g
from awsglue._columns import col
from awsglue._stages import Stage
from awsglue._types import choices_by_name, to_spark

# Two columns that workers add to what they return: the exception of a record that failed, and the record as JSON.
_ERROR_SCHEMA = g.StructType([g.Field("msg", g.StringType()), g.Field("dynamicRecord", g.StringType())])


def filter_records(frame: Any, function: Callable[[Any], Any], stage: Stage) -> Any:
    """The records for which `function` is true."""
    try:
        node = _trace.trace(function)
        return _traced(frame, node, stage)
    except _trace.Untraceable:
        return _filter_in_python(frame, function, stage)


def _traced(frame: Any, node: _trace.Node, stage: Stage) -> Any:
    from awsglue._lower import lower

    if frame._open:
        try:
            keep, raises = lower(node, frame._kind, frame._open)
        except _trace.Untraceable:
            keep, raises = lower(node, frame._settle()._kind)
    else:
        keep, raises = lower(node, frame._kind)
    df, kind = frame._df, frame._kind
    stage.records = lambda: _as_errors(df.where(raises), kind, f"{stage.name}: the function raised for this record")
    straight = frame._straight and frame._straight.where(node)
    return frame._derive(df.where(keep), kind, stage, frame._open, straight=straight)


def _as_errors(df: Any, kind: g.StructType, message: str) -> Any:
    return df.mapInArrow(_records.rewriting(_Report(kind, message), _ERROR_SCHEMA), to_spark(_ERROR_SCHEMA))


class _Report:
    """An error record of a physical row."""

    def __init__(self, kind: g.StructType, message: str) -> None:
        self.kind = kind
        self.message = message

    def __call__(self, row: dict) -> dict:
        return {"msg": self.message, "dynamicRecord": json.dumps(_records.record(row, self.kind), default=str)}


def _with_error(kind: g.StructType) -> g.StructType:
    marks = [g.Field(_records.ERROR, g.StringType()), g.Field(_records.FAILED, g.StringType())]
    return g.StructType(kind.fields + marks)


def _divided(frame: Any, marked: Any, kind: g.StructType, stage: Stage) -> Any:
    """A frame of the rows without an error; the others become the stage's error records."""
    good = marked.where(col(_records.ERROR).isNull()).select(*[col(field.name) for field in kind.fields])
    stage.records = lambda: marked.where(col(_records.ERROR).isNotNull()).select(
        col(_records.ERROR).alias("msg"), col(_records.FAILED).alias("dynamicRecord")
    )
    return frame._derive(good, kind, stage)


def _filter_in_python(frame: Any, function: Callable[[Any], Any], stage: Stage) -> Any:
    kind = frame._settle()._kind
    marked = frame._df.mapInArrow(_records.filtering(function, kind), to_spark(_with_error(kind)))
    return _divided(frame, marked, kind, stage)


def map_records(frame: Any, function: Callable[[Any], Any], stage: Stage) -> Any:
    """What `function` makes of the records. A first pass finds their types, so the function runs twice per action."""
    kind = frame._settle()._kind
    target = inferred(frame._df.mapInArrow(_records.inferring(function, kind), "place long, kind string"), kind)
    target = choices_by_name(target) if target.fields else kind  # type: ignore[assignment]
    marked = frame._df.mapInArrow(_records.mapping(function, kind, target), to_spark(_with_error(target)))
    return _divided(frame, marked, target, stage)


def inferred(kinds: Any, before: Optional[g.StructType] = None) -> g.StructType:
    """The schema of all, from a data frame of schemas as JSON, in the order of their places, whatever order they come in.
    Fields known before keep their order, and come first.

    A field that is null everywhere keeps the type that it had.
    """
    found: g.DataType = g.StructType()
    for row in sorted(kinds.collect(), key=lambda row: (row["place"], row["kind"])):
        found = _records.widen(found, g.from_json(json.loads(row["kind"])))
    assert isinstance(found, g.StructType)
    if before is None:
        return found
    first = [found.getField(field.name) for field in before.fields if found.hasField(field.name)]
    result = g.StructType(first + [field for field in found.fields if not before.hasField(field.name)])
    for field in result.fields:
        if isinstance(field.dataType, g.NullType) and before.hasField(field.name):
            result.add(before.getField(field.name))
    return result


def errors_of(frame: Any) -> Any:
    """A frame of the error records of all steps."""
    from pyspark.sql import functions as F

    from awsglue._engine import session
    from awsglue.dynamicframe import DynamicFrame

    parts: List[Any] = []
    for stage in frame._history:
        if stage.records is None:
            continue
        site = F.struct(F.lit(stage.site).alias("site"), F.lit(stage.info or stage.name).alias("info"))
        parts.append(stage.records().select(
            F.struct(col("msg"), site.alias("callsite"), col("dynamicRecord")).alias("error")
        ))
    if not parts:
        parts = [session().createDataFrame(
            [], "error struct<msg:string,callsite:struct<site:string,info:string>,dynamicRecord:string>")]
    return DynamicFrame(reduce(lambda a, b: a.unionAll(b), parts), frame.glue_ctx, f"{frame.name}_errors")
