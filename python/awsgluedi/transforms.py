"""Data-preparation transforms (`data_quality.RemoveDuplicates`, …): any of them is refused by name."""

from __future__ import annotations

from typing import Any

from awsglue.errors import NotBuilt


class _Refused:
    """A group of transforms, or one of them; calling it says that it is not built."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "_Refused":
        if name.startswith("__"):
            raise AttributeError(name)
        return _Refused(f"{self._name}.{name}")

    def __call__(self, *_arguments: Any, **_options: Any) -> Any:
        raise NotBuilt(self._name[: -len(".apply")] if self._name.endswith(".apply") else self._name, "write it with data frames, or use a visual job")


GROUPS = ("data_quality", "data_cleaning", "column", "column_structure", "column_formatting", "data_structure",
          "data_science", "functions", "date_functions", "json_functions", "text_functions", "units", "mask")

for _group in GROUPS:
    globals()[_group] = _Refused(f"awsgluedi.{_group}")

__all__ = list(GROUPS)
