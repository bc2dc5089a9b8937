"""Runs of scripts that write tables of Iceberg and Delta: who has made a commit, and runs whose output is one commit."""

import json

import pytest

from glue_scripts import Scripts

HEAD = """
import sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
glueContext = GlueContext(SparkContext.getOrCreate())
spark, place = glueContext.spark_session, f"s3://{args['bucket']}/delta"
df = spark.createDataFrame([(1, "a"), (2, "b")], "id int, v string")
frame = DynamicFrame.fromDF(df, glueContext, "f")
"""
DELTA = HEAD + """
glueContext.write_dynamic_frame.from_options(frame, "s3", {"path": place}, "delta")
df.write.format("delta").mode("append").save(place)
print("rows", spark.read.format("delta").load(place).count())
"""
ICEBERG = HEAD + """
def made():
    sink = glueContext.getSink("s3", path=f"s3://{args['bucket']}/ice", enableUpdateCatalog=True)
    sink.setCatalogInfo(args["bucket"], "ice")
    sink.setFormat("iceberg")
    sink.writeFrame(frame)

for write in (made, df.writeTo(f"glue_catalog.`{args['bucket']}`.other").tableProperty("location", place).create):
    try:
        write()
        print("written")
    except Exception as error:
        print("refused:", str(error).replace("\\n", " "))
"""


@pytest.fixture
def scripts(tenon):
    made = Scripts(tenon)
    made.glue.create_database(DatabaseInput={"Name": made.bucket})
    return made


def run(scripts, text, **arguments):
    """The lines that a run prints that has to succeed."""
    job = scripts.create(text, DefaultArguments={"--bucket": scripts.bucket, **arguments})
    return job, scripts.log("output", scripts.run(job)["Id"])


def log(scripts):
    keys = [key for key in scripts.keys("delta/_delta_log/") if key.endswith(".json")]
    bodies = [scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read().decode() for key in sorted(keys)]
    return [[json.loads(line) for line in body.splitlines()] for body in bodies]


def test_a_commit_says_who_has_made_it(scripts):
    job, printed = run(scripts, DELTA)
    assert "rows 4" in printed
    first, second = log(scripts)
    info, = (action["commitInfo"] for action in first if "commitInfo" in action)
    said = json.loads(info["userMetadata"])
    assert said["glue.job-name"] == job and said["glue.job-run-id"].startswith("jr_")
    job, printed = run(scripts, ICEBERG)
    assert printed.count("written") == 2, printed
    table = scripts.glue.get_table(DatabaseName=scripts.bucket, Name="ice")["Table"]
    key = table["Parameters"]["metadata_location"].removeprefix(f"s3://{scripts.bucket}/")
    metadata = json.loads(scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read())
    assert metadata["snapshots"][-1]["summary"]["glue.job-name"] == job


def test_delta_tables_are_part_of_a_run_that_is_one_commit(scripts):
    atomic = {"--output-commit": "atomic"}
    job = scripts.create(DELTA + "raise SystemExit('no')\n", DefaultArguments={"--bucket": scripts.bucket, **atomic})
    assert "no" in scripts.fails(job)
    assert scripts.keys("delta/") == []
    _, printed = run(scripts, DELTA, **atomic)
    assert "rows 4" in printed and len(log(scripts)) == 2


def test_iceberg_tables_are_refused_in_a_run_that_is_one_commit(scripts):
    _, printed = run(scripts, ICEBERG, **{"--output-commit": "atomic"})
    refused = [line for line in printed if line.startswith("refused:")]
    assert len(refused) == 2 and "written" not in printed, printed
    assert "runs with --output-commit atomic do not write into Iceberg tables" in refused[0], refused
    assert "A run with --output-commit atomic cannot change Iceberg tables" in refused[1], refused
    tables = scripts.glue.get_tables(DatabaseName=scripts.bucket)["TableList"]
    assert [table["Name"] for table in tables] == [] and scripts.keys("ice/") == []
