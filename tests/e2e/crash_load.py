"""Concurrent work on a server that is about to be killed, and what must be true after it is started again.

Every acknowledgement is written down; after a restart each one is a debt: acknowledged objects are there with their
bytes, acknowledged deletions stay, runs that were started have ended, and a target holds exactly the rows of the runs
that SUCCEEDED. What was not acknowledged may or may not have happened, but never by halves.
"""

import contextlib
import hashlib
import http.client
import json
import random
import subprocess
import threading

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from conftest import name, wait_until

ROWS = 900
KEYS = 3
MEASURED = "measured"
BUSY = ("CrawlerRunningException", "ConcurrentRunsExceededException", "ColumnStatisticsTaskRunningException")
FINAL = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


class Ledger:
    """What was sent and what was acknowledged; shared by the threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # key -> digest of the bytes that a put sent
        self.acknowledged = set()
        self.deleting = set()
        self.deleted = set()
        self.runs = []
        self.fed = {}  # key -> rows of a file for the job with a bookmark
        self.in_flight = 0  # requests that were broken off in the middle
        self.surprises = []  # what no kill explains

    def note(self, change):
        with self.lock:
            change()


class Life:
    """A data folder through many kills: its server, its load and its debts."""

    def __init__(self, server, seed):
        self.server, self.ledger, self.random = server, Ledger(), random.Random(seed)
        self.stop = threading.Event()
        self.clients = threading.local()
        self.flowing = threading.Event()

    # The stage: a table to read, two jobs, a crawler.

    def prepare(self):
        s3, glue = self.server.client("s3"), self.server.client("glue")
        self.bucket, self.database = self.server.bucket("crash"), name("crash")
        rows = "".join(f"{n},{'abc'[n % KEYS]},{n * 2}\n" for n in range(ROWS))
        s3.put_object(Bucket=self.bucket, Key="src/data.csv", Body=f"id,k,v\n{rows}".encode())
        s3.put_object(Bucket=self.bucket, Key="feed/first.csv", Body=b"id,k,v\n1,a,1\n")
        self.ledger.fed["feed/first.csv"] = 1
        glue.create_database(DatabaseInput={"Name": self.database})
        glue.create_crawler(
            Name=self.database, Role="r", DatabaseName=self.database,
            Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/src/"}]},
        )
        glue.create_table(DatabaseName=self.database, TableInput={
            "Name": MEASURED, "TableType": "EXTERNAL_TABLE", "Parameters": {"skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "k", "Type": "string"}, {"Name": "v", "Type": "bigint"}],
                "Location": f"s3://{self.bucket}/src/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ","},
                },
            },
        })
        glue.create_data_quality_ruleset(
            Name=self.database, Ruleset=f'Rules = [ RowCount = {ROWS}, IsUnique "id", Completeness "k" = 1.0 ]'
        )
        self.job("copy", f"s3://{self.bucket}/src/", "copied", bookmark=False)
        self.job("feed", f"s3://{self.bucket}/feed/", "fed", bookmark=True)

    def job(self, job, path, table, bookmark):
        option = "job-bookmark-enable" if bookmark else "job-bookmark-disable"
        columns = [{"Name": n, "Type": t} for n, t in (("id", "bigint"), ("k", "string"), ("v", "bigint"))]
        self.server.client("glue").create_job(
            Name=f"{self.database}-{job}", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"},
            DefaultArguments={"--job-bookmark-option": option},
            ExecutionProperty={"MaxConcurrentRuns": 3},
            CodeGenConfigurationNodes={
                "source": {"S3CsvSource": {
                    "Name": "source", "Paths": [path], "Separator": "comma", "QuoteChar": "quote", "WithHeader": True,
                    "Recurse": True, "OutputSchemas": [{"Columns": columns}],
                }},
                "target": {"S3GlueParquetTarget": {
                    "Name": "target", "Inputs": ["source"], "Path": f"s3://{self.bucket}/{table}/",
                    "PartitionKeys": [["k"]], "Compression": "snappy",
                    "SchemaChangePolicy": {
                        "EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE",
                        "Database": self.database, "Table": table,
                    },
                }},
            },
        )

    # The load.

    def __enter__(self):
        self.stop.clear()
        self.flowing.clear()
        work = [self.puts, self.puts, self.slow_puts, self.slow_puts, self.multiparts, self.copies, self.jobs, self.feeds, self.crawls, self.queries, self.tables, self.statistics, self.qualities]
        self.barrier = threading.Barrier(len(work))
        self.threads = [threading.Thread(target=self.guarded, args=(one,), daemon=True) for one in work]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        assert not self.ledger.surprises, self.ledger.surprises

    def guarded(self, work):
        dice = random.Random(self.random.random())
        for service in ("s3", "glue", "athena"):
            self.quick(service)
        self.barrier.wait(60)
        # On a fast machine a first crawl is over before anybody else has sent a byte: bodies flow first.
        if work != self.slow_puts:
            self.flowing.wait(60)
        while not self.stop.is_set():
            try:
                work(dice)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in BUSY:
                    return self.surprise(work, error)
            except (BotoCoreError, OSError, http.client.HTTPException) as error:
                return self.broken_off(work, error)
            except Exception as error:  # noqa: BLE001 - a thread that dies silently would be a test that cannot fail
                return self.surprise(work, error)

    def broken_off(self, work, error):
        """The server is gone: the request was under way, or it found nobody who listens."""
        try:
            self.server.process.wait(30)
        except subprocess.TimeoutExpired:
            return self.surprise(work, error)
        if not isinstance(error, (EndpointConnectionError, ConnectTimeoutError, ConnectionRefusedError)):
            self.ledger.note(lambda: setattr(self.ledger, "in_flight", self.ledger.in_flight + 1))

    def surprise(self, work, error):
        self.ledger.note(lambda: self.ledger.surprises.append(f"{work.__name__}: {error!r}"))

    def quick(self, service):
        """This thread's client: to make one takes longer than most requests, and the load is to be requests."""
        made = self.clients.__dict__.setdefault(self.server.endpoint, {})
        if service not in made:
            made[service] = self.server.client(service, retries={"max_attempts": 0}, connect_timeout=5, read_timeout=60)
        return made[service]

    def body(self, dice):
        size = dice.choice([0, 1, 900, 5_000, 70_000, 1_500_000])
        return dice.randbytes(size)

    def puts(self, dice):
        s3 = self.quick("s3")
        for _ in range(20):
            key, body = f"o/{name()}", self.body(dice)
            self.send(key, body)
            s3.put_object(Bucket=self.bucket, Key=key, Body=body)
            self.ledger.note(lambda: self.ledger.acknowledged.add(key))
            if dice.random() < 0.2:
                self.ledger.note(lambda: self.ledger.deleting.add(key))
                s3.delete_object(Bucket=self.bucket, Key=key)
                self.ledger.note(lambda: self.ledger.deleted.add(key))

    def slow_puts(self, dice):
        """Bodies that arrive bit by bit, as over a slow line: at any moment the server is in the middle of one."""
        key, body = f"o/{name()}", dice.randbytes(dice.choice([9_000, 400_000]))
        self.send(key, body)
        host, _, port = self.server.endpoint.removeprefix("http://").partition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            connection.putrequest("PUT", f"/{self.bucket}/{key}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            for start in range(0, len(body), len(body) // 30):
                connection.send(body[start : start + len(body) // 30])
                self.flowing.set()
                self.stop.wait(0.01)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
        self.ledger.note(lambda: self.ledger.acknowledged.add(key))

    def send(self, key, body):
        self.ledger.note(lambda: self.ledger.sent.__setitem__(key, hashlib.sha256(body).hexdigest()))

    def multiparts(self, dice):
        s3, key = self.quick("s3"), f"m/{name()}"
        parts = [dice.randbytes(5 * 2**20), dice.randbytes(1_000)]
        self.send(key, b"".join(parts))
        upload = s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        done = []
        for number, part in enumerate(parts, 1):
            answer = s3.upload_part(Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        s3.complete_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})
        self.ledger.note(lambda: self.ledger.acknowledged.add(key))

    def copies(self, dice):
        s3, key, copy = self.quick("s3"), f"c/{name()}", f"c/{name()}"
        body = self.body(dice)
        self.send(key, body)
        s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        self.ledger.note(lambda: self.ledger.acknowledged.add(key))
        self.send(copy, body)
        s3.copy_object(Bucket=self.bucket, Key=copy, CopySource={"Bucket": self.bucket, "Key": key})
        self.ledger.note(lambda: self.ledger.acknowledged.add(copy))

    def jobs(self, _dice):
        self.run_job("copy")

    def feeds(self, dice):
        key, rows = f"feed/{name()}.csv", dice.randint(1, 50)
        text = "id,k,v\n" + "".join(f"{n},a,{n}\n" for n in range(rows))
        self.send(key, text.encode())
        self.ledger.note(lambda: self.ledger.fed.__setitem__(key, rows))
        self.quick("s3").put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        self.ledger.note(lambda: self.ledger.acknowledged.add(key))
        self.run_job("feed")

    def run_job(self, job):
        glue, job_name = self.quick("glue"), f"{self.database}-{job}"
        run = glue.start_job_run(JobName=job_name)["JobRunId"]
        self.ledger.note(lambda: self.ledger.runs.append((job, run)))
        self.poll(lambda: glue.get_job_run(JobName=job_name, RunId=run)["JobRun"]["JobRunState"] in FINAL)

    def poll(self, condition):
        """Waits for a condition, but not past the end of the load."""
        while not self.stop.is_set() and not condition():
            self.stop.wait(0.02)

    def crawls(self, _dice):
        glue = self.quick("glue")
        glue.start_crawler(Name=self.database)
        self.poll(lambda: glue.get_crawler(Name=self.database)["Crawler"]["State"] == "READY")

    def queries(self, _dice):
        athena = self.quick("athena")
        query = athena.start_query_execution(
            QueryString="SELECT 1 x", ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"}
        )["QueryExecutionId"]
        state = lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
        self.poll(lambda: state() not in ("QUEUED", "RUNNING"))

    def tables(self, _dice):
        glue, table = self.quick("glue"), name("t")
        columns = [{"Name": "a", "Type": "int"}]
        storage = {"Columns": columns, "Location": f"s3://{self.bucket}/none/"}
        glue.create_table(DatabaseName=self.database, TableInput={
            "Name": table, "StorageDescriptor": storage, "PartitionKeys": [{"Name": "p", "Type": "int"}],
        })
        glue.batch_create_partition(
            DatabaseName=self.database, TableName=table,
            PartitionInputList=[{"Values": [str(n)], "StorageDescriptor": storage} for n in range(30)],
        )
        glue.delete_table(DatabaseName=self.database, Name=table)

    def statistics(self, _dice):
        self.quick("glue").start_column_statistics_task_run(
            DatabaseName=self.database, TableName=MEASURED, Role="arn:aws:iam::000000000000:role/r"
        )
        self.poll(lambda: self.measured(self.quick("glue")))

    def measured(self, glue):
        """Whether every measuring run of statistics has ended."""
        runs = glue.get_column_statistics_task_runs(DatabaseName=self.database, TableName=MEASURED)
        return all(run["Status"] in FINAL for run in runs["ColumnStatisticsTaskRuns"])

    def qualities(self, _dice):
        glue = self.quick("glue")
        run = glue.start_data_quality_ruleset_evaluation_run(
            DataSource={"GlueTable": {"DatabaseName": self.database, "TableName": MEASURED}},
            Role="r", RulesetNames=[self.database],
        )["RunId"]
        self.poll(lambda: glue.get_data_quality_ruleset_evaluation_run(RunId=run)["Status"] in FINAL)

    def judged(self, glue):
        """Whether every run of data quality has ended, with a result each when it has succeeded."""
        runs = glue.list_data_quality_ruleset_evaluation_runs(MaxResults=1000)["Runs"]
        if any(run["Status"] not in FINAL for run in runs):
            return False
        results = glue.list_data_quality_results(MaxResults=1000)["Results"]
        assert len(results) == sum(run["Status"] == "SUCCEEDED" for run in runs)
        return True

    # The debts.

    def settle(self):
        """Checks every debt on the server that was started again."""
        self.objects()
        self.ended()
        copied = self.succeeded("copy") * ROWS
        assert self.count("copied") == copied
        # The jobs can be run again and then give the right answer; what a bookmark left out is read now, once.
        self.finish("copy")
        assert self.count("copied") == copied + ROWS
        self.finish("feed")
        s3 = self.server.client("s3")
        visible = {k for k in self.ledger.fed if self.there(s3, k)}
        assert self.count("fed") == sum(self.ledger.fed[k] for k in visible)

    def objects(self):
        s3, ledger = self.server.client("s3"), self.ledger
        for key, digest in ledger.sent.items():
            if not self.there(s3, key):
                assert key not in ledger.acknowledged or key in ledger.deleting, f"{key} is lost"
                continue
            assert key not in ledger.deleted, f"{key} came back"
            body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            assert hashlib.sha256(body).hexdigest() == digest, f"{key} has other bytes"
        # From here on what is visible is what counts.
        ledger.acknowledged = {k for k in ledger.sent if self.there(s3, k)}
        ledger.sent = {k: v for k, v in ledger.sent.items() if k in ledger.acknowledged and not k.startswith(("o/", "m/", "c/"))}
        ledger.acknowledged &= set(ledger.sent)
        ledger.deleting, ledger.deleted = set(), set()

    def there(self, s3, key):
        try:
            s3.head_object(Bucket=self.bucket, Key=key)
            return True
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error
            return False

    def states(self, job):
        pages = self.server.client("glue").get_paginator("get_job_runs").paginate(JobName=f"{self.database}-{job}")
        return {run["Id"]: run["JobRunState"] for page in pages for run in page["JobRuns"]}

    def ended(self):
        """No run stays unfinished, none that was acknowledged is forgotten; the crawler is READY again."""
        def all_final():
            return all(state in FINAL for job in ("copy", "feed") for state in self.states(job).values())

        wait_until(all_final, "the runs of the killed server to end")
        known = {**self.states("copy"), **self.states("feed")}
        for job, run in self.ledger.runs:
            assert run in known, f"run {run} of {job} is lost"
        glue = self.server.client("glue")
        wait_until(lambda: glue.get_crawler(Name=self.database)["Crawler"]["State"] == "READY", "the crawler to be READY")
        wait_until(lambda: self.measured(glue), "the runs of statistics to end")
        wait_until(lambda: self.judged(glue), "the runs of data quality to end")

    def succeeded(self, job):
        return list(self.states(job).values()).count("SUCCEEDED")

    def finish(self, job):
        glue, job_name = self.server.client("glue"), f"{self.database}-{job}"
        run = glue.start_job_run(JobName=job_name)["JobRunId"]

        def ended():
            found = glue.get_job_run(JobName=job_name, RunId=run)["JobRun"]
            return found if found["JobRunState"] in FINAL else None

        found = wait_until(ended, f"run {run} to end")
        assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")

    def count(self, table):
        glue = self.server.client("glue")
        try:
            glue.get_table(DatabaseName=self.database, Name=table)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "EntityNotFoundException", error
            listed = self.server.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=f"{table}/")
            assert listed["KeyCount"] == 0, "files without a table"
            return 0
        output = self.server.cli(
            "sql", f"SELECT count(*) AS n FROM {self.database}.{table}", "--json",
            "--output-location", f"s3://{self.bucket}/results/",
        ).stdout
        return json.loads(output)[0]["n"]
