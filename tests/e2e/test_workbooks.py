"""Workbooks of Excel and OpenDocument: crawled, queried and read by jobs, the same in every format."""

import datetime as dt
import io
import zipfile

import pandas as pd
import pytest

from test_crawler import Crawl, columns
from test_jobs import Glue
from workbooks import WRITERS, ods, xls, xlsx


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


@pytest.fixture
def glue(tenon):
    return Glue(tenon)


SHEET = [
    ["Id", "Name", "Price", "Day", "At", "Ok", "Note", "Took"],
    [1, "\u00e9", 1.5, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 14, 15), True, "x", dt.timedelta(hours=36, minutes=5)],
    [2, None, 2, dt.date(1999, 12, 31), dt.datetime(2024, 3, 1), False, None, None],
    [None] * 8,
    [3, "c,  d", None, None, None, None, 7, None],
]
MORE = [SHEET[0], [4, "n", 0.25, dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 1), True, "y", dt.timedelta(seconds=90)]]
COLUMNS = [("id", "bigint"), ("name", "string"), ("price", "double"), ("day", "date"), ("at", "timestamp"),
           ("ok", "boolean"), ("note", "string"), ("took", "string")]
READ = [
    ["1", "\u00e9", "1.5", "2024-02-29", "2024-02-29 13:14:15.000", "true", "x", "36:05:00"],
    ["2", None, "2.0", "1999-12-31", "2024-03-01 00:00:00.000", "false", None, None],
    ["3", "c,  d", None, None, None, None, "7", None],
    ["4", "n", "0.25", "2020-01-01", "2020-01-01 01:00:00.000", "true", "y", "00:01:30"],
]


@pytest.mark.parametrize("kind", WRITERS)
def test_crawled_and_queried(crawl, kind):
    write = WRITERS[kind]
    # The content says the format, whatever the name says.
    crawl.put(f"orders/a.{kind}", write(SHEET))
    crawl.put("orders/b.dat", write(MORE))
    crawl.put(f"bad/a.{kind}", write(SHEET)[:-600])
    crawl.create().run()
    assert set(crawl.tables()) == {"orders"}, crawl.log()
    assert f"s3://{crawl.bucket}/bad/a.{kind}: damaged or " in crawl.log()
    table = crawl.tables()["orders"]
    assert columns(table) == COLUMNS
    assert table["Parameters"]["classification"] == "excel"
    assert crawl.query(f'select * from "{crawl.database}"."orders" order by id') == READ


def test_formats_of_workbooks_are_one_table(crawl):
    for n, (kind, write) in enumerate(WRITERS.items()):
        crawl.put(f"orders/{kind}.{kind}", write([SHEET[0], [n] + SHEET[1][1:]]))
    crawl.create().run()
    assert columns(crawl.tables()["orders"]) == COLUMNS, crawl.log()
    got = crawl.query(f'select * from "{crawl.database}"."orders" order by id')
    assert got == [[str(n)] + READ[0][1:] for n in range(len(WRITERS))]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("options, ids", [({}, [1, 2, 3]), ({"NumberRows": 2}, [1, 2]), ({"SkipFooter": 2}, [1])])
def test_read_by_jobs(glue, kind, options, ids):
    glue.put(f"in/a.{kind}", WRITERS[kind](SHEET))
    nodes = {"src": {"S3ExcelSource": {"Name": "s", "Paths": [glue.path("in")], "Recurse": True, **options}},
             "map": {"SelectFields": {"Name": "m", "Inputs": ["src"], "Paths": [["Id"], ["Name"]]}},
             "out": {"S3GlueParquetTarget": {"Name": "o", "Inputs": ["map"], "Path": glue.path("out")}}}
    glue.run(glue.create(nodes))
    assert glue.rows("out") == [(row[0], row[1]) for row in SHEET[1:] if row[0] in ids]


@pytest.mark.parametrize("engine, kind", [("openpyxl", "xlsx"), ("odf", "ods")])
def test_what_pandas_writes(crawl, engine, kind):
    frame = pd.DataFrame({"id": [1, 2], "name": ["a  b", "\u65e5\u672c"], "price": [0.5, None], "ok": [True, False],
                          "at": pd.to_datetime(["2024-02-29 13:14:15", "1999-12-31 00:00:00"])})
    out = io.BytesIO()
    frame.to_excel(out, index=False, engine=engine)
    crawl.put(f"frame/a.{kind}", out.getvalue())
    crawl.create().run()
    assert columns(crawl.tables()["frame"]) == [
        ("id", "bigint"), ("name", "string"), ("price", "double"), ("ok", "boolean"), ("at", "timestamp")]
    assert crawl.query(f'select * from "{crawl.database}"."frame" order by id') == [
        ["1", "a  b", "0.5", "true", "2024-02-29 13:14:15.000"],
        ["2", "\u65e5\u672c", None, "false", "1999-12-31 00:00:00.000"]]


def swapped(book, content):
    """An archive with another content.xml."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            new.writestr(item, content(data) if item.filename == "content.xml" else data)
    return out.getvalue()


def test_bombs_and_other_documents_are_named(crawl):
    bomb = swapped(ods([[1]], skip=0), lambda data: data.replace(
        b"<table:table-row>", b'<table:table-row table:number-rows-repeated="1048576">').replace(
        b"<table:table-cell ", b'<table:table-cell table:number-columns-repeated="16384" '))
    assert len(bomb) < 10_000
    word = xls(SHEET).replace("Workbook".encode("utf-16-le"), "WordDocu".encode("utf-16-le"))
    word = word.replace("WordDocu\0\0\0\0\0\0".encode("utf-16-le"), "WordDocument\0\0".encode("utf-16-le"))
    locked = xls(SHEET).replace("Workbook\0\0\0\0\0\0\0\0\0".encode("utf-16-le"), "EncryptedPackage\0".encode("utf-16-le"))
    crawl.put("good/a.xlsx", xlsx(SHEET))
    bad = {
        "bomb/a.ods": (bomb, "a sheet of more than 10000000 cells (sheet Orders) is not supported"),
        "word/a.doc": (word, "it is a compound file (OLE) that holds no workbook but a document of Word (.doc)"),
        "locked/a.xlsx": (locked, "a document of Office that a password protects (save it without one) is not supported"),
    }
    for key, (body, _) in bad.items():
        crawl.put(key, body)
    crawl.create().run()
    assert set(crawl.tables()) == {"good"}, crawl.log()
    for key, (_, reason) in bad.items():
        assert f"s3://{crawl.bucket}/{key}: " in crawl.log() and reason in crawl.log(), (key, crawl.log())
