"""Frames that the server makes from end to end: rows of a table of text, some of them, some of their columns, as files.

Beside its data frame such a frame keeps how it came about, and to write it is one call then: its rows never pass through
the script's engine, which would read every value as text first and ask for its type afterwards. The server reads as jobs and
queries do; where that could be another answer (a value that is not of its column's type, a record with a field too
many) it refuses before anything is written, and the engine does the work as ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Sequence, Tuple

from awsglue import _expression, _trace
from awsglue import gluetypes as g
from awsglue._aws import Object
from awsglue._lower import Lowering
from awsglue._trace import Untraceable
from awsglue._types import described

# Types whose texts the server reads as engines do, or refuses.
_TYPES = {"tinyint", "smallint", "int", "integer", "bigint", "float", "double", "string", "date"}


@dataclass(frozen=True)
class Straight:
    """How a frame comes about: objects of a table, and what was done with their rows. `kind` is what came of it."""

    database: str
    table: str
    objects: Tuple[Object, ...]
    kind: g.StructType
    steps: Tuple[Dict[str, Any], ...] = ()

    def where(self, node: _trace.Node) -> Optional["Straight"]:
        """The rows for which a traced predicate holds."""
        try:
            keep, _ = _ForServer(self.kind, _expression, _expression).kept(node)
        except Untraceable:
            return None
        return replace(self, steps=self.steps + ({"Where": keep.document},))

    def chosen(self, columns: Sequence[Tuple[str, str]]) -> "Straight":
        """Some columns: where each comes from, and what it is called."""
        kind = g.StructType([g.Field(name, self.kind.getField(old).dataType) for old, name in columns])
        return replace(self, kind=kind, steps=self.steps + ({"Select": [list(column) for column in columns]},))

    def rows(self) -> Dict[str, Any]:
        """What to ask the server for."""
        return {"Database": self.database, "Table": self.table, "Objects": {item.url: item.etag for item in self.objects},
                "Steps": list(self.steps), "Columns": described(self.kind)}


class _ForServer(Lowering):
    """Lowers to what the server evaluates."""

    def hopeless(self, comparison: str) -> None:
        raise Untraceable(f"{comparison} raises for every record")


def of_table(facts: Dict[str, Any], kind: g.StructType, objects: Sequence[Object]) -> Optional[Straight]:
    """The objects of a table of text, if the server and engines can read them in one way only, or the server refuses."""
    storage = facts["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    escapes = any("escape.delim" in place for place in (
        serde.get("Parameters", {}), storage.get("Parameters", {}), facts.get("Parameters", {})))
    declared = storage.get("Columns", []) + facts.get("PartitionKeys", [])
    plain = (serde.get("SerializationLibrary", "").endswith(".LazySimpleSerDe") and not escapes
             and all(column.get("Type", "string").lower() in _TYPES for column in declared))
    return Straight(facts["DatabaseName"], facts["Name"], tuple(objects), kind) if plain and objects else None
