"""The transforms of one or two frames. Each passes on to the method of `DynamicFrame` that does the work."""

from __future__ import annotations

import typing
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from awsglue.transforms.base import GlueTransform

_COLLECTION = {"type": "DynamicFrameCollection", "description": "New frames by name"}
Paths = typing.Union[str, Sequence[str]]


class ApplyMapping(GlueTransform):
    """Chooses, renames, nests and converts fields by a list of mappings."""

    def __call__(self, frame: Any, mappings: Sequence[Tuple[str, ...]], case_sensitive: bool = True,
                 transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.apply_mapping(mappings, case_sensitive, transformation_ctx, info, stageThreshold, totalThreshold)


class DropFields(GlueTransform):
    """Drops fields."""

    def __call__(self, frame: Any, paths: Paths, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame.drop_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class DropNullFields(GlueTransform):
    """Drops the fields that are null in every record."""

    def __call__(self, frame: Any, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame.drop_nulls(transformation_ctx, info, stageThreshold, totalThreshold)


class ErrorsAsDynamicFrame(GlueTransform):
    """The error records of a frame's history."""

    def __call__(self, frame: Any) -> Any:
        return frame.errorsAsDynamicFrame()


class Filter(GlueTransform):
    """Keeps the records for which a function is true."""

    def __call__(self, frame: Any, f: Callable[[Any], Any], transformation_ctx: str = "", info: str = "",
                 stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.filter(f, transformation_ctx, info, stageThreshold, totalThreshold)


class Join(GlueTransform):
    """Pairs the records of two frames whose keys are equal."""

    def __call__(self, frame1: Any, frame2: Any, keys1: Paths, keys2: Paths, transformation_ctx: str = "") -> Any:
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class Map(GlueTransform):
    """Replaces each record by what a function makes of it."""

    def __call__(self, frame: Any, f: Callable[[Any], Any], preservesPartitioning: bool = False,
                 transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.map(f, preservesPartitioning, transformation_ctx, info, stageThreshold, totalThreshold)


class Relationalize(GlueTransform):
    """Makes flat frames of nested records: one for the record, one for each array."""

    returns = _COLLECTION

    def __call__(self, frame: Any, staging_path: Optional[str] = None, name: str = "roottable",
                 options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "", info: str = "",
                 stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.relationalize(name, staging_path, options, transformation_ctx, info, stageThreshold, totalThreshold)


class RenameField(GlueTransform):
    """Renames one field."""

    def __call__(self, frame: Any, old_name: str, new_name: str, transformation_ctx: str = "", info: str = "",
                 stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.rename_field(old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold)


class ResolveChoice(GlueTransform):
    """Resolves fields that hold several types."""

    def __call__(self, frame: Any, specs: Optional[Sequence[Tuple[str, str]]] = None, choice: str = "",
                 transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0,
                 database: Optional[str] = None, table_name: Optional[str] = None, catalog_id: Optional[str] = None) -> Any:
        return frame.resolveChoice(specs, choice, database, table_name, transformation_ctx, info, stageThreshold,
                                   totalThreshold, catalog_id)


class SelectFields(GlueTransform):
    """Keeps only some fields."""

    def __call__(self, frame: Any, paths: Paths, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame.select_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SimplifyDdbJson(GlueTransform):
    """Takes the names of types out of DynamoDB's JSON."""

    def __call__(self, frame: Any, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame.simplify_ddb_json(transformation_ctx, info, stageThreshold, totalThreshold)


class Spigot(GlueTransform):
    """Writes sample records on the way."""

    def __call__(self, frame: Any, path: str, options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "") -> Any:
        return frame.spigot(path, options, transformation_ctx)


class SplitFields(GlueTransform):
    """Two frames: some fields, and the others."""

    returns = _COLLECTION

    def __call__(self, frame: Any, paths: Paths, name1: str = "frame1", name2: str = "frame2",
                 transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.split_fields(paths, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class SplitRows(GlueTransform):
    """Two frames: the records for which comparisons hold, and the others."""

    returns = _COLLECTION

    def __call__(self, frame: Any, comparison_dict: Dict[str, Dict[str, Any]], name1: str = "frame1",
                 name2: str = "frame2", transformation_ctx: str = "", info: Optional[str] = None,
                 stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx, info or "", stageThreshold,
                                totalThreshold)


class Unbox(GlueTransform):
    """Parses a text field."""

    def __call__(self, frame: Any, path: str, format: str, transformation_ctx: str = "", info: str = "",
                 stageThreshold: int = 0, totalThreshold: int = 0, **options: Any) -> Any:
        return frame.unbox(path, format, transformation_ctx, info, stageThreshold, totalThreshold, **options)


class Union(GlueTransform):
    """All records of two frames."""

    def __call__(self, frame1: Any, frame2: Any, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame1.union(frame2, transformation_ctx, info, stageThreshold, totalThreshold)


class UnnestFrame(GlueTransform):
    """Makes fields of structures fields of the record."""

    def __call__(self, frame: Any, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> Any:
        return frame.unnest(transformation_ctx, info, stageThreshold, totalThreshold)
