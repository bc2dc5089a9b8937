"""S3 over raw sockets: bodies in every signing form, and bodies that break off."""

import os
import pathlib

import pytest
from conftest import wait_until
from signing import Signer, chunked, crc32, send, sha

MIB = 1 << 20


@pytest.fixture
def bucket(tenon):
    return tenon.bucket()


@pytest.fixture(params=["open", "sigv4"])
def either(request):
    """A server that takes any credentials, then one that verifies them."""
    return request.getfixturevalue("tenon" if request.param == "open" else "verifying")


def get(tenon, bucket, key):
    return tenon.client("s3").get_object(Bucket=bucket, Key=key)


FORMS = {
    "hash": None,
    "unsigned": None,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (True, False),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (True, True),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (False, True),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size,chunk", [(0, 65536), (100, 65536), (3 * MIB + 5, 65536), (3 * MIB, 2 * MIB)])
def test_signing_forms(either, form, size, chunk):
    tenon, bucket = either, either.bucket()
    data = os.urandom(size)
    path = f"/{bucket}/k"
    if FORMS[form] is None:
        digest = sha(data) if form == "hash" else "UNSIGNED-PAYLOAD"
        signer = Signer(tenon, "PUT", path, {}, digest)
        signer.headers["content-length"] = len(data)
        status, answer = send(tenon, "PUT", path, signer.headers, data)
    else:
        signed, trailing = FORMS[form]
        headers = {"x-amz-decoded-content-length": str(size), "content-encoding": "aws-chunked"}
        if trailing:
            headers["x-amz-trailer"] = "x-amz-checksum-crc32"
        signer = Signer(tenon, "PUT", path, headers, form)
        wire = chunked(data, chunk, signer if signed else None, ("x-amz-checksum-crc32", crc32(data)) if trailing else None)
        signer.headers["content-length"] = len(wire)
        status, answer = send(tenon, "PUT", path, signer.headers, wire)
    assert status == 200, answer
    got = get(tenon, bucket, "k")
    assert got["Body"].read() == data
    assert "ContentEncoding" not in got


def test_wrong_hash_and_trailer(tenon, bucket):
    path, data = f"/{bucket}/k", b"x" * 1000
    signer = Signer(tenon, "PUT", path, {}, sha(b"other"))
    signer.headers["content-length"] = len(data)
    status, answer = send(tenon, "PUT", path, signer.headers, data)
    assert status == 400 and b"XAmzContentSHA256Mismatch" in answer
    headers = {"x-amz-decoded-content-length": "1000", "x-amz-trailer": "x-amz-checksum-crc32"}
    form = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    for value, code in [(crc32(b"other"), b"BadDigest"), ("AA", b"InvalidRequest")]:
        signer = Signer(tenon, "PUT", path, headers, form)
        wire = chunked(data, 300, None, ("x-amz-checksum-crc32", value))
        signer.headers["content-length"] = len(wire)
        status, answer = send(tenon, "PUT", path, signer.headers, wire)
        assert status == 400 and code in answer, answer
    signer = Signer(tenon, "PUT", path, headers, form)
    wire = chunked(data, 300)
    signer.headers["content-length"] = len(wire)
    status, answer = send(tenon, "PUT", path, signer.headers, wire)
    assert status == 400, answer
    assert tenon.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def extents(tenon):
    return sum(len(files) for _, _, files in os.walk(pathlib.Path(tenon.data_dir) / "objects" / "extents"))


@pytest.mark.parametrize("sent", [10, 100_000, 5 * MIB])
def test_broken_uploads_leave_nothing(tenon, bucket, sent):
    before = extents(tenon)
    path, data = f"/{bucket}/k", os.urandom(8 * MIB)
    for _ in range(3):
        signer = Signer(tenon, "PUT", path, {}, "UNSIGNED-PAYLOAD")
        signer.headers["content-length"] = len(data)
        send(tenon, "PUT", path, signer.headers, data, close_after=sent)
    wait_until(lambda: extents(tenon) == before, "the bytes of broken uploads to go")
    assert tenon.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_deleted_bytes_go(tenon, bucket):
    s3 = tenon.client("s3")
    before = extents(tenon)
    for n in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=os.urandom(MIB))
    s3.put_object(Bucket=bucket, Key="k0", Body=os.urandom(MIB))
    wait_until(lambda: extents(tenon) == before + 3, "the replaced bytes to go")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{n}"} for n in range(3)]})
    wait_until(lambda: extents(tenon) == before, "the deleted bytes to go")


def test_a_length_is_needed(tenon, bucket):
    path = f"/{bucket}/k"
    signer = Signer(tenon, "PUT", path, {}, "UNSIGNED-PAYLOAD")
    signer.headers["transfer-encoding"] = "chunked"
    status, answer = send(tenon, "PUT", path, signer.headers, b"1\r\nx\r\n0\r\n\r\n")
    assert status == 411 and b"MissingContentLength" in answer
    signer = Signer(tenon, "PUT", path, {}, "UNSIGNED-PAYLOAD")
    status, answer = send(tenon, "PUT", path, signer.headers, b"")
    assert status == 411 and b"MissingContentLength" in answer


def test_too_large_is_refused_before_the_body(tenon, bucket):
    path = f"/{bucket}/k"
    signer = Signer(tenon, "PUT", path, {}, "UNSIGNED-PAYLOAD")
    signer.headers["content-length"] = (5 << 30) + 1
    status, answer = send(tenon, "PUT", path, signer.headers, b"")
    assert status == 400 and b"EntityTooLarge" in answer


@pytest.mark.parametrize("target", ["http://other.localhost/k", "http://127.0.0.1/k"])
def test_a_request_names_one_host(tenon, bucket, target):
    headers = {"host": f"{bucket}.localhost", "content-length": 1}
    status, answer = send(tenon, "PUT", target, headers, b"x")
    assert status == 400 and b"InvalidRequest" in answer
    assert "Contents" not in tenon.client("s3").list_objects_v2(Bucket=bucket)
    status, _ = send(tenon, "PUT", f"http://{bucket}.localhost/k", headers, b"x")
    assert status == 200
    assert get(tenon, bucket, "k")["Body"].read() == b"x"



def test_the_hash_is_checked_where_no_body_is_taken(tenon, bucket):
    tenon.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    for method, path, headers in [
        ("PUT", f"/{bucket}/copy", {"x-amz-copy-source": f"{bucket}/k"}),
        ("DELETE", f"/{bucket}/k", {}),
        ("POST", f"/{bucket}/k?uploads=", {}),
    ]:
        path, _, query = path.partition("?")
        signer = Signer(tenon, method, path, headers, sha(b""))
        signer.headers["content-length"] = 8
        status, answer = send(tenon, method, f"{path}?{query}" if query else path, signer.headers, b"smuggled")
        assert status == 400 and b"XAmzContentSHA256Mismatch" in answer, (method, path, answer)
    assert [o["Key"] for o in tenon.client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_conditions_are_looked_at_before_a_large_body(tenon, bucket):
    tenon.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    path = f"/{bucket}/k"
    signer = Signer(tenon, "PUT", path, {"if-none-match": "*"}, "UNSIGNED-PAYLOAD")
    signer.headers["content-length"] = 100 * MIB
    status, answer = send(tenon, "PUT", path, signer.headers, b"")
    assert status == 412 and b"PreconditionFailed" in answer


def test_the_location_of_a_whole_names_its_bucket(tenon):
    """`localhost` in `localhost.localstack.cloud` is the server, whatever buckets are called."""
    s3 = tenon.client("s3")
    s3.create_bucket(Bucket="localhost")
    upload = s3.create_multipart_upload(Bucket="localhost", Key="k")["UploadId"]
    etag = s3.upload_part(Bucket="localhost", Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    host = f"localhost.localstack.cloud:{tenon.port}"
    document = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    headers = {"host": host, "content-length": len(document)}
    status, answer = send(tenon, "POST", f"/localhost/k?uploadId={upload}", headers, document.encode())
    assert status == 200 and f"<Location>http://{host}/localhost/k</Location>".encode() in answer, answer


@pytest.mark.parametrize("key", ["_/health", "_/", "_localstack/health"])
def test_every_path_is_a_key_where_the_host_names_the_bucket(tenon, bucket, key):
    s3 = tenon.client("s3")
    host = {"host": f"{bucket}.localhost:{tenon.port}"}
    status, answer = send(tenon, "PUT", f"/{key}", {**host, "content-length": 4}, b"mine")
    assert status == 200, answer
    assert send(tenon, "GET", f"/{key}", host, b"")[1].endswith(b"mine")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert send(tenon, "DELETE", f"/{key}", host, b"")[0] == 204
    status, answer = send(tenon, "GET", "/_/health", {"host": f"localhost:{tenon.port}"}, b"")
    assert status == 200 and b'"status":"ok"' in answer.replace(b" ", b"")


def test_framing_that_nothing_announces_is_not_stored(either):
    tenon, bucket = either, either.bucket()
    path, wire = f"/{bucket}/k", chunked(b"x" * 100, 65536)
    for form, headers, code in [
        ("UNSIGNED-PAYLOAD", {"content-encoding": "aws-chunked"}, b"InvalidArgument"),
        ("UNSIGNED-PAYLOAD", {"x-amz-decoded-content-length": "100"}, b"IncompleteBody"),
        (sha(wire), {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "100"}, b"IncompleteBody"),
    ]:
        signer = Signer(tenon, "PUT", path, headers, form)
        signer.headers["content-length"] = len(wire)
        status, answer = send(tenon, "PUT", path, signer.headers, wire)
        assert status == 400 and b"<Code>" + code in answer, (form, headers, answer)
    assert tenon.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    "method, target, headers, body, status, code",
    [
        ("GET", "?prefix=a&prefix=b", {}, b"", 400, "InvalidArgument"),
        ("PUT", "/c", {"x-amz-copy-source": "{bucket}/k"}, b"body", 400, "UnexpectedContent"),
        ("PUT", "/c", {"x-amz-copy-source": "{bucket}/%zz"}, b"", 400, "InvalidArgument"),
        ("PUT", "/c", {"x-amz-tagging": "a=%zz"}, b"x", 400, "InvalidArgument"),
        ("PUT", "/c", {"x-amz-tagging": "a=1&a=2"}, b"x", 400, "InvalidArgument"),
        ("PUT", "/c", {"x-amz-website-redirect-location": "ftp://x"}, b"x", 400, "InvalidRedirectLocation"),
        ("PUT", "/c", {"x-amz-object-lock-event-hold": "ON"}, b"x", 501, "NotImplemented"),
        ("GET", "/k?versionId=", {}, b"", 400, "InvalidArgument"),
        ("POST", "/k?uploadId=u", {}, b"<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part>"
         b"</CompleteMultipartUpload>", 400, "InvalidArgument"),
    ],
)
def test_what_means_two_things_or_nothing_is_refused(tenon, bucket, method, target, headers, body, status, code):
    tenon.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    headers = {name: value.format(bucket=bucket) for name, value in headers.items()}
    found, answer = send(tenon, method, f"/{bucket}{target}", {**headers, "content-length": len(body)}, body)
    assert (found, f"<Code>{code}</Code>".encode() in answer) == (status, True), answer
    assert [one["Key"] for one in tenon.client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    assert not [line for line in tenon.log.read_text().splitlines() if " ERROR " in line and code in line]
