"""Bookmarks of script jobs on the engine: what is new is read once, whoever dies when."""

import io
import json
import os
import signal
import urllib.error
import urllib.request

import pyarrow.parquet
import pytest

from conftest import name, wait_until
from glue_scripts import ENABLED, Scripts, pids

# As users write it; without a `transformation_ctx` on its source.
AS_IT_STANDS = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
datasource = glueContext.create_dynamic_frame.from_catalog(database = "my_database", table_name = "sales_csv")
transformed = datasource.filter(lambda x: x["quantity"] > 0)
glueContext.write_dynamic_frame.from_options(frame = transformed, connection_type = "s3", connection_options = {"path": "s3://my-bucket/sales-parquet/"}, format = "parquet", format_options = {"compression": "snappy"}, transformation_ctx = "write_parquet")
job.commit()
"""
WITH_CONTEXT = AS_IT_STANDS.replace('table_name = "sales_csv")', 'table_name = "sales_csv", transformation_ctx = "source")')
HEADER = "sale_id,product,quantity\n"
FIRST = HEADER + "1,a,5\n2,b,0\n3,c,-1\n4,d,\n5,e,2\n"


class Sales(Scripts):
    """What the script names: a database, a table by a crawl, a bucket."""

    def prepare(self):
        for bucket in ("my-bucket", "my-input"):
            self.s3.create_bucket(Bucket=bucket)
        self.sale("first", FIRST)
        self.glue.create_database(DatabaseInput={"Name": "my_database"})
        self.glue.create_crawler(Name="c", Role="r", DatabaseName="my_database",
                                 Targets={"S3Targets": [{"Path": "s3://my-input/sales_csv/"}]})
        self.glue.start_crawler(Name="c")
        wait_until(lambda: self.glue.get_crawler(Name="c")["Crawler"]["State"] == "READY", "the crawl to end")
        return self

    def sale(self, file, text):
        self.s3.put_object(Bucket="my-input", Key=f"sales_csv/{file}.csv", Body=text)

    def rows(self):
        """The ids that were written, and that the files are what was asked for."""
        ids = []
        for entry in self.s3.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/").get("Contents", []):
            assert entry["Key"].endswith(".snappy.parquet") or entry["Key"].endswith(".parquet"), entry["Key"]
            body = self.s3.get_object(Bucket="my-bucket", Key=entry["Key"])["Body"].read()
            file = pyarrow.parquet.ParquetFile(io.BytesIO(body))
            assert {file.metadata.row_group(at).column(0).compression for at in range(file.num_row_groups)} <= {"SNAPPY"}
            ids += file.read().column("sale_id").to_pylist()
        return sorted(ids)


@pytest.fixture
def sales(tenon_factory):
    return Sales(tenon_factory().start()).prepare()


def test_the_script_as_it_stands_reads_everything_again(sales):
    job = sales.create(AS_IT_STANDS, DefaultArguments=ENABLED)
    sales.run(job)
    assert sales.rows() == [1, 5]
    sales.run(job)
    assert sales.rows() == [1, 1, 5, 5]


def test_with_a_context_only_new_rows_are_read(sales):
    job = sales.create(WITH_CONTEXT, DefaultArguments=ENABLED)
    first = sales.run(job)
    assert sales.rows() == [1, 5]
    second = sales.run(job)
    assert sales.rows() == [1, 5]
    sales.sale("second", HEADER + "6,f,1\n7,g,0\n")
    third = sales.run(job)
    assert sales.rows() == [1, 5, 6]
    entry = sales.glue.get_job_bookmark(JobName=job)["JobBookmarkEntry"]
    assert (entry["RunId"], entry["PreviousRunId"], entry["Version"], entry["Run"]) == (third["Id"], second["Id"], 3, 3)
    covered = json.loads(entry["JobBookmark"])["source"]
    assert (covered["files"], covered["bytes"]) == (2, len(FIRST) + len(HEADER) + len("6,f,1\n7,g,0\n"))
    # Paused: what is new, or what a range of runs has read; nothing is remembered.
    sales.sale("third", HEADER + "8,h,3\n")
    paused = {"--job-bookmark-option": "job-bookmark-pause"}
    sales.run(job, Arguments=paused)
    sales.run(job, Arguments={**paused, "--job-bookmark-from": first["Id"], "--job-bookmark-to": third["Id"]})
    assert sales.rows() == [1, 5, 6, 6, 8]
    # Disabled: everything. Reset: everything from the beginning, or from a run on.
    sales.run(job, Arguments={"--job-bookmark-option": "job-bookmark-disable"})
    assert sales.rows() == [1, 1, 5, 5, 6, 6, 6, 8, 8]
    sales.glue.reset_job_bookmark(JobName=job, RunId=first["Id"])
    sales.run(job)
    assert sales.rows() == [1, 1, 5, 5, 6, 6, 6, 6, 8, 8, 8]


def killed_at(server, tmp_path, point, arguments):
    """Has a run whose server dies at a point, and starts the server again: the sales, the job and the run."""
    job = Sales(server.start()).prepare().create(WITH_CONTEXT, DefaultArguments=arguments)
    assert server.stop() == 0
    marker = tmp_path / "marker"
    server.arguments = ["--set", f"crash.point={point}", "--set", f"crash.marker={marker}"]
    run = Sales(server.start()).start(job)
    assert server.process.wait(120) == -signal.SIGKILL and marker.read_text().strip() == point
    server.arguments = []
    return Sales(server.start()), job, run


@pytest.mark.parametrize(
    ("point", "committed"),
    [("jobs.bookmark.before_commit", False), ("jobs.bookmark.after_commit", True), ("jobs.script.ended", True)],
)
def test_killed_around_the_commit_the_next_run_reads_what_is_not_committed(tenon_factory, tmp_path, point, committed):
    sales, job, run = killed_at(tenon_factory(), tmp_path, point, ENABLED)
    assert sales.ended(job, run)["JobRunState"] == "FAILED"
    # As on AWS, what a script writes is there when it is written: without a commit it is written again.
    assert sales.rows() == [1, 5]
    sales.sale("second", HEADER + "6,f,1\n")
    sales.run(job)
    assert sales.rows() == ([1, 5, 6] if committed else [1, 1, 5, 5, 6])


def test_killed_before_it_has_written_nothing_is_lost_and_nothing_doubled(sales):
    job = sales.create(WITH_CONTEXT.replace("transformed =", "import os, time; print(os.getpid()); time.sleep(600)\ntransformed ="),
                       DefaultArguments=ENABLED)
    run = sales.start(job)
    os.kill(pids(sales, run)[0], signal.SIGKILL)
    assert "signal 9 (SIGKILL)" in sales.ended(job, run)["ErrorMessage"]
    sales.glue.update_job(JobName=job, JobUpdate={"Role": "r", "DefaultArguments": ENABLED, "Command": {
        "Name": "glueetl", "ScriptLocation": sales.put("code/fixed.py", WITH_CONTEXT)}})
    sales.run(job)
    assert sales.rows() == [1, 5]


def test_of_two_runs_with_one_bookmark_one_commits(sales):
    waiting = WITH_CONTEXT.replace("job.commit()", "print('ready')\nimport boto3, time\n"
                                   "while 'Contents' not in boto3.client('s3').list_objects_v2(Bucket='my-input', Prefix='go'):\n"
                                   "    time.sleep(0.05)\njob.commit()")
    job = sales.create(waiting, DefaultArguments=ENABLED, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [sales.start(job), sales.start(job)]
    wait_until(lambda: all("ready" in sales.log("output", run) for run in runs), "both runs to have read")
    sales.s3.put_object(Bucket="my-input", Key="go", Body=b"")
    ended = sorted((sales.ended(job, run) for run in runs), key=lambda run: run["JobRunState"])
    assert [run["JobRunState"] for run in ended] == ["FAILED", "SUCCEEDED"]
    assert "BookmarkError: another run of job" in ended[0]["ErrorMessage"]


def test_a_commit_that_comes_late_is_refused(tenon):
    """Of a run that was stopped, under a fence that is not the run's, unsigned, or of a job that is nobody's."""
    scripts = Scripts(tenon)
    job = scripts.create("import os, time\nprint(os.environ['TENON_RUN_FENCE'])\ntime.sleep(600)\n")
    run = scripts.start(job)
    fence = int(wait_until(lambda: scripts.log("output", run), "the fence")[0])
    seen = {"ctx": {"s3://b/k": {"Etag": "e", "Size": 1, "ModifiedMs": 1}}}
    body = {"JobName": job, "RunId": run, "Fence": fence, "Version": 0, "Read": seen}

    def commit(signed=True, action="commit", **changed):
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glue/aws4_request, "
                                    "SignedHeaders=host, Signature=x"} if signed else {}
        request = urllib.request.Request(f"{tenon.endpoint}/_/scripts/bookmark/{action}", method="POST", headers=headers,
                                         data=json.dumps({**body, **changed}).encode())
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error).get("__type")

    assert commit(signed=False) == (403, "AccessDeniedException")
    assert commit(JobName=name("none")) == (404, "EntityNotFoundException")
    assert commit(Fence=fence + 1) == commit(Fence=fence - 1) == (409, "JobRunInvalidStateTransitionException")
    assert commit(RunId="jr_0") == (409, "JobRunInvalidStateTransitionException")
    assert commit(More=1) == (400, "InvalidInputException")
    assert commit(action="other") == (404, "NotFound")
    assert commit() == (200, {"Version": 1})
    assert commit() == (409, "ConcurrentModificationException")
    scripts.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    scripts.ended(job, run)
    assert commit(Version=1) == (409, "JobRunInvalidStateTransitionException")
    assert json.loads(scripts.glue.get_job_bookmark(JobName=job)["JobBookmarkEntry"]["JobBookmark"])["ctx"]["files"] == 1
