//! Requests through the whole way, from bytes to bytes.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::text;
use crate::{
    Auth, Body, Call, Face, Fault, Fields, Finished, Key, Keyring, Observer, Operation, Options, Reply,
    Secret, Service, Wire,
};

const NOW_MS: i64 = 1_700_000_000_000;

/// Answers what the test put in, and keeps what it was asked.
#[derive(Default)]
struct Script {
    reply: Mutex<Option<Result<Reply, Fault>>>,
    asked: Mutex<Option<Call>>,
}

async fn scripted(state: &Arc<Script>, call: Call) -> Result<Reply, Fault> {
    *state.asked.lock().unwrap() = Some(call);
    state.reply.lock().unwrap().take().unwrap_or_else(|| Ok(Reply::empty()))
}

async fn panics(_: &Arc<Script>, _: Call) -> Result<Reply, Fault> {
    panic!("a handler with a bug")
}

const fn row(name: &'static str) -> Operation<Arc<Script>> {
    Operation {
        name,
        fields: Fields { acts: &[], refused: &[] },
        run: |state, call| Box::pin(scripted(state, call)),
    }
}

const S3: &[Operation<Arc<Script>>] = &[
    row("CompleteMultipartUpload"),
    row("CopyObject"),
    row("CreateBucket"),
    row("DeleteObjects"),
    row("GetBucketAcl"),
    row("GetBucketLocation"),
    row("GetObject"),
    row("HeadObject"),
    row("ListBuckets"),
    row("ListObjectsV2"),
    Operation {
        name: "PutObject",
        fields: Fields {
            acts: &["Body"],
            refused: &[("SSECustomerKey", "no encryption with customer keys")],
        },
        run: |state, call| Box::pin(scripted(state, call)),
    },
];
const GLUE: &[Operation<Arc<Script>>] = &[
    row("GetTable"),
    Operation { run: |state, call| Box::pin(panics(state, call)), ..row("GetTables") },
    Operation {
        name: "CreateCrawler",
        fields: Fields {
            acts: &["Name", "Targets.S3Targets"],
            refused: &[("Targets.JdbcTargets", "no JDBC")],
        },
        run: |state, call| Box::pin(scripted(state, call)),
    },
];

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn finished(&self, request: &Finished<'_>) {
        let line = format!(
            "{} {} {} {:?}",
            request.service,
            request.operation,
            request.status.as_u16(),
            request.code
        );
        self.0.lock().unwrap().push(line);
    }
}

struct Server {
    wire: Wire,
    script: Arc<Script>,
    seen: Arc<Seen>,
}

fn server_with(auth: Auth) -> Server {
    let (script, seen) = (Arc::new(Script::default()), Arc::new(Seen::default()));
    let face = |model, operations| -> Arc<dyn Face> {
        Arc::new(Service { model, state: Arc::clone(&script), operations })
    };
    const STS: &[Operation<Arc<Script>>] = &[row("GetCallerIdentity")];
    const BREW: &[Operation<Arc<Script>>] = &[row("DescribeRecipe"), row("CreateRecipe")];
    let faces = vec![
        face("s3", S3),
        face("glue", GLUE),
        face("sts", STS),
        face("databrew", BREW),
        face("athena", &[]),
    ];
    let mut options = Options::new(auth, || NOW_MS);
    options.strict = true;
    options.observer = Some(Arc::clone(&seen) as Arc<dyn Observer>);
    Server { wire: Wire::new(faces, options).unwrap(), script, seen }
}

fn server() -> Server {
    server_with(Auth::Open)
}

impl Server {
    fn reply(&self, reply: Value) {
        *self.script.reply.lock().unwrap() = Some(Ok(Reply::from(reply)));
    }

    fn fault(&self, fault: Fault) {
        *self.script.reply.lock().unwrap() = Some(Err(fault));
    }

    async fn send(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.wire.handle(request.body(body.into()).unwrap()).await
    }

    async fn glue(&self, operation: &str, body: Value) -> (StatusCode, Value) {
        let target = format!("AWSGlue.{operation}");
        let response = self.send("POST", "/", &[("x-amz-target", &target)], body.to_string()).await;
        (response.status(), serde_json::from_str(&text(response).await).unwrap())
    }

    fn asked(&self) -> Call {
        self.script.asked.lock().unwrap().take().unwrap()
    }
}

fn signed(service: &str, key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20231114/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}

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
async fn documents_have_limits() {
    let server = server();
    let long = format!("{{\"Name\": \"{}\"}}", "x".repeat(9 << 20));
    let response = server.send("POST", "/", &[("x-amz-target", "AWSGlue.GetTable")], long).await;
    assert_eq!(response.status().as_u16(), 413);
    assert!(text(response).await.contains("RequestEntityTooLargeException"));
    let endless =
        futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65536])));
    let headers = [("authorization", &*signed("s3", "k"))];
    let response = server.send("POST", "/b?delete", &headers, Body::from_stream(endless)).await;
    assert_eq!(response.status().as_u16(), 400);
    assert!(text(response).await.contains("<Code>MaxMessageLengthExceeded</Code>"));
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
    assert_eq!(crawler["fields"]["Targets"], "acts");
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
