"""`relationalize`: nested records as flat tables that join by key.

The root table has structures unnested; where it had an array, it has a key. Each array becomes a table of its own with
`id` (the key), `index` (the place in the array, from 0) and the element: `<array>.val`, or `<array>.val.<field>` for
the fields of structures. Arrays inside arrays go on in the same way. Tables are named `<root>_<array>`.

Keys must be the same whenever an engine computes a table again, so each table that holds arrays is written once, with
its keys, into a folder of its own, and read back from there. A run that fails leaves that folder behind.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
from typing import Any, Dict, List, Optional, Tuple

from awsglue import _engine
from awsglue import gluetypes as g
from awsglue._aws import engine_url
from awsglue._columns import col
from awsglue._nested import flattened, leaves
from awsglue._stages import Stage
from awsglue._types import to_spark
from awsglue.errors import DataError


def relationalize(frame: Any, root: str, staging_path: Optional[str], stage: Stage) -> Any:
    """The collection of tables, the root first."""
    from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

    frame._settle()
    columns, kind = flattened(frame._kind)
    tables = _Tables(root, staging_path)
    tables.add(root, frame._df.select(*columns), kind)
    frames = {
        name: DynamicFrame(df, frame.glue_ctx, name, kind=found, history=frame._history + (stage,))
        for name, (df, found) in tables.made.items()
    }
    return DynamicFrameCollection(frames, frame.glue_ctx)


class _Tables:
    """The tables made so far."""

    def __init__(self, root: str, staging_path: Optional[str]) -> None:
        self.root = root
        self.staging_path = staging_path
        self.made: Dict[str, Tuple[Any, g.StructType]] = {}

    def add(self, name: str, df: Any, kind: g.StructType) -> None:
        """Adds a flat table, and those of its arrays."""
        if name in self.made:
            raise DataError(f"relationalize: two tables would be called {name}: rename a field first")
        arrays = [field for field in kind.fields if isinstance(field.dataType, g.ArrayType)]
        if not arrays:
            self.made[name] = (df, kind)
            return
        keyed, keyed_kind = self.staged(df, kind)
        self.made[name] = self.without_arrays(keyed, keyed_kind, kind)
        for array in arrays:
            self.pivot(keyed, array)

    def staged(self, df: Any, kind: g.StructType) -> Tuple[Any, g.StructType]:
        """The table with a key per row, written and read back, so that keys stay as they are."""
        from pyspark.sql import functions as F
        from pyspark.sql.window import Window

        place = F.row_number().over(Window.partitionBy(F.lit(1)).orderBy(F.monotonically_increasing_id()))
        keyed = df.select(*[col(field.name) for field in kind.fields], place.cast("long").alias(_KEY))
        path = self.folder()
        nulls = [field.name for field in kind.fields if isinstance(field.dataType, g.NullType)]
        keyed.drop(*nulls).write.mode("overwrite").option("compression", "snappy").parquet(path)
        stored = g.StructType([field for field in kind.fields if field.name not in nulls] + [_KEY_FIELD])
        back = _engine.session().read.schema(to_spark(stored)).parquet(path)
        return back, stored

    def folder(self) -> str:
        """A folder that nobody else writes to."""
        base = self.staging_path
        if not base:
            if not _engine.sees_our_files():
                raise DataError("relationalize: staging_path is needed, because the engine is another process")
            folder = tempfile.mkdtemp(prefix="tenon-relationalize-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            return engine_url(folder + "/table")
        return engine_url(f"{base.rstrip('/')}/relationalize-{uuid.uuid4().hex}")

    def without_arrays(self, keyed: Any, stored: g.StructType, kind: g.StructType) -> Tuple[Any, g.StructType]:
        """The table with keys where its arrays were; where there was none, there is no key."""
        from pyspark.sql import functions as F

        columns: List[Any] = []
        result = g.StructType()
        for field in kind.fields:
            if isinstance(field.dataType, g.ArrayType):
                columns.append(F.when(col(field.name).isNotNull(), col(_KEY)).alias(field.name))
                result.add(g.Field(field.name, g.LongType()))
                continue
            known = stored.hasField(field.name)
            columns.append(col(field.name) if known else F.lit(None).alias(field.name))
            result.add(field)
        return keyed.select(*columns), result

    def pivot(self, keyed: Any, array: g.Field) -> None:
        """The table of one array."""
        from pyspark.sql import functions as F

        assert isinstance(array.dataType, g.ArrayType)
        exploded = keyed.select(col(_KEY).alias("id"), F.posexplode(col(array.name)).alias("index", "val"))
        parts = leaves(f"{array.name}.val", col("val"), array.dataType.elementType)
        df = exploded.select(col("id"), col("index"), *[column.alias(name) for name, column, _ in parts])
        fields = [g.Field("id", g.LongType()), g.Field("index", g.IntegerType())]
        kind = g.StructType(fields + [g.Field(name, found) for name, _, found in parts])
        self.add(f"{self.root}_{array.name}", df, kind)


_KEY = "__tenon_key"
_KEY_FIELD = g.Field(_KEY, g.LongType())
