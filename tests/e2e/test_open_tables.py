"""Delta and Iceberg: crawled as what they are, and never read as loose Parquet files, as little as Hudi (test_hudi)."""

import json

import botocore.exceptions
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog import load_catalog

from conftest import name, wait_until
from test_crawler import Crawl, columns
from test_jobs import Glue, jsonl


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


def fault(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]


class Lake:
    """A folder of this machine that is copied into the bucket, file by file, as it is."""

    def __init__(self, crawl, folder):
        self.crawl, self.folder, self.sent = crawl, folder, {}

    def sync(self):
        for file in sorted(self.folder.rglob("*")):
            key = file.relative_to(self.folder).as_posix()
            if file.is_file() and self.sent.get(key) != file.stat().st_mtime_ns:
                self.crawl.put(key, file.read_bytes())
                self.sent[key] = file.stat().st_mtime_ns


@pytest.fixture
def lake(crawl, tmp_path):
    return Lake(crawl, tmp_path)


def deltas(crawl, *paths, **target):
    tables = [f"s3://{crawl.bucket}/{path}" for path in paths]
    return {"DeltaTargets": [{"DeltaTables": tables, "CreateNativeDeltaTable": True, **target}]}


def make(crawl, targets, **definition):
    crawl.glue.create_crawler(
        Name=crawl.name, Role="r", DatabaseName=crawl.database, Targets=targets, **definition
    )
    return crawl


def failure(crawl, sql):
    """Why a query failed."""
    athena = crawl.tenon.client("athena")
    place = {"OutputLocation": f"s3://{crawl.results()}/"}
    started = athena.start_query_execution(QueryString=sql, ResultConfiguration=place)["QueryExecutionId"]

    def ended():
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        return status if status["State"] not in ("QUEUED", "RUNNING") else None

    status = wait_until(ended, f"the query {sql}")
    assert status["State"] == "FAILED", status
    return status["StateChangeReason"]


def actions(crawl):
    shown = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    return [table["Action"] for table in shown["Tables"]]


def test_a_delta_table_is_what_its_log_says(crawl, lake):
    folder = lake.folder / "shop" / "Orders"
    first = pa.table({"Id": [1, 2, 3], "at": pa.array([0, 1, 2], pa.timestamp("us", "UTC")), "day": ["a b", None, "x"]})
    write_deltalake(folder, first, partition_by=["day"])
    lake.sync()
    make(crawl, deltas(crawl, "shop/Orders")).run()
    table = crawl.tables()["orders"]
    assert columns(table) == [("id", "bigint"), ("at", "timestamp")]
    assert [(k["Name"], k["Type"]) for k in table["PartitionKeys"]] == [("day", "string")]
    parameters = table["Parameters"]
    assert parameters["spark.sql.sources.provider"] == "delta" and parameters["classification"] == "delta"
    assert parameters["table_type"] == "DELTA" and parameters["UPDATED_BY_CRAWLER"] == crawl.name
    assert json.loads(parameters["spark.sql.sources.schema.part.0"])["fields"][0]["name"] == "Id"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["path"] == f"s3://{crawl.bucket}/shop/Orders/"
    assert crawl.partitions("orders") == []
    indexes = crawl.glue.get_partition_indexes(DatabaseName=crawl.database, TableName="orders")
    assert [i["IndexName"] for i in indexes["PartitionIndexDescriptorList"]] == ["crawler_partition_index"]
    sql = f'select id, day from "{crawl.database}".orders order by id'
    assert crawl.query(sql) == [["1", "a b"], ["2", None], ["3", "x"]]
    # Rows that were deleted or written anew are in files that are still there; queries read the newest version at once.
    delta = DeltaTable(folder)
    delta.delete("Id = 1")
    delta.update(updates={"Id": "30"}, predicate="Id = 3")
    write_deltalake(folder, first.slice(0, 1), mode="append")
    lake.sync()
    assert crawl.query(sql) == [["1", "a b"], ["2", None], ["30", "x"]]
    DeltaTable(folder).create_checkpoint()
    # What a cleanup leaves: the checkpoint, and what followed.
    for old in sorted((folder / "_delta_log").glob("*.json"))[:-1]:
        crawl.s3.delete_object(Bucket=crawl.bucket, Key=old.relative_to(lake.folder).as_posix())
    wider = pa.table({"Id": [4], "at": pa.array([3], pa.timestamp("us", "UTC")), "day": ["x"], "extra": ["new"]})
    write_deltalake(folder, wider, mode="append", schema_mode="merge")
    lake.sync()
    sql = f'select id, day, extra from "{crawl.database}".orders order by id'
    assert crawl.query(sql) == [["1", "a b", None], ["2", None, None], ["4", "x", "new"], ["30", "x", None]]
    assert crawl.query(f'select count(*) from "{crawl.database}".orders where day = \'x\'') == [["2"]]
    crawl.run()
    assert columns(crawl.tables()["orders"]) == [("id", "bigint"), ("at", "timestamp"), ("extra", "string")]
    # A schema that has not changed makes no version of the catalog's table.
    assert actions(crawl) == ["UNCHANGED"]
    write_deltalake(folder, wider, mode="append")
    lake.sync()
    assert actions(crawl) == ["STATISTICS"]
    crawl.run()
    versions = crawl.glue.get_table_versions(DatabaseName=crawl.database, TableName="orders")["TableVersions"]
    assert len(versions) == 2


def test_a_checkpoint_in_parts(crawl, lake):
    folder = lake.folder / "t"
    for n in range(4):
        write_deltalake(folder, pa.table({"n": [n]}), mode="append")
    DeltaTable(folder).create_checkpoint()
    log = folder / "_delta_log"
    (whole,) = log.glob("*.checkpoint.parquet")
    rows = pq.read_table(whole)
    stem = whole.name.split(".")[0]
    half = rows.num_rows // 2
    for part, some in ((1, rows.slice(0, half)), (2, rows.slice(half))):
        pq.write_table(some, log / f"{stem}.checkpoint.{part:010}.{2:010}.parquet")
    whole.unlink()
    for commit in log.glob("*.json"):
        commit.unlink()
    lake.sync()
    make(crawl, deltas(crawl, "t/")).run()
    assert crawl.query(f'select sum(n), count(*) from "{crawl.database}".t') == [["6", "4"]]
    crawl.s3.delete_object(Bucket=crawl.bucket, Key=f"t/_delta_log/{stem}.checkpoint.{1:010}.{2:010}.parquet")
    assert "version 0 of its log is missing" in failure(crawl, f'select * from "{crawl.database}".t')
    crawl.run()
    assert "t" in crawl.tables() and "version 0 of its log is missing" in crawl.log()


def test_what_a_delta_reader_must_know_is_refused(crawl, lake):
    folder = lake.folder / "t"
    write_deltalake(folder, pa.table({"n": [1]}))
    commit = folder / "_delta_log" / f"{1:020}.json"
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    add = next(json.loads(line) for line in (folder / "_delta_log" / f"{0:020}.json").read_text().splitlines() if '"add"' in line)
    remove = {"path": add["add"]["path"], "deletionTimestamp": 1, "dataChange": True}
    vector = {"storageType": "i", "pathOrInlineDv": "x", "sizeInBytes": 1, "cardinality": 1}
    with_vector = {"add": {**add["add"], "deletionVector": vector}}
    commit.write_text("\n".join(json.dumps(action) for action in ({"protocol": protocol}, {"remove": remove}, with_vector)))
    lake.sync()
    make(crawl, deltas(crawl, "t/")).run()
    assert "deletion vectors" in crawl.log()
    assert "deletion vectors" in failure(crawl, f'select * from "{crawl.database}".t')


def test_jobs_read_delta_tables_and_refuse_to_write_into_them(crawl, lake):
    write_deltalake(lake.folder / "t", pa.table({"n": [1]}))
    lake.sync()
    make(crawl, deltas(crawl, "t")).run()
    jobs = Glue(crawl.tenon)
    source = {"CatalogSource": {"Name": "src", "Database": crawl.database, "Table": "t"}}
    out = {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["src"], "Path": jobs.path("out")}}
    jobs.run(jobs.create({"src": source, "out": out}))
    assert jobs.rows("out") == [(1,)]
    # Files that a job adds would not be rows of the table.
    jobs.put("in/a.json", b'{"n": 2}')
    into = {"S3CatalogTarget": {"Name": "out", "Inputs": ["in"], "Database": crawl.database, "Table": "t"}}
    before = crawl.s3.list_objects_v2(Bucket=crawl.bucket, Prefix="t/")["KeyCount"]
    assert "open format delta" in jobs.fails(jobs.create({"in": jsonl(jobs, "in"), "out": into}))
    assert crawl.s3.list_objects_v2(Bucket=crawl.bucket, Prefix="t/")["KeyCount"] == before
    assert crawl.query(f'select n from "{crawl.database}".t') == [["1"]]


def test_delta_targets_that_are_refused(crawl):
    for target, word in (
        ({"CreateNativeDeltaTable": False}, "CreateNativeDeltaTable"),
        ({"WriteManifest": True}, "WriteManifest"),
        ({"ConnectionName": "c"}, "ConnectionName"),
    ):
        error = fault(
            crawl.glue.create_crawler, Name=crawl.name, Role="r", DatabaseName=crawl.database,
            Targets=deltas(crawl, "t/", **target),
        )
        assert error["Code"] in ("InvalidInputException", "NotImplemented") and word in error["Message"], error


def test_a_delta_table_that_is_gone_follows_the_policy(crawl, lake):
    write_deltalake(lake.folder / "a", pa.table({"n": [1]}))
    write_deltalake(lake.folder / "b", pa.table({"n": [2]}))
    lake.sync()
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    make(crawl, deltas(crawl, "a", "b"), SchemaChangePolicy=policy).run()
    assert set(crawl.tables()) == {"a", "b"}
    for key in list(lake.sent):
        if key.startswith("b/"):
            crawl.s3.delete_object(Bucket=crawl.bucket, Key=key)
    crawl.run()
    assert set(crawl.tables()) == {"a"}
    assert "there is no Delta log" in crawl.log()
    crawl.tenon.cli("crawl", crawl.name, "--undo")
    assert set(crawl.tables()) == {"a", "b"}


def glue_catalog(crawl):
    s3 = {"s3.endpoint": crawl.tenon.endpoint, "s3.access-key-id": "test", "s3.secret-access-key": "test"}
    glue = {"glue.endpoint": crawl.tenon.endpoint, "glue.region": "us-east-1"}
    keys = {"glue.access-key-id": "test", "glue.secret-access-key": "test"}
    return load_catalog(name("catalog"), type="glue", **glue, **keys, **s3)


class Outside:
    """Tables that somebody keeps in another database, with their files in our bucket."""

    def __init__(self, crawl):
        self.crawl, self.catalog, self.namespace = crawl, glue_catalog(crawl), name("outside")
        self.catalog.create_namespace(self.namespace)

    def create(self, table, schema, folder="wh"):
        location = f"s3://{self.crawl.bucket}/{folder}/{table}"
        return self.catalog.create_table(f"{self.namespace}.{table}", schema, location=location)


def icebergs(crawl, path="wh", **target):
    return {"IcebergTargets": [{"Paths": [f"s3://{crawl.bucket}/{path}"], **target}]}


def test_iceberg_tables_follow_their_newest_metadata(crawl):
    outside = Outside(crawl)
    rows = pa.table({"id": pa.array([1, 2], pa.int64()), "who": ["a", "b"]})
    table = outside.create("orders", rows.schema, "wh/shop")
    table.append(rows)
    outside.create("skipped", rows.schema, "wh/shop")
    make(crawl, icebergs(crawl, Exclusions=["**/skipped"])).run()
    assert set(crawl.tables()) == {"orders"}
    found = crawl.tables()["orders"]
    assert columns(found) == [("id", "bigint"), ("who", "string")]
    assert found["Parameters"]["table_type"] == "ICEBERG"
    assert found["Parameters"]["metadata_location"] == table.metadata_location
    sql = f'select id, who from "{crawl.database}".orders order by id'
    assert crawl.query(sql) == [["1", "a"], ["2", "b"]]
    with table.update_schema() as change:
        change.rename_column("who", "name")
    table.overwrite(pa.table({"id": pa.array([7], pa.int64()), "name": ["z"]}))
    assert crawl.query(sql) == [["1", "a"], ["2", "b"]], "the catalog is moved by a crawl"
    crawl.run()
    assert crawl.query(f'select id, name from "{crawl.database}".orders') == [["7", "z"]]
    assert actions(crawl) == ["UNCHANGED"]
    crawl.tenon.cli("crawl", crawl.name, "--undo")
    assert crawl.query(sql) == [["1", "a"], ["2", "b"]]


def test_iceberg_depth_and_tables_that_have_a_catalog(crawl):
    Outside(crawl).create("t", pa.schema([("id", pa.int64())]), "wh/deep")
    make(crawl, icebergs(crawl, MaximumTraversalDepth=1)).run()
    assert "no Iceberg table" in crawl.log()
    with pytest.raises(botocore.exceptions.ClientError):
        crawl.glue.get_table(DatabaseName=crawl.database, Name="t")
    # A table of our own catalog is moved by its own commits only.
    ours = glue_catalog(crawl)
    made = ours.create_table(f"{crawl.database}.own", pa.schema([("id", pa.int64())]), location=f"s3://{crawl.bucket}/wh/own")
    version = crawl.tables()["own"]["VersionId"]
    crawl.glue.update_crawler(Name=crawl.name, Targets=icebergs(crawl))
    crawl.run()
    assert set(crawl.tables()) == {"own", "t"}
    assert crawl.tables()["own"]["VersionId"] == version
    assert "UPDATED_BY_CRAWLER" not in crawl.tables()["own"]["Parameters"]
    assert "it is left to its own commits" in crawl.log()
    assert made.metadata_location == crawl.tables()["own"]["Parameters"]["metadata_location"]


def test_open_tables_below_an_s3_target_are_left_out_and_named(crawl, lake):
    write_deltalake(lake.folder / "x" / "d", pa.table({"n": [1]}), mode="append")
    write_deltalake(lake.folder / "x" / "d", pa.table({"n": [1]}), mode="overwrite")
    hudi = lake.folder / "x" / "h"
    (hudi / ".hoodie").mkdir(parents=True)
    (hudi / ".hoodie" / "hoodie.properties").write_text("hoodie.table.name=h\n")
    for version in ("20260101000000000", "20260102000000000"):
        pq.write_table(pa.table({"n": [1]}), hudi / f"f1_0-1-0_{version}.parquet")
    plain = lake.folder / "x" / "p"
    plain.mkdir()
    pq.write_table(pa.table({"n": [1]}), plain / "a.parquet")
    lake.sync()
    iceberg = Outside(crawl).create("i", pa.schema([("n", pa.int64())]), "x")
    iceberg.append(pa.table({"n": pa.array([1], pa.int64())}))
    crawl.create("x/").run()
    assert set(crawl.tables()) == {"p"}, crawl.log()
    for kind, folder in (("Delta", "d"), ("Hudi", "h"), ("Iceberg", "i")):
        assert any(kind in line and f"s3://{crawl.bucket}/x/{folder}/" in line for line in crawl.log().splitlines()), crawl.log()
