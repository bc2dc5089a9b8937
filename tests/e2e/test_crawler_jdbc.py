"""Crawlers over databases: tables of PostgreSQL and MariaDB become tables of the catalog, and faults stay where they are."""

import json
import pathlib
import shutil
import socket
import tempfile
import threading

import botocore.exceptions
import pytest

from conftest import name, wait_until
from mariadb import PASSWORD, MariaDb
from postgres import Postgres
from test_crawler import Crawl, columns
from test_jobs import Glue


@pytest.fixture(scope="module")
def postgres():
    # Not below the test's own folder, which other users may not enter.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-pg-"))
    server = Postgres(folder).start_on_loopback()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def mariadb():
    with tempfile.TemporaryDirectory() as folder:
        server = MariaDb(pathlib.Path(folder)).start(wait_until)
        yield server
        server.stop()


class JdbcCrawl(Crawl):
    """A crawler over databases, with connections of its own."""

    def __init__(self, tenon):
        super().__init__(tenon)
        self.connection = name("conn")

    def connect(self, url, connection=None, password=PASSWORD):
        self.glue.create_connection(ConnectionInput={
            "Name": connection or self.connection,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {"JDBC_CONNECTION_URL": url, "USERNAME": "tester", "PASSWORD": password},
        })

    def target(self, path, **more):
        return {"ConnectionName": self.connection, "Path": path, **more}

    def define(self, *targets, s3=(), **definition):
        self.glue.create_crawler(
            Name=self.name, Role="r", DatabaseName=self.database,
            Targets={"JdbcTargets": list(targets), "S3Targets": [{"Path": path} for path in s3]}, **definition,
        )

    def fault(self, **definition):
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            self.glue.create_crawler(Name=self.name, Role="r", DatabaseName=self.database, **definition)
        return raised.value.response["Error"]["Message"]


@pytest.fixture
def crawl(tenon):
    return JdbcCrawl(tenon)


@pytest.fixture
def shop(postgres):
    """A database of PostgreSQL that no other test uses."""
    database = name("shop")
    postgres.sql(f'CREATE DATABASE "{database}"')
    return database


class Proxy:
    """Passes bytes on to a database, and does something when the client first says a word: before it is passed on."""

    def __init__(self, port, word, act):
        self.word, self.act, self.upstream = word.encode(), act, port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.done = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.upstream))
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()

    def pump(self, source, sink, from_client):
        try:
            while data := source.recv(65_536):
                if from_client and self.word in data and not self.done.is_set():
                    self.done.set()
                    if self.act() == "cut":
                        break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def test_tables_and_views_of_postgres(crawl, postgres, shop):
    postgres.sql(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id bigint PRIMARY KEY, total numeric(12,2), at timestamptz, tags text[],"
        " \"Customer Name\" varchar(20), paid boolean, raw bytea, doc jsonb)",
        "COMMENT ON TABLE sales.orders IS 'all orders'; COMMENT ON COLUMN sales.orders.at IS E'when\\nexactly'",
        "CREATE VIEW sales.recent AS SELECT id FROM sales.orders",
        "CREATE TABLE sales.tmp_load (x int); CREATE TABLE other (y int)",
        "GRANT USAGE ON SCHEMA sales TO tester; GRANT SELECT ON ALL TABLES IN SCHEMA sales, public TO tester",
        database=shop,
    )
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/sales/%", Exclusions=["tmp_*"], EnableAdditionalMetadata=["COMMENTS", "RAWTYPES"]))
    crawl.run()
    tables = crawl.tables()
    assert set(tables) == {f"{shop}_sales_orders", f"{shop}_sales_recent"}
    orders = tables[f"{shop}_sales_orders"]
    assert columns(orders) == [
        ("id", "bigint"), ("total", "decimal(12,2)"), ("at", "timestamp"), ("tags", "array<string>"),
        ("customer name", "string"), ("paid", "boolean"), ("raw", "binary"), ("doc", "string"),
    ]
    expected = {
        "CrawlerSchemaDeserializerVersion": "1.0", "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": crawl.name, "classification": "postgresql", "compressionType": "none",
        "connectionName": crawl.connection, "typeOfData": "table",
    }
    storage = orders["StorageDescriptor"]
    assert orders["Parameters"] == expected and storage["Parameters"] == expected
    assert (storage["Location"], orders["TableType"], orders["PartitionKeys"]) == (f"{shop}.sales.orders", "EXTERNAL_TABLE", [])
    assert (storage["Compressed"], storage["NumberOfBuckets"], storage["SerdeInfo"]) == (False, -1, {"Parameters": {}})
    assert tables[f"{shop}_sales_recent"]["Parameters"]["typeOfData"] == "view"
    assert orders["Description"] == "all orders"
    by_name = {column["Name"]: column for column in storage["Columns"]}
    assert by_name["at"]["Comment"] == "when exactly" and "Comment" not in by_name["id"]
    assert by_name["customer name"]["Parameters"] == {"rawType": "character varying(20)"}
    # Queries say what they cannot read, and read nothing else instead.
    athena = crawl.tenon.client("athena")
    started = athena.start_query_execution(
        QueryString=f'SELECT count(*) FROM "{crawl.database}"."{shop}_sales_orders"',
        ResultConfiguration={"OutputLocation": f"s3://{crawl.results()}/"},
    )["QueryExecutionId"]
    state = lambda: athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]  # noqa: E731
    wait_until(lambda: state()["State"] not in ("QUEUED", "RUNNING"), "the query")
    assert state()["State"] == "FAILED" and "table of a database (postgresql" in state()["StateChangeReason"], state()
    jobs = Glue(crawl.tenon)
    job = jobs.create({
        "s": {"CatalogSource": {"Name": "s", "Database": crawl.database, "Table": f"{shop}_sales_orders"}},
        "t": {"S3DirectTarget": {"Name": "t", "Inputs": ["s"], "Path": jobs.path("out"), "Format": "parquet"}},
    })
    jobs.run(job)
    # The same again changes nothing.
    version = orders["VersionId"]
    crawl.run()
    assert crawl.tables()[f"{shop}_sales_orders"]["VersionId"] == version
    # Without the additional metadata it is gone; a path of two parts goes through all schemas.
    crawl.glue.update_crawler(Name=crawl.name, TablePrefix="P_", Targets={"JdbcTargets": [crawl.target(f"{shop}/%")]})
    crawl.run()
    made = {table for table in crawl.tables() if table.startswith("p_")}
    assert made == {f"p_{shop}_{t}" for t in ("sales_orders", "sales_recent", "sales_tmp_load", "public_other")}
    plain = crawl.tables()[f"p_{shop}_sales_orders"]
    assert "Description" not in plain
    assert all("Comment" not in c and not c.get("Parameters") for c in plain["StorageDescriptor"]["Columns"])


def test_tables_and_views_of_mariadb(crawl, mariadb):
    shop = name("Shop")
    mariadb.sql(
        f"CREATE DATABASE {shop}; CREATE DATABASE {shop}2; GRANT SELECT ON {shop}.* TO tester@'%';"
        f"CREATE TABLE {shop}.Orders (id INT UNSIGNED NOT NULL, total DECIMAL(12,2), paid TINYINT(1),"
        " mood ENUM('good','bad') COMMENT 'as told') COMMENT 'all orders';"
        f"CREATE VIEW {shop}.recent AS SELECT id FROM {shop}.Orders; CREATE TABLE {shop}2.hidden (a INT);"
        f"CREATE TABLE {shop}.tmp_1 (a INT); CREATE SEQUENCE {shop}.numbers;"
        f"CREATE TABLE {shop}.old (a INT); CREATE VIEW {shop}.broken AS SELECT a FROM {shop}.old; DROP TABLE {shop}.old"
    )
    crawl.connect(f"jdbc:mysql://127.0.0.1:{mariadb.port}/{shop}")
    crawl.define(crawl.target(f"{shop}/%", Exclusions=["tmp_?"], EnableAdditionalMetadata=["COMMENTS"]))
    crawl.run()
    tables, low = crawl.tables(), shop.lower()
    assert set(tables) == {f"{low}_orders", f"{low}_recent"}
    orders = tables[f"{low}_orders"]
    assert columns(orders) == [("id", "bigint"), ("total", "decimal(12,2)"), ("paid", "boolean"), ("mood", "string")]
    assert orders["StorageDescriptor"]["Location"] == f"{shop}.Orders" and orders["Description"] == "all orders"
    assert orders["StorageDescriptor"]["Columns"][3]["Comment"] == "as told"
    assert orders["Parameters"]["classification"] == "mysql"
    assert tables[f"{low}_recent"]["Parameters"]["typeOfData"] == "view"
    assert f"{shop}/broken: it has no columns that the user may see; the table is left out" in crawl.log()
    # What the user may not see, and schemas, which MySQL has not.
    for path, word in ((f"{shop}2/%", "may not see it"), (f"{shop}/x/%", "no schemas")):
        crawl.glue.update_crawler(Name=crawl.name, Targets={"JdbcTargets": [crawl.target(path)]})
        assert word in crawl.run("FAILED")["ErrorMessage"]
        assert set(crawl.tables()) == set(tables), "nothing counts as vanished"


def test_changes_follow_the_policy_and_are_undone(crawl, postgres, shop):
    postgres.sql(
        "CREATE TABLE a (x int); CREATE TABLE b (x int); GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester",
        database=shop,
    )
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/public/%"))
    a, b, c = (f"{shop}_public_{table}" for table in "abc")
    plan = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    assert [(t["Name"], t["Action"]) for t in plan["Tables"]] == [(a, "CREATE"), (b, "CREATE")]
    [target] = plan["Targets"]
    assert target["Path"] == f"connection {crawl.connection}: {shop}/public/%"
    assert [f["Key"] for f in target["Files"]] == [f"{shop}/public/a", f"{shop}/public/b"]
    assert target["Schemas"] == [{"Format": "postgresql", "Columns": [{"Name": "x", "Type": "int"}]}]
    shown = crawl.tenon.cli("crawl", crawl.name, "--dry-run").stdout
    assert f"CREATE {crawl.database}.{a} ({shop}.public.a)" in shown and "nothing was changed" in shown, shown
    with pytest.raises(crawl.glue.exceptions.EntityNotFoundException):
        crawl.tables()
    crawl.run()
    before = crawl.tables()
    assert set(before) == {a, b}
    postgres.sql(
        "ALTER TABLE a ADD COLUMN y text; DROP TABLE b; CREATE TABLE c (z date)",
        "GRANT SELECT ON c TO tester", database=shop,
    )
    plan = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    assert sorted((t["Name"], t["Action"]) for t in plan["Tables"]) == [(a, "UPDATE"), (b, "DEPRECATE"), (c, "CREATE")]
    assert crawl.tables() == before
    crawl.run()
    after = crawl.tables()
    assert columns(after[a]) == [("x", "int"), ("y", "string")] and columns(after[c]) == [("z", "date")]
    assert "DEPRECATED_BY_CRAWLER" in after[b]["Parameters"]
    summary = json.loads(crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"][0]["Summary"])
    assert {action: entry["Count"] for action, entry in summary["TABLE"].items()} == {"ADD": 1, "UPDATE": 1, "DELETE": 1}
    undone = crawl.tenon.cli("crawl", crawl.name, "--undo").stdout
    assert f"tables removed: {c}; restored: " in undone, undone
    shown = crawl.tables()
    assert set(shown) == {a, b} and columns(shown[a]) == [("x", "int")]
    assert "DEPRECATED_BY_CRAWLER" not in shown[b]["Parameters"]
    # The other policies.
    log = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    crawl.glue.update_crawler(Name=crawl.name, SchemaChangePolicy=log)
    crawl.run()
    assert columns(crawl.tables()[a]) == [("x", "int")] and set(crawl.tables()) == {a, b, c}
    assert "DEPRECATED_BY_CRAWLER" not in crawl.tables()[b]["Parameters"]
    crawl.glue.update_crawler(Name=crawl.name, SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    crawl.run()
    assert set(crawl.tables()) == {a, c} and columns(crawl.tables()[a]) == [("x", "int"), ("y", "string")]
    assert f"connection {crawl.connection}: {shop}/public/% has it no longer" in crawl.log()
    crawl.tenon.cli("crawl", crawl.name, "--undo")
    assert set(crawl.tables()) == {a, b, c}
    # A narrower path, and exclusions, are no reason to take tables away.
    target = crawl.target(f"{shop}/public/%", Exclusions=["c"])
    crawl.glue.update_crawler(Name=crawl.name, Targets={"JdbcTargets": [target]})
    crawl.run()
    assert set(crawl.tables()) == {a, c}
    threshold = json.dumps({"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 1}}})
    crawl.glue.update_crawler(Name=crawl.name, Configuration=threshold, Targets={"JdbcTargets": [crawl.target(f"{shop}/%")]})
    assert "2 is greater than the table threshold" in crawl.run("FAILED")["ErrorMessage"]


def test_only_its_own_vanished_tables_are_touched(crawl, postgres, shop):
    postgres.sql("CREATE TABLE a (x int); GRANT SELECT ON a TO tester", database=shop)
    crawl.connect(postgres.jdbc(shop))
    second = name("conn")
    crawl.connect(postgres.jdbc(shop), connection=second)
    crawl.put("files/t/a.csv", "id,v\n1,x\n2,y\n")
    crawl.define(
        crawl.target(f"{shop}/public/%"), {"ConnectionName": second, "Path": f"{shop}/public/%"},
        s3=[f"s3://{crawl.bucket}/files/"], SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"},
    )
    crawl.run()
    tables = crawl.tables()
    # One place behind two connections is two tables, and each is found again.
    by_connection = {t["Parameters"].get("connectionName"): n for n, t in tables.items()}
    assert len(tables) == 3 and by_connection[crawl.connection] == f"{shop}_public_a" and by_connection[None] == "t"
    assert by_connection[second].startswith(f"{shop}_public_a_")
    crawl.run()
    assert {n: t["VersionId"] for n, t in crawl.tables().items()} == {n: t["VersionId"] for n, t in tables.items()}
    # A table that somebody made by hand looks like one of them.
    crawl.glue.create_table(DatabaseName=crawl.database, TableInput={
        "Name": "mine", "StorageDescriptor": {"Location": f"{shop}.public.gone"},
        "Parameters": {"connectionName": crawl.connection},
    })
    # A target that cannot be read: the others go on, and nothing of it is taken for gone.
    crawl.glue.delete_connection(ConnectionName=second)
    crawl.put("files/u/a.json", "{\"other\": 1}")
    postgres.sql("DROP TABLE a; CREATE TABLE b (x int); GRANT SELECT ON b TO tester", database=shop)
    message = crawl.run("FAILED")["ErrorMessage"]
    assert f"Connection {second} not found" in message
    assert set(crawl.tables()) == {f"{shop}_public_b", by_connection[second], "t", "u", "mine"}
    # And the other way round: a bucket that is gone.
    crawl.glue.update_crawler(Name=crawl.name, Targets={
        "JdbcTargets": [crawl.target(f"{shop}/public/%")], "S3Targets": [{"Path": "s3://no-such-bucket-here/x/"}]})
    postgres.sql("ALTER TABLE b ADD COLUMN y int", database=shop)
    assert "no-such-bucket-here" in crawl.run("FAILED")["ErrorMessage"]
    assert columns(crawl.tables()[f"{shop}_public_b"]) == [("x", "int"), ("y", "int")] and "t" in crawl.tables()


def test_permissions_logins_and_names_that_are_wrong(crawl, postgres, shop):
    postgres.sql(
        "CREATE TABLE open (x int); CREATE TABLE closed (x int); GRANT SELECT ON open TO tester",
        "CREATE SCHEMA cellar; CREATE TABLE cellar.wine (x int); GRANT SELECT ON cellar.wine TO tester",
        database=shop,
    )
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/%"), SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    crawl.run()
    assert set(crawl.tables()) == {f"{shop}_public_open"}
    log = crawl.log()
    assert f"ERROR : connection {crawl.connection}: {shop}/%: {shop}/public/closed: permission denied" in log
    assert f"{shop}/cellar/wine: permission denied" in log and "schema cellar: permission denied" in log
    summary = json.loads(crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"][0]["Summary"])
    assert summary["TABLE"]["LEFT_OUT"]["Count"] == 2
    assert "tables left out: 2" in crawl.tenon.cli("crawl", crawl.name).stdout
    # A right that is taken away is no table that is gone.
    postgres.sql("REVOKE SELECT ON open FROM tester", database=shop)
    crawl.run()
    assert set(crawl.tables()) == {f"{shop}_public_open"}
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    for url, path, word, password in (
        (postgres.jdbc(shop), f"{shop}/%", "password authentication failed", "wrong-secret"),
        (postgres.jdbc(shop, port), f"{shop}/%", "refused", PASSWORD),
        (postgres.jdbc("nowhere"), "nowhere/%", "does not exist", PASSWORD),
        (postgres.jdbc(shop), "elsewhere/%", f"the connection leads to the database {shop}", PASSWORD),
        (postgres.jdbc(shop), f"{shop}/none/%", "there is no schema none", PASSWORD),
    ):
        connection = name("conn")
        crawl.connect(url, connection, password)
        crawl.glue.update_crawler(Name=crawl.name, Targets={"JdbcTargets": [{"ConnectionName": connection, "Path": path}]})
        message = crawl.run("FAILED")["ErrorMessage"]
        assert word in message and connection in message and "wrong-secret" not in message + crawl.log(), message
        dry = crawl.tenon.cli("crawl", crawl.name, "--dry-run", check=False)
        assert dry.returncode == 1 and word in dry.stdout, dry
        assert set(crawl.tables()) == {f"{shop}_public_open"}
    crawl.glue.update_crawler(Name=crawl.name, Targets={"JdbcTargets": [crawl.target(f"{shop}/public/nothing")]})
    crawl.run()
    assert "no table matches the path" in crawl.log() and set(crawl.tables()) == {f"{shop}_public_open"}


def test_a_database_that_goes_away_half_way(crawl, postgres, shop):
    tables = [f"t{i:02}" for i in range(10)]
    postgres.sql(*[f"CREATE TABLE {t} (x int)" for t in tables], "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", database=shop)
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/public/%"), SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    crawl.run()
    assert len(crawl.tables()) == 10
    postgres.sql("ALTER TABLE t01 ADD COLUMN y int; ALTER TABLE t08 ADD COLUMN y int; DROP TABLE t00", database=shop)
    proxy = Proxy(postgres.port, "t05", lambda: "cut")
    properties = {"JDBC_CONNECTION_URL": postgres.jdbc(shop, proxy.port), "USERNAME": "tester", "PASSWORD": PASSWORD}
    crawl.glue.update_connection(Name=crawl.connection, ConnectionInput={
        "Name": crawl.connection, "ConnectionType": "JDBC", "ConnectionProperties": properties})
    message = crawl.run("FAILED")["ErrorMessage"]
    proxy.close()
    assert proxy.done.is_set() and "4 tables had been read until then" in message, message
    found = crawl.tables()
    assert len(found) == 10, "t00 is gone, but this crawl could not be sure"
    assert len(columns(found[f"{shop}_public_t01"])) == 2 and len(columns(found[f"{shop}_public_t08"])) == 1
    properties["JDBC_CONNECTION_URL"] = postgres.jdbc(shop)
    crawl.glue.update_connection(Name=crawl.connection, ConnectionInput={
        "Name": crawl.connection, "ConnectionType": "JDBC", "ConnectionProperties": properties})
    crawl.run()
    found = crawl.tables()
    assert len(found) == 9 and len(columns(found[f"{shop}_public_t08"])) == 2


def test_a_table_that_is_dropped_during_the_crawl(crawl, postgres, shop):
    postgres.sql("CREATE TABLE a (x int); CREATE TABLE b_dropped (x int); CREATE TABLE c (x int)",
                 "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", database=shop)
    proxy = Proxy(postgres.port, "b_dropped", lambda: postgres.sql("DROP TABLE b_dropped", database=shop))
    crawl.connect(postgres.jdbc(shop, proxy.port))
    crawl.define(crawl.target(f"{shop}/public/%"))
    crawl.run()
    proxy.close()
    assert proxy.done.is_set() and set(crawl.tables()) == {f"{shop}_public_a", f"{shop}_public_c"}
    assert f"table {shop}/public/b_dropped was dropped meanwhile" in crawl.log()


def test_a_server_that_is_killed_takes_the_crawl_up_again(tenon_factory, postgres, shop):
    server = tenon_factory().start()
    crawl = JdbcCrawl(server)
    postgres.sql("CREATE TABLE a (x int); CREATE TABLE b_half (x int); CREATE TABLE c (x int)",
                 "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", database=shop)

    def kill():
        server.kill()
        return "cut"

    proxy = Proxy(postgres.port, "b_half", kill)
    crawl.connect(postgres.jdbc(shop, proxy.port))
    crawl.define(crawl.target(f"{shop}/public/%"))
    crawl.glue.start_crawler(Name=crawl.name)
    assert proxy.done.wait(60)
    server.process.wait(60)
    server.start()
    crawl.glue = server.client("glue")
    wait_until(lambda: crawl.get()["State"] == "READY", "the crawl to end")
    proxy.close()
    assert crawl.get()["LastCrawl"]["Status"] == "SUCCEEDED"
    assert set(crawl.tables()) == {f"{shop}_public_{table}" for table in ("a", "b_half", "c")}
    assert len(crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"]) == 1


def test_a_crawl_that_waits_for_a_database_can_be_stopped(crawl, postgres, shop):
    postgres.sql("CREATE TABLE a (x int); CREATE TABLE b_slow (x int)",
                 "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester", database=shop)
    enough = threading.Event()
    proxy = Proxy(postgres.port, "b_slow", lambda: enough.wait(120) and "cut")
    crawl.connect(postgres.jdbc(shop, proxy.port))
    crawl.define(crawl.target(f"{shop}/public/%"))
    crawl.glue.start_crawler(Name=crawl.name)
    assert proxy.done.wait(60)
    crawl.glue.stop_crawler(Name=crawl.name)
    wait_until(lambda: crawl.get()["State"] == "READY", "the crawl to stop", 20)
    enough.set()
    proxy.close()
    assert crawl.get()["LastCrawl"]["Status"] == "CANCELLED"
    with pytest.raises(crawl.glue.exceptions.EntityNotFoundException):
        crawl.tables()


def test_domains_arrays_and_odd_scales_of_postgres(crawl, postgres, shop):
    postgres.sql(
        "CREATE DOMAIN cents AS numeric(7,2) CHECK (value >= 0); CREATE DOMAIN paid AS cents; CREATE DOMAIN codes AS int[]",
        "CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN feeling AS mood",
        "CREATE TABLE t (rounded numeric(3,-2), tiny numeric(2,4), one paid, many paid[], lists codes, nested codes[],"
        " words varchar(3)[], moods feeling[], ids oidvector, days date[])",
        "INSERT INTO t (rounded) VALUES (99949)",
        "GRANT SELECT ON t TO tester",
        database=shop,
    )
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/%", EnableAdditionalMetadata=["RAWTYPES"]))
    crawl.run()
    table = crawl.tables()[f"{shop}_public_t"]
    assert columns(table) == [
        ("rounded", "decimal(5,0)"), ("tiny", "decimal(4,4)"), ("one", "decimal(7,2)"), ("many", "array<decimal(7,2)>"),
        ("lists", "array<int>"), ("nested", "array<array<int>>"), ("words", "array<string>"),
        ("moods", "array<string>"), ("ids", "string"), ("days", "array<date>"),
    ]
    raw = {c["Name"]: c["Parameters"]["rawType"] for c in table["StorageDescriptor"]["Columns"]}
    assert (raw["many"], raw["rounded"], raw["words"]) == ("numeric(7,2)[]", "numeric(3,-2)", "character varying(3)[]")


def test_names_that_nobody_would_want(crawl, postgres, shop):
    wide = ", ".join(f"c{i} int" for i in range(1_500))
    postgres.sql(
        'CREATE TABLE "Orders" (x int); CREATE TABLE orders (y int)',
        'CREATE SCHEMA "a.b"; CREATE TABLE "a.b".c (one int); CREATE SCHEMA a; CREATE TABLE a."b.c" (two int)',
        'CREATE TABLE "it\'s ""quoted""" ("a.b" int, "with ""quote""" int, "x,y" text, "😀" text)',
        'CREATE TABLE "😀" (x int); CREATE TABLE "a/b" (x int)',
        'CREATE TABLE twice ("Id" int, id int)',
        "CREATE TABLE nothing ()",
        f"CREATE TABLE wide ({wide})",
        'GRANT USAGE ON SCHEMA "a.b", a TO tester; GRANT SELECT ON ALL TABLES IN SCHEMA public, "a.b", a TO tester',
        database=shop,
    )
    crawl.connect(postgres.jdbc(shop))
    crawl.define(crawl.target(f"{shop}/%"))
    crawl.run()
    tables = crawl.tables()
    by_place = {t["StorageDescriptor"]["Location"].removeprefix(f"{shop}."): t for t in tables.values()}
    assert set(by_place) == {
        "public.Orders", "public.orders", '"a.b".c', 'a."b.c"', 'public."it\'s ""quoted"""', "public.😀",
        "public.a/b", "public.wide",
    }
    shown = {place: columns(table) for place, table in by_place.items()}
    assert (shown["public.Orders"], shown["public.orders"]) == ([("x", "int")], [("y", "int")])
    assert (shown['"a.b".c'], shown['a."b.c"']) == ([("one", "int")], [("two", "int")])
    quoted = shown['public."it\'s ""quoted"""']
    assert quoted == [("a.b", "int"), ('with "quote"', "int"), ("x,y", "string"), ("😀", "string")]
    assert len(shown["public.wide"]) == 1_500
    log = crawl.log()
    hashed = next(n for n, t in tables.items() if t["StorageDescriptor"]["Location"] == f"{shop}.public.orders")
    assert f"{shop}.public.orders: the name {shop}_public_orders is another table's: it becomes {hashed}" in log
    assert f"{shop}/public/twice: only case tells its columns \"Id\" and \"id\" apart" in log
    assert f"{shop}/public/nothing: it has no columns" in log
    # Whatever they are called, the next crawl finds each of them again.
    crawl.run()
    again = {t["StorageDescriptor"]["Location"]: (n, t["VersionId"]) for n, t in crawl.tables().items()}
    assert again == {t["StorageDescriptor"]["Location"]: (n, t["VersionId"]) for n, t in tables.items()}


def test_five_thousand_columns_and_many_tables(crawl, mariadb):
    shop = name("wide")
    # The most that InnoDB takes in one table is 1,017: a view joins as many as a select may have.
    parts = [", ".join(f"c{p}_{i} TINYINT" for i in range(1_000)) for p in range(4)]
    tables = "".join(f"CREATE TABLE {shop}.part{p} ({part}) ROW_FORMAT=DYNAMIC;" for p, part in enumerate(parts))
    small = "".join(f"CREATE TABLE {shop}.small{i} (a INT);" for i in range(100))
    joined = ", ".join(f"part{p}.*" for p in range(4))
    mariadb.sql(
        f"CREATE DATABASE {shop}; USE {shop}; {tables} {small}"
        f"CREATE VIEW joined AS SELECT {joined} FROM part0, part1, part2, part3; GRANT SELECT ON {shop}.* TO tester@'%'"
    )
    crawl.connect(f"jdbc:mariadb://127.0.0.1:{mariadb.port}/")
    crawl.define(crawl.target(f"{shop}/%"))
    crawl.run()
    found = crawl.tables()
    assert len(found) == 105 and len(columns(found[f"{shop}_joined"])) == 4_000


def test_what_cannot_be_honoured_is_refused(crawl):
    for target, word in (
        ({"Path": "d/%"}, "ConnectionName"),
        ({"ConnectionName": "c"}, "database/schema/table"),
        ({"ConnectionName": "c", "Path": "%/t"}, "database"),
        ({"ConnectionName": "c", "Path": "a/b/c/d"}, "database/schema/table"),
        ({"ConnectionName": "c", "Path": "d/%", "Exclusions": ["[x"]}, "exclusion"),
    ):
        assert word in crawl.fault(Targets={"JdbcTargets": [target]})
    both = {"JdbcTargets": [{"ConnectionName": "c", "Path": "d/%"}], "CatalogTargets": [{"DatabaseName": "d", "Tables": ["t"]}]}
    assert "cannot be combined" in crawl.fault(Targets=both)
