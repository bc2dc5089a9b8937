"""PyIceberg's Glue catalog on its own: everything that it does against the Glue API, and its optimistic locking."""

import concurrent.futures

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pyiceberg.exceptions import (
    BadRequestError,
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchIcebergTableError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo, GreaterThan
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

from conftest import name, wait_until
from test_iceberg import append_with_retries, glue, ids, rest, rows


@pytest.fixture(scope="module")
def bucket(tenon):
    return tenon.bucket("icebergglue")


@pytest.fixture
def catalog(tenon):
    return glue(tenon)


@pytest.fixture
def namespace(catalog, bucket):
    made = name("ns")
    catalog.create_namespace(made, {"location": f"s3://{bucket}/{made}", "Description": "by Glue", "owner": "me"})
    return made


def test_namespaces(catalog, namespace):
    assert (namespace,) in catalog.list_namespaces()
    properties = catalog.load_namespace_properties(namespace)
    assert properties["owner"] == "me" and properties["Description"] == "by Glue"
    summary = catalog.update_namespace_properties(namespace, removals={"owner"}, updates={"team": "data"})
    assert (summary.removed, summary.updated) == (["owner"], ["team"])
    properties = catalog.load_namespace_properties(namespace)
    assert properties["team"] == "data" and "owner" not in properties
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(namespace)
    catalog.create_table((namespace, "t"), rows(0, 1).schema)
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(namespace)
    catalog.drop_table((namespace, "t"))
    catalog.drop_namespace(namespace)
    for attempt in (catalog.drop_namespace, catalog.list_tables, catalog.load_namespace_properties):
        with pytest.raises(NoSuchNamespaceError):
            attempt(namespace)


def test_create_append_read_evolve_delete_drop(tenon, catalog, namespace):
    table = catalog.create_table((namespace, "t"), rows(0, 1).schema)
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table((namespace, "t"), rows(0, 1).schema)
    table.append(rows(0, 3))
    table.append(rows(3, 3))
    assert ids(catalog.load_table((namespace, "t"))) == list(range(6))
    with table.update_schema() as change:
        change.add_column("price", DoubleType(), doc="in euro")
        change.rename_column("who", "customer")
    added = pa.table({"id": [6], "customer": ["z"], "price": [1.5]})
    table.append(added.cast(table.schema().as_arrow()))
    found = catalog.load_table((namespace, "t")).scan().to_arrow().sort_by("id")
    assert found.column_names == ["id", "customer", "price"]
    assert found["price"].to_pylist() == [None] * 6 + [1.5]
    table.delete(EqualTo("id", 2))
    table.overwrite(added.cast(table.schema().as_arrow()), GreaterThan("id", 4))
    assert ids(catalog.load_table((namespace, "t"))) == [0, 1, 3, 4, 6]
    with table.transaction() as change:
        change.set_properties(owner="me", **{"write.format.default": "parquet"})
    with table.update_schema(allow_incompatible_changes=True) as change:
        change.delete_column("customer")
    seen = tenon.client("glue").get_table(DatabaseName=namespace, Name="t")["Table"]
    assert seen["Parameters"]["owner"] == "me"
    current = {c["Name"]: c["Parameters"]["iceberg.field.current"] for c in seen["StorageDescriptor"]["Columns"]}
    assert current["id"] == current["price"] == "true" and current["customer"] == "false"
    # Time travel, by snapshots that earlier commits made.
    oldest = table.snapshots()[0].snapshot_id
    assert table.scan(snapshot_id=oldest).to_arrow()["id"].to_pylist() == [0, 1, 2]
    by_rest = rest(tenon).load_table((namespace, "t"))
    assert by_rest.metadata == catalog.load_table((namespace, "t")).metadata
    catalog.rename_table((namespace, "t"), (namespace, "renamed"))
    assert ids(catalog.load_table((namespace, "renamed"))) == [0, 1, 3, 4, 6]
    catalog.drop_table((namespace, "renamed"))
    for attempt in (catalog.load_table, catalog.drop_table):
        with pytest.raises(NoSuchTableError):
            attempt((namespace, "renamed"))


def test_partitions_and_pruning(catalog, namespace):
    schema = Schema(
        NestedField(1, "id", LongType()), NestedField(2, "day", LongType()), NestedField(3, "kind", StringType())
    )
    spec = PartitionSpec(
        PartitionField(2, 1000, IdentityTransform(), "day"), PartitionField(3, 1001, IdentityTransform(), "kind")
    )
    table = catalog.create_table((namespace, "parted"), schema, partition_spec=spec)
    table.append(pa.table({"id": list(range(6)), "day": list(range(6)), "kind": ["a", "b"] * 3}))
    read = catalog.load_table((namespace, "parted"))
    assert len(list(read.scan().plan_files())) == 6
    assert len(list(read.scan(EqualTo("kind", "a")).plan_files())) == 3
    assert sorted(read.scan(EqualTo("kind", "a")).to_arrow()["id"].to_pylist()) == [0, 2, 4]


def test_tables_of_other_kinds(tenon, catalog, namespace, bucket):
    tenon.client("glue").create_table(
        DatabaseName=namespace,
        TableInput={"Name": "plain", "Parameters": {"classification": "csv"}, "TableType": "EXTERNAL_TABLE"},
    )
    tenon.client("glue").create_table(
        DatabaseName=namespace, TableInput={"Name": "hudi", "Parameters": {"table_type": "HUDI"}}
    )
    assert catalog.list_tables(namespace) == []
    with pytest.raises(NoSuchIcebergTableError):
        catalog.load_table((namespace, "hudi"))


def test_a_stale_version_is_refused(tenon, catalog, namespace):
    """Glue's optimistic lock itself, below PyIceberg's own checks."""
    catalog.create_table((namespace, "t"), rows(0, 1).schema)
    client = tenon.client("glue")
    seen = client.get_table(DatabaseName=namespace, Name="t")["Table"]
    change = {key: seen[key] for key in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    client.update_table(DatabaseName=namespace, TableInput=change, VersionId=seen["VersionId"])
    for version in (seen["VersionId"], "4711"):
        with pytest.raises(client.exceptions.ConcurrentModificationException):
            client.update_table(DatabaseName=namespace, TableInput=change, VersionId=version)


def test_a_definition_without_version_loses_no_commit(tenon, catalog, namespace):
    """UpdateTable with what was read before others committed."""
    table = catalog.create_table((namespace, "t"), rows(0, 1).schema)
    table.append(rows(0, 2))
    client = tenon.client("glue")
    seen = client.get_table(DatabaseName=namespace, Name="t")["Table"]
    given = {key: seen[key] for key in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    client.update_table(DatabaseName=namespace, TableInput={**given, "Description": "hello"})
    catalog.load_table((namespace, "t")).append(rows(2, 1))
    with pytest.raises(client.exceptions.ConcurrentModificationException):
        client.update_table(DatabaseName=namespace, TableInput={**given, "Description": "again"})
    without = {key: value for key, value in given["Parameters"].items() if key != "metadata_location"}
    with pytest.raises(client.exceptions.InvalidInputException):
        client.update_table(DatabaseName=namespace, TableInput={**given, "Parameters": without})
    assert ids(catalog.load_table((namespace, "t"))) == [0, 1, 2]
    # Whoever names what it replaces may move the pointer.
    now = client.get_table(DatabaseName=namespace, Name="t")["Table"]
    back = {**given["Parameters"], "previous_metadata_location": now["Parameters"]["metadata_location"]}
    client.update_table(DatabaseName=namespace, TableInput={**given, "Parameters": back})
    assert ids(catalog.load_table((namespace, "t"))) == [0, 1]


def test_a_pointer_to_nothing_is_refused(tenon, catalog, namespace, bucket):
    catalog.create_table((namespace, "t"), rows(0, 1).schema).append(rows(0, 2))
    client, s3 = tenon.client("glue"), tenon.client("s3")
    seen = client.get_table(DatabaseName=namespace, Name="t")["Table"]
    given = {key: seen[key] for key in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    here = seen["Parameters"]["metadata_location"]
    s3.put_object(Bucket=bucket, Key="notes.json", Body=b'{"table": "t"}')

    def moved(location, **more):
        return {**given, **more, "Parameters": {**given["Parameters"], "metadata_location": location,
                                                "previous_metadata_location": here}}

    for wrong in (f"s3://{bucket}/none.metadata.json", f"s3://{bucket}/notes.json"):
        with pytest.raises(client.exceptions.InvalidInputException, match=wrong):
            client.update_table(DatabaseName=namespace, TableInput=moved(wrong))
        with pytest.raises(client.exceptions.InvalidInputException, match=wrong):
            client.create_table(DatabaseName=namespace, TableInput=moved(wrong, Name="other"))
    with pytest.raises(client.exceptions.InvalidInputException, match="no bucket of this server"):
        client.update_table(DatabaseName=namespace, TableInput=moved("s3://nowhere-at-all/t.metadata.json"))
    # What the catalog says of the update comes first.
    with pytest.raises(client.exceptions.ConcurrentModificationException):
        client.update_table(DatabaseName=namespace, TableInput=moved(f"s3://{bucket}/none.json"), VersionId="4711")
    assert client.get_table(DatabaseName=namespace, Name="t")["Table"]["VersionId"] == seen["VersionId"]
    assert [t["Name"] for t in client.get_tables(DatabaseName=namespace)["TableList"]] == ["t"]
    # Metadata in other stores is for the clients that reach them.
    client.create_table(DatabaseName=namespace, TableInput=moved("file:///wh/t.metadata.json", Name="elsewhere"))
    # A file that goes later is named; the table can be described otherwise, and mended.
    metadata = s3.get_object(Bucket=bucket, Key=here.removeprefix(f"s3://{bucket}/"))["Body"].read()
    s3.delete_object(Bucket=bucket, Key=here.removeprefix(f"s3://{bucket}/"))
    with pytest.raises(BadRequestError, match=here):
        rest(tenon).load_table((namespace, "t"))
    client.update_table(DatabaseName=namespace, TableInput={**given, "Description": "lost its metadata"})
    s3.put_object(Bucket=bucket, Key="saved.metadata.json", Body=metadata)
    client.update_table(DatabaseName=namespace, TableInput=moved(f"s3://{bucket}/saved.metadata.json"))
    assert ids(catalog.load_table((namespace, "t"))) == [0, 1]


def test_two_writers_never_lose_a_commit(tenon, catalog, namespace):
    """Two PyIceberg processes' worth of clients, which append and evolve at once; every commit is there in the end."""
    catalog.create_table((namespace, "t"), rows(0, 1).schema)
    stale = catalog.load_table((namespace, "t"))
    each, writers = 6, 3

    def append(writer):
        for number in range(each):
            append_with_retries(lambda: glue(tenon).load_table((namespace, "t")), writer * 100 + number)

    def evolve():
        made = 0
        while made < each:
            try:
                with glue(tenon).load_table((namespace, "t")).update_schema() as change:
                    change.add_column(f"added{made}", LongType())
                made += 1
            except CommitFailedException:
                continue

    with concurrent.futures.ThreadPoolExecutor(writers + 1) as pool:
        futures = [pool.submit(append, writer) for writer in range(writers)] + [pool.submit(evolve)]
        for future in futures:
            future.result()
    for reader in (glue(tenon), rest(tenon)):
        table = reader.load_table((namespace, "t"))
        assert ids(table) == sorted(writer * 100 + n for writer in range(writers) for n in range(each))
        assert [f.name for f in table.schema().fields if f.name.startswith("added")] == [
            f"added{n}" for n in range(each)
        ]
        assert len(table.snapshots()) == writers * each
    # What was loaded before all that commits on top of it or is refused; it never overwrites it.
    with pytest.raises(CommitFailedException):
        with stale.update_schema() as change:
            change.add_column("late", LongType())
    assert len(glue(tenon).load_table((namespace, "t")).snapshots()) == writers * each


# Tables that Glue's own API makes and changes


def created(client, namespace, **request):
    client.create_table(DatabaseName=namespace, **request)


def of_columns(own, location, **more):
    columns = [
        {"Name": "id", "Type": "bigint"}, {"Name": "who", "Type": "varchar(20)", "Comment": "a person"},
        {"Name": "tags", "Type": "array<struct<k:smallint,v:decimal(9,2)>>"},
    ]
    return {"Name": own, "StorageDescriptor": {"Columns": columns, "Location": location}, **more}


ICEBERG = {"IcebergInput": {"MetadataOperation": "CREATE"}}


def test_create_table_makes_an_iceberg_table_of_columns(tenon, catalog, namespace, bucket):
    client = tenon.client("glue")
    given = of_columns("t", f"s3://{bucket}/columns/", Description="people", Parameters={"team": "data"})
    created(client, namespace, TableInput=given, OpenTableFormatInput=ICEBERG)
    entry = client.get_table(DatabaseName=namespace, Name="t")["Table"]
    assert entry["Parameters"]["table_type"] == "ICEBERG" and entry["Parameters"]["team"] == "data"
    assert entry["TableType"] == "EXTERNAL_TABLE" and entry["Description"] == "people"
    assert entry["Parameters"]["metadata_location"].startswith(f"s3://{bucket}/columns/metadata/")
    table = catalog.load_table((namespace, "t"))
    assert table.metadata.format_version == 2
    assert str(table.schema().find_type("tags")) == "list<struct<5: k: optional int, 6: v: optional decimal(9, 2)>>"
    assert table.schema().find_field("who").doc == "a person"
    table.append(pa.table({"id": [1, 2], "who": ["ann", "bob"]}))
    assert ids(catalog.load_table((namespace, "t"))) == [1, 2]


def described(bucket):
    fields = [
        {"Id": 1, "Name": "id", "Type": "long", "Required": True},
        {"Id": 2, "Name": "at", "Type": "timestamptz", "Required": False, "Doc": "when"},
        {"Id": 3, "Name": "tags", "Required": False,
         "Type": {"type": "list", "element-id": 4, "element": "string", "element-required": False}},
    ]
    return {
        "Location": f"s3://{bucket}/described",
        "Schema": {"Type": "struct", "Fields": fields, "IdentifierFieldIds": [1]},
        "PartitionSpec": {"Fields": [{"SourceId": 2, "Transform": "day", "Name": "at_day"}]},
        "WriteOrder": {"OrderId": 1, "Fields": [
            {"SourceId": 1, "Transform": "identity", "Direction": "desc", "NullOrder": "nulls-last"}]},
        "Properties": {"write.format.default": "parquet"},
    }


def test_create_and_update_a_table_as_iceberg_describes_it(tenon, catalog, namespace, bucket):
    client = tenon.client("glue")
    iceberg = {**ICEBERG["IcebergInput"], "Version": "2", "CreateIcebergTableInput": described(bucket)}
    created(client, namespace, Name="t", OpenTableFormatInput={"IcebergInput": iceberg})
    table = catalog.load_table((namespace, "t"))
    assert table.schema().identifier_field_ids == [1] and table.schema().find_field("at").doc == "when"
    assert [str(field.transform) for field in table.spec().fields] == ["day"]
    assert str(table.sort_order().fields[0]).startswith("1 DESC NULLS LAST")
    assert table.properties["write.format.default"] == "parquet"

    fields = [*described(bucket)["Schema"]["Fields"], {"Id": 5, "Name": "who", "Type": "string", "Required": False}]
    added = {"Schema": {"Fields": fields}, "Location": f"s3://{bucket}/described"}
    steps = [
        {**added, "Action": "add-schema"}, {**added, "Action": "set-current-schema"},
        {**added, "Action": "set-properties", "Properties": {"a": "1", "b": "2"}},
        {**added, "Action": "remove-properties", "Properties": {"a": ""}},
    ]
    change = lambda *steps: client.update_table(  # noqa: E731
        DatabaseName=namespace, Name="t",
        UpdateOpenTableFormatInput={"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": list(steps)}}},
    )
    change(*steps)
    table = catalog.load_table((namespace, "t"))
    assert [field.name for field in table.schema().fields] == ["id", "at", "tags", "who"]
    assert table.properties["b"] == "2" and "a" not in table.properties
    # Without an action, all of the entry is to hold.
    whole = {**added, "PartitionSpec": {"Fields": []}, "Properties": {"c": "3"}}
    change(whole)
    table = catalog.load_table((namespace, "t"))
    assert table.spec().is_unpartitioned() and table.properties["c"] == "3"
    with pytest.raises(client.exceptions.InvalidInputException, match="needs a PartitionSpec"):
        change({**added, "Action": "add-spec"})
    with pytest.raises(ClientError, match="add-encryption-key of an Iceberg table is not built"):
        change({**added, "Action": "add-encryption-key"})


@pytest.mark.parametrize(("request_of", "text"), [
    (lambda b: {"TableInput": of_columns("t", f"s3://{b}/x", PartitionKeys=[{"Name": "d", "Type": "date"}])},
     "Cannot create partitions"),
    (lambda b: {"TableInput": of_columns("t", "")}, "Location"),
    (lambda b: {"TableInput": of_columns("t", "s3://no-such-bucket-here/x")}, "no-such-bucket-here"),
    (lambda b: {"TableInput": {"Name": "t", "StorageDescriptor": {
        "Location": f"s3://{b}/x", "Columns": [{"Name": "u", "Type": "uniontype<int,string>"}]}}}, "column u"),
    (lambda b: {"TableInput": of_columns("t", f"s3://{b}/x"), "Name": "other"}, "other"),
    (lambda b: {"TableInput": of_columns("t", f"s3://{b}/x", Parameters={"metadata_location": "s3://a/b"})},
     "metadata_location"),
    (lambda b: {}, "TableInput"),
])
def test_bad_open_tables_are_refused_and_leave_nothing(tenon, namespace, bucket, request_of, text):
    client = tenon.client("glue")
    request = {"Name": "t", **request_of(bucket), "OpenTableFormatInput": ICEBERG}
    with pytest.raises(client.exceptions.InvalidInputException, match=text):
        created(client, namespace, **request)
    assert client.get_tables(DatabaseName=namespace)["TableList"] == []


def test_statistics_after_columns_were_renamed_and_dropped(tenon, catalog, namespace):
    table = catalog.create_table((namespace, "t"), rows(0, 1).schema)
    table.append(rows(0, 3))
    with table.update_schema() as change:
        change.add_column("price", DoubleType())
        change.rename_column("who", "customer")
    with table.update_schema() as change:
        change.delete_column("price")
    client = tenon.client("glue")

    def run(**extra):
        place = {"DatabaseName": namespace, "TableName": "t"}
        started = client.start_column_statistics_task_run(Role="r", **place, **extra)["ColumnStatisticsTaskRunId"]

        def ended():
            found = client.get_column_statistics_task_run(ColumnStatisticsTaskRunId=started)["ColumnStatisticsTaskRun"]
            return found if found["Status"] in ("SUCCEEDED", "FAILED", "STOPPED") else None

        return wait_until(ended, "the run to end")

    ended = run()
    assert ended["Status"] == "SUCCEEDED", ended
    names = ["id", "customer", "who", "price"]
    found = client.get_column_statistics_for_table(DatabaseName=namespace, TableName="t", ColumnNames=names)
    assert sorted(one["ColumnName"] for one in found["ColumnStatisticsList"]) == ["customer", "id"]
    ended = run(ColumnNameList=["who"])
    assert ended["Status"] == "FAILED" and "who" in ended["ErrorMessage"] and "renamed or dropped" in ended["ErrorMessage"]
