"""`pyspark.rdd`: the names that scripts import for type hints. Without a JVM there are no RDDs."""

from __future__ import annotations

from awsglue.errors import NeedsSpark


class RDD:
    """Stands for resilient distributed datasets in annotations and `isinstance`; it cannot be made."""

    def __init__(self, *_arguments, **_options) -> None:
        raise NeedsSpark("RDD", "use a DataFrame: spark.createDataFrame(rows, schema)")


class PipelinedRDD(RDD):
    """As `RDD`."""
