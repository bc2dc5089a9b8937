//! How sessions end, and which are never begun.

use serde_json::json;

use super::super::*;
use super::{MINUTE_MS, World, scope};

#[tokio::test]
async fn a_session_whose_process_ends_has_failed_with_its_statements() {
    let world = World::new().await;
    world.serve();
    world.ready("one").await;
    let number = world.submit("one", "import os\nprint('so far')\nos._exit(3)").await.unwrap();
    let next = world.submit("one", "1").await.unwrap();
    let session = world.reaches("one", SessionState::Failed).await;
    assert_eq!(session.details.error_message.as_deref(), Some("SystemExit: 3"));
    let ended = world.statement("one", number).await.to_document();
    assert_eq!((&ended["State"], &ended["Output"]["Data"]["TextPlain"]), (&json!("ERROR"), &json!("so far")));
    assert_eq!(ended["Output"]["ErrorName"], json!("SessionEnded"));
    assert_eq!(world.statement("one", next).await.state, StatementState::Cancelled);
    let refused = world.submit("one", "1").await.unwrap_err().to_string();
    assert_eq!(refused, "Session one is FAILED: statements are run by sessions that are READY");
    assert_eq!(world.folders(), 0);
}

#[tokio::test]
async fn what_keeps_the_process_from_beginning_is_the_session_s_error() {
    let broken =
        [("awsglue/__init__.py", ""), ("awsglue/context.py", "raise RuntimeError('no engine here')\n")];
    let world = World::with(&broken).await;
    world.serve();
    world.create("one", json!({})).await.unwrap();
    let session = world.reaches("one", SessionState::Failed).await;
    assert_eq!(session.details.error_message.as_deref(), Some("RuntimeError: no engine here"));
    world.create("two", json!({"DefaultArguments": {"--extra-files": "s3://nowhere/x"}})).await.unwrap();
    let session = world.reaches("two", SessionState::Failed).await;
    assert!(session.details.error_message.unwrap().starts_with("--extra-files s3://nowhere/x: "));
}

#[tokio::test]
async fn sessions_end_when_their_time_is_over() {
    let world = World::new().await;
    world.serve();
    world.create("idle", json!({"IdleTimeout": 5})).await.unwrap();
    world.create("old", json!({"Timeout": 8, "IdleTimeout": 30})).await.unwrap();
    for id in ["idle", "old"] {
        world.reaches(id, SessionState::Ready).await;
    }
    let number = world.submit("old", "import time\nwhile True: time.sleep(1)").await.unwrap();
    world.comes_to("old", number, |statement| statement.state == StatementState::Running).await;
    world.clock.advance(5 * MINUTE_MS);
    let idle = world.reaches("idle", SessionState::Timeout).await;
    let message = idle.details.error_message.as_deref();
    assert_eq!(message, Some("The session had no statement to run for 5 minutes."));
    assert_eq!(idle.to_document(0)["ExecutionTime"], json!(300.0));
    assert_eq!(world.get("old").await.details.state, SessionState::Ready);
    world.clock.advance(3 * MINUTE_MS);
    world.reaches("old", SessionState::Timeout).await;
    assert_eq!(world.statement("old", number).await.state, StatementState::Cancelled);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_sessions_and_says_so() {
    let world = World::new().await;
    let stop = world.serve();
    world.ready("one").await;
    let number = world.submit("one", "while True: pass").await.unwrap();
    world.comes_to("one", number, |statement| statement.state == StatementState::Running).await;
    stop.cancel();
    world.ended().await;
    let session = world.get("one").await;
    assert_eq!(session.details.state, SessionState::Stopped);
    assert_eq!(session.details.error_message.as_deref(), Some("The server was stopped."));
    assert_eq!(world.statement("one", number).await.state, StatementState::Cancelled);
    assert_eq!(world.folders(), 0);
}

#[tokio::test]
async fn sessions_of_a_server_that_is_gone_are_ended_by_the_next() {
    let world = World::new().await;
    world.serve();
    world.ready("lost").await;
    world.ready("stopping").await;
    let number = world.submit("lost", "while True: pass").await.unwrap();
    world.comes_to("lost", number, |statement| statement.state == StatementState::Running).await;
    world.served.lock().unwrap().abort_all();
    world.ended().await;
    world.stop("stopping").await.unwrap();
    world.create("new", json!({})).await.unwrap();
    world.serve();
    let lost = world.reaches("lost", SessionState::Failed).await;
    assert!(lost.details.error_message.unwrap().starts_with("The server that ran the session has ended"));
    assert_eq!(world.statement("lost", number).await.state, StatementState::Error);
    let stopped = world.reaches("stopping", SessionState::Stopped).await;
    assert_eq!(stopped.details.error_message, None);
    world.reaches("new", SessionState::Ready).await;
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused() {
    let world = World::new().await;
    for (spec, expected) in [
        (json!({"Command": {"Name": "pythonshell"}}), "Command.Name pythonshell is not glueetl"),
        (
            json!({"Command": {"Name": "glueray"}}),
            "sessions of Command.Name glueray are not built; glueetl is",
        ),
        (json!({"Command": {"PythonVersion": "2"}}), "Command.PythonVersion 2 is not supported; 3 is"),
        (json!({"Timeout": 10_081}), "Timeout 10081 is not between 1 and 10080 minutes"),
        (json!({"IdleTimeout": 0}), "IdleTimeout 0 is not between 1 and 10080 minutes"),
        (json!({"GlueVersion": "1.0"}), "GlueVersion 1.0 is not one of 2.0, 3.0, 4.0, 5.0, 5.1, 6.0"),
        (json!({"WorkerType": "G.1X"}), "WorkerType and NumberOfWorkers must be given together"),
        (json!({"DefaultArguments": {"--conf": "x"}}), "DefaultArguments: --conf: \"x\" is not name=value"),
        (
            json!({"SessionType": "SPARK_CONNECT"}),
            "SessionType SPARK_CONNECT is not built; statements are run by sessions of type LIVY",
        ),
    ] {
        assert_eq!(world.create("one", spec).await.unwrap_err().to_string(), expected);
    }
    let blank = world.create(" ", json!({})).await.unwrap_err().to_string();
    assert_eq!(blank, "Id must be one line that is not blank");
    for id in ["a", "b", "c"] {
        world.create(id, json!({})).await.unwrap();
    }
    assert!(matches!(world.create("a", json!({})).await, Err(SessionError::Exists { .. })));
    assert!(matches!(world.create("d", json!({})).await, Err(SessionError::LimitExceeded { .. })));
    assert!(matches!(world.submit("a", "1").await, Err(SessionError::IllegalState { .. })));
    assert!(matches!(world.submit("x", "1").await, Err(SessionError::NotFound { .. })));
    let mut tx = world.store.begin().await.unwrap();
    assert!(matches!(delete(&mut tx, &scope(), "a").await, Err(SessionError::IllegalState { .. })));
    let page = ListSessions { limit: Some(2), ..ListSessions::default() };
    let page = list(&mut tx, &scope(), &page).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (2, Some("b")));
}
