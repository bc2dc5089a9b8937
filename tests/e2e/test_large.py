"""Objects of several gigabytes in constant memory: `make soak`."""

import hashlib
import http.client
import threading
import time

import boto3.s3.transfer
import psutil
import pytest

pytestmark = pytest.mark.soak

MIB = 2**20
SIZE = 5 * 1024 * MIB - 1  # the most that one PUT may carry is 5 GiB
MEMORY_BYTES = 100 * MIB
PIECE = bytes(range(256)) * 4096  # 1 MiB


class Watch(threading.Thread):
    """Notes the most memory that a server's process holds."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.process, self.peak, self.done = psutil.Process(pid), 0, threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def pieces():
    left = SIZE
    while left:
        piece = PIECE[: min(left, len(PIECE))]
        left -= len(piece)
        yield piece


def digest():
    found = hashlib.md5()
    for piece in pieces():
        found.update(piece)
    return found.hexdigest()


@pytest.fixture(scope="module")
def md5():
    return digest()


def request(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.putrequest(method, path)
    for key, value in (headers or {}).items():
        connection.putheader(key, value)
    connection.endheaders()
    for piece in body or ():
        connection.send(piece)
    return connection.getresponse()


def aws_chunked(chunk_bytes):
    """The body as unsigned aws-chunked frames of one size."""
    left, feed, spare = SIZE, pieces(), b""
    while left:
        size = min(chunk_bytes, left)
        yield f"{size:x}\r\n".encode()
        need = size
        while need:
            spare = spare or next(feed)
            yield spare[:need]
            spare, need = spare[need:], max(0, need - len(spare))
        yield b"\r\n"
        left -= size
    yield b"0\r\n\r\n"


def framed_length(chunk_bytes):
    full, rest = divmod(SIZE, chunk_bytes)
    frame = lambda size: len(f"{size:x}") + 4 + size
    return full * frame(chunk_bytes) + (frame(rest) if rest else 0) + 5


def read_back(server, path, md5):
    response = request(server, "GET", path)
    assert response.status == 200 and int(response.headers["Content-Length"]) == SIZE
    found = hashlib.md5()
    while piece := response.read(4 * MIB):
        found.update(piece)
    assert found.hexdigest() == md5


@pytest.mark.parametrize("chunk_bytes", [None, SIZE, 64 * 1024], ids=["plain", "one-chunk", "many-chunks"])
def test_one_put_and_get(tenon_factory, md5, chunk_bytes):
    server = tenon_factory().start()
    bucket = server.bucket()
    headers = {"Content-Length": SIZE} if chunk_bytes is None else {
        "Content-Length": framed_length(chunk_bytes),
        "Content-Encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": SIZE,
    }
    with Watch(server.process.pid) as watch:
        body = pieces() if chunk_bytes is None else aws_chunked(chunk_bytes)
        response = request(server, "PUT", f"/{bucket}/big", body, headers)
        text = response.read()
        assert response.status == 200, text
        assert response.headers["ETag"] == f'"{md5}"'
        read_back(server, f"/{bucket}/big", md5)
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"


def test_multipart(tenon_factory, md5, tmp_path):
    server = tenon_factory().start()
    bucket, s3 = server.bucket(), server.client("s3", read_timeout=600)
    source = tmp_path / "big"
    with open(source, "wb") as out:
        for piece in pieces():
            out.write(piece)
    transfer = boto3.s3.transfer.TransferConfig(multipart_chunksize=64 * MIB, max_concurrency=4)
    with Watch(server.process.pid) as watch:
        s3.upload_file(str(source), bucket, "big", Config=transfer)
        read_back(server, f"/{bucket}/big", md5)
    assert watch.peak < MEMORY_BYTES, f"{watch.peak / MIB:.0f} MiB"


def test_space_comes_back(tenon_factory):
    server = tenon_factory().start()
    bucket, s3 = server.bucket(), server.client("s3")
    s3.put_object(Bucket=bucket, Key="x", Body=PIECE * 64)
    used = lambda: sum(f.stat().st_size for f in server.data_dir.rglob("*") if f.is_file())
    full = used()
    s3.delete_object(Bucket=bucket, Key="x")
    end = time.monotonic() + 120
    while used() > full - 60 * MIB:
        assert time.monotonic() < end, "the bytes of a deleted object stay"
        time.sleep(0.5)
