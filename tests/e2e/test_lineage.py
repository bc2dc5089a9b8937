"""Lineage: what runs have read and written, walked from the command line, told as OpenLineage events; and what runs would do."""

import http.server
import json
import threading
import uuid

import pytest

from conftest import wait_until
from test_jobs import ENABLED, Glue, csv, parquet


def to_table(glue, source, folder, table):
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database, "Table": table}
    return parquet(glue, source, folder, PartitionKeys=[["day"]], SchemaChangePolicy=policy)


def of_table(glue, table):
    return {"S3CatalogSource": {"Name": table, "Database": glue.database, "Table": table}}


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def test_lineage_is_walked_both_ways(glue):
    lineage = lambda name: json.loads(glue.server.cli("lineage", name, "--json").stdout)
    glue.put("raw/a.csv", "id,day\n1,mon\n2,tue\n")
    first = glue.create({"s": csv(glue, "raw"), "o": to_table(glue, "s", "silver", "silver")}, DefaultArguments=ENABLED)
    run = glue.run(first)["Id"]
    second = glue.create({"s": of_table(glue, "silver"), "o": parquet(glue, "s", "gold")})
    glue.run(second)
    glue.run(second)
    table = lineage(f"{glue.database}.silver")
    [up], [down] = table["Upstream"], table["Downstream"]
    assert (up["Job"], up["RunId"], down["Job"], down["Runs"]) == (first, run, second, 2)
    [read], [written] = up["Inputs"], up["Outputs"]
    etag = glue.s3.head_object(Bucket=glue.bucket, Key="raw/a.csv")["ETag"].strip('"')
    assert read["Objects"] == [{"Location": f"s3://{glue.bucket}/raw/a.csv", "Etag": etag}]
    assert (written["Table"], written["Partitions"]) == (f"{glue.database}.silver", ["day=mon", "day=tue"])
    assert sorted(object["Location"] for object in written["Objects"]) == sorted(
        f"s3://{glue.bucket}/{key}" for key in glue.keys("silver"))
    for object in written["Objects"]:
        key = object["Location"].split("/", 3)[3]
        assert glue.s3.head_object(Bucket=glue.bucket, Key=key)["ETag"].strip('"') == object["Etag"]
    # From an object onwards, and back from the end.
    onwards = lineage(f"s3://{glue.bucket}/raw/a.csv")["Downstream"]
    assert [(step["Distance"], step["Job"]) for step in onwards] == [(0, first), (1, second)]
    back = lineage(f"s3://{glue.bucket}/gold/")["Upstream"]
    assert [(step["Distance"], step["Job"]) for step in back] == [(0, second), (1, first)]
    text = glue.server.cli("lineage", second).stdout
    assert "(job)" in text and f"job {first}: 1 runs, the last {run}" in text and "downstream: nothing is known" in text
    missing = glue.server.cli("lineage", "nobody", check=False)
    assert missing.returncode == 1 and "not found" in missing.stderr
    glue.client.delete_job(JobName=second)
    assert lineage(f"{glue.database}.silver")["Downstream"] == []


def test_a_run_that_fails_leaves_no_lineage(glue):
    glue.put("bad/a.csv", "id,v\n1\n")
    job = glue.create({"s": csv(glue, "bad"), "o": parquet(glue, "s", "none")})
    glue.fails(job)
    found = json.loads(glue.server.cli("lineage", f"s3://{glue.bucket}/bad/", "--json").stdout)
    assert found["Downstream"] == []


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is posted."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.headers["Authorization"], self.path, json.loads(body)))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_events_go_to_a_file_and_a_server(tenon_factory, receiver, tmp_path):
    file = tmp_path / "events.jsonl"
    url = f"http://127.0.0.1:{receiver.server_address[1]}/api/v1/lineage"
    server = tenon_factory("--set", f"lineage.file={file}", "--set", f"lineage.url={url}", "--set", "lineage.api_key=s3cret",
                           "--set", "lineage.namespace=prod").start()
    glue = Glue(server)
    glue.put("raw/a.csv", "id,day\n1,mon\n")
    job = glue.create({"s": csv(glue, "raw"), "o": to_table(glue, "s", "silver", "silver")})
    run = glue.run(job)["Id"]
    failing = glue.create({"s": csv(glue, "nothing"), "o": parquet(glue, "s", "o")})
    message = glue.fails(failing)
    wait_until(lambda: len(receiver.taken) == 4, "four events")
    assert {(key, path) for key, path, _ in receiver.taken} == {("Bearer s3cret", "/api/v1/lineage")}
    events = [event for *_, event in receiver.taken]
    lines = wait_until(lambda: len(read := file.read_text().splitlines()) == 4 and read, "four lines")
    assert [json.loads(line) for line in lines] == events
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL"]
    start, complete, _, fail = events
    assert start["run"]["runId"] == complete["run"]["runId"] and uuid.UUID(start["run"]["runId"])
    assert complete["job"] == {**start["job"], "namespace": "prod", "name": job}
    assert complete["run"]["facets"]["tenon_jobRun"]["jobRunId"] == run
    [read], [written] = complete["inputs"], complete["outputs"]
    assert (read["namespace"], read["name"]) == (f"s3://{glue.bucket}", "raw")
    assert (written["name"], written["outputFacets"]["outputStatistics"]["rowCount"]) == ("silver", 1)
    assert written["facets"]["symlinks"]["identifiers"][0]["name"] == f"table/{glue.database}/silver"
    assert fail["run"]["facets"]["errorMessage"]["message"] == message
    for facets in (start["run"]["facets"], complete["job"]["facets"], written["facets"], written["outputFacets"]):
        assert all({"_producer", "_schemaURL"} <= set(facet) for facet in facets.values())
    shown = server.cli("config", "show", "--set", "lineage.api_key=s3cret", "--set", f"lineage.url={url}").stdout
    assert "s3cret" not in shown and 'api_key = "***"' in shown


def test_a_receiver_that_is_away_fails_no_run_and_is_logged(tenon_factory, tmp_path):
    server = tenon_factory("--set", "lineage.url=http://127.0.0.1:9/x", "--set", f"lineage.file={tmp_path}/no/such/folder").start()
    glue = Glue(server)
    glue.put("raw/a.csv", "id\n1\n")
    glue.run(glue.create({"s": csv(glue, "raw"), "o": parquet(glue, "s", "o")}))
    wait_until(lambda: "an OpenLineage event could not be sent" in server.log.read_text(), "the log to say so")
    assert "an OpenLineage event could not be written" in server.log.read_text()
    assert server.stop() == 0


def test_a_job_is_explained_and_not_run(glue):
    explain = lambda *more: json.loads(glue.server.cli("job", "explain", job, "--json", *more).stdout)
    for file in "ab":
        glue.put(f"in/{file}.csv", f"id,v\n{file},1\n")
    mapping = {"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [
        {"FromPath": ["v"], "ToKey": "amount", "ToType": "double"}]}}
    job = glue.create({"src": csv(glue, "in"), "m": mapping, "out": parquet(glue, "m", "out")}, DefaultArguments=ENABLED)
    source = explain()["Nodes"][0]["Source"]
    assert (source["Listed"], source["ToRead"]) == ({"Files": 2, "Bytes": 18}, {"Files": 2, "Bytes": 18})
    assert glue.keys("out") == [] and glue.client.get_job_runs(JobName=job)["JobRuns"] == []
    glue.run(job)
    glue.put("in/c.csv", "id,v\nc,1\n")
    explained = explain()
    source = explained["Nodes"][0]["Source"]
    assert (source["Listed"]["Files"], source["ToRead"]["Files"], source["LeftOut"]) == (3, 1, 2)
    assert [node["Id"] for node in explained["Nodes"]] == ["src", "m", "out"]
    assert explained["Nodes"][1]["Columns"] == [[{"Name": "amount", "Type": "double"}]]
    everything = explain("--argument", "job-bookmark-option=job-bookmark-disable")["Nodes"][0]["Source"]
    assert everything["ToRead"]["Files"] == 3
    text = glue.server.cli("job", "explain", job).stdout
    assert "3 files with 27 bytes; 1 to read with 9 bytes; 2 left out by the bookmark" in text
    assert "ApplyMapping m <- src\n    v as amount double\n    columns: amount double" in text
    broken = glue.create({"src": csv(glue, "nothing"), "out": parquet(glue, "src", "out")})
    refused = glue.server.cli("job", "explain", broken, check=False)
    assert refused.returncode == 1 and "a run would fail: node S3CsvSource src" in refused.stdout
