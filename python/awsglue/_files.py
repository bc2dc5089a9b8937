"""Files opened and parsed record by record, in an engine's Python workers.

Used where the engine's own readers cannot keep what Glue keeps: JSON whose fields change their types from record to
record, CSV with escapes or without quotes, ORC, and text with codecs that engines lack (`_codecs`). Errors name the file, and
the line where there is one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from awsglue import _codecs, _types
from awsglue import gluetypes as g
from awsglue._nulls import batch_of
from awsglue._records import infer, pack, widen
from awsglue.errors import DataError, NotBuilt

_ROWS = 4096
_GAP = re.compile(r"[ \t\r\n,]*")


@dataclass(frozen=True)
class Options:
    """How files are read. `names` are those of the columns of CSV, whatever its header says.

    With `escapes_quotes` the escape character stands before quotes and itself only, as in OpenCSVSerde, and engines know
    it, too; without, it stands before any character, and `\\n` is a new line, as Glue's `escaper` has it. With `even`, rows
    of fewer values than columns are refused, as those of more are.
    """

    format: str
    header: bool = False
    skip_first: bool = False
    separator: str = ","
    quote: Optional[str] = '"'
    escape: Optional[str] = None
    escapes_quotes: bool = False
    json_path: str = ""
    names: Tuple[str, ...] = field(default=())
    encoding: str = "utf-8"
    even: bool = False


def open_bytes(url: str) -> Any:
    """The bytes of an object or local file, as a file that can be read forward."""
    from awsglue._aws import client, is_s3, split

    if not is_s3(url):
        return open(url[len("file://") :] if url.startswith("file://") else url, "rb")
    bucket, key = split(url)
    return io.BufferedReader(_Body(client("s3").get_object(Bucket=bucket, Key=key)["Body"]), 1 << 20)


class _Body(io.RawIOBase):
    """The body of a reply as a raw file."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_text(url: str, encoding: str = "utf-8") -> Any:
    """The text of a file, decompressed."""
    raw = io.BufferedReader(open_bytes(url), 1 << 20)
    return io.TextIOWrapper(_codecs.opened(url, raw), encoding=_bom_aware(encoding), newline="")


def _bom_aware(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def records(url: str, options: Options) -> Iterator[Dict[str, Any]]:
    """The records of one file."""
    if options.format == "json":
        return _json_records(url, options)
    if options.format == "csv":
        return _csv_records(url, options)
    return _orc_records(url)


def _json_records(url: str, options: Options) -> Iterator[Dict[str, Any]]:
    """JSON values one after the other, on lines of their own or not; arrays stand for their elements."""
    decode = json.JSONDecoder().raw_decode
    with open_text(url) as text:
        buffer, at, before, ended = "", 0, 0, False
        while True:
            at = _GAP.match(buffer, at).end()  # type: ignore[union-attr]
            try:
                if at < len(buffer):
                    value, end = decode(buffer, at)
                    # A value at the very end may go on in what was not read yet, as a number does.
                    if end < len(buffer) or ended:
                        yield from _elements(value, options.json_path, url)
                        at = end
                        continue
                elif ended:
                    return
            except json.JSONDecodeError as error:
                if ended:
                    raise DataError(f"{url}, line {before + error.lineno}: not JSON: {error.msg}") from error
            before += buffer.count("\n", 0, at)
            more = text.read(max(1 << 20, len(buffer) - at))
            ended = not more
            buffer, at = buffer[at:] + more, 0


def _elements(value: Any, path: str, url: str) -> Iterator[Dict[str, Any]]:
    for found in _at_path(value, path):
        for record in found if isinstance(found, list) else [found]:
            if not isinstance(record, dict):
                raise DataError(f"{url}: a record must be an object; it is {type(record).__name__}")
            yield record


def _at_path(value: Any, path: str) -> List[Any]:
    """What a jsonPath of names and `[*]` leads to."""
    found = [value]
    for step in _path_steps(path):
        if step == "[*]":
            found = [element for part in found if isinstance(part, list) for element in part]
        else:
            found = [part[step] for part in found if isinstance(part, dict) and part.get(step) is not None]
    return found


def _path_steps(path: str) -> List[str]:
    if path in ("", "$", "$[*]"):
        return []
    steps = [step for step in path.replace("[*]", ".[*]").split(".") if step]
    if steps[0] != "$" or any("[" in step and step != "[*]" for step in steps[1:]) or any("?" in step for step in steps):
        raise NotBuilt(f"the jsonPath {path!r}", "paths of names and [*] are: $.a.b[*]")
    return steps[1:]


def csv_reader(text: Any, options: Options, strict: bool = False) -> Any:
    """Python's reader with a format's options."""
    return csv.reader(text, delimiter=options.separator, quotechar=options.quote, escapechar=options.escape, strict=strict,
                      quoting=csv.QUOTE_NONE if options.quote is None else csv.QUOTE_MINIMAL)


def _csv_records(url: str, options: Options) -> Iterator[Dict[str, Any]]:
    with open_text(url, options.encoding) as text:
        lines = _with_marks(text, options.escape) if options.escape and not options.escapes_quotes else text
        reader = csv_reader(lines, options, strict=True)
        names: List[str] = list(options.names)
        try:
            for place, row in enumerate(row for row in reader if row):
                if place == 0 and options.header:
                    names = names or header_names(row)
                    continue
                if place == int(options.header) and options.skip_first:
                    continue
                names = names or [f"col{column}" for column in range(len(row))]
                if len(row) > len(names) or options.even and len(row) < len(names):
                    raise DataError(f"{url}, line {reader.line_num}: {len(row)} values for {len(names)} columns")
                yield dict(zip(names, [_unmarked(value) for value in row] + [None] * (len(names) - len(row))))
        except csv.Error as error:
            raise DataError(f"{url}, line {reader.line_num}: not CSV: {error}") from error


# What `\\n` and its like become while a record is taken apart: characters that no text holds.
_MARKS = {"n": "\ufdd0", "r": "\ufdd1", "t": "\ufdd2", "0": "\ufdd3"}
_MEANT = str.maketrans({"\ufdd0": "\n", "\ufdd1": "\r", "\ufdd2": "\t", "\ufdd3": "\0"})


def _with_marks(lines: Any, escape: str) -> Iterator[str]:
    pattern = re.compile(re.escape(escape) + "(.)", re.S)
    for line in lines:
        yield pattern.sub(lambda match: escape + _MARKS.get(match.group(1), match.group(1)), line)


def _unmarked(value: str) -> str:
    return value.translate(_MEANT)


def header_names(row: List[str]) -> List[str]:
    """Names from a header: one that is empty is `col` and its place, one that comes twice, in whatever case, is numbered."""
    names: Dict[str, str] = {}
    for place, name in enumerate(row):
        base = name.strip() or f"col{place}"
        unique, number = base, 1
        while unique.lower() in names:
            unique, number = f"{base}_{number}", number + 1
        names[unique.lower()] = unique
    return list(names.values())


def _orc_records(url: str) -> Iterator[Dict[str, Any]]:
    import pyarrow.orc as orc

    file = orc.ORCFile(io.BytesIO(open_bytes(url).read()))
    for stripe in range(file.nstripes):
        yield from file.read_stripe(stripe).to_pylist()


def inferring(options: Options, hint: Optional[g.StructType]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The types of files' records, as JSON; of files of one type in a batch the first, with its place among all."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            found: Dict[str, int] = {}
            for row in sorted(batch.to_pylist(), key=lambda row: row["place"]):
                kind: g.DataType = g.StructType()
                for record in records(row["url"], options):
                    kind = widen(kind, infer(record, hint))
                found.setdefault(json.dumps(kind.jsonValue()), row["place"])
            yield pa.RecordBatch.from_pydict({"place": pa.array(found.values(), pa.int64()), "kind": list(found)})

    return run


def parsing(options: Options, kind: g.StructType, added: g.StructType) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The records of files as physical rows; `added` are columns that the list of files carries for each file."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        schema = _types.arrow_schema(g.StructType(kind.fields + added.fields))
        rows: List[Dict[str, Any]] = []
        for batch in batches:
            for row in batch.to_pylist():
                extra = {name.name: row[f"p{place}"] for place, name in enumerate(added.fields)}
                for record in records(row["url"], options):
                    rows.append({**pack(record, kind), **extra})
                    if len(rows) == _ROWS:
                        yield batch_of(rows, schema)
                        rows = []
        yield batch_of(rows, schema)

    return run
