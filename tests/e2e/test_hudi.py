"""Apache Hudi tables: crawled, and read by exactly the files of their newest completed versions."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import name
from hudi_tables import META, HudiTable, oracle
from test_crawler import Crawl, columns
from test_jobs import Glue, jsonl
from test_open_tables import Lake, actions, fault, failure, make

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string()), ("day", pa.string())])


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


@pytest.fixture
def lake(crawl, tmp_path):
    return Mirror(crawl, tmp_path)


class Mirror(Lake):
    """What is gone from the folder goes from the bucket, too."""

    def sync(self):
        super().sync()
        there = {file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*")}
        for key in [key for key in self.sent if key not in there]:
            self.crawl.s3.delete_object(Bucket=self.crawl.bucket, Key=key)
            del self.sent[key]


def row(id, name, day="x"):
    return {"id": id, "name": name, "day": day}


def hudis(crawl, path="", **target):
    return {"HudiTargets": [{"Paths": [f"s3://{crawl.bucket}/{path}"], **target}]}


def queried(crawl, table, schema=SCHEMA):
    """The rows of a table, with the types of a schema."""
    names = ", ".join(f'"{field.name}"' for field in schema)
    rows = crawl.query(f'select {names} from "{crawl.database}"."{table}"')
    typed = [tuple(None if cell is None else int(cell) if pa.types.is_integer(field.type) else cell for cell, field in zip(found, schema)) for found in rows]
    return sorted(typed, key=repr)


def same(crawl, lake, table, catalog_name=None, schema=SCHEMA):
    """A query, Hudi's own native reader and the writer agree."""
    lake.sync()
    expected = sorted((tuple(r) for r in table.rows()), key=repr)
    assert oracle(table.folder, schema.names) == expected
    assert queried(crawl, catalog_name or table.folder.name, schema) == expected


@pytest.mark.parametrize("version", [6, 8])
@pytest.mark.parametrize("partitions, hive", [((), False), (("day",), False), (("day",), True)])
def test_a_history_reads_as_its_writer_knows_it(crawl, lake, version, partitions, hive):
    table = HudiTable(lake.folder / "shop" / "orders", SCHEMA, partitions, version, hive_style=hive)
    table.upsert([row(1, "a"), row(2, "b", "y"), row(3, "c")])
    lake.sync()
    make(crawl, hudis(crawl, "shop")).run()
    assert set(crawl.tables()) == {"orders"}, crawl.log()
    same(crawl, lake, table)
    table.upsert([row(1, "A"), row(4, "d", "z")], deletes=[3])
    same(crawl, lake, table)
    table.hang([row(2, "never", "y"), row(99, "new")])
    table.roll_back([row(1, "taken back"), row(98, "new")])
    same(crawl, lake, table)
    partition = {"()": "", "x": "x", "day=x": "day=x"}["()" if not partitions else "day=x" if hive else "x"]
    table.insert_overwrite(partition, [row(9, "n")])
    same(crawl, lake, table)
    table.upsert([row(9, "N"), row(10, "more")])
    table.clean()
    same(crawl, lake, table)
    table.archive(3)
    same(crawl, lake, table)
    if partitions:
        table.insert_overwrite(partition, [])
        same(crawl, lake, table)
        assert crawl.query(f'select count(*) from "{crawl.database}".orders where day = \'x\'') == [["0"]]
        assert crawl.query(f'select count(*) from "{crawl.database}".orders where day in (\'y\', \'z\')') == [[str(len(table.rows()))]]


def test_what_a_crawl_writes(crawl, lake):
    table = HudiTable(lake.folder / "t" / "Orders", SCHEMA, ["day"], hive_style=True)
    table.upsert([row(1, "a"), row(2, "b", "y")])
    lake.sync()
    make(crawl, hudis(crawl, "t/")).run()
    found = crawl.tables()["orders"]
    assert columns(found) == [(name, "string") for name in META] + [("id", "bigint"), ("name", "string")]
    assert [(k["Name"], k["Type"]) for k in found["PartitionKeys"]] == [("day", "string")]
    storage, parameters = found["StorageDescriptor"], found["Parameters"]
    assert storage["InputFormat"] == "org.apache.hudi.hadoop.HoodieParquetInputFormat"
    assert storage["OutputFormat"] == "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    serde = storage["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    assert serde["Parameters"]["hoodie.query.as.ro.table"] == "false"
    assert serde["Parameters"]["path"] == storage["Location"] == f"s3://{crawl.bucket}/t/Orders/"
    assert parameters["spark.sql.sources.provider"] == "hudi" and parameters["classification"] == "hudi"
    assert parameters["UPDATED_BY_CRAWLER"] == crawl.name and crawl.partitions("orders") == []
    assert "it is read as Parquet: the newest completed version of each file, without time travel" in crawl.log()
    assert "WARN" not in crawl.log(), crawl.log()
    assert actions(crawl) == ["UNCHANGED"]
    table.upsert([row(3, "c")])
    lake.sync()
    assert actions(crawl) == ["STATISTICS"]
    # Columns of a newer file; older ones have none there.
    table.schema = SCHEMA.append(pa.field("extra", pa.int32()))
    table.upsert([{**row(4, "d", "z"), "extra": 7}])
    lake.sync()
    crawl.run()
    assert columns(crawl.tables()["orders"])[-2:] == [("name", "string"), ("extra", "int")]
    assert queried(crawl, "orders", table.schema) == table.rows()


def test_merge_on_read_is_read_by_its_base_files(crawl, lake):
    for version in (6, 8):
        table = HudiTable(lake.folder / f"v{version}" / "t", SCHEMA, ["day"], version, "MERGE_ON_READ")
        table.upsert([row(1, "a"), row(2, "b", "y")])
        lake.sync()
        crawl.name, crawl.database = name("crawler"), name("db")
        make(crawl, hudis(crawl, f"v{version}")).run()
        assert set(crawl.tables()) == {"t_ro"} and "WARN" not in crawl.log()
        same(crawl, lake, table, "t_ro")
        found = crawl.tables()["t_ro"]
        assert found["StorageDescriptor"]["SerdeInfo"]["Parameters"]["hoodie.query.as.ro.table"] == "true"
        # The real-time view, as Hudi's Hive sync registers it.
        storage = {**found["StorageDescriptor"], "InputFormat": "org.apache.hudi.hadoop.realtime.HoodieParquetRealtimeInputFormat"}
        storage["SerdeInfo"] = {**storage["SerdeInfo"], "Parameters": {"hoodie.query.as.ro.table": "false"}}
        given = {"Name": "t_rt", "StorageDescriptor": storage, "PartitionKeys": found["PartitionKeys"], "TableType": "EXTERNAL_TABLE"}
        crawl.glue.create_table(DatabaseName=crawl.database, TableInput=given)
        assert queried(crawl, "t_rt") == table.rows()
        table.log([row(1, "newer")])
        table.log([row(3, "only in a log", "z")], ("z", "f0000000-0000-0000-0000-000000000000-0"))
        lake.sync()
        assert queried(crawl, "t_ro") == table.rows()
        reason = failure(crawl, f'select * from "{crawl.database}".t_rt')
        assert "2 of its log files hold newer rows" in reason and "compact" in reason, reason
        crawl.run()
        assert "WARN : table t_ro: newer rows in 2 log files are not in it" in crawl.log()


def test_depth_exclusions_and_policies(crawl, lake):
    for path in ("a", "deep/b", "deep/er/c", "deep/skipped"):
        HudiTable(lake.folder / "wh" / path, SCHEMA).upsert([row(1, path)])
    lake.sync()
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    make(crawl, hudis(crawl, "wh", MaximumTraversalDepth=3, Exclusions=["deep/skipped"]), SchemaChangePolicy=policy).run()
    assert set(crawl.tables()) == {"a", "b"}
    crawl.glue.update_crawler(Name=crawl.name, Targets=hudis(crawl, "wh"))
    crawl.run()
    assert set(crawl.tables()) == {"a", "b", "c", "skipped"}
    for key in [key for key in lake.sent if key.startswith("wh/a/")]:
        crawl.s3.delete_object(Bucket=crawl.bucket, Key=key)
    # One that cannot be read is not gone.
    crawl.put("wh/deep/b/.hoodie/hoodie.properties", "hoodie.table.name=b\nhoodie.table.version=7\n")
    crawl.run()
    assert set(crawl.tables()) == {"b", "c", "skipped"}
    assert "version 7" in crawl.log()
    crawl.tenon.cli("crawl", crawl.name, "--undo")
    assert set(crawl.tables()) == {"a", "b", "c", "skipped"}


def test_hudi_targets_that_are_refused(crawl):
    for target, word in (
        ({"ConnectionName": "c"}, "ConnectionName"),
        ({"MaximumTraversalDepth": 21}, "MaximumTraversalDepth"),
        ({"Exclusions": ["[a"]}, "xclusion"),
    ):
        error = fault(
            crawl.glue.create_crawler, Name=crawl.name, Role="r", DatabaseName=crawl.database,
            Targets=hudis(crawl, "t/", **target),
        )
        assert word in error["Message"], error


@pytest.mark.parametrize(
    "partitions, types, hive, rows",
    [
        (["n"], ["int"], True, [{"id": 1, "n": 5}, {"id": 2, "n": None}]),
        (["n", "s"], ["int", "string"], False, [{"id": 1, "n": 5, "s": "a b"}, {"id": 2, "n": 6, "s": "a/c%"}]),
        (["s"], ["string"], False, [{"id": 1, "s": "asia/india"}, {"id": 2, "s": "europe"}]),
    ],
)
def test_values_of_partitions(crawl, lake, partitions, types, hive, rows):
    schema = pa.schema([("id", pa.int64()), ("n", pa.int32()), ("s", pa.string())])
    # A path of several folders is one value; in all others, a slash is encoded.
    table = HudiTable(lake.folder / "t", schema, partitions, hive_style=hive, encoded=partitions != ["s"])
    table.upsert(rows)
    lake.sync()
    make(crawl, hudis(crawl, "t")).run()
    keys = crawl.tables()["t"]["PartitionKeys"]
    assert [(k["Name"], k["Type"]) for k in keys] == list(zip(partitions, types))
    assert queried(crawl, "t", schema) == table.rows()
    first = partitions[-1]
    wanted = rows[0][first] if isinstance(rows[0][first], int) else "'" + rows[0][first] + "'"
    assert crawl.query(f'select id from "{crawl.database}".t where {first} = {wanted}') == [["1"]]


def test_paths_that_are_dates_are_text(crawl, lake):
    """A key generator of timestamps: the folder is not the column's value, and a single column takes the whole path."""
    properties = {"hoodie.table.keygenerator.class": "org.apache.hudi.keygen.TimestampBasedKeyGenerator", "hoodie.table.partition.fields": "at"}
    schema = pa.schema([("id", pa.int64()), ("at", pa.int64())])
    table = HudiTable(lake.folder / "t", schema, (), **properties)
    instant = table.begin("commit")
    rows = {"2026/01/02": [{"id": 1, "at": 1767312000}], "2026/01/03": [{"id": 2, "at": 1767398400}]}
    table.complete(instant, "commit", {path: [table.write(instant, path, f"f{n}-0", some)] for n, (path, some) in enumerate(rows.items())})
    lake.sync()
    make(crawl, hudis(crawl, "t")).run()
    assert [(k["Name"], k["Type"]) for k in crawl.tables()["t"]["PartitionKeys"]] == [("at", "string")]
    assert crawl.query(f'select id, at from "{crawl.database}".t order by id') == [["1", "2026/01/02"], ["2", "2026/01/03"]]


def test_what_is_not_sure_is_not_read(crawl, lake):
    table = HudiTable(lake.folder / "t", SCHEMA)
    table.upsert([row(1, "a")])
    lake.sync()
    make(crawl, hudis(crawl, "t")).run()
    sql = f'select * from "{crawl.database}".t'
    crawl.put("t/.hoodie/20270101000000000.restore.inflight", b"")
    assert "being restored" in failure(crawl, sql)
    crawl.run()
    assert "being restored" in crawl.log() and "t" in crawl.tables()
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/.hoodie/20270101000000000.restore.inflight")
    table.upsert([row(1, "b")])
    lake.sync()
    assert queried(crawl, "t") == table.rows()
    # Without its newest file the table is broken, not older.
    (newest,) = [file for file in table.folder.glob(f"*_{table.instants[-1][0]}.parquet")]
    crawl.s3.delete_object(Bucket=crawl.bucket, Key=f"t/{newest.name}")
    assert f"{newest.name}, which the completed instant" in failure(crawl, sql)
    crawl.put(f"t/{newest.name}", newest.read_bytes())
    crawl.put("t/part-0.parquet", newest.read_bytes())
    assert "part-0.parquet" in failure(crawl, sql)
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/part-0.parquet")
    # What a failed task of a completed commit has left is not named by it.
    crawl.put(f"t/left-0_0-2-0_{table.instants[-1][0]}.parquet", newest.read_bytes())
    assert queried(crawl, "t") == table.rows()
    crawl.put("t/.hoodie/.schema/20260101000001000.schemacommit", b'{"schemas": [{"fields": [{"id": 0, "name": "b"}]}, {"fields": [{"id": 0, "name": "a"}]}]}')
    assert "renamed" in failure(crawl, sql)


def test_tables_as_others_register_them(crawl, lake):
    table = HudiTable(lake.folder / "t", SCHEMA, ["day"])
    table.upsert([row(1, "a"), row(2, "b", "y")])
    table.upsert([row(1, "A")])
    lake.sync()
    crawl.glue.create_database(DatabaseInput={"Name": crawl.database})
    # As Athena's documentation makes one: told by its InputFormat alone.
    crawl.query(
        f"create external table `{crawl.database}`.athena (`_hoodie_commit_time` string, `id` bigint, `name` string) partitioned by (`day` string) "
        "row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' "
        "stored as inputformat 'org.apache.hudi.hadoop.HoodieParquetInputFormat' "
        "outputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat' "
        f"location 's3://{crawl.bucket}/t/'"
    )
    assert queried(crawl, "athena") == table.rows()
    # Without partition keys the columns are those of the files.
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    given = [{"Name": field.name, "Type": "bigint" if field.name == "id" else "string"} for field in SCHEMA]
    storage = {"Location": f"s3://{crawl.bucket}/t", "Columns": given, "SerdeInfo": serde}
    crawl.glue.create_table(
        DatabaseName=crawl.database,
        TableInput={"Name": "spark", "StorageDescriptor": storage, "Parameters": {"spark.sql.sources.provider": "HUDI"}},
    )
    assert queried(crawl, "spark") == table.rows()
    crawl.glue.create_table(
        DatabaseName=crawl.database,
        TableInput={
            "Name": "nowhere", "Parameters": {"spark.sql.sources.provider": "hudi"},
            "StorageDescriptor": {**storage, "Location": f"s3://{crawl.bucket}/none"},
        },
    )
    assert "there is no Hudi table" in failure(crawl, f'select * from "{crawl.database}".nowhere')


def test_jobs_read_hudi_tables_and_refuse_to_write_into_them(crawl, lake):
    table = HudiTable(lake.folder / "t", SCHEMA, ["day"])
    table.upsert([row(1, "a"), row(2, "b", "y")])
    table.upsert([row(1, "A")])
    table.hang([row(2, "never", "y")])
    lake.sync()
    make(crawl, hudis(crawl, "t")).run()
    jobs = Glue(crawl.tenon)
    source = {"Name": "src", "Database": crawl.database, "Table": "t"}
    picked = {"SelectFields": {"Name": "some", "Inputs": ["src"], "Paths": [["id"], ["name"], ["day"]]}}
    out = {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["some"], "Path": jobs.path("out")}}
    jobs.run(jobs.create({"src": {"CatalogSource": source}, "some": picked, "out": out}))
    assert sorted(jobs.rows("out")) == table.rows()
    chosen = {"S3CatalogSource": {**source, "PartitionPredicate": "day = 'x'"}}
    assert "PartitionPredicate" in jobs.fails(jobs.create({"src": chosen, "some": picked, "out": out}))
    jobs.put("in/a.json", b'{"id": 2}')
    into = {"S3CatalogTarget": {"Name": "out", "Inputs": ["in"], "Database": crawl.database, "Table": "t"}}
    assert "open format hudi" in jobs.fails(jobs.create({"in": jsonl(jobs, "in"), "out": into}))
    assert queried(crawl, "t") == table.rows()


def test_a_hudi_table_below_an_s3_target_is_left_out(crawl, lake):
    HudiTable(lake.folder / "x" / "h", SCHEMA).upsert([row(1, "a")])
    (lake.folder / "x" / "p").mkdir()
    pq.write_table(pa.table({"n": [1]}), lake.folder / "x" / "p" / "a.parquet")
    lake.sync()
    crawl.create("x/").run()
    assert set(crawl.tables()) == {"p"}
    assert "Give it to a crawler as a HudiTarget" in crawl.log()
