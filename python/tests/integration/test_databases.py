"""Tables of databases in scripts: the server reads them."""

import datetime
import decimal
import json
import pathlib
import shutil
import sys
import tempfile

import pytest
from shared import ROOT, name, servers

sys.path.append(str(ROOT / "tests/e2e"))

from mariadb import PASSWORD, MariaDb  # noqa: E402
from postgres import Postgres  # noqa: E402

from awsglue._bookmarks import Bookmarks, Loaded  # noqa: E402
from awsglue.errors import BookmarkError, DataError, NotBuilt  # noqa: E402


@pytest.fixture(scope="module")
def postgres():
    # Not below the test's own folder, which other users may not enter.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-pg-"))
    server = Postgres(folder).start_on_loopback()
    server.sql("CREATE DATABASE shop")
    server.sql(
        "CREATE TABLE kinds (n int, b bigint, p numeric(12,3), t text, d double precision, day date, at timestamp, "
        "z timestamptz, f boolean, y bytea)",
        "INSERT INTO kinds VALUES (-5, 9007199254740993, 1234.500, 'it''s ü\\ ', 0.1, '2026-02-28', "
        "'2026-02-28 23:59:59.123456', '2026-03-01 01:00:00+02', true, '\\x00ff')", "INSERT INTO kinds VALUES (1)",
        "CREATE TABLE many AS SELECT n AS id, 'v' || n AS v FROM generate_series(1, 20000) n",
        "CREATE TABLE none (id int, v text)",
        "CREATE SCHEMA \"My.Schema\"", "CREATE TABLE \"My.Schema\".\"T\" (\"Id\" int)", "INSERT INTO \"My.Schema\".\"T\" VALUES (4)",
        "CREATE TABLE log (day date, id int, v text)", "INSERT INTO log VALUES ('2026-01-01', 1, 'a'), ('2026-01-02', 9, 'b')",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", "GRANT USAGE ON SCHEMA \"My.Schema\" TO tester",
        "GRANT SELECT ON \"My.Schema\".\"T\" TO tester", database="shop")
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def login(postgres):
    return {"url": postgres.jdbc("shop"), "user": "tester", "password": PASSWORD}


@pytest.fixture
def connection(tenon, login):
    own = name("conn")
    tenon.client("glue").create_connection(ConnectionInput={
        "Name": own, "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": login["url"], "USERNAME": "tester", "PASSWORD": PASSWORD}})
    return own


def test_values_come_as_they_are(glue_context, login):
    read = glue_context.create_dynamic_frame.from_options
    frame = read("postgresql", {**login, "dbtable": "kinds"})
    assert [(field.name, field.dataType.typeName()) for field in frame.schema()] == [
        ("n", "int"), ("b", "long"), ("p", "decimal"), ("t", "string"), ("d", "double"), ("day", "date"), ("at", "timestamp"),
        ("z", "timestamp"), ("f", "boolean"), ("y", "binary")]
    rows = {row["n"]: row for row in frame.toDF().collect()}
    row = rows[-5]
    assert (row["b"], row["p"], row["t"], row["d"]) == (9007199254740993, decimal.Decimal("1234.500"), "it's ü\\ ", 0.1)
    assert (row["day"], row["f"], bytes(row["y"])) == (datetime.date(2026, 2, 28), True, b"\x00\xff")
    assert str(row["at"]).startswith("2026-02-28 23:59:59.123456") and str(row["z"]).startswith("2026-02-28 23:00:00")
    assert len(rows) == 2 and rows[1]["t"] is None
    # What is there when it is read: frames are computed again for every action, and must not change.
    assert frame.count() == 2 == frame.filter(lambda r: r["n"] < 5).count()


def test_ways_to_name_a_table(glue_context, login, connection):
    read = glue_context.create_dynamic_frame.from_options
    named = {"useConnectionProperties": "true", "connectionName": connection}
    assert read("postgresql", {**named, "dbtable": "public.many"}).count() == 20000
    parts = read(connection_type="postgresql", connection_options={**login, "dbtable": "many", "hashfield": "id", "hashpartitions": "5"})
    assert sorted(row["id"] for row in parts.toDF().select("id").collect()) == list(range(1, 20001))
    frame = read("postgresql", {**named, "dbtable": '"My.Schema"."T"'})
    assert [row.asDict() for row in frame.toDF().collect()] == [{"Id": 4}]
    source = glue_context.getSource("postgresql", dbtable="many", transformation_ctx="x", **login)
    assert source.getFrame().count() == 20000
    conf = glue_context.extract_jdbc_conf(connection)
    again = {"url": conf["fullUrl"], "user": conf["user"], "password": conf["password"], "dbtable": "none"}
    empty = read("postgresql", again)
    assert empty.count() == 0 and empty.toDF().columns == ["id", "v"]
    assert glue_context.create_data_frame.from_options("postgresql", again).schema.names == ["id", "v"]


def test_tables_of_the_catalog(glue_context, data, connection):
    def table(own, place, columns, **parameters):
        data.glue.create_table(DatabaseName=data.database, TableInput={
            "Name": own, "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "postgresql", "connectionName": connection, **parameters},
            "StorageDescriptor": {"Location": place, "Columns": [{"Name": n, "Type": t} for n, t in columns]}})

    table("many", "shop.public.many", [("id", "bigint"), ("v", "string")], hashfield="id", hashpartitions="3")
    frame = glue_context.create_dynamic_frame.from_catalog(database=data.database, table_name="many")
    assert frame.schema().getField("id").dataType.typeName() == "long" and frame.count() == 20000
    with pytest.raises(DataError, match="no partition keys"):
        glue_context.create_dynamic_frame.from_catalog(data.database, "many", push_down_predicate="id > 5")
    table("expression", "shop.public.many", [("id", "int")], hashexpression="id % 5")
    with pytest.raises(NotBuilt, match="hashexpression"):
        glue_context.create_dynamic_frame.from_catalog(data.database, "expression")
    table("gone", "shop.public.gone", [("id", "int")])
    with pytest.raises(DataError, match="there is no such table"):
        glue_context.create_dynamic_frame.from_catalog(data.database, "gone")
    with pytest.raises(NotBuilt):
        glue_context.write_dynamic_frame.from_catalog(frame, data.database, "many")


class Kept:
    """Bookmarks in memory."""

    def __init__(self):
        self.version, self.state = 0, {}

    def load(self, job, between):
        return Loaded(self.version, False, json.loads(json.dumps(self.state)))

    def commit(self, job, version, read):
        assert version == self.version
        for context, items in read.items():
            self.state.setdefault(context, {}).update({item.url: item.etag for item in items.values()})
        self.version += 1
        return self.version


def test_bookmarks_read_what_comes_after(glue_context, postgres, login, monkeypatch):
    kept = Kept()

    def run(commit=True, **options):
        monkeypatch.setattr(glue_context, "_bookmarks", Bookmarks(kept, "job"))
        given = {**login, "dbtable": "log", **options}
        frame = glue_context.create_dynamic_frame.from_options("postgresql", given, transformation_ctx="log")
        rows = sorted(row["v"] for row in frame.toDF().collect())
        if commit:
            glue_context._bookmarks.commit()
        return rows

    keys = {"jobBookmarkKeys": ["Day", "id"], "jobBookmarkKeysSortOrder": "asc"}
    assert run(commit=False, **keys) == ["a", "b"]
    assert run(**keys) == ["a", "b"] and run(**keys) == []
    # 10 is more than 9, and less than it as text.
    postgres.sql("INSERT INTO log VALUES ('2026-01-02', 10, 'c'), ('2026-01-01', 50, 'late')", database="shop")
    assert run(**keys) == ["c"] and run(**keys) == []
    postgres.sql("INSERT INTO log VALUES ('2026-01-03', 1, 'd')", database="shop")
    assert run(jobBookmarkKeys="id", jobBookmarkKeysSortOrder="desc") == ["a", "b", "c", "d", "late"]
    assert run(**keys) == ["d"], "other keys are another bookmark"
    with pytest.raises(BookmarkError, match="log has no primary key"):
        run()
    with pytest.raises(DataError, match="no column 'nope'; there are day, id, v"):
        run(jobBookmarkKeys=["nope"])
    postgres.sql("ALTER TABLE log ADD COLUMN word text", "UPDATE log SET word = v", "ALTER TABLE log ADD PRIMARY KEY (word)",
                 database="shop")
    with pytest.raises(BookmarkError, match="has the primary key word"):
        run()
    postgres.sql("ALTER TABLE log DROP CONSTRAINT log_pkey", "ALTER TABLE log ADD PRIMARY KEY (day, id)", database="shop")
    with pytest.raises(BookmarkError, match="has the primary key day, id"):
        run()
    postgres.sql("ALTER TABLE log DROP CONSTRAINT log_pkey", "ALTER TABLE log ADD COLUMN n serial PRIMARY KEY", database="shop")
    assert len(run()) == 5 and run() == []
    postgres.sql("INSERT INTO log VALUES ('2026-01-01', 1, 'new', 'new')", database="shop")
    assert run() == ["new"] and run() == []
    # Without a context there is no bookmark, as for files.
    frame = glue_context.create_dynamic_frame.from_options("postgresql", {**login, "dbtable": "log"})
    assert frame.count() == 6


def test_mysql_is_read_too(glue_context, tenon, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        statements = ("CREATE DATABASE shop;\nCREATE TABLE shop.orders (id INT PRIMARY KEY, amount DECIMAL(8,2), at DATETIME);\n"
                      "INSERT INTO shop.orders VALUES (1, 2.50, '2026-01-02 03:04:05'), (2, NULL, NULL);\n"
                      "GRANT SELECT ON shop.* TO tester@'%';\n")
        server = MariaDb(pathlib.Path(folder), statements).start(servers.wait_until)
        try:
            options = {"url": f"jdbc:mysql://127.0.0.1:{server.port}/shop", "user": "tester", "password": PASSWORD}
            frame = glue_context.create_dynamic_frame.from_options("mysql", {**options, "dbtable": "orders"})
            rows = {row["id"]: row for row in frame.toDF().collect()}
            assert rows[1]["amount"] == decimal.Decimal("2.50") and str(rows[1]["at"]).startswith("2026-01-02 03:04:05")
            assert rows[2]["amount"] is None
            kept = Kept()
            for expected in (2, 0):
                monkeypatch.setattr(glue_context, "_bookmarks", Bookmarks(kept, "job"))
                read = glue_context.create_dynamic_frame.from_options
                assert read("mysql", {**options, "dbtable": "orders"}, transformation_ctx="o").count() == expected
                glue_context._bookmarks.commit()
            with pytest.raises(DataError, match="the connection type is postgresql, but the address is one of MySQL"):
                glue_context.create_dynamic_frame.from_options("postgresql", {**options, "dbtable": "orders"})
        finally:
            server.stop()


def test_what_cannot_be_read_or_written_is_said(glue_context, login, data):
    read = glue_context.create_dynamic_frame.from_options
    for options, why in [({"dbtable": "(select 1) x"}, "a query as dbtable"), ({"dbtable": "many", "hashexpression": "id"}, "hashexpression"),
                         ({"dbtable": "many", "sampleQuery": "select 1"}, "sampleQuery")]:
        with pytest.raises(NotBuilt, match=why):
            read("postgresql", {**login, **options})
    for options, why in [({}, "dbtable"), ({"dbtable": "nope"}, "no such table"), ({"dbtable": "many", "password": "hunter2"}, "password"),
                         ({"dbtable": "many", "hashfield": "id", "hashpartitions": 1000}, "1 to 64")]:
        with pytest.raises(DataError, match=why) as raised:
            read("postgresql", {**login, **options})
        assert "hunter2" not in str(raised.value) and PASSWORD not in str(raised.value)
    with pytest.raises(DataError, match="connection none"):
        read("mysql", {"useConnectionProperties": "true", "connectionName": "none", "dbtable": "x"})
    with pytest.raises(NotBuilt, match="'oracle'"):
        read("oracle", {**login, "dbtable": "x"})
    frame = read("postgresql", {**login, "dbtable": "many"})
    for write in (lambda: glue_context.write_dynamic_frame.from_options(frame, "postgresql", {**login, "dbtable": "x"}),
                  lambda: glue_context.write_dynamic_frame.from_jdbc_conf(frame, "x", {"dbtable": "x", "database": "shop"}),
                  lambda: glue_context.getSink("postgresql", **login)):
        with pytest.raises(NotBuilt, match="does not write them"):
            write()


def test_a_generated_script_reads_what_the_engine_reads(tenon, data, connection, run_script):
    source = {"Name": "s", "Database": "shop", "Table": '"My.Schema"."T"', "ConnectionName": connection,
              "ConnectionType": "postgresql"}
    for of in ("engine", "script"):
        target = {"Name": "o", "Inputs": ["s"], "Path": data.url(f"{of}/"), "Compression": "snappy"}
        data.glue.create_job(Name=f"{connection}-{of}", Role="r", Command={"Name": "glueetl"}, CodeGenConfigurationNodes={
            "s": {"DirectJDBCSource": source}, "o": {"S3GlueParquetTarget": target}})
    tenon.cli("job", "run", f"{connection}-engine", "--watch")
    run_script(tenon.cli("job", "script", f"{connection}-script").stdout, "--JOB_NAME", "x")
    assert data.parquet("script/") == data.parquet("engine/") == [{"Id": 4}]
