"""Error records: what failed in which step, how many may fail.

A step that drops a record because the script's function raised keeps it here, as a lazy data frame of error records.
Counting them runs the engine; it happens when a script asks, or when a threshold is set and an action is due.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, List, Optional, Tuple

from awsglue.errors import ErrorThresholdExceeded


@dataclass
class Stage:
    """One step of a frame's history. `records` makes the data frame (`msg`, `dynamicRecord`), or is None."""

    name: str
    info: str = ""
    stage_threshold: int = 0
    total_threshold: int = 0
    site: str = ""
    records: Optional[Callable[[], Any]] = None
    _count: Optional[int] = field(default=None, repr=False)

    def count(self) -> int:
        """How many records failed in this step."""
        if self._count is None:
            self._count = self.records().count() if self.records is not None else 0
        return self._count


History = Tuple[Stage, ...]


def call_site() -> str:
    """Where the script called the library: file and line."""
    for frame in reversed(traceback.extract_stack()):
        if "/awsglue/" not in frame.filename and "/tenon_pyspark/" not in frame.filename:
            return f"{frame.filename}:{frame.lineno}"
    return ""


def total(history: History) -> int:
    """How many records failed in all steps."""
    return sum(stage.count() for stage in history)


def check(history: History) -> None:
    """Raises when a step has more errors than its thresholds allow. A threshold of 0 allows any number."""
    so_far: List[Stage] = []
    for stage in history:
        so_far.append(stage)
        if stage.stage_threshold and stage.count() > stage.stage_threshold:
            raise ErrorThresholdExceeded(
                f"{stage.name} ({stage.site}): {stage.count()} records failed, {stage.stage_threshold} may"
            )
        if stage.total_threshold and total(tuple(so_far)) > stage.total_threshold:
            raise ErrorThresholdExceeded(
                f"up to {stage.name} ({stage.site}): {total(tuple(so_far))} records failed, {stage.total_threshold} may"
            )
