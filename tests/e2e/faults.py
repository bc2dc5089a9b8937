"""What tests of faults share: jobs that are still reading when something is done to them, and a server that is asked all the
while."""

import json
import threading

from botocore.exceptions import BotoCoreError, ClientError

from conftest import wait_until
from test_jobs import Glue, parquet

# A text of so many characters is compared with another one, character by character: each row takes its while.
WIDE = 500
ROWS = 12_000


class Beside(threading.Thread):
    """Asks a server for a bucket and a table, one after the other, for as long as the block goes on."""

    def __init__(self, server):
        super().__init__(daemon=True)
        glue = Glue(server)
        glue.client.create_table(DatabaseName=glue.database, TableInput={"Name": "t"})
        self.glue, self.done, self.answers, self.failures = glue, threading.Event(), 0, []

    def run(self):
        while not self.done.wait(0.01):
            try:
                self.glue.s3.head_bucket(Bucket=self.glue.bucket)
                self.glue.client.get_table(DatabaseName=self.glue.database, Name="t")
                self.answers += 1
            except (BotoCoreError, ClientError) as error:
                self.failures.append(repr(error))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.done.set()
        self.join(60)
        if kind is None:
            assert self.answers > 0 and not self.failures, (self.answers, self.failures[:3])


def rows_of(number, rows=ROWS, mark="old"):
    """A file of text that takes a slow job some seconds; every row of it says `mark`."""
    text = "ab" * (WIDE // 2)
    return "id,mark,a\n" + "".join(f"{number * rows + n},{mark},{text}\n" for n in range(rows))


def slow(glue, source, folder, **target):
    """Nodes that keep `id` and `mark` of the source `src`, at the pace of a comparison of long texts in each row."""
    query = "SELECT id, mark, levenshtein(a, reverse(concat(id, a))) AS far FROM t"
    return {"src": source,
            "q": {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}], "SqlQuery": query}},
            "out": parquet(glue, "q", folder, **target)}


def amid(glue, job, total, **arguments):
    """Starts a run and returns it when it has read some of its rows, and not all of them."""
    run = glue.start(job, **arguments)

    def reading():
        lines = [line for line in glue.log("output", run) if line.startswith("progress ")]
        read = json.loads(lines[-1][len("progress ") :])["rows_in"] if lines else 0
        ended = glue.get(job, run)["JobRunState"] not in ("STARTING", "RUNNING")
        return read if read or ended else None

    read = wait_until(reading, "the run to read")
    assert 0 < read < total, f"{read} of {total} rows are read: it is not in the middle"
    assert glue.get(job, run)["JobRunState"] == "RUNNING"
    return run


def ended(glue, job, run):
    """The run at its end; it must have been at work until now, else what was done to it came too late."""
    assert glue.get(job, run)["JobRunState"] == "RUNNING", "the run was over before"
    return glue.wait(job, run)
