"""Tables of delimited text in `spark.sql` and `spark.table`.

Sail takes its tables from the Data Catalog, and refuses those of delimited text. So a statement is looked through for
such tables before it goes there: each becomes a temporary view of what `create_data_frame.from_catalog` reads, and the
statement reads the view under the table's own name. Other tables, and statements that do not read one, go to the engine
as they are. Names must be written with their database (`shop.orders`). Where a partition's key is null, Sail takes the name of
its folder for a value; such tables become views, too.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

# Texts, comments, quoted names, words, and single characters.
_TOKENS = re.compile(
    r"""(?P<skip>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|--[^\n]*|/\*.*?\*/|\s+)"""
    r"""|(?P<name>`(?:[^`]|``)*`|[A-Za-z_][A-Za-z0-9_]*)|(?P<other>.)""", re.S)

_PREFIX = "__tenon_"
_SHOWS_TABLES = re.compile(r"\s*show\s+tables\b", re.I)

# Words that may follow a table and are no alias of it.
_CLAUSES = {
    "where", "group", "order", "having", "limit", "offset", "union", "intersect", "except", "minus", "join", "inner",
    "left", "right", "full", "cross", "outer", "semi", "anti", "natural", "on", "using", "lateral", "tablesample", "window",
    "pivot", "unpivot", "sort", "cluster", "distribute", "qualify", "for", "when", "select", "from",
}
_ENDS_FROM = {"where", "group", "order", "having", "limit", "union", "intersect", "except", "minus", "select", "window",
              "lateral", "sort", "cluster", "distribute", "qualify"}


def names_in(text: str) -> List[str]:
    """The names and words of a statement or a part of one, in their order."""
    names = [match.group() for match in _TOKENS.finditer(text) if match.lastgroup == "name"]
    return [name[1:-1].replace("``", "`") if name.startswith("`") else name for name in names]


def extend(session: Any, views: Any) -> None:
    """Lets `session.sql` and `session.table` read what `views` makes views of: (database, table) -> name or None."""
    from awsglue import _engine, _statements

    sql, table = session.sql, session.table

    def run(sqlQuery: str, *arguments: Any, **options: Any) -> Any:
        asked = rewritten(sqlQuery, views)
        if _engine.is_spark():
            df = sql(asked, *arguments, **options)
        else:
            df = _statements.run(session, sql, asked, *arguments, **options)
        # The views stay, because frames look them up again when they are executed; nobody needs to see them.
        return df.filter(f"not startswith(tableName, '{_PREFIX}')") if _SHOWS_TABLES.match(sqlQuery) else df

    def read(tableName: str) -> Any:
        parts = re.findall(r"`((?:[^`]|``)*)`|([^.`]+)", tableName)
        names = [quoted.replace("``", "`") or plain for quoted, plain in parts]
        view = views(names[0], names[1]) if len(names) == 2 else None
        return table(view or tableName)

    session.sql, session.table = run, read


def rewritten(statement: str, views: Any) -> str:
    """The statement with a view for every table that `views` has one for."""
    tokens = [(match.lastgroup, match.group()) for match in _TOKENS.finditer(statement)]
    out: List[str] = []
    is_from = [False]
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        word = text.lower() if kind == "name" else text
        if word in ("from", "join"):
            is_from[-1] = True
        elif word in _ENDS_FROM:
            is_from[-1] = False
        elif text == "(":
            is_from.append(is_from[-1] and _previous(tokens, at) in ("from", "join", ",", "("))
        elif text == ")" and len(is_from) > 1:
            is_from.pop()
        pair = _pair(tokens, at) if kind == "name" else None
        if pair is None:
            out.append(text)
            at += 1
            continue
        database, name, after = pair
        is_table = is_from[-1] and _previous(tokens, at) in ("from", "join", ",", "(")
        is_owner = _significant(tokens, after) == "."
        # What is written to, described or dropped is not read.
        view = views(database, name) if is_table or is_owner else None
        if view is None:
            out.append("".join(part for _, part in tokens[at:after]))
        elif is_table:
            out.append(f"`{view}`" if _has_alias(tokens, after) else f"`{view}` AS `{name}`")
        else:
            out.append(f"`{name}`")
        at = after
    return "".join(out)


def _pair(tokens: List[Tuple[Optional[str], str]], at: int) -> Optional[Tuple[str, str, int]]:
    """Database and table of `a.b` that begins here, and where it ends; nothing in the middle of a longer name."""
    if _previous(tokens, at) == "." or at + 2 >= len(tokens):
        return None
    if tokens[at + 1][1] != "." or tokens[at + 2][0] != "name":
        return None
    return _plain(tokens[at][1]), _plain(tokens[at + 2][1]), at + 3


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _previous(tokens: List[Tuple[Optional[str], str]], at: int) -> str:
    for kind, text in reversed(tokens[:at]):
        if kind != "skip":
            return text.lower()
    return ""


def _significant(tokens: List[Tuple[Optional[str], str]], at: int) -> str:
    for kind, text in tokens[at:]:
        if kind != "skip":
            return text
    return ""


def _has_alias(tokens: List[Tuple[Optional[str], str]], at: int) -> bool:
    for kind, text in tokens[at:]:
        if kind != "skip":
            return kind == "name" and text.lower() not in _CLAUSES
    return False


class CatalogViews:
    """Makes the views. A table is read anew for every statement, as its files may have changed."""

    def __init__(self, session: Any, has_catalog: bool = True) -> None:
        self.session = session
        # Whether the engine takes tables from the Data Catalog.
        self.has_catalog = has_catalog
        # The session's own, which knows no views.
        self.table = session.table

    def __call__(self, database: str, name: str) -> Optional[str]:
        """The view of a table that the engine does not read itself; None for others."""
        from awsglue import _aws
        from awsglue._catalog import is_for_engines, is_one_object

        if _aws.endpoint("glue") is None and not _aws.allowed():
            return None
        facts = self._facts(database, name)
        if not facts:
            return None
        is_engines = self.has_catalog and is_for_engines(facts) and not is_one_object(facts)
        df = self._with_nulls(facts) if is_engines else self._read(facts)
        if df is None:
            return None
        view = f"{_PREFIX}{facts['DatabaseName']}_{facts['Name']}"
        df.createOrReplaceTempView(view)
        return view

    def _read(self, facts: Dict[str, Any]) -> Any:
        """A table that the engine does not read."""
        from awsglue._catalog import from_catalog
        from awsglue._jdbc import Reading
        from awsglue._open import settle

        got = from_catalog(facts["DatabaseName"], facts["Name"], "", {}, None, lambda items: items, Reading(None, ""))
        return settle(got.df, got.kind, got.open_columns)[0] if got.open_columns else got.df

    def _with_nulls(self, facts: Dict[str, Any]) -> Any:
        """A table that the engine reads, but for keys of partitions that are null; None when there are none."""
        from pyspark.sql import functions as F

        from awsglue._catalog import NULL_KEY, has_null_keys, served
        from awsglue._columns import col, quoted

        if not has_null_keys(facts):
            return None
        if any(key.get("Type", "string").lower() != "string" for key in facts["PartitionKeys"]):
            return served(facts, None).df  # the engine takes the folder's name for a number
        df = self.table(f"{quoted(facts['DatabaseName'])}.{quoted(facts['Name'])}")
        keys = {key["Name"].lower() for key in facts["PartitionKeys"]}
        return df.select(*[F.when(col(name) != F.lit(NULL_KEY), col(name)).alias(name) if name.lower() in keys else col(name)
                           for name in df.columns])

    def _facts(self, database: str, name: str) -> Dict[str, Any]:
        from awsglue._aws import client

        glue = client("glue")
        try:
            return glue.get_table(DatabaseName=database.lower(), Name=name.lower())["Table"]
        except (glue.exceptions.EntityNotFoundException, glue.exceptions.InvalidInputException):
            return {}
