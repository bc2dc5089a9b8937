mod pages;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::connection::{ConnectionInput, api_of};
use crate::http::{Http, Patience, Reach};
use server::{Answer, Server};

fn patience() -> Patience {
    Patience { attempts: 3, first_wait: Duration::from_millis(1), max_wait: Duration::from_secs(2) }
}

fn http() -> Http {
    Http::new(Reach::guarded(true), patience()).unwrap()
}

fn target(more: Value) -> Target {
    let mut whole = json!({"ConnectionName": "c", "Path": "/orders"});
    for (name, value) in more.as_object().unwrap() {
        whole[name] = value.clone();
    }
    Target::parse(&whole).unwrap()
}

fn connection(url: &str, authentication: Value) -> ConnectionInput {
    let mut input = ConnectionInput {
        name: "c".to_owned(),
        connection_type: "CUSTOM".to_owned(),
        connection_properties: BTreeMap::from([("CONNECTION_URL".to_owned(), url.to_owned())]),
        ..ConnectionInput::default()
    };
    if !authentication.is_null() {
        input.other.insert("AuthenticationConfiguration".to_owned(), authentication);
    }
    input
}

async fn read_all(server: &Server, authentication: Value, more: Value) -> Result<Records, SourceError> {
    let api = api_of(&connection(&server.url(), authentication)).unwrap();
    read(&http(), &api, &target(more)).await
}

fn lines(records: &Records) -> Vec<&str> {
    std::str::from_utf8(&records.text).unwrap().lines().collect()
}

#[tokio::test]
async fn records_come_out_as_they_were_written() {
    let body =
        "{\"data\": {\"items\": [{\"a\": 1.10,\n \"b\": 12345678901234567890123}, {\"a\": \"x\\ny\"}]}}";
    let server = Server::start(|_| Answer::json(body)).await;
    let found = read_all(&server, Value::Null, json!({"RecordPath": "data.items"})).await.unwrap();
    assert_eq!(lines(&found), ["{\"a\": 1.10,  \"b\": 12345678901234567890123}", "{\"a\": \"x\\ny\"}"]);
    assert_eq!((found.pages, found.stopped, found.format), (1, None, Format::Json));
    assert_eq!(server.seen()[0].path, "/v1/orders");
}

#[tokio::test]
async fn every_way_to_log_in_is_shown_to_the_api() {
    let custom = |credentials: Value| json!({"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials": credentials});
    let basic = json!({"AuthenticationType": "BASIC", "BasicAuthenticationCredentials": {"Username": "me", "Password": "pw"}});
    for (authentication, header, query) in [
        (Value::Null, None, ""),
        (basic, Some(("authorization", "Basic bWU6cHc=")), ""),
        (custom(json!({"bearer": "tok"})), Some(("authorization", "Bearer tok")), ""),
        (custom(json!({"header.X-Key": "k1"})), Some(("x-key", "k1")), ""),
        (custom(json!({"query.api_key": "k 2&"})), None, "?api_key=k+2%26"),
    ] {
        let server = Server::start(|_| Answer::json("[{\"a\":1}]")).await;
        read_all(&server, authentication.clone(), json!({})).await.unwrap();
        let seen = server.seen().remove(0);
        assert_eq!(seen.path, format!("/v1/orders{query}"), "{authentication}");
        match header {
            Some((name, value)) => assert_eq!(seen.header(name), Some(value)),
            None => assert_eq!(seen.header("authorization"), None),
        }
    }
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let other = Server::start(|_| Answer::json("[{\"a\":1}]")).await;
    let elsewhere = other.url();
    let server = Server::start(move |_| Answer::status(302).header("Location", &elsewhere)).await;
    let key = json!({"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials":
        {"header.X-Key": "hunter2", "query.k": "hunter2", "bearer": "hunter2"}});
    read_all(&server, key.clone(), json!({})).await.unwrap();
    assert!(format!("{:?}", server.seen()).contains("hunter2"));
    let shown = format!("{:?}", other.seen());
    assert!(other.seen().len() == 1 && !shown.contains("hunter2"), "{shown}");

    let elsewhere = other.url();
    let body = json!({"items": [{"a": 1}], "next": elsewhere}).to_string();
    let server = Server::start(move |_| Answer::json(&body)).await;
    let paging = json!({"RecordPath": "items", "Paging": {"Type": "NEXT_LINK", "Path": "next"}});
    let error = read_all(&server, key, paging).await.unwrap_err().to_string();
    assert!(
        error.contains("another host") && error.contains("page 2") && !error.contains("hunter2"),
        "{error}"
    );
    assert_eq!(other.seen().len(), 1, "nothing more was asked");
}

#[tokio::test]
async fn busy_servers_are_asked_again() {
    let server = Server::start(|number| match number {
        0 => Answer::status(429).header("Retry-After", "0"),
        1 => Answer::status(503),
        _ => Answer::json("[{\"a\":1}]"),
    })
    .await;
    assert_eq!(lines(&read_all(&server, Value::Null, json!({})).await.unwrap()).len(), 1);
    assert_eq!(server.seen().len(), 3);
    let server = Server::start(|_| Answer::status(429).header("Retry-After", "3600")).await;
    let error = read_all(&server, Value::Null, json!({})).await.unwrap_err().to_string();
    assert!(error.contains("429"), "{error}");
    assert_eq!(server.seen().len(), 1, "nobody waits for an hour");
}

#[tokio::test]
async fn what_cannot_be_taken_names_place_and_page() {
    let cases: Vec<(Answer, Value, &str)> = vec![
        (Answer::json("[{\"a\":1"), json!({}), "cut short"),
        (Answer::json("nope"), json!({}), "no JSON"),
        (Answer::json(""), json!({}), "empty"),
        (Answer::json("{\"a\":1}"), json!({"RecordPath": "b.c"}), "nothing is at RecordPath b.c"),
        (Answer::json("[1,2]"), json!({}), "record 1 is no JSON object"),
        (Answer::json("[{\"a\":1}]").cut(3), json!({}), "breaks off"),
        (Answer::html("<!DOCTYPE html><p>log in"), json!({}), "HTML"),
        (Answer::html("<html>"), json!({"Format": "json"}), "HTML"),
        (Answer::json("[{\"a\":1}]").header("Content-Encoding", "gzip"), json!({}), "compressed (gzip)"),
        (Answer::plain("what is this"), json!({}), "neither JSON nor CSV"),
        (Answer::status(401), json!({}), "refuses the login"),
        (Answer::status(404), json!({}), "404"),
        (Answer::status(418), json!({}), "418"),
        (Answer::status(302), json!({}), "redirect to nowhere"),
        (Answer::status(302).header("Location", "/v1/orders"), json!({}), "more than 5 redirects"),
        (Answer::json("[{\"a\":1}]"), json!({"MaxBytes": 3}), "larger than 3 bytes"),
    ];
    for (answer, more, word) in cases {
        let server = Server::start(move |_| answer.clone()).await;
        let error = read_all(&server, Value::Null, more).await.unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("/v1/orders, page 1"), "{word}: {error}");
    }
    let api = api_of(&connection("http://127.0.0.1:1", Value::Null)).unwrap();
    let error = read(&http(), &api, &target(json!({}))).await.unwrap_err().to_string();
    assert!(error.contains("cannot reach"), "{error}");
    let api = api_of(&connection("http://169.254.169.254/latest", Value::Null)).unwrap();
    let error = read(&http(), &api, &target(json!({}))).await.unwrap_err().to_string();
    assert!(error.contains("link-local"), "{error}");
}

#[tokio::test]
async fn an_api_is_tried_out_with_its_login() {
    let answers = |status: u16| async move {
        let server = Server::start(move |_| Answer::status(status)).await;
        let basic = json!({"AuthenticationType": "BASIC",
            "BasicAuthenticationCredentials": {"Username": "me", "Password": "pw"}});
        let api = api_of(&connection(&server.url(), basic)).unwrap();
        let probed = probe(&http(), &api).await.map_err(|error| error.to_string());
        let seen = server.seen().remove(0);
        assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/v1", Some("Basic bWU6cHc=")));
        probed
    };
    for status in [200, 302, 404, 405] {
        answers(status).await.unwrap();
    }
    assert!(answers(401).await.unwrap_err().contains("refuses the login"));
    assert!(answers(503).await.unwrap_err().contains("status 503"));
}

#[test]
fn connections_that_are_no_apis_are_refused() {
    let refused = |input: &ConnectionInput, word: &str| {
        let error = api_of(input).unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("hunter2"), "{word}: {error}");
    };
    for (url, word) in [
        ("nope", "no address"),
        ("ftp://h/", "must begin"),
        ("https://me:hunter2@h/", "holds a user"),
        ("https://h/?key=hunter2", "query"),
    ] {
        refused(&connection(url, Value::Null), word);
    }
    for (authentication, word) in [
        (json!({"AuthenticationType": "OAUTH2"}), "OAUTH2"),
        (json!({"AuthenticationType": "BASIC"}), "BasicAuthenticationCredentials"),
        (json!({"AuthenticationType": "CUSTOM"}), "bearer"),
        (
            json!({"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials": {"token": "hunter2"}}),
            "bearer",
        ),
        (
            json!({"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials": {"header.Host": "hunter2"}}),
            "Host",
        ),
        (
            json!({"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials": {"bearer": "hunter2\n"}}),
            "bearer",
        ),
    ] {
        refused(&connection("https://h", authentication), word);
    }
    let mut input = connection("https://h", Value::Null);
    input.connection_type = "JDBC".to_owned();
    refused(&input, "CUSTOM is needed");
    input.connection_type = "CUSTOM".to_owned();
    input.connection_properties.insert("USERNAME".to_owned(), "me".to_owned());
    refused(&input, "PASSWORD");
    input.connection_properties.clear();
    refused(&input, "CONNECTION_URL");
}

#[test]
fn targets_are_checked_by_member() {
    for (more, word) in [
        (json!({"Pth": "x"}), "Pth"),
        (json!({"ConnectionName": ""}), "ConnectionName"),
        (json!({"Path": "https://evil/"}), "Path"),
        (json!({"Format": "xml"}), "xml"),
        (json!({"RecordPath": "a[0]"}), "RecordPath"),
        (json!({"RecordPath": "a", "Format": "csv"}), "RecordPath"),
        (json!({"MaxPages": 0}), "MaxPages"),
        (json!({"MaxBytes": 1u64 << 40}), "MaxBytes"),
        (json!({"Headers": {"Authorization": "x"}}), "seals it"),
        (json!({"Headers": {"Host": "x"}}), "Host"),
        (json!({"Paging": {"Type": "MAGIC"}}), "MAGIC"),
        (json!({"Paging": {"Type": "LINK_HEADER", "Path": "x"}}), "Path"),
        (json!({"Paging": {"Type": "CURSOR", "Path": "", "Parameter": "c"}}), "Path"),
        (json!({"Paging": {"Type": "PAGE", "Parameter": "p", "Size": 3}}), "SizeParameter"),
        (json!({"Paging": {"Type": "OFFSET", "Parameter": "p", "Size": 0}}), "Size"),
        (json!({"Paging": {"Type": "NEXT_LINK", "Path": "n"}, "Format": "csv"}), "CSV"),
    ] {
        let mut whole = json!({"ConnectionName": "c", "Path": "/orders"});
        for (name, value) in more.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let error = Target::parse(&whole).unwrap_err();
        assert!(error.contains(word), "{more}: {error}");
    }
    let api = Api::new("https://h/v1/", Auth::None).unwrap();
    for (path, wanted) in [
        ("", "https://h/v1/"),
        ("a/b?x=1", "https://h/v1/a/b?x=1"),
        ("?x=1", "https://h/v1/?x=1"),
        ("/@evil/", "https://h/v1/@evil/"),
    ] {
        assert_eq!(api.location(&target(json!({"Path": path}))).unwrap(), wanted);
    }
}
