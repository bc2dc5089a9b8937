//! S3 requests through the whole way, from bytes to bytes.

use http::StatusCode;
use serde_json::json;

use super::server::server;
use super::text;
use crate::{Body, Fault, Reply};

#[tokio::test]
async fn s3_documents() {
    let server = server();
    server.reply(json!({"EncodingType": "url", "Name": "b", "KeyCount": 1, "IsTruncated": false, "Contents": [
        {"Key": "a b", "Size": 1, "LastModified": 1_700_000_000, "ETag": "\"e\""}], "CommonPrefixes": [{"Prefix": "p/"}]}));
    let response = server.send("GET", "/b?list-type=2&encoding-type=url", &[], Body::empty()).await;
    assert_eq!(response.headers()["content-type"], "application/xml");
    assert_eq!(response.headers()["x-amz-request-id"].len(), 16);
    assert_eq!(
        text(response).await,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <IsTruncated>false</IsTruncated><Contents><Key>a%20b</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified>\
         <ETag>&quot;e&quot;</ETag><Size>1</Size></Contents><Name>b</Name><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>\
         <EncodingType>url</EncodingType><KeyCount>1</KeyCount></ListBucketResult>"
    );
    for (location, expected) in [(json!(null), ""), (json!("eu-west-1"), "eu-west-1")] {
        server.reply(json!({"LocationConstraint": location}));
        let body = text(server.send("GET", "/b?location", &[], Body::empty()).await).await;
        assert!(body.ends_with(&format!("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{expected}</LocationConstraint>")), "{body}");
    }
    server.reply(json!({"CopyObjectResult": {"ETag": "e"}, "CopySourceVersionId": "v"}));
    let response = server.send("PUT", "/b/k", &[("x-amz-copy-source", "b/a")], Body::empty()).await;
    assert_eq!(response.headers()["x-amz-copy-source-version-id"], "v");
    assert!(text(response).await.contains("<CopyObjectResult xmlns="));
    server.fault(Fault::new("InternalError", "later").with_status(StatusCode::OK));
    let complete = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
    let response = server.send("POST", "/b/k?uploadId=u", &[], complete).await;
    assert_eq!(response.status().as_u16(), 200);
    assert!(text(response).await.contains("<Error><Code>InternalError</Code>"));
}

#[tokio::test]
async fn s3_objects_and_errors() {
    let server = server();
    let reply = Reply::from(json!({"ETag": "\"e\"", "ContentLength": 3, "ContentRange": "bytes 0-2/9"}));
    *server.script.reply.lock().unwrap() =
        Some(Ok(reply.with_body("abc".into()).with_status(StatusCode::PARTIAL_CONTENT)));
    let response = server.send("GET", "/b/k", &[("range", "bytes=0-2")], Body::empty()).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-length"].to_str().unwrap()),
        (206, "3")
    );
    assert!(!response.headers().contains_key("content-type"));
    assert_eq!(text(response).await, "abc");

    server.fault(Fault::new("NoSuchKey", "The specified key does not exist.").with("Key", "a<b"));
    let response = server.send("GET", "/b/a%3Cb", &[], Body::empty()).await;
    assert_eq!(response.status().as_u16(), 404);
    let (id, host) =
        (response.headers()["x-amz-request-id"].clone(), response.headers()["x-amz-id-2"].clone());
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>\
         <Key>a&lt;b</Key><Resource>/b/a%3Cb</Resource><RequestId>{}</RequestId><HostId>{}</HostId></Error>",
        id.to_str().unwrap(),
        host.to_str().unwrap()
    );
    assert_eq!(text(response).await, expected);
    server.fault(Fault::new("NoSuchKey", "no"));
    let response = server.send("HEAD", "/b/k", &[], Body::empty()).await;
    assert_eq!(response.status().as_u16(), 404);
    assert_eq!(text(response).await, "");
    server.fault(Fault::new("NotModified", "no"));
    let response = server.send("GET", "/b/k", &[], Body::empty()).await;
    assert_eq!((response.status().as_u16(), text(response).await), (304, String::new()));

    server.reply(json!({}));
    server.send("PUT", "/b/k", &[("content-length", "3"), ("x-amz-meta-a", "b")], "abc").await;
    let mut call = server.asked();
    assert_eq!(call.body.read_all(10).await.unwrap(), "abc");
    assert_eq!((call.content_length, &call.input["Metadata"]), (Some(3), &json!({"a": "b"})));
    for (method, uri, headers, status, code) in [
        ("PUT", "/b/k?acl", &[][..], 501, "NotImplemented"),
        ("PUT", "/b/k?frobnicate", &[], 400, "InvalidArgument"),
        ("PUT", "/b/k", &[("x-amz-server-side-encryption-customer-key", "k")], 501, "NotImplemented"),
        ("PUT", "/b/k", &[("x-amz-storage-class", "SOMETIMES")], 400, "InvalidStorageClass"),
        ("GET", "/b?list-type=2&max-keys=x", &[], 400, "InvalidArgument"),
        ("GET", "/b?list-type=2&encoding-type=x", &[], 400, "InvalidArgument"),
        ("POST", "/b?delete", &[], 400, "MissingRequestBodyError"),
        ("PATCH", "/b", &[], 405, "MethodNotAllowed"),
    ] {
        let response = server.send(method, uri, headers, Body::empty()).await;
        assert_eq!(response.status().as_u16(), status, "{method} {uri}");
        assert!(text(response).await.contains(&format!("<Code>{code}</Code>")), "{method} {uri}");
        assert!(server.script.asked.lock().unwrap().is_none());
    }
    for body in ["<Delete>", "<Other/>", "<Delete><Object/></Delete>", "junk"] {
        use base64::Engine;
        use md5::Digest;
        let digest = base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body));
        let response = server.send("POST", "/b?delete", &[("content-md5", &digest)], body).await;
        assert!(text(response).await.contains("<Code>MalformedXML</Code>"), "{body}");
    }
}

/// Operations without a body check the hash that was announced all the same.
#[tokio::test]
async fn bodies_that_nobody_needs_are_read_to_their_end() {
    let server = server();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (method, uri, header) in [
        ("PUT", "/b/k", ("x-amz-copy-source", "b/a")),
        ("GET", "/b/k", ("x-amz-meta-none", "")),
        ("GET", "/", ("x-amz-meta-none", "")),
    ] {
        let headers: Vec<_> = [("x-amz-content-sha256", empty), header]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let response = server.send(method, uri, &headers, "smuggled").await;
        let body = text(response).await;
        assert!(body.contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{method} {uri}: {body}");
        assert!(server.script.asked.lock().unwrap().is_none());
        server.reply(json!({}));
        assert_eq!(server.send(method, uri, &headers, "").await.status().as_u16(), 200, "{method} {uri}");
        server.asked();
    }
    let response = server.send("PUT", "/b/k", &[("x-amz-copy-source", "b/a")], "bytes").await;
    assert!(text(response).await.contains("<Code>UnexpectedContent</Code>"));
    let response = server.send("PUT", "/b/k", &[("x-amz-copy-source", "b/a")], vec![0; 100_000]).await;
    assert!(text(response).await.contains("<Code>MaxMessageLengthExceeded</Code>"));
}

#[tokio::test]
async fn calls_know_where_their_bucket_was_named() {
    let server = server();
    for (uri, host, expected) in [
        ("/s3/k", "s3.localhost:4566", false),
        ("/b/k", "localhost", false),
        ("/k", "b.localhost", true),
        ("/k", "s3.s3.localhost", true),
    ] {
        server.reply(json!({}));
        server.send("GET", uri, &[("host", host)], Body::empty()).await;
        assert_eq!(server.asked().bucket_in_host, expected, "{host}{uri}");
    }
}

#[tokio::test]
async fn framing_that_nothing_announces_is_not_stored() {
    let server = server();
    // SHA-256 of "abc": FIPS 180.
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let (sha, encoding, decoded) =
        ("x-amz-content-sha256", "content-encoding", "x-amz-decoded-content-length");
    for (headers, status, code) in [
        (&[(encoding, "aws-chunked")][..], 400, "InvalidArgument"),
        (&[(encoding, "gzip,AWS-Chunked")], 400, "InvalidArgument"),
        (&[(encoding, "gzip"), (encoding, "aws-chunked")], 400, "InvalidArgument"),
        (&[(encoding, "aws-chunked"), (sha, "UNSIGNED-PAYLOAD")], 400, "InvalidArgument"),
        (&[(decoded, "2")], 400, "IncompleteBody"),
        (&[(decoded, "4"), (sha, "UNSIGNED-PAYLOAD")], 400, "IncompleteBody"),
        (&[(decoded, "2"), (sha, hash), (encoding, "aws-chunked")], 400, "IncompleteBody"),
        (&[(decoded, "-3")], 411, "MissingContentLength"),
        (&[(decoded, "x"), (sha, hash)], 411, "MissingContentLength"),
        (&[(decoded, "3"), (sha, hash)], 200, ""),
        (&[(encoding, "aws-chunked"), (sha, hash)], 200, ""),
        (&[(encoding, "gzip")], 200, ""),
    ] {
        server.reply(json!({}));
        let sent = [&[("content-length", "3")], headers].concat();
        let response = server.send("PUT", "/b/k", &sent, "abc").await;
        assert_eq!(response.status().as_u16(), status, "{headers:?}");
        let body = text(response).await;
        assert!(body.contains(&format!("<Code>{code}</Code>")) || code.is_empty(), "{headers:?}: {body}");
        assert_eq!(server.script.asked.lock().unwrap().take().is_some(), status == 200, "{headers:?}");
    }
}
