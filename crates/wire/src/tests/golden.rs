//! Requests as botocore serialises them (made by `tests/fixtures/make.py`) decode to the input they were made from.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::decode;
use crate::body::Body;

#[derive(Deserialize)]
struct Golden {
    service: String,
    operation: String,
    method: String,
    target: String,
    headers: Map<String, Value>,
    body: String,
    stream: Option<String>,
    input: Value,
}

fn load() -> Vec<Golden> {
    let packed = include_bytes!("../../tests/fixtures/requests.json.gz");
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn botocore_requests_decode_to_their_input() {
    let all = load();
    assert!(all.len() > 250);
    let mut failures = Vec::new();
    for golden in all {
        let body = STANDARD.decode(&golden.body).unwrap();
        let mut request = Request::builder().method(golden.method.as_str()).uri(&golden.target);
        for (name, value) in &golden.headers {
            request = request.header(name, value.as_str().unwrap());
        }
        let name = format!("{} {}", golden.service, golden.operation);
        match decode(&golden.service, request.body(Body::from(body)).unwrap()).await {
            Err(fault) => failures.push(format!("{name}: {fault:?}")),
            Ok(mut decoded) => {
                if decoded.operation.name != golden.operation {
                    failures.push(format!("{name}: routed to {}", decoded.operation.name));
                    continue;
                }
                let input = Value::Object(decoded.input);
                if input != golden.input {
                    failures.push(format!("{name}:\n  is     {input}\n  should {}", golden.input));
                }
                if let Some(stream) = golden.stream {
                    let bytes = decoded.body.read_all(1 << 20).await.unwrap();
                    assert_eq!(STANDARD.encode(bytes), stream, "{name}");
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
