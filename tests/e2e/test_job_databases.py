"""Jobs that read tables of PostgreSQL and MariaDB: types, filters in the database, parts beside each other, one snapshot."""

import re

import pytest

from conftest import name
from mariadb import PASSWORD
from test_crawler_jdbc import mariadb, postgres  # noqa: F401: fixtures
from test_job_nodes import KINDS
from test_jobs import ENABLED, Glue, parquet

TYPES = [
    ("n", "integer", "int", "-5"), ("b", "bigint", "bigint", "9007199254740993"), ("s", "smallint", "smallint", "7"),
    ("d", "double precision", "double", "0.1"), ("r", "real", "float", "0.1"), ("p", "numeric(12,3)", "decimal(12,3)", "1234.500"),
    ("t", "text", "string", "'it''s ü\\ '"), ("day", "date", "date", "'2026-02-28'"),
    ("at", "timestamp", "timestamp", "'2026-02-28 23:59:59.123456'"),
]


class Databases(Glue):
    def connect(self, url):
        own = name("conn")
        self.client.create_connection(ConnectionInput={
            "Name": own, "ConnectionType": "JDBC",
            "ConnectionProperties": {"JDBC_CONNECTION_URL": url, "USERNAME": "tester", "PASSWORD": PASSWORD}})
        return own

    def table(self, own, connection, place, columns, engine="postgresql", **parameters):
        self.client.create_table(DatabaseName=self.database, TableInput={
            "Name": own, "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": engine, "connectionName": connection, **parameters},
            "StorageDescriptor": {"Location": place, "Columns": [{"Name": n, "Type": t} for n, t in columns]}})

    def source(self, own, kind="CatalogSource"):
        return {kind: {"Name": "s", "Database": self.database, "Table": own}}

    def reads(self, source, folder=None):
        folder = folder or name("out")
        run = self.run(self.create({"s": source, "o": parquet(self, "s", folder)}))
        return self.read(folder), run


@pytest.fixture
def glue(tenon):
    return Databases(tenon)


@pytest.fixture(scope="module")
def shop(postgres):  # noqa: F811
    postgres.sql("CREATE DATABASE shop")
    columns = ", ".join(f"{n} {t}" for n, t, _, _ in TYPES)
    postgres.sql(
        f"CREATE TABLE kinds ({columns}, z timestamptz, y bytea, f boolean, u uuid, l int[])",
        f"INSERT INTO kinds VALUES ({', '.join(v for _, _, _, v in TYPES)}, '2026-03-01 01:00:00+02', '\\x00ff', true, "
        "'00000000-0000-0000-0000-000000000001', '{1}')",
        "INSERT INTO kinds (b) VALUES (1)",
        "CREATE SCHEMA \"My.Schema\"", "CREATE TABLE \"My.Schema\".\"T\" (\"Id\" int)", "INSERT INTO \"My.Schema\".\"T\" VALUES (4)",
        "CREATE TABLE many AS SELECT n AS id, 'v' || n AS v FROM generate_series(1, 20000) n",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", "GRANT USAGE ON SCHEMA \"My.Schema\" TO tester",
        "GRANT SELECT ON \"My.Schema\".\"T\" TO tester", "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()",
        database="shop",
    )
    return postgres


def test_values_of_postgres_come_as_they_are(glue, shop):
    connection = glue.connect(shop.jdbc("shop"))
    columns = [(n, t) for n, _, t, _ in TYPES] + [("z", "timestamp"), ("y", "binary"), ("f", "boolean"), ("u", "string")]
    glue.table("kinds", connection, "shop.public.kinds", columns)
    for kind in ("CatalogSource", "PostgreSQLCatalogSource", "RelationalCatalogSource"):
        frame, run = glue.reads(glue.source("kinds", kind))
        rows = [row for row in frame.to_dict("records") if row["n"] == -5]
        assert len(frame) == 2 and len(rows) == 1
        row = rows[0]
        assert (row["b"], row["d"], row["t"], str(row["p"])) == (9007199254740993, 0.1, "it's ü\\ ", "1234.500")
        assert abs(row["r"] - 0.1) < 1e-7
        assert (str(row["day"]), str(row["at"])) == ("2026-02-28", "2026-02-28 23:59:59.123456")
        assert (str(row["z"]), row["y"], row["f"]) == ("2026-02-28 23:00:00", b"\x00\xff", True)
        assert row["u"].endswith("0001")
        assert glue.totals(run["Id"])["rows_in"] == 2
    job = glue.create({"s": glue.source("kinds", "MySQLCatalogSource"), "o": parquet(glue, "s", "no")})
    assert "is one of PostgreSQL, not of MySQL" in glue.fails(job)
    direct = {"Name": "s", "Database": "shop", "Table": "kinds", "ConnectionName": connection, "ConnectionType": "postgresql"}
    job = glue.create({"s": {"DirectJDBCSource": direct}, "o": parquet(glue, "s", "no")})
    assert "column l: values of the type" in glue.fails(job)
    nodes = {"s": {"DirectJDBCSource": direct}, "o": parquet(glue, "d", "direct"),
             "d": {"DropFields": {"Name": "d", "Inputs": ["s"], "Paths": [["l"]]}}}
    glue.run(glue.create(nodes))
    assert len(glue.read("direct")) == 2


def test_the_fields_of_direct_sources_act(glue, shop):
    assert [field for field, meaning in KINDS["DirectJDBCSource"].items() if meaning == "acts"] == [
        "Name", "Database", "Table", "ConnectionName", "ConnectionType"]
    shop.sql("CREATE DATABASE second")
    shop.sql("CREATE TABLE many (id int)", "GRANT SELECT ON many TO tester", database="second")
    connection, other = glue.connect(shop.jdbc("shop")), glue.connect(shop.jdbc("shop", port=1))
    base = {"Name": "s", "Database": "shop", "Table": "many", "ConnectionName": connection, "ConnectionType": "postgresql"}

    def outcome(**change):
        job = glue.create({"s": {"DirectJDBCSource": {**base, **change}}, "o": parquet(glue, "s", name("out"))})
        run = glue.wait(job, glue.start(job))
        return run["JobRunState"], run.get("ErrorMessage"), glue.totals(run["Id"])["rows_in"] if "ErrorMessage" not in run else None

    assert outcome() == ("SUCCEEDED", None, 20_000)
    assert outcome(Database="second") == ("SUCCEEDED", None, 0)
    assert outcome(Table='"My.Schema"."T"') == ("SUCCEEDED", None, 1)
    state, message, _ = outcome(ConnectionName=other)
    assert state == "FAILED" and "node DirectJDBCSource s" in message and PASSWORD not in message
    assert "to PostgreSQL" in outcome(ConnectionType="mysql")[1]
    assert "there is no such table" in outcome(Table="nope")[1]
    assert "node DirectJDBCSource s (told)" in outcome(Name="told", Table="nope")[1]


def statements(shop):
    return re.findall(r"SELECT .* FROM \"public\".\"many\".*", (shop.folder / "log").read_text())


def test_the_database_filters_and_parts_are_read_beside_each_other(glue, shop):
    connection = glue.connect(shop.jdbc("shop"))
    columns = [("id", "int"), ("v", "string")]
    glue.table("many", connection, "shop.public.many", columns)
    glue.table("parts", connection, "shop.public.many", columns, hashfield="id", hashpartitions="3")
    before = len(statements(shop))
    sql = {"SparkSQL": {"Name": "q", "Inputs": ["s"], "SqlQuery": "SELECT v FROM t WHERE id > 19998 AND v <> 'x'",
                        "SqlAliases": [{"From": "s", "Alias": "t"}]}}
    run = glue.run(glue.create({"s": glue.source("many"), "q": sql, "o": parquet(glue, "q", "few")}))
    assert glue.rows("few") == [("v19999",), ("v20000",)]
    assert glue.totals(run["Id"])["rows_in"] == 2
    [asked] = statements(shop)[before:]
    assert '"id" > 19998' in asked
    frame, _ = glue.reads(glue.source("parts"))
    assert sorted(frame["id"]) == list(range(1, 20_001))
    assert len(statements(shop)) - before - 1 == 3
    glue.table("wrong", connection, "shop.public.many", columns, hashfield="id", hashpartitions="0")
    assert "hashpartitions" in glue.fails(glue.create({"s": glue.source("wrong"), "o": parquet(glue, "s", "w")}))


def test_a_value_that_is_not_of_its_type_and_a_column_that_is_gone_fail_the_run(glue, shop):
    connection = glue.connect(shop.jdbc("shop"))
    glue.table("typed", connection, "shop.public.many", [("v", "int")])
    assert "column v: " in glue.fails(glue.create({"s": glue.source("typed"), "o": parquet(glue, "s", "t")}))
    glue.table("gone", connection, "shop.public.many", [("w", "int")])
    assert "no column w any more" in glue.fails(glue.create({"s": glue.source("gone"), "o": parquet(glue, "s", "g")}))
    assert glue.keys("t") == []


def test_bookmarks_need_a_key_unless_all_is_to_be_read(glue, shop):
    glue.table("many", glue.connect(shop.jdbc("shop")), "shop.public.many", [("id", "int")])
    job = glue.create({"s": glue.source("many"), "o": parquet(glue, "s", "b")})
    assert "the table has no primary key: name columns in JobBookmarkKeys" in glue.fails(job, Arguments=ENABLED)
    glue.run(job, Arguments={**ENABLED, "--bookmark-full-sources": "s"})
    assert len(glue.read("b")) == 20_000


def test_all_targets_see_one_snapshot(glue, shop):
    shop.sql("CREATE TABLE moving (id int)", "INSERT INTO moving VALUES (1)", "GRANT SELECT ON moving TO tester", database="shop")
    glue.table("moving", glue.connect(shop.jdbc("shop")), "shop.public.moving", [("id", "int")])
    nodes = {"s": glue.source("moving"), **{f"o{n}": parquet(glue, "s", f"o{n}") for n in range(8)}}
    job = glue.create(nodes)
    run = glue.start(job)
    for number in range(2, 12):
        shop.sql(f"INSERT INTO moving VALUES ({number})", database="shop")
    assert glue.wait(job, run)["JobRunState"] == "SUCCEEDED"
    assert len({len(glue.read(f"o{n}")) for n in range(8)}) == 1


def test_values_of_mariadb_come_as_they_are(glue, mariadb):  # noqa: F811
    for statement in (
        "CREATE DATABASE IF NOT EXISTS wares", "GRANT ALL ON wares.* TO tester",
        "CREATE TABLE wares.kinds (n INT, u BIGINT UNSIGNED, f FLOAT, d DOUBLE, p DECIMAL(12,3), t VARCHAR(30), day DATE, "
        "at DATETIME(6), ts TIMESTAMP NULL, y VARBINARY(4), b TINYINT(1), e ENUM('x','y'))",
        "SET time_zone = '+02:00'; INSERT INTO wares.kinds VALUES (-5, 18446744073709551615, 0.1, 0.1, 1234.5, 'it''s ü\\\\', "
        "'2026-02-28', '2026-02-28 23:59:59.123456', '2026-03-01 01:00:00', X'00ff', 1, 'y'), "
        "(1, NULL, NULL, NULL, NULL, 'IT''S', NULL, NULL, NULL, NULL, NULL, NULL)",
    ):
        mariadb.sql(statement)
    connection = glue.connect(mariadb.jdbc.replace("/shop", "/wares"))
    glue.table("kinds", connection, "wares.kinds", [
        ("n", "int"), ("u", "decimal(20,0)"), ("f", "float"), ("d", "double"), ("p", "decimal(12,3)"), ("t", "string"),
        ("day", "date"), ("at", "timestamp"), ("ts", "timestamp"), ("y", "binary"), ("b", "boolean"), ("e", "string")], engine="mysql")
    frame, _ = glue.reads(glue.source("kinds", "MySQLCatalogSource"))
    [row] = [row for row in frame.to_dict("records") if row["n"] == -5]
    assert len(frame) == 2
    assert (str(row["u"]), row["d"], str(row["p"]), row["t"]) == ("18446744073709551615", 0.1, "1234.500", "it's ü\\")
    assert abs(row["f"] - 0.1) < 1e-7
    assert (str(row["at"]), str(row["ts"])) == ("2026-02-28 23:59:59.123456", "2026-02-28 23:00:00")
    assert (row["y"], row["b"], row["e"]) == (b"\x00\xff", True, "y")
    # The database finds texts ignoring case; the engine does not.
    sql = {"SparkSQL": {"Name": "q", "Inputs": ["s"], "SqlQuery": "SELECT n FROM t WHERE t = 'it\\'s'",
                        "SqlAliases": [{"From": "s", "Alias": "t"}]}}
    glue.run(glue.create({"s": glue.source("kinds"), "q": sql, "o": parquet(glue, "q", "few")}))
    assert glue.rows("few") == []
