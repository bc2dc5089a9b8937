"""Faults of script jobs that concern more than one script: memory that runs out, and two runs that write to one place."""

import pytest

from conftest import wait_until
from glue_scripts import Scripts

# Python's own objects, and rows that the engine has to hold, both more than the run may.
GROWS = "kept = []\nwhile True:\n    kept.append(bytearray(1 << 20))\n"
SORTS = """
from awsglue.context import GlueContext
from pyspark.context import SparkContext
spark = GlueContext(SparkContext.getOrCreate()).spark_session
wide = spark.range(0, 60_000_000).selectExpr("id", "repeat(cast(id as string), 20) as text")
rows = wide.orderBy("text").collect()
print(len(rows))
"""


@pytest.fixture
def small(tenon_factory):
    """A server whose scripts may use 1 GiB each."""
    return Scripts(tenon_factory("--set", "scripts.memory=1GiB").start())


@pytest.mark.parametrize("command", ["glueetl", "pythonshell"])
def test_memory_that_grows_has_an_end(small, command):
    extra = {"MaxCapacity": 1.0} if command == "pythonshell" else {}
    assert small.fails(small.create(GROWS, command, **extra)).startswith("MemoryError (the run may use 1.0 GiB")


def test_an_engine_without_memory_fails_its_run_alone(small):
    message = small.fails(small.create(SORTS))
    # The engine ends the process, unless it is Python that got no more.
    assert "memory ran out: the run may use 1.0 GiB" in message or message.startswith("MemoryError"), message
    # The server, and the next run, know nothing of it.
    run = small.run(small.create("print('fine')\n"))
    assert small.log("output", run["Id"]) == ["fine"]


# Writes 20 rows in several files, at the same time as the other run.
WRITES = """
import boto3, sys, time
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
args = getResolvedOptions(sys.argv, ["bucket", "mine", "format"])
glueContext = GlueContext(SparkContext.getOrCreate())
s3, bucket = boto3.client("s3"), args["bucket"]
first = int(args["mine"]) * 100
df = glueContext.spark_session.range(first, first + 20).selectExpr("id", "id % 3 as part").repartition(4)
s3.put_object(Bucket=bucket, Key=f"begun/{args['format']}/{args['mine']}", Body=b"")
while s3.list_objects_v2(Bucket=bucket, Prefix=f"begun/{args['format']}/")["KeyCount"] < 2:
    time.sleep(0.05)
glueContext.write_dynamic_frame.from_options(
    frame=DynamicFrame.fromDF(df, glueContext, "df"), connection_type="s3", format=args["format"],
    connection_options={"path": f"s3://{bucket}/both/{args['format']}/", "partitionKeys": ["part"]})
if args["mine"] == "2":
    raise ValueError("after all")
"""
READS = """
import sys
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
args = getResolvedOptions(sys.argv, ["bucket", "format"])
frame = GlueContext(SparkContext.getOrCreate()).create_dynamic_frame.from_options(
    "s3", {"paths": [f"s3://{args['bucket']}/both/{args['format']}/"], "recurse": True}, args["format"])
print(sorted(int(row["id"]) for row in frame.toDF().select("id").collect()))
"""


@pytest.mark.parametrize("format_", ["parquet", "orc"], ids=["by the engine", "by the server"])
def test_runs_that_write_to_one_place_at_one_time_add_up(tenon, format_):
    scripts = Scripts(tenon)
    job = scripts.create(WRITES, ExecutionProperty={"MaxConcurrentRuns": 2}, DefaultArguments={
        "--bucket": scripts.bucket, "--format": format_})
    runs = [scripts.start(job, Arguments={"--mine": str(mine)}) for mine in (1, 2)]
    ended = [scripts.ended(job, run) for run in runs]
    assert [run["JobRunState"] for run in ended] == ["SUCCEEDED", "FAILED"], ended
    assert ended[1]["ErrorMessage"] == "ValueError: after all"
    # As on AWS, what the failed one had written is there, too: neither took a file of the other's.
    read = scripts.run(scripts.create(READS, DefaultArguments={"--bucket": scripts.bucket, "--format": format_}))
    found = wait_until(lambda: scripts.log("output", read["Id"]), "the rows")
    assert found == [str([*range(100, 120), *range(200, 220)])]
