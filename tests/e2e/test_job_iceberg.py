"""Iceberg targets of visual jobs: partitions as the table's spec says, overwriting, and commits beside others; what PyIceberg
and Athena's dialect read of it."""

import datetime
import decimal
import io
import json
import signal
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual, IsNull
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    IdentityTransform,
    TruncateTransform,
    parse_transform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)
from pyiceberg.utils.datetime import date_to_days, datetime_to_micros

from conftest import name
from test_iceberg import athena, rest
from test_jobs import ENABLED, Glue, jsonl


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


@pytest.fixture
def catalog(glue):
    return rest(glue.server, f"s3://{glue.bucket}/wh")


def direct(glue, source, table, **members):
    policy = {"EnableUpdateCatalog": True, "Database": glue.database, "Table": table}
    return {"S3IcebergDirectTarget": {"Name": table, "Inputs": [source], "Path": glue.path(table), "Format": "iceberg",
                                      "Compression": "snappy", "SchemaChangePolicy": policy, **members}}


def existing(glue, source, table, **members):
    return {"S3IcebergCatalogTarget": {"Name": table, "Inputs": [source], "Database": glue.database, "Table": table, **members}}


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows)


FIELDS = [
    NestedField(1, "i", IntegerType(), required=False), NestedField(2, "l", LongType(), required=False),
    NestedField(3, "s", StringType(), required=False), NestedField(4, "d", DateType(), required=False),
    NestedField(5, "t", TimestampType(), required=False), NestedField(6, "p", DecimalType(9, 2), required=False),
    NestedField(7, "b", BooleanType(), required=False), NestedField(8, "x", BinaryType(), required=False),
]
ROWS = [
    {"n": 34, "w": "iceberg", "day": "2017-11-16", "at": "2017-11-16 22:31:08", "price": "14.20"},
    {"n": -1, "w": "äöüß", "day": "1969-12-31", "at": "1969-12-31 23:59:59.999999", "price": "-0.01"},
    {"n": 0, "w": "", "day": "1970-01-01", "at": "1970-01-01 00:00:00", "price": "0"},
    {"n": None, "w": None, "day": None, "at": None, "price": None},
    {"n": 2147483647, "w": "a/b=c d%", "day": "2400-02-29", "at": "2024-02-29 12:34:56.5", "price": "9999999.99"},
]


def arrow():
    """The rows with their types."""
    def day(text):
        return text and datetime.date.fromisoformat(text)

    def at(text):
        return text and datetime.datetime.fromisoformat(text)
    return pa.table({
        "i": pa.array([row["n"] for row in ROWS], pa.int32()),
        "l": pa.array([None if row["n"] is None else row["n"] * 1000000007 for row in ROWS], pa.int64()),
        "s": pa.array([row["w"] for row in ROWS], pa.string()),
        "d": pa.array([day(row["day"]) for row in ROWS], pa.date32()),
        "t": pa.array([at(row["at"]) for row in ROWS], pa.timestamp("us")),
        "p": pa.array([row["price"] and decimal.Decimal(row["price"]).quantize(decimal.Decimal("0.01")) for row in ROWS],
                      pa.decimal128(9, 2)),
        "b": pa.array([None if row["n"] is None else row["n"] > 0 for row in ROWS], pa.bool_()),
        "x": pa.array([None if row["w"] is None else row["w"].encode() for row in ROWS], pa.binary()),
    })


def content(table):
    return sorted(map(str, table.scan().to_arrow().to_pylist()))


def partitions(table):
    """Each partition's values and rows, as the manifests say."""
    found = {}
    for task in table.scan().plan_files():
        values = str(tuple(task.file.partition))
        found[values] = found.get(values, 0) + task.file.record_count
    return found


def expected(table):
    """The same by PyIceberg's transforms of the rows' values."""
    found = {}
    columns = {field.field_id: field for field in table.schema().fields}
    for row in arrow().to_pylist():
        values = []
        for field in table.spec().fields:
            column = columns[field.source_id]
            value = row[column.name]
            if isinstance(value, datetime.datetime):
                value = datetime_to_micros(value)
            elif isinstance(value, datetime.date):
                value = date_to_days(value)
            values.append(field.transform.transform(column.field_type)(value))
        found[str(tuple(values))] = found.get(str(tuple(values)), 0) + 1
    return found


SPECS = [
    [("identity", "i"), ("identity", "s")], [("identity", "d"), ("identity", "b")], [("identity", "t"), ("identity", "p")],
    [("identity", "l")], [("bucket[4]", "i"), ("bucket[7]", "l")], [("bucket[5]", "s"), ("bucket[16]", "d")],
    [("bucket[3]", "t"), ("bucket[9]", "p")], [("bucket[6]", "x")], [("truncate[10]", "i"), ("truncate[3]", "s")],
    [("truncate[1000]", "l"), ("truncate[50]", "p")], [("year", "d"), ("month", "t")], [("month", "d"), ("hour", "t")],
    [("day", "t")], [("day", "d")], [("year", "t")],
]


def test_rows_are_divided_as_pyiceberg_divides_them(glue, catalog):
    """Every transform on every type: the same partitions, with the same rows, as PyIceberg's transforms make of them."""
    body = io.BytesIO()
    pq.write_table(arrow(), body)
    glue.put("src/a.parquet", body.getvalue())
    nodes = {"src": {"S3ParquetSource": {"Name": "src", "Paths": [glue.path("src")]}}}
    made = []
    for number, spec in enumerate(SPECS):
        ids = {field.name: field.field_id for field in FIELDS}
        fields = [PartitionField(ids[column], 1000 + at, parse_transform(by), f"p{at}") for at, (by, column) in enumerate(spec)]
        table = catalog.create_table((glue.database, f"t{number}"), Schema(*FIELDS), partition_spec=PartitionSpec(*fields))
        nodes[f"t{number}"] = existing(glue, "src", f"t{number}")
        made.append((spec, table))
    glue.run(glue.create(nodes))
    rows = sorted(map(str, arrow().to_pylist()))
    for number, (spec, table) in enumerate(made):
        table.refresh()
        assert content(table) == rows, spec
        assert partitions(table) == expected(table), spec
        count = athena(glue.server, glue.bucket, f"SELECT count(*), count(DISTINCT l) FROM {glue.database}.t{number}")
        assert count == [["5", "4"]], spec
    # Files are left out by their partitions.
    daily = made[SPECS.index([("day", "t")])][1]
    assert daily.scan(EqualTo("t", "2017-11-16T22:31:08")).to_arrow()["i"].to_pylist() == [34]
    assert len(list(daily.scan(GreaterThanOrEqual("t", "2024-01-01T00:00:00")).plan_files())) == 1
    assert len(list(daily.scan(IsNull("t")).plan_files())) == 1
    # PyIceberg goes on where we have ended, and we where it has.
    own = SPECS.index([("identity", "d"), ("identity", "b")])
    table = made[own][1]
    table.append(arrow())
    glue.run(glue.create({key: nodes[key] for key in ("src", f"t{own}")}))
    table.refresh()
    assert partitions(table) == {values: 3 * count for values, count in expected(table).items()}


def test_a_table_is_made_with_partitions_and_overwritten(glue, catalog):
    glue.put("one/a.json", lines({"id": 1, "day": "a"}, {"id": 2, "day": "b"}, {"id": 3, "day": None}))
    glue.put("two/a.json", lines({"id": 4, "day": "b"}, {"id": 5, "day": "c"}))
    glue.put("three/a.json", lines({"id": 6, "day": None}))

    def run(folder, **options):
        nodes = {"src": jsonl(glue, folder), "t": direct(glue, "src", "t", PartitionKeys=[["day"]], AdditionalOptions=options)}
        return glue.run(glue.create(nodes))

    def rows():
        found = athena(glue.server, glue.bucket, f"SELECT id FROM {glue.database}.t ORDER BY id")
        table = catalog.load_table((glue.database, "t"))
        assert sorted(table.scan().to_arrow()["id"].to_pylist()) == [int(id) for [id] in found]
        return [int(id) for [id] in found]

    run("one")
    table = catalog.load_table((glue.database, "t"))
    assert [(field.name, str(field.transform)) for field in table.spec().fields] == [("day", "identity")]
    assert any("/day=a/" in key for key in glue.keys("t/data"))
    run("two", mode="overwrite", partitionOverwriteMode="dynamic")
    assert rows() == [1, 3, 4, 5]
    run("three", mode="overwrite", partitionOverwriteMode="dynamic")
    assert rows() == [1, 4, 5, 6]
    table.refresh()
    before = table.current_snapshot()
    assert before.summary.operation.value == "overwrite" and before.summary["deleted-records"] == "1"
    run("one", mode="overwrite")
    assert rows() == [1, 2, 3]
    # What was there is still there in the snapshot before.
    assert sorted(table.scan(snapshot_id=before.snapshot_id).to_arrow()["id"].to_pylist()) == [1, 4, 5, 6]
    # A table that PyIceberg has written to, with statistics of its columns in its manifests.
    table.refresh()
    table.append(pa.table({"id": pa.array([7, 8], pa.int32()), "day": ["a", "z"]}).cast(table.schema().as_arrow()))
    run("two", mode="overwrite", partitionOverwriteMode="dynamic")
    assert rows() == [1, 3, 4, 5, 7, 8]
    table.refresh()
    manifests = table.current_snapshot().manifests(table.io)
    kept = [entry for manifest in manifests for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)]
    assert {entry.status.name for entry in kept} == {"ADDED", "EXISTING"} and any(entry.data_file.lower_bounds for entry in kept)
    table.delete(EqualTo("id", 8))
    assert rows() == [1, 3, 4, 5, 7]


def test_rows_take_the_place_of_those_with_their_keys(glue, catalog):
    def run(folder, keys="id", **members):
        options = {"mode": "upsert", "keys": keys}
        nodes = {"src": jsonl(glue, folder), "t": direct(glue, "src", "t", AdditionalOptions=options, **members)}
        return glue.create(nodes)

    def rows():
        found = athena(glue.server, glue.bucket, f"SELECT id, day, v FROM {glue.database}.t ORDER BY id, day")
        table = catalog.load_table((glue.database, "t"))
        own = sorted((str(row["id"]), row["day"], row["v"]) for row in table.scan().to_arrow().to_pylist())
        assert own == [tuple(row) for row in found]
        return own

    glue.put("one/a.json", lines(*({"id": id, "day": day, "v": "old"} for id, day in [(1, "a"), (2, "a"), (3, "b")])))
    glue.run(run("one", PartitionKeys=[["day"]]))
    assert rows() == [("1", "a", "old"), ("2", "a", "old"), ("3", "b", "old")]
    # A row moves to another partition; a column that the input lacks is null in the rows that it gives.
    glue.put("two/a.json", lines({"id": 2, "day": "b", "v": "new"}, {"id": 4, "day": "c"}))
    glue.run(run("two"))
    assert rows() == [("1", "a", "old"), ("2", "b", "new"), ("3", "b", "old"), ("4", "c", None)]
    table = catalog.load_table((glue.database, "t"))
    snapshot = table.current_snapshot()
    assert snapshot.summary.operation.value == "overwrite" and snapshot.summary["total-records"] == "4"
    assert table.scan(snapshot_id=table.metadata.snapshots[0].snapshot_id).to_arrow().num_rows == 3
    glue.put("three/a.json", lines({"id": 2, "day": "b", "v": "third"}, {"id": 2, "day": "c", "v": "other"}))
    glue.run(run("three", "ID, day"))
    after = [("1", "a", "old"), ("2", "b", "third"), ("2", "c", "other"), ("3", "b", "old"), ("4", "c", None)]
    assert rows() == after
    # What cannot be decided fails, and leaves the table as it is.
    message = glue.fails(run("three"))
    assert "its input has 2 rows with the key id = 2" in message and "DropDuplicates" in message, message
    glue.put("null/a.json", lines({"id": None, "day": "x"}, {"id": 9, "day": "x"}))
    assert "a row of its input has no id (it is null)" in glue.fails(run("null"))
    assert "AdditionalOptions.keys: nope is no column of the table" in glue.fails(run("two", "nope"))
    assert "AdditionalOptions.keys names id twice" in glue.fails(run("two", "id,ID"))
    # An input without rows changes nothing, and makes no snapshot.
    none = {"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "AND", "Filters": [{"Operation": "GT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["id"]}, {"Type": "CONSTANT", "Value": ["100"]}]}]}}
    upsert = existing(glue, "f", "t", AdditionalOptions={"mode": "upsert", "keys": "id"})
    snapshots = len(catalog.load_table((glue.database, "t")).metadata.snapshots)
    glue.run(glue.create({"src": jsonl(glue, "two"), "f": none, "t": upsert}))
    assert rows() == after and len(catalog.load_table((glue.database, "t")).metadata.snapshots) == snapshots
    for options, reason in [({"mode": "upsert"}, "needs AdditionalOptions.keys"), ({"keys": "id"}, "needs the mode upsert beside it"),
                            ({"mode": "upsert", "keys": "id,,day"}, "needs AdditionalOptions.keys")]:
        with pytest.raises(glue.client.exceptions.InvalidInputException, match=reason):
            glue.create({"src": jsonl(glue, "two"), "t": existing(glue, "src", "t", AdditionalOptions=options)})


def test_upserts_beside_other_writers_lose_nothing(glue, catalog):
    """Each commit of others makes an upsert begin anew on what they have left."""
    schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "day", StringType(), required=False))
    table = catalog.create_table((glue.database, "t"), schema)
    table.append(pa.table({"id": list(range(100)), "day": ["old"] * 100}))
    jobs = []
    for number in range(2):
        rows = [{"id": id, "day": f"by {number}"} for id in range(50 * number, 50 * number + 60)]
        glue.put(f"in{number}/a.json", lines(*rows))
        options = {"mode": "upsert", "keys": "id"}
        jobs.append(glue.create({"src": jsonl(glue, f"in{number}"), "t": existing(glue, "src", "t", AdditionalOptions=options)}))
    runs = [(job, glue.start(job)) for job in jobs]
    appended = 0
    while any(glue.get(job, run)["JobRunState"] in ("STARTING", "RUNNING") for job, run in runs) and appended < 8:
        try:
            table.append(pa.table({"id": [1000 + appended], "day": ["beside"]}))
            appended += 1
        except Exception as error:  # another was faster
            assert "CommitFailed" in type(error).__name__, error
            table.refresh()
    for job, run in runs:
        ended = glue.wait(job, run)
        assert ended["JobRunState"] == "SUCCEEDED", ended
    table.refresh()
    found = {row["id"]: row["day"] for row in table.scan().to_arrow().to_pylist()}
    assert table.scan().to_arrow().num_rows == len(found) == 110 + appended
    assert all(found[id] == ("by 0" if id < 50 else "by 1") for id in [*range(50), *range(60, 110)])
    assert {found[1000 + number] for number in range(appended)} <= {"beside"}


def test_what_does_not_fit_the_table_is_refused(glue, catalog):
    glue.put("src/a.json", lines({"id": 1, "day": "a"}))
    fields = [NestedField(1, "id", LongType()), NestedField(2, "day", StringType()), NestedField(3, "f", DoubleType())]

    def table(own, *spec):
        made = [PartitionField(source, 1000 + at, by, f"p{at}") for at, (source, by) in enumerate(spec)]
        return catalog.create_table((glue.database, own), Schema(*fields), partition_spec=PartitionSpec(*made))

    def fails(own, **members):
        return glue.fails(glue.create({"src": jsonl(glue, "src"), "t": existing(glue, "src", own, **members)}))

    table("b", (1, BucketTransform(4)))
    assert "PartitionKeys are id, but the table is partitioned by bucket[4](id)" in fails("b", PartitionKeys=[["id"]])
    table("f", (3, IdentityTransform()))
    assert "partition field p0 (identity) is not written here: it is of type double" in fails("f")
    table("n")
    dynamic = {"mode": "overwrite", "partitionOverwriteMode": "dynamic"}
    assert "has no partitions that partitionOverwriteMode dynamic could replace" in fails("n", AdditionalOptions=dynamic)
    changed = table("c", (1, TruncateTransform(10)))
    glue.run(glue.create({"src": jsonl(glue, "src"), "t": existing(glue, "src", "c")}))
    with changed.update_spec() as update:
        update.add_field("day", IdentityTransform(), "day")
    assert "it has files of its former partition spec 0" in fails("c", AdditionalOptions=dynamic)
    glue.run(glue.create({"src": jsonl(glue, "src"), "t": existing(glue, "src", "c")}))
    glue.run(glue.create({"src": jsonl(glue, "src"), "t": existing(glue, "src", "c", AdditionalOptions={"mode": "overwrite"})}))
    changed.refresh()
    assert changed.scan().to_arrow().num_rows == 1
    for options, reason in [
        ({"mode": "ignore"}, "AdditionalOptions.mode ignore is not one of append, overwrite, upsert"),
        ({"partitionOverwriteMode": "dynamic"}, "partitionOverwriteMode needs the mode overwrite beside it"),
        ({"mode": "overwrite", "partitionOverwriteMode": "x"}, "partitionOverwriteMode x is not one of static, dynamic"),
        ({"write.format.default": "orc"}, "AdditionalOptions.write.format.default is refused"),
    ]:
        with pytest.raises(glue.client.exceptions.InvalidInputException, match=reason):
            glue.create({"src": jsonl(glue, "src"), "t": existing(glue, "src", "c", AdditionalOptions=options)})


def rounds(glue, jobs):
    """Runs jobs of folders beside each other, three times with new rows; the ids of all rows."""
    expected = []
    for round_ in range(3):
        runs = []
        for number, (folder, job) in enumerate(jobs):
            id = 10 * round_ + number
            glue.put(f"{folder}/{round_}.json", lines({"id": id, "day": "x"}, {"id": 100 + id, "day": "y"}))
            expected += [id, 100 + id]
            runs.append((job, glue.start(job)))
        for job, run in runs:
            ended = glue.wait(job, run)
            assert ended["JobRunState"] == "SUCCEEDED", ended
    return expected


def test_jobs_and_pyiceberg_at_once_lose_nothing(glue, catalog):
    """Two jobs and a writer of its own append to one partitioned table; a job with a bookmark reads every file once."""
    schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "day", StringType(), required=False))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "day"))
    table = catalog.create_table((glue.database, "t"), schema, partition_spec=spec)
    jobs = []
    for number in range(2):
        folder = f"in{number}"
        nodes = {"src": jsonl(glue, folder), "t": existing(glue, "src", "t")}
        jobs.append((folder, glue.create(nodes, name("append"), DefaultArguments=ENABLED)))
    written = []

    def beside():
        own = catalog.load_table((glue.database, "t"))
        for number in range(5):
            row = pa.table({"id": [1000 + number], "day": ["p"]})
            while True:
                try:
                    own.append(row)
                    break
                except Exception as error:  # another was faster
                    assert "CommitFailed" in type(error).__name__, error
                    own.refresh()
            written.append(1000 + number)

    thread = threading.Thread(target=beside)
    thread.start()
    expected = rounds(glue, jobs)
    thread.join(120)
    assert len(written) == 5
    table.refresh()
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == sorted(expected + written)
    assert len(table.metadata.snapshots) == 11


class Killed:
    """A job with a bookmark that adds to a partitioned table, overwrites partitions of another and rows of a third, on a server
    that dies."""

    def __init__(self, server):
        self.server, self.glue = server, Glue(server)
        self.put(1)
        nodes = {"src": jsonl(self.glue, "src")}
        for table, options in (("added", {}), ("replaced", {"mode": "overwrite", "partitionOverwriteMode": "dynamic"}),
                               ("upserted", {"mode": "upsert", "keys": "day"})):
            nodes[table] = direct(self.glue, "src", table, PartitionKeys=[["day"]], AdditionalOptions=options)
        self.job = self.glue.create(nodes, DefaultArguments=ENABLED)
        self.glue.run(self.job)

    def put(self, number):
        self.glue.put(f"src/{number}.json", lines({"id": 2 * number, "day": "same"}, {"id": 2 * number + 1, "day": f"own{number}"}))

    def again(self, *arguments):
        bucket, database = self.glue.bucket, self.glue.database
        self.server.arguments = list(arguments)
        self.glue = Glue(self.server.start())
        self.glue.bucket, self.glue.database = bucket, database

    def rows(self):
        catalog = rest(self.server, f"s3://{self.glue.bucket}/wh")
        tables = [catalog.load_table((self.glue.database, own)) for own in ("added", "replaced", "upserted")]
        return [sorted(table.scan().to_arrow()["id"].to_pylist()) for table in tables]


@pytest.mark.parametrize(("point", "published"), [
    ("jobs.run.before_staging", False), ("jobs.run.after_staging", False), ("jobs.run.before_commit", False),
    ("jobs.run.after_commit", True)])
def test_killed_around_the_commit_all_tables_and_the_bookmark_agree(tenon_factory, tmp_path, point, published):
    life = Killed(tenon_factory().start())
    before = [[2, 3], [2, 3], [2, 3]]
    assert life.rows() == before
    life.put(2)
    assert life.server.stop() == 0
    marker = tmp_path / "marker"
    life.again("--set", f"crash.point={point}", "--set", f"crash.marker={marker}")
    run = life.glue.start(life.job)
    assert life.server.process.wait(120) == -signal.SIGKILL
    assert set(marker.read_text().split()) == {point}
    life.again()
    after = [[2, 3, 4, 5], [3, 4, 5], [3, 4, 5]]
    assert life.rows() == (after if published else before)
    assert life.glue.wait(life.job, run)["JobRunState"] == ("SUCCEEDED" if published else "FAILED")
    # What was not published is read again; what was, is not.
    life.glue.run(life.job)
    assert life.rows() == after
