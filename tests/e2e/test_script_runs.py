"""Runs of script jobs: what a script is given, how it ends, what is left of it."""

import io
import json
import signal
import zipfile

import botocore
import pytest

from conftest import wait_until
from glue_scripts import ENDLESS, Scripts, gone, pids


@pytest.fixture
def scripts(tenon):
    return Scripts(tenon)


def archive(files):
    """A zip archive of these texts by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for path, text in files.items():
            out.writestr(path, text)
    return made.getvalue()


# What a script is given


def test_a_python_shell_job_uses_boto3_and_its_own_files(scripts):
    text = (
        "import sys, json, boto3, helper, packed\n"
        "from awsglue.utils import getResolvedOptions\n"
        "args = getResolvedOptions(sys.argv, ['bucket'])\n"
        "boto3.client('s3').put_object(Bucket=args['bucket'], Key='out.json',\n"
        "    Body=json.dumps([helper.X, packed.Y, open('data.txt').read(), sys.argv[1:]]).encode())\n"
    )
    files = ",".join([scripts.put("lib/helper.py", "X = 1\n"), scripts.put("lib/p.zip", archive({"packed.py": "Y = 2\n"}))])
    job = scripts.create(text, "pythonshell", DefaultArguments={
        "--extra-py-files": files, "--extra-files": scripts.put("lib/data.txt", "hello"), "--bucket": "?"})
    run = scripts.run(job, Arguments={"--bucket": scripts.bucket, "--unknown": "passed on"})
    assert run["LogGroupName"] == "/aws-glue/python-jobs"
    body = json.loads(scripts.s3.get_object(Bucket=scripts.bucket, Key="out.json")["Body"].read())
    assert body == [1, 2, "hello", ["--bucket", scripts.bucket, "--unknown", "passed on"]]


def test_modules_are_installed_once_on_top_of_the_environment(scripts):
    info = "tiny_thing-1.0.dist-info"
    wheel = archive({
        "tiny_thing.py": "VALUE = 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    })
    location = scripts.put("tiny_thing-1.0-py3-none-any.whl", wheel)
    text = "import tiny_thing, boto3, pyspark.context\nfrom awsglue.context import GlueContext\nprint(tiny_thing.VALUE)\n"
    job = scripts.create(text, DefaultArguments={
        "--additional-python-modules": location, "--python-modules-installer-option": "--no-index"})
    first, second = scripts.run(job), scripts.run(job)
    assert scripts.log("output", first["Id"]) == [f"installed {location}, once for all runs that want them", "42"]
    assert scripts.log("output", second["Id"]) == ["42"]
    missing = scripts.create("", DefaultArguments={
        "--additional-python-modules": "no-such-thing-anywhere", "--python-modules-installer-option": "--no-index"})
    message = scripts.fails(missing)
    assert message.startswith("installing --additional-python-modules:") and "no-such-thing-anywhere" in message


def test_nothing_of_the_server_s_environment_reaches_a_script(tenon_factory):
    server = tenon_factory("--set", "scripts.pool=0", environment={"SECRET_OF_THE_SERVER": "x", "AWS_SECRET_ACCESS_KEY": "hidden", "PYTHONPATH": "/x"})
    scripts = Scripts(server.start())
    job = scripts.create("import os, json\nprint(json.dumps(dict(os.environ)))\nprint(os.getcwd())\n")
    run = scripts.run(job, Arguments={"--conf": "spark.sql.shuffle.partitions=3"})
    seen, folder = scripts.log("output", run["Id"])
    seen = json.loads(seen)
    assert "SECRET_OF_THE_SERVER" not in seen and "hidden" not in seen.values() and "/x" not in seen["PYTHONPATH"]
    assert seen["AWS_ENDPOINT_URL"] == server.endpoint and seen["HOME"] == seen["TMPDIR"] == folder
    assert seen["TENON_SPARK_CONF"] == "spark.sql.shuffle.partitions=3"
    assert folder.startswith(str(server.data_dir)) and [path.name for path in (server.data_dir / "scripts").iterdir()] == ["packages"]


def test_a_script_signs_with_a_key_that_ends_with_it(verifying):
    scripts = Scripts(verifying)
    text = (
        "import boto3, json, os\n"
        "print(boto3.client('sts').get_caller_identity()['Account'])\n"
        "print(json.dumps([os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['AWS_SESSION_TOKEN']]))\n"
    )
    run = scripts.run(scripts.create(text))
    account, key = scripts.log("output", run["Id"])
    key = json.loads(key)
    assert account == "000000000000" and key[0] != "test"
    late = botocore.session.Session().create_client(
        "s3", region_name="us-east-1", endpoint_url=verifying.endpoint, aws_access_key_id=key[0],
        aws_secret_access_key=key[1], aws_session_token=key[2])
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        late.list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"


# How a script ends


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero"),
        ("def f(:\n", "SyntaxError: invalid syntax"),
        ("import no_such_module_here\n", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("x = bytearray(1 << 40)\n", "MemoryError (the run may use"),
        ("import os\nos.abort()\n", "The script was ended by signal 6 (SIGABRT)"),
        ("import sys\nfrom awsglue.utils import getResolvedOptions\ngetResolvedOptions(sys.argv, ['day'])\n",
         "awsglue.errors.GlueArgumentError: the following arguments are required: --day"),
        ("from awsglue.context import GlueContext\nfrom pyspark.context import SparkContext\n"
         "GlueContext(SparkContext()).create_dynamic_frame.from_catalog(database='no_db', table_name='no_table')\n", "Database no_db not found"),
    ],
    ids=["exception", "syntax", "module", "exit", "memory", "abort", "argument", "table"],
)
def test_why_a_script_failed_is_its_error_message(scripts, text, expected):
    job = scripts.create(text)
    run = scripts.ended(job, scripts.start(job))
    assert run["JobRunState"] == "FAILED" and expected in run["ErrorMessage"], run["ErrorMessage"]
    assert any(expected.split(":")[0] in line for line in scripts.log("error", run["Id"]))


def test_a_script_that_is_not_there(scripts):
    job = scripts.create("")
    scripts.s3.delete_object(Bucket=scripts.bucket, Key=f"code/{job}.py")
    assert scripts.fails(job) == f"script s3://{scripts.bucket}/code/{job}.py: the object does not exist"


def test_without_an_environment_the_command_is_named(tenon_factory, tmp_path):
    server = tenon_factory("--set", f"scripts.environment={tmp_path}/none").start()
    scripts = Scripts(server)
    assert scripts.fails(scripts.create("")) == (
        f"there is no Python environment for scripts at {tmp_path}/none: run `tenon python setup` once")


@pytest.mark.parametrize(
    ("command", "extra", "expected"),
    [
        ({"Name": "gluestreaming"}, {}, "gluestreaming jobs are not executed"),
        ({"Name": "glueray"}, {}, "glueray jobs are not executed"),
        ({"Name": "glueetl"}, {"DefaultArguments": {"--job-language": "scala"}}, "scripts in scala are not executed"),
        ({"Name": "glueetl"}, {"GlueVersion": "1.0"}, "Glue version 1.0"),
    ],
)
def test_what_is_not_run_is_refused_when_it_is_started(scripts, command, extra, expected):
    job = scripts.create("")
    scripts.glue.update_job(JobName=job, JobUpdate={
        "Role": "r", "Command": {**command, "ScriptLocation": f"s3://{scripts.bucket}/x.py"}, **extra})
    with pytest.raises(scripts.glue.exceptions.InvalidInputException, match=expected):
        scripts.start(job)


def test_a_script_that_fails_is_retried_and_a_second_run_at_once_is_refused(scripts):
    job = scripts.create("raise ValueError('x')\n", MaxRetries=1)
    first = scripts.start(job)
    assert scripts.ended(job, first)["ErrorMessage"] == "ValueError: x"
    assert scripts.ended(job, f"{first}_attempt_1")["JobRunState"] == "FAILED"
    endless = scripts.create(ENDLESS)
    run = scripts.start(endless)
    with pytest.raises(scripts.glue.exceptions.ConcurrentRunsExceededException):
        scripts.start(endless)
    scripts.glue.batch_stop_job_run(JobName=endless, JobRunIds=[run])
    assert scripts.ended(endless, run)["JobRunState"] == "STOPPED"


# What a script prints


def test_output_is_seen_while_the_script_runs(scripts):
    job = scripts.create("import sys, time\nprint('hello')\nprint('oh', file=sys.stderr)\ntime.sleep(600)\n")
    run = scripts.start(job)
    wait_until(lambda: scripts.log("output", run) == ["hello"] and scripts.log("error", run) == ["oh"], "the lines")
    assert scripts.get(job, run)["JobRunState"] == "RUNNING"
    scripts.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert scripts.ended(job, run)["JobRunState"] == "STOPPED"


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def test_a_script_that_prints_a_hundred_megabytes(tenon_factory):
    server = tenon_factory().start()
    scripts = Scripts(server)
    before = resident(server)
    text = "line = 'x' * 999\nfor at in range(100_000):\n    print(line)\nprint('last')\n"
    run = scripts.run(scripts.create(text))
    assert resident(server) - before < 300 << 20
    page = scripts.logs.get_log_events(
        logGroupName="/aws-glue/jobs/output", logStreamName=run["Id"], startFromHead=False, limit=2)
    assert [event["message"] for event in page["events"]] == ["x" * 999, "last"]


# Ends that come from outside


def test_a_stopped_script_is_gone_with_its_children(scripts):
    job = scripts.create(ENDLESS, MaxRetries=2)
    run = scripts.start(job)
    alive = pids(scripts, run)
    scripts.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert scripts.ended(job, run)["JobRunState"] == "STOPPED"
    gone(alive)
    assert len(scripts.glue.get_job_runs(JobName=job)["JobRuns"]) == 1


def test_a_script_ends_at_its_timeout(scripts):
    job = scripts.create("while True: pass\n", MaxRetries=2)
    run = scripts.start(job, Timeout=1)
    ended = scripts.ended(job, run, 120)
    assert ended["JobRunState"] == "TIMEOUT" and ended["ExecutionTime"] >= 60
    assert len(scripts.glue.get_job_runs(JobName=job)["JobRuns"]) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_takes_its_scripts_along(tenon_factory, how):
    server = tenon_factory().start()
    scripts = Scripts(server)
    job, retried = scripts.create(ENDLESS), scripts.create(ENDLESS, MaxRetries=1)
    run, first = scripts.start(job), scripts.start(retried)
    alive = pids(scripts, run) + pids(scripts, first)
    server.process.send_signal(how)
    server.process.wait(60)
    gone(alive)
    after = Scripts(server.start())
    ended = after.ended(job, run)
    assert ended["JobRunState"] == "FAILED", ended
    assert "what the script had written until then is there" in ended["ErrorMessage"]
    assert after.ended(retried, first)["JobRunState"] == "FAILED"
    alive = pids(after, f"{first}_attempt_1")
    assert server.stop() == 0
    gone(alive)
