"""PyIceberg's Glue catalog on its own: everything that it does against the Glue API, and its optimistic locking."""

import concurrent.futures

import pyarrow as pa
import pytest
from pyiceberg.exceptions import (
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
