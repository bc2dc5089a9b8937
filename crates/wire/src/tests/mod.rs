//! Tests that need several modules: botocore's requests, random documents, requests through the whole way.

mod encode;
mod golden;
mod limits;
mod logs;
mod moved;
mod property;
mod sample;
mod server;
mod whole;
mod whole_s3;

use http::{Request, Response};
use serde_json::Map;

use crate::body::Body;
use crate::budget::Share;
use crate::call::Document;
use crate::fault::Fault;
use crate::model::{self, Operation};
use crate::options::NewId;
use crate::request::Limits;
use crate::route::host::DEFAULT_HOSTS;
use crate::{request, rules};

/// What a request decodes to.
struct Decoded {
    operation: &'static Operation,
    input: Map<String, Document>,
    body: Body,
}

/// Routes and decodes a request of a service, without its caller or handler.
async fn decode(service: &str, request: Request<Body>) -> Result<Decoded, Fault> {
    let model = model::get(service).unwrap();
    let rules = rules::of(model.name, model.protocol);
    let hosts: Vec<String> = DEFAULT_HOSTS.iter().map(|host| (*host).to_owned()).collect();
    let (mut parts, mut body) = request.into_parts();
    let mut share = Share::alone();
    let limits = Limits { rules, share: &mut share };
    let (routed, parameters) = request::route(model, &mut parts, &mut body, &hosts, limits).await?;
    let limits = Limits { rules, share: &mut share };
    let mut input = request::decode(model, &routed, &parameters, &parts.headers, &mut body, limits).await?;
    let ids: NewId = std::sync::Arc::new(|| "00000000-0000-4000-8000-000000000000".to_owned());
    request::fill_tokens(model, routed.operation, &mut input, &ids);
    Ok(Decoded { operation: routed.operation, input, body })
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().read_all(1 << 24).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
