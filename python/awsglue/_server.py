"""What AWS's interfaces have not: calls to the server at `AWS_ENDPOINT_URL` under `/_/scripts/`, signed as Glue's."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any, Dict, Optional

from awsglue._aws import endpoint, prepare_environment
from awsglue.errors import DataError, GlueError


class Refused(GlueError):
    """The server has refused a call, or has no such call (`code` is empty then)."""

    def __init__(self, code: str, message: str, status: int) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(message)


class Unreachable(GlueError):
    """No server answers."""


def ask(path: str, body: Dict[str, Any], purpose: str) -> Dict[str, Any]:
    """As `call`, of what only our server does: what it refuses is an error of the data, an answer of another server says that it does not."""
    try:
        return call(path, body, purpose)
    except Refused as error:
        if error.code:
            raise DataError(error.message) from error
        raise GlueError(f"{purpose}, and this one does not (HTTP {error.status})") from error


def call(path: str, body: Dict[str, Any], purpose: str, timeout: Optional[float] = None) -> Dict[str, Any]:
    """Posts a document and returns the answer; `purpose` says in errors what it is needed for.

    Raises `Refused` and `Unreachable`. Without a timeout it waits as long as the server is there.
    """
    base = endpoint("glue")
    if base is None:
        raise Unreachable(f"{purpose}: set AWS_ENDPOINT_URL to the server (eval \"$(tenon env)\")")
    url = f"{base.rstrip('/')}/_/scripts/{path}"
    try:
        with urllib.request.urlopen(_signed(url, json.dumps(body).encode(), purpose), timeout=timeout) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Unreachable(f"{purpose}: the server cannot be reached at {base}: {error}") from error


def _signed(url: str, body: bytes, purpose: str) -> urllib.request.Request:
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    prepare_environment()
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise Unreachable(f"{purpose}: the server wants AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    SigV4Auth(credentials.get_frozen_credentials(), "glue", region).add_auth(request)
    return urllib.request.Request(url, method="POST", data=body, headers=dict(request.headers.items()))


def _refused(error: urllib.error.HTTPError) -> Refused:
    said = error.read()[:8000].decode("utf-8", "replace")
    try:
        document = json.loads(said)
        return Refused(str(document["__type"]), str(document["message"]), error.code)
    except (ValueError, KeyError, TypeError):
        return Refused("", said, error.code)
