"""How delimited text is to be written, checked before anything is: files that nobody could read back are refused."""

from __future__ import annotations

from typing import Any, Dict

from awsglue.errors import DataError, NotBuilt

# Names that readers know, too.
_NAMED = {"\\t": "\t", "ctrla": "\x01"}


def checked(format_options: Dict[str, Any]) -> Dict[str, Any]:
    """The options with `separator` and `quoteChar` as single characters; `quoteChar` may be `-1`, for no quotes.

    Raises `DataError` for what is no single character of ASCII, a line break, or the same twice; `NotBuilt` for `escaper`.
    """
    separator = str(format_options.get("separator") or ",")
    separator = _NAMED.get(separator, separator)
    quote = str(format_options.get("quoteChar", '"'))
    _check("separator", separator)
    if quote != "-1":
        _check("quoteChar", quote, "; -1 stands for no quotes")
        if quote == separator:
            raise DataError(f"csv: separator and quoteChar are both {quote!r}: nobody could read the files back")
    if str(format_options.get("escaper", "none")).lower() not in ("none", ""):
        raise NotBuilt("writing csv with an escape character", "values that need it are quoted")
    return {**format_options, "separator": separator, "quoteChar": quote}


def _check(name: str, given: str, more: str = "") -> None:
    if len(given) != 1 or not given.isascii():
        raise DataError(f"csv: {name} must be one character of ASCII when writing; it is {given!r}{more}")
    if given in "\r\n\0":
        raise DataError(f"csv: {name} is {given!r}: nobody could read the files back")
    if name == "separator" and given == '"':
        raise DataError("csv: separator is the double quote: nobody could read the files back")
