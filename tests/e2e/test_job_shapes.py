"""Data of unusual shape through a job: skewed and missing partition values, thousands of columns, partitions and files. What
comes out is compared with what went in, memory with what the server was given, and others are answered meanwhile."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

from conftest import wait_until
from faults import Beside
from test_jobs import ENABLED, FINAL, Glue, csv, jsonl, mapping, parquet
from test_large import MIB, Watch

# Of the engine; the process has its own code, threads and caches beside it.
ENGINE_BYTES = 256 * MIB
MEMORY_BYTES = ENGINE_BYTES + 384 * MIB


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


@pytest.fixture
def small(tenon_factory):
    """On a server whose engine has little memory."""
    return Glue(tenon_factory("--set", "engine.memory=256MiB").start())


def finish(glue, job):
    """A run to its end, which much data may take a while to come to."""
    started = glue.start(job)

    def ended():
        run = glue.get(job, started)
        return run if run["JobRunState"] in FINAL else None

    run = wait_until(ended, "the run to end", 1_200)
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    return run


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def files(glue, keys, folder):
    """Objects by name, their bodies sent side by side."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda pair: glue.put(f"{folder}/{pair[0]}", pair[1]), keys))


# Partition values


NOWHERE = "__HIVE_DEFAULT_PARTITION__"
# As in the folders' names, which Hive escapes.
VALUES = {"same": "same", None: NOWHERE, "": NOWHERE, "a/b=c": "a%2Fb%3Dc", "ü 1": "ü 1", "%": "%25", NOWHERE: NOWHERE}


def test_skewed_and_missing_partition_values(glue):
    odd = [value for value in VALUES if value != "same"]
    rows = [{"n": n, "k": "same" if n % 100 else odd[n // 100 % len(odd)], "w": "x" * 40} for n in range(120_000)]
    for part in range(4):
        glue.put(f"in/{part}.json", lines(rows[part::4]))
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database, "Table": "out"}
    nodes = {"src": jsonl(glue, "in"), "out": parquet(glue, "src", "out", PartitionKeys=[["k"]], SchemaChangePolicy=policy)}
    with Beside(glue.server):
        glue.run(glue.create(nodes))
    expected = {}
    for row in rows:
        expected.setdefault(VALUES[row["k"]], set()).add(row["n"])
    found = {}
    for key in glue.keys("out"):
        table = pq.read_table(io.BytesIO(glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read()))
        numbers = found.setdefault(key.split("/")[1].removeprefix("k="), [])
        numbers.extend(table["n"].to_pylist())
    assert {folder: sorted(numbers) for folder, numbers in found.items()} == {f: sorted(n) for f, n in expected.items()}
    count = lambda where: json.loads(glue.server.cli(
        "sql", f"SELECT count(*) AS n FROM {glue.database}.out WHERE {where}", "--json",
        "--output-location", f"s3://{glue.bucket}/results/").stdout)[0]["n"]
    assert count("k = 'same'") == len(expected["same"]) and count("k IS NULL") == len(expected[NOWHERE])
    assert count("k = 'a/b=c'") == len(expected["a%2Fb%3Dc"]) and count("k = '%'") == len(expected["%25"])


# Columns


COLUMNS, WIDE_ROWS = 3_000, 400


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_three_thousand_columns(small, kind):
    glue = small
    names = [f"c{n}" for n in range(COLUMNS)]
    value = lambda row, column: row * COLUMNS + column
    for part in range(2):
        rows = range(part * WIDE_ROWS // 2, (part + 1) * WIDE_ROWS // 2)
        if kind == "csv":
            text = ",".join(names) + "\n" + "".join(",".join(str(value(row, n)) for n in range(COLUMNS)) + "\n" for row in rows)
        else:
            text = lines({name: value(row, n) for n, name in enumerate(names)} for row in rows)
        glue.put(f"in/{part}.{kind}", text)
    policy = {"EnableUpdateCatalog": True, "Database": glue.database, "Table": "out"}
    source = csv(glue, "in") if kind == "csv" else jsonl(glue, "in")
    nodes = {"src": source, "out": parquet(glue, "src", "out", SchemaChangePolicy=policy)}
    with Watch(glue.server.process.pid) as watch, Beside(glue.server):
        glue.run(glue.create(nodes))
    found = glue.read("out")
    assert list(found.columns) == names and len(found) == WIDE_ROWS
    assert found.astype("int64").sort_values("c0").to_numpy().tolist() == [
        [value(row, n) for n in range(COLUMNS)] for row in range(WIDE_ROWS)]
    assert len(glue.client.get_table(DatabaseName=glue.database, Name="out")["Table"]["StorageDescriptor"]["Columns"]) == COLUMNS
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"


# Partitions


PARTITIONS = 1_000


def partitioned(glue, parts, rows):
    """Rows of which every file has some of every partition; their job."""
    body = lambda part: "id,k,a,b\n" + "".join(
        f"{part * rows + n},{n % PARTITIONS},{'ab' * 20},{n * 7919 % 100_003}\n" for n in range(rows))
    files(glue, ((f"{part:03}.csv", body(part)) for part in range(parts)), "in")
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database, "Table": "out"}
    return glue.create(
        {"src": csv(glue, "in"), "m": mapping("src", ("id", "id", "long"), ("k", "k", "int"), ("a", "a", "string"), ("b", "b", "long")),
         "out": parquet(glue, "m", "out", PartitionKeys=[["k"]], SchemaChangePolicy=policy)}, DefaultArguments=ENABLED)


@pytest.mark.parametrize(("parts", "rows"), [(8, 50_000), pytest.param(60, 200_000, marks=pytest.mark.soak)], ids=["some", "many"])
def test_a_thousand_partitions_in_bounded_memory(small, parts, rows):
    glue = small
    job = partitioned(glue, parts, rows)
    with Watch(glue.server.process.pid) as watch, Beside(glue.server):
        run = finish(glue, job)
    totals = glue.totals(run["Id"])
    assert totals["rows_out"] == parts * rows
    assert {key.split("/")[1] for key in glue.keys("out")} == {f"k={k}" for k in range(PARTITIONS)}
    answer = json.loads(glue.server.cli(
        "sql", f"SELECT count(*) AS n, sum(id) AS s, count(DISTINCT k) AS k FROM {glue.database}.out", "--json",
        "--output-location", f"s3://{glue.bucket}/results/").stdout)[0]
    total = parts * rows
    assert answer == {"n": total, "s": total * (total - 1) // 2, "k": PARTITIONS}
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"
    print(f"peak {watch.peak / MIB:.0f} MiB, {totals['files_out']} files")


# Files


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["some", "many"])
def test_many_tiny_files(small, count):
    glue = small
    files(glue, ((f"{n:06}.json", f'{{"n":{n},"half":{n / 2}}}\n') for n in range(count)), "in")
    job = glue.create({"src": jsonl(glue, "in"), "out": parquet(glue, "src", "out")}, DefaultArguments=ENABLED)
    with Watch(glue.server.process.pid) as watch, Beside(glue.server):
        finish(glue, job)
        found = glue.read("out")
        assert len(found) == count and found["n"].sum() == count * (count - 1) // 2
        glue.put("in/late.json", '{"n":-1,"half":0.5}\n')
        finish(glue, job)
    assert len(glue.read("out")) == count + 1, "the bookmark knows each of them"
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"
    print(f"peak {watch.peak / MIB:.0f} MiB")


PART_ROWS = 1_200_000  # some 62 MiB


def one_large_file(glue, copies):
    """An object of `copies` times the same rows behind one header. What is copied shares its bytes: it takes the room of one."""
    block = "".join(f"{n},{n % 100},{'ab' * 15} {n % 1_000},{n / 4}\n" for n in range(PART_ROWS)).encode()
    glue.put("block.csv", block)
    place = {"Bucket": glue.bucket, "Key": "in/large.csv"}
    upload = {**place, "UploadId": glue.s3.create_multipart_upload(**place)["UploadId"]}
    first = glue.s3.upload_part(**upload, PartNumber=1, Body=b"id,k,text,amount\n" + block)
    tags = [first["ETag"]]
    for number in range(2, copies + 1):
        source = {"Bucket": glue.bucket, "Key": "block.csv"}
        tags.append(glue.s3.upload_part_copy(**upload, PartNumber=number, CopySource=source)["CopyPartResult"]["ETag"])
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    glue.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    return glue.s3.head_object(**place)["ContentLength"]


@pytest.mark.parametrize("gigabytes", [0.2, pytest.param(20, marks=pytest.mark.soak)], ids=["some", "much"])
def test_one_large_file(small, gigabytes):
    glue = small
    copies = round(gigabytes * 1e9 / (62 * MIB)) + 1
    size = one_large_file(glue, copies)
    assert size > gigabytes * 1e9
    keep = {"Operation": "EQ", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["k"]}, {"Type": "CONSTANT", "Value": ["7"]}]}
    job = glue.create(
        {"src": csv(glue, "in"),
         "m": mapping("src", ("id", "id", "long"), ("k", "k", "int"), ("text", "text", "string"), ("amount", "amount", "double")),
         "f": {"Filter": {"Name": "f", "Inputs": ["m"], "LogicalOperator": "AND", "Filters": [keep]}},
         "out": parquet(glue, "f", "out")})
    with Watch(glue.server.process.pid) as watch, Beside(glue.server):
        run = finish(glue, job)
    totals = glue.totals(run["Id"])
    assert (totals["rows_in"], totals["bytes_in"]) == (copies * PART_ROWS, size)
    found = glue.read("out")
    one = [n for n in range(PART_ROWS) if n % 100 == 7]
    assert len(found) == copies * len(one) and found["id"].sum() == copies * sum(one)
    assert found["amount"].sum() == copies * sum(one) / 4 and set(found["k"]) == {7}
    assert (found["id"].value_counts() == copies).all()
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"
    print(f"{size / 1e9:.1f} GB, {run['ExecutionTime']} s, peak {watch.peak / MIB:.0f} MiB")
