"""Runs of script jobs that ask the server for what its engine does: rules on frames, tables of databases."""

import io
import json
import urllib.error
import urllib.request

import pyarrow.orc
import pyarrow.parquet
import pytest

from conftest import name, wait_until
from glue_scripts import ENABLED, Scripts
from mariadb import PASSWORD
from test_crawler_jdbc import postgres  # noqa: F401: fixture
from test_iceberg import glue as iceberg
from test_iceberg import rows as iceberg_rows

BEGIN = '''
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from awsgluedq.transforms import EvaluateDataQuality
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
'''
GATE = BEGIN + '''
orders = glueContext.create_dynamic_frame.from_options("s3", {"paths": [f"s3://{args['bucket']}/orders/"]}, "json")
outcomes = EvaluateDataQuality.apply(
    frame=orders, ruleset='Rules = [ IsComplete "id", ColumnValues "amount" > 0 ]',
    publishing_options={"dataQualityEvaluationContext": "orders", "enableDataQualityResultsPublishing": True})
if outcomes.toDF().filter("Outcome != 'Passed'").count() > 0:
    raise Exception("the orders are not as they should be")
glueContext.write_dynamic_frame.from_options(orders, "s3", {"path": f"s3://{args['bucket']}/out/"}, "json")
job.commit()
'''
COPY = BEGIN + '''
rows = glueContext.create_dynamic_frame.from_options("postgresql", {
    "useConnectionProperties": "true", "connectionName": "CONNECTION", "dbtable": "log", "jobBookmarkKeys": ["id"],
    "jobBookmarkKeysSortOrder": "asc"}, transformation_ctx="log")
glueContext.write_dynamic_frame.from_options(rows, "s3", {"path": f"s3://{args['bucket']}/copy/"}, "parquet")
job.commit()
'''


FILL = BEGIN + '''
orders = glueContext.create_dynamic_frame.from_options("s3", {"paths": [f"s3://{args['bucket']}/orders/"]}, "json")
glueContext.write_dynamic_frame.from_jdbc_conf(
    frame=orders, catalog_connection="CONNECTION", connection_options={
        "dbtable": "orders", "preactions": "DELETE FROM orders; SELECT pg_advisory_xact_lock(1)", "postactions": "INSERT INTO fills VALUES (now())"})
job.commit()
'''


@pytest.fixture
def scripts(tenon):
    return Scripts(tenon)


def connect(scripts, postgres, database):  # noqa: F811
    connection = name("conn")
    scripts.glue.create_connection(ConnectionInput={
        "Name": connection, "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": postgres.jdbc(database), "USERNAME": "tester", "PASSWORD": PASSWORD}})
    return connection


def test_a_gate_ends_a_run_and_its_results_are_the_run_s(scripts):
    job = scripts.create(GATE, DefaultArguments={"--bucket": scripts.bucket})
    scripts.put("orders/a.json", '{"id": 1, "amount": 5}\n')
    passed = scripts.run(job)
    assert scripts.keys("out/")
    scripts.put("orders/b.json", '{"id": 2, "amount": -5}\n')
    assert scripts.fails(job) == "Exception: the orders are not as they should be"
    listed = scripts.glue.list_data_quality_results(Filter={"JobName": job})["Results"]
    results = {found["Score"]: found for found in (
        scripts.glue.get_data_quality_result(ResultId=entry["ResultId"]) for entry in listed)}
    assert set(results) == {1.0, 0.5} and results[1.0]["JobRunId"] == passed["Id"]
    assert results[0.5]["EvaluationContext"] == "orders"
    # What the frames were handed over by is gone.
    account = scripts.server.client("sts").get_caller_identity()["Account"]
    left = scripts.s3.list_objects_v2(Bucket=f"aws-glue-assets-{account}-us-east-1", Prefix="temporary/")
    assert left["KeyCount"] == 0


def test_rows_of_a_database_are_read_once(scripts, postgres):  # noqa: F811
    postgres.sql("CREATE DATABASE script_rows")
    postgres.sql("CREATE TABLE log (id int, v text)", "INSERT INTO log VALUES (1, 'a'), (9, 'b')", "GRANT SELECT ON log TO tester",
                 database="script_rows")
    connection = connect(scripts, postgres, "script_rows")
    job = scripts.create(COPY.replace("CONNECTION", connection), DefaultArguments={
        "--bucket": scripts.bucket, "--TempDir": f"s3://{scripts.bucket}/tmp/", **ENABLED})

    def copied():
        rows = []
        for key in scripts.keys("copy/"):
            body = scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read()
            rows += pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
        return sorted(row["v"] for row in rows)

    scripts.run(job)
    assert copied() == ["a", "b"]
    postgres.sql("INSERT INTO log VALUES (10, 'c'), (2, 'late')", database="script_rows")
    scripts.run(job)
    assert copied() == ["a", "b", "c"]
    scripts.run(job)
    assert copied() == ["a", "b", "c"] and scripts.keys("tmp/") == []
    scripts.glue.reset_job_bookmark(JobName=job)
    scripts.run(job)
    assert copied() == ["a", "a", "b", "b", "c", "c", "late"]


def test_rows_are_written_to_a_database_as_a_whole_or_not_at_all(scripts, postgres):  # noqa: F811
    def rows(query):
        return postgres.rows(query, database="script_fill")

    postgres.sql("CREATE DATABASE script_fill")
    postgres.sql("CREATE TABLE orders (id int, amount numeric(8,2))", "CREATE TABLE fills (at timestamptz)", "GRANT ALL ON orders, fills TO tester",
                 database="script_fill")
    connection = connect(scripts, postgres, "script_fill")
    job = scripts.create(FILL.replace("CONNECTION", connection), DefaultArguments={
        "--bucket": scripts.bucket, "--TempDir": f"s3://{scripts.bucket}/tmp/"})
    scripts.put("orders/a.json", "".join(f'{{"id": {n}, "amount": {n}}}\n' for n in range(5000)))
    for _ in range(2):
        scripts.run(job)
        assert rows("SELECT count(*), sum(amount) FROM orders") == ["5000|12497500.00"] and scripts.keys("tmp/") == []
    assert rows("SELECT count(*) FROM fills") == ["2"]
    # A run that is stopped while it waits for somebody's lock leaves what was there.
    held = postgres.hold("SELECT pg_advisory_lock(1)", database="script_fill")
    try:
        scripts.put("orders/b.json", '{"id": 9999, "amount": 1}\n')
        run = scripts.start(job)
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: rows(waits) == ["1"], "the write to wait", 60)
        scripts.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
        assert scripts.ended(job, run)["JobRunState"] == "STOPPED"
        wait_until(lambda: rows(waits) == ["0"], "the write to end")
    finally:
        held.kill()
        held.wait()
    assert rows("SELECT count(*) FROM orders") == ["5000"] and rows("SELECT count(*) FROM fills") == ["2"]
    scripts.run(job)
    assert rows("SELECT count(*) FROM orders") == ["5001"]


def test_the_newest_version_of_an_iceberg_table_is_read(scripts):
    catalog, namespace = iceberg(scripts.server), name("ns")
    catalog.create_namespace(namespace, {"location": f"s3://{scripts.bucket}/{namespace}"})
    table = catalog.create_table((namespace, "t"), iceberg_rows(0, 1).schema)
    table.append(iceberg_rows(0, 3))
    table.delete("id = 1")
    job = scripts.create(BEGIN + f'''
frame = glueContext.create_dynamic_frame.from_catalog(database="{namespace}", table_name="t", transformation_ctx="t")
glueContext.write_dynamic_frame.from_options(frame, "s3", {{"path": f"s3://{{args['bucket']}}/ids/"}}, "json")
job.commit()
''', DefaultArguments={"--bucket": scripts.bucket, "--TempDir": f"s3://{scripts.bucket}/tmp/", **ENABLED})
    run = scripts.run(job)
    written = [scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read() for key in scripts.keys("ids/")]
    assert sorted(json.loads(line)["id"] for body in written for line in body.splitlines()) == [0, 2]
    assert any("bookmarks do not know" in line for line in scripts.log("error", run["Id"]) + scripts.log("output", run["Id"]))


def test_xml_is_read_once_and_becomes_orc(scripts):
    job = scripts.create(BEGIN + '''
books = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [f"s3://{args['bucket']}/books/"], "recurse": True}, "xml", {"rowTag": "book"}, transformation_ctx="books")
glueContext.write_dynamic_frame.from_options(
    books, "s3", {"path": f"s3://{args['bucket']}/orc/", "partitionKeys": ["lang"]}, "orc", {"compression": "zlib"})
job.commit()
''', DefaultArguments={"--bucket": scripts.bucket, "--TempDir": f"s3://{scripts.bucket}/tmp/", **ENABLED})

    def written():
        found = []
        for key in scripts.keys("orc/"):
            body = scripts.s3.get_object(Bucket=scripts.bucket, Key=key)["Body"].read()
            found += [(key.split("/")[1], row["_id"]) for row in pyarrow.orc.read_table(io.BytesIO(body)).to_pylist()]
        return sorted(found)

    scripts.put("books/a.xml", "<s><book id='1'><lang>de</lang></book><book id='2'><lang>en</lang></book></s>")
    scripts.run(job)
    assert written() == [("lang=de", 1), ("lang=en", 2)] and scripts.keys("tmp/") == []
    scripts.put("books/2026/b.xml", "<s><book id='3'><lang>de</lang></book></s>")
    for _ in range(2):
        scripts.run(job)
        assert written() == [("lang=de", 1), ("lang=de", 3), ("lang=en", 2)]
    # What cannot be read fails the run, and leaves what was there.
    scripts.put("books/c.xml", "<s><book id='4'><lang>fr</lang></book><book>")
    assert "books/c.xml" in scripts.fails(job)
    assert len(written()) == 3 and scripts.keys("tmp/") == []


def test_the_server_lets_nobody_ask_unsigned(tenon):
    for path in ("quality/evaluate", "quality/rows", "database/read", "database/write", "table/read", "files/read", "files/write"):
        request = urllib.request.Request(f"{tenon.endpoint}/_/scripts/{path}", method="POST", data=b"{}")
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert raised.value.code == 403 and json.loads(raised.value.read())["__type"] == "AccessDeniedException"
