"""Batches in which the fields of a structure that is null are null, too.

Arrow leaves open what lies below a null structure, and builders put 0 and "" there. Sail (0.7.2) reads fields there without
a look at the structure above: `n.z < 3` would hold where there is no `n`. So nothing but nulls may lie there.
"""

from __future__ import annotations

from typing import Any, Dict, List


def batch_of(rows: List[Dict[str, Any]], schema: Any) -> Any:
    """Physical rows as a batch."""
    import pyarrow as pa

    return _whole(pa.RecordBatch.from_pylist(rows, schema=schema))


def table_of(table: Any) -> Any:
    """A table of Arrow's with the same values, and nothing but nulls below nulls."""
    import pyarrow as pa

    if not any(_holds_structures(field.type) for field in table.schema):
        return table
    return pa.Table.from_batches([_whole(batch) for batch in table.to_batches()], schema=table.schema)


def _whole(batch: Any) -> Any:
    import pyarrow as pa

    if not any(_holds_structures(field.type) for field in batch.schema):
        return batch
    return pa.RecordBatch.from_arrays([_settled(column) for column in batch.columns], schema=batch.schema)


def _holds_structures(kind: Any) -> bool:
    import pyarrow.types as t

    if t.is_list(kind):
        return _holds_structures(kind.value_type)
    return t.is_struct(kind) or t.is_map(kind) and _holds_structures(kind.item_type)


def _settled(column: Any) -> Any:
    """A column with nulls below nulls."""
    import pyarrow as pa
    import pyarrow.types as t

    kind = column.type
    if not _holds_structures(kind):
        return column
    if column.offset:  # a piece of another, which cannot be taken apart
        column = column.take(pa.array(range(len(column)), pa.int64()))
    missing = column.is_null()
    if t.is_struct(kind):
        if not kind.num_fields:
            return column
        return pa.StructArray.from_arrays([_settled(part) for part in column.flatten()], fields=list(kind), mask=missing)
    if t.is_map(kind):
        return pa.MapArray.from_arrays(column.offsets, column.keys, _settled(column.items), kind, mask=missing)
    return pa.ListArray.from_arrays(column.offsets, _settled(column.values), kind, mask=missing)
