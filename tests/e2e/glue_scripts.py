"""Jobs of scripts for the tests: a bucket, scripts in it, runs and what they logged."""

import os

from conftest import name, wait_until

FINAL = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
ENABLED = {"--job-bookmark-option": "job-bookmark-enable"}


class Scripts:
    """A bucket on a server, and jobs whose scripts lie there."""

    def __init__(self, server):
        self.server = server
        self.glue = server.client("glue")
        self.s3 = server.client("s3")
        self.logs = server.client("logs")
        self.bucket = server.bucket("scripts")

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def create(self, text, command="glueetl", **extra):
        job = name("job")
        location = self.put(f"code/{job}.py", text)
        self.glue.create_job(Name=job, Role="role", Command={"Name": command, "ScriptLocation": location}, **extra)
        return job

    def start(self, job, **arguments):
        return self.glue.start_job_run(JobName=job, **arguments)["JobRunId"]

    def get(self, job, run):
        return self.glue.get_job_run(JobName=job, RunId=run)["JobRun"]

    def ended(self, job, run, deadline=60):
        def over():
            found = self.get(job, run)
            return found if found["JobRunState"] in FINAL else None

        return wait_until(over, f"{run} to end", deadline)

    def run(self, job, **arguments):
        """Runs a job that has to succeed."""
        run = self.ended(job, self.start(job, **arguments))
        assert run["JobRunState"] == "SUCCEEDED", (run.get("ErrorMessage"), self.log("error", run["Id"]))
        return run

    def fails(self, job, **arguments):
        """Runs a job that has to fail; why it did."""
        run = self.ended(job, self.start(job, **arguments))
        assert run["JobRunState"] == "FAILED", run
        return run["ErrorMessage"]

    def log(self, kind, run, group="/aws-glue/jobs"):
        """All lines of a run's log."""
        lines, token = [], {}
        while True:
            try:
                page = self.logs.get_log_events(
                    logGroupName=f"{group}/{kind}", logStreamName=run, startFromHead=True, **token)
            except self.logs.exceptions.ResourceNotFoundException:
                return lines
            lines += [event["message"] for event in page["events"]]
            if token.get("nextToken") == page["nextForwardToken"]:
                return lines
            token = {"nextToken": page["nextForwardToken"]}


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return ") Z " not in stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids):
    """Waits until no process of these is there any more."""
    wait_until(lambda: not any(is_alive(pid) for pid in pids), f"processes {pids} to end")


# Prints its own process id and that of a child, and does not end.
ENDLESS = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid)
time.sleep(600)
"""


def pids(scripts, run):
    lines = wait_until(lambda: scripts.log("output", run), "the script to begin")
    found = [int(pid) for pid in lines[0].split()]
    assert all(is_alive(pid) for pid in found) and os.getpid() not in found
    return found
