"""FillMissingValues on values that are known and hidden: how near it comes, by visual jobs and by scripts."""

import io
import json
import random
import re

import pyarrow.parquet as pq
import pytest

from glue_scripts import Scripts
from test_jobs import Glue

BASE = {"flat": 80_000, "house": 300_000, "hut": 10_000}
SCRIPT = '''
import sys
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from awsglueml.transforms import FillMissingValues
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
glueContext = GlueContext(SparkContext.getOrCreate())
homes = glueContext.create_dynamic_frame.from_options("s3", {"paths": [f"s3://{args['bucket']}/homes/"]}, "json")
filled = FillMissingValues.apply(frame=homes, missing_values_column="price")
filled = FillMissingValues.apply(filled, "kind", "kind_known", stageThreshold=1)
glueContext.write_dynamic_frame.from_options(filled, "s3", {"path": f"s3://{args['bucket']}/out/"}, "parquet")
FillMissingValues.apply(homes, "id", "price")
'''


def homes():
    """Prices that follow from area and kind with an error of a few thousand, kinds that follow from the ranges of heights; every
    tenth row hides one or the other."""
    chance = random.Random(7)
    rows, hidden = [], []
    for number in range(3_000):
        kind = chance.choice(sorted(BASE))
        area = chance.uniform(20, 200)
        height = {"flat": 25, "house": 10, "hut": 3}[kind] + chance.uniform(-2, 2)
        price = BASE[kind] + 2_000 * area + chance.gauss(0, 3_000)
        row = {"id": f"h{number}", "area": round(area, 2), "height": round(height, 2), "city": chance.choice("ABCDE"),
               "kind": kind, "price": round(price, 2), "address": {"street": number}}
        hidden.append(dict(row))
        if number % 10 == 0:
            row["price"] = None
        if number % 10 == 5:
            row["kind"] = chance.choice(["", None])
        rows.append(row)
    return rows, hidden


def lines(rows):
    return "\n".join(json.dumps(row) for row in rows)


def read(world, prefix):
    pages = world.s3.get_paginator("list_objects_v2").paginate(Bucket=world.bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", []) if entry["Key"].endswith(".parquet")]
    bodies = [world.s3.get_object(Bucket=world.bucket, Key=key)["Body"].read() for key in keys]
    return {row["id"]: row for body in bodies for row in pq.ParquetFile(io.BytesIO(body)).read().to_pylist()}


def check(found, rows, hidden):
    """Every tenth price within 15,000 (five times its error), nineteen in twenty kinds; what is there is as it was."""
    right = 0
    for row, truth in zip(rows, hidden, strict=True):
        mine = found[row["id"]]
        if row["price"] is None:
            assert mine["price"] is None and abs(mine["price_filled"] - truth["price"]) < 15_000, (mine, truth)
        else:
            assert mine["price_filled"] == mine["price"] == row["price"], mine
        if row["kind"]:
            assert mine["kind_known"] == mine["kind"] == row["kind"], mine
        else:
            assert mine["kind"] == row["kind"] and mine["kind_known"] in BASE, mine
            right += mine["kind_known"] == truth["kind"]
    assert right >= 285, f"{right} of 300 kinds are right"


def graph(world):
    return {
        "s": {"S3JsonSource": {"Name": "s", "Paths": [world.path("homes")], "Recurse": True}},
        "p": {"FillMissingValues": {"Name": "p", "Inputs": ["s"], "ImputedPath": "price"}},
        "k": {"FillMissingValues": {"Name": "k", "Inputs": ["p"], "ImputedPath": "kind", "FilledPath": "kind_known"}},
        "o": {"S3GlueParquetTarget": {"Name": "o", "Inputs": ["k"], "Path": world.path("out")}},
    }


@pytest.fixture(scope="module")
def known():
    return homes()


def test_a_visual_job_comes_near_to_hidden_values(tenon, known):
    world = Glue(tenon)
    rows, hidden = known
    world.put("homes/a.json", lines(rows[:1000]))
    world.put("homes/b.json", lines(rows[1000:]))
    run = world.run(world.create(graph(world)))
    check(read(world, "out/"), rows, hidden)
    log = "\n".join(world.log("output", run["Id"]))
    # Less than of what is hidden: of some rows that are kept aside the kind is missing, too.
    explained = re.search(r"price: 300 rows lack it; learned by linear regression from 2700 rows; .* explains (\d+) % of the variance", log)
    assert explained and int(explained[1]) >= 90, log
    assert "kind: 300 rows lack it; learned by naive Bayes from 2700 rows" in log and "WARN" not in log, log
    assert "nested or bytes, or there are too many: address" in log


def test_a_script_comes_as_near(tenon, known):
    world = Scripts(tenon)
    rows, hidden = known
    world.put("homes/a.json", lines(rows))
    job = world.create(SCRIPT, DefaultArguments={"--bucket": world.bucket})
    # Its last line names a field that is there.
    assert "FilledPath price is a field of its input" in world.fails(job)
    check(read(world, "out/"), rows, hidden)
