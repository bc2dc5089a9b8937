"""Signature Version 4 over raw sockets, written from its specification: what a client puts on the wire."""

import base64
import binascii
import datetime
import hashlib
import hmac
import socket

KEY, SECRET, REGION = "test", "test", "us-east-1"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Signer:
    """Signature Version 4, written from its specification."""

    def __init__(self, tenon, method, path, headers, payload_hash, age=datetime.timedelta()):
        now = datetime.datetime.now(datetime.timezone.utc) - age
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
