"""Sail (Spark Connect without Java) with our Glue API as its catalog, on tables that a crawler made."""

import io
import json
import pathlib
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet
import pytest

from conftest import name, wait_until

DAYS = (1, 2)


@pytest.fixture(scope="module")
def lake(tenon):
    """A database, named like its bucket, with tables `pq`, `js`, `quoted`, `bare` and `plain` by a crawler."""
    s3, glue = tenon.client("s3"), tenon.client("glue")
    bucket = tenon.bucket("sail")
    made = name("sail")
    for day in DAYS:
        table = pa.table({"id": [day, day + 10], "word": ["a", "é, 'x'"], "price": [1.5, None]})
        parquet = io.BytesIO()
        pyarrow.parquet.write_table(table, parquet)
        files = {
            "pq/day={}/x.parquet": parquet.getvalue(),
            "js/day={}/x.json": "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode(),
            "quoted/day={}/x.csv": f'id,word\n{day},a\n{day + 10},"b, c"\n'.encode(),
            "bare/day={}/x.csv": f'{day},"x, y",1.5\n{day + 10},"b, c",2.5\n'.encode(),
            "plain/day={}/x.csv": f"id;word\n{day};a\n{day + 10};b\n".encode(),
        }
        for key, body in files.items():
            s3.put_object(Bucket=bucket, Key=key.format(day), Body=body)
    glue.create_database(DatabaseInput={"Name": made, "Description": "for Sail"})
    glue.create_crawler(Name=made, Role="r", DatabaseName=made, Targets={"S3Targets": [{"Path": f"s3://{bucket}/"}]})
    glue.start_crawler(Name=made)
    wait_until(lambda: glue.get_crawler(Name=made)["Crawler"]["State"] == "READY", "the crawl to end")
    return made


def sail(tenon, *statements):
    """The answers to statements, each a list of rows or an error."""
    environment = {
        **tenon.environ(),
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "SAIL_CATALOG__LIST": f'[{{type="glue", name="sail", region="us-east-1", endpoint_url="{tenon.endpoint}"}}]',
        "PYTHONWARNINGS": "ignore",
    }
    script = pathlib.Path(__file__).with_name("sail.py")
    done = subprocess.run(
        [sys.executable, str(script)], input=json.dumps(statements), env=environment, capture_output=True, text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def change(glue, database, table, **parameters):
    """Adds parameters to a table."""
    keep = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    found = glue.get_table(DatabaseName=database, Name=table)["Table"]
    changed = {key: value for key, value in found.items() if key in keep}
    changed["Parameters"].update(parameters)
    glue.update_table(DatabaseName=database, TableInput=changed)


def test_crawled_tables_are_read(tenon, lake):
    found, shown, pq, by_day, js, joined, bare = sail(
        tenon,
        "SHOW DATABASES",
        f"SHOW TABLES IN sail.{lake}",
        f"SELECT id, word, price, day FROM sail.{lake}.pq ORDER BY id",
        f"SELECT count(*), sum(id) FROM sail.{lake}.pq WHERE day = '2'",
        f"SELECT id, word, price, day FROM sail.{lake}.js ORDER BY id",
        f"SELECT p.id, j.word FROM sail.{lake}.pq p JOIN sail.{lake}.js j ON p.id = j.id ORDER BY 1",
        f"SELECT * FROM sail.{lake}.bare ORDER BY 1",
    )
    assert lake in [row[0] for row in found["rows"]]
    assert {row[1] for row in shown["rows"]} == {"pq", "js", "quoted", "bare", "plain"}
    rows = [[1, "a", 1.5, "1"], [2, "a", 1.5, "2"], [11, "é, 'x'", None, "1"], [12, "é, 'x'", None, "2"]]
    assert pq["rows"] == rows and js["rows"] == rows
    assert by_day["rows"] == [[2, 14]]
    assert joined["rows"] == [[row[0], row[1]] for row in rows]
    assert bare["rows"] == [[1, "x, y", 1.5, "1"], [2, "x, y", 1.5, "2"], [11, "b, c", 2.5, "1"], [12, "b, c", 2.5, "2"]]


def test_text_tables_are_read_with_parameters_of_spark(tenon, lake):
    """Sail 0.7 takes no notice of the SerDe's parameters and of `skip.header.line.count`, and of LazySimpleSerDe at all;
    it reads Spark's own parameters. A crawler does not write those: Apache Spark would take `spark.sql.sources.provider`
    for the sign to read the files without the SerDe, header and all."""
    glue = tenon.client("glue")
    quoted = f"SELECT * FROM sail.{lake}.quoted ORDER BY id"
    plain = f"SELECT * FROM sail.{lake}.plain ORDER BY id"
    before = sail(tenon, quoted, plain)
    assert all("error" in answer for answer in before), "it never reads them wrongly"
    change(glue, lake, "quoted", **{"option.header": "true", "option.escape": '"'})
    change(glue, lake, "plain", **{"spark.sql.sources.provider": "csv", "option.header": "true", "option.sep": ";"})
    quoted_after, plain_after = sail(tenon, quoted, f"SELECT id, word FROM sail.{lake}.plain ORDER BY id")
    assert quoted_after["rows"] == [[1, "a", "1"], [2, "a", "2"], [11, "b, c", "1"], [12, "b, c", "2"]]
    assert plain_after["rows"] == [[1, "a"], [2, "a"], [11, "b"], [12, "b"]]
    # The parameters do no harm here: our own queries read the tables as before.
    bucket = tenon.bucket("results")
    for table in ("quoted", "plain"):
        answer = tenon.cli("sql", "--json", "--database", lake, "--output-location", f"s3://{bucket}/", f"SELECT count(*) FROM {table}", check=False)
        assert answer.returncode == 0, answer.stderr
        assert "4" in answer.stdout


def test_what_sail_makes_is_ours(tenon, lake):
    made, empty, rows = sail(
        tenon,
        f"CREATE TABLE sail.{lake}.made (id INT, word STRING) USING parquet LOCATION 's3://{tenon.bucket('made')}/t/'",
        f"INSERT INTO sail.{lake}.made VALUES (1, 'a'), (2, 'b')",
        f"SELECT * FROM sail.{lake}.made ORDER BY id",
    )
    assert "error" not in made, made
    table = tenon.client("glue").get_table(DatabaseName=lake, Name="made")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [("id", "int"), ("word", "string")]
    assert "error" not in empty, empty
    assert rows["rows"] == [[1, "a"], [2, "b"]]
