"""The engine of a run, as its arguments choose it: a Spark Connect server elsewhere (here Sail in a process of its own)."""

import os
import pathlib
import subprocess

import pytest

from conftest import scripts_environment, wait_until
from glue_scripts import Scripts

CONNECT = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
print("sc://%s:%d" % server.listening_address, flush=True)
sys.stdin.read()
"""
ENGINE = """
import os, sys
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
context = GlueContext()
print(os.environ["TENON_SCRIPT_ENGINE"], os.environ["SPARK_REMOTE"], "--engine" in sys.argv, context.spark_session.range(3).count())
"""


@pytest.fixture
def scripts(tenon):
    return Scripts(tenon)


@pytest.fixture
def elsewhere(tenon, tmp_path):
    """The address of a Spark Connect server that is no child of ours."""
    program = tmp_path / "connect.py"
    program.write_text(CONNECT)
    variables = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": tenon.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
                 "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    process = subprocess.Popen([pathlib.Path(scripts_environment()) / "bin/python", program], env=variables, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    yield process.stdout.readline().strip()
    process.stdin.close()
    process.wait(60)


def test_a_run_names_its_engine(scripts, elsewhere):
    job = scripts.create(ENGINE)
    (line,) = scripts.log("output", scripts.run(job, Arguments={"--engine": elsewhere})["Id"])
    assert line == f"{elsewhere} {elsewhere} False 3"
    (line,) = scripts.log("output", scripts.run(job)["Id"])
    engine, remote, *rest = line.split()
    assert (engine, rest) == ("sail", ["False", "3"]) and remote != elsewhere
    by_its_long_name = elsewhere.replace("sc://", "spark-connect://")
    (line,) = scripts.log("output", scripts.run(job, Arguments={"--engine": by_its_long_name})["Id"])
    assert line.split()[:2] == [by_its_long_name, elsewhere]


def test_an_argument_that_names_no_engine_is_the_scripts(scripts):
    job = scripts.create("import sys\nprint(sys.argv[sys.argv.index('--engine') + 1])\n")
    run = scripts.run(job, Arguments={"--engine": "postgres", "--extra-jars": "s3://nowhere/x.jar"})
    assert scripts.log("output", run["Id"])[-1] == "postgres"
    told = "\n".join(scripts.log("output", run["Id"]) + scripts.log("error", run["Id"]))
    assert '--engine goes to the script: "postgres" is not one of sail, spark, sc://host:port' in told
    assert "--extra-jars has no effect: the engine sail has no JVM in this run" in told


def test_the_tables_of_the_catalog_without_the_engines_help(scripts, elsewhere):
    """This engine was not told of the Data Catalog."""
    scripts.put("t/day=1/a.csv", "id,v\n1,x\n2,y\n")
    glue, database = scripts.glue, scripts.bucket.replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_crawler(Name=database, Role="r", DatabaseName=database, Targets={"S3Targets": [{"Path": f"s3://{scripts.bucket}/t/"}]})
    glue.start_crawler(Name=database)
    wait_until(lambda: glue.get_crawler(Name=database)["Crawler"]["State"] == "READY", "the crawl")
    job = scripts.create(f'''
from awsglue.context import GlueContext
spark = GlueContext().spark_session
print(spark.sql("select id, v, day from {database}.t where id > 1").collect())
print(spark.table("{database}.t").count())
''')
    assert scripts.log("output", scripts.run(job, Arguments={"--engine": elsewhere})["Id"]) == ["[Row(id=2, v='y', day='1')]", "2"]
