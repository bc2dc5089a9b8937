//! Requests through the whole way, from bytes to bytes.

use http::{Method, Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::server::{NOW_MS, server, server_with, signed};
use super::text;
use crate::sigv4::{Signer, sign};
use crate::{Auth, AuthError, Body, BodyError, Fault, Key, Keyring, Secret};

#[tokio::test]
async fn json_calls_and_faults() {
    let server = server();
    server.reply(json!({"Table": {"Name": "t", "CreateTime": 1_700_000_000.5, "Owner": null}}));
    let (status, body) = server.glue("GetTable", json!({"DatabaseName": "d", "Name": "t", "Zzz": 1})).await;
    assert_eq!(
        (status, body),
        (StatusCode::OK, json!({"Table": {"Name": "t", "CreateTime": 1_700_000_000.5}}))
    );
    assert_eq!(Value::Object(server.asked().input), json!({"DatabaseName": "d", "Name": "t"}));

    server.fault(
        Fault::new("EntityNotFoundException", "Database d not found.").with("FromFederationSource", false),
    );
    let (status, body) = server.glue("GetTable", json!({"DatabaseName": "d", "Name": "t"})).await;
    let expected = json!({"__type": "EntityNotFoundException", "Message": "Database d not found.", "FromFederationSource": false});
    assert_eq!((status.as_u16(), body), (400, expected));

    let (status, body) = server.glue("GetTable", json!({"DatabaseName": "d"})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (400, Some("ValidationException")));
    let (status, body) = server.glue("GetTable", json!({"DatabaseName": 7})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (400, Some("SerializationException")));
    let (status, body) = server.glue("Frobnicate", json!({})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (400, Some("UnknownOperationException")));
    let (status, body) = server.glue("GetMLTransform", json!({})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (501, Some("NotImplemented")));
    assert_eq!(body["message"], "glue GetMLTransform is known but not built on this server.");
    let (_, body) = server.glue("GetMLTransforms", json!({})).await;
    assert_eq!(
        body["message"],
        "glue GetMLTransforms is known but not built on this server. Do it yourself."
    );
    let (status, body) = server.glue("GetTables", json!({"DatabaseName": "d"})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (500, Some("InternalFailure")));
    assert!(!body.to_string().contains("bug"), "{body}");

    let jdbc = json!({"Name": "c", "Role": "r", "Targets": {"JdbcTargets": [{"Path": "x"}]}});
    let (status, body) = server.glue("CreateCrawler", jdbc).await;
    assert_eq!(status.as_u16(), 501);
    assert_eq!(
        body["message"],
        "glue CreateCrawler: Targets.JdbcTargets is not built on this server: no JDBC"
    );
    assert_eq!(
        *server.seen.0.lock().unwrap(),
        [
            "glue GetTable 200 None",
            "glue GetTable 400 Some(\"EntityNotFoundException\")",
            "glue GetTable 400 Some(\"ValidationException\")",
            "glue GetTable 400 Some(\"SerializationException\")",
            "glue - 400 Some(\"UnknownOperationException\")",
            "glue GetMLTransform 501 Some(\"NotImplemented\")",
            "glue GetMLTransforms 501 Some(\"NotImplemented\")",
            "glue GetTables 500 Some(\"InternalFailure\")",
            "glue CreateCrawler 501 Some(\"NotImplemented\")",
        ]
    );
}

#[tokio::test]
async fn strict_mode_finds_what_the_model_does_not_allow() {
    let server = server();
    server.reply(json!({"Tabel": {}}));
    let (status, _) = server.glue("GetTable", json!({"DatabaseName": "d", "Name": "t"})).await;
    assert_eq!(status.as_u16(), 500);
    server.fault(Fault::new("NoSuchKey", "no"));
    let (status, body) = server.glue("GetTable", json!({"DatabaseName": "d", "Name": "t"})).await;
    assert_eq!((status.as_u16(), body["__type"].as_str()), (500, Some("InternalFailure")));
}

#[tokio::test]
async fn the_scope_decides_before_the_path() {
    let server = server();
    let brew = signed("databrew", "111122223333");
    server.reply(json!({"Name": "r"}));
    let response =
        server.send("GET", "/recipes/r?recipeVersion=1.0", &[("authorization", &brew)], Body::empty()).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(text(response).await, "{\"Name\":\"r\"}");
    let call = server.asked();
    assert_eq!(
        (call.operation, &*call.scope_account, &*call.region),
        ("DescribeRecipe", "111122223333", "eu-west-1")
    );
    server.reply(json!({}));
    // The same path unsigned is an object.
    server.send("GET", "/recipes/r", &[], Body::empty()).await;
    let call = server.asked();
    assert_eq!((call.service, call.operation, &*call.scope_account), ("s3", "GetObject", "000000000000"));
    for (service, status) in [("lambda", 501), ("kinesis", 501), ("athena", 400)] {
        let response = server.send("POST", "/", &[("authorization", &*signed(service, "k"))], "{}").await;
        assert_eq!(response.status().as_u16(), status, "{service}");
        assert!(text(response).await.contains("__type"));
    }
    let response = server
        .send("GET", "/recipes/r?recipeVersion=12345678901234567", &[("authorization", &brew)], Body::empty())
        .await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-amzn-errortype"]),
        (400, &http::HeaderValue::from_static("ValidationException"))
    );
}

#[tokio::test]
async fn query_calls() {
    let server = server();
    let identity = json!({"UserId": "0", "Account": "0", "Arn": "arn:aws:iam::0:root"});
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    for (method, uri, body) in [
        ("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15"),
        ("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", ""),
    ] {
        server.reply(identity.clone());
        let response = server.send(method, uri, &[form], body).await;
        let id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
        let expected = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <UserId>0</UserId><Account>0</Account><Arn>arn:aws:iam::0:root</Arn></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        assert_eq!(text(response).await, expected);
    }
    let response = server.send("POST", "/", &[form], "Action=Nope&Version=2011-06-15").await;
    assert_eq!(response.status().as_u16(), 400);
    let body = text(response).await;
    assert!(body.contains("<Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation Nope for version 2011-06-15</Message>"), "{body}");
    let response = server.send("POST", "/", &[form], "Action=AssumeRole&Version=2011-06-15").await;
    assert_eq!(response.status().as_u16(), 501);
}

#[tokio::test]
async fn signed_mode_refuses_in_each_protocol() {
    let keyring = Keyring::new([Key::new("k", Secret::new("s"))]);
    let server = server_with(Auth::SigV4(keyring));
    let response = server.send("GET", "/b/k", &[], Body::empty()).await;
    assert_eq!(response.status().as_u16(), 403);
    assert!(text(response).await.contains("<Code>AccessDenied</Code>"));
    let response = server.send("POST", "/", &[("x-amz-target", "AWSGlue.GetTable")], "{}").await;
    assert!(text(response).await.contains("MissingAuthenticationTokenException"));
    let form = ("content-type", "application/x-www-form-urlencoded");
    let response = server.send("POST", "/", &[form], "Action=GetCallerIdentity").await;
    assert!(text(response).await.contains("<Code>MissingAuthenticationToken</Code>"));
}

#[test]
fn capabilities_tell_what_is_built() {
    let document = server().wire.capabilities();
    let glue = &document["services"]["glue"];
    assert_eq!((&glue["built"], glue["total"].as_u64().unwrap() > 200), (&json!(3), true));
    let crawler = &glue["operations"]["CreateCrawler"];
    assert_eq!(crawler["fields"]["Name"], "acts");
    assert_eq!(crawler["fields"]["Description"], "stored");
    assert_eq!(crawler["fields"]["Targets"], "mixed", "what is below is not all alike");
    assert_eq!(crawler["fields"]["Targets.S3Targets"], "acts");
    assert_eq!(crawler["fields"]["Tags"], json!({"ignored": "a test has no use for them"}));
    assert_eq!(crawler["fields"]["Targets.JdbcTargets"], json!({"refused": "no JDBC"}));
    assert_eq!(glue["operations"]["GetMLTransform"], json!({"built": false}));
    assert_eq!(document["services"]["athena"]["built"], json!(0));
    assert!(document["services"].get("kinesis").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_answered(
        method in prop_oneof![Just("GET"), Just("PUT"), Just("POST"), Just("DELETE"), Just("HEAD"), Just("OPTIONS")],
        path in "/[a-zA-Z0-9%/+.~_-]{0,30}",
        query in "[a-zA-Z0-9%&=+-]{0,30}",
        target in "(AWSGlue|AmazonAthena|x)?\\.?(GetTable|CreateCrawler|[a-z]{0,5})",
        service in prop_oneof![Just("s3"), Just("glue"), Just("sts"), Just("databrew"), Just("athena"), Just("x")],
        kind in "(application/x-www-form-urlencoded|application/json|[ -~]{0,12})",
        credential: bool,
        body: Vec<u8>,
    ) {
        let server = server();
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(format!("{path}?{query}"));
        request = request.header("x-amz-target", target).header("content-type", kind);
        if credential {
            request = request.header("authorization", signed(service, "k"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(server.wire.handle(request.body(Body::from(body)).unwrap()));
        let status = response.status().as_u16();
        prop_assert!(status < 500 || status == 501, "{}", status);
    }
}

#[tokio::test]
async fn other_protocols_ask_for_the_same_signatures() {
    let request = |length: usize| {
        let request = Request::builder().method("POST").uri("http://localhost/_/x?a=1");
        request.body(Body::from(vec![b'x'; length])).unwrap()
    };
    let open = server().wire.admit_whole(request(4), "glue", 10).await.unwrap();
    assert_eq!((&open.body[..], &*open.caller.account), (&b"xxxx"[..], "000000000000"));
    assert_eq!(open.host.as_deref(), Some("localhost"));
    let too_long = server().wire.admit_whole(request(11), "glue", 10).await;
    assert!(matches!(too_long, Err(AuthError::Body(BodyError::TooLarge { limit: 10 }))));

    let closed = server_with(Auth::SigV4(Keyring::new([Key::new("k", Secret::new("s"))]))).wire;
    assert!(matches!(closed.admit_whole(request(4), "glue", 10).await, Err(AuthError::Missing)));
    for (service, secret, admitted) in
        [("glue", "s", true), ("execute-api", "s", false), ("glue", "t", false)]
    {
        let signer = Signer {
            access_key_id: "k".to_owned(),
            secret: Secret::new(secret),
            session_token: None,
            region: "eu-west-1".to_owned(),
            service: service.to_owned(),
        };
        let (mut parts, _) = request(4).into_parts();
        sign(&mut parts, b"xxxx", &signer, NOW_MS).unwrap();
        let signed = |body: &'static str| Request::from_parts(parts.clone(), Body::from(body));
        let whole = closed.admit_whole(signed("xxxx"), "glue", 10).await;
        assert_eq!(whole.is_ok(), admitted, "{service} {secret}: {whole:?}");
        assert!(closed.admit_whole(signed("xxxy"), "glue", 10).await.is_err(), "another body");
    }
}
