//! Resource policies through the whole wire.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::sync::Arc;

use catalog::policy::{self, Condition};
use http::Request;
use serde_json::{Value, json};
use store::{Ids as _, RandomIds, Scope, testing};
use wire::{Auth, Body, Face, Options, Wire};

async fn send(wire: &Wire, operation: &str, input: Value) -> (u16, String) {
    let request = Request::post("/")
        .header("host", "localhost")
        .header("x-amz-target", format!("AWSGlue.{operation}"))
        .body(Body::from(input.to_string()))
        .unwrap();
    let (head, mut body) = wire.handle(request).await.into_parts();
    let text = body.read_all(1 << 20).await.unwrap();
    (head.status.as_u16(), String::from_utf8(text.to_vec()).unwrap())
}

/// Versions before lost sight of policies when their database was renamed.
#[tokio::test]
async fn a_policy_whose_resource_is_gone_is_read_and_deleted_by_its_arn() {
    let (store, _folder) = testing::temp(&[catalog::MIGRATIONS, catalog::registry::MIGRATIONS]).await;
    let arn = "arn:aws:glue:us-east-1:000000000000:table/gone/t";
    let scope = Scope::new("000000000000", "us-east-1").unwrap();
    let mut tx = store.begin().await.unwrap();
    let document = r#"{"Version": "2012-10-17", "Statement": []}"#;
    policy::put(&mut tx, &scope, arn, document, Condition::default()).await.unwrap();
    tx.commit().await.unwrap();

    let face: Arc<dyn Face> = Arc::new(api::glue::governance::face(store));
    let mut options = Options::new(Auth::Open, || 1_800_000_000_000, || RandomIds.uuid());
    options.strict = true;
    let wire = Wire::new(vec![face], options).unwrap();
    let named = json!({ "ResourceArn": arn });
    let (status, text) = send(&wire, "GetResourcePolicy", named.clone()).await;
    assert!(status == 200 && text.contains("PolicyHash"), "{text}");
    let put = json!({ "ResourceArn": arn, "PolicyInJson": document });
    assert_eq!(send(&wire, "PutResourcePolicy", put).await.0, 400, "no policy is made for what is not there");
    let odd = json!({ "ResourceArn": "arn:aws:glue:us-east-1:000000000000:table/GONE/T" });
    let (status, text) = send(&wire, "DeleteResourcePolicy", odd).await;
    assert_eq!(status, 200, "{text}");
    let (status, text) = send(&wire, "DeleteResourcePolicy", named).await;
    assert!(status == 400 && text.contains("EntityNotFoundException"), "{text}");
}
