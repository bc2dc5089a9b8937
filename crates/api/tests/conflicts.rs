//! Requests on PostgreSQL: their transactions take turns, so that none has to be refused or run again; and what they answer
//! when it is gone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

#[path = "../../store/tests/conformance/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::views::{View, Views};
use futures::future::join_all;
use http::Request;
use lake::Lake;
use serde_json::{Value, json};
use store::{Ids as _, Location, RandomIds, Store, SystemClock};
use tables::Tables;
use tempfile::TempDir;
use wire::{Auth, Body, Face, Options, Wire};

const AT_ONCE: usize = 12;

/// No key has a view of its own.
struct Everybody;

impl Views for Everybody {
    fn of(&self, _: &str) -> View {
        View::Everybody
    }

    fn traffic(&self, _: &str) -> Option<Arc<jobs::Traffic>> {
        None
    }
}

async fn glue(server: &server::Server, folder: &TempDir) -> Wire {
    let location = Location::Postgres { url: server.url(), schema: "conflicts".to_owned() };
    let migrations = [lake::MIGRATIONS, catalog::MIGRATIONS];
    let opened = Store::open(location, &migrations, Arc::new(SystemClock), Arc::new(RandomIds));
    let store = opened.await.unwrap();
    let options = lake::Options { dir: folder.path().join("objects"), durable: false };
    let lake = Lake::open(store.clone(), options).await.unwrap();
    let tables = Tables::new(store.clone(), lake);
    let face = api::glue::catalog::face(store, tables, BTreeMap::new(), Arc::new(Everybody));
    let face: Arc<dyn Face> = Arc::new(face);
    let mut options = Options::new(Auth::Open, || 1_800_000_000_000, || RandomIds.uuid());
    options.strict = true;
    Wire::new(vec![face], options).unwrap()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_all_succeed() {
    let (server, folder) = (server::Server::start(), TempDir::new().unwrap());
    let wire = glue(&server, &folder).await;
    let database = |n| send(&wire, "CreateDatabase", json!({ "DatabaseInput": { "Name": format!("d{n}") } }));
    for (status, text) in join_all((0..AT_ONCE).map(database)).await {
        assert_eq!(status, 200, "{text}");
    }
    let table = |n| {
        let input = json!({ "DatabaseName": "d0", "TableInput": { "Name": format!("t{n}") } });
        send(&wire, "CreateTable", input)
    };
    for (status, text) in join_all((0..AT_ONCE).map(table)).await {
        assert_eq!(status, 200, "{text}");
    }
    let (_, text) = send(&wire, "GetTables", json!({ "DatabaseName": "d0" })).await;
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["TableList"].as_array().unwrap().len(), AT_ONCE);
    // Of many that make one, exactly one does.
    let same = |_| send(&wire, "CreateDatabase", json!({ "DatabaseInput": { "Name": "same" } }));
    let made = join_all((0..AT_ONCE).map(same)).await;
    assert_eq!(made.iter().filter(|(status, _)| *status == 200).count(), 1);
    let refused = |(_, text): &&(u16, String)| text.contains("AlreadyExistsException");
    assert_eq!(made.iter().filter(refused).count(), AT_ONCE - 1, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metadata_store_that_is_gone_says_so() {
    let (server, folder) = (server::Server::start(), TempDir::new().unwrap());
    let wire = glue(&server, &folder).await;
    let database = json!({ "DatabaseInput": { "Name": "d" } });
    let (status, text) = send(&wire, "CreateDatabase", database.clone()).await;
    assert_eq!(status, 200, "{text}");
    drop(server);
    for (operation, input) in [("GetDatabase", json!({ "Name": "d" })), ("CreateDatabase", database)] {
        let (status, text) = send(&wire, operation, input).await;
        assert_eq!(status, 503, "{operation}: {text}");
        assert!(text.contains("InternalServiceException"), "{operation}: {text}");
        assert!(text.contains("metadata store of this server does not answer"), "{operation}: {text}");
    }
}
