"""How the catalog grows: one table from 1 thousand to 1 million partitions, then 10,000 tables.

    bench/run.py catalog                        as a part of the whole
    bench/catalog.py --partitions 100000        alone, up to fewer partitions

Figures are milliseconds as boto3 sees them (the client's own work included), medians of 20 calls.
"""

import argparse
import itertools
import pathlib
import random
import statistics
import sys
import tempfile
import time

import boto3
from botocore.config import Config

import servers

STEPS = (1_000, 10_000, 100_000, 1_000_000)
TABLES = 10_000
CALLS = 20
BATCH = 100
HOURS, REGIONS = 24, 100
DATABASE = "bench"


def client(port):
    return boto3.client(
        "glue", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="bench",
        aws_secret_access_key="bench", config=Config(retries={"max_attempts": 1}, parameter_validation=False),
    )


def partitions():
    """Days of 24 hours in 100 regions, in the order in which data arrives."""
    for day in itertools.count():
        date = f"{2000 + day // 336}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}"
        for hour, region in itertools.product(range(HOURS), range(REGIONS)):
            yield [date, str(hour), f"r{region:02}"]


def described(values):
    location = f"s3://lake/t/day={values[0]}/hour={values[1]}/region={values[2]}/"
    return {"Values": values, "StorageDescriptor": {"Location": location, "Columns": [{"Name": "id", "Type": "bigint"}]}}


def median_ms(call, arguments):
    took = []
    for argument in arguments:
        began = time.perf_counter()
        call(argument)
        took.append((time.perf_counter() - began) * 1_000)
    return statistics.median(took)


def expect(rows, at_least):
    if len(rows) < at_least:
        raise RuntimeError(f"{len(rows)} rows instead of at least {at_least}")


def measure(glue, known, source):
    """The figures of one size; `known` are values of partitions that are there."""
    table = {"DatabaseName": DATABASE, "TableName": "t"}
    some = random.Random(len(known)).sample(known, CALLS)

    def filtered(expression):
        expect(glue.get_partitions(**table, Expression=expression, MaxResults=100)["Partitions"], 1)

    def create(batch):
        expect([1] * (1 - len(glue.batch_create_partition(**table, PartitionInputList=batch)["Errors"])), 1)

    batches = [[described(next(source)) for _ in range(BATCH)] for _ in range(CALLS)]
    figures = {
        "GetPartition": median_ms(lambda v: glue.get_partition(**table, PartitionValues=v), some),
        "GetPartitions, all keys": median_ms(
            lambda v: filtered(f"day = '{v[0]}' AND hour = {v[1]} AND region = '{v[2]}'"), some),
        "GetPartitions, day and hour": median_ms(
            lambda v: filtered(f"day = '{v[0]}' AND hour BETWEEN {v[1]} AND {int(v[1])}"), some),
        "GetPartitions, region and day range": median_ms(
            lambda v: filtered(f"region = '{v[2]}' AND day >= '{v[0]}'"), some),
        "GetPartitions, first page of all": median_ms(
            lambda _: expect(glue.get_partitions(**table, MaxResults=100)["Partitions"], 100), some),
        "BatchCreatePartition of 100": median_ms(create, batches),
    }
    known.extend(entry["Values"] for batch in batches for entry in batch)
    return figures


def grow(glue, up_to):
    keys = [{"Name": "day", "Type": "date"}, {"Name": "hour", "Type": "int"}, {"Name": "region", "Type": "string"}]
    glue.create_table(DatabaseName=DATABASE, TableInput={
        "Name": "t", "PartitionKeys": keys, "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "bigint"}]}})
    source, known, results = partitions(), [], {}
    for step in [step for step in STEPS if step <= up_to]:
        began = time.perf_counter()
        while len(known) < step:
            batch = [next(source) for _ in range(BATCH)]
            glue.batch_create_partition(
                DatabaseName=DATABASE, TableName="t", PartitionInputList=[described(values) for values in batch])
            known.extend(batch)
        print(f"{step:>9,} partitions after another {time.perf_counter() - began:.0f} s", file=sys.stderr)
        results[step] = measure(glue, known, source)
    return results


def many_tables(glue):
    for number in range(TABLES):
        glue.create_table(DatabaseName=DATABASE, TableInput={
            "Name": f"table_{number:05}", "Description": f"orders of shop number{number}", "Parameters": {"k": "v"},
            "StorageDescriptor": {"Columns": [{"Name": f"c{i}", "Type": "string"} for i in range(20)]}})
    some = random.Random(1).sample(range(TABLES), CALLS)
    return {
        "GetTable": median_ms(lambda n: glue.get_table(DatabaseName=DATABASE, Name=f"table_{n:05}"), some),
        "GetTables, page of 100": median_ms(
            lambda _: expect(glue.get_tables(DatabaseName=DATABASE)["TableList"], 100), some),
        "GetTables, by pattern": median_ms(
            lambda n: expect(glue.get_tables(DatabaseName=DATABASE, Expression=f".*_{n:05}")["TableList"], 1), some),
        "SearchTables, a rare word": median_ms(
            lambda n: expect(glue.search_tables(SearchText=f"number{n}")["TableList"], 1), some),
        "SearchTables, a word of all, sorted": median_ms(
            lambda _: expect(glue.search_tables(
                SearchText="orders", SortCriteria=[{"FieldName": "UpdateTime", "Sort": "DESC"}])["TableList"], 100),
            some[:5]),
    }


def run(home, options):
    port = servers.free_port()
    with servers.tenon(home, port) as (process, _):
        glue = client(port)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        by_size = grow(glue, getattr(options, "partitions", STEPS[-1]))
        tables = many_tables(glue)
        memory = servers.resident_mib(process)
    sizes = list(by_size)
    print("| one table, ms (median of 20) | " + " | ".join(f"{size:,} partitions" for size in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in by_size[sizes[0]]:
        print(f"| {name} | " + " | ".join(f"{by_size[size][name]:.1f}" for size in sizes) + " |")
    print(f"\n| {TABLES:,} tables, ms (median) | |\n|---|---|")
    for name, took in tables.items():
        print(f"| {name} | {took:.1f} |")
    print(f"\nmemory of the server at the end: {memory:.0f} MiB")
    return {"partitions": {str(size): figures for size, figures in by_size.items()}, "tables": tables, "mib": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partitions", type=int, default=STEPS[-1], help="the largest size")
    with tempfile.TemporaryDirectory(prefix="tenon-bench-") as scratch:
        run(pathlib.Path(scratch), parser.parse_args())


if __name__ == "__main__":
    main()
