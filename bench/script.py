"""A Glue script as users write it: 1,000 rows beside pip's PySpark on `local[2]`, 10 million beside a visual job of the same work.

Tenon is timed from StartJobRun until the run is seen SUCCEEDED, in a server that is already running; PySpark as a whole
process on the file itself. `cold` starts Python for the run (`scripts.pool = 0`), `warm` takes a process that waits. The script reads a crawled CSV table, keeps what has a quantity above 0 and writes Parquet
(snappy). PySpark has an environment of its own (`~/.cache/tenon/bench-spark`) and needs Java 17.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import psutil

import job
import servers

SCRIPT = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
datasource = glueContext.create_dynamic_frame.from_catalog(database = "my_database", table_name = "sales_csv")
transformed = datasource.filter(lambda x: x["quantity"] > 0)
glueContext.write_dynamic_frame.from_options(frame = transformed, connection_type = "s3", connection_options = {"path": "s3://my-bucket/sales-parquet/"}, format = "parquet", format_options = {"compression": "snappy"}, transformation_ctx = "write_parquet")
job.commit()
"""
SPARK = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
rows = spark.read.option("header", True).option("inferSchema", True).csv(sys.argv[1])
rows.filter(rows.quantity > 0).write.option("compression", "snappy").parquet(sys.argv[2])
"""
VISUAL = {
    "source": {"CatalogSource": {"Name": "source", "Database": "my_database", "Table": "sales_csv"}},
    "filter": {"Filter": {"Name": "filter", "Inputs": ["source"], "LogicalOperator": "AND", "Filters": [
        {"Operation": "GT", "Values": [
            {"Type": "COLUMNEXTRACTED", "Value": ["quantity"]}, {"Type": "CONSTANT", "Value": ["0"]}]}]}},
    "target": {"S3DirectTarget": {
        "Name": "target", "Inputs": ["filter"], "Path": "s3://my-bucket/sales-visual/", "Format": "parquet",
        "Compression": "snappy"}},
}
SMALL_ROWS = 1_000
TURNS = 5
LARGE_TURNS = 3


def spark_python() -> str:
    """The Python of the environment that holds PySpark; makes it the first time."""
    home = pathlib.Path(os.environ.get("TENON_BENCH_SPARK", pathlib.Path.home() / ".cache/tenon/bench-spark"))
    stamp = home / ".ready"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin/python", "-m", "pip", "install", "--quiet", "pyspark"], check=True)
        stamp.touch()
    return str(home / "bin/python")


class Sales:
    """What the script names, on a running server: a table by a crawl, a bucket, the job and its visual twin."""

    def __init__(self, port: int, file: pathlib.Path):
        self.glue, self.s3 = job.client("glue", port), job.client("s3", port)
        for bucket in ("my-bucket", "my-input"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.upload_file(str(file), "my-input", "sales_csv/sales.csv")
        self.s3.put_object(Bucket="my-input", Key="script.py", Body=SCRIPT)
        self.crawl()
        role, etl = "arn:aws:iam::000000000000:role/bench", {"Name": "glueetl"}
        script = {**etl, "ScriptLocation": "s3://my-input/script.py"}
        self.glue.create_job(Name="script", Role=role, Command=script)
        self.glue.create_job(Name="visual", Role=role, Command=etl, CodeGenConfigurationNodes=VISUAL)

    def crawl(self):
        self.glue.create_database(DatabaseInput={"Name": "my_database"})
        self.glue.create_crawler(
            Name="sales", Role="r", DatabaseName="my_database", Targets={"S3Targets": [{"Path": "s3://my-input/sales_csv/"}]})
        self.glue.start_crawler(Name="sales")
        while self.glue.get_crawler(Name="sales")["Crawler"]["State"] != "READY":
            time.sleep(0.02)

    def run(self, name: str) -> float:
        """Runs a job that has to succeed, and takes away what it wrote; seconds."""
        began = time.perf_counter()
        run = self.glue.start_job_run(JobName=name)["JobRunId"]
        while True:
            state = self.glue.get_job_run(JobName=name, RunId=run)["JobRun"]
            if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
                break
            time.sleep(0.01)
        took = time.perf_counter() - began
        if state["JobRunState"] != "SUCCEEDED":
            raise RuntimeError(f"the run of {name} is {state['JobRunState']}: {state.get('ErrorMessage')}")
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="my-bucket"):
            for entry in page.get("Contents", []):
                self.s3.delete_object(Bucket="my-bucket", Key=entry["Key"])
        return took


def spark(python: str, file: pathlib.Path, out: pathlib.Path) -> float:
    """Runs the same work on PySpark; seconds of the whole process."""
    began = time.perf_counter()
    subprocess.run([python, "-c", SPARK, str(file), str(out)], check=True, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - began
    shutil.rmtree(out)
    return took


def data(home: pathlib.Path, options, rows: int) -> pathlib.Path:
    file = home / f"sales-{rows}.csv"
    subprocess.run([options.peer_python, "-m", "pip", "install", "--quiet", "numpy"], check=True)
    subprocess.run([options.peer_python, "-c", job.MAKE, str(rows), str(file), "8"], check=True)
    return file


def pool_of(size: int):
    return "--set", f"scripts.pool={size}"


def anonymous_mib(process: int) -> float:
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon:"))


def idle_python_mib(server: int) -> float:
    """Waits until a process of the pool has imported everything (its memory stays); MiB without what it maps of files."""
    before, still = 0.0, 0
    while still < 10:
        time.sleep(0.2)
        waiting = [p for p in psutil.Process(server).children(recursive=True) if "tenon_pool" in p.cmdline()]
        now = anonymous_mib(waiting[0].pid) if waiting else 0.0
        still = still + 1 if now and now == before else 0
        before = now
    return before


def small(home: pathlib.Path, options, python: str):
    file = data(home, options, SMALL_ROWS)
    figures = {"rows": SMALL_ROWS, "cold": [], "warm": [], "pyspark": []}
    cold, warm = servers.free_port(), servers.free_port()
    with servers.tenon(home / "cold", cold, *pool_of(0)), servers.tenon(home / "warm", warm, *pool_of(1)) as (server, _):
        without, ready = Sales(cold, file), Sales(warm, file)
        for sales in (without, ready):
            sales.run("script")  # the first run on a data folder compiles the packages, and brings the pool
        for turn in range(TURNS):
            figures["cold"].append(without.run("script"))
            figures["idle_mib"] = idle_python_mib(server.pid)
            figures["warm"].append(ready.run("script"))
            figures["pyspark"].append(spark(python, file, home / f"spark{turn}"))
    print(f"a process that waits: {figures['idle_mib']:.0f} MiB of its own")
    return figures


def large(home: pathlib.Path, options):
    file = data(home, options, options.rows)
    figures = {"rows": options.rows, "bytes": file.stat().st_size, "script": [], "visual": []}
    port = servers.free_port()
    with servers.tenon(home / "large", port):
        sales = Sales(port, file)
        file.unlink()
        for _ in range(LARGE_TURNS):
            for name in ("script", "visual"):
                figures[name].append(sales.run(name))
    return figures


def shown(figures):
    """Prints medians, and the ratio of the first to each."""
    medians = {name: statistics.median(runs) for name, runs in figures.items() if isinstance(runs, list)}
    first = next(iter(medians))
    print(f"{figures['rows']:,} rows")
    for name, median in medians.items():
        ratio = medians[first] / median
        print(f"{name:8} {median:.2f} s   {first}/{name} {ratio:.2f}   ({', '.join(f'{s:.2f}' for s in figures[name])})")
    return figures


def run(home: pathlib.Path, options):
    environment = pathlib.Path.home() / ".cache/tenon/scripts"
    os.environ.setdefault("TENON_SCRIPTS_ENVIRONMENT", os.environ.get("TENON_SCRIPTS_VENV", str(environment)))
    return [shown(small(home, options, spark_python())), shown(large(home, options))]
