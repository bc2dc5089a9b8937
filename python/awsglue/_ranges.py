"""An object of S3 as a file that can be read anywhere, for footers: each read is one request for a range."""

from __future__ import annotations

import io

from awsglue._aws import Object, client


class RangeFile(io.RawIOBase):
    """Reads ranges of an object; a local file is opened as it is."""

    def __init__(self, item: Object) -> None:
        self.item = item
        self.at = 0
        self.local = None if item.bucket else open(item.key, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.item.size}[whence] + offset
        return self.at

    def read(self, size: int = -1) -> bytes:
        end = self.item.size if size is None or size < 0 else min(self.at + size, self.item.size)
        if end <= self.at:
            return b""
        if self.local is not None:
            self.local.seek(self.at)
            data = self.local.read(end - self.at)
        else:
            reply = client("s3").get_object(
                Bucket=self.item.bucket, Key=self.item.key, Range=f"bytes={self.at}-{end - 1}", IfMatch=f'"{self.item.etag}"'
            )
            data = reply["Body"].read()
        self.at += len(data)
        return data

    def close(self) -> None:
        if self.local is not None:
            self.local.close()
        super().close()
