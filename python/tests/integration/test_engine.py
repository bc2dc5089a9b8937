"""The engine, and what scripts find of PySpark without a JVM."""

import pytest

from awsglue.errors import GlueError, NeedsSpark


def test_the_modules_of_classic_pyspark(glue_context):
    import pyspark
    from pyspark import SparkConf, SparkContext
    from pyspark.context import SparkContext as Same
    from pyspark.rdd import RDD
    from pyspark.sql import HiveContext, SparkSession, SQLContext

    assert Same is SparkContext is pyspark.SparkContext
    context = SparkContext.getOrCreate(SparkConf().set("spark.sql.session.timeZone", "UTC").set("spark.executor.memory", "1g"))
    assert glue_context.spark_session.conf.get("spark.sql.session.timeZone") == "UTC"
    context.setLogLevel("INFO")
    assert context.version.startswith("4") and context.applicationId and context.defaultParallelism >= 1
    session = SparkSession.builder.appName("again").getOrCreate()
    assert session is glue_context.spark_session is SparkSession(context)
    assert SQLContext(context).sql("select 1 as one").first()["one"] == HiveContext(context).range(2).count() - 1
    with pytest.raises(NeedsSpark):
        RDD()


@pytest.mark.parametrize("call", ["parallelize", "_jvm", "_jsc", "textFile", "broadcast", "whatever"])
def test_what_needs_a_jvm_says_so(glue_context, call):
    from pyspark.context import SparkContext

    context = SparkContext.getOrCreate()
    with pytest.raises(NeedsSpark, match=rf"SparkContext\.{call} needs a JVM.*scripts.engine=spark"):
        getattr(context, call)
    assert not hasattr(context, call)
    with pytest.raises(NeedsSpark, match="GlueContext._jvm"):
        glue_context._jvm
    with pytest.raises(NeedsSpark, match="from_rdd"):
        glue_context.create_dynamic_frame.from_rdd([], "x")
    with pytest.raises(NeedsSpark, match="from_rdd"):
        glue_context.create_dynamic_frame_from_rdd([], "x")
    with pytest.raises(ValueError):
        context.setLogLevel("LOUD")


def test_a_script_may_begin_with_pyspark(run_script):
    done = run_script(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.appName('x').config('spark.sql.shuffle.partitions', '2').getOrCreate()\n"
        "from pyspark.context import SparkContext\nfrom awsglue.context import GlueContext\nfrom awsglue import DynamicFrame\n"
        "glueContext = GlueContext(SparkContext.getOrCreate())\n"
        "assert glueContext.spark_session is spark\n"
        "print(DynamicFrame.fromDF(spark.range(3), glueContext, 'x').count())\n"
        "glueContext.get_logger().warn('take care')\n"
    )
    assert done.stdout == "3\n" and "take care" in done.stderr


def test_casts_that_fail_are_null_as_on_glue(glue_context):
    from pyspark.sql import functions as F

    spark = glue_context.spark_session
    df = spark.createDataFrame([("x", 0)], "s string, n int")
    kinds = ["int", "double", "float", "decimal(10,2)", "boolean", "date"]
    assert df.select(*[F.col("s").cast(kind).alias(kind) for kind in kinds]).first().asDict() == dict.fromkeys(kinds)
    assert df.select(F.to_date("s"), 1 / F.col("n"), F.expr("array(1)[5]")).first()[0:3] == (None, None, None)
    assert df.select(F.col("s").cast("double")).columns == ["s"]


@pytest.mark.parametrize("way", ["builder", "conf", "context", "set", "sql"])
def test_ansi_is_what_the_script_or_the_run_says(run_script, way):
    given = {"builder": "SparkSession.builder.config('spark.sql.ansi.enabled', 'true').getOrCreate()",
             "conf": "SparkSession.builder.getOrCreate()",
             "context": "GlueContext(SparkContext(conf=SparkConf().set('spark.sql.ansi.enabled', 'true'))).spark_session"}
    more = {"set": "spark.conf.set('spark.sql.ansi.enabled', 'true')\n", "sql": "spark.sql('SET spark.sql.ansi.enabled=true')\n"}
    done = run_script(
        "from pyspark.sql import SparkSession, functions as F\nfrom pyspark import SparkConf\nfrom pyspark.context import SparkContext\n"
        f"from awsglue.context import GlueContext\nspark = {given.get(way, given['conf'])}\n{more.get(way, '')}"
        "print(spark.conf.get('spark.sql.ansi.enabled'), GlueContext().spark_session is spark)\n"
        "try:\n    spark.range(1).select(F.lit('x').cast('double')).collect()\nexcept Exception as e:\n    print('Cannot cast' in str(e))\n",
        environment={"TENON_SPARK_CONF": "spark.sql.ansi.enabled=true" if way == "conf" else ""})
    assert done.stdout.split() == ["true", "True", "True"]


def test_the_context_of_a_session(run_script):
    done = run_script(
        "from pyspark.sql import SparkSession\nfrom awsglue.context import GlueContext\nfrom pyspark.context import SparkContext\n"
        "spark = SparkSession.builder.appName('x').enableHiveSupport().getOrCreate()\nspark.sparkContext.setLogLevel('ERROR')\n"
        "assert GlueContext(spark.sparkContext).spark_session is spark\nassert SparkContext.getOrCreate() is spark.sparkContext\n"
        "try:\n    spark.sparkContext.parallelize([1])\nexcept NotImplementedError as e:\n    print('needs a JVM' in str(e))\n")
    assert done.stdout == "True\n"


def test_a_context_can_be_stopped_and_made_again(run_script):
    done = run_script(
        "from pyspark.context import SparkContext\nfrom awsglue.context import GlueContext\n"
        "sc = SparkContext()\nspark = GlueContext(sc).spark_session\nsc.stop()\n"
        "again = GlueContext(SparkContext()).spark_session\nassert again is not spark\nprint(again.range(2).count())\n"
        "again.stop()\nprint(GlueContext().sparkSession.range(3).count())\n"
    )
    assert done.stdout == "2\n3\n"


def test_an_endpoint_is_needed(run_script):
    done = run_script(
        "from awsglue.context import GlueContext\n"
        "GlueContext().spark_session.read.parquet('s3://some-bucket/x').count()\n",
        check=False, environment={"AWS_ENDPOINT_URL": ""},
    )
    assert done.returncode != 0 and "out of reach: set AWS_ENDPOINT_URL" in done.stderr


def test_engines_are_known_by_name(monkeypatch):
    from awsglue import _engine

    for name, wanted in (("sail", "sail"), ("spark", "spark"), ("sc://h:1", "sc://h:1"), ("spark-connect://h:1", "sc://h:1")):
        monkeypatch.setenv("TENON_SCRIPT_ENGINE", name)
        assert _engine.chosen() == wanted
    monkeypatch.setenv("TENON_SCRIPT_ENGINE", "flink")
    with pytest.raises(GlueError, match="flink"):
        _engine.chosen()
    monkeypatch.setenv("TENON_SCRIPT_ENGINE", "spark")
    with pytest.raises(GlueError, match="pip install pyspark"):
        _engine._classic.session()
