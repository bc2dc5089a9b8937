"""Script jobs with `--output-commit atomic`: the run alone sees what it writes, then everybody sees all of it, or nobody any."""

import json
import os
import signal

import botocore.exceptions
import pytest

from conftest import wait_until
from glue_scripts import Scripts, gone
from test_script_bookmarks import HEADER, WITH_CONTEXT, Sales, killed_at

ATOMIC = {"--output-commit": "atomic"}
BOOKMARK = {**ATOMIC, "--job-bookmark-option": "job-bookmark-enable"}

# Writes in every way that boto3 has, and looks at it.
WRITES = """
import boto3, os, sys, time
s3, bucket = boto3.client("s3"), sys.argv[sys.argv.index("--bucket") + 1]

def keys(**more):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="data/", **more)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

def put(key, body, **more):
    s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

put("data/new/small", b"small", Metadata={"by": "run"}, Tagging="a=b", ChecksumAlgorithm="SHA256")
put("data/new/large", b"x" * (1 << 20))
put("data/replaced", b"by the run")
upload = s3.create_multipart_upload(Bucket=bucket, Key="data/parts")["UploadId"]
assert [one["UploadId"] for one in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
parts = []
for number, body in ((1, b"p" * (5 << 20)), (2, b"end")):
    tag = s3.upload_part(Bucket=bucket, Key="data/parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]
    parts.append({"PartNumber": number, "ETag": tag})
s3.complete_multipart_upload(Bucket=bucket, Key="data/parts", UploadId=upload, MultipartUpload={"Parts": parts})
s3.copy_object(Bucket=bucket, Key="data/copied", CopySource={"Bucket": bucket, "Key": "data/kept"})
s3.delete_object(Bucket=bucket, Key="data/deleted")
put("data/passing", b"")
s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "data/passing"}, {"Key": "data/deleted too"}]})
expected = ["data/copied", "data/kept", "data/new/large", "data/new/small", "data/parts", "data/replaced"]
assert keys() == expected, keys()
assert keys(PaginationConfig={"PageSize": 1}) == expected
page = s3.list_objects_v2(Bucket=bucket, Prefix="data/", Delimiter="/")
assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["data/new/"] and page["KeyCount"] == 5, page
head = s3.head_object(Bucket=bucket, Key="data/new/small", ChecksumMode="ENABLED")
assert head["Metadata"] == {"by": "run"} and "ChecksumSHA256" in head, head
assert s3.get_object_tagging(Bucket=bucket, Key="data/new/small")["TagSet"] == [{"Key": "a", "Value": "b"}]
assert s3.get_object(Bucket=bucket, Key="data/replaced", Range="bytes=0-1")["Body"].read() == b"by"
for key in ("data/deleted", "data/passing"):
    try:
        s3.head_object(Bucket=bucket, Key=key)
        raise SystemExit(f"{key} is there")
    except s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "404"
try:
    put("data/replaced", b"", IfNoneMatch="*")
    raise SystemExit("the condition is not looked at")
except s3.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "PreconditionFailed"
put("data/new/once", b"once", IfNoneMatch="*")
try:
    s3.create_bucket(Bucket=bucket + "-other")
    raise SystemExit("a bucket was made")
except s3.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "NotImplemented", error
print("written", os.getpid(), os.environ["AWS_ACCESS_KEY_ID"])
"""
WAITS = WRITES + """
while True:
    try:
        boto3.client("s3", aws_access_key_id="test", aws_secret_access_key="test", aws_session_token=None).head_object(
            Bucket=bucket, Key="go")
        break
    except s3.exceptions.ClientError:
        time.sleep(0.05)
"""
BEFORE = ["data/deleted", "data/deleted too", "data/kept", "data/replaced"]
AFTER = ["data/copied", "data/kept", "data/new/large", "data/new/once", "data/new/small", "data/parts", "data/replaced"]


class Lake(Scripts):
    """A bucket with objects that runs change."""

    def prepare(self):
        for key in BEFORE:
            self.put(key, f"{key} before")
        return self

    def job(self, text, **extra):
        return self.create(text, "pythonshell", DefaultArguments={**ATOMIC, "--bucket": self.bucket}, **extra)

    def begun(self, run):
        """Waits until a run has written; its process and its key."""
        def lines():
            found = self.log("output", run, "/aws-glue/python-jobs")
            assert self.log("error", run, "/aws-glue/python-jobs") == []
            return [line for line in found if line.startswith("written ")]

        _, pid, key = wait_until(lines, "the script to have written")[0].split()
        return int(pid), key

    def body(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def is_untouched(self):
        uploads = self.s3.list_multipart_uploads(Bucket=self.bucket)
        return (self.keys("data/") == BEFORE and self.body("data/replaced") == b"data/replaced before"
                and not uploads.get("Uploads"))


@pytest.fixture(params=["open", "sigv4"])
def lake(request, tenon, verifying):
    return Lake(tenon if request.param == "open" else verifying).prepare()


def extents(server):
    return sum(len(files) for _, _, files in os.walk(server.data_dir / "objects" / "extents"))


def test_a_run_that_succeeds_is_seen_at_once_and_as_a_whole(lake):
    job = lake.job(WAITS)
    run = lake.start(job)
    _, key = lake.begun(run)
    assert lake.is_untouched()
    lake.put("go", b"")
    ended = lake.ended(job, run)
    assert ended["JobRunState"] == "SUCCEEDED", ended
    assert lake.keys("data/") == AFTER
    assert lake.body("data/replaced") == b"by the run" and lake.body("data/copied") == b"data/kept before"
    assert lake.body("data/parts") == b"p" * (5 << 20) + b"end"
    tags = lake.s3.get_object_tagging(Bucket=lake.bucket, Key="data/new/small")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]
    # Who still has the key does nothing with it, least of all where all would see it.
    late = lake.server.client("s3", access_key=key)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        late.put_object(Bucket=lake.bucket, Key="data/late", Body=b"")
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "InvalidAccessKeyId")


def test_a_run_that_fails_or_is_stopped_leaves_nothing(lake):
    assert lake.fails(lake.job(WRITES + "raise ValueError('so it goes')\n")) == "ValueError: so it goes"
    assert lake.is_untouched()
    job = lake.job(WAITS)
    run = lake.start(job)
    pid, _ = lake.begun(run)
    lake.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert lake.ended(job, run)["JobRunState"] == "STOPPED"
    gone([pid])
    assert lake.is_untouched()


# Writes by the engine, by boto3, and by a child that goes on writing; does not end.
GOES_ON = '''
import boto3, os, subprocess, sys
from awsglue.context import GlueContext
from pyspark.context import SparkContext
glueContext = GlueContext(SparkContext.getOrCreate())
bucket, mine = (sys.argv[sys.argv.index(name) + 1] for name in ("--bucket", "--mine"))
glueContext.spark_session.range(5).write.parquet(f"s3://{bucket}/data/{mine}/rows/")
boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=f"data/{mine}/parts")
child = subprocess.Popen([sys.executable, "-c", """
import boto3, itertools, os, sys
for at in itertools.count():
    boto3.client("s3").put_object(Bucket=sys.argv[1], Key=f"data/{sys.argv[2]}/child-{at % 10}", Body=b"")
    if at == 10:
        print("written", sys.argv[3], os.getpid(), os.environ["AWS_ACCESS_KEY_ID"], flush=True)
""", bucket, mine, str(os.getpid())])
child.wait()
'''


def test_a_run_that_is_stopped_or_times_out_while_it_writes_leaves_nothing(verifying):
    lake = Lake(verifying).prepare()
    job = lake.create(GOES_ON, MaxRetries=1, ExecutionProperty={"MaxConcurrentRuns": 2}, DefaultArguments={
        **ATOMIC, "--bucket": lake.bucket})
    late = lake.start(job, Arguments={"--mine": "late"}, Timeout=1)
    stopped = lake.start(job, Arguments={"--mine": "stopped"})

    def begun(run):
        def lines():
            return [line for line in lake.log("output", run) if line.startswith("written ")]

        parent, child, key = wait_until(lines, "the child to write")[0].split()[1:]
        return [int(parent), int(child)], key

    of_late, of_stopped = begun(late), begun(stopped)
    assert lake.is_untouched()
    lake.glue.batch_stop_job_run(JobName=job, JobRunIds=[stopped])
    for run, (processes, key), state in ((stopped, of_stopped, "STOPPED"), (late, of_late, "TIMEOUT")):
        ended = lake.ended(job, run, 120)
        assert ended["JobRunState"] == state, ended
        gone(processes)
        assert lake.is_untouched()
        with pytest.raises(botocore.exceptions.ClientError):
            lake.server.client("s3", access_key=key).list_buckets()
    assert len(lake.glue.get_job_runs(JobName=job)["JobRuns"]) == 2, "neither is tried again"


def test_of_two_runs_the_last_one_to_end_is_there_as_a_whole(tenon):
    lake = Lake(tenon).prepare()
    text = """
import boto3, sys, time
s3, bucket = boto3.client("s3"), sys.argv[sys.argv.index("--bucket") + 1]
mine = sys.argv[sys.argv.index("--mine") + 1]
for at in range(20):
    s3.put_object(Bucket=bucket, Key=f"both/{at:02}", Body=mine)
print("written 0 0", flush=True)
while s3.list_objects_v2(Bucket=bucket, Prefix=f"go/{mine}")["KeyCount"] == 0:
    time.sleep(0.05)
"""
    job = lake.job(text, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = {mine: lake.start(job, Arguments={"--mine": mine}) for mine in ("one", "two")}
    for run in runs.values():
        lake.begun(run)
    assert lake.keys("both/") == []
    for mine in ("two", "one"):
        lake.put(f"go/{mine}", b"")
        assert lake.ended(job, runs[mine])["JobRunState"] == "SUCCEEDED"
        assert {lake.body(key) for key in lake.keys("both/")} == {mine.encode()}
        assert len(lake.keys("both/")) == 20


def test_what_was_made_on_a_condition_is_not_made_over_somebody_else_s(tenon):
    lake = Lake(tenon).prepare()
    job = lake.job(WAITS)
    run = lake.start(job)
    lake.begun(run)
    lake.put("data/new/once", b"by somebody else")
    lake.put("go", b"")
    ended = lake.ended(job, run)
    assert ended["JobRunState"] == "FAILED"
    assert f"s3://{lake.bucket}/data/new/once" in ended["ErrorMessage"], ended["ErrorMessage"]
    assert lake.keys("data/") == sorted([*BEFORE, "data/new/once"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_leaves_nothing_of_the_run(tenon_factory, how):
    server = tenon_factory()
    lake = Lake(server.start()).prepare()
    job = lake.job(WAITS)
    before = extents(server)
    run = lake.start(job)
    pid, _ = lake.begun(run)
    assert extents(server) > before
    server.process.send_signal(how)
    server.process.wait(60)
    gone([pid])
    bucket, lake = lake.bucket, Lake(server.start())
    lake.bucket = bucket
    ended = lake.ended(job, run)
    assert ended["JobRunState"] == "FAILED" and "nothing of its output was published" in ended["ErrorMessage"]
    assert lake.is_untouched()
    wait_until(lambda: extents(server) == before, "what the run had written to be collected")


@pytest.mark.parametrize(
    ("point", "published"),
    [("lake.overlay.rows", False), ("jobs.run.before_commit", False), ("jobs.run.after_commit", True)],
)
def test_killed_around_the_commit_all_of_it_is_there_or_nothing(tenon_factory, tmp_path, point, published):
    sales, job, run = killed_at(tenon_factory(), tmp_path, point, BOOKMARK)
    assert sales.ended(job, run)["JobRunState"] == ("SUCCEEDED" if published else "FAILED")
    assert sales.rows() == ([1, 5] if published else [])
    sales.run(job)
    assert sales.rows() == [1, 5]


def test_a_frame_is_read_back_before_it_is_there_and_the_bookmark_moves_with_it(tenon_factory):
    sales = Sales(tenon_factory().start()).prepare()
    looks = """
path = "s3://my-bucket/sales-parquet/"
back = glueContext.create_dynamic_frame.from_options(connection_type="s3", connection_options={"paths": [path]}, format="parquet")
assert back.count() == glueContext.spark_session.read.parquet(path).count() == len(IDS), back.count()
import boto3
outside = boto3.client("s3", aws_access_key_id="test", aws_secret_access_key="test", aws_session_token=None)
assert outside.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/")["KeyCount"] == BEFORE
"""

    def job(ids, before, rest=""):
        text = looks.replace("IDS", str(ids)).replace("BEFORE", str(before)) + rest
        return sales.create(WITH_CONTEXT + text, DefaultArguments=BOOKMARK)

    # The script has committed its bookmark when it fails: the next run reads the same again.
    failing = job([1, 5], 0, "raise ValueError('after all')\n")
    assert sales.fails(failing) == "ValueError: after all"
    assert sales.rows() == []
    with pytest.raises(sales.glue.exceptions.EntityNotFoundException):
        sales.glue.get_job_bookmark(JobName=failing)
    location = sales.put("code/mended.py", WITH_CONTEXT + looks.replace("IDS", "[1, 5]").replace("BEFORE", "0"))
    sales.glue.update_job(JobName=failing, JobUpdate={"Role": "r", "DefaultArguments": BOOKMARK, "Command": {
        "Name": "glueetl", "ScriptLocation": location}})
    run = sales.run(failing)
    assert sales.rows() == [1, 5]
    entry = sales.glue.get_job_bookmark(JobName=failing)["JobBookmarkEntry"]
    assert (entry["RunId"], entry["Version"]) == (run["Id"], 1)
    assert json.loads(entry["JobBookmark"])["source"]["files"] == 1
    wait_until(lambda: any("published in one commit: " in line for line in sales.log("output", run["Id"])), "the log to say so")
    sales.sale("second", HEADER + "6,f,1\n")
    plain = sales.put("code/plain.py", WITH_CONTEXT)
    sales.glue.update_job(JobName=failing, JobUpdate={"Role": "r", "DefaultArguments": BOOKMARK, "Command": {
        "Name": "glueetl", "ScriptLocation": plain}})
    sales.run(failing)
    assert sales.rows() == [1, 5, 6]


def test_what_cannot_be_atomic_is_refused(tenon):
    scripts = Scripts(tenon)
    job = scripts.create("pass\n", DefaultArguments={"--output-commit": "atomik"})
    with pytest.raises(scripts.glue.exceptions.InvalidInputException, match="--output-commit atomik is not known"):
        scripts.start(job)
    with pytest.raises(scripts.glue.exceptions.InvalidInputException, match="--output-commit is for the runs of jobs"):
        scripts.glue.create_session(Id="atomic-session", Role="arn:aws:iam::000000000000:role/demo", DefaultArguments=ATOMIC,
                                    Command={"Name": "glueetl", "PythonVersion": "3"})
    text = """
import json, os, urllib.error, urllib.request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session
url = os.environ["AWS_ENDPOINT_URL"] + "/_/iceberg/v1/namespaces"
request = AWSRequest("POST", url, data=json.dumps({"namespace": ["n"]}))
SigV4Auth(Session().get_credentials(), "glue", "us-east-1").add_auth(request)
try:
    urllib.request.urlopen(urllib.request.Request(url, request.data.encode(), dict(request.headers)))
except urllib.error.HTTPError as error:
    print(error.code, json.loads(error.read())["error"]["message"])
"""
    run = scripts.run(scripts.create(text, DefaultArguments=ATOMIC))
    assert any("cannot change Iceberg tables" in line for line in scripts.log("output", run["Id"]))


def test_frames_are_handed_over_on_a_server_that_is_new(tenon_factory):
    sales = Sales(tenon_factory().start()).prepare()
    assert not any(b["Name"].startswith("aws-glue-assets-") for b in sales.s3.list_buckets()["Buckets"])
    # Of a data frame: what comes of a table alone the server makes without one.
    text = WITH_CONTEXT.replace('format = "parquet", format_options = {"compression": "snappy"}', 'format = "orc"')
    text = text.replace("frame = transformed", "frame = glueContext.create_dynamic_frame.from_catalog(database = 'my_database', "
                        "table_name = 'sales_csv').map(lambda row: row)")
    assert 'format = "orc"' in text and ".map(" in text
    sales.run(sales.create(text, DefaultArguments=ATOMIC))
    pages = sales.s3.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/")
    assert pages["KeyCount"] and all(entry["Key"].endswith(".orc") for entry in pages["Contents"])
