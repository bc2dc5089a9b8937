"""The Data Catalog through boto3, the AWS CLI and the SDK for pandas."""

import concurrent.futures
import datetime
import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError
from conftest import name


@pytest.fixture
def glue(tenon):
    return tenon.client("glue")


@pytest.fixture
def database(glue):
    unique = name().lower()
    glue.create_database(DatabaseInput={"Name": unique})
    yield unique
    glue.delete_database(Name=unique)


def table_input(table, keys=(), **more):
    return {
        "Name": table,
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "note", "Type": "string", "Comment": "free"}],
            "Location": f"s3://lake/{table}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        },
        "PartitionKeys": [{"Name": key, "Type": hive} for key, hive in keys],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv"},
        **more,
    }


def partition_input(*values):
    return {"Values": list(values), "StorageDescriptor": {"Location": f"s3://lake/{'/'.join(values)}/"}}


def refused(code, text, call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"], error
    return error["Message"]


# Databases


def test_a_database_comes_and_goes(glue):
    unique = name()
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    glue.create_database(
        DatabaseInput={
            "Name": unique.upper(),
            "Description": "d",
            "LocationUri": "s3://b/x/",
            "Parameters": {"k": "v"},
        },
        Tags={"team": "data"},
    )
    found = glue.get_database(Name=unique)["Database"]
    assert found["Name"] == unique.lower()
    assert found["CatalogId"] == "000000000000"
    assert found["Parameters"] == {"k": "v"}
    assert found["CreateTime"] >= before
    assert found["CreateTableDefaultPermissions"][0]["Permissions"] == ["ALL"]
    refused(
        "AlreadyExistsException",
        "Database already exists.",
        glue.create_database,
        DatabaseInput={"Name": unique},
    )
    arn = f"arn:aws:glue:us-east-1:000000000000:database/{unique.lower()}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"a": "b"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["team"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    glue.update_database(Name=unique, DatabaseInput={"Name": unique, "Description": "new"})
    found = glue.get_database(Name=unique)["Database"]
    assert found["Description"] == "new" and "Parameters" not in found
    glue.delete_database(Name=unique)
    text = f"Database {unique.lower()} not found."
    refused("EntityNotFoundException", text, glue.get_database, Name=unique)
    refused("EntityNotFoundException", text, glue.delete_database, Name=unique)
    refused("EntityNotFoundException", text, glue.get_tags, ResourceArn=arn)


def test_databases_page(glue):
    unique = name().lower()
    names = [f"{unique}_{number:03}" for number in range(12)]
    for one in names:
        glue.create_database(DatabaseInput={"Name": one})
    pages = glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 5})
    seen = [found["Name"] for page in pages for found in page["DatabaseList"]]
    assert [one for one in seen if one.startswith(unique)] == names
    assert len(seen) == len(set(seen))
    narrow = glue.get_databases(AttributesToGet=["NAME"])["DatabaseList"]
    assert all(set(found) == {"Name"} for found in narrow)
    assert glue.get_databases(ResourceShareType="FOREIGN")["DatabaseList"] == []
    for one in names:
        glue.delete_database(Name=one)


def test_deleting_a_database_deletes_its_tables(glue):
    unique = name().lower()
    glue.create_database(DatabaseInput={"Name": unique})
    glue.create_table(DatabaseName=unique, TableInput=table_input("t", [("dt", "string")]))
    glue.create_partition(DatabaseName=unique, TableName="t", PartitionInput=partition_input("a"))
    glue.delete_database(Name=unique)
    glue.create_database(DatabaseInput={"Name": unique})
    assert glue.get_tables(DatabaseName=unique)["TableList"] == []
    glue.create_table(DatabaseName=unique, TableInput=table_input("t", [("dt", "string")]))
    assert glue.get_partitions(DatabaseName=unique, TableName="t")["Partitions"] == []
    glue.delete_database(Name=unique)


# Tables


def test_a_table_keeps_everything(glue, database):
    given = table_input(
        "Orders",
        [("DT", "date"), ("region", "string")],
        Description="d",
        Owner="me",
        Retention=7,
        ViewOriginalText="/* text */",
        ViewExpandedText="/* more */",
        LastAccessTime=datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
    )
    given["StorageDescriptor"].update(
        NumberOfBuckets=4,
        BucketColumns=["id"],
        SortColumns=[{"Column": "id", "SortOrder": 1}],
        SkewedInfo={"SkewedColumnNames": ["id"], "SkewedColumnValues": ["1"]},
        Parameters={"recordCount": "5"},
        AdditionalLocations=["s3://lake/more/"],
        StoredAsSubDirectories=True,
    )
    given["StorageDescriptor"]["Columns"][0]["Name"] = "ID"
    glue.create_table(DatabaseName=database, TableInput=given)
    found = glue.get_table(DatabaseName=database, Name="ORDERS")["Table"]
    assert found["Name"] == "orders" and found["DatabaseName"] == database
    assert found["VersionId"] == "0" and found["IsRegisteredWithLakeFormation"] is False
    assert found["CreatedBy"].startswith("arn:aws:")
    assert [key["Name"] for key in found["PartitionKeys"]] == ["dt", "region"]
    assert found["StorageDescriptor"]["Columns"][0]["Name"] == "id"
    for member in set(given) - {"Name", "PartitionKeys", "StorageDescriptor"}:
        assert found[member] == given[member], member
    for member in set(given["StorageDescriptor"]) - {"Columns"}:
        assert found["StorageDescriptor"][member] == given["StorageDescriptor"][member], member


def test_missing_and_existing_tables(glue, database):
    missing = {"DatabaseName": database, "Name": "nope"}
    refused("EntityNotFoundException", "Entity Not Found", glue.get_table, **missing)
    refused("EntityNotFoundException", "Table nope not found.", glue.delete_table, **missing)
    refused(
        "EntityNotFoundException",
        "Database nodb not found.",
        glue.create_table,
        DatabaseName="nodb",
        TableInput=table_input("t"),
    )
    refused("EntityNotFoundException", "Database nodb not found.", glue.get_tables, DatabaseName="nodb")
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    refused(
        "AlreadyExistsException",
        "Table already exists.",
        glue.create_table,
        DatabaseName=database,
        TableInput=table_input("T"),
    )
    refused(
        "EntityNotFoundException",
        "Table u not found.",
        glue.update_table,
        DatabaseName=database,
        TableInput=table_input("u"),
    )
    answer = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["t", "nope"])
    assert [one["TableName"] for one in answer["Errors"]] == ["nope"]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"


def test_tables_filter_and_page(glue, database):
    for number in range(23):
        kind = "VIRTUAL_VIEW" if number % 2 else "EXTERNAL_TABLE"
        glue.create_table(DatabaseName=database, TableInput=table_input(f"sales_{number:02}", TableType=kind))
    glue.create_table(DatabaseName=database, TableInput=table_input("other"))

    def names(**request):
        pages = glue.get_paginator("get_tables").paginate(
            DatabaseName=database, PaginationConfig={"PageSize": 4}, **request
        )
        return [found["Name"] for page in pages for found in page["TableList"]]

    assert len(names()) == 24
    assert len(names(Expression="sales_*")) == 23
    assert len(names(Expression="sales_0.*")) == 10
    assert names(Expression="*_22") == ["sales_22"]
    assert names(Expression="other|nothing") == ["other"]
    assert names(Expression="sale") == []
    refused(
        "InvalidInputException",
        "regular expression",
        glue.get_tables,
        DatabaseName=database,
        Expression="(",
    )
    narrow = glue.get_tables(DatabaseName=database, AttributesToGet=["NAME", "TABLE_TYPE"])["TableList"]
    assert set(narrow[0]) == {"Name", "TableType"}
    refused(
        "InvalidInputException", "NAME", glue.get_tables, DatabaseName=database, AttributesToGet=["TABLE_TYPE"]
    )
    refused("InvalidInputException", "token", glue.get_tables, DatabaseName=database, NextToken="made up")


def test_versions(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    for number in range(3):
        glue.update_table(
            DatabaseName=database, TableInput=table_input("t", Description=f"{number}"), VersionId=str(number)
        )
    text = "Update table failed due to concurrent modifications."
    stale = {"DatabaseName": database, "TableInput": table_input("t"), "VersionId": "0"}
    refused("ConcurrentModificationException", text, glue.update_table, **stale)
    for _ in range(3):
        glue.update_table(DatabaseName=database, TableInput=table_input("t"), SkipArchive=True)
    pages = glue.get_paginator("get_table_versions").paginate(
        DatabaseName=database, TableName="t", PaginationConfig={"PageSize": 2}
    )
    versions = [found["VersionId"] for page in pages for found in page["TableVersions"]]
    assert versions == ["6", "2", "1", "0"]
    old = glue.get_table_version(DatabaseName=database, TableName="t", VersionId="2")["TableVersion"]
    assert old["Table"]["Description"] == "1" and old["Table"]["VersionId"] == "2"
    assert glue.get_table_version(DatabaseName=database, TableName="t")["TableVersion"]["VersionId"] == "6"
    glue.delete_table_version(DatabaseName=database, TableName="t", VersionId="2")
    gone = {"DatabaseName": database, "TableName": "t", "VersionId": "2"}
    refused("EntityNotFoundException", "Version not found.", glue.get_table_version, **gone)
    answer = glue.batch_delete_table_version(DatabaseName=database, TableName="t", VersionIds=["0", "77"])
    assert [one["VersionId"] for one in answer["Errors"]] == ["77"]


def test_of_many_writers_one_wins_each_version(tenon, glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", Parameters={"count": "0"}))

    def add_one(_):
        client = tenon.client("glue")
        while True:
            found = client.get_table(DatabaseName=database, Name="t")["Table"]
            count = str(int(found["Parameters"]["count"]) + 1)
            try:
                client.update_table(
                    DatabaseName=database,
                    TableInput=table_input("t", Parameters={"count": count}),
                    VersionId=found["VersionId"],
                    SkipArchive=True,
                )
                return
            except client.exceptions.ConcurrentModificationException:
                continue

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    found = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert found["Parameters"]["count"] == "40" and found["VersionId"] == "40"


# Partitions


@pytest.fixture
def partitioned(glue, database):
    keys = [("region", "string"), ("dt", "date"), ("n", "int")]
    glue.create_table(DatabaseName=database, TableInput=table_input("p", keys))
    return {"DatabaseName": database, "TableName": "p"}


def test_partitions_one_by_one(glue, partitioned):
    one = partition_input("eu", "2024-01-01", "7")
    one["StorageDescriptor"]["Columns"] = [{"Name": "Id", "Type": "bigint"}]
    one["Parameters"] = {"k": "v"}
    glue.create_partition(**partitioned, PartitionInput=one)
    found = glue.get_partition(**partitioned, PartitionValues=one["Values"])["Partition"]
    assert found["Values"] == one["Values"] and found["TableName"] == "p"
    assert found["StorageDescriptor"]["Location"] == one["StorageDescriptor"]["Location"]
    assert found["StorageDescriptor"]["Columns"][0]["Name"] == "id"
    assert found["CatalogId"] == "000000000000" and found["CreationTime"]
    refused(
        "AlreadyExistsException",
        "Partition already exists.",
        glue.create_partition,
        **partitioned,
        PartitionInput=one,
    )
    refused(
        "InvalidInputException",
        "The number of partition keys do not match the number of partition values",
        glue.create_partition,
        **partitioned,
        PartitionInput=partition_input("eu"),
    )
    moved = partition_input("eu", "2024-01-01", "8")
    glue.update_partition(**partitioned, PartitionValueList=one["Values"], PartitionInput=moved)
    refused(
        "EntityNotFoundException",
        "Cannot find partition.",
        glue.get_partition,
        **partitioned,
        PartitionValues=one["Values"],
    )
    glue.delete_partition(**partitioned, PartitionValues=moved["Values"])
    refused(
        "EntityNotFoundException",
        "Cannot find partition.",
        glue.delete_partition,
        **partitioned,
        PartitionValues=moved["Values"],
    )
    assert glue.get_partition_indexes(**partitioned)["PartitionIndexDescriptorList"] == []


def test_partitions_in_batches(glue, partitioned):
    inputs = [partition_input("eu", "2024-01-01", str(number)) for number in range(100)]
    assert glue.batch_create_partition(**partitioned, PartitionInputList=inputs)["Errors"] == []
    again = glue.batch_create_partition(
        **partitioned, PartitionInputList=[inputs[5], partition_input("us", "2024-01-01", "1")]
    )
    assert [one["PartitionValues"] for one in again["Errors"]] == [inputs[5]["Values"]]
    assert again["Errors"][0]["ErrorDetail"]["ErrorCode"] == "AlreadyExistsException"
    wanted = [{"Values": one["Values"]} for one in inputs[:3]] + [{"Values": ["no", "2024-01-01", "1"]}]
    answer = glue.batch_get_partition(**partitioned, PartitionsToGet=wanted)
    assert len(answer["Partitions"]) == 3 and answer["UnprocessedKeys"] == []
    entries = [
        {"PartitionValueList": inputs[0]["Values"], "PartitionInput": {**inputs[0], "Parameters": {"new": "1"}}},
        {"PartitionValueList": ["no", "2024-01-01", "1"], "PartitionInput": partition_input("no", "2024-01-01", "1")},
    ]
    answer = glue.batch_update_partition(**partitioned, Entries=entries)
    assert [one["PartitionValueList"][0] for one in answer["Errors"]] == ["no"]
    found = glue.get_partition(**partitioned, PartitionValues=inputs[0]["Values"])["Partition"]
    assert found["Parameters"] == {"new": "1"}
    gone = [{"Values": one["Values"]} for one in inputs[:24]] + [{"Values": ["no", "2024-01-01", "1"]}]
    answer = glue.batch_delete_partition(**partitioned, PartitionsToDelete=gone)
    assert len(answer["Errors"]) == 1
    pages = glue.get_paginator("get_partitions").paginate(**partitioned, PaginationConfig={"PageSize": 10})
    assert sum(len(page["Partitions"]) for page in pages) == 77


def test_batches_have_the_sizes_of_the_model(tenon, partitioned):
    glue = tenon.client("glue")
    many = [partition_input("eu", "2024-01-01", str(number)) for number in range(101)]
    refused("ValidationException", "100", glue.batch_create_partition, **partitioned, PartitionInputList=many)
    gone = [{"Values": one["Values"]} for one in many[:26]]
    refused("ValidationException", "25", glue.batch_delete_partition, **partitioned, PartitionsToDelete=gone)
    assert glue.get_partitions(**partitioned)["Partitions"] == []


EXPRESSIONS = {
    "": 120,
    "  ": 120,
    "region = 'eu'": 60,
    "REGION='eu' and `n` > 9": 50,
    "n > 9": 100,
    "n >= '10' AND n < 12": 4,
    "n = 010": 2,
    "n IN (1, 2, 59)": 6,
    "n NOT IN (1, 2, 59)": 114,
    "n BETWEEN 10 AND 19": 20,
    "NOT (n BETWEEN 10 AND 19)": 100,
    "n NOT BETWEEN 10 AND 19": 100,
    "dt = '2024-01-01'": 4,
    "dt = DATE '2024-01-01'": 4,
    "dt < '2024-01-03' OR dt >= '2024-01-29'": 16,
    "region LIKE 'e%'": 60,
    "region LIKE '_s'": 60,
    "region NOT LIKE 'e%'": 60,
    "region <> 'eu' AND region != 'xx'": 60,
    "region IS NULL": 0,
    "region IS NOT NULL AND n = 1": 2,
    "n = -1": 0,
    "(region = 'eu' OR region = 'us') AND (n = 1 OR (n = 2 AND NOT region = 'us'))": 3,
}


def test_expressions(glue, partitioned):
    for region in ("eu", "us"):
        inputs = [partition_input(region, f"2024-01-{number % 30 + 1:02}", str(number)) for number in range(60)]
        assert glue.batch_create_partition(**partitioned, PartitionInputList=inputs)["Errors"] == []
    for expression, count in EXPRESSIONS.items():
        pages = glue.get_paginator("get_partitions").paginate(
            **partitioned, Expression=expression, PaginationConfig={"PageSize": 7}
        )
        seen = [tuple(found["Values"]) for page in pages for found in page["Partitions"]]
        assert len(seen) == len(set(seen)) == count, expression
    seen = []
    for number in range(5):
        pages = glue.get_paginator("get_partitions").paginate(
            **partitioned,
            Segment={"SegmentNumber": number, "TotalSegments": 5},
            ExcludeColumnSchema=True,
            PaginationConfig={"PageSize": 9},
        )
        seen += [tuple(found["Values"]) for page in pages for found in page["Partitions"]]
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize(
    "expression, text",
    [
        ("nope = 1", "Invalid partition expression!"),
        ("n = 'x'", '"x" is not an integer.'),
        ("n = 1.5", '"1.5" is not an integer.'),
        ("dt = '2024-02-30'", "2024-02-30 is not a date."),
        ("n LIKE '1%'", "Integral data type doesn't support operation 'LIKE'"),
        ("n =", "position 4"),
        ("n = 1 AND", "position 10"),
        ("n ~ 1", "Unsupported expression"),
        ("(n = 1", "')'"),
        ("n IN ()", "position 7"),
        ("region = 'open", "position 10"),
        ("n = 1; DROP TABLE t", "Unsupported expression"),
        ("NOT " * 400 + "n = 1", "nested"),
    ],
)
def test_bad_expressions(glue, partitioned, expression, text):
    refused("InvalidInputException", text, glue.get_partitions, **partitioned, Expression=expression)


def test_a_value_that_is_not_of_its_type(glue, partitioned):
    glue.create_partition(**partitioned, PartitionInput=partition_input("eu", "2024-01-01", "null"))
    refused("InvalidStateException", "is not an integer", glue.get_partitions, **partitioned, Expression="n >= 0")
    found = glue.get_partitions(**partitioned, Expression="region = 'eu'")["Partitions"]
    assert len(found) == 1


def test_the_default_partition_is_null(glue, partitioned):
    default = "__HIVE_DEFAULT_PARTITION__"
    glue.create_partition(**partitioned, PartitionInput=partition_input(default, "2024-01-01", default))
    for expression, count in [("n IS NULL", 1), ("n > 0", 0), ("NOT n > 0", 0), (f"region = '{default}'", 1)]:
        found = glue.get_partitions(**partitioned, Expression=expression)["Partitions"]
        assert len(found) == count, expression


def test_tokens_belong_to_their_listing(glue, partitioned):
    inputs = [partition_input("eu", "2024-01-01", str(number)) for number in range(10)]
    glue.batch_create_partition(**partitioned, PartitionInputList=inputs)
    token = glue.get_partitions(**partitioned, MaxResults=3)["NextToken"]
    for bad in [{"NextToken": "x"}, {"NextToken": token, "Expression": "n > 3"}, {"NextToken": token[:-4]}]:
        refused("InvalidInputException", "token", glue.get_partitions, **partitioned, **bad)


def test_bad_segments(glue, partitioned):
    for number, total in [(1, 1), (5, 5)]:
        segment = {"SegmentNumber": number, "TotalSegments": total}
        refused("InvalidInputException", "Segment", glue.get_partitions, **partitioned, Segment=segment)
    segment = {"SegmentNumber": 0, "TotalSegments": 11}
    refused("ValidationException", "10", glue.get_partitions, **partitioned, Segment=segment)


# What is not built, and bad input


def test_what_is_not_built_says_so(glue, database):
    request = {"TransactionId": "abc", "TableInput": table_input("t")}
    refused("NotImplemented", "not built", glue.create_table, DatabaseName=database, **request)
    refused("NotImplemented", "", glue.get_tags, ResourceArn="arn:aws:glue:us-east-1:000000000000:trigger/x")
    for malformed in ("table/sea", "database/a/b", "userDefinedFunction/f"):
        at = f"arn:aws:glue:us-east-1:000000000000:{malformed}"
        refused("InvalidInputException", "not the ARN", glue.get_tags, ResourceArn=at)
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


@pytest.mark.parametrize("bad", ["", "x" * 256])
def test_names_are_checked(tenon, bad):
    glue = tenon.client("glue", parameter_validation=False)
    refused("ValidationException", "databaseInput.name", glue.create_database, DatabaseInput={"Name": bad})


def test_more_bad_input(glue, database):
    blank = {"DatabaseInput": {"Name": "   "}}
    refused("InvalidInputException", "blank", glue.create_database, **blank)
    twice = table_input("t", [("dt", "string"), ("DT", "string")])
    refused("InvalidInputException", "more than once", glue.create_table, DatabaseName=database, TableInput=twice)
    loaded = table_input("t", [("dt", "string")])
    loaded["PartitionKeys"][0]["Parameters"] = {"a": "b"}
    text = "Parameters not supported for partition columns"
    refused("InvalidInputException", text, glue.create_table, DatabaseName=database, TableInput=loaded)
    refused("InvalidInputException", "Catalog", glue.get_database, Name=database, CatalogId="999999999999")
    arn = f"arn:aws:glue:us-east-1:000000000000:database/{database}"
    refused("InvalidInputException", "aws:", glue.tag_resource, ResourceArn=arn, TagsToAdd={"aws:x": "y"})
    many = {f"k{number}": "v" for number in range(30)}
    glue.tag_resource(ResourceArn=arn, TagsToAdd=many)
    more = {f"m{number}": "v" for number in range(30)}
    refused("InvalidInputException", "50 tags", glue.tag_resource, ResourceArn=arn, TagsToAdd=more)
    assert glue.get_tags(ResourceArn=arn)["Tags"] == many


def test_the_catalog_itself(tenon):
    glue = tenon.client("glue", access_key="123412341234")
    found = glue.get_catalog(CatalogId="123412341234")["Catalog"]
    assert found["CatalogId"] == found["Name"] == "123412341234"
    assert found["ResourceArn"] == "arn:aws:glue:us-east-1:123412341234:catalog"
    assert glue.get_catalogs()["CatalogList"] == []
    assert glue.get_catalogs(IncludeRoot=True, Recursive=True)["CatalogList"] == [found]
    refused("EntityNotFoundException", "nested", glue.get_catalog, CatalogId="nested")
    refused("EntityNotFoundException", "nested", glue.get_catalogs, ParentCatalogId="nested")
    refused("InvalidInputException", "token", glue.get_catalogs, NextToken="x")
    made = {"Name": "c", "CatalogInput": {"Description": "d"}}
    refused("NotImplemented", "", glue.create_catalog, **made)


def test_regions_are_apart(tenon, glue, database):
    other = tenon.client("glue", region="eu-west-1")
    refused("EntityNotFoundException", f"Database {database} not found.", other.get_database, Name=database)


def test_it_is_still_there_after_a_kill(tenon_factory):
    server = tenon_factory().start()
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput=table_input("t", [("n", "int")]))
    inputs = [partition_input(str(number)) for number in range(50)]
    glue.batch_create_partition(DatabaseName="kept", TableName="t", PartitionInputList=inputs)
    server.kill()
    server.start()
    glue = server.client("glue")
    found = glue.get_partitions(DatabaseName="kept", TableName="t", Expression="n >= 40")["Partitions"]
    assert [one["Values"] for one in found] == [[str(number)] for number in range(40, 50)]


# Other clients


def aws(tenon, *arguments):
    command = [sys.executable, "-m", "awscli", "glue", *arguments, "--output", "json"]
    done = subprocess.run(command, env=tenon.environ(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_aws_cli(tenon, database):
    aws(tenon, "create-table", "--database-name", database, "--table-input", json.dumps(table_input("t")))
    assert aws(tenon, "get-tables", "--database-name", database, "--query", "TableList[].Name") == ["t"]


def test_the_sdk_for_pandas(tenon, database, monkeypatch):
    import awswrangler as wr
    for key, value in tenon.environ().items():
        monkeypatch.setenv(key, value)
    wr.catalog.create_parquet_table(
        database=database,
        table="sales_2024",
        path="s3://lake/sales/",
        columns_types={"id": "bigint", "price": "double"},
        partitions_types={"day": "date", "shop": "int"},
        description="sales",
        parameters={"source": "app"},
        columns_comments={"id": "the id"},
    )
    assert wr.catalog.does_table_exist(database=database, table="sales_2024")
    assert not wr.catalog.does_table_exist(database=database, table="nope")
    types = wr.catalog.get_table_types(database=database, table="sales_2024")
    assert types == {"id": "bigint", "price": "double", "day": "date", "shop": "int"}
    assert wr.catalog.get_table_description(database=database, table="sales_2024") == "sales"
    assert wr.catalog.get_table_location(database=database, table="sales_2024") == "s3://lake/sales/"
    assert wr.catalog.get_table_parameters(database=database, table="sales_2024")["source"] == "app"
    assert wr.catalog.get_columns_comments(database=database, table="sales_2024")["id"] == "the id"
    values = {f"s3://lake/sales/day=2024-01-{day:02}/shop={shop}/": [f"2024-01-{day:02}", str(shop)]
              for day in range(1, 29) for shop in range(10)}
    wr.catalog.add_parquet_partitions(database=database, table="sales_2024", partitions_values=values)
    assert wr.catalog.get_parquet_partitions(database=database, table="sales_2024") == values
    some = wr.catalog.get_partitions(
        database=database, table="sales_2024", expression="day > '2024-01-26' AND shop >= 9"
    )
    assert sorted(found[0] for found in some.values()) == ["2024-01-27", "2024-01-28"]
    wr.catalog.upsert_table_parameters(parameters={"more": "1"}, database=database, table="sales_2024")
    assert wr.catalog.get_table_parameters(database=database, table="sales_2024")["more"] == "1"
    wr.catalog.add_column(
        database=database, table="sales_2024", column_name="extra", column_type="string", column_comment="more"
    )
    assert wr.catalog.get_table_number_of_versions(database=database, table="sales_2024") >= 2
    for request in [{"name_prefix": "sales"}, {"name_suffix": "2024"}, {"name_contains": "les_20"}]:
        assert [found["Name"] for found in wr.catalog.get_tables(database=database, **request)] == ["sales_2024"]
    assert database in set(wr.catalog.databases(limit=10_000)["Database"])
    assert len(wr.catalog.table(database=database, table="sales_2024")) == 5
    wr.catalog.delete_partitions(
        database=database, table="sales_2024", partitions_values=[["2024-01-01", "0"], ["2024-01-01", "1"]]
    )
    assert len(wr.catalog.get_parquet_partitions(database=database, table="sales_2024")) == 278
    assert wr.catalog.delete_table_if_exists(database=database, table="sales_2024")
    assert not wr.catalog.delete_table_if_exists(database=database, table="sales_2024")
