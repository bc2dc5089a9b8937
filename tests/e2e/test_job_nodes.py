"""Nodes of visual jobs: docs/job-nodes.md says what each field of each kind does, and every acting one changes what comes
out; refused ones are refused by name; the page knows every kind and field of AWS's model."""

import hashlib
import io
import json
import pathlib
import re

import botocore.session
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

import fields_nodes
from fields_nodes import CASES, members
from fields_tables import account
from test_jobs import Glue

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "job-nodes.md"
# Their fields are tested elsewhere: where there are databases (test_job_databases.py, test_job_deliveries.py,
# test_job_keys.py), and with the rules of data quality.
ELSEWHERE = {
    "DirectJDBCSource", "MySQLCatalogSource", "PostgreSQLCatalogSource", "RelationalCatalogSource", "EvaluateDataQuality",
    "EvaluateDataQualityMultiFrame",
    "JDBCConnectorSource", "JDBCConnectorTarget", "MySQLCatalogTarget", "PostgreSQLCatalogTarget",
}


def page():
    """Kind → field → what happens to it; and the refused kinds."""
    kinds, refused, own = {}, {}, None
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            own = refused if line == "## Refused" else None
        elif line.startswith("### "):
            own = kinds.setdefault(line[4:], {})
        elif own is not None and line.startswith("| ") and not line.startswith("| kind") and not line.startswith("| field"):
            name, meaning = line.strip("| ").split(" | ", 1)
            own[name.strip("`")] = meaning
    return kinds, refused


KINDS, REFUSED = page()


def model():
    """Kind → its members, nested ones with dots, by botocore's model."""
    service = botocore.session.get_session().get_service_model("glue")

    def walk(shape, prefix, depth):
        for name, member in shape.members.items():
            path = f"{prefix}{name}"
            inner = member.member if member.type_name == "list" else member
            if depth < 2 and inner.type_name == "structure":
                yield path, list(walk(inner, f"{path}.", depth + 1))
            elif member.type_name == "map":
                yield path, [(f"{path}.*", [])]
            else:
                yield path, []

    return {kind: list(walk(shape, "", 0)) for kind, shape in service.shape_for("CodeGenConfigurationNode").members.items()}


def test_the_page_knows_every_kind_and_field_of_the_model():
    kinds = model()
    assert set(kinds) == set(KINDS) | set(REFUSED)

    def known(fields, path, inner):
        return path in fields or f"{path}.*" in fields or (inner and all(known(fields, *one) for one in inner))

    for kind, own in KINDS.items():
        missing = [path for path, inner in kinds[kind] if not known(own, path, inner)]
        assert not missing, (kind, missing)
        top = {path for path, _ in kinds[kind]}
        assert {field.split(".")[0] for field in own} <= top, kind


class World(Glue):
    """An account of its own, with files, tables and open tables."""

    def __init__(self, server):
        own = account()
        self.client, self.s3, self.logs = (server.client(s, access_key=own) for s in ("glue", "s3", "logs"))
        self.bucket, self.database, self.second = f"nodes-{own}", "d", "e"
        self.s3.create_bucket(Bucket=self.bucket)
        for database in (self.database, self.second):
            self.client.create_database(DatabaseInput={"Name": database})
        self.files()
        self.tables()

    def json(self, folder):
        return {"S3JsonSource": {"Name": folder, "Paths": [self.path(folder)], "Recurse": True}}

    def parquet(self, source, folder):
        return {"S3GlueParquetTarget": {"Name": folder, "Inputs": [source], "Path": self.path(folder)}}

    def files(self):
        rows = [
            {"id": 1, "day": "1", "name": "ann@example.com", "empty": "", "nil": "null", "minus": -1, "zero": 0, "ssn": "123-45-6789"},
            {"id": 2, "day": "1", "name": "b", "empty": "", "nil": "null", "minus": -1, "zero": 0, "ssn": "x"},
            {"id": 3, "day": "2", "name": "c", "empty": "", "nil": "null", "minus": -1, "zero": 0, "ssn": "x"},
        ]
        lines = [json.dumps(row) for row in rows]
        self.put("src/a.json", "\n".join(lines[:2]))
        self.put("src/b.json", lines[2])
        changed = [{**row, "id": row["id"] + 1, "name": f"{row['name']}+"} for row in rows]
        self.put("other/a.json", "\n".join(json.dumps(row) for row in changed[:1] + rows[2:]))
        self.put("third/a.json", json.dumps({**rows[0], "id": 9}))
        self.put("many/a.json", "\n".join(json.dumps({"id": number, "day": "1"}) for number in range(20_000)))
        texts = (hashlib.sha512(str(number).encode()).hexdigest() for number in range(30_000))
        self.put("large/a.json", "\n".join(json.dumps({"id": number, "name": text}) for number, text in enumerate(texts)))
        for folder, each in (("gaps", 3), ("gaps2", 5)):
            self.put(f"{folder}/a.json", "\n".join(json.dumps(self.gap(number, each)) for number in range(60)))
        self.put("csv/a.csv", 'a,b|c\n1,"x!,y|z"\n2,w\n')
        self.put("csv/b.csv", "a,b|c\n3,v\n")
        self.put("csv/deep/c.csv", "a,b|c\n4,u\n")
        self.put("csv2/a.csv", "a,b|c\n5,t\n")
        for module in ("say", "shout"):
            self.put(f"code/{module}.py", fields_nodes.MODULE.format(name=module))
        for folder in ("json", "parquet", "excel"):
            for key, number in (("a", 1), ("b", 2), ("deep/c", 3)):
                self.put(f"{folder}/{key}.{folder}", self.body(folder, [number, number + 10]))
            self.put(f"{folder}2/a.{folder}", self.body(folder, [4]))

    @staticmethod
    def gap(number, each):
        """A row whose price follows from its amount, and whose kind from its town; some rows lack one of them."""
        kind = "ab"[number * 7 % 11 % 2]
        return {"amount": number * 7 % 60, "price": None if number % 6 == 0 else each * (number * 7 % 60),
                "town": f"{kind} town", "kind": "" if number % 9 == 1 else kind}

    @staticmethod
    def body(kind, numbers):
        if kind == "json":
            return "\n".join(json.dumps({"n": number}) for number in numbers)
        out = io.BytesIO()
        table = pa.table({"n": numbers})
        if kind == "parquet":
            pq.write_table(table, out)
        else:
            table.to_pandas().to_excel(out, index=False)
        return out.getvalue()

    def tables(self):
        columns = [("id", "bigint"), ("day", "string"), ("name", "string")]
        for database, folder in ((self.database, "known"), (self.second, "known-2")):
            self.table(database, "known", folder, columns[:1], [("day", "string")])
            for day in ("1", "2"):
                self.put(f"{folder}/day={day}/a.json", f'{{"id": {day}{len(folder)}}}\n')
                self.put(f"{folder}/day={day}/b.json", f'{{"id": 7{day}}}\n')
                self.client.create_partition(DatabaseName=database, TableName="known", PartitionInput={
                    "Values": [day], "StorageDescriptor": self.descriptor(f"{folder}/day={day}", columns[:1])})
            self.table(database, "other", f"{folder}-other", columns[:1], [("day", "string")])
            # Those that are written to: with all columns, with one of them.
            for name, own in (("wide", columns), ("wide2", columns), ("narrow", columns[:1])):
                place = name if database == self.database else f"{name}-2"
                self.table(database, name, place, own[:1] + own[2:], [("day", "string")] if name != "narrow" else [])
        self.table(self.database, "thin", "thin", columns[:1], [], "parquet")
        self.open_tables()

    def descriptor(self, folder, columns, kind="json"):
        serdes = {"json": "org.openx.data.jsonserde.JsonSerDe",
                  "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
        return {"Location": self.path(folder), "Columns": [{"Name": n, "Type": t} for n, t in columns],
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": serdes[kind]}}

    def table(self, database, own, folder, columns, keys, kind="json"):
        self.client.create_table(DatabaseName=database, TableInput={
            "Name": own, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": kind},
            "PartitionKeys": [{"Name": n, "Type": t} for n, t in keys],
            "StorageDescriptor": self.descriptor(folder, columns, kind)})

    def open_tables(self):
        """Iceberg tables by a job, Delta tables by hand."""
        nodes = {"src": self.json("src"), "one": {"SelectFields": {"Name": "one", "Inputs": ["src"], "Paths": [["id"]]}}}
        for database, own, source in [
            (self.database, "ice", "one"), (self.database, "ice2", "src"), (self.second, "ice", "src"),
            (self.database, "ice3", "src"), (self.database, "ice4", "src"), (self.second, "ice3", "src"),
        ]:
            place = own if database == self.database else f"{own}-second"
            nodes[f"{database}-{own}"] = {"S3IcebergDirectTarget": {
                "Name": own, "Inputs": [source], "Path": self.path(place).rstrip("/"), "Format": "iceberg", "Compression": "snappy",
                "SchemaChangePolicy": {"EnableUpdateCatalog": True, "Database": database, "Table": own}}}
        self.run(self.create(nodes))
        for database, own, number, column, keys in [
            (self.database, "delta", 1, "n", []), (self.database, "delta2", 2, "n", []), (self.second, "delta", 3, "n", []),
            (self.database, "thin-delta", 4, "id", []), (self.second, "thin-delta", 5, "id", []),
            (self.database, "parted-delta", 6, "id", ["day"]),
        ]:
            place = own if database == self.database else f"{own}-second"
            fields = [(column, "long"), *((key, "string") for key in keys)]
            schema = {"type": "struct", "fields": [
                {"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in fields]}
            body = self.body("parquet", [number])
            self.put(f"{place}/a.parquet", body)
            actions = [
                {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
                {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(schema),
                              "partitionColumns": keys, "configuration": {}}},
                {"add": {"path": "a.parquet", "partitionValues": {key: "1" for key in keys}, "size": len(body), "modificationTime": 1,
                         "dataChange": True}},
            ]
            self.put(f"{place}/_delta_log/{0:020}.json", "\n".join(json.dumps(action) for action in actions))
            self.client.create_table(DatabaseName=database, TableInput={
                "Name": own, "TableType": "EXTERNAL_TABLE", "Parameters": {"table_type": "delta", "spark.sql.sources.provider": "delta"},
                "StorageDescriptor": {"Location": self.path(place), "Columns": [{"Name": column, "Type": "bigint"}]}})

    def outcome(self, nodes):
        """All that a run of the graph leaves, or why there is none."""
        try:
            job = self.create(nodes)
        except ClientError as error:
            return {"refused": error.response["Error"]["Message"]}
        before = {key for key in self.everything() if not key.startswith(("out", "sample"))}
        for key in self.everything() - before:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        run = self.wait(job, self.start(job))
        log = [line for line in self.log("output", run["Id"]) if line.startswith("plan: ") or "the sample has no rows" in line]
        return {
            "state": run["JobRunState"], "error": run.get("ErrorMessage"), "log": log,
            "files": self.written(self.everything() - before),
            "tables": [self.described(database, own) for database in (self.database, self.second)
                       for own in ("made", "named", "narrow", "wide", "wide2", "ice", "ice3", "ice4")],
            "logs": {folder: self.delta_rows(folder) for folder in ("thin-delta", "parted-delta", "thin-delta-second")},
        }

    def everything(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}

    def written(self, keys):
        """What is in each folder, by the endings of names: how rows are spread over files differs from run to run."""
        found = {}
        for key in sorted(keys):
            folder, file = key.rsplit("/", 1)
            found.setdefault(f"{folder}/*.{file.split('.', 1)[1]}", []).extend(self.content(key))
        return {place: sorted(lines) for place, lines in found.items()}

    def delta_rows(self, folder):
        """How many files were added to a Delta table and removed from it, and its columns."""
        found = []
        for key in sorted(self.everything()):
            if key.startswith(f"{folder}/_delta_log/"):
                body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()
                actions = [json.loads(line) for line in body.splitlines()]
                columns = [action["metaData"]["schemaString"] for action in actions if "metaData" in action]
                removed = sum("remove" in action for action in actions)
                found.append([removed, columns])
        return found

    def content(self, key):
        """Lines of a file; of metadata only that it is there."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        if "/metadata/" in key or "/_delta_log/" in key:
            return []
        if key.endswith(".parquet"):
            file = pq.ParquetFile(io.BytesIO(body))
            groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
            return [*{group.column(0).compression for group in groups}, *map(str, file.read().to_pylist())]
        return body.decode().splitlines() if key.endswith((".json", ".csv")) else [str(len(body))]

    def described(self, database, own):
        try:
            table = self.client.get_table(DatabaseName=database, Name=own)["Table"]
        except ClientError:
            return None
        partitions = self.client.get_partitions(DatabaseName=database, TableName=own)["Partitions"]
        place = re.sub(r"nodes-\w+", "*", table["StorageDescriptor"]["Location"])
        return [place, str(table["StorageDescriptor"]["Columns"]), [one["Values"] for one in partitions], self.records(table)]

    def records(self, table):
        """How many rows an Iceberg table has."""
        location = table.get("Parameters", {}).get("metadata_location")
        if location is None:
            return None
        bucket, key = location.removeprefix("s3://").split("/", 1)
        metadata = json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        current = [one for one in metadata["snapshots"] if one["snapshot-id"] == metadata["current-snapshot-id"]]
        return [snapshot["summary"]["total-records"] for snapshot in current]


@pytest.fixture(scope="module")
def shared(tenon):
    return World(tenon)


@pytest.fixture(scope="module")
def cache():
    return {}


def acting():
    for kind, fields in KINDS.items():
        if kind not in ELSEWHERE:
            yield from ((kind, field) for field, meaning in fields.items() if meaning.startswith("acts"))


@pytest.mark.parametrize("kind,field", acting())
def test_an_acting_field_changes_what_comes_out(tenon, shared, cache, kind, field):
    graph, base, changes = CASES[kind]
    change = dict({"Name": {"Name": "another"}, **changes}[field])
    instead = change.pop("instead of", {})
    writes = kind.endswith("Target")

    def outcome(extra):
        world = World(tenon) if writes else shared
        return world.outcome(graph(world, members({"Name": "own", **base}, extra, world)))

    known = json.dumps([kind, instead], default=repr)
    if known not in cache:
        cache[known] = outcome(instead)
    before = cache[known]
    assert before.get("state") == "SUCCEEDED" or instead, before
    after = outcome(change)
    assert after != before, after


def test_every_case_is_of_a_field_that_acts():
    for kind, (_, _, changes) in CASES.items():
        stray = [field for field in changes if not KINDS[kind].get(field, "").startswith("acts")]
        assert not stray, (kind, stray)


def test_a_field_that_acts_alone_is_refused_beside_the_other(shared):
    assert KINDS["S3CsvSource"]["SkipFirst"].startswith("acts; refused beside `WithHeader`")
    graph, base, _ = CASES["S3CsvSource"]
    refused = shared.outcome(graph(shared, members({"Name": "own", **base}, {"SkipFirst": True}, shared)))
    assert "SkipFirst is refused beside WithHeader" in str(refused), refused


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_kind_is_refused_with_its_reason(shared, kind):
    node = {kind: {"Name": "n", "Inputs": ["src"]}}
    required = botocore.session.get_session().get_service_model("glue").shape_for("CodeGenConfigurationNode").members[kind]
    node[kind] = {name: value for name, value in node[kind].items() if name in required.members}
    for name in required.required_members:
        node[kind].setdefault(name, sample(required.members[name]))
    with pytest.raises(ClientError) as error:
        shared.create({"src": shared.json("src"), "n": node})
    message = error.value.response["Error"]["Message"]
    assert f"node n ({kind}): this kind of node is not supported: {REFUSED[kind]}" in message


def sample(shape):
    """A value that fits the model."""
    if shape.type_name == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [sample(shape.member)]
    if shape.type_name == "map":
        return {}
    if shape.enum:
        return shape.enum[0]
    return {"string": "x", "integer": 1, "long": 1, "boolean": False, "double": 1.0}[shape.type_name]


# A graph with one of these runs as its script, so it can have no node that has none.
AS_SCRIPT = {"CustomCode", "DynamicTransform"}


@pytest.mark.parametrize("kinds", [set(CASES) - AS_SCRIPT, AS_SCRIPT], ids=["on the engine", "as a script"])
def test_a_graph_comes_back_as_it_was_given(shared, kinds):
    nodes = {"src": shared.json("src"), "lonely": shared.json("other")}
    for number, kind in enumerate(sorted(kinds)):
        graph, base, _ = CASES[kind]
        for own, node in graph(shared, members({"Name": f"ünï {number}", **base}, {}, shared)).items():
            inner = json.loads(json.dumps(node))
            for body in inner.values():
                if "Inputs" in body:
                    body["Inputs"] = [f"{one}{number}" for one in body["Inputs"]]
                for column in body.get("Columns") or []:
                    if isinstance(column, dict) and "From" in column:
                        column["From"] = f"{column['From']}{number}"
                for alias in body.get("SqlAliases", []):
                    alias["From"] = f"{alias['From']}{number}"
                if "Source" in body:
                    body["Source"] = f"{body['Source']}{number}"
                table = body.get("SchemaChangePolicy", {}).get("Table") or body.get("Table")
                if "Iceberg" in kind and table:
                    (body["SchemaChangePolicy"] if body.get("SchemaChangePolicy", {}).get("Table") else body)["Table"] = f"{table}{number}"
            nodes[f"{own}{number}"] = inner
    job = shared.create(nodes)
    assert shared.client.get_job(JobName=job)["Job"]["CodeGenConfigurationNodes"] == nodes
