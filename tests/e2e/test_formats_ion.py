"""Ion, lines of fixed width, symlink manifests, and backslashes in CSV: crawled and queried."""

import gzip

import pytest

from test_athena import Athena
from test_crawler import Crawl, columns


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


TEXT = """$ion_1_0 // orders
order::{id: 1, name: "A \\u00e9", price: 10.50, at: 2024-01-02T03:04:05.5+01:00, tags: [red, 'dark blue'],
  to: {City: "Bonn", zip: 53111}}
{id: 3000000000, name: null.string, price: 3.125, tags: (x y)}
"""


def number(value):
    """A length, seven bits to a byte, the last one marked."""
    out = [value & 0x7F | 0x80]
    while value := value >> 7:
        out.insert(0, value & 0x7F)
    return bytes(out)


def typed(kind, content):
    head = bytes([kind << 4 | len(content)]) if len(content) < 14 else bytes([kind << 4 | 14]) + number(len(content))
    return head + content


def string(text):
    return typed(8, text.encode())


def struct(*fields):
    return typed(13, b"".join(number(field) + value for field, value in fields))


def binary(rows):
    """A file with a symbol table for `id` and `name`, and rows of these."""
    symbols = typed(11, string("id") + string("name"))
    table = struct((7, symbols))
    declared = typed(14, number(1) + number(3) + table)
    body = b"".join(struct((10, typed(2, bytes([id]))), (11, string(text))) for id, text in rows)
    return b"\xe0\x01\x00\xea" + declared + body


def test_ion_is_crawled_and_queried(crawl):
    crawl.put("orders/a.ion", TEXT)
    crawl.put("people/day=1/a.10n", binary([(1, "Ann"), (2, "Bob")]))
    crawl.put("people/day=2/b.10n.gz", gzip.compress(binary([(3, "Cem, a longer name")])))
    crawl.put("broken/a.10n", binary([(1, "Ann")])[:-2])
    crawl.put("plain/a.json", '{"id": 1}\n')
    crawl.create().run()
    tables = crawl.tables()
    assert set(tables) == {"orders", "people", "plain"}, crawl.log()
    assert {n: t["Parameters"]["classification"] for n, t in tables.items()} == {
        "orders": "ion", "people": "ion", "plain": "json",
    }
    assert columns(tables["orders"]) == [
        ("id", "bigint"), ("name", "string"), ("price", "decimal(5,3)"), ("at", "timestamp"),
        ("tags", "array<string>"), ("to", "struct<city:string,zip:int>"),
    ]
    descriptor = tables["orders"]["StorageDescriptor"]
    assert descriptor["SerdeInfo"]["SerializationLibrary"] == "com.amazon.ionhiveserde.IonHiveSerDe"
    assert descriptor["InputFormat"] == "com.amazon.ionhiveserde.formats.IonInputFormat"
    rows = crawl.query(
        f'select id, name, price, "at", tags, "to".city from "{crawl.database}".orders order by id'
    )
    assert rows == [
        ["1", "A \u00e9", "10.500", "2024-01-02 02:04:05.500", "[red, dark blue]", "Bonn"],
        ["3000000000", None, "3.125", None, "[x, y]", None],
    ]
    rows = crawl.query(f'select id, name, day from "{crawl.database}".people order by id')
    assert rows == [["1", "Ann", "1"], ["2", "Bob", "1"], ["3", "Cem, a longer name", "2"]]
    log = crawl.log()
    assert "broken/a.10n, byte" in log and "the file ends within a value" in log


def test_tables_of_ion_by_hand(tenon):
    athena = Athena(tenon)
    s3 = tenon.client("s3")
    s3.put_object(Bucket=athena.bucket, Key="ion/a.ion", Body=b'{identification: {name: "Ann"}, alias: "x", n: 40000}')
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.people (name string, nickname string, n smallint, identification string)
        ROW FORMAT SERDE 'com.amazon.ionhiveserde.IonHiveSerDe'
        WITH SERDEPROPERTIES (
          'ion.name.path_extractor' = '(identification name)', 'ion.nickname.path_extractor' = '(alias)',
          'ion.n.fail_on_overflow' = 'false')
        STORED AS ION LOCATION 's3://{athena.bucket}/ion/'"""
    )
    _, rows = athena.rows(f"select * from {athena.database}.people")
    assert rows == [("Ann", "x", "-25536", '{"name":"Ann"}')]
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.strict (n smallint)
        STORED AS ION LOCATION 's3://{athena.bucket}/ion/'"""
    )
    reason = athena.fails(f"select * from {athena.database}.strict")
    assert "ion/a.ion, byte 0, column n" in reason and "40000" in reason


def test_the_crawl_says_how_lines_of_fixed_width_become_a_table(crawl):
    lines = ["ID   NAME     PRICE", "0001 Alice    12.50", "0002 Bob M.    3.00"]
    crawl.put("stock/a.txt", "\n".join(lines) + "\n")
    crawl.create().run()
    assert crawl.tables() == {}
    assert "with the SerDe tenon.FixedWidthSerDe, with a width for each column (by the blanks between them, widths = 5,9,5), and " \
        "skip.header.line.count = 1, because its first line is a header" in crawl.log()
    crawl.glue.create_table(DatabaseName=crawl.database, TableInput={
        "Name": "stock", "TableType": "EXTERNAL_TABLE", "Parameters": {"skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}, {"Name": "price", "Type": "double"}],
            "Location": f"s3://{crawl.bucket}/stock/", "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "SerdeInfo": {"SerializationLibrary": "tenon.FixedWidthSerDe", "Parameters": {"widths": "5,9,5"}}}})
    got = crawl.query(f'select * from "{crawl.database}"."stock" order by id')
    assert got == [["1", "Alice", "12.5"], ["2", "Bob M.", "3.0"]]


def test_lines_of_fixed_width_and_manifests(tenon):
    athena = Athena(tenon)
    glue, s3 = tenon.client("glue"), tenon.client("s3")

    def table(name, columns, path, parameters, **descriptor):
        glue.create_table(
            DatabaseName=athena.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters,
                "StorageDescriptor": {
                    "Columns": [{"Name": n, "Type": t} for n, t in columns],
                    "Location": f"s3://{athena.bucket}/{path}/",
                    **descriptor,
                },
            },
        )

    s3.put_object(Bucket=athena.bucket, Key="fixed/a", Body="ID NAME\n  1Müller\n 22Bo\n".encode("latin-1"))
    parameters = {"classification": "fixed", "widths": "3,6,4", "skip.header.line.count": "1",
                  "serialization.encoding": "ISO-8859-1"}
    table("fixed", [("id", "int"), ("name", "string"), ("rest", "string")], "fixed", parameters)
    _, rows = athena.rows(f"select * from {athena.database}.fixed order by id")
    assert rows == [("1", "Müller", None), ("22", "Bo", None)]
    s3.put_object(Bucket=athena.bucket, Key="fixed/b", Body=b"h\n  3Cem   1234 and more\n")
    reason = athena.fails(f"select * from {athena.database}.fixed")
    assert "fixed/b, line 2: expected a line of 13 characters, found 22" in reason

    s3.put_object(Bucket=athena.bucket, Key="data/one.csv", Body=b"1,a\n")
    s3.put_object(Bucket=athena.bucket, Key="data/two.csv", Body=b"2,b\n")
    s3.put_object(Bucket=athena.bucket, Key="links/manifest", Body=f"s3://{athena.bucket}/data/two.csv\n".encode())
    table(
        "links", [("id", "int"), ("v", "string")], "links", {},
        InputFormat="org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
        OutputFormat="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        SerdeInfo={
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
    )
    assert athena.rows(f"select * from {athena.database}.links")[1] == [("2", "b")]
    s3.delete_object(Bucket=athena.bucket, Key="data/two.csv")
    assert "data/two.csv" in athena.fails(f"select * from {athena.database}.links")


def test_backslashes_keep_their_meaning(crawl):
    crawl.put("files/a.csv", 'id,path\n1,"say \\"hi\\""\n2,"x"\n')
    crawl.put("files/b.csv", "id,path\n3,C:\\new\n4,D:\\old\n")
    crawl.put("both/day=1/a.csv", 'id,path\n1,"x,y"\n2,"z"\n')
    crawl.put("both/day=2/a.csv", "id,path\n3,C:\\new\n4,D:\\old\n")
    crawl.create().run()
    found = {}
    for name in crawl.tables():
        found |= dict(crawl.query(f'select cast(id as varchar), path from "{crawl.database}"."{name}" where id in (1, 3)'
                                  ) if name != "both" else [])
    assert found == {"1": 'say "hi"', "3": "C:\\new"}, crawl.tables()
    rows = crawl.query(f'select path from "{crawl.database}".both order by id')
    assert rows == [["x,y"], ["z"], ["C:\\new"], ["D:\\old"]]
