"""CSV → filter → Parquet (snappy) partitioned by a column of eight values (`--values`), beside DuckDB and Polars scripts.

The peers are timed as whole processes on the file itself; Tenon's figure is from StartJobRun until the run is
SUCCEEDED, in a server that is already running, reading the same bytes from its bucket. Peak memory is the process's.
"""

import os
import pathlib
import subprocess
import time

import boto3
import psutil
from botocore.config import Config

import servers

MAKE = """
import sys, numpy, polars
rows, path, values = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
r = numpy.random.default_rng(1)
names = ["north", "south", "east", "west", "central", "coast", "island", "border"]
names = numpy.array(names if values == 8 else [f"area {n:04}" for n in range(values)])
with open(path, "wb") as out:
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        frame = polars.DataFrame({
            "id": numpy.arange(start, start + n), "customer": r.integers(1, 1_000_000, n),
            "region": names[r.integers(0, values, n)], "quantity": r.integers(0, 100, n),
            "price": numpy.round(r.random(n) * 1000, 2), "discount": numpy.round(r.random(n), 4),
            "note": numpy.char.add("order note ", r.integers(0, 100_000, n).astype(str)),
            "code": r.integers(10**9, 10**10, n),
        })
        frame.write_csv(out, include_header=start == 0)
"""
DUCKDB = """
import duckdb, sys
duckdb.sql(f"COPY (SELECT * FROM read_csv('{sys.argv[1]}') WHERE quantity > 20) TO '{sys.argv[2]}' "
           "(FORMAT parquet, COMPRESSION snappy, PARTITION_BY (region))")
"""
POLARS = """
import polars as pl, sys
pl.scan_csv(sys.argv[1]).filter(pl.col("quantity") > 20).sink_parquet(
    pl.PartitionBy(sys.argv[2], key="region", include_key=False), compression="snappy", mkdir=True)
"""


def script(options, text, *arguments):
    """Runs a peer's script; returns seconds and peak MiB of the whole process."""
    began = time.perf_counter()
    process = subprocess.Popen([options.peer_python, "-c", text, *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"a peer's script failed with status {status}")
    return {"seconds": time.perf_counter() - began, "peak_mib": usage.ru_maxrss / 1024}


COLUMNS = [
    ("id", "long"), ("customer", "long"), ("region", "string"), ("quantity", "long"), ("price", "double"),
    ("discount", "double"), ("note", "string"), ("code", "long"),
]


def nodes():
    """A CSV source gives text, as in Glue; the mapping gives the types that the peers infer."""
    mapping = [
        {"ToKey": name, "FromPath": [name], "FromType": "string", "ToType": kind, "Dropped": False}
        for name, kind in COLUMNS
    ]
    condition = {"Operation": "GT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["quantity"]}, {"Type": "CONSTANT", "Value": ["20"]}]}
    return {
        "source": {"S3CsvSource": {
            "Name": "source", "Paths": ["s3://bench/in/"], "Separator": "comma", "QuoteChar": "quote",
            "WithHeader": True, "Recurse": True}},
        "typed": {"ApplyMapping": {"Name": "typed", "Inputs": ["source"], "Mapping": mapping}},
        "filter": {"Filter": {
            "Name": "filter", "Inputs": ["typed"], "LogicalOperator": "AND", "Filters": [condition]}},
        "target": {"S3DirectTarget": {
            "Name": "target", "Inputs": ["filter"], "Path": "s3://bench/out/", "Format": "parquet",
            "Compression": "snappy", "PartitionKeys": [["region"]]}},
    }


def client(service, port):
    return boto3.client(
        service, endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="test", aws_secret_access_key="test",
        region_name="us-east-1", config=Config(s3={"addressing_style": "path"}),
    )


def tenon(home, csv):
    port = servers.free_port()
    with servers.tenon(home / "tenon", port) as (process, _):
        s3, glue = client("s3", port), client("glue", port)
        s3.create_bucket(Bucket="bench")
        s3.upload_file(str(csv), "bench", "in/data.csv")
        glue.create_job(
            Name="bench", Role="arn:aws:iam::000000000000:role/bench", Command={"Name": "glueetl"},
            CodeGenConfigurationNodes=nodes(),
        )
        watched, peak = psutil.Process(process.pid), 0
        began = time.perf_counter()
        run = glue.start_job_run(JobName="bench")["JobRunId"]
        while True:
            state = glue.get_job_run(JobName="bench", RunId=run)["JobRun"]
            peak = max(peak, watched.memory_info().rss / 2**20)
            if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
                break
            time.sleep(0.02)
        took = time.perf_counter() - began
        if state["JobRunState"] != "SUCCEEDED":
            raise RuntimeError(f"the run is {state['JobRunState']}: {state.get('ErrorMessage')}")
        return {"seconds": took, "peak_mib": peak}


def run(home: pathlib.Path, options):
    csv = home / "data.csv"
    subprocess.run([options.peer_python, "-m", "pip", "install", "--quiet", "numpy"], check=True)
    subprocess.run([options.peer_python, "-c", MAKE, str(options.rows), str(csv), str(options.values)], check=True)
    print(f"{options.rows:,} rows, {csv.stat().st_size / 1e6:,.0f} MB of CSV, {options.values:,} partitions")
    figures = {"rows": options.rows, "bytes": csv.stat().st_size, "values": options.values}
    for turn in range(3):  # in turn, so that a slow moment of the machine hits all alike
        for name, measure in {
            "tenon": lambda: tenon(home / f"t{turn}", csv),
            "duckdb": lambda: script(options, DUCKDB, csv, home / f"duckdb{turn}"),
            "polars": lambda: script(options, POLARS, csv, home / f"polars{turn}"),
        }.items():
            figures.setdefault(name, []).append(measure())
    best = {name: sorted(runs, key=lambda r: r["seconds"])[1] for name, runs in figures.items() if type(runs) is list}
    for name, median in best.items():
        ratio = best["tenon"]["seconds"] / median["seconds"]
        print(f"{name:8} {median['seconds']:.2f} s   {median['peak_mib']:.0f} MiB   tenon/{name} {ratio:.2f}")
    return figures
