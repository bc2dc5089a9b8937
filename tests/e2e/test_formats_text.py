"""Log lines, XML and text in other encodings: crawled, then read by Athena, value by value."""

import gzip
import json
import xml.etree.ElementTree as ElementTree

import pytest

from test_athena import Athena
from test_crawler import Crawl

S3_LINE = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be amzn-bucket1 [06/Feb/2019:00:00:{second:02} +0000] "
    "192.0.2.3 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 3E57427F3EXAMPLE REST.GET.OBJECT "
    'folder/a%20b.txt "GET /amzn-bucket1/folder/a%20b.txt HTTP/1.1" 200 - {sent} 4406 7 - "-" "S3Console/0.4, aws" - '
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 "
    "ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - -\n"
)
APACHE = (
    '10.0.0.{n} - ann [10/Oct/2025:13:55:{n:02} +0200] "GET /shop?id={n}&q=a,b HTTP/1.1" 200 {size} '
    '"https://example.org/" "Mozilla/5.0 (X11; Linux)"\n'
)
ALB = (
    "https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 "
    '0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
    '"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/1234" 1 '
    '2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-"\n'
)
SYSLOG = [
    "Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]: B88C4120838: connect from unknown[192.168.55.4]\n",
    "Feb  9 07:15:03 m4eastmail kernel: usb 1-1: new device\n",
]


def test_known_logs_become_tables(tenon):
    crawl = Crawl(tenon)
    crawl.put("apache/a.log", "".join(APACHE.format(n=n, size=n * 10) for n in range(1, 4)))
    crawl.put("s3/day=1/a", S3_LINE.format(second=38, sent=113))
    crawl.put("s3/day=2/b.gz", gzip.compress(S3_LINE.format(second=39, sent="-").encode()))
    crawl.put("alb/a.log", ALB + ALB.replace("10.0.0.1:80 0.086 0.048 0.037 200 200", "- -1 -1 -1 460 -", 1))
    crawl.put("system/messages", "".join(SYSLOG))
    crawl.create().run()
    tables = crawl.tables()
    assert set(tables) == {"apache", "s3", "alb", "system"}, crawl.log()
    kinds = {name: table["Parameters"]["classification"] for name, table in tables.items()}
    assert kinds == {"apache": "combinedapache", "s3": "s3_access", "alb": "alb", "system": "syslog"}
    serde = tables["apache"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "com.amazonaws.glue.serde.GrokSerDe"
    assert serde["Parameters"]["input.format"] == "^%{COMBINEDAPACHELOG}"

    read = lambda table, columns: crawl.query(f'select {columns} from "{crawl.database}"."{table}" order by 1')
    assert read("apache", "clientip, auth, verb, request, response, bytes, agent") == [
        [f"10.0.0.{n}", "ann", "GET", f"/shop?id={n}&q=a,b", "200", str(n * 10), '"Mozilla/5.0 (X11; Linux)"']
        for n in range(1, 4)
    ]
    assert read("s3", "requestdatetime, bytessent, objectsize, key, useragent, day") == [
        ["06/Feb/2019:00:00:38 +0000", "113", "4406", "folder/a%20b.txt", "S3Console/0.4, aws", "1"],
        ["06/Feb/2019:00:00:39 +0000", None, "4406", "folder/a%20b.txt", "S3Console/0.4, aws", "2"],
    ]
    assert read("alb", "elb_status_code, client_port, target_processing_time, target_ip, request_url") == [
        ["200", "2817", "0.048", "10.0.0.1", "https://www.example.com:443/"],
        ["460", "2817", "-1.0", None, "https://www.example.com:443/"],
    ]
    assert read("system", "timestamp, program, pid, message") == [
        ["Feb  9 07:15:00", "postfix/smtpd", "19305", "B88C4120838: connect from unknown[192.168.55.4]"],
        ["Feb  9 07:15:03", "kernel", None, "usb 1-1: new device"],
    ]


def test_tables_by_hand_with_grok_and_regular_expressions(tenon):
    athena = Athena(tenon)
    s3 = tenon.client("s3")
    s3.put_object(Bucket=athena.bucket, Key="mail/a", Body="".join(SYSLOG[:1]).encode() + b"something else\n")
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.mail (syslogbase string, queue_id string, syslog_message string)
        ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe'
        WITH SERDEPROPERTIES (
          'input.grokCustomPatterns' = 'POSTFIX_QUEUEID [0-9A-F]{{7,12}}',
          'input.format'='%{{SYSLOGBASE}} %{{POSTFIX_QUEUEID:queue_id}}: %{{GREEDYDATA:syslog_message}}')
        STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION 's3://{athena.bucket}/mail/'"""
    )
    columns, rows = athena.rows(f"select * from {athena.database}.mail order by queue_id")
    assert rows == [
        ("Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]:", "B88C4120838", "connect from unknown[192.168.55.4]"),
        (None, None, None),
    ]
    s3.put_object(Bucket=athena.bucket, Key="fixed/a", Body=b"00001ann  2026-01-02\n00002bob  2026-01-03\n")
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.fixed (id int, name string, day date)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
        WITH SERDEPROPERTIES ('input.regex'='(.{{5}})(.{{3}}) *(.{{10}})')
        LOCATION 's3://{athena.bucket}/fixed/'"""
    )
    assert athena.rows(f"select * from {athena.database}.fixed order by id")[1] == [
        ("1", "ann", "2026-01-02"),
        ("2", "bob", "2026-01-03"),
    ]


def xml_file(count):
    root = ElementTree.Element("orders")
    for n in range(count):
        order = ElementTree.SubElement(root, "order", id=str(n))
        ElementTree.SubElement(order, "customer", country="DE").text = f"Müller & <{n}>"
        ElementTree.SubElement(order, "total").text = str(n + 0.5)
        address = ElementTree.SubElement(order, "address")
        ElementTree.SubElement(address, "city").text = "Köln"
        for item in range(n % 3):
            ElementTree.SubElement(order, "item").text = f"i{item}"
    return root


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
def test_xml(tenon, encoding):
    crawl = Crawl(tenon)
    crawl.put("orders/a.xml", ElementTree.tostring(xml_file(40), encoding=encoding, xml_declaration=True))
    crawl.create().run()
    table = crawl.tables()["orders"]
    assert (table["Parameters"]["classification"], table["Parameters"]["rowTag"]) == ("xml", "order"), crawl.log()
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("_id", "int"),
        ("customer", "struct<_country:string,_value:string>"),
        ("total", "double"),
        ("address", "struct<city:string>"),
        ("item", "array<string>"),
    ]
    rows = crawl.query(
        f'select "_id", customer."_country", customer."_value", total, address.city, item '
        f'from "{crawl.database}"."orders" order by 1'
    )
    assert rows == [
        [str(n), "DE", f"Müller & <{n}>", str(n + 0.5), "Köln", [None, "[i0]", "[i0, i1]"][n % 3]] for n in range(40)
    ]


def test_text_in_utf_16(tenon):
    crawl = Crawl(tenon)
    text = "name,n\nMünchen,1\n東京,2\n"
    crawl.put("wide/a.csv", text.encode("utf-16"))
    crawl.put("wide/b.csv", "name,n\nParis,3\n".encode("utf-8-sig"))
    crawl.create().run()
    assert crawl.query(f'select name, n from "{crawl.database}"."wide" order by n') == [
        ["München", "1"],
        ["東京", "2"],
        ["Paris", "3"],
    ]


def test_bad_files_are_named_with_their_lines(tenon):
    crawl = Crawl(tenon)
    crawl.put("a/cut.xml", "<r>\n<x><n>1</n></x>\n<x><n>2</n>")
    crawl.put("b/bomb.xml", '<!DOCTYPE r [<!ENTITY a "b">]>\n<r>\n<x><n>&a;</n></x>\n<x><n>&a;</n></x></r>')
    crawl.put("c/page.html", "<!DOCTYPE html><html><body>x</body></html>")
    crawl.put("d/good.xml", "<r><x><n>1</n></x><x><n>2</n></x></r>")
    crawl.create().run()
    assert set(crawl.tables()) == {"d"}
    log = crawl.log()
    for wanted in (
        f"s3://{crawl.bucket}/a/cut.xml, line 3: malformed XML: the element x that begins in line 3 is not closed",
        f"s3://{crawl.bucket}/b/bomb.xml, line 3: malformed XML: the entity &a; is not defined",
        f"s3://{crawl.bucket}/c/page.html: the format was not recognised: it is a page of HTML",
    ):
        assert wanted in log, log


def test_aws_logs_in_known_formats(tenon):
    crawl = Crawl(tenon)
    crawl.put(
        "cdn/a.gz",
        gzip.compress(
            b"#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) sc-status cs(Referer)\n"
            b"2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1.cloudfront.net\t200\t-\n"
        ),
    )
    records = [
        {"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": f"e{n}", "requestParameters": {"n": n}}
        for n in range(3)
    ]
    crawl.put("trail/a.json", json.dumps({"Records": records}))
    crawl.create().run()
    read = lambda sql: crawl.query(sql.format(database=f'"{crawl.database}"'))
    rows = read('select "date", sc_bytes, cs_host, sc_status, cs_referrer from {database}.cdn')
    assert rows == [["2019-12-04", "392", "d1.cloudfront.net", "200", "-"]]
    wanted = [[f"e{n}", f'{{"n": {n}}}'] for n in range(3)]
    assert read("select eventname, requestparameters from {database}.trail order by 1") == wanted

    # The table that AWS's documentation makes by hand.
    athena = Athena(tenon)
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.trail (eventversion string, eventname string, requestparameters string)
        ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
        STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION 's3://{crawl.bucket}/trail/'"""
    )
    rows = athena.rows(f"select eventname, requestparameters from {athena.database}.trail order by 1")[1]
    assert [list(row) for row in rows] == wanted


def test_delimited_text_with_nested_columns(tenon):
    athena = Athena(tenon)
    body = b"1,a|b,x:1|y:2,Ann|1970\n2,,,\n"
    tenon.client("s3").put_object(Bucket=athena.bucket, Key="nested/a", Body=body)
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.nested (id int, tags array<string>, counts map<string,int>,
        who struct<name:string,born:int>)
        ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' COLLECTION ITEMS TERMINATED BY '|' MAP KEYS TERMINATED BY ':'
        LOCATION 's3://{athena.bucket}/nested/'"""
    )
    rows = athena.rows(f"select id, tags, counts, who.name, who.born from {athena.database}.nested order by id")[1]
    assert rows == [("1", "[a, b]", "{x=1, y=2}", "Ann", "1970"), ("2", "[]", "{}", "", None)]


def test_json_names_that_mean_one_column_lose_no_value(tenon):
    crawl = Crawl(tenon)
    crawl.put("t/a.json", '{"Id":1,"v":"x","V":null}\n{"id":2,"V":"y"}\n{"ID":3,"id":3}\n')
    crawl.put("t/b.json", '{"id":4,"v":"w"}\n{"id":5}\n{"id":6,"Id":7,"v":"z"}\n')
    crawl.create().run()
    log = crawl.log()
    same = 't/b.json, line 3: the names "id" and "Id" of one object are the same column, and their values differ'
    assert same in log, log
    table = f'"{crawl.database}"."t"'
    with pytest.raises(AssertionError, match="FAILED"):
        crawl.query(f"select id, v from {table}")
    crawl.put("t/b.json", '{"id":4}\n')
    assert crawl.query(f"select id, v from {table} order by id") == [["1", "x"], ["2", "y"], ["3", None], ["4", None]]
    # Told apart by the SerDe's own parameters, as AWS advises.
    glue = tenon.client("glue")
    crawl.put("apart/a.json", '{"user":1,"User":2}\n')
    descriptor = {
        "Columns": [{"Name": "user", "Type": "int"}, {"Name": "upper", "Type": "int"}],
        "Location": f"s3://{crawl.bucket}/apart/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
            "Parameters": {"case.insensitive": "false", "mapping.upper": "User"},
        },
    }
    table_input = {"Name": "apart", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
    glue.create_table(DatabaseName=crawl.database, TableInput=table_input)
    assert crawl.query(f'select "user", upper from "{crawl.database}"."apart"') == [["1", "2"]]


def test_escaped_quotes_comments_and_footers(tenon):
    crawl = Crawl(tenon)
    crawl.put("escaped/a.csv", 'id,text\n1,"say \\"hi\\", he said"\n2,"plain"\n')
    crawl.put("head/a.csv", "# made by us\n# twice\nid,name\n1,a\n2,b\n")
    crawl.put("within/a.csv", "id,name\n1,a\n# the rest\n2,b\n")
    crawl.create(Configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}})).run()
    tables, log = crawl.tables(), crawl.log()
    assert set(tables) == {"escaped", "head", "within"}, log
    serde = {name: table["StorageDescriptor"]["SerdeInfo"]["Parameters"] for name, table in tables.items()}
    assert serde["escaped"]["escapeChar"] == "\\"
    assert tables["head"]["Parameters"]["skip.header.line.count"] == "3" and "commentChar" not in serde["head"]
    assert serde["within"]["commentChar"] == "#"
    assert "head/a.csv: 2 lines of the sample begin with # and are taken for comments" in log, log
    read = lambda table: crawl.query(f'select * from "{crawl.database}"."{table}" order by 1')
    assert read("escaped") == [["1", 'say "hi", he said'], ["2", "plain"]]
    assert read("head") == read("within") == [["1", "a"], ["2", "b"]]

    athena = Athena(tenon)
    tenon.client("s3").put_object(Bucket=athena.bucket, Key="f/a", Body=b"id,v\n1,a\n2,b\ntotal,2\n")
    athena.run(
        f"""CREATE EXTERNAL TABLE {athena.database}.f (id int, v string)
        ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{athena.bucket}/f/'
        TBLPROPERTIES ('skip.header.line.count'='1', 'skip.footer.line.count'='1')"""
    )
    assert athena.rows(f"select * from {athena.database}.f order by id")[1] == [("1", "a"), ("2", "b")]


def test_xml_names_that_differ_in_case_only(tenon):
    crawl = Crawl(tenon)
    crawl.put("x/a.xml", '<r><row n="1"><Id>1</Id><id>2</id></row><row n="2"><ID>3</ID></row></r>')
    crawl.put("y/a.xml", '<r>\n<row id="1" ID="2"/>\n<row id="3" ID="4"/></r>')
    crawl.create().run()
    log = crawl.log()
    assert set(crawl.tables()) == {"x"}, log
    assert 'y/a.xml, line 2: the names "_id" and "_ID" of one object are the same column' in log, log
    rows = crawl.query(f'select _n, id from "{crawl.database}"."x" order by 1')
    assert rows == [["1", "[1, 2]"], ["2", "[3]"]]


def test_quotes_beyond_the_sample_and_files_beyond_the_sample_size(tenon):
    crawl = Crawl(tenon)
    rows = "".join(f"{n},plain text {n}\n" for n in range(200_000))
    crawl.put("late/a.csv", f'id,s\n{rows}-7,"x,y"\n-8,"multi\nline"\n')
    crawl.put("plain/a.csv", f"id,s\n{rows}-7,x\n")
    crawl.put("json/a.json", "".join(f'{{"id":{n},"s":"{"x" * 100}"}}\n' for n in range(30_000)))
    crawl.create().run()
    log, tables = crawl.log(), crawl.tables()
    serdes = {name: table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].rsplit(".", 1)[1]
              for name, table in tables.items()}
    assert serdes == {"late": "OpenCSVSerde", "plain": "LazySimpleSerDe", "json": "JsonSerDe"}, log
    assert crawl.query(f'select id, s from "{crawl.database}"."late" where id < 0 order by id') == [
        ["-8", "multi\nline"], ["-7", "x,y"],
    ]
    assert crawl.query(f'select count(*), sum(id) from "{crawl.database}"."late"') == [["200002", "19999899985"]]
    # Text that was searched for quotes was not looked at for anything else.
    for name in serdes:
        assert f"table {name}: at least " in log, log
    assert log.count("bytes were not looked at: they are taken to be like the others") == 3

    sampled = Crawl(tenon)
    for n in range(5):
        sampled.put(f"t/{n}.csv", f"id,s\n{n},x\n{n},y\n")
    sampled.create()
    target = {"Path": f"s3://{sampled.bucket}/", "SampleSize": 2}
    sampled.glue.update_crawler(Name=sampled.name, Targets={"S3Targets": [target]})
    sampled.run()
    assert sampled.log().count("with SampleSize 2, 3 files were not looked at") == 1, sampled.log()
    assert sampled.count("t") == 10


def test_what_is_no_table_is_told_and_digits_that_get_lost(tenon):
    crawl = Crawl(tenon)
    line = APACHE.format(n=1, size=1)
    crawl.put("log/a.log", line * 5 + "garbage line\n")
    crawl.put("dump/a.sql", "INSERT INTO t VALUES (1,'a');\n" * 3)
    crawl.put("record/a.csv", '"p"|"l1\nl2"|"null"\n')
    crawl.put("digits/a.json", '{"a":1.5}\n{"a":9007199254740993}\n')
    crawl.put("people/a.csv", "ann,lee,\nbob,ray,5\ncyd,zoe,6\n")
    crawl.create().run()
    log = crawl.log()
    assert set(crawl.tables()) == {"digits", "people"}, log
    assert "it looks like a log of the kind combinedapache, but 1 of the 6 lines" in log
    assert "it holds statements of SQL" in log
    assert "one row of 3 fields (pipe)" in log
    assert "digits/a.json, column a: it is double" in log
    assert crawl.query(f'select col0, col2 from "{crawl.database}"."people" order by 1') == [
        ["ann", None], ["bob", "5"], ["cyd", "6"],
    ]
