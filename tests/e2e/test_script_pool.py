"""Runs that take a process of the pool: they find what a run finds that starts one, and nobody is left behind."""

import json
import os
import pathlib
import signal

import botocore
import pytest

from conftest import wait_until
from glue_scripts import ENDLESS, Scripts, gone, is_alive, pids

# What a script can see of how it was started.
SEEN = """
import __main__, boto3, json, os, resource, sys, tempfile
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["JOB_NAME", "day"])
print(json.dumps({
    "main": sorted(name for name in vars(__main__) if name.startswith("__")), "file": __file__, "argv": sys.argv, "day": args["day"],
    "variables": dict(os.environ), "folder": os.getcwd(), "files": sorted(os.listdir(".")), "temporary": tempfile.gettempdir(),
    "path": sys.path, "limit": resource.getrlimit(resource.RLIMIT_DATA), "input": sys.stdin.read(), "pid": os.getpid(),
    "account": boto3.client("sts").get_caller_identity()["Account"], "group": os.getpgid(0) == os.getpid(),
}))
"""
SPARK = """
from pyspark.context import SparkContext
from awsglue.context import GlueContext
spark = GlueContext(SparkContext.getOrCreate()).spark_session
print(spark.sql("select 40 + 2 as x").collect()[0].x)
"""


class Pool(Scripts):
    """Jobs on a server that has a pool, and the processes that wait in it."""

    def waiting(self):
        """Ids of processes that wait, with the shells that guard them."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.is_waiting(process):
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def is_waiting(self, process):
        folder = pathlib.Path(os.readlink(process / "cwd"))
        return folder.parent == self.server.data_dir / "scripts" and (folder / ".tenon-run").exists()

    def ready(self):
        """Waits until a process waits."""
        return wait_until(self.waiting, "a process to wait")

    def warm(self):
        """Has a run bring the pool."""
        self.run(self.create("print('first')\n"))
        return self.ready()

    def printed(self, run):
        return json.loads(self.log("output", run["Id"])[0])


@pytest.fixture
def pool(tenon_factory):
    return Pool(tenon_factory().start())


def same(seen):
    """What two runs have in common: without their folders, ids and processes."""
    text = json.dumps({name: value for name, value in seen.items() if name != "pid"}, sort_keys=True)
    for own in (seen["folder"], seen["variables"]["TENON_RUN_ID"], seen["argv"][2], seen["argv"][4]):
        text = text.replace(own, "?")
    return json.loads(text)


def test_a_run_of_the_pool_finds_what_a_run_without_finds(pool):
    extra = {"DefaultArguments": {"--extra-files": pool.put("x.txt", "x"), "--conf": "spark.sql.shuffle.partitions=3"},
             "WorkerType": "G.025X", "NumberOfWorkers": 2}
    job = pool.create(SEEN, **extra)
    assert pool.waiting() == []
    first = pool.printed(pool.run(job, Arguments={"--day": "mon day"}))
    waiting = pool.ready()
    second = pool.printed(pool.run(job, Arguments={"--day": "mon day"}))
    assert "next-" not in first["folder"] and "/scripts/next-" in second["folder"]
    assert second["pid"] in waiting and second["limit"] == [4 << 30, 4 << 30] and second["day"] == "mon day"
    assert same(first) == same(second)
    # A process serves one run; another one has come.
    assert second["pid"] not in pool.ready()
    assert not pathlib.Path(second["folder"]).exists()


def test_a_run_of_the_pool_has_its_own_account_region_and_key(tenon_factory):
    server = tenon_factory("--set", "auth=sigv4", environment={"TENON_KEYS": "test:test"}).start()
    pool = Pool(server)
    pool.warm()
    text = (
        "import boto3, json, os\nprint(json.dumps([boto3.client('sts').get_caller_identity()['Account'],\n"
        "    *(os.environ['AWS_' + n] for n in ('REGION', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN'))]))\n"
    )
    glue = server.client("glue", region="eu-west-1")
    glue.create_job(Name="far", Role="r", Command={"Name": "glueetl", "ScriptLocation": pool.put("far.py", text)})
    waiting = pool.ready()
    run = glue.start_job_run(JobName="far")["JobRunId"]
    wait_until(lambda: glue.get_job_run(JobName="far", RunId=run)["JobRun"]["JobRunState"] == "SUCCEEDED", "the run")
    pool.logs = server.client("logs", region="eu-west-1")
    account, region, *key = json.loads(pool.log("output", run)[0])
    assert (account, region) == ("000000000000", "eu-west-1") and not set(waiting) & set(pool.ready())
    late = botocore.session.Session().create_client(
        "s3", region_name="eu-west-1", endpoint_url=server.endpoint, aws_access_key_id=key[0], aws_secret_access_key=key[1],
        aws_session_token=key[2])
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        late.list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_the_engine_answers_in_a_run_of_the_pool(pool):
    waiting = pool.warm()
    run = pool.run(pool.create(SPARK + "import os\nprint(os.getpid())\n"))
    answer, pid = pool.log("output", run["Id"])
    assert answer == "42" and int(pid) in waiting


def test_a_script_of_the_pool_fails_as_any_other(pool):
    for text, expected in {
        "def f():\n    return 1 / 0\nf()\n": "ZeroDivisionError: division by zero",
        "def f(:\n": "SyntaxError: invalid syntax",
        "import sys\nsys.exit(3)\n": "SystemExit: 3",
        "x = bytearray(1 << 40)\n": "MemoryError (the run may use",
    }.items():
        job = pool.create(text)
        cold = pool.fails(job)
        pool.ready()
        run = pool.ended(job, pool.start(job))
        assert run["ErrorMessage"] == cold and cold.startswith(expected)
        assert not any("tenon_pool" in line for line in pool.log("error", run["Id"]))
        pool.ready()


def test_runs_with_modules_of_their_own_start_without(pool):
    waiting = pool.warm()
    text = "import os, helper\nprint(os.getcwd())\n"
    helper = pool.put("helper.py", "X = 1\n")
    for argument in ("--extra-py-files", "--extra-files"):
        run = pool.run(pool.create(text, DefaultArguments={argument: helper}))
        assert "next-" not in pool.log("output", run["Id"])[0]
    shell = pool.run(pool.create("import os\nprint(os.getcwd())\n", "pythonshell"))
    assert "next-" not in pool.log("output", shell["Id"], "/aws-glue/python-jobs")[0]
    assert set(pool.waiting()) == set(waiting)


def test_a_process_that_has_died_fails_no_run_and_is_made_up_for(pool):
    dead = pool.warm()
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    gone(dead)
    run = pool.run(pool.create("import os\nprint(os.getcwd())\n"))
    assert "next-" not in pool.log("output", run["Id"])[0]
    assert not set(pool.ready()) & set(dead)


def test_a_stopped_run_of_the_pool_is_gone_with_its_children(pool):
    pool.warm()
    job = pool.create(ENDLESS)
    run = pool.start(job)
    alive = pids(pool, run)
    pool.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert pool.ended(job, run)["JobRunState"] == "STOPPED"
    gone(alive)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_takes_its_pool_along(tenon_factory, how):
    server = tenon_factory().start()
    pool = Pool(server)
    waiting = pool.warm()
    assert all(is_alive(pid) for pid in waiting)
    run = pool.start(pool.create(ENDLESS))
    alive = pids(pool, run)
    server.process.send_signal(how)
    server.process.wait(60)
    gone(waiting + alive)
    # What they have left in the data folder goes with the next start.
    Pool(server.start())
    assert list((server.data_dir / "scripts").glob("next-*")) == []


def test_without_a_pool_no_process_waits(tenon_factory):
    pool = Pool(tenon_factory("--set", "scripts.pool=0").start())
    job = pool.create("import os\nprint(os.getcwd())\n")
    for _ in range(2):
        assert "next-" not in pool.log("output", pool.run(job)["Id"])[0]
    assert [path.name for path in (pool.server.data_dir / "scripts").iterdir()] == ["packages"] and pool.waiting() == []
