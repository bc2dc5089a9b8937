"""Offers the modules of classic PySpark that scripts import and `pyspark-client` lacks.

Scripts written for AWS Glue begin with `from pyspark.context import SparkContext`. The Spark Connect client has no
such module, so `install()` puts one finder at the *end* of `sys.meta_path`: Python asks it only when nobody else has
the module. A real PySpark therefore always wins, no file of it is replaced, and uninstalling leaves nothing behind.

`install()` runs from `tenon_pyspark.pth` when Python starts, and again when `awsglue` is imported, for
whoever puts this folder on `PYTHONPATH`, where Python reads no `.pth` files. It imports nothing of PySpark.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Optional, Sequence

# What is offered, and by which module here.
MODULES = {
    "pyspark.context": "tenon_pyspark.context",
    "pyspark.rdd": "tenon_pyspark.rdd",
}


class _Alias(importlib.abc.Loader):
    """Loads `pyspark.x` as the module here, so that both names are one module."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(self.target)

    def exec_module(self, module: ModuleType) -> None:
        """The module was executed when it was imported under its own name."""


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of `MODULES`, once every other finder has said no."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname not in MODULES:
            return None
        return importlib.machinery.ModuleSpec(fullname, _Alias(MODULES[fullname]))


class _Complete(importlib.abc.Loader):
    """Runs PySpark's own `__init__`, then adds the names of `tenon_pyspark.names` that it lacks."""

    def __init__(self, real: importlib.abc.Loader) -> None:
        self.real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.real.exec_module(module)
        module.__loader__ = self.real
        if module.__spec__ is not None:
            module.__spec__.loader = self.real
        from tenon_pyspark.names import complete

        complete(module)

    def __getattr__(self, name: str):
        return getattr(self.real, name)


class Completer(importlib.abc.MetaPathFinder):
    """Lets PySpark be found as usual, and completes the packages `pyspark` and `pyspark.sql` after their import."""

    PACKAGES = ("pyspark", "pyspark.sql")

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname not in self.PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        spec.loader = _Complete(spec.loader)
        return spec


def install() -> None:
    """Registers the finders; again it does nothing."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
        sys.meta_path.insert(0, Completer())
        for package in Completer.PACKAGES:
            if package in sys.modules:
                from tenon_pyspark.names import complete

                complete(sys.modules[package])
