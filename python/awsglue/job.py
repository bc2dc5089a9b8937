"""`Job`: the run that a script is, and its bookmark."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Dict, Optional, Tuple

from awsglue._bookmarks import NO_RUN, Bookmarks, ServerStore, current_run
from awsglue.errors import BookmarkError, GlueError
from awsglue.utils import parse

__all__ = ["Job"]


class Job:
    """The run of a job. `init` before the first read, `commit` after the last write."""

    _current: ClassVar[Optional["Job"]] = None

    def __init__(self, glue_context: Any) -> None:
        self.glue_context = glue_context
        self.name: Optional[str] = None
        self.bookmarks: Optional[Bookmarks] = None

    def init(self, job_name: str, args: Optional[Dict[str, Any]] = None) -> None:
        """Begins the run. With bookmarks enabled, loads that of the job.

        Raises:
            BookmarkError: bookmarks are enabled and this is no run of the server's, or the server cannot keep them.
        """
        given = {**parse(sys.argv), **{str(key): value for key, value in (args or {}).items() if value is not None}}
        option = given.get("job_bookmark_option") or given.get("job-bookmark-option") or "job-bookmark-disable"
        if "job-bookmark-option" in parse(sys.argv):
            option = parse(sys.argv)["job-bookmark-option"]
        self.name = job_name
        if option in ("job-bookmark-enable", "job-bookmark-pause"):
            if not job_name:
                raise GlueError("Job.init: bookmarks need the name of the job")
            paused = option.endswith("pause")
            if not paused and current_run() is None:
                raise BookmarkError(NO_RUN)
            _check_name(job_name)
            self.bookmarks = Bookmarks(ServerStore(), job_name, paused, _range(given))
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


def _check_name(job_name: str) -> None:
    """Refuses another name than that of the job whose run this process is: bookmarks are kept by job, with its runs."""
    own = parse(sys.argv).get("JOB_NAME")
    if current_run() is not None and own and own != job_name:
        raise BookmarkError(f"Job.init was given the name {job_name!r}, and this is a run of the job {own!r}: bookmarks are kept "
                            f'by job. Call job.init(args["JOB_NAME"], args), or run with '
                            "--job-bookmark-option job-bookmark-disable")


def _range(given: Dict[str, Any]) -> Optional[Tuple[str, str]]:
    """The runs of `--job-bookmark-from` and `--job-bookmark-to`, which come together or not at all."""
    first, last = (given.get(f"job-bookmark-{end}") or given.get(f"job_bookmark_{end}") for end in ("from", "to"))
    if bool(first) != bool(last):
        raise GlueError("--job-bookmark-from and --job-bookmark-to must be given together")
    return (first, last) if first and last else None
