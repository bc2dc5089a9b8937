"""Records printed as JSON."""

from __future__ import annotations

import base64
import json
from typing import Any, Iterator

from awsglue._records import record


def lines(frame: Any, count: int) -> Iterator[str]:
    """Up to `count` records of a settled frame, as JSON. Fields that are null are left out."""
    for row in frame._df.limit(count).collect():
        found = record(row.asDict(recursive=True), frame._kind)
        yield json.dumps({name: value for name, value in found.items() if value is not None}, default=_text)


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray)) else str(value)
