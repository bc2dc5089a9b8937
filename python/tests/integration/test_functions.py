"""Functions on records: an expression and Python give the same answer, and what raises becomes an error record."""

import itertools

import pytest

from awsglue import _trace
from awsglue._functions import _filter_in_python, _traced
from awsglue._stages import Stage
from awsglue.errors import ErrorThresholdExceeded
from awsglue.dynamicframe import DynamicFrame

NAMES = ("ann", "zed")
LIMIT = 2
NAN = float("nan")

VALUES = [
    [None, 1, 2, 3, 2**53 + 1, -1],
    [None, 0.0, -0.0, 1.5, NAN, float("inf"), 2.0],
    [None, "", "ann", "Ann", "zed", "été"],
    [None, True, False],
]

PREDICATES = [
    lambda r: r["i"] > 0,
    lambda r: r["i"] > 1.5,
    lambda r: 1 <= r["i"] < LIMIT + 1 if False else r["i"] == LIMIT,
    lambda r: 0 < r["i"] <= 2,
    lambda r: r["d"] > 0,
    lambda r: r["d"] == 0.0,
    lambda r: r["d"] != 1.5,
    lambda r: r["d"] == r["d"],
    lambda r: r["d"] / 2 > 0.5,
    lambda r: 3 / r["d"] > 1,
    lambda r: r["d"] * 2 + r["i"] > 3,
    lambda r: r["s"] == "ann",
    lambda r: r["s"] != "ann",
    lambda r: r["s"] in NAMES,
    lambda r: r["s"] not in ("ann", None),
    lambda r: r["s"] is None,
    lambda r: r["s"] is not None and r["i"] is not None and r["i"] > 1,
    lambda r: r["s"] or r["b"],
    lambda r: not r["s"],
    lambda r: r["b"],
    lambda r: not r["b"] and r["d"] < 2,
    lambda r: r["b"] == True,  # noqa: E712
    lambda r: r["s"] < "b",
    lambda r: r["s"] == 1,
    lambda r: r["i"] == "1",
    lambda r: r["s"] > 1,
    lambda r: r["i"] == None,  # noqa: E711
    lambda r: r["s"].startswith("a"),
    lambda r: len(r["s"]) > 2,
    lambda r: r.i > 1 if r.b else r.d > 1,
    lambda r: (r["i"] or 0) > 1,
    lambda r: r["st"]["x"] > 1,
    lambda r: r["st"]["x"] is None,
]


@pytest.fixture(scope="module")
def frame(glue_context):
    rows = list(itertools.islice(itertools.product(*VALUES), None))
    records = [(n, i, d, s, b, None if n % 3 == 0 else (i,)) for n, (i, d, s, b) in enumerate(rows)]
    df = glue_context.createDataFrame(records, "n int, i long, d double, s string, b boolean, st struct<x:long>")
    return DynamicFrame.fromDF(df, glue_context, "all")


@pytest.mark.parametrize("place", range(len(PREDICATES)))
def test_an_expression_gives_python_s_answer(frame, place):
    predicate = PREDICATES[place]
    slow_stage = Stage("filter")
    slow = _filter_in_python(frame, predicate, slow_stage)
    wanted = {row["n"] for row in slow.toDF().select("n").collect()}
    try:
        node = _trace.trace(predicate)
        fast_stage = Stage("filter")
        fast = _traced(frame, node, fast_stage)
    except _trace.Untraceable:
        assert {row["n"] for row in frame.filter(predicate).toDF().select("n").collect()} == wanted
        return
    assert {row["n"] for row in fast.toDF().select("n").collect()} == wanted
    assert fast_stage.count() == slow_stage.count()


def test_most_filters_are_traced(frame):
    traced = 0
    for predicate in PREDICATES:
        try:
            _traced(frame, _trace.trace(predicate), Stage("filter"))
            traced += 1
        except _trace.Untraceable:
            pass
    assert traced >= len(PREDICATES) - 3


def test_a_filter_that_fails_for_every_record_is_logged(frame, capsys):
    kept = frame.filter(lambda r: r["s"] > 1)
    assert kept.count() == 0 and kept.errorsCount() == frame.count()
    assert "raises for every record" in capsys.readouterr().err


def test_a_filter_that_cannot_be_traced_runs_in_python(frame):
    import re

    kept = frame.filter(lambda r: re.match("a.n", r["s"]) is not None)
    assert {row["s"] for row in kept.toDF().collect()} == {"ann"}
    assert kept.errorsCount() == sum(1 for values in itertools.product(*VALUES) if values[2] is None)


def test_what_raises_becomes_an_error_record(frame):
    kept = frame.filter(lambda r: r["i"] > 1, info="large")
    errors = kept.errorsAsDynamicFrame()
    assert kept.stageErrorsCount() == errors.count() > 0
    first = errors.toDF().first()["error"]
    assert '"i": null' in first["dynamicRecord"] and first["callsite"]["info"] == "large"
    assert "test_functions.py" in first["callsite"]["site"]
    again = kept.filter(lambda r: r["d"] > 1)
    assert again.errorsCount() == kept.errorsCount() + again.stageErrorsCount()


def test_thresholds(frame):
    frame.filter(lambda r: r["i"] > 1, stageThreshold=10**6).count()
    with pytest.raises(ErrorThresholdExceeded):
        frame.filter(lambda r: r["i"] > 1, stageThreshold=1).count()
    with pytest.raises(ErrorThresholdExceeded):
        frame.filter(lambda r: r["i"] > 1, totalThreshold=1).toDF()


def test_map_finds_the_types_of_what_a_function_makes(glue_context, capsys):
    df = glue_context.createDataFrame([(1, "a", "b"), (2, None, "c")], "id long, street string, city string")

    def merge(rec):
        rec["address"] = {"street": rec["street"], "lines": [rec["street"], rec["city"]]}
        rec["half"] = rec["id"] / 2
        del rec["street"]
        return rec

    frame = DynamicFrame.fromDF(df, glue_context, "x").map(merge)
    frame.printSchema()
    assert capsys.readouterr().out == (
        "root\n|-- id: long\n|-- city: string\n|-- address: struct\n|    |-- street: string\n|    |-- lines: array\n"
        "|    |    |-- element: string\n|-- half: double\n"
    )
    assert frame.toDF().where("id = 2").first().asDict(recursive=True) == {
        "id": 2, "city": "c", "address": {"street": None, "lines": [None, "c"]}, "half": 1.0}


def test_map_errors_are_records(glue_context):
    df = glue_context.createDataFrame([(1,), (0,), (4,)], "id long")

    def inverse(rec):
        rec["inverse"] = 1 / rec["id"]
        return rec

    frame = DynamicFrame.fromDF(df, glue_context, "x").map(inverse)
    assert sorted(row["inverse"] for row in frame.toDF().collect()) == [0.25, 1.0]
    assert frame.errorsCount() == 1
    assert "ZeroDivisionError" in frame.errorsAsDynamicFrame().toDF().first()["error"]["msg"]


def test_map_of_nothing_keeps_the_schema(glue_context):
    df = glue_context.createDataFrame([], "id long")
    frame = DynamicFrame.fromDF(df, glue_context, "x").map(lambda rec: rec)
    assert frame.toDF().columns == ["id"] and frame.count() == 0


def test_values_of_every_type_pass_through_python(glue_context):
    df = glue_context.spark_session.sql("""select cast(1 as tinyint) as b, cast(2 as smallint) as sh, 3 as i, 4L as l,
        cast(1.5 as float) as f, 2.5D as d, cast(9.25 as decimal(9,2)) as de, true as bo, 'x' as s, cast('y' as binary) as bi,
        date '2020-02-29' as da, timestamp '2020-02-29 12:34:56.789012' as t, map('k', 1) as m, array(1, null) as a,
        struct(1 as x, array(struct('q' as z)) as y) as st""")
    frame = DynamicFrame.fromDF(df, glue_context, "types")
    mapped = frame.map(lambda rec: rec)
    assert mapped.schema() == frame.schema()
    wanted = df.first().asDict(recursive=True)
    assert mapped.toDF().first().asDict(recursive=True) == wanted
    assert frame.filter(lambda rec: rec["de"].as_tuple().exponent == -2).toDF().first().asDict(recursive=True) == wanted
    seen = frame.map(lambda rec: {"t": repr(rec["t"]), "m": rec["m"]["k"], "x": rec["st"]["y"][0]["z"]})
    assert seen.toDF().first()[:] == ("datetime.datetime(2020, 2, 29, 12, 34, 56, 789012)", 1, "q")
