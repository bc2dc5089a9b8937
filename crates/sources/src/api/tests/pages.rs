//! Pages that follow each other, and those that do not.

use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{lines, read_all};
use crate::api::Stop;

fn paths(server: &Server) -> Vec<String> {
    server.seen().into_iter().map(|asked| asked.path.trim_start_matches("/v1/orders").to_owned()).collect()
}

#[tokio::test]
async fn links_in_headers() {
    let server = Server::start(|number| {
        let link = "<https://elsewhere/>; rel=prev; title=\"a, <b>; rel=next\", </v1/orders?page=2>; rel=\"last next\"";
        let page = Answer::json(&format!("[{{\"n\":{number}}}]"));
        if number == 0 { page.header("Link", link) } else { page }
    })
    .await;
    let found = read_all(&server, Value::Null, json!({"Paging": {"Type": "LINK_HEADER"}})).await.unwrap();
    assert_eq!(lines(&found), ["{\"n\":0}", "{\"n\":1}"]);
    assert_eq!(paths(&server), ["", "?page=2"]);
}

#[tokio::test]
async fn links_in_bodies() {
    let server = Server::start(|number| {
        let next = if number < 2 { json!(format!("?from={number}")) } else { Value::Null };
        Answer::json(&json!({"items": [{"n": number}], "links": {"next": next}}).to_string())
    })
    .await;
    let more = json!({"RecordPath": "$.items[*]", "Paging": {"Type": "NEXT_LINK", "Path": "links.next"}});
    assert_eq!(lines(&read_all(&server, Value::Null, more).await.unwrap()).len(), 3);
    assert_eq!(paths(&server), ["", "?from=0", "?from=1"]);
}

#[tokio::test]
async fn cursors_numbers_and_offsets() {
    let server = Server::start(|number| {
        let next = if number < 2 { json!(number + 40) } else { json!("") };
        Answer::json(&json!({"items": [{"n": number}], "next": next}).to_string())
    })
    .await;
    let more = json!({"Path": "/orders?x=1", "RecordPath": "items",
        "Paging": {"Type": "CURSOR", "Path": "next", "Parameter": "after"}});
    assert_eq!(lines(&read_all(&server, Value::Null, more).await.unwrap()).len(), 3);
    assert_eq!(paths(&server), ["?x=1", "?x=1&after=40", "?x=1&after=41"]);

    let three = |number: usize| {
        Answer::json(&if number < 2 { format!("[{{\"n\":{number}}}]") } else { "[]".to_owned() })
    };
    let server = Server::start(three).await;
    let more = json!({"Paging": {"Type": "PAGE", "Parameter": "page", "SizeParameter": "per", "Size": 1}});
    assert_eq!(lines(&read_all(&server, Value::Null, more).await.unwrap()).len(), 2);
    assert_eq!(paths(&server), ["?page=1&per=1", "?per=1&page=2", "?per=1&page=3"]);

    let server = Server::start(three).await;
    let more = json!({"Paging": {"Type": "OFFSET", "Parameter": "skip", "Size": 50}});
    assert_eq!(lines(&read_all(&server, Value::Null, more).await.unwrap()).len(), 2);
    // One record was given where fifty were asked for.
    assert_eq!(paths(&server), ["?skip=0", "?skip=1", "?skip=2"]);
}

/// Answers with the records from the offset on, of 25 and at most seven.
fn capped(path: &str, header: Option<&str>) -> Vec<String> {
    let offset: usize = path.rsplit_once("skip=").unwrap().1.parse().unwrap();
    let records = (offset.min(25)..(offset + 7).min(25)).map(|n| n.to_string());
    header.map(str::to_owned).into_iter().chain(records).collect()
}

#[tokio::test]
async fn offsets_go_by_what_the_api_gives() {
    let json = |_, path: &str| {
        let records: Vec<String> = capped(path, None).iter().map(|n| format!("{{\"n\":{n}}}")).collect();
        Answer::json(&format!("[{}]", records.join(",")))
    };
    let wanted: Vec<String> = (0..25).map(|n| format!("{{\"n\":{n}}}")).collect();
    for size in [5, 10, 500] {
        let more = json!({"Paging": {"Type": "OFFSET", "Parameter": "skip", "Size": size}});
        let server = Server::knowing(json).await;
        assert_eq!(lines(&read_all(&server, Value::Null, more).await.unwrap()), wanted, "{size}");
    }
    // Of CSV nobody knows which line is a header.
    let csv = |_, path: &str| Answer::csv(&capped(path, Some("n")).join("\n"));
    let more = |size: u64| json!({"Paging": {"Type": "OFFSET", "Parameter": "skip", "Size": size}});
    let found = read_all(&Server::knowing(csv).await, Value::Null, more(7)).await.unwrap();
    assert_eq!(lines(&found).len(), 26);
    for size in [5, 10] {
        let error =
            read_all(&Server::knowing(csv).await, Value::Null, more(size)).await.unwrap_err().to_string();
        assert!(error.contains("pages of another size") && error.contains("page 2"), "{error}");
    }
}

#[tokio::test]
async fn a_path_of_paging_that_leads_nowhere_is_told() {
    let remarks = |body: Value, path: &'static str| async move {
        let server = Server::start(move |number| {
            Answer::json(&if number == 0 { body.to_string() } else { "{\"items\":[]}".to_owned() })
        });
        let more = json!({"RecordPath": "items", "Paging": {"Type": "NEXT_LINK", "Path": path}});
        let found = read_all(&server.await, Value::Null, more).await.unwrap();
        (found.pages, found.remarks)
    };
    let body = json!({"items": [{"a": 1}], "meta": {"next": null}, "@odata.nextLink": "?p=2"});
    let (pages, told) = remarks(body.clone(), "meta.nxt").await;
    assert!(pages == 1 && told.len() == 1 && told[0].contains("\"meta.nxt\""), "{told:?}");
    assert_eq!(remarks(body.clone(), "meta.next").await, (1, vec![]));
    assert_eq!(remarks(body, "$['@odata.nextLink']").await, (2, vec![]));
}

#[tokio::test]
async fn replies_that_are_no_records_are_told() {
    let read = |answer: Answer, more: Value| async move {
        let server = Server::start(move |_| answer.clone()).await;
        let found = read_all(&server, Value::Null, more).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(found.remarks.join("; "))
    };
    let told = read(Answer::json("{\"error\":\"rate limit\"}"), json!({})).await.unwrap();
    assert_eq!(told, "the reply is one object, and so one record");
    let told = read(Answer::json("{\"data\":{\"items\":[{\"a\":1}]}}"), json!({})).await.unwrap();
    assert!(told.ends_with("RecordPath \"data.items\" would make its list the records"), "{told}");
    let error = read(Answer::status(202), json!({})).await.unwrap_err();
    assert!(error.contains("no answer yet"), "{error}");
    let error = read(Answer::json("[{\"a\":1}]"), json!({"Format": "csv"})).await.unwrap_err();
    assert!(error.contains("it is JSON, and the target's Format is csv"), "{error}");
}

#[tokio::test]
async fn other_encodings_are_read_as_the_reply_says() {
    let latin = |kind: &'static str| async move {
        let server = Server::start(move |_| Answer::bytes(kind, b"id,name\n1,caf\xe9\n")).await;
        let found = read_all(&server, Value::Null, json!({})).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(lines(&found).join("|"))
    };
    assert_eq!(latin("text/csv; charset=ISO-8859-1").await.unwrap(), "id,name|1,caf\u{e9}");
    assert!(
        latin("text/csv; charset=klingon").await.unwrap_err().contains("\"klingon\", which is not known")
    );
}

#[tokio::test]
async fn headers_of_further_csv_pages_go() {
    let server = Server::start(|number| match number {
        0 => Answer::csv("\u{feff}id,name\r\n1,a"),
        1 => Answer::csv("id,name\r\n2,b\r\n"),
        _ => Answer::csv("id,name\r\n"),
    })
    .await;
    let more = json!({"Paging": {"Type": "PAGE", "Parameter": "page"}});
    let found = read_all(&server, Value::Null, more).await.unwrap();
    assert_eq!(lines(&found), ["\u{feff}id,name", "1,a", "2,b"]);
    assert_eq!(found.pages, 3);
}

#[tokio::test]
async fn endless_paging_is_an_error() {
    let round = Server::knowing(|_, path| {
        let next = if path.contains("b=1") { "/v1/orders?a=1" } else { "/v1/orders?b=1" };
        Answer::json(&json!({"items": [{"n": 1}], "next": next}).to_string())
    })
    .await;
    let more = json!({"RecordPath": "items", "Paging": {"Type": "NEXT_LINK", "Path": "next"}});
    let error = read_all(&round, Value::Null, more).await.unwrap_err().to_string();
    assert!(error.contains("goes round") && error.contains("page 4"), "{error}");

    let deaf = Server::start(|_| Answer::json("[{\"n\":1}]")).await;
    let more = json!({"Paging": {"Type": "PAGE", "Parameter": "page"}});
    let error = read_all(&deaf, Value::Null, more).await.unwrap_err().to_string();
    assert!(error.contains("does not know the parameter") && error.contains("page 2"), "{error}");
}

#[tokio::test]
async fn bounds_end_reading_and_say_so() {
    let endless = || Server::start(|number| Answer::json(&format!("[{{\"n\":{}}}]", 10 + number)));
    let paging = json!({"Type": "PAGE", "Parameter": "page"});
    let found =
        read_all(&endless().await, Value::Null, json!({"Paging": paging, "MaxPages": 3})).await.unwrap();
    assert_eq!((found.pages, found.stopped, lines(&found).len()), (3, Some(Stop::Pages(3)), 3));
    let found =
        read_all(&endless().await, Value::Null, json!({"Paging": paging, "MaxBytes": 25})).await.unwrap();
    assert_eq!((found.pages, found.stopped), (2, Some(Stop::Bytes(25))));
    let found =
        read_all(&endless().await, Value::Null, json!({"Paging": paging, "MaxBytes": 20})).await.unwrap();
    assert_eq!((found.pages, found.stopped), (2, Some(Stop::Bytes(20))));
}

#[tokio::test]
async fn a_later_page_that_fails_fails_the_whole() {
    for answer in
        [Answer::json("[{\"a\":"), Answer::status(500), Answer::csv("a,b\n"), Answer::html("<html>")]
    {
        let server = Server::start(
            move |number| if number == 0 { Answer::json("[{\"a\":1}]") } else { answer.clone() },
        )
        .await;
        let more = json!({"Paging": {"Type": "PAGE", "Parameter": "page"}});
        let error = read_all(&server, Value::Null, more).await.unwrap_err().to_string();
        assert!(error.contains("page 2"), "{error}");
    }
}
