"""Crawlers at depth: policies, previews, undoing, schedules, and folders that nobody would want."""

import datetime
import decimal
import io
import json
import random
import urllib.error
import urllib.request

import botocore.exceptions
import fastavro
import pyarrow
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from conftest import name, wait_until
from test_crawler import Crawl, columns


@pytest.fixture
def crawl(tenon):
    return Crawl(tenon)


def fault(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]


def csv(columns, rows=2):
    lines = [",".join(columns)] + [",".join(str(r * 10 + c) for c in range(len(columns))) for r in range(rows)]
    return "\n".join(lines) + "\n"


def test_dry_run_and_undo_on_the_command_line(crawl):
    crawl.put("x/t/k=1/a.csv", "id,v,z\n1,x,1\n2,y,2\n")
    crawl.put("x/bad/a.parquet", "PAR1 cut")
    crawl.create("x/")
    shown = crawl.tenon.cli("crawl", crawl.name, "--dry-run").stdout
    for wanted in ("x/t/  TABLE", "x/t/k=1/  PARTITION", "CREATE", "+ column id: bigint", "left out: s3://", "nothing was changed"):
        assert wanted in shown, shown
    document = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    assert [t["Action"] for t in document["Tables"]] == ["CREATE"]
    assert fault(crawl.glue.get_database, Name=crawl.database)["Code"] == "EntityNotFoundException"
    crawl.run()
    version = crawl.tables()["t"]["VersionId"]
    crawl.put("x/t/k=2/a.csv", "id,v,z,w\n1,x,1,1\n2,y,2,2\n")
    crawl.put("x/u/a.json", '{"a":1}')
    crawl.run()
    assert set(crawl.tables()) == {"t", "u"} and crawl.tables()["t"]["VersionId"] != version
    undone = crawl.tenon.cli("crawl", crawl.name, "--undo").stdout
    assert "tables removed: u; restored: t; partitions removed 1" in undone, undone
    assert set(crawl.tables()) == {"t"}
    assert columns(crawl.tables()["t"]) == [("id", "bigint"), ("v", "string"), ("z", "bigint")]
    assert len(crawl.partitions("t")) == 1
    again = crawl.tenon.cli("crawl", crawl.name, "--undo", check=False)
    assert again.returncode == 1 and "NothingToUndo" in again.stderr, again
    # What somebody changed since stays, and is named.
    crawl.run()
    table = crawl.tables()["t"]
    keep = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    crawl.glue.update_table(
        DatabaseName=crawl.database, TableInput={k: table[k] for k in keep} | {"Description": "mine"}
    )
    refused = crawl.tenon.cli("crawl", crawl.name, "--undo", check=False)
    assert refused.returncode == 1 and f"{crawl.database}.t" in refused.stderr, refused
    assert crawl.tables()["t"]["Description"] == "mine" and "u" in crawl.tables()


def test_operators_requests_need_an_authorization_header(crawl):
    crawl.create()
    for path, method, status in (("preview", "POST", 403), ("undo", "POST", 403), ("undo", "GET", 405)):
        request = urllib.request.Request(
            f"http://127.0.0.1:{crawl.tenon.port}/_/crawlers/{path}", b'{"Name":"x"}' if method == "POST" else None, method=method
        )
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert raised.value.code == status
    missing = crawl.tenon.cli("crawl", "nobody", "--dry-run", check=False)
    assert missing.returncode == 1 and "EntityNotFoundException" in missing.stderr


def test_schedules(crawl):
    glue = crawl.glue
    crawl.put("t/a.json", '{"a":1}')
    crawl.create("t/")
    assert fault(glue.start_crawler_schedule, CrawlerName=crawl.name)["Code"] == "NoScheduleException"
    assert fault(glue.stop_crawler_schedule, CrawlerName=crawl.name)["Code"] == "SchedulerNotRunningException"
    bad = fault(glue.update_crawler_schedule, CrawlerName=crawl.name, Schedule="cron(0 25 * * ? *)")
    assert bad["Code"] == "InvalidInputException" and "Hours" in bad["Message"]
    glue.update_crawler_schedule(CrawlerName=crawl.name, Schedule="cron(* * * * ? *)")
    assert crawl.get()["Schedule"] == {"ScheduleExpression": "cron(* * * * ? *)", "State": "SCHEDULED"}
    assert fault(glue.start_crawler_schedule, CrawlerName=crawl.name)["Code"] == "SchedulerRunningException"
    wait_until(lambda: "LastCrawl" in crawl.get(), "the next whole minute to start the crawler", 90)
    assert set(crawl.tables()) == {"t"}
    glue.stop_crawler_schedule(CrawlerName=crawl.name)
    assert crawl.get()["Schedule"]["State"] == "NOT_SCHEDULED"
    glue.start_crawler_schedule(CrawlerName=crawl.name)
    assert crawl.get()["Schedule"]["State"] == "SCHEDULED"
    assert fault(glue.start_crawler_schedule, CrawlerName=name("no"))["Code"] == "EntityNotFoundException"


def test_configuration_is_checked_and_acts(crawl):
    crawl.put("t/year=2017/a.json", '{"A":1,"B":2}')
    crawl.put("t/year=2018/a.json", '{"C":3,"D":4}')
    crawl.create("t/")
    for text, word in (("{", "JSON"), ('{"Version":2}', "Version"), ('{"Version":1.0,"Grouping":{"X":1}}', "Grouping.X")):
        error = fault(crawl.glue.update_crawler, Name=crawl.name, Configuration=text)
        assert error["Code"] == "InvalidInputException" and word in error["Message"], error
    crawl.run()
    assert set(crawl.tables()) == {"year_2017", "year_2018"}
    combine = {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}
    crawl.glue.update_crawler(Name=crawl.name, Configuration=json.dumps(combine))
    crawl.run()
    assert columns(crawl.tables()["t"]) == [(c, "int") for c in "abcd"]
    assert crawl.query(f'select year, b, d from "{crawl.database}"."t" order by year') == [
        ["2017", "2", None],
        ["2018", None, "4"],
    ]


def test_mixed_formats_contradictions_and_headers_in_some_files(crawl):
    crawl.put("x/mixed/a.csv", csv(["id", "v"]))
    crawl.put("x/mixed/b.json", '{"id":1,"v":2}')
    crawl.put("x/contradict/a.json", '{"v":1}')
    crawl.put("x/contradict/b.json", '{"v":"text"}')
    crawl.put("x/headers/a.csv", "id,v\n1,x\n2,y\n")
    crawl.put("x/headers/b.csv", "3,z\n4,w\n")
    crawl.create("x/")
    crawl.run()
    tables = crawl.tables()
    assert {"a_csv", "b_json"} <= {t.split("_")[0] + "_" + t.split("_")[1] for t in tables if t.startswith(("a_", "b_"))}
    assert columns(tables["contradict"]) == [("v", "string")]
    assert sorted(crawl.query(f'select v from "{crawl.database}"."contradict"')) == [["1"], ["text"]]
    for table in tables:
        crawl.count(table)


def test_five_thousand_columns(crawl):
    names = [f"c{i}" for i in range(5000)]
    crawl.put("t/a.csv", csv(names))
    crawl.create("t/")
    crawl.run()
    assert len(columns(crawl.tables()["t"])) == 5000
    assert crawl.query(f'select c0, c4999 from "{crawl.database}"."t" order by c0') == [["0", "4999"], ["10", "5009"]]


def test_names_of_columns_that_nobody_would_choose(crawl):
    crawl.put("csv/a.csv", '"a.b","say ""hi""","x,y","",😀,Id\n1,2,3,4,5,6\n7,8,9,10,11,12\n')
    crawl.put("json/a.json", json.dumps({"a.b": 1, 'q"q': 2, "x,y": 3, "😀": 5, "Id": 6}) + "\n")
    crawl.put("case/a.json", '{"Id":1,"ID":2}\n')
    crawl.create()
    crawl.run()
    log = crawl.log()
    tables = crawl.tables()
    found = [c for c, _ in columns(tables["csv"])]
    assert len(found) == len(set(found)) == 6 and found[-1] == "id" and "col3" in found, found
    assert crawl.count("csv") == 2
    assert {c for c, _ in columns(tables["json"])} == {"a.b", 'q"q', "x,y", "😀", "id"}
    assert crawl.query(f'select "a.b", "😀", id from "{crawl.database}"."json"') == [["1", "5", "6"]]
    assert "case" not in tables
    assert 'case/a.json, line 1: the names "Id" and "ID" of one object are the same column' in log, log


def test_a_partition_key_that_is_also_a_column_and_an_empty_value(crawl):
    crawl.put("t/dt=1/a.json", '{"dt":"x","v":1}')
    crawl.put("t/dt=/a.json", '{"dt":"y","v":2}')
    crawl.create("t/")
    crawl.run()
    table = crawl.tables()["t"]
    assert columns(table) == [("v", "int")] and [k["Name"] for k in table["PartitionKeys"]] == ["dt"]
    assert crawl.query(f'select dt, v from "{crawl.database}"."t" order by v') == [["1", "1"], [None, "2"]]
    values = ["__HIVE_DEFAULT_PARTITION__"]
    where = {"DatabaseName": crawl.database, "TableName": "t", "PartitionValues": values}
    assert crawl.glue.get_partition(**where)["Partition"]["Values"] == values
    crawl.glue.delete_partition(**where)
    assert len(crawl.partitions("t")) == 1


def test_two_crawlers_and_a_drop_while_they_are_at_work(crawl):
    for part in range(60):
        crawl.put(f"t/k={part}/a.json", json.dumps({"v": part}))
    crawl.create("t/")
    second = name("second")
    targets = {"S3Targets": [{"Path": f"s3://{crawl.bucket}/t/"}]}
    crawl.glue.create_crawler(Name=second, Role="r", DatabaseName=crawl.database, Targets=targets)
    for _ in range(4):
        crawl.glue.start_crawler(Name=crawl.name)
        crawl.glue.start_crawler(Name=second)
        try:
            crawl.glue.delete_table(DatabaseName=crawl.database, Name="t")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "EntityNotFoundException"
        for crawler in (crawl.name, second):
            ready = lambda: crawl.glue.get_crawler(Name=crawler)["Crawler"]["State"] == "READY"
            wait_until(ready, "both crawls to end")
    crawl.run()
    assert set(crawl.tables()) == {"t"} and len(crawl.partitions("t")) == 60
    assert crawl.count("t") == 60


def test_new_folders_only(crawl):
    crawl.put("x/t/k=1/a.json", '{"a":1,"b":2}')
    log = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    crawl.create("x/", SchemaChangePolicy=log, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    crawl.run()
    crawl.put("x/t/k=2/a.json", '{"a":3,"b":4}')
    crawl.put("x/new/a.json", '{"z":3}')
    crawl.run()
    assert set(crawl.tables()) == {"t"} and len(crawl.partitions("t")) == 2
    assert crawl.count("t") == 2


def test_what_is_empty_fits_its_table_and_is_read(crawl):
    crawl.put("x/j/k=1/a.json", '{"l":[1,2],"s":{"a":1,"b":"x"},"n":5}')
    crawl.put("x/c/k=1/a.csv", "name,n\nann,1\nbob,2\n")
    log = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    crawl.create("x/", SchemaChangePolicy=log, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}).run()
    crawl.put("x/j/k=2/a.json", '{"l":[],"s":{"a":null},"n":null}')
    crawl.put("x/j/k=3/a.json", '{"l":[null],"s":{},"n":6}')
    crawl.put("x/c/k=2/a.csv", "name,n\ncyd,\n")
    crawl.put("x/c/k=3/a.csv", "dan,\neve,\n")
    crawl.run()
    table = f'"{crawl.database}".'
    got = crawl.query(f"select k, l, s.a, s.b, n from {table}j order by k")
    assert got == [["1", "[1, 2]", "1", "x", "5"], ["2", "[]", None, None, None], ["3", "[null]", None, None, "6"]], got
    assert crawl.query(f"select k, name, n from {table}c order by name") == [["1", "ann", "1"], ["1", "bob", "2"], ["2", "cyd", None]]
    assert "/x/c/k=3/: its files do not fit table c" in crawl.log()
    # A crawl of everything comes to the same.
    every = Crawl(crawl.tenon)
    for key in ("x/j/k=1/a.json", "x/j/k=2/a.json", "x/j/k=3/a.json", "x/c/k=1/a.csv", "x/c/k=2/a.csv"):
        every.put(key, crawl.s3.get_object(Bucket=crawl.bucket, Key=key)["Body"].read())
    every.create("x/").run()
    assert {name: columns(table) for name, table in every.tables().items()} == {
        "j": [("l", "array<int>"), ("s", "struct<a:int,b:string>"), ("n", "int")],
        "c": [("name", "string"), ("n", "bigint")],
    }
    assert every.query(f'select count(*), count(n) from "{every.database}".c') == [["3", "2"]]


def test_prose_is_no_table(crawl):
    prose = (
        "In the morning we got up early, and the sun was shining.\nMy brother was still asleep, so we let him be.\n"
        "After breakfast we took the train, which was late again.\nThe sea was cold, but nobody minded it.\n"
    )
    crawl.put("x/prose/a.txt", prose)
    crawl.put("x/reviews/a.csv", "name, comment\nAnn Smith, liked it very much.\nBob Jones, it broke after two days.\n")
    crawl.create("x/").run()
    assert set(crawl.tables()) == {"reviews"} and crawl.count("reviews") == 3
    assert "prose/a.txt: the format was not recognised: it reads as prose" in crawl.log()
    # Somebody knows better.
    classifier = name("csv")
    crawl.glue.create_classifier(CsvClassifier={"Name": classifier, "Delimiter": ",", "ContainsHeader": "ABSENT"})
    other = Crawl(crawl.tenon)
    other.put("prose/a.txt", prose)
    other.create("prose/", Classifiers=[classifier]).run()
    assert len(columns(other.tables()["prose"])) == 2 and other.count("prose") == 4


def test_an_undo_of_a_killed_crawl_takes_all_of_it_back(tenon_factory, tmp_path):
    marker = tmp_path / "marker"
    point = "crawl.table.committed"
    server = tenon_factory(environment={"TENON_CRASH_POINT": point, "TENON_CRASH_MARKER": str(marker)}).start()
    crawl = Crawl(server)
    for table in ("a", "b"):
        for part in range(3):
            crawl.put(f"x/{table}/k={part}/f.json", json.dumps({table: 1, f"{table}2": "x"}))
    crawl.create("x/")
    try:
        crawl.glue.start_crawler(Name=crawl.name)
    except botocore.exceptions.BotoCoreError:
        pass
    wait_until(lambda: server.process.poll() is not None, f"the kill at {point}")
    server.environment = {}
    server.start()
    crawl.glue, crawl.s3 = server.client("glue"), server.client("s3")
    wait_until(lambda: crawl.get()["State"] == "READY", "the crawl to be taken up again")
    assert set(crawl.tables()) == {"a", "b"} and len(crawl.partitions("b")) == 3
    server.cli("crawl", crawl.name, "--undo")
    assert fault(crawl.glue.get_database, Name=crawl.database)["Code"] == "EntityNotFoundException"


def test_what_belongs_to_another_account_is_denied(tenon):
    """Neither crawls nor queries reach what S3 itself would refuse the caller: a crawl of it fails and says so, and the
    crawl of what is one's own goes on."""
    mine, theirs = (str(random.randrange(10**11, 10**12)) for _ in range(2))
    s3, glue, athena = (tenon.client(service, access_key=mine) for service in ("s3", "glue", "athena"))
    foreign, own = name("foreign").replace("_", "-"), name("own").replace("_", "-")
    tenon.client("s3", access_key=theirs).create_bucket(Bucket=foreign)
    tenon.client("s3", access_key=theirs).put_object(Bucket=foreign, Key="t/a.csv", Body=b"secret,n\nx,1\n")
    s3.create_bucket(Bucket=own)
    s3.put_object(Bucket=own, Key="t/a.csv", Body=b"word,n\ny,2\n")
    for key in ("t/", "t/a.csv"):
        made = name("c")
        glue.create_crawler(
            Name=made, Role="r", DatabaseName=made, Targets={"S3Targets": [{"Path": f"s3://{foreign}/{key}"}]}
        )
        glue.start_crawler(Name=made)
        wait_until(lambda: glue.get_crawler(Name=made)["Crawler"]["State"] == "READY", "the crawl to end")
        last = glue.get_crawler(Name=made)["Crawler"]["LastCrawl"]
        assert last["Status"] == "FAILED"
        assert "Access Denied" in last["ErrorMessage"] and foreign in last["ErrorMessage"]
    database = name("db")
    glue.create_database(DatabaseInput={"Name": database})
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}
    for table, bucket in (("theirs", foreign), ("mine", own)):
        descriptor = {
            "Columns": [{"Name": "word", "Type": "string"}, {"Name": "n", "Type": "string"}],
            "Location": f"s3://{bucket}/t/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": serde,
        }
        glue.create_table(DatabaseName=database, TableInput={"Name": table, "StorageDescriptor": descriptor})

    def query(statement, output=own):
        started = athena.start_query_execution(
            QueryString=statement, QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": f"s3://{output}/results/"},
        )["QueryExecutionId"]

        def status():
            found = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            return found if found["State"] in ("SUCCEEDED", "FAILED") else None

        return wait_until(status, "the query to end")

    assert query("SELECT * FROM mine")["State"] == "SUCCEEDED"
    denied = query("SELECT * FROM theirs")
    assert denied["State"] == "FAILED" and "Access Denied" in denied["StateChangeReason"]
    with pytest.raises(ClientError, match="Access denied"):
        query("SELECT * FROM mine", output=foreign)


def test_tables_of_streams_and_of_no_files_fail_a_crawl_of_the_catalog(crawl):
    """They are refused by name, and the tables beside them are crawled all the same."""
    crawl.glue.create_database(DatabaseInput={"Name": crawl.database})
    crawl.put("files/a.json", '{"id":1,"name":"x"}\n')
    stream = {"typeOfData": "kinesis", "streamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"}
    topic = {"typeOfData": "kafka", "topicName": "clicks", "connectionName": "kafka"}
    files = f"s3://{crawl.bucket}/files/"
    for table, location, own, top in (
        ("files", files, {}, {}),
        ("clicks", "clicks", stream, {"classification": "json"}),
        ("topic", "clicks", topic, {"classification": "json"}),
        ("rows", "shop.public.orders", {}, {"classification": "postgresql"}),
        ("versions", files, {}, {"table_type": "DELTA"}),
    ):
        descriptor = {"Columns": [], "Location": location, "Parameters": own}
        table = {"Name": table, "StorageDescriptor": descriptor, "Parameters": top}
        crawl.glue.create_table(DatabaseName=crawl.database, TableInput=table)
    tables = {"CatalogTargets": [{"DatabaseName": crawl.database, "Tables": ["clicks", "files", "topic", "rows", "versions"]}]}
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}
    crawl.glue.create_crawler(Name=crawl.name, Role="r", Targets=tables, SchemaChangePolicy=policy)
    first = crawl.run("FAILED")["ErrorMessage"]
    assert f"{crawl.database}.clicks of a catalog target is a table of a kinesis stream" in first, first
    for refused in ("topic of a catalog target is a table of a kafka stream", "'shop.public.orders'", "use a target of that format"):
        assert refused.replace("'", '"') in crawl.log(), crawl.log()
    assert columns(crawl.tables()["files"]) == [("id", "int"), ("name", "string")]
    _, status = crawl.execute(f'select * from "{crawl.database}"."clicks"')
    assert status["State"] == "FAILED" and "streams are not queried" in status["StateChangeReason"], status


def test_json_values_of_several_types_are_a_choice(crawl):
    """The table has text, which holds every value; the log and the preview tell the types; a union keeps them apart."""
    crawl.put("v/a.json", '{"id":1,"v":1,"l":[1,"x"]}\n{"id":2,"v":"b","l":[true]}\n')
    crawl.put("v/b.json", '{"id":3,"v":{"x":[1]},"l":null}\n{"id":4,"v":2.5}\n')
    crawl.create("v/")
    preview = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    votes = [column.get("Choice") for schema in preview["Targets"][0]["Schemas"] for column in schema["Columns"]]
    assert ["int", "string"] in votes and ["struct<x:array<int>>", "double"] in votes, votes
    assert "v string (choice of int, string)" in crawl.tenon.cli("crawl", crawl.name, "--dry-run").stdout
    crawl.run()
    assert columns(crawl.tables()["v"]) == [("id", "int"), ("v", "string"), ("l", "array<string>")]
    assert "v (uniontype<double,string,struct<x:array<int>>>), l[] (uniontype<int,string,boolean>)" in crawl.log()
    assert crawl.query(f'select v from "{crawl.database}".v order by id') == [["1"], ["b"], ['{"x":[1]}'], ["2.5"]]
    keep = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    table = {k: v for k, v in crawl.tables()["v"].items() if k in keep}
    table["StorageDescriptor"]["Columns"][1]["Type"] = "uniontype<double,string,struct<x:array<int>>>"
    crawl.glue.update_table(DatabaseName=crawl.database, TableInput=table)
    merge = {"Version": 1.0, "CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}
    crawl.glue.update_crawler(Name=crawl.name, Configuration=json.dumps(merge))
    crawl.put("v/c.json", '{"id":5,"v":7,"new":1}\n')
    crawl.run()
    assert columns(crawl.tables()["v"])[1] == ("v", "uniontype<double,string,struct<x:array<int>>>")
    found = crawl.query(f'select v.double, v.string, v.struct.x from "{crawl.database}".v order by id')
    assert found == [["1.0", None, None], [None, "b", None], [None, None, "[1]"], ["2.5", None, None], ["7.0", None, None]]
    assert "misread" not in crawl.log()
    # Of other formats nobody could tell the types apart.
    crawl.put("c/a.csv", "id,v\n1,x\n2,y\n")
    table = {
        "Name": "c",
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "v", "Type": "uniontype<int,string>"}],
            "Location": f"s3://{crawl.bucket}/c/",
        },
        "Parameters": {"classification": "csv"},
    }
    crawl.glue.create_table(DatabaseName=crawl.database, TableInput=table)
    _, status = crawl.execute(f'select * from "{crawl.database}".c')
    assert status["State"] == "FAILED" and "uniontype<int,string> is not supported" in status["StateChangeReason"]


def test_columns_without_any_value_take_their_type_from_other_files(crawl):
    """As pandas writes a column of None: whatever lies beside it, what was read stays readable."""
    some = {"id": [1, 2], "tags": [["a"], ["b", "c"]], "amount": [1.5, 2.5], "addr": [{"x": 1}, {"x": 2}]}
    none = {"id": [3, 4], "tags": [None, None], "amount": [None, None], "addr": [None, None]}
    empty = {"id": [5], "tags": [[]], "amount": [7.0], "addr": [{"x": None}]}
    for at, rows in enumerate((some, none, empty)):
        out = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(rows), out)
        for folder in (f"days/day={at}", "flat"):
            crawl.put(f"x/{folder}/{at}.parquet", out.getvalue())
    out = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"}, {"name": "v", "type": "null"}]}
    fastavro.writer(out, schema, [{"id": 1, "v": None}])
    crawl.put("x/avro/a.avro", out.getvalue())
    out = io.BytesIO()
    schema["fields"][1]["type"] = ["null", "double"]
    fastavro.writer(out, schema, [{"id": 2, "v": 1.5}])
    crawl.put("x/avro/b.avro", out.getvalue())
    crawl.create("x/").run()
    wanted = [("id", "bigint"), ("tags", "array<string>"), ("amount", "double"), ("addr", "struct<x:bigint>")]
    for table in ("days", "flat"):
        assert columns(crawl.tables()[table]) == wanted
        rows = crawl.query(f'select id, tags, amount, addr.x from "{crawl.database}".{table} order by id')
        assert rows == [
            ["1", "[a]", "1.5", "1"],
            ["2", "[b, c]", "2.5", "2"],
            ["3", None, None, None],
            ["4", None, None, None],
            ["5", "[]", "7.0", None],
        ]
    assert columns(crawl.tables()["avro"]) == [("id", "int"), ("v", "double")]
    assert crawl.query(f'select sum(id), sum(v) from "{crawl.database}".avro') == [["3", "1.5"]]
    assert "WARN" not in crawl.log(), crawl.log()


@pytest.mark.parametrize("order", ["nulls first", "values first", "nulls alone"])
def test_values_that_are_always_null_within_others(crawl, order):
    """Items, values of maps and fields whose type is null alone take theirs from other files."""
    null = pyarrow.null()
    types = lambda inner: {"m": pyarrow.map_(pyarrow.string(), inner), "l": pyarrow.list_(inner), "s": pyarrow.struct([("x", inner)])}
    def avro(inner):
        record = {"type": "record", "name": "s", "fields": [{"name": "x", "type": inner}]}
        kinds = {"m": {"type": "map", "values": inner}, "l": {"type": "array", "items": inner}, "s": record}
        return {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind in kinds.items()]}
    def row(value):
        return {"m": {"k": value}, "l": [value, value], "s": {"x": value}}
    kept = [("null", null, row(None)), (["null", "long"], pyarrow.int64(), row(7))][: 1 if order == "nulls alone" else 2]
    for at, (inner, arrow, value) in enumerate(reversed(kept) if order == "values first" else kept):
        out = io.BytesIO()
        fastavro.writer(out, avro(inner), [value])
        crawl.put(f"x/avro/{at}.avro", out.getvalue())
        out = io.BytesIO()
        value = dict(value, m=list(value["m"].items()))
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([value], pyarrow.schema(list(types(arrow).items()))), out)
        crawl.put(f"x/parquet/{at}.parquet", out.getvalue())
    crawl.create("x/").run()
    inner = "string" if order == "nulls alone" else "bigint"
    wanted = [["{k=null}", "[null, null]", None]] + ([] if order == "nulls alone" else [["{k=7}", "[7, 7]", "7"]])
    for table in ("avro", "parquet"):
        assert columns(crawl.tables()[table]) == [
            ("m", f"map<string,{inner}>"), ("l", f"array<{inner}>"), ("s", f"struct<x:{inner}>")]
        rows = crawl.query(f'select m, l, s.x from "{crawl.database}".{table} order by s.x nulls first')
        assert rows == wanted, table
    assert "WARN" not in crawl.log(), crawl.log()


def avro_bytes(fields, *rows):
    out = io.BytesIO()
    fields = [{"name": name, "type": kind} for name, kind in fields.items()]
    fastavro.writer(out, {"type": "record", "name": "r", "fields": fields}, rows)
    return out.getvalue()


def test_avro_files_unlike_the_schema_of_their_table(crawl):
    """What a file says of its numbers holds, not what the table's schema says of others."""
    logical = lambda name: {"type": "long", "logicalType": f"timestamp-{name}"}
    scaled = lambda digits, scale: {"type": "bytes", "logicalType": "decimal", "precision": digits, "scale": scale}
    at, utc = datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.timezone.utc
    moment, amount = at.replace(tzinfo=utc), decimal.Decimal("12.50")
    micros = {"at": logical("micros"), "amt": scaled(9, 2), "w": ["null", "double"], "l": {"type": "array", "items": logical("micros")}}
    crawl.put("x/d=0/a.avro", avro_bytes(micros, {"at": moment, "amt": amount, "w": 1.5, "l": [moment]}))
    crawl.create("x/", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}).run()
    assert "avro.schema.literal" in crawl.tables()["x"]["Parameters"] | crawl.tables()["x"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    millis = {"at": ["null", logical("millis")], "amt": scaled(5, 1), "w": "long", "l": {"type": "array", "items": logical("millis")}}
    crawl.put("x/d=0/b.avro", avro_bytes(millis, {"at": moment, "amt": decimal.Decimal("7.5"), "w": 3, "l": [moment]}))
    rows = crawl.query(f'select at, amt, w, l from "{crawl.database}".x order by amt')
    said = at.isoformat(" ")
    assert [[row[0][:19], *row[1:3]] for row in rows] == [[said, "7.50", "3.0"], [said, "12.50", "1.5"]]
    assert all(said in row[3] for row in rows), rows
    # More digits than the table has are an error, and never others.
    for name, fields, row in [
        ("scale", dict(millis, amt=scaled(9, 3)), {"amt": decimal.Decimal("1.125"), "w": 1}),
        ("double", millis, {"amt": decimal.Decimal("1.5"), "w": 2**62 + 1}),
    ]:
        crawl.put("x/d=0/b.avro", avro_bytes(fields, {"at": moment, "l": [], **row}))
        _, status = crawl.execute(f'select * from "{crawl.database}".x')
        assert status["State"] == "FAILED" and "x/d=0/b.avro" in status["StateChangeReason"], (name, status)


def test_structures_that_no_column_can_have_are_left_out_and_named(crawl):
    empty = {"type": "record", "name": "e", "fields": []}
    crawl.put("x/avro/a.avro", avro_bytes({"id": "int", "e": {"type": "array", "items": empty}}, {"id": 1, "e": [{}]}))
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": [1], "s": [{"A": 1, "a": 2}]}), out)
    crawl.put("x/parquet/a.parquet", out.getvalue())
    crawl.create("x/").run()
    for table, column, why in [
        ("avro", "e", "a structure without fields"),
        ("parquet", "s", "two fields named a (case does not count)"),
    ]:
        assert [name for name, _ in columns(crawl.tables()[table])] == ["id"]
        assert crawl.query(f'select * from "{crawl.database}".{table}') == [["1"]]
        line = next(line for line in crawl.log().splitlines() if f"column {column}" in line)
        assert "WARN" in line and why in line and f"x/{table}/a." in line, line


@pytest.mark.parametrize("body, why", [
    ("- id: 1, v: 2\n- id: 3, v: 4\n", "items of a list"),
    ('["a","b"]\n["c","d"]\n', ""),
    ('// c, d\n{"a":1,"b":2}\n{"a":3,"b":4}\n', "values in brackets"),
    ("order::{id:1,v:2}\norder::{id:3,v:4}\n", "$ion_1_0"),
    ("| a | b |\n|---|:--|\n| 1 | 2 |\n| 3 | 4 |\n", "Markdown"),
])
def test_text_of_other_kinds_is_no_table_of_fragments(crawl, body, why):
    crawl.put("x/a.json", body)
    crawl.put("y/a.csv", "a,b\n1,2\n3,4\n")
    crawl.put("z/a.py", "import os, sys\nimport io, re\nfrom a import b, c\n")
    crawl.create("").run()
    assert list(crawl.tables()) == ["y"]
    assert "z/a.py" in crawl.log() and "it is named .py" in crawl.log(), crawl.log()
    line = next(line for line in crawl.log().splitlines() if "x/a.json" in line)
    assert ("ERROR" in line or "WARN" in line) and why in line, line


def test_times_of_day_and_bytes_beside_numbers(crawl):
    """Either the table reads, or the crawl's log names the column."""
    noon = datetime.time(12)
    for at, (day, raw) in enumerate((([noon], [b"\xff\xfe"]), ([1.5], [7]))):
        out = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"day": day}), out)
        crawl.put(f"x/times/{at}.parquet", out.getvalue())
        out = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"raw": raw}), out)
        crawl.put(f"x/bytes/{at}.parquet", out.getvalue())
    crawl.create("x/").run()
    assert columns(crawl.tables()["times"]) == [("day", "double")]
    micros = 12 * 3600 * 1_000_000.0
    assert sorted(float(row[0]) for row in crawl.query(f'select day from "{crawl.database}".times')) == [1.5, micros]
    assert columns(crawl.tables()["bytes"]) == [("raw", "string")]
    assert "files contradict each other within the column raw" in crawl.log()


def test_how_certain_formats_are_and_what_was_not_looked_at_is_told(crawl):
    crawl.put("c/long/a.csv", "id,v\n" + "1,2\n" * 800_000 + "1,2.5\n")
    crawl.put("c/log/a.log", "".join(f"Feb  9 07:15:{n:02} host app[1]: x\n" for n in range(19)) + "what is this\n")
    crawl.put("c/sure/a.json", '{"a": 1}\n')
    crawl.create("c/")
    preview = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json").stdout)
    assert {entry["Key"]: entry["Certainty"] for entry in preview["Targets"][0]["Files"]} == {
        "c/log/a.log": 0.95, "c/long/a.csv": 1.0, "c/sure/a.json": 1.0}
    assert "say log lines (syslog) (certainty 0.95)" in crawl.tenon.cli("crawl", crawl.name, "--dry-run").stdout
    crawl.run()
    log = crawl.log()
    assert "with a certainty of 95 %" in log and log.count("certainty") == 1
    # The last value is beyond the sample, and no bigint.
    assert columns(crawl.tables()["long"]) == [("id", "bigint"), ("v", "bigint")]
    assert "table long" in log and "bytes were not looked at: they are taken to be like the others" in log


def test_files_unlike_the_others_are_tables_where_the_others_are(crawl):
    for at in range(4):
        crawl.put(f"x/f{at}.json", f'{{"a":{at},"b":"x","c":1.5}}\n')
    crawl.put("x/odd.json", '{"a":99,"zz":"kept","yy":true,"xx":1,"ww":2}\n')
    crawl.create("x/").run()
    assert set(crawl.tables()) == {"x"} and "odd.json: columns differ from those of most files" in crawl.log()
    crawl.put("x/sub/g.json", '{"k1":1,"k2":2,"k3":3}\n')
    crawl.run()
    assert set(crawl.tables()) >= {"f0_json", "f1_json", "f2_json", "f3_json", "odd_json", "sub"}
    assert crawl.query(f'select a, zz from "{crawl.database}".odd_json') == [["99", "kept"]]


def test_partitions_whose_files_cannot_be_read_stay(crawl):
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2]}), out)
    for day in (1, 2, 3):
        crawl.put(f"t/d={day}/a.parquet", out.getvalue())
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    crawl.create("t/", SchemaChangePolicy=policy).run()
    assert crawl.count("t") == 6
    crawl.put("t/d=2/a.parquet", out.getvalue()[:-20])
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/d=3/a.parquet")
    crawl.run()
    assert [partition["Values"] for partition in crawl.partitions("t")] == [["1"], ["2"]]
    assert "these partitions stay as they are" in crawl.log()
    _, status = crawl.execute(f'select count(id) from "{crawl.database}".t')
    assert status["State"] == "FAILED" and "t/d=2/a.parquet" in status["StateChangeReason"], status
    crawl.put("t/d=2/a.parquet", out.getvalue())
    crawl.run()
    assert crawl.count("t") == 4
