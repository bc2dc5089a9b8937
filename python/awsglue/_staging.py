"""Folders for what the script and the server hand each other: frames as Parquet files.

They lie below the job's `--TempDir`, else in the bucket `aws-glue-assets-<account>-<region>`, which Glue's console makes
for such things, and which is made here when it is missing. They are removed when the script's process ends; one that
is killed leaves them.
"""

from __future__ import annotations

import atexit
import os
import sys
import uuid
from functools import lru_cache
from typing import Any, Dict, List, Tuple

from awsglue import gluetypes as g
from awsglue._aws import client, delete, engine_url, is_s3, list_prefix, split
from awsglue._logger import GlueLogger
from awsglue._types import described, parse
from awsglue.errors import DataError


def folder(purpose: str) -> str:
    """A folder in S3 that nobody else knows; it goes when the process ends."""
    from awsglue.utils import parse

    base = parse(sys.argv).get("TempDir") or f"s3://{_bucket()}/temporary"
    if not is_s3(base):
        raise DataError(f"--TempDir {base!r}: what the server is to read must lie in S3")
    made = f"{base.rstrip('/')}/{purpose}-{uuid.uuid4().hex}/"
    if not _made:
        atexit.register(clear)
    _made.append(made)
    return made


# The folders that are to go.
_made: List[str] = []


def clear() -> None:
    """Removes every folder, as the end of the process does."""
    while _made:
        if not remove(_made[0]):
            GlueLogger().warn(f"temporary folders are left: {', '.join(_made)}")
            _made.clear()


def remove(made: str) -> bool:
    """Removes a folder whose files nobody needs any more; says whether it could."""
    try:
        left = delete(list(list_prefix(*split(made))))
    except Exception as error:  # the process ends, and must end as the script did
        GlueLogger().warn(f"temporary files are left at {made}: {error}")
        return False
    if left:
        GlueLogger().warn(f"temporary files are left at {made}: {left[0][1]}")
    if made in _made:
        _made.remove(made)
    return True


@lru_cache(maxsize=1)
def _bucket() -> str:
    """The bucket for temporary files; made when it is missing."""
    account = client("sts").get_caller_identity()["Account"]
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    name = f"aws-glue-assets-{account}-{region}"
    s3 = client("s3")
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=name, **place)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        pass
    return name


def staged(frame: Any, purpose: str) -> Tuple[Dict[str, Any], g.StructType]:
    """A frame as files that the server reads: where they are and what is in them, and their schema."""
    from awsglue._write import prepared

    frame.assertErrorThreshold()
    frame._settle()
    if not frame._kind.fields:
        if frame._df.count():
            raise DataError("the frame's records have no fields: there is nothing to hand over")
        return {"Folder": folder(purpose), "Columns": []}, frame._kind
    df, kind = prepared(frame, "parquet", [])
    return put(df, kind, purpose), kind


def put(df: Any, kind: g.StructType, purpose: str) -> Dict[str, Any]:
    """A data frame as files that the server reads: where they are, and what is in them."""
    place = folder(purpose)
    df.write.mode("append").option("compression", "snappy").parquet(engine_url(place))
    return {"Folder": place, "Columns": described(kind)}


def served(path: str, asked: Dict[str, Any], purpose: str, why: str) -> Tuple[Any, g.StructType, Dict[str, Any]]:
    """What the server reads for the script: the frame, its schema, and the server's answer."""
    from awsglue import _server

    asked["Folder"] = folder(purpose)
    answer = _server.ask(path, asked, why)
    kind = g.StructType([g.Field(c["Name"], parse(c["Type"])) for c in answer["Columns"]])
    df, found = read_back(asked["Folder"], kind)
    return df, found, answer


def read_back(place: str, expected: g.StructType) -> Tuple[Any, g.StructType]:
    """The files that the server has written; without any, a frame of `expected` without records."""
    from awsglue import _engine
    from awsglue._files import Options
    from awsglue._listing import under
    from awsglue._read import Part, read
    from awsglue._types import to_spark

    objects = under(place)
    if not objects:
        return _engine.session().createDataFrame([], to_spark(expected)), expected
    got = read([Part(tuple(objects))], Options("parquet"), g.StructType())
    return got.df, got.kind
