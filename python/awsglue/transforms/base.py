"""The base of all transforms: classes that are called with frames and describe themselves."""

from __future__ import annotations

import inspect
from typing import Any, Dict, List, Optional


class GlueTransform:
    """A transform. `Name.apply(…)` makes one and calls it; each class describes its arguments from its signature."""

    returns: Dict[str, str] = {"type": "DynamicFrame", "description": "A new frame"}

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Applies the transform."""
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        """The name of the transform."""
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> List[Dict[str, Any]]:
        """Its arguments: name, type, description, whether each is optional, and its default."""
        if cls.__call__ is GlueTransform.__call__:
            raise NotImplementedError(f"{cls.__name__} describes no arguments")
        described = []
        for name, parameter in list(inspect.signature(cls.__call__).parameters.items())[1:]:
            empty = parameter.default is inspect.Parameter.empty
            variable = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            described.append({
                "name": name, "type": _type(parameter.annotation), "description": ARGUMENTS.get(name, name),
                "optional": not empty or variable, "defaultValue": None if empty else _shown(parameter.default),
            })
        return described

    @classmethod
    def describeReturn(cls) -> Dict[str, str]:
        """What it returns."""
        return dict(cls.returns)

    @classmethod
    def describeTransform(cls) -> str:
        """What it does."""
        text = inspect.getdoc(cls)
        if cls is GlueTransform or not text:
            raise NotImplementedError(f"{cls.__name__} has no description")
        return text

    @classmethod
    def describeErrors(cls) -> List[Dict[str, str]]:
        """What it raises."""
        return [{"type": "awsglue.errors.GlueError", "description": "Options or data that contradict each other"}]

    @classmethod
    def describe(cls) -> Dict[str, Any]:
        """All of this."""
        return {"transform": {"name": cls.name(), "args": cls.describeArgs(), "returns": cls.describeReturn(),
                              "raises": cls.describeErrors(), "location": "internal"}}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does nothing")


def _type(annotation: Any) -> str:
    return "Any" if annotation is inspect.Parameter.empty else str(annotation)


def _shown(value: Any) -> Optional[str]:
    return None if value is None else str(value)


# What the arguments that many transforms share mean.
ARGUMENTS = {
    "frame": "The frame to work on",
    "transformation_ctx": "A name for this step, for bookmarks",
    "info": "A text for error records of this step",
    "stageThreshold": "How many records may fail in this step; 0 for any number",
    "totalThreshold": "How many records may fail up to and with this step; 0 for any number",
    "f": "A function of one record",
    "missing_values_column": "The field that is empty in some records",
    "output_column": "The new field; by default the old name and `_filled`",
    "mappings": "Tuples of source, source type, target, target type",
    "paths": "Paths to fields",
    "path": "A path to a field, or a place to write to",
    "dfc": "The collection of frames to work on",
    "keys1": "The keys of the first frame",
    "keys2": "The keys of the second frame",
    "name1": "The name of the first frame of the result",
    "name2": "The name of the second frame of the result",
    "ruleset": "Rules in DQDL",
    "publishing_options": "What becomes of the outcomes",
    "additional_options": "How rules are evaluated",
    "additional_data_sources": "Other frames by the names that rules use",
}
