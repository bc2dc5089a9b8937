"""AWS Glue's Python interface for ETL scripts, without AWS and without a JVM.

Written from AWS's public documentation alone; the original package is neither used nor needed. Frames are data frames
of Spark Connect: by default of an engine inside the script's own process (`awsglue._engine`), which reads and writes S3
and the Data Catalog at `AWS_ENDPOINT_URL`. What is not built raises an error that names it.
"""

from __future__ import annotations

from typing import Any

import tenon_pyspark

tenon_pyspark.install()

__all__ = ["DynamicFrame"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`from awsglue import DynamicFrame`, without loading frames for whoever only wants `awsglue.utils`."""
    if name in ("DynamicFrame", "DynamicFrameCollection"):
        from awsglue import dynamicframe

        return getattr(dynamicframe, name)
    raise AttributeError(f"module 'awsglue' has no attribute {name!r}")
