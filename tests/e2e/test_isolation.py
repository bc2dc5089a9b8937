"""Buckets belong to accounts: whatever S3 would refuse a caller, the caller's jobs and statements do not reach either."""

import random

import pytest

from conftest import name, wait_until
from test_jobs import Glue, csv, mapping, parquet

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


class Account(Glue):
    """Jobs and tables of an account of its own."""

    def __init__(self, server):
        self.account = str(random.randrange(10**11, 10**12))
        super().__init__(Signed(server, self.account))


class Signed:
    """A server as one account sees it."""

    def __init__(self, server, account):
        self.server, self.account = server, account

    def client(self, service):
        return self.server.client(service, access_key=self.account)

    def bucket(self, prefix):
        made = name(prefix).replace("_", "-")
        self.client("s3").create_bucket(Bucket=made)
        return made


@pytest.fixture
def mine(tenon):
    return Account(tenon)


@pytest.fixture
def theirs(tenon):
    other = Account(tenon)
    other.put("in/k=1/a.csv", b"word,n\nsecret,1\n")
    return other


def table(account, location):
    made = name("t")
    account.client.create_table(DatabaseName=account.database, TableInput={
        "Name": made, "PartitionKeys": [{"Name": "k", "Type": "string"}], "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Columns": [{"Name": "word", "Type": "string"}, {"Name": "n", "Type": "string"}], "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": LAZY, "Parameters": {"field.delim": ","}},
        },
    })
    return made


def copy(source, target):
    return {"s": source, "m": mapping("s", ("word", "word", "string"), ("n", "n", "string")), "t": target}


def test_a_job_reads_no_files_of_another_account(mine, theirs):
    source = csv(theirs, "in")
    text = mine.fails(mine.create(copy(source, parquet(mine, "m", "out"))))
    assert "belongs to another account" in text and theirs.bucket in text
    assert mine.keys("out") == []


def test_a_job_reads_no_table_over_files_of_another_account(mine, theirs):
    made = table(mine, theirs.path("in"))
    mine.client.create_partition(DatabaseName=mine.database, TableName=made, PartitionInput={
        "Values": ["1"], "StorageDescriptor": mine.client.get_table(
            DatabaseName=mine.database, Name=made)["Table"]["StorageDescriptor"] | {"Location": theirs.path("in/k=1")},
    })
    source = {"CatalogSource": {"Name": "s", "Database": mine.database, "Table": made}}
    text = mine.fails(mine.create(copy(source, parquet(mine, "m", "out"))))
    assert "belongs to another account" in text and theirs.bucket in text
    assert mine.keys("out") == []


def test_a_job_writes_no_files_for_another_account(mine, theirs):
    mine.put("in/a.csv", b"word,n\nown,1\n")
    target = parquet(mine, "m", "out")
    target["S3GlueParquetTarget"]["Path"] = theirs.path("out")
    text = mine.fails(mine.create(copy(csv(mine, "in"), target)))
    assert "belongs to another account" in text and theirs.bucket in text
    assert theirs.keys("out") == []


def test_a_job_sees_no_table_of_another_account(mine, theirs):
    made = table(theirs, theirs.path("in"))
    source = {"CatalogSource": {"Name": "s", "Database": theirs.database, "Table": made}}
    text = mine.fails(mine.create(copy(source, parquet(mine, "m", "out"))))
    assert theirs.database in text
    assert mine.keys("out") == []


def test_msck_repair_lists_no_folders_of_another_account(mine, theirs):
    made = table(mine, theirs.path("in"))
    athena = mine.server.client("athena")
    started = athena.start_query_execution(
        QueryString=f"MSCK REPAIR TABLE {made}", QueryExecutionContext={"Database": mine.database},
        ResultConfiguration={"OutputLocation": mine.path("results")},
    )["QueryExecutionId"]

    def ended():
        found = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        return found if found["State"] in ("SUCCEEDED", "FAILED") else None

    status = wait_until(ended, "the statement to end")
    assert status["State"] == "FAILED" and "Access Denied" in status["StateChangeReason"]
    assert mine.client.get_partitions(DatabaseName=mine.database, TableName=made)["Partitions"] == []
