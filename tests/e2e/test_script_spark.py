"""Runs on Apache Spark itself (`--engine spark`), with S3A against the server."""

import io
import os
import pathlib

import pyarrow.parquet as pq
import pytest

from conftest import Server, name, wait_until
from glue_scripts import ENABLED, Scripts

pytestmark = pytest.mark.soak

ENVIRONMENT = pathlib.Path(os.environ.get("TENON_SPARK_VENV", pathlib.Path.home() / ".cache/tenon/spark"))
# Hadoop's connector to S3, and the SDK that it was built with.
JARS = ("hadoop-aws-3.3.1.jar", "aws-java-sdk-bundle-1.11.901.jar")
HEAD = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
"""


def jars():
    (folder,) = ENVIRONMENT.glob("lib/python3*/site-packages/sagemaker_pyspark/jars")
    return [folder / jar for jar in JARS]


class Spark(Scripts):
    """Jobs on a server whose environment of scripts has Apache Spark, and a crawled table `t` of CSV."""

    def __init__(self, server):
        super().__init__(server)
        self.database = name("db").replace("-", "_")
        self.put("t/day=a b/1.csv", "id,v\n1,x\n2,y\n")
        self.put("t/day=c/1.csv", "id,v\n3,z\n-1,w\n")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        target = {"S3Targets": [{"Path": f"s3://{self.bucket}/t/"}]}
        self.glue.create_crawler(Name=self.database, Role="r", DatabaseName=self.database, Targets=target)
        self.glue.start_crawler(Name=self.database)
        wait_until(lambda: self.glue.get_crawler(Name=self.database)["Crawler"]["State"] == "READY", "the crawl")

    def job(self, text, **arguments):
        settings = {"--engine": "spark", "--conf": "spark.jars=" + ",".join(map(str, jars())), **arguments}
        text = text.replace("BUCKET", self.bucket).replace("DATABASE", self.database)
        return self.create(text, DefaultArguments=settings)

    def rows(self, prefix):
        keys = [key for key in self.keys(prefix) if not key.endswith("_SUCCESS")]
        bodies = [self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys]
        tables = [pq.ParquetFile(io.BytesIO(body)).read() for body in bodies]
        return sorted((row for table in tables for row in table.to_pylist()), key=str)


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("spark"), environment={"TENON_SCRIPTS_ENVIRONMENT": str(ENVIRONMENT)}).start()
    yield Spark(server)
    server.stop()


def test_frames_are_read_with_bookmarks_filtered_and_written(spark):
    job = spark.job(HEAD + """
frame = glueContext.create_dynamic_frame.from_catalog("DATABASE", "t", transformation_ctx="source")
kept = frame.filter(lambda r: r["id"] > 0).map(lambda r: {**r, "v": r["v"] * 2})
glueContext.write_dynamic_frame.from_options(kept, "s3", {"path": "s3://BUCKET/out 1/", "partitionKeys": ["day"]}, "parquet")
job.commit()
""", **ENABLED)
    spark.run(job)
    files = spark.keys("out 1/")
    assert {key.split("/")[1] for key in files} == {"day=a b", "day=c"} and all(key.endswith(".parquet") for key in files), files
    assert spark.rows("out 1/") == [{"id": 1, "v": "xx"}, {"id": 2, "v": "yy"}, {"id": 3, "v": "zz"}]
    spark.put("t/day=c/2.csv", "id,v\n4,n\n")
    spark.run(job)
    spark.s3.delete_object(Bucket=spark.bucket, Key="t/day=c/2.csv")
    assert [row["id"] for row in spark.rows("out 1/")] == [1, 2, 3, 4], "only the new file, once"


def test_tables_of_the_catalog_functions_and_records(spark):
    job = spark.job(HEAD + """
from pyspark.sql.functions import udf
double = udf(lambda v: v * 2)
rows = spark.sql("select id, v, day from DATABASE.t where id > 1")
print(sorted(rows.select("id", double("v").alias("v"), "day").collect()))
print(glueContext.create_dynamic_frame.from_catalog("DATABASE", "t", push_down_predicate="day = 'c'").count())
print(sc.parallelize([1, 2, 3]).map(lambda n: n * n).sum(), spark.table("DATABASE.t").count())
from awsglue import gluetypes as g
kind = g.StructType([g.Field("a", g.LongType())])
rows = sc.parallelize([{"a": 1}, {"a": 2}])
print(glueContext.create_dynamic_frame.from_rdd(rows, "rows", kind).schema(), glueContext.create_dynamic_frame_from_rdd(rows, "rows").count())
print(glueContext._jvm is sc._jvm)
""")
    printed = spark.log("output", spark.run(job)["Id"])
    assert printed == ["[Row(id=2, v='yy', day='a b'), Row(id=3, v='zz', day='c')]", "2", "14 4",
                       "StructType(Field('a', LongType())) 2", "True"]


def test_a_script_without_the_library_reaches_this_s3_alone(spark):
    job = spark.job("""
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("plain").getOrCreate()
spark.range(3).write.parquet("s3://BUCKET/plain/")
print(spark.read.parquet("s3a://BUCKET/plain/").count(), spark.conf.get("spark.hadoop.fs.s3a.endpoint"), spark.conf.get("spark.x"))
""", **{"--conf": "spark.x=it's so --conf spark.jars=" + ",".join(map(str, jars()))})
    assert spark.log("output", spark.run(job)["Id"]) == [f"3 {spark.server.endpoint} it's so"]


def test_jars_from_buckets_and_what_java_says(spark):
    there = [spark.put(f"jars/{jar.name}", jar.read_bytes()) for jar in jars()]
    text = 'from awsglue.context import GlueContext\nprint(GlueContext().spark_session.read.csv("s3://BUCKET/FOLDER").count())\n'
    settings = {"--extra-jars": ",".join(there), "--conf": "spark.x=1"}
    run = spark.run(spark.job(text.replace("FOLDER", "t/day=c/"), **settings))
    assert spark.log("output", run["Id"])[-1] == "3"
    missing = spark.fails(spark.job(text.replace("FOLDER", "nothing/"), **settings))
    assert "PATH_NOT_FOUND" in missing and "nothing" in missing
    without = spark.fails(spark.job(text.replace("FOLDER", "t/"), **{"--conf": "spark.x=1"}))
    assert "org.apache.hadoop.fs.s3a.S3AFileSystem not found" in without, without


def test_output_of_one_commit(spark):
    text = HEAD + 'spark.range(5).write.parquet("s3://BUCKET/atomic/")\nprint(spark.read.parquet("s3://BUCKET/atomic/").count())\n'
    failing = spark.job(text + "raise ValueError('no')\n", **{"--output-commit": "atomic"})
    assert spark.fails(failing) == "ValueError: no" and spark.keys("atomic/") == []
    run = spark.run(spark.job(text, **{"--output-commit": "atomic"}))
    assert "5" in spark.log("output", run["Id"]) and len(spark.rows("atomic/")) == 5
