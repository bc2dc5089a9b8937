"""The rest of Glue's Data Catalog API through boto3: indexes, statistics, functions, links, search, policies, settings,
optimizers, connections."""

import datetime
import pathlib
import socket
import tempfile

import pytest
from conftest import name, wait_until
from mariadb import PASSWORD, MariaDb
from test_catalog import partition_input, refused, table_input

ACCOUNT = "000000000000"


@pytest.fixture
def glue(tenon):
    return tenon.client("glue")


@pytest.fixture
def database(glue):
    unique = name().lower()
    glue.create_database(DatabaseInput={"Name": unique})
    yield unique
    glue.delete_database(Name=unique)


# Partition indexes


def test_partition_indexes(glue, database):
    keys = [("year", "int"), ("kind", "string"), ("ratio", "double")]
    glue.create_table(DatabaseName=database, TableInput=table_input("t", keys),
                      PartitionIndexes=[{"Keys": ["year", "kind"], "IndexName": "one"}])
    table = {"DatabaseName": database, "TableName": "t"}

    def make(index, *of):
        glue.create_partition_index(**table, PartitionIndex={"Keys": list(of), "IndexName": index})

    make("two", "kind")
    make("three", "kind", "year")
    for code, arguments in [
        ("ResourceNumberLimitExceededException", ("four", "year")),
        ("AlreadyExistsException", ("one", "year")),
        ("InvalidInputException", ("bad", "none")),
        ("InvalidInputException", ("bad", "ratio")),
    ]:
        with pytest.raises(glue.exceptions.ClientError) as caught:
            make(*arguments)
        assert caught.value.response["Error"]["Code"] == code, arguments
    glue.create_partition(**table, PartitionInput=partition_input("2024", "a", "1.5"))
    found = {one["IndexName"]: one for one in glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"]}
    assert sorted(found) == ["one", "three", "two"]
    assert found["one"]["Keys"] == [{"Name": "year", "Type": "int"}, {"Name": "kind", "Type": "string"}]
    assert {one["IndexStatus"] for one in found.values()} == {"ACTIVE"}

    glue.create_partition(**table, PartitionInput=partition_input("soon", "a", "1.5"))
    one = glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"][0]
    assert one["IndexStatus"] == "FAILED"
    assert one["BackfillErrors"][0]["Code"] == "INVALID_PARTITION_TYPE_DATA_ERROR"
    assert one["BackfillErrors"][0]["Partitions"] == [{"Values": ["soon", "a", "1.5"]}]
    refused("InvalidStateException", "soon", glue.get_partitions, **table, Expression="year = 2024")
    glue.delete_partition_index(**table, IndexName="one")
    refused("EntityNotFoundException", "one", glue.delete_partition_index, **table, IndexName="one")
    # A table that cannot have its index is not made.
    refused("InvalidInputException", "none", glue.create_table, DatabaseName=database, TableInput=table_input("u", keys),
            PartitionIndexes=[{"Keys": ["none"], "IndexName": "i"}])
    refused("EntityNotFoundException", "", glue.get_table, DatabaseName=database, Name="u")


def test_the_number_of_keys_stays_while_there_are_partitions(glue, database):
    keys = [("year", "int"), ("month", "int")]
    glue.create_table(DatabaseName=database, TableInput=table_input("t", keys))
    table = {"DatabaseName": database, "TableName": "t"}
    glue.create_partition(**table, PartitionInput=partition_input("2024", "01"))
    refused("InvalidInputException", "BatchDeletePartition", glue.update_table, DatabaseName=database,
            TableInput=table_input("t", keys[:1]))
    glue.update_table(DatabaseName=database, TableInput=table_input("t", [("year", "string"), ("month", "string")]))
    assert glue.get_partition(**table, PartitionValues=["2024", "01"])["Partition"]["Values"] == ["2024", "01"]
    found = glue.get_partitions(**table, Expression="month = '01'")["Partitions"]
    assert [one["Values"] for one in found] == [["2024", "01"]]


# Statistics


TIME = datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.timezone.utc)


# Types of columns that are not called like their statistics.
HIVE = {"LONG": "bigint", "DECIMAL": "decimal(10,2)"}


def statistics_of_all_types():
    number = {"UnscaledValue": b"\x01\x02", "Scale": 2}
    counts = {"NumberOfNulls": 1, "NumberOfDistinctValues": 2}
    lengths = {"MaximumLength": 9, "AverageLength": 4.5, "NumberOfNulls": 1}
    data = {
        "BOOLEAN": {"NumberOfTrues": 1, "NumberOfFalses": 2, "NumberOfNulls": 3},
        "DATE": {"MinimumValue": TIME, "MaximumValue": TIME, **counts},
        "DECIMAL": {"MinimumValue": number, "MaximumValue": number, **counts},
        "DOUBLE": {"MinimumValue": 0.5, "MaximumValue": 1e300, **counts},
        "LONG": {"MinimumValue": -(2**62), "MaximumValue": 2**62, **counts},
        "STRING": {**lengths, "NumberOfDistinctValues": 2},
        "BINARY": lengths,
    }
    return [
        {"ColumnName": f"c_{kind.lower()}", "ColumnType": HIVE.get(kind, kind.lower()), "AnalyzedTime": TIME,
         "StatisticsData": {"Type": kind, f"{kind.capitalize()}ColumnStatisticsData": values}}
        for kind, values in data.items()
    ]


@pytest.mark.parametrize("of", ["table", "partition"])
def test_statistics_of_every_type_come_back(glue, database, of):
    given = statistics_of_all_types()
    names = [one["ColumnName"] for one in given]
    definition = table_input("t", [("year", "int")])
    definition["StorageDescriptor"]["Columns"] = [
        {"Name": one["ColumnName"], "Type": one["ColumnType"]} for one in given]
    glue.create_table(DatabaseName=database, TableInput=definition)
    place = {"DatabaseName": database, "TableName": "t"}
    glue.create_partition(**place, PartitionInput=partition_input("2024"))
    update, get, delete = (
        getattr(glue, f"{verb}_column_statistics_for_{of}") for verb in ("update", "get", "delete")
    )
    if of == "partition":
        place["PartitionValues"] = ["2024"]
    assert update(**place, ColumnStatisticsList=given)["Errors"] == []
    assert get(**place, ColumnNames=names)["ColumnStatisticsList"] == given

    wrong = {**given[0], "StatisticsData": {**given[0]["StatisticsData"], "Type": "LONG"}}
    errors = update(**place, ColumnStatisticsList=[{**given[0], "ColumnName": "none"}, wrong])["Errors"]
    assert [one["Error"]["ErrorCode"] for one in errors] == ["EntityNotFoundException", "InvalidInputException"]
    assert errors[1]["ColumnStatistics"] == wrong
    of_text = {**given[4], "ColumnName": given[5]["ColumnName"]}
    for bad in (of_text, {**given[4], "ColumnType": "string"}):
        (error,) = update(**place, ColumnStatisticsList=[bad])["Errors"]
        assert error["Error"]["ErrorCode"] == "InvalidInputException"
    delete(**place, ColumnName=names[0])
    refused("EntityNotFoundException", names[0], delete, **place, ColumnName=names[0])
    answer = get(**place, ColumnNames=[names[0].upper(), names[1], "none"])
    assert [one["ColumnName"] for one in answer["ColumnStatisticsList"]] == [names[1]]
    assert [one["ColumnName"] for one in answer["Errors"]] == [names[0].upper(), "none"]
    if of == "partition":
        refused("EntityNotFoundException", "partition", get, **{**place, "PartitionValues": ["2025"]}, ColumnNames=[])


# User-defined functions


def test_functions(glue, database):
    given = {"FunctionName": "Mask", "ClassName": "org.x.Mask", "OwnerName": "me", "OwnerType": "USER",
             "FunctionType": "REGULAR_FUNCTION", "ResourceUris": [{"ResourceType": "JAR", "Uri": "s3://b/x.jar"}]}
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=given)
    place = {"DatabaseName": database, "FunctionName": "mask"}
    found = glue.get_user_defined_function(**place)["UserDefinedFunction"]
    assert {key: found[key] for key in given} == given
    assert found["DatabaseName"] == database and found["CreateTime"]
    refused("AlreadyExistsException", "mask", glue.create_user_defined_function, DatabaseName=database,
            FunctionInput=given)
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:userDefinedFunction/{database}/mask"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"a": "b"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    glue.update_user_defined_function(**place, FunctionInput={**given, "FunctionType": "AGGREGATE_FUNCTION"})
    for kind, names in [("AGGREGATE_FUNCTION", ["Mask"]), ("STORED_PROCEDURE", [])]:
        answer = glue.get_user_defined_functions(DatabaseName=database, Pattern="m.*", FunctionType=kind)
        assert [one["FunctionName"] for one in answer["UserDefinedFunctions"]] == names
    pages = glue.get_paginator("get_user_defined_functions").paginate(Pattern="*", PaginationConfig={"PageSize": 1})
    assert (database, "Mask") in [(f["DatabaseName"], f["FunctionName"]) for p in pages for f in p["UserDefinedFunctions"]]
    glue.delete_user_defined_function(**place)
    refused("EntityNotFoundException", "mask", glue.get_user_defined_function, **place)


# Resource links


def test_links_show_and_follow_their_targets(tenon, glue, database):
    target = table_input("sales", [("year", "int")], Description="of the target")
    glue.create_table(DatabaseName=database, TableInput=target)
    other, link = name().lower(), name().lower()
    glue.create_database(DatabaseInput={"Name": other})
    glue.create_database(DatabaseInput={"Name": link, "TargetDatabase": {"CatalogId": ACCOUNT, "DatabaseName": database}})
    identifier = {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": "sales"}
    glue.create_table(DatabaseName=other, TableInput={"Name": "sold", "TargetTable": identifier})

    shown = glue.get_table(DatabaseName=other, Name="sold")["Table"]
    assert (shown["Name"], shown["DatabaseName"], shown["TargetTable"]) == ("sold", other, identifier)
    assert shown["Description"] == "of the target"
    assert shown["StorageDescriptor"]["Columns"] == target["StorageDescriptor"]["Columns"]
    assert glue.get_tables(DatabaseName=other)["TableList"] == [shown]
    assert glue.get_table(DatabaseName=link, Name="sales")["Table"]["DatabaseName"] == database
    assert glue.get_database(Name=link)["Database"]["TargetDatabase"]["DatabaseName"] == database

    glue.create_partition(DatabaseName=other, TableName="sold", PartitionInput=partition_input("2024"))
    for place in [(other, "sold"), (link, "sales"), (database, "sales")]:
        answer = glue.get_partitions(DatabaseName=place[0], TableName=place[1], Expression="year = 2024")
        assert len(answer["Partitions"]) == 1, place
    glue.delete_table(DatabaseName=database, Name="sales")
    gone = f"Resource link {other}.sold leads to table {database}.sales, which does not exist."
    refused("EntityNotFoundException", gone, glue.get_table, DatabaseName=other, Name="sold")
    for target, says in [
        ({"CatalogId": ACCOUNT, "DatabaseName": other, "Name": "SOLD"}, "another resource link"),
        ({"CatalogId": ACCOUNT, "DatabaseName": other, "Name": "new"}, "leads to itself"),
        ({"CatalogId": "999999999999", "DatabaseName": database, "Name": "t"}, "another account"),
    ]:
        refused("InvalidInputException", says, glue.create_table, DatabaseName=other,
                TableInput={"Name": "new", "TargetTable": target})
    itself = name()
    for target, says in [(link, "another resource link"), (itself, "leads to itself")]:
        made = {"Name": itself, "TargetDatabase": {"CatalogId": ACCOUNT, "DatabaseName": target}}
        refused("InvalidInputException", says, glue.create_database, DatabaseInput=made)
    assert glue.get_tables(DatabaseName=other)["TableList"][0]["TargetTable"] == identifier, "listed all the same"
    for place in (other, link):
        glue.delete_database(Name=place)
    assert glue.get_database(Name=database)


def test_queries_read_through_links(tenon, glue, database):
    bucket = tenon.bucket()
    tenon.client("s3").put_object(Bucket=bucket, Key="t/a.csv", Body=b"1,a\n2,b\n")
    definition = table_input("t")
    definition["StorageDescriptor"]["Location"] = f"s3://{bucket}/t/"
    glue.create_table(DatabaseName=database, TableInput=definition)
    link = name().lower()
    glue.create_database(DatabaseInput={"Name": link, "TargetDatabase": {"DatabaseName": database, "CatalogId": ACCOUNT}})
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "l", "TargetTable": {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": "t"}})
    athena = tenon.client("athena")
    for place in (f"{link}.t", f"{database}.l"):
        query = athena.start_query_execution(
            QueryString=f"SELECT sum(id) FROM {place}",
            ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"})["QueryExecutionId"]

        def done():
            status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            return status if status["State"] in ("SUCCEEDED", "FAILED") else None

        status = wait_until(done, "the query")
        assert status["State"] == "SUCCEEDED", status
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        assert rows[1]["Data"][0]["VarCharValue"] == "3"
    glue.delete_database(Name=link)


# Search


def test_search(glue, database):
    word = name().replace("_", "")
    for number, kind in enumerate(["csv", "parquet", "csv"]):
        glue.create_table(DatabaseName=database, TableInput=table_input(
            f"{word}_{number}", Description=f"number-{number} of {word}", Retention=10 - number,
            Parameters={"classification": kind}))

    def found(**request):
        names, token = [], {}
        while True:
            page = glue.search_tables(**request, **token, MaxResults=2)
            names += [table["Name"].removeprefix(f"{word}_") for table in page["TableList"]]
            if "NextToken" not in page:
                return names
            token = {"NextToken": page["NextToken"]}

    def key(name_, value, comparator=None):
        return {"Key": name_, "Value": value, **({"Comparator": comparator} if comparator else {})}

    here = key("DatabaseName", database)
    assert found(Filters=[here]) == ["0", "1", "2"]
    assert found(SearchText=word) == ["0", "1", "2"]
    assert found(SearchText=f"{word} 1") == ["1"]
    assert found(SearchText=f'"number-2 of {word}"') == ["2"]
    assert found(SearchText=word, Filters=[key("classification", "csv")]) == ["0", "2"]
    assert found(SearchText=word, SortCriteria=[{"FieldName": "Retention", "Sort": "ASC"}]) == ["2", "1", "0"]
    assert found(SearchText=word, SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == ["2", "1", "0"]
    assert found(Filters=[here, key("UpdateTime", "2020-01-01T00:00:00Z", "GREATER_THAN")]) == ["0", "1", "2"]
    assert found(Filters=[here, key("UpdateTime", "2020-01-01T00:00:00Z", "LESS_THAN")]) == []
    assert found(SearchText=word, ResourceShareType="FOREIGN") == []
    refused("InvalidInputException", "EQUALS", glue.search_tables, Filters=[key("Name", "x", "GREATER_THAN")])
    refused("InvalidInputException", "token", glue.search_tables, NextToken="nonsense")
    refused("InvalidInputException", "foo", glue.search_tables, SortCriteria=[{"FieldName": "foo", "Sort": "ASC"}])
    glue.create_table(DatabaseName=database, TableInput=table_input(f"{word}_3"))
    assert found(Filters=[here, key("Retention", "0")]) == ["3"]


def test_tokens_belong_to_their_request(glue, database):
    for kind in "ab":
        glue.create_table(DatabaseName=database, TableInput=table_input(f"t{kind}"))
    asked = {"DatabaseName": database, "MaxResults": 1}
    token = glue.get_tables(**asked)["NextToken"]
    assert [table["Name"] for table in glue.get_tables(**asked, NextToken=token)["TableList"]] == ["tb"]
    assert len(glue.get_tables(DatabaseName=database, MaxResults=5, NextToken=token)["TableList"]) == 1
    for operation, request in [
        ("get_databases", {}), ("get_connections", {}), ("list_registries", {}), ("get_jobs", {}),
        ("get_tables", {"DatabaseName": database, "Expression": "t.*"}), ("get_resource_policies", {}),
        ("get_user_defined_functions", {"DatabaseName": database, "Pattern": "*"}), ("search_tables", {}),
        ("get_table_versions", {"DatabaseName": database, "TableName": "ta"}),
    ]:
        refused("InvalidInputException", "token", getattr(glue, operation), **request, NextToken=token)
    for operation in ("get_crawlers", "list_crawlers", "get_classifiers"):
        refused("ValidationException", "token", getattr(glue, operation), NextToken=token)
    search = {"Filters": [{"Key": "DatabaseName", "Value": database}], "MaxResults": 1}
    by_name = lambda order: {**search, "SortCriteria": [{"FieldName": "Name", "Sort": order}]}  # noqa: E731
    token = glue.search_tables(**by_name("ASC"))["NextToken"]
    assert [table["Name"] for table in glue.search_tables(**by_name("ASC"), NextToken=token)["TableList"]] == ["tb"]
    for other in (by_name("DESC"), {**by_name("ASC"), "SearchText": "t"}):
        refused("InvalidInputException", "token", glue.search_tables, **other, NextToken=token)


# Policies, settings, optimizers


def test_resource_policies(glue, database):
    policy = '{"Version": "2012-10-17", "Statement": []}'
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:database/{database}"
    refused("EntityNotFoundException", "policy", glue.get_resource_policy, ResourceArn=arn)
    refused("ConditionCheckFailureException", "", glue.put_resource_policy, ResourceArn=arn, PolicyInJson=policy,
            PolicyExistsCondition="MUST_EXIST")
    refused("InvalidInputException", "Statement", glue.put_resource_policy, ResourceArn=arn, PolicyInJson="[]")
    done = glue.put_resource_policy(ResourceArn=arn, PolicyInJson=policy, PolicyExistsCondition="NOT_EXIST")
    found = glue.get_resource_policy(ResourceArn=arn)
    assert (found["PolicyInJson"], found["PolicyHash"]) == (policy, done["PolicyHash"])
    listed = glue.get_resource_policies()["GetResourcePoliciesResponseList"]
    assert done["PolicyHash"] in [one["PolicyHash"] for one in listed]
    refused("ConditionCheckFailureException", "hash", glue.delete_resource_policy, ResourceArn=arn,
            PolicyHashCondition="other")
    glue.delete_resource_policy(ResourceArn=arn, PolicyHashCondition=done["PolicyHash"])
    refused("EntityNotFoundException", "", glue.put_resource_policy, ResourceArn=f"{arn}x", PolicyInJson=policy)


def test_encryption_settings_say_only_what_holds(glue):
    settings = {"EncryptionAtRest": {"CatalogEncryptionMode": "DISABLED"},
                "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": False}}
    glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=settings)
    assert glue.get_data_catalog_encryption_settings()["DataCatalogEncryptionSettings"] == settings
    for wanted in [{"EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS"}},
                   {"ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": True}}]:
        refused("InvalidInputException", "KMS", glue.put_data_catalog_encryption_settings,
                DataCatalogEncryptionSettings=wanted)
    assert glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"] is True
    glue.import_catalog_to_glue()


def test_table_optimizers_are_kept(glue, database):
    place = {"CatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t", "Type": "compaction"}
    configuration = {"roleArn": "arn:aws:iam::000000000000:role/x", "enabled": True,
                     "compactionConfiguration": {"icebergConfiguration": {"strategy": "binpack", "minInputFiles": 5}}}
    glue.create_table(DatabaseName=database, TableInput=table_input("t", Parameters={"table_type": "ICEBERG"}))
    glue.create_table(DatabaseName=database, TableInput=table_input("plain"))
    create = {**place, "TableOptimizerConfiguration": configuration}
    refused("InvalidInputException", "Iceberg", glue.create_table_optimizer, **{**create, "TableName": "plain"})
    glue.create_table_optimizer(**create)
    refused("AlreadyExistsException", "compaction", glue.create_table_optimizer, **create)
    found = glue.get_table_optimizer(**place)["TableOptimizer"]
    assert found["configuration"] == configuration and "lastRun" not in found
    changed = {**configuration, "enabled": False}
    glue.update_table_optimizer(**place, TableOptimizerConfiguration=changed)
    entry = {"catalogId": ACCOUNT, "databaseName": database, "tableName": "t", "type": "compaction"}
    answer = glue.batch_get_table_optimizer(Entries=[entry, {**entry, "type": "retention"}])
    assert answer["TableOptimizers"][0]["tableOptimizer"]["configuration"] == changed
    assert answer["Failures"][0]["error"]["ErrorCode"] == "EntityNotFoundException"
    assert glue.list_table_optimizer_runs(**place)["TableOptimizerRuns"] == []
    glue.delete_table_optimizer(**place)
    refused("EntityNotFoundException", "compaction", glue.get_table_optimizer, **place)


# Connections


def connection_input(unique, url="jdbc:postgresql://127.0.0.1:1/d", **properties):
    return {
        "Name": unique, "ConnectionType": "JDBC", "Description": "d", "MatchCriteria": ["criterion", unique],
        "ConnectionProperties": {"JDBC_CONNECTION_URL": url, "USERNAME": "tester", "PASSWORD": PASSWORD, **properties},
        "PhysicalConnectionRequirements": {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1"],
                                           "AvailabilityZone": "us-east-1a"},
    }


def test_connections_hide_their_secrets(tenon, glue):
    unique = name()
    given = connection_input(unique)
    assert glue.create_connection(ConnectionInput=given, Tags={"a": "b"})["CreateConnectionStatus"] == "READY"
    refused("AlreadyExistsException", unique, glue.create_connection, ConnectionInput=given)
    found = glue.get_connection(Name=unique)["Connection"]
    assert {key: found[key] for key in given} == given
    assert found["Status"] == "READY" and found["ConnectionSchemaVersion"] == 1
    hidden = glue.get_connection(Name=unique, HidePassword=True)["Connection"]["ConnectionProperties"]
    assert "PASSWORD" not in hidden and hidden["USERNAME"] == "tester"
    for hide in (True, False):
        answer = glue.get_connections(Filter={"MatchCriteria": [unique]}, HidePassword=hide)
        assert [one["Name"] for one in answer["ConnectionList"]] == [unique]
        assert PASSWORD not in str(answer)
    assert glue.get_connections(Filter={"MatchCriteria": [unique], "ConnectionType": "KAFKA"})["ConnectionList"] == []
    assert glue.get_connections(Filter={"MatchCriteria": [unique, "none"]})["ConnectionList"] == []
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:connection/{unique}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}

    files = [path for path in tenon.data_dir.rglob("*") if path.is_file()]
    assert any(path.name == "secrets.key" and path.stat().st_mode & 0o777 == 0o600 for path in files)
    for path in [*files, tenon.log]:
        assert PASSWORD.encode() not in path.read_bytes(), path

    changed = connection_input(unique, url="jdbc:mysql://127.0.0.1:1/d")
    del changed["ConnectionProperties"]["PASSWORD"]
    glue.update_connection(Name=unique, ConnectionInput=changed)
    assert glue.get_connection(Name=unique)["Connection"]["ConnectionProperties"] == changed["ConnectionProperties"]
    refused("InvalidInputException", "renamed", glue.update_connection, Name=unique,
            ConnectionInput=connection_input(f"{unique}x"))
    refused("InvalidInputException", "PASSWORD", glue.create_connection,
            ConnectionInput=connection_input(name(), url="jdbc:postgresql://me:pw@h/d"))
    for properties in ({"API_KEY": PASSWORD}, {"HOST": PASSWORD * 500}):
        wrong = connection_input(unique, **properties)
        for call, beside in ((glue.create_connection, {}), (glue.update_connection, {"Name": unique})):
            message = refused("ValidationException", next(iter(properties)), call, ConnectionInput=wrong, **beside)
            assert PASSWORD not in message
    assert PASSWORD.encode() not in tenon.log.read_bytes()
    answer = glue.batch_delete_connection(ConnectionNameList=[unique, "none"])
    assert answer["Succeeded"] == [unique]
    assert answer["Errors"]["none"]["ErrorCode"] == "EntityNotFoundException"
    refused("EntityNotFoundException", unique, glue.delete_connection, ConnectionName=unique)


def test_credentials_of_an_authentication_are_never_shown(glue):
    unique = name()
    glue.create_connection(ConnectionInput={
        "Name": unique, "ConnectionType": "POSTGRESQL",
        "ConnectionProperties": {"HOST": "127.0.0.1", "PORT": "1", "DATABASE": "d"},
        "AuthenticationConfiguration": {"AuthenticationType": "BASIC",
                                        "BasicAuthenticationCredentials": {"Username": "me", "Password": "hunter2"}},
    })
    found = glue.get_connection(Name=unique)["Connection"]
    assert "hunter2" not in str(found)
    assert found["AuthenticationConfiguration"] == {"AuthenticationType": "BASIC"}
    assert found["ConnectionSchemaVersion"] == 2
    refused("InvalidInputException", "127.0.0.1:1", glue.test_connection, ConnectionName=unique)
    glue.delete_connection(ConnectionName=unique)


def test_addresses_that_may_hold_secrets_are_sealed(tenon, glue):
    unique = name()
    url = f"https://{unique}s3cret@127.0.0.1:1/v1?api_key={unique}s3cret"
    given = {"Name": unique, "ConnectionType": "CUSTOM", "ConnectionProperties": {"CONNECTION_URL": url}}
    glue.create_connection(ConnectionInput=given)
    assert glue.get_connection(Name=unique)["Connection"]["ConnectionProperties"]["CONNECTION_URL"] == url
    hidden = glue.get_connection(Name=unique, HidePassword=True)["Connection"]["ConnectionProperties"]
    assert hidden == {"CONNECTION_URL": "https://127.0.0.1:1/v1"}
    assert "s3cret" not in str(glue.get_connections(Filter={"ConnectionType": "CUSTOM"}))
    told = refused("InvalidInputException", "CONNECTION_URL", glue.test_connection, ConnectionName=unique)
    assert "s3cret" not in told
    given["ConnectionProperties"]["CONNECTION_URL"] = f"https://{PASSWORD}s3cret@127.0.0.1:1/v1"
    glue.update_connection(Name=unique, ConnectionInput=given)
    hidden = glue.get_connection(Name=unique, HidePassword=True)["Connection"]["ConnectionProperties"]
    assert hidden == {"CONNECTION_URL": "https://…"}
    for path in [*(path for path in tenon.data_dir.rglob("*") if path.is_file()), tenon.log]:
        assert b"s3cret" not in path.read_bytes(), path
    glue.delete_connection(ConnectionName=unique)


def test_databases_are_not_at_metadata_services(glue):
    unique = name()
    glue.create_connection(ConnectionInput=connection_input(unique, url="jdbc:postgresql://169.254.169.254:80/d"))
    refused("InvalidInputException", "169.254.169.254 is link-local", glue.test_connection, ConnectionName=unique)
    glue.delete_connection(ConnectionName=unique)


@pytest.fixture(scope="module")
def mariadb():
    with tempfile.TemporaryDirectory() as folder:
        server = MariaDb(pathlib.Path(folder), "CREATE DATABASE shop;\nGRANT SELECT ON shop.* TO tester@'%';\n")
        yield server.start(wait_until)
        server.stop()


def test_a_test_really_connects(glue, mariadb):
    unique = name()
    glue.create_connection(ConnectionInput=connection_input(unique, url=mariadb.jdbc))
    assert "LastConnectionValidationTime" not in glue.get_connection(Name=unique)["Connection"]
    glue.test_connection(ConnectionName=unique)
    assert glue.get_connection(Name=unique)["Connection"]["LastConnectionValidationTime"]
    wrong = connection_input(unique, url=mariadb.jdbc, PASSWORD="wrong-secret")
    told = refused("InvalidInputException", "Access denied", glue.test_connection, TestConnectionInput={
        "ConnectionType": "JDBC", "ConnectionProperties": wrong["ConnectionProperties"]})
    assert "wrong-secret" not in told
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"jdbc:mysql://127.0.0.1:{probe.getsockname()[1]}/shop"
        refused("InvalidInputException", "refused", glue.create_connection,
                ConnectionInput={**connection_input(name(), url=closed), "ValidateCredentials": True})
    glue.create_connection(ConnectionInput={**connection_input(f"{unique}v", url=mariadb.jdbc), "ValidateCredentials": True})
    for kind, properties in [("NETWORK", {}), ("KAFKA", {"KAFKA_BOOTSTRAP_SERVERS": "h:9092"}),
                             ("JDBC", {"JDBC_CONNECTION_URL": "jdbc:oracle:thin:@//h:1521/x", "USERNAME": "u"})]:
        refused("NotImplemented", "cannot be opened", glue.test_connection,
                TestConnectionInput={"ConnectionType": kind, "ConnectionProperties": properties})
    refused("InvalidInputException", "SECRET_ID", glue.test_connection, TestConnectionInput={
        "ConnectionType": "JDBC", "ConnectionProperties": {"JDBC_CONNECTION_URL": mariadb.jdbc, "SECRET_ID": "s"}})
    refused("EntityNotFoundException", "none", glue.test_connection, ConnectionName="none")
    refused("InvalidInputException", "either", glue.test_connection)
    for one in (unique, f"{unique}v"):
        glue.delete_connection(ConnectionName=one)


def test_a_shared_store_needs_its_key_from_the_configuration(tmp_path_factory):
    from conftest import Server
    from postgres import Postgres

    with tempfile.TemporaryDirectory() as folder:
        store = Postgres(pathlib.Path(folder)).start()
        try:
            home = tmp_path_factory.mktemp("shared")
            server = Server(home, environment={"TENON_STORE": store.url}).start()
            glue = server.client("glue")
            refused("GlueEncryptionException", "secrets_key", glue.create_connection,
                    ConnectionInput=connection_input("c"))
            assert not list(server.data_dir.glob("secrets.key"))
            server.stop()
            server.environment["TENON_SECRETS_KEY"] = "ab" * 32
            glue = server.start().client("glue")
            glue.create_connection(ConnectionInput=connection_input("c"))
            server.stop()
            server.environment["TENON_SECRETS_KEY"] = "cd" * 32
            glue = server.start().client("glue")
            refused("GlueEncryptionException", "another key", glue.get_connection, Name="c")
            assert glue.get_connection(Name="c", HidePassword=True)["Connection"]["Name"] == "c"
            server.stop()
        finally:
            store.stop()
