"""Crawls by the events of a bucket: `CRAWL_EVENT_MODE` from put to query."""

import json

import pytest
from conftest import name, wait_until
from test_crawler import Crawl, columns


class EventCrawl(Crawl):
    """A crawler whose bucket tells a queue of everything."""

    def __init__(self, tenon):
        super().__init__(tenon)
        self.sqs = tenon.client("sqs")
        self.queue, self.dead = (self.sqs.create_queue(QueueName=name(kind))["QueueUrl"] for kind in ("q", "dead"))
        one = {"QueueArn": self.arn(self.queue), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": [one]}
        )

    def arn(self, url):
        names = ["QueueArn"]
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]["QueueArn"]

    def waiting(self, url=None):
        names = ["ApproximateNumberOfMessages"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.queue, AttributeNames=names)["Attributes"]
        return int(found[names[0]])

    def create_by_events(self, path, **more):
        target = {
            "Path": f"s3://{self.bucket}/{path}",
            "EventQueueArn": self.arn(self.queue),
            "DlqEventQueueArn": self.arn(self.dead),
        }
        self.glue.create_crawler(
            Name=self.name,
            Role="demo",
            DatabaseName=self.database,
            Targets={"S3Targets": [target]},
            RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"},
            **more,
        )
        return target

    def newest(self):
        crawl = self.glue.list_crawls(CrawlerName=self.name, MaxResults=1)["Crawls"][0]
        return json.loads(crawl["Summary"])


@pytest.fixture
def crawl(tenon):
    return EventCrawl(tenon)


def test_a_crawl_follows_its_bucket(crawl):
    for day in range(1, 4):
        crawl.put(f"t/day={day}/a.csv", "id,v\n1,x\n2,y\n")
    target = crawl.create_by_events("t/", SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    kept = crawl.get()
    assert kept["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_EVENT_MODE"
    assert kept["Targets"]["S3Targets"][0]["EventQueueArn"] == target["EventQueueArn"]
    crawl.run()
    assert crawl.waiting() == 0 and crawl.count("t") == 6
    crawl.put("t/day=4/a.csv", "id,v,w\n1,x,1.5\n2,y,2.5\n")
    crawl.s3.delete_object(Bucket=crawl.bucket, Key="t/day=1/a.csv")
    assert crawl.waiting() == 2
    shown = crawl.tenon.cli("crawl", crawl.name, "--dry-run").stdout
    assert "nothing was changed" in shown and crawl.waiting() == 2
    crawl.run()
    assert crawl.waiting() == 0
    assert "The crawl is running by consuming Amazon S3 events." in crawl.log()
    assert columns(crawl.tables()["t"]) == [("id", "bigint"), ("v", "string"), ("w", "double")]
    assert sorted(p["Values"][0] for p in crawl.partitions("t")) == ["2", "3", "4"]
    assert crawl.count("t") == 6
    crawl.run()
    assert "INFO : 0 messages" in crawl.log()


def test_messages_of_others_go_to_the_dead_letter_queue(crawl):
    crawl.put("t/a.json", '{"a":1}')
    crawl.create_by_events("t/")
    crawl.run()
    crawl.sqs.send_message(QueueUrl=crawl.queue, MessageBody="not from a bucket")
    crawl.run()
    assert (crawl.waiting(), crawl.waiting(crawl.dead)) == (0, 1)
    assert "cannot be used: it is no JSON" in crawl.log()
    crawl.sqs.delete_queue(QueueUrl=crawl.queue)
    last = crawl.run(status="FAILED")
    assert "does not exist" in last["ErrorMessage"] and "arn:aws:sqs:" in last["ErrorMessage"]


def test_what_makes_no_sense_is_refused(crawl):
    target = {"Path": f"s3://{crawl.bucket}/t/"}

    def refused(targets, word):
        with pytest.raises(crawl.glue.exceptions.InvalidInputException) as caught:
            crawl.glue.create_crawler(
                Name=name("c"),
                Role="demo",
                DatabaseName="d",
                Targets=targets,
                RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"},
            )
        assert word in str(caught.value), caught.value

    queue = {"EventQueueArn": crawl.arn(crawl.queue)}
    refused({"S3Targets": [target]}, "EventQueueArn")
    refused({"S3Targets": [target | queue, target | queue]}, "one target")
    refused({"S3Targets": [target | queue | {"SampleSize": 2}]}, "SampleSize")
    refused({"S3Targets": [target | {"EventQueueArn": "q"}]}, "ARN of a queue")


def test_a_crawl_that_is_killed_is_done_again(tenon_factory, tmp_path):
    server = tenon_factory().start()
    crawl = EventCrawl(server)
    crawl.put("t/day=1/a.json", '{"a":1}')
    crawl.create_by_events("t/")
    crawl.run()
    for day in range(2, 5):
        crawl.put(f"t/day={day}/a.json", '{"a":1,"b":2}')
    assert server.stop() == 0
    # The table is written, its partitions are not.
    marker = tmp_path / "marker"
    server.arguments = ["--set", "crash.point=crawl.table.committed", "--set", f"crash.marker={marker}"]
    server.start()
    server.client("glue").start_crawler(Name=crawl.name)
    server.process.wait(60)
    assert marker.read_text().split() == ["crawl.table.committed"]
    server.arguments = []
    server.start()
    for service in ("glue", "s3", "sqs"):
        setattr(crawl, service, server.client(service))
    queue = crawl.sqs.get_queue_url(QueueName=crawl.queue.rsplit("/", 1)[1])["QueueUrl"]
    wait_until(lambda: crawl.get()["State"] == "READY", "the crawl to end")
    assert crawl.get()["LastCrawl"]["Status"] == "SUCCEEDED"
    assert crawl.waiting(queue) == 0
    assert sorted(p["Values"][0] for p in crawl.partitions("t")) == ["1", "2", "3", "4"]
    assert columns(crawl.tables()["t"]) == [("a", "int"), ("b", "int")]


def test_what_a_job_publishes_is_told(crawl):
    crawl.put("in/a.json", '{"id":1}')
    crawl.sqs.purge_queue(QueueUrl=crawl.queue)
    nodes = {
        "in": {"S3JsonSource": {"Name": "in", "Paths": [f"s3://{crawl.bucket}/in/"], "Recurse": True}},
        "out": {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["in"], "Path": f"s3://{crawl.bucket}/out/"}},
    }
    job = name("job")
    command = {"Name": "glueetl"}
    crawl.glue.create_job(Name=job, Role="demo", Command=command, CodeGenConfigurationNodes=nodes)
    run = crawl.glue.start_job_run(JobName=job)["JobRunId"]
    def ended():
        state = crawl.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return state if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING") else None

    ended_run = wait_until(ended, "the job to end")
    assert ended_run["JobRunState"] == "SUCCEEDED", ended_run
    found = crawl.sqs.receive_message(QueueUrl=crawl.queue, MaxNumberOfMessages=10)["Messages"]
    records = [json.loads(one["Body"])["Records"][0] for one in found]
    objects = crawl.s3.list_objects_v2(Bucket=crawl.bucket, Prefix="out/")["Contents"]
    assert sorted(r["s3"]["object"]["key"] for r in records) == sorted(o["Key"] for o in objects)
    assert {r["eventName"] for r in records} == {"ObjectCreated:Put"}


@pytest.mark.parametrize("combine", [False, True])
def test_a_header_in_another_order_is_the_same_to_both_kinds_of_crawls(tenon, combine):
    """CSV is read by position: such a partition is none of its table, whoever finds it."""

    def found(by_events):
        crawl = EventCrawl(tenon)
        for day in range(1, 4):
            crawl.put(f"t/day={day}/a.csv", "id,v\n1,x\n2,y\n")
        grouping = {"TableGroupingPolicy": "CombineCompatibleSchemas"} if combine else {}
        settings = {"Configuration": json.dumps({"Version": 1.0, "Grouping": grouping})}
        if by_events:
            crawl.create_by_events("t/", **settings)
        else:
            crawl.create("t/", **settings)
        crawl.run()
        crawl.put("t/day=2/a.csv", "v,id\nx,1\ny,2\n")
        crawl.run()
        tables = crawl.tables()
        return {name: (columns(table), len(crawl.partitions(name))) for name, table in tables.items()}

    everything = found(by_events=False)
    assert everything == found(by_events=True)
    assert everything["day_2"] == ([("v", "string"), ("id", "bigint")], 0)
