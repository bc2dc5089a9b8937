"""`unbox`: a text field that holds JSON or CSV, parsed. A text that cannot be parsed makes an error record."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Dict, List

from awsglue import gluetypes as g
from awsglue._columns import at
from awsglue._paths import Path, parse_in
from awsglue._stages import Stage
from awsglue.errors import DataError, NotBuilt

_CSV_OPTIONS = {"separator", "escaper", "quoteChar", "withHeader", "skipFirst", "withSchema"}


def unbox(frame: Any, path: str, format: str, options: Dict[str, Any], stage: Stage) -> Any:
    """The frame with the field at `path` as what its texts hold."""
    from awsglue._functions import map_records

    frame._settle()
    place = parse_in(path, frame._kind)
    found = at(place, frame._kind)
    if found is None or not isinstance(found[1], g.StringType):
        raise DataError(f"unbox: there is no text field {path!r}")
    known = _CSV_OPTIONS if format == "csv" else {"withSchema", "multiline"}
    unknown = sorted(set(options) - known)
    if format not in ("csv", "json"):
        raise NotBuilt(f"unbox of the format {format!r}", "use map, with a parser of your own")
    if unknown or options.get("withSchema"):
        raise NotBuilt(f"unbox with the options {unknown or ['withSchema']}", "use resolveChoice or apply_mapping after it")
    return map_records(frame, _Unboxed(place, format, options), stage)


class _Unboxed:
    """Parses one field of a record."""

    def __init__(self, path: Path, format: str, options: Dict[str, Any]) -> None:
        self.path = path
        self.format = format
        self.options = options

    def __call__(self, record: Any) -> Any:
        place = record
        for step in self.path[:-1]:
            if place.get(step) is None:
                return record
            place = place[step]
        text = place.get(self.path[-1])
        if text is not None:
            place[self.path[-1]] = json.loads(text) if self.format == "json" else self.parsed_csv(text)
        return record

    def parsed_csv(self, text: str) -> Dict[str, str]:
        """The first record of a CSV text."""
        escaper = self.options.get("escaper")
        rows: List[List[str]] = list(csv.reader(
            io.StringIO(text), delimiter=self.options.get("separator", ","),
            quotechar=self.options.get("quoteChar", '"'), escapechar=None if escaper in (None, "none") else escaper))
        header = rows.pop(0) if self.options.get("withHeader") else None
        if self.options.get("skipFirst"):
            rows.pop(0)
        if len(rows) != 1:
            raise ValueError(f"the text holds {len(rows)} records, not one")
        names = header or [f"col{place}" for place in range(len(rows[0]))]
        if len(names) != len(rows[0]):
            raise ValueError(f"the header has {len(names)} names, the record {len(rows[0])} values")
        return dict(zip(names, rows[0]))
