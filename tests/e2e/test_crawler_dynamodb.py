"""Crawlers over DynamoDB: tables of a server that the configuration names."""

import http.server
import json
import re
import threading

import botocore.exceptions
import pytest

from conftest import name
from dynamodb import DynamoDb
from test_crawler import Crawl, columns


@pytest.fixture(scope="module")
def dynamodb():
    server = DynamoDb().start()
    yield server
    server.stop()


class DynamoCrawl(Crawl):
    def define(self, *targets, s3=(), **definition):
        self.glue.create_crawler(
            Name=self.name, Role="r", DatabaseName=self.database,
            Targets={"DynamoDBTargets": list(targets), "S3Targets": [{"Path": path} for path in s3]}, **definition,
        )


@pytest.fixture
def make(tenon_factory):
    """A crawler of a server whose configuration names an endpoint."""

    def made(endpoint, **environment):
        server = tenon_factory(environment={"TENON_SOURCES_DYNAMODB_ENDPOINT": endpoint, **environment})
        return DynamoCrawl(server.start())

    return made


ITEMS = [
    {
        "id": {"S": f"o{n}"}, "at": {"N": str(n)}, "Amount": {"N": "10.5"}, "big": {"N": "12345678901234567890.125"},
        "raw": {"B": b"\x00\x01"}, "paid": {"BOOL": True}, "tags": {"SS": ["a", "b"]}, "scores": {"NS": ["1", "2"]},
        "parts": {"BS": [b"x"]}, "lines": {"L": [{"M": {"sku": {"S": "x"}, "n": {"N": "2"}}}]},
        "address": {"M": {"city": {"S": "Bern"}, "geo": {"M": {"lat": {"N": "46.9"}}}}}, "note": {"NULL": True},
        "odd": {"S": "x"} if n % 2 else {"N": "1"},
    }
    for n in range(3)
]


def test_a_table_as_glue_describes_it(dynamodb, make):
    table = name("Orders")
    dynamodb.make(table, ITEMS, range_key=("at", "N"))
    crawl = make(dynamodb.url)
    crawl.define({"Path": table}, TablePrefix="ddb_")
    crawl.run()
    (found,) = crawl.tables().values()
    assert found["Name"] == f"ddb_{table.lower()}"
    described = dynamodb.client().describe_table(TableName=table)["Table"]
    assert found["StorageDescriptor"]["Location"] == described["TableArn"]
    assert dict(columns(found)) == {
        "id": "string", "at": "bigint", "address": "struct<city:string,geo:struct<lat:double>>", "amount": "double",
        "big": "decimal(38,3)", "lines": "array<struct<n:bigint,sku:string>>", "note": "string", "odd": "string",
        "paid": "boolean", "parts": "array<binary>", "raw": "binary", "scores": "array<bigint>",
        "tags": "array<string>",
    }
    assert [column["Name"] for column in found["StorageDescriptor"]["Columns"]][:2] == ["id", "at"]
    parameters = found["Parameters"]
    expected = {
        "classification": "dynamodb", "typeOfData": "table", "recordCount": "3", "hashKey": "id", "rangeKey": "at",
        "sizeKey": str(described["TableSizeBytes"]), "UPDATED_BY_CRAWLER": crawl.name,
    }
    assert {key: parameters.get(key) for key in expected} == expected
    assert "averageRecordSize" in parameters
    assert "odd holds S and N: it is string" in crawl.log()
    crawl.run()
    assert "has not changed" in crawl.log()
    _, status = crawl.execute(f'select * from "{crawl.database}"."{found["Name"]}"')
    reason = status["StateChangeReason"]
    assert status["State"] == "FAILED" and f"a database (dynamodb: {described['TableArn']})" in reason, reason


def test_scan_all_reads_all_pages_and_a_sample_the_first(dynamodb, make):
    table = name("wide")
    filler = {"S": "x" * 300_000}
    items = [{"id": {"S": str(n)}, "filler": filler, f"a{n}": {"BOOL": True}} for n in range(6)]
    dynamodb.make(table, items)
    crawl = make(dynamodb.url)
    crawl.define({"Path": table, "scanAll": False})
    crawl.run()
    (sampled,) = crawl.tables().values()
    assert 3 <= len(columns(sampled)) < 8, "a page of 1 MB"
    targets = {"DynamoDBTargets": [{"Path": table, "scanAll": True, "scanRate": 1.5}]}
    crawl.glue.update_crawler(Name=crawl.name, Targets=targets)
    assert crawl.get()["Targets"]["DynamoDBTargets"] == targets["DynamoDBTargets"]
    crawl.run()
    (whole,) = crawl.tables().values()
    assert len(columns(whole)) == 8
    assert whole["Parameters"]["recordCount"] == "6"


def test_a_table_without_items_has_its_keys(dynamodb, make):
    table = name("empty")
    dynamodb.make(table, kind="N", range_key=("raw", "B"))
    crawl = make(dynamodb.url)
    crawl.define({"Path": table})
    crawl.run()
    (found,) = crawl.tables().values()
    assert dict(columns(found)) == {"id": "bigint", "raw": "binary"}
    assert found["Parameters"]["recordCount"] == "0"


def test_what_cannot_be_read_leaves_the_others(dynamodb, make):
    table = name("there")
    dynamodb.make(table, [{"id": {"S": "1"}}])
    crawl = make(dynamodb.url)
    crawl.put("orders/a.csv", "id,amount\n1,2.5\n2,3\n")
    crawl.define({"Path": "missing"}, {"Path": table}, s3=[f"s3://{crawl.bucket}/orders/"])
    last = crawl.run("FAILED")
    assert "DynamoDB table missing" in last["ErrorMessage"] and "ResourceNotFoundException" in last["ErrorMessage"]
    assert "ERROR : DynamoDB table missing" in crawl.log()
    assert set(crawl.tables()) == {table, "orders"}
    dynamodb.client().delete_table(TableName=table)
    crawl.run("FAILED")
    assert "DEPRECATED_BY_CRAWLER" not in crawl.tables()[table]["Parameters"]


def test_without_an_endpoint_the_target_is_refused(tenon):
    crawl = DynamoCrawl(tenon)
    with pytest.raises(botocore.exceptions.ClientError, match="sources.dynamodb_endpoint"):
        crawl.define({"Path": "orders"})
    crawl.create()
    with pytest.raises(botocore.exceptions.ClientError, match="sources.dynamodb_endpoint"):
        crawl.glue.update_crawler(Name=crawl.name, Targets={"DynamoDBTargets": [{"Path": "orders"}]})


def test_targets_are_checked(dynamodb, make):
    crawl = make(dynamodb.url)
    for target, word in [
        ({"Path": ""}, "Path"), ({"scanAll": True}, "Path"), ({"Path": "a b"}, "Path"),
        ({"Path": "t", "scanRate": 0.05}, "scanRate"), ({"Path": "t", "scanRate": 2.0}, "scanRate"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError, match=word):
            crawl.define(target)


class Broken(http.server.BaseHTTPRequestHandler):
    """A DynamoDB whose second page is bad, in the way of the server's `fault`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.headers["X-Amz-Target"], asked, self.headers["Authorization"]))
        if self.headers["X-Amz-Target"].endswith("DescribeTable"):
            return self.answer(200, json.dumps({"Table": {
                "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t", "ItemCount": 5, "TableSizeBytes": 50,
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            }}))
        if "ExclusiveStartKey" not in asked or self.server.fault == "endless":
            return self.answer(200, json.dumps({
                "Items": [{"id": {"S": "1"}}], "LastEvaluatedKey": {"id": {"S": "1"}},
            }))
        if self.server.fault == "busy":
            if len(self.server.seen) < 5:
                return self.answer(400, '{"__type":"x#ProvisionedThroughputExceededException","message":"slowly"}')
            return self.answer(200, '{"Items": [{"id": {"S": "2"}, "a": {"BOOL": true}}]}')
        return {
            "cut": lambda: self.answer(200, '{"Items": [{"id": {"S"'),
            "gone": lambda: self.answer(200, '{"Items": []}', announce=100),
            "html": lambda: self.answer(200, "<html>"),
            "denied": lambda: self.answer(400, '{"__type":"x#AccessDeniedException","message":"not yours"}'),
        }[self.server.fault]()

    def answer(self, status, body, announce=0):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body) + announce))
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def broken():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_busy_server_is_asked_again(make, broken):
    broken.fault = "busy"
    crawl = make(f"http://127.0.0.1:{broken.server_port}")
    crawl.define({"Path": "t"})
    crawl.run()
    assert [column for column, _ in columns(crawl.tables()["t"])] == ["id", "a"]
    assert len(broken.seen) == 5, "described, a page, and three times the second"


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("cut", "page 2: .*cut short"), ("gone", "page 2: .*breaks off"), ("html", "page 2: .*no JSON"),
        ("denied", "page 2: .*AccessDeniedException: not yours"), ("endless", "page 2: paging goes round"),
    ],
)
def test_bad_pages_are_named(make, broken, fault, word):
    broken.fault = fault
    keys = {"TENON_SOURCES_DYNAMODB_ACCESS_KEY_ID": "AKID", "TENON_SOURCES_DYNAMODB_SECRET": "hunter2"}
    crawl = make(f"http://127.0.0.1:{broken.server_port}", **keys)
    crawl.define({"Path": "t"})
    last = crawl.run("FAILED")
    assert re.search(word, last["ErrorMessage"]), last
    assert crawl.glue.get_databases()["DatabaseList"] == [] or crawl.tables() == {}
    assert all("Credential=AKID/" in authorization for _, _, authorization in broken.seen)
    assert "hunter2" not in crawl.log() + crawl.tenon.log.read_text()


def test_an_endpoint_that_is_down_is_named(make):
    crawl = make("http://127.0.0.1:1")
    crawl.define({"Path": "t"})
    assert "cannot reach http://127.0.0.1:1" in crawl.run("FAILED")["ErrorMessage"]
