//! What is not let in.

use super::*;

/// A signed `Host` must not hide another authority, by which the request would be routed.
#[tokio::test]
async fn a_request_names_one_host() {
    let signer = Signer {
        access_key_id: ID.to_owned(),
        secret: Secret::new(SECRET),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "s3".to_owned(),
    };
    let mut signed = request("GET", "/key", &[("host", "mine.localhost")], "").into_parts().0;
    sign(&mut signed, b"", &signer, MAY_24).expect("signs");
    for version in [http::Version::HTTP_11, http::Version::HTTP_2] {
        let sent = |uri: &'static str, hosts: &[&'static str]| {
            let mut parts = signed.clone();
            parts.version = version;
            parts.uri = http::Uri::from_static(uri);
            parts.headers.remove("host");
            for host in hosts {
                parts.headers.append("host", http::HeaderValue::from_static(host));
            }
            Request::from_parts(parts, Body::empty())
        };
        for (uri, hosts) in [
            ("http://mine.localhost/key", &["mine.localhost"][..]),
            ("http://mine.localhost/key", &[]),
            ("/key", &["mine.localhost"]),
        ] {
            let admitted = s3(sent(uri, hosts), MAY_24).await.expect("one host");
            assert_eq!(host(&admitted.request.into_parts().0), Some("mine.localhost"));
        }
        for (uri, hosts) in [
            ("http://other.localhost/key", &["mine.localhost"][..]),
            ("http://mine.localhost/key", &["other.localhost"]),
            ("http://x@mine.localhost/key", &["mine.localhost"]),
            ("/key", &["mine.localhost", "other.localhost"]),
        ] {
            let error = s3(sent(uri, hosts), MAY_24).await.expect_err("two hosts");
            assert!(matches!(error, AuthError::Hosts), "{version:?} {uri}: {error:?}");
            let open = Auth::Open.admit(sent(uri, hosts), Dialect::S3, MAY_24, 0).await;
            assert!(matches!(open, Err(AuthError::Hosts)), "{version:?} {uri}");
        }
    }
    assert_eq!(AuthError::Hosts.fault(Family::S3).0, "InvalidRequest");
    assert_eq!(AuthError::Hosts.fault(Family::Json).0, "IncompleteSignatureException");
}

#[tokio::test]
async fn the_day_of_the_scope_is_the_day_of_the_request() {
    for day in ["", "2013", "20130525"] {
        let uri = PRESIGNED.replace("%2F20130524%2F", &format!("%2F{day}%2F"));
        let error = s3(request("GET", &uri, &[("host", "h")], ""), MAY_24).await.expect_err("another day");
        assert!(matches!(error, AuthError::QueryMalformed { .. }), "{day}: {error:?}");
        let authorization = s3_authorization("host", "0").replace("/20130524/", &format!("/{day}/"));
        let headers = [("host", "h"), ("x-amz-date", "20130524T000000Z"), ("authorization", &*authorization)];
        let error = s3(request("GET", "/", &headers, ""), MAY_24).await.expect_err("another day");
        assert!(matches!(error, AuthError::HeaderMalformed { .. }), "{day}: {error:?}");
    }
}

#[test]
fn regions_have_one_form() {
    for (text, fits) in [
        ("us-east-1", true),
        ("a", true),
        ("", false),
        ("1us", false),
        ("-a", false),
        ("US", false),
        ("a/b", false),
    ] {
        assert_eq!(is_region(text), fits, "{text}");
    }
    assert!(is_region(&"a".repeat(32)) && !is_region(&"a".repeat(33)));
}

#[tokio::test]
async fn refusals_have_the_services_codes() {
    let get = |authorization: &str| {
        let headers = [
            ("host", "h"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", EMPTY),
            ("authorization", authorization),
        ];
        request("GET", "/", &headers, "")
    };
    let scope = format!("Credential={ID}/20130524/us-east-1/s3/aws4_request");
    for (authorization, s3_code, json_code, query_code) in [
        ("AWS AKID:c2ln".to_owned(), "InvalidRequest", "IncompleteSignatureException", "IncompleteSignature"),
        ("Bearer x".to_owned(), "InvalidRequest", "IncompleteSignatureException", "IncompleteSignature"),
        (
            "AWS4-HMAC-SHA256 Credential=x".to_owned(),
            "AuthorizationHeaderMalformed",
            "IncompleteSignatureException",
            "IncompleteSignature",
        ),
        (
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"),
            "AuthorizationHeaderMalformed",
            "IncompleteSignatureException",
            "IncompleteSignature",
        ),
        (
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=x-amz-date, Signature=0").replace(ID, "NOBODY"),
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
        (
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=x-amz-date, Signature=0"),
            "AccessDenied",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ),
        (
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date;range, Signature=0"),
            "AccessDenied",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ),
        (
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0").replace(ID, "ASIATEMPORARY"),
            "InvalidToken",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
    ] {
        let error = s3(get(&authorization), MAY_24).await.expect_err("refused");
        assert_eq!(error.fault(Family::S3).0, s3_code, "{authorization}");
        assert_eq!(error.fault(Family::Json).0, json_code, "{authorization}");
        assert_eq!(error.fault(Family::Query).0, query_code, "{authorization}");
    }
    let error = s3(request("GET", "/", &[("host", "h")], ""), MAY_24).await.expect_err("anonymous");
    assert_eq!(error.fault(Family::S3).0, "AccessDenied");
    assert_eq!(error.fault(Family::Json).0, "MissingAuthenticationTokenException");
    let error = s3(get_object("bytes=0-9"), MAY_24 + MAX_SKEW_MS + 1).await.expect_err("too late");
    assert_eq!(error.fault(Family::S3).0, "RequestTimeTooSkewed");
    let error = s3(get_object("bytes=0-9"), MAY_24 - MAX_SKEW_MS - 1).await.expect_err("too early");
    assert_eq!(error.fault(Family::S3).0, "RequestTimeTooSkewed");
}

#[tokio::test]
async fn open_mode_reads_the_scope_and_checks_what_needs_no_secret() {
    let open = |headers: Vec<(&'static str, &'static str)>, body: &'static str| async move {
        Auth::Open.admit(request("PUT", "/b/k", &headers, body), Dialect::S3, 0, 0).await
    };
    let anonymous = open(vec![], "x").await.expect("anybody").caller;
    assert_eq!((anonymous.account.as_str(), anonymous.region.as_str()), (DEFAULT_ACCOUNT, DEFAULT_REGION));
    assert_eq!(anonymous.access_key, None);
    let scope = "AWS4-HMAC-SHA256 Credential=111122223333/20130524/eu-west-1/s3/aws4_request, SignedHeaders=, Signature=";
    let caller = open(vec![("authorization", scope)], "x").await.expect("any key").caller;
    assert_eq!((caller.account.as_str(), caller.region.as_str()), ("111122223333", "eu-west-1"));
    for odd in ["AWS test:sig", "Bearer x", "AWS4-HMAC-SHA256 nonsense"] {
        let caller = open(vec![("authorization", odd)], "x").await.expect("any credentials").caller;
        assert_eq!(caller.region, DEFAULT_REGION, "{odd}");
    }
    let bad_region = "AWS4-HMAC-SHA256 Credential=a/20130524/EU West/s3/aws4_request";
    assert!(open(vec![("authorization", bad_region)], "x").await.is_ok(), "not readable as a scope");
    let bad_region = "AWS4-HMAC-SHA256 Credential=a/20130524/..%2f/s3/aws4_request";
    assert!(open(vec![("authorization", bad_region)], "x").await.is_err());

    let mut hashed = open(vec![("x-amz-content-sha256", EMPTY)], "x").await.expect("admitted");
    assert!(matches!(hashed.request.body_mut().read_all(9).await, Err(BodyError::PayloadHash { .. })));
    let unknown =
        open(vec![("x-amz-content-sha256", "STREAMING-NOVEL")], "x").await.expect_err("unknown form");
    assert_eq!(unknown.fault(Family::S3).0, "InvalidArgument");
    let streaming = ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let no_length = open(vec![streaming], "x").await.expect_err("no decoded length");
    assert_eq!(no_length.fault(Family::S3).0, "MissingContentLength");
    let headers =
        vec![streaming, ("x-amz-decoded-content-length", "3"), ("content-encoding", "aws-chunked, gzip")];
    let wire = "3;chunk-signature=any\r\nabc\r\n0;chunk-signature=any\r\n\r\n";
    let mut admitted = open(headers, wire).await.expect("admitted");
    assert_eq!(admitted.request.headers()["content-encoding"], "gzip");
    assert_eq!(admitted.request.body_mut().read_all(9).await.expect("decoded"), "abc");
}

#[tokio::test]
async fn generic_bodies_are_capped() {
    let mut parts = request("POST", "http://h/", &[], "").into_parts().0;
    sign(&mut parts, b"payload", &temporary_signer("glue"), MAY_24).expect("signs");
    let request = Request::from_parts(parts, Body::from("payload"));
    let error = auth().admit(request, Dialect::Generic, MAY_24, 6).await.expect_err("too large");
    assert!(matches!(error, AuthError::Body(BodyError::TooLarge { limit: 6 })), "{error:?}");
}
