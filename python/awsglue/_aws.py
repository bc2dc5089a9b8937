"""Calls to S3 and the Glue Data Catalog, and the rule that nothing reaches the real AWS by accident.

The endpoint is `AWS_ENDPOINT_URL` (or that of a service, as the SDKs have it). Without one, every call is refused
unless `TENON_ALLOW_AWS` is `true`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import quote, urlparse

from awsglue._logger import GlueLogger
from awsglue.errors import DataError, GlueError

# A host that no resolver knows: what an engine or SDK without an endpoint is pointed to. Its name says what to do.
NOWHERE = "https://set-aws-endpoint-url-or-tenon-allow-aws.invalid"


def allowed() -> bool:
    """Says whether the real AWS may be called."""
    return os.environ.get("TENON_ALLOW_AWS", "").lower() in ("1", "true", "yes")


def endpoint(service: str = "s3") -> Optional[str]:
    """The address of a service, if one was given."""
    url = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    return None if not url or url == NOWHERE else url


def prepare_environment() -> None:
    """Fills in what SDKs and engines of this process need, before the first of them looks.

    A server on this machine takes any credentials, so missing ones are made up for it. Without an endpoint, and
    without leave to call AWS, everything is pointed to nowhere.
    """
    url = endpoint()
    if url is None:
        if not allowed() and os.environ.get("AWS_ENDPOINT_URL") != NOWHERE:
            GlueLogger().warn("S3 and the catalog are out of reach: set AWS_ENDPOINT_URL to the server "
                              "(eval \"$(tenon env)\"), or TENON_ALLOW_AWS=true to call AWS itself")
            os.environ["AWS_ENDPOINT_URL"] = NOWHERE
            os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
        return
    if url.startswith("http://"):
        os.environ.setdefault("AWS_ALLOW_HTTP", "true")
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    os.environ.setdefault("AWS_REGION", os.environ["AWS_DEFAULT_REGION"])
    named = any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"))
    if not named and urlparse(url).hostname in ("127.0.0.1", "localhost", "::1"):
        os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"


def client(service: str) -> Any:
    """A boto3 client of a service. Refused without an endpoint, unless AWS may be called."""
    url = endpoint(service)
    if url is None and not allowed():
        raise GlueError(
            f"no endpoint for {service}: set AWS_ENDPOINT_URL to the server (eval \"$(tenon env)\"), "
            "or TENON_ALLOW_AWS=true to call AWS itself"
        )
    return _client(service, url)


@lru_cache(maxsize=16)
def _client(service: str, url: Optional[str]) -> Any:
    import boto3
    from botocore.config import Config

    prepare_environment()
    style = {"addressing_style": "path"} if url else None
    return boto3.client(service, endpoint_url=url, config=Config(s3=style, retries={"mode": "standard"}))


@dataclass(frozen=True)
class Object:
    """An object of S3, or a local file (`bucket` is empty and `key` its path)."""

    bucket: str
    key: str
    size: int
    etag: str
    modified: datetime
    storage_class: str = "STANDARD"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.key}" if self.bucket else self.key

    @property
    def engine_url(self) -> str:
        """Where it is, as engines that are to read it must be told: they take `*?[]{}` for patterns, and Sail `%20` for a
        space; otherwise they read nothing, or another file, without a word."""
        from awsglue import _engine

        url = engine_url(self.url)
        return re.sub(r"([*?\[\]{}\\])", r"\\\1", url) if _engine.is_spark() else url


def split(url: str) -> Tuple[str, str]:
    """Bucket and key of `s3://bucket/key` (`s3a`, `s3n` too)."""
    parsed = url.split("://", 1)
    if len(parsed) != 2 or parsed[0] not in ("s3", "s3a", "s3n"):
        raise DataError(f"{url!r} is not an address in S3: it must be s3://bucket/key")
    bucket, _, key = parsed[1].partition("/")
    if not bucket:
        raise DataError(f"{url!r} names no bucket")
    return bucket, key


def engine_url(url: str) -> str:
    """An address, or a local path, as the engine must be told: Sail takes URLs, Spark paths as they are."""
    from awsglue import _engine

    def written(path: str) -> str:
        return path if _engine.is_spark() else quote(path, safe="/")

    if is_s3(url):
        bucket, key = split(url)
        return f"s3://{bucket}/{written(key)}"
    return url if "://" in url else "file://" + written(os.path.abspath(url)) + ("/" if url.endswith("/") else "")


def is_s3(url: str) -> bool:
    """Says whether an address is one of S3; all others are local files."""
    return url.split("://", 1)[0] in ("s3", "s3a", "s3n") and "://" in url


def object_at(url: str) -> Optional[Object]:
    """The object with this very address; None when there is none, and for the address of a folder."""
    bucket, key = split(url)
    if not key or key.endswith("/"):
        return None
    # Of all keys that begin with it, it is the first.
    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return _object(bucket, found[0]) if found and found[0]["Key"] == key else None


def _object(bucket: str, entry: Dict[str, Any]) -> Object:
    return Object(bucket, entry["Key"], entry["Size"], entry["ETag"].strip('"'), entry["LastModified"],
                  entry.get("StorageClass", "STANDARD"))


def list_prefix(bucket: str, prefix: str, delimiter: str = "") -> Iterator[Object]:
    """All objects under a prefix, in order of their keys."""
    options = {"Bucket": bucket, "Prefix": prefix}
    if delimiter:
        options["Delimiter"] = delimiter
    for page in client("s3").get_paginator("list_objects_v2").paginate(**options):
        for entry in page.get("Contents", []):
            yield _object(bucket, entry)


def read_head(found: Object, limit: int) -> bytes:
    """The first bytes of an object."""
    if not found.bucket:
        with open(found.key, "rb") as file:
            return file.read(limit)
    if found.size == 0:
        return b""
    reply = client("s3").get_object(Bucket=found.bucket, Key=found.key, Range=f"bytes=0-{limit - 1}")
    return reply["Body"].read()


def delete(objects: List[Object]) -> List[Tuple[Object, str]]:
    """Deletes objects; returns those that could not be deleted, with the reason."""
    failed: List[Tuple[Object, str]] = []
    for start in range(0, len(objects), 1000):
        batch = objects[start : start + 1000]
        by_key = {found.key: found for found in batch}
        reply = client("s3").delete_objects(
            Bucket=batch[0].bucket, Delete={"Objects": [{"Key": key} for key in by_key], "Quiet": True}
        )
        failed += [(by_key[error["Key"]], error.get("Message", error["Code"])) for error in reply.get("Errors", [])]
    return failed
