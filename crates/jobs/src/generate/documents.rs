//! Scripts that read columns of JSON documents.
//!
//! `from_json` alone will not do. Spark has a structure of nulls for a text that is no JSON, and other engines wrap large integers
//! around, write numbers anew within text and miss the last bit of fractions. So a function in Python makes of each document one in
//! which every value is of its type, and `from_json` reads that; it also leaves nulls where a structure is null.

use formats::hive::HiveType;

use super::condition;
use super::python::text;
use crate::graph::FromJson;

/// What scripts that read documents begin with.
pub(super) const HEAD: &str = r#"
import json
import re


class _Number(str):
    """A number of JSON as it is written."""


def _parsed(text):
    """A JSON value: objects are tuples of pairs, arrays are lists, strings are as they are written. "" for what is no JSON."""
    if text is None:
        return None
    # Escapes are escaped, so that reading leaves them.
    text = re.sub(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})', lambda found: json.dumps(found.group())[1:-1], text)
    try:
        return json.loads(text, object_pairs_hook=tuple, parse_int=_Number, parse_float=_Number, parse_constant=int)
    except (ValueError, RecursionError):
        return ""


def _unescaped(written):
    """A string of JSON as text; None where half of a character is missing."""
    text = json.loads(f'"{written}"') if "\\" in written else written
    return None if re.search(r"[\ud800-\udfff]", text) else text


def _members(value):
    """The members of an object, of repeated ones the last; None for anything else."""
    found = {_unescaped(name): item for name, item in value} if isinstance(value, tuple) else {None: None}
    return None if None in found else found


def _without_blanks(value):
    """JSON as it is written, without blanks."""
    if isinstance(value, tuple):
        return "{" + ",".join(f'"{name}":{_without_blanks(item)}' for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_without_blanks, value)) + "]"
    return value if isinstance(value, _Number) else f'"{value}"' if isinstance(value, str) else json.dumps(value)


def _is_whole(number, bits=64):
    """Whether a number is an integer of so many bits."""
    return bool(re.fullmatch("-?[0-9]{1,19}", number)) and -(2 ** (bits - 1)) <= int(number) < 2 ** (bits - 1)


def _fitted(value, kind):
    """A value of JSON as one of a type; None where it is of another."""
    name = kind.typeName()
    if value is None:
        return None
    if name == "string":
        return _unescaped(value) if type(value) is str else _without_blanks(value)
    if name == "boolean":
        return value if isinstance(value, bool) else None
    if name == "array":
        return [_fitted(item, kind.elementType) for item in value] if isinstance(value, list) else None
    if name in ("struct", "map"):
        found = _members(value)
        if found is not None and name == "map":
            return {own: _fitted(found[own], kind.valueType) for own in sorted(found)}
        return found and {field.name: _fitted(found.get(field.name), field.dataType) for field in kind.fields}
    bits = {"byte": 8, "short": 16, "integer": 32, "long": 64}.get(name)
    return value if isinstance(value, _Number) and (not bits or _is_whole(value, bits)) else None


def _with_documents(df, column, name, schema=None):
    """The frame with a column's JSON documents as values of the schema or, without one, of the type that all of them have."""
    kind = df.select(F.col(column)).schema.fields[0].dataType
    if kind.typeName() != "string":
        raise ValueError(f"{column.replace('`', '')} is {kind.simpleString()}, and JSON documents are text")
    schema = schema or _type_of_documents(df, column)
    if schema != "string":
        kind = df.select(F.from_json(F.col(column), schema)).schema.fields[0].dataType

    def fitting(text):
        value = _parsed(text)
        value = _fitted(value, kind) if isinstance(value, (tuple, list)) else None
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    # Engines differ in what they make of values of another type, which are null here, and of numbers, which a cast reads of text.
    made = F.udf(fitting)(F.col(column))
    if schema != "string":
        texts = re.sub('(ype":)"(byte|short|integer|long|float|double)"', r'\1"string"', kind.json())
        made = F.from_json(made, texts).cast(kind)
    return df.withColumn(name, made)
"#;

/// What scripts that look for the type of documents begin with, behind [`HEAD`].
pub(super) const TYPE_HEAD: &str = r#"
import pandas

_MAX_NAMES = 10000


def _shape(value, levels=32):
    """The type of a JSON value: a name, a list with that of its elements, or the members with theirs. None is that of null."""
    if value is None or isinstance(value, bool):
        return value if value is None else "boolean"
    if isinstance(value, _Number):
        return "bigint" if _is_whole(value) else "double" if re.search("[.eE]", value) else "string"
    if isinstance(value, str) or not levels:
        return "string"
    if isinstance(value, list):
        item = None
        for one in value:
            item = _widened(item, _shape(one, levels - 1))
        return [item]
    found = _members(value)
    return found and {name: _shape(item, levels - 1) for name, item in found.items()}


def _widened(one, other):
    """The type of values of both types."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, list) and isinstance(other, list):
        return [_widened(one[0], other[0])]
    if isinstance(one, dict) and isinstance(other, dict):
        for name, found in other.items():
            one[name] = _widened(one.get(name), found)
        return one
    numbers = ("bigint", "double")
    return one if one == other else "double" if one in numbers and other in numbers else "string"


def _count_names(kind):
    """How many members structures have."""
    if isinstance(kind, list):
        return _count_names(kind[0])
    return sum(1 + _count_names(item) for item in kind.values()) if isinstance(kind, dict) else 0


def _look(frames):
    """What is in a part of the texts: how many documents and others, and the type. Too many names end the look."""
    documents, others, kind = 0, 0, None
    for frame in frames:
        values = [] if _count_names(kind) > _MAX_NAMES else map(_parsed, frame["text"])
        for value in values:
            if isinstance(value, (tuple, list)):
                documents, kind = documents + 1, _widened(kind, _shape(value))
            elif value is not None:
                others += 1
    yield pandas.DataFrame({"found": [json.dumps([documents, others, kind])]})


def _sql_type(kind, column):
    """A type in SQL."""
    if isinstance(kind, list):
        return f"array<{_sql_type(kind[0], column)}>"
    if not isinstance(kind, dict) or not kind:
        return kind or "string"
    fields, known = [], set()
    for name in sorted(kind):
        if not name.strip():
            raise ValueError(f"{column} has a member without a name; give a schema without it")
        if name.lower() in known:
            raise ValueError(f"{column} has members named {name} whose names differ in case only; give a schema with one of them")
        known.add(name.lower())
        fields.append("`" + name.replace("`", "``") + "`: " + _sql_type(kind[name], column))
    return f"struct<{', '.join(fields)}>"


def _type_of_documents(df, column):
    """The type that all documents of a column have, which are read once for it."""
    documents, others, kind = 0, 0, None
    for row in df.select(F.col(column).alias("text")).mapInPandas(_look, "found string").collect():
        found = json.loads(row["found"])
        documents, others, kind = documents + found[0], others + found[1], _widened(kind, found[2])
    if _count_names(kind) > _MAX_NAMES:
        raise ValueError(f"the documents of JSON have more than {_MAX_NAMES} different members, which are data rather than names; "
                         "give a schema such as MAP<STRING,STRING>, or take values with gs_extract_json")
    column = column.replace("`", "")
    if others and not documents:
        raise ValueError(f"{column} has no JSON: none of its {others} texts is an object or an array")
    if kind == "string":
        raise ValueError(f"{column} has objects in some rows and arrays in others, which no one type holds; give the schema of "
                         "those that are wanted, the others become null")
    kind = _sql_type(kind, column)
    if others:
        glueContext.get_logger().warn(
            f"{others} of {others + documents} texts of {column} are no JSON objects or arrays, and become null")
    return kind
"#;

/// The call that reads the documents of a frame.
pub(super) fn read(own: &FromJson, df: &str) -> String {
    let schema = own.schema.as_ref().map_or_else(String::new, |ty| format!(", {}", text(&sql(ty))));
    format!("_with_documents({df}, {}, {}{schema})", text(&condition::field(&own.column)), text(&own.name))
}

/// A type as Spark reads it: with the names of fields in backticks, whatever is in them.
fn sql(ty: &HiveType) -> String {
    match ty {
        HiveType::Array(item) => format!("array<{}>", sql(item)),
        HiveType::Map(key, value) => format!("map<{}, {}>", sql(key), sql(value)),
        HiveType::Struct(fields) => {
            let fields =
                fields.iter().map(|(name, ty)| format!("`{}`: {}", name.replace('`', "``"), sql(ty)));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}
