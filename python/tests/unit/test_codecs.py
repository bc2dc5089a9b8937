"""Text in every compression that the server reads, too."""

import bz2
import gzip
import io
import lzma
import zlib

import pyarrow as pa
import pytest

from awsglue import _codecs
from awsglue.errors import DataError, NotBuilt

TEXT = "".join(f"{n},{n * n % 97},Köln\n" for n in range(20_000)).encode()


def arrow(codec):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(TEXT)
    return sink.getvalue().to_pybytes()


def number(value):
    return value.to_bytes(4, "big")


def hadoop(codec, pieces):
    """Blocks of two sizes, each of so many pieces."""
    body = b""
    for block in (TEXT[:100_000], TEXT[100_000:]):
        step = -(-len(block) // pieces)
        stored = [pa.Codec(codec).compress(block[at:at + step], asbytes=True) for at in range(0, len(block), step)]
        body += number(len(block)) + b"".join(number(len(piece)) + piece for piece in stored)
    return body


def snappy_frames():
    chunks = [b"\xff\x06\x00\x00sNaPpY"]
    for at in range(0, len(TEXT), 1 << 16):
        piece = TEXT[at:at + (1 << 16)]
        kind, stored = (1, piece) if at == 0 else (0, pa.Codec("snappy").compress(piece, asbytes=True))
        chunks.append(bytes([kind]) + (len(stored) + 4).to_bytes(3, "little") + b"sum!" + stored)
    return b"".join(chunks) + b"\xfe\x02\x00\x00\x00\x00"


def raw_deflate():
    made = zlib.compressobj(wbits=-15)
    return made.compress(TEXT) + made.flush()


FORMS = {
    "a.csv.gz": gzip.compress(TEXT), "a.csv.bz2": bz2.compress(TEXT), "a.csv.xz": lzma.compress(TEXT),
    "a.csv.zst": arrow("zstd"), "a.csv.lz4": arrow("lz4"), "a.csv.sz": snappy_frames(),
    "a.csv.deflate": zlib.compress(TEXT), "low.deflate": zlib.compress(TEXT, 1), "raw.deflate": raw_deflate(),
    "one.snappy": hadoop("snappy", 1), "many.snappy": hadoop("snappy", 3), "one.lz4": hadoop("lz4_raw", 1),
    "many.lz4": hadoop("lz4_raw", 3), "front.zst": b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"1234" + arrow("zstd"),
}


def read(name, body):
    return _codecs.opened(f"s3://b/{name}", io.BufferedReader(io.BytesIO(body))).read()


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_and_a_cut_one_is_an_error(name):
    assert read(name, FORMS[name]) == TEXT
    for cut in (len(FORMS[name]) // 2, len(FORMS[name]) - 3):
        with pytest.raises(DataError, match=f"s3://b/{name}: damaged or cut short"):
            read(name, FORMS[name][:cut])


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.xz", "a.csv.zst", "a.csv.lz4", "a.csv.sz", "a.csv.deflate", "front.zst"])
def test_first_bytes_count_and_not_the_name(name):
    assert read("plain.csv", FORMS[name]) == TEXT


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "lz4", "snappy", "sz", "zz", "zip"])
def test_a_name_that_promises_a_codec(ending):
    with pytest.raises(DataError, match="named as compressed and is not"):
        read(f"a.csv.{ending}", b"1,2,3 and this is text that goes on for a while\n")


def test_what_is_not_compressed():
    assert _codecs.codec_of("s3://b/a.gz", b"") is None
    for text in (b"x^2,y\n", b"BZh is a word\n", b"PK,id\n", "é".encode("latin-1")):
        assert read("a.csv", text) == text
    with pytest.raises(NotBuilt, match="reading zip"):
        read("a.csv", b"PK\x03\x04" + bytes(40))


def test_bytes_behind_the_end_are_an_error():
    for name in ("a.csv.gz", "a.csv.zst", "a.csv.lz4", "a.csv.deflate", "one.snappy"):
        with pytest.raises(DataError, match="damaged or cut short"):
            read(name, FORMS[name] + b"something else, which is long enough")


def test_a_piece_that_is_larger_than_its_block():
    for name, codec in (("one.lz4", "lz4_raw"), ("one.snappy", "snappy")):
        piece = pa.Codec(codec).compress(TEXT, asbytes=True)
        with pytest.raises(DataError, match="a piece is larger than its block"):
            read(name, FORMS[name] + number(50) + number(len(piece)) + piece)
