"""Jobs beside DuckDB and Polars scripts of the same work.

`job`: CSV → filter → Parquet (snappy) partitioned by a column of eight values (`--values`); `json`: the same of JSON lines;
`sorted`: Parquet → sorted by two columns → Parquet; `join`: two Parquet files joined and aggregated with less memory than either takes
(`engine.memory`, DuckDB's `memory_limit`; Polars has no such limit); `growth`: `job` of a hundredth, a tenth and the whole of
`--rows`, drawn as `plots/growth.png`. The peers are timed as whole processes on the files themselves; Tenon's figure is from
StartJobRun until the run is SUCCEEDED, in a server that is already running, reading the same bytes from its bucket. Peak memory
is the process's.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Callable

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
writer = None
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
        if path.endswith("other.parquet"):
            frame = frame.select("id", "quantity", "code", "note").sample(fraction=1, shuffle=True, seed=start)
        if path.endswith(".csv"):
            frame.write_csv(out, include_header=start == 0)
        elif path.endswith(".parquet"):
            import pyarrow.parquet
            table = frame.to_arrow()
            writer = writer or pyarrow.parquet.ParquetWriter(out, table.schema, compression="snappy")
            writer.write_table(table)
        else:
            frame.write_ndjson(out)
    if writer:
        writer.close()
"""
DUCKDB = """
import duckdb, sys
duckdb.sql("SET enable_progress_bar = false")
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


SORTED_DUCKDB = """
import duckdb, sys
duckdb.sql("SET enable_progress_bar = false")
duckdb.sql(f"COPY (SELECT * FROM read_parquet('{sys.argv[1]}') ORDER BY customer, id) TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION snappy)")
"""
SORTED_POLARS = """
import polars as pl, sys
pl.scan_parquet(sys.argv[1]).sort("customer", "id").sink_parquet(sys.argv[2], compression="snappy")
"""
PLOT = """
import json, sys
import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot
figures = json.load(open(sys.argv[1]))
pictures, (times, memory) = pyplot.subplots(1, 2, figsize=(11, 4.5))
for axes, what, unit in ((times, "seconds", "seconds"), (memory, "peak_mib", "peak memory, MiB")):
    for peer in ("tenon", "duckdb", "polars"):
        medians = [sorted(one[peer], key=lambda run: run["seconds"])[1][what] for one in figures]
        axes.plot([one["rows"] for one in figures], medians, marker="o", label=peer)
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel=unit)
    axes.grid(True, which="both", alpha=0.3)
times.legend()
pictures.suptitle("CSV to filtered, partitioned Parquet: medians of three runs on one machine")
pictures.tight_layout()
pictures.savefig(sys.argv[2], dpi=120)
"""
JOIN = (
    "SELECT a.region AS region, count(*) AS n, sum(a.price * b.quantity) AS total, max(concat(a.note, b.note)) AS last "
    "FROM a JOIN b ON a.id = b.id GROUP BY a.region"
)
JOIN_MEMORY_MIB = 256
JOIN_DUCKDB = f"""
import duckdb, sys
duckdb.sql("SET memory_limit = '{JOIN_MEMORY_MIB}MiB'; SET enable_progress_bar = false")
a, b = (duckdb.read_parquet(path) for path in sys.argv[1:3])
duckdb.sql("{JOIN}").write_parquet(sys.argv[3])
"""
JOIN_POLARS = """
import polars as pl, sys
a, b = (pl.scan_parquet(path) for path in sys.argv[1:3])
a.join(b, on="id").group_by("region").agg(
    pl.len(), (pl.col("price") * pl.col("quantity_right")).sum(), (pl.col("note") + pl.col("note_right")).max()
).sink_parquet(sys.argv[3])
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


def place(file, name="source"):
    return {"Name": name, "Paths": [f"s3://bench/in/{file}"], "Recurse": True}


def target(inputs, **more):
    return {"S3DirectTarget": {
        "Name": "target", "Inputs": [inputs], "Path": "s3://bench/out/", "Format": "parquet", "Compression": "snappy", **more}}


def split(file):
    """A CSV source gives text, as in Glue; the mapping gives the types that the peers infer. JSON has types."""
    mapping = [
        {"ToKey": name, "FromPath": [name], "FromType": "string", "ToType": kind, "Dropped": False}
        for name, kind in COLUMNS
    ]
    condition = {"Operation": "GT", "Values": [
        {"Type": "COLUMNEXTRACTED", "Value": ["quantity"]}, {"Type": "CONSTANT", "Value": ["20"]}]}
    if file.endswith(".csv"):
        first = {
            "source": {"S3CsvSource": {**place(file), "Separator": "comma", "QuoteChar": "quote", "WithHeader": True}},
            "typed": {"ApplyMapping": {"Name": "typed", "Inputs": ["source"], "Mapping": mapping}},
        }
    else:
        first = {"typed": {"S3JsonSource": place(file, "typed")}}
    return {
        **first,
        "filter": {"Filter": {
            "Name": "filter", "Inputs": ["typed"], "LogicalOperator": "AND", "Filters": [condition]}},
        "target": target("filter", PartitionKeys=[["region"]]),
    }


def queried(query, **files):
    """Parquet files by the names that a query has for them."""
    aliases = [{"From": name, "Alias": name} for name in files]
    return {
        **{name: {"S3ParquetSource": place(file, name)} for name, file in files.items()},
        "query": {"SparkSQL": {"Name": "query", "Inputs": list(files), "SqlQuery": query, "SqlAliases": aliases}},
        "target": target("query"),
    }


@dataclass
class Work:
    """A job, and what its peers run on the same files; `settings` are the server's."""

    files: list[str]
    nodes: dict[str, Any]
    duckdb: str
    polars: str
    settings: tuple[str, ...] = ()


WORKS: dict[str, Callable[[], Work]] = {
    "job": lambda: Work(["data.csv"], split("data.csv"), DUCKDB, POLARS),
    "json": lambda: Work(["data.json"], split("data.json"), DUCKDB, POLARS),
    "sorted": lambda: Work(["data.parquet"], queried("SELECT * FROM a ORDER BY customer, id", a="data.parquet"),
                           SORTED_DUCKDB, SORTED_POLARS),
    "join": lambda: Work(["data.parquet", "other.parquet"], queried(JOIN, a="data.parquet", b="other.parquet"),
                         JOIN_DUCKDB, JOIN_POLARS, ("--set", f"engine.memory={JOIN_MEMORY_MIB}MiB")),
}


def client(service, port):
    return boto3.client(
        service, endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="test", aws_secret_access_key="test",
        region_name="us-east-1", config=Config(s3={"addressing_style": "path"}),
    )


def tenon(home, work, files):
    port = servers.free_port()
    with servers.tenon(home / "tenon", port, *work.settings) as (process, _):
        s3, glue = client("s3", port), client("glue", port)
        s3.create_bucket(Bucket="bench")
        for file in files:
            s3.upload_file(str(file), "bench", f"in/{file.name}")
        glue.create_job(
            Name="bench", Role="arn:aws:iam::000000000000:role/bench", Command={"Name": "glueetl"},
            CodeGenConfigurationNodes=work.nodes,
        )
        watched, peak = psutil.Process(process.pid), 0
        began = time.perf_counter()
        run = glue.start_job_run(JobName="bench")["JobRunId"]
        while True:
            state = glue.get_job_run(JobName="bench", RunId=run)["JobRun"]
            peak = max(peak, watched.memory_info().rss / 2**20)
            if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
                break
            time.sleep(0.05)  # each look takes the cores some milliseconds from what is measured
        took = time.perf_counter() - began
        if state["JobRunState"] != "SUCCEEDED":
            raise RuntimeError(f"the run is {state['JobRunState']}: {state.get('ErrorMessage')}")
        return {"seconds": took, "peak_mib": peak}


def beside(home: pathlib.Path, options, name: str, rows: int):
    """Medians of three runs each over files of so many rows; the files and what was written from them are removed."""
    work = WORKS[name]()
    files = [home / file for file in work.files]
    subprocess.run([options.peer_python, "-m", "pip", "install", "--quiet", "numpy", "pyarrow"], check=True)
    for file in files:
        subprocess.run([options.peer_python, "-c", MAKE, str(rows), str(file), str(options.values)], check=True)
    size = sum(file.stat().st_size for file in files)
    print(f"{name}: {rows:,} rows, {size / 1e6:,.0f} MB of {work.files[0].rpartition('.')[2]}, {options.values:,} values")
    figures = {"rows": rows, "bytes": size, "values": options.values}
    for turn in range(3):  # in turn, so that a slow moment of the machine hits all alike
        for peer, measure in {
            "tenon": lambda out: tenon(out, work, files),
            "duckdb": lambda out: script(options, work.duckdb, *files, out),
            "polars": lambda out: script(options, work.polars, *files, out),
        }.items():
            out = home / f"{peer}{turn}"
            figures.setdefault(peer, []).append(measure(out))
            shutil.rmtree(out) if out.is_dir() else out.unlink()
    for file in files:
        file.unlink()
    medians = {peer: median(runs) for peer, runs in figures.items() if type(runs) is list}
    for peer, found in medians.items():
        ratio = medians["tenon"]["seconds"] / found["seconds"]
        print(f"{peer:8} {found['seconds']:.2f} s   {found['peak_mib']:.0f} MiB   tenon/{peer} {ratio:.2f}")
    return figures


def median(runs):
    return sorted(runs, key=lambda run: run["seconds"])[1]


def of(name: str):
    """The part of the benchmark that a piece of work is."""
    return lambda home, options: beside(home, options, name, options.rows)


def run_growth(home: pathlib.Path, options):
    figures = [beside(home, options, "job", options.rows // part) for part in (100, 10, 1)]
    plots = pathlib.Path(__file__).parent / "plots"
    plots.mkdir(exist_ok=True)
    (home / "growth.json").write_text(json.dumps(figures))
    subprocess.run([options.peer_python, "-m", "pip", "install", "--quiet", "matplotlib"], check=True)
    subprocess.run([options.peer_python, "-c", PLOT, str(home / "growth.json"), str(plots / "growth.png")], check=True)
    return figures
