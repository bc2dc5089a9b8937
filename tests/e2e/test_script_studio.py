"""AWS Glue Studio's own transforms (`gs_explode`, …): the engine and the script that `tenon job script` writes give the same rows, and
every parameter changes what comes out."""

import datetime
import json
import subprocess

import pytest

from conftest import binary
from test_script_nodes import Both, numbered

AWS = "s3://aws-glue-studio-transforms-510798373988-prod-us-east-1"
ROWS = [
    {"id": 1, "name": "ann b", "two": "x", "tags": ["p", "q"], "a": {"b": {"c": 1}, "d": "t"}, "ms": 1700000000123,
     "at": "2022-11-02T14:40:59.915Z"},
    {"id": 2, "name": "b--c", "two": "", "tags": [], "a": {"b": {"c": 2}, "d": None}, "ms": -1, "at": "2022-11-02"},
    {"id": 3, "name": "", "two": None, "tags": None, "a": None, "ms": None, "at": "x"},
]
TAGS = {"colName": "tags", "newCol": "tag"}
MOMENT = {"colName": "ms", "colType": "milliseconds", "newColName": "moment"}
# Function → its parameters, and for each of these another value.
CASES = {
    "unnest": ({}, {}),
    "gs_flatten": ({}, {"maxLevels": 1, "separator": "_"}),
    "gs_explode": (TAGS, {"colName": "`more`", "newCol": "tags", "outer": True}),
    "gs_array_to_cols": ({"colName": "tags", "colList": "one,two"}, {
        "colName": "a.x", "colList": "first, second", "indexes": "2,1"}),
    "gs_concat": ({"colName": "all", "colList": ["id", "name", "two"]}, {
        "colName": "name", "colList": ["two", "ms"], "spacer": "'\\-", "nullValue": "none"}),
    "gs_split": ({"colName": "name", "pattern": "-"}, {"colName": "at", "pattern": "[\\s-]+", "newColName": "parts"}),
    "gs_derived": ({"colName": "made", "expr": "id * 2"}, {"colName": "id", "expr": "concat(name, '!', two)"}),
    "gs_now": ({"dateFormat": "yyyy-MM"}, {"colName": "now", "dateFormat": "%Y"}),
    "gs_format_timestamp": ({"colName": "at", "dateFormat": "dd.MM.yyyy"}, {
        "colName": "id", "dateFormat": "%H:%M:%S", "newColName": "shown"}),
    "gs_to_timestamp": (MOMENT, {"colName": "id", "colType": "microseconds", "newColName": "ms"}),
    "gs_null_rows": ({}, {"extended": True}),
    "gs_repartition": ({}, {"numPartitionsStr": "2"}),
    "gs_unpivot": ({"colList": "name,two", "nameCol": "n", "valueCol": "v"}, {
        "colList": ["at", "name"], "nameCol": "which", "valueCol": "`the value`"}),
    "gs_lookup": ({"lookupTable": "d.users", "keyCols": "id", "takeCols": "city"}, {
        "lookupTable": "e.users", "keyCols": "id=user, name=nick", "takeCols": "city,zip"}),
    "gs_pivot": ({"aggCol": "v", "aggFunction": "mean", "colList": "k"}, {
        "aggCol": "n", "aggFunction": "count", "colList": ["k", "n"]}),
    "gs_extract_json": ({"colName": "j", "jsonPaths": "x,$.y['a. a'][0]", "colList": "x,y"}, {
        "colName": "s.j", "jsonPaths": "$.y,$", "colList": "id,z", "dropCol": True}),
    "gs_parse_json": ({"colName": "j"}, {"colName": "k", "newColName": "o", "schema": "t STRING"}),
    "gs_regex_extract": ({"colName": "name", "regex": "([a-z]+)\\W+([a-z])", "newCols": "one,three"}, {
        "colName": "at", "regex": "(a)n(n)", "newCols": "one,"}),
}
# More of the same parameter; and changes that change no rows.
MORE = {
    "gs_to_timestamp": [{"colType": own} for own in ("iso", "autodetect")] + [{"colName": "id", "colType": "seconds"}]
    + [{"colName": "at", "colType": own} for own in ("iso", "autodetect")],
    "gs_explode": [{"colName": "a.x", "newCol": "x"}, {"outer": True, "newCol": "tags"}],
    "gs_array_to_cols": [{"colName": "more", "indexes": "1,3"}],
    "gs_concat": [{"colList": ["a.b.c", "a.d"], "nullValue": "none"}],
    "gs_regex_extract": [{"regex": "[a-z]+", "newCols": "all"}],
    "gs_unpivot": [{"colList": "id,ms", "nameCol": "ms", "valueCol": "id"}],
    "gs_pivot": [{"aggFunction": own} for own in ("avg", "sum", "min", "max", "count", "count_distinct", "sum_distinct", "stddev",
                                                  "stddev_pop", "variance", "var_pop", "skewness", "kurtosis")]
    + [{"colList": own} for own in ("n", "f", "d", "k,f,d,id", "`x.y`")] + [{"aggFunction": own, "aggCol": "n"} for own in ("first", "last")]
    + [{"aggCol": "k", "aggFunction": "max", "colList": "n"}],
    "gs_extract_json": [{"jsonPaths": own, "colList": own[2]} for own in ("$.l", "$.e", "$.nil", "$.big", "$.t")],
}
# Types of documents, as SQL has them.
TYPES = ("ARRAY<STRING>", "ARRAY<ARRAY<INT>>", "MAP<STRING,STRING>", "MAP<STRING,SMALLINT>", "map<string,map<string,bigint>>", "n TINYINT", "n FLOAT",
         "n DOUBLE, t STRING, `x.y` BIGINT, `a ``b`` c` BOOLEAN", "a STRUCT<x: ARRAY<DOUBLE>, t: STRING>, b BOOLEAN, e STRUCT<none: INT>",
         "struct<l:array<struct<p:int>>,n:map<string,int>,b:int>")
MORE["gs_parse_json"] = [{"schema": own, **more} for own in TYPES for more in ({}, {"newColName": "ID"})] + [
    {"colName": own, "newColName": "o"} for own in ("s.j", "lists", "nulls", "empty", "escaped", "names")]
SAME = {("gs_repartition", "numPartitionsStr")}
SOURCES = {"gs_null_rows": "nothing", "gs_pivot": "sales", "gs_extract_json": "documents", "gs_parse_json": "texts"}
SALES = [
    {"id": 1, "k": "a", "n": 10, "v": 1.5, "f": True, "d": "2024-01-02", "x.y": "p"},
    {"id": 2, "k": "b", "n": 9, "v": None, "f": False, "d": None, "x.y": "q"},
    {"id": 2, "k": "a", "n": 9, "v": 3.25, "f": None, "d": "2024-01-02", "x.y": "p"},
    {"id": 1, "k": None, "n": 9, "v": 4.0, "f": True, "d": "2024-01-03", "x.y": None},
    {"id": 1, "k": "a", "n": 10, "v": 2.5, "f": True, "d": "2024-01-02", "x.y": "p"},
]
DOCUMENT = {"x": 1.5, "y": {"a. a": ["s", 2]}, "l": [1, {"m": None}], "e": "é\n\"", "nil": None, "big": 12345678901234567890, "t": True}
# Documents, and what is none. One is deeper than types.
TEXTS = [
    r'{"b": 1, "a": {"x": [1, 2.50], "t": "\u00e9 \"\/\\ é"}, "l": [{"p": 1}, null, {}], "x.y": 9223372036854775807, "a `b` c": true}',
    r' {"b" : 3000000000, "a" : null, "c" : {"deep" : 1.50, "u" : "\u00e9\/\t \"é", "v": [ 1e5, -0 ,{ } ]}, "e": {}, "l": []} ',
    r'{"b": 1, "c": "te\u00e9\n\ud83d\ude00\"xt", "b": 2, "x.y": 9223372036854775808, "a `b` c": "true"}', '{"c": {"d": 1, "d": [2]}, "l": null}',
    '{"c": true, "n": 300}', '{"c": [], "n": -128}', '{"c": 12345678901234567890.50, "n": 1e400}', '{"n": 0.1, "t": "u", "c": -1E-2}',
    r'{"a": {"t": "half \ud800"}, "n": 16777217}', r'{"a": {"half \udc00": 1}, "n": 4.35}', '{"n": 5.0, "a": {"x": [true, 1]}}', '{"n": -0, "e": {}}', "{}",
    '{"deep": ' + "[" * 40 + "]" * 40 + "}", "null", "7", '"t"', "no", "", "{", '{"b": NaN}', "{'b': 1}", '{"b": 1} x', '{"b": 01}', '{"c": "a\tb"}', '{"c": "\\q"}', None]
LISTS = ['[{"p": 1}, null, {"q": [1.5]}]', "[]", "[[1]]", '[{"p": "x"}, 2]', "null", "[1,]", None]


def node(function, given, source="src"):
    kinds = {str: "str", int: "int", bool: "bool", list: "list"}
    parameters = [{"Name": own, "Type": kinds[type(value)], "IsOptional": True,
                   "Value": value if isinstance(value, list) else [str(value)]} for own, value in given.items()]
    return {"DynamicTransform": {
        "Name": function, "Inputs": [source], "TransformName": function, "FunctionName": function,
        "Path": f"{AWS}/{function}.py" if function.startswith("gs_") else "", "Parameters": parameters}}


@pytest.fixture(scope="module")
def both(tenon):
    made = Both(tenon)
    rows = [{**row, "more": ["u", "v", "w"][:row["id"]], **({"a": {**row["a"], "x": [row["id"]]}} if row["a"] else {})} for row in ROWS]
    made.put("nested/a.json", "\n".join(json.dumps(row) for row in rows))
    made.put("nothing/a.json", '{"a": null, "b": ""}\n{"a": null, "b": null}\n{"a": [], "b": null}\n{"a": [1], "b": "x"}\n')
    users = [("id", "bigint"), ("user", "bigint"), ("nick", "string"), ("city", "string"), ("zip", "int")]
    for database, folder in ((made.database, "users"), (made.second, "users-2")):
        made.table(database, "users", folder, users, [])
        lines = [{"id": 1, "user": 2, "nick": "b--c", "city": folder, "zip": 7}, {"id": 2, "user": 1, "nick": "x", "city": "b"},
                 {"id": 2, "user": 3, "nick": "", "city": "c"}, {"user": 1, "nick": "ann b", "city": "d"}]
        made.put(f"{folder}/a.json", "\n".join(json.dumps(line) for line in lines))
    made.put("sales/a.json", "\n".join(json.dumps(row) for row in SALES))
    text = json.dumps(DOCUMENT, separators=(",", ":"))
    documents = [{"id": 1, "j": text, "s": {"j": '{"x":2,"y":[]}'}}, {"id": 2, "j": "no", "s": {"j": "[1]"}}, {"id": 3}]
    made.put("documents/a.json", "\n".join(json.dumps(row) for row in documents))
    lists = LISTS + [None] * len(TEXTS)
    texts = [{"id": at, "j": text, "k": text, "s": {"j": text} if at % 3 else None, "lists": lists[at], "nulls": "null", "empty": "{}",
              "escaped": r'{"half \ud800": [ 1 ]}', "names": '{"x.y": 1, "a b": "2", "c`d": [true], "e:f,g": 1.5, "é<h>": {"i-j": null}}'}
             for at, text in enumerate(TEXTS)]
    made.put("texts/a.json", "\n".join(json.dumps(row) for row in texts))
    many = [json.dumps({f"n{number}": 1 for number in range(half, half + 5001)}) for half in (0, 5001)]
    wrong = zip(["no", "1"], ["[1]", "{}"], ['{"a":1}', '{"A":1}'], ['{" ":1}', "{}"], many)
    made.put("wrong/a.json", "\n".join(json.dumps({"id": at, **dict(zip(("none", "both", "cases", "blank", "many"), row))})
                                       for at, row in enumerate(wrong)))
    made.put("maps/a.json", '{"id": 1, "m": {"k": 1, "l": 2}}\n{"id": 2, "m": {}}\n{"id": 3}\n')
    made.table(made.database, "maps", "maps", [("id", "int"), ("m", "map<string,int>")], [])
    return made


def compared(both, nodes):
    """What the engine leaves, which is what the script leaves."""
    wanted, made = (timeless(both.left(nodes, as_script)[0]) for as_script in (False, True))
    assert made == wanted
    return wanted


def timeless(rows):
    """The same rows with moments of UTC, whether the files say so (Sail's do) or not."""
    def plain(value):
        return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
    return {folder: sorted(([(own, plain(value)) for own, value in row] for row in one), key=repr) for folder, one in rows.items()}


@pytest.mark.parametrize("function", CASES)
def test_a_script_gives_the_rows_of_the_engine(both, function):
    base, changes = CASES[function]
    source = SOURCES.get(function, "nested")
    variants = [base, *({**base, own: value} for own, value in changes.items()), *({**base, **own} for own in MORE.get(function, []))]
    nodes = {}
    for number, given in enumerate(variants):
        nodes.update(numbered({
            "src": both.json(source), "n": node(function, given), "out": both.parquet("n", "out")}, number))
    rows = compared(both, nodes)
    for number, own in enumerate(changes, 1):
        assert (rows["out/0"] == rows[f"out/{number}"]) == ((function, own) in SAME), own


def parsed(source, given, target):
    return {"src": source, "n": node("gs_parse_json", given), "out": target}


def test_fields_of_documents_that_are_null_are_null(both):
    def query(source, columns):
        return {"SparkSQL": {"Name": "q", "Inputs": [source], "SqlAliases": [{"From": source, "Alias": "t"}], "SqlQuery": f"select {columns} from t"}}

    nodes = {**parsed(both.json("texts"), {"colName": "j"}, both.parquet("q", "out")), "each": node("gs_explode", {"colName": "j.l", "newCol": "p"}, "n"),
             "q": query("n", "id, j is null as none, j.b, j.n, j.a is null as no_a, j.a.t"), "out2": both.parquet("q2", "out2"),
             "q2": query("each", "id, p is null as none, p.p")}
    rows = compared(both, nodes)
    last = next(dict(row) for row in rows["out"] if dict(row)["id"] == len(TEXTS) - 1)
    assert last["none"] and last["no_a"] and [last[own] for own in "bnt"] == [None, None, None], last
    assert [(dict(row)["none"], dict(row)["p"]) for row in rows["out2"]] == [(False, 1), (False, None), (True, None)]


@pytest.mark.parametrize("column,why", [
    ("none", "none has no JSON: none of its 2 texts is an object or an array"),
    ("both", "both has objects in some rows and arrays in others, which no one type holds; give the schema of those"),
    ("cases", "cases has members named a whose names differ in case only; give a schema with one of them"),
    ("blank", "blank has a member without a name; give a schema without it"),
    ("many", "the documents of JSON have more than 10000 different members, which are data rather than names; give a schema such as"),
    ("id", ", and JSON documents are text")])
def test_documents_without_a_type_fail_with_the_words_of_the_engine(both, column, why):
    nodes = parsed(both.json("wrong"), {"colName": column, "newColName": "o"}, both.parquet("n", "out"))
    for as_script in (False, True):
        message = both.fails(both.job(nodes, as_script))
        assert why in message, message


def test_texts_that_are_no_documents_are_counted_in_the_log(both):
    nodes = parsed(both.json("texts"), {"colName": "j"}, both.parquet("n", "out"))
    others = sum(text is not None and text != "null" and not json_like(text) for text in TEXTS)
    for as_script in (False, True):
        run = both.run(both.job(nodes, as_script))["Id"]
        logged = "\n".join(both.log("error", run) + both.log("output", run))
        assert f"{others} of {len(TEXTS) - 2} texts of j are no JSON objects or arrays, and become null" in logged, logged


def json_like(text):
    """Whether a text is an object or an array to Python, which also knows NaN."""
    try:
        return isinstance(json.loads(text), (dict, list)) and "NaN" not in text
    except ValueError:
        return False


def test_nested_rows_become_tables(both):
    nodes = {"src": both.json("nested"), "n": node("relationalize", {"root_table_name": "root"})}
    for index in range(4):
        nodes[f"c{index}"] = {"SelectFromCollection": {"Name": f"c{index}", "Inputs": ["n"], "Index": index}}
        nodes[f"out{index}"] = both.parquet(f"c{index}", f"out{index}")
    rows = compared(both, nodes)
    assert {folder: len(own) for folder, own in rows.items()} == {"out0": 3, "out1": 2, "out2": 2, "out3": 6}


def test_a_table_that_is_looked_up_is_an_input(both):
    given = {"lookupTable": f"{both.database}.users", "keyCols": "id", "takeCols": "city"}
    nodes = {"src": both.json("bit-by-bit"), "n": node("gs_lookup", given), "out": both.parquet("n", "bits")}
    job = both.create(nodes, DefaultArguments={"--job-bookmark-option": "job-bookmark-enable"})
    cli = lambda *words: subprocess.run([binary(), *words], env={
        **both.server.environ(), "AWS_ACCESS_KEY_ID": both.bucket.removeprefix("nodes-")}, capture_output=True, text=True, check=True).stdout
    # No bookmark leaves out rows of the table that earlier runs have read.
    for rows, cities in (('{"id": 1}\n', ["users"]), ('{"id": 2}\n', ["b", "c", "users"])):
        both.put(f"bit-by-bit/{len(cities)}.json", rows)
        both.run(job)
        made = [dict(row)["city"] for key in both.everything() if key.startswith("bits/") for row in both.values(key)]
        assert sorted(made) == cities
    assert "city of d.users where id = id" in cli("job", "explain", job)
    steps = json.loads(cli("lineage", f"{both.database}.users", "--json"))["Downstream"]
    assert [step["Runs"] for step in steps if step["Job"] == job] == [2]


def test_entries_of_maps_become_rows(both):
    source = {"CatalogSource": {"Name": "maps", "Database": both.database, "Table": "maps"}}
    nodes = {"src": source, "out": both.parquet("n", "out"), "n": node("gs_explode", {"colName": "m", "newCol": "k, v"}),
             "outer": both.parquet("o", "outer"), "o": node("gs_explode", {"colName": "m", "newCol": "k,v", "outer": True})}
    rows = compared(both, nodes)
    assert [(dict(row)["k"], dict(row)["v"]) for row in rows["out"]] == [("k", 1), ("l", 2)]
    assert len(rows["outer"]) == 4


@pytest.mark.parametrize("function,column,length", [("gs_sequence_id", "id2", None), ("gs_uuid", "own", 36)])
def test_each_row_has_an_identifier(both, function, column, length):
    nodes = {"src": both.json("nested"), "n": node(function, {"colName": column}), "out": both.parquet("n", "out"),
             "named": node(function, {}), "out2": both.parquet("named", "out2")}
    nodes["named"]["DynamicTransform"]["Inputs"] = ["src"]
    for as_script in (False, True):
        rows = both.left(nodes, as_script)[0]
        made = [dict(row)[column] for row in rows["out"]]
        assert len(set(made)) == 3 and all(length is None or len(own) == length for own in made), made
        assert all({"gs_uuid": "uuid", "gs_sequence_id": "id"}[function] in dict(row) for row in rows["out2"])
