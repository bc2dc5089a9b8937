//! What bounds requests and what names them.

use bytes::Bytes;
use serde_json::json;

use super::server::{Server, server, server_with, signed};
use super::text;
use crate::{Auth, Body};

#[tokio::test]
async fn requests_share_what_documents_may_hold() {
    let mut server = server();
    server.wire.budget = crate::budget::Budget::new(1000);
    let long = json!({"DatabaseName": "d", "Name": "x".repeat(900)});
    let (status, body) = server.glue("GetTable", long.clone()).await;
    assert_ne!(body["__type"], "ThrottlingException", "{status}");
    let mut held = server.wire.budget.share();
    held.take(200).unwrap();
    let (status, body) = server.glue("GetTable", long).await;
    assert_eq!((status.as_u16(), &body["__type"]), (400, &json!("ThrottlingException")));
    held.take(800).unwrap();
    let response = server.send("POST", "/b?delete", &[("authorization", &*signed("s3", "k"))], "<D/>").await;
    assert_eq!(response.status().as_u16(), 503);
    assert!(text(response).await.contains("<Code>SlowDown</Code>"));
}

#[tokio::test]
async fn ids_come_from_outside() {
    let server = server();
    server.reply(json!({"Table": {"Name": "t"}}));
    let target = [("x-amz-target", "AWSGlue.GetTable")];
    let body = json!({"DatabaseName": "d", "Name": "t"}).to_string();
    let response = server.send("POST", "/", &target, body).await;
    assert_eq!(response.headers()["x-amzn-requestid"], "00000000000000000000000000000000");
    let again = server_with(Auth::Open);
    let first = server_with(Auth::Open);
    let id = async |server: &Server| {
        server.reply(json!({}));
        server.send("GET", "/b/k", &[], Body::empty()).await.headers()["x-amz-request-id"].clone()
    };
    let once = id(&first).await;
    assert_eq!(once, id(&again).await);
    assert_eq!(once, first.asked().request_id);
    assert_ne!(id(&first).await, once);
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
