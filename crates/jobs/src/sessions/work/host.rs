//! The process of a session: made ready, fed with lines, its output taken apart.

use std::convert::Infallible;
use std::path::Path;

use scripts::{Limits, Lines, Output, Program, failure, process};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::super::Sessions;
use super::super::documents::{Raised, Session};
use crate::execute::RunFailure;
use crate::log::RunLog;
use crate::script::{Folder, Ground, Issued, Laid, lay, memory_bytes, no_folder, passed};

/// The module that runs statements, and its pipe in the working folder; both are `tenon_session`'s.
const MODULE: &str = "tenon_session";
const PIPE: &str = "statements";

/// What the process says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Message {
    /// It takes statements.
    Ready {
        #[expect(dead_code, reason = "that it is there says all")]
        ready: bool,
    },
    /// A statement (none if 0) has written something.
    Print { print: String, of: i64 },
    /// A statement has ended.
    Done { done: i64, error: Option<Raised> },
}

/// How the process ended.
pub(super) enum Gone {
    /// It was told to.
    Killed,
    /// It ended by itself, or there never was one.
    Because(String),
}

struct Prepared {
    program: Program,
    limits: Limits,
    _key: Issued,
    folder: Folder,
}

/// Makes the process and lets it run to its end, or until `kill`; its whole group is gone then.
pub(super) async fn run(
    service: &Sessions,
    session: &Session,
    log: &RunLog,
    said: mpsc::Sender<Message>,
    lines: mpsc::Receiver<String>,
    kill: &CancellationToken,
) -> Gone {
    let prepared = tokio::select! {
        biased;
        () = kill.cancelled() => return Gone::Killed,
        prepared = Box::pin(prepare(service, session, log)) => prepared,
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Gone::Because(failure.message(&session.id)),
    };
    let sink = Said { log, said, printed: Mutex::default() };
    let pipe = prepared.folder.path().join(PIPE);
    let ended = tokio::select! {
        ended = process::run(&prepared.program, prepared.limits, &sink, kill) => ended,
        never = feed(&pipe, lines, kill) => match never {},
    };
    sink.rest().await;
    let gone = match ended {
        Err(error) => Gone::Because(format!("the session's process cannot be run: {error}")),
        Ok(ended) if ended.cancelled => Gone::Killed,
        Ok(ended) => {
            let why = failure::explain(ended.exit, &ended.tail, prepared.limits.memory_bytes);
            Gone::Because(why.unwrap_or_else(|| "A statement has ended the session's process.".to_owned()))
        }
    };
    prepared.folder.remove().await;
    gone
}

async fn prepare(service: &Sessions, session: &Session, log: &RunLog) -> Result<Prepared, RunFailure> {
    let inner = &service.inner;
    let scripts = inner.scripts.options();
    let ground = Ground {
        store: &inner.store,
        lake: &inner.lake,
        scripts: &inner.scripts,
        scope: &session.scope,
        log,
        overlay: None,
        traffic: None,
    };
    let folder = Folder::make(scripts.folder.join(&session.uid)).await.map_err(no_folder)?;
    let given = &session.details.arguments;
    let Laid { python, variables, key } = lay(&ground, given, folder.path()).await?;
    let arguments = ["-m".to_owned(), MODULE.to_owned()].into_iter().chain(passed(given));
    let arguments = arguments.map(Into::into).collect();
    let program = Program { path: python, arguments, variables, folder: folder.path().to_owned() };
    let limits = Limits { memory_bytes: memory_bytes(&session.details.echo, false, scripts) };
    Ok(Prepared { program, limits, _key: key, folder })
}

/// Writes lines to the process, for ever. A pipe that cannot be written is the end of the process.
async fn feed(pipe: &Path, mut lines: mpsc::Receiver<String>, kill: &CancellationToken) -> Infallible {
    let mut open = None;
    while let Some(line) = lines.recv().await {
        if let Err(error) = write(&mut open, pipe, &line).await {
            tracing::warn!(%error, "a statement could not be handed to its session");
            kill.cancel();
            break;
        }
    }
    std::future::pending().await
}

/// The first line comes after the process has said that it is ready: its pipe is there then.
async fn write(open: &mut Option<pipe::Sender>, path: &Path, line: &str) -> std::io::Result<()> {
    let pipe = match open {
        Some(pipe) => pipe,
        None => open.insert(pipe::OpenOptions::new().open_sender(path)?),
    };
    pipe.write_all(line.as_bytes()).await
}

/// Takes the output of the process apart: messages from the one, log lines from the other.
struct Said<'a> {
    log: &'a RunLog,
    said: mpsc::Sender<Message>,
    /// What statements have printed, on its way to whole lines for the log.
    printed: Mutex<Lines>,
}

impl Said<'_> {
    async fn message(&self, line: &str) {
        let message = match serde_json::from_str(line) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "what a session's process said is no message and is left out");
                return;
            }
        };
        if let Message::Print { print, .. } = &message {
            let lines = self.printed.lock().await.push(print.as_bytes());
            self.log.printed(Output::Standard, lines).await;
        }
        // Nobody listens any more when the session has ended.
        let _ = self.said.send(message).await;
    }

    /// Logs the last line, which has no end.
    async fn rest(&self) {
        let lines = self.printed.lock().await.rest();
        self.log.printed(Output::Standard, lines).await;
    }
}

#[async_trait::async_trait]
impl scripts::Sink for Said<'_> {
    async fn lines(&self, output: Output, lines: Vec<String>) {
        match output {
            Output::Error => self.log.printed(output, lines).await,
            Output::Standard => {
                for line in &lines {
                    self.message(line).await;
                }
            }
        }
    }
}
