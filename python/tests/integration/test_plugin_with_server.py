"""The pytest plugin, as a project of its own uses it: with a server that it starts itself."""

import os
import re
import subprocess
import sys

from shared import ROOT, servers


def guide():
    """The example of the guide: its script and its test."""
    text = (ROOT / "docs/scripts.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    return next(b for b in blocks if "def test_" in b)


def run(folder, *arguments, **environment):
    """A session of pytest, as a process; the fixtures of this one are none of it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SPARK_", "SAIL_", "TENON_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tenon_pytest", "-p", "no:cacheprovider", *arguments], cwd=folder,
        capture_output=True, text=True, timeout=300,
        env={**inherited, "PYTHONPATH": str(ROOT / "python"), "TENON_BIN": servers.binary(), **environment})


SCRIPT = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
orders = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [f"s3://{args['bucket']}/orders/"]}, "json")
paid = orders.filter(lambda r: r["amount"] > 0)
glueContext.write_dynamic_frame.from_options(paid, "s3", {"path": f"s3://{args['bucket']}/paid/"}, "json")
print(paid.count(), "paid")
job.commit()
"""

# One session: its tests share the server; scripts in the process share one engine.
MORE = """
import os
import boto3
import pytest

@pytest.mark.parametrize("in_process", [False, True, True])
def test_scripts_of_both_kinds(tenon, in_process):
    assert tenon.url == os.environ["AWS_ENDPOINT_URL"] and "AWS_PROFILE" not in os.environ
    bucket = tenon.bucket()
    boto3.client("s3").put_object(Bucket=bucket, Key="orders/a.json", Body=b'{"id": 1, "amount": 0}\\n{"id": 2, "amount": 5}')
    ran = tenon.run("paid_json.py", {"JOB_NAME": "paid", "bucket": bucket}, in_process=in_process)
    assert ran.stdout == "1 paid\\n" and ran.exit_code == 0

def test_services(tenon):
    assert tenon.athena.list_work_groups()["WorkGroups"] and tenon.client("logs").describe_log_groups()
    with pytest.raises(AssertionError, match="ended with 1"):
        tenon.run("paid_json.py", ["--JOB_NAME", "x"])
    failed = tenon.run("paid_json.py", ["--JOB_NAME", "x"], check=False, timeout=60)
    assert "--bucket" in failed.stderr
"""


def test_a_project_tests_its_scripts(tmp_path):
    (tmp_path / "paid_json.py").write_text(SCRIPT)
    (tmp_path / "test_guide.py").write_text(guide())
    (tmp_path / "test_more.py").write_text(MORE)
    done = run(tmp_path, AWS_PROFILE="somebody")
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr


def test_without_a_program_tests_fail_and_say_why(tmp_path):
    (tmp_path / "test_one.py").write_text("def test_one(tenon):\n    pass\ndef test_two():\n    pass\n")
    done = run(tmp_path, TENON_BIN=str(tmp_path / "none"))
    assert done.returncode == 1 and "set TENON_BIN to it" in done.stdout and "1 passed, 1 error" in done.stdout
