"""What `tenon script check` says of a script."""

import pytest

from awsglue._check import check, main

SCRIPT = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from awsglue.transforms import FindMatches, Filter
from pyspark.context import SparkContext
from awsglue.context import GlueContext
context = SparkContext.getOrCreate()
glue = GlueContext(context)
frame = glue.create_dynamic_frame_from_catalog(database="d", table_name="t")
rows = frame.toDF().rdd.map(lambda row: row)
context.parallelize([1])
other = frame.filter(lambda r: r["x"] > 0).union(frame)
glue.forEachBatch(frame=other)
"""


def test_calls_are_judged_by_name():
    found = {(entry.line, entry.call.rpartition(".")[2]): entry for entry in check(SCRIPT)}
    states = {key: entry.state for key, entry in found.items()}
    assert states[(4, "getResolvedOptions")] == "supported"
    assert states[(5, "FindMatches")] == "unsupported" and states[(5, "Filter")] == "supported"
    assert states[(10, "create_dynamic_frame_from_catalog")] == "supported"
    assert states[(11, "rdd")] == "needs Spark" and states[(12, "parallelize")] == "needs Spark"
    assert "createDataFrame" in found[(12, "parallelize")].note
    assert states[(13, "filter")] == states[(13, "union")] == "supported", "that of a frame needs no JVM"
    assert states[(14, "forEachBatch")] == "unsupported"


def test_what_is_no_python_says_so():
    with pytest.raises(SyntaxError):
        check("def (:")


MORE = b"""# -*- coding: latin-1 -*-
import awsglue.transforms as T
import awsglue.nothing
from awsglue.transforms import Nope
from awsglue.context import GlueContext
glue = GlueContext(x)
T.FindMatches.apply(frame); text = "\xe4"
glue.spark_session.readStream; glue.create_dynamic_frame; df.writeStream
spark._jsparkSession
df.stat.approxQuantile("a", [0.5], 0)
glue.frobnicate(1); glue.sql("select 1")
spark.sql(f"MSCK REPAIR TABLE {name}")
"""


def test_what_is_hidden_is_found():
    found = {(entry.line, entry.call): entry.state for entry in check(MORE)}
    assert found == {
        (3, "awsglue.nothing"): "unsupported", (4, "awsglue.transforms.Nope"): "unsupported", (7, "T.FindMatches"): "unsupported",
        (8, "glue.spark_session.readStream"): "unsupported", (8, "df.writeStream"): "unsupported",
        (9, "spark._jsparkSession"): "needs Spark", (10, "df.stat.approxQuantile"): "needs Spark",
        (11, "glue.frobnicate"): "unsupported", (12, "sql(MSCK REPAIR TABLE)"): "unsupported"}


def test_a_mark_of_the_encoding_is_no_error():
    assert [entry.call for entry in check(b"\xef\xbb\xbfx.rdd\n")] == ["x.rdd"]


def test_what_is_too_deep_says_so(tmp_path, monkeypatch, capsys):
    script = tmp_path / "deep.py"
    script.write_text("x = " + "+".join("1" * 20_000))
    monkeypatch.setattr("sys.argv", ["check", str(script)])
    assert main() == 2
    assert "nested too deeply" in capsys.readouterr().err
