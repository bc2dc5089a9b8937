"""`DynamicFrame`: records that may differ in their types, over the data frames of an engine.

A frame is a data frame of *physical* columns and a Glue schema for them. A choice is a structure with one field per
alternative (`_types`). A column can also be *open*: read from text against a type of the catalog, it holds what could
be read as that type, and the text of what could not. Whether it is a choice shows only in the data; `_settle` looks
when something depends on it. Frames never change; `_settle` only replaces a form by an equal one.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple, Union

from awsglue import _stages
from awsglue import gluetypes as g
from awsglue._paths import listed
from awsglue._stages import History, Stage
from awsglue._straight import Straight
from awsglue._support import partly
from awsglue.errors import DataError

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"]


class ResolveOption:
    """How `toDF` treats the choice at a path: `Project`, `Cast` (with a type), `KeepAsStruct`."""

    def __init__(self, path: str, action: str, target: Optional[Any] = None) -> None:
        self.path = path
        self.action = action
        self.target = target


class DynamicFrame:
    """A set of records with a schema that may hold choices."""

    def __init__(
        self,
        jdf: Any,
        glue_ctx: Any,
        name: str = "",
        *,
        kind: Optional[g.StructType] = None,
        open_columns: FrozenSet[str] = frozenset(),
        history: History = (),
        straight: Optional[Straight] = None,
    ) -> None:
        from awsglue._types import from_spark
        from awsglue._voids import typed

        if kind is None:
            found = from_spark(jdf.schema)
            assert isinstance(found, g.StructType)
            jdf, kind = typed(jdf, found)
        self._df = jdf
        self.glue_ctx = glue_ctx
        self.name = name
        self._kind = kind
        self._open = open_columns
        self._history = history
        # How the server makes the same rows by itself; None where only the engine can.
        self._straight = straight

    # Making frames of frames.

    def _derive(self, df: Any, kind: g.StructType, stage: Stage, open_columns: FrozenSet[str] = frozenset(),
                others: History = (), straight: Optional[Straight] = None) -> "DynamicFrame":
        history = tuple({id(step): step for step in self._history + others + (stage,)}.values())
        return DynamicFrame(df, self.glue_ctx, self.name, kind=kind, open_columns=open_columns, history=history,
                            straight=straight)

    def _settle(self) -> "DynamicFrame":
        """Decides for each open column whether it is a choice; after it there are none."""
        if self._open:
            from awsglue._open import settle

            self._df, self._kind = settle(self._df, self._kind, self._open)
            self._open = frozenset()
            if self._straight and self._straight.kind != self._kind:
                self._straight = None
        return self

    # Construction and conversion.

    @classmethod
    def fromDF(cls, dataframe: Any, glue_ctx: Any = None, name: str = "") -> "DynamicFrame":
        """Makes a frame of a data frame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Optional[Sequence[ResolveOption]] = None) -> Any:
        """Returns the data frame. A choice that `options` does not resolve becomes a structure of its types."""
        self.assertErrorThreshold()
        if not options:
            return self._settle()._df
        from awsglue._choice import resolve_for_df

        return resolve_for_df(self, options)

    # Information.

    def count(self) -> int:
        """The number of records."""
        self.assertErrorThreshold()
        return self._df.count()

    def schema(self) -> g.StructType:
        """The schema, computed from the data where it must be."""
        return self._settle()._kind

    def printSchema(self) -> None:
        """Prints the schema as a tree."""
        from awsglue._types import tree

        print(tree(self.schema()))

    def show(self, num_rows: int = 20) -> None:
        """Prints records as JSON, one to a line."""
        from awsglue._show import lines

        self.assertErrorThreshold()
        for line in lines(self._settle(), num_rows):
            print(line)

    def repartition(self, num_partitions: int, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                    totalThreshold: int = 0) -> "DynamicFrame":
        """The same records in this many partitions."""
        stage = _stage("repartition", info, stageThreshold, totalThreshold)
        return self._derive(self._df.repartition(num_partitions), self._kind, stage, self._open)

    def coalesce(self, num_partitions: int, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                 totalThreshold: int = 0) -> "DynamicFrame":
        """The same records in at most this many partitions."""
        stage = _stage("coalesce", info, stageThreshold, totalThreshold)
        return self._derive(self._df.coalesce(num_partitions), self._kind, stage, self._open)

    # Fields.

    def select_fields(self, paths: Union[str, Sequence[str]], transformation_ctx: str = "", info: str = "",
                      stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Only these fields; those that are not there are left out."""
        from awsglue._fields import select

        return select(self, listed(paths), _stage("select_fields", info, stageThreshold, totalThreshold))

    def drop_fields(self, paths: Union[str, Sequence[str]], transformation_ctx: str = "", info: str = "",
                    stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """All fields but these."""
        from awsglue._fields import drop

        return drop(self, listed(paths), _stage("drop_fields", info, stageThreshold, totalThreshold))

    def rename_field(self, oldName: str, newName: str, transformation_ctx: str = "", info: str = "",
                     stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """One field under another name, or at another place."""
        from awsglue._fields import rename

        return rename(self, oldName, newName, _stage("rename_field", info, stageThreshold, totalThreshold))

    def apply_mapping(self, mappings: Sequence[Tuple[str, ...]], case_sensitive: bool = True,
                      transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                      totalThreshold: int = 0) -> "DynamicFrame":
        """The fields of `mappings` only: (source, its type, target, its type). A value that has none there is null."""
        from awsglue._mapping import apply

        return apply(self, mappings, case_sensitive, _stage("apply_mapping", info, stageThreshold, totalThreshold))

    def drop_nulls(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                   totalThreshold: int = 0) -> "DynamicFrame":
        """Without the fields that are null in every record."""
        from awsglue._fields import drop_nulls

        return drop_nulls(self, _stage("drop_nulls", info, stageThreshold, totalThreshold))

    def split_fields(self, paths: Union[str, Sequence[str]], name1: str, name2: str, transformation_ctx: str = "",
                     info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrameCollection":
        """Two frames: these fields, and all others."""
        from awsglue._fields import drop, select

        chosen, others = (_stage("split_fields", info, stageThreshold, totalThreshold) for _ in range(2))
        return self._pair(name1, select(self, listed(paths), chosen), name2, drop(self, listed(paths), others))

    def _pair(self, name1: str, first: "DynamicFrame", name2: str, second: "DynamicFrame") -> "DynamicFrameCollection":
        first.name, second.name = name1, name2
        return DynamicFrameCollection({name1: first, name2: second}, self.glue_ctx)

    # Records.

    def filter(self, f: Callable[[Any], Any], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
               totalThreshold: int = 0) -> "DynamicFrame":
        """The records for which `f` is true. One for which `f` raises becomes an error record."""
        from awsglue._functions import filter_records

        return filter_records(self, f, _stage("filter", info, stageThreshold, totalThreshold))

    def map(self, f: Callable[[Any], Any], preservesPartitioning: bool = False, transformation_ctx: str = "",
            info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """What `f` makes of each record. One for which `f` raises becomes an error record."""
        from awsglue._functions import map_records

        return map_records(self, f, _stage("map", info, stageThreshold, totalThreshold))

    def split_rows(self, comparison_dict: Dict[str, Dict[str, Any]], name1: str, name2: str,
                   transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                   totalThreshold: int = 0) -> "DynamicFrameCollection":
        """Two frames: the records for which all comparisons hold, and all others."""
        from awsglue._fields import split_rows

        stage = _stage("split_rows", info, stageThreshold, totalThreshold)
        return self._pair(name1, *_between(name2, split_rows(self, comparison_dict, stage)))

    def join(self, paths1: Union[str, Sequence[str]], paths2: Union[str, Sequence[str]], frame2: "DynamicFrame",
             transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
             totalThreshold: int = 0) -> "DynamicFrame":
        """The pairs of records whose keys are equal. A field of `frame2` that this frame has too gets a `.` before."""
        from awsglue._combine import join

        stage = _stage("join", info, stageThreshold, totalThreshold)
        return join(self, frame2, listed(paths1), listed(paths2), stage)

    def union(self, frame2: "DynamicFrame", transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
              totalThreshold: int = 0) -> "DynamicFrame":
        """All records of both frames. Fields are matched by name; those of different types become choices."""
        from awsglue._combine import union

        return union([self, frame2], _stage("union", info, stageThreshold, totalThreshold))

    def mergeDynamicFrame(self, stage_dynamic_frame: "DynamicFrame", primary_keys: Sequence[str],
                          transformation_ctx: str = "", options: Optional[Dict[str, Any]] = None, info: str = "",
                          stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """The records of the staging frame, and those of this one whose keys it does not have."""
        from awsglue._combine import merge

        if options:
            raise DataError(f"mergeDynamicFrame: the options {sorted(options)} are not known")
        stage = _stage("mergeDynamicFrame", info, stageThreshold, totalThreshold)
        return merge(self, stage_dynamic_frame, listed(primary_keys), stage)

    # Types and nesting.

    def resolveChoice(self, specs: Optional[Sequence[Tuple[str, str]]] = None, choice: str = "",
                      database: Optional[str] = None, table_name: Optional[str] = None, transformation_ctx: str = "",
                      info: str = "", stageThreshold: int = 0, totalThreshold: int = 0,
                      catalog_id: Optional[str] = None, option: str = "") -> "DynamicFrame":
        """Resolves choices: by `specs` for single paths, or by `choice` for all."""
        from awsglue._choice import resolve

        stage = _stage("resolveChoice", info, stageThreshold, totalThreshold)
        return resolve(self, specs, choice or option, (catalog_id, database, table_name), stage)

    @partly("csv and json; the values of all records decide the type")
    def unbox(self, path: str, format: str, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
              totalThreshold: int = 0, **options: Any) -> "DynamicFrame":
        """The text field at `path`, parsed."""
        from awsglue._unbox import unbox

        return unbox(self, path, format, options, _stage("unbox", info, stageThreshold, totalThreshold))

    def unnest(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
               totalThreshold: int = 0) -> "DynamicFrame":
        """Fields of structures as fields of the record, named by their paths."""
        from awsglue._nested import unnest

        return unnest(self, _stage("unnest", info, stageThreshold, totalThreshold))

    def unnest_ddb_json(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                        totalThreshold: int = 0) -> "DynamicFrame":
        """Records in DynamoDB's JSON (an export) as plain columns."""
        from awsglue._ddb import unnest_ddb_json

        return unnest_ddb_json(self, _stage("unnest_ddb_json", info, stageThreshold, totalThreshold))

    def simplify_ddb_json(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                          totalThreshold: int = 0) -> "DynamicFrame":
        """Records in DynamoDB's JSON with its type names taken out, structures kept."""
        from awsglue._ddb import simplify_ddb_json

        return simplify_ddb_json(self, _stage("simplify_ddb_json", info, stageThreshold, totalThreshold))

    @partly("pivoted tables are staged as Parquet, under a folder of their own in `staging_path`")
    def relationalize(self, root_table_name: str, staging_path: Optional[str] = None,
                      options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "", info: str = "",
                      stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrameCollection":
        """Flat frames: the root with structures unnested, and one for each array, joined by `id`."""
        from awsglue._relational import relationalize

        stage = _stage("relationalize", info, stageThreshold, totalThreshold)
        return relationalize(self, root_table_name, staging_path, stage)

    # Writing.

    def spigot(self, path: str, options: Optional[Dict[str, Any]] = None, transformation_ctx: str = "") -> "DynamicFrame":
        """Writes sample records as JSON and returns this frame."""
        from awsglue._write import spigot

        spigot(self, path, options or {})
        return self

    def write(self, connection_type: str, connection_options: Optional[Dict[str, Any]] = None,
              format: Optional[str] = None, format_options: Optional[Dict[str, Any]] = None,
              accumulator_size: int = 0) -> "DynamicFrame":
        """Writes the frame and returns it."""
        return self.glue_ctx.write_dynamic_frame_from_options(
            self, connection_type, connection_options or {}, format, format_options or {}
        )

    # Errors.

    def assertErrorThreshold(self) -> None:
        """Raises when more records failed than a step's thresholds allow."""
        _stages.check(self._history)

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        """The error records of all steps: `error.msg`, `error.callsite`, `error.dynamicRecord` (as JSON)."""
        from awsglue._functions import errors_of

        return errors_of(self)

    def errorsCount(self) -> int:
        """How many records failed in all steps."""
        return _stages.total(self._history)

    def stageErrorsCount(self) -> int:
        """How many records failed in the last step."""
        return self._history[-1].count() if self._history else 0

    def __repr__(self) -> str:
        return f"DynamicFrame[{', '.join(field.name for field in self._kind.fields)}]"


def _stage(name: str, info: str, stage_threshold: int, total_threshold: int) -> Stage:
    return Stage(name, info or "", stage_threshold, total_threshold, _stages.call_site())


def _between(name: str, pair: Tuple[DynamicFrame, DynamicFrame]) -> List[Any]:
    return [pair[0], name, pair[1]]


# The collections and the readers import DynamicFrame from here.
from awsglue._collection import DynamicFrameCollection  # noqa: E402
from awsglue._reader import DynamicFrameReader, DynamicFrameWriter  # noqa: E402
