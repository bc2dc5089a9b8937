//! Definitions and runs on a real store.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::{Scope, Store, Tx};

use super::*;
use crate::definition::{self, JobSpec, ListQuery};
use crate::{JobsError, MIGRATIONS};

pub(crate) fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1").unwrap()
}

pub(crate) fn spec(extra: Value) -> JobSpec {
    let mut document = json!({
        "Role": "role", "Command": {"Name": "glueetl"}, "Description": "kept",
        "CodeGenConfigurationNodes": {
            "s": {"CatalogSource": {"Name": "s", "Database": "d", "Table": "t"}},
            "o": {"S3DirectTarget": {"Name": "o", "Inputs": ["s"], "Path": "s3://b/p", "Format": "json"}},
        },
    });
    if let (Value::Object(document), Value::Object(extra)) = (&mut document, extra) {
        document.extend(extra);
    }
    serde_json::from_value(document).unwrap()
}

async fn store() -> (Store, tempfile::TempDir) {
    store::testing::temp(&[MIGRATIONS]).await
}

pub(crate) async fn job(tx: &mut Tx, name: &str, extra: Value) {
    definition::create(tx, &scope(), name, spec(extra), &BTreeMap::new()).await.unwrap();
}

async fn start_one(tx: &mut Tx, name: &str) -> Result<String, JobsError> {
    start(tx, &scope(), name, StartRequest::default()).await
}

async fn state(tx: &mut Tx, name: &str, id: &str) -> RunState {
    get(tx, &scope(), name, id).await.unwrap().details.state
}

async fn event(tx: &mut Tx, id: &str, event: Event) -> Option<Vec<Effect>> {
    let mut run = load(tx, id).await.unwrap().unwrap();
    apply(tx, &mut run, event).await.unwrap()
}

#[tokio::test]
async fn definitions_are_stored_whole_and_defaults_filled_in() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(
        &mut tx,
        "a",
        json!({"Connections": {"Connections": ["c"]}, "WorkerType": "G.2X", "NumberOfWorkers": 3}),
    )
    .await;
    let document = definition::get(&mut tx, &scope(), "a").await.unwrap().to_document().unwrap();
    assert_eq!(document["Connections"]["Connections"][0], "c");
    assert_eq!(document["Description"], "kept");
    assert_eq!(document["MaxCapacity"], 6.0);
    assert_eq!(document["AllocatedCapacity"], 6);
    assert_eq!(document["Timeout"], 480);
    assert_eq!(document["MaxRetries"], 0);
    assert_eq!(document["ExecutionProperty"]["MaxConcurrentRuns"], 1);
    assert_eq!(document["JobMode"], "SCRIPT");
    // The same again changes nothing, another definition is refused.
    job(
        &mut tx,
        "a",
        json!({"Connections": {"Connections": ["c"]}, "WorkerType": "G.2X", "NumberOfWorkers": 3}),
    )
    .await;
    let other = definition::create(&mut tx, &scope(), "a", spec(json!({})), &BTreeMap::new()).await;
    assert!(matches!(other, Err(JobsError::DifferentDefinition { .. })));
    definition::update(&mut tx, &scope(), "a", spec(json!({"GlueVersion": "4.0"}))).await.unwrap();
    let document = definition::get(&mut tx, &scope(), "a").await.unwrap().to_document().unwrap();
    assert!(document.get("Connections").is_none());
    assert_eq!(document["Timeout"], 2880);
}

#[tokio::test]
async fn definitions_are_checked() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    for (extra, expected) in [
        (json!({"Timeout": 0}), "Timeout 0"),
        (json!({"MaxRetries": 11}), "MaxRetries 11"),
        (json!({"WorkerType": "G.1X"}), "given together"),
        (
            json!({"WorkerType": "G.1X", "NumberOfWorkers": 2, "MaxCapacity": 2.0}),
            "Please do not set Max Capacity",
        ),
        (json!({"WorkerType": "Huge", "NumberOfWorkers": 2}), "WorkerType Huge"),
        (json!({"ExecutionProperty": {"MaxConcurrentRuns": 0}}), "MaxConcurrentRuns 0"),
        (json!({"GlueVersion": "7"}), "Glue version 7"),
        (json!({"Command": {"Name": "perl"}}), "Command.Name perl"),
        (json!({"Command": {"Name": "pythonshell"}}), "need Command.Name glueetl"),
        (json!({"CodeGenConfigurationNodes": {"x": {"Spigot": {}}}}), "node x (Spigot)"),
    ] {
        let error =
            definition::create(&mut tx, &scope(), "a", spec(extra), &BTreeMap::new()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error} does not contain {expected}");
    }
    assert!(definition::create(&mut tx, &scope(), " ", spec(json!({})), &BTreeMap::new()).await.is_err());
}

#[tokio::test]
async fn jobs_are_listed_in_pages_and_by_tags() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    for at in 0..7 {
        let tags = BTreeMap::from([("even".to_owned(), (at % 2 == 0).to_string())]);
        definition::create(&mut tx, &scope(), &format!("j{at}"), spec(json!({})), &tags).await.unwrap();
    }
    let names = |page: &definition::Page<definition::Job>| {
        page.items.iter().map(|job| job.name.clone()).collect::<Vec<_>>().join(" ")
    };
    let mut query = ListQuery { limit: Some(3), ..ListQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = definition::list(&mut tx, &scope(), &query).await.unwrap();
        seen.push(names(&page));
        match page.next {
            Some(next) => query.token = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["j0 j1 j2", "j3 j4 j5", "j6"]);
    let tags = BTreeMap::from([("even".to_owned(), "true".to_owned())]);
    let query = ListQuery { limit: Some(2), tags, token: None };
    let page = definition::list(&mut tx, &scope(), &query).await.unwrap();
    assert_eq!((names(&page).as_str(), page.next.as_deref()), ("j0 j2", Some("j2")));
    let (found, missing) =
        definition::batch_get(&mut tx, &scope(), &["j1".to_owned(), "no".to_owned()]).await.unwrap();
    assert_eq!((found.len(), missing), (1, vec!["no".to_owned()]));
}

#[tokio::test]
async fn jobs_without_graph_and_script_are_stored_and_their_runs_refused() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "script", json!({"CodeGenConfigurationNodes": null})).await;
    let error = start_one(&mut tx, "script").await.unwrap_err();
    assert!(
        matches!(&error, JobsError::InvalidInput { message } if message.contains("ScriptLocation")),
        "{error}"
    );
    assert!(matches!(start_one(&mut tx, "none").await, Err(JobsError::JobNotFound { .. })));
}

#[tokio::test]
async fn concurrency_is_limited_or_queued() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "one", json!({})).await;
    let first = start_one(&mut tx, "one").await.unwrap();
    let error = start_one(&mut tx, "one").await.unwrap_err();
    assert!(matches!(error, JobsError::ConcurrentRunsExceeded { max: 1, .. }));
    let queued = StartRequest { job_run_queuing_enabled: Some(true), ..StartRequest::default() };
    let second = start(&mut tx, &scope(), "one", queued).await.unwrap();
    assert_eq!(state(&mut tx, "one", &second).await, RunState::Waiting);
    event(&mut tx, &first, Event::Begun).await.unwrap();
    event(&mut tx, &first, Event::Failed).await.unwrap();
    assert_eq!(state(&mut tx, "one", &first).await, RunState::Failed);
    event(&mut tx, &second, Event::Admitted).await.unwrap();
    assert_eq!(state(&mut tx, "one", &second).await, RunState::Starting);
    job(&mut tx, "two", json!({"ExecutionProperty": {"MaxConcurrentRuns": 2}})).await;
    start_one(&mut tx, "two").await.unwrap();
    start_one(&mut tx, "two").await.unwrap();
    assert!(start_one(&mut tx, "two").await.is_err());
}

#[tokio::test]
async fn retries_are_new_runs_with_what_the_first_was_given() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "r", json!({"MaxRetries": 1})).await;
    let arguments = BTreeMap::from([("--max-bad-records".to_owned(), "5".to_owned())]);
    let request = StartRequest { arguments: Some(arguments.clone()), ..StartRequest::default() };
    let first = start(&mut tx, &scope(), "r", request).await.unwrap();
    event(&mut tx, &first, Event::Begun).await.unwrap();
    let effects = event(&mut tx, &first, Event::Lost).await.unwrap();
    assert!(effects.contains(&Effect::Retry));
    let retry = format!("{first}_attempt_1");
    let run = get(&mut tx, &scope(), "r", &retry).await.unwrap();
    assert_eq!((run.details.attempt, run.details.state), (1, RunState::Starting));
    assert_eq!(run.details.previous_run_id.as_deref(), Some(first.as_str()));
    assert_eq!(input(&mut tx, &retry).await.unwrap().unwrap().arguments, arguments);
    event(&mut tx, &retry, Event::Begun).await.unwrap();
    event(&mut tx, &retry, Event::Failed).await.unwrap();
    assert_eq!(list(&mut tx, &scope(), "r", None, None).await.unwrap().runs.len(), 2);
    // By hand.
    let request = StartRequest { job_run_id: Some(retry.clone()), ..StartRequest::default() };
    let again = start(&mut tx, &scope(), "r", request.clone()).await.unwrap();
    assert_eq!(again, format!("{first}_attempt_2"));
    assert_eq!(input(&mut tx, &again).await.unwrap().unwrap().arguments, arguments);
    event(&mut tx, &again, Event::Begun).await.unwrap();
    event(&mut tx, &again, Event::Published).await.unwrap();
    assert!(start(&mut tx, &scope(), "r", request).await.is_err(), "retried twice");
}

#[tokio::test]
async fn arguments_are_checked_when_a_run_is_started() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "a", json!({"NonOverridableArguments": {"--max-bad-records": "1"}})).await;
    let with = |name: &str, value: &str| StartRequest {
        arguments: Some(BTreeMap::from([(name.to_owned(), value.to_owned())])),
        ..StartRequest::default()
    };
    for (name, value) in [("--job-bookmark-option", "maybe"), ("--job-bookmark-from", "jr_1")] {
        assert!(start(&mut tx, &scope(), "a", with(name, value)).await.is_err(), "{name}");
    }
    let id = start(&mut tx, &scope(), "a", with("--max-bad-records", "9")).await.unwrap();
    assert_eq!(input(&mut tx, &id).await.unwrap().unwrap().arguments["--max-bad-records"], "1");
    let document = to_document(&get(&mut tx, &scope(), "a", &id).await.unwrap(), tx.now_ms());
    assert_eq!(document["Arguments"]["--max-bad-records"], "9");
    assert_eq!(document["JobRunState"], "STARTING");
    assert_eq!(document["LogGroupName"], "/aws-glue/jobs");
}

#[tokio::test]
async fn stopping() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "s", json!({"ExecutionProperty": {"MaxConcurrentRuns": 9}})).await;
    let job = definition::get(&mut tx, &scope(), "s").await.unwrap();
    let (fresh, running) = (start_one(&mut tx, "s").await.unwrap(), start_one(&mut tx, "s").await.unwrap());
    event(&mut tx, &running, Event::Begun).await.unwrap();
    assert_eq!(stop(&mut tx, &job, &fresh).await.unwrap(), StopResult::Submitted { cancel: false });
    assert_eq!(state(&mut tx, "s", &fresh).await, RunState::Stopped);
    assert_eq!(stop(&mut tx, &job, &running).await.unwrap(), StopResult::Submitted { cancel: true });
    assert_eq!(state(&mut tx, "s", &running).await, RunState::Stopping);
    assert!(event(&mut tx, &running, Event::Published).await.is_none());
    event(&mut tx, &running, Event::Cancelled).await.unwrap();
    assert_eq!(stop(&mut tx, &job, &running).await.unwrap(), StopResult::Ended { state: RunState::Stopped });
    assert_eq!(stop(&mut tx, &job, "jr_x").await.unwrap(), StopResult::NotFound);
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "l", json!({"ExecutionProperty": {"MaxConcurrentRuns": 9}})).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(start_one(&mut tx, "l").await.unwrap());
    }
    ids.reverse();
    let first = list(&mut tx, &scope(), "l", None, Some(3)).await.unwrap();
    let second = list(&mut tx, &scope(), "l", first.next.as_deref(), Some(3)).await.unwrap();
    let all: Vec<String> = first.runs.iter().chain(&second.runs).map(|run| run.id.clone()).collect();
    assert_eq!((all, second.next), (ids, None));
    assert!(list(&mut tx, &scope(), "l", Some("x"), None).await.is_err());
}

#[tokio::test]
async fn a_deleted_job_takes_its_runs_along() {
    let (store, _dir) = store().await;
    let mut tx = store.begin().await.unwrap();
    job(&mut tx, "d", json!({})).await;
    let id = start_one(&mut tx, "d").await.unwrap();
    definition::delete(&mut tx, &scope(), "d").await.unwrap();
    definition::delete(&mut tx, &scope(), "d").await.unwrap();
    assert!(load(&mut tx, &id).await.unwrap().is_none());
    job(&mut tx, "d", json!({})).await;
    assert!(list(&mut tx, &scope(), "d", None, None).await.unwrap().runs.is_empty());
}
