"""Job bookmarks over tables of PostgreSQL and MariaDB: what is new by a key, single or compound, rising or falling, with gaps;
pause, ranges of runs, resets, and kills."""

import json
import signal

import pytest

from conftest import name
from test_crawler_jdbc import mariadb, postgres  # noqa: F401: fixtures
from test_job_databases import Databases
from test_job_deliveries import Engine, engine  # noqa: F401: a fixture
from test_job_nodes import KINDS
from test_jobs import ENABLED, parquet

PAUSED = {"--job-bookmark-option": "job-bookmark-pause"}


class Keys(Databases):
    """A table `t` with a key, read by jobs with bookmarks, and what each run has read of column `v`."""

    def by_connection(self, engine, table="t", keys=None, order=None, connection=None):  # noqa: F811
        options = {"JobBookmarkKeys": keys, "JobBookmarkKeysSortOrder": order}
        node = {"Name": "s", "ConnectionName": connection or self.connect(engine.url), "ConnectionTable": table, "ConnectorName": "c",
                "ConnectionType": engine.kind, "AdditionalOptions": {k: v for k, v in options.items() if v}}
        return {"JDBCConnectorSource": node}

    def by_catalog(self, engine, columns, table="t"):  # noqa: F811
        self.table(table, self.connect(engine.url), engine.place(table), columns, engine=engine.kind)
        return self.source(table, engine.source)

    def job(self, source):
        # The same folder for all runs: what one has read is what was added.
        return self.create({"s": source, "o": parquet(self, "s", "out")}, DefaultArguments=ENABLED)

    def adds(self, job, column="v", **arguments):
        before = set(self.keys("out"))
        run = self.run(job, Arguments=arguments) if arguments else self.run(job)
        added = [key for key in self.keys("out") if key not in before]
        everything = self.read("out") if added else None
        for key in added:
            self.s3.copy_object(Bucket=self.bucket, Key=f"old/{key}", CopySource={"Bucket": self.bucket, "Key": key})
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return run["Id"], sorted(everything[column]) if added and len(everything) else []

    def bookmark(self, job):
        return json.loads(self.client.get_job_bookmark(JobName=job)["JobBookmarkEntry"]["JobBookmark"])


@pytest.fixture
def glue(tenon):
    return Keys(tenon)


def test_the_primary_key_tells_what_is_new_with_gaps(glue, engine):  # noqa: F811
    engine.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 10), (2, 20), (9007199254740993, 30)")
    job = glue.job(glue.by_catalog(engine, [("id", "bigint"), ("v", "int")]))
    assert glue.adds(job)[1] == [10, 20, 30]
    assert glue.adds(job)[1] == []
    engine.sql("INSERT INTO t VALUES (9007199254740994, 40), (9007199254741994, 50)", "UPDATE t SET v = 11 WHERE id = 1",
               "INSERT INTO t VALUES (5, 99)")
    assert glue.adds(job)[1] == [40, 50], "neither what was changed nor what came with an earlier key"
    assert glue.bookmark(job)["s"] == {"keys": ["id"], "order": "asc", "last": ["9007199254741994"], "table": glue.bookmark(job)["s"]["table"]}
    assert glue.adds(job, **{"--bookmark-full-sources": "s"})[1] == [11, 20, 30, 40, 50, 99]
    assert glue.adds(job, **{"--job-bookmark-option": "job-bookmark-disable"})[1] == [11, 20, 30, 40, 50, 99]
    assert glue.adds(job)[1] == []


def test_compound_keys_dates_and_falling_keys(glue, engine):  # noqa: F811
    engine.sql("CREATE TABLE t (day DATE NOT NULL, no INT NOT NULL, v INT)",
               "INSERT INTO t VALUES ('2026-01-01', 7, 1), ('2026-01-02', 1, 2), ('2026-01-02', 2, 3)")
    rising = glue.job(glue.by_connection(engine, keys=["DAY", "no"]))
    falling = glue.job(glue.by_connection(engine, keys=["day", "no"], order="desc"))
    assert glue.adds(rising)[1] == [1, 2, 3] and glue.adds(falling)[1] == [1, 2, 3]
    engine.sql("INSERT INTO t VALUES ('2026-01-02', 5, 4), ('2026-01-03', 0, 5), ('2026-01-01', 6, 6), ('2025-12-31', 9, 7)")
    assert glue.adds(rising)[1] == [4, 5]
    assert glue.adds(falling)[1] == [6, 7]
    assert glue.bookmark(rising)["s"]["last"] == ["2026-01-03", "0"]
    assert glue.bookmark(falling)["s"] == {**glue.bookmark(rising)["s"], "order": "desc", "last": ["2025-12-31", "9"]}


@pytest.mark.parametrize(("kind", "values"), [
    ("DECIMAL(20,5)", ["1.00001", "1.00002", "123456789012345.00001"]),
    ("TIMESTAMP(6)", ["'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00.000002'", "'2026-06-01 12:00:00'"]),
    ("VARCHAR(20)", ["'a'", "'a''\\b'", "'ü'"]),
    ("DATE", ["'2026-01-01'", "'2026-01-02'", "'2027-01-01'"]),
])
def test_keys_of_each_type_are_compared_exactly(glue, engine, kind, values):  # noqa: F811
    values = [value.replace("\\", "\\\\") if engine.kind == "mysql" else value for value in values]
    null = " NULL" if kind.startswith("TIMESTAMP") else ""
    engine.sql(f"CREATE TABLE t (k {kind}{null}, v INT)")
    job = glue.job(glue.by_connection(engine, keys=["k"]))
    assert glue.adds(job)[1] == []
    for number, value in enumerate(values):
        engine.sql(f"INSERT INTO t VALUES ({value}, {number})")
        assert glue.adds(job)[1] == [number]
        assert glue.adds(job)[1] == []


@pytest.mark.parametrize("kind", ["INT", "BIGINT", "DECIMAL(20,2)"])
def test_numbers_are_in_their_own_order_and_not_in_that_of_texts(glue, engine, kind):  # noqa: F811
    engine.sql(f"CREATE TABLE t (id {kind} PRIMARY KEY, v INT)", "INSERT INTO t VALUES (-20, 1), (-3, 2), (9, 3), (10, 4), (100, 5)")
    rising, falling = (glue.job(glue.by_connection(engine, order=order)) for order in (None, "desc"))
    assert glue.adds(rising)[1] == [1, 2, 3, 4, 5] and glue.adds(falling)[1] == [1, 2, 3, 4, 5]
    engine.sql("INSERT INTO t VALUES (99, 6), (1000, 7), (-100, 8)")
    assert glue.adds(rising)[1] == [7] and glue.adds(falling)[1] == [8]


def test_pause_ranges_of_runs_and_resets(glue, engine):  # noqa: F811
    engine.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    job = glue.job(glue.by_connection(engine))
    runs = []
    for number in (1, 2, 3):
        engine.sql(f"INSERT INTO t VALUES ({number}, {number}0)")
        run, added = glue.adds(job)
        assert added == [number * 10]
        runs.append(run)
    engine.sql("INSERT INTO t VALUES (4, 40)")
    assert glue.adds(job, **PAUSED)[1] == [40] and glue.adds(job, **PAUSED)[1] == [40]
    between = lambda a, b: {**PAUSED, "--job-bookmark-from": runs[a], "--job-bookmark-to": runs[b]}  # noqa: E731
    assert glue.adds(job, **between(0, 2))[1] == [20, 30]
    assert glue.adds(job, **between(0, 1))[1] == [20]
    assert glue.adds(job, **between(1, 1))[1] == []
    glue.client.reset_job_bookmark(JobName=job, RunId=runs[1])
    assert glue.bookmark(job)["s"]["last"] == ["2"]
    assert glue.adds(job)[1] == [30, 40]
    glue.client.reset_job_bookmark(JobName=job)
    assert glue.bookmark(job) == {}
    assert glue.adds(job)[1] == [10, 20, 30, 40]


def test_a_bookmark_by_keys_is_shown_set_and_rewound_by_hand(glue, engine, tmp_path):  # noqa: F811
    cli, file = glue.server.cli, tmp_path / "bookmark.json"
    engine.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 10), (2, 20)")
    job = glue.job(glue.by_connection(engine))
    first, _ = glue.adds(job)
    engine.sql("INSERT INTO t VALUES (3, 30)")
    glue.adds(job)
    assert "up to id = 3" in cli("bookmark", "show", job).stdout
    shown = json.loads(cli("bookmark", "show", job, "--json").stdout)
    assert (shown["Tables"]["s"]["Keys"], shown["Tables"]["s"]["Last"]) == (["id"], ["3"])
    file.write_text(json.dumps({**shown, "Tables": {"s": {**shown["Tables"]["s"], "Last": ["1"]}}}))
    assert "1 tables of databases up to another key" in cli("bookmark", "set", job, str(file)).stdout
    assert glue.adds(job)[1] == [20, 30]
    now = json.loads(cli("bookmark", "show", job, "--json").stdout)
    file.write_text(json.dumps({**now, "Tables": {}}))
    cli("bookmark", "set", job, str(file))
    assert glue.adds(job)[1] == [10, 20, 30], "of a table without a key all is new"
    rewound = json.loads(cli("bookmark", "rewind", job, "--to", first, "--json").stdout)
    assert (rewound["Tables"], glue.adds(job)[1]) == (1, [30])
    del now["Tables"]
    file.write_text(json.dumps(now))
    refused = cli("bookmark", "set", job, str(file), check=False)
    assert refused.returncode == 1 and "has no Tables" in refused.stderr


def test_what_a_key_cannot_tell_is_refused(glue, engine):  # noqa: F811
    engine.sql("CREATE TABLE t (id INT, f DOUBLE PRECISION PRIMARY KEY, at INT)", "INSERT INTO t VALUES (1, 1, NULL)")
    connection = glue.connect(engine.url)
    of = lambda keys, order=None: glue.by_connection(engine, keys=keys, order=order, connection=connection)  # noqa: E731
    assert "values cannot be told apart exactly by order" in glue.fails(glue.job(of(None)))
    assert "a row has NULL in its key at" in glue.fails(glue.job(of(["at"])))
    assert "the key's column nope is none of the table's" in glue.fails(glue.job(of(["nope"])))
    for keys, order, what in ((["id", "ID"], None, "names ID twice"), (["id"], "up", "up is not one of asc, desc")):
        with pytest.raises(glue.client.exceptions.InvalidInputException, match=what):
            glue.job(of(keys, order))
    job = glue.job(of(["id"]))
    glue.run(job)
    glue.client.update_job(JobName=job, JobUpdate={
        "Role": "r", "Command": {"Name": "glueetl"}, "DefaultArguments": ENABLED,
        "CodeGenConfigurationNodes": {"s": of(["id"], "desc"), "o": parquet(glue, "s", "out")}})
    assert "earlier runs have read it by the rising key id" in glue.fails(job)
    glue.client.reset_job_bookmark(JobName=job)
    glue.run(job)


def test_the_fields_of_connection_sources_act(glue, postgres, mariadb):  # noqa: F811
    assert [field for field, meaning in KINDS["JDBCConnectorSource"].items() if meaning == "acts"] == [
        "Name", "ConnectionName", "ConnectionTable", "ConnectionType", "AdditionalOptions.JobBookmarkKeys",
        "AdditionalOptions.JobBookmarkKeysSortOrder"]
    engine, other, mysql = Engine("postgresql", postgres), Engine("postgresql", postgres), Engine("mysql", mariadb)  # noqa: F811
    for number, one in enumerate((engine, other, mysql)):
        one.sql("CREATE TABLE t (id INT PRIMARY KEY, a INT, v INT)", f"INSERT INTO t VALUES (1, 1, {number})")
    engine.sql("CREATE TABLE u (id INT PRIMARY KEY, v INT)", "INSERT INTO u VALUES (1, 7)")
    first, second, third = (glue.connect(one.url) for one in (engine, other, mysql))

    def reads(connection=first, table="t", **members):
        node = glue.by_connection(engine, table, connection=connection)["JDBCConnectorSource"]
        return glue.adds(glue.job({"JDBCConnectorSource": {**node, **members}}))[1]

    assert (reads(), reads(second), reads(third, ConnectionType="mysql"), reads(table="u")) == ([0], [1], [2], [7])
    assert "node JDBCConnectorSource s (told)" in glue.fails(glue.job({"JDBCConnectorSource": {
        **glue.by_connection(engine, "nope", connection=first)["JDBCConnectorSource"], "Name": "told"}}))
    # By `a` the second row is not new, falling it is.
    jobs = [glue.job(glue.by_connection(engine, keys=keys, order=order, connection=first))
            for keys, order in ((["id"], None), (["a"], None), (["a"], "desc"))]
    for job in jobs:
        glue.adds(job)
    engine.sql("INSERT INTO t VALUES (2, 0, 5)")
    assert [glue.adds(job)[1] for job in jobs] == [[5], [], [5]]


def test_rows_go_from_database_to_database_once_whatever_is_killed(tenon_factory, tmp_path, engine):  # noqa: F811
    server = tenon_factory()
    glue = Keys(server.start())
    engine.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE copied (id INT, v INT)")
    connection = glue.connect(engine.url)
    to = {"JDBCConnectorTarget": {"Name": "to", "Inputs": ["s"], "ConnectionName": connection, "ConnectionTable": "copied",
                                  "ConnectorName": "c", "ConnectionType": engine.kind}}
    job = glue.create({"s": glue.by_connection(engine, connection=connection), "to": to}, DefaultArguments=ENABLED)
    expected = []
    for number, point in enumerate(("before_staging", "after_staging", "before_commit", "after_commit", "delivered")):
        assert server.stop() == 0
        engine.sql(f"INSERT INTO t VALUES ({number * 10}, {number})")
        marker = tmp_path / point
        server.arguments = ["--set", f"crash.point=jobs.run.{point}", "--set", f"crash.marker={marker}"]
        glue.client = server.start().client("glue")
        run = glue.start(job)
        assert server.process.wait(120) == -signal.SIGKILL and marker.exists()
        server.arguments = []
        glue.client = server.start().client("glue")
        state = glue.wait(job, run)["JobRunState"]
        assert state == ("SUCCEEDED" if point in ("after_commit", "delivered") else "FAILED")
        glue.run(job)
        expected.append(f"{number * 10}|{number}")
        assert sorted(engine.rows("SELECT id, v FROM copied")) == sorted(expected), point
