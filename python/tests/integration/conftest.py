"""Starts what scripts need: a Tenon server (TENON_BIN), buckets, crawls. Scripts run as processes of their own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]

_spec = importlib.util.spec_from_file_location("tenon_servers", ROOT / "tests/e2e/conftest.py")
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

name = servers.name
wait_until = servers.wait_until


@pytest.fixture(scope="session")
def tenon(tmp_path_factory):
    server = servers.Server(tmp_path_factory.mktemp("tenon"), ["--ephemeral"]).start()
    # Tests that use the library in this process use this server.
    os.environ.update(AWS_ENDPOINT_URL=server.endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
                      AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def glue_context(tenon):
    """A context on an engine inside this process."""
    from pyspark.context import SparkContext

    from awsglue.context import GlueContext

    return GlueContext(SparkContext.getOrCreate())


@pytest.fixture
def run_script(tenon, tmp_path):
    """Runs a script as a process: `run(text, "--JOB_NAME", "x")`."""

    def run(text, *arguments, check=True, environment=None):
        script = tmp_path / "script.py"
        script.write_text(text)
        paths = os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
        # Not the engine of this process: a script starts its own.
        inherited = {k: v for k, v in tenon.environ().items() if not k.startswith(("SPARK_", "SAIL_", "AWS_ALLOW"))}
        done = subprocess.run(
            [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=300,
            env={**inherited, "PYTHONPATH": paths, **(environment or {})},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}")
        return done

    return run


class Data:
    """A bucket and a database of a test's own."""

    def __init__(self, tenon):
        self.tenon = tenon
        self.s3 = tenon.client("s3")
        self.glue = tenon.client("glue")
        self.bucket = tenon.bucket("glue")
        self.database = name("db")
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.bucket}/{key}"

    def url(self, key=""):
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def crawl(self, prefix):
        """Crawls a prefix and returns the tables."""
        crawl(self.tenon, self.bucket, prefix, self.database)
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def parquet(self, prefix):
        """The rows of all Parquet files under a prefix, sorted as text."""
        import io

        import pyarrow.parquet as parquet

        rows = []
        for key in self.keys(prefix):
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            rows += parquet.ParquetFile(io.BytesIO(body)).read().to_pylist()
        return sorted(rows, key=repr)


def crawl(tenon, bucket, prefix, database):
    glue = tenon.client("glue")
    crawler = name("crawler")
    glue.create_crawler(Name=crawler, Role="arn:aws:iam::000000000000:role/crawler", DatabaseName=database,
                        Targets={"S3Targets": [{"Path": f"s3://{bucket}/{prefix}"}]})
    glue.start_crawler(Name=crawler)
    wait_until(lambda: glue.get_crawler(Name=crawler)["Crawler"]["State"] == "READY", "the crawl to end")
    last = glue.get_crawler(Name=crawler)["Crawler"]["LastCrawl"]
    assert last["Status"] == "SUCCEEDED", last


@pytest.fixture
def data(tenon):
    return Data(tenon)
