"""How many files targets of visual jobs write, at what size they end, and in what order their rows are."""

import hashlib
import io
import json

import pyarrow.parquet as pq
import pytest

from test_iceberg import rest
from test_job_iceberg import direct
from test_jobs import Glue, jsonl

MIB = 1 << 20


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def texts(count):
    """Rows that no codec makes much smaller."""
    return "\n".join(json.dumps({"id": id, "text": hashlib.sha512(str(id).encode()).hexdigest()}) for id in range(count))


def parquet(glue, source, folder, **members):
    return {"S3GlueParquetTarget": {"Name": folder, "Inputs": [source], "Path": glue.path(folder), **members}}


def files(glue, folder):
    """Key → size and table of each Parquet file."""
    found = {}
    for key in glue.keys(folder):
        if key.endswith(".parquet"):
            body = glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read()
            found[key] = (len(body), pq.read_table(io.BytesIO(body)))
    return found




def test_files_end_at_the_size_that_was_asked_for(glue):
    glue.put("src/a.json", texts(60_000))
    glue.run(glue.create({"src": jsonl(glue, "src"), "one": parquet(glue, "src", "one")}))
    assert len(files(glue, "one")) <= 4
    job = glue.create({"src": jsonl(glue, "src"), "many": parquet(glue, "src", "many"),
                       "counted": parquet(glue, "src", "counted", NumberTargetPartitions="1")})
    glue.run(job, Arguments={"--target-file-size": str(MIB)})
    sizes = [size for size, _ in files(glue, "many").values()]
    assert len(sizes) > 4 and max(sizes) < 2 * MIB, sizes
    assert sum(table.num_rows for _, table in files(glue, "many").values()) == 60_000
    # A number of files counts more.
    assert len(files(glue, "counted")) == 1
    for wrong in ("64MB", str(MIB - 1)):
        with pytest.raises(glue.client.exceptions.InvalidInputException, match="--target-file-size .* is not a whole number of bytes"):
            glue.start(job, Arguments={"--target-file-size": wrong})


def test_the_node_counts_more_than_the_run_and_that_more_than_the_table(glue):
    glue.put("src/a.json", texts(60_000))
    nodes = {"src": jsonl(glue, "src"), "t": direct(glue, "src", "t")}
    glue.run(glue.create(nodes))

    def written(job, **arguments):
        before = set(files(glue, "t"))
        glue.run(job, Arguments=arguments)
        return len(set(files(glue, "t")) - before)

    with rest(glue.server, f"s3://{glue.bucket}/wh").load_table((glue.database, "t")).transaction() as change:
        change.set_properties(**{"write.target-file-size-bytes": str(MIB)})
    job = glue.create(nodes)
    by_table = written(job)
    assert by_table > 4
    assert written(job, **{"--target-file-size": str(128 * MIB)}) < by_table
    options = {"target-file-size-bytes": str(MIB)}
    node = glue.create({"src": jsonl(glue, "src"), "t": direct(glue, "src", "t", AdditionalOptions=options)})
    assert written(node, **{"--target-file-size": str(128 * MIB)}) == by_table
    with pytest.raises(glue.client.exceptions.InvalidInputException, match="target-file-size-bytes 1 is not a whole number"):
        glue.create({"src": jsonl(glue, "src"), "t": direct(glue, "src", "t", AdditionalOptions={"target-file-size-bytes": "1"})})


def test_a_thousand_partitions_get_about_a_file_each(glue):
    glue.put("src/a.json", "\n".join(json.dumps({"id": id, "part": f"p{id % 1000}"}) for id in range(100_000)))
    target = parquet(glue, "src", "out", PartitionKeys=[["part"]])
    glue.run(glue.create({"src": jsonl(glue, "src"), "out": target}))
    assert 1000 <= len(glue.keys("out")) < 1500
    assert sum(table.num_rows for _, table in list(files(glue, "out").values())) == 100_000


def test_rows_in_order_stay_in_order_within_each_file(glue):
    for number in range(4):
        glue.put(f"src/{number}.json", "\n".join(
            json.dumps({"id": (id * 7919) % 20_011, "part": f"p{id % 3}"}) for id in range(5_000 * number, 5_000 * number + 5_000)))
    sql = {"SparkSQL": {"Name": "sql", "Inputs": ["src"], "SqlQuery": "SELECT * FROM rows ORDER BY id DESC",
                        "SqlAliases": [{"From": "src", "Alias": "rows"}]}}
    glue.run(glue.create({"src": jsonl(glue, "src"), "sql": sql, "flat": parquet(glue, "sql", "flat"),
                          "parts": parquet(glue, "sql", "parts", PartitionKeys=[["part"]])}))
    for folder in ("flat", "parts"):
        found = files(glue, folder)
        assert sum(table.num_rows for _, table in found.values()) == 20_000
        for key, (_, table) in found.items():
            ids = table["id"].to_pylist()
            assert ids == sorted(ids, reverse=True), key
