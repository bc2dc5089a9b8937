//! Tests that need several modules: botocore's requests, random documents, requests through the whole way.

mod encode;
mod golden;
mod property;
mod sample;
mod whole;

use http::{Request, Response};
use serde_json::Map;

use crate::body::Body;
use crate::call::Document;
use crate::fault::Fault;
use crate::model::{self, Operation};
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
    let (routed, parameters) = request::route(model, &mut parts, &mut body, &hosts, rules).await?;
    let input = request::decode(model, &routed, &parameters, &parts.headers, &mut body, rules).await?;
    Ok(Decoded { operation: routed.operation, input, body })
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().read_all(1 << 24).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
