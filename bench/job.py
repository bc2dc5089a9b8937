"""A file → filter → Parquet (snappy) partitioned by a column of eight values (`--values`), beside DuckDB and Polars scripts.

`job` reads CSV, `json` the same rows as JSON lines, `growth` CSV of a hundredth, a tenth and the whole of `--rows`. The peers are timed as whole processes on the file itself; Tenon's figure is from StartJobRun until the run is
SUCCEEDED, in a server that is already running, reading the same bytes from its bucket. Peak memory is the process's.
"""

import os
import pathlib
import shutil
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
        if path.endswith(".csv"):
            frame.write_csv(out, include_header=start == 0)
        else:
            frame.write_ndjson(out)
"""
DUCKDB = """
import duckdb, sys
read = "read_csv" if sys.argv[1].endswith(".csv") else "read_json"
duckdb.sql(f"COPY (SELECT * FROM {read}('{sys.argv[1]}') WHERE quantity > 20) TO '{sys.argv[2]}' "
           "(FORMAT parquet, COMPRESSION snappy, PARTITION_BY (region))")
"""
POLARS = """
import polars as pl, sys
scan = pl.scan_csv if sys.argv[1].endswith(".csv") else pl.scan_ndjson
scan(sys.argv[1]).filter(pl.col("quantity") > 20).sink_parquet(
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


def nodes(name):
    """A CSV source gives text, as in Glue; the mapping gives the types that the peers infer. JSON has types."""
    mapping = [
        {"ToKey": name, "FromPath": [name], "FromType": "string", "ToType": kind, "Dropped": False}
        for name, kind in COLUMNS
    ]
    condition = {"Operation": "GT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["quantity"]}, {"Type": "CONSTANT", "Value": ["20"]}]}
    place = {"Name": "source", "Paths": [f"s3://bench/in/{name}"], "Recurse": True}
    if name.endswith(".csv"):
        first = {
            "source": {"S3CsvSource": {**place, "Separator": "comma", "QuoteChar": "quote", "WithHeader": True}},
            "typed": {"ApplyMapping": {"Name": "typed", "Inputs": ["source"], "Mapping": mapping}},
        }
    else:
        first = {"typed": {"S3JsonSource": {**place, "Name": "typed"}}}
    return {
        **first,
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


def tenon(home, file):
    port = servers.free_port()
    with servers.tenon(home / "tenon", port) as (process, _):
        s3, glue = client("s3", port), client("glue", port)
        s3.create_bucket(Bucket="bench")
        s3.upload_file(str(file), "bench", f"in/{file.name}")
        glue.create_job(
            Name="bench", Role="arn:aws:iam::000000000000:role/bench", Command={"Name": "glueetl"},
            CodeGenConfigurationNodes=nodes(file.name),
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


def beside(home: pathlib.Path, options, name: str, rows: int):
    """Medians of three runs each over a file of so many rows; the file and what was written from it are removed."""
    file = home / name
    subprocess.run([options.peer_python, "-m", "pip", "install", "--quiet", "numpy"], check=True)
    subprocess.run([options.peer_python, "-c", MAKE, str(rows), str(file), str(options.values)], check=True)
    size = file.stat().st_size
    print(f"{rows:,} rows, {size / 1e6:,.0f} MB of {name.rpartition('.')[2]}, {options.values:,} partitions")
    figures = {"rows": rows, "bytes": size, "values": options.values}
    for turn in range(3):  # in turn, so that a slow moment of the machine hits all alike
        for peer, measure in {
            "tenon": lambda out: tenon(out, file),
            "duckdb": lambda out: script(options, DUCKDB, file, out),
            "polars": lambda out: script(options, POLARS, file, out),
        }.items():
            out = home / f"{peer}{turn}"
            figures.setdefault(peer, []).append(measure(out))
            shutil.rmtree(out)
    file.unlink()
    medians = {peer: sorted(runs, key=lambda r: r["seconds"])[1] for peer, runs in figures.items() if type(runs) is list}
    for peer, median in medians.items():
        ratio = medians["tenon"]["seconds"] / median["seconds"]
        print(f"{peer:8} {median['seconds']:.2f} s   {median['peak_mib']:.0f} MiB   tenon/{peer} {ratio:.2f}")
    return figures


def run(home: pathlib.Path, options):
    return beside(home, options, "data.csv", options.rows)


def run_json(home: pathlib.Path, options):
    return beside(home, options, "data.json", options.rows)


def run_growth(home: pathlib.Path, options):
    return [beside(home, options, "data.csv", options.rows // part) for part in (100, 10, 1)]
