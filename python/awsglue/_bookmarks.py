"""Bookmarks: which objects earlier runs of a job have read.

The server keeps them, for each `transformation_ctx` the objects that were read, by address and ETag. A run loads them at
`Job.init`, leaves out what they name, and commits what it read itself at `Job.commit`, under the version that it loaded
and the fence that it was started with: a run that was overtaken, stopped or begun anew elsewhere is refused, never merged.

Runs that the server executes find its name for them in the environment (`TENON_RUN_ID`, `TENON_RUN_FENCE`); a script
that was started otherwise has no run to keep a bookmark for, and is refused before it reads anything.
`--job-bookmark-option job-bookmark-pause` reads what is new, or again what a range of runs has read, and commits nothing.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Protocol, Tuple

from awsglue._aws import Object
from awsglue._server import Refused, Unreachable, call
from awsglue.errors import BookmarkError

# Context -> address -> ETag.
State = Dict[str, Dict[str, str]]
# Context -> address -> the object as it was read.
Read = Dict[str, Dict[str, Object]]


class Loaded(NamedTuple):
    """What is known of earlier runs."""

    version: int
    # Whether `state` names what is to be read again, instead of what is to be left out.
    again: bool
    state: State


class Store(Protocol):
    """Where bookmarks are kept."""

    def load(self, job: str, between: Optional[Tuple[str, str]]) -> Loaded:
        """What runs of a job have read: all of them, or those after the first up to the second of `between`."""

    def commit(self, job: str, version: int, read: Read) -> int:
        """Adds what was read to the bookmark that has this version; its new one. Raises `BookmarkError`."""


class ServerStore:
    """Bookmarks kept by the server at `AWS_ENDPOINT_URL`, under `/_/scripts/bookmark/`; requests are signed as Glue's."""

    def load(self, job: str, between: Optional[Tuple[str, str]]) -> Loaded:
        """Asks the server."""
        given = {"JobName": job}
        if between is not None:
            given.update(From=between[0], To=between[1])
        document = self._call("load", job, given)
        return Loaded(int(document["Version"]), document["Again"], document["Contexts"])

    def commit(self, job: str, version: int, read: Read) -> int:
        """Tells the server."""
        run = current_run()
        if run is None:
            raise BookmarkError(NO_RUN)
        seen = {
            context: {
                item.url: {"Etag": item.etag, "Size": item.size, "ModifiedMs": int(item.modified.timestamp() * 1000)}
                for item in items.values()
            }
            for context, items in read.items()
        }
        document = self._call("commit", job, {
            "JobName": job, "RunId": run[0], "Fence": run[1], "Version": version, "Read": seen,
        })
        return int(document["Version"])

    def _call(self, action: str, job: str, body: Dict[str, Any]) -> Dict[str, Any]:
        try:
            return call(f"bookmark/{action}", body, f"the bookmark of job {job!r} is kept by the server", timeout=60)
        except Refused as error:
            raise _refused(job, error) from error
        except Unreachable as error:
            raise BookmarkError(f"{error} (or run without bookmarks: --job-bookmark-option job-bookmark-disable)") from error


NO_RUN = ("bookmarks belong to the runs of a job: start this one with StartJobRun (tenon job run), or run it with "
          "--job-bookmark-option job-bookmark-disable or job-bookmark-pause")


def current_run() -> Optional[Tuple[str, int]]:
    """Id and fence of the run that this process is, when the server has started it."""
    run, fence = os.environ.get("TENON_RUN_ID"), os.environ.get("TENON_RUN_FENCE")
    return (run, int(fence)) if run and fence else None


def _refused(job: str, error: Refused) -> BookmarkError:
    if error.code == "ConcurrentModificationException":
        return BookmarkError(f"another run of job {job!r} has committed its bookmark in the meantime: nothing is kept "
                             f"({error.message})")
    if error.code:
        return BookmarkError(f"the bookmark of job {job!r}: {error.message}")
    return BookmarkError(
        f"this server keeps no bookmarks for scripts (job {job!r}, HTTP {error.status}): nothing was read. Run with "
        "--job-bookmark-option job-bookmark-disable"
    )


class Bookmarks:
    """The bookmark of one run."""

    def __init__(self, store: Store, job: str, paused: bool = False,
                 between: Optional[Tuple[str, str]] = None) -> None:
        self.store = store
        self.job = job
        self.paused = paused
        self.version, self.again, self.state = store.load(job, between)
        self.read: Read = {}

    def unread(self, context: str, objects: List[Object]) -> List[Object]:
        """Those objects that no committed run has read in this context, or, of a range of runs, those that it has read.
        Without a context there is no bookmark."""
        if not context:
            return list(objects)
        known = self.state.get(context, {})
        return [item for item in objects if (known.get(item.url) == item.etag) == self.again]

    def mark(self, context: str, objects: List[Object]) -> None:
        """Notes that this run reads these objects in this context."""
        if context:
            self.read.setdefault(context, {}).update({item.url: item for item in objects})

    def commit(self) -> None:
        """Makes what was read known to the next run. A second commit adds what was read since the first."""
        if self.paused or not self.read:
            return
        self.version = self.store.commit(self.job, self.version, self.read)
        for context, items in self.read.items():
            self.state.setdefault(context, {}).update({item.url: item.etag for item in items.values()})
        self.read = {}
