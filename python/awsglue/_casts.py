"""Values in other types, as mappings and `cast:` have it: null where a value has none there.

The rules are those of visual jobs (docs/jobs.md, ApplyMapping), twice: as expressions for the engine, and for single values
of Python, where choices lie inside arrays and where partitions have texts. What the engine reads in another way is brought
into a form in which it does not.
"""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any, List, Optional

from awsglue import gluetypes as g
from awsglue._columns import child, null_of, try_cast
from awsglue._types import to_spark
from awsglue.errors import DataError, NotBuilt

# What a text must be to be a moment at all. Engines take `12:30` for a time of this very day.
_MOMENT = r"^\s*[+-]?[0-9]{4,7}([- T]|\s*$)"
# A date with a time behind it, of which only the blank is known to engines.
_DATE_WITH_TIME = r"^(\s*[+-]?[0-9]{4,7}(-[0-9]{1,2}){0,2})T[\s\S]*$"


# How many seconds from the epoch a timestamp can be: microseconds in 64 bits.
_SECONDS = 2**63 // 10**6


def convert(column: Any, source: g.DataType, target: g.DataType) -> Any:
    """A column in another type.

    Raises `DataError` where one type has no meaning in the other: booleans as dates.
    """
    from pyspark.sql import functions as F

    wanted = to_spark(target)
    if source == target:
        return column
    if isinstance(source, (g.NullType, g.UnknownType)):
        return null_of(target)
    if isinstance(source, g.ChoiceType):
        values: List[Any] = [convert(child(column, name), kind, target) for name, kind in source.choices.items()
                             if not _is_senseless(kind, target)]
        return F.coalesce(*values) if values else null_of(target)
    if _is_senseless(source, target):
        raise DataError("a boolean cannot be cast to date: map it to int or string")
    if isinstance(source, g.StringType):
        return of_text(column, target)
    if isinstance(source, g.BooleanType) and isinstance(target, g.DecimalType):
        return try_cast(column.cast("int"), wanted)
    if isinstance(source, g.BooleanType) and isinstance(target, g.TimestampType):
        return F.timestamp_micros(column.cast("bigint"))  # true is a microsecond after the epoch, as in Spark
    if isinstance(target, g.TimestampType) and isinstance(source, (g.LongType, g.FloatType, g.DoubleType, g.DecimalType)):
        # Sail (0.7.2) goes round beyond, or fails.
        return try_cast(F.when(column.between(-_SECONDS, _SECONDS), column), wanted)
    return try_cast(column, wanted)


def _is_senseless(source: g.DataType, target: g.DataType) -> bool:
    return isinstance(source, g.BooleanType) and isinstance(target, g.DateType)


def of_text(text: Any, target: g.DataType) -> Any:
    """A column of texts in another type."""
    from pyspark.sql import functions as F

    wanted = to_spark(target)
    trimmed = F.trim(text)
    if isinstance(target, g.StringType):
        return text
    if isinstance(target, g.BinaryType):
        return try_cast(text, wanted)
    if isinstance(target, g.TimestampType):
        return try_cast(moment(trimmed), wanted)
    if isinstance(target, g.DateType):
        return try_cast(F.regexp_replace(moment(trimmed), _DATE_WITH_TIME, "$1"), wanted)
    if isinstance(target, (g.DoubleType, g.FloatType)):
        return F.coalesce(try_cast(trimmed, wanted), try_cast(_without_suffix(trimmed), wanted))
    if isinstance(target, g.DecimalType):
        return F.coalesce(try_cast(trimmed, wanted), _decimal_with_exponent(trimmed, wanted))
    if isinstance(target, (g.ByteType, g.ShortType, g.IntegerType, g.LongType)):
        # Without its fraction first: a double would not hold all digits of a long.
        whole = F.regexp_replace(trimmed, r"^(\s*[+-]?[0-9]+)\.[0-9]*\s*$", "$1")
        return F.coalesce(try_cast(trimmed, wanted), try_cast(whole, wanted),
                          try_cast(try_cast(_without_suffix(trimmed), "double"), wanted))
    return try_cast(trimmed, wanted)


def moment(text: Any) -> Any:
    """A text that may be a date or a timestamp; null for others, which engines give a meaning."""
    from pyspark.sql import functions as F

    return F.when(text.rlike(_MOMENT), text)


def _without_suffix(text: Any) -> Any:
    """Without the letter that Java takes behind a number: `1.5D`."""
    from pyspark.sql import functions as F

    return F.regexp_replace(text, r"([0-9.])[dDfF](\s*)$", "$1$2")


def _decimal_with_exponent(text: Any, wanted: Any) -> Any:
    """`1e3` as a decimal, which engines take for none: by the double's own text, which has its digits as they were."""
    from pyspark.sql import functions as F

    number = try_cast(F.when(text.rlike(r"^\s*[+-]?[0-9.]+[eE][+-]?[0-9]+\s*$"), text), "double")
    return F.coalesce(try_cast(number.cast("string"), wanted), try_cast(number, wanted))


def cast_value(value: Any, wanted: g.DataType) -> Any:
    """A Python value in another type, or None where it has none there; as `convert` does it."""
    if value is None:
        return None
    try:
        return _cast_value(value.strip(_BLANK) if isinstance(value, str) and wanted.typeName() != "string" else value, wanted)
    except (ValueError, ArithmeticError, TypeError):
        return None


_BLANK = " \t\n\r\x0b\x0c"
_RANGE = {"byte": 7, "short": 15, "int": 31, "long": 63}
_BOOLEANS = {"t": True, "true": True, "y": True, "yes": True, "1": True, "f": False, "false": False, "n": False,
             "no": False, "0": False}
_NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)([df]?)|[+-]?inf(?:inity)?|[+-]?nan", re.I)
_DAY = r"\+?([0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?"
_DATE = re.compile(_DAY + r"(?:[ T][\s\S]*)?")
_TIMESTAMP = re.compile(_DAY + r"(?:[ T]([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?)?)?\s*(?:UTC|GMT|UT)?"
                        r"(?:Z|([+-])([0-9]{1,2})(?::([0-9]{1,2}))?)?)?")


def _cast_value(value: Any, wanted: g.DataType) -> Any:
    name = wanted.typeName()
    if name == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if name in _RANGE:
        number = _whole(value)
        return number if -(2 ** _RANGE[name]) <= number < 2 ** _RANGE[name] else None
    if name in ("double", "float"):
        return float(_number(value)[0])
    if name == "boolean":
        return _BOOLEANS.get(value.lower()) if isinstance(value, str) else bool(value)
    if isinstance(wanted, g.DecimalType):
        return _decimal(value, wanted)
    if name == "date":
        found = _DATE.fullmatch(str(value))
        return found and datetime.date(*(int(part or 1) for part in found.groups()))
    if name == "timestamp":
        return _timestamp(value)
    raise NotBuilt(f"cast:{name} inside an array", "use map")


def _number(value: Any) -> Any:
    """A text that is a number, without what Java takes behind it, and whether there was such a letter."""
    if not isinstance(value, str):
        return value, False
    found = _NUMBER.fullmatch(value)
    if not found:
        raise ValueError(value)
    return found.group(1) or value, bool(found.group(2))


def _whole(value: Any) -> int:
    number, _ = _number(value)
    if isinstance(number, str) and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", number):
        return int(number.partition(".")[0])
    return int(float(number)) if isinstance(number, str) else int(number)


def _decimal(value: Any, wanted: g.DecimalType) -> Optional[decimal.Decimal]:
    number, has_suffix = _number(int(value) if isinstance(value, bool) else value)
    if has_suffix:
        return None
    exact = decimal.Decimal(str(number)).quantize(decimal.Decimal(1).scaleb(-wanted.scale), rounding=decimal.ROUND_HALF_UP)
    return exact if len(exact.as_tuple().digits) <= wanted.precision else None


def _timestamp(value: Any) -> Optional[datetime.datetime]:
    utc = datetime.timezone.utc
    if isinstance(value, bool):
        return datetime.datetime(1970, 1, 1, microsecond=int(value), tzinfo=utc)
    if isinstance(value, (int, float)):
        return datetime.datetime(1970, 1, 1, tzinfo=utc) + datetime.timedelta(seconds=value)
    found = _TIMESTAMP.fullmatch(str(value))
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    micros = int(((fraction or "") + "000000")[:6])
    read = datetime.datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
                             micros, tzinfo=utc)
    offset = datetime.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return read + offset if sign == "-" else read - offset
