"""Parquet files that Tenon writes, as PyArrow, DuckDB and Polars read them: every value, and every row that a filter wants,
whatever statistics of row groups and pages it goes by."""

import datetime as dt
import decimal
import io
import math
import random

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from test_crawler import Crawl
from test_formats import LEVEL_TWO
from test_jobs import Glue

ROWS = 65_000
FLOATS = [math.nan, 0.0, -0.0, math.inf, -math.inf, 1.5, -2.25, 1e300, 5e-324]
# Statistics hold the first 64 bytes.
TEXTS = ["", "a", "é" * 31 + "xz", "é" * 31 + "xé", "x" * 64, "x" * 63 + "\x7f~", "x" * 65, "\U0010ffff" * 17, "語" * 30]
DAY = dt.date(1970, 1, 1)


def source(is_plain):
    """Columns with NULLs, in places nothing else; later rows have values of their own."""
    dice = random.Random(7)

    def column(kind, value):
        # One page of nothing but NULL.
        keep = [not 20_000 <= row < 40_000 and dice.random() > 0.1 for row in range(ROWS)]
        return pa.array([value(row) if keep[row] else None for row in range(ROWS)], kind)

    columns = {
        "id": pa.array(range(ROWS), pa.int64()),
        "big": column(pa.int64(), lambda row: dice.choice([-(2**63), 2**63 - 1, row])),
        "num": column(pa.int32(), lambda row: row // 1000 - 20),
        "small": column(pa.int16(), lambda row: dice.randint(-32768, 32767)),
        "tiny": column(pa.int8(), lambda row: dice.randint(-128, 127)),
        "f": column(pa.float64(), lambda row: dice.choice(FLOATS) if row < 40_000 else float(row % 500)),
        "r": column(pa.float32(), lambda row: dice.choice([math.nan, -0.0, 0.5]) if row < 40_000 else 0.0),
        "flag": column(pa.bool_(), lambda row: row > 50_000),
        "word": column(pa.string(), lambda row: dice.choice(TEXTS)),
        "note": column(pa.string(), lambda row: f"note {row:06}" + "~" * dice.randint(0, 90)),
        "raw": column(pa.binary(), lambda row: dice.randbytes(dice.choice([0, 3, 80])) if row % 3 else b"\xff" * 70),
        "day": column(pa.date32(), lambda row: DAY + dt.timedelta(row - 30_000)),
        "moment": column(pa.timestamp("ms"), lambda row: dt.datetime(1969, 12, 31) + dt.timedelta(minutes=row, milliseconds=7)),
        "none": pa.nulls(ROWS, pa.string()),
    }
    if not is_plain:
        columns["price"] = column(pa.decimal128(12, 2), lambda row: decimal.Decimal(row - 30_000) / 100)
    return pa.table(columns)


CONDITIONS = [
    "big = 12345", "big > 9223372036854775806", "big < -9223372036854775807", "num between 10 and 12", "num is null",
    "small = -32768", "tiny >= 127", "f = 0", "f > 1e299", "f < -1.5", "f < 0", "r = 0", "r > 0.25", "flag", "not flag",
    "word = ''", f"word = '{'x' * 65}'", f"word > '{'x' * 64}'", f"word < '{'é' * 31}y'", f"word >= '{chr(0x10ffff) * 17}'",
    "note = 'note 012345'", "note >= 'note 064000'", "note < 'note 000100'", "day = date '1970-01-01'",
    "day < date '1890-01-01'", "moment >= timestamp '1970-02-12 00:00:00'", "none is null", "none is not null", "none = 'x'",
]


def shown(table, schema):
    """Columns of text that tell both zeros apart and have one NaN."""
    table = table.select(schema.names).cast(schema)
    return {name: [repr(value) for value in table[name].to_pylist()] for name in schema.names}


def check_statistics(path, table):
    """Bounds and counts of row groups, as PyArrow reports them."""
    metadata = pq.ParquetFile(path).metadata
    assert metadata.created_by.startswith("tenon version")
    ids = pq.read_table(path, columns=["id"])["id"].to_pylist()
    start = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        rows = table.take(ids[start : start + group.num_rows])
        start += group.num_rows
        for at in range(group.num_columns):
            column = group.column(at)
            values, known = rows[column.path_in_schema], column.statistics
            assert known.null_count == values.null_count, column
            present = [value for value in values.to_pylist() if value is not None and value == value]
            if not present:
                assert not known.has_min_max, column
            # PyArrow leaves out bounds that it cannot show.
            elif known.has_min_max:
                assert known.min <= min(present) and known.max >= max(present), column
    assert start == len(ids)


@pytest.mark.parametrize("is_plain", [True, False])
def test_others_read_what_was_written(tenon, tmp_path, is_plain):
    table = source(is_plain)
    crawl, glue = Crawl(tenon), Glue(tenon)
    body = io.BytesIO()
    pq.write_table(table, body, row_group_size=20_000)
    crawl.put("src/a.parquet", body.getvalue())
    place = f"s3://{crawl.bucket}/"
    nodes = {"src": {"S3ParquetSource": {"Name": "s", "Paths": [f"{place}src/"]}},
             "out": {"S3GlueParquetTarget": {"Name": "p", "Inputs": ["src"], "Path": f"{place}copy/"}}}
    glue.run(glue.create(nodes))
    paths = []
    for entry in crawl.s3.list_objects_v2(Bucket=crawl.bucket, Prefix="copy/")["Contents"]:
        paths.append(str(tmp_path / f"{len(paths)}.parquet"))
        crawl.s3.download_file(crawl.bucket, entry["Key"], paths[-1])
        check_statistics(paths[-1], table)
    wanted = shown(table, table.schema)
    files = duckdb.sql(f"select * from read_parquet({paths}) order by id")
    for got in (
        pa.concat_tables([pq.read_table(path) for path in paths]).sort_by("id"),
        files.to_arrow_table(),
        pl.read_parquet(paths).sort("id").to_arrow(),
    ):
        assert shown(got, table.schema) == wanted
    check_filters(table, paths)
    crawl.create(Configuration=LEVEL_TWO).run()
    for condition in CONDITIONS:
        count = f'select count(*) n from "{crawl.database}"."%s" where {condition}'
        assert crawl.query(count % "copy") == crawl.query(count % "src"), condition


def check_filters(table, paths):
    frame, memory, dataset = pl.from_arrow(table), ds.dataset(table), ds.dataset(paths)
    for condition in CONDITIONS:
        in_memory = duckdb.sql(f"select count(*) from frame where {condition}")
        of_files = duckdb.sql(f"select count(*) from read_parquet({paths}) where {condition}")
        assert of_files.fetchall() == in_memory.fetchall(), condition
    for column in ("big", "num", "f", "r", "word", "note", "raw", "day", "moment"):
        values = [value for value in table[column].to_pylist() if value is not None and value == value]
        for value in (min(values), max(values), values[len(values) // 2]):
            for compare in ("__eq__", "__lt__", "__ge__"):
                wanted = frame.filter(getattr(pl.col(column), compare)(value))["id"].to_list()
                lazy = pl.scan_parquet(paths).filter(getattr(pl.col(column), compare)(value))
                assert lazy.collect()["id"].sort().to_list() == wanted, (column, compare, value)
                scalar = pa.scalar(value, table.schema.field(column).type)
                kept = getattr(ds.field(column), compare)(scalar)
                assert dataset.count_rows(filter=kept) == memory.count_rows(filter=kept), (column, compare, value)
