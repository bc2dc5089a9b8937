//! Requests that botocore signed (`fixtures/sign_with_botocore.py`) are admitted; the same with one thing changed are not.

#![expect(clippy::expect_used, reason = "a test stops at its first surprise")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::Value;
use wire::{Admitted, Auth, AuthError, Body, Dialect, Key, Keyring, Secret};

/// 2026-01-02T03:04:05Z, when they were signed.
const NOW_MS: i64 = 1_767_323_045_000;

fn auth() -> Auth {
    let temporary = Key {
        session_token: Some(Secret::new("token/with+odd=characters==")),
        ..Key::new("ASIATOKEN", Secret::new("temporary"))
    };
    Auth::SigV4(Keyring::new([Key::new("AKIDPLAIN", Secret::new("plain/secret+with=signs")), temporary]))
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().expect("a text")
}

fn request(row: &Value, body: Vec<u8>) -> Request<Body> {
    let url = text(row, "url");
    let (host, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
    // What a server sees: the target in origin form, the host in its header.
    let mut builder =
        Request::builder().method(text(row, "method")).uri(format!("/{path}")).header("host", host);
    for pair in row["headers"].as_array().expect("headers") {
        builder = builder.header(pair[0].as_str().expect("a name"), pair[1].as_str().expect("a value"));
    }
    builder.body(body.into()).expect("a request")
}

async fn admit(row: &Value, request: Request<Body>, now_ms: i64) -> Result<Admitted, AuthError> {
    let dialect = if text(row, "dialect") == "s3" { Dialect::S3 } else { Dialect::Generic };
    auth().admit(request, dialect, now_ms, 1 << 20).await
}

#[tokio::test]
async fn what_botocore_signs() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("fixtures/signed_by_botocore.json")).expect("the fixture");
    assert!(rows.len() > 80);
    for row in &rows {
        let name = format!("{} {} {}", text(row, "name"), text(row, "method"), text(row, "url"));
        let body = STANDARD.decode(text(row, "body")).expect("base64");
        let mut admitted = admit(row, request(row, body.clone()), NOW_MS)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(admitted.caller.region, "eu-west-1", "{name}");
        assert_eq!(admitted.request.body_mut().read_all(1 << 20).await.expect("whole"), body, "{name}");

        let mut changed = request(row, body.clone());
        *changed.method_mut() = http::Method::PATCH;
        let error = admit(row, changed, NOW_MS).await.expect_err("another method");
        assert!(matches!(error, AuthError::SignatureMismatch { .. }), "{name}: {error:?}");
        let error = admit(row, request(row, body), NOW_MS + 16 * 60 * 1000).await.expect_err("too late");
        assert!(matches!(error, AuthError::Skewed { .. } | AuthError::PresignExpired), "{name}: {error:?}");
    }
}
