//! Known answers: the examples that AWS publishes, and the refusals.
//! Sources: Amazon S3 API Reference, "Examples: Signature Calculations in AWS Signature Version 4" (header, query and
//! chunked); the AWS General Reference's Signature Version 4 example and test suite.

mod refusals;

use bytes::Bytes;
use http::{Request, StatusCode};

use super::*;
use crate::body::BodyError;

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// 2013-05-24T00:00:00Z
const MAY_24: i64 = 1_369_353_600_000;
/// 2015-08-30T12:36:00Z
const AUGUST_30: i64 = 1_440_938_160_000;

fn auth() -> Auth {
    let generic = Key::new("AKIDEXAMPLE", Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    let temporary = Key {
        session_token: Some(Secret::new("the-token")),
        expires_ms: Some(MAY_24 + 60_000),
        account: Some("123456789012".to_owned()),
        ..Key::new("ASIATEMPORARY", Secret::new("temporary-secret"))
    };
    Auth::SigV4(Keyring::new([Key::new(ID, Secret::new(SECRET)), generic, temporary]))
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).expect("a valid request")
}

fn s3_authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed},\
         Signature={signature}"
    )
}

async fn s3(request: Request<Body>, now_ms: i64) -> Result<Admitted, AuthError> {
    auth().admit(request, Dialect::S3, now_ms, 1 << 20).await
}

fn get_object(range: &str) -> Request<Body> {
    let authorization = s3_authorization(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    request(
        "GET",
        "/test.txt",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", range),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", &authorization),
        ],
        "",
    )
}

#[tokio::test]
async fn s3_get_object() {
    let admitted = s3(get_object("bytes=0-9"), MAY_24).await.expect("the published signature");
    assert_eq!(admitted.caller.account, DEFAULT_ACCOUNT);
    assert_eq!(admitted.caller.region, "us-east-1");
    assert_eq!(admitted.caller.access_key.as_deref(), Some(ID));
    s3(get_object("  bytes=0-9 "), MAY_24).await.expect("space around values does not count");
    let error = s3(get_object("bytes=0-8"), MAY_24).await.expect_err("another range");
    let (code, status, _) = error.fault(Family::S3);
    assert_eq!((code, status), ("SignatureDoesNotMatch", StatusCode::FORBIDDEN));
    assert!(error.s3_members().iter().any(|(name, _)| *name == "StringToSign"));
    assert!(!format!("{error:?}").contains(SECRET));
}

#[tokio::test]
async fn s3_put_object() {
    let put = |body: &'static str| {
        let authorization = s3_authorization(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        );
        request(
            "PUT",
            "/test$file.text",
            &[
                ("host", "examplebucket.s3.amazonaws.com"),
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-date", "20130524T000000Z"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ("content-length", "21"),
                ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
                ("authorization", &authorization),
            ],
            body,
        )
    };
    let mut good = s3(put("Welcome to Amazon S3."), MAY_24).await.expect("the published signature");
    assert_eq!(good.content_length, Some(21));
    assert_eq!(good.request.body_mut().read_all(100).await.expect("hash fits"), "Welcome to Amazon S3.");
    let mut bad = s3(put("Welcome to Amazon S4."), MAY_24).await.expect("headers are fine");
    let error = bad.request.body_mut().read_all(100).await.expect_err("another body");
    assert_eq!(error.fault().0, "XAmzContentSHA256Mismatch");
}

#[tokio::test]
async fn s3_queries() {
    for (uri, signature) in [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let authorization = s3_authorization("host;x-amz-content-sha256;x-amz-date", signature);
        let headers = [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", EMPTY),
            ("authorization", &authorization),
        ];
        s3(request("GET", uri, &headers, ""), MAY_24).await.expect("the published signature");
    }
}

const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524\
    %2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

#[tokio::test]
async fn s3_presigned() {
    let host = [("host", "examplebucket.s3.amazonaws.com")];
    let get = |uri: &str| request("GET", uri, &host, "");
    let admitted = s3(get(PRESIGNED), MAY_24 + 86_399_000).await.expect("the published signature");
    assert!(admitted.caller.presigned);
    let refused = |uri: String, now_ms: i64| {
        let request = get(&uri);
        async move { s3(request, now_ms).await.expect_err("refused").fault(Family::S3) }
    };
    let (code, _, message) = refused(PRESIGNED.to_owned(), MAY_24 + 86_401_000).await;
    assert_eq!((code, message.as_str()), ("AccessDenied", "Request has expired"));
    assert_eq!(
        refused(PRESIGNED.to_owned(), MAY_24 - MAX_SKEW_MS - 1000).await.2,
        "Request is not valid yet"
    );
    for (from, to, expected) in [
        ("Expires=86400", "Expires=604801", "AuthorizationQueryParametersError"),
        ("Expires=86400", "Expires=-1", "AuthorizationQueryParametersError"),
        ("Expires=86400", "Expires=soon", "AuthorizationQueryParametersError"),
        ("Expires=86400", "Expires=86401", "SignatureDoesNotMatch"),
        ("&X-Amz-Signature=", "&X-Signature=", "AuthorizationQueryParametersError"),
        ("20130524T000000Z", "20130525T000000Z", "AuthorizationQueryParametersError"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "InvalidRequest"),
        ("test.txt?", "test.txt?versionId=1&", "SignatureDoesNotMatch"),
        ("SignedHeaders=host", "SignedHeaders=x-amz-acl", "AccessDenied"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAUNKNOWN", "InvalidAccessKeyId"),
    ] {
        let uri = PRESIGNED.replace(from, to);
        assert_eq!(refused(uri, MAY_24 + 1000).await.0, expected, "{from} -> {to}");
    }
    let added = request("GET", PRESIGNED, &[host[0], ("x-amz-acl", "public-read")], "");
    let error = s3(added, MAY_24).await.expect_err("an unsigned header");
    assert_eq!(error.s3_members(), [("HeadersNotSigned", "x-amz-acl".to_owned())]);
}

fn chunked(trailer: bool, mut wire: Vec<u8>) -> Request<Body> {
    let (form, signed, signature) = if trailer {
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
             x-amz-storage-class;x-amz-trailer",
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        )
    } else {
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
             x-amz-storage-class",
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        )
    };
    let authorization = s3_authorization(signed, signature);
    let mut headers = vec![
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("authorization", &authorization),
        ("x-amz-content-sha256", form),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    if trailer {
        headers.push(("x-amz-trailer", "x-amz-checksum-crc32c"));
    }
    let split = wire.split_off(wire.len() / 3);
    let pieces = [Ok::<_, std::io::Error>(Bytes::from(wire)), Ok(Bytes::from(split))];
    let body = Body::from_stream(futures::stream::iter(pieces));
    request("PUT", "/examplebucket/chunkObject.txt", &headers, body)
}

fn chunk(signature: &str, size: usize) -> Vec<u8> {
    let mut out = format!("{size:x};chunk-signature={signature}\r\n").into_bytes();
    out.extend(std::iter::repeat_n(b'a', size));
    if size > 0 {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[tokio::test]
async fn s3_chunked_upload() {
    let wire = [
        chunk("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", 65536),
        chunk("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", 1024),
        chunk("b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", 0),
        b"\r\n".to_vec(),
    ]
    .concat();
    assert_eq!(wire.len(), 66824);
    let mut admitted = s3(chunked(false, wire.clone()), MAY_24).await.expect("the published signature");
    assert_eq!(admitted.content_length, Some(66560));
    assert!(!admitted.request.headers().contains_key("content-encoding"));
    let body = admitted.request.body_mut();
    assert_eq!(body.length(), Some(66560));
    assert_eq!(body.read_all(1 << 20).await.expect("published chunk signatures"), vec![b'a'; 66560]);

    for (at, part) in [(100, "chunk 1"), (65_536 + 200, "chunk 2"), (wire.len() - 10, "chunk 3")] {
        let mut broken = wire.clone();
        broken[at] = if broken[at] == b'a' { b'b' } else { b'a' };
        let mut admitted = s3(chunked(false, broken), MAY_24).await.expect("headers are fine");
        let error = admitted.request.body_mut().read_all(1 << 20).await.expect_err("a wrong chunk");
        assert!(matches!(&error, BodyError::ChunkSignature { part: found } if found == part), "{error}");
    }
    let cut = wire[..wire.len() - 86].to_vec();
    let mut admitted = s3(chunked(false, cut), MAY_24).await.expect("headers are fine");
    let error = admitted.request.body_mut().read_all(1 << 20).await.expect_err("the last chunk is missing");
    assert!(matches!(error, BodyError::MalformedChunk { .. }), "{error}");
}

#[tokio::test]
async fn s3_chunked_upload_with_trailer() {
    let wire = |crc: &str, signature: &str| {
        [
            chunk("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", 65536),
            chunk("1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", 1024),
            chunk("2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", 0),
            format!("x-amz-checksum-crc32c:{crc}\r\n").into_bytes(),
            format!("{signature}\r\n").into_bytes(),
        ]
        .concat()
    };
    let signed =
        "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
    let mut admitted =
        s3(chunked(true, wire("sOO8/Q==", signed)), MAY_24).await.expect("published signature");
    let body = admitted.request.body_mut();
    assert_eq!(body.read_all(1 << 20).await.expect("published signatures").len(), 66560);
    assert_eq!(body.trailers().expect("trailers")["x-amz-checksum-crc32c"], "sOO8/Q==");

    for (crc, signature) in [("sOO8/Q=a", signed), ("sOO8/Q==", "")] {
        let mut admitted = s3(chunked(true, wire(crc, signature)), MAY_24).await.expect("headers are fine");
        assert!(admitted.request.body_mut().read_all(1 << 20).await.is_err(), "{crc} {signature}");
    }
}

#[tokio::test]
async fn generic_known_answers() {
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    for (method, uri, host, content_type, service, signature) in [
        (
            "GET",
            "/?Action=ListUsers&Version=2010-05-08",
            "iam.amazonaws.com",
            Some(form),
            "iam",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
        (
            "GET",
            "/",
            "example.amazonaws.com",
            None,
            "service",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "example.amazonaws.com",
            None,
            "service",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            "example.amazonaws.com",
            None,
            "service",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
    ] {
        let signed = if content_type.is_some() { "content-type;host;x-amz-date" } else { "host;x-amz-date" };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        let mut headers =
            vec![("host", host), ("x-amz-date", "20150830T123600Z"), ("authorization", &authorization)];
        if let Some(value) = content_type {
            headers.push(("content-type", value));
        }
        let admitted =
            auth().admit(request(method, uri, &headers, ""), Dialect::Generic, AUGUST_30, 100).await;
        admitted.unwrap_or_else(|error| panic!("{method} {uri}: {error:?}"));
        let with_body = request(method, uri, &headers, "forged");
        let error =
            auth().admit(with_body, Dialect::Generic, AUGUST_30, 100).await.expect_err("another body");
        assert_eq!(error.fault(Family::Json).0, "InvalidSignatureException");
        assert_eq!(error.fault(Family::Query).0, "SignatureDoesNotMatch");
        let late = request(method, uri, &headers, "");
        let error = auth().admit(late, Dialect::Generic, AUGUST_30 + MAX_SKEW_MS + 1, 100).await;
        let (code, _, message) = error.expect_err("too late").fault(Family::Json);
        assert_eq!(code, "InvalidSignatureException");
        assert!(message.starts_with("Signature expired: 20150830T123600Z is now earlier than"), "{message}");
    }
}

fn temporary_signer(service: &str) -> Signer {
    Signer {
        access_key_id: "ASIATEMPORARY".to_owned(),
        secret: Secret::new("temporary-secret"),
        session_token: Some("the-token".to_owned()),
        region: "eu-west-1".to_owned(),
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn what_we_sign_we_accept() {
    for (service, dialect) in [("s3", Dialect::S3), ("glue", Dialect::Generic)] {
        let signer = temporary_signer(service);
        let build = |uri: &str| {
            let plain = request("POST", uri, &[("content-type", "a/b"), ("x-amz-target", "T")], "");
            plain.into_parts().0
        };
        let mut parts = build("http://localhost:4566/a%20b//c?x=1&y=%2F");
        parts.headers.insert("host", http::HeaderValue::from_static("localhost:4566"));
        sign(&mut parts, b"payload", &signer, MAY_24).expect("signs");
        let remake = |parts: &Parts| Request::from_parts(parts.clone(), Body::from("payload"));
        let mut admitted =
            auth().admit(remake(&parts), dialect, MAY_24, 100).await.expect("our own signature");
        assert_eq!(admitted.request.body_mut().read_all(100).await.expect("whole"), "payload");
        assert_eq!(admitted.caller.account, "123456789012");
        assert_eq!(admitted.caller.region, "eu-west-1");
        let error =
            auth().admit(remake(&parts), dialect, MAY_24 + 60_000, 100).await.expect_err("key has ended");
        assert!(matches!(error, AuthError::ExpiredToken), "{error:?}");
        parts.headers.insert("x-amz-security-token", http::HeaderValue::from_static("other"));
        let error = auth().admit(remake(&parts), dialect, MAY_24, 100).await.expect_err("another token");
        assert!(matches!(error, AuthError::BadToken), "{error:?}");

        let mut parts = request("GET", "http://localhost:4566/k?a=b", &[], "").into_parts().0;
        presign(&mut parts, &signer, 60, MAY_24).expect("presigns");
        let admitted = auth().admit(Request::from_parts(parts, Body::empty()), dialect, MAY_24, 0).await;
        assert!(admitted.expect("our own presigned URL").caller.presigned);
    }
}

#[test]
fn an_issued_id_names_its_account() {
    let id = issued_id("123456789012", "0123456789ABCDEF");
    assert_eq!(issued(&id), Some(("123456789012", "0123456789ABCDEF")));
    assert_eq!(account(None, Some(&id)), "123456789012");
    assert_eq!(account(None, Some("210987654321")), "210987654321");
    for other in ["test", "TENONRUN", "TENONRUN12345678901x", "ASIATEMPORARY"] {
        assert_eq!((issued(other), account(None, Some(other)).as_str()), (None, DEFAULT_ACCOUNT), "{other}");
    }
}
