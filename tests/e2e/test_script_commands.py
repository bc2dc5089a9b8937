"""`tenon python setup`, `tenon script run` and `tenon script check`."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request

import pytest

from conftest import binary, name, scripts_environment, wait_until
from glue_scripts import gone
from test_script_runs import archive

# What scripts need, by name and version, with as much in it as trying an environment imports.
NEEDED = {
    ("boto3", "1.99"): {"boto3.py": ""},
    ("pandas", "2.9"): {"pandas.py": ""},
    ("pysail", "0.7.9"): {"pysail/spark.py": "SparkConnectServer = None\n"},
    ("pyspark_client", "4.9"): {
        "pyspark/__init__.py": "", "pyspark/conf.py": "SparkConf = None\n", "pyspark/sql/__init__.py": "",
        "pyspark/sql/connect/__init__.py": "",
        "pyspark/sql/connect/session.py": "SparkSession = None\n"},
}


def wheels(folder):
    """A folder of wheels of what scripts need."""
    folder.mkdir()
    for (package, version), files in NEEDED.items():
        info = f"{package}-{version}.dist-info"
        (folder / f"{package}-{version}-py3-none-any.whl").write_bytes(archive({
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
        }))
    return folder


def test_setup_of_an_environment_that_is_there_only_tries_it(tenon):
    tenon.cli("python", "setup")
    said = tenon.cli("python", "setup").stdout
    assert said.startswith(f"{scripts_environment()} was ready: pysail 0.7"), said
    document = json.loads(tenon.cli("python", "setup", "--json").stdout)
    assert document["made"] is False and "boto3" in document["versions"]


def test_setup_from_a_folder_of_wheels_asks_nobody_else(tenon, tmp_path):
    wheels, place = tmp_path / "wheels", tmp_path / "environment"
    wheels.mkdir()
    setup = ["python", "setup", "--from", str(wheels), "--set", f"scripts.environment={place}"]
    failed = tenon.cli(*setup, check=False)
    assert failed.returncode == 1 and "boto3" in failed.stderr and "installing" in failed.stderr, failed.stderr
    script = tmp_path / "s.py"
    script.write_text("")
    refused = tenon.cli("script", "run", "--set", f"scripts.environment={place}", str(script), check=False)
    assert refused.returncode == 1 and "unfinished: run `tenon python setup` again" in refused.stderr
    assert tenon.cli("python", "setup", "--from", str(tmp_path / "none"), check=False).returncode == 1


def test_an_environment_that_no_longer_works_is_made_anew(tenon, tmp_path):
    place, source = tmp_path / "environment", wheels(tmp_path / "wheels")
    setup = ["python", "setup", "--from", str(source), "--set", f"scripts.environment={place}", "--set", "scripts.installer"]
    elsewhere = tenon.cli(*setup[:-1], "scripts.installer=/nowhere/uv", check=False)
    assert elsewhere.returncode == 1 and "/nowhere/uv cannot be started" in elsewhere.stderr, elsewhere.stderr
    setup[-1] += "=pip"
    ready = f"{place} is ready: pysail 0.7.9, pyspark-client 4.9, pandas 2.9, boto3 1.99\n"
    # What the attempt before has left is ours.
    made = tenon.cli(*setup)
    assert made.stdout == ready and "with pip" in made.stderr, made
    assert tenon.cli(*setup).stdout == ready.replace("is", "was", 1)
    lost, = place.glob("lib/*/site-packages/boto3.py")
    lost.unlink()
    again = tenon.cli(*setup)
    assert again.stdout == ready and "no longer worked (ModuleNotFoundError: No module named 'boto3')" in again.stderr, again
    # As after an update of the system's Python.
    (place / "bin/python").unlink()
    (place / "bin/python").symlink_to("/nowhere/python3")
    assert tenon.cli(*setup).stdout == ready
    shutil.rmtree(source)
    script = tmp_path / "s.py"
    script.write_text("import boto3, awsglue, sys\nprint(sys.prefix)\n")
    assert tenon.cli("script", "run", "--set", f"scripts.environment={place}", str(script)).stdout == f"{place}\n"


def test_a_script_runs_in_the_terminal(tenon, tmp_path):
    bucket, script = tenon.bucket(), tmp_path / "s.py"
    script.write_text(
        "import sys, boto3\nfrom awsglue.utils import getResolvedOptions\n"
        "args = getResolvedOptions(sys.argv, ['JOB_NAME', 'bucket'])\n"
        "boto3.client('s3').put_object(Bucket=args['bucket'], Key=args['JOB_NAME'], Body=sys.stdin.read().encode())\n"
        "print('done'); sys.exit(0 if args['JOB_NAME'] == 'x' else 5)\n"
    )
    run = ["script", "run", str(script), "--bucket", bucket, "--JOB_NAME"]
    assert tenon.cli(*run, "x", input="typed").stdout == "done\n"
    assert tenon.client("s3").get_object(Bucket=bucket, Key="x")["Body"].read() == b"typed"
    assert tenon.cli(*run, "y", check=False, input="").returncode == 1
    # A bookmark belongs to a run of the server's.
    script.write_text("import sys\nfrom awsglue.job import Job\nclass Context: _bookmarks = None\nJob(Context()).init('j', {})\n")
    refused = tenon.cli("script", "run", str(script), "--job-bookmark-option", "job-bookmark-enable", check=False)
    assert refused.returncode == 1 and "start this one with StartJobRun" in refused.stderr


def test_a_script_runs_on_a_server_of_its_own(tenon, tmp_path):
    script = tmp_path / "alone.py"
    script.write_text("""import os, sys, boto3
boto3.client("s3").create_bucket(Bucket="mine-alone")
print(os.environ["AWS_ENDPOINT_URL"], [b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"]])
sys.exit(len(sys.argv) - 1)
""")
    alone = ["script", "run", "--ephemeral", str(script)]
    for _ in range(2):
        endpoint, buckets = tenon.cli(*alone).stdout.split(" ", 1)
        assert endpoint != tenon.endpoint and buckets == "['mine-alone']\n"
        with pytest.raises(OSError):
            urllib.request.urlopen(f"{endpoint}/_/status", timeout=5)
    assert tenon.cli(*alone, "--x", check=False).returncode == 1
    both = tenon.cli("script", "run", "--ephemeral", "--endpoint", tenon.endpoint, str(script), check=False)
    assert both.returncode == 1 and "give either --endpoint or --ephemeral" in both.stderr
    assert "mine-alone" not in [b["Name"] for b in tenon.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_of_its_own_goes_with_the_command(tmp_path, number):
    script, said = tmp_path / "endless.py", tmp_path / "said"
    script.write_text("import os, sys, time\nprint(os.environ['AWS_ENDPOINT_URL'], os.getpid(), flush=True)\ntime.sleep(600)\n")
    with said.open("w") as out:
        command = subprocess.Popen([binary(), "script", "run", "--ephemeral", script], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env={**os.environ, "TENON_SCRIPTS_ENVIRONMENT": scripts_environment()})
    endpoint, pid = wait_until(lambda: said.read_text().split("\n")[0].split(), "the script to begin")[:2]
    command.send_signal(number)
    assert command.wait(60) == (-9 if number == signal.SIGKILL else 1)

    def is_gone():
        try:
            urllib.request.urlopen(f"{endpoint}/_/status", timeout=5).read()
            return False
        except OSError:
            return True

    wait_until(is_gone, "the server to stop")
    if number == signal.SIGKILL:
        os.kill(int(pid), signal.SIGKILL)
    else:
        gone([int(pid)])


def test_a_script_that_a_signal_ends_says_so(tenon, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    ended = tenon.cli("script", "run", str(script), check=False)
    assert ended.returncode == 1 and "the script was ended by signal 9" in ended.stderr


def test_a_script_is_checked_without_being_run(tenon, tmp_path):
    script = tmp_path / f"{name()}.py"
    script.write_text("from awsglue.transforms import Filter\nraise SystemExit(9)\n")
    fine = tenon.cli("script", "check", str(script))
    assert fine.stdout == f"{script}:1: awsglue.transforms.Filter: supported\n"
    script.write_text("frame.toDF().rdd.count()\n")
    found = tenon.cli("script", "check", "--json", str(script), check=False)
    assert found.returncode == 1
    assert [(entry["line"], entry["state"]) for entry in json.loads(found.stdout)] == [(1, "supported"), (1, "needs Spark"), (1, "supported")]
