"""Tables and partitions as engines ask for them that apply Lake Formation's grants themselves: everything may be seen."""

import datetime
import json

import boto3
import pytest
from conftest import name
from test_catalog import aws, partition_input, refused, table_input
from test_catalog_api import ACCOUNT

KINDS = ["COLUMN_PERMISSION", "CELL_FILTER_PERMISSION", "NESTED_PERMISSION", "NESTED_CELL_PERMISSION"]
ALL = {"CatalogId": ACCOUNT, "SupportedPermissionTypes": KINDS}
COLUMNS = ["id", "note", "year", "kind"]


@pytest.fixture
def glue(tenon):
    return tenon.client("glue")


@pytest.fixture
def database(glue):
    unique = name().lower()
    glue.create_database(DatabaseInput={"Name": unique})
    glue.create_table(DatabaseName=unique, TableInput=table_input("t", [("year", "int"), ("kind", "string")]))
    for year in range(2020, 2027):
        glue.create_partition(DatabaseName=unique, TableName="t", PartitionInput=partition_input(str(year), "a"))
    yield unique
    glue.delete_database(Name=unique)


def without_metadata(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_a_table_is_shown_whole(glue, database):
    at = {"DatabaseName": database, "Name": "t"}
    found = without_metadata(glue.get_unfiltered_table_metadata(**ALL, **at))
    assert found == {
        "Table": glue.get_table(**at)["Table"],
        "AuthorizedColumns": COLUMNS,
        "IsRegisteredWithLakeFormation": False,
        "CellFilters": [],
        "IsMultiDialectView": False,
        "IsProtected": False,
        "ResourceArn": f"arn:aws:glue:us-east-1:{ACCOUNT}:table/{database}/t",
    }
    told = {
        "QuerySessionContext": {"QueryId": "q", "QueryStartTime": datetime.datetime(2026, 1, 1), "ClusterId": "c",
                                "AdditionalContext": {"a": "b"}},
        "SupportedDialect": {"Dialect": "SPARK", "DialectVersion": "3.5"}, "Permissions": ["SELECT"],
        "Region": "us-east-1",
    }
    assert without_metadata(glue.get_unfiltered_table_metadata(**ALL, **at, **told)) == found, "ignored"


def listing_row_filters(tenon):
    """A client whose model lists the member, as those of other SDKs do. A session of its own, so that no other has it."""
    client = boto3.session.Session().client(
        "glue", endpoint_url=tenon.endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    for structure in ("Table", "TableInput"):
        members = client.meta.service_model._service_description["shapes"][structure]["members"]
        members.setdefault("IsRowFilteringEnabled", {"shape": "Boolean"})
    return client


def test_a_table_keeps_whether_its_rows_are_filtered(tenon, database):
    glue = listing_row_filters(tenon)
    at = {"DatabaseName": database, "Name": "r"}
    glue.create_table(DatabaseName=database, TableInput=table_input("r"))
    assert glue.get_table(**at)["Table"]["IsRowFilteringEnabled"] is False
    glue.update_table(DatabaseName=database, TableInput={**table_input("r"), "IsRowFilteringEnabled": True})
    assert glue.get_table(**at)["Table"]["IsRowFilteringEnabled"] is True
    listed = glue.get_tables(DatabaseName=database)["TableList"]
    assert {table["Name"]: table["IsRowFilteringEnabled"] for table in listed} == {"r": True, "t": False}
    found = glue.get_unfiltered_table_metadata(**ALL, **at)
    assert found["Table"]["IsRowFilteringEnabled"] is True and found["CellFilters"] == []
    glue.update_table(DatabaseName=database, TableInput=table_input("r"))
    versions = glue.get_table_versions(DatabaseName=database, TableName="r")["TableVersions"]
    assert [version["Table"]["IsRowFilteringEnabled"] for version in versions] == [False, True, False]


def test_views_and_bare_tables(glue, database):
    at = {"DatabaseName": database}
    dialect = {"Dialect": "ATHENA", "DialectVersion": "3", "ViewOriginalText": "SELECT 1", "ViewExpandedText": "SELECT 1"}
    view = {"IsProtected": True, "Representations": [dialect], "SubObjects": []}
    glue.create_table(**at, TableInput={**table_input("v"), "TableType": "VIRTUAL_VIEW", "ViewDefinition": view})
    found = glue.get_unfiltered_table_metadata(**ALL, **at, Name="v", SupportedDialect={"Dialect": "SPARK"})
    assert found["IsMultiDialectView"] and found["IsProtected"]
    assert found["Table"]["ViewDefinition"]["Representations"][0]["Dialect"] == "ATHENA"
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:table/{database}/v"
    through = {"ParentResourceArn": arn, "RootResourceArn": arn.replace("/v", "/V")}
    assert glue.get_unfiltered_table_metadata(**ALL, **at, Name="t", **through)["ResourceArn"] == arn
    for member in through:
        for wrong, code, text in [
            (arn.replace("/v", "/none"), "EntityNotFoundException", "none"),
            (arn.replace("us-east-1", "eu-west-1"), "EntityNotFoundException", "not found"),
            (arn.replace("/v", ""), "InvalidInputException", "not the ARN of a table or view"),
            ("arn:aws:s3:::bucket/a/key", "InvalidInputException", "not the ARN of a table or view"),
        ]:
            refused(code, text, glue.get_unfiltered_table_metadata, **ALL, **at, Name="t", **{member: wrong})
    glue.create_table(**at, TableInput={"Name": "bare"})
    # An empty list would say that nothing may be selected.
    assert "AuthorizedColumns" not in glue.get_unfiltered_table_metadata(**ALL, **at, Name="bare")


def test_links_are_followed_as_get_table_does(glue, database):
    other, link = name().lower(), name().lower()
    glue.create_database(DatabaseInput={"Name": other})
    glue.create_database(DatabaseInput={"Name": link, "TargetDatabase": {"CatalogId": ACCOUNT, "DatabaseName": database}})
    target = {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": "t"}
    glue.create_table(DatabaseName=other, TableInput={"Name": "l", "TargetTable": target})
    for of, table in [(other, "l"), (link, "t")]:
        found = glue.get_unfiltered_table_metadata(**ALL, DatabaseName=of, Name=table)
        assert found["Table"] == glue.get_table(DatabaseName=of, Name=table)["Table"]
        assert found["AuthorizedColumns"] == COLUMNS
        at = {"DatabaseName": of, "TableName": table}
        listed = glue.get_unfiltered_partitions_metadata(**ALL, **at)["UnfilteredPartitions"]
        assert [one["Partition"] for one in listed] == glue.get_partitions(**at)["Partitions"]
        assert {tuple(one["AuthorizedColumns"]) for one in listed} == {tuple(COLUMNS)}
    for place in (other, link):
        glue.delete_database(Name=place)


def test_a_partition(glue, database):
    at = {"DatabaseName": database, "TableName": "t", "PartitionValues": ["2024", "a"]}
    found = without_metadata(glue.get_unfiltered_partition_metadata(**ALL, **at))
    assert found == {
        "Partition": glue.get_partition(**at)["Partition"], "AuthorizedColumns": COLUMNS,
        "IsRegisteredWithLakeFormation": False,
    }
    refused("EntityNotFoundException", "", glue.get_unfiltered_partition_metadata,
            **{**ALL, **at, "PartitionValues": ["1999", "a"]})


def test_partitions_are_those_of_get_partitions(glue, database):
    at = {"DatabaseName": database, "TableName": "t"}
    unfiltered = glue.get_unfiltered_partitions_metadata

    def values(answer):
        return [one["Partition"]["Values"][0] for one in answer["UnfilteredPartitions"]]

    for asked in ({}, {"Expression": "year > 2023 AND kind = 'a'"}, {"Expression": "year = 1999"}):
        found = unfiltered(**ALL, **at, **asked)["UnfilteredPartitions"]
        assert [one["Partition"] for one in found] == glue.get_partitions(**at, **asked)["Partitions"]
        assert all(one["IsRegisteredWithLakeFormation"] is False for one in found)
    met, asked = [], {**ALL, **at, "MaxResults": 3}
    while True:
        answer = unfiltered(**asked)
        met += values(answer)
        if "NextToken" not in answer:
            break
        asked["NextToken"] = answer["NextToken"]
    assert met == [str(year) for year in range(2020, 2027)]
    segments = [values(unfiltered(**ALL, **at, Segment={"SegmentNumber": n, "TotalSegments": 3})) for n in range(3)]
    assert sorted(sum(segments, [])) == met
    token = unfiltered(**ALL, **at, MaxResults=1)["NextToken"]
    for other in ({**ALL, **at, "Expression": "year > 2000"}, {**ALL, **at, "SupportedPermissionTypes": KINDS[:1]}):
        refused("InvalidInputException", "token", unfiltered, **other, NextToken=token)
    refused("InvalidInputException", "token", glue.get_partitions, **at, NextToken=token)
    refused("InvalidInputException", "partition expression", unfiltered, **ALL, **at, Expression="id = 1")
    glue.create_partition(**at, PartitionInput=partition_input("soon", "z"))
    # The operation has no InvalidStateException, which GetPartitions answers.
    refused("InvalidInputException", "is not an integer", unfiltered, **ALL, **at, Expression="year > 2000")
    refused("InvalidInputException", "Segment", unfiltered, **ALL, **at,
            Segment={"SegmentNumber": 3, "TotalSegments": 3})


def test_bad_requests(tenon, glue, database):
    loose = tenon.client("glue", parameter_validation=False)
    table = {"DatabaseName": database, "TableName": "t"}
    calls = [
        (loose.get_unfiltered_table_metadata, {"DatabaseName": database, "Name": "t"}, "Name"),
        (loose.get_unfiltered_partitions_metadata, table, "TableName"),
        (loose.get_unfiltered_partition_metadata, {**table, "PartitionValues": ["2024", "a"]}, "TableName"),
    ]
    for call, at, named in calls:
        for member in ALL:
            request = {key: value for key, value in {**ALL, **at}.items() if key != member}
            refused("ValidationException", member[0].lower() + member[1:], call, **request)
        for bad in ([], ["EVERYTHING"]):
            refused("ValidationException", "supportedPermissionTypes", call, **{**ALL, "SupportedPermissionTypes": bad}, **at)
        refused("InvalidInputException", "123456789012", call, **{**ALL, "CatalogId": "123456789012"}, **at)
        refused("InvalidInputException", "eu-west-1", call, **ALL, **at, Region="eu-west-1")
        refused("EntityNotFoundException", "", call, **{**ALL, **at, named: "none"})
        refused("NotImplemented", "no audit log", call, **ALL, **at, AuditContext={"RequestedColumns": ["none"]})
        refused("NotImplemented", "QueryAuthorizationId", call, **ALL, **at,
                QuerySessionContext={"QueryAuthorizationId": "x"})


def test_the_aws_cli(tenon, database):
    at = ["--catalog-id", ACCOUNT, "--database-name", database, "--supported-permission-types", *KINDS[:2]]
    found = aws(tenon, "get-unfiltered-table-metadata", *at, "--name", "t", "--resource-region", "us-east-1")
    assert found["AuthorizedColumns"] == COLUMNS and found["Table"]["Name"] == "t"
    years = aws(tenon, "get-unfiltered-partitions-metadata", *at, "--table-name", "t", "--expression", "year >= 2025",
                "--query", "UnfilteredPartitions[].Partition.Values[0]")
    assert json.dumps(years) == '["2025", "2026"]'
