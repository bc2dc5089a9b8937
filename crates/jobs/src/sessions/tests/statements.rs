//! What statements come to.

use serde_json::json;

use super::super::*;
use super::{World, printed};

#[tokio::test]
async fn statements_share_a_namespace_and_show_values() {
    let world = World::new().await;
    world.serve();
    world.ready("one").await;
    assert_eq!(world.run("one", "x = 20").await, printed(""));
    assert_eq!(world.run("one", "print('a')\nx += 1\nx * 2").await, printed("a\n42"));
    assert_eq!(world.run("one", "_").await, printed("42"));
    assert_eq!(world.run("one", "[spark, __name__]").await, printed("['spark', '__main__']"));
    let raised = |error: &str| (String::new(), Some(error.to_owned()));
    assert_eq!(world.run("one", "1 / 0").await, raised("ZeroDivisionError: division by zero"));
    let syntax = world.run("one", "def f(:").await.1.unwrap();
    assert!(syntax.starts_with("SyntaxError: "), "{syntax}");
    assert_eq!(world.run("one", "exit()").await, raised("SystemExit: None"));
    assert_eq!(world.run("one", "import sys\nprint(x, file=sys.stderr)").await, printed("21"));
    let session = world.get("one").await.to_document(0);
    assert_eq!((&session["Progress"], &session["Status"]), (&json!(1.0), &json!("READY")));
    let shown = world.statement("one", 5).await.to_document();
    let trace = shown["Output"]["Traceback"].as_array().unwrap();
    // From the statement on: how it came to be run is not its business.
    assert_eq!((trace.len(), &trace[0]), (3, &json!("Traceback (most recent call last):\n")));
    assert!(
        trace[1].as_str().unwrap().starts_with("  File \"<statement 5>\", line 1, in <module>\n    1 / 0\n")
    );
    assert_eq!((&shown["Output"]["Status"], &shown["State"]), (&json!("error"), &json!("AVAILABLE")));
}

#[tokio::test]
async fn much_that_is_printed_is_logged_whole_and_kept_in_part() {
    let world = World::new().await;
    world.serve();
    world.ready("one").await;
    let (text, error) = world.run("one", "for at in range(100000): print(at, 'x' * 90)").await;
    assert_eq!(error, None);
    assert!(text.len() < 201_000 && text.starts_with("0 x") && text.contains("99999 x"), "{}", text.len());
    assert!(text.contains("all of it is in the log group /aws-glue/sessions/output, stream one"));
    world.stop("one").await.unwrap();
    world.reaches("one", SessionState::Stopped).await;
    let logged = world.logs.0.lock().unwrap();
    let lines = logged.iter().filter(|(group, _)| group == "/aws-glue/sessions/output");
    assert_eq!(lines.count(), 100_000);
}

#[tokio::test]
async fn a_statement_is_cancelled_and_the_session_goes_on() {
    let world = World::new().await;
    world.serve();
    world.ready("one").await;
    let endless = "x = 1\nopen('first', 'w').close()\nwhile True: pass";
    let endless = world.submit("one", endless).await.unwrap();
    let waiting = world.submit("one", "x = 2").await.unwrap();
    world.has_made("one", "first").await;
    world.cancel("one", waiting).await.unwrap();
    world.cancel("one", endless).await.unwrap();
    let ended = world.comes_to("one", endless, |statement| statement.state.is_final()).await;
    let output = ended.output.unwrap();
    assert_eq!(ended.state, StatementState::Cancelled);
    assert_eq!(output.raised.unwrap().name, "KeyboardInterrupt");
    assert_eq!(world.statement("one", waiting).await.state, StatementState::Cancelled);
    assert_eq!(world.run("one", "x").await, printed("1"));
    let refused = world.cancel("one", endless).await.unwrap_err().to_string();
    assert_eq!(refused, "Statement 1 of session one is CANCELLED and cannot be cancelled");
    // One that catches what interrupts it is interrupted again.
    let stubborn = "n = 0\nwhile n < 3:\n    try:\n        open('begun', 'w').close()\n        while True: pass\n    \
                    except KeyboardInterrupt: n += 1\nn";
    let number = world.submit("one", stubborn).await.unwrap();
    world.has_made("one", "begun").await;
    world.cancel("one", number).await.unwrap();
    let ended = world.comes_to("one", number, |statement| statement.state.is_final()).await;
    assert_eq!((ended.state, ended.output.unwrap().text.as_str()), (StatementState::Available, "3"));
}
