"""S3 over raw sockets: bodies in every signing form, and bodies that break off."""

import base64
import binascii
import datetime
import hashlib
import hmac
import os
import pathlib
import socket

import pytest
from conftest import wait_until

KEY, SECRET, REGION = "test", "test", "us-east-1"
MIB = 1 << 20


@pytest.fixture
def bucket(tenon):
    return tenon.bucket()


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Signer:
    """Signature Version 4, written from its specification."""

    def __init__(self, tenon, method, path, headers, payload_hash):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.stamp, self.day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        self.scope = f"{self.day}/{REGION}/s3/aws4_request"
        key = f"AWS4{SECRET}".encode()
        for part in [self.day, REGION, "s3", "aws4_request"]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self.key = key
        self.headers = {"host": f"127.0.0.1:{tenon.port}", "x-amz-date": self.stamp, "x-amz-content-sha256": payload_hash}
        self.headers |= {name.lower(): value for name, value in headers.items()}
        names = ";".join(sorted(self.headers))
        canonical = "\n".join(
            [method, path, "", *(f"{n}:{self.headers[n]}" for n in sorted(self.headers)), "", names, payload_hash]
        )
        text = "\n".join(["AWS4-HMAC-SHA256", self.stamp, self.scope, sha(canonical.encode())])
        self.seed = self.sign(text)
        self.headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={KEY}/{self.scope}, SignedHeaders={names}, Signature={self.seed}"
        )

    def sign(self, text):
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def chunk(self, previous, data):
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.stamp, self.scope, previous, sha(b""), sha(data)])
        return self.sign(text)

    def trailer(self, previous, text):
        parts = ["AWS4-HMAC-SHA256-TRAILER", self.stamp, self.scope, previous, sha(text)]
        return self.sign("\n".join(parts))


def send(tenon, method, path, headers, body, close_after=None):
    """Sends a request; returns status and answer, or closes the connection after some bytes of the body."""
    with socket.create_connection(("127.0.0.1", tenon.port), 30) as connection:
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        connection.sendall(head.encode())
        if close_after is not None:
            connection.sendall(body[:close_after])
            return None
        connection.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = next((int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")), 0)
        while len(rest) < length:
            piece = connection.recv(65536)
            if not piece:
                break
            rest += piece
        return int(head.split()[1]), rest


def chunked(data, size, signer=None, trailer=None):
    """The aws-chunked form of `data`; signed when there is a signer; `trailer` is (name, value)."""
    out, previous = b"", signer.seed if signer else None
    pieces = [data[i : i + size] for i in range(0, len(data), size)] + [b""]
    for piece in pieces:
        head = f"{len(piece):x}"
        if signer:
            previous = signer.chunk(previous, piece)
            head += f";chunk-signature={previous}"
        out += head.encode() + b"\r\n" + piece + (b"\r\n" if piece else b"")
    if trailer:
        line = f"{trailer[0]}:{trailer[1]}"
        out += line.encode() + b"\r\n"
        if signer:
            out += f"x-amz-trailer-signature:{signer.trailer(previous, line.encode() + chr(10).encode())}\r\n".encode()
    return out + b"\r\n"


def crc32(data):
    return base64.b64encode(binascii.crc32(data).to_bytes(4, "big")).decode()


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
def test_signing_forms(tenon, bucket, form, size, chunk):
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
