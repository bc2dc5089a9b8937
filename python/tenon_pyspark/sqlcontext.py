"""`SQLContext` and `HiveContext`, which old scripts still make: the session under another name."""

from __future__ import annotations

from typing import Optional


class SQLContext:
    """Passes on to the session what Spark 1 had here (`sql`, `table`, `read`, `createDataFrame`, …)."""

    def __init__(self, sparkContext=None, sparkSession=None, jsqlContext=None) -> None:
        from awsglue._engine import session

        self.sparkSession = sparkSession or getattr(sparkContext, "_session", None) or session()
        self._sc = sparkContext

    @classmethod
    def getOrCreate(cls, sc=None) -> "SQLContext":
        """Returns a context on the session of the process."""
        return cls(sc)

    def registerDataFrameAsTable(self, df, tableName: str) -> None:
        """Makes a temporary view."""
        df.createOrReplaceTempView(tableName)

    def dropTempTable(self, tableName: str) -> None:
        """Drops a temporary view."""
        self.sparkSession.catalog.dropTempView(tableName)

    def setConf(self, key: str, value: str) -> None:
        """Sets a value of the session."""
        self.sparkSession.conf.set(key, value)

    def getConf(self, key: str, defaultValue: Optional[str] = None) -> Optional[str]:
        """Returns a value of the session."""
        return self.sparkSession.conf.get(key, defaultValue)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.sparkSession, name)


class HiveContext(SQLContext):
    """As `SQLContext`: the catalog is the Glue Data Catalog."""
