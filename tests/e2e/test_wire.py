"""The protocols as clients see them: identity, unknown and unbuilt operations, faults, capabilities."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError


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
