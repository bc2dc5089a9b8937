"""What tests of scripts share: where things are, servers, crawls."""

import importlib.util
import io
import json
import pathlib
import zipfile

from awsglue._bookmarks import Loaded

ROOT = pathlib.Path(__file__).parents[3]

_spec = importlib.util.spec_from_file_location("tenon_servers", ROOT / "tests/e2e/conftest.py")
servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(servers)

name = servers.name
wait_until = servers.wait_until


class Kept:
    """Keeps bookmarks as the server does, without one."""

    def __init__(self):
        self.read = {}

    def load(self, job, between):
        return Loaded(len(self.read), False, json.loads(json.dumps(self.read)))

    def commit(self, job, version, read):
        for context, items in read.items():
            self.read.setdefault(context, {}).update({item.url: item.etag for item in items.values()})
        return version + 1


class Data:
    """A bucket and a database of a test's own."""

    def __init__(self, tenon):
        self.tenon = tenon
        self.s3 = tenon.client("s3")
        self.glue = tenon.client("glue")
        self.bucket = tenon.bucket("glue")
        self.database = name("db")
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.bucket}/{key}"

    def url(self, key=""):
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def crawl(self, prefix):
        """Crawls a prefix and returns the tables."""
        crawl(self.tenon, self.bucket, prefix, self.database)
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def rows(self, sql):
        """The rows of a query of Athena, as texts; null is None."""
        athena = self.tenon.client("athena")
        query = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": self.database},
                                             ResultConfiguration={"OutputLocation": self.url("results/")})["QueryExecutionId"]
        states = []

        def has_ended():
            states.append(athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])
            return states[-1]["State"] not in ("QUEUED", "RUNNING")

        wait_until(has_ended, "the query to end", 60)
        assert states[-1]["State"] == "SUCCEEDED", states[-1]
        found = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in found[1:]]

    def parquet(self, prefix):
        """The rows of all Parquet files under a prefix, sorted as text."""
        import io

        import pyarrow.parquet as parquet

        rows = []
        for key in self.keys(prefix):
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            rows += parquet.ParquetFile(io.BytesIO(body)).read().to_pylist()
        return sorted(rows, key=repr)


def crawl(tenon, bucket, prefix, database):
    glue = tenon.client("glue")
    crawler = name("crawler")
    glue.create_crawler(Name=crawler, Role="arn:aws:iam::000000000000:role/crawler", DatabaseName=database,
                        Targets={"S3Targets": [{"Path": f"s3://{bucket}/{prefix}"}]})
    glue.start_crawler(Name=crawler)
    wait_until(lambda: glue.get_crawler(Name=crawler)["Crawler"]["State"] == "READY", "the crawl to end")
    last = glue.get_crawler(Name=crawler)["Crawler"]["LastCrawl"]
    assert last["Status"] == "SUCCEEDED", last


def workbook(table):
    """A workbook of one sheet, whose cells are text."""
    main, office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006"
    package = "http://schemas.openxmlformats.org/package/2006"
    lines = "".join("<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>" for row in table)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                       f'Type="{office}/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}/relationships"><sheets>'
                           '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                                      f'Type="{office}/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return body.getvalue()
