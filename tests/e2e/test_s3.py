"""S3 through boto3: the behaviour that clients build on, and AWS's error for everything refused."""

import base64
import binascii
import hashlib
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from boto3.s3.transfer import TransferConfig

from conftest import name

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tenon):
    return tenon.client("s3")


@pytest.fixture
def bucket(tenon):
    return tenon.bucket()


def fails(code, status, call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    response = caught.value.response
    assert response["Error"]["Code"] == code, response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status, response
    return response


def keys(page):
    return [entry["Key"] for entry in page.get("Contents", [])]


def body(response):
    return response["Body"].read()


# Buckets


def test_bucket_life(tenon, s3):
    made = name("b").replace("_", "-")
    fails("404", 404, s3.head_bucket, Bucket=made)
    assert s3.create_bucket(Bucket=made)["Location"] == f"/{made}"
    assert s3.create_bucket(Bucket=made)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.head_bucket(Bucket=made)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=made)["LocationConstraint"] is None
    assert made in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=made, Key="k")
    fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=made)
    s3.delete_object(Bucket=made, Key="k")
    s3.delete_bucket(Bucket=made)
    fails("NoSuchBucket", 404, s3.list_objects_v2, Bucket=made)
    fails("NoSuchBucket", 404, s3.put_object, Bucket=made, Key="k", Body=b"x")
    fails("NoSuchBucket", 404, s3.put_object, Bucket=made, Key="k", Body=b"x" * 2 * MIB)
    fails("NoSuchBucket", 404, s3.delete_bucket, Bucket=made)


def test_bucket_regions(tenon, s3):
    made = name("b").replace("_", "-")
    west = tenon.client("s3", region="eu-west-1")
    fails("IllegalLocationConstraintException", 400, west.create_bucket, Bucket=made)
    other = {"LocationConstraint": "eu-central-1"}
    fails(
        "IllegalLocationConstraintException", 400, west.create_bucket, Bucket=made, CreateBucketConfiguration=other
    )
    here = {"LocationConstraint": "eu-west-1"}
    west.create_bucket(Bucket=made, CreateBucketConfiguration=here)
    assert s3.get_bucket_location(Bucket=made)["LocationConstraint"] == "eu-west-1"
    assert s3.head_bucket(Bucket=made)["BucketRegion"] == "eu-west-1"
    fails("BucketAlreadyOwnedByYou", 409, west.create_bucket, Bucket=made, CreateBucketConfiguration=here)
    wrong = {"LocationConstraint": "us-east-1"}
    fails("InvalidLocationConstraint", 400, s3.create_bucket, Bucket=made, CreateBucketConfiguration=wrong)


def test_buckets_belong_to_accounts(tenon, s3, bucket):
    other = tenon.client("s3", access_key="111111111111")
    fails("BucketAlreadyExists", 409, other.create_bucket, Bucket=bucket)
    fails("AccessDenied", 403, other.list_objects_v2, Bucket=bucket)
    fails("AccessDenied", 403, other.put_object, Bucket=bucket, Key="k", Body=b"x")
    fails("403", 403, other.head_bucket, Bucket=bucket)
    fails("AccessDenied", 403, s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="111111111111")
    s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="000000000000")
    assert bucket not in [b["Name"] for b in other.list_buckets()["Buckets"]]


def test_bucket_listing_pages(tenon):
    account = tenon.client("s3", access_key="222222222222")
    made = sorted(name("page").replace("_", "-") for _ in range(5))
    for one in made:
        account.create_bucket(Bucket=one)
    pages = list(account.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [b["Name"] for page in pages for b in page["Buckets"]] == made
    assert [len(page["Buckets"]) for page in pages] == [2, 2, 1]
    assert account.list_buckets(Prefix=made[3])["Buckets"][0]["Name"] == made[3]


@pytest.mark.parametrize("bad", ["ab", "Upper", "a_b", "-ab", "192.168.1.1", "a..b", "xn--abc"])
def test_bucket_names(tenon, bad):
    request = urllib.request.Request(f"{tenon.endpoint}/{bad}", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400
    assert b"<Code>InvalidBucketName</Code>" in caught.value.read()


# Objects


@pytest.mark.parametrize("size", [0, 1, 1024, 16 * 1024, 16 * 1024 + 1, MIB, 3 * MIB + 7])
def test_put_and_get(s3, bucket, size):
    data = bytes(i * 7 % 251 for i in range(min(size, 4096))) * (size // 4096 + 1)
    data = data[:size]
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ContentType="text/x")
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert body(got) == data
    assert (got["ContentLength"], got["ETag"], got["ContentType"]) == (size, put["ETag"], "text/x")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["AcceptRanges"]) == (size, "bytes")
    assert head["LastModified"] == got["LastModified"]


def test_metadata_comes_back(s3, bucket):
    headers = dict(
        ContentType="text/csv",
        ContentEncoding="gzip",
        ContentDisposition='attachment; filename="a.csv"',
        ContentLanguage="de",
        CacheControl="max-age=60",
        StorageClass="STANDARD_IA",
        WebsiteRedirectLocation="/elsewhere",
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"One": "1", "two": "zwei"}, Tagging="a=1&b=x%20y", **headers)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert {k: head[k] for k in headers} == headers
    assert head["Metadata"] == {"one": "1", "two": "zwei"}
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="a/b", ResponseContentDisposition="inline", ResponseCacheControl="no-store"
    )
    assert (got["ContentType"], got["ContentDisposition"], got["CacheControl"]) == ("a/b", "inline", "no-store")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="plain")
    assert head["ContentType"] == "binary/octet-stream" and "ContentEncoding" not in head
    fails("MetadataTooLarge", 400, s3.put_object, Bucket=bucket, Key="k", Metadata={"k": "v" * 2100})


def test_strange_keys(s3, bucket):
    strange = ["a", "a/", "a//b", "a/b", "ä/ö ü", "a+b&c=d?e#f%20", "..", "a/../b", "\U0001f600", "k" * 1024, "é" * 512, "'\"<>\\"]
    for key in strange:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in strange:
        assert body(s3.get_object(Bucket=bucket, Key=key)) == key.encode()
    assert keys(s3.list_objects_v2(Bucket=bucket)) == sorted(strange, key=str.encode)
    fails("KeyTooLongError", 400, s3.put_object, Bucket=bucket, Key="k" * 1025)
    fails("KeyTooLongError", 400, s3.put_object, Bucket=bucket, Key="é" * 513)


@pytest.mark.parametrize("key", ["a\x01b", "tail\uffff", "\ufffe", "esc\x1b[", "nul\x00"])
def test_keys_that_xml_cannot_hold(tenon, s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"y")
    # botocore asks for encoding-type=url by itself, but not here.
    assert key in keys(s3.list_objects_v2(Bucket=bucket)) and key in keys(s3.list_objects(Bucket=bucket))
    fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="none" + key)
    # As on AWS: a list of keys to delete cannot name it, and nothing is deleted.
    both = {"Objects": [{"Key": "plain"}, {"Key": key}]}
    fails("MalformedXML", 400, s3.delete_objects, Bucket=bucket, Delete=both)
    reference = "".join(f"&#{ord(c)};" for c in key)
    named = f"<Delete><Object><Key>plain</Key></Object><Object><Key>{reference}</Key></Object></Delete>".encode()
    request = urllib.request.Request(f"{tenon.endpoint}/{bucket}?delete", data=named, method="POST")
    request.add_header("Content-MD5", base64.b64encode(hashlib.md5(named).digest()).decode())
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400 and b"MalformedXML" in caught.value.read()
    assert len(keys(s3.list_objects_v2(Bucket=bucket))) == 2
    s3.delete_object(Bucket=bucket, Key=key)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["plain"]
    # In parts: the replies do without the key.
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"z")
    found = s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")["Uploads"]
    assert [urllib.parse.unquote(one["Key"]) for one in found] == [key]
    assert len(s3.list_parts(Bucket=bucket, Key=key, UploadId=upload["UploadId"])["Parts"]) == 1
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload["UploadId"], MultipartUpload=done)
    assert body(s3.get_object(Bucket=bucket, Key=key)) == b"z"


def test_ranges(s3, bucket):
    data = bytes(range(256)) * 400
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    size = len(data)
    for header, start, end in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes=5-{size * 2}", 5, size),
    ]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert body(got) == data[start:end], header
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/{size}"
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    for outside in [f"bytes={size}-", "bytes=-0", f"bytes={size}-{size + 5}"]:
        error = fails("InvalidRange", 416, s3.get_object, Bucket=bucket, Key="k", Range=outside)
        assert error["Error"]["ActualObjectSize"] == str(size)
    for ignored in ["bytes=b-c", "bytes=7-3", "rows=1-2"]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=ignored)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and body(got) == data
    head = s3.head_object(Bucket=bucket, Key="k", Range="bytes=1-2")
    assert (head["ContentLength"], head["ResponseMetadata"]["HTTPStatusCode"]) == (2, 206)


def test_read_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    get = dict(Bucket=bucket, Key="k")
    assert body(s3.get_object(IfMatch=etag, **get)) == b"x"
    assert body(s3.get_object(IfNoneMatch='"other"', **get)) == b"x"
    fails("PreconditionFailed", 412, s3.get_object, IfMatch='"other"', **get)
    fails("304", 304, s3.get_object, IfNoneMatch=etag, **get)
    fails("304", 304, s3.get_object, IfNoneMatch="*", **get)
    fails("304", 304, s3.get_object, IfModifiedSince=modified, **get)
    fails("412", 412, s3.head_object, IfMatch='"other"', **get)
    fails("304", 304, s3.head_object, IfNoneMatch=etag, **get)
    assert body(s3.get_object(IfUnmodifiedSince=modified, **get)) == b"x"
    fails("PreconditionFailed", 412, s3.get_object, IfUnmodifiedSince="2001-01-01T00:00:00Z", **get)
    # If-Match outweighs If-Unmodified-Since; If-None-Match outweighs If-Modified-Since.
    assert body(s3.get_object(IfMatch=etag, IfUnmodifiedSince="2001-01-01T00:00:00Z", **get)) == b"x"
    fails("304", 304, s3.get_object, IfNoneMatch=etag, IfModifiedSince="2001-01-01T00:00:00Z", **get)


def test_what_has_not_changed_says_how_long_it_may_be_kept(s3, bucket):
    expires = "Thu, 01 Jan 2099 00:00:00 GMT"
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x", CacheControl="max-age=60", Expires=expires)["ETag"]
    for call in [s3.get_object, s3.head_object]:
        headers = fails("304", 304, call, Bucket=bucket, Key="k", IfNoneMatch=etag)["ResponseMetadata"]["HTTPHeaders"]
        assert (headers["etag"], headers["cache-control"], headers["expires"]) == (etag, "max-age=60", expires)
        assert headers["last-modified"]


def test_write_conditions(s3, bucket):
    put = dict(Bucket=bucket, Key="k")
    etag = s3.put_object(Body=b"1", IfNoneMatch="*", **put)["ETag"]
    fails("PreconditionFailed", 412, s3.put_object, Body=b"2", IfNoneMatch="*", **put)
    fails("PreconditionFailed", 412, s3.put_object, Body=b"2", IfMatch='"other"', **put)
    fails("NotImplemented", 501, s3.put_object, Body=b"2", IfNoneMatch=etag, **put)
    fails("NoSuchKey", 404, s3.put_object, Bucket=bucket, Key="new", Body=b"2", IfMatch=etag)
    assert body(s3.get_object(**put)) == b"1"
    etag2 = s3.put_object(Body=b"2", IfMatch=etag, **put)["ETag"]
    fails("PreconditionFailed", 412, s3.delete_object, IfMatch=etag, **put)
    s3.delete_object(IfMatch=etag2, **put)
    fails("NoSuchKey", 404, s3.get_object, **put)


def test_one_of_many_creators_wins(s3, bucket):
    def create(n):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(n).encode(), IfNoneMatch="*")
            return n
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"

    with ThreadPoolExecutor(8) as pool:
        winners = [n for n in pool.map(create, range(24)) if n is not None]
    assert len(winners) == 1
    assert body(s3.get_object(Bucket=bucket, Key="k")) == str(winners[0]).encode()


def test_deletes(tenon, s3, bucket):
    for n in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"x")
    assert s3.delete_object(Bucket=bucket, Key="k0")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.delete_object(Bucket=bucket, Key="never")["ResponseMetadata"]["HTTPStatusCode"] == 204
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k1"}, {"Key": "never"}]})
    assert [d["Key"] for d in done["Deleted"]] == ["k1", "never"] and "Errors" not in done
    quiet = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "k2"}, {"Key": "k3", "VersionId": "abc"}, {"Key": "k4", "ETag": '"no"'}], "Quiet": True},
    )
    assert "Deleted" not in quiet
    assert [(e["Key"], e["Code"]) for e in quiet["Errors"]] == [("k3", "NoSuchVersion"), ("k4", "PreconditionFailed")]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k3", "k4"]
    too_many = {"Objects": [{"Key": str(n)} for n in range(1001)]}
    fails("MalformedXML", 400, s3.delete_objects, Bucket=bucket, Delete=too_many)
    unchecked = tenon.client("s3", parameter_validation=False)
    for missing in [{"Key": ""}, {}]:
        with pytest.raises(ClientError) as caught:
            unchecked.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k3"}, missing]})
        assert caught.value.response["Error"]["Code"] in ("UserKeyMustBeSpecified", "MalformedXML")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k3", "k4"]
    fails("NoSuchVersion", 404, s3.get_object, Bucket=bucket, Key="k3", VersionId="abc")
    assert body(s3.get_object(Bucket=bucket, Key="k3", VersionId="null")) == b"x"


@pytest.mark.parametrize(
    "members",
    [
        {"ServerSideEncryption": "aws:kms"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"ACL": "public-read"},
        {"GrantRead": "id=x"},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"},
        {"ChecksumAlgorithm": "XXHASH3", "ChecksumXXHASH3": "AAAAAAAAAAA="},
    ],
)
def test_what_is_not_built_is_refused(s3, bucket, members):
    # Again and again on one connection: a body that the client keeps must not be taken out of its next request.
    for _ in range(20):
        fails("NotImplemented", 501, s3.put_object, Bucket=bucket, Key="k", Body=b"x", **members)
        fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")


# Listings


def test_listing_orders_and_pages(s3, bucket):
    named = ["a", "a/", "a//b", "a/b", "a/b/c", "aa", "b/1", "b/2", "c", "ä"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"), named))
    ordered = sorted(named, key=str.encode)
    for size in [1, 2, 3, 100]:
        for operation in ["list_objects", "list_objects_v2"]:
            pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
            assert [key for page in pages for key in keys(page)] == ordered, (operation, size)
            pages = s3.get_paginator(operation).paginate(
                Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}
            )
            found = [k for page in pages for k in keys(page) + [p["Prefix"] for p in page.get("CommonPrefixes", [])]]
            assert sorted(found) == ["a", "a/", "aa", "b/", "c", "ä"], (operation, size)
    page = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    assert keys(page) == ["a/", "a/b"]
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a//", "a/b/"]
    assert page["KeyCount"] == 4 and not page["IsTruncated"]
    assert keys(s3.list_objects_v2(Bucket=bucket, StartAfter="b/1")) == ["b/2", "c", "ä"]
    assert keys(s3.list_objects(Bucket=bucket, Marker="b/1")) == ["b/2", "c", "ä"]
    none = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert none["KeyCount"] == 0 and not none["IsTruncated"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000
    assert "Owner" not in page["Contents"][0]
    assert len(s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]) == 64
    assert keys(s3.list_objects_v2(Bucket=bucket, Prefix="ä", EncodingType="url")) == ["%C3%A4"]
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=bucket, ContinuationToken="!!")
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=bucket, MaxKeys=-1)


def test_empty_listing(s3, bucket):
    page = s3.list_objects_v2(Bucket=bucket)
    assert (page["KeyCount"], page["IsTruncated"], keys(page)) == (0, False, [])


# Copies


def test_copies(tenon, s3, bucket):
    key = "dir/a +b%ü"
    s3.put_object(Bucket=bucket, Key=key, Body=b"data", ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": key}
    done = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert done["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"'
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"m": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "t", "Value": "1"}]
    replaced = dict(MetadataDirective="REPLACE", TaggingDirective="REPLACE", Tagging="u=2", Metadata={"n": "2"})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, **replaced)
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"]) == ("binary/octet-stream", {"n": "2"})
    s3.delete_object(Bucket=bucket, Key=key)
    assert body(s3.get_object(Bucket=bucket, Key="copy")) == b"data"
    itself = {"Bucket": bucket, "Key": "copy"}
    fails("InvalidRequest", 400, s3.copy_object, Bucket=bucket, Key="copy", CopySource=itself)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=itself, MetadataDirective="REPLACE", ContentType="a/b")
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentType"] == "a/b"
    fails("NoSuchKey", 404, s3.copy_object, Bucket=bucket, Key="x", CopySource=source)
    missing = {"Bucket": name("none").replace("_", "-"), "Key": "k"}
    fails("NoSuchBucket", 404, s3.copy_object, Bucket=bucket, Key="x", CopySource=missing)
    wrong = dict(Bucket=bucket, Key="x", CopySource=itself)
    fails("PreconditionFailed", 412, s3.copy_object, CopySourceIfMatch='"other"', **wrong)
    etag = s3.head_object(Bucket=bucket, Key="copy")["ETag"]
    fails("PreconditionFailed", 412, s3.copy_object, CopySourceIfNoneMatch=etag, **wrong)
    summed = s3.copy_object(Bucket=bucket, Key="sum", CopySource=itself, ChecksumAlgorithm="SHA256")
    expected = base64.b64encode(hashlib.sha256(b"data").digest()).decode()
    assert summed["CopyObjectResult"]["ChecksumSHA256"] == expected
    other = tenon.client("s3", access_key="333333333333")
    theirs = name("b").replace("_", "-")
    other.create_bucket(Bucket=theirs)
    fails("AccessDenied", 403, other.copy_object, Bucket=theirs, Key="x", CopySource=itself)


# Checksums


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert body(got) == b"123456789"
    assert put[member] == got[member] and got["ChecksumType"] == "FULL_OBJECT"
    assert member not in s3.head_object(Bucket=bucket, Key="k", Range="bytes=0-1", ChecksumMode="ENABLED")


KNOWN = {
    "CRC32": "y/Q5Jg==",
    "CRC32C": "4waSgw==",
    "CRC64NVME": "rosUhgp5mIg=",
    "SHA1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
    "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
}


@pytest.mark.parametrize("algorithm", KNOWN)
def test_checksums_that_are_sent(s3, bucket, algorithm):
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{member: KNOWN[algorithm]})
    assert put[member] == KNOWN[algorithm]
    error = fails("BadDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=b"12345678", **{member: KNOWN[algorithm]})
    assert algorithm in error["Error"]["Message"]
    fails("InvalidRequest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=b"x", **{member: "AAAA"})
    fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="bad")


def test_content_md5(s3, bucket):
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=right)
    wrong = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    fails("BadDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=b"x", ContentMD5=wrong)
    fails("InvalidDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=b"x", ContentMD5="abc")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k"]


def test_unnamed_checksum_is_crc64nvme(tenon, bucket):
    plain = tenon.client("s3", request_checksum_calculation="when_required")
    put = plain.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    assert put["ChecksumCRC64NVME"] == KNOWN["CRC64NVME"]


# Multipart


def upload_parts(s3, bucket, key, sizes, **members):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **members)["UploadId"]
    parts, whole = [], b""
    for number, size in enumerate(sizes, 1):
        data = bytes([number]) * size
        own = {"ChecksumAlgorithm": members["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in members else {}
        part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, **own)
        parts.append({"PartNumber": number, "ETag": part["ETag"]} | {k: v for k, v in part.items() if k.startswith("Checksum")})
        whole += data
    return upload, parts, whole


def complete(s3, bucket, key, upload, parts, **members):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **members
    )


def test_multipart(s3, bucket):
    upload, parts, whole = upload_parts(s3, bucket, "k", [5 * MIB, 5 * MIB, 100], ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=2)
    assert [p["PartNumber"] for p in listed["Parts"]] == [1, 2] and listed["IsTruncated"]
    rest = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, PartNumberMarker=listed["NextPartNumberMarker"])
    assert [(p["PartNumber"], p["Size"]) for p in rest["Parts"]] == [(3, 100)] and not rest["IsTruncated"]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    fails("InvalidPartOrder", 400, complete, s3, bucket, "k", upload, parts[::-1])
    wrong = [{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}]
    fails("InvalidPart", 400, complete, s3, bucket, "k", upload, wrong)
    fails("InvalidPart", 400, complete, s3, bucket, "k", upload, [{"PartNumber": 9, "ETag": parts[0]["ETag"]}])
    fails("InvalidRequest", 400, complete, s3, bucket, "k", upload, parts, MpuObjectSize=7)
    fails("MalformedXML", 400, complete, s3, bucket, "k", upload, [])
    done = complete(s3, bucket, "k", upload, parts, MpuObjectSize=len(whole))
    digests = b"".join(bytes.fromhex(p["ETag"].strip('"')) for p in parts)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert body(got) == whole and (got["ContentType"], got["Metadata"]) == ("a/b", {"m": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "t", "Value": "1"}]
    # A client that lost the reply asks again.
    assert complete(s3, bucket, "k", upload, parts)["ETag"] == done["ETag"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert body(second) == bytes([2]) * 5 * MIB and second["PartsCount"] == 3
    assert second["ContentRange"] == f"bytes {5 * MIB}-{10 * MIB - 1}/{len(whole)}"
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert body(across) == b"\1\1\2\2"
    fails("InvalidPartNumber", 416, s3.get_object, Bucket=bucket, Key="k", PartNumber=4)
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize", "StorageClass", "Checksum"]
    )
    assert attributes["ETag"] == done["ETag"].strip('"')
    assert (attributes["ObjectSize"], attributes["ObjectParts"]["TotalPartsCount"]) == (len(whole), 3)
    assert attributes["StorageClass"] == "STANDARD"


def test_multipart_refusals(s3, bucket):
    upload, parts, _ = upload_parts(s3, bucket, "k", [100, 100])
    error = fails("EntityTooSmall", 400, complete, s3, bucket, "k", upload, parts)
    assert error["Error"]["MinSizeAllowed"] == str(5 * MIB)
    part = dict(Bucket=bucket, Key="k", UploadId=upload, Body=b"x")
    fails("InvalidArgument", 400, s3.upload_part, PartNumber=0, **part)
    fails("InvalidArgument", 400, s3.upload_part, PartNumber=10001, **part)
    fails("NoSuchUpload", 404, s3.upload_part, PartNumber=1, **{**part, "UploadId": "nothing"})
    fails("NoSuchUpload", 404, s3.upload_part, PartNumber=1, **{**part, "Key": "other"})
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    fails("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload)
    fails("NoSuchUpload", 404, s3.list_parts, Bucket=bucket, Key="k", UploadId=upload)
    fails("NoSuchUpload", 404, complete, s3, bucket, "k", upload, parts)
    upload, parts, _ = upload_parts(s3, bucket, "k", [100])
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    fails("PreconditionFailed", 412, complete, s3, bucket, "k", upload, parts, IfNoneMatch="*")
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"there"


def test_part_copy(s3, bucket):
    data = bytes(range(256)) * (6 * MIB // 256)
    s3.put_object(Bucket=bucket, Key="src", Body=data)
    source = {"Bucket": bucket, "Key": "src"}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    members = dict(Bucket=bucket, Key="k", UploadId=upload, CopySource=source)
    one = s3.upload_part_copy(PartNumber=1, CopySourceRange=f"bytes=1-{5 * MIB}", **members)["CopyPartResult"]
    assert one["ETag"] == f'"{hashlib.md5(data[1 : 5 * MIB + 1]).hexdigest()}"'
    two = s3.upload_part_copy(PartNumber=2, **members)["CopyPartResult"]
    fails("InvalidArgument", 400, s3.upload_part_copy, PartNumber=3, CopySourceRange=f"bytes=0-{len(data)}", **members)
    parts = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["ETag"]}]
    complete(s3, bucket, "k", upload, parts)
    s3.delete_object(Bucket=bucket, Key="src")
    assert body(s3.get_object(Bucket=bucket, Key="k")) == data[1 : 5 * MIB + 1] + data


@pytest.mark.parametrize("algorithm,kind", [("CRC32", "FULL_OBJECT"), ("CRC32", "COMPOSITE"), ("SHA256", "COMPOSITE")])
def test_multipart_checksums(s3, bucket, algorithm, kind):
    upload, parts, whole = upload_parts(s3, bucket, "k", [5 * MIB, 100], ChecksumAlgorithm=algorithm, ChecksumType=kind)
    member = f"Checksum{algorithm}"
    done = complete(s3, bucket, "k", upload, parts, ChecksumType=kind)
    assert done["ChecksumType"] == kind
    if kind == "FULL_OBJECT":
        assert done[member] == base64.b64encode(binascii.crc32(whole).to_bytes(4, "big")).decode()
    else:
        assert done[member].endswith("-2")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert body(got) == whole and got[member] == done[member]
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (entry["ChecksumAlgorithm"], entry["ChecksumType"]) == ([algorithm], kind)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_composite_checksums_are_made_of_the_parts(tenon, bucket, algorithm):
    s3 = tenon.client("s3", request_checksum_calculation="when_required")
    member, name = f"Checksum{algorithm}", algorithm.lower()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType="COMPOSITE")["UploadId"]
    target = dict(Bucket=bucket, Key="k", UploadId=upload)
    error = fails("InvalidRequest", 400, s3.upload_part, PartNumber=1, Body=b"x", **target)
    assert f"expected checksum Type: {name}, actual checksum Type: null" in str(error)
    one, two = [
        s3.upload_part(PartNumber=number, Body=data, ChecksumAlgorithm=algorithm, **target)
        for number, data in [(1, b"1" * 5 * MIB), (2, b"2")]
    ]
    named = [{"PartNumber": 1, "ETag": one["ETag"], member: one[member]}, {"PartNumber": 2, "ETag": two["ETag"]}]
    error = fails("InvalidRequest", 400, complete, s3, bucket, "k", upload, named)
    assert f"created using a {name} checksum" in str(error) and "missing for part 2" in str(error)
    named[1][member] = one[member]
    fails("InvalidPart", 400, complete, s3, bucket, "k", upload, named)
    named[1][member] = two[member]
    wrong = {member: one[member] + "-2", "ChecksumType": "COMPOSITE"}
    fails("BadDigest", 400, complete, s3, bucket, "k", upload, named, **wrong)
    done = complete(s3, bucket, "k", upload, named)
    assert done[member].endswith("-2") and done["ChecksumType"] == "COMPOSITE"
    if algorithm.startswith("SHA"):
        digests = base64.b64decode(one[member]) + base64.b64decode(two[member])
        assert done[member] == base64.b64encode(hashlib.new(name, digests).digest()).decode() + "-2"


def test_upload_listing_pages(s3, bucket):
    made = [s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ["a", "b/1", "b/2", "a"]]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    listed = [(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", [])]
    assert listed == [("a", made[0]), ("a", made[3]), ("b/1", made[1]), ("b/2", made[2])]
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in grouped["CommonPrefixes"]] == ["b/"]
    s3.delete_bucket(Bucket=bucket)


def test_transfer_manager(s3, bucket, tmp_path):
    data = bytes(range(256)) * (20 * MIB // 256)
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=config)
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-4"')
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    target = tmp_path / "big"
    s3.download_file(bucket, "copy", str(target), Config=config)
    assert target.read_bytes() == data


# Tags


def test_tagging(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    before = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "ü"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    assert s3.head_object(Bucket=bucket, Key="k")["LastModified"] == before
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    fails("InvalidTag", 400, s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=twice)
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    fails("NoSuchKey", 404, s3.get_object_tagging, Bucket=bucket, Key="none")


# Addressing and signing


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned(tenon, bucket, version):
    s3 = tenon.client("s3", signature_version=version)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b/ü", "ContentType": "text/x"})
    request = urllib.request.Request(url, data=b"signed", method="PUT", headers={"Content-Type": "text/x"})
    assert urllib.request.urlopen(request).status == 200
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ü", "ResponseContentType": "a/b"})
    with urllib.request.urlopen(url) as response:
        assert (response.read(), response.headers["Content-Type"]) == (b"signed", "a/b")


def test_virtual_hosts(tenon, bucket):
    host = f"{bucket}.localhost:{tenon.port}"
    url = f"{tenon.endpoint}/dir/k"
    put = urllib.request.Request(url, data=b"v", method="PUT", headers={"Host": host})
    assert urllib.request.urlopen(put).status == 200
    assert body(tenon.client("s3").get_object(Bucket=bucket, Key="dir/k")) == b"v"
    listed = urllib.request.Request(f"{tenon.endpoint}/?list-type=2", headers={"Host": host})
    assert b"<Key>dir/k</Key>" in urllib.request.urlopen(listed).read()


def test_unknown_subresources_change_nothing(tenon, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for query in ["?acl", "?retention", "?nonsense", "?legal-hold", "?torrent&x=1"]:
        for method in ["PUT", "DELETE", "POST"]:
            request = urllib.request.Request(f"{tenon.endpoint}/{bucket}/k{query}", data=b"", method=method)
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            assert caught.value.code >= 400
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"x"
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    fails("NoSuchBucket", 404, s3.get_bucket_versioning, Bucket="nobody-has-this-bucket")
    fails("NotImplemented", 501, s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_faults_look_like_aws(tenon, bucket):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{tenon.endpoint}/{bucket}/missing")
    error = caught.value
    text = error.read().decode()
    assert error.code == 404 and error.headers["Content-Type"] == "application/xml"
    assert "<Code>NoSuchKey</Code>" in text and "<Key>missing</Key>" in text
    assert error.headers["x-amz-request-id"] in text


def test_capabilities_tell_of_s3(tenon):
    with urllib.request.urlopen(f"{tenon.endpoint}/_/capabilities") as response:
        assert json.load(response)["services"]["s3"]["built"] >= 24
