"""Tables of databases in scripts: the server reads and writes them."""

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
from awsglue.dynamicframe import DynamicFrameCollection  # noqa: E402
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
    with pytest.raises(DataError, match="permission denied"):
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


def test_mysql_is_read_and_written_too(glue_context, tenon, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        statements = ("CREATE DATABASE shop;\nCREATE TABLE shop.orders (id INT PRIMARY KEY, amount DECIMAL(8,2), at DATETIME);\n"
                      "INSERT INTO shop.orders VALUES (1, 2.50, '2026-01-02 03:04:05'), (2, NULL, NULL);\n"
                      "CREATE TABLE shop.copy (id INT PRIMARY KEY, amount DECIMAL(8,2), note TEXT) ENGINE = InnoDB;\n"
                      "GRANT ALL ON shop.* TO tester@'%';\n")
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
            monkeypatch.setattr(glue_context, "_bookmarks", None)
            write, frame = glue_context.write_dynamic_frame.from_options, frame.drop_fields(["at"])
            write(frame, "mysql", {**options, "dbtable": "copy", "preactions": "INSERT INTO copy VALUES (5, 1, 'kept?')",
                                   "postactions": "UPDATE copy SET note = 'new' WHERE note IS NULL; DELETE FROM copy WHERE id = 2"})
            assert sorted(server.rows("SELECT id, amount, note FROM copy")) == ["1|2.50|new", "5|1.00|kept?"]
            with pytest.raises(DataError, match="Duplicate entry"):
                write(frame, "mysql", {**options, "dbtable": "copy", "preactions": "DELETE FROM copy WHERE id = 5"})
            assert len(server.rows("SELECT id FROM copy")) == 2
            # A table that is missing is made, which commits what came before.
            write(frame, "mysql", {**options, "dbtable": "made", "preactions": "DELETE FROM copy"})
            assert sorted(server.rows("SELECT * FROM made")) == ["1|2.50", "2|NULL"] and server.rows("SELECT id FROM copy") == []
            write(frame, "mysql", {**options, "dbtable": "made", "preactions": "TRUNCATE TABLE made; CREATE TABLE other (a INT)"})
            assert len(server.rows("SELECT * FROM made")) == 2
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
    writer = glue_context.write_dynamic_frame
    collection = DynamicFrameCollection({"one": frame}, glue_context)
    for write, why in (
            (lambda: writer.from_options(frame, "oracle", {**login, "dbtable": "x"}), "'oracle'"),
            (lambda: writer.from_options(frame, "postgresql", {**login, "dbtable": "x", "secretId": "s"}), "secretId"),
            (lambda: writer.from_options(frame, "postgresql", {**login, "dbtable": "x", "mode": "overwrite"}), "'mode'"),
            (lambda: writer.from_jdbc_conf(frame, "x", {"dbtable": "(select 1)"}), "a query as dbtable"),
            (lambda: glue_context.write_from_jdbc_conf(collection, "x", {"dbtable": "x"}), "a collection"),
            (lambda: glue_context.getSink("postgresql", **login, dbtable="x").write(collection), "a collection")):
        with pytest.raises(NotBuilt, match=why):
            write()
    for write, why in (
            (lambda: writer.from_options(frame, "postgresql", login), "dbtable"),
            (lambda: writer.from_options(frame, "postgresql", {"dbtable": "x"}), "connectionName"),
            (lambda: writer.from_jdbc_conf(frame, "none", {"dbtable": "x"}), "connection none"),
            (lambda: writer.from_options(frame, "mysql", {**login, "dbtable": "x"}), "the connection type is mysql, but")):
        with pytest.raises(DataError, match=why):
            write()


@pytest.fixture
def writable(postgres):
    """A database that `tester` may make tables in."""
    own = name("db")
    postgres.sql(f"CREATE DATABASE {own} OWNER tester")
    postgres.sql("ALTER SCHEMA public OWNER TO tester", database=own)
    return own


def test_rows_are_added_with_statements_around_them(glue_context, postgres, login, connection, data, writable):
    def rows(query):
        return postgres.rows(query, database=writable)

    place = {**login, "url": postgres.jdbc(writable)}
    data.put("in/a.json", '{"id": 1, "v": "a\\tb\\\\", "p": 1.5, "ok": true}\n{"id": 2}\n')
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("in/")]}, "json")
    writer = glue_context.write_dynamic_frame
    assert writer.from_options(frame, "postgresql", {**place, "dbtable": "made"}) is frame
    assert rows("SELECT id, replace(v, chr(9), '<tab>'), p, ok FROM made ORDER BY id") == ["1|a<tab>b\\|1.5|t", "2|||"]
    writer.from_options(frame=frame, connection_type="postgresql", connection_options={**place, "dbtable": "public.made"})
    assert rows("SELECT count(*) FROM made") == ["4"]
    # Another database behind the connection; a table that the statements make, with columns that the frame lacks.
    writer.from_jdbc_conf(frame, connection, {
        "dbtable": "staged", "database": writable,
        "preactions": "CREATE TABLE IF NOT EXISTS staged (n serial, id smallint, v text, p double precision, ok boolean, d date DEFAULT '2026-01-02');"
                      "DELETE FROM staged",
        "postactions": "UPDATE staged SET v = 'none' WHERE v IS NULL; CREATE TABLE done AS SELECT count(*) AS n FROM staged;"})
    assert rows("SELECT id, length(v), d FROM staged ORDER BY id") == ["1|4|2026-01-02", "2|4|2026-01-02"]
    assert rows("SELECT n FROM done") == ["2"]
    glue_context.getSink("postgresql", **place, dbtable="made").writeFrame(frame)
    glue_context.write_data_frame.from_options(frame.toDF(), "postgresql", {**place, "dbtable": "made"})
    assert rows("SELECT count(*) FROM made") == ["8"]
    empty = frame.filter(lambda r: r["id"] > 5)
    writer.from_options(empty, "postgresql", {**place, "dbtable": "made", "preactions": "TRUNCATE made"})
    assert rows("SELECT count(*) FROM made") == ["0"]
    # What was handed over is gone.
    account = data.tenon.client("sts").get_caller_identity()["Account"]

    def handed_over():
        return data.s3.list_objects_v2(Bucket=f"aws-glue-assets-{account}-us-east-1", Prefix="temporary/database")["KeyCount"]

    before = handed_over()
    writer.from_options(frame, "postgresql", {**place, "dbtable": "made"})
    assert handed_over() == before


def test_what_statements_before_set_and_make_counts_for_their_own(glue_context, postgres, login, data, writable):
    place = {**login, "url": postgres.jdbc(writable)}
    data.put("in/a.json", '{"id": 1, "v": "é€"}\n')
    frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url("in/")]}, "json")
    write = glue_context.write_dynamic_frame.from_options
    write(frame, "postgresql", {**place, "dbtable": "texts", "preactions":
                                "SET client_encoding = 'LATIN1'; SET TIME ZONE 'Asia/Tokyo'; CREATE TABLE texts (id int, v varchar(2))"})
    assert postgres.rows("SELECT v FROM texts", database=writable) == ["é€"]
    # Rows go into a temporary table, from which others are made.
    write(frame, "postgresql", {**place, "dbtable": "fresh", "preactions": "CREATE TEMP TABLE fresh (id int, v text)",
                                "postactions": "CREATE TABLE merged AS SELECT id + 1 AS id, v FROM fresh"})
    assert postgres.rows("SELECT id, v FROM merged", database=writable) == ["2|é€"]
    assert postgres.rows("SELECT count(*) FROM pg_tables WHERE tablename = 'fresh'", database=writable) == ["0"]


def test_a_write_that_fails_leaves_nothing(glue_context, postgres, login, data, writable):
    postgres.sql("CREATE TABLE kept (id smallint PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v varchar(3))",
                 "INSERT INTO kept VALUES (9, 'old')", "GRANT ALL ON kept TO tester", database=writable)
    place = {**login, "url": postgres.jdbc(writable), "dbtable": "kept"}

    def fails(lines, why, **options):
        folder = name("bad")
        data.put(f"{folder}/a.json", lines)
        frame = glue_context.create_dynamic_frame.from_options("s3", {"paths": [data.url(f"{folder}/")]}, "json")
        with pytest.raises(DataError, match=why) as raised:
            glue_context.write_dynamic_frame.from_options(frame, "postgresql", {**place, **options})
        assert PASSWORD not in str(raised.value)
        assert postgres.rows("SELECT * FROM kept", database=writable) == ["9|old"]

    both = {"preactions": "DELETE FROM kept; INSERT INTO kept VALUES (7, 'pre')", "postactions": "DELETE FROM kept"}
    fails('{"id": 1}\n{"id": 40000}\n', "out of range", preactions=both["preactions"])
    fails('{"id": 1, "v": "four"}\n', "a value of 4 characters does not fit", preactions=both["preactions"])
    fails('{"id": 9}\n', "the commit of kept: .*duplicate key")
    fails('{"id": 1, "other": 2}\n', "has no column other; it has id, v")
    fails('{"id": {"a": 1}}\n', "column id: values of the type struct<a:int> do not fit")
    fails('{"id": 1}\n', "preactions of kept: .*nope", preactions="DELETE FROM kept; DELETE FROM nope")
    fails('{"id": 1}\n', "postactions or the commit of kept: .*nope", postactions="DELETE FROM kept; DELETE FROM nope")
    for ends in ("ROLLBACK", "commit", "DELETE FROM kept; END", "COMMIT AND CHAIN; SELECT 1/0"):
        fails('{"id": 1}\n', "postactions of kept: .* is refused", postactions=ends)
        fails('{"id": 1}\n', "preactions of kept: .* is refused", preactions=ends)
    fails('{"id": 1}\n', "transaction", postactions="DO $$ BEGIN COMMIT; END $$")
    postgres.sql("REVOKE INSERT ON kept FROM tester", database=writable)
    fails('{"id": 1}\n', "permission denied")


def test_tables_of_the_catalog_are_written(glue_context, postgres, tenon, login, data, writable):
    postgres.sql("CREATE TABLE goods (id int, v text)", "GRANT ALL ON goods TO tester", database=writable)
    own = name("conn")
    tenon.client("glue").create_connection(ConnectionInput={
        "Name": own, "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": postgres.jdbc(writable), "USERNAME": "tester", "PASSWORD": PASSWORD}})
    data.glue.create_table(DatabaseName=data.database, TableInput={
        "Name": "goods", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "postgresql", "connectionName": own},
        "StorageDescriptor": {"Location": f"{writable}.public.goods", "Columns": [
            {"Name": "id", "Type": "int"}, {"Name": "v", "Type": "string"}]}})
    data.put("in/a.csv", "id,v\n1,a\n2,\n")
    frame = glue_context.create_dynamic_frame.from_options(
        "s3", {"paths": [data.url("in/")]}, "csv", {"withHeader": True}).apply_mapping([("id", "string", "ID", "long"), ("v", "string", "v", "string")])
    glue_context.write_dynamic_frame.from_catalog(frame, data.database, "goods")
    assert postgres.rows("SELECT id, v FROM goods ORDER BY id", database=writable) == ["1|a", "2|"]
    read = glue_context.create_dynamic_frame.from_catalog(data.database, "goods")
    assert sorted(row["id"] for row in read.toDF().collect()) == [1, 2]
    with pytest.raises(NotBuilt, match="partitionKeys"):
        glue_context.write_dynamic_frame.from_catalog(frame, data.database, "goods", additional_options={"partitionKeys": ["v"]})


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
