"""The protocols as clients see them: identity, unknown and unbuilt operations, faults, capabilities."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import name


def get(server, path):
    with urllib.request.urlopen(server.endpoint + path) as response:
        return json.load(response)


def post(server, target, body, **headers):
    """A raw awsJson request; returns status, headers, document."""
    request = urllib.request.Request(
        server.endpoint + "/", data=body, headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1", **headers}
    )
    try:
        response = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return response.status, response.headers, json.load(response)


@pytest.mark.parametrize("key, account", [("test", "000000000000"), ("111122223333", "111122223333")])
def test_the_access_key_names_the_account(tenon, key, account):
    identity = tenon.client("sts", access_key=key).get_caller_identity()
    assert identity["Account"] == account
    assert identity["Arn"] == f"arn:aws:iam::{account}:root"
    assert identity["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_what_is_not_built_says_so_and_is_not_repeated(tenon, mode):
    config = {"retries": {"mode": mode, "total_max_attempts": 4}}
    calls = [
        lambda: tenon.client("glue", **config).get_ml_transform(TransformId="x"),
        lambda: tenon.client("sts", **config).get_session_token(),
        lambda: tenon.client("s3", **config).put_object_acl(Bucket="b", Key="k", ACL="private"),
        lambda: tenon.client("lambda", **config).list_functions(),
    ]
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        response = caught.value.response
        assert response["Error"]["Code"] == "NotImplemented"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert response["ResponseMetadata"]["RetryAttempts"] == 0


def test_faults_of_the_json_protocol(tenon):
    status, headers, body = post(tenon, "AWSGlue.NoSuchOperation", b"{}")
    assert (status, body["__type"]) == (400, "UnknownOperationException")
    assert headers["x-amzn-RequestId"]
    status, _, body = post(tenon, "AWSGlue.GetTable", b'{"DatabaseName": ')
    assert (status, body["__type"]) == (400, "SerializationException")
    status, _, body = post(tenon, "AWSGlue.GetTable", b'{"DatabaseName": "", "CatalogId": null, "Unknown": 1}')
    assert (status, body["__type"]) == (400, "ValidationException")
    assert body["message"] == (
        "2 validation errors detected: Value '' at 'databaseName' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1; Value null at 'name' failed to satisfy constraint: Member must not be null"
    )


@pytest.mark.parametrize(
    "path, headers, code",
    [("?frobnicate", {}, "InvalidArgument"), ("?acl", {}, "NotImplemented"), ("", {"x-amz-frobnicate": "1"}, "InvalidArgument")],
)
def test_an_unknown_key_or_header_changes_nothing(tenon, path, headers, code):
    bucket = tenon.bucket()
    request = urllib.request.Request(f"{tenon.endpoint}/{bucket}/key{path}", data=b"x", method="PUT", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert f"<Code>{code}</Code>" in caught.value.read().decode()
    assert "Contents" not in tenon.client("s3").list_objects_v2(Bucket=bucket)


def test_capabilities_list_every_operation(tenon):
    services = get(tenon, "/_/capabilities")["services"]
    assert {"s3", "sts", "glue", "athena", "logs"} <= set(services)
    glue = services["glue"]
    assert len(glue["operations"]) == glue["total"] > 200
    assert glue["operations"]["GetTable"]["fields"]["Name"] == "acts"
    assert glue["operations"]["GetMLTransform"] == {"built": False}
    assert glue["operations"]["CreateTable"]["fields"]["TableInput"] == "mixed"
    assert services["logs"]["operations"]["FilterLogEvents"]["fields"]["unmask"]["ignored"]


@pytest.mark.parametrize("region, status", [("us-east-1", 200), ("1us", 400), ("-a", 400), ("US", 400)])
def test_a_region_has_a_form(tenon, region, status):
    scope = f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/glue/aws4_request, SignedHeaders=host, Signature=0"
    found, _, _ = post(tenon, "AWSGlue.GetDatabases", b"{}", Authorization=scope)
    assert found == status


def test_tags_are_found_by_one_spelling_of_an_arn(tenon):
    glue = tenon.client("glue")
    database = name("d")
    glue.create_database(DatabaseInput={"Name": database})
    arn = f"arn:aws:glue:us-east-1:000000000000:database/{database}"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"a": "b"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    # The model lets other partitions pass; nothing of theirs is here.
    for other in [arn.replace("arn:aws:", "arn:aws-cn:"), arn.replace("arn:aws:", "arn:aws-us-gov:")]:
        for call, members in [(glue.get_tags, {}), (glue.tag_resource, {"TagsToAdd": {"c": "d"}})]:
            with pytest.raises(ClientError) as caught:
                call(ResourceArn=other, **members)
            assert caught.value.response["Error"]["Code"] == "InvalidInputException"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}


def test_a_nul_in_a_name_is_the_clients_fault(tenon):
    """Names and ids never have one: clients must not be told to come again."""
    glue, athena = tenon.client("glue"), tenon.client("athena")
    for call, code in (
        (lambda: glue.get_job_bookmark(JobName="\0"), "InvalidInputException"),
        (lambda: glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:000000000000:table/{name('d')}/a\0"), "EntityNotFoundException"),
        (lambda: athena.get_query_execution(QueryExecutionId="\0"), "InvalidRequestException"),
    ):
        with pytest.raises(ClientError) as raised:
            call()
        found = raised.value.response
        assert (found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400), found
    for path in ("%00", "d/tables/%00"):
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"{tenon.endpoint}/_/iceberg/v1/000000000000.us-east-1/namespaces/{path}")
        assert raised.value.code in (400, 404), raised.value.read()
