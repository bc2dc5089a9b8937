use super::*;
use crate::model;

fn route_with(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Routed, Fault> {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let bases: Vec<String> = host::DEFAULT_HOSTS.iter().map(|host| (*host).to_owned()).collect();
    operation(model::get("s3").unwrap(), &mut builder.body(()).unwrap().into_parts().0, &bases)
}

fn name(method: &str, uri: &str) -> String {
    match route_with(method, uri, &[]) {
        Ok(routed) => routed.operation.name.to_owned(),
        Err(fault) => format!("!{}", fault.code()),
    }
}

#[test]
fn operations() {
    for (method, uri, expected) in [
        ("GET", "/", "ListBuckets"),
        ("GET", "/?x-id=ListBuckets", "ListBuckets"),
        ("PUT", "/b", "CreateBucket"),
        ("PUT", "/b/", "CreateBucket"),
        ("HEAD", "/b", "HeadBucket"),
        ("DELETE", "/b", "DeleteBucket"),
        ("GET", "/b?location", "GetBucketLocation"),
        ("GET", "/b?location=", "GetBucketLocation"),
        ("GET", "/b", "ListObjects"),
        ("GET", "/b?prefix=a&delimiter=/", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=a&start-after=x", "ListObjectsV2"),
        ("GET", "/b?uploads", "ListMultipartUploads"),
        ("GET", "/b?versions", "ListObjectVersions"),
        ("POST", "/b?delete", "DeleteObjects"),
        ("GET", "/b/k", "GetObject"),
        ("GET", "/b/k?partNumber=1&versionId=null&x-id=GetObject", "GetObject"),
        ("GET", "/b/k?uploadId=u", "ListParts"),
        ("GET", "/b/k?attributes", "GetObjectAttributes"),
        ("HEAD", "/b/k", "HeadObject"),
        ("PUT", "/b/k", "PutObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
        ("DELETE", "/b/k", "DeleteObject"),
        ("PUT", "/b/k?acl", "PutObjectAcl"),
        ("PUT", "/b?lifecycle", "PutBucketLifecycleConfiguration"),
        ("GET", "/b?inventory", "ListBucketInventoryConfigurations"),
        ("GET", "/b?inventory&id=i", "GetBucketInventoryConfiguration"),
        ("POST", "/b/k?select&select-type=2", "SelectObjectContent"),
        ("PUT", "/b/k?frobnicate", "!InvalidArgument"),
        ("DELETE", "/b?frobnicate=1", "!InvalidArgument"),
        ("DELETE", "/b/k?acl", "!InvalidArgument"),
        ("PUT", "/b/k?partNumber=1", "!InvalidArgument"),
        ("PUT", "/b/k?acl&tagging", "!InvalidArgument"),
        ("GET", "/b/k?x-amz-meta-a=b", "!InvalidArgument"),
        ("POST", "/b/k", "!MethodNotAllowed"),
        ("POST", "/b/k?list-type=2", "!InvalidArgument"),
        ("PATCH", "/b/k", "!MethodNotAllowed"),
        ("OPTIONS", "/b/k", "!NotImplemented"),
        ("GET", "/b?prefix=a&prefix=b", "!InvalidArgument"),
        ("GET", "/b?prefix=a&delimiter=/&prefix=a", "!InvalidArgument"),
        ("GET", "/b?pre%66ix=a&prefix=a", "!InvalidArgument"),
        ("GET", "/b/k?X-Amz-Signature=s&x-amz-security-token=a&X-Amz-Security-Token=b", "!InvalidArgument"),
        ("PUT", "/b/k?partNumber=1&uploadId=u&partNumber=2", "!InvalidArgument"),
        ("GET", "/b?prefix=a&Prefix=a", "!InvalidArgument"),
        ("GET", "/b/%zz", "!InvalidURI"),
        ("GET", "/b/%ff", "!InvalidURI"),
    ] {
        assert_eq!(name(method, uri), expected, "{method} {uri}");
    }
}

#[test]
fn headers_choose_and_are_checked() {
    let named = |uri: &str, headers: &[(&str, &str)]| match route_with("PUT", uri, headers) {
        Ok(routed) => routed.operation.name.to_owned(),
        Err(fault) => format!("!{} {}", fault.code(), fault.message()),
    };
    let copy = ("x-amz-copy-source", "b/a");
    assert_eq!(named("/b/k", &[copy]), "CopyObject");
    assert_eq!(named("/b/k?partNumber=1&uploadId=u", &[copy]), "UploadPartCopy");
    assert_eq!(named("/b/k", &[("x-amz-meta-any", "v"), ("x-amz-date", "d")]), "PutObject");
    assert_eq!(named("/b/k?tagging", &[("x-amz-checksum-crc32", "v")]), "PutObjectTagging");
    let frob = named("/b/k", &[("x-amz-frobnicate", "v")]);
    assert_eq!(frob, "!InvalidArgument PutObject has no header 'x-amz-frobnicate'.");
    assert!(named("/b?acl", &[copy]).starts_with("!InvalidArgument"));
    for twice in [
        [copy, copy],
        [("content-md5", "a"), ("content-md5", "b")],
        [("content-type", "a"), ("content-type", "b")],
    ] {
        assert!(named("/b/k", &twice).starts_with("!InvalidRequest"), "{twice:?}");
    }
    for list in [("content-encoding", "gzip"), ("x-amz-meta-a", "1"), ("if-match", "x"), ("x-other", "1")] {
        assert_eq!(named("/b/k", &[list, list]), "PutObject", "{list:?}");
    }
}

#[test]
fn keys_are_decoded_once_and_kept() {
    for (uri, expected) in [
        ("/b/a//b", "a//b"),
        ("/b//", "/"),
        ("/b/a/", "a/"),
        ("/b/a/../b/.", "a/../b/."),
        ("/b/a+b%20c%2Bd", "a+b c+d"),
        ("/b/%2525", "%25"),
        ("/b/%2F%2e%2E", "/.."),
        ("/b/%E2%82%AC", "€"),
    ] {
        let routed = route_with("GET", uri, &[]).unwrap();
        assert_eq!(routed.labels, [("Bucket", "b".to_owned()), ("Key", expected.to_owned())], "{uri}");
    }
}

#[test]
fn virtual_hosts() {
    let labels = |uri: &str, host: &str| route_with("GET", uri, &[("host", host)]).unwrap().labels;
    assert_eq!(labels("/a/b", "x.localhost:1"), [("Bucket", "x".to_owned()), ("Key", "a/b".to_owned())]);
    assert_eq!(labels("/", "x.localhost:1"), [("Bucket", "x".to_owned())]);
    assert_eq!(labels("/a/b", "127.0.0.1:1"), [("Bucket", "a".to_owned()), ("Key", "b".to_owned())]);
}

#[test]
fn presigned_headers_move() {
    let uri = "/b/k?X-Amz-Signature=s&X-Amz-Credential=c&x-amz-meta-a=b&x-amz-checksum-mode=ENABLED";
    let fault = route_with("GET", uri, &[]).unwrap_err();
    assert!(fault.message().contains("x-amz-meta-a"));
    let uri = "/b/k?X-Amz-Signature=s&x-amz-meta-a=b&x-amz-sdk-checksum-algorithm=CRC32";
    assert_eq!(route_with("PUT", uri, &[]).unwrap().operation.name, "PutObject");
}

#[test]
fn every_operation_is_reached() {
    let model = model::get("s3").unwrap();
    for operation in &model.operations {
        if place_of(operation).is_none() || operation.deprecated {
            continue;
        }
        let mut uri = operation.uri.replace("{Bucket}", "b").replace("{Key+}", "k");
        let mut headers = Vec::new();
        for member in model.input(operation).unwrap().members.iter().filter(|member| member.required) {
            match member.at {
                Some(Location::Query) => {
                    uri.push(if uri.contains('?') { '&' } else { '?' });
                    uri.push_str(&format!("{}=1", member.wire_name()));
                }
                Some(Location::Header) => headers.push((member.wire_name(), "1")),
                _ => {}
            }
        }
        if operation.name == "ListDirectoryBuckets" {
            uri.push_str("?x-id=ListDirectoryBuckets");
        }
        let routed = route_with(operation.method, &uri, &headers).unwrap();
        assert_eq!(routed.operation.name, operation.name, "{uri}");
    }
}
