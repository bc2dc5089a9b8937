"""Which types of connections there are, and what the server says that they take: as it is when one is opened."""

import botocore
import botocore.session
import pytest
from test_catalog import aws, refused

TYPES = ["CUSTOM", "JDBC", "MYSQL", "NETWORK", "POSTGRESQL"]


@pytest.fixture
def glue(tenon):
    return tenon.client("glue")


def test_types_are_listed_in_pages(glue):
    listed = glue.list_connection_types()
    assert "NextToken" not in listed
    assert [one["ConnectionType"] for one in listed["ConnectionTypes"]] == TYPES
    does = {one["ConnectionType"]: one["Capabilities"] for one in listed["ConnectionTypes"]}
    assert does["JDBC"] == {"SupportedAuthenticationTypes": ["BASIC"], "SupportedDataOperations": ["READ", "WRITE"],
                            "SupportedComputeEnvironments": ["SPARK"]}
    assert does["CUSTOM"]["SupportedDataOperations"] == ["READ"]
    assert set(does["CUSTOM"]["SupportedAuthenticationTypes"]) == {"BASIC", "CUSTOM"}
    assert does["NETWORK"]["SupportedDataOperations"] == []
    assert glue.list_connection_types(MaxResults=len(TYPES))["ConnectionTypes"] == listed["ConnectionTypes"]
    met, asked = [], {"MaxResults": 2}
    while True:
        answer = glue.list_connection_types(**asked)
        assert len(answer["ConnectionTypes"]) <= 2
        met += answer["ConnectionTypes"]
        if "NextToken" not in answer:
            break
        asked["NextToken"] = answer["NextToken"]
    assert met == listed["ConnectionTypes"]
    for token in ("JDBC", "x" * 40):
        refused("ValidationException", "token", glue.list_connection_types, NextToken=token)
    refused("ValidationException", "101", glue.list_connection_types, MaxResults=101)


def test_every_type_is_described(glue):
    for brief in glue.list_connection_types()["ConnectionTypes"]:
        told = glue.describe_connection_type(ConnectionType=brief["ConnectionType"])
        for member in ("ConnectionType", "Description", "Capabilities"):
            assert told[member] == brief[member]
        for key, one in told["ConnectionProperties"].items():
            assert one["Name"] == key and one["Description"], key
            assert one["PropertyTypes"] == ["SECRET" if key == "PASSWORD" else "USER_INPUT"], key
    jdbc = glue.describe_connection_type(ConnectionType="JDBC")
    assert [one["Value"] for one in jdbc["ConnectionProperties"]["JDBC_ENGINE"]["AllowedValues"]] == [
        "postgresql", "postgres", "mysql", "mariadb"]
    assert "Needed, unless" in jdbc["ConnectionProperties"]["JDBC_CONNECTION_URL"]["Description"]
    basic = jdbc["AuthenticationConfiguration"]["BasicAuthenticationProperties"]
    assert [basic[key]["PropertyTypes"] for key in ("Username", "Password")] == [["USER_INPUT"], ["SECRET"]]
    assert "CustomAuthenticationProperties" not in jdbc["AuthenticationConfiguration"]
    assert glue.describe_connection_type(ConnectionType="MYSQL")["ConnectionProperties"]["PORT"]["DefaultValue"] == "3306"
    custom = glue.describe_connection_type(ConnectionType="CUSTOM")
    assert custom["ConnectionProperties"]["CONNECTION_URL"]["Required"]
    keys = custom["AuthenticationConfiguration"]["CustomAuthenticationProperties"]
    assert {key: one["PropertyTypes"] for key, one in keys.items()} == {
        "bearer": ["SECRET"], "header.<name>": ["SECRET"], "query.<name>": ["SECRET"]}
    network = glue.describe_connection_type(ConnectionType="NETWORK")
    assert network["ConnectionProperties"] == {} and "AuthenticationConfiguration" not in network


def test_what_is_not_served_is_refused(glue):
    for kind in ("KAFKA", "jdbc", "Nope"):
        told = refused("InvalidInputException", kind, glue.describe_connection_type, ConnectionType=kind)
        assert all(known in told for known in TYPES), told


def definition(told, leave_out):
    """Values for the properties that a description says are needed, without one of them."""
    values = {"CONNECTION_URL": "http://127.0.0.1:1/x", "JDBC_CONNECTION_URL": "jdbc:mysql://127.0.0.1:1/d",
              "HOST": "127.0.0.1", "JDBC_ENGINE": "mysql", "USERNAME": "u", "PASSWORD": "p"}
    wanted = {key for key, one in told["ConnectionProperties"].items()
              if one["Required"] or "Needed, unless" in one["Description"]}
    return {key: values[key] for key in wanted - {leave_out}}


@pytest.mark.parametrize("kind", ["CUSTOM", "JDBC", "MYSQL", "POSTGRESQL"])
def test_descriptions_hold_when_a_connection_is_opened(glue, kind):
    """Each property that is needed is missed by its name; a value that is not allowed is refused; the rest is optional."""
    told = glue.describe_connection_type(ConnectionType=kind)

    def open_with(properties, text, code="InvalidInputException", **more):
        refused(code, text, glue.test_connection,
                TestConnectionInput={"ConnectionType": kind, "ConnectionProperties": properties, **more})

    parts = definition(told, "JDBC_CONNECTION_URL")
    open_with({**parts, "PORT": "1"}, "127.0.0.1:1")
    for key in parts:
        open_with({name: value for name, value in parts.items() if name != key}, f"{key} is needed")
    for key, one in told["ConnectionProperties"].items():
        if "AllowedValues" in one and key != "JDBC_ENGINE":
            open_with({**parts, key: "nonsense"}, f"{key} is none of")
    if "JDBC_ENGINE" in parts:
        open_with({**parts, "JDBC_ENGINE": "oracle"}, "oracle", "NotImplemented")
    offered = told["Capabilities"]["SupportedAuthenticationTypes"]
    for way in sorted({"BASIC", "CUSTOM", "OAUTH2", "IAM"} - set(offered)):
        open_with(parts, f"{kind} with {way}", "NotImplemented", AuthenticationConfiguration={"AuthenticationType": way})
    for way in offered:
        open_with(parts, "Credentials", AuthenticationConfiguration={"AuthenticationType": way})


def test_operations_that_are_not_built_say_what_to_do_instead(tenon):
    glue = tenon.client("glue", parameter_validation=False)
    names = botocore.session.get_session().get_service_model("glue").operation_names
    integrations = [one for one in names if "Integration" in one]
    assert len(integrations) > 10
    for operation in [*integrations, "RegisterConnectionType", "DeleteConnectionType"]:
        told = refused("NotImplemented", f"glue {operation} is known but not built",
                       getattr(glue, botocore.xform_name(operation)))
        wanted = "type CUSTOM" if "ConnectionType" in operation else "a crawler or a job"
        assert wanted in told, told


def test_the_aws_cli(tenon):
    listed = aws(tenon, "list-connection-types", "--page-size", "2", "--query", "ConnectionTypes[].ConnectionType")
    assert listed == TYPES
    needed = aws(tenon, "describe-connection-type", "--connection-type", "CUSTOM", "--query",
                 "ConnectionProperties.CONNECTION_URL.Required")
    assert needed is True
