//! What the log says of requests: nothing that a client can bring about is an error of ours.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::server::server;
use crate::{Body, Fault};

/// Keeps levels and messages.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push((*event.metadata().level(), message.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn faults_of_clients_are_no_errors() {
    let mut server = server();
    server.wire.options.strict = false;
    let lines = Lines::default();
    let _kept = tracing::subscriber::set_default(lines.clone());
    let after = async |fault: Fault| {
        lines.0.lock().unwrap().clear();
        server.fault(fault);
        let status = server.send("GET", "/b/k", &[], Body::empty()).await.status().as_u16();
        let lines = lines.0.lock().unwrap();
        (status, lines.iter().map(|(level, _)| *level).collect::<Vec<_>>())
    };
    assert_eq!(after(Fault::new("NoSuchKey", "")).await, (404, vec![Level::INFO]));
    // Codes that the model does not have are bugs, but not ones for which a client may wake somebody.
    assert_eq!(after(Fault::new("NoSuchCode", "")).await, (400, vec![Level::WARN, Level::INFO]));
    assert_eq!(after(Fault::new("NotImplemented", "")).await, (501, vec![Level::INFO]));
    assert_eq!(after(Fault::internal("a bug")).await, (500, vec![Level::ERROR]));
    // A reply that does not fit is ours alone.
    server.reply(json!({"ContentLength": "many"}));
    lines.0.lock().unwrap().clear();
    assert_eq!(server.send("GET", "/b/k", &[], Body::empty()).await.status().as_u16(), 200);
    assert_eq!(lines.0.lock().unwrap()[0].0, Level::ERROR);
}
