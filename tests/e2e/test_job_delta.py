"""Delta targets of visual jobs: what other readers and writers of Delta make of them, overwriting, new columns, commits beside
others, and a server that dies."""

import datetime
import json
import signal
import threading

import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from conftest import name
from test_iceberg import athena
from test_job_iceberg import rounds
from test_jobs import ENABLED, Glue, jsonl


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows)


def options(glue):
    """How deltalake and Polars reach the server."""
    return {"AWS_ENDPOINT_URL": glue.server.endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}


def open_table(glue, folder):
    return DeltaTable(f"s3://{glue.bucket}/{folder}", storage_options=options(glue))


def rows(glue, folder):
    return sorted(open_table(glue, folder).to_pyarrow_table().to_pylist(), key=str)


def direct(glue, source, folder, table=None, behavior="UPDATE_IN_DATABASE", **members):
    policy = {"EnableUpdateCatalog": True, "Database": glue.database, "Table": table, "UpdateBehavior": behavior}
    return {"S3DeltaDirectTarget": {
        "Name": folder, "Inputs": [source], "Path": glue.path(folder), "Format": "delta", "Compression": "snappy",
        **({"SchemaChangePolicy": policy} if table else {}), **members}}


def existing(glue, source, table, **members):
    return {"S3DeltaCatalogTarget": {"Name": table, "Inputs": [source], "Database": glue.database, "Table": table, **members}}


def test_two_runs_append_and_every_reader_sees_the_same(glue):
    glue.put("in/1.json", lines(
        {"id": 1, "price": 1.5, "day": "a/b=c d%", "at": "2026-01-02 03:04:05.123456", "ok": True},
        {"id": 2, "price": None, "day": None, "at": None, "ok": False}))
    mapping = [{"ToKey": key, "FromPath": [key], "FromType": "string", "ToType": kind} for key, kind in
               [("id", "long"), ("price", "double"), ("day", "string"), ("at", "timestamp"), ("ok", "boolean")]]
    nodes = {"src": jsonl(glue, "in"), "typed": {"ApplyMapping": {"Name": "typed", "Inputs": ["src"], "Mapping": mapping}},
             "out": direct(glue, "typed", "out", "orders", PartitionKeys=[["day"]])}
    job = glue.create(nodes, DefaultArguments=ENABLED)
    glue.run(job)
    glue.put("in/2.json", lines({"id": 3, "price": 2.5, "day": "x", "at": "1969-12-31 23:59:59", "ok": None}))
    glue.run(job)
    utc = datetime.timezone.utc
    expected = [
        {"id": 1, "price": 1.5, "at": datetime.datetime(2026, 1, 2, 3, 4, 5, 123456, utc), "ok": True, "day": "a/b=c d%"},
        {"id": 2, "price": None, "at": None, "ok": False, "day": None},
        {"id": 3, "price": 2.5, "at": datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=utc), "ok": None, "day": "x"},
    ]
    table = open_table(glue, "out")
    assert table.version() == 1 and table.metadata().partition_columns == ["day"]
    assert (table.protocol().min_reader_version, table.protocol().min_writer_version) == (1, 2)
    own = [{key: row[key] for key in expected[0]} for row in rows(glue, "out")]
    assert sorted(own, key=lambda row: row["id"]) == expected
    assert athena(glue.server, glue.bucket, f"SELECT id, day FROM {glue.database}.orders ORDER BY id") == [
        ["1", "a/b=c d%"], ["2", None], ["3", "x"]]
    entry = glue.client.get_table(DatabaseName=glue.database, Name="orders")["Table"]
    assert [column["Name"] for column in entry["StorageDescriptor"]["Columns"]] == ["id", "price", "at", "ok"]
    assert [column["Name"] for column in entry["PartitionKeys"]] == ["day"]
    # A job reads what jobs have written, and files that are no part of the table are no rows.
    glue.put("out/stray.parquet", b"no file of the table")
    back = {"src": {"S3DeltaSource": {"Name": "src", "Paths": [glue.path("out")]}},
            "back": direct(glue, "src", "copy")}
    glue.run(glue.create(back))
    assert [row["id"] for row in sorted(rows(glue, "copy"), key=lambda row: row["id"])] == [1, 2, 3]
    by_polars = polars.read_delta(f"s3://{glue.bucket}/copy", storage_options=options(glue)).sort("id")
    assert by_polars["id"].to_list() == [1, 2, 3] and by_polars["day"].to_list() == ["a/b=c d%", None, "x"]
    # Others write into it, too.
    more = table.to_pyarrow_table().slice(0, 1)
    write_deltalake(f"s3://{glue.bucket}/copy", more, mode="append", storage_options=options(glue))
    open_table(glue, "copy").create_checkpoint()
    glue.run(glue.create(back))
    assert len(rows(glue, "copy")) == 7


def test_the_empty_text_is_no_partition_value(glue):
    glue.put("in/1.json", lines({"id": 1, "day": ""}, {"id": 2, "day": None}, {"id": 3, "day": "x"}))
    glue.run(glue.create({"src": jsonl(glue, "in"), "out": direct(glue, "src", "out", PartitionKeys=[["day"]])}))
    found = {row["id"]: row["day"] for row in open_table(glue, "out").to_pyarrow_table().to_pylist()}
    assert found == {1: None, 2: None, 3: "x"}


def test_rows_are_replaced_and_columns_are_added(glue):
    glue.put("one/a.json", lines({"id": 1, "day": "a"}, {"id": 2, "day": "b"}, {"id": 3, "day": None}))
    glue.put("two/a.json", lines({"id": 4, "day": "b"}, {"id": 5, "day": "c"}))
    glue.put("wide/a.json", lines({"id": 6, "day": "c", "extra": "new"}))
    glue.put("none/a.json", lines({"extra": "new", "day": "a"}))

    def run(folder, **members):
        own = {"behavior": members.pop("behavior", "UPDATE_IN_DATABASE")}
        node = direct(glue, "src", "t", "t", PartitionKeys=[["day"]], AdditionalOptions=members, **own)
        return glue.run(glue.create({"src": jsonl(glue, folder), "t": node}))

    def ids():
        return sorted(row["id"] for row in rows(glue, "t"))

    run("one")
    run("two", mode="overwrite", partitionOverwriteMode="dynamic")
    assert ids() == [1, 3, 4, 5]
    run("one", mode="overwrite")
    assert ids() == [1, 2, 3]
    assert sorted(DeltaTable(f"s3://{glue.bucket}/t", version=1, storage_options=options(glue)).to_pyarrow_table()["id"].to_pylist()) == [
        1, 3, 4, 5]
    run("wide", behavior="LOG")
    assert "extra" not in rows(glue, "t")[0]
    run("wide")
    assert {row["extra"] for row in rows(glue, "t")} == {None, "new"}
    entry = glue.client.get_table(DatabaseName=glue.database, Name="t")["Table"]
    assert [column["Name"] for column in entry["StorageDescriptor"]["Columns"]] == ["id", "extra"]
    glue.run(glue.create({"src": jsonl(glue, "two"), "t": existing(glue, "src", "t")}))
    assert ids() == [1, 2, 3, 4, 5, 6, 6]
    # An overwrite without rows leaves none; an append without rows leaves the table as it is.
    nothing = {"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND", "Filters": [{"Operation": "GT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["id"]}, {"Type": "CONSTANT", "Value": ["100"]}]}]}}
    version = open_table(glue, "t").version()
    glue.run(glue.create({"src": jsonl(glue, "two"), "f": nothing, "t": existing(glue, "f", "t")}))
    assert open_table(glue, "t").version() == version
    glue.run(glue.create({"src": jsonl(glue, "two"), "f": nothing,
                          "t": existing(glue, "f", "t", AdditionalOptions={"mode": "overwrite"})}))
    assert ids() == []


def test_what_does_not_fit_is_refused(glue):
    glue.put("src/a.json", lines({"id": 1, "day": "a", "in": {"x": 1}}))
    plain = {"SelectFields": {"Name": "plain", "Inputs": ["src"], "Paths": [["id"], ["day"]]}}

    def fails(node):
        return glue.fails(glue.create({"src": jsonl(glue, "src"), "plain": plain, "t": node}))

    def made(folder, table, **members):
        write_deltalake(f"s3://{glue.bucket}/{folder}", table, storage_options=options(glue), **members)

    assert "column in is nested" in fails(direct(glue, "src", "new"))
    made("other", pa.table({"id": [1], "when": ["x"]}), partition_by=["when"])
    assert "PartitionKeys are day, but the table is partitioned by when" in fails(direct(glue, "plain", "other", PartitionKeys=[["day"]]))
    assert "the table is partitioned by when, which its input lacks" in fails(direct(glue, "plain", "other"))
    made("text", pa.table({"id": pa.array(["x"]), "day": [1]}))
    assert "column day is string, but the table has it as bigint" in fails(direct(glue, "plain", "text"))
    made("few", pa.table({"id": pa.array([1], pa.int64())}))
    assert "the table has no column day: drop it, or say by SchemaChangePolicy" in fails(direct(glue, "plain", "few"))
    checked = pa.table({"id": pa.array([1], pa.int64()), "day": ["a"]})
    made("checked", checked)
    open_table(glue, "checked").alter.add_constraint({"positive": "id > 0"})
    message = fails(direct(glue, "plain", "checked"))
    assert "it needs a writer of version 3 of the Delta protocol" in message or "the Delta feature checkConstraints" in message
    made("fed", checked, configuration={"delta.enableChangeDataFeed": "true"})
    message = fails(direct(glue, "plain", "fed"))
    assert "a writer of version 4" in message or "the Delta feature changeDataFeed" in message, message
    made("kept", checked, configuration={"delta.appendOnly": "true"})
    assert "delta.appendOnly" in fails(direct(glue, "plain", "kept", AdditionalOptions={"mode": "overwrite"}))
    strict = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("day", pa.string())])
    made("strict", checked.cast(strict))
    assert "column id must not be null" in fails(direct(glue, "plain", "strict"))
    glue.client.create_table(DatabaseName=glue.database, TableInput={
        "Name": "files", "Parameters": {"classification": "parquet"}, "StorageDescriptor": {"Location": glue.path("files")}})
    assert "is not a Delta table" in fails(existing(glue, "plain", "files"))
    for wrong, reason in [({"mode": "upsert"}, "upsert is built for Iceberg tables only"),
                          ({"mergeSchema": "true"}, "AdditionalOptions.mergeSchema is refused")]:
        with pytest.raises(glue.client.exceptions.InvalidInputException, match=reason):
            glue.create({"src": jsonl(glue, "src"), "t": direct(glue, "src", "x", AdditionalOptions=wrong)})


def test_jobs_and_another_writer_at_once_lose_nothing(glue):
    made = pa.table({"id": pa.array([], pa.int64()), "day": pa.array([], pa.string())})
    write_deltalake(f"s3://{glue.bucket}/t", made, partition_by=["day"], storage_options=options(glue))
    jobs = []
    for number in range(2):
        folder = f"in{number}"
        nodes = {"src": jsonl(glue, folder), "t": direct(glue, "src", "t")}
        jobs.append((folder, glue.create(nodes, name("append"), DefaultArguments=ENABLED)))
    written = []

    def beside():
        for number in range(4):
            row = pa.table({"id": pa.array([1000 + number], pa.int64()), "day": ["p"]})
            write_deltalake(f"s3://{glue.bucket}/t", row, mode="append", storage_options=options(glue))
            written.append(1000 + number)

    thread = threading.Thread(target=beside)
    thread.start()
    expected = rounds(glue, jobs)
    thread.join(120)
    assert len(written) == 4
    assert sorted(row["id"] for row in rows(glue, "t")) == sorted(expected + written)


@pytest.mark.parametrize(("point", "published"), [
    ("jobs.run.before_staging", False), ("jobs.run.after_staging", False), ("jobs.run.before_commit", False),
    ("jobs.run.after_commit", True)])
def test_killed_around_the_commit_log_catalog_and_bookmark_agree(tenon_factory, tmp_path, point, published):
    server = tenon_factory().start()
    glue = Glue(server)
    glue.put("src/1.json", lines({"id": 1, "day": "same"}, {"id": 2, "day": "one"}))
    nodes = {"src": jsonl(glue, "src"), "added": direct(glue, "src", "added", "added"),
             "replaced": direct(glue, "src", "replaced", PartitionKeys=[["day"]],
                                AdditionalOptions={"mode": "overwrite", "partitionOverwriteMode": "dynamic"})}
    job = glue.create(nodes, DefaultArguments=ENABLED)
    glue.run(job)
    glue.put("src/2.json", lines({"id": 3, "day": "same", "more": True}))

    def again(*arguments):
        server.arguments = list(arguments)
        again = Glue(server.start())
        again.bucket, again.database = glue.bucket, glue.database
        return again

    def state(glue):
        ids = [sorted(row["id"] for row in rows(glue, folder)) for folder in ("added", "replaced")]
        entry = glue.client.get_table(DatabaseName=glue.database, Name="added")["Table"]
        return ids, len(entry["StorageDescriptor"]["Columns"])

    dropped = {"DropFields": {"Name": "d", "Inputs": ["src"], "Paths": [["more"]]}}
    nodes["replaced"]["S3DeltaDirectTarget"]["Inputs"] = ["d"]
    glue.client.update_job(JobName=job, JobUpdate={
        "Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://x/y.py"}, "GlueVersion": "5.0",
        "DefaultArguments": ENABLED, "CodeGenConfigurationNodes": {**nodes, "d": dropped}})
    before, after = ([[1, 2], [1, 2]], 2), ([[1, 2, 3], [2, 3]], 3)
    assert state(glue) == before
    assert server.stop() == 0
    marker = tmp_path / "marker"
    dying = again("--set", f"crash.point={point}", "--set", f"crash.marker={marker}")
    run = dying.start(job)
    assert server.process.wait(120) == -signal.SIGKILL
    assert set(marker.read_text().split()) == {point}
    living = again()
    assert state(living) == (after if published else before)
    assert living.wait(job, run)["JobRunState"] == ("SUCCEEDED" if published else "FAILED")
    living.run(job)
    assert state(living) == after
