"""Crawlers: files of XML that say less or more of their elements than others give what one file with all of them would."""

import json

import pytest

from test_crawler import Crawl, columns

LOG = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
UPDATE = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}
# A file where an element is text alone and comes once, and one where there is more of it.
POOR = ["<o>q</o><l>1</l><k>1</k>", "<o>w</o><l>2</l><k>2</k>"]
RICH = ['<o x="1">t</o><l>3</l><l>4</l><k>3</k>', '<o x="2">u</o><k>4</k>']
TOGETHER = [("o", "struct<_x:int,_value:string>"), ("l", "array<int>"), ("k", "int")]
ROWS = [["q", None, "[1]"], ["w", None, "[2]"], ["t", "1", "[3, 4]"], ["u", "2", None]]


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


def xml(*rows):
    return "<r>" + "".join(f"<row>{row}</row>" for row in rows) + "</r>"


def select(crawl, what, table="t", order="k"):
    return crawl.query(f'select {what} from "{crawl.database}"."{table}" order by {order}')


def rows(crawl, table="t"):
    return select(crawl, "o._value, o._x, l", table)


@pytest.mark.parametrize("first, second", [(POOR, RICH), (RICH, POOR)])
@pytest.mark.parametrize("folders", [("t/", "t/"), ("t/d=1/", "t/d=2/")])
def test_attributes_and_repeated_elements_of_some_files(crawl, first, second, folders):
    crawl.put(folders[0] + "a.xml", xml(*first))
    crawl.put(folders[1] + "b.xml", xml(*second))
    crawl.create("t/").run()
    assert sorted(columns(crawl.tables()["t"])) == sorted(TOGETHER)
    assert rows(crawl) == ROWS
    assert "WARN" not in crawl.log(), crawl.log()
    one = Crawl(crawl.tenon)
    one.put("t/a.xml", xml(*first, *second))
    one.create("t/").run()
    assert sorted(columns(one.tables()["t"])) == sorted(TOGETHER)
    assert rows(one) == ROWS


def test_elements_within_elements_and_beside_text(crawl):
    crawl.put("t/a.xml", xml("<s><i><n>1</n></i></s><p>text</p><k>1</k>", "<s><i><n>2</n></i></s><p>more</p><k>2</k>"))
    crawl.put("t/b.xml", xml('<s><i u="m"><n>3</n><n>4</n></i><i><n>5</n></i></s><p><b>6</b></p><k>3</k>', "<s/><p/><k>4</k>"))
    crawl.create("t/").run()
    assert columns(crawl.tables()["t"]) == [
        ("s", "struct<i:array<struct<_u:string,n:array<int>>>>"),
        ("p", "struct<b:int,_value:string>"),
        ("k", "int"),
    ]
    assert select(crawl, "s, p._value, p.b") == [
        ["{i=[{_u=null, n=[1]}]}", "text", None],
        ["{i=[{_u=null, n=[2]}]}", "more", None],
        ["{i=[{_u=m, n=[3, 4]}, {_u=null, n=[5]}]}", None, "6"],
        ["{i=null}", None, None],
    ]
    assert "WARN" not in crawl.log(), crawl.log()


def test_numbers_that_lose_digits_are_told(crawl):
    crawl.put("t/a.xml", xml("<v>1</v><k>1</k>", "<v>1.5</v><k>2</k>"))
    crawl.put("t/b.xml", xml("<v>9007199254740993</v><k>3</k>", "<v>9007199254740993</v><k>4</k>"))
    crawl.put("u/a.xml", xml("<w>1e400</w><k>1</k>", "<w>1</w><k>2</k>"))
    crawl.put("one/a.xml", xml('<z x="1">1.5</z><k>1</k>', '<z x="9007199254740993">9007199254740993</z><k>2</k>'))
    crawl.create().run()
    tables, log = crawl.tables(), crawl.log()
    assert columns(tables["t"]) == [("v", "double"), ("k", "int")]
    assert "table t: column v is double, and some files hold whole numbers beyond 2^53 there, such as s3://" in log, log
    assert "t/b.xml: they lose digits" in log, log
    assert columns(tables["u"])[0] == ("w", "double") and columns(tables["one"])[0] == ("z", "struct<_x:bigint,_value:double>")
    for place in ("u/a.xml, column w", "one/a.xml, column z._value"):
        assert f"{place}: it is double, and some of its numbers are not" in log, log


@pytest.mark.parametrize("folders", [("t/", "t/"), ("t/d=1/", "t/d=2/")])
def test_a_second_crawl_brings_the_table_up_to_date(crawl, folders):
    crawl.put(folders[0] + "a.xml", xml(*POOR))
    crawl.create("t/", SchemaChangePolicy=UPDATE).run()
    assert columns(crawl.tables()["t"]) == [("o", "string"), ("l", "int"), ("k", "int")]
    crawl.put(folders[1] + "b.xml", xml(*RICH))
    crawl.run()
    assert columns(crawl.tables()["t"]) == TOGETHER
    assert rows(crawl) == ROWS
    crawl.run()
    assert columns(crawl.tables()["t"]) == TOGETHER
    assert "WARN" not in crawl.log(), crawl.log()


def test_new_folders_that_a_table_does_not_take_in_are_told(crawl):
    policy = {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    crawl.put("t/d=1/a.xml", xml(*POOR))
    crawl.create("t/", SchemaChangePolicy=LOG, RecrawlPolicy=policy).run()
    crawl.put("t/d=2/b.xml", xml(*RICH))
    crawl.run()
    assert columns(crawl.tables()["t"]) == [("o", "string"), ("l", "int"), ("k", "int")]
    told = (
        "t/d=2/: its files do not fit table t: column o is struct<_x:int,_value:string> in its files and string in it, "
        "l is array<int> in its files and int in it; its 1 files are left out"
    )
    assert told in crawl.log(), crawl.log()
    # What says more takes in what says less, and nothing is lost.
    other = Crawl(crawl.tenon)
    other.put("t/d=1/a.xml", xml(*RICH))
    other.create("t/", SchemaChangePolicy=LOG, RecrawlPolicy=policy).run()
    other.put("t/d=2/b.xml", xml(*POOR))
    other.run()
    assert "WARN" not in other.log(), other.log()
    assert rows(other) == ROWS


@pytest.mark.parametrize("inherit", [False, True])
def test_columns_that_are_kept_and_do_not_take_in_elements_are_told(crawl, inherit):
    crawl.put("t/d=1/a.xml", xml(*POOR))
    output = {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}
    if inherit:
        output["Partitions"] = {"AddOrUpdateBehavior": "InheritFromTable"}
    crawl.create("t/", SchemaChangePolicy=UPDATE, Configuration=json.dumps({"Version": 1.0, "CrawlerOutput": output})).run()
    crawl.put("t/d=2/b.xml", xml(*(row + "<new>1</new>" for row in RICH)))
    crawl.run()
    assert columns(crawl.tables()["t"]) == [("o", "string"), ("l", "int"), ("k", "int"), ("new", "int")]
    log = crawl.log()
    told = "o is struct<_x:int,_value:string> in its files and string in it, l is array<int> in its files and int in it"
    assert any("WARN" in line and told in line for line in log.splitlines()), log
