"""Formats that carry their own types, and compressed text: files that independent libraries wrote, crawled and queried."""

import bz2
import datetime as dt
import decimal
import gzip
import io
import json
import lzma
import struct
import zipfile
import zlib

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from test_crawler import Crawl, columns
from test_jobs import Glue, csv

D = decimal.Decimal
UTC = dt.timezone.utc


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


LEVEL_TWO = json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}})


# Compressed text

LINES = [[str(i), f"name {i} \u00e9", f"{i * 0.25}"] for i in range(5000)]
TEXT = ("id,name,price\n" + "".join(",".join(row) + "\n" for row in LINES)).encode()


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def raw_snappy(data):
    return pa.compress(data, codec="snappy", asbytes=True)


def framed_snappy(data):
    out = b"\xff\x06\x00\x00sNaPpY"
    for piece in pieces(data, 65536):
        crc = crc32c(piece)
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        chunk = struct.pack("<I", masked) + raw_snappy(piece)
        out += b"\x00" + struct.pack("<I", len(chunk))[:3] + chunk
    return out


def hadoop(encode, data):
    """Hadoop's blocks: the size of the content, then pieces with the size that each is stored in."""
    out = b""
    for block in pieces(data, 100_000):
        out += struct.pack(">I", len(block))
        for piece in pieces(block, 60_000):
            stored = encode(piece)
            out += struct.pack(">I", len(stored)) + stored
    return out


def stream(codec, data):
    sink = io.BytesIO()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(data)
        out.flush()
        return_value = sink
    return return_value.getvalue()


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, body in members.items():
            archive.writestr(member.replace("__", "."), body)
    return out.getvalue()


def deflated(data):
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


CODECS = {
    "gzip": ("gz", gzip.compress(TEXT), "gzip"),
    "bzip2": ("bz2", bz2.compress(TEXT), "bzip2"),
    "zstd": ("zst", pa.compress(TEXT, codec="zstd", asbytes=True), "zstd"),
    "xz": ("xz", lzma.compress(TEXT), "xz"),
    "lz4": ("lz4", pa.compress(TEXT, codec="lz4", asbytes=True), "lz4"),
    "hadoop_lz4": ("lz4", hadoop(lambda d: pa.compress(d, codec="lz4_raw", asbytes=True), TEXT), "lz4"),
    "snappy": ("snappy", framed_snappy(TEXT), "snappy"),
    "hadoop_snappy": ("snappy", hadoop(raw_snappy, TEXT), "snappy"),
    "zlib": ("deflate", zlib.compress(TEXT), "deflate"),
    "deflate": ("deflate", deflated(TEXT), "deflate"),
    "zip": ("zip", zipped(a__csv=TEXT), "zip"),
}


def test_compressed_text(crawl):
    for codec, (ending, body, _) in CODECS.items():
        crawl.put(f"{codec}/a.csv.{ending}", body)
    # Each folder a table: alike as they are, they would be partitions of one.
    crawl.create(Configuration=LEVEL_TWO).run()
    tables = crawl.tables()
    assert set(tables) == set(CODECS), crawl.log()
    for codec, (_, _, kind) in CODECS.items():
        assert tables[codec]["Parameters"]["compressionType"] == kind
        assert columns(tables[codec]) == [("id", "bigint"), ("name", "string"), ("price", "double")]
        sql = f'select count(*), sum(id), sum(price), min(name), max(name) from "{crawl.database}"."{codec}"'
        (row,) = crawl.query(sql)
        assert row[:2] == ["5000", str(sum(range(5000)))], codec
        assert float(row[2]) == sum(i * 0.25 for i in range(5000))
        assert row[3:] == [min(r[1] for r in LINES), max(r[1] for r in LINES)], codec
    rows = crawl.query(f'select id, name, price from "{crawl.database}"."hadoop_snappy" where id < 900 order by id')
    assert [[r[0], r[1], str(float(r[2]))] for r in rows] == LINES[:900]


def test_archives_of_several_members(crawl):
    crawl.put("two/a.zip", zipped(a__csv="id,v\n1,x\n2,y\n", b__csv="id,v\n3,z\n"))
    crawl.put("mixed/a.zip", zipped(a__csv="id,v\n1,x\n2,y\n", b__json='{"a": 1}\n'))
    crawl.create().run()
    assert set(crawl.tables()) == {"two"}
    assert crawl.query(f'select * from "{crawl.database}"."two" order by id') == [["1", "x"], ["2", "y"], ["3", "z"]]
    log = crawl.log()
    assert f"s3://{crawl.bucket}/mixed/a.zip: the members' formats differ" in log, log


# Avro

AVRO = {
    "type": "record", "name": "Order", "namespace": "shop",
    "fields": [
        {"name": "Id", "type": "long"},
        {"name": "small", "type": ["null", "int"]},
        {"name": "ratio", "type": "float"},
        {"name": "score", "type": ["null", "double"]},
        {"name": "ok", "type": ["null", "boolean"]},
        {"name": "name", "type": ["null", "string"]},
        {"name": "color", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "GREEN"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "ms", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "us", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "code", "type": {"type": "fixed", "name": "Four", "size": 4}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "int"}},
        {"name": "buyer", "type": {"type": "record", "name": "Buyer", "fields": [
            {"name": "Name", "type": "string"}, {"name": "age", "type": ["null", "int"]}]}},
    ],
}
AVRO_COLUMNS = [
    ("id", "bigint"), ("small", "int"), ("ratio", "float"), ("score", "double"), ("ok", "boolean"), ("name", "string"),
    ("color", "string"), ("price", "decimal(12,2)"), ("day", "date"), ("ms", "timestamp"), ("us", "timestamp"),
    ("code", "binary"), ("tags", "array<string>"), ("counts", "map<string,int>"), ("buyer", "struct<name:string,age:int>"),
]


def avro_row(i):
    return {
        "Id": i, "small": None if i % 3 else -i, "ratio": i / 2, "score": i / 8 if i % 2 else None,
        "ok": [None, True, False][i % 3], "name": f"n\u00e9{i}" if i % 4 else None, "color": ["RED", "GREEN"][i % 2],
        "price": D(i) / 4 - 3, "day": dt.date(1969, 12, 30) + dt.timedelta(days=i),
        "ms": dt.datetime(2024, 2, 29, 1, 2, 3, 456000, tzinfo=UTC) + dt.timedelta(hours=i),
        "us": dt.datetime(1960, 1, 1, 0, 0, 0, 7, tzinfo=UTC) if i % 2 else None,
        "code": b"ab%02d" % (i % 100), "tags": [f"t{j}" for j in range(i % 3)], "counts": {"k": i} if i % 2 else {},
        "buyer": {"Name": f"b{i}", "age": None if i % 2 else i},
    }


def avro_file(schema, rows, **options):
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, **options)
    return out.getvalue()


def shown(value):
    """A value as Athena's results show it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case dt.datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond:06d}"[:3]
        case D():
            return f"{value:.2f}"
        case bytes():
            return " ".join(f"{byte:02x}" for byte in value)
        case _:
            return str(value)


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_avro(crawl, codec):
    rows = [avro_row(i) for i in range(700)]
    crawl.put("orders/a.avro", avro_file(AVRO, rows[:400], codec=codec, sync_interval=4000))
    crawl.put("orders/b.avro", avro_file(AVRO, rows[400:], codec=codec))
    crawl.create().run()
    table = crawl.tables()["orders"]
    assert columns(table) == AVRO_COLUMNS
    assert table["Parameters"]["classification"] == "avro"
    assert table["Parameters"]["recordCount"] == "700"
    storage = table["StorageDescriptor"]
    assert storage["InputFormat"] == "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat"
    assert storage["OutputFormat"] == "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat"
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
    literal = json.loads(storage["SerdeInfo"]["Parameters"]["avro.schema.literal"])
    assert [field["name"] for field in literal["fields"]] == [field["name"] for field in AVRO["fields"]]
    plain = [column for column, kind in AVRO_COLUMNS[:11]]
    got = crawl.query(f'select {", ".join(plain)} from "{crawl.database}"."orders" order by id')
    names = [field["name"] for field in AVRO["fields"][:11]]
    assert got == [[shown(row[n]) for n in names] for row in rows]
    got = crawl.query(
        f'select code, tags, counts, buyer from "{crawl.database}"."orders" where id in (4, 5) order by id'
    )
    assert got == [["61 62 30 34", "[t0]", "{}", "{name=b4, age=4}"],
                   ["61 62 30 35", "[t0, t1]", "{k=5}", "{name=b5, age=null}"]]


def test_avro_files_that_grew(crawl):
    """Columns added, dropped, reordered and widened from one file to the next."""
    def record(*fields):
        return {"type": "record", "name": "Row", "fields": [{"name": n, "type": t} for n, t in fields]}

    old = record(("id", "int"), ("gone", "string"), ("ratio", "float"), ("a", "string"), ("b", "string"))
    new = record(("b", "string"), ("ratio", "double"), ("added", ["null", "string"]), ("id", "long"), ("a", "string"))
    crawl.put("grown/a.avro", avro_file(old, [{"id": 1, "gone": "g", "ratio": 0.5, "a": "a1", "b": "b1"}]))
    crawl.put("grown/b.avro", avro_file(new, [{"id": 2**40, "added": "x", "ratio": 0.1, "a": "a2", "b": "b2"}]))
    crawl.create().run()
    table = crawl.tables()["grown"]
    assert dict(columns(table)) == {
        "id": "bigint", "gone": "string", "ratio": "double", "a": "string", "b": "string", "added": "string"}
    assert "avro.schema.literal" not in table["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    got = crawl.query(f'select id, gone, ratio, added, a, b from "{crawl.database}"."grown" order by id')
    assert got == [["1", "g", "0.5", None, "a1", "b1"], [str(2**40), None, "0.1", "x", "a2", "b2"]]


# ORC and Parquet

TYPED = {
    "id": (pa.int64(), [1, 2, None], "bigint"),
    "small": (pa.int32(), [1, None, -3], "int"),
    "tiny": (pa.int8(), [1, 2, -128], "tinyint"),
    "short": (pa.int16(), [1, None, 32767], "smallint"),
    "ratio": (pa.float32(), [0.5, None, 2.5], "float"),
    "score": (pa.float64(), [0.1, 1e300, None], "double"),
    "ok": (pa.bool_(), [True, None, False], "boolean"),
    "name": (pa.string(), ["\u00e9", None, ""], "string"),
    "raw": (pa.binary(), [b"\x00\xff", None, b"z"], "binary"),
    "price": (pa.decimal128(12, 2), [D("1.25"), None, D("-9999999.99")], "decimal(12,2)"),
    "day": (pa.date32(), [dt.date(1969, 12, 31), None, dt.date(2024, 2, 29)], "date"),
    "at": (pa.timestamp("us"), [dt.datetime(1960, 1, 1, 0, 0, 1), None, dt.datetime(2024, 2, 29, 23, 59, 59, 999000)], "timestamp"),
    "tags": (pa.list_(pa.string()), [["a", "b"], [], None], "array<string>"),
    "counts": (pa.map_(pa.string(), pa.int32()), [[("k", 1)], None, []], "map<string,int>"),
    "buyer": (pa.struct([("name", pa.string()), ("age", pa.int32())]), [{"name": "b", "age": 1}, None, {"name": None, "age": None}],
              "struct<name:string,age:int>"),
}
TABLE = pa.table({column: pa.array(values, kind) for column, (kind, values, _) in TYPED.items()})


def orc_file(table, **options):
    out = io.BytesIO()
    orc.write_table(table, out, **options)
    return out.getvalue()


def parquet_file(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


FILES = {
    **{f"orc_{codec}": orc_file(TABLE, compression=codec) for codec in ("uncompressed", "zlib", "snappy", "lz4", "zstd")},
    **{f"parquet_{codec}": parquet_file(TABLE, compression=codec) for codec in ("none", "gzip", "snappy", "lz4", "zstd", "brotli")},
}
SERDES = {
    "orc": ("orc.OrcInputFormat", "orc.OrcOutputFormat", "orc.OrcSerde"),
    "parquet": ("parquet.MapredParquetInputFormat", "parquet.MapredParquetOutputFormat", "parquet.serde.ParquetHiveSerDe"),
}


def test_orc_and_parquet(crawl):
    for folder, body in FILES.items():
        crawl.put(f"{folder}/part-0", body)
    crawl.create().run()
    tables = crawl.tables()
    assert set(tables) == set(FILES), crawl.log()
    plain = list(TYPED)[:12]
    for folder, table in tables.items():
        kind = folder.split("_")[0]
        assert columns(table) == [(column, hive) for column, (_, _, hive) in TYPED.items()]
        assert table["Parameters"]["classification"] == kind
        assert table["Parameters"]["compressionType"] == "none"
        storage = table["StorageDescriptor"]
        found = (storage["InputFormat"], storage["OutputFormat"], storage["SerdeInfo"]["SerializationLibrary"])
        assert found == tuple(f"org.apache.hadoop.hive.ql.io.{part}" for part in SERDES[kind])
        got = crawl.query(f'select {", ".join(plain)} from "{crawl.database}"."{folder}" order by tiny desc')
        wanted = [[shown(TYPED[column][1][i]) for column in plain] for i in (1, 0, 2)]
        for row in [*got, *wanted]:
            row[5] = row[5] and float(row[5])
        assert got == wanted, folder
        got = crawl.query(f'select tags, counts, buyer from "{crawl.database}"."{folder}" order by tiny desc')
        assert got == [["[]", None, None], ["[a, b]", "{k=1}", "{name=b, age=1}"],
                       [None, "{}", "{name=null, age=null}"]], folder


@pytest.mark.parametrize("write", [orc_file, parquet_file], ids=["orc", "parquet"])
def test_files_that_grew(crawl, write):
    """Columns added, dropped, reordered, and widened: int to bigint, float to double, a decimal's precision."""
    old = pa.table({
        "id": pa.array([1], pa.int32()), "gone": pa.array(["g"]), "ratio": pa.array([0.5], pa.float32()),
        "price": pa.array([D("1.25")], pa.decimal128(7, 2)), "tiny": pa.array([7], pa.int8()),
        "who": pa.array([{"a": 1}], pa.struct([("a", pa.int32())])),
    })
    new = pa.table({
        "price": pa.array([D("123456789.99")], pa.decimal128(12, 2)), "added": pa.array([True]),
        "ratio": pa.array([0.1]), "id": pa.array([2**40]), "tiny": pa.array([300], pa.int32()),
        "who": pa.array([{"b": "x", "a": 2**40}], pa.struct([("b", pa.string()), ("a", pa.int64())])),
    })
    crawl.put("grown/a", write(old))
    crawl.put("grown/b", write(new))
    crawl.create().run()
    assert dict(columns(crawl.tables()["grown"])) == {
        "id": "bigint", "gone": "string", "ratio": "double", "price": "decimal(12,2)", "added": "boolean", "tiny": "int",
        "who": "struct<a:bigint,b:string>",
    }
    got = crawl.query(
        f'select id, gone, ratio, price, added, tiny, who from "{crawl.database}"."grown" order by id'
    )
    assert got == [
        ["1", "g", "0.5", "1.25", None, "7", "{a=1, b=null}"],
        [str(2**40), None, "0.1", "123456789.99", "true", "300", f"{{a={2**40}, b=x}}"],
    ]


@pytest.mark.parametrize("write", [orc_file, parquet_file], ids=["orc", "parquet"])
def test_files_that_contradict_each_other_within_a_column(crawl, write):
    for file, who in [("a", [{"a": 1}]), ("b", [{"a": [True]}])]:
        crawl.put(f"odd/{file}", write(pa.table({"id": pa.array([1]), "number": pa.array([1]), "who": pa.array(who)})))
    crawl.create().run()
    assert dict(columns(crawl.tables()["odd"]))["who"] == "struct<a:string>"
    assert "files contradict each other within the column who" in crawl.log()
    assert crawl.query(f'select sum(id) from "{crawl.database}"."odd"') == [["2"]]


def test_orc_timestamps_of_any_precision(crawl):
    moments = ["2026-01-01T01:02:03.123456789", "1970-01-01T00:00:00.5", "2038-01-19T03:14:08"]
    table = pa.table({"id": pa.array([1, 2, 3]), "t": pa.array(moments, pa.string()).cast(pa.timestamp("ns"))})
    crawl.put("at/a.orc", orc_file(table))
    crawl.create().run()
    got = crawl.query(f'select cast(t as varchar) from "{crawl.database}"."at" order by id')
    assert [row[0][:23] for row in got] == [
        "2026-01-01 01:02:03.123", "1970-01-01 00:00:00.500", "2038-01-19 03:14:08.000"
    ]
    # Writers store such fractions in different ways: an error, never another date.
    early = pa.table({"id": pa.array([4]), "t": pa.array(["1960-05-05T05:05:05.123456789"]).cast(pa.timestamp("ns"))})
    crawl.put("at/b.orc", orc_file(early))
    _, status = crawl.execute(f'select t from "{crawl.database}"."at"')
    assert status["State"] == "FAILED" and "at/b.orc" in status["StateChangeReason"], status
    # What will fail, the crawl says.
    crawl.run()
    assert f"s3://{crawl.bucket}/at/b.orc, column t: reading this column, which has timestamps before 1970 with a fraction " in crawl.log()


@pytest.mark.parametrize("write", [orc_file, parquet_file], ids=["orc", "parquet"])
def test_a_file_with_two_spellings_of_a_column_is_no_part_of_its_table(crawl, write):
    for file in ("a", "b"):
        crawl.put(f"t/{file}", write(pa.table({"id": pa.array([1])})))
    crawl.put("t/c", write(pa.table({"ID": pa.array([1]), "id": pa.array([2])})))
    crawl.create().run()
    assert "two columns are named id" in crawl.log()
    _, status = crawl.execute(f'select id from "{crawl.database}"."t"')
    reason = status["StateChangeReason"]
    assert status["State"] == "FAILED" and "can mean either" in reason and "/t/c" in reason, status


def test_orc_of_old_hive_goes_by_position(tenon, crawl):
    crawl.put("old/a.orc", orc_file(pa.table({"_col0": [1, 2], "_col1": ["a", "b"]})))
    crawl.create()
    crawl.glue.create_database(DatabaseInput={"Name": crawl.database})
    crawl.glue.create_table(DatabaseName=crawl.database, TableInput={
        "Name": "old", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": "number", "Type": "bigint"}, {"Name": "word", "Type": "string"}, {"Name": "later", "Type": "int"}],
            "Location": f"s3://{crawl.bucket}/old/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.orc.OrcSerde"},
        }})
    got = crawl.query(f'select later, word, number from "{crawl.database}"."old" order by number')
    assert got == [[None, "a", "1"], [None, "b", "2"]]


# Bad input

def damaged(body, at):
    return body[:at] + bytes([body[at] ^ 0x5A]) + body[at + 1 :]


def test_bad_files_are_named_and_the_rest_is_catalogued(crawl):
    avro = avro_file(AVRO, [avro_row(i) for i in range(300)], codec="null", sync_interval=2000)
    orc_body = FILES["orc_zlib"]
    crawl.put("good/a.avro", avro)
    bad = {
        "cut_avro/a.avro": (avro[: len(avro) - 40], "damaged or unreadable Avro"),
        "head_avro/a.avro": (avro[:200], "damaged or unreadable Avro"),
        "sync_avro/a.avro": (damaged(avro, len(avro) - 5), "damaged or unreadable Avro"),
        "cut_orc/a.orc": (orc_body[:-60], "damaged or unreadable ORC"),
        "foot_orc/a.orc": (orc_body[:-20] + b"\xff" * 16 + orc_body[-4:], "damaged or unreadable ORC"),
        "fake_gz/a.csv.gz": (b"id,name\n1,a\n", "the file's name says gzip, but its content is not gzip"),
        "fake_snappy/a.csv.snappy": (b"id,name\n1,a\n", "the file's name says snappy, but its content is not snappy"),
        "cut_xz/a.csv.xz": (lzma.compress(TEXT)[:-30], "damaged or incomplete xz data"),
        "cut_lz4/a.csv.lz4": (CODECS["lz4"][1][:-9], "damaged or incomplete lz4 data"),
        "block_snappy/a.csv.snappy": (damaged(CODECS["snappy"][1], 900), "damaged or incomplete snappy data"),
        "cut_zip/a.zip": (zipped(a__csv=TEXT)[:-30], "damaged or incomplete zip data"),
    }
    for key, (body, _) in bad.items():
        crawl.put(key, body)
    crawl.create().run()
    log = crawl.log()
    assert set(crawl.tables()) == {"good"}, log
    for key, (_, reason) in bad.items():
        assert f"s3://{crawl.bucket}/{key}: {reason}" in log or (
            f"s3://{crawl.bucket}/{key}, byte " in log and reason in log
        ), (key, log)


# Jobs

def test_instants_of_parquet_are_utc_in_orc(glue):
    at = [dt.datetime(2024, 2, 29, 23, 59, 59, 5, tzinfo=dt.timezone(dt.timedelta(hours=-5))), None]
    table = pa.table({"id": [1, 2], "at": pa.array(at, pa.timestamp("us", tz="America/Bogota"))})
    glue.put("in/a.parquet", parquet_file(table))
    nodes = {"s": {"S3ParquetSource": {"Name": "s", "Paths": [glue.path("in")]}},
             "o": {"S3DirectTarget": {"Name": "o", "Inputs": ["s"], "Path": glue.path("out"), "Format": "orc"}}}
    glue.run(glue.create(nodes))
    bodies = [glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read() for key in glue.keys("out")]
    read = pa.concat_tables(orc.ORCFile(io.BytesIO(body)).read() for body in bodies)
    assert str(read.schema.field("at").type) == "timestamp[ns]"
    assert read.to_pydict()["at"] == [dt.datetime(2024, 3, 1, 4, 59, 59, 5), None]


@pytest.mark.parametrize(
    "kind, compression", [("avro", ""), ("avro", "deflate"), ("avro", "uncompressed"), ("orc", ""), ("orc", "zlib")]
)
def test_jobs_write_avro_and_orc_that_others_read(glue, kind, compression):
    glue.put("in/a.csv", "id,word\n" + "".join(f"{i},w{i}\n" for i in range(100)))
    target = {"Name": "o", "Inputs": ["map"], "Path": glue.path("out"), "Format": kind,
              "SchemaChangePolicy": {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE",
                                     "Database": glue.database, "Table": "out"}}
    if compression:
        target["Compression"] = compression
    mapping = [{"ToKey": key, "FromPath": [key], "FromType": "string", "ToType": to, "Dropped": False}
               for key, to in (("id", "long"), ("word", "string"))]
    nodes = {"src": csv(glue, "in"), "map": {"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": mapping}},
             "o": {"S3DirectTarget": target}}
    glue.run(glue.create(nodes))
    rows = []
    for key in glue.keys("out"):
        assert key.endswith(f".{kind}")
        body = glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read()
        if kind == "orc":
            rows += orc.ORCFile(io.BytesIO(body)).read().to_pylist()
        elif compression:
            rows += list(fastavro.reader(io.BytesIO(body)))
        else:
            # The default is Snappy, for which fastavro would need one more library.
            assert b"avro.codec\x0csnappy" in body
            rows += [{"id": i, "word": f"w{i}"} for i in range(100)]
    assert sorted((row["id"], row["word"]) for row in rows) == [(i, f"w{i}") for i in range(100)]
    # And read back, by a job over the new table.
    back = {"src": {"S3CatalogSource": {"Name": "s", "Database": glue.database, "Table": "out"}},
            "out": {"S3GlueParquetTarget": {"Name": "p", "Inputs": ["src"], "Path": glue.path("back")}}}
    glue.run(glue.create(back))
    assert glue.rows("back") == sorted([(i, f"w{i}") for i in range(100)], key=str)


def test_parquet_types_that_hive_does_not_have(crawl, glue):
    times = pa.array([dt.time(1, 2, 3, 4), None], pa.time64("us"))
    took = pa.array([dt.timedelta(seconds=1), dt.timedelta(0)], pa.duration("us"))
    wide = pa.array([D(7), D(8)], pa.decimal256(50, 2))
    crawl.put("t/a.parquet", parquet_file(pa.table({"id": [1, 2], "at": times, "took": took, "wide": wide})))
    crawl.create().run()
    table, log = crawl.tables()["t"], crawl.log()
    assert columns(table) == [("id", "bigint"), ("at", "bigint"), ("took", "bigint")]
    assert "t/a.parquet, column wide: the column is left out, because its type" in log, log
    rows = crawl.query(f'select id, "at", took from "{crawl.database}"."t" order by id')
    assert rows == [["1", "3723000004", "1000000"], ["2", None, "0"]]
    # A job that reads the file by its path would lose the column: it says so.
    glue.put("in/a.parquet", parquet_file(pa.table({"id": [1], "wide": wide[:1]})))
    source = {"S3ParquetSource": {"Name": "s", "Paths": [glue.path("in")]}}
    target = {"S3GlueParquetTarget": {"Name": "p", "Inputs": ["src"], "Path": glue.path("out")}}
    message = glue.fails(glue.create({"src": source, "out": target}))
    assert "column wide: the column is left out, because its type" in message, message
