//! Target resolution and faults.

use http::StatusCode;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn targets() {
    let none = Target::new(None, &environment(&[]));
    assert_eq!((none.endpoint.as_str(), none.region.as_str()), (DEFAULT_ENDPOINT, "us-east-1"));
    assert!(none.keys.is_none());
    let all = environment(&[
        ("AWS_ENDPOINT_URL", "http://h:1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", ""),
        ("AWS_ACCESS_KEY_ID", "A"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ]);
    let target = Target::new(None, &all);
    assert_eq!((target.endpoint.as_str(), target.region.as_str()), ("http://h:1", "eu-west-1"));
    assert!(target.keys.is_some() && !format!("{target:?}").contains("hunter2"));
    assert_eq!(Target::new(Some("http://flag:2".to_owned()), &all).endpoint, "http://flag:2");
}

#[test]
fn endpoints_are_checked() {
    for bad in ["", "localhost", "https://h", "http://h/path", "ftp://h", "http://"] {
        let target = Target::new(Some(bad.to_owned()), &environment(&[]));
        assert!(matches!(Client::new(target), Err(ClientError::Endpoint { .. })), "{bad}");
    }
}

#[test]
fn faults_are_read() {
    let body = br#"{"__type":"com.amazonaws.glue#EntityNotFoundException","Message":"no such crawler"}"#;
    let error = ClientError::fault("StartCrawler", StatusCode::BAD_REQUEST, body);
    assert!(error.is("EntityNotFoundException"));
    assert_eq!(error.to_string(), "StartCrawler: EntityNotFoundException (400): no such crawler");
    let html = ClientError::fault("X", StatusCode::BAD_GATEWAY, b"<html>");
    assert_eq!(html.to_string(), "X: error (502): <html>");
}
