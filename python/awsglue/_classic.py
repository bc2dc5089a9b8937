"""The engine `spark`: Apache Spark's own package with its JVM, pointed to the server as the rest of the process is.

Files in S3 are read by S3A, which comes with the jar `hadoop-aws` of the Hadoop version that Spark was built with
(and the jars that it names). Its settings are documented in Hadoop's guide "Integration with Amazon Web Services".
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Optional

from awsglue import _aws
from awsglue.errors import GlueError

_PACKAGE = "the engine spark needs Apache Spark's own package: pip install pyspark"
_S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"
_SECRETS = {"fs.s3a.access.key": "AWS_ACCESS_KEY_ID", "fs.s3a.secret.key": "AWS_SECRET_ACCESS_KEY",
            "fs.s3a.session.token": "AWS_SESSION_TOKEN"}


def session() -> Any:
    """The session of classic PySpark: the one that is there, or a new one, as it is made."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise GlueError(f"{_PACKAGE} ({error})") from error
    if _is_client_alone():
        raise GlueError(f"{_PACKAGE} (not pyspark-client)")
    return SparkSession.builder.getOrCreate()


def _is_client_alone() -> bool:
    """Whether what is installed is `pyspark-client`; PySpark 3 cannot tell, and has no such package."""
    try:
        from pyspark.util import is_remote_only
    except ImportError:
        return False
    return bool(is_remote_only())


def try_cast(column: Any, spark_type: Any) -> Any:
    """A cast that gives null where the value does not fit, in PySpark 3, which offers it in SQL alone."""
    from pyspark.sql import SparkSession
    from pyspark.sql.column import Column
    from pyspark.sql.types import DataType, _parse_datatype_string

    made = SparkSession.builder.getOrCreate()
    kind = spark_type if isinstance(spark_type, DataType) else _parse_datatype_string(spark_type)
    jvm = made.sparkContext._jvm
    expressions = jvm.org.apache.spark.sql.catalyst.expressions
    cast = expressions.Cast(column._jc.expr(), made._jsparkSession.parseDataType(kind.json()), jvm.scala.Option.apply(None),
                            expressions.EvalMode.TRY())
    return Column(jvm.org.apache.spark.sql.Column(cast))


def is_classic(made: Any) -> bool:
    """Whether a session is one of classic PySpark, whoever has made it."""
    return hasattr(made, "_jsparkSession")


def point_to_server(context: Any) -> None:
    """Tells the JVM where S3 is, but for what the user's own configuration says of it (`spark.hadoop.fs.s3a…`). On this
    machine the processes of functions get the interpreter of this one, which has the packages."""
    if "PYSPARK_PYTHON" not in os.environ and context.master.startswith("local"):
        context.pythonExec = sys.executable
    hadoop, given = context._jsc.hadoopConfiguration(), context.getConf()
    for key, value in hadoop_settings().items():
        if not given.contains(f"spark.hadoop.{key}"):
            hadoop.set(key, value)


def hadoop_settings() -> Dict[str, str]:
    """Hadoop's settings for S3: `s3://` and `s3n://` are S3A's, the endpoint and the keys those of the environment.
    Without an endpoint, and without leave to call AWS, the endpoint is nowhere."""
    url = _aws.endpoint()
    settings = {"fs.s3.impl": _S3A, "fs.s3n.impl": _S3A, "fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A"}
    if url is None and _aws.allowed():
        return settings
    settings["fs.s3a.endpoint"] = url or _aws.NOWHERE
    settings["fs.s3a.endpoint.region"] = os.environ.get("AWS_REGION", "us-east-1")
    settings["fs.s3a.path.style.access"] = "true"
    settings["fs.s3a.connection.ssl.enabled"] = str(not (url or "").startswith("http://")).lower()
    # A profile, or another source of keys, is for S3A's own chain of providers.
    given: Dict[str, Optional[str]] = {key: os.environ.get(name) for key, name in _SECRETS.items()}
    return {**settings, **{key: value for key, value in given.items() if value}}
