"""Metrics of script runs: the bytes of objects that a run's own requests have moved, and nothing that nobody has measured."""

import botocore.exceptions
import pytest

from glue_scripts import Scripts
from test_metrics import BOTH, dimensions, query, span

SIZE = 1 << 20
# Reads and puts so many bytes: whole, in part, streamed and at once, and what is refused.
MOVES = f"""
import boto3, os, sys
s3, bucket = boto3.client("s3"), sys.argv[sys.argv.index("--bucket") + 1]
times = int(sys.argv[sys.argv.index("--times") + 1])
for at in range(times):
    assert len(s3.get_object(Bucket=bucket, Key="in/large")["Body"].read()) == {SIZE}
    assert len(s3.get_object(Bucket=bucket, Key="in/large", Range="bytes=10-19")["Body"].read()) == 10
    s3.put_object(Bucket=bucket, Key="out/small", Body=b"12345")
upload = s3.create_multipart_upload(Bucket=bucket, Key="out/parts")["UploadId"]
tag = s3.upload_part(Bucket=bucket, Key="out/parts", UploadId=upload, PartNumber=1, Body=b"x" * {SIZE})["ETag"]
s3.complete_multipart_upload(Bucket=bucket, Key="out/parts", UploadId=upload,
                             MultipartUpload={{"Parts": [{{"PartNumber": 1, "ETag": tag}}]}})
s3.head_object(Bucket=bucket, Key="in/large")
try:
    s3.put_object(Bucket=bucket, Key="out/parts", Body=b"refused", IfNoneMatch="*")
except s3.exceptions.ClientError:
    print(os.environ["AWS_ACCESS_KEY_ID"])
"""


def moved(server, job, run):
    """Bytes read and written of a run, or of all; None for what was not reported."""
    watch = server.client("cloudwatch")
    wanted = {"read": "glue.ALL.s3.filesystem.read_bytes", "written": "glue.ALL.s3.filesystem.write_bytes"}
    asked = [query(key, metric, dimensions(job, run, kind="gauge")) for key, metric in wanted.items()]
    found = watch.get_metric_data(MetricDataQueries=asked, **span())["MetricDataResults"]
    return {result["Id"]: sum(result["Values"]) if result["Values"] else None for result in found}


@pytest.fixture(params=["open", "sigv4"])
def scripts(request, tenon, verifying):
    made = Scripts(tenon if request.param == "open" else verifying)
    made.put("in/large", b"x" * SIZE)
    return made


def test_what_a_run_moves_is_counted_by_its_key(scripts):
    server = scripts.server
    job = scripts.create(MOVES, DefaultArguments={**BOTH, "--bucket": scripts.bucket}, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = {times: scripts.start(job, Arguments={"--times": str(times)}) for times in (1, 3)}
    for times, run in runs.items():
        assert scripts.ended(job, run)["JobRunState"] == "SUCCEEDED"
        assert moved(server, job, run) == {"read": times * (SIZE + 10), "written": SIZE + times * 5}
    assert moved(server, job, "ALL") == {"read": 4 * (SIZE + 10), "written": 2 * SIZE + 20}
    # Nobody here knows of rows, sources and targets.
    listed = server.client("cloudwatch").list_metrics(Namespace="Glue", Dimensions=[{"Name": "JobName", "Value": job}])
    assert {metric["MetricName"] for metric in listed["Metrics"]} == {
        "glue.driver.aggregate.elapsedTime", "glue.ALL.s3.filesystem.read_bytes", "glue.ALL.s3.filesystem.write_bytes",
        "glue.succeed.ALL"}
    key, = scripts.log("output", runs[1])
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        server.client("s3", access_key=key).list_buckets()
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "InvalidAccessKeyId")


def test_a_run_that_fails_has_moved_what_it_has_moved(tenon):
    scripts = Scripts(tenon)
    scripts.put("in/large", b"x" * SIZE)
    arguments = {**BOTH, "--bucket": scripts.bucket, "--times": "1", "--output-commit": "atomic"}
    job = scripts.create(MOVES + "raise ValueError('after all')\n", DefaultArguments=arguments)
    assert scripts.fails(job) == "ValueError: after all"
    assert moved(tenon, job, "ALL") == {"read": SIZE + 10, "written": SIZE + 5}
    assert scripts.keys("out/") == []


def test_the_engine_s_requests_count_and_runs_without_the_argument_have_none(tenon):
    scripts = Scripts(tenon)
    text = """
import sys
from awsglue.context import GlueContext
from pyspark.context import SparkContext
path = "s3://" + sys.argv[sys.argv.index("--bucket") + 1] + "/rows/"
spark = GlueContext(SparkContext.getOrCreate()).spark_session
spark.range(1000).write.parquet(path)
assert spark.read.parquet(path).count() == 1000
"""
    measured = scripts.create(text, DefaultArguments={"--enable-metrics": "", "--bucket": scripts.bucket})
    scripts.run(measured)
    written = sum(scripts.s3.head_object(Bucket=scripts.bucket, Key=key)["ContentLength"] for key in scripts.keys("rows/"))
    found = moved(tenon, measured, "ALL")
    assert found["written"] == written and found["read"] > 0, found
    plain = scripts.create(text.replace("/rows/", "/other/"), DefaultArguments={"--bucket": scripts.bucket})
    scripts.run(plain)
    assert moved(tenon, plain, "ALL") == {"read": None, "written": None}
