"""Says of a script, without running it, which of its calls are supported, need Apache Spark, or are not supported.

    python -m awsglue._check SCRIPT.py [--json]

Names decide: what a variable holds is known only for contexts. A call that AWS's guide does not name is not judged.
The exit code is 1 when a call needs Spark or is not supported, 2 when the script is no Python.
"""

from __future__ import annotations

import ast
import json
import sys
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from awsglue._surface import entries
from tenon_pyspark.names import JVM_ONLY

# Attributes that reach into the JVM whatever they are asked of.
_ANYWHERE = {"rdd": "use the DataFrame's own methods", "_jvm": "", "_jsc": JVM_ONLY["_jsc"], "_jdf": ""}


class Found(NamedTuple):
    """A call in a script."""

    line: int
    call: str
    state: str
    note: str


class _Names:
    """How AWS's names stand. A name that several classes have counts as supported when one of them has it."""

    def __init__(self) -> None:
        self.methods: Dict[str, Tuple[str, str]] = {}
        self.modules: Dict[Tuple[str, str], Tuple[str, str]] = {}
        for entry in entries():
            if entry.place.startswith("awsglue"):
                self.modules[entry.place, entry.name] = (entry.status, entry.note)
            elif self.methods.get(entry.name, ("", ""))[0] != "supported":
                self.methods[entry.name] = (entry.status, entry.note)

    def imported(self, module: str, name: str) -> Optional[Tuple[str, str]]:
        if module.startswith("awsgluedi"):
            return self.modules[("awsgluedi.transforms", "every name")]
        return self.modules.get((module, name))


def check(text: str, name: str = "script") -> List[Found]:
    """The calls of a script that can be judged, in the order of its lines. Raises `SyntaxError`."""
    tree = ast.parse(text, name)
    names, contexts = _Names(), _contexts(tree)
    found: Set[Found] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("awsglue"):
            for alias in node.names:
                state = names.imported(node.module or "", alias.name)
                if state is not None:
                    found.add(Found(node.lineno, f"{node.module}.{alias.name}", *state))
        elif isinstance(node, ast.Attribute):
            found.update(_attribute(node, names, contexts))
    return sorted(found)


def _attribute(node: ast.Attribute, names: _Names, contexts: Set[str]) -> Iterator[Found]:
    owner = ast.unparse(node.value)
    if len(owner) > 40:
        owner = "…"
    call = f"{owner}.{node.attr}"
    if node.attr in _ANYWHERE:
        yield Found(node.lineno, call, "needs Spark", _ANYWHERE[node.attr])
    elif node.attr in JVM_ONLY and _is_context(node.value, contexts):
        yield Found(node.lineno, call, "needs Spark", JVM_ONLY[node.attr])
    elif node.attr in names.methods:
        yield Found(node.lineno, call, *names.methods[node.attr])


def _contexts(tree: ast.AST) -> Set[str]:
    """The names that hold a `SparkContext`."""
    made = {"sc"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _makes_context(node.value):
            made.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return made


def _makes_context(value: ast.AST) -> bool:
    if isinstance(value, ast.Attribute):
        return value.attr == "sparkContext"
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    if isinstance(called, ast.Attribute) and called.attr == "getOrCreate":
        called = called.value
    return isinstance(called, ast.Name) and called.id == "SparkContext"


def _is_context(value: ast.AST, contexts: Set[str]) -> bool:
    return _makes_context(value) or (isinstance(value, ast.Name) and value.id in contexts)


def main() -> int:
    """The command."""
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if len(paths) != 1:
        print("one script is expected", file=sys.stderr)
        return 2
    try:
        with open(paths[0], encoding="utf-8") as file:
            found = check(file.read(), paths[0])
    except (OSError, SyntaxError, ValueError) as error:
        print(f"{paths[0]}: {error}", file=sys.stderr)
        return 2
    if "--json" in sys.argv:
        print(json.dumps([entry._asdict() for entry in found], indent=2))
    else:
        for line, call, state, note in found:
            print(f"{paths[0]}:{line}: {call}: {state}" + (f" ({note})" if note else ""))
    return 1 if any(entry.state != "supported" for entry in found) else 0


if __name__ == "__main__":
    sys.exit(main())
