"""Tables of the catalog that the library does not read itself: the server does."""

import pytest

from awsglue._bookmarks import Bookmarks
from awsglue.errors import DataError, NotBuilt
from shared import Kept

DAY = "<rows><row id='{n}'><v>text {n}</v><tag>a</tag><tag>b</tag></row><row id='{n}0'><v>t</v></row></rows>"


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


def test_xml_by_partitions_and_bookmarks(glue_context, data, monkeypatch):
    for n in (1, 2):
        data.put(f"x/days/day=2026-01-0{n}/a.xml", DAY.format(n=n))
    table = next(iter(data.crawl("x/days/")))
    read = glue_context.create_dynamic_frame.from_catalog
    frame = read(database=data.database, table_name=table)
    assert rows(frame) == sorted(({"_id": n * m, "v": f"text {n}" if m == 1 else "t", "tag": ["a", "b"] if m == 1 else None,
                                   "day": f"2026-01-0{n}"} for n in (1, 2) for m in (1, 10)), key=repr)
    assert frame.schema().getField("_id").dataType.typeName() == "int"
    second = read(data.database, table, push_down_predicate="day > '2026-01-01'")
    assert [row["_id"] for row in rows(second)] == [2, 20]
    assert [row["_id"] for row in rows(frame.filter(lambda r: r["_id"] == 1))] == [1]
    none = read(data.database, table, push_down_predicate="day = 'never'")
    assert rows(none) == [] and [field.name for field in none.schema()] == ["_id", "v", "tag", "day"]
    found = glue_context.spark_session.sql(f"SELECT sum(_id) AS s FROM {data.database}.{table} WHERE size(tag) = 2").collect()
    assert found[0]["s"] == 3

    server = Kept()

    def run():
        monkeypatch.setattr(glue_context, "_bookmarks", Bookmarks(server, "job"))
        found = [row["_id"] for row in rows(read(data.database, table, transformation_ctx="x"))]
        glue_context._bookmarks.commit()
        return found

    assert run() == [1, 10, 2, 20] and run() == []
    data.put("x/days/day=2026-01-02/b.xml", DAY.format(n=3))
    assert run() == [3, 30] and run() == []
    with pytest.raises(NotBuilt, match="a visual job"):
        glue_context.write_dynamic_frame.from_catalog(frame, data.database, table)


def test_a_partition_key_may_begin_with_an_underscore(glue_context, data):
    for n in (1, 2):
        data.put(f"h/_day={n}/a.xml", DAY.format(n=n))
        data.put(f"h/_day={n}/_SUCCESS", "no xml")
    data.put("h/_temporary/a.xml", DAY.format(n=7))
    data.put("h/.x=1/a.xml", DAY.format(n=8))
    (table, facts), = data.crawl("h/").items()
    read = lambda name: rows(glue_context.create_dynamic_frame.from_catalog(data.database, name))  # noqa: E731
    assert sorted((row["_id"], row["_day"]) for row in read(table)) == [(1, "1"), (2, "2"), (10, "1"), (20, "2")]
    # The same files of a table that knows of no partitions, and of none at all: the same are hidden.
    kept = {name: facts[name] for name in ("StorageDescriptor", "Parameters", "TableType")}
    data.glue.create_table(DatabaseName=data.database, TableInput={"Name": "whole", **kept})
    files = glue_context.create_dynamic_frame.from_options(
        "s3", {"paths": [data.url("h/")], "recurse": True}, "xml", format_options={"rowTag": "row"})
    assert sorted(row["_id"] for row in read("whole")) == sorted(row["_id"] for row in rows(files)) == [1, 2, 10, 20]


def test_logs_ion_and_text_of_other_kinds(glue_context, data):
    data.put("x/log/a.log", "".join(f"Feb  9 07:15:0{n} host app[{n + 1}]: said {n}\n" for n in range(3)))
    data.put("x/ion/a.ion", "$ion_1_0 {a: 1, when: 2026-01-02T} {a: 2, when: null}")
    data.put("x/orc/a.csv", "id,v\n1,a\n2,b\n")
    tables = data.crawl("x/")
    read = lambda name: rows(glue_context.create_dynamic_frame.from_catalog(data.database, name))  # noqa: E731
    log = read("log")
    assert [(row["program"], row["pid"], row["message"]) for row in log] == [("app", str(n + 1), f"said {n}") for n in range(3)]
    assert [(row["a"], str(row["when"])) for row in read("ion")] == [(1, "2026-01-02"), (2, "None")]
    wanted = dict(tables["orc"])
    table = {name: wanted[name] for name in ("StorageDescriptor", "PartitionKeys", "Parameters", "TableType")}
    for parameters in (table["Parameters"], table["StorageDescriptor"]["Parameters"]):
        parameters["skip.header.line.count"] = "2"
    data.glue.create_table(DatabaseName=data.database, TableInput={**table, "Name": "below"})
    assert [row["id"] for row in read("below")] == [2]
    sql = glue_context.spark_session.sql
    assert sql(f"SELECT count(*) AS n FROM {data.database}.log").collect()[0]["n"] == 3


def test_what_cannot_be_read_is_said_with_the_file(glue_context, data):
    data.put("x/bad/a.xml", DAY.format(n=1))
    table = next(iter(data.crawl("x/bad/")))
    data.put("x/bad/b.xml", "<rows><row id='2'>")
    with pytest.raises(DataError, match="b.xml"):
        glue_context.create_dynamic_frame.from_catalog(data.database, table)
