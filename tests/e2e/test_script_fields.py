"""Scripts of graphs whose nodes name more than plain columns: parts of structures, names with dots and other odd letters, in another
case, fields that keep their types. They give the rows that the engine gives."""

import datetime
import decimal
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_script_nodes import Both, numbered

STAY = {"a.b": 1, "__key_0": 7, "o d`d!é": "w", "a-b": 1}
# Of each row there are two. A structure may be null, as may be a part of it, or be left out.
ROWS = [
    {"id": 1, "day": "1", "s": {"x": 1, "y.z": "a", "o d`d": "p"}, "t": {"u": {"v": 1.5}}, **STAY},
    {"id": 2, "day": "1", "s": {"x": 1, "y.z": "b", "o d`d": "p"}, "t": {"u": {"v": 1.5}}, **STAY},
    {"id": 3, "day": "2", "s": {"x": None, "y.z": "a"}, "t": {"u": None}, **STAY, "a.b": 2, "__key_0": None},
    {"id": 4, "day": "2", "s": None, "t": None, **STAY, "a.b": None, "o d`d!é": None, "a-b": None},
    {"id": 5, "day": None, "s": {"x": 2, "y.z": None, "o d`d": "q"}, "t": {"u": {"v": -0.0}}, **STAY, "o d`d!é": "v"},
    {"id": 6, "day": "1", "s": {"x": 2, "o d`d": "q"}, "t": {"u": {"v": 0.0}}, **STAY, "a.b": 2},
]
# What replaces some of them.
STAGING = [
    {"id": 1, "day": "9", "s": {"x": 1, "y.z": "new", "o d`d": "p"}, **STAY},
    {"id": 7, "day": "9", "s": {"x": None, "y.z": "null", "o d`d": None}, **STAY, "a.b": None, "__key_0": None},
    {"id": 8, "day": "9", "s": None, **STAY, "a.b": 3, "more": "m"},
]
PARTNERS = [
    {"day": "1", "n": 1, "other": {"x": 2}, "v": "a", "l.l": 1},
    {"day": "1", "n": 2, "other": {"x": 1}, "v": "b", "l.l": 2},
    {"day": "2", "n": None, "other": None, "v": "c", "l.l": 2},
    {"day": None, "n": 2, "other": {"x": None}, "v": "d", "l.l": None},
    {"day": "7", "n": 1, "other": {"x": 7}, "v": "e", "l.l": 9},
]
# Keys of DropDuplicates, whose names AWS's model bounds, with how many rows have others.
DISTINCT = [
    ([["s", "x"]], 3), ([["t", "u", "v"]], 3), ([["s", "x"], ["day"]], 4), ([["s"]], 5), ([["S", "X"], ["DAY"]], 4),
    ([["__key_0"], ["s", "x"]], 4), ([["a-b"], ["s"]], 5),
]
MERGES = [
    [["s", "x"]], [["s", "x"], ["day"]], [["s", "y.z"], ["s", "o d`d"]], [["s.x"]], [["a.b"]], [["o d`d!é"]], [["S", "X"], ["A.B"]],
    [["__key_0"], ["s", "x"]], [["id"]],
]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def both(tenon):
    made = Both(tenon)
    made.put("rows/a.json", lines(ROWS + ROWS))
    made.put("staging/a.json", lines(STAGING))
    made.put("partners/a.json", lines(PARTNERS))
    return made


def compared(both, *graphs):
    """What the engine leaves of these graphs, run as one, which is what their script leaves."""
    nodes = {}
    for number, graph in enumerate(graphs):
        nodes.update(numbered(graph, number))
    wanted, made = (both.left(nodes, as_script)[0] for as_script in (False, True))
    assert wanted and made == wanted
    return wanted


def names(rows):
    return {name for row in rows for name, _ in row}


def distinct(both, keys, *between):
    drop = {"DropDuplicates": {"Name": "d", "Inputs": ["rows"], "Columns": keys}}
    return {"rows": both.json("rows"), "d": drop, **dict(between)}


def test_duplicates_by_fields_of_all_kinds(both):
    """Which row stays nobody says; its keys are looked at. They keep their types, which no mapping names."""
    graphs = []
    for keys, _ in DISTINCT:
        mapping = [{"FromPath": key, "ToKey": f"k{at}"} for at, key in enumerate(keys)]
        kept = ("kept", {"ApplyMapping": {"Name": "kept", "Inputs": ["d"], "Mapping": mapping}})
        graphs.append(distinct(both, keys, kept, ("out", both.parquet("kept", "out"))))
    found = compared(both, *graphs)
    assert [len(found[f"out/{number}"]) for number in range(len(DISTINCT))] == [count for _, count in DISTINCT]


def test_of_duplicates_nothing_else_changes(both):
    keys = [["id"], ["s", "x"]]
    [rows] = compared(both, distinct(both, keys, ("out", both.parquet("d", "out")))).values()
    assert len(rows) == len(ROWS) and names(rows) == set(ROWS[0])


@pytest.mark.parametrize("source", ["rows", "staging"])
def test_a_merge_by_fields_of_all_kinds(both, source):
    graphs = []
    for keys in MERGES:
        merge = {"Name": "m", "Inputs": ["rows", "staging"], "Source": source, "PrimaryKeys": keys}
        graphs.append({"rows": both.json("rows"), "staging": both.json("staging"), "m": {"Merge": merge}, "out": both.parquet("m", "out")})
    found = compared(both, *graphs)
    assert len({len(rows) for rows in found.values()}) > 2
    assert all(names(rows) == {*ROWS[0], "more"} for rows in found.values())


JOINS = {
    "a column of one name and others": ([["day"], ["id"]], [["day"], ["n"]]),
    "a column of one name and parts": ([["s", "x"], ["day"]], [["other", "x"], ["day"]]),
    "the same column twice": ([["day"], ["day"]], [["day"], ["v"]]),
    "in another case": ([["DAY"]], [["day"]]),
    "parts and dots": ([["s.x"], ["a.b"], ["day"]], [["OTHER.x"], ["l.l"], ["day"]]),
}


@pytest.mark.parametrize("kind", ["equijoin", "left", "right", "outer", "leftsemi", "leftanti"])
def test_joins_by_keys_of_which_some_share_their_names(both, kind):
    graphs = []
    for left, right in JOINS.values():
        join = {"Name": "j", "Inputs": ["rows", "partners"], "JoinType": kind,
                "Columns": [{"From": "rows", "Keys": left}, {"From": "partners", "Keys": right}]}
        graphs.append({"rows": both.json("rows"), "partners": both.json("partners"), "j": {"Join": join}, "out": both.parquet("j", "out")})
    found = compared(both, *graphs)
    wanted = set(ROWS[0]) if kind.startswith("lefts") or kind.startswith("lefta") else {*ROWS[0], *PARTNERS[0]}
    assert all(names(rows) == wanted for rows in found.values())


def value(kind, *path):
    return {"Type": kind, "Value": list(path)}


@pytest.mark.parametrize("path", [["s.x"], ["a.b"], ["s", "x"], ["s", "y.z"], ["S.X"]], ids=".".join)
def test_names_with_dots_in_conditions_and_groups(both, path):
    own = value("COLUMNEXTRACTED", *path)
    kinds = [("EQ", value("CONSTANT", "a" if "y.z" in path else "1")), ("EQ", value("COLUMNEXTRACTED", "s", "x")),
             ("REGEX", value("CONSTANT", "[a1]")), ("ISNULL", None)]
    graphs = []
    for operation, other in kinds:
        if "y.z" in path and other == value("COLUMNEXTRACTED", "s", "x"):
            continue
        condition = [{"Operation": operation, "Values": [own, other] if other else [own]}]
        filtered = {"Filter": {"Name": "f", "Inputs": ["rows"], "LogicalOperator": "AND", "Filters": condition}}
        graphs.append({"rows": both.json("rows"), "f": filtered, "out": both.parquet("f", "out")})
        group = {"GroupName": "a", "LogicalOperator": "AND", "Filters": condition}
        route = {"Route": {"Name": "r", "Inputs": ["rows"], "GroupFiltersList": [group]}}
        chosen = {"SelectFromCollection": {"Name": "c", "Inputs": ["r"], "Index": 1}}
        graphs.append({"rows": both.json("rows"), "r": route, "c": chosen, "out": both.parquet("c", "out")})
    # Spark's names of what is grouped and computed are those that it is asked for.
    for group, column in [(path, ["id"]), (["day"], path)] if path != ["S.X"] else []:
        grouped = {"Aggregate": {"Name": "g", "Inputs": ["rows"], "Groups": [group],
                                 "Aggs": [{"Column": column, "AggFunc": "max"}]}}
        graphs.append({"rows": both.json("rows"), "g": grouped, "out": both.parquet("g", "out")})
    compared(both, *graphs)


TYPED = pa.table({
    "text": ["a", None], "whole": pa.array([1, None], pa.int32()), "long": pa.array([2**40, None], pa.int64()), "small": pa.array([1, 2], pa.int16()),
    "double": [1.5, None], "flag": [True, None], "day": pa.array([datetime.date(2024, 2, 3), None]),
    "price": pa.array([decimal.Decimal("1.2345"), None], pa.decimal128(12, 4)), "bytes": pa.array([b"\x00\xff", None], pa.binary()),
    "part": pa.array([{"in": {"n": 1, "a.b": "t"}}, {"in": {"n": 2, "a.b": None}}]), "list": pa.array([[1, None], None], pa.list_(pa.int64())),
    "Mixed Case": [1, 2], "d.o.t": [3, None],
})


def test_a_mapping_without_a_type_keeps_the_field_s_own(both):
    body = io.BytesIO()
    pq.write_table(TYPED, body)
    both.put("typed/a.parquet", body.getvalue())
    source = {"S3ParquetSource": {"Name": "typed", "Paths": [both.path("typed")]}}
    whole = [{"FromPath": [name], "FromType": "string", "ToKey": f"`{name}`"} for name in TYPED.column_names]
    parts = [{"FromPath": ["part", "in", "n"], "ToKey": "a.n"}, {"FromPath": ["part", "in", "a.b"], "ToKey": "`a.b`", "ToType": ""},
             {"FromPath": ["part.in.n"], "ToKey": "n", "ToType": None}, {"FromPath": ["MIXED case"], "ToKey": "mixed"},
             {"FromPath": ["part"], "ToKey": "p", "Children": [{"FromPath": ["in"], "ToKey": "inner"}]},
             {"FromPath": ["whole"], "ToKey": "w", "ToType": "choice"}, {"FromPath": ["text"], "ToKey": "t", "ToType": "null"}]
    parts = [{name: own for name, own in one.items() if own is not None} for one in parts]
    graphs = [{"typed": source, "m": {"ApplyMapping": {"Name": "m", "Inputs": ["typed"], "Mapping": mapping}}, "out": both.parquet("m", "out")}
              for mapping in (whole, parts)]
    found = compared(both, *graphs)
    assert [dict(row) for row in found["out/0"]][0].keys() == set(TYPED.column_names)
    assert sorted(map(repr, (dict(row) for row in found["out/0"]))) == sorted(
        map(repr, (dict(sorted(row.items())) for row in TYPED.to_pylist())))


def test_a_mapping_to_what_has_parts_keeps_what_is_there(both):
    both.put("empty/a.json", '{"id": 1, "none": null, "s": {"x": 1}}\n{"id": 2, "none": null, "s": {"x": 2}}\n')
    mapping = [{"FromPath": ["none"], "FromType": "struct", "ToKey": "none", "ToType": "struct"},
               {"FromPath": ["id"], "FromType": "int", "ToKey": "id", "ToType": "struct"}]
    beside = [{"FromPath": ["s"], "FromType": "struct", "ToKey": "s", "ToType": "struct"},
              {"FromPath": ["id"], "FromType": "int", "ToKey": "s.id", "ToType": "long"}]
    found = compared(both, *({"empty": both.json("empty"), "m": {"ApplyMapping": {"Name": "m", "Inputs": ["empty"], "Mapping": own}},
                              "out": both.parquet("m", "out")} for own in (mapping, beside)))
    assert found["out/1"] == [[("s", {"x": 1, "id": 1})], [("s", {"x": 2, "id": 2})]]


def test_fields_within_arrays_are_dropped(both):
    both.put("arrays/a.json", '{"id":1,"l":[{"a":1,"b":"x","in":[{"p":1,"q":2}]}],"o":{"m":[{"k":1}],"n":2}}\n{"id":2,"l":null,"o":null}\n')
    ways = [[["l", "b"], ["l", "in", "p"]], [["l.b"], ["id"]], [["o", "m", "k"], ["o", "n"]], [["l", "a"], ["l", "b"], ["l", "in"]]]
    found = compared(both, *({"arrays": both.json("arrays"), "d": {"DropFields": {"Name": "d", "Inputs": ["arrays"], "Paths": paths}},
                              "out": both.parquet("d", "out")} for paths in ways))
    assert found["out/0"][0] == [("id", 1), ("l", [{"a": 1, "in": [{"q": 2}]}]), ("o", {"m": [{"k": 1}], "n": 2})]
    assert [[name for name, _ in found[f"out/{at}"][0]] for at in (2, 3)] == [["id", "l"], ["id", "o"]]


def test_fields_of_a_structure_that_is_null(both):
    both.put("nulls/a.json", '{"id":1,"n":{"u":1,"v":2,"w":{"x":1}}}\n{"id":2,"n":null}\n{"id":3,"n":{"u":1,"v":3,"w":null}}\n')
    ways = [("SelectFields", {"Paths": [["n", "u"], ["id"]]}), ("SelectFields", {"Paths": [["n", "w", "x"], ["id"]]}),
            ("RenameField", {"SourcePath": ["n", "u"], "TargetPath": ["n", "z"]}),
            ("RenameField", {"SourcePath": ["n", "w", "x"], "TargetPath": ["n", "w", "z"]}),
            ("RenameField", {"SourcePath": ["n", "u"], "TargetPath": ["m", "z"]})]
    found = compared(both, *({"nulls": both.json("nulls"), "f": {kind: {"Name": "f", "Inputs": ["nulls"], **own}},
                              "out": both.parquet("f", "out")} for kind, own in ways))
    assert found["out/0"][1] == [("id", 2), ("n", None)] and found["out/3"][2][1] == ("n", {"u": 1, "v": 3, "w": None})


def test_a_part_of_no_structure_is_null_whatever_its_own_type_says(both):
    """Of a part that may not be null files have 0 or "" where the structure is null."""
    parts = pa.struct([pa.field("x", pa.int64(), nullable=False), pa.field("y", pa.string(), nullable=False)])
    body = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2, 3, 4], "s": pa.array([{"x": 5, "y": "a"}, None, {"x": 0, "y": ""}, None], parts)}), body)
    both.put("required/a.parquet", body.getvalue())
    both.put("required-other/a.json", '{"n": 0, "y": ""}\n{"n": 7, "y": "a"}\n')
    source = {"S3ParquetSource": {"Name": "required", "Paths": [both.path("required") + "a.parquet"]}}
    mapping = {"ApplyMapping": {"Name": "m", "Inputs": ["d"], "Mapping": [
        {"FromPath": ["s", "x"], "ToKey": "x"}, {"FromPath": ["s", "y"], "ToKey": "y", "ToType": "string"}]}}
    out = both.parquet("d", "out")
    graphs = [{"src": source, "d": {"DropDuplicates": {"Name": "d", "Inputs": ["src"], "Columns": keys}}, "m": mapping, "out": both.parquet("m", "out")}
              for keys in ([["s", "x"]], [["s", "y"], ["s", "x"]])]
    for kind, left, right in [("leftsemi", ["s", "x"], ["n"]), ("leftanti", ["s", "y"], ["y"])]:
        columns = [{"From": "src", "Keys": [left]}, {"From": "other", "Keys": [right]}]
        graphs.append({"src": source, "other": both.json("required-other"), "out": out,
                       "d": {"Join": {"Name": "d", "Inputs": ["src", "other"], "JoinType": kind, "Columns": columns}}})
    found = compared(both, *graphs)
    keys = [[("x", None), ("y", None)], [("x", 0), ("y", "")], [("x", 5), ("y", "a")]]
    assert found["out/0"] == found["out/1"] == sorted(keys, key=repr)
    assert [dict(row)["id"] for row in found["out/2"]] == [3] and [dict(row)["id"] for row in found["out/3"]] == [2, 4]


def test_a_choice_stays_one_without_a_type(both):
    both.put("choices/a.json", '{"id": 1, "v": 1, "o": {"p": "x"}}\n{"id": 2, "v": "a", "o": {"p": 1.5}}\n')
    resolve = {"DynamicTransform": {"Name": "r", "Inputs": ["m"], "TransformName": "r", "FunctionName": "resolveChoice", "Path": "", "Parameters": [
        {"Name": "specs", "Type": "list", "Value": ["own make_cols"]}]}}
    graphs = []
    for more in ({}, {"ToType": "choice"}):
        mapping = [{"FromPath": ["v"], "ToKey": "own", **more}, {"FromPath": ["o", "p"], "ToKey": "p", **more}, {"FromPath": ["id"], "ToKey": "id"},
                   {"FromPath": ["v", "string"], "ToKey": "text"}]
        graphs.append({"choices": both.json("choices"), "m": {"ApplyMapping": {"Name": "m", "Inputs": ["choices"], "Mapping": mapping}},
                       "r": resolve, "out": both.parquet("r", "out")})
    found = compared(both, *graphs)
    assert names(found["out/0"]) == {"own_int", "own_string", "p", "id", "text"} and found["out/0"] == found["out/1"]
