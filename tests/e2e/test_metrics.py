"""Metrics of job runs, through CloudWatch as boto3, the AWS CLI and older clients ask for it."""

import datetime
import json
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import name
from test_jobs import Glue
from test_s3_clients import aws

BOTH = {"--enable-metrics": "true", "--enable-observability-metrics": "true"}
COPY = {
    "in": lambda glue: {
        "S3CsvSource": {"Name": "in", "Paths": [glue.path("in")], "Separator": "comma", "QuoteChar": "quote",
                        "WithHeader": True, "Recurse": True}
    },
    "out": lambda glue: {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["in"], "Path": glue.path("out")}},
}


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def copy(glue, **extra):
    glue.put("in/a.csv", "id,v\n1,x\n2,y\n")
    glue.put("in/b.csv", "id,v\n3,z\n")
    return glue.create({node: made(glue) for node, made in COPY.items()}, **extra)


def span():
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"StartTime": now - datetime.timedelta(hours=1), "EndTime": now + datetime.timedelta(minutes=1)}


def dimensions(job, run="ALL", kind="count", **more):
    pairs = {"JobName": job, "JobRunId": run, "Type": kind, **more}
    return [{"Name": key, "Value": value} for key, value in pairs.items()]


def query(identity, metric, dims, stat="Sum", period=3600):
    metric = {"Namespace": "Glue", "MetricName": metric, "Dimensions": dims}
    return {"Id": identity, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def test_a_run_is_metered_and_measured(glue, tenon):
    watch = tenon.client("cloudwatch")
    job = copy(glue, WorkerType="G.2X", NumberOfWorkers=3, DefaultArguments=BOTH)
    run = glue.run(job)
    assert run["MaxCapacity"] == 6.0
    # Milliseconds are metered; ExecutionTime is whole seconds, at least one.
    assert 0 < run["DPUSeconds"] <= (run["ExecutionTime"] + 1) * 6.0
    totals = glue.totals(run["Id"])
    one = dimensions(job, run["Id"])
    throughput = {"kind": "gauge", "ObservabilityGroup": "throughput"}
    wanted = [
        query("rows", "glue.driver.aggregate.recordsRead", one),
        query("bytes", "glue.driver.aggregate.bytesRead", one),
        query("time", "glue.driver.aggregate.elapsedTime", one),
        query("s3", "glue.ALL.s3.filesystem.write_bytes", dimensions(job, run["Id"], "gauge")),
        query("files", "glue.driver.filesRead", dimensions(job, run["Id"], **throughput, Source="ALL")),
        query("written", "glue.driver.recordsWritten", dimensions(job, **throughput, Sink="ALL")),
        query("ends", "glue.succeed.ALL", dimensions(job, ObservabilityGroup="error"), "SampleCount"),
        query("none", "glue.driver.aggregate.recordsRead", dimensions(job, "jr_other")),
    ]
    reply = watch.get_metric_data(MetricDataQueries=wanted, **span())
    results = {result["Id"]: result for result in reply["MetricDataResults"]}
    values = {identity: sum(result["Values"]) for identity, result in results.items()}
    assert {result["StatusCode"] for result in results.values()} == {"Complete"}
    assert values["rows"] == 3 == totals["rows_in"]
    assert values["bytes"] == totals["bytes_in"] > 0
    assert values["time"] * 6 / 1000 == pytest.approx(run["DPUSeconds"])
    assert values["s3"] == totals["bytes_out"] > 0
    assert (values["files"], values["written"], values["ends"], values["none"]) == (2, 3, 1, 0)
    assert results["rows"]["Label"] == "glue.driver.aggregate.recordsRead"
    assert len(results["rows"]["Timestamps"]) == 1

    listed = watch.get_paginator("list_metrics").paginate(
        Namespace="Glue", Dimensions=[{"Name": "JobName", "Value": job}, {"Name": "JobRunId", "Value": run["Id"]}]
    )
    names = {metric["MetricName"] for page in listed for metric in page["Metrics"]}
    assert {"glue.driver.aggregate.recordsRead", "glue.driver.memory.total.used", "glue.driver.bytesWrittten"} <= names
    assert not [metric for metric in names if "jvm" in metric or "Stages" in metric], "there is no JVM, nor are there stages"


def test_runs_without_the_argument_have_no_metrics(glue, tenon):
    job = copy(glue)
    glue.run(job)
    found = tenon.client("cloudwatch").list_metrics(Dimensions=[{"Name": "JobName", "Value": job}])
    assert found["Metrics"] == []


def test_statistics_of_all_runs(glue, tenon):
    watch = tenon.client("cloudwatch")
    job = copy(glue, DefaultArguments={"--enable-metrics": ""})
    glue.run(job)
    glue.run(job)
    asked = {"Namespace": "Glue", "MetricName": "glue.driver.aggregate.recordsRead", "Dimensions": dimensions(job),
             "Period": 7200, **span()}
    statistics = ["Sum", "Average", "SampleCount", "Minimum", "Maximum"]
    [point] = watch.get_metric_statistics(Statistics=statistics, **asked)["Datapoints"]
    assert [point[one] for one in statistics] == [6, 3, 2, 3, 3]
    assert point["Unit"] == "Count"
    assert watch.get_metric_statistics(Statistics=["Sum"], Unit="Bytes", **asked)["Datapoints"] == []
    fewer = {**asked, "Dimensions": dimensions(job)[:2]}
    assert watch.get_metric_statistics(Statistics=["Sum"], **fewer)["Datapoints"] == []


def test_pages_of_values(glue, tenon):
    watch = tenon.client("cloudwatch")
    job = copy(glue, DefaultArguments=BOTH)
    glue.run(job)
    wanted = [
        query("a", "glue.driver.aggregate.recordsRead", dimensions(job)),
        query("b", "glue.driver.aggregate.elapsedTime", dimensions(job)),
        {**query("c", "glue.driver.aggregate.bytesRead", dimensions(job)), "ReturnData": False},
    ]
    first = watch.get_metric_data(MetricDataQueries=wanted, MaxDatapoints=1, **(when := span()))
    assert [result["Id"] for result in first["MetricDataResults"]] == ["a"]
    again = {"MetricDataQueries": wanted, "MaxDatapoints": 1, "NextToken": first["NextToken"], **when}
    second = watch.get_metric_data(**again)
    assert [result["Id"] for result in second["MetricDataResults"]] == ["b"]
    assert "NextToken" not in second
    with pytest.raises(ClientError) as refused:
        watch.get_metric_data(**{**again, "ScanBy": "TimestampAscending"})
    assert refused.value.response["Error"]["Code"] == "InvalidNextToken"


@pytest.mark.parametrize(
    "change, code, text",
    [
        ({"Stat": "p99"}, "NotImplemented", "p99"),
        ({"Stat": "Mode"}, "ValidationError", "Mode"),
        ({"Period": 61}, "ValidationError", "multiple of 60"),
    ],
)
def test_values_that_cannot_be_told(tenon, change, code, text):
    wanted = query("a", "m", [])
    wanted["MetricStat"].update(change)
    with pytest.raises(ClientError) as refused:
        tenon.client("cloudwatch").get_metric_data(MetricDataQueries=[wanted], **span())
    assert refused.value.response["Error"]["Code"] == code
    assert text in refused.value.response["Error"]["Message"]


def test_what_is_not_built_says_so(tenon):
    watch = tenon.client("cloudwatch")
    math = [{"Id": "a", "Expression": "1 + 1"}]
    for call in [
        lambda: watch.get_metric_data(MetricDataQueries=math, **span()),
        lambda: watch.describe_alarms(),
        lambda: watch.put_metric_data(Namespace="x", MetricData=[{"MetricName": "m", "Value": 1}]),
        lambda: watch.list_metrics(IncludeLinkedAccounts=True),
    ]:
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "NotImplemented"
    when = span()
    backwards = {"StartTime": when["EndTime"], "EndTime": when["StartTime"]}
    with pytest.raises(ClientError) as refused:
        watch.get_metric_data(MetricDataQueries=[query("a", "m", [])], **backwards)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    asked = {"Namespace": "Glue", "MetricName": "m", "Statistics": ["Sum"], **when}
    with pytest.raises(ClientError) as refused:
        watch.get_metric_statistics(**{**asked, "Period": 1})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombination"
    del asked["Statistics"]
    with pytest.raises(ClientError) as refused:
        watch.get_metric_statistics(Period=60, **asked)
    assert refused.value.response["Error"]["Code"] == "MissingParameter"


def test_the_cli_and_older_clients(glue, tenon):
    job = copy(glue, DefaultArguments=BOTH)
    run = glue.run(job)
    found = json.loads(aws(tenon, "cloudwatch", "list-metrics", "--namespace", "Glue", "--output", "json",
                           "--dimensions", f"Name=JobRunId,Value={run['Id']}").stdout)
    assert "glue.driver.aggregate.bytesRead" in {metric["MetricName"] for metric in found["Metrics"]}
    spent = json.loads(aws(tenon, "glue", "get-job-runs", "--job-name", job, "--output", "json",
                           "--query", "sum(JobRuns[].DPUSeconds)").stdout)
    assert spent == run["DPUSeconds"]
    when = {key: value.isoformat() for key, value in span().items()}
    found = json.loads(aws(
        tenon, "cloudwatch", "get-metric-statistics", "--namespace", "Glue", "--metric-name",
        "glue.driver.aggregate.recordsRead", "--statistics", "Sum", "--period", "7200", "--output", "json",
        "--start-time", when["StartTime"], "--end-time", when["EndTime"],
        "--dimensions", f"Name=JobName,Value={job}", "Name=JobRunId,Value=ALL", "Name=Type,Value=count").stdout)
    assert [point["Sum"] for point in found["Datapoints"]] == [3]
    # Clients before 2025 speak the query protocol.
    form = {"Action": "ListMetrics", "Version": "2010-08-01", "Namespace": "Glue",
            "Dimensions.member.1.Name": "JobRunId", "Dimensions.member.1.Value": run["Id"]}
    request = AWSRequest("POST", f"{tenon.endpoint}/", data=form)
    SigV4Auth(Credentials("test", "test"), "monitoring", "us-east-1").add_auth(request)
    sent = request.prepare()
    sent = urllib.request.Request(sent.url, data=sent.body.encode(), headers=dict(sent.headers))
    with urllib.request.urlopen(sent, timeout=30) as answer:
        assert b"<MetricName>glue.driver.aggregate.bytesRead</MetricName>" in answer.read()


def test_metrics_survive_a_restart(tenon_factory):
    server = tenon_factory().start()
    glue = Glue(server)
    job = copy(glue, DefaultArguments=BOTH)
    run = glue.run(job)
    server.kill()
    server.start()
    reply = server.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query("a", "glue.driver.aggregate.recordsRead", dimensions(job, run["Id"]))], **span()
    )
    assert sum(reply["MetricDataResults"][0]["Values"]) == 3
    again = server.client("glue").get_job_run(JobName=job, RunId=run["Id"])["JobRun"]
    assert again["DPUSeconds"] == run["DPUSeconds"]


def test_a_run_has_no_more_memory_than_its_workers(glue):
    rows = "".join(f"{n},{n:040}\n" for n in range(60_000))
    glue.put("in/big.csv", f"id,v\n{rows}")
    nodes = {node: made(glue) for node, made in COPY.items()}
    nodes["q"] = {"SparkSQL": {
        "Name": "q", "Inputs": ["in"], "SqlAliases": [{"From": "in", "Alias": "t"}],
        "SqlQuery": "select max(v) over (partition by 1 order by id) as m, v from t"}}
    nodes["out"]["S3GlueParquetTarget"]["Inputs"] = ["q"]
    job = glue.create(nodes, job=name("small"), MaxCapacity=0.0001)
    assert "more memory than its limit of 1717986 bytes" in glue.fails(job)
    glue.run(glue.create(nodes))
