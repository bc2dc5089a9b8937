"""Jobs that write to tables of PostgreSQL and MariaDB: types both ways, tables that are made, rows that arrive once whatever
is killed when, and nothing of a run that fails."""

import json
import signal

import pytest

from conftest import name, wait_until
from test_crawler_jdbc import mariadb, postgres  # noqa: F401: fixtures
from test_job_databases import Databases
from test_job_nodes import KINDS
from test_jobs import ENABLED, parquet

SELECT = (
    "SELECT CAST(n AS INT) AS i, CAST(n AS BIGINT) AS b, CAST(n AS SMALLINT) AS s, CAST(0.1 AS DOUBLE) AS d, CAST(0.1 AS FLOAT) AS r, "
    "CAST(1234.5 AS DECIMAL(12,3)) AS p, t, DATE '2026-02-28' AS day, TIMESTAMP '2026-02-28 23:59:59.123456' AS at, "
    "n > 1 AS f, CAST(NULL AS INT) AS nil FROM src"
)
TEXT = "it's ü\\ \t\n{\"a\"}"
COLUMNS = ["i", "b", "s", "d", "r", "p", "t", "day", "at", "f", "nil"]


class Engine:
    """What differs between the databases."""

    def __init__(self, kind, server):
        self.kind, self.server = kind, server
        self.schema = "public" if kind == "postgresql" else "wares"
        self.target = "PostgreSQLCatalogTarget" if kind == "postgresql" else "MySQLCatalogTarget"
        self.source = self.target.replace("Target", "Source")
        if kind == "postgresql":
            self.database = name("wares")
            server.sql(f"CREATE DATABASE {self.database}")
            server.sql("GRANT ALL ON SCHEMA public TO tester", database=self.database)
            self.url = server.jdbc(self.database)
        else:
            self.database = self.schema = name("wares")
            server.sql(f"CREATE DATABASE {self.database}; GRANT ALL ON {self.database}.* TO tester")
            self.url = server.jdbc.replace("/shop", f"/{self.database}")

    def place(self, table):
        return f"{self.database}.{self.schema}.{table}" if self.kind == "postgresql" else f"{self.database}.{table}"

    def sql(self, *statements):
        for statement in statements:
            if self.kind == "postgresql":
                self.server.sql(statement, "GRANT ALL ON ALL TABLES IN SCHEMA public TO tester", database=self.database)
            else:
                self.server.sql(f"USE {self.database}; {statement}")

    def rows(self, query):
        return self.server.rows(query, database=self.database)

    def tables(self):
        return set(self.rows(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{self.schema}'"))

    def columns(self, table):
        kind = "data_type" if self.kind == "postgresql" else "column_type"
        return dict(row.split("|") for row in self.rows(
            f"SELECT column_name, {kind} FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = '{self.schema}'"))


@pytest.fixture(params=["postgresql", "mysql"])
def engine(request):
    return Engine(request.param, request.getfixturevalue("postgres" if request.param == "postgresql" else "mariadb"))


class Deliveries(Databases):
    def numbers(self, key, *numbers):
        self.put(f"src/{key}.json", "\n".join(json.dumps({"n": n, "t": TEXT}) for n in numbers))

    def declared(self, engine, own, connection=None, columns=(("n", "bigint"), ("t", "string"))):
        connection = connection or self.connect(engine.url)
        self.table(own, connection, engine.place(own), columns, engine=engine.kind)
        return connection

    def src(self):
        return {"S3JsonSource": {"Name": "src", "Paths": [self.path("src")], "Recurse": True}}

    def into(self, engine, table, source="src", **more):
        return {engine.target: {"Name": "to", "Inputs": [source], "Database": self.database, "Table": table, **more}}

    def copies(self, engine, table, **more):
        return self.create({"src": self.src(), "to": self.into(engine, table)}, **more)


@pytest.fixture
def glue(tenon):
    return Deliveries(tenon)


def test_a_missing_table_is_made_and_what_it_holds_is_what_was_written(glue, engine):
    glue.numbers("a", 1, 2)
    glue.declared(engine, "made", columns=[("i", "int"), ("b", "bigint"), ("s", "smallint"), ("d", "double"), ("r", "float"),
                                           ("p", "decimal(12,3)"), ("t", "string"), ("day", "date"), ("at", "timestamp"),
                                           ("f", "boolean"), ("nil", "int")])
    sql = {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": SELECT, "SqlAliases": [{"From": "src", "Alias": "src"}]}}
    job = glue.create({"src": glue.src(), "q": sql, "to": glue.into(engine, "made", "q"), "files": parquet(glue, "q", "files")})
    run = glue.run(job)
    # Both are written by one run; `files` gets a row for each.
    assert glue.totals(run["Id"])["rows_out"] == 4
    assert engine.tables() == {"made"}
    kinds = engine.columns("made")
    if engine.kind == "postgresql":
        assert (kinds["i"], kinds["p"], kinds["at"], kinds["t"]) == ("integer", "numeric", "timestamp without time zone", "text")
    else:
        assert (kinds["f"], kinds["p"], kinds["at"], kinds["t"]) == ("tinyint(1)", "decimal(12,3)", "datetime(6)", "longtext")
    glue.run(job)
    back = glue.create({"s": glue.source("made", engine.source), "o": parquet(glue, "s", "back")})
    glue.run(back)
    written, read = glue.read("files"), glue.read("back")
    assert len(read) == 4, "a second run adds"
    assert list(read.columns) == COLUMNS
    assert list(map(str, read.dtypes)) == list(map(str, written.dtypes))
    order = lambda frame: sorted(map(str, frame.to_dict("records")))  # noqa: E731
    assert order(read) == order(written)
    assert read["t"][0] == TEXT and abs(read["r"][0] - 0.1) < 1e-7


def test_a_run_that_fails_leaves_nothing_and_says_which_column(glue, engine):
    engine.sql("CREATE TABLE tight (n SMALLINT NOT NULL PRIMARY KEY, t VARCHAR(5))", "INSERT INTO tight VALUES (3, 'old')")
    glue.declared(engine, "tight")
    job = glue.create({"src": glue.src(), "to": glue.into(engine, "tight"), "files": parquet(glue, "src", "files")},
                      DefaultArguments=ENABLED)

    def fails(*lines):
        glue.put("src/a.json", "\n".join(json.dumps(line) for line in lines))
        message = glue.fails(job)
        assert engine.rows("SELECT n, t FROM tight") == ["3|old"] and glue.keys("files") == []
        # A staging table is taken away after the run has ended.
        wait_until(lambda: engine.tables() == {"tight"}, "the staging tables to go")
        assert f"node {engine.target} to: " in message, message
        return message

    assert "column t: a value of 6 characters does not fit: the column has 5" in fails({"n": 1, "t": "x"}, {"n": 2, "t": "too lo"})
    assert "column n: it takes no NULL" in fails({"n": 1, "t": "x"}, {"t": "y"})
    # Only the database knows of the row that is there; it says so before anything is published.
    assert "refused: " in fails({"n": 1, "t": "x"}, {"n": 3, "t": "new"})
    assert "refused: " in fails({"n": 1, "t": "x"}, {"n": 40_000, "t": "y"})
    assert "do not fit into" in fails({"n": 1.5, "t": "x"})
    assert "has no column other; it has n, t" in fails({"n": 1, "t": "x", "other": 1})
    glue.put("src/a.json", json.dumps({"N": 1, "t": "x    "}))
    glue.run(job)
    assert engine.rows("SELECT n, t FROM tight ORDER BY n") == ["1|x    ", "3|old"], "names are found ignoring case"
    assert len(glue.read("files")) == 1, "the bookmark had not moved"
    assert glue.run(job) and len(engine.rows("SELECT n FROM tight")) == 2, "now it has"


def test_columns_that_are_left_out_get_what_the_table_says(glue, engine):
    numbered = "GENERATED BY DEFAULT AS IDENTITY" if engine.kind == "postgresql" else "AUTO_INCREMENT"
    engine.sql(f"CREATE TABLE rich (id INT {numbered} PRIMARY KEY, n BIGINT, t TEXT, state VARCHAR(9) DEFAULT 'new')")
    glue.declared(engine, "rich")
    glue.numbers("a", 7, 8)
    glue.run(glue.copies(engine, "rich"))
    assert sorted(row.split("|")[0] + row.split("|")[1] for row in engine.rows("SELECT n, state FROM rich")) == ["7new", "8new"]


def test_tables_without_transactions_and_of_other_engines_are_refused(glue, mariadb, postgres):  # noqa: F811
    engine, other = Engine("mysql", mariadb), Engine("postgresql", postgres)
    engine.sql("CREATE TABLE loose (n BIGINT, t LONGTEXT) ENGINE = MyISAM", "CREATE TABLE kept (n BIGINT, t LONGTEXT)",
               "CREATE VIEW seen AS SELECT * FROM kept")
    glue.numbers("a", 1)
    connection = glue.connect(engine.url)
    for table in ("loose", "seen"):
        glue.declared(engine, table, connection)
        assert "within a transaction" in glue.fails(glue.copies(engine, table)), table
    assert "is not one of PostgreSQL" in glue.fails(glue.copies(other, "loose"))
    assert engine.rows("SELECT * FROM loose") == []


def outcome(glue, engine, nodes):
    job = glue.create(nodes)
    run = glue.wait(job, glue.start(job))
    return run["JobRunState"], run.get("ErrorMessage"), {table: sorted(engine.rows(f"SELECT n FROM {table}")) for table in sorted(engine.tables())}


def test_the_fields_of_catalog_targets_act(glue, engine):
    assert [field for field, meaning in KINDS[engine.target].items() if meaning == "acts"] == ["Name", "Inputs", "Database", "Table"]
    second = name("db")
    glue.client.create_database(DatabaseInput={"Name": second})
    glue.numbers("a", 1)
    glue.put("more/a.json", json.dumps({"n": 2, "t": ""}))
    connection = glue.declared(engine, "one")
    glue.declared(engine, "two", connection)
    glue.client.create_table(DatabaseName=second, TableInput={
        "Name": "one", "Parameters": {"classification": engine.kind, "connectionName": connection},
        "StorageDescriptor": {"Location": engine.place("three"), "Columns": [{"Name": "n", "Type": "bigint"}]}})
    more = {"S3JsonSource": {"Name": "more", "Paths": [glue.path("more")]}}

    def change(**members):
        return outcome(glue, engine, {"src": glue.src(), "more": more, "to": glue.into(engine, "one", **members)})

    assert change() == ("SUCCEEDED", None, {"one": ["1"]})
    assert change(Table="two")[2] == {"one": ["1"], "two": ["1"]}
    assert change(Database=second)[2] == {"one": ["1"], "two": ["1"], "three": ["1"]}
    assert change(Inputs=["more"])[2]["one"] == ["1", "2"]
    state, message, _ = change(Name="told", Table="nope")
    assert state == "FAILED" and f"node {engine.target} to (told)" in message


def test_the_fields_of_connection_targets_act(glue, postgres, mariadb):  # noqa: F811
    assert [field for field, meaning in KINDS["JDBCConnectorTarget"].items() if meaning == "acts"] == [
        "Name", "Inputs", "ConnectionName", "ConnectionTable", "ConnectionType"]
    engine, other, mysql = Engine("postgresql", postgres), Engine("postgresql", postgres), Engine("mysql", mariadb)
    engine.sql("CREATE SCHEMA \"My.Schema\"", "GRANT ALL ON SCHEMA \"My.Schema\" TO tester")
    first, second, third = (glue.connect(one.url) for one in (engine, other, mysql))
    glue.numbers("a", 1)
    glue.put("more/a.json", json.dumps({"n": 2, "t": ""}))
    more = {"S3JsonSource": {"Name": "more", "Paths": [glue.path("more")]}}
    base = {"Name": "to", "Inputs": ["src"], "ConnectionName": first, "ConnectionTable": "one", "ConnectorName": "c",
            "ConnectionType": "postgresql"}

    def change(**members):
        return outcome(glue, engine, {"src": glue.src(), "more": more, "to": {"JDBCConnectorTarget": {**base, **members}}})

    assert change() == ("SUCCEEDED", None, {"one": ["1"]})
    assert change(Inputs=["more"])[2] == {"one": ["1", "2"]}
    assert change(ConnectionTable='"My.Schema"."T"')[2] == {"one": ["1", "2"]}
    assert engine.rows('SELECT n FROM "My.Schema"."T"') == ["1"]
    assert change(ConnectionName=second)[2] == {"one": ["1", "2"]}
    assert other.rows("SELECT n FROM one") == ["1"]
    assert "to PostgreSQL" in change(ConnectionType="mysql")[1]
    assert change(ConnectionName=third, ConnectionType="mysql")[0] == "SUCCEEDED"
    assert mysql.rows("SELECT n FROM one") == ["1"]
    assert "node JDBCConnectorTarget to (told)" in change(Name="told", ConnectionName="nope")[1]
    with pytest.raises(glue.client.exceptions.InvalidInputException, match="runs a driver of its own in Java"):
        change(ConnectionType="custom.jdbc")


# Crashes

JOBS = 3
EACH = 500
# Whether the run is published when the server is killed there.
POINTS = [("jobs.run.after_staging", False), ("jobs.run.before_commit", False), ("jobs.run.after_commit", True),
          ("jobs.run.delivered", True)]


class Crash:
    """Jobs that write the same source to one table, each row with the job's number, and to files."""

    def __init__(self, server, engine, jobs, **more):
        self.server, self.engine = server, engine
        self.glue = Deliveries(server.start())
        for key in range(5):
            self.glue.numbers(key, *range(key * EACH // 5, (key + 1) * EACH // 5))
        self.glue.declared(engine, "crashed")
        self.jobs = [self.job(number, **more) for number in range(jobs)]

    def job(self, number, **more):
        query = f"SELECT n + {number * EACH} AS n, t FROM src"
        sql = {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": query, "SqlAliases": [{"From": "src", "Alias": "src"}]}}
        nodes = {"src": self.glue.src(), "q": sql, "to": self.glue.into(self.engine, "crashed", "q"),
                 "files": parquet(self.glue, "q", "files")}
        return self.glue.create(nodes, DefaultArguments=ENABLED, **more)

    def killed(self, point, tmp_path):
        """Starts all jobs on a server that is killed at the point; their runs."""
        assert self.server.stop() == 0
        marker = tmp_path / "marker"
        self.server.arguments = ["--set", f"crash.point={point}", "--set", f"crash.marker={marker}"]
        self.again()
        runs = [self.glue.start(job) for job in self.jobs]
        assert self.server.process.wait(120) == -signal.SIGKILL
        assert set(marker.read_text().split()) == {point.split("@")[0]}
        self.server.arguments = []
        return runs

    def again(self):
        bucket, database = self.glue.bucket, self.glue.database
        self.glue = Deliveries(self.server.start())
        self.glue.bucket, self.glue.database = bucket, database

    def rows(self):
        return sorted(map(int, self.engine.rows("SELECT n FROM crashed"))) if "crashed" in self.engine.tables() else []

    def files(self):
        frame = self.glue.read("files")
        return sorted(frame["n"]) if len(frame) else []


@pytest.mark.parametrize(("point", "published"), POINTS, ids=[point for point, _ in POINTS])
@pytest.mark.parametrize("hit", [1, JOBS])
def test_killed_between_two_databases_rows_arrive_once(tenon_factory, tmp_path, engine, point, published, hit):
    if hit > 1:
        # Of several runs that make a table one does.
        engine.sql("CREATE TABLE crashed (n BIGINT, t TEXT)")
    crash = Crash(tenon_factory(), engine, JOBS)
    runs = crash.killed(f"{point}@{hit}", tmp_path)
    crash.again()
    ended = [crash.glue.wait(job, run) for job, run in zip(crash.jobs, runs)]
    states = [run["JobRunState"] for run in ended]
    assert set(states) <= {"SUCCEEDED", "FAILED"}
    if published:
        assert "SUCCEEDED" in states, "what was decided is delivered"
    else:
        assert "FAILED" in states
    done = [n for number, state in enumerate(states) if state == "SUCCEEDED" for n in range(number * EACH, (number + 1) * EACH)]
    assert crash.rows() == crash.files() == done, "data and state agree"
    for job in crash.jobs:
        crash.glue.run(job)
    assert crash.rows() == crash.files() == list(range(JOBS * EACH)), "so does the bookmark: nothing is lost or doubled"
    wait_until(lambda: engine.tables() == {"crashed"}, "what was staged to go")


def test_a_run_that_is_killed_and_retried_delivers_once(tenon_factory, tmp_path, engine):
    crash = Crash(tenon_factory(), engine, 1, MaxRetries=1)
    [run] = crash.killed("jobs.run.before_commit", tmp_path)
    crash.again()
    assert crash.glue.wait(crash.jobs[0], run)["JobRunState"] == "FAILED"
    assert crash.glue.wait(crash.jobs[0], f"{run}_attempt_1")["JobRunState"] == "SUCCEEDED"
    assert crash.rows() == crash.files() == list(range(EACH))


def test_a_database_that_is_gone_after_the_decision_is_waited_for(tenon_factory, tmp_path, postgres):  # noqa: F811
    engine = Engine("postgresql", postgres)
    crash = Crash(tenon_factory("--set", "lease_time=1s"), engine, 1)
    [run] = crash.killed("jobs.run.after_commit", tmp_path)
    crash.server.arguments = ["--set", "lease_time=1s"]
    postgres.stop()
    try:
        crash.again()
        wait_until(lambda: any("rows for a database are still on their way" in line for line in crash.glue.log("error", run)), "a try")
        assert crash.glue.get(crash.jobs[0], run)["JobRunState"] == "RUNNING"
        with pytest.raises(crash.glue.client.exceptions.InvalidInputException, match="on their way to a database"):
            crash.glue.client.delete_job(JobName=crash.jobs[0])
    finally:
        postgres.go_on()
    assert crash.glue.wait(crash.jobs[0], run)["JobRunState"] == "SUCCEEDED"
    assert crash.rows() == crash.files() == list(range(EACH))


def test_rows_that_a_changed_table_no_longer_takes_stay_where_they_are(tenon_factory, tmp_path, postgres):  # noqa: F811
    engine = Engine("postgresql", postgres)
    engine.sql("CREATE TABLE crashed (n BIGINT, t TEXT)")
    crash = Crash(tenon_factory(), engine, 1, MaxRetries=1)
    [run] = crash.killed("jobs.run.after_commit", tmp_path)
    engine.sql("ALTER TABLE crashed ALTER n TYPE SMALLINT")
    crash.again()
    ended = crash.glue.wait(crash.jobs[0], run)
    [staging] = engine.tables() - {"crashed"}
    assert ended["JobRunState"] == "FAILED" and f"they wait in public.{staging}" in ended["ErrorMessage"]
    assert "column n of crashed is not as it was any more" in ended["ErrorMessage"]
    assert engine.rows(f"SELECT count(*) FROM {staging}") == [str(EACH)] and crash.rows() == []
    runs = crash.glue.client.get_job_runs(JobName=crash.jobs[0])["JobRuns"]
    assert [one["Id"] for one in runs] == [run], "not tried again: the rest is published"
    crash.glue.client.delete_job(JobName=crash.jobs[0])


def test_a_gate_after_the_loading_fails_the_run_with_its_rows_delivered(glue, engine):
    glue.numbers("a", 1, 2)
    glue.declared(engine, "gated")
    rules = {"EvaluateDataQuality": {"Name": "dq", "Inputs": ["src"], "Ruleset": "Rules = [ RowCount > 5 ]", "Output": "PrimaryInput",
                                     "StopJobOnFailureOptions": {"StopJobOnFailureTiming": "AfterDataLoad"}}}
    job = glue.create({"src": glue.src(), "dq": rules, "to": glue.into(engine, "gated", "dq")})
    assert "1 of 1 data quality rules did not pass" in glue.fails(job)
    assert sorted(engine.rows("SELECT n FROM gated")) == ["1", "2"]


def explained(glue, job):
    done = glue.server.cli("job", "explain", job, "--json", check=False)
    return done.returncode, {node["Id"]: node for node in json.loads(done.stdout)["Nodes"]}


def test_a_target_in_a_database_is_explained_and_not_touched(glue, engine):
    glue.numbers("a", 1)
    glue.declared(engine, "soon")
    job = glue.copies(engine, "soon")
    code, nodes = explained(glue, job)
    assert code == 0 and any("is missing and would be made" in note for note in nodes["to"]["Notes"])
    assert engine.tables() == set()
    engine.sql("CREATE TABLE soon (n BIGINT, t TEXT)")
    code, nodes = explained(glue, job)
    assert code == 0 and any("rows would be added to" in note for note in nodes["to"]["Notes"])
    assert "a run would fail" not in glue.server.cli("job", "explain", job).stdout
    engine.sql("DROP TABLE soon", "CREATE TABLE soon (n DATE, t TEXT)")
    code, nodes = explained(glue, job)
    assert code == 1 and "do not fit into date" in nodes["to"]["Problem"]
    assert engine.tables() == {"soon"} and engine.rows("SELECT n FROM soon") == []


def read_events(file, count):
    lines = wait_until(lambda: file.exists() and len(read := file.read_text().splitlines()) == count and read, f"{count} events")
    return [json.loads(line) for line in lines]


def test_lineage_and_events_go_through_databases(tenon_factory, tmp_path, engine):
    file = tmp_path / "events.jsonl"
    glue = Deliveries(tenon_factory("--set", f"lineage.file={file}").start())
    glue.numbers("a", 1, 2, 3)
    connection = glue.declared(engine, "between")
    first = glue.copies(engine, "between")
    run = glue.run(first)["Id"]
    start, complete = read_events(file, 2)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    [written] = complete["outputs"]
    path = f"{engine.database}.public.between" if engine.kind == "postgresql" else f"{engine.database}.between"
    assert written["namespace"].startswith("postgres://" if engine.kind == "postgresql" else "mysql://") and written["name"] == path
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert written["facets"]["symlinks"]["identifiers"][0]["name"] == f"table/{glue.database}/between"
    # By the address alone: the second job does not know the table of the catalog.
    source = {"JDBCConnectorSource": {"Name": "s", "ConnectionName": connection, "ConnectionTable": "between", "ConnectorName": "c",
                                      "ConnectionType": engine.kind}}
    second = glue.create({"s": source, "o": parquet(glue, "s", "onwards")})
    glue.run(second)
    lineage = lambda name: json.loads(glue.server.cli("lineage", name, "--json").stdout)  # noqa: E731
    onwards = lineage(f"s3://{glue.bucket}/src/a.json")["Downstream"]
    assert [(step["Distance"], step["Job"]) for step in onwards] == [(0, first), (1, second)]
    back = lineage(f"s3://{glue.bucket}/onwards/")["Upstream"]
    assert [(step["Distance"], step["Job"]) for step in back] == [(0, second), (1, first)]
    address = f"{written['namespace']}/{path}"
    [step] = lineage(address)["Upstream"]
    assert (step["RunId"], step["Outputs"][0]["Location"], step["Outputs"][0]["Rows"]) == (run, address, 3)
    assert [step["Job"] for step in lineage(f"{glue.database}.between")["Upstream"]] == [first]


def test_rows_that_arrive_after_a_crash_are_told_of(tenon_factory, tmp_path, engine):
    file = tmp_path / "events.jsonl"
    crash = Crash(tenon_factory(), engine, 1)
    [run] = crash.killed("jobs.run.after_commit", tmp_path)
    crash.server.arguments = ["--set", f"lineage.file={file}"]
    crash.again()
    assert crash.glue.wait(crash.jobs[0], run)["JobRunState"] == "SUCCEEDED"
    [event] = read_events(file, 1)
    assert event["eventType"] == "COMPLETE" and event["run"]["facets"]["tenon_jobRun"]["jobRunId"] == run
    assert sorted(output["outputFacets"]["outputStatistics"]["rowCount"] for output in event["outputs"]) == [EACH, EACH]
