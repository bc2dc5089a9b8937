"""`Job`: the run that a script is, and its bookmark."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Dict, Optional

from awsglue._bookmarks import Bookmarks, ServerStore
from awsglue._support import partly
from awsglue.errors import GlueError
from awsglue.utils import parse


class Job:
    """The run of a job. `init` before the first read, `commit` after the last write."""

    _current: ClassVar[Optional["Job"]] = None

    def __init__(self, glue_context: Any) -> None:
        self.glue_context = glue_context
        self.name: Optional[str] = None
        self.bookmarks: Optional[Bookmarks] = None

    @partly("bookmarks are refused as long as the server does not keep them for scripts")
    def init(self, job_name: str, args: Optional[Dict[str, Any]] = None) -> None:
        """Begins the run. With bookmarks enabled, loads that of the job.

        Raises:
            BookmarkError: bookmarks are enabled and the server cannot keep them.
        """
        given = {**parse(sys.argv), **{str(key): value for key, value in (args or {}).items() if value is not None}}
        option = given.get("job_bookmark_option") or given.get("job-bookmark-option") or "job-bookmark-disable"
        if "job-bookmark-option" in parse(sys.argv):
            option = parse(sys.argv)["job-bookmark-option"]
        self.name = job_name
        if option in ("job-bookmark-enable", "job-bookmark-pause"):
            if not job_name:
                raise GlueError("Job.init: bookmarks need the name of the job")
            self.bookmarks = Bookmarks(ServerStore(), job_name, given.get("JOB_RUN_ID"), option.endswith("pause"))
        elif option != "job-bookmark-disable":
            raise GlueError(f"--job-bookmark-option {option!r} is not known")
        self.glue_context._bookmarks = self.bookmarks
        Job._current = self

    @classmethod
    def isInitialized(cls) -> bool:
        """Says whether `init` was called."""
        return cls._current is not None

    @classmethod
    def reset(cls) -> None:
        """Forgets the run; its bookmark stays as it was."""
        if cls._current is not None:
            cls._current.glue_context._bookmarks = None
            cls._current = None

    def commit(self) -> None:
        """Makes the bookmark of this run that of the job. Without bookmarks there is nothing to keep."""
        if self.name is None:
            raise GlueError("Job.commit: Job.init was not called")
        if self.bookmarks is not None:
            self.bookmarks.commit()
