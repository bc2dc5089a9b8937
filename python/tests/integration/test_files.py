"""Files without a table, of formats that the server reads for the script."""

import bz2
import gzip
import json

import pytest

from awsglue import gluetypes as g
from awsglue._bookmarks import Bookmarks
from awsglue.errors import DataError, NotBuilt
from shared import Kept, workbook

BOOKS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<shelf><book id="1"><title lang="de">K\xf6ln</title><price>10.5</price><tag>a</tag><tag>b</tag></book>
<book id="2"><title lang="en"> Two </title><price>7</price><note/></book></shelf>""".encode("iso-8859-1")
LOG = "".join(f'10.0.0.{n} - bob [10/Oct/2026:13:55:36 +0000] "GET /{n} HTTP/1.0" {200 + n} {size}\n'
              for n, size in ((1, "2326"), (2, "-")))


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def read(glue_context, data):
    def read(prefix, format, more=None, context="", **options):
        place = {"paths": [data.url(prefix)], "recurse": True, **(more or {})}
        return glue_context.create_dynamic_frame.from_options("s3", place, format, options, context)

    return read


def test_xml_with_its_options(read, data):
    data.put("x/a.xml", BOOKS)
    data.put("x/more/b.xml.gz", gzip.compress(b"<shelf><book id='3x'><title>T</title></book></shelf>"))
    data.put("x/more/empty.xml.bz2", bz2.compress(b"<shelf/>"))
    frame = read("x/", "xml", rowTag="book")
    assert [(row["_id"], row["price"], row["tag"], row["note"]) for row in rows(frame)] == [
        ("1", 10.5, ["a", "b"], None), ("2", 7.0, None, ""), ("3x", None, None, None)]
    assert {(row["title"]["_VALUE"], row["title"]["_lang"]) for row in rows(frame)} == {
        ("Köln", "de"), (" Two ", "en"), ("T", None)}
    # Without folders below, the ids are numbers.
    own = read("x/", "xml", {"recurse": False}, rowTag="book", attributePrefix="@", valueTag="text")
    assert own.schema().getField("@id").dataType.typeName() == "int"
    assert [row["title"] for row in rows(own)] == [{"@lang": "de", "text": "Köln"}, {"@lang": "en", "text": " Two "}]
    plain = read("x/", "xml", {"exclusions": '["**.gz", "**.bz2"]'}, rowTag="book", excludeAttribute=True,
                 treatEmptyValuesAsNulls="true", ignoreSurroundingSpaces=True)
    assert [(row["title"], row["note"]) for row in rows(plain)] == [("Köln", None), ("Two", None)]
    assert "_id" not in plain.schema().field_map


def test_a_schema_of_the_script_s_own(read, data):
    data.put("s/a.xml", BOOKS)
    schema = g.StructType([g.Field("_id", g.LongType()), g.Field("price", g.StringType()), g.Field("none", g.DateType()),
                           g.Field("tag", g.ArrayType(g.StringType()))])
    frame = read("s/", "xml", rowTag="book", withSchema=json.dumps(schema.jsonValue()))
    assert [tuple(row.values()) for row in rows(frame)] == [(1, "10.5", None, ["a", "b"]), (2, "7", None, None)]
    wrong = g.StructType([g.Field("title", g.IntegerType())])
    with pytest.raises(DataError, match=r"a\.xml.*line 2.*title"):
        read("s/", "xml", rowTag="book", withSchema=json.dumps(wrong.jsonValue()))
    with pytest.raises(DataError, match="withSchema must be"):
        read("s/", "xml", rowTag="book", withSchema="{}")


def test_nothing_is_lost_that_only_a_late_record_has(read, data):
    many = "".join(f"<r><a>{n}</a></r>\n" for n in range(200_000))
    data.put("late/a.xml", f"<x>{many}<r><a>1</a><late>1</late></r></x>")
    data.put("late/a.ion", "".join(f"{{a: {n}, text: something_to_fill_the_sample}}\n" for n in range(60_000)) + "{late: x}")
    xml = read("late/", "xml", {"exclusions": '["**.ion"]'}, rowTag="r")
    assert xml.count() == 200_001 and xml.toDF().where("late = 1").count() == 1
    ion = read("late/", "ion", {"exclusions": '["**.xml"]'})
    assert ion.count() == 60_001 and [row["late"] for row in ion.toDF().where("late is not null").collect()] == ["x"]


def test_log_lines(read, data):
    data.put("log/a.log", LOG)
    data.put("log/b.log.gz", gzip.compress(b"a stray line\n"))
    frame = read("log/", "grokLog", logFormat="%{COMMONAPACHELOG}")
    found = rows(frame)
    assert [(row["clientip"], row["response"], row["ident"]) for row in found if row["clientip"]] == [
        ("10.0.0.1", "201", None), ("10.0.0.2", "202", None)]
    # A line that does not match is there, as a row of nulls.
    assert [set(row.values()) for row in found if not row["clientip"]] == [{None}]
    own = read("log/", "grokLog", {"exclusions": '["**.gz"]'}, logFormat="%{HOST:host} %{GREEDYDATA} %{CODE:code:int} %{NOTSPACE:size}",
               customPatterns="HOST [0-9.]+\nCODE [0-9]{3}", MISSING="2326")
    assert rows(own) == [{"host": "10.0.0.1", "code": 201, "size": None}, {"host": "10.0.0.2", "code": 202, "size": "-"}]
    with pytest.raises(DataError, match="matches none of the 3 lines"):
        read("log/", "grokLog", logFormat="nothing %{NUMBER:n}")
    with pytest.raises(DataError, match="logFormat"):
        read("log/", "grokLog", logFormat="%{NOPE:n}")


def test_ion_and_workbooks(read, data):
    data.put("ion/a.ion", "$ion_1_0 {a: 1, when: 2026-01-02T, deep: {b: [1, 2]}} {a: 2.5, when: null}")
    assert [(float(row["a"]), str(row["when"]), row["deep"]) for row in rows(read("ion/", "ion"))] == [
        (1.0, "2026-01-02", {"b": [1, 2]}), (2.5, "None", None)]
    data.put("book/a.xlsx", workbook([["id", "name"], ["1", "a"], ["2", "b"], ["3", "c"], ["sum", ""]]))
    assert [row["name"] for row in rows(read("book/", "excel", numberRows="2", skipFooter=1))] == ["a", "b"]


def test_bookmarks_and_bounds(glue_context, read, data, monkeypatch):
    server = Kept()

    def run(**more):
        monkeypatch.setattr(glue_context, "_bookmarks", Bookmarks(server, "job"))
        frame = read("b/", "xml", more, "x", rowTag="r")
        found = [row["a"] for row in rows(frame)]
        glue_context._bookmarks.commit()
        return found, [field.name for field in frame.schema()]

    data.put("b/day=1/a.xml", "<x><r><a>1</a></r></x>")
    assert run() == ([1], ["a"]) and run() == ([], ["a"])
    data.put("b/day=1/b.xml", "<x><r><a>2</a></r></x>")
    data.put("b/day=2/c.xml", "<x><r><a>3</a></r></x>")
    assert run(boundedFiles=1)[0] == [2] and run()[0] == [3] and run()[0] == []


def test_what_cannot_be_read_is_refused_by_name(read, data, tmp_path, glue_context):
    data.put("bad/a.xml", "<x><r><a>1</a></r></x>")
    with pytest.raises(DataError, match="rowTag"):
        read("bad/", "xml")
    with pytest.raises(DataError, match="XML without an element <none>"):
        read("bad/", "xml", rowTag="none")
    with pytest.raises(NotBuilt, match="'nullValue' of xml"):
        read("bad/", "xml", rowTag="r", nullValue="x")
    for options in ({"LineCount": 2}, {"StrictMode": "true"}):
        with pytest.raises(NotBuilt, match=next(iter(options))):
            read("bad/", "grokLog", logFormat="%{NUMBER:n}", **options)
    with pytest.raises(NotBuilt, match="'encoding' of ion"):
        read("bad/", "ion", encoding="utf-8")
    with pytest.raises(DataError, match="unknown encoding|no-such"):
        read("bad/", "xml", rowTag="r", encoding="no-such")
    data.put("bad/b.xml", "<x><r>\n<a></r></x>")
    with pytest.raises(DataError, match=r"b\.xml.*line 2"):
        read("bad/", "xml", rowTag="r")
    (tmp_path / "a.xml").write_text("<x><r><a>1</a></r></x>")
    with pytest.raises(DataError, match="is a local path"):
        glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "xml", {"rowTag": "r"})
