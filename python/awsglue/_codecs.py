"""Compressed text, decompressed as its first bytes say; where a codec has no magic number, as its name ends.

The rules are the server's (docs/formats.md), so that a script reads what jobs and queries read. Damaged and cut files are
errors that name the file. Memory: one block of Hadoop's, at most 64 MiB as it was.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, Callable, Iterator, Optional, Tuple

from awsglue.errors import DataError, NotBuilt

# How many bytes of a file `codec_of` wants to see.
HEAD = 64
_MAX_BLOCK = 64 << 20
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xff\x06\x00\x00sNaPpY", "snappy"),
          (b"\x04\x22\x4d\x18", "lz4"), (b"\xfd7zXZ\x00", "xz"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
          # The one of zlib's headers that no text in UTF-8 begins with.
          (b"\x78\x9c", "zlib"))
_NAMED = {"gz": "gzip", "gzip": "gzip", "bz2": "bzip2", "bzip2": "bzip2", "zst": "zstd", "zstd": "zstd", "xz": "xz",
          "zip": "zip", "sz": "snappy"}


def codec_of(url: str, head: bytes) -> Optional[str]:
    """What a file is compressed with, by its first bytes, then by its name; None for nothing.

    Raises `DataError` where the name promises what the bytes are not.
    """
    found = _by_magic(head)
    if found or not head:
        return found
    ending = url.rpartition(".")[2].lower()
    first = None
    if ending in ("snappy", "lz4"):
        size, stored = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
        most = size + size // 255 + 16 if ending == "lz4" else size + size // 6 + 32
        first = f"hadoop-{ending}" if 0 < size <= _MAX_BLOCK and 0 < stored <= most else None
    elif ending in ("deflate", "zlib", "zz"):
        has_header = head[0] == 0x78 and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0
        first = "zlib" if has_header else "deflate" if ending == "deflate" else None
    elif ending not in _NAMED:
        return None
    if first is None:
        raise DataError(f"{url} is named as compressed and is not ({_NAMED.get(ending, ending)})")
    return first


def _by_magic(head: bytes) -> Optional[str]:
    for magic, codec in _MAGIC:
        if head.startswith(magic):
            return codec
    if head.startswith(b"BZh") and head[4:8] in (b"1AY&", b"\x17rE8"):
        return "bzip2"
    if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        # A frame that decoders skip, as parallel compressors write them in front.
        behind = _by_magic(head[8 + int.from_bytes(head[4:8], "little"):])
        return behind if behind in ("zstd", "lz4") else None
    return None


def opened(url: str, raw: Any) -> Any:
    """The bytes of a file without its compression. `raw` is what it holds, as a buffered file."""
    codec = codec_of(url, raw.peek(HEAD)[:HEAD])
    if codec is None:
        return raw
    if codec == "zip":
        raise NotBuilt(f"reading zip ({url})", "read the table with a visual job or Athena")
    return io.BufferedReader(_Pieces(url, codec, _DECODERS[codec](raw)), 1 << 20)


class _Pieces(io.RawIOBase):
    """A file of the pieces that a decoder gives."""

    def __init__(self, url: str, codec: str, pieces: Iterator[bytes]) -> None:
        self.url = url
        self.codec = codec
        self.pieces = pieces
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            piece = self._next()
            if piece is None:
                return 0
            self.rest = memoryview(piece)
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count

    def _next(self) -> Optional[bytes]:
        try:
            return next(self.pieces, None)
        # pyarrow's errors are OSError or ValueError.
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{self.url}: damaged or cut short ({self.codec}): {error}") from error


def _whole(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.read(1 << 20), b"")


def _arrow(codec: str) -> Callable[[Any], Iterator[bytes]]:
    def pieces(raw: Any) -> Iterator[bytes]:
        import pyarrow as pa

        yield from _whole(pa.CompressedInputStream(pa.PythonFile(raw, "r"), codec))

    return pieces


def _inflated(bits: int) -> Callable[[Any], Iterator[bytes]]:
    def pieces(raw: Any) -> Iterator[bytes]:
        decoder = zlib.decompressobj(bits)
        for stored in _whole(raw):
            while stored and not decoder.eof:
                yield decoder.decompress(stored, 1 << 20)
                stored = decoder.unconsumed_tail
            if decoder.unused_data or decoder.eof and stored:
                raise ValueError("there are bytes behind the end of the stream")
        yield decoder.flush()
        if not decoder.eof:
            raise EOFError("the stream is cut short")

    return pieces


def _exactly(raw: Any, count: int) -> bytes:
    found = raw.read(count)
    if len(found) < count:
        raise EOFError("the stream is cut short")
    return found


def _snappy_frames(raw: Any) -> Iterator[bytes]:
    """Snappy's own framing. The checksums of chunks are not looked at."""
    while True:
        head = raw.read(4)
        if not head:
            return
        if len(head) < 4:
            raise EOFError("the stream is cut short")
        chunk = _exactly(raw, int.from_bytes(head[1:], "little"))
        if head[0] == 0:
            yield _snappy(chunk[4:], 1 << 16)[0]
        elif head[0] == 1:
            yield chunk[4:]
        elif head[0] < 0x80:
            raise ValueError(f"there is a chunk of an unknown kind ({head[0]})")


def _hadoop(decode: Callable[[bytes, int], Tuple[bytes, int]]) -> Callable[[Any], Iterator[bytes]]:
    """Hadoop's blocks: the size of the content, then pieces with their sizes as stored until that much is there."""

    def pieces(raw: Any) -> Iterator[bytes]:
        while True:
            head = raw.read(4)
            if not head:
                return
            left = int.from_bytes(head + _exactly(raw, 4 - len(head)), "big")
            if left > _MAX_BLOCK:
                raise ValueError("a block is larger than any writer makes them")
            while left:
                stored = int.from_bytes(_exactly(raw, 4), "big")
                if stored > _MAX_BLOCK:
                    raise ValueError("a piece is larger than any writer makes them")
                piece, size = decode(_exactly(raw, stored), left)
                left -= size
                yield piece

    return pieces


def _snappy(stored: bytes, room: int) -> Tuple[bytes, int]:
    size = shift = 0
    for byte in stored[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return _block("snappy", stored, size, room)


def _lz4(stored: bytes, room: int) -> Tuple[bytes, int]:
    """LZ4 does not say how large a piece is: its steps are added up."""
    at = size = 0
    while at < len(stored):
        token = stored[at]
        literals, at = _run(stored, token >> 4, at + 1)
        at, size = at + literals, size + literals
        if at < len(stored):
            match, at = _run(stored, token & 15, at + 2)
            size += match + 4
    return _block("lz4_raw", stored, size, room)


def _run(stored: bytes, count: int, at: int) -> Tuple[int, int]:
    if count == 15:
        more = 255
        while more == 255 and at < len(stored):
            more = stored[at]
            count, at = count + more, at + 1
    return count, at


def _block(codec: str, stored: bytes, size: int, room: int) -> Tuple[bytes, int]:
    import pyarrow as pa

    if not 0 < size <= room:
        raise ValueError("a piece is larger than its block")
    return pa.Codec(codec).decompress(stored, size, asbytes=True), size


_DECODERS = {
    "gzip": lambda raw: _whole(gzip.open(raw, "rb")), "bzip2": lambda raw: _whole(bz2.open(raw, "rb")),
    "xz": lambda raw: _whole(lzma.open(raw, "rb")), "zstd": _arrow("zstd"), "lz4": _arrow("lz4"),
    "zlib": _inflated(zlib.MAX_WBITS), "deflate": _inflated(-zlib.MAX_WBITS), "snappy": _snappy_frames,
    "hadoop-snappy": _hadoop(_snappy), "hadoop-lz4": _hadoop(_lz4),
}
