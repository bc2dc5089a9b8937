"""Two servers on one PostgreSQL store, with a third one as the S3 that keeps the bytes of both."""

import concurrent.futures
import pathlib
import shutil
import signal
import tempfile

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from conftest import name, wait_until
from postgres import Postgres

LEASE_SECONDS = 2
WORKERS = 4


@pytest.fixture
def postgres():
    # Not below the test's own folder, which other users may not enter.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-pg-"))
    server = Postgres(folder).start()
    yield server
    server.stop()
    shutil.rmtree(folder)


class Pair:
    def __init__(self, factory, postgres):
        self.outside = factory().start()
        self.place = self.outside.bucket("outside")
        self.environment = {
            "TENON_STORE": postgres.url,
            "TENON_OBJECTS_STORE": f"s3://{self.place}/lake",
            "TENON_OBJECTS_ENDPOINT": self.outside.endpoint,
            "TENON_OBJECTS_ACCESS_KEY_ID": "test",
            "TENON_OBJECTS_SECRET_ACCESS_KEY": "test",
            "TENON_LEASE_TIME": f"{LEASE_SECONDS}s",
            "TENON_SECRETS_KEY": "ab" * 32,
        }
        self.servers = [factory(environment=self.environment).start() for _ in range(2)]

    def clients(self, service):
        return [server.client(service) for server in self.servers]

    def extents(self):
        pages = self.outside.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.place, Prefix="lake/extents/")
        return [item["Key"] for page in found for item in page.get("Contents", [])]


@pytest.fixture
def pair(tenon_factory, postgres):
    return Pair(tenon_factory, postgres)


def at_once(calls):
    """Runs the calls side by side; returns their results, and the codes of the errors."""
    def attempt(call):
        try:
            return call(), None
        except ClientError as error:
            return None, error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        done = list(pool.map(attempt, calls))
    return [result for result, code in done if code is None], [code for _, code in done if code is not None]


def test_objects_of_one_are_the_others(pair):
    a, b = pair.clients("s3")
    bucket = pair.servers[0].bucket()
    large = bytes(range(256)) * 100_000
    a.put_object(Bucket=bucket, Key="small", Body=b"small")
    a.put_object(Bucket=bucket, Key="large", Body=large)
    upload = b.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = []
    for number, client in enumerate((a, b), 1):
        part = client.upload_part(
            Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=large[: 6 << 20]
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    a.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    for client in (b, a):
        assert client.get_object(Bucket=bucket, Key="small")["Body"].read() == b"small"
        assert client.get_object(Bucket=bucket, Key="large")["Body"].read() == large
        assert client.get_object(Bucket=bucket, Key="large", Range="bytes=1000-1999")["Body"].read() == large[1000:2000]
        assert client.get_object(Bucket=bucket, Key="parts")["Body"].read() == large[: 6 << 20] * 2
    # Many small ones are rows; large ones are extents outside, and go with the last object that names them.
    assert len(pair.extents()) == 3
    for server in pair.servers:
        assert not (server.data_dir / "objects").exists()
    b.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/large")
    a.delete_object(Bucket=bucket, Key="large")
    assert b.get_object(Bucket=bucket, Key="copy")["Body"].read() == large
    for key in ("copy", "parts", "small"):
        a.delete_object(Bucket=bucket, Key=key)
    wait_until(lambda: not pair.extents(), "the extents to be collected")
    assert "Contents" not in b.list_objects_v2(Bucket=bucket)


def test_an_object_that_may_only_be_made_once_is_made_once(pair):
    a, b = pair.clients("s3")
    bucket = pair.servers[0].bucket()
    for round_ in range(5):
        bodies = [bytes([n]) * 50_000 for n in range(2 * WORKERS)]
        calls = [
            lambda client=client, body=body: client.put_object(
                Bucket=bucket, Key=f"k{round_}", Body=body, IfNoneMatch="*"
            )
            for client, body in zip((a, b) * WORKERS, bodies)
        ]
        made, refused = at_once(calls)
        assert len(made) == 1
        assert set(refused) <= {"PreconditionFailed", "ConditionalRequestConflict"}
        bodies_seen = {client.get_object(Bucket=bucket, Key=f"k{round_}")["Body"].read() for client in (a, b)}
        assert len(bodies_seen) == 1 and bodies_seen < set(bodies)


def test_catalog_writes_from_both(pair):
    a, b = pair.clients("glue")
    database = name("db")
    a.create_database(DatabaseInput={"Name": database})
    keys = [{"Name": "p", "Type": "string"}]
    for number in range(5):
        made, refused = at_once([
            lambda client=client: client.create_table(
                DatabaseName=database, TableInput={"Name": f"t{number}", "PartitionKeys": keys}
            )
            for client in (a, b) * WORKERS
        ])
        assert (len(made), set(refused)) == (1, {"AlreadyExistsException"})
    listed = [[t["Name"] for t in client.get_tables(DatabaseName=database)["TableList"]] for client in (a, b)]
    assert listed[0] == listed[1] == [f"t{number}" for number in range(5)]

    # Counting up by reading and writing: with the version that was read no update is lost.
    def count_up(client, times):
        for _ in range(times):
            while True:
                table = client.get_table(DatabaseName=database, Name="t0")["Table"]
                count = int(table.get("Parameters", {}).get("count", 0)) + 1
                changed = {"Name": "t0", "PartitionKeys": keys, "Parameters": {"count": str(count)}}
                try:
                    client.update_table(DatabaseName=database, TableInput=changed, VersionId=table["VersionId"])
                    break
                except client.exceptions.ConcurrentModificationException:
                    continue

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda client: count_up(client, 10), (a, b, a, b)))
    assert [c.get_table(DatabaseName=database, Name="t0")["Table"]["Parameters"]["count"] for c in (a, b)] == ["40"] * 2
    assert len(b.get_table_versions(DatabaseName=database, TableName="t0", MaxResults=100)["TableVersions"]) == 41

    # The same partitions from both: each is made once, and each refusal names one that is there.
    batch = [{"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://b/{n}"}} for n in range(100)]
    answers, refused = at_once([
        lambda client=client: client.batch_create_partition(
            DatabaseName=database, TableName="t0", PartitionInputList=batch
        )
        for client in (a, b) * WORKERS
    ])
    assert not refused
    assert sum(100 - len(answer["Errors"]) for answer in answers) == 100
    found = b.get_paginator("get_partitions").paginate(DatabaseName=database, TableName="t0")
    assert sorted(p["Values"][0] for page in found for p in page["Partitions"]) == sorted(str(n) for n in range(100))


def crawler(pair, files, rows=50):
    """A crawler over a table with a folder per day; returns its name, which is its database's, too."""
    s3, glue = pair.servers[0].client("s3"), pair.servers[0].client("glue")
    bucket, made = pair.servers[0].bucket(), name("c")
    body = "id,word\n" + "".join(f"{n},w{n}\n" for n in range(rows))
    for n in range(files):
        s3.put_object(Bucket=bucket, Key=f"t/day={n % 5}/{n}.csv", Body=body.encode())
    glue.create_database(DatabaseInput={"Name": made})
    glue.create_crawler(
        Name=made, Role="r", DatabaseName=made, Targets={"S3Targets": [{"Path": f"s3://{bucket}/t/"}]}
    )
    return made


def ready(glue, made):
    return glue.get_crawler(Name=made)["Crawler"]["State"] == "READY"


def check_crawled(pair, made, files):
    for glue in pair.clients("glue"):
        (table,) = glue.get_tables(DatabaseName=made)["TableList"]
        assert table["Parameters"]["objectCount"] == str(files)
        partitions = glue.get_partitions(DatabaseName=made, TableName=table["Name"])["Partitions"]
        assert sorted(p["Values"][0] for p in partitions) == list("01234")


def test_one_crawl_at_a_time(pair):
    glues = pair.clients("glue")
    made = crawler(pair, files=25)
    started = 0
    for _ in range(5):
        begun, refused = at_once([lambda glue=glue: glue.start_crawler(Name=made) for glue in glues * 3])
        assert set(refused) <= {"CrawlerRunningException"}
        assert begun, "none was started"
        started += len(begun)
        for glue in glues:
            wait_until(lambda: ready(glue, made), "the crawl to end")
    crawls = glues[1].list_crawls(CrawlerName=made, MaxResults=100)["Crawls"]
    assert len(crawls) == started
    assert {crawl["State"] for crawl in crawls} == {"COMPLETED"}
    spans = sorted((crawl["StartTime"], crawl["EndTime"]) for crawl in crawls)
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:])), "two were at work at one time"
    check_crawled(pair, made, 25)


@pytest.mark.parametrize("point", ["crawl.started", "crawl.surveyed", "crawl.table.before_commit", "crawl.before_end"])
def test_a_crawl_moves_when_its_server_is_killed(pair, tmp_path, point):
    made = crawler(pair, files=25)
    first, second = pair.servers
    marker = tmp_path / "marker"
    first.stop()
    first.arguments = ["--set", f"crash.point={point}", "--set", f"crash.marker={marker}"]
    first.start()
    glue = second.client("glue")

    def killed():
        # Now and then the second server is quicker; then the crawl is done and another one is started.
        try:
            if not marker.exists() and ready(glue, made):
                first.client("glue").start_crawler(Name=made)
        except (BotoCoreError, ClientError):
            pass  # The server was killed within the call, or a crawl is at work.
        return marker.exists()

    wait_until(killed, "the first server to be killed")
    assert first.process.wait(60) == -signal.SIGKILL
    before = glue.list_crawls(CrawlerName=made)["Crawls"]
    wait_until(lambda: ready(glue, made), "the second server to take the crawl up and end it")
    after = glue.list_crawls(CrawlerName=made)["Crawls"]
    assert [crawl["CrawlId"] for crawl in after] == [crawl["CrawlId"] for crawl in before], "no other run was begun"
    assert after[0]["State"] == "COMPLETED"
    first.arguments = []
    first.start()
    check_crawled(pair, made, 25)
    # The killed server works again, also with what the other one wrote meanwhile.
    glue = first.client("glue")
    glue.start_crawler(Name=made)
    wait_until(lambda: ready(glue, made), "the crawl to end")
    check_crawled(pair, made, 25)


def test_a_query_of_a_killed_server_fails_and_the_others_go_on(pair, tmp_path):
    first, second = pair.servers
    marker = tmp_path / "marker"
    first.stop()
    first.arguments = ["--set", "crash.point=query.result.before_commit", "--set", f"crash.marker={marker}"]
    first.start()
    bucket = second.bucket()
    result = {"OutputLocation": f"s3://{bucket}/results/"}
    mine, its = second.client("athena"), first.client("athena")

    def state(query):
        return mine.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]

    while not marker.exists():
        try:
            query = its.start_query_execution(QueryString="SELECT 1", ResultConfiguration=result)["QueryExecutionId"]
        except BotoCoreError:
            break  # The server was killed within the call.
        wait_until(lambda: state(query) == "SUCCEEDED" or marker.exists(), "the query to end, or the kill")
    assert first.process.wait(60) == -signal.SIGKILL
    queries = mine.list_query_executions()["QueryExecutionIds"]
    wait_until(lambda: {state(q) for q in queries} <= {"SUCCEEDED", "FAILED"}, "the other server to notice")
    assert [state(q) for q in queries].count("FAILED") == 1
    # A start of one server leaves the other's queries alone.
    running = mine.start_query_execution(QueryString="SELECT 2", ResultConfiguration=result)["QueryExecutionId"]
    first.arguments = []
    first.start()
    wait_until(lambda: state(running) == "SUCCEEDED", "the query to end")


def test_servers_that_do_not_belong_together_are_refused(pair, tenon_factory, postgres):
    without = {key: value for key, value in pair.environment.items() if "OBJECTS" not in key}
    with pytest.raises(AssertionError, match="in an outside store"):
        tenon_factory(environment=without).start()
    elsewhere = {**pair.environment, "TENON_OBJECTS_STORE": f"s3://{pair.place}/elsewhere"}
    with pytest.raises(AssertionError, match="does not belong to this metadata store"):
        tenon_factory(environment=elsewhere).start()
    own = {key: value for key, value in pair.environment.items() if key != "TENON_STORE"}
    with pytest.raises(AssertionError, match="does not belong to this metadata store"):
        tenon_factory(environment=own).start()


def test_an_outside_that_is_gone_is_an_error_and_comes_back(pair):
    a = pair.servers[0].client("s3", read_timeout=120)
    bucket = pair.servers[0].bucket()
    a.put_object(Bucket=bucket, Key="here", Body=b"x" * 100_000)
    port = pair.outside.port
    pair.outside.stop()
    with pytest.raises(ClientError) as refused:
        a.put_object(Bucket=bucket, Key="large", Body=b"x" * 100_000)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
    # What has a copy here is read on; small objects are rows.
    assert a.get_object(Bucket=bucket, Key="here")["Body"].read() == b"x" * 100_000
    a.put_object(Bucket=bucket, Key="small", Body=b"small")
    pair.outside.listen = f"127.0.0.1:{port}"
    pair.outside.start()
    a.put_object(Bucket=bucket, Key="large", Body=b"y" * 100_000)
    assert pair.servers[1].client("s3").get_object(Bucket=bucket, Key="large")["Body"].read() == b"y" * 100_000


def test_an_outside_that_is_gone_fails_crawls_and_queries_by_name(pair):
    bucket, database = pair.servers[0].bucket(), name("db")
    rows = "id,v\n" + "".join(f"{n},{'x' * 60}\n" for n in range(1000))
    pair.servers[0].client("s3").put_object(Bucket=bucket, Key="t/a.csv", Body=rows.encode())
    # The other server has no copy of the bytes.
    server = pair.servers[1]
    glue, athena = server.client("glue"), server.client("athena")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_crawler(Name=database, Role="r", DatabaseName=database, Targets={"S3Targets": [{"Path": f"s3://{bucket}/t/"}]})

    def crawl():
        glue.start_crawler(Name=database)
        idle = lambda: (found := glue.get_crawler(Name=database)["Crawler"])["State"] == "READY" and found["LastCrawl"]
        return wait_until(idle, "the crawl to end", 120)

    def query():
        started = athena.start_query_execution(
            QueryString=f"SELECT count(*) FROM {database}.t",
            ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"})["QueryExecutionId"]
        ended = lambda: (found := athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]) and (
            found["State"] in ("SUCCEEDED", "FAILED") and found)
        return wait_until(ended, "the query to end", 120)

    port = pair.outside.port
    pair.outside.stop()
    last = crawl()
    assert last["Status"] == "FAILED" and "outside store" in last["ErrorMessage"], last
    pair.outside.listen = f"127.0.0.1:{port}"
    pair.outside.start()
    assert crawl()["Status"] == "SUCCEEDED"
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Parameters"]["objectCount"] == "1"
    assert query()["State"] == "SUCCEEDED"
    # A file of which nobody here has a copy.
    pair.servers[0].client("s3").put_object(Bucket=bucket, Key="t/b.csv", Body=rows.replace("x", "y").encode())
    pair.outside.stop()
    failed = query()
    assert failed["State"] == "FAILED" and "outside store" in failed["StateChangeReason"], failed
    pair.outside.start()
    assert query()["State"] == "SUCCEEDED"
