"""Says of a script, without running it, which of its calls are supported, need Apache Spark, or are not supported.

    python -m awsglue._check SCRIPT.py [--json]

Names decide: what a variable holds is known only for contexts. A call that AWS's guide does not name is not judged.
The exit code is 1 when a call needs Spark or is not supported, 2 when the script is no Python.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import sys
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from awsglue._statements import refused
from awsglue._surface import entries
from tenon_pyspark.names import JVM_ONLY

_STREAMS = ("unsupported", "streaming jobs are not built")
# Attributes that are judged whatever they are asked of.
_ANYWHERE = {
    **dict.fromkeys(("_jvm", "_jdf", "_jsparkSession", "_ssql_ctx", "_glue_scala_context"), ("needs Spark", "")),
    "rdd": ("needs Spark", "use the DataFrame's own methods"), "_jsc": ("needs Spark", JVM_ONLY["_jsc"]),
    "newSession": ("needs Spark", "a script has one session"), "readStream": _STREAMS, "writeStream": _STREAMS,
    "approxQuantile": ("needs Spark", "use pyspark.sql.functions.percentile_approx"),
}
# What a GlueContext has once it is made, also of Spark's session and of `SQLContext`.
_OF_SESSION = set("""create_dynamic_frame create_data_frame write_dynamic_frame write_data_frame
    active builder cacheTable catalog clearCache client conf createDataFrame createExternalTable dropTempTable getConf
    getOrCreate profile range read registerDataFrameAsTable registerFunction registerJavaFunction setConf sparkContext sparkSession
    spark_session sql stop streams table tableNames tables udf udtf uncacheTable version addArtifact addArtifacts addTag clearTags
    copyFromLocalToFs dataSource getActiveSession getTags interruptAll interruptOperation interruptTag removeTag session_id tvf""".split())
_PACKAGES = ("awsglue", "awsgluedq", "awsglueml", "awsgluedi")


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
        """How a name of a module stands; None for those that AWS's guide does not name."""
        if module.startswith("awsgluedi"):
            return self.modules[("awsgluedi.transforms", "every name")]
        known = self.modules.get((module, name))
        if known is not None or name == "*":
            return known
        if not _is_module(module):
            return ("unsupported", f"there is no module {module}")
        has_it = hasattr(importlib.import_module(module), name) or _is_module(f"{module}.{name}")
        return None if has_it else ("unsupported", f"{module} has no such name")


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _PACKAGES


def check(text: Union[str, bytes], name: str = "script") -> List[Found]:
    """The calls of a script that can be judged, in the order of its lines. Bytes are decoded as Python does it: by their mark or
    by the encoding that they declare. Raises `SyntaxError`, and `RecursionError` where Python's parser gives up."""
    tree = ast.parse(text, name)
    names, contexts, modules = _Names(), _Contexts(tree), _modules(tree)
    found: Set[Found] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(_import(node, names))
        elif isinstance(node, ast.Attribute):
            found.update(_attribute(node, names, contexts, modules))
        elif isinstance(node, ast.Call):
            found.update(_statement(node))
    return sorted(found)


def _import(node: Union[ast.Import, ast.ImportFrom], names: _Names) -> Iterator[Found]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            if _is_ours(alias.name) and not _is_module(alias.name):
                yield Found(node.lineno, alias.name, "unsupported", f"there is no module {alias.name}")
        elif not node.level and _is_ours(node.module or ""):
            state = names.imported(node.module or "", alias.name)
            if state is not None:
                yield Found(node.lineno, f"{node.module}.{alias.name}", *state)


def _modules(tree: ast.AST) -> Dict[str, str]:
    """What the script calls our modules: `import awsglue.transforms as T`, `from awsglue import transforms`."""
    called: Dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            called.update({alias.asname or alias.name: alias.name for alias in node.names if _is_ours(alias.name)})
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            whole = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            called.update({name: module for name, module in whole.items() if _is_module(module)})
    return called


def _attribute(node: ast.Attribute, names: _Names, contexts: "_Contexts", modules: Dict[str, str]) -> Iterator[Found]:
    owner = ast.unparse(node.value)
    if owner in modules:
        state = names.imported(modules[owner], node.attr)
        if state is not None:
            yield Found(node.lineno, f"{owner}.{node.attr}", *state)
        return
    call = f"{owner if len(owner) <= 40 else '…'}.{node.attr}"
    if node.attr in _ANYWHERE:
        yield Found(node.lineno, call, *_ANYWHERE[node.attr])
    elif node.attr in JVM_ONLY and contexts.is_spark(node.value):
        yield Found(node.lineno, call, "needs Spark", JVM_ONLY[node.attr])
    elif node.attr in names.methods:
        yield Found(node.lineno, call, *names.methods[node.attr])
    elif owner in contexts.glue and not node.attr.startswith("_") and not _has(node.attr):
        yield Found(node.lineno, call, "unsupported", "GlueContext has no such method")


def _has(name: str) -> bool:
    from awsglue.context import GlueContext

    return name in _OF_SESSION or hasattr(GlueContext, name)


def _statement(node: ast.Call) -> Iterator[Found]:
    """A statement that is written out in a call of `sql`."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "sql" or not node.args:
        return
    text = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) and node.args[0].values else node.args[0]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        found = refused(text.value)
        if found is not None:
            yield Found(node.lineno, f"sql({found[0]})", "unsupported", found[1])


class _Contexts:
    """The names that hold a `SparkContext`, and those that hold a `GlueContext`."""

    def __init__(self, tree: ast.AST) -> None:
        self.spark, self.glue = {"sc"}, set()
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign):
                continue
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if _makes_context(node.value):
                self.spark |= targets
            elif isinstance(node.value, ast.Call) and ast.unparse(node.value.func).rpartition(".")[2] == "GlueContext":
                self.glue |= targets

    def is_spark(self, value: ast.AST) -> bool:
        """Whether an expression is a `SparkContext`."""
        return _makes_context(value) or (isinstance(value, ast.Name) and value.id in self.spark)


def _makes_context(value: ast.AST) -> bool:
    if isinstance(value, ast.Attribute):
        return value.attr == "sparkContext"
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    if isinstance(called, ast.Attribute) and called.attr == "getOrCreate":
        called = called.value
    return isinstance(called, ast.Name) and called.id == "SparkContext"


def main() -> int:
    """The command."""
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if len(paths) != 1:
        print("one script is expected", file=sys.stderr)
        return 2
    try:
        with open(paths[0], "rb") as file:
            found = check(file.read(), paths[0])
    except (RecursionError, MemoryError):
        print(f"{paths[0]}: an expression is nested too deeply for Python's parser", file=sys.stderr)
        return 2
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
