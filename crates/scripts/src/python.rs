//! Asking a Python interpreter, and letting pip work.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// How much of what a tool says is repeated.
const MAX_SAID_CHARS: usize = 1_500;

/// A tool that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// It could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    /// It ended badly; what it said last.
    #[error("{said}")]
    Failed { said: String },
}

/// Runs a tool to its end and returns its standard output. It is killed when the future is dropped.
pub(crate) async fn call<S: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    variables: &BTreeMap<String, String>,
) -> Result<String, ToolError> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await;
    let output =
        output.map_err(|source| ToolError::Start { program: program.display().to_string(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(ToolError::Failed { said: end_of(&String::from_utf8_lossy(&said)) })
}

/// The last lines of a text.
fn end_of(text: &str) -> String {
    let text = text.trim();
    let from = text.chars().count().saturating_sub(MAX_SAID_CHARS);
    text.chars().skip(from).collect()
}
