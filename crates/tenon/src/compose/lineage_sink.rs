//! Takes the OpenLineage events of job runs to a file, a server, or both.
//!
//! Runs put their events into a queue and go on; a task writes them, one after the other. When the receiver is away or too
//! slow, events are given up, which the log says: no run waits for one. What is queued when the server stops is written
//! then, as far as a few seconds allow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jobs::lineage::events::Sink;
use serde_json::Value;
use sources::http::{Http, HttpError, Patience, Reach};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::Secret;

use crate::config::LineageConfig;

/// Events that wait to be written.
const QUEUED: usize = 1_000;
/// How long the queue may take to empty when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// A receiver that is away costs this much time for each event, at most.
const PATIENCE: Patience =
    Patience { attempts: 3, first_wait: Duration::from_millis(250), max_wait: Duration::from_secs(2) };

/// The end of the queue that runs have.
pub(super) struct LineageQueue(mpsc::Sender<Value>);

impl Sink for LineageQueue {
    fn take(&self, event: Value) {
        if let Err(error) = self.0.try_send(event) {
            tracing::warn!(%error, "an OpenLineage event of a job run is given up");
        }
    }
}

/// The end of the queue that a task empties.
pub(super) struct LineageWriter {
    queue: Mutex<mpsc::Receiver<Value>>,
    file: Option<PathBuf>,
    server: Option<Server>,
}

struct Server {
    http: Http,
    url: Url,
    key: Option<Secret>,
}

/// Why an event was not written.
#[derive(Debug, thiserror::Error)]
enum Unwritten {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the server answered with status {0}")]
    Status(u16),
}

/// Both ends.
///
/// # Errors
/// The system's certificates cannot be read.
pub(super) fn open(config: &LineageConfig) -> Result<(Arc<LineageQueue>, Arc<LineageWriter>), HttpError> {
    let (sender, receiver) = mpsc::channel(QUEUED);
    let server = match &config.url {
        None => None,
        Some(url) => {
            let http = Http::new(Reach::guarded(true), PATIENCE)?;
            Some(Server { http, url: url.clone(), key: config.api_key.clone() })
        }
    };
    let writer = LineageWriter { queue: Mutex::new(receiver), file: config.file.clone(), server };
    Ok((Arc::new(LineageQueue(sender)), Arc::new(writer)))
}

impl LineageWriter {
    /// Writes events until told to stop, then what is queued.
    pub(super) async fn run(&self, stop: CancellationToken) {
        let mut queue = self.queue.lock().await;
        while let Some(Some(event)) = stop.run_until_cancelled(queue.recv()).await {
            self.write(&event).await;
        }
        let rest = async {
            while let Ok(event) = queue.try_recv() {
                self.write(&event).await;
            }
        };
        if tokio::time::timeout(FAREWELL, rest).await.is_err() {
            tracing::warn!("OpenLineage events are given up: the server stops");
        }
    }

    async fn write(&self, event: &Value) {
        if let Some(file) = &self.file
            && let Err(error) = append(file, event).await
        {
            tracing::warn!(%error, file = %file.display(), "an OpenLineage event could not be written");
        }
        if let Some(server) = &self.server
            && let Err(error) = server.send(event).await
        {
            tracing::warn!(%error, "an OpenLineage event could not be sent");
        }
    }
}

/// Opened for each event: the file may be moved away at any time.
async fn append(file: &Path, event: &Value) -> Result<(), Unwritten> {
    let mut open = OpenOptions::new().create(true).append(true).open(file).await?;
    open.write_all(format!("{event}\n").as_bytes()).await?;
    open.flush().await?;
    Ok(())
}

impl Server {
    async fn send(&self, event: &Value) -> Result<(), Unwritten> {
        let key = self.key.as_ref().map(Secret::expose);
        match self.http.post_json(&self.url, key, event).await? {
            200..=299 => Ok(()),
            status => Err(Unwritten::Status(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn events_are_lines_of_a_file_and_a_full_queue_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("events.jsonl");
        let config =
            LineageConfig { file: Some(file.clone()), url: None, api_key: None, namespace: "n".to_owned() };
        let (queue, writer) = open(&config).expect("opened");
        for at in 0..QUEUED + 3 {
            queue.take(json!({ "at": at }));
        }
        let stop = CancellationToken::new();
        stop.cancel();
        writer.run(stop).await;
        let text = std::fs::read_to_string(&file).expect("written");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), QUEUED);
        assert_eq!(lines.last(), Some(&json!({ "at": QUEUED - 1 })));
    }
}
