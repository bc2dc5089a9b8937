"""What becomes of a job when the world changes under it: sources that go or change, targets that go, a disk that is full.

Each time: the right answer or an error that says what and where, nothing published by halves, and a server that goes on
answering others."""

import json
import pathlib
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from conftest import name
from faults import ROWS, WIDE, Beside, amid, ended, rows_of, slow
from test_jobs import ENABLED, Glue, code, csv, jsonl, message, parquet

FILES = 4


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def bookmark(glue, job):
    try:
        return glue.client.get_job_bookmark(JobName=job)["JobBookmarkEntry"]["Version"]
    except glue.client.exceptions.EntityNotFoundException:
        return None


class Source:
    """A bucket of its own with a few files, read by a slow job with a bookmark."""

    def __init__(self, glue):
        self.glue, self.bucket, self.total = glue, glue.server.bucket("source"), FILES * ROWS
        for number in range(FILES):
            self.put(number, "old")
        source = csv(glue, "in", Paths=[f"s3://{self.bucket}/in/"])
        self.job = glue.create(slow(glue, source, "out"), DefaultArguments=ENABLED)

    def put(self, number, mark):
        self.glue.s3.put_object(Bucket=self.bucket, Key=f"in/{number}.csv", Body=rows_of(number, mark=mark).encode())

    def empty(self):
        keys = [{"Key": f"in/{number}.csv"} for number in range(FILES)]
        self.glue.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys})

    def marks(self):
        frame = self.glue.read("out")
        return {} if not len(frame) else frame["mark"].value_counts().to_dict()


def replaced(source):
    for number in range(FILES):
        source.put(number, "new")


def gone(source):
    source.empty()
    source.glue.s3.delete_bucket(Bucket=source.bucket)


@pytest.mark.parametrize("change", [Source.empty, replaced, gone], ids=["deleted", "replaced", "bucket-gone"])
def test_a_source_that_changes_is_read_as_it_was(glue, change):
    source = Source(glue)
    with Beside(glue.server):
        run = amid(glue, source.job, source.total)
        change(source)
        end = ended(glue, source.job, run)
    assert end["JobRunState"] == "SUCCEEDED", end.get("ErrorMessage")
    assert source.marks() == {"old": source.total}
    if change is replaced:
        glue.run(source.job)
        assert source.marks() == {"old": source.total, "new": source.total}, "the bookmark knows which bytes were read"


# Of small objects, whose bytes lie in the index, a scan holds so many bytes and opens the others when their turn comes.
SMALL_BYTES = 16 << 10
SMALL_FILES = 3_000


def small(number, mark):
    text = "ab" * (WIDE // 2)
    rows = "".join(f"{number * 100 + n},{mark},{text}\n" for n in range(SMALL_BYTES // (WIDE + 20)))
    return f"id,mark,a\n{rows}".encode()


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_small_objects_whose_turn_comes_too_late_fail_the_run_by_name(glue, change):
    def put(number, mark):
        glue.put(f"in/{number:05}.csv", small(number, mark))

    per_file = small(0, "old").count(b"\n") - 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(number, "old"), range(SMALL_FILES)))
    job = glue.create(slow(glue, csv(glue, "in"), "out"), DefaultArguments=ENABLED)
    with Beside(glue.server):
        run = amid(glue, job, SMALL_FILES * per_file)
        # The last ones: those that are not held.
        for number in range(SMALL_FILES - 20, SMALL_FILES):
            if change == "deleted":
                glue.s3.delete_object(Bucket=glue.bucket, Key=f"in/{number:05}.csv")
            else:
                put(number, "new")
        end = ended(glue, job, run)
    what = "does not exist" if change == "deleted" else "was replaced while"
    assert end["JobRunState"] == "FAILED"
    assert f"s3://{glue.bucket}/in/02" in end["ErrorMessage"] and what in end["ErrorMessage"], end["ErrorMessage"]
    assert end["ErrorMessage"].startswith("node S3CsvSource src")
    assert glue.keys("out") == [] and bookmark(glue, job) is None
    glue.run(job)
    found = glue.read("out")["mark"].value_counts().to_dict()
    kept = (SMALL_FILES - 20) * per_file
    assert found == ({"old": kept} if change == "deleted" else {"old": kept, "new": 20 * per_file})


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_two_targets_never_read_two_versions_of_an_object(glue, change):
    glue.put("in/a.csv", rows_of(0))
    nodes = slow(glue, csv(glue, "in"), "a-out")
    nodes["z-out"] = parquet(glue, "src", "z-out")
    job = glue.create(nodes, DefaultArguments=ENABLED)
    with Beside(glue.server):
        run = amid(glue, job, ROWS + 1)
        if change == "deleted":
            glue.s3.delete_object(Bucket=glue.bucket, Key="in/a.csv")
        else:
            glue.put("in/a.csv", rows_of(0, mark="new"))
        end = ended(glue, job, run)
    assert end["JobRunState"] == "FAILED"
    assert f"s3://{glue.bucket}/in/a.csv" in end["ErrorMessage"], end["ErrorMessage"]
    assert glue.keys("a-out") == glue.keys("z-out") == [] and bookmark(glue, job) is None


# Targets that go


@pytest.mark.parametrize("made_again", [False, True], ids=["gone", "made-again"])
def test_a_target_bucket_that_goes_fails_the_run(glue, made_again):
    glue.put("in/a.csv", rows_of(0))
    target = glue.server.bucket("target")
    job = glue.create(slow(glue, csv(glue, "in"), "out", Path=f"s3://{target}/out/"), DefaultArguments=ENABLED)
    with Beside(glue.server):
        run = amid(glue, job, ROWS + 1)
        glue.s3.delete_bucket(Bucket=target)
        if made_again:
            glue.s3.create_bucket(Bucket=target)
        end = ended(glue, job, run)
    if not made_again:
        assert end["JobRunState"] == "FAILED" and bookmark(glue, job) is None
        assert f"bucket {target}" in end["ErrorMessage"] and "does not exist" in end["ErrorMessage"], end["ErrorMessage"]
        assert end["ErrorMessage"].startswith("node S3GlueParquetTarget out")
        glue.s3.create_bucket(Bucket=target)
        glue.run(job)
    glue.bucket = target
    assert len(glue.read("out")) == ROWS


def test_a_database_that_goes_fails_the_run_and_nothing_is_published(glue):
    glue.put("in/a.csv", rows_of(0))
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database, "Table": "out"}
    job = glue.create(slow(glue, csv(glue, "in"), "out", SchemaChangePolicy=policy), DefaultArguments=ENABLED)
    with Beside(glue.server):
        run = amid(glue, job, ROWS + 1)
        glue.client.delete_database(Name=glue.database)
        end = ended(glue, job, run)
    assert end["JobRunState"] == "FAILED" and bookmark(glue, job) is None
    assert glue.database in end["ErrorMessage"] and end["ErrorMessage"].startswith("node S3GlueParquetTarget out")
    assert glue.keys("out") == []


# A disk that is full


class SmallDisk:
    """A server whose data folder lies on a disk of limited size."""

    def __init__(self, factory, tmp_path, *arguments):
        library, self.size = tmp_path / "small_disk.so", tmp_path / "size"
        source = pathlib.Path(__file__).with_name("small_disk.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self.server = factory(*arguments)
        self.server.environment = {
            "LD_PRELOAD": str(library), "SMALL_DISK": str(self.server.data_dir), "SMALL_DISK_SIZE": str(self.size)}
        self.room(1 << 30)
        self.server.start()

    def used(self):
        return sum(file.stat().st_size for file in self.server.data_dir.rglob("*") if file.is_file())

    def room(self, size):
        # Whole at any moment.
        new = self.size.with_suffix(".new")
        new.write_text(str(size))
        new.rename(self.size)


def test_a_full_disk_fails_the_run_and_room_mends_it(tenon_factory, tmp_path):
    disk = SmallDisk(tenon_factory, tmp_path)
    glue = Glue(disk.server)
    dice = random.Random(1)
    glue.put("in/a.csv", "id,x\n" + "".join(f"{n},{dice.getrandbits(600):x}\n" for n in range(100_000)))
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments=ENABLED)
    with Beside(disk.server):
        disk.room(disk.used() + (6 << 20))
        told = glue.fails(job)
        # Of the objects, or of the metadata: whichever is the first to need room.
        assert "he disk " in told and " is full" in told, told
        assert glue.keys("out") == [] and bookmark(glue, job) is None
        disk.room(1 << 30)
        glue.run(job)
    assert len(glue.read("out")) == 100_000


def test_a_full_disk_while_spilling_says_what_to_do(tenon_factory, tmp_path):
    disk = SmallDisk(tenon_factory, tmp_path, "--set", "engine.memory=64MiB")
    glue = Glue(disk.server)
    dice = random.Random(1)
    for part in range(8):
        glue.put(f"in/{part}.csv", "id,x\n" + "".join(f"{n},{dice.getrandbits(600):x}\n" for n in range(100_000)))
    query = "SELECT x, count(*) AS n, max(id) AS m FROM t GROUP BY x"
    group = {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}], "SqlQuery": query}}
    job = glue.create({"src": csv(glue, "in"), "q": group, "out": parquet(glue, "q", "out")})
    with Beside(disk.server):
        disk.room(disk.used() + (10 << 20))
        told = glue.fails(job)
        assert told.startswith("node S3GlueParquetTarget out") and "engine.spill_dir" in told, told
        assert glue.keys("out") == []
        disk.room(1 << 30)
        glue.run(job)
    assert len(glue.read("out")) == 800_000


def test_a_disk_without_any_room_refuses_changes_and_answers_questions(tenon_factory, tmp_path):
    disk = SmallDisk(tenon_factory, tmp_path)
    glue = Glue(disk.server)
    glue.put("in/a.csv", "id\n1\n")
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")})
    database = name("db")
    with Beside(disk.server):
        disk.room(0)
        # What fits into the room that the log of the metadata has may still be written.
        refused = []
        for number in range(200):
            try:
                glue.put(f"more/{number}", "x" * 10_000)
            except ClientError as error:
                refused.append(error.response["Error"])
                break
        assert refused and refused[0]["Code"] == "ServiceUnavailable" and "disk of this server is full" in refused[0]["Message"]
        with pytest.raises(ClientError) as large:
            glue.put("large", "x" * 200_000)
        assert large.value.response["Error"]["Code"] == "ServiceUnavailable"
        for change in (lambda: glue.client.create_database(DatabaseInput={"Name": database, "Description": "d" * 2000}), lambda: glue.start(job)):
            with pytest.raises(ClientError) as error:
                change()
            assert code(error) == "InternalServiceException" and "disk of this server is full" in message(error)
        assert glue.keys("in") == ["in/a.csv"]
        disk.room(1 << 30)
        glue.run(job)
    with pytest.raises(glue.client.exceptions.EntityNotFoundException):
        glue.client.get_database(Name=database)
    assert glue.client.get_job_runs(JobName=job)["JobRuns"][0]["JobRunState"] == "SUCCEEDED"
    assert len(glue.client.get_job_runs(JobName=job)["JobRuns"]) == 1, "what was refused has not happened"


# Rows that are malformed


BAD_ROWS, ONE_IN = 200_000, 1_000


def lines_of(kind):
    """Rows of which one in a thousand is malformed: their text, and those lines with their numbers."""
    rows, bad = [], {}
    for n in range(BAD_ROWS):
        row = f"{n},{n * 2}" if kind == "csv" else json.dumps({"id": n, "v": n * 2})
        if n % ONE_IN == 7:
            row = f"{n},{n},{n}" if kind == "csv" else row[:-1]
            bad[n + (2 if kind == "csv" else 1)] = row
        rows.append(row)
    return ("id,v\n" if kind == "csv" else "") + "\n".join(rows) + "\n", bad


@pytest.mark.parametrize("lines", [
    ["x", '{"a":1}'], ["x", '{"a":1}', "y", '{"a":2}'], ['{"a":1}', '{"a":', "not json", '{"a":2}'], ['{"b":', '{"b":', '{"a":1}', '{"a":2}'],
])
def test_as_many_bad_lines_as_are_allowed_wherever_they_are(glue, lines):
    glue.put("in/a.json", "\n".join(lines) + "\n")
    job = glue.create({"src": jsonl(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments={"--bad-records-path": glue.path("bad")})
    bad = [line for line in lines if not line.endswith("}")]
    glue.fails(job, Arguments={"--max-bad-records": str(len(bad) - 1)})
    run = glue.run(job, Arguments={"--max-bad-records": "10"})
    assert sorted(glue.read("out")["a"]) == list(range(1, len(lines) - len(bad) + 1))
    body = glue.s3.get_object(Bucket=glue.bucket, Key=f"bad/{run['Id']}/src.json")["Body"].read()
    assert sorted(json.loads(line)["text"].strip() for line in body.splitlines()) == sorted(bad)


@pytest.mark.parametrize("kind, text", [("csv", b"id,v\n1,\xff\xfe\n2,ok\n"), ("json", b'{"id":1,"v":"\xff"}\n{"id":2,"v":"ok"}\n')])
def test_a_first_row_that_is_no_utf8_is_a_bad_record_as_others_are(glue, kind, text):
    glue.put(f"in/a.{kind}", text)
    source = csv(glue, "in") if kind == "csv" else jsonl(glue, "in")
    job = glue.create({"src": source, "out": parquet(glue, "src", "out")})
    assert "not valid UTF-8" in glue.fails(job)
    run = glue.run(job, Arguments={"--max-bad-records": "1"})
    assert glue.read("out").astype(str).values.tolist() == [["2", "ok"]]
    assert glue.totals(run["Id"])["bad_records"] == 1


def test_a_quoted_field_that_goes_on_is_a_bad_record(glue):
    """A torn quote makes one field of two; what it took with it is not lost without a word."""
    glue.put("in/a.csv", 'a,b\n1,"x" \n3,"open\n4,"q"\n5,"r"\n6,"s""t"\n7,"to"rn\n')
    job = glue.create({"src": csv(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments={"--bad-records-path": glue.path("bad")})
    assert "in/a.csv, line 3" in (told := glue.fails(job)) and "behind its closing quote" in told
    run = glue.run(job, Arguments={"--max-bad-records": "2"})
    assert sorted(glue.read("out").values.tolist()) == [["1", "x "], ["5", "r"], ["6", 's"t']] and glue.totals(run["Id"])["bad_records"] == 2
    body = glue.s3.get_object(Bucket=glue.bucket, Key=f"bad/{run['Id']}/src.json")["Body"].read()
    assert [json.loads(line)["text"].strip() for line in body.splitlines()] == ['3,"open\n4,"q"', '7,"to"rn']


def test_what_is_bad_does_not_depend_on_the_columns_that_are_wanted(glue):
    glue.put("in/a.csv", b"a,b\n1,x\n" + b"2,y\n" * 100_000 + b"3,\xff\n5,q\n")
    for number, query in enumerate(["select a from t", "select count(*) as n from t", "select * from t"]):
        node = {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query, "SqlAliases": [{"From": "src", "Alias": "t"}]}}
        job = glue.create({"src": csv(glue, "in"), "q": node, "out": parquet(glue, "q", f"out{number}")})
        assert "line 100003: the text is not valid UTF-8" in glue.fails(job).replace(", column b", "")
        run = glue.run(job, Arguments={"--max-bad-records": "1"})
        assert glue.totals(run["Id"])["bad_records"] == 1
        assert len(rows := glue.read(f"out{number}")) == 100_002 or rows["n"].tolist() == [100_002]


@pytest.mark.parametrize("kind, text, more", [("json", b'bad\n{"a":1}\n', b'{"a":2}\n'), ("csv", b"a,b\n1,\xff\n2,x\n", b"a,b\n3,y\n")])
def test_bad_records_of_files_that_the_bookmark_leaves_out_stop_nobody(glue, kind, text, more):
    glue.put(f"in/a.{kind}", text)
    source = csv(glue, "in") if kind == "csv" else jsonl(glue, "in")
    job = glue.create({"src": source, "out": parquet(glue, "src", "out")}, DefaultArguments=ENABLED)
    glue.run(job, Arguments={"--max-bad-records": "1"})
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 0
    glue.put(f"in/b.{kind}", more)
    assert glue.totals(glue.run(job)["Id"])["rows_in"] == 1 and len(glue.read("out")) == 2
    glue.put(f"in/c.{kind}", text)
    assert f"in/c.{kind}, line" in glue.fails(job)


def test_a_file_of_bad_records_alone_beside_good_ones(glue):
    glue.put("in/a.json", "hello\nworld\n")
    glue.put("in/b.json", '{"a":1}\n{"a":2}\n')
    job = glue.create({"src": jsonl(glue, "in"), "out": parquet(glue, "src", "out")})
    assert "in/a.json, line 1" in glue.fails(job)
    assert "2 bad records are more than" in glue.fails(job, Arguments={"--max-bad-records": "1"})
    run = glue.run(job, Arguments={"--max-bad-records": "2"})
    assert sorted(glue.read("out")["a"]) == [1, 2] and glue.totals(run["Id"])["bad_records"] == 2


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_one_row_in_a_thousand_is_malformed(glue, kind):
    text, bad = lines_of(kind)
    glue.put(f"in/a.{kind}", text)
    source = csv(glue, "in") if kind == "csv" else jsonl(glue, "in")
    job = glue.create({"src": source, "out": parquet(glue, "src", "out")}, DefaultArguments={**ENABLED, "--bad-records-path": glue.path("bad")})
    with Beside(glue.server):
        assert f"s3://{glue.bucket}/in/a.{kind}, " in (told := glue.fails(job)) and ("line" in told or "byte" in told)
        told = glue.fails(job, Arguments={"--max-bad-records": str(len(bad) - 1)})
        assert f"{len(bad)} bad records are more than --max-bad-records {len(bad) - 1} allows" in told
        assert glue.keys("out") == glue.keys("bad") == [] and bookmark(glue, job) is None
        run = glue.run(job, Arguments={"--max-bad-records": str(len(bad))})
    assert len(glue.read("out")) == BAD_ROWS - len(bad) == glue.totals(run["Id"])["rows_in"]
    assert glue.totals(run["Id"])["bad_records"] == len(bad)
    assert glue.keys("bad") == [f"bad/{run['Id']}/src.json"]
    body = glue.s3.get_object(Bucket=glue.bucket, Key=glue.keys("bad")[0])["Body"].read()
    kept = [json.loads(line) for line in body.splitlines()]
    data = text.encode()
    assert sorted(row["text"] for row in kept) == sorted(bad.values())
    for row in kept:
        assert row["file"] == f"s3://{glue.bucket}/in/a.{kind}" and row["reason"]
        assert data[row["byte"] :].startswith(row["text"].encode())
        if kind == "csv" or "line" in row:
            assert bad[row["line"]] == row["text"]
