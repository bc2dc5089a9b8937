"""Measures Tenon beside its peers on this machine, in one run, and prints ratios.

    make bench                         everything
    bench/run.py start s3 job catalog  the parts named
    bench/run.py job --rows 1000000    a smaller job
    bench/run.py job --values 1000     one with a thousand partitions
    bench/run.py script                a Glue script beside PySpark and a visual job
    bench/run.py sorted join           Parquet sorted; two tables joined with less memory than they take
    bench/run.py growth --rows 100000000   a million, ten and a hundred million rows, and a chart of them

Peers are installed into an environment of their own (`~/.cache/tenon/bench-venv`). Absolute numbers belong to the
machine; the ratios are what `README.md` beside this file records.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import catalog
import crawl
import job
import s3
import script
import start

PARTS = {
    "start": start.run, "s3": s3.run, **{name: job.of(name) for name in job.WORKS}, "catalog": catalog.run, "crawl": crawl.run,
    "script": script.run,
}
# Only when they are named: they take long.
LONG = {"growth": job.run_growth}
PEERS = ["ministack", "moto[server]", "duckdb", "polars", "psutil", "boto3"]


def peer_python() -> str:
    """The Python of the environment that holds the peers; makes it the first time."""
    home = pathlib.Path(os.environ.get("TENON_BENCH_VENV", pathlib.Path.home() / ".cache/tenon/bench-venv"))
    stamp = home / ".peers"
    if not stamp.exists() or stamp.read_text() != repr(PEERS):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin/python", "-m", "pip", "install", "--quiet", *PEERS], check=True)
        stamp.write_text(repr(PEERS))
    return str(home / "bin/python")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS | LONG)}; when none is named all but {', '.join(LONG)}")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the job's input")
    parser.add_argument("--values", type=int, default=8, help="values of the column that partitions the job's output")
    parser.add_argument("--objects", type=int, default=100_000, help="objects of the large crawl")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures to this file")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS | LONG)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}")
    options.peer_python = peer_python()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="tenon-bench-") as scratch:
        for part in options.parts or PARTS:
            home = pathlib.Path(scratch) / part
            home.mkdir()
            figures[part] = (PARTS | LONG)[part](home, options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
