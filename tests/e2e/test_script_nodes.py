"""The script that `tenon job script` writes for a graph, run as a job of its own, gives the rows that the engine gives: a
matrix over every kind of node that runs, and over all that its fields change."""

import csv
import gzip
import io
import json
import subprocess

import pyarrow.parquet as pq
import pytest

from conftest import binary, name, wait_until
from fields_nodes import CASES, members
from test_job_nodes import ELSEWHERE, KINDS, World
from test_jobs import FINAL

# Their scripts are tested where there are databases: python/tests/integration/test_databases.py.
OF_DATABASES = ELSEWHERE - {"EvaluateDataQuality", "EvaluateDataQualityMultiFrame"}
RULES = 'Rules = [ IsComplete "name", ColumnValues "id" > 1, RowCountMatch "o" = 1.0 ]'
ALIKE = {"Ruleset": 'Rules = [ IsComplete "name", Mean "id" between 1 and 9 ]'}


def of_quality(kind, **fields):
    """All three frames of a collection, or the one that it hands on."""
    def graph(world, node):
        nodes = {"src": world.json("src"), "other": world.json("other"), "n": {kind: node}}
        if kind == "EvaluateDataQuality":
            return {**nodes, "out": world.parquet("n", "out")}
        for index in range(3):
            nodes[f"c{index}"] = {"SelectFromCollection": {"Name": "c", "Inputs": ["n"], "Index": index}}
            nodes[f"out{index}"] = world.parquet(f"c{index}", f"out{index}")
        return nodes
    return graph, fields


QUALITY = {
    "EvaluateDataQuality": (*of_quality("EvaluateDataQuality", Inputs=["src"], **ALIKE), {
        "Output": {"Output": "EvaluationResults"},
        "Gate": {"StopJobOnFailureOptions": {"StopJobOnFailureTiming": "Immediate"}}}),
    "EvaluateDataQualityMultiFrame": (*of_quality(
        "EvaluateDataQualityMultiFrame", Inputs=["src", "other"], Ruleset=RULES, AdditionalDataSources={"other": "o"}), {
        "method": {"AdditionalOptions": {"compositeRuleEvaluation.method": "ROW"},
                   "Ruleset": 'Rules = [ (IsComplete "name") and (ColumnValues "id" > 1) ]'}}),
}
ALL = {**CASES, **QUALITY}


# Changes of a field after which the engine fails, as it should; and what such a change is compared with.
FAILING = {("S3CsvSource", "Separator"), ("S3CsvSource", "QuoteChar"), ("CatalogTarget", "PartitionKeys"),
           ("S3CatalogTarget", "PartitionKeys"), ("S3DeltaCatalogTarget", "PartitionKeys"), ("S3IcebergCatalogTarget", "PartitionKeys"),
           ("S3DeltaCatalogTarget", "SchemaChangePolicy.EnableUpdateCatalog"),
           *((f"S3{format}{kind}Target", "AdditionalOptions.partitionOverwriteMode")
             for format in ("Delta", "Iceberg") for kind in ("Direct", "Catalog"))}
WITHOUT_COMPARED = {("SparkSQL", "SqlAliases"), ("DynamicTransform", "Parameters.IsOptional")}


def variants(kind):
    """The case of a kind as it is, and once for each of its fields."""
    _, base, changes = ALL[kind]
    found = [base]
    for field, change in changes.items():
        if (kind, field) in FAILING:
            continue
        change = dict(change)
        instead = change.pop("instead of", None)
        if instead is not None and (kind, field) not in WITHOUT_COMPARED:
            found.append({**base, **instead})
        found.append({**base, **change})
    return found


def numbered(nodes, number):
    """A graph whose nodes and folders are its own, so that several can be one."""
    made = {}
    for own, node in nodes.items():
        [(kind, body)] = node.items()
        body = dict(body)
        for field in ("Inputs", "Source"):
            if field in body:
                of = body[field]
                body[field] = [f"{one}_{number}" for one in of] if field == "Inputs" else f"{of}_{number}"
        for field in ("Columns", "SqlAliases"):
            if field in body and isinstance(body[field][0], dict):
                body[field] = [{**one, "From": f"{one['From']}_{number}"} for one in body[field]]
        if "AdditionalDataSources" in body:
            body["AdditionalDataSources"] = {f"{one}_{number}": alias for one, alias in body["AdditionalDataSources"].items()}
        if "Path" in body and kind != "DynamicTransform":
            body["Path"] += f"{number}/"
        made[f"{own}_{number}"] = {kind: body}
    return made


class Both(World):
    """Runs a graph on the engine, or as its script."""

    def text(self, nodes):
        job = self.create(nodes)
        environment = {**self.server.environ(), "AWS_ACCESS_KEY_ID": self.bucket.removeprefix("nodes-")}
        return subprocess.run([binary(), "job", "script", job], env=environment, capture_output=True, text=True)

    def __init__(self, server):
        super().__init__(server)
        self.server = server

    def job(self, nodes, as_script):
        if not as_script:
            return self.create(nodes)
        done = self.text(nodes)
        assert done.returncode == 0, done.stderr
        own = name("job")
        self.put(f"code/{own}.py", done.stdout)
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/code/{own}.py"}
        modules = {body["Path"] for node in nodes.values() for body in node.values() if body.get("Path", "").endswith(".py")
                   and not body["Path"].startswith("s3://aws-glue-studio-")}
        self.client.create_job(Name=own, Role="role", Command=command,
                               DefaultArguments={"--extra-py-files": ",".join(sorted(modules))})
        return own

    def left(self, nodes, as_script):
        """The rows of each folder that a run has written to, and the tables."""
        job = self.job(nodes, as_script)
        before = {key for key in self.everything() if not key.startswith(("out", "sample"))}
        for key in self.everything() - before:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        run = self.start(job)

        def ended():
            found = self.get(job, run)
            return found if found["JobRunState"] in FINAL else None

        found = wait_until(ended, f"{run} to end", 120)
        assert found["JobRunState"] == "SUCCEEDED", (found.get("ErrorMessage"), self.log("error", run))
        rows = {}
        # Of an open format the rows count that its table has, and not what lies in its folders.
        for key in self.everything() - before:
            if "/_delta_log/" not in key and "/metadata/" not in key:
                rows.setdefault(key.rsplit("/", 1)[0], []).extend(self.values(key))
        tables = [self.described(database, own) for database in (self.database, self.second)
                  for own in ("made", "named", "narrow", "wide", "wide2", "ice", "ice3", "ice4")]
        logs = [self.delta_rows(folder) for folder in ("delta-out", "delta-out-2", "thin-delta", "parted-delta", "thin-delta-second")]
        return {folder: sorted(values, key=repr) for folder, values in rows.items() if values}, tables, logs

    def values(self, key):
        """A file's rows, whatever the order of their columns; JSON has no nulls."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        if key.endswith(".parquet"):
            rows = pq.ParquetFile(io.BytesIO(body)).read().to_pylist()
        elif key.endswith(".csv"):
            rows = csv.DictReader(io.StringIO(body.decode()))
        elif key.endswith(".json"):
            rows = [{name: value for name, value in json.loads(line).items() if value is not None}
                    for line in body.decode().splitlines()]
        elif key.endswith(".json.gz"):
            rows = map(json.loads, gzip.decompress(body).decode().splitlines())
        else:
            raise AssertionError(key)
        return [sorted(row.items()) for row in rows]


@pytest.fixture(scope="module")
def both(tenon):
    return Both(tenon)


def test_every_kind_that_runs_is_tested():
    assert set(KINDS) == set(ALL) | OF_DATABASES


@pytest.mark.parametrize("kind", [kind for kind in ALL if not kind.endswith("Target")])
def test_a_script_gives_the_rows_of_the_engine(both, kind):
    graph, nodes = ALL[kind][0], {}
    for number, case in enumerate(variants(kind)):
        nodes.update(numbered(graph(both, members({"Name": "own"}, case, both)), number))
    wanted = both.left(nodes, as_script=False)[0]
    assert wanted
    assert sampled(both.left(nodes, as_script=True)[0]) == sampled(wanted)


def sampled(rows):
    """Which records are a sample nobody has said, where it is not of all: how many there are counts, and that all are of the input."""
    found = {}
    for folder, own in rows.items():
        whole = rows.get(folder.replace("sample", "out"))
        if folder.startswith("sample") and whole is not None and len(own) < len(whole):
            assert all(row in whole for row in own), folder
            own = len(own)
        found[folder] = own
    return found


@pytest.mark.parametrize("kind,field", [
    (kind, field) for kind in ALL if kind.endswith("Target") for field in [None, *ALL[kind][2]]
    if (kind, field) not in FAILING])
def test_the_script_of_a_target_leaves_what_the_engine_leaves(tenon, kind, field):
    graph, base, changes = ALL[kind]
    change = dict(changes.get(field) or {})
    change.pop("instead of", None)
    of_engine, of_script = ((both := Both(tenon)).left(
        graph(both, members({"Name": "own", **base}, change, both)), as_script) for as_script in (False, True))
    assert of_engine[0] and of_script == of_engine
