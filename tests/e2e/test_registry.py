"""The Glue Schema Registry through boto3 and the AWS CLI."""

import concurrent.futures
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
def registry(glue):
    unique = name("reg")
    glue.create_registry(RegistryName=unique)
    yield unique
    glue.delete_registry(RegistryId={"RegistryName": unique})


def refused(code, text, call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"], error


def avro(*fields):
    """A record; a field is (name, type) or (name, type, default)."""
    made = [dict(zip(("name", "type", "default"), field)) for field in fields]
    return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": made})


def proto(body):
    return f'syntax = "proto3"; message Order {{ {body} }}'


FIRST = avro(("id", "int"))
SECOND = avro(("id", "long"))
BAD = avro(("id", "string"))


def make(glue, registry, schema="orders", kind="AVRO", mode="BACKWARD", definition=FIRST, **more):
    made = glue.create_schema(
        RegistryId={"RegistryName": registry},
        SchemaName=schema,
        DataFormat=kind,
        Compatibility=mode,
        SchemaDefinition=definition,
        **more,
    )
    return {"SchemaName": schema, "RegistryName": registry}, made


def test_a_registry_comes_and_goes(glue):
    unique = name("reg")
    made = glue.create_registry(RegistryName=unique, Description="d", Tags={"team": "data"})
    arn = f"arn:aws:glue:us-east-1:000000000000:registry/{unique}"
    assert made["RegistryArn"] == arn and made["Tags"] == {"team": "data"}
    refused("AlreadyExistsException", "already exists", glue.create_registry, RegistryName=unique)
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    glue.update_registry(RegistryId={"RegistryArn": arn}, Description="new")
    found = glue.get_registry(RegistryId={"RegistryName": unique})
    assert (found["Description"], found["Status"]) == ("new", "AVAILABLE")
    assert found["CreatedTime"].endswith("Z") and found["UpdatedTime"] >= found["CreatedTime"]
    pages = glue.get_paginator("list_registries").paginate(PaginationConfig={"PageSize": 1})
    assert unique in [one["RegistryName"] for page in pages for one in page["Registries"]]
    both = {"RegistryName": unique, "RegistryArn": arn}
    refused("InvalidInputException", "both cannot", glue.get_registry, RegistryId=both)
    refused("InvalidInputException", "has to be provided", glue.get_registry, RegistryId={})
    assert glue.delete_registry(RegistryId={"RegistryName": unique})["Status"] == "DELETING"
    refused("EntityNotFoundException", unique, glue.get_registry, RegistryId={"RegistryName": unique})
    refused("EntityNotFoundException", unique, glue.get_tags, ResourceArn=arn)


def test_a_schema_comes_and_goes(glue, registry):
    schema, made = make(glue, registry, Description="d", Tags={"k": "v"})
    assert (made["SchemaCheckpoint"], made["LatestSchemaVersion"], made["NextSchemaVersion"]) == (1, 1, 2)
    assert (made["SchemaStatus"], made["SchemaVersionStatus"]) == ("AVAILABLE", "AVAILABLE")
    assert made["SchemaArn"] == f"arn:aws:glue:us-east-1:000000000000:schema/{registry}/orders"
    assert glue.get_tags(ResourceArn=made["SchemaArn"])["Tags"] == {"k": "v"}
    found = glue.get_schema(SchemaId={"SchemaArn": made["SchemaArn"]})
    assert (found["DataFormat"], found["Compatibility"], found["Description"]) == ("AVRO", "BACKWARD", "d")
    listed = glue.list_schemas(RegistryId={"RegistryName": registry})["Schemas"]
    assert [one["SchemaName"] for one in listed] == ["orders"]
    refused("AlreadyExistsException", "orders", make, glue=glue, registry=registry)
    refused("EntityNotFoundException", "Registry", make, glue=glue, registry="none-such")
    refused("InvalidInputException", "invalid", make, glue=glue, registry=registry, schema="x", definition="{")
    refused("EntityNotFoundException", "none", glue.get_schema, SchemaId={"SchemaName": "none", "RegistryName": registry})
    assert glue.delete_schema(SchemaId=schema)["Status"] == "DELETING"
    refused("EntityNotFoundException", "orders", glue.get_schema, SchemaId=schema)
    refused("EntityNotFoundException", "", glue.get_schema_version, SchemaVersionId=made["SchemaVersionId"])


def test_the_default_registry_is_made_when_needed(glue):
    unique = name("schema")
    made = glue.create_schema(SchemaName=unique, DataFormat="AVRO", SchemaDefinition=FIRST)
    assert (made["RegistryName"], made["Compatibility"]) == ("default-registry", "BACKWARD")
    assert glue.get_schema(SchemaId={"SchemaName": unique})["RegistryName"] == "default-registry"
    assert glue.get_registry(RegistryId={"RegistryName": "default-registry"})["Status"] == "AVAILABLE"
    glue.delete_schema(SchemaId={"SchemaName": unique})


def test_versions_are_checked(glue, registry):
    schema, made = make(glue, registry)
    spaced = json.dumps(json.loads(FIRST), indent=4)
    again = glue.register_schema_version(SchemaId=schema, SchemaDefinition=spaced)
    assert (again["SchemaVersionId"], again["VersionNumber"]) == (made["SchemaVersionId"], 1)
    second = glue.register_schema_version(SchemaId=schema, SchemaDefinition=SECOND)
    assert (second["VersionNumber"], second["Status"]) == (2, "AVAILABLE")
    failed = glue.register_schema_version(SchemaId=schema, SchemaDefinition=BAD)
    assert (failed["VersionNumber"], failed["Status"]) == (3, "FAILURE")
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=BAD) ["SchemaVersionId"] == failed["SchemaVersionId"]
    assert glue.get_schema_version(SchemaVersionId=failed["SchemaVersionId"])["Status"] == "FAILURE"
    now = glue.get_schema(SchemaId=schema)
    assert (now["SchemaCheckpoint"], now["LatestSchemaVersion"], now["NextSchemaVersion"]) == (1, 2, 4)
    latest = glue.get_schema_version(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True})
    assert (latest["SchemaDefinition"], latest["VersionNumber"], latest["DataFormat"]) == (SECOND, 2, "AVRO")
    found = glue.get_schema_by_definition(SchemaId=schema, SchemaDefinition=spaced)
    assert found["SchemaVersionId"] == made["SchemaVersionId"]
    missing = avro(("other", "int"))
    refused("EntityNotFoundException", "", glue.get_schema_by_definition, SchemaId=schema, SchemaDefinition=missing)
    pages = glue.get_paginator("list_schema_versions").paginate(SchemaId=schema, PaginationConfig={"PageSize": 2})
    listed = [(one["VersionNumber"], one["Status"]) for page in pages for one in page["Schemas"]]
    assert listed == [(1, "AVAILABLE"), (2, "AVAILABLE"), (3, "FAILURE")]
    refused("InvalidInputException", "latest version", glue.get_schema_version, SchemaId=schema)
    refused("InvalidInputException", "has to be provided", glue.get_schema_version)
    refused("InvalidInputException", "not a defined name", glue.register_schema_version, SchemaId=schema, SchemaDefinition='"x"')


def test_a_mode_is_changed_from_a_checkpoint_on(glue, registry):
    schema, _ = make(glue, registry)
    number = {"LatestVersion": True}
    refused("InvalidInputException", "version number", glue.update_schema, SchemaId=schema, Compatibility="NONE")
    glue.update_schema(SchemaId=schema, Compatibility="NONE", SchemaVersionNumber=number, Description="free")
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=BAD)["Status"] == "AVAILABLE"
    glue.update_schema(SchemaId=schema, Compatibility="FULL_ALL", SchemaVersionNumber=number)
    now = glue.get_schema(SchemaId=schema)
    assert (now["SchemaCheckpoint"], now["Compatibility"], now["Description"]) == (2, "FULL_ALL", "free")
    wider = avro(("id", "string"), ("note", "string", ""))
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=wider)["Status"] == "AVAILABLE"
    glue.update_schema(SchemaId=schema, Compatibility="DISABLED", SchemaVersionNumber=number)
    refused("InvalidInputException", "DISABLED", glue.register_schema_version, SchemaId=schema, SchemaDefinition=avro())
    refused("EntityNotFoundException", "9", glue.update_schema, SchemaId=schema, SchemaVersionNumber={"VersionNumber": 9})


@pytest.mark.parametrize(
    "kind, first, good, bad",
    [
        (
            "JSON",
            '{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}',
            '{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"string"}},"additionalProperties":false}',
            '{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}',
        ),
        ("PROTOBUF", proto("int32 id = 1;"), proto("int64 id = 1; string note = 2;"), proto("string id = 1;")),
    ],
)
def test_json_and_protobuf(glue, registry, kind, first, good, bad):
    schema, _ = make(glue, registry, kind.lower(), kind, definition=first)
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=good)["Status"] == "AVAILABLE"
    assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=bad)["Status"] == "FAILURE"
    one, two = {"VersionNumber": 1}, {"LatestVersion": True}
    diff = glue.get_schema_versions_diff(
        SchemaId=schema, FirstSchemaVersionNumber=one, SecondSchemaVersionNumber=two, SchemaDiffType="SYNTAX_DIFF"
    )["Diff"]
    steps = json.loads(diff)
    assert {step["op"] for step in steps} <= {"add", "remove", "replace"} and steps
    if kind == "PROTOBUF":
        assert steps == [{"op": "replace", "path": "", "value": good}]
    else:
        assert {"op": "replace", "path": "/properties/a/type", "value": "number"} in steps


def test_validity(glue):
    good = glue.check_schema_version_validity(DataFormat="PROTOBUF", SchemaDefinition=proto("int32 a = 1;"))
    assert good["Valid"] is True and "Error" not in good
    for kind, text in [("AVRO", '{"type":"record"}'), ("JSON", '{"type":7}'), ("PROTOBUF", "message {")]:
        answer = glue.check_schema_version_validity(DataFormat=kind, SchemaDefinition=text)
        assert answer["Valid"] is False and answer["Error"]


def test_metadata(glue, registry):
    schema, made = make(glue, registry)
    version = {"SchemaVersionId": made["SchemaVersionId"]}
    pair = lambda key, value: {"MetadataKey": key, "MetadataValue": value}
    put = glue.put_schema_version_metadata(
        SchemaId=schema, SchemaVersionNumber={"LatestVersion": True}, MetadataKeyValue=pair("team", "data")
    )
    assert (put["VersionNumber"], put["LatestVersion"], put["SchemaVersionId"]) == (1, True, made["SchemaVersionId"])
    glue.put_schema_version_metadata(MetadataKeyValue=pair("team", "web"), **version)
    glue.put_schema_version_metadata(MetadataKeyValue=pair("stage", "prod"), **version)
    again = dict(MetadataKeyValue=pair("team", "web"), **version)
    refused("AlreadyExistsException", "already exists", glue.put_schema_version_metadata, **again)
    found = glue.query_schema_version_metadata(**version)["MetadataInfoMap"]
    assert set(found) == {"team", "stage"}
    values = [found["team"]["MetadataValue"], *(one["MetadataValue"] for one in found["team"]["OtherMetadataValueList"])]
    assert sorted(values) == ["data", "web"]
    page = glue.query_schema_version_metadata(MaxResults=1, **version)
    assert list(page["MetadataInfoMap"]) == ["stage"]
    page = glue.query_schema_version_metadata(MaxResults=1, NextToken=page["NextToken"], **version)
    assert list(page["MetadataInfoMap"]) == ["team"] and "NextToken" not in page
    one = glue.query_schema_version_metadata(MetadataList=[pair("team", "web")], **version)["MetadataInfoMap"]
    assert one["team"]["MetadataValue"] == "web" and "OtherMetadataValueList" not in one["team"]
    glue.remove_schema_version_metadata(MetadataKeyValue=pair("team", "web"), **version)
    refused("EntityNotFoundException", "web", glue.remove_schema_version_metadata, **again)
    for number in range(8):
        glue.put_schema_version_metadata(MetadataKeyValue=pair("n", str(number)), **version)
    full = dict(MetadataKeyValue=pair("n", "9"), **version)
    refused("ResourceNumberLimitExceededException", "10", glue.put_schema_version_metadata, **full)


def test_deleting_versions(glue, registry):
    schema, _ = make(glue, registry)
    for more in ["long", "float", "double"]:
        assert glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(("id", more)))["Status"] == "AVAILABLE"
    refused("ConcurrentModificationException", "checkpoint", glue.delete_schema_versions, SchemaId=schema, Versions="1-2")
    answer = glue.delete_schema_versions(SchemaId=schema, Versions="4-5")["SchemaVersionErrors"]
    assert [(one["VersionNumber"], one["ErrorDetails"]["ErrorCode"]) for one in answer] == [(5, "EntityNotFoundException")]
    now = glue.get_schema(SchemaId=schema)
    assert (now["LatestSchemaVersion"], now["NextSchemaVersion"]) == (3, 5)
    glue.update_schema(SchemaId=schema, SchemaVersionNumber={"VersionNumber": 3})
    refused("InvalidInputException", "first version", glue.delete_schema_versions, SchemaId=schema, Versions="1")
    refused("InvalidInputException", "", glue.delete_schema_versions, SchemaId=schema, Versions="3-2")


def test_two_clients_at_once(tenon, glue, registry):
    schema, _ = make(glue, registry, mode="FULL_ALL")

    def register(number):
        client = tenon.client("glue")
        definition = avro(("id", "int"), (f"f{number}", ["null", "int"], None))
        return client.register_schema_version(SchemaId=schema, SchemaDefinition=definition)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(register, range(16)))
    assert {one["Status"] for one in made} == {"AVAILABLE"}
    assert sorted(one["VersionNumber"] for one in made) == list(range(2, 18))
    now = glue.get_schema(SchemaId=schema)
    assert (now["LatestSchemaVersion"], now["NextSchemaVersion"]) == (17, 18)


def test_a_table_refers_to_a_version(tenon, glue, registry):
    schema, made = make(glue, registry, mode="NONE", definition=avro(("id", "int"), ("note", ["null", "string"], None)))
    database = name("db").lower()
    glue.create_database(DatabaseInput={"Name": database})
    table = lambda reference: {"Name": "t", "StorageDescriptor": {"Columns": [], "SchemaReference": reference}}
    refused(
        "EntityNotFoundException",
        "version",
        glue.create_table,
        DatabaseName=database,
        TableInput=table({"SchemaId": schema, "SchemaVersionNumber": 7}),
    )
    glue.create_table(DatabaseName=database, TableInput=table({"SchemaVersionId": made["SchemaVersionId"]}))
    found = glue.get_table(DatabaseName=database, Name="t")["Table"]["StorageDescriptor"]
    assert [(one["Name"], one["Type"]) for one in found["Columns"]] == [("id", "int"), ("note", "string")]
    assert found["SchemaReference"] == {"SchemaVersionId": made["SchemaVersionId"]}
    glue.register_schema_version(SchemaId=schema, SchemaDefinition=avro(("price", "double")))
    glue.update_table(DatabaseName=database, TableInput=table({"SchemaId": schema, "SchemaVersionNumber": 2}))
    listed = glue.get_tables(DatabaseName=database)["TableList"][0]["StorageDescriptor"]["Columns"]
    assert [(one["Name"], one["Type"]) for one in listed] == [("price", "double")]
    glue.delete_schema(SchemaId=schema)
    refused("EntityNotFoundException", "Schema is not found", glue.get_table, DatabaseName=database, Name="t")
    assert len(glue.get_tables(DatabaseName=database)["TableList"]) == 1
    glue.delete_database(Name=database)


def test_versions_survive_a_kill(tenon_factory):
    server = tenon_factory().start()
    glue = server.client("glue")
    made = glue.create_schema(SchemaName="s", DataFormat="AVRO", SchemaDefinition=FIRST)
    second = glue.register_schema_version(SchemaId={"SchemaName": "s"}, SchemaDefinition=SECOND)
    server.kill()
    glue = server.start().client("glue")
    assert glue.get_schema(SchemaId={"SchemaName": "s"})["LatestSchemaVersion"] == 2
    for version, text in [(made, FIRST), (second, SECOND)]:
        assert glue.get_schema_version(SchemaVersionId=version["SchemaVersionId"])["SchemaDefinition"] == text


def test_the_aws_cli(tenon, registry):
    def aws(*arguments):
        command = [sys.executable, "-m", "awscli", "glue", *arguments, "--output", "json"]
        done = subprocess.run(command, env=tenon.environ(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    made = aws(
        "create-schema", "--registry-id", f"RegistryName={registry}", "--schema-name", "cli", "--data-format", "AVRO",
        "--compatibility", "BACKWARD", "--schema-definition", FIRST,
    )  # fmt: skip
    found = aws("get-schema-version", "--schema-version-id", made["SchemaVersionId"])
    assert found["SchemaDefinition"] == FIRST
