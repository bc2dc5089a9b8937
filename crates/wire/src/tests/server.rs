//! A server with scripted handlers, for requests through the whole way.

use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use serde_json::Value;

use super::text;
use crate::{
    Auth, Body, Call, Face, Fault, Fields, Finished, Observer, Operation, Options, Reply, Service, Wire,
};

pub(super) const NOW_MS: i64 = 1_700_000_000_000;

/// Answers what the test put in, and keeps what it was asked.
#[derive(Default)]
pub(super) struct Script {
    pub(super) reply: Mutex<Option<Result<Reply, Fault>>>,
    pub(super) asked: Mutex<Option<Call>>,
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
        fields: Fields { acts: &[], refused: &[], ignored: &[] },
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
            ignored: &[],
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
            ignored: &[("Tags", "a test has no use for them")],
        },
        run: |state, call| Box::pin(scripted(state, call)),
    },
];

#[derive(Default)]
pub(super) struct Seen(pub(super) Mutex<Vec<String>>);

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

pub(super) struct Server {
    pub(super) wire: Wire,
    pub(super) script: Arc<Script>,
    pub(super) seen: Arc<Seen>,
}

pub(super) fn server_with(auth: Auth) -> Server {
    let (script, seen) = (Arc::new(Script::default()), Arc::new(Seen::default()));
    let face = |model, operations| -> Arc<dyn Face> {
        Arc::new(Service { model, state: Arc::clone(&script), operations })
    };
    const STS: &[Operation<Arc<Script>>] = &[row("GetCallerIdentity")];
    const WATCH: &[Operation<Arc<Script>>] = &[row("ListMetrics"), row("GetMetricStatistics")];
    const BREW: &[Operation<Arc<Script>>] = &[row("DescribeRecipe"), row("CreateRecipe")];
    let faces = vec![
        face("s3", S3),
        face("glue", GLUE),
        face("sts", STS),
        face("databrew", BREW),
        face("athena", &[]),
        face("cloudwatch", WATCH),
    ];
    let ids = std::sync::atomic::AtomicU64::new(0);
    let next = move || ids.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let mut options = Options::new(auth, || NOW_MS, move || format!("{:032x}", next()));
    options.strict = true;
    options.instead = &[("glue", "GetMLTransforms", "Do it yourself.")];
    options.observer = Some(Arc::clone(&seen) as Arc<dyn Observer>);
    Server { wire: Wire::new(faces, options).unwrap(), script, seen }
}

pub(super) fn server() -> Server {
    server_with(Auth::Open)
}

impl Server {
    pub(super) fn reply(&self, reply: Value) {
        *self.script.reply.lock().unwrap() = Some(Ok(Reply::from(reply)));
    }

    pub(super) fn fault(&self, fault: Fault) {
        *self.script.reply.lock().unwrap() = Some(Err(fault));
    }

    pub(super) async fn send(
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

    pub(super) async fn glue(&self, operation: &str, body: Value) -> (StatusCode, Value) {
        let target = format!("AWSGlue.{operation}");
        let response = self.send("POST", "/", &[("x-amz-target", &target)], body.to_string()).await;
        (response.status(), serde_json::from_str(&text(response).await).unwrap())
    }

    pub(super) fn asked(&self) -> Call {
        self.script.asked.lock().unwrap().take().unwrap()
    }
}

pub(super) fn signed(service: &str, key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20231114/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}
