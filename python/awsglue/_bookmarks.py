"""Bookmarks: which objects earlier runs of a job have read.

The state of a job is kept by the server, one document per job: for each `transformation_ctx` the objects that were
read, by address and ETag. A run loads it at `Job.init`, leaves out what it names, and commits what it read itself at
`Job.commit`, under the version that it loaded: a run that was overtaken by another one is refused, never merged.

The server's side is this interface under `/_/scripts/bookmarks/`; a server that lacks it answers 404, and the run fails
before it reads anything. `--job-bookmark-option job-bookmark-pause` reads what is new and commits nothing.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional, Protocol

from awsglue._aws import Object, endpoint
from awsglue.errors import BookmarkError

# Context -> address -> ETag.
State = Dict[str, Dict[str, str]]


class Store(Protocol):
    """Where bookmarks are kept."""

    def load(self, job: str) -> "tuple[int, State]":
        """The version and state of a job; version 0 and nothing when it has none."""

    def commit(self, job: str, run: Optional[str], version: int, state: State) -> None:
        """Replaces the state that has this version, or raises `BookmarkError`."""


class ServerStore:
    """Bookmarks kept by the server at `AWS_ENDPOINT_URL`.

    `GET /_/scripts/bookmarks/{job}` gives `{"Version": n, "Contexts": {…}}`;
    `PUT` with `{"Version": n, "RunId": …, "Contexts": {…}}` answers 409 when the version is no longer the current one.
    """

    def load(self, job: str) -> "tuple[int, State]":
        """Asks the server."""
        document = self._call("GET", job, None)
        return int(document["Version"]), document["Contexts"]

    def commit(self, job: str, run: Optional[str], version: int, state: State) -> None:
        """Tells the server."""
        self._call("PUT", job, {"Version": version, "RunId": run, "Contexts": state})

    def _call(self, method: str, job: str, body: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        base = endpoint("glue")
        if base is None:
            raise BookmarkError("bookmarks are kept by the server: set AWS_ENDPOINT_URL, or run without them "
                                "(--job-bookmark-option job-bookmark-disable)")
        request = urllib.request.Request(
            f"{base.rstrip('/')}/_/scripts/bookmarks/{urllib.parse.quote(job, safe='')}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise _refused(job, error) from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise BookmarkError(f"the bookmark of job {job!r} cannot be reached at {base}: {error}") from error


def _refused(job: str, error: urllib.error.HTTPError) -> BookmarkError:
    if error.code in (404, 405, 501):
        return BookmarkError(
            f"this server keeps no bookmarks for scripts (job {job!r}): nothing was read. Run with "
            "--job-bookmark-option job-bookmark-disable, or make it a visual job"
        )
    if error.code == 409:
        return BookmarkError(f"another run of job {job!r} has committed its bookmark in the meantime: nothing is kept")
    return BookmarkError(f"the bookmark of job {job!r}: HTTP {error.code}: {error.read()[:500].decode('utf-8', 'replace')}")


class Bookmarks:
    """The bookmark of one run."""

    def __init__(self, store: Store, job: str, run: Optional[str], paused: bool = False) -> None:
        self.store = store
        self.job = job
        self.run = run
        self.paused = paused
        self.version, self.state = store.load(job)
        self.read: State = {}

    def unread(self, context: str, objects: List[Object]) -> List[Object]:
        """Those objects that no committed run has read in this context. Without a context there is no bookmark."""
        known = self.state.get(context, {}) if context else {}
        return [item for item in objects if known.get(item.url) != item.etag]

    def mark(self, context: str, objects: List[Object]) -> None:
        """Notes that this run reads these objects in this context."""
        if context:
            self.read.setdefault(context, {}).update({item.url: item.etag for item in objects})

    def commit(self) -> None:
        """Makes what was read known to the next run. A second commit adds what was read since the first."""
        if self.paused or not self.read:
            return
        merged = {context: dict(known) for context, known in self.state.items()}
        for context, items in self.read.items():
            merged.setdefault(context, {}).update(items)
        self.store.commit(self.job, self.run, self.version, merged)
        self.version, self.state, self.read = self.version + 1, merged, {}
