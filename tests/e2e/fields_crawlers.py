"""What each acting field of the crawler APIs is for: a world with files and crawlers, and per field a request after which
crawls come out differently."""

from conftest import wait_until
from fields_tables import More, account

LOG_ONLY = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}


class Crawls:
    """An account of its own, so that names are the same in every world; all but that of the bucket."""

    def __init__(self, server):
        self.account = account()
        self.bucket = f"fields-{self.account}"
        self.glue = glue = server.client("glue", access_key=self.account)
        self.s3 = server.client("s3", access_key=self.account)
        self.s3.create_bucket(Bucket=self.bucket)
        self.put("data/a/day=1/1.csv", "id,word\n1,x\n")
        self.put("data/a/day=1/2.csv", "id,word\n2,2.5\n")
        self.put("data/b/1.json", '{"k": 1}\n')
        self.put("data/gone/1.json", '{"g": 1}\n')
        self.put("more/1.csv", "m|n\n1|2\n")
        for database in ("d", "e"):
            glue.create_database(DatabaseInput={"Name": database})
            for table in ("known", "other"):
                glue.create_table(
                    DatabaseName=database,
                    TableInput={"Name": table, "StorageDescriptor": {"Location": self.path("more/")}},
                )
        glue.create_classifier(
            CsvClassifier={"Name": "piped", "Delimiter": ",", "ContainsHeader": "PRESENT", "Header": ["one", "two"]}
        )
        for own, path in (("c", "data/"), ("c2", "more/")):
            glue.create_crawler(
                Name=own, Role="r", DatabaseName="d", Targets={"S3Targets": [{"Path": self.path(path)}]},
                Tags={"name": own}, **({"Schedule": "cron(0 3 1 1 ? 2099)"} if own == "c" else {}),
            )
        glue.create_crawler(
            Name="c3", Role="r", DatabaseName="d", Targets={"S3Targets": [{"Path": self.path("more/")}]},
            Schedule="cron(0 3 1 1 ? 2099)",
        )
        glue.stop_crawler_schedule(CrawlerName="c3")
        for _ in range(2):
            self.crawl("c")

    def path(self, below):
        return f"s3://{self.bucket}/{below}"

    def put(self, key, text):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def crawl(self, own):
        self.glue.start_crawler(Name=own)
        self.ready(own)

    def ready(self, own):
        wait_until(lambda: self.glue.get_crawler(Name=own)["Crawler"]["State"] == "READY", "the crawl to end")

    def settle(self):
        """Crawls with every crawler, changes what it finds, and crawls again."""
        crawlers = self.glue.list_crawlers()["CrawlerNames"]
        for own in crawlers:
            self.ready(own)
        for turn in range(2):
            for own in crawlers:
                if own != "c":
                    self.crawl(own)
            if turn == 0:
                self.put("data/a/day=2/1.csv", "id,word,more\n1,x,y\n")
                self.put("data/a/day=1/3.csv", "id,word,later\n1,x,y\n")
                self.put("data/b/1.json", '{"k": 1, "later": "x"}\n')
                self.s3.delete_object(Bucket=self.bucket, Key="data/gone/1.json")

    def snapshot(self):
        self.settle()
        seen = {}
        for database in ("d", "e"):
            for table in self.glue.get_tables(DatabaseName=database)["TableList"]:
                parts = self.glue.get_partitions(DatabaseName=database, TableName=table["Name"])["Partitions"]
                seen[database, table["Name"]] = [table, parts]
        for own in self.glue.list_crawlers()["CrawlerNames"]:
            arn = f"arn:aws:glue:us-east-1:{self.account}:crawler/{own}"
            crawler = self.glue.get_crawler(Name=own)["Crawler"]
            seen[own] = [crawler.get("Schedule"), self.glue.get_tags(ResourceArn=arn)["Tags"]]
        return seen


class Reads(Crawls):
    """For operations that change nothing: what they answer says it all."""

    def snapshot(self):
        return None


class Runs(Crawls):
    """For operations that begin or end a crawl, or say whether a schedule will."""

    def snapshot(self):
        seen = {}
        for own in self.glue.list_crawlers()["CrawlerNames"]:
            self.ready(own)
            crawler = self.glue.get_crawler(Name=own)["Crawler"]
            seen[own] = [len(self.glue.list_crawls(CrawlerName=own)["Crawls"]), crawler.get("Schedule")]
        return seen


def paths(below):
    return lambda world: world.path(below)


def targets(**of):
    return lambda world: {"S3Targets": [{"Path": world.path("data/"), **of}]}


def catalog(database, *tables):
    return {"CatalogTargets": [{"DatabaseName": database, "Tables": list(tables)}]}


def token(operation, **request):
    return lambda world: getattr(world.glue, operation)(**request, MaxResults=1)["NextToken"]


CATALOG = {
    "Targets": catalog("d", "known"),
    "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
}
CHANGES = {
    "DatabaseName": "e",
    "Targets.S3Targets.Path": paths("more/"),
    "Targets.S3Targets.Exclusions": ["b/**"],
    "Targets.S3Targets.SampleSize": 1,
    "Targets.S3Targets.ConnectionName": "no-such-network",
    "Targets.CatalogTargets.DatabaseName": More("e", **CATALOG),
    "Targets.CatalogTargets.Tables": More(["other"], **CATALOG),
    "Schedule": "cron(0 4 1 1 ? 2099)",
    "Classifiers": ["piped"],
    "TablePrefix": "pre_",
    "SchemaChangePolicy.UpdateBehavior": More("LOG", SchemaChangePolicy={"DeleteBehavior": "LOG"}),
    "SchemaChangePolicy.DeleteBehavior": More("DELETE_FROM_DATABASE", SchemaChangePolicy={"DeleteBehavior": "LOG"}),
    "RecrawlPolicy.RecrawlBehavior": More(
        "CRAWL_NEW_FOLDERS_ONLY",
        SchemaChangePolicy=LOG_ONLY,
        RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVERYTHING"},
    ),
    "Configuration": '{"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 1}}}',
}
NEW = {"Name": "n", "Role": "r", "DatabaseName": "d", "Targets": targets(), "TablePrefix": "n_"}
FILTER = {"Filters": [{"FieldName": "STATE", "FilterOperator": "EQ", "FieldValue": "COMPLETED"}]}

CASES = {
    "BatchGetCrawlers": (Reads, {"CrawlerNames": ["c"]}, {"CrawlerNames": ["c2"]}),
    "CreateCrawler": (Crawls, NEW, {**CHANGES, "Name": "m", "Tags": {"k": "v"}}),
    "DeleteCrawler": (Runs, {"Name": "c2"}, {"Name": "c"}),
    "GetCrawler": (Reads, {"Name": "c"}, {"Name": "c2"}),
    "GetCrawlerMetrics": (
        Reads,
        {},
        {"CrawlerNameList": ["c"], "MaxResults": 1, "NextToken": token("get_crawler_metrics")},
    ),
    "GetCrawlers": (Reads, {}, {"MaxResults": 1, "NextToken": token("get_crawlers")}),
    "ListCrawlers": (Reads, {}, {"MaxResults": 1, "NextToken": token("list_crawlers"), "Tags": {"name": "c"}}),
    "ListCrawls": (
        Reads,
        {"CrawlerName": "c"},
        {
            "CrawlerName": "c2",
            "MaxResults": 1,
            "NextToken": token("list_crawls", CrawlerName="c"),
            "Filters.FieldName": More("CRAWL_ID", **FILTER),
            "Filters.FilterOperator": More("NE", **FILTER),
            "Filters.FieldValue": More("FAILED", **FILTER),
        },
    ),
    "StartCrawler": (Runs, {"Name": "c"}, {"Name": "c2"}),
    "StartCrawlerSchedule": (Runs, {"CrawlerName": "c3"}, {"CrawlerName": "c"}),
    "StopCrawler": (Runs, {"Name": "c"}, {"Name": "none"}),
    "StopCrawlerSchedule": (Runs, {"CrawlerName": "c"}, {"CrawlerName": "c2"}),
    "UpdateCrawler": (
        Crawls,
        {"Name": "c2", "DatabaseName": "d", "Targets": targets(), "TablePrefix": "n_"},
        {**CHANGES, "Name": "c"},
    ),
    "UpdateCrawlerSchedule": (
        Runs,
        {"CrawlerName": "c", "Schedule": "cron(0 5 1 1 ? 2099)"},
        {"CrawlerName": "c2", "Schedule": "cron(0 6 1 1 ? 2099)"},
    ),
}

# Targets that need a server, tables or queues of another kind: the tests that make them.
ELSEWHERE = {
    "Targets.JdbcTargets.": "test_crawler_jdbc.py",
    "Targets.DynamoDBTargets.": "test_crawler_dynamodb.py",
    "Targets.DeltaTargets.": "test_open_tables.py",
    "Targets.IcebergTargets.": "test_open_tables.py",
    "Targets.HudiTargets.": "test_hudi.py",
    "Targets.S3Targets.EventQueueArn": "test_crawler_events.py",
    "Targets.S3Targets.DlqEventQueueArn": "test_crawler_events.py",
    "Targets.CatalogTargets.EventQueueArn": "test_crawler_events.py",
    "Targets.CatalogTargets.DlqEventQueueArn": "test_crawler_events.py",
}
