"""Records as Python sees them, and the functions that an engine's workers run over batches of them.

A physical row comes from Arrow: structures are dicts, choices are structures with one alternative set. `unpack` makes
the value of it that a script expects, `pack` the way back, `infer` the type of a value that a script made.
"""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any, Callable, Dict, Iterator, List, Optional

from awsglue import _types
from awsglue import gluetypes as g
from awsglue._nulls import batch_of

# Columns that workers add: the exception of a record that failed, and that record as JSON.
ERROR = "__tenon_error"
FAILED = "__tenon_failed"


class DynamicRecord(dict):
    """A record that describes itself: fields by key, and by attribute where the name allows it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the record has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the record has no field {name!r}") from None


def record(row: Dict[str, Any], kind: g.StructType) -> DynamicRecord:
    """The record of a physical row."""
    return DynamicRecord((field.name, unpack(row.get(field.name), field.dataType)) for field in kind.fields)


def unpack(value: Any, kind: g.DataType) -> Any:
    """The Python value of a physical one."""
    if value is None:
        return None
    if isinstance(kind, g.ChoiceType):
        for name, choice in kind.choices.items():
            if value.get(name) is not None:
                return unpack(value[name], choice)
        return None
    if isinstance(kind, g.StructType):
        return {field.name: unpack(value.get(field.name), field.dataType) for field in kind.fields}
    if isinstance(kind, g.ArrayType):
        return [unpack(element, kind.elementType) for element in value]
    if isinstance(kind, g.MapType):
        pairs = value.items() if isinstance(value, dict) else value
        return {key: unpack(element, kind.valueType) for key, element in pairs}
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def infer(value: Any, hint: Optional[g.DataType] = None) -> g.DataType:
    """The type of a Python value. `hint` is the type that the field had before, and stays where the value fits it."""
    if value is None:
        return g.NullType()
    if isinstance(hint, g.ChoiceType):
        for choice in hint.choices.values():
            found = infer(value, choice)
            if found == choice:
                return found
        hint = None
    if isinstance(value, dict):
        before = hint.field_map if isinstance(hint, g.StructType) else {}
        if isinstance(hint, g.MapType):
            return g.MapType(merged([infer(v, hint.valueType) for v in value.values()]))
        fields = [g.Field(str(k), infer(v, before[str(k)].dataType if str(k) in before else None))
                  for k, v in value.items()]
        return g.StructType(fields)
    if isinstance(value, (list, tuple)):
        element = hint.elementType if isinstance(hint, g.ArrayType) else None
        return g.ArrayType(merged([infer(v, element) for v in value]))
    return _infer_atomic(value, hint)


_BITS = {"byte": 7, "short": 15, "int": 31, "long": 63}


def _infer_atomic(value: Any, hint: Optional[g.DataType]) -> g.DataType:
    if isinstance(value, bool):
        return g.BooleanType()
    if isinstance(value, int):
        name = hint.typeName() if hint is not None else ""
        if name in _BITS and -(2 ** _BITS[name]) <= value < 2 ** _BITS[name]:
            return hint  # type: ignore[return-value]
        if -(2**31) <= value < 2**31:
            return g.IntegerType()
        return g.LongType() if -(2**63) <= value < 2**63 else g.StringType()
    if isinstance(value, float):
        return hint if isinstance(hint, g.FloatType) else g.DoubleType()
    if isinstance(value, str):
        return g.StringType()
    if isinstance(value, (bytes, bytearray)):
        return g.BinaryType()
    if isinstance(value, datetime.datetime):
        return g.TimestampType()
    if isinstance(value, datetime.date):
        return g.DateType()
    if isinstance(value, decimal.Decimal):
        return _infer_decimal(value, hint)
    raise TypeError(f"a record cannot hold a value of type {type(value).__name__}")


def _infer_decimal(value: decimal.Decimal, hint: Optional[g.DataType]) -> g.DataType:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError(f"a record cannot hold the decimal {value}")
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale)
    if isinstance(hint, g.DecimalType) and scale <= hint.scale and precision - scale <= hint.precision - hint.scale:
        return hint
    return g.DecimalType(max(precision, 1), scale)


_WIDER = ["byte", "short", "int", "long"]


def widen(left: g.DataType, right: g.DataType) -> g.DataType:
    """Merges types within one data set: integers become the larger of the two, all else merges as everywhere."""
    a, b = left.typeName(), right.typeName()
    if a in _WIDER and b in _WIDER:
        return left if _WIDER.index(a) >= _WIDER.index(b) else right
    if isinstance(left, g.StructType) and isinstance(right, g.StructType):
        result = g.StructType(left.fields)
        for field in right.fields:
            known = result.field_map.get(field.name)
            result.add(g.Field(field.name, widen(known.dataType, field.dataType) if known else field.dataType))
        return result
    if isinstance(left, g.ArrayType) and isinstance(right, g.ArrayType):
        return g.ArrayType(widen(left.elementType, right.elementType))
    if isinstance(left, g.MapType) and isinstance(right, g.MapType):
        return g.MapType(widen(left.valueType, right.valueType))
    if isinstance(left, g.ChoiceType) or isinstance(right, g.ChoiceType):
        return _widen_choices(left, right)
    return _types.merge(left, right)


def _widen_choices(left: g.DataType, right: g.DataType) -> g.DataType:
    result: List[g.DataType] = []
    for side in (left, right):
        for choice in side.choices.values() if isinstance(side, g.ChoiceType) else [side]:
            for place, known in enumerate(result):
                together = widen(known, choice)
                if not isinstance(together, g.ChoiceType):
                    result[place] = together
                    break
            else:
                result.append(choice)
    return g.ChoiceType(result) if len(result) > 1 else result[0]


def merged(types: List[g.DataType]) -> g.DataType:
    """The type of all of these; null for none."""
    result: g.DataType = g.NullType()
    for kind in types:
        if kind != result:
            result = widen(result, kind)
    return result


def pack(value: Any, kind: g.DataType) -> Any:
    """The physical value of a Python one. A value that does not fit the type is an error, never another value."""
    if value is None or isinstance(kind, (g.NullType, g.UnknownType)):
        return None
    if isinstance(kind, g.ChoiceType):
        return _pack_choice(value, kind)
    if isinstance(kind, g.StructType):
        return {field.name: pack(value.get(field.name), field.dataType) for field in kind.fields}
    if isinstance(kind, g.ArrayType):
        return [pack(element, kind.elementType) for element in value]
    if isinstance(kind, g.MapType):
        return [(str(key), pack(element, kind.valueType)) for key, element in value.items()]
    if isinstance(kind, g.StringType):
        return value if isinstance(value, str) else str(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.timezone.utc)
    if isinstance(kind, g.DecimalType):
        return value.quantize(decimal.Decimal(1).scaleb(-kind.scale), context=decimal.Context(prec=kind.precision))
    return value


def _pack_choice(value: Any, kind: g.ChoiceType) -> Dict[str, Any]:
    result: Dict[str, Any] = {name: None for name in kind.choices}
    for name, choice in kind.choices.items():
        found = infer(value, choice)
        if widen(found, choice) == choice:
            result[name] = pack(value, choice)
            return result
    raise TypeError(f"the value {value!r} is none of {', '.join(kind.choices)}")


def failure(error: BaseException, row: Dict[str, Any], kind: g.StructType) -> Dict[str, str]:
    """The marks of a row for which the script's function raised."""
    return {ERROR: f"{type(error).__name__}: {error}", FAILED: json.dumps(record(row, kind), default=str)}


def _marked(kind: g.StructType) -> Any:
    import pyarrow as pa

    return _types.arrow_schema(kind).append(pa.field(ERROR, pa.string())).append(pa.field(FAILED, pa.string()))


def filtering(function: Callable[[Any], Any], kind: g.StructType) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Batches with those rows for which `function` is true, and those for which it raised, marked with the error."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        schema = _marked(kind)
        for batch in batches:
            kept = []
            for row in batch.to_pylist():
                try:
                    if function(record(row, kind)):
                        kept.append(row)
                except Exception as error:  # whatever the script's function raises makes an error record
                    kept.append({**row, **failure(error, row, kind)})
            yield batch_of(kept, schema)

    return run


def inferring(function: Callable[[Any], Any], kind: g.StructType) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Per batch one text: the type of what `function` makes of its records, as JSON. Nobody knows the place of a batch."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            found: g.DataType = g.StructType()
            for row in batch.to_pylist():
                try:
                    found = widen(found, infer(_made(function, row, kind), kind))
                except Exception:  # such records are error records: `mapping` reports them
                    continue
            yield pa.RecordBatch.from_pydict({"place": pa.array([0], pa.int64()), "kind": [json.dumps(found.jsonValue())]})

    return run


def _made(function: Callable[[Any], Any], row: Dict[str, Any], kind: g.StructType) -> Dict[str, Any]:
    made = function(record(row, kind))
    if not isinstance(made, dict):
        raise TypeError(f"the function must return a record; it returned {type(made).__name__}")
    return made


def mapping(
    function: Callable[[Any], Any], kind: g.StructType, target: g.StructType
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Batches of what `function` makes of the records; a record for which it raised is nulls and the error."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        schema = _marked(target)
        for batch in batches:
            rows = []
            for row in batch.to_pylist():
                try:
                    rows.append(pack(_made(function, row, kind), target))
                except Exception as error:  # whatever the script's function raises makes an error record
                    rows.append(failure(error, row, kind))
            yield batch_of(rows, schema)

    return run


def rewriting(
    function: Callable[[Dict[str, Any]], Dict[str, Any]], target: g.StructType
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Batches of physical rows changed by one of this library's own functions; an exception fails the run."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        schema = _types.arrow_schema(target)
        for batch in batches:
            yield batch_of([function(row) for row in batch.to_pylist()], schema)

    return run
