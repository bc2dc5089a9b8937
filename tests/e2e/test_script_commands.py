"""`tenon python setup`, `tenon script run` and `tenon script check`."""

import json

from conftest import name, scripts_environment


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


def test_a_script_is_checked_without_being_run(tenon, tmp_path):
    script = tmp_path / f"{name()}.py"
    script.write_text("from awsglue.transforms import Filter\nraise SystemExit(9)\n")
    fine = tenon.cli("script", "check", str(script))
    assert fine.stdout == f"{script}:1: awsglue.transforms.Filter: supported\n"
    script.write_text("frame.toDF().rdd.count()\n")
    found = tenon.cli("script", "check", "--json", str(script), check=False)
    assert found.returncode == 1
    assert [(entry["line"], entry["state"]) for entry in json.loads(found.stdout)] == [(1, "supported"), (1, "needs Spark"), (1, "supported")]
