"""Writes Apache Hudi tables by hand, as their technical specification has them (table versions 6 and 8)."""

import io
import json
import uuid
from urllib.parse import quote

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

META = ["_hoodie_commit_time", "_hoodie_commit_seqno", "_hoodie_record_key", "_hoodie_partition_path", "_hoodie_file_name"]
AVRO = {pa.int64(): "long", pa.int32(): "int", pa.string(): "string", pa.float64(): "double"}

STRINGS = {"type": "array", "items": "string"}
STAT = {
    "name": "HoodieWriteStat", "type": "record",
    "fields": [{"name": name, "type": ["null", "string"], "default": None} for name in ("fileId", "path", "prevCommit", "partitionPath")]
    + [{"name": name, "type": ["null", "long"], "default": None} for name in ("numWrites", "numInserts", "fileSizeInBytes")],
}


def optional(kind):
    return ["null", kind]


COMMIT = {
    "namespace": "org.apache.hudi.avro.model", "type": "record", "name": "HoodieReplaceCommitMetadata",
    "fields": [
        {"name": "partitionToWriteStats", "type": optional({"type": "map", "values": {"type": "array", "items": STAT}}), "default": None},
        {"name": "extraMetadata", "type": optional({"type": "map", "values": "string"}), "default": None},
        {"name": "operationType", "type": optional("string"), "default": None},
        {"name": "partitionToReplaceFileIds", "type": optional({"type": "map", "values": STRINGS}), "default": None},
    ],
}
ROLLBACK = {
    "namespace": "org.apache.hudi.avro.model", "type": "record", "name": "HoodieRollbackMetadata",
    "fields": [
        {"name": "startRollbackTime", "type": "string"},
        {"name": "timeTakenInMillis", "type": "long"},
        {"name": "totalFilesDeleted", "type": "int"},
        {"name": "commitsRollback", "type": STRINGS},
        {"name": "instantsRollback", "default": [], "type": {"type": "array", "items": {
            "type": "record", "name": "HoodieInstantInfo",
            "fields": [{"name": "commitTime", "type": "string"}, {"name": "action", "type": "string"}]}}},
    ],
}


def avro(schema, record):
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), [record], codec="deflate")
    return out.getvalue()


class HudiTable:
    """A table in a folder, and the rows that it must hold. Rows are dictionaries with the key `id`."""

    def __init__(self, folder, schema, partitions=(), version=6, kind="COPY_ON_WRITE", hive_style=False, encoded=False, **properties):
        self.folder, self.schema, self.partitions, self.version, self.kind = folder, schema, list(partitions), version, kind
        self.hive_style, self.encoded = hive_style, encoded
        self.clock = 20260101000000000
        # Rows by file group: (partition path, file id) to id to row.
        self.groups = {}
        self.instants = []
        self.properties = {
            "hoodie.table.name": folder.name, "hoodie.table.type": kind, "hoodie.table.version": version,
            "hoodie.timeline.layout.version": 2 if version >= 8 else 1, "hoodie.table.base.file.format": "PARQUET",
            "hoodie.table.recordkey.fields": "id", "hoodie.populate.meta.fields": "true",
            "hoodie.datasource.write.drop.partition.columns": "false",
            "hoodie.datasource.write.hive_style_partitioning": str(hive_style).lower(),
            "hoodie.datasource.write.partitionpath.urlencode": str(encoded).lower(), "hoodie.timeline.path": "timeline",
            "hoodie.table.timeline.timezone": "UTC",
            **({"hoodie.table.partition.fields": ",".join(self.partitions)} if partitions else {}),
            **properties,
        }
        self.timeline = folder / ".hoodie" / ("timeline" if version >= 8 else "")
        self.timeline.mkdir(parents=True)
        self.describe()

    def describe(self):
        lines = [f"{name}={value}".replace("://", "\\://") for name, value in self.properties.items()]
        (self.folder / ".hoodie" / "hoodie.properties").write_text("#Properties saved\n" + "\n".join(lines) + "\n")

    def rows(self):
        rows = [row for group in self.groups.values() for row in group.values()]
        return sorted((tuple(row.get(field.name) for field in self.schema) for row in rows), key=repr)

    # Instants

    def tick(self):
        self.clock += 1000
        return str(self.clock)

    def begin(self, action):
        instant = self.tick()
        (self.timeline / f"{instant}.{action}.requested").write_bytes(b"")
        (self.timeline / (f"{instant}.inflight" if action == "commit" else f"{instant}.{action}.inflight")).write_bytes(b"")
        return instant

    def complete(self, instant, action, stats, replaced=None):
        record = {
            "partitionToWriteStats": stats, "extraMetadata": {"schema": json.dumps(self.avro_schema())},
            "operationType": "INSERT_OVERWRITE" if replaced else "UPSERT",
            **({"partitionToReplaceFileIds": replaced} if replaced is not None else {}),
        }
        body = avro(COMMIT, record) if self.version >= 8 else json.dumps(record).encode()
        self.finish(instant, action, body)
        self.instants.append((instant, action))

    def finish(self, instant, action, body):
        stamp = f"{instant}_{self.tick()}" if self.version >= 8 else instant
        (self.timeline / f"{stamp}.{action}").write_bytes(body)

    def avro_schema(self):
        fields = [{"name": f.name, "type": optional(AVRO[f.type]), "default": None} for f in self.schema]
        return {"type": "record", "name": "record", "namespace": "hoodie", "fields": fields}

    # Files

    def path_of(self, row):
        def one(name):
            text = "__HIVE_DEFAULT_PARTITION__" if row[name] is None else str(row[name])
            text = quote(text, safe="") if self.encoded else text
            return f"{name}={text}" if self.hive_style else text

        return "/".join(one(name) for name in self.partitions)

    def write(self, instant, partition, file_id, rows, token="0-1-0"):
        """A base file; gives what the commit says of it."""
        name = f"{file_id}_{token}_{instant}.parquet"
        rows = list(rows)
        columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in self.schema}
        of = [instant, f"{instant}_0", None, partition, name]
        meta = {META[n]: pa.array([of[n] if n != 2 else str(row["id"]) for row in rows], pa.string()) for n in range(5)}
        folder = self.folder / partition
        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / ".hoodie_partition_metadata"
        marker.write_text(f"commitTime={instant}\npartitionDepth={len(partition.split('/')) if partition else 0}\n")
        pq.write_table(pa.table({**meta, **columns}), folder / name)
        path = f"{partition}/{name}" if partition else name
        return {"fileId": file_id, "path": path, "prevCommit": "null", "partitionPath": partition,
                "numWrites": len(rows), "numInserts": len(rows), "fileSizeInBytes": (folder / name).stat().st_size}

    def staged(self, rows, deletes=()):
        """What file groups hold once these rows are written: only those that change."""
        changed = {}
        for row in rows:
            partition = self.path_of(row)
            known = [key for key, group in self.groups.items() if row["id"] in group and key[0] == partition]
            own = known or [key for key in changed if key[0] == partition and key not in self.groups] or [(partition, f"{uuid.uuid4()}-0")]
            changed.setdefault(own[0], dict(self.groups.get(own[0], {})))[row["id"]] = row
        for key, group in self.groups.items():
            for gone in set(deletes) & set(group):
                changed.setdefault(key, dict(group)).pop(gone)
        return changed

    def files(self, instant, changed):
        stats = {}
        for (partition, file_id), rows in changed.items():
            stats.setdefault(partition, []).append(self.write(instant, partition, file_id, rows.values()))
        return stats

    # What writers do

    def upsert(self, rows, deletes=()):
        action = "deltacommit" if self.kind == "MERGE_ON_READ" else "commit"
        instant, changed = self.begin(action), self.staged(rows, deletes)
        self.complete(instant, action, self.files(instant, changed))
        self.groups.update(changed)
        return instant

    def hang(self, rows):
        """A write that is under way, or whose writer died."""
        instant = self.begin("commit")
        self.files(instant, self.staged(rows))
        return instant

    def roll_back(self, rows):
        """A write that was rolled back, one of whose files was written after that."""
        instant = self.hang(rows)
        for file in self.timeline.glob(f"{instant}.*"):
            file.unlink()
        rollback = self.begin("rollback")
        info = [{"commitTime": instant, "action": "commit"}]
        record = {"startRollbackTime": rollback, "timeTakenInMillis": 1, "totalFilesDeleted": 0, "commitsRollback": [instant], "instantsRollback": info}
        self.finish(rollback, "rollback", avro(ROLLBACK, record))
        return instant

    def insert_overwrite(self, partition, rows):
        """Replaces all file groups of a partition."""
        instant = self.begin("replacecommit")
        old = [key for key in self.groups if key[0] == partition]
        new = {(partition, f"{uuid.uuid4()}-0"): {row["id"]: row for row in rows}} if rows else {}
        self.complete(instant, "replacecommit", self.files(instant, new), {partition: [file_id for _, file_id in old]})
        for key in old:
            del self.groups[key]
        self.groups.update(new)
        return instant

    def log(self, rows, key=None):
        """Rows in a log file (its content is not read here); the rows of the read-optimised view stay."""
        instant = self.begin("deltacommit")
        partition, file_id = key or next(iter(self.groups))
        base = max((f.name.split("_")[2].split(".")[0] for f in (self.folder / partition).glob(f"{file_id}_*.parquet")), default=instant)
        name = f".{file_id}_{base if self.version < 8 else instant}.log.1_0-1-0"
        (self.folder / partition).mkdir(parents=True, exist_ok=True)
        (self.folder / partition / name).write_bytes(b"#HUDI#" + json.dumps(rows).encode())
        path = f"{partition}/{name}" if partition else name
        stat = {"fileId": file_id, "path": path, "prevCommit": base, "partitionPath": partition, "numWrites": len(rows), "numInserts": 0, "fileSizeInBytes": 6}
        self.complete(instant, "deltacommit", {partition: [stat]})
        return instant

    def archive(self, count):
        """Moves the oldest completed instants out of the active timeline."""
        for instant, _ in self.instants[:count]:
            for file in [*self.timeline.glob(f"{instant}.*"), *self.timeline.glob(f"{instant}_*")]:
                file.unlink()
        del self.instants[:count]
        (self.folder / ".hoodie" / "archived").mkdir(exist_ok=True)

    def clean(self):
        """Deletes what is not of the newest slices, and groups that were replaced."""
        completed = {instant for instant, _ in self.instants}
        for file in self.folder.rglob("*_*_*.parquet"):
            partition = file.parent.relative_to(self.folder).as_posix().lstrip(".")
            file_id, _, rest = file.name.split("_")
            instant = rest.split(".")[0]
            others = [f.name.split("_")[2].split(".")[0] for f in file.parent.glob(f"{file_id}_*.parquet")]
            newest = max((other for other in others if other in completed), default="")
            if instant in completed and ((partition, file_id) not in self.groups or instant < newest):
                file.unlink()


def oracle(folder, columns):
    """The rows that Hudi's own native reader finds in base files."""
    from hudi import HudiReadOptions, HudiTable as Native

    options = HudiReadOptions().with_hudi_option("hoodie.read.use.read_optimized.mode", "true")
    batches = Native(str(folder)).read(options)
    rows = [row for batch in batches for row in pa.table(batch).to_pylist()] if batches else []
    return sorted((tuple(row[column] for column in columns) for row in rows), key=repr)
