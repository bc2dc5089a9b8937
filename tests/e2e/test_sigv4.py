"""Mode `sigv4`: signed requests of real clients are let in, and nothing that was changed on the way."""

import datetime
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from signing import Signer, chunked, crc32, send, sha

from conftest import name


@pytest.fixture
def bucket(verifying):
    return verifying.bucket()


def code(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    return failure.value.response["Error"]["Code"], failure.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_boto3(verifying, bucket):
    s3 = verifying.client("s3")
    s3.put_object(Bucket=bucket, Key="a b/ü+%", Body=b"x" * 100_000, Metadata={"who": "me"})
    assert s3.get_object(Bucket=bucket, Key="a b/ü+%")["Body"].read() == b"x" * 100_000
    assert verifying.client("sts").get_caller_identity()["Account"] == "000000000000"
    glue, database = verifying.client("glue"), name("db")
    glue.create_database(DatabaseInput={"Name": database})
    assert glue.get_database(Name=database)["Database"]["Name"] == database
    assert verifying.client("athena").list_work_groups()["WorkGroups"]


def test_aws_cli_and_tenon_cli(verifying, bucket, tmp_path):
    (tmp_path / "f").write_bytes(b"y" * 9_000_000)
    aws = [str(pathlib.Path(sys.executable).parent / "aws")]
    for command in (["s3", "cp", str(tmp_path / "f"), f"s3://{bucket}/f"], ["s3", "ls", f"s3://{bucket}/"]):
        done = subprocess.run(aws + command, env=verifying.environ(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "9000000" in done.stdout
    assert "ready" in verifying.cli("status").stdout
    assert verifying.cli("sql", "SELECT 7 AS n", "--csv").stdout == "n\n7\n"


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({"access_key": "test", "secret": "wrong"}, ("SignatureDoesNotMatch", 403)),
        ({"access_key": "NOBODY", "secret": "test"}, ("InvalidAccessKeyId", 403)),
        ({"access_key": "OTHER", "secret": "test"}, ("SignatureDoesNotMatch", 403)),
    ],
)
def test_wrong_keys(verifying, bucket, keys, expected):
    assert code(verifying.client("s3", **keys).list_objects_v2, Bucket=bucket) == expected
    assert code(verifying.client("glue", **keys).get_databases)[1] in (400, 403)


def test_no_signature_at_all(verifying, bucket):
    for path in (f"/{bucket}", f"/{bucket}/k", "/"):
        with pytest.raises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(verifying.endpoint + path)
        assert failure.value.code == 403
    # What operators read is not behind the signature.
    assert urllib.request.urlopen(verifying.endpoint + "/_/ready").status == 200


def put(verifying, bucket, change=lambda signer: None, age=datetime.timedelta(), body=b"data"):
    signer = Signer(verifying, "PUT", f"/{bucket}/k", {"x-amz-meta-a": "1"}, sha(b"data"), age)
    signer.headers["content-length"] = len(body)
    change(signer)
    return send(verifying, "PUT", f"/{bucket}/k", signer.headers, body)


def flip(text):
    """The same with its last hexadecimal digit changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def test_a_changed_request_is_refused(verifying, bucket):
    def header(header_name, value):
        return lambda signer: signer.headers.__setitem__(header_name, value)

    changes = {
        "signature": lambda signer: header("authorization", flip(signer.headers["authorization"]))(signer),
        "signed header": header("x-amz-meta-a", "2"),
        "unsigned header that acts": header("x-amz-meta-b", "1"),
        "payload hash": header("x-amz-content-sha256", sha(b"other")),
        "host": header("host", "elsewhere.localhost"),
    }
    for what, change in changes.items():
        status, answer = put(verifying, bucket, change)
        assert status == 403, (what, answer)
    assert put(verifying, bucket, body=b"atad")[0] == 400
    status, answer = put(verifying, bucket, age=datetime.timedelta(minutes=16))
    assert status == 403 and b"RequestTimeTooSkewed" in answer
    assert verifying.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert put(verifying, bucket)[0] == 200


@pytest.mark.parametrize("broken", ["chunk", "last chunk", "trailer", "data", "order"])
def test_a_changed_chunk_is_refused(verifying, bucket, broken):
    data, path = bytes(range(256)) * 1000, f"/{bucket}/k"
    form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    headers = {
        "x-amz-decoded-content-length": str(len(data)), "content-encoding": "aws-chunked",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    signer = Signer(verifying, "PUT", path, headers, form)
    body = chunked(data, 65536, signer, ("x-amz-checksum-crc32", crc32(data)))
    mark = b"chunk-signature="
    first, last = body.index(mark) + len(mark), body.rindex(mark) + len(mark)
    digit = {"chunk": first, "last chunk": last, "trailer": body.index(b"x-amz-trailer-signature:") + 24}
    if broken == "data":
        body = body.replace(data[:300], data[1:300] + b"!", 1)
    elif broken == "order":
        second = body.index(mark, first)
        start = body.rindex(b"\r\n", 0, second) + 2
        third = body.rindex(b"\r\n", 0, body.index(mark, second + 20)) + 2
        body = body[start:third] + body[:start] + body[third:]
    else:
        at = digit[broken]
        body = body[:at] + (b"0" if body[at : at + 1] != b"0" else b"1") + body[at + 1 :]
    signer.headers["content-length"] = len(body)
    status, answer = send(verifying, "PUT", path, signer.headers, body)
    assert status == 403 and b"SignatureDoesNotMatch" in answer, answer
    assert verifying.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_presigned_urls(verifying, bucket):
    s3 = verifying.client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")

    def get(url):
        try:
            return urllib.request.urlopen(url).status
        except urllib.error.HTTPError as error:
            return error.code

    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert get(url) == 200
    assert get(url.replace("/k?", "/other?")) == 403
    assert get(url + "&response-content-type=text/html") == 403
    at = url.index("X-Amz-Signature=") + len("X-Amz-Signature=") + 64
    assert get(flip(url[:at]) + url[at:]) == 403
    # The expiry is signed, too.
    assert get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")) == 403
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 4


def test_signature_version_2_is_refused_by_name(verifying, bucket):
    """boto3's own choice for presigned URLs; as regions that came after 2014 do."""
    url = verifying.client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert "AWSAccessKeyId=" in url
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(url)
    assert failure.value.code == 400 and b"AWS4-HMAC-SHA256" in failure.value.read()
