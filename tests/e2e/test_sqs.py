"""SQS with boto3: standard queues, their messages, and what buckets tell them."""

import hashlib
import json
import threading
import time
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import name, wait_until


@pytest.fixture(scope="module")
def sqs(tenon):
    return tenon.client("sqs")


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName=name("q"))["QueueUrl"]


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def counts(sqs, url):
    names = ["", "NotVisible", "Delayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(found[f"ApproximateNumberOfMessages{one}"]) for one in names)


def bodies(sqs, url):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [one["Body"] for one in found]


def test_queues_are_made_found_and_deleted(sqs):
    prefix = name("many")
    urls = [sqs.create_queue(QueueName=f"{prefix}-{n}", tags={"n": str(n)})["QueueUrl"] for n in range(3)]
    assert urls[0].endswith(f"/000000000000/{prefix}-0")
    assert sqs.get_queue_url(QueueName=f"{prefix}-0")["QueueUrl"] == urls[0]
    assert sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"] == urls
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:]]
    assert sqs.list_queue_tags(QueueUrl=urls[1])["Tags"] == {"n": "1"}
    sqs.tag_queue(QueueUrl=urls[1], Tags={"a": "b"})
    sqs.untag_queue(QueueUrl=urls[1], TagKeys=["n"])
    assert sqs.list_queue_tags(QueueUrl=urls[1])["Tags"] == {"a": "b"}
    for url in urls:
        sqs.delete_queue(QueueUrl=url)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix)
    missing = "AWS.SimpleQueueService.NonExistentQueue"
    assert code(sqs.get_queue_url, QueueName=f"{prefix}-0") == missing
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=urls[0], MessageBody="x")


def test_attributes_act_and_are_checked(sqs):
    queue_name = name("attributes")
    url = sqs.create_queue(QueueName=queue_name, Attributes={"VisibilityTimeout": "7", "DelaySeconds": "0"})["QueueUrl"]
    assert sqs.create_queue(QueueName=queue_name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] == url
    assert code(sqs.create_queue, QueueName=queue_name, Attributes={"VisibilityTimeout": "8"}) == "QueueAlreadyExists"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024", "Policy": policy})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "7" and found["MaximumMessageSize"] == "1024" and found["Policy"] == policy
    assert found["QueueArn"] == f"arn:aws:sqs:us-east-1:000000000000:{queue_name}"
    assert abs(int(found["CreatedTimestamp"]) - time.time()) < 60
    only = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    assert only == {"DelaySeconds": "0"}
    assert code(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025) == "InvalidParameterValue"
    for attributes, error in [
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        ({"KmsMasterKeyId": "alias/x"}, "NotImplemented"),
    ]:
        assert code(sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes) == error
    assert code(sqs.create_queue, QueueName="x y") == "InvalidParameterValue"
    assert code(sqs.create_queue, QueueName=name("f") + ".fifo", Attributes={"FifoQueue": "true"}) == "NotImplemented"
    assert code(sqs.get_queue_attributes, QueueUrl="nonsense", AttributeNames=["All"]) == "InvalidAddress"


def test_messages_go_round(sqs, queue):
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "size": {"DataType": "Number.int", "StringValue": "3"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="héllo 🎉", MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == hashlib.md5("héllo 🎉".encode()).hexdigest()
    got = sqs.receive_message(
        QueueUrl=queue, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"][0]
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "héllo 🎉")
    assert got["MessageAttributes"] == attributes
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= set(got["Attributes"])
    assert counts(sqs, queue) == (0, 1, 0)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["ki.*"])["Messages"][0]
    assert "Attributes" not in again and list(again["MessageAttributes"]) == ["kind"]
    some = sqs.change_message_visibility
    some(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)
    last = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    assert "MessageAttributes" not in last and "MD5OfMessageAttributes" not in last
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=last["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)
    in_flight = "AWS.SimpleQueueService.MessageNotInflight"
    assert code(some, QueueUrl=queue, ReceiptHandle=last["ReceiptHandle"], VisibilityTimeout=1) == in_flight
    assert code(sqs.delete_message, QueueUrl=queue, ReceiptHandle="x") == "ReceiptHandleIsInvalid"
    assert code(sqs.send_message, QueueUrl=queue, MessageBody="\x01") == "InvalidMessageContents"
    assert code(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=11) == "InvalidParameterValue"
    assert code(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=21) == "InvalidParameterValue"


def test_batches_answer_for_each_entry(sqs, queue):
    entries = [{"Id": f"m{n}", "MessageBody": f"body {n}"} for n in range(9)]
    entries.append({"Id": "late", "MessageBody": "later", "DelaySeconds": 900})
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    assert counts(sqs, queue) == (9, 0, 1)
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(one["Body"] for one in got) == [f"body {n}" for n in range(9)]
    hidden = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0} for n, one in enumerate(got)]
    assert len(sqs.change_message_visibility_batch(QueueUrl=queue, Entries=hidden)["Successful"]) == 9
    again = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(again)]
    handles.append({"Id": "bad", "ReceiptHandle": "x"})
    answer = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(answer["Successful"]) == 9
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("bad", "ReceiptHandleIsInvalid", True)
    ]
    assert counts(sqs, queue) == (0, 0, 1)
    mixed = [{"Id": "a", "MessageBody": "fine"}, {"Id": "b", "MessageBody": "\x01"}]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=mixed)
    assert [one["Id"] for one in answer["Successful"]] == ["a"]
    assert [one["Code"] for one in answer["Failed"]] == ["InvalidMessageContents"]
    prefix = "AWS.SimpleQueueService."
    send = sqs.send_message_batch
    assert code(send, QueueUrl=queue, Entries=[]) == prefix + "EmptyBatchRequest"
    same = [{"Id": "a", "MessageBody": "x"}] * 2
    assert code(send, QueueUrl=queue, Entries=same) == prefix + "BatchEntryIdsNotDistinct"
    many = [{"Id": str(n), "MessageBody": "x"} for n in range(11)]
    assert code(send, QueueUrl=queue, Entries=many) == prefix + "TooManyEntriesInBatchRequest"
    large = [{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)]
    assert code(send, QueueUrl=queue, Entries=large) == prefix + "BatchRequestTooLong"
    assert code(send, QueueUrl=queue, Entries=[{"Id": "a b", "MessageBody": "x"}]) == prefix + "InvalidBatchEntryId"


def test_dead_letters_and_purge(sqs, queue):
    dead = sqs.create_queue(QueueName=name("dead"))["QueueUrl"]
    policy = {"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"})
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(found["RedrivePolicy"]) == policy
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]
    sqs.send_message(QueueUrl=queue, MessageBody="bad")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "bad"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    got = sqs.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["DeadLetterQueueSourceArn"])["Messages"][0]
    assert (got["Body"], got["Attributes"]) == ("bad", {"DeadLetterQueueSourceArn": arn(sqs, queue)})
    sqs.send_message(QueueUrl=dead, MessageBody="another")
    sqs.purge_queue(QueueUrl=dead)
    assert counts(sqs, dead) == (0, 0, 0)


def test_a_long_poll_ends_with_the_message(tenon, sqs, queue):
    answers = []

    def wait():
        began = time.monotonic()
        got = tenon.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)
        answers.append((time.monotonic() - began, [one["Body"] for one in got.get("Messages", [])]))

    waiting = threading.Thread(target=wait)
    waiting.start()
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    waiting.join()
    assert answers[0][1] == ["hello"] and answers[0][0] < 10
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    assert 0.9 < time.monotonic() - began < 10


def in_flight(server):
    text = urllib.request.urlopen(f"{server.endpoint}/_/metrics").read().decode()
    line = next(line for line in text.splitlines() if line.startswith("tenon_http_requests_in_flight "))
    # The one that asks is among them.
    return int(line.split()[1]) - 1


def test_a_stop_does_not_wait_for_a_long_poll(tenon_factory):
    server = tenon_factory().start()
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    answers = []
    poll = threading.Thread(target=lambda: answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)))
    poll.start()
    wait_until(lambda: in_flight(server) == 1, "the poll")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 15
    poll.join()
    assert "Messages" not in answers[0]


def test_messages_survive_a_kill(tenon_factory):
    server = tenon_factory().start()
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "43200"})["QueueUrl"]
    for n in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    held = sqs.receive_message(QueueUrl=url)["Messages"][0]
    server.kill()
    server.start()
    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert counts(sqs, url) == (2, 1, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
    assert sorted(bodies(sqs, url)) == sorted({"0", "1", "2"} - {held["Body"]})


def test_the_resource_of_boto3_works(tenon):
    resource = boto3.resource(
        "sqs",
        endpoint_url=tenon.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    queue = resource.create_queue(QueueName=name("resource"))
    queue.send_message(MessageBody="x")
    got = queue.receive_messages(WaitTimeSeconds=1)
    assert [one.body for one in got] == ["x"]
    got[0].delete()
    assert queue.attributes["QueueArn"].startswith("arn:aws:sqs:us-east-1:000000000000:")


def watch(tenon, sqs, url, bucket, **filters):
    rules = [{"Name": kind, "Value": value} for kind, value in filters.items()]
    one = {"QueueArn": arn(sqs, url), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    if rules:
        one["Filter"] = {"Key": {"FilterRules": rules}}
    tenon.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [one]}
    )
    assert [json.loads(body)["Event"] for body in bodies(sqs, url)] == ["s3:TestEvent"]


def records(sqs, url):
    found = [json.loads(body)["Records"][0] for body in bodies(sqs, url)]
    return sorted(found, key=lambda record: record["s3"]["object"]["sequencer"])


def test_buckets_tell_of_their_objects(tenon, sqs, queue):
    bucket, s3 = tenon.bucket(), tenon.client("s3")
    watch(tenon, sqs, queue, bucket, prefix="in/", suffix=".csv")
    s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"x,y")
    s3.put_object(Bucket=bucket, Key="in/a.json", Body=b"{}")
    s3.copy_object(Bucket=bucket, Key="in/c.csv", CopySource={"Bucket": bucket, "Key": "in/a b.csv"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="in/m.csv")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="in/m.csv", UploadId=upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="in/m.csv",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.delete_object(Bucket=bucket, Key="in/c.csv")
    s3.delete_object(Bucket=bucket, Key="in/never.csv")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/m.csv"}, {"Key": "in/a.json"}]})
    found = records(sqs, queue)
    assert [(one["eventName"], one["s3"]["object"]["key"]) for one in found] == [
        ("ObjectCreated:Put", "in/a+b.csv"),
        ("ObjectCreated:Copy", "in/c.csv"),
        ("ObjectCreated:CompleteMultipartUpload", "in/m.csv"),
        ("ObjectRemoved:Delete", "in/c.csv"),
        ("ObjectRemoved:Delete", "in/m.csv"),
    ]
    first = found[0]
    assert (first["eventVersion"], first["eventSource"], first["awsRegion"]) == ("2.1", "aws:s3", "us-east-1")
    assert first["s3"]["bucket"]["name"] == bucket
    assert first["s3"]["object"]["size"] == 3
    assert first["s3"]["object"]["eTag"] == hashlib.md5(b"x,y").hexdigest()
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_object(Bucket=bucket, Key="in/late.csv", Body=b"x")
    assert records(sqs, queue) == []


def test_notification_configurations_are_kept_and_checked(tenon, sqs, queue):
    bucket, s3 = tenon.bucket(), tenon.client("s3")
    get = s3.get_bucket_notification_configuration
    assert "QueueConfigurations" not in get(Bucket=bucket)
    watch(tenon, sqs, queue, bucket, prefix="in/")
    kept = get(Bucket=bucket)["QueueConfigurations"]
    assert len(kept) == 1 and kept[0]["Id"] and kept[0]["QueueArn"] == arn(sqs, queue)
    assert kept[0]["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "in/"}]

    def refused(**configuration):
        put = s3.put_bucket_notification_configuration
        return code(put, Bucket=bucket, NotificationConfiguration=configuration)

    def one(target, events=("s3:ObjectCreated:*",)):
        return {"QueueArn": target, "Events": list(events)}

    mine, missing = arn(sqs, queue), "arn:aws:sqs:us-east-1:000000000000:none"
    assert refused(QueueConfigurations=[one(missing)]) == "InvalidArgument"
    assert refused(QueueConfigurations=[one(mine), one(mine)]) == "InvalidArgument"
    assert refused(QueueConfigurations=[one(mine, ["s3:ObjectTagging:*"])]) == "NotImplemented"
    assert refused(EventBridgeConfiguration={}) == "NotImplemented"
    topic = {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Events": ["s3:ObjectCreated:*"]}
    assert refused(TopicConfigurations=[topic]) == "NotImplemented"
    # What was refused left what was there.
    assert get(Bucket=bucket)["QueueConfigurations"] == kept
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [one(missing)]},
        SkipDestinationValidation=True,
    )
    s3.put_object(Bucket=bucket, Key="a", Body=b"nobody is told")
