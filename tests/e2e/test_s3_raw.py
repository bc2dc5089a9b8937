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
