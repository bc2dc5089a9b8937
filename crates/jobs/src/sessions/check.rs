//! Checks what a session is asked for and fills in the defaults that AWS documents.
//!
//! Source: AWS Glue Web API Reference, CreateSession.

use serde_json::{Map, Value};

use super::documents::{SessionDetails, SessionSpec};
use super::error::SessionError;
use super::state::SessionState;
use crate::definition::{JobCommand, JobSpec, MAX_TIMEOUT_MINUTES, complete_capacity};
use crate::script::Asked;

const TIMEOUT_MINUTES: i64 = 2_880;
const COMMAND: &str = "glueetl";
const DEFAULT_GLUE_VERSION: &str = "5.1";
const GLUE_VERSIONS: [&str; 6] = ["2.0", "3.0", "4.0", "5.0", "5.1", "6.0"];
const LIVY: &str = "LIVY";

/// A session that nobody has begun yet.
pub(super) fn complete(mut spec: SessionSpec) -> Result<SessionDetails, SessionError> {
    check_command(spec.command.get_or_insert_with(JobCommand::default))?;
    let kind = spec.session_type.get_or_insert_with(|| LIVY.to_owned());
    if kind != LIVY {
        return Err(SessionError::NotSupported {
            message: format!(
                "SessionType {kind} is not built; statements are run by sessions of type {LIVY}"
            ),
        });
    }
    let version = spec.glue_version.get_or_insert_with(|| DEFAULT_GLUE_VERSION.to_owned());
    if !GLUE_VERSIONS.contains(&version.as_str()) {
        let known = GLUE_VERSIONS.join(", ");
        return Err(SessionError::invalid(format!("GlueVersion {version} is not one of {known}")));
    }
    let timeout_minutes = minutes("Timeout", spec.timeout.take().unwrap_or(TIMEOUT_MINUTES))?;
    let idle_minutes = minutes("IdleTimeout", *spec.idle_timeout.get_or_insert(timeout_minutes))?;
    capacity(&mut spec)?;
    let arguments = spec.default_arguments.clone().unwrap_or_default();
    Asked::read(&arguments)
        .map_err(|message| SessionError::invalid(format!("DefaultArguments: {message}")))?;
    if arguments.contains_key("--output-commit") {
        let message = "DefaultArguments: --output-commit is for the runs of jobs: what a session writes is visible at once";
        return Err(SessionError::invalid(message));
    }
    Ok(SessionDetails {
        state: SessionState::Provisioning,
        begun: false,
        statements: 0,
        ended: 0,
        error_message: None,
        completed_ms: None,
        timeout_minutes,
        idle_minutes,
        arguments,
        echo: echo(&spec)?,
    })
}

fn check_command(command: &mut JobCommand) -> Result<(), SessionError> {
    let name = command.name.get_or_insert_with(|| COMMAND.to_owned());
    match name.as_str() {
        COMMAND => {}
        "gluestreaming" | "glueray" => {
            return Err(SessionError::NotSupported {
                message: format!("sessions of Command.Name {name} are not built; {COMMAND} is"),
            });
        }
        _ => return Err(SessionError::invalid(format!("Command.Name {name} is not {COMMAND}"))),
    }
    let version = command.other.entry("PythonVersion").or_insert_with(|| Value::from("3"));
    match version.as_str() {
        Some("2") => Err(SessionError::invalid("Command.PythonVersion 2 is not supported; 3 is")),
        _ => Ok(()),
    }
}

fn minutes(name: &str, minutes: i64) -> Result<i64, SessionError> {
    if (1..=MAX_TIMEOUT_MINUTES).contains(&minutes) {
        return Ok(minutes);
    }
    Err(SessionError::invalid(format!("{name} {minutes} is not between 1 and {MAX_TIMEOUT_MINUTES} minutes")))
}

/// Fills `MaxCapacity` by the rule of jobs.
fn capacity(spec: &mut SessionSpec) -> Result<(), SessionError> {
    let mut as_job = JobSpec {
        command: spec.command.clone(),
        worker_type: spec.worker_type.clone(),
        number_of_workers: spec.number_of_workers,
        max_capacity: spec.max_capacity,
        ..JobSpec::default()
    };
    complete_capacity(&mut as_job).map_err(|error| SessionError::invalid(error.to_string()))?;
    spec.max_capacity = as_job.max_capacity;
    Ok(())
}

fn echo(spec: &SessionSpec) -> Result<Map<String, Value>, SessionError> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(echo)) => Ok(echo),
        Ok(_) => Ok(Map::new()),
        Err(source) => Err(SessionError::Damaged { what: "session", source }),
    }
}
