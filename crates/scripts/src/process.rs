//! One script as a process group: started with limits, its output read as lines, ended as a whole.
//!
//! ```text
//!   server ──pipe──► guard ─── reads; when the pipe closes: kill -KILL the whole group
//!      │               │ same group
//!      └──stdout, stderr◄── python script.py ── its own children
//! ```
//!
//! The group's first process is a shell that sets the memory limit, leaves the guard behind and becomes the program.
//! Only the server holds the other end of the guard's pipe, and gives it to nobody; the system closes it when the server
//! is gone, killed or not. The same pipe is how the server itself ends a script. A process that leaves the group
//! (`setsid`) is out of reach.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

/// `$1` is the memory limit in KiB, the rest the program. The guard is nobody's child in the end, so that a program that
/// waits for its children does not wait for it. A limit that is lower already cannot be raised, and stays.
const START: &str = r#"
ulimit -d "$1" 2>/dev/null
shift
exec 3<&0 </dev/null
( ( read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
"#;

/// The longest line; a longer one is given in pieces.
const MAX_LINE_BYTES: usize = 200_000;
const READ_BYTES: usize = 64 << 10;
/// How much of the end of the error output is kept to find out why the script failed.
const TAIL_BYTES: usize = 32 << 10;
/// How long output is waited for once the group is killed: only a process that has left the group can keep it open.
const LINGER: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// All variables that it gets.
    pub variables: BTreeMap<String, String>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// What it may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of memory that each of its processes may ask for (its data, not what files and libraries are mapped).
    pub memory_bytes: u64,
}

/// One of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Standard,
    /// Standard error.
    Error,
}

/// Takes lines as they come.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Takes lines of one output, in order, without their ends. The program's output waits until this returns.
    async fn lines(&self, output: Output, lines: Vec<String>);
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// The end of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How its first process ended.
    pub exit: Exit,
    /// Whether it was told to; then it says nothing about the script.
    pub cancelled: bool,
    /// The end of its error output.
    pub tail: String,
}

/// A program that could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The system refused to start it.
    #[error("the process could not be started: {0}")]
    Start(#[source] std::io::Error),
    /// The system lost sight of it.
    #[error("the process could not be waited for: {0}")]
    Wait(#[source] std::io::Error),
}

/// A program that has been started. Its group ends when this is dropped.
#[derive(Debug)]
pub struct Started {
    /// The group's first process; its two outputs are not read yet.
    pub(crate) child: Child,
    guard: Option<ChildStdin>,
}

/// Runs a program to its end, or until `cancel`; its whole group is gone then. The group also ends when the returned
/// future is dropped.
///
/// # Errors
/// [`ProcessError`]; a program that fails is no error.
pub async fn run(
    program: &Program,
    limits: Limits,
    sink: &dyn Sink,
    cancel: &CancellationToken,
) -> Result<Ended, ProcessError> {
    attend(start(program, limits)?, sink, cancel).await
}

/// Lets a program that was started run to its end, as [`run`] does.
///
/// # Errors
/// As of [`run`].
pub async fn attend(
    started: Started,
    sink: &dyn Sink,
    cancel: &CancellationToken,
) -> Result<Ended, ProcessError> {
    let Started { mut child, guard } = started;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let over = CancellationToken::new();
    let waiting = async {
        let ended = wait(&mut child, guard, cancel).await;
        over.cancel();
        ended
    };
    let (ended, _, tail) = tokio::join!(
        waiting,
        pump(stdout, Output::Standard, sink, &over),
        pump(stderr, Output::Error, sink, &over)
    );
    let (status, cancelled) = ended.map_err(ProcessError::Wait)?;
    Ok(Ended { exit: exit(status), cancelled, tail })
}

/// Starts a program, whose output waits until somebody reads it.
///
/// # Errors
/// [`ProcessError::Start`].
pub fn start(program: &Program, limits: Limits) -> Result<Started, ProcessError> {
    let child = Command::new("/bin/sh")
        .args(["-c", START, "script"])
        .arg((limits.memory_bytes / 1024).max(1).to_string())
        .arg(&program.path)
        .args(&program.arguments)
        .env_clear()
        .envs(&program.variables)
        .current_dir(&program.folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(ProcessError::Start)?;
    let guard = child.stdin.take();
    Ok(Started { child, guard })
}

/// Waits for the first process; dropping `guard` then ends what it left behind.
async fn wait(
    child: &mut Child,
    guard: Option<ChildStdin>,
    cancel: &CancellationToken,
) -> std::io::Result<(ExitStatus, bool)> {
    let ended = tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        status = child.wait() => Some(status?),
    };
    drop(guard);
    match ended {
        Some(status) => Ok((status, false)),
        None => {
            // The guard kills the group; should a script have killed its guard, this still gets the script.
            if let Err(error) = child.start_kill() {
                tracing::debug!(%error, "a script had ended before it was killed");
            }
            Ok((child.wait().await?, true))
        }
    }
}

fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}

/// Reads one output to its end and hands its lines on; returns its last bytes.
async fn pump(
    pipe: Option<impl AsyncRead + Unpin>,
    output: Output,
    sink: &dyn Sink,
    over: &CancellationToken,
) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let (mut lines, mut tail) = (Lines::default(), Tail::default());
    let mut buffer = vec![0; READ_BYTES];
    let lingered = async {
        over.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::pin!(lingered);
    loop {
        let read = tokio::select! {
            biased;
            read = pipe.read(&mut buffer) => read,
            () = &mut lingered => Ok(0),
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, ?output, "the output of a script could not be read to its end");
                0
            }
        };
        tail.push(&buffer[..read]);
        let ready = if read == 0 { lines.rest() } else { lines.push(&buffer[..read]) };
        if !ready.is_empty() {
            sink.lines(output, ready).await;
        }
        if read == 0 {
            return tail.text();
        }
    }
}

/// Bytes on their way to lines of bounded length, which every store can keep.
#[derive(Debug, Default)]
pub struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    /// The lines that these bytes finish; a line that is too long comes in pieces.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut ready = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.unfinished.pop();
                if self.unfinished.ends_with(b"\r") {
                    self.unfinished.pop();
                }
                ready.push(text(&std::mem::take(&mut self.unfinished)));
            }
            while self.unfinished.len() > MAX_LINE_BYTES {
                let rest = self.unfinished.split_off(boundary(&self.unfinished, MAX_LINE_BYTES));
                ready.push(text(&std::mem::replace(&mut self.unfinished, rest)));
            }
        }
        ready
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Vec<String> {
        let last = std::mem::take(&mut self.unfinished);
        if last.is_empty() { Vec::new() } else { vec![text(&last)] }
    }
}

/// The last place up to `end` that is not inside a character.
fn boundary(bytes: &[u8], end: usize) -> usize {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (end.saturating_sub(3)..=end).rev().find(|at| !is_inside(*at)).unwrap_or(end)
}

/// Text that every store can keep.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

/// The last bytes of an output.
#[derive(Default)]
struct Tail {
    kept: Vec<u8>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * TAIL_BYTES {
            self.kept.drain(..self.kept.len() - TAIL_BYTES);
        }
    }

    fn text(&self) -> String {
        text(&self.kept[self.kept.len().saturating_sub(TAIL_BYTES)..])
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
