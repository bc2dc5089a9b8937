"""Custom classifiers: their API, and what crawlers make of them."""

import botocore.exceptions
import pytest

from conftest import name
from test_crawler import Crawl


class Classifying(Crawl):
    def classifier(self, kind, **definition):
        made = name("classifier")
        self.glue.create_classifier(**{kind: {"Name": made, **definition}})
        return made

    def columns(self, table):
        described = self.tables()[table]["StorageDescriptor"]["Columns"]
        return [(column["Name"], column["Type"]) for column in described]

    def read(self, table):
        return self.query(f'select * from "{self.database}"."{table}" order by 1')


def fails(code, call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_api(tenon):
    glue = tenon.client("glue", region="eu-west-1")
    names = sorted(name("c") for _ in range(4))
    grok = {"Name": names[0], "Classification": "mine", "GrokPattern": "%{INT:n:int} %{A:a}", "CustomPatterns": "A [a-z]+"}
    glue.create_classifier(GrokClassifier=grok)
    glue.create_classifier(XMLClassifier={"Name": names[1], "Classification": "x", "RowTag": "row"})
    glue.create_classifier(JsonClassifier={"Name": names[2], "JsonPath": "$.a[*]"})
    glue.create_classifier(CsvClassifier={"Name": names[3], "Delimiter": "|", "AllowSingleColumn": True, "Header": ["a"]})
    got = glue.get_classifier(Name=names[0])["Classifier"]["GrokClassifier"]
    assert got.pop("CreationTime") == got.pop("LastUpdated")
    assert got.pop("Version") == 1 and got == grok
    kinds = ["GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier"]
    pages = list(glue.get_paginator("get_classifiers").paginate(PaginationConfig={"PageSize": 3}))
    listed = [classifier for page in pages for classifier in page["Classifiers"]]
    assert [list(c) for c in listed] == [[kind] for kind in kinds] and len(pages) == 2

    glue.update_classifier(GrokClassifier={"Name": names[0], "Classification": "yours"})
    got = glue.get_classifier(Name=names[0])["Classifier"]["GrokClassifier"]
    assert (got["Version"], got["Classification"], got["GrokPattern"]) == (2, "yours", grok["GrokPattern"])

    fails("AlreadyExistsException", glue.create_classifier, JsonClassifier={"Name": names[0], "JsonPath": "$"})
    fails("EntityNotFoundException", glue.get_classifier, Name="nobody")
    fails("EntityNotFoundException", glue.delete_classifier, Name="nobody")
    fails("EntityNotFoundException", glue.update_classifier, JsonClassifier={"Name": "nobody", "JsonPath": "$"})
    fails("InvalidInputException", glue.create_classifier)
    fails("InvalidInputException", glue.update_classifier, JsonClassifier={"Name": names[0], "JsonPath": "$"})
    message = fails(
        "InvalidInputException",
        glue.create_classifier,
        GrokClassifier={"Name": "x", "Classification": "c", "GrokPattern": "%{NOPE:a}"},
    )
    assert "NOPE" in message
    loop = {"Name": "x", "Classification": "c", "GrokPattern": "%{A:a}", "CustomPatterns": "A %{B}\nB %{A}"}
    assert "refers to itself" in fails("InvalidInputException", glue.create_classifier, GrokClassifier=loop)
    glue.delete_classifier(Name=names[0])
    fails("EntityNotFoundException", glue.get_classifier, Name=names[0])


def test_grok(tenon):
    crawl = Classifying(tenon)
    mine = crawl.classifier(
        "GrokClassifier",
        Classification="orders-log",
        GrokPattern=r"%{TIMESTAMP_ISO8601:at} \[%{LEVEL:level}\] order=%{INT:order:long} took %{NUMBER:seconds:double}s",
        CustomPatterns="LEVEL I|W|E",
    )
    crawl.put(
        "log/a.log",
        "2026-01-02 03:04:05.678 [I] order=1 took 0.25s\n"
        "2026-01-02 03:04:06.000 [W] order=22222222222 took 3s\n"
        "a line of another kind\n"
        "2026-01-02 03:04:07.000 [E] order=3 took 1.5s\n",
    )
    crawl.create(Classifiers=[mine]).run()
    assert crawl.get()["Classifiers"] == [mine]
    table = crawl.tables()["log"]
    assert table["Parameters"]["classification"] == "orders-log"
    assert crawl.columns("log") == [("at", "string"), ("level", "string"), ("order", "bigint"), ("seconds", "double")]
    assert crawl.read("log") == [
        ["2026-01-02 03:04:05.678", "I", "1", "0.25"],
        ["2026-01-02 03:04:06.000", "W", "22222222222", "3.0"],
        ["2026-01-02 03:04:07.000", "E", "3", "1.5"],
        [None, None, None, None],
    ]
    assert f"s3://{crawl.bucket}/log/a.log, line 3: 1 of the 4 lines looked at do not match" in crawl.log()


def test_the_first_that_knows_a_file_decides(tenon):
    crawl = Classifying(tenon)
    numbers = crawl.classifier("GrokClassifier", Classification="numbers", GrokPattern="^%{INT:n:int},%{INT:m:int}$")
    words = crawl.classifier("GrokClassifier", Classification="words", GrokPattern="^%{DATA:a},%{DATA:b}$")
    crawl.put("n/a.csv", "1,2\n3,4\n")
    crawl.put("w/a.csv", "x,y\nz,w\n")
    crawl.put("j/a.json", '{"k":1}\n')
    crawl.create(Classifiers=[numbers, words]).run()
    kinds = {name: table["Parameters"]["classification"] for name, table in crawl.tables().items()}
    assert kinds == {"n": "numbers", "w": "words", "j": "json"}
    crawl.glue.update_crawler(Name=crawl.name, Classifiers=[words, numbers])
    crawl.run()
    assert crawl.tables()["n"]["Parameters"]["classification"] == "words"
    message = fails("EntityNotFoundException", crawl.glue.update_crawler, Name=crawl.name, Classifiers=["nobody"])
    assert "nobody" in message
    crawl.glue.delete_classifier(Name=words)
    assert words in crawl.run("FAILED")["ErrorMessage"]


def test_xml(tenon):
    crawl = Classifying(tenon)
    rows = crawl.classifier("XMLClassifier", Classification="people", RowTag="person")
    text = "<all><meta><made>x</made></meta><group><person a='1'><n>Ann</n></person><person a='2'><n>Bob</n></person></group></all>"
    crawl.put("p/a.xml", text)
    crawl.create(Classifiers=[rows]).run()
    parameters = crawl.tables()["p"]["Parameters"]
    assert (parameters["classification"], parameters["rowTag"]) == ("people", "person")
    assert crawl.columns("p") == [("_a", "int"), ("n", "string")]
    assert crawl.read("p") == [["1", "Ann"], ["2", "Bob"]]
    # Files of other formats are none of its business; those of its own that are broken are.
    crawl.put("q/a.json", '{"n":1}')
    crawl.put("r/a.csv", "n,m\n1,2\n3,4\n")
    crawl.put("s/a.xml", "<größe><person><n>Ann</n></person></größe>")
    crawl.run()
    assert [crawl.read(table) for table in "qrs"] == [[["1"]], [["1", "2"], ["3", "4"]], [["Ann"]]]
    assert "WARN" not in crawl.log(), crawl.log()
    crawl.put("t/a.xml", "<all><person><n>Ann</person></all>")
    crawl.run()
    assert "/t/a.xml, line 1: malformed XML" in crawl.log()


def test_json_path(tenon):
    crawl = Classifying(tenon)
    path = crawl.classifier("JsonClassifier", JsonPath="$.Records[*]")
    crawl.put("r/a.json", '{"Records":[{"id":1,"who":{"name":"ann"}},{"id":2,"who":{"name":"bob"}}],"next":null}')
    crawl.put("r/b.json", '{"Records":[{"id":3,"who":null}]}')
    crawl.create(Classifiers=[path]).run()
    assert crawl.columns("r") == [("id", "int"), ("who", "struct<name:string>")]
    sql = f'select id, who.name from "{crawl.database}"."r" order by 1'
    assert crawl.query(sql) == [["1", "ann"], ["2", "bob"], ["3", None]]


@pytest.mark.parametrize(
    "definition, body, columns, rows",
    [
        ({"Delimiter": "^", "QuoteSymbol": "'"}, "x^y\n'a^b'^1\nc^2\n", ["x string", "y bigint"], [["a^b", "1"], ["c", "2"]]),
        ({"ContainsHeader": "ABSENT"}, "x,1\ny,2\n", ["col0 string", "col1 bigint"], [["x", "1"], ["y", "2"]]),
        ({"ContainsHeader": "PRESENT"}, "a,b\nx,y\n", ["a string", "b string"], [["x", "y"]]),
        ({"Header": ["p", "q"]}, "x,1\ny,2\n", ["p string", "q bigint"], [["x", "1"], ["y", "2"]]),
        ({"Header": ["p", "q"], "ContainsHeader": "PRESENT"}, "a,b\nx,y\n", ["p string", "q string"], [["x", "y"]]),
        ({"AllowSingleColumn": True, "ContainsHeader": "PRESENT"}, "n\n1\n2\n", ["n bigint"], [["1"], ["2"]]),
        ({"DisableValueTrimming": False, "ContainsHeader": "PRESENT"}, "a,b\nx, 1\n", ["a string", "b bigint"], [["x", "1"]]),
        (
            {"CustomDatatypeConfigured": True, "CustomDatatypes": ["DATE", "INT"], "ContainsHeader": "PRESENT"},
            "d,i\n2026-01-02,7\n",
            ["d date", "i int"],
            [["2026-01-02", "7"]],
        ),
        ({"Serde": "LazySimpleSerDe", "ContainsHeader": "PRESENT"}, 'a,b\n"x",1\n', ["a string", "b bigint"], [['"x"', "1"]]),
        ({"Serde": "OpenCSVSerDe", "ContainsHeader": "PRESENT"}, "a,b\nx,1\n", ["a string", "b bigint"], [["x", "1"]]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_csv(tenon, definition, body, columns, rows):
    crawl = Classifying(tenon)
    crawl.put("t/a.csv", body)
    crawl.create(Classifiers=[crawl.classifier("CsvClassifier", **definition)]).run()
    assert [" ".join(column) for column in crawl.columns("t")] == columns, crawl.log()
    assert crawl.read("t") == rows
    serde = crawl.tables()["t"]["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
    if "Serde" in definition:
        assert definition["Serde"].lower()[:7] in serde.lower()
