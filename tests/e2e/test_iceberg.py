"""The Iceberg REST catalog with PyIceberg, beside PyIceberg's Glue catalog on the same tables."""

import concurrent.futures
import gzip
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid

import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import (
    BadRequestError,
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.manifest import ManifestContent, read_manifest_list, write_manifest_list
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import (
    DecimalType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimeType,
)

from conftest import name, wait_until


def rest(server, warehouse=None, **properties):
    given = {"warehouse": warehouse} if warehouse else {}
    return load_catalog("rest", type="rest", uri=f"{server.endpoint}/_/iceberg", **given, **properties)


def glue(server, **properties):
    keys = {"access-key-id": "test", "secret-access-key": "test", "region": "us-east-1"}
    client = {f"client.{key}": value for key, value in keys.items()}
    return load_catalog(
        "glue",
        **{
            "type": "glue",
            "glue.endpoint": server.endpoint,
            "s3.endpoint": server.endpoint,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
            "s3.region": "us-east-1",
            **client,
            **properties,
        },
    )


def call(server, method, path, document=None, headers=None, prefix="000000000000.us-east-1"):
    """A request by hand; returns status and document."""
    path = path.replace("{prefix}", prefix)
    body = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
    request = urllib.request.Request(f"{server.endpoint}/_/iceberg{path}", body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text else None


def kind(answer):
    """Status and type of an error, whose form is the specification's."""
    status, document = answer
    error = document["error"]
    assert error["code"] == status and error["message"]
    return status, error["type"]


@pytest.fixture
def bucket(tenon):
    return tenon.bucket("ice")


@pytest.fixture
def catalog(tenon, bucket):
    return rest(tenon, f"s3://{bucket}/wh")


@pytest.fixture
def namespace(catalog):
    made = name("ns")
    catalog.create_namespace(made)
    return made


ROWS = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("who", pa.string())])


def rows(start, count, who="x"):
    return pa.table({"id": pa.array(range(start, start + count), pa.int64()), "who": [who] * count}, schema=ROWS)


def ids(table):
    return sorted(table.scan().to_arrow()["id"].to_pylist())


def test_namespaces(tenon, catalog):
    one, two = name("a"), name("b")
    catalog.create_namespace(one, {"location": "s3://somewhere/x", "comment": "for tests", "k": "v"})
    catalog.create_namespace(two)
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(one.upper())
    assert {(one,), (two,)} <= set(catalog.list_namespaces())
    properties = catalog.load_namespace_properties(one)
    assert properties == {"location": "s3://somewhere/x", "comment": "for tests", "k": "v"}
    database = tenon.client("glue").get_database(Name=one)["Database"]
    assert (database["LocationUri"], database["Description"]) == ("s3://somewhere/x", "for tests")
    assert database["Parameters"] == {"k": "v"}
    summary = catalog.update_namespace_properties(one, removals={"k", "nothing"}, updates={"n": "1"})
    assert (summary.removed, summary.updated, summary.missing) == (["k"], ["n"], ["nothing"])
    assert catalog.namespace_exists(two)
    catalog.drop_namespace(two)
    assert not catalog.namespace_exists(two)
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace(two)
    assert catalog.list_namespaces(one) == []
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_namespaces(two)
    with pytest.raises(BadRequestError, match="several levels"):
        catalog.create_namespace((one, "below"))
    tenon.client("glue").create_table(DatabaseName=one, TableInput={"Name": "plain"})
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(one)
    both = {"removals": ["n"], "updates": {"n": "2"}}
    answer = call(tenon, "POST", f"/v1/{{prefix}}/namespaces/{one}/properties", both)
    assert kind(answer) == (422, "UnprocessableEntityException")


def test_write_read_and_evolve(tenon, catalog, namespace):
    table = catalog.create_table((namespace, "t"), ROWS, properties={"write.metadata.previous-versions-max": "3"})
    assert table.location().endswith(f"/wh/{namespace}.db/t")
    table.append(rows(0, 10))
    table.append(rows(10, 10, "y"))
    assert ids(catalog.load_table((namespace, "t"))) == list(range(20))
    with table.update_schema() as update:
        update.add_column("price", DecimalType(9, 2))
        update.rename_column("who", "name")
        update.add_column("nested", StructType(NestedField(1, "a", ListType(2, IntegerType(), element_required=False))))
    table.append(pa.table({"id": pa.array([100], pa.int64()), "name": ["z"]}, schema=pa.schema(
        [pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])))
    loaded = catalog.load_table((namespace, "t"))
    found = loaded.scan().to_arrow()
    assert found.num_rows == 21 and set(found["name"].to_pylist()) == {"x", "y", "z"}
    assert found["price"].null_count == 21
    with loaded.update_spec() as update:
        update.add_field("name", IdentityTransform(), "name")
    loaded.append(pa.table({"id": pa.array([200, 201], pa.int64()), "name": ["p", "q"]}, schema=pa.schema(
        [pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])))
    assert loaded.scan(row_filter=EqualTo("name", "p")).to_arrow()["id"].to_pylist() == [200]
    loaded.delete(EqualTo("name", "x"))
    assert ids(catalog.load_table((namespace, "t"))) == list(range(10, 20)) + [100, 200, 201]
    whole = loaded.scan().to_arrow().schema
    loaded.overwrite(pa.table({"id": [1], "name": ["w"], "price": [None], "nested": [None]}, schema=whole))
    loaded = catalog.load_table((namespace, "t"))
    assert ids(loaded) == [1]
    assert len(loaded.metadata.snapshots) >= 6 and len(loaded.metadata.metadata_log) == 3
    columns = tenon.client("glue").get_table(DatabaseName=namespace, Name="t")["Table"]
    assert columns["Parameters"]["table_type"] == "ICEBERG"
    assert columns["Parameters"]["metadata_location"] == loaded.metadata_location
    by_name = {column["Name"]: column for column in columns["StorageDescriptor"]["Columns"]}
    assert by_name["price"]["Type"] == "decimal(9,2)"
    assert by_name["nested"]["Type"] == "struct<a:array<int>>"
    assert by_name["id"]["Parameters"] == {
        "iceberg.field.id": "1", "iceberg.field.optional": "false", "iceberg.field.current": "true"}
    assert by_name["who"]["Parameters"]["iceberg.field.current"] == "false"


def test_ids_partitions_and_order_of_a_new_table(catalog, namespace):
    schema = Schema(
        NestedField(10, "id", LongType(), required=True),
        NestedField(20, "at", TimestampType()),
        NestedField(30, "tags", MapType(31, StringType(), 32, StringType())),
        NestedField(40, "last", StringType()),
        identifier_field_ids=[10],
    )
    spec = PartitionSpec(PartitionField(20, 1009, DayTransform(), "day"), PartitionField(10, 1005, BucketTransform(4), "b"))
    order = SortOrder(SortField(10, IdentityTransform()))
    table = catalog.create_table((namespace, "t"), schema, partition_spec=spec, sort_order=order,
                                 properties={"write.metadata.compression-codec": "gzip"})
    assert [field.field_id for field in table.schema().fields] == [1, 2, 3, 4]
    assert (table.schema().find_field("tags.key").field_id, table.metadata.last_column_id) == (5, 6)
    assert [(f.source_id, f.field_id) for f in table.spec().fields] == [(2, 1000), (1, 1001)]
    assert table.sort_order().order_id == 1 and table.schema().identifier_field_ids == [1]
    assert table.metadata_location.endswith(".gz.metadata.json")
    again = catalog.load_table((namespace, "t"))
    assert again.metadata == table.metadata


def test_errors(tenon, catalog, namespace, bucket):
    catalog.create_table((namespace, "t"), ROWS)
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table((namespace, "T"), ROWS)
    with pytest.raises(NoSuchTableError):
        catalog.load_table((namespace, "other"))
    with pytest.raises(NoSuchNamespaceError):
        catalog.create_table((name("no"), "t"), ROWS)
    for location in ["s3://" + name("nobody").replace("_", "-") + "/t", "file:///tmp/t", "gs://x/y"]:
        with pytest.raises(BadRequestError, match="Location"):
            catalog.create_table((namespace, "far"), ROWS, location=location)
    with pytest.raises(BadRequestError, match="no place"):
        rest(tenon).create_table((namespace, "nowhere"), ROWS)
    with pytest.raises(Exception, match="not an Iceberg table"):
        tenon.client("glue").create_table(DatabaseName=namespace, TableInput={"Name": "plain"})
        catalog.load_table((namespace, "plain"))
    assert catalog.list_tables(namespace) == [(namespace, "t")]
    with pytest.raises(Exception, match="purge"):
        catalog.purge_table((namespace, "t"))
    assert catalog.table_exists((namespace, "t")) and not catalog.table_exists((namespace, "plain"))

    path = f"/v1/{{prefix}}/namespaces/{namespace}/tables/t"
    unknown = {"requirements": [], "updates": [{"action": "paint"}]}
    for document, expected in [
        (b"{", (400, "BadRequestException")),
        (b"[" * 100_000, (400, "BadRequestException")),
        ({}, (400, "BadRequestException")),
        (unknown, (400, "BadRequestException")),
        ({"requirements": [{"type": "assert-luck"}], "updates": []}, (400, "BadRequestException")),
        ({"requirements": [{"type": "assert-table-uuid", "uuid": str(uuid.uuid4())}], "updates": []},
         (409, "CommitFailedException")),
        ({"requirements": [{"type": "assert-create"}], "updates": []}, (409, "CommitFailedException")),
        ({"requirements": [], "updates": [{"action": "set-current-schema", "schema-id": 9}]}, (400, "BadRequestException")),
        ({"identifier": {"namespace": [namespace], "name": "u"}, "requirements": [], "updates": []},
         (400, "BadRequestException")),
    ]:
        assert kind(call(tenon, "POST", path, document)) == expected
    snapshot = {"snapshot-id": 1, "sequence-number": 1, "timestamp-ms": int(time.time() * 1000), "summary": {"operation": "append"}}
    lost = {"requirements": [], "updates": [
        {"action": "add-snapshot", "snapshot": {**snapshot, "manifest-list": f"s3://{bucket}/not/there.avro"}}]}
    status, document = call(tenon, "POST", path, lost)
    assert status == 400 and "manifest list" in document["error"]["message"]
    for method, path, expected in [
        ("GET", "/v1/{prefix}/namespaces/" + namespace + "/views", (406, "UnsupportedOperationException")),
        ("POST", "/v1/oauth/tokens", (406, "UnsupportedOperationException")),
        ("GET", "/v1/{prefix}/nonsense", (404, "NoSuchEndpointException")),
        ("GET", "/v1/foo", (404, "NoSuchEndpointException")),
        ("GET", "/v2/config", (404, "NoSuchEndpointException")),
        ("PUT", "/v1/{prefix}/namespaces", (404, "NoSuchEndpointException")),
        ("GET", "/v1/12.us-east-1/namespaces", (400, "BadRequestException")),
        ("GET", "/v1/foo/namespaces", (400, "BadRequestException")),
        ("GET", "/v1/{prefix}/namespaces?pageSize=0", (400, "BadRequestException")),
        ("GET", "/v1/{prefix}/namespaces?pageToken=x!&pageSize=1", (400, "BadRequestException")),
        ("GET", "/v1/{prefix}/namespaces/a%1Fb", (404, "NoSuchNamespaceException")),
        ("GET", f"/v1/{{prefix}}/namespaces/{namespace}/tables/t?snapshots=some", (400, "BadRequestException")),
        ("GET", "/v1/config?warehouse=nonsense", (400, "BadRequestException")),
    ]:
        assert kind(call(tenon, method, path)) == expected, path
    packed = call(tenon, "POST", "/v1/{prefix}/namespaces", gzip.compress(b'{"namespace": ["x"]}'), {"Content-Encoding": "gzip"})
    assert kind(packed) == (415, "UnsupportedMediaTypeException") and "gzip" in packed[1]["error"]["message"]
    assert call(tenon, "HEAD", f"/v1/{{prefix}}/namespaces/{namespace}/tables/none") == (404, None)
    status, config = call(tenon, "GET", f"/v1/config?warehouse=s3://{bucket}/wh")
    assert config["defaults"]["s3.endpoint"] == tenon.endpoint and len(config["endpoints"]) == 16
    report = call(tenon, "POST", f"/v1/{{prefix}}/namespaces/{namespace}/tables/t/metrics", {"report-type": "scan-report"})
    assert report == (204, None)
    connection = http.client.HTTPConnection("127.0.0.1", tenon.port, timeout=60)
    connection.putrequest("POST", "/_/iceberg/v1/namespaces")
    connection.putheader("Content-Length", str(17 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 400, "refused before the body is sent"
    connection.close()


def test_endpoints_are_what_is_built(tenon):
    status, config = call(tenon, "GET", "/v1/config")
    assert status == 200 and config["overrides"] == {"prefix": "000000000000.us-east-1"}
    for endpoint in config["endpoints"]:
        method, path = endpoint.split(" ")
        path = path.replace("{namespace}", "no_such_namespace").replace("{table}", "t")
        status, document = call(tenon, method, path, b"{}" if method == "POST" else None)
        assert status in (200, 400, 404), endpoint
        assert document is None or document.get("error", {}).get("type") != "NoSuchEndpointException", endpoint
    # A bucket of any name keeps its keys: the catalog is at the server's own names only.
    bucket = tenon.bucket("own")
    tenon.client("s3").put_object(Bucket=bucket, Key="_/iceberg/v1/config", Body=b"mine")
    assert tenon.client("s3").get_object(Bucket=bucket, Key="_/iceberg/v1/config")["Body"].read() == b"mine"
    hosted = urllib.request.Request(
        f"{tenon.endpoint}/_/iceberg/v1/config", headers={"Host": f"{bucket}.localhost:{tenon.port}"})
    with urllib.request.urlopen(hosted, timeout=60) as answer:
        assert answer.read() == b"mine"


def test_a_crawl_leaves_iceberg_tables_alone(tenon, catalog, namespace, bucket):
    table = catalog.create_table((namespace, "t"), ROWS)
    table.append(rows(0, 3))
    client, crawler = tenon.client("glue"), name("crawler")
    client.create_crawler(
        Name=crawler, Role="r", DatabaseName=namespace, Targets={"S3Targets": [{"Path": f"s3://{bucket}/wh/{namespace}.db/"}]})
    client.start_crawler(Name=crawler)
    last = lambda: client.get_crawler(Name=crawler)["Crawler"].get("LastCrawl")
    assert wait_until(last, "the crawl to end")["Status"] in ("SUCCEEDED", "FAILED")
    again = catalog.load_table((namespace, "t"))
    assert again.metadata_location == table.metadata_location
    again.append(rows(3, 1))
    assert ids(catalog.load_table((namespace, "t"))) == [0, 1, 2, 3]


def test_pages_rename_register_drop(tenon, catalog, namespace):
    for number in range(7):
        catalog.create_table((namespace, f"t{number}"), ROWS)
    tenon.client("glue").create_table(DatabaseName=namespace, TableInput={"Name": "t3plain"})
    listed, token, pages = [], "", 0
    while token is not None:
        path = f"/v1/{{prefix}}/namespaces/{namespace}/tables?pageSize=2&pageToken={token}"
        status, page = call(tenon, "GET", path)
        assert status == 200 and len(page["identifiers"]) <= 2
        listed += [entry["name"] for entry in page["identifiers"]]
        token, pages = page["next-page-token"], pages + 1
    assert listed == [f"t{number}" for number in range(7)] and pages >= 4
    status, page = call(tenon, "GET", f"/v1/{{prefix}}/namespaces/{namespace}/tables")
    assert len(page["identifiers"]) == 7 and page["next-page-token"] is None
    # A token belongs to its listing.
    _, page = call(tenon, "GET", f"/v1/{{prefix}}/namespaces/{namespace}/tables?pageSize=2")
    token = page["next-page-token"]
    for path in ("/v1/{prefix}/namespaces", f"/v1/{{prefix}}/namespaces/{namespace}x/tables"):
        status, answer = call(tenon, "GET", f"{path}?pageToken={token}")
        assert (status, answer["error"]["type"]) == (400, "BadRequestException")

    other = name("other")
    catalog.create_namespace(other)
    table = catalog.load_table((namespace, "t0"))
    table.append(rows(0, 3))
    moved = catalog.rename_table((namespace, "t0"), (other, "moved"))
    assert ids(moved) == [0, 1, 2]
    with pytest.raises(NoSuchTableError):
        catalog.load_table((namespace, "t0"))
    with pytest.raises(TableAlreadyExistsError):
        catalog.rename_table((namespace, "t1"), (namespace, "t3plain"))
    with pytest.raises((NoSuchTableError, NoSuchNamespaceError)):
        catalog.rename_table((namespace, "t1"), (name("no"), "x"))
    moved.append(rows(3, 1))
    # The old folder is not used for another table of the old name.
    fresh = catalog.create_table((namespace, "t0"), ROWS)
    assert fresh.location() != moved.location() and ids(fresh) == []

    where = moved.refresh().metadata_location
    catalog.drop_table((other, "moved"))
    with pytest.raises(NoSuchTableError):
        catalog.drop_table((other, "moved"))
    registered = catalog.register_table((other, "back"), where)
    assert ids(registered) == [0, 1, 2, 3]
    with pytest.raises(TableAlreadyExistsError):
        catalog.register_table((other, "back"), where)
    with pytest.raises(BadRequestError):
        catalog.register_table((other, "wrong"), where.replace(".metadata.json", ".nothing.json"))
    registered.append(rows(4, 1))
    assert ids(catalog.load_table((other, "back"))) == [0, 1, 2, 3, 4]


def test_staged_creation_and_transactions(tenon, catalog, namespace):
    with catalog.create_table_transaction((namespace, "staged"), ROWS) as transaction:
        assert not catalog.table_exists((namespace, "staged"))
        transaction.append(rows(0, 5))
        transaction.set_properties(owner="me")
    assert ids(catalog.load_table((namespace, "staged"))) == [0, 1, 2, 3, 4]
    late = catalog.create_table_transaction((namespace, "late"), ROWS)
    catalog.create_table((namespace, "late"), ROWS)
    with pytest.raises(CommitFailedException):
        late.commit_transaction()

    one, two = catalog.create_table((namespace, "one"), ROWS), catalog.create_table((namespace, "two"), ROWS)
    change = lambda table, value, **more: {
        "identifier": {"namespace": [namespace], "name": table.name()[-1]},
        "requirements": [{"type": "assert-table-uuid", "uuid": str(more.get("uuid", table.metadata.table_uuid))}],
        "updates": [{"action": "set-properties", "updates": {"k": value}}],
    }
    changes = {"table-changes": [change(one, "1"), change(two, "1")]}
    assert call(tenon, "POST", "/v1/{prefix}/transactions/commit", changes) == (204, None)
    assert (one.refresh().properties["k"], two.refresh().properties["k"]) == ("1", "1")
    bad = {"table-changes": [change(one, "2"), change(two, "2", uuid=uuid.uuid4())]}
    assert kind(call(tenon, "POST", "/v1/{prefix}/transactions/commit", bad)) == (409, "CommitFailedException")
    assert (one.refresh().properties["k"], two.refresh().properties["k"]) == ("1", "1"), "all or none"
    twice = {"table-changes": [change(one, "2"), change(one, "3")]}
    assert kind(call(tenon, "POST", "/v1/{prefix}/transactions/commit", twice)) == (400, "BadRequestException")


def append_with_retries(load, start, deadline=120):
    """Appends one row as a writer does that others overtake; returns how often it was overtaken."""
    end, lost = time.monotonic() + deadline, 0
    while time.monotonic() < end:
        try:
            load().append(rows(start, 1))
            return lost
        except (CommitFailedException, ClientError) as error:
            if isinstance(error, ClientError) and "Concurrent" not in str(error):
                raise
            lost += 1
    raise AssertionError("no commit before the deadline")


def test_two_writers_never_lose_a_commit(tenon, catalog, namespace, bucket):
    catalog.create_table((namespace, "t"), ROWS)
    places = [
        lambda: rest(tenon, f"s3://{bucket}/wh").load_table((namespace, "t")),
        lambda: glue(tenon).load_table((namespace, "t")),
        lambda: rest(tenon, f"s3://{bucket}/wh").load_table((namespace, "t")),
    ]

    def work(number):
        return sum(append_with_retries(places[number], number * 100 + step) for step in range(6))

    with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
        lost = sum(pool.map(work, range(len(places))))
    expected = sorted(number * 100 + step for number in range(len(places)) for step in range(6))
    for reader in (catalog, glue(tenon)):
        table = reader.load_table((namespace, "t"))
        assert ids(table) == expected
        assert len(table.metadata.snapshots) == len(expected)
    print(f"{lost} commits were overtaken and repeated")


def test_glue_and_rest_catalogs_see_the_same_tables(tenon, catalog, namespace, bucket):
    by_glue = glue(tenon)
    # PyIceberg repeats overtaken commits by itself; here they are to be seen.
    at_once = {"commit.retry.num-retries": "0"}
    made = by_glue.create_table((namespace, "g"), ROWS, location=f"s3://{bucket}/g", properties=at_once)
    made.append(rows(0, 2))
    assert ids(catalog.load_table((namespace, "g"))) == [0, 1]
    stale = by_glue.load_table((namespace, "g"))
    catalog.load_table((namespace, "g")).append(rows(2, 2))
    with pytest.raises((CommitFailedException, ClientError)):
        stale.append(rows(50, 1))
    stale_rest = catalog.load_table((namespace, "g"))
    by_glue.load_table((namespace, "g")).append(rows(4, 1))
    with pytest.raises(CommitFailedException):
        stale_rest.append(rows(60, 1))
    assert ids(catalog.load_table((namespace, "g"))) == [0, 1, 2, 3, 4]
    assert set(by_glue.list_tables(namespace)) == {(namespace, "g")}
    # What Glue's clients keep beside the metadata stays.
    client = tenon.client("glue")
    table = client.get_table(DatabaseName=namespace, Name="g")["Table"]
    keep = ("Name", "TableType", "Parameters", "StorageDescriptor")
    given = {key: table[key] for key in keep}
    given["Parameters"]["ours"] = "kept"
    client.update_table(DatabaseName=namespace, TableInput=given)
    catalog.load_table((namespace, "g")).append(rows(5, 1))
    after = client.get_table(DatabaseName=namespace, Name="g")["Table"]["Parameters"]
    assert after["ours"] == "kept" and after["previous_metadata_location"] == given["Parameters"]["metadata_location"]


def athena(server, bucket, statement):
    """Runs a statement: its rows as lists of texts, or the reason why it failed."""
    client = server.client("athena")
    run = client.start_query_execution(
        QueryString=statement, ResultConfiguration={"OutputLocation": f"s3://{bucket}/out/"})["QueryExecutionId"]

    def ended():
        status = client.get_query_execution(QueryExecutionId=run)["QueryExecution"]["Status"]
        return status if status["State"] in ("SUCCEEDED", "FAILED") else None

    status = wait_until(ended, "the query to end")
    if status["State"] == "FAILED":
        return status["StateChangeReason"]
    rows = client.get_query_results(QueryExecutionId=run)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def test_athena_reads_the_current_snapshot(tenon, catalog, namespace, bucket):
    table = catalog.create_table((namespace, "t"), ROWS)
    assert athena(tenon, bucket, f"SELECT count(*) FROM {namespace}.t") == [["0"]]
    table.append(rows(0, 5))
    with table.update_schema() as update:
        update.rename_column("who", "name")
    with table.update_schema() as update:
        update.add_column("who", LongType())
        update.add_column(("place"), StructType(NestedField(1, "City", StringType()), NestedField(2, "zip", IntegerType())))
    with table.update_spec() as update:
        update.add_field("name", IdentityTransform(), "name")
    whole = table.scan().to_arrow().schema
    table.append(pa.table(
        {"id": [10, 11], "name": ["p", "q"], "who": [7, None], "place": [{"City": "Ulm", "zip": 1}, None]}, schema=whole))
    # By name, the first rows would have their names in the column that is called who now.
    found = athena(tenon, bucket, f"SELECT id, name, who, place.city FROM {namespace}.t ORDER BY id")
    assert found == [[str(n), "x", None, None] for n in range(5)] + [["10", "p", "7", "Ulm"], ["11", "q", None, None]]
    assert athena(tenon, bucket, f"SELECT id FROM {namespace}.t WHERE name = 'x' AND id > 3") == [["4"]]
    assert athena(tenon, bucket, f"SELECT id FROM {namespace}.t WHERE who = 7") == [["10"]]
    with table.update_schema() as update:
        update.rename_column("place.City", "town")
        update.add_column(("place", "street"), StringType())
    assert athena(tenon, bucket, f"SELECT place.town, place.street FROM {namespace}.t WHERE id = 10") == [["Ulm", None]]
    table.delete(EqualTo("id", 3))
    table.delete(EqualTo("name", "p"))
    assert athena(tenon, bucket, f"SELECT id FROM {namespace}.t ORDER BY id") == [["0"], ["1"], ["2"], ["4"], ["11"]]
    with table.update_schema() as update:
        update.delete_column("who")
    assert athena(tenon, bucket, f"SELECT * FROM {namespace}.t WHERE id = 11") == [["11", "q", None]]
    assert "COLUMN_NOT_FOUND" in athena(tenon, bucket, f"SELECT who FROM {namespace}.t")
    joined = f"SELECT count(*) FROM {namespace}.t a JOIN {namespace}.t b ON a.id = b.id"
    assert athena(tenon, bucket, joined) == [["5"]]


def test_athena_refuses_what_it_would_misread(tenon, catalog, namespace, bucket):
    schema = Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "t", TimeType()))
    catalog.create_table((namespace, "times"), schema)
    assert "time" in athena(tenon, bucket, f"SELECT id FROM {namespace}.times")

    # Files that were added as they are have no field ids.
    plain = catalog.create_table((namespace, "plain"), ROWS)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(rows(0, 3), sink)
    tenon.client("s3").put_object(Bucket=bucket, Key="added/f.parquet", Body=sink.getvalue().to_pybytes())
    plain.add_files([f"s3://{bucket}/added/f.parquet"])
    assert "no field ids" in athena(tenon, bucket, f"SELECT * FROM {namespace}.plain")

    # A snapshot whose manifest is said to hold deletes, as merge-on-read writers make them.
    table = catalog.create_table((namespace, "t"), ROWS)
    table.append(rows(0, 3))
    table.append(rows(3, 3))
    mark_first_manifest_as_deletes(tenon, table)
    assert "delete files" in athena(tenon, bucket, f"SELECT * FROM {namespace}.t")

    broken = catalog.create_table((namespace, "broken"), ROWS)
    broken.append(rows(0, 3))
    where = broken.current_snapshot().manifest_list
    of_bucket, key = where.removeprefix("s3://").split("/", 1)
    tenon.client("s3").delete_object(Bucket=of_bucket, Key=key)
    assert "cannot be read" in athena(tenon, bucket, f"SELECT * FROM {namespace}.broken")


def mark_first_manifest_as_deletes(server, table):
    """Writes the current snapshot's manifest list again, its first entry being one of deletes."""
    where = table.current_snapshot().manifest_list
    manifests = list(read_manifest_list(table.io.new_input(where)))
    manifests[0]._data[3] = ManifestContent.DELETES
    copy = where.replace(".avro", "-copy.avro")
    snapshot = table.current_snapshot()
    output = table.io.new_output(copy)
    with write_manifest_list(
        2, output, snapshot.snapshot_id, snapshot.parent_snapshot_id, snapshot.sequence_number, "gzip"
    ) as writer:
        writer.add_manifests(manifests)
    bucket, key = where.removeprefix("s3://").split("/", 1)
    copied = copy.removeprefix("s3://").split("/", 1)[1]
    server.client("s3").copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": copied})


def test_signatures_are_asked_for(verifying):
    bucket, database = verifying.bucket("ice"), name("ns")
    assert kind(call(verifying, "GET", "/v1/config")) == (401, "NotAuthorizedException")
    assert kind(call(verifying, "POST", "/v1/{prefix}/namespaces", {"namespace": ["x"]})) == (401, "NotAuthorizedException")
    bearer = call(verifying, "GET", "/v1/config", headers={"Authorization": "Bearer abc"})
    assert kind(bearer) == (403, "ForbiddenException")
    signing = {
        "rest.sigv4-enabled": "true", "rest.signing-name": "glue", "rest.signing-region": "us-east-1",
        "client.access-key-id": "test", "client.secret-access-key": "test", "client.region": "us-east-1",
        "s3.access-key-id": "test", "s3.secret-access-key": "test",
    }
    catalog = rest(verifying, f"s3://{bucket}/wh", **signing)
    catalog.create_namespace(database)
    table = catalog.create_table((database, "t"), ROWS)
    table.append(rows(0, 2))
    assert ids(catalog.load_table((database, "t"))) == [0, 1]
    for wrong in ({"client.secret-access-key": "wrong"}, {"rest.signing-name": "s3"}, {"client.access-key-id": "nobody"}):
        with pytest.raises(Exception, match="Forbidden"):
            rest(verifying, **{**signing, **wrong})
    with pytest.raises(Exception, match="does not exist"):
        rest(verifying, "123456789012", **signing)


def test_killed_during_commits(tenon_factory):
    """What was acknowledged is there after `kill -9`, and the catalog names metadata that can be read."""
    server = tenon_factory().start()
    bucket = server.bucket("ice")
    location = f"s3://{bucket}/wh"
    namespace, dice = name("ns"), random.Random(7)
    rest(server, location).create_namespace(namespace)
    rest(server, location).create_table((namespace, "t"), ROWS)
    acknowledged, tried, next_id = set(), set(), 0
    for _ in range(4):
        stop, count = threading.Event(), threading.Semaphore(0)

        def write(catalog, start):
            number = start
            while not stop.is_set():
                tried.add(number)
                try:
                    table = catalog.load_table((namespace, "t"))
                    table.append(rows(number, 1))
                except CommitFailedException:
                    continue
                except Exception:
                    return
                acknowledged.add(number)
                count.release()
                number += 1

        # A client that waits for a server that is dead for good retries for minutes: not here.
        catalogs = [rest(server, location, **{"s3.request-timeout": "2", "s3.connect-timeout": "1"}) for _ in range(2)]
        threads = [threading.Thread(target=write, args=(one, next_id + 1000 * i)) for i, one in enumerate(catalogs)]
        for thread in threads:
            thread.start()
        for _ in range(dice.randint(2, 6)):
            assert count.acquire(timeout=60)
        server.kill()
        stop.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
        next_id += 10_000
        server.start()
        found = set(ids(rest(server, location).load_table((namespace, "t"))))
        assert acknowledged <= found <= tried
    assert acknowledged
