"""What `tenon script check` says of a script."""

import pytest

from awsglue._check import check

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
