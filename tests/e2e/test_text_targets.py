"""What jobs write as text: every compression, and XML; read by other libraries, by crawlers and by Athena."""

import bz2
import gzip
import json
import lzma
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import pyarrow as pa
import pytest
import zstandard

from conftest import name
from test_crawler import Crawl, columns
from test_jobs import Glue, csv, jsonl

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
LEVEL_TWO = json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}})
ROWS = [[str(i), f'n "{i}" é, <&>', f"{i * 0.25}"] for i in range(20_000)]


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def rows_as_csv(rows):
    return "".join(",".join([row[0], quoted(row[1]), row[2]]) + "\n" for row in rows)


def target(glue, source, folder, kind, compression="", **extra):
    node = {"Name": folder, "Inputs": [source], "Path": glue.path(folder), "Format": kind, **extra}
    return {"S3DirectTarget": {**node, "Compression": compression} if compression else node}


def table_of(glue, table):
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": glue.database}
    return {"SchemaChangePolicy": {**policy, "Table": table}}


def bodies(glue, folder):
    found = {key: glue.s3.get_object(Bucket=glue.bucket, Key=key)["Body"].read() for key in glue.keys(folder)}
    assert found
    return found


def crawler(glue, **definition):
    """A crawler over the bucket of the jobs."""
    crawl = Crawl(glue.server)
    crawl.bucket = glue.bucket
    return crawl.create(**definition)


# Compression


def hadoop(codec):
    """Hadoop's blocks: the size of the content, then pieces with the size that each is stored in."""

    def decode(data):
        out, at = b"", 0
        while at < len(data):
            (size,) = struct.unpack_from(">I", data, at)
            # Hadoop's readers have room for this much.
            assert 0 < size <= 256 << 10
            at, end = at + 4, len(out) + size
            while len(out) < end:
                (stored,) = struct.unpack_from(">I", data, at)
                piece = data[at + 4 : at + 4 + stored]
                out += pa.decompress(piece, end - len(out), codec=codec, asbytes=True)
                at += 4 + stored
            assert len(out) == end
        return out

    return decode


def zstd(data):
    return zstandard.ZstdDecompressor().stream_reader(data).read()


# The option, the ending of files, the catalog's word, and who else reads it.
CODECS = {
    "gzip": (".gz", "gzip", gzip.decompress),
    "bzip2": (".bz2", "bzip2", bz2.decompress),
    "zstd": (".zst", "zstd", zstd),
    "snappy": (".snappy", "snappy", hadoop("snappy")),
    "lz4": (".lz4", "lz4", hadoop("lz4_raw")),
    "xz": (".xz", "xz", lzma.decompress),
    "deflate": (".deflate", "deflate", zlib.decompress),
    "none": ("", "none", bytes),
}


def plain(text, kind):
    """Rows of a file, whoever wrote it."""
    if kind == "json":
        return [[row["id"], row["name"], row["price"]] for row in map(json.loads, text.splitlines())]
    if kind == "xml":
        return [[row.find(tag).text for tag in ("id", "name", "price")] for row in ElementTree.fromstring(text)]
    lines = text.decode().splitlines()
    assert lines[0] == "id,name,price"
    return "\n".join(lines[1:]) + "\n"


@pytest.mark.parametrize("kind", ["csv", "json", "xml"])
def test_every_compression_is_read_by_others_and_by_a_crawler(glue, kind):
    glue.put("in/a.csv", "id,name,price\n" + rows_as_csv(ROWS))
    nodes = {"src": csv(glue, "in")}
    for codec in CODECS:
        nodes[codec] = target(glue, "src", f"{kind}_{codec}", kind, codec, NumberTargetPartitions="1")
    glue.run(glue.create(nodes))
    for codec, (ending, _, decode) in CODECS.items():
        ((key, body),) = bodies(glue, f"{kind}_{codec}").items()
        assert key.endswith(f".{kind}{ending}"), key
        assert codec == "none" or len(body) < len(rows_as_csv(ROWS)) / 2, codec
        wanted = rows_as_csv(ROWS) if kind == "csv" else ROWS
        assert plain(decode(body), kind) == wanted, codec
    crawl = crawler(glue, Configuration=LEVEL_TWO)
    crawl.run()
    tables = crawl.tables()
    for codec, (_, word, _) in CODECS.items():
        table = tables[f"{kind}_{codec}"]
        assert table["Parameters"]["compressionType"] == word, codec
        assert table["Parameters"]["classification"] == kind
        names = ["id", "name", "price"]
        assert [column for column, _ in columns(table)] == names
        found = crawl.query(f'select count(*), count(distinct name), sum(cast(id as bigint)), sum(cast(price as double)) '
                            f'from "{crawl.database}"."{kind}_{codec}"')
        total = sum(range(len(ROWS)))
        assert found[0][:3] == [str(len(ROWS)), str(len(ROWS)), str(total)], codec
        assert float(found[0][3]) == total * 0.25
        found = crawl.query(f'select id, name from "{crawl.database}"."{kind}_{codec}" where cast(id as bigint) < 50 '
                            "order by cast(id as bigint)")
        assert found == [row[:2] for row in ROWS[:50]], codec


def test_other_names_of_compressions_and_those_that_are_none(glue):
    glue.put("in/a.csv", "id,name,price\n1,a,1\n")
    nodes = {"src": csv(glue, "in")}
    for codec in ("zstandard", "zlib", "uncompressed"):
        nodes[codec] = target(glue, "src", codec, "csv", codec)
    glue.run(glue.create(nodes))
    (key,) = glue.keys("zstandard")
    assert key.endswith(".csv.zst")
    (key,) = glue.keys("zlib")
    assert key.endswith(".csv.deflate")
    for codec in ("lzo", "brotli", "zip", "GZIP"):
        job = {"src": csv(glue, "in"), "out": target(glue, "src", "out", "json", codec)}
        with pytest.raises(glue.client.exceptions.InvalidInputException) as refused:
            glue.create(job)
        supported = "supported are gzip, bzip2, zstd, snappy, lz4, xz, deflate, none"
        assert f"Compression {codec} is not supported for text; {supported}" in str(refused.value)


def test_many_partitions_of_compressed_text(glue):
    """Each of a thousand partitions is a file; what their codecs hold is bounded."""
    glue.put("in/a.csv", "id,k\n" + "".join(f"{i},{i % 1000}\n" for i in range(20_000)))
    keys = {"PartitionKeys": [["k"]]}
    nodes = {"src": csv(glue, "in")}
    for codec in ("zstd", "xz"):
        nodes[codec] = target(glue, "src", codec, "csv", codec, **keys)
    glue.run(glue.create(nodes))
    for codec in ("zstd", "xz"):
        found = bodies(glue, codec)
        folders = {key.split("/")[1] for key in found}
        assert folders == {f"k={k}" for k in range(1000)}
        decode = CODECS[codec][2]
        got = sorted(int(line) for body in found.values() for line in decode(body).decode().splitlines()[1:])
        assert got == list(range(20_000)), codec


# XML


def test_rows_of_csv_as_xml_and_back(glue):
    glue.put("in/a.csv", 'id,name,_lang,day\n1,"a <b> & \'c\' ""d""",de,1\n2,,,1\n3," x\ty ","e\nf",2\n')
    nodes = {"src": csv(glue, "in"), "out": target(glue, "src", "out", "xml", PartitionKeys=[["day"]])}
    glue.run(glue.create(nodes))
    found = bodies(glue, "out")
    assert all(key.endswith(".xml") for key in found)
    rows = [row for body in found.values() for row in ElementTree.fromstring(body)]
    assert {row.tag for row in rows} == {"ROW"}
    got = sorted((row.find("id").text, row.find("name").text, row.get("lang")) for row in rows)
    assert got == [("1", "a <b> & 'c' \"d\"", "de"), ("2", None, ""), ("3", " x\ty ", "e\nf")]
    crawl = crawler(glue)
    crawl.run()
    table = crawl.tables()["out"]
    assert columns(table) == [("_lang", "string"), ("id", "int"), ("name", "string")]
    assert table["Parameters"]["rowTag"] == "ROW" and table["Parameters"]["classification"] == "xml"
    # A partition of a single row with it.
    assert crawl.query(f'select id, name, _lang, day from "{crawl.database}"."out" order by id') == [
        ["1", "a <b> & 'c' \"d\"", "de", "1"], ["2", "", "", "1"], ["3", " x\ty ", "e\nf", "2"]]


NESTED = [
    {"id": 1, "who": {"_lang": "de", "_VALUE": "Ann", "born": 1970}, "tags": ["x", "", None], "ok": True,
     "items": [{"n": 1, "sizes": [1, 2]}, None, {"n": None, "sizes": [3]}], "at": "2024-01-02 03:04:05.678", "amount": 1.5},
    {"id": 2, "who": {"_lang": None, "_VALUE": None, "born": None}, "tags": None, "ok": None, "items": None, "at": None, "amount": -0.25},
    {"id": 3, "who": None, "tags": ["y"], "ok": False, "items": [{"n": 2, "sizes": None}], "at": "2024-01-02 00:00:00", "amount": None},
]
SELECT = 'select id, who, tags, ok, items, at, amount from "{}"."{}" order by id'


def test_nested_rows_as_xml_are_those_of_json(glue):
    glue.put("in/a.json", "".join(json.dumps(row) + "\n" for row in NESTED))
    nodes = {"src": jsonl(glue, "in"), "xml": target(glue, "src", "xml", "xml", "zstd", **table_of(glue, "x")),
             "json": target(glue, "src", "json", "json", **table_of(glue, "j"))}
    job = glue.create(nodes)
    explained = glue.server.cli("job", "explain", job).stdout
    assert f"XML to {glue.path('xml')}" in explained, explained
    glue.run(job)
    crawl = crawler(glue)
    wanted = crawl.query(SELECT.format(glue.database, "j"))
    assert len(wanted) == 3 and wanted[0][1] == "{_lang=de, _value=Ann, born=1970}", wanted
    # The table that the job has made.
    assert crawl.query(SELECT.format(glue.database, "x")) == wanted
    table = glue.client.get_table(DatabaseName=glue.database, Name="x")["Table"]
    assert table["Parameters"]["rowTag"] == "ROW" and table["Parameters"]["classification"] == "xml"
    storage = table["StorageDescriptor"]
    assert storage["Compressed"] and not storage["SerdeInfo"].get("SerializationLibrary")
    # A second run adds to it, and a job reads it.
    glue.run(job)
    assert crawl.query(f'select count(*) from "{glue.database}"."x"') == [["6"]]
    back = {"src": {"S3CatalogSource": {"Name": "s", "Database": glue.database, "Table": "x"}},
            "out": target(glue, "src", "back", "json")}
    glue.run(glue.create(back))
    lines = [json.loads(line) for body in bodies(glue, "back").values() for line in body.splitlines()]
    assert sorted(line["id"] for line in lines) == [1, 1, 2, 2, 3, 3]
    assert next(line for line in lines if line["id"] == 1)["items"] == [{"n": 1, "sizes": [1, 2]}, None, {"sizes": [3]}]
    # What a crawler makes of it.
    crawl.run()
    own = crawl.tables()["xml"]
    assert dict(columns(own))["who"] == "struct<_lang:string,born:int,_value:string>"
    assert dict(columns(own))["items"] == "array<struct<n:int,sizes:array<int>>>"
    found = crawl.query(f'select id, who._value, who.born, tags, items from "{crawl.database}"."xml" order by id')
    one = ["1", "Ann", "1970", "[x, , null]", "[{n=1, sizes=[1, 2]}, null, {n=null, sizes=[3]}]"]
    assert found[0] == found[1] == one and [row[0] for row in found] == ["1", "1", "2", "2", "3", "3"]


def test_a_table_says_what_its_xml_looks_like(glue):
    glue.put("in/a.csv", "id,title,lang\n1,a,de\n2,b,\n")
    mapping = [{"FromPath": [a], "FromType": "string", "ToKey": b, "ToType": t}
               for a, b, t in (("id", "id", "int"), ("title", "title", "string"), ("lang", "@lang", "string"))]
    descriptor = {"Columns": [{"Name": n, "Type": t} for n, t in (("@lang", "string"), ("id", "int"), ("title", "string"))],
                  "Location": glue.path("books"),
                  "SerdeInfo": {"Parameters": {"rowTag": "book", "rootTag": "books", "attributePrefix": "@"}}}
    glue.client.create_table(DatabaseName=glue.database, TableInput={
        "Name": "books", "StorageDescriptor": descriptor, "Parameters": {"classification": "xml"}})
    nodes = {"src": csv(glue, "in"), "map": {"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": mapping}},
             "out": {"S3CatalogTarget": {"Name": "o", "Inputs": ["map"], "Database": glue.database, "Table": "books",
                                         "PartitionKeys": []}}}
    glue.run(glue.create(nodes))
    roots = [ElementTree.fromstring(body) for body in bodies(glue, "books").values()]
    assert {root.tag for root in roots} == {"books"}
    rows = sorted((row.tag, row.get("lang"), row.find("title").text) for root in roots for row in root)
    assert rows == [("book", "", "b"), ("book", "de", "a")]
    found = crawler(glue).query(f'select id, title, "@lang" from "{glue.database}".books order by id')
    assert found == [["1", "a", "de"], ["2", "b", ""]]


def test_fields_of_structures_are_found_as_readers_find_them(glue):
    glue.put("in/a.json", '{"id": 1, "s": {"Foo": "C", "BAR": 7}, "l": [{"Foo": "D"}]}\n{"id": 2, "s": {"Foo": null}}\n')
    declared = [("id", "bigint"), ("s", "struct<foo:string,bar:bigint>"), ("l", "array<struct<foo:string>>")]
    for kind, serde in (("json", {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}), ("xml", {"Parameters": {"rowTag": "row"}})):
        descriptor = {"Columns": [{"Name": n, "Type": t} for n, t in declared], "Location": glue.path(kind),
                      "SerdeInfo": serde}
        glue.client.create_table(DatabaseName=glue.database, TableInput={
            "Name": kind, "StorageDescriptor": descriptor, "Parameters": {"classification": kind}})
        nodes = {"src": {"S3JsonSource": {"Name": "s", "Paths": [glue.path("in")]}},
                 "out": {"S3CatalogTarget": {"Name": "o", "Inputs": ["src"], "Database": glue.database, "Table": kind,
                                             "PartitionKeys": []}}}
        glue.run(glue.create(nodes))
        found = crawler(glue).query(f'select id, s.foo, s.bar, l from "{glue.database}".{kind} where l is not null')
        assert found == [["1", "C", "7", "[{foo=D}]"]]


def test_text_that_is_kept_in_an_element_is_crawled_as_the_text(glue):
    glue.put("in/a.json", "".join(json.dumps({"id": n, "s": {"_VALUE": text, "_l": "de"}}) + "\n"
                                  for n, text in enumerate(("", " a", "b"))))
    glue.run(glue.create({"src": {"S3JsonSource": {"Name": "s", "Paths": [glue.path("in")]}}, "out": target(glue, "src", "out", "xml")}))
    crawl = crawler(glue)
    crawl.run()
    table = crawl.tables()["out"]
    assert dict(columns(table))["s"].lower() == "struct<_l:string,_value:string>"
    found = crawl.query(f'select id, s._value from "{crawl.database}"."out" order by id')
    assert found == [["0", ""], ["1", " a"], ["2", "b"]]


REFUSED = {
    "a name": ({"a b": 1}, 'column a b: an element of XML cannot be called "a b"; rename it'),
    "arrays within arrays": ({"a": [[1]]}, "column a: XML has no form for an array within an array; use json or parquet"),
    "a character": ({"a": "x\u0001"}, 'column a: in row 1 the value "x\\u{1}" holds U+0001, which XML cannot'),
    "an empty array": ({"s": {"a": [1]}, "n": 1}, "column s.a: in row 1 the array is empty, for which XML has no form"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_xml_cannot_hold_fails_by_name_and_leaves_nothing(glue, case):
    row, expected = REFUSED[case]
    rows = [{"s": {"a": []}, "n": 2}, row] if case == "an empty array" else [row]
    glue.put("in/a.json", "".join(json.dumps(row) + "\n" for row in rows))
    job = glue.create({"src": jsonl(glue, "in"), "out": target(glue, "src", "out", "xml")})
    error = glue.fails(job)
    assert expected in error, error
    assert glue.keys("out") == []
