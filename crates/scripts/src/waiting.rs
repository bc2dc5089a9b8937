//! A process that is started before there is a script for it: it imports what takes scripts longest, waits, and becomes one
//! script, never two.
//!
//! ```text
//!   start ──► "waiting" on its output ── imports ── reads its pipe ◄── arguments, variables, limit (one JSON line)
//!                                                       │
//!                                     "begun  " ◄───────┴── runs the script; from here on it is as if started by `process`
//! ```
//!
//! The Python side is the package `tenon_pool`. Group, guard and limits are those of [`process`]. The pipe lies in the
//! process's working folder, which becomes that of the script. Until it is taken the process knows nothing of a run: no
//! key, no account, no region.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;

use crate::process::{self, Limits, ProcessError, Program, Started};

/// The module that waits; what it says, and its pipe in the working folder, are in `tenon_pool/worker.py`, too.
const MODULE: [&str; 2] = ["-m", "tenon_pool"];
const PIPE: &str = ".tenon-run";
const WAITING: &[u8; 8] = b"waiting\n";
const BEGUN: &[u8; 8] = b"begun  \n";
/// How long a process may take to say that it waits, and that it has begun; imports take a second or two of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that waits for its script. It ends when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    started: Started,
    pipe: PathBuf,
}

/// What became of handing a script over.
#[derive(Debug)]
pub enum Taken {
    /// It runs.
    Begun(Box<Started>),
    /// The process is gone and has not begun it: it can be started otherwise. The reason is for the server's log.
    Unused(String),
}

impl Waiting {
    /// Starts a process. `program` says where it runs and which variables it has while it waits; its arguments are none.
    ///
    /// # Errors
    /// `Start` when it cannot be started, or does not say that it waits.
    pub async fn start(program: &Program, limits: Limits) -> Result<Self, ProcessError> {
        let arguments = MODULE.map(Into::into).to_vec();
        let mut started = process::start(&Program { arguments, ..program.clone() }, limits)?;
        let told = said(&mut started, WAITING).await;
        told.map_err(|why| ProcessError::Start(std::io::Error::other(why)))?;
        Ok(Self { started, pipe: program.folder.join(PIPE) })
    }

    /// Whether the process is there.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.started.child.try_wait(), Ok(None))
    }

    /// Makes the process that of a script: `program` as it would be started otherwise, in the folder in which the process
    /// waits. A limit can only be lowered.
    ///
    /// # Errors
    /// `Wait` when the process cannot be ended that did not answer; then it is not known whether the script has begun.
    pub async fn take(mut self, program: &Program, limits: Limits) -> Result<Taken, ProcessError> {
        let handed = async {
            let line = line(program, limits).ok_or("a path is no text")?;
            self.hand(&line).await.map_err(|error| error.to_string())?;
            said(&mut self.started, BEGUN).await
        };
        match handed.await {
            Ok(()) => Ok(Taken::Begun(Box::new(self.started))),
            Err(why) => self.ended(why).await,
        }
    }

    async fn hand(&self, line: &str) -> std::io::Result<()> {
        let mut pipe = pipe::OpenOptions::new().open_sender(&self.pipe)?;
        pipe.write_all(line.as_bytes()).await
    }

    /// Ends a process that has not said that it has begun, and makes sure that it has not.
    async fn ended(mut self, why: String) -> Result<Taken, ProcessError> {
        let child = &mut self.started.child;
        child.kill().await.map_err(ProcessError::Wait)?;
        let mut rest = [0; BEGUN.len()];
        let read = match child.stdout.as_mut() {
            Some(stdout) => stdout.read(&mut rest).await.unwrap_or_default(),
            None => 0,
        };
        if read == 0 {
            // The folder is the script's; that there is no pipe is fine.
            let _ = tokio::fs::remove_file(&self.pipe).await;
            return Ok(Taken::Unused(why));
        }
        Err(ProcessError::Wait(std::io::Error::other(format!("it had begun when it was given up: {why}"))))
    }
}

/// Waits until a process says just this.
async fn said(started: &mut Started, expected: &[u8; 8]) -> Result<(), String> {
    let stdout = started.child.stdout.as_mut().ok_or("it has no output")?;
    let mut found = [0; 8];
    match tokio::time::timeout(PATIENCE, stdout.read_exact(&mut found)).await {
        Ok(Ok(_)) if found == *expected => Ok(()),
        Ok(Ok(_)) => Err(format!("it said {:?}", String::from_utf8_lossy(&found))),
        Ok(Err(error)) => Err(format!("it ended: {error}")),
        Err(_) => Err(format!("it said nothing for {} s", PATIENCE.as_secs())),
    }
}

/// The one line that the process reads.
fn line(program: &Program, limits: Limits) -> Option<String> {
    let arguments: Option<Vec<&str>> = program.arguments.iter().map(|argument| argument.to_str()).collect();
    let document = json!({
        "python": program.path.to_str()?,
        "arguments": arguments?,
        "variables": program.variables,
        "memory_bytes": limits.memory_bytes,
    });
    Some(format!("{document}\n"))
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
